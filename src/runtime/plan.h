#ifndef MCBE_PLAN_H
#define MCBE_PLAN_H

#include <stdint.h>

#include "mcbe/status.h"

/* One (n, m) of a sweep. */
typedef struct mcbe_cell {
    int64_t n, m;
    double flops;        /* floating-point operations of one unit in BLAS */
    double seconds;      /* estimate for one unit on one core */
    double deal_seconds; /* what a unit counts for when units are dealt to shards, where `seconds`
                            depends on a key that may grow; 0: `seconds` */
    double bytes;        /* working memory of one unit on one rank */
    int joins;           /* computed together with the cell before it */
} mcbe_cell_t;

/* All work of a run: unit = (cell, trial), numbered cell * trials + trial. The units of one trial
 * of a cell and of those that join it make one job: computed by one group of ranks in one go,
 * recorded one by one, and named by the first unit. Most jobs are one unit. */
typedef struct mcbe_plan {
    mcbe_cell_t *cells; /* owned, ordered by n, then m */
    int64_t cell_count;
    int64_t trials;
} mcbe_plan_t;

/** Free the cells and zero the plan; accepts a zeroed one. */
void mcbe_plan_free(mcbe_plan_t *plan);

/** Units of a plan, and the number of one of them. Not collective. Thread-safe. */
int64_t mcbe_plan_units(const mcbe_plan_t *plan);
int64_t mcbe_plan_unit(const mcbe_plan_t *plan, int64_t cell, int64_t trial);

/** Cells of the job that `head` is the first of. Not collective. Thread-safe. */
int64_t mcbe_plan_job_cells(const mcbe_plan_t *plan, int64_t head);

/** Estimated core-seconds of the job that a unit is the first of. Not collective. Thread-safe. */
double mcbe_plan_job_seconds(const mcbe_plan_t *plan, int64_t unit);

/** Jobs with a unit still to do, dearest first (equal cost: lowest number first). Not collective.
 *  Thread-safe.
 *  @param[in]  done   [units] non-zero for finished ones, or NULL for none
 *  @param[out] order  numbers of their first units, owned by the caller (mcbe_free), [*count]; NULL
 *         on error
 *  @return MCBE_OK; MCBE_ERR_NOMEM.  Cost: C log C + units for C cells. */
MCBE_NODISCARD mcbe_status_t mcbe_plan_order(const mcbe_plan_t *plan, const unsigned char *done,
                                             int64_t **order, int64_t *count);

/** Ranks that should share one unit. Not collective. Thread-safe.
 *  @param[in] order  [count] what is left to do, from mcbe_plan_order
 *  @param[in] asked  > 0: that many; -1: all; 0: the smallest group in which the dearest unit takes
 *                    at most 1.25 times what perfect sharing of all work among all ranks would take
 *  @return 1 .. ranks, at most MCBE_ROUND_BLOCKS; 1 if nothing is left to do and the choice is ours */
int mcbe_plan_group_size(const mcbe_plan_t *plan, const int64_t *order, int64_t count, int ranks,
                         int64_t asked);

/** Number of groups of `group` neighbouring ranks, and the group of one rank. Ranks that are left
 *  over join the last group. Not collective. Thread-safe. @param[in] group  1 .. ranks */
int mcbe_plan_group_count(int ranks, int group);
int mcbe_plan_group_of(int rank, int ranks, int group);

/** Wall time of a run on `ranks` ranks in groups of `group`: each unit in turn goes to the group
 *  that is free first (the lowest of several) and keeps it for its seconds divided by the group's
 *  ranks. Not collective. Thread-safe.
 *  @return seconds; NaN if memory is out.  Cost: count log(groups). */
double mcbe_plan_makespan(const mcbe_plan_t *plan, const int64_t *order, int64_t count, int ranks,
                          int group);

/** Deal the jobs to `shards` parts of the run, trial by trial and dearest first within a trial, each
 *  to the part with the least cost so far (the lowest of several). Depends on the plan alone; that
 *  of fewer trials is the same for those trials. Costs are `deal_seconds`, cut to 8 significant bits, so that a C
 *  library that rounds otherwise deals the same. By Graham's bound for lists no part costs more
 *  than the mean and the dearest job together, up to 1 %. Not collective. Thread-safe.
 *  @param[in]  shards  at least 1
 *  @param[out] shard_of  owned by the caller (mcbe_free), [units]; NULL on error
 *  @return MCBE_OK; MCBE_ERR_NOMEM.  Cost: C log C + units log(shards) for C cells.
 *  Source: Graham 1966, theorem 1. */
MCBE_NODISCARD mcbe_status_t mcbe_plan_deal(const mcbe_plan_t *plan, int shards, int **shard_of);

#endif
