#ifndef MCBE_HULL_H
#define MCBE_HULL_H

#include "mcbe/status.h"

/* Simplices on the boundary of the convex hull of unit vectors around 0. What holds of them is
 * proven for the vectors as they are, whatever rounding did inside Qhull: the vertices of each are
 * linearly independent, and every x in R^n lies in the cone of at least one (docs/method.md, "The
 * polytope bias"). */
typedef struct mcbe_hull {
    int n;
    int facets;
    int *vertex;    /* owned, [facets][n], indices of unit vectors */
    int *neighbor;  /* owned, [facets][n], the facet that shares all vertices but the k-th */
    double *spread; /* owned, [facets], at least sum lambda_i for any unit vector sum lambda_i u_i,
                       lambda >= 0, of the cone: 1 / (distance of the facet from 0) */
} mcbe_hull_t;

/** Rounding of a scalar product of two unit vectors, of their making, and of what is done with it:
 *  32 n eps. */
double mcbe_hull_rounding(int n);

/** The hull of unit vectors. Not collective. Thread-safe.
 *  @param[in]  n       >= 2
 *  @param[in]  points  [count][n], of norm 1 up to rounding; not changed (Qhull's interface lacks
 *                      const)
 *  @param[in]  what    what the points are, for sentences: "polytope, rows"
 *  @param[out] hull    zeroed on error; free with mcbe_hull_free
 *  @return MCBE_OK; MCBE_ERR_VALUE with a sentence where 0 is not inside the hull, or where
 *         rounding leaves open whether the facets close up; MCBE_ERR_NOMEM; MCBE_ERR_INTERNAL
 *  Cost: Qhull, then O(n^3) a facet. */
MCBE_NODISCARD mcbe_status_t mcbe_hull_init(mcbe_hull_t *hull, int n, int count, double *points,
                                            const char *what, mcbe_error_t *err);
void mcbe_hull_free(mcbe_hull_t *hull);

/** The part of mcbe_hull_init that proves, given vertex and neighbor: fills spread.
 *  @return as mcbe_hull_init */
MCBE_NODISCARD mcbe_status_t mcbe_hull_check(mcbe_hull_t *hull, const double *points,
                                             const char *what, mcbe_error_t *err);

/** The vector y with <u_i, y> = 1, up to rounding, for the vertices of a facet.
 *  @param[out] y [n] @return MCBE_OK; MCBE_ERR_INTERNAL unless checked before;
 *  MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_hull_normal(const mcbe_hull_t *hull, const double *points,
                                              int facet, double *y);

/** Volume of the polytope {x: <p_i, x> <= 1}, whose polar body is the hull of the p_i. Not
 *  collective. Thread-safe.
 *  @param[in]  n       >= 2
 *  @param[in]  points  [count][n], with 0 inside their hull; not changed
 *  @param[out] volume  untouched on error; to about the rounding errors of Qhull
 *  @return as mcbe_hull_init */
MCBE_NODISCARD mcbe_status_t mcbe_hull_polar_volume(int n, int count, double *points,
                                                    const char *what, double *volume,
                                                    mcbe_error_t *err);

#endif
