#include "unit.h"

#include "mcbe/frame.h"
#include "mcbe/stability.h"

static mcbe_stability_t *workspace(int m, int n, const double *w)
{
    mcbe_stability_t *stability = NULL;
    assert_int_equal(mcbe_stability_create(&stability, m, n, NULL), MCBE_OK);
    assert_int_equal(mcbe_stability_matrix(stability, m, n, w, n, NULL), MCBE_OK);
    return stability;
}

static mcbe_extremes_t extremes_of(int m, int n, const double *w, const unsigned char *active)
{
    mcbe_extremes_t found;
    mcbe_stability_t *stability = workspace(m, n, w);
    assert_int_equal(mcbe_stability_extremes(stability, active, &found), MCBE_OK);
    mcbe_stability_destroy(&stability);
    return found;
}

static void assert_near(double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * fabs(expected))) {
        fail_msg("%.17g, not %.17g", value, expected);
    }
}

static void fill_normal(mcbe_rng_t *rng, int count, double *values)
{
    float *normals = mcbe_alloc((size_t)count, sizeof *normals);
    mcbe_rng_normals(rng, normals, (size_t)count);
    for (int i = 0; i < count; i++) {
        values[i] = (double)normals[i];
    }
    mcbe_free(normals);
}

/* Opposite unit vectors: W^T W is twice the identity; one of each pair: the identity. */
static void the_octahedron_by_hand(void **state)
{
    (void)state;
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    mcbe_extremes_t found = extremes_of(6, 3, frame.w, NULL);
    assert_int_equal(found.rows, 6);
    assert_int_equal(found.rank, 3);
    assert_near(found.smallest, sqrt(2), 1e-15);
    assert_near(found.largest, sqrt(2), 1e-15);
    found = extremes_of(6, 3, frame.w, (const unsigned char[]){1, 0, 0, 0, 1, 1});
    assert_int_equal(found.rank, 3);
    assert_near(found.smallest, 1, 1e-15);
    found = extremes_of(6, 3, frame.w, (const unsigned char[]){1, 0, 0, 1, 1, 0});
    assert_int_equal(found.rows, 3); /* e1, -e1, -e2 */
    assert_int_equal(found.rank, 2);
    assert_true(found.smallest == 0);
    assert_near(found.smallest_positive, 1, 1e-15);
    assert_near(found.largest, sqrt(2), 1e-15);
    found = extremes_of(6, 3, frame.w, (const unsigned char[6]){0});
    assert_int_equal(found.rows, 0);
    assert_int_equal(found.rank, 0);
    assert_true(found.smallest == 0 && found.smallest_positive == 0 && found.largest == 0);
    mcbe_frame_free(&frame);
}

/* Unit rows at an angle t: singular values sqrt(2) sin(t / 2) and sqrt(2) cos(t / 2). Below about
 * 7e-5 the Gram matrix is given up; either way what is lost is eps times the condition number. */
static void two_rows_at_any_angle(void **state)
{
    (void)state;
    for (double t = 1.5; t > 1e-9; t /= 3) {
        const double w[] = {1, 0, cos(t), sin(t)};
        mcbe_extremes_t found = extremes_of(2, 2, w, NULL);
        assert_int_equal(found.rank, 2);
        assert_near(found.smallest, sqrt(2) * sin(t / 2), 4e-16 / t + 4e-16);
        assert_near(found.largest, sqrt(2) * cos(t / 2), 1e-15);
    }
    const double twice[] = {1, 1, 1, 1};
    mcbe_extremes_t found = extremes_of(2, 2, twice, NULL);
    assert_int_equal(found.rank, 1);
    assert_true(found.smallest == 0);
    assert_near(found.smallest_positive, 2, 1e-15);
}

/* Singular values of H D G are those of D, for the reflections H = I - 2 u u^T, G = I - 2 v v^T. */
static void reflected(int m, int n, const double *d, double *w)
{
    double u[60], v[60], length_u = 0, length_v = 0;
    for (int j = 0; j < m; j++) {
        u[j] = 1 + j % 3;
        length_u += u[j] * u[j];
    }
    for (int i = 0; i < n; i++) {
        v[i] = 1 + i % 4;
        length_v += v[i] * v[i];
    }
    for (int j = 0; j < m; j++) {
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int l = 0; l < (m < n ? m : n); l++) {
                sum += ((j == l) - 2 * u[j] * u[l] / length_u) * d[l] *
                       ((i == l) - 2 * v[i] * v[l] / length_v);
            }
            w[j * n + i] = sum;
        }
    }
}

static void known_singular_values(void **state)
{
    (void)state;
    static const int shapes[][2] = {{60, 40}, {40, 40}, {25, 40}, {1, 40}, {40, 1}, {1, 1}};
    static const double ends[] = {0.5, 1e-3, 1e-7};
    double d[40], sigma[40], w[60 * 40];
    for (size_t s = 0; s < COUNT_OF(shapes); s++) {
        for (size_t e = 0; e < COUNT_OF(ends); e++) {
            const int m = shapes[s][0], n = shapes[s][1], q = m < n ? m : n;
            int rank;
            for (int i = 0; i < q; i++) {
                d[i] = 3 * pow(ends[e], q > 1 ? (double)i / (q - 1) : 0);
            }
            reflected(m, n, d, w);
            mcbe_stability_t *stability = workspace(m, n, w);
            assert_int_equal(mcbe_stability_values(stability, NULL, sigma, &rank), MCBE_OK);
            assert_int_equal(rank, q);
            for (int i = 0; i < q; i++) {
                assert_true(fabs(sigma[i] - d[i]) < 1e-14);
            }
            mcbe_extremes_t found;
            assert_int_equal(mcbe_stability_extremes(stability, NULL, &found), MCBE_OK);
            assert_int_equal(found.rank, q);
            assert_true(fabs(found.smallest_positive - d[q - 1]) < 1e-14);
            assert_true(found.smallest == (m < n ? 0 : found.smallest_positive));
            assert_near(found.largest, 3, 1e-14);
            mcbe_stability_destroy(&stability);
        }
    }
}

/* Zero rows and zero columns add zeros; values beyond the active rows are 0. */
static void zeros_are_allowed(void **state)
{
    (void)state;
    const double w[] = {0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0, 2}, none[12] = {0};
    double sigma[3];
    int rank;
    mcbe_stability_t *stability = workspace(4, 3, w);
    assert_int_equal(mcbe_stability_values(stability, NULL, sigma, &rank), MCBE_OK);
    /* [9 12; 12 20]: eigenvalues (29 +- sqrt(697)) / 2 */
    assert_near(sigma[0], sqrt((29 + sqrt(697)) / 2), 1e-14);
    assert_near(sigma[1], sqrt((29 - sqrt(697)) / 2), 1e-14);
    assert_true(sigma[2] < 1e-15 && rank == 2);
    assert_int_equal(
        mcbe_stability_values(stability, (const unsigned char[]){0, 1, 0, 0}, sigma, NULL),
        MCBE_OK);
    assert_near(sigma[0], 5, 1e-15);
    assert_true(sigma[1] == 0 && sigma[2] == 0);
    mcbe_extremes_t found;
    assert_int_equal(mcbe_stability_matrix(stability, 4, 3, none, 3, NULL), MCBE_OK);
    assert_int_equal(mcbe_stability_extremes(stability, NULL, &found), MCBE_OK);
    assert_true(found.rows == 4 && found.rank == 0 && found.largest == 0);
    mcbe_stability_destroy(&stability);
}

/* Powers of two change no bit but their own; the order of rows changes rounding only; a matrix that
 * is part of a wider one is the same matrix. */
static void scaling_permutation_and_row_length(void **state)
{
    (void)state;
    enum { M = 30, N = 12 };
    mcbe_rng_t rng = test_rng(1);
    double w[M * N], changed[M * (N + 3)] = {0};
    unsigned char active[M], reversed[M];
    fill_normal(&rng, M * N, w);
    for (int j = 0; j < M; j++) {
        active[j] = j % 3 != 0;
        reversed[M - 1 - j] = active[j];
    }
    const mcbe_extremes_t expected = extremes_of(M, N, w, active);
    static const int powers[] = {-400, -1, 7, 400};
    for (size_t p = 0; p < COUNT_OF(powers); p++) {
        for (int i = 0; i < M * N; i++) {
            changed[i] = ldexp(w[i], powers[p]);
        }
        const mcbe_extremes_t found = extremes_of(M, N, changed, active);
        assert_true(found.smallest == ldexp(expected.smallest, powers[p]));
        assert_true(found.largest == ldexp(expected.largest, powers[p]));
    }
    for (int j = 0; j < M; j++) {
        memcpy(changed + (M - 1 - j) * N, w + j * N, N * sizeof *w);
    }
    mcbe_extremes_t found = extremes_of(M, N, changed, reversed);
    assert_near(found.smallest, expected.smallest, 1e-13);
    assert_near(found.largest, expected.largest, 1e-14);

    mcbe_stability_t *stability = NULL;
    for (int j = 0; j < M; j++) {
        memcpy(changed + j * (N + 3), w + j * N, N * sizeof *w);
    }
    assert_int_equal(mcbe_stability_create(&stability, M + 5, N + 2, NULL), MCBE_OK);
    assert_int_equal(mcbe_stability_matrix(stability, M, N, changed, N + 3, NULL), MCBE_OK);
    assert_int_equal(mcbe_stability_extremes(stability, active, &found), MCBE_OK);
    assert_true(found.smallest == expected.smallest && found.largest == expected.largest);
    mcbe_stability_destroy(&stability);
}

/* n = 1, W = (1, -1): every point but 0 has one active row, a = b = 1. Between 1 and -1 the outputs
 * (1, 0) and (0, 1) are sqrt(2) apart, the points 2: a / sqrt(2) is attained. */
static void the_factor_is_attained(void **state)
{
    (void)state;
    const double ones[] = {1, 1};
    const double w[] = {1, -1};
    mcbe_lipschitz_t result;
    mcbe_lipschitz(2, ones, ones, extremes_of(2, 1, w, NULL).largest, &result);
    assert_near(result.lower_estimate, sqrt(2) / 2, 1e-15);
    assert_true(result.lower_at_most == 1 && result.upper_at_least == 1);
    assert_near(result.upper_at_most, sqrt(2), 1e-15);
    mcbe_lipschitz(0, NULL, NULL, 3, &result);
    assert_true(isinf(result.lower_at_most) && isinf(result.lower_estimate));
    assert_true(result.upper_at_least == 0 && result.upper_at_most == 3);
}

/* On a disc, with a and b over a fine grid of it: no pair of points comes below a / sqrt(2) or above
 * b, and pairs that are near each other come near a and b. */
static void pairs_of_points_obey_the_bounds(void **state)
{
    (void)state;
    enum { M = 7, GRID = 31, POINTS = GRID * GRID };
    mcbe_rng_t rng = test_rng(2);
    for (int trial = 0; trial < 5; trial++) {
        double w[M * 2], bias[M], x[POINTS][2], z[POINTS][M], smallest[POINTS], largest[POINTS];
        mcbe_lipschitz_t bounds;
        mcbe_extremes_t found;
        fill_normal(&rng, M * 2, w);
        fill_normal(&rng, M, bias);
        mcbe_stability_t *stability = workspace(M, 2, w);
        for (int i = 0; i < POINTS; i++) {
            unsigned char active[M];
            const double radius = sqrt((i + 0.5) / POINTS), turn = 2.399963229728653 * i;
            x[i][0] = radius * cos(turn);
            x[i][1] = radius * sin(turn);
            for (int j = 0; j < M; j++) {
                bias[j] -= i == 0 ? 2.5 : 0; /* mostly two active rows or more */
                z[i][j] = fmax(0, w[2 * j] * x[i][0] + w[2 * j + 1] * x[i][1] - bias[j]);
                active[j] = z[i][j] > 0;
            }
            assert_int_equal(mcbe_stability_extremes(stability, active, &found), MCBE_OK);
            smallest[i] = found.smallest;
            largest[i] = found.largest;
        }
        assert_int_equal(mcbe_stability_extremes(stability, NULL, &found), MCBE_OK);
        mcbe_lipschitz(POINTS, smallest, largest, found.largest, &bounds);
        mcbe_stability_destroy(&stability);
        double least = INFINITY, most = 0;
        for (int i = 0; i < POINTS; i++) {
            for (int l = 0; l < i; l++) {
                double outputs = 0;
                for (int j = 0; j < M; j++) {
                    outputs += (z[i][j] - z[l][j]) * (z[i][j] - z[l][j]);
                }
                const double ratio = sqrt(outputs) / hypot(x[i][0] - x[l][0], x[i][1] - x[l][1]);
                least = fmin(least, ratio);
                most = fmax(most, ratio);
            }
        }
        assert_true(bounds.lower_at_most > 0);
        assert_true(least >= bounds.lower_estimate * (1 - 1e-9));
        assert_true(least <= bounds.lower_at_most * 1.1);
        assert_true(most <= bounds.upper_at_most * (1 + 1e-9));
        assert_true(most >= bounds.upper_at_least * 0.9);
        assert_true(bounds.upper_at_least <= bounds.upper_at_most * (1 + 1e-14));
    }
}

static void the_bound_after_removal(void **state)
{
    (void)state;
    const double sigma[] = {5, 4, 3, 1};
    assert_true(mcbe_removal_bound(sigma, 4, 0) == 1);
    assert_true(mcbe_removal_bound(sigma, 4, 1) == 3);
    assert_true(mcbe_removal_bound(sigma, 4, 3) == 5);
    assert_true(mcbe_removal_bound(sigma, 4, 4) == 5); /* k = 0 and below: sigma_1 is left */
    assert_true(mcbe_removal_bound(sigma, 4, INT64_MAX) == 5);
    assert_true(mcbe_removal_bound(sigma, 0, 2) == 0);

    enum { M = 9, N = 5 };
    mcbe_rng_t rng = test_rng(3);
    int close = 0;
    for (int trial = 0; trial < 200; trial++) {
        double w[M * N], whole[N];
        unsigned char active[M];
        int removed = 0, rank;
        mcbe_extremes_t found;
        fill_normal(&rng, M * N, w);
        if (trial % 4 == 0) { /* a row twice */
            memcpy(w + N, w, N * sizeof *w);
        }
        for (int j = 0; j < M; j++) {
            active[j] = mcbe_rng_below(&rng, 3) > 0;
            removed += !active[j];
        }
        mcbe_stability_t *stability = workspace(M, N, w);
        assert_int_equal(mcbe_stability_values(stability, NULL, whole, &rank), MCBE_OK);
        assert_int_equal(mcbe_stability_extremes(stability, active, &found), MCBE_OK);
        assert_true(found.smallest_positive <= mcbe_removal_bound(whole, rank, removed) + 1e-14);
        assert_true(found.largest <= whole[0] + 1e-14);
        close += found.smallest_positive > 0.5 * mcbe_removal_bound(whole, rank, removed);
        mcbe_stability_destroy(&stability);
    }
    assert_true(close > 0);
}

static void removed_rows_by_hand(void **state)
{
    (void)state;
    /* e1 and e2 stay; (3, 3), whose v has products 1 / sqrt(2) with both, is taken, and a zero row */
    const double w[] = {1, 0, 3, 3, 0, 0, 0, 1}, c[] = {0, 0.9, 1.1, 9};
    const unsigned char active[] = {1, 0, 0, 1};
    int64_t rows[] = {7, 7, 7, 7};
    mcbe_correlation_t found;
    mcbe_stability_t *stability = workspace(4, 2, w);
    assert_int_equal(mcbe_stability_correlation(stability, active, 4, c, rows, &found), MCBE_OK);
    assert_int_equal(found.rows, 2);
    assert_int_equal(found.removed, 2);
    assert_near(found.lemma, 1, 1e-15);
    assert_near(found.sharp, 1, 1e-15); /* and 1 it is */
    assert_true(found.lemma_row == 1 && found.sharp_row == 1);
    assert_true(rows[0] == 0 && rows[1] == 0 && rows[2] == 2 && rows[3] == 2);
    mcbe_stability_destroy(&stability);

    /* e1 alone stays, in the plane: (1, 1) is not in its span, e2 is orthogonal to it */
    const double plane[] = {1, 0, 1, 1, 0, 1};
    stability = workspace(3, 2, plane);
    assert_int_equal(
        mcbe_stability_correlation(stability, (const unsigned char[]){1, 0, 0}, 4, c, rows, &found),
        MCBE_OK);
    assert_true(isinf(found.lemma) && found.lemma_row == -1);
    assert_near(found.sharp, 1, 1e-14);
    assert_int_equal(found.sharp_row, 1);
    assert_true(rows[0] == 1 && rows[3] == 1); /* e2's product is 0: Figure 9 leaves spans aside */
    assert_int_equal(mcbe_stability_correlation(stability, (const unsigned char[]){0, 0, 0}, 0,
                                                NULL, NULL, &found),
                     MCBE_OK);
    assert_true(found.rows == 0 && found.removed == 3 && isinf(found.sharp));
    assert_int_equal(
        mcbe_stability_correlation(stability, (const unsigned char[]){1, 1, 1}, 1, c, rows, &found),
        MCBE_OK);
    assert_true(found.removed == 0 && isinf(found.lemma) && rows[0] == 0);
    mcbe_stability_destroy(&stability);
}

/* Both bounds hold for the smallest positive singular value of the rows that stay, the second is
 * the sharper one, and at c = lemma every row is counted. More removed rows than one batch. */
static void removed_rows_bound_what_stays(void **state)
{
    (void)state;
    enum { M = 90, N = 20 };
    mcbe_rng_t rng = test_rng(4);
    int in_span = 0;
    for (int trial = 0; trial < 60; trial++) {
        double w[M * N];
        unsigned char active[M];
        int64_t rows;
        mcbe_extremes_t extremes;
        mcbe_correlation_t found;
        fill_normal(&rng, M * N, w);
        const int keep = trial % 3 == 0 ? 5 : 2; /* from 18 rows to 45 */
        for (int j = 0; j < M; j++) {
            active[j] = j % keep == 0;
        }
        if (trial % 6 == 0) { /* a removed row in the span of the others */
            memcpy(w + 7 * N, w + 10 * N, N * sizeof *w);
            w[7 * N] += w[15 * N];
            for (int i = 1; i < N; i++) {
                w[7 * N + i] += w[15 * N + i];
            }
        }
        mcbe_stability_t *stability = workspace(M, N, w);
        assert_int_equal(mcbe_stability_extremes(stability, active, &extremes), MCBE_OK);
        assert_int_equal(mcbe_stability_correlation(stability, active, 0, NULL, NULL, &found),
                         MCBE_OK);
        assert_true(extremes.smallest_positive <= found.sharp * (1 + 1e-12));
        assert_true(found.sharp <= found.lemma * (1 + 1e-12));
        assert_true(isinf(found.lemma) == (keep == 5 && trial % 6 != 0));
        in_span += !isinf(found.lemma);
        if (keep == 2) {
            const double below = found.lemma * (1 - 1e-12);
            assert_int_equal(
                mcbe_stability_correlation(stability, active, 1, &found.lemma, &rows, &found),
                MCBE_OK);
            assert_int_equal(rows, found.rows);
            assert_int_equal(
                mcbe_stability_correlation(stability, active, 1, &below, &rows, &found), MCBE_OK);
            assert_int_equal(rows, found.rows - 1);
        }
        mcbe_stability_destroy(&stability);
    }
    assert_true(in_span == 50);
}

static void what_cannot_be_done_is_refused(void **state)
{
    (void)state;
    mcbe_error_t err = {0};
    mcbe_stability_t *stability = NULL;
    mcbe_extremes_t found = {.rows = 7};
    double w[6] = {1, 2, 3, 4, NAN, 6}, sigma[2];
    assert_int_equal(mcbe_stability_create(&stability, 0, 2, &err), MCBE_ERR_DIM);
    assert_non_null(strstr(err.text, "m = 0 rows in dimension n = 2"));
    assert_int_equal(mcbe_stability_create(&stability, 2, MCBE_MAX_N + 1, NULL), MCBE_ERR_DIM);
    assert_null(stability);
    assert_int_equal(mcbe_stability_create(&stability, 3, 2, NULL), MCBE_OK);
    assert_int_equal(mcbe_stability_extremes(stability, NULL, &found), MCBE_ERR_ARGUMENT);
    assert_int_equal(mcbe_stability_values(stability, NULL, sigma, NULL), MCBE_ERR_ARGUMENT);
    mcbe_error_clear(&err);
    assert_int_equal(mcbe_stability_matrix(stability, 3, 2, w, 2, &err), MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "entry 0 of row 2 is nan"));
    w[4] = 1e151;
    assert_int_equal(mcbe_stability_matrix(stability, 3, 2, w, 2, NULL), MCBE_ERR_VALUE);
    assert_int_equal(mcbe_stability_matrix(stability, 4, 1, w, 1, NULL), MCBE_ERR_DIM);
    assert_int_equal(mcbe_stability_matrix(stability, 2, 2, w, 1, NULL), MCBE_ERR_DIM);
    assert_int_equal(mcbe_stability_extremes(stability, NULL, &found), MCBE_ERR_ARGUMENT);
    assert_int_equal(mcbe_stability_matrix(stability, 2, 2, w, 2, NULL), MCBE_OK);
    mcbe_correlation_t correlation;
    assert_int_equal(mcbe_stability_correlation(stability, NULL, 0, NULL, NULL, &correlation),
                     MCBE_ERR_ARGUMENT);
    assert_int_equal(found.rows, 7);
    mcbe_stability_destroy(&stability);
    mcbe_stability_destroy(&stability);
}

static mcbe_status_t create_and_correlate(void)
{
    const double w[] = {1, 0, 3, 3, 0, 0, 0, 1}, c[] = {1};
    int64_t rows;
    mcbe_correlation_t found;
    mcbe_stability_t *stability = NULL;
    mcbe_status_t st = mcbe_stability_create(&stability, 4, 2, NULL);
    if (st == MCBE_OK) {
        st = mcbe_stability_matrix(stability, 4, 2, w, 2, NULL);
    }
    if (st == MCBE_OK) {
        st = mcbe_stability_correlation(stability, (const unsigned char[]){1, 0, 0, 1}, 1, c, &rows,
                                        &found);
    }
    mcbe_stability_destroy(&stability);
    return st;
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(create_and_correlate());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_octahedron_by_hand),
        UNIT_TEST(two_rows_at_any_angle),
        UNIT_TEST(known_singular_values),
        UNIT_TEST(zeros_are_allowed),
        UNIT_TEST(scaling_permutation_and_row_length),
        UNIT_TEST(the_factor_is_attained),
        UNIT_TEST(pairs_of_points_obey_the_bounds),
        UNIT_TEST(the_bound_after_removal),
        UNIT_TEST(removed_rows_by_hand),
        UNIT_TEST(removed_rows_bound_what_stays),
        UNIT_TEST(what_cannot_be_done_is_refused),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("stability", tests, NULL, NULL);
}
