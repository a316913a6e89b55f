#include "samplers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cost.h"
#include "mcbe/certificate.h"
#include "mcbe/sample.h"
#include "memory.h"
#include "recompute.h"

mcbe_status_t mcbe_samplers_open(mcbe_setup_t *setup, mcbe_config_t *config, mcbe_error_t *err)
{
    /* both, so that all errors are reported at once */
    const mcbe_status_t layers = mcbe_setup_open_layers(setup, config, err);
    const mcbe_status_t data = mcbe_data_open(&setup->data, config, 1, setup->seed, err);
    return layers != MCBE_OK ? layers : data;
}

mcbe_design_t mcbe_sampler_design(const mcbe_config_t *config, mcbe_domain_kind_t kind)
{
    if (mcbe_config_enum(config, "sampling.design") == 0) {
        return MCBE_DESIGN_IID;
    }
    return kind == MCBE_DOMAIN_CLOUD ? MCBE_DESIGN_CROSSED : MCBE_DESIGN_PAIRED;
}

mcbe_status_t mcbe_samplers_run(const mcbe_setup_t *setup, const mcbe_sampler_t *samplers,
                                int count, const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                                const mcbe_team_t *team, mcbe_bias_state_t *states, double *alpha,
                                mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    for (int i = 0; i < count && st == MCBE_OK; i++) {
        const mcbe_sampling_t sampling = {.domain = samplers[i].domain,
                                          .design = samplers[i].design,
                                          .precision = setup->precision,
                                          .samples = setup->samples,
                                          .unchanged = setup->unchanged};
        st = mcbe_sampling_run(&sampling, frame, key, team, states + i, 1, err);
        mcbe_domain_finish(&samplers[i].domain, frame->m, states[i].alpha,
                           alpha + (ptrdiff_t)i * frame->m);
    }
    return st;
}

static void share_counts(const mcbe_team_t *team, mcbe_p_injective_t *result)
{
    int64_t counts[] = {result->points, result->injective};
    mcbe_comm_sum_i64(team->comm, counts, 2);
    mcbe_comm_min_i64(team->comm, &result->min_active, 1);
    result->points = counts[0];
    result->injective = counts[1];
}

mcbe_status_t mcbe_samplers_judge(const mcbe_frame_t *frame, int count, const double *biases,
                                  const mcbe_dataset_t *data, const mcbe_team_t *team,
                                  mcbe_p_injective_t *results)
{
    const int64_t rank = team ? mcbe_comm_rank(team->comm) : 0;
    const int64_t size = team ? mcbe_comm_size(team->comm) : 1;
    const int64_t last = data->count * (rank + 1) / size;
    mcbe_point_test_t *test = NULL;
    mcbe_status_t st;
    for (int i = 0; i < count; i++) {
        results[i] = mcbe_p_injective_none(frame->m);
    }
    MCBE_TRY(mcbe_point_test_create(&test, frame, count, biases));
    for (int64_t first = data->count * rank / size; first < last; first += MCBE_POINT_TEST_WIDTH) {
        const int64_t left = last - first;
        mcbe_point_test_add(test, data->x + first * frame->n, NULL,
                            left < MCBE_POINT_TEST_WIDTH ? left : MCBE_POINT_TEST_WIDTH, results);
        if (mcbe_team_look(team)) {
            break;
        }
    }
    MCBE_TRY(mcbe_team_go_on(team));
    for (int i = 0; i < count && team; i++) {
        share_counts(team, results + i);
    }
out:
    mcbe_point_test_destroy(&test);
    return st;
}

/* --- evidence ---------------------------------------------------------------------------------- */

/* An entry of alpha* with its witness, to go through the witnesses in order. */
typedef struct reached {
    int64_t sample;
    int row;
} reached_t;

static int by_sample(const void *left, const void *right)
{
    const reached_t *a = left, *b = right;
    if (a->sample != b->sample) {
        return a->sample < b->sample ? -1 : 1;
    }
    return (a->row > b->row) - (a->row < b->row);
}

static mcbe_status_t wrong(mcbe_error_t *err, const char *what, long long row)
{
    return mcbe_fail(err, MCBE_ERR_CORRUPT, "%s (row %lld)", what, row);
}

static mcbe_status_t check_counts(const mcbe_setup_t *setup, const mcbe_bias_state_t *state,
                                  mcbe_error_t *err)
{
    int64_t latest = -1, witnesses = 0;
    const mcbe_status_t st = mcbe_bias_witness_count(state, &witnesses);
    if (st != MCBE_OK) {
        return st;
    }
    for (int j = 0; j < state->m; j++) {
        latest = state->witness[j] > latest ? state->witness[j] : latest;
    }
    if (state->samples < 1 || state->samples > setup->samples ||
        (state->samples < setup->samples &&
         (setup->unchanged == 0 || state->samples - 1 - latest < setup->unchanged))) {
        return wrong(err, "the number of samples is not the one asked for", -1);
    }
    if (state->last_update != latest) {
        return wrong(err, "last_update is not the last witness", -1);
    }
    if (state->updates < witnesses || state->updates > latest + 1) {
        return wrong(err, "updates do not fit the witnesses", -1);
    }
    return MCBE_OK;
}

/* The entries of one witness, whose coefficients are c. */
static mcbe_status_t check_entry(const mcbe_frame_t *frame, const double *c,
                                 const mcbe_bias_state_t *state, int row, mcbe_error_t *err)
{
    if (memcmp(&c[row], &state->alpha[row], sizeof *c) != 0 ||
        !mcbe_is_among_largest(frame->n, frame->m, c, row)) {
        return wrong(err, "alpha* is not the coefficient at its witness", row);
    }
    return MCBE_OK;
}

static mcbe_status_t check_witnesses(const mcbe_sampler_t *sampler, const mcbe_frame_t *frame,
                                     const mcbe_stream_key_t *key, const mcbe_bias_state_t *state,
                                     reached_t *entries, double *c, mcbe_point_t *point,
                                     mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    for (int j = 0; j < state->m; j++) {
        entries[j] = (reached_t){.sample = state->witness[j], .row = j};
    }
    qsort(entries, (size_t)state->m, sizeof *entries, by_sample);
    for (int i = 0; i < state->m && st == MCBE_OK; i++) {
        const int64_t sample = entries[i].sample;
        const int row = entries[i].row;
        if (isinf(state->alpha[row]) && state->alpha[row] > 0.0) {
            st = sample == -1 ? MCBE_OK : wrong(err, "alpha* is +inf, yet it has a witness", row);
            continue;
        }
        if (sample < 0 || sample >= state->samples) {
            return wrong(err, "its evidence is a point that was not visited", row);
        }
        if (i == 0 || sample != entries[i - 1].sample) {
            MCBE_TRY(mcbe_sample_point(sampler->design, &sampler->domain, frame, key, NULL, sample,
                                       point));
            mcbe_frame_pair_coefficients(frame, point->a, point->b, point->scale, c);
        }
        st = check_entry(frame, c, state, row, err);
    }
out:
    return st;
}

mcbe_status_t mcbe_samplers_check(const mcbe_setup_t *setup, const mcbe_sampler_t *sampler,
                                  const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                                  const mcbe_bias_state_t *state, mcbe_error_t *err)
{
    mcbe_point_t point = {0};
    mcbe_status_t st;
    reached_t *entries = mcbe_alloc((size_t)frame->m, sizeof *entries);
    double *c = mcbe_alloc((size_t)frame->m, sizeof *c);
    MCBE_TRY(entries && c ? MCBE_OK : MCBE_ERR_NOMEM);
    MCBE_TRY(mcbe_point_init(&point, frame->n));
    MCBE_TRY(check_counts(setup, state, err));
    MCBE_TRY(check_witnesses(sampler, frame, key, state, entries, c, &point, err));
out:
    mcbe_point_free(&point);
    mcbe_free(c);
    mcbe_free(entries);
    return st;
}

mcbe_status_t mcbe_samplers_again(const mcbe_setup_t *setup, const mcbe_sampler_t *sampler,
                                  const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                                  mcbe_bias_state_t *state, double *alpha)
{
    mcbe_setup_t of_sampler = *setup; /* borrows all it holds */
    mcbe_walk_t walk = {0};
    mcbe_status_t st;
    of_sampler.domain = sampler->domain;
    of_sampler.design = sampler->design;
    MCBE_TRY(mcbe_walk_init(&walk, &of_sampler, frame, key));
    MCBE_TRY(mcbe_walk_to(&walk, setup->samples));
    mcbe_bias_state_copy(state, &walk.state);
    mcbe_domain_finish(&sampler->domain, frame->m, state->alpha, alpha);
out:
    mcbe_walk_free(&walk);
    return st;
}

/* --- cost -------------------------------------------------------------------------------------- */

/* Seconds of one sampler on one core. */
static double seconds_of(double samples, mcbe_design_t design, double n, double m)
{
    return 2e-5 + mcbe_cost_products(design, samples) * mcbe_cost_product_seconds(n, m) +
           samples * mcbe_cost_screen_seconds(design, n, m) +
           mcbe_cost_updates(m, samples) * mcbe_cost_visit_seconds(n, m);
}

/* Likewise of holding points against biases, as measured on a 2023 server (AVX-512). */
static double judging_seconds(double points, double biases, double n, double m)
{
    return points * (1e-8 + 1.5e-9 * n + 2.0 * m * n / 9e10 + biases * (2e-8 + 1e-9 * m));
}

mcbe_status_t mcbe_samplers_plan(const mcbe_setup_t *setup, const mcbe_shapes_t *shapes,
                                 int64_t trials, const mcbe_sampler_t *samplers, int count,
                                 int biases, mcbe_plan_t *plan)
{
    const double samples = (double)setup->samples;
    const double points = (double)(setup->data.train.count + setup->data.test.count);
    memset(plan, 0, sizeof *plan);
    plan->cells = mcbe_alloc((size_t)shapes->count, sizeof *plan->cells);
    if (!plan->cells) {
        return MCBE_ERR_NOMEM;
    }
    plan->trials = trials;
    plan->cell_count = shapes->count;
    for (int64_t i = 0; i < plan->cell_count; i++) {
        const double n = (double)shapes->cells[i].n, m = (double)shapes->cells[i].m;
        mcbe_cell_t *cell = plan->cells + i;
        double bytes = 20.0 * n * m + 4.0 * MCBE_POINT_TEST_WIDTH * m; /* while points are held */
        *cell = (mcbe_cell_t){.n = shapes->cells[i].n,
                              .m = shapes->cells[i].m,
                              .flops = 2.0 * n * m * points,
                              .seconds = 5e-9 * n * m + judging_seconds(points, biases, n, m)};
        for (int s = 0; s < count; s++) {
            cell->flops += 2.0 * n * m * mcbe_cost_products(samplers[s].design, samples);
            cell->seconds += seconds_of(samples, samplers[s].design, n, m);
            bytes = fmax(bytes, mcbe_cost_bytes(samplers[s].design, samples, n, m));
        }
        cell->bytes = bytes + 8.0 * m * (4.0 * count + 2.0 * biases) + mcbe_setup_data_bytes(setup);
    }
    return MCBE_OK;
}
