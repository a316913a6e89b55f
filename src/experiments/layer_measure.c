/* What is measured at each point of a unit. */

#include <math.h>
#include <string.h>

#include "check.h"
#include "layer_internal.h"
#include "mcbe/preimage.h"
#include "mcbe/reconstruct.h"
#include "mcbe/stability.h"
#include "memory.h"

/* A layer at work on the points of one unit. */
typedef struct bench {
    const layer_t *params; /* borrowed */
    int network;           /* whose layer it is, by the order of the files */
    int64_t count;         /* points of the unit */
    int n, m;
    mcbe_network_t layer;            /* owned */
    double *alpha;                   /* owned, [m] */
    double *x;                       /* owned, [count][n] */
    double *z, *again;               /* owned, [m] and [n], of one point */
    unsigned char *active;           /* owned, [m], likewise */
    mcbe_reconstruct_t *reconstruct; /* owned; these three only for what is measured */
    mcbe_stability_t *stability;
    mcbe_preimage_t *preimage;
    int64_t *words; /* owned, [COLUMN_COUNT - FIRST_POINT_COLUMN][block]: what a record will hold of
                       each point; 0 where another rank measures */
} bench_t;

static void discard(bench_t *bench)
{
    mcbe_free(bench->words);
    mcbe_preimage_destroy(&bench->preimage);
    mcbe_stability_destroy(&bench->stability);
    mcbe_reconstruct_destroy(&bench->reconstruct);
    mcbe_free(bench->active);
    mcbe_free(bench->again);
    mcbe_free(bench->z);
    mcbe_free(bench->x);
    mcbe_free(bench->alpha);
    mcbe_network_free(&bench->layer);
}

static mcbe_status_t prepare_measures(bench_t *bench, mcbe_error_t *err)
{
    const int measures = bench->params->measures, m = bench->m, n = bench->n;
    const double *w = bench->layer.layers[0].weight;
    mcbe_status_t st = MCBE_OK;
    if (measures & MEASURE_RECONSTRUCTION) {
        MCBE_TRY(mcbe_reconstruct_create(&bench->reconstruct, m, n, w, n, bench->alpha, err));
    }
    if (measures & MEASURE_STABILITY) {
        MCBE_TRY(mcbe_stability_create(&bench->stability, m, n, err));
        MCBE_TRY(mcbe_stability_matrix(bench->stability, m, n, w, n, err));
    }
    if (measures & MEASURE_PREIMAGE) {
        MCBE_TRY(mcbe_preimage_create(&bench->preimage, m, n, w, bench->alpha, err));
    }
out:
    return st;
}

static mcbe_status_t prepare(bench_t *bench, const layer_t *params, const mcbe_cell_t *cell,
                             int64_t trial, mcbe_error_t *err)
{
    const int network = (int)(trial / params->blocks);
    const given_layer_t *given = params->given ? params->given + network : NULL;
    const int64_t first = trial % params->blocks * params->block;
    const int64_t left = params->inputs.count - first;
    const size_t m = (size_t)cell->m, n = (size_t)cell->n;
    mcbe_status_t st;
    *bench = (bench_t){.params = params, .network = network, .n = (int)cell->n, .m = (int)cell->m};
    bench->count = left < params->block ? left : params->block;
    bench->alpha = mcbe_alloc(m, sizeof *bench->alpha);
    bench->x = mcbe_alloc((size_t)bench->count * n, sizeof *bench->x);
    bench->z = mcbe_alloc(m, sizeof *bench->z);
    bench->again = mcbe_alloc(n, sizeof *bench->again);
    bench->active = mcbe_alloc(m, sizeof *bench->active);
    bench->words = mcbe_alloc((size_t)((COLUMN_COUNT - FIRST_POINT_COLUMN) * params->block),
                              sizeof *bench->words);
    MCBE_TRY(bench->alpha && bench->x && bench->z && bench->again && bench->active && bench->words
                 ? MCBE_OK
                 : MCBE_ERR_NOMEM);
    MCBE_TRY(mcbe_layer_make(params, given, cell, &bench->layer));
    for (size_t j = 0; j < m; j++) {
        bench->alpha[j] = -bench->layer.layers[0].bias[j];
    }
    MCBE_TRY(mcbe_layer_fill(params, given, cell, first, bench->count, bench->x));
    MCBE_TRY(prepare_measures(bench, err));
out:
    return st;
}

static int64_t *words_of(const bench_t *bench, layer_column_t column)
{
    return bench->words + (int64_t)(column - FIRST_POINT_COLUMN) * bench->params->block;
}

static void put_int(bench_t *bench, layer_column_t column, int64_t point, int64_t value)
{
    words_of(bench, column)[point] = value;
}

static void put_real(bench_t *bench, layer_column_t column, int64_t point, double value)
{
    memcpy(words_of(bench, column) + point, &value, sizeof value);
}

static double real_at(const bench_t *bench, layer_column_t column, int64_t point)
{
    double value;
    memcpy(&value, words_of(bench, column) + point, sizeof value);
    return value;
}

static double norm_of(int n, const double *x, const double *minus)
{
    double sum = 0.0;
    for (int k = 0; k < n; k++) {
        const double difference = x[k] - (minus ? minus[k] : 0.0);
        sum += difference * difference;
    }
    return sqrt(sum);
}

static mcbe_status_t reconstruct(bench_t *bench, int64_t point, const double *x, mcbe_error_t *err)
{
    mcbe_reconstruction_t info;
    const mcbe_status_t st = mcbe_reconstruct_least_squares(
        bench->reconstruct, 1, bench->z, bench->m, bench->again, bench->n, &info, err);
    if (st == MCBE_OK) {
        put_int(bench, COLUMN_RANK, point, info.rank);
        put_real(bench, COLUMN_ERROR, point, norm_of(bench->n, x, bench->again));
        put_real(bench, COLUMN_RCOND, point, info.rcond);
    }
    return st;
}

static mcbe_status_t find_extremes(bench_t *bench, int64_t point)
{
    mcbe_extremes_t extremes;
    const mcbe_status_t st = mcbe_stability_extremes(bench->stability, bench->active, &extremes);
    if (st == MCBE_OK) {
        put_real(bench, COLUMN_SMALLEST, point, extremes.smallest);
        put_real(bench, COLUMN_SMALLEST_POSITIVE, point, extremes.smallest_positive);
        put_real(bench, COLUMN_LARGEST, point, extremes.largest);
    }
    return st;
}

static mcbe_status_t classify(bench_t *bench, int64_t point, const double *x, mcbe_error_t *err)
{
    mcbe_preimage_result_t result;
    const mcbe_status_t st = mcbe_preimage_classify(bench->preimage, x, &result, NULL, NULL, err);
    if (st == MCBE_OK) {
        put_int(bench, COLUMN_CLASS, point, result.verdict);
        put_int(bench, COLUMN_PROOF, point, result.proof);
        put_int(bench, COLUMN_DIMENSION, point, result.dimension);
    }
    return st;
}

static mcbe_status_t measure_point(bench_t *bench, int64_t point, mcbe_error_t *err)
{
    const double *x = bench->x + point * bench->n;
    int64_t active = 0;
    mcbe_status_t st;
    MCBE_TRY(mcbe_network_forward(&bench->layer, 2, 1, x, bench->z));
    for (int j = 0; j < bench->m; j++) {
        bench->active[j] = bench->z[j] > 0.0;
        active += bench->active[j];
    }
    put_int(bench, COLUMN_ACTIVE, point, active);
    put_real(bench, COLUMN_NORM, point, norm_of(bench->n, x, NULL));
    if (bench->reconstruct) {
        MCBE_TRY(reconstruct(bench, point, x, err));
    }
    if (bench->stability) {
        MCBE_TRY(find_extremes(bench, point));
    }
    if (bench->preimage) {
        MCBE_TRY(classify(bench, point, x, err));
    }
out:
    return st;
}

/* Every point is measured by one rank of the team; its words are 0 on the others, so that they can be
 * added. */
static mcbe_status_t measure_points(bench_t *bench, const mcbe_team_t *team, mcbe_error_t *err)
{
    const int64_t size = team ? mcbe_comm_size(team->comm) : 1;
    const int64_t rank = team ? mcbe_comm_rank(team->comm) : 0;
    mcbe_status_t st = MCBE_OK;
    for (int64_t i = rank; i < bench->count; i += size) {
        if (mcbe_team_look(team)) {
            break;
        }
        MCBE_TRY(measure_point(bench, i, err));
    }
    MCBE_TRY(mcbe_team_go_on(team));
    if (team) {
        mcbe_comm_sum_i64(team->comm, bench->words,
                          (size_t)((COLUMN_COUNT - FIRST_POINT_COLUMN) * bench->params->block));
    }
out:
    return st;
}

/* Places of the last unit that have no point. */
static void mark_missing(bench_t *bench, const mcbe_layout_t *layout)
{
    const layer_t *params = bench->params;
    int number = 0;
    for (int c = 0; c < COLUMN_COUNT; c++) {
        if (!mcbe_layer_has(params, (layer_column_t)c)) {
            continue;
        }
        const mcbe_column_t *column = layout->columns + number++;
        for (int64_t i = bench->count; i < params->block && c >= (int)FIRST_POINT_COLUMN; i++) {
            if (column->type == MCBE_COLUMN_F64) {
                put_real(bench, (layer_column_t)c, i, (double)NAN);
            } else {
                put_int(bench, (layer_column_t)c, i, -1);
            }
        }
    }
}

/* What a unit says of its points together. */
typedef struct totals {
    int64_t counts[COLUMN_COUNT];
    double reals[COLUMN_COUNT];
} totals_t;

static void add_up(const bench_t *bench, totals_t *totals)
{
    double error = -1.0, smallest = (double)INFINITY, largest = 0.0;
    *totals =
        (totals_t){.counts = {[COLUMN_NETWORK] = bench->network, [COLUMN_POINTS] = bench->count}};
    for (int64_t i = 0; i < bench->count; i++) {
        const int is_full = words_of(bench, COLUMN_RANK)[i] == bench->n;
        const double norm = real_at(bench, COLUMN_NORM, i);
        totals->counts[COLUMN_FULL_RANK] += is_full;
        if (is_full && norm > 0.0) {
            error = fmax(error, real_at(bench, COLUMN_ERROR, i) / norm);
        }
        smallest = fmin(smallest, real_at(bench, COLUMN_SMALLEST, i));
        largest = fmax(largest, real_at(bench, COLUMN_LARGEST, i));
        totals->counts[COLUMN_SINGLETON + words_of(bench, COLUMN_CLASS)[i]]++;
    }
    totals->reals[COLUMN_ERROR_MAX] = error >= 0.0 ? error : (double)NAN;
    totals->reals[COLUMN_SMALLEST_MIN] = smallest;
    totals->reals[COLUMN_LARGEST_MAX] = largest;
}

static void write_record(const bench_t *bench, const mcbe_cell_t *cell, const mcbe_layout_t *layout,
                         mcbe_record_t *record)
{
    totals_t totals;
    int number = 0;
    add_up(bench, &totals);
    for (int c = 0; c < COLUMN_COUNT; c++) {
        if (!mcbe_layer_has(bench->params, (layer_column_t)c)) {
            continue;
        }
        const int is_real = layout->columns[number].type == MCBE_COLUMN_F64;
        if (c >= (int)FIRST_POINT_COLUMN) {
            memcpy(record->words + mcbe_layout_offset(layout, number, cell),
                   words_of(bench, (layer_column_t)c),
                   (size_t)bench->params->block * sizeof *bench->words);
        } else if (c != COLUMN_POINT && is_real) {
            mcbe_record_set_f64(record, layout, cell, number, &totals.reals[c]);
        } else if (c != COLUMN_POINT) {
            mcbe_record_set_i64(record, layout, cell, number, &totals.counts[c]);
        }
        number++;
    }
}

mcbe_status_t mcbe_layer_measure(const layer_t *params, const mcbe_cell_t *cell, int64_t trial,
                                 const mcbe_team_t *team, const mcbe_layout_t *layout,
                                 mcbe_record_t *record, mcbe_error_t *err)
{
    bench_t bench;
    mcbe_status_t st;
    MCBE_TRY(prepare(&bench, params, cell, trial, err));
    MCBE_TRY(measure_points(&bench, team, err));
    if (!team || mcbe_comm_rank(team->comm) == 0) {
        mark_missing(&bench, layout);
        write_record(&bench, cell, layout, record);
    }
out:
    discard(&bench);
    return st;
}
