#include <getopt.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli.h"
#include "memory.h"
#include "shard.h"
#include "stop_signals.h"
#include "walltime.h"

/* The launchers' ways of saying how many tasks they started. */
static mcbe_status_t check_singletons(int size, mcbe_error_t *err)
{
    static const char *const variable[] = {"OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS",
                                           "PMI_SIZE"};
    for (size_t i = 0; i < sizeof variable / sizeof *variable; i++) {
        const char *value = getenv(variable[i]);
        const long tasks = value ? strtol(value, NULL, 10) : 0;
        if (size == 1 && tasks > 1) {
            return mcbe_fail(err, MCBE_ERR_SINGLETONS,
                             "%s says %ld tasks, but MPI sees only this one: each would write the "
                             "same output. Start with the mpirun of the MPI this program was built "
                             "with (under srun: --mpi=pmix)",
                             variable[i], tasks);
        }
    }
    return MCBE_OK;
}

static mcbe_status_t parse_progress(const char *text, mcbe_progress_mode_t *mode, mcbe_error_t *err)
{
    static const char *const words[] = {"auto", "bar", "lines", "none"};
    for (int i = 0; i < 4; i++) {
        if (!strcmp(text, words[i])) {
            *mode = (mcbe_progress_mode_t)i;
            return MCBE_OK;
        }
    }
    return mcbe_fail(err, MCBE_ERR_USAGE,
                     "mcbe run: --progress is '%s'; auto, bar, lines or none are allowed", text);
}

static mcbe_status_t parse_walltime(const char *text, double *seconds, mcbe_error_t *err)
{
    if (mcbe_walltime_parse(text, seconds) == MCBE_OK && *seconds > 0.0) {
        return MCBE_OK;
    }
    return mcbe_fail(
        err, MCBE_ERR_USAGE,
        "mcbe run: --max-walltime is '%s'; a time above 0 is needed, as " MCBE_WALLTIME_FORMS,
        text);
}

static mcbe_status_t parse_shard(const char *text, mcbe_run_options_t *options, mcbe_error_t *err)
{
    mcbe_shard_t shard;
    mcbe_status_t st = mcbe_shard_parse(text, &shard, err);
    if (st == MCBE_OK) {
        options->shard = shard.index;
        options->shards = shard.count;
    }
    return st;
}

/* results next to nobody's config: NAME.h5 in the working folder for any-folder/NAME.yaml, or
 * NAME.shard-I-of-N.h5 */
static char *default_output(const char *config_path, int shard, int shards)
{
    const char *slash = strrchr(config_path, '/');
    const char *name = slash ? slash + 1 : config_path;
    const char *dot = strrchr(name, '.');
    const size_t length = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    char suffix[64] = ".h5";
    if (shards > 0) {
        snprintf(suffix, sizeof suffix, ".shard-%d-of-%d.h5", shard, shards);
    }
    char *output = mcbe_alloc(length + strlen(suffix) + 1, 1);
    if (output) {
        memcpy(output, name, length);
        strcpy(output + length, suffix);
    }
    return output;
}

static mcbe_status_t parse_options(int argc, char **argv, mcbe_run_options_t *options,
                                   const char **overrides, mcbe_error_t *err)
{
    static const struct option known[] = {{"output", required_argument, NULL, 'o'},
                                          {"set", required_argument, NULL, 's'},
                                          {"fresh", no_argument, NULL, 'f'},
                                          {"progress", required_argument, NULL, 'p'},
                                          {"max-walltime", required_argument, NULL, 'w'},
                                          {"log-json", required_argument, NULL, 'j'},
                                          {"shard", required_argument, NULL, 'n'},
                                          {NULL, 0, NULL, 0}};
    mcbe_status_t st = MCBE_OK;
    for (int option; (option = getopt_long(argc, argv, ":o:", known, NULL)) != -1;) {
        switch (option) {
        case 'o':
            options->output = optarg;
            break;
        case 's':
            overrides[options->override_count++] = optarg;
            break;
        case 'f':
            options->fresh = 1;
            break;
        case 'p':
            st = parse_progress(optarg, &options->progress, err);
            break;
        case 'j':
            options->event_log = optarg;
            break;
        case 'n':
            st = parse_shard(optarg, options, err);
            break;
        case 'w':
            st = parse_walltime(optarg, &options->max_walltime, err);
            break;
        default:
            st = mcbe_cli_bad_option("run", argc, argv, option, err);
        }
        if (st != MCBE_OK) {
            return st;
        }
    }
    return mcbe_cli_one_argument("run", "the configuration file", argc, argv, &options->config_path,
                                 err);
}

mcbe_status_t mcbe_cmd_run(int argc, char **argv, mcbe_error_t *err)
{
    mcbe_run_options_t options = {
        .signal_seen = mcbe_stop_signal_seen, .log = stderr, .argc = argc, .argv = argv};
    char *own_output = NULL;
    int rank = 0, size = 1, count;
    const mcbe_experiment_t *const *experiments = mcbe_experiments(&count);
    const char **overrides = mcbe_alloc((size_t)argc, sizeof *overrides);
    mcbe_status_t st;
    if (!overrides) { /* before MPI: a rank that fails alone must not leave others waiting */
        return MCBE_ERR_NOMEM;
    }
    mcbe_stop_signals_catch();
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MCBE_TRY(check_singletons(size, err));
    MCBE_TRY(parse_options(argc, argv, &options, overrides, err));
    options.overrides = overrides;
    if (!options.output) {
        options.output = own_output =
            default_output(options.config_path, options.shard, options.shards);
        if (!own_output) {
            MPI_Abort(MPI_COMM_WORLD, mcbe_exit_code(MCBE_ERR_NOMEM));
        }
    }
    st = mcbe_run(MPI_COMM_WORLD, experiments, count, &options, err);
out:
    mcbe_free(own_output);
    mcbe_free(overrides);
    if (st != MCBE_OK) {
        /* the same error everywhere: rank 0 tells it, before the launcher sees anybody end */
        if (rank == 0) {
            mcbe_cli_report(st, err);
        }
        MPI_Barrier(MPI_COMM_WORLD);
        MPI_Finalize();
        exit(mcbe_exit_code(st));
    }
    MPI_Finalize();
    return st;
}
