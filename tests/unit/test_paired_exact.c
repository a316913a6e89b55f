/* The paired design against the plain sort-based reference, bit for bit. */

#include "kernel_paths.h"
#include "paired_cases.h"

static const mcbe_precision_t precisions[] = {MCBE_PRECISION_MIXED, MCBE_PRECISION_DOUBLE};

static void assert_case_equals_reference(paired_case_t *c)
{
    reference_t ref;
    run_paired_reference(c, &ref);
    for (size_t p = 0; p < COUNT_OF(precisions); p++) {
        mcbe_bias_state_t got;
        run_paired(c, precisions[p], &got);
        assert_same_state(&got, &ref.state);
        mcbe_bias_state_free(&got);
    }
    reference_free(&ref);
    mcbe_frame_free(&c->frame);
}

static void assert_equals_reference(uint64_t number, frame_family_t family, int m, int n,
                                    int64_t samples)
{
    paired_case_t c;
    paired_case_init(&c, number, family, m, n, samples);
    assert_case_equals_reference(&c);
}

static void the_design_equals_the_reference(void **state)
{
    (void)state;
    for (int number = 0; number < test_cases(420); number++) {
        paired_case_t c;
        random_paired_case(&c, number);
        assert_case_equals_reference(&c);
    }
}

/* Sums of single numbers: near-antipodal pairs are common, their norms known badly or not at all.
 */
static void one_dimension_equals_the_reference(void **state)
{
    (void)state;
    for (int number = 0; number < test_cases(40); number++) {
        assert_equals_reference((uint64_t)number, (frame_family_t)(number % FAMILY_COUNT),
                                1 + number % 20, 1, 5000);
    }
}

/* Two dimensions and rows of very different lengths: most are never among the two largest and stay
 * at +inf, so that the byte screen never serves. */
static void rows_left_at_infinity_equal_the_reference(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < 6; number++) {
        paired_case_t c;
        mcbe_bias_state_t got;
        paired_case_init(&c, number, FAMILY_SPREAD_NORMS, 60, 2, 3000);
        run_paired(&c, MCBE_PRECISION_MIXED, &got);
        int at_infinity = 0;
        for (int j = 0; j < c.m; j++) {
            at_infinity += isinf(got.alpha[j]);
        }
        assert_true(at_infinity > 30);
        mcbe_bias_state_free(&got);
        assert_case_equals_reference(&c);
    }
}

/* alpha* of an octahedron is 0, so after a while everything is decided next to 0. */
static void the_octahedron_equals_the_reference(void **state)
{
    (void)state;
    paired_case_t c = {.m = 6, .n = 3, .samples = 20000, .key = {.seed = 1, .n = 3, .m = 6}};
    c.domain.radius = 1;
    assert_int_equal(mcbe_frame_named(&c.frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    assert_case_equals_reference(&c);
}

/* More rows than a counter of bytes holds, once and twice over. */
static void many_rows_equal_the_reference(void **state)
{
    (void)state;
    static const int rows[] = {254, 255, 256, 257, 300, 511, 513, 770};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_equals_reference(i, i % 3 == 2 ? FAMILY_NEAR_DUPLICATES : FAMILY_UNIT_ROWS, rows[i],
                                2 + (int)i, 1100);
    }
}

/* More dimensions than a counter of bytes holds. */
static void many_dimensions_equal_the_reference(void **state)
{
    (void)state;
    static const int dimensions[] = {63, 64, 65, 100, 257, 384};
    for (size_t i = 0; i < COUNT_OF(dimensions); i++) {
        const int n = dimensions[i];
        assert_equals_reference(i, FAMILY_GAUSSIAN, n + n / 10, n, n > 200 ? 300 : 700);
    }
}

/* Beyond n = 1024 a bank's blocks have 64 rows: from shell 64, sample 4096, on rows come from the
 * second. A few samples around it, from a state that has seen nothing. */
static void the_second_block_of_64_rows_equals_the_reference(void **state)
{
    (void)state;
    enum { FIRST = 4090, LAST = 4110 };
    paired_case_t c;
    plain_banks_t banks;
    reference_t ref;
    paired_case_init(&c, 0, FAMILY_GAUSSIAN, 1040, 1030, LAST);
    plain_banks_init(&banks, c.n, &c.key, LAST);
    reference_init(&ref, c.m, c.n, c.frame.w);
    for (int64_t sample = FIRST; sample < LAST; sample++) {
        reference_visit_sum(&ref, &banks, &c.domain, sample);
    }
    for (size_t p = 0; p < COUNT_OF(precisions); p++) {
        mcbe_bias_state_t got;
        mcbe_estimator_t *estimator = paired_estimator(&c, precisions[p]);
        assert_int_equal(mcbe_bias_state_init(&got, c.m), MCBE_OK);
        visit_samples(estimator, FIRST, LAST, &got, NULL);
        assert_same_state(&got, &ref.state);
        mcbe_bias_state_free(&got);
        mcbe_estimator_destroy(&estimator);
    }
    reference_free(&ref);
    plain_banks_free(&banks);
    mcbe_frame_free(&c.frame);
}

/* Around the ends of the first blocks of samples: 256, 1024, 2304; of the first block of rows:
 * 65536. */
static void any_number_of_samples_equals_the_reference(void **state)
{
    (void)state;
    static const int64_t counts[] = {0,    1,    2,    3,    255,   256,   257,  1000,
                                     1023, 1024, 1025, 2304, 65535, 65536, 65537};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        assert_equals_reference(i, FAMILY_GAUSSIAN, 12, 3, counts[i]);
    }
}

/* Seed and trial at which two single numbers are each other's negative, found by trying: a sum of 0
 * has no direction, but under the Gaussian law it is a point. */
static void a_sum_of_zero_is_a_point_of_the_gaussian_domain_only(void **state)
{
    (void)state;
    enum { TRIAL = 398, SAMPLES = 65536 };
    const mcbe_domain_kind_t kinds[] = {MCBE_DOMAIN_SPHERE, MCBE_DOMAIN_GAUSSIAN};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        paired_case_t c = {.m = 3, .n = 1, .samples = SAMPLES, .domain = {.radius = 1}};
        const double w[] = {1, -1, 0.5}; /* at 0 the first row would be lowered to 0 */
        plain_banks_t banks;
        int zeros = 0;
        c.domain.kind = kinds[i];
        c.key = (mcbe_stream_key_t){.seed = 11, .n = 1, .m = 3, .trial = TRIAL};
        plain_banks_init(&banks, 1, &c.key, SAMPLES);
        for (int64_t sample = 0; sample < SAMPLES; sample++) {
            double x;
            const double scale = plain_sum(&banks, &c.domain, sample, &x);
            zeros += x == 0;
            assert_true(x != 0 || (scale > 0) == (kinds[i] == MCBE_DOMAIN_GAUSSIAN));
        }
        plain_banks_free(&banks);
        assert_true(zeros > 0);
        assert_int_equal(mcbe_frame_copy(&c.frame, 3, 1, w, 1, 0, NULL), MCBE_OK);
        assert_case_equals_reference(&c);
    }
}

static void every_path_gives_the_same_bytes(void **state)
{
    assert_same_on_every_path(*state);
}

static int checksum_of_states(void)
{
    uint64_t sum = CHECKSUM_START;
    for (int number = 0; number < test_cases(80); number++) {
        paired_case_t c;
        random_paired_case(&c, number);
        for (size_t p = 0; p < COUNT_OF(precisions); p++) {
            mcbe_bias_state_t got;
            run_paired(&c, precisions[p], &got);
            const int64_t counts[] = {got.samples, got.updates, got.last_update, got.min_active,
                                      got.min_active_sample};
            sum = checksum(sum, got.alpha, (size_t)c.m * sizeof *got.alpha);
            sum = checksum(sum, got.witness, (size_t)c.m * sizeof *got.witness);
            sum = checksum(sum, counts, sizeof counts);
            mcbe_bias_state_free(&got);
        }
        mcbe_frame_free(&c.frame);
    }
    return print_checksum(sum);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return checksum_of_states();
    }
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_design_equals_the_reference),
        UNIT_TEST(one_dimension_equals_the_reference),
        UNIT_TEST(rows_left_at_infinity_equal_the_reference),
        UNIT_TEST(the_octahedron_equals_the_reference),
        UNIT_TEST(many_rows_equal_the_reference),
        UNIT_TEST(many_dimensions_equal_the_reference),
        UNIT_TEST(the_second_block_of_64_rows_equals_the_reference),
        UNIT_TEST(any_number_of_samples_equals_the_reference),
        UNIT_TEST(a_sum_of_zero_is_a_point_of_the_gaussian_domain_only),
        UNIT_TEST_OF_PROGRAM(every_path_gives_the_same_bytes, argv[0]),
    };
    return cmocka_run_group_tests_name("paired_exact", tests, NULL, NULL);
}
