#ifndef MCBE_ELEMENTS_H
#define MCBE_ELEMENTS_H

#include "inflow.h"

/* Numbers as they lie in binary files. */
typedef enum mcbe_element {
    MCBE_ELEMENT_U8,
    MCBE_ELEMENT_I8,
    MCBE_ELEMENT_U16,
    MCBE_ELEMENT_I16,
    MCBE_ELEMENT_U32,
    MCBE_ELEMENT_I32,
    MCBE_ELEMENT_U64,
    MCBE_ELEMENT_I64,
    MCBE_ELEMENT_F32,
    MCBE_ELEMENT_F64
} mcbe_element_t;

/* Elements read at a time: what a buffer on the stack may take. */
#define MCBE_ELEMENTS_PIECE 4096

int mcbe_element_bytes(mcbe_element_t type);

/** The next elements of a file as fp64 (64-bit integers are rounded).
 *  @param[in]  what  for the sentence of a file that ends before
 *  @param[out] out   [count], count <= MCBE_ELEMENTS_PIECE  @return as mcbe_inflow_exactly */
MCBE_NODISCARD mcbe_status_t mcbe_elements_read(mcbe_inflow_t *in, const char *what,
                                                mcbe_element_t type, int big_endian, int count,
                                                double *out, mcbe_error_t *err);

#endif
