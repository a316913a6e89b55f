/* Layouts and records: where a column's words stand, and that no bit is lost on the way in and out.
 */

#include <signal.h>
#include <sys/wait.h>

#include "records.h"

static const mcbe_cell_t three = {.n = 2, .m = 3}, four = {.n = 2, .m = 4}, five = {.n = 2, .m = 5};

/* Scalars first, in the order added, then the columns of rows. */
static void scalars_come_first(void **state)
{
    (void)state;
    mcbe_layout_t layout = small_layout();
    assert_int_equal(layout.count, 6);
    assert_int_equal(mcbe_layout_words(&layout, &five), 4 + 2 * 5);
    assert_int_equal(mcbe_layout_offset(&layout, COLUMN_MEAN, &five), 0);
    assert_int_equal(mcbe_layout_offset(&layout, COLUMN_UPDATES, &five), 1);
    assert_int_equal(mcbe_layout_offset(&layout, COLUMN_ACTIVE, &five), 2);
    assert_int_equal(mcbe_layout_offset(&layout, COLUMN_VERDICT, &five), 3);
    assert_int_equal(mcbe_layout_offset(&layout, COLUMN_DATA, &five), 4);
    assert_int_equal(mcbe_layout_offset(&layout, COLUMN_SAMPLE, &five), 9);
    mcbe_layout_free(&layout);
    assert_null(layout.columns);
    assert_int_equal(mcbe_layout_words(&layout, &five), 0);
}

static void layout_keeps_its_own_paths(void **state)
{
    (void)state;
    mcbe_layout_t layout = {0};
    char path[32];
    for (int c = 0; c < 20; c++) { /* more than the first allocation holds */
        snprintf(path, sizeof path, "trials/q%d", c);
        assert_int_equal(
            add_column(&layout, path, MCBE_COLUMN_F64, MCBE_SHAPE_SCALAR, "a quantity"), c);
    }
    assert_string_equal(layout.columns[0].path, "trials/q0");
    assert_string_equal(layout.columns[19].path, "trials/q19");
    mcbe_layout_free(&layout);
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    mcbe_plan_t plan = small_plan(2);
    mcbe_layout_t layout = small_layout();
    mcbe_record_t record = small_record(&plan, &layout, 1, 1); /* m = 5, unit number 11 */
    double mean = 0, data[5], expected[5];
    int64_t updates = 0, active = 0, verdict = 0, sample[5];
    mcbe_record_get_f64(&record, &layout, &five, COLUMN_MEAN, &mean);
    mcbe_record_get_f64(&record, &layout, &five, COLUMN_DATA, data);
    mcbe_record_get_i64(&record, &layout, &five, COLUMN_UPDATES, &updates);
    mcbe_record_get_i64(&record, &layout, &five, COLUMN_ACTIVE, &active);
    mcbe_record_get_i64(&record, &layout, &five, COLUMN_VERDICT, &verdict);
    mcbe_record_get_i64(&record, &layout, &five, COLUMN_SAMPLE, sample);
    assert_true(mean == 2.75);
    for (int j = 0; j < 5; j++) {
        expected[j] = peculiar(11 + j);
        assert_int_equal(sample[j], 11000 + j);
    }
    assert_memory_equal(data, expected, sizeof data);
    assert_int_equal(updates, 1099511627787);
    assert_int_equal(active, -11);
    assert_int_equal(verdict, 1);
    mcbe_record_free(&record);
    assert_null(record.words);
    mcbe_record_free(&record); /* accepts a zeroed one */
    mcbe_layout_free(&layout);
    mcbe_plan_free(&plan);
}

static void a_new_record_is_zero(void **state)
{
    (void)state;
    mcbe_layout_t layout = small_layout();
    mcbe_record_t record;
    assert_int_equal(mcbe_record_init(&record, &layout, 7, 8, &three), MCBE_OK);
    assert_int_equal(record.cell, 7);
    assert_int_equal(record.trial, 8);
    assert_int_equal(record.word_count, 10);
    for (int k = 0; k < 10; k++) {
        assert_int_equal(record.words[k], 0);
    }
    mcbe_record_free(&record);
    mcbe_layout_free(&layout);
}

/* A series, a point and a list of points beside scalars and rows. */
static void every_shape_has_its_place(void **state)
{
    (void)state;
    const mcbe_cell_t cell = {.n = 3, .m = 4};
    const double series[5] = {1, 2, 3, 4, 5}, point[3] = {6, 7, 8};
    const double points[2][3] = {{9, 10, 11}, {12, 13, 14}};
    double found[5];
    mcbe_layout_t layout = {0};
    mcbe_record_t record;
    char path[] = "curves/q";
    assert_int_equal(mcbe_layout_points(&layout), -1);
    assert_int_equal(mcbe_layout_add(&layout, &(mcbe_column_t){.path = path,
                                                               .type = MCBE_COLUMN_F64,
                                                               .shape = MCBE_SHAPE_SERIES,
                                                               .length = 5,
                                                               .series = "iteration",
                                                               .units = "1",
                                                               .description = "q"}),
                     0);
    add_column(&layout, "certificate/x", MCBE_COLUMN_F64, MCBE_SHAPE_COORDINATES, "x");
    add_column(&layout, "trials/a", MCBE_COLUMN_I64, MCBE_SHAPE_SCALAR, "a");
    assert_int_equal(add_column(&layout, "points/x", MCBE_COLUMN_F64, MCBE_SHAPE_POINTS, "x"), 3);
    assert_int_equal(mcbe_layout_points(&layout), 3);
    assert_int_equal(mcbe_layout_words(&layout, &cell), 1 + 5 + 3);
    assert_int_equal(mcbe_layout_offset(&layout, 2, &cell), 0);
    assert_int_equal(mcbe_layout_offset(&layout, 0, &cell), 1);
    assert_int_equal(mcbe_layout_offset(&layout, 1, &cell), 6);
    assert_int_equal(mcbe_layout_offset(&layout, 3, &cell), 9);
    assert_int_equal(mcbe_record_init(&record, &layout, 0, 0, &cell), MCBE_OK);
    assert_int_equal(mcbe_record_points(&record, &layout, &cell), 0);
    mcbe_record_set_f64(&record, &layout, &cell, 0, series);
    assert_int_equal(mcbe_record_set_points(&record, &layout, &cell, 2, points[0]), MCBE_OK);
    mcbe_record_set_f64(&record, &layout, &cell, 1, point);
    assert_int_equal(mcbe_record_points(&record, &layout, &cell), 2);
    mcbe_record_get_f64(&record, &layout, &cell, 0, found);
    assert_memory_equal(found, series, sizeof series);
    mcbe_record_get_f64(&record, &layout, &cell, 1, found);
    assert_memory_equal(found, point, sizeof point);
    mcbe_record_get_point(&record, &layout, &cell, 1, found);
    assert_memory_equal(found, points[1], sizeof points[1]);
    assert_int_equal(mcbe_record_set_points(&record, &layout, &cell, 0, NULL), MCBE_OK);
    assert_int_equal(record.word_count, 9);
    mcbe_record_free(&record);
    mcbe_layout_free(&layout);
}

static void columns_know_their_range(void **state)
{
    (void)state;
    assert_true(mcbe_column_holds(MCBE_COLUMN_I8, 127));
    assert_true(mcbe_column_holds(MCBE_COLUMN_I8, -128));
    assert_false(mcbe_column_holds(MCBE_COLUMN_I8, 128));
    assert_false(mcbe_column_holds(MCBE_COLUMN_I8, -129));
    assert_true(mcbe_column_holds(MCBE_COLUMN_I32, 2147483647));
    assert_true(mcbe_column_holds(MCBE_COLUMN_I32, -2147483648LL));
    assert_false(mcbe_column_holds(MCBE_COLUMN_I32, 2147483648LL));
    assert_false(mcbe_column_holds(MCBE_COLUMN_I32, -2147483649LL));
    assert_true(mcbe_column_holds(MCBE_COLUMN_I64, INT64_MIN));
    assert_true(mcbe_column_holds(MCBE_COLUMN_F64, INT64_MIN));
}

typedef void (*misuse_t)(mcbe_record_t *record, const mcbe_layout_t *layout);

static void real_into_integers(mcbe_record_t *record, const mcbe_layout_t *layout)
{
    double value = 1;
    mcbe_record_set_f64(record, layout, &three, COLUMN_UPDATES, &value);
}

static void too_large_a_value(mcbe_record_t *record, const mcbe_layout_t *layout)
{
    int64_t value = 128;
    mcbe_record_set_i64(record, layout, &three, COLUMN_VERDICT, &value);
}

static void another_m(mcbe_record_t *record, const mcbe_layout_t *layout)
{
    int64_t value = 0;
    mcbe_record_get_i64(record, layout, &four, COLUMN_UPDATES, &value);
}

static void misuse_stops_the_program(void **state)
{
    (void)state;
    const misuse_t misuses[] = {real_into_integers, too_large_a_value, another_m};
    mcbe_plan_t plan = small_plan(1);
    mcbe_layout_t layout = small_layout();
    mcbe_record_t record = small_record(&plan, &layout, 0, 0);
    for (size_t k = 0; k < COUNT_OF(misuses); k++) {
        int status = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            signal(SIGABRT, SIG_DFL);
            setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
            assert_non_null(freopen("/dev/null", "w", stderr));
            misuses[k](&record, &layout);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
    mcbe_record_free(&record);
    mcbe_layout_free(&layout);
    mcbe_plan_free(&plan);
}

static mcbe_status_t add_one(mcbe_layout_t *layout)
{
    int column = add_column(layout, "a/b", MCBE_COLUMN_F64, MCBE_SHAPE_ROWS, "a");
    mcbe_layout_free(layout);
    return column < 0 ? MCBE_ERR_NOMEM : MCBE_OK;
}

static mcbe_status_t init_one(const mcbe_layout_t *layout)
{
    mcbe_record_t record;
    mcbe_status_t st = mcbe_record_init(&record, layout, 0, 0, &three);
    mcbe_record_free(&record);
    return st;
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    mcbe_layout_t layout = {0};
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(add_one(&layout));
    layout = small_layout();
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(init_one(&layout));
    mcbe_layout_free(&layout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(scalars_come_first),        UNIT_TEST(layout_keeps_its_own_paths),
        UNIT_TEST(what_goes_in_comes_out),    UNIT_TEST(a_new_record_is_zero),
        UNIT_TEST(every_shape_has_its_place), UNIT_TEST(columns_know_their_range),
        UNIT_TEST(misuse_stops_the_program),  UNIT_TEST(survives_failed_allocations)};
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
