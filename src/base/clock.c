#include "clock.h"

#include <time.h>

static double monotonic_seconds(void *context)
{
    (void)context;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

mcbe_clock_t mcbe_clock_monotonic(void)
{
    return (mcbe_clock_t){.seconds = monotonic_seconds, .context = NULL};
}

double mcbe_clock_now(const mcbe_clock_t *clock)
{
    return clock->seconds(clock->context);
}

void mcbe_clock_utc(char text[21])
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, 21, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
