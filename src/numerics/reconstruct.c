#include "mcbe/reconstruct.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "check.h"
#include "memory.h"
#include "reconstruct_internal.h"

/* Steps of the Lanczos iteration for the ends of a spectrum. */
#define LANCZOS_STEPS 12

/* The most, of |x|, by which the correction of a solution from a Gram matrix may change it: the next
 * one would be smaller by the same factor. */
#define CORRECTION_MAX 1e-6

mcbe_status_t mcbe_reconstruct_create(mcbe_reconstruct_t **reconstruct, int m, int n,
                                      const double *w, ptrdiff_t ldw, const double *bias,
                                      mcbe_error_t *err)
{
    mcbe_status_t st;
    *reconstruct = NULL;
    mcbe_reconstruct_t *made = mcbe_alloc(1, sizeof *made);
    if (!made) {
        return MCBE_ERR_NOMEM;
    }
    MCBE_TRY(mcbe_subframe_init(&made->sub, m, n, 1, "reconstruction", err));
    const size_t order = (size_t)(m < n ? m : n);
    made->bias = bias;
    made->factor = mcbe_alloc(order * order, sizeof *made->factor);
    made->b = mcbe_alloc((size_t)m, sizeof *made->b);
    made->residual = mcbe_alloc((size_t)m, sizeof *made->residual);
    made->start = mcbe_alloc(order, sizeof *made->start);
    made->basis = mcbe_alloc(order * LANCZOS_STEPS, sizeof *made->basis);
    if (!made->factor || !made->b || !made->residual || !made->start || !made->basis) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    MCBE_TRY(mcbe_subframe_matrix(&made->sub, m, n, w, ldw, "reconstruction", err));
    for (int j = 0; bias && j < m; j++) {
        if (!(bias[j] > -INFINITY)) {
            st = mcbe_fail(err, MCBE_ERR_VALUE,
                           "reconstruction: the bias of row %d is %g; allowed are finite values "
                           "and +inf for a row that is never active",
                           j, bias[j]);
            goto out;
        }
    }
    for (size_t i = 0; i < order; i++) {
        /* multiples of the golden ratio, modulo 1: no vector that layers are made of */
        const double turn = (double)(i + 1) * 0.61803398874989485;
        made->start[i] = turn - floor(turn) - 0.5;
    }
    *reconstruct = made;
    made = NULL;
out:
    mcbe_reconstruct_destroy(&made);
    return st;
}

void mcbe_reconstruct_destroy(mcbe_reconstruct_t **reconstruct)
{
    if (*reconstruct) {
        mcbe_free((*reconstruct)->basis);
        mcbe_free((*reconstruct)->start);
        mcbe_free((*reconstruct)->residual);
        mcbe_free((*reconstruct)->b);
        mcbe_free((*reconstruct)->factor);
        mcbe_subframe_free(&(*reconstruct)->sub);
        mcbe_free(*reconstruct);
        *reconstruct = NULL;
    }
}

mcbe_status_t mcbe_reconstruct_gather(mcbe_reconstruct_t *r, int64_t number, const double *z,
                                      mcbe_error_t *err)
{
    mcbe_subframe_t *sub = &r->sub;
    sub->k = 0;
    for (int j = 0; j < sub->m; j++) {
        const double bias = r->bias ? r->bias[j] : 0.0;
        if (!(z[j] >= 0.0 && z[j] <= DBL_MAX)) {
            return mcbe_fail(err, MCBE_ERR_VALUE,
                             "reconstruction: row %d of output %lld is %g; outputs of a ReLU layer "
                             "are finite and not negative",
                             j, (long long)number, z[j]);
        }
        if (z[j] > 0.0) {
            const double value = z[j] + bias;
            if (!(fabs(value) <= DBL_MAX)) {
                return mcbe_fail(err, MCBE_ERR_VALUE,
                                 "reconstruction: row %d of output %lld is %g at a bias of %g; "
                                 "their sum must be finite where an output is positive",
                                 j, (long long)number, z[j], bias);
            }
            r->b[sub->k] = value * sub->scale;
            sub->index[sub->k++] = j;
        }
    }
    mcbe_subframe_copy(sub, 0, sub->k, sub->rows);
    return MCBE_OK;
}

/* y = G^-1 y by its Cholesky factor. */
static void solve(const mcbe_reconstruct_t *r, int q, double *y)
{
    cblas_dtrsv(CblasColMajor, CblasUpper, CblasTrans, CblasNonUnit, q, r->factor, q, y, 1);
    cblas_dtrsv(CblasColMajor, CblasUpper, CblasNoTrans, CblasNonUnit, q, r->factor, q, y, 1);
}

/* The largest eigenvalue of the Gram matrix (inverse 0) or of its inverse (1), from below: the
 * largest Ritz value of a few Lanczos steps, fully orthogonalised. @return 0 if LAPACK fails */
static double largest_eigenvalue(mcbe_reconstruct_t *r, int q, int inverse)
{
    double *diagonal = r->sub.vector[0], *off = r->sub.vector[1], *next = r->sub.vector[2];
    const int steps = q < LANCZOS_STEPS ? q : LANCZOS_STEPS;
    int done = 0;
    memcpy(next, r->start, (size_t)q * sizeof *next);
    double norm = cblas_dnrm2(q, next, 1), first_norm = 0.0;
    while (done < steps && norm > DBL_EPSILON * first_norm) {
        double *v = r->basis + (size_t)done * (size_t)q;
        memcpy(v, next, (size_t)q * sizeof *v);
        cblas_dscal(q, 1.0 / norm, v, 1);
        if (done > 0) {
            off[done - 1] = norm;
        }
        if (inverse) {
            memcpy(next, v, (size_t)q * sizeof *next);
            solve(r, q, next);
        } else {
            cblas_dsymv(CblasColMajor, CblasUpper, q, 1.0, r->sub.gram, q, v, 1, 0.0, next, 1);
        }
        first_norm = fmax(first_norm, cblas_dnrm2(q, next, 1));
        diagonal[done++] = cblas_ddot(q, next, 1, v, 1);
        for (int pass = 0; pass < 2; pass++) {
            for (int i = 0; i < done; i++) {
                const double *u = r->basis + (size_t)i * (size_t)q;
                cblas_daxpy(q, -cblas_ddot(q, next, 1, u, 1), u, 1, next, 1);
            }
        }
        norm = cblas_dnrm2(q, next, 1);
    }
    return LAPACKE_dsterf_work(done, diagonal, off) == 0 ? diagonal[done - 1] : 0.0;
}

/* x += what least squares makes of b - R x, by the Gram matrix. @return length of the step */
static double correct(mcbe_reconstruct_t *r, int q, double *x)
{
    mcbe_subframe_t *sub = &r->sub;
    const int n = sub->n, k = sub->k;
    double *step = sub->vector[3], *part = sub->vector[4];
    mcbe_subframe_residual(sub, r->b, x, r->residual);
    if (k < n) {
        memcpy(part, r->residual, (size_t)k * sizeof *part);
        solve(r, q, part);
        mcbe_subframe_apply_transposed(sub, part, step);
    } else {
        mcbe_subframe_apply_transposed(sub, r->residual, step);
        solve(r, q, step);
    }
    cblas_daxpy(n, 1.0, step, 1, x, 1);
    return cblas_dnrm2(n, step, 1);
}

/* Least squares from the Gram matrix, corrected once with the rows themselves.
 * @return 1; 0 if the rows are dependent, or nearly so */
static int solve_by_gram(mcbe_reconstruct_t *r, double *x, mcbe_reconstruction_t *info)
{
    mcbe_subframe_t *sub = &r->sub;
    const int n = sub->n, q = mcbe_subframe_order(sub);
    mcbe_subframe_gram(sub);
    memcpy(r->factor, sub->gram, (size_t)q * (size_t)q * sizeof *r->factor);
    if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', q, r->factor, q) != 0) {
        return 0;
    }
    const double most = largest_eigenvalue(r, q, 0), least = 1.0 / largest_eigenvalue(r, q, 1);
    if (!(least > MCBE_GRAM_LEAST * most)) {
        return 0;
    }
    memset(x, 0, (size_t)n * sizeof *x);
    correct(r, q, x);
    const double step = correct(r, q, x);
    if (!(step <= CORRECTION_MAX * cblas_dnrm2(n, x, 1))) {
        return 0;
    }
    info->rank = q;
    info->rcond = fmin(sqrt(least / most), 1.0);
    return 1;
}

/* Least squares by singular values: QR or LQ first, which leaves a problem of order q.
 * @return MCBE_OK; MCBE_ERR_INTERNAL */
static mcbe_status_t solve_by_svd(mcbe_reconstruct_t *r, double *x, mcbe_reconstruction_t *info)
{
    mcbe_subframe_t *sub = &r->sub;
    const int n = sub->n, k = sub->k, q = mcbe_subframe_order(sub);
    double *tau = sub->vector[0], *y = sub->vector[1], *work = sub->work;
    const size_t order = (size_t)q;
    /* `rows`, by columns, is R^T, n x k: R^T = Q T with T upper triangular for k < n, = L Q with L
     * lower triangular else. `factor` becomes T^T or L^T. */
    memcpy(y, r->b, (size_t)k * sizeof *y);
    lapack_int failed =
        k < n ? LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, n, k, sub->rows, n, tau, work, sub->lwork)
              : LAPACKE_dgelqf_work(LAPACK_COL_MAJOR, n, k, sub->rows, n, tau, work, sub->lwork);
    if (!failed && k >= n) { /* y = Q b */
        failed = LAPACKE_dormlq_work(LAPACK_COL_MAJOR, 'L', 'N', k, 1, n, sub->rows, n, tau, y, k,
                                     work, sub->lwork);
    }
    for (size_t i = 0; i < order; i++) {
        for (size_t l = 0; l < order; l++) {
            const int in_triangle = k < n ? i <= l : i >= l;
            r->factor[l + i * order] = in_triangle ? sub->rows[i + l * (size_t)n] : 0.0;
        }
    }
    int rank = 0;
    if (!failed) {
        const double tolerance = (k > n ? k : n) * DBL_EPSILON;
        failed = LAPACKE_dgelsd_work(LAPACK_COL_MAJOR, q, q, 1, r->factor, q, y, q, sub->sigma,
                                     tolerance, &rank, work, sub->lwork, sub->iwork);
    }
    memset(x, 0, (size_t)n * sizeof *x);
    memcpy(x, y, order * sizeof *x);
    if (!failed && k < n) { /* x = Q y */
        failed = LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', 'N', n, 1, k, sub->rows, n, tau, x, n,
                                     work, sub->lwork);
    }
    if (failed) {
        return MCBE_ERR_INTERNAL;
    }
    info->rank = rank;
    info->rcond = rank > 0 ? sub->sigma[rank - 1] / sub->sigma[0] : 0.0;
    info->by_svd = 1;
    mcbe_subframe_copy(sub, 0, k, sub->rows);
    return MCBE_OK;
}

static mcbe_status_t solve_one(mcbe_reconstruct_t *r, double *x, mcbe_reconstruction_t *info)
{
    mcbe_subframe_t *sub = &r->sub;
    *info = (mcbe_reconstruction_t){.active = sub->k};
    if (sub->k == 0) {
        memset(x, 0, (size_t)sub->n * sizeof *x);
        return MCBE_OK;
    }
    if (!solve_by_gram(r, x, info)) {
        mcbe_status_t st = solve_by_svd(r, x, info);
        if (st != MCBE_OK) {
            return st;
        }
    }
    mcbe_subframe_residual(sub, r->b, x, r->residual);
    info->residual = cblas_dnrm2(sub->k, r->residual, 1) / sub->scale;
    return MCBE_OK;
}

mcbe_status_t mcbe_reconstruct_least_squares(mcbe_reconstruct_t *reconstruct, int64_t count,
                                             const double *z, ptrdiff_t ldz, double *x,
                                             ptrdiff_t ldx, mcbe_reconstruction_t *info,
                                             mcbe_error_t *err)
{
    const mcbe_subframe_t *sub = &reconstruct->sub;
    if (count < 0 || ldz < sub->m || ldx < sub->n) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "reconstruction: %lld outputs of length %lld to inputs of length %lld; "
                         "lengths of at least %d and %d are needed",
                         (long long)count, (long long)ldz, (long long)ldx, sub->m, sub->n);
    }
    for (int64_t i = 0; i < count; i++) {
        mcbe_reconstruction_t found;
        mcbe_status_t st = mcbe_reconstruct_gather(reconstruct, i, z + i * ldz, err);
        if (st == MCBE_OK) {
            st = solve_one(reconstruct, x + i * ldx, &found);
        }
        if (st != MCBE_OK) {
            return st;
        }
        if (info) {
            info[i] = found;
        }
    }
    return MCBE_OK;
}
