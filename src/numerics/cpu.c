#include "mcbe/cpu.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

extern const mcbe_kernels_t mcbe_kernels_generic;
#ifdef MCBE_HAVE_X86_PATHS
extern const mcbe_kernels_t mcbe_kernels_v2, mcbe_kernels_v3, mcbe_kernels_v4;
#endif

#define PATHS_MAX 4

/* The tables this CPU can run, best first. @return how many */
static int usable_paths(const mcbe_kernels_t *paths[PATHS_MAX])
{
    int count = 0;
#ifdef MCBE_HAVE_X86_PATHS
    __builtin_cpu_init();
    int v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt") &&
             __builtin_cpu_supports("ssse3");
    int v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    int v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    if (v4) {
        paths[count++] = &mcbe_kernels_v4;
    }
    if (v3) {
        paths[count++] = &mcbe_kernels_v3;
    }
    if (v2) {
        paths[count++] = &mcbe_kernels_v2;
    }
#endif
    paths[count++] = &mcbe_kernels_generic;
    return count;
}

static const mcbe_kernels_t *find_path(const char *name)
{
    const mcbe_kernels_t *paths[PATHS_MAX];
    int count = usable_paths(paths);
    for (int i = 0; i < count; i++) {
        if (!strcmp(paths[i]->name, name)) {
            return paths[i];
        }
    }
    return NULL;
}

const mcbe_kernels_t *mcbe_kernels(void)
{
    /* chosen once and the same for ever after, so a race only repeats the choice */
    static _Atomic(const mcbe_kernels_t *) chosen = NULL;
    const mcbe_kernels_t *kernels = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!kernels) {
        const char *asked = getenv("MCBE_CPU");
        const mcbe_kernels_t *paths[PATHS_MAX];
        usable_paths(paths);
        kernels = asked && *asked ? find_path(asked) : NULL;
        if (!kernels) {
            kernels = paths[0];
        }
        atomic_store_explicit(&chosen, kernels, memory_order_release);
    }
    return kernels;
}

const char *mcbe_cpu_path(void)
{
    return mcbe_kernels()->name;
}

mcbe_status_t mcbe_cpu_check(mcbe_error_t *err)
{
    const char *asked = getenv("MCBE_CPU");
    if (!asked || !*asked || find_path(asked)) {
        return MCBE_OK;
    }
    const mcbe_kernels_t *paths[PATHS_MAX];
    int count = usable_paths(paths);
    char names[128] = "";
    for (int i = 0; i < count; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", paths[i]->name);
    }
    return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                     "environment variable MCBE_CPU is '%s'; this machine can run: %s", asked,
                     names);
}
