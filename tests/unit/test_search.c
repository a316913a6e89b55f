#include "mcbe/search.h"

#include "search_internal.h"
#include "unit.h"

static void directions_are_unit_sums_of_two_floats(void **state)
{
    static const double given[][3] = {{3, 0, 4}, {-1e20, 2e20, 2e20}, {1e-20, 1e-20, -2e-20}};
    mcbe_points_t points = {.n = 3};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        assert_int_equal(mcbe_points_add(&points, given[i]), MCBE_OK);
    }
    assert_int_equal(points.count, COUNT_OF(given));
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        const double *x = points.x + 3 * i;
        const double norm =
            sqrt(given[i][0] * given[i][0] + given[i][1] * given[i][1] + given[i][2] * given[i][2]);
        for (int k = 0; k < 3; k++) {
            const float upper = (float)x[k], lower = (float)(x[k] - (double)upper);
            assert_true((double)upper + (double)lower == x[k]);
            assert_true(fabs(x[k] - given[i][k] / norm) < 0x1p-48);
        }
    }
    mcbe_points_free(&points);
}

/* What was evaluated is what is listed, bit for bit. */
static void settled_directions_keep_their_bits(void **state)
{
    static const int dimensions[] = {1, 2, 30, 784, 16384};
    mcbe_rng_t rng = test_rng(1);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(dimensions); i++) {
        mcbe_points_t points = {.n = dimensions[i]};
        const size_t n = (size_t)dimensions[i];
        double *x = mcbe_alloc(n, sizeof *x);
        for (int repeat = 0; repeat < 20; repeat++) {
            for (size_t k = 0; k < n; k++) {
                x[k] = mcbe_rng_uniform(&rng) - 0.5;
            }
            mcbe_direction_settle(dimensions[i], x);
            points.count = 0;
            assert_int_equal(mcbe_points_add(&points, x), MCBE_OK);
            assert_memory_equal(points.x, x, n * sizeof *x);
        }
        mcbe_free(x);
        mcbe_points_free(&points);
    }
}

static void a_growing_list_keeps_its_points(void **state)
{
    mcbe_points_t points = {.n = 2};
    (void)state;
    for (int i = 0; i < 1000; i++) {
        const double x[2] = {cos(i), sin(i)};
        assert_int_equal(mcbe_points_add(&points, x), MCBE_OK);
    }
    for (int i = 0; i < 1000; i++) {
        assert_true(fabs(points.x[2 * i] - cos(i)) < 1e-13);
        assert_true(fabs(points.x[2 * i + 1] - sin(i)) < 1e-13);
    }
    mcbe_points_free(&points);
    assert_null(points.x);
}

static void a_point_that_finds_no_memory_is_not_listed(void **state)
{
    const double x[2] = {1, 0};
    mcbe_points_t points = {.n = 2};
    (void)state;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_points_add(&points, x));
    assert_int_equal(points.count, 1);
    mcbe_points_free(&points);
}

static void domains_that_search_cannot_serve_are_refused(void **state)
{
    static const struct {
        mcbe_domain_t domain;
        const char *word; /* in the sentence, NULL where search may run */
    } cases[] = {
        {{.kind = MCBE_DOMAIN_SPHERE, .radius = 2}, NULL},
        {{.kind = MCBE_DOMAIN_SPHERE, .radial = MCBE_RADIAL_SAMPLED, .radius = 2}, NULL},
        {{.kind = MCBE_DOMAIN_BALL, .radius = 2, .nonnegative = 1}, NULL},
        {{.kind = MCBE_DOMAIN_SHELL, .radius = 2, .inner_radius = 1}, NULL},
        {{.kind = MCBE_DOMAIN_GAUSSIAN}, "unbounded"},
        {{.kind = MCBE_DOMAIN_BALL, .radial = MCBE_RADIAL_SAMPLED, .radius = 2}, "radial"},
        {{.kind = MCBE_DOMAIN_SHELL, .radial = MCBE_RADIAL_SAMPLED, .radius = 2, .inner_radius = 1},
         "radial"},
        {{.kind = MCBE_DOMAIN_BALL, .radius = -1}, "radius"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mcbe_error_t err = {0};
        const mcbe_status_t st = mcbe_search_check(&cases[i].domain, &err);
        assert_int_equal(st, cases[i].word ? MCBE_ERR_ARGUMENT : MCBE_OK);
        if (cases[i].word) {
            assert_non_null(strstr(err.text, cases[i].word));
        }
    }
}

/* Against a list of everything that ever came: the points listed are those some row was assigned to
 * last, or that is still held, in the order they came. */
static void lowest_points_stay_while_a_row_needs_them(void **state)
{
    enum { ROWS = 5, COMERS = 400 };
    int last[ROWS] = {-1, -1, -1, -1, -1}, held = -1, held_place = -1;
    mcbe_rng_t rng = test_rng(2);
    mcbe_lowest_t lowest;
    mcbe_points_t points = {.n = 2};
    (void)state;
    assert_int_equal(mcbe_lowest_init(&lowest, ROWS, 2), MCBE_OK);
    for (int i = 0; i < COMERS; i++) {
        const double x[2] = {cos(i), sin(i)};
        const int place = mcbe_lowest_take(&lowest, x);
        for (int row = 0; row < ROWS; row++) {
            if (test_between(&rng, 0, 5) == 0) {
                mcbe_lowest_assign(&lowest, row, place);
                last[row] = i;
            }
        }
        if (test_between(&rng, 0, 9) == 0) { /* hold this one instead of the one before */
            mcbe_lowest_hold(&lowest, place);
            if (held >= 0) {
                mcbe_lowest_drop(&lowest, held_place);
            }
            held = i;
            held_place = place;
        }
        mcbe_lowest_drop(&lowest, place);

        int64_t number, expected = 0;
        points.count = 0;
        assert_int_equal(mcbe_lowest_append(&lowest, &points, held_place, &number), MCBE_OK);
        for (int old = 0; old <= i; old++) {
            int wanted = old == held;
            for (int row = 0; row < ROWS; row++) {
                wanted |= last[row] == old;
            }
            if (wanted) {
                assert_true(expected < points.count);
                assert_true(fabs(points.x[2 * expected] - cos(old)) < 1e-13);
                if (old == held) {
                    assert_int_equal(number, expected);
                }
                expected++;
            }
        }
        assert_int_equal(points.count, expected);
        assert_true(held >= 0 || number == -1);
    }
    mcbe_lowest_clear(&lowest);
    int64_t number;
    points.count = 0;
    assert_int_equal(mcbe_lowest_append(&lowest, &points, -1, &number), MCBE_OK);
    assert_int_equal(points.count, 0);
    mcbe_points_free(&points);
    mcbe_lowest_free(&lowest);
}

static int active_along(int m, const double *bias, const double *c, double radius)
{
    int count = 0;
    for (int j = 0; j < m; j++) {
        count += radius * c[j] >= bias[j];
    }
    return count;
}

/* Against every radius of a fine grid and every middle between two neighbours of it. */
static void the_radius_with_the_fewest_active_rows_is_found(void **state)
{
    enum { ROWS = 12, GRID = 4000 };
    mcbe_rng_t rng = test_rng(3);
    mcbe_breakpoint_t work[ROWS];
    (void)state;
    for (int repeat = 0; repeat < 300; repeat++) {
        double bias[ROWS], c[ROWS];
        const double low = repeat % 2 ? 0.5 : 1e-9, high = 2;
        for (int j = 0; j < ROWS; j++) { /* breakpoints are fractions of small numbers, or none */
            bias[j] = test_between(&rng, -3, 3);
            c[j] = test_between(&rng, -4, 4);
        }
        const double radius = mcbe_fewest_active_radius(ROWS, bias, c, low, high, work);
        assert_true(radius >= low && radius <= high);
        int fewest = ROWS;
        for (int i = 0; i <= GRID; i++) {
            const int count = active_along(ROWS, bias, c, low + (high - low) * i / GRID);
            fewest = count < fewest ? count : fewest;
        }
        assert_int_equal(active_along(ROWS, bias, c, radius), fewest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(directions_are_unit_sums_of_two_floats),
        UNIT_TEST(settled_directions_keep_their_bits),
        UNIT_TEST(a_growing_list_keeps_its_points),
        UNIT_TEST(a_point_that_finds_no_memory_is_not_listed),
        UNIT_TEST(domains_that_search_cannot_serve_are_refused),
        UNIT_TEST(lowest_points_stay_while_a_row_needs_them),
        UNIT_TEST(the_radius_with_the_fewest_active_rows_is_found),
    };
    return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
