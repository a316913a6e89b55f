#include <stdio.h>
#include <string.h>

#include "survey.h"

/* What the bits of a quantity depend on. */
typedef enum bits {
    BITS_CANONICAL, /* on nothing but the configuration */
    BITS_FOUND,     /* on the points a search finds, if there is one: BLAS steers it */
    BITS_LIBRARY    /* on LAPACK, Qhull or the C library's functions */
} bits_t;

typedef struct quantity {
    const char *path;
    mcbe_column_type_t type;
    mcbe_column_shape_t shape;
    mcbe_phase_t phase;
    bits_t bits;
    const char *description;
} quantity_t;

#define I64 MCBE_COLUMN_I64
#define I32 MCBE_COLUMN_I32
#define I8 MCBE_COLUMN_I8
#define F64 MCBE_COLUMN_F64

static const quantity_t quantities[COLUMN_COUNT] = {
    [COLUMN_SAMPLES] = {"trials/samples", I64, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING,
                        BITS_CANONICAL, "points visited by the sampling phase"},
    [COLUMN_UPDATES] = {"trials/updates", I64, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING,
                        BITS_CANONICAL,
                        "points of the sampling phase that lowered at least one entry of alpha*"},
    [COLUMN_LAST_UPDATE] = {"trials/last_update", I64, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING,
                            BITS_CANONICAL, "id of the last such point; -1 for none"},
    [COLUMN_WITNESS_POINTS] =
        {"trials/witness_points", I64, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING, BITS_CANONICAL,
         "different random points at which the sampling phase reached alpha*"},
    [COLUMN_GOOD_TURING] =
        {"trials/good_turing", F64, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING, BITS_CANONICAL,
         "estimate, not a bound, of the probability that another point of K would have lowered the "
         "alpha* of the sampling phase: witness_points a sample; NaN unless the points are a fixed "
         "number of independent ones"},
    [COLUMN_MIN_ACTIVE] = {"trials/min_active", I32, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING,
                           BITS_FOUND,
                           "smallest number of rows active at bias 0 at any visited point"},
    [COLUMN_MIN_ACTIVE_SAMPLE] =
        {"trials/min_active_sample", I64, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING, BITS_FOUND,
         "id of the first point with min_active; 2^62 + k for stored point "
         "k of the unit"},
    [COLUMN_UNCONSTRAINED] = {"trials/unconstrained", I32, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING,
                              BITS_FOUND,
                              "rows never among the n largest: their alpha* is +inf and they count "
                              "as satisfied"},
    [COLUMN_ALPHA_MIN] = {"trials/alpha_min", F64, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING,
                          BITS_FOUND, "smallest finite entry of alpha*, in the unit of bias_scale"},
    [COLUMN_ALPHA_MEAN] = {"trials/alpha_mean", F64, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING,
                           BITS_FOUND,
                           "mean of the finite entries of alpha*, in the unit of bias_scale"},
    [COLUMN_ALPHA_UNIFORM_MEAN] = {"trials/alpha_uniform_mean", F64, MCBE_SHAPE_SCALAR,
                                   MCBE_PHASE_SEARCH, BITS_CANONICAL,
                                   "alpha_mean of the sampling phase alone"},
    [COLUMN_SEARCH_EVALUATIONS] = {"trials/search_evaluations", I64, MCBE_SHAPE_SCALAR,
                                   MCBE_PHASE_SEARCH, BITS_FOUND,
                                   "points evaluated by guided search"},
    [COLUMN_HOLDOUT_VIOLATIONS] = {"trials/holdout_violations", I64, MCBE_SHAPE_SCALAR,
                                   MCBE_PHASE_HOLDOUT, BITS_FOUND,
                                   "fresh points, of holdout.samples, that would lower alpha*"},
    [COLUMN_RECTIFIED] =
        {"trials/rectified_alpha", F64, MCBE_SHAPE_SCALAR, MCBE_PHASE_SHARES, BITS_FOUND,
         "share of the fresh points, drawn as points of K, at which at least n rows "
         "are active at alpha* (p_I of alpha*)"},
    [COLUMN_TEST_RECTIFIED] =
        {"trials/test_rectified_alpha", F64, MCBE_SHAPE_SCALAR, MCBE_PHASE_TEST, BITS_FOUND,
         "share of the test set at which at least n rows are active at alpha* "
         "(p_I of alpha*)"},
    [COLUMN_VIOLATION_BOUND] =
        {"trials/violation_bound", F64, MCBE_SHAPE_SCALAR, MCBE_PHASE_BOUND, BITS_LIBRARY,
         "upper confidence bound on the probability that a point of K would lower alpha*; method "
         "and level are bound.method and bound.level"},
    [COLUMN_EXACT_INJECTIVE] =
        {"trials/exact_injective", I8, MCBE_SHAPE_SCALAR, MCBE_PHASE_EXACT, BITS_CANONICAL,
         "exact, at bias 0 on all of R^n: 1 injective, 0 not, 2 undecided for "
         "degenerate rows, -1 not computed"},
    [COLUMN_CONSTANT_LOW] =
        {"trials/constant_low", F64, MCBE_SHAPE_SCALAR, MCBE_PHASE_POLYTOPE, BITS_LIBRARY,
         "a constant bias up to this, in the units of W whatever bias_scale, is rectifying on K: "
         "smallest entry of the guaranteed bias; NaN where not computed"},
    [COLUMN_CONSTANT_HIGH] =
        {"trials/constant_high", F64, MCBE_SHAPE_SCALAR, MCBE_PHASE_POLYTOPE, BITS_FOUND,
         "a constant bias above this, in the units of W, is not: smallest entry of alpha*"},
    [COLUMN_ALPHA] = {"alpha/data", F64, MCBE_SHAPE_ROWS, MCBE_PHASE_SAMPLING, BITS_FOUND,
                      "alpha* on K, one entry a row of W"},
    [COLUMN_DIRECTION] = {"alpha/direction", F64, MCBE_SHAPE_ROWS, MCBE_PHASE_SAMPLING, BITS_FOUND,
                          "minima over the visited points before the radius of K is applied"},
    [COLUMN_ROW_NORM] = {"alpha/row_norm", F64, MCBE_SHAPE_ROWS, MCBE_PHASE_SAMPLING,
                         BITS_CANONICAL, "norm of each row of W"},
    [COLUMN_UNIFORM] = {"alpha/uniform", F64, MCBE_SHAPE_ROWS, MCBE_PHASE_SEARCH, BITS_CANONICAL,
                        "as direction, over the points of the sampling phase alone"},
    [COLUMN_EXACT] = {"alpha/exact", F64, MCBE_SHAPE_ROWS, MCBE_PHASE_EXACT, BITS_CANONICAL,
                      "exact alpha* on K; NaN where not computed"},
    [COLUMN_POLYTOPE] = {"alpha/polytope", F64, MCBE_SHAPE_ROWS, MCBE_PHASE_POLYTOPE, BITS_LIBRARY,
                         "a bias that is guaranteed to be rectifying on K; NaN where not computed"},
    [COLUMN_WITNESS] = {"witness/sample", I64, MCBE_SHAPE_ROWS, MCBE_PHASE_SAMPLING, BITS_FOUND,
                        "id of the point at which the row's entry was reached; -1 for none, -2-j "
                        "for the direction of row j, 2^62 + k for stored point k of the unit"},
    [COLUMN_UNIFORM_WITNESS] = {"witness/uniform", I64, MCBE_SHAPE_ROWS, MCBE_PHASE_SEARCH,
                                BITS_CANONICAL, "as sample, for alpha/uniform"},
};

/* Paths of a family: GROUP/<bias>, or certificates/<bias>/NAME. */
static const quantity_t family_quantities[FAMILY_COUNT] = {
    [FAMILY_HAMMING] = {"trials/hamming/%s", F64, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING,
                        BITS_FOUND, "share of rows whose bias is at most alpha* (p_H)"},
    [FAMILY_INJECTIVE] = {"trials/mcbe_injective/%s", I8, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING,
                          BITS_FOUND,
                          "1 if that share is 1: injective as far as the visited points can tell"},
    [FAMILY_VERDICT] = {"trials/verdict/%s", I8, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING, BITS_FOUND,
                        "1 proven rectifying on K, 0 refuted by a certificate, 2 undecided, -1 not "
                        "run"},
    [FAMILY_HAMMING_UNIFORM] = {"trials/hamming_uniform/%s", F64, MCBE_SHAPE_SCALAR,
                                MCBE_PHASE_SEARCH, BITS_CANONICAL,
                                "hamming of the sampling phase alone"},
    [FAMILY_RECTIFIED] =
        {"trials/rectified/%s", F64, MCBE_SHAPE_SCALAR, MCBE_PHASE_SHARES, BITS_CANONICAL,
         "share of the fresh points, drawn as points of K, at which at least n rows "
         "are active at the bias (p_I)"},
    [FAMILY_TEST_RECTIFIED] =
        {"trials/test_rectified/%s", F64, MCBE_SHAPE_SCALAR, MCBE_PHASE_TEST, BITS_CANONICAL,
         "share of the test set at which at least n rows are active at the bias "
         "(p_I)"},
    [FAMILY_ACTIVE] = {"certificates/%s/active", I32, MCBE_SHAPE_SCALAR, MCBE_PHASE_SAMPLING,
                       BITS_FOUND,
                       "rows active at the certificate, doubtful ones counted; -1 for none"},
    [FAMILY_X] = {"certificates/%s/x", F64, MCBE_SHAPE_COORDINATES, MCBE_PHASE_SAMPLING, BITS_FOUND,
                  "a point of K with fewer than n active rows; NaN for none"},
};

static const quantity_t points_quantity = {
    "points/x",        F64,
    MCBE_SHAPE_POINTS, MCBE_PHASE_SEARCH,
    BITS_FOUND,        "directions found by search that are evidence, |x| = 1 up to rounding"};

int mcbe_survey_has(const mcbe_survey_t *survey, mcbe_phase_t phase)
{
    const mcbe_setup_t *setup = &survey->setup;
    switch (phase) {
    case MCBE_PHASE_SEARCH:
        return setup->search_evaluations > 0;
    case MCBE_PHASE_HOLDOUT:
        return setup->holdout_samples > 0;
    case MCBE_PHASE_SHARES:
        return survey->shares && setup->holdout_samples > 0;
    case MCBE_PHASE_TEST:
        return survey->shares && setup->data.test.count > 0;
    case MCBE_PHASE_BOUND:
        return setup->bound != MCBE_BOUND_CLOPPER_PEARSON || setup->holdout_samples > 0;
    case MCBE_PHASE_EXACT:
        return setup->exact_work > 0.0;
    case MCBE_PHASE_POLYTOPE:
        return setup->polytope_work > 0.0;
    case MCBE_PHASE_SAMPLING:
        break;
    }
    return 1;
}

void mcbe_survey_number_columns(mcbe_survey_t *survey)
{
    int next = 0;
    for (int c = 0; c < COLUMN_COUNT; c++) {
        survey->column[c] = mcbe_survey_has(survey, quantities[c].phase) ? next++ : -1;
    }
    const int first = next;
    for (int c = 0; c < FAMILY_COUNT; c++) {
        survey->family_column[c] =
            mcbe_survey_has(survey, family_quantities[c].phase) ? next++ : -1;
    }
    survey->family_stride = next - first;
}

int mcbe_survey_family_column(const mcbe_survey_t *survey, int family, mcbe_family_column_t which)
{
    const int column = survey->family_column[which];
    return column < 0 ? -1 : column + family * survey->family_stride;
}

int mcbe_survey_depends_on_library(const mcbe_survey_t *survey, int number)
{
    for (int c = 0; c < COLUMN_COUNT; c++) {
        if (survey->column[c] == number) {
            return quantities[c].bits == BITS_LIBRARY;
        }
    }
    return 0;
}

static mcbe_status_t add(const mcbe_survey_t *survey, mcbe_layout_t *layout,
                         const quantity_t *quantity, const char *family)
{
    char path[160];
    if (!mcbe_survey_has(survey, quantity->phase)) {
        return MCBE_OK;
    }
    const char *mark = strstr(quantity->path, "%s");
    if (mark) {
        snprintf(path, sizeof path, "%.*s%s%s", (int)(mark - quantity->path), quantity->path,
                 family, mark + 2);
    } else {
        snprintf(path, sizeof path, "%s", quantity->path);
    }
    const int approximate =
        quantity->bits == BITS_LIBRARY ||
        (quantity == &family_quantities[FAMILY_VERDICT] &&
         mcbe_survey_has(survey, MCBE_PHASE_POLYTOPE)) ||
        (quantity->bits == BITS_FOUND && mcbe_survey_has(survey, MCBE_PHASE_SEARCH));
    const int added =
        mcbe_layout_add(layout, &(mcbe_column_t){.path = path,
                                                 .type = quantity->type,
                                                 .shape = quantity->shape,
                                                 .approximate = approximate,
                                                 .units = "1",
                                                 .description = quantity->description});
    return added < 0 ? MCBE_ERR_NOMEM : MCBE_OK;
}

mcbe_status_t mcbe_survey_layout(const void *handle, mcbe_layout_t *layout, mcbe_error_t *err)
{
    const mcbe_survey_t *survey = handle;
    mcbe_status_t st = MCBE_OK;
    (void)err;
    for (int c = 0; c < COLUMN_COUNT && st == MCBE_OK; c++) {
        st = add(survey, layout, &quantities[c], NULL);
    }
    for (int i = 0; i < survey->setup.family_count && st == MCBE_OK; i++) {
        for (int c = 0; c < FAMILY_COUNT && st == MCBE_OK; c++) {
            st = add(survey, layout, &family_quantities[c], survey->setup.families[i].name);
        }
    }
    if (st == MCBE_OK) {
        st = mcbe_data_layout(&survey->setup.data, layout);
    }
    return st == MCBE_OK ? add(survey, layout, &points_quantity, NULL) : st;
}
