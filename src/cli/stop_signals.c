#include "stop_signals.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

#include <sysexits.h>
#include <unistd.h>

#define SAME_SECONDS 1

/* A handler has no argument of ours, so what it notes must have a fixed place: the only mutable
 * statics of the program. Written by the handler alone, with all four signals blocked. */
static volatile sig_atomic_t seen;
static struct timespec seen_at;

static const int caught[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT};

static void note(int number)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (seen == 0) {
        seen = number;
        seen_at = now;
    } else if (now.tv_sec > seen_at.tv_sec + SAME_SECONDS) {
        _exit(EX_TEMPFAIL);
    }
}

void mcbe_stop_signals_catch(void)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        sigaddset(&action.sa_mask, caught[i]);
    }
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        sigaction(caught[i], &action, NULL);
    }
}

int mcbe_stop_signal_seen(void)
{
    return seen;
}
