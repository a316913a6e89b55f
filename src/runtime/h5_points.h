#ifndef MCBE_H5_POINTS_H
#define MCBE_H5_POINTS_H

#include "mcbe/dataset.h"

/* Points from an HDF5 file, named as in "FILE.h5:/group/points". */

/** The file in such a name. @param[out] file  owned by the caller (mcbe_free); NULL if the name has no
 *  ":/" and so is none  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_h5_points_file(const char *name, char **file);

/** Read a dataset of numbers, count x anything. HDF5 converts them piece by piece. Not collective.
 *  @param[out] data  zeroed on error
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA or MCBE_ERR_DIM with a sentence; MCBE_ERR_CORRUPT;
 *         MCBE_ERR_NOMEM
 *  Memory: 4 count n bytes. */
MCBE_NODISCARD mcbe_status_t mcbe_h5_points_read(mcbe_dataset_t *data, const char *name,
                                                 mcbe_error_t *err);

#endif
