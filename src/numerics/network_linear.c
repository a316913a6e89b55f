/* The linear part of a network at a point. */

#include <stdint.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "network_internal.h"
#include "network_linear.h"

mcbe_status_t mcbe_linearization_create(mcbe_linearization_t **linearization,
                                        const mcbe_network_t *network, const double *x)
{
    const size_t layers = (size_t)network->count;
    const size_t inputs = (size_t)mcbe_extent_size(&network->input);
    mcbe_linearization_t *made = mcbe_alloc(1, sizeof *made);
    double *workspace = NULL;
    mcbe_status_t st = MCBE_ERR_NOMEM;
    *linearization = NULL;
    if (!made) {
        goto out;
    }
    made->network = network;
    made->choices = mcbe_alloc(layers, sizeof *made->choices);
    made->values = mcbe_alloc(layers + 1, sizeof *made->values);
    workspace = mcbe_alloc(mcbe_network_workspace(network), sizeof *workspace);
    if (!made->choices || !made->values || !workspace) {
        goto out;
    }
    made->values[0] = mcbe_alloc(inputs, sizeof **made->values);
    if (!made->values[0]) {
        goto out;
    }
    memcpy(made->values[0], x, inputs * sizeof *x);
    for (size_t l = 0; l < layers; l++) {
        const mcbe_network_layer_t *layer = network->layers + l;
        const size_t size = (size_t)mcbe_extent_size(&layer->out);
        mcbe_layer_choice_t *choice = made->choices + l;
        made->values[l + 1] = mcbe_alloc(size, sizeof **made->values);
        if (layer->kind == MCBE_LAYER_RELU) {
            choice->active = mcbe_alloc(size, sizeof *choice->active);
        } else if (layer->kind == MCBE_LAYER_MAX_POOL) {
            choice->chosen = mcbe_alloc(size, sizeof *choice->chosen);
        }
        if (!made->values[l + 1] || (layer->kind == MCBE_LAYER_RELU && !choice->active) ||
            (layer->kind == MCBE_LAYER_MAX_POOL && !choice->chosen)) {
            goto out;
        }
        mcbe_layer_choose(layer, made->values[l], choice);
        mcbe_layer_value(layer, made->values[l], workspace, made->values[l + 1]);
    }
    *linearization = made;
    made = NULL;
    st = MCBE_OK;
out:
    mcbe_free(workspace);
    mcbe_linearization_destroy(&made);
    return st;
}

void mcbe_linearization_destroy(mcbe_linearization_t **linearization)
{
    mcbe_linearization_t *made = *linearization;
    if (!made) {
        return;
    }
    for (int l = 0; l <= made->network->count && made->values; l++) {
        mcbe_free(made->values[l]);
    }
    for (int l = 0; l < made->network->count && made->choices; l++) {
        mcbe_free(made->choices[l].active);
        mcbe_free(made->choices[l].chosen);
    }
    mcbe_free(made->values);
    mcbe_free(made->choices);
    mcbe_free(made);
    *linearization = NULL;
}

const double *mcbe_linearization_value(const mcbe_linearization_t *linearization, int layer)
{
    MCBE_BUG_ASSERT(layer >= 0 && layer <= linearization->network->count);
    return linearization->values[layer];
}

int mcbe_linearization_active(const mcbe_linearization_t *linearization, int layer)
{
    MCBE_BUG_ASSERT(layer >= 0 && layer < linearization->network->count);
    const int size = mcbe_extent_size(&linearization->network->layers[layer].out);
    const unsigned char *active = linearization->choices[layer].active;
    if (!active) {
        return size;
    }
    int count = 0;
    for (int i = 0; i < size; i++) {
        count += active[i];
    }
    return count;
}

void mcbe_linearization_shape(const mcbe_linearization_t *linearization, int first, int last,
                              int *rows, int *columns)
{
    const mcbe_network_t *network = linearization->network;
    MCBE_BUG_ASSERT(first >= 0 && first <= last && last <= network->count);
    *columns = mcbe_extent_size(first < network->count ? &network->layers[first].in
                                : network->count > 0   ? &network->layers[first - 1].out
                                                       : &network->input);
    *rows = last > first ? mcbe_extent_size(&network->layers[last - 1].out) : *columns;
}

mcbe_status_t mcbe_vectors_init(mcbe_vectors_t *vectors, const mcbe_network_t *network, int count)
{
    memset(vectors, 0, sizeof *vectors);
    const size_t widest = (size_t)mcbe_network_widest(network), many = (size_t)count;
    vectors->workspace = mcbe_alloc(mcbe_network_workspace(network), sizeof *vectors->workspace);
    vectors->now = mcbe_alloc(widest * many, sizeof *vectors->now);
    vectors->next = mcbe_alloc(widest * many, sizeof *vectors->next);
    return vectors->workspace && vectors->now && vectors->next ? MCBE_OK : MCBE_ERR_NOMEM;
}

void mcbe_vectors_free(mcbe_vectors_t *vectors)
{
    mcbe_free(vectors->next);
    mcbe_free(vectors->now);
    mcbe_free(vectors->workspace);
    memset(vectors, 0, sizeof *vectors);
}

static void swap(mcbe_vectors_t *vectors)
{
    double *now = vectors->now;
    vectors->now = vectors->next;
    vectors->next = now;
}

void mcbe_vectors_apply(const mcbe_linearization_t *at, int first, int last, int count,
                        mcbe_vectors_t *vectors)
{
    for (int l = first; l < last; l++) {
        mcbe_layer_apply(at->network->layers + l, at->choices + l, count, vectors->now,
                         vectors->workspace, vectors->next);
        swap(vectors);
    }
}

void mcbe_vectors_apply_transposed(const mcbe_linearization_t *at, int first, int last, int count,
                                   mcbe_vectors_t *vectors)
{
    for (int l = last - 1; l >= first; l--) {
        mcbe_layer_apply_transposed(at->network->layers + l, at->choices + l, count, vectors->now,
                                    vectors->workspace, vectors->next);
        swap(vectors);
    }
}

static mcbe_status_t apply(const mcbe_linearization_t *at, int first, int last, int count,
                           int is_transposed, const double *v, double *out)
{
    mcbe_vectors_t vectors = {0};
    int rows, columns;
    mcbe_linearization_shape(at, first, last, &rows, &columns);
    const size_t from = (size_t)(is_transposed ? rows : columns) * (size_t)count;
    const size_t to = (size_t)(is_transposed ? columns : rows) * (size_t)count;
    mcbe_status_t st;
    MCBE_TRY(mcbe_vectors_init(&vectors, at->network, count));
    memcpy(vectors.now, v, from * sizeof *v);
    if (is_transposed) {
        mcbe_vectors_apply_transposed(at, first, last, count, &vectors);
    } else {
        mcbe_vectors_apply(at, first, last, count, &vectors);
    }
    memcpy(out, vectors.now, to * sizeof *out);
out:
    mcbe_vectors_free(&vectors);
    return st;
}

mcbe_status_t mcbe_linearization_apply(const mcbe_linearization_t *linearization, int first,
                                       int last, int count, const double *v, double *out)
{
    return apply(linearization, first, last, count, 0, v, out);
}

mcbe_status_t mcbe_linearization_apply_transposed(const mcbe_linearization_t *linearization,
                                                  int first, int last, int count, const double *u,
                                                  double *out)
{
    return apply(linearization, first, last, count, 1, u, out);
}
