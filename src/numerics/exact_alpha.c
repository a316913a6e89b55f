#include "mcbe/exact.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "exact_flats.h"
#include "exact_work.h"
#include "kernels.h"
#include "mcbe/domain.h"
#include "memory.h"

/* For every set of up to n rows the directions in which these rows tie, at a coefficient that is
 * least or, for n rows, the only one: each entry of alpha* is reached in one of them
 * (docs/method.md, section 9). */
typedef struct search {
    const mcbe_frame_t *frame;
    double unit;           /* a power of two; divided by it no row is longer than 1 */
    mcbe_flats_t flats;    /* the rows minus the first of the set; at the end that row itself */
    int64_t *weight;       /* owned, [stride]: 1 for a row */
    int *set;              /* owned, [n]: the rows that tie, ascending */
    double *alpha;         /* owned, [m] */
    double *later;         /* owned, [m + 1]: the largest alpha of the rows from here on */
    double *points;        /* owned, [m][n] */
    int *rests_on_tie;     /* owned, [m]: more rows tied within rounding than the set */
    int dependent;         /* were sets of rows left out, as they may be dependent? */
    double *direction, *x; /* owned, [n] */
    double *coefficients;  /* owned, [m] */
    float *a, *b;          /* owned, [n] */
} search_t;

static void search_free(search_t *s)
{
    mcbe_flats_free(&s->flats);
    mcbe_free(s->weight);
    mcbe_free(s->set);
    mcbe_free(s->alpha);
    mcbe_free(s->later);
    mcbe_free(s->points);
    mcbe_free(s->rests_on_tie);
    mcbe_free(s->direction);
    mcbe_free(s->x);
    mcbe_free(s->coefficients);
    mcbe_free(s->a);
    mcbe_free(s->b);
}

static mcbe_status_t search_init(search_t *s, const mcbe_frame_t *frame)
{
    const size_t m = (size_t)frame->m, n = (size_t)frame->n;
    memset(s, 0, sizeof *s);
    s->frame = frame;
    mcbe_status_t st = mcbe_flats_init(&s->flats, frame->n, frame->m + 1);
    if (st != MCBE_OK) {
        return st;
    }
    s->weight = mcbe_alloc((size_t)s->flats.stride, sizeof *s->weight);
    s->set = mcbe_alloc(n, sizeof *s->set);
    s->alpha = mcbe_alloc(m, sizeof *s->alpha);
    s->later = mcbe_alloc(m + 1, sizeof *s->later);
    s->points = mcbe_alloc(m * n, sizeof *s->points);
    s->rests_on_tie = mcbe_alloc(m, sizeof *s->rests_on_tie);
    s->direction = mcbe_alloc(n, sizeof *s->direction);
    s->x = mcbe_alloc(n, sizeof *s->x);
    s->coefficients = mcbe_alloc(m, sizeof *s->coefficients);
    s->a = mcbe_alloc(n, sizeof *s->a);
    s->b = mcbe_alloc(n, sizeof *s->b);
    if (!s->weight || !s->set || !s->alpha || !s->later || !s->points || !s->rests_on_tie ||
        !s->direction || !s->x || !s->coefficients || !s->a || !s->b) {
        return MCBE_ERR_NOMEM;
    }
    int exponent;
    (void)frexp(frame->norm_max, &exponent);
    s->unit = ldexp(1.0, exponent);
    for (size_t j = 0; j < m; j++) {
        s->weight[j] = 1;
        s->alpha[j] = INFINITY;
        s->later[j] = INFINITY;
    }
    s->later[m] = -INFINITY;
    for (size_t i = 0; i < m * n; i++) {
        s->points[i] = NAN;
    }
    return MCBE_OK;
}

/* Level 0 for the sets that begin with this row. */
static void start_set(search_t *s, int first)
{
    const int m = s->frame->m;
    double *points = mcbe_flats_level(&s->flats, 0);
    for (int k = 0; k < s->frame->n; k++) {
        double *coordinate = points + (size_t)k * (size_t)s->flats.stride;
        const double *row = mcbe_frame_transposed(s->frame) + (size_t)k * (size_t)m;
        const double base = row[first] / s->unit;
        for (int j = 0; j < m; j++) {
            coordinate[j] = row[j] / s->unit - base;
        }
        coordinate[m] = base;
    }
    /* differences of vectors within the unit ball, each coordinate rounded once */
    mcbe_flats_start(&s->flats, 2.0, 2.0 * DBL_EPSILON);
    s->set[0] = first;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* The largest alpha of the first `count` rows of the set: what a value must undercut. */
static double largest_of_set(const search_t *s, int count)
{
    double largest = -INFINITY;
    for (int i = 0; i < count; i++) {
        largest = larger(largest, s->alpha[s->set[i]]);
    }
    return largest;
}

/* The first `count` rows of the set tie at s->x, and at most n - 1 others are ahead: lower their
 * alpha to their canonical coefficients there. */
static void accept_point(search_t *s, int count, int doubtful)
{
    const mcbe_frame_t *frame = s->frame;
    mcbe_point_split(frame->n, s->x, s->a, s->b);
    mcbe_frame_pair_coefficients(frame, s->a, s->b, 1.0 / mcbe_point_norm(frame->n, s->a, s->b, 1),
                                 s->coefficients);
    for (int i = 0; i < count; i++) {
        const int j = s->set[i];
        if (s->coefficients[j] < s->alpha[j]) {
            s->alpha[j] = s->coefficients[j];
            s->rests_on_tie[j] = doubtful;
            memcpy(s->points + (size_t)j * (size_t)frame->n, s->x, (size_t)frame->n * sizeof *s->x);
        }
    }
    for (int j = frame->m - 1; j >= 0; j--) {
        s->later[j] = larger(s->later[j + 1], s->alpha[j]);
    }
}

/* Try a direction of level t at which the first `count` rows of the set tie.
 * @param direction  [n - t], of this length; of its opposite if that is negative
 * @param ahead      rows surely ahead of them
 * @param behind     rows surely behind
 * @return whether the rows are among the n largest there */
static int try_direction(search_t *s, int t, int count, const double *direction, double length,
                         int64_t ahead, int64_t behind)
{
    const int n = s->frame->n;
    if (ahead > n - 1) {
        return 0;
    }
    for (int k = 0; k < n; k++) {
        s->x[k] = k < t ? 0.0 : direction[k - t] / length;
    }
    mcbe_flats_lift(&s->flats, t, s->x);
    accept_point(s, count, s->frame->m - behind - count > n - 1);
    return 1;
}

/* All but one row of a set of n are chosen and a plane is left: try the rows from `from` on for
 * the last. */
static void search_plane(search_t *s, int from)
{
    const int n = s->frame->n, m = s->frame->m, stride = s->flats.stride;
    const mcbe_kernels_t *kernels = mcbe_kernels();
    const double *plane = mcbe_flats_level(&s->flats, n - 2);
    double largest = largest_of_set(s, n - 1);
    for (int j = from; j < m; j++) {
        const double direction[2] = {-plane[stride + j], plane[j]};
        const double length = sqrt(direction[0] * direction[0] + direction[1] * direction[1]);
        if (!mcbe_flats_has_direction(&s->flats, n - 2, length)) {
            s->dependent = 1;
            continue;
        }
        const double value =
            (direction[0] * plane[m] + direction[1] * plane[stride + m]) / length * s->unit;
        const double goal = larger(largest, s->alpha[j]);
        if (-fabs(value) >= goal) {
            continue;
        }
        int64_t sums[2];
        kernels->side_sums(2, stride, plane, direction, mcbe_flats_slack(&s->flats, n - 2, length),
                           s->weight, sums);
        s->set[n - 1] = j;
        const int lowered =
            (value < goal && try_direction(s, n - 2, n, direction, length, sums[0], sums[1])) +
            (-value < goal && try_direction(s, n - 2, n, direction, -length, sums[1], sums[0]));
        if (lowered) {
            largest = largest_of_set(s, n - 1);
        }
    }
}

/* The first t + 1 rows of the set are chosen: try the direction of their least common
 * coefficient, and those from `from` on as the next row. */
static void search_flat(search_t *s, int t, int from)
{
    const int n = s->frame->n, m = s->frame->m, stride = s->flats.stride;
    const double *flat = mcbe_flats_level(&s->flats, t);
    const double length = mcbe_flats_length(&s->flats, t, m);
    const double least = -length * s->unit; /* in the whole flat */
    const double largest = largest_of_set(s, t + 1);
    if (least >= largest && least >= s->later[from]) {
        return;
    }
    if (least < largest && mcbe_flats_has_direction(&s->flats, t, length)) {
        int64_t sums[2];
        for (int k = 0; k < n - t; k++) {
            s->direction[k] = flat[(size_t)k * (size_t)stride + (size_t)m];
        }
        mcbe_kernels()->side_sums(n - t, stride, flat, s->direction,
                                  mcbe_flats_slack(&s->flats, t, length), s->weight, sums);
        (void)try_direction(s, t, t + 1, s->direction, -length, sums[1], sums[0]);
    }
    if (t == n - 2) {
        search_plane(s, from);
        return;
    }
    for (int j = from; j < m; j++) {
        if (mcbe_flats_restrict(&s->flats, t, j)) {
            s->set[t + 1] = j;
            search_flat(s, t + 1, j + 1);
        } else {
            s->dependent = 1;
        }
    }
}

/* In one dimension the two directions are all there is, and the largest rows are alone in J_x. */
static void search_line(search_t *s)
{
    const mcbe_frame_t *frame = s->frame;
    for (double side = -1.0; side <= 1.0; side += 2.0) {
        double highest = -INFINITY;
        for (int j = 0; j < frame->m; j++) {
            highest = larger(highest, side * frame->w[j]);
        }
        for (int j = 0; j < frame->m; j++) {
            if (side * frame->w[j] == highest) {
                s->x[0] = side;
                s->set[0] = j;
                accept_point(s, 1, 0);
            }
        }
    }
}

mcbe_status_t mcbe_exact_alpha(const mcbe_frame_t *frame, double work_limit, double *alpha,
                               double *points, int *doubtful, mcbe_error_t *err)
{
    const int n = frame->n, m = frame->m;
    search_t s = {0};
    mcbe_status_t st;
    MCBE_TRY(
        mcbe_exact_admit("the exact alpha*", frame, mcbe_exact_alpha_work(n, m), work_limit, err));
    MCBE_TRY(search_init(&s, frame));
    if (n == 1) {
        search_line(&s);
    } else {
        for (int first = 0; first < m; first++) {
            start_set(&s, first);
            search_flat(&s, 0, first + 1);
        }
    }
    memcpy(alpha, s.alpha, (size_t)m * sizeof *alpha);
    if (points) {
        memcpy(points, s.points, (size_t)m * (size_t)n * sizeof *points);
    }
    if (doubtful) {
        *doubtful = s.dependent ? m : 0;
        for (int j = 0; j < m && !s.dependent; j++) {
            *doubtful += s.rests_on_tie[j];
        }
    }
out:
    search_free(&s);
    return st;
}
