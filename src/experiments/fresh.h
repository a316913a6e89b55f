#ifndef MCBE_FRESH_H
#define MCBE_FRESH_H

/* Points that no estimate has seen, kept to be looked at again and again. */

#include "mcbe/domain.h"
#include "mcbe/frame.h"
#include "mcbe/rng.h"

typedef struct mcbe_fresh {
    int64_t count;
    double *c;    /* owned, [count][m], canonical coefficients */
    double *norm; /* owned, [count], |x| */
} mcbe_fresh_t;

/** The points [first, last) of the hold-out of a unit. Free whatever the result.
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_fresh_init(mcbe_fresh_t *fresh, const mcbe_domain_t *domain,
                                             const mcbe_frame_t *frame,
                                             const mcbe_stream_key_t *key, int64_t first,
                                             int64_t last);
void mcbe_fresh_free(mcbe_fresh_t *fresh);

/** Has this point at least n rows active at the bias? */
int mcbe_fresh_rectified(const mcbe_fresh_t *fresh, const mcbe_frame_t *frame, const double *bias,
                         int64_t point);

#endif
