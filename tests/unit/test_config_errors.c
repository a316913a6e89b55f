#include <stdio.h>

#include "config_demo.h"

/* --- bad input --- */

enum { MOST_OVERRIDES = 4 };

/* A config that must be refused with exactly this text. */
static void assert_refused(const char *text, const char *const *overrides, const char *expected)
{
    mcbe_config_t *config = NULL;
    mcbe_error_t err = {0};
    mcbe_status_t st = parse(&config, text, overrides, &err);
    assert_string_equal(err.text, expected);
    assert_int_equal(st, MCBE_ERR_CONFIG);
    assert_int_equal(err.status, MCBE_ERR_CONFIG);
    assert_null(config);
}

static const struct {
    const char *text;
    const char *overrides[MOST_OVERRIDES];
    const char *expected;
} refused[] = {
    /* the file as a whole */
    {"", {NULL}, "c.yaml: the file is empty; an experiment needs at least the key 'experiment'"},
    {"# nothing\n---\n",
     {NULL},
     "c.yaml: the file is empty; an experiment needs at least the key 'experiment'"},
    {"hello", {NULL}, "c.yaml:1:1: 'hello' is not a mapping of keys to values (as in 'seed: 1')"},
    {"[1, 2]", {NULL}, "c.yaml:1:1: a list is not a mapping of keys to values (as in 'seed: 1')"},
    {GOOD "--- \nseed: 1\n",
     {NULL},
     "c.yaml:3:1: a second document starts here; a config is one document"},
    {HEAD "grid: {n: [1, 2\nseed: 1\n",
     {NULL},
     "c.yaml:3:5: not YAML: did not find expected ',' or ']' while parsing a flow sequence that "
     "starts on line 2"},
    {HEAD "a: b: c\n",
     {NULL},
     "c.yaml:2:5: not YAML: mapping values are not allowed in this context"},
    {HEAD "seed: \x01\n",
     {NULL},
     "c.yaml:2:7: not a text file: control characters are not allowed"},
    {HEAD "\xC3\xA4: \xFF\n", {NULL}, "c.yaml:2:4: not a text file: invalid leading UTF-8 octet"},
    {HEAD "a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n",
     {NULL},
     "c.yaml:2:19: lists and mappings are nested deeper than any experiment's (over 16)"},
    /* YAML that a config has no use for */
    {GOOD "seed: &s 5\ntrials: *s\n",
     {NULL},
     "c.yaml:3:7: anchors (&s) are not allowed; write the value out\n"
     "c.yaml:4:9: aliases (*...) are not allowed; write the value out"},
    {GOOD "<<: {seed: 5}\n",
     {NULL},
     "c.yaml:3:1: merge keys (<<) are not allowed; write the keys out"},
    {GOOD "seed: !!int 5\n",
     {NULL},
     "c.yaml:3:7: tags (tag:yaml.org,2002:int) are not allowed; the table of keys knows the types"},
    {GOOD "? [a, b]\n: 5\n",
     {NULL},
     "c.yaml:3:3: a list or mapping cannot be a key; a key is plain text"},
    {GOOD "data: {path: \"a\\0b\"}\n",
     {NULL},
     "c.yaml:3:14: the text \"a\\0...\" holds a NUL character, which is not allowed"},
    /* which experiment */
    {"seed: 5\n", {NULL}, "c.yaml:1:1: key 'experiment': missing; it must be one of demo, layer"},
    {"seed: 5\nexperimnt: demo\n",
     {NULL},
     "c.yaml:2:1: key 'experimnt': unknown; did you mean 'experiment'?"},
    {"experiment: dmo\nseed: x\n",
     {NULL},
     "c.yaml:1:13: key 'experiment': 'dmo' is not one of demo, layer; did you mean 'demo'?"},
    /* keys */
    {HEAD "seed: 5\n",
     {NULL},
     "c.yaml:1:1: key 'grid.n': missing; it must be an axis: one whole number, [first, last], "
     "{values: [...]} or {from: a, to: b, step: s}, each from 1 to 100"},
    {HEAD "grid: {}\n",
     {NULL},
     "c.yaml:2:7: key 'grid.n': missing; it must be an axis: one whole number, [first, last], "
     "{values: [...]} or {from: a, to: b, step: s}, each from 1 to 100"},
    {GOOD "sampling: {desing: iid}\n",
     {NULL},
     "c.yaml:3:12: key 'sampling.desing': unknown; did you mean 'sampling.design'?"},
    {GOOD "samplng: {design: iid}\n",
     {NULL},
     "c.yaml:3:1: key 'samplng': unknown; did you mean 'sampling'?"},
    {GOOD "unchanged: 3\n",
     {NULL},
     "c.yaml:3:1: key 'unchanged': unknown; did you mean 'sampling.stop.unchanged'?"},
    {GOOD "sampling: {stop: {xyzzy: 3}}\n",
     {NULL},
     "c.yaml:3:19: key 'sampling.stop.xyzzy': unknown; the keys here are unchanged"},
    {GOOD "xyzzy: 3\n",
     {NULL},
     "c.yaml:3:1: key 'xyzzy': unknown; the keys here are experiment, seed, trials, grid, "
     "sampling, data, biases, run"},
    {GOOD "sampling.radius: 3\n",
     {NULL},
     "c.yaml:3:1: key 'sampling.radius': a key in the file has no dots; its groups are mappings "
     "around it"},
    {GOOD "seed: 1\ntrials: 2\nseed: 1\n",
     {NULL},
     "c.yaml:5:1: key 'seed': given twice, first on line 3"},
    {GOOD "sampling: {}\nsampling: {}\n",
     {NULL},
     "c.yaml:4:1: key 'sampling': given twice, first on line 3"},
    {GOOD "sampling: 5\n",
     {NULL},
     "c.yaml:3:11: key 'sampling': '5' is not a mapping with the keys design, radius, stop"},
    {GOOD "sampling:\n",
     {NULL},
     "c.yaml:3:10: key 'sampling': has no value; it must be a mapping with the keys design, "
     "radius, stop"},
    /* values */
    {GOOD "trials: 0\n",
     {NULL},
     "c.yaml:3:9: key 'trials': '0' is not a whole number from 1 to 1000"},
    {GOOD "trials: 1001\n",
     {NULL},
     "c.yaml:3:9: key 'trials': '1001' is not a whole number from 1 to 1000"},
    {GOOD "trials: \"5\"\n",
     {NULL},
     "c.yaml:3:9: key 'trials': the quoted text \"5\" is not a whole number from 1 to 1000"},
    {GOOD "trials: [5]\n",
     {NULL},
     "c.yaml:3:9: key 'trials': a list is not a whole number from 1 to 1000"},
    {GOOD "trials: {a: 5}\n",
     {NULL},
     "c.yaml:3:9: key 'trials': a mapping is not a whole number from 1 to 1000"},
    {GOOD "trials:\nseed: ~\n",
     {NULL},
     "c.yaml:3:8: key 'trials': has no value; it must be a whole number from 1 to 1000\n"
     "c.yaml:4:7: key 'seed': has no value; it must be a whole number"},
    {GOOD "run: {bar: maybe}\n",
     {NULL},
     "c.yaml:3:12: key 'run.bar': 'maybe' is not true or false"},
    {GOOD "run: {bar: yes, ranks: ato}\n",
     {NULL},
     "c.yaml:3:12: key 'run.bar': 'yes' is not true or false\n"
     "c.yaml:3:24: key 'run.ranks': 'ato' is not a whole number from 1 to 64 or one of auto, all; "
     "did you mean 'auto'?"},
    {GOOD "run: {bar: 'true', ranks: -1}\n",
     {NULL},
     "c.yaml:3:12: key 'run.bar': the quoted text \"true\" is not true or false\n"
     "c.yaml:3:27: key 'run.ranks': '-1' is not a whole number from 1 to 64 or one of auto, all"},
    {GOOD "sampling: {design: pared}\n",
     {NULL},
     "c.yaml:3:20: key 'sampling.design': 'pared' is not one of iid, paired; did you mean "
     "'paired'?"},
    {GOOD "data: {path: null}\n",
     {NULL},
     "c.yaml:3:14: key 'data.path': has no value; it must be text"},
    {GOOD "data: {path: [a]}\n", {NULL}, "c.yaml:3:14: key 'data.path': a list is not text"},
    {GOOD "seed: 0123456789012345678901234567890123456789012345678901234567890123456789x\n",
     {NULL},
     "c.yaml:3:7: key 'seed': '012345678901234567890123456789012345678901234567890123456789...' is "
     "not a whole number"},
    /* axes */
    {HEAD "grid: {n: [5, 2]}\n",
     {NULL},
     "c.yaml:2:11: key 'grid.n': the first value, 5, is above the last, 2"},
    {HEAD "grid: {n: [1, 101]}\n",
     {NULL},
     "c.yaml:2:15: key 'grid.n': '101' is not a whole number from 1 to 100"},
    {HEAD "grid: {n: [1, 2, 3]}\n",
     {NULL},
     "c.yaml:2:11: key 'grid.n': a list is not an axis: one whole number, [first, last], "
     "{values: [...]} or {from: a, to: b, step: s}, each from 1 to 100"},
    {HEAD "grid: {n: {values: [3, 2, 3]}}\n",
     {NULL},
     "c.yaml:2:20: key 'grid.n': 3 is given twice; every value of an axis must differ"},
    {HEAD "grid: {n: {values: []}}\n",
     {NULL},
     "c.yaml:2:20: key 'grid.n': a list is not a list of at least one whole number"},
    {HEAD "grid: {n: {values: [0, x]}}\n",
     {NULL},
     "c.yaml:2:21: key 'grid.n': '0' is not a whole number from 1 to 100\n"
     "c.yaml:2:24: key 'grid.n': 'x' is not a whole number from 1 to 100"},
    {HEAD "grid: {n: 3, m: {from: 1, to: 2, steps: 1}}\n",
     {NULL},
     "c.yaml:2:17: key 'grid.m': a mapping is not an axis: one whole number, [first, last], "
     "{values: [...]} or {from: a, to: b, step: s}"},
    {HEAD "grid: {n: 3, m: {from: 1, to: 2, step: 0}}\n",
     {NULL},
     "c.yaml:2:17: key 'grid.m': the step, 0, is below 1"},
    {HEAD "grid: {n: 3, m: [-9e18, 9e18]}\n",
     {NULL},
     "c.yaml:2:17: key 'grid.m': -9000000000000000000 to 9000000000000000000 in steps of 1 is more "
     "than 1000000 values"},
    /* records */
    {GOOD "biases: 5\n", {NULL}, "c.yaml:3:9: key 'biases': '5' is not a list of 1 to 4 mappings"},
    {GOOD "biases: []\n",
     {NULL},
     "c.yaml:3:9: key 'biases': a list of 0 is not a list of 1 to 4 mappings"},
    {GOOD "biases:\n- {name: a, kind: normal}\n- b\n- {name: c, value: 11}\n",
     {NULL},
     "c.yaml:5:3: key 'biases[1]': 'b' is not a mapping with the keys name, kind, value\n"
     "c.yaml:6:20: key 'biases[2].value': '11' is not a finite number from -10 to 10\n"
     "c.yaml:6:3: key 'biases[2].kind': missing; it must be one of constant, normal"},
    {GOOD "biases:\n- {name: a, kind: normal, vlue: 3}\n",
     {NULL},
     "c.yaml:4:27: key 'biases[0].vlue': unknown; did you mean 'biases[0].value'?"},
    {GOOD "biases:\n- {name: a, kind: normal}\n- {name: b, kind: normal}\n"
          "- {name: a, kind: constant}\n",
     {NULL},
     "c.yaml:6:10: key 'biases[2].name': 'a' is taken by biases[0].name; every entry needs its "
     "own"},
    {GOOD "biases:\n- {name: a/b, kind: normal}\n- {name: .., kind: normal}\n",
     {NULL},
     "c.yaml:4:10: key 'biases[0].name': 'a/b' is not a name of 1 to 64 characters "
     "A-Z a-z 0-9 _ . + -\n"
     "c.yaml:5:10: key 'biases[1].name': '..' is not a name of 1 to 64 characters "
     "A-Z a-z 0-9 _ . + -"},
    /* overrides */
    {GOOD, {"trials"}, "--set trials: an override has the form key=value"},
    {GOOD,
     {"=5", "a..b=5", ".a=5"},
     "--set =5: an override has the form key=value\n"
     "--set a..b=5: an override has the form key=value\n"
     "--set .a=5: an override has the form key=value"},
    {GOOD,
     {"sampling.radios=5"},
     "--set sampling.radios=5: key 'sampling.radios': unknown; did you mean 'sampling.radius'?"},
    {GOOD, {"trials=0"}, "--set trials=0: key 'trials': '0' is not a whole number from 1 to 1000"},
    {GOOD,
     {"trials="},
     "--set trials=: key 'trials': has no value; it must be a whole number from 1 to 1000"},
    {GOOD,
     {"grid.n=[1,"},
     "--set grid.n=[1,: key 'grid.n': not YAML: did not find expected node content"},
    {GOOD,
     {"seed=&a 5"},
     "--set seed=&a 5: key 'seed': anchors (&a) are not allowed; write the value out"},
    {GOOD "sampling: 5\n",
     {"sampling.radius=3"},
     "c.yaml:3:11: key 'sampling': '5' is not a mapping with the keys design, radius, stop"},
    {GOOD "seed: x\n",
     {"trials=y"},
     "c.yaml:3:7: key 'seed': 'x' is not a whole number\n"
     "--set trials=y: key 'trials': 'y' is not a whole number from 1 to 1000"},
};

static void every_error_is_one_exact_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        assert_refused(refused[i].text, refused[i].overrides, refused[i].expected);
    }
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    static const char nul[] = "experiment: demo\nseed: \0 5\n";
    mcbe_config_t *config = NULL;
    mcbe_error_t err = {0};
    (void)state;
    assert_int_equal(
        mcbe_config_parse(&config, "c.yaml", nul, sizeof nul - 1, NULL, 0, tables, TABLES, &err),
        MCBE_ERR_CONFIG);
    assert_string_equal(err.text, "c.yaml:2:7: not a text file: it holds a NUL byte");
    assert_int_equal(mcbe_config_parse(&config, "c.yaml", NULL, 0, NULL, 0, tables, TABLES, NULL),
                     MCBE_ERR_CONFIG);
}

/* Text of `head`, then `count` times `item`, then `tail`. */
static char *repeat(const char *head, const char *item, size_t count, const char *tail)
{
    size_t length = strlen(head) + count * strlen(item) + strlen(tail) + 1;
    char *text = malloc(length);
    assert_non_null(text);
    char *at = text + sprintf(text, "%s", head);
    for (size_t i = 0; i < count; i++) {
        at += sprintf(at, "%s", item);
    }
    strcpy(at, tail);
    return text;
}

static void more_errors_than_fit_are_counted(void **state)
{
    enum { ERRORS = 900 };
    (void)state;
    mcbe_config_t *config = NULL;
    mcbe_error_t err = {0};
    char *text = repeat(GOOD, "xyzzy: 1\n", ERRORS, "");
    assert_int_equal(parse(&config, text, NULL, &err), MCBE_ERR_CONFIG);
    free(text);
    int lines = 1;
    for (const char *at = err.text; (at = strchr(at, '\n')); at++) {
        lines++;
    }
    int untold = 0;
    assert_int_equal(sscanf(strrchr(err.text, '\n'), "\n%d more errors are not shown", &untold), 1);
    assert_int_equal(lines - 1 + untold, ERRORS);
}

static void huge_input_is_refused_soon(void **state)
{
    static const struct {
        const char *head, *item;
        size_t count;
        const char *tail, *expected;
    } cases[] = {
        {"", "#", (1 << 20) + 1, "", "c.yaml: longer than 1 MiB; this is no config"},
        {"a: ", "[", 500000, "",
         "c.yaml:1:19: lists and mappings are nested deeper than any experiment's (over 16)"},
        {"", "- ", 500000, "",
         "c.yaml:1:33: lists and mappings are nested deeper than any experiment's (over 16)"},
        {GOOD "grid: {n: {values: [", "7,", 400000, "7]}}",
         "c.yaml:3:1: key 'grid': given twice, first on line 2"},
        {HEAD "grid: {n: {values: [", "7,", 400000, "7]}}",
         "c.yaml:2:20: key 'grid.n': 7 is given twice; every value of an axis must differ"},
        {GOOD "biases: [", "{},", 300000, "]",
         "c.yaml:3:9: key 'biases': a list of 300000 is not a list of 1 to 4 mappings"},
        {"", "a: 1\n", 200000, "",
         "c.yaml:1001:4: this mapping has more keys than any experiment (over 1000)"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *text = repeat(cases[i].head, cases[i].item, cases[i].count, cases[i].tail);
        mcbe_config_t *config = NULL;
        mcbe_error_t err = {0};
        mcbe_status_t st = parse(&config, text, NULL, &err);
        free(text);
        assert_string_equal(err.text, cases[i].expected);
        assert_int_equal(st, MCBE_ERR_CONFIG);
    }
}

/* --- failures --- */

static mcbe_status_t parse_and_forget(const char *text, const char *const *overrides,
                                      mcbe_error_t *err)
{
    mcbe_config_t *config = NULL;
    mcbe_status_t st = parse(&config, text, overrides, err);
    assert_true((config != NULL) == (st == MCBE_OK));
    mcbe_config_destroy(&config);
    return st;
}

static void failed_allocations_leave_nothing(void **state)
{
    static const char *const overrides[] = {"seed=3", "sampling.stop={unchanged: 4}", NULL};
    (void)state;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(parse_and_forget(RICH, overrides, NULL));
    /* a bad config must not pass for a good one either */
    for (int64_t allowed = 0;; allowed++) {
        mcbe_error_t err = {0};
        mcbe_alloc_fail_after(allowed);
        mcbe_status_t st = parse_and_forget(RICH "oops: 1\n", overrides, &err);
        mcbe_alloc_fail_after(-1);
        assert_int_equal(mcbe_alloc_balance(), 0);
        assert_int_equal(err.status, st);
        if (st != MCBE_ERR_NOMEM) {
            assert_int_equal(st, MCBE_ERR_CONFIG);
            break;
        }
        assert_string_equal(err.text, "c.yaml: out of memory while reading the config");
    }
}

/* OK or errors with a sentence; nothing else, and nothing left behind. */
static void assert_answers(const char *text, size_t length)
{
    mcbe_config_t *config = NULL;
    mcbe_error_t err = {0};
    mcbe_status_t st =
        mcbe_config_parse(&config, "c.yaml", text, length, NULL, 0, tables, TABLES, &err);
    assert_true(st == MCBE_OK || st == MCBE_ERR_CONFIG);
    assert_true((st == MCBE_OK) == (err.text[0] == '\0'));
    mcbe_config_destroy(&config);
    assert_int_equal(mcbe_alloc_balance(), 0);
}

static void any_beginning_of_a_file_is_answered(void **state)
{
    static const char text[] = RICH;
    (void)state;
    for (size_t length = 0; length < sizeof text; length++) {
        char *exact = malloc(length + 1); /* so that a checker sees reads beyond the end */
        assert_non_null(exact);
        memcpy(exact, text, length);
        assert_answers(exact, length);
        free(exact);
    }
}

static void any_damaged_file_is_answered(void **state)
{
    static const char insertions[] = "{}[]:,-?&*!|>'\"%@`#~\n\t 0\\\xFF";
    enum { ROUNDS = 400 };
    (void)state;
    mcbe_rng_t rng = test_rng(1);
    for (int round = 0; round < test_cases(ROUNDS); round++) {
        char text[] = RICH;
        for (int hits = test_between(&rng, 1, 4); hits > 0; hits--) {
            int at = test_between(&rng, 0, (int)sizeof text - 2);
            text[at] = insertions[test_between(&rng, 0, (int)sizeof insertions - 2)];
        }
        assert_answers(text, sizeof text - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(every_error_is_one_exact_sentence),
        UNIT_TEST(bytes_that_are_no_text_are_refused),
        UNIT_TEST(more_errors_than_fit_are_counted),
        UNIT_TEST(huge_input_is_refused_soon),
        UNIT_TEST(failed_allocations_leave_nothing),
        UNIT_TEST(any_beginning_of_a_file_is_answered),
        UNIT_TEST(any_damaged_file_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
