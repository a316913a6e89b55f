#include "subframe.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "check.h"
#include "memory.h"
#include "mcbe/frame.h"

/* As for frames: products of these are far from the ends of fp64. */
#define ENTRY_MAX 1e150

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

/* The most that is asked for by a singular value decomposition, of any number of rows: from 11/6 n
 * on it takes another way that wants less; by least squares, of order q at most; and by QR, with
 * columns exchanged or not, and the tridiagonal form, whose blocks are at most 64 wide. */
static int work_length(int m, int n, int *iwork_length)
{
    const int q = min_int(m, n), kinds[] = {m, min_int(m, 2 * n)};
    int most = max_int(128 * max_int(q, 64), 3 * m + 1), iwork[1] = {0}, rank;
    double want = 0.0, none[1] = {0.0};
    for (int i = 0; i < 2; i++) {
        const lapack_int info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'N', n, kinds[i], none, n,
                                                    none, NULL, 1, NULL, 1, &want, -1, iwork);
        MCBE_BUG_ASSERT(info == 0);
        most = max_int(most, (int)want);
    }
    const lapack_int info = LAPACKE_dgelsd_work(LAPACK_COL_MAJOR, q, q, 1, none, q, none, q, none,
                                                -1.0, &rank, &want, -1, iwork);
    MCBE_BUG_ASSERT(info == 0);
    *iwork_length = max_int(max_int(8 * q, m), iwork[0]);
    return max_int(most, (int)want);
}

mcbe_status_t mcbe_subframe_init(mcbe_subframe_t *sub, int m, int n, int keep_whole,
                                 const char *what, mcbe_error_t *err)
{
    *sub = (mcbe_subframe_t){.m_max = m, .n_max = n};
    if (m < 1 || n < 1 || m > MCBE_MAX_M || n > MCBE_MAX_N) {
        return mcbe_fail(err, MCBE_ERR_DIM,
                         "%s: the matrix has m = %d rows in dimension n = %d; allowed are m from 1 "
                         "to %d and n from 1 to %d",
                         what, m, n, MCBE_MAX_M, MCBE_MAX_N);
    }
    const size_t columns = (size_t)n, order = (size_t)min_int(m, n);
    const size_t longest = (size_t)max_int(m, n);
    int liwork;
    sub->lwork = work_length(m, n, &liwork);
    sub->index = mcbe_alloc((size_t)m, sizeof *sub->index);
    sub->rows = mcbe_alloc((size_t)m * columns, sizeof *sub->rows);
    sub->gram = mcbe_alloc(order * order, sizeof *sub->gram);
    sub->sigma = mcbe_alloc(order, sizeof *sub->sigma);
    sub->vector[0] = mcbe_alloc(MCBE_SUBFRAME_VECTORS * longest, sizeof *sub->vector[0]);
    sub->work = mcbe_alloc((size_t)sub->lwork, sizeof *sub->work);
    sub->iwork = mcbe_alloc((size_t)liwork, sizeof *sub->iwork);
    int made = sub->index && sub->rows && sub->gram && sub->sigma && sub->vector[0] && sub->work &&
               sub->iwork;
    if (made && keep_whole && m > n) {
        sub->whole = mcbe_alloc(columns * columns, sizeof *sub->whole);
        sub->others = mcbe_alloc((size_t)(m / 2) * columns, sizeof *sub->others);
        made = sub->whole && sub->others;
    }
    if (!made) {
        mcbe_subframe_free(sub);
        return MCBE_ERR_NOMEM;
    }
    for (int i = 1; i < MCBE_SUBFRAME_VECTORS; i++) {
        sub->vector[i] = sub->vector[0] + (size_t)i * longest;
    }
    return MCBE_OK;
}

void mcbe_subframe_free(mcbe_subframe_t *sub)
{
    mcbe_free(sub->others);
    mcbe_free(sub->whole);
    mcbe_free(sub->iwork);
    mcbe_free(sub->work);
    mcbe_free(sub->vector[0]);
    mcbe_free(sub->sigma);
    mcbe_free(sub->gram);
    mcbe_free(sub->rows);
    mcbe_free(sub->index);
    *sub = (mcbe_subframe_t){0};
}

mcbe_status_t mcbe_subframe_matrix(mcbe_subframe_t *sub, int m, int n, const double *w,
                                   ptrdiff_t ldw, const char *what, mcbe_error_t *err)
{
    sub->m = 0;
    sub->n = 0;
    if (m < 1 || n < 1 || m > sub->m_max || n > sub->n_max || ldw < n) {
        return mcbe_fail(
            err, MCBE_ERR_DIM,
            "%s: the matrix has m = %d rows in dimension n = %d, row length %lld; "
            "there is room for m up to %d and n up to %d, and rows are n long at least",
            what, m, n, (long long)ldw, sub->m_max, sub->n_max);
    }
    double largest = 0.0;
    for (int j = 0; j < m; j++) {
        const double *row = w + j * ldw;
        for (int i = 0; i < n; i++) {
            if (!(fabs(row[i]) <= ENTRY_MAX)) {
                return mcbe_fail(err, MCBE_ERR_VALUE,
                                 "%s: entry %d of row %d is %g; allowed are finite values up to %g "
                                 "in absolute value",
                                 what, i, j, row[i], ENTRY_MAX);
            }
            largest = fmax(largest, fabs(row[i]));
        }
    }
    int exponent;
    frexp(largest, &exponent); /* 0 for 0 */
    sub->scale = ldexp(1.0, -max_int(exponent, -1000));
    sub->m = m;
    sub->n = n;
    sub->w = w;
    sub->ldw = ldw;
    if (sub->whole) {
        MCBE_BUG_ASSERT(m == sub->m_max && n == sub->n_max);
        mcbe_subframe_choose(sub, NULL, 1);
        mcbe_subframe_copy(sub, 0, m, sub->rows);
        cblas_dsyrk(CblasColMajor, CblasUpper, CblasNoTrans, n, m, 1.0, sub->rows, n, 0.0,
                    sub->whole, n);
    }
    return MCBE_OK;
}

void mcbe_subframe_choose(mcbe_subframe_t *sub, const unsigned char *active, int want)
{
    sub->k = 0;
    for (int j = 0; j < sub->m; j++) {
        if (!active || (active[j] != 0) == want) {
            sub->index[sub->k++] = j;
        }
    }
}

static void copy_row(const mcbe_subframe_t *sub, int j, double *restrict to)
{
    const double *restrict from = sub->w + j * sub->ldw;
    for (int l = 0; l < sub->n; l++) {
        to[l] = from[l] * sub->scale;
    }
}

void mcbe_subframe_copy(const mcbe_subframe_t *sub, int first, int count, double *rows)
{
    for (int i = 0; i < count; i++) {
        copy_row(sub, sub->index[first + i], rows + (size_t)i * (size_t)sub->n);
    }
}

int mcbe_subframe_order(const mcbe_subframe_t *sub)
{
    return min_int(sub->k, sub->n);
}

/* The whole Gram matrix minus that of the rows left out, if they are fewer and not so long that
 * the difference would lose more than two bits. @return 1 if `gram` was formed */
static int gram_by_difference(mcbe_subframe_t *sub)
{
    const int n = sub->n, left_out = sub->m - sub->k;
    if (!sub->whole || left_out >= sub->k) {
        return 0;
    }
    double all = 0.0, lost = 0.0;
    for (int i = 0; i < n; i++) {
        all += sub->whole[(size_t)i * (size_t)n + (size_t)i];
    }
    for (int j = 0, next = 0, found = 0; j < sub->m; j++) {
        if (next < sub->k && sub->index[next] == j) {
            next++;
        } else {
            double *row = sub->others + (size_t)found++ * (size_t)n;
            copy_row(sub, j, row);
            lost += cblas_ddot(n, row, 1, row, 1);
        }
    }
    if (4.0 * (all - lost) < all) {
        return 0;
    }
    memcpy(sub->gram, sub->whole, (size_t)n * (size_t)n * sizeof *sub->gram);
    if (left_out > 0) {
        cblas_dsyrk(CblasColMajor, CblasUpper, CblasNoTrans, n, left_out, -1.0, sub->others, n, 1.0,
                    sub->gram, n);
    }
    return 1;
}

void mcbe_subframe_gram(mcbe_subframe_t *sub)
{
    const int n = sub->n, k = sub->k;
    if (k < n) {
        cblas_dsyrk(CblasColMajor, CblasUpper, CblasTrans, k, n, 1.0, sub->rows, n, 0.0, sub->gram,
                    k);
    } else if (!gram_by_difference(sub)) {
        cblas_dsyrk(CblasColMajor, CblasUpper, CblasNoTrans, n, k, 1.0, sub->rows, n, 0.0,
                    sub->gram, n);
    }
}

void mcbe_subframe_apply(const mcbe_subframe_t *sub, const double *x, double *y)
{
    cblas_dgemv(CblasRowMajor, CblasNoTrans, sub->k, sub->n, 1.0, sub->rows, sub->n, x, 1, 0.0, y,
                1);
}

void mcbe_subframe_residual(const mcbe_subframe_t *sub, const double *b, const double *x, double *r)
{
    memcpy(r, b, (size_t)sub->k * sizeof *r);
    cblas_dgemv(CblasRowMajor, CblasNoTrans, sub->k, sub->n, -1.0, sub->rows, sub->n, x, 1, 1.0, r,
                1);
}

void mcbe_subframe_apply_transposed(const mcbe_subframe_t *sub, const double *y, double *x)
{
    cblas_dgemv(CblasRowMajor, CblasTrans, sub->k, sub->n, 1.0, sub->rows, sub->n, y, 1, 0.0, x, 1);
}

int mcbe_subframe_rank(const mcbe_subframe_t *sub, const double *sigma)
{
    const int q = mcbe_subframe_order(sub);
    int rank = 0;
    while (rank < q && sigma[rank] > max_int(sub->k, sub->n) * DBL_EPSILON * sigma[0]) {
        rank++;
    }
    return rank;
}

mcbe_status_t mcbe_subframe_values(mcbe_subframe_t *sub, int *rank)
{
    const int q = mcbe_subframe_order(sub);
    if (q > 0 &&
        LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'N', sub->n, sub->k, sub->rows, sub->n, sub->sigma,
                            NULL, 1, NULL, 1, sub->work, sub->lwork, sub->iwork) != 0) {
        return MCBE_ERR_INTERNAL;
    }
    *rank = mcbe_subframe_rank(sub, sub->sigma);
    for (int i = 0; i < q; i++) {
        sub->sigma[i] /= sub->scale;
    }
    return MCBE_OK;
}

/* One eigenvalue of the tridiagonal matrix (d, e) of order q, number `which` from 1 up, and its
 * eigenvector if `vector` is not NULL. @return 1 on success */
static int tridiagonal_pair(mcbe_subframe_t *sub, int q, const double *d, const double *e,
                            int which, double *value, double *vector)
{
    lapack_int found = 0, splits = 0, block = 0, failed = 0;
    lapack_int *isplit = sub->iwork, *iwork = sub->iwork + q;
    /* 2 safe minima: as exact as bisection can be */
    lapack_int info =
        LAPACKE_dstebz_work('I', 'B', q, 0.0, 0.0, which, which, 2.0 * DBL_MIN, d, e, &found,
                            &splits, sub->sigma, sub->iwork + 4 * q, isplit, sub->work, iwork);
    block = sub->iwork[4 * q];
    if (info != 0 || found != 1) {
        return 0;
    }
    *value = sub->sigma[0];
    if (!vector) {
        return 1;
    }
    info = LAPACKE_dstein_work(LAPACK_COL_MAJOR, q, d, e, 1, sub->sigma, &block, isplit, vector, q,
                               sub->work, iwork, &failed);
    return info == 0 && failed == 0;
}

/* The ends of the spectrum from the tridiagonal form of the Gram matrix: its largest eigenvalue,
 * and the length of R or R^T times the eigenvector of the smallest, which is as exact as a singular
 * value from R itself. @return 1 if the Gram matrix is good enough for that */
static int extremes_from_gram(mcbe_subframe_t *sub, double *smallest, double *largest)
{
    const int q = mcbe_subframe_order(sub);
    double *d = sub->vector[0], *e = sub->vector[1], *tau = sub->vector[2], *v = sub->vector[3];
    double *image = sub->vector[4], least, most;
    mcbe_subframe_gram(sub);
    if (LAPACKE_dsytrd_work(LAPACK_COL_MAJOR, 'U', q, sub->gram, q, d, e, tau, sub->work,
                            sub->lwork) != 0 ||
        !tridiagonal_pair(sub, q, d, e, q, &most, NULL) ||
        !tridiagonal_pair(sub, q, d, e, 1, &least, v) || !(least > MCBE_GRAM_LEAST * most) ||
        LAPACKE_dormtr_work(LAPACK_COL_MAJOR, 'L', 'U', 'N', q, 1, sub->gram, q, tau, v, q,
                            sub->work, sub->lwork) != 0) {
        return 0;
    }
    if (sub->k < sub->n) {
        mcbe_subframe_apply_transposed(sub, v, image);
        *smallest = cblas_dnrm2(sub->n, image, 1) / cblas_dnrm2(q, v, 1);
    } else {
        mcbe_subframe_apply(sub, v, image);
        *smallest = cblas_dnrm2(sub->k, image, 1) / cblas_dnrm2(q, v, 1);
    }
    *largest = sqrt(most);
    return 1;
}

mcbe_status_t mcbe_subframe_extremes(mcbe_subframe_t *sub, mcbe_extremes_t *extremes)
{
    const int q = mcbe_subframe_order(sub);
    mcbe_extremes_t found = {.rows = sub->k};
    double smallest, largest;
    if (q > 0 && extremes_from_gram(sub, &smallest, &largest)) {
        found.rank = q;
        found.smallest_positive = fmin(smallest, largest) / sub->scale;
        found.largest = largest / sub->scale;
    } else if (q > 0) {
        mcbe_status_t st = mcbe_subframe_values(sub, &found.rank);
        if (st != MCBE_OK) {
            return st;
        }
        found.smallest_positive = found.rank > 0 ? sub->sigma[found.rank - 1] : 0.0;
        found.largest = sub->sigma[0];
    }
    found.smallest = found.rank == sub->n ? found.smallest_positive : 0.0;
    *extremes = found;
    return MCBE_OK;
}
