#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "file.h"
#include "journal.h"
#include "lock.h"
#include "memory.h"

#define JOURNAL_SYNC_SECONDS 3.0

struct mcbe_output {
    char *path, *journal_path;     /* owned */
    char *listing;                 /* owned: what the output must have been made for */
    mcbe_session_t *session;       /* borrowed */
    mcbe_provenance_t *provenance; /* borrowed */
    mcbe_lock_t *lock;
    mcbe_store_t *store;
    mcbe_journal_t *journal; /* NULL if the output was complete when opened */
    mcbe_clock_t clock;
    double checkpoint_seconds, next_sync, next_checkpoint;
    int keep_previous;     /* the file that was there is still to become PATH.prev */
    int64_t commits;       /* writings of the result file */
    double commit_seconds; /* what the last one took */
    int64_t units_before;  /* finished before this start */
    int unsaved;           /* units since the result file was last written */
};

static int complete(const mcbe_output_t *o)
{
    return mcbe_store_done_count(o->store) == mcbe_store_owned(o->store);
}

static int exists(const char *path)
{
    struct stat facts;
    return lstat(path, &facts) == 0;
}

/* The folder and the name are usable, before anything is created. */
static mcbe_status_t check_path(const char *path, mcbe_error_t *err)
{
    struct stat facts;
    const size_t length = strlen(path);
    if (length == 0 || path[length - 1] == '/') {
        return mcbe_fail(err, MCBE_ERR_IO, "output '%s' is no file name; name a file, OUT.h5 say",
                         path);
    }
    if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode)) {
        return mcbe_fail(err, MCBE_ERR_IO, "output '%s' is %s; a file name is needed", path,
                         S_ISDIR(facts.st_mode) ? "a folder" : "not a regular file");
    }
    char *folder = mcbe_strdup(path);
    if (!folder) {
        return MCBE_ERR_NOMEM;
    }
    char *slash = strrchr(folder, '/');
    if (slash) {
        slash[slash == folder] = '\0';
    }
    const char *name = slash ? folder : ".";
    mcbe_status_t st = MCBE_OK;
    if (stat(name, &facts) != 0 || !S_ISDIR(facts.st_mode)) {
        st = mcbe_fail(err, MCBE_ERR_IO, "output folder '%s' does not exist; make it first", name);
    } else if (access(name, W_OK | X_OK) != 0) {
        st = mcbe_fail(err, MCBE_ERR_IO, "output folder '%s' cannot be written to: %s", name,
                       strerror(errno));
    }
    mcbe_free(folder);
    return st;
}

static mcbe_status_t compare(const mcbe_output_t *o, const char *path, const char *stored,
                             mcbe_error_t *err)
{
    mcbe_error_t differences = {0};
    if (mcbe_config_compare(stored, o->listing, &differences) == MCBE_OK) {
        return MCBE_OK;
    }
    return mcbe_fail(err, MCBE_ERR_FINGERPRINT,
                     "'%s' belongs to another configuration; choose another output, or --fresh to "
                     "start anew (the old file is kept as .prev):\n%s",
                     path, differences.text);
}

/* Rename a result or a journal to PATH.prev before a fresh run makes its own, so that the new run,
 * if it is killed, is continued like any other. */
static mcbe_status_t set_aside(const char *path, mcbe_error_t *err)
{
    char *previous = mcbe_file_suffixed(path, ".prev");
    mcbe_status_t st = previous ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st == MCBE_OK && rename(path, previous) != 0) {
        st = mcbe_fail(err, MCBE_ERR_IO, "cannot rename '%s' to '%s': %s", path, previous,
                       strerror(errno));
    }
    mcbe_free(previous);
    return st;
}

/* The result file, if there is one: ours, readable, of this configuration. Loads its units, or if
 * fresh makes room for another. */
static mcbe_status_t load_result(mcbe_output_t *o, int fresh, mcbe_error_t *err)
{
    mcbe_store_info_t info = {0};
    char *listing = NULL;
    mcbe_status_t st;
    if (!exists(o->path)) {
        return MCBE_OK;
    }
    MCBE_TRY(mcbe_store_peek(o->path, &info, err));
    if (fresh) {
        st = set_aside(o->path, err);
        goto out;
    }
    o->keep_previous = info.complete != 0; /* not a stage of this very run */
    listing = mcbe_shard_listing(info.config_resolved, info.shard);
    MCBE_TRY(listing ? compare(o, o->path, listing, err) : MCBE_ERR_NOMEM);
    MCBE_TRY(mcbe_store_read(o->store, o->path, err));
    MCBE_TRY(mcbe_store_read_segments(o->path, o->provenance, err));
out:
    mcbe_free(listing);
    mcbe_store_info_free(&info);
    return st;
}

static mcbe_status_t keep_journalled(void *context, mcbe_record_t *record, mcbe_error_t *err)
{
    mcbe_output_t *o = context;
    o->unsaved++;
    return mcbe_store_put(o->store, record, err);
}

/* The journal, if there is one, must be ours and of this configuration. Looks only. */
static mcbe_status_t check_journal(const mcbe_output_t *o, int fresh, mcbe_error_t *err)
{
    char *stored = NULL;
    mcbe_status_t st = mcbe_journal_peek(o->journal_path, &stored, err);
    if (st == MCBE_OK && stored && !fresh) {
        st = compare(o, o->journal_path, stored, err);
    }
    mcbe_free(stored);
    return st;
}

/* Make a journal, or read and continue the one there is. */
static mcbe_status_t open_journal(mcbe_output_t *o, int fresh, const mcbe_log_t *log,
                                  mcbe_error_t *err)
{
    int64_t torn = 0;
    mcbe_status_t st;
    if (fresh && exists(o->journal_path)) { /* it may hold units that no result file has */
        MCBE_TRY(set_aside(o->journal_path, err));
    }
    MCBE_TRY(mcbe_journal_open(&o->journal, o->journal_path, o->listing, keep_journalled, o,
                               o->provenance, &torn, err));
    if (torn > 0) {
        mcbe_log_line(log, MCBE_LOG_WARNING,
                      "the last %lld bytes of '%s' were half a record and have been cut off",
                      (long long)torn, o->journal_path);
    }
out:
    return st;
}

static mcbe_status_t allocate(mcbe_output_t *o, mcbe_session_t *session,
                              const mcbe_output_options_t *options, mcbe_provenance_t *provenance)
{
    o->session = session;
    o->provenance = provenance;
    o->clock = options->clock;
    o->checkpoint_seconds = options->checkpoint_seconds;
    o->path = mcbe_strdup(options->path);
    o->journal_path = mcbe_file_suffixed(options->path, ".journal");
    o->listing = mcbe_shard_listing(mcbe_config_resolved(session->config), options->shard);
    if (!o->path || !o->journal_path || !o->listing) {
        return MCBE_ERR_NOMEM;
    }
    mcbe_status_t st = mcbe_store_create(&o->store, session->experiment->table.experiment,
                                         mcbe_config_int(session->config, "seed"), &session->plan,
                                         &session->layout, options->stored_text,
                                         mcbe_config_resolved(session->config));
    return st == MCBE_OK ? mcbe_store_restrict(o->store, options->shard) : st;
}

static mcbe_status_t take_lock(mcbe_output_t *o, mcbe_error_t *err)
{
    char *lock_path = mcbe_file_suffixed(o->path, ".lock");
    mcbe_status_t st =
        lock_path ? mcbe_lock_take(&o->lock, lock_path, o->path, err) : MCBE_ERR_NOMEM;
    mcbe_free(lock_path);
    return st;
}

mcbe_status_t mcbe_output_open(mcbe_output_t **output, mcbe_session_t *session,
                               const mcbe_output_options_t *options, mcbe_provenance_t *provenance,
                               int ranks, mcbe_error_t *err)
{
    mcbe_status_t st;
    mcbe_output_t *o = mcbe_alloc(1, sizeof *o);
    *output = NULL;
    if (!o) {
        return MCBE_ERR_NOMEM;
    }
    MCBE_TRY(allocate(o, session, options, provenance));
    MCBE_TRY(check_path(o->path, err));
    MCBE_TRY(take_lock(o, err));
    mcbe_file_remove_temporaries(o->path);
    mcbe_file_remove_temporaries(o->journal_path);
    MCBE_TRY(check_journal(o, options->fresh, err));
    MCBE_TRY(load_result(o, options->fresh, err));
    if (!(complete(o) && exists(o->path) && !exists(o->journal_path))) {
        MCBE_TRY(open_journal(o, options->fresh, &options->log, err));
        o->units_before = mcbe_store_done_count(o->store);
        MCBE_TRY(mcbe_provenance_start_segment(provenance, ranks));
        MCBE_TRY(mcbe_journal_append_segment(o->journal, provenance, err));
    }
    const double now = mcbe_clock_now(&o->clock);
    o->next_sync = now + JOURNAL_SYNC_SECONDS;
    o->next_checkpoint = now + o->checkpoint_seconds;
    *output = o;
    o = NULL;
out:
    mcbe_output_close(&o);
    return st;
}

void mcbe_output_close(mcbe_output_t **output)
{
    mcbe_output_t *o = *output;
    if (o) {
        mcbe_journal_close(&o->journal);
        mcbe_store_destroy(&o->store);
        mcbe_lock_release(&o->lock);
        mcbe_free(o->journal_path);
        mcbe_free(o->listing);
        mcbe_free(o->path);
        mcbe_free(o);
        *output = NULL;
    }
}

int mcbe_output_settled(const mcbe_output_t *o)
{
    return o->journal == NULL;
}

const mcbe_store_t *mcbe_output_store(const mcbe_output_t *o)
{
    return o->store;
}

mcbe_status_t mcbe_output_put(mcbe_output_t *o, mcbe_record_t *record, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    if (!mcbe_store_get(o->store, record->cell, record->trial)) {
        st = mcbe_journal_append(o->journal, record, err);
        o->unsaved++;
    }
    return st == MCBE_OK ? mcbe_store_put(o->store, record, err) : st;
}

mcbe_status_t mcbe_output_adopt(mcbe_output_t *o, mcbe_record_t *record, mcbe_error_t *err)
{
    const int64_t before = mcbe_store_done_count(o->store);
    mcbe_status_t st = mcbe_output_put(o, record, err);
    o->units_before += mcbe_store_done_count(o->store) - before;
    return st;
}

static mcbe_status_t commit(mcbe_output_t *o, const char *reason, mcbe_error_t *err)
{
    mcbe_provenance_end_segment(o->provenance, mcbe_store_done_count(o->store) - o->units_before,
                                reason);
    const double start = mcbe_clock_now(&o->clock);
    mcbe_status_t st = mcbe_store_commit(o->store, o->path, o->provenance, o->keep_previous, err);
    o->commit_seconds = mcbe_clock_now(&o->clock) - start;
    o->commits++;
    if (st == MCBE_OK) {
        o->keep_previous = 0;
        o->unsaved = 0;
        o->next_checkpoint = mcbe_clock_now(&o->clock) + o->checkpoint_seconds;
    }
    return st;
}

mcbe_status_t mcbe_output_tick(mcbe_output_t *o, mcbe_error_t *err)
{
    const double now = mcbe_clock_now(&o->clock);
    if (o->unsaved > 0 && now >= o->next_checkpoint) {
        return commit(o, MCBE_SEGMENT_RUNNING, err);
    }
    if (now >= o->next_sync) {
        o->next_sync = now + JOURNAL_SYNC_SECONDS;
        return mcbe_journal_sync(o->journal, err);
    }
    return MCBE_OK;
}

int64_t mcbe_output_commits(const mcbe_output_t *o, double *seconds)
{
    *seconds = o->commit_seconds;
    return o->commits;
}

mcbe_status_t mcbe_output_finish(mcbe_output_t *o, const char *reason, mcbe_error_t *err)
{
    mcbe_status_t st = mcbe_journal_sync(o->journal, err);
    if (st == MCBE_OK) {
        st = commit(o, reason, err);
    }
    if (st == MCBE_OK && complete(o)) {
        mcbe_journal_close(&o->journal);
        if (unlink(o->journal_path) != 0) {
            st = mcbe_fail(err, MCBE_ERR_IO, "'%s' is complete, but '%s' cannot be removed: %s",
                           o->path, o->journal_path, strerror(errno));
        }
    }
    return st;
}
