/* Status codes, their texts and exit codes, and the sentences recorded with them. */

#include <stdio.h>

#include "mcbe/status.h"
#include "unit.h"

/* Every code once; the exit codes are those that docs promise to users (sysexits.h). */
static const struct {
    mcbe_status_t status;
    int exit_code;
} documented[] = {
    {MCBE_OK, 0},
    {MCBE_ERR_ARGUMENT, 64},
    {MCBE_ERR_DIM, 64},
    {MCBE_ERR_LIMIT, 64},
    {MCBE_ERR_USAGE, 64},
    {MCBE_ERR_CONFIG, 64},
    {MCBE_ERR_FINGERPRINT, 64},
    {MCBE_ERR_SINGLETONS, 64},
    {MCBE_ERR_VALUE, 65},
    {MCBE_ERR_DATA, 65},
    {MCBE_ERR_VERSION, 65},
    {MCBE_ERR_CORRUPT, 65},
    {MCBE_ERR_NOMEM, 70},
    {MCBE_ERR_MPI, 70},
    {MCBE_ERR_INTERNAL, 70},
    {MCBE_ERR_IO, 74},
    {MCBE_ERR_LOCKED, 74},
    {MCBE_STOPPED, 75},
};

static void every_code_has_its_documented_exit_code(void **state)
{
    (void)state;
    size_t listed = 0;
#define COUNT_ONE(name, value, text) listed++;
    MCBE_STATUS_LIST(COUNT_ONE)
#undef COUNT_ONE
    assert_int_equal(listed, COUNT_OF(documented));
    for (size_t i = 0; i < COUNT_OF(documented); i++) {
        assert_int_equal(mcbe_exit_code(documented[i].status), documented[i].exit_code);
    }
    assert_int_equal(mcbe_exit_code((mcbe_status_t)-999), 70);
}

static void codes_and_texts_are_distinct(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(documented); i++) {
        const char *text = mcbe_strerror(documented[i].status);
        assert_true(strlen(text) > 0);
        assert_string_not_equal(text, "unknown status");
        assert_true(documented[i].status <= 0);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(documented[i].status, documented[j].status);
            assert_string_not_equal(text, mcbe_strerror(documented[j].status));
        }
    }
    assert_string_equal(mcbe_strerror((mcbe_status_t)-999), "unknown status");
}

static void the_first_status_stays_and_sentences_add_up(void **state)
{
    (void)state;
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_fail(&err, MCBE_ERR_CONFIG, "key '%s' is %d", "n", 0), MCBE_ERR_CONFIG);
    const int line = __LINE__ - 1;
    assert_int_equal(mcbe_fail(&err, MCBE_ERR_IO, "disk full"), MCBE_ERR_IO);
    assert_int_equal(err.status, MCBE_ERR_CONFIG);
    assert_int_equal(err.line, line);
    assert_string_equal(err.file, __FILE__);
    assert_string_equal(err.text, "key 'n' is 0\ndisk full");
}

static void a_cleared_error_starts_anew(void **state)
{
    (void)state;
    mcbe_error_t err = {0};
    mcbe_fail(&err, MCBE_ERR_IO, "old");
    mcbe_error_clear(&err);
    assert_int_equal(err.status, MCBE_OK);
    assert_null(err.file);
    assert_string_equal(err.text, "");
    mcbe_fail(&err, MCBE_ERR_DIM, "new");
    assert_int_equal(err.status, MCBE_ERR_DIM);
    assert_string_equal(err.text, "new");
}

static void nobody_need_listen(void **state)
{
    (void)state;
    mcbe_error_clear(NULL);
    assert_int_equal(mcbe_fail(NULL, MCBE_ERR_DATA, "lost"), MCBE_ERR_DATA);
}

static void a_sentence_that_does_not_fit_is_dropped_whole(void **state)
{
    (void)state;
    for (size_t room = 1; room < 20; room++) {
        const size_t used = MCBE_ERROR_TEXT_MAX - room;
        char before[MCBE_ERROR_TEXT_MAX] = "";
        memset(before, 'a', used);
        mcbe_error_t err = {0};
        mcbe_fail(&err, MCBE_ERR_CONFIG, "%s", before);
        mcbe_fail(&err, MCBE_ERR_CONFIG, "a sentence that is never shown in part");
        assert_int_equal(strlen(err.text), used);
        assert_memory_equal(err.text, before, used);
    }
}

static void a_sentence_that_just_fits_is_kept(void **state)
{
    (void)state;
    char before[MCBE_ERROR_TEXT_MAX] = "";
    const size_t used = sizeof before - strlen("\nabc") - 1;
    memset(before, 'a', used);
    mcbe_error_t err = {0};
    mcbe_fail(&err, MCBE_ERR_CONFIG, "%s", before);
    mcbe_fail(&err, MCBE_ERR_CONFIG, "abc");
    assert_string_equal(err.text + used, "\nabc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(every_code_has_its_documented_exit_code),
        UNIT_TEST(codes_and_texts_are_distinct),
        UNIT_TEST(the_first_status_stays_and_sentences_add_up),
        UNIT_TEST(a_cleared_error_starts_anew),
        UNIT_TEST(nobody_need_listen),
        UNIT_TEST(a_sentence_that_does_not_fit_is_dropped_whole),
        UNIT_TEST(a_sentence_that_just_fits_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
