#ifndef MCBE_PREIMAGE_INTERNAL_H
#define MCBE_PREIMAGE_INTERNAL_H

#include <float.h>

#include "lp.h"
#include "mcbe/preimage.h"

/* A proof must have this times what rounding can take. */
#define MCBE_PREIMAGE_MARGIN 2.0

/* The same, of the bounds that mcbe_rank_quick finds. */
#define MCBE_RANK_QUICK_MARGIN 16.0

/* Relative error of a sum of `terms` products in any order: twice the usual bound, so that it also
 * covers the error of whatever is computed from it. */
static inline double mcbe_preimage_rounding(int terms)
{
    return (terms + 4) * DBL_EPSILON;
}

/* What is known of z_j = <w_j, x> - bias_j. */
typedef enum mcbe_row_sign {
    MCBE_ROW_NEGATIVE,
    MCBE_ROW_TOUCHING, /* exactly 0 */
    MCBE_ROW_POSITIVE,
    MCBE_ROW_DOUBTFUL
} mcbe_row_sign_t;

/* What a direction d may do to a row. */
typedef enum mcbe_row_role {
    MCBE_ROLE_FREE,  /* anything */
    MCBE_ROLE_EQUAL, /* <w_j, d> = 0 */
    MCBE_ROLE_BELOW  /* <w_j, d> <= 0 */
} mcbe_row_role_t;

struct mcbe_preimage {
    int m, n;
    const double *w, *bias; /* borrowed; bias may be NULL */
    double *norm;           /* [m] |w_j| */
    int *first;             /* [m] the first row with the entries of row j, or all of them negated;
                               -1 for a row of zeros */
    int idle_input;         /* a column of zeros, or -1 */
    double sigma;           /* at most the least singular value of the rows / |w_j|; 0 if unknown */
    /* of the point at work */
    double *z;           /* [m] */
    unsigned char *sign; /* [m] mcbe_row_sign_t */
    unsigned char *role; /* [m] mcbe_row_role_t */
    double *direction;   /* [n] */
    double *combination; /* [m] */
    double sigma_used;   /* as sigma, of the rows that count */
    /* {d: <w_j, d> = 0 for equal rows} in orthonormal coordinates, by mcbe_preimage_reduce */
    int equals;         /* distinct equal rows that are not 0 */
    int rank;           /* of these, up to rounding */
    int k;              /* n - rank */
    double sigma_equal; /* at most their least singular value; 0 if unknown */
    int *equal;         /* [m] which ones; after pivoting the first `rank` ones are independent */
    double *reflectors; /* [equals][n] within `rows`, QR of their transpose */
    double *tau;        /* [n] */
    double *basis;      /* [k][n], orthonormal */
    int belows;         /* rows that are to stay below and are not 0 there */
    int *below;         /* [m] which ones */
    double *reduced;    /* [belows][k], their unit vectors in these coordinates */
    double *length;     /* [belows], |projection of w_j / |w_j|| on the subspace */
    /* workspace */
    double *rows;                                          /* [m][n] */
    double *square;                                        /* [n][n] */
    double *lambda, *exponent, *change, *weight, *product; /* [m] */
    double *point, *step, *gradient, *rest;                /* [n] */
    int *pivot;                                            /* [max(m, n)] */
};

/* preimage_rank.c */

/** A lower bound, above 0, of the least singular value of a row-major [rows][n] matrix of rows of
 *  norm 1, rounding included; 0 if none is proven.
 *  @param square  [n][n] workspace
 *  Cost of the quick one: rows n^2 + n^3 / 3 flops; it finds small bounds, which prove rank n */
double mcbe_rank_quick(int rows, int n, const double *a, double *square);
MCBE_NODISCARD mcbe_status_t mcbe_rank_bound(int rows, int n, double *a, double *square,
                                             double *bound);

/** What LAPACKE's answer means: MCBE_OK, MCBE_ERR_NOMEM or MCBE_ERR_INTERNAL. */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_lapack(int info);

/** Copy row j divided by its norm. */
void mcbe_preimage_unit_row(const mcbe_preimage_t *preimage, int j, double *unit);

/** z and signs of a point. */
void mcbe_preimage_signs(mcbe_preimage_t *preimage, const double *x);

/** The sign of <a, b> - c: -1, 0 or 1 if it is certain, else 2. */
int mcbe_preimage_sign(int n, const double *a, const double *b, double c);

/* preimage.c */

/** Refuse what is not finite or too large, with a sentence. */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_values(const char *what, int count, const double *x,
                                                  mcbe_error_t *err);

/** A linear program beyond the limits of the solver. */
mcbe_status_t mcbe_preimage_too_large(const mcbe_preimage_t *preimage, mcbe_error_t *err);

/** Check a point and find the signs of its rows. */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_point(mcbe_preimage_t *preimage, const double *x,
                                                 mcbe_error_t *err);

/** Verdict on the point at work: SINGLETON by rank alone, or all of it. */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_prove_rank(mcbe_preimage_t *preimage,
                                                      mcbe_preimage_result_t *result);
MCBE_NODISCARD mcbe_status_t mcbe_preimage_decide(mcbe_preimage_t *preimage,
                                                  mcbe_preimage_result_t *result);

/** Roles of the rows for rays of the whole preimage, doubtful ones taken for y = 0. */
void mcbe_preimage_roles(mcbe_preimage_t *preimage);

/* preimage_reduce.c */

/** Fill equals ... length from `role`.
 *  @return MCBE_OK; MCBE_ERR_NOMEM; MCBE_ERR_INTERNAL */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_reduce(mcbe_preimage_t *preimage);

/** preimage->direction = unit vector of basis^T u. @return 0 if it has no length */
int mcbe_preimage_lift(mcbe_preimage_t *preimage, const double *u);

/** Complete `combination`, of which the entries of the rows that are to stay below are given, by
 *  those of the equal rows, so that W^T c is as near to 0 as they can bring it. */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_complete(mcbe_preimage_t *preimage);

typedef enum mcbe_program {
    MCBE_PROGRAM_PLAIN,
    MCBE_PROGRAM_SLACK, /* the equation may fail by s, which costs sum |s_c| */
    MCBE_PROGRAM_SUM,   /* one row more, sum lambda_i */
    MCBE_PROGRAM_BOTH
} mcbe_program_t;

/** Linear program over weights lambda_i >= 0 of the reduced rows a_i: least
 *  sum cost_i lambda_i with sum lambda_i a_i = goal.
 *  @param[in] cost  [belows], or NULL for 0
 *  @param[in] goal  [k], or [k + 1] with a row for the sum
 *  @return MCBE_OK; MCBE_ERR_NOMEM; MCBE_ERR_LIMIT for more entries than CLP counts, without a
 *         sentence; MCBE_ERR_INTERNAL */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_program(const mcbe_preimage_t *preimage,
                                                   const double *cost, mcbe_program_t kind,
                                                   const double *goal, mcbe_lp_t **lp);

/* preimage_cone.c */

/* {d: <w_j, d> = 0 for equal rows, <= 0 for those below} */
typedef enum mcbe_cone {
    MCBE_CONE_ZERO, /* d = 0 alone; combination proves it */
    MCBE_CONE_RAYS, /* other d; direction is one, or there are too few rows */
    MCBE_CONE_OPEN  /* rounding leaves it open */
} mcbe_cone_t;

typedef struct mcbe_cone_result {
    mcbe_cone_t cone;
    int by_count; /* proven by the number of rows */
    int programs;
    double margin;
} mcbe_cone_result_t;

/** Decide from `role`; reduces first. @return MCBE_OK; MCBE_ERR_NOMEM; MCBE_ERR_INTERNAL */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_cone(mcbe_preimage_t *preimage,
                                                mcbe_cone_result_t *result);

/* preimage_proof.c */

/** How much of `combination` remains > 0 once it is made exact; <= 1 proves nothing. */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_prove_zero(mcbe_preimage_t *preimage, double *margin);

/** How far below 0 the rows stay along the exact direction near `direction`, over what rounding can
 *  take; <= 1 proves nothing. */
double mcbe_preimage_prove_ray(mcbe_preimage_t *preimage);

/** Whether `direction`, scaled and rounded to few digits, fulfils all conditions exactly; it then
 *  becomes that. */
int mcbe_preimage_exact_ray(mcbe_preimage_t *preimage);

#endif
