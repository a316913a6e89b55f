#ifndef MCBE_BENCH_H
#define MCBE_BENCH_H

/* What `mcbe bench` measures; cmd_bench.c prints it. */

#include <stdint.h>

#include "mcbe/bias.h"

/* One matrix, one way of drawing points. */
typedef struct mcbe_bench_case {
    const char *name;
    mcbe_design_t design;
    int n, m;
    int64_t warm;    /* points visited before the clock starts; if > 0, repeats time the points that
                        follow, otherwise each repeat is a whole estimate */
    int64_t samples; /* points timed; both whole numbers of blocks */
    int64_t checked; /* points of the validity check, a multiple of the largest baseline block */
} mcbe_bench_case_t;

/* The fastest of several block sizes. */
typedef struct mcbe_bench_baseline {
    double ns; /* a point, median */
    int block;
} mcbe_bench_baseline_t;

typedef struct mcbe_bench_result {
    int valid;     /* nothing below is set unless this is 1 */
    char why[160]; /* what was wrong otherwise */
    int repeats;
    double ns_min, ns_median; /* a point */
    mcbe_stages_t stages;     /* of the timed points */
    mcbe_bench_baseline_t selection, sgemm, dgemm;
} mcbe_bench_result_t;

/* What this core does at most in a second, with the instruction set in use. */
typedef struct mcbe_bench_peaks {
    double fma_f32, fma_f64;        /* a fused multiply-add counts twice */
    double bytes;                   /* 8-bit integer operations */
    double load_first, load_second; /* bytes read from the first and second level cache */
} mcbe_bench_peaks_t;

/** Check one case, then time it and its baselines in turns. Not collective.
 *  @return MCBE_OK, also if the check failed; MCBE_ERR_NOMEM, MCBE_ERR_DIM */
MCBE_NODISCARD mcbe_status_t mcbe_bench_run(const mcbe_bench_case_t *what, int repeats,
                                            mcbe_bench_result_t *result);

/** @param[in] seconds  how long each loop runs, roughly
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_bench_peak(double seconds, mcbe_bench_peaks_t *peaks);

#endif
