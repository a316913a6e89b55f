#ifndef MCBE_SMOOTHING_SIGMA_H
#define MCBE_SMOOTHING_SIGMA_H

#include "experiment.h"

/* Randomised smoothing with one deviation after the other: thesis, Figure 5.2. */
extern const mcbe_experiment_t mcbe_smoothing_sigma;

#endif
