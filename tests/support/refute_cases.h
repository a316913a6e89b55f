#ifndef MCBE_TEST_REFUTE_CASES_H
#define MCBE_TEST_REFUTE_CASES_H

/* What refutations are held against: plain loops in long double over the matrix itself, and the
 * exact smallest number of active rows of small layers. */

#include "mcbe/frame.h"
#include "mcbe/search.h"
#include "unit.h"

/* Layer number `trial` of the Gaussian ones. */
static inline mcbe_frame_t gaussian_layer(int n, int m, int trial)
{
    const mcbe_stream_key_t key = {.seed = 2024, .n = n, .m = m, .trial = trial};
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_OK);
    return frame;
}

static inline mcbe_frame_t layer_of(int m, int n, const double *w)
{
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_copy(&frame, m, n, w, n, 0, NULL), MCBE_OK);
    return frame;
}

static inline mcbe_stream_key_t layer_key(int n, int m, int trial)
{
    return (mcbe_stream_key_t){.seed = 2024, .n = n, .m = m, .trial = trial};
}

/* Rows that are active at the point x of norm `radius`, given by any multiple of x, or too near to
 * being so for fp64 to tell. */
static inline int plainly_active(const mcbe_frame_t *frame, const double *bias, const double *x,
                                 double radius)
{
    long double square = 0;
    for (int k = 0; k < frame->n; k++) {
        square += (long double)x[k] * x[k];
    }
    int count = 0;
    for (int j = 0; j < frame->m; j++) {
        long double c = 0;
        for (int k = 0; k < frame->n; k++) {
            c += (long double)frame->w[(ptrdiff_t)j * frame->n + k] * x[k];
        }
        c *= radius / sqrtl(square);
        const long double doubt = 1e-15L * frame->n * radius * frame->norm[j];
        count += c >= (bias ? bias[j] : 0.0) - doubt;
    }
    return count;
}

/* A vector orthogonal to n - 1 rows of length n, by elimination with complete pivoting. Destroys
 * `rows`. */
static inline void null_vector(int n, double *rows, double *x)
{
    int column[16] = {0};
    for (int k = 0; k < n; k++) {
        column[k] = k;
    }
    for (int step = 0; step < n - 1; step++) {
        int row = step, best = step;
        for (int i = step; i < n - 1; i++) {
            for (int k = step; k < n; k++) {
                if (fabs(rows[i * n + column[k]]) > fabs(rows[row * n + column[best]])) {
                    row = i;
                    best = k;
                }
            }
        }
        const int swapped = column[step];
        column[step] = column[best];
        column[best] = swapped;
        for (int k = 0; k < n; k++) {
            const double entry = rows[row * n + k];
            rows[row * n + k] = rows[step * n + k];
            rows[step * n + k] = entry;
        }
        for (int i = step + 1; i < n - 1; i++) {
            const double factor = rows[i * n + column[step]] / rows[step * n + column[step]];
            for (int k = 0; k < n; k++) {
                rows[i * n + k] -= factor * rows[step * n + k];
            }
        }
    }
    x[column[n - 1]] = 1;
    for (int i = n - 2; i >= 0; i--) {
        double sum = 0;
        for (int k = i + 1; k < n; k++) {
            sum += rows[i * n + column[k]] * x[column[k]];
        }
        x[column[i]] = -sum / rows[i * n + column[i]];
    }
}

/* The smallest number of active rows at bias 0 over all x, for rows in general position: every cell
 * of the arrangement of hyperplanes <x, w_j> = 0 has a ray at which n - 1 of them meet, and of the
 * cells around that ray one has these n - 1 rows inactive. */
static inline int exact_min_active(const mcbe_frame_t *frame)
{
    const int m = frame->m, n = frame->n;
    int chosen[16], fewest = m;
    double rows[16 * 16], x[16];
    for (int i = 0; i < n - 1; i++) {
        chosen[i] = i;
    }
    for (;;) {
        for (int i = 0; i < n - 1; i++) {
            memcpy(rows + (ptrdiff_t)i * n, frame->w + (ptrdiff_t)chosen[i] * n,
                   (size_t)n * sizeof *rows);
        }
        null_vector(n, rows, x);
        int above = 0, below = 0;
        for (int j = 0, next = 0; j < m; j++) {
            if (next < n - 1 && chosen[next] == j) {
                next++;
                continue;
            }
            double c = 0;
            for (int k = 0; k < n; k++) {
                c += frame->w[(ptrdiff_t)j * n + k] * x[k];
            }
            above += c > 0;
            below += c < 0;
        }
        fewest = above < fewest ? above : fewest;
        fewest = below < fewest ? below : fewest;
        int i = n - 2; /* the next set of rows */
        while (i >= 0 && chosen[i] == m - (n - 1) + i) {
            i--;
        }
        if (i < 0) {
            return fewest;
        }
        chosen[i]++;
        for (i++; i < n - 1; i++) {
            chosen[i] = chosen[i - 1] + 1;
        }
    }
}

/* Batches until a layer is refuted or so many points are spent, each starting from what those
 * before it found. The certificate is checked. @return evaluations, or -1 if not refuted */
static inline int64_t search_until(const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                                   const mcbe_domain_t *domain, const double *bias, int64_t points,
                                   int *fewest)
{
    mcbe_refute_t *refute;
    mcbe_bias_state_t start;
    mcbe_points_t list = {.n = frame->n};
    int64_t used = 0;
    *fewest = frame->m + 1;
    assert_int_equal(mcbe_bias_state_init(&start, frame->m), MCBE_OK);
    assert_int_equal(mcbe_refute_create(&refute, frame, domain, key, bias), MCBE_OK);
    for (int64_t batch = 0; used < points && *fewest >= frame->n; batch++) {
        mcbe_refutation_t found;
        assert_int_equal(mcbe_refute_batch(refute, batch, &start, &list, &found), MCBE_OK);
        used += found.evaluations;
        if (found.active < *fewest) {
            *fewest = found.active;
            assert_int_equal(
                plainly_active(frame, bias, list.x + found.point * frame->n, found.radius),
                found.active);
        }
        start.min_active = bias ? start.min_active : *fewest;
        list.count = 0;
    }
    mcbe_points_free(&list);
    mcbe_refute_destroy(&refute);
    mcbe_bias_state_free(&start);
    return *fewest < frame->n ? used : -1;
}

#endif
