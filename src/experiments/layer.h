#ifndef MCBE_LAYER_H
#define MCBE_LAYER_H

#include "experiment.h"

/* One layer over many points: what it keeps of each, how stably, and what else it cannot tell from
 * it. */
extern const mcbe_experiment_t mcbe_layer_experiment;

#endif
