#include "store_internal.h"

#include <string.h>

#include "check.h"
#include "config.h"
#include "memory.h"

mcbe_status_t mcbe_store_no_memory(mcbe_error_t *err, const char *path)
{
    return mcbe_fail(err, MCBE_ERR_NOMEM, "no memory for '%s'", path);
}

mcbe_status_t mcbe_store_create(mcbe_store_t **store, const char *experiment, int64_t seed,
                                const mcbe_plan_t *plan, const mcbe_layout_t *layout,
                                const char *config_text, const char *config_resolved)
{
    mcbe_status_t st = MCBE_ERR_NOMEM;
    size_t units = (size_t)mcbe_plan_units(plan);
    *store = NULL;
    mcbe_store_t *made = mcbe_alloc(1, sizeof *made);
    if (!made) {
        goto out;
    }
    made->seed = seed;
    made->shard = MCBE_SHARD_WHOLE;
    made->own_count = (int64_t)units;
    made->plan = plan;
    made->layout = layout;
    made->experiment = mcbe_strdup(experiment);
    made->config_text = mcbe_strdup(config_text);
    made->config_resolved = mcbe_strdup(config_resolved);
    made->records = mcbe_alloc(units, sizeof *made->records);
    made->done = mcbe_alloc(units, sizeof *made->done);
    if (!made->experiment || !made->config_text || !made->config_resolved || !made->records ||
        !made->done) {
        goto out;
    }
    mcbe_config_fingerprint(config_resolved, made->fingerprint);
    *store = made;
    made = NULL;
    st = MCBE_OK;
out:
    mcbe_store_destroy(&made);
    return st;
}

void mcbe_store_destroy(mcbe_store_t **store)
{
    mcbe_store_t *dead = *store;
    if (!dead) {
        return;
    }
    for (int64_t u = 0; dead->records && u < mcbe_plan_units(dead->plan); u++) {
        mcbe_record_free(&dead->records[u]);
    }
    mcbe_free(dead->own);
    mcbe_free(dead->done);
    mcbe_free(dead->records);
    mcbe_free(dead->config_resolved);
    mcbe_free(dead->config_text);
    mcbe_free(dead->experiment);
    mcbe_free(dead);
    *store = NULL;
}

mcbe_status_t mcbe_store_restrict(mcbe_store_t *store, mcbe_shard_t shard)
{
    MCBE_BUG_ASSERT(store->done_count == 0 && !store->own);
    store->shard = shard;
    return shard.count == 1 ? MCBE_OK
                            : mcbe_shard_units(store->plan, shard, &store->own, &store->own_count);
}

int mcbe_store_owns(const mcbe_store_t *store, int64_t unit)
{
    return !store->own || store->own[unit];
}

int64_t mcbe_store_owned(const mcbe_store_t *store)
{
    return store->own_count;
}

/* A record comes from a file as often as from an experiment: look at every word. */
static mcbe_status_t check_words(const mcbe_store_t *store, const mcbe_record_t *record,
                                 mcbe_error_t *err)
{
    const mcbe_layout_t *layout = store->layout;
    const mcbe_cell_t *cell = &store->plan->cells[record->cell];
    const int64_t expected = mcbe_layout_words(layout, cell);
    const int64_t more = record->word_count - expected;
    const int has_points = mcbe_layout_points(layout) >= 0;
    if (has_points ? more < 0 || more % cell->n != 0 : more != 0) {
        return mcbe_fail(
            err, MCBE_ERR_DATA, "the record of cell %lld, trial %lld has %lld words, not %lld%s",
            (long long)record->cell, (long long)record->trial, (long long)record->word_count,
            (long long)expected, has_points ? " and whole points" : "");
    }
    for (int c = 0; c < layout->count; c++) {
        const mcbe_column_t *column = &layout->columns[c];
        const int64_t *words = record->words + mcbe_layout_offset(layout, c, cell);
        const int64_t count = mcbe_column_words(column, cell);
        for (int64_t k = 0; k < count; k++) {
            if (!mcbe_column_holds(column->type, words[k])) {
                return mcbe_fail(err, MCBE_ERR_DATA,
                                 "the record of cell %lld, trial %lld has %lld for '%s', which "
                                 "cannot store it",
                                 (long long)record->cell, (long long)record->trial,
                                 (long long)words[k], column->path);
            }
        }
    }
    return MCBE_OK;
}

/* Put a record in the place of what an earlier run left. */
static void place_record(mcbe_store_t *store, int64_t unit, mcbe_record_t *record)
{
    mcbe_record_t *place = &store->records[unit];
    store->earlier_count += record->earlier - place->earlier;
    store->done[unit] = !record->earlier;
    store->done_count += !record->earlier;
    mcbe_record_free(place);
    *place = *record;
    *record = (mcbe_record_t){0};
}

mcbe_status_t mcbe_store_put(mcbe_store_t *store, mcbe_record_t *record, mcbe_error_t *err)
{
    const mcbe_plan_t *plan = store->plan;
    if (record->cell < 0 || record->cell >= plan->cell_count || record->trial < 0 ||
        record->trial >= plan->trials) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "the record of cell %lld, trial %lld is outside the plan of %lld cells "
                         "with %lld trials",
                         (long long)record->cell, (long long)record->trial,
                         (long long)plan->cell_count, (long long)plan->trials);
    }
    mcbe_status_t st = check_words(store, record, err);
    if (st) {
        return st;
    }
    int64_t unit = mcbe_plan_unit(plan, record->cell, record->trial);
    if (record->earlier && (store->done[unit] || !mcbe_store_owns(store, unit))) {
        mcbe_record_free(record);
        return MCBE_OK;
    }
    if (!mcbe_store_owns(store, unit)) {
        char name[48];
        return mcbe_fail(err, MCBE_ERR_DATA, "cell %lld, trial %lld is not of %s",
                         (long long)record->cell, (long long)record->trial,
                         mcbe_shard_name(store->shard, name));
    }
    if (store->done[unit]) {
        const mcbe_record_t *place = &store->records[unit];
        size_t bytes = (size_t)record->word_count * sizeof *record->words;
        if (place->word_count != record->word_count ||
            (bytes > 0 && memcmp(place->words, record->words, bytes) != 0)) {
            return mcbe_fail(err, MCBE_ERR_DATA,
                             "cell %lld, trial %lld (n = %lld, m = %lld) has two different records",
                             (long long)record->cell, (long long)record->trial,
                             (long long)plan->cells[record->cell].n,
                             (long long)plan->cells[record->cell].m);
        }
        mcbe_record_free(record);
        return MCBE_OK;
    }
    place_record(store, unit, record);
    return MCBE_OK;
}

const mcbe_record_t *mcbe_store_get(const mcbe_store_t *store, int64_t cell, int64_t trial)
{
    int64_t unit = mcbe_plan_unit(store->plan, cell, trial);
    return store->done[unit] ? &store->records[unit] : NULL;
}

const mcbe_record_t *mcbe_store_earlier(const mcbe_store_t *store, int64_t cell, int64_t trial)
{
    const mcbe_record_t *record = &store->records[mcbe_plan_unit(store->plan, cell, trial)];
    return record->earlier ? record : NULL;
}

int64_t mcbe_store_earlier_count(const mcbe_store_t *store)
{
    return store->earlier_count;
}

const unsigned char *mcbe_store_done(const mcbe_store_t *store)
{
    return store->done;
}

int64_t mcbe_store_done_count(const mcbe_store_t *store)
{
    return store->done_count;
}

int64_t *mcbe_store_offsets(const mcbe_plan_t *plan, int64_t trials, const mcbe_column_t *column)
{
    int64_t *offset = mcbe_alloc((size_t)(plan->cell_count * trials) + 1, sizeof *offset);
    for (int64_t cell = 0; offset && cell < plan->cell_count; cell++) {
        const int64_t words = mcbe_column_words(column, &plan->cells[cell]);
        for (int64_t unit = cell * trials; unit < (cell + 1) * trials; unit++) {
            offset[unit + 1] = offset[unit] + words;
        }
    }
    return offset;
}

int mcbe_store_is_ragged(const mcbe_column_t *column)
{
    return column->shape != MCBE_SHAPE_SCALAR && column->shape != MCBE_SHAPE_SERIES &&
           column->shape != MCBE_SHAPE_AXIS;
}

/* Length of a path's part up to and with its last '/', 0 if it has none. */
static size_t group_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

char *mcbe_store_offset_path(const mcbe_column_t *column)
{
    static const char name[] = "offset";
    size_t length = group_length(column->path);
    char *path = mcbe_alloc(length + sizeof name, 1);
    if (path) {
        memcpy(path, column->path, length);
        memcpy(path + length, name, sizeof name);
    }
    return path;
}

int mcbe_store_leads_group(const mcbe_layout_t *layout, int column)
{
    const char *path = layout->columns[column].path;
    size_t length = group_length(path);
    for (int c = 0; c < column; c++) {
        const mcbe_column_t *other = &layout->columns[c];
        if (mcbe_store_is_ragged(other) && group_length(other->path) == length &&
            strncmp(other->path, path, length) == 0) {
            MCBE_BUG_ASSERT(other->shape == layout->columns[column].shape ||
                            !mcbe_store_is_ragged(&layout->columns[column]));
            return 0;
        }
    }
    return mcbe_store_is_ragged(&layout->columns[column]);
}

hid_t mcbe_store_word_type(const mcbe_column_t *column)
{
    return column->type == MCBE_COLUMN_F64 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64;
}
