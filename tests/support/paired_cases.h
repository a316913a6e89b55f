#ifndef MCBE_TEST_PAIRED_CASES_H
#define MCBE_TEST_PAIRED_CASES_H

/* The paired design done plainly: banks as rows, one sum at a time. */

#include "bias_cases.h"
#include "mcbe/bias.h"
#include "reference_estimator.h"

typedef struct plain_banks {
    int n;
    int64_t rows;
    float *a, *b; /* owned, [rows][n] */
} plain_banks_t;

static inline float *plain_bank(int which, int n, const mcbe_stream_key_t *key, int64_t rows)
{
    const int64_t width = mcbe_domain_block_size(n);
    float *bank = mcbe_alloc((size_t)(rows * n), sizeof *bank);
    float *block = mcbe_alloc((size_t)(width * n), sizeof *block);
    assert_true(bank && block);
    for (int64_t row = 0; row < rows; row++) {
        if (row % width == 0) {
            mcbe_stream_key_t at = *key;
            at.block = row / width;
            mcbe_paired_fill(which, n, &at, block);
        }
        for (int k = 0; k < n; k++) {
            bank[row * n + k] = block[k * width + row % width];
        }
    }
    mcbe_free(block);
    return bank;
}

/* Rows for the samples [0, samples). */
static inline void plain_banks_init(plain_banks_t *banks, int n, const mcbe_stream_key_t *key,
                                    int64_t samples)
{
    int64_t rows = 1;
    while (rows * rows < samples) {
        rows++;
    }
    *banks = (plain_banks_t){.n = n, .rows = rows};
    banks->a = plain_bank(0, n, key, rows);
    banks->b = plain_bank(1, n, key, rows);
}

static inline void plain_banks_free(plain_banks_t *banks)
{
    mcbe_free(banks->b);
    mcbe_free(banks->a);
}

/* The sum that a sample is, in fp64. @return the factor that takes it into K */
static inline double plain_sum(const plain_banks_t *banks, const mcbe_domain_t *domain,
                               int64_t sample, double *x)
{
    int64_t row_a, row_b;
    mcbe_paired_rows(sample, &row_a, &row_b);
    assert_true(row_a < banks->rows && row_b < banks->rows);
    const float *a = banks->a + row_a * banks->n, *b = banks->b + row_b * banks->n;
    for (int k = 0; k < banks->n; k++) {
        x[k] = (double)a[k] + (double)b[k];
    }
    return mcbe_paired_scale(domain, banks->n, a, b);
}

/* Visit one sample; a sum that is 0 has no direction, so it counts but shows nothing. */
static inline void reference_visit_sum(reference_t *ref, const plain_banks_t *banks,
                                       const mcbe_domain_t *domain, int64_t sample)
{
    const double scale = plain_sum(banks, domain, sample, ref->x);
    if (scale == 0) {
        ref->state.samples++;
    } else {
        reference_visit_held(ref, scale, sample);
    }
}

/* A layer, a domain and a number of samples. */
typedef struct paired_case {
    int m, n;
    int64_t samples;
    mcbe_frame_t frame;
    mcbe_domain_t domain;
    mcbe_stream_key_t key;
} paired_case_t;

static inline mcbe_domain_t paired_domain(mcbe_rng_t *rng)
{
    mcbe_domain_t domain = case_domain(rng);
    domain.radial = MCBE_RADIAL_ANALYTIC;
    domain.nonnegative = 0;
    return domain;
}

static inline void paired_case_init(paired_case_t *c, uint64_t number, frame_family_t family, int m,
                                    int n, int64_t samples)
{
    mcbe_rng_t rng = test_rng(20000 + number);
    *c = (paired_case_t){.m = m, .n = n, .samples = samples, .domain = paired_domain(&rng)};
    c->key = (mcbe_stream_key_t){.seed = 11, .n = n, .m = m, .trial = (int64_t)number};
    case_frame(&c->frame, family, m, n, &rng);
}

/* A case of any family: few samples or some blocks, a square frame now and then. */
static inline void random_paired_case(paired_case_t *c, int number)
{
    mcbe_rng_t rng = test_rng(30000 + (uint64_t)number);
    const int n = test_between(&rng, 1, number % 10 == 0 ? 30 : 8);
    const int m = number % 7 == 0 ? n : n + test_between(&rng, 0, number % 10 == 0 ? 170 : 40);
    const int64_t samples = number % 9 == 0 ? 1 : test_between(&rng, 1, 1600);
    paired_case_init(c, (uint64_t)number, (frame_family_t)(number % FAMILY_COUNT), m, n, samples);
}

static inline mcbe_estimator_t *paired_estimator(const paired_case_t *c, mcbe_precision_t precision)
{
    mcbe_estimator_t *estimator = NULL;
    assert_int_equal(mcbe_estimator_create_design(&estimator, &c->frame, &c->domain, &c->key,
                                                  precision, MCBE_DESIGN_PAIRED, c->samples),
                     MCBE_OK);
    return estimator;
}

/* Visit the samples [first, last), by blocks. */
static inline void visit_samples(mcbe_estimator_t *estimator, int64_t first, int64_t last,
                                 mcbe_bias_state_t *state, mcbe_bias_events_t *events)
{
    int64_t block = 0;
    while (first < last) {
        const int64_t start = mcbe_block_start(MCBE_DESIGN_PAIRED, 1, block);
        const int64_t end = mcbe_block_start(MCBE_DESIGN_PAIRED, 1, block + 1);
        if (first < end) {
            const int64_t stop = last < end ? last : end;
            assert_int_equal(
                mcbe_estimator_block(estimator, block, first - start, stop - start, state, events),
                MCBE_OK);
            first = stop;
        }
        block++;
    }
}

/* All samples of a case in one go. */
static inline void run_paired(const paired_case_t *c, mcbe_precision_t precision,
                              mcbe_bias_state_t *state)
{
    mcbe_estimator_t *estimator = paired_estimator(c, precision);
    assert_int_equal(mcbe_bias_state_init(state, c->m), MCBE_OK);
    visit_samples(estimator, 0, c->samples, state, NULL);
    mcbe_estimator_destroy(&estimator);
}

static inline void run_paired_reference(const paired_case_t *c, reference_t *ref)
{
    plain_banks_t banks;
    plain_banks_init(&banks, c->n, &c->key, c->samples);
    reference_init(ref, c->m, c->n, c->frame.w);
    for (int64_t sample = 0; sample < c->samples; sample++) {
        reference_visit_sum(ref, &banks, &c->domain, sample);
    }
    plain_banks_free(&banks);
}

#endif
