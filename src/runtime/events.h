#ifndef MCBE_EVENTS_H
#define MCBE_EVENTS_H

/* What happens in a run, as JSON lines for programs: one object an event, each written as one whole
 * line and flushed. docs/parallel.md has the fields. Used on rank 0. */

#include <stdint.h>

#include "clock.h"
#include "log.h"
#include "record.h"

typedef struct mcbe_events mcbe_events_t;

/** Append to a file. Not collective. @param[in] path  NULL for none: *events is then NULL, which every
 *  function below takes for silence
 *  @return MCBE_OK; MCBE_ERR_IO with a sentence; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_events_open(mcbe_events_t **events, const char *path,
                                              const mcbe_clock_t *clock, mcbe_error_t *err);
/** Accepts NULL inside. */
void mcbe_events_close(mcbe_events_t **events);

/* Nothing below fails: a log that cannot be written to must not end a run. */

/** The run starts computing. */
void mcbe_events_start(mcbe_events_t *events, const char *output, int ranks, int64_t done,
                       int64_t units);
/** A unit was recorded. */
void mcbe_events_unit(mcbe_events_t *events, const mcbe_cell_t *cell, const mcbe_record_t *record);
/** The result file was rewritten. */
void mcbe_events_checkpoint(mcbe_events_t *events, int64_t done, double seconds);
/** A line of the log, as mcbe_log_t hands it on. @param[in] context  mcbe_events_t */
void mcbe_events_message(void *context, mcbe_log_level_t level, const char *line);
/** The run ends. @param[in] outcome  "complete", or why it stopped
 *  @param[in] saving  seconds that rank 0 spent on keeping the results */
void mcbe_events_end(mcbe_events_t *events, const char *outcome, int64_t done, int64_t units,
                     double saving);

#endif
