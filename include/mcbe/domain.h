#ifndef MCBE_DOMAIN_H
#define MCBE_DOMAIN_H

#include <stddef.h>
#include <stdint.h>

#include "mcbe/cloud.h"
#include "mcbe/rng.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mcbe_domain_kind {
    MCBE_DOMAIN_SPHERE,   /* |x| = radius */
    MCBE_DOMAIN_BALL,     /* |x| <= radius, without 0 */
    MCBE_DOMAIN_SHELL,    /* inner_radius <= |x| <= radius */
    MCBE_DOMAIN_GAUSSIAN, /* x ~ N(0, I), unbounded */
    MCBE_DOMAIN_CLOUD     /* around data, unbounded */
} mcbe_domain_kind_t;

/* How the radius of a ball or shell is treated. */
typedef enum mcbe_radial {
    MCBE_RADIAL_ANALYTIC, /* sample directions; alpha* on K follows exactly (mcbe_domain_finish) */
    MCBE_RADIAL_SAMPLED   /* sample points inside K, uniform in volume, as the thesis words it */
} mcbe_radial_t;

/* The set K the layer is to be injective on. Plain data. */
typedef struct mcbe_domain {
    mcbe_domain_kind_t kind;
    mcbe_radial_t radial;
    double radius;             /* > 0; ignored for gaussian and cloud */
    double inner_radius;       /* shell only: 0 < inner_radius < radius */
    int nonnegative;           /* restrict to x_k >= 0 for all k */
    const mcbe_cloud_t *cloud; /* for cloud only; borrowed, must outlive the domain */
} mcbe_domain_t;

/** Check a domain. @return MCBE_OK; MCBE_ERR_ARGUMENT with a sentence */
MCBE_NODISCARD mcbe_status_t mcbe_domain_check(const mcbe_domain_t *domain, mcbe_error_t *err);

/** Are points drawn from a distribution without bounded support: gaussian and cloud? */
int mcbe_domain_unbounded(const mcbe_domain_t *domain);

/** Samples in one block for dimension n: a fixed rule, since a block is the unit of addressing.
 *  256 up to n = 1024, 64 beyond (a block's product must stay a matter of milliseconds). */
#define MCBE_BLOCK_SIZE_MAX 256
int mcbe_domain_block_size(int n);

/** Fill one block with points. Point s is scale[s] * (x[0][s], ..., x[n-1][s]): fp32 coordinates
 *  and one fp64 factor, so that every CPU gives the same point. With radial = analytic the points
 *  of sphere, ball and shell are directions on the unit sphere.
 *  Not collective. Thread-safe.
 *  @param[in]  key    with purpose MCBE_PURPOSE_HOLDOUT: points of the hold-out; any other purpose:
 *         samples
 *  @param[out] x      coordinate-major [n][mcbe_domain_block_size(n)]
 *  @param[out] scale  [mcbe_domain_block_size(n)], > 0
 *  Source: thesis section 4.1; science of uniform points by normalised Gaussians.  Cost: n normals
 *  a point. */
void mcbe_domain_fill(const mcbe_domain_t *domain, int n, const mcbe_stream_key_t *key, float *x,
                      double *scale);

/** Canonical |a + b|: coordinates a_k + b_k formed in fp64, squares summed for ascending k, one square
 *  root. Not collective. Thread-safe.
 *  @param[in] a, b  coordinate k at [k * stride]; b may be NULL for a alone */
double mcbe_point_norm(int n, const float *a, const float *b, ptrdiff_t stride);

/** Write the coordinates of a point as sums a_k + b_k of fp32 numbers, the form in which points are
 *  visited: b takes what a's 24 bits leave, so about 48 bits survive. Not collective. Thread-safe.
 *  @param[in,out] x  [n], |x_k| <= 1e30; becomes a + b, exactly
 *  @param[out] a, b  [n] */
void mcbe_point_split(int n, double *x, float *a, float *b);

/** An upper bound of |point s| over any block of this domain, or 0 where there is none
 *  (gaussian, cloud). */
double mcbe_domain_max_norm(const mcbe_domain_t *domain);

/** Turn the minima over sampled points into alpha* on K: sphere(r): r a; ball(r): r min(0, a);
 *  shell(r1, r2): min(r1 a, r2 a); a itself where radii were sampled and for gaussian and cloud. +inf
 *  stays +inf.
 *  @param[in]  a      [m], minima over the points of mcbe_domain_fill
 *  @param[out] alpha  [m], may be a itself */
void mcbe_domain_finish(const mcbe_domain_t *domain, int m, const double *a, double *alpha);

#ifdef __cplusplus
}
#endif
#endif
