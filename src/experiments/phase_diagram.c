#include "phase_diagram.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "mcbe/injectivity.h"
#include "mcbe/stats.h"
#include "memory.h"
#include "phase_diagram_internal.h"

static const mcbe_key_t keys[] = {
    {.path = "experiment",
     .type = MCBE_KEY_STRING,
     .help = "Which experiment this file describes."},
    {.path = "seed",
     .type = MCBE_KEY_INT,
     .fallback = "20240101",
     .max = 9007199254740991.0,
     .help = "Seed of every random number; same seed, same results."},
    {.path = "trials",
     .type = MCBE_KEY_INT,
     .flags = MCBE_KEY_GROWS,
     .fallback = "1",
     .min = 1,
     .max = 1000000,
     .help = "Weight matrices per cell."},
    {.path = "grid.n",
     .type = MCBE_KEY_AXIS,
     .min = 1,
     .max = MCBE_MAX_N,
     .help = "Input dimensions n."},
    {.path = "grid.m",
     .type = MCBE_KEY_AXIS,
     .min = 1,
     .max = MCBE_MAX_M,
     .help = "Numbers of rows m; cells with m < n are left out."},
    {.path = "grid.nested",
     .type = MCBE_KEY_BOOL,
     .fallback = "false",
     .help = "For each n, let the layer with m rows be the first m rows of the largest one and "
             "share the "
             "points: one pass serves all m, whose results are then correlated."},
    MCBE_FRAME_KEYS,
    MCBE_DOMAIN_KEYS,
    MCBE_SAMPLING_KEYS,
    MCBE_BIAS_KEYS,
    MCBE_RUN_KEYS,
    {.path = NULL},
};

static int on_axis(const int64_t *axis, int count, int64_t value)
{
    for (int i = 0; i < count; i++) {
        if (axis[i] == value) {
            return 1;
        }
    }
    return 0;
}

static mcbe_status_t check_grid(const params_t *params, const mcbe_config_t *config,
                                mcbe_error_t *err)
{
    int m, n;
    const int64_t n_min = params->n_axis[0], m_max = params->m_axis[params->m_count - 1];
    if (m_max < n_min) {
        return mcbe_config_reject(config, err, "grid.m",
                                  "up to %lld, but n starts at %lld; no cell with m >= n is left",
                                  (long long)m_max, (long long)n_min);
    }
    if (mcbe_setup_fixed_shape(&params->setup, &m, &n) &&
        (!on_axis(params->n_axis, params->n_count, n) ||
         !on_axis(params->m_axis, params->m_count, m) || params->n_count * params->m_count != 1)) {
        return mcbe_config_reject(config, err, "grid.m",
                                  "does not fit the weight matrix, which is %d x %d; grid: {n: %d, "
                                  "m: %d} is the only cell there is",
                                  m, n, n, m);
    }
    return MCBE_OK;
}

static void close_params(void **handle)
{
    params_t *params = *handle;
    if (params) {
        mcbe_setup_free(&params->setup);
        mcbe_free(params);
        *handle = NULL;
    }
}

static mcbe_status_t open_params(mcbe_config_t *config, void **handle, mcbe_error_t *err)
{
    params_t *params = mcbe_alloc(1, sizeof *params);
    if (!params) {
        return MCBE_ERR_NOMEM;
    }
    mcbe_status_t st = mcbe_setup_open(&params->setup, config, err);
    params->trials = mcbe_config_int(config, "trials");
    params->nested = mcbe_config_bool(config, "grid.nested");
    params->n_axis = mcbe_config_axis(config, "grid.n", &params->n_count);
    params->m_axis = mcbe_config_axis(config, "grid.m", &params->m_count);
    if (st == MCBE_OK) {
        st = check_grid(params, config, err);
    }
    *handle = params;
    if (st != MCBE_OK) {
        close_params(handle);
    }
    return st;
}

/* Seconds of one cell on one core, as measured on a 2023 server (AVX-512). A cell that shares its
 * points with others pays for its screening only. */
static double seconds_of_cell(const mcbe_setup_t *setup, double n, double m, int shares)
{
    const double samples = (double)setup->samples;
    const double draw = 4e-9 + 1.6e-9 * n + 2.0 * m * n / 9e10; /* normals and product of a point */
    const double updates = m * (1.0 + log(1.0 + samples / m));
    const double visits = updates * (0.25e-9 * m * n + 4e-9 * m);
    if (setup->design == MCBE_DESIGN_PAIRED) {
        const double screen = 2e-9 + 0.02e-9 * n + 0.03e-9 * m;
        return 5e-5 + visits + samples * screen + (shares ? 0.0 : 2.0 * sqrt(samples) * draw);
    }
    const double screen = 1e-9 + 0.15e-9 * m;
    return 5e-5 + visits + samples * (screen + (shares ? 0.0 : draw));
}

/* Frame and its transpose, screening copies, one block of points and coefficients, or the two
 * banks. */
static double bytes_of_cell(const mcbe_setup_t *setup, double n, double m)
{
    const double width = mcbe_domain_block_size((int)n);
    double bytes = 24.0 * n * m + 8.0 * width * (2.0 * n + m) + 64.0 * m;
    if (setup->design == MCBE_DESIGN_PAIRED) {
        bytes += 2.0 * (sqrt((double)setup->samples) + width) * (8.0 * n + 9.0 * m);
    }
    return bytes;
}

static mcbe_status_t plan_cells(const void *handle, mcbe_plan_t *plan, mcbe_error_t *err)
{
    const params_t *params = handle;
    const mcbe_setup_t *setup = &params->setup;
    (void)err;
    memset(plan, 0, sizeof *plan);
    plan->cells =
        mcbe_alloc((size_t)params->n_count * (size_t)params->m_count, sizeof *plan->cells);
    if (!plan->cells) {
        return MCBE_ERR_NOMEM;
    }
    plan->trials = params->trials;
    for (int i = 0; i < params->n_count; i++) {
        for (int k = 0; k < params->m_count; k++) {
            const int64_t n = params->n_axis[i], m = params->m_axis[k];
            const double fn = (double)n, fm = (double)m;
            if (m < n) {
                continue;
            }
            const int shares = params->nested && k < params->m_count - 1;
            const int joins = params->nested && k > 0 && params->m_axis[k - 1] >= n;
            const double products = setup->design == MCBE_DESIGN_PAIRED
                                        ? 2.0 * sqrt((double)setup->samples)
                                        : (double)setup->samples;
            plan->cells[plan->cell_count++] =
                (mcbe_cell_t){.n = n,
                              .m = m,
                              .flops = shares ? 0.0 : 2.0 * fn * fm * products,
                              .seconds = seconds_of_cell(setup, fn, fm, shares),
                              .bytes = bytes_of_cell(setup, fn, fm),
                              .joins = joins};
        }
    }
    return MCBE_OK;
}

/* "trials/<quantity>/<family>" */
static int add_family_column(mcbe_layout_t *layout, const char *quantity, const char *family,
                             mcbe_column_type_t type, const char *description)
{
    char path[160];
    snprintf(path, sizeof path, "trials/%s/%s", quantity, family);
    return mcbe_layout_add(layout, &(mcbe_column_t){.path = path,
                                                    .type = type,
                                                    .shape = MCBE_SHAPE_SCALAR,
                                                    .units = "1",
                                                    .description = description});
}

static mcbe_status_t make_layout(const void *handle, mcbe_layout_t *layout, mcbe_error_t *err)
{
    static const struct {
        char *path;
        mcbe_column_type_t type;
        mcbe_column_shape_t shape;
        const char *description;
    } fixed[COLUMN_COUNT] = {
        [COLUMN_SAMPLES] = {"trials/samples", MCBE_COLUMN_I64, MCBE_SHAPE_SCALAR, "points visited"},
        [COLUMN_UPDATES] = {"trials/updates", MCBE_COLUMN_I64, MCBE_SHAPE_SCALAR,
                            "points that lowered at least one entry of alpha*"},
        [COLUMN_LAST_UPDATE] = {"trials/last_update", MCBE_COLUMN_I64, MCBE_SHAPE_SCALAR,
                                "id of the last point that lowered an entry; -1 for none"},
        [COLUMN_MIN_ACTIVE] = {"trials/min_active", MCBE_COLUMN_I32, MCBE_SHAPE_SCALAR,
                               "smallest number of rows active at bias 0 at any visited point"},
        [COLUMN_MIN_ACTIVE_SAMPLE] = {"trials/min_active_sample", MCBE_COLUMN_I64,
                                      MCBE_SHAPE_SCALAR, "id of the first point with min_active"},
        [COLUMN_UNCONSTRAINED] = {"trials/unconstrained", MCBE_COLUMN_I32, MCBE_SHAPE_SCALAR,
                                  "rows never among the n largest: their alpha* is +inf and they "
                                  "count as satisfied"},
        [COLUMN_ALPHA_MIN] = {"trials/alpha_min", MCBE_COLUMN_F64, MCBE_SHAPE_SCALAR,
                              "smallest finite entry of alpha*, in the unit of bias_scale"},
        [COLUMN_ALPHA_MEAN] = {"trials/alpha_mean", MCBE_COLUMN_F64, MCBE_SHAPE_SCALAR,
                               "mean of the finite entries of alpha*, in the unit of bias_scale"},
        [COLUMN_ALPHA] = {"alpha/data", MCBE_COLUMN_F64, MCBE_SHAPE_ROWS,
                          "alpha* on K, one entry a row of W"},
        [COLUMN_DIRECTION] = {"alpha/direction", MCBE_COLUMN_F64, MCBE_SHAPE_ROWS,
                              "minima over the visited points before the radius of K is applied"},
        [COLUMN_ROW_NORM] = {"alpha/row_norm", MCBE_COLUMN_F64, MCBE_SHAPE_ROWS,
                             "norm of each row of W"},
        [COLUMN_WITNESS] = {"witness/sample", MCBE_COLUMN_I64, MCBE_SHAPE_ROWS,
                            "id of the point at which the row's entry was reached; -1 for none, "
                            "-2-j for the direction of row j"},
    };
    const mcbe_setup_t *setup = &((const params_t *)handle)->setup;
    (void)err;
    int added = 0;
    for (int i = 0; i < COLUMN_COUNT && added >= 0; i++) {
        added = mcbe_layout_add(layout, &(mcbe_column_t){.path = fixed[i].path,
                                                         .type = fixed[i].type,
                                                         .shape = fixed[i].shape,
                                                         .units = "1",
                                                         .description = fixed[i].description});
    }
    for (int i = 0; i < setup->family_count && added >= 0; i++) {
        const char *name = setup->families[i].name;
        if (add_family_column(layout, "hamming", name, MCBE_COLUMN_F64,
                              "share of rows whose bias is at most alpha* (p_H)") < 0 ||
            add_family_column(layout, "mcbe_injective", name, MCBE_COLUMN_I8,
                              "1 if that share is 1: injective as far as the visited points can "
                              "tell") < 0) {
            return MCBE_ERR_NOMEM;
        }
        added = add_family_column(layout, "verdict", name, MCBE_COLUMN_I8,
                                  "1 proven rectifying on K, 0 refuted by a visited point, 2 "
                                  "undecided, -1 not run");
    }
    return added < 0 ? MCBE_ERR_NOMEM : MCBE_OK;
}

/* Rows active at a bias >= 0 are active at 0 as well, so too few at 0 refutes every such bias. */
static int64_t verdict(const mcbe_frame_t *frame, const mcbe_bias_state_t *state,
                       const double *bias)
{
    for (int j = 0; j < state->m; j++) {
        if (bias[j] < 0.0) {
            return VERDICT_UNDECIDED;
        }
    }
    return state->min_active < frame->n ? VERDICT_REFUTED : VERDICT_UNDECIDED;
}

static mcbe_status_t derive_families(const params_t *params, const mcbe_cell_t *cell,
                                     const mcbe_stream_key_t *key, const mcbe_frame_t *frame,
                                     const mcbe_bias_state_t *state, const double *alpha,
                                     const mcbe_layout_t *layout, mcbe_record_t *record)
{
    const int m = state->m;
    double *bias = mcbe_alloc((size_t)m, sizeof *bias);
    mcbe_status_t st = bias ? MCBE_OK : MCBE_ERR_NOMEM;
    for (int i = 0; i < params->setup.family_count && st == MCBE_OK; i++) {
        st = mcbe_setup_bias(&params->setup, i, key, bias);
        if (st != MCBE_OK) {
            break;
        }
        mcbe_hamming_t hamming;
        mcbe_hamming(m, alpha, bias, mcbe_setup_bias_unit(&params->setup, frame), &hamming);
        const double share = (double)hamming.satisfied / (double)m;
        const int64_t injective = hamming.satisfied == m;
        const int64_t found = verdict(frame, state, bias);
        mcbe_record_set_f64(record, layout, cell, column_of_family(i, FAMILY_HAMMING), &share);
        mcbe_record_set_i64(record, layout, cell, column_of_family(i, FAMILY_INJECTIVE),
                            &injective);
        mcbe_record_set_i64(record, layout, cell, column_of_family(i, FAMILY_VERDICT), &found);
    }
    mcbe_free(bias);
    return st;
}

mcbe_status_t derive_record(const params_t *params, const mcbe_cell_t *cell, int64_t trial,
                            const mcbe_frame_t *frame, const mcbe_bias_state_t *state,
                            const mcbe_layout_t *layout, mcbe_record_t *record)
{
    const mcbe_stream_key_t key = key_of_cell(params, cell, trial);
    const int m = state->m;
    const double *unit = mcbe_setup_bias_unit(&params->setup, frame);
    double *alpha = mcbe_alloc((size_t)m, sizeof *alpha);
    double *scaled = mcbe_alloc((size_t)m, sizeof *scaled);
    mcbe_status_t st = alpha && scaled ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        mcbe_summary_t summary;
        mcbe_domain_finish(&params->setup.domain, m, state->alpha, alpha);
        for (int j = 0; j < m; j++) {
            scaled[j] = unit ? alpha[j] / unit[j] : alpha[j];
        }
        mcbe_summarize(scaled, m, &summary);
        mcbe_record_set_i64(record, layout, cell, COLUMN_SAMPLES, &state->samples);
        mcbe_record_set_i64(record, layout, cell, COLUMN_UPDATES, &state->updates);
        mcbe_record_set_i64(record, layout, cell, COLUMN_LAST_UPDATE, &state->last_update);
        mcbe_record_set_i64(record, layout, cell, COLUMN_MIN_ACTIVE, &state->min_active);
        mcbe_record_set_i64(record, layout, cell, COLUMN_MIN_ACTIVE_SAMPLE,
                            &state->min_active_sample);
        mcbe_record_set_i64(record, layout, cell, COLUMN_UNCONSTRAINED, &summary.infinite);
        mcbe_record_set_f64(record, layout, cell, COLUMN_ALPHA_MIN, &summary.min);
        mcbe_record_set_f64(record, layout, cell, COLUMN_ALPHA_MEAN, &summary.mean);
        mcbe_record_set_f64(record, layout, cell, COLUMN_ALPHA, alpha);
        mcbe_record_set_f64(record, layout, cell, COLUMN_DIRECTION, state->alpha);
        mcbe_record_set_f64(record, layout, cell, COLUMN_ROW_NORM, frame->norm);
        mcbe_record_set_i64(record, layout, cell, COLUMN_WITNESS, state->witness);
        st = derive_families(params, cell, &key, frame, state, alpha, layout, record);
    }
    mcbe_free(scaled);
    mcbe_free(alpha);
    return st;
}

static mcbe_status_t compute_job(const void *handle, const mcbe_cell_t *cells, int64_t count,
                                 int64_t trial, const mcbe_team_t *team,
                                 const mcbe_layout_t *layout, mcbe_record_t *records,
                                 mcbe_error_t *err)
{
    const params_t *params = handle;
    const mcbe_setup_t *setup = &params->setup;
    const mcbe_stream_key_t key = key_of_points(params, cells, trial);
    const mcbe_sampling_t sampling = {.domain = setup->domain,
                                      .design = setup->design,
                                      .precision = setup->precision,
                                      .samples = setup->samples,
                                      .unchanged = setup->unchanged,
                                      .init_rows = setup->init_rows};
    mcbe_frame_t frame = {0};
    mcbe_status_t st;
    mcbe_bias_state_t *states = mcbe_alloc((size_t)count, sizeof *states);
    if (!states) {
        return MCBE_ERR_NOMEM;
    }
    MCBE_TRY(mcbe_setup_frame(setup, &key, &frame));
    for (int64_t i = 0; i < count; i++) {
        MCBE_TRY(mcbe_bias_state_init(&states[i], (int)cells[i].m));
    }
    MCBE_TRY(mcbe_sampling_run(&sampling, &frame, &key, team, states, (int)count, err));
    for (int64_t i = 0; i < count && mcbe_comm_rank(team->comm) == 0; i++) {
        MCBE_TRY(derive_record(params, &cells[i], trial, &frame, &states[i], layout, &records[i]));
    }
out:
    for (int64_t i = 0; i < count; i++) {
        mcbe_bias_state_free(&states[i]);
    }
    mcbe_free(states);
    mcbe_frame_free(&frame);
    return st;
}

const mcbe_experiment_t mcbe_phase_diagram = {
    .table = {.experiment = "phase_diagram",
              .summary = "alpha* and Hamming proportions of random layers over a grid of (n, m)",
              .keys = keys},
    .open = open_params,
    .close = close_params,
    .plan = plan_cells,
    .layout = make_layout,
    .compute = compute_job,
    .verify = verify_unit,
};
