#ifndef MCBE_POLYTOPE_H
#define MCBE_POLYTOPE_H

#include "mcbe/domain.h"
#include "mcbe/frame.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What mcbe_polytope_bias takes on: about 1 GB and minutes. */
#define MCBE_POLYTOPE_MAX_N 16
#define MCBE_POLYTOPE_MAX_FACETS 2e6

/** The largest number of facets that the convex hull of m points in R^n can have (McMullen's upper
 *  bound theorem), n >= 2. Not collective. Thread-safe. */
double mcbe_polytope_work(int n, int m);

/** Polytope bias estimation (PBE): a bias at which W is rectifying on K, by proof. For each
 *  facet of the convex hull of the rows' directions it keeps all n rows of the facet active on
 *  the facet's cone, and these cones cover R^n. It holds in real arithmetic: rounding errors on the
 *  way lower the bias. It is not the largest such bias: min_j of it is at most min_j alpha*_j.
 *  Not collective. Thread-safe.
 *  @param[in]  domain  sphere, ball or shell; with `nonnegative` the bias of the whole set serves;
 *                      `radial` is ignored
 *  @param[out] bias    [m]; +inf for a row that no facet needs (a duplicate): any value will do
 *                      there. Untouched on error
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT for an unusable domain or if mcbe_polytope_work is above
 *         MCBE_POLYTOPE_MAX_FACETS; MCBE_ERR_DIM unless 2 <= n <= MCBE_POLYTOPE_MAX_N;
 *         MCBE_ERR_VALUE if the rows are not omnidirectional (0 not inside the hull) or so nearly
 *         degenerate that rounding leaves the proof open; each with a sentence; MCBE_ERR_NOMEM
 *  Source: the polytope bias estimation of D. Haider, M. Ehler, P. Balazs; derivation and
 *  deviations in docs/method.md, "The polytope bias".  Cost: Qhull, then up to O(n^5) a facet. */
MCBE_NODISCARD mcbe_status_t mcbe_polytope_bias(const mcbe_frame_t *frame,
                                                const mcbe_domain_t *domain, double *bias,
                                                mcbe_error_t *err);

#ifdef __cplusplus
}
#endif
#endif
