#include "config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mcbe/rng.h"
#include "memory.h"

/* What a parse works with. */
typedef struct builder {
    mcbe_config_t *config;
    mcbe_tree_t tree;
    mcbe_report_t *report;
} builder_t;

/* A mapping and the table it is read by: the whole text, or one record of a list. */
typedef struct scope {
    const mcbe_key_t *rows;
    const char *base; /* in front of every path: "" or "biases[3]." */
    unsigned flags;   /* every value inherits these */
    int root;         /* node of the mapping */
} scope_t;

static mcbe_status_t read_scope(builder_t *b, const scope_t *scope);

/* front + back; what does not fit is cut, and matches no row. */
static void join(char path[MCBE_CONFIG_PATH], const char *front, const char *back)
{
    static const char ellipsis[] = "...";
    if (snprintf(path, MCBE_CONFIG_PATH, "%s%s", front, back) >= MCBE_CONFIG_PATH) {
        strcpy(path + MCBE_CONFIG_PATH - sizeof ellipsis, ellipsis);
    }
}

mcbe_status_t mcbe_config_append(mcbe_config_t *config, const char *base, const char *path,
                                 mcbe_value_t **value)
{
    mcbe_status_t st = MCBE_OK;
    char full[MCBE_CONFIG_PATH];
    MCBE_TRY(mcbe_grow((void **)&config->values, &config->capacity, config->count + 1,
                       sizeof *config->values));
    join(full, base, path);
    config->values[config->count] = (mcbe_value_t){.path = mcbe_strdup(full)};
    if (!config->values[config->count].path) {
        return MCBE_ERR_NOMEM;
    }
    *value = &config->values[config->count++];
out:
    return st;
}

/* --- lists of records --- */

static mcbe_status_t read_records(builder_t *b, size_t index, int list)
{
    mcbe_status_t st = MCBE_OK;
    const mcbe_key_t *row = b->config->values[index].row;
    const char *path = b->config->values[index].path;
    char wanted[MCBE_CONFIG_WANTED];
    char base[MCBE_CONFIG_PATH];
    char names[MCBE_CONFIG_WANTED];
    int i = 0;
    int count = b->tree.nodes[list].count;
    b->config->values[index].place = b->tree.nodes[list].place;
    mcbe_key_wanted(row, wanted);
    if (b->tree.nodes[list].kind != MCBE_NODE_LIST) {
        mcbe_value_refuse(b->report, &b->tree.nodes[list], path, wanted);
        goto out;
    }
    int bounded = row->min != 0 || row->max != 0;
    if (bounded && (count < row->min || count > row->max)) {
        mcbe_report_add(b->report, b->tree.nodes[list].place, path, "a list of %d is not %s", count,
                        wanted);
        goto out;
    }
    if (count > MCBE_CONFIG_RECORDS) {
        mcbe_report_add(b->report, b->tree.nodes[list].place, path,
                        "a list of %d is longer than any experiment's (over %d)", count,
                        MCBE_CONFIG_RECORDS);
        goto out;
    }
    for (int at = b->tree.nodes[list].first; at >= 0; at = b->tree.nodes[at].next, i++) {
        if (b->tree.nodes[at].kind != MCBE_NODE_MAP) {
            mcbe_rows_names(row->fields, "", names);
            snprintf(wanted, sizeof wanted, "a mapping with the keys %.*s", MCBE_CONFIG_WANTED - 32,
                     names);
            snprintf(base, sizeof base, "%s[%d]", path, i);
            mcbe_value_refuse(b->report, &b->tree.nodes[at], base, wanted);
            continue;
        }
        snprintf(base, sizeof base, "%s[%d].", path, i);
        MCBE_TRY(read_scope(b, &(scope_t){.rows = row->fields,
                                          .base = base,
                                          .flags = b->config->values[index].flags,
                                          .root = at}));
    }
    b->config->values[index].integer = count;
    b->config->values[index].valid = 1;
out:
    return st;
}

/* --- one mapping --- */

static mcbe_status_t read_row(builder_t *b, const scope_t *scope, const mcbe_key_t *row, int node,
                              int given)
{
    mcbe_status_t st = MCBE_OK;
    mcbe_value_t *value = NULL;
    MCBE_TRY(mcbe_config_append(b->config, scope->base, row->path, &value));
    value->row = row;
    value->flags = row->flags | scope->flags;
    value->given = given;
    if (row->type == MCBE_KEY_RECORDS) {
        MCBE_TRY(read_records(b, b->config->count - 1, node));
    } else {
        MCBE_TRY(mcbe_value_read(value, &b->tree, node, b->report));
    }
out:
    return st;
}

static void report_unknown(builder_t *b, const scope_t *scope, const char *path, const char *prefix,
                           mcbe_place_t place)
{
    char nearest[MCBE_CONFIG_PATH];
    char names[MCBE_CONFIG_WANTED];
    char full[MCBE_CONFIG_PATH];
    char parent[MCBE_CONFIG_PATH];
    join(full, scope->base, path);
    if (mcbe_rows_find(scope->rows, path)) {
        mcbe_report_add(b->report, place, full,
                        "a key in the file has no dots; its groups are mappings around it");
    } else if (mcbe_rows_nearest(scope->rows, path, nearest)) {
        mcbe_report_add(b->report, place, full, "unknown; did you mean '%s%s'?", scope->base,
                        nearest);
    } else {
        size_t length = strlen(prefix);
        snprintf(parent, sizeof parent, "%.*s", (int)(length - (length > 0)), prefix);
        mcbe_rows_names(scope->rows, parent, names);
        mcbe_report_add(b->report, place, full, "unknown; the keys here are %s", names);
    }
}

static mcbe_status_t read_map(builder_t *b, const scope_t *scope, int map, const char *prefix);

/* A path that is no key itself but stands above some. */
static mcbe_status_t read_group(builder_t *b, const scope_t *scope, int node, const char *path)
{
    char prefix[MCBE_CONFIG_PATH];
    char names[MCBE_CONFIG_WANTED];
    char wanted[MCBE_CONFIG_WANTED + 32];
    if (b->tree.nodes[node].kind == MCBE_NODE_MAP) {
        join(prefix, path, ".");
        return read_map(b, scope, node, prefix);
    }
    mcbe_rows_names(scope->rows, path, names);
    snprintf(wanted, sizeof wanted, "a mapping with the keys %s", names);
    mcbe_value_refuse(b->report, &b->tree.nodes[node], path, wanted);
    return MCBE_OK;
}

/* @param[in] entry   node of a value in the mapping `map`
 * @param[in] prefix  the groups we are in, "" or "sampling." */
static mcbe_status_t read_entry(builder_t *b, const scope_t *scope, int map, int entry,
                                const char *prefix)
{
    const mcbe_node_t *key = &b->tree.nodes[b->tree.nodes[entry].key];
    char path[MCBE_CONFIG_PATH];
    char full[MCBE_CONFIG_PATH];
    if (key->kind != MCBE_NODE_TEXT) {
        return MCBE_OK; /* reported when it was read */
    }
    join(path, prefix, key->text);
    int first = mcbe_tree_find(&b->tree, map, key->text, strlen(key->text));
    if (first != entry) {
        join(full, scope->base, path);
        mcbe_report_add(b->report, key->place, full, "given twice, first on line %d",
                        b->tree.nodes[b->tree.nodes[first].key].place.line);
        return MCBE_OK;
    }
    const mcbe_key_t *row = strchr(key->text, '.') ? NULL : mcbe_rows_find(scope->rows, path);
    if (row) {
        return read_row(b, scope, row, entry, 1);
    }
    if (!strchr(key->text, '.') && mcbe_rows_group(scope->rows, path)) {
        return read_group(b, scope, entry, path);
    }
    report_unknown(b, scope, path, prefix, key->place);
    return MCBE_OK;
}

static mcbe_status_t read_map(builder_t *b, const scope_t *scope, int map, const char *prefix)
{
    mcbe_status_t st = MCBE_OK;
    for (int at = b->tree.nodes[map].first; at >= 0; at = b->tree.nodes[at].next) {
        MCBE_TRY(read_entry(b, scope, map, at, prefix));
    }
out:
    return st;
}

/* --- what was not written --- */

/* Is there anything under a path? @param[out] around  the innermost mapping on the way */
static int is_written(const builder_t *b, const scope_t *scope, const char *path, int *around)
{
    *around = scope->root;
    for (;;) {
        size_t length = strcspn(path, ".");
        int at = mcbe_tree_find(&b->tree, *around, path, length);
        if (at < 0 || path[length] == '\0' || b->tree.nodes[at].kind != MCBE_NODE_MAP) {
            return at >= 0;
        }
        *around = at;
        path += length + 1;
    }
}

static mcbe_status_t read_default(builder_t *b, const scope_t *scope, const mcbe_key_t *row)
{
    mcbe_status_t st = MCBE_OK;
    mcbe_report_t bugs = {.status = MCBE_ERR_INTERNAL, .name = row->path};
    mcbe_report_t *report = b->report;
    int node = -1;
    b->report = &bugs;
    MCBE_TRY(mcbe_tree_read(&b->tree, row->fallback, strlen(row->fallback), MCBE_SOURCE_DEFAULT,
                            NULL, &bugs, &node));
    MCBE_BUG_ASSERT(node >= 0);
    MCBE_TRY(read_row(b, scope, row, node, 0));
    MCBE_BUG_ASSERT(bugs.errors == 0);
out:
    b->report = report;
    return st;
}

static mcbe_status_t read_scope(builder_t *b, const scope_t *scope)
{
    mcbe_status_t st = MCBE_OK;
    MCBE_TRY(read_map(b, scope, scope->root, ""));
    for (const mcbe_key_t *row = scope->rows; row->path; row++) {
        int around = -1;
        if (is_written(b, scope, row->path, &around)) {
            continue;
        }
        if (row->fallback) {
            MCBE_TRY(read_default(b, scope, row));
            continue;
        }
        char wanted[MCBE_CONFIG_WANTED];
        char full[MCBE_CONFIG_PATH];
        mcbe_key_wanted(row, wanted);
        join(full, scope->base, row->path);
        mcbe_report_add(b->report, b->tree.nodes[around].place, full, "missing; it must be %s",
                        wanted);
    }
out:
    return st;
}

/* --- the whole text --- */

/* The number of the table that `experiment` names. @param[out] table  -1 after a report */
static mcbe_status_t choose_table(builder_t *b, int root, const mcbe_key_table_t *tables,
                                  int table_count, int *table)
{
    char words[MCBE_CONFIG_WANTED / 2] = "";
    char wanted[MCBE_CONFIG_WANTED];
    char path[] = MCBE_CONFIG_EXPERIMENT;
    const char *const name = path;
    mcbe_key_t row = {.path = path, .type = MCBE_KEY_ENUM, .words = words};
    mcbe_value_t value = {.row = &row, .path = path};
    size_t used = 0;
    *table = -1;
    for (int i = 0; i < table_count; i++) {
        used += (size_t)snprintf(words + used, sizeof words - used, "%s ", tables[i].experiment);
        MCBE_BUG_ASSERT(used < sizeof words);
    }
    int node = mcbe_tree_find(&b->tree, root, path, strlen(path));
    if (node >= 0) {
        mcbe_status_t st = mcbe_value_read(&value, &b->tree, node, b->report);
        *table = value.valid ? (int)value.integer : -1;
        return st;
    }
    for (int at = b->tree.nodes[root].first; at >= 0; at = b->tree.nodes[at].next) {
        const mcbe_node_t *key = &b->tree.nodes[b->tree.nodes[at].key];
        if (key->kind == MCBE_NODE_TEXT && mcbe_nearest_name(key->text, &name, 1)) {
            mcbe_report_add(b->report, key->place, key->text, "unknown; did you mean '%s'?", path);
            return MCBE_OK;
        }
    }
    mcbe_key_wanted(&row, wanted);
    mcbe_report_add(b->report, b->tree.nodes[root].place, path, "missing; it must be %s", wanted);
    return MCBE_OK;
}

static int is_same(const mcbe_value_t *a, const mcbe_value_t *b)
{
    return a->integer == b->integer && a->real == b->real && !a->text == !b->text &&
           (!a->text || strcmp(a->text, b->text) == 0);
}

static void check_unique(const builder_t *b, const mcbe_value_t *list, const char *field)
{
    for (int i = 1; i < list->integer; i++) {
        const mcbe_value_t *late = mcbe_config_find_field(b->config, list->path, i, field);
        for (int j = 0; late && late->valid && j < i; j++) {
            const mcbe_value_t *early = mcbe_config_find_field(b->config, list->path, j, field);
            if (!early || !early->valid || !is_same(early, late)) {
                continue;
            }
            char shown[MCBE_SHOWN_MAX];
            if (late->text) {
                mcbe_show(late->text, shown);
            } else {
                mcbe_value_format(late, shown, sizeof shown);
            }
            mcbe_report_add(b->report, late->place, late->path,
                            "'%s' is taken by %s; every entry needs its own", shown, early->path);
            break;
        }
    }
}

/* Tree and overrides in, values out. Errors are in the report. */
static mcbe_status_t build(builder_t *b, size_t length, const mcbe_key_table_t *tables,
                           int table_count)
{
    mcbe_status_t st = MCBE_OK;
    mcbe_config_t *config = b->config;
    mcbe_place_t nowhere = {.source = MCBE_SOURCE_FILE};
    int root = -1;
    MCBE_TRY(
        mcbe_tree_read(&b->tree, config->text, length, MCBE_SOURCE_FILE, NULL, b->report, &root));
    if (root < 0 && b->report->errors > 0) {
        goto out;
    }
    if (root < 0 ||
        (b->tree.nodes[root].kind == MCBE_NODE_TEXT && b->tree.nodes[root].text[0] == '\0')) {
        mcbe_report_add(b->report, nowhere, NULL,
                        "the file is empty; an experiment needs at least the key 'experiment'");
        goto out;
    }
    if (b->tree.nodes[root].kind != MCBE_NODE_MAP) {
        mcbe_value_refuse(b->report, &b->tree.nodes[root], NULL,
                          "a mapping of keys to values (as in 'seed: 1')");
        goto out;
    }
    for (int i = 0; i < config->override_count; i++) {
        MCBE_TRY(mcbe_tree_override(&b->tree, root, i, b->report));
    }
    MCBE_TRY(choose_table(b, root, tables, table_count, &config->table));
    if (config->table < 0) {
        goto out;
    }
    mcbe_table_check(&tables[config->table]);
    MCBE_TRY(
        read_scope(b, &(scope_t){.rows = tables[config->table].keys, .base = "", .root = root}));
    mcbe_config_sort(config);
    for (size_t i = 0; i < config->count; i++) {
        const mcbe_value_t *list = &config->values[i];
        for (const mcbe_key_t *field = list->row->fields; field && field->path; field++) {
            if (field->flags & MCBE_KEY_UNIQUE) {
                check_unique(b, list, field->path);
            }
        }
    }
out:
    return st;
}

static mcbe_status_t keep_inputs(mcbe_config_t *config, const char *name, const char *text,
                                 size_t length, const char *const *overrides, int override_count)
{
    config->locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    config->name = mcbe_strdup(name);
    config->text = mcbe_alloc(length + 1, 1);
    config->overrides = mcbe_alloc((size_t)override_count, sizeof *config->overrides);
    if (!config->locale || !config->name || !config->text || !config->overrides) {
        return MCBE_ERR_NOMEM;
    }
    if (length > 0) {
        memcpy(config->text, text, length);
    }
    for (; config->override_count < override_count; config->override_count++) {
        char *copy = mcbe_strdup(overrides[config->override_count]);
        if (!copy) {
            return MCBE_ERR_NOMEM;
        }
        config->overrides[config->override_count] = copy;
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_config_parse(mcbe_config_t **config, const char *name, const char *text,
                                size_t length, const char *const *overrides, int override_count,
                                const mcbe_key_table_t *tables, int table_count, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    builder_t b = {0};
    locale_t before = (locale_t)0;
    char version[16];
    *config = NULL;
    b.config = mcbe_alloc(1, sizeof *b.config);
    if (!b.config) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    MCBE_TRY(keep_inputs(b.config, name, text, length, overrides, override_count));
    before = uselocale(b.config->locale);
    mcbe_report_t report = mcbe_report_for(b.config, err);
    b.report = &report;
    MCBE_TRY(build(&b, length, tables, table_count));
    MCBE_TRY(mcbe_report_end(&report));
    snprintf(version, sizeof version, "%d", MCBE_STREAM_VERSION);
    MCBE_TRY(mcbe_config_add_fact(b.config, "stream_version", version));
    *config = b.config;
    b.config = NULL;
out:
    if (before) {
        (void)uselocale(before);
    }
    mcbe_tree_free(&b.tree);
    mcbe_config_destroy(&b.config);
    if (st == MCBE_ERR_NOMEM) {
        mcbe_error_clear(err); /* what was found so far is not all */
        st = mcbe_fail(err, st, "%s: out of memory while reading the config", name);
    }
    return st;
}

void mcbe_config_destroy(mcbe_config_t **config)
{
    mcbe_config_t *old = *config;
    *config = NULL;
    if (!old) {
        return;
    }
    for (size_t i = 0; i < old->count; i++) {
        mcbe_value_free(&old->values[i]);
    }
    for (int i = 0; i < old->override_count; i++) {
        mcbe_free(old->overrides[i]);
    }
    mcbe_free(old->values);
    mcbe_free(old->overrides);
    mcbe_free(old->resolved);
    mcbe_free(old->text);
    mcbe_free(old->name);
    if (old->locale) {
        freelocale(old->locale);
    }
    mcbe_free(old);
}
