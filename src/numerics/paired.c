#include "estimator_internal.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "memory.h"

#define TILE MCBE_SCREEN_TILE

/* Bytes hold lower bounds of byte_scale c, chosen so that 3 standard deviations of the coefficients
 * of the longest row of W come to MCBE_BYTE_MAX. */
#define BYTE_DEVIATION (MCBE_BYTE_MAX / 3.0)

/* In more dimensions than these a suspect's coefficients are first bounded from those of its two rows; in
 * fewer, computing all of them takes less time than finding out which matter. */
#define BOUNDED_DIMENSIONS 256

/* One bank: Gaussian rows, their coefficients, and both cut into tiles that one row of the other
 * bank meets. */
typedef struct bank {
    mcbe_stream_key_t key;
    int64_t rows;   /* made so far, a multiple of the bank's block */
    float *x;       /* owned, [capacity][n] */
    float *x_tiles; /* owned, [capacity / TILE][n][TILE] */
    float *squares; /* owned, [capacity], |x|^2 */
    void *c; /* owned, [capacity][padded], scaled by 2^-w_exponent; float or double by precision */
    float *c_tiles; /* owned, [capacity / TILE][m][TILE]; single precision only, like the next */
    int8_t *bytes;  /* owned, [capacity / TILE][m][TILE] */
} bank_t;

struct mcbe_paired {
    int64_t blocks;   /* blocks of pairs there is room for */
    int64_t capacity; /* rows of a bank, a multiple of its block */
    int padded;       /* m, rounded up to MCBE_PAIR_LANES */
    float byte_scale;
    double gaussian; /* the fixed factor of the gaussian domain, 0 where sums are normalised */
    bank_t a, b;

    /* Workspace; owned. */
    float *fill;            /* [n][block] */
    void *product;          /* [m][block] */
    void *alpha, *row_norm; /* [padded], limits of the tests, rounded towards suspicion */
    float *low_margin;      /* [m], error of a coefficient of a bank row of norm 1 */
    /* [MCBE_PAIRED_SHELLS][2][m], the rows of both banks that are fixed in the block in hand, as
     * pair_screen_i8 takes them */
    uint32_t *fixed_bytes;
    unsigned char *suspect; /* [samples of the largest block] */
};

void mcbe_paired_rows(int64_t sample, int64_t *a, int64_t *b)
{
    int64_t shell = (int64_t)sqrt((double)sample);
    shell -= shell * shell > sample; /* fp64 may round the root of a large id either way */
    shell += (shell + 1) * (shell + 1) <= sample;
    const int64_t place = sample - shell * shell;
    *a = place <= shell ? shell : place - shell - 1;
    *b = place <= shell ? place : shell;
}

void mcbe_paired_fill(int which, int n, const mcbe_stream_key_t *key, float *x)
{
    mcbe_stream_key_t stream = *key;
    mcbe_rng_t rng;
    stream.purpose = which == 0 ? MCBE_PURPOSE_BANK_A : MCBE_PURPOSE_BANK_B;
    mcbe_rng_init(&rng, &stream);
    mcbe_rng_normals(&rng, x, (size_t)n * (size_t)mcbe_domain_block_size(n));
}

double mcbe_paired_scale(const mcbe_domain_t *domain, int n, const float *a, const float *b)
{
    if (domain->kind == MCBE_DOMAIN_GAUSSIAN) {
        return 0x1.6a09e667f3bcdp-1; /* 1 / sqrt(2): a + b has variance 2 */
    }
    const double norm = mcbe_point_norm(n, a, b, 1);
    return norm > 0.0 ? 1.0 / norm : 0.0; /* 0 has no direction */
}

static mcbe_status_t create_bank(bank_t *bank, const mcbe_paired_t *p, const mcbe_estimator_t *e)
{
    const size_t rows = (size_t)p->capacity, n = (size_t)e->frame->n, m = (size_t)e->frame->m;
    const size_t real = e->in_f32 ? sizeof(float) : sizeof(double);
    bank->key = e->key;
    bank->x = mcbe_alloc(rows * n, sizeof *bank->x);
    bank->squares = mcbe_alloc(rows, sizeof *bank->squares);
    bank->c = mcbe_alloc(rows * (size_t)p->padded, real);
    if (!bank->x || !bank->squares || !bank->c) {
        return MCBE_ERR_NOMEM;
    }
    if (e->in_f32) {
        bank->x_tiles = mcbe_alloc(rows * n, sizeof *bank->x_tiles);
        bank->c_tiles = mcbe_alloc(rows * m, sizeof *bank->c_tiles);
        bank->bytes = mcbe_alloc(rows * m, sizeof *bank->bytes);
    }
    return !e->in_f32 || (bank->x_tiles && bank->c_tiles && bank->bytes) ? MCBE_OK : MCBE_ERR_NOMEM;
}

static void destroy_bank(bank_t *bank)
{
    mcbe_free(bank->x);
    mcbe_free(bank->x_tiles);
    mcbe_free(bank->squares);
    mcbe_free(bank->c);
    mcbe_free(bank->c_tiles);
    mcbe_free(bank->bytes);
}

static void set_low_margins(mcbe_paired_t *p, const mcbe_estimator_t *e)
{
    for (int j = 0; j < e->frame->m; j++) {
        p->low_margin[j] =
            (float)(1.01 * mcbe_screen_error(e) * ldexp(e->frame->norm[j], -e->w_exponent));
    }
}

mcbe_status_t mcbe_paired_create(mcbe_paired_t **paired, const mcbe_estimator_t *e, int64_t samples)
{
    mcbe_paired_t *p = mcbe_alloc(1, sizeof *p);
    *paired = p;
    if (!p) {
        return MCBE_ERR_NOMEM;
    }
    const size_t m = (size_t)e->frame->m, n = (size_t)e->frame->n;
    const int64_t width = mcbe_domain_block_size(e->frame->n);
    const size_t real = e->in_f32 ? sizeof(float) : sizeof(double);
    int64_t last_a, last_b;
    mcbe_paired_rows(samples > 0 ? samples - 1 : 0, &last_a, &last_b);
    const int64_t shells = (last_a > last_b ? last_a : last_b) + 1;
    const int64_t blocks = (shells + MCBE_PAIRED_SHELLS - 1) / MCBE_PAIRED_SHELLS;
    const size_t suspects = (size_t)(mcbe_block_start(MCBE_DESIGN_PAIRED, e->frame->n, blocks) -
                                     mcbe_block_start(MCBE_DESIGN_PAIRED, e->frame->n, blocks - 1));
    p->blocks = blocks;
    p->capacity = (blocks * MCBE_PAIRED_SHELLS + width - 1) / width * width;
    p->padded = (e->frame->m + MCBE_PAIR_LANES - 1) / MCBE_PAIR_LANES * MCBE_PAIR_LANES;
    p->byte_scale = (float)(BYTE_DEVIATION / ldexp(e->frame->norm_max, -e->w_exponent));
    p->gaussian =
        e->domain.kind == MCBE_DOMAIN_GAUSSIAN ? mcbe_paired_scale(&e->domain, 0, NULL, NULL) : 0.0;
    p->fill = mcbe_alloc(n * (size_t)width, sizeof *p->fill);
    p->product = mcbe_alloc(m * (size_t)width, real);
    p->alpha = mcbe_alloc((size_t)p->padded, real);
    p->row_norm = mcbe_alloc((size_t)p->padded, real);
    p->low_margin = mcbe_alloc(m, sizeof *p->low_margin);
    p->fixed_bytes = mcbe_alloc(2 * MCBE_PAIRED_SHELLS * m, sizeof *p->fixed_bytes);
    p->suspect = mcbe_alloc(suspects, sizeof *p->suspect);
    if (!p->fill || !p->product || !p->alpha || !p->row_norm || !p->low_margin || !p->fixed_bytes ||
        !p->suspect || create_bank(&p->a, p, e) != MCBE_OK || create_bank(&p->b, p, e) != MCBE_OK) {
        mcbe_paired_destroy(paired);
        return MCBE_ERR_NOMEM;
    }
    set_low_margins(p, e);
    if (!e->in_f32) { /* no screen ever clears any */
        memset(p->suspect, MCBE_SUSPECT_ALPHA, suspects * sizeof *p->suspect);
    }
    return MCBE_OK;
}

void mcbe_paired_destroy(mcbe_paired_t **paired)
{
    mcbe_paired_t *p = *paired;
    if (p) {
        destroy_bank(&p->a);
        destroy_bank(&p->b);
        mcbe_free(p->fill);
        mcbe_free(p->product);
        mcbe_free(p->alpha);
        mcbe_free(p->row_norm);
        mcbe_free(p->low_margin);
        mcbe_free(p->fixed_bytes);
        mcbe_free(p->suspect);
        mcbe_free(p);
        *paired = NULL;
    }
}

/* Rows are kept one by one, for the tests of single pairs; tiles are cut from the coordinate-major
 * block. */
static void keep_points(bank_t *bank, int n, int width, const float *fill)
{
    for (int s = 0; s < width; s++) {
        const int64_t row = bank->rows + s;
        double sum = 0.0;
        for (int k = 0; k < n; k++) {
            const float xk = fill[(ptrdiff_t)k * width + s];
            bank->x[row * n + k] = xk;
            sum += (double)xk * (double)xk;
        }
        bank->squares[row] = (float)sum;
    }
    for (int64_t t = 0; bank->x_tiles && t < width / TILE; t++) {
        float *tile = bank->x_tiles + (bank->rows / TILE + t) * n * TILE;
        for (int k = 0; k < n; k++) {
            memcpy(tile + (ptrdiff_t)k * TILE, fill + (ptrdiff_t)k * width + t * TILE,
                   TILE * sizeof *tile);
        }
    }
}

static void keep_coefficients_f32(const mcbe_paired_t *p, const mcbe_kernels_t *kernels,
                                  bank_t *bank, int m, int width)
{
    const float *product = p->product;
    for (int s = 0; s < width; s++) {
        float *row = (float *)bank->c + (bank->rows + s) * p->padded;
        for (int j = 0; j < m; j++) {
            row[j] = product[(ptrdiff_t)j * width + s];
        }
        for (int j = m; j < p->padded; j++) {
            row[j] = -INFINITY;
        }
    }
    for (int64_t t = 0; t < width / TILE; t++) {
        const int64_t first = bank->rows + t * TILE;
        float *tile = bank->c_tiles + first * m, norm[TILE];
        for (int j = 0; j < m; j++) {
            memcpy(tile + (ptrdiff_t)j * TILE, product + (ptrdiff_t)j * width + t * TILE,
                   TILE * sizeof *tile);
        }
        for (int s = 0; s < TILE; s++) {
            norm[s] = sqrtf(bank->squares[first + s]);
        }
        kernels->lower_bytes(m, tile, p->byte_scale, p->low_margin, norm, bank->bytes + first * m);
    }
}

static void keep_coefficients_f64(const mcbe_paired_t *p, bank_t *bank, int m, int width)
{
    const double *product = p->product;
    for (int s = 0; s < width; s++) {
        double *row = (double *)bank->c + (bank->rows + s) * p->padded;
        for (int j = 0; j < p->padded; j++) {
            row[j] = j < m ? product[(ptrdiff_t)j * width + s] : -INFINITY;
        }
    }
}

/* Make the next block of a bank's rows. */
static void extend_bank(mcbe_estimator_t *e, bank_t *bank, int which)
{
    mcbe_paired_t *p = e->paired;
    const int m = e->frame->m, n = e->frame->n, width = mcbe_domain_block_size(n);
    mcbe_stream_key_t key = e->key;
    key.block = bank->rows / width;
    mcbe_paired_fill(which, n, &key, p->fill);
    keep_points(bank, n, width, p->fill);
    mcbe_product_multiply(e, width, width, p->fill, p->product);
    if (e->in_f32) {
        keep_coefficients_f32(p, e->kernels, bank, m, width);
    } else {
        keep_coefficients_f64(p, bank, m, width);
    }
    bank->rows += width;
}

/* What a block is screened by. */
typedef struct limits {
    int m, need, active_seen;
    int by_bytes; /* the byte screen can decide: every alpha is finite, the largest not negative */
    float byte_level; /* byte_scale times the largest alpha, rounded up */
} limits_t;

static limits_t set_limits(mcbe_estimator_t *e, const mcbe_screen_t *screen)
{
    mcbe_paired_t *p = e->paired;
    const double norm_floor = e->in_f32 ? MCBE_NORM_FLOOR_F32 : 0x1p-900;
    double largest = -INFINITY;
    for (int j = 0; j < p->padded; j++) {
        /* what stands behind the layer (padding, rows of larger layers) is as good as unknown: no
         * test counts it, for or against */
        const int inside = j < screen->m;
        const double alpha = inside ? ldexp(screen->alpha[j], -e->w_exponent) : -INFINITY;
        /* a floor under the norm, so that norm times error also covers entries that underflow */
        const double norm =
            inside ? ldexp(e->frame->norm[j], -e->w_exponent) + norm_floor : INFINITY;
        largest = alpha > largest ? alpha : largest;
        if (e->in_f32) {
            ((float *)p->alpha)[j] = mcbe_round_up(alpha);
            ((float *)p->row_norm)[j] = mcbe_round_up(norm);
        } else {
            ((double *)p->alpha)[j] = alpha;
            ((double *)p->row_norm)[j] = norm;
        }
    }
    limits_t limits = {.m = screen->m, .need = screen->need, .active_seen = screen->active_seen};
    limits.by_bytes = e->in_f32 && largest >= 0.0 && largest < INFINITY;
    if (limits.by_bytes) {
        limits.byte_level = mcbe_round_up((double)p->byte_scale * largest);
    }
    return limits;
}

/* A row that meets tiles of the other bank. */
typedef struct fixed_row {
    const bank_t *bank;
    int64_t row;
    const uint32_t *bytes; /* [m], as pair_screen_i8 takes them; unset where it does not run */
} fixed_row_t;

/* The limits of a fixed row plus each row of a tile; for the gaussian domain they are the same for
 * all. */
static void tile_limits(const mcbe_estimator_t *e, float level, const bank_t *tiled, int64_t tile,
                        const fixed_row_t *fixed, int8_t *limit)
{
    const mcbe_paired_t *p = e->paired;
    const int n = e->frame->n;
    const float *x = fixed->bank->x + fixed->row * n, square = fixed->bank->squares[fixed->row];
    float upper[TILE];
    if (p->gaussian == 0.0) {
        e->kernels->pair_uppers(n, tiled->x_tiles + tile * n * TILE, tiled->squares + tile * TILE,
                                x, square, upper);
    } else {
        for (int s = 0; s < TILE; s++) {
            upper[s] = (float)(1.0 / p->gaussian) * (1.0F + 0x1p-20F);
        }
    }
    e->kernels->pair_limits_i8(level, upper, limit);
}

/* The norms likewise. */
static void tile_norms(const mcbe_estimator_t *e, const bank_t *tiled, int64_t tile,
                       const fixed_row_t *fixed, mcbe_pair_norms_t *norms)
{
    const mcbe_paired_t *p = e->paired;
    const int n = e->frame->n;
    const float *squares = tiled->squares + tile * TILE;
    const float *x = fixed->bank->x + fixed->row * n, square = fixed->bank->squares[fixed->row];
    if (p->gaussian == 0.0) {
        e->kernels->pair_norms(n, tiled->x_tiles + tile * n * TILE, squares, x, square, norms);
        return;
    }
    for (int s = 0; s < TILE; s++) {
        norms->inverse[s] = (float)p->gaussian;
        /* |a| + |b| <= sqrt(2 (|a|^2 + |b|^2)), times the factor 1 / sqrt(2) */
        norms->error[s] = (float)(2.0 * mcbe_screen_error(e)) * sqrtf(square + squares[s]);
    }
}

/* A fixed row against the first `count` rows of a tile. @param[out] suspect [count] */
static void screen_tile(mcbe_estimator_t *e, const limits_t *limits, const bank_t *tiled,
                        int64_t tile, const fixed_row_t *fixed, int64_t count,
                        unsigned char *suspect)
{
    const mcbe_paired_t *p = e->paired;
    const int m = e->frame->m;
    unsigned char whole[TILE], *flags = count < TILE ? whole : suspect;
    if (limits->by_bytes) {
        _Alignas(64) int8_t limit[TILE];
        tile_limits(e, limits->byte_level, tiled, tile, fixed, limit);
        e->kernels->pair_screen_i8(limits->m, tiled->bytes + tile * m * TILE, fixed->bytes, limit,
                                   limits->need, limits->active_seen, flags);
    } else {
        const float *c = (const float *)fixed->bank->c + fixed->row * p->padded;
        mcbe_pair_norms_t norms;
        tile_norms(e, tiled, tile, fixed, &norms);
        e->kernels->pair_screen_f32(limits->m, tiled->c_tiles + tile * m * TILE, c, &norms,
                                    p->alpha, p->row_norm, limits->need, limits->active_seen,
                                    flags);
    }
    if (flags == whole) {
        memcpy(suspect, whole, (size_t)count);
    }
}

/* Bytes of a bank's rows that are fixed in the block of shells from `first` on, all in one tile.
 * @param[out] fixed_bytes  [MCBE_PAIRED_SHELLS][2][m], of which one bank fills every other [m] */
static void fix_rows(const bank_t *bank, int m, int64_t first, uint32_t *fixed_bytes)
{
    const int8_t *bytes = bank->bytes + first / TILE * TILE * m + first % TILE;
    for (int j = 0; j < m; j++) {
        for (int i = 0; i < MCBE_PAIRED_SHELLS; i++) {
            const uint32_t byte = (uint8_t)bytes[(ptrdiff_t)j * TILE + i];
            fixed_bytes[2 * (ptrdiff_t)i * m + j] = 0x01010101U * byte;
        }
    }
}

/* Screen all pairs of the shells [first, first + MCBE_PAIRED_SHELLS) into p->suspect, numbered
 * within the block. Tiles outside, shells inside: a tile stays in the first-level cache while all
 * shells meet it. */
static void screen_shells(mcbe_estimator_t *e, const limits_t *limits, int64_t first)
{
    mcbe_paired_t *p = e->paired;
    const int64_t start = first * first, end = first + MCBE_PAIRED_SHELLS, m = e->frame->m;
    if (limits->by_bytes) {
        fix_rows(&p->a, e->frame->m, first, p->fixed_bytes);
        fix_rows(&p->b, e->frame->m, first, p->fixed_bytes + m);
    }
    for (int64_t tile = 0; tile * TILE < end; tile++) {
        const int64_t row = tile * TILE;
        for (int64_t shell = row > first ? row : first; shell < end; shell++) {
            const uint32_t *bytes = p->fixed_bytes + 2 * (shell - first) * m;
            const fixed_row_t a = {.bank = &p->a, .row = shell, .bytes = bytes};
            const fixed_row_t b = {.bank = &p->b, .row = shell, .bytes = bytes + m};
            unsigned char *suspect = p->suspect + (shell * shell - start) + row;
            screen_tile(e, limits, &p->b, tile, &a, shell + 1 - row, suspect);
            if (shell > row) {
                screen_tile(e, limits, &p->a, tile, &b, shell - row, suspect + shell + 1);
            }
        }
    }
}

/* The first suspect sample from i on, `last` if there is none. */
static int64_t next_suspect(const unsigned char *suspect, int64_t i, int64_t last)
{
    uint64_t eight = 0;
    for (; i + (int64_t)sizeof eight <= last; i += (int64_t)sizeof eight) {
        memcpy(&eight, suspect + i, sizeof eight);
        if (eight != 0) {
            break;
        }
    }
    while (i < last && !suspect[i]) {
        i++;
    }
    return i;
}

/* A sharper look at one pair. @return its flags */
static int test_pair(const mcbe_estimator_t *e, const limits_t *limits, int64_t a, int64_t b,
                     double scale, double norm_sum)
{
    const mcbe_paired_t *p = e->paired;
    /* what the rows' coefficients may be off by, and the rounding of the factor, in units of the
     * row norm */
    const double error = mcbe_sum_error(e, norm_sum * scale + 1.0);
    if (e->in_f32) {
        return e->kernels->pair_test_f32(
            p->padded, (const float *)p->a.c + a * p->padded, (const float *)p->b.c + b * p->padded,
            (float)scale, (float)error, p->alpha, p->row_norm, limits->need, limits->active_seen);
    }
    return e->kernels->pair_test_f64(p->padded, (const double *)p->a.c + a * p->padded,
                                     (const double *)p->b.c + b * p->padded, scale, error, p->alpha,
                                     p->row_norm, limits->need, limits->active_seen);
}

/* A pair that no screen ruled out. */
static mcbe_status_t visit_pair(mcbe_estimator_t *e, const mcbe_screen_t *screen, int64_t a,
                                int64_t b, double scale, double norm_sum, int64_t sample,
                                const mcbe_layers_t *layers)
{
    const mcbe_paired_t *p = e->paired;
    const int n = e->frame->n;
    const float *xa = p->a.x + a * n, *xb = p->b.x + b * n;
    if (n <= BOUNDED_DIMENSIONS) {
        return mcbe_estimator_visit(e, xa, xb, 1, scale, sample, layers);
    }
    const int64_t row = p->padded * (int64_t)(e->in_f32 ? sizeof(float) : sizeof(double));
    mcbe_sum_recall(e, screen->m, (const char *)p->a.c + a * row, 1, (const char *)p->b.c + b * row,
                    norm_sum, scale);
    return mcbe_estimator_visit_near(e, screen, xa, xb, 1, scale, sample, layers);
}

void mcbe_paired_prepare(mcbe_estimator_t *e, int64_t block)
{
    mcbe_paired_t *p = e->paired;
    const int64_t rows = (block + 1) * MCBE_PAIRED_SHELLS;
    MCBE_BUG_ASSERT(block < p->blocks && rows <= p->capacity);
    while (p->a.rows < rows) {
        extend_bank(e, &p->a, 0);
        extend_bank(e, &p->b, 1);
    }
}

mcbe_status_t mcbe_paired_visit(mcbe_estimator_t *e, int64_t block, int64_t first, int64_t last,
                                const mcbe_screen_t *screen, const mcbe_layers_t *layers)
{
    mcbe_paired_t *p = e->paired;
    const int n = e->frame->n;
    const int64_t shell = block * MCBE_PAIRED_SHELLS, start = shell * shell;
    const limits_t limits = set_limits(e, screen);
    if (e->in_f32) {
        screen_shells(e, &limits, shell);
    }
    const int test_again = limits.by_bytes || !e->in_f32;
    int64_t cleared_again = 0, visited = 0;
    for (int64_t i = next_suspect(p->suspect, first, last); i < last;
         i = next_suspect(p->suspect, i + 1, last)) {
        int64_t a, b;
        mcbe_paired_rows(start + i, &a, &b);
        const double scale = mcbe_paired_scale(&e->domain, n, p->a.x + a * n, p->b.x + b * n);
        if (scale == 0.0) { /* a + b = 0 is no point of K */
            continue;
        }
        const double norm_sum = sqrt((double)p->a.squares[a]) + sqrt((double)p->b.squares[b]);
        if (test_again && !test_pair(e, &limits, a, b, scale, norm_sum)) {
            cleared_again++;
            continue;
        }
        visited++;
        mcbe_status_t st = visit_pair(e, screen, a, b, scale, norm_sum, start + i, layers);
        if (st != MCBE_OK) {
            return st;
        }
    }
    const int64_t cleared_first = last - first - cleared_again - visited;
    e->stages.by_bytes += limits.by_bytes ? cleared_first : 0;
    e->stages.by_real += cleared_again + (limits.by_bytes ? 0 : cleared_first);
    return MCBE_OK;
}
