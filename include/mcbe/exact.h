#ifndef MCBE_EXACT_H
#define MCBE_EXACT_H

#include <stdint.h>

#include "mcbe/frame.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Exact answers for layers small enough to look at every candidate. The number of candidates grows
 * like m^n, so each function counts them first and refuses beyond a limit: MCBE_ERR_LIMIT with a
 * sentence that names the work, about how long it would take, and the limit. */

/** Floating-point operations of mcbe_exact_depth and mcbe_exact_injectivity, at most; INFINITY
 *  beyond fp64. */
double mcbe_exact_depth_work(int n, int m);

/** Floating-point operations of mcbe_exact_alpha, at most; INFINITY beyond fp64. */
double mcbe_exact_alpha_work(int n, int m);

/** About how many seconds so many operations take on one core with AVX-512. */
double mcbe_exact_seconds(double work);

/* What is known about the depth of a layer: the smallest number of rows active at bias 0,
 * #{ j : <x, w_j> >= 0 } over x != 0. */
typedef struct mcbe_depth {
    int lower; /* no x has fewer rows active: proven, all rounding included */
    int upper; /* rows active at the point found, rows within rounding of 0 counted as active */
    int full_spark; /* any n rows are independent: proven, all rounding included. 0: not proven, or
                       stopped before it could be */
} mcbe_depth_t;

/** The halfspace (Tukey) depth of 0 among the rows. lower == upper unless rows are degenerate
 *  within rounding: rows that are multiples of each other by a power of two, of either sign, are
 *  treated exactly, but n others in one hyperplane leave lower below upper where they matter. Not
 *  collective. Thread-safe.
 *  @param[in]  stop_below  return as soon as a point with fewer active rows is known, lower is then
 *         not the best bound; 0 for never
 *  @param[in]  work_limit  see mcbe_exact_depth_work
 *  @param[out] depth  untouched on error
 *  @param[out] x      [n] or NULL: a point with depth->upper active rows, a unit vector up to 1e-14
 *         and a sum of two fp32 vectors as mcbe_point_split makes them. Untouched on error
 *  @return MCBE_OK; MCBE_ERR_LIMIT with a sentence; MCBE_ERR_NOMEM
 *  Source: docs/method.md, section 9.  Cost: C(m, n - 1) directions with 4 m flops each. */
MCBE_NODISCARD mcbe_status_t mcbe_exact_depth(const mcbe_frame_t *frame, int stop_below,
                                              double work_limit, mcbe_depth_t *depth, double *x,
                                              mcbe_error_t *err);

/* Whether ReLU(Wx) can be inverted. */
typedef enum mcbe_exact_verdict {
    MCBE_EXACT_NOT_INJECTIVE = 0,
    MCBE_EXACT_INJECTIVE = 1,
    MCBE_EXACT_UNDECIDED = 2 /* rows are degenerate within rounding where it matters */
} mcbe_exact_verdict_t;

/** Is the layer injective at bias 0, on R^n and so on every ball around 0? Both answers are proofs
 *  that include all rounding; copies of a row count once. Not collective. Thread-safe.
 *  @param[out] verdict  untouched on error
 *  @param[out] x  [n] or NULL: for MCBE_EXACT_NOT_INJECTIVE a point whose active rows do not span
 *         R^n, in the form of mcbe_exact_depth's; otherwise untouched
 *  @return as mcbe_exact_depth.  Cost: as mcbe_exact_depth, less where the answer is no. */
MCBE_NODISCARD mcbe_status_t mcbe_exact_injectivity(const mcbe_frame_t *frame, double work_limit,
                                                    mcbe_exact_verdict_t *verdict, double *x,
                                                    mcbe_error_t *err);

/** alpha* of the unit sphere: in every row the smallest coefficient it has while it is among the n
 *  largest; mcbe_domain_finish gives ball and shell. Not collective. Thread-safe.
 *
 *  Ties are broken in favour of each row, as the infimum over nearby points would where no more
 *  than n rows meet. Rows within rounding of a tie count as tied: this can only lower a value.
 *  @param[in]  work_limit  see mcbe_exact_alpha_work
 *  @param[out] alpha   [m], +inf for a row never among the n largest. Untouched on error
 *  @param[out] points  [m][n] or NULL: where it is reached, a unit vector up to 1e-14 and a sum of
 *         two fp32 vectors; alpha[j] is the canonical coefficient of row j there (mcbe_point_split,
 *         then mcbe_frame_pair_coefficients with scale 1 / mcbe_point_norm). Up to n rows, more for
 *         degenerate ones, tie there with row j within rounding. NaN where alpha is +inf. Untouched
 *         on error
 *  @param[out] doubtful  or NULL: rows whose value rests on more rows tied within rounding than the
 *         n that must be; m if rows were so dependent that candidates had to be left out. 0 for
 *         rows in general position. Untouched on error
 *  @return MCBE_OK; MCBE_ERR_LIMIT with a sentence; MCBE_ERR_NOMEM
 *  Source: docs/method.md, section 9.  Cost: C(m, n) directions with 4 m flops each. */
MCBE_NODISCARD mcbe_status_t mcbe_exact_alpha(const mcbe_frame_t *frame, double work_limit,
                                              double *alpha, double *points, int *doubtful,
                                              mcbe_error_t *err);

#ifdef __cplusplus
}
#endif
#endif
