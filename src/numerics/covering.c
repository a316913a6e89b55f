#include "mcbe/covering.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include <cblas.h>

#include "check.h"
#include "hull.h"
#include "memory.h"
#include "mcbe/polytope.h"

#define PI 3.14159265358979323846

/* Squares of these stay well within fp64. */
#define NORM_MIN 1e-100
#define NORM_MAX 1e100

/* log g(twice/2), g(x) = Gamma(x + 1/2) / Gamma(x): g(1/2) = 1 / sqrt(pi), g(x) g(x + 1/2) = x. */
static double log_gamma_step(int twice)
{
    double step = -0.5 * log(PI);
    for (int k = 1; k < twice; k++) {
        step = log(k / 2.0) - step;
    }
    return step;
}

/* Simplices a point has in a Poisson-Delaunay tessellation of R^d:
 * 2^(d+1) pi^((d-1)/2) / (d^2 (d+1)) * g(d^2 / 2) * g((d + 1) / 2)^d with g as above. */
static double simplices_per_point(int d)
{
    const double log_count = (d + 1) * log(2.0) + 0.5 * (d - 1) * log(PI) -
                             log((double)d * d * (d + 1)) + log_gamma_step(d * d) +
                             d * log_gamma_step(d + 1);
    return exp(log_count);
}

double mcbe_covering_work(int n, double count)
{
    const double expected = simplices_per_point(n - 1) * count;
    return count <= INT_MAX ? fmin(expected, mcbe_polytope_work(n, (int)count)) : expected;
}

/* log(n v_n / v_(n-1)), v_n the volume of the unit ball; v_n / v_(n-1) = sqrt(pi) / g((n+1)/2). */
static double log_constant(int n)
{
    return log(n) + 0.5 * log(PI) - log_gamma_step(n + 1);
}

double mcbe_covering_expected(int n, double count)
{
    return exp((log_constant(n) + log(log(count) / count)) / (n - 1));
}

double mcbe_covering_points(int n, double radius)
{
    /* with t = log(count): t - log t = level; Newton falls onto the larger root from above it */
    const double level = log_constant(n) - (n - 1) * log(radius);
    if (!(level > 1.0)) {
        return exp(1.0);
    }
    double t = level + sqrt(2.0 * (level - 1.0));
    for (;;) {
        const double next = t - (t - log(t) - level) / (1.0 - 1.0 / t);
        if (!(next < t)) {
            return exp(t);
        }
        t = next;
    }
}

static mcbe_status_t check_shape(int n, int count, int n_max, mcbe_error_t *err)
{
    if (n < 2 || n > n_max || count < 1) {
        return mcbe_fail(err, MCBE_ERR_DIM,
                         "covering: %d points in dimension n = %d; allowed are 1 or more points, n "
                         "from 2 to %d",
                         count, n, n_max);
    }
    return MCBE_OK;
}

/* The points divided by their norms. @param[out] u  owned by the caller, NULL on error */
static mcbe_status_t make_directions(int n, int count, const double *points, double **u,
                                     mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    double *unit = mcbe_alloc((size_t)count * (size_t)n, sizeof *unit);
    *u = NULL;
    if (!unit) {
        return MCBE_ERR_NOMEM;
    }
    for (int i = 0; i < count && st == MCBE_OK; i++) {
        const double *x = points + (size_t)i * (size_t)n;
        const double norm = cblas_dnrm2(n, x, 1);
        if (!(norm >= NORM_MIN && norm <= NORM_MAX)) {
            st = mcbe_fail(err, MCBE_ERR_VALUE,
                           "covering: point %d has norm %g; norms from %g to %g have a direction",
                           i, norm, NORM_MIN, NORM_MAX);
        }
        for (int k = 0; k < n; k++) {
            unit[(size_t)i * (size_t)n + (size_t)k] = x[k] / norm;
        }
    }
    if (st != MCBE_OK) {
        mcbe_free(unit);
        return st;
    }
    *u = unit;
    return MCBE_OK;
}

static void normalize(int n, double *x)
{
    cblas_dscal(n, 1.0 / cblas_dnrm2(n, x, 1), x, 1);
}

/* The distance of unit vectors with this scalar product. */
static double chord(double product)
{
    return sqrt(fmax(2.0 - 2.0 * product, 0.0));
}

/* The largest scalar product of a unit vector with the points; rounding makes it larger.
 * @param[out] c [count] @param[out] nearest index of that point */
static double nearest_product(int n, int count, const double *u, const double *x, double *c,
                              int *nearest)
{
    cblas_dgemv(CblasRowMajor, CblasNoTrans, count, n, 1.0, u, n, x, 1, 0.0, c, 1);
    int best = 0;
    for (int i = 1; i < count; i++) {
        best = c[i] > c[best] ? i : best;
    }
    *nearest = best;
    return c[best] + mcbe_hull_rounding(n);
}

/* The facet nearest to 0, the middle of whose cone is farthest from its vertices. */
static int emptiest_facet(const mcbe_hull_t *hull)
{
    int emptiest = 0;
    for (int f = 1; f < hull->facets; f++) {
        emptiest = hull->spread[f] > hull->spread[emptiest] ? f : emptiest;
    }
    return emptiest;
}

mcbe_status_t mcbe_covering_radius(int n, int count, const double *points,
                                   mcbe_covering_t *covering, double *hole, mcbe_error_t *err)
{
    double *u = NULL, *c = NULL, *x = NULL;
    mcbe_hull_t hull = {0};
    int nearest;
    mcbe_status_t st;
    MCBE_TRY(check_shape(n, count, MCBE_POLYTOPE_MAX_N, err));
    if (mcbe_covering_work(n, count) > MCBE_COVERING_MAX_FACETS) {
        st = mcbe_fail(err, MCBE_ERR_ARGUMENT,
                       "covering: the convex hull of %d points in dimension n = %d has about %.3g "
                       "facets; allowed are %g",
                       count, n, mcbe_covering_work(n, count), MCBE_COVERING_MAX_FACETS);
        goto out;
    }
    MCBE_TRY(make_directions(n, count, points, &u, err));
    MCBE_TRY(mcbe_hull_init(&hull, n, count, u, "covering, points", err));
    c = mcbe_alloc((size_t)count, sizeof *c);
    x = mcbe_alloc((size_t)n, sizeof *x);
    MCBE_TRY(c && x ? MCBE_OK : MCBE_ERR_NOMEM);
    const int emptiest = emptiest_facet(&hull);
    MCBE_TRY(mcbe_hull_normal(&hull, u, emptiest, x));
    normalize(n, x);
    covering->lower = chord(nearest_product(n, count, u, x, c, &nearest));
    covering->upper =
        chord(1.0 / hull.spread[emptiest] - mcbe_hull_rounding(n)) * (1.0 + DBL_EPSILON);
    if (hole) {
        memcpy(hole, x, (size_t)n * sizeof *hole);
    }
out:
    mcbe_free(x);
    mcbe_free(c);
    mcbe_hull_free(&hull);
    mcbe_free(u);
    return st;
}

static void random_direction(int n, mcbe_rng_t *rng, float *normals, double *x)
{
    double norm = 0.0;
    while (norm == 0.0) {
        mcbe_rng_normals(rng, normals, (size_t)n);
        for (int k = 0; k < n; k++) {
            x[k] = (double)normals[k];
        }
        norm = cblas_dnrm2(n, x, 1);
    }
    normalize(n, x);
}

/* Places looked at so far, and the emptiest. */
typedef struct search {
    int n, count;
    const double *u; /* borrowed, [count][n] */
    int64_t visits;  /* still allowed */
    float *normals;  /* owned, [n] */
    double *c;       /* owned, [count] */
    double *x;       /* owned, [n], the place looked at */
    double *best;    /* owned, [n], the emptiest */
    double *start;   /* owned, [n], where the next walk starts */
    double least;    /* scalar product of `best` with the point nearest to it */
} search_t;

#define TRIES 32 /* random places, of which the emptiest starts a walk */
#define STEP_FACTOR 0.95
#define LAST_STEP 1e-4 /* of the distance from the points where the walk began */

/* @param[out] nearest the point nearest to x @return its scalar product with x */
static double visit(search_t *search, int *nearest)
{
    const int n = search->n;
    const double product =
        nearest_product(n, search->count, search->u, search->x, search->c, nearest);
    search->visits--;
    if (product < search->least) {
        search->least = product;
        memcpy(search->best, search->x, (size_t)n * sizeof *search->x);
    }
    return product;
}

/* Always step away from the nearest point, by less and less: the subgradient method, which follows
 * also the ridges where several points are equally near. */
static void walk(search_t *search, mcbe_rng_t *rng)
{
    const int n = search->n;
    double from = INFINITY;
    int nearest;
    for (int i = 0; i < TRIES && search->visits > 0; i++) {
        random_direction(n, rng, search->normals, search->x);
        const double product = visit(search, &nearest);
        if (product < from) {
            from = product;
            memcpy(search->start, search->x, (size_t)n * sizeof *search->x);
        }
    }
    memcpy(search->x, search->start, (size_t)n * sizeof *search->x);
    for (double step = chord(from); step > LAST_STEP * chord(from) && search->visits > 0;
         step *= STEP_FACTOR) {
        visit(search, &nearest);
        cblas_daxpy(n, -step, search->u + (size_t)nearest * (size_t)n, 1, search->x, 1);
        normalize(n, search->x);
    }
}

mcbe_status_t mcbe_covering_search(int n, int count, const double *points, mcbe_rng_t *rng,
                                   int64_t visits, double *lower, double *hole, mcbe_error_t *err)
{
    search_t search = {.n = n, .count = count, .visits = visits, .least = INFINITY};
    double *u = NULL;
    mcbe_status_t st;
    MCBE_TRY(check_shape(n, count, MCBE_MAX_N, err));
    if (visits < 1) {
        st = mcbe_fail(err, MCBE_ERR_ARGUMENT, "covering: visits is %lld; at least 1 is needed",
                       (long long)visits);
        goto out;
    }
    MCBE_TRY(make_directions(n, count, points, &u, err));
    search.u = u;
    search.normals = mcbe_alloc((size_t)n, sizeof *search.normals);
    search.c = mcbe_alloc((size_t)count, sizeof *search.c);
    search.x = mcbe_alloc((size_t)n, sizeof *search.x);
    search.best = mcbe_alloc((size_t)n, sizeof *search.best);
    search.start = mcbe_alloc((size_t)n, sizeof *search.start);
    if (!search.normals || !search.c || !search.x || !search.best || !search.start) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    while (search.visits > 0) {
        walk(&search, rng);
    }
    *lower = chord(search.least);
    if (hole) {
        memcpy(hole, search.best, (size_t)n * sizeof *hole);
    }
out:
    mcbe_free(search.start);
    mcbe_free(search.best);
    mcbe_free(search.x);
    mcbe_free(search.c);
    mcbe_free(search.normals);
    mcbe_free(u);
    return st;
}

mcbe_status_t mcbe_covering_correct(const mcbe_frame_t *frame, const mcbe_domain_t *domain,
                                    double radius, const double *a, double *bias, mcbe_error_t *err)
{
    mcbe_status_t st = mcbe_domain_check(domain, err);
    if (st != MCBE_OK) {
        return st;
    }
    if (mcbe_domain_unbounded(domain) ||
        (domain->kind != MCBE_DOMAIN_SPHERE && domain->radial == MCBE_RADIAL_SAMPLED)) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "covering: points drawn inside %s are no directions; allowed are sphere, "
                         "ball and shell with radial: analytic",
                         mcbe_domain_unbounded(domain) ? "an unbounded domain" : "a ball or shell");
    }
    if (!(radius >= 0.0 && radius <= 2.0)) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "covering: radius is %g; on the unit sphere it is between 0 and 2",
                         radius);
    }
    for (int j = 0; j < frame->m; j++) {
        bias[j] = a[j] - frame->norm[j] * (radius + mcbe_hull_rounding(frame->n));
    }
    mcbe_domain_finish(domain, frame->m, bias, bias);
    return MCBE_OK;
}
