/* The inner loops of the exact answers against their contracts in kernels.h, on every path. */

#include "kernels.h"

#include "kernel_paths.h"

enum { DIM = 7, STRIDE = 5 * MCBE_FLAT_LANES, LAST = 4 }; /* points that are padding */

typedef struct flat_case {
    double *p, *out; /* from mcbe_alloc: the kernels ask for its alignment */
    int64_t *weight;
    double direction[DIM];
} flat_case_t;

/* Small integers, so that sums are exact and many products meet the slack exactly. */
static void make_case(flat_case_t *c, uint64_t seed)
{
    mcbe_rng_t rng = test_rng(seed);
    c->p = mcbe_alloc(DIM * STRIDE, sizeof *c->p);
    c->out = mcbe_alloc(DIM * STRIDE, sizeof *c->out);
    c->weight = mcbe_alloc(STRIDE, sizeof *c->weight);
    assert_true(c->p && c->out && c->weight);
    for (int j = 0; j < STRIDE - LAST; j++) {
        for (int k = 0; k < DIM; k++) {
            c->p[k * STRIDE + j] = test_between(&rng, -3, 3);
        }
        c->weight[j] = (int64_t)(mcbe_rng_next(&rng) >> 24);
    }
    for (int k = 0; k < DIM; k++) {
        c->direction[k] = test_between(&rng, -2, 2);
    }
}

static void free_case(flat_case_t *c)
{
    mcbe_free(c->p);
    mcbe_free(c->out);
    mcbe_free(c->weight);
}

static void sides_are_summed(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        flat_case_t c;
        make_case(&c, seed);
        for (int dim = 1; dim <= DIM; dim++) {
            for (int slack = 0; slack < 3; slack++) {
                int64_t sums[2], expected[2] = {0, 0};
                for (int j = 0; j < STRIDE; j++) {
                    double product = 0;
                    for (int k = 0; k < dim; k++) {
                        product += c.direction[k] * c.p[k * STRIDE + j];
                    }
                    expected[0] += product > slack ? c.weight[j] : 0;
                    expected[1] += product < -slack ? c.weight[j] : 0;
                }
                mcbe_kernels()->side_sums(dim, STRIDE, c.p, c.direction, slack, c.weight, sums);
                assert_true(sums[0] == expected[0] && sums[1] == expected[1]);
            }
        }
        free_case(&c);
    }
}

static void reflections_drop_the_first_coordinate(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        flat_case_t c;
        make_case(&c, seed);
        for (int dim = 2; dim <= DIM; dim++) {
            mcbe_kernels()->reflect(dim, STRIDE, c.p, c.direction, 0.25, c.out);
            for (int j = 0; j < STRIDE; j++) {
                double product = 0;
                for (int k = 0; k < dim; k++) {
                    product += c.direction[k] * c.p[k * STRIDE + j];
                }
                for (int k = 1; k < dim; k++) {
                    assert_true(c.out[(k - 1) * STRIDE + j] ==
                                c.p[k * STRIDE + j] - 0.25 * product * c.direction[k]);
                }
            }
        }
        free_case(&c);
    }
}

/* Numbers that do not add up exactly: the order of the sums shows. */
static uint64_t flat_checksum(void)
{
    flat_case_t c;
    int64_t sums[2];
    uint64_t sum = CHECKSUM_START;
    make_case(&c, 99);
    for (int i = 0; i < DIM * STRIDE; i++) {
        c.p[i] /= 7 + i % 5;
    }
    for (int dim = 2; dim <= DIM; dim++) {
        mcbe_kernels()->side_sums(dim, STRIDE, c.p, c.direction, 0, c.weight, sums);
        mcbe_kernels()->reflect(dim, STRIDE, c.p, c.direction, 1.0 / 3, c.out);
        sum = checksum(sum, sums, sizeof sums);
        sum = checksum(sum, c.out, (size_t)((dim - 1) * STRIDE) * sizeof *c.out);
    }
    free_case(&c);
    return sum;
}

static void every_path_gives_the_same_bytes(void **state)
{
    assert_same_on_every_path(*state);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return print_checksum(flat_checksum());
    }
    const struct CMUnitTest tests[] = {
        UNIT_TEST(sides_are_summed),
        UNIT_TEST(reflections_drop_the_first_coordinate),
        UNIT_TEST_OF_PROGRAM(every_path_gives_the_same_bytes, argv[0]),
    };
    return cmocka_run_group_tests_name("kernels_flat", tests, NULL, NULL);
}
