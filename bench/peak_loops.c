#include <stddef.h>
#include <string.h>

#include "bench_baseline.h"
#include "mcbe/cpu.h"

#ifdef MCBE_HAVE_X86_PATHS
extern const mcbe_peak_loops_t peaks_v2, peaks_v3, peaks_v4;
#endif
extern const mcbe_peak_loops_t peaks_generic;

const mcbe_peak_loops_t *mcbe_peak_loops_in_use(void)
{
    static const mcbe_peak_loops_t *const all[] = {
#ifdef MCBE_HAVE_X86_PATHS
        &peaks_v2, &peaks_v3, &peaks_v4,
#endif
        &peaks_generic};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!strcmp(all[i]->path, mcbe_cpu_path())) {
            return all[i];
        }
    }
    return &peaks_generic;
}
