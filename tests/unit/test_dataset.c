/* Binary data sets: IDX, CIFAR-10, NumPy, packed or not, from bytes written by hand. */

#include "files_in_memory.h"
#include "mcbe/dataset.h"
#include "mcbe/frame.h"

static mcbe_status_t parse(const test_bytes_t *file, const char *name,
                           const mcbe_data_options_t *options, mcbe_dataset_t *data,
                           mcbe_error_t *err)
{
    FILE *in = open_bytes(file);
    memset(data, 0x5a, sizeof *data);
    mcbe_error_clear(err);
    const mcbe_status_t st = mcbe_dataset_parse(data, in, name, options, err);
    fclose(in);
    return st;
}

static mcbe_status_t parse_and_free(const test_bytes_t *file, const char *name)
{
    mcbe_dataset_t data;
    mcbe_error_t err = {0};
    const mcbe_status_t st = parse(file, name, NULL, &data, &err);
    mcbe_dataset_free(&data);
    return st;
}

/* Refused with one sentence that holds the name and `word`. */
static void assert_refused(const test_bytes_t *file, const char *name, mcbe_status_t status,
                           const char *word)
{
    mcbe_dataset_t data;
    mcbe_error_t err = {0};
    assert_int_equal(parse(file, name, NULL, &data, &err), status);
    assert_int_equal(err.status, status);
    assert_non_null(strstr(err.text, name));
    if (!strstr(err.text, word)) {
        fail_msg("'%s' lacks '%s'", err.text, word);
    }
    assert_null(strchr(err.text, '\n'));
    assert_null(data.x);
    assert_int_equal(data.count, 0);
    assert_int_equal(mcbe_alloc_balance(), 0);
}

static void assert_points(const mcbe_dataset_t *data, int64_t count, int n, const float *x)
{
    assert_int_equal(data->count, count);
    assert_int_equal(data->n, n);
    assert_memory_equal(data->x, x, (size_t)count * (size_t)n * sizeof *x);
}

/* --- IDX --- */

/* Two images of 2 x 2 pixels, bytes 0 128 255 7 and 1 2 3 4. */
static const unsigned char images[] = {0, 0, 8, 3, 0, 0,   0,   2, 0, 0, 0, 2,
                                       0, 0, 0, 2, 0, 128, 255, 7, 1, 2, 3, 4};
static const float images_x[] = {0, 128, 255, 7, 1, 2, 3, 4};

static void images_are_read(void **state)
{
    (void)state;
    test_bytes_t file = {0};
    mcbe_dataset_t data;
    mcbe_error_t err = {0};
    add_bytes(&file, images, sizeof images);
    assert_int_equal(parse(&file, "train-images-idx3-ubyte", NULL, &data, &err), MCBE_OK);
    assert_points(&data, 2, 4, images_x);
    assert_null(data.label);
    mcbe_dataset_free(&data);
    drop_bytes(&file);
}

static void every_idx_type_is_read(void **state)
{
    (void)state;
    /* one point of two features, -2 and 3 (254 and 3 as unsigned bytes), by IEEE 754 and two's
     * complement */
    static const struct {
        unsigned char type, data[16];
        size_t bytes;
        float first;
    } cases[] = {
        {0x08, {0xfe, 3}, 2, 254},
        {0x09, {0xfe, 3}, 2, -2},
        {0x0b, {0xff, 0xfe, 0, 3}, 4, -2},
        {0x0c, {0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 3}, 8, -2},
        {0x0d, {0xc0, 0, 0, 0, 0x40, 0x40, 0, 0}, 8, -2},
        {0x0e, {0xc0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x08, 0, 0, 0, 0, 0, 0}, 16, -2},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const unsigned char header[] = {0, 0, cases[i].type, 2, 0, 0, 0, 1, 0, 0, 0, 2};
        const float expected[] = {cases[i].first, 3};
        test_bytes_t file = {0};
        mcbe_dataset_t data;
        mcbe_error_t err = {0};
        add_bytes(&file, header, sizeof header);
        add_bytes(&file, cases[i].data, cases[i].bytes);
        assert_int_equal(parse(&file, "x", NULL, &data, &err), MCBE_OK);
        assert_points(&data, 1, 2, expected);
        mcbe_dataset_free(&data);
        drop_bytes(&file);
    }
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    test_bytes_t file = {0};
    add_bytes(&file, images, sizeof images);
    for (file.count = 4; file.count < sizeof images; file.count++) {
        assert_refused(&file, "images", MCBE_ERR_DATA, "'images'");
    }
    add_bytes(&file, "x", 1);
    assert_refused(&file, "images", MCBE_ERR_DATA, "holds 9 bytes of data; its header asks for 8");
    drop_bytes(&file);
}

static void bad_idx_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        int at;
        unsigned char bytes[4];
        const char *word;
    } cases[] = {
        {0, {0, 1, 8, 3}, "of no format"},
        {0, {0, 0, 0x0a, 3}, "not an IDX file"}, /* no such type */
        {0, {0, 0, 8, 0}, "not an IDX file"},    /* no dimensions */
        {0, {0, 0, 8, 9}, "not an IDX file"},    /* more than can be read */
        {4, {0, 0, 0, 0}, "size 0"},
        {4, {0xff, 0xff, 0xff, 0xfe}, "size -2"},
        {8, {0x7f, 0xff, 0xff, 0xff}, "at most 2147483648 values"},
        {4, {0x7f, 0xff, 0xff, 0xff}, "at most 2147483648 values"},
        {4, {0, 0, 0, 3}, "asks for 12"},
        {0, {0, 0, 8, 2}, "holds 12 bytes of data; its header asks for 4"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        test_bytes_t file = {0};
        add_bytes(&file, images, sizeof images);
        memcpy(file.bytes + cases[i].at, cases[i].bytes, 4);
        assert_refused(&file, "images", MCBE_ERR_DATA, cases[i].word);
        drop_bytes(&file);
    }
    /* 16,385 features */
    const unsigned char wide[] = {0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0x40, 1};
    test_bytes_t file = {0};
    unsigned char *zeros = calloc(16385, 1);
    assert_non_null(zeros);
    add_bytes(&file, wide, sizeof wide);
    add_bytes(&file, zeros, 16385);
    assert_refused(&file, "wide", MCBE_ERR_DATA, "16385 features");
    free(zeros);
    drop_bytes(&file);
}

static void values_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    static const unsigned char header[] = {0, 0, 0x0e, 2, 0, 0, 0, 2, 0, 0, 0, 1};
    static const unsigned char one[] = {0x3f, 0xf0, 0, 0, 0, 0, 0, 0};
    static const struct {
        unsigned char bytes[8];
        const char *word;
    } bad[] = {
        {{0x7f, 0xf8, 0, 0, 0, 0, 0, 0}, "nan"},
        {{0x7f, 0xf0, 0, 0, 0, 0, 0, 0}, "inf"},
        {{0x47, 0xf0, 0, 0, 0, 0, 0, 0}, "inf"}, /* 2^128 is none in single precision */
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        test_bytes_t file = {0};
        add_bytes(&file, header, sizeof header);
        add_bytes(&file, one, sizeof one);
        add_bytes(&file, bad[i].bytes, 8);
        assert_refused(&file, "reals", MCBE_ERR_DATA, "point 1, feature 0");
        assert_refused(&file, "reals", MCBE_ERR_DATA, bad[i].word);
        drop_bytes(&file);
    }
}

/* --- gzip --- */

static void packed_files_are_read(void **state)
{
    (void)state;
    test_bytes_t file = {0};
    mcbe_dataset_t data;
    mcbe_error_t err = {0};
    add_packed(&file, images, 9); /* two members, as gzip files may be joined */
    add_packed(&file, images + 9, sizeof images - 9);
    assert_int_equal(parse(&file, "images.gz", NULL, &data, &err), MCBE_OK);
    assert_points(&data, 2, 4, images_x);
    mcbe_dataset_free(&data);
    drop_bytes(&file);
}

static void damaged_packed_files_are_refused(void **state)
{
    (void)state;
    test_bytes_t file = {0};
    add_packed(&file, images, sizeof images);
    const size_t whole = file.count;
    for (file.count = 2; file.count < whole; file.count++) {
        assert_refused(&file, "images.gz", MCBE_ERR_DATA, "truncated");
    }
    file.bytes[whole - 8] ^= 1; /* the checksum's first byte */
    assert_refused(&file, "images.gz", MCBE_ERR_DATA, "damaged");
    file.bytes[whole - 8] ^= 1;
    add_bytes(&file, "x", 1);
    assert_refused(&file, "images.gz", MCBE_ERR_DATA, "behind the end");
    drop_bytes(&file);
    add_packed(&file, images, sizeof images);
    add_packed(&file, "x", 1);
    assert_refused(&file, "images.gz", MCBE_ERR_DATA, "goes on after the 24 bytes that are due");
    drop_bytes(&file);
    add_packed(&file, images, sizeof images - 1);
    assert_refused(&file, "images.gz", MCBE_ERR_DATA, "7 bytes where 8 are due");
    drop_bytes(&file);
}

/* A small file that claims, or unpacks to, a thousand times its size. */
static void bombs_are_refused(void **state)
{
    (void)state;
    enum { UNPACKED = 80000000 };
    const unsigned char header[] = {0, 0, 8, 2, 0, 1, 0, 0, 0, 0, 0x20, 0};
    test_bytes_t file = {0};
    add_packed(&file, header, sizeof header);
    assert_refused(&file, "bomb.gz", MCBE_ERR_DATA, "536870912 bytes of data in its header");
    drop_bytes(&file);
    char *lines = malloc(UNPACKED);
    assert_non_null(lines);
    memset(lines, '\n', UNPACKED);
    add_packed(&file, lines, UNPACKED);
    free(lines);
    assert_true(file.count < 100000);
    assert_refused(&file, "bomb.csv.gz", MCBE_ERR_DATA, "grows by more than 200 times");
    drop_bytes(&file);
}

/* --- CIFAR-10 --- */

enum { PIXELS = 3072, RECORD = PIXELS + 1 };

/* Records with labels 3, 4, ...; pixel k of record r is (r + k) mod 256. */
static void add_records(test_bytes_t *file, int first, int count)
{
    unsigned char record[RECORD];
    for (int r = first; r < first + count; r++) {
        record[0] = (unsigned char)(3 + r);
        for (int k = 0; k < PIXELS; k++) {
            record[1 + k] = (unsigned char)(r + k);
        }
        add_bytes(file, record, sizeof record);
    }
}

static void assert_records(const mcbe_dataset_t *data, int count)
{
    assert_int_equal(data->count, count);
    assert_int_equal(data->n, PIXELS);
    assert_int_equal(data->classes, 10);
    for (int r = 0; r < count; r++) {
        assert_int_equal(data->label[r], 3 + r);
        for (int k = 0; k < PIXELS; k++) {
            assert_true(data->x[r * PIXELS + k] == (float)((r + k) % 256));
        }
    }
}

static void cifar_records_are_read_from_several_files(void **state)
{
    (void)state;
    static const char *const paths[] = {"batch_1.bin", "batch_2.bin"};
    static const char *const packed[] = {"batch_1.bin.gz", "batch_2.bin"};
    test_bytes_t files[2] = {{0}}, gz = {0};
    mcbe_dataset_t data;
    mcbe_error_t err = {0};
    add_records(&files[0], 0, 2);
    add_records(&files[1], 2, 3);
    add_packed(&gz, files[0].bytes, files[0].count);
    write_file(paths[0], files[0].bytes, files[0].count);
    write_file(paths[1], files[1].bytes, files[1].count);
    write_file(packed[0], gz.bytes, gz.count);
    assert_int_equal(mcbe_dataset_read(&data, paths, 2, NULL, &err), MCBE_OK);
    assert_records(&data, 5);
    mcbe_dataset_free(&data);
    assert_int_equal(mcbe_dataset_read(&data, packed, 2, NULL, &err), MCBE_OK);
    assert_records(&data, 5);
    mcbe_dataset_free(&data);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_dataset_read(&data, paths, 2, NULL, &err));
    mcbe_dataset_free(&data);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(mcbe_dataset_read(&data, packed, 2, NULL, &err));
    mcbe_dataset_free(&data);
    drop_bytes(&files[0]);
    drop_bytes(&files[1]);
    drop_bytes(&gz);
}

static void bad_cifar_files_are_refused(void **state)
{
    (void)state;
    test_bytes_t file = {0};
    add_records(&file, 0, 2);
    file.count--;
    assert_refused(&file, "cifar.bin", MCBE_ERR_DATA, "records of 3073");
    test_bytes_t packed = {0};
    add_packed(&packed, file.bytes, file.count);
    assert_refused(&packed, "cifar.bin.gz", MCBE_ERR_DATA, "inside record 1: 3072 bytes");
    drop_bytes(&packed);
    file.count++;
    file.bytes[RECORD] = 10;
    assert_refused(&file, "cifar.bin", MCBE_ERR_DATA, "label 10 in record 1");
    drop_bytes(&file);
}

static void files_that_do_not_belong_together_are_refused(void **state)
{
    (void)state;
    static const char *const formats[] = {"a.idx", "b.bin"};
    static const char *const shapes[] = {"a.idx", "c.idx"};
    const unsigned char other[] = {0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 5, 6};
    test_bytes_t file = {0};
    mcbe_dataset_t data;
    mcbe_error_t err = {0};
    add_records(&file, 0, 1);
    write_file("a.idx", images, sizeof images);
    write_file("b.bin", file.bytes, file.count);
    write_file("c.idx", other, sizeof other);
    assert_int_equal(mcbe_dataset_read(&data, formats, 2, NULL, &err), MCBE_ERR_DATA);
    assert_non_null(strstr(err.text, "'b.bin' is of another format than 'a.idx'"));
    mcbe_error_clear(&err);
    assert_int_equal(mcbe_dataset_read(&data, shapes, 2, NULL, &err), MCBE_ERR_DATA);
    assert_non_null(
        strstr(err.text, "'c.idx' has points of 2 features; those it belongs to have 4"));
    assert_null(data.x);
    drop_bytes(&file);
}

/* --- NumPy --- */

static void add_npy(test_bytes_t *file, const char *dictionary, const void *data, size_t bytes)
{
    const unsigned char length = (unsigned char)strlen(dictionary);
    const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, length, 0};
    add_bytes(file, magic, sizeof magic);
    add_bytes(file, dictionary, length);
    add_bytes(file, data, bytes);
}

static void numpy_arrays_are_read(void **state)
{
    (void)state;
    static const unsigned char u1[] = {0, 1, 2, 3, 4, 5, 6, 255};
    static const unsigned char u1_fortran[] = {0, 4, 2, 6, 1, 5, 3, 255};
    static const int16_t i2[] = {0, 1, 2, 3, 4, 5, 6, 255};
    static const double f8[] = {0, 1, 2, 3, 4, 5, 6, 255};
    static const float expected[] = {0, 1, 2, 3, 4, 5, 6, 255};
    static const struct {
        const char *dictionary;
        const void *data;
        size_t bytes;
    } cases[] = {
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 2), }", u1, sizeof u1},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 2), }", u1_fortran, sizeof u1},
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (2, 4), }", i2, sizeof i2},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4), }", f8, sizeof f8},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        test_bytes_t file = {0};
        mcbe_dataset_t data;
        mcbe_error_t err = {0};
        add_npy(&file, cases[i].dictionary, cases[i].data, cases[i].bytes);
        assert_int_equal(parse(&file, "a.npy", NULL, &data, &err), MCBE_OK);
        assert_points(&data, 2, 4, expected);
        mcbe_dataset_free(&data);
        drop_bytes(&file);
    }
}

static void numpy_arrays_that_are_no_points_are_refused(void **state)
{
    (void)state;
    test_bytes_t file = {0};
    add_npy(&file, "{'descr': '|u1', 'fortran_order': False, 'shape': (8,), }", "12345678", 8);
    assert_refused(&file, "labels.npy", MCBE_ERR_DATA, "one number an entry");
    drop_bytes(&file);
    add_npy(&file, "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 1), }", "12345678", 8);
    assert_refused(&file, "big.npy", MCBE_ERR_DATA, ">f4");
    drop_bytes(&file);
}

/* --- labels --- */

static mcbe_status_t parse_labels(mcbe_dataset_t *data, const test_bytes_t *file, mcbe_error_t *err)
{
    FILE *in = open_bytes(file);
    mcbe_error_clear(err);
    const mcbe_status_t st = mcbe_dataset_parse_labels(data, in, "labels", err);
    fclose(in);
    return st;
}

static void labels_come_from_their_own_file(void **state)
{
    (void)state;
    static const unsigned char idx[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 0};
    static const int64_t i8[] = {1, 5};
    static const double halves[] = {1, 0.5};
    test_bytes_t file = {0};
    mcbe_dataset_t data;
    mcbe_error_t err = {0};
    add_bytes(&file, images, sizeof images);
    assert_int_equal(parse(&file, "images", NULL, &data, &err), MCBE_OK);
    assert_int_equal(parse_labels(&data, &file, &err), MCBE_ERR_DATA);
    assert_non_null(strstr(err.text, "2 entries of 4 numbers; there are 2 points"));
    assert_null(data.label);
    drop_bytes(&file);
    add_bytes(&file, idx, sizeof idx);
    assert_int_equal(parse_labels(&data, &file, &err), MCBE_OK);
    assert_int_equal(data.label[0], 7);
    assert_int_equal(data.label[1], 0);
    assert_int_equal(data.classes, 8);
    drop_bytes(&file);
    add_npy(&file, "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", i8, sizeof i8);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(parse_labels(&data, &file, &err));
    assert_int_equal(data.label[1], 5);
    drop_bytes(&file);
    add_npy(&file, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", halves,
            sizeof halves);
    assert_int_equal(parse_labels(&data, &file, &err), MCBE_ERR_DATA);
    assert_non_null(strstr(err.text, "label 0.5 at place 1"));
    assert_int_equal(data.label[1], 5); /* as it was */
    mcbe_dataset_free(&data);
    drop_bytes(&file);
}

/* --- the rest --- */

static void unknown_files_are_refused(void **state)
{
    (void)state;
    test_bytes_t file = {0};
    add_bytes(&file, "1 2 3 4", 7);
    assert_refused(&file, "points", MCBE_ERR_DATA, "csv, idx, cifar10 or npy");
    drop_bytes(&file);
    add_bytes(&file, "\x89HDF\r\n\x1a\n", 8);
    assert_refused(&file, "points", MCBE_ERR_DATA, "points:/points");
    drop_bytes(&file);
    static const char *const paths[] = {".", "no/such/file", ""};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        mcbe_dataset_t data;
        mcbe_error_t err = {0};
        assert_int_equal(mcbe_dataset_read(&data, &paths[i], 1, NULL, &err), MCBE_ERR_IO);
        assert_non_null(strstr(err.text, paths[i]));
        assert_null(data.x);
    }
    static const char *const empty[] = {"empty"};
    mcbe_dataset_t data;
    mcbe_error_t err = {0};
    write_file(empty[0], "", 0);
    assert_int_equal(mcbe_dataset_read(&data, empty, 1, NULL, &err), MCBE_ERR_DATA);
    assert_non_null(strstr(err.text, "'empty' is empty"));
}

static void points_of_the_callers_are_checked(void **state)
{
    (void)state;
    mcbe_dataset_t data;
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_dataset_create(&data, 0, 3, &err), MCBE_ERR_DIM);
    assert_int_equal(mcbe_dataset_create(&data, 3, MCBE_MAX_N + 1, &err), MCBE_ERR_DIM);
    assert_int_equal(mcbe_dataset_create(&data, INT64_MAX, 2, &err), MCBE_ERR_DIM);
    assert_int_equal(mcbe_dataset_create(&data, 2, 3, &err), MCBE_OK);
    assert_int_equal(mcbe_dataset_check(&data, "mine", &err), MCBE_OK);
    data.x[4] = NAN;
    mcbe_error_clear(&err);
    assert_int_equal(mcbe_dataset_check(&data, "mine", &err), MCBE_ERR_DATA);
    assert_non_null(strstr(err.text, "'mine' has the value nan in point 1, feature 1"));
    mcbe_dataset_free(&data);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    test_bytes_t file = {0};
    add_packed(&file, images, sizeof images);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(parse_and_free(&file, "images.gz"));
    drop_bytes(&file);
    add_npy(&file, "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 2), }", "12345678", 8);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(parse_and_free(&file, "a.npy"));
    drop_bytes(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(images_are_read),
        UNIT_TEST(every_idx_type_is_read),
        UNIT_TEST(a_file_cut_anywhere_is_refused),
        UNIT_TEST(bad_idx_headers_are_refused),
        UNIT_TEST(values_that_are_not_finite_are_refused),
        UNIT_TEST(packed_files_are_read),
        UNIT_TEST(damaged_packed_files_are_refused),
        UNIT_TEST(bombs_are_refused),
        UNIT_TEST(cifar_records_are_read_from_several_files),
        UNIT_TEST(bad_cifar_files_are_refused),
        UNIT_TEST(files_that_do_not_belong_together_are_refused),
        UNIT_TEST(numpy_arrays_are_read),
        UNIT_TEST(numpy_arrays_that_are_no_points_are_refused),
        UNIT_TEST(labels_come_from_their_own_file),
        UNIT_TEST(unknown_files_are_refused),
        UNIT_TEST(points_of_the_callers_are_checked),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
