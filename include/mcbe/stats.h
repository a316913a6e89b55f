#ifndef MCBE_STATS_H
#define MCBE_STATS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Summary of the finite values of a list. */
typedef struct mcbe_summary {
    int64_t finite;   /* values used */
    int64_t infinite; /* +inf or -inf, left out */
    double min, max;  /* NaN if none is finite */
    double mean;      /* summed in index order */
    double sd;        /* with finite - 1 in the denominator; NaN below two values */
} mcbe_summary_t;

/** Summarise a list. Not collective. Thread-safe. @param[in] values [count], no NaN */
void mcbe_summarize(const double *values, int64_t count, mcbe_summary_t *summary);

/** Wilson score interval of a proportion. @param[in] z  normal quantile, 1.96 for 95 %
 *  @param[out] low, high  within [0, 1]; 0 and 1 for no trials */
void mcbe_wilson_interval(int64_t successes, int64_t trials, double z, double *low, double *high);

/* Upper bounds of V, the share of the points of K that would lower alpha*. Each holds with
 * probability at least 1 - beta; what they need, why they hold and what E[V] is exactly stands in
 * docs/method.md under "Bounds". There is none for "nothing changed during the last s points": 3/s does
 * not hold there.
 *
 * Counts may be as large as 1e17, beta as small as 1e-200. Relative error below 1e-8; exp and log are
 * the system's, so last digits may differ between machines. Not collective. Thread-safe. Cost: 64
 * evaluations of an incomplete beta function, whatever the counts. */

/** V from a hold-out, by Clopper and Pearson: `violations` among `samples` independent points that
 *  alpha* has not seen, their number fixed beforehand. It serves any other share counted so too.
 *  @param[in] violations  0 to samples
 *  @return the share at which so few violations have probability beta: 1 - beta^(1/samples) for
 *         none, 1 if all are violations or samples = 0 */
double mcbe_clopper_pearson_upper(int64_t violations, int64_t samples, double beta);

/** V of alpha* over `samples` independent points, known before any of them is drawn.
 *  @param[in] m  rows, >= 1
 *  @return 1 if samples < m
 *  Source: M. C. Campi, S. Garatti, SIAM J. Optim. 19 (2008), Theorem 1. */
double mcbe_scenario_bound(int64_t m, int64_t samples, double beta);

/** V of alpha* over `samples` independent points, `witnesses` of which are the witness of a row
 *  (mcbe_bias_witness_count).
 *  @param[in] witnesses  0 to samples
 *  @return 1 if every sample is a witness
 *  Source: M. C. Campi, S. Garatti, Wait-and-judge scenario optimization, Math. Program. 167
 *  (2018). */
double mcbe_wait_and_judge_bound(int64_t witnesses, int64_t samples, double beta);

/* What data say about the midpoint of a curve. */
typedef enum mcbe_logistic_outcome {
    MCBE_LOGISTIC_FITTED,
    MCBE_LOGISTIC_SEPARABLE,   /* some x has no success on one side of it and no failure on the
                                  other: the likelihood grows as the curve steepens to a step */
    MCBE_LOGISTIC_UNDETERMINED /* one outcome only, or a level curve fits best: no midpoint */
} mcbe_logistic_outcome_t;

/* P(success at x) = 1 / (1 + exp(-(x - x0) / scale)). */
typedef struct mcbe_logistic {
    mcbe_logistic_outcome_t outcome;
    double x0;        /* midpoint; separable: the middle of the gap, or the x with both outcomes */
    double scale;     /* < 0 where success becomes rarer with x; 0 if separable */
    double x0_error;  /* standard error of x0 by the Fisher information; NaN if separable */
    double low, high; /* likelihood-ratio interval of x0, which needs neither symmetry nor a finite
                         slope; -inf and inf where a level curve is compatible with the data */
} mcbe_logistic_t;

/** Fit a logistic curve by maximum likelihood. Not collective. Thread-safe.
 *  @param[in] x          [count], finite
 *  @param[in] successes  [count], 0 to trials
 *  @param[in] trials     [count]; points without trials say nothing
 *  @param[in] z          normal quantile of the interval, > 0, 1.96 for 95 %
 *  @param[out] fit       undetermined: x0, scale and x0_error NaN, low and high infinite
 *  Source: existence of the maximum: A. Albert, J. A. Anderson, Biometrika 71 (1984). */
void mcbe_logistic_fit(const double *x, const int64_t *successes, const int64_t *trials, int count,
                       double z, mcbe_logistic_t *fit);

/** Fit P(success at x) = 2^-exp(-(x - x0) / scale) instead, the probability that none of many rare
 *  obstacles is there if their expected number falls exponentially with x. All else as
 *  mcbe_logistic_fit: x0 is the midpoint, P = 1/2. */
void mcbe_gumbel_fit(const double *x, const int64_t *successes, const int64_t *trials, int count,
                     double z, mcbe_logistic_t *fit);

#ifdef __cplusplus
}
#endif
#endif
