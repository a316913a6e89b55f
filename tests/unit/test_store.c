/* The result file: what is in it (read here with plain HDF5 calls), and that it comes back bit for
 * bit. */

#include "config.h"
#include "h5.h"
#include "stores.h"

/* Stored type and raw bytes of a dataset. */
static uint64_t dataset_checksum(const char *path, const char *name)
{
    unsigned char data[1024] = {0};
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(dataset >= 0);
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    size_t bytes = (size_t)H5Sget_simple_extent_npoints(space) * H5Tget_size(type);
    assert_true(bytes <= sizeof data);
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    H5Fclose(file);
    return checksum(CHECKSUM_START, data, bytes);
}

static const char *const result_datasets[] = {
    "cells/n",        "cells/m",           "cells/redundancy",    "cells/trials_done",
    "cells/done",     "trials/alpha_mean", "trials/updates",      "trials/min_active",
    "alpha/data",     "alpha/offset",      "trials/verdict/zero", "alpha/sample",
    "timing/seconds", "timing/rank"};

static void assert_same_datasets(const char *a, const char *b)
{
    for (size_t k = 0; k < COUNT_OF(result_datasets); k++) {
        if (dataset_checksum(a, result_datasets[k]) != dataset_checksum(b, result_datasets[k])) {
            fail_msg("'%s' differs", result_datasets[k]);
        }
    }
}

static void file_holds_what_was_put(void **state)
{
    (void)state;
    fixture_t f;
    int64_t numbers[24] = {0}, m[3];
    double values[24], expected;
    begin_partial(&f);
    commit(&f, PATH);
    read_plain(PATH, "cells/m", H5T_NATIVE_INT64, m);
    assert_int_equal(m[0], 3);
    assert_int_equal(m[1], 5);
    assert_int_equal(m[2], 4);
    read_plain(PATH, "cells/redundancy", H5T_NATIVE_DOUBLE, values);
    assert_true(values[0] == 1.5 && values[1] == 2.5 && values[2] == 4.0 / 3.0);
    read_plain(PATH, "cells/trials_done", H5T_NATIVE_INT64, numbers);
    assert_int_equal(numbers[0], 2);
    assert_int_equal(numbers[1], 1);
    assert_int_equal(numbers[2], 1);
    static const int64_t done[6] = {1, 1, 0, 1, 1, 0}; /* [cell][trial] */
    read_plain(PATH, "cells/done", H5T_NATIVE_INT64, numbers);
    assert_memory_equal(numbers, done, sizeof done);
    read_plain(PATH, "trials/min_active", H5T_NATIVE_INT64, numbers);
    static const int64_t active[6] = {0, -1, -1, -11, -20, -1};
    assert_memory_equal(numbers, active, sizeof active);
    read_plain(PATH, "trials/alpha_mean", H5T_NATIVE_DOUBLE, values);
    assert_true(values[1] == 0.25 && values[3] == 2.75 && values[4] == 5);
    assert_true(isnan(values[2]) && isnan(values[5]));
    static const int64_t offset[7] = {0, 3, 6, 11, 16, 20, 24};
    read_plain(PATH, "alpha/offset", H5T_NATIVE_INT64, numbers);
    assert_memory_equal(numbers, offset, sizeof offset);
    read_plain(PATH, "alpha/sample", H5T_NATIVE_INT64, numbers);
    assert_int_equal(numbers[5], 1002);   /* unit (0, 1), row 2 */
    assert_int_equal(numbers[6], -1);     /* unit (1, 0) is missing */
    assert_int_equal(numbers[11], 11000); /* unit (1, 1), row 0 */
    read_plain(PATH, "alpha/data", H5T_NATIVE_DOUBLE, values);
    expected = peculiar(12);
    assert_memory_equal(&values[12], &expected, sizeof expected);
    assert_true(isnan(values[6]));
    read_plain(PATH, "timing/rank", H5T_NATIVE_INT64, numbers);
    assert_int_equal(numbers[3], 2);
    assert_int_equal(numbers[2], -1);
    end(&f);
}

/* Little-endian on every machine, of the promised width, chunked and with a checksum. */
static void datasets_are_stored_as_promised(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const hid_t *type;
        const char *axes;
    } promised[] = {{"cells/n", &H5T_STD_I64LE_g, "cell"},
                    {"cells/redundancy", &H5T_IEEE_F64LE_g, "cell"},
                    {"cells/done", &H5T_STD_I8LE_g, "cell, trial"},
                    {"trials/updates", &H5T_STD_I64LE_g, "cell, trial"},
                    {"trials/min_active", &H5T_STD_I32LE_g, "cell, trial"},
                    {"trials/verdict/zero", &H5T_STD_I8LE_g, "cell, trial"},
                    {"alpha/data", &H5T_IEEE_F64LE_g, "row"},
                    {"alpha/offset", &H5T_STD_I64LE_g, "unit"},
                    {"timing/seconds", &H5T_IEEE_F64LE_g, "cell, trial"}};
    fixture_t f;
    begin_partial(&f);
    commit(&f, PATH);
    hid_t file = H5Fopen(PATH, H5F_ACC_RDONLY, H5P_DEFAULT);
    for (size_t k = 0; k < COUNT_OF(promised); k++) {
        unsigned flags = 0;
        size_t none = 0;
        char *axes = NULL;
        hid_t dataset = H5Dopen2(file, promised[k].name, H5P_DEFAULT);
        hid_t type = H5Dget_type(dataset), properties = H5Dget_create_plist(dataset);
        hid_t attribute = H5Aopen(dataset, "axes", H5P_DEFAULT);
        hid_t text = H5Aget_type(attribute);
        assert_true(H5Tequal(type, *promised[k].type) > 0);
        assert_int_equal(H5Pget_layout(properties), H5D_CHUNKED);
        assert_true(H5Pget_filter_by_id2(properties, H5Z_FILTER_FLETCHER32, &flags, &none, NULL, 0,
                                         NULL, NULL) >= 0);
        assert_true(H5Aread(attribute, text, &axes) >= 0);
        assert_string_equal(axes, promised[k].axes);
        assert_true(H5Aexists(dataset, "units") > 0);
        assert_true(H5Aexists(dataset, "description") > 0);
        H5free_memory(axes);
        H5Tclose(text);
        H5Aclose(attribute);
        H5Pclose(properties);
        H5Tclose(type);
        H5Dclose(dataset);
    }
    H5Fclose(file);
    end(&f);
}

static void peek_tells_what_it_is(void **state)
{
    (void)state;
    fixture_t f;
    mcbe_store_info_t info;
    char fingerprint[65];
    begin_partial(&f);
    commit(&f, PATH);
    assert_int_equal(mcbe_store_peek(PATH, &info, NULL), MCBE_OK);
    assert_int_equal(info.major, 1);
    assert_int_equal(info.minor, MCBE_STORE_MINOR);
    assert_true(info.shard.index == 0 && info.shard.count == 1);
    assert_string_equal(info.experiment, "test");
    assert_string_equal(info.command_line, "mcbe run 'a b.yml'");
    assert_string_equal(info.config_text, "# as given\nseed: 5\n");
    assert_string_equal(info.config_resolved, LISTING);
    mcbe_config_fingerprint(LISTING, fingerprint);
    assert_string_equal(info.fingerprint, fingerprint);
    assert_int_equal(strlen(info.created_utc), 20);
    assert_int_equal(info.seed, 5);
    assert_int_equal(info.complete, 0);
    assert_int_equal(info.units, 6);
    assert_int_equal(info.units_done, 4);
    assert_int_equal(info.cell_count, 3);
    assert_int_equal(info.trials, 2);
    mcbe_store_info_free(&info);
    put_unit(&f, 1, 0);
    put_unit(&f, 2, 1);
    commit(&f, PATH);
    assert_int_equal(mcbe_store_peek(PATH, &info, NULL), MCBE_OK);
    assert_int_equal(info.complete, 1);
    assert_int_equal(info.units_done, 6);
    mcbe_store_info_free(&info);
    assert_null(info.experiment);
    end(&f);
}

static void write_read_write_gives_the_same_bytes(void **state)
{
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        fixture_t f;
        start_anew(NULL);
        if (whole) {
            begin_complete(&f);
        } else {
            begin_partial(&f);
        }
        commit(&f, PATH);
        mcbe_store_t *copy = make_store(&f.plan, &f.layout);
        assert_int_equal(mcbe_store_read(copy, PATH, NULL), MCBE_OK);
        assert_int_equal(mcbe_store_done_count(copy), whole ? 6 : 4);
        assert_memory_equal(mcbe_store_done(copy), mcbe_store_done(f.store), 6);
        for (int64_t u = 0; u < 6; u++) {
            const mcbe_record_t *record = mcbe_store_get(copy, u / 2, u % 2);
            if (record) {
                assert_same_record(record, mcbe_store_get(f.store, u / 2, u % 2));
            }
        }
        assert_int_equal(mcbe_store_commit(copy, "second.h5", &f.provenance, 0, NULL), MCBE_OK);
        assert_same_datasets(PATH, "second.h5");
        mcbe_store_destroy(&copy);
        end(&f);
    }
}

/* Nor does the order in which units came in matter. */
static void order_of_arrival_leaves_no_trace(void **state)
{
    (void)state;
    fixture_t f, g;
    begin_complete(&f);
    commit(&f, PATH);
    begin(&g, 2);
    for (int64_t u = 5; u >= 0; u--) {
        put_unit(&g, u / 2, u % 2);
    }
    commit(&g, "second.h5");
    assert_same_datasets(PATH, "second.h5");
    end(&g);
    end(&f);
}

static void more_trials_may_be_asked_for(void **state)
{
    (void)state;
    fixture_t f;
    mcbe_error_t err = {0};
    begin_partial(&f);
    commit(&f, PATH);
    mcbe_plan_t larger = small_plan(5), smaller = small_plan(1);
    mcbe_store_t *store = make_store(&larger, &f.layout);
    assert_int_equal(mcbe_store_read(store, PATH, NULL), MCBE_OK);
    assert_int_equal(mcbe_store_done_count(store), 4);
    for (int64_t u = 0; u < 6; u++) {
        const mcbe_record_t *old = mcbe_store_get(f.store, u / 2, u % 2);
        const mcbe_record_t *new = mcbe_store_get(store, u / 2, u % 2);
        assert_int_equal(old == NULL, new == NULL);
        if (old) {
            assert_same_record(old, new);
        }
    }
    assert_null(mcbe_store_get(store, 0, 2));
    mcbe_store_destroy(&store);
    store = make_store(&smaller, &f.layout);
    assert_int_equal(mcbe_store_read(store, PATH, &err), MCBE_ERR_CORRUPT);
    ASSERT_SAYS(err, "'" PATH "': dataset 'cells/done' has 3 cells with 2 trials, the "
                     "configuration has 3 with 1");
    mcbe_store_destroy(&store);
    mcbe_plan_free(&smaller);
    mcbe_plan_free(&larger);
    end(&f);
}

/* As when a run resumes from the file and the journal, which hold much the same. */
static void a_unit_may_come_twice_but_not_in_two_versions(void **state)
{
    (void)state;
    fixture_t f;
    mcbe_error_t err = {0};
    begin_partial(&f);
    commit(&f, PATH);
    assert_int_equal(mcbe_store_read(f.store, PATH, NULL), MCBE_OK);
    put_unit(&f, 1, 1);
    assert_int_equal(mcbe_store_done_count(f.store), 4);
    mcbe_record_t record = small_record(&f.plan, &f.layout, 1, 1);
    record.seconds = 99; /* may differ; the first one stays */
    assert_int_equal(mcbe_store_put(f.store, &record, NULL), MCBE_OK);
    assert_true(mcbe_store_get(f.store, 1, 1)->seconds == 11.5);
    record = small_record(&f.plan, &f.layout, 1, 1);
    record.words[0] ^= 1;
    assert_int_equal(mcbe_store_put(f.store, &record, &err), MCBE_ERR_DATA);
    ASSERT_SAYS(err, "cell 1, trial 1 (n = 2, m = 5) has two different records");
    assert_non_null(record.words); /* still the caller's */
    mcbe_record_free(&record);
    end(&f);
}

static void assert_not_taken(fixture_t *f, mcbe_record_t *record, const char *words)
{
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_store_put(f->store, record, &err), MCBE_ERR_DATA);
    ASSERT_SAYS(err, words);
    assert_int_equal(mcbe_store_done_count(f->store), 0);
    mcbe_record_free(record);
}

static void units_that_do_not_fit_are_not_taken(void **state)
{
    (void)state;
    static const int64_t outside[][2] = {{-1, 0}, {3, 0}, {0, -1}, {0, 2}};
    fixture_t f;
    mcbe_record_t record;
    begin(&f, 2);
    for (size_t k = 0; k < COUNT_OF(outside); k++) {
        record = small_record(&f.plan, &f.layout, 0, 0);
        record.cell = outside[k][0];
        record.trial = outside[k][1];
        assert_not_taken(&f, &record, "is outside the plan of 3 cells with 2 trials");
    }
    record = small_record(&f.plan, &f.layout, 0, 0);
    record.word_count--;
    assert_not_taken(&f, &record, "the record of cell 0, trial 0 has 9 words, not 10");
    record = small_record(&f.plan, &f.layout, 0, 0);
    record.words[3] = 200;
    assert_not_taken(&f, &record, "has 200 for 'trials/verdict/zero', which cannot store it");
    end(&f);
}

/* Datasets without elements: no trials, no segments, a layout without columns. */
static void an_empty_run_is_a_file_too(void **state)
{
    (void)state;
    mcbe_plan_t plan = small_plan(0);
    mcbe_layout_t layouts[2] = {{0}, small_layout()};
    mcbe_provenance_t provenance = {0};
    mcbe_store_info_t info;
    for (int k = 0; k < 2; k++) {
        mcbe_store_t *store = make_store(&plan, &layouts[k]);
        assert_int_equal(mcbe_store_commit(store, PATH, &provenance, 0, NULL), MCBE_OK);
        assert_int_equal(mcbe_store_read(store, PATH, NULL), MCBE_OK);
        assert_int_equal(mcbe_store_check(store, PATH, NULL), MCBE_OK);
        assert_int_equal(mcbe_store_read_segments(PATH, &provenance, NULL), MCBE_OK);
        assert_int_equal(provenance.segment_count, 0);
        assert_int_equal(mcbe_store_peek(PATH, &info, NULL), MCBE_OK);
        assert_int_equal(info.trials, 0);
        assert_int_equal(info.complete, 1);
        mcbe_store_info_free(&info);
        mcbe_store_destroy(&store);
        mcbe_layout_free(&layouts[k]);
    }
    mcbe_provenance_free(&provenance);
    mcbe_plan_free(&plan);
}

/* Larger than a chunk, so that there are several, the last one in part. */
static void many_units_span_many_chunks(void **state)
{
    (void)state;
    mcbe_plan_t plan = small_plan(70000);
    mcbe_layout_t layout = {0};
    mcbe_provenance_t provenance = {0};
    assert_int_equal(
        add_column(&layout, "trials/updates", MCBE_COLUMN_I64, MCBE_SHAPE_SCALAR, "updates"), 0);
    mcbe_store_t *store = make_store(&plan, &layout), *copy = make_store(&plan, &layout);
    for (int64_t u = 0; u < 3 * 70000; u++) {
        mcbe_record_t record;
        assert_int_equal(
            mcbe_record_init(&record, &layout, u / 70000, u % 70000, &plan.cells[u / 70000]),
            MCBE_OK);
        record.words[0] = u * u;
        assert_int_equal(mcbe_store_put(store, &record, NULL), MCBE_OK);
    }
    assert_int_equal(mcbe_store_commit(store, PATH, &provenance, 0, NULL), MCBE_OK);
    assert_int_equal(mcbe_store_check(store, PATH, NULL), MCBE_OK);
    assert_int_equal(mcbe_store_read(copy, PATH, NULL), MCBE_OK);
    for (int64_t u = 0; u < 3 * 70000; u++) {
        assert_int_equal(mcbe_store_get(copy, u / 70000, u % 70000)->words[0], u * u);
    }
    mcbe_store_destroy(&copy);
    mcbe_store_destroy(&store);
    mcbe_layout_free(&layout);
    mcbe_plan_free(&plan);
}

/* A layout with every shape: one scalar, a series of 3, one point and a list of points. */
static mcbe_layout_t rich_layout(void)
{
    mcbe_layout_t layout = {0};
    char path[] = "curves/distance";
    add_column(&layout, "trials/updates", MCBE_COLUMN_I64, MCBE_SHAPE_SCALAR, "updates");
    assert_int_equal(mcbe_layout_add(&layout, &(mcbe_column_t){.path = path,
                                                               .type = MCBE_COLUMN_F64,
                                                               .shape = MCBE_SHAPE_SERIES,
                                                               .length = 3,
                                                               .series = "iteration",
                                                               .approximate = 1,
                                                               .units = "1",
                                                               .description = "distance"}),
                     1);
    add_column(&layout, "certificates/x", MCBE_COLUMN_F64, MCBE_SHAPE_COORDINATES, "x");
    add_column(&layout, "points/x", MCBE_COLUMN_F64, MCBE_SHAPE_POINTS, "points");
    return layout;
}

/* Units with 0, 1, 2, ... points; the unit of cell 1, trial 0 is left out. */
static void series_and_points_survive(void **state)
{
    (void)state;
    mcbe_plan_t plan = small_plan(2);
    mcbe_layout_t layout = rich_layout();
    mcbe_provenance_t provenance = {0};
    mcbe_store_t *store = make_store(&plan, &layout), *copy = make_store(&plan, &layout);
    for (int64_t u = 0; u < 6; u++) {
        mcbe_record_t record;
        const mcbe_cell_t *cell = &plan.cells[u / 2];
        if (u == 2) {
            continue;
        }
        assert_int_equal(mcbe_record_init(&record, &layout, u / 2, u % 2, cell), MCBE_OK);
        assert_int_equal(mcbe_record_set_points(&record, &layout, cell, u, NULL), MCBE_OK);
        for (int64_t k = 0; k < record.word_count; k++) {
            const double value = k == 0 ? 0 : peculiar(u + k);
            memcpy(&record.words[k], &value, sizeof value);
        }
        assert_int_equal(mcbe_store_put(store, &record, NULL), MCBE_OK);
    }
    assert_int_equal(mcbe_store_commit(store, PATH, &provenance, 0, NULL), MCBE_OK);
    int64_t offset[7];
    const int64_t points[7] = {0, 0, 2, 2, 8, 20, 35}; /* n = 2, 2, 2, 2, 3, 3 */
    const int64_t coordinates[7] = {0, 2, 4, 6, 8, 11, 14};
    read_plain(PATH, "points/offset", H5T_NATIVE_INT64, offset);
    assert_memory_equal(offset, points, sizeof points);
    read_plain(PATH, "certificates/offset", H5T_NATIVE_INT64, offset);
    assert_memory_equal(offset, coordinates, sizeof coordinates);
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_store_check(store, PATH, &err), MCBE_OK);
    assert_int_equal(mcbe_store_read(copy, PATH, &err), MCBE_OK);
    for (int64_t u = 0; u < 6; u++) {
        const mcbe_record_t *there = mcbe_store_get(store, u / 2, u % 2);
        const mcbe_record_t *back = mcbe_store_get(copy, u / 2, u % 2);
        assert_int_equal(there == NULL, u == 2);
        assert_int_equal(back == NULL, u == 2);
        if (there && back) {
            assert_same_record(there, back);
        }
    }
    hid_t file = -1, dataset;
    int64_t canonical = 1;
    assert_int_equal(mcbe_h5_open(PATH, &file, NULL), MCBE_OK);
    dataset = H5Dopen2(file, "curves/distance", H5P_DEFAULT);
    assert_int_equal(mcbe_h5_get_i64(dataset, "canonical", &canonical, NULL), MCBE_OK);
    assert_int_equal(canonical, 0);
    H5Dclose(dataset);
    H5Fclose(file);
    /* offsets of points are the file's own word, so they are doubted */
    const int64_t bad[][7] = {{0, 0, 2, 2, 7, 20, 35}, {0, 0, 2, 4, 8, 20, 35},
                              {0, 0, 2, 2, 8, 20, 38}, {0, 0, 2, 2, 8, 5, 35},
                              {2, 2, 2, 2, 8, 20, 35}, {0, 0, 2, 2, INT64_MAX - 1, 20, 35}};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        mcbe_store_t *fresh = make_store(&plan, &layout);
        write_plain(PATH, "points/offset", H5T_NATIVE_INT64, bad[i]);
        assert_int_equal(mcbe_store_read(fresh, PATH, &err), MCBE_ERR_CORRUPT);
        ASSERT_SAYS(err, "'points/");
        mcbe_store_destroy(&fresh);
    }
    mcbe_store_destroy(&copy);
    mcbe_store_destroy(&store);
    mcbe_layout_free(&layout);
    mcbe_plan_free(&plan);
}

/* What a series runs over is in the file once, and must be what the configuration says. */
static void axes_of_series_are_checked(void **state)
{
    (void)state;
    const int64_t iterations[3] = {1, 7, INT64_C(1) << 40}, others[3] = {1, 8, INT64_C(1) << 40};
    char path[] = "curves/iteration";
    mcbe_column_t axis = {.path = path,
                          .type = MCBE_COLUMN_I64,
                          .shape = MCBE_SHAPE_AXIS,
                          .length = 3,
                          .series = "iteration",
                          .values = iterations,
                          .units = "1",
                          .description = "iteration"};
    mcbe_plan_t plan = small_plan(2);
    mcbe_layout_t layout = {0};
    mcbe_provenance_t provenance = {0};
    mcbe_error_t err = {0};
    int64_t found[3];
    add_column(&layout, "trials/updates", MCBE_COLUMN_I64, MCBE_SHAPE_SCALAR, "updates");
    const int64_t words = mcbe_layout_words(&layout, &plan.cells[0]);
    assert_int_equal(mcbe_layout_add(&layout, &axis), 1);
    assert_int_equal(mcbe_layout_words(&layout, &plan.cells[0]), words); /* not in records */
    mcbe_store_t *store = make_store(&plan, &layout), *copy = make_store(&plan, &layout);
    assert_int_equal(mcbe_store_commit(store, PATH, &provenance, 0, NULL), MCBE_OK);
    read_plain(PATH, "curves/iteration", H5T_NATIVE_INT64, found);
    assert_memory_equal(found, iterations, sizeof found);
    assert_int_equal(mcbe_store_read(copy, PATH, &err), MCBE_OK);
    write_plain(PATH, "curves/iteration", H5T_NATIVE_INT64, others);
    mcbe_store_destroy(&copy);
    copy = make_store(&plan, &layout);
    assert_int_equal(mcbe_store_read(copy, PATH, &err), MCBE_ERR_CORRUPT);
    ASSERT_SAYS(err, "'curves/iteration' has 8 at 1, the configuration says 7");
    mcbe_store_destroy(&copy);
    mcbe_store_destroy(&store);
    mcbe_layout_free(&layout);
    mcbe_plan_free(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_TEST(file_holds_what_was_put),
                                       STORE_TEST(datasets_are_stored_as_promised),
                                       STORE_TEST(peek_tells_what_it_is),
                                       STORE_TEST(write_read_write_gives_the_same_bytes),
                                       STORE_TEST(order_of_arrival_leaves_no_trace),
                                       STORE_TEST(more_trials_may_be_asked_for),
                                       STORE_TEST(a_unit_may_come_twice_but_not_in_two_versions),
                                       STORE_TEST(units_that_do_not_fit_are_not_taken),
                                       STORE_TEST(an_empty_run_is_a_file_too),
                                       STORE_TEST(series_and_points_survive),
                                       STORE_TEST(axes_of_series_are_checked),
                                       STORE_TEST(many_units_span_many_chunks)};
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
