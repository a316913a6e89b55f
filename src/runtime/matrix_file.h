#ifndef MCBE_MATRIX_FILE_H
#define MCBE_MATRIX_FILE_H

/* Matrices, stacks of matrices and vectors named by a reference FILE[:DATASET]. What a file holds is
 * told by the ending of its name: .npy, .csv, .safetensors, .h5 or .hdf5. */

#include "npy.h"
#include "reference.h"

/* What the configuration keys that take a reference say of it. */
#define MCBE_MATRIX_FILE_FORMS "NumPy .npy, .csv, .safetensors[:TENSOR] or HDF5 .h5:DATASET"

/* A reference and what its file holds. Zero-initialise; free with mcbe_matrix_file_free. */
typedef struct mcbe_matrix_file {
    mcbe_reference_t reference; /* owned */
    int format;                 /* what the ending says; of use to matrix_file.c only */
} mcbe_matrix_file_t;

/** Take a reference apart, as mcbe_reference_parse.
 *  @param[out] file  zeroed on error
 *  @return MCBE_OK; MCBE_ERR_DATA with a sentence for an ending that tells no format, a dataset where
 *         the format has none, or none where it needs one; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_matrix_file_parse(mcbe_matrix_file_t *file, const char *reference,
                                                    mcbe_error_t *err);
void mcbe_matrix_file_free(mcbe_matrix_file_t *file);

/** Do the layers in such files have the form ReLU(Wx + b)? Safetensors come from PyTorch and Keras,
 *  which know no other; the rest may come from anywhere. */
int mcbe_matrix_file_adds_bias(const mcbe_matrix_file_t *file);

/** Read it. Not collective.
 *  @param[out] array  zeroed on error; a vector has columns 0, an array of three dimensions is a
 *                     stack (.npy and HDF5 only); free with mcbe_npy_free
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA or MCBE_ERR_CORRUPT with a sentence; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_matrix_file_load(mcbe_npy_t *array,
                                                   const mcbe_matrix_file_t *file,
                                                   mcbe_error_t *err);

/** Let a matrix, or each of a stack, become its transpose, in place.
 *  @return MCBE_OK; MCBE_ERR_NOMEM: it is unchanged */
MCBE_NODISCARD mcbe_status_t mcbe_matrix_transpose(mcbe_npy_t *array);

#endif
