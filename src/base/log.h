#ifndef MCBE_LOG_H
#define MCBE_LOG_H

#include <stdio.h>

#include "mcbe/status.h"

typedef enum mcbe_log_level { MCBE_LOG_ERROR, MCBE_LOG_WARNING, MCBE_LOG_INFO } mcbe_log_level_t;

/* Where messages go. stream is borrowed; NULL keeps silent (every rank but 0). */
typedef struct mcbe_log {
    FILE *stream;
    mcbe_log_level_t level; /* the least important level still written */
    /* Gets the same lines, without "mcbe: " and the level's word, even where stream is NULL; may be
     * NULL. */
    void (*listener)(void *context, mcbe_log_level_t level, const char *line);
    void *context; /* borrowed */
} mcbe_log_t;

/** Write one whole line, "mcbe: ..." with the level's word for errors and warnings, and flush.
 *  Not collective. Thread-safe as far as the stream is. */
void mcbe_log_line(const mcbe_log_t *log, mcbe_log_level_t level, const char *format, ...)
    MCBE_PRINTF(3, 4);

#endif
