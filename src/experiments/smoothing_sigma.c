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
    int64_t trials;
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
    /* all of them, so that all errors are reported at once */
    const mcbe_status_t setup = mcbe_samplers_open(&params->setup, config, err);
    const mcbe_status_t cells =
        mcbe_shapes_read(&params->shapes, setup == MCBE_OK ? &params->setup : NULL, config, err);
    const mcbe_status_t sigmas = read_sigmas(params, config, err);
    const mcbe_status_t stop = mcbe_setup_no_stop(&params->setup, config, err);
    mcbe_status_t st = setup != MCBE_OK    ? setup
                       : cells != MCBE_OK  ? cells
                       : sigmas != MCBE_OK ? sigmas
                                           : stop;
    params->trials = mcbe_config_int(config, "trials");
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
    return mcbe_samplers_plan(&params->setup, &params->shapes, params->trials, params->samplers,
                              params->count, params->count, plan);
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
    static const struct {
        char *path;
        mcbe_column_type_t type;
        const char *description;
    } columns[COLUMN_COUNT] = {
        [COLUMN_SIGMA] = {"curves/sigma", MCBE_COLUMN_F64,
                          "standard deviation of the noise around the training points"},
        [COLUMN_P_INJECTIVE] = {"curves/p_injective", MCBE_COLUMN_F64,
                                "share of the test points with at least n rows active at alpha*"},
        [COLUMN_P_INJECTIVE_TRAINING] = {"curves/p_injective_training", MCBE_COLUMN_F64,
                                         "share of the training points with at least n rows active "
                                         "at alpha*"},
        [COLUMN_UPDATES] = {"curves/updates", MCBE_COLUMN_I64,
                            "points that lowered at least one entry of alpha*"},
        [COLUMN_LAST_UPDATE] = {"curves/last_update", MCBE_COLUMN_I64,
                                "id of the last point that lowered an entry; -1 for none"},
        [COLUMN_UNCONSTRAINED] = {"curves/unconstrained", MCBE_COLUMN_I32,
                                  "rows with alpha* = +inf: never among the n largest"},
        [COLUMN_ALPHA_MEAN] = {"curves/alpha_mean", MCBE_COLUMN_F64,
                               "mean of the finite entries of alpha*"},
    };
    static char deviation_path[] = "data/deviation";
    const sweep_t *params = handle;
    (void)err;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        const int is_axis = i == COLUMN_SIGMA;
        const mcbe_column_t column = {.path = columns[i].path,
                                      .type = columns[i].type,
                                      .shape = is_axis ? MCBE_SHAPE_AXIS : MCBE_SHAPE_SERIES,
                                      .length = params->count,
                                      .series = "sigma",
                                      .values = is_axis ? params->sigma : NULL,
                                      .units = "1",
                                      .description = columns[i].description};
        if (mcbe_layout_add(layout, &column) < 0) {
            return MCBE_ERR_NOMEM;
        }
    }
    const mcbe_column_t deviation = {.path = deviation_path,
                                     .type = MCBE_COLUMN_F64,
                                     .shape = MCBE_SHAPE_AXIS,
                                     .length = 1,
                                     .series = "data",
                                     .values = &params->deviation,
                                     .units = "1",
                                     .description = "root of the mean variance of the features of "
                                                    "the training data"};
    return mcbe_layout_add(layout, &deviation) < 0 ? MCBE_ERR_NOMEM
                                                   : mcbe_data_layout(&params->setup.data, layout);
}

/* --- a unit ------------------------------------------------------------------------------------ */

/* What is found out about one layer, deviation by deviation. */
typedef struct findings {
    mcbe_stream_key_t key;
    mcbe_frame_t frame;                  /* owned */
    mcbe_bias_state_t *state;            /* owned, [count] */
    double *alpha;                       /* owned, [count][m] */
    mcbe_p_injective_t *test, *training; /* owned, [count] */
    double *real;                        /* owned, [count], workspace */
    int64_t *whole;                      /* owned, [count], workspace */
    int count;
} findings_t;

/* Free whatever the result. */
static mcbe_status_t start_findings(findings_t *f, const sweep_t *params, const mcbe_cell_t *cell,
                                    int64_t trial)
{
    const size_t count = (size_t)params->count;
    mcbe_status_t st;
    f->key =
        (mcbe_stream_key_t){.seed = params->setup.seed, .n = cell->n, .m = cell->m, .trial = trial};
    MCBE_TRY(mcbe_setup_frame(&params->setup, &f->key, &f->frame));
    f->state = mcbe_alloc(count, sizeof *f->state);
    f->alpha = mcbe_alloc(count * (size_t)f->frame.m, sizeof *f->alpha);
    f->test = mcbe_alloc(count, sizeof *f->test);
    f->training = mcbe_alloc(count, sizeof *f->training);
    f->real = mcbe_alloc(count, sizeof *f->real);
    f->whole = mcbe_alloc(count, sizeof *f->whole);
    MCBE_TRY(f->state && f->alpha && f->test && f->training && f->real && f->whole
                 ? MCBE_OK
                 : MCBE_ERR_NOMEM);
    for (; f->count < params->count; f->count++) {
        MCBE_TRY(mcbe_bias_state_init(&f->state[f->count], f->frame.m));
    }
out:
    return st;
}

static void free_findings(findings_t *f)
{
    for (int i = 0; i < f->count; i++) {
        mcbe_bias_state_free(&f->state[i]);
    }
    mcbe_free(f->whole);
    mcbe_free(f->real);
    mcbe_free(f->training);
    mcbe_free(f->test);
    mcbe_free(f->alpha);
    mcbe_free(f->state);
    mcbe_frame_free(&f->frame);
}

static mcbe_status_t judge(findings_t *f, const sweep_t *params, const mcbe_team_t *team)
{
    mcbe_status_t st;
    MCBE_TRY(mcbe_samplers_judge(&f->frame, f->count, f->alpha, &params->setup.data.test, team,
                                 f->test));
    MCBE_TRY(mcbe_samplers_judge(&f->frame, f->count, f->alpha, &params->setup.data.train, team,
                                 f->training));
out:
    return st;
}

static void put_shares(findings_t *f, const mcbe_p_injective_t *counts, const mcbe_cell_t *cell,
                       int column, const mcbe_layout_t *layout, mcbe_record_t *record)
{
    for (int i = 0; i < f->count; i++) {
        f->real[i] = (double)counts[i].injective / (double)counts[i].points;
    }
    mcbe_record_set_f64(record, layout, cell, column, f->real);
}

static void write_findings(findings_t *f, const mcbe_cell_t *cell, const mcbe_layout_t *layout,
                           mcbe_record_t *record)
{
    mcbe_summary_t summary;
    put_shares(f, f->test, cell, COLUMN_P_INJECTIVE, layout, record);
    put_shares(f, f->training, cell, COLUMN_P_INJECTIVE_TRAINING, layout, record);
    for (int i = 0; i < f->count; i++) {
        f->whole[i] = f->state[i].updates;
    }
    mcbe_record_set_i64(record, layout, cell, COLUMN_UPDATES, f->whole);
    for (int i = 0; i < f->count; i++) {
        f->whole[i] = f->state[i].last_update;
    }
    mcbe_record_set_i64(record, layout, cell, COLUMN_LAST_UPDATE, f->whole);
    for (int i = 0; i < f->count; i++) {
        mcbe_summarize(f->alpha + (ptrdiff_t)i * f->frame.m, f->frame.m, &summary);
        f->whole[i] = summary.infinite;
        f->real[i] = summary.mean;
    }
    mcbe_record_set_i64(record, layout, cell, COLUMN_UNCONSTRAINED, f->whole);
    mcbe_record_set_f64(record, layout, cell, COLUMN_ALPHA_MEAN, f->real);
}

static mcbe_status_t compute_unit(const void *handle, const mcbe_cell_t *cells, int64_t count,
                                  int64_t trial, const mcbe_team_t *team,
                                  const mcbe_layout_t *layout, mcbe_record_t *records,
                                  mcbe_error_t *err)
{
    const sweep_t *params = handle;
    findings_t found = {0};
    mcbe_status_t st;
    MCBE_BUG_ASSERT(count == 1);
    MCBE_TRY(start_findings(&found, params, cells, trial));
    MCBE_TRY(mcbe_samplers_run(&params->setup, params->samplers, params->count, &found.frame,
                               &found.key, team, found.state, found.alpha, err));
    MCBE_TRY(judge(&found, params, team));
    if (mcbe_comm_rank(team->comm) == 0) {
        write_findings(&found, cells, layout, records);
    }
out:
    free_findings(&found);
    return st;
}

/* No alpha* is kept, so a unit is computed again: alone, block by block. */
static mcbe_status_t verify_unit(const void *handle, const mcbe_cell_t *cell, int64_t trial,
                                 const mcbe_layout_t *layout, const mcbe_record_t *record,
                                 mcbe_error_t *err)
{
    const sweep_t *params = handle;
    findings_t found = {0};
    mcbe_record_t again = {0};
    mcbe_status_t st;
    MCBE_TRY(start_findings(&found, params, cell, trial));
    for (int i = 0; i < params->count; i++) {
        MCBE_TRY(mcbe_samplers_again(&params->setup, params->samplers + i, &found.frame, &found.key,
                                     &found.state[i], found.alpha + (ptrdiff_t)i * found.frame.m));
    }
    MCBE_TRY(judge(&found, params, NULL));
    MCBE_TRY(mcbe_record_init(&again, layout, record->cell, trial, cell));
    write_findings(&found, cell, layout, &again);
    MCBE_TRY(mcbe_recompute_compare(layout, cell, record, &again, err));
out:
    mcbe_record_free(&again);
    free_findings(&found);
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
