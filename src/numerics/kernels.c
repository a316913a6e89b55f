#include "kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels_flat.h"
#include "kernels_pair.h"

/* This file is compiled several times, with MCBE_KERNELS naming the table and MCBE_KERNELS_NAME its
 * text. */
#ifndef MCBE_KERNELS
#error "compile through mcbe_add_kernels in cmake/McbeCompile.cmake"
#endif

/* -2 ln(u) for u in (0, 1]: u = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), ln(1 + f) = f -
 * f^2/2 + f^3 p(f). Minimax fit of p in relative error of ln (0.1 ulp before rounding; 2 ulp in
 * all, see test_normals). */
static inline float minus_two_log(float u)
{
    static const float p0 = 0.333333313F, p1 = -0.250008196F, p2 = 0.200012267F, p3 = -0.166233569F,
                       p4 = 0.142017588F, p5 = -0.131601825F, p6 = 0.127615750F,
                       p7 = -0.0763449296F;
    static const float ln2_high = 0.693359375F,
                       ln2_low = -2.12194440e-4F; /* high: 9 bits, e * high exact */
    uint32_t bits;
    memcpy(&bits, &u, sizeof bits);
    /* shift the window so that the exponent field counts from sqrt(1/2) = 0x3f3504f3 */
    int32_t e = (int32_t)(bits - 0x3f3504f3U) >> 23;
    uint32_t mantissa = bits - ((uint32_t)e << 23);
    float f;
    memcpy(&f, &mantissa, sizeof f);
    f = f - 1.0F;
    float p = p7;
    p = p * f + p6;
    p = p * f + p5;
    p = p * f + p4;
    p = p * f + p3;
    p = p * f + p2;
    p = p * f + p1;
    p = p * f + p0;
    float square = f * f;
    float tail = square * f * p - 0.5F * square;
    float exponent = (float)e;
    return -2.0F * (exponent * ln2_high + (f + (tail + exponent * ln2_low)));
}

/* -value if the uppermost bit is set. */
static inline float flip_sign(float value, uint32_t bits)
{
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    word ^= bits & 0x80000000U;
    memcpy(&value, &word, sizeof value);
    return value;
}

static inline void box_muller(size_t draws, const uint64_t *restrict bits, float *restrict cosines,
                              float *restrict sines)
{
    /* sin x = x + x z s(z), cos x = 1 - z/2 + z^2 c(z) with z = x^2, |x| <= pi/4; minimax fits,
     * 0.06 ulp */
    static const float s0 = -0.166666552F, s1 = 8.33217800e-3F, s2 = -1.95172994e-4F;
    static const float c0 = 4.16666456e-2F, c1 = -1.38873677e-3F, c2 = 2.44384519e-5F;
    static const float quarter = 3.65729530e-10F; /* (pi / 2) 2^-32 */
    for (size_t i = 0; i < draws; i++) {
        uint32_t low = (uint32_t)bits[i];
        float u = ((float)(int32_t)(bits[i] >> 33) + 0.5F) * 4.65661287e-10F; /* 2^-31 */
        float radius = sqrtf(minus_two_log(u));
        /* the upper two bits of `low` choose the quarter turn, the rest the angle inside it,
         * centred */
        float x = (float)(int32_t)((low << 2) ^ 0x80000000U) * quarter;
        float z = x * x;
        float sine = x + x * z * ((s2 * z + s1) * z + s0);
        float cosine = 1.0F - 0.5F * z + z * z * ((c2 * z + c1) * z + c0);
        int odd = (low & 0x40000000U) != 0;
        float first = odd ? sine : cosine, second = odd ? cosine : sine;
        cosines[i] = flip_sign(radius * first, low + 0x40000000U); /* turns 1 and 2 */
        sines[i] = flip_sign(radius * second, low);                /* turns 2 and 3 */
    }
}

static void normals(size_t count, const uint64_t *restrict bits, float *restrict out)
{
    for (; count >= 2 * MCBE_NORMAL_GROUP; count -= 2 * MCBE_NORMAL_GROUP) {
        box_muller(MCBE_NORMAL_GROUP, bits, out, out + MCBE_NORMAL_GROUP);
        bits += MCBE_NORMAL_GROUP;
        out += 2 * MCBE_NORMAL_GROUP;
    }
    if (count > 0) { /* an odd count: the last sine has no place */
        const size_t draws = (count + 1) / 2;
        float sines[MCBE_NORMAL_GROUP];
        box_muller(draws, bits, out, sines);
        memcpy(out + draws, sines, (count - draws) * sizeof *out);
    }
}

static void sum_squares(int n, int width, const float *restrict x, double *restrict squares)
{
    for (int start = 0; start < width; start += MCBE_SCREEN_TILE) {
        double sum[MCBE_SCREEN_TILE] = {0};
        for (int k = 0; k < n; k++) {
            const float *row = x + (ptrdiff_t)k * width + start;
            for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
                sum[s] += (double)row[s] * (double)row[s];
            }
        }
        memcpy(squares + start, sum, sizeof sum);
    }
}

static void coefficients(int m, int n, const double *restrict wt, const float *restrict a,
                         const float *restrict b, ptrdiff_t stride, double scale,
                         double *restrict c)
{
    memset(c, 0, (size_t)m * sizeof *c);
    for (int k = 0; k < n; k++) {
        const double ak = (double)a[k * stride];
        const double xk = b ? ak + (double)b[k * stride] : ak;
        const double *column = wt + (ptrdiff_t)k * m;
        for (int j = 0; j < m; j++) {
            c[j] += column[j] * xk;
        }
    }
    for (int j = 0; j < m; j++) {
        c[j] = c[j] * scale + 0.0; /* + 0.0 turns -0.0 into 0.0 */
    }
}

/* Each sum has to wait for its own additions, not for those of others. */
static void row_coefficients(int n, const double *restrict w, const int rows[MCBE_ROWS_AT_ONCE],
                             const float *restrict a, const float *restrict b, ptrdiff_t stride,
                             double scale, double *restrict c)
{
    const double *row[MCBE_ROWS_AT_ONCE];
    double sum[MCBE_ROWS_AT_ONCE] = {0};
    for (int i = 0; i < MCBE_ROWS_AT_ONCE; i++) {
        row[i] = w + (ptrdiff_t)rows[i] * n;
    }
    for (ptrdiff_t k = 0; k < n; k++) {
        const double ak = (double)a[k * stride];
        const double xk = b ? ak + (double)b[k * stride] : ak;
        for (int i = 0; i < MCBE_ROWS_AT_ONCE; i++) {
            sum[i] += row[i][k] * xk;
        }
    }
    for (int i = 0; i < MCBE_ROWS_AT_ONCE; i++) {
        c[rows[i]] = sum[i] * scale + 0.0; /* + 0.0 turns -0.0 into 0.0 */
    }
}

/* Canonical squares of the lengths of as many rows times powers of two. */
static void row_squares(int n, const double *const rows[MCBE_ROWS_AT_ONCE],
                        const double unit[MCBE_ROWS_AT_ONCE], double squares[MCBE_ROWS_AT_ONCE])
{
    double sum[MCBE_ROWS_AT_ONCE] = {0};
    for (ptrdiff_t k = 0; k < n; k++) {
        for (int i = 0; i < MCBE_ROWS_AT_ONCE; i++) {
            const double entry = rows[i][k] * unit[i];
            sum[i] += entry * entry;
        }
    }
    memcpy(squares, sum, sizeof sum);
}

/* Lanes that a compiler can keep in vectors: a maximum over one variable is no loop it may
 * reorder. */
#define LANES 16

static double highest_below(int m, const double *restrict alpha, const double *restrict c)
{
    double best[LANES], highest = -INFINITY;
    for (int s = 0; s < LANES; s++) {
        best[s] = -INFINITY;
    }
    int j = 0;
    for (; j + LANES <= m; j += LANES) {
        for (int s = 0; s < LANES; s++) {
            const double candidate = c[j + s] < alpha[j + s] ? c[j + s] : -INFINITY;
            best[s] = candidate > best[s] ? candidate : best[s];
        }
    }
    for (; j < m; j++) {
        highest = c[j] < alpha[j] && c[j] > highest ? c[j] : highest;
    }
    for (int s = 0; s < LANES; s++) {
        highest = best[s] > highest ? best[s] : highest;
    }
    return highest;
}

static int count_above(int m, const double *restrict c, double value)
{
    int64_t count = 0;
    for (int j = 0; j < m; j++) {
        count += c[j] > value;
    }
    return (int)count;
}

static double largest_size(int n, const double *restrict values)
{
    double most[LANES], largest = 0.0;
    int64_t odd[LANES] = {0};
    for (int s = 0; s < LANES; s++) {
        most[s] = 0.0;
    }
    int k = 0;
    for (; k + LANES <= n; k += LANES) {
        for (int s = 0; s < LANES; s++) {
            const double size = fabs(values[k + s]);
            most[s] = size > most[s] ? size : most[s];
            odd[s] |= !(size >= 0.0);
        }
    }
    for (; k < n; k++) {
        const double size = fabs(values[k]);
        most[0] = size > most[0] ? size : most[0];
        odd[0] |= !(size >= 0.0);
    }
    for (int s = 0; s < LANES; s++) {
        largest = most[s] > largest ? most[s] : largest;
        largest = odd[s] ? INFINITY : largest;
    }
    return largest;
}

static void widen(int n, const float *restrict from, double *restrict to)
{
    for (int k = 0; k < n; k++) {
        to[k] = (double)from[k];
    }
}

static void round_scaled(size_t count, const double *restrict from, double unit, float *restrict to)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = (float)(from[i] * unit);
    }
}

/* Samples that are tested once more together if any of them needs it. */
#define SCREEN_GROUP 16

/* count + 1 or count; a vector addition under a mask where there are masks. */
#ifdef __AVX512F__
#define COUNT_IF(condition, count) ((condition) ? (count) + 1 : (count))
#else
#define COUNT_IF(condition, count) ((count) + (condition))
#endif

#define REAL float
#define INTEGER int32_t
#define NAME(name) name##_f32
#include "kernels_iid.h"
#undef REAL
#undef INTEGER
#undef NAME
#define REAL double
#define INTEGER int64_t
#define NAME(name) name##_f64
#include "kernels_iid.h"

#include "kernels_sweep.h"

extern const mcbe_kernels_t MCBE_KERNELS;
const mcbe_kernels_t MCBE_KERNELS = {
    .name = MCBE_KERNELS_NAME,
    .normals = normals,
    .sum_squares = sum_squares,
    .coefficients = coefficients,
    .row_coefficients = row_coefficients,
    .row_squares = row_squares,
    .highest_below = highest_below,
    .count_above = count_above,
    .largest_size = largest_size,
    .widen = widen,
    .round_scaled = round_scaled,
    .screen_f32 = screen_f32,
    .screen_f64 = screen_f64,
    .pair_norms = pair_norms,
    .pair_uppers = pair_uppers,
    .pair_limits_i8 = pair_limits_i8,
    .lower_bytes = lower_bytes,
    .pair_screen_i8 = pair_screen_i8,
    .pair_screen_f32 = pair_screen_f32,
    .pair_test_f32 = pair_test_f32,
    .pair_test_f64 = pair_test_f64,
    .tile_bounds = tile_bounds,
    .tile_ranges = tile_ranges,
    .tile_count_above = tile_count_above,
    .tile_limits = tile_limits,
    .tile_near = tile_near,
    .side_sums = side_sums,
    .reflect = reflect,
};
