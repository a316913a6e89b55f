/* Points around data, drawn independently or crossed, against the plain reference, bit for bit. */

#include "bias_cases.h"
#include "kernel_paths.h"
#include "reference_estimator.h"

static const mcbe_precision_t precisions[] = {MCBE_PRECISION_MIXED, MCBE_PRECISION_DOUBLE};

/* A layer, data, and a number of points around them. */
typedef struct cloud_case {
    int m, n;
    int64_t samples;
    float *centers; /* owned */
    mcbe_cloud_t *cloud;
    mcbe_frame_t frame;
    mcbe_domain_t domain;
    mcbe_stream_key_t key;
} cloud_case_t;

/* Data of all sizes, some of them repeated, some far off, one coordinate now and then constant. */
static float *case_data(mcbe_rng_t *rng, int n, int count)
{
    float *x = mcbe_alloc((size_t)n * (size_t)count, sizeof *x);
    assert_non_null(x);
    const float size = (float)pow(10, test_between(rng, -12, 12));
    const int constant = test_between(rng, 0, 2 * n);
    mcbe_rng_normals(rng, x, (size_t)n * (size_t)count);
    for (int i = 0; i < count; i++) {
        const float factor = test_between(rng, 0, 9) == 0 ? 100 * size : size;
        const int repeat = i > 0 && test_between(rng, 0, 5) == 0;
        for (int k = 0; k < n; k++) {
            float *entry = x + (ptrdiff_t)i * n + k;
            *entry = repeat ? entry[-n] : k == constant ? size : *entry * factor;
        }
    }
    return x;
}

static void cloud_case_init(cloud_case_t *c, int number)
{
    mcbe_rng_t rng = test_rng(50000 + (uint64_t)number);
    const int n = test_between(&rng, 1, number % 10 == 0 ? 30 : 8);
    const int m = number % 7 == 0 ? n : n + test_between(&rng, 0, number % 10 == 0 ? 170 : 40);
    const int count = number % 6 == 0 ? 2 : test_between(&rng, 2, 60);
    const int long_run = number % 8 == 1; /* beyond the first block */
    *c = (cloud_case_t){.m = m, .n = n};
    c->samples = long_run ? MCBE_CROSSED_BLOCK + 300 : test_between(&rng, 1, 1500);
    c->centers = case_data(&rng, n, count);
    if (number % 3 == 0) {
        const double scale = fabs((double)c->centers[0]);
        assert_int_equal(mcbe_cloud_smoothing(&c->cloud, n, count, c->centers,
                                              number % 9 == 0 ? 0 : 0.3 * scale, NULL),
                         MCBE_OK);
    } else {
        assert_int_equal(mcbe_cloud_density(
                             &c->cloud, n, count, c->centers,
                             number % 3 == 1 ? MCBE_BANDWIDTH_DIAGONAL : MCBE_BANDWIDTH_FULL, NULL),
                         MCBE_OK);
    }
    c->domain = (mcbe_domain_t){.kind = MCBE_DOMAIN_CLOUD, .cloud = c->cloud};
    c->key = (mcbe_stream_key_t){.seed = 13, .n = n, .m = m, .trial = number};
    case_frame(&c->frame, (frame_family_t)(number % FAMILY_COUNT), m, n, &rng);
}

static void cloud_case_free(cloud_case_t *c)
{
    mcbe_cloud_destroy(&c->cloud);
    mcbe_frame_free(&c->frame);
    mcbe_free(c->centers);
}

/* Visit the samples [first, last), by blocks. */
static void visit_samples(const cloud_case_t *c, mcbe_design_t design, mcbe_estimator_t *estimator,
                          int64_t first, int64_t last, mcbe_bias_state_t *states, int count)
{
    for (int64_t block = 0; first < last; block++) {
        const int64_t start = mcbe_block_start(design, c->n, block);
        const int64_t end = mcbe_block_start(design, c->n, block + 1);
        const int64_t stop = last < end ? last : end;
        if (first < stop) {
            assert_int_equal(mcbe_estimator_block_nested(estimator, block, first - start,
                                                         stop - start, states, count, NULL),
                             MCBE_OK);
            first = stop;
        }
    }
}

static mcbe_estimator_t *estimator_of(const cloud_case_t *c, mcbe_design_t design,
                                      mcbe_precision_t precision)
{
    mcbe_estimator_t *estimator = NULL;
    assert_int_equal(mcbe_estimator_create_design(&estimator, &c->frame, &c->domain, &c->key,
                                                  precision, design, c->samples),
                     MCBE_OK);
    return estimator;
}

static void run(const cloud_case_t *c, mcbe_design_t design, mcbe_precision_t precision,
                int64_t pause, mcbe_bias_state_t *state)
{
    mcbe_estimator_t *estimator = estimator_of(c, design, precision);
    assert_int_equal(mcbe_bias_state_init(state, c->m), MCBE_OK);
    visit_samples(c, design, estimator, 0, pause, state, 1);
    visit_samples(c, design, estimator, pause, c->samples, state, 1);
    mcbe_estimator_destroy(&estimator);
}

static const mcbe_design_t designs[] = {MCBE_DESIGN_IID, MCBE_DESIGN_CROSSED,
                                        MCBE_DESIGN_CROSSED_SMALL};

static void crossed_reference(const cloud_case_t *c, mcbe_design_t design, reference_t *ref)
{
    enum { NOISES = MCBE_CROSSED_NOISES };
    const int centers = design == MCBE_DESIGN_CROSSED ? 256 : 64;
    float *center = mcbe_alloc((size_t)c->n * (size_t)centers, sizeof *center);
    float *noise = mcbe_alloc((size_t)c->n * NOISES, sizeof *noise);
    assert_true(center && noise);
    reference_init(ref, c->m, c->n, c->frame.w);
    for (int64_t sample = 0; sample < c->samples; sample++) {
        const int64_t place = sample % (centers * NOISES);
        if (place == 0) {
            mcbe_stream_key_t key = c->key;
            key.block = sample / (centers * NOISES);
            mcbe_crossed_fill(design, c->cloud, &key, center, noise);
        }
        for (int k = 0; k < c->n; k++) {
            ref->x[k] = (double)center[k * centers + place % centers] +
                        (double)noise[k * NOISES + place / centers];
        }
        reference_visit_held(ref, 1.0, sample);
    }
    mcbe_free(noise);
    mcbe_free(center);
}

static void iid_reference(const cloud_case_t *c, reference_t *ref)
{
    const int64_t width = mcbe_domain_block_size(c->n);
    float *x = mcbe_alloc((size_t)(width * c->n), sizeof *x);
    double *scale = mcbe_alloc((size_t)width, sizeof *scale);
    assert_true(x && scale);
    reference_init(ref, c->m, c->n, c->frame.w);
    for (int64_t sample = 0; sample < c->samples; sample++) {
        if (sample % width == 0) {
            mcbe_stream_key_t key = c->key;
            key.purpose = MCBE_PURPOSE_SAMPLE;
            key.block = sample / width;
            mcbe_domain_fill(&c->domain, c->n, &key, x, scale);
        }
        assert_true(scale[sample % width] == 1.0);
        reference_visit(ref, x + sample % width, width, 1.0, sample);
    }
    mcbe_free(scale);
    mcbe_free(x);
}

static void designs_equal_the_reference(void **state)
{
    (void)state;
    for (int number = 0; number < test_cases(240); number++) {
        cloud_case_t c;
        cloud_case_init(&c, number);
        for (size_t d = 0; d < COUNT_OF(designs); d++) {
            reference_t ref;
            if (designs[d] == MCBE_DESIGN_IID) {
                iid_reference(&c, &ref);
            } else {
                crossed_reference(&c, designs[d], &ref);
            }
            for (size_t p = 0; p < COUNT_OF(precisions); p++) {
                mcbe_bias_state_t got;
                run(&c, designs[d], precisions[p], c.samples / 3, &got);
                assert_same_state(&got, &ref.state);
                mcbe_bias_state_free(&got);
            }
            reference_free(&ref);
        }
        cloud_case_free(&c);
    }
}

/* Rows longer than what one product sums up, the last part of them short or not. */
static void long_rows_equal_the_reference(void **state)
{
    (void)state;
    static const int dims[] = {257, 384, 500};
    for (size_t i = 0; i < COUNT_OF(dims); i++) {
        const int n = dims[i], m = n + 40;
        mcbe_rng_t rng = test_rng(70000 + i);
        reference_t ref;
        cloud_case_t c = {.m = m, .n = n, .samples = 300, .key = {.seed = 3, .n = n, .m = m}};
        c.centers = case_data(&rng, n, 30);
        assert_int_equal(
            mcbe_cloud_density(&c.cloud, n, 30, c.centers, MCBE_BANDWIDTH_DIAGONAL, NULL), MCBE_OK);
        c.domain = (mcbe_domain_t){.kind = MCBE_DOMAIN_CLOUD, .cloud = c.cloud};
        case_frame(&c.frame, FAMILY_GAUSSIAN, m, n, &rng);
        const mcbe_design_t design = i % 2 ? MCBE_DESIGN_CROSSED_SMALL : MCBE_DESIGN_CROSSED;
        crossed_reference(&c, design, &ref);
        for (size_t p = 0; p < COUNT_OF(precisions); p++) {
            mcbe_bias_state_t got;
            run(&c, design, precisions[p], 100, &got);
            assert_same_state(&got, &ref.state);
            mcbe_bias_state_free(&got);
        }
        reference_free(&ref);
        cloud_case_free(&c);
    }
}

static void nested_layers_end_as_alone(void **state)
{
    (void)state;
    for (int number = 1; number < test_cases(60); number += 2) {
        cloud_case_t c;
        mcbe_bias_state_t states[3];
        cloud_case_init(&c, number);
        const int rows[3] = {c.n, (c.n + c.m) / 2, c.m};
        const int first = rows[1] == rows[0] || rows[1] == rows[2] ? 2 : 0;
        const mcbe_design_t design =
            number % 4 == 1 ? MCBE_DESIGN_CROSSED : MCBE_DESIGN_CROSSED_SMALL;
        mcbe_estimator_t *estimator = estimator_of(&c, design, MCBE_PRECISION_MIXED);
        for (int i = first; i < 3; i++) {
            assert_int_equal(mcbe_bias_state_init(&states[i], rows[i]), MCBE_OK);
        }
        visit_samples(&c, design, estimator, 0, c.samples, states + first, 3 - first);
        for (int i = first; i < 3; i++) {
            mcbe_bias_state_t alone;
            assert_int_equal(mcbe_bias_state_init(&alone, rows[i]), MCBE_OK);
            visit_samples(&c, design, estimator, 0, c.samples, &alone, 1);
            assert_same_state(&states[i], &alone);
            mcbe_bias_state_free(&alone);
            mcbe_bias_state_free(&states[i]);
        }
        mcbe_estimator_destroy(&estimator);
        cloud_case_free(&c);
    }
}

/* Most points of a settled estimate are ruled out by the products alone. */
static void the_screen_rules_points_out(void **state)
{
    (void)state;
    enum { M = 40, N = 10, COUNT = 500, BLOCKS = 20 };
    mcbe_rng_t rng = test_rng(7);
    mcbe_bias_state_t got;
    cloud_case_t c = {.m = M, .n = N, .samples = BLOCKS * MCBE_CROSSED_BLOCK, .key = {.seed = 1}};
    c.centers = mcbe_alloc(COUNT * N, sizeof *c.centers);
    assert_non_null(c.centers);
    mcbe_rng_normals(&rng, c.centers, COUNT * N);
    assert_int_equal(mcbe_cloud_smoothing(&c.cloud, N, COUNT, c.centers, 0.3, NULL), MCBE_OK);
    c.domain = (mcbe_domain_t){.kind = MCBE_DOMAIN_CLOUD, .cloud = c.cloud};
    case_frame(&c.frame, FAMILY_GAUSSIAN, M, N, &rng);
    mcbe_estimator_t *estimator = estimator_of(&c, MCBE_DESIGN_CROSSED, MCBE_PRECISION_MIXED);
    assert_int_equal(mcbe_bias_state_init(&got, M), MCBE_OK);
    visit_samples(&c, MCBE_DESIGN_CROSSED, estimator, 0, c.samples, &got, 1);
    const mcbe_stages_t stages = mcbe_estimator_stages(estimator);
    assert_int_equal(stages.by_real + stages.canonical, c.samples);
    assert_true((double)stages.canonical < 0.02 * (double)c.samples);
    mcbe_bias_state_free(&got);
    mcbe_estimator_destroy(&estimator);
    cloud_case_free(&c);
}

static void designs_and_domains_must_fit(void **state)
{
    (void)state;
    cloud_case_t c;
    mcbe_error_t err = {0};
    mcbe_estimator_t *estimator = NULL;
    const mcbe_domain_t sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1.0};
    cloud_case_init(&c, 1);
    assert_int_equal(mcbe_design_check(MCBE_DESIGN_CROSSED, &c.domain, NULL), MCBE_OK);
    assert_int_equal(mcbe_design_check(MCBE_DESIGN_IID, &c.domain, NULL), MCBE_OK);
    assert_int_equal(mcbe_design_check(MCBE_DESIGN_PAIRED, &c.domain, &err), MCBE_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "use crossed"));
    assert_int_equal(mcbe_design_check(MCBE_DESIGN_CROSSED, &sphere, &err), MCBE_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "use paired"));
    c.domain.cloud = NULL;
    assert_int_equal(mcbe_domain_check(&c.domain, &err), MCBE_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "no data"));
    assert_int_equal(mcbe_estimator_create_design(&estimator, &c.frame, &c.domain, &c.key,
                                                  MCBE_PRECISION_MIXED, MCBE_DESIGN_CROSSED, 1),
                     MCBE_ERR_ARGUMENT);
    assert_null(estimator);
    cloud_case_free(&c);
}

static void every_path_gives_the_same_bytes(void **state)
{
    assert_same_on_every_path(*state);
}

static int checksum_of_states(void)
{
    uint64_t sum = CHECKSUM_START;
    for (int number = 0; number < test_cases(60); number++) {
        cloud_case_t c;
        cloud_case_init(&c, number);
        for (size_t d = 0; d < COUNT_OF(designs); d++) {
            mcbe_bias_state_t got;
            run(&c, designs[d], MCBE_PRECISION_MIXED, 0, &got);
            sum = checksum(sum, got.alpha, (size_t)c.m * sizeof *got.alpha);
            sum = checksum(sum, got.witness, (size_t)c.m * sizeof *got.witness);
            mcbe_bias_state_free(&got);
        }
        cloud_case_free(&c);
    }
    return print_checksum(sum);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return checksum_of_states();
    }
    const struct CMUnitTest tests[] = {
        UNIT_TEST(designs_equal_the_reference),
        UNIT_TEST(long_rows_equal_the_reference),
        UNIT_TEST(nested_layers_end_as_alone),
        UNIT_TEST(the_screen_rules_points_out),
        UNIT_TEST(designs_and_domains_must_fit),
        UNIT_TEST_OF_PROGRAM(every_path_gives_the_same_bytes, argv[0]),
    };
    return cmocka_run_group_tests_name("crossed", tests, NULL, NULL);
}
