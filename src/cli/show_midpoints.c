#include "show_midpoints.h"

#include <stdio.h>

#include "check.h"
#include "json.h"
#include "mcbe/stats.h"
#include "memory.h"

/* Of the intervals: 95 %. */
#define NORMAL_QUANTILE 1.959963984540054

/* The answers to one question for the cells of one n. */
typedef struct curve {
    int64_t n;
    int count;       /* cells */
    double *m;       /* owned, [count], as the rest */
    int64_t *layers; /* that have an answer */
    int64_t *yes;
} curve_t;

static mcbe_status_t curve_init(curve_t *curve, size_t cells)
{
    curve->m = mcbe_alloc(cells, sizeof *curve->m);
    curve->layers = mcbe_alloc(cells, sizeof *curve->layers);
    curve->yes = mcbe_alloc(cells, sizeof *curve->yes);
    return curve->m && curve->layers && curve->yes ? MCBE_OK : MCBE_ERR_NOMEM;
}

static void curve_free(curve_t *curve)
{
    mcbe_free(curve->yes);
    mcbe_free(curve->layers);
    mcbe_free(curve->m);
}

/* Fill the curve of question k from the cells that have the n of the first one. */
static void collect(const mcbe_result_t *result, int64_t first, int k, curve_t *curve)
{
    const mcbe_session_t *session = &result->session;
    const mcbe_plan_t *plan = &session->plan;
    curve->n = plan->cells[first].n;
    curve->count = 0;
    for (int64_t i = first; i < plan->cell_count && plan->cells[i].n == curve->n; i++) {
        int64_t layers = 0, yes = 0;
        for (int64_t trial = 0; trial < plan->trials; trial++) {
            const mcbe_record_t *record = mcbe_store_get(result->store, i, trial);
            const int answer =
                record ? session->experiment->answer(session->params, k, &plan->cells[i],
                                                     &session->layout, record)
                       : -1;
            layers += answer >= 0;
            yes += answer > 0;
        }
        curve->m[curve->count] = (double)plan->cells[i].m;
        curve->layers[curve->count] = layers;
        curve->yes[curve->count] = yes;
        curve->count++;
    }
}

static const char *name_of(mcbe_logistic_outcome_t outcome)
{
    static const char *const names[] = {[MCBE_LOGISTIC_FITTED] = "fitted",
                                        [MCBE_LOGISTIC_SEPARABLE] = "separable",
                                        [MCBE_LOGISTIC_UNDETERMINED] = "undetermined"};
    return names[outcome];
}

static void print_row(const curve_t *curve, const mcbe_question_t *question,
                      const mcbe_logistic_t *fit, int64_t layers)
{
    printf("%lld\t%s\t%s\t%lld\t%s\t%.6g\t%.6g\t%.6g\t%.6g\n", (long long)curve->n,
           question->bias_name, question->by, (long long)layers, name_of(fit->outcome), fit->x0,
           fit->low, fit->high, fit->scale);
}

static void print_json(const curve_t *curve, const mcbe_question_t *question,
                       const mcbe_logistic_t *fit, int64_t layers)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"x0", fit->x0}, {"low", fit->low}, {"high", fit->high}, {"scale", fit->scale}};
    printf("    {\"n\": %lld, \"bias\": ", (long long)curve->n);
    mcbe_json_text(stdout, question->bias_name);
    printf(", \"by\": \"%s\", \"layers\": %lld, \"outcome\": \"%s\"", question->by,
           (long long)layers, name_of(fit->outcome));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        printf(", \"%s\": ", numbers[i].name);
        mcbe_json_number(stdout, numbers[i].value);
    }
    printf(",\n     \"cells\": [");
    for (int i = 0; i < curve->count; i++) {
        printf("%s{\"m\": %.0f, \"layers\": %lld, \"yes\": %lld}", i ? ", " : "", curve->m[i],
               (long long)curve->layers[i], (long long)curve->yes[i]);
    }
    printf("]}");
}

mcbe_status_t mcbe_show_midpoints(const mcbe_result_t *result, const char *path, int json,
                                  mcbe_error_t *err)
{
    const mcbe_session_t *session = &result->session;
    const mcbe_plan_t *plan = &session->plan;
    curve_t curve = {0};
    mcbe_question_t question;
    mcbe_status_t st;
    if (!session->experiment->question) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "mcbe show: --midpoints: '%s' holds the experiment '%s', which asks "
                         "nothing of its layers that could turn with m",
                         path, session->experiment->table.experiment);
    }
    MCBE_TRY(curve_init(&curve, (size_t)plan->cell_count));
    printf(json ? ",\n  \"midpoints\": ["
                : "\nn\tbias\tby\tlayers\toutcome\tx0\tlow\thigh\tscale\n");
    const char *between = "\n";
    for (int64_t first = 0; first < plan->cell_count; first += curve.count) {
        for (int k = 0; session->experiment->question(session->params, k, &question); k++) {
            mcbe_logistic_t fit;
            int64_t layers = 0;
            collect(result, first, k, &curve);
            mcbe_gumbel_fit(curve.m, curve.yes, curve.layers, curve.count, NORMAL_QUANTILE, &fit);
            for (int i = 0; i < curve.count; i++) {
                layers += curve.layers[i];
            }
            if (json) {
                printf("%s", between);
                print_json(&curve, &question, &fit, layers);
                between = ",\n";
            } else {
                print_row(&curve, &question, &fit, layers);
            }
        }
    }
    printf("%s", json ? "\n  ]" : "");
out:
    curve_free(&curve);
    return st;
}
