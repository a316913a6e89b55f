#include "shard.h"

#include "unit.h"

/* Random plans: some cells join the one before. */
static mcbe_plan_t random_plan(int number)
{
    mcbe_rng_t rng = test_rng(900 + (uint64_t)number);
    mcbe_plan_t plan = {.cell_count = test_between(&rng, 1, 60),
                        .trials = test_between(&rng, 1, 9)};
    plan.cells = mcbe_alloc((size_t)plan.cell_count, sizeof *plan.cells);
    assert_non_null(plan.cells);
    for (int64_t c = 0; c < plan.cell_count; c++) {
        plan.cells[c] =
            (mcbe_cell_t){.n = 2 + c / 8, .m = 9 + c, .joins = c > 0 && number % 3 == 0 && c % 4};
        plan.cells[c].seconds = pow(10, 4 * mcbe_rng_uniform(&rng) - 3);
    }
    return plan;
}

static void every_job_belongs_to_one_shard(void **state)
{
    (void)state;
    for (int number = 0; number < 60; number++) {
        mcbe_plan_t plan = random_plan(number);
        const int shards = 1 + number % 13;
        const int64_t units = mcbe_plan_units(&plan);
        int *owners = mcbe_alloc((size_t)units, sizeof *owners);
        double *cost = mcbe_alloc((size_t)shards, sizeof *cost);
        double all = 0, dearest = 0;
        assert_true(owners && cost);
        for (int s = 0; s < shards; s++) {
            unsigned char *own = NULL;
            int64_t count = 0, counted = 0;
            assert_int_equal(mcbe_shard_units(&plan, (mcbe_shard_t){s, shards}, &own, &count),
                             MCBE_OK);
            for (int64_t u = 0; u < units; u++) {
                const double seconds = plan.cells[u / plan.trials].seconds;
                owners[u] += own[u];
                counted += own[u];
                cost[s] += own[u] ? seconds : 0;
                /* cells that are computed together stay together */
                const int64_t cell = u / plan.trials;
                if (plan.cells[cell].joins) {
                    assert_int_equal(own[u], own[u - plan.trials]);
                }
            }
            assert_int_equal(counted, count);
            mcbe_free(own);
        }
        for (int64_t u = 0; u < units; u++) {
            assert_int_equal(owners[u], 1);
            all += plan.cells[u / plan.trials].seconds;
        }
        for (int64_t c = 0; c < plan.cell_count; c++) {
            if (!plan.cells[c].joins) {
                dearest = fmax(dearest, mcbe_plan_job_seconds(&plan, c * plan.trials));
            }
        }
        for (int s = 0; s < shards; s++) { /* Graham's bound for lists, up to the cut costs */
            assert_true(cost[s] <= 1.01 * (all / shards + dearest));
        }
        mcbe_free(cost);
        mcbe_free(owners);
        mcbe_plan_free(&plan);
    }
}

static void more_trials_leave_the_others_where_they_are(void **state)
{
    (void)state;
    for (int number = 0; number < 20; number++) {
        mcbe_plan_t plan = random_plan(number), longer = plan;
        unsigned char *few = NULL, *many = NULL;
        int64_t count;
        longer.trials = plan.trials + 3;
        const mcbe_shard_t shard = {number % 4, 4};
        assert_int_equal(mcbe_shard_units(&plan, shard, &few, &count), MCBE_OK);
        assert_int_equal(mcbe_shard_units(&longer, shard, &many, &count), MCBE_OK);
        for (int64_t c = 0; c < plan.cell_count; c++) {
            for (int64_t t = 0; t < plan.trials; t++) {
                assert_int_equal(few[mcbe_plan_unit(&plan, c, t)],
                                 many[mcbe_plan_unit(&longer, c, t)]);
            }
        }
        mcbe_free(many);
        mcbe_free(few);
        mcbe_plan_free(&plan);
    }
}

static void a_listing_gets_its_line_in_its_place(void **state)
{
    (void)state;
    static const char listing[] =
        "biases = x\n~run.ranks = 3\nsearch = 1\nseed = 7\nstream = 1\n+trials = 2\n";
    static const char with[] =
        "biases = x\n~run.ranks = 3\nsearch = 1\nseed = 7\nshard = 2/8\nstream = 1\n+trials = 2\n";
    char *whole = mcbe_shard_listing(listing, MCBE_SHARD_WHOLE);
    char *part = mcbe_shard_listing(listing, (mcbe_shard_t){2, 8});
    assert_string_equal(whole, listing);
    assert_string_equal(part, with);
    mcbe_free(part);
    part = mcbe_shard_listing("a = 1\n", (mcbe_shard_t){0, 2});
    assert_string_equal(part, "a = 1\nshard = 0/2\n");
    mcbe_free(part);
    mcbe_free(whole);
}

static void only_what_is_a_shard_is_read(void **state)
{
    (void)state;
    mcbe_shard_t shard = {5, 6};
    mcbe_error_t err = {0};
    assert_int_equal(mcbe_shard_parse("7/1000000", &shard, &err), MCBE_OK);
    assert_true(shard.index == 7 && shard.count == 1000000);
    static const char *const bad[] = {"",
                                      "/",
                                      "1/",
                                      "/2",
                                      "2/2",
                                      "-1/2",
                                      "1/2/3",
                                      "0/1000001",
                                      "1 /2",
                                      "0x1/2",
                                      "99999999999999999999/2"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        mcbe_error_clear(&err);
        assert_int_equal(mcbe_shard_parse(bad[i], &shard, &err), MCBE_ERR_USAGE);
        assert_non_null(strstr(err.text, "--shard"));
        assert_int_equal(shard.index, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(every_job_belongs_to_one_shard),
        UNIT_TEST(more_trials_leave_the_others_where_they_are),
        UNIT_TEST(a_listing_gets_its_line_in_its_place),
        UNIT_TEST(only_what_is_a_shard_is_read),
    };
    return cmocka_run_group_tests_name("shard", tests, NULL, NULL);
}
