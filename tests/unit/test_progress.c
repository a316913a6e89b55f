/* Progress: lines in a log and the bar on a terminal, with a clock that only the test moves. */

#define _XOPEN_SOURCE 700 /* pseudo-terminals */

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "progress.h"
#include "unit.h"

static double test_seconds(void *context)
{
    return *(double *)context;
}

/* A clock, and a stream that collects what is written. */
typedef struct {
    double now;
    mcbe_clock_t clock;
    FILE *stream;
    char *text;
    size_t length, seen; /* written so far, and of that already looked at */
} screen_t;

static void open_screen(screen_t *screen)
{
    *screen = (screen_t){.now = 1000}; /* any start */
    screen->clock = (mcbe_clock_t){.seconds = test_seconds, .context = &screen->now};
    screen->stream = open_memstream(&screen->text, &screen->length);
    assert_non_null(screen->stream);
}

static void close_screen(screen_t *screen)
{
    assert_int_equal(screen->length, screen->seen); /* nothing unexpected at the end */
    fclose(screen->stream);
    free(screen->text);
}

/* What has been written since the last look; the tests see that it was flushed. */
static const char *look(screen_t *screen)
{
    const char *fresh = screen->text + screen->seen;
    screen->seen = screen->length;
    return fresh;
}

static void start(mcbe_progress_t *progress, screen_t *screen, mcbe_progress_mode_t mode,
                  mcbe_work_t total, mcbe_work_t before)
{
    mcbe_progress_init(progress, mode, screen->stream, &screen->clock, &total, &before,
                       MCBE_PROGRESS_INTERVAL);
    fflush(screen->stream); /* gives screen->text a value */
}

static void finish_units(mcbe_progress_t *progress, int64_t units, double cost)
{
    for (int64_t i = 0; i < units; i++) {
        mcbe_progress_unit(progress, cost / (double)units);
    }
}

static void a_line_tells_all_there_is_to_know(void **state)
{
    (void)state;
    screen_t screen;
    mcbe_progress_t progress;
    open_screen(&screen);
    start(&progress, &screen, MCBE_PROGRESS_LINES, (mcbe_work_t){3915, 1024}, (mcbe_work_t){0, 0});
    finish_units(&progress, 979, 256);
    screen.now += 24;
    mcbe_progress_tick(&progress);
    /* 979 / 24 = 40.8; a quarter of the cost took 24 s, so the rest takes 72 s */
    assert_string_equal(look(&screen),
                        "mcbe: [ 25.0%] 979/3915 units, 40.8 units/s, elapsed 0:24, ETA 1:12\n");
    close_screen(&screen);
}

static void a_watched_run_tells_how_sure_it_is_and_who_lags(void **state)
{
    (void)state;
    screen_t screen;
    mcbe_progress_t progress;
    mcbe_pace_t pace = {0};
    const mcbe_rank_pace_t ranks[] = {{10, 10}, {3, 6}};
    open_screen(&screen);
    start(&progress, &screen, MCBE_PROGRESS_LINES, (mcbe_work_t){8, 8}, (mcbe_work_t){0, 0});
    for (int i = 0; i < 200; i++) {
        mcbe_pace_add(&pace, 1, i % 2 ? 1.1 : 0.9);
    }
    const mcbe_outlook_t outlook = {
        .pace = &pace, .ranks = ranks, .rank_count = 2, .planned = 400, .planned_square = 400};
    mcbe_progress_watch(&progress, &outlook);
    finish_units(&progress, 4, 4);
    screen.now += 2000;
    mcbe_progress_tick(&progress);
    /* 2 0.1 sqrt(1 / 200 + 1 / 400) = 1.7 % of 2000 s; 13 in 16 s against 3 in 6 */
    assert_string_equal(look(&screen),
                        "mcbe: [ 50.0%] 4/8 units, 7.2 units/h, elapsed 33:20, ETA 33:20 (32:45 to "
                        "33:55), slowest rank 1 (62 % of the mean pace)\n");
    close_screen(&screen);
}

static void lines_come_after_5_seconds_and_then_every_interval(void **state)
{
    (void)state;
    screen_t screen;
    mcbe_progress_t progress;
    open_screen(&screen);
    start(&progress, &screen, MCBE_PROGRESS_LINES, (mcbe_work_t){10, 10}, (mcbe_work_t){0, 0});
    const double from = screen.now;
    /* an interval counts from the line before, which comes with the first look after it is due */
    const double looks[] = {0, 1, 4.9, 5.5, 6, 35, 35.5, 36, 65.4, 65.5};
    const int shows[] = {0, 0, 0, 1, 0, 0, 1, 0, 0, 1};
    for (size_t i = 0; i < COUNT_OF(looks); i++) {
        screen.now = from + looks[i];
        mcbe_progress_tick(&progress);
        assert_int_equal(strlen(look(&screen)) > 0, shows[i]);
    }
    close_screen(&screen);
}

static void a_short_interval_holds_for_the_first_line_too(void **state)
{
    (void)state;
    screen_t screen;
    mcbe_progress_t progress;
    const mcbe_work_t total = {4, 4}, before = {0, 0};
    open_screen(&screen);
    mcbe_progress_init(&progress, MCBE_PROGRESS_LINES, screen.stream, &screen.clock, &total,
                       &before, 2);
    fflush(screen.stream);
    screen.now += 2;
    mcbe_progress_unit(&progress, 1);
    assert_string_equal(look(&screen),
                        "mcbe: [ 25.0%] 1/4 units, 30.0 units/min, elapsed 0:02, ETA 0:06\n");
    close_screen(&screen);
}

static void share_and_eta_go_by_cost(void **state)
{
    (void)state;
    screen_t screen;
    mcbe_progress_t progress;
    open_screen(&screen);
    start(&progress, &screen, MCBE_PROGRESS_LINES, (mcbe_work_t){11, 100}, (mcbe_work_t){0, 0});
    screen.now += 45;
    mcbe_progress_unit(&progress, 90); /* the dear one of eleven */
    assert_string_equal(look(&screen),
                        "mcbe: [ 90.0%] 1/11 units, 1.3 units/min, elapsed 0:45, ETA 0:05\n");
    close_screen(&screen);
}

static void resumed_units_count_as_done_but_not_as_speed(void **state)
{
    (void)state;
    screen_t screen;
    mcbe_progress_t progress;
    open_screen(&screen);
    start(&progress, &screen, MCBE_PROGRESS_LINES, (mcbe_work_t){100, 1024},
          (mcbe_work_t){50, 512});
    screen.now += 8;
    mcbe_progress_tick(&progress);
    assert_string_equal(look(&screen),
                        "mcbe: [ 50.0%] 50/100 units, 0.0 units/s, elapsed 0:08, ETA unknown\n");
    finish_units(&progress, 40, 128);
    screen.now += 32;
    mcbe_progress_tick(&progress);
    /* an eighth of all cost in 40 s, three eighths are left */
    assert_string_equal(look(&screen),
                        "mcbe: [ 62.5%] 90/100 units, 1.0 units/s, elapsed 0:40, ETA 2:00\n");
    close_screen(&screen);
}

static void only_everything_is_100_percent(void **state)
{
    (void)state;
    screen_t screen;
    mcbe_progress_t progress;
    open_screen(&screen);
    start(&progress, &screen, MCBE_PROGRESS_LINES, (mcbe_work_t){3, 1}, (mcbe_work_t){0, 0});
    finish_units(&progress, 2, 0.9999);
    screen.now += 100;
    mcbe_progress_tick(&progress);
    assert_string_equal(look(&screen),
                        "mcbe: [ 99.9%] 2/3 units, 1.2 units/min, elapsed 1:40, ETA 0:00\n");
    mcbe_progress_unit(&progress, 0); /* estimates may not add up */
    screen.now += 100;
    mcbe_progress_tick(&progress);
    assert_string_equal(look(&screen),
                        "mcbe: [100.0%] 3/3 units, 54.0 units/h, elapsed 3:20, ETA 0:00\n");
    close_screen(&screen);
}

static void work_without_estimates_counts_by_units(void **state)
{
    (void)state;
    screen_t screen;
    mcbe_progress_t progress;
    open_screen(&screen);
    start(&progress, &screen, MCBE_PROGRESS_LINES, (mcbe_work_t){4, 0}, (mcbe_work_t){0, 0});
    mcbe_progress_unit(&progress, 0);
    screen.now += 10;
    mcbe_progress_tick(&progress);
    assert_string_equal(look(&screen),
                        "mcbe: [ 25.0%] 1/4 units, 6.0 units/min, elapsed 0:10, ETA 0:30\n");
    close_screen(&screen);
}

static void the_last_line_has_outcome_and_total_time(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *shown;
    } runs[] = {
        {0, "mcbe: complete: 2/2 units, 0.0 units/s, total time 0:00\n"},
        {59.4, "mcbe: complete: 2/2 units, 2.0 units/min, total time 0:59\n"},
        {59.6, "mcbe: complete: 2/2 units, 2.0 units/min, total time 1:00\n"},
        {3599, "mcbe: complete: 2/2 units, 2.0 units/h, total time 59:59\n"},
        {3600, "mcbe: complete: 2/2 units, 2.0 units/h, total time 1:00:00\n"},
        {360000 + 61, "mcbe: complete: 2/2 units, 0.0 units/h, total time 100:01:01\n"},
    };
    for (size_t i = 0; i < COUNT_OF(runs); i++) {
        screen_t screen;
        mcbe_progress_t progress;
        open_screen(&screen);
        start(&progress, &screen, MCBE_PROGRESS_LINES, (mcbe_work_t){2, 2}, (mcbe_work_t){0, 0});
        finish_units(&progress, 2, 2);
        screen.now += runs[i].seconds;
        mcbe_progress_end(&progress, "complete");
        assert_string_equal(look(&screen), runs[i].shown);
        screen.now += 100;
        mcbe_progress_tick(&progress); /* nothing after it */
        assert_string_equal(look(&screen), "");
        close_screen(&screen);
    }
}

static void silence(void **state)
{
    (void)state;
    screen_t screen;
    open_screen(&screen);
    fflush(screen.stream);
    const mcbe_work_t total = {1, 1}, before = {0, 0};
    FILE *const streams[] = {screen.stream, NULL};
    const mcbe_progress_mode_t modes[] = {MCBE_PROGRESS_NONE, MCBE_PROGRESS_LINES};
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        mcbe_progress_t progress;
        mcbe_progress_init(&progress, modes[i], streams[i], &screen.clock, &total, &before, 30);
        screen.now += 100;
        mcbe_progress_unit(&progress, 1);
        mcbe_progress_clear(&progress);
        mcbe_progress_end(&progress, "complete");
        assert_string_equal(look(&screen), "");
    }
    close_screen(&screen);
}

/* Bars fill what the other characters of a line leave of 79 columns. */
static void a_bar_is_drawn_over_itself_and_taken_away(void **state)
{
    (void)state;
    screen_t screen;
    mcbe_progress_t progress;
    char blank[1 + 79 + 1 + 1];
    snprintf(blank, sizeof blank, "\r%79s\r", "");

    open_screen(&screen);
    start(&progress, &screen, MCBE_PROGRESS_BAR, (mcbe_work_t){4, 4}, (mcbe_work_t){0, 0});
    screen.now = 1000.1;
    mcbe_progress_tick(&progress);
    assert_string_equal(look(&screen), ""); /* too soon */
    screen.now = 1000.25;
    mcbe_progress_tick(&progress);
    assert_string_equal(look(&screen), "\rmcbe: [..............]   0.0% "
                                       "0/4 units, 0.0 units/s, elapsed 0:00, ETA unknown");
    screen.now = 1000.35;
    mcbe_progress_unit(&progress, 1);
    assert_string_equal(look(&screen), ""); /* too soon again */
    screen.now = 1010;
    mcbe_progress_tick(&progress);
    assert_string_equal(look(&screen), "\rmcbe: [###............]  25.0% "
                                       "1/4 units, 6.0 units/min, elapsed 0:10, ETA 0:30");
    mcbe_progress_clear(&progress);
    assert_string_equal(look(&screen), blank);
    mcbe_progress_clear(&progress);
    assert_string_equal(look(&screen), "");
    finish_units(&progress, 3, 3);
    screen.now = 1020;
    mcbe_progress_tick(&progress);
    assert_string_equal(look(&screen), "\rmcbe: [##############] 100.0% "
                                       "4/4 units, 12.0 units/min, elapsed 0:20, ETA 0:00");
    mcbe_progress_end(&progress, "complete");
    const char *end = look(&screen);
    assert_memory_equal(end, blank, strlen(blank));
    assert_string_equal(end + strlen(blank),
                        "mcbe: complete: 4/4 units, 12.0 units/min, total time 0:20\n");
    close_screen(&screen);
}

static void a_log_gets_lines_by_itself(void **state)
{
    (void)state;
    screen_t screen;
    mcbe_progress_t progress;
    open_screen(&screen);
    start(&progress, &screen, MCBE_PROGRESS_AUTO, (mcbe_work_t){1, 1}, (mcbe_work_t){0, 0});
    assert_int_equal(progress.mode, MCBE_PROGRESS_LINES);
    close_screen(&screen);
}

/* A terminal: what is written to `stream` can be read from `screen`. */
typedef struct {
    int screen;
    FILE *stream;
} terminal_t;

static int open_terminal(terminal_t *terminal)
{
    terminal->screen = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal->screen < 0 || grantpt(terminal->screen) != 0 || unlockpt(terminal->screen) != 0) {
        return 0;
    }
    const char *name = ptsname(terminal->screen);
    terminal->stream = name ? fopen(name, "w") : NULL;
    return terminal->stream != NULL;
}

static void set_columns(terminal_t *terminal, unsigned short columns)
{
    const struct winsize window = {.ws_row = 24, .ws_col = columns};
    assert_int_equal(ioctl(terminal->screen, TIOCSWINSZ, &window), 0);
}

static void assert_terminal_shows(terminal_t *terminal, const char *expected)
{
    char text[1024] = "";
    ssize_t length = read(terminal->screen, text, sizeof text - 1);
    assert_true(length > 0);
    text[length] = '\0';
    assert_string_equal(text, expected);
}

static void the_bar_adapts_to_the_terminal(void **state)
{
    (void)state;
    double now = 0;
    const mcbe_clock_t clock = {.seconds = test_seconds, .context = &now};
    const mcbe_work_t total = {2, 4}, before = {0, 0};
    mcbe_progress_t progress;
    terminal_t terminal;
    if (!open_terminal(&terminal)) {
        skip(); /* no pseudo-terminals here */
    }
    set_columns(&terminal, 120);
    mcbe_progress_init(&progress, MCBE_PROGRESS_AUTO, terminal.stream, &clock, &total, &before, 30);
    assert_int_equal(progress.mode, MCBE_PROGRESS_BAR);

    now = 8;
    mcbe_progress_unit(&progress, 1);
    /* no wider than 40 */
    assert_terminal_shows(&terminal, "\rmcbe: [##########..............................]  25.0% "
                                     "1/2 units, 7.5 units/min, elapsed 0:08, ETA 0:24");
    now = 60;
    finish_units(&progress, 1, 3);
    assert_terminal_shows(&terminal, "\rmcbe: [########################################] 100.0% "
                                     "2/2 units, 2.0 units/min, elapsed 1:00, ETA 0:00");
    now = 3000;
    mcbe_progress_tick(&progress); /* shorter by one: a blank covers the rest of the line before */
    assert_terminal_shows(&terminal, "\rmcbe: [########################################] 100.0% "
                                     "2/2 units, 2.4 units/h, elapsed 50:00, ETA 0:00 ");
    set_columns(&terminal, 60); /* no room for a bar of 10, nor for the last character */
    now = 3001;
    mcbe_progress_tick(&progress);
    assert_terminal_shows(&terminal,
                          "\rmcbe: 100.0% 2/2 units, 2.4 units/h, elapsed 50:01, ETA 0:0");
    set_columns(&terminal, 20);
    now = 3002;
    mcbe_progress_tick(&progress);
    assert_terminal_shows(&terminal, "\rmcbe: 100.0% 2/2 un");

    fclose(terminal.stream);
    close(terminal.screen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_line_tells_all_there_is_to_know),
        UNIT_TEST(a_watched_run_tells_how_sure_it_is_and_who_lags),
        UNIT_TEST(lines_come_after_5_seconds_and_then_every_interval),
        UNIT_TEST(a_short_interval_holds_for_the_first_line_too),
        UNIT_TEST(share_and_eta_go_by_cost),
        UNIT_TEST(resumed_units_count_as_done_but_not_as_speed),
        UNIT_TEST(only_everything_is_100_percent),
        UNIT_TEST(work_without_estimates_counts_by_units),
        UNIT_TEST(the_last_line_has_outcome_and_total_time),
        UNIT_TEST(silence),
        UNIT_TEST(a_bar_is_drawn_over_itself_and_taken_away),
        UNIT_TEST(a_log_gets_lines_by_itself),
        UNIT_TEST(the_bar_adapts_to_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
