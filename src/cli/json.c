#include "json.h"

#include <math.h>
#include <stdio.h>

void mcbe_json_text(const char *text)
{
    putchar('"');
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\') {
            printf("\\%c", *at);
        } else if (*at < 0x20) {
            printf("\\u%04x", *at);
        } else {
            putchar(*at);
        }
    }
    putchar('"');
}

void mcbe_json_number(double value)
{
    if (isfinite(value)) {
        printf("%.17g", value);
    } else {
        printf("null");
    }
}
