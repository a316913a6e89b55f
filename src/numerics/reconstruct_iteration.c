#include <float.h>
#include <math.h>
#include <string.h>

#include <cblas.h>

#include "reconstruct_internal.h"

/* Singular values are known to fewer digits than this; frame bounds are moved outwards by it. */
#define BOUND_MARGIN 1e-8

/* After how many steps rate^k <= tolerance; log(1 / rate) = log(1 + 2 A / (B - A)). */
static int64_t steps_needed(const mcbe_frame_algorithm_t *run, double tolerance)
{
    const double steps =
        ceil(-log(tolerance) / log1p(2.0 * run->lower / (run->upper - run->lower)));
    return steps < 1e18 ? (int64_t)steps : INT64_MAX;
}

/* Frame bounds of the gathered rows, times scale^2. */
static mcbe_status_t find_bounds(mcbe_subframe_t *sub, double tolerance,
                                 mcbe_frame_algorithm_t *run)
{
    mcbe_extremes_t extremes;
    mcbe_status_t st = mcbe_subframe_extremes(sub, &extremes);
    if (st != MCBE_OK) {
        return st;
    }
    const double least = extremes.smallest_positive * sub->scale;
    const double most = extremes.largest * sub->scale;
    run->rank = extremes.rank;
    mcbe_subframe_copy(sub, 0, sub->k, sub->rows);
    if (extremes.rank == 0) {
        return MCBE_OK;
    }
    run->lower = least * least * (1.0 - BOUND_MARGIN);
    run->upper = most * most * (1.0 + BOUND_MARGIN);
    run->rate = (run->upper - run->lower) / (run->upper + run->lower);
    run->needed = steps_needed(run, tolerance);
    return MCBE_OK;
}

/* With g = R^T (b - R x_k) = S (x - x_k): |x - x_k| <= |g| / A. @return relative to |x|, of which
 * |x_k| - |x - x_k| is the least it can be */
static double error_bound(double gradient, double lower, double length)
{
    const double error = gradient / lower;
    return error == 0.0 ? 0.0 : error < length ? error / (length - error) : INFINITY;
}

/* From x = 0. @return MCBE_ERR_INTERNAL if g does not fall as (I - 2 / (A + B) S)^k demands */
static mcbe_status_t iterate(mcbe_reconstruct_t *r, double tolerance, int64_t max_iterations,
                             double *x, mcbe_frame_algorithm_t *run)
{
    mcbe_subframe_t *sub = &r->sub;
    const int n = sub->n;
    const double factor = 2.0 / (run->lower + run->upper);
    /* of the first gradient, which is A |x| at least: B |x| is what the terms of one are added to */
    const double rounding = 16.0 * DBL_EPSILON * run->active * run->upper / run->lower;
    double *g = sub->vector[0], first = 0.0, expected = 1.0;
    for (int64_t i = 0;; i++) {
        mcbe_subframe_residual(sub, r->b, x, r->residual);
        mcbe_subframe_apply_transposed(sub, r->residual, g);
        const double gradient = cblas_dnrm2(n, g, 1);
        first = i == 0 ? gradient : first;
        if (!(gradient <= (expected * (1.0 + BOUND_MARGIN) + rounding) * first)) {
            return MCBE_ERR_INTERNAL;
        }
        run->iterations = i;
        run->error_bound = error_bound(gradient, run->lower, cblas_dnrm2(n, x, 1));
        run->converged = run->error_bound <= tolerance;
        if (run->converged || i == max_iterations) {
            return MCBE_OK;
        }
        cblas_daxpy(n, factor, g, 1, x, 1);
        expected *= run->rate;
    }
}

mcbe_status_t mcbe_reconstruct_frame_algorithm(mcbe_reconstruct_t *reconstruct, const double *z,
                                               double tolerance, int64_t max_iterations, double *x,
                                               mcbe_frame_algorithm_t *info, mcbe_error_t *err)
{
    mcbe_subframe_t *sub = &reconstruct->sub;
    if (!(tolerance > 0.0 && tolerance < 1.0) || max_iterations < 1) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "reconstruction: a tolerance of %g in at most %lld iterations; a "
                         "tolerance between 0 and 1 and at least 1 iteration are needed",
                         tolerance, (long long)max_iterations);
    }
    mcbe_status_t st = mcbe_reconstruct_gather(reconstruct, 0, z, err);
    if (st != MCBE_OK) {
        return st;
    }
    mcbe_frame_algorithm_t run = {.active = sub->k, .converged = 1};
    memset(x, 0, (size_t)sub->n * sizeof *x);
    if (sub->k > 0) {
        st = find_bounds(sub, tolerance, &run);
    }
    if (st == MCBE_OK && run.rank > 0) {
        st = iterate(reconstruct, tolerance, max_iterations, x, &run);
    }
    if (st != MCBE_OK) {
        return st;
    }
    run.residual = cblas_dnrm2(sub->k, run.rank > 0 ? reconstruct->residual : reconstruct->b, 1);
    if (info) {
        run.residual /= sub->scale;
        run.lower /= sub->scale * sub->scale;
        run.upper /= sub->scale * sub->scale;
        *info = run;
    }
    return MCBE_OK;
}
