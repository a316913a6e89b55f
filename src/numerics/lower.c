#include "mcbe/search.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "kernels.h"
#include "lower_internal.h"
#include "memory.h"
#include "search_internal.h"

/* Lengths below are in units of |x| = 1, heights <x, w_j> in units of |w_j|. */

/* A kick is a turn of this tangent, uniform between the two. Its outcome is accepted if it is at
 * most ACCEPT higher than the point kicked (threshold accepting, Dueck and Scheuer 1990); after
 * PATIENCE kicks without a new lowest point the search starts elsewhere. */
#define KICK_MIN 0.1
#define KICK_MAX 0.5
#define ACCEPT 0.005
#define PATIENCE (4 * lower->frame->n)

/* Targets nearer than this are reached; parts of the descent direction below it are 0. */
#define NEAR 1e-11
#define FLAT 1e-10
/* A multiplier below this is 0: letting its row go gains less than rounding loses. */
#define MULTIPLIER_MIN 1e-9
/* Less than this is no descent. */
#define PROGRESS 1e-13
/* Steeper turns than this are taken in two legs: the chord of half a turn would pass through 0. */
#define COSINE_MIN -0.9
/* Starts may have been moved off their tight rows by this, as final points are. */
#define SLACK 1e-9
/* Times that a start without a point that will do is moved half-way towards the row. */
#define BISECTIONS 8
/* Attempts, each 4 times as far as the last, to move a point off its tight rows. */
#define NUDGES 16

struct mcbe_lower {
    const mcbe_frame_t *frame; /* borrowed */
    mcbe_stream_key_t key;
    mcbe_rivals_t rivals;
    mcbe_face_t face;
    mcbe_place_t here, kept, target;
    double *direction; /* owned, [padded], scratch */
    double *c;         /* owned, [m] */
    float *a, *b;      /* owned, [n] */
    mcbe_rng_t rng;
    int64_t budget;        /* evaluations in all */
    int64_t search_budget; /* what the search may use of them, so that its end can be verified */
};

/* The lowest point verified so far. */
typedef struct finding {
    double *x; /* borrowed, [n] */
    double value;
} finding_t;

static mcbe_status_t allocate(mcbe_lower_t *lower)
{
    const mcbe_frame_t *frame = lower->frame;
    mcbe_status_t st = MCBE_OK;
    MCBE_TRY(mcbe_rivals_init(&lower->rivals, frame));
    MCBE_TRY(mcbe_face_init(&lower->face, frame->n));
    MCBE_TRY(mcbe_place_init(&lower->here, &lower->rivals));
    MCBE_TRY(mcbe_place_init(&lower->kept, &lower->rivals));
    MCBE_TRY(mcbe_place_init(&lower->target, &lower->rivals));
    lower->direction = mcbe_alloc((size_t)lower->rivals.padded, sizeof *lower->direction);
    lower->c = mcbe_alloc((size_t)frame->m, sizeof *lower->c);
    lower->a = mcbe_alloc((size_t)frame->n, sizeof *lower->a);
    lower->b = mcbe_alloc((size_t)frame->n, sizeof *lower->b);
    if (!lower->direction || !lower->c || !lower->a || !lower->b) {
        st = MCBE_ERR_NOMEM;
    }
out:
    return st;
}

mcbe_status_t mcbe_lower_create(mcbe_lower_t **lower, const mcbe_frame_t *frame,
                                const mcbe_domain_t *domain, const mcbe_stream_key_t *key)
{
    *lower = NULL;
    mcbe_status_t st = mcbe_search_check(domain, NULL);
    if (st != MCBE_OK) {
        return st;
    }
    if (domain->nonnegative) {
        return MCBE_ERR_ARGUMENT;
    }
    mcbe_lower_t *made = mcbe_alloc(1, sizeof *made);
    if (!made) {
        return MCBE_ERR_NOMEM;
    }
    made->frame = frame;
    made->key = *key;
    made->key.purpose = MCBE_PURPOSE_LOWER;
    st = allocate(made);
    if (st != MCBE_OK) {
        mcbe_lower_destroy(&made);
        return st;
    }
    *lower = made;
    return MCBE_OK;
}

void mcbe_lower_destroy(mcbe_lower_t **lower)
{
    mcbe_lower_t *gone = *lower;
    if (gone) {
        mcbe_free(gone->b);
        mcbe_free(gone->a);
        mcbe_free(gone->c);
        mcbe_free(gone->direction);
        mcbe_place_free(&gone->target);
        mcbe_place_free(&gone->kept);
        mcbe_place_free(&gone->here);
        mcbe_face_free(&gone->face);
        mcbe_rivals_free(&gone->rivals);
        mcbe_free(gone);
    }
    *lower = NULL;
}

static int exhausted(const mcbe_lower_t *lower)
{
    return lower->rivals.evaluations >= lower->search_budget;
}

/* <x, w_j> / |w_j| */
static double height(const mcbe_lower_t *lower, const mcbe_place_t *place)
{
    return -mcbe_padded_dot(lower->rivals.padded, place->x, lower->rivals.descent);
}

/* @return |x| as it was; one below FLAT is left as it is */
static double normalize(int padded, double *x)
{
    const double size = sqrt(mcbe_padded_dot(padded, x, x));
    if (size >= FLAT) {
        mcbe_padded_scale(padded, 1.0 / size, x);
    }
    return size;
}

static void gaussian(mcbe_lower_t *lower, double *x)
{
    const int n = lower->frame->n;
    mcbe_rng_normals(&lower->rng, lower->a, (size_t)n);
    memset(x, 0, (size_t)lower->rivals.padded * sizeof *x);
    for (int k = 0; k < n; k++) {
        x[k] = (double)lower->a[k];
    }
}

/* A random unit vector of the face, orthogonal to x. @return 0 if there is none */
static int random_tangent(mcbe_lower_t *lower, double *tangent)
{
    const int padded = lower->rivals.padded;
    const double *x = lower->here.x;
    gaussian(lower, lower->direction);
    (void)mcbe_face_project(&lower->face, lower->direction, tangent);
    mcbe_padded_add(padded, -mcbe_padded_dot(padded, x, tangent), x, tangent);
    return normalize(padded, tangent) > NEAR;
}

/* --- descent --------------------------------------------------------------------------------- */

static int tighten(mcbe_lower_t *lower, int row)
{
    mcbe_rivals_vector(&lower->rivals, row, lower->direction);
    lower->here.lead[row] = 0.0;
    return mcbe_face_add(&lower->face, row, lower->direction);
}

/* Set the target: the lowest point of the face, or a point a quarter turn from here on the way to
 * it. @return 0 if x is there, or as low as any other point of the face */
static int aim(mcbe_lower_t *lower)
{
    const int padded = lower->rivals.padded;
    const double *x = lower->here.x;
    double *target = lower->target.x;
    const double size = mcbe_face_project(&lower->face, lower->rivals.descent, target);
    if (lower->face.count >= lower->frame->n - 1 || size < FLAT) {
        return 0;
    }
    mcbe_padded_scale(padded, 1.0 / size, target);
    memcpy(lower->direction, target, (size_t)padded * sizeof *target);
    mcbe_padded_add(padded, -1.0, x, lower->direction);
    if (mcbe_padded_dot(padded, lower->direction, lower->direction) < NEAR * NEAR) {
        return 0;
    }
    const double cosine = mcbe_padded_dot(padded, x, target);
    if (cosine < COSINE_MIN) {
        mcbe_padded_add(padded, -cosine, x, target);
        if (normalize(padded, target) < MULTIPLIER_MIN) { /* from the highest point all ways lead
                                                              down */
            return random_tangent(lower, target);
        }
    }
    return 1;
}

/* Let the tight row go that holds x back most, if the rivals ahead stay few enough: one with a
 * positive multiplier will get ahead. @return 0 if there is none */
static int release(mcbe_lower_t *lower)
{
    const double *mu = mcbe_face_multipliers(&lower->face);
    const int room = mcbe_rivals_ahead(&lower->rivals, &lower->here) < lower->rivals.limit;
    double most = MULTIPLIER_MIN;
    int at = -1;
    for (int i = 0; i < lower->face.count; i++) {
        if (fabs(mu[i]) > most && (mu[i] < 0.0 || room)) {
            most = fabs(mu[i]);
            at = i;
        }
    }
    if (at >= 0) {
        mcbe_face_drop(&lower->face, at);
    }
    return at >= 0;
}

/* From a point that will do, down until nothing can be let go. Where many rows meet, steps of
 * length 0 may go round in circles: that many end it too. */
static void descend(mcbe_lower_t *lower)
{
    double lowest = height(lower, &lower->here);
    int idle = 0;
    while (idle <= 2 * lower->frame->n && !exhausted(lower)) {
        if (!aim(lower)) {
            if (!release(lower)) {
                return;
            }
            continue;
        }
        const int row =
            mcbe_rivals_walk(&lower->rivals, &lower->face, &lower->here, &lower->target);
        if (row == MCBE_WALK_NOWHERE || (row >= 0 && !tighten(lower, row))) {
            return;
        }
        const double now = height(lower, &lower->here);
        idle = now < lowest - PROGRESS ? 0 : idle + 1;
        lowest = fmin(now, lowest);
    }
}

/* --- points that will do ------------------------------------------------------------------------ */

static int nearest_rival_ahead(const mcbe_lower_t *lower)
{
    const double *lead = lower->here.lead;
    int nearest = -1;
    for (int i = 0; i < lower->frame->m; i++) {
        if (lead[i] > lower->rivals.tolerance && (nearest < 0 || lead[i] < lead[nearest])) {
            nearest = i;
        }
    }
    return nearest;
}

/* From here to a point that will do: of the rivals ahead as many as are too many, those that are so
 * by least, become tight; again while that gets others ahead. @return 0 if there is no more room */
static int repair(mcbe_lower_t *lower)
{
    const int padded = lower->rivals.padded;
    mcbe_place_t *here = &lower->here;
    for (;;) {
        int excess = mcbe_rivals_ahead(&lower->rivals, here) - lower->rivals.limit;
        if (excess <= 0) {
            return 1;
        }
        if (lower->face.count + excess > lower->frame->n - 1 || exhausted(lower)) {
            return 0;
        }
        for (; excess > 0; excess--) {
            if (!tighten(lower, nearest_rival_ahead(lower))) {
                return 0;
            }
        }
        const double size = mcbe_face_project(&lower->face, here->x, lower->direction);
        if (size < NEAR) {
            return 0;
        }
        mcbe_padded_scale(padded, 1.0 / size, lower->direction);
        memcpy(here->x, lower->direction, (size_t)padded * sizeof *here->x);
        mcbe_rivals_evaluate(&lower->rivals, here);
        for (int i = 0; i < lower->face.count; i++) {
            here->lead[lower->face.row[i]] = 0.0;
        }
    }
}

/* Evaluate x and repair it; where that fails, again from half-way to w_j, where no row of at most
 * its norm beats it. */
static int enter(mcbe_lower_t *lower)
{
    for (int attempt = 0; attempt <= BISECTIONS && !exhausted(lower); attempt++) {
        lower->face.count = 0;
        mcbe_rivals_evaluate(&lower->rivals, &lower->here);
        if (repair(lower)) {
            return 1;
        }
        mcbe_padded_add(lower->rivals.padded, -1.0, lower->rivals.descent, lower->here.x);
        if (normalize(lower->rivals.padded, lower->here.x) < FLAT) {
            return 0;
        }
    }
    return 0;
}

static void copy_place(const mcbe_lower_t *lower, mcbe_place_t *to, const mcbe_place_t *from)
{
    memcpy(to->x, from->x, (size_t)lower->rivals.padded * sizeof *to->x);
    memcpy(to->lead, from->lead, (size_t)lower->rivals.lanes * sizeof *to->lead);
}

/* A random turn of the point kept, with no row tight, and its repair. */
static int kick(mcbe_lower_t *lower)
{
    const int padded = lower->rivals.padded;
    const double tangent = KICK_MIN + (KICK_MAX - KICK_MIN) * mcbe_rng_uniform(&lower->rng);
    copy_place(lower, &lower->here, &lower->kept);
    lower->face.count = 0;
    if (!random_tangent(lower, lower->target.x)) {
        return 0;
    }
    mcbe_padded_add(padded, tangent, lower->target.x, lower->here.x);
    (void)normalize(padded, lower->here.x);
    mcbe_rivals_evaluate(&lower->rivals, &lower->here);
    return repair(lower);
}

/* --- findings -------------------------------------------------------------------------------- */

/* The canonical coefficient of row j at x, which is settled on the way, if j is among the n largest;
 * +inf if not. One evaluation. */
static double verify(mcbe_lower_t *lower, double *x)
{
    const int n = lower->frame->n, row = lower->rivals.row;
    const double *c = lower->c;
    mcbe_direction_settle(n, x);
    mcbe_point_split(n, x, lower->a, lower->b);
    mcbe_frame_pair_coefficients(lower->frame, lower->a, lower->b,
                                 1.0 / mcbe_point_norm(n, lower->a, lower->b, 1), lower->c);
    lower->rivals.evaluations++;
    int ahead = 0;
    for (int i = 0; i < lower->frame->m; i++) {
        ahead += c[i] > c[row] || (c[i] == c[row] && i < row);
    }
    return ahead < n ? c[row] : (double)INFINITY;
}

/* The way off the rows that are tight here; all of them, whether the descent held them or not. */
static void turn_inward(mcbe_lower_t *lower, double *inward)
{
    const double *lead = lower->here.lead;
    lower->face.count = 0;
    for (int i = 0; i < lower->frame->m && lower->face.count < lower->frame->n - 1; i++) {
        if (fabs(lead[i]) <= SLACK) { /* row j itself and its copies are 0 and not added */
            mcbe_rivals_vector(&lower->rivals, i, lower->direction);
            (void)mcbe_face_add(&lower->face, i, lower->direction);
        }
    }
    mcbe_face_inward(&lower->face, inward);
}

/* Move x off its tight rows, far enough for canonical arithmetic to see it, and keep it if it is
 * the lowest. Where more rows meet than are independent they cannot all be left behind: every other
 * attempt is in a random direction. */
static void offer(mcbe_lower_t *lower, finding_t *best)
{
    const int n = lower->frame->n, padded = lower->rivals.padded;
    const double height_here = height(lower, &lower->here) * lower->frame->norm[lower->rivals.row];
    double *inward = lower->target.lead, *x = lower->target.x;
    double length = 32.0 * (0x1p-48 + n * DBL_EPSILON); /* a split and a sum of n products */
    if (!(height_here < best->value)) {
        return;
    }
    turn_inward(lower, inward);
    for (int i = 0; i < NUDGES && lower->rivals.evaluations < lower->budget; i++) {
        gaussian(lower, x);
        mcbe_padded_scale(padded, i % 2 ? length : 0.0, x);
        mcbe_padded_add(padded, length, inward, x);
        mcbe_padded_add(padded, 1.0, lower->here.x, x);
        (void)normalize(padded, x);
        const double value = verify(lower, x);
        if (value < best->value) {
            best->value = value;
            memcpy(best->x, x, (size_t)n * sizeof *x);
        }
        if (value < (double)INFINITY) {
            return;
        }
        length *= 4.0;
    }
}

/* Descend from here, then kick and descend again and again. */
static void search_from_here(mcbe_lower_t *lower, finding_t *best)
{
    descend(lower);
    copy_place(lower, &lower->kept, &lower->here);
    double current = height(lower, &lower->here), lowest = current;
    offer(lower, best);
    for (int quiet = 0; quiet < PATIENCE && !exhausted(lower); quiet++) {
        if (!kick(lower)) {
            continue;
        }
        descend(lower);
        const double now = height(lower, &lower->here);
        if (now < current + ACCEPT) {
            copy_place(lower, &lower->kept, &lower->here);
            current = now;
        }
        if (now < lowest - PROGRESS) {
            lowest = now;
            quiet = 0;
            offer(lower, best);
        }
    }
}

/* --- starts ---------------------------------------------------------------------------------- */

typedef struct start {
    int excess; /* rivals too many */
    double height;
    const double *x; /* borrowed, [n] */
} start_t;

static int by_merit(const void *left, const void *right)
{
    const start_t *a = left, *b = right;
    if (a->excess != b->excess) {
        return a->excess < b->excess ? -1 : 1;
    }
    if (a->height != b->height) {
        return a->height < b->height ? -1 : 1;
    }
    return (a->x > b->x) - (a->x < b->x);
}

/* @return 0 if it has no direction */
static int load(mcbe_lower_t *lower, const double *x)
{
    double *to = lower->here.x;
    memset(to, 0, (size_t)lower->rivals.padded * sizeof *to);
    memcpy(to, x, (size_t)lower->frame->n * sizeof *to);
    return normalize(lower->rivals.padded, to) >= FLAT;
}

/* Evaluate the starts, as far as half the budget takes us, and order them for row j.
 * @return how many there are */
static int64_t rank_starts(mcbe_lower_t *lower, const double *x, int64_t count, start_t *starts)
{
    const mcbe_rivals_t *rivals = &lower->rivals;
    int64_t ranked = 0;
    for (int64_t i = 0; i < count && 2 * rivals->evaluations < lower->search_budget; i++) {
        const double *start = x + i * lower->frame->n;
        if (!load(lower, start)) {
            continue;
        }
        mcbe_rivals_evaluate(&lower->rivals, &lower->here);
        const int ahead = mcbe_kernels()->count_above(rivals->lanes, lower->here.lead, SLACK);
        starts[ranked++] = (start_t){.excess = ahead > rivals->limit ? ahead - rivals->limit : 0,
                                     .height = height(lower, &lower->here),
                                     .x = start};
    }
    if (ranked > 1) {
        qsort(starts, (size_t)ranked, sizeof *starts, by_merit);
    }
    return ranked;
}

/* The best start at which row j is among the n largest is a finding as it stands, so that nothing is
 * lost even among rows so alike that canonical values order them by rounding alone. */
static void offer_starts(mcbe_lower_t *lower, const start_t *starts, int64_t count, finding_t *best)
{
    const size_t bytes = (size_t)lower->frame->n * sizeof *best->x;
    double *x = lower->here.x;
    for (int64_t i = 0; i < count && isinf(best->value) && !exhausted(lower); i++) {
        memcpy(x, starts[i].x, bytes); /* to the bit, should it be a point found before */
        const double value = verify(lower, x);
        if (value < best->value) {
            best->value = value;
            memcpy(best->x, x, bytes);
        }
    }
}

mcbe_status_t mcbe_lower_row(mcbe_lower_t *lower, int row, const double *starts,
                             int64_t start_count, int64_t evaluations, double *x, double *value,
                             int64_t *used)
{
    mcbe_stream_key_t stream = lower->key;
    finding_t best = {.x = x, .value = INFINITY};
    start_t *order = mcbe_alloc((size_t)start_count, sizeof *order);
    if (!order) {
        return MCBE_ERR_NOMEM;
    }
    stream.block = row + lower->key.block * lower->frame->m;
    mcbe_rng_init(&lower->rng, &stream);
    memset(x, 0, (size_t)lower->frame->n * sizeof *x);
    mcbe_rivals_set(&lower->rivals, row);
    lower->rivals.evaluations = 0;
    lower->budget = evaluations;
    lower->search_budget = evaluations - (evaluations < 2 * NUDGES ? evaluations / 2 : NUDGES);
    if (lower->rivals.limit >= 0) { /* n copies with lower indices always come first */
        const int64_t ranked = rank_starts(lower, starts, start_count, order);
        offer_starts(lower, order, ranked, &best);
        for (int64_t next = 0; !exhausted(lower); next++) {
            if (next < ranked) {
                (void)load(lower, order[next].x);
            } else {
                gaussian(lower, lower->here.x);
                if (normalize(lower->rivals.padded, lower->here.x) < FLAT) {
                    lower->here.x[0] = 1.0; /* all normals 0, likely only for n = 1 */
                }
            }
            if (enter(lower)) {
                search_from_here(lower, &best);
            }
        }
    }
    mcbe_free(order);
    *value = best.value;
    *used = lower->rivals.evaluations;
    return MCBE_OK;
}
