#ifndef MCBE_CLOUD_H
#define MCBE_CLOUD_H

#include <stddef.h>
#include <stdint.h>

#include "mcbe/rng.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Points around data: one of finitely many centers, each as likely as the others, plus Gaussian
 * noise with the same covariance around all of them. Randomised smoothing and the Gaussian kernel
 * density estimate are both this distribution; they differ in the covariance alone (see
 * docs/method.md). Immutable once made. */
typedef struct mcbe_cloud mcbe_cloud_t;

/* How far the kernels of a density estimate reach. */
typedef enum mcbe_bandwidth {
    MCBE_BANDWIDTH_DIAGONAL, /* deviation h s_k in coordinate k, s_k that of the data */
    MCBE_BANDWIDTH_FULL      /* covariance h^2 S, S that of the data */
} mcbe_bandwidth_t;

/** Randomised smoothing: noise N(0, sigma^2 I). Not collective.
 *  @param[in] centers  [count][n], finite; borrowed, must outlive the cloud
 *  @param[in] sigma    standard deviation, >= 0
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT with a sentence; MCBE_ERR_NOMEM
 *  Source: thesis Alg. 2.  Memory: O(n). */
MCBE_NODISCARD mcbe_status_t mcbe_cloud_smoothing(mcbe_cloud_t **cloud, int n, int64_t count,
                                                  const float *centers, double sigma,
                                                  mcbe_error_t *err);

/** Kernel density estimate with Gaussian kernels and Scott's rule, h = count^(-1 / (n + 4)). Not
 *  collective. Deviations and covariance are those of the sample (divided by count - 1), computed
 *  in a fixed order: the same bits everywhere.
 *  @param[in] centers  as above, count >= 2
 *  @return as above
 *  Source: thesis Alg. 3, with the rule for deviations, not variances (docs/method.md).
 *  Cost: count n, or for FULL count n^2 + n^3 / 3.  Memory: O(n), or 8 n^2 bytes. */
MCBE_NODISCARD mcbe_status_t mcbe_cloud_density(mcbe_cloud_t **cloud, int n, int64_t count,
                                                const float *centers, mcbe_bandwidth_t bandwidth,
                                                mcbe_error_t *err);
void mcbe_cloud_destroy(mcbe_cloud_t **cloud);

int mcbe_cloud_dimension(const mcbe_cloud_t *cloud);
int64_t mcbe_cloud_count(const mcbe_cloud_t *cloud);

/** Standard deviation of the noise in every coordinate. @param[out] deviation [n] */
void mcbe_cloud_deviations(const mcbe_cloud_t *cloud, double *deviation);

/** Draw centers, with replacement. Thread-safe.
 *  @param[out] x  coordinate-major [n][width] */
void mcbe_cloud_centers(const mcbe_cloud_t *cloud, mcbe_rng_t *rng, int width, float *x);

/** Draw noise. Thread-safe. @param[out] x  coordinate-major [n][width]
 *  Cost: n normals a point; n^2 flops more for a full covariance. */
void mcbe_cloud_noise(const mcbe_cloud_t *cloud, mcbe_rng_t *rng, int width, float *x);

/** Draw points: noise, then the centers, added in fp32. Thread-safe.
 *  @param[out] x  coordinate-major [n][width] */
void mcbe_cloud_fill(const mcbe_cloud_t *cloud, mcbe_rng_t *rng, int width, float *x);

#ifdef __cplusplus
}
#endif
#endif
