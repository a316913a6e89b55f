#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "cli.h"
#include "memory.h"
#include "session.h"

/* Ranks the time is given for unless the user names a number. */
static const int usual_ranks[] = {1, 2, 4, 16, 64, 256};

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

static mcbe_status_t print_times(const mcbe_session_t *session, long ranks)
{
    int64_t *order = NULL, count;
    mcbe_status_t st = mcbe_plan_order(&session->plan, NULL, &order, &count);
    if (st != MCBE_OK) {
        return st;
    }
    const int64_t asked = mcbe_config_int(session->config, "run.ranks_per_unit");
    const size_t usual = sizeof usual_ranks / sizeof *usual_ranks;
    for (size_t i = 0; i < (ranks ? 1 : usual); i++) {
        const int on = ranks ? (int)ranks : usual_ranks[i];
        const int group = mcbe_plan_group_size(&session->plan, order, count, on, asked);
        printf("time        about ");
        print_duration(mcbe_plan_makespan(&session->plan, order, count, on, group));
        printf(" on %d rank%s, %d rank%s a unit\n", on, on > 1 ? "s" : "", group,
               group > 1 ? "s" : "");
    }
    mcbe_free(order);
    return MCBE_OK;
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
