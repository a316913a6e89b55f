#include "hull.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include <lapacke.h>

#include "memory.h"

/* The dual basis of a facet's vertices u_i: <u_i, d_k> = 1 for i = k, else 0, up to rounding. */
typedef struct dual_basis {
    int n;
    double *u;        /* owned, column-major [n][n], u_i in row i; then its factors */
    double *d;        /* owned, [n][n], d_k is the k-th */
    double *norm;     /* owned, [n], |d_k| */
    double *residual; /* owned, [n], at least the norm of (<u_i, d_k> - [i = k])_i */
    double *c;        /* owned, [n], workspace */
    lapack_int *swap; /* owned, [n] */
} dual_basis_t;

double mcbe_hull_rounding(int n)
{
    return 32.0 * n * DBL_EPSILON;
}

static void basis_free(dual_basis_t *basis)
{
    mcbe_free(basis->swap);
    mcbe_free(basis->c);
    mcbe_free(basis->residual);
    mcbe_free(basis->norm);
    mcbe_free(basis->d);
    mcbe_free(basis->u);
}

static mcbe_status_t basis_init(dual_basis_t *basis, int n)
{
    const size_t entries = (size_t)n * (size_t)n;
    *basis = (dual_basis_t){.n = n};
    basis->u = mcbe_alloc(entries, sizeof *basis->u);
    basis->d = mcbe_alloc(entries, sizeof *basis->d);
    basis->norm = mcbe_alloc((size_t)n, sizeof *basis->norm);
    basis->residual = mcbe_alloc((size_t)n, sizeof *basis->residual);
    basis->c = mcbe_alloc((size_t)n, sizeof *basis->c);
    basis->swap = mcbe_alloc((size_t)n, sizeof *basis->swap);
    if (!basis->u || !basis->d || !basis->norm || !basis->residual || !basis->c || !basis->swap) {
        basis_free(basis);
        return MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

static double dot(int n, const double *a, const double *b)
{
    double sum = 0.0;
    for (int k = 0; k < n; k++) {
        sum += a[k] * b[k];
    }
    return sum;
}

/* With u_i the rows of U and d_k the columns of D as computed, U D = I + R: regular if |R| < 1.
 * @return 0 if that is not certain, with |R| < 1/10 */
static int basis_of(dual_basis_t *basis, const double *points, const int *vertex)
{
    const int n = basis->n;
    memset(basis->d, 0, (size_t)n * (size_t)n * sizeof *basis->d);
    for (int i = 0; i < n; i++) {
        const double *u = points + (size_t)vertex[i] * (size_t)n;
        for (int k = 0; k < n; k++) {
            basis->u[i + k * n] = u[k];
        }
        basis->d[i + i * n] = 1.0;
    }
    if (LAPACKE_dgesv_work(LAPACK_COL_MAJOR, n, n, basis->u, n, basis->swap, basis->d, n) != 0) {
        return 0;
    }
    double total = 0.0;
    for (int k = 0; k < n; k++) {
        const double *d = basis->d + k * n;
        double square = 0.0;
        for (int i = 0; i < n; i++) {
            const double r = dot(n, points + (size_t)vertex[i] * (size_t)n, d) - (i == k);
            square += r * r;
        }
        basis->norm[k] = sqrt(dot(n, d, d));
        basis->residual[k] = sqrt(square) + mcbe_hull_rounding(n) * basis->norm[k];
        total += basis->residual[k] * basis->residual[k];
    }
    return total < 0.01;
}

static void sum_of_basis(const dual_basis_t *basis, double *y)
{
    memset(y, 0, (size_t)basis->n * sizeof *y);
    for (int k = 0; k < basis->n; k++) {
        for (int i = 0; i < basis->n; i++) {
            y[i] += basis->d[i + k * basis->n];
        }
    }
}

/* Where <u_i, y> >= s > 0 at every vertex, a unit vector x = sum lambda_i u_i of the cone has
 * s sum lambda <= <x, y> <= |y|.
 * @return infinity where no such s is certain */
static double spread_of(const dual_basis_t *basis, const double *points, const int *vertex,
                        double *y)
{
    const int n = basis->n;
    sum_of_basis(basis, y);
    const double norm = sqrt(dot(n, y, y));
    double least = INFINITY;
    for (int i = 0; i < n; i++) {
        least = fmin(least, dot(n, y, points + (size_t)vertex[i] * (size_t)n));
    }
    least -= mcbe_hull_rounding(n) * norm;
    return least > 0.0 ? norm / least * (1.0 + mcbe_hull_rounding(n)) : INFINITY;
}

static int has_vertex(const mcbe_hull_t *hull, int facet, int vertex)
{
    const int *own = hull->vertex + (size_t)facet * (size_t)hull->n;
    for (int k = 0; k < hull->n; k++) {
        if (own[k] == vertex) {
            return 1;
        }
    }
    return 0;
}

/* The vertex of the k-th neighbour that the facet lacks, if both share all others; else -1. */
static int opposite_vertex(const mcbe_hull_t *hull, int facet, int k)
{
    const int n = hull->n;
    const int other = hull->neighbor[(size_t)facet * (size_t)n + (size_t)k];
    int found = -1;
    for (int i = 0; i < n; i++) {
        const int vertex = hull->vertex[(size_t)facet * (size_t)n + (size_t)i];
        const int theirs = hull->vertex[(size_t)other * (size_t)n + (size_t)i];
        if (i != k && !has_vertex(hull, other, vertex)) {
            return -1;
        }
        if (!has_vertex(hull, facet, theirs)) {
            found = theirs;
        }
    }
    return found;
}

/* Facet and k-th neighbour lie on different sides of the hyperplane through 0 and the vertices they
 * share: the neighbour's own vertex v = sum t_i u_i has t_k < 0. c_i = <v, d_i> has c = t (I + R),
 * |R| < 1/10, so |c_k - t_k| <= |t| |R e_k| <= 2 |c| |R e_k|. */
static int lies_across(const mcbe_hull_t *hull, const double *points, dual_basis_t *basis,
                       int facet, int k)
{
    const int n = hull->n;
    const int vertex = opposite_vertex(hull, facet, k);
    if (vertex < 0) {
        return 0;
    }
    for (int i = 0; i < n; i++) {
        basis->c[i] = dot(n, points + (size_t)vertex * (size_t)n, basis->d + i * n);
        basis->c[i] += i == k ? mcbe_hull_rounding(n) * basis->norm[k] : 0.0;
    }
    const double length = sqrt(dot(n, basis->c, basis->c));
    return basis->c[k] + 3.0 * length * basis->residual[k] < 0.0;
}

static int facet_is_sound(mcbe_hull_t *hull, const double *points, dual_basis_t *basis, int facet,
                          double *y)
{
    const int *vertex = hull->vertex + (size_t)facet * (size_t)hull->n;
    if (!basis_of(basis, points, vertex)) {
        return 0;
    }
    for (int k = 0; k < hull->n; k++) {
        if (!lies_across(hull, points, basis, facet, k)) {
            return 0;
        }
    }
    hull->spread[facet] = spread_of(basis, points, vertex, y);
    return isfinite(hull->spread[facet]);
}

mcbe_status_t mcbe_hull_check(mcbe_hull_t *hull, const double *points, const char *what,
                              mcbe_error_t *err)
{
    dual_basis_t basis;
    mcbe_status_t st = basis_init(&basis, hull->n);
    if (st != MCBE_OK) {
        return st;
    }
    double *y = mcbe_alloc((size_t)hull->n, sizeof *y);
    hull->spread = mcbe_alloc((size_t)hull->facets, sizeof *hull->spread);
    st = y && hull->spread ? MCBE_OK : MCBE_ERR_NOMEM;
    for (int f = 0; f < hull->facets && st == MCBE_OK; f++) {
        if (!facet_is_sound(hull, points, &basis, f, y)) {
            st = mcbe_fail(err, MCBE_ERR_VALUE,
                           "%s: rounding leaves open whether the convex hull of their directions "
                           "closes up at a facet with number %d as a vertex; directions that "
                           "nearly depend on each other cause this",
                           what, hull->vertex[(size_t)f * (size_t)hull->n]);
        }
    }
    mcbe_free(y);
    basis_free(&basis);
    return st;
}

mcbe_status_t mcbe_hull_normal(const mcbe_hull_t *hull, const double *points, int facet, double *y)
{
    dual_basis_t basis;
    mcbe_status_t st = basis_init(&basis, hull->n);
    if (st == MCBE_OK) {
        st = basis_of(&basis, points, hull->vertex + (size_t)facet * (size_t)hull->n)
                 ? MCBE_OK
                 : MCBE_ERR_INTERNAL;
        sum_of_basis(&basis, y);
        basis_free(&basis);
    }
    return st;
}
