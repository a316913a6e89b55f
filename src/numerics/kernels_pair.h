#ifndef MCBE_KERNELS_PAIR_H
#define MCBE_KERNELS_PAIR_H

/* The inner loops of the paired design, a part of kernels.c (included there once for every
 * instruction set). One bank row, called fixed, meets a tile of MCBE_SCREEN_TILE rows of the other
 * bank. */

#include <math.h>
#include <string.h>

#if defined(__AVX512BW__)
#include <immintrin.h>
#endif

#include "kernels.h"

/* Vectors as wide as the registers of the instruction set this is compiled for. */
#if defined(__AVX512BW__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
typedef int8_t bytes_t __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef uint8_t counts_t __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t words_t __attribute__((vector_size(VECTOR_BYTES)));

/* Byte counters are added up before they can overflow. */
#define ROWS_PER_COUNTER 255

/* Products of the fixed row with each row of the tile, all in the order k = 0 .. n-1. */
static inline void tile_products(int n, const float *restrict tile, const float *restrict fixed,
                                 float *restrict dot)
{
    for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
        dot[s] = fixed[0] * tile[s];
    }
    for (int k = 1; k < n; k++) {
        const float *row = tile + (ptrdiff_t)k * MCBE_SCREEN_TILE;
        const float factor = fixed[k];
        for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
            dot[s] += factor * row[s];
        }
    }
}

/* |a + b|^2 = |a|^2 + |b|^2 + 2 <a, b> and a bound on its error. */
typedef struct square {
    float value, error;
    int known; /* to a percent of the norm; other points are not screened */
} square_t;

/* In units of |a|^2 + |b|^2. */
static inline float square_slack(int n)
{
    return 2.2F * ((float)n + 8.0F) * 0x1p-24F;
}

static inline square_t square_of_sum(float slack, float squares, float dot)
{
    square_t square = {.value = squares + 2.0F * dot, .error = slack * squares};
    square.known = square.value > 256.0F * square.error;
    return square;
}

static void pair_uppers(int n, const float *restrict tile, const float *restrict tile_squares,
                        const float *restrict fixed, float fixed_square, float *restrict upper)
{
    const float slack = square_slack(n);
    float dot[MCBE_SCREEN_TILE];
    tile_products(n, tile, fixed, dot);
    for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
        const square_t square = square_of_sum(slack, fixed_square + tile_squares[s], dot[s]);
        upper[s] = square.known ? sqrtf(square.value + square.error) * (1.0F + 0x1p-20F) : INFINITY;
    }
}

static void pair_norms(int n, const float *restrict tile, const float *restrict tile_squares,
                       const float *restrict fixed, float fixed_square, mcbe_pair_norms_t *norms)
{
    const float slack = square_slack(n);
    float dot[MCBE_SCREEN_TILE];
    tile_products(n, tile, fixed, dot);
    for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
        const float squares = fixed_square + tile_squares[s];
        const square_t square = square_of_sum(slack, squares, dot[s]);
        const float safe = square.known ? square.value : 1.0F;
        norms->inverse[s] = square.known ? 1.0F / sqrtf(safe) : 0.0F;
        norms->error[s] = square.known ? 1.5F * slack * (1.0F + squares / safe) : INFINITY;
    }
}

/* floor(scale (c - margin norm) - 2^-12), clipped; the 2^-12 cover the roundings here and in the
 * limits. */
static void lower_bytes(int m, const float *restrict tile, float scale,
                        const float *restrict margin, const float *restrict norm,
                        int8_t *restrict bytes)
{
    for (int j = 0; j < m; j++) {
        const ptrdiff_t row = (ptrdiff_t)j * MCBE_SCREEN_TILE;
        for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
            const float value = scale * (tile[row + s] - margin[j] * norm[s]) - 0x1p-12F;
            const float high = value < (float)MCBE_BYTE_MAX ? value : (float)MCBE_BYTE_MAX;
            const float clipped = high < -(float)MCBE_BYTE_MAX ? (float)MCBE_BYTE_LOW : high;
            const int whole = (int)clipped; /* towards 0, so that a negative one may be too high */
            bytes[row + s] = (int8_t)(whole - ((float)whole > clipped));
        }
    }
}

static void pair_limits_i8(float level, const float *restrict upper, int8_t *restrict limit)
{
    for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
        const float value = level * upper[s];
        limit[s] = value < 126.0F ? (int8_t)((int)value + 1) : 127;
    }
}

/* counts, plus 1 where a < b */
static inline counts_t count_less(counts_t counts, bytes_t a, bytes_t b)
{
#if defined(__AVX512BW__)
    /* left to itself the compiler makes a vector of the mask first */
    const __mmask64 less = _mm512_cmplt_epi8_mask((__m512i)a, (__m512i)b);
    return (counts_t)_mm512_mask_sub_epi8((__m512i)counts, less, (__m512i)counts,
                                          _mm512_set1_epi8(-1));
#else
    return counts - (counts_t)(a < b); /* true is all bits set */
#endif
}

/* Rows that fail: twice, since an addition has to wait for the one before. */
typedef struct failures {
    counts_t alpha[2], active[2];
} failures_t;

/* Rows first .. last - 1, at most ROWS_PER_COUNTER. */
static inline failures_t count_failures(const int8_t *restrict tile, const uint32_t *restrict fixed,
                                        bytes_t limit, int first, int last)
{
    failures_t count = {0};
    for (int j = first; j < last; j += 2) {
        for (int u = 0; u < 2 && j + u < last; u++) {
            const bytes_t *row = (const bytes_t *)(tile + (ptrdiff_t)(j + u) * MCBE_SCREEN_TILE);
            const bytes_t sum = *row + (bytes_t)((words_t){0} + fixed[j + u]);
            count.alpha[u] = count_less(count.alpha[u], sum, limit);
            count.active[u] = count_less(count.active[u], sum, (bytes_t){0});
        }
    }
    return count;
}

static int pair_screen_i8(int m, const int8_t *restrict tile, const uint32_t *restrict fixed,
                          const int8_t *restrict limit, int need, int active_seen,
                          unsigned char *restrict suspect)
{
    int any = 0;
    for (int start = 0; start < MCBE_SCREEN_TILE; start += VECTOR_BYTES) {
        int alpha_spare[VECTOR_BYTES], active_spare[VECTOR_BYTES]; /* rows that may yet fail */
        for (int s = 0; s < VECTOR_BYTES; s++) {
            alpha_spare[s] = m - need;
            active_spare[s] = m - active_seen;
        }
        for (int first = 0; first < m; first += ROWS_PER_COUNTER) {
            const int last = first + ROWS_PER_COUNTER < m ? first + ROWS_PER_COUNTER : m;
            const failures_t count =
                count_failures(tile + start, fixed, *(const bytes_t *)(limit + start), first, last);
            const counts_t alpha = count.alpha[0] + count.alpha[1];
            const counts_t active = count.active[0] + count.active[1];
            for (int s = 0; s < VECTOR_BYTES; s++) {
                alpha_spare[s] -= alpha[s];
                active_spare[s] -= active[s];
            }
        }
        for (int s = 0; s < VECTOR_BYTES; s++) {
            const int flags = (alpha_spare[s] < 0 ? MCBE_SUSPECT_ALPHA : 0) |
                              (active_spare[s] < 0 ? MCBE_SUSPECT_ACTIVE : 0);
            suspect[start + s] = (unsigned char)flags;
            any |= flags;
        }
    }
    return any;
}

static int pair_screen_f32(int m, const float *restrict tile, const float *restrict fixed,
                           const mcbe_pair_norms_t *norms, const float *restrict alpha,
                           const float *restrict row_norm, int need, int active_seen,
                           unsigned char *restrict suspect)
{
    float rival[MCBE_SCREEN_TILE], inverse[MCBE_SCREEN_TILE], error[MCBE_SCREEN_TILE];
    int32_t active[MCBE_SCREEN_TILE] = {0}, ahead[MCBE_SCREEN_TILE] = {0};
    int any = 0;
    memcpy(inverse, norms->inverse, sizeof inverse);
    memcpy(error, norms->error, sizeof error);
    for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
        rival[s] = -INFINITY;
    }
    for (int j = 0; j < m; j++) {
        const float *row = tile + (ptrdiff_t)j * MCBE_SCREEN_TILE;
        const float add = fixed[j], limit = alpha[j], norm = row_norm[j];
        for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
            const float c = (row[s] + add) * inverse[s], slack = norm * error[s];
            const float candidate = c - slack < limit ? c + slack : -INFINITY;
            rival[s] = candidate > rival[s] ? candidate : rival[s];
            active[s] += c >= slack;
        }
    }
    for (int j = 0; j < m; j++) {
        const float *row = tile + (ptrdiff_t)j * MCBE_SCREEN_TILE;
        const float add = fixed[j], norm = row_norm[j];
        for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
            ahead[s] += (row[s] + add) * inverse[s] - norm * error[s] > rival[s];
        }
    }
    for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
        const int flags = (ahead[s] < need ? MCBE_SUSPECT_ALPHA : 0) |
                          (active[s] < active_seen ? MCBE_SUSPECT_ACTIVE : 0);
        suspect[s] = (unsigned char)flags;
        any |= flags;
    }
    return any;
}

/* One pair alone; rows are padded to MCBE_PAIR_LANES, and a padding row changes no count. */
#define DEFINE_PAIR_TEST(function, real, integer)                                                  \
    static int function(int m, const real *restrict a, const real *restrict b, real inverse,       \
                        real error, const real *restrict alpha, const real *restrict row_norm,     \
                        int need, int active_seen)                                                 \
    {                                                                                              \
        real rival[MCBE_PAIR_LANES];                                                               \
        integer active[MCBE_PAIR_LANES] = {0}, ahead[MCBE_PAIR_LANES] = {0};                       \
        for (int s = 0; s < MCBE_PAIR_LANES; s++) {                                                \
            rival[s] = -(real)INFINITY;                                                            \
        }                                                                                          \
        for (int j = 0; j < m; j += MCBE_PAIR_LANES) {                                             \
            for (int s = 0; s < MCBE_PAIR_LANES; s++) {                                            \
                const real c = (a[j + s] + b[j + s]) * inverse;                                    \
                const real slack = row_norm[j + s] * error;                                        \
                const real candidate = c - slack < alpha[j + s] ? c + slack : -(real)INFINITY;     \
                rival[s] = candidate > rival[s] ? candidate : rival[s];                            \
                active[s] += c >= slack;                                                           \
            }                                                                                      \
        }                                                                                          \
        for (int half = MCBE_PAIR_LANES / 2; half > 0; half /= 2) {                                \
            for (int s = 0; s < half; s++) {                                                       \
                rival[s] = rival[s + half] > rival[s] ? rival[s + half] : rival[s];                \
            }                                                                                      \
        }                                                                                          \
        const real best = rival[0];                                                                \
        for (int j = 0; j < m; j += MCBE_PAIR_LANES) {                                             \
            for (int s = 0; s < MCBE_PAIR_LANES; s++) {                                            \
                const real c = (a[j + s] + b[j + s]) * inverse;                                    \
                ahead[s] += c - row_norm[j + s] * error > best;                                    \
            }                                                                                      \
        }                                                                                          \
        integer count_ahead = 0, count_active = 0;                                                 \
        for (int s = 0; s < MCBE_PAIR_LANES; s++) {                                                \
            count_ahead += ahead[s];                                                               \
            count_active += active[s];                                                             \
        }                                                                                          \
        return (count_ahead < need ? MCBE_SUSPECT_ALPHA : 0) |                                     \
               (count_active < active_seen ? MCBE_SUSPECT_ACTIVE : 0);                             \
    }

DEFINE_PAIR_TEST(pair_test_f32, float, int32_t)
DEFINE_PAIR_TEST(pair_test_f64, double, int64_t)

#endif
