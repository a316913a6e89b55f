#include "mcbe/network.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "network_internal.h"

int mcbe_extent_size(const mcbe_extent_t *extent)
{
    return extent->channels * extent->height * extent->width;
}

const char *mcbe_layer_kind_name(mcbe_layer_kind_t kind)
{
    switch (kind) {
    case MCBE_LAYER_DENSE:
        return "dense";
    case MCBE_LAYER_CONV:
        return "conv";
    case MCBE_LAYER_RELU:
        return "relu";
    case MCBE_LAYER_MAX_POOL:
        return "max-pool";
    case MCBE_LAYER_FLATTEN:
        break;
    }
    return "flatten";
}

/* Positive sides and no more numbers than a layer may have. */
static int is_extent(int64_t channels, int64_t height, int64_t width)
{
    return channels >= 1 && height >= 1 && width >= 1 && channels <= MCBE_NETWORK_MAX_SIZE &&
           height <= MCBE_NETWORK_MAX_SIZE / channels &&
           width <= MCBE_NETWORK_MAX_SIZE / (channels * height);
}

mcbe_status_t mcbe_network_init(mcbe_network_t *network, const mcbe_extent_t *input,
                                mcbe_error_t *err)
{
    memset(network, 0, sizeof *network);
    if (!is_extent(input->channels, input->height, input->width)) {
        return mcbe_fail(err, MCBE_ERR_DIM,
                         "the network's input is %d x %d x %d; channels, height and width of at "
                         "least 1, and at most %d numbers, are allowed",
                         input->channels, input->height, input->width, MCBE_NETWORK_MAX_SIZE);
    }
    network->input = *input;
    return MCBE_OK;
}

void mcbe_network_free(mcbe_network_t *network)
{
    for (int l = 0; l < network->count; l++) {
        mcbe_free(network->layers[l].bias);
        mcbe_free(network->layers[l].weight);
    }
    mcbe_free(network->layers);
    memset(network, 0, sizeof *network);
}

mcbe_extent_t mcbe_network_output(const mcbe_network_t *network)
{
    return network->count > 0 ? network->layers[network->count - 1].out : network->input;
}

/* Places of a window along one side of an image; axis 0 counts rows, 1 columns. */
static mcbe_status_t count_places(const mcbe_network_layer_t *layer, int number, int axis, int side,
                                  int64_t *places, mcbe_error_t *err)
{
    static const char *const axes[] = {"height", "width"};
    const int is_pool = layer->kind == MCBE_LAYER_MAX_POOL;
    const int size = layer->window.size[axis], stride = layer->window.stride[axis];
    const int padding = layer->window.padding[axis];
    const char *name = mcbe_layer_kind_name(layer->kind);
    if (size < 1 || stride < 1) {
        return mcbe_fail(err, MCBE_ERR_DIM,
                         "layer %d (%s) has a window of %s %d with stride %d; both must be at "
                         "least 1",
                         number, name, axes[axis], size, stride);
    }
    const int most = is_pool ? size / 2 : size - 1;
    if (padding < 0 || padding > most) {
        return mcbe_fail(err, MCBE_ERR_DIM,
                         "layer %d (%s) has padding %d where its window has %s %d; allowed are 0 "
                         "to %d",
                         number, name, padding, axes[axis], size, most);
    }
    const int64_t padded = (int64_t)side + 2 * (int64_t)padding;
    if (padded < size) {
        return mcbe_fail(err, MCBE_ERR_DIM,
                         "layer %d (%s) has a window of %s %d, but its padded input has %s %lld",
                         number, name, axes[axis], size, axes[axis], (long long)padded);
    }
    *places = (padded - size) / stride + 1;
    return MCBE_OK;
}

/* What a layer gives, before it is known to be small enough. */
static mcbe_status_t raw_shape(const mcbe_network_layer_t *layer, int number,
                               const mcbe_extent_t *in, int64_t shape[3], mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    shape[0] = in->channels;
    shape[1] = in->height;
    shape[2] = in->width;
    switch (layer->kind) {
    case MCBE_LAYER_DENSE:
        if (in->height != 1 || in->width != 1) {
            return mcbe_fail(
                err, MCBE_ERR_DIM,
                "layer %d (dense) gets an image of %d x %d x %d; it needs a vector, so "
                "a layer of kind flatten before it",
                number, in->channels, in->height, in->width);
        }
        shape[0] = layer->outputs;
        break;
    case MCBE_LAYER_CONV:
    case MCBE_LAYER_MAX_POOL:
        MCBE_TRY(count_places(layer, number, 0, in->height, &shape[1], err));
        MCBE_TRY(count_places(layer, number, 1, in->width, &shape[2], err));
        shape[0] = layer->kind == MCBE_LAYER_CONV ? layer->outputs : in->channels;
        break;
    case MCBE_LAYER_FLATTEN:
        shape[0] = mcbe_extent_size(in);
        shape[1] = shape[2] = 1;
        break;
    case MCBE_LAYER_RELU:
        break;
    }
out:
    return st;
}

/* Weights of an output: what it sums up. */
static int64_t weights_of_output(const mcbe_network_layer_t *layer, const mcbe_extent_t *in)
{
    switch (layer->kind) {
    case MCBE_LAYER_DENSE:
        return in->channels;
    case MCBE_LAYER_CONV: {
        const int64_t window = (int64_t)layer->window.size[0] * layer->window.size[1];
        return window > MCBE_NETWORK_MAX_WEIGHTS ? window : window * in->channels;
    }
    case MCBE_LAYER_RELU:
    case MCBE_LAYER_MAX_POOL:
    case MCBE_LAYER_FLATTEN:
        break;
    }
    return 0;
}

mcbe_status_t mcbe_layer_shape(const mcbe_network_layer_t *layer, int number,
                               const mcbe_extent_t *in, mcbe_extent_t *out, int64_t *weights,
                               mcbe_error_t *err)
{
    const char *name = mcbe_layer_kind_name(layer->kind);
    int64_t shape[3];
    mcbe_status_t st;
    MCBE_TRY(raw_shape(layer, number, in, shape, err));
    if (!is_extent(shape[0], shape[1], shape[2])) {
        st = mcbe_fail(err, MCBE_ERR_DIM,
                       "layer %d (%s) would give %lld x %lld x %lld numbers; 1 to %d are allowed",
                       number, name, (long long)shape[0], (long long)shape[1], (long long)shape[2],
                       MCBE_NETWORK_MAX_SIZE);
        goto out;
    }
    const int64_t each = weights_of_output(layer, in);
    const int64_t places = layer->kind == MCBE_LAYER_CONV ? shape[1] * shape[2] : 1;
    /* the columns of an image are as many as weights times places */
    if (each > MCBE_NETWORK_MAX_WEIGHTS / shape[0] || each > MCBE_NETWORK_MAX_WEIGHTS / places) {
        st = mcbe_fail(err, MCBE_ERR_DIM,
                       "layer %d (%s) sums %lld numbers for each of %lld x %lld x %lld outputs; "
                       "that is more than %lld weights or copies",
                       number, name, (long long)each, (long long)shape[0], (long long)shape[1],
                       (long long)shape[2], (long long)MCBE_NETWORK_MAX_WEIGHTS);
        goto out;
    }
    *out = (mcbe_extent_t){(int)shape[0], (int)shape[1], (int)shape[2]};
    *weights = each * (each > 0 ? shape[0] : 0);
out:
    return st;
}

/* A copy of weights or biases; they must be finite. */
static mcbe_status_t copy_numbers(const double *from, int64_t count, const char *what, int number,
                                  double **to, mcbe_error_t *err)
{
    *to = mcbe_alloc((size_t)count, sizeof **to);
    if (!*to) {
        return MCBE_ERR_NOMEM;
    }
    for (int64_t i = 0; from && i < count; i++) {
        if (!isfinite(from[i])) {
            return mcbe_fail(err, MCBE_ERR_VALUE,
                             "layer %d: entry %lld of its %s is %g; a finite number is needed",
                             number, (long long)i, what, from[i]);
        }
        (*to)[i] = from[i];
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_network_add(mcbe_network_t *network, const mcbe_network_layer_t *layer,
                               const double *weight, const double *bias, mcbe_error_t *err)
{
    mcbe_network_layer_t added = {
        .kind = layer->kind, .outputs = layer->outputs, .window = layer->window};
    const int number = network->count;
    size_t capacity = (size_t)network->capacity;
    void *layers = network->layers;
    int64_t weights = 0;
    mcbe_status_t st;
    added.in = mcbe_network_output(network);
    MCBE_TRY(mcbe_layer_shape(&added, number, &added.in, &added.out, &weights, err));
    if (weights > 0) {
        MCBE_BUG_ASSERT(weight);
        MCBE_TRY(copy_numbers(weight, weights, "weight", number, &added.weight, err));
        MCBE_TRY(copy_numbers(bias, added.outputs, "bias", number, &added.bias, err));
    }
    MCBE_TRY(mcbe_grow(&layers, &capacity, (size_t)number + 1, sizeof added));
    network->layers = layers;
    network->capacity = (int)capacity;
    network->layers[network->count++] = added;
    memset(&added, 0, sizeof added);
out:
    mcbe_free(added.bias);
    mcbe_free(added.weight);
    return st;
}

size_t mcbe_network_workspace(const mcbe_network_t *network)
{
    size_t most = 0;
    for (int l = 0; l < network->count; l++) {
        const size_t needed = mcbe_layer_workspace(network->layers + l);
        most = needed > most ? needed : most;
    }
    return most;
}

int mcbe_network_widest(const mcbe_network_t *network)
{
    int widest = mcbe_extent_size(&network->input);
    for (int l = 0; l < network->count; l++) {
        const int size = mcbe_extent_size(&network->layers[l].out);
        widest = size > widest ? size : widest;
    }
    return widest;
}

mcbe_status_t mcbe_network_forward(const mcbe_network_t *network, int layers, int64_t count,
                                   const double *x, double *y)
{
    MCBE_BUG_ASSERT(layers >= 0 && layers <= network->count);
    const size_t inputs = (size_t)mcbe_extent_size(&network->input);
    const size_t outputs =
        layers > 0 ? (size_t)mcbe_extent_size(&network->layers[layers - 1].out) : inputs;
    const size_t widest = (size_t)mcbe_network_widest(network);
    double *workspace = mcbe_alloc(mcbe_network_workspace(network), sizeof *workspace);
    double *front = mcbe_alloc(widest, sizeof *front), *back = mcbe_alloc(widest, sizeof *back);
    const mcbe_status_t st = workspace && front && back ? MCBE_OK : MCBE_ERR_NOMEM;
    for (int64_t i = 0; i < count && st == MCBE_OK; i++) {
        memcpy(front, x + (size_t)i * inputs, inputs * sizeof *front);
        for (int l = 0; l < layers; l++) {
            double *swapped = front;
            mcbe_layer_value(network->layers + l, front, workspace, back);
            front = back;
            back = swapped;
        }
        memcpy(y + (size_t)i * outputs, front, outputs * sizeof *front);
    }
    mcbe_free(back);
    mcbe_free(front);
    mcbe_free(workspace);
    return st;
}
