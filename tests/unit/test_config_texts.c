/* Keys whose value is a text or a list of texts. */

#include <stdio.h>

#include "config.h"
#include "unit.h"

static const mcbe_key_t keys[] = {
    {.path = "experiment", .type = MCBE_KEY_STRING, .help = "Name."},
    {.path = "data.path", .type = MCBE_KEY_TEXTS, .fallback = "[]", .help = "Files."},
    {.path = "data.late",
     .type = MCBE_KEY_TEXTS,
     .flags = MCBE_KEY_LATE,
     .fallback = "[]",
     .help = "More files."},
    {.path = NULL},
};

static mcbe_status_t parse(const char *text, const char *override, mcbe_config_t **config,
                           mcbe_error_t *err)
{
    const mcbe_key_table_t table = {.experiment = "lists", .summary = "Lists.", .keys = keys};
    mcbe_error_clear(err);
    return mcbe_config_parse(config, "c.yaml", text, strlen(text), &override, override != NULL,
                             &table, 1, err);
}

static void assert_texts(const char *text, const char *override, int count,
                         const char *const *expected, const char *line)
{
    mcbe_config_t *config = NULL;
    mcbe_error_t err = {0};
    int found = -1;
    if (parse(text, override, &config, &err) != MCBE_OK) {
        fail_msg("%s: %s", text, err.text);
    }
    const char *const *texts = mcbe_config_texts(config, "data.path", &found);
    assert_int_equal(found, count);
    for (int i = 0; i < count; i++) {
        assert_string_equal(texts[i], expected[i]);
    }
    assert_non_null(strstr(mcbe_config_resolved(config), line));
    mcbe_config_destroy(&config);
}

static void texts_and_lists_are_read(void **state)
{
    (void)state;
    static const char *const abc[] = {"a b", "3", "c: d"};
    assert_texts("experiment: lists\n", NULL, 0, NULL, "data.path = \n");
    assert_texts("experiment: lists\ndata: {path: []}\n", NULL, 0, NULL, "data.path = \n");
    assert_texts("experiment: lists\ndata: {path: a b}\n", NULL, 1, abc, "data.path = a b\n");
    assert_texts("experiment: lists\ndata: {path: [a b, 3, 'c: d']}\n", NULL, 3, abc,
                 "data.path = a b, 3, c: d\n");
    assert_texts("experiment: lists\ndata: {path: x}\n", "data.path=[a b, 3]", 2, abc,
                 "data.path = a b, 3\n");
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "experiment: lists\ndata: {path: {a: b}}\n",
        "experiment: lists\ndata: {path: [[a]]}\n",
        "experiment: lists\ndata: {path: [a, ~]}\n",
        "experiment: lists\ndata: {path: }\n",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        mcbe_config_t *config = NULL;
        mcbe_error_t err = {0};
        assert_int_equal(parse(bad[i], NULL, &config, &err), MCBE_ERR_CONFIG);
        assert_null(config);
        assert_non_null(strstr(err.text, "c.yaml:2:14: key 'data.path': "));
        assert_non_null(strstr(err.text, "a text or a list of at most 20000 texts"));
    }
}

/* An empty one that came late is not in the listing. */
static void late_lists_show_only_when_used(void **state)
{
    (void)state;
    mcbe_config_t *config = NULL;
    mcbe_error_t err = {0};
    assert_int_equal(parse("experiment: lists\n", NULL, &config, &err), MCBE_OK);
    assert_null(strstr(mcbe_config_resolved(config), "data.late"));
    mcbe_config_destroy(&config);
    assert_int_equal(parse("experiment: lists\n", "data.late=x", &config, &err), MCBE_OK);
    assert_non_null(strstr(mcbe_config_resolved(config), "data.late = x\n"));
    assert_true(mcbe_config_has(config, "data.late"));
    assert_false(mcbe_config_has(config, "data.latest"));
    mcbe_config_destroy(&config);
}

static mcbe_status_t parse_and_destroy(void)
{
    mcbe_config_t *config = NULL;
    mcbe_error_t err = {0};
    const mcbe_status_t st =
        parse("experiment: lists\ndata: {path: [a, b]}\n", NULL, &config, &err);
    mcbe_config_destroy(&config);
    return st;
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(parse_and_destroy());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(texts_and_lists_are_read),
        UNIT_TEST(anything_else_is_refused),
        UNIT_TEST(late_lists_show_only_when_used),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
