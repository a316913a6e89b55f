/* alpha* of the sphere: closed forms, slow references, and what must hold of any layer. */

#include "mcbe/exact.h"

#include "exact_cases.h"
#include "kernel_paths.h"
#include "mcbe/bias.h"

static void assert_alpha(const mcbe_frame_t *frame, double expected)
{
    double alpha[EXACT_MAX_M];
    assert_int_equal(mcbe_exact_alpha(frame, INFINITY, alpha, NULL, NULL, NULL), MCBE_OK);
    for (int j = 0; j < frame->m; j++) {
        assert_near(alpha[j], expected, 1e-12);
    }
}

/* The n largest of n + 1 coefficients are all but the smallest. They sum to 0 with products
 * -1/n; row j is second smallest at best, and least where it ties with one other row and the
 * rest tie above. */
static void regular_simplices(void **state)
{
    (void)state;
    for (int n = 2; n <= 6; n++) {
        mcbe_frame_t frame;
        simplex_frame(&frame, n);
        assert_alpha(&frame, -sqrt((n - 1) / (2.0 * n)));
        mcbe_frame_free(&frame);
    }
}

/* The second largest coefficient is least where x points at a row: both neighbours at 2 pi / m
 * tie. */
static void regular_polygons(void **state)
{
    (void)state;
    for (int m = 3; m <= 24; m++) {
        mcbe_frame_t frame;
        polygon_frame(&frame, m, 0);
        assert_alpha(&frame, cos(2 * TEST_PI / m));
        mcbe_frame_free(&frame);
    }
}

/* The n largest coefficients are |x_1| .. |x_n|; any of them may be 0. */
static void cross_polytopes(void **state)
{
    (void)state;
    for (int n = 2; n <= 5; n++) {
        mcbe_frame_t frame;
        cross_polytope_frame(&frame, n);
        assert_alpha(&frame, 0);
        mcbe_frame_free(&frame);
    }
}

static void polyhedra(void **state)
{
    (void)state;
    const double golden = (1 + sqrt(5)) / 2;
    const struct {
        mcbe_ensemble_t ensemble;
        double alpha;
    } cases[] = {
        {MCBE_ENSEMBLE_TETRAHEDRON, -1 / sqrt(3)},
        {MCBE_ENSEMBLE_OCTAHEDRON, 0},
        /* x at a vertex: itself, then its five neighbours tie at golden / (1 + golden^2) */
        {MCBE_ENSEMBLE_ICOSAHEDRON, golden / (1 + golden * golden)}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mcbe_frame_t frame;
        assert_int_equal(mcbe_frame_named(&frame, cases[i].ensemble), MCBE_OK);
        assert_alpha(&frame, cases[i].alpha);
        mcbe_frame_free(&frame);
    }
}

/* With m = n every row is among the n largest everywhere, so it is least at x = -w_j / |w_j|. */
static void square_layers(void **state)
{
    (void)state;
    for (int n = 1; n <= 7; n++) {
        double alpha[EXACT_MAX_N], points[EXACT_MAX_N * EXACT_MAX_N];
        int doubtful = -1;
        mcbe_frame_t frame;
        random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, n, n, 0);
        assert_int_equal(mcbe_exact_alpha(&frame, INFINITY, alpha, points, &doubtful, NULL),
                         MCBE_OK);
        assert_int_equal(doubtful, 0);
        for (int j = 0; j < n; j++) {
            assert_near(alpha[j], -frame.norm[j], 1e-12 * frame.norm[j]);
            for (int k = 0; k < n; k++) {
                assert_near(points[j * n + k], -frame.w[j * n + k] / frame.norm[j], 1e-12);
            }
        }
        mcbe_frame_free(&frame);
    }
}

static void one_dimension_by_hand(void **state)
{
    (void)state;
    const double w[] = {2, -1, 1, 2, -0.5};
    const double expected[] = {2, 1, INFINITY, 2, INFINITY}; /* alone at x = 1 and x = -1 */
    double alpha[5], points[5];
    mcbe_frame_t frame;
    frame_of(&frame, 5, 1, w);
    assert_int_equal(mcbe_exact_alpha(&frame, INFINITY, alpha, points, NULL, NULL), MCBE_OK);
    for (int j = 0; j < 5; j++) {
        assert_true(alpha[j] == expected[j]);
    }
    assert_true(points[0] == 1 && points[1] == -1 && isnan(points[2]));
    mcbe_frame_free(&frame);
}

/* A short row in the middle of an octagon always has two rows ahead of it; a square whose rows
 * all come twice must have a row on top for it to be among the 2 largest, so within 45 degrees
 * of x. */
static void rows_behind_others(void **state)
{
    (void)state;
    double alpha[9], points[18], w[18];
    mcbe_frame_t octagon, frame, square, doubled;
    polygon_frame(&octagon, 8, 0);
    memcpy(w, octagon.w, 16 * sizeof *w);
    w[16] = 0.01;
    w[17] = 0.02;
    frame_of(&frame, 9, 2, w);
    assert_int_equal(mcbe_exact_alpha(&frame, INFINITY, alpha, points, NULL, NULL), MCBE_OK);
    assert_true(alpha[8] == INFINITY && isnan(points[16]) && isnan(points[17]));
    assert_near(alpha[0], cos(TEST_PI / 4), 1e-12);
    mcbe_frame_free(&frame);
    mcbe_frame_free(&octagon);

    cross_polytope_frame(&square, 2);
    memcpy(w, square.w, 8 * sizeof *w);
    memcpy(w + 8, square.w, 8 * sizeof *w);
    frame_of(&doubled, 8, 2, w);
    assert_alpha(&doubled, cos(TEST_PI / 4));
    mcbe_frame_free(&doubled);
    mcbe_frame_free(&square);
}

/* The value is taken at the point, exactly, by canonical arithmetic; and no n rows are ahead
 * there. */
static void assert_witnesses(const mcbe_frame_t *frame, const double *alpha, const double *points)
{
    const int n = frame->n, m = frame->m;
    for (int j = 0; j < m; j++) {
        double x[EXACT_MAX_N], c[EXACT_MAX_M];
        float a[EXACT_MAX_N], b[EXACT_MAX_N];
        int ahead = 0;
        if (alpha[j] == INFINITY) {
            continue;
        }
        memcpy(x, points + (ptrdiff_t)j * n, (size_t)n * sizeof *x);
        mcbe_point_split(n, x, a, b);
        assert_memory_equal(x, points + (ptrdiff_t)j * n, (size_t)n * sizeof *x);
        assert_near(mcbe_point_norm(n, a, b, 1), 1, 1e-14);
        mcbe_frame_pair_coefficients(frame, a, b, 1 / mcbe_point_norm(n, a, b, 1), c);
        assert_true(c[j] == alpha[j]);
        for (int i = 0; i < m; i++) {
            ahead += c[i] > c[j] + 1e-9 * frame->norm_max;
        }
        assert_in_range(ahead, 0, n - 1);
    }
}

/* Row by row and subset by subset, as the definition reads: the least coefficient of row j over
 * all x in which the rows of T tie with it, and both directions where that leaves a line. */
static double reference_alpha(const mcbe_frame_t *frame, int j)
{
    const int n = frame->n, m = frame->m;
    long double best = INFINITY;
    for (int size = 0; size < n; size++) {
        int others[EXACT_MAX_N];
        first_subset(size, others);
        do { /* others[i] stands for the row others[i] + (others[i] >= j) */
            basis_t basis = {0};
            long double x[EXACT_MAX_N];
            for (int i = 0; i < size; i++) {
                const double *row = frame->w + (ptrdiff_t)(others[i] + (others[i] >= j)) * n;
                for (int k = 0; k < n; k++) {
                    x[k] = (long double)row[k] - frame->w[j * n + k];
                }
                basis_add(&basis, n, x);
            }
            for (int k = 0; k < n; k++) {
                x[k] = -(long double)frame->w[j * n + k];
            }
            basis_project(&basis, n, x);
            normalize(n, x);
            for (int side = 0; side < (size == n - 1 ? 2 : 1); side++) {
                const long double value = product_with_row(frame, j, x);
                int ahead = 0;
                for (int i = 0; i < m - 1; i++) {
                    const int row = i + (i >= j);
                    ahead += !in_subset(size, others, i) && product_with_row(frame, row, x) > value;
                }
                best = ahead < n && value < best ? value : best;
                for (int k = 0; k < n; k++) {
                    x[k] = -x[k];
                }
            }
        } while (next_subset(size, m - 1, others));
    }
    return (double)best;
}

static void random_layers_against_the_reference(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(1);
    for (int trial = 0; trial < 300; trial++) {
        const int n = test_between(&rng, 2, 5);
        const int m = test_between(&rng, n, n < 4 ? 14 : 11);
        double alpha[EXACT_MAX_M], points[EXACT_MAX_M * EXACT_MAX_N];
        int doubtful = -1;
        mcbe_frame_t frame;
        random_frame(&frame, trial % 2 ? MCBE_ENSEMBLE_GAUSSIAN : MCBE_ENSEMBLE_SPHERE, n, m,
                     trial);
        assert_int_equal(mcbe_exact_alpha(&frame, INFINITY, alpha, points, &doubtful, NULL),
                         MCBE_OK);
        assert_int_equal(doubtful, 0);
        assert_witnesses(&frame, alpha, points);
        for (int j = 0; j < m; j++) {
            const double expected = reference_alpha(&frame, j);
            if (expected == INFINITY) {
                assert_true(alpha[j] == INFINITY);
            } else {
                assert_near(alpha[j], expected, 1e-11);
            }
        }
        mcbe_frame_free(&frame);
    }
}

/* One event of the sweep: from this angle on the row is ahead (+1) or behind (-1) of row j. */
typedef struct event {
    double angle;
    int change;
} event_t;

static int by_angle(const void *left, const void *right)
{
    return compare_doubles(&((const event_t *)left)->angle, &((const event_t *)right)->angle);
}

/* n = 2 in O(m log m) a row: turn x once around and keep count of the rows ahead of row j. On an
 * arc with at most one of them the coefficient |w_j| cos is least at its ends or opposite w_j. */
static double swept_alpha(const mcbe_frame_t *frame, int j)
{
    const double *w = frame->w, opposite = atan2(-w[2 * j + 1], -w[2 * j]);
    event_t events[2 * EXACT_MAX_M];
    int count = 0, ahead = 0;
    double best = INFINITY;
    for (int i = 0; i < frame->m; i++) {
        if (i != j) {
            const double middle = atan2(w[2 * i + 1] - w[2 * j + 1], w[2 * i] - w[2 * j]);
            for (int side = -1; side <= 1; side += 2) {
                const double angle = middle + side * TEST_PI / 2;
                events[count++] = (event_t){remainder(angle, 2 * TEST_PI), -side};
            }
            ahead += cos(TEST_PI - middle) > 0; /* at the start of the turn, -pi */
        }
    }
    qsort(events, (size_t)count, sizeof *events, by_angle);
    double start = -TEST_PI;
    for (int i = 0; i <= count; i++) {
        const double end = i < count ? events[i].angle : TEST_PI;
        if (ahead <= 1) {
            const double at_ends = -fmax(cos(start - opposite), cos(end - opposite));
            best = fmin(best, start <= opposite && opposite <= end ? -1 : at_ends);
        }
        ahead += i < count ? events[i].change : 0;
        start = end;
    }
    return best * frame->norm[j];
}

static void planes_against_a_sweep(void **state)
{
    (void)state;
    for (int trial = 0; trial < 200; trial++) {
        const int m = 2 + trial % 60;
        double alpha[EXACT_MAX_M];
        mcbe_frame_t frame;
        random_frame(&frame, trial % 2 ? MCBE_ENSEMBLE_GAUSSIAN : MCBE_ENSEMBLE_SPHERE, 2, m,
                     trial);
        assert_int_equal(mcbe_exact_alpha(&frame, INFINITY, alpha, NULL, NULL, NULL), MCBE_OK);
        for (int j = 0; j < m; j++) {
            const double expected = swept_alpha(&frame, j);
            if (expected == INFINITY) {
                assert_true(alpha[j] == INFINITY);
            } else {
                assert_near(alpha[j], expected, 1e-10);
            }
        }
        mcbe_frame_free(&frame);
    }
}

/* Every sample is a point of the sphere, so no sampled value is below the exact one; and the
 * mean distance falls as points come to lie denser. */
static void sampling_comes_down_to_it(void **state)
{
    (void)state;
    const mcbe_domain_t sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1};
    for (int n = 2; n <= 3; n++) {
        const int m = 4 * n, blocks[] = {4, 1024};
        double alpha[EXACT_MAX_M], gap[2] = {0};
        mcbe_frame_t frame;
        random_frame(&frame, MCBE_ENSEMBLE_SPHERE, n, m, 77);
        assert_int_equal(mcbe_exact_alpha(&frame, INFINITY, alpha, NULL, NULL, NULL), MCBE_OK);
        for (int size = 0; size < 2; size++) {
            const mcbe_stream_key_t key = {.seed = 3, .n = n, .m = m};
            mcbe_estimator_t *estimator;
            mcbe_bias_state_t found;
            int finite = 0;
            assert_int_equal(
                mcbe_estimator_create(&estimator, &frame, &sphere, &key, MCBE_PRECISION_DOUBLE),
                MCBE_OK);
            assert_int_equal(mcbe_bias_state_init(&found, m), MCBE_OK);
            for (int block = 0; block < blocks[size]; block++) {
                assert_int_equal(mcbe_estimator_block(estimator, block, 0,
                                                      mcbe_domain_block_size(n), &found, NULL),
                                 MCBE_OK);
            }
            for (int j = 0; j < m; j++) {
                assert_true(found.alpha[j] >= alpha[j] - 1e-12);
                if (found.alpha[j] < INFINITY) {
                    gap[size] += found.alpha[j] - alpha[j];
                    finite++;
                }
            }
            gap[size] /= finite;
            mcbe_bias_state_free(&found);
            mcbe_estimator_destroy(&estimator);
        }
        /* 2^18 points come within about (4 pi ln N / N)^(1 / (n - 1)) of anything */
        assert_true(gap[1] < (n == 2 ? 1e-3 : 0.03));
        assert_true(gap[1] < gap[0] / 4);
        mcbe_frame_free(&frame);
    }
}

static void rows_may_be_reordered_and_scaled(void **state)
{
    (void)state;
    const int n = 4, m = 11;
    double alpha[11], reordered[11], scaled[11], w[44], large[44];
    mcbe_frame_t frame, other;
    random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, n, m, 5);
    for (int i = 0; i < m * n; i++) {
        w[i] = frame.w[(m - 1 - i / n) * n + i % n];
        large[i] = ldexp(frame.w[i], -400);
    }
    assert_int_equal(mcbe_exact_alpha(&frame, INFINITY, alpha, NULL, NULL, NULL), MCBE_OK);
    frame_of(&other, m, n, w);
    assert_int_equal(mcbe_exact_alpha(&other, INFINITY, reordered, NULL, NULL, NULL), MCBE_OK);
    mcbe_frame_free(&other);
    frame_of(&other, m, n, large);
    assert_int_equal(mcbe_exact_alpha(&other, INFINITY, scaled, NULL, NULL, NULL), MCBE_OK);
    mcbe_frame_free(&other);
    mcbe_frame_free(&frame);
    for (int j = 0; j < m; j++) {
        assert_true(alpha[j] < INFINITY);
        assert_near(reordered[m - 1 - j], alpha[j], 1e-12);
        assert_true(scaled[j] == ldexp(alpha[j], -400));
    }
}

/* Five neighbours of a vertex tie, two more than three rows in general position would. */
static void ties_beyond_the_necessary_are_reported(void **state)
{
    (void)state;
    double alpha[EXACT_MAX_M];
    int doubtful = -1;
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_ICOSAHEDRON), MCBE_OK);
    assert_int_equal(mcbe_exact_alpha(&frame, INFINITY, alpha, NULL, &doubtful, NULL), MCBE_OK);
    assert_int_equal(doubtful, 12);
    mcbe_frame_free(&frame);
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_TETRAHEDRON), MCBE_OK);
    assert_int_equal(mcbe_exact_alpha(&frame, INFINITY, alpha, NULL, &doubtful, NULL), MCBE_OK);
    assert_int_equal(doubtful, 0);
    mcbe_frame_free(&frame);

    /* rows that are the same differ by 0, which no direction is orthogonal to more than others */
    random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, 3, 12, 0);
    memcpy(frame.w + 33, frame.w, 3 * sizeof *frame.w);
    mcbe_frame_t doubled;
    frame_of(&doubled, 12, 3, frame.w);
    mcbe_frame_free(&frame);
    assert_int_equal(mcbe_exact_alpha(&doubled, INFINITY, alpha, NULL, &doubtful, NULL), MCBE_OK);
    assert_int_equal(doubtful, 12);
    assert_near(alpha[11], alpha[0], 1e-14);
    mcbe_frame_free(&doubled);
}

static void work_is_counted_and_limited(void **state)
{
    (void)state;
    double alpha[20];
    mcbe_error_t err = {0};
    mcbe_frame_t frame;
    random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, 4, 20, 0);
    const double work = mcbe_exact_alpha_work(4, 20);
    assert_true(work >= 4845 * 4 * 20); /* C(20, 4) directions */
    assert_true(mcbe_exact_alpha_work(500, 5000) == INFINITY);
    alpha[0] = 42;
    assert_int_equal(mcbe_exact_alpha(&frame, work * 0.99, alpha, NULL, NULL, &err),
                     MCBE_ERR_LIMIT);
    assert_true(alpha[0] == 42);
    char number[32];
    snprintf(number, sizeof number, "%.3g operations", work);
    assert_non_null(strstr(err.text, "n = 4 and m = 20"));
    assert_non_null(strstr(err.text, number));
    snprintf(number, sizeof number, "the limit is %.3g", work * 0.99);
    assert_non_null(strstr(err.text, number));
    assert_int_equal(mcbe_exact_alpha(&frame, work, alpha, NULL, NULL, NULL), MCBE_OK);
    mcbe_frame_free(&frame);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    double alpha[7];
    mcbe_frame_t frame;
    random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, 3, 7, 0);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_exact_alpha(&frame, INFINITY, alpha, NULL, NULL, NULL));
    mcbe_frame_free(&frame);
}

static uint64_t alpha_checksum(void)
{
    uint64_t sum = CHECKSUM_START;
    for (int n = 1; n <= 6; n++) {
        double alpha[15], points[15 * EXACT_MAX_N];
        mcbe_frame_t frame;
        random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, n, 15, 9);
        assert_int_equal(mcbe_exact_alpha(&frame, INFINITY, alpha, points, NULL, NULL), MCBE_OK);
        sum = checksum(sum, alpha, sizeof alpha);
        sum = checksum(sum, points, 15 * (size_t)n * sizeof *points);
        mcbe_frame_free(&frame);
    }
    return sum;
}

static void every_path_gives_the_same_bytes(void **state)
{
    assert_same_on_every_path(*state);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return print_checksum(alpha_checksum());
    }
    const struct CMUnitTest tests[] = {
        UNIT_TEST(regular_simplices),
        UNIT_TEST(regular_polygons),
        UNIT_TEST(cross_polytopes),
        UNIT_TEST(polyhedra),
        UNIT_TEST(square_layers),
        UNIT_TEST(one_dimension_by_hand),
        UNIT_TEST(rows_behind_others),
        UNIT_TEST(random_layers_against_the_reference),
        UNIT_TEST(planes_against_a_sweep),
        UNIT_TEST(sampling_comes_down_to_it),
        UNIT_TEST(rows_may_be_reordered_and_scaled),
        UNIT_TEST(ties_beyond_the_necessary_are_reported),
        UNIT_TEST(work_is_counted_and_limited),
        UNIT_TEST(failed_allocations_leave_nothing),
        UNIT_TEST_OF_PROGRAM(every_path_gives_the_same_bytes, argv[0]),
    };
    return cmocka_run_group_tests_name("exact", tests, NULL, NULL);
}
