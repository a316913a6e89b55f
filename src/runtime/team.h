#ifndef MCBE_TEAM_H
#define MCBE_TEAM_H

#include "comm.h"
#include "fault.h"
#include "record.h"

/* What the computation of a unit sees of the run around it. */
typedef struct mcbe_team {
    mcbe_comm_t *comm; /* the ranks that share this unit; borrowed */
    /* The run's business between two blocks of work. @return non-zero, from then on every time, once
     * the unit in hand is to be given up; NULL where nobody ever asks that */
    int (*between_blocks)(void *context);
    void *context;
    /* [units of the job], or NULL: what a run that asked less of every unit has recorded of them, for
     * the unit to go on from. The same on all ranks of the team; borrowed. */
    const mcbe_record_t *earlier;
    mcbe_fault_plan_t *faults; /* points `unit` and `reduce`; borrowed */
} mcbe_team_t;

/** This rank's number in the team and how many there are: 0 of 1 for NULL, a computation outside a
 *  run. Not collective. */
int mcbe_team_rank(const mcbe_team_t *team);
int mcbe_team_size(const mcbe_team_t *team);

/** Call every few milliseconds of work. Not collective. Accepts NULL, a computation outside a run.
 *  @return non-zero once the unit is to be given up: leave the work out and go straight to the next
 *          mcbe_team_go_on, where the team agrees */
int mcbe_team_look(const mcbe_team_t *team);

/** Is the unit still to be finished? To be called before every collective step of a unit that follows
 *  a mcbe_team_look. Collective over team->comm; accepts NULL.
 *  @return MCBE_OK; MCBE_STOPPED, on every rank of the team, once it is to be given up */
MCBE_NODISCARD mcbe_status_t mcbe_team_go_on(const mcbe_team_t *team);

/** To every rank the doubles that one rank each has and that are 0 on all others, bit for bit, NaN too.
 *  Collective over team->comm; accepts NULL.
 *  @return MCBE_OK; MCBE_ERR_NOMEM. Not agreed. */
MCBE_NODISCARD mcbe_status_t mcbe_team_share_f64(const mcbe_team_t *team, double *values,
                                                 size_t count);

#endif
