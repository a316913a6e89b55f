#ifndef MCBE_STORE_INTERNAL_H
#define MCBE_STORE_INTERNAL_H

#include "h5.h"
#include "store.h"

/* What store.c (in memory), store_write.c, store_read.c, store_check.c and store_provenance.c
 * share. */

#define STORE_FILETYPE "mcbe-results"

struct mcbe_store {
    char *experiment; /* owned, as are the two texts */
    char *config_text;
    char *config_resolved;
    char fingerprint[65];
    int64_t seed;
    const mcbe_plan_t *plan;     /* borrowed */
    const mcbe_layout_t *layout; /* borrowed */
    mcbe_record_t *records;      /* owned, [units]; where not done, zeroed or an earlier record */
    unsigned char *done;         /* owned, [units] */
    int64_t done_count, earlier_count;
    mcbe_shard_t shard;
    unsigned char *own; /* owned, [units], units of the shard; NULL where these are all */
    int64_t own_count;
};

/** Record "no memory for 'path'". @return MCBE_ERR_NOMEM */
mcbe_status_t mcbe_store_no_memory(mcbe_error_t *err, const char *path);

/** Is a column stored in one dimension, the units one after the other, with a dataset `offset`? */
int mcbe_store_is_ragged(const mcbe_column_t *column);

/** Where the values of each unit start in the dataset of a column when every cell has `trials`
 *  trials; all 0 for points, whose number is in the records.
 *  @return [cells * trials + 1], owned by the caller; NULL if memory is out */
int64_t *mcbe_store_offsets(const mcbe_plan_t *plan, int64_t trials, const mcbe_column_t *column);

/** Path of the dataset `offset` that belongs to a ragged column; owned by the caller, NULL if
 *  memory is out. All such columns of one group share it. */
char *mcbe_store_offset_path(const mcbe_column_t *column);

/** Is this the first ragged column in its group? */
int mcbe_store_leads_group(const mcbe_layout_t *layout, int column);

/** HDF5 type of a column's words in memory. */
hid_t mcbe_store_word_type(const mcbe_column_t *column);

/** Open a file after checking filetype and version. @return as mcbe_store_peek */
MCBE_NODISCARD mcbe_status_t mcbe_store_open(const char *path, hid_t *file, mcbe_error_t *err);

/** Write the group /provenance. @return MCBE_OK; MCBE_ERR_IO */
MCBE_NODISCARD mcbe_status_t mcbe_store_write_provenance(hid_t file,
                                                         const mcbe_provenance_t *provenance,
                                                         mcbe_error_t *err);

#endif
