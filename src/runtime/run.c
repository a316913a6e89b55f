#include "mcbe/run.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "comm.h"
#include "events.h"
#include "file.h"
#include "log.h"
#include "mcbe/cpu.h"
#include "memory.h"
#include "output.h"
#include "progress.h"
#include "queue.h"
#include "runctl.h"
#include "walltime.h"

/* One run on one rank. Fields marked (0) are set on rank 0 only. */
typedef struct run {
    const mcbe_run_options_t *options;
    mcbe_comm_t *comm;
    mcbe_log_t log; /* silent but on rank 0 */
    mcbe_fault_plan_t faults;
    char *stored_text;
    mcbe_session_t session;
    mcbe_provenance_t provenance; /* (0) */
    mcbe_output_t *output;        /* (0) */
    mcbe_progress_t progress;     /* (0) */
    mcbe_rank_pace_t *paces;      /* (0) [ranks] */
    mcbe_outlook_t outlook;       /* (0) */
    mcbe_events_t *events;        /* (0) */
    int64_t commits;              /* (0) writings of the result file seen so far */
    mcbe_runctl_t control;        /* (0) */
    char *stop_path;              /* (0) */
    int64_t *order;               /* units to do, dearest first */
    int64_t count;
} run_t;

static int is_root(const run_t *run)
{
    return mcbe_comm_rank(run->comm) == 0;
}

/* Rank 0 reads the file, so that all ranks see the same text whatever the file system shows
 * them. */
static mcbe_status_t share_config(run_t *run, char **text, size_t *length, mcbe_error_t *err)
{
    const char *given = run->options->config_text;
    mcbe_status_t st = MCBE_OK;
    if (is_root(run) && given) {
        *length = strlen(given);
        *text = mcbe_strdup(given);
        st = *text ? MCBE_OK : MCBE_ERR_NOMEM;
    } else if (is_root(run)) {
        st = mcbe_config_read(run->options->config_path, text, length, err);
    }
    if (st == MCBE_OK) {
        st = mcbe_fault_check(&run->faults, "config", err);
    }
    st = mcbe_comm_agree(run->comm, st, err);
    if (st != MCBE_OK) {
        return st;
    }
    int64_t bytes = (int64_t)*length;
    mcbe_comm_broadcast(run->comm, &bytes, sizeof bytes);
    if (!is_root(run)) {
        *length = (size_t)bytes;
        *text = mcbe_alloc(*length + 1, 1);
    }
    st = mcbe_comm_agree(run->comm, *text ? MCBE_OK : MCBE_ERR_NOMEM, err);
    if (st == MCBE_OK) {
        mcbe_comm_broadcast(run->comm, *text, *length);
    }
    return st;
}

/* Files that a configuration names are read by every rank: what they read must be the same. */
static mcbe_status_t agree_on_fingerprint(run_t *run, mcbe_error_t *err)
{
    char own[65], first[65];
    mcbe_config_fingerprint(mcbe_config_resolved(run->session.config), own);
    memcpy(first, own, sizeof first);
    mcbe_comm_broadcast(run->comm, first, sizeof first);
    mcbe_status_t st = MCBE_OK;
    if (strcmp(own, first) != 0) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "rank %d reads another content than rank 0 in a file that the configuration "
                       "names; all nodes must see the same files",
                       mcbe_comm_rank(run->comm));
    }
    return mcbe_comm_agree(run->comm, st, err);
}

static mcbe_status_t open_session(run_t *run, const mcbe_experiment_t *const *experiments,
                                  int experiment_count, mcbe_error_t *err)
{
    const mcbe_run_options_t *options = run->options;
    char *text = NULL;
    size_t length = 0;
    mcbe_status_t st = share_config(run, &text, &length, err);
    if (st == MCBE_OK) {
        st = mcbe_session_open(&run->session, experiments, experiment_count, options->config_path,
                               text, length, options->overrides, options->override_count, err);
        if (st == MCBE_OK) {
            run->stored_text =
                mcbe_session_stored_text(text, options->overrides, options->override_count);
            st = run->stored_text ? MCBE_OK : MCBE_ERR_NOMEM;
        }
        st = mcbe_comm_agree(run->comm, st, err);
    }
    if (st == MCBE_OK) {
        st = agree_on_fingerprint(run, err);
    }
    mcbe_free(text);
    return st;
}

/* "host1 x 4, host2 x 4", in the order of first appearance */
static mcbe_status_t add_hosts(run_t *run)
{
    char host[256] = "";
    void *all = NULL;
    mcbe_comm_host(host, sizeof host);
    size_t *sizes = mcbe_alloc((size_t)mcbe_comm_size(run->comm), sizeof *sizes);
    mcbe_status_t st = mcbe_comm_agree(run->comm, sizes ? MCBE_OK : MCBE_ERR_NOMEM, NULL);
    if (st == MCBE_OK) {
        st = mcbe_comm_gather(run->comm, host, sizeof host, &all, sizes);
    }
    if (st == MCBE_OK && is_root(run)) {
        char text[4096] = "";
        const char(*name)[sizeof host] = all;
        for (int r = 0; r < mcbe_comm_size(run->comm); r++) {
            int ranks = 0, seen = 0;
            for (int i = 0; i < mcbe_comm_size(run->comm); i++) {
                const int same = !strcmp(name[i], name[r]);
                ranks += same;
                seen |= same && i < r;
            }
            const size_t used = strlen(text);
            if (!seen) {
                snprintf(text + used, sizeof text - used, "%s%s x %d", used ? ", " : "", name[r],
                         ranks);
            }
        }
        st = mcbe_provenance_add(&run->provenance, "hosts", "%s", text);
    }
    mcbe_free(all);
    mcbe_free(sizes);
    return st;
}

static mcbe_status_t collect_provenance(run_t *run)
{
    char library[1024];
    mcbe_status_t st = add_hosts(run);
    if (st != MCBE_OK || !is_root(run)) {
        return st;
    }
    mcbe_comm_library(library, sizeof library);
    MCBE_TRY(mcbe_provenance_collect(&run->provenance, run->options->argc, run->options->argv));
    MCBE_TRY(mcbe_provenance_add(&run->provenance, "mpi_library", "%s", library));
    MCBE_TRY(mcbe_provenance_add(&run->provenance, "mpi_ranks", "%d", mcbe_comm_size(run->comm)));
out:
    return st;
}

/* Programs that watch the run get its messages, too. */
static mcbe_status_t open_events(run_t *run, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    if (is_root(run)) {
        const mcbe_clock_t clock = mcbe_clock_monotonic();
        st = mcbe_events_open(&run->events, run->options->event_log, &clock, err);
        run->log.listener = mcbe_events_message;
        run->log.context = run->events;
    }
    return mcbe_comm_agree(run->comm, st, err);
}

static mcbe_shard_t shard_of(const mcbe_run_options_t *options)
{
    return options->shards > 0 ? (mcbe_shard_t){.index = options->shard, .count = options->shards}
                               : MCBE_SHARD_WHOLE;
}

static mcbe_status_t open_output(run_t *run, mcbe_error_t *err)
{
    mcbe_status_t st = mcbe_comm_agree(run->comm, collect_provenance(run), err);
    if (st == MCBE_OK && is_root(run)) {
        const mcbe_output_options_t options = {
            .path = run->options->output,
            .stored_text = run->stored_text,
            .shard = shard_of(run->options),
            .fresh = run->options->fresh,
            .checkpoint_seconds = mcbe_config_real(run->session.config, "run.checkpoint_seconds"),
            .clock = mcbe_clock_monotonic(),
            .log = run->log};
        st = mcbe_output_open(&run->output, &run->session, &options, &run->provenance,
                              mcbe_comm_size(run->comm), err);
    }
    return mcbe_comm_agree(run->comm, st, err);
}

/* What is left to do, known to every rank since the group size follows from it. */
static mcbe_status_t list_work(run_t *run, mcbe_error_t *err)
{
    const size_t units = (size_t)mcbe_plan_units(&run->session.plan);
    unsigned char *done = mcbe_alloc(units, sizeof *done);
    mcbe_status_t st = done ? MCBE_OK : MCBE_ERR_NOMEM;
    st = mcbe_comm_agree(run->comm, st, err);
    if (st == MCBE_OK) {
        if (is_root(run)) {
            const mcbe_store_t *store = mcbe_output_store(run->output);
            for (size_t unit = 0; unit < units; unit++) {
                done[unit] = mcbe_store_done(store)[unit] || !mcbe_store_owns(store, (int64_t)unit);
            }
        }
        mcbe_comm_broadcast(run->comm, done, units);
        st = mcbe_plan_order(&run->session.plan, done, &run->order, &run->count);
        st = mcbe_comm_agree(run->comm, st, err);
    }
    mcbe_free(done);
    return st;
}

/* Units of this run's shard: all of them, or those that are done. */
static mcbe_work_t work_of(const mcbe_plan_t *plan, const mcbe_store_t *store, int done_only)
{
    mcbe_work_t work = {0};
    for (int64_t unit = 0; unit < mcbe_plan_units(plan); unit++) {
        if (mcbe_store_owns(store, unit) && (!done_only || mcbe_store_done(store)[unit])) {
            work.units++;
            work.cost += plan->cells[unit / plan->trials].seconds;
        }
    }
    return work;
}

/* Work of some cost joins what is left (sign 1) or leaves it (sign -1). */
static void look_ahead(run_t *run, double cost, double sign)
{
    run->outlook.planned += sign * cost;
    run->outlook.planned_square += sign * cost * cost;
}

static void start_progress(run_t *run)
{
    const mcbe_plan_t *plan = &run->session.plan;
    const mcbe_clock_t clock = mcbe_clock_monotonic();
    const mcbe_store_t *store = mcbe_output_store(run->output);
    const mcbe_work_t total = work_of(plan, store, 0), before = work_of(plan, store, 1);
    if (before.units > 0) {
        mcbe_log_line(&run->log, MCBE_LOG_INFO, "continuing '%s': %lld of %lld units are finished",
                      run->options->output, (long long)before.units, (long long)total.units);
    }
    if (mcbe_store_earlier_count(store) > 0) {
        mcbe_log_line(&run->log, MCBE_LOG_INFO,
                      "'%s': %lld units were finished when less was asked of each; they go on from "
                      "there",
                      run->options->output, (long long)mcbe_store_earlier_count(store));
    }
    mcbe_progress_init(&run->progress, run->options->progress, run->log.stream, &clock, &total,
                       &before, MCBE_PROGRESS_INTERVAL);
    run->outlook = (mcbe_outlook_t){
        .pace = &run->control.pace, .ranks = run->paces, .rank_count = mcbe_comm_size(run->comm)};
    for (int64_t i = 0; i < run->count; i++) {
        look_ahead(run, mcbe_plan_job_seconds(plan, run->order[i]), 1.0);
    }
    mcbe_progress_watch(&run->progress, &run->outlook);
    mcbe_events_start(run->events, run->options->output, mcbe_comm_size(run->comm), before.units,
                      total.units);
}

static mcbe_status_t deliver(void *context, mcbe_record_t *record, mcbe_error_t *err)
{
    run_t *run = context;
    const double cost = run->session.plan.cells[record->cell].seconds;
    /* a job that was cut short is computed again as a whole */
    const int known =
        mcbe_store_get(mcbe_output_store(run->output), record->cell, record->trial) != NULL;
    mcbe_status_t st = mcbe_fault_check(&run->faults, "write", err);
    if (st == MCBE_OK && !known) {
        run->paces[record->rank].planned += cost;
        run->paces[record->rank].measured += record->seconds;
        look_ahead(run, cost, -1.0);
        mcbe_events_unit(run->events, &run->session.plan.cells[record->cell], record);
    }
    if (st == MCBE_OK) {
        st = mcbe_output_put(run->output, record, err);
    }
    if (st != MCBE_OK) {
        mcbe_progress_clear(&run->progress);
    } else if (!known) {
        mcbe_progress_unit(&run->progress, cost);
    }
    return st;
}

static const mcbe_record_t *earlier(void *context, int64_t cell, int64_t trial)
{
    const run_t *run = context;
    return mcbe_store_earlier(mcbe_output_store(run->output), cell, trial);
}

/* The result file may have been written since the last look. */
static void note_commit(run_t *run)
{
    const mcbe_output_cost_t cost = mcbe_output_cost(run->output);
    if (cost.files > run->commits) {
        run->commits = cost.files;
        mcbe_runctl_checkpoint(&run->control, cost.last_file_seconds);
        mcbe_events_checkpoint(run->events, mcbe_store_done_count(mcbe_output_store(run->output)),
                               cost.last_file_seconds);
    }
}

static void tick(void *context)
{
    run_t *run = context;
    mcbe_error_t err = {0};
    mcbe_progress_tick(&run->progress);
    mcbe_status_t st = mcbe_output_tick(run->output, &err);
    note_commit(run);
    if (st != MCBE_OK) {
        mcbe_progress_clear(&run->progress);
        mcbe_comm_abort(run->comm, st, err.text);
    }
}

/* How long this run may take, and who says so. */
static double time_limit(const run_t *run, const char **source)
{
    const double configured = mcbe_config_real(run->session.config, "run.max_walltime");
    double limit = (double)INFINITY;
    if (run->options->max_walltime > 0.0) {
        *source = "--max-walltime";
        return run->options->max_walltime;
    }
    if (configured > 0.0) {
        *source = "run.max_walltime";
        return configured;
    }
    *source = mcbe_walltime_of_job(&limit, &run->log);
    return limit;
}

static mcbe_status_t start_control(run_t *run)
{
    const char *source = NULL;
    run->stop_path = mcbe_file_suffixed(run->options->output, ".stop");
    run->paces = mcbe_alloc((size_t)mcbe_comm_size(run->comm), sizeof *run->paces);
    if (!run->stop_path || !run->paces) {
        return MCBE_ERR_NOMEM;
    }
    const mcbe_runctl_options_t options = {
        .limit = time_limit(run, &source),
        .padding = (double)mcbe_config_int(run->session.config, "run.stop_padding"),
        .stop_path = run->stop_path,
        .clock = mcbe_clock_monotonic(),
        .log = run->log};
    mcbe_runctl_init(&run->control, &options);
    if (isfinite(options.limit)) {
        char span[32], padding[32];
        mcbe_clock_span(span, sizeof span, options.limit);
        mcbe_clock_span(padding, sizeof padding, mcbe_runctl_padding(&run->control));
        mcbe_log_line(&run->log, MCBE_LOG_INFO,
                      "time limit %s (%s), of which %s are kept free at the end", span, source,
                      padding);
    }
    return MCBE_OK;
}

/* Write the result file, whole or in part, and say how far it is. */
static mcbe_status_t finish(run_t *run, const mcbe_stop_t *stop, mcbe_error_t *err)
{
    const mcbe_store_t *store = mcbe_output_store(run->output);
    const long long done = (long long)mcbe_store_done_count(store),
                    total = (long long)mcbe_store_owned(store);
    char name[MCBE_STOP_NAME] = "complete";
    if (done < total) {
        mcbe_stop_name(stop, name);
    }
    mcbe_status_t st = mcbe_output_finish(run->output, name, err);
    note_commit(run);
    const mcbe_output_cost_t cost = mcbe_output_cost(run->output);
    mcbe_events_end(run->events, st == MCBE_OK ? name : "failed", done, total,
                    cost.record_seconds + cost.sync_seconds + cost.file_seconds);
    mcbe_progress_end(&run->progress, st == MCBE_OK ? name : "failed");
    if (st == MCBE_OK && done < total) {
        st = mcbe_fail(err, MCBE_STOPPED,
                       "stopped by %s: %lld of %lld units of '%s' are finished; the same command "
                       "continues",
                       name, done, total, run->options->output);
    }
    return st;
}

static mcbe_status_t compute(run_t *run, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    const int ranks = mcbe_comm_size(run->comm);
    const int goes_on =
        is_root(run) && mcbe_store_earlier_count(mcbe_output_store(run->output)) > 0;
    const mcbe_queue_t queue = {.session = &run->session,
                                .order = run->order,
                                .count = run->count,
                                .group_size = mcbe_plan_group_size(
                                    &run->session.plan, run->order, run->count, ranks,
                                    mcbe_config_int(run->session.config, "run.ranks_per_unit")),
                                .faults = &run->faults,
                                .signal_seen = run->options->signal_seen,
                                .deliver = deliver,
                                .tick = tick,
                                .earlier = goes_on ? earlier : NULL,
                                .context = run,
                                .control = &run->control};
    if (is_root(run)) {
        start_progress(run);
    }
    const mcbe_stop_t stop = mcbe_queue_run(&queue, run->comm);
    if (is_root(run)) {
        st = finish(run, &stop, err);
    }
    return mcbe_comm_agree(run->comm, st, err);
}

static int nothing_to_do(run_t *run)
{
    int settled = is_root(run) && mcbe_output_settled(run->output);
    mcbe_comm_broadcast(run->comm, &settled, sizeof settled);
    return settled;
}

static mcbe_status_t run_all(run_t *run, const mcbe_experiment_t *const *experiments,
                             int experiment_count, mcbe_error_t *err)
{
    mcbe_status_t st;
    MCBE_TRY(mcbe_comm_agree(
        run->comm,
        mcbe_fault_init(&run->faults, mcbe_comm_rank(run->comm), mcbe_comm_size(run->comm), err),
        err));
    MCBE_TRY(mcbe_comm_agree(run->comm, mcbe_cpu_check(err), err));
    MCBE_TRY(open_session(run, experiments, experiment_count, err));
    MCBE_TRY(open_events(run, err));
    MCBE_TRY(open_output(run, err));
    MCBE_TRY(list_work(run, err));
    if (nothing_to_do(run)) {
        mcbe_log_line(&run->log, MCBE_LOG_INFO, "'%s' is complete already; nothing to do",
                      run->options->output);
    } else {
        if (is_root(run)) {
            st = start_control(run);
        }
        MCBE_TRY(mcbe_comm_agree(run->comm, st, err));
        MCBE_TRY(compute(run, err));
    }
out:
    return st;
}

mcbe_status_t mcbe_run(MPI_Comm comm, const mcbe_experiment_t *const *experiments,
                       int experiment_count, const mcbe_run_options_t *options, mcbe_error_t *err)
{
    run_t run = {.options = options};
    if (options->shards > 0 && !mcbe_shard_is_valid(options->shard, options->shards)) {
        return mcbe_fail(err, MCBE_ERR_USAGE, "there is no shard %d of %d", options->shard,
                         options->shards);
    }
    mcbe_status_t st = mcbe_comm_create(&run.comm, comm);
    if (st != MCBE_OK) {
        return st;
    }
    mcbe_blas_single_thread();
    run.log = (mcbe_log_t){.stream = is_root(&run) ? options->log : NULL, .level = MCBE_LOG_INFO};
    st = run_all(&run, experiments, experiment_count, err);
    mcbe_free(run.order);
    mcbe_free(run.stop_path);
    mcbe_free(run.paces);
    mcbe_output_close(&run.output);
    mcbe_events_close(&run.events);
    mcbe_provenance_free(&run.provenance);
    mcbe_session_close(&run.session);
    mcbe_free(run.stored_text);
    mcbe_comm_destroy(&run.comm);
    return st;
}
