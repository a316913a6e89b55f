#include "mcbe/injectivity.h"

#include <float.h>

#include "mcbe/bias.h"
#include "unit.h"

/* e1, e1 again, e2, -e1, -e2: with the first two alone active two rows are active that span a line.
 */
static const double doubled[] = {1, 0, 1, 0, 0, 1, -1, 0, 0, -1};

static void copy_frame(mcbe_frame_t *frame, int m, int n, const double *w)
{
    assert_int_equal(mcbe_frame_copy(frame, m, n, w, n, 0, NULL), MCBE_OK);
}

static void tolerance_is_the_documented_product(void **state)
{
    (void)state;
    assert_true(mcbe_active_tolerance(1, 1, 1) == 8 * DBL_EPSILON);
    assert_true(mcbe_active_tolerance(30, 2, 0.5) == 240 * DBL_EPSILON);
    assert_true(mcbe_active_tolerance(4, 0.25, 8) == 64 * DBL_EPSILON);
}

/* The octahedron at (1, 1, 1)/sqrt(3): e1, e2, e3 are active (thesis example 4.1.1). */
static void the_octahedron_by_hand(void **state)
{
    (void)state;
    const float x[] = {1, 1, 1};
    const double zero[6] = {0}, half[] = {0.5, 0.5, 0.6, -0.5, -0.6, -0.5};
    const unsigned char positive[] = {1, 1, 1, 0, 0, 0}, mixed[] = {1, 1, 0, 0, 1, 0};
    double c[6];
    unsigned char active[6];
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    mcbe_frame_coefficients(&frame, x, 1, 1 / sqrt(3.0), c);
    assert_int_equal(mcbe_active_count(&frame, c, NULL, 1, active), 3);
    assert_memory_equal(active, positive, sizeof active);
    assert_int_equal(mcbe_active_count(&frame, c, zero, 1, active), 3);
    assert_memory_equal(active, positive, sizeof active);
    assert_int_equal(mcbe_active_count(&frame, c, half, 1, active), 3);
    assert_memory_equal(active, mixed, sizeof active);
    assert_int_equal(mcbe_active_count(&frame, c, half, 1, NULL), 3);
    mcbe_frame_free(&frame);
}

static void rows_at_their_bias_are_active_within_the_tolerance(void **state)
{
    (void)state;
    const double w[] = {3, 4, -6, 8}; /* norms 5 and 10 */
    const double c[] = {0.7, -0.2};
    static const struct {
        double steps; /* the bias above c, in tolerances */
        int active;
    } cases[] = {{-2, 1}, {0, 1}, {0.5, 1}, {2, 0}};
    mcbe_frame_t frame;
    copy_frame(&frame, 2, 2, w);
    for (int row = 0; row < 2; row++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            double bias[] = {INFINITY, INFINITY};
            unsigned char active[2];
            bias[row] = c[row] + cases[i].steps * mcbe_active_tolerance(2, 3, frame.norm[row]);
            assert_int_equal(mcbe_active_count(&frame, c, bias, 3, active), cases[i].active);
            assert_int_equal(active[row], cases[i].active);
            assert_int_equal(active[1 - row], 0);
        }
    }
    const double everything[] = {-INFINITY, -INFINITY};
    assert_int_equal(mcbe_active_count(&frame, c, everything, 3, NULL), 2);
    mcbe_frame_free(&frame);
}

/* A coefficient summed the other way round, as another product might. */
static void backward_coefficients(const mcbe_frame_t *frame, const float *x, ptrdiff_t stride,
                                  double scale, double *c)
{
    for (int j = 0; j < frame->m; j++) {
        c[j] = 0;
        for (int k = frame->n - 1; k >= 0; k--) {
            c[j] += frame->w[j * frame->n + k] * ((double)x[k * stride] * scale);
        }
    }
}

/* Every visited point has n active rows at alpha*, its witnesses included, however it is computed.
 */
static void points_stay_active_at_their_own_alpha(void **state)
{
    (void)state;
    enum { N = 10, M = 50, BLOCKS = 4 };
    const mcbe_stream_key_t key = {.seed = 1, .n = N, .m = M};
    const mcbe_domain_t domain = {MCBE_DOMAIN_SPHERE, MCBE_RADIAL_ANALYTIC, 1, 0, 0, NULL};
    const int width = mcbe_domain_block_size(N);
    mcbe_frame_t frame;
    mcbe_bias_state_t found;
    mcbe_estimator_t *estimator = NULL;
    assert_int_equal(mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_OK);
    assert_int_equal(mcbe_bias_state_init(&found, M), MCBE_OK);
    assert_int_equal(mcbe_estimator_create(&estimator, &frame, &domain, &key, MCBE_PRECISION_MIXED),
                     MCBE_OK);
    for (int64_t block = 0; block < BLOCKS; block++) {
        assert_int_equal(mcbe_estimator_block(estimator, block, 0, width, &found, NULL), MCBE_OK);
    }
    int differing = 0, witnesses = 0;
    float x[N * 256];
    double scale[256], c[M], backward[M];
    for (int64_t sample = 0; sample < BLOCKS * width; sample++) {
        const ptrdiff_t number = sample % width;
        if (number == 0) {
            mcbe_stream_key_t block_key = key;
            block_key.block = sample / width;
            mcbe_domain_fill(&domain, N, &block_key, x, scale);
        }
        unsigned char active[M];
        mcbe_frame_coefficients(&frame, x + number, width, scale[number], c);
        assert_true(mcbe_active_count(&frame, c, found.alpha, 1, active) >= N);
        backward_coefficients(&frame, x + number, width, scale[number], backward);
        assert_true(mcbe_active_count(&frame, backward, found.alpha, 1, active) >= N);
        for (int j = 0; j < M; j++) {
            differing += c[j] != backward[j];
            if (found.witness[j] == sample) {
                assert_true(c[j] == found.alpha[j]);
                assert_int_equal(active[j], 1);
                witnesses++;
            }
        }
    }
    assert_true(differing > 1000); /* or the tolerance was not put to the test */
    assert_int_equal(witnesses, M);
    mcbe_estimator_destroy(&estimator);
    mcbe_bias_state_free(&found);
    mcbe_frame_free(&frame);
}

static void rank_counts_directions(void **state)
{
    (void)state;
    static const struct {
        unsigned char active[5];
        int rank;
    } cases[] = {{{0, 0, 0, 0, 0}, 0}, {{1, 0, 0, 0, 0}, 1}, {{1, 1, 0, 0, 0}, 1},
                 {{1, 1, 0, 1, 0}, 1}, {{1, 0, 1, 0, 0}, 2}, {{0, 0, 0, 1, 1}, 2},
                 {{1, 1, 1, 1, 1}, 2}};
    static const double sizes[] = {1, 1e-140, 1e140};
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        double w[10];
        for (int i = 0; i < 10; i++) {
            w[i] = doubled[i] * sizes[s];
        }
        mcbe_frame_t frame;
        copy_frame(&frame, 5, 2, w);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            int rank = -1;
            assert_int_equal(mcbe_active_rank(&frame, cases[i].active, &rank), MCBE_OK);
            assert_int_equal(rank, cases[i].rank);
        }
        mcbe_frame_free(&frame);
    }
}

/* Rows of very different length span the plane all the same. */
static void rank_does_not_depend_on_row_norms(void **state)
{
    (void)state;
    const double w[] = {1e30, 0, 1e-30, 1e-30, 0, 1};
    const unsigned char active[] = {1, 1, 0};
    mcbe_frame_t frame;
    int rank = -1;
    copy_frame(&frame, 3, 2, w);
    assert_int_equal(mcbe_active_rank(&frame, active, &rank), MCBE_OK);
    assert_int_equal(rank, 2);
    mcbe_frame_free(&frame);
}

/* Random rows have full spark: the rank is the smaller of n and their number. */
static void rank_of_random_rows_is_full(void **state)
{
    (void)state;
    enum { N = 6, M = 20 };
    const mcbe_stream_key_t key = {.seed = 1, .n = N, .m = M};
    mcbe_frame_t frame;
    mcbe_rng_t rng = test_rng(3);
    assert_int_equal(mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_OK);
    for (int i = 0; i < 200; i++) {
        unsigned char active[M];
        int count = 0, rank = -1;
        for (int j = 0; j < M; j++) {
            active[j] = test_between(&rng, 0, 19) < i / 10;
            count += active[j];
        }
        assert_int_equal(mcbe_active_rank(&frame, active, &rank), MCBE_OK);
        assert_int_equal(rank, count < N ? count : N);
    }
    mcbe_frame_free(&frame);
}

static void p_injective_counts_points(void **state)
{
    (void)state;
    /* active rows of `doubled` at bias 0: {1,2,3}, {1,2,5}, {3,4}, {4,5}; on an axis: {1,2,3,5} */
    const float points[] = {1, 2, 1, -2, -1, 2, -1, -2, 1, 0};
    const double high[] = {0.5, 0.5, 1.5, 0.5, 1.5};
    mcbe_frame_t frame;
    mcbe_p_injective_t result;
    copy_frame(&frame, 5, 2, doubled);

    assert_int_equal(mcbe_p_injective(&frame, NULL, points, NULL, 5, 1, &result), MCBE_OK);
    assert_int_equal(result.points, 5);
    assert_int_equal(result.injective, 5);
    assert_int_equal(result.rank_fails, 0);
    assert_int_equal(result.min_active, 2);

    /* at bias `high` the last point has only the doubled row: two active, rank 1 */
    assert_int_equal(mcbe_p_injective(&frame, high, points, NULL, 5, 1, &result), MCBE_OK);
    assert_int_equal(result.injective, 5);
    assert_int_equal(result.rank_fails, 1);
    assert_int_equal(mcbe_p_injective(&frame, high, points, NULL, 5, 0, &result), MCBE_OK);
    assert_int_equal(result.injective, 5);
    assert_int_equal(result.rank_fails, 0);

    /* scaled by a quarter no row but those of +-2 comes near, and 0.5 < 1.5 */
    const double quarter[] = {0.25, 0.25, 0.25, 0.25, 0.25};
    assert_int_equal(mcbe_p_injective(&frame, high, points, quarter, 5, 1, &result), MCBE_OK);
    assert_int_equal(result.points, 5);
    assert_int_equal(result.injective, 0);
    assert_int_equal(result.min_active, 0);

    /* the factor belongs to its point: only the first is large enough */
    const double mixed[] = {1, 0.25, 0.25, 0.25, 0.25};
    assert_int_equal(mcbe_p_injective(&frame, high, points, mixed, 5, 0, &result), MCBE_OK);
    assert_int_equal(result.injective, 1);

    assert_int_equal(mcbe_p_injective(&frame, NULL, NULL, NULL, 0, 1, &result), MCBE_OK);
    assert_int_equal(result.points, 0);
    assert_int_equal(result.injective, 0);
    assert_int_equal(result.min_active, 6);
    mcbe_frame_free(&frame);
}

static void hamming_counts_rows(void **state)
{
    (void)state;
    const double alpha[] = {0.5, -0.25, INFINITY, 0, INFINITY, 1};
    const double bias[] = {0.5, 0, 1e300, -1, INFINITY, 1.0000001};
    mcbe_hamming_t result;
    mcbe_hamming(6, alpha, bias, NULL, &result);
    assert_int_equal(result.rows, 6);
    assert_int_equal(result.satisfied, 4); /* rows 0, 2, 3, 4 */
    assert_int_equal(result.unconstrained, 2);
}

static void hamming_compares_in_the_unit(void **state)
{
    (void)state;
    const double alpha[] = {1, 1, -1, -1, INFINITY};
    const double bias[] = {0.5, 0.5, -0.5, -0.5, 7};
    const double unit[] = {2, 4, 2, 4, 2}; /* alpha / unit: 0.5, 0.25, -0.5, -0.25, inf */
    mcbe_hamming_t result;
    mcbe_hamming(5, alpha, bias, unit, &result);
    assert_int_equal(result.rows, 5);
    assert_int_equal(result.satisfied, 4); /* all but row 1 */
    assert_int_equal(result.unconstrained, 1);
    mcbe_hamming(5, alpha, bias, NULL, &result);
    assert_int_equal(result.satisfied, 3); /* rows 0, 1, 4 */
}

/* Bias 1 for e1, e2: on the point itself both are active, and a step that fp32 cannot see decides. */
static void p_injective_sees_what_fp64_tells(void **state)
{
    (void)state;
    const double w[] = {1, 0, 0, 1}, bias[] = {1, 1};
    const double points[] = {1, 1, 1, 1 - 1e-12, 1 + 1e-12, 1 + 1e-12, 0.5, 3};
    mcbe_frame_t frame;
    mcbe_p_injective_t result;
    copy_frame(&frame, 2, 2, w);
    assert_int_equal(mcbe_p_injective_f64(&frame, bias, points, 4, 1, &result), MCBE_OK);
    assert_int_equal(result.points, 4);
    assert_int_equal(result.injective, 2);
    assert_int_equal(result.rank_fails, 0);
    assert_int_equal(result.min_active, 1);
    assert_int_equal(mcbe_p_injective_f64(&frame, NULL, points, 0, 0, &result), MCBE_OK);
    assert_int_equal(result.min_active, 3);
    mcbe_frame_free(&frame);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    const unsigned char active[] = {1, 0, 1, 0, 0};
    const float points[] = {1, 2};
    const double fine[] = {1, 2};
    mcbe_frame_t frame;
    mcbe_p_injective_t result;
    int rank = 0;
    copy_frame(&frame, 5, 2, doubled);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_active_rank(&frame, active, &rank));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_p_injective(&frame, NULL, points, NULL, 1, 1, &result));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_p_injective_f64(&frame, NULL, fine, 1, 1, &result));
    mcbe_frame_free(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(tolerance_is_the_documented_product),
        UNIT_TEST(the_octahedron_by_hand),
        UNIT_TEST(rows_at_their_bias_are_active_within_the_tolerance),
        UNIT_TEST(points_stay_active_at_their_own_alpha),
        UNIT_TEST(rank_counts_directions),
        UNIT_TEST(rank_does_not_depend_on_row_norms),
        UNIT_TEST(rank_of_random_rows_is_full),
        UNIT_TEST(p_injective_counts_points),
        UNIT_TEST(p_injective_sees_what_fp64_tells),
        UNIT_TEST(hamming_counts_rows),
        UNIT_TEST(hamming_compares_in_the_unit),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("injectivity", tests, NULL, NULL);
}
