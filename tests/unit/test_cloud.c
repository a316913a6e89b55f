#include "mcbe/cloud.h"

#include "unit.h"

#define WIDTH 256

static mcbe_rng_t stream(int64_t block)
{
    mcbe_rng_t rng;
    const mcbe_stream_key_t key = {.seed = 5, .n = 3, .m = 4, .purpose = 2, .block = block};
    mcbe_rng_init(&rng, &key);
    return rng;
}

static void smoothing_adds_noise_of_deviation_sigma_to_every_center_alike(void **state)
{
    (void)state;
    enum { N = 2, COUNT = 5, BLOCKS = 400 };
    /* far apart, so that the center of a point can be told */
    const float centers[COUNT * N] = {0, 0, 100, 0, 0, 100, -100, 0, 0, -100};
    const double sigma = 0.3;
    int64_t hits[COUNT] = {0};
    double sum[N] = {0}, squares[N] = {0}, product = 0;
    float x[N * WIDTH];
    mcbe_cloud_t *cloud = NULL;
    assert_int_equal(mcbe_cloud_smoothing(&cloud, N, COUNT, centers, sigma, NULL), MCBE_OK);
    for (int block = 0; block < BLOCKS; block++) {
        mcbe_rng_t rng = stream(block);
        mcbe_cloud_fill(cloud, &rng, WIDTH, x);
        for (int s = 0; s < WIDTH; s++) {
            const double first = (double)x[s], second = (double)x[WIDTH + s];
            for (int i = 0; i < COUNT; i++) {
                const double d0 = first - (double)centers[2 * i],
                             d1 = second - (double)centers[2 * i + 1];
                if (fabs(d0) < 50 && fabs(d1) < 50) {
                    hits[i]++;
                    sum[0] += d0;
                    sum[1] += d1;
                    squares[0] += d0 * d0;
                    squares[1] += d1 * d1;
                    product += d0 * d1;
                }
            }
        }
    }
    const double points = (double)BLOCKS * WIDTH, error = 4.5 / sqrt(points);
    double chi = 0;
    int64_t all = 0;
    for (int i = 0; i < COUNT; i++) {
        const double expected = points / COUNT, d = (double)hits[i] - expected;
        chi += d * d / expected;
        all += hits[i];
    }
    assert_int_equal(all, BLOCKS * WIDTH);
    assert_true(chi < 20.0); /* 4 degrees of freedom: exceeded with probability 0.0005 */
    for (int k = 0; k < N; k++) {
        assert_true(fabs(sum[k] / points) < error * sigma);
        assert_true(fabs(squares[k] / points / (sigma * sigma) - 1) < error * sqrt(2));
    }
    assert_true(fabs(product / points) < error * sigma * sigma);
    mcbe_cloud_destroy(&cloud);
}

static void the_diagonal_bandwidth_is_scotts_rule_for_deviations(void **state)
{
    (void)state;
    /* deviations of the columns, divided by count - 1 = 3: sqrt(4 / 3), 0, sqrt(64 / 3) */
    const float centers[] = {0, 7, 1, 0, 7, 1, 2, 7, 9, 2, 7, 9};
    double deviation[3];
    mcbe_cloud_t *cloud = NULL;
    assert_int_equal(mcbe_cloud_density(&cloud, 3, 4, centers, MCBE_BANDWIDTH_DIAGONAL, NULL),
                     MCBE_OK);
    mcbe_cloud_deviations(cloud, deviation);
    const double h = pow(4.0, -1.0 / 7.0);
    assert_true(fabs(deviation[0] - h * sqrt(4.0 / 3.0)) < 1e-14);
    assert_true(deviation[1] == 0.0);
    assert_true(fabs(deviation[2] - h * sqrt(64.0 / 3.0)) < 1e-13);
    mcbe_cloud_destroy(&cloud);
}

/* The thesis leaves it open whether both methods agree: they are one distribution. */
static void a_density_estimate_is_smoothing_with_its_noise(void **state)
{
    (void)state;
    /* both columns have the same deviation */
    const float centers[] = {1, 1, 1, -1, -1, 1, -1, -1, 2, 2, -2, -2};
    double deviation[2];
    float points[2][2 * WIDTH];
    mcbe_cloud_t *density = NULL, *smoothing = NULL;
    assert_int_equal(mcbe_cloud_density(&density, 2, 6, centers, MCBE_BANDWIDTH_DIAGONAL, NULL),
                     MCBE_OK);
    mcbe_cloud_deviations(density, deviation);
    assert_true(deviation[0] == deviation[1] && deviation[0] > 0.5);
    assert_int_equal(mcbe_cloud_smoothing(&smoothing, 2, 6, centers, deviation[0], NULL), MCBE_OK);
    mcbe_rng_t rng = stream(0), same = stream(0);
    mcbe_cloud_fill(density, &rng, WIDTH, points[0]);
    mcbe_cloud_fill(smoothing, &same, WIDTH, points[1]);
    assert_memory_equal(points[0], points[1], sizeof points[0]);
    mcbe_cloud_destroy(&smoothing);
    mcbe_cloud_destroy(&density);
}

/* Noise of a full bandwidth has h^2 times the covariance of the data; here x_1 follows x_0 with a
 * spread of its own, and x_2 = 3 x_0 exactly. */
static void the_full_bandwidth_is_the_covariance_of_the_data(void **state)
{
    (void)state;
    enum { N = 3, COUNT = 40, BLOCKS = 400 };
    float centers[COUNT * N];
    double mean[N] = {0}, expected[N][N] = {{0}}, got[N][N] = {{0}};
    float x[N * WIDTH];
    mcbe_rng_t rng = stream(1000);
    for (int i = 0; i < COUNT; i++) {
        float z[2];
        mcbe_rng_normals(&rng, z, 2);
        centers[i * N] = floorf(16 * z[0]) / 16;
        centers[i * N + 1] = centers[i * N] + 0.25F * z[1];
        centers[i * N + 2] = 3 * centers[i * N];
        for (int k = 0; k < N; k++) {
            mean[k] += (double)centers[i * N + k] / COUNT;
        }
    }
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < N; k++) {
            for (int l = 0; l < N; l++) {
                expected[k][l] += pow(COUNT, -2.0 / (N + 4)) *
                                  ((double)centers[i * N + k] - mean[k]) *
                                  ((double)centers[i * N + l] - mean[l]) / (COUNT - 1);
            }
        }
    }
    mcbe_cloud_t *cloud = NULL;
    assert_int_equal(mcbe_cloud_density(&cloud, N, COUNT, centers, MCBE_BANDWIDTH_FULL, NULL),
                     MCBE_OK);
    for (int block = 0; block < BLOCKS; block++) {
        rng = stream(block);
        mcbe_cloud_noise(cloud, &rng, WIDTH, x);
        for (int s = 0; s < WIDTH; s++) {
            assert_true(fabsf(x[2 * WIDTH + s] - 3 * x[s]) <= 1e-6F * fabsf(x[s]));
            for (int k = 0; k < N; k++) {
                for (int l = 0; l < N; l++) {
                    got[k][l] += (double)x[k * WIDTH + s] * (double)x[l * WIDTH + s] /
                                 ((double)BLOCKS * WIDTH);
                }
            }
        }
    }
    for (int k = 0; k < N; k++) {
        for (int l = 0; l < N; l++) {
            const double scale = sqrt(expected[k][k] * expected[l][l]);
            /* a product of normals has a variance of at most 2 scale^2 */
            assert_true(fabs(got[k][l] - expected[k][l]) <
                        4.5 * sqrt(2.0 / (BLOCKS * WIDTH)) * scale);
        }
    }
    mcbe_cloud_destroy(&cloud);
}

static void bad_data_are_refused_with_a_sentence(void **state)
{
    (void)state;
    float centers[] = {1, 2, 3, 4, 5, 6};
    mcbe_cloud_t *cloud = NULL;
    mcbe_error_t err = {0};
    const double sigmas[] = {-1, NAN, INFINITY};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mcbe_cloud_smoothing(&cloud, 2, 3, centers, sigmas[i], &err),
                         MCBE_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, "sigma"));
        assert_null(cloud);
    }
    assert_int_equal(mcbe_cloud_smoothing(&cloud, 2, 0, centers, 1, &err), MCBE_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "0 rows"));
    assert_int_equal(mcbe_cloud_density(&cloud, 2, 1, centers, MCBE_BANDWIDTH_DIAGONAL, &err),
                     MCBE_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "1 rows"));
    centers[3] = NAN;
    assert_int_equal(mcbe_cloud_smoothing(&cloud, 2, 3, centers, 1, &err), MCBE_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "entry 1 of row 1"));
    assert_null(cloud);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(smoothing_adds_noise_of_deviation_sigma_to_every_center_alike),
        UNIT_TEST(the_diagonal_bandwidth_is_scotts_rule_for_deviations),
        UNIT_TEST(a_density_estimate_is_smoothing_with_its_noise),
        UNIT_TEST(the_full_bandwidth_is_the_covariance_of_the_data),
        UNIT_TEST(bad_data_are_refused_with_a_sentence),
    };
    return cmocka_run_group_tests_name("cloud", tests, NULL, NULL);
}
