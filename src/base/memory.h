#ifndef MCBE_MEMORY_H
#define MCBE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MCBE_ALIGNMENT 64

/** Zeroed memory for count x size bytes, 64-byte aligned, overflow-checked. Thread-safe.
 *  @return NULL if count x size overflows or memory is out; count 0 gives a valid 1-byte block */
void *mcbe_alloc(size_t count, size_t size);

/** Grow an array by at least doubling, keeping its content. Thread-safe.
 *  @param[in,out] array     from mcbe_alloc or NULL; unchanged on error
 *  @param[in,out] capacity  elements there is room for
 *  @param[in]     needed    elements there must be room for
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_grow(void **array, size_t *capacity, size_t needed, size_t size);

/** A copy of a string, to be freed with mcbe_free. @return NULL if memory is out */
char *mcbe_strdup(const char *text);

/** Free what mcbe_alloc gave; accepts NULL. Thread-safe. */
void mcbe_free(void *block);

/** Allocations not yet freed in this process (tests assert 0). Thread-safe. */
int64_t mcbe_alloc_balance(void);

/** Test hook: let the allocation after `successes` more ones fail, once; negative switches it
 *  off. */
void mcbe_alloc_fail_after(int64_t successes);

#ifdef __cplusplus
}
#endif

#endif
