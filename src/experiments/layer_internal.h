#ifndef MCBE_LAYER_INTERNAL_H
#define MCBE_LAYER_INTERNAL_H

/* Shared by the parts of the experiment: keys, plan and columns (layer.c), where layer and points
 * come from (layer_source.c), and what is measured at each point (layer_measure.c). */

#include "experiment.h"
#include "mcbe/network.h"
#include "inputs.h"
#include "setup.h"

/* Columns of a record: those of the unit, then those of its points. A file has those of what was
 * asked for. */
typedef enum layer_column {
    COLUMN_NETWORK, /* SEVERAL_NETWORKS */
    COLUMN_POINTS,
    COLUMN_FULL_RANK,    /* reconstruction */
    COLUMN_ERROR_MAX,    /* likewise */
    COLUMN_SMALLEST_MIN, /* stability */
    COLUMN_LARGEST_MAX,  /* likewise */
    COLUMN_SINGLETON,    /* preimages, in the order of mcbe_preimage_verdict_t */
    COLUMN_COMPACT,
    COLUMN_UNBOUNDED,
    COLUMN_UNDECIDED,
    COLUMN_POINT,
    COLUMN_ACTIVE,
    COLUMN_NORM,
    COLUMN_RANK, /* reconstruction */
    COLUMN_ERROR,
    COLUMN_RCOND,
    COLUMN_SMALLEST, /* stability */
    COLUMN_SMALLEST_POSITIVE,
    COLUMN_LARGEST,
    COLUMN_CLASS, /* preimages */
    COLUMN_PROOF,
    COLUMN_DIMENSION,
    COLUMN_COUNT,
    FIRST_POINT_COLUMN = COLUMN_ACTIVE
} layer_column_t;

/* What of a point is measured, and whether units must tell whose points they have. */
enum {
    MEASURE_RECONSTRUCTION = 1,
    MEASURE_STABILITY = 2,
    MEASURE_PREIMAGE = 4,
    SEVERAL_NETWORKS = 8
};

/* The layer of a network file. */
typedef struct given_layer {
    mcbe_network_t network; /* owned */
    double *matrix, *alpha; /* owned, [m][n] and [m] */
} given_layer_t;

/* A trial of a cell is a block of the points, of one network after the other where there are several. */
typedef struct layer {
    mcbe_setup_t setup;   /* owned: seed, weight matrix, domain */
    given_layer_t *given; /* owned, [given_count], of layer.network, all of one shape; else NULL */
    int given_count;
    int number;            /* of the layer in its network; -1 without one */
    double bias;           /* of all rows, in units of their norms; without a network */
    mcbe_inputs_t inputs;  /* owned */
    int64_t block, blocks; /* points of a unit; units of a layer */
    int64_t *numbers;      /* owned, [block]: 0, 1, ... */
    int measures;          /* of the enum above */
    int width;             /* coordinates of a point */
    mcbe_cell_t *cells;    /* owned, [cell_count]; costs are left 0 */
    int64_t cell_count;
} layer_t;

/** Is the column in files of this run? */
int mcbe_layer_has(const layer_t *params, layer_column_t column);

/** Read what the keys name and check that it fits together: shapes, files, points. Sets all of params
 *  but block and measures. @return MCBE_OK; MCBE_ERR_CONFIG; the errors of the files; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_layer_open_sources(layer_t *params, mcbe_config_t *config,
                                                     mcbe_error_t *err);
void mcbe_layer_close_sources(layer_t *params);

/** The layer of a cell, as a network of two layers, W x - alpha and ReLU. Free with
 *  mcbe_network_free whatever the result.
 *  @param[in] given  the layer of a network file, or NULL  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_layer_make(const layer_t *params, const given_layer_t *given,
                                             const mcbe_cell_t *cell, mcbe_network_t *layer);

/** What goes into the layer at points [first, first + count).
 *  @param[in] given  likewise
 *  @param[out] x     [count][n]  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_layer_fill(const layer_t *params, const given_layer_t *given,
                                             const mcbe_cell_t *cell, int64_t first, int64_t count,
                                             double *x);

/** Measure the points of a unit and fill its record. Collective over team->comm, or of a rank alone
 *  if team is NULL. @return MCBE_OK; MCBE_STOPPED; the errors of the measures */
MCBE_NODISCARD mcbe_status_t mcbe_layer_measure(const layer_t *params, const mcbe_cell_t *cell,
                                                int64_t trial, const mcbe_team_t *team,
                                                const mcbe_layout_t *layout, mcbe_record_t *record,
                                                mcbe_error_t *err);

#endif
