/* The few file operations that the journal and the result file share. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "file.h"
#include "records.h"

static void names_are_put_together(void **state)
{
    (void)state;
    char expected[64];
    char *previous = mcbe_file_suffixed("a/b.h5", ".prev");
    char *temporary = mcbe_file_temporary("a/b.h5");
    snprintf(expected, sizeof expected, "a/b.h5.tmp.%ld", (long)getpid());
    assert_string_equal(previous, "a/b.h5.prev");
    assert_string_equal(temporary, expected);
    mcbe_free(temporary);
    mcbe_free(previous);
}

static void bytes_go_where_they_belong(void **state)
{
    (void)state;
    char back[4] = "";
    spill("f", "0123456789", 10);
    int fd = open("f", O_RDWR);
    assert_int_equal(mcbe_file_write(fd, "abc", 3, 8), 0);
    assert_file_holds("f", "01234567abc", 11);
    assert_int_equal(mcbe_file_read(fd, back, 3, 8), 0);
    assert_string_equal(back, "abc");
    assert_int_equal(mcbe_file_read(fd, back, 3, 9), EIO); /* ends early */
    close(fd);
    assert_int_equal(mcbe_file_write(fd, "abc", 3, 0), EBADF);
    assert_int_equal(mcbe_file_read(fd, back, 3, 0), EBADF);
}

static void a_short_write_is_not_a_success(void **state)
{
    (void)state;
    spill("f", "", 0);
    int fd = open("f", O_RDWR);
    limit_files(2);
    int problem = mcbe_file_write(fd, "abc", 3, 0);
    limit_files(RLIM_INFINITY);
    assert_int_equal(problem, EFBIG);
    assert_file_holds("f", "ab", 2);
    close(fd);
}

static int64_t size_at(const char *path)
{
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    return (int64_t)facts.st_size;
}

/* What the rename() below says instead of doing it, that many times; or after doing it, once. */
static struct {
    int stale;
    int answer_lost;
} network;

/* Takes the place of the C library's. */
int rename(const char *from, const char *to)
{
    if (network.stale > 0) {
        network.stale--;
        errno = ESTALE;
        return -1;
    }
    const int bad = renameat(AT_FDCWD, from, AT_FDCWD, to);
    if (!bad && network.answer_lost) {
        network.answer_lost = 0;
        errno = ENOENT; /* what the repeated request meets */
        return -1;
    }
    return bad;
}

static void a_rename_that_was_done_counts(void **state)
{
    (void)state;
    const int stale[] = {0, 1, 2};
    for (size_t k = 0; k < COUNT_OF(stale); k++) {
        spill("from", "new", 3);
        spill("to", "older", 5);
        network.stale = stale[k];
        network.answer_lost = 1;
        assert_int_equal(mcbe_file_rename("from", "to"), 0);
        assert_false(is_there("from"));
        assert_int_equal(size_at("to"), 3);
    }
}

static void a_rename_that_was_not_done_is_told(void **state)
{
    (void)state;
    spill("to", "older", 5);
    assert_int_equal(mcbe_file_rename("nothing", "to"), ENOENT);
    spill("from", "new", 3);
    assert_int_equal(mcbe_file_rename("from", "no-such-folder/to"), ENOENT);
    network.stale = 1000;
    assert_int_equal(mcbe_file_rename("from", "to"), ESTALE);
    network.stale = 0;
    assert_true(is_there("from"));
    assert_int_equal(size_at("to"), 5);
    unlink("from");
    unlink("to");
}

static void one_file_may_have_two_names(void **state)
{
    (void)state;
    spill("one", "x", 1);
    spill("other", "x", 1);
    assert_int_equal(link("one", "second"), 0);
    assert_true(mcbe_file_same("one", "second"));
    assert_false(mcbe_file_same("one", "other"));
    assert_false(mcbe_file_same("one", "nothing"));
    unlink("one");
    unlink("other");
    unlink("second");
}

static void folders_can_be_synced(void **state)
{
    (void)state;
    assert_int_equal(mcbe_file_sync_folder("f"), 0);
    assert_int_equal(mcbe_file_sync_folder("./f"), 0);
    assert_int_equal(mcbe_file_sync_folder("/f"), 0);
    assert_int_equal(mcbe_file_sync_folder("nowhere/f"), ENOENT);
}

static void only_abandoned_temporaries_are_removed(void **state)
{
    (void)state;
    static const char *const kept[] = {"d/o.h5",      "d/o.h5.tmp.",   "d/o.h5.tmp.12a",
                                       "d/o.h5.tmp",  "d/xo.h5.tmp.1", "d/o.h5.journal",
                                       "d/o.h5.prev", "d/o2.h5.tmp.1", "d/o.h5.journal.tmp.1"};
    mkdir("d", 0700);
    for (size_t k = 0; k < COUNT_OF(kept); k++) {
        spill(kept[k], "", 0);
    }
    spill("d/o.h5.tmp.1", "", 0);
    spill("d/o.h5.tmp.4194304", "", 0);
    mcbe_file_remove_temporaries("d/o.h5");
    assert_false(is_there("d/o.h5.tmp.1"));
    assert_false(is_there("d/o.h5.tmp.4194304"));
    for (size_t k = 0; k < COUNT_OF(kept); k++) {
        assert_true(is_there(kept[k]));
    }
    spill("o.h5.tmp.7", "", 0);
    mcbe_file_remove_temporaries("o.h5"); /* without a folder in its name */
    assert_false(is_there("o.h5.tmp.7"));
    mcbe_file_remove_temporaries("nowhere/o.h5"); /* nothing there, nothing to do */
}

static mcbe_status_t name_all(void)
{
    char *a = mcbe_file_suffixed("a", "b"), *b = mcbe_file_temporary("a");
    mcbe_status_t st = a && b && mcbe_file_sync_folder("f") == 0 ? MCBE_OK : MCBE_ERR_NOMEM;
    mcbe_file_remove_temporaries("f");
    mcbe_free(b);
    mcbe_free(a);
    return st;
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(name_all());
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {UNIT_TEST(names_are_put_together),
                                       UNIT_TEST(bytes_go_where_they_belong),
                                       UNIT_TEST(a_short_write_is_not_a_success),
                                       UNIT_TEST(a_rename_that_was_done_counts),
                                       UNIT_TEST(a_rename_that_was_not_done_is_told),
                                       UNIT_TEST(one_file_may_have_two_names),
                                       UNIT_TEST(folders_can_be_synced),
                                       UNIT_TEST(only_abandoned_temporaries_are_removed),
                                       UNIT_TEST(survives_failed_allocations)};
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
