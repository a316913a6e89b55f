#include "preimage_internal.h"

#include <math.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "check.h"
#include "lp.h"
#include "memory.h"

#define NEWTON_STEPS 60
/* Share of a Newton step's promise that a shortened one must keep (Armijo's rule), and the shortest
 * one. */
#define ARMIJO 0.1
#define SHORTEST 1e-4
/* Weights below this are lost for good; long before, the Newton equations have no digits left. */
#define LEAST_WEIGHT 1e-100

static mcbe_status_t accept_combination(mcbe_preimage_t *preimage, const double *weight,
                                        mcbe_cone_result_t *result)
{
    double mean = 0.0, margin;
    memset(preimage->combination, 0, (size_t)preimage->m * sizeof *preimage->combination);
    for (int i = 0; i < preimage->belows; i++) {
        mean += weight[i] / preimage->length[i] / preimage->belows;
    }
    /* rows without a direction in the subspace take any weight: the equal rows make up for it */
    for (int j = 0; j < preimage->m; j++) {
        if (preimage->role[j] == MCBE_ROLE_BELOW && preimage->first[j] >= 0) {
            preimage->combination[j] = mean / preimage->norm[j];
        }
    }
    for (int i = 0; i < preimage->belows; i++) {
        const int j = preimage->below[i];
        preimage->combination[j] = weight[i] / preimage->length[i] / preimage->norm[j];
    }
    mcbe_status_t st = mcbe_preimage_prove_zero(preimage, &margin);
    if (st == MCBE_OK && margin >= MCBE_PREIMAGE_MARGIN) {
        result->cone = MCBE_CONE_ZERO;
        result->margin = margin;
    }
    return st;
}

static void accept_direction(mcbe_preimage_t *preimage, const double *u, mcbe_cone_result_t *result)
{
    if (!mcbe_preimage_lift(preimage, u)) {
        return;
    }
    const double margin = mcbe_preimage_prove_ray(preimage);
    if (margin >= MCBE_PREIMAGE_MARGIN) {
        result->cone = MCBE_CONE_RAYS;
        result->margin = margin;
    }
}

/* The last direction, if it can be made exact. */
static void accept_exact(mcbe_preimage_t *preimage, mcbe_cone_result_t *result)
{
    if (mcbe_preimage_exact_ray(preimage)) {
        result->cone = MCBE_CONE_RAYS;
        result->margin = INFINITY;
    }
}

static double largest(int count, const double *x)
{
    double value = -INFINITY;
    for (int i = 0; i < count; i++) {
        value = fmax(value, x[i]);
    }
    return value;
}

static double least(int count, const double *x)
{
    double value = INFINITY;
    for (int i = 0; i < count; i++) {
        value = fmin(value, x[i]);
    }
    return value;
}

/* f(u) = log sum exp <a_i, u>, less than it was by the largest exponent. */
static double potential(int count, const double *exponent, double step, const double *change,
                        double offset)
{
    double sum = 0.0;
    for (int i = 0; i < count; i++) {
        sum += exp(exponent[i] + step * change[i] - offset);
    }
    return log(sum);
}

/* The Newton step for sum exp <a_i, u> at u, and how each exponent changes by it.
 * @return 0 if the equations have no digits left */
static int newton_direction(mcbe_preimage_t *preimage)
{
    const int h = preimage->belows, k = preimage->k;
    double *scaled = preimage->rows + (size_t)preimage->equals * (size_t)preimage->n;
    const double offset = largest(h, preimage->exponent);
    for (int i = 0; i < h; i++) {
        preimage->lambda[i] = exp(preimage->exponent[i] - offset);
        const double root = sqrt(preimage->lambda[i]);
        for (int c = 0; c < k; c++) {
            scaled[(size_t)i * (size_t)k + (size_t)c] =
                root * preimage->reduced[(size_t)i * (size_t)k + (size_t)c];
        }
    }
    if (least(h, preimage->lambda) < LEAST_WEIGHT) {
        return 0;
    }
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, k, h, 1.0, scaled, k, 0.0, preimage->square,
                k);
    cblas_dgemv(CblasRowMajor, CblasTrans, h, k, -1.0, preimage->reduced, k, preimage->lambda, 1,
                0.0, preimage->gradient, 1);
    memcpy(preimage->step, preimage->gradient, (size_t)k * sizeof *preimage->step);
    if (LAPACKE_dposv_work(LAPACK_COL_MAJOR, 'L', k, 1, preimage->square, k, preimage->step, k) !=
        0) {
        return 0;
    }
    cblas_dgemv(CblasRowMajor, CblasNoTrans, h, k, 1.0, preimage->reduced, k, preimage->step, 1,
                0.0, preimage->change, 1);
    return 1;
}

/* Go along the step as far as the potential allows. @return 0 if that is nowhere */
static int advance(mcbe_preimage_t *preimage, double *u)
{
    const int h = preimage->belows, k = preimage->k;
    const double offset = largest(h, preimage->exponent);
    double length = 1.0, weight = 0.0;
    for (int i = 0; i < h; i++) {
        weight += preimage->lambda[i];
    }
    const double slope = -cblas_ddot(k, preimage->gradient, 1, preimage->step, 1) / weight;
    const double now = log(weight);
    while (potential(h, preimage->exponent, length, preimage->change, offset) >
           now + ARMIJO * length * slope) {
        length *= 0.5;
        if (length < SHORTEST) {
            return 0;
        }
    }
    cblas_daxpy(h, length, preimage->change, 1, preimage->exponent, 1);
    cblas_daxpy(k, length, preimage->step, 1, u, 1);
    return 1;
}

/* Minimise sum exp <a_i, u> over u. Where its gradient sum exp <a_i, u> a_i is 0 the weights are a
 * positive combination; if it has no minimum, u runs off along a direction with <a_i, u> < 0. Both
 * show long before: the combination after the next linearised step, the direction as soon as all
 * exponents are below 0. Leaves with MCBE_CONE_OPEN where neither does. */
static mcbe_status_t newton(mcbe_preimage_t *preimage, mcbe_cone_result_t *result)
{
    const int h = preimage->belows;
    double *u = preimage->point;
    mcbe_status_t st = MCBE_OK;
    memset(preimage->exponent, 0, (size_t)h * sizeof *preimage->exponent);
    memset(u, 0, (size_t)preimage->k * sizeof *u);
    for (int i = 0; i < NEWTON_STEPS && result->cone == MCBE_CONE_OPEN; i++) {
        if (!newton_direction(preimage)) {
            break;
        }
        if (largest(h, preimage->change) < 0.0) {
            accept_direction(preimage, preimage->step, result);
        } else if (least(h, preimage->change) > -1.0) {
            for (int j = 0; j < h; j++) {
                preimage->weight[j] = preimage->lambda[j] * (1.0 + preimage->change[j]);
            }
            MCBE_TRY(accept_combination(preimage, preimage->weight, result));
        }
        if (result->cone == MCBE_CONE_OPEN && !advance(preimage, u)) {
            break;
        }
        if (result->cone == MCBE_CONE_OPEN && largest(h, preimage->exponent) < 0.0) {
            accept_direction(preimage, u, result);
        }
    }
out:
    return st;
}

/* The linear programs for what Newton's method leaves open: least sum |s_c| with
 * sum weight_i a_i = s. For weights that sum to 1 the prices y are the ray that falls fastest,
 * largest t with <a_i, y> <= -t, |y_c| <= 1; its t, the value, is 0 iff 0 is in the hull. For
 * weights of at least 1 the value is 0 iff 0 is inside the hull or the rows span less (the program
 * of largest t with A^T c = 0, c_i >= t, sum c_i = 1, scaled so that it always has a solution);
 * else the prices are a ray along which not all rows fall. */
static mcbe_status_t linear_program(mcbe_preimage_t *preimage, mcbe_program_t kind,
                                    const double *goal, double least_weight,
                                    mcbe_cone_result_t *result)
{
    mcbe_lp_t *lp = NULL;
    mcbe_lp_outcome_t outcome;
    mcbe_status_t st;
    MCBE_TRY(mcbe_preimage_program(preimage, NULL, kind, goal, &lp));
    MCBE_TRY(mcbe_lp_solve_primal(lp, &outcome));
    result->programs++;
    if (outcome == MCBE_LP_OPTIMAL) {
        for (int i = 0; i < preimage->belows; i++) {
            preimage->weight[i] = least_weight + mcbe_lp_solution(lp)[i];
        }
        MCBE_TRY(accept_combination(preimage, preimage->weight, result));
        if (result->cone == MCBE_CONE_OPEN) {
            accept_direction(preimage, mcbe_lp_prices(lp), result);
        }
        if (result->cone == MCBE_CONE_OPEN && mcbe_preimage_lift(preimage, mcbe_lp_prices(lp))) {
            accept_exact(preimage, result);
        }
    }
out:
    mcbe_lp_destroy(&lp);
    return st;
}

static mcbe_status_t linear_programs(mcbe_preimage_t *preimage, mcbe_cone_result_t *result)
{
    const int h = preimage->belows, k = preimage->k;
    double *goal = mcbe_alloc((size_t)k + 1, sizeof *goal);
    mcbe_status_t st = goal ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        goal[k] = 1.0;
        st = linear_program(preimage, MCBE_PROGRAM_BOTH, goal, 0.0, result);
    }
    if (st == MCBE_OK && result->cone == MCBE_CONE_OPEN) {
        for (int i = 0; i < h; i++) {
            preimage->weight[i] = -1.0;
        }
        cblas_dgemv(CblasRowMajor, CblasTrans, h, k, 1.0, preimage->reduced, k, preimage->weight, 1,
                    0.0, goal, 1);
        st = linear_program(preimage, MCBE_PROGRAM_SLACK, goal, 1.0, result);
    }
    mcbe_free(goal);
    return st == MCBE_ERR_LIMIT ? MCBE_OK : st; /* too large to try: it stays open */
}

/* A vector orthogonal to all rows that count, by elimination, so that small integers give small
 * fractions: where the rows do not span R^n no other ray need exist. Destroys what
 * mcbe_preimage_reduce made. */
static mcbe_status_t orthogonal(mcbe_preimage_t *preimage, mcbe_cone_result_t *result)
{
    const int n = preimage->n;
    double *rows = preimage->rows, *d = preimage->direction;
    int count = 0, rank = 0;
    for (int j = 0; j < preimage->m; j++) {
        if (preimage->role[j] != MCBE_ROLE_FREE && preimage->first[j] >= 0) {
            mcbe_preimage_unit_row(preimage, j, rows + (size_t)count++ * (size_t)n);
        }
    }
    memset(preimage->pivot, 0, (size_t)n * sizeof *preimage->pivot);
    mcbe_status_t st = mcbe_preimage_lapack(
        LAPACKE_dgeqp3(LAPACK_ROW_MAJOR, count, n, rows, n, preimage->pivot, preimage->tau));
    const int limit = count < n ? count : n;
    while (rank < limit &&
           fabs(rows[(size_t)rank * (size_t)(n + 1)]) > n * mcbe_preimage_rounding(count)) {
        rank++;
    }
    if (st != MCBE_OK || rank == n) {
        return st;
    }
    for (int i = 0; i < rank; i++) {
        preimage->rest[i] = -rows[(size_t)i * (size_t)n + (size_t)rank];
    }
    if (rank > 0) {
        st = mcbe_preimage_lapack(
            LAPACKE_dtrtrs(LAPACK_ROW_MAJOR, 'U', 'N', 'N', rank, 1, rows, n, preimage->rest, 1));
    }
    memset(d, 0, (size_t)n * sizeof *d);
    d[preimage->pivot[rank] - 1] = 1.0;
    for (int i = 0; i < rank; i++) {
        d[preimage->pivot[i] - 1] = preimage->rest[i];
    }
    accept_exact(preimage, result);
    return st;
}

/* A direction along which k rows or fewer fall at the same rate; 0 if they are dependent. */
static void direction_of_few(mcbe_preimage_t *preimage)
{
    const int h = preimage->belows, k = preimage->k;
    double *u = preimage->point, *share = preimage->weight;
    mcbe_cone_result_t found = {.cone = MCBE_CONE_OPEN};
    memset(u, 0, (size_t)k * sizeof *u);
    if (h == 0) {
        u[0] = 1.0;
    } else {
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, h, k, 1.0, preimage->reduced, k, 0.0,
                    preimage->square, h);
        for (int i = 0; i < h; i++) {
            share[i] = -1.0;
        }
        if (LAPACKE_dposv_work(LAPACK_COL_MAJOR, 'L', h, 1, preimage->square, h, share, h) == 0) {
            cblas_dgemv(CblasRowMajor, CblasTrans, h, k, 1.0, preimage->reduced, k, share, 1, 0.0,
                        u, 1);
        }
    }
    accept_direction(preimage, u, &found);
    if (found.cone == MCBE_CONE_OPEN) {
        memset(preimage->direction, 0, (size_t)preimage->n * sizeof *preimage->direction);
    }
}

/* Rows that count, of norm 1: their least singular value. @return how many are to stay below */
static mcbe_status_t look_at_rows(mcbe_preimage_t *preimage, int *belows)
{
    int used = 0, there = 0;
    *belows = 0;
    for (int j = 0; j < preimage->m; j++) {
        if (preimage->first[j] >= 0) {
            there++;
            *belows += preimage->role[j] == MCBE_ROLE_BELOW;
            if (preimage->role[j] != MCBE_ROLE_FREE) {
                mcbe_preimage_unit_row(preimage, j,
                                       preimage->rows + (size_t)used++ * (size_t)preimage->n);
            }
        }
    }
    preimage->sigma_used = preimage->sigma;
    return used == there ? MCBE_OK
                         : mcbe_rank_bound(used, preimage->n, preimage->rows, preimage->square,
                                           &preimage->sigma_used);
}

mcbe_status_t mcbe_preimage_cone(mcbe_preimage_t *preimage, mcbe_cone_result_t *result)
{
    int belows;
    mcbe_status_t st;
    *result = (mcbe_cone_result_t){.cone = MCBE_CONE_OPEN};
    MCBE_TRY(look_at_rows(preimage, &belows));
    MCBE_TRY(mcbe_preimage_reduce(preimage));
    if (preimage->idle_input >= 0) {
        memset(preimage->direction, 0, (size_t)preimage->n * sizeof *preimage->direction);
        preimage->direction[preimage->idle_input] = 1.0;
        *result = (mcbe_cone_result_t){.cone = MCBE_CONE_RAYS, .margin = INFINITY};
        goto out;
    }
    if (preimage->k == 0) {
        goto out; /* no direction by fp64, and no proof that there is none */
    }
    if (preimage->equals < preimage->n && belows <= preimage->n - preimage->equals) {
        *result = (mcbe_cone_result_t){.cone = MCBE_CONE_RAYS, .by_count = 1, .margin = INFINITY};
        direction_of_few(preimage);
        goto out;
    }
    if (preimage->belows > preimage->k) {
        MCBE_TRY(newton(preimage, result));
    }
    if (result->cone == MCBE_CONE_OPEN && preimage->belows > 0) {
        MCBE_TRY(linear_programs(preimage, result));
    }
    if (result->cone == MCBE_CONE_OPEN && preimage->sigma_used == 0.0) {
        MCBE_TRY(orthogonal(preimage, result));
    }
out:
    return st;
}
