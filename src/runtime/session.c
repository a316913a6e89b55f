#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "memory.h"

#define CONFIG_BYTES_MAX ((size_t)1 << 20) /* what mcbe_config_parse accepts */

mcbe_key_table_t *mcbe_session_tables(const mcbe_experiment_t *const *experiments,
                                      int experiment_count)
{
    mcbe_key_table_t *tables = mcbe_alloc((size_t)experiment_count, sizeof *tables);
    for (int i = 0; tables && i < experiment_count; i++) {
        tables[i] = experiments[i]->table;
    }
    return tables;
}

mcbe_status_t mcbe_session_open(mcbe_session_t *session,
                                const mcbe_experiment_t *const *experiments, int experiment_count,
                                const char *name, const char *text, size_t length,
                                const char *const *overrides, int override_count, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_ERR_NOMEM;
    memset(session, 0, sizeof *session);
    mcbe_key_table_t *tables = mcbe_session_tables(experiments, experiment_count);
    if (!tables) {
        goto out;
    }
    MCBE_TRY(mcbe_config_parse(&session->config, name, text, length, overrides, override_count,
                               tables, experiment_count, err));
    session->experiment = experiments[mcbe_config_table(session->config)];
    MCBE_TRY(session->experiment->open(session->config, &session->params, err));
    MCBE_TRY(session->experiment->plan(session->params, &session->plan, err));
    MCBE_TRY(session->experiment->layout(session->params, &session->layout, err));
out:
    mcbe_free(tables);
    if (st != MCBE_OK) {
        mcbe_session_close(session);
    }
    return st;
}

void mcbe_session_close(mcbe_session_t *session)
{
    mcbe_layout_free(&session->layout);
    mcbe_plan_free(&session->plan);
    if (session->params) {
        session->experiment->close(&session->params);
    }
    mcbe_config_destroy(&session->config);
    memset(session, 0, sizeof *session);
}

/* Comment lines, so that the stored text is still a configuration one can read and run. */
#define OVERRIDES_MARKER "# overridden on the command line:\n"
#define OVERRIDE_PREFIX "# --set "

char *mcbe_session_stored_text(const char *text, const char *const *overrides, int override_count)
{
    size_t bytes = strlen(text) + sizeof OVERRIDES_MARKER + 2;
    for (int i = 0; i < override_count; i++) {
        bytes += sizeof OVERRIDE_PREFIX + strlen(overrides[i]) + 1;
    }
    char *stored = mcbe_alloc(bytes, 1);
    if (!stored) {
        return NULL;
    }
    /* a text that was stored before has a marker of its own: the last one must be ours */
    if (override_count == 0 && !strstr(text, OVERRIDES_MARKER)) {
        return strcpy(stored, text);
    }
    const size_t length = strlen(text);
    int used = snprintf(stored, bytes, "%s%s" OVERRIDES_MARKER, text,
                        length > 0 && text[length - 1] != '\n' ? "\n" : "");
    for (int i = 0; i < override_count; i++) {
        used += snprintf(stored + used, bytes - (size_t)used, OVERRIDE_PREFIX "%s\n", overrides[i]);
    }
    return stored;
}

/* Cut the overrides off a stored text. @param[in,out] text  loses them; they stay behind it in
 * memory
 * @param[out] overrides  [*count], pointing there (mcbe_free the array) */
static mcbe_status_t split_stored_text(char *text, const char ***overrides, int *count)
{
    size_t capacity = 0;
    void *list = NULL;
    char *line = NULL;
    *count = 0;
    for (char *at = text; (at = strstr(at, OVERRIDES_MARKER)) != NULL; at++) {
        line = at; /* the last marker is ours, whatever comments the text has */
    }
    if (line) {
        *line = '\0';
        line += strlen(OVERRIDES_MARKER);
    }
    while (line && !strncmp(line, OVERRIDE_PREFIX, strlen(OVERRIDE_PREFIX))) {
        char *end = strchr(line, '\n');
        mcbe_status_t st = mcbe_grow(&list, &capacity, (size_t)*count + 1, sizeof **overrides);
        if (st != MCBE_OK) {
            mcbe_free(list);
            return st;
        }
        ((const char **)list)[(*count)++] = line + strlen(OVERRIDE_PREFIX);
        if (end) {
            *end = '\0';
        }
        line = end ? end + 1 : NULL;
    }
    *overrides = list;
    return MCBE_OK;
}

mcbe_status_t mcbe_session_reopen(mcbe_session_t *session,
                                  const mcbe_experiment_t *const *experiments, int experiment_count,
                                  const char *name, const char *stored_text, mcbe_error_t *err)
{
    const char **overrides = NULL;
    int count = 0;
    memset(session, 0, sizeof *session);
    char *text = mcbe_strdup(stored_text);
    mcbe_status_t st = text ? split_stored_text(text, &overrides, &count) : MCBE_ERR_NOMEM;
    if (st == MCBE_OK) {
        st = mcbe_session_open(session, experiments, experiment_count, name, text, strlen(text),
                               overrides, count, err);
    }
    mcbe_free(overrides);
    mcbe_free(text);
    return st;
}

mcbe_status_t mcbe_config_read(const char *path, char **text, size_t *length, mcbe_error_t *err)
{
    struct stat facts;
    mcbe_status_t st = MCBE_OK;
    char *content = NULL;
    FILE *in = fopen(path, "rb");
    if (!in || fstat(fileno(in), &facts) != 0) {
        st = mcbe_fail(err, MCBE_ERR_CONFIG, "cannot open the configuration '%s': %s", path,
                       strerror(errno));
    } else if (S_ISDIR(facts.st_mode)) {
        st = mcbe_fail(err, MCBE_ERR_CONFIG,
                       "the configuration '%s' is a folder; a YAML file is needed", path);
    } else {
        content = mcbe_alloc(CONFIG_BYTES_MAX + 1, 1);
        *length = content ? fread(content, 1, CONFIG_BYTES_MAX + 1, in) : 0;
        if (!content) {
            st = MCBE_ERR_NOMEM;
        } else if (ferror(in)) {
            st = mcbe_fail(err, MCBE_ERR_CONFIG, "cannot read the configuration '%s': %s", path,
                           strerror(errno));
        } else if (*length > CONFIG_BYTES_MAX) {
            st = mcbe_fail(err, MCBE_ERR_CONFIG,
                           "the configuration '%s' is larger than %zu bytes; that is no "
                           "configuration of ours",
                           path, CONFIG_BYTES_MAX);
        } else {
            content[*length] = '\0';
            *text = content;
            content = NULL;
        }
    }
    mcbe_free(content);
    if (in) {
        fclose(in);
    }
    return st;
}

mcbe_status_t mcbe_session_load(mcbe_session_t *session,
                                const mcbe_experiment_t *const *experiments, int experiment_count,
                                const char *path, const char *const *overrides, int override_count,
                                mcbe_error_t *err)
{
    char *text = NULL;
    size_t length = 0;
    memset(session, 0, sizeof *session);
    mcbe_status_t st = mcbe_config_read(path, &text, &length, err);
    if (st == MCBE_OK) {
        st = mcbe_session_open(session, experiments, experiment_count, path, text, length,
                               overrides, override_count, err);
    }
    mcbe_free(text);
    return st;
}
