#include "mcbe/domain.h"

#include "unit.h"

enum { POINTS = 64 * 256 };

/* Every kind, restricted or not, with both treatments of the radius. */
typedef void visit_fn(const mcbe_domain_t *domain, int n);

static void for_every_domain(visit_fn *visit, const int *dimensions, size_t count)
{
    static const mcbe_domain_kind_t kinds[] = {MCBE_DOMAIN_SPHERE, MCBE_DOMAIN_BALL,
                                               MCBE_DOMAIN_SHELL, MCBE_DOMAIN_GAUSSIAN};
    for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
        for (int choice = 0; choice < 4; choice++) {
            mcbe_domain_t domain = {.kind = kinds[kind],
                                    .radial =
                                        choice & 1 ? MCBE_RADIAL_SAMPLED : MCBE_RADIAL_ANALYTIC,
                                    .radius = 2.5,
                                    .inner_radius = 1.5,
                                    .nonnegative = choice >> 1};
            for (size_t i = 0; i < count; i++) {
                visit(&domain, dimensions[i]);
            }
        }
    }
}

static int has_sampled_radius(const mcbe_domain_t *domain)
{
    return domain->radial == MCBE_RADIAL_SAMPLED &&
           (domain->kind == MCBE_DOMAIN_BALL || domain->kind == MCBE_DOMAIN_SHELL);
}

static mcbe_stream_key_t block_key(int n, int64_t block)
{
    return (mcbe_stream_key_t){.seed = 11, .n = n, .m = 2 * n, .trial = 2, .block = block};
}

/* Points as fp64, one after the other: [count][n]. */
static double *draw_points_of(mcbe_purpose_t purpose, const mcbe_domain_t *domain, int n, int count)
{
    const int width = mcbe_domain_block_size(n);
    float *x = mcbe_alloc((size_t)n * (size_t)width, sizeof *x);
    double *scale = mcbe_alloc((size_t)width, sizeof *scale);
    double *points = mcbe_alloc((size_t)n * (size_t)count, sizeof *points);
    assert_non_null(x);
    assert_non_null(scale);
    assert_non_null(points);
    for (int i = 0; i < count; i++) {
        if (i % width == 0) {
            mcbe_stream_key_t key = block_key(n, i / width);
            key.purpose = purpose;
            mcbe_domain_fill(domain, n, &key, x, scale);
        }
        assert_true(scale[i % width] > 0);
        for (int k = 0; k < n; k++) {
            points[i * n + k] = scale[i % width] * (double)x[k * width + i % width];
        }
    }
    mcbe_free(scale);
    mcbe_free(x);
    return points;
}

static double *draw_points(const mcbe_domain_t *domain, int n, int count)
{
    return draw_points_of(MCBE_PURPOSE_SAMPLE, domain, n, count);
}

static double norm(const double *x, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++) {
        sum += x[k] * x[k];
    }
    return sqrt(sum);
}

static void assert_points_lie_in(const mcbe_domain_t *domain, int n)
{
    const int count = 3 * mcbe_domain_block_size(n);
    const double most = mcbe_domain_max_norm(domain);
    double *points = draw_points(domain, n, count);
    for (int i = 0; i < count; i++) {
        const double length = norm(points + i * n, n);
        if (domain->kind == MCBE_DOMAIN_GAUSSIAN) {
            assert_true(most == 0);
            assert_true(length > 0 || n == 1);
        } else if (!has_sampled_radius(domain)) {
            assert_true(fabs(length - 1) < 1e-12);
            assert_true(length <= most && most < 1.001);
        } else {
            assert_true(length > 0 && length <= 2.5 * (1 + 1e-12));
            assert_true(length <= most && most < 2.5 * 1.001);
            assert_true(domain->kind != MCBE_DOMAIN_SHELL || length >= 1.5 * (1 - 1e-12));
        }
        for (int k = 0; k < n && domain->nonnegative; k++) {
            assert_true(points[i * n + k] >= 0);
        }
    }
    mcbe_free(points);
}

static void points_lie_in_the_set(void **state)
{
    (void)state;
    static const int dimensions[] = {1, 2, 3, 10, 1024, 1025};
    for_every_domain(assert_points_lie_in, dimensions, COUNT_OF(dimensions));
}

/* No correlation of v with any squared coordinate of the direction, whose mean is 1/n and whose
 * variance 2 (n - 1) / (n^2 (n + 2)); v has the variance 1/12. */
static void assert_radii_ignore_directions(const double *points, const double *volumes, int n)
{
    const double variance = 2 * (n - 1.0) / ((double)n * n * (n + 2.0)) / 12;
    for (int k = 0; k < n && n > 1; k++) {
        double sum = 0;
        for (int i = 0; i < POINTS; i++) {
            const double *x = points + i * n, cosine = x[k] / norm(x, n);
            sum += (volumes[i] - 0.5) * (cosine * cosine - 1.0 / n);
        }
        assert_true(fabs(sum) < 5 * sqrt(POINTS * variance));
    }
}

/* With r^n = v, v is uniform on (inner^n, outer^n): its place in there. */
static void assert_radii_fill_the_volume(mcbe_purpose_t purpose, const mcbe_domain_t *domain, int n,
                                         double *volumes)
{
    const double inner = domain->kind == MCBE_DOMAIN_SHELL ? pow(1.5 / 2.5, n) : 0;
    double *points = draw_points_of(purpose, domain, n, POINTS);
    for (int i = 0; i < POINTS; i++) {
        volumes[i] = (pow(norm(points + i * n, n) / 2.5, n) - inner) / (1 - inner);
    }
    assert_radii_ignore_directions(points, volumes, n);
    mcbe_free(points);
}

/* Those of samples and of the hold-out, which are independent. */
static void assert_both_radii_fill_the_volume(const mcbe_domain_t *domain, int n)
{
    if (!has_sampled_radius(domain)) {
        return;
    }
    double *volumes = mcbe_alloc(2 * POINTS, sizeof *volumes), correlation = 0;
    assert_non_null(volumes);
    assert_radii_fill_the_volume(MCBE_PURPOSE_SAMPLE, domain, n, volumes);
    assert_radii_fill_the_volume(MCBE_PURPOSE_HOLDOUT, domain, n, volumes + POINTS);
    for (int i = 0; i < POINTS; i++) {
        correlation += (volumes[i] - 0.5) * (volumes[POINTS + i] - 0.5);
    }
    assert_true(fabs(correlation) < 5 * sqrt(POINTS) / 12); /* variances are 1/12 */
    assert_true(ks_distance_from_uniform(volumes, POINTS) < ks_critical(POINTS));
    assert_true(ks_distance_from_uniform(volumes + POINTS, POINTS) < ks_critical(POINTS));
    mcbe_free(volumes);
}

static void sampled_radii_fill_the_volume_evenly(void **state)
{
    (void)state;
    static const int dimensions[] = {1, 2, 3, 7, 30};
    for_every_domain(assert_both_radii_fill_the_volume, dimensions, COUNT_OF(dimensions));
}

/* Directions by their known laws: in the plane the angle is uniform; in space each coordinate is
 * (Archimedes). Restricted to the orthant both are folded. */
static void assert_directions_are_uniform(const mcbe_domain_t *domain, int n)
{
    double *points = draw_points(domain, n, POINTS);
    double *places = mcbe_alloc(POINTS, sizeof *places);
    assert_non_null(places);
    for (int axis = 0; axis < (n == 2 ? 1 : 3); axis++) {
        for (int i = 0; i < POINTS; i++) {
            const double *x = points + i * n;
            if (n == 2) {
                const double angle = atan2(x[1], x[0]);
                places[i] =
                    domain->nonnegative ? angle / (TEST_PI / 2) : (angle + TEST_PI) / (2 * TEST_PI);
            } else {
                const double height = x[axis] / norm(x, n);
                places[i] = domain->nonnegative ? height : (height + 1) / 2;
            }
        }
        assert_true(ks_distance_from_uniform(places, POINTS) < ks_critical(POINTS));
    }
    mcbe_free(places);
    mcbe_free(points);
}

static void directions_are_uniform(void **state)
{
    (void)state;
    static const int dimensions[] = {2, 3};
    for_every_domain(assert_directions_are_uniform, dimensions, COUNT_OF(dimensions));
}

/* A coordinate of a uniform direction has mean 0 and mean square 1/n. */
static void assert_directions_are_centred(const mcbe_domain_t *domain, int n)
{
    if (domain->nonnegative) {
        return;
    }
    double *points = draw_points(domain, n, POINTS);
    for (int k = 0; k < n; k++) {
        double sum = 0;
        for (int i = 0; i < POINTS; i++) {
            sum += points[i * n + k] / norm(points + i * n, n);
        }
        assert_true(fabs(sum) < 5 * sqrt((double)POINTS / n));
    }
    mcbe_free(points);
}

static void directions_have_no_preference(void **state)
{
    (void)state;
    static const int dimensions[] = {5, 30};
    for_every_domain(assert_directions_are_centred, dimensions, COUNT_OF(dimensions));
}

static void gaussian_points_are_standard_normal(void **state)
{
    (void)state;
    const int n = 4;
    for (int nonnegative = 0; nonnegative < 2; nonnegative++) {
        const mcbe_domain_t domain = {.kind = MCBE_DOMAIN_GAUSSIAN, .nonnegative = nonnegative};
        double *points = draw_points(&domain, n, POINTS);
        for (int i = 0; i < POINTS * n; i++) {
            const double upper = erfc(points[i] / sqrt(2.0));
            points[i] = nonnegative ? 1 - upper : 1 - upper / 2;
        }
        assert_true(ks_distance_from_uniform(points, POINTS * 4) < ks_critical(POINTS * 4));
        mcbe_free(points);
    }
}

static void assert_blocks_stand_alone(const mcbe_domain_t *domain, int n)
{
    const size_t width = (size_t)mcbe_domain_block_size(n), count = (size_t)n * width;
    float *x = mcbe_alloc(3 * count, sizeof *x);
    double *scale = mcbe_alloc(3 * width, sizeof *scale);
    assert_non_null(x);
    assert_non_null(scale);
    mcbe_stream_key_t key = block_key(n, 5);
    mcbe_domain_fill(domain, n, &key, x, scale);
    key.block = 6;
    mcbe_domain_fill(domain, n, &key, x + count, scale + width);
    key.block = 5; /* again, after another; any purpose but that of the hold-out asks for samples */
    key.purpose = MCBE_PURPOSE_FRAME;
    mcbe_domain_fill(domain, n, &key, x + 2 * count, scale + 2 * width);
    assert_memory_equal(x, x + 2 * count, count * sizeof *x);
    assert_memory_equal(scale, scale + 2 * width, width * sizeof *scale);
    for (size_t i = 0; i < count; i++) {
        assert_true(x[i] != x[count + i]);
    }

    mcbe_stream_key_t moved[] = {key, key, key, key};
    moved[0].seed++;
    moved[1].m++;
    moved[2].trial++;
    moved[3].purpose = MCBE_PURPOSE_HOLDOUT;
    for (size_t f = 0; f < COUNT_OF(moved); f++) {
        mcbe_domain_fill(domain, n, &moved[f], x + count, scale + width);
        for (size_t i = 0; i < count; i++) {
            assert_true(x[i] != x[count + i]);
        }
    }
    mcbe_free(scale);
    mcbe_free(x);
}

static void a_block_depends_on_its_address_alone(void **state)
{
    (void)state;
    static const int dimensions[] = {3};
    for_every_domain(assert_blocks_stand_alone, dimensions, COUNT_OF(dimensions));
}

static void block_size_follows_the_rule(void **state)
{
    (void)state;
    assert_int_equal(MCBE_BLOCK_SIZE_MAX, 256);
    assert_int_equal(mcbe_domain_block_size(1), 256);
    assert_int_equal(mcbe_domain_block_size(1024), 256);
    assert_int_equal(mcbe_domain_block_size(1025), 64);
    assert_int_equal(mcbe_domain_block_size(16384), 64);
}

static void finish_follows_from_homogeneity(void **state)
{
    (void)state;
    const double a[] = {1.5, -0.5, 0, INFINITY};
    static const struct {
        mcbe_domain_kind_t kind;
        mcbe_radial_t radial;
        double expected[4];
    } cases[] = {
        {MCBE_DOMAIN_SPHERE, MCBE_RADIAL_ANALYTIC, {6, -2, 0, INFINITY}},
        {MCBE_DOMAIN_SPHERE, MCBE_RADIAL_SAMPLED, {6, -2, 0, INFINITY}},
        {MCBE_DOMAIN_BALL, MCBE_RADIAL_ANALYTIC, {0, -2, 0, INFINITY}},
        {MCBE_DOMAIN_BALL, MCBE_RADIAL_SAMPLED, {1.5, -0.5, 0, INFINITY}},
        {MCBE_DOMAIN_SHELL, MCBE_RADIAL_ANALYTIC, {3, -2, 0, INFINITY}},
        {MCBE_DOMAIN_SHELL, MCBE_RADIAL_SAMPLED, {1.5, -0.5, 0, INFINITY}},
        {MCBE_DOMAIN_GAUSSIAN, MCBE_RADIAL_ANALYTIC, {1.5, -0.5, 0, INFINITY}},
        {MCBE_DOMAIN_GAUSSIAN, MCBE_RADIAL_SAMPLED, {1.5, -0.5, 0, INFINITY}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const mcbe_domain_t domain = {cases[i].kind, cases[i].radial, 4, 2, 0, NULL};
        double alpha[4], in_place[4];
        memcpy(in_place, a, sizeof a);
        mcbe_domain_finish(&domain, 4, a, alpha);
        mcbe_domain_finish(&domain, 4, in_place, in_place);
        assert_memory_equal(alpha, cases[i].expected, sizeof alpha);
        assert_memory_equal(in_place, alpha, sizeof alpha);
    }
}

static void check_accepts_good_domains(void **state)
{
    (void)state;
    const mcbe_domain_t good[] = {
        {MCBE_DOMAIN_SPHERE, MCBE_RADIAL_ANALYTIC, 1, 0, 0, NULL},
        {MCBE_DOMAIN_BALL, MCBE_RADIAL_SAMPLED, 1e-6, -1, 1, NULL},
        {MCBE_DOMAIN_SHELL, MCBE_RADIAL_ANALYTIC, 1e6, 999999, 0, NULL},
        {MCBE_DOMAIN_GAUSSIAN, MCBE_RADIAL_ANALYTIC, -1, 0, 0, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        mcbe_error_t err = {0};
        assert_int_equal(mcbe_domain_check(&good[i], &err), MCBE_OK);
        assert_int_equal(err.status, MCBE_OK);
    }
}

static void check_refuses_bad_radii_with_a_sentence(void **state)
{
    (void)state;
    const struct {
        mcbe_domain_t domain;
        const char *names, *value;
    } bad[] = {
        {{MCBE_DOMAIN_SPHERE, MCBE_RADIAL_ANALYTIC, 0, 0, 0, NULL}, "radius", "0"},
        {{MCBE_DOMAIN_BALL, MCBE_RADIAL_ANALYTIC, -2.5, 0, 0, NULL}, "radius", "-2.5"},
        {{MCBE_DOMAIN_SPHERE, MCBE_RADIAL_ANALYTIC, NAN, 0, 0, NULL}, "radius", "nan"},
        {{MCBE_DOMAIN_SPHERE, MCBE_RADIAL_SAMPLED, INFINITY, 0, 0, NULL}, "radius", "inf"},
        {{MCBE_DOMAIN_SHELL, MCBE_RADIAL_ANALYTIC, 1, 0, 0, NULL}, "inner_radius", "0"},
        {{MCBE_DOMAIN_SHELL, MCBE_RADIAL_ANALYTIC, 1, -0.25, 0, NULL}, "inner_radius", "-0.25"},
        {{MCBE_DOMAIN_SHELL, MCBE_RADIAL_ANALYTIC, 1, 1, 0, NULL}, "inner_radius", "1"},
        {{MCBE_DOMAIN_SHELL, MCBE_RADIAL_SAMPLED, 1, 1.75, 0, NULL}, "inner_radius", "1.75"},
        {{MCBE_DOMAIN_SHELL, MCBE_RADIAL_SAMPLED, 1, NAN, 0, NULL}, "inner_radius", "nan"},
        {{MCBE_DOMAIN_SHELL, MCBE_RADIAL_SAMPLED, NAN, 1, 0, NULL}, "radius", "nan"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        mcbe_error_t err = {0};
        assert_int_equal(mcbe_domain_check(&bad[i].domain, &err), MCBE_ERR_ARGUMENT);
        assert_int_equal(mcbe_domain_check(&bad[i].domain, NULL), MCBE_ERR_ARGUMENT);
        assert_int_equal(err.status, MCBE_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, bad[i].names));
        assert_non_null(strstr(err.text, bad[i].value));
        assert_null(strchr(err.text, '\n'));
    }
}

/* 48 of 53 bits survive, and what came out goes in and out again unchanged. */
static void a_point_splits_into_fp32_sums(void **unused)
{
    (void)unused;
    enum { N = 5 };
    const double original[N] = {1.0 / 3.0, -1e-20 / 7.0, 0.0, 123456.789012345, -2.0};
    double x[N], again[N];
    float a[N], b[N], c[N], d[N];
    memcpy(x, original, sizeof x);
    mcbe_point_split(N, x, a, b);
    memcpy(again, x, sizeof x);
    mcbe_point_split(N, again, c, d);
    for (int k = 0; k < N; k++) {
        assert_true(fabs(x[k] - original[k]) <= 0x1p-48 * fabs(original[k]));
        assert_true(x[k] == (double)a[k] + (double)b[k]);
        assert_true(again[k] == x[k] && c[k] == a[k] && d[k] == b[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(points_lie_in_the_set),
        UNIT_TEST(sampled_radii_fill_the_volume_evenly),
        UNIT_TEST(directions_are_uniform),
        UNIT_TEST(directions_have_no_preference),
        UNIT_TEST(gaussian_points_are_standard_normal),
        UNIT_TEST(a_block_depends_on_its_address_alone),
        UNIT_TEST(block_size_follows_the_rule),
        UNIT_TEST(finish_follows_from_homogeneity),
        UNIT_TEST(a_point_splits_into_fp32_sums),
        UNIT_TEST(check_accepts_good_domains),
        UNIT_TEST(check_refuses_bad_radii_with_a_sentence),
    };
    return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
