#ifndef MCBE_RECOMPUTE_H
#define MCBE_RECOMPUTE_H

/* Verifying a unit by computing it again in another way: alone, and without a history. */

#include "record.h"
#include "sampling.h"
#include "setup.h"

/* alpha* on its way through the points of a unit. */
typedef struct mcbe_walk {
    const mcbe_setup_t *setup; /* borrowed */
    const mcbe_frame_t *frame; /* borrowed */
    mcbe_stream_key_t key;
    mcbe_bias_state_t state;     /* owned */
    mcbe_estimator_t *estimator; /* owned */
    int64_t visited;             /* random points; the directions of rows come before them */
    int64_t block;               /* that of the next one, or one before */
} mcbe_walk_t;

/** Stand before the first random point. Free whatever the result. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_walk_init(mcbe_walk_t *walk, const mcbe_setup_t *setup,
                                            const mcbe_frame_t *frame,
                                            const mcbe_stream_key_t *key);
void mcbe_walk_free(mcbe_walk_t *walk);

/** Go on until so many random points are visited. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_walk_to(mcbe_walk_t *walk, int64_t samples);

/** Hold a stored record against the same unit computed again. Canonical columns must agree word for
 *  word, approximate ones up to 1e-9: another machine may round otherwise.
 *  @return MCBE_OK; MCBE_ERR_CORRUPT with a sentence that names the quantity and the entry */
MCBE_NODISCARD mcbe_status_t mcbe_recompute_compare(const mcbe_layout_t *layout,
                                                    const mcbe_cell_t *cell,
                                                    const mcbe_record_t *stored,
                                                    const mcbe_record_t *again, mcbe_error_t *err);

#endif
