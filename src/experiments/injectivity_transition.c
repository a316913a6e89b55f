#include "injectivity_transition.h"

#include <stdio.h>

#include "memory.h"
#include "survey.h"

static const mcbe_key_t curve_keys[] = {
    {.path = "n", .type = MCBE_KEY_INT, .min = 1, .max = MCBE_MAX_N, .help = "Input dimension."},
    {.path = "m_from",
     .type = MCBE_KEY_INT,
     .min = 1,
     .max = MCBE_MAX_M,
     .help = "Smallest number of rows."},
    {.path = "m_to",
     .type = MCBE_KEY_INT,
     .min = 1,
     .max = MCBE_MAX_M,
     .help = "Largest number of rows, inclusive."},
    {.path = "m_step",
     .type = MCBE_KEY_INT,
     .fallback = "1",
     .min = 1,
     .max = MCBE_MAX_M,
     .help = "Rows from one cell of the curve to the next."},
    {.path = NULL},
};

static const mcbe_key_t keys[] = {
    MCBE_COMMON_KEYS,
    {.path = "curves",
     .type = MCBE_KEY_RECORDS,
     .min = 1,
     .max = 1000,
     .fields = curve_keys,
     .help = "One curve over m for each n, in ascending order of n."},
    MCBE_SURVEY_KEYS,
    {.path = NULL},
};

/* One record of `curves`. */
typedef struct curve {
    int64_t n, from, to, step;
} curve_t;

static curve_t curve_at(const mcbe_config_t *config, int index)
{
    return (curve_t){.n = mcbe_config_record_int(config, "curves", index, "n"),
                     .from = mcbe_config_record_int(config, "curves", index, "m_from"),
                     .to = mcbe_config_record_int(config, "curves", index, "m_to"),
                     .step = mcbe_config_record_int(config, "curves", index, "m_step")};
}

static mcbe_status_t check_curves(const mcbe_survey_t *survey, const mcbe_config_t *config,
                                  mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    int m, n;
    int64_t before = 0;
    if (mcbe_setup_fixed_shape(&survey->setup, &m, &n)) {
        return mcbe_config_reject(
            config, err, "frame.ensemble",
            "of one shape only, %d x %d; a transition needs gaussian or sphere", m, n);
    }
    for (int i = 0; i < mcbe_config_records(config, "curves"); i++) {
        const curve_t curve = curve_at(config, i);
        char path[64];
        if (curve.from < curve.n || curve.to < curve.from) {
            snprintf(path, sizeof path, "curves[%d].%s", i,
                     curve.from < curve.n ? "m_from" : "m_to");
            st = mcbe_config_reject(config, err, path,
                                    "%lld to %lld rows; n = %lld <= m_from <= m_to is needed",
                                    (long long)curve.from, (long long)curve.to, (long long)curve.n);
        }
        if (curve.n <= before) {
            snprintf(path, sizeof path, "curves[%d].n", i);
            st = mcbe_config_reject(config, err, path,
                                    "%lld; curves stand in ascending order of n, each once",
                                    (long long)curve.n);
        }
        before = curve.n;
        if (st == MCBE_OK) {
            snprintf(path, sizeof path, "curves[%d].n", i);
            st = mcbe_setup_check_n(&survey->setup, config, path, curve.n, err);
        }
    }
    return st;
}

static mcbe_status_t make_cells(const mcbe_config_t *config, mcbe_survey_t *survey)
{
    const int curves = mcbe_config_records(config, "curves");
    int64_t count = 0;
    for (int i = 0; i < curves; i++) {
        const curve_t curve = curve_at(config, i);
        count += (curve.to - curve.from) / curve.step + 1;
    }
    survey->cells = mcbe_alloc((size_t)count, sizeof *survey->cells);
    if (!survey->cells) {
        return MCBE_ERR_NOMEM;
    }
    for (int i = 0; i < curves; i++) {
        const curve_t curve = curve_at(config, i);
        for (int64_t m = curve.from; m <= curve.to; m += curve.step) {
            survey->cells[survey->cell_count++] = (mcbe_survey_cell_t){.n = curve.n, .m = m};
        }
    }
    return MCBE_OK;
}

static mcbe_status_t take_curves(mcbe_survey_t *survey, const mcbe_config_t *config,
                                 mcbe_error_t *err)
{
    const mcbe_status_t st = check_curves(survey, config, err);
    return st == MCBE_OK ? make_cells(config, survey) : st;
}

static mcbe_status_t open_curves(mcbe_config_t *config, void **params, mcbe_error_t *err)
{
    return mcbe_survey_open(config, params, take_curves, err);
}

const mcbe_experiment_t mcbe_injectivity_transition = {
    .table = {.experiment = "injectivity_transition",
              .summary =
                  "share of random layers that are injective against m, one curve for each n",
              .keys = keys},
    .open = open_curves,
    MCBE_SURVEY_ENTRIES,
    MCBE_SURVEY_QUESTIONS,
};
