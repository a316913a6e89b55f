#ifndef MCBE_RECORD_H
#define MCBE_RECORD_H

#include <stdint.h>

#include "mcbe/status.h"

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
    MCBE_SHAPE_ROWS    /* m values a unit: ragged, dataset [all rows], with `offset` in its group */
} mcbe_column_shape_t;

/* A quantity of an experiment. Missing units show NaN (F64) or -1. */
typedef struct mcbe_column {
    char *path; /* place in the file: "trials/updates", "alpha/data"; owned by the layout */
    mcbe_column_type_t type;
    mcbe_column_shape_t shape;
    const char *units;       /* "1" if dimensionless; static storage */
    const char *description; /* one sentence; static storage */
} mcbe_column_t;

typedef struct mcbe_layout {
    mcbe_column_t *columns; /* owned */
    int count;
    int capacity;
} mcbe_layout_t;

/** Append a column; `path` is copied. Zero-initialise the layout first.
 *  @return its number, or -1 if memory is out */
int mcbe_layout_add(mcbe_layout_t *layout, const char *path, mcbe_column_type_t type,
                    mcbe_column_shape_t shape, const char *units, const char *description);
void mcbe_layout_free(mcbe_layout_t *layout);

/** Can a column of this type store the word? Any bits are a double. */
int mcbe_column_holds(mcbe_column_type_t type, int64_t word);

/** Words in the record of a unit with m rows, and where a column starts in it. Scalars come
 *  first. */
int64_t mcbe_layout_words(const mcbe_layout_t *layout, int64_t m);
int64_t mcbe_layout_offset(const mcbe_layout_t *layout, int column, int64_t m);

/* A finished unit. */
typedef struct mcbe_record {
    int64_t cell, trial;
    double
        seconds; /* wall time of the unit; goes to /timing, the part that may differ between runs */
    int64_t rank; /* first rank of the group that computed it; likewise */
    int64_t word_count;
    int64_t *words; /* owned; doubles are stored by their bits */
} mcbe_record_t;

/** A zeroed record with room for a unit of m rows. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_record_init(mcbe_record_t *record, const mcbe_layout_t *layout,
                                              int64_t cell, int64_t trial, int64_t m);
void mcbe_record_free(mcbe_record_t *record);

/* Write and read one column of a record; arrays have m entries for a column of rows, one for a
 * scalar. A column of another type, or a value its type cannot store, is a bug. */
void mcbe_record_set_f64(mcbe_record_t *record, const mcbe_layout_t *layout, int64_t m, int column,
                         const double *values);
void mcbe_record_set_i64(mcbe_record_t *record, const mcbe_layout_t *layout, int64_t m, int column,
                         const int64_t *values);
void mcbe_record_get_f64(const mcbe_record_t *record, const mcbe_layout_t *layout, int64_t m,
                         int column, double *values);
void mcbe_record_get_i64(const mcbe_record_t *record, const mcbe_layout_t *layout, int64_t m,
                         int column, int64_t *values);

#endif
