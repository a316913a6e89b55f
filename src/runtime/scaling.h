#ifndef MCBE_SCALING_H
#define MCBE_SCALING_H

#include "plan.h"

/* What a run takes on a number of ranks, rank 0 included: how long it serves the others, when that
 * saturates it, what waits for the last unit. The same queue is played through event by event by
 * bench/simulate_scaling.py, which reads its usual costs here; docs/parallel.md holds both against
 * measured runs. */

/* Usual costs of rank 0, in seconds, measured with bench/run (line `queue`) on one core of a 2023
 * server. They stand here and nowhere else. */
#define MCBE_SERVING_ANSWER 11e-6 /* a question: take it, answer it */
#define MCBE_SERVING_RECORD 32e-6 /* a unit's record: unpack it, append it to the journal */
#define MCBE_SERVING_FILE 7e-6    /* a unit when the result file is written */
#define MCBE_SERVING_MERGE 100e-6 /* a unit when shards are merged: read it, journal it, write it */
#define MCBE_SERVING_LATENCY 2e-6 /* a message between nodes; a usual value */

/* Ranks that do at least this much of what they could are worth having. */
#define MCBE_SCALING_WORTH 0.8

typedef struct mcbe_serving {
    double answer, record, file, merge; /* as above */
} mcbe_serving_t;

/** The usual costs. */
mcbe_serving_t mcbe_serving_usual(void);

/* What most of the lost time is lost to. */
typedef enum mcbe_scaling_limit {
    MCBE_LIMIT_LAST_UNIT, /* ranks that have nothing left to do wait for those that have */
    MCBE_LIMIT_SERVING,   /* rank 0 hands out units and keeps records */
    MCBE_LIMIT_FILE       /* the result file is written at the end */
} mcbe_scaling_limit_t;

typedef struct mcbe_scaling {
    int ranks, group; /* all of them, and those that share a unit */
    double work;      /* core-seconds of the units */
    double serving;   /* seconds of rank 0 for questions and records */
    double
        saturation; /* ranks that rank 0 can serve before it does nothing else: T / s, where T is the mean
                          time of a job and s what serving it takes; INFINITY without work to do */
    double wall;       /* seconds, from the first unit to the file */
    double merge;      /* seconds after that, on one core; 0 but for shards */
    double efficiency; /* work / (ranks wall + merge); 1 without work to do */
    mcbe_scaling_limit_t limit;
} mcbe_scaling_t;

/** Predict a run. A list schedule without any serving takes M (mcbe_plan_makespan); what rank 0 spends on
 *  serving, S, is time that its group does not compute, and no run is shorter than S:
 *
 *      S    = answer (J (1 - 1/G) + G - 1) + record U      J jobs of U units on G groups
 *      wall = max(M + S / G, S) + file U
 *
 *  Rewriting the file on the way takes at most 1 % and is left out, as are the start of the program, messages in
 *  groups, and latencies: units are handed out one ahead.
 *  Not collective. Thread-safe.
 *  @param[in] order  [count] what is left to do, from mcbe_plan_order
 *  @param[in] asked  as in mcbe_plan_group_size
 *  @return MCBE_OK; MCBE_ERR_NOMEM.  Cost: that of mcbe_plan_makespan. */
MCBE_NODISCARD mcbe_status_t mcbe_scaling_predict(const mcbe_plan_t *plan, const int64_t *order,
                                                  int64_t count, int ranks, int64_t asked,
                                                  const mcbe_serving_t *serving,
                                                  mcbe_scaling_t *scaling);

/** The largest number of ranks, up to `most`, whose efficiency is at least MCBE_SCALING_WORTH, found by
 *  doubling and halving as if efficiency only fell. Not collective. Thread-safe.
 *  @param[out] ranks  at least 1  @return as above.  Cost: 2 log2(ranks) predictions. */
MCBE_NODISCARD mcbe_status_t mcbe_scaling_largest(const mcbe_plan_t *plan, const int64_t *order,
                                                  int64_t count, int most, int64_t asked,
                                                  const mcbe_serving_t *serving, int *ranks);

/** The same work as `shards` jobs of ranks / shards ranks each, side by side, merged on one core when all are
 *  done. Units are dealt in turn, dearest first. Arguments as above.
 *  @param[in]  shards   1 .. ranks
 *  @param[out] scaling  of the dearest shard, but for `ranks`, `work`, `merge` and `efficiency`, which are
 *              those of all shards */
MCBE_NODISCARD mcbe_status_t mcbe_scaling_shards(const mcbe_plan_t *plan, const int64_t *order,
                                                 int64_t count, int ranks, int shards,
                                                 int64_t asked, const mcbe_serving_t *serving,
                                                 mcbe_scaling_t *scaling);

#endif
