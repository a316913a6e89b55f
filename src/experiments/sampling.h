#ifndef MCBE_SAMPLING_H
#define MCBE_SAMPLING_H

/* The sampling phase of one unit, shared by the ranks of a team. */

#include "experiment.h"
#include "mcbe/bias.h"
#include "setup.h"

typedef struct mcbe_sampling {
    mcbe_domain_t domain;
    mcbe_design_t design;
    mcbe_precision_t precision;
    int64_t samples;   /* points to draw */
    int64_t unchanged; /* stop after so many points without an update; 0 = never */
    int init_rows;     /* visit w_j / |w_j| first; row j has the sample id of mcbe_row_sample */
    mcbe_bias_events_t *history; /* [count of states], borrowed, or NULL. On rank 0 of the team they
                                    get every lowering, in the order of the points: replayed up to
                                    any sample they give alpha* there. */
} mcbe_sampling_t;

/** The phase that the configuration asks for, without a history. */
mcbe_sampling_t mcbe_sampling_of(const mcbe_setup_t *setup);

/** Draw points and lower the states of one or several nested layers. Collective over team->comm.
 *
 *  Rounds of mcbe_round_blocks; within a round, block b belongs to rank b mod size. Every
 *  rank screens against the state at the round's start and its own blocks so far; at the round's
 *  end alpha is combined by MPI_Allreduce(MPI_MIN), and rank 0 replays all events in the order of
 *  their samples, so that updates, witnesses and the stop rule are those of one rank. What the
 *  result is does not depend on the size.
 *
 *  States that an earlier call left for fewer points go on from there, wherever in a block or a round it
 *  ended, and end as if that call had been for as many as this one: points are visited in the order of
 *  their ids either way, and the stop rule is looked at at the same places. (The end of the earlier call
 *  is one of them only if it is the end of a round.)
 *  @param[in,out] states  [count], as made by mcbe_bias_state_init or, on all ranks, as left by an earlier
 *         call, all by the same one; layer i is the first
 *         states[i].m rows of the frame, ascending; on ranks other than 0 witnesses are not kept. A
 *         stop rule waits for all.
 *  @return MCBE_OK; MCBE_STOPPED, agreed, if the unit is to be given up; MCBE_ERR_NOMEM;
 *         MCBE_ERR_INTERNAL. Not agreed: the caller ends the run on an error.
 *  Source: thesis Alg. 1. */
MCBE_NODISCARD mcbe_status_t mcbe_sampling_run(const mcbe_sampling_t *sampling,
                                               const mcbe_frame_t *frame,
                                               const mcbe_stream_key_t *key,
                                               const mcbe_team_t *team, mcbe_bias_state_t *states,
                                               int count, mcbe_error_t *err);

/** Rank 0's history to the whole team. Collective over team->comm.
 *  @return MCBE_OK; MCBE_ERR_NOMEM. Not agreed. */
MCBE_NODISCARD mcbe_status_t mcbe_sampling_share_history(const mcbe_team_t *team,
                                                         mcbe_bias_events_t *history);

/** Replay a history up to the first `samples` random points. Not collective.
 *  @param[in,out] seen   events replayed so far, 0 for a new state
 *  @param[in,out] state  as left by the call before, for fewer points */
void mcbe_sampling_replay(const mcbe_bias_events_t *history, size_t *seen, int64_t samples,
                          mcbe_bias_state_t *state);

/** Draw fresh independent points of K and count those that would lower alpha*. Collective over
 *  team->comm: blocks are dealt to the ranks; NULL for the caller alone.
 *  @param[in]  key    of the layer; the stream is one no estimate has seen
 *  @param[out] violations  the same on every rank
 *  @return MCBE_OK; MCBE_STOPPED, agreed; MCBE_ERR_NOMEM. Not agreed. */
MCBE_NODISCARD mcbe_status_t mcbe_sampling_holdout(
    const mcbe_domain_t *domain, mcbe_precision_t precision, const mcbe_frame_t *frame,
    const mcbe_stream_key_t *key, const mcbe_team_t *team, const mcbe_bias_state_t *state,
    int64_t samples, int64_t *violations);

#endif
