#include "merge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "file.h"
#include "lock.h"
#include "memory.h"
#include "output.h"
#include "session.h"
#include "store.h"

/* Shards that a sentence names one by one. */
#define NAMED_SHARDS 16

typedef struct merge {
    const mcbe_merge_options_t *options;
    mcbe_store_info_t *infos; /* owned, [input_count] */
    mcbe_lock_t **locks;      /* owned, [input_count] */
    mcbe_session_t session;
    mcbe_store_t *store; /* all units of all inputs */
    mcbe_provenance_t provenance;
} merge_t;

/* The first failure stays; all get their sentences. */
static void note(mcbe_status_t *first, mcbe_status_t st)
{
    *first = *first == MCBE_OK ? st : *first;
}

/* Nobody may write to an input while it is read. */
static mcbe_status_t lock_input(merge_t *merge, int i, mcbe_error_t *err)
{
    const char *path = merge->options->inputs[i];
    char *lock_path = mcbe_file_suffixed(path, ".lock");
    mcbe_status_t st =
        lock_path ? mcbe_lock_take(&merge->locks[i], lock_path, path, err) : MCBE_ERR_NOMEM;
    mcbe_free(lock_path);
    return st;
}

static mcbe_status_t look_at_inputs(merge_t *merge, mcbe_error_t *err)
{
    mcbe_status_t first = MCBE_OK;
    for (int i = 0; i < merge->options->input_count; i++) {
        mcbe_status_t st = mcbe_store_peek(merge->options->inputs[i], &merge->infos[i], err);
        note(&first, st == MCBE_OK ? lock_input(merge, i, err) : st);
    }
    return first;
}

/* Are two inputs parts of one run? */
static mcbe_status_t compare(const merge_t *merge, int i, mcbe_error_t *err)
{
    const mcbe_store_info_t *one = &merge->infos[0], *other = &merge->infos[i];
    const char *path = merge->options->inputs[i], *first = merge->options->inputs[0];
    mcbe_error_t differences = {0};
    if (strcmp(one->fingerprint, other->fingerprint) != 0 &&
        mcbe_config_compare(other->config_resolved, one->config_resolved, &differences) !=
            MCBE_OK) {
        return mcbe_fail(err, MCBE_ERR_FINGERPRINT,
                         "'%s' belongs to another configuration than '%s':\n%s", path, first,
                         differences.text);
    }
    if (mcbe_config_asks_more(other->config_resolved, one->config_resolved, &differences)) {
        return mcbe_fail(
            err, MCBE_ERR_FINGERPRINT,
            "'%s' belongs to another configuration than '%s'; all shards must have got "
            "equally far:\n%s",
            path, first, differences.text);
    }
    if (one->trials != other->trials) {
        return mcbe_fail(err, MCBE_ERR_FINGERPRINT, "'%s' has %lld trials, '%s' has %lld", path,
                         (long long)other->trials, first, (long long)one->trials);
    }
    if (one->shard.count != other->shard.count) {
        return mcbe_fail(err, MCBE_ERR_FINGERPRINT,
                         "'%s' is one of %d shards, '%s' is one of %d; all must be of one run",
                         path, other->shard.count, first, one->shard.count);
    }
    for (int k = 0; k < i; k++) {
        if (merge->infos[k].shard.index == other->shard.index) {
            return mcbe_fail(err, MCBE_ERR_DATA, "'%s' and '%s' are both shard %d", path,
                             merge->options->inputs[k], other->shard.index);
        }
    }
    return MCBE_OK;
}

static mcbe_status_t compare_inputs(const merge_t *merge, mcbe_error_t *err)
{
    mcbe_status_t first = MCBE_OK;
    for (int i = 1; i < merge->options->input_count; i++) {
        note(&first, compare(merge, i, err));
    }
    return first;
}

/* Say what is missing: an error, or with `partial` a warning. */
static mcbe_status_t report_gap(const merge_t *merge, const char *sentence, mcbe_error_t *err)
{
    if (merge->options->partial) {
        mcbe_log_line(&merge->options->log, MCBE_LOG_WARNING, "%s", sentence);
        return MCBE_OK;
    }
    return mcbe_fail(err, MCBE_ERR_DATA, "%s; --partial merges what is there", sentence);
}

static mcbe_status_t find_missing_shards(const merge_t *merge, mcbe_error_t *err)
{
    const int count = merge->infos[0].shard.count;
    char text[512];
    int missing = 0;
    unsigned char *given = mcbe_alloc((size_t)count, sizeof *given);
    if (!given) {
        return MCBE_ERR_NOMEM;
    }
    for (int i = 0; i < merge->options->input_count; i++) {
        given[merge->infos[i].shard.index] = 1;
    }
    size_t used = (size_t)snprintf(text, sizeof text, "of %d shards these are missing:", count);
    for (int s = 0; s < count; s++) {
        if (!given[s] && missing++ < NAMED_SHARDS) {
            used += (size_t)snprintf(text + used, sizeof text - used, " %d", s);
        }
    }
    if (missing > NAMED_SHARDS) {
        snprintf(text + used, sizeof text - used, " and %d more", missing - NAMED_SHARDS);
    }
    mcbe_free(given);
    return missing > 0 ? report_gap(merge, text, err) : MCBE_OK;
}

static mcbe_status_t find_unfinished_shards(const merge_t *merge, mcbe_error_t *err)
{
    mcbe_status_t first = MCBE_OK;
    for (int i = 0; i < merge->options->input_count; i++) {
        const mcbe_store_info_t *info = &merge->infos[i];
        char text[1024];
        if (!info->complete) {
            snprintf(
                text, sizeof text,
                "'%s', shard %d, is not complete: it has %lld units; its own command continues it",
                merge->options->inputs[i], info->shard.index, (long long)info->units_done);
            note(&first, report_gap(merge, text, err));
        }
    }
    return first;
}

static mcbe_status_t read_inputs(merge_t *merge, const mcbe_experiment_t *const *experiments,
                                 int experiment_count, mcbe_error_t *err)
{
    const mcbe_store_info_t *info = &merge->infos[0];
    mcbe_status_t st;
    MCBE_TRY(mcbe_session_reopen(&merge->session, experiments, experiment_count,
                                 merge->options->inputs[0], info->config_text, err));
    MCBE_TRY(mcbe_store_create(&merge->store, info->experiment, info->seed, &merge->session.plan,
                               &merge->session.layout, info->config_text, info->config_resolved));
    for (int i = 0; i < merge->options->input_count; i++) {
        MCBE_TRY(mcbe_store_read(merge->store, merge->options->inputs[i], err));
        MCBE_TRY(mcbe_store_read_segments(merge->options->inputs[i], &merge->provenance, err));
    }
out:
    return st;
}

static mcbe_status_t hand_over(const mcbe_record_t *record, mcbe_output_t *output,
                               mcbe_error_t *err)
{
    mcbe_record_t copy;
    mcbe_status_t st = mcbe_record_copy(&copy, record);
    if (st == MCBE_OK) {
        st = mcbe_output_adopt(output, &copy, err);
    }
    mcbe_record_free(&copy);
    return st;
}

static mcbe_status_t write_output(merge_t *merge, mcbe_error_t *err)
{
    const mcbe_merge_options_t *options = merge->options;
    const mcbe_plan_t *plan = &merge->session.plan;
    const mcbe_output_options_t how = {.path = options->output,
                                       .stored_text = merge->infos[0].config_text,
                                       .shard = MCBE_SHARD_WHOLE,
                                       .fresh = options->fresh,
                                       .checkpoint_seconds = 1e9, /* once, at the end */
                                       .clock = mcbe_clock_monotonic(),
                                       .log = options->log};
    mcbe_output_t *output = NULL;
    mcbe_status_t st;
    MCBE_TRY(mcbe_provenance_collect(&merge->provenance, options->argc, options->argv));
    MCBE_TRY(mcbe_output_open(&output, &merge->session, &how, &merge->provenance, 1, err));
    if (mcbe_output_settled(output)) {
        st =
            mcbe_fail(err, MCBE_ERR_USAGE,
                      "'%s' is complete already; choose another output, or --fresh to make it anew "
                      "(the old file is kept as .prev)",
                      options->output);
        goto out;
    }
    for (int64_t unit = 0; unit < mcbe_plan_units(plan); unit++) {
        const mcbe_record_t *record =
            mcbe_store_get(merge->store, unit / plan->trials, unit % plan->trials);
        if (record) {
            MCBE_TRY(hand_over(record, output, err));
        }
    }
    MCBE_TRY(mcbe_output_finish(output, "merged", err));
    mcbe_log_line(&options->log, MCBE_LOG_INFO, "merged %d shards: %lld of %lld units in '%s'",
                  options->input_count, (long long)mcbe_store_done_count(mcbe_output_store(output)),
                  (long long)mcbe_plan_units(plan), options->output);
out:
    mcbe_output_close(&output);
    return st;
}

static mcbe_status_t merge_all(merge_t *merge, const mcbe_experiment_t *const *experiments,
                               int experiment_count, mcbe_error_t *err)
{
    mcbe_status_t st;
    MCBE_TRY(look_at_inputs(merge, err));
    MCBE_TRY(compare_inputs(merge, err));
    st = find_missing_shards(merge, err);
    note(&st, find_unfinished_shards(merge, err));
    MCBE_TRY(st);
    MCBE_TRY(read_inputs(merge, experiments, experiment_count, err));
    st = write_output(merge, err);
out:
    return st;
}

mcbe_status_t mcbe_merge(const mcbe_experiment_t *const *experiments, int experiment_count,
                         const mcbe_merge_options_t *options, mcbe_error_t *err)
{
    const size_t count = (size_t)options->input_count;
    merge_t merge = {.options = options};
    merge.infos = mcbe_alloc(count, sizeof *merge.infos);
    merge.locks = mcbe_alloc(count, sizeof *merge.locks);
    mcbe_status_t st = merge.infos && merge.locks
                           ? merge_all(&merge, experiments, experiment_count, err)
                           : MCBE_ERR_NOMEM;
    mcbe_store_destroy(&merge.store);
    mcbe_session_close(&merge.session);
    mcbe_provenance_free(&merge.provenance);
    for (size_t i = 0; merge.infos && merge.locks && i < count; i++) {
        mcbe_store_info_free(&merge.infos[i]);
        mcbe_lock_release(&merge.locks[i]);
    }
    mcbe_free(merge.infos);
    mcbe_free(merge.locks);
    return st;
}
