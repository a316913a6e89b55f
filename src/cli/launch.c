#include "launch.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "stop_signals.h"

void mcbe_launch_begin(mcbe_launch_t *launch)
{
    mcbe_stop_signals_catch();
    /* Open MPI starts a daemon beside a process that has no launcher, which takes longer than the rest of
     * its start and serves MPI_Comm_spawn alone */
    setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &launch->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &launch->size);
}

/* The launchers' ways of saying how many tasks they started. */
mcbe_status_t mcbe_launch_check(const mcbe_launch_t *launch, mcbe_error_t *err)
{
    static const char *const variable[] = {"OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS",
                                           "PMI_SIZE"};
    for (size_t i = 0; i < sizeof variable / sizeof *variable; i++) {
        const char *value = getenv(variable[i]);
        const long tasks = value ? strtol(value, NULL, 10) : 0;
        if (launch->size == 1 && tasks > 1) {
            return mcbe_fail(err, MCBE_ERR_SINGLETONS,
                             "%s says %ld tasks, but MPI sees only this one: each would write the "
                             "same output. Start with the mpirun of the MPI this program was built "
                             "with (under srun: --mpi=pmix)",
                             variable[i], tasks);
        }
    }
    return MCBE_OK;
}

void mcbe_launch_abort(mcbe_status_t st)
{
    MPI_Abort(MPI_COMM_WORLD, mcbe_exit_code(st));
}

mcbe_status_t mcbe_launch_agree(mcbe_status_t st)
{
    const int own = st;
    int lowest = st;
    MPI_Allreduce(&own, &lowest, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    return (mcbe_status_t)lowest;
}

mcbe_status_t mcbe_launch_end(const mcbe_launch_t *launch, mcbe_status_t st,
                              const mcbe_error_t *err)
{
    st = mcbe_launch_agree(st);
    if (st != MCBE_OK) {
        /* rank 0 tells it before the launcher sees anybody end */
        if (launch->rank == 0) {
            mcbe_cli_report(st, err);
        }
        MPI_Barrier(MPI_COMM_WORLD);
    }
    MPI_Finalize();
    if (st != MCBE_OK) {
        exit(mcbe_exit_code(st));
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_launch_progress(const char *command, const char *text,
                                   mcbe_progress_mode_t *mode, mcbe_error_t *err)
{
    static const char *const words[] = {"auto", "bar", "lines", "none"};
    for (int i = 0; i < 4; i++) {
        if (!strcmp(text, words[i])) {
            *mode = (mcbe_progress_mode_t)i;
            return MCBE_OK;
        }
    }
    return mcbe_fail(err, MCBE_ERR_USAGE,
                     "mcbe %s: --progress is '%s'; auto, bar, lines or none are allowed", command,
                     text);
}
