#ifndef MCBE_SETUP_H
#define MCBE_SETUP_H

/* What every experiment on random layers shares: its keys, and the frame, domain and biases they
 * describe. */

#include "config.h"
#include "data.h"
#include "matrix_file.h"
#include "mcbe/bias.h"
#include "mcbe/polytope.h"

/* Rows for an experiment's key table. */
#define MCBE_BASE_KEYS                                                                             \
    {.path = "experiment",                                                                         \
     .type = MCBE_KEY_STRING,                                                                      \
     .help = "Which experiment this file describes."},                                             \
    {                                                                                              \
        .path = "seed", .type = MCBE_KEY_INT, .fallback = "20240101", .max = 9007199254740991.0,   \
        .help = "Seed of every random number; same seed, same results."                            \
    }

#define MCBE_COMMON_KEYS                                                                           \
    MCBE_BASE_KEYS,                                                                                \
    {                                                                                              \
        .path = "trials", .type = MCBE_KEY_INT, .flags = MCBE_KEY_GROWS, .fallback = "1",          \
        .min = 1, .max = 1000000, .help = "Weight matrices per cell."                              \
    }

#define MCBE_RUN_KEYS                                                                              \
    {.path = "run.ranks_per_unit",                                                                 \
     .type = MCBE_KEY_INT,                                                                         \
     .flags = MCBE_KEY_FREE,                                                                       \
     .fallback = "auto",                                                                           \
     .min = 1,                                                                                     \
     .max = 1000000,                                                                               \
     .words = "auto=0 all=-1",                                                                     \
     .help = "Ranks that share one unit of work; auto chooses by the cost of the dearest unit."},  \
        {.path = "run.max_walltime",                                                               \
         .type = MCBE_KEY_REAL,                                                                    \
         .flags = MCBE_KEY_FREE,                                                                   \
         .fallback = "0",                                                                          \
         .max = 1e9,                                                                               \
         .help = "Seconds after which the run stops with all that is finished kept, to be "        \
                 "continued; 0 goes by "                                                           \
                 "the end of the SLURM job, if it runs in one. --max-walltime wins."},             \
        {.path = "run.stop_padding",                                                               \
         .type = MCBE_KEY_INT,                                                                     \
         .flags = MCBE_KEY_FREE,                                                                   \
         .fallback = "auto",                                                                       \
         .max = 1000000000,                                                                        \
         .words = "auto=-1",                                                                       \
         .help = "Seconds kept free at the end of a time limit; auto is a tenth of the limit, at " \
                 "most 30."},                                                                      \
    {                                                                                              \
        .path = "run.checkpoint_seconds", .type = MCBE_KEY_REAL, .flags = MCBE_KEY_FREE,           \
        .fallback = "30", .min = 0.01, .max = 86400,                                               \
        .help = "Seconds between two rewrites of the result file while the run goes on; finished " \
                "units are journalled at once."                                                    \
    }

#define MCBE_FRAME_KEYS                                                                            \
    {.path = "frame.ensemble",                                                                     \
     .type = MCBE_KEY_ENUM,                                                                        \
     .fallback = "gaussian",                                                                       \
     .words = "gaussian sphere tetrahedron octahedron icosahedron file",                           \
     .help = "Weight matrix: iid N(0, 1) entries, rows uniform on the unit sphere, a polyhedron "  \
             "(n = 3), or a file."},                                                               \
        {.path = "frame.path",                                                                     \
         .type = MCBE_KEY_STRING,                                                                  \
         .fallback = "''",                                                                         \
         .help =                                                                                   \
             "The m x n weight matrix of ensemble file: " MCBE_MATRIX_FILE_FORMS "; or, of "       \
             "three dimensions, a stack of them, as of the epochs of a training: the first for "   \
             "trial 0 and so on, each with points of its own; trials must be given then. Its "     \
             "SHA-256 joins the fingerprint."},                                                    \
        {.path = "frame.transpose",                                                                \
         .type = MCBE_KEY_BOOL,                                                                    \
         .flags = MCBE_KEY_LATE,                                                                   \
         .fallback = "false",                                                                      \
         .help = "Take the transpose of what the file holds: Keras keeps weights as n x m."},      \
    {                                                                                              \
        .path = "frame.normalize_rows", .type = MCBE_KEY_BOOL, .fallback = "false",                \
        .help = "Divide every row by its norm."                                                    \
    }

#define MCBE_DOMAIN_KIND(more_words, more_help)                                                    \
    {                                                                                              \
        .path = "domain.kind", .type = MCBE_KEY_ENUM, .fallback = "sphere",                        \
        .words = "sphere ball shell gaussian" more_words,                                          \
        .help = "The set K of inputs; gaussian is the unbounded N(0, I)" more_help "."             \
    }

#define MCBE_DOMAIN_RADIUS_KEYS                                                                    \
    {.path = "domain.radius",                                                                      \
     .type = MCBE_KEY_REAL,                                                                        \
     .fallback = "1",                                                                              \
     .min = 1e-30,                                                                                 \
     .max = 1e30,                                                                                  \
     .help = "Radius of the sphere or ball, outer radius of the shell."},                          \
        {.path = "domain.inner_radius",                                                            \
         .type = MCBE_KEY_REAL,                                                                    \
         .fallback = "0",                                                                          \
         .min = 0,                                                                                 \
         .max = 1e30,                                                                              \
         .help = "Inner radius of the shell, between 0 and domain.radius."},                       \
        {.path = "domain.nonnegative",                                                             \
         .type = MCBE_KEY_BOOL,                                                                    \
         .fallback = "false",                                                                      \
         .help = "Keep only the points of K without negative coordinates."},                       \
    {                                                                                              \
        .path = "domain.radial", .type = MCBE_KEY_ENUM, .fallback = "analytic",                    \
        .words = "analytic sampled",                                                               \
        .help = "Ball and shell: sample directions and treat the radius exactly, or sample "       \
                "points inside K."                                                                 \
    }

#define MCBE_DOMAIN_KEYS MCBE_DOMAIN_KIND("", ""), MCBE_DOMAIN_RADIUS_KEYS

/* Likewise, with points around data. */
#define MCBE_ANY_DOMAIN_KIND                                                                       \
    MCBE_DOMAIN_KIND(" smoothing kde",                                                             \
                     "; smoothing and kde are points around the data of data.path: with noise, "   \
                     "or as a Gaussian kernel density estimate spreads them")

#define MCBE_ANY_DOMAIN_KEYS                                                                       \
    MCBE_ANY_DOMAIN_KIND, MCBE_DOMAIN_RADIUS_KEYS, MCBE_DATA_KEYS, MCBE_CLOUD_KEYS

/* Likewise, and a test set may be kept apart from these data. */
#define MCBE_TESTED_DOMAIN_KEYS                                                                    \
    MCBE_ANY_DOMAIN_KIND, MCBE_DOMAIN_RADIUS_KEYS, MCBE_DATA_KEYS, MCBE_TEST_DATA_KEYS,            \
        MCBE_CLOUD_KEYS

/* @param growth  MCBE_KEY_EXTENDS where finished units can go on with more points, else 0 */
#define MCBE_SAMPLES_KEYS(growth)                                                                  \
    {.path = "sampling.samples",                                                                   \
     .type = MCBE_KEY_INT,                                                                         \
     .flags = (growth),                                                                            \
     .min = 1,                                                                                     \
     .max = 1e15,                                                                                  \
     .help = "Points drawn for each weight matrix."},                                              \
        {.path = "sampling.precision",                                                             \
         .type = MCBE_KEY_ENUM,                                                                    \
         .flags = MCBE_KEY_FREE,                                                                   \
         .fallback = "mixed",                                                                      \
         .words = "mixed double",                                                                  \
         .help = "Arithmetic of the screening products: fp32 or fp64. Results are the same bytes " \
                 "with both."},                                                                    \
    {                                                                                              \
        .path = "sampling.stop.unchanged", .type = MCBE_KEY_INT, .fallback = "0", .max = 1e15,     \
        .help =                                                                                    \
            "Stop a unit once this many points in a row have changed nothing, looked at "          \
            "after every 64 blocks (16,384 points; with design paired after 1024 shells, the "     \
            "first time after 1,048,576 points; with crossed after every 65,536 points); 0 draws " \
            "all of sampling.samples."                                                             \
    }

/* How many points, and how they are drawn; growth as above. */
#define MCBE_SAMPLING_KEYS(growth)                                                                 \
    {.path = "sampling.design",                                                                    \
     .type = MCBE_KEY_ENUM,                                                                        \
     .fallback = "iid",                                                                            \
     .words = "iid paired crossed",                                                                \
     .help = "How points are drawn: independently; as all sums of the rows of two Gaussian banks " \
             "(paired: uniform directions, far cheaper); or, around data, each of many centers "   \
             "with each of many noises (crossed, far cheaper)."},                                  \
        MCBE_SAMPLES_KEYS(growth),                                                                 \
    {                                                                                              \
        .path = "sampling.init_rows", .type = MCBE_KEY_BOOL, .fallback = "false",                  \
        .help = "Visit the directions of the rows themselves before the random points."            \
    }

#define MCBE_SEARCH_KEYS                                                                           \
    {.path = "search.enabled",                                                                     \
     .type = MCBE_KEY_BOOL,                                                                        \
     .fallback = "false",                                                                          \
     .help = "After sampling, look for certificates against every bias by guided search, which "   \
             "finds what uniform points miss."},                                                   \
        {.path = "search.evaluations",                                                             \
         .type = MCBE_KEY_INT,                                                                     \
         .fallback = "100000",                                                                     \
         .min = 1,                                                                                 \
         .max = 1e12,                                                                              \
         .help = "Points evaluated at most to refute one bias, rounded down to batches of 19,200 " \
                 "(at least one)."},                                                               \
    {                                                                                              \
        .path = "search.lower_evaluations", .type = MCBE_KEY_INT, .fallback = "0", .max = 1e13,    \
        .help = "Points evaluated to lower alpha* row by row, shared evenly by the rows; 0 does "  \
                "without."                                                                         \
    }

#define MCBE_BOUND_KEYS                                                                            \
    {.path = "holdout.samples",                                                                    \
     .type = MCBE_KEY_INT,                                                                         \
     .fallback = "1000",                                                                           \
     .max = 1e12,                                                                                  \
     .help = "Fresh independent points drawn at the end, against which alpha* is held: they give " \
             "violation_bound; 0 does without."},                                                  \
        {.path = "bound.method",                                                                   \
         .type = MCBE_KEY_ENUM,                                                                    \
         .fallback = "clopper_pearson",                                                            \
         .words = "clopper_pearson wait_and_judge scenario",                                       \
         .help =                                                                                   \
             "What violation_bound rests on: the fresh points of holdout.samples, the number of "  \
             "points that are witnesses, or the numbers of points and rows alone; the latter two " \
             "need sampling.design: iid."},                                                        \
    {                                                                                              \
        .path = "bound.level", .type = MCBE_KEY_REAL, .fallback = "0.95", .min = 0.5,              \
        .max = 0.999999999, .help = "Confidence level of violation_bound."                         \
    }

#define MCBE_EXACT_KEYS                                                                            \
    {.path = "exact.enabled",                                                                      \
     .type = MCBE_KEY_BOOL,                                                                        \
     .fallback = "false",                                                                          \
     .help =                                                                                       \
         "Compute the exact alpha* on K and exact injectivity at bias 0 where exact.work_limit "   \
         "allows: small n only."},                                                                 \
    {                                                                                              \
        .path = "exact.work_limit", .type = MCBE_KEY_REAL, .fallback = "1e9", .min = 1,            \
        .max = 1e18,                                                                               \
        .help = "Operations one exact answer may take; cells that need more go without it."        \
    }

#define MCBE_POLYTOPE_KEYS                                                                         \
    {.path = "polytope.enabled",                                                                   \
     .type = MCBE_KEY_BOOL,                                                                        \
     .fallback = "false",                                                                          \
     .help =                                                                                       \
         "Compute a bias with guaranteed injectivity from the facets of the rows' convex hull "    \
         "where polytope.work_limit allows: small n only."},                                       \
    {                                                                                              \
        .path = "polytope.work_limit", .type = MCBE_KEY_REAL, .fallback = "1e5", .min = 1,         \
        .max = MCBE_POLYTOPE_MAX_FACETS,                                                           \
        .help = "Facets a hull may be expected to have; cells with more go without it."            \
    }

extern const mcbe_key_t mcbe_bias_family_keys[];

#define MCBE_BIAS_KEYS                                                                             \
    {.path = "bias_scale",                                                                         \
     .type = MCBE_KEY_ENUM,                                                                        \
     .fallback = "row_norm",                                                                       \
     .words = "row_norm absolute",                                                                 \
     .help = "Unit in which a row's bias is drawn and compared: its norm, or 1."},                 \
    {                                                                                              \
        .path = "biases", .type = MCBE_KEY_RECORDS,                                                \
        .fallback = "[{name: zero, kind: constant, value: 0}]", .min = 1, .max = 64,               \
        .fields = mcbe_bias_family_keys,                                                           \
        .help = "Biases compared with alpha*; one alpha* serves them all."                         \
    }

/* What an upper bound of the share of violating points rests on. */
typedef enum mcbe_bound {
    MCBE_BOUND_CLOPPER_PEARSON = 0, /* fresh points */
    MCBE_BOUND_WAIT_AND_JUDGE = 1,  /* the number of witnesses */
    MCBE_BOUND_SCENARIO = 2         /* the numbers of points and rows */
} mcbe_bound_t;

typedef enum mcbe_bias_kind {
    MCBE_BIAS_CONSTANT = 0, /* value in every row */
    MCBE_BIAS_NORMAL = 1,   /* drawn from N(0, variance) */
    MCBE_BIAS_FILE = 2      /* that of the given layer */
} mcbe_bias_kind_t;

/* A family of biases. */
typedef struct mcbe_bias_family {
    const char *name; /* borrowed from the config */
    mcbe_bias_kind_t kind;
    double value, variance;
    double *file; /* owned: of kind file [m], or as many as there are matrices, in the units of
                     W, for ReLU(Wx - bias); else NULL */
} mcbe_bias_family_t;

/* Everything a cell needs to become a layer and a set of points. */
typedef struct mcbe_setup {
    uint64_t seed;
    mcbe_ensemble_t ensemble;
    const char *frame_path; /* borrowed from the config */
    mcbe_npy_t file;        /* owned: the matrix of ensemble file, or one a trial; else zero */
    int normalize_rows;
    mcbe_domain_t domain;
    mcbe_data_t data;    /* owned: of a domain around data, or to judge by; else empty */
    mcbe_cloud_t *cloud; /* owned: the domain's, around data; else NULL */
    mcbe_design_t design;
    mcbe_precision_t precision;
    int64_t samples, unchanged;
    int init_rows;
    int scale_by_norm;            /* biases are in units of row norms */
    mcbe_bias_family_t *families; /* owned, [family_count] */
    int family_count;
    int64_t search_evaluations, lower_evaluations; /* 0: no search, no lowering */
    int64_t holdout_samples;                       /* 0: none */
    mcbe_bound_t bound;
    double bound_level;
    double exact_work, polytope_work; /* 0: not wanted */
} mcbe_setup_t;

/** Read seed and the keys of the frame; load the matrix of ensemble file. As mcbe_setup_open for the
 *  rest. */
MCBE_NODISCARD mcbe_status_t mcbe_setup_open_frame(mcbe_setup_t *setup, mcbe_config_t *config,
                                                   mcbe_error_t *err);
/** Read the keys of the domain, but for data. @return MCBE_OK; MCBE_ERR_CONFIG */
MCBE_NODISCARD mcbe_status_t mcbe_setup_read_domain(mcbe_setup_t *setup,
                                                    const mcbe_config_t *config, mcbe_error_t *err);
/** Read the keys of seed and frame and those of MCBE_SAMPLES_KEYS; load the matrix of ensemble file. As
 *  mcbe_setup_open for the rest. */
MCBE_NODISCARD mcbe_status_t mcbe_setup_open_layers(mcbe_setup_t *setup, mcbe_config_t *config,
                                                    mcbe_error_t *err);
/** Read the keys above but for those of biases; check their combinations; load the matrix of
 *  ensemble file and the data and add their SHA-256 to the config. As mcbe_setup_open for the rest. */
MCBE_NODISCARD mcbe_status_t mcbe_setup_open_points(mcbe_setup_t *setup, mcbe_config_t *config,
                                                    mcbe_error_t *err);
/** Read the keys above; check their combinations; load the matrix of
 *  ensemble file, the data and biases from files and add their SHA-256 to the config. Not
 *  collective. Free with mcbe_setup_free whatever the result.
 *  @return MCBE_OK; MCBE_ERR_CONFIG; the error of the file; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_setup_open(mcbe_setup_t *setup, mcbe_config_t *config,
                                             mcbe_error_t *err);
void mcbe_setup_free(mcbe_setup_t *setup);

/* What the two above are made of; setup_layer.c. */
MCBE_NODISCARD mcbe_status_t mcbe_setup_load_frame(mcbe_setup_t *setup, mcbe_config_t *config,
                                                   mcbe_error_t *err);
/** The matrix of a trial. @return as mcbe_frame_copy, but MCBE_OK or MCBE_ERR_NOMEM for what is loaded */
MCBE_NODISCARD mcbe_status_t mcbe_setup_frame_of_file(mcbe_frame_t *frame,
                                                      const mcbe_setup_t *setup, int64_t trial,
                                                      mcbe_error_t *err);
/** @param[in] layer_known  the weight matrix was read: biases from files can be held against it */
MCBE_NODISCARD mcbe_status_t mcbe_setup_read_families(mcbe_setup_t *setup, int layer_known,
                                                      mcbe_config_t *config, mcbe_error_t *err);

/** How many trials: the key `trials`, which must be given for a stack of matrices and may not ask for
 *  more than it has.
 *  @param[out] trials  untouched on error  @return MCBE_OK; MCBE_ERR_CONFIG */
MCBE_NODISCARD mcbe_status_t mcbe_setup_trials(const mcbe_setup_t *setup,
                                               const mcbe_config_t *config, int64_t *trials,
                                               mcbe_error_t *err);

/** Does the family stand for one value, the same in every row and layer? */
int mcbe_setup_is_constant(const mcbe_bias_family_t *family, double value);

/** A limit of work that means something only if the answer is wanted: the value of key `limit`, 0
 *  if that of `enabled` is false. @return MCBE_OK; MCBE_ERR_CONFIG: a limit without an answer */
MCBE_NODISCARD mcbe_status_t mcbe_setup_work_limit(const mcbe_config_t *config, const char *enabled,
                                                   const char *limit, double *work,
                                                   mcbe_error_t *err);

/** For experiments whose curves end at sampling.samples. @return MCBE_OK; MCBE_ERR_CONFIG if a stop
 *  rule was asked for */
MCBE_NODISCARD mcbe_status_t mcbe_setup_no_stop(const mcbe_setup_t *setup,
                                                const mcbe_config_t *config, mcbe_error_t *err);

/** The exact alpha* on K, wherever in it the samples lie; all NaN where it takes more than `work`.
 *  @param[out] exact  [m]  @return MCBE_OK; as mcbe_exact_alpha */
MCBE_NODISCARD mcbe_status_t mcbe_setup_exact_alpha(const mcbe_setup_t *setup,
                                                    const mcbe_frame_t *frame, double work,
                                                    double *exact, mcbe_error_t *err);

/** The one shape the ensemble has. @return 0 if any shape is possible */
int mcbe_setup_fixed_shape(const mcbe_setup_t *setup, int *m, int *n);

/** Does n fit the data, if there are any? `path` is the key it stands in.
 *  @return MCBE_OK; MCBE_ERR_CONFIG */
MCBE_NODISCARD mcbe_status_t mcbe_setup_check_n(const mcbe_setup_t *setup,
                                                const mcbe_config_t *config, const char *path,
                                                int64_t n, mcbe_error_t *err);

/** Bytes the data and the matrices of a file take on every rank. */
double mcbe_setup_loaded_bytes(const mcbe_setup_t *setup);

/** The address of all random numbers of a unit. */
mcbe_stream_key_t mcbe_setup_key(const mcbe_setup_t *setup, const mcbe_cell_t *cell, int64_t trial);

/** The weight matrix of (n, m, trial). Free with mcbe_frame_free. */
MCBE_NODISCARD mcbe_status_t mcbe_setup_frame(const mcbe_setup_t *setup,
                                              const mcbe_stream_key_t *key, mcbe_frame_t *frame);

/** The bias of one family, in the unit of bias_scale. @param[out] bias [m] @return MCBE_OK;
 *  MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_setup_bias(const mcbe_setup_t *setup, int family,
                                             const mcbe_stream_key_t *key, double *bias);

/** The biases of all families in the units of W. @param[out] biases  [family_count][m], m = key->m
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_setup_biases(const mcbe_setup_t *setup,
                                               const mcbe_stream_key_t *key,
                                               const mcbe_frame_t *frame, double *biases);

/** Units of the biases, for mcbe_hamming: row norms, or NULL for 1. Borrowed from frame. */
const double *mcbe_setup_bias_unit(const mcbe_setup_t *setup, const mcbe_frame_t *frame);

#endif
