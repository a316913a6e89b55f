#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "cli.h"
#include "memory.h"
#include "scaling.h"
#include "session.h"

/* Ranks the time is given for unless the user names a number. */
static const int usual_ranks[] = {1, 2, 4, 16, 64, 256};

/* More are not looked at. */
#define RANKS_MOST (1 << 20)
/* Seconds: shorter ones had better take fewer ranks than be dealt into shards. */
#define SHORT_RUN 60.0
/* With less than this it is worth saying why. */
#define GOOD_EFFICIENCY 0.95

static void print_duration(double seconds)
{
    if (seconds < 120.0) {
        printf("%.1f s", seconds);
    } else if (seconds < 7200.0) {
        printf("%.1f min", seconds / 60.0);
    } else if (seconds < 48.0 * 3600.0) {
        printf("%.1f h", seconds / 3600.0);
    } else {
        printf("%.1f days", seconds / 86400.0);
    }
}

static void print_axis(const char *name, int64_t low, int64_t high)
{
    printf("%-12s%lld", name, (long long)low);
    if (high != low) {
        printf(" to %lld", (long long)high);
    }
    printf("\n");
}

/* Scalars of every unit, ragged columns, and what every file has besides. */
static double file_bytes(const mcbe_session_t *session)
{
    double bytes = 65536.0;
    for (int64_t i = 0; i < session->plan.cell_count; i++) {
        bytes += 32.0 + (double)session->plan.trials *
                            (24.0 + 8.0 * (double)mcbe_layout_words(&session->layout,
                                                                    &session->plan.cells[i]));
    }
    return bytes;
}

/* What is to be planned for. */
typedef struct question {
    const mcbe_plan_t *plan;
    const int64_t *order;
    int64_t count, ranks_per_unit;
    mcbe_serving_t serving;
} question_t;

static mcbe_status_t print_time(const question_t *q, int ranks, mcbe_scaling_t *scaling)
{
    mcbe_status_t st = mcbe_scaling_predict(q->plan, q->order, q->count, ranks, q->ranks_per_unit,
                                            &q->serving, scaling);
    if (st != MCBE_OK) {
        return st;
    }
    printf("time        about ");
    print_duration(scaling->wall);
    printf(" on %d rank%s, %d rank%s a unit, efficiency %.2f\n", ranks, ranks > 1 ? "s" : "",
           scaling->group, scaling->group > 1 ? "s" : "", scaling->efficiency);
    return st;
}

/* What the ranks asked for are limited by. */
static void print_limit(const mcbe_scaling_t *scaling)
{
    static const char *const limits[] = {
        [MCBE_LIMIT_LAST_UNIT] = "ranks that wait for the last units",
        [MCBE_LIMIT_SERVING] = "rank 0, which hands out units and keeps their records",
        [MCBE_LIMIT_FILE] = "writing the result file",
    };
    printf("rank 0      serves for ");
    print_duration(scaling->serving);
    printf(" (%.1f %% of the time) and can keep %.3g ranks busy\n",
           100.0 * scaling->serving / scaling->wall, floor(scaling->saturation));
    if (scaling->efficiency < GOOD_EFFICIENCY) {
        printf("limit       %s\n", limits[scaling->limit]);
    }
}

/* Shards, each with a rank 0 of its own that is busy half of the time at most. */
static mcbe_status_t advise_shards(const question_t *q, const mcbe_scaling_t *alone)
{
    const double wanted = ceil(2.0 * alone->ranks / fmax(alone->saturation, 1.0));
    const int shards = wanted < alone->ranks ? (int)wanted : alone->ranks;
    mcbe_scaling_t split;
    mcbe_status_t st = mcbe_scaling_shards(q->plan, q->order, q->count, alone->ranks, shards,
                                           q->ranks_per_unit, &q->serving, &split);
    if (st != MCBE_OK || !(split.efficiency * MCBE_SCALING_WORTH > alone->efficiency)) {
        return st;
    }
    printf("advice      rank 0 is saturated: %d shards of %d ranks each (--shard i/%d) take about ",
           shards, alone->ranks / shards, shards);
    print_duration(split.wall);
    printf(", mcbe merge ");
    print_duration(split.merge);
    printf(" on one core, efficiency %.2f\n", split.efficiency);
    return st;
}

static mcbe_status_t print_times(const mcbe_session_t *session, long ranks)
{
    int64_t *order = NULL;
    question_t q = {.plan = &session->plan,
                    .ranks_per_unit = mcbe_config_int(session->config, "run.ranks_per_unit"),
                    .serving = mcbe_serving_usual()};
    mcbe_scaling_t scaling;
    int sensible;
    mcbe_status_t st = mcbe_plan_order(&session->plan, NULL, &order, &q.count);
    q.order = order;
    const size_t usual = sizeof usual_ranks / sizeof *usual_ranks;
    for (size_t i = 0; i < (ranks ? 1 : usual) && st == MCBE_OK; i++) {
        st = print_time(&q, ranks ? (int)ranks : usual_ranks[i], &scaling);
    }
    MCBE_TRY(st);
    if (ranks) {
        print_limit(&scaling);
    }
    MCBE_TRY(mcbe_scaling_largest(&session->plan, order, q.count, RANKS_MOST, q.ranks_per_unit,
                                  &q.serving, &sensible));
    printf("sensible    up to %d rank%s (efficiency %.2g)\n", sensible, sensible > 1 ? "s" : "",
           MCBE_SCALING_WORTH);
    if (ranks && scaling.limit == MCBE_LIMIT_SERVING && scaling.efficiency < MCBE_SCALING_WORTH &&
        scaling.wall > SHORT_RUN) {
        st = advise_shards(&q, &scaling);
    }
out:
    mcbe_free(order);
    return st;
}

static mcbe_status_t print_plan(const mcbe_session_t *session, long ranks)
{
    const mcbe_plan_t *plan = &session->plan;
    double flops = 0.0, bytes = 0.0;
    int64_t n[2] = {INT64_MAX, 0}, m[2] = {INT64_MAX, 0};
    for (int64_t i = 0; i < plan->cell_count; i++) {
        const mcbe_cell_t *cell = plan->cells + i;
        flops += cell->flops * (double)plan->trials;
        bytes = cell->bytes > bytes ? cell->bytes : bytes;
        n[0] = cell->n < n[0] ? cell->n : n[0];
        n[1] = cell->n > n[1] ? cell->n : n[1];
        m[0] = cell->m < m[0] ? cell->m : m[0];
        m[1] = cell->m > m[1] ? cell->m : m[1];
    }
    printf("experiment  %s\n", session->experiment->table.experiment);
    print_axis("n", n[0], n[1]);
    print_axis("m", m[0], m[1]);
    printf("cells       %lld\n", (long long)plan->cell_count);
    printf("units       %lld (%lld trial%s a cell)\n", (long long)mcbe_plan_units(plan),
           (long long)plan->trials, plan->trials > 1 ? "s" : "");
    printf("flops       %.3g in products\n", flops);
    printf("memory      %.1f MB a rank for the dearest unit, beside MPI and the libraries\n",
           bytes / 1e6);
    printf("file        about %.1f MB\n", file_bytes(session) / 1e6);
    return print_times(session, ranks);
}

mcbe_status_t mcbe_cmd_plan(int argc, char **argv, mcbe_error_t *err)
{
    static const struct option known[] = {{"set", required_argument, NULL, 's'},
                                          {"ranks", required_argument, NULL, 'r'},
                                          {NULL, 0, NULL, 0}};
    mcbe_session_t session = {0};
    const char *path = NULL;
    char *end = NULL;
    int override_count = 0, count;
    long ranks = 0;
    const char **overrides = mcbe_alloc((size_t)argc, sizeof *overrides);
    mcbe_status_t st = overrides ? MCBE_OK : MCBE_ERR_NOMEM;
    MCBE_TRY(st);
    for (int option; (option = getopt_long(argc, argv, ":", known, NULL)) != -1;) {
        if (option == 's') {
            overrides[override_count++] = optarg;
        } else if (option != 'r') {
            st = mcbe_cli_bad_option("plan", argc, argv, option, err);
            goto out;
        } else if ((ranks = strtol(optarg, &end, 10)) < 1 || ranks > 10000000 || *end) {
            st = mcbe_fail(err, MCBE_ERR_USAGE,
                           "mcbe plan: --ranks is '%s'; 1 to 10000000 are allowed", optarg);
            goto out;
        }
    }
    MCBE_TRY(mcbe_cli_one_argument("plan", "the configuration file", argc, argv, &path, err));
    const mcbe_experiment_t *const *experiments = mcbe_experiments(&count);
    MCBE_TRY(mcbe_session_load(&session, experiments, count, path, overrides, override_count, err));
    st = print_plan(&session, ranks);
out:
    mcbe_session_close(&session);
    mcbe_free(overrides);
    return st;
}
