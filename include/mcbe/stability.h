#ifndef MCBE_STABILITY_H
#define MCBE_STABILITY_H

#include <stddef.h>
#include <stdint.h>

#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How stably a layer ReLU(Wx - bias) can be undone near a point: the singular values of its active
 * rows, as a map on R^n. Everything here went through LAPACK or BLAS: the same bits for the same
 * matrix and rows on one machine, not over machines. */

/* Memory for matrices of up to m rows in R^n; one thread at a time. */
typedef struct mcbe_stability mcbe_stability_t;

/** Make a workspace. Not collective.
 *  @param[out] stability  NULL on error; free with mcbe_stability_destroy
 *  @param[in]  m, n  the largest matrix, 1 <= m <= MCBE_MAX_M, 1 <= n <= MCBE_MAX_N; m < n is
 *         allowed
 *  @return MCBE_OK; MCBE_ERR_DIM with a sentence; MCBE_ERR_NOMEM.  Memory: about
 *         8 (m n + n^2) bytes. */
MCBE_NODISCARD mcbe_status_t mcbe_stability_create(mcbe_stability_t **stability, int m, int n,
                                                   mcbe_error_t *err);
void mcbe_stability_destroy(mcbe_stability_t **stability);

/** Choose the matrix that is looked at. Not collective.
 *  @param[in] m, n  at most those the workspace was made for
 *  @param[in] w     row-major [m][ldw], ldw >= n; borrowed until the next call; zero rows are
 *         allowed
 *  @return MCBE_OK; MCBE_ERR_DIM; MCBE_ERR_VALUE with a sentence for an entry that is not finite or
 *         beyond 1e150 in absolute value. Without a matrix the functions below answer
 *         MCBE_ERR_ARGUMENT.  Cost: reads the matrix. */
MCBE_NODISCARD mcbe_status_t mcbe_stability_matrix(mcbe_stability_t *stability, int m, int n,
                                                   const double *w, ptrdiff_t ldw,
                                                   mcbe_error_t *err);

/* The ends of the spectrum of the active rows. */
typedef struct mcbe_extremes {
    int rows;                 /* how many are active */
    int rank;                 /* singular values above max(rows, n) eps largest */
    double smallest;          /* the n-th singular value: 0 unless rank is n */
    double smallest_positive; /* the rank-th; 0 for rank 0. Squared: the lower frame bound of the
                                 rows on their span */
    double largest;           /* squared: the upper frame bound */
} mcbe_extremes_t;

/** Smallest and largest singular value of the active rows: one element each of the sets A and B.
 *  Relative accuracy a few eps largest / smallest_positive, as of a singular value decomposition.
 *  Not collective.
 *  @param[in]  active    [m] not 0 for an active row, as from mcbe_active_count; NULL for all rows
 *  @param[out] extremes  untouched on error
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT; MCBE_ERR_INTERNAL if LAPACK fails
 *  Source: paper Thm. 4.1 and section 4.4, thesis Def. 7.4.2; how: docs/method.md, "Stability". */
MCBE_NODISCARD mcbe_status_t mcbe_stability_extremes(mcbe_stability_t *stability,
                                                     const unsigned char *active,
                                                     mcbe_extremes_t *extremes);

/** All singular values of the active rows. Not collective.
 *  @param[in]  active  as above
 *  @param[out] sigma   [min(m, n)], not increasing; 0 beyond the number of active rows
 *  @param[out] rank    as in mcbe_extremes_t, or NULL
 *  @return as above.  Cost: one singular value decomposition without vectors. */
MCBE_NODISCARD mcbe_status_t mcbe_stability_values(mcbe_stability_t *stability,
                                                   const unsigned char *active, double *sigma,
                                                   int *rank);

/* What points of K say about the constants in
 *     lower |x - y| <= |ReLU(Wx - bias) - ReLU(Wy - bias)| <= upper |x - y|  on K,
 * the largest `lower` and the smallest `upper` that hold. With a the least and b the largest of the
 * singular values over points in the interior of K, of none of which a coefficient equals its bias
 * (docs/method.md, "Stability", has the proofs): */
typedef struct mcbe_lipschitz {
    double lower_at_most;  /* a: `lower` is not above it */
    double lower_estimate; /* a / sqrt(2): an ESTIMATE. K convex and a the least over all of K, not
                              over some points, would make it a bound, and a sharp one */
    double upper_at_least; /* b: `upper` is not below it */
    double upper_at_most;  /* largest singular value of W: `upper` is not above it */
} mcbe_lipschitz_t;

/** Gather A and B. Not collective. Thread-safe.
 *  @param[in] count     points, >= 0; for none lower_at_most is +inf and upper_at_least 0
 *  @param[in] smallest, largest  [count] from mcbe_stability_extremes
 *  @param[in] whole     largest singular value of W
 *  Source: paper Thm. 4.1, thesis Thm. 7.4.1, with the constant that is true. */
void mcbe_lipschitz(int64_t count, const double *smallest, const double *largest, double whole,
                    mcbe_lipschitz_t *result);

/** Where rows were taken away, the smallest positive singular value of the others is at most
 *  sigma_k of the whole matrix, k = rank - removed; for k < 1 only sigma_1 is left. Not collective.
 *  Thread-safe.
 *  @param[in] sigma    [rank] the positive singular values of the whole matrix, not increasing
 *  @param[in] removed  how many rows were taken away, >= 0
 *  @return the bound; 0 for rank 0
 *  Source: inverse-stability paper, Lemma 8; proof by interlacing in docs/method.md, "Stability". */
double mcbe_removal_bound(const double *sigma, int rank, int64_t removed);

/* What one removed row a_k, v = a_k / |a_k|, says about the smallest positive singular value of the
 * M active rows a_j; the row that says most. Removed zero rows say nothing. */
typedef struct mcbe_correlation {
    int rows, removed; /* active rows M; the others */
    double lemma;      /* least c = sqrt(M) max_j |<a_j, v>| over removed rows in the span of the
                          active ones: Lemma 9; +inf if there is none */
    int lemma_row;     /* its index, or -1 */
    double sharp;      /* least sqrt(sum_j <a_j, v>^2) / |Pv| over removed rows, P the projection on
                          the span of the active ones: true for every row, at most `lemma`; +inf if
                          there is none */
    int sharp_row;     /* its index, or -1 */
} mcbe_correlation_t;

/** Lemma 9 and what its proof gives at best. Not collective.
 *  @param[in]  active  [m] not 0 for an active row; not NULL
 *  @param[in]  count   number of constants, >= 0
 *  @param[in]  c       [count], increasing, or NULL for count 0
 *  @param[out] rows    [count] for every c the largest number of active rows with
 *         |<a_j, a_k>| <= c |a_k| / sqrt(M) that one removed row a_k has, in the span or not
 *         (Figure 9), or NULL for count 0
 *  @param[out] result  untouched on error, like `rows`
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT; MCBE_ERR_INTERNAL if LAPACK fails; MCBE_ERR_NOMEM
 *  Source: inverse-stability paper, Lemma 9 and appendix A5.  Cost: 2 M (m - M) n flops. */
MCBE_NODISCARD mcbe_status_t mcbe_stability_correlation(mcbe_stability_t *stability,
                                                        const unsigned char *active, int count,
                                                        const double *c, int64_t *rows,
                                                        mcbe_correlation_t *result);

#ifdef __cplusplus
}
#endif
#endif
