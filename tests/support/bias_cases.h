#ifndef MCBE_TEST_BIAS_CASES_H
#define MCBE_TEST_BIAS_CASES_H

/* Frames and domains that are hard on an estimator which screens: ties, duplicates, and sizes far
 * apart. */

#include "mcbe/bias.h"
#include "unit.h"

typedef enum frame_family {
    FAMILY_GAUSSIAN,
    FAMILY_UNIT_ROWS,
    FAMILY_INTEGERS, /* entries -2 .. 2: equal coefficients are common where rows repeat */
    FAMILY_DUPLICATES,
    FAMILY_ANTIPODAL,
    FAMILY_NEAR_DUPLICATES, /* apart by 1e-6 to 1e-16: fp32 or even fp64 products cannot order them
                             */
    FAMILY_ONE_ULP,         /* rows that differ by one unit in the last place here and there */
    FAMILY_SPREAD_NORMS,    /* |w_j| from 1e-30 to 1e30 */
    FAMILY_TINY,            /* 1e-140 */
    FAMILY_HUGE,            /* 1e140 */
    /* no power of two scales these exactly */
    FAMILY_EXTREME_NORMS, /* |w_j| about 1e-140, 1 or 1e140 */
    FAMILY_DENORMALS,     /* most entries are subnormal numbers of fp64 */
    FAMILY_COUNT,
    FAMILY_SCALABLE_COUNT = FAMILY_EXTREME_NORMS
} frame_family_t;

static inline double case_entry(mcbe_rng_t *rng, frame_family_t family)
{
    if (family == FAMILY_INTEGERS) {
        return test_between(rng, -2, 2);
    }
    float normal;
    mcbe_rng_normals(rng, &normal, 1);
    return (double)normal;
}

static inline double case_row_factor(mcbe_rng_t *rng, frame_family_t family)
{
    switch (family) {
    case FAMILY_SPREAD_NORMS:
        return pow(10, 60 * mcbe_rng_uniform(rng) - 30);
    case FAMILY_TINY:
    case FAMILY_DENORMALS:
        return 1e-140;
    case FAMILY_EXTREME_NORMS:
        return pow(10, 140 * test_between(rng, -1, 1));
    case FAMILY_HUGE:
        return 1e140;
    default:
        return 1;
    }
}

static inline void case_row(double *row, int n, frame_family_t family, mcbe_rng_t *rng)
{
    const double factor = case_row_factor(rng, family);
    double size = 0;
    while (size == 0) { /* a row of integers may come out as zero */
        for (int k = 0; k < n; k++) {
            row[k] = case_entry(rng, family) * factor;
            size = fmax(size, fabs(row[k]));
        }
    }
    const int kept = test_between(rng, 0, n - 1);
    for (int k = 0; k < n && family == FAMILY_DENORMALS; k++) {
        row[k] *= k == kept ? 1 : 1e-175;
    }
}

/* Make a row out of an earlier one where the family asks for that. */
static inline void case_repeat(double *row, const double *other, int n, frame_family_t family,
                               mcbe_rng_t *rng)
{
    const double distance = pow(10, test_between(rng, -16, -6));
    for (int k = 0; k < n; k++) {
        if (family == FAMILY_DUPLICATES) {
            row[k] = other[k];
        } else if (family == FAMILY_ANTIPODAL) {
            row[k] = -other[k];
        } else if (family == FAMILY_NEAR_DUPLICATES) {
            row[k] = other[k] + row[k] * distance;
        } else if (family == FAMILY_ONE_ULP) {
            row[k] = nextafter(other[k], row[k] < 0 ? other[k] : (double)INFINITY);
        }
    }
}

static inline void case_frame(mcbe_frame_t *frame, frame_family_t family, int m, int n,
                              mcbe_rng_t *rng)
{
    double *w = mcbe_alloc((size_t)m * (size_t)n, sizeof *w);
    assert_non_null(w);
    for (int j = 0; j < m; j++) {
        double *row = w + (ptrdiff_t)j * n;
        case_row(row, n, family, rng);
        if (j > 0 && test_between(rng, 0, 3)) {
            case_repeat(row, w + (ptrdiff_t)test_between(rng, 0, j - 1) * n, n, family, rng);
        }
    }
    assert_int_equal(mcbe_frame_copy(frame, m, n, w, n, family == FAMILY_UNIT_ROWS, NULL), MCBE_OK);
    mcbe_free(w);
}

static inline mcbe_domain_t case_domain(mcbe_rng_t *rng)
{
    static const mcbe_domain_kind_t kinds[] = {MCBE_DOMAIN_SPHERE, MCBE_DOMAIN_BALL,
                                               MCBE_DOMAIN_SHELL, MCBE_DOMAIN_GAUSSIAN};
    static const mcbe_radial_t radials[] = {MCBE_RADIAL_ANALYTIC, MCBE_RADIAL_SAMPLED};
    /* some leave the range of fp32, in which the products may be computed */
    static const double radii[] = {1, 1, 2.5, 0.3, 1e-6, 1e6, 1e-42, 1e37, 1e-100, 1e100};
    const double radius = radii[test_between(rng, 0, COUNT_OF(radii) - 1)];
    return (mcbe_domain_t){.kind = kinds[test_between(rng, 0, 3)],
                           .radial = radials[test_between(rng, 0, 1)],
                           .radius = radius,
                           .inner_radius = radius / 2,
                           .nonnegative = test_between(rng, 0, 1)};
}

#endif
