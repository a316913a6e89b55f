#ifndef MCBE_PACE_H
#define MCBE_PACE_H

#include <stdint.h>

#include "mcbe/status.h"

/* How long finished jobs took compared with what the plan said: times are core-seconds, the wall time
 * of a job times the ranks that shared it. Used on rank 0. */

enum { MCBE_PACE_WINDOW = 32 }; /* jobs that the upper ratio looks back on */

typedef struct mcbe_pace {
    int64_t jobs;                     /* measured so far */
    double recent[MCBE_PACE_WINDOW];  /* measured / planned of the last ones, in a ring */
    double planned, planned_square;   /* sums over all: cost, cost^2 */
    double measured, measured_square; /* time, time^2 / cost */
} mcbe_pace_t;

/** Add a finished job; start from a zeroed pace. One that was planned at 0 s tells nothing.
 *  @param[in] planned, measured  core-seconds */
void mcbe_pace_add(mcbe_pace_t *pace, double planned, double measured);

/** The ratio measured / planned that the next job is not likely to exceed: the second largest of the
 *  last 32, the largest of fewer than 8. Jobs come dearest first, so that the last ones resemble the
 *  next. @return 0 if nothing was measured */
double mcbe_pace_upper(const mcbe_pace_t *pace);

/** Two standard deviations of the time that some jobs still need, relative to that time, from the
 *  scatter of the ratios so far: that of their mean, and that of the jobs to come.
 *  @param[in] planned, planned_square  sums of cost and cost^2 over what is left
 *  @return NaN with fewer than two jobs measured */
double mcbe_pace_spread(const mcbe_pace_t *pace, double planned, double planned_square);

/* What one rank has done. */
typedef struct mcbe_rank_pace {
    double planned, measured; /* core-seconds */
} mcbe_rank_pace_t;

/** The rank that gets the least planned cost done a second, among those that finished something.
 *  @param[out] share  its rate relative to that of all
 *  @return its number; -1 unless at least two finished something */
int mcbe_pace_slowest(const mcbe_rank_pace_t *ranks, int count, double *share);

#endif
