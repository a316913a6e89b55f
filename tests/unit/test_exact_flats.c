/* Projections on ever smaller flats against long double: their error bounds hold, however near
 * to dependent the points left out are. */

#include "exact_flats.h"

#include "exact_cases.h"

enum { POINTS = 19 };

/* Unit vectors; every third is within `apart` of a combination of two others. */
static void draw_points(mcbe_rng_t *rng, int n, double apart, double (*w)[EXACT_MAX_N])
{
    for (int j = 0; j < POINTS; j++) {
        float normals[EXACT_MAX_N];
        double square = 0;
        mcbe_rng_normals(rng, normals, (size_t)n);
        for (int k = 0; k < n; k++) {
            w[j][k] = (double)normals[k];
            if (j % 3 == 2 && apart < 1) {
                w[j][k] = w[j - 1][k] - w[j - 2][k] + apart * w[j][k];
            }
            square += w[j][k] * w[j][k];
        }
        for (int k = 0; k < n; k++) {
            w[j][k] /= sqrt(square);
        }
    }
}

static void fill(mcbe_flats_t *flats, int n, double (*w)[EXACT_MAX_N])
{
    assert_int_equal(mcbe_flats_init(flats, n, POINTS), MCBE_OK);
    for (int j = 0; j < POINTS; j++) {
        for (int k = 0; k < n; k++) {
            mcbe_flats_level(flats, 0)[k * flats->stride + j] = w[j][k];
        }
    }
    mcbe_flats_start(flats, 1 + 1e-14, 0); /* these very numbers are the points */
}

/* The largest distance between products with x, found by the flats, and exact ones, x turned to
 * fit. */
static double worst_product(int n, double (*w)[EXACT_MAX_N], const long double *x, const double *c,
                            double length)
{
    double worst[2] = {0, 0};
    for (int side = 0; side < 2; side++) {
        for (int j = 0; j < POINTS; j++) {
            long double exact = 0;
            for (int k = 0; k < n; k++) {
                exact += w[j][k] * x[k];
            }
            exact *= side ? -length : length;
            worst[side] = fmax(worst[side], (double)fabsl(exact - c[j]));
        }
    }
    return fmin(worst[0], worst[1]);
}

/* Leave out n - 1 random points. @return whether their order of dependence let them be left out */
static int check_one(mcbe_rng_t *rng, int n, double apart, double *bound)
{
    double w[POINTS][EXACT_MAX_N], c[POINTS];
    int tight[EXACT_MAX_N], kept = 1;
    basis_t basis = {0};
    long double x[EXACT_MAX_N];
    mcbe_flats_t flats;
    draw_points(rng, n, apart, w);
    fill(&flats, n, w);
    for (int t = 0; t < n - 1 && kept; t++) {
        do {
            tight[t] = test_between(rng, 0, POINTS - 1);
        } while (in_subset(t, tight, tight[t]));
        for (int k = 0; k < n; k++) {
            x[k] = w[tight[t]][k];
        }
        basis_add(&basis, n, x);
        kept = mcbe_flats_restrict(&flats, t, tight[t]);
    }
    if (kept) {
        basis_last(&basis, n, x);
        memcpy(c, mcbe_flats_level(&flats, n - 1), sizeof c);
        *bound = flats.error[n - 1];
        assert_true(worst_product(n, w, x, c, 1) <= *bound);

        /* the same direction in the plane before, as the normal of the last point left out */
        const double *plane = mcbe_flats_level(&flats, n - 2);
        const double px = plane[tight[n - 2]], py = plane[flats.stride + tight[n - 2]];
        const double length = sqrt(px * px + py * py);
        for (int j = 0; j < POINTS; j++) {
            c[j] = px * plane[flats.stride + j] - py * plane[j];
        }
        assert_true(worst_product(n, w, x, c, length) <= mcbe_flats_slack(&flats, n - 2, length));

        /* lifted, it is that direction in R^n, and rotated points have its products last */
        double lifted[EXACT_MAX_N] = {0}, rotated[EXACT_MAX_N], product = 0;
        lifted[n - 1] = 1;
        mcbe_flats_lift(&flats, n - 1, lifted);
        for (int k = 0; k < n; k++) {
            product += lifted[k] * (double)x[k];
        }
        assert_near(fabs(product), 1, *bound + 1e-14);
        for (int j = 0; j < POINTS; j++) {
            mcbe_flats_rotate(&flats, n - 1, j, rotated);
            assert_near(rotated[n - 1], mcbe_flats_level(&flats, n - 1)[j], 1e-13);
        }
    }
    mcbe_flats_free(&flats);
    return kept;
}

static void error_bounds_hold(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(5);
    static_assert(LDBL_MANT_DIG > DBL_MANT_DIG, "the reference must be more precise");
    for (int trial = 0; trial < 4000; trial++) {
        double bound = 0;
        check_one(&rng, 2 + trial % 6, pow(10, -(trial % 14)), &bound);
    }
}

/* Random points are never taken for dependent and the bound stays of use; copies always are. */
static void dependent_points_are_told_from_others(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(6);
    for (int trial = 0; trial < 1000; trial++) {
        double bound = 1;
        assert_true(check_one(&rng, 2 + trial % 6, 1, &bound));
        assert_true(bound < 1e-8);
    }
    for (int n = 2; n <= EXACT_MAX_N; n++) {
        double w[POINTS][EXACT_MAX_N];
        mcbe_flats_t flats;
        draw_points(&rng, n, 1, w);
        memcpy(w[1], w[0], sizeof w[1]);
        fill(&flats, n, w);
        assert_true(mcbe_flats_restrict(&flats, 0, 0));
        if (n > 2) {
            assert_false(mcbe_flats_restrict(&flats, 1, 1));
            assert_true(mcbe_flats_restrict(&flats, 1, 2));
        }
        assert_false(mcbe_flats_has_direction(&flats, 1, mcbe_flats_length(&flats, 1, 1)));
        assert_true(mcbe_flats_has_direction(&flats, 1, mcbe_flats_length(&flats, 1, 2)));
        mcbe_flats_free(&flats);
    }
}

/* A 3-4-5 triangle: its hypotenuse left out, (1, 0) and (0, 1) are at +-4/5 and -+3/5 of the
 * rest. */
static void a_plane_by_hand(void **state)
{
    (void)state;
    const double w[3][2] = {{3, 4}, {1, 0}, {0, 1}};
    mcbe_flats_t flats;
    assert_int_equal(mcbe_flats_init(&flats, 2, 3), MCBE_OK);
    assert_int_equal(flats.stride % 8, 0);
    for (int j = 0; j < 3; j++) {
        mcbe_flats_level(&flats, 0)[j] = w[j][0];
        mcbe_flats_level(&flats, 0)[flats.stride + j] = w[j][1];
    }
    mcbe_flats_start(&flats, 5, 0);
    assert_true(mcbe_flats_length(&flats, 0, 0) == 5);
    assert_true(mcbe_flats_restrict(&flats, 0, 0));
    const double *line = mcbe_flats_level(&flats, 1);
    assert_near(line[0], 0, 1e-15);
    assert_near(fabs(line[1]), 0.8, 1e-15);
    assert_near(fabs(line[2]), 0.6, 1e-15);
    assert_true(line[1] * line[2] < 0);
    mcbe_flats_free(&flats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(error_bounds_hold),
        UNIT_TEST(dependent_points_are_told_from_others),
        UNIT_TEST(a_plane_by_hand),
    };
    return cmocka_run_group_tests_name("exact_flats", tests, NULL, NULL);
}
