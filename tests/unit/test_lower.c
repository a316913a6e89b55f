/* Lowering one entry of alpha*: closed forms, exact enumeration for small n, and every promise about
 * the point returned. */

#include "bias_cases.h"
#include "mcbe/search.h"

#define N_MAX 4

static const mcbe_domain_t sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1};

/* --- the exact value, by enumerating every candidate -------------------------------------------- */

typedef struct exact {
    const mcbe_frame_t *frame;
    int row, allowed;
    double u[64][N_MAX]; /* w_i - w_j, unit */
    int copy[64];
    double lowest;
} exact_t;

static double product(int n, const double *a, const double *b)
{
    double sum = 0;
    for (int k = 0; k < n; k++) {
        sum += a[k] * b[k];
    }
    return sum;
}

static int contains(const int *rows, int count, int row)
{
    for (int i = 0; i < count; i++) {
        if (rows[i] == row) {
            return 1;
        }
    }
    return 0;
}

/* Does x, on which the rows of `tight` vanish, let row j be among the n largest? */
static void judge(exact_t *e, const double *x, const int *tight, int count)
{
    const int n = e->frame->n;
    int ahead = 0;
    for (int i = 0; i < e->frame->m; i++) {
        ahead += !e->copy[i] && !contains(tight, count, i) && product(n, e->u[i], x) > 1e-12;
    }
    if (ahead <= e->allowed) {
        e->lowest = fmin(e->lowest, product(n, x, e->frame->w + (size_t)e->row * (size_t)n));
    }
}

/* x less its parts along an orthonormal basis, divided by its norm. @return 0 if nothing is left */
static int orthogonal_part(int n, const double basis[][N_MAX], int count, double *x)
{
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < count; i++) {
            const double part = product(n, basis[i], x);
            for (int k = 0; k < n; k++) {
                x[k] -= part * basis[i][k];
            }
        }
    }
    const double size = sqrt(product(n, x, x));
    for (int k = 0; k < n; k++) {
        x[k] /= size;
    }
    return size > 1e-9;
}

static void try_tight(exact_t *e, const double basis[][N_MAX], const int *tight, int count)
{
    const int n = e->frame->n;
    double x[N_MAX], opposite[N_MAX];
    for (int axis = 0; axis <= (count == n - 1 ? n - 1 : 0); axis++) {
        for (int k = 0; k < n; k++) {
            x[k] = count == n - 1 ? k == axis : -e->frame->w[e->row * n + k];
        }
        /* of the unit vectors one with a large part on the null line will do */
        if (!orthogonal_part(n, basis, count, x) || (count == n - 1 && fabs(x[axis]) < 0.4)) {
            continue;
        }
        judge(e, x, tight, count);
        for (int k = 0; k < n && count == n - 1; k++) {
            opposite[k] = -x[k];
        }
        if (count == n - 1) {
            judge(e, opposite, tight, count);
            return;
        }
    }
}

static void enumerate(exact_t *e, int first, double basis[][N_MAX], int *tight, int count)
{
    const int n = e->frame->n;
    try_tight(e, (const double(*)[N_MAX])basis, tight, count);
    for (int i = first; i < e->frame->m && count < n - 1; i++) {
        memcpy(basis[count], e->u[i], sizeof e->u[i]);
        tight[count] = i;
        if (!e->copy[i] && orthogonal_part(n, (const double(*)[N_MAX])basis, count, basis[count])) {
            enumerate(e, i + 1, basis, tight, count + 1);
        }
    }
}

/* The infimum of alpha(x)_j over the unit sphere. On a cell of the arrangement of the u_i it is the
 * projection of -w_j on the span of a face if negative, and on an extreme ray otherwise. */
static double exact_value(const mcbe_frame_t *frame, int row)
{
    const int n = frame->n;
    exact_t e = {.frame = frame, .row = row, .allowed = n - 1, .lowest = INFINITY};
    double basis[N_MAX][N_MAX];
    int tight[N_MAX];
    assert_true(n <= N_MAX && frame->m <= 64);
    for (int i = 0; i < frame->m; i++) {
        for (int k = 0; k < n; k++) {
            e.u[i][k] = frame->w[i * n + k] - frame->w[row * n + k];
        }
        const double size = sqrt(product(n, e.u[i], e.u[i]));
        e.copy[i] = size == 0;
        e.allowed -= e.copy[i] && i < row;
        for (int k = 0; k < n && size > 0; k++) {
            e.u[i][k] /= size;
        }
    }
    enumerate(&e, 0, basis, tight, 0);
    return e.lowest;
}

/* --- running ------------------------------------------------------------------------------------ */

typedef struct lowered {
    double value;
    int64_t used;
    double x[64];
} lowered_t;

static lowered_t lower_from(const mcbe_frame_t *frame, int row, const double *starts, int64_t count,
                            int64_t budget)
{
    const mcbe_stream_key_t key = {.seed = 7, .n = frame->n, .m = frame->m};
    lowered_t got;
    mcbe_lower_t *lower = NULL;
    assert_true(frame->n <= (int)COUNT_OF(got.x));
    assert_int_equal(mcbe_lower_create(&lower, frame, &sphere, &key), MCBE_OK);
    assert_int_equal(
        mcbe_lower_row(lower, row, starts, count, budget, got.x, &got.value, &got.used), MCBE_OK);
    mcbe_lower_destroy(&lower);
    assert_null(lower);
    return got;
}

static lowered_t lower_row(const mcbe_frame_t *frame, int row, int64_t budget)
{
    return lower_from(frame, row, NULL, 0, budget);
}

/* What the header says of x: split, a unit vector, and a point at which mcbe_bias_lower lowers row j
 * to just this value. */
static void assert_evidence(const mcbe_frame_t *frame, int row, const lowered_t *got)
{
    const int n = frame->n, m = frame->m;
    float a[64], b[64];
    double x[64];
    if (isinf(got->value)) {
        for (int k = 0; k < n; k++) {
            assert_true(got->x[k] == 0);
        }
        return;
    }
    memcpy(x, got->x, sizeof x);
    mcbe_point_split(n, x, a, b);
    assert_memory_equal(x, got->x, (size_t)n * sizeof *x);
    const double norm = mcbe_point_norm(n, a, b, 1);
    assert_true(fabs(norm - 1) < 1e-13);
    double *c = mcbe_alloc((size_t)m, sizeof *c), *alpha = mcbe_alloc((size_t)m, sizeof *alpha);
    int *rows = mcbe_alloc((size_t)m, sizeof *rows);
    assert_true(c && alpha && rows);
    for (int j = 0; j < m; j++) {
        alpha[j] = INFINITY;
    }
    mcbe_frame_pair_coefficients(frame, a, b, 1 / norm, c);
    assert_int_equal(mcbe_bias_lower(n, m, alpha, c, rows), n);
    assert_true(alpha[row] == got->value);
    mcbe_free(rows);
    mcbe_free(alpha);
    mcbe_free(c);
}

static void assert_all_rows_reach(const mcbe_frame_t *frame, double expected)
{
    for (int row = 0; row < frame->m; row++) {
        const lowered_t got = lower_row(frame, row, 4000);
        assert_evidence(frame, row, &got);
        assert_true(got.value >= expected - 1e-14);
        assert_true(got.value <= expected + 1e-10);
    }
}

/* --- closed forms --------------------------------------------------------------------------------- */

/* Unit vectors from the centre to the corners: e_k - (1 - s) / n for all k, and -s, with rows
 * normalised by mcbe_frame_copy. */
static void simplex(mcbe_frame_t *frame, int n)
{
    double w[9 * 8];
    const double shift = (1 + sqrt(n + 1.0)) / n;
    for (int j = 0; j <= n; j++) {
        for (int k = 0; k < n; k++) {
            /* corners e_k and shift (1, ..., 1), all at distance sqrt(2); the centre is their mean */
            const double corner = j < n ? j == k : shift, centre = (1 + shift) / (n + 1);
            w[j * n + k] = corner - centre;
        }
    }
    assert_int_equal(mcbe_frame_copy(frame, n + 1, n, w, n, 1, NULL), MCBE_OK);
}

/* The n + 1 rows add up to 0, so the sum of the n largest coefficients is minus the smallest. Row j
 * is lowest where n - 1 rows above it are equal and the last one ties with it: two equal groups of 2
 * and n - 1 rows with zero sum and squares (n + 1) / n in all. */
static void the_simplex_is_known(void **state)
{
    (void)state;
    for (int n = 2; n <= 8; n++) {
        mcbe_frame_t frame;
        simplex(&frame, n);
        assert_all_rows_reach(&frame, -sqrt((n - 1.0) / (2.0 * n)));
        mcbe_frame_free(&frame);
    }
}

/* Between two neighbours of row j a unit x meets row j at an angle of at most one step, where the
 * neighbour beyond ties with it. */
static void the_polygon_is_known(void **state)
{
    (void)state;
    for (int m = 4; m <= 40; m++) {
        double w[80];
        mcbe_frame_t frame;
        for (int j = 0; j < m; j++) {
            w[2 * j] = cos(2 * TEST_PI * j / m);
            w[2 * j + 1] = sin(2 * TEST_PI * j / m);
        }
        assert_int_equal(mcbe_frame_copy(&frame, m, 2, w, 2, 0, NULL), MCBE_OK);
        assert_all_rows_reach(&frame, cos(2 * TEST_PI / m));
        mcbe_frame_free(&frame);
    }
}

/* Rows e_k and -e_k: the n largest coefficients are the |x_k|. More than n - 1 rows meet there. */
static void the_cross_polytope_is_known(void **state)
{
    (void)state;
    for (int n = 1; n <= 8; n++) {
        double w[2 * 8 * 8] = {0};
        mcbe_frame_t frame;
        for (int k = 0; k < n; k++) {
            w[k * n + k] = 1;
            w[(k + n) * n + k] = -1;
        }
        assert_int_equal(mcbe_frame_copy(&frame, 2 * n, n, w, n, 0, NULL), MCBE_OK);
        assert_all_rows_reach(&frame, n == 1 ? 1 : 0);
        mcbe_frame_free(&frame);
    }
}

static void polyhedra_are_known(void **state)
{
    (void)state;
    const double golden = (1 + sqrt(5)) / 2;
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_TETRAHEDRON), MCBE_OK);
    assert_all_rows_reach(&frame, -1 / sqrt(3));
    mcbe_frame_free(&frame);
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_ICOSAHEDRON), MCBE_OK);
    assert_all_rows_reach(&frame, golden / (1 + golden * golden));
    mcbe_frame_free(&frame);
}

/* m = n: every row is always among the n largest. */
static void as_many_rows_as_dimensions_go_to_minus_their_norm(void **state)
{
    (void)state;
    for (int n = 1; n <= 20; n += 3) {
        mcbe_frame_t frame;
        mcbe_rng_t rng = test_rng((uint64_t)n);
        case_frame(&frame, FAMILY_GAUSSIAN, n, n, &rng);
        for (int row = 0; row < n; row++) {
            const lowered_t got = lower_row(&frame, row, 200);
            assert_evidence(&frame, row, &got);
            assert_true(fabs(got.value + frame.norm[row]) <= 1e-10 * frame.norm[row]);
        }
        mcbe_frame_free(&frame);
    }
}

/* --- exact enumeration ---------------------------------------------------------------------------- */

/* Never below the exact value; equal to it in at least 99 of 100 rows. */
static void assert_nearly_always_exact(frame_family_t family, int n, int m_max, int frames)
{
    int rows = 0, missed = 0;
    mcbe_rng_t rng = test_rng(100 * (uint64_t)n + family);
    for (int number = 0; number < test_cases(frames); number++) {
        const int m = test_between(&rng, n + 1, m_max);
        mcbe_frame_t frame;
        case_frame(&frame, family, m, n, &rng);
        for (int row = 0; row < m; row++) {
            const double exact = exact_value(&frame, row), unit = frame.norm[row];
            const lowered_t got = lower_row(&frame, row, 3000);
            assert_evidence(&frame, row, &got);
            assert_false(got.value < exact - 1e-13 * unit);
            missed += got.value > exact + 1e-9 * unit;
            rows++;
        }
        mcbe_frame_free(&frame);
    }
    print_message("family %d, n = %d: %d of %d rows missed\n", (int)family, n, missed, rows);
    assert_true(100 * missed <= rows);
}

static void small_layers_are_exact(void **state)
{
    (void)state;
    assert_nearly_always_exact(FAMILY_GAUSSIAN, 2, 40, 20);
    assert_nearly_always_exact(FAMILY_GAUSSIAN, 3, 30, 20);
    assert_nearly_always_exact(FAMILY_GAUSSIAN, 4, 20, 20);
    assert_nearly_always_exact(FAMILY_UNIT_ROWS, 2, 40, 20);
    assert_nearly_always_exact(FAMILY_UNIT_ROWS, 3, 30, 20);
    assert_nearly_always_exact(FAMILY_UNIT_ROWS, 4, 20, 20);
}

/* --- promises -------------------------------------------------------------------------------------- */

/* Ties, copies and rows 1e280 apart: the point returned is evidence and the budget is kept, whatever
 * is found. A row that starts at a point where it is among the n largest ends no higher. */
static void any_layer_gives_evidence_within_the_budget(void **state)
{
    (void)state;
    int found = 0;
    for (int family = 0; family < FAMILY_COUNT; family++) {
        mcbe_rng_t rng = test_rng(900 + (uint64_t)family);
        for (int number = 0; number < 12; number++) {
            const int n = test_between(&rng, 1, 9), m = test_between(&rng, n, 4 * n + 4);
            const int budget = test_between(&rng, 0, 400);
            mcbe_frame_t frame;
            case_frame(&frame, (frame_family_t)family, m, n, &rng);
            for (int row = 0; row < m; row++) {
                const lowered_t got = lower_row(&frame, row, budget);
                assert_true(got.used >= 0 && got.used <= budget);
                assert_evidence(&frame, row, &got);
                if (isfinite(got.value)) {
                    const lowered_t again = lower_from(&frame, row, got.x, 1, 60);
                    assert_evidence(&frame, row, &again);
                    assert_true(again.value <= got.value + 1e-9 * frame.norm[row]);
                    found++;
                }
            }
            mcbe_frame_free(&frame);
        }
    }
    assert_true(found > 0);
}

/* A row shorter than all others that surround it is never among the largest: no point, no value. */
static void a_row_that_is_never_among_the_largest_stays_infinite(void **state)
{
    (void)state;
    double w[9 * 2] = {1e-3, 0};
    mcbe_frame_t frame;
    for (int j = 1; j < 9; j++) {
        w[2 * j] = cos(TEST_PI * j / 4);
        w[2 * j + 1] = sin(TEST_PI * j / 4);
    }
    assert_int_equal(mcbe_frame_copy(&frame, 9, 2, w, 2, 0, NULL), MCBE_OK);
    const lowered_t got = lower_row(&frame, 0, 2000);
    assert_true(isinf(got.value) && got.value > 0);
    assert_evidence(&frame, 0, &got);
    mcbe_frame_free(&frame);
}

/* What a row finds does not depend on the rows that the workspace was used for before. */
static void a_row_does_not_depend_on_the_rows_before_it(void **state)
{
    (void)state;
    const mcbe_stream_key_t key = {.seed = 7, .n = 6, .m = 20};
    mcbe_rng_t rng = test_rng(31);
    mcbe_frame_t frame;
    mcbe_lower_t *lower = NULL;
    case_frame(&frame, FAMILY_GAUSSIAN, 20, 6, &rng);
    assert_int_equal(mcbe_lower_create(&lower, &frame, &sphere, &key), MCBE_OK);
    for (int row = 19; row >= 0; row--) {
        lowered_t got;
        const lowered_t alone = lower_row(&frame, row, 500);
        assert_int_equal(mcbe_lower_row(lower, row, NULL, 0, 500, got.x, &got.value, &got.used),
                         MCBE_OK);
        assert_true(got.value == alone.value && got.used == alone.used);
        assert_memory_equal(got.x, alone.x, 6 * sizeof *got.x);
    }
    mcbe_lower_destroy(&lower);
    mcbe_frame_free(&frame);
}

static void domains_that_do_not_suit_are_refused(void **state)
{
    (void)state;
    const mcbe_domain_t refused[] = {
        {.kind = MCBE_DOMAIN_GAUSSIAN, .radius = 1},
        {.kind = MCBE_DOMAIN_BALL, .radius = 1, .radial = MCBE_RADIAL_SAMPLED},
        {.kind = MCBE_DOMAIN_SPHERE, .radius = 1, .nonnegative = 1}};
    const mcbe_stream_key_t key = {.seed = 7, .n = 3, .m = 6};
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        mcbe_lower_t *lower = NULL;
        assert_int_equal(mcbe_lower_create(&lower, &frame, &refused[i], &key), MCBE_ERR_ARGUMENT);
        assert_null(lower);
    }
    mcbe_frame_free(&frame);
}

static mcbe_status_t create_and_lower(const mcbe_frame_t *frame)
{
    const mcbe_stream_key_t key = {.seed = 7, .n = 3, .m = 6};
    const double start[3] = {1, 0, 0};
    double x[3], value;
    int64_t used;
    mcbe_lower_t *lower = NULL;
    mcbe_status_t st = mcbe_lower_create(&lower, frame, &sphere, &key);
    if (st == MCBE_OK) {
        st = mcbe_lower_row(lower, 0, start, 1, 50, x, &value, &used);
    }
    mcbe_lower_destroy(&lower);
    return st;
}

static void memory_running_out_is_reported(void **state)
{
    (void)state;
    mcbe_frame_t frame;
    assert_int_equal(mcbe_frame_named(&frame, MCBE_ENSEMBLE_OCTAHEDRON), MCBE_OK);
    ASSERT_SURVIVES_FAILED_ALLOCATIONS(create_and_lower(&frame));
    mcbe_frame_free(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(the_simplex_is_known),
        UNIT_TEST(the_polygon_is_known),
        UNIT_TEST(the_cross_polytope_is_known),
        UNIT_TEST(polyhedra_are_known),
        UNIT_TEST(as_many_rows_as_dimensions_go_to_minus_their_norm),
        UNIT_TEST(small_layers_are_exact),
        UNIT_TEST(any_layer_gives_evidence_within_the_budget),
        UNIT_TEST(a_row_that_is_never_among_the_largest_stays_infinite),
        UNIT_TEST(a_row_does_not_depend_on_the_rows_before_it),
        UNIT_TEST(domains_that_do_not_suit_are_refused),
        UNIT_TEST(memory_running_out_is_reported),
    };
    return cmocka_run_group_tests_name("lower", tests, NULL, NULL);
}
