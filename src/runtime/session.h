#ifndef MCBE_SESSION_H
#define MCBE_SESSION_H

#include "experiment.h"

/* A configuration brought to life: which experiment, its parameters, its plan and its records. */
typedef struct mcbe_session {
    const mcbe_experiment_t *experiment; /* borrowed */
    mcbe_config_t *config;               /* owned, as everything below */
    void *params;
    mcbe_plan_t plan;
    mcbe_layout_t layout;
} mcbe_session_t;

/** Parse a configuration and open its experiment. Not collective; gives the same on every rank.
 *  @param[in] name  file name for messages; text [length]; overrides as in mcbe_config_parse
 *  @return MCBE_OK; MCBE_ERR_CONFIG and others with their sentences; the session is then zeroed */
MCBE_NODISCARD mcbe_status_t mcbe_session_open(mcbe_session_t *session,
                                               const mcbe_experiment_t *const *experiments,
                                               int experiment_count, const char *name,
                                               const char *text, size_t length,
                                               const char *const *overrides, int override_count,
                                               mcbe_error_t *err);
void mcbe_session_close(mcbe_session_t *session);

/** The same from a configuration file. @return also MCBE_ERR_CONFIG if it cannot be read */
MCBE_NODISCARD mcbe_status_t mcbe_session_load(mcbe_session_t *session,
                                               const mcbe_experiment_t *const *experiments,
                                               int experiment_count, const char *path,
                                               const char *const *overrides, int override_count,
                                               mcbe_error_t *err);

/** What a result file keeps of its configuration: the text as given and, below a marker, the
 *  overrides, so that the file alone can be opened again. @return new (mcbe_free), NULL if memory
 *  is out */
char *mcbe_session_stored_text(const char *text, const char *const *overrides, int override_count);

/** Open the session of a result file from what mcbe_session_stored_text made.
 *  @param[in] name  the result file, for messages. @return as mcbe_session_open */
MCBE_NODISCARD mcbe_status_t mcbe_session_reopen(mcbe_session_t *session,
                                                 const mcbe_experiment_t *const *experiments,
                                                 int experiment_count, const char *name,
                                                 const char *stored_text, mcbe_error_t *err);

/** Read a whole configuration file. @param[out] text  new, [*length] and a final 0 (mcbe_free)
 *  @return MCBE_OK; MCBE_ERR_CONFIG with a sentence; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_config_read(const char *path, char **text, size_t *length,
                                              mcbe_error_t *err);

/** The experiments' key tables, for the configuration module. @return new (mcbe_free), NULL if
 *  memory is out */
mcbe_key_table_t *mcbe_session_tables(const mcbe_experiment_t *const *experiments,
                                      int experiment_count);

#endif
