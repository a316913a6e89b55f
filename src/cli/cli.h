#ifndef MCBE_CLI_H
#define MCBE_CLI_H

/* The commands. Each gets the arguments after its name, argv[0] being the name, prints its results
 * to standard output, and returns a status whose sentences main() prints to standard error. */

#include "mcbe/run.h"

typedef struct mcbe_command {
    const char *name;
    mcbe_status_t (*run)(int argc, char **argv, mcbe_error_t *err);
    const char *synopsis; /* what follows the name */
    const char *summary;
} mcbe_command_t;

/** All commands. @return [*count], static storage */
const mcbe_command_t *mcbe_commands(int *count);

mcbe_status_t mcbe_cmd_run(int argc, char **argv, mcbe_error_t *err);
mcbe_status_t mcbe_cmd_estimate(int argc, char **argv, mcbe_error_t *err);
mcbe_status_t mcbe_cmd_merge(int argc, char **argv, mcbe_error_t *err);
mcbe_status_t mcbe_cmd_plan(int argc, char **argv, mcbe_error_t *err);
mcbe_status_t mcbe_cmd_show(int argc, char **argv, mcbe_error_t *err);
mcbe_status_t mcbe_cmd_verify(int argc, char **argv, mcbe_error_t *err);
mcbe_status_t mcbe_cmd_bench(int argc, char **argv, mcbe_error_t *err);
mcbe_status_t mcbe_cmd_list(int argc, char **argv, mcbe_error_t *err);
mcbe_status_t mcbe_cmd_help(int argc, char **argv, mcbe_error_t *err);

/** Record the error of an option getopt_long did not accept; `option` is what it returned. @return
 *  MCBE_ERR_USAGE */
mcbe_status_t mcbe_cli_bad_option(const char *command, int argc, char **argv, int option,
                                  mcbe_error_t *err);

/** The one positional argument a command needs. @return MCBE_OK; MCBE_ERR_USAGE naming what is
 *  missing or too much */
MCBE_NODISCARD mcbe_status_t mcbe_cli_one_argument(const char *command, const char *what, int argc,
                                                   char **argv, const char **argument,
                                                   mcbe_error_t *err);

/** Tell the user on standard error what went wrong. */
void mcbe_cli_report(mcbe_status_t st, const mcbe_error_t *err);

/** Name, version, commit and what it was built with. */
void mcbe_cli_version(FILE *out);

#endif
