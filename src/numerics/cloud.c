#include "mcbe/cloud.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "roots.h"

/* Points whose noise is correlated in one go. */
#define LANES 64

/* A pivot of the covariance below this share of its diagonal entry is rounding: the data do not
 * vary in that direction. */
#define PIVOT_MIN 1e-10

struct mcbe_cloud {
    int n;
    int64_t count;
    const float *centers; /* borrowed, [count][n] */
    double *deviation;    /* owned, [n] */
    double *factor; /* owned, [n][n], lower triangular, factor factor^T is the covariance of the
                       noise; NULL where that is diagonal */
};

static mcbe_status_t check_centers(int n, int64_t count, const float *centers, mcbe_error_t *err)
{
    for (int64_t i = 0; i < count * n; i++) {
        if (!isfinite(centers[i])) {
            return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                             "data: entry %lld of row %lld is %g; every entry must be finite",
                             (long long)(i % n), (long long)(i / n), (double)centers[i]);
        }
    }
    return MCBE_OK;
}

static mcbe_status_t create(mcbe_cloud_t **cloud, int n, int64_t count, const float *centers,
                            int64_t count_min, mcbe_error_t *err)
{
    *cloud = NULL;
    if (n < 1 || count < count_min) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "data: %lld rows of dimension %d; at least %lld of dimension 1 are needed",
                         (long long)count, n, (long long)count_min);
    }
    mcbe_status_t st = check_centers(n, count, centers, err);
    if (st != MCBE_OK) {
        return st;
    }
    mcbe_cloud_t *c = mcbe_alloc(1, sizeof *c);
    if (!c) {
        return MCBE_ERR_NOMEM;
    }
    *c = (mcbe_cloud_t){.n = n, .count = count, .centers = centers};
    c->deviation = mcbe_alloc((size_t)n, sizeof *c->deviation);
    if (!c->deviation) {
        mcbe_cloud_destroy(&c);
        return MCBE_ERR_NOMEM;
    }
    *cloud = c;
    return MCBE_OK;
}

mcbe_status_t mcbe_cloud_smoothing(mcbe_cloud_t **cloud, int n, int64_t count, const float *centers,
                                   double sigma, mcbe_error_t *err)
{
    *cloud = NULL;
    if (!(sigma >= 0.0 && sigma <= 1e30)) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT, "smoothing: sigma is %g; allowed are 0 to 1e30",
                         sigma);
    }
    mcbe_status_t st = create(cloud, n, count, centers, 1, err);
    for (int k = 0; st == MCBE_OK && k < n; k++) {
        (*cloud)->deviation[k] = sigma;
    }
    return st;
}

/* @param[out] mean [n] */
static void set_mean(const mcbe_cloud_t *c, double *mean)
{
    for (int64_t i = 0; i < c->count; i++) {
        for (int k = 0; k < c->n; k++) {
            mean[k] += (double)c->centers[i * c->n + k];
        }
    }
    for (int k = 0; k < c->n; k++) {
        mean[k] /= (double)c->count;
    }
}

static void set_deviations(const mcbe_cloud_t *c, const double *mean, double h)
{
    for (int64_t i = 0; i < c->count; i++) {
        for (int k = 0; k < c->n; k++) {
            const double d = (double)c->centers[i * c->n + k] - mean[k];
            c->deviation[k] += d * d;
        }
    }
    for (int k = 0; k < c->n; k++) {
        c->deviation[k] = h * sqrt(c->deviation[k] / (double)(c->count - 1));
    }
}

/* The lower triangle of h^2 times the covariance of the data. @param[in] row [n], workspace */
static void set_covariance(const mcbe_cloud_t *c, const double *mean, double h, double *row)
{
    for (int64_t i = 0; i < c->count; i++) {
        for (int k = 0; k < c->n; k++) {
            row[k] = (double)c->centers[i * c->n + k] - mean[k];
        }
        for (int k = 0; k < c->n; k++) {
            double *out = c->factor + (ptrdiff_t)k * c->n;
            const double d = row[k];
            for (int l = 0; d != 0.0 && l <= k; l++) {
                out[l] += d * row[l];
            }
        }
    }
    for (ptrdiff_t i = 0; i < (ptrdiff_t)c->n * c->n; i++) {
        c->factor[i] *= h * h / (double)(c->count - 1);
    }
}

/* Cholesky in place, row by row. Where the data do not vary beyond the directions before, the
 * column becomes 0. */
static void factorise(int n, double *a)
{
    for (int k = 0; k < n; k++) {
        double *row = a + (ptrdiff_t)k * n;
        const double variance = row[k];
        double rest = variance;
        for (int l = 0; l < k; l++) {
            const double *above = a + (ptrdiff_t)l * n;
            double sum = row[l];
            for (int i = 0; i < l; i++) {
                sum -= row[i] * above[i];
            }
            row[l] = above[l] > 0.0 ? sum / above[l] : 0.0;
            rest -= row[l] * row[l];
        }
        row[k] = rest > PIVOT_MIN * variance ? sqrt(rest) : 0.0;
    }
}

mcbe_status_t mcbe_cloud_density(mcbe_cloud_t **cloud, int n, int64_t count, const float *centers,
                                 mcbe_bandwidth_t bandwidth, mcbe_error_t *err)
{
    double *mean = NULL, *row = NULL;
    mcbe_status_t st;
    MCBE_TRY(create(cloud, n, count, centers, 2, err));
    mcbe_cloud_t *c = *cloud;
    const double h = mcbe_unit_root(1.0 / (double)count, n + 4);
    mean = mcbe_alloc((size_t)n, sizeof *mean);
    row = mcbe_alloc((size_t)n, sizeof *row);
    if (bandwidth == MCBE_BANDWIDTH_FULL) {
        c->factor = mcbe_alloc((size_t)n * (size_t)n, sizeof *c->factor);
    }
    if (!mean || !row || (bandwidth == MCBE_BANDWIDTH_FULL && !c->factor)) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    set_mean(c, mean);
    set_deviations(c, mean, h);
    if (c->factor) {
        set_covariance(c, mean, h, row);
        factorise(n, c->factor);
    }
out:
    mcbe_free(mean);
    mcbe_free(row);
    if (st != MCBE_OK) {
        mcbe_cloud_destroy(cloud);
    }
    return st;
}

void mcbe_cloud_destroy(mcbe_cloud_t **cloud)
{
    mcbe_cloud_t *c = *cloud;
    if (c) {
        mcbe_free(c->deviation);
        mcbe_free(c->factor);
        mcbe_free(c);
        *cloud = NULL;
    }
}

int mcbe_cloud_dimension(const mcbe_cloud_t *cloud)
{
    return cloud->n;
}

int64_t mcbe_cloud_count(const mcbe_cloud_t *cloud)
{
    return cloud->count;
}

void mcbe_cloud_deviations(const mcbe_cloud_t *cloud, double *deviation)
{
    memcpy(deviation, cloud->deviation, (size_t)cloud->n * sizeof *deviation);
}

/* Centers into x, or onto what is there. */
static void put_centers(const mcbe_cloud_t *cloud, mcbe_rng_t *rng, int width, int onto, float *x)
{
    const float *row[LANES];
    for (int start = 0; start < width; start += LANES) {
        const int lanes = width - start < LANES ? width - start : LANES;
        for (int s = 0; s < lanes; s++) {
            row[s] =
                cloud->centers + (int64_t)mcbe_rng_below(rng, (uint64_t)cloud->count) * cloud->n;
        }
        for (int k = 0; k < cloud->n; k++) {
            float *out = x + (ptrdiff_t)k * width + start;
            for (int s = 0; s < lanes; s++) {
                out[s] = onto ? row[s][k] + out[s] : row[s][k];
            }
        }
    }
}

void mcbe_cloud_centers(const mcbe_cloud_t *cloud, mcbe_rng_t *rng, int width, float *x)
{
    put_centers(cloud, rng, width, 0, x);
}

/* x becomes factor x, from the last coordinate up: each needs those before it only. */
static void correlate(const mcbe_cloud_t *cloud, int width, int start, int lanes, float *x)
{
    for (int k = cloud->n - 1; k >= 0; k--) {
        const double *factor = cloud->factor + (ptrdiff_t)k * cloud->n;
        double sum[LANES] = {0.0};
        for (int l = 0; l <= k; l++) {
            const float *in = x + (ptrdiff_t)l * width + start;
            for (int s = 0; s < lanes; s++) {
                sum[s] += factor[l] * (double)in[s];
            }
        }
        for (int s = 0; s < lanes; s++) {
            x[(ptrdiff_t)k * width + start + s] = (float)sum[s];
        }
    }
}

void mcbe_cloud_noise(const mcbe_cloud_t *cloud, mcbe_rng_t *rng, int width, float *x)
{
    mcbe_rng_normals(rng, x, (size_t)cloud->n * (size_t)width);
    if (cloud->factor) {
        for (int start = 0; start < width; start += LANES) {
            correlate(cloud, width, start, width - start < LANES ? width - start : LANES, x);
        }
        return;
    }
    for (int k = 0; k < cloud->n; k++) {
        const double deviation = cloud->deviation[k];
        for (int s = 0; s < width; s++) {
            x[(ptrdiff_t)k * width + s] = (float)(deviation * (double)x[(ptrdiff_t)k * width + s]);
        }
    }
}

void mcbe_cloud_fill(const mcbe_cloud_t *cloud, mcbe_rng_t *rng, int width, float *x)
{
    mcbe_cloud_noise(cloud, rng, width, x);
    put_centers(cloud, rng, width, 1, x);
}
