#ifndef MCBE_COVERING_RADIUS_H
#define MCBE_COVERING_RADIUS_H

#include "experiment.h"

/* Thesis Figures 4.4 and 4.5: the covering radius of the points, and alpha* corrected by it. */
extern const mcbe_experiment_t mcbe_covering_radius_experiment;

#endif
