#ifndef MCBE_LOWER_INTERNAL_H
#define MCBE_LOWER_INTERNAL_H

#include <stdint.h>

#include "mcbe/frame.h"
#include "mcbe/status.h"

/* Vectors of length n are padded with zeros to a multiple of this, and rows come in panels of
 * MCBE_PANEL: inner loops then have a length the compiler knows. */
#define MCBE_PAD 8
#define MCBE_PANEL 16

/* --- the face on which some rows are tight ------------------------------------------------------ */

/* The subspace of all x with <x, u_i> = 0 for the rows i of T, by an orthonormal basis of the span
 * of those u_i: u of T's row k = sum over i <= k of R(i, k) q_i. */
typedef struct mcbe_face {
    int n, padded;
    int count;   /* |T| <= n - 1 */
    int *row;    /* owned, T */
    double *q;   /* owned, [n - 1][padded] */
    double *r;   /* owned, R by columns, column k at r + k (k + 1) / 2 */
    double *dot; /* owned, [n - 1], <q_i, v> of the last projection */
    double *mu;  /* owned, [n - 1] */
} mcbe_face_t;

MCBE_NODISCARD mcbe_status_t mcbe_face_init(mcbe_face_t *face, int n);
void mcbe_face_free(mcbe_face_t *face);

/** Make one more row tight. @param[in,out] u [padded], a unit vector; destroyed
 *  @return 1; 0, and nothing changed, if u depends on T's rows */
int mcbe_face_add(mcbe_face_t *face, int row, double *u);

/** Let number `at` of T go; the rows after it move up by one. */
void mcbe_face_drop(mcbe_face_t *face, int at);

/** out = the part of v that is orthogonal to T's rows. @return |out| */
double mcbe_face_project(mcbe_face_t *face, const double *v, double *out);

/** mu with v = out + sum over T of mu_i u_i, v and out those of the last projection. */
const double *mcbe_face_multipliers(mcbe_face_t *face);

/** The shortest d with <d, u_i> = -1 for all rows of T. */
void mcbe_face_inward(mcbe_face_t *face, double *d);

/** Sum of products of two padded vectors. */
double mcbe_padded_dot(int padded, const double *a, const double *b);
/** y += factor x. */
void mcbe_padded_add(int padded, double factor, const double *x, double *y);
/** x *= factor. */
void mcbe_padded_scale(int padded, double factor, double *x);

/* --- the rivals of one row, and walks past them ------------------------------------------------ */

/* Where on a walk a rival changes its sign. */
typedef struct mcbe_crossing {
    double at; /* share of the chord, 0 .. 1 */
    int row;
} mcbe_crossing_t;

/* Row j and what decides whether it is among the n largest: the unit vectors u_i along w_i - w_j. */
typedef struct mcbe_rivals {
    const mcbe_frame_t *frame; /* borrowed */
    int row;                   /* j */
    int padded, lanes;         /* n and m, padded */
    int limit;                 /* rows that may beat row j: n - 1 less its lower-indexed copies */
    double tolerance;          /* a rival beats row j if <x, u_i> exceeds this */
    double *panel;   /* owned, u_i by panels, [lanes / MCBE_PANEL][n][MCBE_PANEL]; 0 for copies */
    double *descent; /* owned, [padded], -w_j / |w_j| */
    mcbe_crossing_t *crossing; /* owned, [m] */
    int64_t evaluations;       /* points whose lead was computed */
} mcbe_rivals_t;

/* A unit vector x and the lead <x, u_i> of each rival. */
typedef struct mcbe_place {
    double *x;    /* owned, [padded] */
    double *lead; /* owned, [lanes] */
} mcbe_place_t;

MCBE_NODISCARD mcbe_status_t mcbe_rivals_init(mcbe_rivals_t *rivals, const mcbe_frame_t *frame);
void mcbe_rivals_free(mcbe_rivals_t *rivals);
MCBE_NODISCARD mcbe_status_t mcbe_place_init(mcbe_place_t *place, const mcbe_rivals_t *rivals);
void mcbe_place_free(mcbe_place_t *place);

/** Turn to row j: 2 m n flops. */
void mcbe_rivals_set(mcbe_rivals_t *rivals, int row);

/** Copy u_i. @param[out] u [padded] */
void mcbe_rivals_vector(const mcbe_rivals_t *rivals, int i, double *u);

/** lead from x: one evaluation. */
void mcbe_rivals_evaluate(mcbe_rivals_t *rivals, mcbe_place_t *place);

/** Rivals that beat row j. */
int mcbe_rivals_ahead(const mcbe_rivals_t *rivals, const mcbe_place_t *place);

/* What stopped a walk, if not a row. */
enum { MCBE_WALK_ARRIVED = -1, MCBE_WALK_NOWHERE = -2 };

/** Go along the great circle to the farthest point at which at most `limit` rivals beat row j.
 *  On the chord, of which the arc is the projection, every lead is linear, so the leads at both ends
 *  tell all crossings.
 *  @param[in,out] place   lead 0 at T's rows
 *  @param[in,out] target  x is given, less than half a turn away and on the face; lead is set: one
 *                         evaluation
 *  @return MCBE_WALK_ARRIVED; the row that stopped it, with lead 0; MCBE_WALK_NOWHERE if no point of
 *          the arc will do: place is unchanged */
int mcbe_rivals_walk(mcbe_rivals_t *rivals, const mcbe_face_t *face, mcbe_place_t *place,
                     mcbe_place_t *target);

#endif
