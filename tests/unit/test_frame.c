#include "mcbe/frame.h"

#include "unit.h"

static const mcbe_stream_key_t key_30_60 = {.seed = 5, .n = 30, .m = 60, .trial = 1};

static double dot(const mcbe_frame_t *frame, int i, int j)
{
    double sum = 0;
    for (int k = 0; k < frame->n; k++) {
        sum += frame->w[i * frame->n + k] * frame->w[j * frame->n + k];
    }
    return sum;
}

/* What every frame must fulfil: the transpose is one, norms are norms. */
static void assert_consistent(const mcbe_frame_t *frame)
{
    double largest = 0;
    for (int j = 0; j < frame->m; j++) {
        long double squares = 0;
        for (int k = 0; k < frame->n; k++) {
            const double entry = frame->w[j * frame->n + k];
            assert_true(mcbe_frame_transposed(frame)[k * frame->m + j] == entry);
            squares += (long double)entry * (long double)entry;
        }
        const long double norm = sqrtl(squares);
        assert_true(fabsl((long double)frame->norm[j] - norm) <= 1e-14L * norm);
        largest = fmax(largest, frame->norm[j]);
    }
    assert_true(frame->norm_max == largest);
}

static void assert_unit_rows(const mcbe_frame_t *frame)
{
    for (int j = 0; j < frame->m; j++) {
        assert_true(fabs(dot(frame, j, j) - 1) < 1e-14);
        assert_true(fabs(frame->norm[j] - 1) < 1e-14);
    }
}

static void assert_zeroed(const mcbe_frame_t *frame)
{
    assert_int_equal(frame->m, 0);
    assert_int_equal(frame->n, 0);
    assert_null(frame->w);
    assert_null(frame->transpose);
    assert_null(frame->norm);
}

/* A frame with rubbish in it: a function that fails must zero it. */
static mcbe_frame_t rubbish(void)
{
    mcbe_frame_t frame;
    memset(&frame, 0x5a, sizeof frame);
    return frame;
}

/* How often each of `count` values occurs among the inner products of a row with the others. */
static void assert_gram(mcbe_ensemble_t ensemble, int rows, const double *values, const int *times,
                        size_t count)
{
    mcbe_frame_t frame;
    int m = 0, n = 0;
    assert_int_equal(mcbe_frame_named_shape(ensemble, &m, &n), MCBE_OK);
    assert_int_equal(m, rows);
    assert_int_equal(n, 3);
    assert_int_equal(mcbe_frame_named(&frame, ensemble), MCBE_OK);
    assert_int_equal(frame.m, rows);
    assert_int_equal(frame.n, 3);
    assert_consistent(&frame);
    assert_unit_rows(&frame);
    for (int i = 0; i < rows; i++) {
        for (size_t v = 0; v < count; v++) {
            int found = 0;
            for (int j = 0; j < rows; j++) {
                found += j != i && fabs(dot(&frame, i, j) - values[v]) < 1e-14;
            }
            assert_int_equal(found, times[v]);
        }
    }
    mcbe_frame_free(&frame);
    assert_zeroed(&frame);
}

static void polyhedra_have_their_gram_matrices(void **state)
{
    (void)state;
    const double tetrahedron[] = {-1.0 / 3};
    const double octahedron[] = {0, -1};
    const double icosahedron[] = {1 / sqrt(5.0), -1 / sqrt(5.0), -1};
    assert_gram(MCBE_ENSEMBLE_TETRAHEDRON, 4, tetrahedron, (const int[]){3}, 1);
    assert_gram(MCBE_ENSEMBLE_OCTAHEDRON, 6, octahedron, (const int[]){4, 1}, 2);
    assert_gram(MCBE_ENSEMBLE_ICOSAHEDRON, 12, icosahedron, (const int[]){5, 5, 1}, 3);
}

static void octahedron_has_the_documented_order(void **state)
{
    (void)state;
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    for (int j = 0; j < 6; j++) {
        for (int k = 0; k < 3; k++) {
            const double expected = j % 3 == k ? (j < 3 ? 1 : -1) : 0;
            assert_true(frame.w[3 * j + k] == expected);
        }
    }
    mcbe_frame_free(&frame);
}

static void only_named_ensembles_have_a_matrix(void **state)
{
    (void)state;
    static const mcbe_ensemble_t others[] = {MCBE_ENSEMBLE_GAUSSIAN, MCBE_ENSEMBLE_SPHERE,
                                             MCBE_ENSEMBLE_FILE};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        mcbe_frame_t frame = rubbish();
        int m = 7, n = 8;
        assert_int_equal(mcbe_frame_named_shape(others[i], &m, &n), MCBE_ERR_ARGUMENT);
        assert_int_equal(mcbe_frame_named(&frame, others[i]), MCBE_ERR_ARGUMENT);
        assert_int_equal(m, 7);
        assert_int_equal(n, 8);
    }
}

/* 80,000 entries: mean 0, mean square 1, mean fourth power 3, within five standard errors. */
static void gaussian_entries_are_standard_normal(void **state)
{
    (void)state;
    const mcbe_stream_key_t key = {.seed = 1, .n = 200, .m = 400};
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_OK);
    assert_int_equal(frame.m, 400);
    assert_int_equal(frame.n, 200);
    assert_consistent(&frame);
    const double count = 400.0 * 200.0;
    double sum = 0, squares = 0, fourths = 0;
    for (int i = 0; i < 400 * 200; i++) {
        const double square = frame.w[i] * frame.w[i];
        sum += frame.w[i];
        squares += square;
        fourths += square * square;
    }
    assert_true(fabs(sum) < 5 * sqrt(count));
    assert_true(fabs(squares - count) < 5 * sqrt(2 * count));
    assert_true(fabs(fourths - 3 * count) < 5 * sqrt(96 * count));
    mcbe_frame_free(&frame);
}

/* Coordinates of uniform points on the sphere of R^n have mean 0 and mean square 1/n; the product
 * of two of them has mean square 1/(n (n + 2)). */
static void sphere_rows_are_uniform_directions(void **state)
{
    (void)state;
    enum { M = 4000, N = 5 };
    const mcbe_stream_key_t key = {.seed = 2, .n = N, .m = M};
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_random(&frame, MCBE_ENSEMBLE_SPHERE, &key, 0), MCBE_OK);
    assert_unit_rows(&frame);
    for (int k = 0; k < N; k++) {
        double sum = 0, squares = 0, products = 0;
        for (int j = 0; j < M; j++) {
            const double *row = frame.w + N * j;
            sum += row[k];
            squares += row[k] * row[k];
            products += row[k] * row[(k + 1) % N];
        }
        assert_true(fabs(sum) < 5 * sqrt(M / (double)N));
        assert_true(fabs(products) < 5 * sqrt(M / (N * (N + 2.0))));
        const double variance = 3 / (N * (N + 2.0)) - 1 / ((double)N * N);
        assert_true(fabs(squares - M / (double)N) < 5 * sqrt(M * variance));
    }
    mcbe_frame_free(&frame);
}

static void a_random_frame_is_addressed_by_seed_shape_and_trial(void **state)
{
    (void)state;
    mcbe_frame_t frame, again, other;
    mcbe_stream_key_t key = key_30_60;
    assert_int_equal(mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_OK);
    const size_t bytes = (size_t)frame.m * (size_t)frame.n * sizeof *frame.w;

    key.purpose = MCBE_PURPOSE_BIAS; /* both are set inside */
    key.block = 99;
    assert_int_equal(mcbe_frame_random(&again, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_OK);
    assert_memory_equal(again.w, frame.w, bytes);
    mcbe_frame_free(&again);

    mcbe_stream_key_t moved[] = {key_30_60, key_30_60};
    moved[0].seed++;
    moved[1].trial++;
    for (size_t i = 0; i < COUNT_OF(moved); i++) {
        assert_int_equal(mcbe_frame_random(&other, MCBE_ENSEMBLE_GAUSSIAN, &moved[i], 0), MCBE_OK);
        for (int e = 0; e < frame.m * frame.n; e += 7) {
            assert_true(other.w[e] != frame.w[e]);
        }
        mcbe_frame_free(&other);
    }
    mcbe_frame_free(&frame);
}

static void normalising_divides_by_the_norm(void **state)
{
    (void)state;
    mcbe_frame_t raw, unit, sphere;
    assert_int_equal(mcbe_frame_random(&raw, MCBE_ENSEMBLE_GAUSSIAN, &key_30_60, 0), MCBE_OK);
    assert_int_equal(mcbe_frame_random(&unit, MCBE_ENSEMBLE_GAUSSIAN, &key_30_60, 1), MCBE_OK);
    assert_int_equal(mcbe_frame_random(&sphere, MCBE_ENSEMBLE_SPHERE, &key_30_60, 0), MCBE_OK);
    assert_unit_rows(&unit);
    assert_consistent(&unit);
    for (int j = 0; j < raw.m; j++) {
        for (int k = 0; k < raw.n; k++) {
            const int at = j * raw.n + k;
            assert_true(fabs(unit.w[at] * raw.norm[j] - raw.w[at]) <= 1e-15 * raw.norm[j]);
        }
    }
    assert_memory_equal(sphere.w, unit.w, (size_t)raw.m * (size_t)raw.n * sizeof *raw.w);
    mcbe_frame_free(&sphere);
    mcbe_frame_free(&unit);
    mcbe_frame_free(&raw);
}

static void random_refuses_bad_shapes_and_ensembles(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {
        /* m, n */
        {4, 5},        {4, 0}, {4, -1}, {0, 0}, {MCBE_MAX_M + 1, 1}, {MCBE_MAX_M, MCBE_MAX_N + 1},
        {INT64_MAX, 1}};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        const mcbe_stream_key_t key = {.seed = 1, .m = shapes[i][0], .n = shapes[i][1]};
        mcbe_frame_t frame = rubbish();
        assert_int_equal(mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_ERR_DIM);
        assert_zeroed(&frame);
    }
    static const mcbe_ensemble_t fixed[] = {MCBE_ENSEMBLE_TETRAHEDRON, MCBE_ENSEMBLE_OCTAHEDRON,
                                            MCBE_ENSEMBLE_ICOSAHEDRON, MCBE_ENSEMBLE_FILE};
    for (size_t i = 0; i < COUNT_OF(fixed); i++) {
        mcbe_frame_t frame = rubbish();
        assert_int_equal(mcbe_frame_random(&frame, fixed[i], &key_30_60, 0), MCBE_ERR_ARGUMENT);
        assert_zeroed(&frame);
    }
}

static void copy_skips_the_padding_of_rows(void **state)
{
    (void)state;
    /* 3 x 2 with a row stride of 4; what lies between must not be looked at */
    const double w[] = {3, 4, NAN, INFINITY, 0, -2, NAN, 1e300, 5, 12};
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_copy(&frame, 3, 2, w, 4, 0, NULL), MCBE_OK);
    const double expected[] = {3, 4, 0, -2, 5, 12}, norms[] = {5, 2, 13};
    assert_memory_equal(frame.w, expected, sizeof expected);
    for (int j = 0; j < 3; j++) {
        assert_true(frame.norm[j] == norms[j]);
    }
    assert_true(frame.norm_max == 13);
    assert_consistent(&frame);
    mcbe_frame_free(&frame);

    assert_int_equal(mcbe_frame_copy(&frame, 3, 2, w, 4, 1, NULL), MCBE_OK);
    const double unit[] = {0.6, 0.8, 0, -1, 5.0 / 13, 12.0 / 13};
    for (int i = 0; i < 6; i++) {
        assert_true(fabs(frame.w[i] - unit[i]) < 1e-15);
    }
    mcbe_frame_free(&frame);
}

static void copy_refuses_bad_shapes(void **state)
{
    (void)state;
    const double w[] = {1, 2, 3, 4, 5, 6};
    static const int shapes[][3] = {/* m, n, ldw */
                                    {2, 3, 3},
                                    {2, 0, 1},
                                    {0, 0, 0},
                                    {-1, -1, 1},
                                    {3, 2, 1},
                                    {MCBE_MAX_M + 1, 1, 1},
                                    {MCBE_MAX_M, MCBE_MAX_N + 1, MCBE_MAX_N + 1}};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        mcbe_frame_t frame = rubbish();
        mcbe_error_t err = {0};
        assert_int_equal(
            mcbe_frame_copy(&frame, shapes[i][0], shapes[i][1], w, shapes[i][2], 0, &err),
            MCBE_ERR_DIM);
        assert_zeroed(&frame);
        assert_int_equal(err.status, MCBE_ERR_DIM);
    }
}

static void copy_names_the_row_it_refuses(void **state)
{
    (void)state;
    const double bad[] = {NAN, INFINITY, -INFINITY, 1e200, -1e200, 0};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        for (int normalize = 0; normalize < 2; normalize++) {
            const double w[] = {1, 2, 3, 4, bad[i], 0, 5, 6};
            mcbe_frame_t frame = rubbish();
            mcbe_error_t err = {0};
            assert_int_equal(mcbe_frame_copy(&frame, 4, 2, w, 2, normalize, &err), MCBE_ERR_VALUE);
            assert_zeroed(&frame);
            assert_int_equal(err.status, MCBE_ERR_VALUE);
            assert_non_null(strstr(err.text, "row 2"));
            assert_null(strchr(err.text, '\n'));
            assert_int_equal(mcbe_frame_copy(&frame, 4, 2, w, 2, normalize, NULL), MCBE_ERR_VALUE);
        }
    }
}

/* Squares of these entries are near the ends of fp64 or beyond them. */
static void tiny_and_huge_rows_keep_their_norms(void **state)
{
    (void)state;
    static const double sizes[] = {1e-149, 1e-140, 1e-30, 1e30, 1e140, 1e148};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        const double s = sizes[i], w[] = {3 * s, 4 * s, 5 * s, -12 * s};
        const double norms[] = {5 * s, 13 * s};
        mcbe_frame_t frame;
        assert_int_equal(mcbe_frame_copy(&frame, 2, 2, w, 2, 0, NULL), MCBE_OK);
        for (int j = 0; j < 2; j++) {
            assert_true(fabs(frame.norm[j] / norms[j] - 1) < 1e-15);
        }
        mcbe_frame_free(&frame);
        assert_int_equal(mcbe_frame_copy(&frame, 2, 2, w, 2, 1, NULL), MCBE_OK);
        assert_unit_rows(&frame);
        assert_true(fabs(frame.w[0] - 0.6) < 1e-15 && fabs(frame.w[3] + 12.0 / 13) < 1e-15);
        mcbe_frame_free(&frame);
    }
    const double small[] = {1e-151};
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_copy(&frame, 1, 1, small, 1, 0, NULL), MCBE_ERR_VALUE);
}

/* The canonical rule, written a second time: fp64, k in order, then the factor. */
static void assert_canonical(const mcbe_frame_t *frame, const float *x, ptrdiff_t stride,
                             double scale)
{
    double *c = mcbe_alloc((size_t)frame->m, sizeof *c);
    assert_non_null(c);
    mcbe_frame_coefficients(frame, x, stride, scale, c);
    for (int j = 0; j < frame->m; j++) {
        double sum = 0;
        for (int k = 0; k < frame->n; k++) {
            sum += frame->w[j * frame->n + k] * (double)x[k * stride];
        }
        const double expected = sum * scale;
        if (expected == 0) {
            assert_true(c[j] == 0 && !signbit(c[j]));
        } else {
            assert_memory_equal(&c[j], &expected, sizeof expected);
        }
    }
    mcbe_free(c);
}

static void coefficients_equal_the_plain_loop_bit_for_bit(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{1, 1},  {2, 1},   {3, 3},   {7, 2},   {8, 5},
                                        {15, 4}, {16, 16}, {31, 10}, {64, 17}, {200, 33}};
    static const ptrdiff_t strides[] = {1, 2, 5, 256};
    static const double scales[] = {1, 0.1, -3.7, 1e-160, 1e160};
    enum { X_LENGTH = 33 * 256 };
    float *x = mcbe_alloc(X_LENGTH, sizeof *x);
    assert_non_null(x);
    mcbe_rng_t rng = test_rng(4);
    mcbe_rng_normals(&rng, x, X_LENGTH);
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        const mcbe_stream_key_t key = {.seed = 3, .m = shapes[i][0], .n = shapes[i][1]};
        mcbe_frame_t frame;
        assert_int_equal(mcbe_frame_random(&frame, MCBE_ENSEMBLE_SPHERE, &key, 0), MCBE_OK);
        for (size_t t = 0; t < COUNT_OF(strides); t++) {
            for (size_t s = 0; s < COUNT_OF(scales); s++) {
                assert_canonical(&frame, x + t, strides[t], scales[s]);
            }
        }
        mcbe_frame_free(&frame);
    }
    mcbe_free(x);
}

static void coefficients_are_never_minus_zero(void **state)
{
    (void)state;
    const double w[] = {-1, 0, 1, 1, 0, -1};
    const float x[] = {0.0F, -0.0F, 3.0F};
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_copy(&frame, 3, 2, w, 2, 0, NULL), MCBE_OK);
    assert_canonical(&frame, x, 1, 1);
    assert_canonical(&frame, x, 1, -1);
    assert_canonical(&frame, x + 1, 1, -1e-320);
    mcbe_frame_free(&frame);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    const double w[] = {1, 2, 3, 4};
    mcbe_frame_t frame;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(
        mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key_30_60, 0));
    mcbe_frame_free(&frame);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_frame_named(&frame, MCBE_ENSEMBLE_ICOSAHEDRON));
    mcbe_frame_free(&frame);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_frame_copy(&frame, 2, 2, w, 2, 1, NULL));
    mcbe_frame_free(&frame);
    mcbe_frame_free(&frame); /* a zeroed one is accepted */
}

static void single_precision_entries_are_kept(void **state)
{
    (void)state;
    const float w[] = {0.1F, -2, 9, 3, 4e30F, 9};
    const double same[] = {(double)0.1F, -2, 3, (double)4e30F};
    mcbe_frame_t single = {0}, twice;
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_frame_assign_f32(&single, 2, 2, w, 3, 0, NULL), MCBE_OK);
    assert_int_equal(mcbe_frame_copy(&twice, 2, 2, same, 2, 0, NULL), MCBE_OK);
    assert_memory_equal(single.w, twice.w, sizeof same);
    assert_memory_equal(mcbe_frame_transposed(&single), mcbe_frame_transposed(&twice), sizeof same);
    assert_memory_equal(single.norm, twice.norm, 2 * sizeof *single.norm);
    mcbe_frame_free(&twice);
    assert_int_equal(mcbe_frame_assign_f32(&single, 1, 2, w, 2, 0, &err), MCBE_ERR_DIM);
    assert_non_null(strstr(err.text, "shape 1 x 2"));
    assert_zeroed(&single);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_frame_assign_f32(&single, 2, 2, w, 3, 1, NULL));
    mcbe_frame_free(&single);
}

/* Nothing of what was there is left: neither entries nor the largest norm. */
static void a_frame_takes_another_matrix(void **state)
{
    (void)state;
    const double large[] = {30, 40, 5, 12, 8, 6}, small[] = {3, 4, 0.5, 1.2, 0, 1};
    mcbe_frame_t frame = {0}, fresh;
    assert_int_equal(mcbe_frame_assign(&frame, 3, 2, large, 2, 0, NULL), MCBE_OK);
    const double *memory = frame.w;
    assert_true(mcbe_frame_transposed(&frame)[1] == 5);
    assert_int_equal(mcbe_frame_assign(&frame, 3, 2, small, 2, 0, NULL), MCBE_OK);
    assert_ptr_equal(frame.w, memory);
    assert_int_equal(mcbe_frame_copy(&fresh, 3, 2, small, 2, 0, NULL), MCBE_OK);
    assert_memory_equal(frame.w, fresh.w, sizeof small);
    assert_memory_equal(mcbe_frame_transposed(&frame), mcbe_frame_transposed(&fresh), sizeof small);
    assert_true(frame.norm_max == 5 && frame.norm_max == fresh.norm_max);
    assert_int_equal(mcbe_frame_assign(&frame, 2, 2, large, 2, 0, NULL), MCBE_OK);
    assert_int_equal(frame.m, 2);
    assert_true(frame.norm_max == 50);
    mcbe_frame_free(&fresh);
    mcbe_frame_free(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(polyhedra_have_their_gram_matrices),
        UNIT_TEST(octahedron_has_the_documented_order),
        UNIT_TEST(only_named_ensembles_have_a_matrix),
        UNIT_TEST(gaussian_entries_are_standard_normal),
        UNIT_TEST(sphere_rows_are_uniform_directions),
        UNIT_TEST(a_random_frame_is_addressed_by_seed_shape_and_trial),
        UNIT_TEST(normalising_divides_by_the_norm),
        UNIT_TEST(random_refuses_bad_shapes_and_ensembles),
        UNIT_TEST(copy_skips_the_padding_of_rows),
        UNIT_TEST(single_precision_entries_are_kept),
        UNIT_TEST(a_frame_takes_another_matrix),
        UNIT_TEST(copy_refuses_bad_shapes),
        UNIT_TEST(copy_names_the_row_it_refuses),
        UNIT_TEST(tiny_and_huge_rows_keep_their_norms),
        UNIT_TEST(coefficients_equal_the_plain_loop_bit_for_bit),
        UNIT_TEST(coefficients_are_never_minus_zero),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
