#ifndef MCBE_CONFIG_H
#define MCBE_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "mcbe/status.h"

typedef enum mcbe_key_type {
    MCBE_KEY_INT,    /* 500000, 1_000_000, 1e6 (a real that is a whole number), or one of `words` */
    MCBE_KEY_REAL,   /* 0.25, 1e-3 */
    MCBE_KEY_BOOL,   /* true, false */
    MCBE_KEY_STRING, /* text */
    MCBE_KEY_TEXTS,  /* one text, or a list of texts, which may be empty */
    MCBE_KEY_ENUM,   /* one of `words` */
    MCBE_KEY_AXIS,   /* [first, last] inclusive, {values: [..]}, {from: a, to: b, step: s}, or one
                        integer */
    MCBE_KEY_RECORDS /* a list of mappings, each with `fields` */
} mcbe_key_type_t;

enum {
    MCBE_KEY_FREE = 1,   /* may change between a run and its continuation: not in the fingerprint */
    MCBE_KEY_GROWS = 2,  /* likewise, but may only grow (INT only) */
    MCBE_KEY_UNIQUE = 4, /* field of a record: no two records may share its value */
    MCBE_KEY_NAME = 8, /* STRING that becomes part of a path in the results file: 1 to 64 characters
                         A-Z a-z 0-9 _ . + -, but neither "." nor ".." */
    MCBE_KEY_EXTENDS = 16, /* as MCBE_KEY_GROWS, but a larger value asks more of every unit: what is
                             finished goes on from where it is */
    /* Came after files of its experiment were written: while it is empty, false, 0 or the first of
     * its words, which must be its default, it is left out of the resolved listing, so that those
     * files keep their fingerprints. */
    MCBE_KEY_LATE = 32
};

/* One row of an experiment's table: the only place that knows a key. Rows of one group
 * ("sampling.") stand together. Every table has the row `experiment`, a STRING without a default. A
 * table that breaks these rules, or whose default is not valid, is a bug and stops the program. */
typedef struct mcbe_key {
    const char
        *path; /* "sampling.samples"; for a field of a record its bare name; NULL ends a table */
    mcbe_key_type_t type;
    unsigned flags;
    const char *fallback; /* default, as YAML text ("" is the empty STRING); NULL if the key must be
                             given */
    double min, max;   /* INT, REAL, AXIS values: inclusive; both 0 = no bound, INFINITY = none on
                          that side. RECORDS: length */
    const char *words; /* ENUM: "iid paired"; the value is the index. INT: "auto=0 all=-1" */
    const struct mcbe_key *fields; /* RECORDS: table of one record */
    const char *help;              /* one sentence, with the unit */
} mcbe_key_t;

/* A table with its experiment's name; what mcbe_config_parse chooses from. */
typedef struct mcbe_key_table {
    const char *experiment;
    const char *summary; /* one sentence */
    const mcbe_key_t *keys;
} mcbe_key_table_t;

typedef struct mcbe_config mcbe_config_t;

/** Parse YAML text, apply overrides, check everything and fill in defaults. Reports ALL errors it
 *  finds, one sentence a line: "NAME:LINE:COLUMN: key 'a.b': value ... ; allowed ...", with the
 *  nearest valid name for an unknown one. Refuses duplicate keys, anchors, aliases, merge keys,
 *  tags, several documents. Not collective.
 *  @param[in] name       file name for messages
 *  @param[in] text       [length] bytes, need not end in 0
 *  @param[in] overrides  [override_count] "a.b=value", the value in YAML flow syntax
 *  @param[in] tables     [table_count]; the one whose name is the value of the key `experiment` is
 *         used
 *  @return MCBE_OK; MCBE_ERR_CONFIG; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_config_parse(mcbe_config_t **config, const char *name,
                                               const char *text, size_t length,
                                               const char *const *overrides, int override_count,
                                               const mcbe_key_table_t *tables, int table_count,
                                               mcbe_error_t *err);
void mcbe_config_destroy(mcbe_config_t **config);

/** Text as given, and the number of the table chosen. Borrowed from config. */
const char *mcbe_config_text(const mcbe_config_t *config);
int mcbe_config_table(const mcbe_config_t *config);

/* Values by path. A path that is not in the table, or is of another type, is a bug and stops the
 * program. */
int64_t mcbe_config_int(const mcbe_config_t *config, const char *path);
double mcbe_config_real(const mcbe_config_t *config, const char *path);
int mcbe_config_bool(const mcbe_config_t *config, const char *path);
const char *mcbe_config_string(const mcbe_config_t *config, const char *path);
int mcbe_config_enum(const mcbe_config_t *config, const char *path);
/** The texts of a list. @return borrowed [*count] */
const char *const *mcbe_config_texts(const mcbe_config_t *config, const char *path, int *count);
/** Values of an axis, ascending, without duplicates. @return borrowed [*count] */
const int64_t *mcbe_config_axis(const mcbe_config_t *config, const char *path, int *count);
int mcbe_config_records(const mcbe_config_t *config, const char *path);
int64_t mcbe_config_record_int(const mcbe_config_t *config, const char *path, int index,
                               const char *field);
double mcbe_config_record_real(const mcbe_config_t *config, const char *path, int index,
                               const char *field);
const char *mcbe_config_record_string(const mcbe_config_t *config, const char *path, int index,
                                      const char *field);
int mcbe_config_record_enum(const mcbe_config_t *config, const char *path, int index,
                            const char *field);

/** Does the table have the key? */
int mcbe_config_has(const mcbe_config_t *config, const char *path);

/** Was the key (in a record: the field) written, in the text or an override, rather than filled in
 *  from the table? */
int mcbe_config_given(const mcbe_config_t *config, const char *path);
int mcbe_config_record_given(const mcbe_config_t *config, const char *path, int index,
                             const char *field);

/** Record an error of a key that only its experiment could find (a combination of keys, say), with
 *  the same place and form as the others: "NAME:LINE:COLUMN: key 'path': <sentence>". A field of a
 *  record is "biases[1].value". @return MCBE_ERR_CONFIG */
mcbe_status_t mcbe_config_reject(const mcbe_config_t *config, mcbe_error_t *err, const char *path,
                                 const char *format, ...) MCBE_PRINTF(4, 5);

/** Add a fact that decides results but stands outside the text (the SHA-256 of a file read): it
 *  joins the resolved listing and the fingerprint under `path`, which no key has. Given again, the
 *  new value replaces the old one. Pointers from mcbe_config_resolved end their life here.
 *  @return MCBE_OK; MCBE_ERR_NOMEM (nothing has changed) */
MCBE_NODISCARD mcbe_status_t mcbe_config_add_fact(mcbe_config_t *config, const char *path,
                                                  const char *value);

/** The SHA-256 of a file becomes a fact. Not collective.
 *  @return as mcbe_digest_file and mcbe_config_add_fact */
MCBE_NODISCARD mcbe_status_t mcbe_config_add_digest(mcbe_config_t *config, const char *path,
                                                    const char *file, mcbe_error_t *err);

/** Every key resolved, canonical: "path = value" lines sorted by path, reals with 17 digits,
 *  including the added facts and stream_version. Keys that are MCBE_KEY_FREE, MCBE_KEY_GROWS
 *  or MCBE_KEY_EXTENDS carry a leading '~', '+' or '*', so a listing alone tells what may change.
 *  Borrowed from config. */
const char *mcbe_config_resolved(mcbe_config_t *config);

/** SHA-256, as 64 hex digits, of the resolved listing without its '~', '+' and '*' lines.
 *  @param[out] hex */
void mcbe_config_fingerprint(const char *resolved, char hex[65]);

/** Compare two resolved listings and report every key outside '~' that differs (a '+' or '*' key:
 *  that shrank), "key 'a.b': the file has X, this run asks for Y". @return MCBE_OK;
 *  MCBE_ERR_FINGERPRINT */
MCBE_NODISCARD mcbe_status_t mcbe_config_compare(const char *stored, const char *wanted,
                                                 mcbe_error_t *err);

/** Does `wanted` ask more of every unit than `stored` does: has a '*' key another value? Of listings
 *  that mcbe_config_compare accepts. @param[out] err  which ones and how, if they have; may be NULL */
int mcbe_config_asks_more(const char *stored, const char *wanted, mcbe_error_t *err);

/** Value of one key in a resolved listing. @return MCBE_OK; MCBE_ERR_ARGUMENT if it is not there */
MCBE_NODISCARD mcbe_status_t mcbe_config_lookup(const char *resolved, const char *path, char *value,
                                                size_t size);

/** Print the experiments with their keys (`mcbe list`), one key (`mcbe help KEY`; nearest name
 *  offered), and all as Markdown (docs/config.md). */
void mcbe_config_list(FILE *out, const mcbe_key_table_t *tables, int table_count);
MCBE_NODISCARD mcbe_status_t mcbe_config_help(FILE *out, const mcbe_key_table_t *tables,
                                              int table_count, const char *path, mcbe_error_t *err);
void mcbe_config_markdown(FILE *out, const mcbe_key_table_t *tables, int table_count);

/** Of `count` names the one nearest to `name` by edit distance, or NULL if none is near. */
const char *mcbe_nearest_name(const char *name, const char *const *names, int count);

#endif
