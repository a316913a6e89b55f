#include "walltime.h"

#include "unit.h"

static void times_are_read_as_people_and_slurm_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } good[] = {{"90", 90},           {"0.5", 0.5},       {"1e3", 1000},         {"2:30", 150},
                {"90:00", 5400},      {"01:02:03", 3723}, {"1-02:03:04", 93784}, {"0:00", 0},
                {"100:00:00", 360000}};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        double seconds = -1;
        assert_int_equal(mcbe_walltime_parse(good[i].text, &seconds), MCBE_OK);
        assert_true(seconds == good[i].seconds);
    }
    static const char *const bad[] = {"",        "x",    "-1",    "1:60",     "1:2:60",
                                      "1:2:3:4", "1-2",  "1-2:3", "1-24:0:0", "1:",
                                      ":1",      "1::2", "nan",   "inf",      "0x10",
                                      " 1",      "1 ",   "1e400", "1e",       "1.2.3",
                                      "1:2:3.5", "+5",   "1-",    "-1-0:0:0", "12345678901:00"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        double seconds = 17;
        assert_int_equal(mcbe_walltime_parse(bad[i], &seconds), MCBE_ERR_VALUE);
        assert_true(seconds == 17);
    }
}

static void answers_of_squeue_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } good[] = {{"59:59\n", 3599},
                {"  1-00:00:00\n", 86400},
                {"UNLIMITED\n", INFINITY},
                {"0:00", 0},
                {"2:03:04\n\n", 7384}};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        double seconds = -1;
        assert_int_equal(mcbe_walltime_parse_squeue(good[i].text, &seconds), MCBE_OK);
        assert_true(seconds == good[i].seconds);
    }
    /* a bare number is no time left: squeue never writes one */
    static const char *const bad[] = {"",
                                      "\n",
                                      "INVALID\n",
                                      "NOT_SET\n",
                                      "3600\n",
                                      "1:00\n2:00\n",
                                      "slurm_load_jobs error: Invalid job id specified\n"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        double seconds = 17;
        assert_int_equal(mcbe_walltime_parse_squeue(bad[i], &seconds), MCBE_ERR_VALUE);
        assert_true(seconds == 17);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(times_are_read_as_people_and_slurm_write_them),
        UNIT_TEST(answers_of_squeue_are_read),
    };
    return cmocka_run_group_tests_name("walltime", tests, NULL, NULL);
}
