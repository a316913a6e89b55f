#include "network_file.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "h5.h"
#include "memory.h"

#define LAYERS_MAX 10000

/* A network file being read. */
typedef struct reading {
    const char *path;
    hid_t file;
    mcbe_network_t *network; /* what was read so far */
    mcbe_error_t *err;
} reading_t;

/* Refuse a file that is not ours, then a version that is not ours to read. */
static mcbe_status_t check_kind(const reading_t *reading)
{
    char *filetype = NULL;
    int version[2] = {0, 0};
    mcbe_status_t st = mcbe_h5_get_text(reading->file, "filetype", &filetype, NULL);
    if (st == MCBE_ERR_NOMEM) {
        return st;
    }
    const int is_network = st == MCBE_OK && strcmp(filetype, MCBE_NETWORK_FILETYPE) == 0;
    mcbe_free(filetype);
    if (!is_network) {
        return mcbe_fail(reading->err, MCBE_ERR_DATA,
                         "'%s' is an HDF5 file but not a network file of mcbe (its attribute "
                         "'filetype' is not '%s')",
                         reading->path, MCBE_NETWORK_FILETYPE);
    }
    st = mcbe_h5_get_ints(reading->file, "version", 2, version, reading->err);
    if (st == MCBE_OK && version[0] != MCBE_NETWORK_MAJOR) {
        return mcbe_fail(reading->err, MCBE_ERR_VERSION,
                         "'%s' is a network file of version %d.%d, this program reads %d.x",
                         reading->path, version[0], version[1], MCBE_NETWORK_MAJOR);
    }
    return st;
}

/* Hand on what went wrong in a layer, with the file's name. */
static mcbe_status_t fail_in_file(const reading_t *reading, mcbe_status_t st,
                                  const mcbe_error_t *reason)
{
    if (st == MCBE_ERR_NOMEM || st == MCBE_OK) {
        return st;
    }
    return mcbe_fail(reading->err, st == MCBE_ERR_DIM ? MCBE_ERR_DATA : st, "'%s': %s",
                     reading->path, reason->text);
}

static mcbe_status_t read_kind(const reading_t *reading, int number, hid_t group,
                               mcbe_layer_kind_t *kind)
{
    static const mcbe_layer_kind_t kinds[] = {MCBE_LAYER_DENSE, MCBE_LAYER_CONV, MCBE_LAYER_RELU,
                                              MCBE_LAYER_MAX_POOL, MCBE_LAYER_FLATTEN};
    char *text = NULL;
    mcbe_status_t st = mcbe_h5_get_text(group, "kind", &text, reading->err);
    if (st != MCBE_OK) {
        return st;
    }
    size_t k = 0;
    while (k < sizeof kinds / sizeof *kinds && strcmp(text, mcbe_layer_kind_name(kinds[k])) != 0) {
        k++;
    }
    if (k < sizeof kinds / sizeof *kinds) {
        *kind = kinds[k];
    } else {
        st = mcbe_fail(reading->err, MCBE_ERR_DATA,
                       "'%s': layer %d is of kind '%.40s'; dense, conv, relu, max-pool and flatten "
                       "are known",
                       reading->path, number, text);
    }
    mcbe_free(text);
    return st;
}

/* Attributes of the window, and its size where the weights do not tell it. */
static mcbe_status_t read_window(const reading_t *reading, hid_t group, int with_size,
                                 mcbe_window_t *window)
{
    mcbe_status_t st;
    MCBE_TRY(mcbe_h5_get_ints(group, "stride", 2, window->stride, reading->err));
    MCBE_TRY(mcbe_h5_get_ints(group, "padding", 2, window->padding, reading->err));
    if (with_size) {
        MCBE_TRY(mcbe_h5_get_ints(group, "size", 2, window->size, reading->err));
    }
out:
    return st;
}

/* Weights as they stand in the file. */
typedef struct weights {
    int rank;
    hsize_t dims[4];
    double *weight, *bias; /* owned */
} weights_t;

/* Shape of the weights: it must fit the layer's input before memory is asked for. */
static mcbe_status_t read_weight_shape(const reading_t *reading, int number, const char *path,
                                       mcbe_network_layer_t *layer, weights_t *weights)
{
    const mcbe_extent_t in = mcbe_network_output(reading->network);
    mcbe_error_t reason = {0};
    mcbe_extent_t out;
    int64_t count;
    mcbe_status_t st;
    weights->rank = layer->kind == MCBE_LAYER_DENSE ? 2 : 4;
    MCBE_TRY(mcbe_h5_shape(reading->file, path, weights->rank, weights->dims, reading->err));
    for (int k = 0; k < weights->rank; k++) {
        if (weights->dims[k] < 1 || weights->dims[k] > MCBE_NETWORK_MAX_SIZE) {
            st = mcbe_fail(reading->err, MCBE_ERR_DATA,
                           "'%s': dataset '%s' has %llu entries along axis %d; 1 to %d are allowed",
                           reading->path, path, (unsigned long long)weights->dims[k], k,
                           MCBE_NETWORK_MAX_SIZE);
            goto out;
        }
    }
    layer->outputs = (int)weights->dims[0];
    if (layer->kind == MCBE_LAYER_CONV) {
        layer->window.size[0] = (int)weights->dims[2];
        layer->window.size[1] = (int)weights->dims[3];
    }
    st = mcbe_layer_shape(layer, number, &in, &out, &count, &reason);
    MCBE_TRY(fail_in_file(reading, st, &reason));
    if (weights->dims[1] != (hsize_t)in.channels) {
        st = mcbe_fail(reading->err, MCBE_ERR_DATA,
                       "'%s': the weights of layer %d (%s) take %llu %s, but the layer gets %d",
                       reading->path, number, mcbe_layer_kind_name(layer->kind),
                       (unsigned long long)weights->dims[1],
                       layer->kind == MCBE_LAYER_DENSE ? "numbers" : "channels", in.channels);
    }
out:
    return st;
}

static mcbe_status_t read_weights(const reading_t *reading, int number, mcbe_network_layer_t *layer,
                                  weights_t *weights)
{
    char path[64];
    size_t count = 1;
    mcbe_status_t st;
    snprintf(path, sizeof path, "layers/%d/weight", number);
    MCBE_TRY(read_weight_shape(reading, number, path, layer, weights));
    for (int k = 0; k < weights->rank; k++) {
        count *= (size_t)weights->dims[k];
    }
    weights->weight = mcbe_alloc(count, sizeof *weights->weight);
    weights->bias = mcbe_alloc((size_t)layer->outputs, sizeof *weights->bias);
    MCBE_TRY(weights->weight && weights->bias ? MCBE_OK : MCBE_ERR_NOMEM);
    MCBE_TRY(mcbe_h5_read(reading->file, path, H5T_NATIVE_DOUBLE, weights->rank, weights->dims,
                          weights->weight, reading->err));
    snprintf(path, sizeof path, "layers/%d/bias", number);
    MCBE_TRY(mcbe_h5_read(reading->file, path, H5T_NATIVE_DOUBLE, 1, weights->dims, weights->bias,
                          reading->err));
out:
    return st;
}

static mcbe_status_t read_layer(const reading_t *reading, int number, hid_t group)
{
    mcbe_network_layer_t layer = {.kind = MCBE_LAYER_FLATTEN};
    weights_t weights = {0};
    mcbe_error_t reason = {0};
    mcbe_status_t st;
    MCBE_TRY(read_kind(reading, number, group, &layer.kind));
    if (layer.kind == MCBE_LAYER_CONV || layer.kind == MCBE_LAYER_MAX_POOL) {
        MCBE_TRY(read_window(reading, group, layer.kind == MCBE_LAYER_MAX_POOL, &layer.window));
    }
    if (layer.kind == MCBE_LAYER_DENSE || layer.kind == MCBE_LAYER_CONV) {
        MCBE_TRY(read_weights(reading, number, &layer, &weights));
    }
    st = mcbe_network_add(reading->network, &layer, weights.weight, weights.bias, &reason);
    st = fail_in_file(reading, st, &reason);
out:
    mcbe_free(weights.bias);
    mcbe_free(weights.weight);
    return st;
}

/* One layer; a failure of HDF5 in it is told with its number. */
static mcbe_status_t open_layer(const reading_t *reading, int number)
{
    mcbe_error_t reason = {0};
    reading_t inner = *reading;
    char name[32];
    inner.err = &reason;
    snprintf(name, sizeof name, "layers/%d", number);
    const hid_t group = H5Gopen2(reading->file, name, H5P_DEFAULT);
    if (group < 0) {
        return mcbe_h5_fail(reading->err, MCBE_ERR_CORRUPT, "'%s' lacks the group '%s'",
                            reading->path, name);
    }
    const mcbe_status_t st = read_layer(&inner, number, group);
    H5Gclose(group);
    if (st == MCBE_ERR_CORRUPT) {
        return mcbe_fail(reading->err, st, "%s (layer %d)", reason.text, number);
    }
    return st == MCBE_OK || st == MCBE_ERR_NOMEM ? st
                                                 : mcbe_fail(reading->err, st, "%s", reason.text);
}

static mcbe_status_t read_network(const reading_t *reading)
{
    int input[3] = {0, 0, 0};
    int64_t layers = 0;
    mcbe_error_t reason = {0};
    mcbe_status_t st;
    MCBE_TRY(check_kind(reading));
    MCBE_TRY(mcbe_h5_get_ints(reading->file, "input", 3, input, reading->err));
    MCBE_TRY(mcbe_h5_get_i64(reading->file, "layers", &layers, reading->err));
    if (layers < 1 || layers > LAYERS_MAX) {
        st = mcbe_fail(reading->err, MCBE_ERR_DATA,
                       "'%s' says it has %lld layers; 1 to %d are allowed", reading->path,
                       (long long)layers, LAYERS_MAX);
        goto out;
    }
    st = mcbe_network_init(reading->network, &(mcbe_extent_t){input[0], input[1], input[2]},
                           &reason);
    MCBE_TRY(fail_in_file(reading, st, &reason));
    for (int l = 0; l < (int)layers; l++) {
        MCBE_TRY(open_layer(reading, l));
    }
out:
    return st;
}

mcbe_status_t mcbe_network_load(mcbe_network_t *network, const char *path, mcbe_error_t *err)
{
    reading_t reading = {.path = path, .network = network, .err = err};
    memset(network, 0, sizeof *network);
    mcbe_status_t st = mcbe_h5_open(path, &reading.file, err);
    if (st == MCBE_OK) {
        st = read_network(&reading);
        H5Fclose(reading.file);
    }
    return st;
}
