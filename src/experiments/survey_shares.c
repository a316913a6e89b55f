#include <string.h>

#include "check.h"
#include "mcbe/injectivity.h"
#include "memory.h"
#include "survey.h"

/* Points are looked at in pieces of this, between which the run may end. */
#define PIECE 64

/* A layer, what its rows are held against, and room for one block of points. */
typedef struct counter {
    const mcbe_frame_t *layer; /* borrowed */
    int count;                 /* biases, alpha* on K the first */
    double *biases;            /* owned, [count][m] */
    double *c;                 /* owned, [m] */
    float *x;                  /* owned, [n][block] */
    double *scale;             /* owned, [block] */
} counter_t;

static mcbe_status_t counter_init(counter_t *counter, const mcbe_survey_t *survey,
                                  const mcbe_frame_t *layer, const double *alpha,
                                  const double *biases)
{
    const size_t m = (size_t)layer->m, families = (size_t)survey->setup.family_count;
    const size_t width = (size_t)mcbe_domain_block_size(layer->n);
    *counter = (counter_t){.layer = layer,
                           .count = 1 + survey->setup.family_count,
                           .biases = mcbe_alloc((1 + families) * m, sizeof *counter->biases),
                           .c = mcbe_alloc(m, sizeof *counter->c),
                           .x = mcbe_alloc((size_t)layer->n * width, sizeof *counter->x),
                           .scale = mcbe_alloc(width, sizeof *counter->scale)};
    if (!counter->biases || !counter->c || !counter->x || !counter->scale) {
        return MCBE_ERR_NOMEM;
    }
    mcbe_domain_finish(&survey->setup.domain, layer->m, alpha, counter->biases);
    memcpy(counter->biases + m, biases, families * m * sizeof *biases);
    return MCBE_OK;
}

static void counter_free(counter_t *counter)
{
    mcbe_free(counter->scale);
    mcbe_free(counter->x);
    mcbe_free(counter->c);
    mcbe_free(counter->biases);
}

/* Look at the point x * scale, coordinate k at x[k * stride]. */
static void count_point(const counter_t *counter, const float *x, ptrdiff_t stride, double scale,
                        int64_t *rectified)
{
    const mcbe_frame_t *layer = counter->layer;
    const double norm = mcbe_point_norm(layer->n, x, NULL, stride) * scale;
    mcbe_frame_coefficients(layer, x, stride, scale, counter->c);
    for (int i = 0; i < counter->count; i++) {
        const double *bias = counter->biases + (size_t)i * (size_t)layer->m;
        rectified[i] += mcbe_active_count(layer, counter->c, bias, norm, NULL) >= layer->n;
    }
}

/* Add up what the ranks have counted. */
static mcbe_status_t gather(const counter_t *counter, const mcbe_team_t *team, int64_t *rectified)
{
    const mcbe_status_t st = mcbe_team_go_on(team);
    if (st == MCBE_OK && team) {
        mcbe_comm_sum_i64(team->comm, rectified, (size_t)counter->count);
    }
    return st;
}

static mcbe_status_t count_fresh(const mcbe_survey_t *survey, mcbe_stream_key_t key,
                                 const mcbe_team_t *team, counter_t *counter, int64_t *rectified)
{
    const int rank = team ? mcbe_comm_rank(team->comm) : 0;
    const int size = team ? mcbe_comm_size(team->comm) : 1;
    const int n = counter->layer->n, width = mcbe_domain_block_size(n);
    const int64_t samples = survey->setup.holdout_samples, blocks = (samples - 1) / width + 1;
    mcbe_domain_t points =
        survey->setup.domain; /* of K itself: not directions that stand for rays */
    points.radial = MCBE_RADIAL_SAMPLED;
    key.purpose = MCBE_PURPOSE_HOLDOUT;
    int over = 0;
    for (int64_t block = rank; block < blocks && !over; block += size) {
        const int64_t left = samples - block * width, here = left < width ? left : width;
        const double radius = points.kind == MCBE_DOMAIN_SPHERE ? points.radius : 1.0;
        key.block = block;
        mcbe_domain_fill(&points, n, &key, counter->x, counter->scale);
        for (int64_t s = 0; s < here && !over; s++) {
            count_point(counter, counter->x + s, width, counter->scale[s] * radius, rectified);
            over = s % PIECE == 0 && mcbe_team_look(team);
        }
    }
    return gather(counter, team, rectified);
}

static mcbe_status_t count_test(const mcbe_dataset_t *test, const mcbe_team_t *team,
                                const counter_t *counter, int64_t *rectified)
{
    const int64_t rank = team ? mcbe_comm_rank(team->comm) : 0;
    const int64_t size = team ? mcbe_comm_size(team->comm) : 1;
    int over = 0;
    for (int64_t i = test->count * rank / size; i < test->count * (rank + 1) / size && !over; i++) {
        count_point(counter, test->x + i * test->n, 1, 1.0, rectified);
        over = i % PIECE == 0 && mcbe_team_look(team);
    }
    return gather(counter, team, rectified);
}

mcbe_status_t mcbe_survey_shares(const mcbe_survey_t *survey, const mcbe_cell_t *cell,
                                 int64_t trial, const mcbe_team_t *team, const mcbe_frame_t *layer,
                                 const double *biases, mcbe_findings_t *findings)
{
    const mcbe_stream_key_t key = mcbe_survey_cell_key(survey, cell, trial);
    counter_t counter;
    mcbe_status_t st;
    MCBE_TRY(counter_init(&counter, survey, layer, findings->state.alpha, biases));
    if (mcbe_survey_has(survey, MCBE_PHASE_SHARES)) {
        MCBE_TRY(count_fresh(survey, key, team, &counter, findings->rectified));
    }
    if (mcbe_survey_has(survey, MCBE_PHASE_TEST)) {
        MCBE_TRY(count_test(&survey->setup.data.test, team, &counter, findings->test_rectified));
    }
out:
    counter_free(&counter);
    return st;
}
