#ifndef MCBE_DIGEST_H
#define MCBE_DIGEST_H

#include <stddef.h>

#include "mcbe/status.h"

/** SHA-256 of some bytes as 64 hexadecimal digits. @return MCBE_OK; MCBE_ERR_INTERNAL if libcrypto
 * fails */
MCBE_NODISCARD mcbe_status_t mcbe_sha256(const void *data, size_t bytes, char hex[65]);

/** SHA-256 of a file's content. @return MCBE_OK; MCBE_ERR_IO with a sentence; MCBE_ERR_INTERNAL */
MCBE_NODISCARD mcbe_status_t mcbe_sha256_file(const char *path, char hex[65], mcbe_error_t *err);

#endif
