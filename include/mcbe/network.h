#ifndef MCBE_NETWORK_H
#define MCBE_NETWORK_H

#include <stdint.h>

#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Feed-forward networks of dense and convolutional layers, ReLU, max-pooling and flattening, and
 * their linearisation at a point: a ReLU network is affine near almost every point, F(x) = A x + b
 * with A = A_L D_L-1 A_L-1 ... D_1 A_1, the D diagonal with entries 0 and 1 (inverse-stability
 * paper, Definition 7). Arithmetic is fp64 through BLAS and LAPACK, so values may differ in their last
 * digits between machines; each point is computed alone, in calls whose shapes depend on the
 * network only, so on one machine they do not depend on what else is computed. */

/* Most numbers a layer may take or give, and most weights it may have. */
#define MCBE_NETWORK_MAX_SIZE (1 << 26)
#define MCBE_NETWORK_MAX_WEIGHTS ((int64_t)1 << 30)

typedef enum mcbe_layer_kind {
    MCBE_LAYER_DENSE,    /* W x + b */
    MCBE_LAYER_CONV,     /* cross-correlation with zero padding, plus a bias a channel */
    MCBE_LAYER_RELU,     /* max(0, x) */
    MCBE_LAYER_MAX_POOL, /* the largest number of each window; padding is never chosen */
    MCBE_LAYER_FLATTEN   /* an image read as a vector */
} mcbe_layer_kind_t;

/* Shape of what goes from layer to layer: an image as [channel][row][column]. A vector of n numbers
 * is n x 1 x 1. */
typedef struct mcbe_extent {
    int channels, height, width;
} mcbe_extent_t;

/* A window that moves over an image. */
typedef struct mcbe_window {
    int size[2];    /* rows, columns */
    int stride[2];  /* likewise, >= 1 */
    int padding[2]; /* likewise, on both sides, 0 <= padding < size; a pool's at most size / 2 */
} mcbe_window_t;

/* A layer. Whoever adds one sets the first three; what its kind has no use for is ignored. */
typedef struct mcbe_network_layer {
    mcbe_layer_kind_t kind;
    int outputs;           /* of a dense layer; output channels of a convolution */
    mcbe_window_t window;  /* of a convolution or pool */
    mcbe_extent_t in, out; /* set by mcbe_network_add, and so the rest */
    double *weight;        /* owned; dense [outputs][inputs], convolution
                              [outputs][channels][size[0]][size[1]], else NULL */
    double *bias;          /* owned, [outputs], else NULL */
} mcbe_network_layer_t;

/* Layers in the order of application. Read-only once made. */
typedef struct mcbe_network {
    mcbe_extent_t input;
    int count;
    mcbe_network_layer_t *layers; /* owned, [count], with their weights and biases */
    int capacity;
} mcbe_network_t;

/** Numbers in an image of this shape. */
int mcbe_extent_size(const mcbe_extent_t *extent);

/** The word for a kind in sentences and files: dense, conv, relu, max-pool, flatten. */
const char *mcbe_layer_kind_name(mcbe_layer_kind_t kind);

/** A network without layers, the identity. Not collective. Thread-safe.
 *  @param[out] network  free with mcbe_network_free whatever the result
 *  @return MCBE_OK; MCBE_ERR_DIM with a sentence for a side below 1 or more than
 *         MCBE_NETWORK_MAX_SIZE numbers */
MCBE_NODISCARD mcbe_status_t mcbe_network_init(mcbe_network_t *network, const mcbe_extent_t *input,
                                               mcbe_error_t *err);
/** Free the layers and zero the network; accepts a zeroed one. */
void mcbe_network_free(mcbe_network_t *network);

/** Shape of what the last layer gives. */
mcbe_extent_t mcbe_network_output(const mcbe_network_t *network);

/** The shape a layer gives for this input, without its weights. Not collective. Thread-safe.
 *  @param[in]  number  of the layer, for sentences
 *  @param[out] out     untouched on error
 *  @param[out] weights how many the layer has, 0 for kinds without; likewise
 *  @return MCBE_OK; MCBE_ERR_DIM with a sentence: a dense layer on an image, a window larger than
 *         the padded image, a stride or padding out of range, too many numbers or weights */
MCBE_NODISCARD mcbe_status_t mcbe_layer_shape(const mcbe_network_layer_t *layer, int number,
                                              const mcbe_extent_t *in, mcbe_extent_t *out,
                                              int64_t *weights, mcbe_error_t *err);

/** Append a layer. Not collective.
 *  @param[in] weight  shaped as above, copied; of a kind without weights ignored
 *  @param[in] bias    [outputs], copied, or NULL for 0; likewise
 *  @return MCBE_OK; as mcbe_layer_shape; MCBE_ERR_VALUE with a sentence for a weight or bias that
 *         is not finite; MCBE_ERR_NOMEM; on error the network is as it was */
MCBE_NODISCARD mcbe_status_t mcbe_network_add(mcbe_network_t *network,
                                              const mcbe_network_layer_t *layer,
                                              const double *weight, const double *bias,
                                              mcbe_error_t *err);

/** The outputs of the first `layers` layers for some points. Not collective. Thread-safe.
 *  @param[in]  layers  0 .. network->count
 *  @param[in]  x       [count][numbers of the input], finite
 *  @param[out] y       [count][numbers after that layer]; may not overlap x
 *  @return MCBE_OK; MCBE_ERR_NOMEM
 *  Cost: a matrix-vector product a dense layer, an image-to-columns copy and a matrix product a
 *        convolution, for each point. */
MCBE_NODISCARD mcbe_status_t mcbe_network_forward(const mcbe_network_t *network, int layers,
                                                  int64_t count, const double *x, double *y);

/* --- linearisation ------------------------------------------------------------------------------
 * Ranges [first, last) of layers, 0 <= first <= last <= count: the product of their linear parts
 * at the point, a matrix [numbers after layer last - 1][numbers before layer first]. [0, last) is
 * the Jacobian of the first `last` layers, [l, l + 1) one layer. Where a coefficient is exactly 0
 * ReLU counts as inactive; of equal numbers in a pool's window the first in reading order is
 * chosen. */

/* A network at a point; immutable. */
typedef struct mcbe_linearization mcbe_linearization_t;

/** Follow a point through the network. Not collective. Thread-safe.
 *  @param[in] network  borrowed, must outlive the linearisation
 *  @param[in] x        [numbers of the input], finite
 *  @return MCBE_OK; MCBE_ERR_NOMEM.  Memory: the outputs of all layers. */
MCBE_NODISCARD mcbe_status_t mcbe_linearization_create(mcbe_linearization_t **linearization,
                                                       const mcbe_network_t *network,
                                                       const double *x);
void mcbe_linearization_destroy(mcbe_linearization_t **linearization);

/** What goes into layer number `layer`; for `layer` = count what the network gives. Borrowed. */
const double *mcbe_linearization_value(const mcbe_linearization_t *linearization, int layer);

/** Coefficients above 0 at a ReLU layer; of another kind of layer all its outputs. */
int mcbe_linearization_active(const mcbe_linearization_t *linearization, int layer);

/** The product of layers [first, last) applied to vectors. Not collective. Thread-safe.
 *  @param[in]  v    [count][numbers before layer first]
 *  @param[out] out  [count][numbers after layer last - 1]; may not overlap v
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_linearization_apply(const mcbe_linearization_t *linearization,
                                                      int first, int last, int count,
                                                      const double *v, double *out);
/** The same for the transposed product. @param[in] u [count][numbers after layer last - 1]
 *  @param[out] out  [count][numbers before layer first] */
MCBE_NODISCARD mcbe_status_t
mcbe_linearization_apply_transposed(const mcbe_linearization_t *linearization, int first, int last,
                                    int count, const double *u, double *out);

/** Shape of the product of layers [first, last). */
void mcbe_linearization_shape(const mcbe_linearization_t *linearization, int first, int last,
                              int *rows, int *columns);

/** The matrix of layers [first, last). Not collective. Thread-safe.
 *  @param[out] matrix  row-major [rows][columns]
 *  @return MCBE_OK; MCBE_ERR_NOMEM.  Cost: one application to each unit vector of the smaller
 *         side. */
MCBE_NODISCARD mcbe_status_t mcbe_linearization_matrix(const mcbe_linearization_t *linearization,
                                                       int first, int last, double *matrix);

/** All singular values of layers [first, last), by LAPACK, without squaring the matrix and without
 *  holding all of it: the longer side goes, in blocks, into a triangular factor of the shorter
 *  side, whose singular values are the same. Not collective. Thread-safe.
 *  @param[out] sigma  [min(rows, columns)], descending
 *  @return MCBE_OK; MCBE_ERR_NOMEM; MCBE_ERR_INTERNAL if LAPACK fails
 *  Source: inverse-stability paper, section 3.2; factor: Demmel et al., SIAM J. Sci. Comput. 34(1), 2012
 *  (sequential TSQR).
 *  Cost: with s the shorter and l the longer side (rows that are 0 left out), l applications,
 *  2 l s^2 + (8/3) s^3 flops.  Memory: 8 s^2 bytes and 128 vectors. */
MCBE_NODISCARD mcbe_status_t mcbe_linearization_singular_values(
    const mcbe_linearization_t *linearization, int first, int last, double *sigma);

/* What singular values tell. */
typedef struct mcbe_spectrum {
    int rank;         /* of them above max(rows, columns) eps times the largest */
    double largest;   /* 0 if there is none */
    double smallest;  /* the smallest of those counted; 0 if there is none */
    double condition; /* largest / smallest; NaN for rank 0 */
} mcbe_spectrum_t;

/** Not collective. Thread-safe. @param[in] sigma  [min(rows, columns)], descending
 *  Source: inverse-stability paper, Figure 5: the condition counts singular values that are not 0. */
void mcbe_spectrum_of(const double *sigma, int rows, int columns, mcbe_spectrum_t *spectrum);

#ifdef __cplusplus
}
#endif
#endif
