/* Weight matrices from .npy files, whose bytes are written here by hand. */

#include <stdio.h>
#include <unistd.h>

#include "mcbe/frame.h"
#include "npy.h"
#include "unit.h"

/* A file under construction. */
typedef struct npy_bytes {
    unsigned char bytes[4096];
    size_t count;
} npy_bytes_t;

static void put(npy_bytes_t *file, const void *data, size_t bytes)
{
    assert_true(file->count + bytes <= sizeof file->bytes);
    memcpy(file->bytes + file->count, data, bytes);
    file->count += bytes;
}

/* Magic, version, header length and header, padded with blanks to a multiple of 64 as NumPy does.
 */
static void put_header(npy_bytes_t *file, int version, const char *dictionary)
{
    const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', (unsigned char)version, 0};
    const size_t prefix = version == 1 ? 10 : 12, text = strlen(dictionary);
    const size_t total = (prefix + text + 1 + 63) / 64 * 64, length = total - prefix;
    const unsigned char length_bytes[] = {(unsigned char)(length & 255),
                                          (unsigned char)(length >> 8), 0, 0};
    file->count = 0;
    put(file, magic, sizeof magic);
    put(file, length_bytes, prefix - sizeof magic);
    put(file, dictionary, text);
    while (file->count < total - 1) {
        put(file, " ", 1);
    }
    put(file, "\n", 1);
}

/* Load the bytes as a file. @return what mcbe_frame_load gives */
static mcbe_status_t load(const npy_bytes_t *file, int normalize_rows, mcbe_frame_t *frame,
                          mcbe_error_t *err)
{
    char path[] = "matrix_XXXXXX";
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, file->bytes, file->count), file->count);
    assert_int_equal(close(descriptor), 0);
    memset(frame, 0x5a, sizeof *frame);
    mcbe_error_clear(err);
    const mcbe_status_t st = mcbe_frame_load(frame, path, normalize_rows, err);
    assert_int_equal(unlink(path), 0);
    return st;
}

static void assert_loads(const npy_bytes_t *file)
{
    const double expected[] = {1, 2, 3, 4, 5, 6.5};
    mcbe_frame_t frame;
    mcbe_error_t err;
    assert_int_equal(load(file, 0, &frame, &err), MCBE_OK);
    assert_int_equal(err.status, MCBE_OK);
    assert_int_equal(frame.m, 3);
    assert_int_equal(frame.n, 2);
    assert_memory_equal(frame.w, expected, sizeof expected);
    assert_true(frame.norm[1] == 5);
    mcbe_frame_free(&frame);
}

/* Refused with `status` and one sentence that holds `word`. */
static void assert_refused(const npy_bytes_t *file, mcbe_status_t status, const char *word)
{
    mcbe_frame_t frame;
    mcbe_error_t err;
    assert_int_equal(load(file, 0, &frame, &err), status);
    assert_int_equal(err.status, status);
    assert_non_null(strstr(err.text, word));
    assert_null(strchr(err.text, '\n'));
    assert_null(frame.w);
    assert_null(frame.transpose);
    assert_null(frame.norm);
    assert_int_equal(mcbe_alloc_balance(), 0);
}

static const double f8_rows[] = {1, 2, 3, 4, 5, 6.5};
static const float f4_rows[] = {1, 2, 3, 4, 5, 6.5F};
static const double f8_columns[] = {1, 3, 5, 2, 4, 6.5};
static const float f4_columns[] = {1, 3, 5, 2, 4, 6.5F};

#define GOOD_HEADER "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }"

static void every_version_type_and_order_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary;
        const void *data;
        size_t bytes;
    } cases[] = {
        {GOOD_HEADER, f8_rows, sizeof f8_rows},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", f4_rows, sizeof f4_rows},
        {"{'descr': '<f8', 'fortran_order': True, 'shape': (3, 2), }", f8_columns,
         sizeof f8_columns},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", f4_columns,
         sizeof f4_columns},
        /* other writers: another order of keys, no blanks */
        {"{'shape':(3,2),'fortran_order':False,'descr':'<f8'}", f8_rows, sizeof f8_rows},
    };
    for (int version = 1; version <= 3; version++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            npy_bytes_t file;
            put_header(&file, version, cases[i].dictionary);
            put(&file, cases[i].data, cases[i].bytes);
            assert_loads(&file);
        }
    }
}

static void rows_are_normalised_on_request(void **state)
{
    (void)state;
    npy_bytes_t file;
    mcbe_frame_t frame;
    put_header(&file, 1, GOOD_HEADER);
    put(&file, f8_rows, sizeof f8_rows);
    assert_int_equal(load(&file, 1, &frame, NULL), MCBE_OK);
    assert_true(fabs(frame.w[2] - 0.6) < 1e-15 && fabs(frame.w[3] - 0.8) < 1e-15);
    mcbe_frame_free(&frame);
}

static void other_element_types_are_refused(void **state)
{
    (void)state;
    static const char *const types[] = {">f8", ">f4", "<f2", "<i8",  "|O",  "<c16",
                                        "|b1", "<U3", "f8",  "<f16", "<f80"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        char dictionary[128];
        npy_bytes_t file;
        snprintf(dictionary, sizeof dictionary,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (3, 2), }", types[i]);
        put_header(&file, 1, dictionary);
        put(&file, f8_rows, sizeof f8_rows);
        assert_refused(&file, MCBE_ERR_DATA, types[i]);
    }
    npy_bytes_t record;
    put_header(&record, 1, "{'descr': [('w', '<f8')], 'fortran_order': False, 'shape': (3, 2), }");
    put(&record, f8_rows, sizeof f8_rows);
    assert_refused(&record, MCBE_ERR_DATA, "type");
}

/* (2, 3) has more columns than rows; the last but two has 6 elements modulo 2^64, as many as
 * follow. */
static void shapes_that_are_no_weight_matrix_are_refused(void **state)
{
    (void)state;
    static const char *const shapes[] = {"()",
                                         "(6,)",
                                         "(1, 3, 2)",
                                         "(3, 2, 1)",
                                         "(-3, -2)",
                                         "(-3, 2)",
                                         "(3, 0)",
                                         "(0, 0)",
                                         "(2, 3)",
                                         "(3.0, 2)",
                                         "(3, 2",
                                         "3, 2",
                                         "(3, 99999999999999999999)",
                                         "(4294967296, 4294967296)",
                                         "(9223372036854775807, 2)",
                                         "(6148914691236517206, 3)",
                                         "(1676976733973595602, 11)",
                                         "(131072, 16384)",
                                         "(3000000, 2)"};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        char dictionary[128];
        npy_bytes_t file;
        snprintf(dictionary, sizeof dictionary,
                 "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }", shapes[i]);
        put_header(&file, 1, dictionary);
        put(&file, f8_rows, sizeof f8_rows);
        assert_refused(&file, MCBE_ERR_DATA, "'matrix_");
    }
}

static void incomplete_headers_are_refused(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "",
        "{}",
        "{'descr': '<f8', 'fortran_order': False, }",
        "{'descr': '<f8', 'shape': (3, 2), }",
        "{'fortran_order': False, 'shape': (3, 2), }",
        "{'descr': '<f8', 'fortran_order': Maybe, 'shape': (3, 2), }",
        "{'descr' '<f8', 'fortran_order': False, 'shape': (3, 2), }",
    };
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        npy_bytes_t file;
        put_header(&file, 1, headers[i]);
        put(&file, f8_rows, sizeof f8_rows);
        assert_refused(&file, MCBE_ERR_DATA, "'matrix_");
    }
}

static void foreign_files_are_refused(void **state)
{
    (void)state;
    npy_bytes_t file;
    put_header(&file, 1, GOOD_HEADER);
    put(&file, f8_rows, sizeof f8_rows);
    for (size_t i = 0; i < 6; i++) { /* any byte of the magic */
        npy_bytes_t changed = file;
        changed.bytes[i] ^= 0x20;
        assert_refused(&changed, MCBE_ERR_DATA, "not a .npy file");
    }
    static const unsigned char versions[] = {0, 4, 255};
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        npy_bytes_t changed = file;
        changed.bytes[6] = versions[i];
        assert_refused(&changed, MCBE_ERR_DATA, "version");
    }
    npy_bytes_t long_header;
    put_header(&long_header, 2, GOOD_HEADER);
    long_header.bytes[11] = 0x7f; /* two billion bytes of header */
    assert_refused(&long_header, MCBE_ERR_DATA, "header");
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    npy_bytes_t file;
    put_header(&file, 1, GOOD_HEADER);
    put(&file, f8_rows, sizeof f8_rows);
    const size_t whole = file.count;
    for (file.count = 0; file.count < whole; file.count++) {
        assert_refused(&file, MCBE_ERR_DATA, "'matrix_");
    }
    assert_loads(&file);
    put(&file, "x", 1);
    assert_refused(&file, MCBE_ERR_DATA, "bytes of data");
}

static void bad_values_are_refused_with_their_row(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -1e200};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const double w[] = {1, 2, 3, 4, 5, bad[i]};
        npy_bytes_t file;
        put_header(&file, 1, GOOD_HEADER);
        put(&file, w, sizeof w);
        assert_refused(&file, MCBE_ERR_VALUE, "row 2");
    }
    const float zero_row[] = {1, 2, 0, 0, 5, 6};
    npy_bytes_t file;
    put_header(&file, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }");
    put(&file, zero_row, sizeof zero_row);
    assert_refused(&file, MCBE_ERR_VALUE, "row 1");
}

static void unreadable_paths_are_io_errors(void **state)
{
    (void)state;
    static const char *const paths[] = {".", "/nonexistent/mcbe/w.npy", ""};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        mcbe_frame_t frame;
        mcbe_error_t err = {0};
        assert_int_equal(mcbe_frame_load(&frame, paths[i], 0, &err), MCBE_ERR_IO);
        assert_non_null(strstr(err.text, paths[i]));
        assert_null(frame.w);
    }
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    npy_bytes_t file;
    mcbe_frame_t frame;
    mcbe_error_t err;
    put_header(&file, 1, GOOD_HEADER);
    put(&file, f8_rows, sizeof f8_rows);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(load(&file, 0, &frame, &err));
    mcbe_frame_free(&frame);
}

/* What is saved is what NumPy documents, byte by byte, and comes back. */
static void saved_arrays_are_npy_files(void **state)
{
    (void)state;
    const double values[6] = {1, -2.5, 1e-300, 0.1, 5, 6};
    unsigned char bytes[512];
    mcbe_frame_t frame = {0};
    mcbe_error_t err = {0};
    const struct {
        int64_t rows, columns;
        const char *dictionary;
    } cases[] = {{3, 2, "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), } "},
                 {6, 0, "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), } "}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(mcbe_npy_save("saved.npy", values, cases[i].rows, cases[i].columns, &err),
                         MCBE_OK);
        FILE *file = fopen("saved.npy", "rb");
        assert_non_null(file);
        assert_int_equal(fread(bytes, 1, sizeof bytes, file), 128 + sizeof values);
        fclose(file);
        assert_memory_equal(bytes, "\x93NUMPY\x01\x00\x76\x00", 10);
        assert_memory_equal(bytes + 10, cases[i].dictionary, strlen(cases[i].dictionary));
        assert_int_equal(bytes[127], '\n');
        assert_memory_equal(bytes + 128, values, sizeof values);
    }
    assert_int_equal(mcbe_npy_save("saved.npy", values, 3, 2, &err), MCBE_OK);
    assert_int_equal(mcbe_frame_load(&frame, "saved.npy", 0, &err), MCBE_OK);
    assert_int_equal(frame.m, 3);
    assert_memory_equal(frame.w, values, sizeof values);
    mcbe_frame_free(&frame);
    remove("saved.npy");
    assert_int_equal(mcbe_npy_save("no/such/folder.npy", values, 3, 2, &err), MCBE_ERR_IO);
    assert_non_null(strstr(err.text, "no/such/folder.npy"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(every_version_type_and_order_is_read),
        UNIT_TEST(rows_are_normalised_on_request),
        UNIT_TEST(other_element_types_are_refused),
        UNIT_TEST(shapes_that_are_no_weight_matrix_are_refused),
        UNIT_TEST(incomplete_headers_are_refused),
        UNIT_TEST(foreign_files_are_refused),
        UNIT_TEST(a_file_cut_anywhere_is_refused),
        UNIT_TEST(bad_values_are_refused_with_their_row),
        UNIT_TEST(unreadable_paths_are_io_errors),
        UNIT_TEST(saved_arrays_are_npy_files),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("npy", tests, NULL, NULL);
}
