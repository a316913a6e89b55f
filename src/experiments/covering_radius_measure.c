#include <math.h>
#include <string.h>

#include "check.h"
#include "covering_radius_internal.h"
#include "mcbe/covering.h"
#include "mcbe/polytope.h"
#include "mcbe/stats.h"
#include "memory.h"
#include "recompute.h"

static double *series_of(const covering_curves_t *curves, covering_column_t column)
{
    return curves->series + (column - FIRST_SERIES) * curves->length;
}

mcbe_status_t mcbe_covering_curves_init(covering_curves_t *curves, const covering_radius_t *params,
                                        const mcbe_frame_t *frame, mcbe_error_t *err)
{
    const size_t length = (size_t)params->length, m = (size_t)frame->m;
    curves->length = params->length;
    curves->series = mcbe_alloc((END_OF_SERIES - FIRST_SERIES) * length, sizeof *curves->series);
    curves->infinite = mcbe_alloc(length, sizeof *curves->infinite);
    curves->corrected = mcbe_alloc(m, sizeof *curves->corrected);
    if (!curves->series || !curves->infinite || !curves->corrected) {
        return MCBE_ERR_NOMEM;
    }
    if (params->exact_work <= 0.0) {
        return MCBE_OK;
    }
    curves->exact = mcbe_alloc(m, sizeof *curves->exact);
    return curves->exact ? mcbe_setup_exact_alpha(&params->setup, frame, params->exact_work,
                                                  curves->exact, err)
                         : MCBE_ERR_NOMEM;
}

void mcbe_covering_curves_free(covering_curves_t *curves)
{
    mcbe_free(curves->exact);
    mcbe_free(curves->corrected);
    mcbe_free(curves->infinite);
    mcbe_free(curves->series);
    memset(curves, 0, sizeof *curves);
}

/* No n points surround 0. */
int mcbe_covering_takes_hull(const covering_radius_t *params, int n, int64_t count)
{
    return n <= MCBE_POLYTOPE_MAX_N && count > n &&
           mcbe_covering_work(n, (double)count) <= params->hull_work;
}

/* The first `count` points, up to their lengths. @param[out] x  [count][n] */
static mcbe_status_t fill_points(const mcbe_domain_t *domain, const mcbe_stream_key_t *key,
                                 int64_t count, double *x)
{
    const int64_t n = key->n, width = mcbe_domain_block_size((int)n);
    mcbe_stream_key_t stream = *key;
    float *block = mcbe_alloc((size_t)(n * width), sizeof *block);
    double *scale = mcbe_alloc((size_t)width, sizeof *scale);
    const mcbe_status_t st = block && scale ? MCBE_OK : MCBE_ERR_NOMEM;
    for (int64_t i = 0; i < count && st == MCBE_OK; i++) {
        const int64_t s = i % width;
        if (s == 0) {
            stream.block = i / width;
            mcbe_domain_fill(domain, (int)n, &stream, block, scale);
        }
        for (int64_t k = 0; k < n; k++) {
            x[i * n + k] = (double)block[k * width + s];
        }
    }
    mcbe_free(scale);
    mcbe_free(block);
    return st;
}

/* The radii of the first counts[i] points. Where the hull proves nothing there is no upper bound. */
static mcbe_status_t measure_radii(const covering_radius_t *params, const mcbe_stream_key_t *key,
                                   const double *x, int64_t i, covering_curves_t *curves,
                                   mcbe_error_t *err)
{
    const int n = (int)key->n, count = (int)params->counts[i];
    mcbe_covering_t covering = {.lower = (double)NAN, .upper = (double)NAN};
    mcbe_stream_key_t stream = *key;
    mcbe_rng_t rng;
    mcbe_status_t st;
    if (mcbe_covering_takes_hull(params, n, count)) {
        mcbe_error_t reason = {0};
        st = mcbe_covering_radius(n, count, x, &covering, NULL, &reason);
        if (st != MCBE_OK && st != MCBE_ERR_VALUE) {
            return mcbe_fail(err, st, "%s", reason.text);
        }
    }
    stream.purpose = MCBE_PURPOSE_COVERING;
    stream.block = count;
    mcbe_rng_init(&rng, &stream);
    MCBE_TRY(mcbe_covering_search(n, count, x, &rng, params->visits,
                                  series_of(curves, COLUMN_RADIUS_SEARCH) + i, NULL, err));
    series_of(curves, COLUMN_RADIUS_LOWER)[i] = covering.lower;
    series_of(curves, COLUMN_RADIUS_UPPER)[i] = covering.upper;
    series_of(curves, COLUMN_RADIUS_EXPECTED)[i] = mcbe_covering_expected(n, count);
out:
    return st;
}

mcbe_status_t mcbe_covering_radii(const covering_radius_t *params, const mcbe_stream_key_t *key,
                                  const mcbe_team_t *team, covering_curves_t *curves,
                                  mcbe_error_t *err)
{
    const int64_t rank = mcbe_team_rank(team), size = mcbe_team_size(team);
    const int64_t last = params->counts[params->length - 1];
    mcbe_status_t st;
    double *x = mcbe_alloc((size_t)(last * key->n), sizeof *x);
    MCBE_TRY(x ? MCBE_OK : MCBE_ERR_NOMEM);
    MCBE_TRY(fill_points(&params->setup.domain, key, last, x));
    for (int64_t i = 0; i < params->length; i++) {
        if (i % size == rank) {
            MCBE_TRY(measure_radii(params, key, x, i, curves, err));
        }
        if (mcbe_team_look(team)) {
            break;
        }
    }
    MCBE_TRY(mcbe_team_go_on(team));
    MCBE_TRY(mcbe_team_share_f64(team, curves->series,
                                 (size_t)((FIRST_BIAS_SERIES - FIRST_SERIES) * curves->length)));
out:
    mcbe_free(x);
    return st;
}

/* Share of the test points with at least n rows active, of directions against directions. */
static double rectified(const mcbe_fresh_t *tests, const mcbe_frame_t *frame, const double *bias)
{
    int64_t count = 0;
    for (int64_t k = 0; k < tests->count; k++) {
        count += mcbe_fresh_rectified(tests, frame, bias, k);
    }
    return (double)count / (double)tests->count;
}

mcbe_status_t mcbe_covering_biases(const covering_radius_t *params, const mcbe_frame_t *frame,
                                   const mcbe_fresh_t *tests, const double *direction, int64_t i,
                                   covering_curves_t *curves, mcbe_error_t *err)
{
    static const mcbe_domain_t unit = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1.0};
    const mcbe_domain_t *domain = &params->setup.domain;
    const double radius = series_of(curves, COLUMN_RADIUS_UPPER)[i];
    const int m = frame->m;
    mcbe_summary_t summary;
    mcbe_status_t st;
    double *bias = mcbe_alloc((size_t)m, sizeof *bias);
    MCBE_TRY(bias ? MCBE_OK : MCBE_ERR_NOMEM);
    series_of(curves, COLUMN_RECTIFIED)[i] = rectified(tests, frame, direction);
    mcbe_domain_finish(domain, m, direction, bias);
    mcbe_summarize(bias, m, &summary);
    curves->infinite[i] = summary.infinite;
    series_of(curves, COLUMN_ALPHA_MIN)[i] = summary.min;
    series_of(curves, COLUMN_ALPHA_MEAN)[i] = summary.mean;
    series_of(curves, COLUMN_CORRECTED_RECTIFIED)[i] = (double)NAN;
    series_of(curves, COLUMN_CORRECTED_MIN)[i] = (double)NAN;
    series_of(curves, COLUMN_CORRECTED_MEAN)[i] = (double)NAN;
    for (int j = 0; j < m; j++) {
        curves->corrected[j] = (double)NAN;
    }
    if (!isnan(radius)) {
        MCBE_TRY(mcbe_covering_correct(frame, &unit, radius, direction, bias, err));
        series_of(curves, COLUMN_CORRECTED_RECTIFIED)[i] = rectified(tests, frame, bias);
        MCBE_TRY(mcbe_covering_correct(frame, domain, radius, direction, curves->corrected, err));
        mcbe_summarize(curves->corrected, m, &summary);
        series_of(curves, COLUMN_CORRECTED_MIN)[i] = summary.min;
        series_of(curves, COLUMN_CORRECTED_MEAN)[i] = summary.mean;
    }
out:
    mcbe_free(bias);
    return st;
}

mcbe_status_t mcbe_covering_write(const covering_radius_t *params, const mcbe_cell_t *cell,
                                  const mcbe_frame_t *frame, const mcbe_bias_state_t *state,
                                  const covering_curves_t *curves, const mcbe_layout_t *layout,
                                  mcbe_record_t *record)
{
    double *alpha = mcbe_alloc((size_t)state->m, sizeof *alpha);
    if (!alpha) {
        return MCBE_ERR_NOMEM;
    }
    mcbe_domain_finish(&params->setup.domain, state->m, state->alpha, alpha);
    mcbe_record_set_i64(record, layout, cell, COLUMN_SAMPLES, &state->samples);
    mcbe_record_set_i64(record, layout, cell, COLUMN_UPDATES, &state->updates);
    mcbe_record_set_i64(record, layout, cell, COLUMN_LAST_UPDATE, &state->last_update);
    mcbe_record_set_i64(record, layout, cell, COLUMN_INFINITE, curves->infinite);
    for (int column = FIRST_SERIES; column < END_OF_SERIES; column++) {
        mcbe_record_set_f64(record, layout, cell, column,
                            series_of(curves, (covering_column_t)column));
    }
    mcbe_record_set_f64(record, layout, cell, COLUMN_ALPHA, alpha);
    mcbe_record_set_f64(record, layout, cell, COLUMN_DIRECTION, state->alpha);
    mcbe_record_set_f64(record, layout, cell, COLUMN_ROW_NORM, frame->norm);
    mcbe_record_set_f64(record, layout, cell, COLUMN_CORRECTED, curves->corrected);
    mcbe_record_set_i64(record, layout, cell, COLUMN_WITNESS, state->witness);
    if (curves->exact) {
        double least = (double)NAN;
        for (int j = 0; j < state->m; j++) {
            least = fmin(least, curves->exact[j]);
        }
        mcbe_record_set_f64(record, layout, cell, COLUMN_EXACT, curves->exact);
        mcbe_record_set_f64(record, layout, cell, COLUMN_EXACT_MIN, &least);
    }
    mcbe_free(alpha);
    return MCBE_OK;
}

mcbe_status_t mcbe_covering_verify(const void *handle, const mcbe_cell_t *cell, int64_t trial,
                                   const mcbe_layout_t *layout, const mcbe_record_t *record,
                                   mcbe_error_t *err)
{
    const covering_radius_t *params = handle;
    const mcbe_stream_key_t key = mcbe_setup_key(&params->setup, cell, trial);
    mcbe_frame_t frame = {0};
    mcbe_walk_t walk = {0};
    mcbe_fresh_t tests = {0};
    covering_curves_t curves = {0};
    mcbe_record_t again = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_setup_frame(&params->setup, &key, &frame));
    MCBE_TRY(mcbe_walk_init(&walk, &params->setup, &frame, &key));
    MCBE_TRY(mcbe_fresh_init(&tests, &params->setup.domain, &frame, &key, 0, params->tests));
    MCBE_TRY(mcbe_covering_curves_init(&curves, params, &frame, err));
    MCBE_TRY(mcbe_record_init(&again, layout, record->cell, trial, cell));
    MCBE_TRY(mcbe_covering_radii(params, &key, NULL, &curves, err));
    for (int64_t i = 0; i < params->length; i++) {
        MCBE_TRY(mcbe_walk_to(&walk, params->counts[i]));
        MCBE_TRY(mcbe_covering_biases(params, &frame, &tests, walk.state.alpha, i, &curves, err));
    }
    MCBE_TRY(mcbe_covering_write(params, cell, &frame, &walk.state, &curves, layout, &again));
    MCBE_TRY(mcbe_recompute_compare(layout, cell, record, &again, err));
out:
    mcbe_record_free(&again);
    mcbe_covering_curves_free(&curves);
    mcbe_fresh_free(&tests);
    mcbe_walk_free(&walk);
    mcbe_frame_free(&frame);
    return st;
}
