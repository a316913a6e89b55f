#include "journal_internal.h"

#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"
#include "check.h"
#include "config.h"

static const unsigned char *get(const unsigned char *at, void *data, size_t bytes)
{
    memcpy(data, at, bytes);
    return at + bytes;
}

static int is_sealed(const unsigned char *frame, size_t bytes)
{
    uint32_t crc;
    get(frame + bytes, &crc, sizeof crc);
    return crc == mcbe_crc32c(0, frame, bytes);
}

static mcbe_status_t cannot_read(mcbe_error_t *err, const char *path, int problem)
{
    return mcbe_fail(err, MCBE_ERR_IO, "cannot read the journal '%s': %s", path, strerror(problem));
}

/* Read and check the header of a file of file_size > 0 bytes.
 * @param[out] listing  owned by the caller  @param[out] header_bytes  where the records start */
static mcbe_status_t read_header(int fd, const char *path, int64_t file_size, char **listing,
                                 int64_t *header_bytes, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    unsigned char *header = NULL;
    char *copy = NULL;
    uint32_t marker = 0, version = 0;
    uint64_t length = 0;
    unsigned char fixed[HEADER_FIXED] = {0};
    size_t there = file_size < HEADER_FIXED ? (size_t)file_size : HEADER_FIXED;

    int problem = mcbe_file_read(fd, fixed, there, 0);
    if (problem) {
        return cannot_read(err, path, problem);
    }
    if (memcmp(fixed, JOURNAL_MAGIC, 8) != 0) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' is not a journal of mcbe; move it away to start without it", path);
    }
    get(get(get(fixed + 8, &marker, 4), &version, 4), &length, 8);
    if (marker != BYTE_ORDER_MARKER) {
        return mcbe_fail(err, MCBE_ERR_VERSION,
                         "the journal '%s' was written on a machine of another byte order, or is "
                         "damaged; finish the run there",
                         path);
    }
    if (version != FORMAT_VERSION) {
        return mcbe_fail(err, MCBE_ERR_VERSION,
                         "the journal '%s' is of format version %lu, this program reads %lu; "
                         "finish the run with the mcbe that began it",
                         path, (unsigned long)version, (unsigned long)FORMAT_VERSION);
    }
    int64_t room = file_size - HEADER_FIXED - CHECKSUM;
    if (room < 0 || length > (uint64_t)room) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "the journal '%s' ends within its header; move it away to start without "
                         "it",
                         path);
    }
    size_t bytes = HEADER_FIXED + (size_t)length;
    header = mcbe_alloc(bytes + CHECKSUM, 1);
    copy = mcbe_alloc((size_t)length + 1, 1);
    if (!header || !copy) {
        st = mcbe_fail(err, MCBE_ERR_NOMEM, "no memory for the journal '%s'", path);
        goto out;
    }
    problem = mcbe_file_read(fd, header, bytes + CHECKSUM, 0);
    if (problem) {
        st = cannot_read(err, path, problem);
        goto out;
    }
    if (!is_sealed(header, bytes)) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "the header of the journal '%s' is damaged (its checksum differs); move it "
                       "away to start without it",
                       path);
        goto out;
    }
    get(header + HEADER_FIXED, copy, (size_t)length);
    *listing = copy;
    copy = NULL;
    *header_bytes = (int64_t)(bytes + CHECKSUM);
out:
    mcbe_free(copy);
    mcbe_free(header);
    return st;
}

mcbe_status_t mcbe_journal_open_file(const char *path, int flags, int *fd, int64_t *file_size,
                                     mcbe_error_t *err)
{
    struct stat facts;
    *fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) {
        return errno == ENOENT ? MCBE_OK
                               : mcbe_fail(err, MCBE_ERR_IO, "cannot open the journal '%s': %s",
                                           path, strerror(errno));
    }
    if (fstat(*fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        close(*fd);
        *fd = -1;
        return mcbe_fail(err, MCBE_ERR_DATA, "'%s' is not a journal but something else than a file",
                         path);
    }
    *file_size = facts.st_size;
    return MCBE_OK;
}

mcbe_status_t mcbe_journal_peek(const char *path, char **resolved, mcbe_error_t *err)
{
    int fd = -1;
    int64_t file_size = 0, header_bytes = 0;
    *resolved = NULL;
    mcbe_status_t st = mcbe_journal_open_file(path, O_RDONLY, &fd, &file_size, err);
    if (st == MCBE_OK && fd >= 0 && file_size > 0) {
        st = read_header(fd, path, file_size, resolved, &header_bytes, err);
    }
    if (fd >= 0) {
        close(fd);
    }
    return st;
}

/* Read the record at journal->size into the buffer.
 * @param[out] payload  its bytes, or -1 if there is no good record here */
static mcbe_status_t read_record(mcbe_journal_t *journal, int64_t file_size, uint32_t *kind,
                                 int64_t *payload, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    int64_t room = file_size - journal->size - RECORD_FIXED - CHECKSUM;
    uint32_t magic = 0;
    uint64_t length = 0;
    unsigned char fixed[RECORD_FIXED];
    *payload = -1;
    if (room < 0) {
        return MCBE_OK;
    }
    int problem = mcbe_file_read(journal->fd, fixed, sizeof fixed, journal->size);
    if (problem) {
        return cannot_read(err, journal->path, problem);
    }
    get(get(get(fixed, &magic, 4), kind, 4), &length, 8);
    if (magic != RECORD_MAGIC || length > (uint64_t)room) {
        return MCBE_OK;
    }
    size_t bytes = RECORD_FIXED + (size_t)length;
    MCBE_TRY(mcbe_journal_reserve(journal, bytes + CHECKSUM, err));
    problem = mcbe_file_read(journal->fd, journal->buffer, bytes + CHECKSUM, journal->size);
    if (problem) {
        return cannot_read(err, journal->path, problem);
    }
    if (is_sealed(journal->buffer, bytes)) {
        *payload = (int64_t)length;
    }
out:
    return st;
}

/* What is being read: the caller's wishes and where the reading stands. */
typedef struct replay {
    mcbe_journal_visit_t visit;
    void *context;
    mcbe_provenance_t *provenance; /* or NULL */
    const char *resolved;          /* listing of the configuration that goes on */
    int earlier;     /* it asks more of every unit than that of the units being read */
    int64_t segment; /* the one that wrote the units being read, -1 before any */
    int64_t units;   /* of it, so far */
} replay_t;

static mcbe_status_t replay_unit(replay_t *replay, const unsigned char *data, int64_t bytes,
                                 mcbe_error_t *err)
{
    mcbe_record_t record = {0};
    const unsigned char *words = get(data, &record.cell, 8);
    words = get(words, &record.trial, 8);
    words = get(words, &record.seconds, 8);
    words = get(words, &record.rank, 8);
    replay->units++;
    if (!replay->visit) {
        return MCBE_OK;
    }
    record.earlier = replay->earlier;
    record.word_count = (bytes - UNIT_FIXED) / 8;
    record.words = mcbe_alloc((size_t)record.word_count, sizeof *record.words);
    if (!record.words) {
        return mcbe_fail(err, MCBE_ERR_NOMEM, "no memory for a record of the journal");
    }
    get(words, record.words, (size_t)record.word_count * sizeof *record.words);
    mcbe_status_t st = replay->visit(replay->context, &record, err);
    mcbe_record_free(&record);
    return st;
}

/* A segment that ended without a word has no count of its own: give it what was found. */
static void close_segment(const replay_t *replay)
{
    if (replay->provenance && replay->segment >= 0) {
        mcbe_segment_t *segment = &replay->provenance->segments[replay->segment];
        if (strcmp(segment->reason, MCBE_SEGMENT_RUNNING) == 0) {
            segment->units = replay->units;
        }
    }
}

static mcbe_status_t replay_segment(replay_t *replay, const unsigned char *data, mcbe_error_t *err)
{
    mcbe_segment_t segment = {0};
    int64_t number = 0;
    data = get(data, &number, 8);
    data = get(data, &segment.ranks, 8);
    data = get(data, &segment.units, 8);
    data = get(data, segment.started_utc, sizeof segment.started_utc);
    data = get(data, segment.stopped_utc, sizeof segment.stopped_utc);
    get(data, segment.reason, sizeof segment.reason);
    if (replay->provenance && number == replay->segment && number >= 0) {
        replay->provenance->segments[number] = segment; /* how it ended */
        return MCBE_OK;
    }
    close_segment(replay);
    replay->segment = -1;
    replay->units = 0;
    if (!replay->provenance) {
        return MCBE_OK;
    }
    if (number >= 0 && (uint64_t)number < replay->provenance->segment_count) {
        replay->segment = number; /* the result file has it, and may know how it ended */
        return MCBE_OK;
    }
    if (mcbe_provenance_add_segment(replay->provenance, &segment)) {
        return mcbe_fail(err, MCBE_ERR_NOMEM, "no memory for the starts of the run");
    }
    replay->segment = (int64_t)replay->provenance->segment_count - 1;
    return MCBE_OK;
}

/* From here on units are of another configuration: one that a run went on with, so the one that goes on now
 * must be able to follow it, too. */
static mcbe_status_t replay_listing(mcbe_journal_t *journal, replay_t *replay,
                                    const unsigned char *data, size_t bytes, mcbe_error_t *err)
{
    mcbe_error_t differences = {0};
    char *listing = mcbe_alloc(bytes + 1, 1);
    if (!listing) {
        return mcbe_fail(err, MCBE_ERR_NOMEM, "no memory for the journal '%s'", journal->path);
    }
    get(data, listing, bytes);
    mcbe_free(journal->listing);
    journal->listing = listing;
    if (mcbe_config_compare(listing, replay->resolved, &differences) != MCBE_OK) {
        return mcbe_fail(err, MCBE_ERR_FINGERPRINT,
                         "'%s' was continued with another configuration; choose another output, or "
                         "--fresh to start anew (the old file is kept as .prev):\n%s",
                         journal->path, differences.text);
    }
    replay->earlier = mcbe_config_asks_more(listing, replay->resolved, NULL);
    return MCBE_OK;
}

/* Go through all good records; journal->size ends behind the last. */
static mcbe_status_t read_all(mcbe_journal_t *journal, int64_t file_size, replay_t *replay,
                              mcbe_error_t *err)
{
    for (;;) {
        uint32_t kind = 0;
        int64_t payload = -1;
        mcbe_status_t st = read_record(journal, file_size, &kind, &payload, err);
        if (st || payload < 0) {
            close_segment(replay);
            return st;
        }
        const unsigned char *data = journal->buffer + RECORD_FIXED;
        if (kind == KIND_UNIT && payload >= UNIT_FIXED && payload % 8 == 0) {
            st = replay_unit(replay, data, payload, err);
        } else if (kind == KIND_SEGMENT && payload == (int64_t)SEGMENT_BYTES) {
            st = replay_segment(replay, data, err);
        } else if (kind == KIND_LISTING) {
            st = replay_listing(journal, replay, data, (size_t)payload, err);
        } else {
            st = mcbe_fail(err, MCBE_ERR_DATA,
                           "the journal '%s' holds a record this program does not know (kind %lu, "
                           "%lld bytes, at byte %lld)",
                           journal->path, (unsigned long)kind, (long long)payload,
                           (long long)journal->size);
        }
        if (st) {
            return st;
        }
        journal->size += RECORD_FIXED + payload + CHECKSUM;
    }
}

mcbe_status_t mcbe_journal_replay(mcbe_journal_t *journal, int64_t file_size, const char *resolved,
                                  mcbe_journal_visit_t visit, void *context,
                                  mcbe_provenance_t *provenance, int64_t *torn, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    replay_t replay = {.visit = visit,
                       .context = context,
                       .provenance = provenance,
                       .resolved = resolved,
                       .segment = -1};
    MCBE_TRY(
        read_header(journal->fd, journal->path, file_size, &journal->listing, &journal->size, err));
    replay.earlier = mcbe_config_asks_more(journal->listing, resolved, NULL);
    MCBE_TRY(read_all(journal, file_size, &replay, err));
    *torn = file_size - journal->size;
    if (*torn > 0 && ftruncate(journal->fd, (off_t)journal->size) != 0) {
        st = mcbe_fail(err, MCBE_ERR_IO, "cannot cut the torn end off the journal '%s': %s",
                       journal->path, strerror(errno));
    }
out:
    return st;
}
