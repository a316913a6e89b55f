#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "mcbe/injectivity.h"
#include "memory.h"
#include "survey.h"

/* Qhull and the C library may round otherwise on another machine. */
#define LIBRARY_TOLERANCE 1e-9
/* |x| of a stored direction is 1 up to this. */
#define UNIT_TOLERANCE 0x1p-35

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

/* @param[in] row  -1 for what is not about one */
static mcbe_status_t corrupt(const evidence_t *e, mcbe_error_t *err, const char *what,
                             long long row)
{
    char where[40] = "";
    if (row >= 0) {
        snprintf(where, sizeof where, " (row %lld)", row);
    }
    return mcbe_fail(err, MCBE_ERR_CORRUPT, "cell (n=%lld, m=%lld), trial %lld: %s%s",
                     (long long)e->cell->n, (long long)e->cell->m, (long long)e->trial, what,
                     where);
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

/* A stored point must be what search leaves: a unit vector up to rounding, a sum of two fp32 vectors,
 * in K, and there for a reason. */
static mcbe_status_t check_points(evidence_t *e, mcbe_error_t *err)
{
    const mcbe_domain_t *domain = &e->survey->setup.domain;
    const mcbe_points_t *points = &e->findings.points;
    const mcbe_bias_state_t *state = &e->findings.state;
    const int n = e->layer.n;
    for (int64_t i = 0; i < points->count; i++) {
        const double *x = points->x + i * n;
        int good = 1, used = state->min_active_sample == MCBE_STORED_POINT + i;
        for (int j = 0; j < state->m; j++) {
            used |= state->witness[j] == MCBE_STORED_POINT + i;
        }
        for (int k = 0; k < n; k++) {
            double split = x[k];
            float a, b;
            good &= fabs(x[k]) <= 1.0 + UNIT_TOLERANCE && !(domain->nonnegative && x[k] < 0.0);
            if (good) {
                mcbe_point_split(1, &split, &a, &b);
                good = split == x[k];
            }
        }
        double squares = 0.0;
        for (int k = 0; k < n; k++) {
            squares += x[k] * x[k];
        }
        if (!good || !(fabs(sqrt(squares) - 1.0) <= UNIT_TOLERANCE) || !used) {
            return mcbe_fail(err, MCBE_ERR_CORRUPT,
                             "cell (n=%lld, m=%lld), trial %lld: stored point %lld is %s",
                             (long long)e->cell->n, (long long)e->cell->m, (long long)e->trial,
                             (long long)i, used ? "no direction of K" : "evidence of nothing");
        }
    }
    return MCBE_OK;
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

/* Rows active at bias 0 at the point under examination. */
static int active_here(const evidence_t *e)
{
    const double norm = mcbe_point_norm(e->layer.n, e->point.a, e->point.b, 1) * e->point.scale;
    return mcbe_active_count(&e->layer, e->c, NULL, norm, NULL);
}

/* Is row j among the n largest coefficients of the point under examination? */
static int is_among_largest(const evidence_t *e, int j)
{
    return mcbe_is_among_largest(e->layer.n, e->layer.m, e->c, j);
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
        if (active_here(e) < state->min_active) {
            return corrupt(e, err,
                           "min_active is not the smallest count: fewer rows are active at "
                           "the witness",
                           j);
        }
        if (uniform && witness < MCBE_STORED_POINT && witness != e->findings.uniform_witness[j]) {
            return corrupt(e, err, "its witness is of the sampling phase, yet not that phase's", j);
        }
    }
    return MCBE_OK;
}

/* Likewise what the sampling phase alone says, where search came after it. */
static mcbe_status_t check_uniform(evidence_t *e, mcbe_error_t *err)
{
    const mcbe_findings_t *found = &e->findings;
    for (int j = 0; j < found->state.m && found->uniform; j++) {
        const int64_t witness = found->uniform_witness[j];
        if (isinf(found->uniform[j]) && found->uniform[j] > 0.0 && witness == -1) {
            continue;
        }
        mcbe_status_t st =
            witness < MCBE_STORED_POINT ? regenerate(e, witness, j, err) : MCBE_ERR_CORRUPT;
        if (st == MCBE_OK && (memcmp(&e->c[j], &found->uniform[j], sizeof e->c[j]) != 0 ||
                              !is_among_largest(e, j))) {
            st = MCBE_ERR_CORRUPT;
        }
        if (st != MCBE_OK) {
            return st == MCBE_ERR_CORRUPT
                       ? corrupt(e, err,
                                 "alpha* of the sampling phase is not reached at its witness", j)
                       : st;
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

/* The history of the sampling phase cannot be recomputed without the whole run, but its end can. */
static mcbe_status_t check_history(evidence_t *e, mcbe_error_t *err)
{
    const mcbe_setup_t *setup = &e->survey->setup;
    const mcbe_findings_t *found = &e->findings;
    const int64_t points = random_points(e), last = found->state.last_update;
    int64_t witnesses = 0, latest = -1;
    mcbe_bias_state_t sampled = found->state; /* borrowed: with the witnesses of that phase */
    sampled.witness = found->uniform ? found->uniform_witness : found->state.witness;
    mcbe_status_t st = mcbe_bias_witness_count(&sampled, &witnesses);
    if (st != MCBE_OK) {
        return st;
    }
    for (int j = 0; j < sampled.m; j++) {
        latest = sampled.witness[j] > latest ? sampled.witness[j] : latest;
    }
    if (witnesses != found->witness_points) {
        return corrupt(e, err, "witness_points is not the number of different witnesses", -1);
    }
    if (latest >= 0 ? last != latest : last >= 0) {
        return corrupt(e, err, "last_update is not the last witness", -1);
    }
    if (found->state.updates < witnesses) {
        return corrupt(e, err, "updates are fewer than witnesses", -1);
    }
    if (points < setup->samples && points - 1 - (last > -1 ? last : -1) < setup->unchanged) {
        return corrupt(e, err, "the stop rule had no reason to stop at this number of samples", -1);
    }
    return MCBE_OK;
}

/* The same fresh points again. */
static mcbe_status_t check_holdout(evidence_t *e, mcbe_error_t *err)
{
    const mcbe_setup_t *setup = &e->survey->setup;
    const mcbe_stream_key_t key = mcbe_survey_cell_key(e->survey, e->cell, e->trial);
    int64_t violations = 0;
    if (setup->holdout_samples == 0) {
        return MCBE_OK;
    }
    mcbe_status_t st =
        mcbe_sampling_holdout(&setup->domain, setup->precision, &e->layer, &key, NULL,
                              &e->findings.state, setup->holdout_samples, &violations);
    return st != MCBE_OK || violations == e->findings.violations
               ? st
               : corrupt(e, err, "holdout_violations is not what the fresh points say", -1);
}

static mcbe_status_t check_min_active(evidence_t *e, mcbe_error_t *err)
{
    mcbe_status_t st = regenerate(e, e->findings.state.min_active_sample, -1, err);
    if (st != MCBE_OK) {
        return st;
    }
    return active_here(e) == e->findings.state.min_active
               ? MCBE_OK
               : corrupt(e, err, "min_active is not the number of active rows at its sample", -1);
}

static int is_nan(const double *x, int n)
{
    int all = 1;
    for (int k = 0; k < n; k++) {
        all &= isnan(x[k]) != 0;
    }
    return all;
}

/* A certificate must be a point of K with as many active rows as it says, fewer than n. */
static mcbe_status_t check_certificates(evidence_t *e, mcbe_error_t *err)
{
    const mcbe_setup_t *setup = &e->survey->setup;
    const mcbe_certificates_t *certificates = &e->findings.certificates;
    const size_t m = (size_t)e->layer.m;
    mcbe_certificates_t again = {0};
    mcbe_status_t st = MCBE_OK;
    for (int i = 0; i < certificates->count; i++) {
        const double *x = certificates->x + (size_t)i * (size_t)e->layer.n;
        int active = 0, inside = 0;
        if (certificates->active[i] == -1 && is_nan(x, e->layer.n)) {
            continue;
        }
        MCBE_TRY(mcbe_certificate_count(&setup->domain, &e->layer, x, e->biases + (size_t)i * m,
                                        &active, &inside));
        if (!inside || active != certificates->active[i] || active >= e->layer.n) {
            st = mcbe_fail(err, MCBE_ERR_CORRUPT,
                           "cell (n=%lld, m=%lld), trial %lld: the certificate against bias '%s' "
                           "does not hold: %s %d active rows, the file says %d, and at most %d "
                           "refute",
                           (long long)e->cell->n, (long long)e->cell->m, (long long)e->trial,
                           setup->families[i].name,
                           inside ? "it has" : "it is no point of K and has", active,
                           certificates->active[i], e->layer.n - 1);
            goto out;
        }
    }
    /* a bias that the visited point with the fewest active rows refutes has a certificate */
    MCBE_TRY(mcbe_certificates_init(&again, certificates->count, e->layer.n));
    MCBE_TRY(mcbe_certificates_from_samples(setup->design, &setup->domain, &e->layer, &e->key,
                                            &e->findings.points, &e->findings.state, e->biases,
                                            &again));
    for (int i = 0; i < certificates->count; i++) {
        if (again.active[i] >= 0 && certificates->active[i] == -1) {
            st = mcbe_fail(err, MCBE_ERR_CORRUPT,
                           "cell (n=%lld, m=%lld), trial %lld: bias '%s' has no certificate, "
                           "although the point of min_active refutes it",
                           (long long)e->cell->n, (long long)e->cell->m, (long long)e->trial,
                           setup->families[i].name);
            goto out;
        }
    }
out:
    mcbe_certificates_free(&again);
    return st;
}

/* Equal words; of a library's values on perhaps another machine, equal within LIBRARY_TOLERANCE of
 * the largest. */
static int agrees(int loosely, size_t count, const int64_t *stored, const int64_t *again)
{
    if (memcmp(stored, again, count * sizeof *stored) == 0) {
        return 1;
    }
    double largest = 0.0; /* of the finite ones: entries may cancel */
    for (size_t k = 0; k < count && loosely; k++) {
        double b;
        memcpy(&b, &again[k], sizeof b);
        largest = isfinite(b) ? fmax(largest, fabs(b)) : largest;
    }
    for (size_t k = 0; k < count && loosely; k++) {
        double a, b;
        memcpy(&a, &stored[k], sizeof a);
        memcpy(&b, &again[k], sizeof b);
        if (!(fabs(a - b) <= LIBRARY_TOLERANCE * largest) && memcmp(&a, &b, sizeof a) != 0) {
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
    MCBE_TRY(check_points(&e, err));
    MCBE_TRY(check_witnesses(&e, err));
    MCBE_TRY(check_history(&e, err));
    MCBE_TRY(check_uniform(&e, err));
    MCBE_TRY(check_min_active(&e, err));
    MCBE_TRY(check_certificates(&e, err));
    MCBE_TRY(check_holdout(&e, err));
    if (e.survey->shares) { /* compared with what is stored below */
        MCBE_TRY(mcbe_survey_shares(survey, cell, trial, NULL, &e.layer, e.biases, &e.findings));
    }
    MCBE_TRY(check_derived(&e, layout, record, err));
out:
    discard(&e);
    return st;
}
