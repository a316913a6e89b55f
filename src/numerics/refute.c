#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "check.h"
#include "kernels.h"
#include "mcbe/injectivity.h"
#include "memory.h"
#include "search_internal.h"

/* Walkers of a batch; arrays over them are [..][WALKERS], so that loops run along it. */
#define WALKERS MCBE_REFUTE_WALKERS
#define STEPS MCBE_REFUTE_STEPS

_Static_assert(WALKERS % MCBE_SCREEN_TILE == 0, "walkers fill the tiles of a screen");

/* A step is RATE / |W|^2 of the gradient, RATE_EARLY in the first half of a walk. Rows within
 * MARGIN / sqrt(n) of being active are pushed as well, a margin that falls to 0 at the end. The
 * level that the exempt rows exceed is found by HALVINGS of an interval. All chosen by the share of
 * layers refuted and the evaluations it took, see docs/method.md. */
#define RATE 6.0F
#define RATE_EARLY 13.0F
#define MARGIN 0.15F
#define HALVINGS 6

/* Coefficients of unit rows at unit points above this are beyond what any point reaches. */
#define EXCESS_MAX 2.0F

/* Rounds of the power method for |W|: a few per cent too small does no harm. */
#define POWER_ROUNDS 20

/* The smallest radius that counts as part of a ball, in units of its own. */
#define SMALLEST_RADIUS 1e-30

struct mcbe_refute {
    const mcbe_frame_t *frame; /* borrowed */
    mcbe_domain_t domain;
    mcbe_stream_key_t key;
    double *bias; /* owned, [m], NULL for 0 */

    float *w;     /* owned, [m][n], unit rows */
    float *norm;  /* owned, [m], row norms in units of the largest */
    float *shift; /* owned, [m], bias in units of row norm and domain.radius, NULL for 0 */
    float rate;   /* step for RATE = 1 */
    float stretch[WALKERS]; /* domain.radius over |x| of the point a walker stands for */

    mcbe_rng_t rng;
    float *x;     /* owned, [n][WALKERS], unit vectors */
    float *c;     /* owned, [m][WALKERS], coefficients of unit rows, then excess, then gradient */
    float *raw;   /* owned, [m][WALKERS], coefficients in units of the largest row norm */
    float *below; /* owned, [m], alpha in units of the largest row norm */
    double one[WALKERS]; /* the factors of unit vectors */
    unsigned char suspect[WALKERS];

    double *alpha;                  /* owned, [m] */
    double *point;                  /* owned, [n], the point being visited: a + b */
    float *a, *b;                   /* owned, [n] */
    double *values;                 /* owned, [m], its canonical coefficients */
    int *rows;                      /* owned, [m] */
    mcbe_breakpoint_t *breakpoints; /* owned, [m] */
    mcbe_lowest_t lowest;
    int best;        /* fewest active rows so far */
    int found_place; /* the point of `found` in `lowest`, -1 for none */
};

/* --- making one -------------------------------------------------------------------------------- */

/* The largest singular value of the unit rows. */
static float spectral_norm(const mcbe_refute_t *r)
{
    const int m = r->frame->m, n = r->frame->n;
    float *v = r->x, *image = r->c, norm = 1.0F;
    for (int k = 0; k < n; k++) {
        v[k] = 1.0F + 1.0F / (float)(k + 1); /* orthogonal to no eigenvector, in general */
    }
    cblas_sscal(n, 1.0F / cblas_snrm2(n, v, 1), v, 1);
    for (int round = 0; round < POWER_ROUNDS; round++) {
        cblas_sgemv(CblasRowMajor, CblasNoTrans, m, n, 1.0F, r->w, n, v, 1, 0.0F, image, 1);
        cblas_sgemv(CblasRowMajor, CblasTrans, m, n, 1.0F, r->w, n, image, 1, 0.0F, v, 1);
        norm = cblas_snrm2(n, v, 1);
        if (!(norm > 0.0F)) { /* began in the kernel: any row has norm 1 */
            return 1.0F;
        }
        cblas_sscal(n, 1.0F / norm, v, 1);
    }
    return sqrtf(norm);
}

/* The radius of each walker's point. With a bias walkers spread over the radii of K, in equal
 * steps. */
static void spread_radii(mcbe_refute_t *r)
{
    const double high = r->domain.radius;
    double low = high;
    if (r->bias && r->domain.kind == MCBE_DOMAIN_SHELL) {
        low = r->domain.inner_radius;
    } else if (r->bias && r->domain.kind == MCBE_DOMAIN_BALL) {
        low = high / WALKERS;
    }
    for (int s = 0; s < WALKERS; s++) {
        r->stretch[s] = (float)(high / (high - (high - low) * s / (WALKERS - 1)));
    }
}

static mcbe_status_t allocate(mcbe_refute_t *r, int with_bias)
{
    const size_t m = (size_t)r->frame->m, n = (size_t)r->frame->n;
    r->w = mcbe_alloc(m * n, sizeof *r->w);
    r->norm = mcbe_alloc(m, sizeof *r->norm);
    r->x = mcbe_alloc(n * WALKERS, sizeof *r->x);
    r->c = mcbe_alloc(m * WALKERS, sizeof *r->c);
    r->raw = mcbe_alloc(m * WALKERS, sizeof *r->raw);
    r->below = mcbe_alloc(m, sizeof *r->below);
    r->alpha = mcbe_alloc(m, sizeof *r->alpha);
    r->point = mcbe_alloc(n, sizeof *r->point);
    r->a = mcbe_alloc(n, sizeof *r->a);
    r->b = mcbe_alloc(n, sizeof *r->b);
    r->values = mcbe_alloc(m, sizeof *r->values);
    r->rows = mcbe_alloc(m, sizeof *r->rows);
    if (!r->w || !r->norm || !r->x || !r->c || !r->raw || !r->below || !r->alpha || !r->point ||
        !r->a || !r->b || !r->values || !r->rows) {
        return MCBE_ERR_NOMEM;
    }
    if (with_bias) {
        r->bias = mcbe_alloc(m, sizeof *r->bias);
        r->shift = mcbe_alloc(m, sizeof *r->shift);
        r->breakpoints = mcbe_alloc(m, sizeof *r->breakpoints);
        if (!r->bias || !r->shift || !r->breakpoints) {
            return MCBE_ERR_NOMEM;
        }
    }
    return mcbe_lowest_init(&r->lowest, r->frame->m, r->frame->n);
}

/* A float near `value`, the largest one where it is beyond all of them. */
static float clipped(double value)
{
    return (float)fmax(-FLT_MAX, fmin(FLT_MAX, value));
}

mcbe_status_t mcbe_refute_create(mcbe_refute_t **refute, const mcbe_frame_t *frame,
                                 const mcbe_domain_t *domain, const mcbe_stream_key_t *key,
                                 const double *bias)
{
    *refute = NULL;
    if (mcbe_search_check(domain, NULL) != MCBE_OK) {
        return MCBE_ERR_ARGUMENT;
    }
    mcbe_refute_t *r = mcbe_alloc(1, sizeof *r);
    if (!r) {
        return MCBE_ERR_NOMEM;
    }
    r->frame = frame;
    r->domain = *domain;
    r->key = *key;
    r->key.purpose = MCBE_PURPOSE_REFUTE;
    if (allocate(r, bias != NULL) != MCBE_OK) {
        mcbe_refute_destroy(&r);
        return MCBE_ERR_NOMEM;
    }
    for (int j = 0; j < frame->m; j++) {
        const size_t row = (size_t)j * (size_t)frame->n;
        for (int k = 0; k < frame->n; k++) {
            r->w[row + (size_t)k] = (float)(frame->w[row + (size_t)k] / frame->norm[j]);
        }
        r->norm[j] = (float)(frame->norm[j] / frame->norm_max);
        if (bias) {
            r->bias[j] = bias[j];
            r->shift[j] = clipped(bias[j] / frame->norm[j] / domain->radius);
        }
    }
    const float norm = spectral_norm(r);
    r->rate = 1.0F / (norm * norm);
    spread_radii(r);
    for (int s = 0; s < WALKERS; s++) {
        r->one[s] = 1.0;
    }
    *refute = r;
    return MCBE_OK;
}

void mcbe_refute_destroy(mcbe_refute_t **refute)
{
    mcbe_refute_t *r = *refute;
    if (r) {
        mcbe_free(r->bias);
        mcbe_free(r->w);
        mcbe_free(r->norm);
        mcbe_free(r->shift);
        mcbe_free(r->x);
        mcbe_free(r->c);
        mcbe_free(r->raw);
        mcbe_free(r->below);
        mcbe_free(r->alpha);
        mcbe_free(r->point);
        mcbe_free(r->a);
        mcbe_free(r->b);
        mcbe_free(r->values);
        mcbe_free(r->rows);
        mcbe_free(r->breakpoints);
        mcbe_lowest_free(&r->lowest);
        mcbe_free(r);
        *refute = NULL;
    }
}

/* --- walking ----------------------------------------------------------------------------------- */

/* Back onto the sphere, by way of the orthant where K lies in it. A walker that has lost its
 * direction gets a fresh one. */
static void settle_walkers(mcbe_refute_t *r)
{
    const int n = r->frame->n;
    float squares[WALKERS] = {0};
    for (int k = 0; k < n; k++) {
        float *row = r->x + (size_t)k * WALKERS;
        for (int s = 0; s < WALKERS; s++) {
            row[s] = r->domain.nonnegative && row[s] < 0.0F ? 0.0F : row[s];
            squares[s] += row[s] * row[s];
        }
    }
    for (int s = 0; s < WALKERS; s++) {
        while (!(squares[s] > FLT_MIN && squares[s] < FLT_MAX)) {
            mcbe_rng_normals(&r->rng, r->a, (size_t)n);
            squares[s] = 0.0F;
            for (int k = 0; k < n; k++) {
                const float entry = r->domain.nonnegative ? fabsf(r->a[k]) : r->a[k];
                r->x[(size_t)k * WALKERS + (size_t)s] = entry;
                squares[s] += entry * entry;
            }
        }
        squares[s] = 1.0F / sqrtf(squares[s]);
    }
    for (int k = 0; k < n; k++) {
        float *row = r->x + (size_t)k * WALKERS;
        for (int s = 0; s < WALKERS; s++) {
            row[s] *= squares[s];
        }
    }
}

static void start_walkers(mcbe_refute_t *r, int64_t batch)
{
    const size_t count = (size_t)r->frame->n * WALKERS;
    r->key.block = batch;
    mcbe_rng_init(&r->rng, &r->key);
    mcbe_rng_normals(&r->rng, r->x, count);
    if (r->domain.nonnegative) {
        for (size_t i = 0; i < count; i++) {
            r->x[i] = fabsf(r->x[i]);
        }
    }
    settle_walkers(r);
}

/* Without margins: the screen decides nothing for good. */
static void screen_walkers(mcbe_refute_t *r)
{
    mcbe_screen_limits_t limits = {
        .unit = 1.0, .scale = r->one, .top = -INFINITY, .need = r->frame->n};
    for (int j = 0; j < r->frame->m; j++) {
        limits.top = (double)r->below[j] > limits.top ? (double)r->below[j] : limits.top;
    }
    (void)mcbe_kernels()->screen_f32(r->frame->m, WALKERS, r->raw, r->below, &limits, r->suspect);
}

/* Coefficients of all walkers, and from them: in c the excess over the bias, which at least 0 means
 * active; in suspect the walkers that may lower alpha. */
static void evaluate(mcbe_refute_t *r)
{
    const int m = r->frame->m, n = r->frame->n;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, WALKERS, n, 1.0F, r->w, n, r->x,
                WALKERS, 0.0F, r->c, WALKERS);
    for (int j = 0; j < m; j++) {
        const float norm = r->norm[j];
        const float *c = r->c + (size_t)j * WALKERS;
        float *raw = r->raw + (size_t)j * WALKERS;
        for (int s = 0; s < WALKERS; s++) {
            raw[s] = norm * c[s];
        }
    }
    screen_walkers(r);
    for (int j = 0; r->bias && j < m; j++) {
        const float shift = r->shift[j];
        float *c = r->c + (size_t)j * WALKERS;
        for (int s = 0; s < WALKERS; s++) {
            const float excess = c[s] - shift * r->stretch[s];
            c[s] = excess < EXCESS_MAX ? excess : EXCESS_MAX;
        }
    }
}

/* How many rows exceed a walker's level. */
static void count_above(int m, const float *restrict excess, const float *restrict level,
                        int32_t *restrict count)
{
    memset(count, 0, WALKERS * sizeof *count);
    for (int j = 0; j < m; j++) {
        const float *row = excess + (size_t)j * WALKERS;
        for (int s = 0; s < WALKERS; s++) {
            count[s] += row[s] > level[s];
        }
    }
}

/* The level that at most `exempt` rows exceed: above it by no more than the halvings leave. */
static void find_levels(const mcbe_refute_t *r, int exempt, float margin, float *restrict level)
{
    float low[WALKERS], middle[WALKERS];
    int32_t count[WALKERS];
    for (int s = 0; s < WALKERS; s++) {
        low[s] = level[s] = -margin;
    }
    for (int j = 0; j < r->frame->m; j++) {
        const float *row = r->c + (size_t)j * WALKERS;
        for (int s = 0; s < WALKERS; s++) {
            level[s] = row[s] > level[s] ? row[s] : level[s];
        }
    }
    for (int halving = 0; halving < HALVINGS; halving++) {
        for (int s = 0; s < WALKERS; s++) {
            middle[s] = 0.5F * (low[s] + level[s]);
        }
        count_above(r->frame->m, r->c, middle, count);
        for (int s = 0; s < WALKERS; s++) {
            const int too_low = count[s] > exempt;
            low[s] = too_low ? middle[s] : low[s];
            level[s] = too_low ? level[s] : middle[s];
        }
    }
}

/* One step down the hinge: rows within the margin of being active are pushed down, but for the
 * `exempt` largest. */
static void move(mcbe_refute_t *r, int step, int exempt)
{
    const int m = r->frame->m, n = r->frame->n;
    const float margin = MARGIN / sqrtf((float)n) * (float)(STEPS - step) / STEPS;
    float level[WALKERS];
    find_levels(r, exempt, margin, level);
    for (int j = 0; j < m; j++) {
        float *c = r->c + (size_t)j * WALKERS;
        for (int s = 0; s < WALKERS; s++) {
            const float push = c[s] > -margin ? c[s] + margin : 0.0F;
            c[s] = c[s] > level[s] ? 0.0F : push;
        }
    }
    const float rate = r->rate * (step < STEPS / 2 ? RATE_EARLY : RATE);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, WALKERS, m, -rate, r->w, n, r->c,
                WALKERS, 1.0F, r->x, WALKERS);
    settle_walkers(r);
}

/* --- visiting ---------------------------------------------------------------------------------- */

/* The radius at which the direction of the point being visited has the fewest active rows. */
static double best_radius(const mcbe_refute_t *r)
{
    const double high = r->domain.radius;
    if (!r->bias || r->domain.kind == MCBE_DOMAIN_SPHERE) {
        return high;
    }
    const double low =
        r->domain.kind == MCBE_DOMAIN_SHELL ? r->domain.inner_radius : SMALLEST_RADIUS * high;
    return mcbe_fewest_active_radius(r->frame->m, r->bias, r->values, low, high, r->breakpoints);
}

/* Make a walker's direction the point being visited. */
static void read_point(mcbe_refute_t *r, int walker)
{
    const int n = r->frame->n;
    for (int k = 0; k < n; k++) {
        r->point[k] = (double)r->x[(size_t)k * WALKERS + (size_t)walker];
    }
    mcbe_direction_settle(n, r->point);
    mcbe_point_split(n, r->point, r->a, r->b);
}

/* Lower alpha by the point being visited. */
static void lower_alpha(mcbe_refute_t *r, int place)
{
    const int m = r->frame->m;
    const int lowered = mcbe_bias_lower(r->frame->n, m, r->alpha, r->values, r->rows);
    for (int i = 0; i < lowered; i++) {
        const int row = r->rows[i];
        r->below[row] = (float)(r->alpha[row] / r->frame->norm_max);
        mcbe_lowest_assign(&r->lowest, row, place);
    }
}

/* The canonical count at the point being visited, taken at its best radius. */
static void count_active(mcbe_refute_t *r, double norm, int place, mcbe_refutation_t *found)
{
    const double radius = best_radius(r), scale = radius / norm;
    mcbe_frame_pair_coefficients(r->frame, r->a, r->b, scale, r->values);
    const int active = mcbe_active_count(r->frame, r->values, r->bias, norm * scale, NULL);
    if (active < r->best) {
        r->best = active;
        found->active = active;
        found->radius = radius;
        if (r->found_place >= 0) {
            mcbe_lowest_drop(&r->lowest, r->found_place);
        }
        r->found_place = place;
        mcbe_lowest_hold(&r->lowest, place);
    }
}

/* The whole truth about one walker. */
static void visit(mcbe_refute_t *r, int walker, int may_lower, int may_refute,
                  mcbe_refutation_t *found)
{
    read_point(r, walker);
    const double norm = mcbe_point_norm(r->frame->n, r->a, r->b, 1);
    mcbe_frame_pair_coefficients(r->frame, r->a, r->b, 1.0 / norm, r->values);
    const int place = mcbe_lowest_take(&r->lowest, r->point);
    if (may_lower) {
        lower_alpha(r, place);
    }
    if (may_refute) {
        count_active(r, norm, place, found);
    }
    mcbe_lowest_drop(&r->lowest, place);
}

/* Visit the walkers that look worth it. @return whether one refutes */
static int visit_suspects(mcbe_refute_t *r, int step, mcbe_refutation_t *found)
{
    const float zero[WALKERS] = {0};
    const int all_radii =
        r->bias && r->domain.kind != MCBE_DOMAIN_SPHERE && (step == 0 || step == STEPS - 1);
    int32_t active[WALKERS];
    count_above(r->frame->m, r->c, zero, active);
    for (int s = 0; s < WALKERS; s++) {
        const int may_refute = active[s] < r->best || all_radii;
        if (r->suspect[s] || may_refute) {
            visit(r, s, r->suspect[s], may_refute, found);
        }
        found->evaluations++;
        if (found->active < r->frame->n) {
            return 1;
        }
    }
    return 0;
}

mcbe_status_t mcbe_refute_batch(mcbe_refute_t *refute, int64_t batch,
                                const mcbe_bias_state_t *start, mcbe_points_t *points,
                                mcbe_refutation_t *found)
{
    mcbe_refute_t *r = refute;
    const int m = r->frame->m, n = r->frame->n;
    MCBE_BUG_ASSERT(start->m == m && points->n == n);
    mcbe_refutation_t result = {.active = m + 1, .point = -1};
    mcbe_lowest_clear(&r->lowest);
    r->found_place = -1;
    r->best = r->bias ? m + 1 : (int)start->min_active;
    for (int j = 0; j < m; j++) {
        r->alpha[j] = start->alpha[j];
        r->below[j] = (float)(start->alpha[j] / r->frame->norm_max);
    }
    start_walkers(r, batch);
    for (int step = 0; step < STEPS; step++) {
        evaluate(r);
        if (visit_suspects(r, step, &result)) {
            break;
        }
        move(r, step, r->best - 1);
    }
    mcbe_status_t st = mcbe_lowest_append(&r->lowest, points, r->found_place, &result.point);
    if (st == MCBE_OK) {
        *found = result;
    }
    return st;
}
