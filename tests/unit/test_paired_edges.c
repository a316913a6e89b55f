/* The screens of the paired design where they are easiest to fool. Banks do not depend on the
 * frame, so a frame can be made for one sample: its coefficients, and those of the two rows it is
 * the sum of, are chosen at will. The state is set so that this sample just lowers one row, or just
 * has fewer active rows than any before; a screen whose bounds are too tight anywhere misses it. */

#include "paired_cases.h"

/* The byte screen counts in steps of 1/21 of the norm of the longest row; here that is LONGEST. */
#define LONGEST 1.5
#define STEP (LONGEST / 21)

typedef enum edge_family {
    EDGE_TIES,    /* all coefficients of the sum nearly the same */
    EDGE_BEHIND,  /* n - 1 rows clearly ahead, all others nearly tied */
    EDGE_ZERO,    /* n rows clearly active, all others barely not */
    EDGE_OPPOSED, /* the same, with coefficients of the two rows as large as they get */
    EDGE_TINY,    /* as BEHIND or ZERO; the rows behind are so short that fp32 rounds them to
                     subnormal numbers or to 0 */
    EDGE_STEPS,   /* as BEHIND; the two rows' coefficients next to where a byte changes */
    EDGE_GENERAL, /* nothing special */
    EDGE_COUNT
} edge_family_t;

typedef enum edge_state {
    STATE_LOWERS,       /* the row in the n-th place is one unit in the last place too high */
    STATE_LOWERS_INF,   /* the same with the last row at +inf, which no byte screen can bear */
    STATE_FEWER,        /* no row is lowered; the smallest number of active rows is one too high */
    STATE_FEWER_NO_BYTE /* the same with every alpha* far below 0 */
} edge_state_t;

typedef struct edge {
    paired_case_t layer;
    int64_t sample;
    double *a, *b, *x; /* owned, [n], rows of the banks and their sum */
    double scale;
} edge_t;

static double dot(int n, const double *x, const double *y)
{
    double sum = 0;
    for (int k = 0; k < n; k++) {
        sum += x[k] * y[k];
    }
    return sum;
}

static void add_to(int n, double *to, double factor, const double *x)
{
    for (int k = 0; k < n; k++) {
        to[k] += factor * x[k];
    }
}

static void multiply(int n, double *x, double factor)
{
    for (int k = 0; k < n; k++) {
        x[k] *= factor;
    }
}

/* +- 10^-least to 10^-most */
static double small(mcbe_rng_t *rng, double least, double most)
{
    const double size = pow(10, -least - (most - least) * mcbe_rng_uniform(rng));
    return test_between(rng, 0, 1) ? size : -size;
}

/* Make `row`, already random, a unit vector plus what gives it the coefficient t |x| at x. */
static void set_component(const edge_t *e, double *row, double t)
{
    const int n = e->layer.n;
    const double norm_x = sqrt(dot(n, e->x, e->x));
    if (n > 1) {
        for (int pass = 0; pass < 2; pass++) { /* once more for what rounding left */
            add_to(n, row, -dot(n, row, e->x) / dot(n, e->x, e->x), e->x);
            multiply(n, row, 1 / sqrt(dot(n, row, row)));
        }
    } else {
        row[0] = 0;
    }
    add_to(n, row, t / norm_x, e->x);
}

/* Make `row` have the coefficients at_a and at_b at the two rows. Its partial products with a are
 * made large: they grow for one half of the coordinates and fall for the other, which is the worst
 * for a sum in fp32. */
static void set_both(const edge_t *e, double *row, double at_a, double at_b)
{
    const int n = e->layer.n;
    const double aa = dot(n, e->a, e->a), ab = dot(n, e->a, e->b), bb = dot(n, e->b, e->b);
    for (int k = 0; k < n; k++) {
        row[k] = 0.5 * row[k] / sqrt(n) + (k < n / 2 ? 1 : -1) * e->a[k] / sqrt(aa);
    }
    for (int pass = 0; pass < 2; pass++) {
        const double miss_a = at_a - dot(n, row, e->a), miss_b = at_b - dot(n, row, e->b);
        add_to(n, row, (miss_a * bb - miss_b * ab) / (aa * bb - ab * ab), e->a);
        add_to(n, row, (miss_b * aa - miss_a * ab) / (aa * bb - ab * ab), e->b);
    }
}

/* One row of the frame, which was filled at random.
 *  @param[in] tie  where rows are nearly tied
 *  @param[in] tiny  factor of short rows */
static void set_row(const edge_t *e, edge_family_t family, int j, double tie, double tiny,
                    double *row, mcbe_rng_t *rng)
{
    const int n = e->layer.n, clear = tie > 0 ? n - 1 : n;
    const double ahead = 0.6 + 0.4 * mcbe_rng_uniform(rng);
    int behind;
    switch (family) {
    case EDGE_TIES:
        set_component(e, row, tie + small(rng, 6, 16));
        break;
    case EDGE_BEHIND:
        set_component(e, row, j < n - 1 ? ahead : tie + small(rng, 6, 16));
        break;
    case EDGE_ZERO:
        set_component(e, row, j < n ? ahead : -fabs(small(rng, 3, 12)));
        break;
    case EDGE_OPPOSED: /* a tie below 0: the n-th row is one of those behind */
        behind = j >= (tie < 0 ? n - 1 : n);
        for (int k = 0; k < n && behind; k++) {
            row[k] = 0.01 * row[k] + (j % 2 ? e->a[k] - e->b[k] : e->b[k] - e->a[k]);
        }
        set_component(e, row, behind ? fmin(tie, 0) - fabs(small(rng, 3, 12)) : ahead);
        break;
    case EDGE_TINY:
        set_component(e, row, j < clear ? ahead : tie - fabs(small(rng, 1, 6)));
        if (j >= clear) {
            multiply(n, row, tiny);
        }
        break;
    case EDGE_STEPS:
        if (j == 0) {
            memcpy(row, e->x, (size_t)n * sizeof *row);
            multiply(n, row, LONGEST / sqrt(dot(n, row, row)));
        } else if (j < n - 1) {
            set_component(e, row, ahead);
        } else { /* a little short of one step, half as much beyond another: 1 step in all */
            const double steps = test_between(rng, -5, 5), little = fabs(small(rng, 3, 6));
            set_both(e, row, (steps - little) * STEP, (1 - steps + 0.5 * little) * STEP);
        }
        break;
    case EDGE_GENERAL:
    case EDGE_COUNT:
        break;
    }
}

/* The sample whose two rows cancel best: its norm is known least well, or not at all. */
static int64_t most_cancelled(const plain_banks_t *banks, int64_t samples)
{
    const mcbe_domain_t sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1};
    double x[2], least = INFINITY;
    int64_t best = 0;
    for (int64_t sample = 0; sample < samples; sample++) {
        const double scale = plain_sum(banks, &sphere, sample, x);
        if (scale > 0 && 1 / scale < least) {
            least = 1 / scale;
            best = sample;
        }
    }
    return best;
}

/* A frame made for one sample. */
static void edge_init(edge_t *e, int number, edge_family_t family, int m, int n)
{
    mcbe_rng_t rng = test_rng(40000 + (uint64_t)number);
    static const double ties[] = {0.5, 0.1, 1e-3, 0, -0.2};
    static const double tinies[] = {1e-20, 1e-38, 1e-41, 1e-43, 1e-60};
    const double tie = ties[test_between(&rng, 0, COUNT_OF(ties) - 1)];
    const double tiny = tinies[test_between(&rng, 0, COUNT_OF(tinies) - 1)];
    const double size = pow(10, test_between(&rng, -3, 3));
    plain_banks_t banks;
    int64_t row_a, row_b;
    *e = (edge_t){.layer = {.m = m, .n = n, .samples = 4 * 256}};
    e->layer.domain.kind = number % 3 ? MCBE_DOMAIN_SPHERE : MCBE_DOMAIN_GAUSSIAN;
    e->layer.domain.radius = 1;
    e->layer.key = (mcbe_stream_key_t){.seed = 12, .n = n, .m = m, .trial = number};
    e->sample = test_between(&rng, 0, (int)e->layer.samples - 1);
    e->a = mcbe_alloc(3 * (size_t)n, sizeof *e->a);
    double *w = mcbe_alloc((size_t)m * (size_t)n, sizeof *w);
    assert_true(w && e->a);
    e->b = e->a + n;
    e->x = e->b + n;
    plain_banks_init(&banks, n, &e->layer.key, e->layer.samples);
    if (n <= 2 && test_between(&rng, 0, 1)) {
        e->sample = most_cancelled(&banks, test_between(&rng, 1, (int)e->layer.samples));
    }
    e->scale = plain_sum(&banks, &e->layer.domain, e->sample, e->x);
    mcbe_paired_rows(e->sample, &row_a, &row_b);
    for (int k = 0; k < n; k++) {
        e->a[k] = (double)banks.a[row_a * n + k];
        e->b[k] = (double)banks.b[row_b * n + k];
    }
    plain_banks_free(&banks);
    for (int j = 0; j < m; j++) {
        double *row = w + (ptrdiff_t)j * n;
        case_row(row, n, FAMILY_GAUSSIAN, &rng);
        set_row(e, family, j, tie, tiny, row, &rng);
        row[0] = n == 1 && row[0] == 0 ? 1e-9 : row[0]; /* 0 is no row */
        multiply(n, row, size);
    }
    assert_int_equal(mcbe_frame_copy(&e->layer.frame, m, n, w, n, 0, NULL), MCBE_OK);
    mcbe_free(w);
}

static void edge_free(edge_t *e)
{
    mcbe_frame_free(&e->layer.frame);
    mcbe_free(e->a);
}

/* Values of alpha* before the sample, and the smallest number of active rows. */
static void set_state(const edge_t *e, edge_state_t kind, const reference_t *seen, double *alpha,
                      int64_t *min_active)
{
    const int m = e->layer.m, n = e->layer.n;
    const reference_row_t *order = seen->order; /* the sample's coefficients, largest first */
    const int lowers = kind == STATE_LOWERS || kind == STATE_LOWERS_INF;
    double level = nextafter(order[n - 1].c, INFINITY);
    if (!lowers) {
        level = kind == STATE_FEWER && order[n - 1].c > 0 ? 0 : -100 * e->layer.frame.norm_max;
    }
    for (int j = 0; j < m; j++) {
        alpha[j] = level;
    }
    if (kind == STATE_LOWERS_INF && m > n) {
        alpha[order[m - 1].row] = INFINITY;
    }
    *min_active = lowers ? 0 : seen->state.min_active + 1;
}

static void assert_sample_is_seen(const edge_t *e, edge_state_t kind, const reference_t *seen,
                                  mcbe_estimator_t *estimator)
{
    reference_t ref;
    mcbe_bias_state_t got;
    reference_init(&ref, e->layer.m, e->layer.n, e->layer.frame.w);
    assert_int_equal(mcbe_bias_state_init(&got, e->layer.m), MCBE_OK);
    set_state(e, kind, seen, ref.state.alpha, &ref.state.min_active);
    memcpy(got.alpha, ref.state.alpha, (size_t)e->layer.m * sizeof *got.alpha);
    got.min_active = ref.state.min_active;
    memcpy(ref.x, e->x, (size_t)e->layer.n * sizeof *ref.x);
    reference_visit_held(&ref, e->scale, e->sample);
    visit_samples(estimator, e->sample, e->sample + 1, &got, NULL);
    assert_same_state(&got, &ref.state);
    if (kind == STATE_LOWERS || kind == STATE_LOWERS_INF) {
        assert_int_equal(got.last_update, e->sample);
    } else {
        assert_int_equal(got.min_active_sample, e->sample);
    }
    mcbe_bias_state_free(&got);
    reference_free(&ref);
}

static void assert_edges_are_seen(int number, edge_family_t family, int m, int n)
{
    edge_t e;
    reference_t seen;
    edge_init(&e, number, family, m, n);
    reference_init(&seen, m, n, e.layer.frame.w);
    memcpy(seen.x, e.x, (size_t)n * sizeof *seen.x);
    reference_visit_held(&seen, e.scale, e.sample);
    for (int precision = 0; precision < 2; precision++) {
        mcbe_estimator_t *estimator =
            paired_estimator(&e.layer, precision ? MCBE_PRECISION_DOUBLE : MCBE_PRECISION_MIXED);
        for (int kind = STATE_LOWERS; kind <= STATE_FEWER_NO_BYTE; kind++) {
            assert_sample_is_seen(&e, (edge_state_t)kind, &seen, estimator);
        }
        mcbe_estimator_destroy(&estimator);
    }
    reference_free(&seen);
    edge_free(&e);
}

static void small_layers_miss_no_edge(void **state)
{
    (void)state;
    for (int number = 0; number < test_cases(480); number++) {
        mcbe_rng_t rng = test_rng(50000 + (uint64_t)number);
        const int n = test_between(&rng, 1, 8), m = n + test_between(&rng, 0, 40);
        const edge_family_t family = (edge_family_t)(number % EDGE_COUNT);
        if (family != EDGE_STEPS || n > 2) {
            assert_edges_are_seen(number, family, m, n);
        }
    }
}

/* With 30 dimensions the halves of a sum go beyond what a byte holds. */
static void middling_layers_miss_no_edge(void **state)
{
    (void)state;
    enum { PER_FAMILY = 12 };
    static const int sizes[][2] = {{30, 30}, {150, 30}, {130, 100}, {300, 30}, {600, 20}, {90, 65}};
    for (int number = 0; number < test_cases(PER_FAMILY * EDGE_COUNT); number++) {
        const int *size = sizes[number % (int)COUNT_OF(sizes)];
        assert_edges_are_seen(number, (edge_family_t)(number / PER_FAMILY), size[0], size[1]);
    }
}

static void large_layers_miss_no_edge(void **state)
{
    (void)state;
    for (int number = 0; number < EDGE_COUNT; number++) {
        assert_edges_are_seen(number, (edge_family_t)number, 330, 300);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(small_layers_miss_no_edge),
        UNIT_TEST(middling_layers_miss_no_edge),
        UNIT_TEST(large_layers_miss_no_edge),
    };
    return cmocka_run_group_tests_name("paired_edges", tests, NULL, NULL);
}
