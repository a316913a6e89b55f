#include "mcbe/certificate.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "mcbe/injectivity.h"
#include "mcbe/sample.h"
#include "memory.h"

/* How far |x| may miss a radius of K, as a share of it: coordinates are rounded. */
#define RADIUS_TOLERANCE 1e-13

mcbe_status_t mcbe_certificates_init(mcbe_certificates_t *certificates, int count, int n)
{
    const size_t values = (size_t)count * (size_t)n;
    certificates->count = count;
    certificates->n = n;
    certificates->x = mcbe_alloc(values, sizeof *certificates->x);
    certificates->active = mcbe_alloc((size_t)count, sizeof *certificates->active);
    if (!certificates->x || !certificates->active) {
        return MCBE_ERR_NOMEM;
    }
    for (size_t k = 0; k < values; k++) {
        certificates->x[k] = (double)NAN;
    }
    for (int i = 0; i < count; i++) {
        certificates->active[i] = -1;
    }
    return MCBE_OK;
}

void mcbe_certificates_free(mcbe_certificates_t *certificates)
{
    mcbe_free(certificates->x);
    mcbe_free(certificates->active);
    memset(certificates, 0, sizeof *certificates);
}

int mcbe_is_among_largest(int n, int m, const double *c, int j)
{
    int ahead = 0;
    for (int i = 0; i < m; i++) {
        ahead += c[i] > c[j] || (c[i] == c[j] && i < j);
    }
    return ahead < n;
}

static int is_inside(const mcbe_domain_t *domain, int n, const double *x, double norm)
{
    double least = 0.0;
    switch (domain->kind) {
    case MCBE_DOMAIN_SPHERE:
        least = domain->radius * (1.0 - RADIUS_TOLERANCE);
        break;
    case MCBE_DOMAIN_SHELL:
        least = domain->inner_radius * (1.0 - RADIUS_TOLERANCE);
        break;
    case MCBE_DOMAIN_BALL:
        break;
    case MCBE_DOMAIN_GAUSSIAN:
    case MCBE_DOMAIN_CLOUD:
        return norm > 0.0;
    }
    for (int k = 0; k < n && domain->nonnegative; k++) {
        if (x[k] < 0.0) {
            return 0;
        }
    }
    return norm > 0.0 && norm >= least && norm <= domain->radius * (1.0 + RADIUS_TOLERANCE);
}

mcbe_status_t mcbe_certificate_count(const mcbe_domain_t *domain, const mcbe_frame_t *frame,
                                     const double *x, const double *bias, int *active, int *inside)
{
    const size_t n = (size_t)frame->n;
    float *a = mcbe_alloc(n, sizeof *a), *b = mcbe_alloc(n, sizeof *b);
    double *copy = mcbe_alloc(n, sizeof *copy);
    double *c = mcbe_alloc((size_t)frame->m, sizeof *c);
    mcbe_status_t st = a && b && copy && c ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        memcpy(copy, x, n * sizeof *copy);
        mcbe_point_split(frame->n, copy, a, b);
        const double norm = mcbe_point_norm(frame->n, a, b, 1);
        mcbe_frame_pair_coefficients(frame, a, b, 1.0, c);
        /* the point of K beside x has coefficients that differ by so much more */
        const double stretch = RADIUS_TOLERANCE / mcbe_active_tolerance(frame->n, 1.0, 1.0);
        *active = mcbe_active_count(frame, c, bias, norm * (1.0 + stretch), NULL);
        *inside = memcmp(copy, x, n * sizeof *copy) == 0 && is_inside(domain, frame->n, x, norm);
    }
    mcbe_free(c);
    mcbe_free(copy);
    mcbe_free(b);
    mcbe_free(a);
    return st;
}

mcbe_status_t mcbe_certificates_offer(const mcbe_domain_t *domain, const mcbe_frame_t *frame,
                                      const double *direction, double radius, const double *biases,
                                      mcbe_certificates_t *certificates)
{
    const size_t n = (size_t)frame->n;
    double *x = mcbe_alloc(n, sizeof *x);
    float *a = mcbe_alloc(n, sizeof *a), *b = mcbe_alloc(n, sizeof *b);
    mcbe_status_t st = x && a && b ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        double squares = 0.0;
        for (size_t k = 0; k < n; k++) {
            squares += direction[k] * direction[k];
        }
        for (size_t k = 0; k < n; k++) { /* directions are 1 long only up to rounding */
            x[k] = radius * (direction[k] / sqrt(squares));
        }
        mcbe_point_split(frame->n, x, a, b);
    }
    for (int i = 0; i < certificates->count && st == MCBE_OK; i++) {
        int active = 0, inside = 0;
        if (certificates->active[i] >= 0) {
            continue;
        }
        st = mcbe_certificate_count(domain, frame, x, biases + (size_t)i * (size_t)frame->m,
                                    &active, &inside);
        if (st == MCBE_OK && inside && active < frame->n) {
            memcpy(certificates->x + (size_t)i * n, x, n * sizeof *x);
            certificates->active[i] = active;
        }
    }
    mcbe_free(b);
    mcbe_free(a);
    mcbe_free(x);
    return st;
}

mcbe_status_t mcbe_certificates_from_samples(mcbe_design_t design, const mcbe_domain_t *domain,
                                             const mcbe_frame_t *frame,
                                             const mcbe_stream_key_t *key,
                                             const mcbe_points_t *points,
                                             const mcbe_bias_state_t *state, const double *biases,
                                             mcbe_certificates_t *certificates)
{
    if (state->min_active >= frame->n) {
        return MCBE_OK;
    }
    const int as_drawn = mcbe_domain_unbounded(domain) || (domain->radial == MCBE_RADIAL_SAMPLED &&
                                                           domain->kind != MCBE_DOMAIN_SPHERE);
    double radius = domain->radius, squares = 0.0;
    double *x = mcbe_alloc((size_t)frame->n, sizeof *x);
    mcbe_status_t st = x ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        st = mcbe_sample_coordinates(design, domain, frame, key, points, 1,
                                     &state->min_active_sample, x);
    }
    if (st == MCBE_OK) {
        for (int k = 0; k < frame->n && as_drawn; k++) {
            squares += x[k] * x[k];
        }
        /* a point of K as it is, or a direction at any radius of K */
        radius = as_drawn ? sqrt(squares) : radius;
        st = mcbe_certificates_offer(domain, frame, x, radius, biases, certificates);
    }
    mcbe_free(x);
    return st;
}
