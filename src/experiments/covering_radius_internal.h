#ifndef MCBE_COVERING_RADIUS_INTERNAL_H
#define MCBE_COVERING_RADIUS_INTERNAL_H

/* Shared by the parts of the experiment: its keys, plan and units (covering_radius.c) and what is
 * measured of a unit, also when it is verified (covering_radius_measure.c). */

#include "experiment.h"
#include "fresh.h"
#include "mcbe/bias.h"
#include "setup.h"
#include "shapes.h"

/* Numbers of the columns in a record. */
typedef enum covering_column {
    COLUMN_SAMPLES,
    COLUMN_UPDATES,
    COLUMN_LAST_UPDATE,
    COLUMN_POINTS,
    COLUMN_INFINITE,
    COLUMN_RADIUS_LOWER,
    COLUMN_RADIUS_UPPER,
    COLUMN_RADIUS_SEARCH,
    COLUMN_RADIUS_EXPECTED,
    COLUMN_ALPHA_MIN,
    COLUMN_ALPHA_MEAN,
    COLUMN_RECTIFIED,
    COLUMN_CORRECTED_MIN,
    COLUMN_CORRECTED_MEAN,
    COLUMN_CORRECTED_RECTIFIED,
    COLUMN_ALPHA,
    COLUMN_DIRECTION,
    COLUMN_ROW_NORM,
    COLUMN_CORRECTED,
    COLUMN_WITNESS,
    COLUMN_EXACT, /* this and those after it: only if exact answers are wanted */
    COLUMN_EXACT_MIN,
    COLUMN_COUNT,
    FIRST_EXACT_COLUMN = COLUMN_EXACT,
    FIRST_SERIES = COLUMN_RADIUS_LOWER, /* series of doubles, the radii first */
    FIRST_BIAS_SERIES = COLUMN_ALPHA_MIN,
    END_OF_SERIES = COLUMN_ALPHA
} covering_column_t;

typedef struct covering_radius {
    mcbe_setup_t setup;
    mcbe_shapes_t shapes; /* owned */
    int64_t *counts;      /* owned, [length], ascending: numbers of points that are looked at */
    int64_t length;
    double hull_work;  /* facets a hull may be expected to have */
    int64_t visits;    /* of a search for the emptiest place */
    int64_t tests;     /* test points of each weight matrix */
    double exact_work; /* operations an exact answer may take; 0: not wanted */
} covering_radius_t;

/** Is the radius of so many points computed exactly? */
int mcbe_covering_takes_hull(const covering_radius_t *params, int n, int64_t count);

/* What is measured of one unit. */
typedef struct covering_curves {
    int64_t length;
    double *series;    /* owned, [END_OF_SERIES - FIRST_SERIES][length] */
    int64_t *infinite; /* owned, [length]: entries of alpha* that are +inf */
    double
        *corrected; /* owned, [m], corrected bias on K after the last point; NaN without radius */
    double *exact;  /* owned, [m], exact alpha* on K; NaN if it takes too much work; NULL if not
                          wanted */
} covering_curves_t;

/** Free whatever the result. @return MCBE_OK; MCBE_ERR_NOMEM; what the exact answer returns */
MCBE_NODISCARD mcbe_status_t mcbe_covering_curves_init(covering_curves_t *curves,
                                                       const covering_radius_t *params,
                                                       const mcbe_frame_t *frame,
                                                       mcbe_error_t *err);
void mcbe_covering_curves_free(covering_curves_t *curves);

/** Measure the radii of the first counts[i] points, for every i. Collective over the team, whose
 *  ranks share the counts and end with all of them; NULL for one rank alone.
 *  @return MCBE_OK; MCBE_ERR_NOMEM; MCBE_ERR_INTERNAL. Not agreed. */
MCBE_NODISCARD mcbe_status_t mcbe_covering_radii(const covering_radius_t *params,
                                                 const mcbe_stream_key_t *key,
                                                 const mcbe_team_t *team, covering_curves_t *curves,
                                                 mcbe_error_t *err);

/** Measure alpha* of the first counts[i] points, once their radii are known. Not collective.
 *  @param[in] direction  [m], minima over these points
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_covering_biases(const covering_radius_t *params,
                                                  const mcbe_frame_t *frame,
                                                  const mcbe_fresh_t *tests,
                                                  const double *direction, int64_t i,
                                                  covering_curves_t *curves, mcbe_error_t *err);

/** Fill a record. @param[in] state  after the last point @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_covering_write(const covering_radius_t *params,
                                                 const mcbe_cell_t *cell, const mcbe_frame_t *frame,
                                                 const mcbe_bias_state_t *state,
                                                 const covering_curves_t *curves,
                                                 const mcbe_layout_t *layout,
                                                 mcbe_record_t *record);

mcbe_status_t mcbe_covering_verify(const void *params, const mcbe_cell_t *cell, int64_t trial,
                                   const mcbe_layout_t *layout, const mcbe_record_t *record,
                                   mcbe_error_t *err);

#endif
