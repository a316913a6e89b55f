/* Table 5.1 of the thesis: how long alpha* of 1,000 points takes in three dimensions, by uniform
 * points, randomised smoothing and a kernel density estimate.
 *
 *     sampler_times data/iris/iris.csv
 *
 * Sepal length, petal length and petal width, standardised; m = 6 Gaussian rows. A repetition starts
 * from W and the data in memory: it fits the density, makes the estimator and visits the points. Prints
 * one JSON line a sampler, in microseconds of wall time. */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "mcbe/bias.h"
#include "mcbe/dataset.h"

enum { ROWS = 6, POINTS = 1000, REPEATS = 1001 };

static const char *const names[] = {"uniform", "smoothing", "kde"};

static mcbe_status_t read_data(const char *path, mcbe_dataset_t *data, mcbe_error_t *err)
{
    static const char *const features[] = {"0", "2", "3"};
    const mcbe_data_options_t options = {.label = "last"};
    mcbe_scaling_t scaling = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_dataset_read(data, &path, 1, &options, err));
    MCBE_TRY(mcbe_dataset_select(data, features, 3, err));
    MCBE_TRY(mcbe_scaling_fit(&scaling, MCBE_NORMALIZE_STANDARD, 0, data));
    MCBE_TRY(mcbe_scaling_apply(&scaling, data, err));
out:
    mcbe_scaling_free(&scaling);
    return st;
}

/* One repetition. @param[out] mean  of alpha*, so that nothing can be left out */
static mcbe_status_t estimate(int sampler, const mcbe_frame_t *frame, const mcbe_dataset_t *data,
                              const mcbe_stream_key_t *key, double *mean, mcbe_error_t *err)
{
    mcbe_domain_t domain = {.kind = MCBE_DOMAIN_BALL, .radius = 1.0};
    mcbe_cloud_t *cloud = NULL;
    mcbe_estimator_t *estimator = NULL;
    mcbe_bias_state_t state = {0};
    mcbe_status_t st;
    if (sampler == 1) {
        MCBE_TRY(mcbe_cloud_smoothing(&cloud, data->n, data->count, data->x, 0.3, err));
    } else if (sampler == 2) {
        MCBE_TRY(mcbe_cloud_density(&cloud, data->n, data->count, data->x, MCBE_BANDWIDTH_DIAGONAL,
                                    err));
    }
    if (cloud) {
        domain = (mcbe_domain_t){.kind = MCBE_DOMAIN_CLOUD, .cloud = cloud};
    }
    const int width = mcbe_domain_block_size(data->n);
    MCBE_TRY(mcbe_bias_state_init(&state, frame->m));
    MCBE_TRY(mcbe_estimator_create(&estimator, frame, &domain, key, MCBE_PRECISION_MIXED));
    for (int64_t first = 0; first < POINTS; first += width) {
        const int64_t left = POINTS - first;
        MCBE_TRY(mcbe_estimator_block(estimator, first / width, 0, left < width ? left : width,
                                      &state, NULL));
    }
    *mean = 0.0;
    for (int j = 0; j < state.m; j++) {
        *mean += state.alpha[j] / state.m;
    }
out:
    mcbe_estimator_destroy(&estimator);
    mcbe_bias_state_free(&state);
    mcbe_cloud_destroy(&cloud);
    return st;
}

static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static mcbe_status_t measure(int sampler, const mcbe_dataset_t *data, mcbe_error_t *err)
{
    static double seconds[REPEATS];
    const mcbe_clock_t clock = mcbe_clock_monotonic();
    mcbe_status_t st = MCBE_OK;
    double mean = 0.0, sum = 0.0;
    for (int i = 0; i < REPEATS && st == MCBE_OK; i++) {
        const mcbe_stream_key_t key = {.seed = 20240101, .n = data->n, .m = ROWS, .trial = i};
        mcbe_frame_t frame = {0};
        MCBE_TRY(mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0));
        const double before = mcbe_clock_now(&clock);
        st = estimate(sampler, &frame, data, &key, &mean, err);
        seconds[i] = mcbe_clock_now(&clock) - before;
        sum += mean;
        mcbe_frame_free(&frame);
    }
    qsort(seconds, REPEATS, sizeof *seconds, ascending);
    printf("{\"bench\": \"sampler_times\", \"sampler\": \"%s\", \"n\": %d, \"m\": %d, \"points\": "
           "%d, \"repeats\": %d, \"us_min\": %.1f, \"us_median\": %.1f, \"alpha_mean\": %.4f}\n",
           names[sampler], data->n, ROWS, POINTS, REPEATS, 1e6 * seconds[0],
           1e6 * seconds[REPEATS / 2], sum / REPEATS);
out:
    return st;
}

int main(int argc, char **argv)
{
    mcbe_dataset_t data = {0};
    mcbe_error_t err = {0};
    if (argc != 2) {
        fprintf(stderr, "sampler_times: give the path of the Iris data, data/iris/iris.csv\n");
        return 64;
    }
    mcbe_status_t st = read_data(argv[1], &data, &err);
    for (int sampler = 0; sampler < 3 && st == MCBE_OK; sampler++) {
        st = measure(sampler, &data, &err);
    }
    mcbe_dataset_free(&data);
    if (st != MCBE_OK) {
        fprintf(stderr, "sampler_times: %s\n", err.text);
        return 70;
    }
    return 0;
}
