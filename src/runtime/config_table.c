#include "config_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* --- look-up --- */

const mcbe_key_t *mcbe_rows_find(const mcbe_key_t *rows, const char *path)
{
    for (const mcbe_key_t *row = rows; row->path; row++) {
        if (strcmp(row->path, path) == 0) {
            return row;
        }
    }
    return NULL;
}

/* Does `path` stand below `group`? */
static int is_below(const char *path, const char *group)
{
    size_t length = strlen(group);
    return strncmp(path, group, length) == 0 && path[length] == '.';
}

static void check_rows(const mcbe_key_t *rows)
{
    for (const mcbe_key_t *row = rows; row->path; row++) {
        MCBE_BUG_ASSERT(strlen(row->path) < MCBE_CONFIG_PATH / 2);
        MCBE_BUG_ASSERT(!(row->flags & (MCBE_KEY_GROWS | MCBE_KEY_EXTENDS)) ||
                        row->type == MCBE_KEY_INT);
        MCBE_BUG_ASSERT(row->type != MCBE_KEY_ENUM || row->words);
        MCBE_BUG_ASSERT(row->type != MCBE_KEY_RECORDS || row->fields);
        for (const mcbe_key_t *other = rows; other < row; other++) {
            MCBE_BUG_ASSERT(strcmp(other->path, row->path) != 0);
            MCBE_BUG_ASSERT(!is_below(other->path, row->path) && !is_below(row->path, other->path));
        }
        for (const mcbe_key_t *field = row->fields; field && field->path; field++) {
            MCBE_BUG_ASSERT(field->type != MCBE_KEY_RECORDS && !strchr(field->path, '.'));
        }
        if (row->fields) {
            check_rows(row->fields);
        }
    }
}

void mcbe_table_check(const mcbe_key_table_t *table)
{
    const mcbe_key_t *row = mcbe_rows_find(table->keys, MCBE_CONFIG_EXPERIMENT);
    MCBE_BUG_ASSERT(row && row->type == MCBE_KEY_STRING);
    check_rows(table->keys);
}

/* The name of a row directly below `path`: "samples" of "sampling.samples" below "sampling".
 * @return its length; 0 if the row stands elsewhere */
static size_t name_below(const mcbe_key_t *row, const char *path, const char **name)
{
    size_t length = strlen(path);
    if (length > 0 && !is_below(row->path, path)) {
        return 0;
    }
    *name = row->path + length + (length > 0);
    return strcspn(*name, ".");
}

int mcbe_rows_group(const mcbe_key_t *rows, const char *path)
{
    for (const mcbe_key_t *row = rows; row->path; row++) {
        if (is_below(row->path, path)) {
            return 1;
        }
    }
    return 0;
}

void mcbe_rows_names(const mcbe_key_t *rows, const char *path, char names[MCBE_CONFIG_WANTED])
{
    const char *name = NULL;
    const char *before = NULL;
    size_t before_length = 0;
    size_t used = 0;
    names[0] = '\0';
    for (const mcbe_key_t *row = rows; row->path; row++) {
        size_t length = name_below(row, path, &name);
        int repeated = length == before_length && before && memcmp(name, before, length) == 0;
        if (length == 0 || repeated || used + length + sizeof ", ..." > MCBE_CONFIG_WANTED) {
            continue; /* rows of one group follow each other, so looking one back is enough */
        }
        used += (size_t)snprintf(names + used, MCBE_CONFIG_WANTED - used, "%s%.*s",
                                 used > 0 ? ", " : "", (int)length, name);
        before = name;
        before_length = length;
    }
}

/* --- nearest names --- */

enum { LONGEST_NAME = 64 };

/* Edits (insert, delete, replace one character) that turn a into b. */
static int edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int row[LONGEST_NAME + 1];
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = (int)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= b_length; j++) {
            int replace = diagonal + (a[i - 1] != b[j - 1]);
            int other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replace < other ? replace : other;
        }
    }
    return row[b_length];
}

/* Edits after which a name of this length no longer is what its writer meant. */
static int most_edits(size_t length)
{
    if (length < 6) {
        return (int)length / 2;
    }
    return (int)length / 3;
}

int mcbe_is_nearer(const char *a, const char *b, size_t b_length, int *best)
{
    size_t a_length = strlen(a);
    if (a_length > LONGEST_NAME || b_length > LONGEST_NAME) {
        return 0;
    }
    int distance = edit_distance(a, a_length, b, b_length);
    if (distance > most_edits(a_length) || (*best >= 0 && distance >= *best)) {
        return 0;
    }
    *best = distance;
    return 1;
}

const char *mcbe_nearest_name(const char *name, const char *const *names, int count)
{
    const char *nearest = NULL;
    int best = -1;
    for (int i = 0; i < count; i++) {
        if (mcbe_is_nearer(name, names[i], strlen(names[i]), &best)) {
            nearest = names[i];
        }
    }
    return nearest;
}

size_t mcbe_word_next(const char **list, const char **word)
{
    *word = *list + strspn(*list, " ");
    size_t length = strcspn(*word, " ");
    *list = *word + length;
    return length;
}

int mcbe_words_nearest(const char *words, const char *name, char nearest[MCBE_CONFIG_PATH])
{
    const char *word = NULL;
    int best = -1;
    for (size_t length; (length = mcbe_word_next(&words, &word)) > 0;) {
        length = strcspn(word, "= ");
        if (mcbe_is_nearer(name, word, length, &best)) {
            snprintf(nearest, MCBE_CONFIG_PATH, "%.*s", (int)length, word);
        }
    }
    return best >= 0;
}

static const char *last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

int mcbe_rows_nearest(const mcbe_key_t *rows, const char *path, char nearest[MCBE_CONFIG_PATH])
{
    char parent[MCBE_CONFIG_PATH];
    const char *own = last_name(path);
    int parent_length = own == path ? 0 : (int)(own - path - 1);
    int best = -1;
    snprintf(parent, sizeof parent, "%.*s", parent_length, path);
    for (const mcbe_key_t *row = rows; row->path; row++) {
        const char *name = NULL;
        size_t length = name_below(row, parent, &name);
        if (length > 0 && mcbe_is_nearer(own, name, length, &best)) {
            snprintf(nearest, MCBE_CONFIG_PATH, "%.*s", (int)(name + length - row->path),
                     row->path);
        }
    }
    int found_sibling = best >= 0;
    for (const mcbe_key_t *row = rows; row->path && !found_sibling; row++) {
        if (!is_below(row->path, parent) &&
            mcbe_is_nearer(path, row->path, strlen(row->path), &best)) {
            snprintf(nearest, MCBE_CONFIG_PATH, "%s", row->path);
        }
    }
    for (const mcbe_key_t *row = rows; row->path && best < 0; row++) {
        if (strcmp(own, last_name(row->path)) == 0) {
            snprintf(nearest, MCBE_CONFIG_PATH, "%s", row->path);
            best = 0;
        }
    }
    return best >= 0;
}

/* --- what a row wants --- */

/* A bound as a person writes it: 0.1, not 0.10000000000000001. */
static void format_bound(double bound, char text[32])
{
    snprintf(text, 32, "%.15g", bound);
    if (strtod(text, NULL) != bound) {
        snprintf(text, 32, "%.17g", bound);
    }
}

static void format_range(const mcbe_key_t *row, char *text, size_t size)
{
    char low[32];
    char high[32];
    format_bound(row->min, low);
    format_bound(row->max, high);
    text[0] = '\0';
    if (row->min == 0 && row->max == 0) {
        return;
    }
    if (isinf(row->min)) {
        snprintf(text, size, "at most %s", high);
    } else if (isinf(row->max)) {
        snprintf(text, size, "at least %s", low);
    } else {
        snprintf(text, size, "%s to %s", low, high);
    }
}

/* "iid, paired"; of "auto=0 all=-1" the names. */
static void format_words(const char *words, char *text, size_t size)
{
    const char *word = NULL;
    size_t used = 0;
    text[0] = '\0';
    for (size_t length; (length = mcbe_word_next(&words, &word)) > 0;) {
        length = strcspn(word, "= ");
        MCBE_BUG_ASSERT(used + length + 3 < size);
        used += (size_t)snprintf(text + used, size - used, "%s%.*s", used > 0 ? ", " : "",
                                 (int)length, word);
    }
}

void mcbe_key_allowed(const mcbe_key_t *row, char allowed[MCBE_CONFIG_WANTED])
{
    char range[96];
    char words[MCBE_CONFIG_WANTED / 2] = "";
    format_range(row, range, sizeof range);
    if (row->words) {
        format_words(row->words, words, sizeof words);
    }
    snprintf(allowed, MCBE_CONFIG_WANTED, "%s%s%s", range, range[0] && words[0] ? ", or " : "",
             words);
    if (row->flags & MCBE_KEY_NAME) {
        snprintf(allowed, MCBE_CONFIG_WANTED, "1 to 64 of A-Z a-z 0-9 _ . + -");
    }
}

void mcbe_key_wanted(const mcbe_key_t *row, char wanted[MCBE_CONFIG_WANTED])
{
    char range[96];
    char words[MCBE_CONFIG_WANTED / 2] = "";
    format_range(row, range, sizeof range);
    int bounded = range[0] != '\0';
    const char *from = !bounded ? "" : isinf(row->min) || isinf(row->max) ? " of " : " from ";
    if (row->words) {
        format_words(row->words, words, sizeof words);
    }
    switch (row->type) {
    case MCBE_KEY_INT:
        snprintf(wanted, MCBE_CONFIG_WANTED, "a whole number%s%s%s%s", from, range,
                 words[0] ? " or one of " : "", words);
        return;
    case MCBE_KEY_REAL:
        snprintf(wanted, MCBE_CONFIG_WANTED, "a finite number%s%s", from, range);
        return;
    case MCBE_KEY_BOOL:
        snprintf(wanted, MCBE_CONFIG_WANTED, "true or false");
        return;
    case MCBE_KEY_STRING:
        snprintf(wanted, MCBE_CONFIG_WANTED, "%s",
                 row->flags & MCBE_KEY_NAME ? "a name of 1 to 64 characters A-Z a-z 0-9 _ . + -"
                                            : "text");
        return;
    case MCBE_KEY_TEXTS:
        snprintf(wanted, MCBE_CONFIG_WANTED, "a text or a list of at most %d texts",
                 MCBE_CONFIG_TEXTS);
        return;
    case MCBE_KEY_ENUM:
        snprintf(wanted, MCBE_CONFIG_WANTED, "one of %s", words);
        return;
    case MCBE_KEY_AXIS:
        snprintf(wanted, MCBE_CONFIG_WANTED,
                 "an axis: one whole number, [first, last], {values: [...]} or "
                 "{from: a, to: b, step: s}%s%s%s",
                 bounded ? ", each" : "", from, range);
        return;
    case MCBE_KEY_RECORDS:
        snprintf(wanted, MCBE_CONFIG_WANTED, "a list of %s%smappings", range, bounded ? " " : "");
        return;
    }
}
