#include "job.h"

#include <string.h>

#include "check.h"
#include "memory.h"

/* What travels and is not the words of a record. */
typedef struct head {
    int64_t cell, trial, rank, word_count;
    double seconds;
} head_t;

mcbe_status_t mcbe_job_init(mcbe_job_t *job, const mcbe_plan_t *plan, const mcbe_layout_t *layout,
                            int64_t cell, int64_t trial)
{
    const int64_t count = mcbe_plan_job_cells(plan, cell);
    *job = (mcbe_job_t){.records = mcbe_alloc((size_t)count, sizeof *job->records)};
    mcbe_status_t st = job->records ? MCBE_OK : MCBE_ERR_NOMEM;
    for (; job->count < count && st == MCBE_OK; job->count++) {
        const int64_t number = cell + job->count;
        st = mcbe_record_init(&job->records[job->count], layout, number, trial,
                              &plan->cells[number]);
    }
    return st;
}

void mcbe_job_free(mcbe_job_t *job)
{
    for (int64_t i = 0; i < job->count; i++) {
        mcbe_record_free(&job->records[i]);
    }
    mcbe_free(job->records);
    *job = (mcbe_job_t){0};
}

mcbe_status_t mcbe_job_pack(const mcbe_job_t *job, char **parcel, size_t *bytes)
{
    size_t used = 0;
    *bytes = 0;
    *parcel = NULL;
    for (int64_t i = 0; i < job->count; i++) {
        const mcbe_record_t *record = job->records + i;
        *bytes += sizeof(head_t) + (size_t)record->word_count * sizeof *record->words;
    }
    if (*bytes == 0) {
        return MCBE_OK;
    }
    char *packed = mcbe_alloc(*bytes, 1);
    if (!packed) {
        return MCBE_ERR_NOMEM;
    }
    for (int64_t i = 0; i < job->count; i++) {
        const mcbe_record_t *record = job->records + i;
        const head_t head = {.cell = record->cell,
                             .trial = record->trial,
                             .rank = record->rank,
                             .word_count = record->word_count,
                             .seconds = record->seconds};
        const size_t words = (size_t)record->word_count * sizeof *record->words;
        memcpy(packed + used, &head, sizeof head);
        memcpy(packed + used + sizeof head, record->words, words);
        used += sizeof head + words;
    }
    *parcel = packed;
    return MCBE_OK;
}

/* Take the record at the start of some bytes. @param[out] used  how many of them it took */
static mcbe_status_t unpack_one(const char *parcel, size_t bytes, mcbe_record_t *record,
                                size_t *used)
{
    head_t head;
    MCBE_BUG_ASSERT(bytes >= sizeof head);
    memcpy(&head, parcel, sizeof head);
    const size_t words = (size_t)head.word_count * sizeof *record->words;
    MCBE_BUG_ASSERT(bytes - sizeof head >= words);
    *used = sizeof head + words;
    *record = (mcbe_record_t){.cell = head.cell,
                              .trial = head.trial,
                              .seconds = head.seconds,
                              .rank = head.rank,
                              .word_count = head.word_count};
    record->words = mcbe_alloc((size_t)head.word_count, sizeof *record->words);
    if (!record->words) {
        return MCBE_ERR_NOMEM;
    }
    memcpy(record->words, parcel + sizeof head, words);
    return MCBE_OK;
}

mcbe_status_t mcbe_job_unpack(const char *parcel, size_t bytes, mcbe_job_t *job)
{
    void *records = NULL;
    size_t capacity = 0;
    mcbe_status_t st = MCBE_OK;
    *job = (mcbe_job_t){0};
    for (size_t used = 0, taken = 0; used < bytes && st == MCBE_OK; used += taken) {
        st = mcbe_grow(&records, &capacity, (size_t)job->count + 1, sizeof *job->records);
        job->records = records;
        if (st == MCBE_OK) {
            st = unpack_one(parcel + used, bytes - used, &job->records[job->count], &taken);
            job->count += st == MCBE_OK;
        }
    }
    return st;
}
