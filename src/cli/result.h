#ifndef MCBE_RESULT_H
#define MCBE_RESULT_H

/* A result file opened for reading: what it says of itself, its session and all its units. */

#include "session.h"
#include "store.h"

typedef struct mcbe_result {
    mcbe_store_info_t info;
    mcbe_session_t session;
    mcbe_store_t *store;
} mcbe_result_t;

/** Open a file and read every finished unit.
 *  @return MCBE_OK; MCBE_ERR_IO, MCBE_ERR_DATA, MCBE_ERR_VERSION or MCBE_ERR_CORRUPT with
 *         sentences; MCBE_ERR_NOMEM. On error nothing is left to close. */
MCBE_NODISCARD mcbe_status_t mcbe_result_open(mcbe_result_t *result, const char *path,
                                              mcbe_error_t *err);
void mcbe_result_close(mcbe_result_t *result);

#endif
