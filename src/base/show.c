#include "show.h"

#include <string.h>

void mcbe_show(const char *text, char shown[MCBE_SHOWN_MAX])
{
    static const char ellipsis[] = "...";
    size_t length = strlen(text);
    size_t kept = length;
    if (length >= MCBE_SHOWN_MAX) {
        kept = MCBE_SHOWN_MAX - sizeof ellipsis;
        while (kept > 0 && ((unsigned char)text[kept] & 0xC0U) == 0x80U) {
            kept--; /* never half of a UTF-8 character */
        }
    }
    for (size_t i = 0; i < kept; i++) {
        unsigned char c = (unsigned char)text[i];
        shown[i] = c < 0x20 || c == 0x7F ? '?' : text[i];
    }
    strcpy(shown + kept, kept < length ? ellipsis : "");
}
