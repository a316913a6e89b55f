#include "events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "memory.h"

struct mcbe_events {
    FILE *stream; /* owned; a line stays in its buffer until it is whole */
    mcbe_clock_t clock;
    double started; /* clock reading */
};

mcbe_status_t mcbe_events_open(mcbe_events_t **events, const char *path, const mcbe_clock_t *clock,
                               mcbe_error_t *err)
{
    *events = NULL;
    if (!path) {
        return MCBE_OK;
    }
    mcbe_events_t *e = mcbe_alloc(1, sizeof *e);
    if (!e) {
        return MCBE_ERR_NOMEM;
    }
    *e = (mcbe_events_t){.stream = fopen(path, "a"), .clock = *clock};
    if (!e->stream) {
        mcbe_free(e);
        return mcbe_fail(err, MCBE_ERR_IO, "cannot open the event log '%s': %s", path,
                         strerror(errno));
    }
    e->started = mcbe_clock_now(&e->clock);
    *events = e;
    return MCBE_OK;
}

void mcbe_events_close(mcbe_events_t **events)
{
    if (*events) {
        fclose((*events)->stream);
        mcbe_free(*events);
        *events = NULL;
    }
}

/* The head of a line, then what the format says, up to but without the closing brace. */
MCBE_PRINTF(3, 4)
static void begin(mcbe_events_t *e, const char *event, const char *format, ...)
{
    char utc[21];
    va_list args;
    mcbe_clock_utc(utc);
    fprintf(e->stream, "{\"time\": \"%s\", \"seconds\": %.3f, \"event\": \"%s\"", utc,
            mcbe_clock_now(&e->clock) - e->started, event);
    va_start(args, format);
    vfprintf(e->stream, format, args);
    va_end(args);
}

static void end(mcbe_events_t *e)
{
    fputs("}\n", e->stream);
    fflush(e->stream);
}

static void text(mcbe_events_t *e, const char *name, const char *value)
{
    fprintf(e->stream, ", \"%s\": ", name);
    mcbe_json_text(e->stream, value);
}

void mcbe_events_start(mcbe_events_t *e, const char *output, int ranks, int64_t done, int64_t units)
{
    if (e) {
        begin(e, "start", ", \"ranks\": %d, \"done\": %" PRId64 ", \"units\": %" PRId64, ranks,
              done, units);
        text(e, "output", output);
        end(e);
    }
}

void mcbe_events_unit(mcbe_events_t *e, const mcbe_cell_t *cell, const mcbe_record_t *record)
{
    if (e) {
        begin(e, "unit",
              ", \"n\": %" PRId64 ", \"m\": %" PRId64 ", \"trial\": %" PRId64 ", \"rank\": %" PRId64
              ", \"took\": %.6f",
              cell->n, cell->m, record->trial, record->rank, record->seconds);
        end(e);
    }
}

void mcbe_events_checkpoint(mcbe_events_t *e, int64_t done, double seconds)
{
    if (e) {
        begin(e, "checkpoint", ", \"done\": %" PRId64 ", \"took\": %.6f", done, seconds);
        end(e);
    }
}

void mcbe_events_message(void *context, mcbe_log_level_t level, const char *line)
{
    static const char *const words[] = {"error", "warning", "info"};
    mcbe_events_t *e = context;
    if (e) {
        begin(e, "message", ", \"level\": \"%s\"", words[level]);
        text(e, "text", line);
        end(e);
    }
}

void mcbe_events_end(mcbe_events_t *e, const char *outcome, int64_t done, int64_t units,
                     double saving)
{
    if (e) {
        begin(e, "end", ", \"done\": %" PRId64 ", \"units\": %" PRId64 ", \"saving\": %.6f", done,
              units, saving);
        text(e, "outcome", outcome);
        end(e);
    }
}
