#include "survey.h"

/* What an answer to "is this layer injective at this bias?" rests on. */
typedef enum basis {
    BY_EXACT,  /* a proof, yes or no */
    BY_GUIDED, /* no visited point refutes it, those of the search included */
    BY_UNIFORM /* bias <= alpha* of the uniform points alone */
} basis_t;

static const char *const names[] = {
    [BY_EXACT] = "exact", [BY_GUIDED] = "guided", [BY_UNIFORM] = "uniform"};

static int can_answer(const mcbe_survey_t *survey, int family, basis_t by)
{
    switch (by) {
    case BY_EXACT:
        return mcbe_survey_has(survey, MCBE_PHASE_EXACT) &&
               mcbe_setup_is_constant(&survey->setup.families[family], 0.0);
    case BY_GUIDED:
        return mcbe_survey_has(survey, MCBE_PHASE_SEARCH);
    case BY_UNIFORM:
        break;
    }
    return 1;
}

/* Question k: which family, and who answers. @return 0 if there are fewer */
static int find(const mcbe_survey_t *survey, int k, int *family, basis_t *by)
{
    for (*family = 0; *family < survey->setup.family_count; ++*family) {
        for (*by = BY_EXACT; *by <= BY_UNIFORM; ++*by) {
            if (can_answer(survey, *family, *by) && k-- == 0) {
                return 1;
            }
        }
    }
    return 0;
}

int mcbe_survey_question(const void *handle, int k, mcbe_question_t *question)
{
    const mcbe_survey_t *survey = handle;
    int family;
    basis_t by;
    if (!find(survey, k, &family, &by)) {
        return 0;
    }
    *question =
        (mcbe_question_t){.bias_name = survey->setup.families[family].name, .by = names[by]};
    return 1;
}

static int exact_answer(int64_t injective)
{
    return injective == 0 || injective == 1 ? (int)injective : -1;
}

int mcbe_survey_answer(const void *handle, int k, const mcbe_cell_t *cell,
                       const mcbe_layout_t *layout, const mcbe_record_t *record)
{
    const mcbe_survey_t *survey = handle;
    int family;
    basis_t by;
    int64_t value;
    double share;
    if (!find(survey, k, &family, &by)) {
        return -1;
    }
    if (by == BY_EXACT) {
        mcbe_record_get_i64(record, layout, cell, survey->column[COLUMN_EXACT_INJECTIVE], &value);
        return exact_answer(value);
    }
    if (by == BY_GUIDED && mcbe_setup_is_constant(&survey->setup.families[family], 0.0)) {
        /* not the verdict, which exact answers have a part in: beside them this one shows what the
         * search misses */
        mcbe_record_get_i64(record, layout, cell, survey->column[COLUMN_MIN_ACTIVE], &value);
        return value >= cell->n;
    }
    if (by == BY_GUIDED) {
        mcbe_record_get_i64(record, layout, cell,
                            mcbe_survey_family_column(survey, family, FAMILY_VERDICT), &value);
        return value != VERDICT_REFUTED;
    }
    const int column = mcbe_survey_family_column(
        survey, family,
        mcbe_survey_has(survey, MCBE_PHASE_SEARCH) ? FAMILY_HAMMING_UNIFORM : FAMILY_HAMMING);
    mcbe_record_get_f64(record, layout, cell, column, &share);
    return share == 1.0;
}
