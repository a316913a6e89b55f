#include "mcbe/polytope.h"

#include <math.h>
#include <string.h>

#include <lapacke.h>

#include "check.h"
#include "hull.h"
#include "memory.h"

/* Minima over the cone of one facet, in terms of its Gram matrix alone. */
typedef struct facet_cone {
    int n;
    double spread;  /* of the facet, see mcbe_hull_t */
    double *gram;   /* owned, [n][n] */
    double *lambda; /* owned, [n], coefficients of a point of the cone */
    double *trial;  /* owned, [n], the same with some of them free in sign */
    double *system; /* owned, [n][n], Gram matrix of the free ones, then its factor */
    int *member;    /* owned, [n], which ones are free */
    int members;
} facet_cone_t;

static void cone_free(facet_cone_t *cone)
{
    mcbe_free(cone->member);
    mcbe_free(cone->system);
    mcbe_free(cone->trial);
    mcbe_free(cone->lambda);
    mcbe_free(cone->gram);
}

static mcbe_status_t cone_init(facet_cone_t *cone, int n)
{
    *cone = (facet_cone_t){.n = n};
    cone->gram = mcbe_alloc((size_t)n * (size_t)n, sizeof *cone->gram);
    cone->lambda = mcbe_alloc((size_t)n, sizeof *cone->lambda);
    cone->trial = mcbe_alloc((size_t)n, sizeof *cone->trial);
    cone->system = mcbe_alloc((size_t)n * (size_t)n, sizeof *cone->system);
    cone->member = mcbe_alloc((size_t)n, sizeof *cone->member);
    if (!cone->gram || !cone->lambda || !cone->trial || !cone->system || !cone->member) {
        cone_free(cone);
        return MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

static void cone_of(facet_cone_t *cone, const mcbe_hull_t *hull, int facet, const double *u)
{
    const int n = cone->n;
    const int *vertex = hull->vertex + (size_t)facet * (size_t)n;
    cone->spread = hull->spread[facet];
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = 0.0;
            for (int k = 0; k < n; k++) {
                sum += u[(size_t)vertex[i] * (size_t)n + (size_t)k] *
                       u[(size_t)vertex[j] * (size_t)n + (size_t)k];
            }
            cone->gram[i * n + j] = sum;
            cone->gram[j * n + i] = sum;
        }
    }
}

/* <u_i, z> for z = sum lambda_k u_k. */
static double along(const facet_cone_t *cone, int i)
{
    double sum = 0.0;
    for (int k = 0; k < cone->n; k++) {
        sum += cone->gram[i * cone->n + k] * cone->lambda[k];
    }
    return sum;
}

/* <u_i, -u_j - z> */
static double descent(const facet_cone_t *cone, int j, int i)
{
    return -(cone->gram[i * cone->n + j] + along(cone, i));
}

/* The projection of -u_j on the span of the members. @return 0 if they are dependent in fp64 */
static int solve_for_members(facet_cone_t *cone, int j)
{
    const int count = cone->members;
    for (int a = 0; a < count; a++) {
        const double *row = cone->gram + cone->member[a] * cone->n;
        for (int b = 0; b < count; b++) {
            cone->system[a * count + b] = row[cone->member[b]];
        }
        cone->trial[a] = -row[j];
    }
    return LAPACKE_dposv_work(LAPACK_COL_MAJOR, 'U', count, 1, cone->system, count, cone->trial,
                              count) == 0;
}

/* Go from lambda towards trial as far as all stay >= 0; the member that stops it leaves.
 * @return whether trial was reached */
static int step_to_trial(facet_cone_t *cone)
{
    double step = 1.0;
    int stopping = -1;
    for (int a = 0; a < cone->members; a++) {
        const double now = cone->lambda[cone->member[a]], wanted = cone->trial[a];
        if (wanted < 0.0 && now / (now - wanted) < step) {
            step = now / (now - wanted);
            stopping = a;
        }
    }
    for (int a = 0; a < cone->members; a++) {
        double *now = cone->lambda + cone->member[a];
        *now = fmax(*now + step * (cone->trial[a] - *now), 0.0);
    }
    if (stopping < 0) {
        return 1;
    }
    cone->lambda[cone->member[stopping]] = 0.0;
    cone->member[stopping] = cone->member[--cone->members];
    return 0;
}

/* lambda >= 0 such that z = sum lambda_i u_i is near the projection of -u_j on the cone. C. L.
 * Lawson, R. J. Hanson, Solving Least Squares Problems, algorithm NNLS, on normal equations. Where
 * it stops early the bound gets worse, not wrong. */
static void project_on_cone(facet_cone_t *cone, int j)
{
    const int n = cone->n;
    cone->members = 0;
    memset(cone->lambda, 0, (size_t)n * sizeof *cone->lambda);
    for (int round = 0; round < 3 * n && cone->members < n; round++) {
        int steepest = 0;
        for (int i = 1; i < n; i++) {
            steepest = descent(cone, j, i) > descent(cone, j, steepest) ? i : steepest;
        }
        if (descent(cone, j, steepest) <= mcbe_hull_rounding(n)) {
            return;
        }
        cone->member[cone->members++] = steepest;
        do {
            if (cone->members == 0 || !solve_for_members(cone, j)) {
                return;
            }
        } while (!step_to_trial(cone));
    }
}

/* A lower bound of <x, u_j> over the unit vectors x = sum mu_i u_i, mu >= 0, of the cone.
 * No negative scalar product: <x, u_j> = sum mu_i <u_i, u_j>, and sum mu_i >= |x| = 1.
 * Else, for any z: <x, -u_j> = <x, z> + sum mu_i <u_i, -u_j - z>, at most
 * |z| + spread * max_i <u_i, -u_j - z>+. */
static double least_coefficient(facet_cone_t *cone, int j)
{
    const int n = cone->n;
    const double rounding = mcbe_hull_rounding(n);
    double least = INFINITY;
    for (int i = 0; i < n; i++) {
        least = fmin(least, cone->gram[j * n + i]);
    }
    if (least >= rounding) {
        return least - rounding;
    }
    project_on_cone(cone, j);
    double sum = 0.0, square = 0.0, violation = 0.0;
    for (int i = 0; i < n; i++) {
        sum += cone->lambda[i];
        square += cone->lambda[i] * along(cone, i);
        violation = fmax(violation, descent(cone, j, i));
    }
    const double norm = sqrt(fmax(square, 0.0) + rounding * sum * sum);
    const double bound = norm + cone->spread * (violation + rounding * (1.0 + sum));
    return -fmin(bound, 1.0 + rounding);
}

/* Unit rows, and for each the least of its coefficients over the cones of its facets. */
static mcbe_status_t lower_at_facets(const mcbe_hull_t *hull, const double *u, double *bias)
{
    const int n = hull->n;
    facet_cone_t cone;
    mcbe_status_t st = cone_init(&cone, n);
    if (st != MCBE_OK) {
        return st;
    }
    for (int f = 0; f < hull->facets; f++) {
        cone_of(&cone, hull, f, u);
        for (int k = 0; k < n; k++) {
            double *entry = bias + hull->vertex[(size_t)f * (size_t)n + (size_t)k];
            *entry = fmin(*entry, least_coefficient(&cone, k));
        }
    }
    cone_free(&cone);
    return MCBE_OK;
}

static double binomial(int from, int choose)
{
    double result = 1.0;
    for (int i = 1; i <= choose; i++) {
        result *= (double)(from - choose + i) / i;
    }
    return result;
}

double mcbe_polytope_work(int n, int m)
{
    const int half = n / 2;
    if (m <= n) {
        return 0.0;
    }
    return n % 2 == 0 ? (double)m / (m - half) * binomial(m - half, half)
                      : 2.0 * binomial(m - half - 1, half);
}

static mcbe_status_t check(const mcbe_frame_t *frame, const mcbe_domain_t *domain,
                           mcbe_error_t *err)
{
    mcbe_status_t st = mcbe_domain_check(domain, err);
    if (st != MCBE_OK) {
        return st;
    }
    if (mcbe_domain_unbounded(domain)) {
        return mcbe_fail(
            err, MCBE_ERR_ARGUMENT,
            "polytope: the domain is unbounded; a polytope bias exists for sphere, ball "
            "and shell");
    }
    if (frame->n < 2 || frame->n > MCBE_POLYTOPE_MAX_N) {
        return mcbe_fail(err, MCBE_ERR_DIM, "polytope: n is %d; allowed are 2 to %d", frame->n,
                         MCBE_POLYTOPE_MAX_N);
    }
    const double facets = mcbe_polytope_work(frame->n, frame->m);
    if (facets > MCBE_POLYTOPE_MAX_FACETS) {
        return mcbe_fail(
            err, MCBE_ERR_ARGUMENT,
            "polytope: the convex hull of m = %d rows in dimension n = %d may have %.3g "
            "facets; allowed are %g",
            frame->m, frame->n, facets, MCBE_POLYTOPE_MAX_FACETS);
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_polytope_bias(const mcbe_frame_t *frame, const mcbe_domain_t *domain,
                                 double *bias, mcbe_error_t *err)
{
    const int m = frame->m, n = frame->n;
    double *u = NULL, *least = NULL;
    mcbe_hull_t hull = {0};
    mcbe_domain_t directions = *domain;
    mcbe_status_t st;
    MCBE_TRY(check(frame, domain, err));
    u = mcbe_alloc((size_t)m * (size_t)n, sizeof *u);
    least = mcbe_alloc((size_t)m, sizeof *least);
    MCBE_TRY(u && least ? MCBE_OK : MCBE_ERR_NOMEM);
    for (int j = 0; j < m; j++) {
        for (int k = 0; k < n; k++) {
            u[j * n + k] = frame->w[j * n + k] / frame->norm[j];
        }
        least[j] = INFINITY;
    }
    MCBE_TRY(mcbe_hull_init(&hull, n, m, u, "polytope, rows", err));
    MCBE_TRY(lower_at_facets(&hull, u, least));
    for (int j = 0; j < m; j++) {
        least[j] = frame->norm[j] * (least[j] - mcbe_hull_rounding(n));
    }
    directions.radial = MCBE_RADIAL_ANALYTIC;
    mcbe_domain_finish(&directions, m, least, bias);
out:
    mcbe_hull_free(&hull);
    mcbe_free(least);
    mcbe_free(u);
    return st;
}
