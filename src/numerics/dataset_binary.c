#include "dataset_internal.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "mcbe/frame.h"
#include "memory.h"

#define CIFAR_PIXELS 3072
#define CIFAR_RECORD (CIFAR_PIXELS + 1)
#define CIFAR_CLASSES 10

/* The first size counts the points, the others make up a point. */
static mcbe_status_t set_shape(mcbe_data_source_t *source, mcbe_error_t *err)
{
    const mcbe_npy_header_t *header = &source->header;
    const int64_t n = header->elements / header->shape[0];
    if (header->rank == 1) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has one number an entry, as labels have; points need two dimensions "
                         "or more",
                         source->in.name);
    }
    if (n > MCBE_MAX_N) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has %lld features a point; at most %d are allowed", source->in.name,
                         (long long)n, MCBE_MAX_N);
    }
    source->count = header->shape[0];
    source->n = (int)n;
    return MCBE_OK;
}

/* --- IDX, the format of MNIST: 0 0 type rank, then sizes and data, big-endian --- */

static int idx_type(unsigned char code, mcbe_element_t *type)
{
    static const struct {
        unsigned char code;
        mcbe_element_t type;
    } types[] = {{0x08, MCBE_ELEMENT_U8},  {0x09, MCBE_ELEMENT_I8},  {0x0b, MCBE_ELEMENT_I16},
                 {0x0c, MCBE_ELEMENT_I32}, {0x0d, MCBE_ELEMENT_F32}, {0x0e, MCBE_ELEMENT_F64}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].code == code) {
            *type = types[i].type;
            return 1;
        }
    }
    return 0;
}

static mcbe_status_t read_idx_header(mcbe_inflow_t *in, mcbe_npy_header_t *header,
                                     mcbe_error_t *err)
{
    unsigned char magic[4];
    double sizes[MCBE_NPY_RANK_MAX];
    mcbe_status_t st;
    *header = (mcbe_npy_header_t){.elements = 1};
    MCBE_TRY(mcbe_inflow_exactly(in, "header", magic, sizeof magic, err));
    if (magic[0] != 0 || magic[1] != 0 || !idx_type(magic[2], &header->type) || magic[3] < 1 ||
        magic[3] > MCBE_NPY_RANK_MAX) {
        st = mcbe_fail(err, MCBE_ERR_DATA,
                       "'%s' is not an IDX file: it begins with %02x %02x %02x %02x; 00 00, a type "
                       "(08 09 0b 0c 0d 0e) and 01 to %02x dimensions are due",
                       in->name, magic[0], magic[1], magic[2], magic[3], MCBE_NPY_RANK_MAX);
        goto out;
    }
    header->rank = magic[3];
    MCBE_TRY(mcbe_elements_read(in, "header", MCBE_ELEMENT_I32, 1, header->rank, sizes, err));
    for (int d = 0; d < header->rank; d++) {
        header->shape[d] = (int64_t)sizes[d];
        if (header->shape[d] < 1 || header->shape[d] > MCBE_DATA_VALUES_MAX / header->elements) {
            st = mcbe_fail(err, MCBE_ERR_DATA,
                           "'%s' has size %lld in dimension %d; sizes from 1 are needed, and at "
                           "most %lld values in all",
                           in->name, (long long)header->shape[d], d + 1,
                           (long long)MCBE_DATA_VALUES_MAX);
            goto out;
        }
        header->elements *= header->shape[d];
    }
    st = mcbe_inflow_expect(in, header->elements * mcbe_element_bytes(header->type), err);
out:
    return st;
}

mcbe_status_t mcbe_data_begin_idx(mcbe_data_source_t *source, mcbe_error_t *err)
{
    const mcbe_status_t st = read_idx_header(&source->in, &source->header, err);
    return st == MCBE_OK ? set_shape(source, err) : st;
}

mcbe_status_t mcbe_data_read_idx(mcbe_data_source_t *source, mcbe_data_rows_t *rows,
                                 mcbe_error_t *err)
{
    double piece[MCBE_ELEMENTS_PIECE];
    mcbe_status_t st;
    MCBE_TRY(mcbe_data_reserve(rows, source->count, source->n, 1, source->in.name, err));
    float *x = rows->data->x + rows->data->count * source->n;
    for (int64_t left = source->header.elements; left > 0; left -= MCBE_ELEMENTS_PIECE) {
        const int count = left < MCBE_ELEMENTS_PIECE ? (int)left : MCBE_ELEMENTS_PIECE;
        MCBE_TRY(
            mcbe_elements_read(&source->in, "points", source->header.type, 1, count, piece, err));
        for (int i = 0; i < count; i++) {
            *x++ = (float)piece[i];
        }
    }
    MCBE_TRY(mcbe_inflow_end(&source->in, err));
    rows->data->count += source->count;
out:
    return st;
}

/* --- NumPy --- */

mcbe_status_t mcbe_data_begin_npy(mcbe_data_source_t *source, mcbe_error_t *err)
{
    const mcbe_status_t st = mcbe_npy_header(&source->in, &source->header, err);
    return st == MCBE_OK ? set_shape(source, err) : st;
}

mcbe_status_t mcbe_data_read_npy(mcbe_data_source_t *source, mcbe_data_rows_t *rows,
                                 mcbe_error_t *err)
{
    mcbe_status_t st = mcbe_data_reserve(rows, source->count, source->n, 1, source->in.name, err);
    if (st == MCBE_OK) {
        st = mcbe_npy_values(&source->in, &source->header, NULL,
                             rows->data->x + rows->data->count * source->n, err);
    }
    if (st == MCBE_OK) {
        rows->data->count += source->count;
    }
    return st;
}

/* --- CIFAR-10, binary version: a label and 32 x 32 x 3 pixels, again and again --- */

mcbe_status_t mcbe_data_begin_cifar10(mcbe_data_source_t *source, mcbe_error_t *err)
{
    const int64_t bytes = source->in.file_bytes;
    source->n = CIFAR_PIXELS;
    source->count = source->in.unpack ? -1 : bytes / CIFAR_RECORD;
    if (!source->in.unpack && (bytes == 0 || bytes % CIFAR_RECORD != 0)) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has %lld bytes; CIFAR-10 comes in records of %d, so the file is "
                         "truncated or of another format",
                         source->in.name, (long long)bytes, CIFAR_RECORD);
    }
    return MCBE_OK;
}

/* @param[in] number  of the record in its file */
static mcbe_status_t take_record(mcbe_data_rows_t *rows, const unsigned char *record, int exact,
                                 const char *name, int64_t number, mcbe_error_t *err)
{
    mcbe_dataset_t *data = rows->data;
    if (record[0] >= CIFAR_CLASSES) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has label %d in record %lld; CIFAR-10 has labels 0 to 9", name,
                         record[0], (long long)number);
    }
    const mcbe_status_t st = mcbe_data_reserve(rows, 1, CIFAR_PIXELS, exact, name, err);
    if (st != MCBE_OK) {
        return st;
    }
    float *x = data->x + data->count * CIFAR_PIXELS;
    for (int k = 0; k < CIFAR_PIXELS; k++) {
        x[k] = (float)record[k + 1];
    }
    data->label[data->count++] = record[0];
    return MCBE_OK;
}

mcbe_status_t mcbe_data_read_cifar10(mcbe_data_source_t *source, mcbe_data_rows_t *rows,
                                     mcbe_error_t *err)
{
    unsigned char record[CIFAR_RECORD];
    const char *name = source->in.name;
    const int known = source->count >= 0;
    const int64_t before = rows->data->count;
    size_t got = 0;
    mcbe_status_t st;
    rows->has_labels = 1;
    if (known) {
        MCBE_TRY(mcbe_data_reserve(rows, source->count, CIFAR_PIXELS, 1, name, err));
    }
    for (;;) {
        MCBE_TRY(mcbe_inflow_read(&source->in, record, sizeof record, &got, err));
        if (got == 0) {
            break;
        }
        if (got != sizeof record) {
            st = mcbe_fail(err, MCBE_ERR_DATA,
                           "'%s' ends inside record %lld: %zu bytes where %d are due", name,
                           (long long)(rows->data->count - before), got, CIFAR_RECORD);
            goto out;
        }
        MCBE_TRY(take_record(rows, record, known, name, rows->data->count - before, err));
    }
    rows->data->classes = CIFAR_CLASSES;
out:
    return st;
}

/* --- labels in a file of their own --- */

static mcbe_status_t put_label(double value, int64_t at, int32_t *label, int *classes,
                               const char *name, mcbe_error_t *err)
{
    if (!(value >= 0 && value < (double)INT32_MAX && value == floor(value))) {
        return mcbe_fail(err, MCBE_ERR_DATA,
                         "'%s' has label %g at place %lld; labels are whole numbers from 0 to %d",
                         name, value, (long long)at, INT32_MAX - 1);
    }
    label[at] = (int32_t)value;
    if (label[at] >= *classes) {
        *classes = label[at] + 1;
    }
    return MCBE_OK;
}

static mcbe_status_t labels_header(mcbe_inflow_t *in, mcbe_npy_header_t *header, int *big_endian,
                                   mcbe_error_t *err)
{
    unsigned char first = 0;
    mcbe_status_t st;
    MCBE_TRY(mcbe_inflow_exactly(in, "header", &first, 1, err));
    MCBE_TRY(mcbe_inflow_rewind(in, err));
    *big_endian = first == 0;
    st = *big_endian ? read_idx_header(in, header, err) : mcbe_npy_header(in, header, err);
out:
    return st;
}

static mcbe_status_t read_labels(mcbe_dataset_t *data, mcbe_inflow_t *in, mcbe_error_t *err)
{
    double piece[MCBE_ELEMENTS_PIECE];
    mcbe_npy_header_t header;
    int32_t *label = NULL;
    int big_endian = 0;
    int classes = 0;
    mcbe_status_t st;
    MCBE_TRY(labels_header(in, &header, &big_endian, err));
    if (header.elements != header.shape[0] || header.elements != data->count) {
        st =
            mcbe_fail(err, MCBE_ERR_DATA,
                      "'%s' has %lld entries of %lld numbers; there are %lld points, each of which "
                      "needs one label",
                      in->name, (long long)header.shape[0],
                      (long long)(header.elements / header.shape[0]), (long long)data->count);
        goto out;
    }
    label = mcbe_alloc((size_t)data->count, sizeof *label);
    if (!label) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    for (int64_t done = 0; done < data->count; done += MCBE_ELEMENTS_PIECE) {
        const int64_t left = data->count - done;
        const int count = left < MCBE_ELEMENTS_PIECE ? (int)left : MCBE_ELEMENTS_PIECE;
        MCBE_TRY(mcbe_elements_read(in, "labels", header.type, big_endian, count, piece, err));
        for (int i = 0; i < count; i++) {
            MCBE_TRY(put_label(piece[i], done + i, label, &classes, in->name, err));
        }
    }
    MCBE_TRY(mcbe_inflow_end(in, err));
    mcbe_data_drop_labels(data);
    data->label = label;
    data->classes = classes;
    label = NULL;
out:
    mcbe_free(label);
    return st;
}

mcbe_status_t mcbe_dataset_parse_labels(mcbe_dataset_t *data, FILE *stream, const char *name,
                                        mcbe_error_t *err)
{
    mcbe_inflow_t in;
    mcbe_status_t st = mcbe_inflow_open(&in, stream, name, err);
    if (st == MCBE_OK) {
        st = read_labels(data, &in, err);
        mcbe_inflow_close(&in);
    }
    return st;
}

mcbe_status_t mcbe_dataset_read_labels(mcbe_dataset_t *data, const char *path, mcbe_error_t *err)
{
    return mcbe_dataset_parse_labels(data, NULL, path, err);
}
