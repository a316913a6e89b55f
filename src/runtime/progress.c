#include "progress.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"

#define FIRST_LINE                                                                                 \
    5.0 /* seconds until the first line: a run that is badly set up shows it soon       \
                    */
#define LAGGING 0.95 /* a rank is worth naming below this share of the mean pace */
#define REDRAW 0.2   /* seconds between two drawings of the bar */

enum {
    COLUMNS_UNKNOWN = 80, /* taken for the width of a terminal that does not tell it */
    BAR_MIN = 10,         /* a narrower bar is left out */
    BAR_MAX = 40,
    FACTS_SIZE = 256,
    LINE_SIZE = 1024
};

void mcbe_progress_init(mcbe_progress_t *progress, mcbe_progress_mode_t mode, FILE *stream,
                        const mcbe_clock_t *clock, const mcbe_work_t *total,
                        const mcbe_work_t *before, double interval)
{
    MCBE_BUG_ASSERT(interval > 0.0 && before->units <= total->units);
    if (!stream) {
        mode = MCBE_PROGRESS_NONE;
    } else if (mode == MCBE_PROGRESS_AUTO) {
        mode = isatty(fileno(stream)) ? MCBE_PROGRESS_BAR : MCBE_PROGRESS_LINES;
    }
    const double now = mcbe_clock_now(clock);
    const double first = mode == MCBE_PROGRESS_BAR ? REDRAW : fmin(FIRST_LINE, interval);
    *progress = (mcbe_progress_t){.mode = mode,
                                  .stream = stream,
                                  .clock = *clock,
                                  .total = *total,
                                  .before = *before,
                                  .done = *before,
                                  .interval = interval,
                                  .started = now,
                                  .due = now + first};
}

/* The share of all work that `done` is, by estimated cost: units differ a thousandfold. */
static double share(const mcbe_progress_t *progress, const mcbe_work_t *done)
{
    if (done->units >= progress->total.units) {
        return 1.0; /* whatever the rounding of the sums of costs */
    }
    const double part = progress->total.cost > 0.0
                            ? done->cost / progress->total.cost
                            : (double)done->units / (double)progress->total.units;
    return fmin(part, 1.0);
}

/* In tenths, rounded down: 100.0 means that every unit is done. */
static double percent(const mcbe_progress_t *progress)
{
    const double tenths = floor(1000.0 * share(progress, &progress->done));
    const double most = progress->done.units < progress->total.units ? 999.0 : 1000.0;
    return fmin(tenths, most) / 10.0;
}

void mcbe_progress_watch(mcbe_progress_t *progress, const mcbe_outlook_t *outlook)
{
    progress->outlook = outlook;
}

/* Relative, two standard deviations; 0 if nothing is known of it. */
static double spread(const mcbe_progress_t *progress)
{
    const mcbe_outlook_t *outlook = progress->outlook;
    const double value =
        outlook ? mcbe_pace_spread(outlook->pace, outlook->planned, outlook->planned_square) : 0.0;
    return value > 0.0 ? fmin(value, 1.0) : 0.0; /* NaN is no spread, either */
}

/* Time left, if the rest goes at the pace of this run so far: "1:12", or "1:12 (1:05 to 1:19)". */
static void format_eta(char *text, size_t size, const mcbe_progress_t *progress, double elapsed)
{
    const double now = share(progress, &progress->done);
    const double gained = now - share(progress, &progress->before);
    const double left = elapsed * (1.0 - now) / gained;
    const double longest = 1e9; /* seconds, some 30 years */
    if (gained > 0.0 && left < longest) {
        char least[32], most[32];
        const double part = spread(progress);
        mcbe_clock_span(text, size, left);
        mcbe_clock_span(least, sizeof least, left * (1.0 - part));
        mcbe_clock_span(most, sizeof most, left * (1.0 + part));
        const size_t used = strlen(text);
        if (strcmp(least, most) != 0) {
            snprintf(text + used, size - used, " (%s to %s)", least, most);
        }
    } else {
        snprintf(text, size, "unknown");
    }
}

/* Units of this run a second, or a minute or hour where that says more. */
static void format_speed(char *text, size_t size, const mcbe_progress_t *progress, double elapsed)
{
    const int64_t units = progress->done.units - progress->before.units;
    const double speed = elapsed > 0.0 ? (double)units / elapsed : 0.0;
    if (speed >= 1.0 || speed == 0.0) {
        snprintf(text, size, "%.1f units/s", speed);
    } else if (speed >= 1.0 / 60.0) {
        snprintf(text, size, "%.1f units/min", 60.0 * speed);
    } else {
        snprintf(text, size, "%.1f units/h", 3600.0 * speed);
    }
}

/* ", slowest rank 3 (81 % of the mean pace)", if it lags behind */
static void format_slowest(char *text, size_t size, const mcbe_progress_t *progress)
{
    const mcbe_outlook_t *outlook = progress->outlook;
    double share = 1.0;
    const int rank = outlook ? mcbe_pace_slowest(outlook->ranks, outlook->rank_count, &share) : -1;
    text[0] = '\0';
    if (rank >= 0 && share < LAGGING) {
        snprintf(text, size, ", slowest rank %d (%.0f %% of the mean pace)", rank, 100.0 * share);
    }
}

/* "979/3915 units, 41.3 units/s, elapsed 0:24, ETA 1:12" */
static void format_facts(char *text, size_t size, const mcbe_progress_t *progress, double now)
{
    const double elapsed = now - progress->started;
    char speed[48], took[32], eta[112], slowest[64];
    format_speed(speed, sizeof speed, progress, elapsed);
    mcbe_clock_span(took, sizeof took, elapsed);
    format_eta(eta, sizeof eta, progress, elapsed);
    format_slowest(slowest, sizeof slowest, progress);
    snprintf(text, size, "%" PRId64 "/%" PRId64 " units, %s, elapsed %s, ETA %s%s",
             progress->done.units, progress->total.units, speed, took, eta, slowest);
}

static int terminal_columns(FILE *stream)
{
    struct winsize window;
    const int fd = fileno(stream);
    if (fd >= 0 && ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_col > 1) {
        return window.ws_col;
    }
    return COLUMNS_UNKNOWN;
}

static void draw_bar(mcbe_progress_t *progress, const char *facts)
{
    static const char frame[] = "mcbe: [] 100.0% "; /* all that is neither bar nor facts */
    char line[LINE_SIZE], bar[BAR_MAX];
    const int columns = terminal_columns(progress->stream) - 1; /* a full line may wrap */

    int width = columns - (int)(strlen(frame) + strlen(facts));
    if (width >= BAR_MIN) {
        width = width < BAR_MAX ? width : BAR_MAX;
        const int filled = (int)(width * share(progress, &progress->done));
        memset(bar, '#', (size_t)filled);
        memset(bar + filled, '.', (size_t)(width - filled));
        snprintf(line, sizeof line, "mcbe: [%.*s] %5.1f%% %s", width, bar, percent(progress),
                 facts);
    } else {
        snprintf(line, sizeof line, "mcbe: %5.1f%% %s", percent(progress), facts);
    }

    int length = (int)strlen(line);
    length = length < columns ? length : columns;
    /* blanks over what is left of a longer line */
    const int cover = progress->drawn < columns ? progress->drawn : columns;
    fprintf(progress->stream, "\r%-*.*s", cover, length, line);
    fflush(progress->stream);
    progress->drawn = length;
}

void mcbe_progress_tick(mcbe_progress_t *progress)
{
    if (progress->mode == MCBE_PROGRESS_NONE) {
        return;
    }
    const double now = mcbe_clock_now(&progress->clock);
    /* a clock that has gone back far must not silence the rest of the run */
    if (now < progress->due && now >= progress->due - progress->interval) {
        return;
    }
    char facts[FACTS_SIZE];
    format_facts(facts, sizeof facts, progress, now);
    if (progress->mode == MCBE_PROGRESS_BAR) {
        progress->due = now + REDRAW;
        draw_bar(progress, facts);
    } else {
        progress->due = now + progress->interval;
        fprintf(progress->stream, "mcbe: [%5.1f%%] %s\n", percent(progress), facts);
        fflush(progress->stream);
    }
}

void mcbe_progress_unit(mcbe_progress_t *progress, double cost)
{
    progress->done.units++;
    progress->done.cost += cost;
    mcbe_progress_tick(progress);
}

void mcbe_progress_clear(mcbe_progress_t *progress)
{
    if (progress->drawn > 0) {
        fprintf(progress->stream, "\r%*s\r", progress->drawn, "");
        fflush(progress->stream);
        progress->drawn = 0;
    }
}

void mcbe_progress_end(mcbe_progress_t *progress, const char *outcome)
{
    if (progress->mode == MCBE_PROGRESS_NONE) {
        return;
    }
    const double elapsed = mcbe_clock_now(&progress->clock) - progress->started;
    char speed[48], took[32];
    format_speed(speed, sizeof speed, progress, elapsed);
    mcbe_clock_span(took, sizeof took, elapsed);
    mcbe_progress_clear(progress);
    fprintf(progress->stream, "mcbe: %s: %" PRId64 "/%" PRId64 " units, %s, total time %s\n",
            outcome, progress->done.units, progress->total.units, speed, took);
    fflush(progress->stream);
    progress->mode = MCBE_PROGRESS_NONE;
}
