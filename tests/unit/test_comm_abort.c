/* How a run ends that cannot go on: this program starts itself again under mpirun, as two ranks of
 * which one gives up while the other waits for it, and looks at what a user would see. */

#include <mpi.h>
#include <stdio.h>
#include <sys/wait.h>

#include "comm.h"
#include "unit.h"

static void give_up(mcbe_comm_t *comm, const char *way)
{
    if (strcmp(way, "sentences") == 0) {
        mcbe_comm_abort(comm, MCBE_ERR_CONFIG, "key 'n' is 0\nkey 'm' is 1");
    } else if (strcmp(way, "silent") == 0) {
        mcbe_comm_abort(comm, MCBE_ERR_IO, NULL);
    } else if (strcmp(way, "long") == 0) {
        char sentence[20000];
        memset(sentence, 'a', sizeof sentence - 1);
        sentence[sizeof sentence - 1] = '\0';
        mcbe_comm_abort(comm, MCBE_ERR_IO, sentence);
    } else if (strcmp(way, "mpi") == 0) {
        mcbe_comm_send(comm, 99, 0, "x", 1);
    } else if (strcmp(way, "nan") == 0) {
        double value = NAN;
        mcbe_comm_min_f64(comm, &value, 1);
    }
}

/* Does not return: one rank ends the run, and the other one waits for a message of it. */
static void run_as_rank(int argc, char **argv)
{
    mcbe_comm_t *comm = NULL, *part = NULL;
    void *data = NULL;
    size_t bytes = 0;
    MPI_Init(&argc, &argv);
    if (mcbe_comm_create(&comm, MPI_COMM_WORLD) != MCBE_OK ||
        mcbe_comm_split(&part, comm, mcbe_comm_rank(comm)) != MCBE_OK) {
        exit(EXIT_FAILURE);
    }
    if (mcbe_comm_rank(comm) == 1) {
        /* in a part of one rank: it must end the others as well, under its rank in the run */
        give_up(part, argv[1]);
    }
    mcbe_comm_receive(comm, -1, -1, NULL, NULL, &data, &bytes);
}

/* Run in some way; collect both streams, mpirun's own remarks included. @return the exit code */
static int end_of_run(const char *program, const char *way, char *output, size_t size)
{
    const char *mpiexec = getenv("MCBE_MPIEXEC");
    char command[4096];
    snprintf(command, sizeof command, "ASAN_OPTIONS=detect_leaks=0 '%s' -n 2 '%s' %s 2>&1",
             mpiexec ? mpiexec : "mpirun", program, way);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t length = fread(output, 1, size - 1, pipe);
    output[length] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* @param[in] text  must come at the start of a line */
static void assert_run_ends(const char *program, const char *way, int code, const char *text)
{
    char output[40000] = "\n";
    int seen = end_of_run(program, way, output + 1, sizeof output - 1);
    char line[512];
    snprintf(line, sizeof line, "\n%s", text);
    if (seen != code || !strstr(output, line)) {
        fail_msg("exit code %d, not %d with '%s', after:%s", seen, code, text, output);
    }
}

static void every_line_of_the_sentence_names_the_rank(void **state)
{
    assert_run_ends(*state, "sentences", 64,
                    "mcbe: error: rank 1: key 'n' is 0\nmcbe: error: rank 1: key 'm' is 1\n");
}

static void a_status_speaks_for_itself(void **state)
{
    assert_run_ends(*state, "silent", 74, "mcbe: error: rank 1: file system error\n");
}

static void a_sentence_of_any_length_stays_a_line(void **state)
{
    char output[40000];
    assert_int_equal(end_of_run(*state, "long", output, sizeof output), 74);
    const char *line = strstr(output, "mcbe: error: rank 1: aaa");
    assert_non_null(line);
    const size_t length = strcspn(line, "\n");
    assert_true(length > MCBE_ERROR_TEXT_MAX);
    assert_true(line[length - 1] == 'a' && line[length] == '\n');
}

static void an_mpi_error_ends_the_run_in_words(void **state)
{
    assert_run_ends(*state, "mpi", 70, "mcbe: error: rank 1: MPI_Send failed: MPI_ERR_RANK");
}

static void nan_in_a_minimum_is_a_bug(void **state)
{
    assert_run_ends(*state, "nan", 128 + 6 /* SIGABRT */, "mcbe: internal error: ");
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        run_as_rank(argc, argv);
    }
    const struct CMUnitTest tests[] = {
        UNIT_TEST_OF_PROGRAM(every_line_of_the_sentence_names_the_rank, argv[0]),
        UNIT_TEST_OF_PROGRAM(a_status_speaks_for_itself, argv[0]),
        UNIT_TEST_OF_PROGRAM(a_sentence_of_any_length_stays_a_line, argv[0]),
        UNIT_TEST_OF_PROGRAM(an_mpi_error_ends_the_run_in_words, argv[0]),
        UNIT_TEST_OF_PROGRAM(nan_in_a_minimum_is_a_bug, argv[0]),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
