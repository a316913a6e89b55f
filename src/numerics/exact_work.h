#ifndef MCBE_EXACT_WORK_H
#define MCBE_EXACT_WORK_H

#include "mcbe/exact.h"

/** Refuse more work than was allowed. @param[in] what  the answer asked for
 *  @return MCBE_OK; MCBE_ERR_LIMIT with a sentence */
MCBE_NODISCARD mcbe_status_t mcbe_exact_admit(const char *what, const mcbe_frame_t *frame,
                                              double work, double work_limit, mcbe_error_t *err);

#endif
