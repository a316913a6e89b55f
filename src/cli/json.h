#ifndef MCBE_JSON_H
#define MCBE_JSON_H

/** Print a text with its quotes to standard output. */
void mcbe_json_text(const char *text);

/** Print a number, null for NaN and infinities, which JSON does not have. */
void mcbe_json_number(double value);

#endif
