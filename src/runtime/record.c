#include "record.h"

#include <string.h>

#include "check.h"
#include "memory.h"

int mcbe_layout_add(mcbe_layout_t *layout, const char *path, mcbe_column_type_t type,
                    mcbe_column_shape_t shape, const char *units, const char *description)
{
    void *columns = layout->columns;
    size_t capacity = (size_t)layout->capacity;
    if (mcbe_grow(&columns, &capacity, (size_t)layout->count + 1, sizeof *layout->columns)) {
        return -1;
    }
    layout->columns = columns;
    layout->capacity = (int)capacity;
    char *copy = mcbe_strdup(path);
    if (!copy) {
        return -1;
    }
    layout->columns[layout->count] = (mcbe_column_t){
        .path = copy, .type = type, .shape = shape, .units = units, .description = description};
    return layout->count++;
}

void mcbe_layout_free(mcbe_layout_t *layout)
{
    for (int c = 0; c < layout->count; c++) {
        mcbe_free(layout->columns[c].path);
    }
    mcbe_free(layout->columns);
    *layout = (mcbe_layout_t){0};
}

static int64_t words_of(const mcbe_column_t *column, int64_t m)
{
    return column->shape == MCBE_SHAPE_ROWS ? m : 1;
}

int64_t mcbe_layout_words(const mcbe_layout_t *layout, int64_t m)
{
    int64_t words = 0;
    for (int c = 0; c < layout->count; c++) {
        words += words_of(&layout->columns[c], m);
    }
    return words;
}

int64_t mcbe_layout_offset(const mcbe_layout_t *layout, int column, int64_t m)
{
    MCBE_BUG_ASSERT(column >= 0 && column < layout->count);
    int64_t offset = 0;
    int rows = layout->columns[column].shape == MCBE_SHAPE_ROWS;
    for (int c = 0; c < layout->count; c++) {
        int scalar = layout->columns[c].shape == MCBE_SHAPE_SCALAR;
        if ((rows && scalar) || (c < column && scalar == !rows)) {
            offset += words_of(&layout->columns[c], m);
        }
    }
    return offset;
}

mcbe_status_t mcbe_record_init(mcbe_record_t *record, const mcbe_layout_t *layout, int64_t cell,
                               int64_t trial, int64_t m)
{
    int64_t count = mcbe_layout_words(layout, m);
    *record = (mcbe_record_t){.cell = cell, .trial = trial};
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

/* Where a column stands in a record, after a check that it is one of the asked kind. */
static int64_t *column_words(const mcbe_record_t *record, const mcbe_layout_t *layout, int64_t m,
                             int column, int real)
{
    MCBE_BUG_ASSERT(record->word_count == mcbe_layout_words(layout, m));
    int64_t offset = mcbe_layout_offset(layout, column, m);
    MCBE_BUG_ASSERT((layout->columns[column].type == MCBE_COLUMN_F64) == real);
    return record->words + offset;
}

void mcbe_record_set_f64(mcbe_record_t *record, const mcbe_layout_t *layout, int64_t m, int column,
                         const double *values)
{
    int64_t *words = column_words(record, layout, m, column, 1);
    memcpy(words, values, (size_t)words_of(&layout->columns[column], m) * sizeof *words);
}

void mcbe_record_set_i64(mcbe_record_t *record, const mcbe_layout_t *layout, int64_t m, int column,
                         const int64_t *values)
{
    int64_t *words = column_words(record, layout, m, column, 0);
    int64_t count = words_of(&layout->columns[column], m);
    for (int64_t k = 0; k < count; k++) {
        MCBE_BUG_ASSERT(mcbe_column_holds(layout->columns[column].type, values[k]));
        words[k] = values[k];
    }
}

void mcbe_record_get_f64(const mcbe_record_t *record, const mcbe_layout_t *layout, int64_t m,
                         int column, double *values)
{
    const int64_t *words = column_words(record, layout, m, column, 1);
    memcpy(values, words, (size_t)words_of(&layout->columns[column], m) * sizeof *words);
}

void mcbe_record_get_i64(const mcbe_record_t *record, const mcbe_layout_t *layout, int64_t m,
                         int column, int64_t *values)
{
    const int64_t *words = column_words(record, layout, m, column, 0);
    memcpy(values, words, (size_t)words_of(&layout->columns[column], m) * sizeof *words);
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
