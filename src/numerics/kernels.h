#ifndef MCBE_KERNELS_H
#define MCBE_KERNELS_H

/* The inner loops, compiled once per instruction set. Every set gives the same bits: the loops use
 * only operations IEEE 754 rounds exactly, in an order that does not depend on the vector width. */

#include <stddef.h>
#include <stdint.h>

/* Draws turned into normals in one go; part of the rule that turns ids into samples. */
#define MCBE_NORMAL_GROUP 64

/* Samples screened in one go; widths handed to the screens are multiples of it. */
#define MCBE_SCREEN_TILE 64

/* Rows whose canonical coefficients are summed side by side. */
#define MCBE_ROWS_AT_ONCE 8

/* What a screen of the paired design found out about a sample. */
enum {
    MCBE_SUSPECT_ALPHA = 1, /* some row may have to be lowered */
    MCBE_SUSPECT_ACTIVE = 2 /* fewer rows may be active at bias 0 than ever before */
};

/* Rows of a bank are padded to a multiple of this with coefficients of -inf. */
#define MCBE_PAIR_LANES 16

/* Bytes of bank rows are -63 .. 63; -64 stands for all that is lower: added to any byte it stays
 * below 0, and two of them do not overflow. */
#define MCBE_BYTE_MAX 63
#define MCBE_BYTE_LOW (-64)

/* Points of the exact answers are padded to a multiple of this with points at 0 of weight 0. */
#define MCBE_FLAT_LANES 8

/* |a + b| for one fixed row and a tile of rows of the other bank. */
typedef struct mcbe_pair_norms {
    float inverse[MCBE_SCREEN_TILE]; /* about 1 / |a + b| */
    float error[MCBE_SCREEN_TILE];   /* bound on the error of (c_a + c_b) * inverse in units of the
                                    row   norm; INFINITY where the norm is not known well enough */
} mcbe_pair_norms_t;

/* What points are screened by. Coefficients are those of x, the points themselves are x times scale;
 * unit is a power of two that keeps the numbers near 1. */
typedef struct mcbe_screen_limits {
    double unit;
    const double *scale; /* [width] */
    const double *norm;  /* [width], at least |x|, or NULL: norm_factor unit / scale */
    double norm_factor;
    double error, tiny; /* a coefficient is known to error |x| + tiny */
    double top;         /* the largest alpha */
    int need, active_seen;
} mcbe_screen_limits_t;

/* Approximate coefficients (c + add) * inverse of the samples of a tile, known to row norm * error +
 * tiny. */
typedef struct mcbe_tile {
    const float *c;   /* borrowed, row j of the layer at [j * stride] */
    const float *add; /* borrowed, [m] */
    ptrdiff_t stride;
    float inverse[MCBE_SCREEN_TILE], error[MCBE_SCREEN_TILE], tiny[MCBE_SCREEN_TILE];
} mcbe_tile_t;

/* Sample by sample. */
typedef struct mcbe_tile_ranges {
    float least[MCBE_SCREEN_TILE], most[MCBE_SCREEN_TILE]; /* of all rows' bounds */
    int32_t active_least[MCBE_SCREEN_TILE];                /* rows surely active at bias 0 */
    int32_t active_most[MCBE_SCREEN_TILE];                 /* rows that may be */
    int32_t unknown[MCBE_SCREEN_TILE];                     /* not 0 where some bound is no number */
} mcbe_tile_ranges_t;

/* A row whose upper bound at a sample is not above `behind` is surely not among the n largest there; one whose
 * lower bound is above `above` surely is. */
typedef struct mcbe_tile_levels {
    _Alignas(64) float behind[MCBE_SCREEN_TILE];
    _Alignas(64) float above[MCBE_SCREEN_TILE];
} mcbe_tile_levels_t;

/* Bit s stands for sample s: which may lower the row below its limit, and where it is open whether the row
 * is among the n largest. */
typedef struct mcbe_tile_row {
    int row;
    uint64_t lowered, open;
} mcbe_tile_row_t;

typedef struct mcbe_kernels {
    const char *name;

    /* `count` normals from (count + 1) / 2 draws by Box-Muller, in groups: up to MCBE_NORMAL_GROUP
     * draws give as many r cos(t) and then as many r sin(t). */
    void (*normals)(size_t count, const uint64_t *bits, float *out);

    /* squares[s] = sum over k = 0 .. n-1 in this order of x[k][s]^2, x is [n][width], fp64. */
    void (*sum_squares)(int n, int width, const float *x, double *squares);

    /* Canonical coefficients of the point a + b (b may be NULL: a alone), see
     * mcbe_frame_coefficients; the sum is formed in fp64; wt is [n][m]. */
    void (*coefficients)(int m, int n, const double *wt, const float *a, const float *b,
                         ptrdiff_t stride, double scale, double *c);

    /* Some of these coefficients, which may repeat; w is [m][n]. Only their entries of c are written. */
    void (*row_coefficients)(int n, const double *w, const int rows[MCBE_ROWS_AT_ONCE],
                             const float *a, const float *b, ptrdiff_t stride, double scale,
                             double *c);

    /* squares[i] = sum over k = 0 .. n-1 in this order of (rows[i][k] unit[i])^2. */
    void (*row_squares)(int n, const double *const rows[MCBE_ROWS_AT_ONCE],
                        const double unit[MCBE_ROWS_AT_ONCE], double squares[MCBE_ROWS_AT_ONCE]);

    /* The largest c[j] with c[j] < alpha[j], -INFINITY if there is none; and how many c[j] > value.
     */
    double (*highest_below)(int m, const double *alpha, const double *c);
    int (*count_above)(int m, const double *c, double value);

    /* The largest |value|, INFINITY if there is a NaN; values converted, exactly or rounded once after a
     * factor that is a power of two. */
    double (*largest_size)(int n, const double *values);
    void (*widen)(int n, const float *from, double *to);
    void (*round_scaled)(size_t count, const double *from, double unit, float *to);

    /* Screen points by approximate coefficients c [m][width]: suspect[s] = 0 only if at least `need`
     * rows surely beat every row that may lie below its alpha, and at least `active_seen` rows are
     * surely >= 0. alpha [m] is in the units of the coefficients, divided by unit.
     * @return whether any sample is suspect */
    int (*screen_f32)(int m, int width, const float *c, const float *alpha,
                      const mcbe_screen_limits_t *by, unsigned char *suspect);
    int (*screen_f64)(int m, int width, const double *c, const double *alpha,
                      const mcbe_screen_limits_t *by, unsigned char *suspect);

    /* Paired design: tiles are [n or m][MCBE_SCREEN_TILE], see paired.c. */
    void (*pair_norms)(int n, const float *tile, const float *tile_squares, const float *fixed,
                       float fixed_square, mcbe_pair_norms_t *norms);
    /* upper[s]: at least |a + b|; INFINITY where it is not known well enough. */
    void (*pair_uppers)(int n, const float *tile, const float *tile_squares, const float *fixed,
                        float fixed_square, float *upper);
    /* limit[s]: the smallest byte that is surely above level * upper[s] >= 0; 127 if there is none.
     */
    void (*pair_limits_i8)(float level, const float *upper, int8_t *limit);
    /* bytes[j][s]: a lower bound of scale * (c[j] of row s), whose error is at most margin[j] *
     * norm[s]; MCBE_BYTE_LOW where no byte is low enough. */
    void (*lower_bytes)(int m, const float *tile, float scale, const float *margin,
                        const float *norm, int8_t *bytes);
    /* Screen by lower bounds in bytes: a sample is cleared of MCBE_SUSPECT_ALPHA if at least `need`
     * sums reach its limit > 0, of MCBE_SUSPECT_ACTIVE if at least `active_seen` are >= 0. No sum
     * overflows a byte. fixed[j] holds its byte four times: words are spread over vectors while
     * they are loaded, bytes are not. */
    int (*pair_screen_i8)(int m, const int8_t *tile, const uint32_t *fixed, const int8_t *limit,
                          int need, int active_seen, unsigned char *suspect);
    /* Screen pairs by coefficients (tile + fixed) * inverse, known to row_norm * error: suspect[s]
     * gets MCBE_SUSPECT_ALPHA unless at least `need` rows surely beat every row that may lie below
     * its alpha, and MCBE_SUSPECT_ACTIVE unless at least `active_seen` rows are surely >= 0.
     * @return whether any sample is suspect */
    int (*pair_screen_f32)(int m, const float *tile, const float *fixed,
                           const mcbe_pair_norms_t *norms, const float *alpha,
                           const float *row_norm, int need, int active_seen,
                           unsigned char *suspect);
    /* The same for one pair. @return its flags */
    int (*pair_test_f32)(int m, const float *a, const float *b, float inverse, float error,
                         const float *alpha, const float *row_norm, int need, int active_seen);
    int (*pair_test_f64)(int m, const double *a, const double *b, double inverse, double error,
                         const double *alpha, const double *row_norm, int need, int active_seen);

    /* Sweeps: lower and upper are [m][MCBE_SCREEN_TILE], bounds of the coefficients of a tile. */
    void (*tile_bounds)(int m, const mcbe_tile_t *tile, const float *row_norm, float *lower,
                        float *upper);
    void (*tile_ranges)(int m, const float *lower, const float *upper, mcbe_tile_ranges_t *ranges);
    /* How many values of each sample are above its level. */
    void (*tile_count_above)(int m, const float *values, const float *level, int32_t *count);
    /* limit[j] becomes the least upper[j][s] with lower[j][s] > surely_above[s], if that is below. */
    void (*tile_limits)(int m, const float *lower, const float *upper, const float *surely_above,
                        float *limit);
    /* Rows that some sample may lower or that are open at one. @param[out] rows [m]  @return how many */
    int (*tile_near)(int m, const float *lower, const float *upper,
                     const mcbe_tile_levels_t *levels, const float *limit, mcbe_tile_row_t *rows);

    /* Exact answers: points of R^dim are columns, coordinate k of point j at p[k * stride + j];
     * p, out and weight are 64-byte aligned, stride is a multiple of MCBE_FLAT_LANES.
     * sums[0] and sums[1] add up the weights of the points with <direction, p_j> > slack and of
     * those with < -slack, products summed for ascending k. */
    void (*side_sums)(int dim, int stride, const double *p, const double *direction, double slack,
                      const int64_t *weight, int64_t sums[2]);
    /* Coordinates 1 .. dim - 1 of p_j - factor <v, p_j> v become coordinates 0 .. dim - 2 of out.
     */
    void (*reflect)(int dim, int stride, const double *p, const double *v, double factor,
                    double *out);
} mcbe_kernels_t;

/** The set chosen for this process: the best one the CPU runs, or the one MCBE_CPU names. */
const mcbe_kernels_t *mcbe_kernels(void);

#endif
