/* Prints a checksum of alpha*, witnesses and counts for a fixed list of layers: one line a layer,
 * the same on every machine. */

#include <stdio.h>

#include "mcbe/bias.h"
#include "unit.h"

typedef struct digest_case {
    int m, n;
    mcbe_domain_kind_t kind;
    int64_t samples;
} digest_case_t;

static const digest_case_t cases[] = {
    {7, 1, MCBE_DOMAIN_SPHERE, 20000},     {40, 2, MCBE_DOMAIN_SPHERE, 20000},
    {12, 3, MCBE_DOMAIN_BALL, 20000},      {20, 3, MCBE_DOMAIN_GAUSSIAN, 20000},
    {5, 5, MCBE_DOMAIN_SPHERE, 5000},      {60, 8, MCBE_DOMAIN_SHELL, 20000},
    {100, 12, MCBE_DOMAIN_SPHERE, 10000},  {150, 30, MCBE_DOMAIN_SPHERE, 20000},
    {300, 20, MCBE_DOMAIN_GAUSSIAN, 2000}, {520, 65, MCBE_DOMAIN_SPHERE, 1000},
    {1100, 1030, MCBE_DOMAIN_SPHERE, 70},
};

static uint64_t state_digest(const mcbe_bias_state_t *state)
{
    const int64_t counts[] = {state->samples, state->updates, state->last_update, state->min_active,
                              state->min_active_sample};
    uint64_t sum = checksum(CHECKSUM_START, state->alpha, (size_t)state->m * sizeof *state->alpha);
    sum = checksum(sum, state->witness, (size_t)state->m * sizeof *state->witness);
    return checksum(sum, counts, sizeof counts);
}

/* @return MCBE_OK with the checksum */
static mcbe_status_t run_case(const digest_case_t *c, mcbe_design_t design,
                              mcbe_precision_t precision, uint64_t *digest)
{
    const mcbe_stream_key_t key = {.seed = 77, .n = c->n, .m = c->m};
    const mcbe_domain_t domain = {
        .kind = c->kind, .radial = MCBE_RADIAL_ANALYTIC, .radius = 1, .inner_radius = 0.5};
    mcbe_frame_t frame;
    mcbe_bias_state_t state = {0};
    mcbe_estimator_t *estimator = NULL;
    mcbe_status_t st = mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0);
    if (st == MCBE_OK) {
        st = mcbe_bias_state_init(&state, c->m);
    }
    if (st == MCBE_OK) {
        st = mcbe_estimator_create_design(&estimator, &frame, &domain, &key, precision, design,
                                          c->samples);
    }
    for (int64_t block = 0; st == MCBE_OK && state.samples < c->samples; block++) {
        const int64_t width = mcbe_block_start(design, c->n, block + 1) - state.samples;
        const int64_t left = c->samples - state.samples;
        st = mcbe_estimator_block(estimator, block, 0, left < width ? left : width, &state, NULL);
    }
    if (st == MCBE_OK) {
        *digest = state_digest(&state);
    }
    mcbe_estimator_destroy(&estimator);
    mcbe_bias_state_free(&state);
    mcbe_frame_free(&frame);
    return st;
}

int main(void)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int run = 0; run < 4; run++) {
            const mcbe_design_t design = run & 1 ? MCBE_DESIGN_PAIRED : MCBE_DESIGN_IID;
            const mcbe_precision_t precision =
                run & 2 ? MCBE_PRECISION_DOUBLE : MCBE_PRECISION_MIXED;
            uint64_t digest = 0;
            mcbe_status_t st = run_case(&cases[i], design, precision, &digest);
            if (st != MCBE_OK) {
                fprintf(stderr, "case %zu: %s\n", i, mcbe_strerror(st));
                return 1;
            }
            printf("%4d x %4d %s %s %016llx\n", cases[i].m, cases[i].n,
                   run & 1 ? "paired" : "iid   ", run & 2 ? "double" : "mixed ",
                   (unsigned long long)digest);
        }
    }
    return 0;
}
