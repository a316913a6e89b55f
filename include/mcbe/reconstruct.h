#ifndef MCBE_RECONSTRUCT_H
#define MCBE_RECONSTRUCT_H

#include <stddef.h>
#include <stdint.h>

#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Inputs of a layer from its outputs z = ReLU(Wx - bias): the rows with z_j > 0 say
 * <x, w_j> = z_j + bias_j. The other rows say only an inequality and are not used. Everything here
 * went through LAPACK or BLAS: the same bits for the same layer and output on one machine, whatever
 * else is reconstructed before, after or beside it; not over machines. */

/* A layer and the memory to undo it; one thread at a time. */
typedef struct mcbe_reconstruct mcbe_reconstruct_t;

/** Make a workspace for one layer. Not collective.
 *  @param[out] reconstruct  NULL on error; free with mcbe_reconstruct_destroy
 *  @param[in]  m, n  1 <= m <= MCBE_MAX_M, 1 <= n <= MCBE_MAX_N; m < n is allowed
 *  @param[in]  w     row-major [m][ldw], ldw >= n; borrowed, must outlive the workspace
 *  @param[in]  bias  [m], borrowed likewise, or NULL for 0; +inf for a row that is never active
 *  @return MCBE_OK; MCBE_ERR_DIM or MCBE_ERR_VALUE with a sentence; MCBE_ERR_NOMEM
 *  Cost: reads w.  Memory: about 8 (m n + 2 n^2) bytes. */
MCBE_NODISCARD mcbe_status_t mcbe_reconstruct_create(mcbe_reconstruct_t **reconstruct, int m, int n,
                                                     const double *w, ptrdiff_t ldw,
                                                     const double *bias, mcbe_error_t *err);
void mcbe_reconstruct_destroy(mcbe_reconstruct_t **reconstruct);

/* What is known about a reconstructed input. */
typedef struct mcbe_reconstruction {
    int active;      /* rows with z_j > 0 */
    int rank;        /* of these: n, and x is the one input there can be; or less, and x is the
                        shortest of many */
    double rcond;    /* smallest positive singular value of the active rows by their largest; 0 for
                        rank 0. An error of x of a few eps / rcond |x| is to be expected. An
                        estimate, mostly to a few percent, from above; exact where `by_svd` */
    double residual; /* |W_I x - z_I - bias_I|: rounding alone if z is an output of this layer */
    int by_svd;      /* 1: by singular value decomposition, as the rows are dependent or nearly so;
                        0: by Cholesky factors, refined */
} mcbe_reconstruction_t;

/** Least squares on the rows with z_j > 0, of minimum norm. Not collective.
 *  @param[in]  z      row-major [count][ldz], ldz >= m: outputs of the layer
 *  @param[out] x      row-major [count][ldx], ldx >= n
 *  @param[out] info   [count], or NULL
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT for ldz, ldx or count < 0; MCBE_ERR_VALUE with a sentence
 *         naming output and row for a z_j that is NaN, infinite or negative, or positive in a row
 *         without finite bias; MCBE_ERR_INTERNAL if LAPACK fails. Outputs before the one that
 *         failed are done
 *  Source: paper (9), thesis section 7.3; how: docs/method.md, "Reconstruction".  Cost for k active
 *  rows: min(k, m - k) n^2 + n^3 / 3 flops, k < n: k^2 n + k^3 / 3; much more where by_svd. */
MCBE_NODISCARD mcbe_status_t mcbe_reconstruct_least_squares(mcbe_reconstruct_t *reconstruct,
                                                            int64_t count, const double *z,
                                                            ptrdiff_t ldz, double *x, ptrdiff_t ldx,
                                                            mcbe_reconstruction_t *info,
                                                            mcbe_error_t *err);

/* How a run of the frame algorithm went. */
typedef struct mcbe_frame_algorithm {
    int active, rank;
    double lower, upper; /* frame bounds A, B of the active rows on their span */
    double rate;         /* (B - A) / (B + A): |x - x_k| <= rate^k |x| */
    int64_t iterations;  /* done */
    int64_t needed;      /* after so many the bound is below the tolerance */
    double error_bound;  /* |x - x_k| / |x| is at most this, from the last residual, but for
                            rounding */
    double residual;     /* |W_I x_k - z_I - bias_I| */
    int converged;       /* error_bound is at most the tolerance */
} mcbe_frame_algorithm_t;

/** The frame algorithm for ReLU layers: x_0 = 0,
 *  x_(k+1) = x_k + 2 / (A + B) sum over z_j > 0 of (z_j + bias_j - <x_k, w_j>) w_j. It tends to x,
 *  the least-squares solution of minimum norm. The number of iterations grows as B / A: the other
 *  function is faster unless A is near B. Not collective.
 *  @param[in]  z               [m] one output of the layer
 *  @param[in]  tolerance       of the relative error, 0 < tolerance < 1
 *  @param[in]  max_iterations  >= 1; it may end there without having converged
 *  @param[out] x     [n]
 *  @param[out] info  or NULL
 *  @return MCBE_OK, converged or not; MCBE_ERR_ARGUMENT or MCBE_ERR_VALUE with a sentence;
 *         MCBE_ERR_INTERNAL if LAPACK fails, or if the residual falls more slowly than A and B
 *         allow, so that they cannot be frame bounds
 *  Source: R. J. Duffin, A. C. Schaeffer, A class of nonharmonic Fourier series, Trans. Amer. Math.
 *  Soc. 72, 1952; for ReLU layers: D. Haider, P. Balazs, M. Ehler, Convex geometry of ReLU-layers,
 *  injectivity on the ball and local reconstruction, ICML 2023.  Cost: 4 k n flops an iteration. */
MCBE_NODISCARD mcbe_status_t mcbe_reconstruct_frame_algorithm(mcbe_reconstruct_t *reconstruct,
                                                              const double *z, double tolerance,
                                                              int64_t max_iterations, double *x,
                                                              mcbe_frame_algorithm_t *info,
                                                              mcbe_error_t *err);

#ifdef __cplusplus
}
#endif
#endif
