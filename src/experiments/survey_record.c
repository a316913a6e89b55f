#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "mcbe/injectivity.h"
#include "mcbe/stats.h"
#include "memory.h"
#include "survey.h"

mcbe_status_t mcbe_findings_init(mcbe_findings_t *findings, const mcbe_survey_t *survey,
                                 const mcbe_cell_t *cell)
{
    const size_t m = (size_t)cell->m;
    mcbe_status_t st;
    memset(findings, 0, sizeof *findings);
    findings->injective = -1;
    findings->points.n = (int)cell->n;
    MCBE_TRY(mcbe_bias_state_init(&findings->state, (int)cell->m));
    MCBE_TRY(
        mcbe_certificates_init(&findings->certificates, survey->setup.family_count, (int)cell->n));
    const struct {
        mcbe_phase_t phase;
        double **values;
    } optional[] = {{MCBE_PHASE_SEARCH, &findings->uniform},
                    {MCBE_PHASE_EXACT, &findings->exact},
                    {MCBE_PHASE_POLYTOPE, &findings->polytope}};
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++) {
        if (!mcbe_survey_has(survey, optional[i].phase)) {
            continue;
        }
        double *values = mcbe_alloc(m, sizeof *values);
        if (!values) {
            st = MCBE_ERR_NOMEM;
            goto out;
        }
        for (size_t j = 0; j < m; j++) {
            values[j] = (double)NAN;
        }
        *optional[i].values = values;
    }
    if (mcbe_survey_has(survey, MCBE_PHASE_SEARCH)) {
        findings->uniform_witness = mcbe_alloc(m, sizeof *findings->uniform_witness);
        st = findings->uniform_witness ? MCBE_OK : MCBE_ERR_NOMEM;
        MCBE_TRY(st);
    }
    const struct {
        mcbe_phase_t phase;
        int64_t **counts;
    } shares[] = {{MCBE_PHASE_SHARES, &findings->rectified},
                  {MCBE_PHASE_TEST, &findings->test_rectified}};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        if (mcbe_survey_has(survey, shares[i].phase)) {
            *shares[i].counts =
                mcbe_alloc(1 + (size_t)survey->setup.family_count, sizeof **shares[i].counts);
            MCBE_TRY(*shares[i].counts ? MCBE_OK : MCBE_ERR_NOMEM);
        }
    }
out:
    return st;
}

void mcbe_findings_free(mcbe_findings_t *findings)
{
    mcbe_free(findings->polytope);
    mcbe_free(findings->exact);
    mcbe_free(findings->uniform);
    mcbe_free(findings->uniform_witness);
    mcbe_free(findings->rectified);
    mcbe_free(findings->test_rectified);
    mcbe_points_free(&findings->points);
    mcbe_certificates_free(&findings->certificates);
    mcbe_bias_state_free(&findings->state);
    memset(findings, 0, sizeof *findings);
}

/* A record being written, so that a quantity this run does not have costs its writer nothing. */
typedef struct writer {
    const mcbe_survey_t *survey;
    const mcbe_cell_t *cell;
    const mcbe_layout_t *layout;
    mcbe_record_t *record;
} writer_t;

static void put_f64(const writer_t *w, int column, const double *values)
{
    if (column >= 0) {
        mcbe_record_set_f64(w->record, w->layout, w->cell, column, values);
    }
}

static void put_i64(const writer_t *w, int column, const int64_t *values)
{
    if (column >= 0) {
        mcbe_record_set_i64(w->record, w->layout, w->cell, column, values);
    }
}

/* Of so many points, the shares that alpha* and the biases rectify. @param[in] counts  or NULL */
static void put_shares(const writer_t *w, const int64_t *counts, int64_t points,
                       mcbe_survey_column_t alpha, mcbe_family_column_t family)
{
    for (int i = 0; i <= w->survey->setup.family_count && counts; i++) {
        const double share = (double)counts[i] / (double)points;
        put_f64(w,
                i == 0 ? w->survey->column[alpha]
                       : mcbe_survey_family_column(w->survey, i - 1, family),
                &share);
    }
}

static void put_found(const writer_t *w, const mcbe_frame_t *layer, const mcbe_findings_t *found)
{
    const int *column = w->survey->column;
    const mcbe_bias_state_t *state = &found->state;
    put_i64(w, column[COLUMN_SAMPLES], &state->samples);
    put_i64(w, column[COLUMN_UPDATES], &state->updates);
    put_i64(w, column[COLUMN_LAST_UPDATE], &state->last_update);
    put_i64(w, column[COLUMN_WITNESS_POINTS], &found->witness_points);
    put_i64(w, column[COLUMN_MIN_ACTIVE], &state->min_active);
    put_i64(w, column[COLUMN_MIN_ACTIVE_SAMPLE], &state->min_active_sample);
    put_i64(w, column[COLUMN_SEARCH_EVALUATIONS], &found->evaluations);
    put_i64(w, column[COLUMN_HOLDOUT_VIOLATIONS], &found->violations);
    put_i64(w, column[COLUMN_EXACT_INJECTIVE], &found->injective);
    put_f64(w, column[COLUMN_DIRECTION], state->alpha);
    put_f64(w, column[COLUMN_ROW_NORM], layer->norm);
    put_f64(w, column[COLUMN_UNIFORM], found->uniform);
    put_f64(w, column[COLUMN_POLYTOPE], found->polytope);
    put_i64(w, column[COLUMN_WITNESS], state->witness);
    put_i64(w, column[COLUMN_UNIFORM_WITNESS], found->uniform_witness);
    put_shares(w, found->rectified, w->survey->setup.holdout_samples, COLUMN_RECTIFIED,
               FAMILY_RECTIFIED);
    put_shares(w, found->test_rectified, w->survey->setup.data.test.count, COLUMN_TEST_RECTIFIED,
               FAMILY_TEST_RECTIFIED);
    for (int i = 0; i < found->certificates.count; i++) {
        const int64_t active = found->certificates.active[i];
        put_i64(w, mcbe_survey_family_column(w->survey, i, FAMILY_ACTIVE), &active);
        put_f64(w, mcbe_survey_family_column(w->survey, i, FAMILY_X),
                found->certificates.x + (size_t)i * (size_t)layer->n);
    }
}

/* Summary of alpha in the unit of bias_scale. @param[out] scaled  [m] workspace */
static void summarize(const double *unit, int m, const double *alpha, double *scaled,
                      mcbe_summary_t *summary)
{
    for (int j = 0; j < m; j++) {
        scaled[j] = unit ? alpha[j] / unit[j] : alpha[j];
    }
    mcbe_summarize(scaled, m, summary);
}

/* Is the bias at most one that is known to be rectifying, in every row? */
static int is_below(int m, const double *bias, const double *unit, const double *guaranteed)
{
    for (int j = 0; j < m; j++) {
        /* false for NaN, which stands for not known */
        if (!(bias[j] * (unit ? unit[j] : 1.0) <= guaranteed[j])) {
            return 0;
        }
    }
    return 1;
}

/* Is no entry of this sign? */
static int is_nowhere(int m, const double *bias, double sign)
{
    for (int j = 0; j < m; j++) {
        if (sign * bias[j] > 0.0) {
            return 0;
        }
    }
    return 1;
}

/* alpha on K, of the points visited, of the sampling phase alone, and exact. */
typedef struct on_domain {
    double *alpha, *uniform, *exact; /* owned, [m]; the latter two NULL where the run has none */
} on_domain_t;

/* A certificate outranks a proof: if both are there, something is wrong, and verify says so. */
static int64_t verdict(const mcbe_frame_t *layer, const mcbe_findings_t *found, int family,
                       const double *bias, const double *unit, const on_domain_t *on_domain)
{
    const int m = layer->m;
    const int active = found->certificates.active[family];
    if ((active >= 0 && active < layer->n) ||
        (found->injective == 0 && is_nowhere(m, bias, -1.0))) {
        return VERDICT_REFUTED;
    }
    const int proven =
        (found->injective == 1 && is_nowhere(m, bias, 1.0)) ||
        (found->full_spark && on_domain->exact && is_below(m, bias, unit, on_domain->exact)) ||
        (found->polytope && is_below(m, bias, unit, found->polytope));
    return proven ? VERDICT_PROVEN : VERDICT_UNDECIDED;
}

static mcbe_status_t put_families(const writer_t *w, const mcbe_stream_key_t *key,
                                  const mcbe_frame_t *layer, const mcbe_findings_t *found,
                                  const on_domain_t *on_domain)
{
    const mcbe_survey_t *survey = w->survey;
    const double *unit = mcbe_setup_bias_unit(&survey->setup, layer);
    const int m = layer->m;
    double *bias = mcbe_alloc((size_t)m, sizeof *bias);
    mcbe_status_t st = bias ? MCBE_OK : MCBE_ERR_NOMEM;
    for (int i = 0; i < survey->setup.family_count && st == MCBE_OK; i++) {
        mcbe_hamming_t hamming;
        st = mcbe_setup_bias(&survey->setup, i, key, bias);
        if (st != MCBE_OK) {
            break;
        }
        mcbe_hamming(m, on_domain->alpha, bias, unit, &hamming);
        double share = (double)hamming.satisfied / (double)m;
        const int64_t injective = hamming.satisfied == m;
        const int64_t decided = verdict(layer, found, i, bias, unit, on_domain);
        put_f64(w, mcbe_survey_family_column(survey, i, FAMILY_HAMMING), &share);
        put_i64(w, mcbe_survey_family_column(survey, i, FAMILY_INJECTIVE), &injective);
        put_i64(w, mcbe_survey_family_column(survey, i, FAMILY_VERDICT), &decided);
        if (on_domain->uniform) {
            mcbe_hamming(m, on_domain->uniform, bias, unit, &hamming);
            share = (double)hamming.satisfied / (double)m;
            put_f64(w, mcbe_survey_family_column(survey, i, FAMILY_HAMMING_UNIFORM), &share);
        }
    }
    mcbe_free(bias);
    return st;
}

/* The smallest entry, +inf included; NaN where all are. */
static double smallest(int m, const double *values)
{
    double low = (double)NAN;
    for (int j = 0; j < m; j++) {
        low = fmin(low, values[j]); /* the other one if one is NaN */
    }
    return low;
}

/* Are the points of the sampling phase a number of independent ones that was fixed beforehand? */
static int is_fixed_iid(const mcbe_setup_t *setup)
{
    return setup->design == MCBE_DESIGN_IID && setup->unchanged == 0 && !setup->init_rows;
}

static double violation_bound(const mcbe_setup_t *setup, int m, const mcbe_findings_t *found)
{
    const double beta = 1.0 - setup->bound_level;
    switch (setup->bound) {
    case MCBE_BOUND_WAIT_AND_JUDGE:
        return mcbe_wait_and_judge_bound(found->witness_points, setup->samples, beta);
    case MCBE_BOUND_SCENARIO:
        return mcbe_scenario_bound(m, setup->samples, beta);
    case MCBE_BOUND_CLOPPER_PEARSON:
        break;
    }
    return mcbe_clopper_pearson_upper(found->violations, setup->holdout_samples, beta);
}

static mcbe_status_t put_derived(const writer_t *w, const mcbe_stream_key_t *key,
                                 const mcbe_frame_t *layer, const mcbe_findings_t *found)
{
    const mcbe_setup_t *setup = &w->survey->setup;
    const int *column = w->survey->column;
    const double *unit = mcbe_setup_bias_unit(setup, layer);
    const int m = layer->m;
    mcbe_status_t st = MCBE_OK;
    mcbe_summary_t summary;
    on_domain_t on_domain = {.alpha = mcbe_alloc((size_t)m, sizeof *on_domain.alpha)};
    double *scaled = mcbe_alloc((size_t)m, sizeof *scaled);
    if (found->uniform) {
        on_domain.uniform = mcbe_alloc((size_t)m, sizeof *on_domain.uniform);
    }
    if (found->exact) {
        on_domain.exact = mcbe_alloc((size_t)m, sizeof *on_domain.exact);
    }
    if (!on_domain.alpha || !scaled || (found->uniform && !on_domain.uniform) ||
        (found->exact && !on_domain.exact)) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    if (found->uniform) {
        mcbe_domain_finish(&setup->domain, m, found->uniform, on_domain.uniform);
        summarize(unit, m, on_domain.uniform, scaled, &summary);
        put_f64(w, column[COLUMN_ALPHA_UNIFORM_MEAN], &summary.mean);
    }
    if (found->exact) {
        mcbe_domain_t all_radii = setup->domain;
        all_radii.radial = MCBE_RADIAL_ANALYTIC;
        mcbe_domain_finish(&all_radii, m, found->exact, on_domain.exact);
        put_f64(w, column[COLUMN_EXACT], on_domain.exact);
    }
    mcbe_domain_finish(&setup->domain, m, found->state.alpha, on_domain.alpha);
    summarize(unit, m, on_domain.alpha, scaled, &summary);
    put_i64(w, column[COLUMN_UNCONSTRAINED], &summary.infinite);
    put_f64(w, column[COLUMN_ALPHA_MIN], &summary.min);
    put_f64(w, column[COLUMN_ALPHA_MEAN], &summary.mean);
    put_f64(w, column[COLUMN_ALPHA], on_domain.alpha);
    if (found->polytope) {
        const double low = smallest(m, found->polytope), high = smallest(m, on_domain.alpha);
        put_f64(w, column[COLUMN_CONSTANT_LOW], &low);
        put_f64(w, column[COLUMN_CONSTANT_HIGH], &high);
    }
    const double turing =
        is_fixed_iid(setup) ? (double)found->witness_points / (double)setup->samples : (double)NAN;
    put_f64(w, column[COLUMN_GOOD_TURING], &turing);
    if (mcbe_survey_has(w->survey, MCBE_PHASE_BOUND)) {
        const double bound = violation_bound(setup, m, found);
        put_f64(w, column[COLUMN_VIOLATION_BOUND], &bound);
    }
    MCBE_TRY(put_families(w, key, layer, found, &on_domain));
out:
    mcbe_free(scaled);
    mcbe_free(on_domain.exact);
    mcbe_free(on_domain.uniform);
    mcbe_free(on_domain.alpha);
    return st;
}

mcbe_status_t mcbe_survey_write(const mcbe_survey_t *survey, const mcbe_cell_t *cell, int64_t trial,
                                const mcbe_frame_t *layer, const mcbe_findings_t *findings,
                                const mcbe_layout_t *layout, mcbe_record_t *record)
{
    const mcbe_stream_key_t key = mcbe_survey_cell_key(survey, cell, trial);
    const writer_t w = {.survey = survey, .cell = cell, .layout = layout, .record = record};
    mcbe_status_t st;
    put_found(&w, layer, findings);
    MCBE_TRY(put_derived(&w, &key, layer, findings));
    if (mcbe_layout_points(layout) >= 0) {
        MCBE_TRY(mcbe_record_set_points(record, layout, cell, findings->points.count,
                                        findings->points.x));
    }
out:
    return st;
}

/* A record being read. */
typedef struct reader {
    const mcbe_cell_t *cell;
    const mcbe_layout_t *layout;
    const mcbe_record_t *record;
} reader_t;

static void get_f64(const reader_t *r, int column, double *values)
{
    if (column >= 0) {
        mcbe_record_get_f64(r->record, r->layout, r->cell, column, values);
    }
}

static void get_i64(const reader_t *r, int column, int64_t *values)
{
    if (column >= 0) {
        mcbe_record_get_i64(r->record, r->layout, r->cell, column, values);
    }
}

mcbe_status_t mcbe_survey_read(const mcbe_survey_t *survey, const mcbe_cell_t *cell,
                               const mcbe_layout_t *layout, const mcbe_record_t *record,
                               mcbe_findings_t *found)
{
    const reader_t r = {.cell = cell, .layout = layout, .record = record};
    const int *column = survey->column;
    mcbe_bias_state_t *state = &found->state;
    get_i64(&r, column[COLUMN_SAMPLES], &state->samples);
    get_i64(&r, column[COLUMN_UPDATES], &state->updates);
    get_i64(&r, column[COLUMN_LAST_UPDATE], &state->last_update);
    get_i64(&r, column[COLUMN_WITNESS_POINTS], &found->witness_points);
    get_i64(&r, column[COLUMN_MIN_ACTIVE], &state->min_active);
    get_i64(&r, column[COLUMN_MIN_ACTIVE_SAMPLE], &state->min_active_sample);
    get_i64(&r, column[COLUMN_SEARCH_EVALUATIONS], &found->evaluations);
    get_i64(&r, column[COLUMN_HOLDOUT_VIOLATIONS], &found->violations);
    get_f64(&r, column[COLUMN_DIRECTION], state->alpha);
    get_f64(&r, column[COLUMN_UNIFORM], found->uniform);
    get_i64(&r, column[COLUMN_WITNESS], state->witness);
    get_i64(&r, column[COLUMN_UNIFORM_WITNESS], found->uniform_witness);
    for (int i = 0; i < found->certificates.count; i++) {
        int64_t active = -1;
        get_i64(&r, mcbe_survey_family_column(survey, i, FAMILY_ACTIVE), &active);
        get_f64(&r, mcbe_survey_family_column(survey, i, FAMILY_X),
                found->certificates.x + (size_t)i * (size_t)cell->n);
        found->certificates.active[i] = (int)active;
    }
    if (mcbe_layout_points(layout) < 0) {
        return MCBE_OK;
    }
    const int64_t count = mcbe_record_points(record, layout, cell);
    found->points.x = mcbe_alloc((size_t)(count * cell->n), sizeof *found->points.x);
    if (!found->points.x) {
        return MCBE_ERR_NOMEM;
    }
    found->points.count = count;
    found->points.capacity = (size_t)count;
    for (int64_t k = 0; k < count; k++) {
        mcbe_record_get_point(record, layout, cell, k, found->points.x + k * cell->n);
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_survey_read_sampling(const mcbe_survey_t *survey, const mcbe_cell_t *cell,
                                        const mcbe_layout_t *layout, const mcbe_record_t *record,
                                        mcbe_bias_state_t *state, int64_t *points)
{
    const mcbe_setup_t *setup = &survey->setup;
    mcbe_findings_t found = {0};
    mcbe_status_t st;
    *points = 0;
    MCBE_TRY(mcbe_findings_init(&found, survey, cell));
    MCBE_TRY(mcbe_survey_read(survey, cell, layout, record, &found));
    const int64_t seen = found.state.samples - (setup->init_rows ? cell->m : 0);
    if (found.state.min_active_sample >= MCBE_STORED_POINT || seen < 1 || seen > setup->samples) {
        goto out;
    }
    *points = seen;
    mcbe_bias_state_copy(state, &found.state);
    if (found.uniform) { /* search has lowered what stands beside it */
        memcpy(state->alpha, found.uniform, (size_t)cell->m * sizeof *state->alpha);
        memcpy(state->witness, found.uniform_witness, (size_t)cell->m * sizeof *state->witness);
    }
out:
    mcbe_findings_free(&found);
    return st;
}

static int64_t active_at(const mcbe_survey_t *survey, const mcbe_cell_t *cell,
                         const mcbe_layout_t *layout, const mcbe_record_t *record, int family)
{
    const reader_t r = {.cell = cell, .layout = layout, .record = record};
    int64_t active = -1;
    get_i64(&r, mcbe_survey_family_column(survey, family, FAMILY_ACTIVE), &active);
    return active;
}

int64_t mcbe_survey_certificates(const void *handle, const mcbe_cell_t *cell,
                                 const mcbe_layout_t *layout, const mcbe_record_t *record)
{
    const mcbe_survey_t *survey = handle;
    int64_t count = 0;
    for (int i = 0; i < survey->setup.family_count; i++) {
        count += active_at(survey, cell, layout, record, i) >= 0;
    }
    return count;
}

mcbe_status_t mcbe_survey_certificate(const void *handle, const mcbe_cell_t *cell, int64_t trial,
                                      const mcbe_layout_t *layout, const mcbe_record_t *record,
                                      int64_t k, mcbe_certificate_t *certificate)
{
    const mcbe_survey_t *survey = handle;
    const mcbe_setup_t *setup = &survey->setup;
    const mcbe_stream_key_t key = mcbe_survey_cell_key(survey, cell, trial);
    const reader_t r = {.cell = cell, .layout = layout, .record = record};
    const size_t m = (size_t)cell->m, n = (size_t)cell->n;
    mcbe_frame_t layer = {0};
    mcbe_status_t st;
    int family = 0;
    for (int64_t seen = 0; family < setup->family_count; family++) {
        seen += active_at(survey, cell, layout, record, family) >= 0;
        if (seen > k) {
            break;
        }
    }
    MCBE_BUG_ASSERT(family < setup->family_count);
    *certificate = (mcbe_certificate_t){
        .bias_name = setup->families[family].name,
        .n = (int)cell->n,
        .m = (int)cell->m,
        .active = (int)active_at(survey, cell, layout, record, family),
        .w = mcbe_alloc(m * n, sizeof *certificate->w),
        .bias = mcbe_alloc((size_t)setup->family_count * m, sizeof *certificate->bias),
        .x = mcbe_alloc(n, sizeof *certificate->x)};
    if (!certificate->w || !certificate->bias || !certificate->x) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    MCBE_TRY(mcbe_survey_layer(survey, cell, trial, &layer));
    MCBE_TRY(mcbe_setup_biases(setup, &key, &layer, certificate->bias));
    memmove(certificate->bias, certificate->bias + (size_t)family * m,
            m * sizeof *certificate->bias);
    memcpy(certificate->w, layer.w, m * n * sizeof *certificate->w);
    get_f64(&r, mcbe_survey_family_column(survey, family, FAMILY_X), certificate->x);
out:
    mcbe_frame_free(&layer);
    return st;
}
