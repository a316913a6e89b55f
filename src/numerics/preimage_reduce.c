#include "preimage_internal.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "check.h"
#include "memory.h"

/* Backward error of Householder's QR factorisation, relative to the norm of each column: N. J.
 * Higham, Accuracy and Stability of Numerical Algorithms, Theorem 19.4, with 8 for its small
 * constant. */
static double qr_rounding(const mcbe_preimage_t *preimage)
{
    return 8.0 * preimage->n * preimage->equals * DBL_EPSILON * sqrt(preimage->equals);
}

static void collect_equal(mcbe_preimage_t *preimage)
{
    preimage->equals = 0;
    preimage->reflectors = preimage->rows;
    /* `pivot` marks what is there already */
    memset(preimage->pivot, 0, (size_t)preimage->m * sizeof *preimage->pivot);
    for (int j = 0; j < preimage->m; j++) {
        const int first = preimage->first[j];
        if (preimage->role[j] == MCBE_ROLE_EQUAL && first >= 0 && !preimage->pivot[first]) {
            preimage->pivot[first] = 1;
            preimage->equal[preimage->equals] = j;
            mcbe_preimage_unit_row(preimage, j,
                                   preimage->rows + (size_t)preimage->equals * (size_t)preimage->n);
            preimage->equals++;
        }
    }
}

/* A lower bound of the least singular value of the equal rows from their triangular factor. */
static double triangle_bound(mcbe_preimage_t *preimage)
{
    const int p = preimage->equals, n = preimage->n;
    double sum = 0.0;
    LAPACKE_dlacpy_work(LAPACK_COL_MAJOR, 'U', p, p, preimage->reflectors, n, preimage->square, p);
    if (LAPACKE_dtrtri_work(LAPACK_COL_MAJOR, 'U', 'N', p, preimage->square, p) != 0) {
        return 0.0;
    }
    for (int j = 0; j < p; j++) {
        const double norm = cblas_dnrm2(j + 1, preimage->square + (size_t)j * (size_t)p, 1);
        sum += norm * norm;
    }
    if (!(sqrt(sum * p) * p * mcbe_preimage_rounding(p) < 0.1)) {
        return 0.0;
    }
    return fmax(0.5 / sqrt(sum) - qr_rounding(preimage), 0.0);
}

/* Once more, with pivots: the rows have fewer dimensions than members, or nearly so. */
static mcbe_status_t factor_dependent(mcbe_preimage_t *preimage)
{
    const int n = preimage->n, p = preimage->equals;
    int *order = preimage->pivot;
    for (int i = 0; i < p; i++) {
        mcbe_preimage_unit_row(preimage, preimage->equal[i],
                               preimage->rows + (size_t)i * (size_t)n);
        order[i] = 0;
    }
    const mcbe_status_t st = mcbe_preimage_lapack(
        LAPACKE_dgeqp3(LAPACK_COL_MAJOR, n, p, preimage->reflectors, n, order, preimage->tau));
    if (st != MCBE_OK) {
        return st;
    }
    preimage->rank = 0;
    const int limit = p < n ? p : n;
    while (preimage->rank < limit &&
           fabs(preimage->reflectors[(size_t)preimage->rank * (size_t)(n + 1)]) >
               qr_rounding(preimage)) {
        preimage->rank++;
    }
    preimage->sigma_equal = 0.0;
    for (int i = 0; i < p; i++) {
        order[i] = preimage->equal[order[i] - 1];
    }
    memcpy(preimage->equal, order, (size_t)p * sizeof *order);
    return MCBE_OK;
}

static mcbe_status_t factor(mcbe_preimage_t *preimage)
{
    const int n = preimage->n, p = preimage->equals;
    if (p < n) {
        const mcbe_status_t st = mcbe_preimage_lapack(
            LAPACKE_dgeqrf(LAPACK_COL_MAJOR, n, p, preimage->reflectors, n, preimage->tau));
        if (st != MCBE_OK) {
            return st;
        }
        preimage->rank = p;
        preimage->sigma_equal = triangle_bound(preimage);
        if (preimage->sigma_equal > 0.0) {
            return MCBE_OK;
        }
    }
    return factor_dependent(preimage);
}

/* The last k columns of Q; without equal rows the coordinates stay what they are. */
static mcbe_status_t make_basis(mcbe_preimage_t *preimage)
{
    const int n = preimage->n, k = preimage->k;
    memset(preimage->basis, 0, (size_t)k * (size_t)n * sizeof *preimage->basis);
    for (int i = 0; i < k; i++) {
        preimage->basis[(size_t)i * (size_t)n + (size_t)(preimage->rank + i)] = 1.0;
    }
    if (preimage->rank == 0) {
        return MCBE_OK;
    }
    return mcbe_preimage_lapack(LAPACKE_dormqr(LAPACK_COL_MAJOR, 'L', 'N', n, k, preimage->rank,
                                               preimage->reflectors, n, preimage->tau,
                                               preimage->basis, n));
}

/* Rows that lie in the span of the equal ones up to rounding have no direction here. */
static void reduce_below(mcbe_preimage_t *preimage)
{
    const int n = preimage->n, k = preimage->k;
    double *rows = preimage->rows + (size_t)preimage->equals * (size_t)n;
    int count = 0;
    for (int j = 0; j < preimage->m; j++) {
        if (preimage->role[j] == MCBE_ROLE_BELOW && preimage->first[j] >= 0) {
            preimage->below[count] = j;
            mcbe_preimage_unit_row(preimage, j, rows + (size_t)count * (size_t)n);
            count++;
        }
    }
    if (preimage->rank == 0) {
        memcpy(preimage->reduced, rows, (size_t)count * (size_t)n * sizeof *rows);
    } else if (count > 0) {
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, count, k, n, 1.0, rows, n,
                    preimage->basis, n, 0.0, preimage->reduced, k);
    }
    preimage->belows = 0;
    for (int i = 0; i < count; i++) {
        const double *from = preimage->reduced + (size_t)i * (size_t)k;
        const double length = cblas_dnrm2(k, from, 1);
        if (length > n * mcbe_preimage_rounding(n)) {
            double *to = preimage->reduced + (size_t)preimage->belows * (size_t)k;
            for (int c = 0; c < k; c++) {
                to[c] = from[c] / length;
            }
            preimage->below[preimage->belows] = preimage->below[i];
            preimage->length[preimage->belows] = length;
            preimage->belows++;
        }
    }
}

mcbe_status_t mcbe_preimage_reduce(mcbe_preimage_t *preimage)
{
    mcbe_status_t st;
    preimage->rank = 0;
    preimage->sigma_equal = 0.0;
    collect_equal(preimage);
    if (preimage->equals > 0) {
        MCBE_TRY(factor(preimage));
    }
    preimage->k = preimage->n - preimage->rank;
    preimage->belows = 0;
    if (preimage->k > 0) {
        MCBE_TRY(make_basis(preimage));
        reduce_below(preimage);
    }
    st = MCBE_OK;
out:
    return st;
}

int mcbe_preimage_lift(mcbe_preimage_t *preimage, const double *u)
{
    const int n = preimage->n, k = preimage->k;
    cblas_dgemv(CblasRowMajor, CblasTrans, k, n, 1.0, preimage->basis, n, u, 1, 0.0,
                preimage->direction, 1);
    const double norm = cblas_dnrm2(n, preimage->direction, 1);
    if (!(norm > 0.0) || !isfinite(norm)) {
        return 0;
    }
    cblas_dscal(n, 1.0 / norm, preimage->direction, 1);
    return 1;
}

mcbe_status_t mcbe_preimage_complete(mcbe_preimage_t *preimage)
{
    const int m = preimage->m, n = preimage->n, rank = preimage->rank;
    double *c = preimage->combination, *rest = preimage->rest;
    for (int i = 0; i < preimage->equals; i++) {
        c[preimage->equal[i]] = 0.0;
    }
    if (rank == 0) {
        return MCBE_OK;
    }
    cblas_dgemv(CblasRowMajor, CblasTrans, m, n, -1.0, preimage->w, n, c, 1, 0.0, rest, 1);
    mcbe_status_t st = mcbe_preimage_lapack(LAPACKE_dormqr(
        LAPACK_COL_MAJOR, 'L', 'T', n, 1, rank, preimage->reflectors, n, preimage->tau, rest, n));
    if (st == MCBE_OK) {
        st = mcbe_preimage_lapack(LAPACKE_dtrtrs(LAPACK_COL_MAJOR, 'U', 'N', 'N', rank, 1,
                                                 preimage->reflectors, n, rest, n));
    }
    if (st != MCBE_OK) {
        return st;
    }
    for (int i = 0; i < rank; i++) {
        c[preimage->equal[i]] = rest[i] / preimage->norm[preimage->equal[i]];
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_preimage_program(const mcbe_preimage_t *preimage, const double *cost,
                                    mcbe_program_t kind, const double *goal, mcbe_lp_t **lp)
{
    const int h = preimage->belows, k = preimage->k;
    const int sum = kind == MCBE_PROGRAM_SUM || kind == MCBE_PROGRAM_BOTH;
    const int slack = kind == MCBE_PROGRAM_SLACK || kind == MCBE_PROGRAM_BOTH;
    const int rows = sum ? k + 1 : k, columns = slack ? h + 2 * k : h;
    const size_t entries = (size_t)h * (size_t)rows + 2 * (size_t)k;
    if (entries > INT_MAX) {
        return MCBE_ERR_LIMIT;
    }
    int *start = mcbe_alloc((size_t)columns + 1, sizeof *start);
    int *index = mcbe_alloc(entries, sizeof *index);
    double *value = mcbe_alloc(entries, sizeof *value);
    double *costs = mcbe_alloc((size_t)columns, sizeof *costs);
    mcbe_status_t st = start && index && value && costs ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        int filled = 0;
        for (int i = 0; i < h; i++) {
            start[i] = filled;
            costs[i] = cost ? cost[i] : 0.0;
            for (int c = 0; c < rows; c++) {
                index[filled] = c;
                value[filled++] =
                    c < k ? preimage->reduced[(size_t)i * (size_t)k + (size_t)c] : 1.0;
            }
        }
        for (int i = h; i < columns; i++) {
            start[i] = filled;
            costs[i] = 1.0;
            index[filled] = (i - h) / 2;
            value[filled++] = (i - h) % 2 ? 1.0 : -1.0;
        }
        start[columns] = filled;
        st = mcbe_lp_create(lp, &(mcbe_lp_problem_t){.rows = rows,
                                                     .columns = columns,
                                                     .start = start,
                                                     .index = index,
                                                     .value = value,
                                                     .cost = costs,
                                                     .row_low = goal,
                                                     .row_high = goal});
    }
    mcbe_free(costs);
    mcbe_free(value);
    mcbe_free(index);
    mcbe_free(start);
    return st;
}
