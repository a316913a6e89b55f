#include "pace.h"

#include <math.h>

/* Jobs from which on one bad measurement, of a disturbed moment, is left out. */
#define OUTLIER_JOBS 8

void mcbe_pace_add(mcbe_pace_t *pace, double planned, double measured)
{
    if (!(planned > 0.0)) {
        return;
    }
    pace->recent[pace->jobs++ % MCBE_PACE_WINDOW] = measured / planned;
    pace->planned += planned;
    pace->planned_square += planned * planned;
    pace->measured += measured;
    pace->measured_square += measured * measured / planned;
}

double mcbe_pace_upper(const mcbe_pace_t *pace)
{
    const int64_t count = pace->jobs < MCBE_PACE_WINDOW ? pace->jobs : MCBE_PACE_WINDOW;
    double largest = 0.0, second = 0.0;
    for (int64_t i = 0; i < count; i++) {
        const double ratio = pace->recent[i];
        second = fmax(second, fmin(ratio, largest));
        largest = fmax(largest, ratio);
    }
    return count < OUTLIER_JOBS ? largest : second;
}

double mcbe_pace_spread(const mcbe_pace_t *pace, double planned, double planned_square)
{
    if (pace->jobs < 2 || !(pace->measured > 0.0) || !(planned > 0.0)) {
        return (double)NAN;
    }
    /* ratios weighted by cost: their mean, their variance, and how many jobs of equal cost would
     * tell as much */
    const double mean = pace->measured / pace->planned;
    const double variance = fmax(pace->measured_square / pace->planned - mean * mean, 0.0);
    const double alike = pace->planned * pace->planned / pace->planned_square;
    const double relative = variance / (mean * mean) * alike / (alike - 1.0);
    return 2.0 * sqrt(relative * (1.0 / alike + planned_square / (planned * planned)));
}

int mcbe_pace_slowest(const mcbe_rank_pace_t *ranks, int count, double *share)
{
    int slowest = -1, active = 0;
    double planned = 0.0, measured = 0.0, least = 0.0;
    for (int r = 0; r < count; r++) {
        if (!(ranks[r].planned > 0.0 && ranks[r].measured > 0.0)) {
            continue;
        }
        const double rate = ranks[r].planned / ranks[r].measured;
        if (active++ == 0 || rate < least) {
            least = rate;
            slowest = r;
        }
        planned += ranks[r].planned;
        measured += ranks[r].measured;
    }
    if (active < 2) {
        return -1;
    }
    *share = least / (planned / measured);
    return slowest;
}
