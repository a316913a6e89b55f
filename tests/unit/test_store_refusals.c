/* Result files that are not ours, not whole or not true: each is refused with the fault named. */

#include <fcntl.h>
#include <sys/file.h>

#include "stores.h"

static void assert_peek(const char *path, mcbe_status_t status, const char *words)
{
    mcbe_error_t err = {0};
    mcbe_store_info_t info;
    memset(&info, 0x55, sizeof info);
    assert_int_equal(mcbe_store_peek(path, &info, &err), status);
    ASSERT_SAYS(err, words);
    ASSERT_SAYS(err, path);
    assert_null(info.experiment);
}

static void what_is_not_ours_is_refused(void **state)
{
    (void)state;
    assert_peek("missing.h5", MCBE_ERR_IO, "cannot open 'missing.h5': No such file or directory");
    mkdir("folder.h5", 0700);
    assert_peek("folder.h5", MCBE_ERR_IO, "is a folder, not a file");
    mkfifo("pipe.h5", 0600);
    assert_peek("pipe.h5", MCBE_ERR_IO, "is not a regular file");
    spill(PATH, "seed: 5\n", 8);
    assert_peek(PATH, MCBE_ERR_DATA, "'" PATH "' is not an HDF5 file");
    spill(PATH, "", 0);
    assert_peek(PATH, MCBE_ERR_DATA, "'" PATH "' is not an HDF5 file");
    hid_t file = H5Fcreate(PATH, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    assert_peek(PATH, MCBE_ERR_DATA, "is an HDF5 file but not a result file of mcbe");
}

static void a_truncated_file_is_damaged(void **state)
{
    (void)state;
    fixture_t f;
    size_t bytes = 0;
    begin_partial(&f);
    commit(&f, PATH);
    unsigned char *data = slurp(PATH, &bytes);
    for (size_t length = 8; length < bytes; length += 97) {
        spill(PATH, data, length);
        assert_peek(PATH, MCBE_ERR_CORRUPT, "cannot open '" PATH "': ");
    }
    assert_peek(PATH, MCBE_ERR_CORRUPT, "truncated file");
    mcbe_free(data);
    end(&f);
}

static void only_known_versions_are_read(void **state)
{
    (void)state;
    fixture_t f;
    mcbe_store_info_t info;
    mcbe_error_t err = {0};
    const int newer[2] = {2, 0}, older[2] = {0, 9}, minor[2] = {1, 7};
    begin_partial(&f);
    commit(&f, PATH);
    write_attribute(PATH, "version", H5T_NATIVE_INT, newer);
    assert_peek(PATH, MCBE_ERR_VERSION,
                "is of format version 2.0, this program reads 1.x; use a newer mcbe");
    assert_int_equal(mcbe_store_read(f.store, PATH, &err), MCBE_ERR_VERSION);
    write_attribute(PATH, "version", H5T_NATIVE_INT, older);
    assert_peek(PATH, MCBE_ERR_VERSION, "version 0.9, this program reads 1.x; use an older mcbe");
    write_attribute(PATH, "version", H5T_NATIVE_INT, minor);
    assert_int_equal(mcbe_store_peek(PATH, &info, NULL), MCBE_OK);
    assert_int_equal(info.minor, 7);
    mcbe_store_info_free(&info);
    assert_int_equal(mcbe_store_read(f.store, PATH, NULL), MCBE_OK);
    end(&f);
}

static void a_missing_part_is_named(void **state)
{
    (void)state;
    static const char *const root[] = {
        "version",     "experiment",   "mcbe_version",       "git_sha1",
        "created_utc", "command_line", "config_fingerprint", "seed",
        "complete",    "units",        "units_done"};
    fixture_t f;
    char words[64];
    begin_partial(&f);
    for (size_t k = 0; k < COUNT_OF(root); k++) {
        commit(&f, PATH);
        delete_attribute(PATH, "/", root[k]);
        snprintf(words, sizeof words, "lacks the attribute '%s'", root[k]);
        assert_peek(PATH, MCBE_ERR_CORRUPT, words);
    }
    commit(&f, PATH);
    delete_attribute(PATH, "/config", "resolved");
    assert_peek(PATH, MCBE_ERR_CORRUPT, "lacks the attribute 'resolved'");
    commit(&f, PATH);
    delete_link(PATH, "config");
    assert_peek(PATH, MCBE_ERR_CORRUPT, "lacks the group 'config'");
    commit(&f, PATH);
    delete_link(PATH, "cells/done");
    assert_peek(PATH, MCBE_ERR_CORRUPT, "lacks the dataset 'cells/done'");
    /* an attribute of another type */
    const char *filetype = "mcbe-results";
    hid_t file = H5Fcreate(PATH, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    hid_t attribute = H5Acreate2(file, "filetype", type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, &filetype);
    H5Aclose(attribute);
    attribute = H5Acreate2(file, "version", type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, type, &filetype);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    H5Fclose(file);
    assert_peek(PATH, MCBE_ERR_CORRUPT, "the attribute 'version' is not a list of integers");
    end(&f);
}

/* Somebody has the file open for writing, or the file system knows no locks. */
static void a_locked_file_is_told_from_a_damaged_one(void **state)
{
    (void)state;
    fixture_t f;
    begin_partial(&f);
    commit(&f, PATH);
    int fd = open(PATH, O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_peek(PATH, MCBE_ERR_IO, "set HDF5_USE_FILE_LOCKING=FALSE");
    close(fd);
    end(&f);
}

/* Where the little-endian bytes of a value stand in a file that holds it once. */
static size_t place_of(const unsigned char *data, size_t bytes, const void *value, size_t size)
{
    size_t place = 0, found = 0;
    for (size_t k = 0; k + size <= bytes; k++) {
        if (memcmp(data + k, value, size) == 0) {
            place = k;
            found++;
        }
    }
    assert_int_equal(found, 1);
    return place;
}

static mcbe_status_t check(const fixture_t *f, mcbe_error_t *err)
{
    return mcbe_store_check(f->store, PATH, err);
}

static void a_flipped_byte_is_found_and_named(void **state)
{
    (void)state;
    /* rows 0 .. 2 of unit (1, 1) in alpha/sample; updates of unit (2, 0) */
    const int64_t samples[3] = {11000, 11001, 11002}, updates = (INT64_C(1) << 40) | 20;
    const struct {
        const void *value;
        size_t size;
        const char *dataset;
    } cases[] = {{samples, sizeof samples, "alpha/sample"},
                 {&updates, sizeof updates, "trials/updates"}};
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        fixture_t f;
        mcbe_error_t err = {0};
        size_t bytes = 0;
        begin_partial(&f);
        commit(&f, PATH);
        assert_int_equal(check(&f, NULL), MCBE_OK);
        unsigned char *data = slurp(PATH, &bytes);
        data[place_of(data, bytes, cases[k].value, cases[k].size) + 1] ^= 0x10;
        spill(PATH, data, bytes);
        mcbe_store_t *copy = make_store(&f.plan, &f.layout);
        assert_int_equal(mcbe_store_read(copy, PATH, &err), MCBE_ERR_CORRUPT);
        ASSERT_SAYS(err, cases[k].dataset);
        ASSERT_SAYS(err, "Fletcher32");
        assert_int_equal(mcbe_store_done_count(copy), 0);
        mcbe_error_clear(&err);
        assert_int_equal(check(&f, &err), MCBE_ERR_CORRUPT);
        ASSERT_SAYS(err, cases[k].dataset);
        mcbe_store_destroy(&copy);
        mcbe_free(data);
        end(&f);
    }
}

static void assert_check_says(const fixture_t *f, const char *words)
{
    mcbe_error_t err = {0};
    assert_int_equal(check(f, &err), MCBE_ERR_CORRUPT);
    ASSERT_SAYS(err, words);
    ASSERT_SAYS(err, "'" PATH "'");
    commit(f, PATH);
}

static void check_finds_what_does_not_agree(void **state)
{
    (void)state;
    fixture_t f;
    const int64_t m[3] = {3, 6, 4}, finished[3] = {2, 2, 1}, yes = 1, three = 3;
    const int64_t offset[7] = {0, 3, 6, 12, 16, 20, 24};
    const double redundancy[3] = {1.5, 2.5, 1.25};
    const int8_t done[6] = {1, 1, 0, 0, 1, 0};
    const char *zeros = "0000000000000000000000000000000000000000000000000000000000000000";
    begin_partial(&f);
    commit(&f, PATH);
    assert_int_equal(check(&f, NULL), MCBE_OK);
    write_plain(PATH, "cells/m", H5T_NATIVE_INT64, m);
    assert_check_says(&f, "say n = 2, m = 6 for cell 1, the configuration says n = 2, m = 5");
    write_plain(PATH, "cells/trials_done", H5T_NATIVE_INT64, finished);
    assert_check_says(&f, "'cells/trials_done' has 2 for cell 1, the records say 1");
    write_plain(PATH, "cells/redundancy", H5T_NATIVE_DOUBLE, redundancy);
    assert_check_says(&f, "'cells/redundancy' has 1.25 for cell 2");
    write_plain(PATH, "alpha/offset", H5T_NATIVE_INT64, offset);
    assert_check_says(&f, "'alpha/offset' has 12 for unit 3, not 11");
    write_plain(PATH, "cells/done", H5T_NATIVE_INT8, done);
    assert_check_says(&f, "the attribute 'units_done' is 4, the records say 3");
    write_attribute(PATH, "complete", H5T_NATIVE_INT64, &yes);
    assert_check_says(&f, "the attribute 'complete' is 1, the records say 0");
    write_attribute(PATH, "units", H5T_NATIVE_INT64, &three);
    assert_check_says(&f, "the attribute 'units' is 3, the records say 6");
    write_attribute(PATH, "seed", H5T_NATIVE_INT64, &three);
    assert_check_says(&f, "the attribute 'seed' is 3, its configuration says 5");
    hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, H5T_VARIABLE);
    H5Tset_cset(text, H5T_CSET_UTF8);
    write_attribute(PATH, "config_fingerprint", text, &zeros);
    assert_check_says(&f, "the attribute 'config_fingerprint' is 00000000");
    write_attribute(PATH, "experiment", text, &zeros);
    assert_check_says(&f, "the attribute 'experiment' is '00000000");
    H5Tclose(text);
    delete_attribute(PATH, "trials/updates", "units");
    assert_check_says(&f, "dataset 'trials/updates' lacks the attribute 'units'");
    delete_link(PATH, "trials/verdict/zero");
    assert_check_says(&f, "lacks the dataset 'trials/verdict/zero'");
    delete_link(PATH, "timing/rank");
    assert_check_says(&f, "lacks the dataset 'timing/rank'");
    assert_int_equal(check(&f, NULL), MCBE_OK);
    end(&f);
}

static void check_wants_all_trials(void **state)
{
    (void)state;
    fixture_t f;
    mcbe_error_t err = {0};
    begin_partial(&f);
    commit(&f, PATH);
    mcbe_plan_t larger = small_plan(3);
    mcbe_store_t *store = make_store(&larger, &f.layout);
    assert_int_equal(mcbe_store_check(store, PATH, &err), MCBE_ERR_CORRUPT);
    ASSERT_SAYS(err, "dataset 'cells/done' has 2 trials, its configuration says 3");
    mcbe_store_destroy(&store);
    mcbe_plan_free(&larger);
    end(&f);
}

/* A dataset of the wrong type or shape is damage, too, not something to convert. */
static void type_and_shape_are_checked(void **state)
{
    (void)state;
    static const struct {
        int rank;
        const hid_t *type;
        const char *words;
    } cases[] = {
        {2, &H5T_IEEE_F64LE_g, "dataset 'trials/updates' is of another type"},
        {1, &H5T_STD_I64LE_g, "dataset 'trials/updates' has 1 dimensions, not 2"},
        {2, &H5T_STD_I64LE_g, "dataset 'trials/updates' has 3 entries along axis 1, not 2"}};
    fixture_t f;
    begin_partial(&f);
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        const hsize_t dims[2] = {3, 3};
        mcbe_error_t err = {0};
        commit(&f, PATH);
        delete_link(PATH, "trials/updates");
        hid_t file = H5Fopen(PATH, H5F_ACC_RDWR, H5P_DEFAULT);
        hid_t space = H5Screate_simple(cases[k].rank, dims, NULL);
        hid_t dataset = H5Dcreate2(file, "trials/updates", *cases[k].type, space, H5P_DEFAULT,
                                   H5P_DEFAULT, H5P_DEFAULT);
        H5Dclose(dataset);
        H5Sclose(space);
        H5Fclose(file);
        assert_int_equal(mcbe_store_read(f.store, PATH, &err), MCBE_ERR_CORRUPT);
        ASSERT_SAYS(err, cases[k].words);
    }
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_TEST(what_is_not_ours_is_refused),
                                       STORE_TEST(a_truncated_file_is_damaged),
                                       STORE_TEST(only_known_versions_are_read),
                                       STORE_TEST(a_missing_part_is_named),
                                       STORE_TEST(a_locked_file_is_told_from_a_damaged_one),
                                       STORE_TEST(a_flipped_byte_is_found_and_named),
                                       STORE_TEST(check_finds_what_does_not_agree),
                                       STORE_TEST(check_wants_all_trials),
                                       STORE_TEST(type_and_shape_are_checked)};
    return cmocka_run_group_tests_name("store_refusals", tests, NULL, NULL);
}
