#ifndef MCBE_KERNELS_PAIR_H
#define MCBE_KERNELS_PAIR_H

/* The inner loops of the paired design, a part of kernels.c (included there once for every
 * instruction set). One bank row, called fixed, meets a tile of MCBE_SCREEN_TILE rows of the other
 * bank. */

#include <math.h>
#include <string.h>

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

/* Byte counters are added up before they can overflow. */
#define ROWS_PER_COUNTER 255

static void pair_norms(int n, const float *restrict tile, const float *restrict tile_squares,
                       const float *restrict fixed, float fixed_square, mcbe_pair_norms_t *norms)
{
    const float slack = 2.2F * ((float)n + 8.0F) * 0x1p-24F;
    float dot[MCBE_SCREEN_TILE] = {0};
    for (int k = 0; k < n; k++) {
        const float *row = tile + (ptrdiff_t)k * MCBE_SCREEN_TILE;
        const float factor = fixed[k];
        for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
            dot[s] += factor * row[s];
        }
    }
    for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
        const float squares = fixed_square + tile_squares[s];
        const float error = slack * squares;
        const float square = squares + 2.0F * dot[s];
        /* Points whose norm is not known to a percent are not screened: error INFINITY says so. */
        const int known = square > 256.0F * error;
        const float safe = known ? square : 1.0F;
        norms->upper[s] = known ? sqrtf(square + error) * (1.0F + 0x1p-20F) : INFINITY;
        norms->inverse[s] = known ? 1.0F / sqrtf(safe) : 0.0F;
        norms->error[s] = known ? 1.5F * slack * (1.0F + squares / safe) : INFINITY;
    }
}

static void pair_limits_i8(float level, const float *restrict upper, int8_t *restrict limit)
{
    for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
        const float value = level * upper[s];
        limit[s] = value < 126.0F ? (int8_t)((int)value + 1) : 127;
    }
}

static int pair_screen_i8(int m, const int8_t *restrict tile, const int8_t *restrict fixed,
                          const int8_t *restrict limit, int need, int active_seen,
                          unsigned char *restrict suspect)
{
    int any = 0;
    for (int start = 0; start < MCBE_SCREEN_TILE; start += VECTOR_BYTES) {
        const bytes_t level = *(const bytes_t *)(limit + start);
        int above[VECTOR_BYTES] = {0}, active[VECTOR_BYTES] = {0};
        for (int first = 0; first < m; first += ROWS_PER_COUNTER) {
            const int last = first + ROWS_PER_COUNTER < m ? first + ROWS_PER_COUNTER : m;
            counts_t count_above = {0}, count_active = {0};
            for (int j = first; j < last; j++) {
                const bytes_t sum =
                    *(const bytes_t *)(tile + (ptrdiff_t)j * MCBE_SCREEN_TILE + start) + fixed[j];
                count_above -= (counts_t)(sum >= level); /* true is all bits set: adds 1 */
                count_active -= (counts_t)(sum >= 0);
            }
            for (int s = 0; s < VECTOR_BYTES; s++) {
                above[s] += count_above[s];
                active[s] += count_active[s];
            }
        }
        for (int s = 0; s < VECTOR_BYTES; s++) {
            const int flags = (above[s] < need ? MCBE_SUSPECT_ALPHA : 0) |
                              (active[s] < active_seen ? MCBE_SUSPECT_ACTIVE : 0);
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
        real rival[MCBE_PAIR_LANES], best = -(real)INFINITY;                                       \
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
        for (int s = 0; s < MCBE_PAIR_LANES; s++) {                                                \
            best = rival[s] > best ? rival[s] : best;                                              \
        }                                                                                          \
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
