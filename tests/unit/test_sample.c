#include "mcbe/sample.h"

#include "unit.h"

enum { M = 7, N = 3, DATA = 5 };

static const mcbe_stream_key_t key = {.seed = 8, .n = N, .m = M, .trial = 1};

typedef struct fixture {
    mcbe_frame_t frame;
    float data[DATA * N];
    mcbe_cloud_t *cloud; /* owned */
    mcbe_domain_t sphere, around;
    double stored[2 * N];
    mcbe_points_t points;
} fixture_t;

static void fixture_init(fixture_t *f)
{
    mcbe_rng_t rng = test_rng(1);
    *f = (fixture_t){.sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1},
                     .stored = {1, 0, 0, 0.6, 0, -0.8}};
    assert_int_equal(mcbe_frame_random(&f->frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0), MCBE_OK);
    mcbe_rng_normals(&rng, f->data, DATA * N);
    assert_int_equal(mcbe_cloud_smoothing(&f->cloud, N, DATA, f->data, 0.25, NULL), MCBE_OK);
    f->around = (mcbe_domain_t){.kind = MCBE_DOMAIN_CLOUD, .cloud = f->cloud};
    f->points = (mcbe_points_t){.n = N, .count = 2, .x = f->stored};
}

static void fixture_free(fixture_t *f)
{
    mcbe_cloud_destroy(&f->cloud);
    mcbe_frame_free(&f->frame);
}

static mcbe_status_t coordinates(const fixture_t *f, mcbe_design_t design, int64_t count,
                                 const int64_t *samples, double *x)
{
    return mcbe_sample_coordinates(design, mcbe_design_is_crossed(design) ? &f->around : &f->sphere,
                                   &f->frame, &key, &f->points, count, samples, x);
}

/* Whatever the order, each id gives the point that it gives alone. */
static void points_do_not_depend_on_their_company(void **unused)
{
    (void)unused;
    static const int64_t samples[] = {100000, 3, -4, MCBE_STORED_POINT + 1, 0, 255, 256, 3, 70000};
    enum { COUNT = COUNT_OF(samples) };
    fixture_t f;
    fixture_init(&f);
    for (mcbe_design_t design = MCBE_DESIGN_IID; design <= MCBE_DESIGN_CROSSED_SMALL; design++) {
        double all[COUNT * N], one[N];
        assert_int_equal(coordinates(&f, design, COUNT, samples, all), MCBE_OK);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(coordinates(&f, design, 1, samples + i, one), MCBE_OK);
            assert_memory_equal(one, all + i * N, sizeof one);
        }
    }
    fixture_free(&f);
}

/* Of the iid and the crossed design, from the blocks as they are filled. */
static void ids_name_places_in_blocks(void **unused)
{
    (void)unused;
    static float block[N * 256], center[N * MCBE_CROSSED_CENTERS], noise[N * MCBE_CROSSED_NOISES];
    double scale[256], x[N];
    mcbe_stream_key_t third = key;
    fixture_t f;
    fixture_init(&f);
    third.block = 3;
    third.purpose = MCBE_PURPOSE_SAMPLE;
    mcbe_domain_fill(&f.sphere, N, &third, block, scale);
    const int64_t sample = 3 * 256 + 17;
    assert_int_equal(coordinates(&f, MCBE_DESIGN_IID, 1, &sample, x), MCBE_OK);
    for (int k = 0; k < N; k++) {
        assert_true(x[k] == (double)block[k * 256 + 17] * scale[17]);
    }
    mcbe_crossed_fill(MCBE_DESIGN_CROSSED, f.cloud, &third, center, noise);
    const int64_t sum = 3 * MCBE_CROSSED_BLOCK + 9 * MCBE_CROSSED_CENTERS + 200;
    assert_int_equal(coordinates(&f, MCBE_DESIGN_CROSSED, 1, &sum, x), MCBE_OK);
    for (int k = 0; k < N; k++) {
        assert_true(x[k] == (double)center[k * MCBE_CROSSED_CENTERS + 200] +
                                (double)noise[k * MCBE_CROSSED_NOISES + 9]);
    }
    fixture_free(&f);
}

static void rows_stored_points_and_nothing(void **unused)
{
    (void)unused;
    const int64_t samples[] = {mcbe_row_sample(0), mcbe_row_sample(M - 1), MCBE_STORED_POINT + 1,
                               -1};
    double x[4 * N];
    fixture_t f;
    fixture_init(&f);
    assert_int_equal(coordinates(&f, MCBE_DESIGN_PAIRED, 4, samples, x), MCBE_OK);
    for (int k = 0; k < N; k++) {
        assert_true(fabs(x[k] - f.frame.w[k] / f.frame.norm[0]) < 1e-7);
        assert_true(fabs(x[N + k] - f.frame.w[(M - 1) * N + k] / f.frame.norm[M - 1]) < 1e-7);
        assert_true(fabs(x[2 * N + k] - f.stored[N + k]) < 1e-14);
        assert_true(isnan(x[3 * N + k]));
    }
    fixture_free(&f);
}

static void ids_that_name_no_point(void **unused)
{
    (void)unused;
    const int64_t samples[] = {mcbe_row_sample(M), MCBE_STORED_POINT + 2, INT64_MIN};
    double x[N];
    fixture_t f;
    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        assert_int_equal(coordinates(&f, MCBE_DESIGN_IID, 1, samples + i, x), MCBE_ERR_ARGUMENT);
    }
    const int64_t stored = MCBE_STORED_POINT;
    assert_int_equal(
        mcbe_sample_coordinates(MCBE_DESIGN_IID, &f.sphere, &f.frame, &key, NULL, 1, &stored, x),
        MCBE_ERR_ARGUMENT);
    fixture_free(&f);
}

static void failed_allocations_leave_nothing(void **unused)
{
    (void)unused;
    const int64_t samples[] = {5, MCBE_STORED_POINT};
    double x[2 * N];
    fixture_t f;
    fixture_init(&f);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(coordinates(&f, MCBE_DESIGN_CROSSED, 2, samples, x));
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(points_do_not_depend_on_their_company), UNIT_TEST(ids_name_places_in_blocks),
        UNIT_TEST(rows_stored_points_and_nothing),        UNIT_TEST(ids_that_name_no_point),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
