#include "mcbe/search.h"

#include "mcbe/bias.h"
#include "refute_cases.h"
#include "unit.h"

static const mcbe_domain_t unit_sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1};
static const mcbe_domain_t ball = {.kind = MCBE_DOMAIN_BALL, .radius = 2};
static const mcbe_domain_t shell = {.kind = MCBE_DOMAIN_SHELL, .radius = 2, .inner_radius = 0.5};

/* What one batch brings. */
typedef struct outcome {
    mcbe_points_t points;
    mcbe_refutation_t found;
} outcome_t;

static outcome_t run_batch(mcbe_refute_t *refute, int n, int64_t batch,
                           const mcbe_bias_state_t *start)
{
    outcome_t outcome = {.points = {.n = n}};
    assert_int_equal(mcbe_refute_batch(refute, batch, start, &outcome.points, &outcome.found),
                     MCBE_OK);
    return outcome;
}

/* One batch from a state that has seen nothing. */
static outcome_t first_batch(const mcbe_frame_t *frame, const mcbe_domain_t *domain,
                             const double *bias)
{
    const mcbe_stream_key_t key = layer_key(frame->n, frame->m, 0);
    mcbe_refute_t *refute;
    mcbe_bias_state_t start;
    assert_int_equal(mcbe_bias_state_init(&start, frame->m), MCBE_OK);
    assert_int_equal(mcbe_refute_create(&refute, frame, domain, &key, bias), MCBE_OK);
    const outcome_t outcome = run_batch(refute, frame->n, 0, &start);
    mcbe_refute_destroy(&refute);
    mcbe_bias_state_free(&start);
    return outcome;
}

/* --- bias 0 ------------------------------------------------------------------------------------ */

static void gaussian_layers_are_refuted(void **state)
{
    static const int cells[][2] = {{3, 8}, {10, 44}, {20, 90}, {30, 140}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        const int n = cells[i][0], m = cells[i][1];
        const mcbe_stream_key_t key = layer_key(n, m, 0);
        mcbe_frame_t frame = gaussian_layer(n, m, 0);
        int fewest;
        assert_true(search_until(&frame, &key, &unit_sphere, NULL, 100000, &fewest) > 0);
        mcbe_frame_free(&frame);
    }
}

/* n = 2 and 3 have so few cells that a search which misses the smallest count is broken. */
static void the_smallest_count_of_small_layers_is_found(void **state)
{
    static const int cells[][2] = {{2, 4}, {2, 8}, {2, 12}, {3, 7}, {3, 13}, {3, 18}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        const int n = cells[i][0], m = cells[i][1];
        int refuted = 0;
        for (int trial = 0; trial < 15; trial++) {
            const mcbe_stream_key_t key = layer_key(n, m, trial);
            mcbe_frame_t frame = gaussian_layer(n, m, trial);
            const int exact = exact_min_active(&frame);
            int fewest;
            search_until(&frame, &key, &unit_sphere, NULL, 2 * MCBE_REFUTE_EVALUATIONS, &fewest);
            if (exact >= n) {
                assert_int_equal(fewest, exact);
            } else {
                assert_in_range(fewest, exact, n - 1); /* it ends at the first that refutes */
                refuted++;
            }
            mcbe_frame_free(&frame);
        }
        assert_true(m >= 3 * n - 1 || refuted == 15); /* fewer rows are never injective */
    }
}

/* Of a row and its negative at least one is active: 3 of the octahedron's rows, 6 of the
 * icosahedron's, and no more than that where no coefficient is 0. */
static void polyhedra_with_antipodal_rows_are_never_refuted(void **state)
{
    static const struct {
        mcbe_ensemble_t ensemble;
        int active;
    } cases[] = {{MCBE_ENSEMBLE_OCTAHEDRON, 3}, {MCBE_ENSEMBLE_ICOSAHEDRON, 6}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mcbe_frame_t frame;
        int fewest;
        assert_int_equal(mcbe_frame_named(&frame, cases[i].ensemble), MCBE_OK);
        const mcbe_stream_key_t key = layer_key(frame.n, frame.m, 0);
        assert_int_equal(search_until(&frame, &key, &ball, NULL, 100000, &fewest), -1);
        assert_int_equal(fewest, cases[i].active);
        mcbe_frame_free(&frame);
    }
}

static void row_norms_of_any_size_do_not_matter(void **state)
{
    mcbe_frame_t plain = gaussian_layer(10, 44, 0), scaled;
    double *w = mcbe_alloc(440, sizeof *w);
    (void)state;
    for (int j = 0; j < 44; j++) {
        for (int k = 0; k < 10; k++) {
            w[10 * j + k] = ldexp(plain.w[10 * j + k], j % 2 ? 400 : -400);
        }
    }
    scaled = layer_of(44, 10, w);
    outcome_t a = first_batch(&plain, &unit_sphere, NULL);
    outcome_t b = first_batch(&scaled, &unit_sphere, NULL);
    assert_true(a.found.active < 10);
    assert_int_equal(b.found.active, a.found.active);
    assert_int_equal(b.found.evaluations, a.found.evaluations);
    assert_int_equal(plainly_active(&scaled, NULL, b.points.x + 10 * b.found.point, b.found.radius),
                     b.found.active);
    mcbe_points_free(&a.points);
    mcbe_points_free(&b.points);
    mcbe_frame_free(&plain);
    mcbe_frame_free(&scaled);
    mcbe_free(w);
}

/* --- what a batch hands back ------------------------------------------------------------------- */

static void same_outcome(const outcome_t *a, const outcome_t *b)
{
    assert_int_equal(a->found.active, b->found.active);
    assert_true(a->found.radius == b->found.radius);
    assert_int_equal(a->found.point, b->found.point);
    assert_int_equal(a->found.evaluations, b->found.evaluations);
    assert_int_equal(a->points.count, b->points.count);
    assert_memory_equal(a->points.x, b->points.x,
                        (size_t)(a->points.count * a->points.n) * sizeof *a->points.x);
}

static void batches_do_not_depend_on_their_order(void **state)
{
    enum { BATCHES = 4 };
    static const int order[BATCHES] = {2, 0, 3, 1};
    const mcbe_stream_key_t key = layer_key(10, 56, 0);
    mcbe_frame_t frame = gaussian_layer(10, 56, 0);
    double bias[56];
    (void)state;
    for (int j = 0; j < 56; j++) {
        bias[j] = j % 3 - 1.2;
    }
    for (int with_bias = 0; with_bias < 2; with_bias++) {
        mcbe_refute_t *refute, *fresh;
        mcbe_bias_state_t start;
        outcome_t ascending[BATCHES];
        assert_int_equal(mcbe_bias_state_init(&start, 56), MCBE_OK);
        assert_int_equal(mcbe_refute_create(&refute, &frame, &shell, &key, with_bias ? bias : NULL),
                         MCBE_OK);
        assert_int_equal(mcbe_refute_create(&fresh, &frame, &shell, &key, with_bias ? bias : NULL),
                         MCBE_OK);
        for (int i = 0; i < BATCHES; i++) {
            ascending[i] = run_batch(refute, 10, i, &start);
            assert_true(ascending[i].points.count > 0);
            for (int j = 0; j < i; j++) { /* batches are different walks */
                assert_memory_not_equal(ascending[i].points.x, ascending[j].points.x,
                                        10 * sizeof(double));
            }
        }
        for (int i = 0; i < BATCHES; i++) {
            outcome_t again = run_batch(refute, 10, order[i], &start);
            outcome_t elsewhere = run_batch(fresh, 10, order[i], &start);
            same_outcome(&again, &ascending[order[i]]);
            same_outcome(&elsewhere, &ascending[order[i]]);
            mcbe_points_free(&again.points);
            mcbe_points_free(&elsewhere.points);
        }
        for (int i = 0; i < BATCHES; i++) {
            mcbe_points_free(&ascending[i].points);
        }
        mcbe_refute_destroy(&refute);
        mcbe_refute_destroy(&fresh);
        mcbe_bias_state_free(&start);
    }
    mcbe_frame_free(&frame);
}

/* Replay the points of a batch on the alpha it started from: every one of them must be what some
 * row ends at, but for the one that has the fewest active rows. */
static void listed_points_are_the_lowest_of_some_row(void **state)
{
    enum { N = 10, M = 100 };
    const mcbe_stream_key_t key = layer_key(N, M, 0);
    mcbe_frame_t frame = gaussian_layer(N, M, 0);
    mcbe_refute_t *refute;
    mcbe_estimator_t *estimator;
    mcbe_bias_state_t start, before;
    double c[M], alpha[M];
    float a[N], b[N];
    int rows[M], owner[M];
    (void)state;
    assert_int_equal(mcbe_bias_state_init(&start, M), MCBE_OK);
    assert_int_equal(mcbe_bias_state_init(&before, M), MCBE_OK);
    assert_int_equal(
        mcbe_estimator_create(&estimator, &frame, &unit_sphere, &key, MCBE_PRECISION_MIXED),
        MCBE_OK);
    for (int64_t block = 0; block < 4; block++) {
        assert_int_equal(mcbe_estimator_block(estimator, block, 0, 256, &start, NULL), MCBE_OK);
    }
    mcbe_bias_state_copy(&before, &start);
    assert_int_equal(mcbe_refute_create(&refute, &frame, &unit_sphere, &key, NULL), MCBE_OK);
    outcome_t outcome = run_batch(refute, N, 0, &start);
    assert_memory_equal(start.alpha, before.alpha, sizeof alpha);
    assert_int_equal(outcome.found.evaluations, MCBE_REFUTE_EVALUATIONS); /* surely injective */
    memcpy(alpha, start.alpha, sizeof alpha);
    for (int j = 0; j < M; j++) {
        owner[j] = -1;
    }
    for (int i = 0; i < outcome.points.count; i++) {
        mcbe_point_split(N, outcome.points.x + N * i, a, b);
        mcbe_frame_pair_coefficients(&frame, a, b, 1.0 / mcbe_point_norm(N, a, b, 1), c);
        const int lowered = mcbe_bias_lower(N, M, alpha, c, rows);
        for (int k = 0; k < lowered; k++) {
            owner[rows[k]] = i;
        }
    }
    double fall = 0;
    for (int j = 0; j < M; j++) {
        fall += start.alpha[j] - alpha[j];
    }
    assert_true(fall / M > 0.02); /* guided points beat a thousand uniform ones by far */
    for (int i = 0; i < outcome.points.count; i++) {
        int needed = i == outcome.found.point;
        for (int j = 0; j < M; j++) {
            needed |= owner[j] == i;
        }
        assert_true(needed);
    }
    mcbe_points_free(&outcome.points);
    mcbe_refute_destroy(&refute);
    mcbe_estimator_destroy(&estimator);
    mcbe_bias_state_free(&before);
    mcbe_bias_state_free(&start);
    mcbe_frame_free(&frame);
}

/* A count that was known before is no find. */
static void only_fewer_active_rows_than_before_are_found(void **state)
{
    const mcbe_stream_key_t key = layer_key(10, 40, 0);
    mcbe_frame_t frame = gaussian_layer(10, 40, 0);
    mcbe_refute_t *refute;
    mcbe_bias_state_t start;
    (void)state;
    assert_int_equal(mcbe_bias_state_init(&start, 40), MCBE_OK);
    assert_int_equal(mcbe_refute_create(&refute, &frame, &unit_sphere, &key, NULL), MCBE_OK);
    start.min_active = 0;
    outcome_t none = run_batch(refute, 10, 0, &start);
    assert_int_equal(none.found.active, 41);
    assert_int_equal(none.found.point, -1);
    assert_int_equal(none.found.evaluations, MCBE_REFUTE_EVALUATIONS);
    start.min_active = 41;
    outcome_t some = run_batch(refute, 10, 0, &start);
    assert_true(some.found.active < 10);
    assert_in_range(some.found.point, 0, some.points.count - 1);
    assert_true(some.found.evaluations < MCBE_REFUTE_EVALUATIONS);
    mcbe_points_free(&none.points);
    mcbe_points_free(&some.points);
    mcbe_refute_destroy(&refute);
    mcbe_bias_state_free(&start);
    mcbe_frame_free(&frame);
}

/* --- other biases ------------------------------------------------------------------------------ */

static void certificates_at_other_biases_hold(void **state)
{
    static const mcbe_domain_t *const domains[] = {&unit_sphere, &ball, &shell};
    const mcbe_stream_key_t key = layer_key(10, 40, 0);
    mcbe_frame_t frame = gaussian_layer(10, 40, 0);
    double biases[3][40];
    float normals[40];
    mcbe_rng_t rng = test_rng(4);
    (void)state;
    mcbe_rng_normals(&rng, normals, 40);
    for (int j = 0; j < 40; j++) {
        biases[0][j] = 0.1;
        biases[1][j] = -0.1;
        biases[2][j] = 0.1 * (double)normals[j];
    }
    for (size_t d = 0; d < COUNT_OF(domains); d++) {
        for (size_t i = 0; i < COUNT_OF(biases); i++) {
            mcbe_refute_t *refute;
            mcbe_bias_state_t start;
            assert_int_equal(mcbe_bias_state_init(&start, 40), MCBE_OK);
            assert_int_equal(mcbe_refute_create(&refute, &frame, domains[d], &key, biases[i]),
                             MCBE_OK);
            int refuted = 0;
            for (int64_t batch = 0; batch < 5; batch++) {
                outcome_t outcome = run_batch(refute, 10, batch, &start);
                const double radius = outcome.found.radius;
                assert_in_range(outcome.found.point, 0, outcome.points.count - 1);
                assert_int_equal(plainly_active(&frame, biases[i],
                                                outcome.points.x + 10 * outcome.found.point,
                                                radius),
                                 outcome.found.active);
                assert_true(radius > 0 && radius <= domains[d]->radius);
                assert_true(domains[d]->kind == MCBE_DOMAIN_BALL ||
                            radius >= (domains[d]->kind == MCBE_DOMAIN_SHELL
                                           ? domains[d]->inner_radius
                                           : domains[d]->radius));
                refuted += outcome.found.active < 10;
                mcbe_points_free(&outcome.points);
            }
            assert_true(refuted > 0);
            mcbe_refute_destroy(&refute);
            mcbe_bias_state_free(&start);
        }
    }
    mcbe_frame_free(&frame);
}

/* Near 0 only rows whose bias is not positive can be active: fewer than n of them refute the ball,
 * at the first point looked at. */
static void a_ball_with_few_biases_below_zero_is_refuted_at_once(void **state)
{
    mcbe_frame_t frame = gaussian_layer(10, 200, 0);
    double bias[200];
    (void)state;
    for (int j = 0; j < 200; j++) {
        bias[j] = j < 5 ? -2.0 : j < 9 ? 0.0 : 1e-6;
    }
    outcome_t outcome = first_batch(&frame, &ball, bias);
    assert_int_equal(outcome.found.evaluations, 1);
    assert_in_range(outcome.found.active, 5, 9);
    assert_int_equal(plainly_active(&frame, bias, outcome.points.x + 10 * outcome.found.point,
                                    outcome.found.radius),
                     outcome.found.active);
    mcbe_points_free(&outcome.points);
    mcbe_frame_free(&frame);
}

/* On the ray x > 0 row 0 is active from 2 on and row 1 up to 1; on the other ray row 1 always is.
 * So only the radii between 1 and 2 refute. */
static void a_radius_between_those_of_a_shell_is_found(void **state)
{
    static const double w[2] = {1, -1}, bias[2] = {2, -1};
    const mcbe_domain_t wide = {.kind = MCBE_DOMAIN_SHELL, .radius = 3, .inner_radius = 0.5};
    mcbe_frame_t frame = layer_of(2, 1, w);
    (void)state;
    outcome_t outcome = first_batch(&frame, &wide, bias);
    assert_int_equal(outcome.found.active, 0);
    assert_true(outcome.points.x[outcome.found.point] > 0);
    assert_true(outcome.found.radius > 1 && outcome.found.radius < 2);
    mcbe_points_free(&outcome.points);
    mcbe_frame_free(&frame);
}

/* Rows that every point keeps active leave nothing to refute, however large their biases are. */
static void biases_out_of_reach_are_harmless(void **state)
{
    mcbe_frame_t frame = gaussian_layer(5, 20, 0);
    double bias[20];
    (void)state;
    for (int j = 0; j < 20; j++) {
        bias[j] = j < 8 ? -1e300 : 1e300;
    }
    outcome_t outcome = first_batch(&frame, &shell, bias);
    assert_int_equal(outcome.found.active, 8);
    assert_int_equal(outcome.found.evaluations, MCBE_REFUTE_EVALUATIONS);
    mcbe_points_free(&outcome.points);
    mcbe_frame_free(&frame);
}

/* --- the orthant ------------------------------------------------------------------------------- */

static void points_of_the_orthant_stay_in_it(void **state)
{
    const mcbe_domain_t orthant = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1, .nonnegative = 1};
    int refuted = 0;
    (void)state;
    for (int trial = 0; trial < 5; trial++) {
        mcbe_frame_t frame = gaussian_layer(10, 36, trial);
        outcome_t outcome = first_batch(&frame, &orthant, NULL);
        for (int64_t i = 0; i < 10 * outcome.points.count; i++) {
            assert_true(outcome.points.x[i] >= 0);
        }
        assert_int_equal(plainly_active(&frame, NULL, outcome.points.x + 10 * outcome.found.point,
                                        outcome.found.radius),
                         outcome.found.active);
        refuted += outcome.found.active < 10;
        mcbe_points_free(&outcome.points);
        mcbe_frame_free(&frame);
    }
    assert_true(refuted > 0);
}

/* Rows e_1, e_2 and their half-sum are active on all of the orthant; elsewhere -(1, 1) has none. */
static void the_orthant_may_be_safe_where_the_sphere_is_not(void **state)
{
    static const double w[6] = {1, 0, 0, 1, 0.5, 0.5};
    const mcbe_domain_t orthant = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1, .nonnegative = 1};
    mcbe_frame_t frame = layer_of(3, 2, w);
    (void)state;
    outcome_t inside = first_batch(&frame, &orthant, NULL);
    outcome_t outside = first_batch(&frame, &unit_sphere, NULL);
    assert_int_equal(inside.found.active, 3);
    assert_true(outside.found.active < 2);
    mcbe_points_free(&inside.points);
    mcbe_points_free(&outside.points);
    mcbe_frame_free(&frame);
}

/* The gradient of rows that all point into the orthant drives every walker to 0. */
static void walkers_that_vanish_start_afresh(void **state)
{
    static const double w[2] = {1, 1}, bias[2] = {-1, -1};
    const mcbe_domain_t orthant = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1, .nonnegative = 1};
    mcbe_frame_t frame = layer_of(2, 1, w);
    (void)state;
    outcome_t outcome = first_batch(&frame, &orthant, bias);
    assert_int_equal(outcome.found.active, 2);
    assert_true(outcome.points.x[0] == 1);
    mcbe_points_free(&outcome.points);
    mcbe_frame_free(&frame);
}

/* --- errors ------------------------------------------------------------------------------------ */

static void unbounded_domains_are_refused(void **state)
{
    const mcbe_domain_t gaussian = {.kind = MCBE_DOMAIN_GAUSSIAN};
    const mcbe_stream_key_t key = layer_key(3, 8, 0);
    mcbe_frame_t frame = gaussian_layer(3, 8, 0);
    mcbe_refute_t *refute;
    (void)state;
    assert_int_equal(mcbe_refute_create(&refute, &frame, &gaussian, &key, NULL), MCBE_ERR_ARGUMENT);
    assert_null(refute);
    mcbe_refute_destroy(&refute);
    mcbe_frame_free(&frame);
}

static mcbe_status_t create_and_run(const mcbe_frame_t *frame, const double *bias,
                                    const mcbe_bias_state_t *start)
{
    const mcbe_stream_key_t key = layer_key(frame->n, frame->m, 0);
    mcbe_points_t points = {.n = frame->n};
    mcbe_refutation_t found;
    mcbe_refute_t *refute = NULL;
    mcbe_status_t st = mcbe_refute_create(&refute, frame, &ball, &key, bias);
    if (st == MCBE_OK) {
        st = mcbe_refute_batch(refute, 0, start, &points, &found);
        assert_true(st == MCBE_OK || points.count == 0);
    }
    mcbe_refute_destroy(&refute);
    mcbe_points_free(&points);
    return st;
}

static void failed_allocations_leave_nothing(void **state)
{
    static const double bias[8] = {-1, -1, -1, -1, 1, 1, 1, 1};
    mcbe_frame_t frame = gaussian_layer(3, 8, 0);
    mcbe_bias_state_t start;
    (void)state;
    assert_int_equal(mcbe_bias_state_init(&start, 8), MCBE_OK);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(create_and_run(&frame, NULL, &start));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(create_and_run(&frame, bias, &start));
    mcbe_bias_state_free(&start);
    mcbe_frame_free(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(gaussian_layers_are_refuted),
        UNIT_TEST(the_smallest_count_of_small_layers_is_found),
        UNIT_TEST(polyhedra_with_antipodal_rows_are_never_refuted),
        UNIT_TEST(row_norms_of_any_size_do_not_matter),
        UNIT_TEST(batches_do_not_depend_on_their_order),
        UNIT_TEST(listed_points_are_the_lowest_of_some_row),
        UNIT_TEST(only_fewer_active_rows_than_before_are_found),
        UNIT_TEST(certificates_at_other_biases_hold),
        UNIT_TEST(a_ball_with_few_biases_below_zero_is_refuted_at_once),
        UNIT_TEST(a_radius_between_those_of_a_shell_is_found),
        UNIT_TEST(biases_out_of_reach_are_harmless),
        UNIT_TEST(points_of_the_orthant_stay_in_it),
        UNIT_TEST(the_orthant_may_be_safe_where_the_sphere_is_not),
        UNIT_TEST(walkers_that_vanish_start_afresh),
        UNIT_TEST(unbounded_domains_are_refused),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("refute", tests, NULL, NULL);
}
