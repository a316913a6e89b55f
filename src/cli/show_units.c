#include "show_units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "mcbe/stats.h"
#include "memory.h"

/* One line: some trials of a cell. */
typedef struct line {
    int64_t cell, first, count;
} line_t;

typedef struct table {
    const mcbe_result_t *result;
    mcbe_show_lines_t lines;
    double *values; /* owned, [trials], workspace */
} table_t;

/* One scalar of one unit; NaN if it is not finished. */
static double value_of(const mcbe_result_t *result, int64_t cell, int64_t trial, int column)
{
    const mcbe_record_t *record = mcbe_store_get(result->store, cell, trial);
    return record ? mcbe_record_scalar(record, &result->session.layout,
                                       &result->session.plan.cells[cell], column)
                  : (double)NAN;
}

static double mean_of(const table_t *table, const line_t *line, int column)
{
    mcbe_summary_t summary;
    int64_t count = 0;
    for (int64_t i = 0; i < line->count; i++) {
        table->values[count] = value_of(table->result, line->cell, line->first + i, column);
        count += !isnan(table->values[count]);
    }
    mcbe_summarize(table->values, count, &summary);
    return summary.mean;
}

/* A mean leaves out what is infinite; a single value is shown as it is. */
static double shown_value(const table_t *table, const line_t *line, int column)
{
    return table->lines == MCBE_SHOW_TRIALS
               ? value_of(table->result, line->cell, line->first, column)
               : mean_of(table, line, column);
}

static int64_t finished(const table_t *table, const line_t *line)
{
    int64_t done = 0;
    for (int64_t i = 0; i < line->count; i++) {
        done += mcbe_store_get(table->result->store, line->cell, line->first + i) != NULL;
    }
    return done;
}

static int is_shown(const mcbe_column_t *column)
{
    return column->shape == MCBE_SHAPE_SCALAR;
}

/* "trials/hamming/zero" -> "hamming/zero" */
static const char *short_name(const mcbe_column_t *column)
{
    const char *slash = strchr(column->path, '/');
    return slash ? slash + 1 : column->path;
}

/* What stands beside n and m. */
static const char *number_name(const table_t *table)
{
    return table->lines == MCBE_SHOW_TRIALS ? "trial" : "trials_done";
}

static int64_t number_of(const table_t *table, const line_t *line)
{
    return table->lines == MCBE_SHOW_TRIALS ? line->first : finished(table, line);
}

static void print_line(const table_t *table, const line_t *line)
{
    const mcbe_layout_t *layout = &table->result->session.layout;
    const mcbe_cell_t *cell = table->result->session.plan.cells + line->cell;
    printf("%lld\t%lld\t%lld", (long long)cell->n, (long long)cell->m,
           (long long)number_of(table, line));
    for (int i = 0; i < layout->count; i++) {
        if (is_shown(layout->columns + i)) {
            printf("\t%.6g", shown_value(table, line, i));
        }
    }
    printf("\n");
}

static void print_json_line(const table_t *table, const line_t *line, int is_first)
{
    const mcbe_layout_t *layout = &table->result->session.layout;
    const mcbe_cell_t *cell = table->result->session.plan.cells + line->cell;
    printf("%s\n    {\"n\": %lld, \"m\": %lld, \"%s\": %lld", is_first ? "" : ",",
           (long long)cell->n, (long long)cell->m, number_name(table),
           (long long)number_of(table, line));
    for (int i = 0; i < layout->count; i++) {
        if (is_shown(layout->columns + i)) {
            printf(", ");
            mcbe_json_text(stdout, short_name(layout->columns + i));
            printf(": ");
            mcbe_json_number(stdout, shown_value(table, line, i));
        }
    }
    printf("}");
}

static void print_heading(const table_t *table)
{
    const mcbe_layout_t *layout = &table->result->session.layout;
    printf("\nn\tm\t%s", number_name(table));
    for (int i = 0; i < layout->count; i++) {
        if (is_shown(layout->columns + i)) {
            printf("\t%s", short_name(layout->columns + i));
        }
    }
    printf("\n");
}

mcbe_status_t mcbe_show_units(const mcbe_result_t *result, mcbe_show_lines_t lines, int json)
{
    const mcbe_plan_t *plan = &result->session.plan;
    const int64_t step = lines == MCBE_SHOW_TRIALS ? 1 : plan->trials;
    table_t table = {.result = result,
                     .lines = lines,
                     .values = mcbe_alloc((size_t)plan->trials, sizeof(double))};
    int is_first = 1;
    if (!table.values) {
        return MCBE_ERR_NOMEM;
    }
    if (json) {
        printf(",\n  \"%s\": [", lines == MCBE_SHOW_TRIALS ? "trial_values" : "cells");
    } else {
        print_heading(&table);
    }
    for (int64_t cell = 0; cell < plan->cell_count; cell++) {
        for (int64_t first = 0; first < plan->trials; first += step) {
            const line_t line = {.cell = cell, .first = first, .count = step};
            if (lines == MCBE_SHOW_TRIALS && !finished(&table, &line)) {
                continue;
            }
            if (json) {
                print_json_line(&table, &line, is_first);
            } else {
                print_line(&table, &line);
            }
            is_first = 0;
        }
    }
    if (json) {
        printf("\n  ]");
    }
    mcbe_free(table.values);
    return MCBE_OK;
}
