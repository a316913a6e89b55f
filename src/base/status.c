#include "mcbe/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "mcbe/version.h"

const char *mcbe_version(void)
{
    return MCBE_VERSION;
}

const char *mcbe_strerror(mcbe_status_t status)
{
    switch (status) {
#define MCBE_STATUS_CASE(name, value, text)                                                        \
    case MCBE_##name:                                                                              \
        return text;
        MCBE_STATUS_LIST(MCBE_STATUS_CASE)
#undef MCBE_STATUS_CASE
    }
    return "unknown status";
}

int mcbe_exit_code(mcbe_status_t status)
{
    switch (status) {
    case MCBE_OK:
        return EX_OK;
    case MCBE_ERR_ARGUMENT:
    case MCBE_ERR_DIM:
    case MCBE_ERR_LIMIT:
    case MCBE_ERR_USAGE:
    case MCBE_ERR_CONFIG:
    case MCBE_ERR_FINGERPRINT:
    case MCBE_ERR_SINGLETONS:
        return EX_USAGE;
    case MCBE_ERR_VALUE:
    case MCBE_ERR_DATA:
    case MCBE_ERR_VERSION:
    case MCBE_ERR_CORRUPT:
        return EX_DATAERR;
    case MCBE_ERR_IO:
    case MCBE_ERR_LOCKED:
        return EX_IOERR;
    case MCBE_STOPPED:
        return EX_TEMPFAIL;
    case MCBE_ERR_NOMEM:
    case MCBE_ERR_MPI:
    case MCBE_ERR_INTERNAL:
        break;
    }
    return EX_SOFTWARE;
}

void mcbe_error_clear(mcbe_error_t *err)
{
    if (err) {
        err->status = MCBE_OK;
        err->file = NULL;
        err->line = 0;
        err->text[0] = '\0';
    }
}

mcbe_status_t mcbe_fail_at(mcbe_error_t *err, const char *file, int line, mcbe_status_t status,
                           const char *format, ...)
{
    if (!err) {
        return status;
    }
    size_t used = strlen(err->text);
    if (err->status == MCBE_OK) {
        err->status = status;
        err->file = file;
        err->line = line;
        used = 0;
    } else if (used > 0) {
        if (used + 1 >= sizeof err->text) {
            return status; /* full */
        }
        err->text[used++] = '\n';
    }
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(err->text + used, sizeof err->text - used, format, args);
    va_end(args);
    if (wanted >= 0 && used > 0 && used + (size_t)wanted >= sizeof err->text) {
        err->text[used - 1] = '\0'; /* a cut sentence misleads: drop it whole */
    }
    return status;
}
