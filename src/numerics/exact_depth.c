#include "mcbe/exact.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "exact_flats.h"
#include "exact_work.h"
#include "kernels.h"
#include "mcbe/domain.h"
#include "mcbe/injectivity.h"
#include "memory.h"

/* The weight of a line says how many rows more are active on its positive side than on its negative
 * side, and in the upper half that it is one line. */
#define ONE_LINE (INT64_C(1) << 32)
#define LINES_OF(sum) ((int)((sum) >> 32))
#define ROWS_OF(sum) ((int)((sum) & (ONE_LINE - 1)))

/* Rows that are multiples of each other, either sign, are one line: its hyperplane bounds them
 * all. */
typedef struct line {
    int row;                /* which row of the frame stands for it, with this sign ... */
    double sign;            /* ... so that more rows point its way than the other */
    int positive, negative; /* rows pointing its way and the other, positive >= negative */
} line_t;

typedef struct search {
    const mcbe_frame_t *frame;
    int stop_below;
    line_t *lines; /* owned, [m] */
    int line_count;
    mcbe_flats_t flats; /* the unit vectors of the lines */
    int64_t *weight;    /* owned, [stride] */
    int *tight;         /* owned, [n]: the lines left out so far */
    int base;           /* rows active everywhere: the smaller side of every line */
    int lower, upper;
    int coplanar;         /* most lines that may lie in one hyperplane */
    int dependent;        /* were sets of lines left out, as they may be dependent? */
    int full_spark;       /* are any n rows independent? 0 if that is not proven */
    double *rotated;      /* owned, [m][n] */
    double *x, *best;     /* owned, [n] */
    double *coefficients; /* owned, [m] */
    float *a, *b;         /* owned, [n] */
} search_t;

static void search_free(search_t *s)
{
    mcbe_flats_free(&s->flats);
    mcbe_free(s->lines);
    mcbe_free(s->weight);
    mcbe_free(s->tight);
    mcbe_free(s->rotated);
    mcbe_free(s->x);
    mcbe_free(s->best);
    mcbe_free(s->coefficients);
    mcbe_free(s->a);
    mcbe_free(s->b);
}

/* +1 or -1 if the rows are equal up to that sign and a power of two, 0 otherwise. */
static int same_line(const mcbe_frame_t *frame, int i, int j)
{
    int exponent_i, exponent_j, same = 1, opposite = 1;
    (void)frexp(frame->norm[i], &exponent_i);
    (void)frexp(frame->norm[j], &exponent_j);
    const int small = exponent_i < exponent_j ? i : j, large = small == i ? j : i;
    const double *a = frame->w + (size_t)small * (size_t)frame->n;
    const double *b = frame->w + (size_t)large * (size_t)frame->n;
    for (int k = 0; k < frame->n && (same || opposite); k++) {
        const double scaled = ldexp(a[k], abs(exponent_i - exponent_j)); /* upwards it is exact */
        same = same && scaled == b[k];
        opposite = opposite && scaled == -b[k];
    }
    return same - opposite;
}

static void find_lines(search_t *s)
{
    for (int j = 0; j < s->frame->m; j++) {
        int sign = 0, l = 0;
        for (; l < s->line_count; l++) {
            sign = same_line(s->frame, s->lines[l].row, j);
            if (sign != 0) {
                break;
            }
        }
        if (sign == 0) {
            s->lines[s->line_count++] = (line_t){.row = j, .sign = 1.0, .positive = 1};
        } else {
            s->lines[l].positive += sign > 0;
            s->lines[l].negative += sign < 0;
        }
    }
}

/* The larger side first; with `once` a side counts as one row however many it has. */
static void orient_lines(search_t *s, int once)
{
    for (int l = 0; l < s->line_count; l++) {
        line_t *line = s->lines + l;
        if (once) {
            line->positive = line->positive > 0;
            line->negative = line->negative > 0;
        }
        if (line->negative > line->positive) {
            const int larger = line->negative;
            line->negative = line->positive;
            line->positive = larger;
            line->sign = -1.0;
        }
        s->base += line->negative;
    }
}

static void fill_flats(search_t *s)
{
    const int n = s->frame->n;
    double *points = mcbe_flats_level(&s->flats, 0);
    for (int l = 0; l < s->line_count; l++) {
        const line_t *line = s->lines + l;
        const double *row = s->frame->w + (size_t)line->row * (size_t)n;
        const double norm = line->sign * s->frame->norm[line->row];
        for (int k = 0; k < n; k++) {
            points[(size_t)k * (size_t)s->flats.stride + (size_t)l] = row[k] / norm;
        }
        s->weight[l] = ONE_LINE + line->positive - line->negative;
    }
    /* each coordinate was rounded once; the norm's own error only scales */
    mcbe_flats_start(&s->flats, 1.0 + 2.0 * (n + 4) * DBL_EPSILON, DBL_EPSILON);
}

static mcbe_status_t search_init(search_t *s, const mcbe_frame_t *frame, int once, int stop_below)
{
    const size_t m = (size_t)frame->m, n = (size_t)frame->n;
    memset(s, 0, sizeof *s);
    s->frame = frame;
    s->stop_below = stop_below;
    s->lower = s->upper = frame->m + 1; /* nothing known yet */
    s->lines = mcbe_alloc(m, sizeof *s->lines);
    s->tight = mcbe_alloc(n, sizeof *s->tight);
    s->rotated = mcbe_alloc(m * n, sizeof *s->rotated);
    s->x = mcbe_alloc(n, sizeof *s->x);
    s->best = mcbe_alloc(n, sizeof *s->best);
    s->coefficients = mcbe_alloc(m, sizeof *s->coefficients);
    s->a = mcbe_alloc(n, sizeof *s->a);
    s->b = mcbe_alloc(n, sizeof *s->b);
    if (!s->lines || !s->tight || !s->rotated || !s->x || !s->best || !s->coefficients || !s->a ||
        !s->b) {
        return MCBE_ERR_NOMEM;
    }
    find_lines(s);
    orient_lines(s, once);
    mcbe_status_t st = mcbe_flats_init(&s->flats, frame->n, s->line_count);
    if (st != MCBE_OK) {
        return st;
    }
    s->weight = mcbe_alloc((size_t)s->flats.stride, sizeof *s->weight);
    if (!s->weight) {
        return MCBE_ERR_NOMEM;
    }
    fill_flats(s);
    return MCBE_OK;
}

/* Count the rows that are or may be active at s->x, which becomes a sum of fp32 vectors, and
 * keep it if there never were fewer. */
static void visit_point(search_t *s)
{
    const mcbe_frame_t *frame = s->frame;
    mcbe_point_split(frame->n, s->x, s->a, s->b);
    const double norm = mcbe_point_norm(frame->n, s->a, s->b, 1);
    mcbe_frame_pair_coefficients(frame, s->a, s->b, 1.0, s->coefficients);
    int active = 0;
    for (int l = 0; l < s->line_count; l++) {
        const line_t *line = s->lines + l;
        const double c = line->sign * s->coefficients[line->row];
        const double slack = mcbe_active_tolerance(frame->n, norm, frame->norm[line->row]);
        active += c >= -slack ? line->positive : 0;
        active += c <= slack ? line->negative : 0;
    }
    if (active < s->upper) {
        s->upper = active;
        memcpy(s->best, s->x, (size_t)frame->n * sizeof *s->best);
    }
}

/* y with <y, l> = -1 for the tight lines, in the rotated coordinates: l_k has k + 1 of them. */
static void solve_tight(const search_t *s, double *y)
{
    const int n = s->frame->n;
    for (int k = 0; k < n - 1; k++) {
        const double *line = s->rotated + (size_t)s->tight[k] * (size_t)n;
        double sum = -1.0;
        for (int l = 0; l < k; l++) {
            sum -= line[l] * y[l];
        }
        y[k] = sum / line[k];
    }
    y[n - 1] = 0.0;
}

/* How far to go from the last axis (times side) along y: where the tight lines have become as
 * negative as the nearest of the others is away from 0. */
static double best_step(const search_t *s, double side, const double *y)
{
    const int n = s->frame->n;
    const double *axis = mcbe_flats_level(&s->flats, n - 1);
    const double slack = mcbe_flats_slack(&s->flats, n - 1, 1.0);
    double step = 1.0;
    for (int l = 0; l < s->line_count; l++) {
        const double c = side * axis[l], sign = c < 0.0 ? -1.0 : 1.0;
        if (fabs(c) <= slack) {
            continue; /* tight itself, or it cannot be told from those that are */
        }
        double slope = 0.0;
        for (int k = 0; k < n - 1; k++) {
            slope += s->rotated[(size_t)l * (size_t)n + (size_t)k] * y[k];
        }
        const double toll = 1.0 - sign * slope; /* |c| + step sign slope >= step */
        step = toll > 0.0 && fabs(c) / toll < step ? fabs(c) / toll : step;
    }
    return step;
}

/* Visit the points beside the direction orthogonal to all n - 1 tight lines, and beside its
 * opposite, on whose negative sides the tight lines are. */
static void visit_direction(search_t *s)
{
    const int n = s->frame->n;
    if (!mcbe_flats_restrict(&s->flats, n - 2, s->tight[n - 2])) {
        return;
    }
    for (int l = 0; l < s->line_count; l++) {
        mcbe_flats_rotate(&s->flats, n - 1, l, s->rotated + (size_t)l * (size_t)n);
    }
    for (double side = -1.0; side <= 1.0; side += 2.0) {
        double norm = 0.0;
        solve_tight(s, s->x);
        const double step = best_step(s, side, s->x);
        for (int k = 0; k < n - 1; k++) {
            s->x[k] *= step;
            norm += s->x[k] * s->x[k];
        }
        s->x[n - 1] = side;
        norm = sqrt(norm + 1.0);
        mcbe_flats_lift(&s->flats, n - 1, s->x);
        for (int k = 0; k < n; k++) {
            s->x[k] /= norm;
        }
        visit_point(s);
    }
}

/* All but one of the tight lines are chosen and a plane is left: try the lines from `from` on for
 * the last.
 * @return whether a point below stop_below was found */
static int search_plane(search_t *s, int from)
{
    const int n = s->frame->n, stride = s->flats.stride;
    const mcbe_kernels_t *kernels = mcbe_kernels();
    const double *plane = mcbe_flats_level(&s->flats, n - 2);
    for (int l = from; l < s->line_count; l++) {
        const double direction[2] = {-plane[stride + l], plane[l]};
        const double length = sqrt(direction[0] * direction[0] + direction[1] * direction[1]);
        if (!mcbe_flats_has_direction(&s->flats, n - 2, length)) {
            s->dependent = 1;
            continue;
        }
        int64_t sums[2];
        kernels->side_sums(2, stride, plane, direction, mcbe_flats_slack(&s->flats, n - 2, length),
                           s->weight, sums);
        const int level = s->line_count - LINES_OF(sums[0]) - LINES_OF(sums[1]);
        const int fewer = ROWS_OF(sums[0]) < ROWS_OF(sums[1]) ? ROWS_OF(sums[0]) : ROWS_OF(sums[1]);
        s->coplanar = level > s->coplanar ? level : s->coplanar;
        s->lower = s->base + fewer < s->lower ? s->base + fewer : s->lower;
        if (s->base + fewer < s->upper) {
            s->tight[n - 2] = l;
            visit_direction(s);
            if (s->upper < s->stop_below) {
                return 1;
            }
        }
    }
    return 0;
}

/* t tight lines are chosen: try those from `from` on for the next.
 * @return whether a point below stop_below was found */
static int search_flat(search_t *s, int t, int from)
{
    const int n = s->frame->n;
    if (t == n - 2) {
        return search_plane(s, from);
    }
    for (int l = from; l < s->line_count - (n - 2 - t); l++) {
        if (!mcbe_flats_restrict(&s->flats, t, l)) {
            s->dependent = 1;
            continue;
        }
        s->tight[t] = l;
        if (search_flat(s, t + 1, l + 1)) {
            return 1;
        }
    }
    return 0;
}

/* Every cell of the arrangement has an extreme ray, orthogonal to n - 1 independent lines. There
 * the rows surely active stay so in the cell, and of every other line the smaller side is. */
static void search_all(search_t *s)
{
    const int n = s->frame->n;
    for (double side = -1.0; side <= 1.0; side += 2.0) { /* any point, so that there is one */
        memset(s->x, 0, (size_t)n * sizeof *s->x);
        s->x[0] = side;
        visit_point(s);
    }
    if (n == 1) { /* these are all the directions */
        s->lower = s->upper;
        s->full_spark = 1;
        return;
    }
    const int stopped = s->upper < s->stop_below || search_flat(s, 0, 0);
    if (stopped || s->dependent || s->line_count < n) {
        s->lower = s->base;
        return;
    }
    /* n dependent rows lie in one hyperplane, n - 1 independent lines of which were met, or in one
     * line */
    s->full_spark = s->line_count == s->frame->m && s->coplanar < n;
}

static mcbe_status_t admit(const mcbe_frame_t *frame, double work_limit, mcbe_error_t *err)
{
    return mcbe_exact_admit("the exact depth", frame, mcbe_exact_depth_work(frame->n, frame->m),
                            work_limit, err);
}

mcbe_status_t mcbe_exact_depth(const mcbe_frame_t *frame, int stop_below, double work_limit,
                               mcbe_depth_t *depth, double *x, mcbe_error_t *err)
{
    search_t s = {0};
    mcbe_status_t st;
    MCBE_TRY(admit(frame, work_limit, err));
    MCBE_TRY(search_init(&s, frame, 0, stop_below));
    search_all(&s);
    depth->lower = s.lower;
    depth->upper = s.upper;
    depth->full_spark = s.full_spark;
    if (x) {
        memcpy(x, s.best, (size_t)frame->n * sizeof *x);
    }
out:
    search_free(&s);
    return st;
}

mcbe_status_t mcbe_exact_injectivity(const mcbe_frame_t *frame, double work_limit,
                                     mcbe_exact_verdict_t *verdict, double *x, mcbe_error_t *err)
{
    const int n = frame->n;
    search_t s = {0};
    mcbe_status_t st;
    MCBE_TRY(admit(frame, work_limit, err));
    MCBE_TRY(search_init(&s, frame, 1, n));
    search_all(&s);
    if (s.upper < n || s.line_count < n) {
        *verdict = MCBE_EXACT_NOT_INJECTIVE;
        if (x) {
            memcpy(x, s.best, (size_t)n * sizeof *x);
        }
    } else {
        /* active lines that do not span R^n lie in one hyperplane */
        *verdict =
            s.lower >= n && s.coplanar < s.lower ? MCBE_EXACT_INJECTIVE : MCBE_EXACT_UNDECIDED;
    }
out:
    search_free(&s);
    return st;
}
