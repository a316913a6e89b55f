#ifndef MCBE_STATUS_H
#define MCBE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MCBE_NODISCARD __attribute__((warn_unused_result))
#define MCBE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define MCBE_NODISCARD
#define MCBE_PRINTF(fmt, args)
#endif

/* name, value, text.  Values are grouped by hundreds: 1xx the caller's arguments, 2xx
 * configuration, 3xx files that were read, 4xx the system around us, 5xx not errors of anybody, 9xx
 * our own faults. */
#define MCBE_STATUS_LIST(X)                                                                        \
    X(OK, 0, "success")                                                                            \
    X(ERR_ARGUMENT, -101, "argument out of range")                                                 \
    X(ERR_DIM, -102, "dimensions do not fit")                                                      \
    X(ERR_VALUE, -103, "value is NaN, infinite or not usable")                                     \
    X(ERR_LIMIT, -104, "more work than was allowed")                                               \
    X(ERR_USAGE, -201, "wrong use of the command line")                                            \
    X(ERR_CONFIG, -202, "configuration is not valid")                                              \
    X(ERR_FINGERPRINT, -203, "existing result belongs to another configuration")                   \
    X(ERR_SINGLETONS, -204, "several tasks were started but MPI sees only one")                    \
    X(ERR_DATA, -301, "input file is not valid")                                                   \
    X(ERR_VERSION, -302, "file is of a version this program cannot read")                          \
    X(ERR_CORRUPT, -303, "file is damaged")                                                        \
    X(ERR_IO, -401, "file system error")                                                           \
    X(ERR_LOCKED, -402, "output is in use by another run")                                         \
    X(ERR_NOMEM, -403, "out of memory")                                                            \
    X(ERR_MPI, -404, "MPI error")                                                                  \
    X(STOPPED, -501, "stopped early, resumable")                                                   \
    X(ERR_INTERNAL, -901, "internal error")

typedef enum mcbe_status {
#define MCBE_STATUS_ENUM(name, value, text) MCBE_##name = (value),
    MCBE_STATUS_LIST(MCBE_STATUS_ENUM)
#undef MCBE_STATUS_ENUM
} mcbe_status_t;

#define MCBE_ERROR_TEXT_MAX 4096

/* What went wrong, in the words a user is shown.  A caller owns it, zero-initialises it (or calls
 * mcbe_error_clear) and hands it down; every function that takes one also takes NULL. */
typedef struct mcbe_error {
    mcbe_status_t status;
    const char *file; /* where it was first recorded; static storage */
    int line;
    char text[MCBE_ERROR_TEXT_MAX]; /* one sentence a line, no trailing newline */
} mcbe_error_t;

/** Fixed text of a status code. Not collective. Thread-safe.
 *  @return static string; "unknown status" for a value not in MCBE_STATUS_LIST */
const char *mcbe_strerror(mcbe_status_t status);

/** Exit code of the program for a status (sysexits.h): 0, 64, 65, 70, 74 or 75.
 *  Not collective. Thread-safe. */
int mcbe_exit_code(mcbe_status_t status);

/** Forget any recorded error. Not collective. */
void mcbe_error_clear(mcbe_error_t *err);

/** Record `status` with a sentence; the first status recorded stays, further sentences are added as
 *  new lines (dropped once the text is full). Use through the macro mcbe_fail. Not collective.
 *  @return status, so that `return mcbe_fail(...)` and `st = mcbe_fail(...)` read well */
mcbe_status_t mcbe_fail_at(mcbe_error_t *err, const char *file, int line, mcbe_status_t status,
                           const char *format, ...) MCBE_PRINTF(5, 6);

#define mcbe_fail(err, status, ...) mcbe_fail_at((err), __FILE__, __LINE__, (status), __VA_ARGS__)

#ifdef __cplusplus
}
#endif
#endif
