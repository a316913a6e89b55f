#include "mcbe/estimate.h"

#include "check.h"
#include "mcbe/sample.h"

mcbe_status_t mcbe_estimate_check(const mcbe_estimate_t *estimate, const mcbe_domain_t *domain,
                                  int n, mcbe_error_t *err)
{
    mcbe_status_t st = mcbe_domain_check(domain, err);
    if (st != MCBE_OK) {
        return st;
    }
    if (domain->kind == MCBE_DOMAIN_CLOUD && mcbe_cloud_dimension(domain->cloud) != n) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "domain: its data are of dimension %d; the layer's inputs are of "
                         "dimension %d",
                         mcbe_cloud_dimension(domain->cloud), n);
    }
    if (estimate->samples < 1) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT, "samples: %lld; at least 1 is needed",
                         (long long)estimate->samples);
    }
    if (estimate->unchanged < 0) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT, "unchanged: %lld; allowed are 0 (never) and more",
                         (long long)estimate->unchanged);
    }
    if (estimate->init_rows && (domain->nonnegative || mcbe_domain_unbounded(domain) ||
                                domain->radial == MCBE_RADIAL_SAMPLED)) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "init_rows: the rows' directions stand for points of K only on sphere, "
                         "ball and shell, with analytic radii and without nonnegative");
    }
    return mcbe_design_check(estimate->design, domain, err);
}

mcbe_status_t mcbe_estimate_rows(const mcbe_frame_t *frame, mcbe_estimator_t *estimator,
                                 mcbe_bias_state_t *state, mcbe_bias_events_t *events)
{
    const mcbe_domain_t sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1.0};
    const mcbe_stream_key_t none = {.n = frame->n, .m = frame->m};
    mcbe_point_t point = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_point_init(&point, frame->n));
    for (int64_t row = 0; row < state->m; row++) {
        const int64_t sample = mcbe_row_sample(row);
        MCBE_TRY(mcbe_sample_point(MCBE_DESIGN_IID, &sphere, frame, &none, NULL, sample, &point));
        MCBE_TRY(
            mcbe_estimator_point(estimator, point.a, NULL, point.scale, sample, state, events));
    }
out:
    mcbe_point_free(&point);
    return st;
}

int64_t mcbe_bias_unchanged(const mcbe_bias_state_t *state, int64_t end)
{
    /* directions of rows have ids below -1: they come before the first random point */
    const int64_t last = state->last_update > -1 ? state->last_update : -1;
    return end - 1 - last;
}

mcbe_status_t mcbe_estimate_layer(const mcbe_estimate_t *estimate, const mcbe_frame_t *frame,
                                  const mcbe_domain_t *domain, const mcbe_stream_key_t *key,
                                  mcbe_bias_state_t *state, mcbe_error_t *err)
{
    mcbe_estimator_t *estimator = NULL;
    mcbe_status_t st;
    MCBE_TRY(mcbe_estimate_check(estimate, domain, frame->n, err));
    MCBE_TRY(mcbe_estimator_create_design(&estimator, frame, domain, key, estimate->precision,
                                          estimate->design, estimate->samples));
    MCBE_TRY(mcbe_estimate_with(estimate, frame, estimator, state));
out:
    mcbe_estimator_destroy(&estimator);
    return st;
}

mcbe_status_t mcbe_estimate_with(const mcbe_estimate_t *estimate, const mcbe_frame_t *frame,
                                 mcbe_estimator_t *estimator, mcbe_bias_state_t *state)
{
    mcbe_status_t st = MCBE_OK;
    if (estimate->uncounted) {
        mcbe_estimator_look_ahead(estimator);
    }
    if (estimate->init_rows) {
        MCBE_TRY(mcbe_estimate_rows(frame, estimator, state, NULL));
    }
    int64_t end = 0;
    for (int64_t block = 0; end < estimate->samples; block++) {
        const int64_t start = end;
        end = mcbe_block_start(estimate->design, frame->n, block + 1);
        end = end < estimate->samples ? end : estimate->samples;
        MCBE_TRY(mcbe_estimator_block(estimator, block, 0, end - start, state, NULL));
        if ((block + 1) % mcbe_round_blocks(estimate->design, estimate->unchanged) == 0 &&
            estimate->unchanged > 0 && mcbe_bias_unchanged(state, end) >= estimate->unchanged) {
            break;
        }
    }
out:
    return st;
}
