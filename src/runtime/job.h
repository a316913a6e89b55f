#ifndef MCBE_JOB_H
#define MCBE_JOB_H

#include <stddef.h>

#include "record.h"

/* The records of the units of one job, and the same as bytes, for messages. */
typedef struct mcbe_job {
    mcbe_record_t *records; /* owned, [count] */
    int64_t count;
} mcbe_job_t;

/** Zeroed records for all units of a job. Not collective. Thread-safe. Free whatever the result.
 *  @param[in] cell  the job's first  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_job_init(mcbe_job_t *job, const mcbe_plan_t *plan,
                                           const mcbe_layout_t *layout, int64_t cell,
                                           int64_t trial);
void mcbe_job_free(mcbe_job_t *job);

/** Not collective. Thread-safe.
 *  @param[out] parcel  owned by the caller (mcbe_free); NULL for no records
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_job_pack(const mcbe_job_t *job, char **parcel, size_t *bytes);

/** The other way. Marks of earlier records do not travel. Not collective. Thread-safe.
 *  @param[in]  parcel  from mcbe_job_pack
 *  @param[out] job     mcbe_job_free, whatever the result
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_job_unpack(const char *parcel, size_t bytes, mcbe_job_t *job);

#endif
