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
static void set_limits(const mcbe_estimator_t *e, const double *alpha)
{
    const double norm_x = norm_bound(e);
    for (int j = 0; j < e->frame->m; j++) {
        const double norm_w = ldexp(e->frame->norm[j], -e->w_exponent);
        const double error =
            mcbe_screen_error(e) * norm_w * norm_x + mcbe_screen_tiny(e) * (1.0 + norm_x);
        const double limit = ldexp(alpha[j], -e->w_exponent - e->iid->x_exponent) + error;
        if (e->in_f32) {
            ((float *)e->iid->slack)[j] = nextafterf((float)error, INFINITY);
            ((float *)e->iid->below)[j] = nextafterf((float)limit, INFINITY);
        } else {
            ((double *)e->iid->slack)[j] = nextafter(error, INFINITY);
            ((double *)e->iid->below)[j] = nextafter(limit, INFINITY);
        }
    }
}

/* Approximate coefficients of the whole block and what they leave open. @return whether any sample
 * is suspect */
static int screen(const mcbe_estimator_t *e, const mcbe_bias_state_t *state)
{
    const int m = e->frame->m, n = e->frame->n, width = e->iid->width;
    const int active_seen = (int)state->min_active;
    set_limits(e, state->alpha);
    for (int s = 0; s < width; s++) {
        e->iid->scale_screen[s] = ldexp(e->iid->scale[s], -e->iid->x_exponent);
    }
    if (e->in_f32) {
        e->kernels->scale_f32(n, width, e->iid->x, e->iid->scale_screen, e->iid->x_screen);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, width, n, 1.0F, e->w_screen, n,
                    e->iid->x_screen, width, 0.0F, e->iid->c_screen, width);
        return e->kernels->screen_f32(m, width, e->iid->c_screen, e->iid->below, e->iid->slack, n,
                                      active_seen, e->iid->suspect);
    }
    e->kernels->scale_f64(n, width, e->iid->x, e->iid->scale_screen, e->iid->x_screen);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, width, n, 1.0, e->w_screen, n,
                e->iid->x_screen, width, 0.0, e->iid->c_screen, width);
    return e->kernels->screen_f64(m, width, e->iid->c_screen, e->iid->below, e->iid->slack, n,
                                  active_seen, e->iid->suspect);
}

mcbe_status_t mcbe_iid_block(mcbe_estimator_t *e, int64_t block, int64_t first, int64_t last,
                             mcbe_bias_state_t *state, mcbe_bias_events_t *events)
{
    const mcbe_iid_t *d = e->iid;
    int64_t visited = 0;
    mcbe_stream_key_t key = e->key;
    key.block = block;
    mcbe_domain_fill(&e->domain, e->frame->n, &key, d->x, d->scale);
    if (screen(e, state)) {
        for (int64_t s = first; s < last; s++) {
            if (d->suspect[s]) {
                visited++;
                mcbe_status_t st = mcbe_estimator_visit(e, d->x + s, NULL, d->width, d->scale[s],
                                                        block * d->width + s, state, events);
                if (st != MCBE_OK) {
                    return st;
                }
            }
        }
    }
    e->stages.by_real += last - first - visited;
    return MCBE_OK;
}
