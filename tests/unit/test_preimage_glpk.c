#include <glpk.h>

#include "layers.h"

/* The verdict in general position, by another linear program and another solver, in the coordinates
 * of x: largest -sum <w_j, d> over rows with y = 0, for |d_k| <= 1, <w_j, d> <= 0 there and = 0
 * where y > 0. */
static mcbe_preimage_verdict_t verdict_of_glpk(int m, int n, const double *w, const double *bias,
                                               const double *x)
{
    glp_prob *program = glp_create_prob();
    glp_smcp options;
    int index[65], positive = 0;
    double value[65], cost[65] = {0};
    glp_init_smcp(&options);
    options.msg_lev = GLP_MSG_OFF;
    glp_set_obj_dir(program, GLP_MAX);
    glp_add_cols(program, n);
    glp_add_rows(program, m);
    for (int j = 0; j < m; j++) {
        const int equal = row_value(n, w + j * n, x) > bias[j];
        for (int k = 0; k < n; k++) {
            index[k + 1] = k + 1;
            value[k + 1] = w[j * n + k];
            cost[k] -= equal ? 0 : w[j * n + k];
        }
        glp_set_mat_row(program, j + 1, n, index, value);
        glp_set_row_bnds(program, j + 1, equal ? GLP_FX : GLP_UP, 0, 0);
        positive += equal;
    }
    for (int k = 0; k < n; k++) {
        glp_set_col_bnds(program, k + 1, GLP_DB, -1, 1);
        glp_set_obj_coef(program, k + 1, cost[k]);
    }
    assert_int_equal(glp_simplex(program, &options), 0);
    assert_int_equal(glp_get_status(program), GLP_OPT);
    const double found = glp_get_obj_val(program);
    glp_delete_prob(program);
    if (positive >= n) {
        return MCBE_PREIMAGE_SINGLETON;
    }
    /* m >= n rows in general position span R^n; fewer leave a d that is orthogonal to all */
    return found > 1e-9 || m < n ? MCBE_PREIMAGE_UNBOUNDED : MCBE_PREIMAGE_COMPACT;
}

static void random_layers_agree(void **state)
{
    (void)state;
    enum { LAYERS = 600, POINTS = 3, MOST = 24 };
    mcbe_rng_t rng = test_rng(11);
    int seen[4] = {0};
    for (int layer = 0; layer < LAYERS; layer++) {
        double w[5 * MOST * MOST], bias[5 * MOST], x[MOST];
        const int n = test_between(&rng, 1, layer % 10 ? 10 : MOST);
        const int m = test_between(&rng, 1, 5 * n);
        random_values(&rng, m * n, 1, w);
        random_values(&rng, m, test_between(&rng, 0, 3), bias);
        for (int point = 0; point < POINTS; point++) {
            random_values(&rng, n, 1, x);
            const mcbe_preimage_result_t result = classified(m, n, w, bias, x);
            seen[result.verdict]++;
            if (result.verdict != MCBE_PREIMAGE_UNDECIDED) {
                assert_int_equal(result.verdict, verdict_of_glpk(m, n, w, bias, x));
            }
        }
    }
    glp_free_env();
    assert_int_equal(seen[MCBE_PREIMAGE_UNDECIDED], 0); /* nothing here is degenerate */
    assert_true(seen[MCBE_PREIMAGE_SINGLETON] > 300);
    assert_true(seen[MCBE_PREIMAGE_COMPACT] > 100);
    assert_true(seen[MCBE_PREIMAGE_UNBOUNDED] > 300);
}

/* Least cost . x' over the preimage of the output at x, within [low, high]^n if low < high. */
static double least_of_glpk(int m, int n, const double *w, const double *bias, const double *x,
                            const double *cost, double low, double high)
{
    glp_prob *program = glp_create_prob();
    glp_smcp options;
    int index[65];
    double value[65];
    glp_init_smcp(&options);
    options.msg_lev = GLP_MSG_OFF;
    glp_add_cols(program, n);
    glp_add_rows(program, m);
    for (int j = 0; j < m; j++) {
        const double product = row_value(n, w + j * n, x);
        for (int k = 0; k < n; k++) {
            index[k + 1] = k + 1;
            value[k + 1] = w[j * n + k];
        }
        glp_set_mat_row(program, j + 1, n, index, value);
        glp_set_row_bnds(program, j + 1, product > bias[j] ? GLP_FX : GLP_UP, product,
                         product > bias[j] ? product : bias[j]);
    }
    for (int k = 0; k < n; k++) {
        glp_set_col_bnds(program, k + 1, low < high ? GLP_DB : GLP_FR, low, high);
        glp_set_obj_coef(program, k + 1, cost[k]);
    }
    assert_int_equal(glp_simplex(program, &options), 0);
    const int unbounded = glp_get_status(program) == GLP_UNBND;
    assert_true(unbounded || glp_get_status(program) == GLP_OPT);
    const double found = unbounded ? -INFINITY : glp_get_obj_val(program);
    glp_delete_prob(program);
    return found;
}

static void widths_agree(void **state)
{
    (void)state;
    enum { LAYERS = 100, DIRECTIONS = 3, MOST = 8 };
    mcbe_rng_t rng = test_rng(12);
    int finite = 0, infinite = 0;
    for (int layer = 0; layer < LAYERS; layer++) {
        double w[5 * MOST * MOST], bias[5 * MOST], x[MOST], d[DIRECTIONS * MOST];
        double lower[DIRECTIONS], upper[DIRECTIONS];
        const int n = test_between(&rng, 1, MOST), m = test_between(&rng, 1, 5 * n);
        random_values(&rng, m * n, 1, w);
        random_values(&rng, m, 2, bias);
        random_values(&rng, n, 1, x);
        random_values(&rng, DIRECTIONS * n, 1, d);
        mcbe_preimage_t *preimage = layer_of(m, n, w, bias);
        assert_int_equal(mcbe_preimage_width(preimage, x, DIRECTIONS, d, lower, upper, NULL),
                         MCBE_OK);
        mcbe_preimage_destroy(&preimage);
        for (int i = 0; i < DIRECTIONS; i++) {
            for (int side = 0; side < 2; side++) {
                const double ours = side ? lower[i] : -upper[i];
                double cost[MOST];
                for (int k = 0; k < n; k++) {
                    cost[k] = side ? d[i * n + k] : -d[i * n + k];
                }
                const double theirs = least_of_glpk(m, n, w, bias, x, cost, 0, 0);
                assert_true(ours == theirs || fabs(ours - theirs) < 1e-6 * (1 + fabs(theirs)));
                finite += isfinite(ours);
                infinite += isinf(ours) != 0;
            }
        }
    }
    glp_free_env();
    assert_true(finite > 100 && infinite > 100);
}

static void most_similar_points_agree(void **state)
{
    (void)state;
    enum { LAYERS = 40, M = 12, N = 20 };
    mcbe_rng_t rng = test_rng(13);
    for (int layer = 0; layer < LAYERS; layer++) {
        double w[M * N], bias[M], x[N], target[N], cost[N], found[N];
        mcbe_invariance_t result;
        random_values(&rng, M * N, 1, w);
        random_values(&rng, M, 1, bias);
        for (int k = 0; k < N; k++) {
            x[k] = mcbe_rng_uniform(&rng);
            target[k] = mcbe_rng_uniform(&rng);
            cost[k] = -target[k];
        }
        mcbe_preimage_t *preimage = layer_of(M, N, w, bias);
        assert_int_equal(mcbe_preimage_most_like(preimage, x, target, MCBE_LIKENESS_PRODUCT, 0, 1,
                                                 found, &result, NULL),
                         MCBE_OK);
        mcbe_preimage_destroy(&preimage);
        assert_true(fabs(result.value + least_of_glpk(M, N, w, bias, x, cost, 0, 1)) < 1e-7);
    }
    glp_free_env();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(random_layers_agree),
        UNIT_TEST(widths_agree),
        UNIT_TEST(most_similar_points_agree),
    };
    return cmocka_run_group_tests_name("preimage_glpk", tests, NULL, NULL);
}
