/* dladdr is a GNU extension that every libc we meet offers */
#define _GNU_SOURCE
#include "mcbe/cpu.h"

#include <dlfcn.h>
#include <stdint.h>

#include <cblas.h>

/* Whatever BLAS is loaded may offer some of these; those it lacks are NULL. */
extern void openblas_set_num_threads(int) __attribute__((weak));
extern char *openblas_get_config(void) __attribute__((weak));
extern char *openblas_get_corename(void) __attribute__((weak));
extern void bli_thread_set_num_threads(int64_t) __attribute__((weak));
extern void MKL_Set_Num_Threads(int) __attribute__((weak));

void mcbe_blas_single_thread(void)
{
    if (openblas_set_num_threads) {
        openblas_set_num_threads(1);
    }
    if (bli_thread_set_num_threads) {
        bli_thread_set_num_threads(1);
    }
    if (MKL_Set_Num_Threads) {
        MKL_Set_Num_Threads(1);
    }
}

/* A function of the library that serves our products. LAPACK may bring in a second BLAS that does
 * not, so the global namespace is the wrong place to look. */
static void *blas_function(const char *name, const char **file)
{
    Dl_info info;
    void (*product)(void) = (void (*)(void))cblas_sgemm;
    void *address, *function = NULL;
    _Static_assert(sizeof address == sizeof product, "function pointers fit data pointers (POSIX)");
    __builtin_memcpy(&address, &product, sizeof address);
    *file = dladdr(address, &info) && info.dli_fname ? info.dli_fname : "unknown";
    void *library = dlopen(*file, RTLD_LAZY | RTLD_NOLOAD);
    if (library) {
        function = dlsym(library, name);
        dlclose(library);
    }
    return function;
}

static const char *ask_blas(const char *name, const char **file)
{
    void *address = blas_function(name, file);
    char *(*function)(void) = NULL;
    __builtin_memcpy(&function, &address, sizeof function);
    return function ? function() : NULL;
}

const char *mcbe_blas_config(void)
{
    const char *file;
    const char *config = ask_blas("openblas_get_config", &file);
    return config ? config : file;
}

const char *mcbe_blas_core(void)
{
    const char *file;
    const char *core = ask_blas("openblas_get_corename", &file);
    return core ? core : "unknown";
}
