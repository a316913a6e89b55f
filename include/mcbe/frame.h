#ifndef MCBE_FRAME_H
#define MCBE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "mcbe/rng.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Limits on a layer: what the memory estimate and 32-bit row indices allow with room to spare. */
#define MCBE_MAX_N 16384
#define MCBE_MAX_M 131072

typedef enum mcbe_ensemble {
    MCBE_ENSEMBLE_GAUSSIAN,    /* iid N(0, 1) entries */
    MCBE_ENSEMBLE_SPHERE,      /* rows uniform on the unit sphere */
    MCBE_ENSEMBLE_TETRAHEDRON, /* 4 unit rows in R^3 */
    MCBE_ENSEMBLE_OCTAHEDRON,  /* 6 unit rows in R^3: e1 e2 e3 -e1 -e2 -e3 */
    MCBE_ENSEMBLE_ICOSAHEDRON, /* 12 unit rows in R^3 */
    MCBE_ENSEMBLE_FILE         /* rows from a NumPy .npy file */
} mcbe_ensemble_t;

typedef struct mcbe_transpose mcbe_transpose_t;

/* The weight matrix W of a layer ReLU(Wx - bias): m rows w_j in R^n. Read-only once made. */
typedef struct mcbe_frame {
    int m, n;
    double *w;                   /* owned, row-major [m][n] */
    mcbe_transpose_t *transpose; /* owned, see mcbe_frame_transposed */
    double *norm;                /* owned, [m], canonical |w_j| > 0 */
    double norm_max;             /* the largest of them */
} mcbe_frame_t;

/** Draw a random frame (gaussian or sphere). Not collective. Thread-safe.
 *  @param[out] frame  initialised on success, zeroed on error; free with mcbe_frame_free
 *  @param[in]  key    seed, n, m and trial are used; purpose and block are set here
 *  @param[in]  normalize_rows  divide every row by its norm (implied by the sphere ensemble)
 *  @return MCBE_OK; MCBE_ERR_DIM unless 1 <= n <= m and both within the limits; MCBE_ERR_ARGUMENT
 *         for an ensemble that is not random; MCBE_ERR_NOMEM.  Cost: m n normals. */
MCBE_NODISCARD mcbe_status_t mcbe_frame_random(mcbe_frame_t *frame, mcbe_ensemble_t ensemble,
                                               const mcbe_stream_key_t *key, int normalize_rows);

/** Make one of the regular polyhedra in R^3. Not collective. Thread-safe.
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT for an ensemble without a fixed matrix; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_frame_named(mcbe_frame_t *frame, mcbe_ensemble_t ensemble);

/** Shape of a fixed ensemble. @return MCBE_OK; MCBE_ERR_ARGUMENT for one without a fixed shape */
MCBE_NODISCARD mcbe_status_t mcbe_frame_named_shape(mcbe_ensemble_t ensemble, int *m, int *n);

/** Copy a matrix of the caller's. Not collective. Thread-safe.
 *  @param[in] w  row-major [m][ldw], ldw >= n
 *  @return MCBE_OK; MCBE_ERR_DIM; MCBE_ERR_VALUE with the row named for NaN, infinity, an entry
 *         beyond 1e150 in absolute value, or a row whose norm is below 1e-150 (a zero row);
 *         MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_frame_copy(mcbe_frame_t *frame, int m, int n, const double *w,
                                             ptrdiff_t ldw, int normalize_rows, mcbe_error_t *err);

/** The same for a frame that is zeroed or holds another matrix, whose memory serves again where the
 *  shape is the same. Freed and zeroed on error. */
MCBE_NODISCARD mcbe_status_t mcbe_frame_assign(mcbe_frame_t *frame, int m, int n, const double *w,
                                               ptrdiff_t ldw, int normalize_rows,
                                               mcbe_error_t *err);
/** The same for fp32 entries, exactly. */
MCBE_NODISCARD mcbe_status_t mcbe_frame_assign_f32(mcbe_frame_t *frame, int m, int n,
                                                   const float *w, ptrdiff_t ldw,
                                                   int normalize_rows, mcbe_error_t *err);

/** Read a matrix from a .npy file (version 1 to 3, fp32 or fp64, little-endian, C or Fortran
 *  order). Not collective. Thread-safe.
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA or MCBE_ERR_VALUE with a sentence; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_frame_load(mcbe_frame_t *frame, const char *path,
                                             int normalize_rows, mcbe_error_t *err);

/** The transpose [n][m], over whose rows canonical coefficients run. Its room is there from the start; it
 *  is filled when it is first asked for. Thread-safe: one thread fills it, others wait. */
const double *mcbe_frame_transposed(const mcbe_frame_t *frame);

/** Free a frame's memory and zero it; accepts a zeroed frame. */
void mcbe_frame_free(mcbe_frame_t *frame);

/** Canonical coefficients c_j = (sum over k = 0 .. n-1 in this order of w_jk x_k) * scale: plain
 *  fp64, one rounding per operation, no fused multiply-add, so the same bits everywhere. Not
 *  collective. Thread-safe.
 *  @param[in]  x      fp32 point, x_k at x[k * stride]
 *  @param[in]  scale  factor that takes x into K, see mcbe_domain_fill
 *  @param[out] c      [m]
 *  Source: the products <x, w_j> of thesis Def. 3.2.1.  Cost: 2 m n flops. */
void mcbe_frame_coefficients(const mcbe_frame_t *frame, const float *x, ptrdiff_t stride,
                             double scale, double *c);

/** The same for the point (a + b) * scale, its coordinates a_k + b_k formed in fp64.
 *  @param[in] a, b  [n] */
void mcbe_frame_pair_coefficients(const mcbe_frame_t *frame, const float *a, const float *b,
                                  double scale, double *c);

/** One of these coefficients, with the same bits.
 *  @param[in] a, b  coordinate k at [k * stride]; b may be NULL for a alone
 *  Cost: 2 n flops, one after the other. */
double mcbe_frame_coefficient(const mcbe_frame_t *frame, int row, const float *a, const float *b,
                              ptrdiff_t stride, double scale);

#ifdef __cplusplus
}
#endif
#endif
