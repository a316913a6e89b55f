#ifndef MCBE_EXACT_FLATS_H
#define MCBE_EXACT_FLATS_H

/* Points of R^n seen from a chain of ever smaller flats: level t holds their projections on the
 * orthogonal complement of t of them, in coordinates of that complement, with a proven bound on all
 * rounding. See docs/method.md, section 9. */

#include "mcbe/status.h"

typedef struct mcbe_flats {
    int n;          /* dimension of level 0 */
    int stride;     /* points, padded to a multiple of MCBE_FLAT_LANES with points at 0 */
    double size;    /* no point is longer */
    double *points; /* owned: level t is [n - t][stride], one level after the other */
    double *mirror; /* owned, [n][n]: level t was left by the reflection along mirror[t] ... */
    double *factor; /* owned, [n]: ... with this factor, x - factor <v, x> v */
    double *error;  /* owned, [n]: in some coordinates no point of level t is farther off */
} mcbe_flats_t;

/** Room for `count` points of R^n, all 0. @return MCBE_OK; MCBE_ERR_NOMEM with `flats` zeroed */
MCBE_NODISCARD mcbe_status_t mcbe_flats_init(mcbe_flats_t *flats, int n, int count);
void mcbe_flats_free(mcbe_flats_t *flats);

/** After level 0 has been filled. @param[in] size   no point is longer
 *  @param[in] error  no point is farther off */
void mcbe_flats_start(mcbe_flats_t *flats, double size, double error);

/** Coordinates at level t, [n - t][stride]. */
double *mcbe_flats_level(const mcbe_flats_t *flats, int t);

/** Length of a point at level t. */
double mcbe_flats_length(const mcbe_flats_t *flats, int t, int point);

/** Is a vector of this length at level t long enough to have a direction? */
int mcbe_flats_has_direction(const mcbe_flats_t *flats, int t, double length);

/** How far <x, p> may be off for any point p of level t, x being as long as another vector of this
 *  length and in its direction, or (n - t = 2) orthogonal to it. */
double mcbe_flats_slack(const mcbe_flats_t *flats, int t, double length);

/** Make level t + 1 < n: the complement of a point of level t.
 *  @return 0 if that point is 0 within rounding, nothing done then; 1 otherwise */
int mcbe_flats_restrict(mcbe_flats_t *flats, int t, int point);

/** Coordinates of a point of level 0 in the basis whose first t vectors span the points left out
 *  and whose others are those of level t. @param[out] y [n] */
void mcbe_flats_rotate(const mcbe_flats_t *flats, int t, int point, double *y);

/** The vector of R^n with these coordinates in the same basis. @param[in,out] y [n] */
void mcbe_flats_lift(const mcbe_flats_t *flats, int t, double *y);

#endif
