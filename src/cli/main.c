#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blas_environment.h"
#include "cli.h"
#include "config.h"

#define EXIT_TEXT                                                                                  \
    "Exit codes: 0 done; 64 wrong usage or configuration; 65 bad input file; 70 internal error;\n" \
    "74 folder, disk or lock; 75 stopped early and resumable.\n"

const mcbe_command_t *mcbe_commands(int *count)
{
    static const mcbe_command_t commands[] = {
        {"run", mcbe_cmd_run,
         "CONFIG [-o FILE] [--set KEY=VALUE]... [--fresh] [--progress MODE] [--shard I/N] "
         "[--max-walltime TIME] [--log-json FILE]",
         "run an experiment, or continue it; under mpirun on any number of ranks"},
        {"estimate", mcbe_cmd_estimate,
         "--weights FILE[:DATASET] [--bias FILE[:DATASET]] [--convention "
         "'relu(Wx-alpha)'|'relu(Wx+b)'] "
         "[--domain KIND | --data FILE... [--test FILE...]] [--samples N] [--design DESIGN] "
         "[--search EVALUATIONS] [--set "
         "KEY=VALUE]... "
         "[-o FILE] [--json] [--fresh] [--progress MODE]",
         "what is known of one given layer; under mpirun on any number of ranks"},
        {"merge", mcbe_cmd_merge, "-o FILE [--partial] [--fresh] SHARD...",
         "put the shards of a run together"},
        {"plan", mcbe_cmd_plan, "CONFIG [--set KEY=VALUE]... [--ranks P]",
         "what would run: cells, units, flops, memory, time, file size; starts nothing"},
        {"show", mcbe_cmd_show,
         "FILE [--json] [--cells] [--trials] [--midpoints] [--provenance] | "
         "FILE --certificate K [-o FOLDER]",
         "what a result file holds"},
        {"verify", mcbe_cmd_verify, "FILE", "check a result file and recompute its evidence"},
        {"bench", mcbe_cmd_bench, "[--json] [--quick]",
         "time the kernels on one core of this machine, beside other ways of doing the same"},
        {"list", mcbe_cmd_list, "", "experiments and their configuration keys"},
        {"help", mcbe_cmd_help, "[KEY | --markdown]", "this text, or one configuration key"},
    };
    *count = (int)(sizeof commands / sizeof *commands);
    return commands;
}

mcbe_status_t mcbe_cli_bad_option(const char *command, int argc, char **argv, int option,
                                  mcbe_error_t *err)
{
    const char *given = optind > 0 && optind <= argc ? argv[optind - 1] : "";
    if (option == ':') {
        return mcbe_fail(err, MCBE_ERR_USAGE, "mcbe %s: option '%s' needs a value", command, given);
    }
    return mcbe_fail(err, MCBE_ERR_USAGE, "mcbe %s: unknown option '%s'; see mcbe help", command,
                     given);
}

mcbe_status_t mcbe_cli_one_argument(const char *command, const char *what, int argc, char **argv,
                                    const char **argument, mcbe_error_t *err)
{
    if (optind >= argc) {
        return mcbe_fail(err, MCBE_ERR_USAGE, "mcbe %s: %s is missing", command, what);
    }
    if (optind + 1 < argc) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "mcbe %s: '%s' is one argument too many; %s is all it takes", command,
                         argv[optind + 1], what);
    }
    *argument = argv[optind];
    return MCBE_OK;
}

static void print_usage(FILE *out)
{
    int count;
    const mcbe_command_t *commands = mcbe_commands(&count);
    fprintf(out, "mcbe: how much information a ReLU layer destroys\n\n");
    for (int i = 0; i < count; i++) {
        fprintf(out, "  mcbe %s %s\n      %s\n", commands[i].name, commands[i].synopsis,
                commands[i].summary);
    }
    fprintf(out, "  mcbe --version\n      version and what it was built with\n\n" EXIT_TEXT);
}

static mcbe_status_t unknown_command(const char *name, mcbe_error_t *err)
{
    int count;
    const char *names[16];
    const mcbe_command_t *commands = mcbe_commands(&count);
    for (int i = 0; i < count; i++) {
        names[i] = commands[i].name;
    }
    const char *near = mcbe_nearest_name(name, names, count);
    return mcbe_fail(err, MCBE_ERR_USAGE, "unknown command '%s'%s%s%s; see mcbe help", name,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static mcbe_status_t dispatch(int argc, char **argv, mcbe_error_t *err)
{
    int count;
    const mcbe_command_t *commands = mcbe_commands(&count);
    if (argc < 2) {
        return mcbe_fail(err, MCBE_ERR_USAGE, "a command is missing; see mcbe help");
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
        (!strcmp(argv[1], "help") && argc == 2)) {
        print_usage(stdout);
        return MCBE_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        mcbe_cli_version(stdout);
        return MCBE_OK;
    }
    for (int i = 0; i < count; i++) {
        if (!strcmp(argv[1], commands[i].name)) {
            opterr = 0;
            return commands[i].run(argc - 1, argv + 1, err);
        }
    }
    return unknown_command(argv[1], err);
}

void mcbe_cli_report(mcbe_status_t st, const mcbe_error_t *err)
{
    /* one write: lines of several processes must not mix */
    fprintf(stderr, "mcbe: %s%s\n",
            st == MCBE_STOPPED ? "" : "error: ", err->text[0] ? err->text : mcbe_strerror(st));
}

int main(int argc, char **argv)
{
    mcbe_blas_environment(argv);
    mcbe_error_t err = {0};
    mcbe_status_t st = dispatch(argc, argv, &err);
    if (st == MCBE_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        st = mcbe_fail(&err, MCBE_ERR_IO, "cannot write to standard output");
    }
    if (st != MCBE_OK) {
        mcbe_cli_report(st, &err);
    }
    return mcbe_exit_code(st);
}
