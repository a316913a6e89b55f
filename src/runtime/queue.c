#include "queue.h"

#include <string.h>
#include <time.h>

#include "check.h"
#include "clock.h"
#include "memory.h"

/* A leader asks with TAG_READY (nothing finished yet) or TAG_RESULT (a packed record); the answer,
 * TAG_UNIT, is a unit or NO_UNIT. */
enum { TAG_READY = 1, TAG_RESULT, TAG_UNIT };
#define NO_UNIT ((int64_t)-1)

/* How long rank 0 sleeps when it has nothing to compute and nobody asks. */
#define IDLE_NANOSECONDS 100000

typedef struct dispatcher {
    const mcbe_queue_t *queue;
    mcbe_comm_t *comm;  /* all ranks */
    mcbe_comm_t *group; /* ranks that share this rank's units */
    int64_t next;       /* rank 0: position in the list */
    int leaders_left;   /* rank 0: groups that still expect an answer */
} dispatcher_t;

/* The records of the job in hand. */
typedef struct job {
    mcbe_record_t *records; /* owned, [count] */
    int64_t count;
} job_t;

/* What travels and is not the words of a record. */
typedef struct packed_head {
    int64_t cell, trial, rank, word_count;
    double seconds;
} packed_head_t;

static void stop_run(dispatcher_t *d, mcbe_status_t status, const mcbe_error_t *err)
{
    mcbe_comm_abort(d->comm, status, err->text[0] ? err->text : mcbe_strerror(status));
}

static void deliver(dispatcher_t *d, mcbe_record_t *record)
{
    mcbe_error_t err = {0};
    mcbe_status_t st = d->queue->deliver(d->queue->context, record, &err);
    if (st != MCBE_OK) {
        stop_run(d, st, &err);
    }
}

static int64_t take_unit(dispatcher_t *d)
{
    return d->next < d->queue->count ? d->queue->order[d->next++] : NO_UNIT;
}

/* Take the record at the start of some bytes. @return how many of them it took */
static size_t unpack(dispatcher_t *d, const char *message, size_t bytes, mcbe_record_t *record)
{
    packed_head_t head;
    MCBE_BUG_ASSERT(bytes >= sizeof head);
    memcpy(&head, message, sizeof head);
    const size_t words = (size_t)head.word_count * sizeof *record->words;
    MCBE_BUG_ASSERT(bytes - sizeof head >= words);
    *record = (mcbe_record_t){.cell = head.cell,
                              .trial = head.trial,
                              .seconds = head.seconds,
                              .rank = head.rank,
                              .word_count = head.word_count};
    record->words = mcbe_alloc((size_t)head.word_count, sizeof *record->words);
    if (!record->words) {
        stop_run(d, MCBE_ERR_NOMEM, &(mcbe_error_t){0});
    }
    memcpy(record->words, message + sizeof head, words);
    return sizeof head + words;
}

static void send_job(dispatcher_t *d, const job_t *job)
{
    size_t bytes = 0, used = 0;
    for (int64_t i = 0; i < job->count; i++) {
        bytes += sizeof(packed_head_t) +
                 (size_t)job->records[i].word_count * sizeof *job->records[i].words;
    }
    char *message = mcbe_alloc(bytes, 1);
    if (!message) {
        stop_run(d, MCBE_ERR_NOMEM, &(mcbe_error_t){0});
    }
    for (int64_t i = 0; i < job->count; i++) {
        const mcbe_record_t *record = job->records + i;
        const packed_head_t head = {.cell = record->cell,
                                    .trial = record->trial,
                                    .rank = record->rank,
                                    .word_count = record->word_count,
                                    .seconds = record->seconds};
        const size_t words = (size_t)record->word_count * sizeof *record->words;
        memcpy(message + used, &head, sizeof head);
        memcpy(message + used + sizeof head, record->words, words);
        used += sizeof head + words;
    }
    mcbe_comm_send(d->comm, 0, TAG_RESULT, message, bytes);
    mcbe_free(message);
}

/* Rank 0: take one message, keep what it brings, answer with the next unit. */
static void serve_one(dispatcher_t *d)
{
    int source, tag;
    void *message;
    size_t bytes;
    mcbe_comm_receive(d->comm, -1, -1, &source, &tag, &message, &bytes);
    const int64_t unit = take_unit(d);
    /* the answer first: the leader computes while the record goes to disk */
    mcbe_comm_send(d->comm, source, TAG_UNIT, &unit, sizeof unit);
    d->leaders_left -= unit == NO_UNIT;
    for (size_t used = 0; tag == TAG_RESULT && used < bytes;) {
        mcbe_record_t record = {0};
        used += unpack(d, (const char *)message + used, bytes - used, &record);
        deliver(d, &record);
    }
    mcbe_free(message);
}

static void serve_all_waiting(void *context)
{
    dispatcher_t *d = context;
    while (d->leaders_left > 0 && mcbe_comm_waiting(d->comm)) {
        serve_one(d);
    }
    d->queue->tick(d->queue->context);
}

/* Rank 0: its own units are done, the others' are not. */
static void serve_to_the_end(dispatcher_t *d)
{
    const struct timespec nap = {.tv_nsec = IDLE_NANOSECONDS};
    while (d->leaders_left > 0) {
        if (mcbe_comm_waiting(d->comm)) {
            serve_one(d);
        } else {
            d->queue->tick(d->queue->context);
            nanosleep(&nap, NULL);
        }
    }
}

static void free_job(job_t *job)
{
    for (int64_t i = 0; i < job->count; i++) {
        mcbe_record_free(&job->records[i]);
    }
    mcbe_free(job->records);
    *job = (job_t){0};
}

static mcbe_status_t allocate_job(const mcbe_session_t *session, int64_t cell, int64_t trial,
                                  job_t *job)
{
    const int64_t count = mcbe_plan_job_cells(&session->plan, cell);
    job->records = mcbe_alloc((size_t)count, sizeof *job->records);
    mcbe_status_t st = job->records ? MCBE_OK : MCBE_ERR_NOMEM;
    for (; job->count < count && st == MCBE_OK; job->count++) {
        st = mcbe_record_init(&job->records[job->count], &session->layout, cell + job->count, trial,
                              &session->plan.cells[cell + job->count]);
    }
    return st;
}

static void compute_job(dispatcher_t *d, int64_t unit, job_t *job)
{
    const mcbe_session_t *session = d->queue->session;
    const int64_t cell = unit / session->plan.trials, trial = unit % session->plan.trials;
    const mcbe_team_t team = {.comm = d->group,
                              .between_blocks =
                                  mcbe_comm_rank(d->comm) == 0 ? serve_all_waiting : NULL,
                              .context = d,
                              .faults = d->queue->faults};
    const mcbe_clock_t clock = mcbe_clock_monotonic();
    const double start = mcbe_clock_now(&clock);
    mcbe_error_t err = {0};
    mcbe_status_t st = allocate_job(session, cell, trial, job);
    if (st == MCBE_OK) {
        st = session->experiment->compute(session->params, session->plan.cells + cell, job->count,
                                          trial, &team, &session->layout, job->records, &err);
    }
    if (st != MCBE_OK) {
        stop_run(d, st, &err);
    }
    for (int64_t i = 0; i < job->count; i++) {
        job->records[i].seconds = (mcbe_clock_now(&clock) - start) / (double)job->count;
        job->records[i].rank = mcbe_comm_rank(d->comm);
    }
}

/* A group's leader that is not rank 0 gets its units by message. */
static int64_t ask_for_unit(dispatcher_t *d, const job_t *finished)
{
    if (finished) {
        send_job(d, finished);
    } else {
        mcbe_comm_send(d->comm, 0, TAG_READY, NULL, 0);
    }
    int source, tag;
    void *message;
    size_t bytes;
    mcbe_comm_receive(d->comm, 0, TAG_UNIT, &source, &tag, &message, &bytes);
    int64_t unit;
    MCBE_BUG_ASSERT(bytes == sizeof unit);
    memcpy(&unit, message, sizeof unit);
    mcbe_free(message);
    return unit;
}

static void work(dispatcher_t *d)
{
    const int leads = mcbe_comm_rank(d->group) == 0, is_root = mcbe_comm_rank(d->comm) == 0;
    job_t job = {0};
    int64_t unit = NO_UNIT;
    for (int first = 1;; first = 0) {
        if (is_root) {
            unit = take_unit(d);
        } else if (leads) {
            unit = ask_for_unit(d, first ? NULL : &job);
        }
        free_job(&job);
        mcbe_comm_broadcast(d->group, &unit, sizeof unit);
        if (unit == NO_UNIT) {
            break;
        }
        compute_job(d, unit, &job);
        if (is_root) {
            for (int64_t i = 0; i < job.count; i++) {
                deliver(d, &job.records[i]);
            }
            serve_all_waiting(d);
        }
    }
}

void mcbe_queue_run(const mcbe_queue_t *queue, mcbe_comm_t *comm)
{
    const int size = mcbe_comm_size(comm), rank = mcbe_comm_rank(comm);
    const int groups = mcbe_plan_group_count(size, queue->group_size);
    const int color = mcbe_plan_group_of(rank, size, queue->group_size);
    dispatcher_t d = {.queue = queue, .comm = comm, .leaders_left = groups - 1};
    mcbe_status_t st = mcbe_comm_split(&d.group, comm, color);
    if (st != MCBE_OK) {
        stop_run(&d, st, &(mcbe_error_t){0});
    }
    work(&d);
    if (rank == 0) {
        serve_to_the_end(&d);
    }
    mcbe_comm_destroy(&d.group);
}
