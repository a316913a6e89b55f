#include "estimate.h"

#include "check.h"
#include "memory.h"
#include "survey.h"

static const mcbe_key_t keys[] = {
    MCBE_COMMON_KEYS,
    MCBE_SURVEY_KEYS_ON(MCBE_TESTED_DOMAIN_KEYS),
    {.path = NULL},
};

static mcbe_status_t open_layer(mcbe_config_t *config, void **handle, mcbe_error_t *err)
{
    mcbe_survey_t *survey = NULL;
    mcbe_status_t st;
    int m, n;
    MCBE_TRY(mcbe_survey_open(&survey, config, err));
    if (!mcbe_setup_fixed_shape(&survey->setup, &m, &n)) {
        st = mcbe_config_reject(config, err, "frame.ensemble",
                                "a random one; an estimate is of one given layer, so file or a "
                                "polyhedron is needed");
        goto out;
    }
    if (survey->setup.cloud && survey->setup.data.train.n != n) {
        st = mcbe_config_reject(
            config, err, "data.path",
            "has points of %d features; the weight matrix takes inputs of n = %d",
            survey->setup.data.train.n, n);
        goto out;
    }
    survey->shares = 1;
    mcbe_survey_number_columns(survey);
    survey->cells = mcbe_alloc(1, sizeof *survey->cells);
    if (!survey->cells) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    survey->cells[0] = (mcbe_survey_cell_t){.n = n, .m = m};
    survey->cell_count = 1;
out:
    *handle = survey;
    if (st != MCBE_OK) {
        mcbe_survey_close(handle);
    }
    return st;
}

const mcbe_experiment_t mcbe_estimate = {
    .table = {.experiment = "estimate",
              .summary = "alpha* and the measures of one given layer; what mcbe estimate runs",
              .keys = keys},
    .open = open_layer,
    .close = mcbe_survey_close,
    .plan = mcbe_survey_plan,
    .layout = mcbe_survey_layout,
    .compute = mcbe_survey_compute,
    .verify = mcbe_survey_verify,
    .certificates = mcbe_survey_certificates,
    .certificate = mcbe_survey_certificate,
};
