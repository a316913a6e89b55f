#include "preimage_internal.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "check.h"
#include "memory.h"

/* The program in the coordinates of x' itself: one row for each row of the layer that is not 0, of
 * norm 1; for the largest difference 2 n more. Columns: x', or for the sum of differences
 * x' - t = p - q with p and q, or x' and the largest difference. */
typedef struct likeness_program {
    int rows, columns, filled;
    int *start, *index;
    double *value, *low, *high, *cost, *row_low, *row_high;
} likeness_program_t;

static void program_free(likeness_program_t *p)
{
    mcbe_free(p->row_high);
    mcbe_free(p->row_low);
    mcbe_free(p->cost);
    mcbe_free(p->high);
    mcbe_free(p->low);
    mcbe_free(p->value);
    mcbe_free(p->index);
    mcbe_free(p->start);
}

static mcbe_status_t program_init(likeness_program_t *p, const mcbe_preimage_t *preimage,
                                  mcbe_likeness_t likeness, mcbe_error_t *err)
{
    const size_t m = (size_t)preimage->m, n = (size_t)preimage->n;
    const size_t copies = likeness == MCBE_LIKENESS_L1 ? 2 : 1;
    const size_t extra = likeness == MCBE_LIKENESS_LINF ? 1 : 0;
    const size_t rows = m + 2 * n * extra, columns = n * copies + extra;
    const size_t entries = m * n * copies + 4 * n * extra;
    *p = (likeness_program_t){.rows = (int)rows, .columns = (int)columns};
    if (entries > INT_MAX) {
        return mcbe_preimage_too_large(preimage, err);
    }
    p->start = mcbe_alloc(columns + 1, sizeof *p->start);
    p->index = mcbe_alloc(entries, sizeof *p->index);
    p->value = mcbe_alloc(entries, sizeof *p->value);
    p->low = mcbe_alloc(columns, sizeof *p->low);
    p->high = mcbe_alloc(columns, sizeof *p->high);
    p->cost = mcbe_alloc(columns, sizeof *p->cost);
    p->row_low = mcbe_alloc(rows, sizeof *p->row_low);
    p->row_high = mcbe_alloc(rows, sizeof *p->row_high);
    if (!p->start || !p->index || !p->value || !p->low || !p->high || !p->cost || !p->row_low ||
        !p->row_high) {
        program_free(p);
        return MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

static void add_entry(likeness_program_t *p, int row, double value)
{
    if (value != 0.0) {
        p->index[p->filled] = row;
        p->value[p->filled++] = value;
    }
}

/* Column c of the layer, with a sign. */
static void add_input(likeness_program_t *p, const mcbe_preimage_t *preimage, int c, double sign)
{
    for (int j = 0; j < preimage->m; j++) {
        if (preimage->first[j] >= 0) {
            add_entry(p, j,
                      sign * preimage->w[(size_t)j * (size_t)preimage->n + (size_t)c] /
                          preimage->norm[j]);
        }
    }
}

static void add_column(likeness_program_t *p, int column, double low, double high, double cost)
{
    p->start[column] = p->filled;
    p->low[column] = low;
    p->high[column] = high;
    p->cost[column] = cost;
}

static double clamped(double value, double low, double high)
{
    return fmin(fmax(value, low), high);
}

/* What the rows of the layer ask of x', or of p - q = x' - origin. */
static void bound_rows(likeness_program_t *p, mcbe_preimage_t *preimage, const double *origin)
{
    const int m = preimage->m, n = preimage->n;
    memset(preimage->product, 0, (size_t)m * sizeof *preimage->product);
    if (origin) {
        cblas_dgemv(CblasRowMajor, CblasNoTrans, m, n, 1.0, preimage->w, n, origin, 1, 0.0,
                    preimage->product, 1);
    }
    for (int j = 0; j < m; j++) {
        const double bias = preimage->bias ? preimage->bias[j] : 0.0;
        const int equal = preimage->sign[j] == MCBE_ROW_POSITIVE;
        const double norm = preimage->norm[j];
        const double level = bias + (equal ? preimage->z[j] : 0.0) - preimage->product[j];
        const int counts = preimage->first[j] >= 0;
        p->row_low[j] = counts && equal ? level / norm : -INFINITY;
        p->row_high[j] = counts ? level / norm : INFINITY;
    }
}

static void fill(likeness_program_t *p, mcbe_preimage_t *preimage, const double *target,
                 mcbe_likeness_t likeness, double low, double high)
{
    const int m = preimage->m, n = preimage->n;
    double *origin = likeness == MCBE_LIKENESS_L1 ? preimage->rest : NULL;
    int column = 0;
    for (int c = 0; c < n; c++) {
        if (likeness == MCBE_LIKENESS_L1) {
            /* outside of the box the target is as far as its nearest point, and a constant more */
            origin[c] = clamped(target[c], low, high);
            add_column(p, column++, 0.0, high - origin[c], 1.0);
            add_input(p, preimage, c, 1.0);
            add_column(p, column++, 0.0, origin[c] - low, 1.0);
            add_input(p, preimage, c, -1.0);
        } else {
            const int product = likeness == MCBE_LIKENESS_PRODUCT;
            add_column(p, column++, low, high, product ? -target[c] : 0.0);
            add_input(p, preimage, c, 1.0);
            if (!product) {
                add_entry(p, m + 2 * c, 1.0);
                add_entry(p, m + 2 * c + 1, -1.0);
                p->row_high[m + 2 * c] = target[c];
                p->row_high[m + 2 * c + 1] = -target[c];
                p->row_low[m + 2 * c] = p->row_low[m + 2 * c + 1] = -INFINITY;
            }
        }
    }
    if (likeness == MCBE_LIKENESS_LINF) {
        add_column(p, column++, 0.0, INFINITY, 1.0);
        for (int i = 0; i < 2 * n; i++) {
            add_entry(p, m + i, -1.0);
        }
    }
    p->start[column] = p->filled;
    bound_rows(p, preimage, origin);
}

static double likeness_of(mcbe_likeness_t likeness, int n, const double *x, const double *target)
{
    double value = 0.0;
    for (int c = 0; c < n; c++) {
        const double difference = fabs(x[c] - target[c]);
        switch (likeness) {
        case MCBE_LIKENESS_PRODUCT:
            value += x[c] * target[c];
            break;
        case MCBE_LIKENESS_L1:
            value += difference;
            break;
        case MCBE_LIKENESS_LINF:
            value = fmax(value, difference);
            break;
        }
    }
    return value;
}

static void read_point(const mcbe_preimage_t *preimage, const mcbe_lp_t *lp, const double *target,
                       mcbe_likeness_t likeness, double low, double high, double *found)
{
    const double *solution = mcbe_lp_solution(lp);
    for (int c = 0; c < preimage->n; c++) {
        const double value =
            likeness == MCBE_LIKENESS_L1
                ? clamped(target[c], low, high) + solution[2 * c] - solution[2 * c + 1]
                : solution[c];
        found[c] = clamped(value, low, high);
    }
}

/* The likeness that the program says is best: it leaves out what a target outside of the box adds
 * to the sum of differences. */
static double best_value(const mcbe_lp_t *lp, int n, const double *target, mcbe_likeness_t likeness,
                         double low, double high)
{
    double value = likeness == MCBE_LIKENESS_PRODUCT ? -mcbe_lp_value(lp) : mcbe_lp_value(lp);
    for (int c = 0; c < n && likeness == MCBE_LIKENESS_L1; c++) {
        value += fabs(target[c] - clamped(target[c], low, high));
    }
    return value;
}

static mcbe_status_t solve(mcbe_preimage_t *preimage, const double *target,
                           mcbe_likeness_t likeness, double low, double high, double *found,
                           mcbe_invariance_t *result, mcbe_error_t *err)
{
    likeness_program_t p;
    mcbe_lp_t *lp = NULL;
    mcbe_lp_outcome_t outcome;
    mcbe_status_t st = program_init(&p, preimage, likeness, err);
    if (st != MCBE_OK) {
        return st;
    }
    fill(&p, preimage, target, likeness, low, high);
    MCBE_TRY(mcbe_lp_create(&lp, &(mcbe_lp_problem_t){.rows = p.rows,
                                                      .columns = p.columns,
                                                      .start = p.start,
                                                      .index = p.index,
                                                      .value = p.value,
                                                      .low = p.low,
                                                      .high = p.high,
                                                      .cost = p.cost,
                                                      .row_low = p.row_low,
                                                      .row_high = p.row_high}));
    MCBE_TRY(mcbe_lp_solve_dual(lp, &outcome));
    result->iterations = mcbe_lp_iterations(lp);
    if (outcome != MCBE_LP_OPTIMAL) {
        MCBE_TRY(mcbe_fail(err, MCBE_ERR_VALUE,
                           "preimage: the linear program for the most similar point, of %d rows "
                           "and %d columns, came to no end after %d iterations",
                           p.rows, p.columns, result->iterations));
    }
    read_point(preimage, lp, target, likeness, low, high, found);
    result->bound = best_value(lp, preimage->n, target, likeness, low, high);
out:
    mcbe_lp_destroy(&lp);
    program_free(&p);
    return st;
}

/* Largest difference of the features of a point from those of x, whose z is known. */
static double feature_difference(mcbe_preimage_t *preimage, const double *point)
{
    const int m = preimage->m, n = preimage->n;
    double largest = 0.0;
    cblas_dgemv(CblasRowMajor, CblasNoTrans, m, n, 1.0, preimage->w, n, point, 1, 0.0,
                preimage->product, 1);
    for (int j = 0; j < m; j++) {
        const double bias = preimage->bias ? preimage->bias[j] : 0.0;
        const double now = fmax(preimage->product[j] - bias, 0.0);
        largest = fmax(largest, fabs(now - fmax(preimage->z[j], 0.0)));
    }
    return largest;
}

static double feature_tolerance(const mcbe_preimage_t *preimage, double low, double high)
{
    const double reach = fmax(fabs(low), fabs(high));
    double scale = 0.0;
    for (int j = 0; j < preimage->m; j++) {
        const double *row = preimage->w + (size_t)j * (size_t)preimage->n;
        const double bias = preimage->bias ? fabs(preimage->bias[j]) : 0.0;
        scale = fmax(scale, cblas_dasum(preimage->n, row, 1) * reach + bias);
    }
    return MCBE_PREIMAGE_SAME_FEATURES * scale;
}

static mcbe_status_t check(const mcbe_preimage_t *preimage, const double *x, double low,
                           double high, mcbe_error_t *err)
{
    if (!(low < high) || !isfinite(low) || !isfinite(high)) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "preimage: the box is from %g to %g; its lower end must be finite and "
                         "below its upper one",
                         low, high);
    }
    for (int c = 0; c < preimage->n; c++) {
        if (x[c] < low || x[c] > high) {
            return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                             "preimage: entry %d of the point is %g; in the box are values from "
                             "%g to %g",
                             c, x[c], low, high);
        }
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_preimage_most_like(mcbe_preimage_t *preimage, const double *x,
                                      const double *target, mcbe_likeness_t likeness, double low,
                                      double high, double *found, mcbe_invariance_t *result,
                                      mcbe_error_t *err)
{
    const int n = preimage->n;
    double *point = preimage->point;
    mcbe_preimage_result_t rank = {.verdict = MCBE_PREIMAGE_UNDECIDED};
    mcbe_invariance_t answer = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_preimage_values("the target", n, target, err));
    MCBE_TRY(mcbe_preimage_point(preimage, x, err));
    MCBE_TRY(check(preimage, x, low, high, err));
    MCBE_TRY(mcbe_preimage_prove_rank(preimage, &rank));
    answer.start = likeness_of(likeness, n, x, target);
    answer.bound = answer.start;
    memcpy(point, x, (size_t)n * sizeof *point);
    if (rank.verdict != MCBE_PREIMAGE_SINGLETON) {
        MCBE_TRY(solve(preimage, target, likeness, low, high, point, &answer, err));
    }
    answer.value = likeness_of(likeness, n, point, target);
    answer.difference = feature_difference(preimage, point);
    answer.tolerance = feature_tolerance(preimage, low, high);
    for (int c = 0; c < n; c++) {
        preimage->step[c] = point[c] - x[c];
    }
    answer.moved = cblas_dnrm2(n, preimage->step, 1);
    if (!(answer.difference <= answer.tolerance)) {
        MCBE_TRY(mcbe_fail(err, MCBE_ERR_VALUE,
                           "preimage: a feature of the most similar point differs by %g; allowed "
                           "is up to %g",
                           answer.difference, answer.tolerance));
    }
    memcpy(found, point, (size_t)n * sizeof *found);
    *result = answer;
out:
    return st;
}
