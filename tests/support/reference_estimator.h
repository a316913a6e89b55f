#ifndef MCBE_TEST_REFERENCE_ESTIMATOR_H
#define MCBE_TEST_REFERENCE_ESTIMATOR_H

/* alpha* as the definition words it: for every sample sort all coefficients, take the first n, take
 * minima. Slow, and with no arithmetic in common with the library but the canonical rule itself. */

#include <float.h>

#include "mcbe/bias.h"
#include "unit.h"

typedef struct reference_row {
    double c;
    int row;
} reference_row_t;

typedef struct reference {
    int m, n;
    double *w, *norm; /* owned, [m][n] and [m] */
    double *x;        /* owned, [n], the point being visited without its factor */
    reference_row_t *order;
    mcbe_bias_state_t state;
} reference_t;

static inline double reference_norm(int n, const double *row)
{
    double largest = 0, squares = 0;
    for (int k = 0; k < n; k++) {
        largest = fmax(largest, fabs(row[k]));
    }
    for (int k = 0; k < n; k++) {
        squares += row[k] / largest * (row[k] / largest);
    }
    return largest * sqrt(squares);
}

static inline void reference_init(reference_t *ref, int m, int n, const double *w)
{
    ref->m = m;
    ref->n = n;
    ref->w = mcbe_alloc((size_t)m * (size_t)n, sizeof *ref->w);
    ref->norm = mcbe_alloc((size_t)m, sizeof *ref->norm);
    ref->x = mcbe_alloc((size_t)n, sizeof *ref->x);
    ref->order = mcbe_alloc((size_t)m, sizeof *ref->order);
    ref->state = (mcbe_bias_state_t){
        .m = m, .last_update = -1, .min_active = m + 1, .min_active_sample = -1};
    ref->state.alpha = mcbe_alloc((size_t)m, sizeof *ref->state.alpha);
    ref->state.witness = mcbe_alloc((size_t)m, sizeof *ref->state.witness);
    assert_true(ref->w && ref->norm && ref->x && ref->order);
    assert_true(ref->state.alpha && ref->state.witness);
    memcpy(ref->w, w, (size_t)m * (size_t)n * sizeof *w);
    for (int j = 0; j < m; j++) {
        ref->norm[j] = reference_norm(n, w + (ptrdiff_t)j * n);
        ref->state.alpha[j] = INFINITY;
        ref->state.witness[j] = -1;
    }
}

static inline void reference_free(reference_t *ref)
{
    mcbe_free(ref->state.witness);
    mcbe_free(ref->state.alpha);
    mcbe_free(ref->order);
    mcbe_free(ref->x);
    mcbe_free(ref->norm);
    mcbe_free(ref->w);
}

/* Largest coefficient first, the lower index first among equals. */
static inline int compare_reference_rows(const void *left, const void *right)
{
    const reference_row_t *a = left, *b = right;
    if (a->c != b->c) {
        return a->c > b->c ? -1 : 1;
    }
    return (a->row > b->row) - (a->row < b->row);
}

/* Lower alpha by one point's coefficients, given in ref->order. @return rows that were lowered */
static inline int reference_lower(reference_row_t *order, int m, int n, double *alpha)
{
    int lowered = 0;
    qsort(order, (size_t)m, sizeof *order, compare_reference_rows);
    for (int i = 0; i < n; i++) {
        if (order[i].c < alpha[order[i].row]) {
            alpha[order[i].row] = order[i].c;
            order[lowered++] = order[i];
        }
    }
    return lowered;
}

/* The canonical coefficient of row j at the point ref->x * scale. */
static inline double reference_coefficient(const reference_t *ref, int j, double scale)
{
    double sum = 0;
    for (int k = 0; k < ref->n; k++) {
        sum += ref->w[(ptrdiff_t)j * ref->n + k] * ref->x[k];
    }
    return sum * scale;
}

/* Visit the point ref->x * scale. */
static inline void reference_visit_held(reference_t *ref, double scale, int64_t sample)
{
    mcbe_bias_state_t *state = &ref->state;
    double norm_x = 0;
    for (int k = 0; k < ref->n; k++) {
        norm_x += ref->x[k] * ref->x[k];
    }
    norm_x = sqrt(norm_x) * scale;
    int64_t active = 0;
    for (int j = 0; j < ref->m; j++) {
        const double c = reference_coefficient(ref, j, scale);
        active += c >= -8.0 * ref->n * DBL_EPSILON * norm_x * ref->norm[j];
        ref->order[j] = (reference_row_t){.c = c, .row = j};
    }
    state->samples++;
    if (active < state->min_active) {
        state->min_active = active;
        state->min_active_sample = sample;
    }
    const int lowered = reference_lower(ref->order, ref->m, ref->n, state->alpha);
    for (int i = 0; i < lowered; i++) {
        state->witness[ref->order[i].row] = sample;
    }
    if (lowered > 0) {
        state->updates++;
        state->last_update = sample;
    }
}

/* Visit one point, x_k at x[k * stride]. */
static inline void reference_visit(reference_t *ref, const float *x, ptrdiff_t stride, double scale,
                                   int64_t sample)
{
    for (int k = 0; k < ref->n; k++) {
        ref->x[k] = (double)x[k * stride];
    }
    reference_visit_held(ref, scale, sample);
}

/* alpha and witnesses: the same numbers, the same bits; no -0.0, which == would not tell from 0.0.
 */
static inline void assert_same_alpha(const mcbe_bias_state_t *got,
                                     const mcbe_bias_state_t *expected)
{
    assert_int_equal(got->m, expected->m);
    for (int j = 0; j < got->m; j++) {
        if (got->alpha[j] != expected->alpha[j] || got->witness[j] != expected->witness[j]) {
            fail_msg("row %d: alpha %a of sample %lld where %a of sample %lld is right", j,
                     got->alpha[j], (long long)got->witness[j], expected->alpha[j],
                     (long long)expected->witness[j]);
        }
        assert_false(got->alpha[j] == 0 && signbit(got->alpha[j]));
    }
}

static inline void assert_same_state(const mcbe_bias_state_t *got,
                                     const mcbe_bias_state_t *expected)
{
    assert_same_alpha(got, expected);
    assert_int_equal(got->samples, expected->samples);
    assert_int_equal(got->updates, expected->updates);
    assert_int_equal(got->last_update, expected->last_update);
    assert_int_equal(got->min_active, expected->min_active);
    assert_int_equal(got->min_active_sample, expected->min_active_sample);
}

#endif
