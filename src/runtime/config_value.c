#include "config_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "memory.h"

/* --- sentences --- */

/* YAML's ways to write nothing. */
static int is_nothing(const mcbe_node_t *node)
{
    static const char *const nothings[] = {"", "~", "null", "Null", "NULL"};
    int found = 0;
    for (size_t i = 0; i < sizeof nothings / sizeof nothings[0]; i++) {
        found |=
            node->kind == MCBE_NODE_TEXT && !node->quoted && strcmp(node->text, nothings[i]) == 0;
    }
    return found;
}

void mcbe_value_refuse(mcbe_report_t *report, const mcbe_node_t *node, const char *path,
                       const char *wanted)
{
    char shown[MCBE_SHOWN_MAX];
    if (node->kind == MCBE_NODE_REFUSED) {
        return;
    }
    if (node->kind != MCBE_NODE_TEXT) {
        mcbe_report_add(report, node->place, path, "a %s is not %s",
                        node->kind == MCBE_NODE_LIST ? "list" : "mapping", wanted);
        return;
    }
    mcbe_show(node->text, shown);
    if (is_nothing(node)) {
        mcbe_report_add(report, node->place, path, "has no value; it must be %s", wanted);
    } else if (node->quoted) {
        mcbe_report_add(report, node->place, path, "the quoted text \"%s\" is not %s", shown,
                        wanted);
    } else {
        mcbe_report_add(report, node->place, path, "'%s' is not %s", shown, wanted);
    }
}

/* The same for a value that should be one of a few words. */
static void refuse_word(mcbe_report_t *report, const mcbe_node_t *node, const char *path,
                        const mcbe_key_t *row, const char *wanted)
{
    char nearest[MCBE_CONFIG_PATH];
    char with_hint[MCBE_CONFIG_WANTED + MCBE_CONFIG_PATH + 32];
    snprintf(with_hint, sizeof with_hint, "%s", wanted);
    if (node->kind == MCBE_NODE_TEXT && row->words &&
        mcbe_words_nearest(row->words, node->text, nearest)) {
        snprintf(with_hint, sizeof with_hint, "%s; did you mean '%s'?", wanted, nearest);
    }
    mcbe_value_refuse(report, node, path, with_hint);
}

/* --- numbers --- */

static int in_range(const mcbe_key_t *row, double value)
{
    return (row->min == 0 && row->max == 0) || (value >= row->min && value <= row->max);
}

/* A decimal number taken apart: digits x 10^exponent, without leading zeros. */
typedef struct decimal {
    int negative;
    uint64_t digits;
    long exponent;
    int overflow; /* more digits than fit, even without their trailing zeros */
} decimal_t;

/* Take in one more digit; zeros wait until a digit follows them. */
static void push_digit(decimal_t *number, unsigned digit, long *zeros)
{
    if (digit == 0 && number->digits != 0) {
        (*zeros)++;
        return;
    }
    for (long i = 0; i <= *zeros; i++) {
        if (number->digits > (UINT64_MAX - 9) / 10) {
            number->overflow = 1;
            return;
        }
        number->digits *= 10;
    }
    *zeros = 0;
    number->digits += digit;
}

/* Digits with single underscores between them. @return the first byte after them; NULL if there is
 * none or an underscore stands elsewhere */
static const char *scan_digits(const char *text, decimal_t *number, long *zeros, long *count)
{
    if (*text < '0' || *text > '9') {
        return NULL;
    }
    for (;; text++) {
        if (*text == '_' && text[1] >= '0' && text[1] <= '9') {
            continue;
        }
        if (*text < '0' || *text > '9') {
            return *text == '_' ? NULL : text;
        }
        push_digit(number, (unsigned)(*text - '0'), zeros);
        (*count)++;
    }
}

/* [sign] digits [. digits] [e [sign] digits], exactly. @return 0 if the text is something else */
static int scan_decimal(const char *text, decimal_t *number)
{
    enum { BEYOND_ALL_NUMBERS = 10000000 }; /* more than a text may have digits */
    long zeros = 0;
    long whole = 0;
    long fraction = 0;
    *number = (decimal_t){.negative = *text == '-'};
    text += *text == '-' || *text == '+';
    text = scan_digits(text, number, &zeros, &whole);
    if (text && *text == '.') {
        text = scan_digits(text + 1, number, &zeros, &fraction);
    }
    if (text && (*text == 'e' || *text == 'E')) {
        const char *digits = text + 1 + (text[1] == '-' || text[1] == '+');
        char *end = NULL;
        if (*digits < '0' || *digits > '9') {
            return 0;
        }
        number->exponent = strtol(text + 1, &end, 10);
        if (number->exponent > BEYOND_ALL_NUMBERS) {
            number->exponent = BEYOND_ALL_NUMBERS;
        } else if (number->exponent < -BEYOND_ALL_NUMBERS) {
            number->exponent = -BEYOND_ALL_NUMBERS;
        }
        text = end;
    }
    number->exponent += zeros - fraction;
    return text && *text == '\0';
}

/* @return 0 unless the text is exactly a whole number that fits */
static int parse_whole(const char *text, int64_t *value)
{
    decimal_t number;
    if (!scan_decimal(text, &number) || number.overflow) {
        return 0;
    }
    if (number.digits == 0) {
        *value = 0;
        return 1;
    }
    for (; number.exponent > 0; number.exponent--) {
        if (number.digits > (uint64_t)INT64_MAX / 10) {
            return 0;
        }
        number.digits *= 10;
    }
    if (number.exponent < 0 || number.digits > (uint64_t)INT64_MAX) {
        return 0;
    }
    *value = number.negative ? -(int64_t)number.digits : (int64_t)number.digits;
    return 1;
}

/* The number behind a name in "auto=0 all=-1". */
static int parse_named(const char *words, const char *text, int64_t *value)
{
    const char *word = NULL;
    size_t length = strlen(text);
    for (size_t word_length; words && (word_length = mcbe_word_next(&words, &word)) > 0;) {
        if (word_length > length && word[length] == '=' && memcmp(word, text, length) == 0) {
            *value = strtoll(word + length + 1, NULL, 10);
            return 1;
        }
    }
    return 0;
}

/* One whole number within the row's range. @return 0 after having reported why not */
static int read_whole(const mcbe_value_t *value, const mcbe_node_t *node, mcbe_report_t *report,
                      int64_t *number)
{
    char wanted[MCBE_CONFIG_WANTED];
    int is_plain = node->kind == MCBE_NODE_TEXT && !node->quoted;
    if (is_plain && parse_named(value->row->words, node->text, number)) {
        return 1;
    }
    if (is_plain && parse_whole(node->text, number) && in_range(value->row, (double)*number)) {
        return 1;
    }
    mcbe_key_t row = *value->row;
    row.type = MCBE_KEY_INT; /* an axis wants this of each of its numbers */
    mcbe_key_wanted(&row, wanted);
    refuse_word(report, node, value->path, &row, wanted);
    return 0;
}

static void read_real(mcbe_value_t *value, const mcbe_node_t *node, mcbe_report_t *report)
{
    char wanted[MCBE_CONFIG_WANTED];
    if (node->kind == MCBE_NODE_TEXT && !node->quoted && node->text[0] != '\0') {
        char *end = NULL;
        errno = 0;
        double number = strtod(node->text, &end);
        if (*end == '\0' && errno != ERANGE && isfinite(number) && in_range(value->row, number)) {
            value->real = number == 0 ? 0 : number; /* -0 and 0 are one value */
            value->valid = 1;
            return;
        }
    }
    mcbe_key_wanted(value->row, wanted);
    mcbe_value_refuse(report, node, value->path, wanted);
}

/* --- words and text --- */

static void read_word(mcbe_value_t *value, const mcbe_node_t *node, const char *words,
                      mcbe_report_t *report)
{
    char wanted[MCBE_CONFIG_WANTED];
    const char *list = words;
    const char *word = NULL;
    int may_quote = value->row->type == MCBE_KEY_ENUM;
    if (node->kind == MCBE_NODE_TEXT && (may_quote || !node->quoted)) {
        int index = 0;
        for (size_t length; (length = mcbe_word_next(&list, &word)) > 0; index++) {
            if (strlen(node->text) == length && memcmp(word, node->text, length) == 0) {
                value->integer = index;
                value->valid = 1;
                return;
            }
        }
    }
    mcbe_key_wanted(value->row, wanted);
    refuse_word(report, node, value->path, value->row, wanted);
}

/* Fit to be one component of a path in a results file? */
static int is_name(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "_.+-";
    enum { LONGEST = 64 };
    size_t length = strlen(text);
    return length >= 1 && length <= LONGEST && strspn(text, allowed) == length &&
           strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static mcbe_status_t read_text(mcbe_value_t *value, const mcbe_node_t *node, mcbe_report_t *report)
{
    char wanted[MCBE_CONFIG_WANTED];
    int is_default = node->place.source == MCBE_SOURCE_DEFAULT; /* there, nothing means "" */
    if (node->kind != MCBE_NODE_TEXT || (is_nothing(node) && !is_default) ||
        ((value->row->flags & MCBE_KEY_NAME) && !is_name(node->text))) {
        mcbe_key_wanted(value->row, wanted);
        mcbe_value_refuse(report, node, value->path, wanted);
        return MCBE_OK;
    }
    value->text = mcbe_strdup(node->text);
    value->valid = value->text != NULL;
    return value->valid ? MCBE_OK : MCBE_ERR_NOMEM;
}

/* Texts of a node: itself, or a list's entries. @param[out] bytes  of them all, with their 0
 * @return how many; -1 for anything else */
static int count_texts(const mcbe_tree_t *tree, const mcbe_node_t *node, size_t *bytes)
{
    const int is_list = node->kind == MCBE_NODE_LIST;
    *bytes = 0;
    if (is_list ? node->count > MCBE_CONFIG_TEXTS : node->kind != MCBE_NODE_TEXT) {
        return -1;
    }
    const mcbe_node_t *at = is_list && node->first >= 0 ? &tree->nodes[node->first] : node;
    for (int i = 0; i < (is_list ? node->count : 1); i++) {
        if (at->kind != MCBE_NODE_TEXT || is_nothing(at)) {
            return -1;
        }
        *bytes += strlen(at->text) + 1;
        at = at->next >= 0 ? &tree->nodes[at->next] : at;
    }
    return is_list ? node->count : 1;
}

static mcbe_status_t read_texts(mcbe_value_t *value, const mcbe_tree_t *tree, int node,
                                mcbe_report_t *report)
{
    static const char comma[] = ", ";
    char wanted[MCBE_CONFIG_WANTED];
    const mcbe_node_t *at = &tree->nodes[node];
    size_t bytes = 0;
    const int count = count_texts(tree, at, &bytes);
    if (count < 0) {
        mcbe_key_wanted(value->row, wanted);
        mcbe_value_refuse(report, at, value->path, wanted);
        return MCBE_OK;
    }
    value->texts = mcbe_alloc((size_t)count, sizeof *value->texts);
    value->texts_content = mcbe_alloc(bytes, 1);
    value->text = mcbe_alloc(bytes + (size_t)count * strlen(comma) + 1, 1);
    if (!value->texts || !value->texts_content || !value->text) {
        return MCBE_ERR_NOMEM;
    }
    char *content = value->texts_content;
    char *shown = value->text;
    for (int i = 0, next = at->kind == MCBE_NODE_LIST ? at->first : node; i < count; i++) {
        const char *text = tree->nodes[next].text;
        shown = stpcpy(stpcpy(shown, i > 0 ? comma : ""), text);
        value->texts[i] = content;
        content = stpcpy(content, text) + 1;
        next = tree->nodes[next].next;
    }
    value->text_count = count;
    value->valid = 1;
    return MCBE_OK;
}

/* --- axes --- */

static int compare_whole(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* first, first + step, ... up to last. */
static mcbe_status_t fill_axis(mcbe_value_t *value, int64_t first, int64_t last, int64_t step,
                               mcbe_place_t place, mcbe_report_t *report)
{
    if (first > last) {
        mcbe_report_add(report, place, value->path,
                        "the first value, %lld, is above the last, %lld", (long long)first,
                        (long long)last);
        return MCBE_OK;
    }
    if (step < 1) {
        mcbe_report_add(report, place, value->path, "the step, %lld, is below 1", (long long)step);
        return MCBE_OK;
    }
    uint64_t count = ((uint64_t)last - (uint64_t)first) / (uint64_t)step;
    if (count >= MCBE_CONFIG_AXIS_VALUES) {
        mcbe_report_add(report, place, value->path,
                        "%lld to %lld in steps of %lld is more than %d values", (long long)first,
                        (long long)last, (long long)step, MCBE_CONFIG_AXIS_VALUES);
        return MCBE_OK;
    }
    value->axis_count = (int)count + 1;
    value->axis = mcbe_alloc((size_t)value->axis_count, sizeof *value->axis);
    if (!value->axis) {
        return MCBE_ERR_NOMEM;
    }
    for (int i = 0; i < value->axis_count; i++) {
        value->axis[i] = (int64_t)((uint64_t)first + (uint64_t)i * (uint64_t)step);
    }
    value->valid = 1;
    return MCBE_OK;
}

/* {values: [2, 5, 9]} */
static mcbe_status_t read_axis_values(mcbe_value_t *value, const mcbe_tree_t *tree, int list,
                                      mcbe_report_t *report)
{
    const mcbe_node_t *node = &tree->nodes[list];
    int good = 1;
    int filled = 0;
    if (node->kind != MCBE_NODE_LIST || node->count == 0) {
        mcbe_value_refuse(report, node, value->path, "a list of at least one whole number");
        return MCBE_OK;
    }
    value->axis_count = node->count;
    value->axis = mcbe_alloc((size_t)value->axis_count, sizeof *value->axis);
    if (!value->axis) {
        return MCBE_ERR_NOMEM;
    }
    for (int at = node->first; at >= 0; at = tree->nodes[at].next) {
        good = read_whole(value, &tree->nodes[at], report, &value->axis[filled++]) && good;
    }
    qsort(value->axis, (size_t)filled, sizeof *value->axis, compare_whole);
    for (int i = 1; good && i < filled; i++) {
        if (value->axis[i] == value->axis[i - 1]) {
            mcbe_report_add(report, node->place, value->path,
                            "%lld is given twice; every value of an axis must differ",
                            (long long)value->axis[i]);
            good = 0;
        }
    }
    value->valid = good;
    return MCBE_OK;
}

/* {from: 10, to: 50, step: 10} or {values: [...]} */
static mcbe_status_t read_axis_map(mcbe_value_t *value, const mcbe_tree_t *tree, int map,
                                   mcbe_report_t *report)
{
    char wanted[MCBE_CONFIG_WANTED];
    int64_t numbers[3] = {0, 0, 1};
    static const char *const names[3] = {"from", "to", "step"};
    int count = tree->nodes[map].count;
    int values = mcbe_tree_find(tree, map, "values", strlen("values"));
    if (values >= 0 && count == 1) {
        return read_axis_values(value, tree, values, report);
    }
    int found = 0;
    int good = 1;
    for (int i = 0; i < 3; i++) {
        int at = mcbe_tree_find(tree, map, names[i], strlen(names[i]));
        if (at >= 0) {
            found |= 1 << i;
            count--;
        }
    }
    enum { FROM_AND_TO = 3 };
    if (count != 0 || (found & FROM_AND_TO) != FROM_AND_TO) {
        mcbe_key_wanted(value->row, wanted);
        mcbe_value_refuse(report, &tree->nodes[map], value->path, wanted);
        return MCBE_OK;
    }
    for (int i = 0; i < 3; i++) {
        int at = mcbe_tree_find(tree, map, names[i], strlen(names[i]));
        if (at >= 0) {
            good = read_whole(value, &tree->nodes[at], report, &numbers[i]) && good;
        }
    }
    return good ? fill_axis(value, numbers[0], numbers[1], numbers[2], tree->nodes[map].place,
                            report)
                : MCBE_OK;
}

static mcbe_status_t read_axis(mcbe_value_t *value, const mcbe_tree_t *tree, int node,
                               mcbe_report_t *report)
{
    char wanted[MCBE_CONFIG_WANTED];
    const mcbe_node_t *at = &tree->nodes[node];
    int64_t first = 0;
    int64_t last = 0;
    if (at->kind == MCBE_NODE_MAP) {
        return read_axis_map(value, tree, node, report);
    }
    if (at->kind == MCBE_NODE_LIST && at->count == 2) {
        const mcbe_node_t *low = &tree->nodes[at->first];
        int good = read_whole(value, low, report, &first);
        good = read_whole(value, &tree->nodes[low->next], report, &last) && good;
        return good ? fill_axis(value, first, last, 1, at->place, report) : MCBE_OK;
    }
    if (at->kind == MCBE_NODE_TEXT && !is_nothing(at)) {
        return read_whole(value, at, report, &first)
                   ? fill_axis(value, first, first, 1, at->place, report)
                   : MCBE_OK;
    }
    mcbe_key_wanted(value->row, wanted);
    mcbe_value_refuse(report, at, value->path, wanted);
    return MCBE_OK;
}

/* --- the way in --- */

mcbe_status_t mcbe_value_read(mcbe_value_t *value, const mcbe_tree_t *tree, int node,
                              mcbe_report_t *report)
{
    const mcbe_node_t *at = &tree->nodes[node];
    value->place = at->place;
    switch (value->row->type) {
    case MCBE_KEY_INT:
        value->valid = read_whole(value, at, report, &value->integer);
        return MCBE_OK;
    case MCBE_KEY_REAL:
        read_real(value, at, report);
        return MCBE_OK;
    case MCBE_KEY_BOOL:
        read_word(value, at, "false true", report);
        return MCBE_OK;
    case MCBE_KEY_ENUM:
        read_word(value, at, value->row->words, report);
        return MCBE_OK;
    case MCBE_KEY_STRING:
        return read_text(value, at, report);
    case MCBE_KEY_TEXTS:
        return read_texts(value, tree, node, report);
    case MCBE_KEY_AXIS:
        return read_axis(value, tree, node, report);
    case MCBE_KEY_RECORDS:
        break; /* read by config.c */
    }
    return MCBE_ERR_INTERNAL;
}

void mcbe_value_format(const mcbe_value_t *value, char *text, size_t size)
{
    const char *list = value->row->type == MCBE_KEY_ENUM ? value->row->words : "false true";
    const char *word = NULL;
    size_t length = 0;
    switch (value->row->type) {
    case MCBE_KEY_REAL:
        snprintf(text, size, "%.17g", value->real);
        return;
    case MCBE_KEY_BOOL:
    case MCBE_KEY_ENUM:
        for (int64_t i = 0; i <= value->integer; i++) {
            length = mcbe_word_next(&list, &word);
        }
        snprintf(text, size, "%.*s", (int)length, word);
        return;
    case MCBE_KEY_INT:
    case MCBE_KEY_RECORDS:
        snprintf(text, size, "%lld", (long long)value->integer);
        return;
    case MCBE_KEY_STRING:
    case MCBE_KEY_TEXTS:
    case MCBE_KEY_AXIS:
        break; /* longer than any fixed buffer */
    }
    text[0] = '\0';
}

void mcbe_value_free(mcbe_value_t *value)
{
    mcbe_free(value->path);
    mcbe_free(value->text);
    mcbe_free(value->texts);
    mcbe_free(value->texts_content);
    mcbe_free(value->axis);
    *value = (mcbe_value_t){0};
}
