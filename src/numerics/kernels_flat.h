#ifndef MCBE_KERNELS_FLAT_H
#define MCBE_KERNELS_FLAT_H

/* The inner loops of the exact answers, a part of kernels.c (included there once for every
 * instruction set). Points are columns: coordinate k of point j is p[k * stride + j]. */

#include "kernels.h"
#include "kernels_pair.h"

typedef double reals_t __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef int64_t integers_t __attribute__((vector_size(VECTOR_BYTES), may_alias));

#define REALS_PER_VECTOR (VECTOR_BYTES / (int)sizeof(double))

static inline reals_t load_reals(const double *from)
{
    return *(const reals_t *)(const void *)from;
}

static int64_t lanes_sum(integers_t lanes)
{
    int64_t sum = 0;
    for (int s = 0; s < REALS_PER_VECTOR; s++) {
        sum += lanes[s];
    }
    return sum;
}

/* Inline so that the loop over coordinates is unrolled where dim is a constant. */
static inline void side_sums_of(int dim, int stride, const double *restrict p,
                                const double *restrict direction, double slack,
                                const int64_t *restrict weight, int64_t sums[2])
{
    const reals_t zero = {0};
    const reals_t above = zero + slack, below = zero - slack;
    integers_t positive = {0}, negative = {0};
    for (int j = 0; j < stride; j += REALS_PER_VECTOR) {
        reals_t c = load_reals(p + j) * direction[0];
        for (int k = 1; k < dim; k++) {
            c += load_reals(p + (ptrdiff_t)k * stride + j) * direction[k];
        }
        const integers_t weights = *(const integers_t *)(const void *)(weight + j);
        positive += (integers_t)(c > above) & weights;
        negative += (integers_t)(c < below) & weights;
    }
    sums[0] = lanes_sum(positive);
    sums[1] = lanes_sum(negative);
}

static void side_sums(int dim, int stride, const double *p, const double *direction, double slack,
                      const int64_t *weight, int64_t sums[2])
{
    if (dim == 2) {
        side_sums_of(2, stride, p, direction, slack, weight, sums);
    } else {
        side_sums_of(dim, stride, p, direction, slack, weight, sums);
    }
}

static inline void reflect_of(int dim, int stride, const double *restrict p,
                              const double *restrict v, double factor, double *restrict out)
{
    for (int j = 0; j < stride; j += REALS_PER_VECTOR) {
        reals_t product = load_reals(p + j) * v[0];
        for (int k = 1; k < dim; k++) {
            product += load_reals(p + (ptrdiff_t)k * stride + j) * v[k];
        }
        product *= factor;
        for (int k = 1; k < dim; k++) {
            *(reals_t *)(void *)(out + (ptrdiff_t)(k - 1) * stride + j) =
                load_reals(p + (ptrdiff_t)k * stride + j) - product * v[k];
        }
    }
}

static void reflect(int dim, int stride, const double *p, const double *v, double factor,
                    double *out)
{
    if (dim == 3) {
        reflect_of(3, stride, p, v, factor, out);
    } else {
        reflect_of(dim, stride, p, v, factor, out);
    }
}

#endif
