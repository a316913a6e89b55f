/* Injected faults: where they happen, and which plans of them are refused. */

#include <stdio.h>

#include "fault.h"
#include "unit.h"

#ifdef MCBE_FAULTS

static mcbe_fault_plan_t plan_for(const char *variable, int rank, int size)
{
    mcbe_fault_plan_t plan;
    mcbe_error_t err = {0};
    assert_int_equal(setenv("MCBE_FAULT", variable, 1), 0);
    assert_int_equal(mcbe_fault_init(&plan, rank, size, &err), MCBE_OK);
    return plan;
}

static void the_fault_happens_at_its_point_on_its_rank_only(void **state)
{
    (void)state;
    mcbe_error_t err = {0};
    mcbe_fault_plan_t here = plan_for("unit@2", 2, 4), elsewhere = plan_for("unit@2", 1, 4);
    assert_int_equal(mcbe_fault_check(&elsewhere, "unit", &err), MCBE_OK);
    assert_int_equal(mcbe_fault_check(&here, "config", &err), MCBE_OK);
    assert_int_equal(mcbe_fault_check(&here, "unit", &err), MCBE_ERR_INTERNAL);
    assert_int_equal(err.status, MCBE_ERR_INTERNAL);
    assert_string_equal(err.text, "injected fault at 'unit' on rank 2");
}

static void the_fault_happens_once_and_at_its_count(void **state)
{
    (void)state;
    mcbe_fault_plan_t plan = plan_for("write@0:3", 0, 1);
    assert_int_equal(mcbe_fault_check(&plan, "write", NULL), MCBE_OK);
    assert_int_equal(mcbe_fault_check(&plan, "reduce", NULL), MCBE_OK); /* does not count */
    assert_int_equal(mcbe_fault_check(&plan, "write", NULL), MCBE_OK);
    assert_int_equal(mcbe_fault_check(&plan, "write", NULL), MCBE_ERR_INTERNAL);
    assert_int_equal(mcbe_fault_check(&plan, "write", NULL), MCBE_OK);
}

static void last_is_the_highest_rank(void **state)
{
    (void)state;
    mcbe_fault_plan_t last = plan_for("reduce@last:2", 3, 4),
                      other = plan_for("reduce@last:2", 2, 4);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(mcbe_fault_check(&other, "reduce", NULL), MCBE_OK);
        assert_int_equal(mcbe_fault_check(&last, "reduce", NULL),
                         i == 1 ? MCBE_ERR_INTERNAL : MCBE_OK);
    }
}

static void without_the_variable_nothing_happens(void **state)
{
    (void)state;
    mcbe_fault_plan_t plan;
    assert_int_equal(unsetenv("MCBE_FAULT"), 0);
    assert_int_equal(mcbe_fault_init(&plan, 0, 1, NULL), MCBE_OK);
    assert_int_equal(mcbe_fault_check(&plan, "config", NULL), MCBE_OK);
}

static void a_plan_that_would_never_happen_is_refused(void **state)
{
    (void)state;
    const char *const wrong[] = {"",           "unit",     "unit@",
                                 "units@0",    "uni@0",    "@0",
                                 "unit@-1",    "unit@4",   "unit@lost",
                                 "unit@last1", "unit@0:0", "unit@0:",
                                 "unit@0:-2",  "unit@0:x", "unit@0:1x",
                                 "unit@0,1",   "unit@:1",  "unit@0:99999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        mcbe_fault_plan_t plan;
        mcbe_error_t err = {0};
        assert_int_equal(setenv("MCBE_FAULT", wrong[i], 1), 0);
        assert_int_equal(mcbe_fault_init(&plan, 0, 4, &err), MCBE_ERR_USAGE);
        char named[64];
        snprintf(named, sizeof named, "MCBE_FAULT is '%s'", wrong[i]);
        assert_non_null(strstr(err.text, named));
        assert_non_null(strstr(err.text, "RANK 0 to 3 or last"));
        assert_int_equal(mcbe_fault_check(&plan, "unit", NULL), MCBE_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_fault_happens_at_its_point_on_its_rank_only),
        UNIT_TEST(the_fault_happens_once_and_at_its_count),
        UNIT_TEST(last_is_the_highest_rank),
        UNIT_TEST(without_the_variable_nothing_happens),
        UNIT_TEST(a_plan_that_would_never_happen_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void a_build_without_faults_ignores_the_variable(void **state)
{
    (void)state;
    mcbe_fault_plan_t plan;
    assert_int_equal(setenv("MCBE_FAULT", "unit@0", 1), 0);
    assert_int_equal(mcbe_fault_init(&plan, 0, 1, NULL), MCBE_OK);
    assert_int_equal(mcbe_fault_check(&plan, "unit", NULL), MCBE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {UNIT_TEST(a_build_without_faults_ignores_the_variable)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
