#ifndef MCBE_COST_H
#define MCBE_COST_H

/* What the sampling phase costs, for plans. Seconds are those of one core of a 2023 server
 * (AVX-512). */

#include "mcbe/bias.h"

/** Points that are multiplied with W to draw so many samples. */
double mcbe_cost_products(mcbe_design_t design, double samples);

/** Seconds to draw one such point and multiply it. */
double mcbe_cost_product_seconds(double n, double m);

/** Seconds to screen one sample. */
double mcbe_cost_screen_seconds(mcbe_design_t design, double n, double m);

/** Seconds to look at one sample row by row. */
double mcbe_cost_visit_seconds(double n, double m);

/** Seconds to hold one point against so many biases (mcbe_point_test_add). */
double mcbe_cost_judge_seconds(double biases, double n, double m);

/** Samples that lower alpha*, about. */
double mcbe_cost_updates(double m, double samples);

/** Bytes of a layer and its estimator: frame and its transpose, screening copies, a block of points
 *  with their coefficients, or the two banks. */
double mcbe_cost_bytes(mcbe_design_t design, double samples, double n, double m);

#endif
