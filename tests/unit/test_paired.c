/* The paired design: which rows a sample is the sum of, how sums are distributed, what it refuses,
 * how much the byte screen rules out. */

#include "paired_cases.h"

/* Shell after shell: (l, 0) ... (l, l), (0, l) ... (l - 1, l). Going through them this way meets
 * every pair once, so ids and pairs are one to one. */
static void samples_are_the_pairs_shell_by_shell(void **state)
{
    (void)state;
    int64_t sample = 0, a, b;
    for (int64_t shell = 0; sample < 100000; shell++) {
        for (int64_t place = 0; place <= 2 * shell; place++, sample++) {
            mcbe_paired_rows(sample, &a, &b);
            assert_int_equal(a, place <= shell ? shell : place - shell - 1);
            assert_int_equal(b, place <= shell ? place : shell);
        }
    }
}

static void assert_rows(int64_t sample, int64_t expected_a, int64_t expected_b)
{
    int64_t a, b;
    mcbe_paired_rows(sample, &a, &b);
    assert_int_equal(a, expected_a);
    assert_int_equal(b, expected_b);
}

/* At the ends of shells, where a root that is rounded would err: around 2^31, 10^12, 2^53, 2^62. */
static void rows_of_large_ids_are_right(void **state)
{
    (void)state;
    static const int64_t shells[] = {46340,
                                     46341,
                                     65536,
                                     999999,
                                     1000000,
                                     1000001,
                                     94906265,
                                     94906266,
                                     94906267,
                                     INT64_C(1) << 31,
                                     (INT64_C(1) << 31) - 1};
    for (size_t i = 0; i < COUNT_OF(shells); i++) {
        const int64_t l = shells[i], start = l * l;
        assert_rows(start - 1, l - 2, l - 1);
        assert_rows(start, l, 0);
        assert_rows(start + 1, l, 1);
        assert_rows(start + l - 1, l, l - 1);
        assert_rows(start + l, l, l);
        assert_rows(start + l + 1, 0, l);
        assert_rows(start + 2 * l, l - 1, l);
    }
    for (int64_t offset = -1; offset <= 1; offset++) { /* in the middle of shell 46340 */
        assert_rows((INT64_C(1) << 31) + offset, 2147483648 - 46340 * 46340 - 46341 + offset,
                    46340);
    }
}

static void blocks_hold_sixteen_shells(void **state)
{
    (void)state;
    int64_t a, b;
    for (int64_t block = 0; block < 1000; block++) {
        const int64_t start = mcbe_block_start(MCBE_DESIGN_PAIRED, 5, block);
        assert_int_equal(start, 256 * block * block);
        mcbe_paired_rows(start, &a, &b);
        assert_int_equal(a, 16 * block);
        assert_int_equal(b, 0);
        assert_int_equal(mcbe_block_start(MCBE_DESIGN_PAIRED, 2000, block), start);
    }
    assert_int_equal(mcbe_block_start(MCBE_DESIGN_IID, 1024, 7), 7 * 256);
    assert_int_equal(mcbe_block_start(MCBE_DESIGN_IID, 1025, 7), 7 * 64);
}

/* Bank rows are the normals of purposes 5 and 6, as method.md words it. */
static void banks_are_the_normals_of_their_addresses(void **state)
{
    (void)state;
    enum { N = 3, COUNT = 256 * N };
    const mcbe_purpose_t purposes[] = {5, 6};
    float bank[2][COUNT], expected[COUNT];
    for (int64_t block = 0; block < 2; block++) {
        for (int which = 0; which < 2; which++) {
            mcbe_stream_key_t key = {.seed = 5, .n = N, .m = 9, .trial = 2, .block = block};
            mcbe_rng_t rng;
            mcbe_paired_fill(which, N, &key, bank[which]);
            key.purpose = purposes[which];
            mcbe_rng_init(&rng, &key);
            mcbe_rng_normals(&rng, expected, COUNT);
            assert_memory_equal(bank[which], expected, sizeof expected);
        }
        assert_memory_not_equal(bank[0], bank[1], sizeof expected);
    }
}

static void sums_are_scaled_in_fp64(void **state)
{
    (void)state;
    const mcbe_domain_t sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 7};
    const mcbe_domain_t gaussian = {.kind = MCBE_DOMAIN_GAUSSIAN};
    const float a[] = {1, 6}, b[] = {2, -2}, opposite[] = {-1, -6};
    const float one = 1, little = 0x1p-30F; /* their sum is no fp32 number */
    assert_true(mcbe_paired_scale(&sphere, 2, a, b) == 1.0 / 5.0);
    assert_true(mcbe_paired_scale(&sphere, 2, a, opposite) == 0);
    assert_true(mcbe_paired_scale(&sphere, 1, &one, &little) == 1.0 / (1.0 + 0x1p-30));
    assert_true(mcbe_paired_scale(&gaussian, 2, a, b) == sqrt(0.5));
    assert_true(mcbe_paired_scale(&gaussian, 2, a, opposite) == sqrt(0.5));
}

/* First and second moments of the sums of all pairs of ROWS rows, over TRIALS pairs of banks. Sums
 * that share a row are not independent. For any f of two independent rows, Var E[f | a] + Var E[f |
 * b] <= Var f (Hoeffding), so the variance of the mean over all pairs is at most Var f / ROWS. */
enum { ROWS = 400, TRIALS = 20, MOMENTS_N_MAX = 10 };

typedef struct moments {
    double first[MOMENTS_N_MAX], second[MOMENTS_N_MAX][MOMENTS_N_MAX];
} moments_t;

static void add_moments(moments_t *sum, int n, const double *x, double scale)
{
    const double weight = 1.0 / ROWS / ROWS / TRIALS;
    for (int k = 0; k < n; k++) {
        sum->first[k] += weight * scale * x[k];
        for (int l = 0; l <= k; l++) {
            sum->second[k][l] += weight * scale * scale * x[k] * x[l];
        }
    }
}

/* @param[in] law  E x_k^2, Var x_k^2 and Var x_k x_l */
static void assert_moments(const mcbe_domain_t *domain, int n, const double law[3])
{
    moments_t sum = {0};
    double x[MOMENTS_N_MAX];
    for (int64_t trial = 0; trial < TRIALS; trial++) {
        const mcbe_stream_key_t key = {.seed = 21, .n = n, .m = 40, .trial = trial};
        plain_banks_t banks;
        plain_banks_init(&banks, n, &key, ROWS * ROWS);
        for (int64_t sample = 0; sample < ROWS * ROWS; sample++) {
            const double scale = plain_sum(&banks, domain, sample, x);
            add_moments(&sum, n, x, scale);
        }
        plain_banks_free(&banks);
    }
    const double error = 5 / sqrt(ROWS * TRIALS), rounding = 1e-9;
    for (int k = 0; k < n; k++) {
        assert_true(fabs(sum.first[k]) < error * sqrt(law[0]));
        assert_true(fabs(sum.second[k][k] - law[0]) < error * sqrt(law[1]) + rounding);
        for (int l = 0; l < k; l++) {
            assert_true(fabs(sum.second[k][l]) < error * sqrt(law[2]));
        }
    }
}

static void directions_are_uniform_to_five_standard_errors(void **state)
{
    (void)state;
    static const int dimensions[] = {1, 2, 3, MOMENTS_N_MAX};
    const mcbe_domain_t sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1};
    for (size_t i = 0; i < COUNT_OF(dimensions); i++) {
        const int n = dimensions[i];
        const double law[] = {1.0 / n, 2.0 * (n - 1) / n / n / (n + 2), 1.0 / n / (n + 2)};
        assert_moments(&sphere, n, law);
    }
}

static void gaussian_sums_have_variance_one_to_five_standard_errors(void **state)
{
    (void)state;
    const mcbe_domain_t gaussian = {.kind = MCBE_DOMAIN_GAUSSIAN};
    const double law[] = {1, 2, 1};
    assert_moments(&gaussian, 1, law);
    assert_moments(&gaussian, 4, law);
}

static void domains_it_cannot_draw_are_refused_with_a_reason(void **state)
{
    (void)state;
    const mcbe_stream_key_t key = {.n = 3, .m = 4};
    const struct {
        mcbe_domain_t domain;
        const char *says;
    } bad[] = {
        {{MCBE_DOMAIN_SPHERE, MCBE_RADIAL_ANALYTIC, 1, 0, 1, NULL}, "non-negative"},
        {{MCBE_DOMAIN_GAUSSIAN, MCBE_RADIAL_ANALYTIC, 1, 0, 1, NULL}, "non-negative"},
        {{MCBE_DOMAIN_BALL, MCBE_RADIAL_SAMPLED, 1, 0, 0, NULL}, "radial: sampled"},
        {{MCBE_DOMAIN_SHELL, MCBE_RADIAL_SAMPLED, 1, 0.5, 0, NULL}, "radial: sampled"},
    };
    mcbe_frame_t frame;
    mcbe_estimator_t *estimator = NULL;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_TETRAHEDRON), MCBE_OK);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        mcbe_error_t err = {0};
        assert_int_equal(mcbe_design_check(MCBE_DESIGN_PAIRED, &bad[i].domain, &err),
                         MCBE_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, bad[i].says));
        assert_non_null(strstr(err.text, "use iid"));
        assert_int_equal(mcbe_design_check(MCBE_DESIGN_IID, &bad[i].domain, NULL), MCBE_OK);
        assert_int_equal(mcbe_estimator_create_design(&estimator, &frame, &bad[i].domain, &key,
                                                      MCBE_PRECISION_MIXED, MCBE_DESIGN_PAIRED, 10),
                         MCBE_ERR_ARGUMENT);
        assert_null(estimator);
    }
    for (int kind = MCBE_DOMAIN_SPHERE; kind <= MCBE_DOMAIN_GAUSSIAN; kind++) {
        const mcbe_domain_t good = {
            (mcbe_domain_kind_t)kind, MCBE_RADIAL_ANALYTIC, 1, 0.5, 0, NULL};
        assert_int_equal(mcbe_design_check(MCBE_DESIGN_PAIRED, &good, NULL), MCBE_OK);
    }
    mcbe_frame_free(&frame);
}

static void a_negative_number_of_samples_makes_no_estimator(void **state)
{
    (void)state;
    const mcbe_domain_t sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1};
    const mcbe_stream_key_t key = {.n = 3, .m = 4};
    mcbe_frame_t frame;
    mcbe_estimator_t *estimator = NULL;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_TETRAHEDRON), MCBE_OK);
    assert_int_equal(mcbe_estimator_create_design(&estimator, &frame, &sphere, &key,
                                                  MCBE_PRECISION_MIXED, MCBE_DESIGN_PAIRED, -1),
                     MCBE_ERR_ARGUMENT);
    assert_null(estimator);
    mcbe_frame_free(&frame);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    for (int precision = 0; precision < 2; precision++) {
        paired_case_t c;
        mcbe_estimator_t *estimator = NULL;
        mcbe_bias_state_t found;
        mcbe_bias_events_t events = {0};
        paired_case_init(&c, 1, FAMILY_GAUSSIAN, 5, 3, 100);
        ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_estimator_create_design(
            &estimator, &c.frame, &c.domain, &c.key, (mcbe_precision_t)precision,
            MCBE_DESIGN_PAIRED, c.samples));
        assert_int_equal(mcbe_bias_state_init(&found, 5), MCBE_OK);
        mcbe_alloc_fail_after(0); /* a block allocates nothing but room for events */
        assert_int_equal(mcbe_estimator_block(estimator, 0, 0, 0, &found, &events), MCBE_OK);
        assert_int_equal(mcbe_estimator_block(estimator, 0, 0, 100, &found, &events),
                         MCBE_ERR_NOMEM);
        mcbe_bias_state_free(&found);
        mcbe_bias_events_free(&events);
        mcbe_estimator_destroy(&estimator);
        mcbe_frame_free(&c.frame);
    }
}

/* Every sample is ruled out by bytes, ruled out by real numbers or visited; in fp64 there are no
 * bytes. */
static void stages_add_up_to_the_samples(void **state)
{
    (void)state;
    for (int precision = 0; precision < 2; precision++) {
        paired_case_t c;
        mcbe_bias_state_t found;
        paired_case_init(&c, 7, FAMILY_UNIT_ROWS, 40, 4, 30000);
        mcbe_estimator_t *estimator = paired_estimator(&c, (mcbe_precision_t)precision);
        assert_int_equal(mcbe_bias_state_init(&found, c.m), MCBE_OK);
        visit_samples(estimator, 0, c.samples, &found, NULL);
        const mcbe_stages_t stages = mcbe_estimator_stages(estimator);
        assert_int_equal(stages.by_bytes + stages.by_real + stages.canonical, c.samples);
        assert_true(stages.canonical >= found.updates);
        assert_int_equal(stages.by_bytes > 0, precision == MCBE_PRECISION_MIXED);
        assert_true(stages.by_real > 0);
        mcbe_bias_state_free(&found);
        mcbe_estimator_destroy(&estimator);
        mcbe_frame_free(&c.frame);
    }
}

static void bytes_rule_out_nine_tenths_of_a_million_samples_at_30_by_150(void **state)
{
    (void)state;
    paired_case_t c = {.m = 150, .n = 30, .samples = 1 << 20, .domain = {.radius = 1}};
    mcbe_bias_state_t found;
    c.key = (mcbe_stream_key_t){.seed = 2, .n = c.n, .m = c.m};
    assert_int_equal(mcbe_frame_random(&c.frame, MCBE_ENSEMBLE_GAUSSIAN, &c.key, 0), MCBE_OK);
    mcbe_estimator_t *estimator = paired_estimator(&c, MCBE_PRECISION_MIXED);
    assert_int_equal(mcbe_bias_state_init(&found, c.m), MCBE_OK);
    visit_samples(estimator, 0, c.samples, &found, NULL);
    const mcbe_stages_t stages = mcbe_estimator_stages(estimator);
    assert_true((double)stages.by_bytes >= 0.9 * (double)c.samples);
    mcbe_bias_state_free(&found);
    mcbe_estimator_destroy(&estimator);
    mcbe_frame_free(&c.frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(samples_are_the_pairs_shell_by_shell),
        UNIT_TEST(rows_of_large_ids_are_right),
        UNIT_TEST(blocks_hold_sixteen_shells),
        UNIT_TEST(banks_are_the_normals_of_their_addresses),
        UNIT_TEST(sums_are_scaled_in_fp64),
        UNIT_TEST(directions_are_uniform_to_five_standard_errors),
        UNIT_TEST(gaussian_sums_have_variance_one_to_five_standard_errors),
        UNIT_TEST(domains_it_cannot_draw_are_refused_with_a_reason),
        UNIT_TEST(a_negative_number_of_samples_makes_no_estimator),
        UNIT_TEST(failed_allocations_leave_nothing),
        UNIT_TEST(stages_add_up_to_the_samples),
        UNIT_TEST(bytes_rule_out_nine_tenths_of_a_million_samples_at_30_by_150),
    };
    return cmocka_run_group_tests_name("paired", tests, NULL, NULL);
}
