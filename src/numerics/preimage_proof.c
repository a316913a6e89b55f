#include "preimage_internal.h"

#include <math.h>
#include <string.h>

#include <cblas.h>

#include "check.h"
#include "memory.h"

/* Let U be the rows that count, of norm 1, with least singular value at least sigma > 0, and c a
 * combination with U^T c = r. Then c - U (U^T U)^-1 r combines to 0 exactly and differs from c by
 * at most |r| / sigma in each entry. If it is > 0 for all rows that are to stay below, any d of the
 * cone has 0 = sum c_j <u_j, d> with no term above 0, so U d = 0 and d = 0. */
mcbe_status_t mcbe_preimage_prove_zero(mcbe_preimage_t *preimage, double *margin)
{
    const int m = preimage->m, n = preimage->n;
    const double *c = preimage->combination;
    double least = INFINITY, total = 0.0;
    *margin = 0.0;
    mcbe_status_t st = mcbe_preimage_complete(preimage);
    if (st != MCBE_OK) {
        return st;
    }
    for (int j = 0; j < m; j++) {
        const double weight = c[j] * preimage->norm[j];
        total += fabs(weight);
        if (preimage->role[j] == MCBE_ROLE_BELOW && preimage->first[j] >= 0) {
            least = fmin(least, weight);
        }
    }
    cblas_dgemv(CblasRowMajor, CblasTrans, m, n, 1.0, preimage->w, n, c, 1, 0.0, preimage->rest, 1);
    const double rest = cblas_dnrm2(n, preimage->rest, 1) + mcbe_preimage_rounding(m) * total;
    *margin = least > 0.0 && isfinite(rest) ? least * preimage->sigma_used / rest : 0.0;
    return MCBE_OK;
}

/* With P the equal rows, of norm 1, and their least singular value at least sigma > 0, the vector
 * d - P^T (P P^T)^-1 P d is in their null space and within |P d| / sigma of d. */
double mcbe_preimage_prove_ray(mcbe_preimage_t *preimage)
{
    const int m = preimage->m, n = preimage->n;
    const double rounding = mcbe_preimage_rounding(n);
    double *product = preimage->product, square = 0.0, least = INFINITY;
    if (preimage->equals > 0 && preimage->sigma_equal == 0.0) {
        return 0.0;
    }
    cblas_dgemv(CblasRowMajor, CblasNoTrans, m, n, 1.0, preimage->w, n, preimage->direction, 1, 0.0,
                product, 1);
    for (int i = 0; i < preimage->equals; i++) {
        const int j = preimage->equal[i];
        const double along = fabs(product[j]) / preimage->norm[j] + rounding;
        square += along * along;
    }
    const double moved = preimage->equals > 0 ? sqrt(square) / preimage->sigma_equal : 0.0;
    for (int j = 0; j < m; j++) {
        if (preimage->role[j] == MCBE_ROLE_BELOW && preimage->first[j] >= 0) {
            least = fmin(least, -product[j] / preimage->norm[j]);
        }
    }
    return least / (rounding + moved);
}

static int fulfils_exactly(const mcbe_preimage_t *preimage, const double *d)
{
    const int n = preimage->n;
    for (int j = 0; j < preimage->m; j++) {
        if (preimage->role[j] == MCBE_ROLE_FREE) {
            continue;
        }
        const int sign = mcbe_preimage_sign(n, preimage->w + (size_t)j * (size_t)n, d, 0.0);
        if (sign > 0 || (sign < 0 && preimage->role[j] == MCBE_ROLE_EQUAL)) {
            return 0;
        }
    }
    return 1;
}

/* Multiples that make integers of simple fractions of the largest entry, and binary digits to keep
 * of them. */
#define MULTIPLE_MAX 15
static const int DIGITS[] = {20, 6};

int mcbe_preimage_exact_ray(mcbe_preimage_t *preimage)
{
    const int n = preimage->n;
    double *d = preimage->rest, largest = 0.0;
    for (int k = 0; k < n; k++) {
        largest = fmax(largest, fabs(preimage->direction[k]));
    }
    if (!(largest > 0.0)) {
        return 0;
    }
    for (int multiple = 1; multiple <= MULTIPLE_MAX; multiple += 2) {
        for (size_t i = 0; i < sizeof DIGITS / sizeof *DIGITS; i++) {
            const double unit = ldexp(1.0, DIGITS[i]);
            for (int k = 0; k < n; k++) {
                d[k] = nearbyint(preimage->direction[k] / largest * multiple * unit) / unit;
            }
            if (fulfils_exactly(preimage, d)) {
                memcpy(preimage->direction, d, (size_t)n * sizeof *d);
                cblas_dscal(n, 1.0 / cblas_dnrm2(n, d, 1), preimage->direction, 1);
                return 1;
            }
        }
    }
    return 0;
}
