#include "estimator_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "memory.h"

/* Terms w_jk x_k of a product that OpenBLAS takes for small. */
#define SMALL_PRODUCT 1000000

/* Independent points: products give approximate coefficients of all points of a block. Points are
 * multiplied without their factors, which are left to the screen. */
struct mcbe_iid {
    int width;     /* samples in a block */
    int panel;     /* samples in one product, a divisor of width */
    float *x;      /* owned, [n][width] */
    double *x_f64; /* owned, the same for precision double, else NULL */
    double *scale; /* owned, [width] */
    double *norm;  /* owned, [width], at least |x|; NULL where it follows from the factor */

    void *c;                /* owned, [width / panel][m][panel], float or double by precision */
    double *error;          /* owned, [m], error of a coefficient for |x| = 1 */
    double error_max;       /* the largest of them */
    double unit;            /* the power of two next to the largest |point|, 1 if there is none */
    double alpha_factor;    /* takes alpha to the units of c, divided by unit */
    void *alpha;            /* owned, [m], what the screen goes by, like c */
    unsigned char *suspect; /* owned, [width] */
};

/* Samples in one call of the product. OpenBLAS multiplies up to a million terms without packing,
 * which takes two thirds of the time per sample that a larger call of a small layer takes. */
static int panel_width(int m, int n, int width)
{
    for (int panel = width; panel >= MCBE_SCREEN_TILE; panel /= 2) {
        if ((int64_t)m * n * panel <= SMALL_PRODUCT) {
            return panel;
        }
    }
    return width;
}

void mcbe_iid_measure(const mcbe_estimator_t *e)
{
    mcbe_iid_t *d = e->iid;
    for (int j = 0; j < e->frame->m; j++) {
        d->error[j] = mcbe_screen_error(e) * ldexp(e->frame->norm[j], -e->w_exponent);
    }
    d->error_max = mcbe_screen_error(e) * ldexp(e->frame->norm_max, -e->w_exponent);
    int exponent;
    (void)frexp(mcbe_domain_max_norm(&e->domain), &exponent); /* 0 where there is no bound */
    d->unit = ldexp(1.0, exponent);
    d->alpha_factor = ldexp(1.0 / d->unit, -e->w_exponent);
}

mcbe_status_t mcbe_iid_create(mcbe_iid_t **iid, const mcbe_estimator_t *e)
{
    mcbe_iid_t *d = mcbe_alloc(1, sizeof *d);
    *iid = d;
    if (!d) {
        return MCBE_ERR_NOMEM;
    }
    const size_t m = (size_t)e->frame->m, n = (size_t)e->frame->n;
    const size_t width = (size_t)mcbe_domain_block_size(e->frame->n);
    const size_t real = e->in_f32 ? sizeof(float) : sizeof(double);
    const int gaussian = mcbe_domain_max_norm(&e->domain) == 0.0;
    d->width = (int)width;
    d->panel = panel_width(e->frame->m, e->frame->n, d->width);
    d->x = mcbe_alloc(n * width, sizeof *d->x);
    d->x_f64 = e->in_f32 ? NULL : mcbe_alloc(n * width, sizeof *d->x_f64);
    d->scale = mcbe_alloc(width, sizeof *d->scale);
    d->norm = gaussian ? mcbe_alloc(width, sizeof *d->norm) : NULL;
    d->c = mcbe_alloc(m * width, real);
    d->error = mcbe_alloc(m, sizeof *d->error);
    d->alpha = mcbe_alloc(m, real);
    d->suspect = mcbe_alloc(width, sizeof *d->suspect);
    if (!d->x || (!e->in_f32 && !d->x_f64) || !d->scale || (gaussian && !d->norm) || !d->c ||
        !d->error || !d->alpha || !d->suspect) {
        mcbe_iid_destroy(iid);
        return MCBE_ERR_NOMEM;
    }
    mcbe_iid_measure(e);
    return MCBE_OK;
}

void mcbe_iid_destroy(mcbe_iid_t **iid)
{
    mcbe_iid_t *d = *iid;
    if (d) {
        mcbe_free(d->x);
        mcbe_free(d->x_f64);
        mcbe_free(d->scale);
        mcbe_free(d->norm);
        mcbe_free(d->c);
        mcbe_free(d->error);
        mcbe_free(d->alpha);
        mcbe_free(d->suspect);
        mcbe_free(d);
        *iid = NULL;
    }
}

void mcbe_iid_prepare(mcbe_estimator_t *e, mcbe_purpose_t purpose, int64_t block)
{
    const mcbe_iid_t *d = e->iid;
    const int m = e->frame->m, n = e->frame->n, width = d->width, panel = d->panel;
    mcbe_stream_key_t key = e->key;
    key.purpose = purpose;
    key.block = block;
    mcbe_domain_fill(&e->domain, n, &key, d->x, d->scale);
    if (d->norm) {
        mcbe_estimator_norms(e, width, d->x, d->norm);
    }
    for (ptrdiff_t i = 0; d->x_f64 && i < (ptrdiff_t)n * width; i++) {
        d->x_f64[i] = (double)d->x[i];
    }
    for (int s = 0; s < width; s += panel) {
        if (e->in_f32) {
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, panel, n, 1.0F, e->w_screen,
                        n, d->x + s, width, 0.0F, (float *)d->c + (ptrdiff_t)s * m, panel);
        } else {
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, panel, n, 1.0, e->w_screen, n,
                        d->x_f64 + s, width, 0.0, (double *)d->c + (ptrdiff_t)s * m, panel);
        }
    }
}

/* Limits of the screen for the state as it is now. */
static mcbe_screen_limits_t set_limits(const mcbe_estimator_t *e, const mcbe_screen_t *screen)
{
    const mcbe_iid_t *d = e->iid;
    const double tiny = mcbe_screen_tiny(e);
    mcbe_screen_limits_t limits = {.unit = d->unit,
                                   .norm_factor = mcbe_domain_max_norm(&e->domain) / d->unit,
                                   .error = d->error_max + tiny,
                                   .tiny = tiny,
                                   .top = -INFINITY,
                                   .need = screen->need,
                                   .active_seen = screen->active_seen};
    for (int j = 0; j < screen->m; j++) {
        const double alpha = screen->alpha[j] * d->alpha_factor;
        limits.top = alpha > limits.top ? alpha : limits.top;
        if (e->in_f32) {
            ((float *)d->alpha)[j] = (float)alpha;
        } else {
            ((double *)d->alpha)[j] = alpha;
        }
    }
    return limits;
}

/* @return whether any sample of the panel that starts at s is suspect */
static int screen_panel(const mcbe_estimator_t *e, const mcbe_screen_t *screen,
                        const mcbe_screen_limits_t *limits, int s)
{
    const mcbe_iid_t *d = e->iid;
    const ptrdiff_t start = (ptrdiff_t)s * e->frame->m;
    mcbe_screen_limits_t by = *limits;
    by.scale = d->scale + s;
    by.norm = d->norm ? d->norm + s : NULL;
    return e->in_f32 ? e->kernels->screen_f32(screen->m, d->panel, (const float *)d->c + start,
                                              d->alpha, &by, d->suspect + s)
                     : e->kernels->screen_f64(screen->m, d->panel, (const double *)d->c + start,
                                              d->alpha, &by, d->suspect + s);
}

void mcbe_iid_recall(const mcbe_estimator_t *e, int m, int s)
{
    const mcbe_iid_t *d = e->iid;
    const double factor = ldexp(d->scale[s], e->w_exponent);
    const double norm = d->norm ? d->norm[s] : mcbe_domain_max_norm(&e->domain) / d->scale[s];
    const double tiny = mcbe_screen_tiny(e) * (1.0 + norm);
    const ptrdiff_t place = (ptrdiff_t)(s / d->panel) * d->panel * e->frame->m + s % d->panel;
    const float *c32 = (const float *)d->c + place;
    const double *c64 = (const double *)d->c + place;
    for (ptrdiff_t j = 0; j < m; j++) {
        const double c = e->in_f32 ? (double)c32[j * d->panel] : c64[j * d->panel];
        const double error = d->error[j] * norm + tiny;
        e->lower[j] = (c - error) * factor;
        e->upper[j] = (c + error) * factor;
    }
}

void mcbe_iid_tile(const mcbe_estimator_t *e, int start, mcbe_tile_t *tile)
{
    const mcbe_iid_t *d = e->iid;
    tile->c = (const float *)d->c + (ptrdiff_t)(start / d->panel) * d->panel * e->frame->m +
              start % d->panel;
    tile->stride = d->panel;
    for (int i = 0; i < MCBE_SCREEN_TILE; i++) {
        const int s = start + i;
        const double factor = d->scale[s] / d->unit;
        const double norm = d->norm ? d->norm[s] : mcbe_domain_max_norm(&e->domain) / d->scale[s];
        tile->inverse[i] = (float)factor;
        tile->error[i] = mcbe_round_up(1.5 * mcbe_screen_error(e) * norm * factor);
        tile->tiny[i] = mcbe_round_up(2.0 * mcbe_screen_tiny(e) * (1.0 + norm) * factor);
    }
}

double mcbe_iid_unit(const mcbe_estimator_t *e)
{
    return e->iid->alpha_factor;
}

mcbe_place_t mcbe_iid_place(const mcbe_estimator_t *e, int s)
{
    const mcbe_iid_t *d = e->iid;
    return (mcbe_place_t){.a = d->x + s, .stride = d->width, .scale = d->scale[s]};
}

mcbe_status_t mcbe_iid_visit(mcbe_estimator_t *e, int64_t block, int64_t first, int64_t last,
                             const mcbe_screen_t *screen, const mcbe_layers_t *layers)
{
    const mcbe_iid_t *d = e->iid;
    const mcbe_screen_limits_t limits = set_limits(e, screen);
    int64_t suspects = 0;
    for (int start = 0; start < d->width; start += d->panel) {
        if (!screen_panel(e, screen, &limits, start)) {
            continue;
        }
        const unsigned char *at = d->suspect + start, *end = at + d->panel;
        while ((at = memchr(at, 1, (size_t)(end - at)))) {
            const int s = (int)(at++ - d->suspect);
            if (s < first || s >= last) {
                continue;
            }
            suspects++;
            mcbe_iid_recall(e, screen->m, s);
            mcbe_status_t st = mcbe_estimator_visit_near(e, screen, d->x + s, NULL, d->width,
                                                         d->scale[s], block * d->width + s, layers);
            if (st != MCBE_OK) {
                return st;
            }
        }
    }
    e->stages.by_real += last - first - suspects;
    return MCBE_OK;
}
