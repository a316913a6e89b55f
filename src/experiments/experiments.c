#include "mcbe/run.h"

#include "phase_diagram.h"

const mcbe_experiment_t *const *mcbe_experiments(int *count)
{
    static const mcbe_experiment_t *const all[] = {&mcbe_phase_diagram};
    *count = (int)(sizeof all / sizeof *all);
    return all;
}
