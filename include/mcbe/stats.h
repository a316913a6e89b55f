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

#ifdef __cplusplus
}
#endif
#endif
