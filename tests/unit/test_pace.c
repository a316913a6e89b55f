#include "pace.h"

#include "unit.h"

static void the_upper_ratio_leaves_one_bad_moment_out(void **state)
{
    (void)state;
    mcbe_pace_t pace = {0};
    assert_true(mcbe_pace_upper(&pace) == 0);
    mcbe_pace_add(&pace, 0, 5); /* tells nothing */
    assert_true(mcbe_pace_upper(&pace) == 0);
    mcbe_pace_add(&pace, 2, 3);
    assert_true(mcbe_pace_upper(&pace) == 1.5);
    mcbe_pace_add(&pace, 1, 40); /* of few, the largest */
    assert_true(mcbe_pace_upper(&pace) == 40);
    for (int i = 0; i < 6; i++) {
        mcbe_pace_add(&pace, 1, 1.25);
    }
    assert_true(mcbe_pace_upper(&pace) == 1.5);
    for (int i = 0; i < MCBE_PACE_WINDOW; i++) { /* what is long ago is forgotten */
        mcbe_pace_add(&pace, 4, 4);
    }
    assert_true(mcbe_pace_upper(&pace) == 1);
}

/* Ratios 1 and 3 in equal numbers, all costs 1: mean 2, deviation 1 (sample: sqrt(n / (n - 1))). What is
 * left are 25 jobs of cost 1, so that the mean of n = 100 is off by 0.05 and that of the rest by 0.1,
 * relative; together sqrt(100 / 99) sqrt(1 / 100 + 1 / 25) / 2, twice. */
static void the_spread_is_two_deviations(void **state)
{
    (void)state;
    mcbe_pace_t pace = {0};
    mcbe_pace_add(&pace, 1, 1);
    assert_true(isnan(mcbe_pace_spread(&pace, 25, 25)));
    for (int i = 1; i < 100; i++) {
        mcbe_pace_add(&pace, 1, i % 2 ? 3 : 1);
    }
    const double expected = sqrt(100.0 / 99.0) * sqrt(1.0 / 100 + 1.0 / 25);
    assert_true(fabs(mcbe_pace_spread(&pace, 25, 25) - expected) < 1e-12);
    mcbe_pace_t even = {0};
    mcbe_pace_add(&even, 1, 2);
    mcbe_pace_add(&even, 3, 6);
    assert_true(mcbe_pace_spread(&even, 10, 10) == 0);
}

static void the_slowest_rank_has_the_least_done_a_second(void **state)
{
    (void)state;
    double share = 0;
    const mcbe_rank_pace_t ranks[] = {{10, 10}, {0, 0}, {6, 12}, {24, 18}};
    assert_int_equal(mcbe_pace_slowest(ranks, 4, &share), 2);
    assert_true(share == 0.5); /* all together: 40 in 40 seconds */
    assert_int_equal(mcbe_pace_slowest(ranks, 2, &share), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_upper_ratio_leaves_one_bad_moment_out),
        UNIT_TEST(the_spread_is_two_deviations),
        UNIT_TEST(the_slowest_rank_has_the_least_done_a_second),
    };
    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
