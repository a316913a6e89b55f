#include "convergence.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "convergence_internal.h"
#include "cost.h"
#include "mcbe/exact.h"
#include "memory.h"

/* Up to here every iteration is looked at. */
#define FIRST_ITERATIONS 10

static const mcbe_key_t keys[] = {
    MCBE_COMMON_KEYS,
    MCBE_SHAPE_KEYS,
    MCBE_FRAME_KEYS,
    MCBE_ANY_DOMAIN_KEYS,
    MCBE_SAMPLING_KEYS(0),
    {.path = "curve.points_per_decade",
     .type = MCBE_KEY_INT,
     .fallback = "20",
     .min = 1,
     .max = 1000,
     .help = "Iterations at which alpha* is looked at, for each power of ten of them; the first 10 "
             "and the last one always are."},
    {.path = "test.samples",
     .type = MCBE_KEY_INT,
     .fallback = "1000",
     .min = 1,
     .max = 1e7,
     .help = "Points of K that alpha* has not seen, against which it is held at each of these "
             "iterations; the same ones all along."},
    MCBE_EXACT_KEYS,
    MCBE_RUN_KEYS,
    {.path = NULL},
};

/* The exact answers are about all directions, and a bounded K has an alpha*. */
static mcbe_status_t read_exact(convergence_t *params, const mcbe_config_t *config,
                                mcbe_error_t *err)
{
    const mcbe_domain_t *domain = &params->setup.domain;
    mcbe_status_t st = mcbe_setup_work_limit(config, "exact.enabled", "exact.work_limit",
                                             &params->exact_work, err);
    if (params->exact_work > 0.0 && (domain->nonnegative || mcbe_domain_unbounded(domain))) {
        st = mcbe_config_reject(config, err, "exact.enabled",
                                "true; the exact alpha* is known of whole spheres, balls and "
                                "shells only, so this K needs false");
    }
    return st;
}

/* The largest y with y^degree <= 10, by bisection on products alone: the same on every machine. */
static double root_of_ten(int64_t degree)
{
    double low = 1.0, high = 10.0;
    for (;;) {
        const double middle = low + (high - low) / 2.0;
        if (middle <= low || middle >= high) {
            return low;
        }
        double power = 1.0;
        for (int64_t k = 0; k < degree; k++) {
            power *= middle;
        }
        *(power <= 10.0 ? &low : &high) = middle;
    }
}

/* 1 to 10, then powers of ten divided evenly on a logarithmic scale, then the last iteration. */
static mcbe_status_t choose_iterations(convergence_t *params, int64_t per_decade)
{
    const int64_t last = params->setup.samples;
    const double step = root_of_ten(per_decade);
    int64_t decades = 1, length = 0;
    for (int64_t k = last; k >= 10; k /= 10) {
        decades++;
    }
    params->iterations = mcbe_alloc((size_t)(FIRST_ITERATIONS + decades * per_decade + 1),
                                    sizeof *params->iterations);
    if (!params->iterations) {
        return MCBE_ERR_NOMEM;
    }
    while (length < FIRST_ITERATIONS && length < last) {
        params->iterations[length] = length + 1;
        length++;
    }
    for (int64_t decade = FIRST_ITERATIONS; decade <= last; decade *= 10) {
        double exact = (double)decade;
        for (int64_t k = 0; k < per_decade; k++, exact *= step) {
            const int64_t next = (int64_t)(exact + 0.5);
            if (next > params->iterations[length - 1] && next <= last) {
                params->iterations[length++] = next;
            }
        }
    }
    if (params->iterations[length - 1] < last) {
        params->iterations[length++] = last;
    }
    params->length = length;
    return MCBE_OK;
}

static void close_params(void **handle)
{
    convergence_t *params = *handle;
    if (params) {
        mcbe_free(params->iterations);
        mcbe_shapes_free(&params->shapes);
        mcbe_setup_free(&params->setup);
        mcbe_free(params);
        *handle = NULL;
    }
}

static mcbe_status_t open_params(mcbe_config_t *config, void **handle, mcbe_error_t *err)
{
    convergence_t *params = mcbe_alloc(1, sizeof *params);
    if (!params) {
        return MCBE_ERR_NOMEM;
    }
    /* all of them, so that all errors are reported at once */
    const mcbe_status_t setup = mcbe_setup_open_points(&params->setup, config, err);
    const mcbe_status_t all[] = {
        setup,
        mcbe_shapes_read(&params->shapes, setup == MCBE_OK ? &params->setup : NULL, config, err),
        mcbe_setup_no_stop(&params->setup, config, err), read_exact(params, config, err)};
    mcbe_status_t st = mcbe_first_failure(all, sizeof all / sizeof *all);
    params->tests = mcbe_config_int(config, "test.samples");
    if (st == MCBE_OK) {
        st = choose_iterations(params, mcbe_config_int(config, "curve.points_per_decade"));
    }
    *handle = params;
    if (st != MCBE_OK) {
        close_params(handle);
    }
    return st;
}

/* Seconds of one unit on one core, as measured on a 2023 server (AVX-512). */
static double seconds_of_cell(const convergence_t *params, double n, double m)
{
    const mcbe_setup_t *setup = &params->setup;
    const double samples = (double)setup->samples;
    const double updates = mcbe_cost_updates(m, samples);
    const double sampling =
        samples * mcbe_cost_screen_seconds(setup->design, n, m) +
        mcbe_cost_products(setup->design, samples) * mcbe_cost_product_seconds(n, m);
    const double visits = mcbe_cost_visit_seconds(n, m);
    const double tests = (double)params->tests;
    const double exact = mcbe_exact_alpha_work((int)n, (int)m);
    return (exact <= params->exact_work ? mcbe_exact_seconds(exact) : 0.0) + 5e-5 + sampling +
           (updates + tests) * visits + tests * (double)params->length * (5e-8 + 0.25e-9 * m);
}

/* The layer and its estimator; the test points; the history of alpha*. */
static double bytes_of_cell(const convergence_t *params, double n, double m)
{
    const mcbe_setup_t *setup = &params->setup;
    const double samples = (double)setup->samples;
    return mcbe_cost_bytes(setup->design, samples, n, m) + mcbe_setup_loaded_bytes(setup) +
           8.0 * m * (double)params->tests + 48.0 * m * (1.0 + log(1.0 + samples / m)) * n;
}

static mcbe_status_t plan_cells(const void *handle, mcbe_plan_t *plan, mcbe_error_t *err)
{
    const convergence_t *params = handle;
    const double samples = (double)params->setup.samples;
    const double products = mcbe_cost_products(params->setup.design, samples);
    (void)err;
    const mcbe_status_t st = mcbe_shapes_plan(&params->shapes, plan);
    for (int64_t i = 0; i < plan->cell_count; i++) {
        mcbe_cell_t *cell = plan->cells + i;
        const double n = (double)cell->n, m = (double)cell->m;
        cell->flops = 2.0 * n * m * products;
        cell->seconds = seconds_of_cell(params, n, m);
        cell->bytes = bytes_of_cell(params, n, m);
    }
    return st;
}

static mcbe_status_t make_layout(const void *handle, mcbe_layout_t *layout, mcbe_error_t *err)
{
    static const mcbe_column_row_t columns[COLUMN_COUNT] = {
        [COLUMN_SAMPLES] = {"trials/samples", MCBE_COLUMN_I64, MCBE_SHAPE_SCALAR, 0,
                            "points visited"},
        [COLUMN_UPDATES] = {"trials/updates", MCBE_COLUMN_I64, MCBE_SHAPE_SCALAR, 0,
                            "points that lowered at least one entry of alpha*"},
        [COLUMN_LAST_UPDATE] = {"trials/last_update", MCBE_COLUMN_I64, MCBE_SHAPE_SCALAR, 0,
                                "id of the last point that lowered an entry; -1 for none"},
        [COLUMN_ITERATION] = {"curves/iteration", MCBE_COLUMN_I64, MCBE_SHAPE_AXIS, 0,
                              "number of random points visited where the curves are taken"},
        [COLUMN_NO_UPDATE] = {"curves/no_update", MCBE_COLUMN_F64, MCBE_SHAPE_SERIES, 0,
                              "share of the test points that would not lower alpha*"},
        [COLUMN_RECTIFIED] = {"curves/rectified", MCBE_COLUMN_F64, MCBE_SHAPE_SERIES, 0,
                              "share of the test points with at least n rows active at alpha*"},
        [COLUMN_INFINITE] = {"curves/infinite", MCBE_COLUMN_I32, MCBE_SHAPE_SERIES, 0,
                             "entries of alpha* that are +inf: rows never among the n largest"},
        [COLUMN_MEAN] = {"curves/alpha_mean", MCBE_COLUMN_F64, MCBE_SHAPE_SERIES, 0,
                         "mean of the finite entries of alpha* on K"},
        [COLUMN_ALPHA] = {"alpha/data", MCBE_COLUMN_F64, MCBE_SHAPE_ROWS, 0,
                          "alpha* on K after the last iteration, one entry a row of W"},
        [COLUMN_DIRECTION] = {"alpha/direction", MCBE_COLUMN_F64, MCBE_SHAPE_ROWS, 0,
                              "minima over the visited points before the radius of K is applied"},
        [COLUMN_ROW_NORM] = {"alpha/row_norm", MCBE_COLUMN_F64, MCBE_SHAPE_ROWS, 0,
                             "norm of each row of W"},
        [COLUMN_WITNESS] = {"witness/sample", MCBE_COLUMN_I64, MCBE_SHAPE_ROWS, 0,
                            "id of the point at which the row's entry was reached; -1 for none, "
                            "-2-j for the direction of row j"},
        [COLUMN_EXACT] = {"alpha/exact", MCBE_COLUMN_F64, MCBE_SHAPE_ROWS, 0,
                          "exact alpha* on K; NaN where not computed"},
        [COLUMN_EXCESS_MAX] = {"curves/excess_max", MCBE_COLUMN_F64, MCBE_SHAPE_SERIES, 0,
                               "largest of alpha* minus the exact one, over the rows where that "
                               "is finite; NaN where not computed"},
        [COLUMN_EXCESS_MEAN] = {"curves/excess_mean", MCBE_COLUMN_F64, MCBE_SHAPE_SERIES, 0,
                                "mean of alpha* minus the exact one, over the rows where that is "
                                "finite; NaN where not computed"},
    };
    const convergence_t *params = handle;
    const int count = params->exact_work > 0.0 ? COLUMN_COUNT : FIRST_EXACT_COLUMN;
    (void)err;
    const mcbe_status_t st = mcbe_layout_add_table(layout, columns, count, "iteration",
                                                   params->length, params->iterations);
    return st == MCBE_OK ? mcbe_data_layout(&params->setup.data, layout) : st;
}

/* Go through the history once more, this rank's share of the test points in hand. */
static mcbe_status_t measure(const convergence_t *params, const mcbe_frame_t *frame,
                             const mcbe_stream_key_t *key, const mcbe_team_t *team,
                             const mcbe_bias_events_t *history, curves_t *curves)
{
    const int64_t rank = mcbe_comm_rank(team->comm), size = mcbe_comm_size(team->comm);
    mcbe_bias_state_t state = {0};
    test_set_t tests = {0};
    mcbe_status_t st;
    size_t seen = 0;
    MCBE_TRY(mcbe_bias_state_init(&state, frame->m));
    MCBE_TRY(mcbe_test_set_init(&tests, params, frame, key, params->tests * rank / size,
                                params->tests * (rank + 1) / size));
    for (int64_t i = 0; i < params->length; i++) {
        mcbe_sampling_replay(history, &seen, params->iterations[i], &state);
        mcbe_curves_measure(params, frame, &tests, state.alpha, team, i, curves);
    }
    MCBE_TRY(mcbe_team_go_on(team));
    mcbe_comm_sum_i64(team->comm, curves->no_update, (size_t)params->length);
    mcbe_comm_sum_i64(team->comm, curves->rectified, (size_t)params->length);
out:
    mcbe_test_set_free(&tests);
    mcbe_bias_state_free(&state);
    return st;
}

static mcbe_status_t compute_unit(const void *handle, const mcbe_cell_t *cells, int64_t count,
                                  int64_t trial, const mcbe_team_t *team,
                                  const mcbe_layout_t *layout, mcbe_record_t *records,
                                  mcbe_error_t *err)
{
    const convergence_t *params = handle;
    const mcbe_setup_t *setup = &params->setup;
    const mcbe_stream_key_t key = mcbe_setup_key(setup, cells, trial);
    mcbe_bias_events_t history = {0};
    mcbe_sampling_t sampling = mcbe_sampling_of(setup);
    mcbe_frame_t frame = {0};
    mcbe_bias_state_t state = {0};
    curves_t curves = {0};
    mcbe_status_t st;
    MCBE_BUG_ASSERT(count == 1);
    sampling.history = &history;
    MCBE_TRY(mcbe_setup_frame(setup, &key, &frame));
    MCBE_TRY(mcbe_bias_state_init(&state, frame.m));
    MCBE_TRY(mcbe_curves_init(&curves, params, &frame, err));
    MCBE_TRY(mcbe_sampling_run(&sampling, &frame, &key, team, &state, 1, err));
    MCBE_TRY(mcbe_sampling_share_history(team, &history));
    MCBE_TRY(measure(params, &frame, &key, team, &history, &curves));
    if (mcbe_comm_rank(team->comm) == 0) {
        MCBE_TRY(mcbe_convergence_write(params, cells, &frame, &state, &curves, layout, records));
    }
out:
    mcbe_curves_free(&curves);
    mcbe_bias_state_free(&state);
    mcbe_frame_free(&frame);
    mcbe_bias_events_free(&history);
    return st;
}

const mcbe_experiment_t mcbe_convergence = {
    .table = {.experiment = "convergence",
              .summary = "how alpha* and what unseen points say of it change with the number of "
                         "points",
              .keys = keys},
    .open = open_params,
    .close = close_params,
    .plan = plan_cells,
    .layout = make_layout,
    .compute = compute_unit,
    .verify = mcbe_convergence_verify,
};
