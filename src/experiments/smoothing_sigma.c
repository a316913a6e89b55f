#include "smoothing_sigma.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mcbe/stats.h"
#include "memory.h"
#include "recompute.h"
#include "samplers.h"
#include "shapes.h"

#define MAX_SIGMAS 1000

typedef struct sweep {
    mcbe_setup_t setup;
    mcbe_shapes_t shapes;     /* owned */
    double *sigma;            /* owned, [count], ascending */
    double deviation;         /* of the training data */
    mcbe_cloud_t **cloud;     /* owned, [count] */
    mcbe_sampler_t *samplers; /* owned, [count] */
    int count;
} sweep_t;

static const mcbe_key_t sigma_fields[] = {
    {.path = "sigma",
     .type = MCBE_KEY_REAL,
     .min = 0,
     .max = 1e30,
     .help = "Standard deviation of the noise in every coordinate, in the units of the data after "
             "data.normalize."},
    {.path = NULL},
};

static const mcbe_key_t keys[] = {
    MCBE_COMMON_KEYS,
    MCBE_SHAPE_KEYS,
    MCBE_FRAME_KEYS,
    MCBE_DATA_KEYS,
    MCBE_TEST_DATA_KEYS,
    {.path = "sigmas",
     .type = MCBE_KEY_RECORDS,
     .min = 1,
     .max = MAX_SIGMAS,
     .fields = sigma_fields,
     .help = "Deviations of the noise, in any order."},
    MCBE_SAMPLERS_SAMPLING_KEYS,
    MCBE_RUN_KEYS,
    {.path = NULL},
};

/* --- the setting ------------------------------------------------------------------------------- */

static void close_params(void **handle)
{
    sweep_t *params = *handle;
    if (params) {
        for (int i = 0; i < params->count && params->cloud; i++) {
            mcbe_cloud_destroy(&params->cloud[i]);
        }
        mcbe_free(params->samplers);
        mcbe_free(params->cloud);
        mcbe_free(params->sigma);
        mcbe_shapes_free(&params->shapes);
        mcbe_setup_free(&params->setup);
        mcbe_free(params);
        *handle = NULL;
    }
}

static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static mcbe_status_t read_sigmas(sweep_t *params, const mcbe_config_t *config, mcbe_error_t *err)
{
    const int count = mcbe_config_records(config, "sigmas");
    params->sigma = mcbe_alloc((size_t)count, sizeof *params->sigma);
    params->cloud = mcbe_alloc((size_t)count, sizeof *params->cloud);
    params->samplers = mcbe_alloc((size_t)count, sizeof *params->samplers);
    if (!params->sigma || !params->cloud || !params->samplers) {
        return MCBE_ERR_NOMEM;
    }
    params->count = count;
    for (int i = 0; i < count; i++) {
        params->sigma[i] = mcbe_config_record_real(config, "sigmas", i, "sigma");
    }
    qsort(params->sigma, (size_t)count, sizeof *params->sigma, ascending);
    for (int i = 1; i < count; i++) {
        if (params->sigma[i] == params->sigma[i - 1]) {
            return mcbe_config_reject(config, err, "sigmas",
                                      "{sigma: %g} stands there twice; each deviation may once",
                                      params->sigma[i]);
        }
    }
    return MCBE_OK;
}

static mcbe_status_t make_samplers(sweep_t *params, const mcbe_config_t *config, mcbe_error_t *err)
{
    const mcbe_dataset_t *data = &params->setup.data.train;
    mcbe_status_t st = mcbe_dataset_deviation(data, &params->deviation);
    for (int i = 0; i < params->count && st == MCBE_OK; i++) {
        st = mcbe_cloud_smoothing(&params->cloud[i], data->n, data->count, data->x,
                                  params->sigma[i], err);
        params->samplers[i] =
            (mcbe_sampler_t){.domain = {.kind = MCBE_DOMAIN_CLOUD, .cloud = params->cloud[i]},
                             .design = mcbe_sampler_design(config, MCBE_DOMAIN_CLOUD)};
    }
    return st;
}

static mcbe_status_t open_params(mcbe_config_t *config, void **handle, mcbe_error_t *err)
{
    sweep_t *params = mcbe_alloc(1, sizeof *params);
    if (!params) {
        return MCBE_ERR_NOMEM;
    }
    const mcbe_status_t setup = mcbe_samplers_open(&params->setup, config, err);
    const mcbe_status_t all[] = {
        setup,
        mcbe_shapes_read(&params->shapes, setup == MCBE_OK ? &params->setup : NULL, config, err),
        read_sigmas(params, config, err), mcbe_setup_no_stop(&params->setup, config, err)};
    mcbe_status_t st = mcbe_first_failure(all, sizeof all / sizeof *all);
    if (st == MCBE_OK) {
        st = make_samplers(params, config, err);
    }
    *handle = params;
    if (st != MCBE_OK) {
        close_params(handle);
    }
    return st;
}

static mcbe_status_t plan_cells(const void *handle, mcbe_plan_t *plan, mcbe_error_t *err)
{
    const sweep_t *params = handle;
    (void)err;
    return mcbe_samplers_plan(&params->setup, &params->shapes, params->samplers, params->count,
                              params->count, plan);
}

/* --- records ----------------------------------------------------------------------------------- */

/* Numbers of the columns. */
typedef enum sweep_column {
    COLUMN_SIGMA,
    COLUMN_P_INJECTIVE,
    COLUMN_P_INJECTIVE_TRAINING,
    COLUMN_UPDATES,
    COLUMN_LAST_UPDATE,
    COLUMN_UNCONSTRAINED,
    COLUMN_ALPHA_MEAN,
    COLUMN_COUNT
} sweep_column_t;

static mcbe_status_t make_layout(const void *handle, mcbe_layout_t *layout, mcbe_error_t *err)
{
    static const mcbe_column_row_t columns[COLUMN_COUNT] = {
        [COLUMN_SIGMA] = {"curves/sigma", MCBE_COLUMN_F64, MCBE_SHAPE_AXIS, 0,
                          "standard deviation of the noise around the training points"},
        [COLUMN_P_INJECTIVE] = {"curves/p_injective", MCBE_COLUMN_F64, MCBE_SHAPE_SERIES, 0,
                                "share of the test points with at least n rows active at alpha*"},
        [COLUMN_P_INJECTIVE_TRAINING] = {"curves/p_injective_training", MCBE_COLUMN_F64,
                                         MCBE_SHAPE_SERIES, 0,
                                         "share of the training points with at least n rows active "
                                         "at alpha*"},
        [COLUMN_UPDATES] = {"curves/updates", MCBE_COLUMN_I64, MCBE_SHAPE_SERIES, 0,
                            "points that lowered at least one entry of alpha*"},
        [COLUMN_LAST_UPDATE] = {"curves/last_update", MCBE_COLUMN_I64, MCBE_SHAPE_SERIES, 0,
                                "id of the last point that lowered an entry; -1 for none"},
        [COLUMN_UNCONSTRAINED] = {"curves/unconstrained", MCBE_COLUMN_I32, MCBE_SHAPE_SERIES, 0,
                                  "rows with alpha* = +inf: never among the n largest"},
        [COLUMN_ALPHA_MEAN] = {"curves/alpha_mean", MCBE_COLUMN_F64, MCBE_SHAPE_SERIES, 0,
                               "mean of the finite entries of alpha*"},
    };
    static const mcbe_column_row_t deviation = {
        "data/deviation", MCBE_COLUMN_F64, MCBE_SHAPE_AXIS, 0,
        "root of the mean variance of the features of the training data"};
    const sweep_t *params = handle;
    mcbe_status_t st;
    (void)err;
    MCBE_TRY(mcbe_layout_add_table(layout, columns, COLUMN_COUNT, "sigma", params->count,
                                   params->sigma));
    MCBE_TRY(mcbe_layout_add_table(layout, &deviation, 1, "data", 1, &params->deviation));
    MCBE_TRY(mcbe_data_layout(&params->setup.data, layout));
out:
    return st;
}

/* --- a unit ------------------------------------------------------------------------------------ */

static void put_shares(const mcbe_p_injective_t *counts, int count, double *shares,
                       const mcbe_cell_t *cell, int column, const mcbe_layout_t *layout,
                       mcbe_record_t *record)
{
    for (int i = 0; i < count; i++) {
        shares[i] = (double)counts[i].injective / (double)counts[i].points;
    }
    mcbe_record_set_f64(record, layout, cell, column, shares);
}

static mcbe_status_t write_record(const mcbe_samplers_unit_t *unit, const mcbe_cell_t *cell,
                                  const mcbe_layout_t *layout, mcbe_record_t *record)
{
    const int count = unit->samplers, m = unit->frame.m;
    mcbe_summary_t summary;
    mcbe_status_t st;
    double *real = mcbe_alloc((size_t)count, sizeof *real);
    int64_t *whole = mcbe_alloc((size_t)count, sizeof *whole);
    MCBE_TRY(real && whole ? MCBE_OK : MCBE_ERR_NOMEM);
    put_shares(unit->test, count, real, cell, COLUMN_P_INJECTIVE, layout, record);
    put_shares(unit->training, count, real, cell, COLUMN_P_INJECTIVE_TRAINING, layout, record);
    for (int i = 0; i < count; i++) {
        whole[i] = unit->state[i].updates;
    }
    mcbe_record_set_i64(record, layout, cell, COLUMN_UPDATES, whole);
    for (int i = 0; i < count; i++) {
        whole[i] = unit->state[i].last_update;
    }
    mcbe_record_set_i64(record, layout, cell, COLUMN_LAST_UPDATE, whole);
    for (int i = 0; i < count; i++) {
        mcbe_summarize(unit->bias + (ptrdiff_t)i * m, m, &summary);
        whole[i] = summary.infinite;
        real[i] = summary.mean;
    }
    mcbe_record_set_i64(record, layout, cell, COLUMN_UNCONSTRAINED, whole);
    mcbe_record_set_f64(record, layout, cell, COLUMN_ALPHA_MEAN, real);
out:
    mcbe_free(whole);
    mcbe_free(real);
    return st;
}

static mcbe_status_t compute_unit(const void *handle, const mcbe_cell_t *cells, int64_t count,
                                  int64_t trial, const mcbe_team_t *team,
                                  const mcbe_layout_t *layout, mcbe_record_t *records,
                                  mcbe_error_t *err)
{
    const sweep_t *params = handle;
    mcbe_samplers_unit_t unit;
    mcbe_status_t st;
    MCBE_BUG_ASSERT(count == 1);
    MCBE_TRY(
        mcbe_samplers_unit_init(&unit, &params->setup, cells, trial, params->count, params->count));
    MCBE_TRY(mcbe_samplers_run(&unit, params->samplers, team, err));
    MCBE_TRY(mcbe_samplers_judge(&unit, team));
    if (mcbe_comm_rank(team->comm) == 0) {
        MCBE_TRY(write_record(&unit, cells, layout, records));
    }
out:
    mcbe_samplers_unit_free(&unit);
    return st;
}

/* No alpha* is kept, so a unit is computed again: alone, block by block. */
static mcbe_status_t verify_unit(const void *handle, const mcbe_cell_t *cell, int64_t trial,
                                 const mcbe_layout_t *layout, const mcbe_record_t *record,
                                 mcbe_error_t *err)
{
    const sweep_t *params = handle;
    mcbe_samplers_unit_t unit;
    mcbe_record_t again = {0};
    mcbe_status_t st;
    MCBE_TRY(
        mcbe_samplers_unit_init(&unit, &params->setup, cell, trial, params->count, params->count));
    for (int i = 0; i < params->count; i++) {
        MCBE_TRY(mcbe_samplers_again(&unit, params->samplers + i, i));
    }
    MCBE_TRY(mcbe_samplers_judge(&unit, NULL));
    MCBE_TRY(mcbe_record_init(&again, layout, record->cell, trial, cell));
    MCBE_TRY(write_record(&unit, cell, layout, &again));
    MCBE_TRY(mcbe_recompute_compare(layout, cell, record, &again, err));
out:
    mcbe_record_free(&again);
    mcbe_samplers_unit_free(&unit);
    return st;
}

const mcbe_experiment_t mcbe_smoothing_sigma = {
    .table = {.experiment = "smoothing_sigma",
              .summary =
                  "randomised smoothing with one deviation of the noise after the other, and "
                  "the share of the data's points at which the layer is injective with "
                  "alpha*",
              .keys = keys},
    .open = open_params,
    .close = close_params,
    .plan = plan_cells,
    .layout = make_layout,
    .compute = compute_unit,
    .verify = verify_unit,
};
