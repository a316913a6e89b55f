#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "cli.h"
#include "launch.h"
#include "memory.h"
#include "shard.h"
#include "stop_signals.h"
#include "walltime.h"

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
            st = mcbe_launch_progress("run", optarg, &options->progress, err);
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
    mcbe_launch_t launch;
    int count;
    const mcbe_experiment_t *const *experiments = mcbe_experiments(&count);
    const char **overrides = mcbe_alloc((size_t)argc, sizeof *overrides);
    mcbe_status_t st;
    if (!overrides) { /* before MPI: a rank that fails alone must not leave others waiting */
        return MCBE_ERR_NOMEM;
    }
    mcbe_launch_begin(&launch);
    MCBE_TRY(mcbe_launch_check(&launch, err));
    MCBE_TRY(parse_options(argc, argv, &options, overrides, err));
    options.overrides = overrides;
    if (!options.output) {
        options.output = own_output =
            default_output(options.config_path, options.shard, options.shards);
        if (!own_output) {
            mcbe_launch_abort(MCBE_ERR_NOMEM);
        }
    }
    st = mcbe_run(MPI_COMM_WORLD, experiments, count, &options, err);
out:
    mcbe_free(own_output);
    mcbe_free(overrides);
    return mcbe_launch_end(&launch, st, err);
}
