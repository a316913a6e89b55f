#include <string.h>

#include "check.h"
#include "mcbe/injectivity.h"
#include "memory.h"
#include "survey.h"

/* What the rows of a layer are held against: alpha* on K, then the biases. @return [count][m], owned
 * by the caller, or NULL */
static double *collect_biases(const mcbe_survey_t *survey, int m, const double *alpha,
                              const double *biases)
{
    const size_t families = (size_t)survey->setup.family_count;
    double *all = mcbe_alloc((1 + families) * (size_t)m, sizeof *all);
    if (all) {
        mcbe_domain_finish(&survey->setup.domain, m, alpha, all);
        memcpy(all + m, biases, families * (size_t)m * sizeof *biases);
    }
    return all;
}

/* A block of points one after the other. @param[in] block  as mcbe_domain_fill leaves it */
static void transpose(int n, int64_t width, int64_t count, const float *block, float *points)
{
    for (int64_t s = 0; s < count; s++) {
        for (int64_t k = 0; k < n; k++) {
            points[s * n + k] = block[k * width + s];
        }
    }
}

/* The fresh points as points of K itself, not as directions that stand for rays. Collective; blocks are
 * dealt to the ranks. @param[in,out] results  [count], of the points of this rank */
static mcbe_status_t count_fresh(const mcbe_survey_t *survey, mcbe_stream_key_t key,
                                 const mcbe_team_t *team, mcbe_point_test_t *test,
                                 mcbe_p_injective_t *results)
{
    const int rank = mcbe_team_rank(team), size = mcbe_team_size(team), n = (int)key.n;
    const int64_t width = mcbe_domain_block_size(n);
    const int64_t samples = survey->setup.holdout_samples, blocks = (samples - 1) / width + 1;
    mcbe_domain_t domain = survey->setup.domain;
    const double radius = domain.kind == MCBE_DOMAIN_SPHERE ? domain.radius : 1.0;
    mcbe_status_t st;
    float *block = mcbe_alloc((size_t)(n * width), sizeof *block);
    float *points = mcbe_alloc((size_t)(n * width), sizeof *points);
    double *scale = mcbe_alloc((size_t)width, sizeof *scale);
    MCBE_TRY(block && points && scale ? MCBE_OK : MCBE_ERR_NOMEM);
    domain.radial = MCBE_RADIAL_SAMPLED;
    key.purpose = MCBE_PURPOSE_HOLDOUT;
    for (key.block = rank; key.block < blocks; key.block += size) {
        const int64_t left = samples - key.block * width, here = left < width ? left : width;
        mcbe_domain_fill(&domain, n, &key, block, scale);
        transpose(n, width, here, block, points);
        for (int64_t s = 0; s < here; s++) {
            scale[s] *= radius;
        }
        mcbe_point_test_add(test, points, scale, here, results);
        if (mcbe_team_look(team)) {
            break;
        }
    }
    st = mcbe_team_go_on(team);
out:
    mcbe_free(scale);
    mcbe_free(points);
    mcbe_free(block);
    return st;
}

mcbe_status_t mcbe_survey_shares(const mcbe_survey_t *survey, const mcbe_cell_t *cell,
                                 int64_t trial, const mcbe_team_t *team, const mcbe_frame_t *layer,
                                 const double *biases, mcbe_findings_t *findings)
{
    const mcbe_stream_key_t key = mcbe_survey_cell_key(survey, cell, trial);
    const int count = 1 + survey->setup.family_count;
    mcbe_point_test_t *test = NULL;
    mcbe_status_t st;
    double *all = collect_biases(survey, layer->m, findings->state.alpha, biases);
    mcbe_p_injective_t *results = mcbe_alloc((size_t)count, sizeof *results);
    MCBE_TRY(all && results ? MCBE_OK : MCBE_ERR_NOMEM);
    if (mcbe_survey_has(survey, MCBE_PHASE_SHARES)) {
        for (int i = 0; i < count; i++) {
            results[i] = mcbe_p_injective_none(layer->m);
        }
        MCBE_TRY(mcbe_point_test_create(&test, layer, count, all));
        MCBE_TRY(count_fresh(survey, key, team, test, results));
        for (int i = 0; i < count; i++) {
            findings->rectified[i] = results[i].injective;
        }
        if (team) {
            mcbe_comm_sum_i64(team->comm, findings->rectified, (size_t)count);
        }
    }
    if (mcbe_survey_has(survey, MCBE_PHASE_TEST)) {
        MCBE_TRY(mcbe_data_p_injective(&survey->setup.data.test, layer, count, all, team, results));
        for (int i = 0; i < count; i++) {
            findings->test_rectified[i] = results[i].injective;
        }
    }
out:
    mcbe_point_test_destroy(&test);
    mcbe_free(results);
    mcbe_free(all);
    return st;
}
