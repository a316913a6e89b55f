#ifndef MCBE_CONVERGENCE_INTERNAL_H
#define MCBE_CONVERGENCE_INTERNAL_H

/* Shared by the parts of the experiment: computing a unit (convergence.c), what is measured on its
 * way (convergence_curves.c) and verifying a stored one (convergence_verify.c). */

#include "experiment.h"
#include "fresh.h"
#include "mcbe/bias.h"
#include "sampling.h"
#include "setup.h"
#include "shapes.h"

/* Numbers of the columns in a record. */
typedef enum convergence_column {
    COLUMN_SAMPLES,
    COLUMN_UPDATES,
    COLUMN_LAST_UPDATE,
    COLUMN_ITERATION,
    COLUMN_NO_UPDATE,
    COLUMN_RECTIFIED,
    COLUMN_INFINITE,
    COLUMN_MEAN,
    COLUMN_ALPHA,
    COLUMN_DIRECTION,
    COLUMN_ROW_NORM,
    COLUMN_WITNESS,
    COLUMN_EXACT, /* this and those after it: only if exact answers are wanted */
    COLUMN_EXCESS_MAX,
    COLUMN_EXCESS_MEAN,
    COLUMN_COUNT,
    FIRST_EXACT_COLUMN = COLUMN_EXACT
} convergence_column_t;

typedef struct convergence {
    mcbe_setup_t setup;
    mcbe_shapes_t shapes; /* owned */
    int64_t *iterations;  /* owned, [length], ascending: where alpha* is looked at */
    int64_t length;
    int64_t tests;     /* test points of each weight matrix */
    double exact_work; /* operations an exact answer may take; 0: not wanted */
} convergence_t;

/* Points no estimate has seen, and which of them still would change it. */
typedef struct test_set {
    mcbe_fresh_t fresh; /* owned */
    double *alpha;      /* owned, [m], workspace */
    int64_t
        *points; /* owned, [lowering]: those that would still lower alpha*. It only falls, so the
                         others never will again. */
    int64_t lowering;
} test_set_t;

/** The test points [first, last) of a unit. Free whatever the result. @return MCBE_OK;
 *  MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_test_set_init(test_set_t *tests, const convergence_t *params,
                                                const mcbe_frame_t *frame,
                                                const mcbe_stream_key_t *key, int64_t first,
                                                int64_t last);
void mcbe_test_set_free(test_set_t *tests);

/* What is measured of one unit, iteration by iteration. */
typedef struct curves {
    int64_t *no_update; /* owned, [length]: test points that would not lower alpha* */
    int64_t *rectified; /* owned, [length]: test points with at least n rows active at alpha* */
    int64_t *infinite;  /* owned, [length]: entries of alpha* that are +inf */
    double *mean;       /* owned, [length]: mean of the others */
    double *exact; /* owned, [m], exact alpha* on K; NaN if it takes too much work; NULL, and so
                           the next two, if it is not wanted */
    double *excess_max, *excess_mean; /* owned, [length]: of alpha* - exact; NaN if that is NaN */
} curves_t;

/** Free whatever the result. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_curves_init(curves_t *curves, const convergence_t *params,
                                              const mcbe_frame_t *frame, mcbe_error_t *err);
void mcbe_curves_free(curves_t *curves);

/** Measure alpha* at iteration number i, in ascending order. Counts are those of `tests`.
 *  @param[in] direction  [m], minima over the points visited so far
 *  @param[in] team       looked at meanwhile (mcbe_team_look): once the unit is to be given up nothing is
 *                        measured any more; NULL for none */
void mcbe_curves_measure(const convergence_t *params, const mcbe_frame_t *frame, test_set_t *tests,
                         const double *direction, const mcbe_team_t *team, int64_t i,
                         curves_t *curves);

/** Fill a record. @param[in] state  after the last iteration @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t
mcbe_convergence_write(const convergence_t *params, const mcbe_cell_t *cell,
                       const mcbe_frame_t *frame, const mcbe_bias_state_t *state,
                       const curves_t *curves, const mcbe_layout_t *layout, mcbe_record_t *record);

mcbe_status_t mcbe_convergence_verify(const void *params, const mcbe_cell_t *cell, int64_t trial,
                                      const mcbe_layout_t *layout, const mcbe_record_t *record,
                                      mcbe_error_t *err);

#endif
