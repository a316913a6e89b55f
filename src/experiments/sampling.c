#include "sampling.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "mcbe/estimate.h"
#include "memory.h"

/* What a team keeps of each layer between two agreements; one rank alone needs none of it. */
typedef struct team_round {
    mcbe_bias_state_t
        *agreed; /* owned, [count]: the states at the round's start, with rank 0's witnesses */
    mcbe_bias_events_t *events; /* owned, [count]: what this rank lowered since */
    int count;
} team_round_t;

/* First sample of a block, and the end of the run for the last one. */
static int64_t start_of(const mcbe_sampling_t *sampling, int n, int64_t block)
{
    const int64_t start = mcbe_block_start(sampling->design, n, block);
    return start < sampling->samples ? start : sampling->samples;
}

/* The block of a sample. */
static int64_t block_of(mcbe_design_t design, int n, int64_t sample)
{
    int64_t low = 0, high = 1;
    while (mcbe_block_start(design, n, high) <= sample) {
        low = high;
        high *= 2;
    }
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (mcbe_block_start(design, n, middle) <= sample) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* This rank's share of the samples from `begin` on in the blocks [first, last). */
static mcbe_status_t visit_blocks(const mcbe_sampling_t *sampling, int n, int64_t begin,
                                  int64_t first, int64_t last, const mcbe_team_t *team,
                                  mcbe_estimator_t *estimator, mcbe_bias_state_t *states, int count,
                                  mcbe_bias_events_t *events)
{
    const int rank = mcbe_comm_rank(team->comm), size = mcbe_comm_size(team->comm);
    for (int64_t block = first; block < last; block++) {
        const int64_t start = start_of(sampling, n, block);
        const int64_t samples = start_of(sampling, n, block + 1) - start;
        const int64_t visited = begin > start ? begin - start : 0;
        if (samples == 0) {
            break;
        }
        if (block % size != rank || visited >= samples) {
            continue;
        }
        mcbe_status_t st =
            mcbe_estimator_block_nested(estimator, block, visited, samples, states, count, events);
        if (st != MCBE_OK) {
            return st;
        }
        if (mcbe_team_look(team)) {
            break;
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

static mcbe_status_t remember(mcbe_bias_events_t *history, const mcbe_bias_event_t *events,
                              size_t count)
{
    void *list = history->list;
    mcbe_status_t st =
        mcbe_grow(&list, &history->capacity, history->count + count, sizeof *history->list);
    if (st == MCBE_OK && count > 0) {
        history->list = list;
        memcpy(history->list + history->count, events, count * sizeof *events);
        history->count += count;
    }
    return st;
}

mcbe_status_t mcbe_sampling_share_history(const mcbe_team_t *team, mcbe_bias_events_t *history)
{
    void *list = history->list;
    int64_t count = (int64_t)history->count;
    mcbe_comm_broadcast(team->comm, &count, sizeof count);
    mcbe_status_t st = mcbe_grow(&list, &history->capacity, (size_t)count, sizeof *history->list);
    history->list = list;
    if (st == MCBE_OK) {
        history->count = (size_t)count;
        mcbe_comm_broadcast(team->comm, history->list, history->count * sizeof *history->list);
    }
    return st;
}

void mcbe_sampling_replay(const mcbe_bias_events_t *history, size_t *seen, int64_t samples,
                          mcbe_bias_state_t *state)
{
    const size_t first = *seen;
    while (*seen < history->count && history->list[*seen].sample < samples) {
        (*seen)++;
    }
    if (*seen > first) {
        mcbe_bias_replay(state, history->list + first, *seen - first);
    }
}

/* End of a round in a team: everybody leaves with the state one rank would have. */
static mcbe_status_t agree(const mcbe_team_t *team, int64_t visited, mcbe_bias_state_t *agreed,
                           mcbe_bias_events_t *events, mcbe_bias_state_t *state,
                           mcbe_bias_events_t *history)
{
    const size_t m = (size_t)state->m;
    void *all = NULL;
    mcbe_status_t st;
    size_t *sizes = mcbe_alloc((size_t)mcbe_comm_size(team->comm), sizeof *sizes);
    if (!sizes) {
        return MCBE_ERR_NOMEM;
    }
    agree_counts(team, agreed, visited, state);
    mcbe_comm_min_f64(team->comm, state->alpha, m);
    MCBE_TRY(mcbe_comm_gather(team->comm, events->list, events->count * sizeof *events->list, &all,
                              sizes));
    if (mcbe_comm_rank(team->comm) == 0) {
        size_t bytes = 0;
        for (int r = 0; r < mcbe_comm_size(team->comm); r++) {
            bytes += sizes[r];
        }
        mcbe_bias_sort_events(all, bytes / sizeof(mcbe_bias_event_t));
        mcbe_bias_replay(agreed, all, bytes / sizeof(mcbe_bias_event_t));
        if (history) {
            MCBE_TRY(remember(history, all, bytes / sizeof(mcbe_bias_event_t)));
        }
        /* two independent ways to the same minima */
        MCBE_BUG_ASSERT(memcmp(agreed->alpha, state->alpha, m * sizeof *state->alpha) == 0);
    }
    int64_t counts[2] = {agreed->updates, agreed->last_update};
    mcbe_comm_broadcast(team->comm, counts, sizeof counts);
    agreed->updates = state->updates = counts[0];
    agreed->last_update = state->last_update = counts[1];
    agreed->samples = state->samples;
    agreed->min_active = state->min_active;
    agreed->min_active_sample = state->min_active_sample;
    memcpy(agreed->alpha, state->alpha, m * sizeof *state->alpha);
    events->count = 0;
out:
    mcbe_free(sizes);
    mcbe_free(all);
    return st;
}

static mcbe_status_t start_rounds(team_round_t *round, const mcbe_bias_state_t *states, int count)
{
    round->agreed = mcbe_alloc((size_t)count, sizeof *round->agreed);
    round->events = mcbe_alloc((size_t)count, sizeof *round->events);
    mcbe_status_t st = round->agreed && round->events ? MCBE_OK : MCBE_ERR_NOMEM;
    for (; round->count < count && st == MCBE_OK; round->count++) {
        st = mcbe_bias_state_init(&round->agreed[round->count], states[round->count].m);
        if (st == MCBE_OK) {
            mcbe_bias_state_copy(&round->agreed[round->count], &states[round->count]);
        }
    }
    return st;
}

static void end_rounds(team_round_t *round)
{
    for (int i = 0; i < round->count; i++) {
        mcbe_bias_state_free(&round->agreed[i]);
        mcbe_bias_events_free(&round->events[i]);
    }
    mcbe_free(round->agreed);
    mcbe_free(round->events);
}

static mcbe_status_t end_round(const mcbe_team_t *team, int64_t visited, team_round_t *round,
                               mcbe_bias_state_t *states, mcbe_bias_events_t *history,
                               mcbe_error_t *err)
{
    mcbe_status_t st = mcbe_fault_check(team->faults, "reduce", err);
    for (int i = 0; i < round->count && st == MCBE_OK; i++) {
        st = agree(team, visited, &round->agreed[i], &round->events[i], &states[i],
                   history ? &history[i] : NULL);
    }
    return st;
}

mcbe_status_t mcbe_sampling_holdout(const mcbe_domain_t *domain, mcbe_precision_t precision,
                                    const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                                    const mcbe_team_t *team, const mcbe_bias_state_t *state,
                                    int64_t samples, int64_t *violations)
{
    const int rank = mcbe_team_rank(team), size = mcbe_team_size(team);
    const int64_t width = mcbe_domain_block_size(frame->n), blocks = (samples - 1) / width + 1;
    mcbe_estimator_t *estimator = NULL;
    mcbe_holdout_t holdout = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_estimator_create(&estimator, frame, domain, key, precision));
    for (int64_t block = rank; block < blocks; block += size) {
        const int64_t left = samples - block * width;
        MCBE_TRY(mcbe_estimator_holdout(estimator, block, 0, left < width ? left : width, state, 1,
                                        &holdout));
        if (mcbe_team_look(team)) {
            break;
        }
    }
    *violations = holdout.violations;
    MCBE_TRY(mcbe_team_go_on(team));
    if (team) {
        mcbe_comm_sum_i64(team->comm, violations, 1);
    }
out:
    mcbe_estimator_destroy(&estimator);
    return st;
}

/* The stop rule of all layers together. */
static int is_quiet(const mcbe_sampling_t *sampling, int64_t end, const mcbe_bias_state_t *states,
                    int count)
{
    for (int i = 0; i < count; i++) {
        if (mcbe_bias_unchanged(&states[i], end) < sampling->unchanged) {
            return 0;
        }
    }
    return sampling->unchanged > 0;
}

/* Random points that the states have seen. */
static int64_t points_seen(const mcbe_sampling_t *sampling, const mcbe_bias_state_t *states,
                           int count)
{
    const int64_t seen = states[0].samples;
    for (int i = 1; i < count; i++) {
        MCBE_BUG_ASSERT(states[i].samples - seen ==
                        (seen > 0 && sampling->init_rows ? states[i].m - states[0].m : 0));
    }
    return seen > 0 && sampling->init_rows ? seen - states[0].m : seen;
}

mcbe_sampling_t mcbe_sampling_of(const mcbe_setup_t *setup)
{
    return (mcbe_sampling_t){.domain = setup->domain,
                             .design = setup->design,
                             .precision = setup->precision,
                             .samples = setup->samples,
                             .unchanged = setup->unchanged,
                             .init_rows = setup->init_rows};
}

mcbe_status_t mcbe_sampling_run(const mcbe_sampling_t *sampling, const mcbe_frame_t *frame,
                                const mcbe_stream_key_t *key, const mcbe_team_t *team,
                                mcbe_bias_state_t *states, int count, mcbe_error_t *err)
{
    const int shared = mcbe_comm_size(team->comm) > 1, n = frame->n;
    mcbe_bias_events_t *history = sampling->history;
    mcbe_estimator_t *estimator = NULL;
    team_round_t round = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_estimator_create_design(&estimator, frame, &sampling->domain, key,
                                          sampling->precision, sampling->design,
                                          sampling->samples));
    MCBE_TRY(mcbe_fault_check(team->faults, "unit", err));
    for (int i = 0; i < count && sampling->init_rows && states[i].samples == 0; i++) {
        MCBE_TRY(mcbe_estimate_rows(frame, estimator, &states[i], history ? &history[i] : NULL));
    }
    int64_t end = points_seen(sampling, states, count);
    const int blocks = mcbe_round_blocks(sampling->design, sampling->unchanged);
    int64_t first = block_of(sampling->design, n, end) / blocks * blocks;
    if (end > 0 && end == mcbe_block_start(sampling->design, n, first) &&
        is_quiet(sampling, end, states, count)) {
        goto out; /* no number of points asked for would have gone on */
    }
    if (shared) {
        MCBE_TRY(start_rounds(&round, states, count));
    }
    for (; end < sampling->samples; first += blocks) {
        const int64_t start = end;
        end = start_of(sampling, n, first + blocks);
        MCBE_TRY(visit_blocks(sampling, n, start, first, first + blocks, team, estimator, states,
                              count, shared ? round.events : history));
        MCBE_TRY(mcbe_team_go_on(team));
        if (shared) {
            MCBE_TRY(end_round(team, end - start, &round, states, history, err));
        }
        if (is_quiet(sampling, end, states, count)) {
            break;
        }
    }
    for (int i = 0; i < round.count; i++) { /* rank 0 kept the witnesses by replay */
        memcpy(states[i].witness, round.agreed[i].witness,
               (size_t)states[i].m * sizeof *states[i].witness);
    }
out:
    end_rounds(&round);
    mcbe_estimator_destroy(&estimator);
    return st;
}
