#include "h5_points.h"

#include <string.h>

#include "check.h"
#include "h5.h"
#include "mcbe/frame.h"
#include "memory.h"

#define RANK_MAX 8

/* Where the dataset's name begins in "FILE.h5:/points". */
static const char *dataset_in(const char *name)
{
    const char *colon = strstr(name, ":/");
    return colon && colon > name ? colon + 1 : NULL;
}

mcbe_status_t mcbe_h5_points_file(const char *name, char **file)
{
    const char *dataset = dataset_in(name);
    *file = NULL;
    if (dataset) {
        *file = mcbe_strdup(name);
        if (!*file) {
            return MCBE_ERR_NOMEM;
        }
        (*file)[dataset - 1 - name] = '\0';
    }
    return MCBE_OK;
}

/* Rows and features of an open dataset. */
static mcbe_status_t shape_of(hid_t dataset, const char *name, int64_t *count, int *n,
                              mcbe_error_t *err)
{
    hsize_t dims[RANK_MAX] = {0};
    hsize_t features = 1;
    const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    const H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    const int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    const int known =
        rank >= 2 && rank <= RANK_MAX && H5Sget_simple_extent_dims(space, dims, NULL) >= 0;
    for (int d = 1; d < rank && known && features <= MCBE_MAX_N; d++) {
        features = dims[d] > MCBE_MAX_N ? MCBE_MAX_N + 1 : features * dims[d];
    }
    if (space >= 0) {
        H5Sclose(space);
    }
    if (type >= 0) {
        H5Tclose(type);
    }
    if (class != H5T_FLOAT && class != H5T_INTEGER) {
        return mcbe_fail(err, MCBE_ERR_DATA, "'%s' does not hold numbers", name);
    }
    if (!known) {
        return mcbe_fail(
            err, MCBE_ERR_DATA,
            "'%s' has %d dimensions; points need 2 to %d: their number, then what makes "
            "up a point",
            name, rank, RANK_MAX);
    }
    if (features < 1 || features > MCBE_MAX_N || dims[0] < 1 ||
        dims[0] > (hsize_t)MCBE_DATA_VALUES_MAX / features) {
        return mcbe_fail(
            err, MCBE_ERR_DATA,
            "'%s' has %llu points of %llu features or more; 1 to %d features and at most "
            "%lld values in all are allowed",
            name, (unsigned long long)dims[0], (unsigned long long)features, MCBE_MAX_N,
            (long long)MCBE_DATA_VALUES_MAX);
    }
    *count = (int64_t)dims[0];
    *n = (int)features;
    return MCBE_OK;
}

mcbe_status_t mcbe_h5_points_read(mcbe_dataset_t *data, const char *name, mcbe_error_t *err)
{
    hid_t file = -1, dataset = -1;
    char *path = NULL;
    int64_t count = 0;
    int n = 0;
    mcbe_status_t st;
    memset(data, 0, sizeof *data);
    MCBE_TRY(mcbe_h5_points_file(name, &path));
    MCBE_TRY(mcbe_h5_open(path, &file, err));
    dataset = H5Dopen2(file, dataset_in(name), H5P_DEFAULT);
    if (dataset < 0) {
        st =
            mcbe_h5_fail(err, MCBE_ERR_DATA, "'%s' lacks the dataset '%s'", path, dataset_in(name));
        goto out;
    }
    MCBE_TRY(shape_of(dataset, name, &count, &n, err));
    MCBE_TRY(mcbe_dataset_create(data, count, n, err));
    if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data->x) < 0) {
        st = mcbe_h5_fail(err, MCBE_ERR_CORRUPT, "'%s' cannot be read", name);
        goto out;
    }
    st = mcbe_dataset_check(data, name, err);
out:
    if (dataset >= 0) {
        H5Dclose(dataset);
    }
    if (file >= 0) {
        H5Fclose(file);
    }
    mcbe_free(path);
    if (st != MCBE_OK) {
        mcbe_dataset_free(data);
    }
    return st;
}
