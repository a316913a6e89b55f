#include "elements.h"

#include <string.h>

int mcbe_element_bytes(mcbe_element_t type)
{
    static const int bytes[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
    return bytes[type];
}

static void reverse_each(unsigned char *raw, int bytes, int count)
{
    for (int i = 0; i < count; i++, raw += bytes) {
        for (int low = 0, high = bytes - 1; low < high; low++, high--) {
            const unsigned char byte = raw[low];
            raw[low] = raw[high];
            raw[high] = byte;
        }
    }
}

#define CONVERT(element)                                                                           \
    for (int i = 0; i < count; i++) {                                                              \
        element value;                                                                             \
        memcpy(&value, raw + (size_t)i * sizeof value, sizeof value);                              \
        out[i] = (double)value;                                                                    \
    }                                                                                              \
    break

static void convert(mcbe_element_t type, const unsigned char *raw, int count, double *out)
{
    switch (type) {
    case MCBE_ELEMENT_U8:
        CONVERT(uint8_t);
    case MCBE_ELEMENT_I8:
        CONVERT(int8_t);
    case MCBE_ELEMENT_U16:
        CONVERT(uint16_t);
    case MCBE_ELEMENT_I16:
        CONVERT(int16_t);
    case MCBE_ELEMENT_U32:
        CONVERT(uint32_t);
    case MCBE_ELEMENT_I32:
        CONVERT(int32_t);
    case MCBE_ELEMENT_U64:
        CONVERT(uint64_t);
    case MCBE_ELEMENT_I64:
        CONVERT(int64_t);
    case MCBE_ELEMENT_F32:
        CONVERT(float);
    case MCBE_ELEMENT_F64:
        CONVERT(double);
    }
}

mcbe_status_t mcbe_elements_read(mcbe_inflow_t *in, const char *what, mcbe_element_t type,
                                 int big_endian, int count, double *out, mcbe_error_t *err)
{
    unsigned char raw[MCBE_ELEMENTS_PIECE * sizeof(double)];
    const int bytes = mcbe_element_bytes(type);
    const mcbe_status_t st = mcbe_inflow_exactly(in, what, raw, (size_t)count * (size_t)bytes, err);
    if (st == MCBE_OK) {
        if (big_endian) {
            reverse_each(raw, bytes, count);
        }
        convert(type, raw, count, out);
    }
    return st;
}
