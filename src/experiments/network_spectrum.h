#ifndef MCBE_NETWORK_SPECTRUM_H
#define MCBE_NETWORK_SPECTRUM_H

#include "experiment.h"

/* Inverse-stability paper, Figures 5, 6, 8, 10 and 11: singular values of a network's linearisation
 * over its layers. */
extern const mcbe_experiment_t mcbe_network_spectrum;

#endif
