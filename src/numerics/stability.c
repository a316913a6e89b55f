#include "mcbe/stability.h"

#include <math.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "check.h"
#include "memory.h"
#include "subframe.h"

/* Removed rows whose products with the active ones are formed in one call. */
#define BATCH 32

/* A direction is in a span if its projection on it has this square of its length 1 at least: within
 * 1e-6; and out of it, so that nothing can be said, if less than SPAN_OUT. */
#define SPAN_IN (1.0 - 1e-12)
#define SPAN_OUT 1e-12

struct mcbe_stability {
    mcbe_subframe_t sub;
    double *removed;    /* owned, [BATCH][n] */
    double *products;   /* owned, [BATCH][max(m, n)] */
    double *inside;     /* owned, [m]: |Pv|^2 of the removed rows, in their order */
    int64_t *histogram; /* owned, [capacity] */
    size_t capacity;
};

mcbe_status_t mcbe_stability_create(mcbe_stability_t **stability, int m, int n, mcbe_error_t *err)
{
    *stability = NULL;
    mcbe_stability_t *made = mcbe_alloc(1, sizeof *made);
    if (!made) {
        return MCBE_ERR_NOMEM;
    }
    mcbe_status_t st = mcbe_subframe_init(&made->sub, m, n, 0, "stability", err);
    if (st == MCBE_OK) {
        made->removed = mcbe_alloc((size_t)BATCH * (size_t)n, sizeof *made->removed);
        made->products =
            mcbe_alloc((size_t)BATCH * (size_t)(m > n ? m : n), sizeof *made->products);
        made->inside = mcbe_alloc((size_t)m, sizeof *made->inside);
        st = made->removed && made->products && made->inside ? MCBE_OK : MCBE_ERR_NOMEM;
    }
    if (st != MCBE_OK) {
        mcbe_stability_destroy(&made);
        return st;
    }
    *stability = made;
    return MCBE_OK;
}

void mcbe_stability_destroy(mcbe_stability_t **stability)
{
    if (*stability) {
        mcbe_free((*stability)->histogram);
        mcbe_free((*stability)->inside);
        mcbe_free((*stability)->products);
        mcbe_free((*stability)->removed);
        mcbe_subframe_free(&(*stability)->sub);
        mcbe_free(*stability);
        *stability = NULL;
    }
}

mcbe_status_t mcbe_stability_matrix(mcbe_stability_t *stability, int m, int n, const double *w,
                                    ptrdiff_t ldw, mcbe_error_t *err)
{
    return mcbe_subframe_matrix(&stability->sub, m, n, w, ldw, "stability", err);
}

/* The rows that are active, gathered. */
static mcbe_status_t gather(mcbe_subframe_t *sub, const unsigned char *active)
{
    if (sub->m == 0) {
        return MCBE_ERR_ARGUMENT;
    }
    mcbe_subframe_choose(sub, active, 1);
    mcbe_subframe_copy(sub, 0, sub->k, sub->rows);
    return MCBE_OK;
}

mcbe_status_t mcbe_stability_extremes(mcbe_stability_t *stability, const unsigned char *active,
                                      mcbe_extremes_t *extremes)
{
    mcbe_status_t st = gather(&stability->sub, active);
    return st != MCBE_OK ? st : mcbe_subframe_extremes(&stability->sub, extremes);
}

mcbe_status_t mcbe_stability_values(mcbe_stability_t *stability, const unsigned char *active,
                                    double *sigma, int *rank)
{
    mcbe_subframe_t *sub = &stability->sub;
    int found;
    mcbe_status_t st = gather(sub, active);
    if (st == MCBE_OK) {
        st = mcbe_subframe_values(sub, &found);
    }
    if (st != MCBE_OK) {
        return st;
    }
    const int q = mcbe_subframe_order(sub), length = sub->m < sub->n ? sub->m : sub->n;
    for (int i = 0; i < length; i++) {
        sigma[i] = i < q ? sub->sigma[i] : 0.0;
    }
    if (rank) {
        *rank = found;
    }
    return MCBE_OK;
}

void mcbe_lipschitz(int64_t count, const double *smallest, const double *largest, double whole,
                    mcbe_lipschitz_t *result)
{
    double a = INFINITY, b = 0.0;
    for (int64_t i = 0; i < count; i++) {
        a = fmin(a, smallest[i]);
        b = fmax(b, largest[i]);
    }
    *result = (mcbe_lipschitz_t){.lower_at_most = a,
                                 .lower_estimate = a / sqrt(2.0),
                                 .upper_at_least = b,
                                 .upper_at_most = whole};
}

double mcbe_removal_bound(const double *sigma, int rank, int64_t removed)
{
    const int64_t k = rank - removed;
    return rank < 1 ? 0.0 : k < 1 ? sigma[0] : sigma[k - 1];
}

/* Fills `removed` with v = a / |a| for up to BATCH of the chosen rows. A zero row stays 0. */
static void copy_directions(mcbe_stability_t *stability, int first, int count)
{
    const int n = stability->sub.n;
    mcbe_subframe_copy(&stability->sub, first, count, stability->removed);
    for (int i = 0; i < count; i++) {
        double *row = stability->removed + (size_t)i * (size_t)n;
        const double norm = cblas_dnrm2(n, row, 1);
        if (norm > 0.0) {
            cblas_dscal(n, 1.0 / norm, row, 1);
        }
    }
}

static int batch(int count, int first)
{
    return count - first < BATCH ? count - first : BATCH;
}

/* inside = |Pv|^2 for every removed row, P the projection on the span of the active rows, whose
 * rank is given. */
static mcbe_status_t measure_inside(mcbe_stability_t *stability, const unsigned char *active,
                                    int rank)
{
    mcbe_subframe_t *sub = &stability->sub;
    const int n = sub->n, k = sub->k, removed = sub->m - k;
    if (rank == n) {
        for (int i = 0; i < removed; i++) {
            stability->inside[i] = 1.0;
        }
        return MCBE_OK;
    }
    if (rank == 0) {
        memset(stability->inside, 0, (size_t)removed * sizeof *stability->inside);
        return MCBE_OK;
    }
    /* the first `rank` columns of Q in R^T P = Q T span the rows */
    memset(sub->iwork, 0, (size_t)k * sizeof *sub->iwork);
    mcbe_subframe_copy(sub, 0, k, sub->rows);
    if (LAPACKE_dgeqp3_work(LAPACK_COL_MAJOR, n, k, sub->rows, n, sub->iwork, sub->vector[0],
                            sub->work, sub->lwork) != 0 ||
        LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, n, rank, rank, sub->rows, n, sub->vector[0],
                            sub->work, sub->lwork) != 0) {
        return MCBE_ERR_INTERNAL;
    }
    mcbe_subframe_choose(sub, active, 0);
    for (int first = 0; first < removed; first += BATCH) {
        const int count = batch(removed, first);
        copy_directions(stability, first, count);
        cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, rank, count, n, 1.0, sub->rows, n,
                    stability->removed, n, 0.0, stability->products, rank);
        for (int i = 0; i < count; i++) {
            const double *part = stability->products + (size_t)i * (size_t)rank;
            stability->inside[first + i] = cblas_ddot(rank, part, 1, part, 1);
        }
    }
    mcbe_subframe_choose(sub, active, 1);
    return MCBE_OK;
}

/* Count for each constant the products that are at most c, and keep the most there have been. */
static void count_products(int k, const double *products, double unit, int count, const double *c,
                           int64_t *histogram, int64_t *rows)
{
    memset(histogram, 0, ((size_t)count + 1) * sizeof *histogram);
    for (int j = 0; j < k; j++) {
        const double value = fabs(products[j]) * unit;
        int low = 0, high = count; /* the first c that is not below the value is in [low, high] */
        while (low < high) {
            const int middle = low + (high - low) / 2;
            if (c[middle] < value) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        histogram[low]++;
    }
    int64_t sum = 0;
    for (int i = 0; i < count; i++) {
        sum += histogram[i];
        rows[i] = sum > rows[i] ? sum : rows[i];
    }
}

/* What the removed row number `i` with these products <a_j, v> says. */
static void weigh(const mcbe_stability_t *stability, int i, int k, const double *products,
                  mcbe_correlation_t *result)
{
    const double scale = stability->sub.scale, inside = stability->inside[i];
    const double length = cblas_dnrm2(k, products, 1) / scale;
    const double most = fabs(products[cblas_idamax(k, products, 1)]) / scale;
    const int row = stability->sub.index[i];
    if (inside >= SPAN_IN && sqrt(k) * most < result->lemma) {
        result->lemma = sqrt(k) * most;
        result->lemma_row = row;
    }
    if (inside >= SPAN_OUT && length / sqrt(inside) < result->sharp) {
        result->sharp = length / sqrt(inside);
        result->sharp_row = row;
    }
}

mcbe_status_t mcbe_stability_correlation(mcbe_stability_t *stability, const unsigned char *active,
                                         int count, const double *c, int64_t *rows,
                                         mcbe_correlation_t *result)
{
    mcbe_subframe_t *sub = &stability->sub;
    const int n = sub->n;
    mcbe_extremes_t extremes;
    mcbe_status_t st;
    MCBE_TRY(active && count >= 0 ? MCBE_OK : MCBE_ERR_ARGUMENT);
    MCBE_TRY(mcbe_grow((void **)&stability->histogram, &stability->capacity, (size_t)count + 1,
                       sizeof *stability->histogram));
    MCBE_TRY(gather(sub, active));
    MCBE_TRY(mcbe_subframe_extremes(sub, &extremes));
    MCBE_TRY(measure_inside(stability, active, extremes.rank));

    const int k = sub->k, removed = sub->m - k;
    mcbe_correlation_t found = {.rows = k,
                                .removed = removed,
                                .lemma = INFINITY,
                                .lemma_row = -1,
                                .sharp = INFINITY,
                                .sharp_row = -1};
    if (count > 0) {
        memset(rows, 0, (size_t)count * sizeof *rows);
    }
    mcbe_subframe_copy(sub, 0, k, sub->rows);
    mcbe_subframe_choose(sub, active, 0);
    for (int first = 0; first < removed && k > 0; first += BATCH) {
        const int width = batch(removed, first);
        copy_directions(stability, first, width);
        cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, k, width, n, 1.0, sub->rows, n,
                    stability->removed, n, 0.0, stability->products, k);
        for (int i = 0; i < width; i++) {
            const double *v = stability->removed + (size_t)i * (size_t)n;
            const double *products = stability->products + (size_t)i * (size_t)k;
            if (v[cblas_idamax(n, v, 1)] != 0.0) {
                weigh(stability, first + i, k, products, &found);
                count_products(k, products, sqrt(k) / sub->scale, count, c, stability->histogram,
                               rows);
            }
        }
    }
    *result = found;
out:
    return st;
}
