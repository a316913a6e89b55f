#include "h5_numbers.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "h5.h"
#include "mcbe/frame.h"
#include "memory.h"

/* Numbers that are read: a chunked dataset can claim any size without taking it. */
#define ELEMENTS_MAX ((int64_t)1 << 31)

#define RANK_MAX 8

/* An open dataset of real numbers or integers. */
typedef struct numbers {
    const char *path, *name; /* of the file and the dataset in it; borrowed */
    hid_t file, dataset;     /* owned */
    int rank;                /* 1 to RANK_MAX */
    hsize_t dims[RANK_MAX];
} numbers_t;

static mcbe_status_t examine(numbers_t *numbers, mcbe_error_t *err)
{
    const hid_t type = H5Dget_type(numbers->dataset), space = H5Dget_space(numbers->dataset);
    const H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    mcbe_status_t st = MCBE_OK;
    numbers->rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    if (class != H5T_FLOAT && class != H5T_INTEGER) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s': the dataset '%s' does not hold numbers; real numbers or integers are "
                       "needed",
                       numbers->path, numbers->name);
    } else if (numbers->rank < 1 || numbers->rank > RANK_MAX ||
               H5Sget_simple_extent_dims(space, numbers->dims, NULL) < 0) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s': the dataset '%s' has %d dimensions; 1 to %d can be read",
                       numbers->path, numbers->name, numbers->rank, RANK_MAX);
    }
    if (space >= 0) {
        H5Sclose(space);
    }
    if (type >= 0) {
        H5Tclose(type);
    }
    return st;
}

/* To be closed whatever the result. */
static mcbe_status_t open_numbers(numbers_t *numbers, const char *path, const char *name,
                                  mcbe_error_t *err)
{
    mcbe_status_t st;
    *numbers = (numbers_t){.path = path, .name = name, .file = -1, .dataset = -1};
    MCBE_TRY(mcbe_h5_open(path, &numbers->file, err));
    numbers->dataset = H5Dopen2(numbers->file, name, H5P_DEFAULT);
    st = numbers->dataset < 0
             ? mcbe_h5_fail(err, MCBE_ERR_DATA, "'%s' lacks the dataset '%s'", path, name)
             : examine(numbers, err);
out:
    return st;
}

/* All of them, as numbers of this type. */
static mcbe_status_t read_numbers(const numbers_t *numbers, hid_t type, void *out,
                                  mcbe_error_t *err)
{
    return H5Dread(numbers->dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0
               ? MCBE_OK
               : mcbe_h5_fail(err, MCBE_ERR_CORRUPT, "'%s': the dataset '%s' cannot be read",
                              numbers->path, numbers->name);
}

static void close_numbers(numbers_t *numbers)
{
    if (numbers->dataset >= 0) {
        H5Dclose(numbers->dataset);
    }
    if (numbers->file >= 0) {
        H5Fclose(numbers->file);
    }
}

/* --- a matrix, a stack of matrices or a vector --- */

static mcbe_status_t check_matrix(const numbers_t *numbers, mcbe_error_t *err)
{
    char shape[96] = "";
    int used = 0, fits = 1;
    hsize_t left = (hsize_t)ELEMENTS_MAX;
    if (numbers->rank > 3) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s': the dataset '%s' has %d dimensions; a matrix, a stack of matrices "
                         "or a vector is needed",
                         numbers->path, numbers->name, numbers->rank);
    }
    for (int d = 0; d < numbers->rank; d++) {
        const hsize_t size = numbers->dims[d];
        used += snprintf(shape + used, sizeof shape - (size_t)used, "%s%llu", d ? " x " : "",
                         (unsigned long long)size);
        fits = fits && size >= 1 && size <= left;
        left = fits ? left / size : 0;
    }
    return fits ? MCBE_OK
                : mcbe_fail(err, MCBE_ERR_DATA,
                            "'%s': the dataset '%s' is of %s numbers; 1 to %lld in all can be read",
                            numbers->path, numbers->name, shape, (long long)ELEMENTS_MAX);
}

mcbe_status_t mcbe_h5_load(mcbe_npy_t *array, const char *path, const char *dataset,
                           mcbe_error_t *err)
{
    numbers_t numbers;
    mcbe_status_t st;
    memset(array, 0, sizeof *array);
    MCBE_TRY(open_numbers(&numbers, path, dataset, err));
    MCBE_TRY(check_matrix(&numbers, err));
    const hsize_t *dims = numbers.dims + (numbers.rank > 2); /* of one matrix */
    array->count = numbers.rank > 2 ? (int64_t)numbers.dims[0] : 0;
    array->rows = (int64_t)dims[0];
    array->columns = numbers.rank > 1 ? (int64_t)dims[1] : 0;
    const int64_t size = array->rows * (array->columns > 0 ? array->columns : 1);
    array->values = mcbe_alloc((size_t)(mcbe_npy_matrices(array) * size), sizeof *array->values);
    MCBE_TRY(array->values ? MCBE_OK : MCBE_ERR_NOMEM);
    MCBE_TRY(read_numbers(&numbers, H5T_NATIVE_DOUBLE, array->values, err));
out:
    close_numbers(&numbers);
    if (st != MCBE_OK) {
        mcbe_npy_free(array);
    }
    return st;
}

/* --- points --- */

/* How many numbers make up a point. */
static mcbe_status_t count_features(const numbers_t *numbers, int *n, mcbe_error_t *err)
{
    hsize_t features = 1;
    if (numbers->rank < 2) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s': the dataset '%s' has %d dimensions; points need 2 to %d: their "
                         "number, then what makes up a point",
                         numbers->path, numbers->name, numbers->rank, RANK_MAX);
    }
    for (int d = 1; d < numbers->rank && features <= MCBE_MAX_N; d++) {
        features = numbers->dims[d] > MCBE_MAX_N ? MCBE_MAX_N + 1 : features * numbers->dims[d];
    }
    if (features < 1 || features > MCBE_MAX_N || numbers->dims[0] < 1 ||
        numbers->dims[0] > (hsize_t)MCBE_DATA_VALUES_MAX / features) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s': the dataset '%s' has %llu points of %llu features or more; 1 to %d "
                         "features and at most %lld values in all are allowed",
                         numbers->path, numbers->name, (unsigned long long)numbers->dims[0],
                         (unsigned long long)features, MCBE_MAX_N, (long long)MCBE_DATA_VALUES_MAX);
    }
    *n = (int)features;
    return MCBE_OK;
}

mcbe_status_t mcbe_h5_load_points(mcbe_dataset_t *data, const char *path, const char *dataset,
                                  mcbe_error_t *err)
{
    numbers_t numbers;
    char name[512];
    mcbe_status_t st;
    int n = 0;
    memset(data, 0, sizeof *data);
    MCBE_TRY(open_numbers(&numbers, path, dataset, err));
    MCBE_TRY(count_features(&numbers, &n, err));
    MCBE_TRY(mcbe_dataset_create(data, (int64_t)numbers.dims[0], n, err));
    MCBE_TRY(read_numbers(&numbers, H5T_NATIVE_FLOAT, data->x, err));
    snprintf(name, sizeof name, "%s:%s", path, dataset);
    st = mcbe_dataset_check(data, name, err);
out:
    close_numbers(&numbers);
    if (st != MCBE_OK) {
        mcbe_dataset_free(data);
    }
    return st;
}
