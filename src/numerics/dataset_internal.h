#ifndef MCBE_DATASET_INTERNAL_H
#define MCBE_DATASET_INTERNAL_H

#include "inflow.h"
#include "mcbe/dataset.h"
#include "npy.h"

/* What the readers of the formats share. */

/* One file being read. */
typedef struct mcbe_data_source {
    mcbe_inflow_t in;
    mcbe_data_format_t format; /* not AUTO */
    int64_t count;             /* points in it; -1 where only the end will tell */
    int n;                     /* 0 where the first line will tell */
    mcbe_npy_header_t header;  /* IDX and NPY */
} mcbe_data_source_t;

/* A data set under construction. */
typedef struct mcbe_data_rows {
    mcbe_dataset_t *data;
    int64_t capacity; /* points there is room for */
    int has_labels;   /* every point comes with one */
} mcbe_data_rows_t;

/** Room for more points, of n features; the first call decides n.
 *  @param[in] exact  reserve no more than that
 *  @return MCBE_OK; MCBE_ERR_DATA with a sentence for another n or too many; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_data_reserve(mcbe_data_rows_t *rows, int64_t more, int n,
                                               int exact, const char *name, mcbe_error_t *err);

/** Forget the labels and their names. */
void mcbe_data_drop_labels(mcbe_dataset_t *data);
void mcbe_data_free_names(char **names, int count);

/* Headers of the binary formats: set count, n and header of the source, with the file's size held
 * against them. */
MCBE_NODISCARD mcbe_status_t mcbe_data_begin_idx(mcbe_data_source_t *source, mcbe_error_t *err);
MCBE_NODISCARD mcbe_status_t mcbe_data_begin_npy(mcbe_data_source_t *source, mcbe_error_t *err);
MCBE_NODISCARD mcbe_status_t mcbe_data_begin_cifar10(mcbe_data_source_t *source, mcbe_error_t *err);
/* All points of a source that has begun, to the end of the file. */
MCBE_NODISCARD mcbe_status_t mcbe_data_read_idx(mcbe_data_source_t *source, mcbe_data_rows_t *rows,
                                                mcbe_error_t *err);
MCBE_NODISCARD mcbe_status_t mcbe_data_read_npy(mcbe_data_source_t *source, mcbe_data_rows_t *rows,
                                                mcbe_error_t *err);
MCBE_NODISCARD mcbe_status_t mcbe_data_read_cifar10(mcbe_data_source_t *source,
                                                    mcbe_data_rows_t *rows, mcbe_error_t *err);
MCBE_NODISCARD mcbe_status_t mcbe_data_read_csv(mcbe_data_source_t *source,
                                                const mcbe_data_options_t *options,
                                                mcbe_data_rows_t *rows, mcbe_error_t *err);

#endif
