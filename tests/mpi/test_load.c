/* Do the ranks stay busy? A whole run of an experiment whose units only sleep, so that any number of
 * ranks fits on few cores: 10,000 units of very uneven length on all ranks, its wall time held
 * against the makespan that mcbe_plan_makespan says no handing-out could spoil. */

#include <mpi.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "experiment.h"
#include "session.h"
#include "setup.h"
#include "unit.h"

#define CONFIG "load.yaml"
#define RESULT "load.h5"

/* Between two of its blocks a unit calls between_blocks; those of real experiments take up to about
 * as long. */
#define BLOCK_SECONDS 1e-3
/* The longest unit is as many times as long as the shortest. */
#define SPREAD 1500.0
#define SLACK 1.05
#define UNITS 10000
/* Whatever else the machine does can only lengthen a run: the shortest of so many counts. */
#define ATTEMPTS 3

typedef struct sleeper {
    int64_t units;
    double *seconds; /* owned, [units], what a unit takes */
    double *planned; /* owned, [units], what the plan says of it */
} sleeper_t;

static const mcbe_key_t keys[] = {
    MCBE_COMMON_KEYS,
    {.path = "sleeper.units", .type = MCBE_KEY_INT, .min = 1, .max = 1e6, .help = "Units."},
    {.path = "sleeper.seconds", .type = MCBE_KEY_REAL, .min = 0, .max = 1e6, .help = "Of all."},
    {.path = "sleeper.misjudged",
     .type = MCBE_KEY_REAL,
     .fallback = "1",
     .min = 1,
     .max = 10,
     .help = "Plans are wrong by up to this factor."},
    MCBE_RUN_KEYS,
    {.path = NULL},
};

static void close_sleeper(void **handle)
{
    sleeper_t *params = *handle;
    mcbe_free(params->planned);
    mcbe_free(params->seconds);
    mcbe_free(params);
    *handle = NULL;
}

/* A share 1 / x of the units is longer than x times the shortest, cut off at SPREAD: a handful of units are
 * as long as thousands of others together. The same as sleepers() of bench/simulate_scaling.py. */
static void set_seconds(sleeper_t *params, uint64_t seed, double total, double misjudged)
{
    mcbe_rng_t rng = test_rng(seed);
    double sum = 0.0;
    for (int64_t u = 0; u < params->units; u++) {
        params->seconds[u] = fmin((double)params->units / ((double)u + 0.5), SPREAD);
        sum += params->seconds[u];
    }
    for (int64_t u = 0; u < params->units; u++) {
        params->seconds[u] *= total / sum;
        params->planned[u] =
            params->seconds[u] * pow(misjudged, 2.0 * mcbe_rng_uniform(&rng) - 1.0);
    }
}

static mcbe_status_t open_sleeper(mcbe_config_t *config, void **handle, mcbe_error_t *err)
{
    (void)err;
    sleeper_t *params = mcbe_alloc(1, sizeof *params);
    if (!params) {
        return MCBE_ERR_NOMEM;
    }
    *handle = params;
    params->units = mcbe_config_int(config, "sleeper.units");
    params->seconds = mcbe_alloc((size_t)params->units, sizeof *params->seconds);
    params->planned = mcbe_alloc((size_t)params->units, sizeof *params->planned);
    if (!params->seconds || !params->planned) {
        close_sleeper(handle);
        return MCBE_ERR_NOMEM;
    }
    set_seconds(params, (uint64_t)mcbe_config_int(config, "seed"),
                mcbe_config_real(config, "sleeper.seconds"),
                mcbe_config_real(config, "sleeper.misjudged"));
    return MCBE_OK;
}

static mcbe_status_t plan_sleep(const void *handle, mcbe_plan_t *plan, mcbe_error_t *err)
{
    const sleeper_t *params = handle;
    (void)err;
    *plan = (mcbe_plan_t){.cell_count = params->units, .trials = 1};
    plan->cells = mcbe_alloc((size_t)params->units, sizeof *plan->cells);
    if (!plan->cells) {
        return MCBE_ERR_NOMEM;
    }
    for (int64_t u = 0; u < params->units; u++) {
        plan->cells[u] = (mcbe_cell_t){.n = 1, .m = u + 1, .seconds = params->planned[u]};
    }
    return MCBE_OK;
}

static mcbe_status_t lay_out(const void *handle, mcbe_layout_t *layout, mcbe_error_t *err)
{
    (void)handle;
    (void)err;
    char path[] = "trials/blocks";
    const mcbe_column_t column = {.path = path,
                                  .type = MCBE_COLUMN_I64,
                                  .shape = MCBE_SHAPE_SCALAR,
                                  .units = "1",
                                  .description = "naps"};
    return mcbe_layout_add(layout, &column) < 0 ? MCBE_ERR_NOMEM : MCBE_OK;
}

/* What rank 0 does between its blocks comes on top of a unit's own seconds, as it does where units
 * compute. */
static mcbe_status_t sleep_through(const void *handle, const mcbe_cell_t *cells, int64_t count,
                                   int64_t trial, const mcbe_team_t *team,
                                   const mcbe_layout_t *layout, mcbe_record_t *records,
                                   mcbe_error_t *err)
{
    const sleeper_t *params = handle;
    const mcbe_clock_t clock = mcbe_clock_monotonic();
    int64_t blocks = 0;
    (void)trial;
    (void)err;
    MCBE_BUG_ASSERT(count == 1);
    for (double left = params->seconds[cells->m - 1]; left > 0.0; blocks++) {
        const double start = mcbe_clock_now(&clock);
        const struct timespec nap = {.tv_nsec = (long)(1e9 * fmin(left, BLOCK_SECONDS))};
        nanosleep(&nap, NULL);
        left -= mcbe_clock_now(&clock) - start;
        if (mcbe_team_look(team)) {
            break;
        }
    }
    mcbe_status_t st = mcbe_team_go_on(team);
    if (st != MCBE_OK) {
        return st;
    }
    mcbe_record_set_i64(records, layout, cells, 0, &blocks);
    return MCBE_OK;
}

static const mcbe_experiment_t sleeper = {
    .table = {.experiment = "sleeper", .summary = "Sleeps.", .keys = keys},
    .open = open_sleeper,
    .close = close_sleeper,
    .plan = plan_sleep,
    .layout = lay_out,
    .compute = sleep_through,
};
static const mcbe_experiment_t *const experiments[] = {&sleeper};

/* What a run with perfect handing-out would take. */
typedef struct ideal {
    double planned; /* by the plan's own seconds */
    double real;    /* the plan's order, but each unit takes what it takes */
    double bound;   /* no list in whatever order takes longer: Graham 1966 */
} ideal_t;

static int rank_count(void)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return size;
}

static ideal_t simulate(int ranks)
{
    mcbe_session_t session;
    mcbe_error_t err = {0};
    if (mcbe_session_load(&session, experiments, 1, CONFIG, NULL, 0, &err)) {
        fail_msg("%s", err.text);
    }
    const sleeper_t *params = session.params;
    mcbe_plan_t *plan = &session.plan;
    int64_t *order = NULL, count = 0;
    assert_int_equal(mcbe_plan_order(plan, NULL, &order, &count), MCBE_OK);
    ideal_t ideal = {.planned = mcbe_plan_makespan(plan, order, count, ranks, 1)};
    double total = 0.0, longest = 0.0;
    for (int64_t u = 0; u < params->units; u++) {
        plan->cells[u].seconds = params->seconds[u];
        total += params->seconds[u];
        longest = fmax(longest, params->seconds[u]);
    }
    ideal.real = mcbe_plan_makespan(plan, order, count, ranks, 1);
    ideal.bound = total / ranks + (1.0 - 1.0 / ranks) * longest;
    print_message("%.1f s of units of %.1f to %.0f ms on %d ranks\n", total, 1e3 * longest / SPREAD,
                  1e3 * longest, ranks);
    mcbe_free(order);
    mcbe_session_close(&session);
    return ideal;
}

/* Wall time of a whole run, from start to the file on disk. @param[out] ideal  on rank 0; may be NULL */
static double run_sleeper(int64_t units, double seconds, double misjudged, ideal_t *ideal)
{
    const mcbe_clock_t clock = mcbe_clock_monotonic();
    const mcbe_run_options_t options = {
        .config_path = CONFIG, .output = RESULT, .progress = MCBE_PROGRESS_NONE};
    mcbe_error_t err = {0};
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0) {
        FILE *file = fopen(CONFIG, "w");
        assert_non_null(file);
        fprintf(file,
                "experiment: sleeper\nsleeper: {units: %lld, seconds: %g, misjudged: %g}\n"
                "run: {ranks_per_unit: 1}\n",
                (long long)units, seconds, misjudged);
        fclose(file);
        unlink(RESULT);
        if (ideal) {
            *ideal = simulate(rank_count());
        }
    }
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = mcbe_clock_now(&clock);
    if (mcbe_run(MPI_COMM_WORLD, experiments, 1, &options, &err)) {
        fail_msg("%s", err.text);
    }
    return mcbe_clock_now(&clock) - start;
}

/* Run until the wall time is below SLACK times what `limit` says, ATTEMPTS times at most. */
static void assert_busy(double seconds_a_rank, double misjudged, double (*limit)(const ideal_t *))
{
    ideal_t ideal = {0};
    int rank, again = 1, busy = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int attempt = 1; again; attempt++) {
        const double wall = run_sleeper(UNITS, seconds_a_rank * rank_count(), misjudged, &ideal);
        if (rank == 0) {
            print_message(
                "wall %.2f s, ideal in this order %.2f s: %+.1f %%; planned %.2f s, bound "
                "of any order %.2f s\n",
                wall, ideal.real, 100.0 * (wall / ideal.real - 1.0), ideal.planned, ideal.bound);
            busy = wall < SLACK * limit(&ideal);
            again = !busy && attempt < ATTEMPTS;
        }
        MPI_Bcast(&again, 1, MPI_INT, 0, MPI_COMM_WORLD);
    }
    assert_true(busy);
}

static double of_this_order(const ideal_t *ideal)
{
    assert_true(ideal->real == ideal->planned);
    return ideal->real;
}

static double of_any_order(const ideal_t *ideal)
{
    return ideal->bound;
}

/* With the right plan all ranks end together, but for SLACK. */
static void nobody_waits(void **state)
{
    (void)state;
    assert_busy(20.0, 1.0, of_this_order);
}

/* With plans that are wrong by up to a factor of 3 either way, handing out as one goes still keeps
 * within what holds for any order. */
static void wrong_plans_do_little_harm(void **state)
{
    (void)state;
    assert_busy(10.0, 3.0, of_any_order);
}

/* No test: one line about one run, for bench/simulate_scaling.py --measured. */
static void measure(int64_t units, double seconds)
{
    const double wall = run_sleeper(units, seconds, 1.0, NULL);
    printf("{\"kind\": \"sleepers\", \"ranks\": %d, \"units\": %lld, \"seconds\": %g, \"wall\": "
           "%.4f}\n",
           rank_count(), (long long)units, seconds, wall);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(nobody_waits),
        UNIT_TEST(wrong_plans_do_little_harm),
    };
    int rank = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank != 0) {
        cmocka_set_message_output(CM_OUTPUT_TAP);
        if (!freopen("/dev/null", "w", stdout)) {
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
    }
    int failed = 0;
    if (argc == 3) { /* UNITS SECONDS */
        measure(strtoll(argv[1], NULL, 10), strtod(argv[2], NULL));
    } else {
        failed = cmocka_run_group_tests(tests, NULL, NULL);
    }
    MPI_Finalize();
    return failed;
}
