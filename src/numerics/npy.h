#ifndef MCBE_NPY_H
#define MCBE_NPY_H

#include <stdint.h>

#include "mcbe/status.h"

/* A matrix read from a NumPy file. */
typedef struct mcbe_npy {
    int64_t rows, columns;
    double *values; /* owned, row-major [rows][columns] */
} mcbe_npy_t;

/** Read a two-dimensional .npy file of '<f4' or '<f8', C or Fortran order, format version 1, 2 or
 *  3. Not collective. Thread-safe.
 *  @param[out] array  zeroed on error; free with mcbe_npy_free
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA with a sentence; MCBE_ERR_NOMEM
 *  Source: numpy.lib.format. */
MCBE_NODISCARD mcbe_status_t mcbe_npy_load(mcbe_npy_t *array, const char *path, mcbe_error_t *err);
void mcbe_npy_free(mcbe_npy_t *array);

/** Write a vector or a matrix as a .npy file of '<f8', C order, format version 1. An incomplete file
 *  is removed. Not collective. Thread-safe.
 *  @param[in] values   [rows][columns]
 *  @param[in] columns  0 for a vector of `rows` values
 *  @return MCBE_OK; MCBE_ERR_IO with a sentence */
MCBE_NODISCARD mcbe_status_t mcbe_npy_save(const char *path, const double *values, int64_t rows,
                                           int64_t columns, mcbe_error_t *err);

#endif
