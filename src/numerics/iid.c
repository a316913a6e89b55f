#include "estimator_internal.h"

#include <math.h>
#include <stdlib.h>

#include <cblas.h>

#include "memory.h"

/* Terms w_jk x_k of a product that OpenBLAS takes for small. */
#define SMALL_PRODUCT 1000000

/* Independent points: one product a block gives approximate coefficients of all its points. */
struct mcbe_iid {
    int width;     /* samples in a block */
    float *x;      /* owned, [n][width] */
    double *scale; /* owned, [width] */

    /* Screening; owned, float or double by precision. Points are multiplied by a power of two that
     * takes their largest norm near 1, so that fp32 neither overflows nor loses what matters. */
    double x_factor;        /* that power */
    double alpha_factor;    /* what takes alpha to screened coefficients: x_factor 2^-w_exponent */
    double *error;          /* [m], error of a coefficient of a point of norm 1 */
    double *scale_screen;   /* [width], x_factor times scale */
    void *x_screen;         /* [n][width] */
    void *c_screen;         /* [m][width] */
    void *below, *slack;    /* [m], see mcbe_kernels_t */
    unsigned char *suspect; /* [width] */
};

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
    d->width = (int)width;
    int x_exponent;
    (void)frexp(mcbe_domain_max_norm(&e->domain), &x_exponent); /* 0 where there is no bound */
    d->x_factor = ldexp(1.0, -x_exponent);
    d->alpha_factor = ldexp(d->x_factor, -e->w_exponent);
    d->error = mcbe_alloc(m, sizeof *d->error);
    d->x = mcbe_alloc(n * width, sizeof *d->x);
    d->scale = mcbe_alloc(width, sizeof *d->scale);
    d->scale_screen = mcbe_alloc(width, sizeof *d->scale_screen);
    d->x_screen = mcbe_alloc(n * width, real);
    d->c_screen = mcbe_alloc(m * width, real);
    d->below = mcbe_alloc(m, real);
    d->slack = mcbe_alloc(m, real);
    d->suspect = mcbe_alloc(width, sizeof *d->suspect);
    if (!d->error || !d->x || !d->scale || !d->scale_screen || !d->x_screen || !d->c_screen ||
        !d->below || !d->slack || !d->suspect) {
        mcbe_iid_destroy(iid);
        return MCBE_ERR_NOMEM;
    }
    for (size_t j = 0; j < m; j++) {
        d->error[j] = mcbe_screen_error(e) * ldexp(e->frame->norm[j], -e->w_exponent);
    }
    return MCBE_OK;
}

void mcbe_iid_destroy(mcbe_iid_t **iid)
{
    mcbe_iid_t *d = *iid;
    if (d) {
        mcbe_free(d->error);
        mcbe_free(d->x);
        mcbe_free(d->scale);
        mcbe_free(d->scale_screen);
        mcbe_free(d->x_screen);
        mcbe_free(d->c_screen);
        mcbe_free(d->below);
        mcbe_free(d->slack);
        mcbe_free(d->suspect);
        mcbe_free(d);
        *iid = NULL;
    }
}

/* The largest |x| in the block, from above, times x_factor. */
static double norm_bound(const mcbe_estimator_t *e)
{
    double bound = mcbe_domain_max_norm(&e->domain);
    if (bound > 0.0) {
        return bound * e->iid->x_factor;
    }
    double squares[MCBE_BLOCK_SIZE_MAX];
    e->kernels->sum_squares(e->frame->n, e->iid->width, e->iid->x, squares);
    for (int s = 0; s < e->iid->width; s++) {
        double square = squares[s] * e->iid->scale[s] * e->iid->scale[s];
        bound = square > bound ? square : bound;
    }
    return sqrt(bound) * (1.0 + 1e-6);
}

/* Limits of the screen for the state as it is now, rounded towards suspicion. */
static void set_limits(const mcbe_estimator_t *e, const mcbe_screen_t *screen)
{
    const mcbe_iid_t *d = e->iid;
    const double norm_x = norm_bound(e), tiny = mcbe_screen_tiny(e) * (1.0 + norm_x);
    float *below32 = d->below, *slack32 = d->slack;
    double *below64 = d->below, *slack64 = d->slack;
    for (int j = 0; j < screen->m; j++) {
        const double error = d->error[j] * norm_x + tiny;
        const double limit = screen->alpha[j] * d->alpha_factor + error;
        if (e->in_f32) {
            slack32[j] = mcbe_round_up(error);
            below32[j] = mcbe_round_up(limit);
        } else { /* the error bound has room for one more rounding */
            slack64[j] = error;
            below64[j] = limit;
        }
    }
}

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

void mcbe_iid_prepare(mcbe_estimator_t *e, mcbe_purpose_t purpose, int64_t block)
{
    const mcbe_iid_t *d = e->iid;
    const int m = e->frame->m, n = e->frame->n, width = d->width;
    mcbe_stream_key_t key = e->key;
    key.purpose = purpose;
    key.block = block;
    mcbe_domain_fill(&e->domain, n, &key, d->x, d->scale);
    for (int s = 0; s < width; s++) {
        d->scale_screen[s] = d->scale[s] * d->x_factor;
    }
    const int panel = panel_width(m, n, width);
    if (e->in_f32) {
        float *x = d->x_screen, *c = d->c_screen;
        e->kernels->scale_f32(n, width, d->x, d->scale_screen, x);
        for (int s = 0; s < width; s += panel) {
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, panel, n, 1.0F, e->w_screen,
                        n, x + s, width, 0.0F, c + s, width);
        }
    } else {
        double *x = d->x_screen, *c = d->c_screen;
        e->kernels->scale_f64(n, width, d->x, d->scale_screen, x);
        for (int s = 0; s < width; s += panel) {
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, panel, n, 1.0, e->w_screen, n,
                        x + s, width, 0.0, c + s, width);
        }
    }
}

/* @return whether any sample of the block is suspect */
static int screen_block(const mcbe_estimator_t *e, const mcbe_screen_t *screen)
{
    const mcbe_iid_t *d = e->iid;
    set_limits(e, screen);
    if (e->in_f32) {
        return e->kernels->screen_f32(screen->m, d->width, d->c_screen, d->below, d->slack,
                                      screen->need, screen->active_seen, d->suspect);
    }
    return e->kernels->screen_f64(screen->m, d->width, d->c_screen, d->below, d->slack,
                                  screen->need, screen->active_seen, d->suspect);
}

mcbe_status_t mcbe_iid_visit(mcbe_estimator_t *e, int64_t block, int64_t first, int64_t last,
                             const mcbe_screen_t *screen, const mcbe_layers_t *layers)
{
    const mcbe_iid_t *d = e->iid;
    int64_t visited = 0;
    if (screen_block(e, screen)) {
        for (int64_t s = first; s < last; s++) {
            if (d->suspect[s]) {
                visited++;
                mcbe_status_t st = mcbe_estimator_visit(e, d->x + s, NULL, d->width, d->scale[s],
                                                        block * d->width + s, layers);
                if (st != MCBE_OK) {
                    return st;
                }
            }
        }
    }
    e->stages.by_real += last - first - visited;
    return MCBE_OK;
}
