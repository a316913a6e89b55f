#include "mcbe/injectivity.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include <lapacke.h>

#include "mcbe/domain.h"
#include "memory.h"

double mcbe_active_tolerance(int n, double norm_x, double norm_w)
{
    return 8.0 * n * DBL_EPSILON * norm_x * norm_w;
}

int mcbe_active_count(const mcbe_frame_t *frame, const double *c, const double *bias, double norm_x,
                      unsigned char *active)
{
    int count = 0;
    for (int j = 0; j < frame->m; j++) {
        double level = bias ? bias[j] : 0.0;
        int on = c[j] >= level - mcbe_active_tolerance(frame->n, norm_x, frame->norm[j]);
        count += on;
        if (active) {
            active[j] = (unsigned char)on;
        }
    }
    return count;
}

mcbe_status_t mcbe_active_rank(const mcbe_frame_t *frame, const unsigned char *active, int *rank)
{
    const int n = frame->n;
    int rows = 0;
    for (int j = 0; j < frame->m; j++) {
        rows += active[j] != 0;
    }
    const int values = rows < n ? rows : n;
    if (values == 0) {
        *rank = 0;
        return MCBE_OK;
    }
    double *matrix = mcbe_alloc((size_t)rows * (size_t)n, sizeof *matrix);
    double *singular = mcbe_alloc((size_t)values, sizeof *singular);
    mcbe_status_t st = matrix && singular ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        /* unit rows: the rank is a matter of directions, and a small row must not pass for a
         * dependent one */
        double *row = matrix;
        for (int j = 0; j < frame->m; j++) {
            if (active[j]) {
                for (int k = 0; k < n; k++) {
                    row[k] = frame->w[(size_t)j * (size_t)n + (size_t)k] / frame->norm[j];
                }
                row += n;
            }
        }
        /* row-major rows x n is column-major n x rows: the singular values are the same */
        lapack_int info =
            LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', n, rows, matrix, n, singular, NULL, 1, NULL, 1);
        st = info == 0 ? MCBE_OK : MCBE_ERR_INTERNAL;
    }
    if (st == MCBE_OK) {
        const double threshold = (rows > n ? rows : n) * DBL_EPSILON * singular[0];
        int above = 0;
        while (above < values && singular[above] > threshold) {
            above++;
        }
        *rank = above;
    }
    mcbe_free(singular);
    mcbe_free(matrix);
    return st;
}

mcbe_p_injective_t mcbe_p_injective_none(int m)
{
    return (mcbe_p_injective_t){.min_active = m + 1};
}

/* Every coefficient of every point, and the rank of the active rows if it is wanted. Points are fp32
 * with factors, or fp64. */
static mcbe_status_t count_each(const mcbe_frame_t *frame, const double *bias, const float *single,
                                const double *scale, const double *exact, int64_t count,
                                int check_rank, mcbe_p_injective_t *result)
{
    const int m = frame->m, n = frame->n;
    mcbe_p_injective_t found = mcbe_p_injective_none(m);
    found.points = count;
    double *c = mcbe_alloc((size_t)m, sizeof *c), *x = mcbe_alloc((size_t)n, sizeof *x);
    float *high = mcbe_alloc((size_t)n, sizeof *high), *low = mcbe_alloc((size_t)n, sizeof *low);
    unsigned char *active = mcbe_alloc((size_t)m, sizeof *active);
    mcbe_status_t st = c && x && high && low && active ? MCBE_OK : MCBE_ERR_NOMEM;
    for (int64_t i = 0; i < count && st == MCBE_OK; i++) {
        const float *a = exact ? high : single + i * n, *b = exact ? low : NULL;
        const double factor = scale ? scale[i] : 1.0;
        if (exact) {
            memcpy(x, exact + i * n, (size_t)n * sizeof *x);
            mcbe_point_split(n, x, high, low);
            mcbe_frame_pair_coefficients(frame, a, b, factor, c);
        } else {
            mcbe_frame_coefficients(frame, a, 1, factor, c);
        }
        const int on =
            mcbe_active_count(frame, c, bias, mcbe_point_norm(n, a, b, 1) * factor, active);
        found.min_active = on < found.min_active ? on : found.min_active;
        found.injective += on >= n;
        if (check_rank && on >= n) {
            int rank = 0;
            st = mcbe_active_rank(frame, active, &rank);
            found.rank_fails += rank < n;
        }
    }
    if (st == MCBE_OK) {
        *result = found;
    }
    mcbe_free(active);
    mcbe_free(low);
    mcbe_free(high);
    mcbe_free(x);
    mcbe_free(c);
    return st;
}

mcbe_status_t mcbe_p_injective(const mcbe_frame_t *frame, const double *bias, const float *points,
                               const double *scale, int64_t count, int check_rank,
                               mcbe_p_injective_t *result)
{
    if (check_rank) {
        return count_each(frame, bias, points, scale, NULL, count, 1, result);
    }
    mcbe_point_test_t *test = NULL;
    mcbe_status_t st = mcbe_point_test_create(&test, frame, 1, bias);
    if (st == MCBE_OK) {
        *result = mcbe_p_injective_none(frame->m);
        mcbe_point_test_add(test, points, scale, count, result);
    }
    mcbe_point_test_destroy(&test);
    return st;
}

mcbe_status_t mcbe_p_injective_f64(const mcbe_frame_t *frame, const double *bias,
                                   const double *points, int64_t count, int check_rank,
                                   mcbe_p_injective_t *result)
{
    return count_each(frame, bias, NULL, NULL, points, count, check_rank, result);
}

void mcbe_hamming(int m, const double *alpha_star, const double *bias, const double *unit,
                  mcbe_hamming_t *result)
{
    *result = (mcbe_hamming_t){.rows = m};
    for (int j = 0; j < m; j++) {
        result->satisfied += bias[j] <= (unit ? alpha_star[j] / unit[j] : alpha_star[j]);
        result->unconstrained += isinf(alpha_star[j]) && alpha_star[j] > 0.0;
    }
}
