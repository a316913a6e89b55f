/* How often a checkpoint is made: no more often than asked for, and no more often than it is worth. */

#include "duty.h"
#include "unit.h"

static void it_is_due_every_interval(void **state)
{
    (void)state;
    mcbe_duty_t pace = mcbe_duty_begin(30.0, 0.01, 1000.0);
    assert_false(mcbe_duty_due(&pace, 1000.0));
    assert_false(mcbe_duty_due(&pace, 1029.9));
    assert_true(mcbe_duty_due(&pace, 1030.0));
    mcbe_duty_done(&pace, 1030.0, 1030.1); /* 0.1 s in 30 is less than 1 % */
    assert_false(mcbe_duty_due(&pace, 1060.0));
    assert_true(mcbe_duty_due(&pace, 1060.1));
}

/* Due again and again, each time at once: what it takes of all time is at most its share. */
static void it_never_takes_more_than_its_share(void **state)
{
    (void)state;
    static const double durations[] = {0.2, 3.0, 0.01, 7.5, 20.0};
    mcbe_duty_t pace = mcbe_duty_begin(5.0, 0.01, 0.0);
    double now = 0.0, spent = 0.0;
    for (size_t k = 0; k < COUNT_OF(durations); k++) {
        while (!mcbe_duty_due(&pace, now)) {
            now += 0.25;
        }
        const double begun = now;
        now += durations[k];
        spent += durations[k];
        mcbe_duty_done(&pace, begun, now);
    }
    while (!mcbe_duty_due(&pace, now)) {
        now += 0.25;
    }
    assert_true(spent <= 0.01 * now);
    assert_true(pace.seconds > spent - 1e-9 && pace.seconds < spent + 1e-9);
    assert_int_equal(pace.count, COUNT_OF(durations));
}

/* Clocks leap: back, or an hour ahead while something is timed. */
static void a_leaping_clock_does_not_stop_it(void **state)
{
    (void)state;
    mcbe_duty_t pace = mcbe_duty_begin(30.0, 0.01, 1000.0);
    assert_true(mcbe_duty_due(&pace, 10.0));
    mcbe_duty_done(&pace, 1030.0, 11.0); /* back while it is done: it took no time */
    assert_true(pace.seconds == 0.0);
    assert_false(mcbe_duty_due(&pace, 11.0));
    assert_true(mcbe_duty_due(&pace, 41.0));
    mcbe_duty_done(&pace, 41.0, 1e9);
    assert_false(mcbe_duty_due(&pace, 1e9));
    assert_true(mcbe_duty_due(&pace, 1e9 + MCBE_DUTY_LONGEST));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(it_is_due_every_interval),
        UNIT_TEST(it_never_takes_more_than_its_share),
        UNIT_TEST(a_leaping_clock_does_not_stop_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
