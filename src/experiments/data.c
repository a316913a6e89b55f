#include "data.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "h5_numbers.h"
#include "memory.h"
#include "reference.h"

/* Keys that tell how to read data; the order is that of the table. */
static const char *const data_keys[] = {
    "data.path",     "data.format",    "data.delimiter", "data.header",     "data.label",
    "data.features", "data.normalize", "data.pooled",    "smoothing.sigma", "smoothing.relative",
    "kde.bandwidth", "data.test_path", "data.test_share"};

mcbe_status_t mcbe_data_refuse(const mcbe_config_t *config, const char *why, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    for (size_t i = 0; i < sizeof data_keys / sizeof *data_keys; i++) {
        if (mcbe_config_has(config, data_keys[i]) && mcbe_config_given(config, data_keys[i])) {
            st = mcbe_config_reject(config, err, data_keys[i], "has a meaning only for %s", why);
        }
    }
    return st;
}

/* The SHA-256 of each file becomes a fact, under the key's name and its number.
 * @param[out] datasets  how many of them name a dataset in a file */
static mcbe_status_t add_digests(mcbe_config_t *config, const char *key, int *datasets,
                                 mcbe_error_t *err)
{
    int count;
    mcbe_status_t st = MCBE_OK;
    const char *const *paths = mcbe_config_texts(config, key, &count);
    *datasets = 0;
    for (int i = 0; i < count && st == MCBE_OK; i++) {
        char fact[64];
        mcbe_reference_t file;
        st = mcbe_reference_parse(&file, paths[i]);
        if (st == MCBE_OK) {
            snprintf(fact, sizeof fact, "%s.%d.sha256", key, i);
            st = mcbe_config_add_digest(config, fact, file.path, err);
        }
        *datasets += file.dataset != NULL;
        mcbe_reference_free(&file);
    }
    return st;
}

static mcbe_data_options_t read_options(const mcbe_config_t *config, const mcbe_dataset_t *like)
{
    static const char delimiters[] = {',', ';', '\t'};
    return (mcbe_data_options_t){
        .format = (mcbe_data_format_t)mcbe_config_enum(config, "data.format"),
        .header = (mcbe_data_header_t)mcbe_config_enum(config, "data.header"),
        .delimiter = delimiters[mcbe_config_enum(config, "data.delimiter")],
        .label = mcbe_config_string(config, "data.label"),
        .like = like};
}

/* The files of one key; a dataset of HDF5 stands alone. */
static mcbe_status_t read_files(mcbe_dataset_t *data, mcbe_config_t *config, const char *key,
                                const mcbe_dataset_t *like, mcbe_error_t *err)
{
    int count, datasets;
    const char *const *paths = mcbe_config_texts(config, key, &count);
    const mcbe_data_options_t options = read_options(config, like);
    mcbe_reference_t file = {0};
    mcbe_status_t st;
    MCBE_TRY(add_digests(config, key, &datasets, err));
    if (datasets == 0) {
        st = mcbe_dataset_read(data, paths, count, &options, err);
    } else if (count > 1) {
        st = mcbe_config_reject(config, err, key,
                                "a list with a dataset of HDF5 in it; such a dataset stands alone");
    } else {
        MCBE_TRY(mcbe_reference_parse(&file, paths[0]));
        st = mcbe_h5_load_points(data, file.path, file.dataset, err);
    }
out:
    mcbe_reference_free(&file);
    return st;
}

static mcbe_status_t select_features(mcbe_dataset_t *data, const mcbe_config_t *config,
                                     mcbe_error_t *err)
{
    mcbe_error_t reason = {0};
    int count;
    const char *const *features = mcbe_config_texts(config, "data.features", &count);
    const mcbe_status_t st =
        count > 0 ? mcbe_dataset_select(data, features, count, &reason) : MCBE_OK;
    return st == MCBE_ERR_ARGUMENT
               ? mcbe_config_reject(config, err, "data.features", "%s", reason.text)
               : st;
}

/* Text and labels follow the training set; what HDF5 gave is compared here. */
static mcbe_status_t read_test(mcbe_data_t *data, mcbe_config_t *config, mcbe_error_t *err)
{
    /* the features of the files, before any are chosen, must be alike: n and names of the header */
    mcbe_status_t st = read_files(&data->test, config, "data.test_path", &data->train, err);
    if (st == MCBE_OK && data->test.n != data->train.n) {
        st = mcbe_config_reject(config, err, "data.test_path",
                                "has points of %d features; those of data.path have %d",
                                data->test.n, data->train.n);
    }
    return st;
}

static mcbe_status_t split_test(mcbe_data_t *data, double share, const mcbe_config_t *config,
                                uint64_t seed, mcbe_error_t *err)
{
    const mcbe_stream_key_t key = {.seed = seed};
    mcbe_error_t reason = {0};
    const mcbe_status_t st = mcbe_dataset_split(&data->train, &data->test, share, &key, &reason);
    return st == MCBE_ERR_ARGUMENT
               ? mcbe_config_reject(config, err, "data.test_share", "%s", reason.text)
               : st;
}

/* Test points from where the keys say, with the features of the files still complete. */
static mcbe_status_t make_test(mcbe_data_t *data, mcbe_config_t *config, uint64_t seed,
                               mcbe_error_t *err)
{
    int files;
    (void)mcbe_config_texts(config, "data.test_path", &files);
    const double share = mcbe_config_real(config, "data.test_share");
    if ((files > 0) == (share > 0.0)) {
        return mcbe_config_reject(config, err, "data.test_share",
                                  files > 0 ? "cannot stand beside data.test_path"
                                            : "is 0 and data.test_path is empty; one of them must "
                                              "say what the test set is");
    }
    return files > 0 ? read_test(data, config, err) : split_test(data, share, config, seed, err);
}

mcbe_status_t mcbe_data_open(mcbe_data_t *data, mcbe_config_t *config, int with_test, uint64_t seed,
                             mcbe_error_t *err)
{
    int files;
    mcbe_status_t st;
    memset(data, 0, sizeof *data);
    (void)mcbe_config_texts(config, "data.path", &files);
    if (files == 0) {
        return mcbe_config_reject(config, err, "data.path",
                                  "is empty; the file with the data is needed");
    }
    MCBE_TRY(read_files(&data->train, config, "data.path", NULL, err));
    if (with_test) {
        MCBE_TRY(make_test(data, config, seed, err));
        MCBE_TRY(select_features(&data->test, config, err));
    }
    MCBE_TRY(select_features(&data->train, config, err));
    MCBE_TRY(mcbe_scaling_fit(&data->scaling,
                              (mcbe_normalize_t)mcbe_config_enum(config, "data.normalize"),
                              mcbe_config_bool(config, "data.pooled"), &data->train));
    MCBE_TRY(mcbe_scaling_apply(&data->scaling, &data->train, err));
    if (with_test) {
        st = mcbe_scaling_apply(&data->scaling, &data->test, err);
    }
out:
    return st;
}

void mcbe_data_free(mcbe_data_t *data)
{
    mcbe_dataset_free(&data->train);
    mcbe_dataset_free(&data->test);
    mcbe_scaling_free(&data->scaling);
}

static mcbe_status_t smoothing(mcbe_cloud_t **cloud, const mcbe_dataset_t *train,
                               const mcbe_config_t *config, mcbe_error_t *err)
{
    double sigma = mcbe_config_real(config, "smoothing.sigma");
    const double relative = mcbe_config_real(config, "smoothing.relative");
    if ((sigma > 0.0) == (relative > 0.0)) {
        return mcbe_config_reject(config, err, "smoothing.sigma",
                                  sigma > 0.0 ? "%g; it cannot stand beside smoothing.relative"
                                              : "%g; it or smoothing.relative must be above 0",
                                  sigma);
    }
    if (relative > 0.0) {
        const mcbe_status_t st = mcbe_dataset_deviation(train, &sigma);
        if (st != MCBE_OK) {
            return st;
        }
        sigma *= relative;
    }
    return mcbe_cloud_smoothing(cloud, train->n, train->count, train->x, sigma, err);
}

mcbe_status_t mcbe_data_cloud(mcbe_cloud_t **cloud, const mcbe_data_t *data, mcbe_noise_t noise,
                              const mcbe_config_t *config, mcbe_error_t *err)
{
    const mcbe_dataset_t *train = &data->train;
    mcbe_error_t reason = {0};
    if (noise == MCBE_NOISE_SMOOTHING) {
        return smoothing(cloud, train, config, err);
    }
    const mcbe_status_t st =
        mcbe_cloud_density(cloud, train->n, train->count, train->x,
                           (mcbe_bandwidth_t)mcbe_config_enum(config, "kde.bandwidth"), &reason);
    return st == MCBE_ERR_ARGUMENT
               ? mcbe_config_reject(config, err, "kde.bandwidth", "%s", reason.text)
               : st;
}

static void share_counts(const mcbe_team_t *team, mcbe_p_injective_t *result)
{
    int64_t counts[] = {result->points, result->injective};
    mcbe_comm_sum_i64(team->comm, counts, 2);
    mcbe_comm_min_i64(team->comm, &result->min_active, 1);
    result->points = counts[0];
    result->injective = counts[1];
}

mcbe_status_t mcbe_data_p_injective(const mcbe_dataset_t *data, const mcbe_frame_t *frame,
                                    int count, const double *biases, const mcbe_team_t *team,
                                    mcbe_p_injective_t *results)
{
    const int64_t rank = mcbe_team_rank(team), size = mcbe_team_size(team);
    const int64_t last = data->count * (rank + 1) / size;
    mcbe_point_test_t *test = NULL;
    mcbe_status_t st;
    for (int i = 0; i < count; i++) {
        results[i] = mcbe_p_injective_none(frame->m);
    }
    MCBE_TRY(mcbe_point_test_create(&test, frame, count, biases));
    for (int64_t first = data->count * rank / size; first < last; first += MCBE_POINT_TEST_WIDTH) {
        const int64_t left = last - first;
        mcbe_point_test_add(test, data->x + first * frame->n, NULL,
                            left < MCBE_POINT_TEST_WIDTH ? left : MCBE_POINT_TEST_WIDTH, results);
        if (mcbe_team_look(team)) {
            break;
        }
    }
    MCBE_TRY(mcbe_team_go_on(team));
    for (int i = 0; i < count && team; i++) {
        share_counts(team, results + i);
    }
out:
    mcbe_point_test_destroy(&test);
    return st;
}

mcbe_status_t mcbe_data_layout(const mcbe_data_t *data, mcbe_layout_t *layout)
{
    const mcbe_scaling_t *scaling = &data->scaling;
    static char shift[] = "data/shift";
    static char factor[] = "data/factor";
    if (scaling->kind != MCBE_NORMALIZE_STANDARD && scaling->kind != MCBE_NORMALIZE_UNIT_RANGE) {
        return MCBE_OK;
    }
    mcbe_column_t column = {.path = shift,
                            .type = MCBE_COLUMN_F64,
                            .shape = MCBE_SHAPE_AXIS,
                            .length = scaling->n,
                            .series = "coordinate",
                            .values = scaling->shift,
                            .units = "1",
                            .description = "normalisation: what is taken off every feature"};
    if (mcbe_layout_add(layout, &column) < 0) {
        return MCBE_ERR_NOMEM;
    }
    column.path = factor;
    column.values = scaling->factor;
    column.description = "normalisation: by what the difference is multiplied";
    return mcbe_layout_add(layout, &column) < 0 ? MCBE_ERR_NOMEM : MCBE_OK;
}
