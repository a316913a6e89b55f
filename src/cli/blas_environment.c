#include "blas_environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mcbe/cpu.h"

/* Set in the second start, so that there is no third. */
#define MARK "MCBE_BLAS_ENVIRONMENT"

/* OpenBLAS' name for kernels at the level of our own path, NULL if its own choice is good
 * enough. */
static const char *better_core(void)
{
    const char *chosen = mcbe_blas_core(), *path = mcbe_cpu_path();
    if (strcmp(chosen, "Prescott") != 0) { /* the fallback of x86-64 builds */
        return NULL;
    }
    if (!strcmp(path, "x86-64-v4")) {
        return "SkylakeX";
    }
    return !strcmp(path, "x86-64-v3") ? "Haswell" : NULL;
}

void mcbe_blas_environment(char **argv)
{
    const char *core = getenv("OPENBLAS_CORETYPE") ? NULL : better_core();
    const int threads_unset = !getenv("OPENBLAS_NUM_THREADS") && !getenv("OMP_NUM_THREADS");
    if (getenv(MARK) || (!core && !threads_unset)) {
        return;
    }
    if (setenv(MARK, "1", 1) != 0 || (core && setenv("OPENBLAS_CORETYPE", core, 1) != 0) ||
        (threads_unset && setenv("OPENBLAS_NUM_THREADS", "1", 1) != 0)) {
        return;
    }
    execv("/proc/self/exe", argv);
    /* no /proc: run on as we are, only slower */
}
