#ifndef MCBE_TEST_UNIT_H
#define MCBE_TEST_UNIT_H

/* What every unit test needs: cmocka, the allocation balance, and small numeric helpers. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "mcbe/rng.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#define TEST_PI 3.14159265358979323846

/* Random cases to go through: a twelfth of them where MCBE_FEWER_CASES is set, as under valgrind and qemu,
 * which take that much longer for each. */
static inline int test_cases(int count)
{
    return getenv("MCBE_FEWER_CASES") ? 1 + count / 12 : count;
}

/* Teardown of every test: whoever allocated has freed. A test that leaks, most likely since it
 * failed half-way, is reported once and not again by those after it. */
static inline int no_memory_left(void **state)
{
    static int64_t leaked = 0;
    (void)state;
    mcbe_alloc_fail_after(-1);
    const int64_t more = mcbe_alloc_balance() - leaked;
    leaked += more;
    if (more != 0) {
        print_error("%lld allocations were not freed\n", (long long)more);
    }
    return more == 0 ? 0 : -1;
}

#define UNIT_TEST(function) cmocka_unit_test_teardown(function, no_memory_left)

/* A test that starts its own program again; the program's file is the test's *state. */
#define UNIT_TEST_OF_PROGRAM(function, program)                                                    \
    cmocka_unit_test_prestate_setup_teardown(function, NULL, no_memory_left, program)

/* Let each allocation of `call` fail in turn: it must answer MCBE_ERR_NOMEM and leave nothing
 * behind. Once all have been tried `call` succeeds; at least one must have failed. */
#define ASSERT_SURVIVES_FAILED_ALLOCATIONS(call)                                                   \
    do {                                                                                           \
        int64_t allowed_ = 0, balance_ = mcbe_alloc_balance();                                     \
        for (;; allowed_++) {                                                                      \
            mcbe_alloc_fail_after(allowed_);                                                       \
            mcbe_status_t status_ = (call);                                                        \
            mcbe_alloc_fail_after(-1);                                                             \
            if (status_ == MCBE_OK) {                                                              \
                break;                                                                             \
            }                                                                                      \
            assert_int_equal(status_, MCBE_ERR_NOMEM);                                             \
            assert_int_equal(mcbe_alloc_balance(), balance_);                                      \
        }                                                                                          \
        assert_true(allowed_ > 0);                                                                 \
    } while (0)

/* A generator for the choices a test makes, apart from every stream under test. */
static inline mcbe_rng_t test_rng(uint64_t seed)
{
    const uint64_t state[2] = {0, seed}, sequence[2] = {0, 12345};
    mcbe_rng_t rng;
    mcbe_rng_seed(&rng, state, sequence);
    return rng;
}

/* A number in [low, high]. */
static inline int test_between(mcbe_rng_t *rng, int low, int high)
{
    return low + (int)mcbe_rng_below(rng, (uint64_t)(high - low) + 1);
}

static inline int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov distance of values in [0, 1] from the uniform law; sorts them. */
static inline double ks_distance_from_uniform(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        worst = fmax(worst, values[i] - (double)i / (double)count);
        worst = fmax(worst, (double)(i + 1) / (double)count - values[i]);
    }
    return worst;
}

/* The distance that uniform values exceed with probability 1e-6: 2 exp(-2 count d^2) = 1e-6. */
static inline double ks_critical(size_t count)
{
    return sqrt(log(2e6) / 2 / (double)count);
}

/* FNV-1a: a checksum that shows any changed bit. */
static inline uint64_t checksum(uint64_t sum, const void *data, size_t bytes)
{
    const unsigned char *byte = data;
    for (size_t i = 0; i < bytes; i++) {
        sum = (sum ^ byte[i]) * 0x100000001b3U;
    }
    return sum;
}

#define CHECKSUM_START UINT64_C(0xcbf29ce484222325)

#endif
