#ifndef MCBE_QUEUE_H
#define MCBE_QUEUE_H

#include "comm.h"
#include "runctl.h"
#include "session.h"

/* Units handed out one at a time to groups of ranks, point to point. Rank 0 keeps the list,
 * computes with the others, and answers them between the blocks of its own units. */
typedef struct mcbe_queue {
    const mcbe_session_t *session; /* borrowed */
    const int64_t *order; /* units to do, in the order they are handed out; borrowed, rank 0 only */
    int64_t count;
    int group_size; /* ranks that share a unit; the same on all ranks */
    mcbe_fault_plan_t *faults;
    int (*signal_seen)(
        void); /* the signal that this rank got to stop for, 0 for none; may be NULL */

    /* Rank 0's side; called there only. */
    mcbe_status_t (*deliver)(void *context, mcbe_record_t *record, mcbe_error_t *err);
    void (*tick)(void *context); /* every few milliseconds */
    /* The record that a unit is to go on from, or NULL; NULL where none ever is. Borrowed. */
    const mcbe_record_t *(*earlier)(void *context, int64_t cell, int64_t trial);
    void *context;
    mcbe_runctl_t *control; /* says whether a unit is still started and when all stop; borrowed */
} mcbe_queue_t;

/** Compute all units, or as many as the control lets: once it stops the run no unit is handed out any
 *  more, and those in hand get mcbe_stop_grace to finish before they are given up. Collective over comm.
 *  Errors end the run through mcbe_comm_abort: one rank's failure cannot be agreed on while the others
 *  compute.
 *  @return why it stopped short, kind NONE if it did not; the same on all ranks */
mcbe_stop_t mcbe_queue_run(const mcbe_queue_t *queue, mcbe_comm_t *comm);

#endif
