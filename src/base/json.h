#ifndef MCBE_JSON_H
#define MCBE_JSON_H

#include <stdio.h>

/** Write a text with its quotes. Thread-safe as far as the stream is. */
void mcbe_json_text(FILE *out, const char *text);

/** Write a number, null for NaN and infinities, which JSON does not have. Likewise. */
void mcbe_json_number(FILE *out, double value);

#endif
