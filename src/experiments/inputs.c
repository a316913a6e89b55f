#include "inputs.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "mcbe/domain.h"
#include "memory.h"
#include "network_file.h"

static mcbe_status_t open_data(mcbe_inputs_t *inputs, mcbe_config_t *config, mcbe_error_t *err)
{
    int files;
    (void)mcbe_config_texts(config, "data.path", &files);
    if (inputs->kind == MCBE_INPUTS_DOMAIN) {
        return mcbe_data_refuse(config, "points.kind: data or plane", err);
    }
    if (inputs->kind == MCBE_INPUTS_PLANE && files == 0) {
        return mcbe_data_refuse(config, "a plane through points of data.path", err);
    }
    return mcbe_data_open(&inputs->data, config, 0, inputs->seed, err);
}

static mcbe_status_t refuse_keys(const mcbe_config_t *config, const char *const *paths,
                                 size_t count, const char *kind, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    for (size_t i = 0; i < count; i++) {
        if (mcbe_config_given(config, paths[i])) {
            st = mcbe_config_reject(config, err, paths[i], "has a meaning only for points.kind: %s",
                                    kind);
        }
    }
    return st;
}

/* Keys of the kinds of points that were not chosen. */
static mcbe_status_t refuse_other_kinds(const mcbe_inputs_t *inputs, const mcbe_config_t *config,
                                        mcbe_error_t *err)
{
    static const char *const domain[] = {"domain.kind", "domain.radius", "domain.inner_radius",
                                         "domain.nonnegative", "domain.radial"};
    static const char *const plane[] = {"plane.low", "plane.high", "plane.steps", "plane.points"};
    mcbe_status_t st = MCBE_OK;
    if (inputs->kind != MCBE_INPUTS_DOMAIN) {
        st = refuse_keys(config, domain, sizeof domain / sizeof *domain, "domain", err);
    }
    if (inputs->kind != MCBE_INPUTS_PLANE) {
        const mcbe_status_t other =
            refuse_keys(config, plane, sizeof plane / sizeof *plane, "plane", err);
        st = st == MCBE_OK ? other : st;
    }
    return st;
}

static mcbe_status_t check_width(const mcbe_inputs_t *inputs, const mcbe_config_t *config,
                                 mcbe_error_t *err)
{
    if (inputs->data.train.count > 0 && inputs->data.train.n != inputs->n) {
        return mcbe_config_reject(config, err, "data.path",
                                  "holds points of %d coordinates; the layer's input has %d",
                                  inputs->data.train.n, inputs->n);
    }
    return MCBE_OK;
}

/* How many of the data, or of random points. */
static mcbe_status_t count_points(mcbe_inputs_t *inputs, const mcbe_config_t *config,
                                  mcbe_error_t *err)
{
    inputs->count = mcbe_config_int(config, "points.count");
    if (inputs->kind == MCBE_INPUTS_PLANE) {
        inputs->steps = mcbe_config_int(config, "plane.steps");
        if (mcbe_config_given(config, "points.count")) {
            return mcbe_config_reject(config, err, "points.count",
                                      "has no meaning for a plane, whose grid plane.steps sets");
        }
        inputs->count = inputs->steps * inputs->steps;
    } else if (inputs->kind == MCBE_INPUTS_DATA) {
        const int64_t there = inputs->data.train.count;
        if (inputs->count > there) {
            return mcbe_config_reject(config, err, "points.count",
                                      "%lld; the data have %lld points", (long long)inputs->count,
                                      (long long)there);
        }
        inputs->count = inputs->count == 0 ? there : inputs->count;
    } else if (inputs->count == 0) {
        return mcbe_config_reject(config, err, "points.count",
                                  "is 0; the number of random points is needed");
    }
    return MCBE_OK;
}

/* Random points lie in K, so an analytic radius, which stands for all of them, is of no use. */
static mcbe_status_t check_domain(const mcbe_inputs_t *inputs, const mcbe_config_t *config,
                                  mcbe_error_t *err)
{
    const mcbe_domain_t *domain = &inputs->domain;
    const int has_depth = domain->kind == MCBE_DOMAIN_BALL || domain->kind == MCBE_DOMAIN_SHELL;
    if (inputs->kind == MCBE_INPUTS_DOMAIN && has_depth && domain->radial == MCBE_RADIAL_ANALYTIC) {
        return mcbe_config_reject(config, err, "domain.radial",
                                  "analytic; points of a ball or shell need sampled");
    }
    return MCBE_OK;
}

/* A point and two directions: from the first of three points of the data to the other two, or the
 * first two axes from 0. */
static mcbe_status_t open_plane(mcbe_inputs_t *inputs, const mcbe_config_t *config,
                                mcbe_error_t *err)
{
    const size_t n = (size_t)inputs->n;
    const mcbe_dataset_t *data = &inputs->data.train;
    int count;
    const int64_t *ids = mcbe_config_axis(config, "plane.points", &count);
    if (inputs->kind != MCBE_INPUTS_PLANE) {
        return MCBE_OK;
    }
    inputs->low = mcbe_config_real(config, "plane.low");
    inputs->high = mcbe_config_real(config, "plane.high");
    if (!(inputs->low < inputs->high)) {
        return mcbe_config_reject(config, err, "plane.low", "%g; it must be below plane.high = %g",
                                  inputs->low, inputs->high);
    }
    if (data->count == 0 && (n < 2 || mcbe_config_given(config, "plane.points"))) {
        return n < 2 ? mcbe_config_reject(config, err, "points.kind",
                                          "plane; inputs of one coordinate have none")
                     : mcbe_config_reject(config, err, "plane.points",
                                          "has a meaning only with data.path");
    }
    if (data->count > 0 && (count != 3 || ids[2] >= data->count)) {
        return mcbe_config_reject(config, err, "plane.points",
                                  "must be three of the numbers 0 to %lld of points of the data",
                                  (long long)data->count - 1);
    }
    inputs->plane = mcbe_alloc(3 * n, sizeof *inputs->plane);
    if (!inputs->plane) {
        return MCBE_ERR_NOMEM;
    }
    if (data->count == 0) {
        inputs->plane[n] = inputs->plane[2 * n + 1] = 1.0;
        return MCBE_OK;
    }
    for (size_t k = 0; k < n; k++) {
        const double origin = (double)data->x[(size_t)ids[0] * n + k];
        inputs->plane[k] = origin;
        inputs->plane[n + k] = (double)data->x[(size_t)ids[1] * n + k] - origin;
        inputs->plane[2 * n + k] = (double)data->x[(size_t)ids[2] * n + k] - origin;
    }
    return MCBE_OK;
}

/* Random points, whose ids are those of the domain's blocks. */
static mcbe_status_t fill_random(const mcbe_inputs_t *inputs, int64_t m, int64_t first,
                                 int64_t count, double *x)
{
    const mcbe_domain_t *domain = &inputs->domain;
    const int64_t n = inputs->n, width = mcbe_domain_block_size((int)n);
    mcbe_stream_key_t key = {.seed = inputs->seed, .n = n, .m = m, .purpose = MCBE_PURPOSE_SAMPLE};
    const double radius = domain->kind == MCBE_DOMAIN_SPHERE ? domain->radius : 1.0;
    float *block = mcbe_alloc((size_t)(n * width), sizeof *block);
    double *scale = mcbe_alloc((size_t)width, sizeof *scale);
    const mcbe_status_t st = block && scale ? MCBE_OK : MCBE_ERR_NOMEM;
    for (int64_t i = first; i < first + count && st == MCBE_OK; i++) {
        if (i == first || i % width == 0) {
            key.block = i / width;
            mcbe_domain_fill(domain, (int)n, &key, block, scale);
        }
        const double factor = scale[i % width] * radius;
        for (int64_t k = 0; k < n; k++) {
            x[(i - first) * n + k] = (double)block[k * width + i % width] * factor;
        }
    }
    mcbe_free(scale);
    mcbe_free(block);
    return st;
}

/* Row by row of the grid: the second coefficient changes least often. */
static void fill_plane(const mcbe_inputs_t *inputs, int64_t first, int64_t count, double *x)
{
    const int64_t n = inputs->n, last = inputs->steps - 1;
    const double step = (inputs->high - inputs->low) / (double)last;
    for (int64_t i = first; i < first + count; i++) {
        const double s = inputs->low + step * (double)(i % inputs->steps);
        const double t = inputs->low + step * (double)(i / inputs->steps);
        for (int64_t k = 0; k < n; k++) {
            const double *at = inputs->plane + k;
            x[(i - first) * n + k] = at[0] + s * at[n] + t * at[2 * n];
        }
    }
}

mcbe_status_t mcbe_inputs_open(mcbe_inputs_t *inputs, const mcbe_setup_t *setup,
                               mcbe_config_t *config, mcbe_error_t *err)
{
    memset(inputs, 0, sizeof *inputs);
    inputs->kind = (mcbe_inputs_kind_t)mcbe_config_enum(config, "points.kind");
    inputs->domain = setup->domain;
    inputs->seed = setup->seed;
    const mcbe_status_t kinds = refuse_other_kinds(inputs, config, err);
    const mcbe_status_t domain = check_domain(inputs, config, err);
    mcbe_status_t st;
    MCBE_TRY(kinds);
    MCBE_TRY(domain);
    MCBE_TRY(open_data(inputs, config, err));
out:
    return st;
}

mcbe_status_t mcbe_inputs_fit(mcbe_inputs_t *inputs, int n, const mcbe_config_t *config,
                              mcbe_error_t *err)
{
    mcbe_status_t st;
    inputs->n = n;
    MCBE_TRY(check_width(inputs, config, err));
    MCBE_TRY(count_points(inputs, config, err));
    MCBE_TRY(open_plane(inputs, config, err));
out:
    return st;
}

void mcbe_inputs_free(mcbe_inputs_t *inputs)
{
    mcbe_free(inputs->plane);
    mcbe_data_free(&inputs->data);
}

mcbe_status_t mcbe_inputs_fill(const mcbe_inputs_t *inputs, int64_t m, int64_t first, int64_t count,
                               double *x)
{
    switch (inputs->kind) {
    case MCBE_INPUTS_DOMAIN:
        return fill_random(inputs, m, first, count, x);
    case MCBE_INPUTS_PLANE:
        fill_plane(inputs, first, count, x);
        break;
    case MCBE_INPUTS_DATA:
        for (int64_t i = 0; i < count * inputs->n; i++) {
            x[i] = (double)inputs->data.train.x[first * inputs->n + i];
        }
        break;
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_inputs_load_network(mcbe_network_t *network, mcbe_config_t *config,
                                       const char *path, const char *fact, mcbe_error_t *err)
{
    const mcbe_status_t st = mcbe_config_add_digest(config, fact, path, err);
    return st == MCBE_OK ? mcbe_network_load(network, path, err) : st;
}
