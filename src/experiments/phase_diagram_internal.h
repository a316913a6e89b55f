#ifndef MCBE_PHASE_DIAGRAM_INTERNAL_H
#define MCBE_PHASE_DIAGRAM_INTERNAL_H

/* Shared by the two halves of the experiment: computing a unit and verifying a stored one. */

#include "experiment.h"
#include "mcbe/bias.h"
#include "sampling.h"
#include "setup.h"

/* Numbers of the columns in a record; those of a bias family follow at column_of_family. */
typedef enum column {
    COLUMN_SAMPLES,
    COLUMN_UPDATES,
    COLUMN_LAST_UPDATE,
    COLUMN_MIN_ACTIVE,
    COLUMN_MIN_ACTIVE_SAMPLE,
    COLUMN_UNCONSTRAINED,
    COLUMN_ALPHA_MIN,
    COLUMN_ALPHA_MEAN,
    COLUMN_ALPHA,
    COLUMN_DIRECTION,
    COLUMN_ROW_NORM,
    COLUMN_WITNESS,
    COLUMN_COUNT
} column_t;

typedef enum family_column {
    FAMILY_HAMMING,
    FAMILY_INJECTIVE,
    FAMILY_VERDICT,
    FAMILY_COUNT
} family_column_t;

/* What was found out about a layer with respect to one bias. */
enum { VERDICT_REFUTED = 0, VERDICT_PROVEN = 1, VERDICT_UNDECIDED = 2 };

typedef struct params {
    mcbe_setup_t setup;
    int64_t trials;
    int nested; /* layers of one n are the first rows of the largest, and share their points */
    const int64_t *n_axis, *m_axis; /* borrowed from the config */
    int n_count, m_count;
} params_t;

static inline int column_of_family(int family, family_column_t which)
{
    return COLUMN_COUNT + family * FAMILY_COUNT + (int)which;
}

/* The address of what belongs to one cell alone: its drawn biases. */
static inline mcbe_stream_key_t key_of_cell(const params_t *params, const mcbe_cell_t *cell,
                                            int64_t trial)
{
    return (mcbe_stream_key_t){
        .seed = params->setup.seed, .n = cell->n, .m = cell->m, .trial = trial};
}

/* The address of the frame and the points a cell is computed from: nested cells use those of the
 * largest m. */
static inline mcbe_stream_key_t key_of_points(const params_t *params, const mcbe_cell_t *cell,
                                              int64_t trial)
{
    mcbe_stream_key_t key = key_of_cell(params, cell, trial);
    key.m = params->nested ? params->m_axis[params->m_count - 1] : key.m;
    return key;
}

/* Fill a record from the state of a unit: everything that follows from alpha*, the frame (of
 * which the cell has the first m rows) and the biases.
 * @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t derive_record(const params_t *params, const mcbe_cell_t *cell,
                                           int64_t trial, const mcbe_frame_t *frame,
                                           const mcbe_bias_state_t *state,
                                           const mcbe_layout_t *layout, mcbe_record_t *record);

mcbe_status_t verify_unit(const void *params, const mcbe_cell_t *cell, int64_t trial,
                          const mcbe_layout_t *layout, const mcbe_record_t *record,
                          mcbe_error_t *err);

#endif
