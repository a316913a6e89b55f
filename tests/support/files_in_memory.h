#ifndef MCBE_TEST_FILES_IN_MEMORY_H
#define MCBE_TEST_FILES_IN_MEMORY_H

/* Files whose bytes are written by hand, and packing them. */

#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "unit.h"

typedef struct test_bytes {
    unsigned char *bytes; /* owned */
    size_t count;
} test_bytes_t;

static inline void add_bytes(test_bytes_t *file, const void *data, size_t count)
{
    file->bytes = realloc(file->bytes, file->count + count + 1);
    assert_non_null(file->bytes);
    memcpy(file->bytes + file->count, data, count);
    file->count += count;
}

static inline void drop_bytes(test_bytes_t *file)
{
    free(file->bytes);
    *file = (test_bytes_t){0};
}

/* Append the same bytes packed as one gzip member. */
static inline void add_packed(test_bytes_t *file, const void *data, size_t count)
{
    z_stream stream = {.next_in = (z_const Bytef *)(uintptr_t)data, .avail_in = (uInt)count};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t room = deflateBound(&stream, (uLong)count);
    file->bytes = realloc(file->bytes, file->count + room + 1);
    assert_non_null(file->bytes);
    stream.next_out = file->bytes + file->count;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    file->count += stream.total_out;
    assert_int_equal(deflateEnd(&stream), Z_OK);
}

/* As a stream; to be closed with fclose. */
static inline FILE *open_bytes(const test_bytes_t *file)
{
    FILE *in = fmemopen(file->bytes, file->count, "rb");
    assert_non_null(in);
    return in;
}

static inline void write_file(const char *path, const void *data, size_t count)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, count, out), count);
    assert_int_equal(fclose(out), 0);
}

#endif
