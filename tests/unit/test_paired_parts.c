/* Samples of the paired design in parts: cut blocks, longer runs, several ranks. */

#include "paired_cases.h"

enum { CASES = 40 };

static void part_case(paired_case_t *c, int number, int64_t samples)
{
    mcbe_rng_t rng = test_rng(60000 + (uint64_t)number);
    const int n = test_between(&rng, 1, 10), m = n + test_between(&rng, 0, 50);
    paired_case_init(c, 1000 + (uint64_t)number, (frame_family_t)(number % FAMILY_COUNT), m, n,
                     samples);
}

static mcbe_precision_t case_precision(int number)
{
    return number % 4 == 3 ? MCBE_PRECISION_DOUBLE : MCBE_PRECISION_MIXED;
}

static void new_state(mcbe_bias_state_t *state, int m)
{
    assert_int_equal(mcbe_bias_state_init(state, m), MCBE_OK);
}

static void blocks_may_be_visited_in_parts(void **state)
{
    (void)state;
    for (int number = 0; number < test_cases(CASES); number++) {
        paired_case_t c;
        mcbe_bias_state_t whole, parts;
        mcbe_bias_events_t whole_events = {0}, parts_events = {0};
        mcbe_rng_t rng = test_rng(70000 + (uint64_t)number);
        part_case(&c, number, 4 * 4 * 256);
        mcbe_estimator_t *estimator = paired_estimator(&c, case_precision(number));
        new_state(&whole, c.m);
        new_state(&parts, c.m);
        visit_samples(estimator, 0, c.samples, &whole, &whole_events);
        for (int64_t first = 0; first < c.samples;) {
            const int64_t last = first + test_between(&rng, 0, 400);
            const int64_t stop = last < c.samples ? last : c.samples;
            visit_samples(estimator, first, stop, &parts, &parts_events);
            first = stop;
        }
        assert_same_state(&parts, &whole);
        assert_int_equal(parts_events.count, whole_events.count);
        assert_memory_equal(parts_events.list, whole_events.list,
                            whole_events.count * sizeof *whole_events.list);
        mcbe_bias_events_free(&parts_events);
        mcbe_bias_events_free(&whole_events);
        mcbe_bias_state_free(&parts);
        mcbe_bias_state_free(&whole);
        mcbe_estimator_destroy(&estimator);
        mcbe_frame_free(&c.frame);
    }
}

/* Banks that were made larger hold the same rows first; blocks may also be entered in the middle.
 */
static void a_longer_run_extends_a_shorter_one(void **state)
{
    (void)state;
    for (int number = 0; number < test_cases(CASES); number++) {
        static const int64_t lengths[] = {1, 200, 256, 700, 5000};
        paired_case_t c;
        mcbe_bias_state_t shorter, longer;
        part_case(&c, number, lengths[number % 5]);
        run_paired(&c, case_precision(number), &shorter);
        const int64_t samples = c.samples;
        c.samples = 300000; /* rows beyond the first block of a bank */
        mcbe_estimator_t *estimator = paired_estimator(&c, case_precision(number));
        new_state(&longer, c.m);
        visit_samples(estimator, 0, samples, &longer, NULL);
        assert_same_state(&longer, &shorter);
        visit_samples(estimator, samples, samples + 3000, &longer, NULL);
        mcbe_bias_state_free(&shorter);
        c.samples = samples + 3000;
        run_paired(&c, case_precision(number), &shorter);
        assert_same_state(&longer, &shorter);
        mcbe_bias_state_free(&longer);
        mcbe_bias_state_free(&shorter);
        mcbe_estimator_destroy(&estimator);
        mcbe_frame_free(&c.frame);
    }
}

static void append_events(mcbe_bias_events_t *all, const mcbe_bias_events_t *more)
{
    void *list = all->list;
    assert_int_equal(
        mcbe_grow(&list, &all->capacity, all->count + more->count + 1, sizeof *all->list), MCBE_OK);
    all->list = list;
    for (size_t i = 0; i < more->count; i++) {
        all->list[all->count++] = more->list[i];
    }
}

/* One round of `blocks` blocks by `ranks` pretended ranks with banks of their own, each from the
 * round's start; then minima are merged and events replayed. */
static void play_round(const paired_case_t *c, mcbe_precision_t precision, int64_t first,
                       int64_t blocks, int ranks, mcbe_bias_state_t *state)
{
    mcbe_bias_events_t all = {0};
    mcbe_bias_state_t merged;
    new_state(&merged, c->m);
    for (int rank = ranks - 1; rank >= 0; rank--) { /* the order of arrival must not matter */
        mcbe_estimator_t *estimator = paired_estimator(c, precision);
        mcbe_bias_state_t own;
        mcbe_bias_events_t events = {0};
        new_state(&own, c->m);
        mcbe_bias_state_copy(&own, state);
        for (int64_t block = first + rank; block < first + blocks; block += ranks) {
            visit_samples(estimator, mcbe_block_start(MCBE_DESIGN_PAIRED, c->n, block),
                          mcbe_block_start(MCBE_DESIGN_PAIRED, c->n, block + 1), &own, &events);
        }
        append_events(&all, &events);
        mcbe_bias_merge(&merged, &own);
        mcbe_bias_events_free(&events);
        mcbe_bias_state_free(&own);
        mcbe_estimator_destroy(&estimator);
    }
    mcbe_bias_sort_events(all.list, all.count);
    mcbe_bias_replay(state, all.list, all.count);
    state->min_active = merged.min_active;
    state->min_active_sample = merged.min_active_sample;
    state->samples = mcbe_block_start(MCBE_DESIGN_PAIRED, c->n, first + blocks);
    assert_same_alpha(&merged, state);
    mcbe_bias_events_free(&all);
    mcbe_bias_state_free(&merged);
}

static void rounds_split_over_ranks_give_the_sequential_state(void **state)
{
    (void)state;
    enum { ROUNDS = 3, ROUND = 4 };
    for (int number = 0; number < test_cases(CASES); number++) {
        paired_case_t c;
        part_case(&c, number, mcbe_block_start(MCBE_DESIGN_PAIRED, 1, ROUNDS * ROUND));
        mcbe_estimator_t *estimator = paired_estimator(&c, case_precision(number));
        mcbe_bias_state_t sequential, played;
        new_state(&sequential, c.m);
        new_state(&played, c.m);
        for (int64_t round = 0; round < ROUNDS; round++) {
            visit_samples(estimator, mcbe_block_start(MCBE_DESIGN_PAIRED, c.n, round * ROUND),
                          mcbe_block_start(MCBE_DESIGN_PAIRED, c.n, (round + 1) * ROUND),
                          &sequential, NULL);
            play_round(&c, case_precision(number), round * ROUND, ROUND, 1 + number % 5, &played);
            assert_same_state(&played, &sequential);
        }
        mcbe_bias_state_free(&played);
        mcbe_bias_state_free(&sequential);
        mcbe_estimator_destroy(&estimator);
        mcbe_frame_free(&c.frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(blocks_may_be_visited_in_parts),
        UNIT_TEST(a_longer_run_extends_a_shorter_one),
        UNIT_TEST(rounds_split_over_ranks_give_the_sequential_state),
    };
    return cmocka_run_group_tests_name("paired_parts", tests, NULL, NULL);
}
