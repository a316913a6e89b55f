#ifndef MCBE_CONVERGENCE_H
#define MCBE_CONVERGENCE_H

#include "experiment.h"

/* Thesis Figure 4.3: how alpha* changes with the number of points. */
extern const mcbe_experiment_t mcbe_convergence;

#endif
