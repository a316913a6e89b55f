#ifndef MCBE_ESTIMATOR_INTERNAL_H
#define MCBE_ESTIMATOR_INTERNAL_H

/* What the designs share. A design draws the points of a block and rules most of them out by
 * approximate arithmetic; what is left goes through mcbe_estimator_visit, the only way into the
 * state. */

#include <float.h>
#include <math.h>

#include "kernels.h"
#include "margin.h"
#include "mcbe/bias.h"

typedef struct mcbe_iid mcbe_iid_t;
typedef struct mcbe_paired mcbe_paired_t;
typedef struct mcbe_crossed mcbe_crossed_t;
typedef struct mcbe_sweep mcbe_sweep_t;

/* Added to row norms in fp32, so that norm times error also covers entries that underflow. */
#define MCBE_NORM_FLOOR_F32 0x1p-100

/* Where the coefficient of a row lies. */
typedef struct mcbe_interval {
    double lower, upper;
} mcbe_interval_t;

struct mcbe_estimator {
    const mcbe_frame_t *frame; /* borrowed */
    int m, n;                  /* its shape, whatever becomes of it */
    int64_t samples;           /* as given: ids below will be visited */
    mcbe_domain_t domain;
    mcbe_stream_key_t key;
    const mcbe_kernels_t *kernels; /* borrowed, static */
    int in_f32;                    /* screening in single precision */
    int look_ahead;                /* mcbe_estimator_look_ahead */
    int w_exponent; /* screening uses 2^-w_exponent W, whose largest row norm is near 1 */
    void *w_screen; /* owned, [m][n], float or double */
    mcbe_design_t design;
    mcbe_iid_t *iid; /* owned; the one of the design, the others are NULL */
    mcbe_paired_t *paired;
    mcbe_crossed_t *crossed;
    float *part;   /* owned, [m][width]: what some coordinates add to products; NULL where unused */
    double *x_f64; /* owned, [n][width]: the points of a product in fp64; likewise */
    mcbe_sweep_t *sweep;        /* owned, made when it is first needed */
    double *alpha;              /* owned, [m], what the screen in hand goes by */
    double *c;                  /* owned, [m], canonical coefficients of the point being visited */
    unsigned char *active;      /* owned, [m], which rows are active there */
    int *rows;                  /* owned, [m] */
    double *lower, *upper;      /* owned, [m], between which coefficients of a suspect point lie */
    double *bound;              /* owned, [m] */
    mcbe_interval_t *intervals; /* owned, [m], of some rows' coefficients */
    unsigned char *exact;       /* owned, [m] */
    mcbe_stages_t stages;
};

/* What a point is visited for: layers that it may lower, nested, ascending in m; or one that it is
 * held against, without lowering it. */
typedef struct mcbe_layers {
    mcbe_bias_state_t *states;  /* borrowed, [count] */
    mcbe_bias_events_t *events; /* borrowed, [count], or NULL */
    int count;
    const mcbe_bias_state_t *fixed; /* borrowed; if given, it and holdout are all there is */
    mcbe_holdout_t *holdout;        /* borrowed, counts the point */
} mcbe_layers_t;

/* What a screen has to find out, for one or several layers at once. A sample may be dropped if at
 * least `need` of the first m rows beat every row that may lie below alpha, and at least
 * `active_seen` of them are active at bias 0. Rows that a smaller layer lacks can be no more than
 * the difference, by which both numbers are raised. */
typedef struct mcbe_screen {
    int m;
    const double *alpha; /* [m], the largest of the layers' */
    int need, active_seen;
} mcbe_screen_t;

/* The point (a + b) * scale, coordinates at [k * stride]; b may be NULL. */
typedef struct mcbe_place {
    const float *a, *b; /* borrowed */
    ptrdiff_t stride;
    double scale;
} mcbe_place_t;

/** A float that is at least `value` > -FLT_MAX, at most a few units in the last place above it. */
static inline float mcbe_round_up(double value)
{
    const float rounded = (float)value;
    return isfinite(rounded) ? rounded + (fabsf(rounded) * 0x1p-22F + FLT_MIN) : rounded;
}

/** Upper bounds of the norms of points, with room for the rounding of their squares.
 *  @param[in] x  [n][width] */
void mcbe_estimator_norms(const mcbe_estimator_t *e, int width, const float *x, double *norm);

/** mcbe_product_error and mcbe_product_tiny of the products that the design makes. */
double mcbe_screen_error(const mcbe_estimator_t *e);
double mcbe_screen_tiny(const mcbe_estimator_t *e);

/* Products of the designs that add rows of two banks: few, and each behind many points, so that long rows
 * are summed more exactly (docs/method.md, section 3). */
/** Allocate what products of up to `width` points need, once; mcbe_estimator_destroy frees it. */
MCBE_NODISCARD mcbe_status_t mcbe_product_reserve(mcbe_estimator_t *e, int width);
/** Approximate coefficients, scaled by 2^-w_exponent, of the first `count` of `width` points.
 *  @param[in] width  at most the one of mcbe_product_reserve
 *  @param[in] x      [n][width]
 *  @param[out] out   [m][width], float or double by precision; of each row `count` are set */
void mcbe_product_multiply(const mcbe_estimator_t *e, int width, int count, const float *x,
                           void *out);

/** What a sum of two such coefficients may be off by, in units of the row norm, the roundings of the sum
 *  and of a factor included.
 *  @param[in] norms  |a| + |b|, both times the factor */
double mcbe_sum_error(const mcbe_estimator_t *e, double norms);
/** Bounds of the coefficients of (a + b) * scale from those of a and b, into e->lower and e->upper.
 *  @param[in] a, b   as mcbe_product_multiply makes them, the row j of a at [j * stride]
 *  @param[in] norms  at least |a| + |b| */
void mcbe_sum_recall(const mcbe_estimator_t *e, int m, const void *a, ptrdiff_t stride,
                     const void *b, double norms, double scale);

/** The whole truth about one sample, the point (a + b) * scale with b = 0 if NULL. Samples arrive
 *  in ascending order.
 *  @param[in] a, b  coordinates at [k * stride] */
MCBE_NODISCARD mcbe_status_t mcbe_estimator_visit(mcbe_estimator_t *e, const float *a,
                                                  const float *b, ptrdiff_t stride, double scale,
                                                  int64_t sample, const mcbe_layers_t *layers);

/** The same for a point whose canonical coefficients of the first screen->m rows lie between
 *  e->lower and e->upper: computes those on which anything depends. */
MCBE_NODISCARD mcbe_status_t mcbe_estimator_visit_near(mcbe_estimator_t *e,
                                                       const mcbe_screen_t *screen, const float *a,
                                                       const float *b, ptrdiff_t stride,
                                                       double scale, int64_t sample,
                                                       const mcbe_layers_t *layers);
/** The canonical coefficients of some rows at a point, into e->c, whose other entries stay.
 *  @param[in] rows  [count] */
void mcbe_estimator_compute(const mcbe_estimator_t *e, const mcbe_place_t *x, const int *rows,
                            int count);

/** What both end in. Takes the coefficients from e->c. */
MCBE_NODISCARD mcbe_status_t mcbe_estimator_settle(mcbe_estimator_t *e, double norm_x,
                                                   int64_t sample, const mcbe_layers_t *layers);

/* A design: prepare makes the points of a block and their approximate coefficients; visit screens
 * them and takes the suspects among the samples [first, last) of the block to
 * mcbe_estimator_visit. */
MCBE_NODISCARD mcbe_status_t mcbe_iid_create(mcbe_iid_t **iid, const mcbe_estimator_t *e);
void mcbe_iid_destroy(mcbe_iid_t **iid);
/** After every change of the frame. */
void mcbe_iid_measure(const mcbe_estimator_t *e);
void mcbe_iid_prepare(mcbe_estimator_t *e, mcbe_purpose_t purpose, int64_t block);
MCBE_NODISCARD mcbe_status_t mcbe_iid_visit(mcbe_estimator_t *e, int64_t block, int64_t first,
                                            int64_t last, const mcbe_screen_t *screen,
                                            const mcbe_layers_t *layers);

/* What a sweep asks of a design with fp32 products, by numbers within the block that is prepared:
 * the approximate coefficients of MCBE_SCREEN_TILE samples from `start` on (`add` is
 * there and may be left), bounds of one sample's in e->lower and e->upper,
 * and where the point lies. */
void mcbe_iid_tile(const mcbe_estimator_t *e, int start, mcbe_tile_t *tile);
void mcbe_iid_recall(const mcbe_estimator_t *e, int m, int s);
mcbe_place_t mcbe_iid_place(const mcbe_estimator_t *e, int s);
/** Takes alpha to the units of the coefficients; for the crossed design that is 2^-w_exponent. */
double mcbe_iid_unit(const mcbe_estimator_t *e);

/** @param[in] samples  the largest sample id that will be visited, plus 1 */
MCBE_NODISCARD mcbe_status_t mcbe_paired_create(mcbe_paired_t **paired, const mcbe_estimator_t *e,
                                                int64_t samples);
void mcbe_paired_destroy(mcbe_paired_t **paired);
void mcbe_paired_prepare(mcbe_estimator_t *e, int64_t block);
MCBE_NODISCARD mcbe_status_t mcbe_paired_visit(mcbe_estimator_t *e, int64_t block, int64_t first,
                                               int64_t last, const mcbe_screen_t *screen,
                                               const mcbe_layers_t *layers);

MCBE_NODISCARD mcbe_status_t mcbe_crossed_create(mcbe_crossed_t **crossed,
                                                 const mcbe_estimator_t *e);
void mcbe_crossed_destroy(mcbe_crossed_t **crossed);
/** Makes no products of noises that only samples from `last` on have. */
void mcbe_crossed_prepare(mcbe_estimator_t *e, int64_t block, int64_t last);
void mcbe_crossed_tile(const mcbe_estimator_t *e, int start, mcbe_tile_t *tile);
void mcbe_crossed_recall(const mcbe_estimator_t *e, int m, int s);
/** Valid until the next call. */
mcbe_place_t mcbe_crossed_place(const mcbe_estimator_t *e, int s);
/** Samples of one noise only: [first, last) holds no multiple of the number of centers but first. */
MCBE_NODISCARD mcbe_status_t mcbe_crossed_visit(mcbe_estimator_t *e, int64_t block, int64_t first,
                                                int64_t last, const mcbe_screen_t *screen,
                                                const mcbe_layers_t *layers);

/* Points of a block that is prepared, in the designs iid and crossed with fp32 products, all at once
 * instead of one after the other: alpha, witness, last_update and min_active end as by visits,
 * samples and updates are left alone. */
MCBE_NODISCARD mcbe_status_t mcbe_sweep_create(mcbe_sweep_t **sweep, const mcbe_estimator_t *e);
void mcbe_sweep_destroy(mcbe_sweep_t **sweep);
MCBE_NODISCARD mcbe_status_t mcbe_sweep_block(mcbe_estimator_t *e, int64_t block, int64_t first,
                                              int64_t last, mcbe_bias_state_t *state);

#endif
