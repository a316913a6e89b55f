#include <stdio.h>

#include "config_demo.h"

/* --- good input --- */

static void defaults_fill_what_is_absent(void **state)
{
    (void)state;
    mcbe_config_t *config = parse_good(GOOD, NULL);
    int count = 0;
    assert_int_equal(mcbe_config_table(config), 0);
    assert_string_equal(mcbe_config_text(config), GOOD);
    assert_string_equal(mcbe_config_string(config, "experiment"), "demo");
    assert_int_equal(mcbe_config_int(config, "seed"), 7);
    assert_int_equal(mcbe_config_int(config, "run.ranks"), 0);
    assert_int_equal(mcbe_config_bool(config, "run.bar"), 1);
    assert_int_equal(mcbe_config_enum(config, "sampling.design"), 0);
    assert_true(mcbe_config_real(config, "sampling.radius") == 1.0);
    assert_string_equal(mcbe_config_string(config, "data.path"), "");
    assert_int_equal(mcbe_config_axis(config, "grid.n", &count)[0], 3);
    assert_int_equal(count, 1);
    assert_int_equal(mcbe_config_records(config, "biases"), 1);
    assert_string_equal(mcbe_config_record_string(config, "biases", 0, "name"), "zero");
    assert_true(mcbe_config_given(config, "grid.n"));
    assert_false(mcbe_config_given(config, "grid.m"));
    assert_false(mcbe_config_given(config, "biases"));
    assert_true(mcbe_config_record_given(config, "biases", 0, "value"));
    mcbe_config_destroy(&config);
    assert_null(config);
    mcbe_config_destroy(&config);
}

static void written_values_arrive(void **state)
{
    (void)state;
    mcbe_config_t *config = parse_good("experiment: \"demo\"\n"
                                       "seed: -12\n"
                                       "grid:\n"
                                       "  n: [2, 5]\n"
                                       "sampling: {design: 'paired', radius: 2.5, "
                                       "stop: {unchanged: 10}}\n"
                                       "data: {path: \"a: b\"}\n"
                                       "biases:\n"
                                       "  - {name: q.1, kind: normal}\n"
                                       "  - {kind: constant, name: 0, value: -1e0}\n"
                                       "run: {bar: false, ranks: all}\n",
                                       NULL);
    int count = 0;
    const int64_t *axis = mcbe_config_axis(config, "grid.n", &count);
    assert_int_equal(count, 4);
    for (int i = 0; i < count; i++) {
        assert_int_equal(axis[i], 2 + i);
    }
    assert_int_equal(mcbe_config_int(config, "seed"), -12);
    assert_int_equal(mcbe_config_enum(config, "sampling.design"), 1);
    assert_int_equal(mcbe_config_int(config, "sampling.stop.unchanged"), 10);
    assert_true(mcbe_config_real(config, "sampling.radius") == 2.5);
    assert_string_equal(mcbe_config_string(config, "data.path"), "a: b");
    assert_int_equal(mcbe_config_bool(config, "run.bar"), 0);
    assert_int_equal(mcbe_config_int(config, "run.ranks"), -1);
    assert_int_equal(mcbe_config_records(config, "biases"), 2);
    assert_int_equal(mcbe_config_record_enum(config, "biases", 0, "kind"), 1);
    assert_int_equal(mcbe_config_record_enum(config, "biases", 1, "kind"), 0);
    assert_string_equal(mcbe_config_record_string(config, "biases", 1, "name"), "0");
    assert_true(mcbe_config_record_real(config, "biases", 1, "value") == -1.0);
    assert_false(mcbe_config_record_given(config, "biases", 0, "value"));
    assert_true(mcbe_config_record_given(config, "biases", 1, "value"));
    mcbe_config_destroy(&config);
}

static void whole_numbers_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"+5", 5},
        {"1_000_000", 1000000},
        {"5e5", 500000},
        {"1E+6", 1000000},
        {"2.5e3", 2500},
        {"1.0", 1},
        {"1200e-2", 12},
        {"0.0e99999999999999999999", 0},
        {"9007199254740993", INT64_C(9007199254740993)}, /* no double has this value */
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775807", -INT64_MAX},
        {"9223372036854775807000e-3", INT64_MAX},
    };
    static const char *const bad[] = {
        "1.5",
        "1e6x",
        "2.5e0",
        "1e-1",
        "1_",
        "_1",
        "1__0",
        "0x10",
        "1e",
        "1e+",
        "five",
        ".5e1",
        "5.",
        "1 2",
        "9223372036854775808",
        "1e19",
        "inf",
        "1e99999",
        "0.00000000000000000000000000000000000000001",
        "'5'",
        "true",
        "1-2",
        "100000000000000000000000000000000000000000001",
        "1e-99",
        "1,5",
    };
    (void)state;
    char text[128];
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        snprintf(text, sizeof text, GOOD "seed: %s\n", good[i].text);
        mcbe_config_t *config = parse_good(text, NULL);
        assert_true(mcbe_config_int(config, "seed") == good[i].value);
        mcbe_config_destroy(&config);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        mcbe_config_t *config = NULL;
        mcbe_error_t err = {0};
        snprintf(text, sizeof text, GOOD "seed: %s\n", bad[i]);
        assert_int_equal(parse(&config, text, NULL, &err), MCBE_ERR_CONFIG);
        assert_non_null(strstr(err.text, " is not a whole number"));
    }
}

static void real_numbers_are_read_to_their_end(void **state)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0.25", 0.25}, {"1e-3", 0.001},
                {"3", 3.0},     {"+1.5E+2", 150.0},
                {".5", 0.5},    {"1.7976931348623157e308", 0x1.fffffffffffffp1023},
                {"0x1p-1", 0.5}};
    static const char *const bad[] = {"1.5x", "1,5", "1e999",   "nan",   "inf",  ".inf",
                                      "-1",   "0",   "\"1.5\"", "1_0.5", "true", "1e-999"};
    (void)state;
    char text[128];
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        snprintf(text, sizeof text, GOOD "sampling: {radius: %s}\n", good[i].text);
        mcbe_config_t *config = parse_good(text, NULL);
        assert_true(mcbe_config_real(config, "sampling.radius") == good[i].value);
        mcbe_config_destroy(&config);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        mcbe_config_t *config = NULL;
        mcbe_error_t err = {0};
        snprintf(text, sizeof text, GOOD "sampling:\n  radius: %s\n", bad[i]);
        assert_int_equal(parse(&config, text, NULL, &err), MCBE_ERR_CONFIG);
        assert_non_null(strstr(err.text, " is not a finite number of at least 0.001"));
    }
}

static void axes_have_four_spellings(void **state)
{
    static const struct {
        const char *text;
        int count;
        int64_t values[4];
    } good[] = {{"5", 1, {5}},
                {"[4, 4]", 1, {4}},
                {"[2, 4]", 3, {2, 3, 4}},
                {"{values: [9, 1e1, 3]}", 3, {3, 9, 10}},
                {"{from: 1, to: 10, step: 3}", 4, {1, 4, 7, 10}},
                {"{from: 1, to: 9, step: 3}", 3, {1, 4, 7}},
                {"{to: 2, from: 1}", 2, {1, 2}}};
    (void)state;
    char text[128];
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        int count = 0;
        snprintf(text, sizeof text, HEAD "grid: {n: %s}\n", good[i].text);
        mcbe_config_t *config = parse_good(text, NULL);
        const int64_t *axis = mcbe_config_axis(config, "grid.n", &count);
        assert_int_equal(count, good[i].count);
        assert_memory_equal(axis, good[i].values, (size_t)count * sizeof *axis);
        mcbe_config_destroy(&config);
    }
}

static void an_axis_may_span_all_integers(void **state)
{
    (void)state;
    mcbe_config_t *config = parse_good(HEAD "grid: {n: 3, m: {from: -9e18, to: 9e18, "
                                            "step: 9e18}}\n",
                                       NULL);
    const int64_t expected[] = {INT64_C(-9000000000000000000), 0, INT64_C(9000000000000000000)};
    int count = 0;
    const int64_t *axis = mcbe_config_axis(config, "grid.m", &count);
    assert_int_equal(count, 3);
    assert_memory_equal(axis, expected, sizeof expected);
    mcbe_config_destroy(&config);
}

/* --- overrides --- */

static void overrides_replace_and_add(void **state)
{
    static const char *const overrides[] = {
        "grid.n=[20,21]",
        "sampling={radius: 3}",
        "biases=[{name: a, kind: normal}, {name: b, kind: constant}]",
        " trials = 4",
        "sampling.design=paired",
        "trials=6",
        "sampling.stop.unchanged=2",
        "data.path=''",
        NULL};
    (void)state;
    mcbe_config_t *config = parse_good(GOOD "sampling: {design: iid, stop: {unchanged: 9}}\n"
                                            "data: {path: x}\n",
                                       overrides);
    int count = 0;
    assert_int_equal(mcbe_config_axis(config, "grid.n", &count)[0], 20);
    assert_int_equal(count, 2);
    assert_int_equal(mcbe_config_int(config, "trials"), 6);
    assert_int_equal(mcbe_config_enum(config, "sampling.design"), 1);
    assert_int_equal(mcbe_config_int(config, "sampling.stop.unchanged"), 2);
    assert_true(mcbe_config_real(config, "sampling.radius") == 3.0);
    assert_int_equal(mcbe_config_records(config, "biases"), 2);
    assert_string_equal(mcbe_config_string(config, "data.path"), "");
    assert_true(mcbe_config_given(config, "trials"));
    mcbe_config_destroy(&config);
}

static void an_override_may_choose_the_experiment(void **state)
{
    static const char *const overrides[] = {"experiment=layer", NULL};
    (void)state;
    mcbe_config_t *config = parse_good("experiment: demo\nseed: 1\n", overrides);
    assert_int_equal(mcbe_config_table(config), 1);
    mcbe_config_destroy(&config);
}

static void a_byte_order_mark_is_harmless(void **state)
{
    (void)state;
    mcbe_config_t *config = parse_good("\xEF\xBB\xBF" GOOD, NULL);
    mcbe_config_destroy(&config);
}

static void an_experiment_can_reject_with_the_same_form(void **state)
{
    static const char *const overrides[] = {"seed=3", NULL};
    (void)state;
    mcbe_config_t *config =
        parse_good(GOOD "biases:\n- {name: a, kind: constant, value: 2}\n", overrides);
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_config_reject(config, &err, "biases[0].value", "too %s", "large"),
                     MCBE_ERR_CONFIG);
    assert_int_equal(mcbe_config_reject(config, &err, "grid.n", "odd"), MCBE_ERR_CONFIG);
    assert_int_equal(mcbe_config_reject(config, &err, "seed", "dull"), MCBE_ERR_CONFIG);
    assert_int_equal(mcbe_config_reject(config, &err, "trials", "few"), MCBE_ERR_CONFIG);
    assert_string_equal(err.text, "c.yaml:4:36: key 'biases[0].value': too large\n"
                                  "c.yaml:2:11: key 'grid.n': odd\n"
                                  "--set seed=3: key 'seed': dull\n"
                                  "c.yaml: key 'trials': few");
    assert_int_equal(mcbe_config_reject(config, NULL, "seed", "dull"), MCBE_ERR_CONFIG);
    mcbe_config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(defaults_fill_what_is_absent),
        UNIT_TEST(written_values_arrive),
        UNIT_TEST(whole_numbers_are_read_exactly),
        UNIT_TEST(real_numbers_are_read_to_their_end),
        UNIT_TEST(axes_have_four_spellings),
        UNIT_TEST(an_axis_may_span_all_integers),
        UNIT_TEST(overrides_replace_and_add),
        UNIT_TEST(an_override_may_choose_the_experiment),
        UNIT_TEST(a_byte_order_mark_is_harmless),
        UNIT_TEST(an_experiment_can_reject_with_the_same_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
