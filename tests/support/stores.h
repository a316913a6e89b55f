#ifndef MCBE_TEST_STORES_H
#define MCBE_TEST_STORES_H

/* A store of a small run, and plain HDF5 calls to look at its file and to spoil it, for the tests
 * of the result file. */

#include <hdf5.h>

#include "records.h"
#include "store.h"

#define PATH "out.h5"
#define LISTING "experiment = test\nseed = 5\n~run.checkpoint_seconds = 30\n"

/* A run of 3 cells with 2 trials, of which some units are finished. */
typedef struct fixture {
    mcbe_plan_t plan;
    mcbe_layout_t layout;
    mcbe_provenance_t provenance;
    mcbe_store_t *store;
} fixture_t;

static inline mcbe_store_t *make_store(const mcbe_plan_t *plan, const mcbe_layout_t *layout)
{
    mcbe_store_t *store = NULL;
    assert_int_equal(
        mcbe_store_create(&store, "test", 5, plan, layout, "# as given\nseed: 5\n", LISTING),
        MCBE_OK);
    return store;
}

static inline void put_unit(fixture_t *f, int64_t cell, int64_t trial)
{
    mcbe_record_t record = small_record(&f->plan, &f->layout, cell, trial);
    assert_int_equal(mcbe_store_put(f->store, &record, NULL), MCBE_OK);
    assert_null(record.words); /* taken over */
}

static inline void begin(fixture_t *f, int64_t trials)
{
    *f = (fixture_t){.plan = small_plan(trials), .layout = small_layout()};
    f->store = make_store(&f->plan, &f->layout);
    assert_int_equal(
        mcbe_provenance_add(&f->provenance, "command_line", "%s", "mcbe run 'a b.yml'"), MCBE_OK);
    assert_int_equal(mcbe_provenance_add(&f->provenance, "blas", "%s", "none"), MCBE_OK);
    assert_int_equal(mcbe_provenance_start_segment(&f->provenance, 4), MCBE_OK);
}

static inline void end(fixture_t *f)
{
    mcbe_store_destroy(&f->store);
    assert_null(f->store);
    mcbe_provenance_free(&f->provenance);
    mcbe_layout_free(&f->layout);
    mcbe_plan_free(&f->plan);
}

static inline void commit(const fixture_t *f, const char *path)
{
    mcbe_error_t err = {0};
    if (mcbe_store_commit(f->store, path, &f->provenance, 1, &err)) {
        fail_msg("%s", err.text);
    }
}

/* All but units (1, 0) and (2, 1). */
static inline void begin_partial(fixture_t *f)
{
    begin(f, 2);
    put_unit(f, 0, 0);
    put_unit(f, 0, 1);
    put_unit(f, 1, 1);
    put_unit(f, 2, 0);
}

static inline void begin_complete(fixture_t *f)
{
    begin_partial(f);
    put_unit(f, 2, 1);
    put_unit(f, 1, 0);
}

/* Removes what a test left, so that none builds on another. */
static inline int start_anew(void **state)
{
    (void)state;
    unlink(PATH);
    unlink(PATH ".prev");
    unlink("second.h5");
    return 0;
}

static inline int nothing_left_open(void **state)
{
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
    return no_memory_left(state);
}

/* Read a dataset in a native type, whatever our reader thinks of it. */
static inline void read_plain(const char *path, const char *name, hid_t type, void *data)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(dataset >= 0);
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(dataset);
    H5Fclose(file);
}

static inline void write_plain(const char *path, const char *name, hid_t type, const void *data)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(dataset);
    assert_true(H5Fclose(file) >= 0);
}

static inline void write_attribute(const char *path, const char *name, hid_t type, const void *data)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, data) >= 0);
    H5Aclose(attribute);
    assert_true(H5Fclose(file) >= 0);
}

static inline void delete_attribute(const char *path, const char *object, const char *name)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Adelete_by_name(file, object, name, H5P_DEFAULT) >= 0);
    assert_true(H5Fclose(file) >= 0);
}

static inline void delete_link(const char *path, const char *name)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    assert_true(H5Fclose(file) >= 0);
}

/* Folder cleared before, nothing left open or allocated after. */
#define STORE_TEST(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, start_anew, nothing_left_open)

#endif
