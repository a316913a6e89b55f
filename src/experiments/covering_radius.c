#include "covering_radius.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "covering_radius_internal.h"
#include "mcbe/covering.h"
#include "mcbe/exact.h"
#include "memory.h"
#include "sampling.h"

#define MAX_POINTS 100000000

static const mcbe_key_t keys[] = {
    MCBE_COMMON_KEYS,
    MCBE_SHAPE_KEYS,
    MCBE_FRAME_KEYS,
    MCBE_DOMAIN_KEYS,
    MCBE_SAMPLING_KEYS(0),
    {.path = "covering.counts",
     .type = MCBE_KEY_AXIS,
     .min = 2,
     .max = MAX_POINTS,
     .help = "Numbers of points whose covering radius and alpha* are looked at, each the first of "
             "the same ones; sampling.samples always is."},
    {.path = "covering.work_limit",
     .type = MCBE_KEY_REAL,
     .fallback = "1e5",
     .min = 1,
     .max = MCBE_COVERING_MAX_FACETS,
     .help = "Facets the convex hull of the points may be expected to have; beyond, the radius is "
             "known from below only, and nothing is corrected."},
    {.path = "covering.visits",
     .type = MCBE_KEY_INT,
     .fallback = "1000",
     .min = 1,
     .max = 1e9,
     .help = "Places a search for the emptiest one looks at, for each of these numbers."},
    {.path = "test.samples",
     .type = MCBE_KEY_INT,
     .fallback = "1000",
     .min = 1,
     .max = 1e7,
     .help = "Points of K that alpha* has not seen, against which it is held before and after the "
             "correction."},
    MCBE_EXACT_KEYS,
    MCBE_RUN_KEYS,
    {.path = NULL},
};

/* The radius is one of independent directions, all around. */
static mcbe_status_t check_points(const covering_radius_t *params, const mcbe_config_t *config,
                                  mcbe_error_t *err)
{
    const mcbe_setup_t *setup = &params->setup;
    const mcbe_domain_t *domain = &setup->domain;
    mcbe_status_t st = mcbe_setup_no_stop(setup, config, err);
    if (setup->design != MCBE_DESIGN_IID) {
        st = mcbe_config_reject(config, err, "sampling.design",
                                "paired; the covering radius is of independent points: iid");
    }
    if (setup->samples < 2 || setup->samples > MAX_POINTS) {
        st = mcbe_config_reject(config, err, "sampling.samples",
                                "%lld; with this experiment between 2 and %d",
                                (long long)setup->samples, MAX_POINTS);
    }
    if (mcbe_domain_unbounded(domain)) {
        st = mcbe_config_reject(config, err, "domain.kind",
                                "gaussian; a bias is corrected on sphere, ball and shell");
    }
    if (domain->radial == MCBE_RADIAL_SAMPLED) {
        st = mcbe_config_reject(config, err, "domain.radial",
                                "sampled; the points must be directions: analytic");
    }
    if (domain->nonnegative) {
        st = mcbe_config_reject(config, err, "domain.nonnegative",
                                "true; points on one side leave the other side uncovered: false");
    }
    return st;
}

static mcbe_status_t read_shapes(covering_radius_t *params, int setup_is_there,
                                 const mcbe_config_t *config, mcbe_error_t *err)
{
    mcbe_status_t st =
        mcbe_shapes_read(&params->shapes, setup_is_there ? &params->setup : NULL, config, err);
    if (params->shapes.count > 0 && params->shapes.cells[0].n < 2) {
        st = mcbe_config_reject(config, err, "cells",
                                "{n: 1, m: %lld}; a covering radius needs n of at least 2",
                                (long long)params->shapes.cells[0].m);
    }
    return st;
}

static mcbe_status_t read_counts(covering_radius_t *params, const mcbe_config_t *config,
                                 mcbe_error_t *err)
{
    const int64_t samples = params->setup.samples;
    int given;
    const int64_t *counts = mcbe_config_axis(config, "covering.counts", &given);
    if (counts[given - 1] > samples) {
        return mcbe_config_reject(config, err, "covering.counts",
                                  "%lld; sampling.samples draws only %lld points",
                                  (long long)counts[given - 1], (long long)samples);
    }
    params->counts = mcbe_alloc((size_t)given + 1, sizeof *params->counts);
    if (!params->counts) {
        return MCBE_ERR_NOMEM;
    }
    memcpy(params->counts, counts, (size_t)given * sizeof *counts);
    params->length = given;
    if (counts[given - 1] < samples) {
        params->counts[params->length++] = samples;
    }
    return MCBE_OK;
}

static void close_params(void **handle)
{
    covering_radius_t *params = *handle;
    if (params) {
        mcbe_free(params->counts);
        mcbe_shapes_free(&params->shapes);
        mcbe_setup_free(&params->setup);
        mcbe_free(params);
        *handle = NULL;
    }
}

static mcbe_status_t open_params(mcbe_config_t *config, void **handle, mcbe_error_t *err)
{
    covering_radius_t *params = mcbe_alloc(1, sizeof *params);
    if (!params) {
        return MCBE_ERR_NOMEM;
    }
    /* all of them, so that all errors are reported at once */
    const mcbe_status_t setup = mcbe_setup_open_points(&params->setup, config, err);
    const mcbe_status_t all[] = {setup, check_points(params, config, err),
                                 read_shapes(params, setup == MCBE_OK, config, err),
                                 read_counts(params, config, err),
                                 mcbe_setup_work_limit(config, "exact.enabled", "exact.work_limit",
                                                       &params->exact_work, err)};
    const mcbe_status_t st = mcbe_first_failure(all, sizeof all / sizeof *all);
    params->hull_work = mcbe_config_real(config, "covering.work_limit");
    params->visits = mcbe_config_int(config, "covering.visits");
    params->tests = mcbe_config_int(config, "test.samples");
    *handle = params;
    if (st != MCBE_OK) {
        close_params(handle);
    }
    return st;
}

/* Seconds of one unit on one core, as measured on a 2023 server (AVX-512). */
static double seconds_of_cell(const covering_radius_t *params, int n, int m)
{
    const double exact = mcbe_exact_alpha_work(n, m), samples = (double)params->setup.samples;
    double seconds = 5e-5 + samples * (5e-9 + 0.15e-9 * m + 1.6e-9 * n) +
                     (exact <= params->exact_work ? mcbe_exact_seconds(exact) : 0.0) +
                     (double)(params->tests * params->length) * (1e-7 + 2e-9 * m);
    for (int64_t i = 0; i < params->length; i++) {
        const double count = (double)params->counts[i];
        seconds += (double)params->visits * count * (2e-9 + 0.25e-9 * n);
        if (mcbe_covering_takes_hull(params, n, params->counts[i])) {
            seconds += 4e-6 * mcbe_covering_work(n, count);
        }
    }
    return seconds;
}

/* The points, twice while a radius is computed, and the hull's facets; the frame; the test points. */
static double bytes_of_cell(const covering_radius_t *params, int n, int m)
{
    double facets = 0.0;
    for (int64_t i = 0; i < params->length; i++) {
        if (mcbe_covering_takes_hull(params, n, params->counts[i])) {
            facets = fmax(facets, mcbe_covering_work(n, (double)params->counts[i]));
        }
    }
    return 16.0 * n * (double)params->setup.samples + facets * (120.0 + 35.0 * n) + 24.0 * n * m +
           8.0 * m * (double)params->tests + mcbe_setup_loaded_bytes(&params->setup);
}

static mcbe_status_t plan_cells(const void *handle, mcbe_plan_t *plan, mcbe_error_t *err)
{
    const covering_radius_t *params = handle;
    (void)err;
    const mcbe_status_t st = mcbe_shapes_plan(&params->shapes, plan);
    for (int64_t i = 0; i < plan->cell_count; i++) {
        mcbe_cell_t *cell = plan->cells + i;
        const int n = (int)cell->n, m = (int)cell->m;
        cell->flops = 2.0 * n * m * (double)params->setup.samples;
        cell->seconds = seconds_of_cell(params, n, m);
        cell->bytes = bytes_of_cell(params, n, m);
    }
    return st;
}

#define SCALAR MCBE_SHAPE_SCALAR
#define SERIES MCBE_SHAPE_SERIES
#define ROWS MCBE_SHAPE_ROWS
#define F64 MCBE_COLUMN_F64
#define I64 MCBE_COLUMN_I64

static mcbe_status_t make_layout(const void *handle, mcbe_layout_t *layout, mcbe_error_t *err)
{
    /* approximate: Qhull, BLAS and logarithms stand behind it */
    static const mcbe_column_row_t columns[COLUMN_COUNT] = {
        [COLUMN_SAMPLES] = {"trials/samples", I64, SCALAR, 0, "points visited"},
        [COLUMN_UPDATES] = {"trials/updates", I64, SCALAR, 0,
                            "points that lowered at least one entry of alpha*"},
        [COLUMN_LAST_UPDATE] = {"trials/last_update", I64, SCALAR, 0,
                                "id of the last point that lowered an entry; -1 for none"},
        [COLUMN_POINTS] = {"curves/points", I64, MCBE_SHAPE_AXIS, 0,
                           "number of random points visited where the curves are taken"},
        [COLUMN_INFINITE] = {"curves/infinite", MCBE_COLUMN_I32, SERIES, 0,
                             "entries of alpha* that are +inf: rows never among the n largest"},
        [COLUMN_RADIUS_LOWER] = {"curves/radius_lower", F64, SERIES, 1,
                                 "covering radius of the points' directions, from below; NaN where "
                                 "not computed"},
        [COLUMN_RADIUS_UPPER] = {"curves/radius_upper", F64, SERIES, 1,
                                 "the same from above; the two differ by rounding alone"},
        [COLUMN_RADIUS_SEARCH] = {"curves/radius_search", F64, SERIES, 1,
                                  "a lower bound of it found by search"},
        [COLUMN_RADIUS_EXPECTED] = {"curves/radius_expected", F64, SERIES, 1,
                                    "what it is close to for many points; not a bound"},
        [COLUMN_ALPHA_MIN] = {"curves/alpha_min", F64, SERIES, 0, "smallest entry of alpha* on K"},
        [COLUMN_ALPHA_MEAN] = {"curves/alpha_mean", F64, SERIES, 0,
                               "mean of the finite entries of alpha* on K"},
        [COLUMN_RECTIFIED] = {"curves/rectified", F64, SERIES, 0,
                              "share of the test points with at least n rows active at alpha*"},
        [COLUMN_CORRECTED_MIN] = {"curves/corrected_min", F64, SERIES, 1,
                                  "smallest entry of the error-corrected bias on K: a constant "
                                  "bias up to this is rectifying; NaN without radius_upper"},
        [COLUMN_CORRECTED_MEAN] = {"curves/corrected_mean", F64, SERIES, 1,
                                   "mean of its finite entries; NaN without radius_upper"},
        [COLUMN_CORRECTED_RECTIFIED] = {"curves/corrected_rectified", F64, SERIES, 1,
                                        "share of the test points with at least n rows active at "
                                        "it; NaN without radius_upper"},
        [COLUMN_ALPHA] = {"alpha/data", F64, ROWS, 0,
                          "alpha* on K after the last point, one entry a row of W"},
        [COLUMN_DIRECTION] = {"alpha/direction", F64, ROWS, 0,
                              "minima over the visited points before the radius of K is applied"},
        [COLUMN_ROW_NORM] = {"alpha/row_norm", F64, ROWS, 0, "norm of each row of W"},
        [COLUMN_CORRECTED] = {"alpha/corrected", F64, ROWS, 1,
                              "error-corrected bias on K after the last point, rectifying on K at "
                              "full spark; NaN without radius_upper"},
        [COLUMN_WITNESS] = {"witness/sample", I64, ROWS, 0,
                            "id of the point at which the row's entry was reached; -1 for none, "
                            "-2-j for the direction of row j"},
        [COLUMN_EXACT] = {"alpha/exact", F64, ROWS, 0, "exact alpha* on K; NaN where not computed"},
        [COLUMN_EXACT_MIN] = {"trials/exact_min", F64, SCALAR, 0,
                              "smallest entry of the exact alpha* on K; NaN where not computed"},
    };
    const covering_radius_t *params = handle;
    (void)err;
    return mcbe_layout_add_table(layout, columns,
                                 params->exact_work > 0.0 ? COLUMN_COUNT : FIRST_EXACT_COLUMN,
                                 "points", params->length, params->counts);
}

/* Rank 0 alone: alpha* at each of the counts, and the record. */
static mcbe_status_t finish_unit(const covering_radius_t *params, const mcbe_cell_t *cell,
                                 const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                                 const mcbe_bias_state_t *state, const mcbe_bias_events_t *history,
                                 covering_curves_t *curves, const mcbe_layout_t *layout,
                                 mcbe_record_t *record, mcbe_error_t *err)
{
    mcbe_bias_state_t early = {0};
    mcbe_fresh_t tests = {0};
    mcbe_status_t st;
    size_t seen = 0;
    MCBE_TRY(mcbe_bias_state_init(&early, frame->m));
    MCBE_TRY(mcbe_fresh_init(&tests, &params->setup.domain, frame, key, 0, params->tests));
    for (int64_t i = 0; i < params->length; i++) {
        mcbe_sampling_replay(history, &seen, params->counts[i], &early);
        MCBE_TRY(mcbe_covering_biases(params, frame, &tests, early.alpha, i, curves, err));
    }
    MCBE_TRY(mcbe_covering_write(params, cell, frame, state, curves, layout, record));
out:
    mcbe_fresh_free(&tests);
    mcbe_bias_state_free(&early);
    return st;
}

static mcbe_status_t compute_unit(const void *handle, const mcbe_cell_t *cells, int64_t count,
                                  int64_t trial, const mcbe_team_t *team,
                                  const mcbe_layout_t *layout, mcbe_record_t *records,
                                  mcbe_error_t *err)
{
    const covering_radius_t *params = handle;
    const mcbe_setup_t *setup = &params->setup;
    const mcbe_stream_key_t key = mcbe_setup_key(setup, cells, trial);
    mcbe_bias_events_t history = {0};
    mcbe_sampling_t sampling = mcbe_sampling_of(setup);
    mcbe_frame_t frame = {0};
    mcbe_bias_state_t state = {0};
    covering_curves_t curves = {0};
    mcbe_status_t st;
    MCBE_BUG_ASSERT(count == 1);
    sampling.history = &history;
    MCBE_TRY(mcbe_setup_frame(setup, &key, &frame));
    MCBE_TRY(mcbe_bias_state_init(&state, frame.m));
    MCBE_TRY(mcbe_covering_curves_init(&curves, params, &frame, err));
    MCBE_TRY(mcbe_sampling_run(&sampling, &frame, &key, team, &state, 1, err));
    MCBE_TRY(mcbe_covering_radii(params, &key, team, &curves, err));
    if (mcbe_comm_rank(team->comm) == 0) {
        MCBE_TRY(finish_unit(params, cells, &frame, &key, &state, &history, &curves, layout,
                             records, err));
    }
out:
    mcbe_covering_curves_free(&curves);
    mcbe_bias_state_free(&state);
    mcbe_frame_free(&frame);
    mcbe_bias_events_free(&history);
    return st;
}

const mcbe_experiment_t mcbe_covering_radius_experiment = {
    .table = {.experiment = "covering_radius",
              .summary = "the covering radius of the points, and alpha* before and after it is "
                         "corrected by it",
              .keys = keys},
    .open = open_params,
    .close = close_params,
    .plan = plan_cells,
    .layout = make_layout,
    .compute = compute_unit,
    .verify = mcbe_covering_verify,
};
