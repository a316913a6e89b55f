#ifndef MCBE_TEST_CONFIG_DEMO_H
#define MCBE_TEST_CONFIG_DEMO_H

/* Two experiments that exist in the tests of the configuration only: one with every type of key. */

#include "config.h"
#include "unit.h"

static const mcbe_key_t bias_fields[] = {
    {.path = "name",
     .type = MCBE_KEY_STRING,
     .flags = MCBE_KEY_UNIQUE | MCBE_KEY_NAME,
     .help = "Name in the results."},
    {.path = "kind", .type = MCBE_KEY_ENUM, .words = "constant normal", .help = "Law."},
    {.path = "value",
     .type = MCBE_KEY_REAL,
     .fallback = "0",
     .min = -10,
     .max = 10,
     .help = "Value | unit."},
    {.path = NULL},
};

static const mcbe_key_t demo_keys[] = {
    {.path = "experiment", .type = MCBE_KEY_STRING, .help = "Which experiment."},
    {.path = "seed", .type = MCBE_KEY_INT, .fallback = "7", .help = "Seed."},
    {.path = "trials",
     .type = MCBE_KEY_INT,
     .flags = MCBE_KEY_GROWS,
     .fallback = "1",
     .min = 1,
     .max = 1000,
     .help = "Matrices per cell."},
    {.path = "grid.n", .type = MCBE_KEY_AXIS, .min = 1, .max = 100, .help = "Dimensions."},
    {.path = "grid.m", .type = MCBE_KEY_AXIS, .fallback = "8", .help = "Rows."},
    {.path = "sampling.design",
     .type = MCBE_KEY_ENUM,
     .fallback = "iid",
     .words = "iid paired",
     .help = "Design."},
    {.path = "sampling.radius",
     .type = MCBE_KEY_REAL,
     .fallback = "1",
     .min = 0.001,
     .max = INFINITY,
     .help = "Radius."},
    {.path = "sampling.stop.unchanged", .type = MCBE_KEY_INT, .fallback = "0", .help = "Points."},
    {.path = "data.path", .type = MCBE_KEY_STRING, .fallback = "", .help = "File."},
    {.path = "biases",
     .type = MCBE_KEY_RECORDS,
     .fallback = "[{name: zero, kind: constant, value: 0}]",
     .min = 1,
     .max = 4,
     .fields = bias_fields,
     .help = "Bias families."},
    {.path = "run.bar",
     .type = MCBE_KEY_BOOL,
     .flags = MCBE_KEY_FREE,
     .fallback = "true",
     .help = "Progress bar."},
    {.path = "run.ranks",
     .type = MCBE_KEY_INT,
     .flags = MCBE_KEY_FREE,
     .fallback = "auto",
     .min = 1,
     .max = 64,
     .words = "auto=0 all=-1",
     .help = "Ranks per unit."},
    {.path = NULL},
};

static const mcbe_key_t layer_keys[] = {
    {.path = "experiment", .type = MCBE_KEY_STRING, .help = "Which experiment."},
    {.path = "seed", .type = MCBE_KEY_INT, .fallback = "7", .help = "Seed."},
    {.path = NULL},
};

static const mcbe_key_table_t tables[] = {
    {"demo", "Everything a table can hold.", demo_keys},
    {"layer", "One layer.", layer_keys},
};

enum { TABLES = COUNT_OF(tables) };

#define HEAD "experiment: demo\n"
#define GOOD HEAD "grid: {n: 3}\n"

static inline mcbe_status_t parse(mcbe_config_t **config, const char *text,
                                  const char *const *overrides, mcbe_error_t *err)
{
    int count = 0;
    while (overrides && overrides[count]) {
        count++;
    }
    return mcbe_config_parse(config, "c.yaml", text, strlen(text), overrides, count, tables, TABLES,
                             err);
}

/* A config that must be good. */
static inline mcbe_config_t *parse_good(const char *text, const char *const *overrides)
{
    mcbe_config_t *config = NULL;
    mcbe_error_t err = {0};
    mcbe_status_t st = parse(&config, text, overrides, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(st, MCBE_OK);
    assert_non_null(config);
    return config;
}

/* A config that writes every key. */
#define RICH                                                                                       \
    "experiment: demo\n"                                                                           \
    "seed: 5\n"                                                                                    \
    "trials: 3\n"                                                                                  \
    "grid: {n: [2, 30], m: {from: 2, to: 30, step: 4}}\n"                                          \
    "sampling: {design: paired, radius: 0.1, stop: {unchanged: 1e3}}\n"                            \
    "data: {path: \"d\\\\\\n\xC3\xA9.npy\"}\n"                                                     \
    "biases: [{name: zero, kind: constant}, {name: one, kind: normal, value: 1}]\n"                \
    "run: {bar: false, ranks: all}\n"

#endif
