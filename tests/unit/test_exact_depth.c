/* Halfspace depth and injectivity at bias 0: closed forms, slow references, and degenerate rows,
 * where no answer may be wrong. */

#include "mcbe/exact.h"

#include "exact_cases.h"
#include "kernel_paths.h"
#include "mcbe/domain.h"
#include "mcbe/injectivity.h"

/* Rows active at the point, rows within rounding of 0 among them; also how many are surely. */
static int active_at(const mcbe_frame_t *frame, double *x, int *positive)
{
    double c[EXACT_MAX_M];
    float a[EXACT_MAX_N], b[EXACT_MAX_N];
    mcbe_point_split(frame->n, x, a, b);
    const double norm = mcbe_point_norm(frame->n, a, b, 1);
    assert_near(norm, 1, 1e-14);
    mcbe_frame_pair_coefficients(frame, a, b, 1, c);
    *positive = 0;
    for (int j = 0; j < frame->m; j++) {
        *positive += c[j] > 0;
    }
    return mcbe_active_count(frame, c, NULL, norm, NULL);
}

/* The bounds are in order and the point has as many active rows as said. */
static mcbe_depth_t depth_of(const mcbe_frame_t *frame)
{
    double x[EXACT_MAX_N];
    int positive;
    mcbe_depth_t depth = {-1, -1, -1};
    assert_int_equal(mcbe_exact_depth(frame, 0, INFINITY, &depth, x, NULL), MCBE_OK);
    assert_true(depth.lower <= depth.upper);
    assert_int_equal(active_at(frame, x, &positive), depth.upper);
    return depth;
}

static mcbe_exact_verdict_t verdict_of(const mcbe_frame_t *frame)
{
    mcbe_exact_verdict_t verdict = MCBE_EXACT_UNDECIDED;
    assert_int_equal(mcbe_exact_injectivity(frame, INFINITY, &verdict, NULL, NULL), MCBE_OK);
    return verdict;
}

static void assert_depth(const mcbe_frame_t *frame, int expected)
{
    const mcbe_depth_t depth = depth_of(frame);
    assert_int_equal(depth.lower, expected);
    assert_int_equal(depth.upper, expected);
}

static void assert_depth_and_verdict(mcbe_frame_t *frame, int depth, mcbe_exact_verdict_t verdict)
{
    assert_depth(frame, depth);
    assert_int_equal(verdict_of(frame), verdict);
    mcbe_frame_free(frame);
}

/* One row is left on the far side of a simplex; half of a polygon's rows, rounded down; one of
 * every pair of opposite rows; none of n independent rows. */
static void closed_forms(void **state)
{
    (void)state;
    mcbe_frame_t frame;
    for (int n = 2; n <= 6; n++) {
        simplex_frame(&frame, n);
        assert_depth_and_verdict(&frame, 1, MCBE_EXACT_NOT_INJECTIVE);
        cross_polytope_frame(&frame, n);
        assert_depth_and_verdict(&frame, n, MCBE_EXACT_INJECTIVE);
        random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, n, n, 0);
        assert_depth_and_verdict(&frame, 0, MCBE_EXACT_NOT_INJECTIVE);
    }
    for (int m = 3; m <= 16; m++) {
        polygon_frame(&frame, m, 1);
        assert_depth_and_verdict(&frame, m / 2,
                                 m < 4 ? MCBE_EXACT_NOT_INJECTIVE : MCBE_EXACT_INJECTIVE);
    }
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_ICOSAHEDRON), MCBE_OK);
    assert_depth_and_verdict(&frame, 6, MCBE_EXACT_INJECTIVE);
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    assert_depth_and_verdict(&frame, 3, MCBE_EXACT_INJECTIVE);
}

static void one_dimension_by_hand(void **state)
{
    (void)state;
    const double both[] = {2, -1, 1, 2, -0.5}, one[] = {1, 2, 3};
    mcbe_frame_t frame;
    frame_of(&frame, 5, 1, both);
    assert_depth_and_verdict(&frame, 2, MCBE_EXACT_INJECTIVE);
    frame_of(&frame, 3, 1, one);
    assert_depth_and_verdict(&frame, 0, MCBE_EXACT_NOT_INJECTIVE);
}

/* Copies of a row add to the depth but tell nothing new: four tetrahedra have depth 4 and still
 * one active row, four times, somewhere; so has a line run to and fro five times, though 5 rows
 * are active. */
static void copies_are_counted_but_do_not_help(void **state)
{
    (void)state;
    mcbe_frame_t once, frame;
    assert_int_equal(mcbe_frame_named(&once, MCBE_ENSEMBLE_TETRAHEDRON), MCBE_OK);
    repeated_frame(&frame, &once, 4);
    assert_depth_and_verdict(&frame, 4, MCBE_EXACT_NOT_INJECTIVE);
    mcbe_frame_free(&once);
    assert_int_equal(mcbe_frame_named(&once, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    repeated_frame(&frame, &once, 2);
    assert_depth_and_verdict(&frame, 6, MCBE_EXACT_INJECTIVE);
    mcbe_frame_free(&once);
    random_frame(&once, MCBE_ENSEMBLE_GAUSSIAN, 3, 20, 1);
    const int depth = depth_of(&once).lower;
    const mcbe_exact_verdict_t verdict = verdict_of(&once);
    repeated_frame(&frame, &once, 3);
    assert_depth_and_verdict(&frame, 3 * depth, verdict);
    mcbe_frame_free(&once);
    const double line[] = {3, 1, -3, -1, 3, 1, -3, -1, 6, 2, -12, -4, 3, 1, -3, -1, 3, 1, -3, -1};
    frame_of(&frame, 10, 2, line);
    assert_depth_and_verdict(&frame, 5, MCBE_EXACT_NOT_INJECTIVE);
}

/* Minimum over all n - 1 rows of the rows on either side of their common normal, in long double;
 * right for rows in general position. @return -1 where rounding leaves a doubt */
static int reference_depth(const mcbe_frame_t *frame)
{
    const int n = frame->n, m = frame->m;
    int rows[EXACT_MAX_N], depth = m;
    first_subset(n - 1, rows);
    do {
        basis_t basis = {0};
        long double x[EXACT_MAX_N];
        int sides[2] = {0, 0};
        for (int i = 0; i < n - 1; i++) {
            for (int k = 0; k < n; k++) {
                x[k] = frame->w[rows[i] * n + k];
            }
            basis_add(&basis, n, x);
        }
        basis_last(&basis, n, x);
        for (int i = 0; i < m; i++) {
            if (!in_subset(n - 1, rows, i)) {
                const long double c = product_with_row(frame, i, x);
                if (fabsl(c) < 1e-12L) {
                    return -1;
                }
                sides[c > 0]++;
            }
        }
        const int fewer = sides[0] < sides[1] ? sides[0] : sides[1];
        depth = fewer < depth ? fewer : depth;
    } while (next_subset(n - 1, m, rows));
    return depth;
}

/* The point has as many active rows as said, and none of them in doubt. */
static void assert_witness(const mcbe_frame_t *frame, double *x, int active)
{
    int positive;
    assert_int_equal(active_at(frame, x, &positive), active);
    assert_int_equal(positive, active);
}

static void random_layers_against_the_reference(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(2);
    int compared = 0, injective = 0;
    for (int trial = 0; trial < 400; trial++) {
        const int n = test_between(&rng, 2, 5);
        const int m = test_between(&rng, n, n < 5 ? 22 : 26);
        double x[EXACT_MAX_N];
        mcbe_depth_t depth;
        mcbe_exact_verdict_t verdict;
        mcbe_frame_t frame;
        random_frame(&frame, trial % 2 ? MCBE_ENSEMBLE_GAUSSIAN : MCBE_ENSEMBLE_SPHERE, n, m,
                     trial);
        const int expected = reference_depth(&frame);
        if (expected >= 0) {
            assert_int_equal(mcbe_exact_depth(&frame, 0, INFINITY, &depth, x, NULL), MCBE_OK);
            assert_int_equal(depth.lower, expected);
            assert_int_equal(depth.upper, expected);
            assert_witness(&frame, x, expected);
            assert_true(expected <= (m - n + 1) / 2); /* on one side of any n - 1 rows */
            assert_int_equal(mcbe_exact_injectivity(&frame, INFINITY, &verdict, x, NULL), MCBE_OK);
            assert_int_equal(verdict,
                             expected >= n ? MCBE_EXACT_INJECTIVE : MCBE_EXACT_NOT_INJECTIVE);
            injective += expected >= n;
            compared++;
        }
        mcbe_frame_free(&frame);
    }
    assert_in_range(compared, 390, 400);
    assert_in_range(injective, 50, 350);
}

static void a_point_below_the_stop_ends_the_search(void **state)
{
    (void)state;
    double x[4];
    mcbe_depth_t depth;
    mcbe_frame_t frame;
    random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, 4, 24, 3);
    const int exact = depth_of(&frame).upper;
    for (int stop = exact; stop <= 12; stop++) {
        assert_int_equal(mcbe_exact_depth(&frame, stop, INFINITY, &depth, x, NULL), MCBE_OK);
        assert_true(depth.lower <= exact && exact <= depth.upper);
        assert_true(stop == exact ? depth.lower == exact : depth.upper < stop);
        assert_witness(&frame, x, depth.upper);
    }
    mcbe_frame_free(&frame);
}

/* P(injective) = 1 - m (m - 2) / 2^(m - 1), whatever the law of the directions: the rows' lines
 * cut the circle in m places, and independent signs say which side each row takes. */
static void share_of_injective_layers_in_the_plane(void **state)
{
    (void)state;
    const int trials = 10000;
    for (int m = 5; m <= 12; m++) {
        const double share = 1 - m * (m - 2) / pow(2, m - 1);
        int injective = 0;
        for (int trial = 0; trial < trials; trial++) {
            mcbe_frame_t frame;
            random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, 2, m, trial);
            const mcbe_exact_verdict_t verdict = verdict_of(&frame);
            assert_int_not_equal(verdict, MCBE_EXACT_UNDECIDED);
            injective += verdict == MCBE_EXACT_INJECTIVE;
            mcbe_frame_free(&frame);
        }
        assert_near((double)injective / trials, share, 4 * sqrt(share * (1 - share) / trials));
    }
}

/* A direction infinitely close to the first of three, then to the second: what stands for a cell
 * in exact integer arithmetic. */
typedef struct flag {
    int v[3][3];
} flag_t;

static void cross(const int *a, const int *b, int *c)
{
    for (int k = 0; k < 3; k++) {
        c[k] = a[(k + 1) % 3] * b[(k + 2) % 3] - a[(k + 2) % 3] * b[(k + 1) % 3];
    }
}

static int dot(const int *a, const int *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static int is_zero(const int *a)
{
    return a[0] == 0 && a[1] == 0 && a[2] == 0;
}

static int sign_at(const flag_t *flag, const int *row)
{
    for (int i = 0; i < 3; i++) {
        const int c = dot(flag->v[i], row);
        if (c != 0) {
            return c > 0 ? 1 : -1;
        }
    }
    return 0;
}

static int rank_of(int count, int (*rows)[3])
{
    int normal[3] = {0};
    for (int i = 1; i < count && is_zero(normal); i++) {
        cross(rows[0], rows[i], normal);
    }
    if (is_zero(normal)) {
        return count > 0;
    }
    for (int i = 0; i < count; i++) {
        if (dot(normal, rows[i]) != 0) {
            return 3;
        }
    }
    return 2;
}

/* Depth of integer rows in R^3 that span it, and whether the active rows of every cell do: each
 * cell has a vertex w_i x w_j, an edge there along a third row's plane, and a side of that edge. */
static int integer_depth(int m, int (*rows)[3], int *spanned)
{
    int depth = m;
    *spanned = 1;
    for (int code = 0; code < 8 * m * m * m; code++) {
        const int *a = rows[code / 8 % m], *b = rows[code / 8 / m % m], *c = rows[code / 8 / m / m];
        flag_t flag;
        int active[EXACT_MAX_M][3], count = 0;
        cross(a, b, flag.v[0]);
        if (is_zero(flag.v[0]) || dot(flag.v[0], c) != 0) {
            continue;
        }
        cross(flag.v[0], c, flag.v[1]);
        memcpy(flag.v[2], c, sizeof flag.v[2]);
        for (int i = 0; i < 3; i++) {
            for (int k = 0; k < 3; k++) {
                flag.v[i][k] *= code >> i & 1 ? -1 : 1;
            }
        }
        for (int j = 0; j < m; j++) {
            if (sign_at(&flag, rows[j]) >= 0) {
                memcpy(active[count++], rows[j], sizeof active[0]);
            }
        }
        depth = count < depth ? count : depth;
        *spanned = *spanned && rank_of(count, active) == 3;
    }
    return depth;
}

/* Small integers: parallel rows, opposite rows, many rows in one plane. No answer may be wrong,
 * and there must be answers. */
static void degenerate_rows_never_give_a_wrong_answer(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(4);
    int certain = 0, proven = 0, refuted = 0, truly_injective = 0;
    const int trials = 1500;
    for (int trial = 0; trial < trials; trial++) {
        const int m = test_between(&rng, 6, 14), range = test_between(&rng, 1, 6);
        int rows[EXACT_MAX_M][3], spanned;
        double w[3 * EXACT_MAX_M];
        for (int j = 0; j < m; j++) {
            do {
                for (int k = 0; k < 3; k++) {
                    rows[j][k] = test_between(&rng, -range, range);
                }
            } while (is_zero(rows[j]));
            for (int k = 0; k < 3; k++) {
                w[3 * j + k] = rows[j][k];
            }
        }
        if (rank_of(m, rows) < 3) {
            continue;
        }
        const int expected = integer_depth(m, rows, &spanned);
        mcbe_frame_t frame;
        frame_of(&frame, m, 3, w);
        const mcbe_depth_t depth = depth_of(&frame);
        const mcbe_exact_verdict_t verdict = verdict_of(&frame);
        mcbe_frame_free(&frame);
        assert_true(depth.lower <= expected && expected <= depth.upper);
        assert_true(verdict == MCBE_EXACT_UNDECIDED ||
                    (verdict == MCBE_EXACT_INJECTIVE) == spanned);
        certain += depth.lower == depth.upper;
        proven += verdict == MCBE_EXACT_INJECTIVE;
        refuted += verdict == MCBE_EXACT_NOT_INJECTIVE;
        truly_injective += spanned;
    }
    assert_in_range(certain, trials / 4, trials);
    assert_in_range(proven, 10, truly_injective);
    assert_in_range(refuted, trials / 4, trials - truly_injective);
}

/* One of -e1, -e2, -e3 turned by one unit in the last place: in the gap between its plane and
 * its partner's neither is active, so only two rows are. That gap is far below what rounding can
 * see. */
static void an_octahedron_off_by_rounding_is_not_called_injective(void **state)
{
    (void)state;
    for (int row = 3; row < 6; row++) {
        mcbe_frame_t octahedron, frame;
        assert_int_equal(mcbe_frame_named(&octahedron, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
        octahedron.w[3 * row + (row + 1) % 3] = DBL_EPSILON / 2;
        frame_of(&frame, 6, 3, octahedron.w);
        mcbe_frame_free(&octahedron);
        const mcbe_depth_t depth = depth_of(&frame);
        assert_true(depth.lower <= 2 && depth.upper >= 2);
        assert_int_not_equal(verdict_of(&frame), MCBE_EXACT_INJECTIVE);
        mcbe_frame_free(&frame);
    }
}

/* Rows in a plane never span R^n, however many are active; nor do rows that leave the plane by
 * no more than rounding, as far as anyone can tell. */
static void rows_in_a_plane_are_not_called_injective(void **state)
{
    (void)state;
    for (int n = 3; n <= 5; n++) {
        for (int thick = 0; thick < 2; thick++) {
            double w[5 * 24] = {0};
            mcbe_frame_t frame;
            for (int j = 0; j < 24; j++) {
                w[n * j] = cos(0.1 + 2 * TEST_PI * j / 24);
                w[n * j + 1] = sin(0.1 + 2 * TEST_PI * j / 24);
                for (int k = 2; k < n; k++) {
                    w[n * j + k] = thick ? (j * k % 5 - 2) * 1e-17 : 0;
                }
            }
            frame_of(&frame, 24, n, w);
            assert_true(depth_of(&frame).lower <= 12);
            assert_int_not_equal(verdict_of(&frame), MCBE_EXACT_INJECTIVE);
            mcbe_frame_free(&frame);
        }
    }
}

/* Rows on n - 2 axes, both ways: they cannot span R^n. One side of each is active wherever none
 * is 0. */
static void fewer_lines_than_dimensions(void **state)
{
    (void)state;
    for (int n = 4; n <= 6; n++) {
        double w[2 * 4 * 6] = {0};
        mcbe_frame_t frame;
        for (int axis = 0; axis < n - 2; axis++) {
            w[axis * n + axis + 1] = 1;
            w[(n - 2 + axis) * n + axis + 1] = -1;
        }
        frame_of(&frame, 2 * (n - 2), n, w);
        const mcbe_depth_t depth = depth_of(&frame);
        assert_int_equal(depth.lower, n - 2);
        assert_in_range(depth.upper, n - 2, frame.m);
        assert_int_equal(verdict_of(&frame), MCBE_EXACT_NOT_INJECTIVE);
        mcbe_frame_free(&frame);
    }
}

/* Any n rows independent: Gaussian rows are, almost surely; the second frame has w_1 = -w_2, the third
 * three rows in a plane, the fourth w_1 twice as long again. */
static void full_spark_is_seen(void **state)
{
    (void)state;
    static const double opposite[] = {1, 0, -1, 0, 0.3, -3, -0.25, -3.1},
                        in_a_plane[] = {1, 0, 0, 0, 1, 0, 1, 1, 0, 0.5, 0.25, -1, -1, 0.5, 0.75},
                        twice[] = {1, 0.5, 2, 1, -1, 2}, line[] = {2, -1, 3};
    mcbe_frame_t frame;
    for (int n = 2; n <= 5; n++) {
        random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, n, 3 * n, 1);
        assert_int_equal(depth_of(&frame).full_spark, 1);
        mcbe_frame_free(&frame);
    }
    const struct {
        int m, n, expected;
        const double *w;
    } cases[] = {{4, 2, 0, opposite}, {5, 3, 0, in_a_plane}, {3, 2, 0, twice}, {3, 1, 1, line}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            mcbe_frame_copy(&frame, cases[i].m, cases[i].n, cases[i].w, cases[i].n, 0, NULL),
            MCBE_OK);
        assert_int_equal(depth_of(&frame).full_spark, cases[i].expected);
        mcbe_frame_free(&frame);
    }
    /* stopped early nothing is proven: at most 5 of 6 rows in the plane are active somewhere */
    mcbe_depth_t depth;
    random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, 2, 6, 1);
    assert_int_equal(mcbe_exact_depth(&frame, 6, INFINITY, &depth, NULL, NULL), MCBE_OK);
    assert_int_equal(depth.full_spark, 0);
    mcbe_frame_free(&frame);
}

static void work_is_counted_and_limited(void **state)
{
    (void)state;
    mcbe_error_t err = {0};
    mcbe_depth_t depth = {7, 8, 9};
    mcbe_exact_verdict_t verdict = MCBE_EXACT_UNDECIDED;
    mcbe_frame_t frame;
    char number[48];
    random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, 5, 26, 0);
    const double work = mcbe_exact_depth_work(5, 26), limit = work / 2;
    assert_true(work >= 14950 * 4 * 26); /* C(26, 4) directions */
    assert_true(mcbe_exact_depth_work(500, 5000) == INFINITY);
    assert_int_equal(mcbe_exact_depth(&frame, 0, limit, &depth, NULL, &err), MCBE_ERR_LIMIT);
    assert_true(depth.lower == 7 && depth.upper == 8);
    assert_non_null(strstr(err.text, "n = 5 and m = 26"));
    snprintf(number, sizeof number, "%.3g operations (%.3g s", work, mcbe_exact_seconds(work));
    assert_non_null(strstr(err.text, number));
    snprintf(number, sizeof number, "the limit is %.3g", limit);
    assert_non_null(strstr(err.text, number));
    assert_int_equal(mcbe_exact_injectivity(&frame, limit, &verdict, NULL, NULL), MCBE_ERR_LIMIT);
    assert_int_equal(mcbe_exact_depth(&frame, 0, work, &depth, NULL, NULL), MCBE_OK);
    mcbe_frame_free(&frame);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    mcbe_depth_t depth;
    mcbe_exact_verdict_t verdict;
    mcbe_frame_t frame;
    random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, 3, 12, 0);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_exact_depth(&frame, 0, INFINITY, &depth, NULL, NULL));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(
        mcbe_exact_injectivity(&frame, INFINITY, &verdict, NULL, NULL));
    mcbe_frame_free(&frame);
}

static uint64_t depth_checksum(void)
{
    uint64_t sum = CHECKSUM_START;
    for (int n = 1; n <= 6; n++) {
        double x[EXACT_MAX_N];
        mcbe_depth_t depth;
        mcbe_frame_t frame;
        random_frame(&frame, MCBE_ENSEMBLE_GAUSSIAN, n, 21, 9);
        assert_int_equal(mcbe_exact_depth(&frame, 0, INFINITY, &depth, x, NULL), MCBE_OK);
        sum = checksum(sum, &depth, sizeof depth);
        sum = checksum(sum, x, (size_t)n * sizeof *x);
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
        return print_checksum(depth_checksum());
    }
    const struct CMUnitTest tests[] = {
        UNIT_TEST(closed_forms),
        UNIT_TEST(one_dimension_by_hand),
        UNIT_TEST(copies_are_counted_but_do_not_help),
        UNIT_TEST(random_layers_against_the_reference),
        UNIT_TEST(a_point_below_the_stop_ends_the_search),
        UNIT_TEST(share_of_injective_layers_in_the_plane),
        UNIT_TEST(degenerate_rows_never_give_a_wrong_answer),
        UNIT_TEST(an_octahedron_off_by_rounding_is_not_called_injective),
        UNIT_TEST(rows_in_a_plane_are_not_called_injective),
        UNIT_TEST(fewer_lines_than_dimensions),
        UNIT_TEST(full_spark_is_seen),
        UNIT_TEST(work_is_counted_and_limited),
        UNIT_TEST(failed_allocations_leave_nothing),
        UNIT_TEST_OF_PROGRAM(every_path_gives_the_same_bytes, argv[0]),
    };
    return cmocka_run_group_tests_name("exact_depth", tests, NULL, NULL);
}
