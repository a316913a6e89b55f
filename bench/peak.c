/* Compiled once per instruction set, see CMakeLists.txt; unlike everywhere else the compiler may
 * contract a * b + c here: the fused operation is what is measured. */
#include <stdint.h>

#include "bench_baseline.h"

#ifndef PEAKS
#error "compile through bench/CMakeLists.txt"
#endif

#if defined(__AVX512BW__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

typedef float f32_t __attribute__((vector_size(VECTOR_BYTES)));
typedef double f64_t __attribute__((vector_size(VECTOR_BYTES)));
typedef int8_t i8_t __attribute__((vector_size(VECTOR_BYTES)));

/* Independent chains: two units of latency 4 or 5 need ten. */
#define CHAINS 12

/* `step` on twelve named variables: an array might stay in memory. */
#define ALL(step)                                                                                  \
    step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7) step(8) step(9) step(10)       \
        step(11)
#define START(i) vector a##i = start + (real)i;
#define FUSE(i) a##i = a##i * x + y;
#define MIX(i) a##i = (a##i ^ x) - y;
#define ADD_UP(i) start += a##i;

#define DEFINE_LOOP(function, real_t, vector_t, step, operations)                                  \
    static double function(int64_t rounds, double *sink)                                           \
    {                                                                                              \
        typedef real_t real;                                                                       \
        typedef vector_t vector;                                                                   \
        vector start = {0}, x = {0}, y = {0};                                                      \
        x += (real)(*sink);     /* not known to the compiler */                                    \
        y += (real)(*sink / 2); /* and never denormal */                                           \
        ALL(START)                                                                                 \
        for (int64_t i = 0; i < rounds; i++) {                                                     \
            ALL(step)                                                                              \
        }                                                                                          \
        ALL(ADD_UP)                                                                                \
        *sink = (double)start[0];                                                                  \
        return (double)(operations)*CHAINS * (double)(VECTOR_BYTES / sizeof(real)) *               \
               (double)rounds;                                                                     \
    }

DEFINE_LOOP(fma_f32, float, f32_t, FUSE, 2)
DEFINE_LOOP(fma_f64, double, f64_t, FUSE, 2)
DEFINE_LOOP(mix_bytes, int8_t, i8_t, MIX, 2)

static double load(const float *data, int64_t count)
{
    const int64_t vectors = count * (int64_t)sizeof *data / VECTOR_BYTES;
    const f32_t *at = (const f32_t *)(const void *)data;
    f32_t sum[8] = {{0}};
    for (int64_t i = 0; i < vectors; i += 8) {
        for (int k = 0; k < 8; k++) {
            sum[k] += at[i + k];
        }
    }
    for (int k = 1; k < 8; k++) {
        sum[0] += sum[k];
    }
    return (double)sum[0][0];
}

extern const mcbe_peak_loops_t PEAKS;
const mcbe_peak_loops_t PEAKS = {
    .path = PEAKS_PATH, .fma_f32 = fma_f32, .fma_f64 = fma_f64, .bytes = mix_bytes, .load = load};
