/* One layer as an operator. Every product is of one point's vectors, so its shape, and with it the
 * rounding, depends on the layer and the number of vectors only. */

#include <stdint.h>
#include <string.h>

#include <cblas.h>

#include "network_internal.h"

static size_t size_of(const mcbe_extent_t *extent)
{
    return (size_t)mcbe_extent_size(extent);
}

/* Rows of a convolution's matrix of columns: the numbers one output sums up. */
static int column_length(const mcbe_network_layer_t *layer)
{
    return layer->in.channels * layer->window.size[0] * layer->window.size[1];
}

static int places_of(const mcbe_network_layer_t *layer)
{
    return layer->out.height * layer->out.width;
}

size_t mcbe_layer_workspace(const mcbe_network_layer_t *layer)
{
    return layer->kind == MCBE_LAYER_CONV ? (size_t)column_length(layer) * (size_t)places_of(layer)
                                          : 0;
}

/* The range [*first, *last) of window places whose number at `offset` of the window lies inside the
 * image along one axis. */
static void inside(int places, int side, int stride, int start, int *first, int *last)
{
    *first = start >= 0 ? 0 : (-start - 1) / stride + 1;
    *last = start >= side ? 0 : (side - 1 - start) / stride + 1;
    *last = *last < places ? *last : places;
    *first = *first < *last ? *first : *last;
}

/* Go through the columns of an image: row (channel, ky, kx) of the columns has for each place (y, x)
 * of the window the number at (y stride + ky - padding, x stride + kx - padding). Copies from
 * `image` to the columns, or adds the columns to `sum`; one of the two is NULL. What lies in the
 * padding is left alone. */
static void walk_columns(const mcbe_network_layer_t *layer, const double *image, double *sum,
                         double *columns)
{
    const mcbe_window_t *window = &layer->window;
    const int height = layer->in.height, width = layer->in.width;
    const ptrdiff_t step = window->stride[1], out_width = layer->out.width;
    double *row = columns;
    for (int c = 0; c < layer->in.channels; c++) {
        for (int ky = 0; ky < window->size[0]; ky++) {
            const int start_y = ky - window->padding[0];
            int first_y, last_y;
            inside(layer->out.height, height, window->stride[0], start_y, &first_y, &last_y);
            for (int kx = 0; kx < window->size[1]; kx++, row += places_of(layer)) {
                const int start_x = kx - window->padding[1];
                int first_x, last_x;
                inside(layer->out.width, width, window->stride[1], start_x, &first_x, &last_x);
                for (int y = first_y; y < last_y; y++) {
                    const ptrdiff_t line = (ptrdiff_t)c * height + y * window->stride[0] + start_y;
                    const ptrdiff_t at = line * width + start_x;
                    double *column = row + y * out_width;
                    for (int x = first_x; image && x < last_x; x++) {
                        column[x] = image[at + x * step];
                    }
                    for (int x = first_x; sum && x < last_x; x++) {
                        sum[at + x * step] += column[x];
                    }
                }
            }
        }
    }
}

static void convolve(const mcbe_network_layer_t *layer, const double *v, double *workspace,
                     double *out)
{
    const int length = column_length(layer), places = places_of(layer);
    memset(workspace, 0, (size_t)length * (size_t)places * sizeof *workspace);
    walk_columns(layer, v, NULL, workspace);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, layer->outputs, places, length, 1.0,
                layer->weight, length, workspace, places, 0.0, out, places);
}

static void convolve_transposed(const mcbe_network_layer_t *layer, const double *u,
                                double *workspace, double *out)
{
    const int length = column_length(layer), places = places_of(layer);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, length, places, layer->outputs, 1.0,
                layer->weight, length, u, places, 0.0, workspace, places);
    memset(out, 0, size_of(&layer->in) * sizeof *out);
    walk_columns(layer, NULL, out, workspace);
}

/* The place of the largest number in the window at (y, x) of a plane; of equal ones the first in
 * reading order. Padding is at most half of the window, so at least one number lies inside. */
static int largest_in_window(const mcbe_network_layer_t *layer, const double *plane, int y, int x)
{
    const mcbe_window_t *window = &layer->window;
    const int top = y * window->stride[0] - window->padding[0];
    const int left = x * window->stride[1] - window->padding[1];
    int best = -1;
    for (int r = top < 0 ? 0 : top; r < top + window->size[0] && r < layer->in.height; r++) {
        for (int c = left < 0 ? 0 : left; c < left + window->size[1] && c < layer->in.width; c++) {
            const int at = r * layer->in.width + c;
            best = best < 0 || plane[at] > plane[best] ? at : best;
        }
    }
    return best;
}

/* Values, or places of a pool's largest numbers; y or chosen may be NULL. */
static void pool(const mcbe_network_layer_t *layer, const double *x, double *y, int *chosen)
{
    const int plane = layer->in.height * layer->in.width;
    int at = 0;
    for (int c = 0; c < layer->in.channels; c++) {
        const double *from = x + (size_t)c * (size_t)plane;
        for (int row = 0; row < layer->out.height; row++) {
            for (int column = 0; column < layer->out.width; column++, at++) {
                const int best = largest_in_window(layer, from, row, column);
                if (y) {
                    y[at] = from[best];
                }
                if (chosen) {
                    chosen[at] = c * plane + best;
                }
            }
        }
    }
}

void mcbe_layer_choose(const mcbe_network_layer_t *layer, const double *x,
                       mcbe_layer_choice_t *choice)
{
    if (layer->kind == MCBE_LAYER_RELU) {
        const int size = mcbe_extent_size(&layer->in);
        for (int i = 0; i < size; i++) {
            choice->active[i] = x[i] > 0.0;
        }
    } else if (layer->kind == MCBE_LAYER_MAX_POOL) {
        pool(layer, x, NULL, choice->chosen);
    }
}

void mcbe_layer_value(const mcbe_network_layer_t *layer, const double *x, double *workspace,
                      double *y)
{
    const int in = mcbe_extent_size(&layer->in), places = places_of(layer);
    switch (layer->kind) {
    case MCBE_LAYER_DENSE:
        cblas_dgemv(CblasRowMajor, CblasNoTrans, layer->outputs, in, 1.0, layer->weight, in, x, 1,
                    0.0, y, 1);
        cblas_daxpy(layer->outputs, 1.0, layer->bias, 1, y, 1);
        break;
    case MCBE_LAYER_CONV:
        convolve(layer, x, workspace, y);
        for (int c = 0; c < layer->outputs; c++) {
            for (int i = 0; i < places; i++) {
                y[(size_t)c * (size_t)places + (size_t)i] += layer->bias[c];
            }
        }
        break;
    case MCBE_LAYER_RELU:
        for (int i = 0; i < in; i++) {
            y[i] = x[i] > 0.0 ? x[i] : 0.0;
        }
        break;
    case MCBE_LAYER_MAX_POOL:
        pool(layer, x, y, NULL);
        break;
    case MCBE_LAYER_FLATTEN:
        memcpy(y, x, (size_t)in * sizeof *y);
        break;
    }
}

/* out = v W^T for dense rows v [count][inputs], or u W. */
static void multiply(const mcbe_network_layer_t *layer, CBLAS_TRANSPOSE weight, int count,
                     const double *v, double *out)
{
    const int in = mcbe_extent_size(&layer->in);
    const int from = weight == CblasTrans ? in : layer->outputs;
    const int to = weight == CblasTrans ? layer->outputs : in;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, weight, count, to, from, 1.0, v, from, layer->weight,
                in, 0.0, out, to);
}

void mcbe_layer_apply(const mcbe_network_layer_t *layer, const mcbe_layer_choice_t *choice,
                      int count, const double *v, double *workspace, double *out)
{
    const size_t from = size_of(&layer->in), to = size_of(&layer->out);
    if (layer->kind == MCBE_LAYER_DENSE) {
        multiply(layer, CblasTrans, count, v, out);
        return;
    }
    for (int s = 0; s < count; s++, v += from, out += to) {
        switch (layer->kind) {
        case MCBE_LAYER_CONV:
            convolve(layer, v, workspace, out);
            break;
        case MCBE_LAYER_RELU:
            for (size_t i = 0; i < to; i++) {
                out[i] = choice->active[i] ? v[i] : 0.0;
            }
            break;
        case MCBE_LAYER_MAX_POOL:
            for (size_t i = 0; i < to; i++) {
                out[i] = v[choice->chosen[i]];
            }
            break;
        case MCBE_LAYER_DENSE:
        case MCBE_LAYER_FLATTEN:
            memcpy(out, v, to * sizeof *out);
            break;
        }
    }
}

void mcbe_layer_apply_transposed(const mcbe_network_layer_t *layer,
                                 const mcbe_layer_choice_t *choice, int count, const double *u,
                                 double *workspace, double *out)
{
    const size_t from = size_of(&layer->out), to = size_of(&layer->in);
    if (layer->kind == MCBE_LAYER_DENSE) {
        multiply(layer, CblasNoTrans, count, u, out);
        return;
    }
    for (int s = 0; s < count; s++, u += from, out += to) {
        switch (layer->kind) {
        case MCBE_LAYER_CONV:
            convolve_transposed(layer, u, workspace, out);
            break;
        case MCBE_LAYER_RELU:
            for (size_t i = 0; i < to; i++) {
                out[i] = choice->active[i] ? u[i] : 0.0;
            }
            break;
        case MCBE_LAYER_MAX_POOL:
            memset(out, 0, to * sizeof *out);
            for (size_t i = 0; i < from; i++) {
                out[choice->chosen[i]] += u[i];
            }
            break;
        case MCBE_LAYER_DENSE:
        case MCBE_LAYER_FLATTEN:
            memcpy(out, u, to * sizeof *out);
            break;
        }
    }
}
