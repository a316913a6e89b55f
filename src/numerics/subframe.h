#ifndef MCBE_SUBFRAME_H
#define MCBE_SUBFRAME_H

/* Some rows of a matrix, gathered into a matrix R of their own, and its singular values. Shared by
 * reconstruction and stability. The shapes of all calls follow from the chosen rows alone, so the
 * same rows give the same bits, whatever was looked at before. */

#include <stddef.h>

#include "mcbe/stability.h"
#include "mcbe/status.h"

/* A Gram matrix is trusted while its smallest eigenvalue is above this share of the largest, that
 * is for condition numbers below 3e4: what comes from it alone (a vector) is then off by about
 * eps / 1e-9, and using R itself once multiplies or squares that error away. */
#define MCBE_GRAM_LEAST 1e-9

/* Lengths of the vectors of a workspace. */
#define MCBE_SUBFRAME_VECTORS 5

typedef struct mcbe_subframe {
    int m_max, n_max;
    int m, n;        /* of the matrix; 0 without one */
    const double *w; /* borrowed, row-major [m][ldw] */
    ptrdiff_t ldw;
    double scale;   /* power of two: the largest |w_jk| * scale is in [1/2, 1) */
    int k;          /* rows chosen */
    int *index;     /* owned, [m]: the first k are theirs, ascending */
    double *rows;   /* owned, R = the chosen rows * scale, row-major [k][n] */
    double *gram;   /* owned, [q][q], q = min(k, n): upper triangle, by columns */
    double *whole;  /* owned, likewise of all rows, or NULL */
    double *others; /* owned, [m / 2][n], the rows left out, where there is a whole one */
    double *sigma;  /* owned, [min(m, n)] */
    double *vector[MCBE_SUBFRAME_VECTORS]; /* owned as one, each [max(m, n)]; scratch */
    double *work;                          /* owned, [lwork], scratch for LAPACK */
    int *iwork;                            /* owned, likewise */
    int lwork;
} mcbe_subframe_t;

/** Memory for matrices of up to m rows in R^n.
 *  @param[in] keep_whole  1: the Gram matrix of all rows may be kept, from which those of many rows
 *         are faster to form. Only for matrices of the full size that do not change
 *  @return MCBE_OK; MCBE_ERR_DIM with a sentence that begins with `what`; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_subframe_init(mcbe_subframe_t *sub, int m, int n, int keep_whole,
                                                const char *what, mcbe_error_t *err);
void mcbe_subframe_free(mcbe_subframe_t *sub);

/** Choose the matrix. @return MCBE_OK; MCBE_ERR_DIM, MCBE_ERR_VALUE as mcbe_stability_matrix */
MCBE_NODISCARD mcbe_status_t mcbe_subframe_matrix(mcbe_subframe_t *sub, int m, int n,
                                                  const double *w, ptrdiff_t ldw, const char *what,
                                                  mcbe_error_t *err);

/** Set k and index from flags [m], NULL for all rows, or all that are not flagged if `want` is 0. */
void mcbe_subframe_choose(mcbe_subframe_t *sub, const unsigned char *active, int want);

/** Copy `count` of the chosen rows, the first of them number `first`, times scale.
 *  @param[out] rows  row-major [count][n] */
void mcbe_subframe_copy(const mcbe_subframe_t *sub, int first, int count, double *rows);

/** min(k, n), the order of the Gram matrix. */
int mcbe_subframe_order(const mcbe_subframe_t *sub);

/** `gram` = R^T R if k >= n, else R R^T; needs `rows`. Cost: q^2 max(k, n) flops, or with the whole
 *  one n^2 (m - k) if that is less. */
void mcbe_subframe_gram(mcbe_subframe_t *sub);

/** y = R x. @param[out] y [k] */
void mcbe_subframe_apply(const mcbe_subframe_t *sub, const double *x, double *y);

/** r = b - R x. @param[out] r [k] */
void mcbe_subframe_residual(const mcbe_subframe_t *sub, const double *b, const double *x,
                            double *r);

/** x = R^T y. @param[out] x [n] */
void mcbe_subframe_apply_transposed(const mcbe_subframe_t *sub, const double *y, double *x);

/** How many singular values [q] count: above max(k, n) eps times the first. */
int mcbe_subframe_rank(const mcbe_subframe_t *sub, const double *sigma);

/** Singular values of the chosen rows (not times scale) into `sigma` [q]; destroys `rows`.
 *  @return MCBE_OK; MCBE_ERR_INTERNAL */
MCBE_NODISCARD mcbe_status_t mcbe_subframe_values(mcbe_subframe_t *sub, int *rank);

/** See mcbe_stability_extremes; needs `rows`, destroys them and `gram`.
 *  @return MCBE_OK; MCBE_ERR_INTERNAL */
MCBE_NODISCARD mcbe_status_t mcbe_subframe_extremes(mcbe_subframe_t *sub,
                                                    mcbe_extremes_t *extremes);

#endif
