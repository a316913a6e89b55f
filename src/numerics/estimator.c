#include "mcbe/bias.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include <cblas.h>

#include "check.h"
#include "kernels.h"
#include "mcbe/injectivity.h"
#include "memory.h"

/* Coefficients are computed twice: approximately for all samples, as one product, and canonically
 * for the few samples that the approximation cannot rule out. Only canonical values reach the
 * state. */
struct mcbe_estimator {
    const mcbe_frame_t *frame; /* borrowed */
    mcbe_domain_t domain;
    mcbe_stream_key_t key;
    const mcbe_kernels_t *kernels; /* borrowed, static */
    int width;                     /* samples in a block */

    /* One block of points; owned. */
    float *x;      /* [n][width] */
    double *scale; /* [width] */

    /* Screening; owned, float or double by precision. W and the points are multiplied by powers of
     * two that take their largest norms near 1, so that fp32 neither overflows nor loses what
     * matters. */
    int in_f32;
    int w_exponent, x_exponent; /* screened coefficients are 2^-(w_exponent + x_exponent) times true
                                   ones */
    double *scale_screen;       /* [width], 2^-x_exponent times scale */
    void *w_screen;             /* [m][n] */
    void *x_screen;             /* [n][width] */
    void *c_screen;             /* [m][width] */
    void *below, *slack;        /* [m], see mcbe_kernels_t */
    unsigned char *suspect;     /* [width] */

    /* Canonical; owned. */
    double *c; /* [m] */
    int *rows; /* [m] */
};

static void prepare_scaling(mcbe_estimator_t *e)
{
    size_t count = (size_t)e->frame->m * (size_t)e->frame->n;
    (void)frexp(e->frame->norm_max, &e->w_exponent);
    (void)frexp(mcbe_domain_max_norm(&e->domain), &e->x_exponent); /* 0 where there is no bound */
    for (size_t i = 0; i < count; i++) {
        double entry = ldexp(e->frame->w[i], -e->w_exponent);
        if (e->in_f32) {
            ((float *)e->w_screen)[i] = (float)entry;
        } else {
            ((double *)e->w_screen)[i] = entry;
        }
    }
}

mcbe_status_t mcbe_estimator_create(mcbe_estimator_t **estimator, const mcbe_frame_t *frame,
                                    const mcbe_domain_t *domain, const mcbe_stream_key_t *key,
                                    mcbe_precision_t precision)
{
    *estimator = NULL;
    if (mcbe_domain_check(domain, NULL) != MCBE_OK) {
        return MCBE_ERR_ARGUMENT;
    }
    mcbe_estimator_t *e = mcbe_alloc(1, sizeof *e);
    if (!e) {
        return MCBE_ERR_NOMEM;
    }
    const size_t m = (size_t)frame->m, n = (size_t)frame->n;
    const size_t width = (size_t)mcbe_domain_block_size(frame->n);
    e->frame = frame;
    e->domain = *domain;
    e->key = *key;
    e->kernels = mcbe_kernels();
    e->width = (int)width;
    e->in_f32 = precision == MCBE_PRECISION_MIXED;
    const size_t real = e->in_f32 ? sizeof(float) : sizeof(double);
    e->x = mcbe_alloc(n * width, sizeof *e->x);
    e->scale = mcbe_alloc(width, sizeof *e->scale);
    e->scale_screen = mcbe_alloc(width, sizeof *e->scale_screen);
    e->w_screen = mcbe_alloc(m * n, real);
    e->x_screen = mcbe_alloc(n * width, real);
    e->c_screen = mcbe_alloc(m * width, real);
    e->below = mcbe_alloc(m, real);
    e->slack = mcbe_alloc(m, real);
    e->suspect = mcbe_alloc(width, sizeof *e->suspect);
    e->c = mcbe_alloc(m, sizeof *e->c);
    e->rows = mcbe_alloc(m, sizeof *e->rows);
    if (!e->x || !e->scale || !e->scale_screen || !e->w_screen || !e->x_screen || !e->c_screen ||
        !e->below || !e->slack || !e->suspect || !e->c || !e->rows) {
        mcbe_estimator_destroy(&e);
        return MCBE_ERR_NOMEM;
    }
    prepare_scaling(e);
    *estimator = e;
    return MCBE_OK;
}

void mcbe_estimator_destroy(mcbe_estimator_t **estimator)
{
    mcbe_estimator_t *e = *estimator;
    if (e) {
        mcbe_free(e->x);
        mcbe_free(e->scale);
        mcbe_free(e->scale_screen);
        mcbe_free(e->w_screen);
        mcbe_free(e->x_screen);
        mcbe_free(e->c_screen);
        mcbe_free(e->below);
        mcbe_free(e->slack);
        mcbe_free(e->suspect);
        mcbe_free(e->c);
        mcbe_free(e->rows);
        mcbe_free(e);
        *estimator = NULL;
    }
}

/* The largest |x| in the block, from above, scaled by 2^-x_exponent. */
static double norm_bound(const mcbe_estimator_t *e)
{
    double bound = mcbe_domain_max_norm(&e->domain);
    if (bound > 0.0) {
        return ldexp(bound, -e->x_exponent);
    }
    double squares[MCBE_BLOCK_SIZE_MAX];
    e->kernels->sum_squares(e->frame->n, e->width, e->x, squares);
    for (int s = 0; s < e->width; s++) {
        double square = squares[s] * e->scale[s] * e->scale[s];
        bound = square > bound ? square : bound;
    }
    return sqrt(bound) * (1.0 + 1e-6);
}

/* How far a screened coefficient of row j may be from the canonical one, both scaled.
 * With u the unit roundoff: n u |w||x| for a product summed in any order, fused or not, 2 u for
 * rounding w and x, as much again in fp64 for the canonical value itself, and 4 u for the roundings
 * inside the screen; the last term covers entries that underflow. docs/method.md has the proof. */
static double screen_error(const mcbe_estimator_t *e, int j, double norm_x)
{
    const double n = (double)e->frame->n;
    const double u = e->in_f32 ? 0x1p-24 : 0x1p-53;
    const double tiny = e->in_f32 ? 0x1p-140 : 0x1p-1060;
    const double norm_w = ldexp(e->frame->norm[j], -e->w_exponent);
    return 1.01 * (2.0 * n + 16.0) * u * norm_w * norm_x + (n + 1.0) * tiny * (1.0 + norm_x);
}

/* Limits of the screen for the state as it is now, rounded towards suspicion. */
static void set_limits(mcbe_estimator_t *e, const double *alpha)
{
    const double norm_x = norm_bound(e);
    for (int j = 0; j < e->frame->m; j++) {
        const double error = screen_error(e, j, norm_x);
        const double limit = ldexp(alpha[j], -e->w_exponent - e->x_exponent) + error;
        if (e->in_f32) {
            ((float *)e->slack)[j] = nextafterf((float)error, INFINITY);
            ((float *)e->below)[j] = nextafterf((float)limit, INFINITY);
        } else {
            ((double *)e->slack)[j] = nextafter(error, INFINITY);
            ((double *)e->below)[j] = nextafter(limit, INFINITY);
        }
    }
}

/* Approximate coefficients of the whole block and what they leave open. @return whether any sample
 * is suspect */
static int screen(mcbe_estimator_t *e, const mcbe_bias_state_t *state)
{
    const int m = e->frame->m, n = e->frame->n, width = e->width;
    const int active_seen = (int)state->min_active;
    set_limits(e, state->alpha);
    for (int s = 0; s < width; s++) {
        e->scale_screen[s] = ldexp(e->scale[s], -e->x_exponent);
    }
    if (e->in_f32) {
        e->kernels->scale_f32(n, width, e->x, e->scale_screen, e->x_screen);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, width, n, 1.0F, e->w_screen, n,
                    e->x_screen, width, 0.0F, e->c_screen, width);
        return e->kernels->screen_f32(m, width, e->c_screen, e->below, e->slack, n, active_seen,
                                      e->suspect);
    }
    e->kernels->scale_f64(n, width, e->x, e->scale_screen, e->x_screen);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, width, n, 1.0, e->w_screen, n,
                e->x_screen, width, 0.0, e->c_screen, width);
    return e->kernels->screen_f64(m, width, e->c_screen, e->below, e->slack, n, active_seen,
                                  e->suspect);
}

static mcbe_status_t record_events(mcbe_bias_events_t *events, int64_t sample, const double *alpha,
                                   const int *rows, int count)
{
    void *list = events->list;
    mcbe_status_t st =
        mcbe_grow(&list, &events->capacity, events->count + (size_t)count, sizeof *events->list);
    if (st != MCBE_OK) {
        return st;
    }
    events->list = list;
    for (int i = 0; i < count; i++) {
        events->list[events->count++] =
            (mcbe_bias_event_t){.sample = sample, .row = rows[i], .value = alpha[rows[i]]};
    }
    return MCBE_OK;
}

/* Canonical |x|, the sum in index order. */
static double point_norm(int n, const float *x, ptrdiff_t stride, double scale)
{
    double sum = 0.0;
    for (int k = 0; k < n; k++) {
        sum += (double)x[k * stride] * (double)x[k * stride];
    }
    return sqrt(sum) * scale;
}

/* The whole truth about one sample. Samples arrive in ascending order of id. */
static mcbe_status_t visit(mcbe_estimator_t *e, const float *x, ptrdiff_t stride, double scale,
                           int64_t sample, mcbe_bias_state_t *state, mcbe_bias_events_t *events)
{
    const int m = e->frame->m, n = e->frame->n;
    mcbe_frame_coefficients(e->frame, x, stride, scale, e->c);
    const int active =
        mcbe_active_count(e->frame, e->c, NULL, point_norm(n, x, stride, scale), NULL);
    if (active < state->min_active) {
        state->min_active = active;
        state->min_active_sample = sample;
    }
    const int lowered = mcbe_bias_lower(n, m, state->alpha, e->c, e->rows);
    if (lowered == 0) {
        return MCBE_OK;
    }
    for (int i = 0; i < lowered; i++) {
        state->witness[e->rows[i]] = sample;
    }
    state->updates++;
    state->last_update = sample;
    return events ? record_events(events, sample, state->alpha, e->rows, lowered) : MCBE_OK;
}

mcbe_status_t mcbe_estimator_block(mcbe_estimator_t *e, int64_t block, int first, int last,
                                   mcbe_bias_state_t *state, mcbe_bias_events_t *events)
{
    MCBE_BUG_ASSERT(block >= 0 && first >= 0 && first <= last && last <= e->width);
    e->key.block = block;
    mcbe_domain_fill(&e->domain, e->frame->n, &e->key, e->x, e->scale);
    if (screen(e, state)) {
        for (int s = first; s < last; s++) {
            if (e->suspect[s]) {
                mcbe_status_t st =
                    visit(e, e->x + s, e->width, e->scale[s], block * e->width + s, state, events);
                if (st != MCBE_OK) {
                    return st;
                }
            }
        }
    }
    state->samples += last - first;
    return MCBE_OK;
}

mcbe_status_t mcbe_estimator_point(mcbe_estimator_t *e, const float *x, double scale,
                                   int64_t sample, mcbe_bias_state_t *state,
                                   mcbe_bias_events_t *events)
{
    state->samples++;
    return visit(e, x, 1, scale, sample, state, events);
}
