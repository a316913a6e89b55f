#ifndef MCBE_SAMPLER_COMPARISON_H
#define MCBE_SAMPLER_COMPARISON_H

#include "experiment.h"

/* Uniform points, randomised smoothing and a kernel density estimate, side by side: thesis, Figure
 * 5.4. */
extern const mcbe_experiment_t mcbe_sampler_comparison;

#endif
