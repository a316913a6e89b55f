#include "inflow.h"

#include <errno.h>
#include <string.h>

#include <zlib.h>

#include "check.h"
#include "memory.h"

#define PIECE 65536           /* of the packed file, at a time */
#define GZIP_WINDOW (15 + 16) /* zlib: the largest window, gzip's header and trailer */

typedef struct mcbe_unpack {
    z_stream stream;
    int started; /* the stream holds memory */
    int ended;   /* a member has ended; another may follow */
    unsigned char packed[PIECE];
} mcbe_unpack_t;

static void *allocate(void *context, unsigned count, unsigned size)
{
    (void)context;
    return mcbe_alloc(count, size);
}

static void release(void *context, void *block)
{
    (void)context;
    mcbe_free(block);
}

static mcbe_status_t cannot_read(const mcbe_inflow_t *in, mcbe_error_t *err)
{
    return mcbe_fail(err, MCBE_ERR_IO, "cannot read '%s': %s", in->name, strerror(errno));
}

static int64_t unpacked_limit(const mcbe_inflow_t *in)
{
    const int64_t grown = in->file_bytes > INT64_MAX / MCBE_INFLOW_GROWTH
                              ? INT64_MAX
                              : in->file_bytes * MCBE_INFLOW_GROWTH;
    return grown > MCBE_INFLOW_SMALL ? grown : MCBE_INFLOW_SMALL;
}

static mcbe_status_t start_unpacking(mcbe_inflow_t *in)
{
    mcbe_unpack_t *unpack = in->unpack = mcbe_alloc(1, sizeof *unpack);
    if (!unpack) {
        return MCBE_ERR_NOMEM;
    }
    unpack->stream.zalloc = allocate;
    unpack->stream.zfree = release;
    unpack->started = inflateInit2(&unpack->stream, GZIP_WINDOW) == Z_OK;
    return unpack->started ? MCBE_OK : MCBE_ERR_NOMEM;
}

static mcbe_status_t start(mcbe_inflow_t *in, mcbe_error_t *err)
{
    static const unsigned char gzip[] = {0x1f, 0x8b};
    unsigned char magic[sizeof gzip];
    if (fseeko(in->in, 0, SEEK_END) != 0 || (in->file_bytes = (int64_t)ftello(in->in)) < 0 ||
        fseeko(in->in, 0, SEEK_SET) != 0) {
        return cannot_read(in, err);
    }
    const size_t got = fread(magic, 1, sizeof magic, in->in);
    if (ferror(in->in)) { /* a folder, for one */
        return cannot_read(in, err);
    }
    if (got == 0) {
        return mcbe_fail(err, MCBE_ERR_DATA, "'%s' is empty", in->name);
    }
    const mcbe_status_t st = got == sizeof magic && memcmp(magic, gzip, sizeof gzip) == 0
                                 ? start_unpacking(in)
                                 : MCBE_OK;
    return st == MCBE_OK ? mcbe_inflow_rewind(in, err) : st;
}

mcbe_status_t mcbe_inflow_open(mcbe_inflow_t *in, FILE *stream, const char *name, mcbe_error_t *err)
{
    *in =
        (mcbe_inflow_t){.in = stream ? stream : fopen(name, "rb"), .owned = !stream, .name = name};
    if (!in->in) {
        return mcbe_fail(err, MCBE_ERR_IO, "cannot open '%s': %s", name, strerror(errno));
    }
    const mcbe_status_t st = start(in, err);
    if (st != MCBE_OK) {
        mcbe_inflow_close(in);
    }
    return st;
}

void mcbe_inflow_close(mcbe_inflow_t *in)
{
    if (in->unpack && in->unpack->started) {
        (void)inflateEnd(&in->unpack->stream);
    }
    mcbe_free(in->unpack);
    if (in->owned && in->in) {
        fclose(in->in);
    }
    memset(in, 0, sizeof *in);
}

mcbe_status_t mcbe_inflow_rewind(mcbe_inflow_t *in, mcbe_error_t *err)
{
    in->given = 0;
    if (in->unpack) {
        (void)inflateReset(&in->unpack->stream);
        in->unpack->stream.avail_in = 0;
        in->unpack->ended = 0;
    }
    return fseeko(in->in, 0, SEEK_SET) == 0 ? MCBE_OK : cannot_read(in, err);
}

/* More of the packed file, if all there was is used up. @param[out] more  is there any? */
static mcbe_status_t refill(mcbe_inflow_t *in, int *more, mcbe_error_t *err)
{
    z_stream *stream = &in->unpack->stream;
    if (stream->avail_in == 0) {
        stream->next_in = in->unpack->packed;
        stream->avail_in = (uInt)fread(in->unpack->packed, 1, PIECE, in->in);
        if (ferror(in->in)) {
            return cannot_read(in, err);
        }
    }
    *more = stream->avail_in > 0;
    return MCBE_OK;
}

/* One step: some input is used up, or some output made. @param[out] end  nothing more will come */
static mcbe_status_t unpack_some(mcbe_inflow_t *in, int *end, mcbe_error_t *err)
{
    mcbe_unpack_t *unpack = in->unpack;
    z_stream *stream = &unpack->stream;
    int more = 0;
    const mcbe_status_t st = refill(in, &more, err);
    *end = st != MCBE_OK || (!more && unpack->ended);
    if (*end) {
        return st;
    }
    if (!more) {
        return mcbe_fail(err, MCBE_ERR_DATA, "'%s' is truncated: its gzip stream does not end",
                         in->name);
    }
    if (unpack->ended) { /* files packed one by one may be joined */
        if (stream->next_in[0] != 0x1f) {
            return mcbe_fail(err, MCBE_ERR_DATA, "'%s' has bytes behind the end of its gzip stream",
                             in->name);
        }
        (void)inflateReset(stream);
        unpack->ended = 0;
    }
    const int answer = inflate(stream, Z_NO_FLUSH);
    if (answer == Z_MEM_ERROR) {
        return MCBE_ERR_NOMEM;
    }
    unpack->ended = answer == Z_STREAM_END;
    return answer == Z_OK || answer == Z_STREAM_END
               ? MCBE_OK
               : mcbe_fail(err, MCBE_ERR_DATA, "'%s' is damaged: its gzip stream has an error (%s)",
                           in->name, stream->msg ? stream->msg : zError(answer));
}

/* @param[in] bytes  fewer than 2^32 */
static mcbe_status_t unpack_bytes(mcbe_inflow_t *in, void *out, size_t bytes, size_t *got,
                                  mcbe_error_t *err)
{
    z_stream *stream = &in->unpack->stream;
    mcbe_status_t st = MCBE_OK;
    int end = 0;
    stream->next_out = out;
    stream->avail_out = (uInt)bytes;
    while (st == MCBE_OK && stream->avail_out > 0 && !end) {
        st = unpack_some(in, &end, err);
    }
    *got = bytes - stream->avail_out;
    if (st == MCBE_OK && in->given + (int64_t)*got > unpacked_limit(in)) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s' (%lld bytes) grows by more than %d times when it is unpacked; no data "
                       "set does: unpack it with gunzip if it is one",
                       in->name, (long long)in->file_bytes, MCBE_INFLOW_GROWTH);
    }
    return st;
}

mcbe_status_t mcbe_inflow_read(mcbe_inflow_t *in, void *out, size_t bytes, size_t *got,
                               mcbe_error_t *err)
{
    const size_t piece_max = (size_t)1 << 26; /* the expansion is looked at after every piece */
    char *place = out;
    *got = 0;
    for (size_t piece = 1; *got < bytes && piece > 0; *got += piece) {
        const size_t left = bytes - *got, wanted = left < piece_max ? left : piece_max;
        if (in->unpack) {
            const mcbe_status_t st = unpack_bytes(in, place + *got, wanted, &piece, err);
            if (st != MCBE_OK) {
                return st;
            }
        } else {
            piece = fread(place + *got, 1, wanted, in->in);
            if (ferror(in->in)) {
                return cannot_read(in, err);
            }
        }
        in->given += (int64_t)piece;
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_inflow_exactly(mcbe_inflow_t *in, const char *what, void *out, size_t bytes,
                                  mcbe_error_t *err)
{
    size_t got = 0;
    const mcbe_status_t st = mcbe_inflow_read(in, out, bytes, &got, err);
    if (st != MCBE_OK || got == bytes) {
        return st;
    }
    return mcbe_fail(err, MCBE_ERR_DATA, "'%s' ends inside its %s: %zu bytes where %zu are due",
                     in->name, what, got, bytes);
}

mcbe_status_t mcbe_inflow_expect(mcbe_inflow_t *in, int64_t bytes, mcbe_error_t *err)
{
    const int64_t left = in->file_bytes - in->given;
    if (!in->unpack && bytes != left) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' holds %lld bytes of data; its header asks for %lld", in->name,
                         (long long)left, (long long)bytes);
    }
    if (in->unpack && bytes > unpacked_limit(in) - in->given) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' asks for %lld bytes of data in its header; a packed file of %lld "
                         "bytes cannot hold them",
                         in->name, (long long)bytes, (long long)in->file_bytes);
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_inflow_end(mcbe_inflow_t *in, mcbe_error_t *err)
{
    char byte;
    size_t got = 0;
    const mcbe_status_t st = mcbe_inflow_read(in, &byte, 1, &got, err);
    if (st != MCBE_OK || got == 0) {
        return st;
    }
    return mcbe_fail(err, MCBE_ERR_DATA, "'%s' goes on after the %lld bytes that are due", in->name,
                     (long long)in->given - 1);
}
