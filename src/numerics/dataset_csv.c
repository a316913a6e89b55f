#include "dataset_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "csv_text.h"
#include "mcbe/frame.h"
#include "memory.h"
#include "show.h"

#define CLASSES_MAX 4096

/* A text being read. */
typedef struct text {
    const mcbe_data_options_t *options;
    mcbe_data_rows_t *rows;
    const char *name;
    int fields;       /* of a line; 0 before the first */
    int label_column; /* -1: none */
    int numbered;     /* labels stand for themselves */
    int decided;      /* which of the two labels are */
} text_t;

static int wants_label(const text_t *text)
{
    return text->options->label && text->options->label[0] != '\0';
}

/* @return 1 and the number, if the text is digits alone */
static int whole_number(const char *text, int64_t *value)
{
    char *end;
    if (text[0] < '0' || text[0] > '9') {
        return 0;
    }
    *value = (int64_t)strtoll(text, &end, 10); /* saturates */
    return *end == '\0';
}

static mcbe_status_t find_label(text_t *text, const char *const *fields, int is_header,
                                mcbe_error_t *err)
{
    const char *label = text->options->label;
    int64_t index;
    if (!strcmp(label, "last")) {
        text->label_column = text->fields - 1;
    } else if (whole_number(label, &index)) {
        text->label_column = index < text->fields ? (int)index : -1;
    } else {
        for (int k = 0; k < text->fields && is_header && text->label_column < 0; k++) {
            text->label_column = strcmp(fields[k], label) == 0 ? k : -1;
        }
    }
    if (text->label_column < 0) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has no column '%.40s' of labels; it has %d columns%s", text->name,
                         label, text->fields, is_header ? "" : " and no header with names");
    }
    return MCBE_OK;
}

static int has_header(const text_t *text, const char *const *fields)
{
    int64_t index;
    const char *label = text->options->label;
    if (text->options->header != MCBE_DATA_HEADER_AUTO) {
        return text->options->header == MCBE_DATA_HEADER_YES;
    }
    /* a label may be a text, so its column says nothing */
    const int skipped = !wants_label(text)            ? -1
                        : !strcmp(label, "last")      ? text->fields - 1
                        : whole_number(label, &index) ? (int)(index & INT32_MAX)
                                                      : -1;
    for (int k = 0; k < text->fields; k++) {
        if (k != skipped && mcbe_csv_is_name(fields[k])) {
            return 1;
        }
    }
    return 0;
}

static mcbe_status_t keep_header(text_t *text, const char *const *fields)
{
    mcbe_dataset_t *data = text->rows->data;
    const int n = text->fields - (text->label_column >= 0);
    if (data->column_names) {
        return MCBE_OK; /* of a file before this one */
    }
    data->column_names = mcbe_alloc((size_t)n, sizeof *data->column_names);
    if (!data->column_names) {
        return MCBE_ERR_NOMEM;
    }
    data->n = n; /* so many names are there to be freed, whatever comes */
    for (int k = 0, at = 0; k < text->fields; k++) {
        if (k != text->label_column) {
            data->column_names[at] = mcbe_strdup(fields[k]);
            if (!data->column_names[at++]) {
                return MCBE_ERR_NOMEM;
            }
        }
    }
    return MCBE_OK;
}

/* The first line, names or numbers. @param[out] is_header */
static mcbe_status_t take_first(text_t *text, const char *const *fields, int count, int *is_header,
                                mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    text->fields = count;
    *is_header = has_header(text, fields);
    if (wants_label(text)) {
        MCBE_TRY(find_label(text, fields, *is_header, err));
    }
    const int n = count - (text->label_column >= 0);
    if (n < 1 || n > MCBE_MAX_N) {
        st = mcbe_fail(err, MCBE_ERR_DATA, "'%s' has %d features a line; 1 to %d are allowed",
                       text->name, n, MCBE_MAX_N);
        goto out;
    }
    if (text->rows->data->n > 0 && text->rows->data->n != n) {
        st = mcbe_data_reserve(text->rows, 0, n, 0, text->name, err); /* says so */
        goto out;
    }
    text->rows->has_labels = text->label_column >= 0;
    if (*is_header) {
        st = keep_header(text, fields);
    }
out:
    return st;
}

/* The number of a class by its name, a new one if need be. */
static mcbe_status_t class_of(text_t *text, const char *label, int32_t *number, mcbe_error_t *err)
{
    mcbe_dataset_t *data = text->rows->data;
    for (int i = 0; i < data->classes; i++) {
        if (!strcmp(data->class_names[i], label)) {
            *number = i;
            return MCBE_OK;
        }
    }
    if (data->classes == CLASSES_MAX) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has more than %d different labels; is column %d really that of the "
                         "labels?",
                         text->name, CLASSES_MAX, text->label_column);
    }
    if (!data->class_names) {
        data->class_names = mcbe_alloc(CLASSES_MAX, sizeof *data->class_names);
        if (!data->class_names) {
            return MCBE_ERR_NOMEM;
        }
    }
    data->class_names[data->classes] = mcbe_strdup(label);
    if (!data->class_names[data->classes]) {
        return MCBE_ERR_NOMEM;
    }
    *number = data->classes++;
    return MCBE_OK;
}

static mcbe_status_t take_label(text_t *text, const char *label, int64_t line, int32_t *number,
                                mcbe_error_t *err)
{
    mcbe_dataset_t *data = text->rows->data;
    int64_t value = 0;
    const int is_number = whole_number(label, &value) && value < INT32_MAX;
    if (!text->decided) {
        text->numbered = is_number && !data->class_names;
        text->decided = 1;
    }
    if (!text->numbered) {
        return class_of(text, label, number, err);
    }
    if (!is_number) {
        char shown[MCBE_SHOWN_MAX];
        mcbe_show(label, shown);
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has the label '%s' in line %lld; the labels before are whole "
                         "numbers",
                         text->name, shown, (long long)line);
    }
    *number = (int32_t)value;
    if (data->classes <= *number) {
        data->classes = *number + 1;
    }
    return MCBE_OK;
}

static mcbe_status_t take_line(void *context, int64_t line, const char *const *fields, int count,
                               mcbe_error_t *err)
{
    text_t *text = context;
    mcbe_dataset_t *data = text->rows->data;
    int is_header = 0;
    mcbe_status_t st = MCBE_OK;
    if (text->fields == 0) {
        MCBE_TRY(take_first(text, fields, count, &is_header, err));
        if (is_header) {
            goto out;
        }
    }
    if (count != text->fields) {
        st =
            mcbe_fail(err, MCBE_ERR_DATA, "'%s' has %d fields in line %lld, and %d in those before",
                      text->name, count, (long long)line, text->fields);
        goto out;
    }
    MCBE_TRY(
        mcbe_data_reserve(text->rows, 1, count - (text->label_column >= 0), 0, text->name, err));
    float *x = data->x + data->count * data->n;
    for (int k = 0; k < count; k++) {
        double value = 0;
        if (k == text->label_column) {
            MCBE_TRY(take_label(text, fields[k], line, data->label + data->count, err));
            continue;
        }
        if (!mcbe_csv_number(fields[k], &value) || !isfinite((float)value)) {
            char shown[MCBE_SHOWN_MAX];
            mcbe_show(fields[k], shown);
            st = mcbe_fail(err, MCBE_ERR_DATA,
                           "'%s' has '%s' in line %lld, field %d; a number that is finite in "
                           "single precision is needed",
                           text->name, shown, (long long)line, k + 1);
            goto out;
        }
        *x++ = (float)value;
    }
    data->count++;
out:
    return st;
}

/* The classes of the data these belong to, so that a label means the same. */
static mcbe_status_t copy_classes(mcbe_dataset_t *data, const mcbe_dataset_t *like)
{
    if (like->class_names) {
        data->class_names = mcbe_alloc(CLASSES_MAX, sizeof *data->class_names);
        if (!data->class_names) {
            return MCBE_ERR_NOMEM;
        }
    }
    for (; data->classes < like->classes; data->classes++) {
        if (like->class_names) {
            data->class_names[data->classes] = mcbe_strdup(like->class_names[data->classes]);
            if (!data->class_names[data->classes]) {
                return MCBE_ERR_NOMEM;
            }
        }
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_data_read_csv(mcbe_data_source_t *source, const mcbe_data_options_t *options,
                                 mcbe_data_rows_t *rows, mcbe_error_t *err)
{
    const int64_t before = rows->data->count;
    mcbe_status_t st = MCBE_OK;
    if (before == 0 && options->like) {
        st = copy_classes(rows->data, options->like);
    }
    text_t text = {.options = options,
                   .rows = rows,
                   .name = source->in.name,
                   .label_column = -1,
                   /* what is there already, be it of a training set, decides */
                   .decided = rows->data->classes > 0,
                   .numbered = rows->data->classes > 0 && !rows->data->class_names};
    if (st == MCBE_OK) {
        st = mcbe_csv_read(&source->in, options->delimiter ? options->delimiter : ',',
                           MCBE_MAX_N + 1, take_line, &text, err);
    }
    if (st == MCBE_OK && rows->data->count == before) {
        st = mcbe_fail(err, MCBE_ERR_DATA, "'%s' has no line of numbers", source->in.name);
    }
    return st;
}
