#ifndef MCBE_PREIMAGE_H
#define MCBE_PREIMAGE_H

#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a layer y = ReLU(Wx - bias) cannot tell apart: the preimage of y, all x' with
 *   <w_j, x'> - bias_j = y_j where y_j > 0,   <w_j, x'> - bias_j <= 0 where y_j = 0.
 * With A and b of the publication, W = A and bias = -b. Every verdict is proven for W and bias as
 * they are given, rounding included; what rounding leaves open is called undecided. */

typedef enum mcbe_preimage_verdict {
    MCBE_PREIMAGE_SINGLETON, /* x alone */
    MCBE_PREIMAGE_COMPACT,   /* bounded, with more than one point */
    MCBE_PREIMAGE_UNBOUNDED, /* holds a ray */
    MCBE_PREIMAGE_UNDECIDED  /* rounding leaves it open */
} mcbe_preimage_verdict_t;

/* What the verdict stands on. */
typedef enum mcbe_preimage_proof {
    MCBE_PROOF_RANK,        /* singleton: rows with y > 0 have rank n */
    MCBE_PROOF_PINNED,      /* singleton: rows with <w_j, x> = bias_j exactly leave no direction */
    MCBE_PROOF_COMBINATION, /* compact: a combination of rows that is positive where y = 0 */
    MCBE_PROOF_DIRECTION,   /* unbounded: a direction in which y does not change */
    MCBE_PROOF_COUNT,       /* unbounded: too few rows to enclose anything */
    MCBE_PROOF_NONE_SIGN,   /* undecided: rounding hides the sign of <w_j, x> - bias_j, and it
                               matters */
    MCBE_PROOF_NONE_RANK,   /* undecided: rows are dependent, or not, by no more than rounding */
    MCBE_PROOF_NONE_LP      /* undecided: neither a combination nor a direction with a margin */
} mcbe_preimage_proof_t;

typedef struct mcbe_preimage_result {
    mcbe_preimage_verdict_t verdict;
    mcbe_preimage_proof_t proof;
    int positive;  /* rows with y_j > 0 for certain */
    int doubtful;  /* rows with y_j > 0 or not: rounding hides it */
    int dimension; /* of the preimage; 0 for a singleton, -1 where rounding leaves it open */
    int programs;  /* linear programs that were solved */
    double margin; /* what the proof has, over what rounding can take: above 1. Infinite where
                      nothing was rounded, 0 for undecided */
} mcbe_preimage_result_t;

/* A layer and the buffers its points are worked on with. */
typedef struct mcbe_preimage mcbe_preimage_t;

/** Prepare a layer. Not collective. Thread-safe.
 *  @param[out] preimage  NULL on error; free with mcbe_preimage_destroy
 *  @param[in]  w         row-major [m][n]; rows may be 0, equal or fewer than n. Borrowed
 *  @param[in]  bias      [m], or NULL for 0. Borrowed
 *  @return MCBE_OK; MCBE_ERR_DIM unless 1 <= n <= MCBE_MAX_N and 1 <= m <= MCBE_MAX_M;
 *         MCBE_ERR_VALUE for NaN, infinity, or an entry beyond 1e100 in absolute value; each with
 *         a sentence; MCBE_ERR_NOMEM.  Cost: m n^2 flops. Memory: 2 (m + n) n doubles. */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_create(mcbe_preimage_t **preimage, int m, int n,
                                                  const double *w, const double *bias,
                                                  mcbe_error_t *err);

/** Free it and set NULL; accepts NULL. */
void mcbe_preimage_destroy(mcbe_preimage_t **preimage);

/** What the preimage of ReLU(Wx - bias) is. Not collective; one thread at a time for each
 *  mcbe_preimage_t.
 *  @param[in]  x            [n]
 *  @param[out] result       untouched on error
 *  @param[out] direction    [n], or NULL. If unbounded, a unit vector d, such that an exact one
 *                           with y(x + t d) = y(x) for all t >= 0 is near; else 0. Also 0 if the
 *                           proof is MCBE_PROOF_COUNT and the rows are dependent
 *  @param[out] combination  [m], or NULL. If compact, c with W^T c = 0 up to rounding and c_j > 0
 *                           for rows with y_j = 0 that are not 0; if pinned, for those of them
 *                           with <w_j, x> = bias_j; else 0
 *  @return MCBE_OK; MCBE_ERR_VALUE for NaN, infinity or an entry of x beyond 1e100, with a
 *         sentence; MCBE_ERR_NOMEM; MCBE_ERR_INTERNAL
 *  Source: inverse-stability paper, Theorem 4 and Algorithm 1, with the condition for an interior
 *  point, which Algorithm 1 leaves out: docs/method.md, "Preimages of a layer".  Cost: 2 m n flops,
 *  then with p positive rows, k = n - p: about 1.4 n^3 if k <= 0, else 2 p^2 n + 2 (m - p) n k + one
 *  to ten times (m - p) k^2; linear programs for the few cases left. */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_classify(mcbe_preimage_t *preimage, const double *x,
                                                    mcbe_preimage_result_t *result,
                                                    double *direction, double *combination,
                                                    mcbe_error_t *err);

typedef enum mcbe_omnidirectional {
    MCBE_OMNIDIRECTIONAL_NO,
    MCBE_OMNIDIRECTIONAL_YES,
    MCBE_OMNIDIRECTIONAL_UNDECIDED
} mcbe_omnidirectional_t;

/** Whether every open half-space through 0 contains a row: A d <= 0 only for d = 0, equivalently 0
 *  inside the convex hull of the rows (not on its boundary). Not collective. Thread-safe.
 *  @param[in]  a            row-major [m][n]
 *  @param[out] verdict      untouched on error
 *  @param[out] direction    [n], or NULL. If not: a unit vector d such that one with A d <= 0 is
 *                           near; else 0
 *  @param[out] combination  [m], or NULL. If so: c > 0 for rows that are not 0, with A^T c = 0 up
 *                           to rounding; else 0
 *  @return as mcbe_preimage_create and mcbe_preimage_classify
 *  Source: inverse-stability paper, Definition 1, Corollaries 2 and 6, Theorem 5. */
MCBE_NODISCARD mcbe_status_t mcbe_omnidirectional(int m, int n, const double *a,
                                                  mcbe_omnidirectional_t *verdict,
                                                  double *direction, double *combination,
                                                  mcbe_error_t *err);

/** How far the preimage of ReLU(Wx - bias) reaches: least and largest <d, x'> over its points x'.
 *  Not collective; one thread at a time.
 *  @param[in]  directions   row-major [count][n]
 *  @param[out] lower,upper  [count], -inf and +inf where nothing bounds it; NaN for directions for
 *                           which the linear program came to no end. Accurate to about 1e-9 of the
 *                           preimage's own size. Untouched on error
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT for count; MCBE_ERR_VALUE; MCBE_ERR_LIMIT for 2^31 entries
 *         or more in the linear program; each with a sentence; MCBE_ERR_NOMEM
 *  Cost: 2 linear programs of m - p rows and k = n - p columns for each direction. */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_width(mcbe_preimage_t *preimage, const double *x,
                                                 int count, const double *directions, double *lower,
                                                 double *upper, mcbe_error_t *err);

/* The most dimensions in which mcbe_preimage_volume computes a volume. */
#define MCBE_PREIMAGE_VOLUME_MAX 8

/** Volume of the preimage of ReLU(Wx - bias) in its own dimension k, the one of its affine hull: 0
 *  for a singleton, +inf for an unbounded one. Not collective; one thread at a time.
 *  @param[out] volume  untouched on error
 *  @return MCBE_OK; MCBE_ERR_LIMIT for a compact preimage of more than MCBE_PREIMAGE_VOLUME_MAX
 *         dimensions; MCBE_ERR_VALUE if it is undecided or Qhull cannot build it; each with a
 *         sentence; MCBE_ERR_NOMEM
 *  Cost: mcbe_preimage_classify, then Qhull: grows like (m - p)^(k / 2). */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_volume(mcbe_preimage_t *preimage, const double *x,
                                                  double *volume, mcbe_error_t *err);

typedef enum mcbe_likeness {
    MCBE_LIKENESS_PRODUCT, /* largest <target, x'>, as the publication has it */
    MCBE_LIKENESS_L1,      /* least sum_k |x'_k - target_k| */
    MCBE_LIKENESS_LINF     /* least max_k |x'_k - target_k| */
} mcbe_likeness_t;

/* The features of a point found by mcbe_preimage_most_like differ from those of x by at most this
 * times max_j (|w_j|_1 max(|low|, |high|) + |bias_j|). */
#define MCBE_PREIMAGE_SAME_FEATURES 1e-9

typedef struct mcbe_invariance {
    double value;      /* of the likeness at the point found */
    double start;      /* of the likeness at x */
    double bound;      /* no point of the preimage in the box is better than this, up to the
                          tolerance of the linear program */
    double difference; /* largest |y_j(found) - y_j(x)| */
    double tolerance;  /* what it had to stay within */
    double moved;      /* |found - x| */
    int iterations;    /* of the simplex algorithm */
} mcbe_invariance_t;

/** The point of the box [low, high]^n with the same features ReLU(Wx - bias) as x that is most like
 *  a target. Not collective; one thread at a time.
 *  @param[in]  x       [n], within the box
 *  @param[in]  target  [n]
 *  @param[out] found   [n], within the box; untouched on error
 *  @param[out] result  untouched on error
 *  @return MCBE_OK: the features of `found` were computed and are those of x within
 *         result->tolerance; MCBE_ERR_ARGUMENT unless low < high, or for x outside the box;
 *         MCBE_ERR_VALUE for values that are not finite, where the linear program came to no
 *         end, or where the features differ; MCBE_ERR_LIMIT for 2^31 entries or more; each
 *         with a sentence; MCBE_ERR_NOMEM
 *  Source: inverse-stability paper, appendix A7, Figures 7 and 12. */
MCBE_NODISCARD mcbe_status_t mcbe_preimage_most_like(mcbe_preimage_t *preimage, const double *x,
                                                     const double *target, mcbe_likeness_t likeness,
                                                     double low, double high, double *found,
                                                     mcbe_invariance_t *result, mcbe_error_t *err);

#ifdef __cplusplus
}
#endif
#endif
