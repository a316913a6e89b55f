#include "config_internal.h"

#include <stdio.h>
#include <string.h>

/* What the tables say, for people. A field of a record is called "biases[].name" here. */

typedef void (*visit_t)(void *context, const char *path, const mcbe_key_t *row);

/* All rows of a table with their fields, in the table's order. */
static void visit_rows(const mcbe_key_t *rows, visit_t visit, void *context)
{
    char path[MCBE_CONFIG_PATH];
    for (const mcbe_key_t *row = rows; row->path; row++) {
        visit(context, row->path, row);
        for (const mcbe_key_t *field = row->fields; field && field->path; field++) {
            snprintf(path, sizeof path, "%s[].%s", row->path, field->path);
            visit(context, path, field);
        }
    }
}

static const char *type_name(const mcbe_key_t *row)
{
    switch (row->type) {
    case MCBE_KEY_INT:
        return "whole number";
    case MCBE_KEY_REAL:
        return "number";
    case MCBE_KEY_BOOL:
        return "true or false";
    case MCBE_KEY_STRING:
        return row->flags & MCBE_KEY_NAME ? "name" : "text";
    case MCBE_KEY_TEXTS:
        return "list of texts";
    case MCBE_KEY_ENUM:
        return "word";
    case MCBE_KEY_AXIS:
        return "axis";
    case MCBE_KEY_RECORDS:
        return "list of mappings";
    }
    return "";
}

static const char *change_name(const mcbe_key_t *row)
{
    return row->flags & MCBE_KEY_FREE      ? "may change"
           : row->flags & MCBE_KEY_GROWS   ? "may grow"
           : row->flags & MCBE_KEY_EXTENDS ? "may grow; finished units go on"
                                           : "fixed";
}

static const char *default_name(const mcbe_key_t *row)
{
    if (!row->fallback) {
        return "required";
    }
    int is_empty = row->fallback[0] == '\0' || strcmp(row->fallback, "''") == 0;
    return is_empty ? "(empty)" : row->fallback;
}

/* --- list --- */

enum { DEFAULT_COLUMN = 14 };

typedef struct columns {
    FILE *out;
    int path_width;
} columns_t;

static void measure_path(void *context, const char *path, const mcbe_key_t *row)
{
    columns_t *columns = context;
    int width = (int)strlen(path);
    (void)row;
    if (width > columns->path_width) {
        columns->path_width = width;
    }
}

static void list_row(void *context, const char *path, const mcbe_key_t *row)
{
    const columns_t *columns = context;
    const char *fallback = default_name(row);
    int is_long = strlen(fallback) > DEFAULT_COLUMN;
    fprintf(columns->out, "  %-*s  %-*.*s%s  %s\n", columns->path_width, path,
            is_long ? DEFAULT_COLUMN - 3 : DEFAULT_COLUMN,
            is_long ? DEFAULT_COLUMN - 3 : DEFAULT_COLUMN, fallback, is_long ? "..." : "",
            row->help);
}

static void list_table(FILE *out, const mcbe_key_table_t *table)
{
    columns_t columns = {.out = out};
    fprintf(out, "%s: %s\n", table->experiment, table->summary);
    visit_rows(table->keys, measure_path, &columns);
    visit_rows(table->keys, list_row, &columns);
}

void mcbe_config_list(FILE *out, const mcbe_key_table_t *tables, int table_count)
{
    for (int i = 0; i < table_count; i++) {
        fputs(i > 0 ? "\n" : "", out);
        list_table(out, &tables[i]);
    }
}

/* --- help --- */

typedef struct help {
    FILE *out;
    const mcbe_key_table_t *tables;
    int table_count;
    int table; /* the one being visited */
    const char *asked;
    int found;
    int best; /* distance of `nearest` from what was asked, or -1 */
    char nearest[MCBE_CONFIG_PATH];
} help_t;

/* The row that visit_rows calls by this path, or NULL. */
static const mcbe_key_t *find_shown(const mcbe_key_t *rows, const char *path)
{
    char list[MCBE_CONFIG_PATH];
    const char *brackets = strstr(path, "[].");
    if (!brackets) {
        return mcbe_rows_find(rows, path);
    }
    snprintf(list, sizeof list, "%.*s", (int)(brackets - path), path);
    const mcbe_key_t *row = mcbe_rows_find(rows, list);
    return row && row->fields ? mcbe_rows_find(row->fields, brackets + strlen("[].")) : NULL;
}

static int same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static int same_row(const mcbe_key_t *a, const mcbe_key_t *b)
{
    return a && b && a->type == b->type && a->flags == b->flags && a->min == b->min &&
           a->max == b->max && same_text(a->fallback, b->fallback) &&
           same_text(a->words, b->words) && same_text(a->help, b->help);
}

static void print_row(const help_t *help, const char *path, const mcbe_key_t *row)
{
    char allowed[MCBE_CONFIG_WANTED];
    const char *separator = "";
    mcbe_key_allowed(row, allowed);
    fprintf(help->out, "%s%s\n  experiment  ", help->found > 0 ? "\n" : "", path);
    for (int i = help->table; i < help->table_count; i++) {
        if (same_row(find_shown(help->tables[i].keys, path), row)) {
            fprintf(help->out, "%s%s", separator, help->tables[i].experiment);
            separator = ", ";
        }
    }
    fprintf(help->out, "\n  type        %s\n", type_name(row));
    if (allowed[0] != '\0') {
        fprintf(help->out, "  allowed     %s\n", allowed);
    }
    fprintf(help->out, "  default     %s\n  meaning     %s\n", default_name(row), row->help);
    if (!strchr(path, '[')) {
        fprintf(help->out, "  on resume   %s\n", change_name(row));
    }
}

static void help_row(void *context, const char *path, const mcbe_key_t *row)
{
    help_t *help = context;
    size_t length = strlen(help->asked);
    if (mcbe_is_nearer(help->asked, path, strlen(path), &help->best)) {
        snprintf(help->nearest, sizeof help->nearest, "%s", path);
    }
    if (strncmp(path, help->asked, length) != 0 ||
        (path[length] != '\0' && path[length] != '.' && path[length] != '[')) {
        return;
    }
    for (int i = 0; i < help->table; i++) {
        if (same_row(find_shown(help->tables[i].keys, path), row)) {
            return; /* told there */
        }
    }
    print_row(help, path, row);
    help->found++;
}

mcbe_status_t mcbe_config_help(FILE *out, const mcbe_key_table_t *tables, int table_count,
                               const char *path, mcbe_error_t *err)
{
    help_t help = {
        .out = out, .tables = tables, .table_count = table_count, .asked = path, .best = -1};
    for (; help.table < table_count; help.table++) {
        const mcbe_key_table_t *table = &tables[help.table];
        if (strcmp(table->experiment, path) == 0) {
            list_table(out, table);
            return MCBE_OK;
        }
        if (mcbe_is_nearer(path, table->experiment, strlen(table->experiment), &help.best)) {
            snprintf(help.nearest, sizeof help.nearest, "%s", table->experiment);
        }
        visit_rows(table->keys, help_row, &help);
    }
    if (help.found > 0) {
        return MCBE_OK;
    }
    char shown[MCBE_SHOWN_MAX];
    mcbe_show(path, shown);
    if (help.best >= 0) {
        return mcbe_fail(err, MCBE_ERR_USAGE, "no key or experiment '%s'; did you mean '%s'?",
                         shown, help.nearest);
    }
    return mcbe_fail(err, MCBE_ERR_USAGE, "no key or experiment '%s'; 'mcbe list' shows them all",
                     shown);
}

/* --- Markdown --- */

/* Text of a table's cell: a bare '|' would end it. */
static void put_cell(FILE *out, const char *text)
{
    fputc(' ', out);
    for (; *text; text++) {
        fputs(*text == '|' ? "\\" : "", out);
        fputc(*text, out);
    }
    fputs(" |", out);
}

static void put_rows(FILE *out, const mcbe_key_t *rows, int are_fields)
{
    char allowed[MCBE_CONFIG_WANTED];
    fprintf(out, "| %s | type | default | allowed | %smeaning |\n|---|---|---|---|%s---|\n",
            are_fields ? "field" : "key", are_fields ? "" : "on resume | ",
            are_fields ? "" : "---|");
    for (const mcbe_key_t *row = rows; row->path; row++) {
        mcbe_key_allowed(row, allowed);
        fprintf(out, "| `%s` | %s |", row->path, type_name(row));
        put_cell(out, default_name(row));
        put_cell(out, allowed);
        if (!are_fields) {
            put_cell(out, change_name(row));
        }
        put_cell(out, row->help);
        fputc('\n', out);
    }
}

void mcbe_config_markdown(FILE *out, const mcbe_key_table_t *tables, int table_count)
{
    for (int i = 0; i < table_count; i++) {
        fprintf(out, "%s## %s\n\n%s\n\n", i > 0 ? "\n" : "", tables[i].experiment,
                tables[i].summary);
        put_rows(out, tables[i].keys, 0);
        for (const mcbe_key_t *row = tables[i].keys; row->path; row++) {
            if (row->fields) {
                fprintf(out, "\nEach entry of `%s`:\n\n", row->path);
                put_rows(out, row->fields, 1);
            }
        }
    }
}
