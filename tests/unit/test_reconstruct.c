#include "unit.h"

#include <float.h>

#include "mcbe/frame.h"
#include "mcbe/reconstruct.h"

static mcbe_reconstruct_t *workspace(int m, int n, const double *w, const double *bias)
{
    mcbe_reconstruct_t *made = NULL;
    assert_int_equal(mcbe_reconstruct_create(&made, m, n, w, n, bias, NULL), MCBE_OK);
    return made;
}

static mcbe_reconstruction_t undo(int m, int n, const double *w, const double *bias,
                                  const double *z, double *x)
{
    mcbe_reconstruction_t info;
    mcbe_reconstruct_t *made = workspace(m, n, w, bias);
    assert_int_equal(mcbe_reconstruct_least_squares(made, 1, z, m, x, n, &info, NULL), MCBE_OK);
    mcbe_reconstruct_destroy(&made);
    return info;
}

/* max(0, Wx - bias) */
static void layer(int m, int n, const double *w, const double *bias, const double *x, double *z)
{
    for (int j = 0; j < m; j++) {
        double sum = bias ? -bias[j] : 0;
        for (int i = 0; i < n; i++) {
            sum += w[j * n + i] * x[i];
        }
        z[j] = fmax(0, sum);
    }
}

static double distance(int n, const double *x, const double *y)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += (x[i] - y[i]) * (x[i] - y[i]);
    }
    return sqrt(sum);
}

static double length(int n, const double *x)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += x[i] * x[i];
    }
    return sqrt(sum);
}

static void fill_normal(mcbe_rng_t *rng, int count, double *values)
{
    float *normals = mcbe_alloc((size_t)count, sizeof *normals);
    mcbe_rng_normals(rng, normals, (size_t)count);
    for (int i = 0; i < count; i++) {
        values[i] = (double)normals[i];
    }
    mcbe_free(normals);
}

static void the_octahedron_by_hand(void **state)
{
    (void)state;
    const double points[][3] = {{1, 2, -3}, {1, 0, -3}, {0, 0, 0}, {0.5, -0.25, 0.125}};
    const double ones[] = {-1, -1, -1, -1, -1, -1};
    static const int active[] = {3, 2, 0, 6};
    double z[6], x[3];
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    for (size_t i = 0; i < COUNT_OF(points); i++) {
        const double *bias = i == 3 ? ones : NULL; /* within it all six rows are active */
        layer(6, 3, frame.w, bias, points[i], z);
        const mcbe_reconstruction_t info = undo(6, 3, frame.w, bias, z, x);
        assert_int_equal(info.active, active[i]);
        assert_int_equal(info.rank, active[i] < 3 ? active[i] : 3);
        assert_true(fabs(info.rcond - (active[i] > 0)) < 1e-15);
        assert_true(info.residual < 1e-15);
        assert_true(distance(3, x, points[i]) < 1e-15);
        assert_int_equal(info.by_svd, 0);
    }
    mcbe_frame_free(&frame);
}

static void a_row_twice(void **state)
{
    (void)state;
    const double w[] = {1, 0, 1, 0, 0, 1, 0, -1};
    double x[2];
    mcbe_reconstruction_t info = undo(4, 2, w, NULL, (const double[]){3, 3, 2, 0}, x);
    assert_int_equal(info.rank, 2); /* singular values sqrt(2) and 1 */
    assert_true(fabs(info.rcond - sqrt(0.5)) < 1e-15);
    assert_true(fabs(x[0] - 3) < 1e-15 && fabs(x[1] - 2) < 1e-15);
    info = undo(4, 2, w, NULL, (const double[]){3, 3, 0, 0}, x);
    assert_int_equal(info.active, 2);
    assert_int_equal(info.rank, 1);
    assert_int_equal(info.by_svd, 1);
    assert_true(fabs(info.rcond - 1) < 1e-15 && info.residual < 1e-15);
    assert_true(fabs(x[0] - 3) < 1e-15 && fabs(x[1]) < 1e-15); /* the shortest of all (3, t) */
}

/* More active rows than dimensions, all in one plane. */
static void dependent_rows_give_the_shortest_input(void **state)
{
    (void)state;
    const double w[] = {1, 0, 0, 0, 1, 0, 1, 1, 0, 1, -1, 0}, input[] = {5, 1, 7};
    double z[4], x[3];
    layer(4, 3, w, NULL, input, z);
    const mcbe_reconstruction_t info = undo(4, 3, w, NULL, z, x);
    assert_int_equal(info.active, 4);
    assert_int_equal(info.rank, 2);
    assert_int_equal(info.by_svd, 1);
    assert_true(fabs(info.rcond - 1) < 1e-15); /* W^T W = diag(3, 3, 0) */
    assert_true(distance(3, x, (const double[]){5, 1, 0}) < 1e-14);
}

static void small_systems_by_hand(void **state)
{
    (void)state;
    double x[2];
    /* n = m: 2x + y = 5, x + 3y = 10 */
    mcbe_reconstruction_t info =
        undo(2, 2, (const double[]){2, 1, 1, 3}, NULL, (const double[]){5, 10}, x);
    assert_true(distance(2, x, (const double[]){1, 3}) < 1e-14);
    assert_int_equal(info.rank, 2);
    /* sigma^2 = (15 +- sqrt(125)) / 2 */
    assert_true(fabs(info.rcond - sqrt((15 - sqrt(125)) / (15 + sqrt(125)))) < 1e-14);
    /* one row in the plane, b = 10 - 5: the point of 3x + 4y = 5 nearest to 0 */
    const double bias = -5;
    info = undo(1, 2, (const double[]){3, 4}, &bias, (const double[]){10}, x);
    assert_true(distance(2, x, (const double[]){0.6, 0.8}) < 1e-15);
    assert_true(info.rank == 1 && info.rcond == 1);
    /* no output of the layer: x = 1 and x = 3 */
    info = undo(2, 1, (const double[]){1, 1}, NULL, (const double[]){1, 3}, x);
    assert_true(fabs(x[0] - 2) < 1e-15 && fabs(info.residual - sqrt(2)) < 1e-15);
    /* b = 0: z = 1 at bias -1 */
    const double minus_one = -1;
    info = undo(1, 1, (const double[]){4}, &minus_one, (const double[]){1}, x);
    assert_true(x[0] == 0 && info.rank == 1 && info.residual == 0);
    /* a zero row whose output is positive, which no input explains */
    info = undo(2, 2, (const double[]){0, 0, 0, 2}, NULL, (const double[]){1, 0}, x);
    assert_true(x[0] == 0 && x[1] == 0 && info.rank == 0 && info.active == 1);
    assert_true(info.rcond == 0 && info.residual == 1);
    /* a row that is never active, and others that are not now, may be anything */
    const double biases[] = {INFINITY, 1, 3};
    info = undo(3, 1, (const double[]){1, 2, 1}, biases, (const double[]){0, 3, 0}, x);
    assert_true(fabs(x[0] - 2) < 1e-15 && info.active == 1);
}

/* Unit rows at an angle t: rcond = tan(t / 2). What is lost is eps / rcond, by either way. */
static void conditioning_is_reported(void **state)
{
    (void)state;
    int ways[2] = {0};
    for (double t = 1.5; t > 1e-9; t /= 3) {
        const double w[] = {1, 0, cos(t), sin(t)}, input[] = {1, 2};
        double z[2], x[2];
        layer(2, 2, w, NULL, input, z);
        const mcbe_reconstruction_t info = undo(2, 2, w, NULL, z, x);
        assert_int_equal(info.rank, 2);
        assert_true(fabs(info.rcond / tan(t / 2) - 1) < 1e-6);
        assert_true(distance(2, x, input) < 4 * DBL_EPSILON / info.rcond * length(2, input));
        ways[info.by_svd]++;
    }
    assert_true(ways[0] > 5 && ways[1] > 5);
}

enum { M = 60, N = 20 };

/* Any number of active rows: exact where they span R^n, else the shortest input that explains z,
 * which is a combination of active rows. */
static void random_layers(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(1);
    int full = 0, deficient = 0;
    for (int trial = 0; trial < 300; trial++) {
        double w[M * N], bias[M], input[N], z[M], x[N];
        fill_normal(&rng, M * N, w);
        fill_normal(&rng, M, bias);
        fill_normal(&rng, N, input);
        for (int j = 0; j < M; j++) {
            bias[j] += (trial % 7 - 3) * 2.0;
        }
        layer(M, N, w, bias, input, z);
        const mcbe_reconstruction_t info = undo(M, N, w, bias, z, x);
        assert_int_equal(info.rank, info.active < N ? info.active : N);
        assert_true(info.residual < 1e-12 * length(N, input) * 10);
        if (info.rank == N) {
            full++;
            assert_true(distance(N, x, input) < 1e-10 * length(N, input));
            continue;
        }
        deficient++;
        double error[N];
        for (int i = 0; i < N; i++) {
            error[i] = input[i] - x[i];
        }
        double product = 0; /* the shortest: x is orthogonal to input - x */
        for (int i = 0; i < N; i++) {
            product += x[i] * error[i];
        }
        assert_true(fabs(product) < 1e-9 && length(N, x) <= length(N, input));
    }
    assert_true(full > 100 && deficient > 50);
}

static void scaling_and_permutation(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(2);
    static const int powers[] = {-300, -3, 1, 300};
    double w[M * N], bias[M], input[N], z[M], x[N], changed[M * N], new_bias[M], new_z[M], y[N];
    fill_normal(&rng, M * N, w);
    fill_normal(&rng, M, bias);
    fill_normal(&rng, N, input);
    layer(M, N, w, bias, input, z);
    mcbe_reconstruction_t info = undo(M, N, w, bias, z, x);
    assert_int_equal(info.rank, N);
    for (size_t p = 0; p < COUNT_OF(powers); p++) {
        for (int i = 0; i < M * N; i++) {
            changed[i] = ldexp(w[i], powers[p]);
        }
        for (int j = 0; j < M; j++) {
            new_bias[j] = ldexp(bias[j], powers[p]);
            new_z[j] = ldexp(z[j], powers[p]);
        }
        const mcbe_reconstruction_t found = undo(M, N, changed, new_bias, new_z, y);
        assert_memory_equal(x, y, sizeof x);
        assert_true(found.rcond == info.rcond);
        assert_true(found.residual == ldexp(info.residual, powers[p]));
    }
    for (int j = 0; j < M; j++) {
        memcpy(changed + (M - 1 - j) * N, w + j * N, N * sizeof *w);
        new_bias[M - 1 - j] = bias[j];
        new_z[M - 1 - j] = z[j];
    }
    const mcbe_reconstruction_t found = undo(M, N, changed, new_bias, new_z, y);
    assert_true(found.active == info.active && fabs(found.rcond / info.rcond - 1) < 1e-6);
    assert_true(distance(N, x, y) < 1e-12);
}

/* What is reconstructed before or beside an output changes no bit of it; rows may be longer. */
static void outputs_do_not_know_each_other(void **state)
{
    (void)state;
    enum { COUNT = 6, LDZ = M + 3, LDX = N + 2 };
    mcbe_rng_t rng = test_rng(3);
    double w[M * N], input[N], z[COUNT * LDZ], x[COUNT * LDX], one[N];
    mcbe_reconstruction_t info[COUNT], single;
    fill_normal(&rng, M * N, w);
    for (int i = 0; i < COUNT; i++) {
        fill_normal(&rng, N, input);
        layer(M, N, w, NULL, input, z + i * LDZ);
        for (int j = 0; j < M; j++) { /* several ways: 15 rows, 3 rows, ... */
            z[i * LDZ + j] *= i == 2 ? j < 30 : i == 4 ? j < 6 : 1;
        }
    }
    mcbe_reconstruct_t *made = workspace(M, N, w, NULL);
    assert_int_equal(mcbe_reconstruct_least_squares(made, COUNT, z, LDZ, x, LDX, info, NULL),
                     MCBE_OK);
    for (int i = COUNT - 1; i >= 0; i--) {
        assert_int_equal(
            mcbe_reconstruct_least_squares(made, 1, z + i * LDZ, M, one, N, &single, NULL),
            MCBE_OK);
        assert_memory_equal(one, x + i * LDX, sizeof one);
        assert_true(single.rcond == info[i].rcond && single.residual == info[i].residual);
        assert_int_equal(
            mcbe_reconstruct_least_squares(made, 1, z + i * LDZ, M, one, N, NULL, NULL), MCBE_OK);
        assert_memory_equal(one, x + i * LDX, sizeof one);
    }
    mcbe_reconstruct_destroy(&made);
}

/* 50 of 60 rows active: the Gram matrix comes from that of all rows, unless rows that are not
 * active are so long that nothing would be left of it. Either way it is as if they were not there. */
static void inactive_rows_do_not_matter(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(4);
    for (int trial = 0; trial < 20; trial++) {
        double w[M * N], bias[M], input[N], z[M], x[N], y[N];
        const double longer = trial < 10 ? 1 : 1e12;
        fill_normal(&rng, M * N, w);
        fill_normal(&rng, N, input);
        for (int j = 0; j < M; j++) {
            bias[j] = j < 50 ? -50 : INFINITY;
            for (int i = 0; i < N; i++) {
                w[j * N + i] *= j < 50 ? 1 : longer;
            }
        }
        layer(M, N, w, bias, input, z);
        const mcbe_reconstruction_t info = undo(M, N, w, bias, z, x);
        const mcbe_reconstruction_t alone = undo(50, N, w, bias, z, y);
        assert_int_equal(info.active, 50);
        assert_int_equal(info.by_svd, 0);
        assert_true(fabs(info.rcond / alone.rcond - 1) < 1e-3);
        assert_true(distance(N, x, input) < 1e-12 && distance(N, y, input) < 1e-12);
    }
}

/* A = B: one step. */
static void a_tight_frame_takes_one_step(void **state)
{
    (void)state;
    const double bias[] = {-1, -1, -1, -1, -1, -1}, input[] = {0.5, -0.25, 0.125};
    double z[6], x[3];
    mcbe_frame_t frame;
    mcbe_frame_algorithm_t run;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    mcbe_reconstruct_t *made = workspace(6, 3, frame.w, bias);
    layer(6, 3, frame.w, bias, input, z);
    assert_int_equal(mcbe_reconstruct_frame_algorithm(made, z, 1e-10, 10, x, &run, NULL), MCBE_OK);
    assert_true(run.active == 6 && run.rank == 3 && run.converged);
    assert_true(fabs(run.lower - 2) < 1e-7 && fabs(run.upper - 2) < 1e-7);
    assert_true(run.iterations == 1 && distance(3, x, input) < 1e-10);
    mcbe_reconstruct_destroy(&made);
    mcbe_frame_free(&frame);
}

/* Unit rows at an angle t: A, B = 1 -+ cos t, rate cos t. Starting from 0 with x orthogonal to or
 * along the short axis, the error is |x| cos^k t exactly: the bound is attained. */
static void the_bound_is_attained(void **state)
{
    (void)state;
    const double t = 0.5, w[] = {cos(t / 2), sin(t / 2), cos(t / 2), -sin(t / 2)};
    const double bias[] = {-9, -9}, inputs[][2] = {{3, 0}, {0, 3}};
    double z[2], x[2];
    mcbe_frame_algorithm_t run;
    mcbe_reconstruct_t *made = workspace(2, 2, w, bias);
    for (size_t i = 0; i < COUNT_OF(inputs); i++) {
        layer(2, 2, w, bias, inputs[i], z);
        for (int steps = 1; steps < 40; steps += 6) {
            assert_int_equal(mcbe_reconstruct_frame_algorithm(made, z, 1e-14, steps, x, &run, NULL),
                             MCBE_OK);
            const double error = distance(2, x, inputs[i]) / 3;
            assert_true(fabs(run.rate - cos(t)) < 1e-7);
            assert_true(run.iterations == steps && !run.converged);
            assert_true(fabs(error / pow(cos(t), steps) - 1) < 1e-5);
            assert_true(error <= run.error_bound * (1 + 1e-12));
        }
    }
    /* cos^k t <= 1e-6 from k = 106 on: log(1e-6) / log(0.8776) = 105.8 */
    assert_int_equal(mcbe_reconstruct_frame_algorithm(made, z, 1e-6, 1000, x, &run, NULL), MCBE_OK);
    assert_true(run.converged && run.needed == 106 && run.error_bound <= 1e-6);
    assert_true(run.iterations >= 106 && run.iterations < 130);
    mcbe_reconstruct_destroy(&made);
}

/* Both ways undo the same layers; also those whose active rows do not span R^n. */
static void the_frame_algorithm_agrees_with_least_squares(void **state)
{
    (void)state;
    mcbe_rng_t rng = test_rng(5);
    int deficient = 0;
    for (int trial = 0; trial < 40; trial++) {
        double w[M * N], bias[M], input[N], z[M], x[N], y[N];
        mcbe_frame_algorithm_t run;
        fill_normal(&rng, M * N, w);
        fill_normal(&rng, N, input);
        for (int j = 0; j < M; j++) {
            bias[j] = trial % 2 ? -6 : 4;
        }
        if (trial == 0) { /* the same rows twice: dependent, and fewer than n of them */
            memcpy(w, w + M / 2 * N, M / 2 * N * sizeof *w);
        }
        layer(M, N, w, bias, input, z);
        const mcbe_reconstruction_t info = undo(M, N, w, bias, z, x);
        mcbe_reconstruct_t *made = workspace(M, N, w, bias);
        assert_int_equal(mcbe_reconstruct_frame_algorithm(made, z, 1e-9, 100000, y, &run, NULL),
                         MCBE_OK);
        assert_true(run.converged && run.rank == info.rank && run.active == info.active);
        assert_true(fabs(sqrt(run.lower / run.upper) / info.rcond - 1) < 0.1);
        assert_true(distance(N, x, y) <= 1.1e-9 * length(N, x));
        deficient += run.rank < N;
        mcbe_reconstruct_destroy(&made);
    }
    assert_true(deficient >= 10);
}

static void nothing_to_iterate_on(void **state)
{
    (void)state;
    double x[2] = {7, 7};
    mcbe_frame_algorithm_t run;
    const double w[] = {0, 0, 0, 2};
    mcbe_reconstruct_t *made = workspace(2, 2, w, NULL);
    assert_int_equal(
        mcbe_reconstruct_frame_algorithm(made, (const double[]){0, 0}, 0.5, 1, x, &run, NULL),
        MCBE_OK);
    assert_true(x[0] == 0 && x[1] == 0 && run.active == 0 && run.rank == 0 && run.converged);
    assert_int_equal(
        mcbe_reconstruct_frame_algorithm(made, (const double[]){3, 0}, 0.5, 1, x, &run, NULL),
        MCBE_OK);
    assert_true(x[0] == 0 && run.active == 1 && run.rank == 0 && run.residual == 3);
    mcbe_reconstruct_destroy(&made);
}

static void what_cannot_be_done_is_refused(void **state)
{
    (void)state;
    const double w[] = {1, 0, 0, 1}, bad[] = {1, INFINITY, 0, 1};
    const double biases[][2] = {{0, NAN}, {-INFINITY, 0}};
    mcbe_reconstruct_t *made = NULL;
    mcbe_error_t err = {0};
    double x[2];
    assert_int_equal(mcbe_reconstruct_create(&made, 2, 0, w, 2, NULL, &err), MCBE_ERR_DIM);
    assert_non_null(
        strstr(err.text, "reconstruction: the matrix has m = 2 rows in dimension n = 0"));
    assert_int_equal(mcbe_reconstruct_create(&made, 2, 2, w, 1, NULL, NULL), MCBE_ERR_DIM);
    assert_int_equal(mcbe_reconstruct_create(&made, 2, 2, bad, 2, NULL, NULL), MCBE_ERR_VALUE);
    for (size_t i = 0; i < COUNT_OF(biases); i++) {
        mcbe_error_clear(&err);
        assert_int_equal(mcbe_reconstruct_create(&made, 2, 2, w, 2, biases[i], &err),
                         MCBE_ERR_VALUE);
        assert_non_null(strstr(err.text, "the bias of row"));
    }
    assert_null(made);
    mcbe_reconstruct_destroy(&made);

    const double bias[] = {0, INFINITY};
    const double outputs[][2] = {{1, NAN}, {1, -1}, {INFINITY, 0}, {1, 1}};
    assert_int_equal(mcbe_reconstruct_create(&made, 2, 2, w, 2, bias, NULL), MCBE_OK);
    for (size_t i = 0; i < COUNT_OF(outputs); i++) {
        mcbe_error_clear(&err);
        assert_int_equal(mcbe_reconstruct_least_squares(made, 1, outputs[i], 2, x, 2, NULL, &err),
                         MCBE_ERR_VALUE);
        assert_non_null(strstr(err.text, i == 2 ? "row 0 of output 0" : "row 1 of output 0"));
        assert_int_equal(mcbe_reconstruct_frame_algorithm(made, outputs[i], 0.5, 1, x, NULL, NULL),
                         MCBE_ERR_VALUE);
    }
    assert_int_equal(mcbe_reconstruct_least_squares(made, 1, w, 1, x, 2, NULL, NULL),
                     MCBE_ERR_ARGUMENT);
    assert_int_equal(mcbe_reconstruct_least_squares(made, 1, w, 2, x, 1, NULL, NULL),
                     MCBE_ERR_ARGUMENT);
    assert_int_equal(mcbe_reconstruct_least_squares(made, -1, w, 2, x, 2, NULL, NULL),
                     MCBE_ERR_ARGUMENT);
    static const double tolerances[] = {0, 1, NAN, 0.5};
    for (size_t i = 0; i < COUNT_OF(tolerances); i++) {
        const int64_t iterations = i == 3 ? 0 : 5;
        assert_int_equal(
            mcbe_reconstruct_frame_algorithm(made, w, tolerances[i], iterations, x, NULL, NULL),
            MCBE_ERR_ARGUMENT);
    }
    mcbe_reconstruct_destroy(&made);
}

static mcbe_status_t create_and_undo(void)
{
    const double w[] = {1, 0, 0, 1, 1, 1}, z[] = {1, 2, 3};
    double x[2];
    mcbe_reconstruct_t *made = NULL;
    mcbe_status_t st = mcbe_reconstruct_create(&made, 3, 2, w, 2, NULL, NULL);
    if (st == MCBE_OK) {
        st = mcbe_reconstruct_least_squares(made, 1, z, 3, x, 2, NULL, NULL);
    }
    mcbe_reconstruct_destroy(&made);
    return st;
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(create_and_undo());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_octahedron_by_hand),
        UNIT_TEST(a_row_twice),
        UNIT_TEST(dependent_rows_give_the_shortest_input),
        UNIT_TEST(small_systems_by_hand),
        UNIT_TEST(conditioning_is_reported),
        UNIT_TEST(random_layers),
        UNIT_TEST(scaling_and_permutation),
        UNIT_TEST(outputs_do_not_know_each_other),
        UNIT_TEST(inactive_rows_do_not_matter),
        UNIT_TEST(a_tight_frame_takes_one_step),
        UNIT_TEST(the_bound_is_attained),
        UNIT_TEST(the_frame_algorithm_agrees_with_least_squares),
        UNIT_TEST(nothing_to_iterate_on),
        UNIT_TEST(what_cannot_be_done_is_refused),
        UNIT_TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("reconstruct", tests, NULL, NULL);
}
