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

/* --- a unit ------------------------------------------------------------------------------------ */

mcbe_status_t mcbe_samplers_unit_init(mcbe_samplers_unit_t *unit, const mcbe_setup_t *setup,
                                      const mcbe_cell_t *cell, int64_t trial, int samplers,
                                      int biases)
{
    const size_t count = (size_t)biases, m = (size_t)cell->m;
    mcbe_status_t st;
    *unit = (mcbe_samplers_unit_t){
        .setup = setup, .key = mcbe_setup_key(setup, cell, trial), .biases = biases};
    MCBE_TRY(mcbe_setup_frame(setup, &unit->key, &unit->frame));
    unit->state = mcbe_alloc((size_t)samplers, sizeof *unit->state);
    unit->bias = mcbe_alloc(count * m, sizeof *unit->bias);
    unit->test = mcbe_alloc(count, sizeof *unit->test);
    unit->training = mcbe_alloc(count, sizeof *unit->training);
    MCBE_TRY(unit->state && unit->bias && unit->test && unit->training ? MCBE_OK : MCBE_ERR_NOMEM);
    for (; unit->samplers < samplers; unit->samplers++) {
        MCBE_TRY(mcbe_bias_state_init(&unit->state[unit->samplers], unit->frame.m));
    }
out:
    return st;
}

void mcbe_samplers_unit_free(mcbe_samplers_unit_t *unit)
{
    for (int i = 0; i < unit->samplers; i++) {
        mcbe_bias_state_free(&unit->state[i]);
    }
    mcbe_free(unit->training);
    mcbe_free(unit->test);
    mcbe_free(unit->bias);
    mcbe_free(unit->state);
    mcbe_frame_free(&unit->frame);
}

/* alpha* on K of sampler number i, from its state. */
static void finish(mcbe_samplers_unit_t *unit, const mcbe_sampler_t *sampler, int i)
{
    const int m = unit->frame.m;
    mcbe_domain_finish(&sampler->domain, m, unit->state[i].alpha, unit->bias + (ptrdiff_t)i * m);
}

mcbe_status_t mcbe_samplers_run(mcbe_samplers_unit_t *unit, const mcbe_sampler_t *samplers,
                                const mcbe_team_t *team, mcbe_error_t *err)
{
    mcbe_sampling_t sampling = mcbe_sampling_of(unit->setup);
    mcbe_status_t st = MCBE_OK;
    for (int i = 0; i < unit->samplers && st == MCBE_OK; i++) {
        sampling.domain = samplers[i].domain;
        sampling.design = samplers[i].design;
        st = mcbe_sampling_run(&sampling, &unit->frame, &unit->key, team, unit->state + i, 1, err);
        finish(unit, samplers + i, i);
    }
    return st;
}

mcbe_status_t mcbe_samplers_judge(mcbe_samplers_unit_t *unit, const mcbe_team_t *team)
{
    const mcbe_data_t *data = &unit->setup->data;
    mcbe_status_t st;
    MCBE_TRY(mcbe_data_p_injective(&data->test, &unit->frame, unit->biases, unit->bias, team,
                                   unit->test));
    MCBE_TRY(mcbe_data_p_injective(&data->train, &unit->frame, unit->biases, unit->bias, team,
                                   unit->training));
out:
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
        return mcbe_fail(err, MCBE_ERR_CORRUPT, "the number of samples is not the one asked for");
    }
    if (state->last_update != latest) {
        return mcbe_fail(err, MCBE_ERR_CORRUPT, "last_update is not the last witness");
    }
    if (state->updates < witnesses || state->updates > latest + 1) {
        return mcbe_fail(err, MCBE_ERR_CORRUPT, "updates do not fit the witnesses");
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

mcbe_status_t mcbe_samplers_check(const mcbe_samplers_unit_t *unit, const mcbe_sampler_t *sampler,
                                  int i, mcbe_error_t *err)
{
    const mcbe_frame_t *frame = &unit->frame;
    const mcbe_bias_state_t *state = unit->state + i;
    mcbe_point_t point = {0};
    mcbe_status_t st;
    reached_t *entries = mcbe_alloc((size_t)frame->m, sizeof *entries);
    double *c = mcbe_alloc((size_t)frame->m, sizeof *c);
    MCBE_TRY(entries && c ? MCBE_OK : MCBE_ERR_NOMEM);
    MCBE_TRY(mcbe_point_init(&point, frame->n));
    MCBE_TRY(check_counts(unit->setup, state, err));
    MCBE_TRY(check_witnesses(sampler, frame, &unit->key, state, entries, c, &point, err));
out:
    mcbe_point_free(&point);
    mcbe_free(c);
    mcbe_free(entries);
    return st;
}

mcbe_status_t mcbe_samplers_again(mcbe_samplers_unit_t *unit, const mcbe_sampler_t *sampler, int i)
{
    mcbe_setup_t of_sampler = *unit->setup; /* borrows all it holds */
    mcbe_walk_t walk = {0};
    mcbe_status_t st;
    of_sampler.domain = sampler->domain;
    of_sampler.design = sampler->design;
    MCBE_TRY(mcbe_walk_init(&walk, &of_sampler, &unit->frame, &unit->key));
    MCBE_TRY(mcbe_walk_to(&walk, of_sampler.samples));
    mcbe_bias_state_copy(&unit->state[i], &walk.state);
    finish(unit, sampler, i);
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

mcbe_status_t mcbe_samplers_plan(const mcbe_setup_t *setup, const mcbe_shapes_t *shapes,
                                 const mcbe_sampler_t *samplers, int count, int biases,
                                 mcbe_plan_t *plan)
{
    const double samples = (double)setup->samples;
    const double points = (double)(setup->data.train.count + setup->data.test.count);
    const mcbe_status_t st = mcbe_shapes_plan(shapes, plan);
    for (int64_t i = 0; i < plan->cell_count; i++) {
        mcbe_cell_t *cell = plan->cells + i;
        const double n = (double)cell->n, m = (double)cell->m;
        double bytes = 20.0 * n * m + 4.0 * MCBE_POINT_TEST_WIDTH * m; /* while points are held */
        cell->flops = 2.0 * n * m * points;
        cell->seconds = 5e-9 * n * m + points * mcbe_cost_judge_seconds(biases, n, m);
        for (int s = 0; s < count; s++) {
            cell->flops += 2.0 * n * m * mcbe_cost_products(samplers[s].design, samples);
            cell->seconds += seconds_of(samples, samplers[s].design, n, m);
            bytes = fmax(bytes, mcbe_cost_bytes(samplers[s].design, samples, n, m));
        }
        cell->bytes =
            bytes + 8.0 * m * (4.0 * count + 2.0 * biases) + mcbe_setup_loaded_bytes(setup);
    }
    return st;
}
