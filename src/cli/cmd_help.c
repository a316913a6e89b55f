#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "mcbe/cpu.h"
#include "mcbe/rng.h"
#include "mcbe/version.h"
#include "mcbe_build_info.h"
#include "mcbe_git_version.h"
#include "memory.h"
#include "session.h"
#include "store.h"

void mcbe_cli_version(FILE *out)
{
    fprintf(out, "mcbe %s\n", MCBE_VERSION);
    fprintf(out, "commit          %s%s\n", MCBE_GIT_SHA1, MCBE_GIT_DIRTY > 0 ? " (modified)" : "");
    fprintf(out, "compiler        %s, %s\n", MCBE_BUILD_COMPILER, MCBE_BUILD_TYPE);
    fprintf(out, "flags           %s\n", MCBE_BUILD_FLAGS);
    fprintf(out, "kernels         %s\n", mcbe_cpu_path());
    fprintf(out, "BLAS            %s, core %s\n", mcbe_blas_config(), mcbe_blas_core());
    fprintf(out, "file format     %d.%d\n", MCBE_STORE_MAJOR, MCBE_STORE_MINOR);
    fprintf(out, "stream version  %d\n", MCBE_STREAM_VERSION);
}

mcbe_status_t mcbe_cmd_list(int argc, char **argv, mcbe_error_t *err)
{
    int count;
    if (argc > 1) {
        return mcbe_fail(err, MCBE_ERR_USAGE, "mcbe list takes no arguments, but got '%s'",
                         argv[1]);
    }
    const mcbe_experiment_t *const *experiments = mcbe_experiments(&count);
    mcbe_key_table_t *tables = mcbe_session_tables(experiments, count);
    if (!tables) {
        return MCBE_ERR_NOMEM;
    }
    mcbe_config_list(stdout, tables, count);
    mcbe_free(tables);
    return MCBE_OK;
}

mcbe_status_t mcbe_cmd_help(int argc, char **argv, mcbe_error_t *err)
{
    int count;
    mcbe_status_t st = MCBE_OK;
    if (argc > 2) {
        return mcbe_fail(err, MCBE_ERR_USAGE, "mcbe help takes one key, but got '%s' as well",
                         argv[2]);
    }
    const mcbe_experiment_t *const *experiments = mcbe_experiments(&count);
    mcbe_key_table_t *tables = mcbe_session_tables(experiments, count);
    if (!tables) {
        return MCBE_ERR_NOMEM;
    }
    if (!strcmp(argv[1], "--markdown")) {
        mcbe_config_markdown(stdout, tables, count);
    } else {
        st = mcbe_config_help(stdout, tables, count, argv[1], err);
    }
    mcbe_free(tables);
    return st;
}
