/* What is done with points once they are read: features, test sets, normalisation. */

#include "mcbe/dataset.h"
#include "unit.h"

static mcbe_dataset_t make(int64_t count, int n, const float *x)
{
    mcbe_dataset_t data;
    assert_int_equal(mcbe_dataset_create(&data, count, n, NULL), MCBE_OK);
    memcpy(data.x, x, (size_t)count * (size_t)n * sizeof *x);
    return data;
}

/* Point i is (i, -i), its label i. */
static mcbe_dataset_t numbered(int count)
{
    mcbe_dataset_t data;
    assert_int_equal(mcbe_dataset_create(&data, count, 2, NULL), MCBE_OK);
    data.label = mcbe_alloc((size_t)count, sizeof *data.label);
    assert_non_null(data.label);
    for (int i = 0; i < count; i++) {
        data.x[2 * i] = (float)i;
        data.x[2 * i + 1] = (float)-i;
        data.label[i] = i;
    }
    data.classes = count;
    return data;
}

static void name_columns(mcbe_dataset_t *data, const char *const *names)
{
    data->column_names = mcbe_alloc((size_t)data->n, sizeof *data->column_names);
    assert_non_null(data->column_names);
    for (int k = 0; k < data->n; k++) {
        data->column_names[k] = mcbe_strdup(names[k]);
        assert_non_null(data->column_names[k]);
    }
}

static void features_are_selected(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d"};
    static const char *const numbers[] = {"0", "2", "3"};
    static const char *const by_name[] = {"c", "a"};
    mcbe_dataset_t data = make(2, 4, (const float[]){1, 2, 3, 4, 5, 6, 7, 8});
    name_columns(&data, names);
    assert_int_equal(mcbe_dataset_select(&data, numbers, 3, NULL), MCBE_OK);
    assert_int_equal(data.n, 3);
    assert_memory_equal(data.x, ((const float[]){1, 3, 4, 5, 7, 8}), 6 * sizeof(float));
    assert_string_equal(data.column_names[1], "c");
    assert_int_equal(mcbe_dataset_select(&data, by_name, 2, NULL), MCBE_OK);
    assert_memory_equal(data.x, ((const float[]){3, 1, 7, 5}), 4 * sizeof(float));
    mcbe_dataset_free(&data);
}

static void features_that_are_not_there_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *features[2];
        const char *word;
    } bad[] = {{{"0", "4"}, "no feature '4'"},   {{"0", "x"}, "no feature 'x'"},
               {{"-1", "0"}, "no feature '-1'"}, {{"1", "1"}, "'1' is given twice"},
               {{"", "1"}, "no feature ''"},     {{"99999999999999999999", "1"}, "no feature '9"}};
    mcbe_dataset_t data = make(1, 4, (const float[]){1, 2, 3, 4});
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        mcbe_error_t err = {0};
        assert_int_equal(mcbe_dataset_select(&data, bad[i].features, 2, &err), MCBE_ERR_ARGUMENT);
        if (!strstr(err.text, bad[i].word)) {
            fail_msg("'%s' lacks '%s'", err.text, bad[i].word);
        }
        assert_int_equal(data.n, 4);
    }
    static const char *const good[] = {"3"};
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_dataset_select(&data, good, 1, NULL));
    assert_true(data.x[0] == 4.0F);
    mcbe_dataset_free(&data);
}

/* Both parts together are the whole, each in the order of the file, labels with their points. */
static void a_split_is_a_partition(void **state)
{
    (void)state;
    for (int count = 2; count < 40; count++) {
        const mcbe_stream_key_t key = {.seed = 5};
        mcbe_dataset_t data = numbered(count), test;
        assert_int_equal(mcbe_dataset_split(&data, &test, 0.2, &key, NULL), MCBE_OK);
        assert_int_equal(test.count, (count + 4) / 5); /* ceil(count / 5) */
        assert_int_equal(data.count + test.count, count);
        int seen[40] = {0};
        const mcbe_dataset_t *parts[] = {&data, &test};
        for (int p = 0; p < 2; p++) {
            for (int64_t i = 0; i < parts[p]->count; i++) {
                const int id = parts[p]->label[i];
                assert_true(parts[p]->x[2 * i] == (float)id &&
                            parts[p]->x[2 * i + 1] == (float)-id);
                assert_true(i == 0 || id > parts[p]->label[i - 1]);
                seen[id]++;
            }
        }
        for (int i = 0; i < count; i++) {
            assert_int_equal(seen[i], 1);
        }
        assert_int_equal(test.classes, count);
        mcbe_dataset_free(&data);
        mcbe_dataset_free(&test);
    }
}

/* Every point is chosen equally often: of 2000 splits of 10 points, 3 each, 600 +- 20.5 times; five
 * deviations leave a chance of 10 x 6e-7. Equal keys choose equally. */
static void a_split_depends_on_its_key_alone(void **state)
{
    (void)state;
    int chosen[10] = {0};
    for (int seed = 0; seed < 2000; seed++) {
        const mcbe_stream_key_t key = {.seed = (uint64_t)seed / 2, .trial = seed % 2};
        mcbe_dataset_t data = numbered(10), again = numbered(10), test, test_again;
        assert_int_equal(mcbe_dataset_split(&data, &test, 0.3, &key, NULL), MCBE_OK);
        assert_int_equal(mcbe_dataset_split(&again, &test_again, 0.3, &key, NULL), MCBE_OK);
        assert_memory_equal(test.label, test_again.label, 3 * sizeof *test.label);
        for (int i = 0; i < 3; i++) {
            chosen[test.label[i]]++;
        }
        mcbe_dataset_free(&data);
        mcbe_dataset_free(&again);
        mcbe_dataset_free(&test);
        mcbe_dataset_free(&test_again);
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(chosen[i], 600 - 103, 600 + 103);
    }
}

static void bad_shares_are_refused(void **state)
{
    (void)state;
    static const double shares[] = {0, 1, -0.5, 1.5, NAN, 0.91};
    const mcbe_stream_key_t key = {.seed = 1};
    mcbe_dataset_t data = numbered(10), test;
    for (size_t i = 0; i < COUNT_OF(shares); i++) {
        mcbe_error_t err = {0};
        assert_int_equal(mcbe_dataset_split(&data, &test, shares[i], &key, &err),
                         MCBE_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, "a share of"));
        assert_null(test.x);
        assert_int_equal(data.count, 10);
    }
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_dataset_split(&data, &test, 0.5, &key, NULL));
    mcbe_dataset_free(&data);
    mcbe_dataset_free(&test);
}

/* Three points: column 0 has mean 2 and variance 8/3, column 1 mean 12 and variance 8, column 2
 * does not vary. All nine values: mean 7, sum of squares 623, variance 623/9 - 49. */
static const float points[] = {0, 10, 7, 2, 10, 7, 4, 16, 7};

static void assert_scaled(mcbe_normalize_t kind, int pooled, const double *shift,
                          const double *factor)
{
    mcbe_dataset_t data = make(3, 3, points);
    mcbe_scaling_t scaling;
    assert_int_equal(mcbe_scaling_fit(&scaling, kind, pooled, &data), MCBE_OK);
    assert_int_equal(mcbe_scaling_apply(&scaling, &data, NULL), MCBE_OK);
    for (int i = 0; i < 9; i++) {
        const int k = i % 3;
        assert_true(fabs(scaling.shift[k] - shift[k]) < 1e-14 * 16);
        assert_true(fabs(scaling.factor[k] - factor[k]) < 1e-14);
        const double expected = ((double)points[i] - shift[k]) * factor[k];
        assert_true(fabs((double)data.x[i] - expected) < 1e-6);
    }
    mcbe_scaling_free(&scaling);
    mcbe_dataset_free(&data);
}

static void normalisations_are_fitted(void **state)
{
    (void)state;
    const double all = 1 / sqrt(623.0 / 9 - 49);
    assert_scaled(MCBE_NORMALIZE_NONE, 0, (const double[]){0, 0, 0}, (const double[]){1, 1, 1});
    assert_scaled(MCBE_NORMALIZE_STANDARD, 0, (const double[]){2, 12, 7},
                  (const double[]){sqrt(3.0 / 8), sqrt(1.0 / 8), 1});
    assert_scaled(MCBE_NORMALIZE_STANDARD, 1, (const double[]){7, 7, 7},
                  (const double[]){all, all, all});
    assert_scaled(MCBE_NORMALIZE_UNIT_RANGE, 0, (const double[]){0, 10, 7},
                  (const double[]){0.25, 1.0 / 6, 1});
    assert_scaled(MCBE_NORMALIZE_UNIT_RANGE, 1, (const double[]){0, 0, 0},
                  (const double[]){1.0 / 16, 1.0 / 16, 1.0 / 16});
}

/* A test set gets the map of the training set, wherever that takes it. */
static void a_test_set_is_mapped_as_its_training_set(void **state)
{
    (void)state;
    mcbe_dataset_t train = make(2, 1, (const float[]){1, 3}), test = make(1, 1, (const float[]){9});
    mcbe_scaling_t scaling;
    mcbe_error_t err = {0};
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(
        mcbe_scaling_fit(&scaling, MCBE_NORMALIZE_UNIT_RANGE, 0, &train));
    assert_int_equal(mcbe_scaling_apply(&scaling, &test, &err), MCBE_OK);
    assert_true(test.x[0] == 4.0F);
    mcbe_scaling_free(&scaling);
    /* a factor of 1e20 takes 1e20 beyond fp32 */
    train.x[0] = 0;
    train.x[1] = 1e-20F;
    test.x[0] = 1e20F;
    assert_int_equal(mcbe_scaling_fit(&scaling, MCBE_NORMALIZE_UNIT_RANGE, 0, &train), MCBE_OK);
    assert_int_equal(mcbe_scaling_apply(&scaling, &test, &err), MCBE_ERR_DATA);
    mcbe_scaling_free(&scaling);
    mcbe_dataset_free(&train);
    mcbe_dataset_free(&test);
}

static void points_are_put_on_the_sphere(void **state)
{
    (void)state;
    mcbe_dataset_t data = make(3, 2, (const float[]){3, -4, 0, 0, 0x3p100F, 0x4p100F});
    mcbe_scaling_t scaling;
    assert_int_equal(mcbe_scaling_fit(&scaling, MCBE_NORMALIZE_UNIT_NORM, 0, &data), MCBE_OK);
    assert_int_equal(mcbe_scaling_apply(&scaling, &data, NULL), MCBE_OK);
    assert_memory_equal(data.x, ((const float[]){0.6F, -0.8F, 0, 0, 0.6F, 0.8F}), sizeof(float[6]));
    mcbe_scaling_free(&scaling);
    mcbe_dataset_free(&data);
}

/* Root of the mean of 8/3, 8 and 0. */
static void the_deviation_is_of_all_features(void **state)
{
    (void)state;
    mcbe_dataset_t data = make(3, 3, points);
    double deviation = 0;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_dataset_deviation(&data, &deviation));
    assert_true(fabs(deviation - sqrt(32.0 / 9)) < 1e-15 * 4);
    mcbe_dataset_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(features_are_selected),
        UNIT_TEST(features_that_are_not_there_are_refused),
        UNIT_TEST(a_split_is_a_partition),
        UNIT_TEST(a_split_depends_on_its_key_alone),
        UNIT_TEST(bad_shares_are_refused),
        UNIT_TEST(normalisations_are_fitted),
        UNIT_TEST(a_test_set_is_mapped_as_its_training_set),
        UNIT_TEST(points_are_put_on_the_sphere),
        UNIT_TEST(the_deviation_is_of_all_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
