/* Tensors from safetensors files, whose bytes are written here by hand. */

#include <stdio.h>

#include "safetensors.h"
#include "unit.h"

/* A file under construction. */
typedef struct bytes {
    unsigned char byte[4096];
    size_t count;
} bytes_t;

static void put(bytes_t *file, const void *data, size_t count)
{
    assert_true(file->count + count <= sizeof file->byte);
    if (count > 0) { /* then data may be NULL */
        memcpy(file->byte + file->count, data, count);
    }
    file->count += count;
}

/* Length, header, data. */
static bytes_t make(const char *header, const void *data, size_t count)
{
    bytes_t file = {.count = 0};
    const uint64_t length = strlen(header);
    put(&file, &length, sizeof length);
    put(&file, header, length);
    put(&file, data, count);
    return file;
}

static mcbe_status_t parse(bytes_t *file, const char *tensor, mcbe_npy_t *array, mcbe_error_t *err)
{
    FILE *in = fmemopen(file->byte, file->count ? file->count : 1, "rb");
    assert_non_null(in);
    if (file->count == 0) { /* fmemopen wants at least one byte */
        fclose(in);
        in = fopen("/dev/null", "rb");
        assert_non_null(in);
    }
    memset(array, 0x5a, sizeof *array);
    mcbe_error_clear(err);
    const mcbe_status_t st = mcbe_safetensors_parse(array, in, "m.safetensors", tensor, err);
    fclose(in);
    return st;
}

static void assert_array(const char *header, const void *data, size_t count, const char *tensor,
                         int64_t rows, int64_t columns, const double *expected)
{
    bytes_t file = make(header, data, count);
    mcbe_npy_t array;
    mcbe_error_t err = {0};
    assert_int_equal(parse(&file, tensor, &array, &err), MCBE_OK);
    assert_string_equal(err.text, "");
    assert_int_equal(array.rows, rows);
    assert_int_equal(array.columns, columns);
    assert_memory_equal(array.values, expected,
                        (size_t)(rows * (columns ? columns : 1)) * sizeof *expected);
    mcbe_npy_free(&array);
}

/* Refused with one sentence that names the file and holds `word`. */
static void assert_refused(bytes_t *file, const char *tensor, const char *word)
{
    mcbe_npy_t array;
    mcbe_error_t err = {0};
    assert_int_equal(parse(file, tensor, &array, &err), MCBE_ERR_DATA);
    if (!strstr(err.text, word)) {
        print_error("'%s' lacks '%s'\n", err.text, word);
    }
    assert_non_null(strstr(err.text, word));
    assert_non_null(strstr(err.text, "'m.safetensors'"));
    assert_null(strchr(err.text, '\n'));
    assert_null(array.values);
    assert_int_equal(mcbe_alloc_balance(), 0);
}

static void every_type_is_read(void **state)
{
    (void)state;
    const double expected[] = {1, -2.5, 0.099609375, 65280}; /* exact in all of them */
    const double f64[] = {1, -2.5, 0.099609375, 65280};
    const float f32[] = {1, -2.5F, 0.099609375F, 65280};
    /* binary16: 1 = 0 01111 0, -2.5 = 1 10000 01.., 0.099609375 = 1.59375 x 2^-4, 65280 = 1.9921875 x
     * 2^15 */
    const uint16_t f16[] = {0x3C00, 0xC100, 0x2E60, 0x7BF8};
    const uint16_t bf16[] = {0x3F80, 0xC020, 0x3DCC, 0x477F}; /* upper halves of binary32 */
    assert_array("{\"w\":{\"dtype\":\"F64\",\"shape\":[2,2],\"data_offsets\":[0,32]}}", f64, 32,
                 "w", 2, 2, expected);
    assert_array("{\"w\":{\"dtype\":\"F32\",\"shape\":[4,1],\"data_offsets\":[0,16]}}", f32, 16,
                 "w", 4, 1, expected);
    assert_array("{\"w\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]}}", f16, 8, "w", 4,
                 0, expected);
    assert_array("{\"w\":{\"dtype\":\"BF16\",\"shape\":[1,4],\"data_offsets\":[0,8]}}", bf16, 8,
                 NULL, 1, 4, expected);
}

static void edges_of_binary16(void **state)
{
    (void)state;
    const uint16_t bits[] = {0x0000, 0x8000, 0x0001, 0x03FF, 0x0400,
                             0x7BFF, 0x7C00, 0xFC00, 0x7E00};
    const double values[] = {0,       -0.0,  0x1p-24,          1023 * 0x1p-24,
                             0x1p-14, 65504, (double)INFINITY, -(double)INFINITY};
    bytes_t file =
        make("{\"w\":{\"dtype\":\"F16\",\"shape\":[9],\"data_offsets\":[0,18]}}", bits, 18);
    mcbe_npy_t array;
    mcbe_error_t err = {0};
    assert_int_equal(parse(&file, NULL, &array, &err), MCBE_OK);
    assert_memory_equal(array.values, values, sizeof values);
    assert_true(isnan(array.values[8]));
    mcbe_npy_free(&array);
}

/* As PyTorch writes a layer: metadata, weight and bias, in any order, with blanks behind the header. */
#define LAYER                                                                                      \
    "{\"__metadata__\":{\"format\":\"pt\"},"                                                       \
    "\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[12,36]},"                  \
    "\"fc.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]},"                       \
    "\"steps\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[36,44]}}    "

static void tensors_are_found_by_name(void **state)
{
    (void)state;
    const float numbers[] = {7, 8, 9, 1, 2, 3, 4, 5, 6, 0, 0};
    const double weight[] = {1, 2, 3, 4, 5, 6}, bias[] = {7, 8, 9};
    assert_array(LAYER, numbers, sizeof numbers, "fc.weight", 3, 2, weight);
    assert_array(LAYER, numbers, sizeof numbers, "fc.bias", 3, 0, bias);
    bytes_t file = make(LAYER, numbers, sizeof numbers);
    assert_refused(&file, NULL, "holds 3 tensors, so one must be named behind a colon");
    assert_refused(&file, NULL, "fc.bias, fc.weight, steps");
    assert_refused(&file, "fc.wieght", "holds no tensor 'fc.wieght'; it holds fc.bias, fc.weight");
    assert_refused(&file, "steps", "is of type I64; F64, F32, F16 and BF16 can be read");
    assert_refused(&file, "__metadata__", "holds no tensor");
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    const float numbers[11] = {1};
    bytes_t file = make(LAYER, numbers, sizeof numbers);
    const size_t whole = file.count;
    for (file.count = 0; file.count < whole; file.count++) {
        assert_refused(&file, "fc.bias", "'m.safetensors'");
    }
    put(&file, "x", 1);
    assert_refused(&file, "fc.bias", "'m.safetensors'");
    put(&file, "x", 1);
    assert_refused(&file, "fc.bias", "bytes of data; its header speaks of 44");
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header, *word;
    } cases[] = {
        {"", "not JSON"},
        {"[]", "array"},
        {"3", "not JSON"},
        {"{\"w\":", "not JSON"},
        {"{} x", "not JSON"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "not JSON"},
        {"{\"w\":7}", "'w' has no dtype"},
        {"{\"w\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "'w' has no dtype"},
        {"{\"w\":{\"dtype\":32,\"shape\":[2],\"data_offsets\":[0,8]}}", "'w' has no dtype"},
        {"{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "has no shape"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", "has no shape"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}",
         "whole number from 0"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}",
         "whole number from 0"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967297],\"data_offsets\":[0,8]}}",
         "more than 2^34"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}}",
         "not JSON"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2]}}", "has no data_offsets"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", "has no data_offsets"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,\"8\"]}}",
         "has no data_offsets"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "beyond the data"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", "beyond the data"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,7]}}",
         "do not fit its shape"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "leaves a gap"},
        {"{\"v\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "overlaps"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "speaks of 4"},
        {"{\"w\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}", "type C64"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1,2,1],\"data_offsets\":[0,8]}}", "3 dimensions"},
        {"{\"a\\nb\":{\"dtype\":\"F32\",\"shape\":[1,2,1],\"data_offsets\":[0,8]}}", "'a?b'"},
        {"{\"w\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}}", "type I64"},
    };
    const float numbers[] = {1, 2};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bytes_t file = make(cases[i].header, numbers, sizeof numbers);
        assert_refused(&file, NULL, cases[i].word);
    }
    bytes_t empty = make("{}", NULL, 0);
    assert_refused(&empty, NULL, "holds 0 tensors");
    bytes_t none =
        make("{\"w\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[0,0]}}", NULL, 0);
    assert_refused(&none, "w", "0 elements");
    bytes_t deep =
        make("{\"w\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
             "1,1,1,1,1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
             numbers, 4);
    assert_refused(&deep, NULL, "has no shape");
    bytes_t endless = make("{}", NULL, 0);
    memset(endless.byte, 0xff, 8); /* a header of 2^64 - 1 bytes */
    assert_refused(&endless, NULL, "header of 18446744073709551615 bytes");
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    const float numbers[11] = {1};
    bytes_t file = make(LAYER, numbers, sizeof numbers);
    mcbe_npy_t array;
    mcbe_error_t err = {0};
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(parse(&file, "fc.bias", &array, &err));
    mcbe_npy_free(&array);
}

static void unreadable_paths_are_io_errors(void **state)
{
    (void)state;
    static const char *const paths[] = {".", "/nonexistent/mcbe/w.safetensors", ""};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        mcbe_npy_t array;
        mcbe_error_t err = {0};
        assert_int_equal(mcbe_safetensors_load(&array, paths[i], NULL, &err), MCBE_ERR_IO);
        assert_non_null(strstr(err.text, paths[i]));
        assert_null(array.values);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(every_type_is_read),
        UNIT_TEST(edges_of_binary16),
        UNIT_TEST(tensors_are_found_by_name),
        UNIT_TEST(a_file_cut_anywhere_is_refused),
        UNIT_TEST(bad_headers_are_refused),
        UNIT_TEST(failed_allocations_leave_nothing),
        UNIT_TEST(unreadable_paths_are_io_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
