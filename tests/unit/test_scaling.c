/* What a run takes on so many ranks, against sums done by hand. */

#include <math.h>

#include "scaling.h"
#include "unit.h"

/* Cells of so many seconds, the dearest first. */
static mcbe_plan_t make_plan(const double *seconds, int cells, int64_t trials)
{
    mcbe_plan_t plan = {.cell_count = cells, .trials = trials};
    plan.cells = mcbe_alloc((size_t)cells, sizeof *plan.cells);
    assert_non_null(plan.cells);
    for (int c = 0; c < cells; c++) {
        plan.cells[c] = (mcbe_cell_t){.n = 2, .m = 2, .seconds = seconds[c]};
    }
    return plan;
}

static const mcbe_serving_t costs = {.answer = 0.25, .record = 0.5, .file = 0.125, .merge = 0.75};

static mcbe_scaling_t predict(const double *seconds, int cells, int64_t trials, int ranks,
                              int64_t asked)
{
    mcbe_plan_t plan = make_plan(seconds, cells, trials);
    int64_t *order = NULL, count = 0;
    mcbe_scaling_t scaling = {0};
    assert_int_equal(mcbe_plan_order(&plan, NULL, &order, &count), MCBE_OK);
    assert_int_equal(mcbe_scaling_predict(&plan, order, count, ranks, asked, &costs, &scaling),
                     MCBE_OK);
    mcbe_free(order);
    mcbe_plan_free(&plan);
    return scaling;
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected))) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

/* One rank asks nobody: 8 units of 10 s, each with its record and its place in the file. */
static void one_rank_keeps_its_own_records(void **state)
{
    (void)state;
    const double seconds[] = {10};
    const mcbe_scaling_t s = predict(seconds, 1, 8, 1, 1);
    assert_near(s.serving, 8 * 0.5);
    assert_near(s.wall, 80 + 4 + 8 * 0.125);
    assert_near(s.efficiency, 80.0 / 85);
    assert_int_equal(s.limit, MCBE_LIMIT_SERVING);
}

/* Four ranks: 3/4 of the 8 jobs are asked for, and each of the other three asks once more. */
static void others_ask(void **state)
{
    (void)state;
    const double seconds[] = {10};
    const mcbe_scaling_t s = predict(seconds, 1, 8, 4, 1);
    assert_near(s.serving, 0.25 * (6 + 3) + 4);
    assert_near(s.wall, 20 + 6.25 / 4 + 1);
    assert_near(s.efficiency, 80.0 / (4 * s.wall));
    /* T / s = 10 / (0.25 + 0.5) */
    assert_near(s.saturation, 40.0 / 3);
}

/* 40 ranks and 80 units of 10 s: serving takes 0.25 (78 + 39) + 40 s, three and a half times as long as the
 * units on 40 ranks. */
static void rank_0_saturates(void **state)
{
    (void)state;
    const double seconds[] = {10};
    const mcbe_scaling_t s = predict(seconds, 1, 80, 40, 1);
    assert_near(s.serving, 69.25);
    assert_near(s.wall, 69.25 + 10);
    assert_int_equal(s.limit, MCBE_LIMIT_SERVING);
}

/* One unit of 100 s and ten of 1 s on 10 ranks: all wait for the long one. With all ranks on each unit
 * nobody does. */
static void the_last_unit_limits(void **state)
{
    (void)state;
    const double seconds[] = {100, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const mcbe_scaling_t s = predict(seconds, 11, 1, 10, 1);
    assert_near(s.wall, 100 + (0.25 * (11 * 0.9 + 9) + 5.5) / 10 + 11 * 0.125);
    assert_int_equal(s.limit, MCBE_LIMIT_LAST_UNIT);
    const mcbe_scaling_t together = predict(seconds, 11, 1, 10, -1);
    assert_int_equal(together.group, 10);
    assert_near(together.wall, 11 + 5.5 + 11 * 0.125);
}

static void the_file_limits(void **state)
{
    (void)state;
    const double seconds[] = {1000};
    const mcbe_serving_t slow_disk = {.answer = 1e-6, .record = 1e-6, .file = 50};
    mcbe_plan_t plan = make_plan(seconds, 1, 4);
    int64_t *order = NULL, count = 0;
    mcbe_scaling_t s = {0};
    assert_int_equal(mcbe_plan_order(&plan, NULL, &order, &count), MCBE_OK);
    assert_int_equal(mcbe_scaling_predict(&plan, order, count, 4, 1, &slow_disk, &s), MCBE_OK);
    assert_int_equal(s.limit, MCBE_LIMIT_FILE);
    assert_near(s.efficiency, 4000 / (4 * s.wall));
    mcbe_free(order);
    mcbe_plan_free(&plan);
}

/* Cells that are computed together: one question, but a record each. */
static void a_job_of_several_units_asks_once(void **state)
{
    (void)state;
    const double seconds[] = {6, 4};
    mcbe_plan_t plan = make_plan(seconds, 2, 3);
    int64_t *order = NULL, count = 0;
    mcbe_scaling_t s = {0};
    plan.cells[1].joins = 1;
    assert_int_equal(mcbe_plan_order(&plan, NULL, &order, &count), MCBE_OK);
    assert_int_equal(count, 3);
    assert_int_equal(mcbe_scaling_predict(&plan, order, count, 3, 1, &costs, &s), MCBE_OK);
    assert_near(s.work, 30);
    assert_near(s.serving, 0.25 * (2 + 2) + 0.5 * 6);
    assert_near(s.saturation, 30 / (0.75 + 3));
    mcbe_free(order);
    mcbe_plan_free(&plan);
}

static void nothing_to_do_takes_no_time(void **state)
{
    (void)state;
    const double seconds[] = {1};
    mcbe_plan_t plan = make_plan(seconds, 1, 1);
    mcbe_scaling_t s = {0};
    int64_t none = 0;
    assert_int_equal(mcbe_scaling_predict(&plan, &none, 0, 1, 0, &costs, &s), MCBE_OK);
    assert_near(s.wall, 0);
    assert_near(s.efficiency, 1);
    assert_true(isinf(s.saturation));
    mcbe_plan_free(&plan);
}

/* The largest number that is worth having against all numbers up to it and some beyond. */
static void the_largest_number_worth_having(void **state)
{
    (void)state;
    const double seconds[] = {10, 8, 3, 1};
    mcbe_plan_t plan = make_plan(seconds, 4, 50);
    int64_t *order = NULL, count = 0;
    int ranks = 0, few = 0;
    assert_int_equal(mcbe_plan_order(&plan, NULL, &order, &count), MCBE_OK);
    assert_int_equal(mcbe_scaling_largest(&plan, order, count, 1 << 20, 1, &costs, &ranks),
                     MCBE_OK);
    assert_int_equal(mcbe_scaling_largest(&plan, order, count, 3, 1, &costs, &few), MCBE_OK);
    assert_true(ranks > 3);
    assert_int_equal(few, 3);
    mcbe_scaling_t s = {0};
    assert_int_equal(mcbe_scaling_predict(&plan, order, count, ranks, 1, &costs, &s), MCBE_OK);
    assert_true(s.efficiency >= MCBE_SCALING_WORTH);
    assert_int_equal(mcbe_scaling_predict(&plan, order, count, ranks + 1, 1, &costs, &s), MCBE_OK);
    assert_true(s.efficiency < MCBE_SCALING_WORTH);
    mcbe_free(order);
    mcbe_plan_free(&plan);
}

/* Two shards of 20 ranks with 40 units each, and the merge of all 80. */
static void shards_have_a_rank_0_each(void **state)
{
    (void)state;
    const double seconds[] = {10};
    mcbe_plan_t plan = make_plan(seconds, 1, 80);
    int64_t *order = NULL, count = 0;
    mcbe_scaling_t s = {0}, whole = {0};
    assert_int_equal(mcbe_plan_order(&plan, NULL, &order, &count), MCBE_OK);
    assert_int_equal(mcbe_scaling_shards(&plan, order, count, 40, 2, 1, &costs, &s), MCBE_OK);
    const double serving = 0.25 * (40 * 0.95 + 19) + 20;
    assert_near(s.wall, fmax(20 + serving / 20, serving) + 5);
    assert_near(s.merge, 80 * 0.75);
    assert_near(s.efficiency, 800 / (40 * s.wall + 60));
    assert_int_equal(s.ranks, 40);
    assert_int_equal(mcbe_scaling_shards(&plan, order, count, 40, 1, 1, &costs, &s), MCBE_OK);
    assert_int_equal(mcbe_scaling_predict(&plan, order, count, 40, 1, &costs, &whole), MCBE_OK);
    assert_near(s.wall, whole.wall);
    assert_near(s.merge, 0); /* nothing to merge */
    mcbe_free(order);
    mcbe_plan_free(&plan);
}

static void a_lack_of_memory_is_told(void **state)
{
    (void)state;
    const double seconds[] = {10};
    mcbe_plan_t plan = make_plan(seconds, 1, 2);
    const int64_t order[] = {0, 1};
    mcbe_scaling_t s;
    int ranks;
    mcbe_alloc_fail_after(0);
    assert_int_equal(mcbe_scaling_predict(&plan, order, 2, 2, 1, &costs, &s), MCBE_ERR_NOMEM);
    mcbe_alloc_fail_after(0);
    assert_int_equal(mcbe_scaling_largest(&plan, order, 2, 9, 1, &costs, &ranks), MCBE_ERR_NOMEM);
    for (int k = 0; k < 2; k++) {
        mcbe_alloc_fail_after(k);
        assert_int_equal(mcbe_scaling_shards(&plan, order, 2, 2, 2, 1, &costs, &s), MCBE_ERR_NOMEM);
    }
    mcbe_alloc_fail_after(-1);
    mcbe_plan_free(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(one_rank_keeps_its_own_records),
        UNIT_TEST(others_ask),
        UNIT_TEST(rank_0_saturates),
        UNIT_TEST(the_last_unit_limits),
        UNIT_TEST(the_file_limits),
        UNIT_TEST(a_job_of_several_units_asks_once),
        UNIT_TEST(nothing_to_do_takes_no_time),
        UNIT_TEST(the_largest_number_worth_having),
        UNIT_TEST(shards_have_a_rank_0_each),
        UNIT_TEST(a_lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
