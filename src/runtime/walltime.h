#ifndef MCBE_WALLTIME_H
#define MCBE_WALLTIME_H

/* How much time a run has: times as people and SLURM write them, and what SLURM says of this job. */

#include "log.h"
#include "mcbe/status.h"

/* What is allowed, for messages. */
#define MCBE_WALLTIME_FORMS "seconds, MM:SS, HH:MM:SS or D-HH:MM:SS"

/** Read a time: a number of seconds, or [[D-]HH:]MM:SS, the form of squeue. Not collective.
 *  @param[out] seconds  >= 0; untouched on error
 *  @return MCBE_OK; MCBE_ERR_VALUE if the text is anything else */
MCBE_NODISCARD mcbe_status_t mcbe_walltime_parse(const char *text, double *seconds);

/** Read what `squeue -o %L` answers: INFINITY for UNLIMITED. Not collective.
 *  @return MCBE_OK; MCBE_ERR_VALUE for anything that is no time, such as INVALID and NOT_SET */
MCBE_NODISCARD mcbe_status_t mcbe_walltime_parse_squeue(const char *answer, double *seconds);

/** Time left to the SLURM job this process runs in: from SLURM_JOB_END_TIME, or where that is not set
 *  from `squeue -h -j $SLURM_JOB_ID -o %L`, which gets some seconds to answer. Not collective. What
 *  goes wrong becomes a warning in the log, never an error.
 *  @param[out] seconds  INFINITY if there is no limit or none could be found
 *  @return where the time comes from: "SLURM_JOB_END_TIME" or "squeue", static storage; NULL outside a
 *          job or if nothing could be found */
const char *mcbe_walltime_of_job(double *seconds, const mcbe_log_t *log);

#endif
