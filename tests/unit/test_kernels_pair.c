/* The inner loops of the paired design against their contracts in kernels.h, on every path. */

#include "kernel_paths.h"
#include "kernels.h"

enum { TILE = MCBE_SCREEN_TILE, N_MAX = 1030, M_MAX = 700 };

/* Memory of the alignment that vectors need. */
static void *room(size_t count, size_t size)
{
    void *memory = mcbe_alloc(count, size);
    assert_non_null(memory);
    return memory;
}

typedef struct tile {
    int n;
    float *x, *fixed;    /* owned, [n][TILE] and [n] */
    float squares[TILE]; /* |x|^2, rounded once */
    float fixed_square;
} tile_t;

static float square_of(int n, const float *x, ptrdiff_t stride)
{
    double sum = 0;
    for (int k = 0; k < n; k++) {
        sum += (double)x[k * stride] * (double)x[k * stride];
    }
    return (float)sum;
}

/* A fixed row and a tile whose rows go from independent ones to its exact negative. */
static void tile_init(tile_t *t, int n, mcbe_rng_t *rng)
{
    t->n = n;
    t->x = room((size_t)n * TILE, sizeof *t->x);
    t->fixed = room((size_t)n, sizeof *t->fixed);
    mcbe_rng_normals(rng, t->x, (size_t)n * TILE);
    mcbe_rng_normals(rng, t->fixed, (size_t)n);
    for (int s = TILE / 4; s < TILE; s++) {
        const float away = s == TILE - 1 ? 0 : powf(10, -6 * (float)mcbe_rng_uniform(rng));
        for (int k = 0; k < n; k++) {
            t->x[k * TILE + s] = away * t->x[k * TILE + s] - t->fixed[k];
        }
    }
    for (int s = 0; s < TILE; s++) {
        t->squares[s] = square_of(n, t->x + s, TILE);
    }
    t->fixed_square = square_of(n, t->fixed, 1);
}

static void tile_free(tile_t *t)
{
    mcbe_free(t->fixed);
    mcbe_free(t->x);
}

static long double norm_of_sum(const tile_t *t, int s)
{
    long double sum = 0;
    for (int k = 0; k < t->n; k++) {
        const long double x = (long double)t->x[k * TILE + s] + (long double)t->fixed[k];
        sum += x * x;
    }
    return sqrtl(sum);
}

/* The error of (c_a + c_b) * inverse for a row w, whose coefficients are plain products in fp32. */
static long double coefficient_error(const tile_t *t, int s, const float *w, float inverse)
{
    float with_tile = 0, with_fixed = 0;
    long double exact = 0, norm_w = 0;
    for (int k = 0; k < t->n; k++) {
        with_tile += w[k] * t->x[k * TILE + s];
        with_fixed += w[k] * t->fixed[k];
        exact += (long double)w[k] * ((long double)t->x[k * TILE + s] + (long double)t->fixed[k]);
        norm_w += (long double)w[k] * (long double)w[k];
    }
    const float got = (with_tile + with_fixed) * inverse;
    return fabsl((long double)got - exact / norm_of_sum(t, s)) / sqrtl(norm_w);
}

static void norms_are_bounds(void **state)
{
    (void)state;
    static const int dimensions[] = {1, 2, 3, 8, 30, 200, N_MAX};
    for (int number = 0; number < test_cases(70); number++) {
        mcbe_rng_t rng = test_rng(80000 + (uint64_t)number);
        const int n = dimensions[number % (int)COUNT_OF(dimensions)];
        tile_t t;
        mcbe_pair_norms_t norms;
        float w[N_MAX], upper[TILE];
        tile_init(&t, n, &rng);
        mcbe_kernels()->pair_norms(n, t.x, t.squares, t.fixed, t.fixed_square, &norms);
        mcbe_kernels()->pair_uppers(n, t.x, t.squares, t.fixed, t.fixed_square, upper);
        for (int s = 0; s < TILE; s++) {
            const long double norm = norm_of_sum(&t, s);
            const long double longest = sqrtl((long double)t.squares[s] + t.fixed_square);
            assert_true((long double)upper[s] >= norm);
            if (isinf(norms.error[s])) { /* not known: allowed only where the two rows cancel */
                assert_true(norm < 0.25L * longest);
                assert_true(norms.inverse[s] == 0 && isinf(upper[s]));
                continue;
            }
            mcbe_rng_normals(&rng, w, (size_t)n);
            assert_true(fabsl(norms.inverse[s] * norm - 1) <= (long double)norms.error[s]);
            assert_true(coefficient_error(&t, s, w, norms.inverse[s]) <=
                        (long double)norms.error[s]);
            assert_true((long double)upper[s] <= 1.01L * norm); /* or it rules out nothing */
        }
        assert_true(isinf(norms.error[TILE - 1])); /* the exact negative */
        tile_free(&t);
    }
}

static void a_limit_is_the_smallest_byte_surely_above(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(81000);
    for (int number = 0; number < test_cases(2000); number++) {
        float upper[TILE];
        int8_t limit[TILE];
        const float level =
            number % 10 == 0 ? 0x1p-149F : 64 * (float)mcbe_rng_uniform(&rng); /* never 0 */
        for (int s = 0; s < TILE; s++) {
            upper[s] = s == 0 ? INFINITY : 4 * (float)mcbe_rng_uniform(&rng);
            if (s % 4 == 1) { /* next to a whole number */
                upper[s] = (float)(s * 2) / level;
            }
        }
        mcbe_kernels()->pair_limits_i8(level, upper, limit);
        for (int s = 0; s < TILE; s++) {
            const double value = (double)level * (double)upper[s];
            assert_true(limit[s] >= 1);
            assert_true(limit[s] == 127 || limit[s] > value * (1 - 0x1p-23));
            assert_true(limit[s] == 127 ? value > 125.99 : limit[s] - 1 <= value * (1 + 0x1p-23));
        }
    }
}

/* Coefficients near whole bytes, near both ends and far beyond them. */
static float coefficient_for_bytes(int s, float scale, mcbe_rng_t *rng)
{
    switch (s % 4) {
    case 0:
        return (float)test_between(rng, -66, 66) / scale;
    case 1:
        return (float)(s % 8 < 4 ? 63 : -63) / scale * (1 + 0x1p-20F * (float)(s - TILE / 2));
    case 2:
        return (s % 8 < 4 ? 1e6F : -1e6F) / scale;
    default:
        return 130 * ((float)mcbe_rng_uniform(rng) - 0.5F) / scale;
    }
}

static void a_byte_is_the_next_one_below(void **state)
{
    (void)state;
    enum { ROWS = 9 };
    float *c = room((size_t)ROWS * TILE, sizeof *c);
    int8_t *bytes = room((size_t)ROWS * TILE, 1);
    for (int number = 0; number < test_cases(300); number++) {
        mcbe_rng_t rng = test_rng(81500 + (uint64_t)number);
        const float scale = 1 + 100 * (float)mcbe_rng_uniform(&rng);
        float margin[ROWS], norm[TILE];
        for (int s = 0; s < TILE; s++) {
            norm[s] = 4 * (float)mcbe_rng_uniform(&rng);
        }
        for (int j = 0; j < ROWS; j++) {
            margin[j] = j == 0 ? 0 : 1e-3F * (float)mcbe_rng_uniform(&rng);
            for (int s = 0; s < TILE; s++) {
                c[j * TILE + s] = coefficient_for_bytes(s, scale, &rng);
            }
        }
        mcbe_kernels()->lower_bytes(ROWS, c, scale, margin, norm, bytes);
        for (int i = 0; i < ROWS * TILE; i++) {
            const long double low =
                (long double)c[i] - (long double)margin[i / TILE] * norm[i % TILE];
            const long double value = scale * low;
            assert_in_range(bytes[i] + 64, 0, 127);
            assert_true(bytes[i] == -64 ? value < -63 + 0x1p-10L : bytes[i] <= value);
            assert_true(bytes[i] == 63 || bytes[i] > value - 1 - 0x1p-10L);
        }
    }
    mcbe_free(bytes);
    mcbe_free(c);
}

/* A byte in all four places of a word. */
static uint32_t four_times(int byte)
{
    const int8_t four[4] = {(int8_t)byte, (int8_t)byte, (int8_t)byte, (int8_t)byte};
    uint32_t word;
    memcpy(&word, four, sizeof word);
    return word;
}

/* Sums of bytes counted one by one; any more or fewer flags are wrong. */
static void bytes_are_counted_exactly(void **state)
{
    (void)state;
    static const int counts[] = {1, 16, 254, 255, 256, 257, 300, 510, 511, 600, M_MAX};
    int8_t *tile = room(M_MAX * TILE, 1), *limit = room(TILE, 1);
    uint32_t *fixed = room(M_MAX, sizeof *fixed);
    for (int number = 0; number < test_cases(220); number++) {
        mcbe_rng_t rng = test_rng(82000 + (uint64_t)number);
        const int m = counts[number % (int)COUNT_OF(counts)];
        const int low = number % 3 ? -64 : 0; /* all of them above: counters are full */
        unsigned char suspect[TILE];
        int above[TILE] = {0}, active[TILE] = {0}, any = 0;
        for (int s = 0; s < TILE; s++) {
            limit[s] = (int8_t)(number % 3 ? test_between(&rng, 1, 127) : 1 + s % 2);
        }
        for (int j = 0; j < m; j++) {
            const int add = test_between(&rng, low, 63);
            fixed[j] = four_times(add);
            for (int s = 0; s < TILE; s++) {
                tile[j * TILE + s] = (int8_t)test_between(&rng, low, 63);
                above[s] += tile[j * TILE + s] + add >= limit[s];
                active[s] += tile[j * TILE + s] + add >= 0;
            }
        }
        const int need = above[test_between(&rng, 0, TILE - 1)] + number % 2;
        const int seen = active[test_between(&rng, 0, TILE - 1)] + number % 2;
        const int found =
            mcbe_kernels()->pair_screen_i8(m, tile, fixed, limit, need, seen, suspect);
        for (int s = 0; s < TILE; s++) {
            const int flags = (above[s] < need ? MCBE_SUSPECT_ALPHA : 0) |
                              (active[s] < seen ? MCBE_SUSPECT_ACTIVE : 0);
            assert_int_equal(suspect[s], flags);
            any |= flags;
        }
        assert_int_equal(!!found, !!any);
    }
    mcbe_free(limit);
    mcbe_free(fixed);
    mcbe_free(tile);
}

/* Coefficients that are small whole numbers, in every form the tests of real numbers take them. */
typedef struct whole_case {
    int m, padded, need, seen;
    int a[M_MAX][TILE], b[M_MAX], alpha[M_MAX];
    float *tile, *fixed, *alpha_f32, *norm_f32;
    double *fixed_f64, *alpha_f64, *norm_f64; /* padded, like fixed */
} whole_case_t;

/* Padding rows are -inf, never below their alpha, and of any norm. */
static void whole_case_init(whole_case_t *c, int m, mcbe_rng_t *rng)
{
    c->m = m;
    c->padded = (m + MCBE_PAIR_LANES - 1) / MCBE_PAIR_LANES * MCBE_PAIR_LANES;
    c->tile = room((size_t)m * TILE, sizeof *c->tile);
    c->fixed = room((size_t)c->padded, sizeof *c->fixed);
    c->alpha_f32 = room((size_t)c->padded, sizeof *c->alpha_f32);
    c->norm_f32 = room((size_t)c->padded, sizeof *c->norm_f32);
    c->fixed_f64 = room((size_t)c->padded, sizeof *c->fixed_f64);
    c->alpha_f64 = room((size_t)c->padded, sizeof *c->alpha_f64);
    c->norm_f64 = room((size_t)c->padded, sizeof *c->norm_f64);
    for (int j = 0; j < c->padded; j++) {
        c->fixed[j] = c->alpha_f32[j] = -INFINITY;
        if (j < m) {
            c->fixed[j] = (float)(c->b[j] = test_between(rng, -3, 3));
            c->alpha_f32[j] = (float)(c->alpha[j] = test_between(rng, -3, 4));
            for (int s = 0; s < TILE; s++) {
                c->tile[j * TILE + s] = (float)(c->a[j][s] = test_between(rng, -3, 3));
            }
        }
        c->fixed_f64[j] = (double)c->fixed[j];
        c->alpha_f64[j] = (double)c->alpha_f32[j];
        c->norm_f32[j] = 1;
        c->norm_f64[j] = 1;
    }
    c->need = test_between(rng, 1, m);
    c->seen = test_between(rng, 0, m + 1);
}

static void whole_case_free(whole_case_t *c)
{
    mcbe_free(c->tile);
    mcbe_free(c->fixed);
    mcbe_free(c->alpha_f32);
    mcbe_free(c->norm_f32);
    mcbe_free(c->fixed_f64);
    mcbe_free(c->alpha_f64);
    mcbe_free(c->norm_f64);
}

/* Flags by the rule: each coefficient c may be off by `slack`. All numbers are halves. */
static int flags_by_the_rule(const whole_case_t *c, int s, double inverse, double slack)
{
    double rival = -INFINITY;
    int ahead = 0, active = 0;
    for (int j = 0; j < c->m; j++) {
        const double value = (c->a[j][s] + c->b[j]) * inverse;
        rival = value - slack < c->alpha[j] ? fmax(rival, value + slack) : rival;
        active += value >= slack;
    }
    for (int j = 0; j < c->m; j++) {
        ahead += (c->a[j][s] + c->b[j]) * inverse - slack > rival;
    }
    return (ahead < c->need ? MCBE_SUSPECT_ALPHA : 0) |
           (active < c->seen ? MCBE_SUSPECT_ACTIVE : 0);
}

/* Flags of one pair from the two kernels that test pairs. */
static void assert_pair_tests_say(const whole_case_t *c, int s, double inverse, double slack,
                                  int flags)
{
    float *a = room((size_t)c->padded, sizeof *a);
    double *a_f64 = room((size_t)c->padded, sizeof *a_f64);
    for (int j = 0; j < c->padded; j++) {
        a[j] = j < c->m ? (float)c->a[j][s] : -INFINITY;
        a_f64[j] = (double)a[j];
    }
    const mcbe_kernels_t *kernels = mcbe_kernels();
    assert_int_equal(kernels->pair_test_f32(c->padded, a, c->fixed, (float)inverse, (float)slack,
                                            c->alpha_f32, c->norm_f32, c->need, c->seen),
                     flags);
    assert_int_equal(kernels->pair_test_f64(c->padded, a_f64, c->fixed_f64, inverse, slack,
                                            c->alpha_f64, c->norm_f64, c->need, c->seen),
                     flags);
    mcbe_free(a_f64);
    mcbe_free(a);
}

static void real_numbers_are_screened_by_the_rule(void **state)
{
    (void)state;
    whole_case_t *c = room(1, sizeof *c);
    for (int number = 0; number < test_cases(400); number++) {
        mcbe_rng_t rng = test_rng(83000 + (uint64_t)number);
        mcbe_pair_norms_t norms;
        unsigned char suspect[TILE];
        int any = 0;
        whole_case_init(c, test_between(&rng, 1, number % 10 ? 40 : 300), &rng);
        for (int s = 0; s < TILE; s++) {
            norms.inverse[s] = (float)test_between(&rng, 1, 2) / 2;
            norms.error[s] = (float)test_between(&rng, 0, 2) / 2;
        }
        const int found = mcbe_kernels()->pair_screen_f32(
            c->m, c->tile, c->fixed, &norms, c->alpha_f32, c->norm_f32, c->need, c->seen, suspect);
        for (int s = 0; s < TILE; s++) {
            const double inverse = (double)norms.inverse[s], slack = (double)norms.error[s];
            const int flags = flags_by_the_rule(c, s, inverse, slack);
            assert_int_equal(suspect[s], flags);
            any |= flags;
            if (s < 4) {
                assert_pair_tests_say(c, s, inverse, slack, flags);
            }
        }
        assert_int_equal(!!found, !!any);
        whole_case_free(c);
    }
    mcbe_free(c);
}

/* A norm that is not known leaves everything open. */
static void sums_of_unknown_norm_stay_suspect(void **state)
{
    (void)state;
    whole_case_t *c = room(1, sizeof *c);
    mcbe_rng_t rng = test_rng(84000);
    mcbe_pair_norms_t norms;
    unsigned char suspect[TILE];
    whole_case_init(c, 30, &rng);
    c->need = 1;
    c->seen = 1;
    for (int s = 0; s < TILE; s++) {
        norms.inverse[s] = 0;
        norms.error[s] = INFINITY;
    }
    assert_true(mcbe_kernels()->pair_screen_f32(c->m, c->tile, c->fixed, &norms, c->alpha_f32,
                                                c->norm_f32, c->need, c->seen, suspect));
    for (int s = 0; s < TILE; s++) {
        assert_int_equal(suspect[s], MCBE_SUSPECT_ALPHA | MCBE_SUSPECT_ACTIVE);
    }
    whole_case_free(c);
    mcbe_free(c);
}

static void every_path_gives_the_same_bytes(void **state)
{
    assert_same_on_every_path(*state);
}

/* Flags of one case, as bytes and as real numbers. */
static uint64_t checksum_of_flags(uint64_t sum, int m, mcbe_rng_t *rng)
{
    whole_case_t *c = room(1, sizeof *c);
    int8_t *tile = room((size_t)m * TILE, 1), *limit = room(TILE, 1);
    uint32_t *fixed = room((size_t)m, sizeof *fixed);
    mcbe_pair_norms_t norms;
    unsigned char suspect[2][TILE];
    whole_case_init(c, m, rng);
    for (int s = 0; s < TILE; s++) {
        limit[s] = (int8_t)(1 + s % 5);
        norms.inverse[s] = 1;
        norms.error[s] = (float)(s % 3) / 2;
        for (int j = 0; j < m; j++) {
            tile[j * TILE + s] = (int8_t)c->a[j][s];
            fixed[j] = four_times(c->b[j]);
        }
    }
    mcbe_kernels()->pair_screen_i8(m, tile, fixed, limit, m / 3, m / 2, suspect[0]);
    mcbe_kernels()->pair_screen_f32(m, c->tile, c->fixed, &norms, c->alpha_f32, c->norm_f32, m / 9,
                                    m / 2, suspect[1]);
    sum = checksum(sum, suspect, sizeof suspect);
    mcbe_free(limit);
    mcbe_free(fixed);
    mcbe_free(tile);
    whole_case_free(c);
    mcbe_free(c);
    return sum;
}

static int checksum_of_results(void)
{
    uint64_t sum = CHECKSUM_START;
    for (int n = 1; n < 100; n++) {
        mcbe_rng_t rng = test_rng(85000 + (uint64_t)n);
        mcbe_pair_norms_t norms;
        float upper[TILE];
        int8_t bytes[100 * TILE];
        tile_t t;
        tile_init(&t, n, &rng);
        mcbe_kernels()->pair_norms(n, t.x, t.squares, t.fixed, t.fixed_square, &norms);
        mcbe_kernels()->pair_uppers(n, t.x, t.squares, t.fixed, t.fixed_square, upper);
        mcbe_kernels()->lower_bytes(n, t.x, 21, t.fixed, t.squares, bytes);
        sum = checksum(sum, &norms, sizeof norms);
        sum = checksum(sum, upper, sizeof upper);
        sum = checksum(sum, bytes, (size_t)n * TILE);
        sum = checksum_of_flags(sum, 7 * n, &rng);
        tile_free(&t);
    }
    return print_checksum(sum);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return checksum_of_results();
    }
    const struct CMUnitTest tests[] = {
        UNIT_TEST(norms_are_bounds),
        UNIT_TEST(a_limit_is_the_smallest_byte_surely_above),
        UNIT_TEST(a_byte_is_the_next_one_below),
        UNIT_TEST(bytes_are_counted_exactly),
        UNIT_TEST(real_numbers_are_screened_by_the_rule),
        UNIT_TEST(sums_of_unknown_norm_stay_suspect),
        UNIT_TEST_OF_PROGRAM(every_path_gives_the_same_bytes, argv[0]),
    };
    return cmocka_run_group_tests_name("kernels_pair", tests, NULL, NULL);
}
