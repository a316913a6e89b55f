#ifndef MCBE_REFERENCE_H
#define MCBE_REFERENCE_H

#include "mcbe/status.h"

/* A reference FILE[:DATASET] taken apart. Zero-initialise; free with mcbe_reference_free. */
typedef struct mcbe_reference {
    char *path;          /* owned */
    const char *dataset; /* behind the colon, NULL if nothing is there; in the memory of path */
} mcbe_reference_t;

/** Take a reference apart. The file's name ends at the first colon in front of which stands the name
 *  of a file that exists, else at the first one at all; so names may hold colons themselves. Not
 *  collective.
 *  @param[out] reference  zeroed on error  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_reference_parse(mcbe_reference_t *reference, const char *text);
void mcbe_reference_free(mcbe_reference_t *reference);

#endif
