#ifndef MCBE_H5_H
#define MCBE_H5_H

#include <hdf5.h>
#include <stdint.h>

#include "mcbe/status.h"

/* Checked HDF5 calls. Nothing is printed by the library: its error stack ends up in the sentence.
 * Sentences start with the file's name. */

/** Turn off HDF5's own printing. Done by mcbe_h5_create and mcbe_h5_open, too. */
void mcbe_h5_quiet(void);

/** Version of the HDF5 library in use, "1.10.8". */
void mcbe_h5_library(char text[32]);

/** Record a sentence: the words of `format`, then what HDF5's error stack holds: the system's
 *  message where the stack names an errno, else its innermost entry. To be called before any other
 *  HDF5 call, which would clear the stack. @return status */
mcbe_status_t mcbe_h5_fail(mcbe_error_t *err, mcbe_status_t status, const char *format, ...)
    MCBE_PRINTF(3, 4);

/** Make a file in memory, in the format that HDF5 1.8 and later read. HDF5 is kept from writing to
 *  the disk because a file it could not write out (a full disk) cannot be closed either: H5Fclose
 *  fails, and HDF5 1.10 then crashes at exit. To be closed with H5Fclose.
 *  @param[in] name  for sentences; nothing of that name is made
 *  @return MCBE_OK; MCBE_ERR_IO */
MCBE_NODISCARD mcbe_status_t mcbe_h5_create(const char *name, hid_t *file, mcbe_error_t *err);

/** The bytes of a file made with mcbe_h5_create, as they are to stand on the disk.
 *  @param[out] image  owned by the caller (mcbe_free), [*bytes]
 *  @return MCBE_OK; MCBE_ERR_NOMEM; MCBE_ERR_IO */
MCBE_NODISCARD mcbe_status_t mcbe_h5_image(hid_t file, void **image, size_t *bytes,
                                           mcbe_error_t *err);

/** Open a file for reading. To be closed with H5Fclose.
 *  @return MCBE_OK; MCBE_ERR_IO if it cannot be opened; MCBE_ERR_DATA if it is not HDF5;
 *         MCBE_ERR_CORRUPT if HDF5 cannot make sense of it */
MCBE_NODISCARD mcbe_status_t mcbe_h5_open(const char *path, hid_t *file, mcbe_error_t *err);

/* Attributes. Text is of variable length, so that no length is too much; numbers are scalars or, in
 * the functions for a list, one-dimensional. */
MCBE_NODISCARD mcbe_status_t mcbe_h5_put_text(hid_t object, const char *name, const char *text,
                                              mcbe_error_t *err);
MCBE_NODISCARD mcbe_status_t mcbe_h5_put_i64(hid_t object, const char *name, int64_t value,
                                             mcbe_error_t *err);
MCBE_NODISCARD mcbe_status_t mcbe_h5_put_ints(hid_t object, const char *name, int count,
                                              const int *values, mcbe_error_t *err);
/** Text attribute, as a new string (mcbe_free). @return MCBE_OK; MCBE_ERR_CORRUPT if it is not
 *  there or not text; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_h5_get_text(hid_t object, const char *name, char **text,
                                              mcbe_error_t *err);
/** @return MCBE_OK; MCBE_ERR_CORRUPT if it is not there or not the right number of integers */
MCBE_NODISCARD mcbe_status_t mcbe_h5_get_i64(hid_t object, const char *name, int64_t *value,
                                             mcbe_error_t *err);
MCBE_NODISCARD mcbe_status_t mcbe_h5_get_ints(hid_t object, const char *name, int count,
                                              int *values, mcbe_error_t *err);

/** Write a dataset (parents are made) with Fletcher32 and the attributes description, units, axes.
 *  The stored bytes depend on nothing but the arguments.
 *  @param[in] memory_type  of `data`; @param[in] file_type  as stored; dims [rank] */
MCBE_NODISCARD mcbe_status_t mcbe_h5_write(hid_t file, const char *path, hid_t memory_type,
                                           hid_t file_type, int rank, const hsize_t *dims,
                                           const void *data, const char *description,
                                           const char *units, const char *axes, mcbe_error_t *err);
/** The same as mcbe_h5_put_i64 for a dataset by its path. */
MCBE_NODISCARD mcbe_status_t mcbe_h5_put_dataset_i64(hid_t file, const char *path, const char *name,
                                                     int64_t value, mcbe_error_t *err);
/** Shape of a dataset that must have `rank` dimensions. @return MCBE_OK; MCBE_ERR_CORRUPT */
MCBE_NODISCARD mcbe_status_t mcbe_h5_shape(hid_t file, const char *path, int rank, hsize_t *dims,
                                           mcbe_error_t *err);
/** Read a whole dataset, which must be of the class of memory_type and of the shape dims [rank],
 *  into data. Checksums are verified.
 *  @return MCBE_OK; MCBE_ERR_CORRUPT */
MCBE_NODISCARD mcbe_status_t mcbe_h5_read(hid_t file, const char *path, hid_t memory_type, int rank,
                                          const hsize_t *dims, void *data, mcbe_error_t *err);

#endif
