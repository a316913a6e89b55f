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

const char *mcbe_blas_config(void)
{
    if (openblas_get_config) {
        return openblas_get_config();
    }
    /* no version function: the file it came from is the best there is to say */
    Dl_info info;
    void (*product)(void) = (void (*)(void))cblas_sgemm;
    void *address;
    _Static_assert(sizeof address == sizeof product, "function pointers fit data pointers (POSIX)");
    __builtin_memcpy(&address, &product, sizeof address);
    return dladdr(address, &info) && info.dli_fname ? info.dli_fname : "unknown";
}

const char *mcbe_blas_core(void)
{
    return openblas_get_corename ? openblas_get_corename() : "unknown";
}
