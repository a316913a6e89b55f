#ifndef MCBE_CERTIFICATE_H
#define MCBE_CERTIFICATE_H

#include "mcbe/bias.h"
#include "mcbe/domain.h"
#include "mcbe/frame.h"
#include "mcbe/search.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Is row j in J_x, among the n largest coefficients, ties to the lowest index? @param[in] c  [m] */
int mcbe_is_among_largest(int n, int m, const double *c, int j);

/* Points of K with fewer than n active rows, one for each bias that has one. */
typedef struct mcbe_certificates {
    int count, n;
    double *x;   /* owned, [count][n], points of K as mcbe_point_split leaves them; NaN for none */
    int *active; /* owned, [count], rows active there, doubtful ones counted; -1 for none */
} mcbe_certificates_t;

/** No certificates yet. @return MCBE_OK; MCBE_ERR_NOMEM. Free whatever the result. */
MCBE_NODISCARD mcbe_status_t mcbe_certificates_init(mcbe_certificates_t *certificates, int count,
                                                    int n);
void mcbe_certificates_free(mcbe_certificates_t *certificates);

/** Rows active at a point of K given by its coordinates, doubtful ones counted, in canonical
 *  arithmetic.
 *  @param[in]  x       [n], as mcbe_point_split leaves it
 *  @param[in]  bias    [m], in the units of W
 *  @param[out] inside  is x in K, up to 1e-13 of its radius, and as mcbe_point_split leaves it?
 *         What so small a step could change counts as active
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_certificate_count(const mcbe_domain_t *domain,
                                                    const mcbe_frame_t *frame, const double *x,
                                                    const double *bias, int *active, int *inside);

/** Let the point of this radius along a direction, if it is one of K, refute every bias it can that
 *  has no certificate yet.
 *  @param[in] biases  [certificates->count][m], in the units of W */
MCBE_NODISCARD mcbe_status_t mcbe_certificates_offer(const mcbe_domain_t *domain,
                                                     const mcbe_frame_t *frame,
                                                     const double *direction, double radius,
                                                     const double *biases,
                                                     mcbe_certificates_t *certificates);

/** Offer the visited point with the fewest active rows at bias 0. @param[in] biases  as above */
MCBE_NODISCARD mcbe_status_t mcbe_certificates_from_samples(
    mcbe_design_t design, const mcbe_domain_t *domain, const mcbe_frame_t *frame,
    const mcbe_stream_key_t *key, const mcbe_points_t *points, const mcbe_bias_state_t *state,
    const double *biases, mcbe_certificates_t *certificates);

#ifdef __cplusplus
}
#endif
#endif
