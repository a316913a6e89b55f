#ifndef MCBE_TEST_RECORDS_H
#define MCBE_TEST_RECORDS_H

/* A small plan and layout, and records whose words are known, for the tests of what is durable. */

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan.h"
#include "record.h"
#include "unit.h"

enum { COLUMN_MEAN, COLUMN_DATA, COLUMN_UPDATES, COLUMN_ACTIVE, COLUMN_VERDICT, COLUMN_SAMPLE };

/* Cells (2, 3), (2, 5), (3, 4). */
static inline mcbe_plan_t small_plan(int64_t trials)
{
    static const int64_t shape[3][2] = {{2, 3}, {2, 5}, {3, 4}};
    mcbe_plan_t plan = {.cell_count = 3, .trials = trials};
    plan.cells = mcbe_alloc(3, sizeof *plan.cells);
    assert_non_null(plan.cells);
    for (int c = 0; c < 3; c++) {
        plan.cells[c].n = shape[c][0];
        plan.cells[c].m = shape[c][1];
    }
    return plan;
}

static inline int add_column(mcbe_layout_t *layout, const char *path, mcbe_column_type_t type,
                             mcbe_column_shape_t shape, const char *description)
{
    char copy[64];
    snprintf(copy, sizeof copy, "%s", path);
    return mcbe_layout_add(
        layout,
        &(mcbe_column_t){
            .path = copy, .type = type, .shape = shape, .units = "1", .description = description});
}

/* Every type, scalars and rows, two columns of rows in one group; 4 + 2 m words. */
static inline mcbe_layout_t small_layout(void)
{
    static const struct {
        int number;
        const char *path;
        mcbe_column_type_t type;
        mcbe_column_shape_t shape;
        const char *description;
    } small[] = {
        {COLUMN_MEAN, "trials/alpha_mean", MCBE_COLUMN_F64, MCBE_SHAPE_SCALAR, "mean of alpha"},
        {COLUMN_DATA, "alpha/data", MCBE_COLUMN_F64, MCBE_SHAPE_ROWS, "alpha"},
        {COLUMN_UPDATES, "trials/updates", MCBE_COLUMN_I64, MCBE_SHAPE_SCALAR, "updates"},
        {COLUMN_ACTIVE, "trials/min_active", MCBE_COLUMN_I32, MCBE_SHAPE_SCALAR,
         "least active rows"},
        {COLUMN_VERDICT, "trials/verdict/zero", MCBE_COLUMN_I8, MCBE_SHAPE_SCALAR, "verdict"},
        {COLUMN_SAMPLE, "alpha/sample", MCBE_COLUMN_I64, MCBE_SHAPE_ROWS,
         "where alpha was reached"},
    };
    mcbe_layout_t layout = {0};
    for (size_t i = 0; i < COUNT_OF(small); i++) {
        assert_int_equal(
            add_column(&layout, small[i].path, small[i].type, small[i].shape, small[i].description),
            small[i].number);
    }
    return layout;
}

/* A double a lossy copy would change, or an ordinary one. */
static inline double peculiar(int64_t k)
{
    static const uint64_t bits[] = {
        0x8000000000000000, /* -0.0 */
        0x7ff0000000000000, /* infinity */
        0x7ff800000000abcd, /* a NaN with something to say */
        0x0000000000000001, /* the smallest double */
        0x3fb999999999999a, /* 0.1 */
    };
    double value;
    memcpy(&value, &bits[k % 5], sizeof value);
    return value;
}

static inline mcbe_record_t small_record(const mcbe_plan_t *plan, const mcbe_layout_t *layout,
                                         int64_t cell, int64_t trial)
{
    mcbe_record_t record;
    const mcbe_cell_t *shape = &plan->cells[cell];
    int64_t m = shape->m, unit = 10 * cell + trial;
    assert_int_equal(mcbe_record_init(&record, layout, cell, trial, shape), MCBE_OK);
    record.seconds = 0.5 + (double)unit;
    record.rank = unit % 3;
    double mean = 0.25 * (double)unit, data[5];
    int64_t updates = INT64_C(1) << 40 | unit, active = -unit, verdict = unit % 2, sample[5];
    for (int64_t j = 0; j < m; j++) {
        data[j] = peculiar(unit + j);
        sample[j] = 1000 * unit + j;
    }
    mcbe_record_set_f64(&record, layout, shape, COLUMN_MEAN, &mean);
    mcbe_record_set_f64(&record, layout, shape, COLUMN_DATA, data);
    mcbe_record_set_i64(&record, layout, shape, COLUMN_UPDATES, &updates);
    mcbe_record_set_i64(&record, layout, shape, COLUMN_ACTIVE, &active);
    mcbe_record_set_i64(&record, layout, shape, COLUMN_VERDICT, &verdict);
    mcbe_record_set_i64(&record, layout, shape, COLUMN_SAMPLE, sample);
    return record;
}

static inline void assert_same_record(const mcbe_record_t *a, const mcbe_record_t *b)
{
    assert_int_equal(a->cell, b->cell);
    assert_int_equal(a->trial, b->trial);
    assert_memory_equal(&a->seconds, &b->seconds, sizeof a->seconds);
    assert_int_equal(a->rank, b->rank);
    assert_int_equal(a->word_count, b->word_count);
    assert_memory_equal(a->words, b->words, (size_t)a->word_count * sizeof *a->words);
}

/* A whole file. @return new (mcbe_free), [*bytes] */
static inline unsigned char *slurp(const char *path, size_t *bytes)
{
    struct stat facts;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &facts), 0);
    *bytes = (size_t)facts.st_size;
    unsigned char *data = mcbe_alloc(*bytes + 1, 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *bytes, file), *bytes);
    fclose(file);
    return data;
}

static inline void spill(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static inline void assert_file_holds(const char *path, const void *data, size_t bytes)
{
    size_t found = 0;
    unsigned char *content = slurp(path, &found);
    assert_int_equal(found, bytes);
    assert_memory_equal(content, data, bytes);
    mcbe_free(content);
}

static inline int is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Let no file grow beyond `bytes`: a disk that fills up. RLIM_INFINITY takes it back. Needs SIGXFSZ
 * to be ignored. */
static inline void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#define ASSERT_SAYS(err, words)                                                                    \
    do {                                                                                           \
        if (!strstr((err).text, words)) {                                                          \
            fail_msg("\"%s\" does not say \"%s\"", (err).text, words);                             \
        }                                                                                          \
    } while (0)

#endif
