#include <stdio.h>

#include "config_demo.h"

/* --- the listing and its fingerprint --- */

#define RICH_FIXED                                                                                 \
    "biases = 2\n"                                                                                 \
    "biases[0].kind = constant\n"                                                                  \
    "biases[0].name = zero\n"                                                                      \
    "biases[0].value = 0\n"                                                                        \
    "biases[1].kind = normal\n"                                                                    \
    "biases[1].name = one\n"                                                                       \
    "biases[1].value = 1\n"                                                                        \
    "data.path = d\\\\\\x0a\\xc3\\xa9.npy\n"                                                       \
    "experiment = demo\n"                                                                          \
    "grid.m = 2..30:4\n"                                                                           \
    "grid.n = 2..30\n"                                                                             \
    "%s"                                                                                           \
    "sampling.design = paired\n"                                                                   \
    "sampling.radius = 0.10000000000000001\n"                                                      \
    "sampling.stop.unchanged = 1000\n"                                                             \
    "seed = 5\n"                                                                                   \
    "stream_version = 1\n"                                                                         \
    "%s"

static void the_listing_is_canonical(void **state)
{
    (void)state;
    char expected[2048];
    snprintf(expected, sizeof expected, RICH_FIXED, "~run.bar = false\n~run.ranks = -1\n",
             "+trials = 3\n");
    mcbe_config_t *config = parse_good(RICH, NULL);
    assert_string_equal(mcbe_config_resolved(config), expected);
    mcbe_config_destroy(&config);
}

static void the_fingerprint_is_sha256_of_the_fixed_lines(void **state)
{
    /* printf 'a = 1\nb = 2\n' | sha256sum */
    static const char expected[] =
        "fe9c2dadb34bee2ae03fc8fe25e26c64ce2f572a53a127db5d6e73899b64fc11";
    (void)state;
    char hex[65];
    mcbe_config_fingerprint("a = 1\nb = 2\n", hex);
    assert_string_equal(hex, expected);
    mcbe_config_fingerprint("~0 = x\na = 1\n+aa = 4\nb = 2\n~c = 3\n", hex);
    assert_string_equal(hex, expected);
}

static void fingerprint_of(const char *text, const char *override, char hex[65])
{
    const char *const overrides[] = {override, NULL};
    mcbe_config_t *config = parse_good(text, overrides);
    mcbe_config_fingerprint(mcbe_config_resolved(config), hex);
    mcbe_config_destroy(&config);
}

static void texts_of_one_meaning_have_one_listing(void **state)
{
    static const char other_words[] =
        "# the same in other words\n"
        "run:\n"
        "  ranks: all\n"
        "  bar: false\n"
        "biases:\n"
        "  - kind: constant\n"
        "    name: 'zero'\n"
        "    value: -0.0\n"
        "  - {value: 1.0, name: one, kind: normal}\n"
        "data: {path: \"d\\\\\\x0A\\u00e9.npy\"}\n"
        "grid:\n"
        "  m: {values: [30, 2, 6, 10, 14, 18, 22, 26]}\n"
        "  n: {from: 2, to: 30}\n"
        "sampling: {stop: {unchanged: 1_000}, radius: 1e-1, design: \"paired\"}\n"
        "seed: +5\n"
        "trials: 3.0\n"
        "experiment: demo\n";
    (void)state;
    mcbe_config_t *one = parse_good(RICH, NULL);
    mcbe_config_t *other = parse_good(other_words, NULL);
    assert_string_equal(mcbe_config_resolved(one), mcbe_config_resolved(other));
    mcbe_config_destroy(&one);
    mcbe_config_destroy(&other);
}

static void every_change_of_meaning_changes_the_fingerprint(void **state)
{
    static const char *const changes[] = {"seed=6",
                                          "grid.n=[2,31]",
                                          "grid.n={values: [2, 30]}",
                                          "grid.m={from: 2, to: 30, step: 2}",
                                          "sampling.design=iid",
                                          "sampling.radius=0.10000000000000002",
                                          "sampling.stop.unchanged=1001",
                                          "data.path=d",
                                          "biases=[{name: zero, kind: constant}]",
                                          "biases=[{name: zero, kind: constant}, "
                                          "{name: two, kind: normal, value: 1}]",
                                          "biases=[{name: zero, kind: constant}, "
                                          "{name: one, kind: constant, value: 1}]",
                                          "biases=[{name: zero, kind: constant}, "
                                          "{name: one, kind: normal, value: 2}]"};
    static const char *const no_changes[] = {"trials=30", "run.bar=true", "run.ranks=4", "seed=5"};
    (void)state;
    char seen[COUNT_OF(changes) + 1][65];
    char hex[65];
    fingerprint_of(RICH, NULL, seen[0]);
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        fingerprint_of(RICH, changes[i], seen[i + 1]);
        for (size_t j = 0; j <= i; j++) {
            assert_string_not_equal(seen[i + 1], seen[j]);
        }
    }
    for (size_t i = 0; i < COUNT_OF(no_changes); i++) {
        fingerprint_of(RICH, no_changes[i], hex);
        assert_string_equal(hex, seen[0]);
    }
}

static const mcbe_key_t late_keys[] = {
    {.path = "experiment", .type = MCBE_KEY_STRING, .help = "Which experiment."},
    {.path = "late.flag",
     .type = MCBE_KEY_BOOL,
     .flags = MCBE_KEY_LATE,
     .fallback = "false",
     .help = "Flag."},
    {.path = "late.path",
     .type = MCBE_KEY_STRING,
     .flags = MCBE_KEY_LATE,
     .fallback = "",
     .help = "File."},
    {.path = "late.word",
     .type = MCBE_KEY_ENUM,
     .flags = MCBE_KEY_LATE,
     .fallback = "none",
     .words = "none some",
     .help = "Word."},
    {.path = NULL},
};

/* Files written before such a key existed keep their fingerprint; a value that changes results joins
 * it. */
static void late_keys_are_listed_once_they_are_used(void **state)
{
    static const mcbe_key_table_t table = {"late", "Keys that came late.", late_keys};
    static const char text[] = "experiment: late\n";
    static const struct {
        const char *override, *listing;
    } cases[] = {{"late.flag=false", "experiment = late\nstream_version = 1\n"},
                 {"late.path=''", "experiment = late\nstream_version = 1\n"},
                 {"late.word=none", "experiment = late\nstream_version = 1\n"},
                 {"late.flag=true", "experiment = late\nlate.flag = true\nstream_version = 1\n"},
                 {"late.path=w", "experiment = late\nlate.path = w\nstream_version = 1\n"},
                 {"late.word=some", "experiment = late\nlate.word = some\nstream_version = 1\n"}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mcbe_config_t *config = NULL;
        assert_int_equal(mcbe_config_parse(&config, "late", text, strlen(text), &cases[i].override,
                                           1, &table, 1, NULL),
                         MCBE_OK);
        assert_string_equal(mcbe_config_resolved(config), cases[i].listing);
        mcbe_config_destroy(&config);
    }
}

static void facts_join_the_listing(void **state)
{
    (void)state;
    mcbe_config_t *config = parse_good(GOOD, NULL);
    char before[65];
    char after[65];
    char value[64];
    mcbe_config_fingerprint(mcbe_config_resolved(config), before);
    assert_int_equal(mcbe_config_add_fact(config, "data.sha256", "ab\ncd"), MCBE_OK);
    assert_non_null(strstr(mcbe_config_resolved(config),
                           "data.path = \ndata.sha256 = ab\\x0acd\nexperiment = demo\n"));
    mcbe_config_fingerprint(mcbe_config_resolved(config), after);
    assert_string_not_equal(before, after);
    assert_int_equal(mcbe_config_add_fact(config, "data.sha256", "ef"), MCBE_OK);
    assert_int_equal(
        mcbe_config_lookup(mcbe_config_resolved(config), "data.sha256", value, sizeof value),
        MCBE_OK);
    assert_string_equal(value, "ef");
    assert_int_equal(mcbe_config_int(config, "seed"), 7);
    mcbe_config_destroy(&config);
}

static void a_failed_fact_changes_nothing(void **state)
{
    (void)state;
    mcbe_config_t *config = parse_good(GOOD, NULL);
    char before[2048];
    for (int round = 0; round < 2; round++) { /* a new fact, then its replacement */
        snprintf(before, sizeof before, "%s", mcbe_config_resolved(config));
        for (int64_t allowed = 0;; allowed++) {
            mcbe_alloc_fail_after(allowed);
            mcbe_status_t st = mcbe_config_add_fact(config, "fact", round == 0 ? "one" : "two");
            mcbe_alloc_fail_after(-1);
            if (st == MCBE_OK) {
                assert_true(allowed > 0);
                break;
            }
            assert_int_equal(st, MCBE_ERR_NOMEM);
            assert_string_equal(mcbe_config_resolved(config), before);
            assert_int_equal(mcbe_config_int(config, "seed"), 7);
        }
        assert_string_not_equal(mcbe_config_resolved(config), before);
    }
    mcbe_config_destroy(&config);
}

static void a_listing_can_be_looked_up(void **state)
{
    static const char listing[] = "a = 1\nab = x = y\n~c = \n+d.e = 12\n";
    char value[8] = "?";
    (void)state;
    assert_int_equal(mcbe_config_lookup(listing, "ab", value, sizeof value), MCBE_OK);
    assert_string_equal(value, "x = y");
    assert_int_equal(mcbe_config_lookup(listing, "c", value, sizeof value), MCBE_OK);
    assert_string_equal(value, "");
    assert_int_equal(mcbe_config_lookup(listing, "d.e", value, sizeof value), MCBE_OK);
    assert_string_equal(value, "12");
    assert_int_equal(mcbe_config_lookup(listing, "d", value, sizeof value), MCBE_ERR_ARGUMENT);
    assert_int_equal(mcbe_config_lookup(listing, "ab", value, 5), MCBE_ERR_ARGUMENT);
    assert_int_equal(mcbe_config_lookup("", "a", value, sizeof value), MCBE_ERR_ARGUMENT);
}

static void comparison_names_what_differs(void **state)
{
    static const struct {
        const char *stored, *wanted, *expected;
    } cases[] = {
        {"a = 1\n~b = 2\n+c = 5\n", "a = 1\n~b = 3\n+c = 5\n", ""},
        {"a = 1\n~b = 2\n", "a = 1\n~bb = 2\n", ""},
        {"+c = 9\n", "+c = 10\n", ""},
        {"+c = 5\n", "+c = 3\n", "key 'c': the file has 5, this run asks for 3; it may only grow"},
        {"+c = five\n", "+c = 9\n",
         "key 'c': the file has five, this run asks for 9; it may only grow"},
        {"a = 1\nb = 2\nd = 4\n", "a = 2\nc = 3\nd = 5\n",
         "key 'a': the file has 1, this run asks for 2\n"
         "key 'b': the file has 2, this run has no such key\n"
         "key 'c': the file has no such key, this run asks for 3\n"
         "key 'd': the file has 4, this run asks for 5"},
        {"", "a = 1\n", "key 'a': the file has no such key, this run asks for 1"},
        {"a = 1\n", "", "key 'a': the file has 1, this run has no such key"},
        {"not a listing", "a = 1\n",
         "key 'a': the file has no such key, this run asks for 1\n"
         "key 'not a listing': the file has , this run has no such key"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mcbe_error_t err = {0};
        mcbe_status_t st = mcbe_config_compare(cases[i].stored, cases[i].wanted, &err);
        assert_string_equal(err.text, cases[i].expected);
        assert_int_equal(st, cases[i].expected[0] ? MCBE_ERR_FINGERPRINT : MCBE_OK);
        assert_int_equal(err.status, st);
        assert_int_equal(mcbe_config_compare(cases[i].stored, cases[i].wanted, NULL), st);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_listing_is_canonical),
        UNIT_TEST(the_fingerprint_is_sha256_of_the_fixed_lines),
        UNIT_TEST(texts_of_one_meaning_have_one_listing),
        UNIT_TEST(every_change_of_meaning_changes_the_fingerprint),
        UNIT_TEST(late_keys_are_listed_once_they_are_used),
        UNIT_TEST(facts_join_the_listing),
        UNIT_TEST(a_failed_fact_changes_nothing),
        UNIT_TEST(a_listing_can_be_looked_up),
        UNIT_TEST(comparison_names_what_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
