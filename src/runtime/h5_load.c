#include <string.h>

#include "check.h"
#include "h5.h"
#include "memory.h"

/* Numbers a dataset may hold: a chunked one can claim any size without taking it. */
#define ELEMENTS_MAX ((int64_t)1 << 31)

/* Sizes of an open dataset of real numbers or integers with one or two dimensions. */
static mcbe_status_t examine(hid_t dataset, const char *path, const char *name, int64_t *rows,
                             int64_t *columns, mcbe_error_t *err)
{
    hsize_t dims[2] = {0, 0};
    const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    const H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    const int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    mcbe_status_t st = MCBE_OK;
    if (class != H5T_FLOAT && class != H5T_INTEGER) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s': the dataset '%s' does not hold numbers; real numbers or integers are "
                       "needed",
                       path, name);
    } else if (rank < 1 || rank > 2 || H5Sget_simple_extent_dims(space, dims, NULL) < 0) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s': the dataset '%s' has %d dimensions; a matrix or a vector is needed",
                       path, name, rank);
    } else {
        const hsize_t second = rank == 2 ? dims[1] : 1;
        if (dims[0] < 1 || second < 1 || dims[0] > (hsize_t)ELEMENTS_MAX / second) {
            st = mcbe_fail(err, MCBE_ERR_DATA,
                           "'%s': the dataset '%s' is of %llu x %llu numbers; 1 to %lld in all can "
                           "be read",
                           path, name, (unsigned long long)dims[0], (unsigned long long)second,
                           (long long)ELEMENTS_MAX);
        }
        *rows = (int64_t)dims[0];
        *columns = rank == 2 ? (int64_t)dims[1] : 0;
    }
    if (space >= 0) {
        H5Sclose(space);
    }
    if (type >= 0) {
        H5Tclose(type);
    }
    return st;
}

mcbe_status_t mcbe_h5_load(mcbe_npy_t *array, const char *path, const char *dataset,
                           mcbe_error_t *err)
{
    hid_t file = -1, opened = -1;
    int64_t rows = 0, columns = 0;
    mcbe_status_t st;
    memset(array, 0, sizeof *array);
    MCBE_TRY(mcbe_h5_open(path, &file, err));
    opened = H5Dopen2(file, dataset, H5P_DEFAULT);
    if (opened < 0) {
        st = mcbe_h5_fail(err, MCBE_ERR_DATA, "'%s' lacks the dataset '%s'", path, dataset);
        goto out;
    }
    MCBE_TRY(examine(opened, path, dataset, &rows, &columns, err));
    array->values = mcbe_alloc((size_t)(rows * (columns > 0 ? columns : 1)), sizeof(double));
    if (!array->values) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    if (H5Dread(opened, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->values) < 0) {
        st = mcbe_h5_fail(err, MCBE_ERR_DATA, "'%s': the dataset '%s' cannot be read", path,
                          dataset);
        goto out;
    }
    array->rows = rows;
    array->columns = columns;
out:
    if (opened >= 0) {
        H5Dclose(opened);
    }
    if (file >= 0) {
        H5Fclose(file);
    }
    if (st != MCBE_OK) {
        mcbe_npy_free(array);
    }
    return st;
}
