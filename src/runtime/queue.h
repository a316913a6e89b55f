#ifndef MCBE_QUEUE_H
#define MCBE_QUEUE_H

#include "comm.h"
#include "session.h"

/* Units handed out one at a time to groups of ranks, point to point. Rank 0 keeps the list,
 * computes with the others, and answers them between the blocks of its own units. */
typedef struct mcbe_queue {
    const mcbe_session_t *session; /* borrowed */
    const int64_t *order; /* units to do, in the order they are handed out; borrowed, rank 0 only */
    int64_t count;
    int group_size; /* ranks that share a unit; the same on all ranks */
    mcbe_fault_plan_t *faults;

    /* Rank 0's side; called there only. */
    mcbe_status_t (*deliver)(void *context, mcbe_record_t *record, mcbe_error_t *err);
    void (*tick)(void *context); /* every few milliseconds */
    void *context;
} mcbe_queue_t;

/** Compute all units. Collective over comm. Errors end the run through mcbe_comm_abort: one rank's
 *  failure cannot be agreed on while the others compute. */
void mcbe_queue_run(const mcbe_queue_t *queue, mcbe_comm_t *comm);

#endif
