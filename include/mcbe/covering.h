#ifndef MCBE_COVERING_H
#define MCBE_COVERING_H

#include <stdint.h>

#include "mcbe/domain.h"
#include "mcbe/frame.h"
#include "mcbe/rng.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The covering radius of points x_i on the unit sphere is rho = max over unit x of min_i |x - x_i|,
 * Euclidean. */

/* The most facets mcbe_covering_radius takes on. */
#define MCBE_COVERING_MAX_FACETS 2e6

/* Bounds of a covering radius that hold in real arithmetic; they differ by rounding alone. */
typedef struct mcbe_covering {
    double lower, upper;
} mcbe_covering_t;

/** An estimate of the facets of the convex hull of `count` points spread like independent uniform
 *  ones on the sphere in R^n, n >= 2: count times a constant of the dimension, which is the limit
 *  for many points, and no more than mcbe_polytope_work. Points in special position can reach that.
 *  Not collective. Thread-safe.
 *  Source: simplices a point of a Poisson-Delaunay tessellation of R^(n-1); J. Moller, Random
 *  tessellations in R^d, Adv. Appl. Probab. 21, 1989. */
double mcbe_covering_work(int n, double count);

/** The covering radius, from the facets of the points' convex hull. Not collective. Thread-safe.
 *  @param[in]  points    row-major [count][n]: their directions count; finite, not 0
 *  @param[out] covering  untouched on error
 *  @param[out] hole      [n], the unit vector at which `lower` is attained, or NULL
 *  @return MCBE_OK; MCBE_ERR_DIM unless 2 <= n <= MCBE_POLYTOPE_MAX_N; MCBE_ERR_ARGUMENT if
 *         mcbe_covering_work is above MCBE_COVERING_MAX_FACETS; MCBE_ERR_VALUE for points that
 *         leave a half-space empty (the radius is then at least sqrt(2)), for one without
 *         direction, or where rounding leaves the proof open; each with a sentence;
 *         MCBE_ERR_NOMEM
 *  Proof: docs/method.md, "Covering radius".  Cost: Qhull, O(n^3) a facet, O(count n). */
MCBE_NODISCARD mcbe_status_t mcbe_covering_radius(int n, int count, const double *points,
                                                  mcbe_covering_t *covering, double *hole,
                                                  mcbe_error_t *err);

/** A LOWER bound of the covering radius in any dimension: the distance from the points of the
 *  emptiest place found by walks from random places. Nothing bounds how far below the radius it is.
 *  Not collective.
 *  @param[in]     points  as above
 *  @param[in,out] rng     where the walks start
 *  @param[in]     visits  places to look at, >= 1
 *  @param[out]    lower   untouched on error
 *  @param[out]    hole    [n], unit vector at which it is attained, or NULL
 *  @return MCBE_OK; MCBE_ERR_DIM unless n >= 2 and count >= 1; MCBE_ERR_ARGUMENT for visits;
 *         MCBE_ERR_VALUE for a point without direction; each with a sentence; MCBE_ERR_NOMEM
 *  Cost: 2 n count flops a visit. */
MCBE_NODISCARD mcbe_status_t mcbe_covering_search(int n, int count, const double *points,
                                                  mcbe_rng_t *rng, int64_t visits, double *lower,
                                                  double *hole, mcbe_error_t *err);

/** What the covering radius of `count` independent uniform points is close to when they are many:
 *  (n v_n / v_(n-1) * log(count) / count)^(1 / (n - 1)), v_n the volume of the unit ball. An
 *  expectation in the limit, not a bound; above 2 it says that count is too small for it. n >= 2,
 *  count > 1. Not collective. Thread-safe.
 *  Source: A. Reznikov, E. B. Saff, The covering radius of randomly distributed points on a
 *  manifold, Int. Math. Res. Not. 2016(19), for the sphere of dimension n - 1; thesis Thm. 4.4.1
 *  has the exponent 1 / n. */
double mcbe_covering_expected(int n, double count);

/** The number of points for which mcbe_covering_expected gives this radius; +inf beyond fp64. The
 *  formula falls from count = e on; a radius larger than there gives e. n >= 2, radius > 0.
 *  Not collective. Thread-safe. */
double mcbe_covering_points(int n, double radius);

/** The error-corrected bias: with a the minima over directions x_i and rho their covering radius,
 *  a_j - |w_j| rho keeps at least n rows active at every direction (full spark: W is rectifying);
 *  then carried over to K. Rounding lowers the bias. min_j of it is at most min_j alpha*_j(K);
 *  a single entry may lie above its alpha*_j(K). Not collective. Thread-safe.
 *  @param[in]  domain  sphere, ball or shell with analytic radii
 *  @param[in]  radius  at least the covering radius of the directions visited in those of K
 *  @param[in]  a       [m] minima over directions, before mcbe_domain_finish; +inf stays +inf
 *  @param[out] bias    [m], may be a itself; untouched on error
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT with a sentence
 *  Source: thesis Thm. 4.4.2, what is true of it, with |w_j| for their maximum: docs/method.md,
 *  "Covering radius". */
MCBE_NODISCARD mcbe_status_t mcbe_covering_correct(const mcbe_frame_t *frame,
                                                   const mcbe_domain_t *domain, double radius,
                                                   const double *a, double *bias,
                                                   mcbe_error_t *err);

#ifdef __cplusplus
}
#endif
#endif
