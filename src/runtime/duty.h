#ifndef MCBE_DUTY_H
#define MCBE_DUTY_H

#include <stdint.h>

/* How often something is done that a run must pay for: every `interval` seconds, but if it is slow
 * so much less often that it takes no more than `share` of the time. Plain data. */
typedef struct mcbe_duty {
    double interval, share;
    double wait;    /* from the last time on, until it is due again */
    double last;    /* when it was done last, or when it all began */
    double seconds; /* spent so far */
    double took;    /* the last time */
    int64_t count;  /* times done so far */
} mcbe_duty_t;

/* However slow, it is done this often: a clock that leaps while something is timed must not put
 * the next time off for good. */
#define MCBE_DUTY_LONGEST 3600.0

/** @param[in] share  0 < share < 1 */
mcbe_duty_t mcbe_duty_begin(double interval, double share, double now);
/** Is it time? Also if the clock has gone back. */
int mcbe_duty_due(const mcbe_duty_t *duty, double now);
/** It was done, from `begun` until `now`. */
void mcbe_duty_done(mcbe_duty_t *duty, double begun, double now);

#endif
