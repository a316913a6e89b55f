/* How often guided search refutes random Gaussian layers at bias 0, with fixed seeds. Every
 * certificate is checked by search_until. */

#include "refute_cases.h"

static const mcbe_domain_t unit_sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1};

/* @return how many of the layers 0 .. trials - 1 are refuted */
static int refuted_layers(int n, int m, int trials, int64_t points)
{
    int refuted = 0;
    for (int trial = 0; trial < trials; trial++) {
        const mcbe_stream_key_t key = layer_key(n, m, trial);
        mcbe_frame_t frame = gaussian_layer(n, m, trial);
        int fewest;
        refuted += search_until(&frame, &key, &unit_sphere, NULL, points, &fewest) > 0;
        mcbe_frame_free(&frame);
    }
    return refuted;
}

/* A million uniform points call most of these layers injective. */
static void layers_well_below_the_threshold_are_refuted(void **state)
{
    static const int cells[][2] = {{10, 44}, {20, 90}, {20, 100}, {30, 140}, {30, 150}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        const int refuted = refuted_layers(cells[i][0], cells[i][1], 100, 100000);
        if (refuted < 98) {
            fail_msg("(%d, %d): %d of 100 layers refuted", cells[i][0], cells[i][1], refuted);
        }
    }
}

/* With m = 10 n a layer is not injective with probability at most 6.4e-6, 4.5e-8 and 4.1e-10: twice
 * the number of cells, sum over i < n of C(m - 1, i), times the probability that fewer than n of m
 * fair coins show heads. */
static void layers_far_above_the_threshold_are_not(void **state)
{
    (void)state;
    assert_int_equal(refuted_layers(10, 100, 20, 1000000), 0);
    assert_int_equal(refuted_layers(20, 200, 5, 1000000), 0);
    assert_int_equal(refuted_layers(30, 300, 2, 1000000), 0);
}

/* Near their 50 % points layers are as hard as they get; small ones have an exact answer. */
static void small_layers_are_refuted_if_and_only_if_they_can_be(void **state)
{
    static const int cells[][3] = {{4, 19, 60}, {5, 25, 60}, {6, 31, 25}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        const int n = cells[i][0], m = cells[i][1], trials = cells[i][2];
        int injective = 0, missed = 0;
        for (int trial = 0; trial < trials; trial++) {
            const mcbe_stream_key_t key = layer_key(n, m, trial);
            mcbe_frame_t frame = gaussian_layer(n, m, trial);
            int fewest;
            const int is_injective = exact_min_active(&frame) >= n;
            const int refuted = search_until(&frame, &key, &unit_sphere, NULL, 200000, &fewest) > 0;
            assert_false(is_injective && refuted);
            injective += is_injective;
            missed += !is_injective && !refuted;
            mcbe_frame_free(&frame);
        }
        print_message("(%d, %d): %d of %d injective, %d missed\n", n, m, injective, trials, missed);
        assert_in_range(injective, trials / 10,
                        trials - trials / 10); /* both kinds are among them */
        assert_int_equal(missed, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(layers_well_below_the_threshold_are_refuted),
        UNIT_TEST(layers_far_above_the_threshold_are_not),
        UNIT_TEST(small_layers_are_refuted_if_and_only_if_they_can_be),
    };
    return cmocka_run_group_tests_name("refuting", tests, NULL, NULL);
}
