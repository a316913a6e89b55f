#ifndef MCBE_SHAPES_H
#define MCBE_SHAPES_H

/* The layers of experiments on a few chosen shapes: the key `cells`. */

#include "plan.h"
#include "setup.h"

extern const mcbe_key_t mcbe_shape_fields[];

/* Row for an experiment's key table. */
#define MCBE_SHAPE_KEYS                                                                            \
    {                                                                                              \
        .path = "cells", .type = MCBE_KEY_RECORDS, .min = 1, .max = 1000,                          \
        .fields = mcbe_shape_fields, .help = "Shapes of the layers, in any order."                 \
    }

typedef struct mcbe_shapes {
    mcbe_cell_t *cells; /* owned, [count], ordered by n, then m; costs are left 0 */
    int64_t count;
    int64_t trials; /* weight matrices of each */
} mcbe_shapes_t;

/** Read the keys `cells` and `trials`; refuse m < n, a shape that stands there twice, and what does not fit the weight
 *  matrix or the stack of them. Free with mcbe_shapes_free whatever the result.
 *  @param[in] setup  opened; NULL if that failed: its matrix is not compared then, and trials stay 0
 *  @return MCBE_OK; MCBE_ERR_CONFIG; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_shapes_read(mcbe_shapes_t *shapes, const mcbe_setup_t *setup,
                                              const mcbe_config_t *config, mcbe_error_t *err);
void mcbe_shapes_free(mcbe_shapes_t *shapes);

/** A plan of these layers, whose costs are still to be filled in. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_shapes_plan(const mcbe_shapes_t *shapes, mcbe_plan_t *plan);

#endif
