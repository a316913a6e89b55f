/* Fits of the probability that no obstacle is there. */

#include "mcbe/stats.h"

#include "unit.h"

static void assert_near(double got, double expected, double error)
{
    if (!(fabs(got - expected) <= error)) {
        fail_msg("%.15g where %.15g is right", got, expected);
    }
}

/* C. I. Bliss's beetles: A. J. Dobson, An Introduction to Generalized Linear Models, section 7.3,
 * prints the fit of 1 - exp(-exp(eta)) to those killed, eta = -39.572 + 22.041 x. So those that survive
 * follow exp(-exp(eta)), which is 1/2 at eta = ln ln 2. */
static void the_beetles(void **state)
{
    (void)state;
    static const double x[] = {1.6907, 1.7242, 1.7552, 1.7842, 1.8113, 1.8369, 1.8610, 1.8839};
    static const int64_t beetles[] = {59, 60, 62, 56, 63, 59, 62, 60};
    static const int64_t survived[] = {53, 47, 44, 28, 11, 6, 1, 0};
    mcbe_logistic_t fit;
    mcbe_gumbel_fit(x, survived, beetles, COUNT_OF(x), 1.96, &fit);
    assert_int_equal(fit.outcome, MCBE_LOGISTIC_FITTED);
    assert_near(1 / fit.scale, -22.041, 6e-4);
    assert_near(fit.x0 / fit.scale + log(log(2.0)), -39.572, 1e-3);
    assert_true(fit.low < fit.x0 && fit.x0 < fit.high);
    assert_near((fit.high - fit.low) / (2 * 1.96 * fit.x0_error), 1, 0.05);
}

/* Shares 1/4 and 1/2 at 0 and 1 are met by 2^-(2^(1 - x)): x0 = 1, scale = 1 / ln 2. */
static void two_points_by_hand(void **state)
{
    (void)state;
    static const double x[] = {0, 1}, mirrored[] = {0, -1};
    static const int64_t successes[] = {25, 50}, trials[] = {100, 100};
    mcbe_logistic_t fit, back;
    mcbe_gumbel_fit(x, successes, trials, 2, 1.96, &fit);
    assert_int_equal(fit.outcome, MCBE_LOGISTIC_FITTED);
    assert_near(fit.x0, 1, 1e-9);
    assert_near(fit.scale, 1 / log(2.0), 1e-9);
    mcbe_gumbel_fit(mirrored, successes, trials, 2, 1.96, &back);
    assert_near(back.x0, -1, 1e-9);
    assert_near(back.scale, -1 / log(2.0), 1e-9);
    assert_near(back.low, -fit.high, 1e-9);
    assert_near(back.high, -fit.low, 1e-9);
}

/* A layer of m Gaussian rows in the plane is injective with probability 1 - m (m - 2) / 2^(m - 1), m > 4,
 * which is 1/2 at m = 7.25. The tails are of this form, and unlike those of a logistic curve, whose
 * midpoint they pull away. */
static void layers_in_the_plane(void **state)
{
    (void)state;
    double x[10];
    int64_t injective[10], layers[10];
    mcbe_logistic_t gumbel, logistic;
    for (int i = 0; i < 10; i++) {
        const double m = x[i] = i + 5;
        layers[i] = 1000000;
        injective[i] = (int64_t)(1e6 * (1 - m * (m - 2) / pow(2, m - 1)));
    }
    mcbe_gumbel_fit(x, injective, layers, 10, 1.96, &gumbel);
    mcbe_logistic_fit(x, injective, layers, 10, 1.96, &logistic);
    assert_near(gumbel.x0, 7.25, 0.15);
    assert_true(logistic.x0 - 7.25 > 0.3);
}

/* Far from the midpoint one of the two probabilities is 0 in fp64. */
static void steep_curves(void **state)
{
    (void)state;
    static const double x[] = {-1e6, -1, 0, 1, 2, 1e6};
    static const int64_t successes[] = {0, 1, 40, 80, 99, 100};
    static const int64_t trials[] = {100, 100, 100, 100, 100, 100};
    mcbe_logistic_t all, inner;
    mcbe_gumbel_fit(x, successes, trials, 6, 1.96, &all);
    mcbe_gumbel_fit(x + 1, successes + 1, trials + 1, 4, 1.96, &inner);
    assert_int_equal(all.outcome, MCBE_LOGISTIC_FITTED);
    assert_near(all.x0, inner.x0, 1e-6);
    assert_near(all.scale, inner.scale, 1e-6);
    assert_near(all.low, inner.low, 1e-6);
    assert_near(all.high, inner.high, 1e-6);
}

/* What does not depend on the form of the curve. */
static void data_without_a_curve(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 3};
    static const int64_t none[] = {0, 0, 0}, step[] = {0, 0, 9}, mixed[] = {0, 4, 9},
                         trials[] = {9, 9, 9};
    mcbe_logistic_t fit;
    mcbe_gumbel_fit(x, none, trials, 3, 1.96, &fit);
    assert_int_equal(fit.outcome, MCBE_LOGISTIC_UNDETERMINED);
    assert_true(isnan(fit.x0));
    mcbe_gumbel_fit(x, step, trials, 3, 1.96, &fit);
    assert_int_equal(fit.outcome, MCBE_LOGISTIC_SEPARABLE);
    assert_near(fit.x0, 2.5, 0);
    assert_true(fit.low < 2.5 && fit.low > 1 && fit.high > 2.5 && fit.high < 4);
    mcbe_gumbel_fit(x, mixed, trials, 3, 1.96, &fit);
    assert_int_equal(fit.outcome, MCBE_LOGISTIC_SEPARABLE);
    assert_near(fit.x0, 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_beetles),  UNIT_TEST(two_points_by_hand),   UNIT_TEST(layers_in_the_plane),
        UNIT_TEST(steep_curves), UNIT_TEST(data_without_a_curve),
    };
    return cmocka_run_group_tests_name("stats_gumbel", tests, NULL, NULL);
}
