#ifndef MCBE_ESTIMATE_REQUEST_H
#define MCBE_ESTIMATE_REQUEST_H

/* The command line of `mcbe estimate` as a configuration of the experiment `estimate`. */

#include "mcbe/run.h"

typedef struct mcbe_estimate_request {
    mcbe_run_options_t options; /* but for the output, which may be NULL, all that mcbe_run needs */
    int json;
    char **overrides; /* owned, as what is in it: those of flags, then those of --set */
    struct mcbe_estimate_flag {
        const char *name;  /* "--samples"; static storage */
        const char *value; /* borrowed from argv */
        const char *key;   /* that its override sets; static storage */
    } flags[16];           /* those that were given */
    int flag_count;
} mcbe_estimate_request_t;

/** Read the command line. Not collective. Free with mcbe_estimate_request_free whatever the result.
 *  @return MCBE_OK; MCBE_ERR_USAGE naming the flag, its value and what is right; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_estimate_request_read(mcbe_estimate_request_t *request, int argc,
                                                        char **argv, mcbe_error_t *err);
void mcbe_estimate_request_free(mcbe_estimate_request_t *request);

/** Let sentences about an override that comes from a flag name the flag.
 *  @param[in,out] err  what mcbe_run said */
void mcbe_estimate_request_name_flags(const mcbe_estimate_request_t *request, mcbe_error_t *err);

#endif
