#include "journal_internal.h"

#include <stdio.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "file.h"
#include "memory.h"

uint32_t mcbe_crc32c(uint32_t crc, const void *data, size_t bytes)
{
    /* remainders of the 16 half-bytes, polynomial 0x82F63B78 (reflected) */
    static const uint32_t table[16] = {0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1,
                                       0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
                                       0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9,
                                       0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75};
    const unsigned char *byte = data;
    crc = ~crc;
    for (size_t k = 0; k < bytes; k++) {
        crc ^= byte[k];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static unsigned char *put(unsigned char *at, const void *data, size_t bytes)
{
    memcpy(at, data, bytes);
    return at + bytes;
}

/* Close a frame of `bytes` bytes with its checksum. */
static void seal(unsigned char *frame, size_t bytes)
{
    uint32_t crc = mcbe_crc32c(0, frame, bytes);
    put(frame + bytes, &crc, sizeof crc);
}

static mcbe_status_t out_of_memory(mcbe_error_t *err, const char *path)
{
    return mcbe_fail(err, MCBE_ERR_NOMEM, "no memory for the journal '%s'", path);
}

mcbe_status_t mcbe_journal_reserve(mcbe_journal_t *journal, size_t bytes, mcbe_error_t *err)
{
    void *buffer = journal->buffer;
    if (mcbe_grow(&buffer, &journal->capacity, bytes, 1)) {
        return out_of_memory(err, journal->path);
    }
    journal->buffer = buffer;
    return MCBE_OK;
}

/* Write a header under a temporary name and give it its own once it is durable. */
static mcbe_status_t create_file(mcbe_journal_t *journal, const char *resolved, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    int problem = 0;
    uint32_t marker = BYTE_ORDER_MARKER, version = FORMAT_VERSION;
    uint64_t length = strlen(resolved);
    size_t bytes = HEADER_FIXED + (size_t)length;
    char *temporary = mcbe_file_temporary(journal->path);
    if (!temporary) {
        st = out_of_memory(err, journal->path);
        goto out;
    }
    MCBE_TRY(mcbe_journal_reserve(journal, bytes + CHECKSUM, err));
    unsigned char *next = put(journal->buffer, JOURNAL_MAGIC, 8);
    next = put(next, &marker, sizeof marker);
    next = put(next, &version, sizeof version);
    next = put(next, &length, sizeof length);
    put(next, resolved, (size_t)length);
    seal(journal->buffer, bytes);
    journal->size = (int64_t)(bytes + CHECKSUM);
    journal->listing = mcbe_strdup(resolved);
    if (!journal->listing) {
        st = out_of_memory(err, journal->path);
        goto out;
    }

    journal->fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    problem = journal->fd < 0
                  ? errno
                  : mcbe_file_write(journal->fd, journal->buffer, (size_t)journal->size, 0);
    if (problem == 0) {
        problem = fsync(journal->fd) != 0 ? errno : mcbe_file_rename(temporary, journal->path);
    }
    if (problem == 0) {
        problem = mcbe_file_sync_folder(journal->path);
    } else if (journal->fd >= 0) {
        unlink(temporary);
    }
    if (problem) {
        st = mcbe_fail(err, problem == ENOMEM ? MCBE_ERR_NOMEM : MCBE_ERR_IO,
                       "cannot make the journal '%s': %s", journal->path, strerror(problem));
    }
out:
    mcbe_free(temporary);
    return st;
}

mcbe_status_t mcbe_journal_open(mcbe_journal_t **journal, const char *path, const char *resolved,
                                mcbe_journal_visit_t visit, void *context,
                                mcbe_provenance_t *provenance, int64_t *torn, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    int64_t file_size = 0, cut = 0;
    *journal = NULL;
    mcbe_journal_t *made = mcbe_alloc(1, sizeof *made);
    if (!made) {
        return out_of_memory(err, path);
    }
    made->fd = -1;
    made->path = mcbe_strdup(path);
    if (!made->path) {
        st = out_of_memory(err, path);
        goto out;
    }
    MCBE_TRY(mcbe_journal_open_file(path, O_RDWR, &made->fd, &file_size, err));
    if (made->fd >= 0 && file_size > 0) {
        MCBE_TRY(
            mcbe_journal_replay(made, file_size, resolved, visit, context, provenance, &cut, err));
    } else {
        if (made->fd >= 0) {
            close(made->fd);
        }
        MCBE_TRY(create_file(made, resolved, err));
    }
    if (torn) {
        *torn = cut;
    }
    *journal = made;
    made = NULL;
out:
    mcbe_journal_close(&made);
    return st;
}

/* Write the record whose payload stands in the buffer behind RECORD_FIXED bytes. */
static mcbe_status_t append(mcbe_journal_t *journal, uint32_t kind, size_t payload,
                            mcbe_error_t *err)
{
    uint32_t magic = RECORD_MAGIC;
    uint64_t length = payload;
    size_t bytes = RECORD_FIXED + payload;
    put(put(put(journal->buffer, &magic, 4), &kind, 4), &length, 8);
    seal(journal->buffer, bytes);
    bytes += CHECKSUM;
    int problem = mcbe_file_write(journal->fd, journal->buffer, bytes, journal->size);
    if (problem) {
        /* if even this fails the reader finds a torn tail, which it can do with */
        int cut = ftruncate(journal->fd, (off_t)journal->size);
        (void)cut;
        return mcbe_fail(err, MCBE_ERR_IO,
                         "cannot append to the journal '%s': %s; what it holds so far is kept",
                         journal->path, strerror(problem));
    }
    journal->size += (int64_t)bytes;
    return MCBE_OK;
}

mcbe_status_t mcbe_journal_append(mcbe_journal_t *journal, const mcbe_record_t *record,
                                  mcbe_error_t *err)
{
    size_t words = (size_t)record->word_count * sizeof *record->words;
    size_t payload = UNIT_FIXED + words;
    mcbe_status_t st = mcbe_journal_reserve(journal, RECORD_FIXED + payload + CHECKSUM, err);
    if (st) {
        return st;
    }
    unsigned char *next = put(journal->buffer + RECORD_FIXED, &record->cell, 8);
    next = put(next, &record->trial, 8);
    next = put(next, &record->seconds, 8);
    next = put(next, &record->rank, 8);
    put(next, record->words, words);
    return append(journal, KIND_UNIT, payload, err);
}

mcbe_status_t mcbe_journal_append_segment(mcbe_journal_t *journal,
                                          const mcbe_provenance_t *provenance, mcbe_error_t *err)
{
    MCBE_BUG_ASSERT(provenance->segment_count > 0);
    int64_t number = (int64_t)provenance->segment_count - 1;
    const mcbe_segment_t *segment = &provenance->segments[number];
    mcbe_status_t st = mcbe_journal_reserve(journal, RECORD_FIXED + SEGMENT_BYTES + CHECKSUM, err);
    if (st) {
        return st;
    }
    unsigned char *next = put(journal->buffer + RECORD_FIXED, &number, 8);
    next = put(next, &segment->ranks, 8);
    next = put(next, &segment->units, 8);
    next = put(next, segment->started_utc, sizeof segment->started_utc);
    next = put(next, segment->stopped_utc, sizeof segment->stopped_utc);
    put(next, segment->reason, sizeof segment->reason);
    return append(journal, KIND_SEGMENT, SEGMENT_BYTES, err);
}

mcbe_status_t mcbe_journal_append_listing(mcbe_journal_t *journal, const char *resolved,
                                          mcbe_error_t *err)
{
    const size_t length = strlen(resolved);
    if (strcmp(journal->listing, resolved) == 0) {
        return MCBE_OK;
    }
    char *listing = mcbe_strdup(resolved);
    if (!listing) {
        return out_of_memory(err, journal->path);
    }
    mcbe_status_t st = mcbe_journal_reserve(journal, RECORD_FIXED + length + CHECKSUM, err);
    if (st == MCBE_OK) {
        put(journal->buffer + RECORD_FIXED, resolved, length);
        st = append(journal, KIND_LISTING, length, err);
    }
    mcbe_free(st == MCBE_OK ? journal->listing : listing);
    journal->listing = st == MCBE_OK ? listing : journal->listing;
    return st;
}

mcbe_status_t mcbe_journal_sync(mcbe_journal_t *journal, mcbe_error_t *err)
{
    if (fdatasync(journal->fd) != 0) {
        return mcbe_fail(err, MCBE_ERR_IO, "cannot make the journal '%s' durable: %s",
                         journal->path, strerror(errno));
    }
    return MCBE_OK;
}

void mcbe_journal_close(mcbe_journal_t **journal)
{
    if (!*journal) {
        return;
    }
    if ((*journal)->fd >= 0) {
        close((*journal)->fd);
    }
    mcbe_free((*journal)->listing);
    mcbe_free((*journal)->buffer);
    mcbe_free((*journal)->path);
    mcbe_free(*journal);
    *journal = NULL;
}
