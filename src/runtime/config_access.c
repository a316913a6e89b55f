#include "config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* --- values in their order --- */

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const mcbe_value_t *)a)->path, ((const mcbe_value_t *)b)->path);
}

static int compare_to_path(const void *path, const void *value)
{
    return strcmp(path, ((const mcbe_value_t *)value)->path);
}

void mcbe_config_sort(mcbe_config_t *config)
{
    if (config->count > 0) {
        qsort(config->values, config->count, sizeof *config->values, compare_paths);
    }
}

mcbe_value_t *mcbe_config_find(const mcbe_config_t *config, const char *path)
{
    return config->count == 0 ? NULL
                              : bsearch(path, config->values, config->count, sizeof *config->values,
                                        compare_to_path);
}

const mcbe_value_t *mcbe_config_find_field(const mcbe_config_t *config, const char *path, int index,
                                           const char *field)
{
    char full[MCBE_CONFIG_PATH];
    snprintf(full, sizeof full, "%s[%d].%s", path, index, field);
    return mcbe_config_find(config, full);
}

/* --- by path and type --- */

/* A wrong path or type is a mistake in an experiment; say which before stopping. */
static const mcbe_value_t *check_type(const mcbe_value_t *value, mcbe_key_type_t type,
                                      const char *path)
{
    if (!value || !value->row || value->row->type != type) {
        fprintf(stderr, "mcbe: internal error: no config key '%s' of type %d\n", path, (int)type);
        abort();
    }
    return value;
}

static const mcbe_value_t *get(const mcbe_config_t *config, const char *path, mcbe_key_type_t type)
{
    return check_type(mcbe_config_find(config, path), type, path);
}

static const mcbe_value_t *get_field(const mcbe_config_t *config, const char *path, int index,
                                     const char *field, mcbe_key_type_t type)
{
    return check_type(mcbe_config_find_field(config, path, index, field), type, field);
}

const char *mcbe_config_text(const mcbe_config_t *config)
{
    return config->text;
}

int mcbe_config_table(const mcbe_config_t *config)
{
    return config->table;
}

int64_t mcbe_config_int(const mcbe_config_t *config, const char *path)
{
    return get(config, path, MCBE_KEY_INT)->integer;
}

double mcbe_config_real(const mcbe_config_t *config, const char *path)
{
    return get(config, path, MCBE_KEY_REAL)->real;
}

int mcbe_config_bool(const mcbe_config_t *config, const char *path)
{
    return (int)get(config, path, MCBE_KEY_BOOL)->integer;
}

const char *mcbe_config_string(const mcbe_config_t *config, const char *path)
{
    return get(config, path, MCBE_KEY_STRING)->text;
}

const char *const *mcbe_config_texts(const mcbe_config_t *config, const char *path, int *count)
{
    const mcbe_value_t *value = get(config, path, MCBE_KEY_TEXTS);
    *count = value->text_count;
    return value->texts;
}

int mcbe_config_enum(const mcbe_config_t *config, const char *path)
{
    return (int)get(config, path, MCBE_KEY_ENUM)->integer;
}

const int64_t *mcbe_config_axis(const mcbe_config_t *config, const char *path, int *count)
{
    const mcbe_value_t *value = get(config, path, MCBE_KEY_AXIS);
    *count = value->axis_count;
    return value->axis;
}

int mcbe_config_records(const mcbe_config_t *config, const char *path)
{
    return (int)get(config, path, MCBE_KEY_RECORDS)->integer;
}

int64_t mcbe_config_record_int(const mcbe_config_t *config, const char *path, int index,
                               const char *field)
{
    return get_field(config, path, index, field, MCBE_KEY_INT)->integer;
}

double mcbe_config_record_real(const mcbe_config_t *config, const char *path, int index,
                               const char *field)
{
    return get_field(config, path, index, field, MCBE_KEY_REAL)->real;
}

const char *mcbe_config_record_string(const mcbe_config_t *config, const char *path, int index,
                                      const char *field)
{
    return get_field(config, path, index, field, MCBE_KEY_STRING)->text;
}

int mcbe_config_record_enum(const mcbe_config_t *config, const char *path, int index,
                            const char *field)
{
    return (int)get_field(config, path, index, field, MCBE_KEY_ENUM)->integer;
}

int mcbe_config_has(const mcbe_config_t *config, const char *path)
{
    const mcbe_value_t *value = mcbe_config_find(config, path);
    return value && value->row;
}

int mcbe_config_given(const mcbe_config_t *config, const char *path)
{
    const mcbe_value_t *value = mcbe_config_find(config, path);
    MCBE_BUG_ASSERT(value);
    return value->given;
}

int mcbe_config_record_given(const mcbe_config_t *config, const char *path, int index,
                             const char *field)
{
    const mcbe_value_t *value = mcbe_config_find_field(config, path, index, field);
    MCBE_BUG_ASSERT(value);
    return value->given;
}

mcbe_status_t mcbe_config_reject(const mcbe_config_t *config, mcbe_error_t *err, const char *path,
                                 const char *format, ...)
{
    mcbe_report_t report = mcbe_report_for(config, err);
    const mcbe_value_t *value = mcbe_config_find(config, path);
    mcbe_place_t place = {.source = MCBE_SOURCE_DEFAULT};
    va_list args;
    va_start(args, format);
    mcbe_report_vadd(&report, value ? value->place : place, path, format, args);
    va_end(args);
    return mcbe_report_end(&report);
}
