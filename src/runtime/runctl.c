#include "runctl.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_SECONDS 1.0     /* between two looks for the stop file */
#define GRACE_SECONDS 0.5    /* what units in hand get to finish */
#define PADDING_SECONDS 30.0 /* for leaving: other ranks' last blocks, MPI, a clock that differs */
#define PADDING_SHARE 0.1    /* of the limit, where that is shorter */
#define CHECKPOINTS_KEPT                                                                           \
    2.0                /* the last file is larger than those before, and disks have bad days */
#define PLAN_DOUBT 4.0 /* an estimate may be so many times too high */

void mcbe_stop_name(const mcbe_stop_t *stop, char text[MCBE_STOP_NAME])
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{SIGUSR1, "USR1"}, {SIGUSR2, "USR2"}, {SIGTERM, "TERM"}, {SIGINT, "INT"}};
    switch ((mcbe_stop_kind_t)stop->kind) {
    case MCBE_STOP_NONE:
        snprintf(text, MCBE_STOP_NAME, "nothing");
        return;
    case MCBE_STOP_TIME:
        snprintf(text, MCBE_STOP_NAME, "time limit");
        return;
    case MCBE_STOP_FILE:
        snprintf(text, MCBE_STOP_NAME, "stop file");
        return;
    case MCBE_STOP_SIGNAL:
        break;
    }
    snprintf(text, MCBE_STOP_NAME, "signal %d", (int)stop->signal);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].number == stop->signal) {
            snprintf(text, MCBE_STOP_NAME, "signal %s", names[i].name);
        }
    }
}

double mcbe_stop_grace(const mcbe_stop_t *stop)
{
    return stop->kind == MCBE_STOP_TIME || stop->signal == SIGTERM ? 0.0 : GRACE_SECONDS;
}

/* @return whether there was one */
static int remove_stop_file(const mcbe_runctl_t *control)
{
    const char *path = control->options.stop_path;
    if (access(path, F_OK) != 0) {
        return 0;
    }
    if (unlink(path) != 0) {
        mcbe_log_line(&control->options.log, MCBE_LOG_WARNING, "cannot remove '%s': %s", path,
                      strerror(errno));
    }
    return 1;
}

void mcbe_runctl_init(mcbe_runctl_t *control, const mcbe_runctl_options_t *options)
{
    *control = (mcbe_runctl_t){.options = *options};
    control->started = mcbe_clock_now(&control->options.clock);
    control->next_look = control->started + LOOK_SECONDS;
    if (remove_stop_file(control)) {
        mcbe_log_line(&control->options.log, MCBE_LOG_WARNING,
                      "'%s' was there before this run and has been removed; make it again to stop",
                      options->stop_path);
    }
}

double mcbe_runctl_padding(const mcbe_runctl_t *control)
{
    const mcbe_runctl_options_t *options = &control->options;
    return options->padding >= 0.0 ? options->padding
                                   : fmin(PADDING_SECONDS, PADDING_SHARE * options->limit);
}

double mcbe_runctl_left(const mcbe_runctl_t *control)
{
    const double passed = mcbe_clock_now(&control->options.clock) - control->started;
    return control->options.limit - mcbe_runctl_padding(control) -
           CHECKPOINTS_KEPT * control->checkpoint - passed;
}

static void stop_for(mcbe_runctl_t *control, mcbe_stop_kind_t kind, int signal)
{
    if (control->stop.kind == MCBE_STOP_NONE) {
        control->stop = (mcbe_stop_t){.kind = kind, .signal = signal};
    }
}

void mcbe_runctl_signal(mcbe_runctl_t *control, int signal)
{
    stop_for(control, MCBE_STOP_SIGNAL, signal);
}

int mcbe_runctl_look(mcbe_runctl_t *control)
{
    const double now = mcbe_clock_now(&control->options.clock);
    if (now >= control->next_look) {
        control->next_look = now + LOOK_SECONDS;
        if (remove_stop_file(control)) {
            stop_for(control, MCBE_STOP_FILE, 0);
        }
    }
    if (mcbe_runctl_left(control) <= 0.0) {
        stop_for(control, MCBE_STOP_TIME, 0);
    }
    return control->stop.kind != MCBE_STOP_NONE;
}

int mcbe_runctl_would_fit(const mcbe_runctl_t *control, double planned, int ranks)
{
    const double upper = mcbe_pace_upper(&control->pace);
    const double ratio = upper > 0.0 ? upper : 1.0 / PLAN_DOUBT;
    return ratio * planned / ranks < mcbe_runctl_left(control);
}

int mcbe_runctl_fits(mcbe_runctl_t *control, double planned, int ranks)
{
    const int fits = mcbe_runctl_would_fit(control, planned, ranks);
    control->refused += !fits;
    return fits;
}

void mcbe_runctl_measure(mcbe_runctl_t *control, double planned, double measured)
{
    mcbe_pace_add(&control->pace, planned, measured);
}

void mcbe_runctl_checkpoint(mcbe_runctl_t *control, double seconds)
{
    control->checkpoint = fmax(control->checkpoint, seconds);
}

mcbe_stop_t mcbe_runctl_reason(const mcbe_runctl_t *control)
{
    if (control->stop.kind == MCBE_STOP_NONE && control->refused > 0) {
        return (mcbe_stop_t){.kind = MCBE_STOP_TIME};
    }
    return control->stop;
}
