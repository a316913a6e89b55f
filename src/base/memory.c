#include "memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_llong live_blocks = 0;
static atomic_llong successes_before_failure = -1;

void *mcbe_alloc(size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - MCBE_ALIGNMENT) / size) {
        return NULL;
    }
    if (atomic_load_explicit(&successes_before_failure, memory_order_relaxed) >= 0 &&
        atomic_fetch_sub(&successes_before_failure, 1) == 0) {
        return NULL;
    }
    size_t bytes = count * size;
    bytes = (bytes + MCBE_ALIGNMENT - 1) / MCBE_ALIGNMENT * MCBE_ALIGNMENT;
    if (bytes == 0) {
        bytes = MCBE_ALIGNMENT;
    }
    void *block = aligned_alloc(MCBE_ALIGNMENT, bytes);
    if (block) {
        memset(block, 0, bytes);
        atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
    }
    return block;
}

mcbe_status_t mcbe_grow(void **array, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity) {
        return MCBE_OK;
    }
    size_t wanted = *capacity < 8 ? 8 : *capacity * 2;
    if (wanted < needed) {
        wanted = needed;
    }
    void *bigger = mcbe_alloc(wanted, size);
    if (!bigger) {
        return MCBE_ERR_NOMEM;
    }
    if (*array) {
        memcpy(bigger, *array, *capacity * size);
        mcbe_free(*array);
    }
    *array = bigger;
    *capacity = wanted;
    return MCBE_OK;
}

char *mcbe_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = mcbe_alloc(bytes, 1);
    if (copy) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

void mcbe_free(void *block)
{
    if (block) {
        atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed);
        free(block);
    }
}

int64_t mcbe_alloc_balance(void)
{
    return atomic_load(&live_blocks);
}

void mcbe_alloc_fail_after(int64_t successes)
{
    atomic_store(&successes_before_failure, successes);
}
