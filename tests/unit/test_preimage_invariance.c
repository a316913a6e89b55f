#include "layers.h"

typedef struct found_point {
    double x[40];
    mcbe_invariance_t result;
} found_point_t;

static found_point_t most_like(int m, int n, const double *w, const double *bias, const double *x,
                               const double *target, mcbe_likeness_t likeness, double low,
                               double high)
{
    found_point_t found;
    mcbe_preimage_t *preimage = layer_of(m, n, w, bias);
    assert_int_equal(mcbe_preimage_most_like(preimage, x, target, likeness, low, high, found.x,
                                             &found.result, NULL),
                     MCBE_OK);
    mcbe_preimage_destroy(&preimage);
    return found;
}

#define NEAR(value, expected) assert_true(fabs((value) - (expected)) < 1e-9)

/* One row in the square: x1 + x2 = 0.6 is kept, for it is positive. */
static void a_segment_is_known_by_hand(void **state)
{
    (void)state;
    const double w[2] = {1, 1}, x[2] = {0.5, 0.1}, target[2] = {0.2, 1};
    found_point_t found = most_like(1, 2, w, NULL, x, target, MCBE_LIKENESS_PRODUCT, 0, 1);
    NEAR(found.x[0], 0); /* the end of the segment with more of what the target has more of */
    NEAR(found.x[1], 0.6);
    NEAR(found.result.value, 0.6);
    NEAR(found.result.start, 0.2);
    NEAR(found.result.moved, sqrt(0.5));
    found = most_like(1, 2, w, NULL, x, target, MCBE_LIKENESS_L1, 0, 1);
    NEAR(found.result.start, 1.2);
    NEAR(found.result.value, 0.6); /* |x1 - 0.2| + |0.4 + x1| on the segment, for x1 in 0 .. 0.2 */
    NEAR(found.result.bound, 0.6);
    found = most_like(1, 2, w, NULL, x, target, MCBE_LIKENESS_LINF, 0, 1);
    NEAR(found.result.value, 0.4); /* 0.2 - x1 = 0.4 + x1 would need x1 = -0.1 */
    NEAR(found.x[0], 0);
    found = most_like(1, 2, w, NULL, x, target, MCBE_LIKENESS_LINF, -1, 1);
    NEAR(found.result.value, 0.3);
    NEAR(found.x[0], -0.1);
}

/* The row with y = 0 may fall, not rise: x1 <= 0.5. */
static void inactive_rows_stay_inactive(void **state)
{
    (void)state;
    const double w[2] = {1, 0}, bias[1] = {0.5}, x[2] = {0.25, 0.25}, target[2] = {0.9, 0.9};
    const found_point_t found = most_like(1, 2, w, bias, x, target, MCBE_LIKENESS_L1, 0, 1);
    NEAR(found.x[0], 0.5);
    NEAR(found.x[1], 0.9);
    NEAR(found.result.value, 0.4);
}

/* A target outside of the box: its nearest point of the box is best, and the distance to it counts. */
static void targets_may_lie_outside(void **state)
{
    (void)state;
    const double w[4] = {1, 0, 0, 0}, bias[2] = {2, 0}, x[2] = {0.5, 0.5}, target[2] = {3, -0.5};
    for (int kind = 0; kind <= 2; kind++) {
        const found_point_t found =
            most_like(2, 2, w, bias, x, target, (mcbe_likeness_t)kind, 0, 1);
        const double expected[3] = {3, 2.5, 2};
        NEAR(found.result.value, expected[kind]);
        NEAR(found.result.bound, expected[kind]);
        NEAR(found.x[0], 1);
    }
}

static void a_singleton_stays_where_it_is(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(31);
    double w[30 * 5], bias[30], x[5] = {0.1, 0.2, 0.3, 0.4, 0.5}, target[5] = {1, 1, 1, 1, 1};
    random_values(&rng, 150, 1, w);
    for (int j = 0; j < 30; j++) {
        bias[j] = -9;
    }
    const found_point_t found = most_like(30, 5, w, bias, x, target, MCBE_LIKENESS_L1, 0, 1);
    assert_memory_equal(found.x, x, sizeof x);
    assert_true(found.result.moved == 0 && found.result.iterations == 0 &&
                found.result.difference == 0);
}

/* Every point found has the features, and none that random walks inside the preimage find is
 * better. */
static void random_layers_keep_their_features(void **state)
{
    (void)state;
    enum { M = 20, N = 30 };
    mcbe_rng_t rng = test_rng(32);
    for (int trial = 0; trial < 30; trial++) {
        const mcbe_likeness_t likeness = (mcbe_likeness_t)(trial % 3);
        double w[M * N], bias[M], x[N], target[N];
        random_values(&rng, M * N, 0.2, w);
        random_values(&rng, M, 0.3, bias);
        for (int k = 0; k < N; k++) {
            x[k] = mcbe_rng_uniform(&rng);
            target[k] = mcbe_rng_uniform(&rng);
        }
        const found_point_t found = most_like(M, N, w, bias, x, target, likeness, 0, 1);
        for (int j = 0; j < M; j++) {
            const double before = row_value(N, w + j * N, x) - bias[j];
            const double after = row_value(N, w + j * N, found.x) - bias[j];
            assert_true(fabs(fmax(before, 0) - fmax(after, 0)) < 1e-8);
        }
        double l1 = 0, linf = 0;
        for (int k = 0; k < N; k++) {
            assert_true(found.x[k] >= 0 && found.x[k] <= 1);
            l1 += fabs(found.x[k] - target[k]);
            linf = fmax(linf, fabs(found.x[k] - target[k]));
        }
        const double value = likeness == MCBE_LIKENESS_L1     ? l1
                             : likeness == MCBE_LIKENESS_LINF ? linf
                                                              : row_value(N, found.x, target);
        NEAR(value, found.result.value);
        NEAR(value, found.result.bound);
        assert_true(likeness == MCBE_LIKENESS_PRODUCT
                        ? found.result.value >= found.result.start - 1e-9
                        : found.result.value <= found.result.start + 1e-9);
        assert_true(found.result.difference <= found.result.tolerance);
        assert_true(found.result.moved > 0.1 && found.result.iterations > 0);
    }
}

static void unusable_input_is_one_sentence(void **state)
{
    (void)state;
    const double w[2] = {1, 1}, x[2] = {0.5, 1.5}, target[2] = {0, NAN};
    double found[2];
    mcbe_invariance_t result;
    mcbe_error_t err = {0};
    mcbe_preimage_t *preimage = layer_of(1, 2, w, NULL);
    assert_int_equal(
        mcbe_preimage_most_like(preimage, x, w, MCBE_LIKENESS_L1, 0, 1, found, &result, &err),
        MCBE_ERR_ARGUMENT);
    assert_string_equal(err.text, "preimage: entry 1 of the point is 1.5; in the box are values "
                                  "from 0 to 1");
    mcbe_error_clear(&err);
    assert_int_equal(
        mcbe_preimage_most_like(preimage, x, w, MCBE_LIKENESS_L1, 1, 1, found, &result, &err),
        MCBE_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "the box is from 1 to 1"));
    mcbe_error_clear(&err);
    assert_int_equal(
        mcbe_preimage_most_like(preimage, x, target, MCBE_LIKENESS_L1, 0, 2, found, &result, &err),
        MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "entry 1 of the target is nan"));
    mcbe_preimage_destroy(&preimage);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    const double w[2] = {1, 1}, x[2] = {0.5, 0.1}, target[2] = {0.2, 1};
    double found[2];
    mcbe_invariance_t result;
    mcbe_preimage_t *preimage = layer_of(1, 2, w, NULL);
    for (int kind = 0; kind <= 2; kind++) {
        ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_preimage_most_like(
            preimage, x, target, (mcbe_likeness_t)kind, 0, 1, found, &result, NULL));
    }
    mcbe_preimage_destroy(&preimage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_segment_is_known_by_hand),        UNIT_TEST(inactive_rows_stay_inactive),
        UNIT_TEST(targets_may_lie_outside),           UNIT_TEST(a_singleton_stays_where_it_is),
        UNIT_TEST(random_layers_keep_their_features), UNIT_TEST(unusable_input_is_one_sentence),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("preimage_invariance", tests, NULL, NULL);
}
