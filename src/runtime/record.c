#include "record.h"

#include <string.h>

#include "check.h"
#include "memory.h"

int mcbe_layout_add(mcbe_layout_t *layout, const mcbe_column_t *column)
{
    void *columns = layout->columns;
    size_t capacity = (size_t)layout->capacity;
    MCBE_BUG_ASSERT(mcbe_layout_points(layout) < 0);
    MCBE_BUG_ASSERT(column->shape != MCBE_SHAPE_POINTS || column->type == MCBE_COLUMN_F64);
    const int is_axis = column->shape == MCBE_SHAPE_AXIS;
    MCBE_BUG_ASSERT((column->shape == MCBE_SHAPE_SERIES || is_axis) == (column->length > 0));
    MCBE_BUG_ASSERT(is_axis == (column->values != NULL));
    MCBE_BUG_ASSERT(!is_axis || column->type == MCBE_COLUMN_I64 || column->type == MCBE_COLUMN_F64);
    if (mcbe_grow(&columns, &capacity, (size_t)layout->count + 1, sizeof *layout->columns)) {
        return -1;
    }
    layout->columns = columns;
    layout->capacity = (int)capacity;
    char *copy = mcbe_strdup(column->path);
    if (!copy) {
        return -1;
    }
    layout->columns[layout->count] = *column;
    layout->columns[layout->count].path = copy;
    return layout->count++;
}

mcbe_status_t mcbe_layout_add_table(mcbe_layout_t *layout, const mcbe_column_row_t *rows, int count,
                                    const char *series, int64_t length, const void *values)
{
    for (int i = 0; i < count; i++) {
        const int is_axis = rows[i].shape == MCBE_SHAPE_AXIS;
        const int is_long = is_axis || rows[i].shape == MCBE_SHAPE_SERIES;
        const mcbe_column_t column = {.path = rows[i].path,
                                      .type = rows[i].type,
                                      .shape = rows[i].shape,
                                      .length = is_long ? length : 0,
                                      .series = is_long ? series : NULL,
                                      .values = is_axis ? values : NULL,
                                      .approximate = rows[i].approximate,
                                      .units = "1",
                                      .description = rows[i].description};
        if (mcbe_layout_add(layout, &column) < 0) {
            return MCBE_ERR_NOMEM;
        }
    }
    return MCBE_OK;
}

void mcbe_layout_free(mcbe_layout_t *layout)
{
    for (int c = 0; c < layout->count; c++) {
        mcbe_free(layout->columns[c].path);
    }
    mcbe_free(layout->columns);
    *layout = (mcbe_layout_t){0};
}

int64_t mcbe_column_words(const mcbe_column_t *column, const mcbe_cell_t *cell)
{
    switch (column->shape) {
    case MCBE_SHAPE_SCALAR:
        return 1;
    case MCBE_SHAPE_SERIES:
        return column->length;
    case MCBE_SHAPE_ROWS:
        return cell->m;
    case MCBE_SHAPE_COORDINATES:
        return cell->n;
    case MCBE_SHAPE_AXIS:
    case MCBE_SHAPE_POINTS:
        break;
    }
    return 0;
}

int64_t mcbe_layout_words(const mcbe_layout_t *layout, const mcbe_cell_t *cell)
{
    int64_t words = 0;
    for (int c = 0; c < layout->count; c++) {
        words += mcbe_column_words(&layout->columns[c], cell);
    }
    return words;
}

int64_t mcbe_layout_offset(const mcbe_layout_t *layout, int column, const mcbe_cell_t *cell)
{
    MCBE_BUG_ASSERT(column >= 0 && column < layout->count);
    int64_t offset = 0;
    int scalar = layout->columns[column].shape == MCBE_SHAPE_SCALAR;
    for (int c = 0; c < layout->count; c++) {
        int other = layout->columns[c].shape == MCBE_SHAPE_SCALAR;
        if ((other && !scalar) || (c < column && other == scalar)) {
            offset += mcbe_column_words(&layout->columns[c], cell);
        }
    }
    return offset;
}

int mcbe_layout_points(const mcbe_layout_t *layout)
{
    const int last = layout->count - 1;
    return last >= 0 && layout->columns[last].shape == MCBE_SHAPE_POINTS ? last : -1;
}

mcbe_status_t mcbe_record_init(mcbe_record_t *record, const mcbe_layout_t *layout, int64_t number,
                               int64_t trial, const mcbe_cell_t *cell)
{
    int64_t count = mcbe_layout_words(layout, cell);
    *record = (mcbe_record_t){.cell = number, .trial = trial};
    record->words = mcbe_alloc((size_t)count, sizeof *record->words);
    if (!record->words) {
        return MCBE_ERR_NOMEM;
    }
    record->word_count = count;
    return MCBE_OK;
}

void mcbe_record_free(mcbe_record_t *record)
{
    mcbe_free(record->words);
    *record = (mcbe_record_t){0};
}

mcbe_status_t mcbe_record_copy(mcbe_record_t *copy, const mcbe_record_t *record)
{
    int64_t *words = mcbe_alloc((size_t)record->word_count, sizeof *words);
    if (!words) {
        *copy = (mcbe_record_t){0};
        return MCBE_ERR_NOMEM;
    }
    memcpy(words, record->words, (size_t)record->word_count * sizeof *words);
    *copy = *record;
    copy->words = words;
    return MCBE_OK;
}

/* Where a column stands in a record, after a check that it is one of the asked kind. */
static int64_t *column_words(const mcbe_record_t *record, const mcbe_layout_t *layout,
                             const mcbe_cell_t *cell, int column, int real)
{
    const int64_t fixed = mcbe_layout_words(layout, cell);
    MCBE_BUG_ASSERT(mcbe_layout_points(layout) < 0 ? record->word_count == fixed
                                                   : record->word_count >= fixed);
    int64_t offset = mcbe_layout_offset(layout, column, cell);
    MCBE_BUG_ASSERT((layout->columns[column].type == MCBE_COLUMN_F64) == real);
    return record->words + offset;
}

void mcbe_record_set_f64(mcbe_record_t *record, const mcbe_layout_t *layout,
                         const mcbe_cell_t *cell, int column, const double *values)
{
    int64_t *words = column_words(record, layout, cell, column, 1);
    memcpy(words, values,
           (size_t)mcbe_column_words(&layout->columns[column], cell) * sizeof *words);
}

void mcbe_record_set_i64(mcbe_record_t *record, const mcbe_layout_t *layout,
                         const mcbe_cell_t *cell, int column, const int64_t *values)
{
    int64_t *words = column_words(record, layout, cell, column, 0);
    int64_t count = mcbe_column_words(&layout->columns[column], cell);
    for (int64_t k = 0; k < count; k++) {
        MCBE_BUG_ASSERT(mcbe_column_holds(layout->columns[column].type, values[k]));
        words[k] = values[k];
    }
}

void mcbe_record_get_f64(const mcbe_record_t *record, const mcbe_layout_t *layout,
                         const mcbe_cell_t *cell, int column, double *values)
{
    const int64_t *words = column_words(record, layout, cell, column, 1);
    memcpy(values, words,
           (size_t)mcbe_column_words(&layout->columns[column], cell) * sizeof *words);
}

void mcbe_record_get_i64(const mcbe_record_t *record, const mcbe_layout_t *layout,
                         const mcbe_cell_t *cell, int column, int64_t *values)
{
    const int64_t *words = column_words(record, layout, cell, column, 0);
    memcpy(values, words,
           (size_t)mcbe_column_words(&layout->columns[column], cell) * sizeof *words);
}

double mcbe_record_scalar(const mcbe_record_t *record, const mcbe_layout_t *layout,
                          const mcbe_cell_t *cell, int column)
{
    double value;
    int64_t whole;
    MCBE_BUG_ASSERT(mcbe_column_words(&layout->columns[column], cell) == 1);
    if (layout->columns[column].type == MCBE_COLUMN_F64) {
        mcbe_record_get_f64(record, layout, cell, column, &value);
        return value;
    }
    mcbe_record_get_i64(record, layout, cell, column, &whole);
    return (double)whole;
}

mcbe_status_t mcbe_record_set_points(mcbe_record_t *record, const mcbe_layout_t *layout,
                                     const mcbe_cell_t *cell, int64_t count, const double *x)
{
    MCBE_BUG_ASSERT(mcbe_layout_points(layout) >= 0 && count >= 0);
    const size_t fixed = (size_t)mcbe_layout_words(layout, cell);
    const size_t more = (size_t)count * (size_t)cell->n;
    int64_t *words = mcbe_alloc(fixed + more, sizeof *words);
    if (!words) {
        return MCBE_ERR_NOMEM;
    }
    memcpy(words, record->words, fixed * sizeof *words);
    if (x && more > 0) {
        memcpy(words + fixed, x, more * sizeof *words);
    }
    mcbe_free(record->words);
    record->words = words;
    record->word_count = (int64_t)(fixed + more);
    return MCBE_OK;
}

int64_t mcbe_record_points(const mcbe_record_t *record, const mcbe_layout_t *layout,
                           const mcbe_cell_t *cell)
{
    return (record->word_count - mcbe_layout_words(layout, cell)) / cell->n;
}

void mcbe_record_get_point(const mcbe_record_t *record, const mcbe_layout_t *layout,
                           const mcbe_cell_t *cell, int64_t point, double *x)
{
    MCBE_BUG_ASSERT(point >= 0 && point < mcbe_record_points(record, layout, cell));
    memcpy(x, record->words + mcbe_layout_words(layout, cell) + point * cell->n,
           (size_t)cell->n * sizeof *x);
}

int mcbe_column_holds(mcbe_column_type_t type, int64_t value)
{
    switch (type) {
    case MCBE_COLUMN_I32:
        return value >= INT32_MIN && value <= INT32_MAX;
    case MCBE_COLUMN_I8:
        return value >= INT8_MIN && value <= INT8_MAX;
    case MCBE_COLUMN_I64:
    case MCBE_COLUMN_F64:
        break;
    }
    return 1;
}
