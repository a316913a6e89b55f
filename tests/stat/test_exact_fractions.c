/* Shares of injective layers among random ones, n = 3 to 6, against shares from another
 * enumeration (sorted sweeps of the same planes, in another program with other random numbers),
 * given with their standard errors. */

#include "exact_cases.h"

static void shares_of_injective_layers(void **state)
{
    (void)state;
    static const struct {
        int n, m, trials;
        double share, error;
    } cases[] = {
        {3, 9, 4000, .009, .002},  {3, 12, 4000, .331, .011}, {3, 14, 4000, .611, .011},
        {3, 20, 4000, .962, .004}, {4, 17, 2000, .210, .014}, {4, 19, 2000, .458, .018},
        {4, 23, 2000, .830, .013}, {5, 22, 1000, .123, .016}, {5, 26, 1000, .535, .025},
        {5, 32, 1000, .920, .014}, {6, 30, 400, .330, .033},  {6, 35, 400, .715, .032},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int injective = 0;
        for (int trial = 0; trial < cases[i].trials; trial++) {
            mcbe_exact_verdict_t verdict;
            mcbe_frame_t frame;
            random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, cases[i].n, cases[i].m, trial);
            assert_int_equal(mcbe_exact_injectivity(&frame, INFINITY, &verdict, NULL, NULL),
                             MCBE_OK);
            assert_int_not_equal(verdict, MCBE_EXACT_UNDECIDED);
            injective += verdict == MCBE_EXACT_INJECTIVE;
            mcbe_frame_free(&frame);
        }
        const double expected = cases[i].share, share = (double)injective / cases[i].trials;
        const double own = expected * (1 - expected) / cases[i].trials;
        print_message("n = %d, m = %2d: %.4f, expected %.3f\n", cases[i].n, cases[i].m, share,
                      expected);
        assert_near(share, expected, 3 * sqrt(own + cases[i].error * cases[i].error));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {UNIT_TEST(shares_of_injective_layers)};
    return cmocka_run_group_tests_name("exact_fractions", tests, NULL, NULL);
}
