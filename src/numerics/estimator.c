#include "estimator_internal.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "mcbe/injectivity.h"
#include "memory.h"

/* Layers of m to m + (m - n) / NESTED_SPREAD rows share a screen. */
#define NESTED_SPREAD 32

/* Points of a round of the crossed designs where they may stop. */
#define CROSSED_ROUND 65536

/* Blocks are swept while there are fewer than so many points for each row: later ones lower little. */
#define LOOK_AHEAD 8

static void copy_frame_scaled(mcbe_estimator_t *e)
{
    const size_t count = (size_t)e->frame->m * (size_t)e->frame->n;
    (void)frexp(e->frame->norm_max, &e->w_exponent);
    const double unit = ldexp(1.0, -e->w_exponent); /* row norms are within 1e-150 and 1e300 */
    if (e->in_f32) {
        e->kernels->round_scaled(count, e->frame->w, unit, e->w_screen);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        ((double *)e->w_screen)[i] = e->frame->w[i] * unit;
    }
}

int64_t mcbe_block_start(mcbe_design_t design, int n, int64_t block)
{
    switch (design) {
    case MCBE_DESIGN_PAIRED:
        return block * block * (MCBE_PAIRED_SHELLS * MCBE_PAIRED_SHELLS);
    case MCBE_DESIGN_CROSSED:
    case MCBE_DESIGN_CROSSED_SMALL:
        return block * mcbe_crossed_centers(design) * MCBE_CROSSED_NOISES;
    case MCBE_DESIGN_IID:
        break;
    }
    return block * mcbe_domain_block_size(n);
}

int mcbe_round_blocks(mcbe_design_t design, int64_t unchanged)
{
    return mcbe_design_is_crossed(design) && unchanged > 0
               ? CROSSED_ROUND / (mcbe_crossed_centers(design) * MCBE_CROSSED_NOISES)
               : MCBE_ROUND_BLOCKS;
}

/* First sample behind those from `first` on that share a screen. A block of the crossed design is
 * long, and alpha falls fast at first. */
static int64_t end_of_strip(mcbe_design_t design, int64_t first, int64_t last)
{
    const int64_t centers = mcbe_crossed_centers(design);
    const int64_t next = (first / centers + 1) * centers;
    return mcbe_design_is_crossed(design) && next < last ? next : last;
}

mcbe_status_t mcbe_design_check(mcbe_design_t design, const mcbe_domain_t *domain,
                                mcbe_error_t *err)
{
    if (mcbe_design_is_crossed(design) != (domain->kind == MCBE_DOMAIN_CLOUD) &&
        design != MCBE_DESIGN_IID) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         mcbe_design_is_crossed(design)
                             ? "the crossed design adds noise to data; for other domains use paired"
                             : "the paired design adds two banks of directions; for points around "
                               "data use crossed");
    }
    if (design == MCBE_DESIGN_PAIRED && domain->nonnegative) {
        return mcbe_fail(
            err, MCBE_ERR_ARGUMENT,
            "the paired design needs sums of bank rows to be points of K; sums of "
            "non-negative parts are not distributed as points of the orthant: use iid");
    }
    if (design == MCBE_DESIGN_PAIRED && domain->radial == MCBE_RADIAL_SAMPLED) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "the paired design gives directions; radial: sampled needs a radius for "
                         "every pair: use iid, or radial: analytic, which is exact");
    }
    return MCBE_OK;
}

static mcbe_status_t create_workspace(mcbe_estimator_t *e, int64_t samples)
{
    if (e->design == MCBE_DESIGN_IID) {
        return mcbe_iid_create(&e->iid, e);
    }
    const int paired = e->design == MCBE_DESIGN_PAIRED;
    const int width = paired ? mcbe_domain_block_size(e->n) : mcbe_crossed_centers(e->design);
    mcbe_status_t st = mcbe_product_reserve(e, width);
    if (st != MCBE_OK) {
        return st;
    }
    return paired ? mcbe_paired_create(&e->paired, e, samples)
                  : mcbe_crossed_create(&e->crossed, e);
}

mcbe_status_t mcbe_estimator_create_design(mcbe_estimator_t **estimator, const mcbe_frame_t *frame,
                                           const mcbe_domain_t *domain,
                                           const mcbe_stream_key_t *key, mcbe_precision_t precision,
                                           mcbe_design_t design, int64_t samples)
{
    *estimator = NULL;
    if (mcbe_domain_check(domain, NULL) != MCBE_OK ||
        mcbe_design_check(design, domain, NULL) != MCBE_OK || samples < 0) {
        return MCBE_ERR_ARGUMENT;
    }
    mcbe_estimator_t *e = mcbe_alloc(1, sizeof *e);
    if (!e) {
        return MCBE_ERR_NOMEM;
    }
    const size_t m = (size_t)frame->m, n = (size_t)frame->n;
    e->frame = frame;
    e->domain = *domain;
    e->design = design;
    e->key = *key;
    e->m = frame->m;
    e->n = frame->n;
    e->samples = samples;
    e->kernels = mcbe_kernels();
    e->in_f32 = precision == MCBE_PRECISION_MIXED;
    e->w_screen = mcbe_alloc(m * n, e->in_f32 ? sizeof(float) : sizeof(double));
    e->alpha = mcbe_alloc(m, sizeof *e->alpha);
    e->c = mcbe_alloc(m, sizeof *e->c);
    e->active = mcbe_alloc(m, sizeof *e->active);
    e->rows = mcbe_alloc(m, sizeof *e->rows);
    e->lower = mcbe_alloc(m, sizeof *e->lower);
    e->upper = mcbe_alloc(m, sizeof *e->upper);
    e->bound = mcbe_alloc(m, sizeof *e->bound);
    e->exact = mcbe_alloc(m, sizeof *e->exact);
    e->intervals = mcbe_alloc(m, sizeof *e->intervals);
    const int whole = e->w_screen && e->alpha && e->c && e->active && e->rows && e->lower &&
                      e->upper && e->bound && e->exact && e->intervals;
    mcbe_status_t st = whole ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        copy_frame_scaled(e);
        st = create_workspace(e, samples);
    }
    if (st != MCBE_OK) {
        mcbe_estimator_destroy(&e);
    }
    *estimator = e;
    return st;
}

mcbe_status_t mcbe_estimator_create(mcbe_estimator_t **estimator, const mcbe_frame_t *frame,
                                    const mcbe_domain_t *domain, const mcbe_stream_key_t *key,
                                    mcbe_precision_t precision)
{
    return mcbe_estimator_create_design(estimator, frame, domain, key, precision, MCBE_DESIGN_IID,
                                        0);
}

void mcbe_estimator_destroy(mcbe_estimator_t **estimator)
{
    mcbe_estimator_t *e = *estimator;
    if (e) {
        mcbe_iid_destroy(&e->iid);
        mcbe_paired_destroy(&e->paired);
        mcbe_crossed_destroy(&e->crossed);
        mcbe_sweep_destroy(&e->sweep);
        mcbe_free(e->w_screen);
        mcbe_free(e->part);
        mcbe_free(e->x_f64);
        mcbe_free(e->alpha);
        mcbe_free(e->c);
        mcbe_free(e->active);
        mcbe_free(e->rows);
        mcbe_free(e->lower);
        mcbe_free(e->upper);
        mcbe_free(e->bound);
        mcbe_free(e->intervals);
        mcbe_free(e->exact);
        mcbe_free(e);
        *estimator = NULL;
    }
}

mcbe_status_t mcbe_estimator_reset(mcbe_estimator_t *e, const mcbe_frame_t *frame,
                                   const mcbe_stream_key_t *key)
{
    if (frame->m != e->m || frame->n != e->n) {
        return MCBE_ERR_DIM;
    }
    e->frame = frame;
    e->key = *key;
    e->stages = (mcbe_stages_t){0};
    copy_frame_scaled(e);
    switch (e->design) {
    case MCBE_DESIGN_IID:
        mcbe_iid_measure(e);
        break;
    case MCBE_DESIGN_PAIRED:
        mcbe_paired_destroy(&e->paired);
        return mcbe_paired_create(&e->paired, e, e->samples);
    case MCBE_DESIGN_CROSSED:
    case MCBE_DESIGN_CROSSED_SMALL:
        break;
    }
    return MCBE_OK;
}

void mcbe_estimator_norms(const mcbe_estimator_t *e, int width, const float *x, double *norm)
{
    e->kernels->sum_squares(e->n, width, x, norm);
    for (int s = 0; s < width; s++) {
        norm[s] = sqrt(norm[s]) * (1.0 + 1e-6);
    }
}

static mcbe_status_t record_events(mcbe_bias_events_t *events, int64_t sample, const double *alpha,
                                   const int *rows, int count)
{
    void *list = events->list;
    mcbe_status_t st =
        mcbe_grow(&list, &events->capacity, events->count + (size_t)count, sizeof *events->list);
    if (st != MCBE_OK) {
        return st;
    }
    events->list = list;
    for (int i = 0; i < count; i++) {
        events->list[events->count++] =
            (mcbe_bias_event_t){.sample = sample, .row = rows[i], .value = alpha[rows[i]]};
    }
    return MCBE_OK;
}

/* One layer: the first state->m rows, of which e->c and e->active are known. */
static mcbe_status_t visit_layer(mcbe_estimator_t *e, int active, int64_t sample,
                                 mcbe_bias_state_t *state, mcbe_bias_events_t *events)
{
    if (active < state->min_active) {
        state->min_active = active;
        state->min_active_sample = sample;
    }
    const int lowered = mcbe_bias_lower(e->frame->n, state->m, state->alpha, e->c, e->rows);
    if (lowered == 0) {
        return MCBE_OK;
    }
    for (int i = 0; i < lowered; i++) {
        state->witness[e->rows[i]] = sample;
    }
    state->updates++;
    state->last_update = sample;
    return events ? record_events(events, sample, state->alpha, e->rows, lowered) : MCBE_OK;
}

/* One layer that stays as it is. */
static void hold_against(const mcbe_estimator_t *e, const mcbe_bias_state_t *state,
                         mcbe_holdout_t *holdout)
{
    const int n = e->frame->n;
    int active = 0;
    for (int row = 0; row < state->m; row++) {
        active += e->active[row];
    }
    holdout->few_active += active < n;
    holdout->violations += mcbe_bias_would_lower(n, state->m, state->alpha, e->c);
}

mcbe_status_t mcbe_estimator_visit(mcbe_estimator_t *e, const float *a, const float *b,
                                   ptrdiff_t stride, double scale, int64_t sample,
                                   const mcbe_layers_t *layers)
{
    const int m = e->frame->m, n = e->frame->n;
    e->stages.canonical++;
    e->kernels->coefficients(m, n, mcbe_frame_transposed(e->frame), a, b, stride, scale, e->c);
    return mcbe_estimator_settle(e, mcbe_point_norm(n, a, b, stride) * scale, sample, layers);
}

mcbe_status_t mcbe_estimator_settle(mcbe_estimator_t *e, double norm_x, int64_t sample,
                                    const mcbe_layers_t *layers)
{
    mcbe_active_count(e->frame, e->c, NULL, norm_x, e->active);
    if (layers->fixed) {
        hold_against(e, layers->fixed, layers->holdout);
        return MCBE_OK;
    }
    int row = 0, active = 0;
    for (int i = 0; i < layers->count; i++) {
        mcbe_bias_state_t *state = layers->states + i;
        for (; row < state->m; row++) {
            active += e->active[row];
        }
        mcbe_status_t st =
            visit_layer(e, active, sample, state, layers->events ? layers->events + i : NULL);
        if (st != MCBE_OK) {
            return st;
        }
    }
    return MCBE_OK;
}

/* Layers screened together: the more rows they differ in, the more samples stay suspect, most of
 * all where m is near n and every row is needed. */
static int end_of_group(int n, const mcbe_bias_state_t *states, int first, int count)
{
    const int smallest = states[first].m;
    int end = first + 1;
    while (end < count && states[end].m - smallest <= (smallest - n) / NESTED_SPREAD) {
        end++;
    }
    return end;
}

/* What one screen must find out so that its answer holds for every layer of a group. */
static mcbe_screen_t screen_for(mcbe_estimator_t *e, const mcbe_layers_t *layers)
{
    const int m = layers->states[layers->count - 1].m;
    mcbe_screen_t screen = {.m = m, .alpha = e->alpha};
    for (int j = 0; j < m; j++) {
        e->alpha[j] = -INFINITY;
    }
    for (int i = 0; i < layers->count; i++) {
        const mcbe_bias_state_t *state = layers->states + i;
        const int missing = m - state->m;
        const int need = e->frame->n + missing, seen = (int)state->min_active + missing;
        screen.need = need > screen.need ? need : screen.need;
        screen.active_seen = seen > screen.active_seen ? seen : screen.active_seen;
        for (int j = 0; j < state->m; j++) {
            e->alpha[j] = state->alpha[j] > e->alpha[j] ? state->alpha[j] : e->alpha[j];
        }
    }
    return screen;
}

/* Up to sample `last` of the block. */
static void prepare(mcbe_estimator_t *e, int64_t block, int64_t last)
{
    switch (e->design) {
    case MCBE_DESIGN_IID:
        mcbe_iid_prepare(e, MCBE_PURPOSE_SAMPLE, block);
        break;
    case MCBE_DESIGN_PAIRED:
        mcbe_paired_prepare(e, block);
        break;
    case MCBE_DESIGN_CROSSED:
    case MCBE_DESIGN_CROSSED_SMALL:
        mcbe_crossed_prepare(e, block, last);
        break;
    }
}

static mcbe_status_t visit(mcbe_estimator_t *e, int64_t block, int64_t first, int64_t last,
                           const mcbe_screen_t *screen, const mcbe_layers_t *layers)
{
    switch (e->design) {
    case MCBE_DESIGN_PAIRED:
        return mcbe_paired_visit(e, block, first, last, screen, layers);
    case MCBE_DESIGN_CROSSED:
    case MCBE_DESIGN_CROSSED_SMALL:
        return mcbe_crossed_visit(e, block, first, last, screen, layers);
    case MCBE_DESIGN_IID:
        break;
    }
    return mcbe_iid_visit(e, block, first, last, screen, layers);
}

/* Samples of a block that share a screen, for all layers. */
static mcbe_status_t visit_strip(mcbe_estimator_t *e, int64_t block, int64_t first, int64_t last,
                                 mcbe_bias_state_t *states, int count, mcbe_bias_events_t *events)
{
    for (int i = 0, next; i < count; i = next) {
        next = end_of_group(e->frame->n, states, i, count);
        const mcbe_layers_t layers = {
            .states = states + i, .events = events ? events + i : NULL, .count = next - i};
        const mcbe_screen_t screen = screen_for(e, &layers);
        mcbe_status_t st = visit(e, block, first, last, &screen, &layers);
        if (st != MCBE_OK) {
            return st;
        }
    }
    return MCBE_OK;
}

void mcbe_estimator_look_ahead(mcbe_estimator_t *e)
{
    e->look_ahead = 1;
}

/* Do sweeps pay? A product in fp64 knows so much that they are not needed. */
static int sweeps(const mcbe_estimator_t *e, const mcbe_bias_state_t *largest)
{
    return e->look_ahead && e->in_f32 && e->design != MCBE_DESIGN_PAIRED &&
           largest->samples < LOOK_AHEAD * (int64_t)largest->m;
}

static mcbe_status_t sweep_block(mcbe_estimator_t *e, int64_t block, int64_t first, int64_t last,
                                 mcbe_bias_state_t *states, int count)
{
    mcbe_status_t st = e->sweep ? MCBE_OK : mcbe_sweep_create(&e->sweep, e);
    for (int i = 0; i < count && st == MCBE_OK; i++) {
        st = mcbe_sweep_block(e, block, first, last, states + i);
    }
    return st;
}

static mcbe_status_t visit_block(mcbe_estimator_t *e, int64_t block, int64_t first, int64_t last,
                                 mcbe_bias_state_t *states, int count, mcbe_bias_events_t *events)
{
    for (int64_t begin = first, end; begin < last; begin = end) {
        end = end_of_strip(e->design, begin, last);
        mcbe_status_t st = visit_strip(e, block, begin, end, states, count, events);
        if (st != MCBE_OK) {
            return st;
        }
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_estimator_block_nested(mcbe_estimator_t *e, int64_t block, int64_t first,
                                          int64_t last, mcbe_bias_state_t *states, int count,
                                          mcbe_bias_events_t *events)
{
    const int64_t width = mcbe_block_start(e->design, e->frame->n, block + 1) -
                          mcbe_block_start(e->design, e->frame->n, block);
    MCBE_BUG_ASSERT(block >= 0 && first >= 0 && first <= last && last <= width);
    prepare(e, block, last);
    mcbe_status_t st = sweeps(e, states + count - 1)
                           ? sweep_block(e, block, first, last, states, count)
                           : visit_block(e, block, first, last, states, count, events);
    for (int i = 0; i < count && st == MCBE_OK; i++) {
        states[i].samples += last - first;
        states[i].updates = e->look_ahead ? -1 : states[i].updates;
    }
    return st;
}

mcbe_status_t mcbe_estimator_block(mcbe_estimator_t *e, int64_t block, int64_t first, int64_t last,
                                   mcbe_bias_state_t *state, mcbe_bias_events_t *events)
{
    return mcbe_estimator_block_nested(e, block, first, last, state, 1, events);
}

mcbe_status_t mcbe_estimator_holdout(mcbe_estimator_t *e, int64_t block, int64_t first,
                                     int64_t last, const mcbe_bias_state_t *states, int count,
                                     mcbe_holdout_t *holdouts)
{
    if (e->design != MCBE_DESIGN_IID) {
        return MCBE_ERR_ARGUMENT;
    }
    MCBE_BUG_ASSERT(block >= 0 && first >= 0 && first <= last &&
                    last <= mcbe_domain_block_size(e->frame->n));
    mcbe_iid_prepare(e, MCBE_PURPOSE_HOLDOUT, block);
    const int n = e->frame->n;
    for (int i = 0; i < count; i++) {
        MCBE_BUG_ASSERT(states[i].m <= e->frame->m);
        const mcbe_screen_t screen = {
            .m = states[i].m, .alpha = states[i].alpha, .need = n, .active_seen = n};
        const mcbe_layers_t layers = {.fixed = states + i, .holdout = holdouts + i};
        mcbe_status_t st = mcbe_iid_visit(e, block, first, last, &screen, &layers);
        if (st != MCBE_OK) {
            return st;
        }
        holdouts[i].samples += last - first;
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_estimator_point(mcbe_estimator_t *e, const float *a, const float *b,
                                   double scale, int64_t sample, mcbe_bias_state_t *state,
                                   mcbe_bias_events_t *events)
{
    const mcbe_layers_t layers = {.states = state, .events = events, .count = 1};
    state->samples++;
    return mcbe_estimator_visit(e, a, b, 1, scale, sample, &layers);
}

mcbe_stages_t mcbe_estimator_stages(const mcbe_estimator_t *e)
{
    return e->stages;
}
