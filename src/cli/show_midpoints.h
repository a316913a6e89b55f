#ifndef MCBE_SHOW_MIDPOINTS_H
#define MCBE_SHOW_MIDPOINTS_H

#include "result.h"

/** For each n and each yes-or-no question of the experiment: the m at which half of the layers
 *  answer yes, by mcbe_gumbel_fit, as a table or as a member of a JSON object that is open.
 *  @return MCBE_OK; MCBE_ERR_USAGE if the experiment asks nothing; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_show_midpoints(const mcbe_result_t *result, const char *path,
                                                 int json, mcbe_error_t *err);

#endif
