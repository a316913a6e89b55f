#ifndef MCBE_ESTIMATE_H
#define MCBE_ESTIMATE_H

#include <stdint.h>

#include "mcbe/bias.h"
#include "mcbe/domain.h"
#include "mcbe/frame.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How alpha* of one layer is estimated. */
typedef struct mcbe_estimate {
    mcbe_design_t design;
    mcbe_precision_t precision;
    int64_t samples;   /* points to draw, at least 1 */
    int64_t unchanged; /* stop after so many points without an update, looked at after every
                          mcbe_round_blocks; 0 = never */
    int uncounted; /* updates need not be counted, they become -1: far less work where few points
                          meet a large layer, see mcbe_estimator_look_ahead */
    int init_rows; /* visit w_j / |w_j| first; row j has the id of mcbe_row_sample */
} mcbe_estimate_t;

/** Can this be done? @param[in] n  dimension of the layer
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT with a sentence */
MCBE_NODISCARD mcbe_status_t mcbe_estimate_check(const mcbe_estimate_t *estimate,
                                                 const mcbe_domain_t *domain, int n,
                                                 mcbe_error_t *err);

/** Draw points and lower a state: what a whole run does for one unit, by the caller alone, to the same
 *  bytes. Not collective. Thread-safe.
 *  @param[in] key  seed, n, m, trial; n and m are those of the layer in a run
 *  @param[in,out] state  of frame->m rows, as made by mcbe_bias_state_init; not to be used on error.
 *         Holds minima over the points drawn: mcbe_domain_finish makes alpha* on K of them
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT with a sentence; MCBE_ERR_NOMEM
 *  Source: thesis Alg. 1.  Cost: as mcbe_estimator_block. */
MCBE_NODISCARD mcbe_status_t mcbe_estimate_layer(const mcbe_estimate_t *estimate,
                                                 const mcbe_frame_t *frame,
                                                 const mcbe_domain_t *domain,
                                                 const mcbe_stream_key_t *key,
                                                 mcbe_bias_state_t *state, mcbe_error_t *err);

/** The same with an estimator that was made, or reset, for this frame and has this design and precision:
 *  for a layer that changes all the time. Not collective. One estimator serves one thread.
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_estimate_with(const mcbe_estimate_t *estimate,
                                                const mcbe_frame_t *frame,
                                                mcbe_estimator_t *estimator,
                                                mcbe_bias_state_t *state);

/** Visit the directions of the rows of a layer, the first state->m rows of the estimator's frame.
 *  @param[in,out] events  as for mcbe_estimator_block
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_estimate_rows(const mcbe_frame_t *frame,
                                                mcbe_estimator_t *estimator,
                                                mcbe_bias_state_t *state,
                                                mcbe_bias_events_t *events);

/** How many of the drawn points before id `end` have passed since the last update. */
int64_t mcbe_bias_unchanged(const mcbe_bias_state_t *state, int64_t end);

#ifdef __cplusplus
}
#endif
#endif
