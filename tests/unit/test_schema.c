#include <stdio.h>

#include "config_demo.h"

/* Everything written to the stream since open_memstream. */
typedef struct page {
    FILE *stream;
    char *text;
    size_t length;
} page_t;

static void open_page(page_t *page)
{
    *page = (page_t){0};
    page->stream = open_memstream(&page->text, &page->length);
    assert_non_null(page->stream);
}

static void assert_page(page_t *page, const char *expected)
{
    assert_int_equal(fclose(page->stream), 0);
    assert_string_equal(page->text, expected);
    free(page->text);
}

static void the_list_is_aligned(void **state)
{
    page_t page;
    (void)state;
    open_page(&page);
    mcbe_config_list(page.stream, tables, TABLES);
    assert_page(&page, "demo: Everything a table can hold.\n"
                       "  experiment               required        Which experiment.\n"
                       "  seed                     7               Seed.\n"
                       "  trials                   1               Matrices per cell.\n"
                       "  grid.n                   required        Dimensions.\n"
                       "  grid.m                   8               Rows.\n"
                       "  sampling.design          iid             Design.\n"
                       "  sampling.radius          1               Radius.\n"
                       "  sampling.stop.unchanged  0               Points.\n"
                       "  data.path                (empty)         File.\n"
                       "  biases                   [{name: zer...  Bias families.\n"
                       "  biases[].name            required        Name in the results.\n"
                       "  biases[].kind            required        Law.\n"
                       "  biases[].value           0               Value | unit.\n"
                       "  run.bar                  true            Progress bar.\n"
                       "  run.ranks                auto            Ranks per unit.\n"
                       "\n"
                       "layer: One layer.\n"
                       "  experiment  required        Which experiment.\n"
                       "  seed        7               Seed.\n");
}

static void help_tells_one_key(void **state)
{
    static const struct {
        const char *asked, *expected;
    } cases[] = {
        {"seed", "seed\n"
                 "  experiment  demo, layer\n"
                 "  type        whole number\n"
                 "  default     7\n"
                 "  meaning     Seed.\n"
                 "  on resume   fixed\n"},
        {"run", "run.bar\n"
                "  experiment  demo\n"
                "  type        true or false\n"
                "  default     true\n"
                "  meaning     Progress bar.\n"
                "  on resume   may change\n"
                "\n"
                "run.ranks\n"
                "  experiment  demo\n"
                "  type        whole number\n"
                "  allowed     1 to 64, or auto, all\n"
                "  default     auto\n"
                "  meaning     Ranks per unit.\n"
                "  on resume   may change\n"},
        {"biases[].kind", "biases[].kind\n"
                          "  experiment  demo\n"
                          "  type        word\n"
                          "  allowed     constant, normal\n"
                          "  default     required\n"
                          "  meaning     Law.\n"},
        {"layer", "layer: One layer.\n"
                  "  experiment  required        Which experiment.\n"
                  "  seed        7               Seed.\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        page_t page;
        open_page(&page);
        assert_int_equal(mcbe_config_help(page.stream, tables, TABLES, cases[i].asked, NULL),
                         MCBE_OK);
        assert_page(&page, cases[i].expected);
    }
}

static void help_offers_the_nearest_name(void **state)
{
    static const struct {
        const char *asked, *expected;
    } cases[] = {
        {"run.rank", "no key or experiment 'run.rank'; did you mean 'run.ranks'?"},
        {"layr", "no key or experiment 'layr'; did you mean 'layer'?"},
        {"biases.name", "no key or experiment 'biases.name'; did you mean 'biases[].name'?"},
        {"qqqqqq", "no key or experiment 'qqqqqq'; 'mcbe list' shows them all"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mcbe_error_t err = {0};
        page_t page;
        open_page(&page);
        assert_int_equal(mcbe_config_help(page.stream, tables, TABLES, cases[i].asked, &err),
                         MCBE_ERR_USAGE);
        assert_page(&page, "");
        assert_string_equal(err.text, cases[i].expected);
    }
}

static void markdown_has_a_table_per_experiment(void **state)
{
    static const mcbe_key_t short_keys[] = {
        {.path = "experiment", .type = MCBE_KEY_STRING, .help = "Which."},
        {.path = "biases",
         .type = MCBE_KEY_RECORDS,
         .fallback = "[]",
         .fields = bias_fields,
         .help = "Families."},
        {.path = NULL},
    };
    static const mcbe_key_table_t short_table[] = {{"short", "Little.", short_keys}};
    page_t page;
    (void)state;
    open_page(&page);
    mcbe_config_markdown(page.stream, short_table, 1);
    assert_page(&page, "## short\n\nLittle.\n\n"
                       "| key | type | default | allowed | on resume | meaning |\n"
                       "|---|---|---|---|---|---|\n"
                       "| `experiment` | text | required |  | fixed | Which. |\n"
                       "| `biases` | list of mappings | [] |  | fixed | Families. |\n"
                       "\nEach entry of `biases`:\n\n"
                       "| field | type | default | allowed | meaning |\n"
                       "|---|---|---|---|---|\n"
                       "| `name` | name | required | 1 to 64 of A-Z a-z 0-9 _ . + - | Name in the "
                       "results. |\n"
                       "| `kind` | word | required | constant, normal | Law. |\n"
                       "| `value` | number | 0 | -10 to 10 | Value \\| unit. |\n");
}

static void the_nearest_name_is_near(void **state)
{
    static const char *const names[] = {"samples", "sample", "trials", "n"};
    (void)state;
    assert_ptr_equal(mcbe_nearest_name("sampels", names, 4), names[0]);
    assert_ptr_equal(mcbe_nearest_name("sample", names, 4), names[1]);
    assert_ptr_equal(mcbe_nearest_name("trails", names, 4), names[2]);
    assert_null(mcbe_nearest_name("k", names, 4));
    assert_null(mcbe_nearest_name("something", names, 4));
    assert_null(mcbe_nearest_name("samples", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_list_is_aligned),          UNIT_TEST(help_tells_one_key),
        UNIT_TEST(help_offers_the_nearest_name), UNIT_TEST(markdown_has_a_table_per_experiment),
        UNIT_TEST(the_nearest_name_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
