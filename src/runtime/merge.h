#ifndef MCBE_MERGE_H
#define MCBE_MERGE_H

/* The shards of a run put together into one result file. */

#include "log.h"
#include "mcbe/run.h"

typedef struct mcbe_merge_options {
    const char *output;        /* borrowed, like everything here */
    const char *const *inputs; /* [input_count] result files of shards */
    int input_count;
    int partial; /* merge what is there, though shards or units are missing */
    int fresh;   /* an output that exists becomes OUTPUT.prev */
    mcbe_log_t log;
    int argc; /* the command line, for the provenance */
    char *const *argv;
} mcbe_merge_options_t;

/** Merge. The datasets are those of one run of the whole configuration, byte for byte, the segments of
 *  all shards are kept one behind the other. Looks at all files before it writes anything, and names
 *  all that is wrong: files that cannot be read or belong to another configuration or another number of
 *  shards, shards given twice, missing shards, missing units, shards that a run is writing just now. A
 *  partial output is continued by `mcbe run` without a shard, or by merging more shards into it. Not
 *  collective.
 *  @return MCBE_OK; MCBE_ERR_USAGE, MCBE_ERR_FINGERPRINT, MCBE_ERR_DATA, MCBE_ERR_CORRUPT,
 *         MCBE_ERR_VERSION, MCBE_ERR_LOCKED, MCBE_ERR_IO with sentences; MCBE_ERR_NOMEM
 *  Memory: all records, twice. */
MCBE_NODISCARD mcbe_status_t mcbe_merge(const mcbe_experiment_t *const *experiments,
                                        int experiment_count, const mcbe_merge_options_t *options,
                                        mcbe_error_t *err);

#endif
