#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bench_baseline.h"
#include "check.h"
#include "clock.h"
#include "memory.h"

#define SEED 20240101
#define MAX_REPEATS 32

/* Work of one timing of a product: long enough for the clock, short enough for many. */
#define PRODUCT_FLOPS 2e9
/* Points of one timing of the selection. */
#define SELECTION_POINTS 4096
/* Its alpha* rounds otherwise than ours; beyond this it would be another alpha*. */
#define SELECTION_TOLERANCE 1e-9

static const mcbe_domain_t sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1.0};
static const int product_blocks[] = {64, 128, 256, 512, 1024, 2048};
static const int selection_blocks[] = {64, 256, 1024};

static mcbe_stream_key_t key_of(const mcbe_bench_case_t *what)
{
    return (mcbe_stream_key_t){.seed = SEED, .n = what->n, .m = what->m};
}

/* --- the estimator ---------------------------------------------------------------------------- */

/* An estimate under way. */
typedef struct estimate {
    mcbe_estimator_t *estimator; /* owned */
    mcbe_bias_state_t state;
    int64_t block; /* the next one */
} estimate_t;

static void finish(estimate_t *run)
{
    mcbe_estimator_destroy(&run->estimator);
    mcbe_bias_state_free(&run->state);
    *run = (estimate_t){0};
}

/* @param[in,out] run  zeroed; finish() it whatever the result */
static mcbe_status_t start(estimate_t *run, const mcbe_bench_case_t *what,
                           const mcbe_frame_t *frame, mcbe_precision_t precision, int64_t samples)
{
    const mcbe_stream_key_t key = key_of(what);
    const mcbe_status_t st = mcbe_bias_state_init(&run->state, frame->m);
    return st != MCBE_OK ? st
                         : mcbe_estimator_create_design(&run->estimator, frame, &sphere, &key,
                                                        precision, what->design, samples);
}

/* Visit all samples below `end`. */
static mcbe_status_t visit(estimate_t *run, const mcbe_bench_case_t *what, int64_t end)
{
    mcbe_status_t st = MCBE_OK;
    for (; st == MCBE_OK && run->state.samples < end; run->block++) {
        const int64_t next = mcbe_block_start(what->design, what->n, run->block + 1);
        st =
            mcbe_estimator_block(run->estimator, run->block, 0,
                                 (next < end ? next : end) - run->state.samples, &run->state, NULL);
    }
    return st;
}

/* --- validity --------------------------------------------------------------------------------- */

static int same(const mcbe_bias_state_t *a, const mcbe_bias_state_t *b)
{
    const size_t m = (size_t)a->m;
    return !memcmp(a->alpha, b->alpha, m * sizeof *a->alpha) &&
           !memcmp(a->witness, b->witness, m * sizeof *a->witness) && a->samples == b->samples &&
           a->updates == b->updates && a->last_update == b->last_update &&
           a->min_active == b->min_active && a->min_active_sample == b->min_active_sample;
}

static int close_to(const mcbe_frame_t *frame, const double *alpha, const double *other)
{
    for (int j = 0; j < frame->m; j++) {
        const double allowed = SELECTION_TOLERANCE * frame->norm[j];
        if (alpha[j] != other[j] && !(fabs(alpha[j] - other[j]) <= allowed)) {
            return 0;
        }
    }
    return 1;
}

/* Both precisions must give the same bits, and the plain algorithm on the same points the same
 * alpha* up to its rounding. */
static mcbe_status_t check(const mcbe_bench_case_t *what, const mcbe_frame_t *frame, double *alpha,
                           mcbe_bench_result_t *result)
{
    const mcbe_stream_key_t key = key_of(what);
    estimate_t mixed = {0}, exact = {0};
    double seconds;
    mcbe_status_t st;
    MCBE_TRY(start(&mixed, what, frame, MCBE_PRECISION_MIXED, what->checked));
    MCBE_TRY(start(&exact, what, frame, MCBE_PRECISION_DOUBLE, what->checked));
    MCBE_TRY(visit(&mixed, what, what->checked));
    MCBE_TRY(visit(&exact, what, what->checked));
    result->valid = same(&mixed.state, &exact.state);
    if (!result->valid) {
        snprintf(result->why, sizeof result->why,
                 "precisions mixed and double differ over the first %lld points",
                 (long long)what->checked);
    } else if (what->design == MCBE_DESIGN_IID) {
        MCBE_TRY(mcbe_baseline_selection(frame, &key, what->checked, selection_blocks[0], alpha,
                                         &seconds));
        result->valid = close_to(frame, mixed.state.alpha, alpha);
        if (!result->valid) {
            snprintf(result->why, sizeof result->why,
                     "alpha* of the plain algorithm differs over the first %lld points",
                     (long long)what->checked);
        }
    }
out:
    finish(&exact);
    finish(&mixed);
    return st;
}

/* --- timing ----------------------------------------------------------------------------------- */

static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    return 0.5 * (values[(count - 1) / 2] + values[count / 2]);
}

/* Time a whole estimate, or, of a case with a warm start, its next samples.
 *  @param[in,out] run  kept from one call to the next only where the start is warm */
static mcbe_status_t time_estimate(const mcbe_bench_case_t *what, const mcbe_frame_t *frame,
                                   int repeats, estimate_t *run, double *ns, mcbe_stages_t *stages)
{
    const mcbe_clock_t clock = mcbe_clock_monotonic();
    double before = mcbe_clock_now(&clock);
    mcbe_stages_t seen;
    mcbe_status_t st;
    if (!run->estimator) {
        MCBE_TRY(start(run, what, frame, MCBE_PRECISION_MIXED,
                       what->warm + (what->warm > 0 ? repeats : 1) * what->samples));
    }
    if (what->warm > 0) {
        MCBE_TRY(visit(run, what, what->warm));
        before = mcbe_clock_now(&clock);
    }
    seen = mcbe_estimator_stages(run->estimator);
    MCBE_TRY(visit(run, what, run->state.samples + what->samples));
    *stages = mcbe_estimator_stages(run->estimator);
    stages->by_bytes -= seen.by_bytes;
    stages->by_real -= seen.by_real;
    stages->canonical -= seen.canonical;
    if (what->warm == 0) {
        finish(run);
    }
    *ns = 1e9 * (mcbe_clock_now(&clock) - before) / (double)what->samples;
out:
    return st;
}

typedef enum rival { RIVAL_SELECTION, RIVAL_SGEMM, RIVAL_DGEMM, RIVAL_COUNT } rival_t;

static mcbe_status_t time_rival(rival_t rival, const mcbe_bench_case_t *what,
                                const mcbe_frame_t *frame, int block, double *alpha, double *ns)
{
    const mcbe_stream_key_t key = key_of(what);
    double seconds;
    mcbe_status_t st;
    if (rival == RIVAL_SELECTION) {
        st = mcbe_baseline_selection(frame, &key, SELECTION_POINTS, block, alpha, &seconds);
        *ns = 1e9 * seconds / SELECTION_POINTS;
        return st;
    }
    const double flops = 2.0 * what->n * what->m * block;
    const int64_t calls = (int64_t)ceil(PRODUCT_FLOPS / flops);
    st = mcbe_baseline_products(frame, &key, rival == RIVAL_SGEMM, block, calls, &seconds);
    *ns = 1e9 * seconds / ((double)calls * block);
    return st;
}

/* Each rival gets the block size at which it is fastest. */
static mcbe_status_t choose_block(rival_t rival, const mcbe_bench_case_t *what,
                                  const mcbe_frame_t *frame, double *alpha,
                                  mcbe_bench_baseline_t *baseline)
{
    const int *blocks = rival == RIVAL_SELECTION ? selection_blocks : product_blocks;
    const size_t count = rival == RIVAL_SELECTION
                             ? sizeof selection_blocks / sizeof *selection_blocks
                             : sizeof product_blocks / sizeof *product_blocks;
    double best = INFINITY;
    mcbe_status_t st = MCBE_OK;
    for (size_t i = 0; i < count && st == MCBE_OK; i++) {
        double ns;
        st = time_rival(rival, what, frame, blocks[i], alpha, &ns);
        if (st == MCBE_OK && ns < best) {
            best = ns;
            baseline->block = blocks[i];
        }
    }
    return st;
}

mcbe_status_t mcbe_bench_run(const mcbe_bench_case_t *what, int repeats,
                             mcbe_bench_result_t *result)
{
    const mcbe_stream_key_t key = key_of(what);
    mcbe_frame_t frame = {0};
    estimate_t run = {0};
    double ours[MAX_REPEATS], theirs[RIVAL_COUNT][MAX_REPEATS], *alpha = NULL;
    mcbe_bench_baseline_t *baselines[RIVAL_COUNT] = {&result->selection, &result->sgemm,
                                                     &result->dgemm};
    mcbe_status_t st;
    MCBE_BUG_ASSERT(repeats >= 1 && repeats <= MAX_REPEATS);
    memset(result, 0, sizeof *result);
    MCBE_TRY(mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0));
    alpha = mcbe_alloc((size_t)frame.m, sizeof *alpha);
    if (!alpha) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    MCBE_TRY(check(what, &frame, alpha, result));
    if (!result->valid) {
        goto out;
    }
    for (int rival = 0; rival < RIVAL_COUNT; rival++) {
        MCBE_TRY(choose_block((rival_t)rival, what, &frame, alpha, baselines[rival]));
    }
    /* in turns, so that a change of the clock rate or a noisy neighbour meets all of them */
    for (int i = 0; i < repeats; i++) {
        MCBE_TRY(time_estimate(what, &frame, repeats, &run, &ours[i], &result->stages));
        for (int rival = 0; rival < RIVAL_COUNT; rival++) {
            MCBE_TRY(time_rival((rival_t)rival, what, &frame, baselines[rival]->block, alpha,
                                &theirs[rival][i]));
        }
    }
    result->repeats = repeats;
    result->ns_median = median(ours, repeats);
    result->ns_min = ours[0];
    for (int rival = 0; rival < RIVAL_COUNT; rival++) {
        baselines[rival]->ns = median(theirs[rival], repeats);
    }
out:
    mcbe_free(alpha);
    finish(&run);
    mcbe_frame_free(&frame);
    return st;
}
