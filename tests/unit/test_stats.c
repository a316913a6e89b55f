#include "mcbe/stats.h"

#include "unit.h"

static void summary_of_a_list_by_hand(void **state)
{
    (void)state;
    const double values[] = {2, 4, 4, 4, 5, 5, 7, 9}; /* mean 5, squared deviations sum to 32 */
    mcbe_summary_t s;
    mcbe_summarize(values, COUNT_OF(values), &s);
    assert_int_equal(s.finite, 8);
    assert_int_equal(s.infinite, 0);
    assert_true(s.min == 2 && s.max == 9 && s.mean == 5);
    assert_true(s.sd == sqrt(32.0 / 7));
}

static void infinities_are_left_out_and_counted(void **state)
{
    (void)state;
    const double values[] = {INFINITY, -1, INFINITY, 3, -INFINITY};
    mcbe_summary_t s;
    mcbe_summarize(values, COUNT_OF(values), &s);
    assert_int_equal(s.finite, 2);
    assert_int_equal(s.infinite, 3);
    assert_true(s.min == -1 && s.max == 3 && s.mean == 1);
    assert_true(s.sd == sqrt(8.0));
}

static void nothing_finite_is_all_nan(void **state)
{
    (void)state;
    const double infinite[] = {INFINITY, -INFINITY};
    for (int64_t count = 0; count <= 2; count += 2) {
        mcbe_summary_t s;
        mcbe_summarize(infinite, count, &s);
        assert_int_equal(s.finite, 0);
        assert_int_equal(s.infinite, count);
        assert_true(isnan(s.min) && isnan(s.max) && isnan(s.mean) && isnan(s.sd));
    }
}

static void one_value_has_no_deviation(void **state)
{
    (void)state;
    const double values[] = {-2.5, INFINITY};
    for (int64_t count = 1; count <= 2; count++) {
        mcbe_summary_t s;
        mcbe_summarize(values, count, &s);
        assert_int_equal(s.finite, 1);
        assert_true(s.min == -2.5 && s.max == -2.5 && s.mean == -2.5);
        assert_true(isnan(s.sd));
    }
}

/* Far from 0 the difference of two sums of squares would lose every digit. */
static void deviation_survives_a_large_mean(void **state)
{
    (void)state;
    const double values[] = {1e9 + 1, 1e9 + 2, 1e9 + 3};
    mcbe_summary_t s;
    mcbe_summarize(values, COUNT_OF(values), &s);
    assert_true(s.mean == 1e9 + 2);
    assert_true(s.sd == 1);
}

/* In index order each 1 is rounded away; compensated, pairwise or sorted sums would keep them. */
static void the_mean_is_summed_in_index_order(void **state)
{
    (void)state;
    const double values[] = {0x1p53, 1, 1, -0x1p53};
    mcbe_summary_t s;
    mcbe_summarize(values, COUNT_OF(values), &s);
    assert_true(s.mean == 0);
}

/* Newcombe, Statistics in Medicine 17 (1998), table I, method 3, four decimals, 95 %. */
static void wilson_intervals_are_the_published_ones(void **state)
{
    (void)state;
    static const struct {
        int64_t successes, trials;
        double low, high;
    } known[] = {{81, 263, 0.2553, 0.3662},
                 {15, 148, 0.0624, 0.1605},
                 {0, 20, 0, 0.1611},
                 {1, 29, 0.0061, 0.1718}};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        const int64_t successes = known[i].successes, trials = known[i].trials;
        double low, high;
        mcbe_wilson_interval(successes, trials, 1.959964, &low, &high);
        assert_true(fabs(low - known[i].low) <= 0.5e-4 && fabs(high - known[i].high) <= 0.5e-4);
        double mirrored_low, mirrored_high;
        mcbe_wilson_interval(trials - successes, trials, 1.959964, &mirrored_low, &mirrored_high);
        assert_true(fabs(mirrored_low - (1 - high)) < 1e-12);
        assert_true(fabs(mirrored_high - (1 - low)) < 1e-12);
    }
}

static void wilson_intervals_stay_in_range(void **state)
{
    (void)state;
    double low, high;
    mcbe_wilson_interval(0, 0, 1.96, &low, &high);
    assert_true(low == 0 && high == 1);
    for (int64_t trials = 1; trials < 2000; trials += 37) {
        for (int64_t successes = 0; successes <= trials; successes += trials) {
            mcbe_wilson_interval(successes, trials, 1.96, &low, &high);
            assert_true(low >= 0 && low < high && high <= 1);
            assert_true(successes == 0 ? low < 1e-15 : high > 1 - 1e-15);
        }
    }
    mcbe_wilson_interval(3, 10, 0, &low, &high);
    assert_true(low == 0.3 && high == 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(summary_of_a_list_by_hand),
        UNIT_TEST(infinities_are_left_out_and_counted),
        UNIT_TEST(nothing_finite_is_all_nan),
        UNIT_TEST(one_value_has_no_deviation),
        UNIT_TEST(deviation_survives_a_large_mean),
        UNIT_TEST(the_mean_is_summed_in_index_order),
        UNIT_TEST(wilson_intervals_are_the_published_ones),
        UNIT_TEST(wilson_intervals_stay_in_range),
    };
    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
