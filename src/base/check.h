#ifndef MCBE_CHECK_H
#define MCBE_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include "mcbe/status.h"

/* For functions with a local `mcbe_status_t st` and one label `out:` that frees in reverse
 * order. */
#define MCBE_TRY(call)                                                                             \
    do {                                                                                           \
        st = (call);                                                                               \
        if (st != MCBE_OK) {                                                                       \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

/* The first failure of several calls that were all made, so that all errors are reported at once. */
static inline mcbe_status_t mcbe_first_failure(const mcbe_status_t *st, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (st[i] != MCBE_OK) {
            return st[i];
        }
    }
    return MCBE_OK;
}

/* A state our own code rules out. Stays on in every build type: a wrong number is worse than a
 * stop. */
#define MCBE_BUG_ASSERT(condition)                                                                 \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "mcbe: internal error: %s:%d: %s\n", __FILE__, __LINE__, #condition);  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
