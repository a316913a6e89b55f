#include "estimator_internal.h"

#include <math.h>
#include <stdlib.h>

#include <cblas.h>

#include "memory.h"

/* Independent points: one product a block gives approximate coefficients of all its points. */
struct mcbe_iid {
    int width;     /* samples in a block */
    float *x;      /* owned, [n][width] */
    double *scale; /* owned, [width] */

    /* Screening; owned, float or double by precision. Points are multiplied by a power of two that
     * takes their largest norm near 1, so that fp32 neither overflows nor loses what matters. */
    int x_exponent;
    double *scale_screen;   /* [width], 2^-x_exponent times scale */
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
    (void)frexp(mcbe_domain_max_norm(&e->domain), &d->x_exponent); /* 0 where there is no bound */
    d->x = mcbe_alloc(n * width, sizeof *d->x);
    d->scale = mcbe_alloc(width, sizeof *d->scale);
    d->scale_screen = mcbe_alloc(width, sizeof *d->scale_screen);
    d->x_screen = mcbe_alloc(n * width, real);
    d->c_screen = mcbe_alloc(m * width, real);
    d->below = mcbe_alloc(m, real);
    d->slack = mcbe_alloc(m, real);
    d->suspect = mcbe_alloc(width, sizeof *d->suspect);
    if (!d->x || !d->scale || !d->scale_screen || !d->x_screen || !d->c_screen || !d->below ||
        !d->slack || !d->suspect) {
        mcbe_iid_destroy(iid);
        return MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

void mcbe_iid_destroy(mcbe_iid_t **iid)
{
    mcbe_iid_t *d = *iid;
    if (d) {
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

/* The largest |x| in the block, from above, scaled by 2^-x_exponent. */
static double norm_bound(const mcbe_estimator_t *e)
{
    double bound = mcbe_domain_max_norm(&e->domain);
    if (bound > 0.0) {
        return ldexp(bound, -e->iid->x_exponent);
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
    const double norm_x = norm_bound(e);
    for (int j = 0; j < screen->m; j++) {
        const double norm_w = ldexp(e->frame->norm[j], -e->w_exponent);
        const double error =
            mcbe_screen_error(e) * norm_w * norm_x + mcbe_screen_tiny(e) * (1.0 + norm_x);
        const double limit = ldexp(screen->alpha[j], -e->w_exponent - e->iid->x_exponent) + error;
        if (e->in_f32) {
            ((float *)e->iid->slack)[j] = nextafterf((float)error, INFINITY);
            ((float *)e->iid->below)[j] = nextafterf((float)limit, INFINITY);
        } else {
            ((double *)e->iid->slack)[j] = nextafter(error, INFINITY);
            ((double *)e->iid->below)[j] = nextafter(limit, INFINITY);
        }
    }
}

void mcbe_iid_prepare(mcbe_estimator_t *e, int64_t block)
{
    const mcbe_iid_t *d = e->iid;
    const int m = e->frame->m, n = e->frame->n, width = d->width;
    mcbe_stream_key_t key = e->key;
    key.block = block;
    mcbe_domain_fill(&e->domain, n, &key, d->x, d->scale);
    for (int s = 0; s < width; s++) {
        d->scale_screen[s] = ldexp(d->scale[s], -d->x_exponent);
    }
    if (e->in_f32) {
        e->kernels->scale_f32(n, width, d->x, d->scale_screen, d->x_screen);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, width, n, 1.0F, e->w_screen, n,
                    d->x_screen, width, 0.0F, d->c_screen, width);
    } else {
        e->kernels->scale_f64(n, width, d->x, d->scale_screen, d->x_screen);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, width, n, 1.0, e->w_screen, n,
                    d->x_screen, width, 0.0, d->c_screen, width);
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
