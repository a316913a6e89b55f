#include "npy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "memory.h"

/* NumPy pads headers to 64 bytes; a two-dimensional one of ours is below 128. */
#define HEADER_MAX 65536
#define ELEMENTS_MAX ((int64_t)1 << 34)

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the readers of binary files are written for little-endian machines"
#endif

typedef struct header {
    int64_t rows, columns;
    int item_bytes; /* 4 or 8 */
    int fortran;
} header_t;

static mcbe_status_t read_exactly(FILE *in, const char *path, const char *what, void *out,
                                  size_t bytes, mcbe_error_t *err)
{
    size_t got = fread(out, 1, bytes, in);
    if (got == bytes) {
        return MCBE_OK;
    }
    if (ferror(in)) {
        return mcbe_fail(err, MCBE_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
    }
    return mcbe_fail(err, MCBE_ERR_DATA, "'%s' ends inside its %s: %zu bytes where %zu are due",
                     path, what, got, bytes);
}

/* The text after "'key':" in the header's Python dictionary, or NULL. */
static const char *value_of(const char *header, const char *key)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "'%s'", key);
    const char *at = strstr(header, quoted);
    if (!at) {
        return NULL;
    }
    at += strlen(quoted);
    at += strspn(at, " ");
    if (*at != ':') {
        return NULL;
    }
    at++;
    return at + strspn(at, " ");
}

static mcbe_status_t parse_shape(const char *text, const char *path, header_t *header,
                                 mcbe_error_t *err)
{
    char *end;
    errno = 0;
    if (*text == '(') {
        long long rows = strtoll(text + 1, &end, 10);
        if (end != text + 1 && *end == ',') {
            const char *second = end + 1;
            long long columns = strtoll(second, &end, 10);
            end += strspn(end, " ,");
            if (end != second && *end == ')' && errno == 0 && rows > 0 && columns > 0 &&
                rows <= ELEMENTS_MAX / columns) {
                header->rows = rows;
                header->columns = columns;
                return MCBE_OK;
            }
        }
    }
    return mcbe_fail(
        err, MCBE_ERR_DATA,
        "'%s' has the shape %.40s; a matrix (rows, columns) with positive sizes is needed", path,
        text);
}

static mcbe_status_t parse_header(const char *text, const char *path, header_t *header,
                                  mcbe_error_t *err)
{
    const char *descr = value_of(text, "descr");
    const char *order = value_of(text, "fortran_order");
    const char *shape = value_of(text, "shape");
    if (!descr || !order || !shape) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has no complete .npy header (descr, fortran_order, shape)", path);
    }
    if (!strncmp(descr, "'<f8'", 5)) {
        header->item_bytes = 8;
    } else if (!strncmp(descr, "'<f4'", 5)) {
        header->item_bytes = 4;
    } else {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' holds elements of type %.12s; '<f4' and '<f8' (little-endian real "
                         "numbers) can be read",
                         path, descr);
    }
    if (strncmp(order, "True", 4) != 0 && strncmp(order, "False", 5) != 0) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has fortran_order %.12s; True or False is allowed", path, order);
    }
    header->fortran = order[0] == 'T';
    return parse_shape(shape, path, header, err);
}

static mcbe_status_t read_header(FILE *in, const char *path, header_t *header, mcbe_error_t *err)
{
    unsigned char magic[12] = {0};
    char *text = NULL;
    mcbe_status_t st;
    MCBE_TRY(read_exactly(in, path, "header", magic, 10, err));
    if (memcmp(magic, "\x93NUMPY", 6) != 0) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s' is not a .npy file (its first bytes are not \\x93NUMPY)", path);
        goto out;
    }
    if (magic[6] < 1 || magic[6] > 3) {
        st = mcbe_fail(err, MCBE_ERR_DATA, "'%s' is a .npy file of version %d; 1 to 3 can be read",
                       path, magic[6]);
        goto out;
    }
    size_t length = (size_t)magic[8] | (size_t)magic[9] << 8;
    if (magic[6] > 1) { /* four length bytes instead of two */
        MCBE_TRY(read_exactly(in, path, "header", magic + 10, 2, err));
        length |= (size_t)magic[10] << 16 | (size_t)magic[11] << 24;
    }
    if (length > HEADER_MAX) {
        st = mcbe_fail(err, MCBE_ERR_DATA, "'%s' has a header of %zu bytes; at most %d are allowed",
                       path, length, HEADER_MAX);
        goto out;
    }
    text = mcbe_alloc(length + 1, 1);
    if (!text) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    MCBE_TRY(read_exactly(in, path, "header", text, length, err));
    st = parse_header(text, path, header, err);
out:
    mcbe_free(text);
    return st;
}

/* Elements as they lie in the file to row-major fp64. */
static void convert(const header_t *header, const void *raw, double *values)
{
    const float *f4 = raw;
    const double *f8 = raw;
    for (int64_t i = 0; i < header->rows; i++) {
        for (int64_t k = 0; k < header->columns; k++) {
            int64_t at = header->fortran ? k * header->rows + i : i * header->columns + k;
            values[i * header->columns + k] = header->item_bytes == 8 ? f8[at] : (double)f4[at];
        }
    }
}

mcbe_status_t mcbe_npy_load(mcbe_npy_t *array, const char *path, mcbe_error_t *err)
{
    header_t header = {0};
    void *raw = NULL;
    mcbe_status_t st;
    memset(array, 0, sizeof *array);
    FILE *in = fopen(path, "rb");
    if (!in) {
        return mcbe_fail(err, MCBE_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    }
    MCBE_TRY(read_header(in, path, &header, err));
    /* the size on disk is checked before memory is asked for: a header may claim anything */
    int64_t elements = header.rows * header.columns;
    long start = ftell(in);
    if (start < 0 || fseek(in, 0, SEEK_END) != 0) {
        st = mcbe_fail(err, MCBE_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
        goto out;
    }
    int64_t data_bytes = (int64_t)ftell(in) - start;
    if (data_bytes != elements * header.item_bytes) {
        st = mcbe_fail(
            err, MCBE_ERR_DATA,
            "'%s' holds %lld bytes of data; its header (%lld x %lld, %d bytes each) asks "
            "for %lld",
            path, (long long)data_bytes, (long long)header.rows, (long long)header.columns,
            header.item_bytes, (long long)(elements * header.item_bytes));
        goto out;
    }
    raw = mcbe_alloc((size_t)elements, (size_t)header.item_bytes);
    array->values = mcbe_alloc((size_t)elements, sizeof(double));
    if (!raw || !array->values || fseek(in, start, SEEK_SET) != 0) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    MCBE_TRY(read_exactly(in, path, "data", raw, (size_t)data_bytes, err));
    array->rows = header.rows;
    array->columns = header.columns;
    convert(&header, raw, array->values);
out:
    mcbe_free(raw);
    fclose(in);
    if (st != MCBE_OK) {
        mcbe_npy_free(array);
    }
    return st;
}

void mcbe_npy_free(mcbe_npy_t *array)
{
    mcbe_free(array->values);
    memset(array, 0, sizeof *array);
}

/* Magic, version, length and the dictionary, padded so that values start at a multiple of 64. */
static size_t make_header(int64_t rows, int64_t columns, char header[128])
{
    static const char magic[] = "\x93NUMPY\x01\x00";
    enum { FIXED = 10, SIZE = 128 };
    char shape[64];
    if (columns > 0) {
        snprintf(shape, sizeof shape, "(%lld, %lld)", (long long)rows, (long long)columns);
    } else {
        snprintf(shape, sizeof shape, "(%lld,)", (long long)rows);
    }
    memset(header, ' ', SIZE);
    memcpy(header, magic, 8);
    header[8] = (char)(SIZE - FIXED);
    header[9] = 0;
    const int used = snprintf(header + FIXED, SIZE - FIXED,
                              "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }", shape);
    header[FIXED + used] = ' ';
    header[SIZE - 1] = '\n';
    return SIZE;
}

mcbe_status_t mcbe_npy_save(const char *path, const double *values, int64_t rows, int64_t columns,
                            mcbe_error_t *err)
{
    char header[128];
    const size_t bytes = make_header(rows, columns, header);
    const size_t count = (size_t)rows * (size_t)(columns > 0 ? columns : 1);
    FILE *out = fopen(path, "wb");
    if (!out) {
        return mcbe_fail(err, MCBE_ERR_IO, "cannot create '%s': %s", path, strerror(errno));
    }
    int bad = fwrite(header, 1, bytes, out) != bytes ||
              fwrite(values, sizeof *values, count, out) != count;
    bad |= fclose(out) != 0;
    if (bad) {
        const int problem = errno;
        remove(path);
        return mcbe_fail(err, MCBE_ERR_IO, "cannot write '%s': %s", path, strerror(problem));
    }
    return MCBE_OK;
}
