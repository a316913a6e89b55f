#ifndef MCBE_SEARCH_INTERNAL_H
#define MCBE_SEARCH_INTERNAL_H

/* What the searches share: how a direction is written down, and which of them are worth keeping. */

#include "mcbe/search.h"

/** Normalise a direction and leave its coordinates as mcbe_point_split leaves them. One settled
 *  before keeps its bits. @param[in,out] x  [n], not 0 */
void mcbe_direction_settle(int n, double *x);

/* Where one row becomes active or stops being so, along a ray. */
typedef struct mcbe_breakpoint {
    double radius;
    int change; /* of the number of active rows */
} mcbe_breakpoint_t;

/** The radius at which a direction has the fewest active rows: row j is active at radius t if
 *  t c_j >= bias_j, which changes at t = bias_j / c_j only. The answer is the middle of the widest
 *  interval of fewest active rows, as far as can be from where a row is in doubt.
 *  @param[in] c          [m], coefficients at radius 1
 *  @param[in] low, high  0 < low < high
 *  @param     work       [m] */
double mcbe_fewest_active_radius(int m, const double *bias, const double *c, double low,
                                 double high, mcbe_breakpoint_t *work);

typedef struct mcbe_serial {
    int64_t serial;
    int place;
} mcbe_serial_t;

/* The lowest point seen for each row. A point stays while it is the lowest for some row or somebody
 * holds it, so there are never more than m and those held. */
typedef struct mcbe_lowest {
    int m, n;
    double *x;       /* owned, [m + MCBE_LOWEST_HELD][n] */
    int64_t *serial; /* owned, the order in which points came */
    int *uses;       /* owned, rows and holders of a point; 0 for a free place */
    int *of_row;     /* owned, [m], the place of the row's point, -1 for none */
    int *vacant;     /* owned, the free places, a stack */
    int vacant_count;
    mcbe_serial_t *order; /* owned, for sorting */
    int64_t next_serial;
} mcbe_lowest_t;

/* Points that may be held at once. */
#define MCBE_LOWEST_HELD 2

/** @return MCBE_OK; MCBE_ERR_NOMEM (free it all the same) */
MCBE_NODISCARD mcbe_status_t mcbe_lowest_init(mcbe_lowest_t *lowest, int m, int n);
void mcbe_lowest_free(mcbe_lowest_t *lowest);
/** Forget all points. */
void mcbe_lowest_clear(mcbe_lowest_t *lowest);

/** Take in a point and hold it. @return its place */
int mcbe_lowest_take(mcbe_lowest_t *lowest, const double *x);
/** Hold a point once more. */
void mcbe_lowest_hold(mcbe_lowest_t *lowest, int place);
/** Let go of a point. */
void mcbe_lowest_drop(mcbe_lowest_t *lowest, int place);
/** The point at this place is now the lowest for a row. */
void mcbe_lowest_assign(mcbe_lowest_t *lowest, int row, int place);

/** Append all points in the order they came.
 *  @param[in]  place   one of them, or -1
 *  @param[out] number  its number in `points`, -1 for none
 *  @return MCBE_OK; MCBE_ERR_NOMEM (`points` is then as it was) */
MCBE_NODISCARD mcbe_status_t mcbe_lowest_append(mcbe_lowest_t *lowest, mcbe_points_t *points,
                                                int place, int64_t *number);

#endif
