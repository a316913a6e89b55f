#include "layer.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "layer_internal.h"
#include "memory.h"
#include "recompute.h"

#define MAX_BLOCK 100000

static const mcbe_key_t keys[] = {
    MCBE_BASE_KEYS,
    MCBE_FRAME_KEYS,
    {.path = "layer.n",
     .type = MCBE_KEY_INT,
     .fallback = "0",
     .max = MCBE_MAX_N,
     .help = "Coordinates of the layer's input; 0: as the data or the file with the matrix say."},
    {.path = "layer.m",
     .type = MCBE_KEY_AXIS,
     .fallback = "0",
     .max = MCBE_MAX_M,
     .help = "Rows of the layer, of each of several ones if there are more values; 0: as the file "
             "with the matrix says."},
    {.path = "layer.bias",
     .type = MCBE_KEY_REAL,
     .fallback = "0",
     .min = -1e100,
     .max = 1e100,
     .help = "Bias alpha of every row, in units of its norm: the layer is ReLU(Wx - alpha)."},
    {.path = "layer.network",
     .type = MCBE_KEY_TEXTS,
     .fallback = "[]",
     .help = "A network file (docs/network-format.md) whose layer is looked at, in place of the "
             "matrix of frame.ensemble, or a list of such files, as of the epochs of a training, "
             "with layers of one shape; their SHA-256 join the fingerprint."},
    {.path = "layer.number",
     .type = MCBE_KEY_INT,
     .fallback = "0",
     .max = 9999,
     .help = "The dense or convolutional layer of that file, counted from 0 over all layers; "
             "points go through those before it."},
    MCBE_INPUTS_KEYS,
    {.path = "points.block",
     .type = MCBE_KEY_INT,
     .fallback = "100",
     .min = 1,
     .max = MAX_BLOCK,
     .help = "Points of a unit of work."},
    MCBE_PLANE_KEYS,
    MCBE_DOMAIN_KEYS,
    MCBE_DATA_KEYS,
    {.path = "measure.reconstruction",
     .type = MCBE_KEY_BOOL,
     .fallback = "true",
     .help = "Reconstruct every point from the layer's output by least squares on the active rows: "
             "their rank and conditioning, and the error."},
    {.path = "measure.stability",
     .type = MCBE_KEY_BOOL,
     .fallback = "false",
     .help = "Smallest and largest singular value of the active rows at every point."},
    {.path = "measure.preimage",
     .type = MCBE_KEY_BOOL,
     .fallback = "false",
     .help = "Whether the preimage of the layer's output is one point, compact or unbounded, by "
             "proof."},
    MCBE_RUN_KEYS,
    {.path = NULL},
};

/* A column, and the measure it needs; 0 for those that are always there. */
typedef struct column_row {
    char *path;
    mcbe_column_type_t type;
    int measure;
    int approximate;
    const char *description;
} column_row_t;

static const column_row_t columns[COLUMN_COUNT] = {
    [COLUMN_NETWORK] = {"trials/network", MCBE_COLUMN_I64, SEVERAL_NETWORKS, 0,
                        "number of the unit's file in layer.network, counted from 0"},
    [COLUMN_POINTS] = {"trials/points", MCBE_COLUMN_I64, 0, 0, "points of the unit"},
    [COLUMN_FULL_RANK] = {"trials/full_rank", MCBE_COLUMN_I64, MEASURE_RECONSTRUCTION, 1,
                          "of these, points whose active rows have rank n"},
    [COLUMN_ERROR_MAX] = {"trials/error_max", MCBE_COLUMN_F64, MEASURE_RECONSTRUCTION, 1,
                          "largest error of reconstruction by the norm of the point, over points "
                          "whose active rows have rank n; NaN if there is none"},
    [COLUMN_SMALLEST_MIN] = {"trials/smallest_min", MCBE_COLUMN_F64, MEASURE_STABILITY, 1,
                             "least of points/smallest: no lower Lipschitz constant is larger"},
    [COLUMN_LARGEST_MAX] = {"trials/largest_max", MCBE_COLUMN_F64, MEASURE_STABILITY, 1,
                            "largest of points/largest: no upper Lipschitz constant is smaller"},
    [COLUMN_SINGLETON] = {"trials/singleton", MCBE_COLUMN_I64, MEASURE_PREIMAGE, 1,
                          "points that are their whole preimage"},
    [COLUMN_COMPACT] = {"trials/compact", MCBE_COLUMN_I64, MEASURE_PREIMAGE, 1,
                        "points whose preimage is bounded and has other points"},
    [COLUMN_UNBOUNDED] = {"trials/unbounded", MCBE_COLUMN_I64, MEASURE_PREIMAGE, 1,
                          "points whose preimage holds a ray"},
    [COLUMN_UNDECIDED] = {"trials/undecided", MCBE_COLUMN_I64, MEASURE_PREIMAGE, 1,
                          "points for which rounding leaves it open"},
    [COLUMN_POINT] = {"points/point", MCBE_COLUMN_I64, 0, 0, "number of the point in its unit"},
    [COLUMN_ACTIVE] = {"points/active", MCBE_COLUMN_I32, 0, 1, "outputs above 0"},
    [COLUMN_NORM] = {"points/norm", MCBE_COLUMN_F64, 0, 1, "norm of what goes into the layer, x"},
    [COLUMN_RANK] = {"points/rank", MCBE_COLUMN_I32, MEASURE_RECONSTRUCTION, 1,
                     "rank of the rows with outputs above 0"},
    [COLUMN_ERROR] = {"points/error", MCBE_COLUMN_F64, MEASURE_RECONSTRUCTION, 1,
                      "norm of x minus its reconstruction from the outputs above 0"},
    [COLUMN_RCOND] = {"points/rcond", MCBE_COLUMN_F64, MEASURE_RECONSTRUCTION, 1,
                      "smallest positive singular value of these rows by their largest, as "
                      "estimated"},
    [COLUMN_SMALLEST] = {"points/smallest", MCBE_COLUMN_F64, MEASURE_STABILITY, 1,
                         "n-th singular value of the rows with outputs above 0; 0 unless their "
                         "rank is n"},
    [COLUMN_SMALLEST_POSITIVE] = {"points/smallest_positive", MCBE_COLUMN_F64, MEASURE_STABILITY, 1,
                                  "smallest of their singular values above rounding"},
    [COLUMN_LARGEST] = {"points/largest", MCBE_COLUMN_F64, MEASURE_STABILITY, 1,
                        "largest of their singular values"},
    [COLUMN_CLASS] =
        {"points/class", MCBE_COLUMN_I8, MEASURE_PREIMAGE, 1,
         "preimage of the output: 0 x alone, 1 bounded with other points, 2 unbounded, "
         "3 undecided"},
    [COLUMN_PROOF] =
        {"points/proof", MCBE_COLUMN_I8, MEASURE_PREIMAGE, 1,
         "what shows it: 0 rank, 1 inequalities that hold with equality, 2 combination "
         "of rows, 3 direction, 4 too few rows, 5 to 7 nothing (sign, rank, program)"},
    [COLUMN_DIMENSION] = {"points/dimension", MCBE_COLUMN_I32, MEASURE_PREIMAGE, 1,
                          "dimension of the preimage; -1 where rounding leaves it open"},
};

int mcbe_layer_has(const layer_t *params, layer_column_t column)
{
    return columns[column].measure == 0 || (params->measures & columns[column].measure) != 0;
}

static void close_params(void **handle)
{
    layer_t *params = *handle;
    if (params) {
        mcbe_free(params->numbers);
        mcbe_layer_close_sources(params);
        mcbe_free(params);
        *handle = NULL;
    }
}

static mcbe_status_t open_params(mcbe_config_t *config, void **handle, mcbe_error_t *err)
{
    static const struct {
        const char *path;
        int measure;
    } measures[] = {{"measure.reconstruction", MEASURE_RECONSTRUCTION},
                    {"measure.stability", MEASURE_STABILITY},
                    {"measure.preimage", MEASURE_PREIMAGE}};
    layer_t *params = mcbe_alloc(1, sizeof *params);
    mcbe_status_t st;
    *handle = params;
    if (!params) {
        return MCBE_ERR_NOMEM;
    }
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
        params->measures |= mcbe_config_bool(config, measures[i].path) ? measures[i].measure : 0;
    }
    params->block = mcbe_config_int(config, "points.block");
    MCBE_TRY(mcbe_layer_open_sources(params, config, err));
    params->measures |= params->given_count > 1 ? SEVERAL_NETWORKS : 0;
    params->blocks = (params->inputs.count + params->block - 1) / params->block;
    params->numbers = mcbe_alloc((size_t)params->block, sizeof *params->numbers);
    MCBE_TRY(params->numbers ? MCBE_OK : MCBE_ERR_NOMEM);
    for (int64_t i = 0; i < params->block; i++) {
        params->numbers[i] = i;
    }
out:
    if (st != MCBE_OK) {
        close_params(handle);
    }
    return st;
}

/* Operations at one point with m / 2 active rows, outputs aside. */
static double work_of_point(const layer_t *params, double n, double m)
{
    const double active = m / 2.0, few = fmin(active, n);
    double work = 0.0;
    if (params->measures & MEASURE_RECONSTRUCTION) {
        work += fmin(active, m - active) * n * few + few * few * few / 3.0;
    }
    if (params->measures & MEASURE_STABILITY) {
        work += 2.0 * active * n * few + 4.0 * few * few * few;
    }
    if (params->measures & MEASURE_PREIMAGE) {
        const double free = fmax(n - active, 0.0);
        work += few * few * n + 2.0 * (m - active) * few * free + 10.0 * (m - active) * free * free;
    }
    return work;
}

static mcbe_status_t plan_cells(const void *handle, mcbe_plan_t *plan, mcbe_error_t *err)
{
    const layer_t *params = handle;
    (void)err;
    memset(plan, 0, sizeof *plan);
    plan->cells = mcbe_alloc((size_t)params->cell_count, sizeof *plan->cells);
    if (!plan->cells) {
        return MCBE_ERR_NOMEM;
    }
    plan->trials = params->blocks * (params->given_count > 1 ? params->given_count : 1);
    plan->cell_count = params->cell_count;
    for (int64_t i = 0; i < plan->cell_count; i++) {
        const double n = (double)params->cells[i].n, m = (double)params->cells[i].m;
        const double points = (double)params->block;
        const double prepare =
            m * n * 1e-8 + (params->measures & MEASURE_PREIMAGE ? m * n * n / 2e10 : 0.0);
        const double work = work_of_point(params, n, m);
        plan->cells[i] =
            (mcbe_cell_t){.n = params->cells[i].n,
                          .m = params->cells[i].m,
                          .flops = points * (2.0 * n * m + work),
                          .seconds = prepare + points * (1e-5 + n * m / 1e9 + work / 1.5e10),
                          .bytes = 8.0 * ((5.0 + 2.0 * params->given_count) * m * n + 5.0 * n * n +
                                          points * (n + (double)params->width) + m) +
                                   4.0 * (double)params->inputs.data.train.count *
                                       (double)params->inputs.data.train.n};
    }
    return MCBE_OK;
}

static mcbe_status_t make_layout(const void *handle, mcbe_layout_t *layout, mcbe_error_t *err)
{
    const layer_t *params = handle;
    (void)err;
    for (int c = 0; c < COLUMN_COUNT; c++) {
        const column_row_t *row = columns + c;
        const int is_axis = c == COLUMN_POINT, is_series = c >= (int)FIRST_POINT_COLUMN;
        const mcbe_column_t column = {.path = row->path,
                                      .type = row->type,
                                      .shape = is_axis     ? MCBE_SHAPE_AXIS
                                               : is_series ? MCBE_SHAPE_SERIES
                                                           : MCBE_SHAPE_SCALAR,
                                      .length = is_series || is_axis ? params->block : 0,
                                      .series = is_series || is_axis ? "point" : NULL,
                                      .values = is_axis ? params->numbers : NULL,
                                      .approximate = row->approximate,
                                      .units = "1",
                                      .description = row->description};
        if (mcbe_layer_has(params, (layer_column_t)c) && mcbe_layout_add(layout, &column) < 0) {
            return MCBE_ERR_NOMEM;
        }
    }
    return mcbe_data_layout(&params->inputs.data, layout);
}

static mcbe_status_t compute_unit(const void *handle, const mcbe_cell_t *cells, int64_t count,
                                  int64_t trial, const mcbe_team_t *team,
                                  const mcbe_layout_t *layout, mcbe_record_t *records,
                                  mcbe_error_t *err)
{
    MCBE_BUG_ASSERT(count == 1);
    return mcbe_layer_measure(handle, cells, trial, team, layout, records, err);
}

static mcbe_status_t verify_unit(const void *handle, const mcbe_cell_t *cell, int64_t trial,
                                 const mcbe_layout_t *layout, const mcbe_record_t *record,
                                 mcbe_error_t *err)
{
    mcbe_record_t again = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_record_init(&again, layout, record->cell, trial, cell));
    MCBE_TRY(mcbe_layer_measure(handle, cell, trial, NULL, layout, &again, err));
    MCBE_TRY(mcbe_recompute_compare(layout, cell, record, &again, err));
out:
    mcbe_record_free(&again);
    return st;
}

const mcbe_experiment_t mcbe_layer_experiment = {
    .table = {.experiment = "layer",
              .summary = "one layer over many points: active rows, reconstruction, stability and "
                         "preimages",
              .keys = keys},
    .open = open_params,
    .close = close_params,
    .plan = plan_cells,
    .layout = make_layout,
    .compute = compute_unit,
    .verify = verify_unit,
};
