/* Plans: the order of units, group sizes and makespans, all against values worked out by hand. */

#include "plan.h"
#include "unit.h"

/* Costs of four cells. Two trials each: units 2 3 6 7 take 5 s, 4 5 3 s and 0 1 1 s, together 28 s.
 */
static const double costs[] = {1, 5, 3, 5};

static mcbe_plan_t make_plan(const double *seconds, int64_t cell_count, int64_t trials)
{
    mcbe_plan_t plan = {.cell_count = cell_count, .trials = trials};
    plan.cells = mcbe_alloc((size_t)cell_count, sizeof *plan.cells);
    assert_non_null(plan.cells);
    for (int64_t c = 0; c < cell_count; c++) {
        plan.cells[c].seconds = seconds[c];
    }
    return plan;
}

static void units_are_numbered_by_cell_then_trial(void **state)
{
    (void)state;
    mcbe_plan_t plan = make_plan(costs, 4, 3);
    assert_int_equal(mcbe_plan_units(&plan), 12);
    assert_int_equal(mcbe_plan_unit(&plan, 0, 0), 0);
    assert_int_equal(mcbe_plan_unit(&plan, 0, 2), 2);
    assert_int_equal(mcbe_plan_unit(&plan, 3, 1), 10);
    mcbe_plan_free(&plan);
    assert_null(plan.cells);
    assert_int_equal(mcbe_plan_units(&plan), 0);
    mcbe_plan_free(&plan); /* accepts a zeroed one */
}

static void assert_order(const mcbe_plan_t *plan, const unsigned char *done,
                         const int64_t *expected, int64_t expected_count)
{
    int64_t *order = NULL, count = -1;
    assert_int_equal(mcbe_plan_order(plan, done, &order, &count), MCBE_OK);
    assert_int_equal(count, expected_count);
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(order[i], expected[i]);
    }
    mcbe_free(order);
}

static void order_is_dearest_first_and_lowest_of_equals(void **state)
{
    (void)state;
    mcbe_plan_t plan = make_plan(costs, 4, 2);
    const int64_t all[] = {2, 3, 6, 7, 4, 5, 0, 1};
    assert_order(&plan, NULL, all, 8);
    const unsigned char done[] = {1, 0, 0, 1, 0, 0, 1, 0};
    const int64_t rest[] = {2, 7, 4, 5, 1};
    assert_order(&plan, done, rest, 5);
    const unsigned char everything[] = {1, 1, 1, 1, 1, 1, 1, 1};
    assert_order(&plan, everything, NULL, 0);
    mcbe_plan_free(&plan);
}

static mcbe_status_t order_and_free(const mcbe_plan_t *plan)
{
    int64_t poison = 0, *order = &poison, count = -1;
    mcbe_status_t st = mcbe_plan_order(plan, NULL, &order, &count);
    if (st != MCBE_OK) {
        assert_null(order);
        assert_int_equal(count, 0);
    }
    mcbe_free(order);
    return st;
}

static void order_survives_a_lack_of_memory(void **state)
{
    (void)state;
    mcbe_plan_t plan = make_plan(costs, 4, 2);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(order_and_free(&plan));
    mcbe_plan_free(&plan);
}

static int group_size(const double *seconds, int64_t cells, int ranks, int64_t asked)
{
    mcbe_plan_t plan = make_plan(seconds, cells, 2);
    int64_t *order = NULL, count = 0;
    assert_int_equal(mcbe_plan_order(&plan, NULL, &order, &count), MCBE_OK);
    int group = mcbe_plan_group_size(&plan, order, count, ranks, asked);
    mcbe_free(order);
    mcbe_plan_free(&plan);
    return group;
}

static void a_group_size_that_was_asked_for_is_kept(void **state)
{
    (void)state;
    assert_int_equal(group_size(costs, 4, 8, 1), 1);
    assert_int_equal(group_size(costs, 4, 8, 3), 3);
    assert_int_equal(group_size(costs, 4, 8, 8), 8);
    assert_int_equal(group_size(costs, 4, 8, 9), 8);
    assert_int_equal(group_size(costs, 4, 8, INT64_C(1) << 40), 8);
    assert_int_equal(group_size(costs, 4, 8, -1), 8);
}

static void groups_grow_only_for_units_that_outlast_the_run(void **state)
{
    (void)state;
    /* 28 s on 4 ranks are 7 s each, on 7 ranks 4 s: 5 s are within 1.25 times that. */
    assert_int_equal(group_size(costs, 4, 4, 0), 1);
    assert_int_equal(group_size(costs, 4, 7, 0), 1);
    /* On 8 ranks 3.5 s, limit 4.375 s: two ranks take 2.5 s. */
    assert_int_equal(group_size(costs, 4, 8, 0), 2);
    /* On 20 ranks 1.4 s, limit 1.75 s: two ranks take 2.5 s, three 1.67 s. */
    assert_int_equal(group_size(costs, 4, 20, 0), 3);
    assert_int_equal(group_size(costs, 4, 1, 0), 1);

    /* Two equal units on 4 ranks: limit 0.625 of one, so two ranks each; on 2 ranks one each. */
    const double equal[] = {10};
    assert_int_equal(group_size(equal, 1, 4, 0), 2);
    assert_int_equal(group_size(equal, 1, 2, 0), 1);

    const double nothing[] = {0, 0};
    assert_int_equal(group_size(nothing, 2, 4, 0), 1);
}

static void groups_of_what_is_left_to_do(void **state)
{
    (void)state;
    mcbe_plan_t plan = make_plan(costs, 4, 2);
    assert_int_equal(mcbe_plan_group_size(&plan, NULL, 0, 4, 0), 1);
    /* One unit of 5 s on 4 ranks: limit 1.5625 s; three ranks take 1.67 s, four 1.25 s. */
    const int64_t last[] = {3};
    assert_int_equal(mcbe_plan_group_size(&plan, last, 1, 4, 0), 4);
    mcbe_plan_free(&plan);
}

static void left_over_ranks_join_the_last_group(void **state)
{
    (void)state;
    const int expected[] = {0, 0, 0, 1, 1, 1, 1, 1}; /* 8 ranks in threes */
    assert_int_equal(mcbe_plan_group_count(8, 3), 2);
    for (int rank = 0; rank < 8; rank++) {
        assert_int_equal(mcbe_plan_group_of(rank, 8, 3), expected[rank]);
    }
    assert_int_equal(mcbe_plan_group_count(5, 1), 5);
    assert_int_equal(mcbe_plan_group_of(4, 5, 1), 4);
    assert_int_equal(mcbe_plan_group_count(5, 5), 1);
    assert_int_equal(mcbe_plan_group_of(4, 5, 5), 0);
}

static double makespan(const double *seconds, int64_t cells, int64_t trials, int ranks, int group)
{
    mcbe_plan_t plan = make_plan(seconds, cells, trials);
    int64_t *order = NULL, count = 0;
    assert_int_equal(mcbe_plan_order(&plan, NULL, &order, &count), MCBE_OK);
    double wall = mcbe_plan_makespan(&plan, order, count, ranks, group);
    mcbe_free(order);
    mcbe_plan_free(&plan);
    return wall;
}

static void assert_close(double value, double expected)
{
    if (fabs(value - expected) > 1e-12) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

static void makespan_is_that_of_a_list_schedule(void **state)
{
    (void)state;
    assert_close(makespan(costs, 4, 2, 1, 1), 28);
    /* Three ranks take 5 each; the first goes on with 5 (until 10), the others with 3 (8), then 1.
     */
    assert_close(makespan(costs, 4, 2, 3, 1), 10);
    /* More ranks than units: the dearest. */
    assert_close(makespan(costs, 4, 2, 50, 1), 5);
    /* One group of three shares everything. */
    assert_close(makespan(costs, 4, 2, 3, 3), 28.0 / 3);
    /* Five ranks as 2 + 3. The three: 5/3 (until 1.67), 5/3 (3.33), 1 (4.33), 1 (5.33), 1/3 (5.67);
     * the two: 2.5 (until 2.5), 2.5 (5), 0.5 (5.5). */
    assert_close(makespan(costs, 4, 2, 5, 2), 17.0 / 3);
    assert_close(makespan(costs, 4, 0, 5, 2), 0);
}

/* Graham 1966: no list schedule takes longer than the mean load plus the dearest unit, and none is
 * shorter than either of the two. */
static void makespan_stays_within_grahams_bounds(void **state)
{
    (void)state;
    enum { CELLS = 40, TRIALS = 3 };
    mcbe_rng_t rng = test_rng(1);
    for (int ranks = 1; ranks <= 64; ranks++) {
        double seconds[CELLS], total = 0, dearest = 0;
        for (int c = 0; c < CELLS; c++) {
            seconds[c] = test_between(&rng, 0, 1000);
            total += TRIALS * seconds[c];
            dearest = fmax(dearest, seconds[c]);
        }
        const double wall = makespan(seconds, CELLS, TRIALS, ranks, 1);
        assert_true(wall >= fmax(total / ranks, dearest));
        assert_true(wall <= total / ranks + dearest);
    }
}

static void makespan_without_memory_is_nan(void **state)
{
    (void)state;
    mcbe_plan_t plan = make_plan(costs, 4, 2);
    const int64_t order[] = {2};
    mcbe_alloc_fail_after(0);
    assert_true(isnan(mcbe_plan_makespan(&plan, order, 1, 2, 1)));
    mcbe_plan_free(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(units_are_numbered_by_cell_then_trial),
        UNIT_TEST(order_is_dearest_first_and_lowest_of_equals),
        UNIT_TEST(order_survives_a_lack_of_memory),
        UNIT_TEST(a_group_size_that_was_asked_for_is_kept),
        UNIT_TEST(groups_grow_only_for_units_that_outlast_the_run),
        UNIT_TEST(groups_of_what_is_left_to_do),
        UNIT_TEST(left_over_ranks_join_the_last_group),
        UNIT_TEST(makespan_is_that_of_a_list_schedule),
        UNIT_TEST(makespan_stays_within_grahams_bounds),
        UNIT_TEST(makespan_without_memory_is_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
