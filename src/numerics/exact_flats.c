#include "exact_flats.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "memory.h"

/* A direction is used if its angle is known to a sine of 1/8; then all second-order terms stay
 * below 1 %. */
#define LEAST_DIRECTION 8.0
#define SECOND_ORDER 1.02

mcbe_status_t mcbe_flats_init(mcbe_flats_t *flats, int n, int count)
{
    const size_t order = (size_t)n;
    memset(flats, 0, sizeof *flats);
    flats->n = n;
    flats->stride = (count + MCBE_FLAT_LANES - 1) / MCBE_FLAT_LANES * MCBE_FLAT_LANES;
    flats->points =
        mcbe_alloc(order * (order + 1) / 2 * (size_t)flats->stride, sizeof *flats->points);
    flats->mirror = mcbe_alloc(order * order, sizeof *flats->mirror);
    flats->factor = mcbe_alloc(order, sizeof *flats->factor);
    flats->error = mcbe_alloc(order, sizeof *flats->error);
    if (!flats->points || !flats->mirror || !flats->factor || !flats->error) {
        mcbe_flats_free(flats);
        return MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

void mcbe_flats_free(mcbe_flats_t *flats)
{
    mcbe_free(flats->points);
    mcbe_free(flats->mirror);
    mcbe_free(flats->factor);
    mcbe_free(flats->error);
    memset(flats, 0, sizeof *flats);
}

void mcbe_flats_start(mcbe_flats_t *flats, double size, double error)
{
    flats->size = size;
    flats->error[0] = error;
}

double *mcbe_flats_level(const mcbe_flats_t *flats, int t)
{
    const int before = t * (2 * flats->n - t + 1) / 2; /* n + (n - 1) + ... coordinates */
    return flats->points + (size_t)before * (size_t)flats->stride;
}

double mcbe_flats_length(const mcbe_flats_t *flats, int t, int point)
{
    const double *p = mcbe_flats_level(flats, t) + point;
    double sum = 0.0;
    for (int k = 0; k < flats->n - t; k++) {
        sum += p[(size_t)k * (size_t)flats->stride] * p[(size_t)k * (size_t)flats->stride];
    }
    return sqrt(sum);
}

int mcbe_flats_has_direction(const mcbe_flats_t *flats, int t, double length)
{
    return length > LEAST_DIRECTION * flats->error[t];
}

double mcbe_flats_slack(const mcbe_flats_t *flats, int t, double length)
{
    /* the angle is off by error / length, the point by error; the last term is the product's own
     * rounding */
    return SECOND_ORDER * flats->error[t] * (length + flats->size) +
           (flats->n - t) * DBL_EPSILON * length * flats->size;
}

int mcbe_flats_restrict(mcbe_flats_t *flats, int t, int point)
{
    const int dim = flats->n - t;
    const double length = mcbe_flats_length(flats, t, point);
    if (!mcbe_flats_has_direction(flats, t, length)) {
        return 0;
    }
    const double *p = mcbe_flats_level(flats, t);
    double *v = flats->mirror + (size_t)t * (size_t)flats->n;
    for (int k = 0; k < dim; k++) {
        v[k] = p[(size_t)k * (size_t)flats->stride + (size_t)point];
    }
    v[0] += v[0] < 0.0 ? -length : length; /* Householder: the point goes to the first axis */
    flats->factor[t] = 1.0 / (length * fabs(v[0]));
    mcbe_kernels()->reflect(dim, flats->stride, p, v, flats->factor[t],
                            mcbe_flats_level(flats, t + 1));
    /* the axis is off by the angle error / length, and a reflection of dim coordinates rounds by
     * at most (8 dim + 32) units of 2^-53 of the vector's length */
    flats->error[t + 1] = flats->error[t] * (1.0 + SECOND_ORDER * flats->size / length) +
                          4.0 * (dim + 4) * DBL_EPSILON * flats->size;
    return 1;
}

static void reflect_one(const mcbe_flats_t *flats, int t, double *y)
{
    const double *v = flats->mirror + (size_t)t * (size_t)flats->n;
    double product = 0.0;
    for (int k = 0; k < flats->n - t; k++) {
        product += v[k] * y[t + k];
    }
    product *= flats->factor[t];
    for (int k = 0; k < flats->n - t; k++) {
        y[t + k] -= product * v[k];
    }
}

void mcbe_flats_rotate(const mcbe_flats_t *flats, int t, int point, double *y)
{
    for (int k = 0; k < flats->n; k++) {
        y[k] = flats->points[(size_t)k * (size_t)flats->stride + (size_t)point];
    }
    for (int level = 0; level < t; level++) {
        reflect_one(flats, level, y);
    }
}

void mcbe_flats_lift(const mcbe_flats_t *flats, int t, double *y)
{
    for (int level = t - 1; level >= 0; level--) {
        reflect_one(flats, level, y);
    }
}
