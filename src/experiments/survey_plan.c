#include <math.h>
#include <string.h>

#include "cost.h"
#include "mcbe/exact.h"
#include "mcbe/search.h"
#include "memory.h"
#include "survey.h"

/* Units are dealt to shards as if each had so many points: raising sampling.samples must leave them where
 * they are. */
#define DEAL_SAMPLES 1e6

/* Seconds as measured on one core of a 2023 server (AVX-512). */

/* A cell that shares its points with others pays for its screening only. */
static double seconds_of_sampling(const mcbe_setup_t *setup, double samples, double n, double m,
                                  int shares)
{
    const double visits = mcbe_cost_updates(m, samples) * mcbe_cost_visit_seconds(n, m);
    const double screens = samples * mcbe_cost_screen_seconds(setup->design, n, m);
    const double products =
        mcbe_cost_products(setup->design, samples) * mcbe_cost_product_seconds(n, m);
    return 5e-5 + visits + screens + (shares ? 0.0 : products);
}

/* The share of its budget a search against one bias spends, rather more than less: it ends with the
 * first certificate. At bias 0 that comes within a tenth of 10^5 evaluations below the m at which
 * layers begin to withstand, about 5 n, less for small n; above it the share is taken as 1. A
 * constant bias below 0 may withstand anywhere. */
static double share_spent(const mcbe_bias_family_t *family, double n, double m)
{
    const double half_injective = 6.7 - 4.6 * pow(n, -2.0 / 3.0); /* m/n, fitted for n <= 30 */
    const double withstands = fmin(5.0, half_injective);
    const int below_zero = family && family->kind == MCBE_BIAS_CONSTANT && family->value < 0.0;
    return below_zero || m > withstands * n ? 1.0 : 0.1;
}

static double seconds_of_search(const mcbe_setup_t *setup, double n, double m)
{
    const double batches =
        fmax(1.0, floor((double)setup->search_evaluations / (double)MCBE_REFUTE_EVALUATIONS));
    const double evaluation = 2e-7 + 1e-9 * m + 1e-10 * m * n;
    const double lowering = (double)setup->lower_evaluations * 1.7e-9 * m * n;
    double searches = share_spent(NULL, n, m); /* against bias 0, whether it is asked for or not */
    for (int i = 0; i < setup->family_count; i++) {
        const mcbe_bias_family_t *family = setup->families + i;
        searches += mcbe_setup_is_constant(family, 0.0) ? 0.0 : share_spent(family, n, m);
    }
    return searches * batches * (double)MCBE_REFUTE_EVALUATIONS * evaluation + lowering;
}

/* What exact answers take that are within their limit. */
static double seconds_of_exact(const mcbe_setup_t *setup, int n, int m)
{
    const double works[] = {mcbe_exact_depth_work(n, m), mcbe_exact_alpha_work(n, m)};
    double seconds = 0.0;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        seconds += works[i] <= setup->exact_work ? mcbe_exact_seconds(works[i]) : 0.0;
    }
    return seconds;
}

static double seconds_of_cell(const mcbe_survey_t *survey, const mcbe_survey_cell_t *cell,
                              double samples, int shares)
{
    const mcbe_setup_t *setup = &survey->setup;
    const double n = (double)cell->n, m = (double)cell->m;
    double seconds = seconds_of_sampling(setup, samples, n, m, shares);
    if (mcbe_survey_has(survey, MCBE_PHASE_SEARCH)) {
        seconds += seconds_of_search(setup, n, m);
    }
    if (mcbe_survey_has(survey, MCBE_PHASE_HOLDOUT)) {
        seconds +=
            (double)setup->holdout_samples *
            (mcbe_cost_screen_seconds(MCBE_DESIGN_IID, n, m) + mcbe_cost_product_seconds(n, m));
    }
    if (survey->shares) {
        seconds += (double)(setup->holdout_samples + setup->data.test.count) *
                   mcbe_cost_judge_seconds(1.0 + (double)setup->family_count, n, m);
    }
    if (mcbe_survey_has(survey, MCBE_PHASE_EXACT) && !setup->domain.nonnegative) {
        seconds += seconds_of_exact(setup, (int)cell->n, (int)cell->m);
    }
    return seconds;
}

mcbe_status_t mcbe_survey_plan(const void *handle, mcbe_plan_t *plan, mcbe_error_t *err)
{
    const mcbe_survey_t *survey = handle;
    const mcbe_setup_t *setup = &survey->setup;
    (void)err;
    memset(plan, 0, sizeof *plan);
    plan->cells = mcbe_alloc((size_t)survey->cell_count, sizeof *plan->cells);
    if (!plan->cells) {
        return MCBE_ERR_NOMEM;
    }
    plan->trials = survey->trials;
    plan->cell_count = survey->cell_count;
    for (int64_t i = 0; i < survey->cell_count; i++) {
        const mcbe_survey_cell_t *cell = survey->cells + i;
        const double n = (double)cell->n, m = (double)cell->m;
        const int shares = survey->nested_m > cell->m;
        const double samples = (double)setup->samples;
        const double products = mcbe_cost_products(setup->design, samples);
        plan->cells[i] = (mcbe_cell_t){
            .n = cell->n,
            .m = cell->m,
            .flops = shares ? 0.0 : 2.0 * n * m * products,
            .seconds = seconds_of_cell(survey, cell, samples, shares),
            .deal_seconds = seconds_of_cell(survey, cell, DEAL_SAMPLES, shares),
            .bytes = mcbe_cost_bytes(setup->design, samples, n, m) + mcbe_setup_loaded_bytes(setup),
            .joins = survey->nested_m > 0 && i > 0 && cell[-1].n == cell->n};
    }
    return MCBE_OK;
}
