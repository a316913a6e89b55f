/* Normals: their layout, their accuracy as Box-Muller pairs, their law, and their bits on every
 * path. */

#include <stdio.h>

#include "kernel_paths.h"
#include "mcbe/rng.h"
#include "unit.h"

enum { GROUP = 64, CHUNK = 1000064 /* a multiple of two groups, about 10^6 */ };

static mcbe_rng_t stream(int64_t trial)
{
    const mcbe_stream_key_t key = {77, 10, 20, trial, MCBE_PURPOSE_SAMPLE, 0};
    mcbe_rng_t rng;
    mcbe_rng_init(&rng, &key);
    return rng;
}

/* Cosine and sine of the pair that one draw gives: a group of one. */
static void pair_of_draw(mcbe_rng_t rng, size_t draw, float pair[2])
{
    for (size_t i = 0; i < draw; i++) {
        (void)mcbe_rng_next(&rng);
    }
    mcbe_rng_normals(&rng, pair, 2);
}

static void groups_are_laid_out_as_documented(void **state)
{
    (void)state;
    enum { MOST = 700 };
    static const size_t counts[] = {0,   1,   2,   3,   63,  64,  65,  126, 127, 128,
                                    129, 130, 191, 255, 256, 257, 383, 384, MOST};
    const mcbe_rng_t start = stream(0);
    float pairs[MOST / 2][2];
    for (size_t i = 0; i < MOST / 2; i++) {
        pair_of_draw(start, i, pairs[i]);
    }
    for (size_t c = 0; c < COUNT_OF(counts); c++) {
        const size_t count = counts[c];
        float out[MOST + 1], expected[MOST + 1];
        memset(out, 0x5a, sizeof out);
        memset(expected, 0x5a, sizeof expected);
        mcbe_rng_t rng = start;
        mcbe_rng_normals(&rng, out, count);

        size_t draw = 0;
        for (size_t at = 0; at < count;) {
            const size_t left = count - at, draws = left >= 2 * GROUP ? GROUP : (left + 1) / 2;
            for (size_t i = 0; i < draws; i++, draw++) {
                expected[at + i] = pairs[draw][0];
                if (draws + i < left) {
                    expected[at + draws + i] = pairs[draw][1];
                }
            }
            at += left < 2 * draws ? left : 2 * draws;
        }
        assert_memory_equal(out, expected, sizeof out);

        mcbe_rng_t after = start;
        for (size_t i = 0; i < draw; i++) {
            (void)mcbe_rng_next(&after);
        }
        assert_memory_equal(&rng, &after, sizeof rng);
    }
}

/* Each pair again in long double from the same integers. The radius belongs to u, the fp32 number
 * made of the upper half; the angle is (quadrant + (k + 1/2) 2^-30) pi/2 - pi/4 + the quantum's
 * half, that is quadrant pi/2 + (4 k - 2^31) (pi/2) 2^-32 with k the lower 30 bits. */
static void pairs_are_accurate(void **state)
{
    (void)state;
    const float ulp = 0x1p-24F; /* half a unit in the last place of a number in [1, 2) */
    mcbe_rng_t draws = stream(1), normals = draws;
    double worst_radius = 0, worst_angle = 0;
    for (int i = 0; i < 1 << 19; i++) {
        uint64_t bits = mcbe_rng_next(&draws);
        float pair[2];
        mcbe_rng_normals(&normals, pair, 2);

        float u = ((float)(uint32_t)(bits >> 33) + 0.5F) * 0x1p-31F;
        long double radius = sqrtl(-2 * logl((long double)u));
        uint32_t low = (uint32_t)bits;
        long double quarter = acosl(-1.0L) / 2;
        long double in_quadrant =
            ((long double)(low & 0x3fffffffU) * 4 - 0x1p31L) * 0x1p-32L * quarter;
        long double angle = (long double)(low >> 30) * quarter + in_quadrant;

        long double z0 = (long double)pair[0], z1 = (long double)pair[1];
        if (radius == 0) {
            assert_true(z0 == 0 && z1 == 0);
            continue;
        }
        long double radius_error = fabsl(hypotl(z0, z1) - radius) / radius;
        /* the sine of the angle between the pair and where it should be */
        long double angle_error = fabsl(z1 * cosl(angle) - z0 * sinl(angle)) / radius;
        worst_radius = fmax(worst_radius, (double)radius_error);
        worst_angle = fmax(worst_angle, (double)angle_error);
    }
    print_message("worst radius error %.3g, worst angle error %.3g (in 2^-24)\n",
                  worst_radius / (double)ulp, worst_angle / (double)ulp);
    assert_true(worst_radius < 4 * (double)ulp);
    assert_true(worst_angle < 3 * (double)ulp);
}

static double normal_cdf(double z)
{
    return 0.5 * erfc(-z / sqrt(2.0));
}

static void law_passes_kolmogorov_smirnov(void **state)
{
    (void)state;
    float *normals = mcbe_alloc(CHUNK, sizeof *normals);
    double *probabilities = mcbe_alloc(CHUNK, sizeof *probabilities);
    assert_non_null(normals);
    assert_non_null(probabilities);
    mcbe_rng_t rng = stream(2);
    mcbe_rng_normals(&rng, normals, CHUNK);
    for (size_t i = 0; i < CHUNK; i++) {
        probabilities[i] = normal_cdf((double)normals[i]);
    }
    assert_true(ks_distance_from_uniform(probabilities, CHUNK) < ks_critical(CHUNK));
    mcbe_free(probabilities);
    mcbe_free(normals);
}

/* Sums over ten chunks of what a test looks at. */
typedef struct sums {
    double count, power[5]; /* power[k]: sum of z^k */
    double tail[6];         /* tail[t]: how many |z| > t */
    double pairs, product, square_product, neighbour_product;
    double largest;
} sums_t;

static void add_chunk(const float *z, sums_t *sums)
{
    for (size_t i = 0; i < CHUNK; i++) {
        const double value = (double)z[i], square = value * value;
        sums->power[1] += value;
        sums->power[2] += square;
        sums->power[3] += square * value;
        sums->power[4] += square * square;
        for (int t = 3; t <= 5; t++) {
            sums->tail[t] += fabs(value) > t;
        }
        sums->largest = fmax(sums->largest, fabs(value));
        sums->neighbour_product += i > 0 ? value * (double)z[i - 1] : 0;
    }
    for (size_t group = 0; group < CHUNK; group += 2 * GROUP) {
        for (size_t i = group; i < group + GROUP; i++) {
            const double cosine = (double)z[i], sine = (double)z[i + GROUP];
            sums->product += cosine * sine;
            sums->square_product += (cosine * cosine - 1) * (sine * sine - 1);
        }
    }
    sums->count += CHUNK;
    sums->pairs += (double)CHUNK / 2;
}

/* Bounds are five standard errors, from E z^2 = 1, E z^4 = 3, E z^6 = 15, E z^8 = 105. */
static void moments_and_tails_are_normal(void **state)
{
    (void)state;
    float *normals = mcbe_alloc(CHUNK, sizeof *normals);
    assert_non_null(normals);
    sums_t sums = {0};
    mcbe_rng_t rng = stream(3);
    for (int chunk = 0; chunk < 10; chunk++) {
        mcbe_rng_normals(&rng, normals, CHUNK);
        add_chunk(normals, &sums);
    }
    static const double mean[] = {1, 0, 1, 0, 3}, variance[] = {0, 1, 2, 15, 96};
    for (int k = 1; k <= 4; k++) {
        double error = sums.power[k] / sums.count - mean[k];
        assert_true(fabs(error) < 5 * sqrt(variance[k] / sums.count));
    }
    for (int t = 3; t <= 5; t++) {
        double expected = sums.count * erfc(t / sqrt(2.0));
        assert_true(fabs(sums.tail[t] - expected) < 5 * sqrt(expected));
    }
    assert_true(fabs(sums.product) < 5 * sqrt(sums.pairs));
    assert_true(fabs(sums.square_product) < 5 * sqrt(4 * sums.pairs));
    assert_true(fabs(sums.neighbour_product) < 5 * sqrt(sums.count));
    assert_true(sums.largest <= 6.7);
    mcbe_free(normals);
}

/* 64 zero bits give the largest radius there is, sqrt(64 ln 2), at minus a quarter turn's half; 64
 * ones the radius 0. Seeds from the known-answer file, where they start the streams that show these
 * bits. */
static void extreme_bits_give_finite_normals(void **state)
{
    (void)state;
    static const uint64_t zeros[2] = {0xb2bb3b6d9d50191a, 0xb587493f15075e95};
    static const uint64_t ones[2] = {0xb383dec398cbe368, 0xa91cd331dd8d98ec};
    static const uint64_t sequence[2] = {0, 54};
    const double largest = sqrt(64 * log(2.0));
    mcbe_rng_t rng;
    float pair[2];
    mcbe_rng_seed(&rng, zeros, sequence);
    mcbe_rng_normals(&rng, pair, 2);
    assert_true(fabs((double)pair[0] - largest * sqrt(0.5)) < 1e-5);
    assert_true(fabs((double)pair[1] + largest * sqrt(0.5)) < 1e-5);
    mcbe_rng_seed(&rng, ones, sequence);
    mcbe_rng_normals(&rng, pair, 2);
    assert_true(pair[0] == 0 && pair[1] == 0);
}

static void every_path_gives_the_same_bits(void **state)
{
    assert_same_on_every_path(*state);
}

static int checksum_of_normals(void)
{
    static const size_t counts[] = {1, 2, 3, 31, 64, 127, 128, 129, 200, 100000, 999999};
    uint64_t sum = CHECKSUM_START;
    float *normals = mcbe_alloc(CHUNK, sizeof *normals);
    if (!normals) {
        return EXIT_FAILURE;
    }
    for (size_t c = 0; c < COUNT_OF(counts); c++) {
        mcbe_rng_t rng = stream((int64_t)c);
        mcbe_rng_normals(&rng, normals, counts[c]);
        sum = checksum(sum, normals, counts[c] * sizeof *normals);
        sum = checksum(sum, &rng, sizeof rng);
    }
    mcbe_free(normals);
    return print_checksum(sum);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return checksum_of_normals();
    }
    const struct CMUnitTest tests[] = {
        UNIT_TEST(groups_are_laid_out_as_documented),
        UNIT_TEST(pairs_are_accurate),
        UNIT_TEST(law_passes_kolmogorov_smirnov),
        UNIT_TEST(moments_and_tails_are_normal),
        UNIT_TEST(extreme_bits_give_finite_normals),
        UNIT_TEST_OF_PROGRAM(every_path_gives_the_same_bits, argv[0]),
    };
    return cmocka_run_group_tests_name("normals", tests, NULL, NULL);
}
