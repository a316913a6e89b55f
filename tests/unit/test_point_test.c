#include "mcbe/injectivity.h"

#include "unit.h"

enum { N = 7, M = 25, POINTS = 600, BIASES = 4 };

static void random_frame(mcbe_frame_t *frame, double size)
{
    double w[M * N];
    mcbe_rng_t rng = test_rng(1);
    for (int i = 0; i < M * N; i++) {
        w[i] = size * (mcbe_rng_uniform(&rng) - 0.5);
    }
    assert_int_equal(mcbe_frame_copy(frame, M, N, w, N, 0, NULL), MCBE_OK);
}

static void random_points(float size, float *x, double *scale)
{
    mcbe_rng_t rng = test_rng(2);
    for (int i = 0; i < POINTS * N; i++) {
        x[i] = size * ((float)mcbe_rng_uniform(&rng) - 0.4F);
    }
    for (int i = 0; i < POINTS; i++) {
        scale[i] = 0.5 + mcbe_rng_uniform(&rng);
    }
}

/* By definition: every coefficient, every row. */
static mcbe_p_injective_t by_hand(const mcbe_frame_t *frame, const double *bias, const float *x,
                                  const double *scale)
{
    mcbe_p_injective_t result = {.points = POINTS, .min_active = M + 1};
    for (int i = 0; i < POINTS; i++) {
        int active = 0;
        double squares = 0;
        for (int k = 0; k < N; k++) {
            squares += (double)x[i * N + k] * (double)x[i * N + k];
        }
        for (int j = 0; j < M; j++) {
            double c = 0;
            for (int k = 0; k < N; k++) {
                c += frame->w[j * N + k] * (double)x[i * N + k];
            }
            active += c * scale[i] >=
                      bias[j] - mcbe_active_tolerance(N, sqrt(squares) * scale[i], frame->norm[j]);
        }
        result.injective += active >= N;
        result.min_active = active < result.min_active ? active : result.min_active;
    }
    return result;
}

static void assert_counts(const mcbe_p_injective_t *result, const mcbe_p_injective_t *expected)
{
    assert_int_equal(result->points, expected->points);
    assert_int_equal(result->injective, expected->injective);
    assert_int_equal(result->min_active, expected->min_active);
    assert_int_equal(result->rank_fails, 0);
}

/* Biases that rows meet exactly at some of the points, just above and just below, or never. */
static void choose_biases(const mcbe_frame_t *frame, const float *x, const double *scale,
                          double *biases)
{
    for (int j = 0; j < M; j++) {
        const int i = (37 * j) % POINTS;
        const double c = mcbe_frame_coefficient(frame, j, x + (ptrdiff_t)i * N, NULL, 1, scale[i]);
        biases[j] = c;
        biases[M + j] = nextafter(c, j % 2 ? INFINITY : -INFINITY);
        biases[2 * M + j] = j % 3 == 0 ? INFINITY : j % 3 == 1 ? -INFINITY : c;
        biases[3 * M + j] = c * (1 + (j % 5 - 2) * 1e-13);
    }
}

static void counts_are_those_of_the_definition(void **state)
{
    static const struct {
        double w;
        float x;
    } sizes[] = {{1, 1}, {1e100, 1e-20F}, {1e-100, 1e20F}, {1, 1e33F}, {1, 1e-38F}};
    static float x[POINTS * N];
    static double scale[POINTS], biases[BIASES * M];
    (void)state;
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        mcbe_frame_t frame;
        mcbe_point_test_t *test = NULL;
        mcbe_p_injective_t results[BIASES];
        int64_t injective = 0;
        random_frame(&frame, sizes[s].w);
        random_points(sizes[s].x, x, scale);
        choose_biases(&frame, x, scale, biases);
        assert_int_equal(mcbe_point_test_create(&test, &frame, BIASES, biases), MCBE_OK);
        for (int i = 0; i < BIASES; i++) {
            results[i] = mcbe_p_injective_none(M);
        }
        /* in pieces of odd size: counts add up */
        mcbe_point_test_add(test, x, scale, 301, results);
        mcbe_point_test_add(test, x + 301 * N, scale + 301, POINTS - 301, results);
        for (int i = 0; i < BIASES; i++) {
            const mcbe_p_injective_t expected = by_hand(&frame, biases + i * M, x, scale);
            assert_counts(&results[i], &expected);
            injective += expected.injective;
        }
        assert_true(injective > 0 && injective < (int64_t)BIASES * POINTS);
        mcbe_point_test_destroy(&test);
        assert_null(test);
        mcbe_frame_free(&frame);
    }
}

/* e1, e2, -e1, -e2 and (1, 1): two, three or one of them reach a bias of 0 or 1. */
static void a_square_by_hand(void **state)
{
    (void)state;
    const double w[] = {1, 0, 0, 1, -1, 0, 0, -1, 1, 1};
    const double biases[] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1};
    const float points[] = {2, 2, 1, -1, -0.5F, -0.5F, 0, 0};
    mcbe_frame_t frame;
    mcbe_point_test_t *test = NULL;
    mcbe_p_injective_t results[2] = {mcbe_p_injective_none(5), mcbe_p_injective_none(5)};
    assert_int_equal(mcbe_frame_copy(&frame, 5, 2, w, 2, 0, NULL), MCBE_OK);
    assert_int_equal(mcbe_point_test_create(&test, &frame, 2, biases), MCBE_OK);
    mcbe_point_test_add(test, points, NULL, 4, results);
    /* active at 0: 3, 3, 2, 5; at 1: 3, 2, 0, 0 */
    assert_counts(&results[0], &(mcbe_p_injective_t){.points = 4, .injective = 4, .min_active = 2});
    assert_counts(&results[1], &(mcbe_p_injective_t){.points = 4, .injective = 2, .min_active = 0});
    mcbe_point_test_destroy(&test);
    mcbe_frame_free(&frame);
}

/* Both ways of counting, with ranks and without. */
static void the_short_form_agrees(void **state)
{
    static float x[POINTS * N];
    static double scale[POINTS], biases[BIASES * M];
    mcbe_frame_t frame;
    (void)state;
    random_frame(&frame, 1);
    random_points(1, x, scale);
    choose_biases(&frame, x, scale, biases);
    for (int i = 0; i < BIASES; i++) {
        mcbe_p_injective_t fast, slow;
        assert_int_equal(mcbe_p_injective(&frame, biases + i * M, x, scale, POINTS, 0, &fast),
                         MCBE_OK);
        assert_int_equal(mcbe_p_injective(&frame, biases + i * M, x, scale, POINTS, 1, &slow),
                         MCBE_OK);
        assert_counts(&fast, &slow);
    }
    mcbe_frame_free(&frame);
}

static mcbe_status_t create_and_destroy(const mcbe_frame_t *frame)
{
    mcbe_point_test_t *test = NULL;
    const mcbe_status_t st = mcbe_point_test_create(&test, frame, 2, NULL);
    mcbe_point_test_destroy(&test);
    return st;
}

static void failed_allocations_leave_nothing(void **state)
{
    mcbe_frame_t frame;
    (void)state;
    random_frame(&frame, 1);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(create_and_destroy(&frame));
    mcbe_frame_free(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(counts_are_those_of_the_definition),
        UNIT_TEST(a_square_by_hand),
        UNIT_TEST(the_short_form_agrees),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("point_test", tests, NULL, NULL);
}
