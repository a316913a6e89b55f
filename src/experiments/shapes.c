#include "shapes.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

const mcbe_key_t mcbe_shape_fields[] = {
    {.path = "n", .type = MCBE_KEY_INT, .min = 1, .max = MCBE_MAX_N, .help = "Input dimension."},
    {.path = "m",
     .type = MCBE_KEY_INT,
     .min = 1,
     .max = MCBE_MAX_M,
     .help = "Rows of the weight matrix, at least n."},
    {.path = NULL},
};

static int by_n_then_m(const void *left, const void *right)
{
    const mcbe_cell_t *a = left, *b = right;
    if (a->n != b->n) {
        return a->n < b->n ? -1 : 1;
    }
    return (a->m > b->m) - (a->m < b->m);
}

/* Against the weight matrix and the data. */
static mcbe_status_t check_inputs(const mcbe_shapes_t *shapes, const mcbe_setup_t *setup,
                                  const mcbe_config_t *config, mcbe_error_t *err)
{
    int m, n;
    if (mcbe_setup_fixed_shape(setup, &m, &n) &&
        (shapes->count != 1 || shapes->cells[0].n != n || shapes->cells[0].m != m)) {
        return mcbe_config_reject(config, err, "cells",
                                  "do not fit the weight matrix, which is %d x %d; cells: [{n: %d, "
                                  "m: %d}] is the only one there is",
                                  m, n, n, m);
    }
    mcbe_status_t st = MCBE_OK;
    for (int i = 0; i < shapes->count && st == MCBE_OK; i++) {
        st = mcbe_setup_check_n(setup, config, "cells", shapes->cells[i].n, err);
    }
    return st;
}

mcbe_status_t mcbe_shapes_read(mcbe_shapes_t *shapes, const mcbe_setup_t *setup,
                               const mcbe_config_t *config, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    const int count = mcbe_config_records(config, "cells");
    shapes->cells = mcbe_alloc((size_t)count, sizeof *shapes->cells);
    if (!shapes->cells) {
        return MCBE_ERR_NOMEM;
    }
    shapes->count = count;
    for (int i = 0; i < count; i++) {
        mcbe_cell_t *cell = shapes->cells + i;
        cell->n = mcbe_config_record_int(config, "cells", i, "n");
        cell->m = mcbe_config_record_int(config, "cells", i, "m");
        if (cell->m < cell->n) {
            char path[64];
            snprintf(path, sizeof path, "cells[%d].m", i);
            st = mcbe_config_reject(config, err, path, "%lld; at least n = %lld rows are needed",
                                    (long long)cell->m, (long long)cell->n);
        }
    }
    qsort(shapes->cells, (size_t)count, sizeof *shapes->cells, by_n_then_m);
    for (int i = 1; i < count; i++) {
        const mcbe_cell_t *cell = shapes->cells + i;
        if (by_n_then_m(cell - 1, cell) == 0) {
            st = mcbe_config_reject(config, err, "cells",
                                    "{n: %lld, m: %lld} stands there twice; each shape may once",
                                    (long long)cell->n, (long long)cell->m);
        }
    }
    if (!setup || st != MCBE_OK) {
        return st;
    }
    st = mcbe_setup_trials(setup, config, &shapes->trials, err);
    const mcbe_status_t inputs = check_inputs(shapes, setup, config, err);
    return st != MCBE_OK ? st : inputs;
}

void mcbe_shapes_free(mcbe_shapes_t *shapes)
{
    mcbe_free(shapes->cells);
    memset(shapes, 0, sizeof *shapes);
}

mcbe_status_t mcbe_shapes_plan(const mcbe_shapes_t *shapes, mcbe_plan_t *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->cells = mcbe_alloc((size_t)shapes->count, sizeof *plan->cells);
    if (!plan->cells) {
        return MCBE_ERR_NOMEM;
    }
    memcpy(plan->cells, shapes->cells, (size_t)shapes->count * sizeof *plan->cells);
    plan->cell_count = shapes->count;
    plan->trials = shapes->trials;
    return MCBE_OK;
}
