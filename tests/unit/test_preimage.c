#include "mcbe/preimage.h"

#include "layers.h"

/* e1 e2 e3 -e1 -e2 -e3 */
static const double OCTAHEDRON[18] = {1, 0, 0, 0, 1, 0, 0, 0, 1, -1, 0, 0, 0, -1, 0, 0, 0, -1};
static const double ONES[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const double ZEROS[16] = {0};

#define EXPECT(result, verdict_, proof_, positive_, dimension_)                                    \
    do {                                                                                           \
        const mcbe_preimage_result_t r_ = (result);                                                \
        assert_int_equal(r_.verdict, MCBE_PREIMAGE_##verdict_);                                    \
        assert_int_equal(r_.proof, MCBE_PROOF_##proof_);                                           \
        assert_int_equal(r_.positive, positive_);                                                  \
        assert_int_equal(r_.dimension, dimension_);                                                \
    } while (0)

/* ReLU(Wx) keeps x of the octahedron everywhere. With bias 1 the cube |x_k| <= 1 goes to 0, and what
 * is outside of it in one coordinate leaves a square of the other two. */
static void the_octahedron_is_known_by_hand(void **state)
{
    (void)state;
    const double inside[3] = {0.5, -0.25, 0}, beside[3] = {3, 0.5, 0.5}, edge[3] = {3, -2, 0.5};
    const double axis[3] = {1, 0, 0}, open[3] = {1, 2, 3};
    EXPECT(classified(6, 3, OCTAHEDRON, NULL, open), SINGLETON, RANK, 3, 0);
    EXPECT(classified(6, 3, OCTAHEDRON, NULL, axis), SINGLETON, PINNED, 1, 0);
    EXPECT(classified(6, 3, OCTAHEDRON, NULL, ZEROS), SINGLETON, PINNED, 0, 0);
    EXPECT(classified(6, 3, OCTAHEDRON, ONES, inside), COMPACT, COMBINATION, 0, 3);
    EXPECT(classified(6, 3, OCTAHEDRON, ONES, beside), COMPACT, COMBINATION, 1, 2);
    EXPECT(classified(6, 3, OCTAHEDRON, ONES, edge), COMPACT, COMBINATION, 2, 1);
    /* without -e3 there is no end below */
    EXPECT(classified(5, 3, OCTAHEDRON, ONES, inside), UNBOUNDED, DIRECTION, 0, 3);
    EXPECT(classified(3, 3, OCTAHEDRON, ONES, inside), UNBOUNDED, COUNT, 0, 3);
}

/* 0 is in the convex hull of e1, -e1, e2, but on its boundary: -e2 is a ray. Algorithm 1 of the
 * publication says that this is compact. */
static void hulls_with_0_on_the_boundary_are_open(void **state)
{
    (void)state;
    const double w[6] = {1, 0, -1, 0, 0, 1};
    double direction[2], combination[3];
    mcbe_omnidirectional_t verdict;
    EXPECT(classified(3, 2, w, ONES, ZEROS), UNBOUNDED, DIRECTION, 0, 2);
    assert_int_equal(mcbe_omnidirectional(3, 2, w, &verdict, direction, combination, NULL),
                     MCBE_OK);
    assert_int_equal(verdict, MCBE_OMNIDIRECTIONAL_NO);
    assert_true(direction[0] == 0 && direction[1] == -1);
    assert_true(combination[0] == 0 && combination[1] == 0 && combination[2] == 0);
}

/* The same turned by an angle without exact sine: a change of the rows by less than their rounding
 * makes it either way. */
static void what_rounding_leaves_open_is_undecided(void **state)
{
    (void)state;
    const double c = cos(0.7), s = sin(0.7), w[6] = {c, s, -c, -s, -s, c};
    mcbe_omnidirectional_t verdict;
    EXPECT(classified(3, 2, w, ONES, ZEROS), UNDECIDED, NONE_LP, 0, -1);
    assert_int_equal(mcbe_omnidirectional(3, 2, w, &verdict, NULL, NULL, NULL), MCBE_OK);
    assert_int_equal(verdict, MCBE_OMNIDIRECTIONAL_UNDECIDED);
    /* a turn by 1e-7 of one row decides it, either way */
    for (int side = -1; side <= 1; side += 2) {
        const double turned[6] = {c, s, -cos(0.7 + side * 1e-7), -sin(0.7 + side * 1e-7), -s, c};
        assert_int_equal(mcbe_omnidirectional(3, 2, turned, &verdict, NULL, NULL, NULL), MCBE_OK);
        assert_int_equal(verdict, side > 0 ? MCBE_OMNIDIRECTIONAL_YES : MCBE_OMNIDIRECTIONAL_NO);
    }
}

static void rows_of_zeros_change_nothing(void **state)
{
    (void)state;
    double w[24], bias[8];
    memcpy(w, OCTAHEDRON, sizeof OCTAHEDRON);
    memset(w + 18, 0, 6 * sizeof *w);
    memcpy(bias, ONES, sizeof bias);
    EXPECT(classified(8, 3, w, bias, ZEROS), COMPACT, COMBINATION, 0, 3);
    bias[7] = -1; /* it is always positive, and says nothing */
    EXPECT(classified(8, 3, w, bias, ZEROS), COMPACT, COMBINATION, 1, 3);
    bias[7] = 0;
    EXPECT(classified(8, 3, w, bias, ZEROS), COMPACT, COMBINATION, 0, 3);
    const double nothing[4] = {0};
    EXPECT(classified(2, 2, nothing, ONES, ZEROS), UNBOUNDED, DIRECTION, 0, 2);
}

/* a, -a, b, -b in R^3: 0 is inside their hull as seen from its plane, not in space. */
static void antipodal_rows_of_a_plane_leave_its_normal(void **state)
{
    (void)state;
    const double w[12] = {1, 2, 3, -1, -2, -3, 4, 5, 6, -4, -5, -6};
    double direction[3];
    mcbe_omnidirectional_t verdict;
    EXPECT(classified(4, 3, w, ONES, ZEROS), UNBOUNDED, DIRECTION, 0, 3);
    assert_int_equal(mcbe_omnidirectional(4, 3, w, &verdict, direction, NULL, NULL), MCBE_OK);
    assert_int_equal(verdict, MCBE_OMNIDIRECTIONAL_NO);
    /* (1, -2, 1) up to its length */
    assert_true(fabs(direction[1] + 2 * direction[0]) < 1e-15 && direction[0] == direction[2]);
}

/* Two equal rows are one condition: the second must not make a singleton of a segment. */
static void repeated_rows_count_once(void **state)
{
    (void)state;
    const double w[8] = {1, 0.3, 1, 0.3, 0.2, 1, -1, -1}, bias[4] = {0, 0, 0, 1};
    const double negated[8] = {1, 0.3, -1, -0.3, 0.2, 1, -1, -1}, other[4] = {0, -2, 0, 1};
    const double x[2] = {1, -1};
    EXPECT(classified(4, 2, w, bias, x), COMPACT, COMBINATION, 2, 1);
    EXPECT(classified(4, 2, negated, other, x), COMPACT, COMBINATION, 2, 1);
    EXPECT(classified(3, 2, w, bias, x), UNBOUNDED, COUNT, 2, 1);
}

/* Rank 2 in R^3 by its values, not by the number of rows: nothing fp64 knows for certain. */
static void dependent_rows_are_no_singleton(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(3);
    double w[30 * 3], bias[30];
    for (int j = 0; j < 30; j++) {
        double ab[2];
        random_values(&rng, 2, 1, ab);
        w[3 * j] = ab[0];
        w[3 * j + 1] = ab[1];
        w[3 * j + 2] = 0.3 * ab[0] + 0.7 * ab[1];
        bias[j] = j % 2 ? -50 : 50;
    }
    EXPECT(classified(30, 3, w, bias, ZEROS), UNDECIDED, NONE_RANK, 15, -1);
    w[2] += 1e-3; /* of a row with y = 0: bounded now, but a segment or a point? */
    EXPECT(classified(30, 3, w, bias, ZEROS), UNDECIDED, NONE_RANK, 15, -1);
    w[5] += 1e-3; /* of a row with y > 0 */
    EXPECT(classified(30, 3, w, bias, ZEROS), SINGLETON, RANK, 15, 0);
}

static void all_and_none_active(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(4);
    double w[40 * 5], low[40], high[40];
    random_values(&rng, 200, 1, w);
    for (int j = 0; j < 40; j++) {
        low[j] = -99;
        high[j] = 99;
    }
    EXPECT(classified(40, 5, w, high, ZEROS), COMPACT, COMBINATION, 0, 5);
    EXPECT(classified(40, 5, w, low, ZEROS), SINGLETON, RANK, 40, 0);
    EXPECT(classified(4, 5, w, low, ZEROS), UNBOUNDED, COUNT, 4, 1);
    EXPECT(classified(4, 5, w, high, ZEROS), UNBOUNDED, COUNT, 0, 5);
}

static void an_input_that_is_not_looked_at_is_a_ray(void **state)
{
    (void)state;
    double w[40 * 5], bias[40], x[5];
    mcbe_rng_t rng = test_rng(5);
    random_values(&rng, 200, 1, w);
    random_values(&rng, 40, 1, bias);
    random_values(&rng, 5, 1, x);
    for (int j = 0; j < 40; j++) {
        w[5 * j + 2] = 0;
    }
    double direction[5];
    mcbe_preimage_result_t result;
    mcbe_preimage_t *preimage = layer_of(40, 5, w, bias);
    assert_int_equal(mcbe_preimage_classify(preimage, x, &result, direction, NULL, NULL), MCBE_OK);
    assert_int_equal(result.verdict, MCBE_PREIMAGE_UNBOUNDED);
    assert_true(isinf(result.margin) && direction[2] == 1);
    mcbe_preimage_destroy(&preimage);
}

/* 0.1 * 0.3 - 0.1 * 0.3 is 0, but the products are not exact and fp64 cannot see it. */
static void a_hidden_sign_matters_only_sometimes(void **state)
{
    (void)state;
    const double x[2] = {0.3, 0.3};
    const double rank[6] = {0.1, -0.1, 1, 0, 0, 1};
    const double triangle[6] = {0.1, -0.1, -1, -1, -0.1, 1}, bias[3] = {0, 0, 1};
    const double strip[6] = {0.1, -0.1, 1, 1, -1, -1}, far[3] = {0, 5, 5};
    mcbe_preimage_result_t result = classified(3, 2, rank, NULL, x);
    assert_int_equal(result.doubtful, 1);
    EXPECT(result, SINGLETON, RANK, 2, 0);
    EXPECT(classified(3, 2, triangle, bias, x), COMPACT, COMBINATION, 0, -1);
    EXPECT(classified(2, 2, triangle, bias, x), UNBOUNDED, COUNT, 0, -1);
    /* y = 0: (-1, 1) is a ray; y > 0: a segment */
    EXPECT(classified(3, 2, strip, far, x), UNDECIDED, NONE_SIGN, 0, -1);
}

/* Rows may be of any length, and in any order. */
static void scaled_and_permuted_rows_give_the_same(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(6);
    int seen[4] = {0};
    for (int trial = 0; trial < 60; trial++) {
        enum { M = 11, N = 6 };
        double w[M * N], bias[M], x[N], other[M * N], shifted[M];
        random_values(&rng, M * N, 1, w);
        random_values(&rng, M, 1.5, bias);
        random_values(&rng, N, trial % 2 ? 1 : 5, x);
        const mcbe_preimage_result_t result = classified(M, N, w, bias, x);
        for (int j = 0; j < M; j++) {
            const int to = (j * 5 + trial) % M;
            const double factor = pow(10, test_between(&rng, -30, 30));
            for (int k = 0; k < N; k++) {
                other[to * N + k] = factor * w[j * N + k];
            }
            shifted[to] = factor * bias[j];
        }
        const mcbe_preimage_result_t same = classified(M, N, other, shifted, x);
        assert_int_equal(same.verdict, result.verdict);
        assert_int_equal(same.positive, result.positive);
        assert_int_equal(same.dimension, result.dimension);
        seen[result.verdict]++;
    }
    assert_true(seen[MCBE_PREIMAGE_SINGLETON] > 5 && seen[MCBE_PREIMAGE_COMPACT] > 5 &&
                seen[MCBE_PREIMAGE_UNBOUNDED] > 5 && seen[MCBE_PREIMAGE_UNDECIDED] == 0);
}

/* More than a proof asks for: points of the preimage along a ray have the same features. */
static void a_layer_serves_many_points_in_any_order(void **state)
{
    (void)state;
    enum { M = 30, N = 10, POINTS = 40 };
    mcbe_rng_t rng = test_rng(7);
    double w[M * N], bias[M], x[POINTS][N], direction[N];
    mcbe_preimage_result_t first[POINTS], again;
    random_values(&rng, M * N, 1, w);
    random_values(&rng, M, 1, bias);
    mcbe_preimage_t *preimage = layer_of(M, N, w, bias);
    for (int i = 0; i < POINTS; i++) {
        random_values(&rng, N, 1, x[i]);
        assert_int_equal(mcbe_preimage_classify(preimage, x[i], first + i, direction, NULL, NULL),
                         MCBE_OK);
        for (int j = 0; j < M && first[i].verdict == MCBE_PREIMAGE_UNBOUNDED; j++) {
            const double z = row_value(N, w + j * N, x[i]) - bias[j];
            const double far = z + 1e3 * row_value(N, w + j * N, direction);
            assert_true(fabs(fmax(far, 0) - fmax(z, 0)) < 1e-9);
        }
    }
    for (int i = POINTS; i-- > 0;) {
        assert_int_equal(mcbe_preimage_classify(preimage, x[i], &again, NULL, NULL, NULL), MCBE_OK);
        assert_memory_equal(&again, first + i, sizeof again);
    }
    mcbe_preimage_destroy(&preimage);
}

static void unusable_input_is_one_sentence(void **state)
{
    (void)state;
    double w[6] = {1, 0, 0, 1, 1, 1}, bias[3] = {0, 0, 0}, x[2] = {0, 0};
    mcbe_error_t err = {0};
    mcbe_preimage_t *preimage = layer_of(3, 2, w, bias), *other;
    mcbe_preimage_result_t result;
    assert_int_equal(mcbe_preimage_create(&other, 0, 2, w, NULL, &err), MCBE_ERR_DIM);
    assert_null(other);
    assert_string_equal(err.text, "preimage: the layer is 0 x 2; allowed are 1 to 131072 rows and "
                                  "1 to 16384 inputs");
    mcbe_error_clear(&err);
    x[1] = NAN;
    assert_int_equal(mcbe_preimage_classify(preimage, x, &result, NULL, NULL, &err),
                     MCBE_ERR_VALUE);
    assert_string_equal(err.text, "preimage: entry 1 of the point is nan; allowed are values from "
                                  "-1e+100 to 1e+100");
    mcbe_error_clear(&err);
    w[3] = 1e101;
    assert_int_equal(mcbe_preimage_create(&other, 3, 2, w, NULL, &err), MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "entry 1 of row 1 is 1e+101"));
    mcbe_error_clear(&err);
    w[2] = 0;
    w[3] = 1e-120;
    assert_int_equal(mcbe_preimage_create(&other, 3, 2, w, NULL, &err), MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "the norm of row 1 is 1e-120"));
    mcbe_error_clear(&err);
    bias[2] = INFINITY;
    assert_int_equal(mcbe_preimage_create(&other, 1, 2, w, bias, NULL), MCBE_OK);
    mcbe_preimage_destroy(&other);
    w[3] = 1;
    assert_int_equal(mcbe_preimage_create(&other, 3, 2, w, bias, &err), MCBE_ERR_VALUE);
    assert_non_null(strstr(err.text, "entry 2 of the bias is inf"));
    mcbe_preimage_destroy(&preimage);
    mcbe_preimage_destroy(&preimage);
}

/* Everything that allocates: the linear program and the singular values among it. */
static mcbe_status_t use(int m, int n, const double *w, const double *bias)
{
    mcbe_preimage_t *preimage = NULL;
    mcbe_preimage_result_t result;
    mcbe_status_t st = mcbe_preimage_create(&preimage, m, n, w, bias, NULL);
    if (st == MCBE_OK) {
        st = mcbe_preimage_classify(preimage, ZEROS, &result, NULL, NULL, NULL);
    }
    mcbe_preimage_destroy(&preimage);
    return st;
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    const double boundary[6] = {1, 0, -1, 0, 0, 1}, dependent[8] = {1, 2, 2, 4, 3, 6, -1, -2};
    mcbe_omnidirectional_t verdict;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(use(6, 3, OCTAHEDRON, ONES));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(use(3, 2, boundary, ONES));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(use(4, 2, dependent, ONES));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(
        mcbe_omnidirectional(3, 2, boundary, &verdict, NULL, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_octahedron_is_known_by_hand),
        UNIT_TEST(hulls_with_0_on_the_boundary_are_open),
        UNIT_TEST(what_rounding_leaves_open_is_undecided),
        UNIT_TEST(rows_of_zeros_change_nothing),
        UNIT_TEST(antipodal_rows_of_a_plane_leave_its_normal),
        UNIT_TEST(repeated_rows_count_once),
        UNIT_TEST(dependent_rows_are_no_singleton),
        UNIT_TEST(all_and_none_active),
        UNIT_TEST(an_input_that_is_not_looked_at_is_a_ray),
        UNIT_TEST(a_hidden_sign_matters_only_sometimes),
        UNIT_TEST(scaled_and_permuted_rows_give_the_same),
        UNIT_TEST(a_layer_serves_many_points_in_any_order),
        UNIT_TEST(unusable_input_is_one_sentence),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("preimage", tests, NULL, NULL);
}
