/* Networks of a few numbers worked out by hand, and properties of random ones. */

#include "mcbe/network.h"

#include "unit.h"

enum { ROOM = 4096 };

static void fill(mcbe_rng_t *rng, int count, double *x)
{
    float normals[ROOM];
    assert_true(count <= ROOM);
    mcbe_rng_normals(rng, normals, (size_t)count);
    for (int i = 0; i < count; i++) {
        x[i] = (double)normals[i];
    }
}

static void start(mcbe_network_t *network, int channels, int height, int width)
{
    const mcbe_extent_t input = {channels, height, width};
    assert_int_equal(mcbe_network_init(network, &input, NULL), MCBE_OK);
}

static void add(mcbe_network_t *network, mcbe_layer_kind_t kind)
{
    const mcbe_network_layer_t layer = {.kind = kind};
    assert_int_equal(mcbe_network_add(network, &layer, NULL, NULL, NULL), MCBE_OK);
}

static void add_dense(mcbe_network_t *network, int outputs, const double *weight,
                      const double *bias)
{
    const mcbe_network_layer_t layer = {.kind = MCBE_LAYER_DENSE, .outputs = outputs};
    assert_int_equal(mcbe_network_add(network, &layer, weight, bias, NULL), MCBE_OK);
}

static void add_window(mcbe_network_t *network, int outputs, const mcbe_window_t *window,
                       const double *weight, const double *bias)
{
    const mcbe_network_layer_t layer = {.kind = outputs > 0 ? MCBE_LAYER_CONV : MCBE_LAYER_MAX_POOL,
                                        .outputs = outputs,
                                        .window = *window};
    assert_int_equal(mcbe_network_add(network, &layer, weight, bias, NULL), MCBE_OK);
}

static void assert_gives(const mcbe_network_t *network, const double *x, int count,
                         const double *expected)
{
    double y[ROOM];
    const mcbe_extent_t output = mcbe_network_output(network);
    assert_int_equal(mcbe_extent_size(&output), count);
    assert_int_equal(mcbe_network_forward(network, network->count, 1, x, y), MCBE_OK);
    for (int i = 0; i < count; i++) {
        assert_true(y[i] == expected[i]);
    }
}

static void dense_layers_by_hand(void **state)
{
    (void)state;
    const double w1[] = {1, 2, 3, -4, 0, 1}, b1[] = {0.5, 0, -1}, w2[] = {2, 100, -1};
    const double x[] = {1, 2, -2, 1, 0, 0};
    const double expected[] = {10, 1, 1};
    mcbe_network_t network;
    start(&network, 2, 1, 1);
    assert_gives(&network, x, 2, x); /* no layers: the identity */
    add_dense(&network, 3, w1, b1);
    assert_gives(&network, x, 3, (const double[]){5.5, -5, 1});
    add(&network, MCBE_LAYER_RELU);
    assert_gives(&network, x, 3, (const double[]){5.5, 0, 1});
    add_dense(&network, 1, w2, NULL);
    double y[3];
    /* (1, 2): 11 - 1; (-2, 1): ReLU(0.5, -10, 0) gives 1; (0, 0): ReLU(0.5, 0, -1) gives 1 */
    assert_int_equal(mcbe_network_forward(&network, 3, 3, x, y), MCBE_OK);
    for (int i = 0; i < 3; i++) {
        assert_true(y[i] == expected[i]);
    }
    mcbe_network_free(&network);
}

static void convolutions_by_hand(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, kernel[] = {1, 0, 0, -1}, bias[] = {10};
    mcbe_network_t plain, padded, two;
    start(&plain, 1, 3, 3);
    add_window(&plain, 1, &(mcbe_window_t){{2, 2}, {1, 1}, {0, 0}}, kernel, bias);
    assert_gives(&plain, x, 4, (const double[]){6, 6, 6, 6});
    start(&padded, 1, 3, 3);
    add_window(&padded, 1, &(mcbe_window_t){{2, 2}, {2, 2}, {1, 1}}, kernel, NULL);
    assert_gives(&padded, x, 4, (const double[]){-1, -3, -7, -4});
    /* two channels of one row: [1 2 3] and [4 5 6], kernels of width 2 over both */
    const double rows[] = {1, 10, 100, 1000, 0, 1, 0, 0};
    start(&two, 2, 1, 3);
    add_window(&two, 2, &(mcbe_window_t){{1, 2}, {1, 1}, {0, 0}}, rows, NULL);
    assert_gives(&two, (const double[]){1, 2, 3, 4, 5, 6}, 4, (const double[]){5421, 6532, 2, 3});
    mcbe_network_free(&two);
    mcbe_network_free(&padded);
    mcbe_network_free(&plain);
}

static void pooling_by_hand(void **state)
{
    (void)state;
    const double x[] = {-1, -2, -3, -4, -5, -6, -7, -8, -9};
    mcbe_network_t network;
    start(&network, 1, 3, 3);
    /* padding is not a number to be chosen, so negative ones stay */
    add_window(&network, 0, &(mcbe_window_t){{2, 2}, {2, 2}, {1, 1}}, NULL, NULL);
    assert_gives(&network, x, 4, (const double[]){-1, -2, -4, -5});
    add(&network, MCBE_LAYER_FLATTEN);
    const mcbe_extent_t output = mcbe_network_output(&network);
    assert_int_equal(output.channels, 4);
    assert_int_equal(output.height, 1);
    mcbe_network_free(&network);
}

/* The number of an image, 0 outside of it. */
static double at(const double *x, const mcbe_extent_t *extent, int channel, int row, int column)
{
    const int is_inside = row >= 0 && row < extent->height && column >= 0 && column < extent->width;
    return is_inside ? x[(channel * extent->height + row) * extent->width + column] : 0.0;
}

static void convolutions_are_sums_over_windows(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(11);
    for (int trial = 0; trial < 200; trial++) {
        const mcbe_extent_t in = {test_between(&rng, 1, 3), test_between(&rng, 3, 7),
                                  test_between(&rng, 3, 7)};
        const mcbe_window_t window = {{test_between(&rng, 1, 3), test_between(&rng, 1, 3)},
                                      {test_between(&rng, 1, 4), test_between(&rng, 1, 4)},
                                      {0, 0}};
        mcbe_window_t used = window;
        used.padding[0] = test_between(&rng, 0, window.size[0] - 1);
        used.padding[1] = test_between(&rng, 0, window.size[1] - 1);
        const int outputs = test_between(&rng, 1, 3);
        double x[ROOM], weight[ROOM], bias[3], y[ROOM];
        fill(&rng, mcbe_extent_size(&in), x);
        fill(&rng, outputs * in.channels * used.size[0] * used.size[1], weight);
        fill(&rng, outputs, bias);
        mcbe_network_t network;
        start(&network, in.channels, in.height, in.width);
        add_window(&network, outputs, &used, weight, bias);
        assert_int_equal(mcbe_network_forward(&network, 1, 1, x, y), MCBE_OK);
        const mcbe_extent_t out = mcbe_network_output(&network);
        assert_int_equal(out.height,
                         (in.height + 2 * used.padding[0] - used.size[0]) / used.stride[0] + 1);
        for (int o = 0; o < outputs; o++) {
            for (int r = 0; r < out.height; r++) {
                for (int c = 0; c < out.width; c++) {
                    double sum = bias[o];
                    const double *w = weight + o * in.channels * used.size[0] * used.size[1];
                    for (int k = 0; k < in.channels; k++) {
                        for (int i = 0; i < used.size[0]; i++) {
                            for (int j = 0; j < used.size[1]; j++) {
                                sum +=
                                    *w++ * at(x, &in, k, r * used.stride[0] + i - used.padding[0],
                                              c * used.stride[1] + j - used.padding[1]);
                            }
                        }
                    }
                    assert_true(fabs(sum - at(y, &out, o, r, c)) < 1e-12);
                }
            }
        }
        mcbe_network_free(&network);
    }
}

/* Every kind of layer: 2 x 6 x 5 -> conv 3 x 6 x 5 -> pool 3 x 3 x 3 -> conv 4 x 2 x 2 -> 16 -> 7. */
static void make_all_kinds(mcbe_network_t *network, mcbe_rng_t *rng)
{
    double weight[ROOM], bias[16];
    start(network, 2, 6, 5);
    fill(rng, 3 * 2 * 9, weight);
    fill(rng, 3, bias);
    add_window(network, 3, &(mcbe_window_t){{3, 3}, {1, 1}, {1, 1}}, weight, bias);
    add(network, MCBE_LAYER_RELU);
    add_window(network, 0, &(mcbe_window_t){{2, 2}, {2, 2}, {0, 1}}, NULL, NULL);
    fill(rng, 4 * 3 * 4, weight);
    fill(rng, 4, bias);
    add_window(network, 4, &(mcbe_window_t){{2, 2}, {2, 2}, {1, 1}}, weight, bias);
    add(network, MCBE_LAYER_RELU);
    add(network, MCBE_LAYER_FLATTEN);
    fill(rng, 7 * 16, weight);
    fill(rng, 7, bias);
    add_dense(network, 7, weight, bias);
    add(network, MCBE_LAYER_RELU);
}

static double dot(int count, const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

static void a_network_is_affine_near_a_point(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(12);
    for (int trial = 0; trial < 20; trial++) {
        mcbe_network_t network;
        mcbe_linearization_t *linear = NULL;
        double x[60], v[60], near[60], y[7], again[7], change[7];
        make_all_kinds(&network, &rng);
        fill(&rng, 60, x);
        fill(&rng, 60, v);
        assert_int_equal(mcbe_linearization_create(&linear, &network, x), MCBE_OK);
        assert_int_equal(mcbe_network_forward(&network, 8, 1, x, y), MCBE_OK);
        assert_memory_equal(y, mcbe_linearization_value(linear, 8), sizeof y);
        assert_memory_equal(x, mcbe_linearization_value(linear, 0), sizeof x);
        for (int k = 0; k < 60; k++) {
            near[k] = x[k] + 1e-7 * v[k];
        }
        assert_int_equal(mcbe_network_forward(&network, 8, 1, near, again), MCBE_OK);
        assert_int_equal(mcbe_linearization_apply(linear, 0, 8, 1, v, change), MCBE_OK);
        for (int i = 0; i < 7; i++) {
            assert_true(fabs(again[i] - y[i] - 1e-7 * change[i]) < 1e-12);
        }
        mcbe_linearization_destroy(&linear);
        mcbe_network_free(&network);
    }
}

/* For all ranges of layers: the transposed is the adjoint, and matrix and products agree. */
static void matrices_products_and_adjoints_agree(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(13);
    mcbe_network_t network;
    mcbe_linearization_t *linear = NULL;
    static double x[60], v[2 * 90], u[2 * 90], forward[2 * 90], back[2 * 90], matrix[90 * 90];
    make_all_kinds(&network, &rng);
    fill(&rng, 60, x);
    assert_int_equal(mcbe_linearization_create(&linear, &network, x), MCBE_OK);
    for (int first = 0; first <= 8; first++) {
        for (int last = first; last <= 8; last++) {
            int rows, columns;
            mcbe_linearization_shape(linear, first, last, &rows, &columns);
            fill(&rng, 2 * columns, v);
            fill(&rng, 2 * rows, u);
            assert_int_equal(mcbe_linearization_apply(linear, first, last, 2, v, forward), MCBE_OK);
            assert_int_equal(mcbe_linearization_apply_transposed(linear, first, last, 2, u, back),
                             MCBE_OK);
            assert_int_equal(mcbe_linearization_matrix(linear, first, last, matrix), MCBE_OK);
            for (int s = 0; s < 2; s++) {
                const double *to = forward + s * rows;
                assert_true(fabs(dot(rows, to, u + s * rows) -
                                 dot(columns, v + s * columns, back + s * columns)) < 1e-9);
                for (int i = 0; i < rows; i++) {
                    assert_true(fabs(dot(columns, matrix + i * columns, v + s * columns) - to[i]) <
                                1e-10);
                }
            }
        }
    }
    mcbe_linearization_destroy(&linear);
    mcbe_network_free(&network);
}

static void at_a_border_relu_is_inactive_and_a_pool_takes_the_first(void **state)
{
    (void)state;
    const double x[] = {3, 3, 0, 1};
    double matrix[4];
    mcbe_network_t network;
    mcbe_linearization_t *linear = NULL;
    start(&network, 1, 2, 2);
    add(&network, MCBE_LAYER_RELU);
    add_window(&network, 0, &(mcbe_window_t){{2, 2}, {1, 1}, {0, 0}}, NULL, NULL);
    assert_int_equal(mcbe_linearization_create(&linear, &network, x), MCBE_OK);
    assert_int_equal(mcbe_linearization_active(linear, 0), 3);
    assert_int_equal(mcbe_linearization_active(linear, 1), 1);
    assert_int_equal(mcbe_linearization_matrix(linear, 0, 2, matrix), MCBE_OK);
    assert_memory_equal(matrix, ((const double[]){1, 0, 0, 0}), sizeof matrix);
    mcbe_linearization_destroy(&linear);
    mcbe_network_free(&network);
}

/* Row i is scale[i % 3] times unit vector i % 3: orthogonal columns of norm scale sqrt(copies). With
 * 400 rows several batches go into the factor; both the tall matrix and the wide one. */
static void singular_values_of_stacked_unit_vectors(void **state)
{
    (void)state;
    enum { COPIES = 134, ROWS = 3 * COPIES };
    const double scale[] = {2, 1e-6, 5};
    const double expected[] = {5 * sqrt(COPIES), 2 * sqrt(COPIES), 1e-6 * sqrt(COPIES)};
    static double tall[ROWS * 3], wide[3 * ROWS];
    const double one[ROWS] = {1};
    for (int i = 0; i < ROWS; i++) {
        tall[i * 3 + i % 3] = wide[(i % 3) * ROWS + i] = scale[i % 3];
    }
    for (int is_wide = 0; is_wide < 2; is_wide++) {
        mcbe_network_t network;
        mcbe_linearization_t *linear = NULL;
        double sigma[3];
        start(&network, is_wide ? ROWS : 3, 1, 1);
        add_dense(&network, is_wide ? 3 : ROWS, is_wide ? wide : tall, NULL);
        assert_int_equal(mcbe_linearization_create(&linear, &network, one), MCBE_OK);
        assert_int_equal(mcbe_linearization_singular_values(linear, 0, 1, sigma), MCBE_OK);
        for (int k = 0; k < 3; k++) {
            assert_true(fabs(sigma[k] - expected[k]) < 1e-13 * expected[0]);
        }
        /* without squaring, the small one keeps digits that a Gram matrix would lose */
        assert_true(fabs(sigma[2] - expected[2]) < 1e-6 * expected[2]);
        mcbe_linearization_destroy(&linear);
        mcbe_network_free(&network);
    }
}

/* ReLU takes rows away: with rows (3, 0), (0, 4), (0, -4) the point (1, 1) keeps the first two, the
 * point (-1, 1) only the second. */
static void singular_values_follow_the_point(void **state)
{
    (void)state;
    const double w[] = {3, 0, 0, 4, 0, -4};
    const double points[2][2] = {{1, 1}, {-1, 1}};
    const double expected[2][2] = {{4, 3}, {4, 0}};
    mcbe_network_t network;
    start(&network, 2, 1, 1);
    add_dense(&network, 3, w, NULL);
    add(&network, MCBE_LAYER_RELU);
    for (int i = 0; i < 2; i++) {
        mcbe_linearization_t *linear = NULL;
        double sigma[2], whole[2];
        mcbe_spectrum_t spectrum;
        assert_int_equal(mcbe_linearization_create(&linear, &network, points[i]), MCBE_OK);
        assert_int_equal(mcbe_linearization_singular_values(linear, 0, 2, sigma), MCBE_OK);
        assert_int_equal(mcbe_linearization_singular_values(linear, 0, 1, whole), MCBE_OK);
        for (int k = 0; k < 2; k++) {
            assert_true(fabs(sigma[k] - expected[i][k]) < 1e-14);
        }
        assert_true(fabs(whole[0] - sqrt(32)) < 1e-14 && fabs(whole[1] - 3) < 1e-14);
        mcbe_spectrum_of(sigma, 3, 2, &spectrum);
        assert_int_equal(spectrum.rank, 2 - i);
        assert_true(fabs(spectrum.condition - (i == 0 ? 4.0 / 3 : 1)) < 1e-14);
        assert_true(spectrum.largest == sigma[0] && spectrum.smallest == sigma[1 - i]);
        mcbe_linearization_destroy(&linear);
    }
    mcbe_spectrum_t nothing;
    mcbe_spectrum_of((const double[]){0, 0}, 3, 2, &nothing);
    assert_true(nothing.rank == 0 && nothing.smallest == 0 && isnan(nothing.condition));
    mcbe_network_free(&network);
}

static double frobenius(int count, const double *x)
{
    return dot(count, x, x);
}

/* All ranges of a network with every kind of layer: the squares of the singular values add up to the
 * squares of the entries, and none is larger than the next range allows. */
static void singular_values_of_every_range(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(14);
    mcbe_network_t network;
    mcbe_linearization_t *linear = NULL;
    static double x[60], matrix[90 * 90], sigma[90];
    make_all_kinds(&network, &rng);
    fill(&rng, 60, x);
    assert_int_equal(mcbe_linearization_create(&linear, &network, x), MCBE_OK);
    for (int first = 0; first <= 8; first++) {
        for (int last = first; last <= 8; last++) {
            int rows, columns;
            mcbe_linearization_shape(linear, first, last, &rows, &columns);
            const int count = rows < columns ? rows : columns;
            assert_int_equal(mcbe_linearization_matrix(linear, first, last, matrix), MCBE_OK);
            assert_int_equal(mcbe_linearization_singular_values(linear, first, last, sigma),
                             MCBE_OK);
            const double squares = frobenius(rows * columns, matrix);
            assert_true(fabs(frobenius(count, sigma) - squares) <= 1e-12 * squares);
            for (int k = 1; k < count; k++) {
                assert_true(sigma[k] <= sigma[k - 1]);
            }
        }
    }
    mcbe_linearization_destroy(&linear);
    mcbe_network_free(&network);
}

static void layers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const double one[36] = {1};
    const struct {
        mcbe_network_layer_t layer;
        const char *words;
    } cases[] = {
        {{.kind = MCBE_LAYER_DENSE, .outputs = 2}, "layer 0 (dense) gets an image of 2 x 4 x 3"},
        {{.kind = MCBE_LAYER_CONV, .outputs = 1, .window = {{5, 1}, {1, 1}, {0, 0}}},
         "has a window of height 5, but its padded input has height 4"},
        {{.kind = MCBE_LAYER_CONV, .outputs = 1, .window = {{1, 4}, {1, 1}, {0, 0}}},
         "has a window of width 4, but its padded input has width 3"},
        {{.kind = MCBE_LAYER_CONV, .outputs = 0, .window = {{1, 1}, {1, 1}, {0, 0}}},
         "would give 0 x 4 x 3 numbers"},
        {{.kind = MCBE_LAYER_CONV, .outputs = 1, .window = {{3, 3}, {1, 0}, {0, 0}}},
         "with stride 0; both must be at least 1"},
        {{.kind = MCBE_LAYER_CONV, .outputs = 1, .window = {{3, 3}, {1, 1}, {3, 0}}},
         "has padding 3 where its window has height 3; allowed are 0 to 2"},
        {{.kind = MCBE_LAYER_MAX_POOL, .window = {{3, 3}, {1, 1}, {0, 2}}},
         "has padding 2 where its window has width 3; allowed are 0 to 1"},
        {{.kind = MCBE_LAYER_MAX_POOL, .window = {{0, 3}, {1, 1}, {0, 0}}},
         "has a window of height 0"},
        {{.kind = MCBE_LAYER_CONV,
          .outputs = MCBE_NETWORK_MAX_SIZE,
          .window = {{1, 1}, {1, 1}, {0, 0}}},
         "67108864 x 4 x 3 numbers; 1 to 67108864 are allowed"},
        {{.kind = MCBE_LAYER_CONV, .outputs = 1 << 20, .window = {{512, 512}, {1, 1}, {511, 511}}},
         "numbers; 1 to 67108864 are allowed"},
        {{.kind = MCBE_LAYER_CONV,
          .outputs = 1 << 16,
          .window = {{1 << 15, 1 << 15}, {1 << 20, 1 << 20}, {(1 << 15) - 1, (1 << 15) - 1}}},
         "more than 1073741824 weights"},
    };
    mcbe_network_t network;
    start(&network, 2, 4, 3);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mcbe_error_t err = {0};
        assert_int_equal(mcbe_network_add(&network, &cases[i].layer, one, one, &err), MCBE_ERR_DIM);
        assert_non_null(strstr(err.text, cases[i].words));
        assert_null(strchr(err.text, '\n'));
        assert_int_equal(network.count, 0);
    }
    mcbe_network_free(&network);
    const mcbe_extent_t inputs[] = {{0, 1, 1}, {1, -1, 1}, {1 << 13, 1 << 13, 2}, {1, 1, 1 << 27}};
    for (size_t i = 0; i < COUNT_OF(inputs); i++) {
        mcbe_error_t err = {0};
        assert_int_equal(mcbe_network_init(&network, &inputs[i], &err), MCBE_ERR_DIM);
        assert_non_null(strstr(err.text, "the network's input is"));
    }
}

static void weights_must_be_finite(void **state)
{
    (void)state;
    const double bad[] = {1, 2, (double)NAN, 4}, good[] = {1, 2, 3, 4};
    const double infinite[] = {0, (double)INFINITY};
    const mcbe_network_layer_t layer = {.kind = MCBE_LAYER_DENSE, .outputs = 2};
    mcbe_network_t network;
    mcbe_error_t err = {0};
    start(&network, 2, 1, 1);
    assert_int_equal(mcbe_network_add(&network, &layer, bad, NULL, &err), MCBE_ERR_VALUE);
    assert_string_equal(err.text,
                        "layer 0: entry 2 of its weight is nan; a finite number is needed");
    mcbe_error_clear(&err);
    assert_int_equal(mcbe_network_add(&network, &layer, good, infinite, &err), MCBE_ERR_VALUE);
    assert_string_equal(err.text, "layer 0: entry 1 of its bias is inf; a finite number is needed");
    assert_int_equal(network.count, 0);
    mcbe_network_free(&network);
}

static mcbe_status_t use_all(const double *x)
{
    const double kernel[] = {1, 2, 3, 4}, w[] = {1, -1, 2, 1};
    const mcbe_window_t window = {{2, 2}, {2, 2}, {0, 0}}, pool = {{1, 2}, {1, 2}, {0, 0}};
    const mcbe_extent_t input = {1, 4, 8};
    const mcbe_network_layer_t layers[] = {
        {.kind = MCBE_LAYER_CONV, .outputs = 1, .window = window},
        {.kind = MCBE_LAYER_RELU},
        {.kind = MCBE_LAYER_MAX_POOL, .window = pool},
        {.kind = MCBE_LAYER_FLATTEN},
        {.kind = MCBE_LAYER_DENSE, .outputs = 1}};
    const double *const weights[] = {kernel, NULL, NULL, NULL, w};
    mcbe_linearization_t *linear = NULL;
    double y[1], v[32] = {1}, sigma[4], matrix[32];
    mcbe_network_t network;
    mcbe_status_t st = mcbe_network_init(&network, &input, NULL);
    for (size_t l = 0; l < COUNT_OF(layers) && st == MCBE_OK; l++) {
        st = mcbe_network_add(&network, &layers[l], weights[l], NULL, NULL);
    }
    st = st == MCBE_OK ? mcbe_network_forward(&network, 5, 1, x, y) : st;
    st = st == MCBE_OK ? mcbe_linearization_create(&linear, &network, x) : st;
    st = st == MCBE_OK ? mcbe_linearization_apply(linear, 0, 5, 1, v, y) : st;
    st = st == MCBE_OK ? mcbe_linearization_apply_transposed(linear, 0, 5, 1, y, v) : st;
    st = st == MCBE_OK ? mcbe_linearization_matrix(linear, 0, 5, matrix) : st;
    st = st == MCBE_OK ? mcbe_linearization_singular_values(linear, 0, 4, sigma) : st;
    mcbe_linearization_destroy(&linear);
    mcbe_network_free(&network);
    return st;
}

static void failed_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(15);
    double x[32];
    fill(&rng, 32, x);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(use_all(x));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(dense_layers_by_hand),
        UNIT_TEST(convolutions_by_hand),
        UNIT_TEST(pooling_by_hand),
        UNIT_TEST(convolutions_are_sums_over_windows),
        UNIT_TEST(a_network_is_affine_near_a_point),
        UNIT_TEST(matrices_products_and_adjoints_agree),
        UNIT_TEST(at_a_border_relu_is_inactive_and_a_pool_takes_the_first),
        UNIT_TEST(singular_values_of_stacked_unit_vectors),
        UNIT_TEST(singular_values_follow_the_point),
        UNIT_TEST(singular_values_of_every_range),
        UNIT_TEST(layers_that_do_not_fit_are_refused),
        UNIT_TEST(weights_must_be_finite),
        UNIT_TEST(failed_allocations_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
