#include "mcbe/domain.h"

#include <math.h>
#include <stddef.h>

#include "kernels.h"
#include "roots.h"

#define BLOCK_SIZE MCBE_BLOCK_SIZE_MAX
#define BLOCK_SIZE_LARGE 64
#define LARGE_N 1024

mcbe_status_t mcbe_domain_check(const mcbe_domain_t *domain, mcbe_error_t *err)
{
    if (domain->kind == MCBE_DOMAIN_CLOUD && (!domain->cloud || domain->nonnegative)) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT, "domain: %s",
                         domain->cloud ? "nonnegative has no meaning for points around data"
                                       : "there are no data to draw points around");
    }
    if (mcbe_domain_unbounded(domain)) {
        return MCBE_OK;
    }
    if (!(domain->radius >= 1e-100 && domain->radius <= 1e100)) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "domain: radius is %g; allowed are 1e-100 to 1e100", domain->radius);
    }
    if (domain->kind == MCBE_DOMAIN_SHELL &&
        !(domain->inner_radius > 0.0 && domain->inner_radius < domain->radius)) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "domain: inner_radius is %g; a shell needs 0 < inner_radius < radius = %g",
                         domain->inner_radius, domain->radius);
    }
    return MCBE_OK;
}

int mcbe_domain_unbounded(const mcbe_domain_t *domain)
{
    return domain->kind == MCBE_DOMAIN_GAUSSIAN || domain->kind == MCBE_DOMAIN_CLOUD;
}

int mcbe_domain_block_size(int n)
{
    return n <= LARGE_N ? BLOCK_SIZE : BLOCK_SIZE_LARGE;
}

static int radii_are_sampled(const mcbe_domain_t *domain)
{
    return domain->radial == MCBE_RADIAL_SAMPLED &&
           (domain->kind == MCBE_DOMAIN_BALL || domain->kind == MCBE_DOMAIN_SHELL);
}

/* A radius such that the point is uniform in volume: the radius' n-th power is uniform. */
static double draw_radius(const mcbe_domain_t *domain, int n, mcbe_rng_t *rng)
{
    double hollow = domain->kind == MCBE_DOMAIN_SHELL
                        ? mcbe_power(domain->inner_radius / domain->radius, n)
                        : 0.0;
    double u = mcbe_rng_uniform(rng);
    return domain->radius * mcbe_unit_root(hollow + u * (1.0 - hollow), n);
}

static void make_nonnegative(size_t count, float *x)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = fabsf(x[i]);
    }
}

void mcbe_domain_fill(const mcbe_domain_t *domain, int n, const mcbe_stream_key_t *key, float *x,
                      double *scale)
{
    const int width = mcbe_domain_block_size(n);
    const int holdout = key->purpose == MCBE_PURPOSE_HOLDOUT;
    mcbe_stream_key_t stream = *key;
    mcbe_rng_t rng;
    stream.purpose = holdout ? MCBE_PURPOSE_HOLDOUT : MCBE_PURPOSE_SAMPLE;
    mcbe_rng_init(&rng, &stream);
    if (domain->kind == MCBE_DOMAIN_CLOUD) {
        mcbe_cloud_fill(domain->cloud, &rng, width, x);
    } else {
        mcbe_rng_normals(&rng, x, (size_t)n * (size_t)width);
    }
    if (domain->nonnegative) {
        make_nonnegative((size_t)n * (size_t)width, x);
    }
    if (mcbe_domain_unbounded(domain)) {
        for (int s = 0; s < width; s++) {
            scale[s] = 1.0;
        }
        return;
    }
    mcbe_kernels()->sum_squares(n, width, x, scale);
    for (int s = 0; s < width; s++) {
        if (scale[s] == 0.0) { /* all normals 0, likely only for n = 1: 0 has no direction */
            x[s] = 1.0F;
            scale[s] = 1.0;
        }
    }
    for (int s = 0; s < width; s++) {
        scale[s] = 1.0 / sqrt(scale[s]);
    }
    if (radii_are_sampled(domain)) {
        if (!holdout) { /* its radii come from its own stream, after its normals */
            stream.purpose = MCBE_PURPOSE_RADIUS;
            mcbe_rng_init(&rng, &stream);
        }
        for (int s = 0; s < width; s++) {
            scale[s] *= draw_radius(domain, n, &rng);
        }
    }
}

double mcbe_point_norm(int n, const float *a, const float *b, ptrdiff_t stride)
{
    double sum = 0.0;
    for (int k = 0; k < n; k++) {
        const double ak = (double)a[k * stride];
        const double xk = b ? ak + (double)b[k * stride] : ak;
        sum += xk * xk;
    }
    return sqrt(sum);
}

void mcbe_point_split(int n, double *x, float *a, float *b)
{
    for (int k = 0; k < n; k++) {
        a[k] = (float)x[k];
        b[k] = (float)(x[k] - (double)a[k]);
        x[k] = (double)a[k] + (double)b[k];
    }
}

double mcbe_domain_max_norm(const mcbe_domain_t *domain)
{
    if (mcbe_domain_unbounded(domain)) {
        return 0.0;
    }
    return (radii_are_sampled(domain) ? domain->radius : 1.0) * (1.0 + 1e-6);
}

void mcbe_domain_finish(const mcbe_domain_t *domain, int m, const double *a, double *alpha)
{
    const int as_sampled = mcbe_domain_unbounded(domain) || radii_are_sampled(domain);
    for (int j = 0; j < m; j++) {
        double value = a[j];
        if (!as_sampled && isfinite(value)) {
            switch (domain->kind) {
            case MCBE_DOMAIN_BALL:
                value = value < 0.0 ? value * domain->radius : 0.0;
                break;
            case MCBE_DOMAIN_SHELL:
                value *= value < 0.0 ? domain->radius : domain->inner_radius;
                break;
            case MCBE_DOMAIN_SPHERE:
            case MCBE_DOMAIN_GAUSSIAN:
            case MCBE_DOMAIN_CLOUD:
                value *= domain->radius;
                break;
            }
        }
        alpha[j] = value;
    }
}
