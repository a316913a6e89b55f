#include "hull.h"
#include "layers.h"

/* e1 e2 e3 -e1 -e2 -e3 */
static const double OCTAHEDRON[18] = {1, 0, 0, 0, 1, 0, 0, 0, 1, -1, 0, 0, 0, -1, 0, 0, 0, -1};
static const double ONES[6] = {1, 1, 1, 1, 1, 1};

static double volume_of(int m, int n, const double *w, const double *bias, const double *x)
{
    double volume = -1;
    mcbe_preimage_t *preimage = layer_of(m, n, w, bias);
    assert_int_equal(mcbe_preimage_volume(preimage, x, &volume, NULL), MCBE_OK);
    mcbe_preimage_destroy(&preimage);
    return volume;
}

/* The cube |x_k| <= 1, its faces and edges. */
static void the_cube_is_known_by_hand(void **state)
{
    (void)state;
    const double x[4][3] = {{0.5, -0.25, 0}, {3, 0.5, 0.5}, {3, -2, 0.5}, {3, 2, -4}};
    const double directions[9] = {1, 0, 0, 0, 1, 0, 1, 1, 1};
    const double lower[4][3] = {{-1, -1, -3}, {3, -1, 1}, {3, -2, 0}, {3, 2, 1}};
    const double upper[4][3] = {{1, 1, 3}, {3, 1, 5}, {3, -2, 2}, {3, 2, 1}};
    mcbe_preimage_t *preimage = layer_of(6, 3, OCTAHEDRON, ONES);
    for (int i = 0; i < 4; i++) {
        double low[3], high[3], volume;
        assert_int_equal(mcbe_preimage_volume(preimage, x[i], &volume, NULL), MCBE_OK);
        assert_true(fabs(volume - (i < 3 ? ldexp(1, 3 - i) : 0)) < 1e-12);
        assert_int_equal(mcbe_preimage_width(preimage, x[i], 3, directions, low, high, NULL),
                         MCBE_OK);
        for (int k = 0; k < 3; k++) {
            assert_true(fabs(low[k] - lower[i][k]) < 1e-12 && fabs(high[k] - upper[i][k]) < 1e-12);
        }
    }
    mcbe_preimage_destroy(&preimage);
}

static void what_has_no_end_is_infinite(void **state)
{
    (void)state;
    const double x[3] = {0, 0, 0}, directions[6] = {0, 0, 1, 0, 1, 0};
    double low[2], high[2];
    mcbe_preimage_t *preimage = layer_of(5, 3, OCTAHEDRON, ONES);
    assert_int_equal(mcbe_preimage_width(preimage, x, 2, directions, low, high, NULL), MCBE_OK);
    assert_true(low[0] == -INFINITY && high[0] == 1 && low[1] == -1 && high[1] == 1);
    mcbe_preimage_destroy(&preimage);
    assert_true(isinf(volume_of(5, 3, OCTAHEDRON, ONES, x)));
    assert_true(isinf(volume_of(1, 3, OCTAHEDRON, ONES, x)));
}

/* A simplex of dimension k with edges along the axes, of lengths 1 / a_i, has volume
 * 1 / (k! prod a_i); more rows, turned and stretched, change it by the determinant. */
static void simplices_of_all_dimensions_have_their_volume(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(21);
    for (int k = 1; k <= MCBE_PREIMAGE_VOLUME_MAX; k++) {
        double w[9 * 8] = {0}, bias[9], x[8], volume = 1;
        for (int j = 0; j < k; j++) {
            const double length = 0.5 + mcbe_rng_uniform(&rng);
            w[j * k + j] = -3.0; /* x_j >= 0 */
            bias[j] = 0;
            w[k * k + j] = 1 / length;
            x[j] = length / (k + 2);
            volume *= length / (j + 1);
        }
        bias[k] = 1;
        assert_true(fabs(volume_of(k + 1, k, w, bias, x) - volume) < 1e-11 * volume);
    }
}

static void most_volumes_are_refused_with_a_sentence(void **state)
{
    (void)state;
    double w[18 * 9] = {0}, bias[18], x[9] = {0}, volume = -1;
    mcbe_error_t err = {0};
    for (int k = 0; k < 9; k++) {
        w[k * 9 + k] = 1;
        w[(k + 9) * 9 + k] = -1;
        bias[k] = bias[k + 9] = 1;
    }
    mcbe_preimage_t *preimage = layer_of(18, 9, w, bias);
    assert_int_equal(mcbe_preimage_volume(preimage, x, &volume, &err), MCBE_ERR_LIMIT);
    assert_string_equal(err.text,
                        "preimage: it has 9 dimensions; its volume is computed in up to 8");
    mcbe_preimage_destroy(&preimage);
    /* e1, -e1 and e2, turned: bounded or not? */
    const double c = cos(0.7), s = sin(0.7), open[6] = {c, s, -c, -s, -s, c};
    preimage = layer_of(3, 2, open, ONES);
    mcbe_error_clear(&err);
    assert_int_equal(mcbe_preimage_volume(preimage, x, &volume, &err), MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "preimage: rounding leaves open"));
    mcbe_preimage_destroy(&preimage);
    /* x on both sides of a strip without width: a square in space, as the touching rows say */
    const double flat[6] = {1, 1, 0, 1, 1, 0};
    const double at[3] = {0, 0, 0};
    preimage = layer_of(6, 3, OCTAHEDRON, flat);
    mcbe_error_clear(&err);
    assert_int_equal(mcbe_preimage_volume(preimage, at, &volume, &err), MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "so thin"));
    assert_true(volume == -1);
    const double direction[3] = {0, 0, 1};
    double low, high;
    assert_int_equal(mcbe_preimage_width(preimage, at, 1, direction, &low, &high, NULL), MCBE_OK);
    assert_true(low == 0 && high == 0);
    mcbe_error_clear(&err);
    assert_int_equal(mcbe_preimage_width(preimage, at, 0, direction, &low, &high, &err),
                     MCBE_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "directions is 0"));
    const double endless[3] = {0, INFINITY, 0};
    mcbe_error_clear(&err);
    assert_int_equal(mcbe_preimage_width(preimage, at, 1, endless, &low, &high, &err),
                     MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "entry 1 of the directions is inf"));
    mcbe_preimage_destroy(&preimage);
}

/* The polar body of the octahedron's vertices is the cube, of the cube's the octahedron. */
static void polar_bodies_have_the_volume_of_geometry(void **state)
{
    (void)state;
    for (int n = 2; n <= 5; n++) {
        double cross[2 * 5 * 5] = {0}, cube[32 * 5], volume;
        for (int k = 0; k < n; k++) {
            cross[k * n + k] = 2;
            cross[(n + k) * n + k] = -2;
        }
        for (int j = 0; j < 1 << n; j++) {
            for (int k = 0; k < n; k++) {
                cube[j * n + k] = j >> k & 1 ? 1 : -1;
            }
        }
        assert_int_equal(mcbe_hull_polar_volume(n, 2 * n, cross, "test", &volume, NULL), MCBE_OK);
        assert_true(fabs(volume - 1) < 1e-12); /* |x_k| <= 1/2 */
        assert_int_equal(mcbe_hull_polar_volume(n, 1 << n, cube, "test", &volume, NULL), MCBE_OK);
        assert_true(fabs(volume - ldexp(1, n) / tgamma(n + 1)) < 1e-12);
    }
    double half[6] = {1, 1, 2, 1, 1, 2}, volume = -1;
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_hull_polar_volume(2, 3, half, "test", &volume, &err), MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "test: 0 is not inside"));
    assert_true(volume == -1);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    const double x[3] = {0.5, 0.5, 0.5};
    double direction[3] = {0, 1, 0}, low, high, volume;
    mcbe_preimage_t *preimage = layer_of(6, 3, OCTAHEDRON, ONES);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(
        mcbe_preimage_width(preimage, x, 1, direction, &low, &high, NULL));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_preimage_volume(preimage, x, &volume, NULL));
    mcbe_preimage_destroy(&preimage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_cube_is_known_by_hand),
        UNIT_TEST(what_has_no_end_is_infinite),
        UNIT_TEST(simplices_of_all_dimensions_have_their_volume),
        UNIT_TEST(most_volumes_are_refused_with_a_sentence),
        UNIT_TEST(polar_bodies_have_the_volume_of_geometry),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("preimage_extent", tests, NULL, NULL);
}
