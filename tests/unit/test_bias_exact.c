/* The estimator against the plain sort-based reference, bit for bit. */

#include "bias_cases.h"
#include "kernel_paths.h"
#include "mcbe/bias.h"
#include "reference_estimator.h"

typedef struct bias_case {
    int m, n;
    int64_t samples;
    frame_family_t family;
    mcbe_frame_t frame;
    mcbe_domain_t domain;
    mcbe_stream_key_t key;
} bias_case_t;

static void case_init(bias_case_t *c, int number)
{
    mcbe_rng_t rng = test_rng(1000 + (uint64_t)number);
    c->n = test_between(&rng, 1, number % 10 == 0 ? 30 : 8);
    c->m = number % 7 == 0 ? c->n : c->n + test_between(&rng, 0, number % 10 == 0 ? 170 : 40);
    c->samples = number % 9 == 0 ? 1 : test_between(&rng, 1, 1100);
    c->family = (frame_family_t)(number % FAMILY_COUNT);
    c->domain = case_domain(&rng);
    c->key = (mcbe_stream_key_t){.seed = 9, .n = c->n, .m = c->m, .trial = number};
    case_frame(&c->frame, c->family, c->m, c->n, &rng);
}

static void run_reference(const bias_case_t *c, reference_t *ref)
{
    const int width = mcbe_domain_block_size(c->n);
    float *x = mcbe_alloc((size_t)c->n * (size_t)width, sizeof *x);
    double *scale = mcbe_alloc((size_t)width, sizeof *scale);
    assert_true(x && scale);
    reference_init(ref, c->m, c->n, c->frame.w);
    for (int64_t sample = 0; sample < c->samples; sample++) {
        const int number = (int)(sample % width);
        if (number == 0) {
            mcbe_stream_key_t key = c->key;
            key.block = sample / width;
            mcbe_domain_fill(&c->domain, c->n, &key, x, scale);
        }
        reference_visit(ref, x + number, width, scale[number], sample);
    }
    mcbe_free(scale);
    mcbe_free(x);
}

static void run_estimator(const bias_case_t *c, mcbe_precision_t precision,
                          mcbe_bias_state_t *state, mcbe_bias_events_t *events)
{
    mcbe_estimator_t *estimator = NULL;
    const int64_t width = mcbe_domain_block_size(c->n);
    assert_int_equal(mcbe_estimator_create(&estimator, &c->frame, &c->domain, &c->key, precision),
                     MCBE_OK);
    assert_int_equal(mcbe_bias_state_init(state, c->m), MCBE_OK);
    for (int64_t block = 0; block * width < c->samples; block++) {
        const int64_t left = c->samples - block * width;
        const int last = (int)(left < width ? left : width);
        assert_int_equal(mcbe_estimator_block(estimator, block, 0, last, state, events), MCBE_OK);
    }
    mcbe_estimator_destroy(&estimator);
    assert_null(estimator);
}

/* Events are the history of the state: each lowers its row, and together they lead to it. */
static void assert_events_lead_to(const mcbe_bias_events_t *events, const mcbe_bias_state_t *state)
{
    mcbe_bias_state_t replayed;
    assert_int_equal(mcbe_bias_state_init(&replayed, state->m), MCBE_OK);
    for (size_t i = 0; i < events->count; i++) {
        const mcbe_bias_event_t *event = &events->list[i];
        assert_true(i == 0 || event[-1].sample <= event->sample);
        assert_true(event->value < replayed.alpha[event->row]);
        replayed.alpha[event->row] = event->value;
        replayed.witness[event->row] = event->sample;
    }
    assert_same_alpha(&replayed, state);
    mcbe_bias_state_free(&replayed);
}

static void assert_estimator_equals_reference(const bias_case_t *c, int with_events)
{
    static const mcbe_precision_t precisions[] = {MCBE_PRECISION_MIXED, MCBE_PRECISION_DOUBLE};
    reference_t ref;
    run_reference(c, &ref);
    for (size_t p = 0; p < COUNT_OF(precisions); p++) {
        mcbe_bias_state_t got;
        mcbe_bias_events_t events = {0};
        run_estimator(c, precisions[p], &got, with_events ? &events : NULL);
        assert_same_state(&got, &ref.state);
        if (with_events) {
            assert_events_lead_to(&events, &got);
        }
        mcbe_bias_events_free(&events);
        mcbe_bias_state_free(&got);
    }
    reference_free(&ref);
}

static void the_estimator_equals_the_reference(void **state)
{
    (void)state;
    for (int number = 0; number < test_cases(900); number++) {
        bias_case_t c;
        case_init(&c, number);
        assert_estimator_equals_reference(&c, number % 2);
        mcbe_frame_free(&c.frame);
    }
}

/* Beyond n = 1024 a block has 64 samples; 150 of them end inside the third. */
static void large_dimensions_equal_the_reference(void **state)
{
    (void)state;
    bias_case_t c = {.m = 1100,
                     .n = 1030,
                     .samples = 150,
                     .domain = {MCBE_DOMAIN_SPHERE, MCBE_RADIAL_ANALYTIC, 1, 0, 0, NULL},
                     .key = {.seed = 4, .m = 1100, .n = 1030}};
    assert_int_equal(mcbe_frame_random(&c.frame, MCBE_ENSEMBLE_GAUSSIAN, &c.key, 0), MCBE_OK);
    assert_estimator_equals_reference(&c, 1);
    mcbe_frame_free(&c.frame);
}

/* One row far larger than all others: next to it their products are subnormal numbers of fp32,
 * where roundings are absolute, or far below those. */
static void rows_far_below_another_equal_the_reference(void **state)
{
    (void)state;
    static const struct {
        double first, others, radius;
    } sizes[] = {{1, 1e-43, 1}, {1, 1e-20, 1e-22}, {1e149, 1e-147, 1e-20}};
    for (int number = 0; number < test_cases(60); number++) {
        mcbe_rng_t rng = test_rng(7000 + (uint64_t)number);
        const double radius = sizes[number % 3].radius;
        bias_case_t c = {.n = test_between(&rng, 1, 30), .samples = 400};
        c.m = c.n + test_between(&rng, 1, 60);
        c.key = (mcbe_stream_key_t){.seed = 9, .m = c.m, .n = c.n, .trial = number};
        c.domain = (mcbe_domain_t){MCBE_DOMAIN_BALL, MCBE_RADIAL_SAMPLED, radius, 0, 0, NULL};
        const size_t size = (size_t)c.m * (size_t)c.n;
        double *w = mcbe_alloc(size, sizeof *w);
        assert_non_null(w);
        for (size_t i = 0; i < size; i++) {
            const double factor =
                i < (size_t)c.n ? sizes[number % 3].first : sizes[number % 3].others;
            w[i] = case_entry(&rng, FAMILY_GAUSSIAN) * factor;
        }
        assert_int_equal(mcbe_frame_copy(&c.frame, c.m, c.n, w, c.n, 0, NULL), MCBE_OK);
        mcbe_free(w);
        assert_estimator_equals_reference(&c, number % 2);
        mcbe_frame_free(&c.frame);
    }
}

/* Points and rows of small integers: coefficients tie with each other, with alpha* and with 0. */
static void points_with_ties_equal_the_reference(void **state)
{
    (void)state;
    for (int number = 0; number < test_cases(200); number++) {
        mcbe_rng_t rng = test_rng(5000 + (uint64_t)number);
        const int n = test_between(&rng, 1, 6), m = n + test_between(&rng, 0, 20);
        const mcbe_domain_t domain = {.kind = MCBE_DOMAIN_GAUSSIAN};
        const mcbe_stream_key_t key = {.n = n, .m = m};
        const mcbe_precision_t precision =
            number % 2 ? MCBE_PRECISION_MIXED : MCBE_PRECISION_DOUBLE;
        mcbe_frame_t frame;
        mcbe_bias_state_t got;
        mcbe_estimator_t *estimator = NULL;
        reference_t ref;
        case_frame(&frame, FAMILY_INTEGERS, m, n, &rng);
        reference_init(&ref, m, n, frame.w);
        assert_int_equal(mcbe_bias_state_init(&got, m), MCBE_OK);
        assert_int_equal(mcbe_estimator_create(&estimator, &frame, &domain, &key, precision),
                         MCBE_OK);
        for (int64_t sample = 0; sample < 200; sample++) {
            float x[6];
            for (int k = 0; k < n; k++) {
                x[k] = (float)test_between(&rng, -1, 1);
            }
            const double scale = test_between(&rng, 1, 2) / 2.0;
            reference_visit(&ref, x, 1, scale, 3 * sample);
            assert_int_equal(
                mcbe_estimator_point(estimator, x, NULL, scale, 3 * sample, &got, NULL), MCBE_OK);
            assert_same_state(&got, &ref.state);
        }
        mcbe_estimator_destroy(&estimator);
        mcbe_bias_state_free(&got);
        reference_free(&ref);
        mcbe_frame_free(&frame);
    }
}

/* Few distinct values, so that nearly every comparison is a tie. */
static void lower_equals_brute_force(void **state)
{
    (void)state;
    enum { M_MAX = 24 };
    mcbe_rng_t rng = test_rng(6);
    for (int number = 0; number < test_cases(50000); number++) {
        const int m = test_between(&rng, 1, M_MAX), n = test_between(&rng, 1, m);
        const int range = test_between(&rng, 0, 4);
        double c[M_MAX], alpha[M_MAX], expected[M_MAX];
        reference_row_t order[M_MAX];
        for (int j = 0; j < m; j++) {
            c[j] = test_between(&rng, -range, range);
            alpha[j] = test_between(&rng, -range, range);
            if (test_between(&rng, 0, 3) == 0) {
                alpha[j] = INFINITY;
            }
            expected[j] = alpha[j];
            order[j] = (reference_row_t){.c = c[j], .row = j};
        }
        const int count = reference_lower(order, m, n, expected);
        int rows[M_MAX], seen[M_MAX] = {0};
        assert_int_equal(mcbe_bias_lower(n, m, alpha, c, rows), count);
        assert_memory_equal(alpha, expected, (size_t)m * sizeof *alpha);
        for (int i = 0; i < count; i++) {
            seen[rows[i]]++;
        }
        for (int i = 0; i < count; i++) {
            assert_int_equal(seen[order[i].row], 1);
        }
    }
}

static void every_path_gives_the_same_bytes(void **state)
{
    assert_same_on_every_path(*state);
}

static int checksum_of_states(void)
{
    uint64_t sum = CHECKSUM_START;
    for (int number = 0; number < test_cases(80); number++) {
        bias_case_t c;
        case_init(&c, number);
        for (int precision = 0; precision < 2; precision++) {
            mcbe_bias_state_t got;
            run_estimator(&c, precision ? MCBE_PRECISION_DOUBLE : MCBE_PRECISION_MIXED, &got, NULL);
            const int64_t counts[] = {got.samples, got.updates, got.last_update, got.min_active};
            sum = checksum(sum, got.alpha, (size_t)c.m * sizeof *got.alpha);
            sum = checksum(sum, got.witness, (size_t)c.m * sizeof *got.witness);
            sum = checksum(sum, counts, sizeof counts);
            mcbe_bias_state_free(&got);
        }
        mcbe_frame_free(&c.frame);
    }
    return print_checksum(sum);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return checksum_of_states();
    }
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_estimator_equals_the_reference),
        UNIT_TEST(large_dimensions_equal_the_reference),
        UNIT_TEST(rows_far_below_another_equal_the_reference),
        UNIT_TEST(points_with_ties_equal_the_reference),
        UNIT_TEST(lower_equals_brute_force),
        UNIT_TEST_OF_PROGRAM(every_path_gives_the_same_bytes, argv[0]),
    };
    return cmocka_run_group_tests_name("bias_exact", tests, NULL, NULL);
}
