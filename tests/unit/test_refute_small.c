/* The construction that refutes every layer of few rows. */

#include "refute_cases.h"
#include "unit.h"

static void few_rows_are_refuted_by_construction(void **state)
{
    double x[30];
    (void)state;
    for (int n = 1; n <= 30; n++) {
        for (int m = n; m <= 4 * n; m++) {
            mcbe_frame_t frame = gaussian_layer(n, m, 0);
            int active;
            assert_int_equal(mcbe_refute_small(&frame, x, &active), MCBE_OK);
            assert_true(active <= (m - n + 1) / 2);
            assert_true(m >= 3 * n - 1 || active < n);
            assert_int_equal(plainly_active(&frame, NULL, x, 1.0), active);
            mcbe_frame_free(&frame);
        }
    }
}

/* Rows 0 and 1 are parallel, so the first set of n - 1 rows is dependent; others are not. */
static void dependent_rows_are_passed_over(void **state)
{
    double x[3];
    int active;
    mcbe_frame_t gaussian = gaussian_layer(3, 7, 0);
    (void)state;
    for (int k = 0; k < 3; k++) {
        gaussian.w[3 + k] = 2 * gaussian.w[k];
    }
    mcbe_frame_t frame = layer_of(7, 3, gaussian.w);
    assert_int_equal(mcbe_refute_small(&frame, x, &active), MCBE_OK);
    assert_true(active <= 2); /* (m - n + 1) / 2 */
    assert_int_equal(plainly_active(&frame, NULL, x, 1.0), active);
    mcbe_frame_free(&frame);
    mcbe_frame_free(&gaussian);
}

/* Six rows in R^3 are fewer than 3 n - 1, but antipodal ones: 3 are always active. */
static void the_octahedron_stays_above_the_bound(void **state)
{
    mcbe_frame_t frame;
    double x[3];
    int active;
    (void)state;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    assert_int_equal(mcbe_refute_small(&frame, x, &active), MCBE_OK);
    assert_int_equal(active, 3);
    assert_int_equal(plainly_active(&frame, NULL, x, 1.0), 3);
    mcbe_frame_free(&frame);
}

static void failed_allocations_leave_nothing(void **state)
{
    mcbe_frame_t frame = gaussian_layer(3, 8, 0);
    double x[3];
    int active;
    (void)state;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_refute_small(&frame, x, &active));
    mcbe_frame_free(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(few_rows_are_refuted_by_construction),
        UNIT_TEST(dependent_rows_are_passed_over),
        UNIT_TEST(the_octahedron_stays_above_the_bound),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("refute_small", tests, NULL, NULL);
}
