#ifndef MCBE_ESTIMATE_SUMMARY_H
#define MCBE_ESTIMATE_SUMMARY_H

#include "mcbe/status.h"

/** Print what a complete result file of the experiment `estimate` says of its layer.
 *  @param[in] kept  the file stays where it is; otherwise nothing of it is named
 *  @return MCBE_OK; the errors of reading it; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_estimate_summary(const char *path, int kept, int json,
                                                   mcbe_error_t *err);

#endif
