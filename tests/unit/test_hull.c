#include "hull.h"

#include "unit.h"

/* e1 e2 e3 -e1 -e2 -e3 */
static double octahedron[] = {1, 0, 0, 0, 1, 0, 0, 0, 1, -1, 0, 0, 0, -1, 0, 0, 0, -1};

static void random_directions(int n, int count, uint64_t seed, double *u)
{
    mcbe_rng_t rng = test_rng(seed);
    float normals[16];
    for (int i = 0; i < count; i++) {
        double square = 0;
        mcbe_rng_normals(&rng, normals, (size_t)n);
        for (int k = 0; k < n; k++) {
            u[i * n + k] = (double)normals[k];
            square += u[i * n + k] * u[i * n + k];
        }
        for (int k = 0; k < n; k++) {
            u[i * n + k] /= sqrt(square);
        }
    }
}

static double norm_of(int n, const double *x)
{
    double square = 0;
    for (int k = 0; k < n; k++) {
        square += x[k] * x[k];
    }
    return sqrt(square);
}

/* A facet has one of each antipodal pair; lambda with |lambda| = 1 sums to sqrt(3) at most. */
static void the_octahedron_has_eight_facets(void **state)
{
    (void)state;
    mcbe_hull_t hull;
    int seen = 0;
    assert_int_equal(mcbe_hull_init(&hull, 3, 6, octahedron, "test, points", NULL), MCBE_OK);
    assert_int_equal(hull.facets, 8);
    for (int f = 0; f < 8; f++) {
        int signs = 0, axes = 0;
        double y[3];
        for (int k = 0; k < 3; k++) {
            const int vertex = hull.vertex[3 * f + k];
            axes |= 1 << vertex % 3;
            signs |= (vertex >= 3) << vertex % 3;
        }
        assert_int_equal(axes, 7);
        seen |= 1 << signs;
        assert_true(hull.spread[f] >= sqrt(3.0) && hull.spread[f] < sqrt(3.0) + 1e-12);
        assert_int_equal(mcbe_hull_normal(&hull, octahedron, f, y), MCBE_OK);
        for (int k = 0; k < 3; k++) {
            assert_true(fabs(y[k] - (signs >> k & 1 ? -1 : 1)) < 1e-14);
        }
    }
    assert_int_equal(seen, 255);
    mcbe_hull_free(&hull);
}

/* Facets are where a linear function is largest: no point lies beyond one. */
static void facets_of_random_points_have_no_point_beyond(void **state)
{
    (void)state;
    for (int n = 2; n <= 6; n++) {
        enum { COUNT = 40 };
        double u[COUNT * 6], y[6];
        mcbe_hull_t hull;
        random_directions(n, COUNT, (uint64_t)n, u);
        assert_int_equal(mcbe_hull_init(&hull, n, COUNT, u, "test, points", NULL), MCBE_OK);
        for (int f = 0; f < hull.facets; f++) {
            assert_int_equal(mcbe_hull_normal(&hull, u, f, y), MCBE_OK);
            for (int i = 0; i < COUNT; i++) {
                double product = 0;
                for (int k = 0; k < n; k++) {
                    product += u[i * n + k] * y[k];
                }
                assert_true(product < 1 + 1e-9);
            }
            assert_true(fabs(hull.spread[f] - norm_of(n, y)) < 1e-9 * hull.spread[f]);
        }
        mcbe_hull_free(&hull);
    }
}

/* Facets of the n-cube are (n - 1)-cubes; simplices must fill their cones. Volumes of the simplices
 * (0, facet) add up to that of the cube, (2 / sqrt(n))^n. */
static void hypercubes_are_cut_into_simplices(void **state)
{
    (void)state;
    for (int n = 2; n <= 5; n++) {
        double u[32 * 5], volume = 0;
        mcbe_hull_t hull;
        for (int j = 0; j < 1 << n; j++) {
            for (int k = 0; k < n; k++) {
                u[j * n + k] = (j >> k & 1 ? 1 : -1) / sqrt(n);
            }
        }
        assert_int_equal(mcbe_hull_init(&hull, n, 1 << n, u, "test, points", NULL), MCBE_OK);
        for (int f = 0; f < hull.facets; f++) {
            double a[5][5], determinant = 1;
            for (int i = 0; i < n; i++) {
                memcpy(a[i], u + hull.vertex[f * n + i] * n, (size_t)n * sizeof **a);
            }
            for (int i = 0; i < n; i++) { /* elimination with the largest pivot */
                int pivot = i;
                for (int r = i; r < n; r++) {
                    pivot = fabs(a[r][i]) > fabs(a[pivot][i]) ? r : pivot;
                }
                for (int k = 0; k < n; k++) {
                    const double keep = a[i][k];
                    a[i][k] = a[pivot][k];
                    a[pivot][k] = keep;
                }
                determinant *= a[i][i];
                for (int r = i + 1; r < n; r++) {
                    const double factor = a[r][i] / a[i][i];
                    for (int k = i; k < n; k++) {
                        a[r][k] -= factor * a[i][k];
                    }
                }
            }
            volume += fabs(determinant) / tgamma(n + 1.0);
        }
        assert_true(fabs(volume - pow(2 / sqrt(n), n)) < 1e-12);
        mcbe_hull_free(&hull);
    }
}

/* The proof fails as soon as one facet, one vertex or one neighbour is wrong. */
static void a_hull_that_does_not_close_is_refused(void **state)
{
    (void)state;
    mcbe_hull_t hull;
    assert_int_equal(mcbe_hull_init(&hull, 3, 6, octahedron, "test, points", NULL), MCBE_OK);
    for (int entry = 0; entry < 24; entry++) {
        for (int list = 0; list < 2; list++) {
            int *changed = (list ? hull.neighbor : hull.vertex) + entry;
            const int right = *changed, values = list ? 8 : 6;
            for (int value = 0; value < values; value++) {
                *changed = value;
                mcbe_free(hull.spread);
                mcbe_error_t err = {0};
                assert_int_equal(mcbe_hull_check(&hull, octahedron, "test, points", &err),
                                 value == right ? MCBE_OK : MCBE_ERR_VALUE);
                assert_true(value == right || strstr(err.text, "test, points: rounding") != NULL);
            }
            *changed = right;
        }
    }
    mcbe_hull_free(&hull);
}

/* e1 moved, with the facets left as they are: towards e3 the cones still close up, past -e3 they
 * overlap. */
static void cones_that_overlap_are_refused(void **state)
{
    (void)state;
    double moved[18];
    mcbe_hull_t hull;
    memcpy(moved, octahedron, sizeof moved);
    assert_int_equal(mcbe_hull_init(&hull, 3, 6, moved, "test, points", NULL), MCBE_OK);
    for (int step = 0; step <= 1; step++) {
        moved[0] = step ? -0.5 : 0.5;
        moved[2] = step ? -1 : 1;
        const double norm = norm_of(3, moved);
        moved[0] /= norm;
        moved[2] /= norm;
        mcbe_free(hull.spread);
        assert_int_equal(mcbe_hull_check(&hull, moved, "test, points", NULL),
                         step ? MCBE_ERR_VALUE : MCBE_OK);
    }
    mcbe_hull_free(&hull);
}

static void points_on_one_side_are_refused(void **state)
{
    (void)state;
    double half[40 * 4], flat[18];
    mcbe_error_t err = {0};
    mcbe_hull_t hull;
    random_directions(4, 40, 9, half);
    for (int i = 0; i < 40; i++) {
        half[4 * i + 2] = fabs(half[4 * i + 2]);
    }
    assert_int_equal(mcbe_hull_init(&hull, 4, 40, half, "test, points", &err), MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "test, points: 0 is not inside"));
    assert_null(strchr(err.text, '\n'));
    memcpy(flat, octahedron, sizeof flat);
    flat[8] = flat[17] = 0; /* e3 and -e3 become copies of e1: all in the plane of e1 and e2 */
    flat[6] = flat[15] = 1;
    mcbe_error_clear(&err);
    assert_int_equal(mcbe_hull_init(&hull, 3, 6, flat, "test, points", &err), MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "test, points: 0 is not inside"));
    assert_int_equal(mcbe_hull_init(&hull, 3, 3, octahedron, "test, points", NULL), MCBE_ERR_VALUE);
    assert_null(hull.vertex);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    mcbe_hull_t hull;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(
        mcbe_hull_init(&hull, 3, 6, octahedron, "test, points", NULL));
    double y[3];
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_hull_normal(&hull, octahedron, 0, y));
    mcbe_hull_free(&hull);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_octahedron_has_eight_facets),
        UNIT_TEST(facets_of_random_points_have_no_point_beyond),
        UNIT_TEST(hypercubes_are_cut_into_simplices),
        UNIT_TEST(a_hull_that_does_not_close_is_refused),
        UNIT_TEST(cones_that_overlap_are_refused),
        UNIT_TEST(points_on_one_side_are_refused),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("hull", tests, NULL, NULL);
}
