#ifndef MCBE_INPUTS_H
#define MCBE_INPUTS_H

/* The points that experiments on given layers look at: their keys, and where they come from. */

#include "data.h"
#include "mcbe/network.h"
#include "setup.h"

/* Rows for an experiment's key table, which also has MCBE_DOMAIN_KEYS and MCBE_DATA_KEYS. */
#define MCBE_INPUTS_KEYS                                                                           \
    {.path = "points.kind",                                                                        \
     .type = MCBE_KEY_ENUM,                                                                        \
     .fallback = "data",                                                                           \
     .words = "data domain plane",                                                                 \
     .help = "Points of a file, random points of K, or a grid in a plane: that of three points "   \
             "of the data or, without data, of the first two coordinates."},                       \
    {                                                                                              \
        .path = "points.count", .type = MCBE_KEY_INT, .fallback = "0", .max = 1e9,                 \
        .help = "How many, from the first on; 0: all of the data."                                 \
    }

#define MCBE_PLANE_KEYS                                                                            \
    {.path = "plane.points",                                                                       \
     .type = MCBE_KEY_AXIS,                                                                        \
     .fallback = "[0, 2]",                                                                         \
     .max = 1e9,                                                                                   \
     .help = "Numbers of three points x0, x1, x2 of the data: the grid is x0 + s (x1 - x0) + "     \
             "t (x2 - x0)."},                                                                      \
        {.path = "plane.low",                                                                      \
         .type = MCBE_KEY_REAL,                                                                    \
         .fallback = "-1",                                                                         \
         .min = -1e30,                                                                             \
         .max = 1e30,                                                                              \
         .help = "Least value of s and t."},                                                       \
        {.path = "plane.high",                                                                     \
         .type = MCBE_KEY_REAL,                                                                    \
         .fallback = "1",                                                                          \
         .min = -1e30,                                                                             \
         .max = 1e30,                                                                              \
         .help = "Largest value of s and t."},                                                     \
    {                                                                                              \
        .path = "plane.steps", .type = MCBE_KEY_INT, .fallback = "101", .min = 2, .max = 30000,    \
        .help = "Values of each of s and t, evenly spaced."                                        \
    }

typedef enum mcbe_inputs_kind {
    MCBE_INPUTS_DATA,   /* of a file */
    MCBE_INPUTS_DOMAIN, /* random ones */
    MCBE_INPUTS_PLANE   /* a grid */
} mcbe_inputs_kind_t;

typedef struct mcbe_inputs {
    mcbe_inputs_kind_t kind;
    int64_t count;
    int n;                /* their coordinates */
    mcbe_data_t data;     /* owned; empty where no file is read */
    mcbe_domain_t domain; /* of random ones */
    uint64_t seed;
    double *plane;    /* owned, [3][n]: a point and two directions; or NULL */
    double low, high; /* of the coefficients of these directions */
    int64_t steps;
} mcbe_inputs_t;

/** Read the keys of where points come from, and the data: data.train.n is then known, 0 without
 *  data. Free with mcbe_inputs_free whatever the result.
 *  @param[in] setup  its seed and domain  @return MCBE_OK; MCBE_ERR_CONFIG; the errors of the files;
 *         MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_inputs_open(mcbe_inputs_t *inputs, const mcbe_setup_t *setup,
                                              mcbe_config_t *config, mcbe_error_t *err);
/** Fit them to inputs of n coordinates; sets count. @return as above */
MCBE_NODISCARD mcbe_status_t mcbe_inputs_fit(mcbe_inputs_t *inputs, int n,
                                             const mcbe_config_t *config, mcbe_error_t *err);
void mcbe_inputs_free(mcbe_inputs_t *inputs);

/** Points [first, first + count). Not collective.
 *  @param[in]  m  names the stream of random ones, with n and the seed
 *  @param[out] x  [count][n]  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_inputs_fill(const mcbe_inputs_t *inputs, int64_t m, int64_t first,
                                              int64_t count, double *x);

/** Read a network file; its SHA-256 joins the fingerprint. Free with mcbe_network_free whatever the
 *  result.
 *  @param[in] fact  the name of the SHA-256 in the listing of the keys
 *  @return MCBE_OK; the errors of mcbe_network_load */
MCBE_NODISCARD mcbe_status_t mcbe_inputs_load_network(mcbe_network_t *network,
                                                      mcbe_config_t *config, const char *path,
                                                      const char *fact, mcbe_error_t *err);

#endif
