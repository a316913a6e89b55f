/* Products of bank rows: how far they are from the exact ones, against the bound that every screen of the paired and
 * crossed designs rests on. */

#include "estimator_internal.h"
#include "unit.h"

enum { M = 6, WIDTH = 64 };

/* Numbers of one sign, so that roundings are of large sums; or equal ones whose last bits are less than half a unit of
 * sums of 64 and more, so that each addition loses them. */
static void fill(mcbe_rng_t *rng, int equal, size_t count, float *x)
{
    mcbe_rng_normals(rng, x, count);
    for (size_t i = 0; i < count; i++) {
        x[i] = equal ? 1.0F + 0x1.8p-19F : fabsf(x[i]);
    }
}

/* Rows that are no fp32 numbers, and what an estimator keeps of them. */
static void fill_rows(mcbe_rng_t *rng, int n, double *w, mcbe_estimator_t *e)
{
    float *row = mcbe_alloc((size_t)n, sizeof *row);
    assert_non_null(row);
    (void)frexp(2.0 * n, &e->w_exponent); /* no row is longer */
    for (int j = 0; j < M; j++) {
        fill(rng, j % 2, (size_t)n, row);
        for (int k = 0; k < n; k++) {
            const int i = j * n + k;
            w[i] = (double)row[k] * (1.0 + 0x1p-27);
            const double scaled = ldexp(w[i], -e->w_exponent);
            if (e->in_f32) {
                ((float *)e->w_screen)[i] = (float)scaled;
            } else {
                ((double *)e->w_screen)[i] = scaled;
            }
        }
    }
    mcbe_free(row);
}

/* The largest error of a product in units of the bound. */
static double worst(const mcbe_estimator_t *e, const double *w, const float *x, const void *out)
{
    double largest = 0.0;
    for (int j = 0; j < M; j++) {
        for (int s = 0; s < WIDTH; s++) {
            long double exact = 0.0L, w_square = 0.0L, x_square = 0.0L;
            for (int k = 0; k < e->n; k++) {
                const long double wk = (long double)w[j * e->n + k];
                const long double xk = (long double)x[k * WIDTH + s];
                exact += wk * xk;
                w_square += wk * wk;
                x_square += xk * xk;
            }
            const double got = e->in_f32 ? (double)((const float *)out)[j * WIDTH + s]
                                         : ((const double *)out)[j * WIDTH + s];
            const double off = fabs((double)((long double)ldexp(got, e->w_exponent) - exact));
            const double norms = sqrt((double)w_square) * sqrt((double)x_square);
            largest = fmax(largest, off / (mcbe_screen_error(e) * norms));
        }
    }
    return largest;
}

static void products_are_within_their_bound(void **state)
{
    (void)state;
    static const int dims[] = {1, 127, 128, 129, 256, 257, 384, 500, 3072};
    for (int number = 0; number < 2 * (int)COUNT_OF(dims); number++) {
        const size_t n = (size_t)dims[number / 2];
        mcbe_estimator_t e = {
            .m = M, .n = (int)n, .in_f32 = number % 2, .design = MCBE_DESIGN_PAIRED};
        mcbe_rng_t rng = test_rng((uint64_t)number);
        double *w = mcbe_alloc(M * n, sizeof *w), *out = mcbe_alloc(M * WIDTH, sizeof *out);
        float *x = mcbe_alloc(n * WIDTH, sizeof *x);
        e.w_screen = mcbe_alloc(M * n, sizeof(double));
        assert_true(w && out && x && e.w_screen);
        assert_int_equal(mcbe_product_reserve(&e, WIDTH), MCBE_OK);
        fill_rows(&rng, (int)n, w, &e);
        for (int equal = 0; equal < 2; equal++) {
            fill(&rng, equal, n * WIDTH, x);
            mcbe_product_multiply(&e, WIDTH, WIDTH, x, out);
            assert_true(worst(&e, w, x, out) <= 1.0);
        }
        mcbe_free(e.part);
        mcbe_free(e.x_f64);
        mcbe_free(e.w_screen);
        mcbe_free(x);
        mcbe_free(out);
        mcbe_free(w);
    }
}

/* The bound of rows that are cut is that of 128 terms and one for each further part, 151 u at n = 3,072, and 16 u
 * for all other roundings. */
static void long_rows_have_a_small_bound(void **state)
{
    (void)state;
    mcbe_estimator_t e = {.n = 3072, .in_f32 = 1};
    for (int design = MCBE_DESIGN_IID; design <= MCBE_DESIGN_CROSSED_SMALL; design++) {
        e.design = (mcbe_design_t)design;
        const double terms =
            design == MCBE_DESIGN_IID ? 3072 : 151; /* independent points are not cut */
        assert_true(fabs(mcbe_screen_error(&e) - 1.01 * (terms + 16) * 0x1p-24) < 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(products_are_within_their_bound),
        UNIT_TEST(long_rows_have_a_small_bound),
    };
    return cmocka_run_group_tests_name("product", tests, NULL, NULL);
}
