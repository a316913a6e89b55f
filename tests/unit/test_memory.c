/* Allocation: alignment, zeroes, overflow, the balance, and the hook that lets one fail. */

#include "unit.h"

static void memory_is_aligned_and_zeroed(void **state)
{
    (void)state;
    const size_t counts[] = {0, 1, 7, 63, 64, 65, 1000};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        /* a block freed with other content may come back */
        unsigned char *dirty = mcbe_alloc(counts[i], 3);
        assert_non_null(dirty);
        memset(dirty, 0xff, 3 * counts[i]);
        mcbe_free(dirty);
        unsigned char *block = mcbe_alloc(counts[i], 3);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 64, 0);
        for (size_t b = 0; b < 3 * counts[i]; b++) {
            assert_int_equal(block[b], 0);
        }
        mcbe_free(block);
    }
}

static void nothing_is_still_a_block_of_its_own(void **state)
{
    (void)state;
    char *none = mcbe_alloc(0, 8), *no_size = mcbe_alloc(8, 0);
    assert_non_null(none);
    assert_non_null(no_size);
    assert_ptr_not_equal(none, no_size);
    none[0] = 'x'; /* one byte may be used: checked under a sanitizer */
    assert_int_equal(no_size[0], 0);
    mcbe_free(none);
    mcbe_free(no_size);
}

static void sizes_beyond_size_t_are_refused(void **state)
{
    (void)state;
    assert_null(mcbe_alloc(SIZE_MAX, 1));         /* fits, but not with the rounding to 64 bytes */
    assert_null(mcbe_alloc(SIZE_MAX / 2 + 1, 2)); /* the product is 2^64: 0 if it wraps around */
    assert_null(mcbe_alloc((size_t)1 << 33, (size_t)1 << 33));
    assert_int_equal(mcbe_alloc_balance(), 0);
}

static void the_balance_counts_blocks(void **state)
{
    (void)state;
    void *a = mcbe_alloc(1, 8), *b = mcbe_alloc(1, 8);
    assert_int_equal(mcbe_alloc_balance(), 2);
    mcbe_free(a);
    assert_int_equal(mcbe_alloc_balance(), 1);
    mcbe_free(NULL);
    assert_int_equal(mcbe_alloc_balance(), 1);
    mcbe_free(b);
    assert_int_equal(mcbe_alloc_balance(), 0);
}

static void the_hook_lets_one_allocation_fail(void **state)
{
    (void)state;
    mcbe_alloc_fail_after(2);
    void *blocks[4];
    for (size_t i = 0; i < COUNT_OF(blocks); i++) {
        blocks[i] = mcbe_alloc(1, 8);
    }
    assert_non_null(blocks[0]);
    assert_non_null(blocks[1]);
    assert_null(blocks[2]);
    assert_non_null(blocks[3]); /* once only */
    for (size_t i = 0; i < COUNT_OF(blocks); i++) {
        mcbe_free(blocks[i]);
    }
    mcbe_alloc_fail_after(0);
    mcbe_alloc_fail_after(-1); /* off again */
    void *block = mcbe_alloc(1, 8);
    assert_non_null(block);
    mcbe_free(block);
}

static void an_array_grows_with_its_content(void **state)
{
    (void)state;
    void *array = NULL;
    size_t capacity = 0, moves = 0;
    enum { COUNT = 1000 };
    for (size_t i = 0; i < COUNT; i++) {
        const size_t before = capacity;
        assert_int_equal(mcbe_grow(&array, &capacity, i + 1, sizeof(int)), MCBE_OK);
        assert_true(capacity >= i + 1);
        if (capacity != before) {
            assert_true(capacity >= 2 * before);
            moves++;
        }
        ((int *)array)[i] = (int)i;
    }
    assert_true(moves <= 10); /* at most log2(1000), rounded up */
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(((int *)array)[i], i);
    }
    assert_int_equal(mcbe_grow(&array, &capacity, 10 * COUNT, sizeof(int)), MCBE_OK);
    assert_true(capacity >= 10 * COUNT); /* a leap beyond doubling */
    mcbe_free(array);
}

static void an_array_that_cannot_grow_is_unchanged(void **state)
{
    (void)state;
    void *array = NULL;
    size_t capacity = 0;
    assert_int_equal(mcbe_grow(&array, &capacity, 4, 1), MCBE_OK);
    memcpy(array, "abc", 4);
    void *const kept = array;
    const size_t kept_capacity = capacity;
    mcbe_alloc_fail_after(0);
    assert_int_equal(mcbe_grow(&array, &capacity, 100, 1), MCBE_ERR_NOMEM);
    assert_ptr_equal(array, kept);
    assert_int_equal(capacity, kept_capacity);
    assert_string_equal(array, "abc");
    assert_int_equal(mcbe_grow(&array, &capacity, SIZE_MAX, 8), MCBE_ERR_NOMEM);
    assert_ptr_equal(array, kept);
    mcbe_free(array);
}

static void strings_are_copied(void **state)
{
    (void)state;
    char text[] = "alpha";
    char *copy = mcbe_strdup(text), *empty = mcbe_strdup("");
    text[0] = 'X';
    assert_string_equal(copy, "alpha");
    assert_string_equal(empty, "");
    mcbe_free(copy);
    mcbe_free(empty);
    mcbe_alloc_fail_after(0);
    assert_null(mcbe_strdup(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(memory_is_aligned_and_zeroed),
        UNIT_TEST(nothing_is_still_a_block_of_its_own),
        UNIT_TEST(sizes_beyond_size_t_are_refused),
        UNIT_TEST(the_balance_counts_blocks),
        UNIT_TEST(the_hook_lets_one_allocation_fail),
        UNIT_TEST(an_array_grows_with_its_content),
        UNIT_TEST(an_array_that_cannot_grow_is_unchanged),
        UNIT_TEST(strings_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
