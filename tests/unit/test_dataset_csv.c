/* Data sets and matrices as CSV. */

#include <locale.h>

#include "csv_text.h"
#include "files_in_memory.h"
#include "mcbe/dataset.h"

static mcbe_status_t parse(const char *text, const mcbe_data_options_t *options,
                           mcbe_dataset_t *data, mcbe_error_t *err)
{
    const mcbe_data_options_t plain = {.format = MCBE_DATA_CSV};
    test_bytes_t file = {0};
    add_bytes(&file, text, strlen(text));
    FILE *in = open_bytes(&file);
    memset(data, 0x5a, sizeof *data);
    mcbe_error_clear(err);
    const mcbe_status_t st = mcbe_dataset_parse(data, in, "d.csv", options ? options : &plain, err);
    fclose(in);
    drop_bytes(&file);
    return st;
}

static void assert_reads(const char *text, const mcbe_data_options_t *options, int64_t count, int n,
                         const float *x, mcbe_dataset_t *data)
{
    mcbe_error_t err = {0};
    if (parse(text, options, data, &err) != MCBE_OK) {
        fail_msg("%s: %s", text, err.text);
    }
    assert_int_equal(data->count, count);
    assert_int_equal(data->n, n);
    assert_memory_equal(data->x, x, (size_t)count * (size_t)n * sizeof *x);
}

static void assert_refused(const char *text, const mcbe_data_options_t *options, const char *word)
{
    mcbe_dataset_t data;
    mcbe_error_t err = {0};
    assert_int_equal(parse(text, options, &data, &err), MCBE_ERR_DATA);
    assert_non_null(strstr(err.text, "'d.csv'"));
    if (!strstr(err.text, word)) {
        fail_msg("'%s' lacks '%s'", err.text, word);
    }
    assert_null(strchr(err.text, '\n'));
    assert_null(data.x);
    assert_int_equal(mcbe_alloc_balance(), 0);
}

static const float four[] = {1, -2.5, 3e-3F, 0};

/* In UTF-8. */
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

static void tables_of_numbers_are_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1,-2.5\n3e-3,0\n",
        "1,-2.5\n3e-3,0",                       /* no line break at the end */
        BYTE_ORDER_MARK "1,-2.5\r\n3e-3,0\r\n", /* as spreadsheets write it */
        "\n1, -2.5 \n\n\"3e-3\",\"0\"\n\n",
        "a,b\n1,-2.5\n3e-3,0\n",
        "\"a, first\",\"the \"\"b\"\"\"\n1,-2.5\n3e-3,0\n",
        "2,b\n1,-2.5\n3e-3,0\n", /* one name is enough */
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        mcbe_dataset_t data;
        assert_reads(texts[i], NULL, 2, 2, four, &data);
        assert_null(data.label);
        mcbe_dataset_free(&data);
    }
    mcbe_dataset_t data;
    const mcbe_data_options_t semicolons = {.format = MCBE_DATA_CSV, .delimiter = ';'},
                              tabs = {.format = MCBE_DATA_CSV, .delimiter = '\t'},
                              headed = {.format = MCBE_DATA_CSV, .header = MCBE_DATA_HEADER_YES};
    assert_reads("1;-2.5\n3e-3;0\n", &semicolons, 2, 2, four, &data);
    mcbe_dataset_free(&data);
    assert_reads("1\t-2.5\n3e-3\t0\n", &tabs, 2, 2, four, &data);
    mcbe_dataset_free(&data);
    assert_reads("1990,1991\n1,-2.5\n3e-3,0\n", &headed, 2, 2, four, &data);
    assert_string_equal(data.column_names[1], "1991");
    mcbe_dataset_free(&data);
}

static void names_and_labels_are_kept(void **state)
{
    (void)state;
    static const char *const columns[] = {"kind", "1", "01"};
    const float x[] = {1, 2, 3, 4, 5, 6};
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        const mcbe_data_options_t options = {.format = MCBE_DATA_CSV, .label = columns[i]};
        mcbe_dataset_t data;
        assert_reads("u,kind,v\n1,cat,2\n3,dog,4\n5,cat,6\n", &options, 3, 2, x, &data);
        assert_int_equal(data.classes, 2);
        assert_string_equal(data.class_names[0], "cat");
        assert_string_equal(data.class_names[1], "dog");
        assert_memory_equal(data.label, ((const int32_t[]){0, 1, 0}), 3 * sizeof(int32_t));
        assert_string_equal(data.column_names[0], "u");
        assert_string_equal(data.column_names[1], "v");
        mcbe_dataset_free(&data);
    }
    const mcbe_data_options_t last = {.format = MCBE_DATA_CSV, .label = "last"};
    mcbe_dataset_t data;
    assert_reads("3,2,red,blue\n1,2,3,0\n4,5,6,7\n", &last, 2, 3, (const float[]){1, 2, 3, 4, 5, 6},
                 &data);
    assert_null(data.class_names); /* whole numbers are themselves */
    assert_int_equal(data.classes, 8);
    assert_int_equal(data.label[1], 7);
    mcbe_dataset_free(&data);
    /* text labels alone make no header */
    assert_reads("1,2,a\n3,4,b\n", &last, 2, 2, (const float[]){1, 2, 3, 4}, &data);
    mcbe_dataset_free(&data);
}

static void a_test_set_follows_its_training_set(void **state)
{
    (void)state;
    const mcbe_data_options_t last = {.format = MCBE_DATA_CSV, .label = "last"};
    mcbe_dataset_t train, test;
    mcbe_error_t err = {0};
    assert_int_equal(parse("1,a\n2,b\n", &last, &train, &err), MCBE_OK);
    const mcbe_data_options_t like = {.format = MCBE_DATA_CSV, .label = "last", .like = &train};
    assert_int_equal(parse("5,b\n6,c\n", &like, &test, &err), MCBE_OK);
    assert_int_equal(test.label[0], 1);
    assert_int_equal(test.label[1], 2);
    assert_string_equal(test.class_names[2], "c");
    mcbe_dataset_free(&test);
    assert_int_equal(parse("5,5,b\n", &like, &test, &err), MCBE_ERR_DATA);
    assert_non_null(strstr(err.text, "2 features; those it belongs to have 1"));
    mcbe_dataset_free(&train);
    /* numbers stay numbers */
    assert_int_equal(parse("1,4\n2,2\n", &last, &train, &err), MCBE_OK);
    assert_int_equal(parse("5,x\n", &like, &test, &err), MCBE_ERR_DATA);
    assert_non_null(strstr(err.text, "label 'x' in line 1"));
    mcbe_dataset_free(&train);
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    const mcbe_data_options_t by_name = {.format = MCBE_DATA_CSV, .label = "kind"},
                              by_number = {.format = MCBE_DATA_CSV, .label = "2"},
                              last = {.format = MCBE_DATA_CSV, .label = "last"},
                              no_header = {.format = MCBE_DATA_CSV, .header = MCBE_DATA_HEADER_NO};
    assert_refused("1,2\n3\n", NULL, "1 fields in line 2, and 2 in those before");
    /* lines are counted as an editor does */
    assert_refused("1,2\n\n \n3\n", NULL, "1 fields in line 4,");
    assert_refused("\r\n1,2\r\n\r\n3\r\n", NULL, "1 fields in line 4,");
    assert_refused("1,2\r\r3\r", NULL, "1 fields in line 3,");
    assert_refused("\"1\",\"2\"\n\n3,\"4\"5\n", NULL, "quote in the wrong place in line 3");
    const mcbe_data_options_t labels = {.format = MCBE_DATA_CSV, .label = "0"};
    assert_refused("\"a\nb\r\nc\",1\n\"d\",x\n", &labels, "'x' in line 4, field 2");
    assert_refused("1,2\n3,4,5\n", NULL, "3 fields in line 2");
    assert_refused("1,2\n3,four\n", NULL, "'four' in line 2, field 2");
    assert_refused("1,2\n3,\n", NULL, "'' in line 2, field 2");
    assert_refused("1,nan\n3,4\n", NULL, "'nan' in line 1, field 2");
    assert_refused("1,NA\n3,4\n", NULL, "'NA' in line 1");
    assert_refused("1,?\n3,4\n", NULL, "'?' in line 1");
    assert_refused("1,2\n3,-inf\n", NULL, "'-inf' in line 2");
    assert_refused("1,2\n3,1e39\n", NULL, "single precision");
    assert_refused("1,2\n3,4 5\n", NULL, "'4 5' in line 2");
    assert_refused("a,b\n1,2\n", &no_header, "'a' in line 1");
    assert_refused("a,b\n", NULL, "no line of numbers");
    assert_refused("\n\n", NULL, "no line of numbers");
    assert_refused("1,\"2\n3,4\n", NULL, "ends inside quotes");
    assert_refused("1,\"2\"x\n", NULL, "quote in the wrong place in line 1");
    assert_refused("u,v\n1,2\n", &by_name, "no column 'kind' of labels");
    assert_refused("1,2\n", &by_name, "no header with names");
    assert_refused("1,2\n", &by_number, "no column '2' of labels; it has 2 columns");
    assert_refused("1\n2\n", &last, "0 features a line");
    assert_refused("1,5\n2,x\n", &last, "the label 'x' in line 2");
}

static void sizes_are_limited(void **state)
{
    (void)state;
    enum { LONG = 5000, WIDE = 20000 };
    char *text = calloc(2 * WIDE + 2, 1);
    assert_non_null(text);
    memset(text, '1', LONG);
    assert_refused(text, NULL, "a field of more than 4096 bytes in line 1");
    for (int k = 0; k < WIDE; k++) {
        memcpy(text + 2 * k, "1,", 2);
    }
    assert_refused(text, NULL, "more than 16385 fields in line 1");
    free(text);
    const mcbe_data_options_t last = {.format = MCBE_DATA_CSV, .label = "last"};
    char *labels = calloc(5000, 16), *at = labels;
    assert_non_null(labels);
    for (int i = 0; i < 5000; i++) {
        at += sprintf(at, "1,id%d\n", i);
    }
    assert_refused(labels, &last, "more than 4096 different labels");
    free(labels);
    /* a byte 0 is no text */
    test_bytes_t file = {0};
    mcbe_dataset_t data;
    mcbe_error_t err = {0};
    add_bytes(&file, "1,2\n3,\0\n", 8);
    FILE *in = open_bytes(&file);
    assert_int_equal(mcbe_dataset_parse(&data, in, "zero.csv", NULL, &err), MCBE_ERR_DATA);
    assert_non_null(strstr(err.text, "byte 0 in line 2"));
    fclose(in);
    drop_bytes(&file);
}

/* More lines than the first room holds, in a locale that writes decimals with a comma if there is
 * one. */
static void long_texts_are_read_in_any_locale(void **state)
{
    (void)state;
    enum { ROWS = 10000 };
    char *text = malloc(ROWS * 16), *at = text;
    float *x = malloc(ROWS * sizeof *x);
    mcbe_dataset_t data;
    assert_non_null(text);
    assert_non_null(x);
    for (int i = 0; i < ROWS; i++) {
        at += sprintf(at, "%d.5\n", i);
        x[i] = (float)i + 0.5F;
    }
    (void)setlocale(LC_ALL, "de_DE.UTF-8");
    assert_reads(text, NULL, ROWS, 1, x, &data);
    (void)setlocale(LC_ALL, "C");
    mcbe_dataset_free(&data);
    free(text);
    free(x);
}

static mcbe_status_t parse_labelled(void)
{
    const mcbe_data_options_t options = {.format = MCBE_DATA_CSV, .label = "last"};
    mcbe_dataset_t data;
    mcbe_error_t err = {0};
    const mcbe_status_t st = parse("u,v,w\n1,2,a\n3,4,b\n", &options, &data, &err);
    mcbe_dataset_free(&data);
    return st;
}

static mcbe_status_t parse_matrix(const char *text, mcbe_npy_t *array, mcbe_error_t *err)
{
    test_bytes_t file = {0};
    add_bytes(&file, text, strlen(text));
    FILE *in = open_bytes(&file);
    mcbe_error_clear(err);
    const mcbe_status_t st = mcbe_csv_parse(array, in, "w.csv", err);
    fclose(in);
    drop_bytes(&file);
    return st;
}

static void matrices_are_read(void **state)
{
    (void)state;
    const double expected[] = {1, 0.1, -3, 1e-300};
    mcbe_npy_t array;
    mcbe_error_t err = {0};
    assert_int_equal(parse_matrix("x,y\n1,0.1\n-3,1e-300\n", &array, &err), MCBE_OK);
    assert_int_equal(array.rows, 2);
    assert_int_equal(array.columns, 2);
    assert_memory_equal(array.values, expected, sizeof expected);
    mcbe_npy_free(&array);
    assert_int_equal(parse_matrix("1,2\n3\n", &array, &err), MCBE_ERR_DATA);
    assert_non_null(strstr(err.text, "1 fields in line 2"));
    assert_int_equal(parse_matrix("1,2\n3,inf\n", &array, &err), MCBE_ERR_DATA);
    assert_non_null(strstr(err.text, "'inf' in line 2, field 2"));
    assert_int_equal(parse_matrix("x,y\n", &array, &err), MCBE_ERR_DATA);
    assert_null(array.values);
    assert_int_equal(mcbe_csv_load(&array, "no/such.csv", &err), MCBE_ERR_IO);
}

static mcbe_status_t parse_a_matrix(void)
{
    mcbe_npy_t array;
    mcbe_error_t err = {0};
    const mcbe_status_t st = parse_matrix("1,2\n3,4\n", &array, &err);
    mcbe_npy_free(&array);
    return st;
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(parse_labelled());
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(parse_a_matrix());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(tables_of_numbers_are_read),
        UNIT_TEST(names_and_labels_are_kept),
        UNIT_TEST(a_test_set_follows_its_training_set),
        UNIT_TEST(bad_texts_are_refused),
        UNIT_TEST(sizes_are_limited),
        UNIT_TEST(long_texts_are_read_in_any_locale),
        UNIT_TEST(matrices_are_read),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
