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
#include "duty.h"

#define JOURNAL_SYNC_SECONDS 3.0
/* Of the time of a run that goes on, for syncing the journal and for rewriting the result file. */
#define SYNC_SHARE 0.005
#define CHECKPOINT_SHARE 0.005

struct mcbe_output {
    char *path, *journal_path;     /* owned */
    char *listing;                 /* owned: what the output must have been made for */
    mcbe_session_t *session;       /* borrowed */
    mcbe_provenance_t *provenance; /* borrowed */
    mcbe_lock_t *lock;
    mcbe_store_t *store;
    mcbe_journal_t *journal; /* NULL if the output was complete when opened */
    mcbe_clock_t clock;
    mcbe_duty_t append, sync, checkpoint; /* append: only to add up what it costs */
    int keep_previous;                    /* the file that was there is still to become PATH.prev */
    int64_t units_before;                 /* finished before this start, or elsewhere */
    int unsaved;                          /* units since the result file was last written */
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

/* Rename a result or a journal before the run makes its own, so that the new one, if it is killed,
 * is continued like any other. */
static mcbe_status_t set_aside(const char *path, const char *suffix, mcbe_error_t *err)
{
    char *aside = mcbe_file_suffixed(path, suffix);
    mcbe_status_t st = aside ? MCBE_OK : MCBE_ERR_NOMEM;
    const int problem = st == MCBE_OK ? mcbe_file_rename(path, aside) : 0;
    if (problem) {
        st = mcbe_fail(err, MCBE_ERR_IO, "cannot rename '%s' to '%s': %s", path, aside,
                       strerror(problem));
    }
    mcbe_free(aside);
    return st;
}

/* The result file, if there is one: ours, readable, of this configuration. Loads its units, or if
 * fresh makes room for another. */
static mcbe_status_t read_result(mcbe_output_t *o, int fresh, mcbe_error_t *err)
{
    mcbe_store_info_t info = {0};
    char *listing = NULL;
    mcbe_status_t st;
    MCBE_TRY(mcbe_store_peek(o->path, &info, err));
    if (fresh) {
        st = set_aside(o->path, ".prev", err);
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

/* Read what is there. A damaged result file gives way to the journal beside it, which is ours and of
 * this configuration: what that lacks is computed again. Without a journal it is an error. */
static mcbe_status_t load_result(mcbe_output_t *o, int fresh, const mcbe_log_t *log,
                                 mcbe_error_t *err)
{
    mcbe_error_t problem = {0};
    const mcbe_status_t st = exists(o->path) ? read_result(o, fresh, &problem) : MCBE_OK;
    const int damaged = st == MCBE_ERR_DATA || st == MCBE_ERR_CORRUPT;
    if (st == MCBE_OK) {
        return st;
    }
    if (damaged && exists(o->journal_path)) {
        mcbe_log_line(log, MCBE_LOG_WARNING,
                      "%s; it is made anew from '%s', and the damaged file kept as '%s.damaged'",
                      problem.text, o->journal_path, o->path);
        o->keep_previous = 0;
        return set_aside(o->path, ".damaged", err);
    }
    const char *text = problem.text[0] ? problem.text : mcbe_strerror(st);
    if (!damaged) {
        return mcbe_fail(err, st, "%s", text);
    }
    return mcbe_fail(err, st,
                     "%s; there is no journal '%s' to make it anew from, so put a copy of the file "
                     "back, or move it away to compute everything again",
                     text, o->journal_path);
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
        MCBE_TRY(set_aside(o->journal_path, ".prev", err));
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
    MCBE_TRY(load_result(o, options->fresh, &options->log, err));
    if (!(complete(o) && exists(o->path) && !exists(o->journal_path))) {
        MCBE_TRY(open_journal(o, options->fresh, &options->log, err));
        o->units_before = mcbe_store_done_count(o->store);
        MCBE_TRY(mcbe_journal_append_listing(o->journal, o->listing, err));
        MCBE_TRY(mcbe_provenance_start_segment(provenance, ranks));
        MCBE_TRY(mcbe_journal_append_segment(o->journal, provenance, err));
    }
    const double now = mcbe_clock_now(&o->clock);
    o->append = mcbe_duty_begin(0.0, SYNC_SHARE, now);
    o->sync = mcbe_duty_begin(JOURNAL_SYNC_SECONDS, SYNC_SHARE, now);
    o->checkpoint = mcbe_duty_begin(options->checkpoint_seconds, CHECKPOINT_SHARE, now);
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
        const double begun = mcbe_clock_now(&o->clock);
        st = mcbe_journal_append(o->journal, record, err);
        mcbe_duty_done(&o->append, begun, mcbe_clock_now(&o->clock));
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

static mcbe_status_t sync_journal(mcbe_output_t *o, mcbe_error_t *err)
{
    const double begun = mcbe_clock_now(&o->clock);
    const mcbe_status_t st = mcbe_journal_sync(o->journal, err);
    mcbe_duty_done(&o->sync, begun, mcbe_clock_now(&o->clock));
    return st;
}

/* Would a rewritten result file lack units that the one there has? While units of an earlier, smaller run
 * still go on, it stays as it is and the journal has the rest. */
static int must_wait(const mcbe_output_t *o)
{
    return mcbe_store_earlier_count(o->store) > 0;
}

static mcbe_status_t commit(mcbe_output_t *o, const char *reason, mcbe_error_t *err)
{
    const double begun = mcbe_clock_now(&o->clock);
    mcbe_provenance_end_segment(o->provenance, mcbe_store_done_count(o->store) - o->units_before,
                                reason);
    mcbe_status_t st = mcbe_store_commit(o->store, o->path, o->provenance, o->keep_previous, err);
    if (st == MCBE_OK) {
        o->keep_previous = 0;
        o->unsaved = 0;
    }
    mcbe_duty_done(&o->checkpoint, begun, mcbe_clock_now(&o->clock));
    return st;
}

mcbe_status_t mcbe_output_tick(mcbe_output_t *o, mcbe_error_t *err)
{
    const double now = mcbe_clock_now(&o->clock);
    if (o->unsaved > 0 && !must_wait(o) && mcbe_duty_due(&o->checkpoint, now)) {
        return commit(o, MCBE_SEGMENT_RUNNING, err);
    }
    return mcbe_duty_due(&o->sync, now) ? sync_journal(o, err) : MCBE_OK;
}

mcbe_status_t mcbe_output_finish(mcbe_output_t *o, const char *reason, mcbe_error_t *err)
{
    mcbe_status_t st = sync_journal(o, err);
    if (st == MCBE_OK && must_wait(o)) {
        mcbe_provenance_end_segment(o->provenance,
                                    mcbe_store_done_count(o->store) - o->units_before, reason);
        st = mcbe_journal_append_segment(o->journal, o->provenance, err);
        return st == MCBE_OK ? mcbe_journal_sync(o->journal, err) : st;
    }
    if (st == MCBE_OK) {
        st = commit(o, reason, err);
    }
    if (st == MCBE_OK && complete(o)) {
        mcbe_journal_close(&o->journal);
        if (unlink(o->journal_path) != 0 && errno != ENOENT) {
            st = mcbe_fail(err, MCBE_ERR_IO, "'%s' is complete, but '%s' cannot be removed: %s",
                           o->path, o->journal_path, strerror(errno));
        }
    }
    return st;
}

mcbe_output_cost_t mcbe_output_cost(const mcbe_output_t *o)
{
    return (mcbe_output_cost_t){.records = o->append.count,
                                .syncs = o->sync.count,
                                .files = o->checkpoint.count,
                                .record_seconds = o->append.seconds,
                                .sync_seconds = o->sync.seconds,
                                .file_seconds = o->checkpoint.seconds,
                                .last_file_seconds = o->checkpoint.took};
}
