#ifndef MCBE_SURVEY_H
#define MCBE_SURVEY_H

/* Many random layers, each examined by the same phases: sampling, search, fresh points, exact answers.
 * Experiments differ in the cells they ask for. survey.c runs the phases, survey_layout.c says what a
 * record holds, survey_record.c writes and reads one, survey_shares.c looks at fresh points once more,
 * survey_verify.c checks one, survey_questions.c asks it whether its layer is injective, survey_plan.c
 * says what all of it costs. */

#include "experiment.h"
#include "mcbe/bias.h"
#include "mcbe/certificate.h"
#include "mcbe/sample.h"
#include "sampling.h"
#include "setup.h"

/* Rows for an experiment's key table, beside those of its cells. */
#define MCBE_SURVEY_KEYS_ON(...)                                                                   \
    MCBE_FRAME_KEYS, __VA_ARGS__, MCBE_SAMPLING_KEYS(MCBE_KEY_EXTENDS), MCBE_SEARCH_KEYS,          \
        MCBE_BOUND_KEYS, MCBE_EXACT_KEYS, MCBE_POLYTOPE_KEYS, MCBE_BIAS_KEYS, MCBE_RUN_KEYS
#define MCBE_SURVEY_KEYS MCBE_SURVEY_KEYS_ON(MCBE_ANY_DOMAIN_KEYS)

/* What a quantity comes from: a run without that phase does not have its column. */
typedef enum mcbe_phase {
    MCBE_PHASE_SAMPLING,
    MCBE_PHASE_SEARCH,
    MCBE_PHASE_HOLDOUT,
    MCBE_PHASE_SHARES, /* of the hold-out: at which of its points the biases leave n rows active */
    MCBE_PHASE_TEST,   /* the same of the test set of the data */
    MCBE_PHASE_BOUND,  /* not work of its own: what follows from the others */
    MCBE_PHASE_EXACT,
    MCBE_PHASE_POLYTOPE
} mcbe_phase_t;

/* Quantities of a record. Which of them a run has depends on its phases. */
typedef enum column {
    COLUMN_SAMPLES,
    COLUMN_UPDATES,
    COLUMN_LAST_UPDATE,
    COLUMN_WITNESS_POINTS,
    COLUMN_GOOD_TURING,
    COLUMN_MIN_ACTIVE,
    COLUMN_MIN_ACTIVE_SAMPLE,
    COLUMN_UNCONSTRAINED,
    COLUMN_ALPHA_MIN,
    COLUMN_ALPHA_MEAN,
    COLUMN_ALPHA_UNIFORM_MEAN,
    COLUMN_SEARCH_EVALUATIONS,
    COLUMN_HOLDOUT_VIOLATIONS,
    COLUMN_RECTIFIED,
    COLUMN_TEST_RECTIFIED,
    COLUMN_VIOLATION_BOUND,
    COLUMN_EXACT_INJECTIVE,
    COLUMN_CONSTANT_LOW,
    COLUMN_CONSTANT_HIGH,
    COLUMN_ALPHA,
    COLUMN_DIRECTION,
    COLUMN_ROW_NORM,
    COLUMN_UNIFORM,
    COLUMN_EXACT,
    COLUMN_POLYTOPE,
    COLUMN_WITNESS,
    COLUMN_UNIFORM_WITNESS,
    COLUMN_COUNT
} mcbe_survey_column_t;

/* Quantities of each bias family. */
typedef enum family_column {
    FAMILY_HAMMING,
    FAMILY_INJECTIVE,
    FAMILY_VERDICT,
    FAMILY_HAMMING_UNIFORM,
    FAMILY_RECTIFIED,
    FAMILY_TEST_RECTIFIED,
    FAMILY_ACTIVE,
    FAMILY_X,
    FAMILY_COUNT
} mcbe_family_column_t;

/* What was found out about a layer with respect to one bias. */
enum { VERDICT_REFUTED = 0, VERDICT_PROVEN = 1, VERDICT_UNDECIDED = 2 };

typedef struct mcbe_survey_cell {
    int64_t n, m;
} mcbe_survey_cell_t;

typedef struct mcbe_survey {
    mcbe_setup_t setup;
    int64_t trials;
    mcbe_survey_cell_t *cells; /* owned, ordered by n, then m */
    int64_t cell_count;
    int64_t nested_m; /* > 0: layers of one n are the first rows of one with so many, and share its
                         points */
    int shares;       /* the experiment wants the phases SHARES and TEST */
    int column[COLUMN_COUNT];        /* numbers in the layout, -1 for what this run does not have */
    int family_column[FAMILY_COUNT]; /* those of family 0, likewise */
    int family_stride;               /* columns of one family */
} mcbe_survey_t;

/* Everything the phases found out about one layer. */
typedef struct mcbe_findings {
    mcbe_bias_state_t state;          /* owned; counts are the sampling phase's */
    double *uniform;                  /* owned, [m], minima of the sampling phase alone, or NULL */
    int64_t *uniform_witness;         /* owned, [m], their witnesses, or NULL */
    mcbe_points_t points;             /* owned, stored points that are evidence */
    mcbe_certificates_t certificates; /* owned, one a family */
    int64_t witness_points; /* different random points that are witnesses, before search */
    int64_t evaluations;    /* of the search */
    int64_t violations;     /* fresh points that would lower alpha* */
    int64_t
        *rectified; /* owned, [1 + families], fresh points at which alpha* and the biases leave at
                           least n rows active; or NULL */
    int64_t *test_rectified; /* owned, likewise of the test set; or NULL */
    int64_t injective;       /* exact, at bias 0: 1 or 0, 2 undecided, -1 not computed */
    double *exact;    /* owned, [m], exact alpha* of the unit sphere, NaN where not computed; or
                          NULL */
    int full_spark;   /* exact: any n rows are independent, so that n active ones span R^n */
    double *polytope; /* owned, [m], guaranteed bias on K, NaN where not computed; or NULL */
} mcbe_findings_t;

/** Read the keys above and `trials`, then let the experiment add its cells: the entry `open` of its
 *  table.
 *  @param[in]  prepare  sets cells, cell_count, nested_m and shares
 *  @param[out] params   the survey; NULL on error
 *  @return as mcbe_setup_open and prepare */
MCBE_NODISCARD mcbe_status_t mcbe_survey_open(mcbe_config_t *config, void **params,
                                              mcbe_status_t (*prepare)(mcbe_survey_t *survey,
                                                                       const mcbe_config_t *config,
                                                                       mcbe_error_t *err),
                                              mcbe_error_t *err);

/* The other entries of an experiment's table; params is the survey. */
#define MCBE_SURVEY_ENTRIES                                                                        \
    .close = mcbe_survey_close, .plan = mcbe_survey_plan, .layout = mcbe_survey_layout,            \
    .compute = mcbe_survey_compute, .verify = mcbe_survey_verify,                                  \
    .certificates = mcbe_survey_certificates, .certificate = mcbe_survey_certificate
#define MCBE_SURVEY_QUESTIONS .question = mcbe_survey_question, .answer = mcbe_survey_answer

void mcbe_survey_close(void **params);
mcbe_status_t mcbe_survey_plan(const void *params, mcbe_plan_t *plan, mcbe_error_t *err);
mcbe_status_t mcbe_survey_layout(const void *params, mcbe_layout_t *layout, mcbe_error_t *err);
mcbe_status_t mcbe_survey_compute(const void *params, const mcbe_cell_t *cells, int64_t count,
                                  int64_t trial, const mcbe_team_t *team,
                                  const mcbe_layout_t *layout, mcbe_record_t *records,
                                  mcbe_error_t *err);
mcbe_status_t mcbe_survey_verify(const void *params, const mcbe_cell_t *cell, int64_t trial,
                                 const mcbe_layout_t *layout, const mcbe_record_t *record,
                                 mcbe_error_t *err);
int64_t mcbe_survey_certificates(const void *params, const mcbe_cell_t *cell,
                                 const mcbe_layout_t *layout, const mcbe_record_t *record);
mcbe_status_t mcbe_survey_certificate(const void *params, const mcbe_cell_t *cell, int64_t trial,
                                      const mcbe_layout_t *layout, const mcbe_record_t *record,
                                      int64_t k, mcbe_certificate_t *certificate);
int mcbe_survey_question(const void *params, int k, mcbe_question_t *question);
int mcbe_survey_answer(const void *params, int k, const mcbe_cell_t *cell,
                       const mcbe_layout_t *layout, const mcbe_record_t *record);

/** Does this survey run that phase? */
int mcbe_survey_has(const mcbe_survey_t *survey, mcbe_phase_t phase);

/** Number every column of the layout; the same on every rank and in every run of one
 *  configuration. */
void mcbe_survey_number_columns(mcbe_survey_t *survey);

/** Number of a quantity of one family, -1 for what this run does not have. */
int mcbe_survey_family_column(const mcbe_survey_t *survey, int family, mcbe_family_column_t which);

/** May the bits of this column of the layout differ between libraries and CPU types although the
 *  points found are the same? */
int mcbe_survey_depends_on_library(const mcbe_survey_t *survey, int number);

/** The address of what belongs to one cell alone: its drawn biases, its search, its fresh points. */
mcbe_stream_key_t mcbe_survey_cell_key(const mcbe_survey_t *survey, const mcbe_cell_t *cell,
                                       int64_t trial);
/** The address of the frame and the points of the sampling phase: nested cells share them. */
mcbe_stream_key_t mcbe_survey_points_key(const mcbe_survey_t *survey, const mcbe_cell_t *cell,
                                         int64_t trial);

/** The layer of a cell: a nested one is the first rows of a larger one. Free with
 *  mcbe_frame_free. */
MCBE_NODISCARD mcbe_status_t mcbe_survey_layer(const mcbe_survey_t *survey, const mcbe_cell_t *cell,
                                               int64_t trial, mcbe_frame_t *layer);

/** The exact answers and the guaranteed bias, where they are wanted and within their work limits. A
 *  layer found not to be injective also yields certificates.
 *  @param[in] biases  [families][m], in the units of W */
MCBE_NODISCARD mcbe_status_t mcbe_survey_exact(const mcbe_survey_t *survey,
                                               const mcbe_frame_t *layer, const double *biases,
                                               mcbe_findings_t *findings, mcbe_error_t *err);

/** Draw the fresh points of the hold-out once more, as points of K itself, and count those at which at
 *  least n rows are active at alpha* and at each bias (p_I); likewise the points of the test set.
 *  Whichever of the two this survey has. Collective over team->comm; NULL for the
 *  caller alone.
 *  @param[in] biases  [families][m], in the units of W
 *  @return MCBE_OK; MCBE_STOPPED, agreed; MCBE_ERR_NOMEM. Not agreed.
 *  Cost: as mcbe_point_test_add. */
MCBE_NODISCARD mcbe_status_t mcbe_survey_shares(const mcbe_survey_t *survey,
                                                const mcbe_cell_t *cell, int64_t trial,
                                                const mcbe_team_t *team, const mcbe_frame_t *layer,
                                                const double *biases, mcbe_findings_t *findings);

/** Empty findings for a layer of a cell. Free whatever the result. @return MCBE_OK;
 *  MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_findings_init(mcbe_findings_t *findings,
                                                const mcbe_survey_t *survey,
                                                const mcbe_cell_t *cell);
void mcbe_findings_free(mcbe_findings_t *findings);

/** Fill a record: what was found, and everything that follows from it, the layer and the biases.
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_survey_write(const mcbe_survey_t *survey, const mcbe_cell_t *cell,
                                               int64_t trial, const mcbe_frame_t *layer,
                                               const mcbe_findings_t *findings,
                                               const mcbe_layout_t *layout, mcbe_record_t *record);

/** Take from a record how its sampling phase ended, for it to go on with more points.
 *  @param[out] state   from mcbe_bias_state_init, or as mcbe_sampling_run left it
 *  @param[out] points  random points it has seen; 0 if the record does not tell all: search found a point
 *         with fewer active rows, and what sampling had found is not kept. The state is then unchanged.
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_survey_read_sampling(const mcbe_survey_t *survey,
                                                       const mcbe_cell_t *cell,
                                                       const mcbe_layout_t *layout,
                                                       const mcbe_record_t *record,
                                                       mcbe_bias_state_t *state, int64_t *points);

/** Take from a record what was found. @param[out] findings  from mcbe_findings_init */
MCBE_NODISCARD mcbe_status_t mcbe_survey_read(const mcbe_survey_t *survey, const mcbe_cell_t *cell,
                                              const mcbe_layout_t *layout,
                                              const mcbe_record_t *record,
                                              mcbe_findings_t *findings);

#endif
