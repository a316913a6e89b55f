#include "scaling.h"

#include <math.h>

#include "check.h"
#include "memory.h"

mcbe_serving_t mcbe_serving_usual(void)
{
    return (mcbe_serving_t){.answer = MCBE_SERVING_ANSWER,
                            .record = MCBE_SERVING_RECORD,
                            .file = MCBE_SERVING_FILE,
                            .merge = MCBE_SERVING_MERGE};
}

/* What is to be done, whoever does it. */
typedef struct load {
    double seconds; /* on one core */
    double units;
} load_t;

static load_t load_of(const mcbe_plan_t *plan, const int64_t *order, int64_t count)
{
    load_t load = {0};
    for (int64_t i = 0; i < count; i++) {
        load.seconds += mcbe_plan_job_seconds(plan, order[i]);
        load.units += (double)mcbe_plan_job_cells(plan, order[i] / plan->trials);
    }
    return load;
}

static mcbe_scaling_limit_t largest_loss(double waiting, double serving, double file)
{
    if (file > waiting && file > serving) {
        return MCBE_LIMIT_FILE;
    }
    return serving > waiting ? MCBE_LIMIT_SERVING : MCBE_LIMIT_LAST_UNIT;
}

mcbe_status_t mcbe_scaling_predict(const mcbe_plan_t *plan, const int64_t *order, int64_t count,
                                   int ranks, int64_t asked, const mcbe_serving_t *serving,
                                   mcbe_scaling_t *scaling)
{
    const load_t load = load_of(plan, order, count);
    const int group = mcbe_plan_group_size(plan, order, count, ranks, asked);
    const double groups = mcbe_plan_group_count(ranks, group), jobs = (double)count;
    const double schedule = mcbe_plan_makespan(plan, order, count, ranks, group);
    const double serve = serving->answer * (jobs * (1.0 - 1.0 / groups) + groups - 1.0) +
                         serving->record * load.units;
    const double computing = fmax(schedule + serve / groups, serve);
    const double file = serving->file * load.units;
    if (isnan(schedule)) {
        return MCBE_ERR_NOMEM;
    }
    *scaling = (mcbe_scaling_t){
        .ranks = ranks,
        .group = group,
        .work = load.seconds,
        .serving = serve,
        .saturation = count > 0
                          ? load.seconds / (serving->answer * jobs + serving->record * load.units)
                          : (double)INFINITY,
        .wall = computing + file,
        .efficiency = count > 0 ? load.seconds / (ranks * (computing + file)) : 1.0,
        .limit = largest_loss(schedule - load.seconds / ranks, computing - schedule, file)};
    return MCBE_OK;
}

mcbe_status_t mcbe_scaling_largest(const mcbe_plan_t *plan, const int64_t *order, int64_t count,
                                   int most, int64_t asked, const mcbe_serving_t *serving,
                                   int *ranks)
{
    int good = 1, bad = most + 1;
    mcbe_status_t st = MCBE_OK;
    while (bad - good > 1) {
        /* doubling until the first that is not worth it */
        const int between = good + (bad - good) / 2, twice = good <= most / 2 ? 2 * good : most;
        const int tried = bad > most && twice < between ? twice : between;
        mcbe_scaling_t scaling;
        MCBE_TRY(mcbe_scaling_predict(plan, order, count, tried, asked, serving, &scaling));
        if (scaling.efficiency >= MCBE_SCALING_WORTH) {
            good = tried;
        } else {
            bad = tried;
        }
    }
    *ranks = good;
out:
    return st;
}

mcbe_status_t mcbe_scaling_shards(const mcbe_plan_t *plan, const int64_t *order, int64_t count,
                                  int ranks, int shards, int64_t asked,
                                  const mcbe_serving_t *serving, mcbe_scaling_t *scaling)
{
    const load_t load = load_of(plan, order, count);
    const int64_t own = (count + shards - 1) / shards;
    MCBE_BUG_ASSERT(shards >= 1 && shards <= ranks);
    int64_t *dealt = mcbe_alloc((size_t)own, sizeof *dealt);
    if (!dealt) {
        return MCBE_ERR_NOMEM;
    }
    for (int64_t i = 0; i < own; i++) {
        dealt[i] = order[i * shards];
    }
    mcbe_status_t st =
        mcbe_scaling_predict(plan, dealt, own, ranks / shards, asked, serving, scaling);
    if (st == MCBE_OK) {
        scaling->ranks = ranks;
        scaling->work = load.seconds;
        scaling->merge = shards > 1 ? serving->merge * load.units : 0.0;
        scaling->efficiency =
            count > 0 ? load.seconds / (ranks * scaling->wall + scaling->merge) : 1.0;
    }
    mcbe_free(dealt);
    return st;
}
