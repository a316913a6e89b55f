#include "log.h"

#include <stdarg.h>

void mcbe_log_line(const mcbe_log_t *log, mcbe_log_level_t level, const char *format, ...)
{
    static const char *const word[] = {"error: ", "warning: ", ""};
    if (!log || (!log->stream && !log->listener) || level > log->level) {
        return;
    }
    char line[8192];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (log->stream) {
        /* one call, one line: lines of several processes must not mix */
        fprintf(log->stream, "mcbe: %s%s\n", word[level], line);
        fflush(log->stream);
    }
    if (log->listener) {
        log->listener(log->context, level, line);
    }
}
