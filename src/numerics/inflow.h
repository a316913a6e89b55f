#ifndef MCBE_INFLOW_H
#define MCBE_INFLOW_H

#include <stdint.h>
#include <stdio.h>

#include "mcbe/status.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the readers of binary files are written for little-endian machines"
#endif

/* The bytes of a file, unpacked by zlib if it is packed with gzip. Errors name the file. */
typedef struct mcbe_inflow {
    FILE *in;
    int owned;
    const char *name;           /* borrowed */
    int64_t file_bytes;         /* size of the file */
    int64_t given;              /* bytes handed out so far, after unpacking */
    struct mcbe_unpack *unpack; /* owned; NULL for a plain file */
} mcbe_inflow_t;

/** Open a file, or take a stream, which must be seekable and is read from its start. Not collective.
 *  @param[out] in  zeroed on error; close with mcbe_inflow_close
 *  @param[in]  stream  is left open; NULL opens the file `name`
 *  @return MCBE_OK; MCBE_ERR_IO with a sentence; MCBE_ERR_DATA for an empty file; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_inflow_open(mcbe_inflow_t *in, FILE *stream, const char *name,
                                              mcbe_error_t *err);
void mcbe_inflow_close(mcbe_inflow_t *in);

/** Start again from the first byte. @return as mcbe_inflow_open */
MCBE_NODISCARD mcbe_status_t mcbe_inflow_rewind(mcbe_inflow_t *in, mcbe_error_t *err);

/** The next bytes, fewer than asked for only at the end of the file. @param[out] got
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA with a sentence: damaged or truncated gzip, bytes
 *         behind its end, or an expansion beyond MCBE_INFLOW_GROWTH that cannot be data */
MCBE_NODISCARD mcbe_status_t mcbe_inflow_read(mcbe_inflow_t *in, void *out, size_t bytes,
                                              size_t *got, mcbe_error_t *err);
/** All of them. @param[in] what  "header", "points", for the sentence of a file that ends before */
MCBE_NODISCARD mcbe_status_t mcbe_inflow_exactly(mcbe_inflow_t *in, const char *what, void *out,
                                                 size_t bytes, mcbe_error_t *err);
/** Are `bytes` more bytes, which a header asks for, what the file still holds? For a packed file:
 *  can they be? To be called before memory is asked for.
 *  @return MCBE_OK; MCBE_ERR_DATA with a sentence */
MCBE_NODISCARD mcbe_status_t mcbe_inflow_expect(mcbe_inflow_t *in, int64_t bytes,
                                                mcbe_error_t *err);
/** Is this the end of the file? @return MCBE_OK; MCBE_ERR_DATA if bytes follow, or the checksum of a
 *  packed file is wrong */
MCBE_NODISCARD mcbe_status_t mcbe_inflow_end(mcbe_inflow_t *in, mcbe_error_t *err);

/* A packed file may grow to so many times its size when unpacked, or to MCBE_INFLOW_SMALL bytes.
 * Images of digits, which compress well, grow 5 times; gzip's own limit is 1032. */
#define MCBE_INFLOW_GROWTH 200
#define MCBE_INFLOW_SMALL ((int64_t)1 << 26)

#endif
