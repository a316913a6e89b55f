#ifndef MCBE_ESTIMATE_H
#define MCBE_ESTIMATE_H

#include "experiment.h"

/** Everything a survey says, of one given layer, or of each of a stack: what `mcbe estimate` runs. */
extern const mcbe_experiment_t mcbe_estimate;

#endif
