#ifndef MCBE_CLOCK_H
#define MCBE_CLOCK_H

#include <stddef.h>

/* Seconds that only grow. Behind a pointer so that tests hand in a clock of their own. */
typedef struct mcbe_clock {
    double (*seconds)(void *context);
    void *context; /* borrowed */
} mcbe_clock_t;

/** The system's monotonic clock. Thread-safe. */
mcbe_clock_t mcbe_clock_monotonic(void);

/** Seconds since some fixed point. */
double mcbe_clock_now(const mcbe_clock_t *clock);

/** Today's date and time as "YYYY-MM-DDThh:mm:ssZ". @param[out] text  at least 21 bytes */
void mcbe_clock_utc(char text[21]);

/** A time span as "m:ss", from an hour on "h:mm:ss", rounded to seconds; negative ones as 0:00.
 *  Thread-safe. */
void mcbe_clock_span(char *text, size_t size, double seconds);

#endif
