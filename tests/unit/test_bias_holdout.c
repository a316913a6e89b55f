/* Counts over the hold-out against a plain loop that sorts canonical coefficients. */

#include "bias_cases.h"
#include "kernel_paths.h"
#include "mcbe/bias.h"
#include "reference_estimator.h"

static const mcbe_precision_t precisions[] = {MCBE_PRECISION_MIXED, MCBE_PRECISION_DOUBLE};

typedef struct holdout_case {
    int m, n;
    int64_t points; /* of the hold-out */
    mcbe_frame_t frame;
    mcbe_domain_t domain;
    mcbe_stream_key_t key;
} holdout_case_t;

static void case_init(holdout_case_t *c, int number)
{
    mcbe_rng_t rng = test_rng(3000 + (uint64_t)number);
    c->n = test_between(&rng, 1, number % 10 == 0 ? 30 : 8);
    c->m = number % 7 == 0 ? c->n : c->n + test_between(&rng, 0, number % 10 == 0 ? 120 : 40);
    c->points = test_between(&rng, 1, 700);
    c->domain = case_domain(&rng);
    c->key = (mcbe_stream_key_t){.seed = 9, .n = c->n, .m = c->m, .trial = number};
    case_frame(&c->frame, (frame_family_t)(number % FAMILY_COUNT), c->m, c->n, &rng);
}

/* Call with every point of the hold-out in turn, in ref->order and as the number of active rows of
 * the first ref->m rows. */
typedef void point_fn(reference_t *ref, int64_t active, int64_t sample, void *context);

static void for_every_point(const holdout_case_t *c, reference_t *ref, point_fn *visit,
                            void *context)
{
    const int width = mcbe_domain_block_size(c->n);
    float *x = mcbe_alloc((size_t)c->n * (size_t)width, sizeof *x);
    double *scale = mcbe_alloc((size_t)width, sizeof *scale);
    assert_true(x && scale);
    for (int64_t sample = 0; sample < c->points; sample++) {
        const int64_t number = sample % width;
        if (number == 0) {
            mcbe_stream_key_t key = c->key;
            key.purpose = MCBE_PURPOSE_HOLDOUT;
            key.block = sample / width;
            mcbe_domain_fill(&c->domain, c->n, &key, x, scale);
        }
        double norm_x = 0;
        for (int k = 0; k < c->n; k++) {
            ref->x[k] = (double)x[k * width + number];
            norm_x += ref->x[k] * ref->x[k];
        }
        norm_x = sqrt(norm_x) * scale[number];
        int64_t active = 0;
        for (int j = 0; j < ref->m; j++) {
            const double value = reference_coefficient(ref, j, scale[number]);
            active += value >= -8.0 * c->n * DBL_EPSILON * norm_x * ref->norm[j];
            ref->order[j] = (reference_row_t){.c = value, .row = j};
        }
        qsort(ref->order, (size_t)ref->m, sizeof *ref->order, compare_reference_rows);
        visit(ref, active, sample, context);
    }
    mcbe_free(scale);
    mcbe_free(x);
}

static void count_point(reference_t *ref, int64_t active, int64_t sample, void *context)
{
    (void)sample;
    mcbe_holdout_t *expected = context;
    int lowers = 0;
    for (int i = 0; i < ref->n; i++) {
        lowers |= ref->order[i].c < ref->state.alpha[ref->order[i].row];
    }
    expected->samples++;
    expected->violations += lowers;
    expected->few_active += active < ref->n;
}

static void count_by_estimator(const holdout_case_t *c, mcbe_precision_t precision,
                               const mcbe_bias_state_t *states, int count, mcbe_holdout_t *got)
{
    mcbe_estimator_t *estimator = NULL;
    const int64_t width = mcbe_domain_block_size(c->n);
    assert_int_equal(mcbe_estimator_create(&estimator, &c->frame, &c->domain, &c->key, precision),
                     MCBE_OK);
    memset(got, 0, (size_t)count * sizeof *got);
    for (int64_t block = 0; block * width < c->points; block++) {
        const int64_t left = c->points - block * width, last = left < width ? left : width;
        /* in two parts, the second one first */
        assert_int_equal(
            mcbe_estimator_holdout(estimator, block, last / 3, last, states, count, got), MCBE_OK);
        assert_int_equal(mcbe_estimator_holdout(estimator, block, 0, last / 3, states, count, got),
                         MCBE_OK);
    }
    mcbe_estimator_destroy(&estimator);
}

/* Both precisions against the reference's state; @return violations */
static int64_t assert_counts_equal_the_reference(const holdout_case_t *c, reference_t *ref)
{
    mcbe_holdout_t expected = {0};
    for_every_point(c, ref, count_point, &expected);
    for (size_t p = 0; p < COUNT_OF(precisions); p++) {
        mcbe_bias_state_t before;
        mcbe_holdout_t got;
        assert_int_equal(mcbe_bias_state_init(&before, ref->m), MCBE_OK);
        mcbe_bias_state_copy(&before, &ref->state);
        count_by_estimator(c, precisions[p], &ref->state, 1, &got);
        assert_int_equal(got.samples, c->points);
        assert_int_equal(got.violations, expected.violations);
        assert_int_equal(got.few_active, expected.few_active);
        assert_same_state(&ref->state, &before);
        mcbe_bias_state_free(&before);
    }
    return expected.violations;
}

/* alpha* over some samples, as a run leaves it. */
static void train(const holdout_case_t *c, mcbe_bias_state_t *state, int64_t samples)
{
    mcbe_estimator_t *estimator = NULL;
    assert_int_equal(
        mcbe_estimator_create(&estimator, &c->frame, &c->domain, &c->key, MCBE_PRECISION_MIXED),
        MCBE_OK);
    assert_int_equal(mcbe_estimator_block(estimator, 0, 0, samples, state, NULL), MCBE_OK);
    mcbe_estimator_destroy(&estimator);
}

static void counts_equal_the_reference(void **state)
{
    (void)state;
    int64_t violations = 0, points = 0;
    for (int number = 0; number < test_cases(600); number++) {
        holdout_case_t c;
        reference_t ref;
        case_init(&c, number);
        reference_init(&ref, c.m, c.n, c.frame.w);
        train(&c, &ref.state, number % 5 == 0 ? 0 : 200);
        violations += assert_counts_equal_the_reference(&c, &ref);
        points += c.points;
        reference_free(&ref);
        mcbe_frame_free(&c.frame);
    }
    assert_true(violations > points / 100 && violations < points / 2); /* both answers occur */
}

static void lower_by_point(reference_t *ref, int64_t active, int64_t sample, void *context)
{
    (void)active;
    (void)context;
    for (int i = 0; i < ref->n; i++) {
        const reference_row_t *row = &ref->order[i];
        if (row->c < ref->state.alpha[row->row]) {
            ref->state.alpha[row->row] = row->c;
            ref->state.witness[row->row] = sample;
        }
    }
}

/* Against their own minima no point of the hold-out lowers anything, though each witness touches its
 * entry; one unit in the last place higher, and the witness does. */
static void ties_are_decided_exactly(void **state)
{
    (void)state;
    for (int number = 0; number < test_cases(240); number++) {
        holdout_case_t c;
        reference_t ref;
        case_init(&c, number);
        reference_init(&ref, c.m, c.n, c.frame.w);
        for_every_point(&c, &ref, lower_by_point, NULL);
        assert_int_equal(assert_counts_equal_the_reference(&c, &ref), 0);
        int row = 0;
        while (ref.state.witness[row] < 0) {
            row++;
        }
        ref.state.alpha[row] = nextafter(ref.state.alpha[row], (double)INFINITY);
        assert_true(assert_counts_equal_the_reference(&c, &ref) >= 1);
        reference_free(&ref);
        mcbe_frame_free(&c.frame);
    }
}

/* Layers of the first rows of a frame, in one pass and in any order. */
static void several_states_share_the_points(void **state)
{
    (void)state;
    enum { LAYERS = 4 };
    for (int number = 0; number < test_cases(60); number++) {
        holdout_case_t c;
        mcbe_rng_t rng = test_rng(8000 + (uint64_t)number);
        reference_t refs[LAYERS];
        mcbe_bias_state_t states[LAYERS];
        mcbe_holdout_t got[LAYERS];
        case_init(&c, number);
        for (int i = 0; i < LAYERS; i++) {
            reference_init(&refs[i], test_between(&rng, c.n, c.m), c.n, c.frame.w);
            states[i] = refs[i].state;
            for (int j = 0; j < states[i].m; j++) {
                states[i].alpha[j] = c.frame.norm[j] * (mcbe_rng_uniform(&rng) - 0.5);
            }
        }
        count_by_estimator(&c, precisions[number % 2], states, LAYERS, got);
        for (int i = 0; i < LAYERS; i++) {
            mcbe_holdout_t expected = {0};
            for_every_point(&c, &refs[i], count_point, &expected);
            assert_int_equal(got[i].samples, c.points);
            assert_int_equal(got[i].violations, expected.violations);
            assert_int_equal(got[i].few_active, expected.few_active);
            reference_free(&refs[i]);
        }
        mcbe_frame_free(&c.frame);
    }
}

/* Among the samples themselves nothing is below alpha*; among fresh points something is, so they are
 * others: with m rows and N samples a share of about m / N. */
static void the_holdout_is_not_the_samples(void **state)
{
    (void)state;
    holdout_case_t c = {.m = 40, .n = 4, .points = 256, .domain = {.kind = MCBE_DOMAIN_GAUSSIAN}};
    mcbe_bias_state_t found;
    mcbe_holdout_t got;
    c.key = (mcbe_stream_key_t){.seed = 5, .m = c.m, .n = c.n};
    assert_int_equal(mcbe_frame_random(&c.frame, MCBE_ENSEMBLE_GAUSSIAN, &c.key, 0), MCBE_OK);
    assert_int_equal(mcbe_bias_state_init(&found, c.m), MCBE_OK);
    train(&c, &found, 256);
    count_by_estimator(&c, MCBE_PRECISION_MIXED, &found, 1, &got);
    assert_in_range(got.violations, 5, 100);
    mcbe_bias_state_free(&found);
    mcbe_frame_free(&c.frame);
}

static void the_paired_design_has_no_holdout(void **state)
{
    (void)state;
    const mcbe_domain_t domain = {MCBE_DOMAIN_SPHERE, MCBE_RADIAL_ANALYTIC, 1, 0, 0, NULL};
    const mcbe_stream_key_t key = {.n = 3, .m = 4};
    mcbe_frame_t frame;
    mcbe_estimator_t *estimator = NULL;
    mcbe_bias_state_t found;
    mcbe_holdout_t holdout = {0};
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_TETRAHEDRON), MCBE_OK);
    assert_int_equal(mcbe_bias_state_init(&found, 4), MCBE_OK);
    assert_int_equal(mcbe_estimator_create_design(&estimator, &frame, &domain, &key,
                                                  MCBE_PRECISION_MIXED, MCBE_DESIGN_PAIRED, 256),
                     MCBE_OK);
    assert_int_equal(mcbe_estimator_holdout(estimator, 0, 0, 1, &found, 1, &holdout),
                     MCBE_ERR_ARGUMENT);
    assert_int_equal(holdout.samples, 0);
    mcbe_estimator_destroy(&estimator);
    mcbe_bias_state_free(&found);
    mcbe_frame_free(&frame);
}

static void witnesses_are_counted_once(void **state)
{
    (void)state;
    static const int64_t witness[] = {7, -1, 3, 7, 0, INT64_C(1) << 40, -1, 3, 3};
    mcbe_bias_state_t found;
    int64_t count = -5;
    assert_int_equal(mcbe_bias_state_init(&found, COUNT_OF(witness)), MCBE_OK);
    assert_int_equal(mcbe_bias_witness_count(&found, &count), MCBE_OK);
    assert_int_equal(count, 0);
    memcpy(found.witness, witness, sizeof witness);
    assert_int_equal(mcbe_bias_witness_count(&found, &count), MCBE_OK);
    assert_int_equal(count, 4); /* 0, 3, 7 and 2^40 */
    assert_memory_equal(found.witness, witness, sizeof witness);
    mcbe_alloc_fail_after(0);
    assert_int_equal(mcbe_bias_witness_count(&found, &count), MCBE_ERR_NOMEM);
    assert_int_equal(count, 4);
    mcbe_bias_state_free(&found);
}

static void every_path_gives_the_same_counts(void **state)
{
    assert_same_on_every_path(*state);
}

static int checksum_of_counts(void)
{
    uint64_t sum = CHECKSUM_START;
    for (int number = 0; number < test_cases(60); number++) {
        holdout_case_t c;
        mcbe_bias_state_t found;
        mcbe_holdout_t got;
        case_init(&c, number);
        assert_int_equal(mcbe_bias_state_init(&found, c.m), MCBE_OK);
        train(&c, &found, 100);
        count_by_estimator(&c, precisions[number % 2], &found, 1, &got);
        sum = checksum(sum, &got, sizeof got);
        mcbe_bias_state_free(&found);
        mcbe_frame_free(&c.frame);
    }
    return print_checksum(sum);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return checksum_of_counts();
    }
    const struct CMUnitTest tests[] = {
        UNIT_TEST(counts_equal_the_reference),
        UNIT_TEST(ties_are_decided_exactly),
        UNIT_TEST(several_states_share_the_points),
        UNIT_TEST(the_holdout_is_not_the_samples),
        UNIT_TEST(the_paired_design_has_no_holdout),
        UNIT_TEST(witnesses_are_counted_once),
        UNIT_TEST_OF_PROGRAM(every_path_gives_the_same_counts, argv[0]),
    };
    return cmocka_run_group_tests_name("bias_holdout", tests, NULL, NULL);
}
