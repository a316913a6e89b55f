#ifndef MCBE_H5_NUMBERS_H
#define MCBE_H5_NUMBERS_H

/* Numbers from a dataset of an HDF5 file, whoever wrote it: real numbers or integers of any size, which
 * HDF5 converts piece by piece. */

#include "mcbe/dataset.h"
#include "npy.h"

/** Read a matrix, a vector, or from a dataset of three dimensions a stack of matrices. Not collective.
 *  @param[in]  path, dataset  the file, and a path in it
 *  @param[out] array  zeroed on error; a vector has columns 0; free with mcbe_npy_free
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA or MCBE_ERR_CORRUPT with a sentence; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_h5_load(mcbe_npy_t *array, const char *path, const char *dataset,
                                          mcbe_error_t *err);

/** Read points: the first dimension counts them, the others make up a point. Not collective.
 *  @param[out] data  zeroed on error
 *  @return as mcbe_h5_load; MCBE_ERR_DATA also for a value that is not finite
 *  Memory: 4 count n bytes. */
MCBE_NODISCARD mcbe_status_t mcbe_h5_load_points(mcbe_dataset_t *data, const char *path,
                                                 const char *dataset, mcbe_error_t *err);

#endif
