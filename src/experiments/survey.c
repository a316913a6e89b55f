#include "survey.h"

#include <string.h>

#include "check.h"
#include "mcbe/exact.h"
#include "mcbe/polytope.h"
#include "memory.h"
#include "searching.h"

mcbe_status_t mcbe_survey_open(mcbe_config_t *config, void **params,
                               mcbe_status_t (*prepare)(mcbe_survey_t *survey,
                                                        const mcbe_config_t *config,
                                                        mcbe_error_t *err),
                               mcbe_error_t *err)
{
    mcbe_survey_t *survey = mcbe_alloc(1, sizeof *survey);
    mcbe_status_t st;
    *params = survey;
    MCBE_TRY(survey ? MCBE_OK : MCBE_ERR_NOMEM);
    MCBE_TRY(mcbe_setup_open(&survey->setup, config, err));
    MCBE_TRY(prepare(survey, config, err));
    MCBE_TRY(mcbe_setup_trials(&survey->setup, config, &survey->trials, err));
    mcbe_survey_number_columns(survey);
out:
    if (st != MCBE_OK) {
        mcbe_survey_close(params);
    }
    return st;
}

void mcbe_survey_close(void **handle)
{
    mcbe_survey_t *survey = *handle;
    if (survey) {
        mcbe_setup_free(&survey->setup);
        mcbe_free(survey->cells);
        mcbe_free(survey);
        *handle = NULL;
    }
}

mcbe_stream_key_t mcbe_survey_cell_key(const mcbe_survey_t *survey, const mcbe_cell_t *cell,
                                       int64_t trial)
{
    return mcbe_setup_key(&survey->setup, cell, trial);
}

mcbe_stream_key_t mcbe_survey_points_key(const mcbe_survey_t *survey, const mcbe_cell_t *cell,
                                         int64_t trial)
{
    mcbe_stream_key_t key = mcbe_survey_cell_key(survey, cell, trial);
    key.m = survey->nested_m > 0 ? survey->nested_m : key.m;
    return key;
}

mcbe_status_t mcbe_survey_layer(const mcbe_survey_t *survey, const mcbe_cell_t *cell, int64_t trial,
                                mcbe_frame_t *layer)
{
    const mcbe_stream_key_t key = mcbe_survey_points_key(survey, cell, trial);
    mcbe_frame_t whole = {0};
    if (key.m == cell->m) {
        return mcbe_setup_frame(&survey->setup, &key, layer);
    }
    mcbe_status_t st = mcbe_setup_frame(&survey->setup, &key, &whole);
    if (st == MCBE_OK) {
        st = mcbe_frame_copy(layer, (int)cell->m, whole.n, whole.w, whole.n, 0, NULL);
    }
    mcbe_frame_free(&whole);
    return st;
}

static mcbe_status_t exact_injectivity(const mcbe_survey_t *survey, const mcbe_frame_t *layer,
                                       const double *biases, mcbe_findings_t *findings,
                                       mcbe_error_t *err)
{
    const double limit = survey->setup.exact_work;
    const mcbe_domain_t *domain = &survey->setup.domain;
    mcbe_exact_verdict_t verdict;
    if (mcbe_exact_depth_work(layer->n, layer->m) > limit) {
        return MCBE_OK;
    }
    double *x = mcbe_alloc((size_t)layer->n, sizeof *x);
    mcbe_status_t st = x ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        st = mcbe_exact_injectivity(layer, limit, &verdict, x, err);
    }
    if (st == MCBE_OK) {
        findings->injective = verdict;
        if (verdict == MCBE_EXACT_NOT_INJECTIVE) {
            const double radius = mcbe_domain_unbounded(domain) ? 1.0 : domain->radius;
            st = mcbe_certificates_offer(domain, layer, x, radius, biases, &findings->certificates);
        }
    }
    mcbe_free(x);
    return st;
}

mcbe_status_t mcbe_survey_exact(const mcbe_survey_t *survey, const mcbe_frame_t *layer,
                                const double *biases, mcbe_findings_t *findings, mcbe_error_t *err)
{
    const mcbe_setup_t *setup = &survey->setup;
    const int whole = !setup->domain.nonnegative; /* the exact answers are about all directions */
    mcbe_status_t st = MCBE_OK;
    if (mcbe_survey_has(survey, MCBE_PHASE_EXACT) && whole) {
        MCBE_TRY(exact_injectivity(survey, layer, biases, findings, err));
        if (!mcbe_domain_unbounded(&setup->domain) &&
            mcbe_exact_alpha_work(layer->n, layer->m) <= setup->exact_work) {
            mcbe_depth_t depth;
            MCBE_TRY(mcbe_exact_alpha(layer, setup->exact_work, findings->exact, NULL, NULL, err));
            MCBE_TRY(mcbe_exact_depth(layer, 0, setup->exact_work, &depth, NULL, err));
            findings->full_spark = depth.full_spark;
        }
    }
    if (mcbe_survey_has(survey, MCBE_PHASE_POLYTOPE) &&
        mcbe_polytope_work(layer->n, layer->m) <= setup->polytope_work) {
        st = mcbe_polytope_bias(layer, &setup->domain, findings->polytope, NULL);
        if (st == MCBE_ERR_VALUE || st == MCBE_ERR_DIM || st == MCBE_ERR_ARGUMENT) {
            st = MCBE_OK; /* no such bias: rows that do not surround 0, too large an n, gaussian */
        }
    }
out:
    return st;
}

/* The phases that follow sampling, for one layer. Collective over the team. */
static mcbe_status_t examine(const mcbe_survey_t *survey, const mcbe_cell_t *cell, int64_t trial,
                             const mcbe_team_t *team, const mcbe_frame_t *layer,
                             mcbe_findings_t *findings, mcbe_error_t *err)
{
    const mcbe_setup_t *setup = &survey->setup;
    const mcbe_stream_key_t key = mcbe_survey_cell_key(survey, cell, trial),
                            points_key = mcbe_survey_points_key(survey, cell, trial);
    const size_t m = (size_t)cell->m;
    mcbe_bias_state_t *state = &findings->state;
    mcbe_status_t st;
    double *biases = mcbe_alloc((size_t)setup->family_count * m, sizeof *biases);
    if (!biases) {
        return MCBE_ERR_NOMEM;
    }
    MCBE_TRY(mcbe_setup_biases(setup, &key, layer, biases));
    MCBE_TRY(mcbe_bias_witness_count(state, &findings->witness_points));
    MCBE_TRY(mcbe_certificates_from_samples(setup->design, &setup->domain, layer, &points_key, NULL,
                                            state, biases, &findings->certificates));
    if (mcbe_survey_has(survey, MCBE_PHASE_SEARCH)) {
        const mcbe_searching_t searching = {.domain = setup->domain,
                                            .design = setup->design,
                                            .evaluations = setup->search_evaluations,
                                            .lower_evaluations = setup->lower_evaluations};
        memcpy(findings->uniform, state->alpha, m * sizeof *state->alpha);
        memcpy(findings->uniform_witness, state->witness, m * sizeof *state->witness);
        MCBE_TRY(mcbe_searching_run(&searching, layer, &key, team, biases, state, &findings->points,
                                    &findings->certificates, &findings->evaluations));
    }
    if (mcbe_survey_has(survey, MCBE_PHASE_HOLDOUT)) {
        MCBE_TRY(mcbe_sampling_holdout(&setup->domain, setup->precision, layer, &key, team, state,
                                       setup->holdout_samples, &findings->violations));
    }
    if (survey->shares) {
        MCBE_TRY(mcbe_survey_shares(survey, cell, trial, team, layer, biases, findings));
    }
    if (mcbe_comm_rank(team->comm) == 0) {
        MCBE_TRY(mcbe_survey_exact(survey, layer, biases, findings, err));
    }
out:
    mcbe_free(biases);
    return st;
}

/* Let the sampling phase of a job go on from what an earlier run has recorded, if that tells enough of
 * every layer; they share their points, so it is all or none.
 * @param[in,out] states  [count], from mcbe_bias_state_init
 * @param[out]    points  random points they have seen, 0 if they begin anew */
static mcbe_status_t go_on(const mcbe_survey_t *survey, const mcbe_cell_t *cells, int64_t count,
                           const mcbe_layout_t *layout, const mcbe_record_t *earlier,
                           mcbe_bias_state_t *states, int64_t *points)
{
    mcbe_status_t st = MCBE_OK;
    *points = 0;
    for (int64_t i = 0; i < count && earlier; i++) {
        int64_t seen = 0;
        MCBE_TRY(
            mcbe_survey_read_sampling(survey, &cells[i], layout, &earlier[i], &states[i], &seen));
        if (seen == 0 || (i > 0 && seen != *points)) {
            *points = 0;
            for (int64_t k = 0; k <= i; k++) {
                mcbe_bias_state_free(&states[k]);
                MCBE_TRY(mcbe_bias_state_init(&states[k], (int)cells[k].m));
            }
            break;
        }
        *points = seen;
    }
out:
    return st;
}

/* The units as the earlier run has recorded them. */
static mcbe_status_t keep_records(const mcbe_team_t *team, int64_t count, mcbe_record_t *records)
{
    mcbe_status_t st = MCBE_OK;
    for (int64_t i = 0; i < count && st == MCBE_OK && mcbe_comm_rank(team->comm) == 0; i++) {
        mcbe_record_free(&records[i]);
        st = mcbe_record_copy(&records[i], &team->earlier[i]);
    }
    return st;
}

mcbe_status_t mcbe_survey_compute(const void *params, const mcbe_cell_t *cells, int64_t count,
                                  int64_t trial, const mcbe_team_t *team,
                                  const mcbe_layout_t *layout, mcbe_record_t *records,
                                  mcbe_error_t *err)
{
    const mcbe_survey_t *survey = params;
    const mcbe_setup_t *setup = &survey->setup;
    const mcbe_stream_key_t key = mcbe_survey_points_key(survey, cells, trial);
    const mcbe_sampling_t sampling = mcbe_sampling_of(setup);
    mcbe_frame_t frame = {0}, layer = {0};
    mcbe_status_t st;
    mcbe_bias_state_t *states = mcbe_alloc((size_t)count, sizeof *states);
    mcbe_findings_t findings = {0};
    int64_t points = 0;
    if (!states) {
        return MCBE_ERR_NOMEM;
    }
    MCBE_TRY(mcbe_setup_frame(setup, &key, &frame));
    for (int64_t i = 0; i < count; i++) {
        MCBE_TRY(mcbe_bias_state_init(&states[i], (int)cells[i].m));
    }
    MCBE_TRY(go_on(survey, cells, count, layout, team->earlier, states, &points));
    MCBE_TRY(mcbe_sampling_run(&sampling, &frame, &key, team, states, (int)count, err));
    if (points > 0 && states[0].samples - (setup->init_rows ? cells[0].m : 0) == points) {
        /* the stop rule had ended it before, and nothing that follows depends on what was asked for */
        MCBE_TRY(keep_records(team, count, records));
        goto out;
    }
    mcbe_frame_free(&frame);
    for (int64_t i = 0; i < count; i++) {
        MCBE_TRY(mcbe_findings_init(&findings, survey, &cells[i]));
        mcbe_bias_state_copy(&findings.state, &states[i]);
        MCBE_TRY(mcbe_survey_layer(survey, &cells[i], trial, &layer));
        MCBE_TRY(examine(survey, &cells[i], trial, team, &layer, &findings, err));
        if (mcbe_comm_rank(team->comm) == 0) {
            MCBE_TRY(mcbe_survey_write(survey, &cells[i], trial, &layer, &findings, layout,
                                       &records[i]));
        }
        mcbe_frame_free(&layer);
        mcbe_findings_free(&findings);
    }
out:
    mcbe_frame_free(&layer);
    mcbe_findings_free(&findings);
    for (int64_t i = 0; i < count; i++) {
        mcbe_bias_state_free(&states[i]);
    }
    mcbe_free(states);
    mcbe_frame_free(&frame);
    return st;
}
