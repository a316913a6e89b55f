#ifndef MCBE_PHASE_DIAGRAM_H
#define MCBE_PHASE_DIAGRAM_H

#include "experiment.h"

/* Thesis Figures 6.1 and 6.2: alpha* and the Hamming proportions of random layers over a grid of
 * (n, m). */
extern const mcbe_experiment_t mcbe_phase_diagram;

#endif
