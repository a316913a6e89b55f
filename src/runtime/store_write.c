#include "store_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "file.h"
#include "mcbe/version.h"
#include "mcbe_git_version.h"
#include "memory.h"

/* The quiet NaN every missing double shows, always the same bits. */
#define MISSING_F64 INT64_C(0x7ff8000000000000)

static hid_t stored_type(const mcbe_column_t *column)
{
    switch (column->type) {
    case MCBE_COLUMN_I64:
        return H5T_STD_I64LE;
    case MCBE_COLUMN_I32:
        return H5T_STD_I32LE;
    case MCBE_COLUMN_I8:
        return H5T_STD_I8LE;
    case MCBE_COLUMN_F64:
        break;
    }
    return H5T_IEEE_F64LE;
}

static mcbe_status_t write_root(const mcbe_store_t *store, hid_t file,
                                const mcbe_provenance_t *provenance, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    const int version[2] = {MCBE_STORE_MAJOR, MCBE_STORE_MINOR};
    const char *command_line = mcbe_provenance_get(provenance, "command_line");
    int64_t units = mcbe_plan_units(store->plan);
    char now[21];
    mcbe_clock_utc(now);
    MCBE_TRY(mcbe_h5_put_text(file, "filetype", STORE_FILETYPE, err));
    MCBE_TRY(mcbe_h5_put_ints(file, "version", 2, version, err));
    MCBE_TRY(mcbe_h5_put_text(file, "experiment", store->experiment, err));
    MCBE_TRY(mcbe_h5_put_text(file, "mcbe_version", MCBE_VERSION, err));
    MCBE_TRY(mcbe_h5_put_text(file, "git_sha1", MCBE_GIT_SHA1, err));
    MCBE_TRY(mcbe_h5_put_i64(file, "git_dirty", MCBE_GIT_DIRTY, err));
    MCBE_TRY(mcbe_h5_put_text(file, "created_utc", now, err));
    MCBE_TRY(mcbe_h5_put_text(file, "command_line", command_line ? command_line : "", err));
    MCBE_TRY(mcbe_h5_put_text(file, "config_fingerprint", store->fingerprint, err));
    MCBE_TRY(mcbe_h5_put_i64(file, "seed", store->seed, err));
    MCBE_TRY(mcbe_h5_put_i64(file, "complete", store->done_count == store->own_count, err));
    MCBE_TRY(mcbe_h5_put_i64(file, "shard", store->shard.index, err));
    MCBE_TRY(mcbe_h5_put_i64(file, "shard_count", store->shard.count, err));
    MCBE_TRY(mcbe_h5_put_i64(file, "units", units, err));
    MCBE_TRY(mcbe_h5_put_i64(file, "units_done", store->done_count, err));
out:
    return st;
}

static mcbe_status_t write_config(const mcbe_store_t *store, hid_t file, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    hid_t group = H5Gcreate2(file, "config", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) {
        return mcbe_h5_fail(err, MCBE_ERR_IO, "cannot build the group 'config'");
    }
    MCBE_TRY(mcbe_h5_put_text(group, "text", store->config_text, err));
    MCBE_TRY(mcbe_h5_put_text(group, "resolved", store->config_resolved, err));
out:
    H5Gclose(group);
    return st;
}

static mcbe_status_t write_cells(const mcbe_store_t *store, hid_t file, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    const mcbe_plan_t *plan = store->plan;
    const hsize_t dims[2] = {(hsize_t)plan->cell_count, (hsize_t)plan->trials};
    size_t count = (size_t)plan->cell_count;
    int64_t *n = mcbe_alloc(count, sizeof *n), *m = mcbe_alloc(count, sizeof *m);
    int64_t *finished = mcbe_alloc(count, sizeof *finished);
    double *redundancy = mcbe_alloc(count, sizeof *redundancy);
    if (!n || !m || !finished || !redundancy) {
        st = mcbe_store_no_memory(err, "cells");
        goto out;
    }
    for (size_t c = 0; c < count; c++) {
        n[c] = plan->cells[c].n;
        m[c] = plan->cells[c].m;
        redundancy[c] = (double)m[c] / (double)n[c];
        for (int64_t t = 0; t < plan->trials; t++) {
            finished[c] += store->done[mcbe_plan_unit(plan, (int64_t)c, t)];
        }
    }
    MCBE_TRY(mcbe_h5_write(file, "cells/n", H5T_NATIVE_INT64, H5T_STD_I64LE, 1, dims, n,
                           "input dimension", "1", "cell", err));
    MCBE_TRY(mcbe_h5_write(file, "cells/m", H5T_NATIVE_INT64, H5T_STD_I64LE, 1, dims, m,
                           "rows of the weight matrix", "1", "cell", err));
    MCBE_TRY(mcbe_h5_write(file, "cells/redundancy", H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE, 1, dims,
                           redundancy, "m / n", "1", "cell", err));
    MCBE_TRY(mcbe_h5_write(file, "cells/trials_done", H5T_NATIVE_INT64, H5T_STD_I64LE, 1, dims,
                           finished, "number of finished trials", "1", "cell", err));
    MCBE_TRY(mcbe_h5_write(file, "cells/done", H5T_NATIVE_UCHAR, H5T_STD_I8LE, 2, dims, store->done,
                           "1 where the unit is finished, 0 where its values are missing", "1",
                           "cell, trial", err));
out:
    mcbe_free(redundancy);
    mcbe_free(finished);
    mcbe_free(m);
    mcbe_free(n);
    return st;
}

/* Where the values of each unit start in a column's dataset: owned by the caller, [units + 1]. */
static int64_t *offsets_of(const mcbe_store_t *store, const mcbe_column_t *column)
{
    const mcbe_plan_t *plan = store->plan;
    int64_t *offset = mcbe_store_offsets(plan, plan->trials, column);
    for (int64_t u = 0; offset && column->shape == MCBE_SHAPE_POINTS && u < mcbe_plan_units(plan);
         u++) {
        const mcbe_cell_t *cell = &plan->cells[u / plan->trials];
        const int64_t values =
            store->done[u] ? store->records[u].word_count - mcbe_layout_words(store->layout, cell)
                           : 0;
        offset[u + 1] = offset[u] + values;
    }
    return offset;
}

/* Copy a column out of all records; units that are not done get the sign for missing. */
static void fill_column(const mcbe_store_t *store, int c, const int64_t *offset, int64_t *to)
{
    const mcbe_column_t *column = &store->layout->columns[c];
    const mcbe_plan_t *plan = store->plan;
    for (int64_t u = 0; u < mcbe_plan_units(plan); u++) {
        const int64_t from =
            mcbe_layout_offset(store->layout, c, &plan->cells[u / plan->trials]) - offset[u];
        for (int64_t k = offset[u]; k < offset[u + 1]; k++) {
            to[k] = store->done[u]                    ? store->records[u].words[from + k]
                    : column->type == MCBE_COLUMN_F64 ? MISSING_F64
                                                      : -1;
        }
    }
}

static mcbe_status_t write_offsets(const mcbe_column_t *column, hid_t file, int64_t units,
                                   const int64_t *offset, mcbe_error_t *err)
{
    const hsize_t length = (hsize_t)units + 1;
    char *path = mcbe_store_offset_path(column);
    if (!path) {
        return mcbe_store_no_memory(err, column->path);
    }
    mcbe_status_t st = mcbe_h5_write(
        file, path, H5T_NATIVE_INT64, H5T_STD_I64LE, 1, &length, offset,
        "where the values of unit cell * trials + trial start in the datasets of this group", "1",
        "unit", err);
    mcbe_free(path);
    return st;
}

static const char *axes_of(const mcbe_column_t *column, char *text, size_t size)
{
    switch (column->shape) {
    case MCBE_SHAPE_SCALAR:
        return "cell, trial";
    case MCBE_SHAPE_SERIES:
        snprintf(text, size, "cell, trial, %s", column->series);
        return text;
    case MCBE_SHAPE_AXIS:
        return column->series;
    case MCBE_SHAPE_ROWS:
        return "row";
    case MCBE_SHAPE_COORDINATES:
        return "coordinate";
    case MCBE_SHAPE_POINTS:
        break;
    }
    return "coordinate of point";
}

/* The dataset of one column. @param[in] offset  [units + 1] */
static mcbe_status_t write_column(const mcbe_store_t *store, int c, const int64_t *offset,
                                  hid_t file, mcbe_error_t *err)
{
    const mcbe_plan_t *plan = store->plan;
    const mcbe_column_t *column = &store->layout->columns[c];
    const int64_t count = offset[mcbe_plan_units(plan)];
    const hsize_t flat = (hsize_t)count;
    const hsize_t block[3] = {(hsize_t)plan->cell_count, (hsize_t)plan->trials,
                              (hsize_t)column->length};
    const int ragged = mcbe_store_is_ragged(column);
    const int rank = ragged ? 1 : column->shape == MCBE_SHAPE_SERIES ? 3 : 2;
    char axes[64];
    int64_t *values = mcbe_alloc((size_t)count, sizeof *values);
    if (!values) {
        return mcbe_store_no_memory(err, column->path);
    }
    fill_column(store, c, offset, values);
    mcbe_status_t st =
        mcbe_h5_write(file, column->path, mcbe_store_word_type(column), stored_type(column), rank,
                      ragged ? &flat : block, values, column->description, column->units,
                      axes_of(column, axes, sizeof axes), err);
    mcbe_free(values);
    if (st == MCBE_OK && column->approximate) {
        st = mcbe_h5_put_dataset_i64(file, column->path, "canonical", 0, err);
    }
    return st;
}

static mcbe_status_t write_axis(const mcbe_column_t *column, hid_t file, mcbe_error_t *err)
{
    const hsize_t length = (hsize_t)column->length;
    return mcbe_h5_write(file, column->path, mcbe_store_word_type(column), stored_type(column), 1,
                         &length, column->values, column->description, column->units,
                         column->series, err);
}

static mcbe_status_t write_columns(const mcbe_store_t *store, hid_t file, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    const mcbe_layout_t *layout = store->layout;
    for (int c = 0; c < layout->count && st == MCBE_OK; c++) {
        const mcbe_column_t *column = &layout->columns[c];
        if (column->shape == MCBE_SHAPE_AXIS) {
            st = write_axis(column, file, err);
            continue;
        }
        int64_t *offset = offsets_of(store, column);
        if (!offset) {
            return mcbe_store_no_memory(err, column->path);
        }
        if (mcbe_store_leads_group(layout, c)) {
            st = write_offsets(column, file, mcbe_plan_units(store->plan), offset, err);
        }
        if (st == MCBE_OK) {
            st = write_column(store, c, offset, file, err);
        }
        mcbe_free(offset);
    }
    return st;
}

static mcbe_status_t write_timing(const mcbe_store_t *store, hid_t file, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    const mcbe_plan_t *plan = store->plan;
    const hsize_t dims[2] = {(hsize_t)plan->cell_count, (hsize_t)plan->trials};
    size_t units = (size_t)mcbe_plan_units(plan);
    double *seconds = mcbe_alloc(units, sizeof *seconds);
    int64_t *rank = mcbe_alloc(units, sizeof *rank);
    if (!seconds || !rank) {
        st = mcbe_store_no_memory(err, "timing");
        goto out;
    }
    for (size_t u = 0; u < units; u++) {
        seconds[u] = store->done[u] ? store->records[u].seconds : (double)NAN;
        rank[u] = store->done[u] ? store->records[u].rank : -1;
    }
    MCBE_TRY(mcbe_h5_write(file, "timing/seconds", H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE, 2, dims,
                           seconds, "wall time of the unit; differs from run to run", "s",
                           "cell, trial", err));
    MCBE_TRY(mcbe_h5_write(file, "timing/rank", H5T_NATIVE_INT64, H5T_STD_I64LE, 2, dims, rank,
                           "first rank of the group that computed the unit; differs from run to "
                           "run",
                           "1", "cell, trial", err));
out:
    mcbe_free(rank);
    mcbe_free(seconds);
    return st;
}

/* The whole file as it is to stand on the disk. @param[out] image  owned by the caller */
static mcbe_status_t build(const mcbe_store_t *store, const char *path,
                           const mcbe_provenance_t *provenance, void **image, size_t *bytes,
                           mcbe_error_t *err)
{
    hid_t file = -1;
    mcbe_status_t st = mcbe_h5_create(path, &file, err);
    if (st) {
        return st;
    }
    MCBE_TRY(write_root(store, file, provenance, err));
    MCBE_TRY(write_config(store, file, err));
    MCBE_TRY(write_cells(store, file, err));
    MCBE_TRY(write_columns(store, file, err));
    MCBE_TRY(write_timing(store, file, err));
    MCBE_TRY(mcbe_store_write_provenance(file, provenance, err));
    MCBE_TRY(mcbe_h5_image(file, image, bytes, err));
out:
    H5Fclose(file);
    return st;
}

/* Write a new file and make it durable. @return 0, or the errno value */
static int write_durably(const char *path, const void *data, size_t bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return errno;
    }
    int problem = mcbe_file_write(fd, data, bytes, 0);
    if (problem == 0 && fsync(fd) != 0) {
        problem = errno;
    }
    /* some network file systems tell of a full disk only here */
    if (close(fd) != 0 && problem == 0) {
        problem = errno;
    }
    return problem;
}

/* Give the file at `path`, if there is one, the second name `previous`. There is always a whole
 * file at `path`, but where the file system has no hard links. @return 0, or the errno value */
static int keep(const char *path, const char *previous)
{
    if (unlink(previous) != 0 && errno != ENOENT) {
        return errno;
    }
    int bad = link(path, previous);
    if (bad && errno == EEXIST && mcbe_file_same(path, previous)) {
        return 0; /* NFS repeated the request, since its answer was lost */
    }
    if (bad && (errno == EPERM || errno == ENOTSUP || errno == ENOSYS || errno == EMLINK)) {
        bad = rename(path, previous);
    }
    return bad && errno != ENOENT ? errno : 0;
}

mcbe_status_t mcbe_store_commit(const mcbe_store_t *store, const char *path,
                                const mcbe_provenance_t *provenance, int keep_previous,
                                mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    int problem = 0;
    void *image = NULL;
    size_t bytes = 0;
    const char *failed = path;
    char *temporary = mcbe_file_temporary(path);
    char *previous = mcbe_file_suffixed(path, ".prev");
    if (!temporary || !previous) {
        st = mcbe_store_no_memory(err, path);
        goto out;
    }
    MCBE_TRY(build(store, path, provenance, &image, &bytes, err));
    problem = write_durably(temporary, image, bytes);
    if (problem) {
        failed = temporary;
    } else if (keep_previous && (problem = keep(path, previous)) != 0) {
        failed = previous;
    } else if ((problem = mcbe_file_rename(temporary, path)) != 0) {
        if (keep_previous && access(path, F_OK) != 0 && rename(previous, path) != 0) {
            failed = previous; /* without hard links the old file has moved there, and stays */
        }
    } else {
        problem = mcbe_file_sync_folder(path);
    }
    if (problem) {
        unlink(temporary);
        st = mcbe_fail(err, problem == ENOMEM ? MCBE_ERR_NOMEM : MCBE_ERR_IO,
                       "cannot write '%s': %s; what is finished is kept in '%s.journal'", failed,
                       strerror(problem), path);
    }
out:
    mcbe_free(image);
    mcbe_free(previous);
    mcbe_free(temporary);
    return st;
}
