#include "mcbe/covering.h"

#include "mcbe/bias.h"
#include "unit.h"

static void random_points(int n, int count, mcbe_rng_t *rng, double *x)
{
    float normals[64];
    for (int i = 0; i < count; i++) {
        mcbe_rng_normals(rng, normals, (size_t)n);
        for (int k = 0; k < n; k++) {
            x[i * n + k] = (double)normals[k];
        }
    }
}

/* Distance of the direction of x from the nearest direction of the points. */
static double distance(int n, int count, const double *points, const double *x)
{
    double least = INFINITY;
    for (int i = 0; i < count; i++) {
        double xx = 0, pp = 0, square = 0;
        for (int k = 0; k < n; k++) {
            xx += x[k] * x[k];
            pp += points[i * n + k] * points[i * n + k];
        }
        for (int k = 0; k < n; k++) {
            const double difference = x[k] / sqrt(xx) - points[i * n + k] / sqrt(pp);
            square += difference * difference;
        }
        least = fmin(least, square);
    }
    return sqrt(least);
}

static mcbe_covering_t covering_of(int n, int count, const double *points)
{
    mcbe_covering_t covering;
    double hole[16];
    assert_int_equal(mcbe_covering_radius(n, count, points, &covering, hole, NULL), MCBE_OK);
    assert_true(covering.lower <= covering.upper);
    assert_true(fabs(distance(n, count, points, hole) - covering.lower) < 1e-9);
    return covering;
}

/* Emptiest at the centre of a facet, at distance sqrt(2 - 2 h) from its vertices: simplex
 * h = 1/n, cross-polytope 1/sqrt(n). */
static void regular_polytopes_by_hand(void **state)
{
    (void)state;
    for (int n = 2; n <= 7; n++) {
        double cross[14 * 7] = {0}, simplex[8 * 7] = {0};
        for (int k = 0; k < n; k++) {
            cross[k * n + k] = 1;
            cross[(k + n) * n + k] = -5;
            simplex[k * n + k] = sqrt((n + 1.0) * (n - k) / (n * (n - k + 1.0)));
            for (int j = k + 1; j <= n; j++) {
                simplex[j * n + k] = -simplex[k * n + k] / (n - k);
            }
        }
        const struct {
            int count;
            const double *points;
            double h;
        } cases[] = {{2 * n, cross, 1 / sqrt(n)}, {n + 1, simplex, 1.0 / n}};
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            const double radius = sqrt(2 - 2 * cases[i].h);
            const mcbe_covering_t covering = covering_of(n, cases[i].count, cases[i].points);
            assert_true(covering.lower <= radius + 1e-14 && covering.upper >= radius - 1e-14);
            assert_true(covering.upper - covering.lower < 1e-12);
        }
    }
}

/* n = 2: half of the widest gap g in angle, at distance 2 sin(g / 4). */
static void points_on_the_circle_are_sorted_by_angle(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(5);
    for (int count = 5; count < 400; count += 7) {
        double points[800], angle[400];
        random_points(2, count, &rng, points);
        for (int i = 0; i < count; i++) {
            angle[i] = atan2(points[2 * i + 1], points[2 * i]);
        }
        qsort(angle, (size_t)count, sizeof *angle, compare_doubles);
        double widest = angle[0] + 2 * TEST_PI - angle[count - 1];
        for (int i = 1; i < count; i++) {
            widest = fmax(widest, angle[i] - angle[i - 1]);
        }
        mcbe_covering_t covering;
        const mcbe_status_t st = mcbe_covering_radius(2, count, points, &covering, NULL, NULL);
        assert_int_equal(st, widest < TEST_PI ? MCBE_OK : MCBE_ERR_VALUE);
        if (st == MCBE_OK) {
            const double radius = 2 * sin(widest / 4);
            assert_true(covering.lower <= radius + 1e-13 && covering.upper >= radius - 1e-13);
            assert_true(covering.upper - covering.lower < 1e-11);
        }
    }
}

/* Points of a spiral on the sphere, every place within about 2 / sqrt(count) of one of them. */
static void spiral_point(int i, int count, double *x)
{
    const double z = 1 - (2 * i + 1.0) / count, angle = 2.399963229728653 * i;
    x[0] = sqrt(1 - z * z) * cos(angle);
    x[1] = sqrt(1 - z * z) * sin(angle);
    x[2] = z;
}

static void no_point_of_a_dense_grid_is_farther(void **state)
{
    (void)state;
    enum { GRID = 40000 };
    mcbe_rng_t rng = test_rng(6);
    for (int count = 12; count <= 150; count += 23) {
        double points[450], found = 0;
        random_points(3, count, &rng, points);
        const mcbe_covering_t covering = covering_of(3, count, points);
        for (int i = 0; i < GRID; i++) {
            double x[3];
            spiral_point(i, GRID, x);
            found = fmax(found, distance(3, count, points, x));
        }
        assert_true(found <= covering.upper);
        assert_true(found >= covering.lower - 0.02);
    }
}

static void a_lower_bound_is_below_and_finds_small_cases(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(8);
    for (int n = 2; n <= 5; n++) {
        enum { COUNT = 60 };
        double points[COUNT * 5], lower, hole[5], few;
        random_points(n, COUNT, &rng, points);
        const mcbe_covering_t covering = covering_of(n, COUNT, points);
        assert_int_equal(mcbe_covering_search(n, COUNT, points, &rng, 1, &few, NULL, NULL),
                         MCBE_OK);
        assert_int_equal(mcbe_covering_search(n, COUNT, points, &rng, 20000, &lower, hole, NULL),
                         MCBE_OK);
        assert_true(few < lower && lower <= covering.upper && lower > 0.999 * covering.lower);
        assert_true(fabs(distance(n, COUNT, points, hole) - lower) < 1e-9);
    }
    /* two points: the emptiest place is opposite to both, at distance sqrt(2 + 2 cos(angle / 2)) */
    double lower;
    const double two[40] = {[0] = 1, [20] = 0.6, [21] = 0.8};
    assert_int_equal(mcbe_covering_search(20, 2, two, &rng, 20000, &lower, NULL, NULL), MCBE_OK);
    const double farthest = sqrt(2 + 2 * cos(acos(0.6) / 2));
    assert_true(lower <= farthest && lower > farthest - 1e-3);
}

/* Constants by hand: n = 2: 2 v_2 / v_1 = pi, n = 3: 3 v_3 / v_2 = 4. */
static void the_asymptotic_radius_by_hand(void **state)
{
    (void)state;
    assert_true(fabs(mcbe_covering_expected(2, 1000) - TEST_PI * log(1000) / 1000) < 1e-14);
    assert_true(fabs(mcbe_covering_expected(3, 100) - sqrt(4 * log(100) / 100)) < 1e-14);
    assert_true(fabs(mcbe_covering_expected(3, 100) - 0.429) < 5e-4);
    assert_true(fabs(mcbe_covering_expected(3, 1e4) - 0.0607) < 5e-5);
    assert_true(fabs(mcbe_covering_expected(30, 1e6) - 0.744) < 5e-4);
    for (int n = 2; n <= 40; n++) { /* v_n = pi^(n/2) / Gamma(n/2 + 1) */
        const double ratio = sqrt(TEST_PI) * tgamma((n + 1) / 2.0) / tgamma(n / 2.0 + 1);
        const double radius = pow(n * ratio * log(5e5) / 5e5, 1.0 / (n - 1));
        assert_true(fabs(mcbe_covering_expected(n, 5e5) - radius) < 1e-12 * radius);
    }
}

static void the_number_of_points_inverts_the_radius(void **state)
{
    (void)state;
    for (int n = 2; n <= 30; n += 4) {
        for (double count = 3; count < 1e12; count *= 7) {
            const double radius = mcbe_covering_expected(n, count);
            assert_true(fabs(mcbe_covering_points(n, radius) - count) < 1e-9 * count);
        }
    }
    /* the formula is at most sqrt(4 / e) = 1.21 */
    assert_true(mcbe_covering_points(3, 1.9) == exp(1));
    assert_true(mcbe_covering_points(200, 1e-3) == INFINITY);
}

/* For independent uniform points the mean radius nears the formula slowly, from above here. */
static void uniform_points_have_about_the_asymptotic_radius(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(10);
    double *points = mcbe_alloc(3 * 20000, sizeof *points), sum = 0;
    for (int trial = 0; trial < 5; trial++) {
        random_points(3, 20000, &rng, points);
        sum += covering_of(3, 20000, points).upper / mcbe_covering_expected(3, 20000) / 5;
    }
    assert_true(sum > 0.95 && sum < 1.2);
    mcbe_free(points);
}

/* Simplices a point in Poisson-Delaunay tessellations, R^1 to R^4: 1, 2, 24 pi^2 / 35, 286 / 9. */
static void expected_facets_by_hand(void **state)
{
    (void)state;
    const double known[] = {1, 2, 24 * TEST_PI * TEST_PI / 35, 286.0 / 9};
    for (int n = 2; n <= 5; n++) {
        assert_true(fabs(mcbe_covering_work(n, 1e12) - known[n - 2] * 1e12) < 1e3);
    }
    assert_true(mcbe_covering_work(3, 20) == 36); /* 2 count - 4, never more */
    assert_true(fabs(mcbe_covering_work(6, 7) - 7) < 1e-9);
}

/* Minima over `blocks` blocks of directions, and the directions. */
static double *visit(const mcbe_frame_t *frame, const mcbe_domain_t *domain,
                     const mcbe_stream_key_t *key, int blocks, mcbe_bias_state_t *seen)
{
    const int n = frame->n;
    mcbe_estimator_t *estimator = NULL;
    double scale[MCBE_BLOCK_SIZE_MAX];
    float *x = mcbe_alloc((size_t)n * MCBE_BLOCK_SIZE_MAX, sizeof *x);
    double *points = mcbe_alloc((size_t)(blocks * n) * MCBE_BLOCK_SIZE_MAX, sizeof *points);
    assert_int_equal(mcbe_bias_state_init(seen, frame->m), MCBE_OK);
    assert_int_equal(mcbe_estimator_create(&estimator, frame, domain, key, MCBE_PRECISION_DOUBLE),
                     MCBE_OK);
    for (int block = 0; block < blocks; block++) {
        mcbe_stream_key_t stream = *key;
        stream.block = block;
        assert_int_equal(mcbe_estimator_block(estimator, block, 0, MCBE_BLOCK_SIZE_MAX, seen, NULL),
                         MCBE_OK);
        mcbe_domain_fill(domain, n, &stream, x, scale);
        for (int s = 0; s < MCBE_BLOCK_SIZE_MAX; s++) {
            for (int k = 0; k < n; k++) {
                points[(block * MCBE_BLOCK_SIZE_MAX + s) * n + k] =
                    (double)x[k * MCBE_BLOCK_SIZE_MAX + s] * scale[s];
            }
        }
    }
    mcbe_estimator_destroy(&estimator);
    mcbe_free(x);
    return points;
}

/* Smallest number of rows with c_j >= bias_j over a dense set of directions times radius, without
 * tolerance. */
static int fewest_active(const mcbe_frame_t *frame, const double *bias, double radius)
{
    enum { DENSE = 3000 };
    const int n = frame->n;
    int fewest = frame->m;
    for (int i = 0; i < DENSE; i++) {
        double x[3] = {cos(2 * TEST_PI * i / DENSE), sin(2 * TEST_PI * i / DENSE)};
        if (n == 3) {
            spiral_point(i, DENSE, x);
        }
        int active = 0;
        for (int j = 0; j < frame->m; j++) {
            double c = 0;
            for (int k = 0; k < n; k++) {
                c += radius * x[k] * frame->w[j * n + k];
            }
            active += c >= bias[j];
        }
        fewest = active < fewest ? active : fewest;
    }
    return fewest;
}

/* The corrected bias keeps n rows active everywhere, on sphere, ball and shell; alpha* of the
 * sample does not. Its smallest entry is at most that of alpha* of many more points. */
static void the_corrected_bias_is_never_violated(void **state)
{
    (void)state;
    int violated = 0;
    for (int trial = 0; trial < 300; trial++) {
        const int n = 2 + trial % 2, m = 4 * n + trial % 5;
        const mcbe_domain_t domains[] = {
            {.kind = MCBE_DOMAIN_SPHERE, .radius = 1},
            {.kind = MCBE_DOMAIN_BALL, .radius = 2},
            {.kind = MCBE_DOMAIN_SHELL, .radius = 2, .inner_radius = 0.5}};
        const double radii[] = {1, 0.3, 0.5};
        const mcbe_stream_key_t key = {.seed = 4, .n = n, .m = m, .trial = trial};
        mcbe_frame_t frame;
        mcbe_bias_state_t seen, more;
        double bias[20];
        assert_int_equal(mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_OK);
        double *points = visit(&frame, domains, &key, 1, &seen);
        const double rho = covering_of(n, MCBE_BLOCK_SIZE_MAX, points).upper;
        violated += fewest_active(&frame, seen.alpha, 1) < n;
        for (int d = 2; d >= 0; d--) {
            assert_int_equal(
                mcbe_covering_correct(&frame, domains + d, rho, seen.alpha, bias, NULL), MCBE_OK);
            assert_true(fewest_active(&frame, bias, radii[d]) >= n);
        }
        mcbe_free(points);
        points = visit(&frame, domains, &key, 10, &more);
        double corrected = INFINITY, closer = INFINITY;
        for (int j = 0; j < m; j++) {
            corrected = fmin(corrected, bias[j]);
            closer = fmin(closer, more.alpha[j]);
            assert_true(isinf(seen.alpha[j]) ? isinf(bias[j]) : bias[j] < seen.alpha[j]);
        }
        assert_true(corrected <= closer);
        mcbe_free(points);
        mcbe_bias_state_free(&more);
        mcbe_bias_state_free(&seen);
        mcbe_frame_free(&frame);
    }
    assert_true(violated > 30);
}

/* Lower than by hand, but by rounding alone. */
static void the_correction_by_hand(void **state)
{
    (void)state;
    const double w[] = {3, 4, -6, 8, 0, 1}, a[] = {1, -2, INFINITY};
    const mcbe_domain_t sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 10};
    const mcbe_domain_t ball = {.kind = MCBE_DOMAIN_BALL, .radius = 10};
    double bias[3];
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_copy(&frame, 3, 2, w, 2, 0, NULL), MCBE_OK);
    assert_int_equal(mcbe_covering_correct(&frame, &sphere, 0.1, a, bias, NULL), MCBE_OK);
    assert_true(bias[0] < 10 * (1 - 5 * 0.1) && bias[0] > 5 - 1e-11);
    assert_true(bias[1] < 10 * (-2 - 10 * 0.1) && bias[1] > -30 - 1e-11);
    assert_true(bias[2] == INFINITY);
    assert_int_equal(mcbe_covering_correct(&frame, &ball, 0.1, a, bias, NULL), MCBE_OK);
    assert_true(bias[0] == 0 && bias[1] > -30 - 1e-11 && bias[1] < -30);
    mcbe_frame_free(&frame);
}

static void what_cannot_be_done_is_refused(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(3);
    double points[60], lower = 7;
    mcbe_covering_t covering = {7, 7};
    mcbe_error_t err = {0};
    random_points(3, 20, &rng, points);
    assert_int_equal(mcbe_covering_radius(1, 20, points, &covering, NULL, &err), MCBE_ERR_DIM);
    assert_int_equal(mcbe_covering_radius(17, 3, points, &covering, NULL, NULL), MCBE_ERR_DIM);
    assert_int_equal(mcbe_covering_search(3, 0, points, &rng, 1, &lower, NULL, NULL), MCBE_ERR_DIM);
    assert_int_equal(mcbe_covering_search(3, 9, points, &rng, 0, &lower, NULL, NULL),
                     MCBE_ERR_ARGUMENT);
    /* 10^6 points in dimension 6 are never looked at */
    assert_int_equal(mcbe_covering_radius(6, 1000000, points, &covering, NULL, NULL),
                     MCBE_ERR_ARGUMENT);
    points[3 * 4] = NAN;
    mcbe_error_clear(&err);
    assert_int_equal(mcbe_covering_radius(3, 20, points, &covering, NULL, &err), MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "covering: point 4 has norm"));
    memset(points + 3 * 4, 0, 3 * sizeof *points);
    assert_int_equal(mcbe_covering_search(3, 20, points, &rng, 5, &lower, NULL, NULL),
                     MCBE_ERR_VALUE);
    for (int i = 0; i < 20; i++) {
        points[3 * i + 1] = 1 + fabs(points[3 * i + 1]);
    }
    mcbe_error_clear(&err);
    assert_int_equal(mcbe_covering_radius(3, 20, points, &covering, NULL, &err), MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "covering, points: 0 is not inside"));
    assert_true(covering.lower == 7 && covering.upper == 7 && lower == 7);
}

static void corrections_without_meaning_are_refused(void **state)
{
    (void)state;
    static const mcbe_domain_t domains[] = {
        {.kind = MCBE_DOMAIN_GAUSSIAN},
        {.kind = MCBE_DOMAIN_BALL, .radius = 1, .radial = MCBE_RADIAL_SAMPLED},
        {.kind = MCBE_DOMAIN_SPHERE, .radius = -1},
        {.kind = MCBE_DOMAIN_SPHERE, .radius = 1}};
    static const double radii[] = {0.1, 0.1, 0.1, 2.5};
    static const char *const words[] = {"an unbounded domain", "a ball or shell", "radius is -1",
                                        "radius is 2.5"};
    mcbe_frame_t frame;
    double a[6] = {0}, bias[6] = {7};
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    for (size_t i = 0; i < COUNT_OF(domains); i++) {
        mcbe_error_t err = {0};
        assert_int_equal(mcbe_covering_correct(&frame, domains + i, radii[i], a, bias, &err),
                         MCBE_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, words[i]));
    }
    assert_int_equal(mcbe_covering_correct(&frame, domains + 3, NAN, a, bias, NULL),
                     MCBE_ERR_ARGUMENT);
    assert_true(bias[0] == 7);
    mcbe_frame_free(&frame);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(2);
    double points[60], lower;
    mcbe_covering_t covering;
    random_points(3, 20, &rng, points);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_covering_radius(3, 20, points, &covering, NULL, NULL));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(
        mcbe_covering_search(3, 20, points, &rng, 10, &lower, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(regular_polytopes_by_hand),
        UNIT_TEST(points_on_the_circle_are_sorted_by_angle),
        UNIT_TEST(no_point_of_a_dense_grid_is_farther),
        UNIT_TEST(a_lower_bound_is_below_and_finds_small_cases),
        UNIT_TEST(the_asymptotic_radius_by_hand),
        UNIT_TEST(the_number_of_points_inverts_the_radius),
        UNIT_TEST(uniform_points_have_about_the_asymptotic_radius),
        UNIT_TEST(expected_facets_by_hand),
        UNIT_TEST(the_corrected_bias_is_never_violated),
        UNIT_TEST(the_correction_by_hand),
        UNIT_TEST(what_cannot_be_done_is_refused),
        UNIT_TEST(corrections_without_meaning_are_refused),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("covering", tests, NULL, NULL);
}
