#include "search_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "memory.h"

/* A norm this near 1 is left alone: what rounding leaves after a division by it, for any n. */
#define UNIT_TOLERANCE 0x1p-36

void mcbe_direction_settle(int n, double *x)
{
    double sum = 0.0;
    for (int k = 0; k < n; k++) {
        sum += x[k] * x[k];
    }
    const double norm = sqrt(sum);
    MCBE_BUG_ASSERT(norm > 0.0 && isfinite(norm));
    const double divisor = fabs(norm - 1.0) > UNIT_TOLERANCE ? norm : 1.0;
    for (int k = 0; k < n; k++) {
        float a, b;
        x[k] /= divisor;
        mcbe_point_split(1, x + k, &a, &b);
    }
}

mcbe_status_t mcbe_points_add(mcbe_points_t *points, const double *x)
{
    const size_t n = (size_t)points->n, count = (size_t)points->count;
    void *list = points->x;
    mcbe_status_t st = mcbe_grow(&list, &points->capacity, count + 1, n * sizeof *points->x);
    if (st != MCBE_OK) {
        return st;
    }
    points->x = list;
    memcpy(points->x + count * n, x, n * sizeof *x);
    mcbe_direction_settle(points->n, points->x + count * n);
    points->count++;
    return MCBE_OK;
}

void mcbe_points_free(mcbe_points_t *points)
{
    mcbe_free(points->x);
    memset(points, 0, sizeof *points);
}

mcbe_status_t mcbe_search_check(const mcbe_domain_t *domain, mcbe_error_t *err)
{
    if (mcbe_domain_unbounded(domain)) {
        return mcbe_fail(
            err, MCBE_ERR_ARGUMENT,
            "search: the domain is unbounded, so that a point found says nothing about "
            "it; search needs a sphere, ball or shell");
    }
    if (domain->kind != MCBE_DOMAIN_SPHERE && domain->radial == MCBE_RADIAL_SAMPLED) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "search: radii are sampled, but search finds directions and knows all "
                         "radii of each; it needs radial: analytic");
    }
    return mcbe_domain_check(domain, err);
}

mcbe_status_t mcbe_lowest_init(mcbe_lowest_t *lowest, int m, int n)
{
    const size_t places = (size_t)m + MCBE_LOWEST_HELD;
    *lowest = (mcbe_lowest_t){.m = m, .n = n};
    lowest->x = mcbe_alloc(places * (size_t)n, sizeof *lowest->x);
    lowest->serial = mcbe_alloc(places, sizeof *lowest->serial);
    lowest->uses = mcbe_alloc(places, sizeof *lowest->uses);
    lowest->of_row = mcbe_alloc((size_t)m, sizeof *lowest->of_row);
    lowest->vacant = mcbe_alloc(places, sizeof *lowest->vacant);
    lowest->order = mcbe_alloc(places, sizeof *lowest->order);
    if (!lowest->x || !lowest->serial || !lowest->uses || !lowest->of_row || !lowest->vacant ||
        !lowest->order) {
        return MCBE_ERR_NOMEM;
    }
    mcbe_lowest_clear(lowest);
    return MCBE_OK;
}

void mcbe_lowest_free(mcbe_lowest_t *lowest)
{
    mcbe_free(lowest->x);
    mcbe_free(lowest->serial);
    mcbe_free(lowest->uses);
    mcbe_free(lowest->of_row);
    mcbe_free(lowest->vacant);
    mcbe_free(lowest->order);
    memset(lowest, 0, sizeof *lowest);
}

void mcbe_lowest_clear(mcbe_lowest_t *lowest)
{
    const int places = lowest->m + MCBE_LOWEST_HELD;
    for (int i = 0; i < places; i++) {
        lowest->uses[i] = 0;
        lowest->vacant[i] = i;
    }
    for (int j = 0; j < lowest->m; j++) {
        lowest->of_row[j] = -1;
    }
    lowest->vacant_count = places;
    lowest->next_serial = 0;
}

int mcbe_lowest_take(mcbe_lowest_t *lowest, const double *x)
{
    MCBE_BUG_ASSERT(lowest->vacant_count > 0);
    const int place = lowest->vacant[--lowest->vacant_count];
    memcpy(lowest->x + (size_t)place * (size_t)lowest->n, x, (size_t)lowest->n * sizeof *x);
    lowest->serial[place] = lowest->next_serial++;
    lowest->uses[place] = 1;
    return place;
}

void mcbe_lowest_hold(mcbe_lowest_t *lowest, int place)
{
    lowest->uses[place]++;
}

void mcbe_lowest_drop(mcbe_lowest_t *lowest, int place)
{
    if (--lowest->uses[place] == 0) {
        lowest->vacant[lowest->vacant_count++] = place;
    }
}

void mcbe_lowest_assign(mcbe_lowest_t *lowest, int row, int place)
{
    const int before = lowest->of_row[row];
    mcbe_lowest_hold(lowest, place);
    lowest->of_row[row] = place;
    if (before >= 0) {
        mcbe_lowest_drop(lowest, before);
    }
}

static int by_serial(const void *left, const void *right)
{
    const mcbe_serial_t *a = left, *b = right;
    return (a->serial > b->serial) - (a->serial < b->serial);
}

mcbe_status_t mcbe_lowest_append(mcbe_lowest_t *lowest, mcbe_points_t *points, int place,
                                 int64_t *number)
{
    const int64_t before = points->count;
    size_t count = 0;
    *number = -1;
    for (int i = 0; i < lowest->m + MCBE_LOWEST_HELD; i++) {
        if (lowest->uses[i] > 0) {
            lowest->order[count++] = (mcbe_serial_t){.serial = lowest->serial[i], .place = i};
        }
    }
    if (count > 1) {
        qsort(lowest->order, count, sizeof *lowest->order, by_serial);
    }
    for (size_t i = 0; i < count; i++) {
        const int next = lowest->order[i].place;
        if (next == place) {
            *number = points->count;
        }
        mcbe_status_t st = mcbe_points_add(points, lowest->x + (size_t)next * (size_t)lowest->n);
        if (st != MCBE_OK) {
            points->count = before;
            return st;
        }
    }
    return MCBE_OK;
}
