/* Writing a result file: no full disk or obstacle costs the old one; provenance goes along. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "stores.h"

static int no_hard_links;

/* Takes the place of the C library's, to be a file system without hard links. */
int link(const char *from, const char *to)
{
    if (no_hard_links) {
        errno = EPERM;
        return -1;
    }
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static void assert_no_temporary(void)
{
    char temporary[64];
    snprintf(temporary, sizeof temporary, PATH ".tmp.%ld", (long)getpid());
    assert_false(is_there(temporary));
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    fixture_t f;
    mcbe_error_t err = {0};
    char words[160];
    size_t bytes = 0;
    begin_partial(&f);
    commit(&f, PATH);
    unsigned char *data = slurp(PATH, &bytes);
    snprintf(words, sizeof words,
             "cannot write '" PATH ".tmp.%ld': File too large; what is finished is kept in '" PATH
             ".journal'",
             (long)getpid());
    const rlim_t limits[] = {0, 100, bytes / 2, bytes - 1};
    for (size_t k = 0; k < COUNT_OF(limits); k++) {
        mcbe_error_clear(&err);
        limit_files(limits[k]);
        mcbe_status_t st = mcbe_store_commit(f.store, PATH, &f.provenance, 1, &err);
        limit_files(RLIM_INFINITY);
        assert_int_equal(st, MCBE_ERR_IO);
        assert_string_equal(err.text, words);
        assert_file_holds(PATH, data, bytes);
        assert_no_temporary();
        assert_false(is_there(PATH ".prev"));
    }
    put_unit(&f, 1, 0);
    commit(&f, PATH); /* once there is room again */
    assert_int_equal(mcbe_store_check(f.store, PATH, NULL), MCBE_OK);
    mcbe_free(data);
    end(&f);
}

static void a_folder_in_the_way_is_named(void **state)
{
    (void)state;
    fixture_t f;
    mcbe_error_t err = {0};
    begin_partial(&f);
    assert_int_equal(mcbe_store_commit(f.store, "nowhere/out.h5", &f.provenance, 1, &err),
                     MCBE_ERR_IO);
    ASSERT_SAYS(err, "cannot write 'nowhere/out.h5.tmp.");
    ASSERT_SAYS(err, "': No such file or directory; ");
    mcbe_error_clear(&err);
    mkdir(PATH, 0700);
    assert_int_equal(mcbe_store_commit(f.store, PATH, &f.provenance, 0, &err), MCBE_ERR_IO);
    ASSERT_SAYS(err, "cannot write '" PATH "': Is a directory; ");
    assert_no_temporary();
    assert_int_equal(rmdir(PATH), 0);
    /* the place of the previous file is taken by a folder: the old file stays where it is */
    size_t bytes = 0;
    commit(&f, PATH);
    unsigned char *data = slurp(PATH, &bytes);
    mkdir(PATH ".prev", 0700);
    mcbe_error_clear(&err);
    assert_int_equal(mcbe_store_commit(f.store, PATH, &f.provenance, 1, &err), MCBE_ERR_IO);
    ASSERT_SAYS(err, "cannot write '" PATH ".prev': Is a directory; ");
    assert_file_holds(PATH, data, bytes);
    assert_no_temporary();
    assert_int_equal(rmdir(PATH ".prev"), 0);
    mcbe_free(data);
    end(&f);
}

static void the_previous_file_is_kept(void **state)
{
    (void)state;
    fixture_t f;
    size_t first_bytes = 0, second_bytes = 0;
    begin_partial(&f);
    commit(&f, PATH);
    assert_false(is_there(PATH ".prev"));
    unsigned char *first = slurp(PATH, &first_bytes);
    put_unit(&f, 1, 0);
    commit(&f, PATH);
    unsigned char *second = slurp(PATH, &second_bytes);
    assert_file_holds(PATH ".prev", first, first_bytes);
    put_unit(&f, 2, 1);
    assert_int_equal(mcbe_store_commit(f.store, PATH, &f.provenance, 0, NULL), MCBE_OK);
    assert_file_holds(PATH ".prev", first, first_bytes);
    commit(&f, PATH);
    commit(&f, "second.h5");
    spill(PATH, second, second_bytes);
    commit(&f, PATH);
    assert_file_holds(PATH ".prev", second, second_bytes);
    mcbe_free(second);
    mcbe_free(first);
    end(&f);
}

static void the_previous_file_is_kept_without_hard_links(void **state)
{
    (void)state;
    fixture_t f;
    size_t bytes = 0;
    begin_partial(&f);
    no_hard_links = 1;
    commit(&f, PATH);
    assert_int_equal(mcbe_store_check(f.store, PATH, NULL), MCBE_OK);
    unsigned char *data = slurp(PATH, &bytes);
    put_unit(&f, 1, 0);
    commit(&f, PATH);
    no_hard_links = 0;
    assert_file_holds(PATH ".prev", data, bytes);
    assert_int_equal(mcbe_store_check(f.store, PATH, NULL), MCBE_OK);
    mcbe_free(data);
    end(&f);
}

static void provenance_is_kept_and_printed(void **state)
{
    (void)state;
    fixture_t f;
    mcbe_error_t err = {0};
    mcbe_provenance_t found = {0};
    char *text = mcbe_alloc(100001, 1), line[256];
    begin_partial(&f);
    memset(text, 'x', 100000); /* more than HDF5 has room for in an object's header */
    assert_int_equal(mcbe_provenance_add(&f.provenance, "hosts", "%s", text), MCBE_OK);
    assert_int_equal(mcbe_provenance_add(&f.provenance, "cpu", "a\x1b[2Jb\nc"), MCBE_OK);
    assert_int_equal(mcbe_provenance_add(&f.provenance, "empty", "%s", ""), MCBE_OK);
    mcbe_provenance_end_segment(&f.provenance, 4, "time limit");
    assert_int_equal(mcbe_provenance_start_segment(&f.provenance, 8), MCBE_OK);
    commit(&f, PATH);

    assert_int_equal(mcbe_store_read_segments(PATH, &found, NULL), MCBE_OK);
    assert_int_equal(found.segment_count, 2);
    for (size_t k = 0; k < 2; k++) {
        const mcbe_segment_t *a = &found.segments[k], *b = &f.provenance.segments[k];
        assert_string_equal(a->started_utc, b->started_utc);
        assert_string_equal(a->stopped_utc, b->stopped_utc);
        assert_string_equal(a->reason, b->reason);
        assert_int_equal(a->ranks, b->ranks);
        assert_int_equal(a->units, b->units);
    }
    FILE *out = fopen("printed", "w");
    assert_int_equal(mcbe_store_provenance(PATH, out, NULL), MCBE_OK);
    fclose(out);
    size_t bytes = 0;
    char *printed = (char *)slurp("printed", &bytes);
    assert_non_null(strstr(printed, "blas = none\n"));
    assert_non_null(strstr(printed, "command_line = mcbe run 'a b.yml'\n"));
    assert_non_null(strstr(printed, "cpu = a [2Jb c\n"));
    assert_non_null(strstr(printed, "empty = \n"));
    char *hosts = strstr(printed, "hosts = ");
    assert_non_null(hosts);
    assert_int_equal(strspn(hosts + 8, "x"), 100000);
    snprintf(line, sizeof line, "segment 1 = %s to %s, ranks: 4, units: 4, time limit\n",
             found.segments[0].started_utc, found.segments[0].stopped_utc);
    assert_non_null(strstr(printed, line));
    snprintf(line, sizeof line, "segment 2 = %s to ?, ranks: 8, units: 0, running\n",
             found.segments[1].started_utc);
    assert_non_null(strstr(printed, line));

    delete_link(PATH, "provenance");
    assert_int_equal(mcbe_store_provenance(PATH, stderr, &err), MCBE_ERR_CORRUPT);
    ASSERT_SAYS(err, "lacks the group 'provenance'");
    assert_int_equal(mcbe_store_read_segments(PATH, &found, NULL), MCBE_ERR_CORRUPT);
    mcbe_free(printed);
    mcbe_provenance_free(&found);
    mcbe_free(text);
    end(&f);
}

static mcbe_status_t create_once(const fixture_t *f)
{
    mcbe_store_t *store = NULL;
    mcbe_status_t st = mcbe_store_create(&store, "test", 5, &f->plan, &f->layout, "", LISTING);
    assert_int_equal(store == NULL, st != MCBE_OK);
    mcbe_store_destroy(&store);
    return st;
}

static mcbe_status_t commit_once(const fixture_t *f)
{
    mcbe_status_t st = mcbe_store_commit(f->store, PATH, &f->provenance, 1, NULL);
    assert_no_temporary();
    return st;
}

static mcbe_status_t read_once(const fixture_t *f, mcbe_store_t *store)
{
    mcbe_provenance_t provenance = {0};
    mcbe_store_info_t info = {0};
    mcbe_status_t st = mcbe_store_peek(PATH, &info, NULL);
    st = st ? st : mcbe_store_read(store, PATH, NULL);
    st = st ? st : mcbe_store_read_segments(PATH, &provenance, NULL);
    st = st ? st : mcbe_store_check(f->store, PATH, NULL);
    mcbe_store_info_free(&info);
    mcbe_provenance_free(&provenance);
    return st;
}

static mcbe_status_t print_once(FILE *out)
{
    return mcbe_store_provenance(PATH, out, NULL);
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    fixture_t f;
    begin_partial(&f);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(create_once(&f));
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(commit_once(&f));
    /* into a store that has the units already: what it holds is no leak */
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(read_once(&f, f.store));
    FILE *out = fopen("printed", "w");
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(print_once(out));
    fclose(out);
    end(&f);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {STORE_TEST(a_full_disk_leaves_the_old_file),
                                       STORE_TEST(a_folder_in_the_way_is_named),
                                       STORE_TEST(the_previous_file_is_kept),
                                       STORE_TEST(the_previous_file_is_kept_without_hard_links),
                                       STORE_TEST(provenance_is_kept_and_printed),
                                       STORE_TEST(survives_failed_allocations)};
    return cmocka_run_group_tests_name("store_commit", tests, NULL, NULL);
}
