#ifndef MCBE_TEST_LAYERS_H
#define MCBE_TEST_LAYERS_H

/* Layers and points for the tests of preimages. */

#include "mcbe/preimage.h"

#include "unit.h"

static inline void random_values(mcbe_rng_t *rng, int count, double scale, double *values)
{
    for (int i = 0; i < count; i++) {
        float normal;
        mcbe_rng_normals(rng, &normal, 1);
        values[i] = scale * (double)normal;
    }
}

static inline mcbe_preimage_t *layer_of(int m, int n, const double *w, const double *bias)
{
    mcbe_preimage_t *preimage;
    assert_int_equal(mcbe_preimage_create(&preimage, m, n, w, bias, NULL), MCBE_OK);
    return preimage;
}

static inline double row_value(int n, const double *row, const double *x)
{
    double sum = 0;
    for (int k = 0; k < n; k++) {
        sum += row[k] * x[k];
    }
    return sum;
}

/* The verdict on a point, whose witness must show it. */
static inline mcbe_preimage_result_t classified(int m, int n, const double *w, const double *bias,
                                                const double *x)
{
    enum { MOST = 200 };
    double direction[MOST], combination[MOST], largest = 0, length = 0;
    mcbe_preimage_result_t result;
    mcbe_preimage_t *preimage = layer_of(m, n, w, bias);
    assert_true(m <= MOST && n <= MOST);
    assert_int_equal(mcbe_preimage_classify(preimage, x, &result, direction, combination, NULL),
                     MCBE_OK);
    mcbe_preimage_destroy(&preimage);
    for (int k = 0; k < n; k++) {
        double sum = 0;
        for (int j = 0; j < m; j++) {
            sum += combination[j] * w[j * n + k];
            largest = fmax(largest, fabs(combination[j] * w[j * n + k]));
        }
        assert_true(fabs(sum) <= 1e-12 * m * largest);
        length += direction[k] * direction[k];
    }
    for (int j = 0; j < m; j++) {
        const double *row = w + j * n;
        const double z = row_value(n, row, x) - (bias ? bias[j] : 0);
        const double along = row_value(n, row, direction), size = sqrt(row_value(n, row, row));
        assert_true(z > 1e-12 ? fabs(along) <= 1e-10 * size : along <= 1e-10 * size);
        if (result.verdict == MCBE_PREIMAGE_COMPACT && z <= -1e-12 && size > 0) {
            assert_true(combination[j] > 0);
        }
    }
    switch (result.verdict) {
    case MCBE_PREIMAGE_SINGLETON:
        assert_true(result.proof == MCBE_PROOF_RANK || result.proof == MCBE_PROOF_PINNED);
        assert_int_equal(result.dimension, 0);
        assert_true((result.proof == MCBE_PROOF_PINNED) == (largest > 0));
        break;
    case MCBE_PREIMAGE_COMPACT:
        assert_int_equal(result.proof, MCBE_PROOF_COMBINATION);
        assert_true(largest > 0 && length == 0);
        break;
    case MCBE_PREIMAGE_UNBOUNDED:
        assert_true(result.proof == MCBE_PROOF_DIRECTION || result.proof == MCBE_PROOF_COUNT);
        assert_true(largest == 0);
        assert_true(result.proof == MCBE_PROOF_COUNT || fabs(length - 1) < 1e-14);
        break;
    case MCBE_PREIMAGE_UNDECIDED:
        assert_true(largest == 0 && length == 0 && result.margin == 0);
        assert_int_equal(result.dimension, -1);
        return result;
    }
    assert_true(result.margin >= 2);
    return result;
}

#endif
