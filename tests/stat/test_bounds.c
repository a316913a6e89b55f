/* Confidence bounds over many random layers: V, the share of points that would lower alpha*, is counted on so
 * large a hold-out that it may pass for known, and must stay below a bound of level 1 - BETA in that share of the
 * layers. Error bars are three standard errors; every stream is fixed. */

#include "mcbe/bias.h"
#include "mcbe/stats.h"
#include "unit.h"

#define BETA 0.05

enum {
    SMALL_HOLDOUT = 4,  /* blocks for the bound by Clopper and Pearson: 1024 points */
    LARGE_HOLDOUT = 400 /* further blocks that give V, with an error of a tenth of its spread */
};

static const mcbe_domain_t sphere = {MCBE_DOMAIN_SPHERE, MCBE_RADIAL_ANALYTIC, 1, 0, 0, NULL};

/* One random layer and its estimator. */
typedef struct layer {
    mcbe_frame_t frame;
    mcbe_estimator_t *estimator;
    mcbe_bias_state_t state;
} layer_t;

static void layer_init(layer_t *layer, int n, int m, int64_t trial)
{
    const mcbe_stream_key_t key = {.seed = 2024, .n = n, .m = m, .trial = trial};
    layer->estimator = NULL;
    assert_int_equal(mcbe_frame_random(&layer->frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_OK);
    assert_int_equal(mcbe_bias_state_init(&layer->state, m), MCBE_OK);
    assert_int_equal(mcbe_estimator_create(&layer->estimator, &layer->frame, &sphere, &key,
                                           MCBE_PRECISION_MIXED),
                     MCBE_OK);
}

static void layer_free(layer_t *layer)
{
    mcbe_estimator_destroy(&layer->estimator);
    mcbe_bias_state_free(&layer->state);
    mcbe_frame_free(&layer->frame);
}

/* Visit the samples [first, last), numbered over all blocks. */
static void visit(layer_t *layer, int64_t first, int64_t last)
{
    const int64_t width = mcbe_domain_block_size(layer->frame.n);
    while (first < last) {
        const int64_t block = first / width, start = block * width;
        const int64_t end = last < start + width ? last : start + width;
        assert_int_equal(mcbe_estimator_block(layer->estimator, block, first - start, end - start,
                                              &layer->state, NULL),
                         MCBE_OK);
        first = end;
    }
}

static mcbe_holdout_t hold_out(layer_t *layer, int64_t first_block, int64_t blocks)
{
    mcbe_holdout_t counts = {0};
    for (int64_t block = first_block; block < first_block + blocks; block++) {
        assert_int_equal(mcbe_estimator_holdout(layer->estimator, block, 0,
                                                mcbe_domain_block_size(layer->frame.n),
                                                &layer->state, 1, &counts),
                         MCBE_OK);
    }
    return counts;
}

static double share_of(const mcbe_holdout_t *counts)
{
    return (double)counts->violations / (double)counts->samples;
}

static int64_t witnesses_of(const layer_t *layer)
{
    int64_t witnesses;
    assert_int_equal(mcbe_bias_witness_count(&layer->state, &witnesses), MCBE_OK);
    return witnesses;
}

/* How often a bound held, and how large it was. */
typedef struct record {
    int64_t held;
    double sum;
} record_t;

static void add(record_t *record, double bound, double share)
{
    record->held += share <= bound;
    record->sum += bound;
}

typedef struct experiment {
    int n, m;
    int64_t samples, layers;
} experiment_t;

typedef struct findings {
    record_t clopper_pearson, scenario, wait_and_judge;
    double share, difference, difference_squares; /* of V from K_(N+1) / (N+1) */
} findings_t;

static void study_layer(const experiment_t *e, int64_t trial, findings_t *found)
{
    layer_t layer;
    layer_init(&layer, e->n, e->m, trial);
    visit(&layer, 0, e->samples);
    const mcbe_holdout_t small = hold_out(&layer, 0, SMALL_HOLDOUT);
    const mcbe_holdout_t large = hold_out(&layer, SMALL_HOLDOUT, LARGE_HOLDOUT);
    const double share = share_of(&large);
    add(&found->clopper_pearson, mcbe_clopper_pearson_upper(small.violations, small.samples, BETA),
        share);
    add(&found->scenario, mcbe_scenario_bound(e->m, e->samples, BETA), share);
    add(&found->wait_and_judge, mcbe_wait_and_judge_bound(witnesses_of(&layer), e->samples, BETA),
        share);
    visit(&layer, e->samples, e->samples + 1);
    const double difference = share - (double)witnesses_of(&layer) / (double)(e->samples + 1);
    found->share += share;
    found->difference += difference;
    found->difference_squares += difference * difference;
    layer_free(&layer);
}

static void assert_covers(const char *name, const experiment_t *e, const record_t *record)
{
    const double layers = (double)e->layers, coverage = (double)record->held / layers;
    print_message("(%d, %d), N = %lld: %s: mean %.5f, holds for %.4f of %lld layers\n", e->n, e->m,
                  (long long)e->samples, name, record->sum / layers, coverage,
                  (long long)e->layers);
    assert_true(coverage >= 1 - BETA - 3 * sqrt(BETA * (1 - BETA) / layers));
}

static void study(const experiment_t *e, findings_t *found)
{
    const double layers = (double)e->layers;
    memset(found, 0, sizeof *found);
    for (int64_t trial = 0; trial < e->layers; trial++) {
        study_layer(e, trial, found);
    }
    const double mean = found->difference / layers;
    const double error = sqrt((found->difference_squares / layers - mean * mean) / layers);
    print_message("(%d, %d), N = %lld: mean V %.5f, less mean K/(N+1): %.6f +- %.6f\n", e->n, e->m,
                  (long long)e->samples, found->share / layers, mean, error);
    assert_true(fabs(mean) <= 3 * error && error < 0.02 * found->share / layers);
    assert_covers("Clopper-Pearson", e, &found->clopper_pearson);
    assert_covers("scenario", e, &found->scenario);
    assert_covers("wait and judge", e, &found->wait_and_judge);
}

/* Nearly every row has a witness of its own, so V is nearly Beta(m, N - m + 1): the scenario bound is exact, and
 * hold-outs of about nine violations lose little to their being whole numbers. */
static void a_small_layer(void **state)
{
    (void)state;
    const experiment_t e = {.n = 3, .m = 9, .samples = 1000, .layers = 1000};
    findings_t found;
    study(&e, &found);
    assert_true((double)found.scenario.held <= 0.98 * (double)e.layers);
    assert_true((double)found.clopper_pearson.held <= 0.99 * (double)e.layers);
    assert_true(found.wait_and_judge.sum <= 2.5 * found.share);
}

/* Many points are the witness of several rows: the scenario bound is no longer the best one can say. */
static void a_larger_layer(void **state)
{
    (void)state;
    const experiment_t e = {.n = 10, .m = 50, .samples = 1000, .layers = 200};
    findings_t found;
    study(&e, &found);
    assert_true(found.share <= 0.95 * (double)(e.layers * e.m) / (double)(e.samples + 1));
}

/* Looking again after every point until QUIET of them have changed nothing is no experiment of QUIET points: 3 /
 * QUIET, which would hold for 95 % of hold-outs without a violation, does not. */
static void quiet_samples_are_no_holdout(void **state)
{
    (void)state;
    enum { QUIET = 200, LAYERS = 400 };
    int64_t held = 0;
    for (int64_t trial = 0; trial < LAYERS; trial++) {
        layer_t layer;
        layer_init(&layer, 3, 9, trial);
        while (layer.state.samples - 1 - layer.state.last_update < QUIET) {
            visit(&layer, layer.state.samples, layer.state.samples + 1);
        }
        const mcbe_holdout_t counts = hold_out(&layer, 0, 200);
        held += share_of(&counts) <= 3.0 / QUIET;
        layer_free(&layer);
    }
    print_message("3/s after s = %d quiet samples: holds for %.4f of %d layers\n", QUIET,
                  (double)held / LAYERS, LAYERS);
    assert_true((double)held / LAYERS <= 0.95 - 3 * sqrt(0.05 * 0.95 / LAYERS));
}

/* The interval of a midpoint at z = 1.96, from 8 points of 20 trials each; the law of the likelihood ratio it
 * goes by is a limit, for which another percent is allowed. */
static void logistic_intervals_hold_the_midpoint(void **state)
{
    (void)state;
    enum { CURVES = 4000, POINTS = 8, TRIALS = 20 };
    mcbe_rng_t rng = test_rng(77);
    int64_t held = 0, one_error = 0;
    for (int curve = 0; curve < CURVES; curve++) {
        const double x0 = 20 + mcbe_rng_uniform(&rng), scale = 0.5 + mcbe_rng_uniform(&rng);
        double x[POINTS];
        int64_t successes[POINTS] = {0}, trials[POINTS];
        for (int i = 0; i < POINTS; i++) {
            x[i] = 17 + i;
            trials[i] = TRIALS;
            for (int trial = 0; trial < TRIALS; trial++) {
                successes[i] += mcbe_rng_uniform(&rng) < 1 / (1 + exp(-(x[i] - x0) / scale));
            }
        }
        mcbe_logistic_t fit;
        mcbe_logistic_fit(x, successes, trials, POINTS, 1.96, &fit);
        held += fit.low <= x0 && x0 <= fit.high;
        one_error += fabs(fit.x0 - x0) <= fit.x0_error;
    }
    const double coverage = (double)held / CURVES, within = (double)one_error / CURVES;
    print_message("logistic: interval holds for %.4f, one standard error for %.4f\n", coverage,
                  within);
    assert_true(fabs(coverage - 0.95) <= 0.01 + 3 * sqrt(0.05 * 0.95 / CURVES));
    assert_true(fabs(within - 0.6827) <= 0.01 + 3 * sqrt(0.68 * 0.32 / CURVES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_small_layer),
        UNIT_TEST(a_larger_layer),
        UNIT_TEST(quiet_samples_are_no_holdout),
        UNIT_TEST(logistic_intervals_hold_the_midpoint),
    };
    return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
