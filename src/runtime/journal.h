#ifndef MCBE_JOURNAL_H
#define MCBE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "mcbe/status.h"
#include "provenance.h"
#include "record.h"

/* The append-only record of finished units, next to the result file. One write() a record, CRC-32C
 * each; a torn tail is cut off. Layout: docs/file-format.md. Used on rank 0 only, by the holder of
 * the output's lock. */
typedef struct mcbe_journal mcbe_journal_t;

/** Called for every unit of an existing journal, in order. It takes a record's memory over by
 *  zeroing the record, as mcbe_store_put does; what it leaves is freed. */
typedef mcbe_status_t (*mcbe_journal_visit_t)(void *context, mcbe_record_t *record,
                                              mcbe_error_t *err);

/** Header of an existing journal. @param[out] resolved  the config listing it was written for
 *  (mcbe_free); NULL if there is no journal or an empty file.
 *  @return MCBE_OK; MCBE_ERR_DATA if it is not a journal or its header is damaged;
 *         MCBE_ERR_VERSION; MCBE_ERR_IO; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_journal_peek(const char *path, char **resolved,
                                               mcbe_error_t *err);

/** Open for appending; made with a header if missing. An existing one is read to its first bad
 *  record, which is cut off with all that follows. A new one appears under its name only once its
 *  header is durable, so there is no half a header.
 *  @param[in]  resolved  config listing, stored in a new header. Units found that were computed for
 *         one that asks less of every unit (mcbe_config_asks_more) are marked as earlier
 *  @param[in]  visit     sees the units found; NULL if none are wanted
 *  @param[in,out] provenance  gets the segments it does not have yet (read those of the result file
 *         first), and for segments that did not end properly the number of units found; may be NULL
 *  @param[out] torn      bytes cut off; may be NULL
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA; MCBE_ERR_VERSION; MCBE_ERR_NOMEM; MCBE_ERR_FINGERPRINT: it was
 *         continued with another configuration; what visit returned. On error the file is as it was. */
MCBE_NODISCARD mcbe_status_t mcbe_journal_open(mcbe_journal_t **journal, const char *path,
                                               const char *resolved, mcbe_journal_visit_t visit,
                                               void *context, mcbe_provenance_t *provenance,
                                               int64_t *torn, mcbe_error_t *err);

/** Append one unit with a single write(). On a full disk the torn tail is removed again.
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_journal_append(mcbe_journal_t *journal,
                                                 const mcbe_record_t *record, mcbe_error_t *err);
/** Append the last segment of a provenance, likewise; to be called after
 *  mcbe_provenance_start_segment, and once more after mcbe_provenance_end_segment where no result
 *  file tells how it ended. */
MCBE_NODISCARD mcbe_status_t mcbe_journal_append_segment(mcbe_journal_t *journal,
                                                         const mcbe_provenance_t *provenance,
                                                         mcbe_error_t *err);
/** Say which configuration the units from here on belong to; nothing is written if the journal says
 *  so already. */
MCBE_NODISCARD mcbe_status_t mcbe_journal_append_listing(mcbe_journal_t *journal,
                                                         const char *resolved, mcbe_error_t *err);
/** fdatasync. @return MCBE_OK; MCBE_ERR_IO */
MCBE_NODISCARD mcbe_status_t mcbe_journal_sync(mcbe_journal_t *journal, mcbe_error_t *err);
void mcbe_journal_close(mcbe_journal_t **journal);

/** CRC-32C (Castagnoli) of some bytes, continuing from `crc` (start with 0). */
uint32_t mcbe_crc32c(uint32_t crc, const void *data, size_t bytes);

#endif
