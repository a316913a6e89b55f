#ifndef MCBE_RECONSTRUCT_INTERNAL_H
#define MCBE_RECONSTRUCT_INTERNAL_H

#include "mcbe/reconstruct.h"
#include "subframe.h"

struct mcbe_reconstruct {
    mcbe_subframe_t sub;
    const double *bias; /* borrowed, [m], or NULL for 0 */
    double *factor;     /* owned, [q][q], q = min(m, n) */
    double *b;          /* owned, [m]: z_j + bias_j of the active rows, times the rows' scale */
    double *residual;   /* owned, [m] */
    double *start;      /* owned, [q], where estimates of eigenvalues start */
    double *basis;      /* owned, for them */
};

/** Gather the rows with z_j > 0 and their b. @param[in] number  of the output, for the sentence
 *  @return MCBE_OK; MCBE_ERR_VALUE with a sentence */
MCBE_NODISCARD mcbe_status_t mcbe_reconstruct_gather(mcbe_reconstruct_t *r, int64_t number,
                                                     const double *z, mcbe_error_t *err);

#endif
