#include <math.h>
#include <string.h>

#include "check.h"
#include "mcbe/injectivity.h"
#include "memory.h"
#include "survey.h"

/* Qhull and the C library may round otherwise on another machine. */
#define LIBRARY_TOLERANCE 1e-9

/* A stored unit next to what is recomputed of it. */
typedef struct evidence {
    const mcbe_survey_t *survey;
    const mcbe_cell_t *cell;
    int64_t trial;
    mcbe_stream_key_t key;     /* of the points */
    mcbe_frame_t frame, layer; /* owned, regenerated: what points were drawn with, and the layer */
    mcbe_findings_t findings;  /* owned, as stored */
    mcbe_point_t point;        /* owned, under examination */
    double *biases;            /* owned, [families][m], in the units of W */
    double *c;                 /* owned, [m], its coefficients */
} evidence_t;

static mcbe_status_t corrupt(const evidence_t *e, mcbe_error_t *err, const char *what,
                             long long entry)
{
    return mcbe_fail(err, MCBE_ERR_CORRUPT, "cell (n=%lld, m=%lld), trial %lld: %s (row %lld)",
                     (long long)e->cell->n, (long long)e->cell->m, (long long)e->trial, what,
                     entry);
}

static mcbe_status_t collect(evidence_t *e, const mcbe_layout_t *layout,
                             const mcbe_record_t *record)
{
    mcbe_status_t st;
    e->key = mcbe_survey_points_key(e->survey, e->cell, e->trial);
    MCBE_TRY(mcbe_setup_frame(&e->survey->setup, &e->key, &e->frame));
    MCBE_TRY(mcbe_survey_layer(e->survey, e->cell, e->trial, &e->layer));
    MCBE_TRY(mcbe_findings_init(&e->findings, e->survey, e->cell));
    MCBE_TRY(mcbe_survey_read(e->survey, e->cell, layout, record, &e->findings));
    MCBE_TRY(mcbe_point_init(&e->point, e->layer.n));
    const mcbe_setup_t *setup = &e->survey->setup;
    const mcbe_stream_key_t key = mcbe_survey_cell_key(e->survey, e->cell, e->trial);
    const size_t m = (size_t)e->layer.m;
    e->c = mcbe_alloc(m, sizeof *e->c);
    e->biases = mcbe_alloc((size_t)setup->family_count * m, sizeof *e->biases);
    if (!e->c || !e->biases) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    MCBE_TRY(mcbe_setup_biases(setup, &key, &e->layer, e->biases));
out:
    return st;
}

static void discard(evidence_t *e)
{
    mcbe_free(e->biases);
    mcbe_free(e->c);
    mcbe_point_free(&e->point);
    mcbe_findings_free(&e->findings);
    mcbe_frame_free(&e->layer);
    mcbe_frame_free(&e->frame);
}

/* Points visited beside the directions of the rows. */
static int64_t random_points(const evidence_t *e)
{
    return e->findings.state.samples - (e->survey->setup.init_rows ? e->layer.m : 0);
}

/* Regenerate a point the unit claims to have visited, and its coefficients. */
static mcbe_status_t regenerate(evidence_t *e, int64_t sample, int64_t row, mcbe_error_t *err)
{
    const mcbe_setup_t *setup = &e->survey->setup;
    const mcbe_points_t *points = &e->findings.points;
    const int64_t first = setup->init_rows ? mcbe_row_sample(e->layer.m - 1) : 0;
    const int stored = sample >= MCBE_STORED_POINT;
    if (stored ? sample - MCBE_STORED_POINT >= points->count
               : sample < first || sample == -1 || sample >= random_points(e)) {
        return corrupt(e, err, "its evidence is a point that was not visited", row);
    }
    mcbe_status_t st = mcbe_sample_point(setup->design, &setup->domain, &e->frame, &e->key, points,
                                         sample, &e->point);
    if (st != MCBE_OK) {
        return st;
    }
    mcbe_frame_pair_coefficients(&e->layer, e->point.a, e->point.b, e->point.scale, e->c);
    return MCBE_OK;
}

/* Is row j among the n largest coefficients of the point under examination? */
static int is_among_largest(const evidence_t *e, int j)
{
    int ahead = 0;
    for (int i = 0; i < e->layer.m; i++) {
        ahead += e->c[i] > e->c[j] || (e->c[i] == e->c[j] && i < j);
    }
    return ahead < e->layer.n;
}

/* Every finite entry must be reached at its witness, where the row is among the n largest. */
static mcbe_status_t check_witnesses(evidence_t *e, mcbe_error_t *err)
{
    const mcbe_bias_state_t *state = &e->findings.state;
    const double *uniform = e->findings.uniform;
    for (int j = 0; j < state->m; j++) {
        const int64_t witness = state->witness[j];
        if (uniform && !(state->alpha[j] <= uniform[j])) {
            return corrupt(e, err, "alpha* is above that of the sampling phase", j);
        }
        if (isinf(state->alpha[j]) && state->alpha[j] > 0.0) {
            if (witness != -1) {
                return corrupt(e, err, "alpha* is +inf, yet it has a witness", j);
            }
            continue;
        }
        mcbe_status_t st = regenerate(e, witness, j, err);
        if (st != MCBE_OK) {
            return st;
        }
        if (memcmp(&e->c[j], &state->alpha[j], sizeof e->c[j]) != 0 || !is_among_largest(e, j)) {
            return corrupt(e, err, "alpha* is not the coefficient at its witness", j);
        }
        if (witness < MCBE_STORED_POINT) {
            if (witness > state->last_update) {
                return corrupt(e, err, "its witness is later than last_update", j);
            }
            if (uniform && memcmp(&uniform[j], &state->alpha[j], sizeof *uniform) != 0) {
                return corrupt(e, err, "its witness is of the sampling phase, its value is not", j);
            }
        }
    }
    return MCBE_OK;
}

/* The counts cannot be recomputed without the whole run, but they can contradict each other. */
static mcbe_status_t check_counts(evidence_t *e, mcbe_error_t *err)
{
    const mcbe_setup_t *setup = &e->survey->setup;
    const mcbe_findings_t *found = &e->findings;
    const int64_t points = random_points(e);
    if (points < 1 || points > setup->samples ||
        (setup->unchanged == 0 && points != setup->samples)) {
        return corrupt(e, err, "the number of samples is not the one asked for", -1);
    }
    if (found->state.last_update >= points || found->state.updates < 1 ||
        found->state.updates > found->state.samples) {
        return corrupt(e, err, "updates or last_update do not fit the number of samples", -1);
    }
    if (found->violations < 0 || found->violations > setup->holdout_samples) {
        return corrupt(e, err, "holdout_violations is not a number of the fresh points", -1);
    }
    if (found->witness_points < 0 || found->witness_points > e->layer.m) {
        return corrupt(e, err, "witness_points is not a number of rows", -1);
    }
    if (found->evaluations < 0) {
        return corrupt(e, err, "search_evaluations is negative", -1);
    }
    return MCBE_OK;
}

/* What search has lowered no longer says what its witness was before. */
static mcbe_status_t check_witness_points(evidence_t *e, mcbe_error_t *err)
{
    int64_t witnesses = 0;
    if (mcbe_survey_has(e->survey, MCBE_PHASE_SEARCH)) {
        return MCBE_OK;
    }
    mcbe_status_t st = mcbe_bias_witness_count(&e->findings.state, &witnesses);
    return st != MCBE_OK || witnesses == e->findings.witness_points
               ? st
               : corrupt(e, err, "witness_points is not the number of different witnesses", -1);
}

static mcbe_status_t check_min_active(evidence_t *e, mcbe_error_t *err)
{
    mcbe_status_t st = regenerate(e, e->findings.state.min_active_sample, -1, err);
    if (st != MCBE_OK) {
        return st;
    }
    const double norm = mcbe_point_norm(e->layer.n, e->point.a, e->point.b, 1) * e->point.scale;
    return mcbe_active_count(&e->layer, e->c, NULL, norm, NULL) == e->findings.state.min_active
               ? MCBE_OK
               : corrupt(e, err, "min_active is not the number of active rows at its sample", -1);
}

/* A certificate must be a point of K with as many active rows as it says, fewer than n. */
static mcbe_status_t check_certificates(evidence_t *e, mcbe_error_t *err)
{
    const mcbe_setup_t *setup = &e->survey->setup;
    const mcbe_certificates_t *certificates = &e->findings.certificates;
    const size_t m = (size_t)e->layer.m;
    mcbe_status_t st = MCBE_OK;
    for (int i = 0; i < certificates->count; i++) {
        const double *x = certificates->x + (size_t)i * (size_t)e->layer.n;
        int active = 0, inside = 0;
        if (certificates->active[i] == -1 && isnan(x[0])) {
            continue;
        }
        MCBE_TRY(mcbe_certificate_count(&setup->domain, &e->layer, x, e->biases + (size_t)i * m,
                                        &active, &inside));
        if (!inside || active != certificates->active[i] || active >= e->layer.n) {
            st = mcbe_fail(err, MCBE_ERR_CORRUPT,
                           "cell (n=%lld, m=%lld), trial %lld: the certificate against bias '%s' "
                           "does not hold: %s %d active rows, the file says %d, %d are needed to "
                           "refute",
                           (long long)e->cell->n, (long long)e->cell->m, (long long)e->trial,
                           setup->families[i].name,
                           inside ? "it has" : "it is no point of K and has", active,
                           certificates->active[i], e->layer.n - 1);
            goto out;
        }
    }
out:
    return st;
}

/* Equal words; of a library's values on perhaps another machine, equal within LIBRARY_TOLERANCE. */
static int agrees(int loosely, size_t count, const int64_t *stored, const int64_t *again)
{
    if (memcmp(stored, again, count * sizeof *stored) == 0) {
        return 1;
    }
    for (size_t k = 0; k < count && loosely; k++) {
        double a, b;
        memcpy(&a, &stored[k], sizeof a);
        memcpy(&b, &again[k], sizeof b);
        if (!(fabs(a - b) <= LIBRARY_TOLERANCE * fmax(1.0, fabs(b))) &&
            memcmp(&a, &b, sizeof a) != 0) {
            return 0;
        }
    }
    return loosely;
}

/* All that follows from what was found, derived again, must be what is stored, word for word. */
static mcbe_status_t check_derived(evidence_t *e, const mcbe_layout_t *layout,
                                   const mcbe_record_t *record, mcbe_error_t *err)
{
    mcbe_record_t again = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_record_init(&again, layout, record->cell, record->trial, e->cell));
    MCBE_TRY(mcbe_survey_exact(e->survey, &e->layer, e->biases, &e->findings, err));
    MCBE_TRY(
        mcbe_survey_write(e->survey, e->cell, e->trial, &e->layer, &e->findings, layout, &again));
    for (int i = 0; i < layout->count; i++) {
        const mcbe_column_t *column = layout->columns + i;
        const int64_t start = mcbe_layout_offset(layout, i, e->cell);
        const size_t words = (size_t)mcbe_column_words(column, e->cell);
        if (!agrees(mcbe_survey_depends_on_library(e->survey, i), words, record->words + start,
                    again.words + start)) {
            st = mcbe_fail(
                err, MCBE_ERR_CORRUPT,
                "cell (n=%lld, m=%lld), trial %lld: /%s does not follow from the points visited, "
                "the weight matrix and the biases",
                (long long)e->cell->n, (long long)e->cell->m, (long long)e->trial, column->path);
            goto out;
        }
    }
out:
    mcbe_record_free(&again);
    return st;
}

mcbe_status_t mcbe_survey_verify(const void *survey, const mcbe_cell_t *cell, int64_t trial,
                                 const mcbe_layout_t *layout, const mcbe_record_t *record,
                                 mcbe_error_t *err)
{
    evidence_t e = {.survey = survey, .cell = cell, .trial = trial};
    mcbe_status_t st;
    MCBE_TRY(collect(&e, layout, record));
    MCBE_TRY(check_counts(&e, err));
    MCBE_TRY(check_witnesses(&e, err));
    MCBE_TRY(check_witness_points(&e, err));
    MCBE_TRY(check_min_active(&e, err));
    MCBE_TRY(check_certificates(&e, err));
    MCBE_TRY(check_derived(&e, layout, record, err));
out:
    discard(&e);
    return st;
}
