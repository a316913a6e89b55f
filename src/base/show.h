#ifndef MCBE_SHOW_H
#define MCBE_SHOW_H

#define MCBE_SHOWN_MAX 64 /* bytes of a text as shown in a sentence, the final 0 included */

/** Copy a text from outside for a sentence: shortened, control characters as '?'. Thread-safe.
 *  @param[out] shown */
void mcbe_show(const char *text, char shown[MCBE_SHOWN_MAX]);

#endif
