#ifndef MCBE_JOURNAL_INTERNAL_H
#define MCBE_JOURNAL_INTERNAL_H

#include "journal.h"

/* What journal.c, which writes, and journal_read.c share: the byte layout. */

/* Numbers are stored as this machine has them; the marker tells a file of another byte order. */
#define JOURNAL_MAGIC "mcbejrnl"
#define BYTE_ORDER_MARKER UINT32_C(0x01020304)
#define FORMAT_VERSION UINT32_C(1)

/* magic, marker, version, length; then the listing and its checksum */
#define HEADER_FIXED 24
/* magic, kind, length; then the payload and its checksum */
#define RECORD_MAGIC UINT32_C(0x6a52434d)
#define RECORD_FIXED 16
#define CHECKSUM 4

enum { KIND_UNIT = 1, KIND_SEGMENT = 2, KIND_LISTING = 3 };

/* cell, trial, seconds, rank; then the words */
#define UNIT_FIXED 32
/* number, ranks, units, started, stopped, reason */
#define SEGMENT_BYTES                                                                              \
    (24 + sizeof((mcbe_segment_t *)0)->started_utc + sizeof((mcbe_segment_t *)0)->stopped_utc +    \
     sizeof((mcbe_segment_t *)0)->reason)

struct mcbe_journal {
    char *path;    /* owned */
    char *listing; /* owned: what the next units are of, as far as the journal says so */
    int fd;
    int64_t size;          /* bytes of the good part: where the next record goes */
    unsigned char *buffer; /* owned, one record */
    size_t capacity;
};

/** Make room for one record. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_journal_reserve(mcbe_journal_t *journal, size_t bytes,
                                                  mcbe_error_t *err);

/** Open an existing file. *fd is -1, with MCBE_OK, if it is not there. */
MCBE_NODISCARD mcbe_status_t mcbe_journal_open_file(const char *path, int flags, int *fd,
                                                    int64_t *file_size, mcbe_error_t *err);

/** Read an open journal of file_size > 0 bytes to its last good record and cut off the rest; see
 *  mcbe_journal_open. */
MCBE_NODISCARD mcbe_status_t mcbe_journal_replay(mcbe_journal_t *journal, int64_t file_size,
                                                 const char *resolved, mcbe_journal_visit_t visit,
                                                 void *context, mcbe_provenance_t *provenance,
                                                 int64_t *torn, mcbe_error_t *err);

#endif
