#include "estimator_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mcbe/injectivity.h"

/* Single rows are worth computing up to this share of all; then all at once take less time. */
#define SINGLE_ROWS_SHARE 16

/* How far one goes to split values at the n-th largest: about n / BRACKET_SLACK of them may stand on the wrong
 * side. */
#define BRACKET_SLACK 128
#define BRACKET_STEPS 40

/* Lowerable rows are looked for one by one until there are more than so many. */
#define SEARCHED_ROWS 8

/* Two values with at least `count` of the others above the low one and fewer above the high one, `slack` or
 * fewer between them where that is easy to find; infinite where there is none. */
static void bracket(const mcbe_estimator_t *e, int m, const double *values, int count, int slack,
                    double *low, double *high)
{
    double from = INFINITY, to = -INFINITY;
    int above_low = m, above_high = 0;
    for (int j = 0; j < m; j++) {
        from = values[j] < from ? values[j] : from;
        to = values[j] > to ? values[j] : to;
    }
    *low = -INFINITY;
    *high = INFINITY;
    for (int step = 0; step < BRACKET_STEPS && above_low - above_high > slack; step++) {
        const double middle = 0.5 * (from + to);
        const int above = e->kernels->count_above(m, values, middle);
        if (above >= count) {
            *low = from = middle;
            above_low = above;
        } else {
            *high = to = middle;
            above_high = above;
        }
    }
}

/* Find the rows that may be lowered: those that may lie below alpha and are not surely beaten by
 * `need` others. From the highest down, the first that is ends the search: the others stand behind.
 * Where there are many, those above a level of which it is sure are taken, perhaps a few too many.
 * @return how many stand in e->rows, at most `most` + 1 */
static int find_lowerable(const mcbe_estimator_t *e, const mcbe_screen_t *screen, int most)
{
    const int m = screen->m, one_by_one = most < SEARCHED_ROWS ? most : SEARCHED_ROWS;
    int marked = 0;
    for (int j = 0; j < m; j++) {
        e->bound[j] = e->lower[j] < screen->alpha[j] ? INFINITY : -INFINITY;
    }
    for (; marked <= one_by_one; marked++) {
        const double highest = e->kernels->highest_below(m, e->bound, e->upper);
        if (highest == -INFINITY || e->kernels->count_above(m, e->lower, highest) >= screen->need) {
            return marked;
        }
        int row = 0;
        while (!(e->upper[row] == highest && highest < e->bound[row])) {
            row++;
        }
        e->bound[row] = -INFINITY;
        e->rows[marked] = row;
    }
    if (marked <= most) {
        double level, beyond; /* of rows below the level, as many as needed are surely ahead */
        bracket(e, m, e->lower, screen->need, 1 + screen->need / BRACKET_SLACK, &level, &beyond);
        for (int j = 0; j < m && marked <= most; j++) {
            if (e->upper[j] >= level && e->bound[j] > 0.0) {
                e->rows[marked++] = j;
            }
        }
    }
    return marked;
}

static int by_lower_bound(const void *x, const void *y)
{
    const mcbe_interval_t *a = x, *b = y;
    return (a->lower > b->lower) - (a->lower < b->lower);
}

/* Mark the rows whose order relative to the first `lowerable` ones of e->rows is open: those whose
 * interval meets one of theirs. */
static void mark_neighbours(const mcbe_estimator_t *e, int m, int lowerable)
{
    mcbe_interval_t *apart = e->intervals; /* joined where they meet, ascending */
    int count = 0;
    for (int i = 0; i < lowerable; i++) {
        apart[i] = (mcbe_interval_t){.lower = e->lower[e->rows[i]], .upper = e->upper[e->rows[i]]};
    }
    qsort(apart, (size_t)lowerable, sizeof *apart, by_lower_bound);
    for (int i = 0; i < lowerable; i++) {
        if (count > 0 && apart[i].lower <= apart[count - 1].upper) {
            apart[count - 1].upper = fmax(apart[count - 1].upper, apart[i].upper);
        } else {
            apart[count++] = apart[i];
        }
    }
    for (int j = 0; j < m; j++) {
        int first = 0, last = count; /* how many begin at or below upper[j] */
        while (first < last) {
            const int middle = (first + last) / 2;
            if (apart[middle].lower <= e->upper[j]) {
                first = middle + 1;
            } else {
                last = middle;
            }
        }
        e->exact[j] |= first > 0 && apart[first - 1].upper >= e->lower[j];
    }
}

/* Mark the rows of which it is open whether they are active at bias 0. */
static void mark_doubtful(const mcbe_estimator_t *e, int m, double norm_x)
{
    for (int j = 0; j < m; j++) {
        const double tolerance = mcbe_active_tolerance(e->frame->n, norm_x, e->frame->norm[j]);
        e->exact[j] |= e->lower[j] < 0.0 && e->upper[j] >= -tolerance;
    }
}

static int marked_rows(const mcbe_estimator_t *e, int m)
{
    int count = 0;
    for (int j = 0; j < m; j++) {
        count += e->exact[j];
    }
    return count;
}

static int surely_active(const mcbe_estimator_t *e, int m)
{
    int count = 0;
    for (int j = 0; j < m; j++) {
        count += e->lower[j] >= 0.0;
    }
    return count;
}

void mcbe_estimator_compute(const mcbe_estimator_t *e, const mcbe_place_t *x, const int *rows,
                            int count)
{
    for (int i = 0; i < count; i += MCBE_ROWS_AT_ONCE) {
        int some[MCBE_ROWS_AT_ONCE];
        for (int k = 0; k < MCBE_ROWS_AT_ONCE; k++) {
            some[k] = rows[i + k < count ? i + k : i];
        }
        e->kernels->row_coefficients(e->frame->n, e->frame->w, some, x->a, x->b, x->stride,
                                     x->scale, e->c);
    }
}

/* The marked rows' coefficients; the others are represented by their lower bounds. */
static void compute_marked(const mcbe_estimator_t *e, int m, const mcbe_place_t *x)
{
    int count = 0;
    for (int j = 0; j < m; j++) {
        e->c[j] = e->lower[j];
        e->rows[count] = j;
        count += e->exact[j];
    }
    mcbe_estimator_compute(e, x, e->rows, count);
}

mcbe_status_t mcbe_estimator_visit_near(mcbe_estimator_t *e, const mcbe_screen_t *screen,
                                        const float *a, const float *b, ptrdiff_t stride,
                                        double scale, int64_t sample, const mcbe_layers_t *layers)
{
    const int m = screen->m, most = e->frame->m / SINGLE_ROWS_SHARE;
    const int lowerable = find_lowerable(e, screen, most);
    const int doubtful = surely_active(e, m) < screen->active_seen;
    if (lowerable == 0 && !doubtful) {
        e->stages.by_real++;
        return MCBE_OK;
    }
    if (lowerable > most) {
        return mcbe_estimator_visit(e, a, b, stride, scale, sample, layers);
    }
    const double norm_x = mcbe_point_norm(e->frame->n, a, b, stride) * scale;
    memset(e->exact, 0, (size_t)m);
    mark_neighbours(e, m, lowerable);
    if (doubtful) {
        mark_doubtful(e, m, norm_x);
    }
    if (marked_rows(e, m) > most) {
        return mcbe_estimator_visit(e, a, b, stride, scale, sample, layers);
    }
    compute_marked(e, m, &(mcbe_place_t){.a = a, .b = b, .stride = stride, .scale = scale});
    e->stages.canonical++;
    return mcbe_estimator_settle(e, norm_x, sample, layers);
}
