#include "estimator_internal.h"

#include <math.h>

#include <cblas.h>

#include "memory.h"

/* Coordinates that one product in fp32 sums up. The error of a sum grows with the number of its terms, so
 * long rows are cut and the parts added: (DEPTH + n / DEPTH) u instead of n u. */
#define DEPTH 128

/* Independent points need the whole product for every point, and few of them are suspect: nothing is
 * cut there. Two parts are not worth the second buffer. */
static int in_parts(const mcbe_estimator_t *e)
{
    return e->in_f32 && e->design != MCBE_DESIGN_IID && e->n > 2 * DEPTH;
}

double mcbe_screen_error(const mcbe_estimator_t *e)
{
    return mcbe_product_error(in_parts(e) ? DEPTH + (e->n - 1) / DEPTH : e->n, e->in_f32);
}

double mcbe_screen_tiny(const mcbe_estimator_t *e)
{
    return mcbe_product_tiny(e->n, e->in_f32);
}

mcbe_status_t mcbe_product_reserve(mcbe_estimator_t *e, int width)
{
    if (in_parts(e)) {
        e->part = mcbe_alloc((size_t)e->m * (size_t)width, sizeof *e->part);
        return e->part ? MCBE_OK : MCBE_ERR_NOMEM;
    }
    if (!e->in_f32) {
        e->x_f64 = mcbe_alloc((size_t)e->n * (size_t)width, sizeof *e->x_f64);
        return e->x_f64 ? MCBE_OK : MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

/* What `depth` coordinates from `first` on add to the coefficients of the first `count` of `width` points. */
static void multiply_f32(const mcbe_estimator_t *e, int first, int depth, int width, int count,
                         const float *x, float *out)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, e->m, count, depth, 1.0F,
                (const float *)e->w_screen + first, e->n, x + (ptrdiff_t)first * width, width, 0.0F,
                out, width);
}

/* Add the further parts to the first, in an order that no BLAS chooses. */
static void add_parts(const mcbe_estimator_t *e, int width, int count, const float *x, float *out)
{
    float *restrict sum = out;
    const float *restrict part = e->part;
    for (int first = DEPTH; first < e->n; first += DEPTH) {
        multiply_f32(e, first, e->n - first < DEPTH ? e->n - first : DEPTH, width, count, x,
                     e->part);
        for (ptrdiff_t j = 0; j < e->m; j++) {
            for (ptrdiff_t i = j * width; i < j * width + count; i++) {
                sum[i] += part[i];
            }
        }
    }
}

void mcbe_product_multiply(const mcbe_estimator_t *e, int width, int count, const float *x,
                           void *out)
{
    const int m = e->m, n = e->n;
    if (e->in_f32) {
        multiply_f32(e, 0, in_parts(e) ? DEPTH : n, width, count, x, out);
        if (in_parts(e)) {
            add_parts(e, width, count, x, out);
        }
        return;
    }
    for (ptrdiff_t i = 0; i < (ptrdiff_t)n * width; i++) {
        e->x_f64[i] = (double)x[i];
    }
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, count, n, 1.0, e->w_screen, n,
                e->x_f64, width, 0.0, out, width);
}

double mcbe_sum_error(const mcbe_estimator_t *e, double norms)
{
    return 1.5 * mcbe_screen_error(e) * norms;
}

void mcbe_sum_recall(const mcbe_estimator_t *e, int m, const void *a, ptrdiff_t stride,
                     const void *b, double norms, double scale)
{
    const double error = mcbe_sum_error(e, norms), tiny = mcbe_screen_tiny(e) * (1.0 + norms);
    const double factor = ldexp(scale, e->w_exponent), inverse = ldexp(1.0, -e->w_exponent);
    for (ptrdiff_t j = 0; j < m; j++) {
        const double c =
            e->in_f32 ? (double)((const float *)a)[j * stride] + (double)((const float *)b)[j]
                      : ((const double *)a)[j * stride] + ((const double *)b)[j];
        const double margin = e->frame->norm[j] * inverse * error + 2.0 * tiny;
        e->lower[j] = (c - margin) * factor;
        e->upper[j] = (c + margin) * factor;
    }
}
