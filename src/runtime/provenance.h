#ifndef MCBE_PROVENANCE_H
#define MCBE_PROVENANCE_H

#include <stddef.h>
#include <stdint.h>

#include "mcbe/status.h"

/* Build and run facts, stored in every file: pairs of text plus one row per start of the run. */
typedef struct mcbe_fact {
    char *name, *value; /* owned */
} mcbe_fact_t;

/* How a segment ends that has not ended yet, and one whose end nobody wrote down. */
#define MCBE_SEGMENT_RUNNING "running"
#define MCBE_SEGMENT_KILLED "killed"

/* One start of the run and how it ended. */
typedef struct mcbe_segment {
    char started_utc[21], stopped_utc[21]; /* the latter empty while running, or if killed */
    int64_t ranks;
    int64_t units;   /* finished in this segment */
    char reason[32]; /* "complete", "running", "killed", or why it stopped */
} mcbe_segment_t;

typedef struct mcbe_provenance {
    mcbe_fact_t *facts; /* owned, in the order added */
    size_t count, capacity;
    mcbe_segment_t *segments; /* owned; the last one is this run */
    size_t segment_count, segment_capacity;
} mcbe_provenance_t;

/** Add a fact; a name that is there already gets the new value. Zero-initialise the provenance
 *  first. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_provenance_add(mcbe_provenance_t *provenance, const char *name,
                                                 const char *format, ...) MCBE_PRINTF(3, 4);

/** Facts of this build and this process: version, git commit and dirty flag, compiler and flags,
 *  build type, library versions at run time (HDF5, BLAS and its kernel, libc), system, CPU model,
 *  kernel path, command line, folder, user, umask, and those environment variables that steer a run
 *  (SLURM_, OMPI_MCA_, OMPI_COMM_WORLD_SIZE, OMP_, OPENBLAS_, MCBE_), never one whose name speaks
 *  of a secret. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_provenance_collect(mcbe_provenance_t *provenance, int argc,
                                                     char *const *argv);

/** Add the segment of a run that starts now. Former segments still "running" become "killed": who
 *  starts a run holds the lock. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_provenance_start_segment(mcbe_provenance_t *provenance,
                                                           int64_t ranks);
/** Add a segment read from a file. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_provenance_add_segment(mcbe_provenance_t *provenance,
                                                         const mcbe_segment_t *segment);
/** Note how far this run's segment is: `units` finished, and why it ends now. A reason of
 *  MCBE_SEGMENT_RUNNING leaves it open. */
void mcbe_provenance_end_segment(mcbe_provenance_t *provenance, int64_t units, const char *reason);

/** Value of a fact, or NULL. Borrowed. */
const char *mcbe_provenance_get(const mcbe_provenance_t *provenance, const char *name);
void mcbe_provenance_free(mcbe_provenance_t *provenance);

#endif
