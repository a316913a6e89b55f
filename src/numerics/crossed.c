#include "estimator_internal.h"

#include <math.h>
#include <string.h>

#include <cblas.h>

#include "memory.h"

#define TILE MCBE_SCREEN_TILE
#define NOISES MCBE_CROSSED_NOISES

/* Every center of a block with every noise of it. Coefficients of a sum are sums of coefficients. */
struct mcbe_crossed {
    int centers;    /* in a block */
    float *center;  /* owned, [n][centers] */
    float *noise;   /* owned, [n][NOISES] */
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
    if (!d->center || !d->noise || !d->product || !d->c_center || !d->c_noise || !d->center_norm ||
        !d->noise_norm || !d->alpha || !d->row_norm || !d->suspect || !d->a || !d->b) {
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

void mcbe_crossed_prepare(mcbe_estimator_t *e, int64_t block, int64_t last)
{
    const mcbe_crossed_t *d = e->crossed;
    const ptrdiff_t m = e->frame->m;
    const size_t real = e->in_f32 ? sizeof(float) : sizeof(double);
    mcbe_stream_key_t key = e->key;
    key.block = block;
    mcbe_crossed_fill(e->design, e->domain.cloud, &key, d->center, d->noise);
    mcbe_estimator_norms(e, d->centers, d->center, d->center_norm);
    mcbe_estimator_norms(e, NOISES, d->noise, d->noise_norm);
    mcbe_product_multiply(e, d->centers, d->centers, d->center, d->product);
    for (ptrdiff_t t = 0; t < d->centers / TILE; t++) {
        for (ptrdiff_t j = 0; j < m; j++) {
            memcpy((char *)d->c_center + (t * m + j) * TILE * (ptrdiff_t)real,
                   (const char *)d->product + (j * d->centers + t * TILE) * (ptrdiff_t)real,
                   TILE * real);
        }
    }
    const int noises = (int)((last + d->centers - 1) / d->centers);
    mcbe_product_multiply(e, NOISES, noises, d->noise, d->product);
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

/* What bounds the error of a sum. */
static double norms_of(const mcbe_crossed_t *d, int noise, int center)
{
    return d->center_norm[center] + d->noise_norm[noise];
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
        norms.error[s] = mcbe_round_up(mcbe_sum_error(e, norms_of(d, noise, tile * TILE + s)));
    }
    e->kernels->pair_screen_f32(screen->m, (const float *)d->c_center + tile * m * TILE,
                                (const float *)d->c_noise + noise * m, &norms, d->alpha,
                                d->row_norm, screen->need, screen->active_seen, suspect);
}

/* What the products know of the coefficients of one sum. */
static void recall(const mcbe_estimator_t *e, int m, int noise, int center)
{
    const mcbe_crossed_t *d = e->crossed;
    const size_t real = e->in_f32 ? sizeof(float) : sizeof(double), rows = (size_t)e->frame->m;
    const size_t at_center = (size_t)(center / TILE) * rows * TILE + (size_t)(center % TILE);
    mcbe_sum_recall(e, m, (const char *)d->c_center + at_center * real, TILE,
                    (const char *)d->c_noise + (size_t)noise * rows * real,
                    norms_of(d, noise, center), 1.0);
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
        const double norms = norms_of(d, (int)noise, (int)first + s);
        tile->inverse[s] = 1.0F;
        tile->error[s] = mcbe_round_up(mcbe_sum_error(e, norms));
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
