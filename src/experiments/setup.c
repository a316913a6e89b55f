#include "setup.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "mcbe/exact.h"
#include "mcbe/search.h"
#include "memory.h"

/* Words of domain.kind beyond those that are a mcbe_domain_kind_t of their own. */
enum { KIND_SMOOTHING = MCBE_DOMAIN_CLOUD, KIND_DENSITY };

mcbe_status_t mcbe_setup_read_domain(mcbe_setup_t *setup, const mcbe_config_t *config,
                                     mcbe_error_t *err)
{
    mcbe_domain_t *domain = &setup->domain;
    const int kind = mcbe_config_enum(config, "domain.kind");
    domain->kind = kind >= KIND_SMOOTHING ? MCBE_DOMAIN_CLOUD : (mcbe_domain_kind_t)kind;
    domain->radial = (mcbe_radial_t)mcbe_config_enum(config, "domain.radial");
    domain->radius = mcbe_config_real(config, "domain.radius");
    domain->inner_radius = mcbe_config_real(config, "domain.inner_radius");
    domain->nonnegative = mcbe_config_bool(config, "domain.nonnegative");
    if (domain->kind == MCBE_DOMAIN_SHELL &&
        !(domain->inner_radius > 0.0 && domain->inner_radius < domain->radius)) {
        return mcbe_config_reject(config, err, "domain.inner_radius",
                                  "%g; a shell needs 0 < inner_radius < radius = %g",
                                  domain->inner_radius, domain->radius);
    }
    if (domain->kind != MCBE_DOMAIN_SHELL && mcbe_config_given(config, "domain.inner_radius")) {
        return mcbe_config_reject(config, err, "domain.inner_radius",
                                  "has a meaning only for domain.kind: shell");
    }
    return MCBE_OK;
}

/* Is a test set to be kept apart, where the table has keys for that? */
static int wants_test(const mcbe_config_t *config)
{
    return mcbe_config_has(config, "data.test_path") &&
           (mcbe_config_given(config, "data.test_path") ||
            mcbe_config_given(config, "data.test_share"));
}

/* The data and what is drawn around them. Tables that know no such domain lack its keys. */
static mcbe_status_t load_data(mcbe_setup_t *setup, mcbe_config_t *config, mcbe_error_t *err)
{
    static const char *const idle[] = {"domain.radius", "domain.nonnegative", "domain.radial"};
    const int kind = mcbe_config_enum(config, "domain.kind");
    mcbe_status_t st = MCBE_OK;
    if (setup->domain.kind != MCBE_DOMAIN_CLOUD) {
        return mcbe_config_has(config, "data.path")
                   ? mcbe_data_refuse(config, "domain.kind: smoothing or kde", err)
                   : MCBE_OK;
    }
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++) {
        if (mcbe_config_given(config, idle[i])) {
            st = mcbe_config_reject(config, err, idle[i], "has no meaning for points around data");
        }
    }
    if (st == MCBE_OK) {
        st = mcbe_data_open(&setup->data, config, wants_test(config), setup->seed, err);
    }
    if (st == MCBE_OK) {
        st = mcbe_data_cloud(&setup->cloud, &setup->data,
                             kind == KIND_DENSITY ? MCBE_NOISE_DENSITY : MCBE_NOISE_SMOOTHING,
                             config, err);
    }
    setup->domain.cloud = setup->cloud;
    return st;
}

mcbe_status_t mcbe_setup_check_n(const mcbe_setup_t *setup, const mcbe_config_t *config,
                                 const char *path, int64_t n, mcbe_error_t *err)
{
    if (setup->data.train.count == 0 || setup->data.train.n == n) {
        return MCBE_OK;
    }
    return mcbe_config_reject(config, err, path, "%lld; the data have %d features", (long long)n,
                              setup->data.train.n);
}

double mcbe_setup_loaded_bytes(const mcbe_setup_t *setup)
{
    const mcbe_dataset_t *train = &setup->data.train;
    const mcbe_npy_t *file = &setup->file;
    const double points = (double)(train->count + setup->data.test.count);
    return (double)sizeof *train->x * points * (double)train->n +
           (double)sizeof *file->values * (double)mcbe_npy_matrices(file) * (double)file->rows *
               (double)file->columns;
}

static mcbe_status_t check_design(const mcbe_setup_t *setup, const mcbe_config_t *config,
                                  mcbe_error_t *err)
{
    mcbe_error_t reason = {0};
    if (mcbe_design_check(setup->design, &setup->domain, &reason) == MCBE_OK) {
        return MCBE_OK;
    }
    return mcbe_config_reject(config, err, "sampling.design", "%s; %s",
                              setup->design == MCBE_DESIGN_PAIRED ? "paired" : "crossed",
                              reason.text);
}

static mcbe_status_t check_init_rows(const mcbe_setup_t *setup, const mcbe_config_t *config,
                                     mcbe_error_t *err)
{
    const mcbe_domain_t *domain = &setup->domain;
    if (setup->init_rows && (domain->nonnegative || mcbe_domain_unbounded(domain) ||
                             domain->radial == MCBE_RADIAL_SAMPLED)) {
        return mcbe_config_reject(
            config, err, "sampling.init_rows",
            "true; the rows' directions stand for points of K only on sphere, ball and "
            "shell, with domain.radial: analytic and without domain.nonnegative");
    }
    return MCBE_OK;
}

static mcbe_status_t check_bound(const mcbe_setup_t *setup, const mcbe_config_t *config,
                                 mcbe_error_t *err)
{
    if (setup->bound == MCBE_BOUND_CLOPPER_PEARSON) {
        return setup->holdout_samples == 0 && mcbe_config_given(config, "bound.level")
                   ? mcbe_config_reject(config, err, "bound.level",
                                        "has no meaning without fresh points; holdout.samples is 0")
                   : MCBE_OK;
    }
    if (setup->design != MCBE_DESIGN_IID || setup->unchanged > 0 || setup->init_rows) {
        return mcbe_config_reject(
            config, err, "bound.method",
            "%s; it holds for a fixed number of independent points: sampling.design: iid, without "
            "sampling.stop.unchanged and sampling.init_rows",
            setup->bound == MCBE_BOUND_SCENARIO ? "scenario" : "wait_and_judge");
    }
    return MCBE_OK;
}

static mcbe_status_t read_search(mcbe_setup_t *setup, const mcbe_config_t *config,
                                 mcbe_error_t *err)
{
    static const char *const idle[] = {"search.evaluations", "search.lower_evaluations"};
    mcbe_error_t reason = {0};
    const int enabled = mcbe_config_bool(config, "search.enabled");
    for (size_t i = 0; i < sizeof idle / sizeof *idle && !enabled; i++) {
        if (mcbe_config_given(config, idle[i])) {
            return mcbe_config_reject(config, err, idle[i],
                                      "has a meaning only with search.enabled: true");
        }
    }
    if (!enabled) {
        return MCBE_OK;
    }
    setup->search_evaluations = mcbe_config_int(config, "search.evaluations");
    setup->lower_evaluations = mcbe_config_int(config, "search.lower_evaluations");
    if (mcbe_search_check(&setup->domain, &reason) != MCBE_OK) {
        return mcbe_config_reject(config, err, "search.enabled", "true; %s", reason.text);
    }
    if (setup->lower_evaluations > 0 && setup->domain.nonnegative) {
        return mcbe_config_reject(config, err, "search.lower_evaluations",
                                  "%lld; rows can be lowered only without domain.nonnegative",
                                  (long long)setup->lower_evaluations);
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_setup_work_limit(const mcbe_config_t *config, const char *enabled,
                                    const char *limit, double *work, mcbe_error_t *err)
{
    *work = 0.0;
    if (mcbe_config_bool(config, enabled)) {
        *work = mcbe_config_real(config, limit);
    } else if (mcbe_config_given(config, limit)) {
        return mcbe_config_reject(config, err, limit, "has a meaning only with %s: true", enabled);
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_setup_no_stop(const mcbe_setup_t *setup, const mcbe_config_t *config,
                                 mcbe_error_t *err)
{
    if (setup->unchanged > 0) {
        return mcbe_config_reject(config, err, "sampling.stop.unchanged",
                                  "%lld; curves run over all of sampling.samples, so 0 is the only "
                                  "choice",
                                  (long long)setup->unchanged);
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_setup_exact_alpha(const mcbe_setup_t *setup, const mcbe_frame_t *frame,
                                     double work, double *exact, mcbe_error_t *err)
{
    mcbe_domain_t domain = setup->domain;
    mcbe_status_t st = MCBE_OK;
    domain.radial = MCBE_RADIAL_ANALYTIC; /* it is of directions, wherever the samples lie */
    if (mcbe_exact_alpha_work(frame->n, frame->m) > work) {
        for (int j = 0; j < frame->m; j++) {
            exact[j] = (double)NAN;
        }
        return MCBE_OK;
    }
    MCBE_TRY(mcbe_exact_alpha(frame, work, exact, NULL, NULL, err));
    mcbe_domain_finish(&domain, frame->m, exact, exact);
out:
    return st;
}

mcbe_status_t mcbe_setup_open_frame(mcbe_setup_t *setup, mcbe_config_t *config, mcbe_error_t *err)
{
    memset(setup, 0, sizeof *setup);
    setup->seed = (uint64_t)mcbe_config_int(config, "seed");
    setup->ensemble = (mcbe_ensemble_t)mcbe_config_enum(config, "frame.ensemble");
    setup->frame_path = mcbe_config_string(config, "frame.path");
    setup->normalize_rows = mcbe_config_bool(config, "frame.normalize_rows");
    return mcbe_setup_load_frame(setup, config, err);
}

mcbe_status_t mcbe_setup_open_layers(mcbe_setup_t *setup, mcbe_config_t *config, mcbe_error_t *err)
{
    const mcbe_status_t st = mcbe_setup_open_frame(setup, config, err);
    setup->precision = (mcbe_precision_t)mcbe_config_enum(config, "sampling.precision");
    setup->samples = mcbe_config_int(config, "sampling.samples");
    setup->unchanged = mcbe_config_int(config, "sampling.stop.unchanged");
    return st;
}

mcbe_status_t mcbe_setup_open_points(mcbe_setup_t *setup, mcbe_config_t *config, mcbe_error_t *err)
{
    const mcbe_status_t layers = mcbe_setup_open_layers(setup, config, err);
    setup->design = (mcbe_design_t)mcbe_config_enum(config, "sampling.design");
    setup->init_rows = mcbe_config_bool(config, "sampling.init_rows");
    const mcbe_status_t domain =
        mcbe_setup_read_domain(setup, config, err); /* the others look at it */
    const mcbe_status_t st[] = {domain, check_design(setup, config, err),
                                check_init_rows(setup, config, err), layers,
                                load_data(setup, config, err)};
    return mcbe_first_failure(st, sizeof st / sizeof *st);
}

mcbe_status_t mcbe_setup_open(mcbe_setup_t *setup, mcbe_config_t *config, mcbe_error_t *err)
{
    const mcbe_status_t points = mcbe_setup_open_points(setup, config, err);
    setup->holdout_samples = mcbe_config_int(config, "holdout.samples");
    setup->bound = (mcbe_bound_t)mcbe_config_enum(config, "bound.method");
    setup->bound_level = mcbe_config_real(config, "bound.level");
    setup->scale_by_norm = mcbe_config_enum(config, "bias_scale") == 0;
    const mcbe_status_t st[] = {
        points,
        mcbe_setup_read_families(setup, points == MCBE_OK, config, err),
        check_bound(setup, config, err),
        read_search(setup, config, err),
        mcbe_setup_work_limit(config, "exact.enabled", "exact.work_limit", &setup->exact_work, err),
        mcbe_setup_work_limit(config, "polytope.enabled", "polytope.work_limit",
                              &setup->polytope_work, err)};
    return mcbe_first_failure(st, sizeof st / sizeof *st);
}

void mcbe_setup_free(mcbe_setup_t *setup)
{
    mcbe_cloud_destroy(&setup->cloud);
    mcbe_data_free(&setup->data);
    mcbe_npy_free(&setup->file);
    for (int i = 0; i < setup->family_count; i++) {
        mcbe_free(setup->families[i].file);
    }
    mcbe_free(setup->families);
    memset(setup, 0, sizeof *setup);
}

int mcbe_setup_fixed_shape(const mcbe_setup_t *setup, int *m, int *n)
{
    if (setup->ensemble == MCBE_ENSEMBLE_FILE) {
        *m = (int)setup->file.rows;
        *n = (int)setup->file.columns;
        return 1;
    }
    return mcbe_frame_named_shape(setup->ensemble, m, n) == MCBE_OK;
}

mcbe_stream_key_t mcbe_setup_key(const mcbe_setup_t *setup, const mcbe_cell_t *cell, int64_t trial)
{
    return (mcbe_stream_key_t){.seed = setup->seed, .n = cell->n, .m = cell->m, .trial = trial};
}

mcbe_status_t mcbe_setup_frame(const mcbe_setup_t *setup, const mcbe_stream_key_t *key,
                               mcbe_frame_t *frame)
{
    switch (setup->ensemble) {
    case MCBE_ENSEMBLE_GAUSSIAN:
    case MCBE_ENSEMBLE_SPHERE:
        return mcbe_frame_random(frame, setup->ensemble, key, setup->normalize_rows);
    case MCBE_ENSEMBLE_TETRAHEDRON:
    case MCBE_ENSEMBLE_OCTAHEDRON:
    case MCBE_ENSEMBLE_ICOSAHEDRON:
        return mcbe_frame_named(frame, setup->ensemble);
    case MCBE_ENSEMBLE_FILE:
        break;
    }
    return mcbe_setup_frame_of_file(frame, setup, key->trial, NULL);
}
