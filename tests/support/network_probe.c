/* Lets tests in Python see networks as the library does:
 *     network_probe NET.h5 X.npy FOLDER
 * reads a network and points, one a row, and writes into FOLDER forward.npy (the outputs),
 * jacobian.npy (of the first point) and sigma_L.npy (singular values of its first L layers). */

#include <stdio.h>

#include "mcbe/network.h"
#include "memory.h"
#include "network_file.h"
#include "npy.h"

static mcbe_status_t save(const char *folder, const char *name, const double *values, int64_t rows,
                          int64_t columns, mcbe_error_t *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    return mcbe_npy_save(path, values, rows, columns, err);
}

static mcbe_status_t write_forward(const mcbe_network_t *network, const mcbe_npy_t *points,
                                   const char *folder, mcbe_error_t *err)
{
    const mcbe_extent_t output = mcbe_network_output(network);
    const int size = mcbe_extent_size(&output);
    double *y = mcbe_alloc((size_t)points->rows * (size_t)size, sizeof *y);
    mcbe_status_t st =
        y ? mcbe_network_forward(network, network->count, points->rows, points->values, y)
          : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        st = save(folder, "forward", y, points->rows, size, err);
    }
    mcbe_free(y);
    return st;
}

static mcbe_status_t write_linear(const mcbe_network_t *network, const double *x,
                                  const char *folder, mcbe_error_t *err)
{
    const mcbe_extent_t output = mcbe_network_output(network);
    const int rows = mcbe_extent_size(&output), columns = mcbe_extent_size(&network->input);
    mcbe_linearization_t *linear = NULL;
    double *matrix = mcbe_alloc((size_t)rows * (size_t)columns, sizeof *matrix);
    double *sigma = mcbe_alloc((size_t)columns, sizeof *sigma);
    mcbe_status_t st =
        matrix && sigma ? mcbe_linearization_create(&linear, network, x) : MCBE_ERR_NOMEM;
    st = st == MCBE_OK ? mcbe_linearization_matrix(linear, 0, network->count, matrix) : st;
    st = st == MCBE_OK ? save(folder, "jacobian", matrix, rows, columns, err) : st;
    for (int last = 1; last <= network->count && st == MCBE_OK; last++) {
        const int height = mcbe_extent_size(&network->layers[last - 1].out);
        char name[32];
        snprintf(name, sizeof name, "sigma_%d", last);
        st = mcbe_linearization_singular_values(linear, 0, last, sigma);
        st = st == MCBE_OK ? save(folder, name, sigma, height < columns ? height : columns, 0, err)
                           : st;
    }
    mcbe_linearization_destroy(&linear);
    mcbe_free(sigma);
    mcbe_free(matrix);
    return st;
}

int main(int argc, char **argv)
{
    mcbe_network_t network = {0};
    mcbe_npy_t points = {0};
    mcbe_error_t err = {0};
    if (argc != 4) {
        return 64;
    }
    mcbe_status_t st = mcbe_network_load(&network, argv[1], &err);
    st = st == MCBE_OK ? mcbe_npy_load(&points, argv[2], &err) : st;
    if (st == MCBE_OK && points.columns != mcbe_extent_size(&network.input)) {
        st = mcbe_fail(&err, MCBE_ERR_DATA, "the points have %lld coordinates",
                       (long long)points.columns);
    }
    st = st == MCBE_OK ? write_forward(&network, &points, argv[3], &err) : st;
    st = st == MCBE_OK ? write_linear(&network, points.values, argv[3], &err) : st;
    if (st != MCBE_OK) {
        fprintf(stderr, "%s\n", err.text[0] ? err.text : mcbe_strerror(st));
    }
    mcbe_npy_free(&points);
    mcbe_network_free(&network);
    return mcbe_exit_code(st);
}
