#include "estimator_internal.h"

#include <math.h>
#include <string.h>

#include "mcbe/injectivity.h"

/* Single rows are worth computing up to this share of all; then all at once take less time. */
#define SINGLE_ROWS_SHARE 16

/* Find the rows that may be lowered: those that may lie below alpha and are not surely beaten by
 * `need` others. From the highest down, the first that is ends the search: the others stand behind.
 * @return how many stand in e->rows, at most `most` + 1 */
static int find_lowerable(const mcbe_estimator_t *e, const mcbe_screen_t *screen, int most)
{
    const int m = screen->m;
    int marked = 0;
    for (int j = 0; j < m; j++) {
        e->bound[j] = e->lower[j] < screen->alpha[j] ? INFINITY : -INFINITY;
    }
    for (; marked <= most; marked++) {
        const double highest = e->kernels->highest_below(m, e->bound, e->upper);
        if (highest == -INFINITY || e->kernels->count_above(m, e->lower, highest) >= screen->need) {
            break;
        }
        int row = 0;
        while (!(e->upper[row] == highest && highest < e->bound[row])) {
            row++;
        }
        e->bound[row] = -INFINITY;
        e->rows[marked] = row;
    }
    return marked;
}

/* Mark the rows whose order relative to the first `lowerable` ones of e->rows is open. */
static void mark_neighbours(const mcbe_estimator_t *e, int m, int lowerable)
{
    for (int i = 0; i < lowerable; i++) {
        const double lower = e->lower[e->rows[i]], upper = e->upper[e->rows[i]];
        for (int j = 0; j < m; j++) {
            e->exact[j] |= e->lower[j] <= upper && e->upper[j] >= lower;
        }
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
    for (int j = 0; j < m; j++) {
        e->c[j] =
            e->exact[j] ? mcbe_frame_coefficient(e->frame, j, a, b, stride, scale) : e->lower[j];
    }
    e->stages.canonical++;
    return mcbe_estimator_settle(e, norm_x, sample, layers);
}
