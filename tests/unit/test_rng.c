#include <inttypes.h>
#include <stdio.h>

#include "mcbe/rng.h"
#include "unit.h"

static const mcbe_stream_key_t base_key = {
    .seed = 20240101, .n = 30, .m = 150, .trial = 3, .purpose = MCBE_PURPOSE_SAMPLE, .block = 7};

enum { KEY_FIELDS = 6 };

/* The key with one of its fields moved on. */
static mcbe_stream_key_t moved_key(int field, int64_t by)
{
    mcbe_stream_key_t key = base_key;
    switch (field) {
    case 0:
        key.seed += (uint64_t)by;
        break;
    case 1:
        key.n += by;
        break;
    case 2:
        key.m += by;
        break;
    case 3:
        key.trial += by;
        break;
    case 4:
        key.purpose = (mcbe_purpose_t)((int64_t)key.purpose + by);
        break;
    default:
        key.block += by;
        break;
    }
    return key;
}

static uint64_t first_output(const mcbe_stream_key_t *key)
{
    mcbe_rng_t rng;
    mcbe_rng_init(&rng, key);
    return mcbe_rng_next(&rng);
}

/* Read lines of the known-answer file that start with `kind`. @return 0 at the end of the file */
static int next_known_answer(FILE *file, const char *kind, uint64_t *numbers, int count)
{
    char line[512];
    while (fgets(line, sizeof line, file)) {
        char word[16];
        int used = 0;
        if (sscanf(line, "%15s%n", word, &used) != 1 || strcmp(word, kind)) {
            continue;
        }
        const char *at = line + used;
        for (int i = 0; i < count; i++) {
            assert_int_equal(sscanf(at, "%" SCNx64 "%n", &numbers[i], &used), 1);
            at += used;
        }
        return 1;
    }
    return 0;
}

static FILE *open_known_answers(void)
{
    FILE *file = fopen(MCBE_TEST_DATA "/pcg64_kat.txt", "r");
    assert_non_null(file);
    return file;
}

static void pcg64_gives_numpys_outputs(void **state)
{
    (void)state;
    FILE *file = open_known_answers();
    uint64_t known[9];
    int lines = 0;
    for (; next_known_answer(file, "pcg", known, 9); lines++) {
        mcbe_rng_t rng;
        mcbe_rng_seed(&rng, known, known + 2);
        uint64_t out[1000];
        mcbe_rng_fill(&rng, out, COUNT_OF(out));
        assert_memory_equal(out, known + 4, 4 * sizeof *out);
        assert_int_equal(out[999], known[8]);
    }
    fclose(file);
    assert_int_equal(lines, 11);
}

/* The example in PCG's own demonstration program. */
static void pcg64_of_42_and_54_is_the_published_one(void **state)
{
    (void)state;
    const uint64_t seed[2] = {0, 42}, sequence[2] = {0, 54};
    mcbe_rng_t rng;
    mcbe_rng_seed(&rng, seed, sequence);
    assert_int_equal(mcbe_rng_next(&rng), 0x86b1da1d72062b68U);
    assert_int_equal(mcbe_rng_next(&rng), 0x1304aa46c9853d39U);
}

/* Fails when the rule that turns keys into streams changes: MCBE_STREAM_VERSION must then rise. */
static void keys_give_the_streams_of_this_version(void **state)
{
    (void)state;
    assert_int_equal(MCBE_STREAM_VERSION, 1);
    FILE *file = open_known_answers();
    uint64_t known[8];
    int lines = 0;
    for (; next_known_answer(file, "key", known, 8); lines++) {
        mcbe_stream_key_t key = {.seed = known[0],
                                 .n = (int64_t)known[1],
                                 .m = (int64_t)known[2],
                                 .trial = (int64_t)known[3],
                                 .purpose = (mcbe_purpose_t)known[4],
                                 .block = (int64_t)known[5]};
        mcbe_rng_t rng;
        mcbe_rng_init(&rng, &key);
        assert_int_equal(mcbe_rng_next(&rng), known[6]);
        assert_int_equal(mcbe_rng_next(&rng), known[7]);
    }
    fclose(file);
    assert_int_equal(lines, 6);
}

static void normals_are_those_of_this_version(void **state)
{
    (void)state;
    static const int places[] = {0, 63, 64, 127, 128, 129};
    FILE *file = open_known_answers();
    uint64_t known[12];
    int lines = 0;
    for (; next_known_answer(file, "normals", known, 12); lines++) {
        mcbe_stream_key_t key = {.seed = known[0],
                                 .n = (int64_t)known[1],
                                 .m = (int64_t)known[2],
                                 .trial = (int64_t)known[3],
                                 .purpose = (mcbe_purpose_t)known[4],
                                 .block = (int64_t)known[5]};
        mcbe_rng_t rng;
        float out[130];
        mcbe_rng_init(&rng, &key);
        mcbe_rng_normals(&rng, out, COUNT_OF(out));
        for (size_t i = 0; i < COUNT_OF(places); i++) {
            uint32_t bits;
            memcpy(&bits, &out[places[i]], sizeof bits);
            assert_int_equal(bits, known[6 + i]);
        }
    }
    fclose(file);
    assert_int_equal(lines, 6);
}

static void fill_is_next_repeated(void **state)
{
    (void)state;
    mcbe_rng_t one, many;
    mcbe_rng_init(&one, &base_key);
    many = one;
    static const size_t counts[] = {0, 1, 2, 63, 64, 65, 500};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        uint64_t out[500];
        mcbe_rng_fill(&many, out, counts[i]);
        for (size_t k = 0; k < counts[i]; k++) {
            assert_int_equal(out[k], mcbe_rng_next(&one));
        }
    }
    assert_memory_equal(&one, &many, sizeof one);
}

static void every_field_of_a_key_matters(void **state)
{
    (void)state;
    uint64_t outputs[1 + 2 * KEY_FIELDS] = {first_output(&base_key)};
    for (int field = 0; field < KEY_FIELDS; field++) {
        for (int up = 0; up < 2; up++) {
            mcbe_stream_key_t key = moved_key(field, up ? 1 : -1);
            outputs[1 + 2 * field + up] = first_output(&key);
        }
    }
    for (size_t i = 0; i < COUNT_OF(outputs); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(outputs[i], outputs[k]);
        }
    }
    mcbe_stream_key_t swapped = base_key;
    swapped.n = base_key.m;
    swapped.m = base_key.n;
    assert_int_not_equal(first_output(&swapped), outputs[0]);
}

static void purposes_are_distinct(void **state)
{
    (void)state;
    static const mcbe_purpose_t purposes[] = {
        MCBE_PURPOSE_FRAME,   MCBE_PURPOSE_SAMPLE,  MCBE_PURPOSE_BIAS,   MCBE_PURPOSE_RADIUS,
        MCBE_PURPOSE_BANK_A,  MCBE_PURPOSE_BANK_B,  MCBE_PURPOSE_REFUTE, MCBE_PURPOSE_LOWER,
        MCBE_PURPOSE_HOLDOUT, MCBE_PURPOSE_COVERING};
    for (size_t i = 0; i < COUNT_OF(purposes); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(purposes[i], purposes[k]);
        }
    }
}

static int compare_words(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* 100,800 neighbouring keys; two equal first outputs among them have probability 3e-10. */
static void no_two_keys_share_a_first_output(void **state)
{
    (void)state;
    enum { BLOCKS = 400, TRIALS = 7, SHAPES = 9, PURPOSES = 4 };
    const size_t count = (size_t)BLOCKS * TRIALS * SHAPES * PURPOSES;
    uint64_t *outputs = mcbe_alloc(count, sizeof *outputs);
    assert_non_null(outputs);
    size_t used = 0;
    for (int64_t block = 0; block < BLOCKS; block++) {
        for (int64_t trial = 0; trial < TRIALS; trial++) {
            for (int64_t shape = 0; shape < SHAPES; shape++) {
                for (int purpose = 1; purpose <= PURPOSES; purpose++) {
                    mcbe_stream_key_t key = {1,     shape % 3 + 1,           shape / 3 + 1,
                                             trial, (mcbe_purpose_t)purpose, block};
                    outputs[used++] = first_output(&key);
                }
            }
        }
    }
    qsort(outputs, count, sizeof *outputs, compare_words);
    for (size_t i = 1; i < count; i++) {
        assert_int_not_equal(outputs[i - 1], outputs[i]);
    }
    mcbe_free(outputs);
}

/* PCG seeded with raw counters shows |z| of 10 to 100 here (that is why keys are hashed). */
static void streams_of_neighbouring_keys_are_uncorrelated(void **state)
{
    (void)state;
    enum { STREAMS = 16384, DRAWS = 16 };
    static const int fields[] = {0, 1, 2, 3, 5};
    for (size_t f = 0; f < COUNT_OF(fields); f++) {
        double before[DRAWS] = {0}, sum[DRAWS] = {0}, products[DRAWS] = {0};
        for (int i = 0; i <= STREAMS; i++) {
            mcbe_stream_key_t key = moved_key(fields[f], i);
            mcbe_rng_t rng;
            mcbe_rng_init(&rng, &key);
            for (int d = 0; d < DRAWS; d++) {
                double centred = mcbe_rng_uniform(&rng) - 0.5;
                sum[d] += centred;
                products[d] += centred * before[d]; /* the first has nothing before it: 0 */
                before[d] = centred;
            }
        }
        for (int d = 0; d < DRAWS; d++) { /* variances 1/12 a number, 1/144 a product */
            assert_true(fabs(sum[d]) / sqrt((STREAMS + 1) / 12.0) < 5);
            assert_true(fabs(products[d]) / sqrt(STREAMS / 144.0) < 5);
        }
    }
}

/* To the 53 bits that a double holds: within their interval, its ends included. */
static void uniform_is_the_output_as_a_fraction(void **state)
{
    (void)state;
    mcbe_rng_t uniforms, words;
    mcbe_rng_init(&uniforms, &base_key);
    words = uniforms;
    for (int i = 0; i < 10000; i++) {
        const double upper = (double)(mcbe_rng_next(&words) >> 11);
        const double u = mcbe_rng_uniform(&uniforms);
        assert_true(u > 0 && u < 1);
        assert_true(u * 0x1p53 >= upper && u * 0x1p53 <= upper + 1);
    }
}

/* The known-answer file holds streams whose first output is all ones and all zeros. */
static void uniform_never_reaches_its_ends(void **state)
{
    (void)state;
    FILE *file = open_known_answers();
    uint64_t known[9];
    int extremes = 0;
    while (next_known_answer(file, "pcg", known, 9)) {
        if (known[4] != 0 && known[4] != UINT64_MAX) {
            continue;
        }
        mcbe_rng_t rng;
        mcbe_rng_seed(&rng, known, known + 2);
        double u = mcbe_rng_uniform(&rng);
        assert_true(u > 0 && u < 1);
        extremes++;
    }
    fclose(file);
    assert_int_equal(extremes, 2);
}

static void uniforms_are_uniform(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    double *values = mcbe_alloc(COUNT, sizeof *values);
    assert_non_null(values);
    mcbe_rng_t rng;
    mcbe_rng_init(&rng, &base_key);
    for (int i = 0; i < COUNT; i++) {
        values[i] = mcbe_rng_uniform(&rng);
    }
    assert_true(ks_distance_from_uniform(values, COUNT) < ks_critical(COUNT));
    mcbe_free(values);
}

/* chi-square of `cells` equally likely cells, against its mean plus 5 standard deviations */
static void assert_even_counts(const int64_t *counts, size_t cells)
{
    int64_t total = 0;
    for (size_t i = 0; i < cells; i++) {
        total += counts[i];
    }
    const double expected = (double)total / (double)cells;
    double chi_square = 0;
    for (size_t i = 0; i < cells; i++) {
        chi_square += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    }
    const double freedom = (double)cells - 1;
    assert_true(chi_square < freedom + 5 * sqrt(2 * freedom));
}

static void below_is_in_range_and_even(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {1, 2, 3, 6, 10, 64, 100};
    mcbe_rng_t rng;
    mcbe_rng_init(&rng, &base_key);
    for (size_t b = 0; b < COUNT_OF(bounds); b++) {
        int64_t counts[100] = {0};
        for (int i = 0; i < 50000; i++) {
            uint64_t value = mcbe_rng_below(&rng, bounds[b]);
            assert_true(value < bounds[b]);
            counts[value]++;
        }
        if (bounds[b] > 1) {
            assert_even_counts(counts, bounds[b]);
        }
    }
}

/* For a bound of 3 * 2^62 a multiplication without rejection gives multiples of 3 twice as often
 * as they should come, and a remainder gives the lowest third twice as often. */
static void below_rejects_what_would_bias_it(void **state)
{
    (void)state;
    const uint64_t bound = UINT64_C(3) << 62;
    int64_t remainders[3] = {0}, thirds[3] = {0};
    mcbe_rng_t rng;
    mcbe_rng_init(&rng, &base_key);
    for (int i = 0; i < 30000; i++) {
        uint64_t value = mcbe_rng_below(&rng, bound);
        assert_true(value < bound);
        remainders[value % 3]++;
        thirds[value >> 62]++;
    }
    assert_even_counts(remainders, 3);
    assert_even_counts(thirds, 3);
    for (int i = 0; i < 1000; i++) {
        assert_true(mcbe_rng_below(&rng, UINT64_MAX) < UINT64_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(pcg64_gives_numpys_outputs),
        UNIT_TEST(pcg64_of_42_and_54_is_the_published_one),
        UNIT_TEST(keys_give_the_streams_of_this_version),
        UNIT_TEST(normals_are_those_of_this_version),
        UNIT_TEST(fill_is_next_repeated),
        UNIT_TEST(every_field_of_a_key_matters),
        UNIT_TEST(purposes_are_distinct),
        UNIT_TEST(no_two_keys_share_a_first_output),
        UNIT_TEST(streams_of_neighbouring_keys_are_uncorrelated),
        UNIT_TEST(uniform_is_the_output_as_a_fraction),
        UNIT_TEST(uniform_never_reaches_its_ends),
        UNIT_TEST(uniforms_are_uniform),
        UNIT_TEST(below_is_in_range_and_even),
        UNIT_TEST(below_rejects_what_would_bias_it),
    };
    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
