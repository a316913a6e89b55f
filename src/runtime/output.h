#ifndef MCBE_OUTPUT_H
#define MCBE_OUTPUT_H

/* The output of a run on rank 0: finds out what is there already, keeps every finished unit in the
 * journal at once, rebuilds the result file at intervals, and leaves a complete one behind. */

#include "clock.h"
#include "log.h"
#include "provenance.h"
#include "session.h"
#include "store.h"

typedef struct mcbe_output mcbe_output_t;

typedef struct mcbe_output_options {
    const char *path;        /* borrowed while opening */
    const char *stored_text; /* see mcbe_session_stored_text; borrowed while opening */
    mcbe_shard_t shard;
    int fresh; /* an existing output of ours becomes PATH.prev instead of being continued */
    double checkpoint_seconds;
    mcbe_clock_t clock;
    mcbe_log_t log;
} mcbe_output_options_t;

/** Lock the output, check what is there, load what is finished, open the journal. Not collective:
 *  rank 0. On any error nothing has been changed, but that a file may have been set aside. An
 *  output that is complete is left untouched: see mcbe_output_settled. A damaged result file becomes
 *  PATH.damaged, with a warning, if there is a journal to make it anew from.
 *  @param[in,out] session     borrowed, must outlive it (its config's listing is resolved here)
 *  @param[in,out] provenance  borrowed, must outlive it; gets the segments of earlier starts
 *  @return MCBE_OK; MCBE_ERR_LOCKED, MCBE_ERR_IO, MCBE_ERR_DATA, MCBE_ERR_VERSION,
 *         MCBE_ERR_CORRUPT, MCBE_ERR_FINGERPRINT (another configuration: the keys that differ are
 *         named); MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_output_open(mcbe_output_t **output, mcbe_session_t *session,
                                              const mcbe_output_options_t *options,
                                              mcbe_provenance_t *provenance, int ranks,
                                              mcbe_error_t *err);
/** Close without writing anything; what was journalled stays. Releases the lock. Accepts NULL
 *  inside. */
void mcbe_output_close(mcbe_output_t **output);

/** Was the result file complete when it was opened, without a journal left to clear up? Then there
 *  is nothing to do, and the calls below but mcbe_output_store are not to be used. */
int mcbe_output_settled(const mcbe_output_t *output);
/** The units kept so far. Borrowed. */
const mcbe_store_t *mcbe_output_store(const mcbe_output_t *output);

/** Keep a finished unit; takes its memory over. One that is there already must be the same. @return
 *  MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_output_put(mcbe_output_t *output, mcbe_record_t *record,
                                             mcbe_error_t *err);
/** The same for a unit that was computed elsewhere: it does not count as one of this segment. */
MCBE_NODISCARD mcbe_status_t mcbe_output_adopt(mcbe_output_t *output, mcbe_record_t *record,
                                               mcbe_error_t *err);
/** Sync the journal and rebuild the result file when it is time: every few seconds and every
 *  checkpoint_seconds, or so much less often that both together take at most 1 % of the time. Not
 *  as long as units of an earlier, smaller run are still to go on: the file there has them, a new one
 *  would not.
 *  @return MCBE_OK; MCBE_ERR_IO */
MCBE_NODISCARD mcbe_status_t mcbe_output_tick(mcbe_output_t *output, mcbe_error_t *err);

/** Write the result file, unless units of an earlier, smaller run are still to go on; once it is complete and durable the journal goes.
 *  @param[in] reason  why the run ends, for the segment table: "complete", ... */
MCBE_NODISCARD mcbe_status_t mcbe_output_finish(mcbe_output_t *output, const char *reason,
                                                mcbe_error_t *err);

/* What keeping the results has cost since the output was opened. */
typedef struct mcbe_output_cost {
    int64_t records, syncs, files; /* appended to the journal; of the journal; result files built */
    double record_seconds, sync_seconds, file_seconds;
    double last_file_seconds; /* what the last one took */
} mcbe_output_cost_t;
mcbe_output_cost_t mcbe_output_cost(const mcbe_output_t *output);

#endif
