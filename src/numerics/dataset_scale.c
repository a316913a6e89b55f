#include "mcbe/dataset.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "memory.h"

/* Means of the features, summed point by point. @param[out] mean  [n], zero */
static void find_means(const mcbe_dataset_t *data, double *mean)
{
    for (int64_t i = 0; i < data->count; i++) {
        const float *x = data->x + i * data->n;
        for (int k = 0; k < data->n; k++) {
            mean[k] += (double)x[k];
        }
    }
    for (int k = 0; k < data->n; k++) {
        mean[k] /= (double)data->count;
    }
}

/* Mean squared distances from `center`. @param[out] variance  [n], zero */
static void find_variances(const mcbe_dataset_t *data, const double *center, double *variance)
{
    for (int64_t i = 0; i < data->count; i++) {
        const float *x = data->x + i * data->n;
        for (int k = 0; k < data->n; k++) {
            const double d = (double)x[k] - center[k];
            variance[k] += d * d;
        }
    }
    for (int k = 0; k < data->n; k++) {
        variance[k] /= (double)data->count;
    }
}

static double mean_of(const double *values, int count)
{
    double sum = 0.0;
    for (int k = 0; k < count; k++) {
        sum += values[k];
    }
    return sum / count;
}

static void fill(double *values, int count, double value)
{
    for (int k = 0; k < count; k++) {
        values[k] = value;
    }
}

/* A spread to the factor that takes it to 1; rounding may leave a spread where nothing varies. */
static double factor_of(double spread, double magnitude)
{
    return spread > 1e-12 * fabs(magnitude) ? 1.0 / spread : 1.0;
}

static void fit_standard(mcbe_scaling_t *scaling, int pooled, const mcbe_dataset_t *data)
{
    const int n = data->n;
    find_means(data, scaling->shift);
    if (pooled) {
        fill(scaling->shift, n, mean_of(scaling->shift, n));
    }
    find_variances(data, scaling->shift, scaling->factor);
    if (pooled) {
        fill(scaling->factor, n, mean_of(scaling->factor, n));
    }
    for (int k = 0; k < n; k++) {
        scaling->factor[k] = factor_of(sqrt(scaling->factor[k]), scaling->shift[k]);
    }
}

static void fit_range(mcbe_scaling_t *scaling, int pooled, const mcbe_dataset_t *data)
{
    const int n = data->n;
    double *low = scaling->shift, *high = scaling->factor;
    fill(low, n, INFINITY);
    fill(high, n, -INFINITY);
    for (int64_t i = 0; i < data->count; i++) {
        const float *x = data->x + i * n;
        for (int k = 0; k < n; k++) {
            low[k] = fmin(low[k], (double)x[k]);
            high[k] = fmax(high[k], (double)x[k]);
        }
    }
    for (int k = 1; k < n && pooled; k++) {
        low[0] = fmin(low[0], low[k]);
        high[0] = fmax(high[0], high[k]);
    }
    if (pooled) {
        fill(low, n, low[0]);
        fill(high, n, high[0]);
    }
    for (int k = 0; k < n; k++) {
        high[k] = factor_of(high[k] - low[k], 0.0);
    }
}

mcbe_status_t mcbe_scaling_fit(mcbe_scaling_t *scaling, mcbe_normalize_t kind, int pooled,
                               const mcbe_dataset_t *data)
{
    const size_t n = (size_t)data->n;
    *scaling = (mcbe_scaling_t){.kind = kind,
                                .n = data->n,
                                .shift = mcbe_alloc(n, sizeof *scaling->shift),
                                .factor = mcbe_alloc(n, sizeof *scaling->factor)};
    if (!scaling->shift || !scaling->factor) {
        mcbe_scaling_free(scaling);
        return MCBE_ERR_NOMEM;
    }
    switch (kind) {
    case MCBE_NORMALIZE_STANDARD:
        fit_standard(scaling, pooled, data);
        break;
    case MCBE_NORMALIZE_UNIT_RANGE:
        fit_range(scaling, pooled, data);
        break;
    case MCBE_NORMALIZE_NONE:
    case MCBE_NORMALIZE_UNIT_NORM:
        fill(scaling->factor, data->n, 1.0);
        break;
    }
    return MCBE_OK;
}

/* Divide a point by its norm, summed in fp64. */
static void to_sphere(float *x, int n)
{
    double sum = 0.0;
    for (int k = 0; k < n; k++) {
        sum += (double)x[k] * (double)x[k];
    }
    const double norm = sqrt(sum);
    for (int k = 0; k < n && norm > 0.0; k++) {
        x[k] = (float)((double)x[k] / norm);
    }
}

mcbe_status_t mcbe_scaling_apply(const mcbe_scaling_t *scaling, mcbe_dataset_t *data,
                                 mcbe_error_t *err)
{
    MCBE_BUG_ASSERT(scaling->n == data->n);
    if (scaling->kind == MCBE_NORMALIZE_NONE) {
        return MCBE_OK;
    }
    for (int64_t i = 0; i < data->count; i++) {
        float *x = data->x + i * data->n;
        if (scaling->kind == MCBE_NORMALIZE_UNIT_NORM) {
            to_sphere(x, data->n);
            continue;
        }
        for (int k = 0; k < data->n; k++) {
            x[k] = (float)(((double)x[k] - scaling->shift[k]) * scaling->factor[k]);
        }
    }
    return mcbe_dataset_check(data, "the normalised data", err);
}

void mcbe_scaling_free(mcbe_scaling_t *scaling)
{
    mcbe_free(scaling->shift);
    mcbe_free(scaling->factor);
    memset(scaling, 0, sizeof *scaling);
}

mcbe_status_t mcbe_dataset_deviation(const mcbe_dataset_t *data, double *deviation)
{
    double *mean = mcbe_alloc((size_t)data->n, sizeof *mean);
    double *variance = mcbe_alloc((size_t)data->n, sizeof *variance);
    const mcbe_status_t st = mean && variance ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        find_means(data, mean);
        find_variances(data, mean, variance);
        *deviation = sqrt(mean_of(variance, data->n));
    }
    mcbe_free(mean);
    mcbe_free(variance);
    return st;
}
