#ifndef MCBE_INJECTIVITY_TRANSITION_H
#define MCBE_INJECTIVITY_TRANSITION_H

#include "experiment.h"

/* P(injective) of random layers against m/n, by exact answers, by search and by sampling alone. */
extern const mcbe_experiment_t mcbe_injectivity_transition;

#endif
