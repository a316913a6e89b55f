/* Logistic fits. */

#include "mcbe/stats.h"

#include "unit.h"

static mcbe_logistic_t fit_points(const double *x, const int64_t *successes, const int64_t *trials,
                                  int count, double z)
{
    mcbe_logistic_t fit;
    mcbe_logistic_fit(x, successes, trials, count, z, &fit);
    return fit;
}

static void assert_near(double got, double expected, double error)
{
    if (!(fabs(got - expected) <= error)) {
        fail_msg("%.15g where %.15g is right", got, expected);
    }
}

/* C. I. Bliss's beetles, the logistic fit of which is printed in A. J. Dobson, An Introduction to
 * Generalized Linear Models, section 7.3: intercept -60.717, slope 34.270. The further digits, the
 * standard error and the interval come from SciPy's minimize, minimize_scalar and brentq on the
 * likelihood of (x0, slope). */
static const double dose[] = {1.6907, 1.7242, 1.7552, 1.7842, 1.8113, 1.8369, 1.8610, 1.8839};
static const int64_t beetles[] = {59, 60, 62, 56, 63, 59, 62, 60};
static const int64_t killed[] = {6, 13, 18, 28, 52, 53, 61, 60};
enum { DOSES = COUNT_OF(dose) };

static void the_beetles(void **state)
{
    (void)state;
    const mcbe_logistic_t fit = fit_points(dose, killed, beetles, DOSES, 1.96);
    assert_int_equal(fit.outcome, MCBE_LOGISTIC_FITTED);
    assert_near(fit.x0 / fit.scale, 60.717, 5e-4);
    assert_near(1 / fit.scale, 34.270, 5e-4);
    assert_near(fit.x0, 1.7717209648914674, 1e-9);
    assert_near(fit.scale, 0.029179763971302994, 1e-9);
    assert_near(fit.x0_error, 0.0038580553456656775, 1e-9);
    assert_near(fit.low, 1.7639819572254352, 1e-8);
    assert_near(fit.high, 1.7791873819030992, 1e-8);
}

/* Shares 1/4 and 3/4 at -1 and 1 are met exactly by x0 = 0, scale = 1 / ln 3; with t trials each,
 * weights 3 t / 16, so the variance of x0 is 1 / (ln(3)^2 3 t / 8). */
static void two_points_by_hand(void **state)
{
    (void)state;
    static const double x[] = {-1, 1};
    static const int64_t successes[] = {25, 75}, trials[] = {100, 100};
    const mcbe_logistic_t fit = fit_points(x, successes, trials, 2, 1.96);
    assert_int_equal(fit.outcome, MCBE_LOGISTIC_FITTED);
    assert_near(fit.x0, 0, 1e-12);
    assert_near(fit.scale, 1 / log(3.0), 1e-12);
    assert_near(fit.x0_error, 1 / (log(3.0) * sqrt(37.5)), 1e-12);
    assert_near(fit.low + fit.high, 0, 1e-9);
    /* with this much data the interval is near the normal one */
    assert_near(fit.high / fit.x0_error, 1.96, 0.1);
}

/* With 2 of 8 and 6 of 8 a level curve is 2.09 / 2 below the maximum: 16 (ln 2 - H), H = 2 ln 2 - 3/4
 * ln 3 the entropy of (1/4, 3/4). So it lies within the interval of z = 1.96, not in that of 1.4. */
static void an_interval_without_end(void **state)
{
    (void)state;
    static const double x[] = {-1, 1};
    static const int64_t successes[] = {2, 6}, trials[] = {8, 8};
    const double z = sqrt(32 * (0.75 * log(3.0) - log(2.0)));
    mcbe_logistic_t fit = fit_points(x, successes, trials, 2, z * 1.001);
    assert_int_equal(fit.outcome, MCBE_LOGISTIC_FITTED);
    assert_true(isinf(fit.low) && fit.low < 0 && isinf(fit.high) && fit.high > 0);
    fit = fit_points(x, successes, trials, 2, z * 0.999);
    assert_true(isfinite(fit.low) && isfinite(fit.high));
    assert_true(fit.low < -10 && fit.high > 10); /* but it comes from far away */
}

/* Shift, scale and mirror the axis, count the other outcome: the fit follows. */
static void fits_follow_their_axis(void **state)
{
    (void)state;
    static const double factors[] = {1, -1, 1e6, -1e-6};
    const mcbe_logistic_t fit = fit_points(dose, killed, beetles, DOSES, 1.96);
    for (size_t f = 0; f < COUNT_OF(factors); f++) {
        const double factor = factors[f], shift = 3 * factor;
        double x[DOSES];
        int64_t survived[DOSES];
        for (int i = 0; i < DOSES; i++) {
            x[i] = factor * dose[i] + shift;
            survived[i] = beetles[i] - killed[i];
        }
        const double error = 1e-8 * fabs(factor);
        const double low = factor * (factor > 0 ? fit.low : fit.high) + shift;
        const double high = factor * (factor > 0 ? fit.high : fit.low) + shift;
        for (int mirrored = 0; mirrored < 2; mirrored++) {
            const mcbe_logistic_t moved =
                fit_points(x, mirrored ? survived : killed, beetles, DOSES, 1.96);
            assert_near(moved.x0, factor * fit.x0 + shift, error);
            assert_near(moved.scale, factor * fit.scale * (mirrored ? -1 : 1), error);
            assert_near(moved.x0_error, fabs(factor) * fit.x0_error, error);
            assert_near(moved.low, low, error);
            assert_near(moved.high, high, error);
        }
    }
}

/* Points without trials and the order of points say nothing; trials may be split over equal x. */
static void the_data_are_a_set(void **state)
{
    (void)state;
    double x[2 * DOSES + 1];
    int64_t successes[2 * DOSES + 1], trials[2 * DOSES + 1];
    for (int i = 0; i < DOSES; i++) {
        const int last = 2 * DOSES - 1 - i;
        x[i] = x[last] = dose[i];
        successes[i] = killed[i] / 2;
        successes[last] = killed[i] - successes[i];
        trials[i] = beetles[i] / 2 + 1;
        trials[last] = beetles[i] - trials[i];
        successes[i] = successes[i] < trials[i] ? successes[i] : trials[i];
        successes[last] = killed[i] - successes[i];
        if (successes[last] > trials[last]) {
            successes[i] += successes[last] - trials[last];
            successes[last] = trials[last];
        }
    }
    x[2 * DOSES] = -40;
    successes[2 * DOSES] = trials[2 * DOSES] = 0;
    const mcbe_logistic_t fit = fit_points(dose, killed, beetles, DOSES, 1.96);
    const mcbe_logistic_t split = fit_points(x, successes, trials, 2 * DOSES + 1, 1.96);
    assert_near(split.x0, fit.x0, 1e-10);
    assert_near(split.scale, fit.scale, 1e-10);
    assert_near(split.low, fit.low, 1e-9);
    assert_near(split.high, fit.high, 1e-9);
}

/* All failures left of all successes: a step in the gap. Beyond an end of the gap, at distance e into
 * the points, the steepest curve gives the last 10 points half a chance each at e = 0, so z^2 / 2 =
 * 10 ln 2 is where the interval is the gap itself. */
static void separable_data_say_so(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 4, 5};
    static const int64_t successes[] = {0, 0, 10, 10}, falling[] = {10, 10, 0, 0};
    static const int64_t trials[] = {10, 10, 10, 10};
    const double z = sqrt(20 * log(2.0));
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        const int64_t *counts = mirrored ? falling : successes;
        mcbe_logistic_t fit = fit_points(x, counts, trials, 4, z * 0.999);
        assert_int_equal(fit.outcome, MCBE_LOGISTIC_SEPARABLE);
        assert_true(fit.x0 == 3 && fit.scale == 0 && isnan(fit.x0_error));
        assert_near(fit.low, 2, 1e-9);
        assert_near(fit.high, 4, 1e-9);
        fit = fit_points(x, counts, trials, 4, z * 1.01);
        assert_true(fit.low < 2 && fit.low > 1 && fit.high > 4 && fit.high < 5);
    }
}

/* 3 of 10 at one point, nothing below and everything above it: a step there. Mirrored it is one too. */
static void one_mixed_point_is_separable(void **state)
{
    (void)state;
    static const int64_t successes[] = {0, 3, 10}, trials[] = {10, 10, 10};
    for (int sign = -1; sign <= 1; sign += 2) {
        const double x[] = {1.0 * sign, 2.0 * sign, 4.0 * sign};
        const mcbe_logistic_t fit = fit_points(x, successes, trials, 3, 1.96);
        assert_int_equal(fit.outcome, MCBE_LOGISTIC_SEPARABLE);
        assert_true(fit.x0 == 2 * sign && fit.scale == 0 && isnan(fit.x0_error));
        /* a midpoint before 2 gives the 10 trials there a chance of at least 1/2: 3 of 10 are then
         * 0.82 below the best, less than 1.96^2 / 2 but more than 1.2^2 / 2 */
        const double before = sign > 0 ? fit.low : -fit.high;
        const double after = sign > 0 ? fit.high : -fit.low;
        assert_true(before < 2 && before > 1 && after > 2 && after < 4);
        const mcbe_logistic_t narrow = fit_points(x, successes, trials, 3, 1.2);
        assert_near(sign > 0 ? narrow.low : -narrow.high, 2, 1e-9);
        const double narrow_after = sign > 0 ? narrow.high : -narrow.low;
        assert_true(narrow_after > 2 && narrow_after < after);
    }
}

/* 1 of 1000 out of place makes the maximum finite: steep, but a curve. */
static void nearly_separable_data_are_fitted(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 3, 4};
    static const int64_t successes[] = {1, 0, 1000, 1000}, trials[] = {1000, 1000, 1000, 1000};
    const mcbe_logistic_t fit = fit_points(x, successes, trials, 4, 1.96);
    assert_int_equal(fit.outcome, MCBE_LOGISTIC_FITTED);
    assert_true(fit.x0 > 2 && fit.x0 < 3 && fit.scale > 0 && fit.scale < 0.3);
    assert_true(fit.low <= fit.x0 && fit.low > 1.9 && fit.high >= fit.x0 && fit.high < 3.1);
}

static void some_data_have_no_midpoint(void **state)
{
    (void)state;
    static const double x[] = {1, 2, 3}, same[] = {2, 2, 2};
    static const int64_t none[] = {0, 0, 0}, all[] = {5, 5, 5}, mixed[] = {1, 2, 3};
    static const int64_t level[] = {3, 3, 3}, twice[] = {6, 6, 6};
    const struct {
        const double *x;
        const int64_t *successes, *trials;
    } cases[] = {
        {x, none, all}, {x, all, all}, {x, none, none}, {same, mixed, all}, {x, level, twice}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const mcbe_logistic_t fit =
            fit_points(cases[i].x, cases[i].successes, cases[i].trials, 3, 1.96);
        assert_int_equal(fit.outcome, MCBE_LOGISTIC_UNDETERMINED);
        assert_true(isnan(fit.x0) && isnan(fit.scale) && isnan(fit.x0_error));
        assert_true(isinf(fit.low) && fit.low < 0 && isinf(fit.high) && fit.high > 0);
    }
    mcbe_logistic_t fit;
    mcbe_logistic_fit(NULL, NULL, NULL, 0, 1.96, &fit);
    assert_int_equal(fit.outcome, MCBE_LOGISTIC_UNDETERMINED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_beetles),
        UNIT_TEST(two_points_by_hand),
        UNIT_TEST(an_interval_without_end),
        UNIT_TEST(fits_follow_their_axis),
        UNIT_TEST(the_data_are_a_set),
        UNIT_TEST(separable_data_say_so),
        UNIT_TEST(one_mixed_point_is_separable),
        UNIT_TEST(nearly_separable_data_are_fitted),
        UNIT_TEST(some_data_have_no_midpoint),
    };
    return cmocka_run_group_tests_name("stats_logistic", tests, NULL, NULL);
}
