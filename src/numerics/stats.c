#include "mcbe/stats.h"

#include <math.h>

void mcbe_summarize(const double *values, int64_t count, mcbe_summary_t *summary)
{
    mcbe_summary_t s = {.min = NAN, .max = NAN, .mean = NAN, .sd = NAN};
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) {
        if (isinf(values[i])) {
            s.infinite++;
            continue;
        }
        s.min = s.finite == 0 || values[i] < s.min ? values[i] : s.min;
        s.max = s.finite == 0 || values[i] > s.max ? values[i] : s.max;
        sum += values[i];
        s.finite++;
    }
    if (s.finite > 0) {
        s.mean = sum / (double)s.finite;
    }
    if (s.finite > 1) { /* two passes: differences from the mean do not cancel */
        double squares = 0.0;
        for (int64_t i = 0; i < count; i++) {
            if (!isinf(values[i])) {
                squares += (values[i] - s.mean) * (values[i] - s.mean);
            }
        }
        s.sd = sqrt(squares / (double)(s.finite - 1));
    }
    *summary = s;
}

void mcbe_wilson_interval(int64_t successes, int64_t trials, double z, double *low, double *high)
{
    if (trials <= 0) {
        *low = 0.0;
        *high = 1.0;
        return;
    }
    const double n = (double)trials, p = (double)successes / n, z2 = z * z;
    const double centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    const double half = z / (1.0 + z2 / n) * sqrt(p * (1.0 - p) / n + z2 / (4.0 * n * n));
    *low = centre - half > 0.0 ? centre - half : 0.0;
    *high = centre + half < 1.0 ? centre + half : 1.0;
}
