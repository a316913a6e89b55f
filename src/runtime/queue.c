#include "queue.h"

#include <string.h>
#include <time.h>

#include "check.h"
#include "clock.h"
#include "job.h"
#include "memory.h"

/* A leader asks with TAG_READY (at its start) or TAG_RESULT (packed records; none if the unit was given
 * up); the answer, TAG_UNIT, is an answer_t and the packed records that the job is to go on from. It may be there already: see answer_leader. TAG_SIGNAL tells rank 0 of a signal, TAG_STOP tells a leader why the run
 * stops: once, and only if it has not been dismissed before. */
enum { TAG_READY = 1, TAG_RESULT, TAG_UNIT, TAG_STOP, TAG_SIGNAL };
#define NO_UNIT ((int64_t)-1)

/* A leader is given its next job early only if handing out all that is left keeps the groups busy for
 * this many times the job it has in hand: whoever has a job waiting behind another must not be the last
 * to end, even where plans are wrong by a small factor. */
#define AHEAD 4.0

/* How long rank 0 sleeps when it has nothing to compute and nobody asks. */
#define IDLE_NANOSECONDS 100000

/* What rank 0 knows of a leader. */
typedef struct leader {
    int answering;  /* it expects an answer, or has a job */
    int jobs;       /* given and not finished: at most one in hand and one ahead */
    double seconds; /* planned, of the one it was given last */
} leader_t;

typedef struct dispatcher {
    const mcbe_queue_t *queue;
    mcbe_comm_t *comm;  /* all ranks */
    mcbe_comm_t *group; /* ranks that share this rank's units */
    mcbe_clock_t clock;
    int64_t next;        /* rank 0: position in the list */
    double seconds_left; /* rank 0: planned, of the list from there on */
    int groups;          /* of all ranks */
    leader_t *leaders;   /* rank 0: [ranks], of which those that lead a group count; owned */
    int leaders_left;    /* rank 0: how many of them are answering */
    int signal_told;     /* this rank's signal is known to rank 0 */
    mcbe_stop_t stop;    /* kind NONE until this rank knows of one */
    double give_up;      /* clock reading from which on a unit in hand is given up then */
} dispatcher_t;

/* What a leader gets for its question. */
typedef struct answer {
    int64_t unit;    /* or NO_UNIT */
    int64_t stopped; /* a TAG_STOP was sent before */
} answer_t;

/* What a group is to compute. */
typedef struct task {
    int64_t unit; /* the job's first, or NO_UNIT */
    char *parcel; /* owned: packed records to go on from, or NULL */
    size_t bytes;
} task_t;

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

/* Dearest first: what does not fit any more is left out for good. */
static int64_t take_unit(dispatcher_t *d)
{
    const mcbe_queue_t *queue = d->queue;
    while (d->stop.kind == MCBE_STOP_NONE && d->next < queue->count) {
        const int64_t unit = queue->order[d->next++];
        const double seconds = mcbe_plan_job_seconds(&queue->session->plan, unit);
        d->seconds_left -= seconds;
        if (mcbe_runctl_fits(queue->control, seconds, queue->group_size)) {
            return unit;
        }
    }
    return NO_UNIT;
}

static void learn_stop(dispatcher_t *d, const mcbe_stop_t *stop)
{
    d->stop = *stop;
    d->give_up = mcbe_clock_now(&d->clock) + mcbe_stop_grace(stop);
}

/* Rank 0: does the run stop now? Tells those who may be computing. */
static void consider_stop(dispatcher_t *d)
{
    if (d->stop.kind != MCBE_STOP_NONE || !mcbe_runctl_look(d->queue->control)) {
        return;
    }
    const mcbe_stop_t stop = mcbe_runctl_reason(d->queue->control);
    learn_stop(d, &stop);
    for (int rank = 1; rank < mcbe_comm_size(d->comm); rank++) {
        if (d->leaders[rank].answering) {
            mcbe_comm_send(d->comm, rank, TAG_STOP, &stop, sizeof stop);
        }
    }
}

static void receive_stop(dispatcher_t *d)
{
    void *message;
    size_t bytes;
    mcbe_stop_t stop;
    mcbe_comm_receive(d->comm, 0, TAG_STOP, NULL, NULL, &message, &bytes);
    MCBE_BUG_ASSERT(bytes == sizeof stop);
    memcpy(&stop, message, sizeof stop);
    mcbe_free(message);
    learn_stop(d, &stop);
}

/* Rank 0 decides on signals, whoever got them. */
static void pass_signal_on(dispatcher_t *d)
{
    const int64_t number = d->queue->signal_seen ? d->queue->signal_seen() : 0;
    if (number == 0 || d->signal_told) {
        return;
    }
    d->signal_told = 1;
    if (mcbe_comm_rank(d->comm) == 0) {
        mcbe_runctl_signal(d->queue->control, (int)number);
    } else {
        mcbe_comm_send(d->comm, 0, TAG_SIGNAL, &number, sizeof number);
    }
}

static void or_stop(dispatcher_t *d, mcbe_status_t st)
{
    if (st != MCBE_OK) {
        stop_run(d, st, &(mcbe_error_t){0});
    }
}

static void send_job(dispatcher_t *d, const mcbe_job_t *job)
{
    char *parcel = NULL;
    size_t bytes = 0;
    or_stop(d, mcbe_job_pack(job, &parcel, &bytes));
    mcbe_comm_send(d->comm, 0, TAG_RESULT, parcel, bytes);
    mcbe_free(parcel);
}

/* Rank 0: keep the records of a job, whoever computed it, and how long they took. */
static void keep_job(dispatcher_t *d, mcbe_job_t *job)
{
    double planned = 0.0, measured = 0.0;
    for (int64_t i = 0; i < job->count; i++) {
        planned += d->queue->session->plan.cells[job->records[i].cell].seconds;
        measured += job->records[i].seconds * d->queue->group_size;
        deliver(d, &job->records[i]);
    }
    mcbe_runctl_measure(d->queue->control, planned, measured);
}

/* Rank 0: the same for one that came by message. */
static void keep_results(dispatcher_t *d, const char *message, size_t bytes)
{
    mcbe_job_t job;
    or_stop(d, mcbe_job_unpack(message, bytes, &job));
    keep_job(d, &job);
    mcbe_job_free(&job);
}

/* Rank 0: pack what the units of a job are to go on from: nothing unless all of them have it, since a
 * job is computed in one go. */
static void pack_earlier(dispatcher_t *d, task_t *task)
{
    const mcbe_queue_t *queue = d->queue;
    const mcbe_plan_t *plan = &queue->session->plan;
    if (!queue->earlier || task->unit == NO_UNIT) {
        return;
    }
    const int64_t cell = task->unit / plan->trials, trial = task->unit % plan->trials;
    const int64_t count = mcbe_plan_job_cells(plan, cell);
    mcbe_job_t job = {.records = mcbe_alloc((size_t)count, sizeof *job.records)};
    or_stop(d, job.records ? MCBE_OK : MCBE_ERR_NOMEM);
    for (const mcbe_record_t *record; job.count < count; job.count++) {
        record = queue->earlier(queue->context, cell + job.count, trial);
        if (!record) {
            break;
        }
        job.records[job.count] = *record;
    }
    if (job.count == count) {
        or_stop(d, mcbe_job_pack(&job, &task->parcel, &task->bytes));
    }
    mcbe_free(job.records); /* their words are the store's */
}

/* Rank 0: the next unit, or that there is none, to a leader. */
static void hand_out(dispatcher_t *d, int to)
{
    leader_t *leader = &d->leaders[to];
    task_t task = {.unit = take_unit(d)};
    pack_earlier(d, &task);
    const answer_t answer = {.unit = task.unit, .stopped = d->stop.kind != MCBE_STOP_NONE};
    char *message = mcbe_alloc(sizeof answer + task.bytes, 1);
    or_stop(d, message ? MCBE_OK : MCBE_ERR_NOMEM);
    memcpy(message, &answer, sizeof answer);
    if (task.parcel) {
        memcpy(message + sizeof answer, task.parcel, task.bytes);
    }
    mcbe_comm_send(d->comm, to, TAG_UNIT, message, sizeof answer + task.bytes);
    mcbe_free(message);
    mcbe_free(task.parcel);
    if (answer.unit == NO_UNIT) {
        leader->answering = 0;
        d->leaders_left--;
    } else {
        leader->jobs++;
        leader->seconds = mcbe_plan_job_seconds(&d->queue->session->plan, answer.unit);
    }
}

/* Rank 0: may a leader have its next job while it computes? Not near the end of the list, where that
 * job could wait for the one in hand while others have nothing left to do, and not near a time limit. Nor
 * where it may come with records to go on from: sending these may wait for the leader to listen, which
 * itself may wait for rank 0 to take its result. */
static int may_go_ahead(const dispatcher_t *d, const leader_t *leader)
{
    const mcbe_queue_t *queue = d->queue;
    return d->stop.kind == MCBE_STOP_NONE && !queue->earlier && d->next < queue->count &&
           d->seconds_left > AHEAD * leader->seconds * d->groups &&
           mcbe_runctl_would_fit(queue->control,
                                 leader->seconds + mcbe_plan_job_seconds(&queue->session->plan,
                                                                         queue->order[d->next]),
                                 queue->group_size);
}

/* Rank 0: answer a leader. Its next job comes ahead of its asking, so that it need not wait until rank 0
 * has finished a block. */
static void answer_leader(dispatcher_t *d, int to)
{
    const leader_t *leader = &d->leaders[to];
    if (leader->jobs == 0) {
        hand_out(d, to);
    }
    if (leader->jobs == 1 && may_go_ahead(d, leader)) {
        hand_out(d, to);
    }
}

/* Rank 0: take one message, keep what it brings, answer with the next unit. */
static void serve_one(dispatcher_t *d)
{
    int source, tag;
    void *message;
    size_t bytes;
    mcbe_comm_receive(d->comm, -1, -1, &source, &tag, &message, &bytes);
    if (tag == TAG_SIGNAL) {
        int64_t number;
        MCBE_BUG_ASSERT(bytes == sizeof number);
        memcpy(&number, message, sizeof number);
        mcbe_runctl_signal(d->queue->control, (int)number);
    } else {
        d->leaders[source].jobs -= tag == TAG_RESULT;
        /* the answer first: the leader computes while the record goes to disk */
        answer_leader(d, source);
        if (tag == TAG_RESULT) {
            keep_results(d, message, bytes);
        }
    }
    mcbe_free(message);
}

static void serve_all_waiting(dispatcher_t *d)
{
    while (d->leaders_left > 0 && mcbe_comm_waiting(d->comm, -1)) {
        serve_one(d);
    }
    consider_stop(d);
    d->queue->tick(d->queue->context);
}

/* Between two blocks of work, on any rank. @return whether the unit in hand is to be given up */
static int look(void *context)
{
    dispatcher_t *d = context;
    pass_signal_on(d);
    if (mcbe_comm_rank(d->comm) == 0) {
        serve_all_waiting(d);
    } else if (d->stop.kind == MCBE_STOP_NONE && mcbe_comm_waiting(d->comm, TAG_STOP)) {
        receive_stop(d);
    }
    return d->stop.kind != MCBE_STOP_NONE && mcbe_clock_now(&d->clock) >= d->give_up;
}

/* Rank 0: its own units are done, the others' are not. */
static void serve_to_the_end(dispatcher_t *d)
{
    const struct timespec nap = {.tv_nsec = IDLE_NANOSECONDS};
    while (d->leaders_left > 0) {
        pass_signal_on(d);
        if (mcbe_comm_waiting(d->comm, -1)) {
            serve_one(d);
        } else {
            nanosleep(&nap, NULL);
        }
        consider_stop(d);
        d->queue->tick(d->queue->context);
    }
}

/* @param[out] job  empty if the unit was given up */
static void compute_job(dispatcher_t *d, const task_t *task, mcbe_job_t *job)
{
    const mcbe_session_t *session = d->queue->session;
    const int64_t cell = task->unit / session->plan.trials,
                  trial = task->unit % session->plan.trials;
    mcbe_job_t earlier;
    or_stop(d, mcbe_job_unpack(task->parcel, task->bytes, &earlier));
    const mcbe_team_t team = {.comm = d->group,
                              .between_blocks = look,
                              .context = d,
                              .faults = d->queue->faults,
                              .earlier = earlier.records};
    const double start = mcbe_clock_now(&d->clock);
    mcbe_error_t err = {0};
    mcbe_status_t st = mcbe_job_init(job, &session->plan, &session->layout, cell, trial);
    if (st == MCBE_OK) {
        st = session->experiment->compute(session->params, session->plan.cells + cell, job->count,
                                          trial, &team, &session->layout, job->records, &err);
    }
    mcbe_job_free(&earlier);
    if (st == MCBE_STOPPED) {
        mcbe_job_free(job);
    } else if (st != MCBE_OK) {
        stop_run(d, st, &err);
    }
    for (int64_t i = 0; i < job->count; i++) {
        job->records[i].seconds = (mcbe_clock_now(&d->clock) - start) / (double)job->count;
        job->records[i].rank = mcbe_comm_rank(d->comm);
    }
}

/* @param[out] task  replaced */
static void receive_task(dispatcher_t *d, task_t *task)
{
    void *message;
    size_t bytes;
    mcbe_comm_receive(d->comm, 0, TAG_UNIT, NULL, NULL, &message, &bytes);
    answer_t answer;
    MCBE_BUG_ASSERT(bytes >= sizeof answer);
    memcpy(&answer, message, sizeof answer);
    mcbe_free(task->parcel);
    *task = (task_t){.unit = answer.unit, .bytes = bytes - sizeof answer};
    if (task->bytes > 0) {
        task->parcel = mcbe_alloc(task->bytes, 1);
        or_stop(d, task->parcel ? MCBE_OK : MCBE_ERR_NOMEM);
        memcpy(task->parcel, (char *)message + sizeof answer, task->bytes);
    }
    mcbe_free(message);
    if (answer.stopped && d->stop.kind == MCBE_STOP_NONE) {
        receive_stop(d);
    }
}

/* A group's leader that is not rank 0 gets its units by message. One that was handed out before the run
 * was stopped goes back. @param[in] finished  NULL at the start */
static void ask_for_task(dispatcher_t *d, const mcbe_job_t *finished, task_t *task)
{
    const mcbe_job_t none = {0};
    if (finished) {
        send_job(d, finished);
    } else {
        mcbe_comm_send(d->comm, 0, TAG_READY, NULL, 0);
    }
    receive_task(d, task);
    while (task->unit != NO_UNIT && look(d)) {
        send_job(d, &none);
        receive_task(d, task);
    }
}

/* The leader's task to its group. */
static void share_task(dispatcher_t *d, task_t *task)
{
    int64_t facts[2] = {task->unit, (int64_t)task->bytes};
    mcbe_comm_broadcast(d->group, facts, sizeof facts);
    task->unit = facts[0];
    task->bytes = (size_t)facts[1];
    if (task->bytes > 0) {
        if (!task->parcel) {
            task->parcel = mcbe_alloc(task->bytes, 1);
            or_stop(d, task->parcel ? MCBE_OK : MCBE_ERR_NOMEM);
        }
        mcbe_comm_broadcast(d->group, task->parcel, task->bytes);
    }
}

static void work(dispatcher_t *d)
{
    const int leads = mcbe_comm_rank(d->group) == 0, is_root = mcbe_comm_rank(d->comm) == 0;
    mcbe_job_t job = {0};
    for (int first = 1;; first = 0) {
        task_t task = {.unit = NO_UNIT};
        if (is_root) {
            task.unit = take_unit(d);
            pack_earlier(d, &task);
        } else if (leads) {
            ask_for_task(d, first ? NULL : &job, &task);
        }
        mcbe_job_free(&job);
        share_task(d, &task);
        if (task.unit == NO_UNIT) {
            break;
        }
        compute_job(d, &task, &job);
        mcbe_free(task.parcel);
        if (is_root) {
            keep_job(d, &job);
            look(d);
        }
    }
}

static mcbe_status_t form_groups(dispatcher_t *d)
{
    const int size = mcbe_comm_size(d->comm), group = d->queue->group_size;
    d->leaders = mcbe_alloc((size_t)size, sizeof *d->leaders);
    if (!d->leaders) {
        return MCBE_ERR_NOMEM;
    }
    d->groups = mcbe_plan_group_count(size, group);
    for (int64_t i = 0; i < d->queue->count; i++) {
        d->seconds_left += mcbe_plan_job_seconds(&d->queue->session->plan, d->queue->order[i]);
    }
    for (int rank = 1; rank < size; rank++) {
        const int leads =
            mcbe_plan_group_of(rank, size, group) != mcbe_plan_group_of(rank - 1, size, group);
        d->leaders[rank].answering = leads;
        d->leaders_left += leads;
    }
    return mcbe_comm_split(&d->group, d->comm,
                           mcbe_plan_group_of(mcbe_comm_rank(d->comm), size, group));
}

/* Signals that came too late to be looked at. */
static void drop_messages(dispatcher_t *d)
{
    while (mcbe_comm_waiting(d->comm, TAG_SIGNAL)) {
        void *message;
        size_t bytes;
        mcbe_comm_receive(d->comm, -1, TAG_SIGNAL, NULL, NULL, &message, &bytes);
        mcbe_free(message);
    }
}

mcbe_stop_t mcbe_queue_run(const mcbe_queue_t *queue, mcbe_comm_t *comm)
{
    dispatcher_t d = {.queue = queue, .comm = comm, .clock = mcbe_clock_monotonic()};
    mcbe_status_t st = form_groups(&d);
    if (st != MCBE_OK) {
        stop_run(&d, st, &(mcbe_error_t){0});
    }
    work(&d);
    int64_t why[2] = {0, 0};
    if (mcbe_comm_rank(comm) == 0) {
        serve_to_the_end(&d);
        const mcbe_stop_t stop = mcbe_runctl_reason(queue->control);
        why[0] = stop.kind;
        why[1] = stop.signal;
    }
    mcbe_comm_sum_i64(comm, why, 2); /* behind it nobody sends signals any more */
    drop_messages(&d);
    mcbe_comm_destroy(&d.group);
    mcbe_free(d.leaders);
    return (mcbe_stop_t){.kind = why[0], .signal = why[1]};
}
