#include "walltime.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

#define SQUEUE_SECONDS 5.0 /* squeue answers within a second where the controller is well */
#define DAY 86400.0

extern char **environ; /* POSIX declares it nowhere */

/* A whole number of at most 9 digits. @return what follows it, NULL if there is none */
static const char *read_number(const char *text, long *number)
{
    const size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9) {
        return NULL;
    }
    *number = strtol(text, NULL, 10);
    return text + digits;
}

/* [[D-]HH:]MM:SS; all but the first number are below 60, hours behind days below 24. */
static int read_clock(const char *text, double *seconds)
{
    long field[4] = {0}; /* days, then hours to seconds, or their last two */
    const char *at = read_number(text, &field[0]);
    const int has_days = at && *at == '-';
    int count = 1;
    if (has_days) {
        at = read_number(at + 1, &field[count++]);
    }
    while (at && *at == ':' && count < 3 + has_days) {
        at = read_number(at + 1, &field[count]);
        if (field[count++] >= 60) {
            return 0;
        }
    }
    if (!at || *at != '\0' || (has_days ? count != 4 || field[1] >= 24 : count < 2)) {
        return 0;
    }
    double total = 0.0;
    for (int i = has_days; i < count; i++) {
        total = 60.0 * total + (double)field[i];
    }
    *seconds = total + (has_days ? DAY * (double)field[0] : 0.0);
    return 1;
}

mcbe_status_t mcbe_walltime_parse(const char *text, double *seconds)
{
    if (read_clock(text, seconds)) {
        return MCBE_OK;
    }
    char *end = NULL;
    /* strtod would take blanks, signs, nan, inf and hexadecimal numbers as well */
    if (*text == '\0' || strspn(text, "0123456789.e") != strlen(text)) {
        return MCBE_ERR_VALUE;
    }
    const double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number)) {
        return MCBE_ERR_VALUE;
    }
    *seconds = number;
    return MCBE_OK;
}

mcbe_status_t mcbe_walltime_parse_squeue(const char *answer, double *seconds)
{
    char word[32];
    const char *start = answer + strspn(answer, " \t\n");
    const size_t length = strcspn(start, " \t\n");
    if (length >= sizeof word || start[length + strspn(start + length, " \t\n")] != '\0') {
        return MCBE_ERR_VALUE; /* several words */
    }
    snprintf(word, sizeof word, "%.*s", (int)length, start);
    if (!strcmp(word, "UNLIMITED")) {
        *seconds = (double)INFINITY;
        return MCBE_OK;
    }
    return read_clock(word, seconds) ? MCBE_OK : MCBE_ERR_VALUE;
}

/* squeue with its output in a pipe and no input. @return 0 or an errno value */
static int spawn_squeue(const char *job, int out, pid_t *child)
{
    char name[] = "squeue", quiet[] = "-h", of[] = "-j", format[] = "-o", left[] = "%L", number[32];
    char *const argv[] = {name, quiet, of, number, format, left, NULL};
    posix_spawn_file_actions_t actions;
    snprintf(number, sizeof number, "%s", job);
    int problem = posix_spawn_file_actions_init(&actions);
    if (problem) {
        return problem;
    }
    problem = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    problem = problem ? problem : posix_spawn_file_actions_adddup2(&actions, out, 1);
    problem =
        problem ? problem : posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    problem = problem ? problem : posix_spawnp(child, name, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return problem;
}

/* What a pipe brings until its end. @param[in] due  clock reading to give up at
 * @return whether the end came in time; `text` has what came before */
static int read_until(int pipe, const mcbe_clock_t *clock, double due, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (double left; (left = due - mcbe_clock_now(clock)) > 0.0;) {
        struct pollfd watched = {.fd = pipe, .events = POLLIN};
        if (poll(&watched, 1, (int)ceil(1e3 * left)) <= 0) {
            continue; /* nothing yet, or a signal */
        }
        const ssize_t got = read(pipe, text + used, size - 1 - used);
        if (got == 0) {
            return 1;
        }
        used += got > 0 ? (size_t)got : 0;
        text[used] = '\0';
        if (used == size - 1) {
            return 1; /* far more than a time */
        }
    }
    return 0;
}

/* Wait for a child until `due`, then kill it. @return whether it ended by itself and well */
static int end_child(pid_t child, const mcbe_clock_t *clock, double due)
{
    const struct timespec nap = {.tv_nsec = 2000000};
    int status = 0;
    pid_t ended;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 && mcbe_clock_now(clock) < due) {
        nanosleep(&nap, NULL);
    }
    if (ended == 0) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        return 0;
    }
    return ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static mcbe_status_t ask_squeue(const char *job, double *seconds, const mcbe_log_t *log)
{
    const mcbe_clock_t clock = mcbe_clock_monotonic();
    const double due = mcbe_clock_now(&clock) + SQUEUE_SECONDS;
    char answer[128] = "";
    int ends[2];
    pid_t child = 0;
    if (pipe(ends) != 0) {
        mcbe_log_line(log, MCBE_LOG_WARNING, "squeue cannot be asked for the time left: %s",
                      strerror(errno));
        return MCBE_ERR_IO;
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    const int problem = spawn_squeue(job, ends[1], &child);
    close(ends[1]);
    int answered = 0;
    if (!problem) {
        answered = read_until(ends[0], &clock, due, answer, sizeof answer);
        answered = end_child(child, &clock, due) && answered;
    }
    close(ends[0]);
    if (problem || !answered) {
        mcbe_log_line(log, MCBE_LOG_WARNING, "squeue did not tell the time left to job %s%s%s", job,
                      problem ? ": " : "", problem ? strerror(problem) : "");
        return MCBE_ERR_IO;
    }
    mcbe_status_t st = mcbe_walltime_parse_squeue(answer, seconds);
    if (st != MCBE_OK) {
        answer[strcspn(answer, "\n")] = '\0';
        mcbe_log_line(log, MCBE_LOG_WARNING, "squeue says '%s' of the time left to job %s", answer,
                      job);
    }
    return st;
}

/* @param[in] text  the job's end in seconds since 1970 */
static mcbe_status_t until_end_time(const char *text, double *seconds, const mcbe_log_t *log)
{
    const size_t digits = strspn(text, "0123456789");
    const double left = strtod(text, NULL) - (double)time(NULL);
    if (digits == 0 || text[digits] != '\0' || left <= 0.0) {
        mcbe_log_line(
            log, MCBE_LOG_WARNING,
            "SLURM_JOB_END_TIME is '%.64s', which is no time to come in seconds since 1970", text);
        return MCBE_ERR_VALUE;
    }
    *seconds = left;
    return MCBE_OK;
}

const char *mcbe_walltime_of_job(double *seconds, const mcbe_log_t *log)
{
    const char *job = getenv("SLURM_JOB_ID"), *end = getenv("SLURM_JOB_END_TIME");
    *seconds = (double)INFINITY;
    if (!job) {
        return NULL;
    }
    if (end && until_end_time(end, seconds, log) == MCBE_OK) {
        return "SLURM_JOB_END_TIME";
    }
    const size_t digits = strspn(job, "0123456789");
    if (digits == 0 || digits > 20 || job[digits] != '\0') {
        mcbe_log_line(log, MCBE_LOG_WARNING, "SLURM_JOB_ID is '%.64s', which is no number of a job",
                      job);
    } else if (ask_squeue(job, seconds, log) == MCBE_OK) {
        return "squeue";
    }
    mcbe_log_line(log, MCBE_LOG_WARNING,
                  "the end of this SLURM job is not known; going on without a time limit "
                  "(--max-walltime sets one)");
    *seconds = (double)INFINITY;
    return NULL;
}
