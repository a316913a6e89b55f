#ifndef MCBE_DATA_H
#define MCBE_DATA_H

/* Data that experiments draw points around or judge layers by: their keys, and reading them. */

#include "config.h"
#include "mcbe/cloud.h"
#include "mcbe/dataset.h"
#include "mcbe/injectivity.h"
#include "record.h"
#include "team.h"

/* Rows for an experiment's key table. */
#define MCBE_DATA_KEYS                                                                             \
    {.path = "data.path",                                                                          \
     .type = MCBE_KEY_TEXTS,                                                                       \
     .flags = MCBE_KEY_LATE,                                                                       \
     .fallback = "[]",                                                                             \
     .help = "The data: a CSV, IDX, CIFAR-10 or .npy file, possibly packed with gzip, a dataset "  \
             "of an HDF5 file (FILE.h5:/points), or a list of files that are read one after the "  \
             "other; their SHA-256 join the fingerprint."},                                        \
        {.path = "data.format",                                                                    \
         .type = MCBE_KEY_ENUM,                                                                    \
         .flags = MCBE_KEY_LATE,                                                                   \
         .fallback = "auto",                                                                       \
         .words = "auto csv idx cifar10 npy",                                                      \
         .help = "Format of these files; auto goes by their first bytes and, for CSV and "         \
                 "CIFAR-10, by the ending of the name."},                                          \
        {.path = "data.delimiter",                                                                 \
         .type = MCBE_KEY_ENUM,                                                                    \
         .flags = MCBE_KEY_LATE,                                                                   \
         .fallback = "comma",                                                                      \
         .words = "comma semicolon tab",                                                           \
         .help = "CSV: what stands between two fields."},                                          \
        {.path = "data.header",                                                                    \
         .type = MCBE_KEY_ENUM,                                                                    \
         .flags = MCBE_KEY_LATE,                                                                   \
         .fallback = "auto",                                                                       \
         .words = "auto true false",                                                               \
         .help = "CSV: is the first line one of names? auto: it is if a feature in it begins "     \
                 "with a letter."},                                                                \
        {.path = "data.label",                                                                     \
         .type = MCBE_KEY_STRING,                                                                  \
         .flags = MCBE_KEY_LATE,                                                                   \
         .fallback = "''",                                                                         \
         .help = "CSV: the column of labels, which is no feature: last, its number from 0, or "    \
                 "its name in the header; empty if there is none."},                               \
        {.path = "data.features",                                                                  \
         .type = MCBE_KEY_TEXTS,                                                                   \
         .flags = MCBE_KEY_LATE,                                                                   \
         .fallback = "[]",                                                                         \
         .help =                                                                                   \
             "Features to keep, by number from 0 or by name, in this order; empty keeps all."},    \
        {.path = "data.normalize",                                                                 \
         .type = MCBE_KEY_ENUM,                                                                    \
         .flags = MCBE_KEY_LATE,                                                                   \
         .fallback = "none",                                                                       \
         .words = "none standard unit_range unit_norm",                                            \
         .help = "Mean 0 and deviation 1, range 0 to 1, or every point divided by its norm; "      \
                 "fitted to the training data alone."},                                            \
    {                                                                                              \
        .path = "data.pooled", .type = MCBE_KEY_BOOL, .flags = MCBE_KEY_LATE, .fallback = "false", \
        .help = "One mean and deviation, or range, for all features together, as fits the pixels " \
                "of images."                                                                       \
    }

/* Likewise, for experiments that have a test set. They stand after the keys above. */
#define MCBE_TEST_DATA_KEYS                                                                        \
    {.path = "data.test_path",                                                                     \
     .type = MCBE_KEY_TEXTS,                                                                       \
     .flags = MCBE_KEY_LATE,                                                                       \
     .fallback = "[]",                                                                             \
     .help = "Files of the test set, read as those of data.path."},                                \
    {                                                                                              \
        .path = "data.test_share", .type = MCBE_KEY_REAL, .flags = MCBE_KEY_LATE, .fallback = "0", \
        .max = 0.999999,                                                                           \
        .help = "Share of the points of data.path that a shuffle keyed by the seed makes the "     \
                "test set, instead of data.test_path."                                             \
    }

/* Likewise, for points around data. */
#define MCBE_CLOUD_KEYS                                                                            \
    {.path = "smoothing.sigma",                                                                    \
     .type = MCBE_KEY_REAL,                                                                        \
     .flags = MCBE_KEY_LATE,                                                                       \
     .fallback = "0",                                                                              \
     .max = 1e30,                                                                                  \
     .help = "Standard deviation of the noise around each point, in the units of the normalised "  \
             "data."},                                                                             \
        {.path = "smoothing.relative",                                                             \
         .type = MCBE_KEY_REAL,                                                                    \
         .flags = MCBE_KEY_LATE,                                                                   \
         .fallback = "0",                                                                          \
         .max = 1e6,                                                                               \
         .help = "The same as a multiple of the normalised data's own deviation (the root of the " \
                 "mean variance of the features), instead of smoothing.sigma."},                   \
    {                                                                                              \
        .path = "kde.bandwidth", .type = MCBE_KEY_ENUM, .flags = MCBE_KEY_LATE,                    \
        .fallback = "diagonal", .words = "diagonal full",                                          \
        .help = "Kernels of the density estimate: Scott's rule times the deviation of every "      \
                "feature, or times the covariance."                                                \
    }

/* Points, normalised. */
typedef struct mcbe_data {
    mcbe_dataset_t train, test; /* owned; test has none without a test set */
    mcbe_scaling_t scaling;     /* owned; as fitted to train */
} mcbe_data_t;

/* How a cloud's noise is chosen. */
typedef enum mcbe_noise { MCBE_NOISE_SMOOTHING, MCBE_NOISE_DENSITY } mcbe_noise_t;

/** Read, choose features, split, normalise; add the SHA-256 of every file to the config. Not
 *  collective: every rank reads the files. Free with mcbe_data_free whatever the result.
 *  @param[in] with_test  the table has MCBE_TEST_DATA_KEYS
 *  @param[in] seed       of the shuffle that chooses a test set
 *  @return MCBE_OK; MCBE_ERR_CONFIG; the errors of mcbe_dataset_read; MCBE_ERR_NOMEM
 *  Memory: 4 count n bytes. */
MCBE_NODISCARD mcbe_status_t mcbe_data_open(mcbe_data_t *data, mcbe_config_t *config, int with_test,
                                            uint64_t seed, mcbe_error_t *err);
void mcbe_data_free(mcbe_data_t *data);

/** Refuse keys of the data that are given where there are none to read: `why` ends the sentence "has
 *  a meaning only for". @return MCBE_OK; MCBE_ERR_CONFIG */
MCBE_NODISCARD mcbe_status_t mcbe_data_refuse(const mcbe_config_t *config, const char *why,
                                              mcbe_error_t *err);

/** The distribution around the training data, by the keys of MCBE_CLOUD_KEYS. Borrows the data.
 *  @return MCBE_OK; MCBE_ERR_CONFIG; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_data_cloud(mcbe_cloud_t **cloud, const mcbe_data_t *data,
                                             mcbe_noise_t noise, const mcbe_config_t *config,
                                             mcbe_error_t *err);

/** Count the points of a data set at which at least n rows are active, at each of several biases.
 *  Collective over team->comm: the points are dealt to the ranks; NULL for the caller alone.
 *  @param[in]  biases   [count][m]
 *  @param[out] results  [count], the same on every rank
 *  @return MCBE_OK; MCBE_STOPPED, agreed; MCBE_ERR_NOMEM. Not agreed.
 *  Cost: as mcbe_point_test_add. */
MCBE_NODISCARD mcbe_status_t mcbe_data_p_injective(const mcbe_dataset_t *data,
                                                   const mcbe_frame_t *frame, int count,
                                                   const double *biases, const mcbe_team_t *team,
                                                   mcbe_p_injective_t *results);

/** Append to a layout how the data were normalised: /data/shift and /data/factor; nothing without a
 *  fitted normalisation. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_data_layout(const mcbe_data_t *data, mcbe_layout_t *layout);

#endif
