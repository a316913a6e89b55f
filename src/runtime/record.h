#ifndef MCBE_RECORD_H
#define MCBE_RECORD_H

#include <stdint.h>

#include "mcbe/status.h"
#include "plan.h"

/* What one finished unit leaves behind: a row of 8-byte words laid out by its experiment's
 * columns. */

typedef enum mcbe_column_type {
    MCBE_COLUMN_F64,
    MCBE_COLUMN_I64, /* stored as int64 */
    MCBE_COLUMN_I32, /* stored as int32 */
    MCBE_COLUMN_I8   /* stored as int8 */
} mcbe_column_type_t;

typedef enum mcbe_column_shape {
    MCBE_SHAPE_SCALAR, /* one value a unit: dataset [cell][trial] */
    MCBE_SHAPE_SERIES, /* `length` values a unit: dataset [cell][trial][length] */
    MCBE_SHAPE_AXIS,   /* what a series runs over, or another list of `length` numbers (I64, F64)
                               that follows from the configuration: the same for all units, so not in
                               records: dataset [length] */
    MCBE_SHAPE_ROWS,   /* m values a unit: ragged, one dimension, `offset` in its group */
    MCBE_SHAPE_COORDINATES, /* n values a unit, the coordinates of one point: ragged likewise */
    MCBE_SHAPE_POINTS /* any number of points of n values each, ragged likewise. F64; at most one
                               such column, added last; missing units have no points. */
} mcbe_column_shape_t;

/* A quantity of an experiment. Missing units show NaN (F64) or -1. */
typedef struct mcbe_column {
    char *path; /* place in the file: "trials/updates", "alpha/data"; owned by the layout. Ragged
                   columns of one group have one shape. */
    mcbe_column_type_t type;
    mcbe_column_shape_t shape;
    int64_t length;     /* of a series or an axis, at least 1 */
    const char *series; /* what a series runs over: its axis in the file; static storage */
    const void *values; /* of an axis: [length] int64_t or double, by its type; borrowed, must
                              outlive the layout */
    int approximate;    /* 1: went through BLAS, LAPACK, Qhull or libm and may differ in its last
                           digits between CPU types; marked canonical = 0 in the file */
    const char *units;  /* "1" if dimensionless; static storage */
    const char *description; /* one sentence; static storage */
} mcbe_column_t;

typedef struct mcbe_layout {
    mcbe_column_t *columns; /* owned */
    int count;
    int capacity;
} mcbe_layout_t;

/** Append a copy of a column, its path included. Zero-initialise the layout first.
 *  @return its number, or -1 if memory is out */
int mcbe_layout_add(mcbe_layout_t *layout, const mcbe_column_t *column);

/* A row of an experiment's table of columns, as mcbe_column_t; dimensionless. */
typedef struct mcbe_column_row {
    char *path;
    mcbe_column_type_t type;
    mcbe_column_shape_t shape;
    int approximate;
    const char *description;
} mcbe_column_row_t;

/** Append a table of columns whose series all run over one axis.
 *  @param[in] rows    [count]
 *  @param[in] series  what they run over; static storage
 *  @param[in] length  of the series and the axis
 *  @param[in] values  of the axis; borrowed as for mcbe_column_t
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_layout_add_table(mcbe_layout_t *layout,
                                                   const mcbe_column_row_t *rows, int count,
                                                   const char *series, int64_t length,
                                                   const void *values);
void mcbe_layout_free(mcbe_layout_t *layout);

/** Can a column of this type store the word? Any bits are a double. */
int mcbe_column_holds(mcbe_column_type_t type, int64_t word);

/** Words of a column in the record of a unit of this cell; 0 for points, whose number each record
 *  chooses, and for an axis. */
int64_t mcbe_column_words(const mcbe_column_t *column, const mcbe_cell_t *cell);
/** Words in the record of a unit of this cell without points, and where a column starts in it.
 *  Scalars come first, points last. */
int64_t mcbe_layout_words(const mcbe_layout_t *layout, const mcbe_cell_t *cell);
int64_t mcbe_layout_offset(const mcbe_layout_t *layout, int column, const mcbe_cell_t *cell);
/** Number of the column of points, or -1. */
int mcbe_layout_points(const mcbe_layout_t *layout);

/* A finished unit. */
typedef struct mcbe_record {
    int64_t cell, trial;
    double
        seconds; /* wall time of the unit; goes to /timing, the part that may differ between runs */
    int64_t rank; /* first rank of the group that computed it; likewise */
    int earlier;  /* 1: of a run that asked less of every unit, to go on from; see mcbe_store_put */
    int64_t word_count;
    int64_t *words; /* owned; doubles are stored by their bits */
} mcbe_record_t;

/** A zeroed record with room for a unit of a cell and no points.
 *  @param[in] number  of the cell in the plan  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_record_init(mcbe_record_t *record, const mcbe_layout_t *layout,
                                              int64_t number, int64_t trial,
                                              const mcbe_cell_t *cell);
void mcbe_record_free(mcbe_record_t *record);
/** A copy with words of its own. @param[out] copy  zeroed on error  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_record_copy(mcbe_record_t *copy, const mcbe_record_t *record);

/* Write and read one column of a record; arrays have mcbe_column_words entries. A column of another
 * type, or a value its type cannot store, is a bug. */
void mcbe_record_set_f64(mcbe_record_t *record, const mcbe_layout_t *layout,
                         const mcbe_cell_t *cell, int column, const double *values);
void mcbe_record_set_i64(mcbe_record_t *record, const mcbe_layout_t *layout,
                         const mcbe_cell_t *cell, int column, const int64_t *values);
void mcbe_record_get_f64(const mcbe_record_t *record, const mcbe_layout_t *layout,
                         const mcbe_cell_t *cell, int column, double *values);
void mcbe_record_get_i64(const mcbe_record_t *record, const mcbe_layout_t *layout,
                         const mcbe_cell_t *cell, int column, int64_t *values);
/** A scalar of either type as a number. */
double mcbe_record_scalar(const mcbe_record_t *record, const mcbe_layout_t *layout,
                          const mcbe_cell_t *cell, int column);

/** Give a record its points, in place of those it has.
 *  @param[in] x  [count][n]; NULL makes them zero, to be filled in record->words
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_record_set_points(mcbe_record_t *record,
                                                    const mcbe_layout_t *layout,
                                                    const mcbe_cell_t *cell, int64_t count,
                                                    const double *x);
/** Number of points in a record; one of them. @param[out] x  [n] */
int64_t mcbe_record_points(const mcbe_record_t *record, const mcbe_layout_t *layout,
                           const mcbe_cell_t *cell);
void mcbe_record_get_point(const mcbe_record_t *record, const mcbe_layout_t *layout,
                           const mcbe_cell_t *cell, int64_t point, double *x);

#endif
