#include "mcbe/bias.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "memory.h"

mcbe_status_t mcbe_bias_state_init(mcbe_bias_state_t *state, int m)
{
    memset(state, 0, sizeof *state);
    if (m < 1) {
        return MCBE_ERR_DIM;
    }
    state->alpha = mcbe_alloc((size_t)m, sizeof *state->alpha);
    state->witness = mcbe_alloc((size_t)m, sizeof *state->witness);
    if (!state->alpha || !state->witness) {
        mcbe_bias_state_free(state);
        return MCBE_ERR_NOMEM;
    }
    state->m = m;
    for (int j = 0; j < m; j++) {
        state->alpha[j] = INFINITY;
        state->witness[j] = -1;
    }
    state->last_update = -1;
    state->min_active = m + 1;
    state->min_active_sample = -1;
    return MCBE_OK;
}

void mcbe_bias_state_free(mcbe_bias_state_t *state)
{
    mcbe_free(state->alpha);
    mcbe_free(state->witness);
    memset(state, 0, sizeof *state);
}

void mcbe_bias_state_copy(mcbe_bias_state_t *to, const mcbe_bias_state_t *from)
{
    double *alpha = to->alpha;
    int64_t *witness = to->witness;
    memcpy(alpha, from->alpha, (size_t)from->m * sizeof *alpha);
    memcpy(witness, from->witness, (size_t)from->m * sizeof *witness);
    *to = *from;
    to->alpha = alpha;
    to->witness = witness;
}

void mcbe_bias_merge(mcbe_bias_state_t *into, const mcbe_bias_state_t *from)
{
    for (int j = 0; j < into->m; j++) {
        int lower = from->alpha[j] < into->alpha[j];
        int same = from->alpha[j] == into->alpha[j] && from->witness[j] >= 0;
        if (lower || (same && from->witness[j] < into->witness[j])) {
            into->alpha[j] = from->alpha[j];
            into->witness[j] = from->witness[j];
        }
    }
    into->samples += from->samples;
    if (from->min_active < into->min_active ||
        (from->min_active == into->min_active &&
         from->min_active_sample < into->min_active_sample)) {
        into->min_active = from->min_active;
        into->min_active_sample = from->min_active_sample;
    }
    into->updates = -1;
    into->last_update = -1;
}

static int ascending(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

mcbe_status_t mcbe_bias_witness_count(const mcbe_bias_state_t *state, int64_t *witnesses)
{
    int64_t *samples = mcbe_alloc((size_t)state->m, sizeof *samples);
    if (!samples) {
        return MCBE_ERR_NOMEM;
    }
    memcpy(samples, state->witness, (size_t)state->m * sizeof *samples);
    qsort(samples, (size_t)state->m, sizeof *samples, ascending);
    *witnesses = 0;
    for (int j = 0; j < state->m; j++) {
        *witnesses += samples[j] >= 0 && (j == 0 || samples[j] != samples[j - 1]);
    }
    mcbe_free(samples);
    return MCBE_OK;
}

void mcbe_bias_events_free(mcbe_bias_events_t *events)
{
    mcbe_free(events->list);
    memset(events, 0, sizeof *events);
}

static int by_sample_then_row(const void *left, const void *right)
{
    const mcbe_bias_event_t *a = left, *b = right;
    if (a->sample != b->sample) {
        return a->sample < b->sample ? -1 : 1;
    }
    return (a->row > b->row) - (a->row < b->row);
}

void mcbe_bias_sort_events(mcbe_bias_event_t *events, size_t count)
{
    if (count > 1) {
        qsort(events, count, sizeof *events, by_sample_then_row);
    }
}

void mcbe_bias_replay(mcbe_bias_state_t *state, const mcbe_bias_event_t *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const mcbe_bias_event_t *event = events + i;
        if (event->value < state->alpha[event->row]) {
            state->alpha[event->row] = event->value;
            state->witness[event->row] = event->sample;
            state->updates += event->sample != state->last_update;
            state->last_update = event->sample;
        }
    }
}

/* The row with the largest coefficient among those that the point lowers, -1 if it lowers none. Of
 * the rows below their alpha only the first in the order of J_x need be looked at: if it is not in
 * J_x, all others come after it. */
static int first_lowered(const mcbe_kernels_t *kernels, int n, int m, const double *alpha,
                         const double *c)
{
    const double highest = kernels->highest_below(m, alpha, c);
    int ahead = kernels->count_above(m, c, highest);
    if (highest == -INFINITY || ahead >= n) {
        return -1;
    }
    int row = 0; /* of equal coefficients the lowest index comes first, below its alpha or not */
    for (; !(c[row] == highest && highest < alpha[row]); row++) {
        ahead += c[row] == highest;
    }
    return ahead < n ? row : -1;
}

int mcbe_bias_lower(int n, int m, double *alpha, const double *c, int *rows)
{
    const mcbe_kernels_t *kernels = mcbe_kernels();
    int lowered = 0, row;
    while ((row = first_lowered(kernels, n, m, alpha, c)) >= 0) {
        alpha[row] = c[row];
        rows[lowered++] = row;
    }
    return lowered;
}

int mcbe_bias_would_lower(int n, int m, const double *alpha, const double *c)
{
    return first_lowered(mcbe_kernels(), n, m, alpha, c) >= 0;
}
