#include "store_internal.h"

#include <string.h>

#include "check.h"
#include "config.h"
#include "memory.h"

/* Bytes of a dataset that are read at a time. */
#define SLAB_BYTES ((hsize_t)8 << 20)
#define MAX_RANK 8

/* Walks over all links of a file. */
typedef struct walk {
    const char *path;
    mcbe_error_t *err;
    mcbe_status_t st;
} walk_t;

static mcbe_status_t unreadable(const walk_t *walk, const char *name)
{
    return mcbe_h5_fail(walk->err, MCBE_ERR_CORRUPT, "'%s': dataset '%s' cannot be read",
                        walk->path, name);
}

/* Read all of a dataset, some rows at a time, for the sake of its checksums. */
static mcbe_status_t read_through(const walk_t *walk, hid_t dataset, const char *name)
{
    mcbe_status_t st = MCBE_OK;
    hid_t space = -1, part = -1, type = H5Dget_type(dataset);
    void *buffer = NULL;
    hsize_t dims[MAX_RANK] = {0}, first[MAX_RANK] = {0}, count[MAX_RANK] = {0};
    space = H5Dget_space(dataset);
    int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    if (type < 0 || rank < 1 || rank > MAX_RANK ||
        H5Sget_simple_extent_dims(space, dims, NULL) < 0) {
        st = unreadable(walk, name);
        goto out;
    }
    hsize_t row = H5Tget_size(type);
    for (int k = 1; k < rank; k++) {
        if (dims[k] > 0 && row > SIZE_MAX / dims[k]) {
            st = mcbe_store_no_memory(walk->err, walk->path);
            goto out;
        }
        row *= dims[k];
    }
    hsize_t rows = row < SLAB_BYTES ? SLAB_BYTES / (row > 0 ? row : 1) : 1;
    rows = rows < dims[0] ? rows : dims[0];
    buffer = mcbe_alloc((size_t)rows, (size_t)row);
    if (!buffer) {
        st = mcbe_store_no_memory(walk->err, walk->path);
        goto out;
    }
    memcpy(count, dims, sizeof count);
    for (; first[0] < dims[0]; first[0] += count[0]) {
        count[0] = dims[0] - first[0] < rows ? dims[0] - first[0] : rows;
        part = H5Screate_simple(rank, count, NULL);
        if (part < 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, first, NULL, count, NULL) < 0 ||
            H5Dread(dataset, type, part, space, H5P_DEFAULT, buffer) < 0) {
            st = unreadable(walk, name);
            goto out;
        }
        H5Sclose(part);
        part = -1;
    }
out:
    mcbe_free(buffer);
    if (part >= 0) {
        H5Sclose(part);
    }
    if (space >= 0) {
        H5Sclose(space);
    }
    if (type >= 0) {
        H5Tclose(type);
    }
    return st;
}

static mcbe_status_t check_dataset(const walk_t *walk, hid_t dataset, const char *name)
{
    static const char *const attributes[] = {"description", "units", "axes"};
    for (size_t k = 0; k < sizeof attributes / sizeof *attributes; k++) {
        char *text = NULL;
        mcbe_status_t st = mcbe_h5_get_text(dataset, attributes[k], &text, NULL);
        mcbe_free(text);
        if (st) {
            return mcbe_fail(walk->err, st, "'%s': dataset '%s' lacks the attribute '%s'",
                             walk->path, name, attributes[k]);
        }
    }
    return read_through(walk, dataset, name);
}

static herr_t visit_link(hid_t root, const char *name, const H5L_info_t *info, void *context)
{
    walk_t *walk = context;
    if (info->type != H5L_TYPE_HARD) {
        return 0;
    }
    hid_t object = H5Oopen(root, name, H5P_DEFAULT);
    if (object < 0) {
        walk->st = mcbe_h5_fail(walk->err, MCBE_ERR_CORRUPT, "'%s': object '%s' cannot be read",
                                walk->path, name);
        return -1;
    }
    if (H5Iget_type(object) == H5I_DATASET) {
        walk->st = check_dataset(walk, object, name);
    }
    H5Oclose(object);
    return walk->st ? -1 : 0;
}

static mcbe_status_t check_datasets(hid_t file, const char *path, mcbe_error_t *err)
{
    walk_t walk = {.path = path, .err = err};
    if (H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, visit_link, &walk) < 0 && !walk.st) {
        walk.st = mcbe_h5_fail(err, MCBE_ERR_CORRUPT, "'%s' cannot be read through", path);
    }
    return walk.st;
}

static mcbe_status_t disagree(mcbe_error_t *err, const char *path, const char *what, int64_t found,
                              int64_t expected)
{
    return mcbe_fail(err, MCBE_ERR_CORRUPT, "'%s': %s is %lld, the records say %lld", path, what,
                     (long long)found, (long long)expected);
}

static mcbe_status_t check_root(const mcbe_store_t *read, const mcbe_store_info_t *info,
                                const char *path, mcbe_error_t *err)
{
    int64_t units = mcbe_plan_units(read->plan);
    char fingerprint[65];
    mcbe_config_fingerprint(info->config_resolved, fingerprint);
    if (strcmp(fingerprint, info->fingerprint) != 0) {
        return mcbe_fail(err, MCBE_ERR_CORRUPT,
                         "'%s': the attribute 'config_fingerprint' is %.64s, that of the listing "
                         "in '/config' is %s",
                         path, info->fingerprint, fingerprint);
    }
    if (strcmp(info->experiment, read->experiment) != 0) {
        return mcbe_fail(err, MCBE_ERR_CORRUPT,
                         "'%s': the attribute 'experiment' is '%s', its configuration says '%s'",
                         path, info->experiment, read->experiment);
    }
    if (info->seed != read->seed) {
        return mcbe_fail(err, MCBE_ERR_CORRUPT,
                         "'%s': the attribute 'seed' is %lld, its configuration says %lld", path,
                         (long long)info->seed, (long long)read->seed);
    }
    if (info->units != units) {
        return disagree(err, path, "the attribute 'units'", info->units, units);
    }
    if (info->units_done != read->done_count) {
        return disagree(err, path, "the attribute 'units_done'", info->units_done,
                        read->done_count);
    }
    if (info->complete != (read->done_count == read->own_count)) {
        return disagree(err, path, "the attribute 'complete'", info->complete,
                        read->done_count == read->own_count);
    }
    return MCBE_OK;
}

static mcbe_status_t check_derived(const mcbe_store_t *read, hid_t file, const char *path,
                                   mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    const mcbe_plan_t *plan = read->plan;
    const hsize_t count = (hsize_t)plan->cell_count;
    int64_t *finished = mcbe_alloc((size_t)count, sizeof *finished);
    double *redundancy = mcbe_alloc((size_t)count, sizeof *redundancy);
    if (!finished || !redundancy) {
        st = mcbe_store_no_memory(err, path);
        goto out;
    }
    MCBE_TRY(mcbe_h5_read(file, "cells/trials_done", H5T_NATIVE_INT64, 1, &count, finished, err));
    MCBE_TRY(mcbe_h5_read(file, "cells/redundancy", H5T_NATIVE_DOUBLE, 1, &count, redundancy, err));
    for (int64_t c = 0; c < plan->cell_count; c++) {
        int64_t expected = 0;
        double ratio = (double)plan->cells[c].m / (double)plan->cells[c].n;
        for (int64_t t = 0; t < plan->trials; t++) {
            expected += mcbe_store_get(read, c, t) != NULL;
        }
        if (finished[c] != expected) {
            st = mcbe_fail(err, MCBE_ERR_CORRUPT,
                           "'%s': dataset 'cells/trials_done' has %lld for cell %lld, the records "
                           "say %lld",
                           path, (long long)finished[c], (long long)c, (long long)expected);
            goto out;
        }
        if (!(redundancy[c] == ratio)) {
            st = mcbe_fail(err, MCBE_ERR_CORRUPT,
                           "'%s': dataset 'cells/redundancy' has %.17g for cell %lld, m / n is "
                           "%.17g",
                           path, redundancy[c], (long long)c, ratio);
            goto out;
        }
    }
out:
    mcbe_free(redundancy);
    mcbe_free(finished);
    return st;
}

mcbe_status_t mcbe_store_check(const mcbe_store_t *store, const char *path, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    hid_t file = -1;
    mcbe_store_t *read = NULL;
    mcbe_store_info_t info = {0};
    MCBE_TRY(mcbe_store_peek(path, &info, err));
    MCBE_TRY(mcbe_store_open(path, &file, err));
    MCBE_TRY(check_datasets(file, path, err));
    if (info.trials != store->plan->trials) {
        st = mcbe_fail(err, MCBE_ERR_CORRUPT,
                       "'%s': dataset 'cells/done' has %lld trials, its configuration says %lld",
                       path, (long long)info.trials, (long long)store->plan->trials);
        goto out;
    }
    if (mcbe_store_create(&read, store->experiment, store->seed, store->plan, store->layout,
                          store->config_text, store->config_resolved) ||
        mcbe_store_restrict(read, info.shard)) {
        st = mcbe_store_no_memory(err, path);
        goto out;
    }
    MCBE_TRY(mcbe_store_read(read, path, err));
    MCBE_TRY(check_root(read, &info, path, err));
    MCBE_TRY(check_derived(read, file, path, err));
out:
    mcbe_store_destroy(&read);
    if (file >= 0) {
        H5Fclose(file);
    }
    mcbe_store_info_free(&info);
    return st;
}
