#ifndef MCBE_DIGEST_H
#define MCBE_DIGEST_H

#include <stddef.h>

#include "mcbe/status.h"

/* A SHA-256 under way. libcrypto fails only where a few hundred bytes are not to be had or SHA-256
 * is missing; without it nothing has a fingerprint, so these calls stop the program then. */
typedef struct mcbe_digest {
    void *context; /* libcrypto's; NULL before begin and after end */
} mcbe_digest_t;

void mcbe_digest_begin(mcbe_digest_t *digest);
void mcbe_digest_add(mcbe_digest_t *digest, const void *data, size_t bytes);
/** Finish and free. @param[out] hex  64 hexadecimal digits */
void mcbe_digest_end(mcbe_digest_t *digest, char hex[65]);

/** SHA-256 of a file's content. @return MCBE_OK; MCBE_ERR_IO with a sentence (hex is then of no
 *  use) */
MCBE_NODISCARD mcbe_status_t mcbe_digest_file(const char *path, char hex[65], mcbe_error_t *err);

#endif
