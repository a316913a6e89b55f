#ifndef MCBE_RUNCTL_H
#define MCBE_RUNCTL_H

#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "log.h"
#include "pace.h"

/* When a run stops before it is complete. Rank 0 decides and tells the others. */

typedef enum mcbe_stop_kind {
    MCBE_STOP_NONE,
    MCBE_STOP_TIME,   /* what is left does not fit into the time limit */
    MCBE_STOP_SIGNAL, /* a signal reached some rank */
    MCBE_STOP_FILE    /* OUT.h5.stop was made */
} mcbe_stop_kind_t;

/* Why; the same on all ranks. Travels between them. */
typedef struct mcbe_stop {
    int64_t kind;   /* mcbe_stop_kind_t */
    int64_t signal; /* its number, 0 for other kinds */
} mcbe_stop_t;

enum { MCBE_STOP_NAME = 32 }; /* bytes of a stop's name, as many as a segment's reason has */

/** "time limit", "signal USR1", "stop file": for messages and the segment table. */
void mcbe_stop_name(const mcbe_stop_t *stop, char text[MCBE_STOP_NAME]);

/** Seconds that units in hand still get to finish: half a second, none at the time limit and after
 *  SIGTERM, behind which a SIGKILL is on its way. */
double mcbe_stop_grace(const mcbe_stop_t *stop);

typedef struct mcbe_runctl_options {
    double limit;   /* seconds from now; INFINITY for none */
    double padding; /* seconds kept free at the limit; negative: 30, or a tenth of the limit */
    const char *stop_path; /* owned by the caller, outlives the control */
    mcbe_clock_t clock;
    mcbe_log_t log;
} mcbe_runctl_options_t;

/* Owned by the caller, owns nothing; its members are for runctl.c. */
typedef struct mcbe_runctl {
    mcbe_runctl_options_t options;
    double started, next_look; /* clock readings: of init, and of the next look for the stop file */
    double checkpoint;         /* seconds the slowest writing of the result file took so far */
    mcbe_pace_t pace;
    mcbe_stop_t stop; /* kind NONE while the run goes on */
    int64_t refused;  /* jobs that did not fit */
} mcbe_runctl_t;

/** Start the control on rank 0, the holder of the output's lock. A stop file that is there already is
 *  left from before: it is removed, with a warning. Not collective. */
void mcbe_runctl_init(mcbe_runctl_t *control, const mcbe_runctl_options_t *options);

/** Look at the clock, and once a second for the stop file, which is removed when it is obeyed. Call
 *  every few milliseconds. Cost: one clock reading.
 *  @return non-zero from the moment on that the whole run is to stop: mcbe_runctl_reason says why */
int mcbe_runctl_look(mcbe_runctl_t *control);
/** A signal has reached some rank. The first reason of all stays. */
void mcbe_runctl_signal(mcbe_runctl_t *control, int signal);

/** May a job be started: is it likely to end before the limit less the padding? Once one is refused
 *  the run will end for lack of time, though cheaper ones may still fit. Until a job has been measured
 *  the plan's estimates are believed within a factor of four.
 *  @param[in] planned  estimated core-seconds  @param[in] ranks  that will share it */
int mcbe_runctl_fits(mcbe_runctl_t *control, double planned, int ranks);
/** The same as a mere question: nothing is refused. */
int mcbe_runctl_would_fit(const mcbe_runctl_t *control, double planned, int ranks);

/** A job has taken so many core-seconds. */
void mcbe_runctl_measure(mcbe_runctl_t *control, double planned, double measured);
/** Writing the result file took so long: room for two such is kept at the end. */
void mcbe_runctl_checkpoint(mcbe_runctl_t *control, double seconds);

/** Seconds until no job may be running any more; INFINITY without a limit. */
double mcbe_runctl_left(const mcbe_runctl_t *control);
/** Seconds kept free at the limit for other things than writing the file. */
double mcbe_runctl_padding(const mcbe_runctl_t *control);

/** Why the run stops short; kind NONE if it does not. */
mcbe_stop_t mcbe_runctl_reason(const mcbe_runctl_t *control);

#endif
