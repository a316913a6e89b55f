#ifndef MCBE_INJECTIVITY_H
#define MCBE_INJECTIVITY_H

#include <stdint.h>

#include "mcbe/frame.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Tolerance within which a coefficient counts as equal to the bias: 8 n eps |x| |w_j|, so that a
 *  point stays active at its own alpha* whatever product computed it. */
double mcbe_active_tolerance(int n, double norm_x, double norm_w);

/** Number of rows active at x: c_j >= bias_j - tolerance. Not collective. Thread-safe.
 *  @param[in] c       [m] canonical coefficients of x
 *  @param[in] bias    [m], or NULL for 0
 *  @param[in] norm_x  |x|
 *  @param[out] active [m] 0 or 1 a row, or NULL
 *  Source: thesis Def. 3.2.3 with the tolerance above. */
int mcbe_active_count(const mcbe_frame_t *frame, const double *c, const double *bias, double norm_x,
                      unsigned char *active);

/** Rank of the active rows at a relative tolerance of max(m, n) eps: x is rectified iff it is n.
 *  Equals min(n, count) for full spark; differs where rows are degenerate.
 *  @return MCBE_OK; MCBE_ERR_NOMEM; MCBE_ERR_INTERNAL if LAPACK fails.  Cost: one singular value
 *         decomposition. */
MCBE_NODISCARD mcbe_status_t mcbe_active_rank(const mcbe_frame_t *frame,
                                              const unsigned char *active, int *rank);

/* p_I of a set of points, as exact counts. */
typedef struct mcbe_p_injective {
    int64_t points;     /* how many were tried */
    int64_t injective;  /* with at least n active rows */
    int64_t rank_fails; /* of these, active rows that do not span R^n (only where ranks were asked
                           for) */
    int64_t min_active; /* smallest number of active rows; m + 1 for no points */
} mcbe_p_injective_t;

/** The counts of no points at all. @param[in] m  rows of the layer */
mcbe_p_injective_t mcbe_p_injective_none(int m);

/** p_I: the share of points at which at least n rows are active. Not collective. Thread-safe.
 *  @param[in] points  fp32, row-major [count][n]
 *  @param[in] scale   [count] factors, or NULL for 1
 *  @param[in] check_rank  also compute ranks (slow) @return MCBE_OK; MCBE_ERR_NOMEM;
 *         MCBE_ERR_INTERNAL Source: thesis section 6.1 and Def. 3.2.3. */
MCBE_NODISCARD mcbe_status_t mcbe_p_injective(const mcbe_frame_t *frame, const double *bias,
                                              const float *points, const double *scale,
                                              int64_t count, int check_rank,
                                              mcbe_p_injective_t *result);

/** The same for fp64 points, as mcbe_point_split leaves them (about 48 bits), |x_k| <= 1e30.
 *  @param[in] points  row-major [count][n] */
MCBE_NODISCARD mcbe_status_t mcbe_p_injective_f64(const mcbe_frame_t *frame, const double *bias,
                                                  const double *points, int64_t count,
                                                  int check_rank, mcbe_p_injective_t *result);

/* One layer's rows and several biases, to hold many points against. */
typedef struct mcbe_point_test mcbe_point_test_t;

/** Prepare to count. Not collective.
 *  @param[in] frame   borrowed, must outlive it
 *  @param[in] biases  [count][m], copied; NULL for 0
 *  @return MCBE_OK; MCBE_ERR_NOMEM.  Memory: 4 m (n + MCBE_POINT_TEST_WIDTH) + 8 m (count + 1)
 *         bytes. */
MCBE_NODISCARD mcbe_status_t mcbe_point_test_create(mcbe_point_test_t **test,
                                                    const mcbe_frame_t *frame, int count,
                                                    const double *biases);
void mcbe_point_test_destroy(mcbe_point_test_t **test);

/** Points multiplied in one go: larger numbers handed over at a time save nothing. */
#define MCBE_POINT_TEST_WIDTH 256

/** Count the points with at least n active rows at each of the biases, as mcbe_p_injective does
 *  without ranks. Products in fp32 settle the rows that are clearly above or below their bias; the
 *  others are computed canonically where the answer depends on them, so the counts are exact. Not
 *  collective. One test serves one thread.
 *  @param[in] points, scale  as for mcbe_p_injective
 *  @param[in,out] results  [count of biases], first mcbe_p_injective_none; the points are added
 *  Source: thesis section 6.1.  Cost: 2 m n flops in BLAS and 4 m comparisons for each bias, a
 *         point. */
void mcbe_point_test_add(mcbe_point_test_t *test, const float *points, const double *scale,
                         int64_t count, mcbe_p_injective_t *results);

/* p_H of a layer, as exact counts. */
typedef struct mcbe_hamming {
    int rows;          /* m */
    int satisfied;     /* rows with bias_j <= alpha*_j, +inf included */
    int unconstrained; /* of these, rows whose alpha* is +inf */
} mcbe_hamming_t;

/** p_H: the share of rows whose bias is at most alpha*_j. Not collective. Thread-safe.
 *  @param[in] alpha_star [m]
 *  @param[in] bias       [m]
 *  @param[in] unit       [m] > 0: bias_j is compared in this unit, bias_j <= alpha*_j / unit_j;
 *         NULL for 1 Source: thesis section 6.1. */
void mcbe_hamming(int m, const double *alpha_star, const double *bias, const double *unit,
                  mcbe_hamming_t *result);

#ifdef __cplusplus
}
#endif
#endif
