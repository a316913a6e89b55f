#include "safetensors.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "check.h"
#include "memory.h"
#include "show.h"

#define LENGTH_BYTES 8
#define HEADER_MAX ((int64_t)16 << 20) /* headers of the largest models have a few hundred kB */
#define ELEMENTS_MAX ((int64_t)1 << 34)
#define DIMENSIONS_MAX 32
#define METADATA "__metadata__"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the readers of binary files are written for little-endian machines"
#endif

/* Element types of the format; those below can be read, others only be skipped. */
typedef enum type { TYPE_F64, TYPE_F32, TYPE_F16, TYPE_BF16, TYPE_OTHER } type_t;

static const struct {
    const char *name;
    int bytes;
    type_t type;
} types[] = {
    {"F64", 8, TYPE_F64},    {"F32", 4, TYPE_F32},       {"F16", 2, TYPE_F16},
    {"BF16", 2, TYPE_BF16},  {"I64", 8, TYPE_OTHER},     {"U64", 8, TYPE_OTHER},
    {"I32", 4, TYPE_OTHER},  {"U32", 4, TYPE_OTHER},     {"I16", 2, TYPE_OTHER},
    {"U16", 2, TYPE_OTHER},  {"I8", 1, TYPE_OTHER},      {"U8", 1, TYPE_OTHER},
    {"BOOL", 1, TYPE_OTHER}, {"F8_E4M3", 1, TYPE_OTHER}, {"F8_E5M2", 1, TYPE_OTHER},
};

/* One entry of the header. */
typedef struct tensor {
    const char *name; /* borrowed from the header, as the next */
    const char *type_name;
    type_t type;
    int bytes; /* of an element; 0 for a type not known */
    int dimensions;
    int64_t shape[DIMENSIONS_MAX];
    int64_t elements;
    int64_t begin, end; /* in the data */
} tensor_t;

/* A file being read. */
typedef struct file {
    FILE *in;
    const char *name;
    int64_t header_bytes, data_bytes;
    json_t *header;    /* owned */
    tensor_t *tensors; /* owned, [count], in the order of their data */
    int count;
} file_t;

static mcbe_status_t read_at(const file_t *file, int64_t at, void *out, size_t bytes,
                             mcbe_error_t *err)
{
    if (fseek(file->in, (long)at, SEEK_SET) != 0 || fread(out, 1, bytes, file->in) != bytes) {
        return mcbe_fail(err, MCBE_ERR_IO, "cannot read '%s': %s", file->name,
                         ferror(file->in) ? strerror(errno) : "it has become shorter");
    }
    return MCBE_OK;
}

static mcbe_status_t measure(file_t *file, mcbe_error_t *err)
{
    unsigned char length[LENGTH_BYTES];
    mcbe_status_t st;
    const long size = fseek(file->in, 0, SEEK_END) == 0 ? ftell(file->in) : -1;
    if (size < 0) {
        return mcbe_fail(err, MCBE_ERR_IO, "cannot read '%s': %s", file->name, strerror(errno));
    }
    if (size < LENGTH_BYTES) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' is no safetensors file: it has %ld bytes, and %d are due for the "
                         "length of its header alone",
                         file->name, size, LENGTH_BYTES);
    }
    MCBE_TRY(read_at(file, 0, length, sizeof length, err));
    uint64_t header = 0;
    for (int k = LENGTH_BYTES - 1; k >= 0; k--) {
        header = header << 8 | length[k];
    }
    if (header > (uint64_t)(size - LENGTH_BYTES) || header > (uint64_t)HEADER_MAX) {
        st = mcbe_fail(
            err, MCBE_ERR_DATA,
            "'%s' is no safetensors file, or is cut: its first bytes ask for a header of "
            "%llu bytes, at most %lld are %s",
            file->name, (unsigned long long)header,
            (long long)(size - LENGTH_BYTES < HEADER_MAX ? size - LENGTH_BYTES : HEADER_MAX),
            size - LENGTH_BYTES < HEADER_MAX ? "there" : "allowed");
        goto out;
    }
    file->header_bytes = (int64_t)header;
    file->data_bytes = size - LENGTH_BYTES - file->header_bytes;
out:
    return st;
}

static mcbe_status_t parse_json(file_t *file, mcbe_error_t *err)
{
    mcbe_status_t st;
    json_error_t problem;
    char shown[MCBE_SHOWN_MAX];
    char *text = mcbe_alloc((size_t)file->header_bytes, 1);
    if (!text) {
        return MCBE_ERR_NOMEM;
    }
    MCBE_TRY(read_at(file, LENGTH_BYTES, text, (size_t)file->header_bytes, err));
    file->header = json_loadb(text, (size_t)file->header_bytes, JSON_REJECT_DUPLICATES, &problem);
    if (!file->header && json_error_code(&problem) == json_error_out_of_memory) {
        st = MCBE_ERR_NOMEM;
    } else if (!file->header) {
        mcbe_show(problem.text, shown);
        st = mcbe_fail(err, MCBE_ERR_DATA, "'%s': its header is not JSON at byte %d: %s",
                       file->name, problem.position, shown);
    } else if (!json_is_object(file->header)) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s': its header is a JSON array; an object with one entry a tensor is due",
                       file->name);
    }
out:
    mcbe_free(text);
    return st;
}

static mcbe_status_t bad_entry(const file_t *file, const char *name, const char *what,
                               mcbe_error_t *err)
{
    char shown[MCBE_SHOWN_MAX];
    mcbe_show(name, shown);
    return mcbe_fail(err, MCBE_ERR_DATA, "'%s': the header's entry '%s' %s", file->name, shown,
                     what);
}

/* A whole number from 0 on. @return 0 if it is not one */
static int get_count(const json_t *value, int64_t *number)
{
    *number = json_is_integer(value) ? (int64_t)json_integer_value(value) : -1;
    return *number >= 0;
}

static mcbe_status_t read_shape(const file_t *file, const json_t *shape, tensor_t *tensor,
                                mcbe_error_t *err)
{
    if (!json_is_array(shape) || json_array_size(shape) > DIMENSIONS_MAX) {
        return bad_entry(file, tensor->name, "has no shape, a list of up to 32 sizes", err);
    }
    tensor->dimensions = (int)json_array_size(shape);
    tensor->elements = 1;
    for (int k = 0; k < tensor->dimensions; k++) {
        int64_t size;
        if (!get_count(json_array_get(shape, (size_t)k), &size)) {
            return bad_entry(file, tensor->name,
                             "has a size in its shape that is no whole number from 0 on", err);
        }
        if (size > 0 && tensor->elements > ELEMENTS_MAX / size) {
            return bad_entry(file, tensor->name, "has a shape of more than 2^34 elements", err);
        }
        tensor->shape[k] = size;
        tensor->elements *= size;
    }
    return MCBE_OK;
}

static mcbe_status_t read_entry(const file_t *file, const json_t *entry, tensor_t *tensor,
                                mcbe_error_t *err)
{
    mcbe_status_t st;
    const json_t *offsets = json_object_get(entry, "data_offsets");
    tensor->type_name = json_string_value(json_object_get(entry, "dtype"));
    tensor->type = TYPE_OTHER;
    if (!tensor->type_name) {
        return bad_entry(file, tensor->name, "has no dtype, a name such as F32", err);
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!strcmp(tensor->type_name, types[i].name)) {
            tensor->type = types[i].type;
            tensor->bytes = types[i].bytes;
        }
    }
    MCBE_TRY(read_shape(file, json_object_get(entry, "shape"), tensor, err));
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !get_count(json_array_get(offsets, 0), &tensor->begin) ||
        !get_count(json_array_get(offsets, 1), &tensor->end)) {
        st = bad_entry(file, tensor->name, "has no data_offsets, two whole numbers from 0 on", err);
    } else if (tensor->begin > tensor->end || tensor->end > file->data_bytes) {
        st = bad_entry(file, tensor->name, "has data_offsets beyond the data of the file", err);
    } else if (tensor->bytes > 0 &&
               tensor->end - tensor->begin != tensor->elements * tensor->bytes) {
        st = bad_entry(file, tensor->name, "has data_offsets that do not fit its shape and dtype",
                       err);
    }
out:
    return st;
}

static int by_place(const void *left, const void *right)
{
    const tensor_t *a = left, *b = right;
    if (a->begin != b->begin) {
        return a->begin < b->begin ? -1 : 1;
    }
    return (a->end > b->end) - (a->end < b->end);
}

static mcbe_status_t read_header(file_t *file, mcbe_error_t *err)
{
    const char *name;
    json_t *entry;
    mcbe_status_t st;
    MCBE_TRY(measure(file, err));
    MCBE_TRY(parse_json(file, err));
    file->tensors = mcbe_alloc(json_object_size(file->header), sizeof *file->tensors);
    if (!file->tensors) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    json_object_foreach(file->header, name, entry)
    {
        if (!strcmp(name, METADATA)) {
            continue; /* anything its writer wanted to say */
        }
        file->tensors[file->count].name = name;
        MCBE_TRY(read_entry(file, entry, &file->tensors[file->count++], err));
    }
    qsort(file->tensors, (size_t)file->count, sizeof *file->tensors, by_place);
    int64_t end = 0;
    for (int i = 0; i < file->count; i++) {
        if (file->tensors[i].begin != end) {
            st = bad_entry(file, file->tensors[i].name,
                           file->tensors[i].begin < end ? "overlaps another one's data"
                                                        : "leaves a gap in front of its data",
                           err);
            goto out;
        }
        end = file->tensors[i].end;
    }
    if (end != file->data_bytes) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s' holds %lld bytes of data; its header speaks of %lld", file->name,
                       (long long)file->data_bytes, (long long)end);
    }
out:
    return st;
}

/* "one, two, three", as far as there is room. */
static void list_names(const file_t *file, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < file->count; i++) {
        char shown[MCBE_SHOWN_MAX];
        mcbe_show(file->tensors[i].name, shown);
        if (used + strlen(shown) + sizeof ", ..." > size) {
            snprintf(text + used, size - used, ", ...");
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", shown);
    }
}

static mcbe_status_t choose(const file_t *file, const char *name, const tensor_t **chosen,
                            mcbe_error_t *err)
{
    char names[512], shown[MCBE_SHOWN_MAX];
    *chosen = NULL;
    for (int i = 0; i < file->count; i++) {
        if (name ? !strcmp(file->tensors[i].name, name) : file->count == 1) {
            *chosen = &file->tensors[i];
        }
    }
    list_names(file, names, sizeof names);
    if (!*chosen && name) {
        mcbe_show(name, shown);
        return mcbe_fail(err, MCBE_ERR_DATA, "'%s' holds no tensor '%s'; it holds %s", file->name,
                         shown, file->count ? names : "none");
    }
    if (!*chosen) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' holds %d tensors, so one must be named behind a colon, FILE:TENSOR; "
                         "it holds %s",
                         file->name, file->count, file->count ? names : "none");
    }
    const tensor_t *tensor = *chosen;
    mcbe_show(tensor->name, shown);
    if (tensor->type == TYPE_OTHER) {
        char type[MCBE_SHOWN_MAX];
        mcbe_show(tensor->type_name, type);
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s': the tensor '%s' is of type %s; F64, F32, F16 and BF16 can be read",
                         file->name, shown, type);
    }
    if (tensor->dimensions < 1 || tensor->dimensions > 2 || tensor->elements < 1) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s': the tensor '%s' has %d dimensions and %lld elements; a matrix or a "
                         "vector with positive sizes is needed",
                         file->name, shown, tensor->dimensions, (long long)tensor->elements);
    }
    return MCBE_OK;
}

/* IEEE binary16: 1 sign, 5 exponent, 10 fraction bits. */
static double from_half(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double size = exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
                        : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                       : ldexp(fraction, -24);
    return bits & 0x8000 ? -size : size;
}

/* bfloat16: the upper half of an fp32 number. */
static double from_bfloat(uint16_t bits)
{
    const uint32_t word = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &word, sizeof value);
    return (double)value;
}

static void convert(const tensor_t *tensor, const void *raw, double *values)
{
    for (int64_t i = 0; i < tensor->elements; i++) {
        switch (tensor->type) {
        case TYPE_F64:
            values[i] = ((const double *)raw)[i];
            break;
        case TYPE_F32:
            values[i] = (double)((const float *)raw)[i];
            break;
        case TYPE_F16:
            values[i] = from_half(((const uint16_t *)raw)[i]);
            break;
        case TYPE_BF16:
            values[i] = from_bfloat(((const uint16_t *)raw)[i]);
            break;
        case TYPE_OTHER:
            break;
        }
    }
}

mcbe_status_t mcbe_safetensors_parse(mcbe_npy_t *array, FILE *in, const char *name,
                                     const char *tensor, mcbe_error_t *err)
{
    file_t file = {.in = in, .name = name};
    const tensor_t *chosen = NULL;
    void *raw = NULL;
    mcbe_status_t st;
    memset(array, 0, sizeof *array);
    MCBE_TRY(read_header(&file, err));
    MCBE_TRY(choose(&file, tensor, &chosen, err));
    const size_t elements = (size_t)chosen->elements;
    raw = mcbe_alloc(elements, (size_t)chosen->bytes);
    array->values = mcbe_alloc(elements, sizeof *array->values);
    if (!raw || !array->values) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    MCBE_TRY(read_at(&file, LENGTH_BYTES + file.header_bytes + chosen->begin, raw,
                     elements * (size_t)chosen->bytes, err));
    convert(chosen, raw, array->values);
    array->rows = chosen->shape[0];
    array->columns = chosen->dimensions == 2 ? chosen->shape[1] : 0;
out:
    mcbe_free(raw);
    mcbe_free(file.tensors);
    json_decref(file.header);
    if (st != MCBE_OK) {
        mcbe_npy_free(array);
    }
    return st;
}

mcbe_status_t mcbe_safetensors_load(mcbe_npy_t *array, const char *path, const char *tensor,
                                    mcbe_error_t *err)
{
    memset(array, 0, sizeof *array);
    FILE *in = fopen(path, "rb");
    if (!in) {
        return mcbe_fail(err, MCBE_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    }
    mcbe_status_t st = mcbe_safetensors_parse(array, in, path, tensor, err);
    fclose(in);
    return st;
}
