#ifndef MCBE_RUN_H
#define MCBE_RUN_H

/* Whole experiments over MPI: the library behind `mcbe run`. The only public header that names
 * MPI. */

#include <mpi.h>
#include <stdio.h>

#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mcbe_experiment mcbe_experiment_t;

typedef enum mcbe_progress_mode {
    MCBE_PROGRESS_AUTO,  /* a bar on a terminal, lines elsewhere */
    MCBE_PROGRESS_BAR,   /* one line that is drawn over itself */
    MCBE_PROGRESS_LINES, /* one whole line per interval, without control characters */
    MCBE_PROGRESS_NONE
} mcbe_progress_mode_t;

/* What to run. All pointers are borrowed. */
typedef struct mcbe_run_options {
    const char *config_path; /* file, or the name of config_text in sentences */
    const char *config_text; /* the configuration itself; NULL: read config_path */
    const char *output;      /* result file of rank 0, the only one that has files; its journal,
                                     lock and .prev lie next to it */
    const char *const *overrides; /* "a.b=value", [override_count] */
    int override_count;
    int shard, shards; /* compute part `shard` of `shards` only, counted from 0; 0 shards: all */
    int fresh;         /* start anew though the output exists */
    mcbe_progress_mode_t progress;
    double max_walltime; /* seconds this call may take; 0: run.max_walltime of the configuration, or
                                 where that is 0, too, the time left to the SLURM job we run in */
    int (*signal_seen)(
        void);             /* asked on every rank, every few milliseconds: the number of a signal to
                                 stop for, 0 for none; NULL if nobody catches any */
    FILE *log;             /* messages of rank 0; NULL for silence */
    const char *event_log; /* file that rank 0 appends JSON lines to; NULL for none */
    int argc;              /* the command line, for the provenance */
    char *const *argv;
} mcbe_run_options_t;

/** The experiments this library has. @return [*count], static storage */
const mcbe_experiment_t *const *mcbe_experiments(int *count);

/** Run an experiment, or continue it if the output holds a part of it. Collective over comm, which
 *  is duplicated; the options must be the same on all ranks.
 *  @param[out] err  sentences for the user, the same on all ranks
 *  @return the same on all ranks: MCBE_OK when the output is complete; MCBE_STOPPED when time ran out, a
 *         signal came or a file OUTPUT.stop was made: the same call goes on; MCBE_ERR_CONFIG,
 *         MCBE_ERR_FINGERPRINT, MCBE_ERR_DATA, MCBE_ERR_VERSION, MCBE_ERR_IO, MCBE_ERR_LOCKED with
 *         nothing computed and nothing overwritten. A failure while computing ends all ranks
 *         through MPI_Abort: what is finished is kept. */
MCBE_NODISCARD mcbe_status_t mcbe_run(MPI_Comm comm, const mcbe_experiment_t *const *experiments,
                                      int experiment_count, const mcbe_run_options_t *options,
                                      mcbe_error_t *err);

#ifdef __cplusplus
}
#endif
#endif
