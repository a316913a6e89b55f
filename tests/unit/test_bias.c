/* The estimator on frames whose alpha* is known: the thesis's examples and closed forms. */

#include "mcbe/bias.h"
#include "mcbe/injectivity.h"
#include "unit.h"

static const mcbe_domain_t unit_sphere = {MCBE_DOMAIN_SPHERE, MCBE_RADIAL_ANALYTIC, 1, 0, 0, NULL};

/* The octahedron in the order of thesis example 3.2.1: e1, -e1, e2, -e2, e3, -e3. */
static const double thesis_octahedron[] = {1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1};

static mcbe_estimator_t *make_estimator(const mcbe_frame_t *frame, mcbe_precision_t precision)
{
    const mcbe_stream_key_t key = {.seed = 3, .n = frame->n, .m = frame->m};
    mcbe_estimator_t *estimator = NULL;
    assert_int_equal(mcbe_estimator_create(&estimator, frame, &unit_sphere, &key, precision),
                     MCBE_OK);
    return estimator;
}

/* alpha* on the unit sphere from whole blocks. */
static void run_blocks(const mcbe_frame_t *frame, int64_t blocks, mcbe_bias_state_t *state)
{
    mcbe_estimator_t *estimator = make_estimator(frame, MCBE_PRECISION_MIXED);
    const int width = mcbe_domain_block_size(frame->n);
    assert_int_equal(mcbe_bias_state_init(state, frame->m), MCBE_OK);
    for (int64_t block = 0; block < blocks; block++) {
        assert_int_equal(mcbe_estimator_block(estimator, block, 0, width, state, NULL), MCBE_OK);
    }
    mcbe_estimator_destroy(&estimator);
}

static void a_new_state_has_seen_nothing(void **state)
{
    (void)state;
    mcbe_bias_state_t fresh;
    assert_int_equal(mcbe_bias_state_init(&fresh, 5), MCBE_OK);
    assert_int_equal(fresh.m, 5);
    for (int j = 0; j < 5; j++) {
        assert_true(isinf(fresh.alpha[j]) && fresh.alpha[j] > 0);
        assert_int_equal(fresh.witness[j], -1);
    }
    assert_int_equal(fresh.samples, 0);
    assert_int_equal(fresh.updates, 0);
    assert_int_equal(fresh.last_update, -1);
    assert_int_equal(fresh.min_active, 6);
    mcbe_bias_state_free(&fresh);
    assert_int_equal(mcbe_bias_state_init(&fresh, 0), MCBE_ERR_DIM);
}

static void a_copied_state_is_the_same_and_its_own(void **state)
{
    (void)state;
    mcbe_bias_state_t from, to;
    assert_int_equal(mcbe_bias_state_init(&from, 2), MCBE_OK);
    assert_int_equal(mcbe_bias_state_init(&to, 2), MCBE_OK);
    from.alpha[1] = -0.5;
    from.witness[1] = 17;
    from.samples = 20;
    from.updates = 3;
    from.last_update = 17;
    from.min_active = 1;
    mcbe_bias_state_copy(&to, &from);
    from.alpha[1] = -7;
    from.witness[1] = 18;
    assert_true(isinf(to.alpha[0]) && to.alpha[1] == -0.5);
    assert_true(to.witness[0] == -1 && to.witness[1] == 17);
    assert_int_equal(to.samples, 20);
    assert_int_equal(to.updates, 3);
    assert_int_equal(to.last_update, 17);
    assert_int_equal(to.min_active, 1);
    mcbe_bias_state_free(&to);
    mcbe_bias_state_free(&from);
}

/* Thesis example 4.1.1: alpha(x) for x = (1, 1, 1)/sqrt(3). */
static void the_thesis_example_of_one_point(void **state)
{
    (void)state;
    const double c = 1 / sqrt(3.0), coefficients[] = {c, -c, c, -c, c, -c};
    double alpha[] = {INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY};
    const double expected[] = {c, INFINITY, c, INFINITY, c, INFINITY};
    int rows[6];
    assert_int_equal(mcbe_bias_lower(3, 6, alpha, coefficients, rows), 3);
    assert_memory_equal(alpha, expected, sizeof alpha);
    assert_int_equal(mcbe_bias_lower(3, 6, alpha, coefficients, rows), 0);
}

/* Thesis example 4.1.2: three points give alpha* = 1/sqrt(3) in all six rows (the seventh entry
 * printed there is a slip). */
static void the_thesis_example_of_three_points(void **state)
{
    (void)state;
    static const float points[3][3] = {{1, 1, 1}, {-1, 1, -1}, {1, -1, 1}};
    static const int64_t witness[] = {10, 11, 10, 12, 10, 11};
    const double scale = 1 / sqrt(3.0);
    mcbe_frame_t frame;
    mcbe_bias_state_t found;
    mcbe_bias_events_t events = {0};
    assert_int_equal(mcbe_frame_copy(&frame, 6, 3, thesis_octahedron, 3, 0, NULL), MCBE_OK);
    assert_int_equal(mcbe_bias_state_init(&found, 6), MCBE_OK);
    mcbe_estimator_t *estimator = make_estimator(&frame, MCBE_PRECISION_MIXED);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            mcbe_estimator_point(estimator, points[i], NULL, scale, 10 + i, &found, &events),
            MCBE_OK);
    }
    for (int j = 0; j < 6; j++) {
        assert_true(found.alpha[j] == scale);
        assert_int_equal(found.witness[j], witness[j]);
    }
    assert_int_equal(found.samples, 3);
    assert_int_equal(found.updates, 3);
    assert_int_equal(found.last_update, 12);
    assert_int_equal(found.min_active, 3);
    assert_int_equal(events.count, 6);

    /* the last point again changes nothing but the number of points */
    assert_int_equal(mcbe_estimator_point(estimator, points[2], NULL, scale, 13, &found, &events),
                     MCBE_OK);
    assert_int_equal(found.samples, 4);
    assert_int_equal(found.updates, 3);
    assert_int_equal(found.last_update, 12);
    assert_int_equal(events.count, 6);
    mcbe_bias_events_free(&events);
    mcbe_estimator_destroy(&estimator);
    mcbe_bias_state_free(&found);
    mcbe_frame_free(&frame);
}

/* Of each antipodal pair exactly one row is active, whatever the point. */
static void the_octahedron_always_has_three_active_rows(void **state)
{
    (void)state;
    mcbe_frame_t frame;
    mcbe_bias_state_t found;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    run_blocks(&frame, 40, &found);
    assert_int_equal(found.min_active, 3);
    assert_int_equal(found.samples, 40 * 256);
    mcbe_bias_state_free(&found);
    mcbe_frame_free(&frame);
}

/* 0.1 + 0.2 - 0.3 is 0, but not in fp64: rows within rounding of 0 count as active. */
static void a_row_at_zero_counts_as_active(void **state)
{
    (void)state;
    const double w[] = {-0.1, -0.2, 0.3, 0.1, 0.2, -0.3, -1, -1, -1};
    static const float ones[] = {1, 1, 1};
    mcbe_frame_t frame;
    mcbe_bias_state_t found;
    assert_int_equal(mcbe_frame_copy(&frame, 3, 3, w, 3, 0, NULL), MCBE_OK);
    assert_int_equal(mcbe_bias_state_init(&found, 3), MCBE_OK);
    mcbe_estimator_t *estimator = make_estimator(&frame, MCBE_PRECISION_DOUBLE);
    assert_int_equal(mcbe_estimator_point(estimator, ones, NULL, 1, 0, &found, NULL), MCBE_OK);
    assert_true(found.alpha[0] < 0 && found.alpha[1] > 0);
    assert_int_equal(found.min_active, 2);
    mcbe_estimator_destroy(&estimator);
    mcbe_bias_state_free(&found);
    mcbe_frame_free(&frame);
}

/* Equal coefficients: the lowest indices are taken. */
static void ties_go_to_the_lowest_index(void **state)
{
    (void)state;
    const double c[] = {1, 2, 1, 1, 2};
    const double expected[] = {1, 2, INFINITY, INFINITY, 2};
    double alpha[] = {INFINITY, INFINITY, INFINITY, INFINITY, INFINITY};
    int rows[5];
    assert_int_equal(mcbe_bias_lower(3, 5, alpha, c, rows), 3);
    assert_memory_equal(alpha, expected, sizeof alpha);
}

/* With m = n every row is among the n largest: alpha* is the plain minimum. */
static void a_square_frame_takes_plain_minima(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(1);
    double alpha[4] = {INFINITY, INFINITY, INFINITY, INFINITY}, least[4];
    memcpy(least, alpha, sizeof least);
    for (int i = 0; i < 100; i++) {
        double c[4];
        int rows[4];
        for (int j = 0; j < 4; j++) {
            c[j] = mcbe_rng_uniform(&rng);
            least[j] = fmin(least[j], c[j]);
        }
        (void)mcbe_bias_lower(4, 4, alpha, c, rows);
        assert_memory_equal(alpha, least, sizeof alpha);
    }
}

/* alpha* is -1/sqrt(3) in every row; a million points come within 1e-3 of it (a row misses that
 * with probability exp(-23)). */
static void the_tetrahedron_converges(void **state)
{
    (void)state;
    mcbe_frame_t frame;
    mcbe_bias_state_t found;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_TETRAHEDRON), MCBE_OK);
    run_blocks(&frame, 3907, &found);
    for (int j = 0; j < 4; j++) {
        assert_true(found.alpha[j] >= -1 / sqrt(3.0) - 1e-12);
        assert_true(found.alpha[j] <= -1 / sqrt(3.0) + 1e-3);
    }
    mcbe_bias_state_free(&found);
    mcbe_frame_free(&frame);
}

/* n + 1 unit rows with inner products -1/n: e_i - mean in R^(n+1), in a basis of its hyperplane. */
static void make_simplex(mcbe_frame_t *frame, int n)
{
    double w[7 * 6] = {0};
    for (int j = 0; j <= n; j++) {
        for (int k = 0; k < n; k++) { /* Helmert's basis: (1, .., 1, -(k + 1), 0, ..) */
            w[j * n + k] = (j <= k ? 1.0 : j == k + 1 ? -(k + 1.0) : 0) / sqrt((k + 1.0) * (k + 2));
        }
    }
    assert_int_equal(mcbe_frame_copy(frame, n + 1, n, w, n, 1, NULL), MCBE_OK);
}

static void make_polygon(mcbe_frame_t *frame, int m)
{
    double w[16 * 2];
    for (int j = 0; j < m; j++) {
        w[2 * j] = cos(2 * TEST_PI * j / m);
        w[2 * j + 1] = sin(2 * TEST_PI * j / m);
    }
    assert_int_equal(mcbe_frame_copy(frame, m, 2, w, 2, 1, NULL), MCBE_OK);
}

/* alpha* of a sampled set is never below that of the whole sphere, and near it in few dimensions.
 */
static void assert_close_above(mcbe_frame_t *frame, double alpha_true, double excess)
{
    mcbe_bias_state_t found;
    run_blocks(frame, 80, &found);
    for (int j = 0; j < frame->m; j++) {
        assert_true(found.alpha[j] >= alpha_true - 1e-12);
        assert_true(found.alpha[j] <= alpha_true + excess);
    }
    mcbe_bias_state_free(&found);
    mcbe_frame_free(frame);
}

static void closed_forms_bound_alpha_star_from_below(void **state)
{
    (void)state;
    mcbe_frame_t frame;
    for (int n = 2; n <= 6; n++) {
        make_simplex(&frame, n);
        assert_close_above(&frame, -sqrt((n - 1) / (2.0 * n)), n <= 3 ? 0.02 : 0.2);
    }
    for (int m = 3; m <= 16; m++) {
        make_polygon(&frame, m);
        assert_close_above(&frame, cos(2 * TEST_PI / m), 0.005);
    }
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    assert_close_above(&frame, 0, 0.05);
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_ICOSAHEDRON), MCBE_OK);
    assert_close_above(&frame, 1 / sqrt(5.0), 0.05);
}

static void a_bad_domain_makes_no_estimator(void **state)
{
    (void)state;
    const mcbe_domain_t bad = {MCBE_DOMAIN_BALL, MCBE_RADIAL_ANALYTIC, -1, 0, 0, NULL};
    const mcbe_stream_key_t key = {.n = 3, .m = 4};
    mcbe_frame_t frame;
    mcbe_estimator_t *estimator = NULL;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_TETRAHEDRON), MCBE_OK);
    assert_int_equal(mcbe_estimator_create(&estimator, &frame, &bad, &key, MCBE_PRECISION_MIXED),
                     MCBE_ERR_ARGUMENT);
    assert_null(estimator);
    mcbe_estimator_destroy(&estimator); /* nothing is accepted */
    mcbe_frame_free(&frame);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    const mcbe_stream_key_t key = {.n = 3, .m = 4};
    mcbe_frame_t frame;
    mcbe_estimator_t *estimator = NULL;
    mcbe_bias_state_t found;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_TETRAHEDRON), MCBE_OK);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(
        mcbe_estimator_create(&estimator, &frame, &unit_sphere, &key, MCBE_PRECISION_DOUBLE));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_bias_state_init(&found, 4));

    mcbe_bias_events_t events = {0};
    mcbe_alloc_fail_after(0);
    assert_int_equal(mcbe_estimator_block(estimator, 0, 0, 256, &found, &events), MCBE_ERR_NOMEM);
    assert_int_equal(events.count, 0);
    mcbe_bias_events_free(&events);
    mcbe_bias_state_free(&found);
    mcbe_estimator_destroy(&estimator);
    mcbe_frame_free(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_new_state_has_seen_nothing),
        UNIT_TEST(a_copied_state_is_the_same_and_its_own),
        UNIT_TEST(the_thesis_example_of_one_point),
        UNIT_TEST(the_thesis_example_of_three_points),
        UNIT_TEST(the_octahedron_always_has_three_active_rows),
        UNIT_TEST(a_row_at_zero_counts_as_active),
        UNIT_TEST(ties_go_to_the_lowest_index),
        UNIT_TEST(a_square_frame_takes_plain_minima),
        UNIT_TEST(the_tetrahedron_converges),
        UNIT_TEST(closed_forms_bound_alpha_star_from_below),
        UNIT_TEST(a_bad_domain_makes_no_estimator),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("bias", tests, NULL, NULL);
}
