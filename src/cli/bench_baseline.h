#ifndef MCBE_BENCH_BASELINE_H
#define MCBE_BENCH_BASELINE_H

/* What `mcbe bench` measures against. The code stands in bench/ and is linked into the program
 * only, so that libmcbe holds nothing but what it needs. All of it runs on one thread. */

#include <stdint.h>

#include "mcbe/frame.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Thesis Alg. 1 as one would write it: the points of the iid design on the unit sphere, blocks of
 *  them through dgemm, std::nth_element for the n largest coefficients of each point, minima.
 *  @param[in]  samples  points 0 .. samples - 1, a multiple of both block sizes
 *  @param[in]  width    points a product, a power of two
 *  @param[out] alpha    [m], +inf where a row was never among the n largest
 *  @param[out] seconds  how long it took, without allocations
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_baseline_selection(const mcbe_frame_t *frame,
                                                     const mcbe_stream_key_t *key, int64_t samples,
                                                     int width, double *alpha, double *seconds);

/** Nothing but the products: `calls` times W [m][n] times the same points [n][width].
 *  @param[in] single  sgemm, otherwise dgemm
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_baseline_products(const mcbe_frame_t *frame,
                                                    const mcbe_stream_key_t *key, int single,
                                                    int width, int64_t calls, double *seconds);

/* Loops that do nothing but keep one kind of unit busy, compiled for one instruction set. */
typedef struct mcbe_peak_loops {
    const char *path; /* as mcbe_cpu_path names it */
    /* each runs `rounds` rounds; @return operations (a fused multiply-add counts twice) */
    double (*fma_f32)(int64_t rounds, double *sink);
    double (*fma_f64)(int64_t rounds, double *sink);
    double (*bytes)(int64_t rounds, double *sink); /* 8-bit integer operations */
    /* sum of `count` floats, a multiple of 1024 */
    double (*load)(const float *data, int64_t count);
} mcbe_peak_loops_t;

/** The loops of the instruction set in use. */
const mcbe_peak_loops_t *mcbe_peak_loops_in_use(void);

#ifdef __cplusplus
}
#endif
#endif
