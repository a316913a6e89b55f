/* Confidence bounds of the share of violating points. */

#include "mcbe/stats.h"

#include "unit.h"

typedef struct known_bound {
    int64_t count, samples;
    double beta, bound;
} known_bound_t;

/* From the definitions as finite sums in 60 digits: tests/data/make_bounds.py. */
static const known_bound_t clopper_pearson[] = {
    {0, 10, 0.05, 0.25886555089305228},
    {0, 10, 1e-9, 0.87410745882058328},
    {1, 10, 0.05, 0.39416330243650478},
    {1, 10, 1e-9, 0.92194445570761898},
    {9, 10, 0.05, 0.9948838031081763},
    {9, 10, 1e-9, 0.9999999999},
    {0, 1000, 0.05, 0.0029912495450952962},
    {0, 1000, 1e-9, 0.020510014591301127},
    {1, 1000, 0.05, 0.0047349935754997776},
    {1, 1000, 1e-9, 0.023667164408359883},
    {9, 1000, 0.05, 0.01565257374960648},
    {9, 1000, 1e-9, 0.04106221015369277},
    {0, 1, 0.3, 0.70000000000000001},
    {1, 2, 0.05, 0.97467943448089639},
    {8, 1000, 0.05, 0.014388224952091902},
    {8, 10000, 0.05, 0.0014430005782821719},
    {49, 10000, 0.05, 0.006213008405316601},
    {99, 10000, 0.05, 0.011689166504789827},
    {9, 20, 0.95, 0.30195391128649354},
    {150, 1000000, 0.05, 0.00017176278054985588},
    {3, 1000000000, 0.05, 7.7536565095036169e-9},
    {9, 1000000000, 1e-9, 4.1739561497579367e-8},
    {0, 1000000000000000, 0.05, 2.9957322735539865e-15},
    {3, 1000000000000000, 0.05, 7.7536565279327084e-15},
    {149, 1000000000000000, 1e-12, 2.5293391768927789e-13},
};
static const known_bound_t wait_and_judge[] = {
    {0, 1, 0.05, 0.97435897435897436},
    {0, 10, 0.05, 0.35351684813362381},
    {9, 10, 0.05, 0.99954337899543379},
    {5, 10, 0.9, 0.69501858154508875},
    {9, 1000, 0.05, 0.020193433557277046},
    {0, 1000, 1e-9, 0.023602619253112279},
    {500, 1000, 0.05, 0.55291885373448141},
    {999, 1000, 0.05, 0.99999995004745492},
    {9, 10000, 0.05, 0.0020296938355759611},
    {42, 10000, 0.05, 0.0064108145601629739},
    {64, 10000, 0.05, 0.0091005784253232282},
    {0, 1000000000000, 0.05, 4.5139125430161851e-12},
    {9, 1000000000000, 0.05, 2.0308459224966688e-11},
    {3, 1000000000000000, 0.5, 6.5155918260977982e-15},
    {150, 1000000000000000, 1e-9, 2.4858925591318719e-13},
};

static void assert_bounds(double (*bound)(int64_t, int64_t, double), const known_bound_t *known,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const double got = bound(known[i].count, known[i].samples, known[i].beta);
        const double error = known[i].samples <= 10000 ? 1e-12 : 1e-8;
        if (!(fabs(got - known[i].bound) <= error * known[i].bound)) {
            fail_msg("%lld of %lld at %g: %.17g where %.17g is right", (long long)known[i].count,
                     (long long)known[i].samples, known[i].beta, got, known[i].bound);
        }
    }
}

static void bounds_satisfy_their_definitions(void **state)
{
    (void)state;
    assert_bounds(mcbe_clopper_pearson_upper, clopper_pearson, COUNT_OF(clopper_pearson));
    assert_bounds(mcbe_wait_and_judge_bound, wait_and_judge, COUNT_OF(wait_and_judge));
}

/* The scenario theorem sums the binomial probabilities of fewer than m violations. */
static void the_scenario_bound_is_that_of_m_less_one_violations(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(clopper_pearson); i++) {
        const known_bound_t *known = &clopper_pearson[i];
        const double got = mcbe_scenario_bound(known->count + 1, known->samples, known->beta);
        assert_true(fabs(got - known->bound) <= 1e-8 * known->bound);
    }
}

/* Sums of one or two terms have a root by hand. */
static void small_cases_by_hand(void **state)
{
    (void)state;
    for (int i = 1; i < 10; i++) {
        const double beta = i / 10.0;
        /* no violation: (1 - p)^s = beta; all but one: 1 - p^s = beta */
        assert_true(fabs(mcbe_clopper_pearson_upper(0, 3, beta) - (1 - cbrt(beta))) < 1e-14);
        assert_true(fabs(mcbe_clopper_pearson_upper(2, 3, beta) - cbrt(1 - beta)) < 1e-14);
        assert_true(fabs(mcbe_scenario_bound(3, 3, beta) - cbrt(1 - beta)) < 1e-14);
        assert_true(fabs(mcbe_scenario_bound(1, 1, beta) - (1 - beta)) < 1e-14);
        /* K = 0, N = 1: beta/2 (1 + t) = t; K = 1, N = 2: beta/3 (1 + 2 t) = 2 t */
        assert_true(fabs(mcbe_wait_and_judge_bound(0, 1, beta) - (1 - beta / (2 - beta))) < 1e-14);
        assert_true(fabs(mcbe_wait_and_judge_bound(1, 2, beta) - (1 - beta / (6 - 2 * beta))) <
                    1e-14);
    }
}

static void too_few_points_bound_nothing(void **state)
{
    (void)state;
    for (int64_t samples = 0; samples < 5; samples++) {
        assert_true(mcbe_clopper_pearson_upper(samples, samples, 0.05) == 1);
        assert_true(mcbe_wait_and_judge_bound(samples, samples, 0.05) == 1);
        assert_true(mcbe_scenario_bound(samples + 1, samples, 0.05) == 1);
    }
    assert_true(mcbe_scenario_bound(1000, 0, 0.05) == 1);
}

/* More violations, fewer points or more confidence: a larger bound. */
static void assert_monotone(double (*bound)(int64_t, int64_t, double))
{
    static const int64_t sizes[] = {1000, 1000000, 1000000000, 1000000000000, 1000000000000000};
    static const double betas[] = {0.999999, 0.5, 0.05, 1e-3, 1e-9, 1e-30, 1e-200};
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        for (size_t b = 0; b < COUNT_OF(betas); b++) {
            double last = 0;
            for (int64_t count = 0; count < 30; count += 1 + count / 3) {
                const double here = bound(count, sizes[s], betas[b]);
                assert_true(here > last && here < 1);
                assert_true(bound(count, sizes[s] + sizes[s] / 10, betas[b]) < here);
                assert_true(b == 0 || bound(count, sizes[s], betas[b - 1]) < here);
                last = here;
            }
        }
    }
}

static void bounds_are_monotone(void **state)
{
    (void)state;
    assert_monotone(mcbe_clopper_pearson_upper);
    assert_monotone(mcbe_wait_and_judge_bound);
}

/* Many violations: near their share, with the normal law's distance. */
static void large_counts_approach_the_normal_law(void **state)
{
    (void)state;
    const double quantile = 1.6448536269514722; /* of 0.95, the value of every table */
    for (int64_t samples = 1000000; samples < INT64_C(1) << 40; samples *= 100) {
        for (int tenths = 1; tenths <= 9; tenths += 4) {
            const int64_t count = samples / 10 * tenths;
            const double share = tenths / 10.0;
            const double sd = sqrt(share * (1 - share) / (double)samples);
            const double got = mcbe_clopper_pearson_upper(count, samples, 0.05);
            const double skew = 2 / (sd * (double)samples); /* next term of Cornish and Fisher */
            const double rounding = 1e-8 * share / sd;      /* what stats.h allows */
            assert_true(fabs((got - share) / sd - quantile) < skew + rounding);
            /* beta F = x f(x) at the root: further out, by less than sqrt(2 ln(1 / (beta sd))) */
            const double judged = mcbe_wait_and_judge_bound(count, samples, 0.05);
            assert_true(judged > got && judged < share + sqrt(2 * log(20 / sd)) * sd);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(bounds_satisfy_their_definitions),
        UNIT_TEST(the_scenario_bound_is_that_of_m_less_one_violations),
        UNIT_TEST(small_cases_by_hand),
        UNIT_TEST(too_few_points_bound_nothing),
        UNIT_TEST(bounds_are_monotone),
        UNIT_TEST(large_counts_approach_the_normal_law),
    };
    return cmocka_run_group_tests_name("stats_bounds", tests, NULL, NULL);
}
