/* The linear part of a network as a matrix, and its singular values. */

#include <float.h>
#include <math.h>
#include <string.h>

#include <lapacke.h>

#include "check.h"
#include "memory.h"
#include "network_linear.h"

/* Unit vectors taken through the network together, and columns of a factor updated together. */
enum { BATCH = 128, PANEL = 32 };

/* The unit vectors of one side of a product of layers, on their way to the other side. A layer that
 * only selects (ReLU, pool, flatten) takes a unit vector to a unit vector or to 0, so the vectors
 * need to be written out only where a dense layer or convolution begins. */
typedef struct sweep {
    const mcbe_linearization_t *at; /* borrowed */
    int first, last;
    int is_transposed;      /* rows of the matrix, from the outputs back; else its columns */
    int next;               /* unit vector */
    int count;              /* unit vectors of this side */
    int length;             /* numbers of the vectors that come out */
    mcbe_vectors_t vectors; /* owned */
} sweep_t;

static mcbe_status_t sweep_init(sweep_t *sweep, const mcbe_linearization_t *at, int first, int last,
                                int is_transposed)
{
    int rows, columns;
    mcbe_linearization_shape(at, first, last, &rows, &columns);
    *sweep = (sweep_t){.at = at, .first = first, .last = last, .is_transposed = is_transposed};
    sweep->count = is_transposed ? rows : columns;
    sweep->length = is_transposed ? columns : rows;
    return mcbe_vectors_init(&sweep->vectors, at->network, BATCH);
}

/* Follow output number `place` back over the layers that select. @param[in,out] layer  the last one
 * still to go through @return where it comes from, -1 if it is 0 */
static int select_back(const sweep_t *sweep, int place, int *layer)
{
    for (; *layer >= sweep->first && place >= 0; (*layer)--) {
        const mcbe_network_layer_t *here = sweep->at->network->layers + *layer;
        const mcbe_layer_choice_t *choice = sweep->at->choices + *layer;
        if (here->kind == MCBE_LAYER_RELU) {
            place = choice->active[place] ? place : -1;
        } else if (here->kind == MCBE_LAYER_MAX_POOL) {
            place = choice->chosen[place];
        } else if (here->kind != MCBE_LAYER_FLATTEN) {
            break;
        }
    }
    return place;
}

/* Take up to BATCH more unit vectors through the layers. Those that come out 0 may be left out.
 * @param[out] numbers  [BATCH] of the vectors taken @return how many; they stand in vectors.now */
static int sweep_next(sweep_t *sweep, int *numbers)
{
    const mcbe_network_t *network = sweep->at->network;
    int taken = 0, layer = 0;
    int places[BATCH];
    for (; sweep->next < sweep->count && taken < BATCH; sweep->next++) {
        int place = sweep->next, before = sweep->last - 1;
        if (sweep->is_transposed) {
            place = select_back(sweep, place, &before);
        }
        if (place >= 0) {
            layer = before; /* the same for all that are taken */
            places[taken] = place;
            numbers[taken++] = sweep->next;
        }
    }
    double *out = sweep->vectors.now;
    if (taken == 0) {
        return 0;
    }
    if (!sweep->is_transposed) {
        memset(out, 0, (size_t)taken * (size_t)sweep->count * sizeof *out);
        for (int s = 0; s < taken; s++) {
            out[(size_t)s * (size_t)sweep->count + (size_t)places[s]] = 1.0;
        }
        mcbe_vectors_apply(sweep->at, sweep->first, sweep->last, taken, &sweep->vectors);
        return taken;
    }
    const mcbe_network_layer_t *here = layer >= sweep->first ? network->layers + layer : NULL;
    if (here && here->kind == MCBE_LAYER_DENSE) {
        const size_t width = (size_t)mcbe_extent_size(&here->in);
        for (int s = 0; s < taken; s++) {
            memcpy(out + (size_t)s * width, here->weight + (size_t)places[s] * width,
                   width * sizeof *out);
        }
        layer--;
    } else {
        const size_t width = here ? (size_t)mcbe_extent_size(&here->out) : (size_t)sweep->length;
        memset(out, 0, (size_t)taken * width * sizeof *out);
        for (int s = 0; s < taken; s++) {
            out[(size_t)s * width + (size_t)places[s]] = 1.0;
        }
    }
    mcbe_vectors_apply_transposed(sweep->at, sweep->first, layer + 1, taken, &sweep->vectors);
    return taken;
}

mcbe_status_t mcbe_linearization_matrix(const mcbe_linearization_t *linearization, int first,
                                        int last, double *matrix)
{
    sweep_t sweep = {0};
    int rows, columns, taken, numbers[BATCH];
    mcbe_status_t st;
    mcbe_linearization_shape(linearization, first, last, &rows, &columns);
    MCBE_TRY(sweep_init(&sweep, linearization, first, last, rows < columns));
    memset(matrix, 0, (size_t)rows * (size_t)columns * sizeof *matrix);
    while ((taken = sweep_next(&sweep, numbers)) > 0) {
        for (int s = 0; s < taken; s++) {
            const double *vector = sweep.vectors.now + (size_t)s * (size_t)sweep.length;
            if (sweep.is_transposed) {
                memcpy(matrix + (size_t)numbers[s] * (size_t)columns, vector,
                       (size_t)columns * sizeof *matrix);
            } else {
                for (int i = 0; i < rows; i++) {
                    matrix[(size_t)i * (size_t)columns + (size_t)numbers[s]] = vector[i];
                }
            }
        }
    }
out:
    mcbe_vectors_free(&sweep.vectors);
    return st;
}

/* An upper triangular factor R of a matrix whose rows come in batches. */
typedef struct factor {
    int n;
    double *r;     /* owned, column-major [n][n] */
    double *batch; /* owned, column-major BATCH x n */
    double *t;     /* owned, what LAPACK keeps of the reflections */
    double *work;  /* owned */
} factor_t;

static mcbe_status_t factor_init(factor_t *factor, int n)
{
    const size_t side = (size_t)n;
    factor->n = n;
    factor->r = mcbe_alloc(side * side, sizeof *factor->r);
    factor->batch = mcbe_alloc(side * BATCH, sizeof *factor->batch);
    factor->t = mcbe_alloc(side * PANEL, sizeof *factor->t);
    factor->work = mcbe_alloc(side * PANEL, sizeof *factor->work);
    return factor->r && factor->batch && factor->t && factor->work ? MCBE_OK : MCBE_ERR_NOMEM;
}

static void factor_free(factor_t *factor)
{
    mcbe_free(factor->work);
    mcbe_free(factor->t);
    mcbe_free(factor->batch);
    mcbe_free(factor->r);
}

/* R of R stacked on more rows. @param[in] rows  row-major [count][n], count <= BATCH */
static mcbe_status_t factor_add(factor_t *factor, int count, const double *rows)
{
    const int n = factor->n, panel = n < PANEL ? n : PANEL;
    for (int k = 0; k < n; k++) {
        for (int s = 0; s < count; s++) {
            factor->batch[(size_t)k * BATCH + (size_t)s] = rows[(size_t)s * (size_t)n + (size_t)k];
        }
    }
    const lapack_int info =
        LAPACKE_dtpqrt_work(LAPACK_COL_MAJOR, count, n, 0, panel, factor->r, n, factor->batch,
                            BATCH, factor->t, panel, factor->work);
    return info == 0 ? MCBE_OK : MCBE_ERR_INTERNAL;
}

mcbe_status_t mcbe_linearization_singular_values(const mcbe_linearization_t *linearization,
                                                 int first, int last, double *sigma)
{
    sweep_t sweep = {0};
    factor_t factor = {0};
    int rows, columns, taken, numbers[BATCH];
    mcbe_status_t st;
    mcbe_linearization_shape(linearization, first, last, &rows, &columns);
    MCBE_TRY(sweep_init(&sweep, linearization, first, last, rows >= columns));
    MCBE_TRY(factor_init(&factor, sweep.length));
    while ((taken = sweep_next(&sweep, numbers)) > 0) {
        MCBE_TRY(factor_add(&factor, taken, sweep.vectors.now));
    }
    const int n = factor.n;
    const lapack_int info =
        LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', n, n, factor.r, n, sigma, NULL, 1, NULL, 1);
    st = info == 0                          ? MCBE_OK
         : info == LAPACK_WORK_MEMORY_ERROR ? MCBE_ERR_NOMEM
                                            : MCBE_ERR_INTERNAL;
out:
    factor_free(&factor);
    mcbe_vectors_free(&sweep.vectors);
    return st;
}

void mcbe_spectrum_of(const double *sigma, int rows, int columns, mcbe_spectrum_t *spectrum)
{
    const int values = rows < columns ? rows : columns;
    const double threshold = (rows > columns ? rows : columns) * DBL_EPSILON * sigma[0];
    int rank = 0;
    while (rank < values && sigma[rank] > threshold) {
        rank++;
    }
    spectrum->rank = rank;
    spectrum->largest = sigma[0];
    spectrum->smallest = rank > 0 ? sigma[rank - 1] : 0.0;
    spectrum->condition = rank > 0 ? spectrum->largest / spectrum->smallest : (double)NAN;
}
