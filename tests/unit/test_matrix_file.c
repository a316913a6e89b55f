/* References FILE[:DATASET], and that every format gives the same numbers. */

#include <stdio.h>
#include <unistd.h>

#include <sys/stat.h>

#include "h5.h"
#include "matrix_file.h"
#include "unit.h"

static const double matrix[] = {1, 2, 3, 4, 5, 6.5};
static const double vector[] = {7, -8, 0.25};

static void write_bytes(const char *path, const void *bytes, size_t count)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, count, out), count);
    assert_int_equal(fclose(out), 0);
}

static void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static void write_safetensors(const char *path)
{
    static const char header[] =
        "{\"w\":{\"dtype\":\"F64\",\"shape\":[3,2],\"data_offsets\":[0,48]},"
        "\"b\":{\"dtype\":\"F64\",\"shape\":[3],\"data_offsets\":[48,72]}}";
    const uint64_t length = sizeof header - 1;
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(&length, sizeof length, 1, out), 1);
    assert_int_equal(fwrite(header, 1, length, out), length);
    assert_int_equal(fwrite(matrix, sizeof matrix, 1, out), 1);
    assert_int_equal(fwrite(vector, sizeof vector, 1, out), 1);
    assert_int_equal(fclose(out), 0);
}

/* fp32 and integers as well: what is in the file is HDF5's to convert. */
static void write_hdf5(const char *path)
{
    const hsize_t two[] = {3, 2}, one[] = {3}, three[] = {3, 1, 2}, four[] = {1, 3, 1, 1},
                  none[] = {0, 2}, none_stacked[] = {2, 0, 2};
    const float f32[] = {1, 2, 3, 4, 5, 6.5F};
    const int whole[] = {7, -8, 9};
    hid_t file;
    void *image = NULL;
    size_t bytes = 0;
    assert_int_equal(mcbe_h5_create(path, &file, NULL), MCBE_OK);
    assert_int_equal(mcbe_h5_write(file, "layer/w", H5T_NATIVE_DOUBLE, H5T_IEEE_F64BE, 2, two,
                                   matrix, "", "", "", NULL),
                     MCBE_OK);
    assert_int_equal(
        mcbe_h5_write(file, "f32", H5T_NATIVE_FLOAT, H5T_IEEE_F32LE, 2, two, f32, "", "", "", NULL),
        MCBE_OK);
    assert_int_equal(mcbe_h5_write(file, "layer/b:0", H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE, 1, one,
                                   vector, "", "", "", NULL),
                     MCBE_OK);
    assert_int_equal(mcbe_h5_write(file, "whole", H5T_NATIVE_INT, H5T_STD_I32LE, 1, one, whole, "",
                                   "", "", NULL),
                     MCBE_OK);
    assert_int_equal(mcbe_h5_write(file, "three", H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE, 3, three,
                                   matrix, "", "", "", NULL),
                     MCBE_OK);
    assert_int_equal(mcbe_h5_write(file, "four", H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE, 4, four, vector,
                                   "", "", "", NULL),
                     MCBE_OK);
    assert_int_equal(mcbe_h5_write(file, "none_stacked", H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE, 3,
                                   none_stacked, vector, "", "", "", NULL),
                     MCBE_OK);
    assert_int_equal(mcbe_h5_write(file, "none", H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE, 2, none, vector,
                                   "", "", "", NULL),
                     MCBE_OK);
    assert_int_equal(mcbe_h5_put_text(file, "text", "x", NULL), MCBE_OK);
    assert_int_equal(mcbe_h5_image(file, &image, &bytes, NULL), MCBE_OK);
    H5Fclose(file);
    write_bytes(path, image, bytes);
    mcbe_free(image);
}

static mcbe_status_t load(const char *reference, mcbe_npy_t *array, mcbe_error_t *err)
{
    mcbe_matrix_file_t file;
    memset(array, 0, sizeof *array);
    mcbe_error_clear(err);
    mcbe_status_t st = mcbe_matrix_file_parse(&file, reference, err);
    if (st == MCBE_OK) {
        st = mcbe_matrix_file_load(array, &file, err);
        mcbe_matrix_file_free(&file);
    }
    assert_null(file.reference.path);
    return st;
}

static void assert_loads_stack(const char *reference, int64_t count, int64_t rows, int64_t columns,
                               const double *expected)
{
    mcbe_npy_t array;
    mcbe_error_t err = {0};
    assert_int_equal(load(reference, &array, &err), MCBE_OK);
    assert_string_equal(err.text, "");
    assert_int_equal(array.count, count);
    assert_int_equal(array.rows, rows);
    assert_int_equal(array.columns, columns);
    assert_memory_equal(array.values, expected,
                        (size_t)(mcbe_npy_matrices(&array) * rows * (columns ? columns : 1)) *
                            sizeof *expected);
    mcbe_npy_free(&array);
}

static void assert_loads(const char *reference, int64_t rows, int64_t columns,
                         const double *expected)
{
    assert_loads_stack(reference, 0, rows, columns, expected);
}

static void assert_refused(const char *reference, mcbe_status_t status, const char *word)
{
    mcbe_npy_t array;
    mcbe_error_t err = {0};
    assert_int_equal(load(reference, &array, &err), status);
    if (!strstr(err.text, word)) {
        print_error("'%s' lacks '%s'\n", err.text, word);
    }
    assert_non_null(strstr(err.text, word));
    assert_null(strchr(err.text, '\n'));
    assert_null(array.values);
}

static void every_format_gives_the_same_numbers(void **state)
{
    (void)state;
    assert_int_equal(mcbe_npy_save("w.npy", matrix, 3, 2, NULL), MCBE_OK);
    assert_int_equal(mcbe_npy_save("b.npy", vector, 3, 0, NULL), MCBE_OK);
    write_text("w.csv", "1,2\n3,4\n5,6.5\n");
    write_text("names.CSV", "first,second\n1,2\n3,4\n5,6.5\n");
    write_text("row.csv", "7,-8,0.25\n");
    write_safetensors("m.safetensors");
    write_hdf5("m.h5");
    static const char *const matrices[] = {"w.npy",           "w.csv",         "names.CSV",
                                           "m.safetensors:w", "m.h5:/layer/w", "m.h5:layer/w",
                                           "m.h5:/f32"};
    for (size_t i = 0; i < COUNT_OF(matrices); i++) {
        assert_loads(matrices[i], 3, 2, matrix);
    }
    assert_loads("b.npy", 3, 0, vector);
    assert_loads("m.safetensors:b", 3, 0, vector);
    assert_loads("row.csv", 1, 3, vector);
    assert_loads("m.h5:/layer/b:0", 3, 0, vector); /* Keras has such names */
    const double whole[] = {7, -8, 9};
    assert_loads("m.h5:/whole", 3, 0, whole);
}

/* A .npy file of doubles, as NumPy writes it. */
static void write_npy(const char *path, const char *shape, const double *values, size_t count)
{
    char header[118];
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    memset(header, ' ', sizeof header);
    const int used = snprintf(header, sizeof header,
                              "{'descr': '<f8', 'fortran_order': False, 'shape': %s}", shape);
    header[used] = ' ';
    assert_int_equal(fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, out), 10);
    assert_int_equal(fwrite(header, 1, sizeof header, out), sizeof header);
    assert_int_equal(fwrite(values, sizeof *values, count, out), count);
    assert_int_equal(fclose(out), 0);
}

static void three_dimensions_are_a_stack(void **state)
{
    (void)state;
    write_hdf5("m.h5");
    assert_loads_stack("m.h5:/three", 3, 1, 2, matrix);
    write_npy("stack.npy", "(3, 1, 2)", matrix, 6);
    assert_loads_stack("stack.npy", 3, 1, 2, matrix);
    write_npy("four.npy", "(1, 3, 1, 2)", matrix, 6);
    assert_refused("four.npy", MCBE_ERR_DATA,
                   "of 4 dimensions; a matrix, a stack of matrices or a");
    mcbe_npy_t array;
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_npy_load(&array, "stack.npy", &err), MCBE_ERR_DATA); /* one matrix only */
    assert_non_null(strstr(err.text, "of 3 dimensions; a matrix or a vector"));
}

static void names_may_hold_colons(void **state)
{
    (void)state;
    write_safetensors("a:b.safetensors");
    assert_loads("a:b.safetensors:w", 3, 2, matrix);
    assert_int_equal(mcbe_npy_save("c:d.npy", matrix, 3, 2, NULL), MCBE_OK);
    assert_loads("c:d.npy", 3, 2, matrix);
}

static void references_that_cannot_be_right_are_refused(void **state)
{
    (void)state;
    assert_int_equal(mcbe_npy_save("w.npy", matrix, 3, 2, NULL), MCBE_OK);
    write_safetensors("m.safetensors");
    write_hdf5("m.h5");
    static const struct {
        const char *reference;
        mcbe_status_t status;
        const char *word;
    } cases[] = {
        {"", MCBE_ERR_DATA, "no ending"},
        {"w", MCBE_ERR_DATA, "'w' has no ending"},
        {".npy", MCBE_ERR_DATA, "no ending"},
        {"w.npz", MCBE_ERR_DATA, ".npy, .csv, .safetensors, .h5 and .hdf5 can be read"},
        {"w.npy:x", MCBE_ERR_DATA, "the ':x' behind its name must go"},
        {"m.h5", MCBE_ERR_DATA, "name one behind a colon"},
        {"m.h5:", MCBE_ERR_DATA, "name one behind a colon"},
        {"m.safetensors:", MCBE_ERR_DATA, "name one behind a colon"},
        {"m.safetensors", MCBE_ERR_DATA, "it holds w, b"},
        {"m.safetensors:v", MCBE_ERR_DATA, "holds no tensor 'v'"},
        {"m.h5:/layer/v", MCBE_ERR_DATA, "lacks the dataset '/layer/v'"},
        {"m.h5:/layer", MCBE_ERR_DATA, "lacks the dataset '/layer'"},
        {"m.h5:/four", MCBE_ERR_DATA, "has 4 dimensions"},
        {"m.h5:/none_stacked", MCBE_ERR_DATA, "2 x 0 x 2 numbers"},
        {"m.h5:/none", MCBE_ERR_DATA, "0 x 2 numbers"},
        {"none.npy", MCBE_ERR_IO, "'none.npy'"},
        {"none.csv", MCBE_ERR_IO, "'none.csv'"},
        {"none.h5:/w", MCBE_ERR_IO, "'none.h5'"},
        {"none.safetensors:w", MCBE_ERR_IO, "'none.safetensors'"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_refused(cases[i].reference, cases[i].status, cases[i].word);
    }
    write_text("text.h5", "no HDF5");
    assert_refused("text.h5:/w", MCBE_ERR_DATA, "is not an HDF5 file");
    assert_int_equal(mkdir("folder.h5", 0777), 0);
    assert_refused("folder.h5:/w", MCBE_ERR_IO, "folder");
    assert_int_equal(rmdir("folder.h5"), 0);
}

static void only_safetensors_add_their_bias(void **state)
{
    (void)state;
    static const struct {
        const char *reference;
        int adds;
    } cases[] = {
        {"w.npy", 0}, {"w.csv", 0}, {"m.h5:w", 0}, {"m.safetensors", 1}, {"M.SafeTensors:b", 1}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mcbe_matrix_file_t file;
        assert_int_equal(mcbe_matrix_file_parse(&file, cases[i].reference, NULL), MCBE_OK);
        assert_int_equal(mcbe_matrix_file_adds_bias(&file), cases[i].adds);
        mcbe_matrix_file_free(&file);
    }
}

static void a_transpose_is_one(void **state)
{
    (void)state;
    const double expected[] = {1, 3, 5, 2, 4, 6.5, 10, 30, 50, 20, 40, 65}; /* of each of two */
    mcbe_npy_t array = {
        .count = 2, .rows = 3, .columns = 2, .values = mcbe_alloc(12, sizeof(double))};
    assert_non_null(array.values);
    for (int i = 0; i < 6; i++) {
        array.values[i] = matrix[i];
        array.values[6 + i] = 10.0 * matrix[i];
    }
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_matrix_transpose(&array));
    assert_int_equal(array.count, 2);
    assert_int_equal(array.rows, 2);
    assert_int_equal(array.columns, 3);
    assert_memory_equal(array.values, expected, sizeof expected);
    mcbe_npy_free(&array);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    mcbe_npy_t array;
    mcbe_error_t err = {0};
    write_hdf5("m.h5");
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(load("m.h5:/layer/w", &array, &err));
    mcbe_npy_free(&array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(every_format_gives_the_same_numbers),
        UNIT_TEST(three_dimensions_are_a_stack),
        UNIT_TEST(names_may_hold_colons),
        UNIT_TEST(references_that_cannot_be_right_are_refused),
        UNIT_TEST(only_safetensors_add_their_bias),
        UNIT_TEST(a_transpose_is_one),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
