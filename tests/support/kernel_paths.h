#ifndef MCBE_TEST_KERNEL_PATHS_H
#define MCBE_TEST_KERNEL_PATHS_H

/* A process chooses its kernel path once, so a test of all paths starts its own program again, once
 * a path: `program checksum` prints the path it took and a checksum of its results. */

#include <stdio.h>

#include "mcbe/cpu.h"
#include "unit.h"

/* Whether this CPU surely runs a path, asked of the compiler's run-time library. */
static inline int cpu_must_run(const char *path)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!strcmp(path, "x86-64-v2")) {
        return !!__builtin_cpu_supports("sse4.2");
    }
    if (!strcmp(path, "x86-64-v3")) {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    }
    if (!strcmp(path, "x86-64-v4")) {
        return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    }
#endif
    return !strcmp(path, "generic");
}

/* The child's part: print the path and the checksum, or nothing where the CPU lacks the path. */
static inline int print_checksum(uint64_t sum)
{
    if (mcbe_cpu_check(NULL) == MCBE_OK) {
        printf("%s %016llx\n", mcbe_cpu_path(), (unsigned long long)sum);
    }
    return 0;
}

/* @param program  this program's own file, argv[0] */
static inline void assert_same_on_every_path(const char *program)
{
    static const char *const paths[] = {"generic", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    char expected[64] = "";
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        char command[4096], answer[128] = "", taken[64] = "", sum[64] = "";
        const char *emulator = getenv("MCBE_TEST_EMULATOR"); /* runs programs for other machines */
        int length = snprintf(command, sizeof command, "MCBE_CPU=%s %s '%s' checksum", paths[i],
                              emulator ? emulator : "", program);
        assert_in_range(length, 1, sizeof command - 1);
        FILE *child = popen(command, "r");
        assert_non_null(child);
        char *line = fgets(answer, sizeof answer, child);
        assert_int_equal(pclose(child), 0);
        if (!line) {
            assert_false(cpu_must_run(paths[i]));
            print_message("skipped: this CPU or build has no path %s\n", paths[i]);
            continue;
        }
        assert_int_equal(sscanf(answer, "%63s %63s", taken, sum), 2);
        assert_string_equal(taken, paths[i]);
        if (i == 0) {
            memcpy(expected, sum, sizeof expected);
        }
        assert_string_equal(sum, expected);
    }
}

#endif
