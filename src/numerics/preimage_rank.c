#include "preimage_internal.h"

#include <math.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "check.h"
#include "memory.h"

/* How far below the rounding of products an exact one may lie, see mcbe_preimage_sign. */
#define PRODUCT_MIN 1e-250

/* The Gram matrix of unit rows has trace `rows`. What was computed for it, and the Cholesky
 * factorisation of that, belong to an exact Gram matrix within this in the spectral norm: rows n
 * products of `rows` terms, n pivots of up to n terms, entries rounded when rows were scaled.
 * S. M. Rump, Verification of positive definiteness, BIT 46, 2006, with twice the constants. */
static double gram_rounding(int rows, int n)
{
    return (mcbe_preimage_rounding(rows) + mcbe_preimage_rounding(n)) * rows;
}

static void gram(int rows, int n, const double *a, double *square)
{
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, rows, 1.0, a, n, 0.0, square, n);
}

/* in LAPACK's column-major view the upper triangle is the lower one */
static int cholesky(int n, double *square)
{
    return LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', n, square, n) == 0;
}

double mcbe_rank_quick(int rows, int n, const double *a, double *square)
{
    const double rounding = gram_rounding(rows, n), shift = MCBE_RANK_QUICK_MARGIN * rounding;
    if (rows < n) {
        return 0.0;
    }
    gram(rows, n, a, square);
    for (int k = 0; k < n; k++) {
        square[(size_t)k * (size_t)n + (size_t)k] -= shift;
    }
    return cholesky(n, square) ? sqrt(shift - rounding) : 0.0;
}

/* With G = R^T R, the least eigenvalue of G is at least 1 / |R^-1|_F^2; half of it makes up for the
 * rounding of the inverse, which is checked to be small. */
static double inverse_bound(int rows, int n, const double *a, double *square)
{
    gram(rows, n, a, square);
    if (!cholesky(n, square) ||
        LAPACKE_dtrtri_work(LAPACK_COL_MAJOR, 'L', 'N', n, square, n) != 0) {
        return 0.0;
    }
    double sum = 0.0;
    for (int i = 0; i < n; i++) {
        const double *row = square + (size_t)i * (size_t)n;
        const double norm = cblas_dnrm2(n - i, row + i, 1);
        sum += norm * norm;
    }
    const double condition = sqrt(sum * rows);
    if (condition * n * mcbe_preimage_rounding(n) > 0.1) {
        return 0.0;
    }
    const double least = 0.5 / sum, rounding = gram_rounding(rows, n);
    return least > MCBE_PREIMAGE_MARGIN * rounding ? sqrt(least - rounding) : 0.0;
}

mcbe_status_t mcbe_rank_bound(int rows, int n, double *a, double *square, double *bound)
{
    *bound = 0.0;
    if (rows < n) {
        return MCBE_OK;
    }
    *bound = inverse_bound(rows, n, a, square);
    if (*bound > 0.0) {
        return MCBE_OK;
    }
    /* squares lose half of the digits; singular values do not, but destroy the matrix */
    double *singular = mcbe_alloc((size_t)n, sizeof *singular);
    if (!singular) {
        return MCBE_ERR_NOMEM;
    }
    const lapack_int info =
        LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', n, rows, a, n, singular, NULL, 1, NULL, 1);
    /* the error bound of LAPACK's guide, p(rows, n) eps sigma_1, with a generous p */
    const double error = 10.0 * mcbe_preimage_rounding(rows) * singular[0];
    *bound = singular[n - 1] > MCBE_PREIMAGE_MARGIN * error ? singular[n - 1] - error : 0.0;
    mcbe_free(singular);
    return mcbe_preimage_lapack(info);
}

mcbe_status_t mcbe_preimage_lapack(int info)
{
    const int no_memory = info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR;
    return info == 0 ? MCBE_OK : no_memory ? MCBE_ERR_NOMEM : MCBE_ERR_INTERNAL;
}

void mcbe_preimage_unit_row(const mcbe_preimage_t *preimage, int j, double *unit)
{
    const int n = preimage->n;
    const double *row = preimage->w + (size_t)j * (size_t)n;
    const double factor = 1.0 / preimage->norm[j];
    for (int k = 0; k < n; k++) {
        unit[k] = row[k] * factor;
    }
}

/* T. Ogita, S. M. Rump, S. Oishi, Accurate sum and dot product, SIAM J. Sci. Comput. 26, 2005,
 * algorithm Dot2: as if computed in twice the precision. Where no operation rounded, it is exact. */
int mcbe_preimage_sign(int n, const double *a, const double *b, double c)
{
    double sum = -c, lost = 0.0, size = fabs(c);
    int exact = 1;
    for (int k = 0; k < n; k++) {
        const double product = a[k] * b[k], low = fma(a[k], b[k], -product);
        const double next = sum + product, back = next - sum;
        const double rest = (sum - (next - back)) + (product - back);
        const int tiny = fabs(product) < PRODUCT_MIN && a[k] != 0.0 && b[k] != 0.0;
        exact &= low == 0.0 && rest == 0.0 && !tiny;
        lost += low + rest;
        size += fabs(product);
        sum = next;
    }
    const double value = sum + lost, relative = mcbe_preimage_rounding(n);
    const double error =
        exact ? 0.0 : DBL_EPSILON * fabs(value) + relative * relative * size + n * PRODUCT_MIN;
    if (value > error) {
        return 1;
    }
    return value < -error ? -1 : exact ? 0 : 2;
}

void mcbe_preimage_signs(mcbe_preimage_t *preimage, const double *x)
{
    const int m = preimage->m, n = preimage->n;
    const double norm_x = cblas_dnrm2(n, x, 1), relative = mcbe_preimage_rounding(n);
    static const mcbe_row_sign_t certain[] = {MCBE_ROW_NEGATIVE, MCBE_ROW_TOUCHING,
                                              MCBE_ROW_POSITIVE, MCBE_ROW_DOUBTFUL};
    cblas_dgemv(CblasRowMajor, CblasNoTrans, m, n, 1.0, preimage->w, n, x, 1, 0.0, preimage->z, 1);
    for (int j = 0; j < m; j++) {
        const double bias = preimage->bias ? preimage->bias[j] : 0.0;
        const double error = relative * (preimage->norm[j] * norm_x + fabs(bias));
        preimage->z[j] -= bias;
        int sign = preimage->z[j] > 0.0 ? 1 : -1;
        if (!(fabs(preimage->z[j]) > error)) {
            sign = mcbe_preimage_sign(n, preimage->w + (size_t)j * (size_t)n, x, bias);
        }
        preimage->sign[j] = (unsigned char)certain[sign + 1];
    }
}
