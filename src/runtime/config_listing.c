#include "config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "digest.h"
#include "memory.h"

/* --- writing the listing --- */

/* Text that grows; ends in 0. */
typedef struct text {
    char *chars; /* owned */
    size_t length, capacity;
} text_t;

static mcbe_status_t append(text_t *text, const char *more, size_t length)
{
    mcbe_status_t st = MCBE_OK;
    MCBE_TRY(mcbe_grow((void **)&text->chars, &text->capacity, text->length + length + 1, 1));
    memcpy(text->chars + text->length, more, length);
    text->length += length;
    text->chars[text->length] = '\0';
out:
    return st;
}

static mcbe_status_t append_string(text_t *text, const char *more)
{
    return append(text, more, strlen(more));
}

/* Printable ASCII as it is; everything else as \xNN, so that no reader sees a line break and the
 * listing is ASCII whatever the file names are. */
static mcbe_status_t append_escaped(text_t *text, const char *more)
{
    mcbe_status_t st = MCBE_OK;
    for (; *more; more++) {
        unsigned char c = (unsigned char)*more;
        char escaped[8];
        if (c == '\\') {
            snprintf(escaped, sizeof escaped, "\\\\");
        } else if (c >= 0x20 && c < 0x7F) {
            snprintf(escaped, sizeof escaped, "%c", c);
        } else {
            snprintf(escaped, sizeof escaped, "\\x%02x", c);
        }
        MCBE_TRY(append_string(text, escaped));
    }
out:
    return st;
}

/* "5", "2..30" (every number), "2..30:4" (every fourth), else "2,3,7". */
static mcbe_status_t append_axis(text_t *text, const int64_t *axis, int count)
{
    mcbe_status_t st = MCBE_OK;
    char item[96];
    uint64_t step = count > 1 ? (uint64_t)axis[1] - (uint64_t)axis[0] : 0;
    int even = count > 2 || step == 1;
    for (int i = 2; i < count && even; i++) {
        even = (uint64_t)axis[i] - (uint64_t)axis[i - 1] == step;
    }
    if (even) {
        snprintf(item, sizeof item, "%lld..%lld", (long long)axis[0], (long long)axis[count - 1]);
        MCBE_TRY(append_string(text, item));
        if (step != 1) {
            snprintf(item, sizeof item, ":%llu", (unsigned long long)step);
            MCBE_TRY(append_string(text, item));
        }
        goto out;
    }
    for (int i = 0; i < count; i++) {
        snprintf(item, sizeof item, "%s%lld", i > 0 ? "," : "", (long long)axis[i]);
        MCBE_TRY(append_string(text, item));
    }
out:
    return st;
}

static mcbe_status_t append_value(text_t *text, const mcbe_value_t *value)
{
    char item[MCBE_CONFIG_WANTED];
    if (value->text) {
        return append_escaped(text, value->text);
    }
    if (value->axis) {
        return append_axis(text, value->axis, value->axis_count);
    }
    mcbe_value_format(value, item, sizeof item);
    return append_string(text, item);
}

static int is_unused(const mcbe_value_t *value)
{
    return (value->flags & MCBE_KEY_LATE) && value->integer == 0 && value->real == 0.0 &&
           (!value->text || !*value->text);
}

mcbe_status_t mcbe_config_list_values(mcbe_config_t *config)
{
    mcbe_status_t st = MCBE_OK;
    text_t text = {0};
    for (size_t i = 0; i < config->count; i++) {
        const mcbe_value_t *value = &config->values[i];
        if (is_unused(value)) {
            continue;
        }
        const char *mark = value->flags & MCBE_KEY_FREE      ? "~"
                           : value->flags & MCBE_KEY_GROWS   ? "+"
                           : value->flags & MCBE_KEY_EXTENDS ? "*"
                                                             : "";
        MCBE_TRY(append_string(&text, mark));
        MCBE_TRY(append_string(&text, value->path));
        MCBE_TRY(append_string(&text, " = "));
        MCBE_TRY(append_value(&text, value));
        MCBE_TRY(append_string(&text, "\n"));
    }
    mcbe_free(config->resolved);
    config->resolved = text.chars;
    text.chars = NULL;
out:
    mcbe_free(text.chars);
    return st;
}

const char *mcbe_config_resolved(mcbe_config_t *config)
{
    return config->resolved;
}

mcbe_status_t mcbe_config_add_fact(mcbe_config_t *config, const char *path, const char *value)
{
    mcbe_status_t st = MCBE_OK;
    mcbe_value_t *fact = mcbe_config_find(config, path);
    MCBE_BUG_ASSERT(!fact || !fact->row);
    int is_new = !fact;
    char *text = mcbe_strdup(value);
    char *old = NULL;
    locale_t before = (locale_t)0;
    if (!text) {
        return MCBE_ERR_NOMEM;
    }
    if (is_new) {
        MCBE_TRY(mcbe_config_append(config, "", path, &fact));
    }
    old = fact->text;
    fact->text = text;
    text = NULL;
    if (is_new) {
        mcbe_config_sort(config);
    }
    before = uselocale(config->locale);
    st = mcbe_config_list_values(config);
    (void)uselocale(before);
    if (st) { /* undo */
        fact = mcbe_config_find(config, path);
        text = fact->text;
        fact->text = old;
        old = NULL;
        if (is_new) {
            mcbe_value_free(fact);
            *fact = config->values[--config->count];
            mcbe_config_sort(config);
        }
    }
out:
    mcbe_free(old);
    mcbe_free(text);
    return st;
}

mcbe_status_t mcbe_config_add_digest(mcbe_config_t *config, const char *path, const char *file,
                                     mcbe_error_t *err)
{
    char digest[65];
    const mcbe_status_t st = mcbe_digest_file(file, digest, err);
    return st == MCBE_OK ? mcbe_config_add_fact(config, path, digest) : st;
}

/* --- reading a listing --- */

typedef struct line {
    char mark; /* '~', '+', '*' or 0 */
    const char *path, *value;
    size_t path_length, value_length;
    const char *start; /* the whole line */
    size_t length;
} line_t;

/* The next line of a listing. @param[in,out] at @return 0 at the end */
static int next_line(const char **at, line_t *line)
{
    static const char link[] = " = ";
    if (**at == '\0') {
        return 0;
    }
    *line = (line_t){.start = *at, .length = strcspn(*at, "\n")};
    const char *end = line->start + line->length;
    line->mark = strchr("~+*", **at) ? **at : '\0';
    line->path = line->start + (line->mark != '\0');
    const char *found = strstr(line->path, link);
    if (found && found < end) {
        line->path_length = (size_t)(found - line->path);
        line->value = found + strlen(link);
        line->value_length = (size_t)(end - line->value);
    } else { /* not one of our lines: all of it is the name */
        line->path_length = (size_t)(end - line->path);
        line->value = end;
    }
    *at = *end ? end + 1 : end;
    return 1;
}

mcbe_status_t mcbe_config_lookup(const char *resolved, const char *path, char *value, size_t size)
{
    line_t line;
    while (next_line(&resolved, &line)) {
        if (strlen(path) == line.path_length && memcmp(path, line.path, line.path_length) == 0 &&
            line.value_length < size) {
            memcpy(value, line.value, line.value_length);
            value[line.value_length] = '\0';
            return MCBE_OK;
        }
    }
    return MCBE_ERR_ARGUMENT;
}

void mcbe_config_fingerprint(const char *resolved, char hex[65])
{
    mcbe_digest_t digest;
    line_t line;
    mcbe_digest_begin(&digest);
    while (next_line(&resolved, &line)) {
        if (line.mark == '\0') {
            mcbe_digest_add(&digest, line.start, line.length);
            mcbe_digest_add(&digest, "\n", 1);
        }
    }
    mcbe_digest_end(&digest, hex);
}

/* --- comparing two listings --- */

static int compare_line_paths(const line_t *a, const line_t *b)
{
    size_t shorter = a->path_length < b->path_length ? a->path_length : b->path_length;
    int order = memcmp(a->path, b->path, shorter);
    if (order != 0) {
        return order;
    }
    return (a->path_length > b->path_length) - (a->path_length < b->path_length);
}

static int same_value(const line_t *a, const line_t *b)
{
    return a->value_length == b->value_length && memcmp(a->value, b->value, a->value_length) == 0;
}

/* Is b a whole number not below a? */
static int has_grown(const line_t *a, const line_t *b)
{
    char *a_end = NULL;
    char *b_end = NULL;
    long long old = strtoll(a->value, &a_end, 10);
    long long now = strtoll(b->value, &b_end, 10);
    return a->value_length > 0 && b->value_length > 0 && a_end == a->value + a->value_length &&
           b_end == b->value + b->value_length && now >= old;
}

/* May this key grow? */
static int may_grow(const line_t *line)
{
    return line->mark == '+' || line->mark == '*';
}

/* A piece of a listing, as it is shown. */
static void show_piece(const char *piece, size_t length, char shown[MCBE_SHOWN_MAX])
{
    char copy[MCBE_SHOWN_MAX + 1];
    snprintf(copy, sizeof copy, "%.*s", (int)(length < sizeof copy ? length : sizeof copy - 1),
             piece);
    mcbe_show(copy, shown);
}

/* One of them is NULL where only the other listing has the key. */
static void compare_lines(const line_t *stored, const line_t *wanted, mcbe_report_t *report)
{
    static const mcbe_place_t nowhere = {.source = MCBE_SOURCE_DEFAULT};
    const line_t *line = wanted ? wanted : stored;
    char path[MCBE_SHOWN_MAX];
    char old[MCBE_SHOWN_MAX];
    char now[MCBE_SHOWN_MAX];
    if (line->mark == '~' || (stored && wanted && same_value(stored, wanted)) ||
        (stored && wanted && may_grow(line) && has_grown(stored, wanted))) {
        return;
    }
    show_piece(line->path, line->path_length, path);
    if (!stored) {
        show_piece(wanted->value, wanted->value_length, now);
        mcbe_report_add(report, nowhere, path, "the file has no such key, this run asks for %s",
                        now);
        return;
    }
    show_piece(stored->value, stored->value_length, old);
    if (!wanted) {
        mcbe_report_add(report, nowhere, path, "the file has %s, this run has no such key", old);
        return;
    }
    show_piece(wanted->value, wanted->value_length, now);
    mcbe_report_add(report, nowhere, path, "the file has %s, this run asks for %s%s", old, now,
                    may_grow(line) ? "; it may only grow" : "");
}

int mcbe_config_asks_more(const char *stored, const char *wanted, mcbe_error_t *err)
{
    static const mcbe_place_t nowhere = {.source = MCBE_SOURCE_DEFAULT};
    mcbe_report_t report = {.err = err, .status = MCBE_ERR_FINGERPRINT};
    line_t old, now;
    int more = 0;
    /* a listing from before the key could grow has no mark: that of the wanted one counts */
    while (next_line(&wanted, &now)) {
        const char *at = stored;
        int found = 0;
        while (now.mark == '*' && !found && next_line(&at, &old)) {
            found = compare_line_paths(&old, &now) == 0;
        }
        if (found && !same_value(&old, &now)) {
            char path[MCBE_SHOWN_MAX], was[MCBE_SHOWN_MAX], is[MCBE_SHOWN_MAX];
            show_piece(now.path, now.path_length, path);
            show_piece(old.value, old.value_length, was);
            show_piece(now.value, now.value_length, is);
            mcbe_report_add(&report, nowhere, path, "one has %s, the other has %s", was, is);
            more = 1;
        }
    }
    return more;
}

mcbe_status_t mcbe_config_compare(const char *stored, const char *wanted, mcbe_error_t *err)
{
    mcbe_report_t report = {.err = err, .status = MCBE_ERR_FINGERPRINT};
    line_t old;
    line_t now;
    int has_old = next_line(&stored, &old);
    int has_now = next_line(&wanted, &now);
    while (has_old || has_now) {
        int order = !has_old ? 1 : !has_now ? -1 : compare_line_paths(&old, &now);
        compare_lines(order <= 0 ? &old : NULL, order >= 0 ? &now : NULL, &report);
        has_old = order <= 0 ? next_line(&stored, &old) : has_old;
        has_now = order >= 0 ? next_line(&wanted, &now) : has_now;
    }
    return mcbe_report_end(&report);
}
