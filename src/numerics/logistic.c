#include <float.h>
#include <math.h>

#include "check.h"
#include "mcbe/stats.h"

/* Newton's method with the expected information: for a logistic curve that is the information, for
 * a Gumbel curve close to it. Far from the maximum, steps are halved. */
#define NEWTON_STEPS 200
#define NEWTON_TOLERANCE 1e-14
/* No factor of a likelihood becomes infinite, nor a sum of such. */
#define LARGEST_LOGARITHM 1e200
#define LN2 0.69314718055994530942
/* Halvings of a bracket: down to the rounding of its ends. */
#define BISECTIONS 64

/* P(success) as a function of eta; 1/2 at 0, falling to 0 and rising to 1. Both have concave ln P
 * and ln(1 - P). */
typedef enum curve {
    LOGISTIC, /* 1 / (1 + e^-eta) */
    GUMBEL    /* 2^-(e^-eta) */
} curve_t;

/* The points in units of half their range about its middle, in a direction in which successes do
 * not become rarer: eta(u) = slope (u - u0), slope >= 0. */
typedef struct data {
    curve_t curve;
    const double *x; /* borrowed, as the rest */
    const int64_t *successes, *trials;
    int count;
    double centre, half_range; /* half_range < 0 where success becomes rarer with x */
} data_t;

/* Ends of the points at which an outcome was seen. */
typedef struct range {
    double low, high; /* inf and -inf if nowhere */
} range_t;

static void extend(range_t *range, double x)
{
    range->low = x < range->low ? x : range->low;
    range->high = x > range->high ? x : range->high;
}

static double unit(const data_t *d, int i)
{
    return (d->x[i] - d->centre) / d->half_range;
}

/* The number that makes 2^-(e^-eta) = e^-number. */
static double exponent(double eta)
{
    return fmin(LN2 * exp(-eta), LARGEST_LOGARITHM);
}

static double log_success(const data_t *d, double eta)
{
    return d->curve == LOGISTIC ? (eta < 0.0 ? eta : 0.0) - log1p(exp(-fabs(eta))) : -exponent(eta);
}

static double log_failure(const data_t *d, double eta)
{
    if (d->curve == LOGISTIC) {
        return log_success(d, -eta);
    }
    const double v = exponent(eta);
    return v < DBL_EPSILON ? log(LN2) - eta : log(-expm1(-v));
}

/* Derivatives of ln P and ln(1 - P). The expected information is minus their product. */
typedef struct score {
    double success, failure;
} score_t;

static score_t score(const data_t *d, double eta)
{
    if (d->curve == LOGISTIC) {
        const double p = 1.0 / (1.0 + exp(-eta));
        return (score_t){.success = 1.0 - p, .failure = -p};
    }
    const double v = exponent(eta);
    return (score_t){.success = v, .failure = v > 0.0 ? -v / expm1(v) : -1.0};
}

static double log_likelihood(const data_t *d, double intercept, double slope)
{
    double sum = 0.0;
    for (int i = 0; i < d->count; i++) {
        const double eta = intercept + slope * unit(d, i);
        const int64_t failures = d->trials[i] - d->successes[i];
        /* a count of 0 may meet an infinite logarithm */
        sum += d->successes[i] > 0 ? (double)d->successes[i] * log_success(d, eta) : 0.0;
        sum += failures > 0 ? (double)failures * log_failure(d, eta) : 0.0;
    }
    return sum;
}

/* d ln L / d eta of one point. */
static double gradient_at(const data_t *d, int i, score_t by)
{
    return (double)d->successes[i] * by.success +
           (double)(d->trials[i] - d->successes[i]) * by.failure;
}

/* Weights t p'^2 / (p (1 - p)) of the Fisher information: their sum, their mean of u, the sum of squares
 * about it, and the gradient of the likelihood along intercept and slope about that mean. */
typedef struct information {
    double sum, mean, squares;
    double gradient, gradient_slope;
} information_t;

static information_t information(const data_t *d, double intercept, double slope)
{
    information_t f = {0};
    for (int i = 0; i < d->count; i++) {
        const score_t by = score(d, intercept + slope * unit(d, i));
        const double weight = (double)d->trials[i] * -by.success * by.failure;
        f.sum += weight;
        f.mean += weight * unit(d, i);
    }
    f.mean /= f.sum;
    for (int i = 0; i < d->count; i++) {
        const score_t by = score(d, intercept + slope * unit(d, i));
        const double u = unit(d, i) - f.mean;
        const double gradient = gradient_at(d, i, by);
        f.squares += (double)d->trials[i] * -by.success * by.failure * u * u;
        f.gradient += gradient;
        f.gradient_slope += gradient * u;
    }
    return f;
}

/* The maximum, which is finite and the only one if the data are not separable. */
static void maximize(const data_t *d, double *intercept, double *slope)
{
    double a = 0.0, b = 0.0, value = log_likelihood(d, a, b);
    for (int i = 0; i < NEWTON_STEPS; i++) {
        const information_t f = information(d, a, b);
        double step_b = f.gradient_slope / f.squares;
        double step_a = f.gradient / f.sum - step_b * f.mean;
        double next = log_likelihood(d, a + step_a, b + step_b);
        while (!(next >= value) &&
               fabs(step_a) + fabs(step_b) > NEWTON_TOLERANCE * (fabs(a) + fabs(b))) {
            step_a /= 2.0;
            step_b /= 2.0;
            next = log_likelihood(d, a + step_a, b + step_b);
        }
        if (!(next >= value)) { /* rounding decides now */
            break;
        }
        a += step_a;
        b += step_b;
        value = next;
        if (fabs(step_a) + fabs(step_b) <= NEWTON_TOLERANCE * (fabs(a) + fabs(b))) {
            break;
        }
    }
    *intercept = a;
    *slope = b;
}

/* d log_likelihood / d slope with the midpoint held; falls with the slope. */
static double slope_gradient(const data_t *d, double u0, double slope)
{
    double sum = 0.0;
    for (int i = 0; i < d->count; i++) {
        const double u = unit(d, i) - u0;
        sum += gradient_at(d, i, score(d, slope * u)) * u;
    }
    return sum;
}

/* The likelihood of a midpoint: the largest over slopes >= 0. It is attained as rounding sees it, even
 * where it is a limit of ever steeper curves. */
static double profile(const data_t *d, double u0)
{
    double low = 0.0, high = 1.0 / (1.0 + fabs(u0));
    if (slope_gradient(d, u0, 0.0) <= 0.0) {
        return log_likelihood(d, 0.0, 0.0);
    }
    while (slope_gradient(d, u0, high) > 0.0 && isfinite(2.0 * high)) {
        low = high;
        high *= 2.0;
    }
    for (int i = 0; i < BISECTIONS; i++) {
        const double middle = low + (high - low) / 2.0;
        if (slope_gradient(d, u0, middle) > 0.0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return log_likelihood(d, -low * u0, low);
}

/* Where the profile falls below a level, from a midpoint above it towards -1 or 1. */
static double interval_end(const data_t *d, double u0, double direction, double level)
{
    double inside = 0.0, outside = 1.0;
    while (isfinite(outside) && profile(d, u0 + direction * outside) >= level) {
        inside = outside;
        outside *= 2.0;
    }
    for (int i = 0; i < BISECTIONS && isfinite(outside); i++) {
        const double middle = inside + (outside - inside) / 2.0;
        if (profile(d, u0 + direction * middle) >= level) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    return u0 + direction * outside;
}

/* The largest ln L of one probability for all. */
static double log_likelihood_of_level(int64_t successes, int64_t failures)
{
    const double won = (double)successes, lost = (double)failures;
    return won > 0.0 && lost > 0.0 ? won * log(won / (won + lost)) + lost * log(lost / (won + lost))
                                   : 0.0;
}

static double log_likelihood_of_level_curve(const data_t *d)
{
    int64_t successes = 0, trials = 0;
    for (int i = 0; i < d->count; i++) {
        successes += d->successes[i];
        trials += d->trials[i];
    }
    return log_likelihood_of_level(successes, trials - successes);
}

/* The set of midpoints whose likelihood is within z^2 / 2 of the largest. That of (intercept, slope)
 * is convex; if no level curve is in it, all slopes have one sign and the midpoints are an
 * interval. */
static void set_interval(const data_t *d, double best, double z, mcbe_logistic_t *fit)
{
    const double level = best - z * z / 2.0;
    if (log_likelihood_of_level_curve(d) >= level) {
        return;
    }
    const double u0 = (fit->x0 - d->centre) / d->half_range;
    const double ends[2] = {d->centre + d->half_range * interval_end(d, u0, -1.0, level),
                            d->centre + d->half_range * interval_end(d, u0, 1.0, level)};
    fit->low = ends[d->half_range < 0.0];
    fit->high = ends[d->half_range > 0.0];
}

/* The largest likelihood of separable data: nothing is left to chance but at a point with both
 * outcomes. */
static double log_likelihood_of_step(const data_t *d)
{
    double sum = 0.0;
    for (int i = 0; i < d->count; i++) {
        sum += log_likelihood_of_level(d->successes[i], d->trials[i] - d->successes[i]);
    }
    return sum;
}

static void fit_step(data_t *d, double end, double start, double z, mcbe_logistic_t *fit)
{
    fit->outcome = MCBE_LOGISTIC_SEPARABLE;
    fit->x0 = end + (start - end) / 2.0;
    fit->scale = 0.0;
    set_interval(d, log_likelihood_of_step(d), z, fit);
}

static void fit_curve(data_t *d, double z, mcbe_logistic_t *fit)
{
    double a, b;
    maximize(d, &a, &b);
    if (b == 0.0) {
        return;
    }
    if (b < 0.0) { /* u changes its sign with half_range */
        b = -b;
        d->half_range = -d->half_range;
    }
    const information_t f = information(d, a, b);
    const double u0 = -a / b, from_mean = u0 - f.mean;
    fit->outcome = MCBE_LOGISTIC_FITTED;
    fit->x0 = d->centre + d->half_range * u0;
    fit->scale = d->half_range / b;
    /* eta(u0) = a + b u0 = 0, so u0 has the variance of eta there, over b^2 */
    fit->x0_error = fabs(d->half_range) / b * sqrt(1.0 / f.sum + from_mean * from_mean / f.squares);
    set_interval(d, log_likelihood(d, a, b), z, fit);
}

static void fit_any(curve_t curve, const double *x, const int64_t *successes, const int64_t *trials,
                    int count, double z, mcbe_logistic_t *fit)
{
    range_t won = {INFINITY, -INFINITY}, lost = won, all = won;
    for (int i = 0; i < count; i++) {
        MCBE_BUG_ASSERT(successes[i] >= 0 && successes[i] <= trials[i] && isfinite(x[i]));
        if (successes[i] > 0) {
            extend(&won, x[i]);
        }
        if (successes[i] < trials[i]) {
            extend(&lost, x[i]);
        }
        if (trials[i] > 0) {
            extend(&all, x[i]);
        }
    }
    *fit = (mcbe_logistic_t){.outcome = MCBE_LOGISTIC_UNDETERMINED,
                             .x0 = NAN,
                             .scale = NAN,
                             .x0_error = NAN,
                             .low = -INFINITY,
                             .high = INFINITY};
    if (won.low > won.high || lost.low > lost.high || all.low == all.high) {
        return;
    }
    data_t data = {.curve = curve,
                   .x = x,
                   .successes = successes,
                   .trials = trials,
                   .count = count,
                   .centre = all.low + (all.high - all.low) / 2.0,
                   .half_range = (all.high - all.low) / 2.0};
    if (lost.high <= won.low) {
        fit_step(&data, lost.high, won.low, z, fit);
    } else if (won.high <= lost.low) {
        data.half_range = -data.half_range;
        fit_step(&data, won.high, lost.low, z, fit);
    } else {
        fit_curve(&data, z, fit);
    }
}

void mcbe_logistic_fit(const double *x, const int64_t *successes, const int64_t *trials, int count,
                       double z, mcbe_logistic_t *fit)
{
    fit_any(LOGISTIC, x, successes, trials, count, z, fit);
}

void mcbe_gumbel_fit(const double *x, const int64_t *successes, const int64_t *trials, int count,
                     double z, mcbe_logistic_t *fit)
{
    fit_any(GUMBEL, x, successes, trials, count, z, fit);
}
