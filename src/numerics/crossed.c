#include "estimator_internal.h"

#include <math.h>
#include <string.h>

#include <cblas.h>

#include "memory.h"

#define TILE MCBE_SCREEN_TILE
#define NOISES MCBE_CROSSED_NOISES

/* Coordinates that one product in fp32 sums up. The error of a sum grows with the number of its terms, so
 * long rows are cut and the parts added: (DEPTH + n / DEPTH) u instead of n u. */
#define DEPTH 128

/* Every center of a block with every noise of it. Coefficients of a sum are sums of coefficients. */
struct mcbe_crossed {
    int centers;    /* in a block */
    float *center;  /* owned, [n][centers] */
    float *noise;   /* owned, [n][NOISES] */
    double *f64;    /* owned, [n][centers], either of them for precision double, else NULL */
    float *part;    /* owned, [m][centers], what DEPTH coordinates add to a product, or NULL */
    void *product;  /* owned, [m][centers], float or double by precision, like the next two */
    void *c_center; /* owned, [centers / TILE][m][TILE], scaled by 2^-w_exponent */
    void *c_noise;  /* owned, [NOISES][m], likewise */
    double *center_norm, *noise_norm; /* owned, [centers] and [NOISES], at least |x| */
    float *alpha, *row_norm;          /* owned, [m], limits of the test, rounded up */
    unsigned char *suspect;           /* owned, [centers] */
    float *a, *b;                     /* owned, [n], the two parts of a suspect point */
};

int mcbe_design_is_crossed(mcbe_design_t design)
{
    return design == MCBE_DESIGN_CROSSED || design == MCBE_DESIGN_CROSSED_SMALL;
}

int mcbe_crossed_centers(mcbe_design_t design)
{
    return design == MCBE_DESIGN_CROSSED_SMALL ? MCBE_CROSSED_SMALL_CENTERS : MCBE_CROSSED_CENTERS;
}

void mcbe_crossed_fill(mcbe_design_t design, const mcbe_cloud_t *cloud,
                       const mcbe_stream_key_t *key, float *center, float *noise)
{
    mcbe_stream_key_t stream = *key;
    mcbe_rng_t rng;
    stream.purpose = MCBE_PURPOSE_BANK_A;
    mcbe_rng_init(&rng, &stream);
    mcbe_cloud_centers(cloud, &rng, mcbe_crossed_centers(design), center);
    stream.purpose = MCBE_PURPOSE_BANK_B;
    mcbe_rng_init(&rng, &stream);
    mcbe_cloud_noise(cloud, &rng, NOISES, noise);
}

/* Are products cut into parts? Two parts are not worth the second buffer. */
static int in_parts(const mcbe_estimator_t *e)
{
    return e->in_f32 && e->frame->n > 2 * DEPTH;
}

mcbe_status_t mcbe_crossed_create(mcbe_crossed_t **crossed, const mcbe_estimator_t *e)
{
    mcbe_crossed_t *d = mcbe_alloc(1, sizeof *d);
    *crossed = d;
    if (!d) {
        return MCBE_ERR_NOMEM;
    }
    const size_t m = (size_t)e->frame->m, n = (size_t)e->frame->n;
    const size_t real = e->in_f32 ? sizeof(float) : sizeof(double);
    d->centers = mcbe_crossed_centers(e->design);
    const size_t centers = (size_t)d->centers;
    d->center = mcbe_alloc(n * centers, sizeof *d->center);
    d->noise = mcbe_alloc(n * NOISES, sizeof *d->noise);
    d->f64 = e->in_f32 ? NULL : mcbe_alloc(n * centers, sizeof *d->f64);
    d->part = in_parts(e) ? mcbe_alloc(m * centers, sizeof *d->part) : NULL;
    d->product = mcbe_alloc(m * centers, real);
    d->c_center = mcbe_alloc(m * centers, real);
    d->c_noise = mcbe_alloc(m * NOISES, real);
    d->center_norm = mcbe_alloc(centers, sizeof *d->center_norm);
    d->noise_norm = mcbe_alloc(NOISES, sizeof *d->noise_norm);
    d->alpha = mcbe_alloc(m, sizeof *d->alpha);
    d->row_norm = mcbe_alloc(m, sizeof *d->row_norm);
    d->suspect = mcbe_alloc(centers, sizeof *d->suspect);
    d->a = mcbe_alloc(n, sizeof *d->a);
    d->b = mcbe_alloc(n, sizeof *d->b);
    if (!d->center || !d->noise || (!e->in_f32 && !d->f64) || (in_parts(e) && !d->part) ||
        !d->product || !d->c_center || !d->c_noise || !d->center_norm || !d->noise_norm ||
        !d->alpha || !d->row_norm || !d->suspect || !d->a || !d->b) {
        mcbe_crossed_destroy(crossed);
        return MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

void mcbe_crossed_destroy(mcbe_crossed_t **crossed)
{
    mcbe_crossed_t *d = *crossed;
    if (d) {
        mcbe_free(d->center);
        mcbe_free(d->noise);
        mcbe_free(d->f64);
        mcbe_free(d->part);
        mcbe_free(d->product);
        mcbe_free(d->c_center);
        mcbe_free(d->c_noise);
        mcbe_free(d->center_norm);
        mcbe_free(d->noise_norm);
        mcbe_free(d->alpha);
        mcbe_free(d->row_norm);
        mcbe_free(d->suspect);
        mcbe_free(d->a);
        mcbe_free(d->b);
        mcbe_free(d);
        *crossed = NULL;
    }
}

/* What `depth` coordinates from `first` on add to the coefficients of the first `count` of `width` points. */
static void multiply_f32(const mcbe_estimator_t *e, int first, int depth, int width, int count,
                         const float *x, float *out)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, e->frame->m, count, depth, 1.0F,
                (const float *)e->w_screen + first, e->frame->n, x + (ptrdiff_t)first * width,
                width, 0.0F, out, width);
}

/* Add the further parts to the first, in an order that no BLAS chooses. */
static void add_parts(const mcbe_estimator_t *e, int width, int count, const float *x)
{
    const mcbe_crossed_t *d = e->crossed;
    const int n = e->frame->n;
    float *restrict sum = d->product;
    const float *restrict part = d->part;
    for (int first = DEPTH; first < n; first += DEPTH) {
        multiply_f32(e, first, n - first < DEPTH ? n - first : DEPTH, width, count, x, d->part);
        for (ptrdiff_t j = 0; j < e->frame->m; j++) {
            for (ptrdiff_t i = j * width; i < j * width + count; i++) {
                sum[i] += part[i];
            }
        }
    }
}

/* Approximate coefficients of the first `count` of `width` points, [m][width]. */
static void multiply(const mcbe_estimator_t *e, int width, int count, const float *x)
{
    const mcbe_crossed_t *d = e->crossed;
    const int m = e->frame->m, n = e->frame->n;
    if (e->in_f32) {
        multiply_f32(e, 0, in_parts(e) ? DEPTH : n, width, count, x, d->product);
        if (in_parts(e)) {
            add_parts(e, width, count, x);
        }
        return;
    }
    for (ptrdiff_t i = 0; i < (ptrdiff_t)n * width; i++) {
        d->f64[i] = (double)x[i];
    }
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, count, n, 1.0, e->w_screen, n, d->f64,
                width, 0.0, d->product, width);
}

static void set_norms(const mcbe_estimator_t *e, int width, const float *x, double *norm)
{
    e->kernels->sum_squares(e->frame->n, width, x, norm);
    for (int s = 0; s < width; s++) {
        norm[s] = sqrt(norm[s]) * (1.0 + 1e-6);
    }
}

void mcbe_crossed_prepare(mcbe_estimator_t *e, int64_t block, int64_t last)
{
    const mcbe_crossed_t *d = e->crossed;
    const ptrdiff_t m = e->frame->m;
    const size_t real = e->in_f32 ? sizeof(float) : sizeof(double);
    mcbe_stream_key_t key = e->key;
    key.block = block;
    mcbe_crossed_fill(e->design, e->domain.cloud, &key, d->center, d->noise);
    set_norms(e, d->centers, d->center, d->center_norm);
    set_norms(e, NOISES, d->noise, d->noise_norm);
    multiply(e, d->centers, d->centers, d->center);
    for (ptrdiff_t t = 0; t < d->centers / TILE; t++) {
        for (ptrdiff_t j = 0; j < m; j++) {
            memcpy((char *)d->c_center + (t * m + j) * TILE * (ptrdiff_t)real,
                   (const char *)d->product + (j * d->centers + t * TILE) * (ptrdiff_t)real,
                   TILE * real);
        }
    }
    const int noises = (int)((last + d->centers - 1) / d->centers);
    multiply(e, NOISES, noises, d->noise);
    for (ptrdiff_t s = 0; s < noises; s++) {
        for (ptrdiff_t j = 0; j < m; j++) {
            if (e->in_f32) {
                ((float *)d->c_noise)[s * m + j] = ((const float *)d->product)[j * NOISES + s];
            } else {
                ((double *)d->c_noise)[s * m + j] = ((const double *)d->product)[j * NOISES + s];
            }
        }
    }
}

static void set_limits(const mcbe_estimator_t *e, const mcbe_screen_t *screen)
{
    const mcbe_crossed_t *d = e->crossed;
    for (int j = 0; j < screen->m; j++) {
        d->alpha[j] = mcbe_round_up(ldexp(screen->alpha[j], -e->w_exponent));
        d->row_norm[j] =
            mcbe_round_up(ldexp(e->frame->norm[j], -e->w_exponent) + MCBE_NORM_FLOOR_F32);
    }
}

/* In units of the row norm: what both coefficients, their sum and the factor 1 may be off by. */
static double sum_error(const mcbe_estimator_t *e, int center, int noise)
{
    const mcbe_crossed_t *d = e->crossed;
    const int n = e->frame->n, terms = in_parts(e) ? DEPTH + (n - 1) / DEPTH : n;
    return 1.5 * mcbe_product_error(terms, e->in_f32) *
           (d->center_norm[center] + d->noise_norm[noise]);
}

/* One noise with the centers of one tile. @param[out] suspect [TILE] */
static void screen_tile(const mcbe_estimator_t *e, const mcbe_screen_t *screen, int noise, int tile,
                        unsigned char *suspect)
{
    const mcbe_crossed_t *d = e->crossed;
    const ptrdiff_t m = e->frame->m;
    mcbe_pair_norms_t norms;
    for (int s = 0; s < TILE; s++) {
        norms.inverse[s] = 1.0F;
        norms.error[s] = mcbe_round_up(sum_error(e, tile * TILE + s, noise));
    }
    e->kernels->pair_screen_f32(screen->m, (const float *)d->c_center + tile * m * TILE,
                                (const float *)d->c_noise + noise * m, &norms, d->alpha,
                                d->row_norm, screen->need, screen->active_seen, suspect);
}

/* What the products know of the coefficients of one sum. */
static void recall(const mcbe_estimator_t *e, int m, int noise, int center)
{
    const mcbe_crossed_t *d = e->crossed;
    const ptrdiff_t at_center = (ptrdiff_t)(center / TILE) * e->frame->m * TILE + center % TILE;
    const ptrdiff_t at_noise = (ptrdiff_t)noise * e->frame->m;
    const double error = sum_error(e, center, noise);
    const double tiny = mcbe_screen_tiny(e) * (1.0 + d->center_norm[center] + d->noise_norm[noise]);
    const double unit = ldexp(1.0, e->w_exponent), inverse = ldexp(1.0, -e->w_exponent);
    for (ptrdiff_t j = 0; j < m; j++) {
        const ptrdiff_t i = at_center + j * TILE, k = at_noise + j;
        const double c =
            e->in_f32
                ? (double)((const float *)d->c_center)[i] + (double)((const float *)d->c_noise)[k]
                : ((const double *)d->c_center)[i] + ((const double *)d->c_noise)[k];
        const double margin = e->frame->norm[j] * inverse * error + 2.0 * tiny;
        e->lower[j] = (c - margin) * unit;
        e->upper[j] = (c + margin) * unit;
    }
}

void mcbe_crossed_recall(const mcbe_estimator_t *e, int m, int s)
{
    const int centers = e->crossed->centers;
    recall(e, m, s / centers, s % centers);
}

void mcbe_crossed_tile(const mcbe_estimator_t *e, int start, mcbe_tile_t *tile)
{
    const mcbe_crossed_t *d = e->crossed;
    const ptrdiff_t m = e->frame->m, noise = start / d->centers, first = start % d->centers;
    tile->c = (const float *)d->c_center + first * m;
    tile->stride = TILE;
    tile->add = (const float *)d->c_noise + noise * m;
    for (int s = 0; s < TILE; s++) {
        const double norms = d->center_norm[first + s] + d->noise_norm[noise];
        tile->inverse[s] = 1.0F;
        tile->error[s] = mcbe_round_up(sum_error(e, (int)first + s, (int)noise));
        tile->tiny[s] = mcbe_round_up(3.0 * mcbe_screen_tiny(e) * (1.0 + norms));
    }
}

mcbe_place_t mcbe_crossed_place(const mcbe_estimator_t *e, int s)
{
    const mcbe_crossed_t *d = e->crossed;
    const ptrdiff_t noise = s / d->centers, center = s % d->centers;
    for (ptrdiff_t k = 0; k < e->frame->n; k++) {
        d->a[k] = d->center[k * d->centers + center];
        d->b[k] = d->noise[k * NOISES + noise];
    }
    return (mcbe_place_t){.a = d->a, .b = d->b, .stride = 1, .scale = 1.0};
}

mcbe_status_t mcbe_crossed_visit(mcbe_estimator_t *e, int64_t block, int64_t first, int64_t last,
                                 const mcbe_screen_t *screen, const mcbe_layers_t *layers)
{
    const mcbe_crossed_t *d = e->crossed;
    const int noise = (int)(first / d->centers), begin = (int)(first % d->centers);
    const int end = begin + (int)(last - first);
    const int64_t sample = block * d->centers * NOISES + (int64_t)noise * d->centers;
    int64_t suspects = 0;
    memset(d->suspect, MCBE_SUSPECT_ALPHA,
           (size_t)d->centers); /* with precision double nothing clears any */
    if (e->in_f32) {
        set_limits(e, screen);
        for (int tile = begin / TILE; tile * TILE < end; tile++) {
            screen_tile(e, screen, noise, tile, d->suspect + (ptrdiff_t)tile * TILE);
        }
    }
    for (int s = begin; s < end; s++) {
        if (!d->suspect[s]) {
            continue;
        }
        suspects++;
        recall(e, screen->m, noise, s);
        const mcbe_place_t x = mcbe_crossed_place(e, noise * d->centers + s);
        mcbe_status_t st =
            mcbe_estimator_visit_near(e, screen, x.a, x.b, x.stride, x.scale, sample + s, layers);
        if (st != MCBE_OK) {
            return st;
        }
    }
    e->stages.by_real += last - first - suspects;
    return MCBE_OK;
}
