#include "estimator_internal.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "mcbe/injectivity.h"
#include "memory.h"

#define TILE MCBE_SCREEN_TILE

/* How far one goes to split the rows of a sample at the n-th largest: about n / LEVEL_SLACK may stand on the
 * wrong side. */
#define LEVEL_SLACK 512
#define LEVEL_STEPS 30

/* All points of a block at once. First every row gets a limit: the least upper bound of its coefficient
 * over the points at which it is surely among the n largest. Then only points are looked at that may take
 * a row below its limit, and there only such rows are computed; of most rows that is one coefficient. */
struct mcbe_sweep {
    int width;                           /* samples in the longest block */
    float *lower, *upper;                /* owned, [m][TILE], bounds of a tile's coefficients */
    float *row_norm, *zero;              /* owned, [m], at least the norms; 0 */
    float *limit;                        /* owned, [m], at least what alpha will be */
    mcbe_tile_levels_t *levels;          /* owned, [width / TILE] */
    int32_t *active_least, *active_most; /* owned, [width], rows active at bias 0 */
    unsigned char *unknown;              /* owned, [width], points of which no bounds are known */
    mcbe_tile_row_t *near; /* owned, [m], rows of which some sample of the tile must know more */
    int *lowered, *open;   /* owned, [m], those that concern one sample */
};

mcbe_status_t mcbe_sweep_create(mcbe_sweep_t **sweep, const mcbe_estimator_t *e)
{
    mcbe_sweep_t *d = mcbe_alloc(1, sizeof *d);
    *sweep = d;
    if (!d) {
        return MCBE_ERR_NOMEM;
    }
    const size_t m = (size_t)e->frame->m;
    const size_t width = (size_t)mcbe_block_start(e->design, e->frame->n, 1);
    d->width = (int)width;
    d->lower = mcbe_alloc(m * TILE, sizeof *d->lower);
    d->upper = mcbe_alloc(m * TILE, sizeof *d->upper);
    d->row_norm = mcbe_alloc(m, sizeof *d->row_norm);
    d->zero = mcbe_alloc(m, sizeof *d->zero);
    d->limit = mcbe_alloc(m, sizeof *d->limit);
    d->levels = mcbe_alloc((width + TILE - 1) / TILE, sizeof *d->levels);
    d->active_least = mcbe_alloc(width, sizeof *d->active_least);
    d->active_most = mcbe_alloc(width, sizeof *d->active_most);
    d->unknown = mcbe_alloc(width, sizeof *d->unknown);
    d->near = mcbe_alloc(m, sizeof *d->near);
    d->lowered = mcbe_alloc(m, sizeof *d->lowered);
    d->open = mcbe_alloc(m, sizeof *d->open);
    if (!d->lower || !d->upper || !d->row_norm || !d->zero || !d->limit || !d->levels ||
        !d->active_least || !d->active_most || !d->unknown || !d->near || !d->lowered || !d->open) {
        mcbe_sweep_destroy(sweep);
        return MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

void mcbe_sweep_destroy(mcbe_sweep_t **sweep)
{
    mcbe_sweep_t *d = *sweep;
    if (d) {
        mcbe_free(d->lower);
        mcbe_free(d->upper);
        mcbe_free(d->row_norm);
        mcbe_free(d->zero);
        mcbe_free(d->limit);
        mcbe_free(d->levels);
        mcbe_free(d->active_least);
        mcbe_free(d->active_most);
        mcbe_free(d->unknown);
        mcbe_free(d->near);
        mcbe_free(d->lowered);
        mcbe_free(d->open);
        mcbe_free(d);
        *sweep = NULL;
    }
}

/* Bounds of the coefficients of the samples from `start` on. */
static void bound_tile(const mcbe_estimator_t *e, int m, int start)
{
    const mcbe_sweep_t *d = e->sweep;
    mcbe_tile_t tile = {.add = d->zero};
    if (mcbe_design_is_crossed(e->design)) {
        mcbe_crossed_tile(e, start, &tile);
    } else {
        mcbe_iid_tile(e, start, &tile);
    }
    e->kernels->tile_bounds(m, &tile, d->row_norm, d->lower, d->upper);
}

/* Where to try next: where `aim` values would be above the level if they were spread evenly between the ends of
 * the bracket; every third time its middle, so that it shrinks whatever they do. */
static float next_level(float from, float to, int above_from, int above_to, float aim, int step)
{
    float share = ((float)above_from - aim) / (float)(above_from - above_to);
    share = step % 3 == 2 ? 0.5F : share < 0.05F ? 0.05F : share > 0.95F ? 0.95F : share;
    return from + (to - from) * share;
}

/* For every sample of the tile the end of a bracket around its target-th largest value: with `upper_end` a
 * level that fewer than `target` values are above, else one that at least `target` are above; in both cases
 * few more or less. Infinite where there is none. */
static void find_levels(const mcbe_estimator_t *e, int m, const float *values,
                        const mcbe_tile_ranges_t *ranges, int target, int upper_end, float *level)
{
    float from[TILE], to[TILE], at[TILE];
    int32_t above_from[TILE], above_to[TILE], above[TILE];
    const int slack = 1 + target / LEVEL_SLACK;
    const float aim = upper_end ? (float)target - 1.5F : (float)target + 0.5F;
    for (int s = 0; s < TILE; s++) {
        from[s] = ranges->unknown[s] ? 0.0F : ranges->least[s];
        to[s] = ranges->unknown[s] ? 0.0F : ranges->most[s];
        above_from[s] = m;
        above_to[s] = 0;
        level[s] = upper_end ? INFINITY : -INFINITY;
    }
    for (int step = 0, open = 1; open && step < LEVEL_STEPS; step++) {
        for (int s = 0; s < TILE; s++) {
            at[s] = next_level(from[s], to[s], above_from[s], above_to[s], aim, step);
        }
        e->kernels->tile_count_above(m, values, at, above);
        open = 0;
        for (int s = 0; s < TILE; s++) {
            if (above[s] >= target) {
                from[s] = at[s];
                above_from[s] = above[s];
            } else {
                to[s] = at[s];
                above_to[s] = above[s];
            }
            if ((above[s] < target) == upper_end) {
                level[s] = at[s];
            }
            open |= !ranges->unknown[s] &&
                    (upper_end ? target - 1 - above_to[s] : above_from[s] - target) > slack;
        }
    }
}

/* What is known of the samples [first, last) of the block that lie in one tile. */
static void survey_tile(const mcbe_estimator_t *e, int m, int start, int64_t first, int64_t last)
{
    const mcbe_sweep_t *d = e->sweep;
    const int n = e->frame->n;
    float *behind = d->levels[start / TILE].behind, *above = d->levels[start / TILE].above;
    mcbe_tile_ranges_t ranges;
    bound_tile(e, m, start);
    e->kernels->tile_ranges(m, d->lower, d->upper, &ranges);
    if (m > n) {
        find_levels(e, m, d->lower, &ranges, n, 0, behind);
        find_levels(e, m, d->upper, &ranges, n + 1, 1, above);
    }
    for (int s = 0; s < TILE; s++) {
        const int wanted = start + s >= first && start + s < last;
        if (m == n) {
            behind[s] = above[s] = -INFINITY;
        }
        d->unknown[start + s] = wanted && ranges.unknown[s];
        if (!wanted || ranges.unknown[s]) {
            behind[s] = above[s] = INFINITY;
        }
        d->active_least[start + s] = ranges.active_least[s];
        d->active_most[start + s] = ranges.active_most[s];
    }
    e->kernels->tile_limits(m, d->lower, d->upper, above, d->limit);
}

/* A point in hand. */
typedef struct point {
    int s, m; /* number in the block; rows of the layer */
    int64_t sample;
    mcbe_place_t x;
} point_t;

static int active_rows(mcbe_estimator_t *e, const point_t *point)
{
    const int n = e->frame->n;
    const mcbe_place_t *x = &point->x;
    const double norm_x = mcbe_point_norm(n, x->a, x->b, x->stride) * x->scale;
    int count = 0, active = 0;
    if (mcbe_design_is_crossed(e->design)) {
        mcbe_crossed_recall(e, point->m, point->s);
    } else {
        mcbe_iid_recall(e, point->m, point->s);
    }
    for (int j = 0; j < point->m; j++) {
        const double least = -mcbe_active_tolerance(n, norm_x, e->frame->norm[j]);
        const int doubtful = e->lower[j] < 0.0 && e->upper[j] >= least;
        e->rows[count] = j;
        count += doubtful;
        active += e->lower[j] >= 0.0;
    }
    mcbe_estimator_compute(e, &point->x, e->rows, count);
    for (int i = 0; i < count; i++) {
        const int row = e->rows[i];
        active += e->c[row] >= -mcbe_active_tolerance(n, norm_x, e->frame->norm[row]);
    }
    return active;
}

/* Is a row with this coefficient among the n largest? e->c has those of all open rows, of which `places`
 * are; rows that are surely among the n largest come before them. */
static int among_largest(const mcbe_estimator_t *e, int row, int open, int places)
{
    const int *rows = e->sweep->open;
    int ahead = 0;
    for (int i = 0; i < open; i++) {
        ahead += e->c[rows[i]] > e->c[row] || (e->c[rows[i]] == e->c[row] && rows[i] < row);
    }
    return ahead < places;
}

/* What a point lowers: of the rows that it may lower (d->lowered) those that are among its n largest, which is
 * open for some (d->open). @param[in] sure  how many surely are  @return whether it lowers any */
static int lower_rows(const mcbe_estimator_t *e, const point_t *point, int count, int open,
                      int sure, mcbe_bias_state_t *state)
{
    const mcbe_sweep_t *d = e->sweep;
    const float *lower = d->lower + point->s % TILE;
    const float above = d->levels[point->s / TILE].above[point->s % TILE];
    int lowered = 0, known = 0;
    mcbe_estimator_compute(e, &point->x, d->lowered, count);
    for (int i = 0; i < count; i++) {
        const int row = d->lowered[i];
        if (!(e->c[row] < state->alpha[row])) {
            continue;
        }
        if (!(lower[(ptrdiff_t)row * TILE] > above)) {
            if (!known) {
                mcbe_estimator_compute(e, &point->x, d->open, open);
                known = 1;
            }
            if (!among_largest(e, row, open, e->frame->n - sure)) {
                continue;
            }
        }
        state->alpha[row] = e->c[row];
        state->witness[row] = point->sample;
        lowered = 1;
    }
    return lowered;
}

/* The rows of `near` that concern a sample. */
static void pick(const mcbe_sweep_t *d, int near, int s, int *lowered, int *open)
{
    *lowered = *open = 0;
    for (int i = 0; i < near; i++) {
        d->lowered[*lowered] = d->open[*open] = d->near[i].row;
        *lowered += (int)(d->near[i].lowered >> (s % TILE) & 1);
        *open += (int)(d->near[i].open >> (s % TILE) & 1);
    }
}

/* One point of the tile whose bounds are there. @param[in] sure  rows surely among its n largest */
static mcbe_status_t visit_point(mcbe_estimator_t *e, int s, int64_t sample, int near, int sure,
                                 int active_seen, mcbe_bias_state_t *state)
{
    const mcbe_sweep_t *d = e->sweep;
    int count, open;
    pick(d, near, s, &count, &open);
    const int doubtful =
        d->active_least[s] < state->min_active && d->active_least[s] <= active_seen;
    if (count == 0 && !doubtful && !d->unknown[s]) {
        e->stages.by_real++;
        return MCBE_OK;
    }
    point_t point = {.s = s, .m = state->m, .sample = sample};
    point.x = mcbe_design_is_crossed(e->design) ? mcbe_crossed_place(e, s) : mcbe_iid_place(e, s);
    if (d->unknown[s]) {
        const mcbe_layers_t layer = {.states = state, .count = 1};
        return mcbe_estimator_visit(e, point.x.a, point.x.b, point.x.stride, point.x.scale, sample,
                                    &layer);
    }
    e->stages.canonical++;
    if (lower_rows(e, &point, count, open, sure, state)) {
        state->last_update = sample;
    }
    const int active = doubtful ? active_rows(e, &point) : state->m;
    if (doubtful && active < state->min_active) {
        state->min_active = active;
        state->min_active_sample = sample;
    }
    return MCBE_OK;
}

/* Limits no lower than what the state has, and norms that bounds are made with. */
static void begin(const mcbe_estimator_t *e, const mcbe_bias_state_t *state)
{
    const mcbe_sweep_t *d = e->sweep;
    const double unit =
        mcbe_design_is_crossed(e->design) ? ldexp(1.0, -e->w_exponent) : mcbe_iid_unit(e);
    for (int j = 0; j < state->m; j++) {
        d->limit[j] = mcbe_round_up(state->alpha[j] * unit);
        d->row_norm[j] = mcbe_round_up(ldexp(e->frame->norm[j], -e->w_exponent));
    }
}

mcbe_status_t mcbe_sweep_block(mcbe_estimator_t *e, int64_t block, int64_t first, int64_t last,
                               mcbe_bias_state_t *state)
{
    const mcbe_sweep_t *d = e->sweep;
    const int m = state->m, begins = (int)(first / TILE * TILE);
    const int64_t start = mcbe_block_start(e->design, e->frame->n, block);
    int active_seen = m + 1; /* some point is sure to have no more */
    begin(e, state);
    for (int s = begins; s < last; s += TILE) {
        survey_tile(e, m, s, first, last);
    }
    for (int64_t s = first; s < last; s++) {
        active_seen =
            d->active_most[s] < active_seen && !d->unknown[s] ? d->active_most[s] : active_seen;
    }
    for (int tile = begins; tile < last; tile += TILE) {
        bound_tile(e, m, tile);
        const mcbe_tile_levels_t *levels = d->levels + tile / TILE;
        const int near = e->kernels->tile_near(m, d->lower, d->upper, levels, d->limit, d->near);
        int32_t sure[TILE];
        e->kernels->tile_count_above(m, d->lower, levels->above, sure);
        for (int s = tile < first ? (int)first : tile; s < tile + TILE && s < last; s++) {
            mcbe_status_t st =
                visit_point(e, s, start + s, near, sure[s - tile], active_seen, state);
            if (st != MCBE_OK) {
                return st;
            }
        }
    }
    return MCBE_OK;
}
