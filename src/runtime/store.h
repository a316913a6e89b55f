#ifndef MCBE_STORE_H
#define MCBE_STORE_H

#include <stdint.h>
#include <stdio.h>

#include "mcbe/status.h"
#include "plan.h"
#include "provenance.h"
#include "record.h"
#include "shard.h"

#define MCBE_STORE_MAJOR 1
#define MCBE_STORE_MINOR 1

/* Everything known of a run: what the result file is built from. Lives on rank 0. */
typedef struct mcbe_store mcbe_store_t;

/* What a result file says of itself. Strings are owned; free with mcbe_store_info_free. */
typedef struct mcbe_store_info {
    int major, minor;
    char *experiment, *mcbe_version, *git_sha1, *created_utc, *command_line;
    char *config_text, *config_resolved, *fingerprint;
    int64_t seed, complete, units, units_done, cell_count, trials;
    mcbe_shard_t shard;
} mcbe_store_info_t;

/** An empty store for a plan. Not collective.
 *  @param[in] plan, layout      borrowed, must outlive it
 *  @param[in] config_text, config_resolved  copied; the fingerprint follows from the latter
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_store_create(mcbe_store_t **store, const char *experiment,
                                               int64_t seed, const mcbe_plan_t *plan,
                                               const mcbe_layout_t *layout, const char *config_text,
                                               const char *config_resolved);
void mcbe_store_destroy(mcbe_store_t **store);

/** Make it the store of one shard, which is complete when its own units are there. To be called before
 *  anything is put. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_store_restrict(mcbe_store_t *store, mcbe_shard_t shard);
/** Does a unit belong to this store's shard? */
int mcbe_store_owns(const mcbe_store_t *store, int64_t unit);
/** Units of this store's shard. */
int64_t mcbe_store_owned(const mcbe_store_t *store);

/** Take a finished unit. Its memory is taken over and the record zeroed; on error it stays the
 *  caller's as it was. A unit that is there already must have the same words and is kept. A record
 *  that is `earlier` does not finish its unit: it is kept beside, the last one of several, until the
 *  unit is finished; those of units that are finished or of other shards are dropped.
 *  @return MCBE_OK; MCBE_ERR_DATA if the unit is outside the plan or the shard, of a wrong length, holds a value
 *         its column cannot store, or differs from the one that is there */
MCBE_NODISCARD mcbe_status_t mcbe_store_put(mcbe_store_t *store, mcbe_record_t *record,
                                            mcbe_error_t *err);
/** The record of a unit, or NULL. Borrowed. */
const mcbe_record_t *mcbe_store_get(const mcbe_store_t *store, int64_t cell, int64_t trial);
/** The earlier record of a unit that is not finished, or NULL. Borrowed. */
const mcbe_record_t *mcbe_store_earlier(const mcbe_store_t *store, int64_t cell, int64_t trial);
/** How many such units there are. */
int64_t mcbe_store_earlier_count(const mcbe_store_t *store);
/** [units] non-zero for finished ones. Borrowed. */
const unsigned char *mcbe_store_done(const mcbe_store_t *store);
int64_t mcbe_store_done_count(const mcbe_store_t *store);

/** Write the file as PATH.tmp.PID, fsync, rename over PATH, fsync the folder. The file that was
 *  there becomes PATH.prev if keep_previous. On error PATH is as it was and no temporary file stays
 *  (only if the folder cannot be synced is PATH the new file).
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_NOMEM.  Memory: the file twice, on top of the store */
MCBE_NODISCARD mcbe_status_t mcbe_store_commit(const mcbe_store_t *store, const char *path,
                                               const mcbe_provenance_t *provenance,
                                               int keep_previous, mcbe_error_t *err);

/** Is it one of our files, of a version we read, and what is it? In this order: exists and is HDF5,
 *  filetype, version, the other attributes.
 *  @param[out] info  zeroed on error
 *  @return MCBE_OK; MCBE_ERR_IO (cannot be opened); MCBE_ERR_DATA (not ours); MCBE_ERR_VERSION;
 *         MCBE_ERR_CORRUPT; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_store_peek(const char *path, mcbe_store_info_t *info,
                                             mcbe_error_t *err);
void mcbe_store_info_free(mcbe_store_info_t *info);

/** Read every finished unit of a file into a store made for the same config (more trials are fine).
 *  If that asks more of every unit (mcbe_config_asks_more), they are earlier ones.
 *  @return MCBE_OK; MCBE_ERR_CORRUPT with the dataset named; MCBE_ERR_DATA if a unit differs from
 *         the one the store has; as mcbe_store_peek */
MCBE_NODISCARD mcbe_status_t mcbe_store_read(mcbe_store_t *store, const char *path,
                                             mcbe_error_t *err);

/** Read the segments of a file, one row per start of the run so far, and append them to a
 *  provenance. To be called before mcbe_journal_open and mcbe_provenance_start_segment.
 *  @return as mcbe_store_read */
MCBE_NODISCARD mcbe_status_t mcbe_store_read_segments(const char *path,
                                                      mcbe_provenance_t *provenance,
                                                      mcbe_error_t *err);

/** Check a file by itself: every dataset is readable (checksums) and described, shapes and offsets
 *  fit, the fingerprint is that of the stored listing, n, m, redundancy, trials_done, units and
 *  complete agree with the records.
 *  @param[in] store  made for the file's config; its records are not looked at
 *  @return MCBE_OK; the first failure, named */
MCBE_NODISCARD mcbe_status_t mcbe_store_check(const mcbe_store_t *store, const char *path,
                                              mcbe_error_t *err);

/** Print /provenance of a file, "name = value" lines, then one line per segment.
 *  @return as mcbe_store_peek */
MCBE_NODISCARD mcbe_status_t mcbe_store_provenance(const char *path, FILE *out, mcbe_error_t *err);

#endif
