#include "clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
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

void mcbe_clock_span(char *text, size_t size, double seconds)
{
    const int64_t whole = llround(fmax(seconds, 0.0));
    const int64_t hours = whole / 3600;
    const int minutes = (int)(whole / 60 % 60), rest = (int)(whole % 60);
    if (hours > 0) {
        snprintf(text, size, "%" PRId64 ":%02d:%02d", hours, minutes, rest);
    } else {
        snprintf(text, size, "%d:%02d", minutes, rest);
    }
}
