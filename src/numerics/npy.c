#include "npy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "show.h"

/* NumPy pads headers to 64 bytes; a two-dimensional one of ours is below 128. */
#define HEADER_MAX 65536
#define ELEMENTS_MAX ((int64_t)1 << 34)

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

/* "(3, 2)", "(3,)": positive sizes. */
static int parse_sizes(const char *text, mcbe_npy_header_t *header)
{
    header->rank = 0;
    header->elements = 1;
    if (*text++ != '(') {
        return 0;
    }
    while (*(text += strspn(text, " ")) != ')') {
        char *end;
        errno = 0;
        const long long size = strtoll(text, &end, 10);
        const size_t blanks = strspn(end, " ");
        const int last = end[blanks] == ')';
        if (end == text || errno != 0 || header->rank == MCBE_NPY_RANK_MAX || size <= 0 ||
            size > ELEMENTS_MAX / header->elements || (end[blanks] != ',' && !last) ||
            (last && header->rank == 0)) {
            return 0;
        }
        header->shape[header->rank++] = size;
        header->elements *= size;
        text = end + blanks + !last;
    }
    return header->rank > 0;
}

static mcbe_status_t parse_shape(const char *text, const char *path, mcbe_npy_header_t *header,
                                 mcbe_error_t *err)
{
    if (parse_sizes(text, header)) {
        return MCBE_OK;
    }
    char shown[MCBE_SHOWN_MAX];
    mcbe_show(text, shown);
    return mcbe_fail(err, MCBE_ERR_DATA,
                     "'%s' has the shape %.40s; 1 to %d positive sizes, as in (rows, columns), are "
                     "needed",
                     path, shown, MCBE_NPY_RANK_MAX);
}

static const struct {
    const char *name; /* as in the header, in its quotes */
    mcbe_element_t type;
} types[] = {{"'<f8'", MCBE_ELEMENT_F64}, {"'<f4'", MCBE_ELEMENT_F32}, {"'|u1'", MCBE_ELEMENT_U8},
             {"'|i1'", MCBE_ELEMENT_I8},  {"'<u2'", MCBE_ELEMENT_U16}, {"'<i2'", MCBE_ELEMENT_I16},
             {"'<u4'", MCBE_ELEMENT_U32}, {"'<i4'", MCBE_ELEMENT_I32}, {"'<u8'", MCBE_ELEMENT_U64},
             {"'<i8'", MCBE_ELEMENT_I64}};

enum { TYPES = sizeof types / sizeof *types };

static int parse_type(const char *descr, mcbe_element_t *type)
{
    for (int i = 0; i < TYPES; i++) {
        if (!strncmp(descr, types[i].name, strlen(types[i].name))) {
            *type = types[i].type;
            return 1;
        }
    }
    return 0;
}

static const char *type_name(mcbe_element_t type)
{
    int i = 0;
    while (types[i].type != type) {
        i++;
    }
    return types[i].name;
}

static mcbe_status_t parse_header(const char *text, const char *path, mcbe_npy_header_t *header,
                                  mcbe_error_t *err)
{
    const char *descr = value_of(text, "descr");
    const char *order = value_of(text, "fortran_order");
    const char *shape = value_of(text, "shape");
    if (!descr || !order || !shape) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has no complete .npy header (descr, fortran_order, shape)", path);
    }
    char shown[MCBE_SHOWN_MAX];
    if (!parse_type(descr, &header->type)) {
        mcbe_show(descr, shown);
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' holds elements of type %.12s; little-endian real numbers ('<f4', "
                         "'<f8') and integers can be read",
                         path, shown);
    }
    if (strncmp(order, "True", 4) != 0 && strncmp(order, "False", 5) != 0) {
        mcbe_show(order, shown);
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has fortran_order %.12s; True or False is allowed", path, shown);
    }
    header->fortran = order[0] == 'T';
    return parse_shape(shape, path, header, err);
}

mcbe_status_t mcbe_npy_header(mcbe_inflow_t *in, mcbe_npy_header_t *header, mcbe_error_t *err)
{
    const char *path = in->name;
    unsigned char magic[12] = {0};
    char *text = NULL;
    mcbe_status_t st;
    MCBE_TRY(mcbe_inflow_exactly(in, "header", magic, 10, err));
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
        MCBE_TRY(mcbe_inflow_exactly(in, "header", magic + 10, 2, err));
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
    MCBE_TRY(mcbe_inflow_exactly(in, "header", text, length, err));
    st = parse_header(text, path, header, err);
    if (st == MCBE_OK) {
        st = mcbe_inflow_expect(in, header->elements * mcbe_element_bytes(header->type), err);
    }
out:
    mcbe_free(text);
    return st;
}

/* Where element `at` of the file, which stores the first index fastest, lies in C order. */
static int64_t place_in_c_order(const mcbe_npy_header_t *header, int64_t at)
{
    int64_t place = 0;
    int64_t stride = header->elements;
    for (int d = 0; d < header->rank; d++) {
        stride /= header->shape[d];
        place += at % header->shape[d] * stride;
        at /= header->shape[d];
    }
    return place;
}

mcbe_status_t mcbe_npy_values(mcbe_inflow_t *in, const mcbe_npy_header_t *header, double *f64,
                              float *f32, mcbe_error_t *err)
{
    double piece[MCBE_ELEMENTS_PIECE];
    mcbe_status_t st = MCBE_OK;
    for (int64_t done = 0; done < header->elements; done += MCBE_ELEMENTS_PIECE) {
        const int64_t left = header->elements - done;
        const int count = left < MCBE_ELEMENTS_PIECE ? (int)left : MCBE_ELEMENTS_PIECE;
        MCBE_TRY(mcbe_elements_read(in, "data", header->type, 0, count, piece, err));
        for (int i = 0; i < count; i++) {
            const int64_t place = header->fortran ? place_in_c_order(header, done + i) : done + i;
            if (f64) {
                f64[place] = piece[i];
            } else {
                f32[place] = (float)piece[i];
            }
        }
    }
    st = mcbe_inflow_end(in, err);
out:
    return st;
}

/* @param[in] most  dimensions: 2, or 3 for a stack */
static mcbe_status_t read_array(mcbe_npy_t *array, mcbe_inflow_t *in, int most, mcbe_error_t *err)
{
    mcbe_npy_header_t header = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_npy_header(in, &header, err));
    if (header.rank > most) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s' holds an array of %d dimensions; a matrix%s or a vector is needed",
                       in->name, header.rank, most > 2 ? ", a stack of matrices" : "");
        goto out;
    }
    if (header.type != MCBE_ELEMENT_F32 && header.type != MCBE_ELEMENT_F64) {
        st = mcbe_fail(
            err, MCBE_ERR_DATA,
            "'%s' holds elements of type %s; a matrix of real numbers ('<f4' or '<f8') is "
            "needed",
            in->name, type_name(header.type));
        goto out;
    }
    array->values = mcbe_alloc((size_t)header.elements, sizeof *array->values);
    if (!array->values) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    const int64_t *shape = header.shape + (header.rank > 2); /* of one matrix */
    array->count = header.rank > 2 ? header.shape[0] : 0;
    array->rows = shape[0];
    array->columns = header.rank > 1 ? shape[1] : 0;
    st = mcbe_npy_values(in, &header, array->values, NULL, err);
out:
    return st;
}

static mcbe_status_t read_matrix(mcbe_npy_t *array, mcbe_inflow_t *in, mcbe_error_t *err)
{
    return read_array(array, in, 2, err);
}

static mcbe_status_t read_stack(mcbe_npy_t *array, mcbe_inflow_t *in, mcbe_error_t *err)
{
    return read_array(array, in, 3, err);
}

mcbe_status_t mcbe_npy_read(mcbe_npy_t *array, FILE *stream, const char *name,
                            mcbe_npy_reader_t read, mcbe_error_t *err)
{
    mcbe_inflow_t in;
    memset(array, 0, sizeof *array);
    mcbe_status_t st = mcbe_inflow_open(&in, stream, name, err);
    if (st == MCBE_OK) {
        st = read(array, &in, err);
        mcbe_inflow_close(&in);
    }
    if (st != MCBE_OK) {
        mcbe_npy_free(array);
    }
    return st;
}

mcbe_status_t mcbe_npy_load(mcbe_npy_t *array, const char *path, mcbe_error_t *err)
{
    return mcbe_npy_read(array, NULL, path, read_matrix, err);
}

mcbe_status_t mcbe_npy_load_stack(mcbe_npy_t *array, const char *path, mcbe_error_t *err)
{
    return mcbe_npy_read(array, NULL, path, read_stack, err);
}

mcbe_status_t mcbe_npy_parse(mcbe_npy_t *array, FILE *stream, const char *name, mcbe_error_t *err)
{
    return mcbe_npy_read(array, stream, name, read_stack, err);
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
