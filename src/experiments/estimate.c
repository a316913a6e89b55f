#include "estimate.h"

#include "memory.h"
#include "survey.h"

static const mcbe_key_t keys[] = {
    MCBE_COMMON_KEYS,
    MCBE_SURVEY_KEYS_ON(MCBE_TESTED_DOMAIN_KEYS),
    {.path = NULL},
};

static mcbe_status_t take_layer(mcbe_survey_t *survey, const mcbe_config_t *config,
                                mcbe_error_t *err)
{
    int m, n;
    if (!mcbe_setup_fixed_shape(&survey->setup, &m, &n)) {
        return mcbe_config_reject(
            config, err, "frame.ensemble",
            "a random one; an estimate is of one given layer, so file or a polyhedron is needed");
    }
    if (survey->setup.cloud && survey->setup.data.train.n != n) {
        return mcbe_config_reject(
            config, err, "data.path",
            "has points of %d features; the weight matrix takes inputs of n = %d",
            survey->setup.data.train.n, n);
    }
    survey->cells = mcbe_alloc(1, sizeof *survey->cells);
    if (!survey->cells) {
        return MCBE_ERR_NOMEM;
    }
    survey->cells[0] = (mcbe_survey_cell_t){.n = n, .m = m};
    survey->cell_count = 1;
    survey->shares = 1;
    return MCBE_OK;
}

static mcbe_status_t open_layer(mcbe_config_t *config, void **params, mcbe_error_t *err)
{
    return mcbe_survey_open(config, params, take_layer, err);
}

const mcbe_experiment_t mcbe_estimate = {
    .table = {.experiment = "estimate",
              .summary = "alpha* and the measures of one given layer, or of each of a stack; what "
                         "mcbe estimate runs",
              .keys = keys},
    .open = open_layer,
    MCBE_SURVEY_ENTRIES,
};
