#ifndef MCBE_SHOW_UNITS_H
#define MCBE_SHOW_UNITS_H

#include "result.h"

/* What a line of the table stands for. */
typedef enum mcbe_show_lines {
    MCBE_SHOW_CELLS, /* a cell: means over its finished trials, NaN left out */
    MCBE_SHOW_TRIALS /* a finished trial: its values */
} mcbe_show_lines_t;

/** The scalar columns as a table, tab-separated under a heading, or as a member of a JSON object that is
 *  open: "cells" or "trial_values". @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_show_units(const mcbe_result_t *result, mcbe_show_lines_t lines,
                                             int json);

#endif
