#include "preimage_internal.h"

#include <math.h>
#include <string.h>

#include <cblas.h>

#include "check.h"
#include "hull.h"
#include "memory.h"

/* How far the prices of a linear program may miss what its solution says, relative to both. */
#define GAP_MAX 1e-8

/* Rows a_i of norm 1 and how far x is from each: x + basis^T u is in the preimage iff
 * <a_i, u> <= distance_i. */
static void distances(mcbe_preimage_t *preimage, double *distance)
{
    for (int i = 0; i < preimage->belows; i++) {
        const int j = preimage->below[i];
        distance[i] = fmax(-preimage->z[j], 0.0) / (preimage->norm[j] * preimage->length[i]);
    }
}

/* The largest <goal, u>: the least cost of weights that combine to goal. Checked by the u that the
 * prices are: within the preimage, and as far out. */
static mcbe_status_t reach(const mcbe_preimage_t *preimage, mcbe_lp_t *lp, const double *distance,
                           const double *goal, double *value)
{
    const int h = preimage->belows, k = preimage->k;
    mcbe_lp_outcome_t outcome;
    mcbe_lp_set_rows(lp, goal, goal);
    const mcbe_status_t st = mcbe_lp_solve_dual(lp, &outcome);
    if (st != MCBE_OK) {
        return st;
    }
    *value = outcome == MCBE_LP_INFEASIBLE ? INFINITY : NAN;
    if (outcome != MCBE_LP_OPTIMAL) {
        return MCBE_OK;
    }
    const double *u = mcbe_lp_prices(lp), found = mcbe_lp_value(lp);
    const double size = cblas_dnrm2(k, u, 1), allowed = GAP_MAX * size;
    int right = fabs(cblas_ddot(k, goal, 1, u, 1) - found) <= allowed * cblas_dnrm2(k, goal, 1);
    for (int i = 0; i < h; i++) {
        const double *row = preimage->reduced + (size_t)i * (size_t)k;
        right &= cblas_ddot(k, row, 1, u, 1) <= distance[i] + allowed;
    }
    *value = right ? found : NAN;
    return MCBE_OK;
}

static mcbe_status_t width_along(mcbe_preimage_t *preimage, mcbe_lp_t *lp, const double *distance,
                                 const double *d, double at, double *lower, double *upper)
{
    const int n = preimage->n, k = preimage->k;
    double *goal = preimage->step, value;
    mcbe_status_t st = MCBE_OK;
    *lower = *upper = at;
    if (k == 0) {
        return st;
    }
    cblas_dgemv(CblasRowMajor, CblasNoTrans, k, n, 1.0, preimage->basis, n, d, 1, 0.0, goal, 1);
    if (cblas_dnrm2(k, goal, 1) <= n * mcbe_preimage_rounding(n) * cblas_dnrm2(n, d, 1)) {
        return st; /* what is given by the rows with y > 0 */
    }
    if (preimage->belows == 0) {
        *lower = -INFINITY;
        *upper = INFINITY;
        return st;
    }
    MCBE_TRY(reach(preimage, lp, distance, goal, &value));
    *upper = at + value;
    cblas_dscal(k, -1.0, goal, 1);
    MCBE_TRY(reach(preimage, lp, distance, goal, &value));
    *lower = at - value;
out:
    return st;
}

mcbe_status_t mcbe_preimage_width(mcbe_preimage_t *preimage, const double *x, int count,
                                  const double *directions, double *lower, double *upper,
                                  mcbe_error_t *err)
{
    const int n = preimage->n;
    double *found = NULL, *distance = preimage->weight;
    mcbe_lp_t *lp = NULL;
    mcbe_status_t st;
    if (count < 1) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "preimage: the number of directions is %d; allowed are 1 and more", count);
    }
    for (int i = 0; i < count; i++) {
        MCBE_TRY(
            mcbe_preimage_values("the directions", n, directions + (size_t)i * (size_t)n, err));
    }
    MCBE_TRY(mcbe_preimage_point(preimage, x, err));
    found = mcbe_alloc(2 * (size_t)count, sizeof *found);
    MCBE_TRY(found ? MCBE_OK : MCBE_ERR_NOMEM);
    mcbe_preimage_roles(preimage);
    MCBE_TRY(mcbe_preimage_reduce(preimage));
    if (preimage->belows > 0) {
        distances(preimage, distance);
        memset(preimage->step, 0, (size_t)n * sizeof *preimage->step);
        st = mcbe_preimage_program(preimage, distance, MCBE_PROGRAM_PLAIN, preimage->step, &lp);
        MCBE_TRY(st == MCBE_ERR_LIMIT ? mcbe_preimage_too_large(preimage, err) : st);
    }
    for (int i = 0; i < count; i++) {
        const double *d = directions + (size_t)i * (size_t)n;
        MCBE_TRY(width_along(preimage, lp, distance, d, cblas_ddot(n, d, 1, x, 1), found + i,
                             found + count + i));
    }
    memcpy(lower, found, (size_t)count * sizeof *lower);
    memcpy(upper, found + count, (size_t)count * sizeof *upper);
out:
    mcbe_lp_destroy(&lp);
    mcbe_free(found);
    return st;
}

/* The centre u of the largest ball in the preimage. */
static mcbe_status_t centre(mcbe_preimage_t *preimage, const double *distance, double *u,
                            mcbe_error_t *err)
{
    const int k = preimage->k;
    double goal[MCBE_PREIMAGE_VOLUME_MAX + 1] = {0};
    mcbe_lp_t *lp = NULL;
    mcbe_lp_outcome_t outcome;
    mcbe_status_t st;
    goal[k] = 1.0;
    MCBE_TRY(mcbe_preimage_program(preimage, distance, MCBE_PROGRAM_SUM, goal, &lp));
    MCBE_TRY(mcbe_lp_solve_dual(lp, &outcome));
    memcpy(u, mcbe_lp_prices(lp), (size_t)k * sizeof *u);
    /* the radius, against the size that the distances give */
    double size = 0.0;
    for (int i = 0; i < preimage->belows; i++) {
        size = fmax(size, distance[i]);
    }
    if (outcome != MCBE_LP_OPTIMAL || !(mcbe_lp_value(lp) > GAP_MAX * size)) {
        st = mcbe_fail(err, MCBE_ERR_VALUE,
                       "preimage: it is so thin that its volume in %d dimensions is lost in "
                       "rounding",
                       k);
    }
out:
    mcbe_lp_destroy(&lp);
    return st;
}

static mcbe_status_t compact_volume(mcbe_preimage_t *preimage, double *volume, mcbe_error_t *err)
{
    const int k = preimage->k, h = preimage->belows;
    double *distance = preimage->weight, *dual = preimage->rows;
    double u[MCBE_PREIMAGE_VOLUME_MAX];
    if (k > MCBE_PREIMAGE_VOLUME_MAX) {
        return mcbe_fail(err, MCBE_ERR_LIMIT,
                         "preimage: it has %d dimensions; its volume is computed in up to %d", k,
                         MCBE_PREIMAGE_VOLUME_MAX);
    }
    distances(preimage, distance);
    const mcbe_status_t st = centre(preimage, distance, u, err);
    if (st != MCBE_OK) {
        return st;
    }
    double below = INFINITY, above = INFINITY;
    for (int i = 0; i < h; i++) {
        const double *row = preimage->reduced + (size_t)i * (size_t)k;
        const double rest = distance[i] - cblas_ddot(k, row, 1, u, 1);
        for (int c = 0; c < k; c++) {
            dual[(size_t)i * (size_t)k + (size_t)c] = row[c] / rest;
        }
        above = row[0] > 0.0 ? fmin(above, rest / row[0]) : above;
        below = row[0] < 0.0 ? fmin(below, -rest / row[0]) : below;
    }
    if (k == 1) {
        *volume = below + above;
        return MCBE_OK;
    }
    return mcbe_hull_polar_volume(k, h, dual, "preimage", volume, err);
}

mcbe_status_t mcbe_preimage_volume(mcbe_preimage_t *preimage, const double *x, double *volume,
                                   mcbe_error_t *err)
{
    mcbe_preimage_result_t result;
    mcbe_status_t st;
    MCBE_TRY(mcbe_preimage_point(preimage, x, err));
    MCBE_TRY(mcbe_preimage_decide(preimage, &result));
    switch (result.verdict) {
    case MCBE_PREIMAGE_SINGLETON:
        *volume = 0.0;
        break;
    case MCBE_PREIMAGE_UNBOUNDED:
        *volume = INFINITY;
        break;
    case MCBE_PREIMAGE_COMPACT:
        if (preimage->equals == 0 || preimage->sigma_equal > 0.0) {
            st = compact_volume(preimage, volume, err);
            break;
        } /* fallthrough */
    case MCBE_PREIMAGE_UNDECIDED:
        st = mcbe_fail(err, MCBE_ERR_VALUE,
                       "preimage: rounding leaves open whether it is bounded, or its dimension; "
                       "without them no volume can be computed");
        break;
    }
out:
    return st;
}
