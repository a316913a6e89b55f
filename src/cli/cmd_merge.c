#include <getopt.h>
#include <stdio.h>

#include "cli.h"
#include "merge.h"

mcbe_status_t mcbe_cmd_merge(int argc, char **argv, mcbe_error_t *err)
{
    static const struct option known[] = {{"output", required_argument, NULL, 'o'},
                                          {"partial", no_argument, NULL, 'p'},
                                          {"fresh", no_argument, NULL, 'f'},
                                          {NULL, 0, NULL, 0}};
    mcbe_merge_options_t options = {
        .log = {.stream = stderr, .level = MCBE_LOG_INFO}, .argc = argc, .argv = argv};
    int count;
    const mcbe_experiment_t *const *experiments = mcbe_experiments(&count);
    for (int option; (option = getopt_long(argc, argv, ":o:", known, NULL)) != -1;) {
        switch (option) {
        case 'o':
            options.output = optarg;
            break;
        case 'p':
            options.partial = 1;
            break;
        case 'f':
            options.fresh = 1;
            break;
        default:
            return mcbe_cli_bad_option("merge", argc, argv, option, err);
        }
    }
    if (!options.output) {
        return mcbe_fail(err, MCBE_ERR_USAGE, "mcbe merge: -o FILE, the file to write, is missing");
    }
    if (optind >= argc) {
        return mcbe_fail(err, MCBE_ERR_USAGE, "mcbe merge: the shards' files are missing");
    }
    options.inputs = (const char *const *)(argv + optind);
    options.input_count = argc - optind;
    return mcbe_merge(experiments, count, &options, err);
}
