#ifndef MCBE_CPU_H
#define MCBE_CPU_H

#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Name of the kernel path in use: "x86-64-v4", "x86-64-v3", "x86-64-v2" or "generic". The best one
 *  the CPU has, unless the environment variable MCBE_CPU names another. Every path gives the same
 *  bits. */
const char *mcbe_cpu_path(void);

/** Check that MCBE_CPU, if set, names a path this program has and this CPU can run.
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT with a sentence that lists the usable ones */
MCBE_NODISCARD mcbe_status_t mcbe_cpu_check(mcbe_error_t *err);

/** Keep BLAS to one thread a rank (OpenBLAS, BLIS or MKL, whichever is loaded); call once at
 *  start. */
void mcbe_blas_single_thread(void);

/** Name and version of the BLAS that is loaded, as it reports them, or else the path of its library;
 *  its kernels ("core type"), "unknown" for one that does not say. Static storage. */
const char *mcbe_blas_config(void);
const char *mcbe_blas_core(void);

#ifdef __cplusplus
}
#endif
#endif
