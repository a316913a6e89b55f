#ifndef MCBE_NETWORK_FILE_H
#define MCBE_NETWORK_FILE_H

#include "mcbe/network.h"

/* What a network file says it is; docs/network-format.md describes it. */
#define MCBE_NETWORK_FILETYPE "mcbe-network"
#define MCBE_NETWORK_MAJOR 1

/** Read a network. Not collective.
 *  @param[out] network  free with mcbe_network_free whatever the result
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA for a file that is no network file or whose layers do
 *         not fit; MCBE_ERR_VERSION; MCBE_ERR_CORRUPT; MCBE_ERR_VALUE for weights that are not
 *         finite; each with a sentence; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_network_load(mcbe_network_t *network, const char *path,
                                               mcbe_error_t *err);

#endif
