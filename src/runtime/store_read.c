#include "store_internal.h"

#include <string.h>

#include "check.h"
#include "config.h"
#include "memory.h"

/* Refuse a file that is not ours, then a version that is not ours to read. */
static mcbe_status_t check_kind(hid_t file, const char *path, mcbe_error_t *err)
{
    char *filetype = NULL;
    int version[2] = {0, 0};
    mcbe_status_t st = mcbe_h5_get_text(file, "filetype", &filetype, NULL);
    if (st == MCBE_ERR_NOMEM) {
        return mcbe_store_no_memory(err, path);
    }
    int ours = st == MCBE_OK && strcmp(filetype, STORE_FILETYPE) == 0;
    mcbe_free(filetype);
    if (!ours) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' is an HDF5 file but not a result file of mcbe (its attribute "
                         "'filetype' is not '%s')",
                         path, STORE_FILETYPE);
    }
    st = mcbe_h5_get_ints(file, "version", 2, version, err);
    if (st == MCBE_OK && version[0] != MCBE_STORE_MAJOR) {
        return mcbe_fail(err, MCBE_ERR_VERSION,
                         "'%s' is of format version %d.%d, this program reads %d.x; use %s mcbe",
                         path, version[0], version[1], MCBE_STORE_MAJOR,
                         version[0] > MCBE_STORE_MAJOR ? "a newer" : "an older");
    }
    return st;
}

mcbe_status_t mcbe_store_open(const char *path, hid_t *file, mcbe_error_t *err)
{
    mcbe_status_t st = mcbe_h5_open(path, file, err);
    if (st == MCBE_OK) {
        st = check_kind(*file, path, err);
        if (st) {
            H5Fclose(*file);
            *file = -1;
        }
    }
    return st;
}

/* Cells and trials of a file, from the one dataset that has both. */
static mcbe_status_t read_extent(hid_t file, int64_t *cells, int64_t *trials, mcbe_error_t *err)
{
    hsize_t dims[2] = {0, 0};
    mcbe_status_t st = mcbe_h5_shape(file, "cells/done", 2, dims, err);
    *cells = (int64_t)dims[0];
    *trials = (int64_t)dims[1];
    return st;
}

/* Version 1.0 knew whole runs only. */
static mcbe_status_t read_shard(hid_t file, const char *path, mcbe_store_info_t *info,
                                mcbe_error_t *err)
{
    int64_t index = 0, count = 1;
    mcbe_status_t st = MCBE_OK;
    if (info->minor >= 1) {
        MCBE_TRY(mcbe_h5_get_i64(file, "shard", &index, err));
        MCBE_TRY(mcbe_h5_get_i64(file, "shard_count", &count, err));
    }
    if (!mcbe_shard_is_valid(index, count)) {
        return mcbe_fail(err, MCBE_ERR_CORRUPT,
                         "'%s': the attributes 'shard' and 'shard_count' are %lld and %lld", path,
                         (long long)index, (long long)count);
    }
    info->shard = (mcbe_shard_t){.index = (int)index, .count = (int)count};
out:
    return st;
}

static mcbe_status_t read_info(hid_t file, const char *path, mcbe_store_info_t *info,
                               mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    int version[2] = {0, 0};
    hid_t config = H5Gopen2(file, "config", H5P_DEFAULT);
    if (config < 0) {
        return mcbe_h5_fail(err, MCBE_ERR_CORRUPT, "'%s' lacks the group 'config'", path);
    }
    MCBE_TRY(mcbe_h5_get_ints(file, "version", 2, version, err));
    info->major = version[0];
    info->minor = version[1];
    MCBE_TRY(mcbe_h5_get_text(file, "experiment", &info->experiment, err));
    MCBE_TRY(mcbe_h5_get_text(file, "mcbe_version", &info->mcbe_version, err));
    MCBE_TRY(mcbe_h5_get_text(file, "git_sha1", &info->git_sha1, err));
    MCBE_TRY(mcbe_h5_get_text(file, "created_utc", &info->created_utc, err));
    MCBE_TRY(mcbe_h5_get_text(file, "command_line", &info->command_line, err));
    MCBE_TRY(mcbe_h5_get_text(file, "config_fingerprint", &info->fingerprint, err));
    MCBE_TRY(mcbe_h5_get_text(config, "text", &info->config_text, err));
    MCBE_TRY(mcbe_h5_get_text(config, "resolved", &info->config_resolved, err));
    MCBE_TRY(mcbe_h5_get_i64(file, "seed", &info->seed, err));
    MCBE_TRY(mcbe_h5_get_i64(file, "complete", &info->complete, err));
    MCBE_TRY(read_shard(file, path, info, err));
    MCBE_TRY(mcbe_h5_get_i64(file, "units", &info->units, err));
    MCBE_TRY(mcbe_h5_get_i64(file, "units_done", &info->units_done, err));
    MCBE_TRY(read_extent(file, &info->cell_count, &info->trials, err));
out:
    H5Gclose(config);
    return st;
}

mcbe_status_t mcbe_store_peek(const char *path, mcbe_store_info_t *info, mcbe_error_t *err)
{
    hid_t file = -1;
    *info = (mcbe_store_info_t){0};
    mcbe_status_t st = mcbe_store_open(path, &file, err);
    if (st) {
        return st;
    }
    st = read_info(file, path, info, err);
    H5Fclose(file);
    if (st) {
        mcbe_store_info_free(info);
    }
    return st;
}

void mcbe_store_info_free(mcbe_store_info_t *info)
{
    mcbe_free(info->experiment);
    mcbe_free(info->mcbe_version);
    mcbe_free(info->git_sha1);
    mcbe_free(info->created_utc);
    mcbe_free(info->command_line);
    mcbe_free(info->config_text);
    mcbe_free(info->config_resolved);
    mcbe_free(info->fingerprint);
    *info = (mcbe_store_info_t){0};
}

/* A file being read: its own number of trials, its records while they fill up. */
typedef struct reading {
    const mcbe_store_t *store;
    hid_t file;
    const char *path;
    int64_t trials;
    unsigned char *done;    /* owned, [units] */
    mcbe_record_t *records; /* owned, [units] */
    int earlier;            /* the file's configuration asks less of every unit */
} reading_t;

/* The cells of the file must be those of the plan. */
static mcbe_status_t check_cells(const reading_t *reading, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    const mcbe_plan_t *plan = reading->store->plan;
    const hsize_t count = (hsize_t)plan->cell_count;
    int64_t *n = mcbe_alloc((size_t)count, sizeof *n), *m = mcbe_alloc((size_t)count, sizeof *m);
    if (!n || !m) {
        st = mcbe_store_no_memory(err, reading->path);
        goto out;
    }
    MCBE_TRY(mcbe_h5_read(reading->file, "cells/n", H5T_NATIVE_INT64, 1, &count, n, err));
    MCBE_TRY(mcbe_h5_read(reading->file, "cells/m", H5T_NATIVE_INT64, 1, &count, m, err));
    for (size_t c = 0; c < count; c++) {
        if (n[c] != plan->cells[c].n || m[c] != plan->cells[c].m) {
            st = mcbe_fail(err, MCBE_ERR_CORRUPT,
                           "'%s': datasets 'cells/n' and 'cells/m' say n = %lld, m = %lld for cell "
                           "%zu, the configuration says n = %lld, m = %lld",
                           reading->path, (long long)n[c], (long long)m[c], c,
                           (long long)plan->cells[c].n, (long long)plan->cells[c].m);
            goto out;
        }
    }
out:
    mcbe_free(m);
    mcbe_free(n);
    return st;
}

/* Make the records of the units that are done. */
static mcbe_status_t read_done(reading_t *reading, mcbe_error_t *err)
{
    const mcbe_plan_t *plan = reading->store->plan;
    const hsize_t dims[2] = {(hsize_t)plan->cell_count, (hsize_t)reading->trials};
    int64_t units = plan->cell_count * reading->trials;
    mcbe_status_t st =
        mcbe_h5_read(reading->file, "cells/done", H5T_NATIVE_UCHAR, 2, dims, reading->done, err);
    for (int64_t u = 0; st == MCBE_OK && u < units; u++) {
        int64_t cell = u / reading->trials;
        if (reading->done[u] && mcbe_record_init(&reading->records[u], reading->store->layout, cell,
                                                 u % reading->trials, &plan->cells[cell])) {
            st = mcbe_store_no_memory(err, reading->path);
        }
    }
    return st;
}

/* The dataset `offset` of a ragged column. Where it does not follow from the cells, because units
 * choose the number of their points, it must make sense.
 * @param[in,out] offset  [units + 1], as mcbe_store_offsets gives it; taken from the file for points */
static mcbe_status_t read_offsets(const reading_t *reading, const mcbe_column_t *column,
                                  int64_t *offset, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    const int64_t units = reading->store->plan->cell_count * reading->trials;
    const hsize_t length = (hsize_t)units + 1;
    char *name = mcbe_store_offset_path(column);
    int64_t *found = mcbe_alloc((size_t)length, sizeof *found);
    if (!name || !found) {
        st = mcbe_store_no_memory(err, reading->path);
        goto out;
    }
    MCBE_TRY(mcbe_h5_read(reading->file, name, H5T_NATIVE_INT64, 1, &length, found, err));
    for (int64_t u = 0; u <= units; u++) {
        int64_t expected = offset[u];
        if (column->shape == MCBE_SHAPE_POINTS && u > 0) {
            const int64_t n = reading->store->plan->cells[(u - 1) / reading->trials].n;
            const int64_t more = found[u] - found[u - 1];
            const int fits = reading->done[u - 1] ? more >= 0 && more % n == 0 : more == 0;
            expected = fits ? found[u] : found[u - 1];
        }
        if (found[u] != expected) {
            st = mcbe_fail(err, MCBE_ERR_CORRUPT,
                           "'%s': dataset '%s' has %lld for unit %lld, not %lld%s", reading->path,
                           name, (long long)found[u], (long long)u, (long long)expected,
                           column->shape == MCBE_SHAPE_POINTS ? " or whole points more" : "");
            goto out;
        }
        offset[u] = found[u];
    }
out:
    mcbe_free(found);
    mcbe_free(name);
    return st;
}

/* Give every record room for as many points as the file has of its unit. */
static mcbe_status_t make_room(reading_t *reading, const int64_t *offset, mcbe_error_t *err)
{
    const mcbe_plan_t *plan = reading->store->plan;
    for (int64_t u = 0; u < plan->cell_count * reading->trials; u++) {
        const mcbe_cell_t *cell = &plan->cells[u / reading->trials];
        if (reading->done[u] &&
            mcbe_record_set_points(&reading->records[u], reading->store->layout, cell,
                                   (offset[u + 1] - offset[u]) / cell->n, NULL)) {
            return mcbe_store_no_memory(err, reading->path);
        }
    }
    return MCBE_OK;
}

/* Read the values of a column and hand them to the records. @param[in] offset  [units + 1] */
static mcbe_status_t read_values(reading_t *reading, int c, const int64_t *offset,
                                 mcbe_error_t *err)
{
    const mcbe_plan_t *plan = reading->store->plan;
    const mcbe_layout_t *layout = reading->store->layout;
    const mcbe_column_t *column = &layout->columns[c];
    const int64_t units = plan->cell_count * reading->trials;
    const hsize_t flat = (hsize_t)offset[units];
    const hsize_t block[3] = {(hsize_t)plan->cell_count, (hsize_t)reading->trials,
                              (hsize_t)column->length};
    const int ragged = mcbe_store_is_ragged(column);
    const int rank = ragged ? 1 : column->shape == MCBE_SHAPE_SERIES ? 3 : 2;
    hsize_t there = 0;
    mcbe_status_t st = MCBE_OK;
    if (ragged) { /* the offsets of points come from the file: no allocation on their word alone */
        st = mcbe_h5_shape(reading->file, column->path, 1, &there, err);
        if (st == MCBE_OK && there != flat) {
            st = mcbe_fail(
                err, MCBE_ERR_CORRUPT, "'%s': dataset '%s' has %llu values, its offsets say %llu",
                reading->path, column->path, (unsigned long long)there, (unsigned long long)flat);
        }
    }
    if (st == MCBE_OK && column->shape == MCBE_SHAPE_POINTS) {
        st = make_room(reading, offset, err);
    }
    if (st != MCBE_OK) {
        return st;
    }
    int64_t *values = mcbe_alloc((size_t)offset[units], sizeof *values);
    if (!values) {
        return mcbe_store_no_memory(err, reading->path);
    }
    st = mcbe_h5_read(reading->file, column->path, mcbe_store_word_type(column), rank,
                      ragged ? &flat : block, values, err);
    for (int64_t u = 0; u < units && st == MCBE_OK; u++) {
        const int64_t count = offset[u + 1] - offset[u];
        if (reading->done[u] && count > 0) {
            const mcbe_cell_t *cell = &plan->cells[u / reading->trials];
            memcpy(reading->records[u].words + mcbe_layout_offset(layout, c, cell),
                   values + offset[u], (size_t)count * sizeof *values);
        }
    }
    mcbe_free(values);
    return st;
}

/* A number of a column, as it is shown. */
static void show_word(const mcbe_column_t *column, const char *word, char text[32])
{
    double real;
    int64_t whole;
    memcpy(&real, word, sizeof real);
    memcpy(&whole, word, sizeof whole);
    if (column->type == MCBE_COLUMN_F64) {
        snprintf(text, 32, "%.17g", real);
    } else {
        snprintf(text, 32, "%lld", (long long)whole);
    }
}

/* What a series runs over follows from the configuration, and so does every such list. */
static mcbe_status_t check_axis(const reading_t *reading, const mcbe_column_t *column,
                                mcbe_error_t *err)
{
    const hsize_t length = (hsize_t)column->length;
    const size_t word = sizeof(int64_t);
    char *found = mcbe_alloc((size_t)length, word);
    if (!found) {
        return mcbe_store_no_memory(err, reading->path);
    }
    const char *wanted = column->values;
    mcbe_status_t st = mcbe_h5_read(reading->file, column->path, mcbe_store_word_type(column), 1,
                                    &length, found, err);
    for (size_t k = 0; k < length && st == MCBE_OK; k++) {
        if (memcmp(found + k * word, wanted + k * word, word) != 0) {
            char stored[32];
            char due[32];
            show_word(column, found + k * word, stored);
            show_word(column, wanted + k * word, due);
            st = mcbe_fail(err, MCBE_ERR_CORRUPT,
                           "'%s': dataset '%s' has %s at %zu, the configuration says %s",
                           reading->path, column->path, stored, k, due);
        }
    }
    mcbe_free(found);
    return st;
}

static mcbe_status_t read_column(reading_t *reading, int c, mcbe_error_t *err)
{
    const mcbe_layout_t *layout = reading->store->layout;
    const mcbe_column_t *column = &layout->columns[c];
    mcbe_status_t st = MCBE_OK;
    if (column->shape == MCBE_SHAPE_AXIS) {
        return check_axis(reading, column, err);
    }
    int64_t *offset = mcbe_store_offsets(reading->store->plan, reading->trials, column);
    if (!offset) {
        return mcbe_store_no_memory(err, reading->path);
    }
    if (mcbe_store_leads_group(layout, c)) {
        st = read_offsets(reading, column, offset, err);
    }
    if (st == MCBE_OK) {
        st = read_values(reading, c, offset, err);
    }
    mcbe_free(offset);
    return st;
}

static mcbe_status_t read_timing(reading_t *reading, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    const hsize_t dims[2] = {(hsize_t)reading->store->plan->cell_count, (hsize_t)reading->trials};
    size_t units = (size_t)(dims[0] * dims[1]);
    double *seconds = mcbe_alloc(units, sizeof *seconds);
    int64_t *rank = mcbe_alloc(units, sizeof *rank);
    if (!seconds || !rank) {
        st = mcbe_store_no_memory(err, reading->path);
        goto out;
    }
    MCBE_TRY(
        mcbe_h5_read(reading->file, "timing/seconds", H5T_NATIVE_DOUBLE, 2, dims, seconds, err));
    MCBE_TRY(mcbe_h5_read(reading->file, "timing/rank", H5T_NATIVE_INT64, 2, dims, rank, err));
    for (size_t u = 0; u < units; u++) {
        reading->records[u].seconds = seconds[u];
        reading->records[u].rank = rank[u];
    }
out:
    mcbe_free(rank);
    mcbe_free(seconds);
    return st;
}

/* Does the store's configuration ask more of every unit than that of the file? */
static mcbe_status_t compare_demands(reading_t *reading, mcbe_error_t *err)
{
    char *resolved = NULL;
    hid_t config = H5Gopen2(reading->file, "config", H5P_DEFAULT);
    if (config < 0) {
        return mcbe_h5_fail(err, MCBE_ERR_CORRUPT, "'%s' lacks the group 'config'", reading->path);
    }
    mcbe_status_t st = mcbe_h5_get_text(config, "resolved", &resolved, err);
    if (st == MCBE_OK) {
        reading->earlier = mcbe_config_asks_more(resolved, reading->store->config_resolved, NULL);
    }
    mcbe_free(resolved);
    H5Gclose(config);
    return st;
}

/* Find out the file's number of trials, which bounds all that is read from here on. */
static mcbe_status_t start_reading(reading_t *reading, mcbe_error_t *err)
{
    const mcbe_plan_t *plan = reading->store->plan;
    int64_t cells = 0, trials = 0;
    mcbe_status_t st = read_extent(reading->file, &cells, &trials, err);
    if (st) {
        return st;
    }
    if (cells != plan->cell_count || trials < 0 || trials > plan->trials) {
        return mcbe_fail(err, MCBE_ERR_CORRUPT,
                         "'%s': dataset 'cells/done' has %lld cells with %lld trials, the "
                         "configuration has %lld with %lld",
                         reading->path, (long long)cells, (long long)trials,
                         (long long)plan->cell_count, (long long)plan->trials);
    }
    size_t units = (size_t)(cells * trials);
    reading->trials = trials;
    reading->done = mcbe_alloc(units, sizeof *reading->done);
    reading->records = mcbe_alloc(units, sizeof *reading->records);
    if (!reading->done || !reading->records) {
        return mcbe_store_no_memory(err, reading->path);
    }
    return MCBE_OK;
}

static void end_reading(reading_t *reading)
{
    int64_t units = reading->store->plan->cell_count * reading->trials;
    for (int64_t u = 0; reading->records && u < units; u++) {
        mcbe_record_free(&reading->records[u]);
    }
    mcbe_free(reading->records);
    mcbe_free(reading->done);
}

mcbe_status_t mcbe_store_read(mcbe_store_t *store, const char *path, mcbe_error_t *err)
{
    reading_t reading = {.store = store, .file = -1, .path = path};
    mcbe_status_t st = mcbe_store_open(path, &reading.file, err);
    if (st) {
        return st;
    }
    MCBE_TRY(compare_demands(&reading, err));
    MCBE_TRY(start_reading(&reading, err));
    MCBE_TRY(check_cells(&reading, err));
    MCBE_TRY(read_done(&reading, err));
    for (int c = 0; c < store->layout->count; c++) {
        MCBE_TRY(read_column(&reading, c, err));
    }
    MCBE_TRY(read_timing(&reading, err));
    for (int64_t u = 0; u < store->plan->cell_count * reading.trials; u++) {
        if (reading.done[u]) {
            reading.records[u].earlier = reading.earlier;
            MCBE_TRY(mcbe_store_put(store, &reading.records[u], err));
        }
    }
out:
    end_reading(&reading);
    H5Fclose(reading.file);
    return st;
}
