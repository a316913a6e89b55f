/* Where the layer comes from, and what goes into it. */

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "layer_internal.h"
#include "memory.h"

/* --- the layer ------------------------------------------------------------------------------------ */

/* Keys that describe a matrix, which a network brings with it. */
static mcbe_status_t refuse_frame(const mcbe_config_t *config, mcbe_error_t *err)
{
    static const char *const idle[] = {
        "frame.ensemble", "frame.path", "frame.transpose", "frame.normalize_rows",
        "layer.n",        "layer.m",    "layer.bias"};
    mcbe_status_t st = MCBE_OK;
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++) {
        if (mcbe_config_given(config, idle[i])) {
            st = mcbe_config_reject(config, err, idle[i],
                                    "has no meaning for a layer of a network file");
        }
    }
    return st;
}

/* The layer's matrix, and alpha = -b: a network adds its bias, once a channel of a convolution. */
static mcbe_status_t take_layer(given_layer_t *given, int number)
{
    const mcbe_network_layer_t *layer = given->network.layers + number;
    const size_t rows = (size_t)mcbe_extent_size(&layer->out);
    const size_t columns = (size_t)mcbe_extent_size(&layer->in);
    const size_t places = rows / (size_t)layer->outputs;
    mcbe_linearization_t *linear = NULL;
    double *zero = mcbe_alloc((size_t)mcbe_extent_size(&given->network.input), sizeof *zero);
    mcbe_status_t st;
    given->matrix = mcbe_alloc(rows * columns, sizeof *given->matrix);
    given->alpha = mcbe_alloc(rows, sizeof *given->alpha);
    MCBE_TRY(zero && given->matrix && given->alpha ? MCBE_OK : MCBE_ERR_NOMEM);
    /* a layer of this kind is the same matrix at every point */
    MCBE_TRY(mcbe_linearization_create(&linear, &given->network, zero));
    MCBE_TRY(mcbe_linearization_matrix(linear, number, number + 1, given->matrix));
    for (size_t j = 0; j < rows; j++) {
        given->alpha[j] = -layer->bias[j / places];
    }
out:
    mcbe_linearization_destroy(&linear);
    mcbe_free(zero);
    return st;
}

static mcbe_status_t check_layer(const layer_t *params, const mcbe_network_t *network,
                                 const mcbe_config_t *config, mcbe_error_t *err)
{
    if (params->number >= network->count) {
        return mcbe_config_reject(config, err, "layer.number", "%d; the network has layers 0 to %d",
                                  params->number, network->count - 1);
    }
    const mcbe_network_layer_t *layer = network->layers + params->number;
    if (layer->kind != MCBE_LAYER_DENSE && layer->kind != MCBE_LAYER_CONV) {
        return mcbe_config_reject(config, err, "layer.number",
                                  "%d, which is %s; a layer of kind dense or conv is needed",
                                  params->number, mcbe_layer_kind_name(layer->kind));
    }
    const int rows = mcbe_extent_size(&layer->out), columns = mcbe_extent_size(&layer->in);
    if (rows > MCBE_MAX_M || columns > MCBE_MAX_N) {
        return mcbe_config_reject(config, err, "layer.number",
                                  "%d, which takes %d numbers to %d; at most %d and %d can be "
                                  "looked at",
                                  params->number, columns, rows, MCBE_MAX_N, MCBE_MAX_M);
    }
    return MCBE_OK;
}

/* Networks of one run differ in their weights only. */
static mcbe_status_t check_shape(const layer_t *params, int i, const char *const *paths,
                                 const mcbe_config_t *config, mcbe_error_t *err)
{
    const mcbe_network_t *first = &params->given[0].network, *other = &params->given[i].network;
    const mcbe_network_layer_t *one = first->layers + params->number,
                               *two = other->layers + params->number;
    const int is_same = mcbe_extent_size(&first->input) == mcbe_extent_size(&other->input) &&
                        mcbe_extent_size(&one->in) == mcbe_extent_size(&two->in) &&
                        mcbe_extent_size(&one->out) == mcbe_extent_size(&two->out);
    return is_same
               ? MCBE_OK
               : mcbe_config_reject(config, err, "layer.network",
                                    "'%s', whose layer %d takes %d numbers to %d at inputs of "
                                    "%d; in '%s' it takes %d to %d at %d; all must be alike",
                                    paths[i], params->number, mcbe_extent_size(&two->in),
                                    mcbe_extent_size(&two->out), mcbe_extent_size(&other->input),
                                    paths[0], mcbe_extent_size(&one->in),
                                    mcbe_extent_size(&one->out), mcbe_extent_size(&first->input));
}

static mcbe_status_t open_networks(layer_t *params, const char *const *paths, int count,
                                   mcbe_config_t *config, mcbe_error_t *err)
{
    mcbe_status_t st;
    MCBE_TRY(refuse_frame(config, err));
    params->number = (int)mcbe_config_int(config, "layer.number");
    params->given = mcbe_alloc((size_t)count, sizeof *params->given);
    MCBE_TRY(params->given ? MCBE_OK : MCBE_ERR_NOMEM);
    for (int i = 0; i < count; i++) {
        given_layer_t *given = params->given + i;
        char fact[64];
        snprintf(fact, sizeof fact, "layer.network.%d.sha256", i);
        params->given_count = i + 1;
        MCBE_TRY(mcbe_inputs_load_network(&given->network, config, paths[i], fact, err));
        MCBE_TRY(check_layer(params, &given->network, config, err));
        MCBE_TRY(check_shape(params, i, paths, config, err));
        MCBE_TRY(take_layer(given, params->number));
    }
    params->width = mcbe_extent_size(&params->given[0].network.input);
out:
    return st;
}

/* --- shapes --------------------------------------------------------------------------------------- */

static mcbe_status_t set_cells(layer_t *params, int64_t n, const int64_t *m, int count)
{
    params->cells = mcbe_alloc((size_t)count, sizeof *params->cells);
    if (!params->cells) {
        return MCBE_ERR_NOMEM;
    }
    params->cell_count = count;
    for (int i = 0; i < count; i++) {
        params->cells[i] = (mcbe_cell_t){.n = n, .m = m[i]};
    }
    return MCBE_OK;
}

/* The matrix has one shape: the keys may say it again, not otherwise. */
static mcbe_status_t fixed_cells(layer_t *params, int64_t n, int64_t m, const mcbe_config_t *config,
                                 mcbe_error_t *err)
{
    int count;
    const int64_t *rows = mcbe_config_axis(config, "layer.m", &count);
    if (mcbe_config_given(config, "layer.m") && (count != 1 || rows[0] != m)) {
        return mcbe_config_reject(config, err, "layer.m",
                                  "differs from the %lld rows of the matrix", (long long)m);
    }
    if (mcbe_config_given(config, "layer.n") && mcbe_config_int(config, "layer.n") != n) {
        return mcbe_config_reject(config, err, "layer.n",
                                  "%lld differs from the %lld columns of the matrix",
                                  (long long)mcbe_config_int(config, "layer.n"), (long long)n);
    }
    params->width = (int)n;
    return set_cells(params, n, &m, 1);
}

/* Any shape is possible; n may come from the data. */
static mcbe_status_t free_cells(layer_t *params, const mcbe_config_t *config, mcbe_error_t *err)
{
    int count;
    const int64_t *rows = mcbe_config_axis(config, "layer.m", &count);
    int64_t n = mcbe_config_int(config, "layer.n");
    if (!mcbe_config_given(config, "layer.n") && params->inputs.data.train.count > 0) {
        n = params->inputs.data.train.n;
    }
    if (n == 0) {
        return mcbe_config_reject(config, err, "layer.n",
                                  "is not given, and neither data nor a file say it");
    }
    if (rows[0] < n) {
        return mcbe_config_reject(config, err, "layer.m",
                                  "%lld; a random matrix has at least n = %lld rows",
                                  (long long)rows[0], (long long)n);
    }
    params->width = (int)n;
    return set_cells(params, n, rows, count);
}

static mcbe_status_t choose_cells(layer_t *params, const mcbe_config_t *config, mcbe_error_t *err)
{
    int m, n;
    if (params->number >= 0) {
        const mcbe_network_layer_t *layer = params->given[0].network.layers + params->number;
        const int64_t rows = mcbe_extent_size(&layer->out);
        return set_cells(params, mcbe_extent_size(&layer->in), &rows, 1);
    }
    if (params->setup.file.count > 0) {
        return mcbe_config_reject(config, err, "frame.path",
                                  "'%s', which has %lld matrices; one is needed (of several "
                                  "networks: layer.network)",
                                  params->setup.frame_path, (long long)params->setup.file.count);
    }
    return mcbe_setup_fixed_shape(&params->setup, &m, &n) ? fixed_cells(params, n, m, config, err)
                                                          : free_cells(params, config, err);
}

/* --- all of it ------------------------------------------------------------------------------------ */

mcbe_status_t mcbe_layer_open_sources(layer_t *params, mcbe_config_t *config, mcbe_error_t *err)
{
    int networks;
    const char *const *paths = mcbe_config_texts(config, "layer.network", &networks);
    mcbe_status_t st;
    params->bias = mcbe_config_real(config, "layer.bias");
    params->number = -1;
    const mcbe_status_t frame = mcbe_setup_open_frame(&params->setup, config, err);
    const mcbe_status_t domain = mcbe_setup_read_domain(&params->setup, config, err);
    MCBE_TRY(frame);
    MCBE_TRY(domain);
    MCBE_TRY(mcbe_inputs_open(&params->inputs, &params->setup, config, err));
    if (networks > 0) {
        MCBE_TRY(open_networks(params, paths, networks, config, err));
    } else if (mcbe_config_given(config, "layer.number")) {
        st = mcbe_config_reject(config, err, "layer.number",
                                "has a meaning only with layer.network");
        goto out;
    }
    MCBE_TRY(choose_cells(params, config, err));
    MCBE_TRY(mcbe_inputs_fit(&params->inputs, params->width, config, err));
out:
    return st;
}

void mcbe_layer_close_sources(layer_t *params)
{
    mcbe_free(params->cells);
    mcbe_inputs_free(&params->inputs);
    for (int i = 0; i < params->given_count; i++) {
        mcbe_free(params->given[i].alpha);
        mcbe_free(params->given[i].matrix);
        mcbe_network_free(&params->given[i].network);
    }
    mcbe_free(params->given);
    mcbe_setup_free(&params->setup);
}

mcbe_status_t mcbe_layer_make(const layer_t *params, const given_layer_t *given,
                              const mcbe_cell_t *cell, mcbe_network_t *layer)
{
    const mcbe_extent_t input = {(int)cell->n, 1, 1};
    const mcbe_network_layer_t dense = {.kind = MCBE_LAYER_DENSE, .outputs = (int)cell->m};
    const mcbe_network_layer_t relu = {.kind = MCBE_LAYER_RELU};
    const mcbe_stream_key_t key = {.seed = params->setup.seed, .n = cell->n, .m = cell->m};
    const double *w = given ? given->matrix : NULL;
    mcbe_frame_t frame = {0};
    double *b = NULL;
    mcbe_status_t st;
    MCBE_TRY(mcbe_network_init(layer, &input, NULL));
    if (!w) {
        MCBE_TRY(mcbe_setup_frame(&params->setup, &key, &frame));
        w = frame.w;
    }
    b = mcbe_alloc((size_t)cell->m, sizeof *b);
    MCBE_TRY(b ? MCBE_OK : MCBE_ERR_NOMEM);
    for (int64_t j = 0; j < cell->m; j++) {
        b[j] = given ? -given->alpha[j] : -params->bias * frame.norm[j];
    }
    MCBE_TRY(mcbe_network_add(layer, &dense, w, b, NULL));
    MCBE_TRY(mcbe_network_add(layer, &relu, NULL, NULL, NULL));
out:
    mcbe_free(b);
    mcbe_frame_free(&frame);
    return st;
}

mcbe_status_t mcbe_layer_fill(const layer_t *params, const given_layer_t *given,
                              const mcbe_cell_t *cell, int64_t first, int64_t count, double *x)
{
    double *input = x;
    mcbe_status_t st;
    if (params->number > 0) {
        input = mcbe_alloc((size_t)(count * params->width), sizeof *input);
        MCBE_TRY(input ? MCBE_OK : MCBE_ERR_NOMEM);
    }
    MCBE_TRY(mcbe_inputs_fill(&params->inputs, cell->m, first, count, input));
    if (params->number > 0) {
        st = mcbe_network_forward(&given->network, params->number, count, input, x);
    }
out:
    if (input != x) {
        mcbe_free(input);
    }
    return st;
}
