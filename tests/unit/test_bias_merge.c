/* Work on the same samples split up, put together, replayed, scaled and permuted. */

#include "bias_cases.h"
#include "mcbe/bias.h"
#include "reference_estimator.h"

enum { CASES = 24, WIDTH = 256 };

typedef struct setting {
    mcbe_frame_t frame;
    mcbe_domain_t domain;
    mcbe_stream_key_t key;
    mcbe_estimator_t *estimator;
} setting_t;

static void make_estimator(setting_t *s, mcbe_precision_t precision)
{
    assert_int_equal(
        mcbe_estimator_create(&s->estimator, &s->frame, &s->domain, &s->key, precision), MCBE_OK);
    assert_int_equal(mcbe_domain_block_size(s->frame.n), WIDTH);
}

static void setting_init(setting_t *s, int number)
{
    mcbe_rng_t rng = test_rng(100 + (uint64_t)number);
    const int n = test_between(&rng, 1, 10), m = n + test_between(&rng, 0, 50);
    s->key = (mcbe_stream_key_t){.seed = 8, .n = n, .m = m, .trial = number};
    s->domain = case_domain(&rng);
    case_frame(&s->frame, (frame_family_t)(number % FAMILY_SCALABLE_COUNT), m, n, &rng);
    make_estimator(s, number % 2 ? MCBE_PRECISION_DOUBLE : MCBE_PRECISION_MIXED);
}

static void setting_free(setting_t *s)
{
    mcbe_estimator_destroy(&s->estimator);
    mcbe_frame_free(&s->frame);
}

static void new_state(mcbe_bias_state_t *state, int m)
{
    assert_int_equal(mcbe_bias_state_init(state, m), MCBE_OK);
}

static void visit_block(const setting_t *s, int64_t block, mcbe_bias_state_t *state,
                        mcbe_bias_events_t *events)
{
    assert_int_equal(mcbe_estimator_block(s->estimator, block, 0, WIDTH, state, events), MCBE_OK);
}

static void blocks_may_be_visited_in_parts(void **state)
{
    (void)state;
    static const int cuts[] = {0, 1, 63, 64, 65, 100, 255, 256};
    for (int number = 0; number < test_cases(CASES); number++) {
        setting_t s;
        setting_init(&s, number);
        for (size_t c = 0; c < COUNT_OF(cuts); c++) {
            mcbe_bias_state_t whole, parts;
            mcbe_bias_events_t whole_events = {0}, parts_events = {0};
            new_state(&whole, s.frame.m);
            new_state(&parts, s.frame.m);
            for (int64_t block = 0; block < 3; block++) {
                visit_block(&s, block, &whole, &whole_events);
                assert_int_equal(
                    mcbe_estimator_block(s.estimator, block, 0, cuts[c], &parts, &parts_events),
                    MCBE_OK);
                assert_int_equal(
                    mcbe_estimator_block(s.estimator, block, cuts[c], WIDTH, &parts, &parts_events),
                    MCBE_OK);
            }
            assert_same_state(&parts, &whole);
            mcbe_bias_sort_events(whole_events.list, whole_events.count);
            mcbe_bias_sort_events(parts_events.list, parts_events.count);
            assert_int_equal(parts_events.count, whole_events.count);
            assert_memory_equal(parts_events.list, whole_events.list,
                                whole_events.count * sizeof *whole_events.list);
            mcbe_bias_events_free(&parts_events);
            mcbe_bias_events_free(&whole_events);
            mcbe_bias_state_free(&parts);
            mcbe_bias_state_free(&whole);
        }
        setting_free(&s);
    }
}

static void merging_disjoint_sets_gives_their_union(void **state)
{
    (void)state;
    enum { BLOCKS = 9, PARTS = 3 };
    for (int number = 0; number < test_cases(CASES); number++) {
        setting_t s;
        mcbe_bias_state_t whole, parts[PARTS], forward, backward;
        setting_init(&s, number);
        new_state(&whole, s.frame.m);
        new_state(&forward, s.frame.m);
        new_state(&backward, s.frame.m);
        for (int p = 0; p < PARTS; p++) {
            new_state(&parts[p], s.frame.m);
        }
        for (int64_t block = 0; block < BLOCKS; block++) {
            visit_block(&s, block, &whole, NULL);
            visit_block(&s, block, &parts[block % PARTS], NULL);
        }
        for (int p = 0; p < PARTS; p++) {
            mcbe_bias_merge(&forward, &parts[p]);
            mcbe_bias_merge(&backward, &parts[PARTS - 1 - p]);
        }
        assert_same_alpha(&forward, &whole);
        assert_same_alpha(&backward, &whole);
        assert_int_equal(forward.samples, whole.samples);
        assert_int_equal(forward.min_active, whole.min_active);
        assert_int_equal(forward.updates, -1);
        for (int p = 0; p < PARTS; p++) {
            mcbe_bias_state_free(&parts[p]);
        }
        mcbe_bias_state_free(&backward);
        mcbe_bias_state_free(&forward);
        mcbe_bias_state_free(&whole);
        setting_free(&s);
    }
}

static void merged_ties_keep_the_lowest_sample(void **state)
{
    (void)state;
    /* both unseen; seen on one side; equal with either side earlier; lower on either side */
    const double left[] = {INFINITY, 1, INFINITY, 2, 2, 3, 5};
    const double right[] = {INFINITY, INFINITY, 1, 2, 2, 4, 4};
    const int64_t left_witness[] = {-1, 7, -1, 5, 9, 50, 1};
    const int64_t right_witness[] = {-1, -1, 8, 6, 4, 2, 60};
    const double expected[] = {INFINITY, 1, 1, 2, 2, 3, 4};
    const int64_t expected_witness[] = {-1, 7, 8, 5, 4, 50, 60};
    mcbe_bias_state_t a, b;
    new_state(&a, 7);
    new_state(&b, 7);
    memcpy(a.alpha, left, sizeof left);
    memcpy(b.alpha, right, sizeof right);
    memcpy(a.witness, left_witness, sizeof left_witness);
    memcpy(b.witness, right_witness, sizeof right_witness);
    a.samples = 30;
    b.samples = 12;
    a.min_active = 4;
    b.min_active = 3;
    mcbe_bias_merge(&a, &b);
    assert_memory_equal(a.alpha, expected, sizeof expected);
    assert_memory_equal(a.witness, expected_witness, sizeof expected_witness);
    assert_int_equal(a.samples, 42);
    assert_int_equal(a.min_active, 3);
    assert_memory_equal(b.alpha, right, sizeof right);
    mcbe_bias_state_free(&b);
    mcbe_bias_state_free(&a);
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

/* One round of `blocks` blocks by `ranks` pretended ranks, each from the round's start, then the
 * replay. Blocks are dealt in turn or in runs. */
static void play_round(const setting_t *s, int64_t first, int64_t blocks, int ranks, int in_turn,
                       mcbe_bias_state_t *state)
{
    mcbe_bias_events_t all = {0};
    for (int rank = ranks - 1; rank >= 0; rank--) { /* the order of arrival must not matter */
        mcbe_bias_state_t own;
        mcbe_bias_events_t events = {0};
        new_state(&own, s->frame.m);
        mcbe_bias_state_copy(&own, state);
        for (int64_t i = 0; i < blocks; i++) {
            const int64_t owner = in_turn ? i % ranks : i * ranks / blocks;
            if (owner == rank) {
                visit_block(s, first + i, &own, &events);
            }
        }
        append_events(&all, &events);
        mcbe_bias_events_free(&events);
        mcbe_bias_state_free(&own);
    }
    mcbe_bias_sort_events(all.list, all.count);
    const int64_t samples = state->samples, min_active = state->min_active;
    mcbe_bias_replay(state, all.list, all.count);
    assert_int_equal(state->samples, samples);
    assert_int_equal(state->min_active, min_active);
    mcbe_bias_events_free(&all);
}

static void replaying_the_ranks_events_gives_the_sequential_state(void **state)
{
    (void)state;
    enum { ROUNDS = 3, ROUND = 7 };
    static const int rank_counts[] = {1, 2, 3, 5};
    for (int number = 0; number < test_cases(CASES); number++) {
        setting_t s;
        setting_init(&s, number);
        for (size_t r = 0; r < 2 * COUNT_OF(rank_counts); r++) {
            mcbe_bias_state_t sequential, played;
            new_state(&sequential, s.frame.m);
            new_state(&played, s.frame.m);
            for (int64_t round = 0; round < ROUNDS; round++) {
                for (int64_t block = 0; block < ROUND; block++) {
                    visit_block(&s, round * ROUND + block, &sequential, NULL);
                }
                play_round(&s, round * ROUND, ROUND, rank_counts[r / 2], r % 2, &played);
                assert_same_alpha(&played, &sequential);
                assert_int_equal(played.updates, sequential.updates);
                assert_int_equal(played.last_update, sequential.last_update);
            }
            mcbe_bias_state_free(&played);
            mcbe_bias_state_free(&sequential);
        }
        setting_free(&s);
    }
}

static void events_are_sorted_by_sample_and_row(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    mcbe_bias_event_t events[COUNT];
    mcbe_rng_t rng = test_rng(2);
    int64_t value_sum = 0;
    for (int i = 0; i < COUNT; i++) {
        const int64_t sample =
            test_between(&rng, 0, 60) + ((int64_t)test_between(&rng, 0, 1) << 40);
        events[i] = (mcbe_bias_event_t){sample, test_between(&rng, 0, 9), i};
        value_sum += i;
    }
    mcbe_bias_sort_events(events, COUNT);
    for (int i = 1; i < COUNT; i++) {
        const mcbe_bias_event_t *a = &events[i - 1], *b = &events[i];
        assert_true(a->sample < b->sample || (a->sample == b->sample && a->row <= b->row));
    }
    for (int i = 0; i < COUNT; i++) {
        value_sum -= (int64_t)events[i].value;
    }
    assert_int_equal(value_sum, 0);
    mcbe_bias_sort_events(NULL, 0);
}

static void replay_counts_points_not_entries(void **state)
{
    (void)state;
    const mcbe_bias_event_t events[] = {{3, 0, 2.0}, {3, 1, 1.0},  {4, 0, 2.0},
                                        {9, 1, 1.5}, {9, 2, -1.0}, {12, 0, 1.75}};
    mcbe_bias_state_t played;
    new_state(&played, 4);
    mcbe_bias_replay(&played, events, COUNT_OF(events));
    const double alpha[] = {1.75, 1, -1, INFINITY};
    const int64_t witness[] = {12, 3, 9, -1};
    assert_memory_equal(played.alpha, alpha, sizeof alpha);
    assert_memory_equal(played.witness, witness, sizeof witness);
    assert_int_equal(played.updates, 3);
    assert_int_equal(played.last_update, 12);
    mcbe_bias_replay(&played, NULL, 0);
    assert_int_equal(played.updates, 3);
    mcbe_bias_state_free(&played);
}

static void more_samples_never_raise_alpha(void **state)
{
    (void)state;
    for (int number = 0; number < test_cases(CASES); number++) {
        setting_t s;
        mcbe_bias_state_t now, before;
        setting_init(&s, number);
        new_state(&now, s.frame.m);
        new_state(&before, s.frame.m);
        for (int64_t block = 0; block < 10; block++) {
            mcbe_bias_state_copy(&before, &now);
            visit_block(&s, block, &now, NULL);
            assert_true(now.min_active <= before.min_active);
            assert_true(now.updates >= before.updates);
            for (int j = 0; j < s.frame.m; j++) {
                assert_true(now.alpha[j] <= before.alpha[j]);
            }
        }
        mcbe_bias_state_free(&before);
        mcbe_bias_state_free(&now);
        setting_free(&s);
    }
}

/* The setting with its matrix replaced by `w`, on the same samples: alpha* after four blocks. */
static void run_with_matrix(const setting_t *s, const double *w, mcbe_precision_t precision,
                            mcbe_bias_state_t *state)
{
    setting_t other = {.domain = s->domain, .key = s->key};
    assert_int_equal(mcbe_frame_copy(&other.frame, s->frame.m, s->frame.n, w, s->frame.n, 0, NULL),
                     MCBE_OK);
    make_estimator(&other, precision);
    new_state(state, s->frame.m);
    for (int64_t block = 0; block < 4; block++) {
        visit_block(&other, block, state, NULL);
    }
    setting_free(&other);
}

static void a_power_of_two_scales_alpha_exactly(void **state)
{
    (void)state;
    static const int exponents[] = {-30, -1, 1, 10, 60};
    for (int number = 0; number < test_cases(CASES); number++) {
        setting_t s;
        setting_init(&s, number);
        const int size = s.frame.m * s.frame.n;
        double *scaled = mcbe_alloc((size_t)size, sizeof *scaled);
        assert_non_null(scaled);
        int exponent = exponents[number % 5];
        if (s.frame.norm_max > 1e100 || s.frame.norm_max < 1e-100) { /* away from the limits */
            exponent = s.frame.norm_max > 1 ? -60 : 60;
        }
        for (int i = 0; i < size; i++) {
            scaled[i] = ldexp(s.frame.w[i], exponent);
        }
        for (int precision = 0; precision < 2; precision++) {
            mcbe_bias_state_t plain, large;
            run_with_matrix(&s, s.frame.w, (mcbe_precision_t)precision, &plain);
            run_with_matrix(&s, scaled, (mcbe_precision_t)precision, &large);
            for (int j = 0; j < plain.m; j++) {
                plain.alpha[j] = ldexp(plain.alpha[j], exponent);
            }
            assert_same_state(&large, &plain);
            mcbe_bias_state_free(&large);
            mcbe_bias_state_free(&plain);
        }
        mcbe_free(scaled);
        setting_free(&s);
    }
}

/* Gaussian rows have no equal coefficients, so the order of rows is of no account. */
static void permuting_rows_permutes_alpha(void **state)
{
    (void)state;
    for (int number = 0; number < test_cases(CASES); number++) {
        mcbe_rng_t rng = test_rng(300 + (uint64_t)number);
        const int n = test_between(&rng, 2, 10), m = n + test_between(&rng, 0, 50);
        setting_t s = {.domain = case_domain(&rng), .key = {.seed = 8, .n = n, .m = m}};
        case_frame(&s.frame, FAMILY_GAUSSIAN, m, n, &rng);
        double *permuted = mcbe_alloc((size_t)m * (size_t)n, sizeof *permuted);
        int *from = mcbe_alloc((size_t)m, sizeof *from);
        assert_true(permuted && from);
        for (int j = 0; j < m; j++) { /* Fisher-Yates, inside out */
            const int place = test_between(&rng, 0, j);
            from[j] = from[place];
            from[place] = j;
        }
        for (int j = 0; j < m; j++) {
            memcpy(permuted + j * n, s.frame.w + from[j] * n, (size_t)n * sizeof *permuted);
        }
        mcbe_bias_state_t plain, other;
        run_with_matrix(&s, s.frame.w, MCBE_PRECISION_MIXED, &plain);
        run_with_matrix(&s, permuted, MCBE_PRECISION_MIXED, &other);
        for (int j = 0; j < m; j++) {
            assert_true(other.alpha[j] == plain.alpha[from[j]]);
            assert_int_equal(other.witness[j], plain.witness[from[j]]);
        }
        assert_int_equal(other.updates, plain.updates);
        assert_int_equal(other.min_active, plain.min_active);
        mcbe_bias_state_free(&other);
        mcbe_bias_state_free(&plain);
        mcbe_free(from);
        mcbe_free(permuted);
        mcbe_frame_free(&s.frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(blocks_may_be_visited_in_parts),
        UNIT_TEST(merging_disjoint_sets_gives_their_union),
        UNIT_TEST(merged_ties_keep_the_lowest_sample),
        UNIT_TEST(replaying_the_ranks_events_gives_the_sequential_state),
        UNIT_TEST(events_are_sorted_by_sample_and_row),
        UNIT_TEST(replay_counts_points_not_entries),
        UNIT_TEST(more_samples_never_raise_alpha),
        UNIT_TEST(a_power_of_two_scales_alpha_exactly),
        UNIT_TEST(permuting_rows_permutes_alpha),
    };
    return cmocka_run_group_tests_name("bias_merge", tests, NULL, NULL);
}
