#include <math.h>
#include <string.h>

#include "check.h"
#include "convergence_internal.h"
#include "mcbe/stats.h"
#include "memory.h"

/* Test points between two looks at the other ranks. */
#define TESTS_AT_A_TIME 256

mcbe_status_t mcbe_test_set_init(test_set_t *tests, const convergence_t *params,
                                 const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                                 int64_t first, int64_t last)
{
    mcbe_status_t st;
    MCBE_TRY(mcbe_fresh_init(&tests->fresh, &params->setup.domain, frame, key, first, last));
    tests->points = mcbe_alloc((size_t)(last - first), sizeof *tests->points);
    tests->alpha = mcbe_alloc((size_t)frame->m, sizeof *tests->alpha);
    MCBE_TRY(tests->points && tests->alpha ? MCBE_OK : MCBE_ERR_NOMEM);
    for (; tests->lowering < tests->fresh.count; tests->lowering++) {
        tests->points[tests->lowering] = tests->lowering;
    }
out:
    return st;
}

void mcbe_test_set_free(test_set_t *tests)
{
    mcbe_free(tests->points);
    mcbe_free(tests->alpha);
    mcbe_fresh_free(&tests->fresh);
    memset(tests, 0, sizeof *tests);
}

mcbe_status_t mcbe_curves_init(curves_t *curves, const convergence_t *params,
                               const mcbe_frame_t *frame, mcbe_error_t *err)
{
    const size_t count = (size_t)params->length;
    curves->no_update = mcbe_alloc(count, sizeof *curves->no_update);
    curves->rectified = mcbe_alloc(count, sizeof *curves->rectified);
    curves->infinite = mcbe_alloc(count, sizeof *curves->infinite);
    curves->mean = mcbe_alloc(count, sizeof *curves->mean);
    if (!curves->no_update || !curves->rectified || !curves->infinite || !curves->mean) {
        return MCBE_ERR_NOMEM;
    }
    if (params->exact_work <= 0.0) {
        return MCBE_OK;
    }
    curves->exact = mcbe_alloc((size_t)frame->m, sizeof *curves->exact);
    curves->excess_max = mcbe_alloc(count, sizeof *curves->excess_max);
    curves->excess_mean = mcbe_alloc(count, sizeof *curves->excess_mean);
    if (!curves->exact || !curves->excess_max || !curves->excess_mean) {
        return MCBE_ERR_NOMEM;
    }
    return mcbe_setup_exact_alpha(&params->setup, frame, params->exact_work, curves->exact, err);
}

void mcbe_curves_free(curves_t *curves)
{
    mcbe_free(curves->excess_mean);
    mcbe_free(curves->excess_max);
    mcbe_free(curves->exact);
    mcbe_free(curves->mean);
    mcbe_free(curves->infinite);
    mcbe_free(curves->rectified);
    mcbe_free(curves->no_update);
    memset(curves, 0, sizeof *curves);
}

/* How far alpha* is above the exact one, +inf while a row that has an exact one was never among the
 * n largest. */
static void measure_excess(int m, const double *alpha, int64_t i, curves_t *curves)
{
    double largest = (double)NAN, sum = 0.0;
    int count = 0;
    for (int j = 0; j < m; j++) {
        if (isfinite(curves->exact[j])) {
            const double excess = alpha[j] - curves->exact[j];
            largest = count == 0 || excess > largest ? excess : largest;
            sum += excess;
            count++;
        }
    }
    curves->excess_max[i] = largest;
    curves->excess_mean[i] = count > 0 ? sum / count : (double)NAN;
}

void mcbe_curves_measure(const convergence_t *params, const mcbe_frame_t *frame, test_set_t *tests,
                         const double *direction, const mcbe_team_t *team, int64_t i,
                         curves_t *curves)
{
    const int m = frame->m;
    int64_t lowering = 0, rectified = 0;
    mcbe_summary_t summary;
    for (int64_t k = 0; k < tests->lowering; k++) {
        const int64_t point = tests->points[k];
        if (k % TESTS_AT_A_TIME == 0 && mcbe_team_look(team)) {
            return;
        }
        if (mcbe_bias_would_lower(frame->n, m, direction, tests->fresh.c + point * m)) {
            tests->points[lowering++] = point;
            rectified += mcbe_fresh_rectified(&tests->fresh, frame, direction, point);
        }
    }
    tests->lowering = lowering;
    curves->no_update[i] = tests->fresh.count - lowering;
    /* where nothing would be lowered all n rows of J_x are at or above their alpha* */
    curves->rectified[i] = tests->fresh.count - lowering + rectified;
    mcbe_domain_finish(&params->setup.domain, m, direction, tests->alpha);
    mcbe_summarize(tests->alpha, m, &summary);
    curves->infinite[i] = summary.infinite;
    curves->mean[i] = summary.mean;
    if (curves->exact) {
        measure_excess(m, tests->alpha, i, curves);
    }
}

/* Counts of test points as shares of all of them. */
static void put_share(const convergence_t *params, const mcbe_cell_t *cell, const int64_t *counts,
                      double *shares, int column, const mcbe_layout_t *layout,
                      mcbe_record_t *record)
{
    for (int64_t i = 0; i < params->length; i++) {
        shares[i] = (double)counts[i] / (double)params->tests;
    }
    mcbe_record_set_f64(record, layout, cell, column, shares);
}

mcbe_status_t mcbe_convergence_write(const convergence_t *params, const mcbe_cell_t *cell,
                                     const mcbe_frame_t *frame, const mcbe_bias_state_t *state,
                                     const curves_t *curves, const mcbe_layout_t *layout,
                                     mcbe_record_t *record)
{
    mcbe_status_t st = MCBE_OK;
    double *shares = mcbe_alloc((size_t)params->length, sizeof *shares);
    double *alpha = mcbe_alloc((size_t)state->m, sizeof *alpha);
    if (!shares || !alpha) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    put_share(params, cell, curves->no_update, shares, COLUMN_NO_UPDATE, layout, record);
    put_share(params, cell, curves->rectified, shares, COLUMN_RECTIFIED, layout, record);
    mcbe_record_set_i64(record, layout, cell, COLUMN_INFINITE, curves->infinite);
    mcbe_record_set_f64(record, layout, cell, COLUMN_MEAN, curves->mean);
    mcbe_domain_finish(&params->setup.domain, state->m, state->alpha, alpha);
    mcbe_record_set_i64(record, layout, cell, COLUMN_SAMPLES, &state->samples);
    mcbe_record_set_i64(record, layout, cell, COLUMN_UPDATES, &state->updates);
    mcbe_record_set_i64(record, layout, cell, COLUMN_LAST_UPDATE, &state->last_update);
    mcbe_record_set_f64(record, layout, cell, COLUMN_ALPHA, alpha);
    mcbe_record_set_f64(record, layout, cell, COLUMN_DIRECTION, state->alpha);
    mcbe_record_set_f64(record, layout, cell, COLUMN_ROW_NORM, frame->norm);
    mcbe_record_set_i64(record, layout, cell, COLUMN_WITNESS, state->witness);
    if (curves->exact) {
        mcbe_record_set_f64(record, layout, cell, COLUMN_EXACT, curves->exact);
        mcbe_record_set_f64(record, layout, cell, COLUMN_EXCESS_MAX, curves->excess_max);
        mcbe_record_set_f64(record, layout, cell, COLUMN_EXCESS_MEAN, curves->excess_mean);
    }
out:
    mcbe_free(alpha);
    mcbe_free(shares);
    return st;
}
