/* When a run stops, by a clock of the test's own. */

#include "runctl.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "unit.h"

typedef struct stand {
    double now;
    char path[64];
    FILE *messages;
    mcbe_runctl_t control;
} stand_t;

static double seconds_of(void *context)
{
    return ((const stand_t *)context)->now;
}

static void set_up(stand_t *stand, double limit, double padding)
{
    stand->now = 1000;
    snprintf(stand->path, sizeof stand->path, "/tmp/mcbe_test_stop_%d", (int)getpid());
    stand->messages = tmpfile();
    assert_non_null(stand->messages);
    const mcbe_runctl_options_t options = {
        .limit = limit,
        .padding = padding,
        .stop_path = stand->path,
        .clock = {.seconds = seconds_of, .context = stand},
        .log = {.stream = stand->messages, .level = MCBE_LOG_INFO}};
    mcbe_runctl_init(&stand->control, &options);
}

static void make_stop_file(const stand_t *stand)
{
    FILE *file = fopen(stand->path, "w");
    assert_non_null(file);
    fclose(file);
}

static void assert_reason(const stand_t *stand, const char *expected)
{
    char name[MCBE_STOP_NAME];
    const mcbe_stop_t stop = mcbe_runctl_reason(&stand->control);
    mcbe_stop_name(&stop, name);
    assert_string_equal(name, expected);
}

static void without_a_limit_nothing_stops(void **state)
{
    (void)state;
    stand_t stand;
    set_up(&stand, (double)INFINITY, -1);
    stand.now += 1e9;
    assert_false(mcbe_runctl_look(&stand.control));
    assert_true(mcbe_runctl_fits(&stand.control, 1e12, 1));
    assert_reason(&stand, "nothing");
    fclose(stand.messages);
}

static void the_limit_less_padding_and_two_checkpoints_stops(void **state)
{
    (void)state;
    stand_t stand;
    set_up(&stand, 100, 7);
    mcbe_runctl_checkpoint(&stand.control, 4);
    mcbe_runctl_checkpoint(&stand.control, 1); /* the slowest counts */
    assert_true(mcbe_runctl_left(&stand.control) == 85);
    stand.now += 84.9;
    assert_false(mcbe_runctl_look(&stand.control));
    stand.now += 0.2;
    assert_true(mcbe_runctl_look(&stand.control));
    assert_reason(&stand, "time limit");
    fclose(stand.messages);
}

static void the_padding_is_a_tenth_of_the_limit_at_most_half_a_minute(void **state)
{
    (void)state;
    static const double limits[][2] = {{10, 1}, {100, 10}, {300, 30}, {86400, 30}};
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        stand_t stand;
        set_up(&stand, limits[i][0], -1);
        assert_true(mcbe_runctl_padding(&stand.control) == limits[i][1]);
        fclose(stand.messages);
    }
}

/* Jobs that take twice what the plan says: one planned at 10 s needs 20. */
static void jobs_are_started_by_what_the_last_ones_took(void **state)
{
    (void)state;
    stand_t stand;
    set_up(&stand, 100, 0);
    for (int i = 0; i < 40; i++) {
        mcbe_runctl_measure(&stand.control, 1.0, i == 20 ? 50.0 : 2.0); /* one bad moment */
    }
    stand.now += 79;
    assert_true(mcbe_runctl_fits(&stand.control, 10, 1));
    stand.now += 2;
    assert_reason(&stand, "nothing");
    assert_false(mcbe_runctl_fits(&stand.control, 10, 1));
    assert_true(mcbe_runctl_fits(&stand.control, 10, 2)); /* shared by two */
    assert_true(mcbe_runctl_fits(&stand.control, 9, 1));  /* a cheaper one */
    assert_reason(&stand, "time limit");                  /* the refused one is left */
    assert_false(mcbe_runctl_look(&stand.control));       /* but units in hand go on */
    fclose(stand.messages);
}

/* Before anything is measured an estimate may be four times too high. */
static void the_first_job_is_given_the_benefit_of_the_doubt(void **state)
{
    (void)state;
    stand_t stand;
    set_up(&stand, 100, 0);
    assert_true(mcbe_runctl_fits(&stand.control, 399, 1));
    assert_false(mcbe_runctl_fits(&stand.control, 401, 1));
    fclose(stand.messages);
}

static void the_first_reason_stays(void **state)
{
    (void)state;
    stand_t stand;
    set_up(&stand, 100, 0);
    mcbe_runctl_signal(&stand.control, SIGUSR2);
    mcbe_runctl_signal(&stand.control, SIGTERM);
    stand.now += 1000;
    assert_true(mcbe_runctl_look(&stand.control));
    assert_reason(&stand, "signal USR2");
    fclose(stand.messages);
}

static void a_stop_file_is_seen_within_a_second_and_removed(void **state)
{
    (void)state;
    stand_t stand;
    set_up(&stand, (double)INFINITY, -1);
    make_stop_file(&stand);
    stand.now += 0.5;
    assert_false(mcbe_runctl_look(&stand.control)); /* not yet looked at */
    stand.now += 0.6;
    assert_true(mcbe_runctl_look(&stand.control));
    assert_reason(&stand, "stop file");
    assert_int_not_equal(access(stand.path, F_OK), 0);
    fclose(stand.messages);
}

static void a_stop_file_from_before_is_removed_with_a_warning(void **state)
{
    (void)state;
    stand_t stand;
    char line[256] = "";
    snprintf(stand.path, sizeof stand.path, "/tmp/mcbe_test_stop_%d", (int)getpid());
    make_stop_file(&stand);
    set_up(&stand, (double)INFINITY, -1);
    rewind(stand.messages);
    assert_non_null(fgets(line, sizeof line, stand.messages));
    assert_non_null(strstr(line, "warning"));
    assert_non_null(strstr(line, stand.path));
    stand.now += 5;
    assert_false(mcbe_runctl_look(&stand.control));
    fclose(stand.messages);
}

static void only_units_that_may_finish_get_time_to(void **state)
{
    (void)state;
    const mcbe_stop_t time = {.kind = MCBE_STOP_TIME};
    const mcbe_stop_t term = {.kind = MCBE_STOP_SIGNAL, .signal = SIGTERM};
    const mcbe_stop_t usr1 = {.kind = MCBE_STOP_SIGNAL, .signal = SIGUSR1};
    assert_true(mcbe_stop_grace(&time) == 0);
    assert_true(mcbe_stop_grace(&term) == 0);
    assert_true(mcbe_stop_grace(&usr1) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(without_a_limit_nothing_stops),
        UNIT_TEST(the_limit_less_padding_and_two_checkpoints_stops),
        UNIT_TEST(the_padding_is_a_tenth_of_the_limit_at_most_half_a_minute),
        UNIT_TEST(jobs_are_started_by_what_the_last_ones_took),
        UNIT_TEST(the_first_job_is_given_the_benefit_of_the_doubt),
        UNIT_TEST(the_first_reason_stays),
        UNIT_TEST(a_stop_file_is_seen_within_a_second_and_removed),
        UNIT_TEST(a_stop_file_from_before_is_removed_with_a_warning),
        UNIT_TEST(only_units_that_may_finish_get_time_to),
    };
    return cmocka_run_group_tests_name("runctl", tests, NULL, NULL);
}
