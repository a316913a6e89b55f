#include "hull.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libqhull_r/geom_r.h>
#include <libqhull_r/libqhull_r.h>

#include "check.h"
#include "memory.h"
#include "mcbe/rng.h"

/* With 0 nearer to a facet, biases and radii would be all margin. */
#define INRADIUS_MIN 1e-9

/* Qt: facets with more than n vertices are cut into simplices. C-0 and Qx: Qhull's own choice of
 * how to merge facets that rounding makes non-convex, up to dimension 4 and above. Joggled input
 * (QJ) would also give simplices, but those of other points. */
#define OPTIONS_LOW "qhull Qt C-0 Pp"
#define OPTIONS_HIGH "qhull Qt Qx Pp"
#define DIMENSION_LOW 4

static mcbe_status_t not_around_zero(const char *what, mcbe_error_t *err)
{
    return mcbe_fail(err, MCBE_ERR_VALUE,
                     "%s: 0 is not inside the convex hull of their directions (by %g or more), so "
                     "they leave a half-space empty",
                     what, INRADIUS_MIN);
}

/* One sentence from what Qhull wrote: its first line tells the cause. */
static mcbe_status_t qhull_failed(int code, char *message, const char *what, mcbe_error_t *err)
{
    if (code == qh_ERRmem) {
        return MCBE_ERR_NOMEM;
    }
    if (code == qh_ERRsingular) {
        return not_around_zero(what, err);
    }
    const char *line = message ? message + strspn(message, "\n") : "";
    return mcbe_fail(err, MCBE_ERR_VALUE,
                     "%s: Qhull cannot build the convex hull of their directions: %.*s", what,
                     (int)strcspn(line, "\n"), line);
}

static mcbe_status_t read_facets(mcbe_hull_t *hull, qhT *qh, const double *points, const char *what,
                                 mcbe_error_t *err)
{
    const int n = hull->n;
    const size_t entries = (size_t)qh->num_facets * (size_t)n;
    double inradius = INFINITY;
    facetT *facet;
    hull->vertex = mcbe_alloc(entries, sizeof *hull->vertex);
    hull->neighbor = mcbe_alloc(entries, sizeof *hull->neighbor);
    if (!hull->vertex || !hull->neighbor) {
        return MCBE_ERR_NOMEM;
    }
    FORALLfacets
    {
        facet->visitid = (unsigned int)hull->facets++;
    }
    MCBE_BUG_ASSERT(hull->facets == qh->num_facets);
    FORALLfacets
    {
        const size_t first = (size_t)facet->visitid * (size_t)n;
        if (!facet->simplicial || qh_setsize(qh, facet->vertices) != n ||
            qh_setsize(qh, facet->neighbors) != n) {
            return mcbe_fail(err, MCBE_ERR_VALUE,
                             "%s: Qhull left a facet with %d vertices in dimension %d, which no "
                             "proof covers; directions that differ by rounding alone cause this",
                             what, qh_setsize(qh, facet->vertices), n);
        }
        inradius = fmin(inradius, -facet->offset);
        for (int k = 0; k < n; k++) {
            const vertexT *vertex = SETelemt_(facet->vertices, k, const vertexT);
            const facetT *neighbor = SETelemt_(facet->neighbors, k, const facetT);
            hull->vertex[first + (size_t)k] = (int)((vertex->point - points) / n);
            hull->neighbor[first + (size_t)k] = (int)neighbor->visitid;
        }
    }
    return inradius >= INRADIUS_MIN ? MCBE_OK : not_around_zero(what, err);
}

typedef mcbe_status_t (*hull_reader_t)(qhT *qh, void *context, const char *what, mcbe_error_t *err);

typedef struct facet_reader {
    mcbe_hull_t *hull;
    const double *points;
} facet_reader_t;

static mcbe_status_t read_into_hull(qhT *qh, void *context, const char *what, mcbe_error_t *err)
{
    const facet_reader_t *reader = context;
    return read_facets(reader->hull, qh, reader->points, what, err);
}

/* Whatever in Qhull may jump out of an error does so inside qh_new_qhull, which catches it;
 * readers see to what they call themselves. QHULL_LIB_CHECK is left out: it ends the program where
 * header and library disagree, and the library's soname says the same. */
static mcbe_status_t run_qhull(int n, int count, double *points, const char *options,
                               hull_reader_t read, void *context, const char *what,
                               mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_ERR_NOMEM;
    char *message = NULL;
    size_t length = 0;
    char command[64]; /* Qhull's interface lacks const */
    int long_bytes, long_blocks;
    qhT *qh = mcbe_alloc(1, sizeof *qh);
    FILE *messages = open_memstream(&message, &length);
    if (!qh || !messages) {
        goto out;
    }
    snprintf(command, sizeof command, "%s", options);
    int code = qh_new_qhull(qh, n, count, points, False, command, NULL, messages);
    st = code == 0 && fflush(messages) == 0 ? read(qh, context, what, err) : MCBE_ERR_INTERNAL;
    if (code != 0) {
        fflush(messages);
        st = qhull_failed(code, message, what, err);
    }
    qh_freeqhull(qh, !qh_ALL);
    qh_memfreeshort(qh, &long_bytes, &long_blocks);
out:
    if (messages) {
        fclose(messages);
    }
    free(message); /* open_memstream's, not ours */
    mcbe_free(qh);
    return st;
}

/* @param[in] given  what Qhull sees: the points, each times a positive factor */
static mcbe_status_t build(mcbe_hull_t *hull, int n, int count, const double *points, double *given,
                           const char *what, mcbe_error_t *err)
{
    mcbe_status_t st;
    memset(hull, 0, sizeof *hull);
    hull->n = n;
    MCBE_TRY(run_qhull(n, count, given, n <= DIMENSION_LOW ? OPTIONS_LOW : OPTIONS_HIGH,
                       read_into_hull, &(facet_reader_t){hull, given}, what, err));
    MCBE_TRY(mcbe_hull_check(hull, points, what, err));
out:
    if (st != MCBE_OK) {
        mcbe_hull_free(hull);
    }
    return st;
}

/* Factors that take many points out of a common hyperplane, but not a vertex off the hull unless
 * another one is at a distance of about 1e-4. */
#define FACTOR_SPREAD 1e-9

static double *scaled_copy(int n, int count, const double *points)
{
    const uint64_t seed[2] = {0, 1}, sequence[2] = {0, 1};
    mcbe_rng_t rng;
    double *copy = mcbe_alloc((size_t)count * (size_t)n, sizeof *copy);
    mcbe_rng_seed(&rng, seed, sequence);
    for (int i = 0; i < count && copy; i++) {
        const double factor = 1.0 - FACTOR_SPREAD * mcbe_rng_uniform(&rng);
        for (int k = 0; k < n; k++) {
            copy[(size_t)i * (size_t)n + (size_t)k] =
                factor * points[(size_t)i * (size_t)n + (size_t)k];
        }
    }
    return copy;
}

/* Where more than n vertices share a facet (the hypercube), Qhull's way to cut it may leave
 * simplices without volume. Points at slightly different distances from 0 have no such facets, and
 * their cones are the points' own: sets of vertices without volume stay in a hyperplane through 0
 * and form no facet. */
mcbe_status_t mcbe_hull_init(mcbe_hull_t *hull, int n, int count, double *points, const char *what,
                             mcbe_error_t *err)
{
    memset(hull, 0, sizeof *hull);
    if (count <= n) {
        return not_around_zero(what, err);
    }
    mcbe_status_t st = build(hull, n, count, points, points, what, NULL);
    if (st != MCBE_ERR_VALUE) {
        return st;
    }
    double *scaled = scaled_copy(n, count, points);
    st = scaled ? build(hull, n, count, points, scaled, what, err) : MCBE_ERR_NOMEM;
    mcbe_free(scaled);
    return st;
}

void mcbe_hull_free(mcbe_hull_t *hull)
{
    mcbe_free(hull->spread);
    mcbe_free(hull->neighbor);
    mcbe_free(hull->vertex);
    memset(hull, 0, sizeof *hull);
}

typedef struct polar {
    int n, count;
    double *vertex; /* owned, [count][n] */
} polar_t;

/* A facet {p: <y, p> = 1} of the points' hull is the vertex y of the polar body. */
static mcbe_status_t read_polar(qhT *qh, void *context, const char *what, mcbe_error_t *err)
{
    polar_t *polar = context;
    facetT *facet;
    polar->vertex = mcbe_alloc((size_t)qh->num_facets * (size_t)polar->n, sizeof *polar->vertex);
    if (!polar->vertex) {
        return MCBE_ERR_NOMEM;
    }
    FORALLfacets
    {
        if (!(facet->offset < 0.0)) {
            return not_around_zero(what, err);
        }
        for (int k = 0; k < polar->n; k++) {
            polar->vertex[(size_t)polar->count * (size_t)polar->n + (size_t)k] =
                -facet->normal[k] / facet->offset;
        }
        polar->count++;
    }
    return MCBE_OK;
}

static mcbe_status_t read_volume(qhT *qh, void *context, const char *what, mcbe_error_t *err)
{
    double *volume = context;
    qh->NOerrexit = False;
    if (setjmp(qh->errexit) != 0) {
        qh->NOerrexit = True;
        return mcbe_fail(err, MCBE_ERR_VALUE, "%s: Qhull cannot compute the volume", what);
    }
    qh_getarea(qh, qh->facet_list);
    qh->NOerrexit = True;
    *volume = qh->totvol;
    return MCBE_OK;
}

mcbe_status_t mcbe_hull_polar_volume(int n, int count, double *points, const char *what,
                                     double *volume, mcbe_error_t *err)
{
    polar_t polar = {.n = n};
    mcbe_status_t st = run_qhull(n, count, points, n <= DIMENSION_LOW ? OPTIONS_LOW : OPTIONS_HIGH,
                                 read_polar, &polar, what, err);
    if (st == MCBE_OK) {
        st =
            run_qhull(n, polar.count, polar.vertex, n <= DIMENSION_LOW ? OPTIONS_LOW : OPTIONS_HIGH,
                      read_volume, volume, what, err);
    }
    mcbe_free(polar.vertex);
    return st;
}
