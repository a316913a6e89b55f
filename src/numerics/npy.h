#ifndef MCBE_NPY_H
#define MCBE_NPY_H

#include <stdint.h>
#include <stdio.h>

#include "elements.h"
#include "inflow.h"
#include "mcbe/status.h"

#define MCBE_NPY_RANK_MAX 8

/* What the header of a NumPy file says. */
typedef struct mcbe_npy_header {
    int rank; /* 1 to MCBE_NPY_RANK_MAX */
    int64_t shape[MCBE_NPY_RANK_MAX];
    int64_t elements; /* product of the shape, > 0 */
    mcbe_element_t type;
    int fortran; /* elements lie with the first index fastest */
} mcbe_npy_header_t;

/** Read the header of a .npy file: format version 1, 2 or 3, little-endian real numbers or integers,
 *  C or Fortran order. The size of the file is held against it. Not collective. Thread-safe.
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA with a sentence; MCBE_ERR_NOMEM
 *  Source: numpy.lib.format. */
MCBE_NODISCARD mcbe_status_t mcbe_npy_header(mcbe_inflow_t *in, mcbe_npy_header_t *header,
                                             mcbe_error_t *err);
/** Read the values, to the end of the file, in C order. Not collective. Thread-safe.
 *  @param[out] f64, f32  [header->elements], one of them, the other NULL */
MCBE_NODISCARD mcbe_status_t mcbe_npy_values(mcbe_inflow_t *in, const mcbe_npy_header_t *header,
                                             double *f64, float *f32, mcbe_error_t *err);

/* A matrix, a vector or a stack of matrices read from a file. */
typedef struct mcbe_npy {
    int64_t count;         /* matrices of a stack; 0 for what is none */
    int64_t rows, columns; /* columns is 0 for a vector of so many rows */
    double *values;        /* owned, [rows][columns], of a stack [count][rows][columns] */
} mcbe_npy_t;

/** How many matrices there are: 1 for what is no stack. */
static inline int64_t mcbe_npy_matrices(const mcbe_npy_t *array)
{
    return array->count > 0 ? array->count : 1;
}

/** How the matrix or vector of a file is read from its bytes. @param[out] array  zeroed before */
typedef mcbe_status_t (*mcbe_npy_reader_t)(mcbe_npy_t *array, mcbe_inflow_t *in, mcbe_error_t *err);

/** Read one from the file `name`, or from a stream, as mcbe_inflow_open.
 *  @param[out] array  zeroed on error; free with mcbe_npy_free  @return as mcbe_inflow_open and read */
MCBE_NODISCARD mcbe_status_t mcbe_npy_read(mcbe_npy_t *array, FILE *stream, const char *name,
                                           mcbe_npy_reader_t read, mcbe_error_t *err);

/** Read a matrix or a vector: a .npy file of '<f4' or '<f8', possibly packed with gzip. Not
 *  collective. Thread-safe.
 *  @param[out] array  zeroed on error; free with mcbe_npy_free
 *  @return as mcbe_npy_header */
MCBE_NODISCARD mcbe_status_t mcbe_npy_load(mcbe_npy_t *array, const char *path, mcbe_error_t *err);
/** The same, and an array of three dimensions is a stack of matrices. */
MCBE_NODISCARD mcbe_status_t mcbe_npy_load_stack(mcbe_npy_t *array, const char *path,
                                                 mcbe_error_t *err);
/** As mcbe_npy_load_stack, from an open seekable stream. @param[in] name  for sentences */
MCBE_NODISCARD mcbe_status_t mcbe_npy_parse(mcbe_npy_t *array, FILE *in, const char *name,
                                            mcbe_error_t *err);
void mcbe_npy_free(mcbe_npy_t *array);

/** Write a vector or a matrix as a .npy file of '<f8', C order, format version 1. An incomplete file
 *  is removed. Not collective. Thread-safe.
 *  @param[in] values   [rows][columns]
 *  @param[in] columns  0 for a vector of `rows` values
 *  @return MCBE_OK; MCBE_ERR_IO with a sentence */
MCBE_NODISCARD mcbe_status_t mcbe_npy_save(const char *path, const double *values, int64_t rows,
                                           int64_t columns, mcbe_error_t *err);

#endif
