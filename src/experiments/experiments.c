#include "mcbe/run.h"

#include "convergence.h"
#include "covering_radius.h"
#include "estimate.h"
#include "injectivity_transition.h"
#include "layer.h"
#include "network_spectrum.h"
#include "phase_diagram.h"
#include "sampler_comparison.h"
#include "smoothing_sigma.h"

const mcbe_experiment_t *const *mcbe_experiments(int *count)
{
    static const mcbe_experiment_t *const all[] = {&mcbe_phase_diagram,
                                                   &mcbe_injectivity_transition,
                                                   &mcbe_convergence,
                                                   &mcbe_covering_radius_experiment,
                                                   &mcbe_sampler_comparison,
                                                   &mcbe_smoothing_sigma,
                                                   &mcbe_layer_experiment,
                                                   &mcbe_network_spectrum,
                                                   &mcbe_estimate};
    *count = (int)(sizeof all / sizeof *all);
    return all;
}
