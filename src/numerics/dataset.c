#include "mcbe/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check.h"
#include "dataset_internal.h"
#include "mcbe/frame.h"
#include "memory.h"

/* --- names and labels --- */

void mcbe_data_free_names(char **names, int count)
{
    for (int i = 0; names && i < count; i++) {
        mcbe_free(names[i]);
    }
    mcbe_free(names);
}

void mcbe_data_drop_labels(mcbe_dataset_t *data)
{
    mcbe_data_free_names(data->class_names, data->classes);
    mcbe_free(data->label);
    data->class_names = NULL;
    data->label = NULL;
    data->classes = 0;
}

/* --- room --- */

static mcbe_status_t bad_shape(int64_t count, int n, mcbe_error_t *err)
{
    return mcbe_fail(err, MCBE_ERR_DIM,
                     "%lld points of %d features; 1 to %d features and at most %lld values in all "
                     "are allowed",
                     (long long)count, n, MCBE_MAX_N, (long long)MCBE_DATA_VALUES_MAX);
}

/* Move the points into room for `capacity` of them. */
static mcbe_status_t resize(mcbe_data_rows_t *rows, int64_t capacity)
{
    mcbe_dataset_t *data = rows->data;
    const size_t n = (size_t)data->n, used = (size_t)data->count;
    float *x = mcbe_alloc((size_t)capacity * n, sizeof *x);
    int32_t *label = rows->has_labels ? mcbe_alloc((size_t)capacity, sizeof *label) : NULL;
    if (!x || (rows->has_labels && !label)) {
        mcbe_free(x);
        mcbe_free(label);
        return MCBE_ERR_NOMEM;
    }
    if (used > 0) {
        memcpy(x, data->x, used * n * sizeof *x);
        if (label) {
            memcpy(label, data->label, used * sizeof *label);
        }
    }
    mcbe_free(data->x);
    mcbe_free(data->label);
    data->x = x;
    data->label = label;
    rows->capacity = capacity;
    return MCBE_OK;
}

mcbe_status_t mcbe_data_reserve(mcbe_data_rows_t *rows, int64_t more, int n, int exact,
                                const char *name, mcbe_error_t *err)
{
    enum { FIRST = 64 };
    mcbe_dataset_t *data = rows->data;
    if (data->n > 0 && data->n != n) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has points of %d features; those it belongs to have %d", name, n,
                         data->n);
    }
    data->n = n;
    if (data->count + more > MCBE_DATA_VALUES_MAX / n) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' brings the data to more than %lld values, the most that are allowed",
                         name, (long long)MCBE_DATA_VALUES_MAX);
    }
    if (data->count + more <= rows->capacity) {
        return MCBE_OK;
    }
    int64_t capacity = data->count + more;
    if (!exact && capacity < 2 * rows->capacity) {
        capacity = 2 * rows->capacity;
    }
    return resize(rows, !exact && capacity < FIRST ? FIRST : capacity);
}

mcbe_status_t mcbe_dataset_create(mcbe_dataset_t *data, int64_t count, int n, mcbe_error_t *err)
{
    memset(data, 0, sizeof *data);
    if (n < 1 || n > MCBE_MAX_N || count < 1 || count > MCBE_DATA_VALUES_MAX / n) {
        return bad_shape(count, n, err);
    }
    data->x = mcbe_alloc((size_t)count * (size_t)n, sizeof *data->x);
    if (!data->x) {
        return MCBE_ERR_NOMEM;
    }
    data->count = count;
    data->n = n;
    return MCBE_OK;
}

void mcbe_dataset_free(mcbe_dataset_t *data)
{
    mcbe_data_drop_labels(data);
    mcbe_data_free_names(data->column_names, data->n);
    mcbe_free(data->x);
    memset(data, 0, sizeof *data);
}

/* The points from number `first` on, which are those of a file of this name. */
static mcbe_status_t check_from(const mcbe_dataset_t *data, int64_t first, const char *name,
                                mcbe_error_t *err)
{
    const float *x = data->x + first * data->n;
    const int64_t values = (data->count - first) * data->n;
    for (int64_t i = 0; i < values; i++) {
        if (!isfinite(x[i])) {
            return mcbe_fail(
                err, MCBE_ERR_DATA,
                "'%s' has the value %g in point %lld, feature %lld; all must be finite "
                "in single precision",
                name, (double)x[i], (long long)(i / data->n), (long long)(i % data->n));
        }
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_dataset_check(const mcbe_dataset_t *data, const char *name, mcbe_error_t *err)
{
    return check_from(data, 0, name, err);
}

/* --- files --- */

/* Does a name end in one of these, perhaps with .gz behind? */
static int ends_in(const char *name, const char *const *endings, size_t count)
{
    size_t length = strlen(name);
    if (length > 3 && !strcasecmp(name + length - 3, ".gz")) {
        length -= 3;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t bytes = strlen(endings[i]);
        if (length > bytes && !strncasecmp(name + length - bytes, endings[i], bytes)) {
            return 1;
        }
    }
    return 0;
}

static mcbe_status_t find_format(mcbe_data_source_t *source, mcbe_error_t *err)
{
    static const char *const text[] = {".csv", ".tsv", ".txt", ".data"};
    static const char *const records[] = {".bin"};
    unsigned char first[8] = {0};
    size_t got = 0;
    mcbe_status_t st;
    MCBE_TRY(mcbe_inflow_read(&source->in, first, sizeof first, &got, err));
    MCBE_TRY(mcbe_inflow_rewind(&source->in, err));
    const char *name = source->in.name;
    if (!memcmp(first, "\x89HDF\r\n\x1a\n", sizeof first)) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s' is an HDF5 file: name the dataset in it too, as in %s:/points", name,
                       name);
    } else if (!memcmp(first, "\x93NUMPY", 6)) {
        source->format = MCBE_DATA_NPY;
    } else if (ends_in(name, records, sizeof records / sizeof *records)) {
        source->format = MCBE_DATA_CIFAR10;
    } else if (first[0] == 0 && first[1] == 0 && first[2] >= 0x08 && first[2] <= 0x0e) {
        source->format = MCBE_DATA_IDX;
    } else if (ends_in(name, text, sizeof text / sizeof *text)) {
        source->format = MCBE_DATA_CSV;
    } else {
        st = mcbe_fail(
            err, MCBE_ERR_DATA,
            "'%s' is of no format that its first bytes or its name tell; say whether it is "
            "csv, idx, cifar10 or npy",
            name);
    }
out:
    return st;
}

/* Which format, and what its header says. */
static mcbe_status_t begin(mcbe_data_source_t *source, const mcbe_data_options_t *options,
                           mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    source->format = options->format;
    source->count = -1;
    if (source->format == MCBE_DATA_AUTO) {
        st = find_format(source, err);
    }
    if (st != MCBE_OK) {
        return st;
    }
    switch (source->format) {
    case MCBE_DATA_IDX:
        return mcbe_data_begin_idx(source, err);
    case MCBE_DATA_NPY:
        return mcbe_data_begin_npy(source, err);
    case MCBE_DATA_CIFAR10:
        return mcbe_data_begin_cifar10(source, err);
    case MCBE_DATA_CSV:
    case MCBE_DATA_AUTO:
        break;
    }
    return MCBE_OK;
}

static mcbe_status_t read_points(mcbe_data_source_t *source, const mcbe_data_options_t *options,
                                 mcbe_data_rows_t *rows, mcbe_error_t *err)
{
    switch (source->format) {
    case MCBE_DATA_IDX:
        return mcbe_data_read_idx(source, rows, err);
    case MCBE_DATA_NPY:
        return mcbe_data_read_npy(source, rows, err);
    case MCBE_DATA_CIFAR10:
        return mcbe_data_read_cifar10(source, rows, err);
    case MCBE_DATA_CSV:
    case MCBE_DATA_AUTO:
        break;
    }
    return mcbe_data_read_csv(source, options, rows, err);
}

/* The points of one file, which must be finite. */
static mcbe_status_t append(mcbe_data_source_t *source, const mcbe_data_options_t *options,
                            mcbe_data_rows_t *rows, mcbe_error_t *err)
{
    const int64_t before = rows->data->count;
    const mcbe_status_t st = read_points(source, options, rows, err);
    return st == MCBE_OK ? check_from(rows->data, before, source->in.name, err) : st;
}

static const mcbe_data_options_t plain_options;

/* Before the first file. */
static void start(mcbe_dataset_t *data, const mcbe_data_options_t *options)
{
    memset(data, 0, sizeof *data);
    data->n = options->like ? options->like->n : 0;
}

/* After the last. */
static mcbe_status_t finish(mcbe_data_rows_t *rows)
{
    mcbe_dataset_t *data = rows->data;
    if (!rows->has_labels) {
        mcbe_data_drop_labels(data);
    }
    return rows->capacity > data->count ? resize(rows, data->count) : MCBE_OK;
}

mcbe_status_t mcbe_dataset_parse(mcbe_dataset_t *data, FILE *in, const char *name,
                                 const mcbe_data_options_t *options, mcbe_error_t *err)
{
    mcbe_data_source_t source = {0};
    mcbe_data_rows_t rows = {.data = data};
    mcbe_status_t st;
    options = options ? options : &plain_options;
    start(data, options);
    MCBE_TRY(mcbe_inflow_open(&source.in, in, name, err));
    MCBE_TRY(begin(&source, options, err));
    MCBE_TRY(append(&source, options, &rows, err));
    st = finish(&rows);
out:
    mcbe_inflow_close(&source.in);
    if (st != MCBE_OK) {
        mcbe_dataset_free(data);
    }
    return st;
}

/* All headers, before any file is read in full. @param[out] whole  the format, n, and how many points
 * there will be in all, -1 where a file does not say */
static mcbe_status_t look_ahead(const char *const *paths, int path_count,
                                const mcbe_data_options_t *options, mcbe_data_source_t *whole,
                                mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    for (int i = 0; i < path_count && st == MCBE_OK; i++) {
        mcbe_data_source_t source = {0};
        MCBE_TRY(mcbe_inflow_open(&source.in, NULL, paths[i], err));
        st = begin(&source, options, err);
        mcbe_inflow_close(&source.in);
        if (st == MCBE_OK && i > 0 && source.format != whole->format) {
            st = mcbe_fail(err, MCBE_ERR_DATA,
                           "'%s' is of another format than '%s'; files that are one data set must "
                           "be alike",
                           paths[i], paths[0]);
        }
        whole->format = source.format;
        whole->n = i > 0 ? whole->n : source.n;
        whole->count = whole->count < 0 || source.count < 0 ? -1 : whole->count + source.count;
    }
out:
    return st;
}

mcbe_status_t mcbe_dataset_read(mcbe_dataset_t *data, const char *const *paths, int path_count,
                                const mcbe_data_options_t *options, mcbe_error_t *err)
{
    mcbe_data_source_t source = {0};
    mcbe_data_source_t whole = {0};
    mcbe_data_rows_t rows = {.data = data};
    mcbe_status_t st;
    options = options ? options : &plain_options;
    start(data, options);
    MCBE_TRY(look_ahead(paths, path_count, options, &whole, err));
    rows.has_labels = whole.format == MCBE_DATA_CIFAR10;
    if (whole.count > 0) { /* for all files at once: what has been read is never moved */
        MCBE_TRY(mcbe_data_reserve(&rows, whole.count, whole.n, 1, paths[0], err));
    }
    for (int i = 0; i < path_count; i++) {
        MCBE_TRY(mcbe_inflow_open(&source.in, NULL, paths[i], err));
        MCBE_TRY(begin(&source, options, err));
        MCBE_TRY(append(&source, options, &rows, err));
        mcbe_inflow_close(&source.in);
    }
    st = finish(&rows);
out:
    mcbe_inflow_close(&source.in);
    if (st != MCBE_OK) {
        mcbe_dataset_free(data);
    }
    return st;
}
