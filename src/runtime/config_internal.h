#ifndef MCBE_CONFIG_INTERNAL_H
#define MCBE_CONFIG_INTERNAL_H

#include <locale.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "mcbe/status.h"
#include "config.h"
#include "show.h"

/* Shared by the config_*.c files and schema.c only.
 *
 *   config_yaml.c     text -> tree of nodes with places, overrides set into it
 *   config_value.c    node + row of the table -> value
 *   config.c          tree + table -> all values, defaults
 *   config_access.c   values by path, for experiments
 *   config_listing.c  values -> canonical listing, fingerprint, comparison
 *   config_report.c   sentences with their places
 *   config_table.c    rows of a table: look-up, nearest names, what a row wants
 *   schema.c          what the tables say, printed: list, help, Markdown */

enum {
    MCBE_CONFIG_BYTES = 1 << 20,       /* longest text */
    MCBE_CONFIG_DEPTH = 16,            /* deepest nesting of lists and mappings */
    MCBE_CONFIG_MAP_ENTRIES = 1000,    /* most keys in one mapping */
    MCBE_CONFIG_RECORDS = 1000,        /* most records in one list */
    MCBE_CONFIG_TEXTS = 20000,         /* most texts in one list */
    MCBE_CONFIG_AXIS_VALUES = 1000000, /* most values of one axis */
    MCBE_CONFIG_PATH = 256,            /* bytes of a path; longer ones match nothing */
    MCBE_CONFIG_WANTED = 512,          /* bytes of "a whole number from 1 to 9" */
    MCBE_CONFIG_SENTENCE = 1024        /* bytes of one sentence */
};

/* --- places and sentences: config_report.c --- */

enum { MCBE_SOURCE_FILE = -1, MCBE_SOURCE_DEFAULT = -2 };

/* Where a node was written. */
typedef struct mcbe_place {
    int source;       /* number of the override, or MCBE_SOURCE_FILE, or MCBE_SOURCE_DEFAULT */
    int line, column; /* in the file, from 1; 0 is nowhere in particular */
} mcbe_place_t;

/* Collects the errors of one text. */
typedef struct mcbe_report {
    mcbe_error_t *err;            /* may be NULL: errors are only counted */
    mcbe_status_t status;         /* what the errors amount to */
    const char *name;             /* of the file; NULL leaves out the places */
    const char *const *overrides; /* what place.source counts */
    int errors;
    int untold; /* of these, those for which err had no room */
} mcbe_report_t;

/** A report without errors yet, for the text of a config. */
mcbe_report_t mcbe_report_for(const mcbe_config_t *config, mcbe_error_t *err);
/** Add "PLACE: key 'path': sentence"; a NULL path leaves out the key. */
void mcbe_report_add(mcbe_report_t *report, mcbe_place_t place, const char *path,
                     const char *format, ...) MCBE_PRINTF(4, 5);
void mcbe_report_vadd(mcbe_report_t *report, mcbe_place_t place, const char *path,
                      const char *format, va_list args) MCBE_PRINTF(4, 0);
/** Say how many sentences were left out, if any. @return MCBE_OK if there was no error; else the
 *  report's status */
mcbe_status_t mcbe_report_end(mcbe_report_t *report);

/* --- the text as a tree: config_yaml.c --- */

typedef enum mcbe_node_kind {
    MCBE_NODE_TEXT,
    MCBE_NODE_LIST,
    MCBE_NODE_MAP,
    MCBE_NODE_REFUSED /* already reported; nobody needs to look at it again */
} mcbe_node_kind_t;

typedef struct mcbe_node {
    mcbe_node_kind_t kind;
    mcbe_place_t place;
    char *text;      /* TEXT: owned */
    int quoted;      /* TEXT: written in quotes or as a block, so never a number */
    int key;         /* value in a mapping: the node of its key; else -1 */
    int first, next; /* first child, next sibling; -1 = none */
    int count;       /* children */
} mcbe_node_t;

/* All nodes of the file, the overrides and the defaults, in one array. */
typedef struct mcbe_tree {
    mcbe_node_t *nodes; /* owned */
    size_t count, capacity;
} mcbe_tree_t;

/** Add the one YAML document of a text to the tree; what is wrong with it goes to the report.
 *  @param[in]  source  of the places
 *  @param[in]  path    for the sentences, or NULL
 *  @param[out] root    node; -1 if the text could not be read to its end, or a file holds nothing
 *         (anything else that holds nothing is an empty text)
 *  @return MCBE_OK, also for reported errors; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_tree_read(mcbe_tree_t *tree, const char *text, size_t length,
                                            int source, const char *path, mcbe_report_t *report,
                                            int *root);
/** Apply override number `source`, "a.b=value", to the mapping `root`. @return as mcbe_tree_read */
MCBE_NODISCARD mcbe_status_t mcbe_tree_override(mcbe_tree_t *tree, int root, int source,
                                                mcbe_report_t *report);
/** Value of a key in a mapping, or -1. The first `length` bytes of `name` count. */
int mcbe_tree_find(const mcbe_tree_t *tree, int map, const char *name, size_t length);
void mcbe_tree_free(mcbe_tree_t *tree);

/* --- values: config_value.c --- */

typedef struct mcbe_value {
    const mcbe_key_t *row; /* borrowed; NULL for a fact */
    char *path;            /* owned: "sampling.samples", "biases[0].name" */
    unsigned flags;        /* of the row and, for a field, of the list it stands in */
    mcbe_place_t place;
    int given;           /* written, not filled in from the table */
    int valid;           /* what follows can be used */
    int64_t integer;     /* INT; BOOL and ENUM: the index; RECORDS: their number */
    double real;         /* REAL */
    char *text;          /* STRING and facts: owned; TEXTS: "a, b", for the listing */
    const char **texts;  /* TEXTS: owned [text_count], pointing into texts_content */
    char *texts_content; /* owned */
    int text_count;
    int64_t *axis; /* AXIS: owned [axis_count] */
    int axis_count;
} mcbe_value_t;

/** Read a node as the row of `value` wants it (any type but RECORDS); sets `valid` and the result.
 *  @return MCBE_OK, also for reported errors; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_value_read(mcbe_value_t *value, const mcbe_tree_t *tree, int node,
                                             mcbe_report_t *report);
/** Report "'abc' is not a number from 0 to 1". */
void mcbe_value_refuse(mcbe_report_t *report, const mcbe_node_t *node, const char *path,
                       const char *wanted);
/** Canonical text of a valid INT, REAL, BOOL, ENUM or number of RECORDS. */
void mcbe_value_format(const mcbe_value_t *value, char *text, size_t size);
void mcbe_value_free(mcbe_value_t *value);

/* --- the whole: config.c --- */

struct mcbe_config {
    char *name;       /* owned */
    char *text;       /* owned */
    char **overrides; /* owned [override_count] */
    int override_count;
    int table;
    mcbe_value_t *values; /* owned, sorted by path */
    size_t count, capacity;
    char *resolved;  /* owned */
    locale_t locale; /* "C": numbers have a decimal point wherever we run */
};

/** The value at a path, or NULL. */
mcbe_value_t *mcbe_config_find(const mcbe_config_t *config, const char *path);
/** The value of a field of entry `index` of a list of records, or NULL. */
const mcbe_value_t *mcbe_config_find_field(const mcbe_config_t *config, const char *path, int index,
                                           const char *field);
/** Add an empty value, last for now. @param[out] value  valid until the next one is added */
MCBE_NODISCARD mcbe_status_t mcbe_config_append(mcbe_config_t *config, const char *base,
                                                const char *path, mcbe_value_t **value);
/** Put values into the order of their paths. */
void mcbe_config_sort(mcbe_config_t *config);

/** Write the listing anew. @return MCBE_OK; MCBE_ERR_NOMEM (the listing is as before) */
MCBE_NODISCARD mcbe_status_t mcbe_config_list_values(mcbe_config_t *config);

/* --- tables: config_table.c --- */

/* The key that chooses the table. */
#define MCBE_CONFIG_EXPERIMENT "experiment"

/** Stop the program if a table breaks the rules of config.h. */
void mcbe_table_check(const mcbe_key_table_t *table);
/** The row of a path, or NULL. */
const mcbe_key_t *mcbe_rows_find(const mcbe_key_t *rows, const char *path);
/** Does any row stand below this path? */
int mcbe_rows_group(const mcbe_key_t *rows, const char *path);
/** Is the name b (b_length bytes) near to a, and nearer than any before?
 *  @param[in,out] best  smallest distance so far; -1 before the first call */
int mcbe_is_nearer(const char *a, const char *b, size_t b_length, int *best);
/** Nearest path of a table to one that is not in it: siblings first, then all paths, then equal
 *  last names elsewhere. @param[out] nearest @return 0 if none is near */
int mcbe_rows_nearest(const mcbe_key_t *rows, const char *path, char nearest[MCBE_CONFIG_PATH]);
/** The names directly below a path ("" for the top), "a, b, c". */
void mcbe_rows_names(const mcbe_key_t *rows, const char *path, char names[MCBE_CONFIG_WANTED]);

/** What a row wants: "a whole number from 1 to 9". */
void mcbe_key_wanted(const mcbe_key_t *row, char wanted[MCBE_CONFIG_WANTED]);
/** The same without the word for the type: "1 to 9"; "" if there is nothing to say. */
void mcbe_key_allowed(const mcbe_key_t *row, char allowed[MCBE_CONFIG_WANTED]);

/** The next word of a space-separated list. @param[in,out] list @return length; 0 at the end */
size_t mcbe_word_next(const char **list, const char **word);
/** Nearest of the words of a list ("auto=0" counts as "auto"). @param[out] nearest @return 0 if
 *  none is near */
int mcbe_words_nearest(const char *words, const char *name, char nearest[MCBE_CONFIG_PATH]);

#endif
