#include "mcbe/polytope.h"

#include "hull.h"
#include "mcbe/bias.h"
#include "unit.h"

#define MARGIN 1e-11 /* what rounding may cost a bias here */

static const mcbe_domain_t unit_sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1};

static mcbe_stream_key_t key_of(int n, int m, int trial)
{
    return (mcbe_stream_key_t){.seed = 20, .n = n, .m = m, .trial = trial};
}

/* A random frame that is omnidirectional, that is, whose polytope bias exists; on K = the unit
 * sphere. */
static void random_frame(mcbe_frame_t *frame, int n, int m, int *trial, double *bias)
{
    for (;; ++*trial) {
        const mcbe_stream_key_t key = key_of(n, m, *trial);
        assert_int_equal(mcbe_frame_random(frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_OK);
        if (mcbe_polytope_bias(frame, &unit_sphere, bias, NULL) == MCBE_OK) {
            return;
        }
        mcbe_frame_free(frame);
    }
}

static double *directions_of(const mcbe_frame_t *frame)
{
    double *u = mcbe_alloc((size_t)frame->m * (size_t)frame->n, sizeof *u);
    for (int i = 0; i < frame->m * frame->n; i++) {
        u[i] = frame->w[i] / frame->norm[i / frame->n];
    }
    return u;
}

static double smallest(int count, const double *values)
{
    double least = INFINITY;
    for (int i = 0; i < count; i++) {
        least = fmin(least, values[i]);
    }
    return least;
}

/* Rows with c_j >= bias_j, without any tolerance. */
static int rows_at_or_above(const mcbe_frame_t *frame, const double *bias, const double *c)
{
    int rows = 0;
    for (int j = 0; j < frame->m; j++) {
        rows += c[j] >= bias[j];
    }
    return rows;
}

static void expect_constant(const mcbe_frame_t *frame, double value)
{
    double bias[64];
    assert_int_equal(mcbe_polytope_bias(frame, &unit_sphere, bias, NULL), MCBE_OK);
    for (int j = 0; j < frame->m; j++) {
        assert_true(bias[j] <= value && bias[j] > value - MARGIN);
    }
}

/* Octahedron: <e_i, e_k> = 0 within a facet. Icosahedron: neighbours have 1/sqrt(5). Tetrahedron:
 * at -1/sqrt(3), half-way between the two other vertices of a facet. All equal their alpha*. */
static void regular_polyhedra_by_hand(void **state)
{
    (void)state;
    static const struct {
        mcbe_ensemble_t ensemble;
        double value;
    } cases[] = {{MCBE_ENSEMBLE_OCTAHEDRON, 0},
                 {MCBE_ENSEMBLE_TETRAHEDRON, -0.57735026918962576},
                 {MCBE_ENSEMBLE_ICOSAHEDRON, 0.44721359549995794}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mcbe_frame_t frame;
        assert_int_equal(mcbe_frame_named(&frame, cases[i].ensemble), MCBE_OK);
        expect_constant(&frame, cases[i].value + 4e-16);
        mcbe_frame_free(&frame);
    }
}

/* Regular simplex, rows of scalar product -1/n: the least coefficient is reached at the sum s of
 * the n - 1 others of a facet, <s, u_j> / |s| = -sqrt((n - 1) / (2 n)). */
static void regular_simplices_by_hand(void **state)
{
    (void)state;
    for (int n = 2; n <= 9; n++) {
        double w[10 * 9] = {0};
        mcbe_frame_t frame;
        for (int k = 0; k < n; k++) { /* coordinate k tells row k from all later ones */
            w[k * n + k] = sqrt((n + 1.0) * (n - k) / (n * (n - k + 1.0)));
            for (int j = k + 1; j <= n; j++) {
                w[j * n + k] = -w[k * n + k] / (n - k);
            }
        }
        assert_int_equal(mcbe_frame_copy(&frame, n + 1, n, w, n, 0, NULL), MCBE_OK);
        expect_constant(&frame, -sqrt((n - 1) / (2.0 * n)) + 4e-16);
        mcbe_frame_free(&frame);
    }
}

static void regular_polygons_and_cross_polytopes_by_hand(void **state)
{
    (void)state;
    for (int m = 3; m <= 20; m++) {
        double w[40];
        mcbe_frame_t frame;
        for (int j = 0; j < m; j++) {
            w[2 * j] = 3 * cos(2 * TEST_PI * j / m);
            w[2 * j + 1] = 3 * sin(2 * TEST_PI * j / m);
        }
        assert_int_equal(mcbe_frame_copy(&frame, m, 2, w, 2, 1, NULL), MCBE_OK);
        expect_constant(&frame, cos(2 * TEST_PI / m) + 4e-15);
        mcbe_frame_free(&frame);
    }
    for (int n = 2; n <= 7; n++) {
        double w[14 * 7] = {0};
        mcbe_frame_t frame;
        for (int k = 0; k < n; k++) {
            w[k * n + k] = 2;
            w[(k + n) * n + k] = -2;
        }
        assert_int_equal(mcbe_frame_copy(&frame, 2 * n, n, w, n, 1, NULL), MCBE_OK);
        expect_constant(&frame, 0);
        mcbe_frame_free(&frame);
    }
}

/* The cube's facets are squares, cut along a diagonal: 1/3 for a row that meets only edges, -1/3 at
 * a diagonal. Each of the six diagonals ends in two rows. */
static void the_cube_is_cut_along_diagonals(void **state)
{
    (void)state;
    double w[24], bias[8];
    mcbe_frame_t frame;
    int low = 0;
    for (int i = 0; i < 24; i++) {
        w[i] = i / 3 >> i % 3 & 1 ? 1 : -1;
    }
    assert_int_equal(mcbe_frame_copy(&frame, 8, 3, w, 3, 1, NULL), MCBE_OK);
    assert_int_equal(mcbe_polytope_bias(&frame, &unit_sphere, bias, NULL), MCBE_OK);
    for (int j = 0; j < 8; j++) {
        assert_true(fabs(fabs(bias[j]) - 1.0 / 3) < MARGIN);
        low += bias[j] < 0;
    }
    assert_in_range(low, 4, 8); /* six diagonals cannot end in fewer: three at most in one row */
    mcbe_frame_free(&frame);
}

/* n = 2: facets join neighbours in angle; <x, u_j> is smallest at the neighbour. */
static void rows_in_the_plane_have_two_neighbours(void **state)
{
    (void)state;
    for (int trial = 0; trial < 200; trial++) {
        double bias[12], sorted[12];
        mcbe_frame_t frame;
        random_frame(&frame, 2, 3 + trial % 10, &trial, bias);
        for (int j = 0; j < frame.m; j++) {
            sorted[j] = atan2(frame.w[2 * j + 1], frame.w[2 * j]);
        }
        qsort(sorted, (size_t)frame.m, sizeof *sorted, compare_doubles);
        for (int j = 0; j < frame.m; j++) {
            const double own = atan2(frame.w[2 * j + 1], frame.w[2 * j]);
            int place = 0;
            while (sorted[place] != own) {
                place++;
            }
            const double after = sorted[(place + 1) % frame.m] - own;
            const double before = own - sorted[(place + frame.m - 1) % frame.m];
            const double exact = frame.norm[j] * fmin(cos(after), cos(before));
            assert_true(bias[j] <= exact + 1e-14 && bias[j] > exact - MARGIN * frame.norm[j]);
        }
        mcbe_frame_free(&frame);
    }
}

static double triple(const double *a, const double *b, const double *c)
{
    return a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) +
           a[2] * (b[0] * c[1] - b[1] * c[0]);
}

/* Are a, b, c a facet: all other points on the side of 0? */
static int is_facet(const double *u, int m, int a, int b, int c)
{
    for (int i = 0; i < m; i++) {
        double p[3], q[3], r[3];
        for (int k = 0; k < 3; k++) {
            p[k] = u[3 * b + k] - u[3 * a + k];
            q[k] = u[3 * c + k] - u[3 * a + k];
            r[k] = u[3 * i + k] - u[3 * a + k];
        }
        const double zero[3] = {-u[3 * a], -u[3 * a + 1], -u[3 * a + 2]};
        if (i != a && i != b && i != c && triple(p, q, r) * triple(p, q, zero) < 0) {
            return 0;
        }
    }
    return 1;
}

/* min <x, u_j> over a fine grid of the arc from a to b. */
static double least_on_arc(const double *u, int j, int a, int b)
{
    double least = INFINITY;
    for (int s = 0; s <= 4000; s++) {
        double product = 0, square = 0;
        for (int k = 0; k < 3; k++) {
            const double x = u[3 * a + k] * (4000 - s) + u[3 * b + k] * s;
            product += x * u[3 * j + k];
            square += x * x;
        }
        least = fmin(least, product / sqrt(square));
    }
    return least;
}

/* n = 3 by trying all triples of rows; the minimum over a cone lies on its boundary, on one of the
 * two sides at u_j or on the side opposite. */
static void rows_in_space_agree_with_all_triples(void **state)
{
    (void)state;
    for (int trial = 0; trial < 12; trial++) {
        double bias[14], exact[14];
        mcbe_frame_t frame;
        random_frame(&frame, 3, 6 + trial % 9, &trial, bias);
        double *u = directions_of(&frame);
        for (int j = 0; j < frame.m; j++) {
            exact[j] = INFINITY;
        }
        for (int a = 0; a < frame.m; a++) {
            for (int b = 0; b < frame.m; b++) {
                for (int c = 0; c < b; c++) {
                    if (a != b && a != c && is_facet(u, frame.m, a, b, c)) {
                        exact[a] = fmin(exact[a], least_on_arc(u, a, b, c));
                        exact[a] = fmin(exact[a], least_on_arc(u, a, a, b));
                        exact[a] = fmin(exact[a], least_on_arc(u, a, a, c));
                    }
                }
            }
        }
        for (int j = 0; j < frame.m; j++) { /* the grid's minimum is too large by h^2 / 2 at most */
            const double below = exact[j] - bias[j] / frame.norm[j];
            assert_true(below >= 0 && below < 1e-5);
        }
        mcbe_free(u);
        mcbe_frame_free(&frame);
    }
}

/* The claim itself, at 10^5 points: never fewer than n rows, without tolerance; and the ball and
 * the shell with it. */
static void no_point_has_fewer_than_n_active_rows(void **state)
{
    (void)state;
    static const int rows[] = {6, 10, 14, 20};
    for (int n = 2; n <= 5; n++) {
        const int m = rows[n - 2];
        mcbe_domain_t domains[3] = {
            {.kind = MCBE_DOMAIN_SPHERE, .radius = 2},
            {.kind = MCBE_DOMAIN_BALL, .radius = 3, .radial = MCBE_RADIAL_SAMPLED},
            {.kind = MCBE_DOMAIN_SHELL,
             .radius = 3,
             .inner_radius = 0.5,
             .radial = MCBE_RADIAL_SAMPLED}};
        double unit[20], bias[3][20], c[20], scale[MCBE_BLOCK_SIZE_MAX];
        float *x = mcbe_alloc((size_t)n * MCBE_BLOCK_SIZE_MAX, sizeof *x);
        mcbe_frame_t frame;
        int trial = 0, fewest = m;
        random_frame(&frame, n, m, &trial, unit);
        for (int d = 0; d < 3; d++) {
            assert_int_equal(mcbe_polytope_bias(&frame, domains + d, bias[d], NULL), MCBE_OK);
        }
        for (int block = 0; block < 400; block++) {
            mcbe_stream_key_t key = key_of(n, m, trial);
            key.block = block;
            for (int d = 0; d < 3; d++) {
                mcbe_domain_fill(domains + d, n, &key, x, scale);
                const double radius = d == 0 ? 2 : 1; /* the sphere is filled with directions */
                for (int s = 0; s < MCBE_BLOCK_SIZE_MAX; s++) {
                    mcbe_frame_coefficients(&frame, x + s, MCBE_BLOCK_SIZE_MAX, radius * scale[s],
                                            c);
                    const int active = rows_at_or_above(&frame, bias[d], c);
                    assert_true(active >= n);
                    fewest = active < fewest ? active : fewest;
                }
            }
        }
        assert_true(fewest < m); /* a bias at which all rows are active says little */
        mcbe_free(x);
        mcbe_frame_free(&frame);
    }
}

/* Points of the cone of each facet, many of them on its faces, where the least coefficients are
 * reached: all n rows of the facet are active. */
static void all_rows_of_a_facet_are_active_on_its_cone(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(77);
    for (int n = 2; n <= 6; n++) {
        double bias[24];
        mcbe_frame_t frame;
        mcbe_hull_t hull;
        int trial = 0;
        random_frame(&frame, n, 4 * n, &trial, bias);
        double *u = directions_of(&frame);
        assert_int_equal(mcbe_hull_init(&hull, n, frame.m, u, "test, rows", NULL), MCBE_OK);
        for (int draw = 0; draw < 20000; draw++) {
            const int *vertex = hull.vertex + n * (draw % hull.facets);
            double x[6] = {0}, square = 0;
            for (int i = 0; i < n; i++) {
                const double lambda = test_between(&rng, 0, 1) * mcbe_rng_uniform(&rng);
                for (int k = 0; k < n; k++) {
                    x[k] += lambda * u[vertex[i] * n + k];
                }
            }
            for (int k = 0; k < n; k++) {
                square += x[k] * x[k];
            }
            for (int i = 0; i < n && square > 0; i++) {
                double c = 0;
                for (int k = 0; k < n; k++) {
                    c += x[k] / sqrt(square) * frame.w[vertex[i] * n + k];
                }
                assert_true(c >= bias[vertex[i]]);
            }
        }
        mcbe_hull_free(&hull);
        mcbe_free(u);
        mcbe_frame_free(&frame);
    }
}

/* The constant bias min_j PBE_j is rectifying, so it is at most min_j alpha*_j, of K and of any
 * sample. */
static void the_smallest_entry_is_below_that_of_alpha_star(void **state)
{
    (void)state;
    for (int trial = 0; trial < 60; trial++) {
        const int n = 2 + trial % 4;
        double bias[20];
        mcbe_frame_t frame;
        mcbe_bias_state_t seen;
        mcbe_estimator_t *estimator = NULL;
        random_frame(&frame, n, 4 * n, &trial, bias);
        const mcbe_stream_key_t key = key_of(n, 4 * n, trial);
        assert_int_equal(
            mcbe_estimator_create(&estimator, &frame, &unit_sphere, &key, MCBE_PRECISION_DOUBLE),
            MCBE_OK);
        assert_int_equal(mcbe_bias_state_init(&seen, frame.m), MCBE_OK);
        for (int block = 0; block < 40; block++) {
            assert_int_equal(
                mcbe_estimator_block(estimator, block, 0, MCBE_BLOCK_SIZE_MAX, &seen, NULL),
                MCBE_OK);
        }
        assert_true(smallest(frame.m, bias) <= smallest(frame.m, seen.alpha));
        mcbe_bias_state_free(&seen);
        mcbe_estimator_destroy(&estimator);
        mcbe_frame_free(&frame);
    }
}

/* Powers of two change no rounding: the bias scales with row and radius bit by bit. */
static void the_bias_scales_with_rows_and_radius(void **state)
{
    (void)state;
    double bias[15], other[15];
    mcbe_frame_t frame, scaled;
    int trial = 0;
    random_frame(&frame, 3, 15, &trial, bias);
    double w[45];
    for (int i = 0; i < 45; i++) {
        w[i] = ldexp(frame.w[i], i / 3 - 7);
    }
    assert_int_equal(mcbe_frame_copy(&scaled, 15, 3, w, 3, 0, NULL), MCBE_OK);
    assert_int_equal(mcbe_polytope_bias(&scaled, &unit_sphere, other, NULL), MCBE_OK);
    for (int j = 0; j < 15; j++) {
        assert_true(other[j] == ldexp(bias[j], j - 7));
    }
    static const mcbe_domain_t domains[] = {
        {.kind = MCBE_DOMAIN_SPHERE, .radius = 4},
        {.kind = MCBE_DOMAIN_BALL, .radius = 4, .nonnegative = 1},
        {.kind = MCBE_DOMAIN_SHELL,
         .radius = 4,
         .inner_radius = 0.5,
         .radial = MCBE_RADIAL_SAMPLED}};
    int positive = 0;
    for (int d = 0; d < 3; d++) {
        assert_int_equal(mcbe_polytope_bias(&frame, domains + d, other, NULL), MCBE_OK);
        for (int j = 0; j < 15; j++) {
            const double outer = 4 * bias[j];
            const double expected = d == 0 || bias[j] < 0 ? outer : d == 1 ? 0 : bias[j] / 2;
            assert_true(other[j] == expected);
            positive += bias[j] > 0;
        }
    }
    assert_in_range(positive, 3, 3 * 14); /* both signs were there */
    mcbe_frame_free(&scaled);
    mcbe_frame_free(&frame);
}

/* Of two equal directions one is enough, whatever their norms. */
static void a_second_row_of_one_direction_is_not_needed(void **state)
{
    (void)state;
    double w[36] = {0}, bias[12];
    mcbe_frame_t frame;
    for (int j = 0; j < 12; j++) {
        w[3 * j + j % 3] = (j % 6 < 3 ? 1 : -1) * (j < 6 ? 1 : 2);
    }
    assert_int_equal(mcbe_frame_copy(&frame, 12, 3, w, 3, 0, NULL), MCBE_OK);
    assert_int_equal(mcbe_polytope_bias(&frame, &unit_sphere, bias, NULL), MCBE_OK);
    for (int j = 0; j < 6; j++) {
        assert_true((bias[j] == INFINITY) != (bias[j + 6] == INFINITY));
        assert_true(fabs(fmin(bias[j], bias[j + 6])) < MARGIN);
    }
    mcbe_frame_free(&frame);
}

/* Known numbers: polygons m, simplicial 3-polytopes 2 m - 4, cyclic polytopes in R^4
 * m (m - 3) / 2, C(9, 5) 30. */
static void the_upper_bound_theorem_by_hand(void **state)
{
    (void)state;
    for (int m = 5; m < 50; m++) {
        assert_true(fabs(mcbe_polytope_work(2, m) - m) < 1e-9);
        assert_true(mcbe_polytope_work(3, m) == 2 * m - 4);
        assert_true(fabs(mcbe_polytope_work(4, m) - m * (m - 3) / 2.0) < 1e-9);
    }
    assert_true(mcbe_polytope_work(5, 9) == 30);
    for (int n = 2; n < 30; n++) { /* the simplex */
        assert_true(fabs(mcbe_polytope_work(n, n + 1) - (n + 1)) < 1e-9);
        assert_true(mcbe_polytope_work(n, n) == 0);
    }
}

static void expect_refusal(const mcbe_frame_t *frame, const mcbe_domain_t *domain,
                           mcbe_status_t status, const char *words)
{
    double bias[200];
    mcbe_error_t err = {0};
    bias[0] = 123;
    assert_int_equal(mcbe_polytope_bias(frame, domain, bias, &err), status);
    assert_non_null(strstr(err.text, words));
    assert_null(strchr(err.text, '\n'));
    assert_true(bias[0] == 123);
}

static void what_cannot_be_done_is_refused(void **state)
{
    (void)state;
    static const mcbe_domain_t gaussian = {.kind = MCBE_DOMAIN_GAUSSIAN};
    static const mcbe_domain_t bad = {.kind = MCBE_DOMAIN_BALL, .radius = -1};
    mcbe_stream_key_t key = key_of(3, 20, 0);
    mcbe_frame_t frame, half;
    assert_int_equal(mcbe_frame_random(&frame, MCBE_ENSEMBLE_SPHERE, &key, 0), MCBE_OK);
    expect_refusal(&frame, &gaussian, MCBE_ERR_ARGUMENT, "the domain is unbounded");
    expect_refusal(&frame, &bad, MCBE_ERR_ARGUMENT, "radius is -1");
    for (int j = 0; j < 20; j++) {
        frame.w[3 * j] = fabs(frame.w[3 * j]);
    }
    assert_int_equal(mcbe_frame_copy(&half, 20, 3, frame.w, 3, 0, NULL), MCBE_OK);
    expect_refusal(&half, &unit_sphere, MCBE_ERR_VALUE, "polytope, rows: 0 is not inside");
    mcbe_frame_free(&half);
    mcbe_frame_free(&frame);
    static const struct {
        int n, m;
        mcbe_status_t status;
        const char *words;
    } shapes[] = {{1, 5, MCBE_ERR_DIM, "n is 1; allowed are 2 to 16"},
                  {17, 40, MCBE_ERR_DIM, "n is 17"},
                  {12, 200, MCBE_ERR_ARGUMENT, "m = 200 rows in dimension n = 12 may have"},
                  {3, 3, MCBE_ERR_VALUE, "0 is not inside"}};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        key = key_of(shapes[i].n, shapes[i].m, 0);
        assert_int_equal(mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_OK);
        expect_refusal(&frame, &unit_sphere, shapes[i].status, shapes[i].words);
        mcbe_frame_free(&frame);
    }
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    double bias[4];
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_TETRAHEDRON), MCBE_OK);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_polytope_bias(&frame, &unit_sphere, bias, NULL));
    mcbe_frame_free(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(regular_polyhedra_by_hand),
        UNIT_TEST(regular_simplices_by_hand),
        UNIT_TEST(regular_polygons_and_cross_polytopes_by_hand),
        UNIT_TEST(the_cube_is_cut_along_diagonals),
        UNIT_TEST(rows_in_the_plane_have_two_neighbours),
        UNIT_TEST(rows_in_space_agree_with_all_triples),
        UNIT_TEST(no_point_has_fewer_than_n_active_rows),
        UNIT_TEST(all_rows_of_a_facet_are_active_on_its_cone),
        UNIT_TEST(the_smallest_entry_is_below_that_of_alpha_star),
        UNIT_TEST(the_bias_scales_with_rows_and_radius),
        UNIT_TEST(a_second_row_of_one_direction_is_not_needed),
        UNIT_TEST(the_upper_bound_theorem_by_hand),
        UNIT_TEST(what_cannot_be_done_is_refused),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("polytope", tests, NULL, NULL);
}
