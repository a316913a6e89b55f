#include <math.h>
#include <string.h>

#include <cblas.h>

#include "kernels.h"
#include "margin.h"
#include "mcbe/domain.h"
#include "mcbe/injectivity.h"
#include "memory.h"

#define WIDTH MCBE_POINT_TEST_WIDTH

/* Longer points could take a product out of the range of fp32. */
#define NORM_MAX 1e30

struct mcbe_point_test {
    const mcbe_frame_t *frame; /* borrowed */
    int count;                 /* of biases */
    double *level;             /* owned, [count][m]: the biases */
    int exponent;              /* products use 2^-exponent W, whose longest row is at most 1 long */
    float *w;                  /* owned, [m][n] */
    float *c;                  /* owned, [WIDTH][m]: coefficients of a group of points with it */
    double *above; /* owned, [m]: by how much the coefficients of one point exceed a bias */
};

void mcbe_point_test_destroy(mcbe_point_test_t **test)
{
    mcbe_point_test_t *t = *test;
    if (t) {
        mcbe_free(t->above);
        mcbe_free(t->c);
        mcbe_free(t->w);
        mcbe_free(t->level);
        mcbe_free(t);
        *test = NULL;
    }
}

mcbe_status_t mcbe_point_test_create(mcbe_point_test_t **test, const mcbe_frame_t *frame, int count,
                                     const double *biases)
{
    const size_t m = (size_t)frame->m, n = (size_t)frame->n;
    mcbe_point_test_t *t = mcbe_alloc(1, sizeof *t);
    *test = t;
    if (!t) {
        return MCBE_ERR_NOMEM;
    }
    t->frame = frame;
    t->count = count;
    t->level = mcbe_alloc((size_t)count * m, sizeof *t->level);
    t->w = mcbe_alloc(m * n, sizeof *t->w);
    t->c = mcbe_alloc(m * WIDTH, sizeof *t->c);
    t->above = mcbe_alloc(m, sizeof *t->above);
    if (!t->level || !t->w || !t->c || !t->above) {
        mcbe_point_test_destroy(test);
        return MCBE_ERR_NOMEM;
    }
    if (biases) {
        memcpy(t->level, biases, (size_t)count * m * sizeof *biases);
    }
    (void)frexp(frame->norm_max, &t->exponent);
    for (size_t i = 0; i < m * n; i++) {
        t->w[i] = (float)ldexp(frame->w[i], -t->exponent);
    }
    return MCBE_OK;
}

/* Rows active at a point, by their canonical coefficients, of those whose t->above lies within
 * (-margin, margin]. */
static int count_close(const mcbe_point_test_t *t, const double *level, const float *x,
                       double scale, double norm_x, double margin)
{
    const mcbe_frame_t *frame = t->frame;
    int count = 0;
    for (int j = 0; j < frame->m; j++) {
        if (!(t->above[j] > margin) && !(t->above[j] <= -margin)) {
            const double c = mcbe_frame_coefficient(frame, j, x, NULL, 1, scale);
            count += c >= level[j] - mcbe_active_tolerance(frame->n, norm_x, frame->norm[j]);
        }
    }
    return count;
}

/* One point against one bias. @param[in] c  [m], its products */
static void count_point(const mcbe_point_test_t *t, const float *c, const double *level,
                        const float *x, double scale, mcbe_p_injective_t *result)
{
    const int m = t->frame->m, n = t->frame->n;
    const double norm = mcbe_point_norm(n, x, NULL, 1), factor = ldexp(scale, t->exponent);
    /* twice the error of a product leaves more than room for the tolerance of activity */
    const double error =
        2.0 * (mcbe_product_error(n, 1) * norm + mcbe_product_tiny(n, 1) * (1.0 + norm));
    const double margin = norm <= NORM_MAX ? error * factor : INFINITY;
    for (int j = 0; j < m; j++) {
        t->above[j] = (double)c[j] * factor - level[j];
    }
    const mcbe_kernels_t *kernels = mcbe_kernels();
    int active = kernels->count_above(m, t->above, margin);
    const int settled = active >= n && active >= result->min_active;
    if (!settled) {
        active += count_close(t, level, x, scale, norm * scale, margin);
    }
    result->points++;
    result->injective += active >= n;
    result->min_active = active < result->min_active ? active : result->min_active;
}

void mcbe_point_test_add(mcbe_point_test_t *t, const float *points, const double *scale,
                         int64_t count, mcbe_p_injective_t *results)
{
    const int m = t->frame->m, n = t->frame->n;
    for (int64_t first = 0; first < count; first += WIDTH) {
        const int width = count - first < WIDTH ? (int)(count - first) : WIDTH;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, width, m, n, 1.0F, points + first * n,
                    n, t->w, n, 0.0F, t->c, m);
        for (int s = 0; s < width; s++) {
            for (int i = 0; i < t->count; i++) {
                count_point(t, t->c + (ptrdiff_t)s * m, t->level + (ptrdiff_t)i * m,
                            points + (first + s) * n, scale ? scale[first + s] : 1.0, results + i);
            }
        }
    }
}
