#ifndef MCBE_TEST_EXACT_CASES_H
#define MCBE_TEST_EXACT_CASES_H

/* Frames for the exact answers, and slow references that share no code with them. */

#include <assert.h>
#include <float.h>
#include <stdio.h>

#include "mcbe/exact.h"
#include "unit.h"

#define EXACT_MAX_N 8
#define EXACT_MAX_M 64

/* cmocka compares in fp32 */
#define assert_near(found, expected, tolerance)                                                    \
    assert_true(fabs((found) - (expected)) <= (tolerance))

static inline void random_frame(mcbe_frame_t *frame, mcbe_ensemble_t ensemble, int n, int m,
                                int trial)
{
    const mcbe_stream_key_t key = {.seed = 20240607, .n = n, .m = m, .trial = trial};
    assert_int_equal(mcbe_frame_random(frame, ensemble, &key, 0), MCBE_OK);
}

static inline void frame_of(mcbe_frame_t *frame, int m, int n, const double *w)
{
    assert_int_equal(mcbe_frame_copy(frame, m, n, w, n, 0, NULL), MCBE_OK);
}

/* n + 1 unit rows with all products -1/n: each row has the entries its products with those
 * before ask for. */
static inline void simplex_frame(mcbe_frame_t *frame, int n)
{
    double w[(EXACT_MAX_N + 1) * EXACT_MAX_N] = {0};
    for (int i = 0; i <= n; i++) {
        double rest = 1;
        for (int k = 0; k < i && k < n; k++) {
            double product = -1.0 / n;
            for (int l = 0; l < k; l++) {
                product -= w[i * n + l] * w[k * n + l];
            }
            w[i * n + k] = product / w[k * n + k];
            rest -= w[i * n + k] * w[i * n + k];
        }
        if (i < n) {
            w[i * n + i] = sqrt(rest);
        }
    }
    frame_of(frame, n + 1, n, w);
}

/* The regular m-gon; with `exact` opposite rows of an even m are exact negatives. */
static inline void polygon_frame(mcbe_frame_t *frame, int m, int exact)
{
    double w[2 * EXACT_MAX_M];
    for (int j = 0; j < m; j++) {
        w[2 * j] = cos(2 * TEST_PI * j / m);
        w[2 * j + 1] = sin(2 * TEST_PI * j / m);
        if (exact && m % 2 == 0 && j >= m / 2) {
            w[2 * j] = -w[2 * j - m];
            w[2 * j + 1] = -w[2 * j + 1 - m];
        }
    }
    frame_of(frame, m, 2, w);
}

/* e_1 .. e_n, -e_1 .. -e_n */
static inline void cross_polytope_frame(mcbe_frame_t *frame, int n)
{
    double w[2 * EXACT_MAX_N * EXACT_MAX_N] = {0};
    for (int k = 0; k < n; k++) {
        w[k * n + k] = 1;
        w[(n + k) * n + k] = -1;
    }
    frame_of(frame, 2 * n, n, w);
}

/* Every row of a frame `copies` times, one whole copy after the other, the c-th times 2^c. */
static inline void repeated_frame(mcbe_frame_t *frame, const mcbe_frame_t *of, int copies)
{
    double w[EXACT_MAX_M * EXACT_MAX_N];
    const int entries = of->m * of->n;
    assert_in_range(entries * copies, 1, COUNT_OF(w));
    for (int i = 0; i < entries * copies; i++) {
        w[i] = ldexp(of->w[i % entries], i / entries);
    }
    frame_of(frame, of->m * copies, of->n, w);
}

/* The orthogonal projections of vectors in long double, by Gram-Schmidt done twice. */
typedef struct basis {
    int count;
    long double v[EXACT_MAX_N][EXACT_MAX_N];
} basis_t;

static inline void basis_project(const basis_t *basis, int n, long double *x)
{
    for (int i = 0; i < 2 * basis->count; i++) {
        const long double *v = basis->v[i % basis->count];
        long double product = 0;
        for (int k = 0; k < n; k++) {
            product += v[k] * x[k];
        }
        for (int k = 0; k < n; k++) {
            x[k] -= product * v[k];
        }
    }
}

/* Make x a unit vector. @return its length before */
static inline long double normalize(int n, long double *x)
{
    long double square = 0;
    for (int k = 0; k < n; k++) {
        square += x[k] * x[k];
    }
    for (int k = 0; k < n; k++) {
        x[k] /= sqrtl(square);
    }
    return sqrtl(square);
}

static inline void basis_add(basis_t *basis, int n, const long double *x)
{
    long double *v = basis->v[basis->count];
    memcpy(v, x, (size_t)n * sizeof *v);
    basis_project(basis, n, v);
    normalize(n, v);
    basis->count++;
}

/* The unit vector orthogonal to a basis of n - 1: the longest projection of an axis. */
static inline void basis_last(const basis_t *basis, int n, long double *x)
{
    long double best = -1;
    for (int axis = 0; axis < n; axis++) {
        long double candidate[EXACT_MAX_N] = {0};
        candidate[axis] = 1;
        basis_project(basis, n, candidate);
        const long double length = normalize(n, candidate);
        if (length > best) {
            best = length;
            memcpy(x, candidate, (size_t)n * sizeof *x);
        }
    }
}

static inline long double product_with_row(const mcbe_frame_t *frame, int row, const long double *x)
{
    long double sum = 0;
    for (int k = 0; k < frame->n; k++) {
        sum += (long double)frame->w[row * frame->n + k] * x[k];
    }
    return sum;
}

/* The next subset of `size` of the numbers below `from`, in lexicographic order.
 * @return 0 at the end */
static inline int next_subset(int size, int from, int *subset)
{
    int i = size - 1;
    while (i >= 0 && subset[i] == from - size + i) {
        i--;
    }
    if (i < 0) {
        return 0;
    }
    subset[i]++;
    for (i++; i < size; i++) {
        subset[i] = subset[i - 1] + 1;
    }
    return 1;
}

static inline void first_subset(int size, int *subset)
{
    for (int i = 0; i < size; i++) {
        subset[i] = i;
    }
}

static inline int in_subset(int size, const int *subset, int member)
{
    for (int i = 0; i < size; i++) {
        if (subset[i] == member) {
            return 1;
        }
    }
    return 0;
}

#endif
