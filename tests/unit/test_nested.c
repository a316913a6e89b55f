/* Nested layers in one pass: each ends with the bytes of a pass of its own over the same points. */

#include "mcbe/bias.h"
#include "unit.h"

enum { LAYERS_MAX = 64 };

typedef struct nest {
    mcbe_frame_t frame;
    mcbe_domain_t domain;
    mcbe_stream_key_t key;
    mcbe_design_t design;
    mcbe_precision_t precision;
    int m[LAYERS_MAX], count;
    int64_t samples;
} nest_t;

/* Layers from all of m = n .. M, or from a random choice of them. */
static void choose_layers(nest_t *nest, int n, int largest, mcbe_rng_t *rng)
{
    const int all = test_between(rng, 0, 1);
    nest->count = 0;
    for (int m = n; m <= largest && nest->count < LAYERS_MAX; m++) {
        if (all || test_between(rng, 0, 3) == 0 || m == largest) {
            nest->m[nest->count++] = m;
        }
    }
}

static void nest_init(nest_t *nest, int number)
{
    mcbe_rng_t rng = test_rng(400 + (uint64_t)number);
    const int n = test_between(&rng, 1, 12), largest = n + test_between(&rng, 0, 50);
    nest->key = (mcbe_stream_key_t){.seed = 3, .n = n, .m = largest, .trial = number};
    nest->design = number % 2 ? MCBE_DESIGN_PAIRED : MCBE_DESIGN_IID;
    nest->precision = number % 3 ? MCBE_PRECISION_MIXED : MCBE_PRECISION_DOUBLE;
    nest->domain = (mcbe_domain_t){.kind = number % 5 ? MCBE_DOMAIN_SPHERE : MCBE_DOMAIN_GAUSSIAN,
                                   .radius = 1.0};
    nest->samples = test_between(&rng, 1, 6000);
    assert_int_equal(
        mcbe_frame_random(&nest->frame, MCBE_ENSEMBLE_GAUSSIAN, &nest->key, number % 7 == 0),
        MCBE_OK);
    choose_layers(nest, n, largest, &rng);
}

/* Visit all samples with an estimator for `frame`; states [count]. */
static void pass(const nest_t *nest, const mcbe_frame_t *frame, mcbe_bias_state_t *states,
                 int count, mcbe_bias_events_t *events)
{
    mcbe_estimator_t *estimator;
    assert_int_equal(mcbe_estimator_create_design(&estimator, frame, &nest->domain, &nest->key,
                                                  nest->precision, nest->design, nest->samples),
                     MCBE_OK);
    int64_t start = 0;
    for (int64_t block = 0; start < nest->samples; block++) {
        const int64_t end = mcbe_block_start(nest->design, frame->n, block + 1);
        const int64_t last = end < nest->samples ? end : nest->samples;
        assert_int_equal(
            mcbe_estimator_block_nested(estimator, block, 0, last - start, states, count, events),
            MCBE_OK);
        start = last;
    }
    mcbe_estimator_destroy(&estimator);
}

static void assert_same_state(const mcbe_bias_state_t *a, const mcbe_bias_state_t *b)
{
    const size_t m = (size_t)a->m;
    assert_int_equal(a->m, b->m);
    assert_memory_equal(a->alpha, b->alpha, m * sizeof *a->alpha);
    assert_memory_equal(a->witness, b->witness, m * sizeof *a->witness);
    assert_int_equal(a->samples, b->samples);
    assert_int_equal(a->updates, b->updates);
    assert_int_equal(a->last_update, b->last_update);
    assert_int_equal(a->min_active, b->min_active);
    assert_int_equal(a->min_active_sample, b->min_active_sample);
}

static void check_layer(const nest_t *nest, const mcbe_bias_state_t *nested,
                        const mcbe_bias_events_t *events)
{
    mcbe_frame_t frame;
    mcbe_bias_state_t alone, replayed;
    mcbe_bias_events_t own_events = {0};
    assert_int_equal(
        mcbe_frame_copy(&frame, nested->m, nest->frame.n, nest->frame.w, nest->frame.n, 0, NULL),
        MCBE_OK);
    assert_int_equal(mcbe_bias_state_init(&alone, nested->m), MCBE_OK);
    pass(nest, &frame, &alone, 1, &own_events);
    assert_same_state(nested, &alone);
    assert_int_equal(events->count, own_events.count);

    /* the events tell the same story as the state */
    assert_int_equal(mcbe_bias_state_init(&replayed, nested->m), MCBE_OK);
    mcbe_bias_sort_events(events->list, events->count);
    mcbe_bias_replay(&replayed, events->list, events->count);
    assert_memory_equal(replayed.alpha, nested->alpha, (size_t)nested->m * sizeof *nested->alpha);
    assert_int_equal(replayed.updates, nested->updates);

    mcbe_bias_events_free(&own_events);
    mcbe_bias_state_free(&replayed);
    mcbe_bias_state_free(&alone);
    mcbe_frame_free(&frame);
}

static void nested_layers_equal_passes_of_their_own(void **state)
{
    (void)state;
    for (int number = 0; number < test_cases(60); number++) {
        nest_t nest;
        mcbe_bias_state_t states[LAYERS_MAX];
        mcbe_bias_events_t events[LAYERS_MAX] = {{0}};
        nest_init(&nest, number);
        for (int i = 0; i < nest.count; i++) {
            assert_int_equal(mcbe_bias_state_init(&states[i], nest.m[i]), MCBE_OK);
        }
        pass(&nest, &nest.frame, states, nest.count, events);
        for (int i = 0; i < nest.count; i++) {
            check_layer(&nest, &states[i], &events[i]);
            mcbe_bias_events_free(&events[i]);
            mcbe_bias_state_free(&states[i]);
        }
        mcbe_frame_free(&nest.frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(nested_layers_equal_passes_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
