#ifndef MCBE_SAFETENSORS_H
#define MCBE_SAFETENSORS_H

#include <stdio.h>

#include "mcbe/status.h"
#include "npy.h"

/** Read one tensor of a safetensors file: F64, F32, F16 or BF16, a matrix or a vector. Every entry of the
 *  header is checked, whichever is asked for: types, shapes, and offsets that cover the data without
 *  gaps and overlaps. Not collective. Thread-safe.
 *  @param[out] array   zeroed on error; a vector has columns 0; free with mcbe_npy_free
 *  @param[in]  tensor  its name; NULL if the file holds only one
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA with a sentence; MCBE_ERR_NOMEM
 *  Source: the format of huggingface/safetensors: 8 bytes length (little-endian), a JSON header,
 *  raw data. Memory: the header, and 8 to 16 bytes an element of the tensor. */
MCBE_NODISCARD mcbe_status_t mcbe_safetensors_load(mcbe_npy_t *array, const char *path,
                                                   const char *tensor, mcbe_error_t *err);
/** The same from an open seekable stream, which is left open. @param[in] name  for sentences */
MCBE_NODISCARD mcbe_status_t mcbe_safetensors_parse(mcbe_npy_t *array, FILE *in, const char *name,
                                                    const char *tensor, mcbe_error_t *err);

#endif
