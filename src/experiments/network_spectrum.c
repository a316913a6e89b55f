#include "network_spectrum.h"

#include <string.h>

#include "check.h"
#include "inputs.h"
#include "memory.h"
#include "recompute.h"
#include "setup.h"

static const mcbe_key_t keys[] = {
    MCBE_BASE_KEYS,
    {.path = "network.path",
     .type = MCBE_KEY_STRING,
     .help = "The network file (docs/network-format.md); its SHA-256 joins the fingerprint."},
    {.path = "network.layers",
     .type = MCBE_KEY_INT,
     .fallback = "0",
     .max = 10000,
     .help = "Its first so many layers are looked at; 0: all."},
    {.path = "spectrum.of",
     .type = MCBE_KEY_ENUM,
     .fallback = "cumulated",
     .words = "cumulated single",
     .help = "Singular values of the product of all layers up to each one, or of each one alone."},
    {.path = "spectrum.values",
     .type = MCBE_KEY_BOOL,
     .fallback = "true",
     .help = "Store all singular values, not only the largest and the smallest positive one."},
    MCBE_INPUTS_KEYS,
    MCBE_PLANE_KEYS,
    MCBE_DOMAIN_KEYS,
    MCBE_DATA_KEYS,
    MCBE_RUN_KEYS,
    {.path = NULL},
};

/* Columns of a record; those of all values only if they are wanted. */
typedef enum spectrum_column {
    COLUMN_LAYER,
    COLUMN_KIND,
    COLUMN_OUTPUTS,
    COLUMN_ACTIVE,
    COLUMN_RANK,
    COLUMN_LARGEST,
    COLUMN_SMALLEST,
    COLUMN_VALUE_LAYER,
    COLUMN_VALUE,
    COLUMN_COUNT,
    FIRST_VALUE_COLUMN = COLUMN_VALUE_LAYER
} spectrum_column_t;

typedef struct spectrum {
    mcbe_network_t network; /* owned */
    mcbe_inputs_t inputs;   /* owned */
    int layers;             /* that are looked at */
    int single;             /* each one alone */
    int with_values;
    int64_t total; /* singular values of all layers */
    /* owned, [layers], the last one [total] */
    int64_t *layer, *kind, *outputs, *first; /* of each; where its values begin */
    int64_t *value_layer;
} spectrum_t;

/* --- parameters ----------------------------------------------------------------------------------- */

static void close_params(void **handle)
{
    spectrum_t *params = *handle;
    if (params) {
        mcbe_free(params->value_layer);
        mcbe_free(params->first);
        mcbe_free(params->outputs);
        mcbe_free(params->kind);
        mcbe_free(params->layer);
        mcbe_inputs_free(&params->inputs);
        mcbe_network_free(&params->network);
        mcbe_free(params);
        *handle = NULL;
    }
}

static int min_of(int a, int b)
{
    return a < b ? a : b;
}

/* The side of the matrix that is looked at for a layer. */
static int inputs_of(const spectrum_t *params, int layer)
{
    return mcbe_extent_size(params->single ? &params->network.layers[layer].in
                                           : &params->network.input);
}

/* Singular values of layer number `layer`. */
static int values_of(const spectrum_t *params, int layer)
{
    return min_of(inputs_of(params, layer), mcbe_extent_size(&params->network.layers[layer].out));
}

static mcbe_status_t make_axes(spectrum_t *params)
{
    const size_t layers = (size_t)params->layers;
    params->layer = mcbe_alloc(layers, sizeof *params->layer);
    params->kind = mcbe_alloc(layers, sizeof *params->kind);
    params->outputs = mcbe_alloc(layers, sizeof *params->outputs);
    params->first = mcbe_alloc(layers, sizeof *params->first);
    if (!params->layer || !params->kind || !params->outputs || !params->first) {
        return MCBE_ERR_NOMEM;
    }
    for (int l = 0; l < params->layers; l++) {
        params->layer[l] = l;
        params->kind[l] = params->network.layers[l].kind;
        params->outputs[l] = mcbe_extent_size(&params->network.layers[l].out);
        params->first[l] = params->total;
        params->total += values_of(params, l);
    }
    params->value_layer = mcbe_alloc((size_t)params->total, sizeof *params->value_layer);
    if (!params->value_layer) {
        return MCBE_ERR_NOMEM;
    }
    for (int l = 0; l < params->layers; l++) {
        for (int k = 0; k < values_of(params, l); k++) {
            params->value_layer[params->first[l] + k] = l;
        }
    }
    return MCBE_OK;
}

static mcbe_status_t choose_layers(spectrum_t *params, const mcbe_config_t *config,
                                   mcbe_error_t *err)
{
    const int64_t asked = mcbe_config_int(config, "network.layers");
    if (asked > params->network.count) {
        return mcbe_config_reject(config, err, "network.layers", "%lld; the network has %d layers",
                                  (long long)asked, params->network.count);
    }
    params->layers = asked > 0 ? (int)asked : params->network.count;
    for (int l = 0; l < params->layers; l++) {
        if (values_of(params, l) > MCBE_MAX_N) {
            return mcbe_config_reject(config, err, "network.path",
                                      "has a layer %d with %d singular values; at most %d can be "
                                      "computed",
                                      l, values_of(params, l), MCBE_MAX_N);
        }
    }
    return MCBE_OK;
}

static mcbe_status_t open_params(mcbe_config_t *config, void **handle, mcbe_error_t *err)
{
    spectrum_t *params = mcbe_alloc(1, sizeof *params);
    mcbe_setup_t setup = {0};
    mcbe_status_t st;
    *handle = params;
    if (!params) {
        return MCBE_ERR_NOMEM;
    }
    params->single = mcbe_config_enum(config, "spectrum.of") == 1;
    params->with_values = mcbe_config_bool(config, "spectrum.values");
    setup.seed = (uint64_t)mcbe_config_int(config, "seed");
    MCBE_TRY(mcbe_setup_read_domain(&setup, config, err));
    MCBE_TRY(mcbe_inputs_open(&params->inputs, &setup, config, err));
    MCBE_TRY(mcbe_inputs_load_network(&params->network, config,
                                      mcbe_config_string(config, "network.path"),
                                      "network.path_sha256", err));
    MCBE_TRY(choose_layers(params, config, err));
    MCBE_TRY(
        mcbe_inputs_fit(&params->inputs, mcbe_extent_size(&params->network.input), config, err));
    MCBE_TRY(make_axes(params));
out:
    mcbe_setup_free(&setup);
    if (st != MCBE_OK) {
        close_params(handle);
    }
    return st;
}

/* --- plan and columns ----------------------------------------------------------------------------- */

/* Operations to apply a layer to one vector. */
static double work_of_layer(const mcbe_network_layer_t *layer)
{
    const double outputs = (double)mcbe_extent_size(&layer->out);
    switch (layer->kind) {
    case MCBE_LAYER_DENSE:
        return 2.0 * outputs * (double)mcbe_extent_size(&layer->in);
    case MCBE_LAYER_CONV:
        return 2.0 * outputs * layer->in.channels * layer->window.size[0] * layer->window.size[1];
    case MCBE_LAYER_RELU:
    case MCBE_LAYER_MAX_POOL:
    case MCBE_LAYER_FLATTEN:
        break;
    }
    return outputs;
}

static mcbe_status_t plan_cells(const void *handle, mcbe_plan_t *plan, mcbe_error_t *err)
{
    const spectrum_t *params = handle;
    double flops = 0.0, through = 0.0, most = 0.0;
    (void)err;
    memset(plan, 0, sizeof *plan);
    plan->cells = mcbe_alloc(1, sizeof *plan->cells);
    if (!plan->cells) {
        return MCBE_ERR_NOMEM;
    }
    for (int l = 0; l < params->layers; l++) {
        const double work = work_of_layer(params->network.layers + l);
        const double shorter = values_of(params, l);
        const double outputs = (double)params->outputs[l], inputs = inputs_of(params, l);
        const double longer = outputs > inputs ? outputs : inputs;
        through = params->single ? work : through + work;
        flops += longer * through + 2.0 * longer * shorter * shorter +
                 8.0 / 3.0 * shorter * shorter * shorter;
        most = shorter > most ? shorter : most;
    }
    const double widest = (double)mcbe_extent_size(&params->network.input);
    plan->cell_count = 1;
    plan->trials = params->inputs.count;
    plan->cells[0] = (mcbe_cell_t){.n = params->inputs.n,
                                   .m = params->outputs[params->layers - 1],
                                   .flops = flops,
                                   .seconds = 1e-4 + flops / 2.5e10,
                                   .bytes = 8.0 * (most * (most + 200.0) + 600.0 * widest)};
    return MCBE_OK;
}

static mcbe_status_t make_layout(const void *handle, mcbe_layout_t *layout, mcbe_error_t *err)
{
    static const struct {
        char *path;
        mcbe_column_type_t type;
        int is_axis;
        const char *description;
    } rows[COLUMN_COUNT] = {
        [COLUMN_LAYER] = {"spectrum/layer", MCBE_COLUMN_I64, 1, "number of the layer"},
        [COLUMN_KIND] =
            {"spectrum/kind", MCBE_COLUMN_I64, 1,
             "kind of the layer: 0 dense, 1 convolution, 2 ReLU, 3 max-pool, 4 flatten"},
        [COLUMN_OUTPUTS] = {"spectrum/outputs", MCBE_COLUMN_I64, 1, "numbers the layer gives"},
        [COLUMN_ACTIVE] = {"spectrum/active", MCBE_COLUMN_I32, 0,
                           "of a ReLU layer the outputs above 0, else all"},
        [COLUMN_RANK] = {"spectrum/rank", MCBE_COLUMN_I32, 0, "singular values above rounding"},
        [COLUMN_LARGEST] = {"spectrum/largest", MCBE_COLUMN_F64, 0, "largest singular value"},
        [COLUMN_SMALLEST] = {"spectrum/smallest", MCBE_COLUMN_F64, 0,
                             "smallest singular value above rounding; 0 if there is none"},
        [COLUMN_VALUE_LAYER] = {"sigma/layer", MCBE_COLUMN_I64, 1,
                                "number of the layer a singular value belongs to"},
        [COLUMN_VALUE] = {"sigma/value", MCBE_COLUMN_F64, 0,
                          "singular values, descending within a layer"},
    };
    const spectrum_t *params = handle;
    const int64_t *axes[COLUMN_COUNT] = {[COLUMN_LAYER] = params->layer,
                                         [COLUMN_KIND] = params->kind,
                                         [COLUMN_OUTPUTS] = params->outputs,
                                         [COLUMN_VALUE_LAYER] = params->value_layer};
    const int count = params->with_values ? COLUMN_COUNT : FIRST_VALUE_COLUMN;
    (void)err;
    for (int c = 0; c < count; c++) {
        const int of_values = c >= (int)FIRST_VALUE_COLUMN;
        const mcbe_column_t column = {.path = rows[c].path,
                                      .type = rows[c].type,
                                      .shape =
                                          rows[c].is_axis ? MCBE_SHAPE_AXIS : MCBE_SHAPE_SERIES,
                                      .length = of_values ? params->total : params->layers,
                                      .series = of_values ? "value" : "layer",
                                      .values = axes[c],
                                      .approximate = !rows[c].is_axis,
                                      .units = "1",
                                      .description = rows[c].description};
        if (mcbe_layout_add(layout, &column) < 0) {
            return MCBE_ERR_NOMEM;
        }
    }
    return mcbe_data_layout(&params->inputs.data, layout);
}

/* --- a unit: one point ---------------------------------------------------------------------------- */

/* What is measured at a point; 0 for layers that another rank measures, so that words can be added. */
typedef struct spectra {
    int64_t *active, *rank;     /* owned, [layers] */
    double *largest, *smallest; /* owned, [layers] */
    double *values;             /* owned, [total] */
} spectra_t;

static mcbe_status_t spectra_init(spectra_t *spectra, const spectrum_t *params)
{
    const size_t layers = (size_t)params->layers;
    spectra->active = mcbe_alloc(layers, sizeof *spectra->active);
    spectra->rank = mcbe_alloc(layers, sizeof *spectra->rank);
    spectra->largest = mcbe_alloc(layers, sizeof *spectra->largest);
    spectra->smallest = mcbe_alloc(layers, sizeof *spectra->smallest);
    spectra->values = mcbe_alloc((size_t)params->total, sizeof *spectra->values);
    return spectra->active && spectra->rank && spectra->largest && spectra->smallest &&
                   spectra->values
               ? MCBE_OK
               : MCBE_ERR_NOMEM;
}

static void spectra_free(spectra_t *spectra)
{
    mcbe_free(spectra->values);
    mcbe_free(spectra->smallest);
    mcbe_free(spectra->largest);
    mcbe_free(spectra->rank);
    mcbe_free(spectra->active);
}

static mcbe_status_t measure_layer(const spectrum_t *params, const mcbe_linearization_t *linear,
                                   int layer, spectra_t *spectra)
{
    double *sigma = spectra->values + params->first[layer];
    mcbe_spectrum_t ends;
    const mcbe_status_t st =
        mcbe_linearization_singular_values(linear, params->single ? layer : 0, layer + 1, sigma);
    if (st == MCBE_OK) {
        mcbe_spectrum_of(sigma, (int)params->outputs[layer], inputs_of(params, layer), &ends);
        spectra->active[layer] = mcbe_linearization_active(linear, layer);
        spectra->rank[layer] = ends.rank;
        spectra->largest[layer] = ends.largest;
        spectra->smallest[layer] = ends.smallest;
    }
    return st;
}

static mcbe_status_t share(const mcbe_team_t *team, const spectrum_t *params, spectra_t *spectra)
{
    const size_t layers = (size_t)params->layers;
    mcbe_status_t st;
    mcbe_comm_sum_i64(team->comm, spectra->active, layers);
    mcbe_comm_sum_i64(team->comm, spectra->rank, layers);
    MCBE_TRY(mcbe_team_share_f64(team, spectra->largest, layers));
    MCBE_TRY(mcbe_team_share_f64(team, spectra->smallest, layers));
    MCBE_TRY(mcbe_team_share_f64(team, spectra->values, (size_t)params->total));
out:
    return st;
}

/* Layers are dealt to the ranks of a team, or all measured by one if it is NULL. */
static mcbe_status_t measure_point(const spectrum_t *params, int64_t m, int64_t point,
                                   const mcbe_team_t *team, spectra_t *spectra)
{
    const int rank = mcbe_team_rank(team), size = mcbe_team_size(team);
    mcbe_linearization_t *linear = NULL;
    double *x = mcbe_alloc((size_t)params->inputs.n, sizeof *x);
    mcbe_status_t st;
    MCBE_TRY(x ? MCBE_OK : MCBE_ERR_NOMEM);
    MCBE_TRY(mcbe_inputs_fill(&params->inputs, m, point, 1, x));
    MCBE_TRY(mcbe_linearization_create(&linear, &params->network, x));
    for (int l = rank; l < params->layers; l += size) {
        if (mcbe_team_look(team)) {
            break;
        }
        MCBE_TRY(measure_layer(params, linear, l, spectra));
    }
    MCBE_TRY(mcbe_team_go_on(team));
    if (team) {
        MCBE_TRY(share(team, params, spectra));
    }
out:
    mcbe_linearization_destroy(&linear);
    mcbe_free(x);
    return st;
}

static void write_record(const spectrum_t *params, const mcbe_cell_t *cell,
                         const spectra_t *spectra, const mcbe_layout_t *layout,
                         mcbe_record_t *record)
{
    mcbe_record_set_i64(record, layout, cell, COLUMN_ACTIVE, spectra->active);
    mcbe_record_set_i64(record, layout, cell, COLUMN_RANK, spectra->rank);
    mcbe_record_set_f64(record, layout, cell, COLUMN_LARGEST, spectra->largest);
    mcbe_record_set_f64(record, layout, cell, COLUMN_SMALLEST, spectra->smallest);
    if (params->with_values) {
        mcbe_record_set_f64(record, layout, cell, COLUMN_VALUE, spectra->values);
    }
}

static mcbe_status_t measure(const spectrum_t *params, const mcbe_cell_t *cell, int64_t point,
                             const mcbe_team_t *team, const mcbe_layout_t *layout,
                             mcbe_record_t *record)
{
    spectra_t spectra = {0};
    mcbe_status_t st;
    MCBE_TRY(spectra_init(&spectra, params));
    MCBE_TRY(measure_point(params, cell->m, point, team, &spectra));
    if (!team || mcbe_comm_rank(team->comm) == 0) {
        write_record(params, cell, &spectra, layout, record);
    }
out:
    spectra_free(&spectra);
    return st;
}

static mcbe_status_t compute_unit(const void *handle, const mcbe_cell_t *cells, int64_t count,
                                  int64_t trial, const mcbe_team_t *team,
                                  const mcbe_layout_t *layout, mcbe_record_t *records,
                                  mcbe_error_t *err)
{
    (void)err;
    MCBE_BUG_ASSERT(count == 1);
    return measure(handle, cells, trial, team, layout, records);
}

static mcbe_status_t verify_unit(const void *handle, const mcbe_cell_t *cell, int64_t trial,
                                 const mcbe_layout_t *layout, const mcbe_record_t *record,
                                 mcbe_error_t *err)
{
    mcbe_record_t again = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_record_init(&again, layout, record->cell, trial, cell));
    MCBE_TRY(measure(handle, cell, trial, NULL, layout, &again));
    MCBE_TRY(mcbe_recompute_compare(layout, cell, record, &again, err));
out:
    mcbe_record_free(&again);
    return st;
}

const mcbe_experiment_t mcbe_network_spectrum = {
    .table = {.experiment = "network_spectrum",
              .summary = "singular values of a network's linearisation at points, layer by layer",
              .keys = keys},
    .open = open_params,
    .close = close_params,
    .plan = plan_cells,
    .layout = make_layout,
    .compute = compute_unit,
    .verify = verify_unit,
};
