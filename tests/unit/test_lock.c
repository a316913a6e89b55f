/* The lock beside an output: held, refused with the holder named, left behind by the dead, and all
 * that on file systems without flock(), too. */

#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lock.h"
#include "records.h"

#define PATH "out.h5.lock"

/* What the flock() below does instead of locking, once per value. */
static struct {
    int error;          /* fails with this, as long as it is set */
    int remove_at_call; /* before this call the lock file vanishes, as after a holder's release */
    int calls;
} system_flock;

long syscall(long number, ...); /* not declared for POSIX programs */

/* Takes the place of the C library's. */
int flock(int fd, int operation)
{
    if (++system_flock.calls == system_flock.remove_at_call) {
        unlink(PATH);
    }
    if (system_flock.error) {
        errno = system_flock.error;
        return -1;
    }
    return (int)syscall(SYS_flock, fd, operation);
}

static int start_anew(void **state)
{
    (void)state;
    memset(&system_flock, 0, sizeof system_flock);
    unsetenv("SLURM_JOB_ID");
    unlink(PATH);
    return 0;
}

static mcbe_lock_t *take(void)
{
    mcbe_lock_t *lock = NULL;
    mcbe_error_t err = {0};
    if (mcbe_lock_take(&lock, PATH, "out.h5", &err)) {
        fail_msg("%s", err.text);
    }
    assert_non_null(lock);
    return lock;
}

static void assert_refused(const char *words)
{
    mcbe_lock_t *lock = NULL;
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_lock_take(&lock, PATH, "out.h5", &err), MCBE_ERR_LOCKED);
    assert_null(lock);
    ASSERT_SAYS(err, "'out.h5' is being written by ");
    ASSERT_SAYS(err, words);
}

static void a_lock_is_there_while_held(void **state)
{
    (void)state;
    char host[256] = "", expected[512];
    size_t bytes = 0;
    gethostname(host, sizeof host - 1);
    setenv("SLURM_JOB_ID", "77", 1);
    mcbe_lock_t *lock = take();
    unsigned char *content = slurp(PATH, &bytes);
    int length = snprintf(expected, sizeof expected, "host=%s pid=%ld job=77 started=20", host,
                          (long)getpid());
    assert_memory_equal(content, expected, (size_t)length);
    assert_int_equal(content[bytes - 1], '\n');
    mcbe_free(content);
    mcbe_lock_release(&lock);
    assert_null(lock);
    assert_false(is_there(PATH));
    mcbe_lock_release(&lock); /* accepts NULL inside */
}

static void a_second_one_is_refused(void **state)
{
    (void)state;
    char words[64];
    mcbe_lock_t *lock = take();
    snprintf(words, sizeof words, "process %ld on host ", (long)getpid());
    assert_refused(words);
    assert_refused("; wait for it or choose another output");
    mcbe_lock_release(&lock);
    lock = take();
    mcbe_lock_release(&lock);
}

/* Start a process that takes the lock and then waits to be killed. */
static pid_t start_holder(void)
{
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        mcbe_lock_t *lock = NULL;
        int ok = mcbe_lock_take(&lock, PATH, "out.h5", NULL) == MCBE_OK;
        ok = write(ready[1], ok ? "y" : "n", 1) == 1;
        while (ok) {
            pause();
        }
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void end_holder(pid_t child)
{
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void another_process_is_named(void **state)
{
    (void)state;
    char words[64];
    setenv("SLURM_JOB_ID", "4711", 1);
    pid_t child = start_holder();
    unsetenv("SLURM_JOB_ID"); /* it is the holder's job that matters */
    snprintf(words, sizeof words, "process %ld on host ", (long)child);
    assert_refused(words);
    assert_refused(" (SLURM job 4711) since 20");
    end_holder(child);
}

static void the_dead_hold_nothing(void **state)
{
    (void)state;
    end_holder(start_holder());
    assert_true(is_there(PATH));
    mcbe_lock_t *lock = take();
    mcbe_lock_release(&lock);
    assert_false(is_there(PATH));
}

/* The holder ends between our opening of its file and our locking of it: what we hold then is no
 * longer beside the output, and must not count. */
static void a_lock_on_a_removed_file_does_not_count(void **state)
{
    (void)state;
    spill(PATH, "", 0);
    system_flock.remove_at_call = 1;
    mcbe_lock_t *lock = take();
    assert_int_equal(system_flock.calls, 2);
    assert_true(is_there(PATH));
    assert_refused("process ");
    mcbe_lock_release(&lock);
}

static void releasing_leaves_the_file_of_another(void **state)
{
    (void)state;
    mcbe_lock_t *lock = take();
    unlink(PATH);
    spill(PATH, "another's", 9);
    mcbe_lock_release(&lock);
    assert_file_holds(PATH, "another's", 9);
}

static void write_lock_of(const char *host, pid_t pid, const char *more)
{
    char text[512];
    int length =
        snprintf(text, sizeof text, "host=%s pid=%ld job=- started=2024-01-01T00:00:00Z%s\n", host,
                 (long)pid, more);
    spill(PATH, text, (size_t)length);
}

static void without_flock_the_file_is_the_lock(void **state)
{
    (void)state;
    static const int errors[] = {ENOLCK, EOPNOTSUPP, ENOSYS};
    for (size_t k = 0; k < COUNT_OF(errors); k++) {
        system_flock.error = errors[k];
        mcbe_lock_t *lock = take();
        assert_refused("if that run is gone, remove '" PATH "'");
        mcbe_lock_release(&lock);
        assert_false(is_there(PATH));
    }
}

static void without_flock_only_the_dead_of_this_host_are_passed_over(void **state)
{
    (void)state;
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    system_flock.error = ENOLCK;
    pid_t dead = start_holder();
    end_holder(dead);
    write_lock_of(host, dead, "");
    mcbe_lock_t *lock = take();
    mcbe_lock_release(&lock);
    write_lock_of("elsewhere.example", dead, " boot=another");
    assert_refused("on host elsewhere.example since 2024-01-01T00:00:00Z; ");
    assert_true(is_there(PATH));
    spill(PATH, "nonsense", 8);
    assert_refused("another run; wait for it");
    assert_true(is_there(PATH));
}

/* A process id of before the machine was started again may be anybody's now, even ours. */
static void without_flock_a_holder_of_an_earlier_boot_is_dead(void **state)
{
    (void)state;
    char host[256] = "", boot[64] = "", more[80];
    gethostname(host, sizeof host - 1);
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    if (!file || fscanf(file, "%63s", boot) != 1) {
        skip();
    }
    fclose(file);
    system_flock.error = ENOLCK;
    snprintf(more, sizeof more, " boot=%s", boot);
    write_lock_of(host, getpid(), more);
    assert_refused("if that run is gone, remove");
    write_lock_of(host, getpid(), " boot=00000000-0000-0000-0000-000000000000");
    mcbe_lock_t *lock = take();
    char text[512] = "";
    file = fopen(PATH, "r");
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_non_null(strstr(text, more));
    mcbe_lock_release(&lock);
}

static void what_cannot_be_opened_or_locked_is_named(void **state)
{
    (void)state;
    mcbe_lock_t *lock = NULL;
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_lock_take(&lock, "nowhere/x.lock", "nowhere/x", &err), MCBE_ERR_IO);
    ASSERT_SAYS(err, "cannot open the lock file 'nowhere/x.lock': No such file or directory");
    mcbe_error_clear(&err);
    system_flock.error = EIO;
    assert_int_equal(mcbe_lock_take(&lock, PATH, "out.h5", &err), MCBE_ERR_IO);
    ASSERT_SAYS(err, "cannot lock '" PATH "': Input/output error");
    assert_null(lock);
}

static void a_full_disk_is_told_and_leaves_no_lock(void **state)
{
    (void)state;
    mcbe_lock_t *lock = NULL;
    mcbe_error_t err = {0};
    limit_files(5);
    mcbe_status_t st = mcbe_lock_take(&lock, PATH, "out.h5", &err);
    limit_files(RLIM_INFINITY);
    assert_int_equal(st, MCBE_ERR_IO);
    ASSERT_SAYS(err, "cannot write the lock file '" PATH "': File too large");
    assert_false(is_there(PATH));
}

static mcbe_status_t take_and_release(void)
{
    mcbe_lock_t *lock = NULL;
    mcbe_status_t st = mcbe_lock_take(&lock, PATH, "out.h5", NULL);
    mcbe_lock_release(&lock);
    return st;
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(take_and_release());
    assert_false(is_there(PATH));
}

#define LOCK_TEST(function) cmocka_unit_test_setup_teardown(function, start_anew, no_memory_left)

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        LOCK_TEST(a_lock_is_there_while_held),
        LOCK_TEST(a_second_one_is_refused),
        LOCK_TEST(another_process_is_named),
        LOCK_TEST(the_dead_hold_nothing),
        LOCK_TEST(a_lock_on_a_removed_file_does_not_count),
        LOCK_TEST(releasing_leaves_the_file_of_another),
        LOCK_TEST(without_flock_the_file_is_the_lock),
        LOCK_TEST(without_flock_only_the_dead_of_this_host_are_passed_over),
        LOCK_TEST(without_flock_a_holder_of_an_earlier_boot_is_dead),
        LOCK_TEST(what_cannot_be_opened_or_locked_is_named),
        LOCK_TEST(a_full_disk_is_told_and_leaves_no_lock),
        LOCK_TEST(survives_failed_allocations)};
    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
