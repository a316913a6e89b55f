#include "comm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <time.h>

#include "check.h"
#include "memory.h"

/* Most bytes of one MPI call, whose counts are ints. */
#define PIECE_BYTES ((size_t)1 << 30)

/* MPI promises tags up to 32767: the one that MCBE_COMM_TAG_MAX leaves to us. */
enum { TAG_GATHER = MCBE_COMM_TAG_MAX + 1 };

struct mcbe_comm {
    MPI_Comm handle; /* owned */
    MPI_Comm run;    /* borrowed: the handle that mcbe_comm_create made, what an abort ends */
    int rank, size, world_rank;
    size_t piece; /* most bytes of one MPI call */
};

static void check(mcbe_comm_t *comm, int code, const char *call)
{
    if (code == MPI_SUCCESS) {
        return;
    }
    char reason[MPI_MAX_ERROR_STRING] = "unknown error";
    int length = 0;
    MPI_Error_string(code, reason, &length);
    char sentence[MPI_MAX_ERROR_STRING + 64];
    snprintf(sentence, sizeof sentence, "%s failed: %s", call, reason);
    mcbe_comm_abort(comm, MCBE_ERR_MPI, sentence);
}

mcbe_status_t mcbe_comm_create(mcbe_comm_t **comm, MPI_Comm parent)
{
    mcbe_status_t st = MCBE_OK;
    MPI_Comm handle = MPI_COMM_NULL;
    mcbe_comm_t *made = mcbe_alloc(1, sizeof *made);
    int lacking = !made; /* on any rank, after the reduction */
    int rank = 0, size = 0;

    *comm = NULL;
    if (MPI_Comm_dup(parent, &handle) != MPI_SUCCESS ||
        MPI_Comm_set_errhandler(handle, MPI_ERRORS_RETURN) != MPI_SUCCESS ||
        MPI_Comm_rank(handle, &rank) != MPI_SUCCESS ||
        MPI_Comm_size(handle, &size) != MPI_SUCCESS ||
        MPI_Allreduce(MPI_IN_PLACE, &lacking, 1, MPI_INT, MPI_MAX, handle) != MPI_SUCCESS) {
        st = MCBE_ERR_MPI;
        goto out;
    }
    if (!made || lacking) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    *made = (mcbe_comm_t){.handle = handle,
                          .run = handle,
                          .rank = rank,
                          .size = size,
                          .world_rank = rank,
                          .piece = PIECE_BYTES};
    *comm = made;
    return MCBE_OK;

out:
    if (handle != MPI_COMM_NULL) {
        MPI_Comm_free(&handle);
    }
    mcbe_free(made);
    return st;
}

mcbe_status_t mcbe_comm_split(mcbe_comm_t **part, mcbe_comm_t *comm, int color)
{
    *part = NULL;
    mcbe_comm_t *made = mcbe_alloc(1, sizeof *made);
    mcbe_status_t st = mcbe_comm_agree(comm, made ? MCBE_OK : MCBE_ERR_NOMEM, NULL);
    if (st != MCBE_OK) {
        mcbe_free(made);
        return st;
    }
    *made = *comm;
    check(comm, MPI_Comm_split(comm->handle, color, comm->rank, &made->handle), "MPI_Comm_split");
    check(comm, MPI_Comm_set_errhandler(made->handle, MPI_ERRORS_RETURN),
          "MPI_Comm_set_errhandler");
    check(comm, MPI_Comm_rank(made->handle, &made->rank), "MPI_Comm_rank");
    check(comm, MPI_Comm_size(made->handle, &made->size), "MPI_Comm_size");
    *part = made;
    return MCBE_OK;
}

void mcbe_comm_destroy(mcbe_comm_t **comm)
{
    if (*comm) {
        check(*comm, MPI_Comm_free(&(*comm)->handle), "MPI_Comm_free");
        mcbe_free(*comm);
        *comm = NULL;
    }
}

int mcbe_comm_rank(const mcbe_comm_t *comm)
{
    return comm->rank;
}

int mcbe_comm_size(const mcbe_comm_t *comm)
{
    return comm->size;
}

int mcbe_comm_world_rank(const mcbe_comm_t *comm)
{
    return comm->world_rank;
}

void mcbe_comm_set_piece(mcbe_comm_t *comm, size_t bytes)
{
    MCBE_BUG_ASSERT(bytes >= sizeof(double) && bytes <= PIECE_BYTES);
    comm->piece = bytes;
}

/* Lines of all ranks end up in one stream: each says whose it is, and one write keeps them
 * whole. */
static void print_error(int rank, const char *sentence)
{
    char text[2 * MCBE_ERROR_TEXT_MAX];
    size_t used = 0;
    const char *line = sentence;
    do {
        size_t length = strcspn(line, "\n");
        int written = snprintf(text + used, sizeof text - used, "mcbe: error: rank %d: %.*s\n",
                               rank, (int)length, line);
        if (written < 0 || (size_t)written >= sizeof text - used) {
            used = sizeof text - 1;
            text[used - 1] = '\n';
            break;
        }
        used += (size_t)written;
        line += length + (line[length] == '\n');
    } while (*line);
    fwrite(text, 1, used, stderr);
    fflush(stderr);
}

void mcbe_comm_abort(mcbe_comm_t *comm, mcbe_status_t status, const char *sentence)
{
    print_error(comm->world_rank, sentence && *sentence ? sentence : mcbe_strerror(status));
    MPI_Abort(comm->run, mcbe_exit_code(status));
    abort();
}

static int next_count(const mcbe_comm_t *comm, size_t bytes_left)
{
    return (int)(bytes_left < comm->piece ? bytes_left : comm->piece);
}

static void broadcast_from(mcbe_comm_t *comm, int root, void *data, size_t bytes)
{
    char *next = data;
    while (bytes > 0) {
        int count = next_count(comm, bytes);
        check(comm, MPI_Bcast(next, count, MPI_BYTE, root, comm->handle), "MPI_Bcast");
        next += count;
        bytes -= (size_t)count;
    }
}

mcbe_status_t mcbe_comm_agree(mcbe_comm_t *comm, mcbe_status_t status, mcbe_error_t *err)
{
    struct {
        mcbe_status_t status;
        char text[MCBE_ERROR_TEXT_MAX];
    } failure = {.status = status};

    int first = status == MCBE_OK ? comm->size : comm->rank;
    check(comm, MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm->handle),
          "MPI_Allreduce");
    if (first == comm->size) {
        return MCBE_OK;
    }
    if (comm->rank == first) {
        const char *text = err && err->text[0] ? err->text : mcbe_strerror(status);
        snprintf(failure.text, sizeof failure.text, "%s", text);
    }
    broadcast_from(comm, first, &failure, sizeof failure);
    /* the failing rank keeps its own record, which knows the file and line */
    if (comm->rank != first || (err && !err->text[0])) {
        mcbe_error_clear(err);
        mcbe_fail(err, failure.status, "%s", failure.text);
    }
    return failure.status;
}

void mcbe_comm_broadcast(mcbe_comm_t *comm, void *data, size_t bytes)
{
    broadcast_from(comm, 0, data, bytes);
}

/* MPI_MIN or MPI_SUM to all ranks, of values of 8 bytes each. */
static void reduce(mcbe_comm_t *comm, void *values, size_t count, MPI_Datatype type, MPI_Op op)
{
    const size_t most = comm->piece / sizeof(double);
    double *next = values;
    _Static_assert(sizeof(double) == sizeof(int64_t), "one step length serves both types");
    while (count > 0) {
        size_t now = count < most ? count : most;
        check(comm, MPI_Allreduce(MPI_IN_PLACE, next, (int)now, type, op, comm->handle),
              "MPI_Allreduce");
        next += now;
        count -= now;
    }
}

void mcbe_comm_min_f64(mcbe_comm_t *comm, double *values, size_t count)
{
    /* which of two equal zeros MPI_MIN returns depends on the order of the ranks */
    for (size_t i = 0; i < count; i++) {
        MCBE_BUG_ASSERT(values[i] == values[i]); /* no NaN */
        if (values[i] == 0.0) {
            values[i] = 0.0;
        }
    }
    reduce(comm, values, count, MPI_DOUBLE, MPI_MIN);
}

void mcbe_comm_min_i64(mcbe_comm_t *comm, int64_t *values, size_t count)
{
    reduce(comm, values, count, MPI_INT64_T, MPI_MIN);
}

void mcbe_comm_sum_i64(mcbe_comm_t *comm, int64_t *values, size_t count)
{
    reduce(comm, values, count, MPI_INT64_T, MPI_SUM);
}

/* Room for all that the ranks have announced; NULL if there is none. */
static char *gather_room(const size_t *sizes, int ranks)
{
    size_t total = 0;
    for (int r = 0; r < ranks; r++) {
        if (sizes[r] > SIZE_MAX - total) {
            return NULL;
        }
        total += sizes[r];
    }
    return mcbe_alloc(total, 1);
}

static void gather_send(mcbe_comm_t *comm, const char *data, size_t bytes)
{
    while (bytes > 0) {
        int count = next_count(comm, bytes);
        check(comm, MPI_Send(data, count, MPI_BYTE, 0, TAG_GATHER, comm->handle), "MPI_Send");
        data += count;
        bytes -= (size_t)count;
    }
}

static void gather_receive(mcbe_comm_t *comm, int from, char *data, size_t bytes)
{
    while (bytes > 0) {
        int count = next_count(comm, bytes);
        check(comm,
              MPI_Recv(data, count, MPI_BYTE, from, TAG_GATHER, comm->handle, MPI_STATUS_IGNORE),
              "MPI_Recv");
        data += count;
        bytes -= (size_t)count;
    }
}

mcbe_status_t mcbe_comm_gather(mcbe_comm_t *comm, const void *data, size_t bytes, void **all,
                               size_t *sizes)
{
    char *room = NULL;
    *all = NULL;
    check(comm,
          MPI_Gather(&bytes, (int)sizeof bytes, MPI_BYTE, sizes, (int)sizeof bytes, MPI_BYTE, 0,
                     comm->handle),
          "MPI_Gather");
    if (comm->rank == 0) {
        room = gather_room(sizes, comm->size);
    }
    /* No rank sends before rank 0 has come here: a mcbe_comm_receive of it that takes any message
     * cannot take one of these. */
    mcbe_status_t st =
        mcbe_comm_agree(comm, comm->rank == 0 && !room ? MCBE_ERR_NOMEM : MCBE_OK, NULL);
    if (st != MCBE_OK) {
        return st;
    }
    if (comm->rank != 0) {
        gather_send(comm, data, bytes);
        return MCBE_OK;
    }
    if (bytes > 0) {
        memcpy(room, data, bytes);
    }
    char *next = room + bytes;
    for (int r = 1; r < comm->size; r++) {
        gather_receive(comm, r, next, sizes[r]);
        next += sizes[r];
    }
    *all = room;
    return MCBE_OK;
}

/* The receiver of a message does not know its length: a full piece says that another one follows,
 * even if that one is empty. */
void mcbe_comm_send(mcbe_comm_t *comm, int to, int tag, const void *data, size_t bytes)
{
    MCBE_BUG_ASSERT(tag >= 0 && tag <= MCBE_COMM_TAG_MAX);
    const char *next = data;
    for (;;) {
        int count = next_count(comm, bytes);
        check(comm, MPI_Send(next, count, MPI_BYTE, to, tag, comm->handle), "MPI_Send");
        if ((size_t)count < comm->piece) {
            return;
        }
        next += count;
        bytes -= (size_t)count;
    }
}

/* MPI_Probe would keep the core busy, which may be the one another rank computes on. */
static void wait_for_message(mcbe_comm_t *comm, int from, int tag, MPI_Status *status)
{
    enum { FIRST_PAUSE = 1000, LONGEST_PAUSE = 200000 }; /* nanoseconds */
    struct timespec pause = {.tv_sec = 0, .tv_nsec = FIRST_PAUSE};
    for (;;) {
        int found = 0;
        check(comm, MPI_Iprobe(from, tag, comm->handle, &found, status), "MPI_Iprobe");
        if (found) {
            return;
        }
        nanosleep(&pause, NULL);
        pause.tv_nsec *= 2;
        if (pause.tv_nsec > LONGEST_PAUSE) {
            pause.tv_nsec = LONGEST_PAUSE;
        }
    }
}

void mcbe_comm_receive(mcbe_comm_t *comm, int from, int tag, int *source, int *tag_seen,
                       void **data, size_t *bytes)
{
    void *taken = NULL;
    size_t capacity = 0, used = 0;
    int count = 0;
    MPI_Status status;
    wait_for_message(comm, from < 0 ? MPI_ANY_SOURCE : from, tag < 0 ? MPI_ANY_TAG : tag, &status);
    for (;;) {
        check(comm, MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count");
        if (mcbe_grow(&taken, &capacity, used + (size_t)count, 1) != MCBE_OK) {
            mcbe_comm_abort(comm, MCBE_ERR_NOMEM, "out of memory for a message of another rank");
        }
        char *next = used > 0 ? (char *)taken + used : taken;
        check(comm,
              MPI_Recv(next, count, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, comm->handle,
                       MPI_STATUS_IGNORE),
              "MPI_Recv");
        used += (size_t)count;
        if ((size_t)count < comm->piece) {
            break;
        }
        wait_for_message(comm, status.MPI_SOURCE, status.MPI_TAG, &status);
    }
    if (source) {
        *source = status.MPI_SOURCE;
    }
    if (tag_seen) {
        *tag_seen = status.MPI_TAG;
    }
    *data = taken;
    *bytes = used;
}

int mcbe_comm_waiting(mcbe_comm_t *comm, int tag)
{
    int found = 0;
    check(comm,
          MPI_Iprobe(MPI_ANY_SOURCE, tag < 0 ? MPI_ANY_TAG : tag, comm->handle, &found,
                     MPI_STATUS_IGNORE),
          "MPI_Iprobe");
    return found;
}

void mcbe_comm_library(char *text, size_t size)
{
    char version[MPI_MAX_LIBRARY_VERSION_STRING] = "unknown";
    int length = 0;
    MPI_Get_library_version(version, &length);
    version[strcspn(version, "\n")] = '\0';
    snprintf(text, size, "%s", version);
}

void mcbe_comm_host(char *text, size_t size)
{
    char name[MPI_MAX_PROCESSOR_NAME] = "unknown";
    int length = 0;
    MPI_Get_processor_name(name, &length);
    snprintf(text, size, "%s", name);
}
