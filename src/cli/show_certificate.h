#ifndef MCBE_SHOW_CERTIFICATE_H
#define MCBE_SHOW_CERTIFICATE_H

#include <stdint.h>

#include "mcbe/status.h"

/** Say what certificate k of a result file shows, and write its W, bias and x as .npy files.
 *  @param[in] k       counted from 0 over the units in their order
 *  @param[in] folder  where to, made if it is not there; NULL for PATH.certificate-K
 *  @return MCBE_OK; MCBE_ERR_USAGE if the file has no such certificate; MCBE_ERR_IO; as
 *         mcbe_result_open */
MCBE_NODISCARD mcbe_status_t mcbe_show_certificate(const char *path, int64_t k, const char *folder,
                                                   mcbe_error_t *err);

#endif
