#ifndef MCBE_CSV_TEXT_H
#define MCBE_CSV_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "inflow.h"
#include "npy.h"

/* Comma-separated values, RFC 4180, read by libcsv. Blank lines are skipped; blanks around a field
 * that is not in quotes do not belong to it; a byte order mark is taken off. */

enum {
    MCBE_CSV_FIELD_MAX = 4096 /* bytes of a field */
};

/** Called for every line that is not blank.
 *  @param[in] line    its number in the file, from 1; blank lines and those in quotes count
 *  @param[in] fields  [count], live until the call returns
 *  @return MCBE_OK, or an error that ends the reading */
typedef mcbe_status_t (*mcbe_csv_line_t)(void *context, int64_t line, const char *const *fields,
                                         int count, mcbe_error_t *err);

/** Read all lines. Not collective. Thread-safe.
 *  @param[in] fields_max  fields a line may have
 *  @return MCBE_OK; MCBE_ERR_IO; MCBE_ERR_DATA with a sentence: quotes that do not close, a line or
 *         field too long, a NUL; what `take` returned; MCBE_ERR_NOMEM
 *  Memory: the longest line and one piece of the file. */
MCBE_NODISCARD mcbe_status_t mcbe_csv_read(mcbe_inflow_t *in, char delimiter, int fields_max,
                                           mcbe_csv_line_t take, void *context, mcbe_error_t *err);

/** A field as a number, which may be infinite or NaN: with a point whatever the locale, while
 *  mcbe_csv_read runs. @return 1 if it is one */
int mcbe_csv_number(const char *field, double *value);

/** Is it a name rather than a number or a missing value: does it begin with a letter, and is not
 *  inf, nan or NA? */
int mcbe_csv_is_name(const char *field);

/** Read a matrix, such as the weights of a layer: every line as long as the first, every field a
 *  finite number; a first line with a name in it is skipped.
 *  @param[out] array  zeroed on error; free with mcbe_npy_free
 *  @return as mcbe_csv_read; MCBE_ERR_DATA with a sentence */
MCBE_NODISCARD mcbe_status_t mcbe_csv_load(mcbe_npy_t *array, const char *path, mcbe_error_t *err);
/** The same from an open seekable stream. @param[in] name  for sentences */
MCBE_NODISCARD mcbe_status_t mcbe_csv_parse(mcbe_npy_t *array, FILE *in, const char *name,
                                            mcbe_error_t *err);

#endif
