#include <math.h>
#include <string.h>

#include "check.h"
#include "mcbe/injectivity.h"
#include "memory.h"
#include "phase_diagram_internal.h"

/* A stored unit next to what is recomputed of it. */
typedef struct evidence {
    const params_t *params;
    const mcbe_cell_t *cell;
    int64_t trial;
    mcbe_stream_key_t key;
    mcbe_frame_t frame;      /* owned, regenerated */
    mcbe_bias_state_t state; /* owned, as stored */
    mcbe_point_t point;      /* owned, under examination */
    double *c;               /* owned, [m of the frame], its coefficients */
    unsigned char *active;   /* owned, likewise, which rows are active there */
} evidence_t;

static mcbe_status_t corrupt(const evidence_t *e, mcbe_error_t *err, const char *what,
                             long long entry)
{
    return mcbe_fail(err, MCBE_ERR_CORRUPT, "cell (n=%lld, m=%lld), trial %lld: %s (row %lld)",
                     (long long)e->cell->n, (long long)e->cell->m, (long long)e->trial, what,
                     entry);
}

static mcbe_status_t load_state(evidence_t *e, const mcbe_layout_t *layout,
                                const mcbe_record_t *record)
{
    const int64_t m = e->cell->m;
    mcbe_bias_state_t *state = &e->state;
    mcbe_status_t st = mcbe_bias_state_init(state, (int)m);
    if (st == MCBE_OK) {
        mcbe_record_get_i64(record, layout, e->cell, COLUMN_SAMPLES, &state->samples);
        mcbe_record_get_i64(record, layout, e->cell, COLUMN_UPDATES, &state->updates);
        mcbe_record_get_i64(record, layout, e->cell, COLUMN_LAST_UPDATE, &state->last_update);
        mcbe_record_get_i64(record, layout, e->cell, COLUMN_MIN_ACTIVE, &state->min_active);
        mcbe_record_get_i64(record, layout, e->cell, COLUMN_MIN_ACTIVE_SAMPLE,
                            &state->min_active_sample);
        mcbe_record_get_f64(record, layout, e->cell, COLUMN_DIRECTION, state->alpha);
        mcbe_record_get_i64(record, layout, e->cell, COLUMN_WITNESS, state->witness);
    }
    return st;
}

static mcbe_status_t collect(evidence_t *e, const mcbe_layout_t *layout,
                             const mcbe_record_t *record)
{
    mcbe_status_t st;
    e->key = key_of_points(e->params, e->cell, e->trial);
    MCBE_TRY(mcbe_setup_frame(&e->params->setup, &e->key, &e->frame));
    MCBE_TRY(load_state(e, layout, record));
    MCBE_TRY(mcbe_point_init(&e->point, e->frame.n));
    e->c = mcbe_alloc((size_t)e->frame.m, sizeof *e->c);
    e->active = mcbe_alloc((size_t)e->frame.m, sizeof *e->active);
    if (!e->c || !e->active) {
        st = MCBE_ERR_NOMEM;
    }
out:
    return st;
}

static void discard(evidence_t *e)
{
    mcbe_free(e->active);
    mcbe_free(e->c);
    mcbe_point_free(&e->point);
    mcbe_bias_state_free(&e->state);
    mcbe_frame_free(&e->frame);
}

/* Points visited beside the directions of the rows. */
static int64_t random_points(const evidence_t *e)
{
    return e->state.samples - (e->params->setup.init_rows ? e->state.m : 0);
}

/* Regenerate a point the unit claims to have visited, and its coefficients. */
static mcbe_status_t regenerate(evidence_t *e, int64_t sample, int64_t row, mcbe_error_t *err)
{
    const int64_t first = e->params->setup.init_rows ? mcbe_row_sample(e->state.m - 1) : 0;
    if (sample < first || sample == -1 || sample >= random_points(e)) {
        return corrupt(e, err, "its evidence is a point that was not visited", row);
    }
    mcbe_status_t st = mcbe_sampling_point(e->params->setup.design, &e->params->setup.domain,
                                           &e->frame, &e->key, sample, &e->point);
    if (st != MCBE_OK) {
        return st;
    }
    mcbe_frame_pair_coefficients(&e->frame, e->point.a, e->point.b, e->point.scale, e->c);
    return MCBE_OK;
}

/* Every finite entry must be reached at its witness, where the row is among the n largest. */
static mcbe_status_t check_witnesses(evidence_t *e, mcbe_error_t *err)
{
    const mcbe_bias_state_t *state = &e->state;
    int64_t latest = -1;
    for (int j = 0; j < state->m; j++) {
        if (isinf(state->alpha[j]) && state->alpha[j] > 0.0) {
            if (state->witness[j] != -1) {
                return corrupt(e, err, "alpha* is +inf, yet it has a witness", j);
            }
            continue;
        }
        mcbe_status_t st = regenerate(e, state->witness[j], j, err);
        if (st != MCBE_OK) {
            return st;
        }
        int ahead = 0;
        for (int i = 0; i < state->m; i++) {
            ahead += e->c[i] > e->c[j] || (e->c[i] == e->c[j] && i < j);
        }
        if (memcmp(&e->c[j], &state->alpha[j], sizeof e->c[j]) != 0 || ahead >= e->frame.n) {
            return corrupt(e, err, "alpha* is not the coefficient at its witness", j);
        }
        latest = state->witness[j] > latest ? state->witness[j] : latest;
    }
    if (latest >= 0 && latest > state->last_update) {
        return corrupt(e, err, "a witness is later than last_update", latest);
    }
    return MCBE_OK;
}

/* The counts cannot be recomputed without the whole run, but they can contradict each other. */
static mcbe_status_t check_counts(evidence_t *e, mcbe_error_t *err)
{
    const mcbe_setup_t *setup = &e->params->setup;
    const int64_t points = random_points(e);
    if (points < 1 || points > setup->samples ||
        (setup->unchanged == 0 && points != setup->samples)) {
        return corrupt(e, err, "the number of samples is not the one asked for", -1);
    }
    if (e->state.last_update >= points || e->state.updates < 1 ||
        e->state.updates > e->state.samples) {
        return corrupt(e, err, "updates or last_update do not fit the number of samples", -1);
    }
    return MCBE_OK;
}

static mcbe_status_t check_min_active(evidence_t *e, mcbe_error_t *err)
{
    mcbe_status_t st = regenerate(e, e->state.min_active_sample, -1, err);
    if (st != MCBE_OK) {
        return st;
    }
    const double norm = mcbe_point_norm(e->frame.n, e->point.a, e->point.b, 1) * e->point.scale;
    mcbe_active_count(&e->frame, e->c, NULL, norm, e->active);
    int active = 0;
    for (int j = 0; j < e->state.m; j++) { /* a nested layer has only the first rows of the frame */
        active += e->active[j];
    }
    return active == e->state.min_active
               ? MCBE_OK
               : corrupt(e, err, "min_active is not the number of active rows at its sample", -1);
}

/* All that follows from the state, derived again, must be what is stored, word for word. */
static mcbe_status_t check_derived(evidence_t *e, const mcbe_layout_t *layout,
                                   const mcbe_record_t *record, mcbe_error_t *err)
{
    mcbe_record_t again = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_record_init(&again, layout, record->cell, record->trial, e->cell));
    MCBE_TRY(derive_record(e->params, e->cell, e->trial, &e->frame, &e->state, layout, &again));
    for (int i = 0; i < layout->count; i++) {
        const mcbe_column_t *column = layout->columns + i;
        const int64_t start = mcbe_layout_offset(layout, i, e->cell);
        const size_t words = (size_t)mcbe_column_words(column, e->cell);
        if (memcmp(again.words + start, record->words + start, words * sizeof *again.words) != 0) {
            st = mcbe_fail(
                err, MCBE_ERR_CORRUPT,
                "cell (n=%lld, m=%lld), trial %lld: /%s does not follow from alpha*, the "
                "weight matrix and the biases",
                (long long)e->cell->n, (long long)e->cell->m, (long long)e->trial, column->path);
            goto out;
        }
    }
out:
    mcbe_record_free(&again);
    return st;
}

mcbe_status_t verify_unit(const void *params, const mcbe_cell_t *cell, int64_t trial,
                          const mcbe_layout_t *layout, const mcbe_record_t *record,
                          mcbe_error_t *err)
{
    evidence_t e = {.params = params, .cell = cell, .trial = trial};
    mcbe_status_t st;
    MCBE_TRY(collect(&e, layout, record));
    MCBE_TRY(check_counts(&e, err));
    MCBE_TRY(check_witnesses(&e, err));
    MCBE_TRY(check_min_active(&e, err));
    MCBE_TRY(check_derived(&e, layout, record, err));
out:
    discard(&e);
    return st;
}
