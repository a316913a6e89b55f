#include "matrix_file.h"

#include <string.h>
#include <strings.h>

#include "csv_text.h"
#include "h5_numbers.h"
#include "memory.h"
#include "safetensors.h"

typedef enum format {
    FORMAT_NONE,
    FORMAT_NPY,
    FORMAT_CSV,
    FORMAT_SAFETENSORS,
    FORMAT_HDF5
} format_t;

/* How many datasets a file of a format has. */
typedef enum datasets { DATASETS_ONE, DATASETS_SOME, DATASETS_MANY } datasets_t;

static const struct {
    const char *ending;
    format_t format;
    datasets_t datasets;
} endings[] = {
    {".npy", FORMAT_NPY, DATASETS_ONE},    {".csv", FORMAT_CSV, DATASETS_ONE},
    {".csv.gz", FORMAT_CSV, DATASETS_ONE}, {".safetensors", FORMAT_SAFETENSORS, DATASETS_SOME},
    {".h5", FORMAT_HDF5, DATASETS_MANY},   {".hdf5", FORMAT_HDF5, DATASETS_MANY},
};

/* The row of a path's ending, -1 for none. */
static int find_ending(const char *path)
{
    const size_t length = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t own = strlen(endings[i].ending);
        if (length > own && !strcasecmp(path + length - own, endings[i].ending)) {
            return (int)i;
        }
    }
    return -1;
}

mcbe_status_t mcbe_matrix_file_parse(mcbe_matrix_file_t *file, const char *reference,
                                     mcbe_error_t *err)
{
    memset(file, 0, sizeof *file);
    mcbe_status_t st = mcbe_reference_parse(&file->reference, reference);
    if (st != MCBE_OK) {
        return st;
    }
    const char *path = file->reference.path, *dataset = file->reference.dataset;
    const int row = find_ending(path);
    if (row < 0) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s' has no ending that tells what it holds; .npy, .csv, .safetensors, .h5 "
                       "and .hdf5 can be read",
                       path);
    } else if (dataset && endings[row].datasets == DATASETS_ONE) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s' holds one array only; the ':%s' behind its name must go", path,
                       dataset);
    } else if ((!dataset && endings[row].datasets == DATASETS_MANY) || (dataset && !*dataset)) {
        st = mcbe_fail(
            err, MCBE_ERR_DATA,
            "'%s' may hold many datasets; name one behind a colon, as in %s:/layer/weight", path,
            path);
    } else {
        file->format = (int)endings[row].format;
    }
    if (st != MCBE_OK) {
        mcbe_matrix_file_free(file);
    }
    return st;
}

void mcbe_matrix_file_free(mcbe_matrix_file_t *file)
{
    mcbe_reference_free(&file->reference);
    memset(file, 0, sizeof *file);
}

int mcbe_matrix_file_adds_bias(const mcbe_matrix_file_t *file)
{
    return file->format == (int)FORMAT_SAFETENSORS;
}

mcbe_status_t mcbe_matrix_file_load(mcbe_npy_t *array, const mcbe_matrix_file_t *file,
                                    mcbe_error_t *err)
{
    const char *path = file->reference.path, *dataset = file->reference.dataset;
    switch ((format_t)file->format) {
    case FORMAT_NPY:
        return mcbe_npy_load_stack(array, path, err);
    case FORMAT_CSV:
        return mcbe_csv_load(array, path, err);
    case FORMAT_SAFETENSORS:
        return mcbe_safetensors_load(array, path, dataset, err);
    case FORMAT_HDF5:
        return mcbe_h5_load(array, path, dataset, err);
    case FORMAT_NONE:
        break;
    }
    memset(array, 0, sizeof *array);
    return MCBE_ERR_ARGUMENT;
}

mcbe_status_t mcbe_matrix_transpose(mcbe_npy_t *array)
{
    const int64_t rows = array->columns, columns = array->rows;
    double *values =
        mcbe_alloc((size_t)(mcbe_npy_matrices(array) * rows * columns), sizeof *values);
    if (!values) {
        return MCBE_ERR_NOMEM;
    }
    for (int64_t c = 0; c < mcbe_npy_matrices(array); c++) {
        const double *from = array->values + c * rows * columns;
        double *to = values + c * rows * columns;
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t k = 0; k < columns; k++) {
                to[i * columns + k] = from[k * rows + i];
            }
        }
    }
    mcbe_free(array->values);
    array->values = values;
    array->rows = rows;
    array->columns = columns;
    return MCBE_OK;
}
