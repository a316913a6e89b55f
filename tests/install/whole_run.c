/* A whole experiment from somebody else's program: whole_run CONFIG OUTPUT */
#include <mcbe/run.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: whole_run CONFIG OUTPUT\n");
        return 64;
    }
    MPI_Init(&argc, &argv);
    int count = 0;
    const mcbe_experiment_t *const *experiments = mcbe_experiments(&count);
    const mcbe_run_options_t options = {.config_path = argv[1],
                                        .output = argv[2],
                                        .progress = MCBE_PROGRESS_NONE,
                                        .argc = argc,
                                        .argv = argv};
    mcbe_error_t err = {0};
    mcbe_status_t st = mcbe_run(MPI_COMM_WORLD, experiments, count, &options, &err);
    if (st) {
        fprintf(stderr, "%s\n", err.text);
    }
    MPI_Finalize();
    return mcbe_exit_code(st);
}
