#include "config_internal.h"

#include <stdio.h>
#include <string.h>

/* Left free in mcbe_error_t for the line that says how much is missing. */
enum { ROOM_FOR_LAST_LINE = 160 };

mcbe_report_t mcbe_report_for(const mcbe_config_t *config, mcbe_error_t *err)
{
    return (mcbe_report_t){.err = err,
                           .status = MCBE_ERR_CONFIG,
                           .name = config->name,
                           .overrides = (const char *const *)config->overrides};
}

static void format_place(const mcbe_report_t *report, mcbe_place_t place, char *text, size_t size)
{
    if (!report->name) {
        text[0] = '\0';
    } else if (place.source >= 0) {
        char shown[MCBE_SHOWN_MAX];
        mcbe_show(report->overrides[place.source], shown);
        snprintf(text, size, "--set %s: ", shown);
    } else if (place.source == MCBE_SOURCE_FILE && place.line > 0) {
        snprintf(text, size, "%s:%d:%d: ", report->name, place.line, place.column);
    } else {
        snprintf(text, size, "%s: ", report->name);
    }
}

void mcbe_report_vadd(mcbe_report_t *report, mcbe_place_t place, const char *path,
                      const char *format, va_list args)
{
    char where[MCBE_CONFIG_SENTENCE];
    char sentence[MCBE_CONFIG_SENTENCE];
    char key[MCBE_SHOWN_MAX + sizeof "key '': "] = "";
    report->errors++;
    if (!report->err) {
        return;
    }
    format_place(report, place, where, sizeof where);
    if (path) {
        char shown[MCBE_SHOWN_MAX];
        mcbe_show(path, shown);
        snprintf(key, sizeof key, "key '%s': ", shown);
    }
    vsnprintf(sentence, sizeof sentence, format, args);
    size_t used = strlen(report->err->text);
    if (used + strlen(where) + strlen(key) + strlen(sentence) + ROOM_FOR_LAST_LINE >
        sizeof report->err->text) {
        report->untold++;
        return;
    }
    (void)mcbe_fail(report->err, report->status, "%s%s%s", where, key, sentence);
}

void mcbe_report_add(mcbe_report_t *report, mcbe_place_t place, const char *path,
                     const char *format, ...)
{
    va_list args;
    va_start(args, format);
    mcbe_report_vadd(report, place, path, format, args);
    va_end(args);
}

mcbe_status_t mcbe_report_end(mcbe_report_t *report)
{
    if (report->errors == 0) {
        return MCBE_OK;
    }
    if (report->untold > 0) {
        (void)mcbe_fail(report->err, report->status, "%d more error%s not shown", report->untold,
                        report->untold == 1 ? " is" : "s are");
    }
    return report->status;
}
