#include "mcbe/stats.h"

#include <math.h>

#include "beta.h"
#include "check.h"

/* Halvings of a bracket on a logarithmic scale: 2^64 takes any ratio of doubles below its rounding
 * for ratios up to 1e77. */
#define BISECTIONS 64

/* Smaller probabilities come near what a double holds, and intermediate results leave it. */
#define BETA_MIN 1e-200

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

/* Where a falling function of (low, 1] takes a value, rounded up: an upper bound stays one. */
static double solve_falling(double (*function)(double a, double b, double x), double a, double b,
                            double value, double low)
{
    double high = 1.0;
    for (int i = 0; i < BISECTIONS; i++) {
        const double middle = sqrt(low * high);
        if (function(a, b, middle) > value) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

double mcbe_clopper_pearson_upper(int64_t violations, int64_t samples, double beta)
{
    MCBE_BUG_ASSERT(violations >= 0 && violations <= samples && beta >= BETA_MIN && beta < 1.0);
    if (violations == samples) {
        return 1.0;
    }
    /* P(no violation) = (1 - p)^samples = beta here; more violations allow a larger p */
    const double none = -expm1(log(beta) / (double)samples);
    return violations == 0 ? none
                           : solve_falling(mcbe_beta_tail, (double)violations + 1.0,
                                           (double)(samples - violations), beta, none);
}

double mcbe_scenario_bound(int64_t m, int64_t samples, double beta)
{
    MCBE_BUG_ASSERT(m >= 1 && samples >= 0);
    /* Beta(m, samples - m + 1), as if m - 1 fresh points had been violations */
    return samples < m ? 1.0 : mcbe_clopper_pearson_upper(m - 1, samples, beta);
}

double mcbe_wait_and_judge_bound(int64_t witnesses, int64_t samples, double beta)
{
    MCBE_BUG_ASSERT(witnesses >= 0 && witnesses <= samples && beta >= BETA_MIN && beta < 1.0);
    if (witnesses == samples) {
        return 1.0;
    }
    /* The elasticity falls from a to 0 and is at least a (1 - x)^(b - 1), and at least 1 up to the
     * mode of the density: two lower limits of the root. At the greater one F is far from 0. */
    const double a = (double)witnesses + 1.0, rest = (double)(samples - witnesses);
    const double mode = (double)witnesses / (double)samples;
    const double low = -expm1(log(beta / a) / rest);
    return solve_falling(mcbe_beta_elasticity, a, rest + 1.0, beta, low > mode ? low : mode);
}
