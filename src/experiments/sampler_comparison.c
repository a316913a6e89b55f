#include "sampler_comparison.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "mcbe/stats.h"
#include "memory.h"
#include "recompute.h"
#include "samplers.h"
#include "shapes.h"

/* Ways of drawing points, and biases they are compared at: those of the samplers come first. */
enum { UNIFORM, SMOOTHING, KDE, SAMPLERS };
enum { UNIT_BALL = SAMPLERS, ZERO, BIASES };

static const char *const names[BIASES] = {"uniform", "smoothing", "kde", "unit_ball", "zero"};

typedef struct comparison {
    mcbe_setup_t setup;
    mcbe_shapes_t shapes;    /* owned */
    mcbe_cloud_t *smoothing; /* owned */
    mcbe_cloud_t *kde;       /* owned */
    mcbe_sampler_t samplers[SAMPLERS];
} comparison_t;

static const mcbe_key_t keys[] = {
    MCBE_COMMON_KEYS,
    MCBE_SHAPE_KEYS,
    MCBE_FRAME_KEYS,
    MCBE_DATA_KEYS,
    MCBE_TEST_DATA_KEYS,
    {.path = "uniform.radius",
     .type = MCBE_KEY_REAL,
     .fallback = "0",
     .min = 0,
     .max = 1e30,
     .help =
         "Radius of the ball around 0 whose uniform points are one of the samplers; 0 takes the "
         "smallest ball that holds the training data."},
    MCBE_CLOUD_KEYS,
    MCBE_SAMPLERS_SAMPLING_KEYS,
    MCBE_RUN_KEYS,
    {.path = NULL},
};

/* --- the setting ------------------------------------------------------------------------------- */

static void close_params(void **handle)
{
    comparison_t *params = *handle;
    if (params) {
        mcbe_cloud_destroy(&params->kde);
        mcbe_cloud_destroy(&params->smoothing);
        mcbe_shapes_free(&params->shapes);
        mcbe_setup_free(&params->setup);
        mcbe_free(params);
        *handle = NULL;
    }
}

/* The length of the longest training point. */
static double data_radius(const mcbe_dataset_t *data)
{
    double radius = 0.0;
    for (int64_t i = 0; i < data->count; i++) {
        radius = fmax(radius, mcbe_point_norm(data->n, data->x + i * data->n, NULL, 1));
    }
    return radius;
}

static mcbe_status_t make_samplers(comparison_t *params, const mcbe_config_t *config,
                                   mcbe_error_t *err)
{
    const mcbe_dataset_t *training = &params->setup.data.train;
    const double asked = mcbe_config_real(config, "uniform.radius");
    const double radius = asked > 0.0 ? asked : data_radius(training);
    mcbe_status_t st;
    if (!(radius >= 1e-30)) {
        return mcbe_config_reject(config, err, "uniform.radius",
                                  "0; the training data are all 0, so no ball holds them: give a "
                                  "radius");
    }
    MCBE_TRY(mcbe_data_cloud(&params->smoothing, &params->setup.data, MCBE_NOISE_SMOOTHING, config,
                             err));
    MCBE_TRY(mcbe_data_cloud(&params->kde, &params->setup.data, MCBE_NOISE_DENSITY, config, err));
    params->samplers[UNIFORM].domain = (mcbe_domain_t){.kind = MCBE_DOMAIN_BALL, .radius = radius};
    params->samplers[SMOOTHING].domain =
        (mcbe_domain_t){.kind = MCBE_DOMAIN_CLOUD, .cloud = params->smoothing};
    params->samplers[KDE].domain = (mcbe_domain_t){.kind = MCBE_DOMAIN_CLOUD, .cloud = params->kde};
    for (int i = 0; i < SAMPLERS; i++) {
        params->samplers[i].design = mcbe_sampler_design(config, params->samplers[i].domain.kind);
    }
out:
    return st;
}

static mcbe_status_t open_params(mcbe_config_t *config, void **handle, mcbe_error_t *err)
{
    comparison_t *params = mcbe_alloc(1, sizeof *params);
    if (!params) {
        return MCBE_ERR_NOMEM;
    }
    const mcbe_status_t setup = mcbe_samplers_open(&params->setup, config, err);
    const mcbe_status_t all[] = {
        setup,
        mcbe_shapes_read(&params->shapes, setup == MCBE_OK ? &params->setup : NULL, config, err)};
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
    const comparison_t *params = handle;
    (void)err;
    return mcbe_samplers_plan(&params->setup, &params->shapes, params->samplers, SAMPLERS, BIASES,
                              plan);
}

/* --- records ----------------------------------------------------------------------------------- */

/* What is recorded for each sampler, then for each bias, then rows of each sampler. */
typedef enum quantity {
    SAMPLES,
    UPDATES,
    LAST_UPDATE,
    UNCONSTRAINED,
    ALPHA_MEAN, /* from here on: of biases */
    P_INJECTIVE,
    P_INJECTIVE_TRAINING,
    MIN_ACTIVE,
    MIN_ACTIVE_TRAINING,
    ALPHA, /* from here on: rows of samplers */
    WITNESS,
    QUANTITIES
} quantity_t;

static int of_biases(int quantity)
{
    return quantity >= ALPHA_MEAN && quantity <= MIN_ACTIVE_TRAINING;
}

/* Number of a column. The two that belong to no sampler come last. */
static int column_of(quantity_t quantity, int which)
{
    int column = 0;
    for (int i = 0; i < (int)quantity; i++) {
        column += of_biases(i) ? BIASES : SAMPLERS;
    }
    return column + which;
}

#define COLUMN_DIRECTION column_of(QUANTITIES, 0)
#define COLUMN_ROW_NORM column_of(QUANTITIES, 1)

static mcbe_status_t add_column(mcbe_layout_t *layout, const char *group, const char *name,
                                mcbe_column_type_t type, mcbe_column_shape_t shape,
                                const char *description)
{
    char path[80];
    snprintf(path, sizeof path, "%s/%s", group, name);
    const mcbe_column_t column = {
        .path = path, .type = type, .shape = shape, .units = "1", .description = description};
    return mcbe_layout_add(layout, &column) < 0 ? MCBE_ERR_NOMEM : MCBE_OK;
}

static mcbe_status_t make_layout(const void *handle, mcbe_layout_t *layout, mcbe_error_t *err)
{
    static const struct {
        const char *group;
        mcbe_column_type_t type;
        const char *description;
    } quantities[QUANTITIES] = {
        [SAMPLES] = {"trials/samples", MCBE_COLUMN_I64, "points visited"},
        [UPDATES] = {"trials/updates", MCBE_COLUMN_I64,
                     "points that lowered at least one entry of alpha*"},
        [LAST_UPDATE] = {"trials/last_update", MCBE_COLUMN_I64,
                         "id of the last point that lowered an entry; -1 for none"},
        [UNCONSTRAINED] = {"trials/unconstrained", MCBE_COLUMN_I32,
                           "rows with alpha* = +inf: never among the n largest"},
        [ALPHA_MEAN] = {"trials/alpha_mean", MCBE_COLUMN_F64,
                        "mean of the finite entries of the bias: alpha* of a sampler on its K, "
                        "that of uniform points for the unit ball, or 0"},
        [P_INJECTIVE] = {"trials/p_injective", MCBE_COLUMN_F64,
                         "share of the test points with at least n rows active at the bias"},
        [P_INJECTIVE_TRAINING] = {"trials/p_injective_training", MCBE_COLUMN_F64,
                                  "share of the training points with at least n rows active at the "
                                  "bias"},
        [MIN_ACTIVE] = {"trials/min_active", MCBE_COLUMN_I32,
                        "smallest number of rows active at the bias, over the test points"},
        [MIN_ACTIVE_TRAINING] = {"trials/min_active_training", MCBE_COLUMN_I32,
                                 "smallest number of rows active at the bias, over the training "
                                 "points"},
        [ALPHA] = {"alpha", MCBE_COLUMN_F64, "alpha* on K by this sampler, one entry a row of W"},
        [WITNESS] = {"witness", MCBE_COLUMN_I64,
                     "id of the point at which the row's entry was reached; -1 for none"},
    };
    mcbe_status_t st = MCBE_OK;
    const comparison_t *params = handle;
    (void)err;
    for (int q = 0; q < QUANTITIES; q++) {
        const int count = of_biases(q) ? BIASES : SAMPLERS;
        for (int i = 0; i < count && st == MCBE_OK; i++) {
            st = add_column(layout, quantities[q].group, names[i], quantities[q].type,
                            q >= ALPHA ? MCBE_SHAPE_ROWS : MCBE_SHAPE_SCALAR,
                            quantities[q].description);
        }
    }
    if (st == MCBE_OK) {
        st = add_column(layout, "alpha", "direction", MCBE_COLUMN_F64, MCBE_SHAPE_ROWS,
                        "minima over the uniform points before the radius of the ball is applied");
    }
    if (st == MCBE_OK) {
        st = add_column(layout, "alpha", "row_norm", MCBE_COLUMN_F64, MCBE_SHAPE_ROWS,
                        "norm of each row of W");
    }
    return st == MCBE_OK ? mcbe_data_layout(&params->setup.data, layout) : st;
}

/* --- a unit ------------------------------------------------------------------------------------ */

/* p_I of both parts of the data at the biases of the samplers and those that follow from them. */
static mcbe_status_t judge(mcbe_samplers_unit_t *unit, const mcbe_team_t *team)
{
    static const mcbe_domain_t unit_ball = {.kind = MCBE_DOMAIN_BALL, .radius = 1.0};
    const int m = unit->frame.m;
    mcbe_domain_finish(&unit_ball, m, unit->state[UNIFORM].alpha,
                       unit->bias + (ptrdiff_t)UNIT_BALL * m);
    memset(unit->bias + (ptrdiff_t)ZERO * m, 0, (size_t)m * sizeof *unit->bias);
    return mcbe_samplers_judge(unit, team);
}

static void write_record(const mcbe_samplers_unit_t *unit, const mcbe_cell_t *cell,
                         const mcbe_layout_t *layout, mcbe_record_t *record)
{
    const int m = unit->frame.m;
    for (int i = 0; i < SAMPLERS; i++) {
        const mcbe_bias_state_t *state = unit->state + i;
        const double *alpha = unit->bias + (ptrdiff_t)i * m;
        mcbe_summary_t summary;
        mcbe_summarize(alpha, m, &summary);
        mcbe_record_set_i64(record, layout, cell, column_of(SAMPLES, i), &state->samples);
        mcbe_record_set_i64(record, layout, cell, column_of(UPDATES, i), &state->updates);
        mcbe_record_set_i64(record, layout, cell, column_of(LAST_UPDATE, i), &state->last_update);
        mcbe_record_set_i64(record, layout, cell, column_of(UNCONSTRAINED, i), &summary.infinite);
        mcbe_record_set_f64(record, layout, cell, column_of(ALPHA, i), alpha);
        mcbe_record_set_i64(record, layout, cell, column_of(WITNESS, i), state->witness);
    }
    for (int i = 0; i < BIASES; i++) {
        const mcbe_p_injective_t *test = unit->test + i, *training = unit->training + i;
        const double on_test = (double)test->injective / (double)test->points;
        const double on_training = (double)training->injective / (double)training->points;
        mcbe_summary_t summary;
        mcbe_summarize(unit->bias + (ptrdiff_t)i * m, m, &summary);
        mcbe_record_set_f64(record, layout, cell, column_of(ALPHA_MEAN, i), &summary.mean);
        mcbe_record_set_f64(record, layout, cell, column_of(P_INJECTIVE, i), &on_test);
        mcbe_record_set_f64(record, layout, cell, column_of(P_INJECTIVE_TRAINING, i), &on_training);
        mcbe_record_set_i64(record, layout, cell, column_of(MIN_ACTIVE, i), &test->min_active);
        mcbe_record_set_i64(record, layout, cell, column_of(MIN_ACTIVE_TRAINING, i),
                            &training->min_active);
    }
    mcbe_record_set_f64(record, layout, cell, COLUMN_DIRECTION, unit->state[UNIFORM].alpha);
    mcbe_record_set_f64(record, layout, cell, COLUMN_ROW_NORM, unit->frame.norm);
}

static mcbe_status_t compute_unit(const void *handle, const mcbe_cell_t *cells, int64_t count,
                                  int64_t trial, const mcbe_team_t *team,
                                  const mcbe_layout_t *layout, mcbe_record_t *records,
                                  mcbe_error_t *err)
{
    const comparison_t *params = handle;
    mcbe_samplers_unit_t unit;
    mcbe_status_t st;
    MCBE_BUG_ASSERT(count == 1);
    MCBE_TRY(mcbe_samplers_unit_init(&unit, &params->setup, cells, trial, SAMPLERS, BIASES));
    MCBE_TRY(mcbe_samplers_run(&unit, params->samplers, team, err));
    MCBE_TRY(judge(&unit, team));
    if (mcbe_comm_rank(team->comm) == 0) {
        write_record(&unit, cells, layout, records);
    }
out:
    mcbe_samplers_unit_free(&unit);
    return st;
}

/* --- verifying --------------------------------------------------------------------------------- */

/* The states as they were recorded, and the biases that follow from them. */
static void read_states(mcbe_samplers_unit_t *unit, const comparison_t *params,
                        const mcbe_cell_t *cell, const mcbe_layout_t *layout,
                        const mcbe_record_t *record)
{
    for (int i = 0; i < SAMPLERS; i++) {
        mcbe_bias_state_t *state = unit->state + i;
        const int alpha = i == UNIFORM ? COLUMN_DIRECTION : column_of(ALPHA, i);
        mcbe_record_get_i64(record, layout, cell, column_of(SAMPLES, i), &state->samples);
        mcbe_record_get_i64(record, layout, cell, column_of(UPDATES, i), &state->updates);
        mcbe_record_get_i64(record, layout, cell, column_of(LAST_UPDATE, i), &state->last_update);
        mcbe_record_get_f64(record, layout, cell, alpha, state->alpha);
        mcbe_record_get_i64(record, layout, cell, column_of(WITNESS, i), state->witness);
        mcbe_domain_finish(&params->samplers[i].domain, unit->frame.m, state->alpha,
                           unit->bias + (ptrdiff_t)i * unit->frame.m);
    }
}

/* alpha* and its history by the witnesses, everything else by computing it from alpha* again. */
static mcbe_status_t verify_unit(const void *handle, const mcbe_cell_t *cell, int64_t trial,
                                 const mcbe_layout_t *layout, const mcbe_record_t *record,
                                 mcbe_error_t *err)
{
    const comparison_t *params = handle;
    mcbe_samplers_unit_t unit;
    mcbe_record_t again = {0};
    mcbe_error_t reason = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_samplers_unit_init(&unit, &params->setup, cell, trial, SAMPLERS, BIASES));
    read_states(&unit, params, cell, layout, record);
    for (int i = 0; i < SAMPLERS; i++) {
        st = mcbe_samplers_check(&unit, params->samplers + i, i, &reason);
        if (st == MCBE_ERR_CORRUPT) {
            st = mcbe_fail(err, st, "cell (n=%lld, m=%lld), trial %lld, sampler %s: %s",
                           (long long)cell->n, (long long)cell->m, (long long)trial, names[i],
                           reason.text);
        }
        MCBE_TRY(st);
    }
    MCBE_TRY(judge(&unit, NULL));
    MCBE_TRY(mcbe_record_init(&again, layout, record->cell, trial, cell));
    write_record(&unit, cell, layout, &again);
    MCBE_TRY(mcbe_recompute_compare(layout, cell, record, &again, err));
out:
    mcbe_record_free(&again);
    mcbe_samplers_unit_free(&unit);
    return st;
}

const mcbe_experiment_t mcbe_sampler_comparison = {
    .table = {.experiment = "sampler_comparison",
              .summary = "alpha* by uniform points, randomised smoothing and a kernel density "
                         "estimate, and the share of the data's points at which the layer is "
                         "injective with it",
              .keys = keys},
    .open = open_params,
    .close = close_params,
    .plan = plan_cells,
    .layout = make_layout,
    .compute = compute_unit,
    .verify = verify_unit,
};
