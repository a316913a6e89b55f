#include "lp.h"

#include "unit.h"

/* least -x - 2 y with x + y <= 4, x - y >= -3 (rows), 0 <= x, y <= 3: at (1, 3), -7; the prices are
 * those of y: one more of x + y = 4 gives one more x, -1 */
static const int START[3] = {0, 2, 4}, INDEX[4] = {0, 1, 0, 1};
static const double VALUE[4] = {1, 1, 1, -1}, LOW[2] = {0, 0}, HIGH[2] = {3, 3};
static const double COST[2] = {-1, -2};
static const double ROW_LOW[2] = {-INFINITY, -3}, ROW_HIGH[2] = {4, INFINITY};
static const mcbe_lp_problem_t PROBLEM = {.rows = 2,
                                          .columns = 2,
                                          .start = START,
                                          .index = INDEX,
                                          .value = VALUE,
                                          .low = LOW,
                                          .high = HIGH,
                                          .cost = COST,
                                          .row_low = ROW_LOW,
                                          .row_high = ROW_HIGH};

static void a_small_program_is_known_by_hand(void **state)
{
    (void)state;
    for (int dual = 0; dual < 2; dual++) {
        mcbe_lp_t *lp;
        mcbe_lp_outcome_t outcome;
        assert_int_equal(mcbe_lp_create(&lp, &PROBLEM), MCBE_OK);
        assert_int_equal(
            dual ? mcbe_lp_solve_dual(lp, &outcome) : mcbe_lp_solve_primal(lp, &outcome), MCBE_OK);
        assert_int_equal(outcome, MCBE_LP_OPTIMAL);
        assert_true(fabs(mcbe_lp_value(lp) + 7) < 1e-12);
        assert_true(fabs(mcbe_lp_solution(lp)[0] - 1) < 1e-12);
        assert_true(fabs(mcbe_lp_solution(lp)[1] - 3) < 1e-12);
        assert_true(fabs(mcbe_lp_prices(lp)[0] + 1) < 1e-12);
        assert_true(mcbe_lp_iterations(lp) > 0);
        /* from there to other rows: x + y <= 2 */
        const double low[2] = {-INFINITY, -INFINITY}, high[2] = {2, INFINITY};
        mcbe_lp_set_rows(lp, low, high);
        assert_int_equal(mcbe_lp_solve_dual(lp, &outcome), MCBE_OK);
        assert_true(outcome == MCBE_LP_OPTIMAL && fabs(mcbe_lp_value(lp) + 4) < 1e-12);
        mcbe_lp_destroy(&lp);
        assert_null(lp);
    }
}

static void programs_without_answer_say_so(void **state)
{
    (void)state;
    const double impossible[2] = {-INFINITY, 4}, endless[2] = {INFINITY, INFINITY};
    mcbe_lp_problem_t none = PROBLEM, open = PROBLEM;
    mcbe_lp_t *lp;
    mcbe_lp_outcome_t outcome;
    none.row_low = impossible; /* x - y >= 4 with x <= 3 */
    assert_int_equal(mcbe_lp_create(&lp, &none), MCBE_OK);
    assert_int_equal(mcbe_lp_solve_dual(lp, &outcome), MCBE_OK);
    assert_int_equal(outcome, MCBE_LP_INFEASIBLE);
    mcbe_lp_destroy(&lp);
    open.high = endless;
    open.row_high = endless;
    assert_int_equal(mcbe_lp_create(&lp, &open), MCBE_OK);
    assert_int_equal(mcbe_lp_solve_primal(lp, &outcome), MCBE_OK);
    assert_int_equal(outcome, MCBE_LP_UNBOUNDED);
    mcbe_lp_destroy(&lp);
}

static mcbe_status_t create_and_destroy(void)
{
    mcbe_lp_t *lp;
    const mcbe_status_t st = mcbe_lp_create(&lp, &PROBLEM);
    mcbe_lp_destroy(&lp);
    return st;
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(create_and_destroy());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_small_program_is_known_by_hand),
        UNIT_TEST(programs_without_answer_say_so),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("lp", tests, NULL, NULL);
}
