#ifndef MCBE_PROGRESS_H
#define MCBE_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

#include "clock.h"
#include "pace.h"
#include "mcbe/run.h"

/* How far a run is, shown on rank 0 while it computes. */

#define MCBE_PROGRESS_INTERVAL 30.0 /* seconds between two lines unless the user says otherwise */

/* An amount of work: so many units, which the plan estimates at so many seconds in all. */
typedef struct mcbe_work {
    int64_t units;
    double cost;
} mcbe_work_t;

/* How the run goes, kept by the caller: where the spread of the time left and the slowest rank come
 * from. */
typedef struct mcbe_outlook {
    const mcbe_pace_t *pace;       /* borrowed */
    const mcbe_rank_pace_t *ranks; /* borrowed, [rank_count] */
    int rank_count;
    double planned, planned_square; /* sums of cost and cost^2 over what is left */
} mcbe_outlook_t;

/* Owned by the caller, filled by mcbe_progress_init; owns nothing itself. */
typedef struct mcbe_progress {
    mcbe_progress_mode_t mode; /* AUTO is resolved by init */
    FILE *stream;              /* borrowed */
    mcbe_clock_t clock;
    mcbe_work_t total, before, done; /* done includes before, what earlier runs have finished */
    double interval;                 /* seconds between two lines */
    double started, due;             /* clock readings: of init, and of the next report */
    int drawn;                       /* columns of the bar now on the screen */
    const mcbe_outlook_t *outlook;   /* borrowed, or NULL */
} mcbe_progress_t;

/** Start the clock. Not collective.
 *  @param[in] stream    standard error as a rule; NULL keeps silent (every rank but 0)
 *  @param[in] clock     copied
 *  @param[in] before    what was finished when the run started; counts as done, but not as speed
 *  @param[in] interval  seconds between two lines, > 0; the first comes after at most 5 */
void mcbe_progress_init(mcbe_progress_t *progress, mcbe_progress_mode_t mode, FILE *stream,
                        const mcbe_clock_t *clock, const mcbe_work_t *total,
                        const mcbe_work_t *before, double interval);

/** Tell from now on how sure the time left is, and which rank is the slowest. @param[in] outlook
 *  borrowed while the progress is used */
void mcbe_progress_watch(mcbe_progress_t *progress, const mcbe_outlook_t *outlook);

/** Count one finished unit of this estimated cost, and report if it is time. Not collective. */
void mcbe_progress_unit(mcbe_progress_t *progress, double cost);

/** Report if it is time; call every few milliseconds. Not collective. Cost: one clock reading. */
void mcbe_progress_tick(mcbe_progress_t *progress);

/** Take the bar off the screen before somebody else writes there; the next report draws it anew.
 *  Not collective. */
void mcbe_progress_clear(mcbe_progress_t *progress);

/** Last line, "mcbe: OUTCOME: 3915/3915 units, 41.3 units/s, total time 1:35"; nothing is shown
 *  after it. Not collective.
 *  @param[in] outcome  "complete", or why the run stopped */
void mcbe_progress_end(mcbe_progress_t *progress, const char *outcome);

#endif
