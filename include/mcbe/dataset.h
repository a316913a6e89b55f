#ifndef MCBE_DATASET_H
#define MCBE_DATASET_H

#include <stdint.h>
#include <stdio.h>

#include "mcbe/rng.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers a data set may hold, so that no file can ask for more: 8 GiB. */
#define MCBE_DATA_VALUES_MAX ((int64_t)1 << 31)

/* Points with what is known of them. Zero-initialise; free with mcbe_dataset_free. */
typedef struct mcbe_dataset {
    int64_t count;
    int n;
    float *x;           /* owned, row-major [count][n], finite; what mcbe_cloud_* take as centers */
    int32_t *label;     /* owned, [count], >= 0; NULL without labels */
    char **class_names; /* owned, [classes], of labels that are texts: label i is
                            class_names[i], in the order of their first appearance; else NULL */
    int classes;        /* largest label + 1 seen so far; 0 without labels */
    char **column_names; /* owned, [n], of a CSV file with a header; else NULL */
} mcbe_dataset_t;

typedef enum mcbe_data_format {
    MCBE_DATA_AUTO, /* by the first bytes; CSV and CIFAR-10 by the name: .csv .tsv .txt .data, and
                         .bin (any of them also with .gz) */
    MCBE_DATA_CSV,  /* text, one point a line */
    MCBE_DATA_IDX,  /* MNIST's format: count x anything, any of its six types */
    MCBE_DATA_CIFAR10, /* binary version: records of a label byte and 3,072 pixels */
    MCBE_DATA_NPY      /* NumPy: count x anything; reals and integers, little-endian */
} mcbe_data_format_t;

/* Does a CSV file start with a line of names? AUTO: if one of its features is not a number. */
typedef enum mcbe_data_header {
    MCBE_DATA_HEADER_AUTO,
    MCBE_DATA_HEADER_YES,
    MCBE_DATA_HEADER_NO
} mcbe_data_header_t;

/* How files are read; all zero is a good default. */
typedef struct mcbe_data_options {
    mcbe_data_format_t format;
    mcbe_data_header_t header; /* CSV */
    char delimiter;            /* CSV; 0 is ',' */
    const char *label;         /* CSV: the column of labels, "last", its index from 0 or its name in
                                   the header; NULL or "" if there is none. Labels that are all whole
                                   numbers from 0 to 2^31 - 2 stand for themselves. Borrowed. */
    const mcbe_dataset_t *like; /* the data these belong to (a training set): they must have its n,
                                   and get its class names. Borrowed, or NULL. */
} mcbe_data_options_t;

/** Read points from one file or, one after the other, from several of the same shape. Files may be
 *  packed with gzip. They are read in pieces of bounded size; what a header claims is held against
 *  the size of the file before memory is asked for. Not collective. Thread-safe.
 *  @param[out] data    zeroed on error
 *  @param[in]  paths   [path_count], path_count >= 1
 *  @param[in]  options NULL for the default
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA with a sentence: not of the format, truncated, bytes
 *         too many, sizes that do not fit or are absurd, a value that is not a finite fp32 number;
 *         MCBE_ERR_NOMEM
 *  Memory: 4 count n bytes; up to three times that for CSV and for packed CIFAR-10, whose count is
 *  known at the end only. */
MCBE_NODISCARD mcbe_status_t mcbe_dataset_read(mcbe_dataset_t *data, const char *const *paths,
                                               int path_count, const mcbe_data_options_t *options,
                                               mcbe_error_t *err);

/** The same from an open stream, which must be seekable, be it a file or one of fmemopen. It is left
 *  open. @param[in] name  for sentences, and for format AUTO */
MCBE_NODISCARD mcbe_status_t mcbe_dataset_parse(mcbe_dataset_t *data, FILE *in, const char *name,
                                                const mcbe_data_options_t *options,
                                                mcbe_error_t *err);

/** Labels that stand in a file of their own: IDX or .npy, one whole number a point, possibly packed.
 *  Replaces those there are.
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA, also if their number is not data->count;
 *         MCBE_ERR_NOMEM; data is unchanged on error */
MCBE_NODISCARD mcbe_status_t mcbe_dataset_read_labels(mcbe_dataset_t *data, const char *path,
                                                      mcbe_error_t *err);
/** The same from an open stream. */
MCBE_NODISCARD mcbe_status_t mcbe_dataset_parse_labels(mcbe_dataset_t *data, FILE *in,
                                                       const char *name, mcbe_error_t *err);

/** Room for points of the caller's: fill data->x, then call mcbe_dataset_check.
 *  @param[out] data  zeroed on error
 *  @return MCBE_OK; MCBE_ERR_DIM unless 1 <= n <= MCBE_MAX_N, count >= 1 and
 *         count n <= MCBE_DATA_VALUES_MAX; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_dataset_create(mcbe_dataset_t *data, int64_t count, int n,
                                                 mcbe_error_t *err);
/** Is every value finite? @param[in] name  for the sentence
 *  @return MCBE_OK; MCBE_ERR_DATA naming the first that is not */
MCBE_NODISCARD mcbe_status_t mcbe_dataset_check(const mcbe_dataset_t *data, const char *name,
                                                mcbe_error_t *err);
/** Accepts a zeroed one; zeroes it. */
void mcbe_dataset_free(mcbe_dataset_t *data);

/** Keep some features, in the order given, in place. Not collective.
 *  @param[in] features  [count], each an index from 0 or a name of the header; a name of digits alone
 *         is an index
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT naming one that is not there or is there twice;
 *         MCBE_ERR_NOMEM; data is unchanged on error */
MCBE_NODISCARD mcbe_status_t mcbe_dataset_select(mcbe_dataset_t *data, const char *const *features,
                                                 int count, mcbe_error_t *err);

/** Take out a test set chosen by a keyed shuffle. Both keep the order of the file. Not collective.
 *  @param[in,out] data  loses ceil(share count) points, at least 1
 *  @param[out]    test  zeroed on error
 *  @param[in]     share  0 < share < 1, and at least one point must be left
 *  @param[in]     key    seed and trial are used; the rest is set here
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT with a sentence; MCBE_ERR_NOMEM; data is unchanged on error
 *  Memory: the test set and 8 count bytes. */
MCBE_NODISCARD mcbe_status_t mcbe_dataset_split(mcbe_dataset_t *data, mcbe_dataset_t *test,
                                                double share, const mcbe_stream_key_t *key,
                                                mcbe_error_t *err);

typedef enum mcbe_normalize {
    MCBE_NORMALIZE_NONE,
    MCBE_NORMALIZE_STANDARD,   /* mean 0, standard deviation 1 (of the data: divided by count) */
    MCBE_NORMALIZE_UNIT_RANGE, /* smallest value 0, largest 1 */
    MCBE_NORMALIZE_UNIT_NORM   /* every point divided by its norm; 0 stays 0 */
} mcbe_normalize_t;

/* An affine map of every feature, and of every point onto the sphere: x_k becomes
 * (x_k - shift[k]) * factor[k]. Zero-initialise; free with mcbe_scaling_free. */
typedef struct mcbe_scaling {
    mcbe_normalize_t kind;
    int n;
    double *shift, *factor; /* owned, [n] */
} mcbe_scaling_t;

/** Fit a normalisation to the training data: computed in fp64 in a fixed order, the same bits
 *  everywhere. A feature that does not vary is only shifted (factor 1). Not collective. Thread-safe.
 *  @param[in]  pooled   one mean and deviation, or range, of all features together: what keeps an
 *         image an image
 *  @param[out] scaling  zeroed on error
 *  @return MCBE_OK; MCBE_ERR_NOMEM.  Cost: 5 count n flops at most. */
MCBE_NODISCARD mcbe_status_t mcbe_scaling_fit(mcbe_scaling_t *scaling, mcbe_normalize_t kind,
                                              int pooled, const mcbe_dataset_t *data);
/** Apply it, in place: to the data it was fitted to, to a test set. scaling->n must be data->n.
 *  @return MCBE_OK; MCBE_ERR_DATA if a value leaves the range of fp32 */
MCBE_NODISCARD mcbe_status_t mcbe_scaling_apply(const mcbe_scaling_t *scaling, mcbe_dataset_t *data,
                                                mcbe_error_t *err);
void mcbe_scaling_free(mcbe_scaling_t *scaling);

/** Root of the mean variance of the features (divided by count): what a noise is a multiple of.
 *  0 if nothing varies. Fixed order. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_dataset_deviation(const mcbe_dataset_t *data, double *deviation);

#ifdef __cplusplus
}
#endif
#endif
