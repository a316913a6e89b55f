/* The communicator, on any number of ranks. A rank that finds something wrong ends all of them: the
 * others would wait for it for ever. Rank 0 alone reports what went well. */

#include <mpi.h>
#include <stdio.h>
#include <time.h>

#include "comm.h"
#include "unit.h"

#define REQUIRE(condition) require((condition), __FILE__, __LINE__, #condition)

static void require(int condition, const char *file, int line, const char *text)
{
    if (!condition) {
        int rank = -1;
        MPI_Comm_rank(MPI_COMM_WORLD, &rank);
        fprintf(stderr, "rank %d: %s:%d: %s does not hold\n", rank, file, line, text);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

/* The ranks of a test, and of MPI_COMM_WORLD independently of what is tested. */
typedef struct {
    mcbe_comm_t *comm;
    int rank, size;
} ranks_t;

static ranks_t open_ranks(void)
{
    ranks_t ranks = {0};
    MPI_Comm_rank(MPI_COMM_WORLD, &ranks.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks.size);
    REQUIRE(mcbe_comm_create(&ranks.comm, MPI_COMM_WORLD) == MCBE_OK);
    return ranks;
}

static void close_ranks(ranks_t *ranks)
{
    mcbe_comm_destroy(&ranks->comm);
    REQUIRE(ranks->comm == NULL);
    mcbe_comm_destroy(&ranks->comm); /* accepts NULL */
}

/* Byte i of what rank r sends. */
static unsigned char pattern(int r, size_t i)
{
    return (unsigned char)(31 * (size_t)r + i + i / 251);
}

static unsigned char *make_pattern(int r, size_t bytes)
{
    unsigned char *data = mcbe_alloc(bytes, 1);
    REQUIRE(data != NULL);
    for (size_t i = 0; i < bytes; i++) {
        data[i] = pattern(r, i);
    }
    return data;
}

static void require_pattern(const unsigned char *data, int r, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        REQUIRE(data[i] == pattern(r, i));
    }
}

static void ranks_are_those_of_the_parent(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    REQUIRE(mcbe_comm_rank(ranks.comm) == ranks.rank);
    REQUIRE(mcbe_comm_size(ranks.comm) == ranks.size);
    REQUIRE(mcbe_comm_world_rank(ranks.comm) == ranks.rank);
    close_ranks(&ranks);
}

static void the_parent_is_left_as_it_was(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    MPI_Errhandler handler;
    MPI_Comm_get_errhandler(MPI_COMM_WORLD, &handler);
    REQUIRE(handler == MPI_ERRORS_ARE_FATAL);
    MPI_Errhandler_free(&handler);

    /* a message in the parent is none of ours */
    int sent = 5, received = 0, found = 0;
    MPI_Request request;
    MPI_Isend(&sent, 1, MPI_INT, ranks.rank, 0, MPI_COMM_WORLD, &request);
    while (!found) {
        MPI_Iprobe(ranks.rank, 0, MPI_COMM_WORLD, &found, MPI_STATUS_IGNORE);
    }
    REQUIRE(!mcbe_comm_waiting(ranks.comm, -1));
    MPI_Recv(&received, 1, MPI_INT, ranks.rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    REQUIRE(received == 5);
    close_ranks(&ranks);
}

static void a_lack_of_memory_on_one_rank_is_known_to_all(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    const int last = ranks.rank == ranks.size - 1;
    mcbe_comm_t *none = ranks.comm;
    mcbe_alloc_fail_after(last ? 0 : -1);
    REQUIRE(mcbe_comm_create(&none, MPI_COMM_WORLD) == MCBE_ERR_NOMEM);
    REQUIRE(none == NULL);

    none = ranks.comm;
    mcbe_alloc_fail_after(last ? 0 : -1);
    REQUIRE(mcbe_comm_split(&none, ranks.comm, ranks.rank % 2) == MCBE_ERR_NOMEM);
    REQUIRE(none == NULL);

    void *all = ranks.comm;
    size_t sizes[64];
    REQUIRE(ranks.size <= (int)COUNT_OF(sizes));
    mcbe_alloc_fail_after(ranks.rank == 0 ? 0 : -1);
    REQUIRE(mcbe_comm_gather(ranks.comm, "x", 1, &all, sizes) == MCBE_ERR_NOMEM);
    REQUIRE(all == NULL);
    close_ranks(&ranks);
}

static void agreement_on_success_changes_nothing(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    mcbe_error_t err = {0};
    mcbe_fail(&err, MCBE_ERR_IO, "from before");
    REQUIRE(mcbe_comm_agree(ranks.comm, MCBE_OK, &err) == MCBE_OK);
    REQUIRE(err.status == MCBE_ERR_IO && strcmp(err.text, "from before") == 0);
    close_ranks(&ranks);
}

/* Each rank from `first` on fails, each with a status and a sentence of its own. */
static void agree_on_failures_from(ranks_t *ranks, int first)
{
    static const mcbe_status_t failures[] = {MCBE_ERR_DATA, MCBE_STOPPED, MCBE_ERR_INTERNAL,
                                             MCBE_ERR_CONFIG};
    mcbe_status_t st = MCBE_OK;
    mcbe_error_t err = {0};
    char expected[64];
    if (ranks->rank >= first) {
        st = mcbe_fail(&err, failures[ranks->rank % 4], "rank %d\nsays so", ranks->rank);
    }
    snprintf(expected, sizeof expected, "rank %d\nsays so", first);
    st = mcbe_comm_agree(ranks->comm, st, &err);
    REQUIRE(st == failures[first % 4]);
    REQUIRE(err.status == st);
    REQUIRE(strcmp(err.text, expected) == 0);
}

static void the_lowest_failing_rank_speaks_for_all(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    for (int first = 0; first < ranks.size; first++) {
        agree_on_failures_from(&ranks, first);
    }
    close_ranks(&ranks);
}

static void a_failure_without_a_sentence_gets_that_of_its_status(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    const int last = ranks.rank == ranks.size - 1;
    mcbe_error_t err = {0};
    /* the failing rank has nothing to write into either */
    mcbe_status_t st =
        mcbe_comm_agree(ranks.comm, last ? MCBE_ERR_NOMEM : MCBE_OK, last ? NULL : &err);
    REQUIRE(st == MCBE_ERR_NOMEM);
    REQUIRE(last || strcmp(err.text, mcbe_strerror(MCBE_ERR_NOMEM)) == 0);

    mcbe_error_clear(&err);
    st = mcbe_comm_agree(ranks.comm, last ? MCBE_ERR_IO : MCBE_OK, &err);
    REQUIRE(st == MCBE_ERR_IO && err.status == MCBE_ERR_IO);
    REQUIRE(strcmp(err.text, mcbe_strerror(MCBE_ERR_IO)) == 0);
    close_ranks(&ranks);
}

/* Around the piece of 1000 bytes, and 3 MB. */
static const size_t lengths[] = {0, 1, 999, 1000, 1001, 2000, 3000000};

static void broadcasts_of_any_length_arrive(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    const size_t pieces[] = {1000, (size_t)1 << 30};
    for (size_t p = 0; p < COUNT_OF(pieces); p++) {
        mcbe_comm_set_piece(ranks.comm, pieces[p]);
        for (size_t i = 0; i < COUNT_OF(lengths); i++) {
            unsigned char *data = make_pattern(ranks.rank, lengths[i]);
            mcbe_comm_broadcast(ranks.comm, data, lengths[i]);
            require_pattern(data, 0, lengths[i]);
            mcbe_free(data);
        }
    }
    mcbe_comm_broadcast(ranks.comm, NULL, 0);
    close_ranks(&ranks);
}

/* What rank r gives for entry i; several ranks share the least one now and then. */
static int64_t entry(int r, size_t i)
{
    return (int64_t)((i * 7 + (size_t)r * 5) % 11) - 5;
}

static int64_t least_entry(int size, size_t i)
{
    int64_t least = INT64_MAX;
    for (int r = 0; r < size; r++) {
        least = entry(r, i) < least ? entry(r, i) : least;
    }
    return least;
}

static void minima_and_sums_are_taken_entry_by_entry(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    ranks_t ranks = open_ranks();
    const size_t pieces[] = {8, 60, (size_t)1 << 30}; /* 60: not a whole number of entries */
    for (size_t p = 0; p < COUNT_OF(pieces); p++) {
        double reals[COUNT];
        int64_t integers[COUNT], sums[COUNT];
        mcbe_comm_set_piece(ranks.comm, pieces[p]);
        for (size_t i = 0; i < COUNT; i++) {
            reals[i] = 0.25 * (double)entry(ranks.rank, i);
            integers[i] = entry(ranks.rank, i) * (INT64_C(1) << 60) / 5; /* no double holds all */
            sums[i] = (int64_t)(i + 1) << ranks.rank;
        }
        mcbe_comm_min_f64(ranks.comm, reals, COUNT);
        mcbe_comm_min_i64(ranks.comm, integers, COUNT);
        mcbe_comm_sum_i64(ranks.comm, sums, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            const int64_t least = least_entry(ranks.size, i);
            REQUIRE(reals[i] == 0.25 * (double)least);
            REQUIRE(integers[i] == least * (INT64_C(1) << 60) / 5);
            REQUIRE(sums[i] == (int64_t)(i + 1) * ((INT64_C(1) << ranks.size) - 1));
        }
    }
    mcbe_comm_min_f64(ranks.comm, NULL, 0);
    close_ranks(&ranks);
}

static void minima_have_the_same_bits_for_any_order(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    for (int odd = 0; odd < 2; odd++) {
        double values[] = {ranks.rank % 2 == odd ? 0.0 : -0.0, -0.0, INFINITY,
                           ranks.rank == 0 ? -INFINITY : 1.0};
        mcbe_comm_min_f64(ranks.comm, values, COUNT_OF(values));
        REQUIRE(values[0] == 0.0 && !signbit(values[0]));
        REQUIRE(values[1] == 0.0 && !signbit(values[1]));
        REQUIRE(values[2] == INFINITY);
        REQUIRE(values[3] == -INFINITY);
    }
    close_ranks(&ranks);
}

/* Every third rank has nothing to say, the others differ in length. */
static size_t share_of(int r)
{
    return r % 3 == 1 ? 0 : (size_t)(r + 1) * 1000;
}

static void gathered_bytes_stand_in_rank_order(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    const size_t pieces[] = {1000, 777, (size_t)1 << 30};
    for (size_t p = 0; p < COUNT_OF(pieces); p++) {
        mcbe_comm_set_piece(ranks.comm, pieces[p]);
        const size_t mine = share_of(ranks.rank);
        unsigned char *data = make_pattern(ranks.rank, mine);
        void *all = data;
        size_t sizes[64];
        REQUIRE(mcbe_comm_gather(ranks.comm, mine > 0 ? data : NULL, mine, &all,
                                 ranks.rank == 0 ? sizes : NULL) == MCBE_OK);
        REQUIRE((all != NULL) == (ranks.rank == 0));
        const unsigned char *next = all;
        for (int r = 0; r < ranks.size && ranks.rank == 0; r++) {
            REQUIRE(sizes[r] == share_of(r));
            require_pattern(next, r, sizes[r]);
            next += sizes[r];
        }
        mcbe_free(all);
        mcbe_free(data);
    }
    close_ranks(&ranks);
}

static void gathering_leaves_waiting_messages_alone(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    void *all = NULL, *message = NULL;
    size_t sizes[64], bytes = 0;
    int source = -1;
    /* the highest tag a user may take is still another one than gather's own */
    mcbe_comm_send(ranks.comm, 0, MCBE_COMM_TAG_MAX, "m", 1);
    REQUIRE(mcbe_comm_gather(ranks.comm, "g", 1, &all, sizes) == MCBE_OK);
    for (int r = 0; r < ranks.size && ranks.rank == 0; r++) {
        REQUIRE(((char *)all)[r] == 'g');
        mcbe_comm_receive(ranks.comm, r, -1, &source, NULL, &message, &bytes);
        REQUIRE(source == r && bytes == 1 && *(char *)message == 'm');
        mcbe_free(message);
    }
    mcbe_free(all);
    close_ranks(&ranks);
}

/* Every rank sends to the next one up; the highest to rank 0, which sends first. */
static void messages_of_any_length_arrive(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    const int above = (ranks.rank + 1) % ranks.size;
    const int below = (ranks.rank + ranks.size - 1) % ranks.size;
    mcbe_comm_set_piece(ranks.comm, 1000);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        if (ranks.size == 1 && lengths[i] > 1) {
            continue; /* nobody takes it while it is sent: it must fit into MPI's own buffers */
        }
        const int tag = (int)i;
        unsigned char *data = make_pattern(ranks.rank, lengths[i]);
        void *taken = data;
        size_t bytes = 1;
        int source = -1, tag_seen = -1;
        if (ranks.rank == 0) {
            mcbe_comm_send(ranks.comm, above, tag, lengths[i] > 0 ? data : NULL, lengths[i]);
        }
        mcbe_comm_receive(ranks.comm, -1, -1, &source, &tag_seen, &taken, &bytes);
        if (ranks.rank != 0) {
            mcbe_comm_send(ranks.comm, above, tag, data, lengths[i]);
        }
        REQUIRE(source == below && tag_seen == tag && bytes == lengths[i]);
        REQUIRE((taken == NULL) == (bytes == 0));
        require_pattern(taken, below, bytes);
        mcbe_free(taken);
        mcbe_free(data);
    }
    REQUIRE(!mcbe_comm_waiting(ranks.comm, -1)); /* the empty last piece has been taken too */
    close_ranks(&ranks);
}

/* Rank 0 takes long messages of all others, whose pieces come in between each other. */
static void pieces_of_several_ranks_are_kept_apart(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    enum { BYTES = 50000, ROUNDS = 4 };
    mcbe_comm_set_piece(ranks.comm, 64);
    if (ranks.rank == 0) {
        for (int i = 0; i < ROUNDS * (ranks.size - 1); i++) {
            void *taken = NULL;
            size_t bytes = 0;
            int source = -1, tag = -1;
            mcbe_comm_receive(ranks.comm, -1, 3, &source, &tag, &taken, &bytes);
            REQUIRE(tag == 3 && bytes == BYTES);
            require_pattern(taken, source, bytes);
            mcbe_free(taken);
        }
    } else {
        unsigned char *data = make_pattern(ranks.rank, BYTES);
        for (int i = 0; i < ROUNDS; i++) {
            mcbe_comm_send(ranks.comm, 0, 3, data, BYTES);
        }
        mcbe_free(data);
    }
    close_ranks(&ranks);
}

static void a_receiver_may_choose(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    static const char words[] = "abcd";
    for (int tag = 0; tag < 4; tag++) {
        mcbe_comm_send(ranks.comm, 0, tag, &words[tag], 1);
    }
    /* from the last rank to the first, and from the last message to the first */
    for (int r = ranks.size - 1; r >= 0 && ranks.rank == 0; r--) {
        for (int tag = 3; tag >= 0; tag--) {
            void *taken = NULL;
            size_t bytes = 0;
            mcbe_comm_receive(ranks.comm, r, tag, NULL, NULL, &taken, &bytes);
            REQUIRE(bytes == 1 && *(char *)taken == words[tag]);
            mcbe_free(taken);
        }
    }
    close_ranks(&ranks);
}

static void waiting_tells_of_a_message_and_leaves_it(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    REQUIRE(!mcbe_comm_waiting(ranks.comm, -1));
    /* nobody has sent before everybody has looked */
    REQUIRE(mcbe_comm_agree(ranks.comm, MCBE_OK, NULL) == MCBE_OK);
    mcbe_comm_send(ranks.comm, (ranks.rank + 1) % ranks.size, 9, "!", 1);
    while (!mcbe_comm_waiting(ranks.comm, -1)) {
    }
    REQUIRE(mcbe_comm_waiting(ranks.comm, -1));
    void *taken = NULL;
    size_t bytes = 0;
    mcbe_comm_receive(ranks.comm, -1, 9, NULL, NULL, &taken, &bytes);
    REQUIRE(bytes == 1 && *(char *)taken == '!');
    mcbe_free(taken);
    REQUIRE(!mcbe_comm_waiting(ranks.comm, -1));
    close_ranks(&ranks);
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A rank that waited with MPI_Probe would take all the processor time it can get. */
static void a_rank_that_waits_leaves_its_core_to_others(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    const struct timespec delay = {.tv_sec = 0, .tv_nsec = 500000000};
    if (ranks.rank == 0) {
        nanosleep(&delay, NULL);
        for (int r = 1; r < ranks.size; r++) {
            mcbe_comm_send(ranks.comm, r, 0, NULL, 0);
        }
    } else {
        void *none = NULL;
        size_t bytes = 1;
        const double wall = seconds_of(CLOCK_MONOTONIC);
        const double busy = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        mcbe_comm_receive(ranks.comm, 0, 0, NULL, NULL, &none, &bytes);
        const double waited = seconds_of(CLOCK_MONOTONIC) - wall;
        const double used = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - busy;
        REQUIRE(bytes == 0 && none == NULL);
        REQUIRE(used < 0.25 * waited + 0.05);
    }
    close_ranks(&ranks);
}

static void parts_work_by_themselves(void **state)
{
    (void)state;
    ranks_t ranks = open_ranks();
    mcbe_comm_t *part = NULL;
    const int color = ranks.rank % 2;
    REQUIRE(mcbe_comm_split(&part, ranks.comm, color) == MCBE_OK);
    REQUIRE(mcbe_comm_rank(part) == ranks.rank / 2);
    REQUIRE(mcbe_comm_size(part) == (ranks.size + 1 - color) / 2);
    REQUIRE(mcbe_comm_world_rank(part) == ranks.rank);

    int64_t lowest = 100 + ranks.rank;
    mcbe_comm_min_i64(part, &lowest, 1);
    REQUIRE(lowest == 100 + color);
    int root = ranks.rank;
    mcbe_comm_broadcast(part, &root, sizeof root);
    REQUIRE(root == color);

    /* only the odd ranks fail, and only they know */
    mcbe_status_t st = mcbe_comm_agree(part, color == 1 ? MCBE_ERR_IO : MCBE_OK, NULL);
    REQUIRE(st == (color == 1 ? MCBE_ERR_IO : MCBE_OK));

    mcbe_comm_t *alone = NULL; /* a part of a part */
    REQUIRE(mcbe_comm_split(&alone, part, mcbe_comm_rank(part)) == MCBE_OK);
    REQUIRE(mcbe_comm_rank(alone) == 0 && mcbe_comm_size(alone) == 1);
    REQUIRE(mcbe_comm_world_rank(alone) == ranks.rank);
    mcbe_comm_destroy(&alone);
    mcbe_comm_destroy(&part);
    close_ranks(&ranks);
}

static void names_are_those_of_mpi(void **state)
{
    (void)state;
    char expected[MPI_MAX_LIBRARY_VERSION_STRING], shown[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    MPI_Get_library_version(expected, &length);
    mcbe_comm_library(shown, sizeof shown);
    REQUIRE(strlen(shown) > 0 && strchr(shown, '\n') == NULL);
    REQUIRE(strncmp(shown, expected, strlen(shown)) == 0);
    mcbe_comm_library(shown, 5);
    REQUIRE(strlen(shown) == 4 && strncmp(shown, expected, 4) == 0);

    MPI_Get_processor_name(expected, &length);
    mcbe_comm_host(shown, sizeof shown);
    REQUIRE(strcmp(shown, expected) == 0);
    mcbe_comm_host(shown, 2);
    REQUIRE(strlen(shown) == 1 && shown[0] == expected[0]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(ranks_are_those_of_the_parent),
        UNIT_TEST(the_parent_is_left_as_it_was),
        UNIT_TEST(a_lack_of_memory_on_one_rank_is_known_to_all),
        UNIT_TEST(agreement_on_success_changes_nothing),
        UNIT_TEST(the_lowest_failing_rank_speaks_for_all),
        UNIT_TEST(a_failure_without_a_sentence_gets_that_of_its_status),
        UNIT_TEST(broadcasts_of_any_length_arrive),
        UNIT_TEST(minima_and_sums_are_taken_entry_by_entry),
        UNIT_TEST(minima_have_the_same_bits_for_any_order),
        UNIT_TEST(gathered_bytes_stand_in_rank_order),
        UNIT_TEST(gathering_leaves_waiting_messages_alone),
        UNIT_TEST(messages_of_any_length_arrive),
        UNIT_TEST(pieces_of_several_ranks_are_kept_apart),
        UNIT_TEST(a_receiver_may_choose),
        UNIT_TEST(waiting_tells_of_a_message_and_leaves_it),
        UNIT_TEST(a_rank_that_waits_leaves_its_core_to_others),
        UNIT_TEST(parts_work_by_themselves),
        UNIT_TEST(names_are_those_of_mpi),
    };
    int rank = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank != 0) {
        /* TAP is the format of which nothing goes to standard error */
        cmocka_set_message_output(CM_OUTPUT_TAP);
        if (!freopen("/dev/null", "w", stdout)) {
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (failed && rank != 0) {
        fprintf(stderr, "rank %d: %d tests failed\n", rank, failed);
    }
    MPI_Finalize();
    return failed;
}
