#include "sampling.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "memory.h"

/* What a team does between two agreements. Only teams of more than one rank keep a copy and events.
 */
typedef struct round_state {
    mcbe_bias_state_t agreed;  /* owned: the state at the round's start, with rank 0's witnesses */
    mcbe_bias_events_t events; /* owned: what this rank lowered since */
} round_state_t;

int64_t mcbe_row_sample(int64_t row)
{
    return -2 - row; /* -1 means: no sample */
}

mcbe_status_t mcbe_point_init(mcbe_point_t *point, int n)
{
    point->a = mcbe_alloc((size_t)n, sizeof *point->a);
    point->b = mcbe_alloc((size_t)n, sizeof *point->b);
    return point->a && point->b ? MCBE_OK : MCBE_ERR_NOMEM;
}

void mcbe_point_free(mcbe_point_t *point)
{
    mcbe_free(point->a);
    mcbe_free(point->b);
    memset(point, 0, sizeof *point);
}

/* The direction of row j, a point of the unit sphere as good as any. */
static double row_point(const mcbe_frame_t *frame, int64_t row, float *x)
{
    double sum = 0.0;
    for (int k = 0; k < frame->n; k++) {
        x[k] = (float)(frame->w[row * frame->n + k] / frame->norm[row]);
        sum += (double)x[k] * (double)x[k];
    }
    return 1.0 / sqrt(sum);
}

/* Point s of a coordinate-major block. */
static void take_point(int n, int width, const float *block, int64_t s, float *x)
{
    for (int k = 0; k < n; k++) {
        x[k] = block[(int64_t)k * width + s];
    }
}

static void random_point(mcbe_design_t design, const mcbe_domain_t *domain, int n,
                         const mcbe_stream_key_t *key, int64_t sample, float *block, double *scales,
                         mcbe_point_t *point)
{
    const int width = mcbe_domain_block_size(n);
    mcbe_stream_key_t stream = *key;
    if (design == MCBE_DESIGN_IID) {
        stream.block = sample / width;
        mcbe_domain_fill(domain, n, &stream, block, scales);
        take_point(n, width, block, sample % width, point->a);
        point->scale = scales[sample % width];
        return;
    }
    int64_t row[2];
    float *part[2] = {point->a, point->b};
    mcbe_paired_rows(sample, &row[0], &row[1]);
    for (int which = 0; which < 2; which++) {
        stream.block = row[which] / width;
        mcbe_paired_fill(which, n, &stream, block);
        take_point(n, width, block, row[which] % width, part[which]);
    }
    point->scale = mcbe_paired_scale(domain, n, point->a, point->b);
}

mcbe_status_t mcbe_sampling_point(mcbe_design_t design, const mcbe_domain_t *domain,
                                  const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                                  int64_t sample, mcbe_point_t *point)
{
    const size_t n = (size_t)frame->n, width = (size_t)mcbe_domain_block_size(frame->n);
    memset(point->b, 0, n * sizeof *point->b);
    if (sample < 0) {
        const int64_t row = -2 - sample;
        if (row < 0 || row >= frame->m) {
            return MCBE_ERR_ARGUMENT;
        }
        point->scale = row_point(frame, row, point->a);
        return MCBE_OK;
    }
    float *block = mcbe_alloc(n * width, sizeof *block);
    double *scales = mcbe_alloc(width, sizeof *scales);
    mcbe_status_t st = block && scales ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        random_point(design, domain, frame->n, key, sample, block, scales, point);
    }
    mcbe_free(scales);
    mcbe_free(block);
    return st;
}

static mcbe_status_t visit_rows(const mcbe_frame_t *frame, mcbe_estimator_t *estimator,
                                mcbe_bias_state_t *state)
{
    float *x = mcbe_alloc((size_t)frame->n, sizeof *x);
    mcbe_status_t st = x ? MCBE_OK : MCBE_ERR_NOMEM;
    for (int64_t row = 0; row < frame->m && st == MCBE_OK; row++) {
        const double scale = row_point(frame, row, x);
        st = mcbe_estimator_point(estimator, x, scale, mcbe_row_sample(row), state, NULL);
    }
    mcbe_free(x);
    return st;
}

/* First sample of a block, and the end of the run for the last one. */
static int64_t start_of(const mcbe_sampling_t *sampling, int n, int64_t block)
{
    const int64_t start = mcbe_block_start(sampling->design, n, block);
    return start < sampling->samples ? start : sampling->samples;
}

/* This rank's share of the blocks [first, last). */
static mcbe_status_t visit_blocks(const mcbe_sampling_t *sampling, int n, int64_t first,
                                  int64_t last, const mcbe_team_t *team,
                                  mcbe_estimator_t *estimator, mcbe_bias_state_t *state,
                                  mcbe_bias_events_t *events)
{
    const int rank = mcbe_comm_rank(team->comm), size = mcbe_comm_size(team->comm);
    for (int64_t block = first; block < last; block++) {
        if (block % size != rank) {
            continue;
        }
        const int64_t count = start_of(sampling, n, block + 1) - start_of(sampling, n, block);
        if (count == 0) {
            break;
        }
        mcbe_status_t st = mcbe_estimator_block(estimator, block, 0, count, state, events);
        if (st != MCBE_OK) {
            return st;
        }
        if (team->between_blocks) {
            team->between_blocks(team->context);
        }
    }
    return MCBE_OK;
}

/* Point counts are sums, min_active the lexicographic minimum of (count, sample). */
static void agree_counts(const mcbe_team_t *team, const mcbe_bias_state_t *agreed, int64_t visited,
                         mcbe_bias_state_t *state)
{
    int64_t count = state->min_active;
    mcbe_comm_min_i64(team->comm, &count, 1);
    int64_t sample = state->min_active == count ? state->min_active_sample : INT64_MAX;
    mcbe_comm_min_i64(team->comm, &sample, 1);
    state->min_active = count;
    state->min_active_sample = sample;
    state->samples = agreed->samples + visited;
}

/* End of a round in a team: everybody leaves with the state one rank would have. */
static mcbe_status_t agree(const mcbe_team_t *team, int64_t visited, round_state_t *round,
                           mcbe_bias_state_t *state, mcbe_error_t *err)
{
    const size_t m = (size_t)state->m;
    mcbe_bias_event_t *all = NULL;
    size_t *sizes = NULL;
    mcbe_status_t st;
    MCBE_TRY(mcbe_fault_check(team->faults, "reduce", err));
    agree_counts(team, &round->agreed, visited, state);
    mcbe_comm_min_f64(team->comm, state->alpha, m);
    sizes = mcbe_alloc((size_t)mcbe_comm_size(team->comm), sizeof *sizes);
    if (!sizes) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    void *gathered = NULL;
    MCBE_TRY(mcbe_comm_gather(team->comm, round->events.list,
                              round->events.count * sizeof *round->events.list, &gathered, sizes));
    all = gathered;
    if (mcbe_comm_rank(team->comm) == 0) {
        size_t bytes = 0;
        for (int r = 0; r < mcbe_comm_size(team->comm); r++) {
            bytes += sizes[r];
        }
        mcbe_bias_sort_events(all, bytes / sizeof *all);
        mcbe_bias_replay(&round->agreed, all, bytes / sizeof *all);
        /* two independent ways to the same minima */
        MCBE_BUG_ASSERT(memcmp(round->agreed.alpha, state->alpha, m * sizeof *state->alpha) == 0);
    }
    int64_t history[2] = {round->agreed.updates, round->agreed.last_update};
    mcbe_comm_broadcast(team->comm, history, sizeof history);
    round->agreed.updates = state->updates = history[0];
    round->agreed.last_update = state->last_update = history[1];
    round->agreed.samples = state->samples;
    round->agreed.min_active = state->min_active;
    round->agreed.min_active_sample = state->min_active_sample;
    memcpy(round->agreed.alpha, state->alpha, m * sizeof *state->alpha);
    round->events.count = 0;
out:
    mcbe_free(sizes);
    mcbe_free(all);
    return st;
}

mcbe_status_t mcbe_sampling_run(const mcbe_sampling_t *sampling, const mcbe_frame_t *frame,
                                const mcbe_stream_key_t *key, const mcbe_team_t *team,
                                mcbe_bias_state_t *state, mcbe_error_t *err)
{
    const int shared = mcbe_comm_size(team->comm) > 1;
    const int n = frame->n;
    mcbe_estimator_t *estimator = NULL;
    round_state_t round = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_estimator_create_design(&estimator, frame, &sampling->domain, key,
                                          sampling->precision, sampling->design,
                                          sampling->samples));
    MCBE_TRY(mcbe_fault_check(team->faults, "unit", err));
    if (sampling->init_rows) {
        MCBE_TRY(visit_rows(frame, estimator, state));
    }
    if (shared) {
        MCBE_TRY(mcbe_bias_state_init(&round.agreed, frame->m));
        mcbe_bias_state_copy(&round.agreed, state);
    }
    for (int64_t first = 0, end = 0; end < sampling->samples; first += MCBE_ROUND_BLOCKS) {
        const int64_t start = end;
        end = start_of(sampling, n, first + MCBE_ROUND_BLOCKS);
        MCBE_TRY(visit_blocks(sampling, n, first, first + MCBE_ROUND_BLOCKS, team, estimator, state,
                              shared ? &round.events : NULL));
        if (shared) {
            MCBE_TRY(agree(team, end - start, &round, state, err));
        }
        if (sampling->unchanged > 0 && end - 1 - state->last_update >= sampling->unchanged) {
            break;
        }
    }
    if (shared) { /* rank 0 kept the witnesses by replay */
        memcpy(state->witness, round.agreed.witness, (size_t)frame->m * sizeof *state->witness);
    }
out:
    mcbe_bias_events_free(&round.events);
    mcbe_bias_state_free(&round.agreed);
    mcbe_estimator_destroy(&estimator);
    return st;
}
