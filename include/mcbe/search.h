#ifndef MCBE_SEARCH_H
#define MCBE_SEARCH_H

#include <stdint.h>

#include "mcbe/bias.h"
#include "mcbe/domain.h"
#include "mcbe/frame.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Guided search for low points of K. It evaluates alpha(x) at genuine points only, so what it lowers
 * stays the MCBE-bias of a finite set. A batch and a row's descent depend on their ids, the frame and
 * what they start from, not on who runs them; the products that steer them go through BLAS, so the
 * points found may differ between CPU types, never their values once found. */

/* Directions found, |x| = 1 up to rounding, coordinates as mcbe_point_split leaves them.
 * Zero-initialise, set n; free with mcbe_points_free. */
typedef struct mcbe_points {
    int n;
    int64_t count;
    size_t capacity;
    double *x; /* owned, [count][n] */
} mcbe_points_t;

/** Append a direction, split and normalised on the way. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_points_add(mcbe_points_t *points, const double *x);
void mcbe_points_free(mcbe_points_t *points);

/** Can search run on this domain? @return MCBE_OK; MCBE_ERR_ARGUMENT with a sentence for gaussian
 *  (unbounded: a point found says nothing of the distribution) and for sampled radii */
MCBE_NODISCARD mcbe_status_t mcbe_search_check(const mcbe_domain_t *domain, mcbe_error_t *err);

/* --- refuting: a point of K with fewer than n active rows ------------------------------------- */

/* One batch: walkers that share their products, and steps before they give up. */
#define MCBE_REFUTE_WALKERS 128
#define MCBE_REFUTE_STEPS 150
#define MCBE_REFUTE_EVALUATIONS ((int64_t)MCBE_REFUTE_WALKERS * MCBE_REFUTE_STEPS)

/* The point with the fewest active rows that a search saw. */
typedef struct mcbe_refutation {
    int active; /* rows active there, doubtful ones counted (mcbe_active_count); m + 1 for none */
    double radius; /* |x| of the point of K: homogeneity makes the radius a choice of its own */
    int64_t point; /* its number in the list of points, -1 for none */
    int64_t evaluations; /* points visited up to and with the first that refutes, or all */
} mcbe_refutation_t;

/* Workspace for one frame, domain and bias; allocate per unit. */
typedef struct mcbe_refute mcbe_refute_t;

/** @param[in] frame   borrowed  @param[in] domain  copied  @param[in] key  seed, n, m, trial are used
 *  @param[in] bias    [m], copied, in the units of W; NULL for 0
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT if mcbe_search_check refuses; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_refute_create(mcbe_refute_t **refute, const mcbe_frame_t *frame,
                                                const mcbe_domain_t *domain,
                                                const mcbe_stream_key_t *key, const double *bias);
void mcbe_refute_destroy(mcbe_refute_t **refute);

/** Trimmed-hinge descent of one batch; ends at the first point with fewer than n active rows.
 *  Not collective. One workspace serves one thread.
 *  @param[in]     start   alpha of the directions seen so far and the smallest active count at bias
 *                         0; not changed
 *  @param[in,out] points  the directions at which this batch lowered entries of start->alpha the
 *                         most (one that is lowest for some row, each once), in the order visited,
 *                         and the point of `found`, are appended
 *  @param[out]    found   the best point by active count at `bias`
 *  @return MCBE_OK; MCBE_ERR_NOMEM
 *  Cost: 4 m n flops in BLAS and a few passes over m an evaluation. */
MCBE_NODISCARD mcbe_status_t mcbe_refute_batch(mcbe_refute_t *refute, int64_t batch,
                                               const mcbe_bias_state_t *start,
                                               mcbe_points_t *points, mcbe_refutation_t *found);

/** A point with at most floor((m - n + 1) / 2) active rows at bias 0, which refutes every layer with
 *  m < 3 n - 1 whose first n - 1 rows are independent: their null vector, tilted so that these rows
 *  turn negative. Not collective.
 *  @param[out] x      [n], a unit direction as mcbe_point_split leaves it
 *  @param[out] active rows active at x, doubtful ones counted; may exceed the bound where the rows
 *                     are degenerate
 *  @return MCBE_OK; MCBE_ERR_NOMEM; MCBE_ERR_INTERNAL if LAPACK fails */
MCBE_NODISCARD mcbe_status_t mcbe_refute_small(const mcbe_frame_t *frame, double *x, int *active);

/* --- lowering one entry of alpha* -------------------------------------------------------------- */

/* Workspace for one frame and domain. */
typedef struct mcbe_lower mcbe_lower_t;

/** @param[in] frame  borrowed  @param[in] key  seed, n, m, trial, and block for other random starts
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT if mcbe_search_check refuses or the domain is restricted to
 *         non-negative points; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_lower_create(mcbe_lower_t **lower, const mcbe_frame_t *frame,
                                               const mcbe_domain_t *domain,
                                               const mcbe_stream_key_t *key);
void mcbe_lower_destroy(mcbe_lower_t **lower);

/** Active-set descent for row j: minimise <x, w_j> over unit x where w_j stays among the n largest.
 *  Restarts and kicks until the budget is spent. Not collective. One workspace serves one thread.
 *  @param[in]  starts       [start_count][n] directions to begin with, the best first; then random
 *                           ones
 *  @param[in]  evaluations  budget, in evaluated points (one evaluation: all m coefficients once)
 *  @param[out] x            [n], the lowest direction found at which row j is among the n largest
 *                           canonical coefficients, as mcbe_point_split leaves it
 *  @param[out] value        its canonical coefficient of row j for |x| = 1, +inf if row j was never
 *                           among the n largest (x is then 0)
 *  @param[out] used         evaluations spent
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_lower_row(mcbe_lower_t *lower, int row, const double *starts,
                                            int64_t start_count, int64_t evaluations, double *x,
                                            double *value, int64_t *used);

#ifdef __cplusplus
}
#endif
#endif
