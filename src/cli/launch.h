#ifndef MCBE_LAUNCH_H
#define MCBE_LAUNCH_H

/* MPI around the commands that run an experiment. */

#include "mcbe/run.h"

typedef struct mcbe_launch {
    int rank, size;
} mcbe_launch_t;

/** Catch the signals that stop a run, and start MPI. Collective over all processes started. */
void mcbe_launch_begin(mcbe_launch_t *launch);

/** Refuse tasks that a launcher started together but MPI does not see together. @return MCBE_OK;
 *  MCBE_ERR_SINGLETONS */
MCBE_NODISCARD mcbe_status_t mcbe_launch_check(const mcbe_launch_t *launch, mcbe_error_t *err);

/** What all ranks are to go by: the status of one that failed, if any did. Collective. */
mcbe_status_t mcbe_launch_agree(mcbe_status_t st);

/** End a command, and MPI with it, on what mcbe_launch_agree makes of the status. On an error rank 0
 *  tells it and every process exits. Collective.
 *  @return MCBE_OK */
mcbe_status_t mcbe_launch_end(const mcbe_launch_t *launch, mcbe_status_t st,
                              const mcbe_error_t *err);

/** End every process: a rank that fails alone must not leave others waiting. */
void mcbe_launch_abort(mcbe_status_t st);

/** The word behind --progress. @return MCBE_OK; MCBE_ERR_USAGE */
MCBE_NODISCARD mcbe_status_t mcbe_launch_progress(const char *command, const char *text,
                                                  mcbe_progress_mode_t *mode, mcbe_error_t *err);

#endif
