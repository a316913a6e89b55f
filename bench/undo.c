/* Layers undone by the library, for those who compare: answers and times of mcbe/reconstruct.h and
 * mcbe/stability.h for matrices in .npy files.
 *
 *     mcbe_undo TASK FOLDER...
 *
 * reads w.npy [m][n], bias.npy [1][m] and z.npy [N][m] of every folder (rows with z > 0 are active)
 * and writes there, a row an output:
 *     least_squares  x.npy [N][n], info.npy: active, rank, rcond, residual, by_svd
 *     frame          x.npy [N][n], info.npy: active, rank, lower, upper, rate, iterations, needed,
 *                    error_bound, residual, converged; to 1e-11 or 100,000 iterations
 *     extremes       info.npy: rows, rank, smallest, smallest_positive, largest
 *     values         sigma.npy [N][min(m, n)], info.npy: rank
 *     correlation    reads c.npy [1][count]; rows.npy [N][count], info.npy: rows, removed, lemma,
 *                    lemma_row, sharp, sharp_row
 * One JSON line a folder says how long it took, files and memory apart. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "memory.h"
#include "npy.h"
#include "mcbe/cpu.h"
#include "mcbe/reconstruct.h"
#include "mcbe/stability.h"

#define FIELDS_MAX 10
#define FRAME_TOLERANCE 1e-11
#define FRAME_ITERATIONS 100000

typedef struct layer {
    mcbe_npy_t w, bias, z, c;
    int64_t m, n, count;
    mcbe_reconstruct_t *reconstruct;
    mcbe_stability_t *stability;
    unsigned char *active; /* [m] */
    int64_t *rows;         /* [c.columns] */
    double *wide;          /* [count][width]: x, sigma or rows */
    double *info;          /* [count][FIELDS_MAX] */
} layer_t;

typedef struct task {
    const char *name, *wide; /* of the file, or NULL */
    int fields, undoes;
    mcbe_status_t (*run)(layer_t *layer, int64_t i, double *wide, double *info, mcbe_error_t *err);
} task_t;

static mcbe_status_t least_squares(layer_t *layer, int64_t i, double *wide, double *info,
                                   mcbe_error_t *err)
{
    mcbe_reconstruction_t found = {0};
    mcbe_status_t st =
        mcbe_reconstruct_least_squares(layer->reconstruct, 1, layer->z.values + i * layer->m,
                                       layer->m, wide, layer->n, &found, err);
    const double fields[] = {found.active, found.rank, found.rcond, found.residual, found.by_svd};
    memcpy(info, fields, sizeof fields);
    return st;
}

static mcbe_status_t frame(layer_t *layer, int64_t i, double *wide, double *info, mcbe_error_t *err)
{
    mcbe_frame_algorithm_t run = {0};
    mcbe_status_t st =
        mcbe_reconstruct_frame_algorithm(layer->reconstruct, layer->z.values + i * layer->m,
                                         FRAME_TOLERANCE, FRAME_ITERATIONS, wide, &run, err);
    const double fields[] = {run.active,         run.rank,
                             run.lower,          run.upper,
                             run.rate,           (double)run.iterations,
                             (double)run.needed, run.error_bound,
                             run.residual,       (double)run.converged};
    memcpy(info, fields, sizeof fields);
    return st;
}

static const unsigned char *active_rows(layer_t *layer, int64_t i)
{
    for (int64_t j = 0; j < layer->m; j++) {
        layer->active[j] = layer->z.values[i * layer->m + j] > 0.0;
    }
    return layer->active;
}

static mcbe_status_t extremes(layer_t *layer, int64_t i, double *wide, double *info,
                              mcbe_error_t *err)
{
    mcbe_extremes_t found = {0};
    (void)wide;
    (void)err;
    mcbe_status_t st = mcbe_stability_extremes(layer->stability, active_rows(layer, i), &found);
    const double fields[] = {found.rows, found.rank, found.smallest, found.smallest_positive,
                             found.largest};
    memcpy(info, fields, sizeof fields);
    return st;
}

static mcbe_status_t values(layer_t *layer, int64_t i, double *wide, double *info,
                            mcbe_error_t *err)
{
    int rank = 0;
    (void)err;
    mcbe_status_t st = mcbe_stability_values(layer->stability, active_rows(layer, i), wide, &rank);
    info[0] = rank;
    return st;
}

static mcbe_status_t correlation(layer_t *layer, int64_t i, double *wide, double *info,
                                 mcbe_error_t *err)
{
    mcbe_correlation_t found = {0};
    (void)err;
    mcbe_status_t st =
        mcbe_stability_correlation(layer->stability, active_rows(layer, i), (int)layer->c.columns,
                                   layer->c.values, layer->rows, &found);
    for (int64_t l = 0; l < layer->c.columns; l++) {
        wide[l] = (double)layer->rows[l];
    }
    const double fields[] = {found.rows,      found.removed, found.lemma,
                             found.lemma_row, found.sharp,   found.sharp_row};
    memcpy(info, fields, sizeof fields);
    return st;
}

static const task_t TASKS[] = {{"least_squares", "x", 5, 1, least_squares},
                               {"frame", "x", 10, 1, frame},
                               {"extremes", NULL, 5, 0, extremes},
                               {"values", "sigma", 1, 0, values},
                               {"correlation", "rows", 6, 0, correlation}};

static void check(mcbe_status_t st, const mcbe_error_t *err)
{
    if (st != MCBE_OK) {
        fprintf(stderr, "mcbe_undo: %s\n", err->text[0] ? err->text : mcbe_strerror(st));
        exit(1);
    }
}

static void *memory(int64_t count, size_t size)
{
    mcbe_error_t none = {0};
    void *block = mcbe_alloc((size_t)count, size);
    check(block ? MCBE_OK : MCBE_ERR_NOMEM, &none);
    return block;
}

static void load(mcbe_npy_t *array, const char *folder, const char *name)
{
    char path[4096];
    mcbe_error_t err = {0};
    snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    check(mcbe_npy_load(array, path, &err), &err);
}

static void save(const char *folder, const char *name, const double *array, int64_t rows,
                 int64_t columns)
{
    char path[4096];
    mcbe_error_t err = {0};
    snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    check(mcbe_npy_save(path, array, rows, columns, &err), &err);
}

static double seconds(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void undo(const task_t *task, const char *folder)
{
    layer_t layer = {0};
    mcbe_error_t err = {0};
    load(&layer.w, folder, "w");
    load(&layer.bias, folder, "bias");
    load(&layer.z, folder, "z");
    if (strcmp(task->name, "correlation") == 0) {
        load(&layer.c, folder, "c");
    }
    layer.m = layer.w.rows;
    layer.n = layer.w.columns;
    layer.count = layer.z.rows;
    const int m = (int)layer.m, n = (int)layer.n;
    if (layer.bias.columns != m || layer.z.columns != m) {
        fprintf(stderr, "mcbe_undo: %s: w has %d rows, bias %lld and z %lld\n", folder, m,
                (long long)layer.bias.columns, (long long)layer.z.columns);
        exit(1);
    }
    const int64_t width = task->undoes      ? layer.n
                          : layer.c.columns ? layer.c.columns
                                            : (m < n ? m : n);
    layer.active = memory(m, sizeof *layer.active);
    layer.rows = memory(layer.c.columns, sizeof *layer.rows);
    layer.wide = memory(layer.count * width, sizeof *layer.wide);
    layer.info = memory(layer.count * FIELDS_MAX, sizeof *layer.info);
    const double start = seconds(CLOCK_MONOTONIC), start_cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (task->undoes) {
        check(mcbe_reconstruct_create(&layer.reconstruct, m, n, layer.w.values, n,
                                      layer.bias.values, &err),
              &err);
    } else {
        check(mcbe_stability_create(&layer.stability, m, n, &err), &err);
        check(mcbe_stability_matrix(layer.stability, m, n, layer.w.values, n, &err), &err);
    }
    for (int64_t i = 0; i < layer.count; i++) {
        check(task->run(&layer, i, layer.wide + i * width, layer.info + i * task->fields, &err),
              &err);
    }
    printf("{\"task\": \"%s\", \"outputs\": %lld, \"seconds\": %.6f, \"cpu_seconds\": %.6f, "
           "\"blas_core\": \"%s\"}\n",
           task->name, (long long)layer.count, seconds(CLOCK_MONOTONIC) - start,
           seconds(CLOCK_PROCESS_CPUTIME_ID) - start_cpu, mcbe_blas_core());
    if (task->wide) {
        save(folder, task->wide, layer.wide, layer.count, width);
    }
    save(folder, "info", layer.info, layer.count, task->fields);
    mcbe_stability_destroy(&layer.stability);
    mcbe_reconstruct_destroy(&layer.reconstruct);
    mcbe_free(layer.info);
    mcbe_free(layer.wide);
    mcbe_free(layer.rows);
    mcbe_free(layer.active);
    mcbe_npy_free(&layer.c);
    mcbe_npy_free(&layer.z);
    mcbe_npy_free(&layer.bias);
    mcbe_npy_free(&layer.w);
}

int main(int argc, char **argv)
{
    mcbe_blas_single_thread();
    for (size_t t = 0; argc > 2 && t < sizeof TASKS / sizeof *TASKS; t++) {
        if (strcmp(argv[1], TASKS[t].name) == 0) {
            for (int i = 2; i < argc; i++) {
                undo(TASKS + t, argv[i]);
            }
            return 0;
        }
    }
    fprintf(stderr, "usage: mcbe_undo least_squares|frame|extremes|values|correlation FOLDER...\n");
    return 64;
}
