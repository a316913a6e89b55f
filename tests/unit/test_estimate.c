#include "mcbe/estimate.h"

#include "mcbe/sample.h"
#include "unit.h"

enum { M = 30, N = 6 };

static const mcbe_stream_key_t key = {.seed = 5, .n = N, .m = M, .trial = 2};

static void draw_frame(mcbe_frame_t *frame)
{
    assert_int_equal(mcbe_frame_random(frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_OK);
}

static mcbe_domain_t sphere(void)
{
    return (mcbe_domain_t){.kind = MCBE_DOMAIN_SPHERE, .radius = 1};
}

static mcbe_status_t run(const mcbe_frame_t *frame, mcbe_estimate_t how, mcbe_bias_state_t *state)
{
    const mcbe_domain_t domain = sphere();
    mcbe_status_t st = mcbe_bias_state_init(state, frame->m);
    return st == MCBE_OK ? mcbe_estimate_layer(&how, frame, &domain, &key, state, NULL) : st;
}

static void assert_same(const mcbe_bias_state_t *a, const mcbe_bias_state_t *b)
{
    assert_memory_equal(a->alpha, b->alpha, (size_t)a->m * sizeof *a->alpha);
    assert_memory_equal(a->witness, b->witness, (size_t)a->m * sizeof *a->witness);
    assert_int_equal(a->samples, b->samples);
    assert_int_equal(a->updates, b->updates);
    assert_int_equal(a->last_update, b->last_update);
    assert_int_equal(a->min_active, b->min_active);
    assert_int_equal(a->min_active_sample, b->min_active_sample);
}

static void visit_one(const mcbe_frame_t *frame, mcbe_design_t design, int64_t sample,
                      mcbe_estimator_t *estimator, mcbe_bias_state_t *state)
{
    const mcbe_domain_t domain = sphere();
    mcbe_point_t point = {0};
    assert_int_equal(mcbe_point_init(&point, N), MCBE_OK);
    assert_int_equal(mcbe_sample_point(design, &domain, frame, &key, NULL, sample, &point),
                     MCBE_OK);
    assert_int_equal(
        mcbe_estimator_point(estimator, point.a, point.b, point.scale, sample, state, NULL),
        MCBE_OK);
    mcbe_point_free(&point);
}

/* Every point on its own, by its id, in the order of the ids. */
static void every_point_counts_once(void **unused)
{
    (void)unused;
    static const mcbe_design_t designs[] = {MCBE_DESIGN_IID, MCBE_DESIGN_PAIRED};
    const mcbe_domain_t domain = sphere();
    mcbe_frame_t frame;
    draw_frame(&frame);
    for (size_t i = 0; i < COUNT_OF(designs); i++) {
        const mcbe_estimate_t how = {.design = designs[i], .samples = 700, .init_rows = i == 1};
        mcbe_bias_state_t got = {0}, expected = {0};
        mcbe_estimator_t *estimator = NULL;
        assert_int_equal(run(&frame, how, &got), MCBE_OK);
        assert_int_equal(mcbe_bias_state_init(&expected, M), MCBE_OK);
        assert_int_equal(
            mcbe_estimator_create(&estimator, &frame, &domain, &key, MCBE_PRECISION_DOUBLE),
            MCBE_OK);
        for (int64_t row = 0; row < M && how.init_rows; row++) {
            visit_one(&frame, how.design, mcbe_row_sample(row), estimator, &expected);
        }
        for (int64_t sample = 0; sample < how.samples; sample++) {
            visit_one(&frame, how.design, sample, estimator, &expected);
        }
        assert_same(&got, &expected);
        mcbe_estimator_destroy(&estimator);
        mcbe_bias_state_free(&expected);
        mcbe_bias_state_free(&got);
    }
    mcbe_frame_free(&frame);
}

/* Looked over first, points give the same: layers of all shapes, ties among rows, both precisions. */
static void looking_ahead_changes_nothing(void **unused)
{
    (void)unused;
    static const mcbe_domain_kind_t kinds[] = {MCBE_DOMAIN_SPHERE, MCBE_DOMAIN_GAUSSIAN,
                                               MCBE_DOMAIN_CLOUD, MCBE_DOMAIN_CLOUD};
    for (int number = 0; number < test_cases(160); number++) {
        mcbe_rng_t rng = test_rng(900 + (uint64_t)number);
        const int n = test_between(&rng, 1, number % 8 == 0 ? 40 : 9);
        const int m = n + (number % 9 == 0 ? 0 : test_between(&rng, 0, number % 8 == 0 ? 120 : 40));
        float data[20 * 40];
        double w[160 * 40];
        mcbe_cloud_t *cloud = NULL;
        mcbe_frame_t frame;
        mcbe_bias_state_t plain = {0}, ahead = {0};
        mcbe_rng_normals(&rng, data, COUNT_OF(data));
        for (int i = 0; i < m * n; i++) {
            const int copy = number % 3 == 0 && i >= n && test_between(&rng, 0, 3) == 0;
            w[i] = copy ? w[i - n] : 100 * mcbe_rng_uniform(&rng) - 50;
        }
        assert_int_equal(mcbe_frame_copy(&frame, m, n, w, n, 0, NULL), MCBE_OK);
        assert_int_equal(mcbe_cloud_smoothing(&cloud, n, 20, data, 0.5, NULL), MCBE_OK);
        const mcbe_domain_t domain = {.kind = kinds[number % 4], .radius = 3, .cloud = cloud};
        const mcbe_stream_key_t stream = {.seed = 3, .n = n, .m = m, .trial = number};
        mcbe_estimate_t how = {.design = number % 4 != 3   ? MCBE_DESIGN_IID
                                         : number % 8 == 3 ? MCBE_DESIGN_CROSSED
                                                           : MCBE_DESIGN_CROSSED_SMALL,
                               .precision =
                                   number % 5 == 0 ? MCBE_PRECISION_DOUBLE : MCBE_PRECISION_MIXED,
                               .samples = test_between(&rng, 1, number % 16 == 3 ? 20000 : 1200)};
        assert_int_equal(mcbe_bias_state_init(&plain, m), MCBE_OK);
        assert_int_equal(mcbe_bias_state_init(&ahead, m), MCBE_OK);
        assert_int_equal(mcbe_estimate_layer(&how, &frame, &domain, &stream, &plain, NULL),
                         MCBE_OK);
        how.uncounted = 1;
        assert_int_equal(mcbe_estimate_layer(&how, &frame, &domain, &stream, &ahead, NULL),
                         MCBE_OK);
        assert_int_equal(ahead.updates, -1);
        ahead.updates = plain.updates;
        assert_same(&ahead, &plain);
        mcbe_bias_state_free(&ahead);
        mcbe_bias_state_free(&plain);
        mcbe_cloud_destroy(&cloud);
        mcbe_frame_free(&frame);
    }
}

/* Layer after layer by one estimator, of other sizes of rows and other points each time, as by new ones. */
static void an_estimator_turned_to_another_layer_is_as_new(void **unused)
{
    (void)unused;
    static const struct {
        mcbe_design_t design;
        mcbe_domain_kind_t kind;
    } cases[] = {{MCBE_DESIGN_IID, MCBE_DOMAIN_SPHERE},
                 {MCBE_DESIGN_IID, MCBE_DOMAIN_CLOUD},
                 {MCBE_DESIGN_PAIRED, MCBE_DOMAIN_SPHERE},
                 {MCBE_DESIGN_CROSSED, MCBE_DOMAIN_CLOUD},
                 {MCBE_DESIGN_CROSSED_SMALL, MCBE_DOMAIN_CLOUD}};
    static const double sizes[] = {1.0, 1e-3, 700.0};
    float data[20 * N];
    mcbe_rng_t rng = test_rng(77);
    mcbe_cloud_t *cloud = NULL;
    mcbe_rng_normals(&rng, data, COUNT_OF(data));
    assert_int_equal(mcbe_cloud_smoothing(&cloud, N, 20, data, 0.5, NULL), MCBE_OK);
    for (size_t i = 0; i < COUNT_OF(cases) * 4; i++) {
        const mcbe_domain_t domain = {.kind = cases[i / 4].kind, .radius = 1, .cloud = cloud};
        const mcbe_estimate_t how = {.design = cases[i / 4].design,
                                     .precision =
                                         i % 2 ? MCBE_PRECISION_DOUBLE : MCBE_PRECISION_MIXED,
                                     .uncounted = i % 4 < 2,
                                     .samples = 900};
        mcbe_estimator_t *estimator = NULL;
        mcbe_frame_t frame = {0};
        for (size_t turn = 0; turn < COUNT_OF(sizes); turn++) {
            const mcbe_stream_key_t stream = {.seed = 5, .n = N, .m = M, .trial = (int64_t)turn};
            mcbe_bias_state_t fresh = {0}, again = {0};
            double w[M * N];
            for (size_t k = 0; k < COUNT_OF(w); k++) {
                w[k] = sizes[turn] * (mcbe_rng_uniform(&rng) - 0.5);
            }
            assert_int_equal(mcbe_frame_assign(&frame, M, N, w, N, 0, NULL), MCBE_OK);
            assert_int_equal(estimator ? mcbe_estimator_reset(estimator, &frame, &stream)
                                       : mcbe_estimator_create_design(&estimator, &frame, &domain,
                                                                      &stream, how.precision,
                                                                      how.design, how.samples),
                             MCBE_OK);
            assert_int_equal(mcbe_bias_state_init(&fresh, M), MCBE_OK);
            assert_int_equal(mcbe_bias_state_init(&again, M), MCBE_OK);
            assert_int_equal(mcbe_estimate_layer(&how, &frame, &domain, &stream, &fresh, NULL),
                             MCBE_OK);
            assert_int_equal(mcbe_estimate_with(&how, &frame, estimator, &again), MCBE_OK);
            assert_true(fresh.samples == 900 && fresh.last_update > 0);
            assert_same(&again, &fresh);
            const mcbe_stages_t stages = mcbe_estimator_stages(estimator);
            assert_int_equal(stages.by_bytes + stages.by_real + stages.canonical, 900);
            mcbe_bias_state_free(&fresh);
            mcbe_bias_state_free(&again);
        }
        mcbe_frame_t smaller = frame;
        smaller.m = M - 1;
        const mcbe_stream_key_t stream = {.seed = 5, .n = N, .m = M};
        assert_int_equal(mcbe_estimator_reset(estimator, &smaller, &stream), MCBE_ERR_DIM);
        mcbe_alloc_fail_after(0);
        assert_int_equal(mcbe_estimator_reset(estimator, &frame, &stream),
                         how.design == MCBE_DESIGN_PAIRED ? MCBE_ERR_NOMEM : MCBE_OK);
        mcbe_alloc_fail_after(-1);
        mcbe_estimator_destroy(&estimator);
        mcbe_frame_free(&frame);
    }
    mcbe_cloud_destroy(&cloud);
}

static void the_stop_rule_is_looked_at_after_rounds(void **unused)
{
    (void)unused;
    const int64_t round = MCBE_ROUND_BLOCKS * (int64_t)mcbe_domain_block_size(N);
    mcbe_bias_state_t whole = {0}, stopped = {0}, never = {0};
    mcbe_frame_t frame;
    draw_frame(&frame);
    assert_int_equal(
        run(&frame, (mcbe_estimate_t){.samples = 40 * round, .unchanged = 1000}, &stopped),
        MCBE_OK);
    assert_int_equal(stopped.samples % round, 0);
    assert_true(stopped.samples < 40 * round);
    assert_true(mcbe_bias_unchanged(&stopped, stopped.samples) >= 1000);
    /* one round less was not quiet: it had points of its last thousand that lowered something */
    assert_int_equal(run(&frame, (mcbe_estimate_t){.samples = stopped.samples - round}, &whole),
                     MCBE_OK);
    assert_true(mcbe_bias_unchanged(&whole, whole.samples) < 1000);
    mcbe_bias_state_free(&whole);
    assert_int_equal(run(&frame, (mcbe_estimate_t){.samples = stopped.samples}, &whole), MCBE_OK);
    assert_same(&whole, &stopped);
    assert_int_equal(run(&frame, (mcbe_estimate_t){.samples = 100, .unchanged = 1}, &never),
                     MCBE_OK);
    assert_int_equal(never.samples, 100); /* the run ends before a round does */
    mcbe_bias_state_free(&never);
    mcbe_bias_state_free(&stopped);
    mcbe_bias_state_free(&whole);
    mcbe_frame_free(&frame);
}

static void unchanged_counts_drawn_points(void **unused)
{
    (void)unused;
    assert_int_equal(mcbe_bias_unchanged(&(mcbe_bias_state_t){.last_update = -1}, 10), 10);
    assert_int_equal(mcbe_bias_unchanged(&(mcbe_bias_state_t){.last_update = -7}, 10), 10);
    assert_int_equal(mcbe_bias_unchanged(&(mcbe_bias_state_t){.last_update = 9}, 10), 0);
    assert_int_equal(mcbe_bias_unchanged(&(mcbe_bias_state_t){.last_update = 4}, 10), 5);
}

static void what_cannot_be_done_is_refused(void **unused)
{
    (void)unused;
    static const float center[2 * N] = {0};
    mcbe_cloud_t *cloud = NULL;
    assert_int_equal(mcbe_cloud_smoothing(&cloud, 2, N, center, 1, NULL), MCBE_OK);
    const struct {
        mcbe_estimate_t how;
        mcbe_domain_t domain;
        const char *sentence;
    } cases[] = {
        {{.samples = 0}, sphere(), "samples: 0; at least 1 is needed"},
        {{.samples = 1, .unchanged = -1},
         sphere(),
         "unchanged: -1; allowed are 0 (never) and more"},
        {{.samples = 1},
         {.kind = MCBE_DOMAIN_BALL},
         "domain: radius is 0; allowed are 1e-100 to 1e100"},
        {{.samples = 1},
         {.kind = MCBE_DOMAIN_CLOUD, .cloud = cloud},
         "domain: its data are of dimension 2; the layer's inputs are of dimension 6"},
        {{.samples = 1, .init_rows = 1},
         {.kind = MCBE_DOMAIN_GAUSSIAN},
         "init_rows: the rows' directions stand for points of K only on sphere, ball and shell, "
         "with "
         "analytic radii and without nonnegative"},
        {{.samples = 1, .design = MCBE_DESIGN_CROSSED},
         sphere(),
         "the crossed design adds noise to data; for other domains use paired"},
    };
    mcbe_frame_t frame;
    mcbe_bias_state_t state = {0};
    draw_frame(&frame);
    assert_int_equal(mcbe_bias_state_init(&state, M), MCBE_OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mcbe_error_t err = {0};
        assert_int_equal(mcbe_estimate_check(&cases[i].how, &cases[i].domain, N, &err),
                         MCBE_ERR_ARGUMENT);
        assert_string_equal(err.text, cases[i].sentence);
        mcbe_error_clear(&err);
        assert_int_equal(
            mcbe_estimate_layer(&cases[i].how, &frame, &cases[i].domain, &key, &state, &err),
            MCBE_ERR_ARGUMENT);
        assert_string_equal(err.text, cases[i].sentence);
    }
    mcbe_bias_state_free(&state);
    mcbe_frame_free(&frame);
    mcbe_cloud_destroy(&cloud);
}

static mcbe_status_t run_and_free(const mcbe_frame_t *frame)
{
    mcbe_bias_state_t state = {0};
    mcbe_status_t st =
        run(frame, (mcbe_estimate_t){.design = MCBE_DESIGN_PAIRED, .samples = 100, .init_rows = 1},
            &state);
    mcbe_bias_state_free(&state);
    return st;
}

static void failed_allocations_leave_nothing(void **unused)
{
    (void)unused;
    mcbe_frame_t frame;
    draw_frame(&frame);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(run_and_free(&frame));
    mcbe_frame_free(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(every_point_counts_once),
        UNIT_TEST(looking_ahead_changes_nothing),
        UNIT_TEST(an_estimator_turned_to_another_layer_is_as_new),
        UNIT_TEST(the_stop_rule_is_looked_at_after_rounds),
        UNIT_TEST(unchanged_counts_drawn_points),
        UNIT_TEST(what_cannot_be_done_is_refused),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("estimate", tests, NULL, NULL);
}
