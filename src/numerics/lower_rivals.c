#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "kernels.h"
#include "lower_internal.h"
#include "memory.h"

/* Leads drift by roundings while a point is carried along walks; below this they are 0. */
#define TOLERANCE 1e-12

mcbe_status_t mcbe_rivals_init(mcbe_rivals_t *rivals, const mcbe_frame_t *frame)
{
    memset(rivals, 0, sizeof *rivals);
    rivals->frame = frame;
    rivals->padded = (frame->n + MCBE_PAD - 1) / MCBE_PAD * MCBE_PAD;
    rivals->lanes = (frame->m + MCBE_PANEL - 1) / MCBE_PANEL * MCBE_PANEL;
    rivals->tolerance = TOLERANCE + 8.0 * frame->n * DBL_EPSILON;
    const size_t lanes = (size_t)rivals->lanes;
    rivals->panel = mcbe_alloc(lanes * (size_t)frame->n, sizeof *rivals->panel);
    rivals->descent = mcbe_alloc((size_t)rivals->padded, sizeof *rivals->descent);
    rivals->crossing = mcbe_alloc((size_t)frame->m, sizeof *rivals->crossing);
    if (!rivals->panel || !rivals->descent || !rivals->crossing) {
        mcbe_rivals_free(rivals);
        return MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

void mcbe_rivals_free(mcbe_rivals_t *rivals)
{
    mcbe_free(rivals->panel);
    mcbe_free(rivals->descent);
    mcbe_free(rivals->crossing);
    memset(rivals, 0, sizeof *rivals);
}

mcbe_status_t mcbe_place_init(mcbe_place_t *place, const mcbe_rivals_t *rivals)
{
    place->x = mcbe_alloc((size_t)rivals->padded, sizeof *place->x);
    place->lead = mcbe_alloc((size_t)rivals->lanes, sizeof *place->lead);
    if (!place->x || !place->lead) {
        mcbe_place_free(place);
        return MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

void mcbe_place_free(mcbe_place_t *place)
{
    mcbe_free(place->x);
    mcbe_free(place->lead);
    memset(place, 0, sizeof *place);
}

static double *panel_entry(const mcbe_rivals_t *rivals, int i)
{
    const ptrdiff_t first = i - i % MCBE_PANEL;
    return rivals->panel + first * rivals->frame->n + i % MCBE_PANEL;
}

/* u = (w - own) / |w - own|, written with a stride. The largest entry is divided out first, so that
 * no square leaves the range. @return 0 if w = own: u is then 0 */
static int direction(int n, const double *w, const double *own, double *u, ptrdiff_t stride)
{
    double largest = 0.0, sum = 0.0;
    for (int k = 0; k < n; k++) {
        largest = fmax(largest, fabs(w[k] - own[k]));
    }
    for (int k = 0; k < n; k++) {
        const double entry = largest > 0.0 ? (w[k] - own[k]) / largest : 0.0;
        u[k * stride] = entry;
        sum += entry * entry;
    }
    const double size = sqrt(sum);
    for (int k = 0; k < n && largest > 0.0; k++) {
        u[k * stride] /= size;
    }
    return largest > 0.0;
}

void mcbe_rivals_set(mcbe_rivals_t *rivals, int row)
{
    const mcbe_frame_t *frame = rivals->frame;
    const int n = frame->n;
    const double *own = frame->w + (ptrdiff_t)row * n;
    rivals->row = row;
    rivals->limit = n - 1;
    for (int i = 0; i < frame->m; i++) {
        const double *w = frame->w + (ptrdiff_t)i * n;
        const int differs = direction(n, w, own, panel_entry(rivals, i), MCBE_PANEL);
        rivals->limit -= !differs && i < row;
    }
    for (int k = 0; k < n; k++) {
        rivals->descent[k] = -own[k] / frame->norm[row];
    }
}

void mcbe_rivals_vector(const mcbe_rivals_t *rivals, int i, double *u)
{
    const double *entry = panel_entry(rivals, i);
    memset(u, 0, (size_t)rivals->padded * sizeof *u);
    for (int k = 0; k < rivals->frame->n; k++) {
        u[k] = entry[(ptrdiff_t)k * MCBE_PANEL];
    }
}

void mcbe_rivals_evaluate(mcbe_rivals_t *rivals, mcbe_place_t *place)
{
    const int n = rivals->frame->n;
    const double *restrict x = place->x;
    for (int first = 0; first < rivals->lanes; first += MCBE_PANEL) {
        const double *restrict u = rivals->panel + (ptrdiff_t)first * n;
        double sum[MCBE_PANEL] = {0};
        for (int k = 0; k < n; k++) {
            for (int s = 0; s < MCBE_PANEL; s++) {
                sum[s] += u[s] * x[k];
            }
            u += MCBE_PANEL;
        }
        memcpy(place->lead + first, sum, sizeof sum);
    }
    rivals->evaluations++;
}

int mcbe_rivals_ahead(const mcbe_rivals_t *rivals, const mcbe_place_t *place)
{
    return mcbe_kernels()->count_above(rivals->lanes, place->lead, rivals->tolerance);
}

/* Restore the heap order, the smallest on top, below entry `at`. */
static void sift(mcbe_crossing_t *heap, int at, int count)
{
    const mcbe_crossing_t entry = heap[at];
    for (int child = 2 * at + 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && heap[child + 1].at < heap[child].at;
        if (!(heap[child].at < entry.at)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = entry;
}

/* Heap of all rivals whose lead changes sign on the way. @return how many */
static int find_crossings(mcbe_rivals_t *rivals, const double *from, const double *to)
{
    const double tolerance = rivals->tolerance;
    mcbe_crossing_t *heap = rivals->crossing;
    int count = 0;
    for (int i = 0; i < rivals->frame->m; i++) {
        const int starts_ahead = from[i] > tolerance, ends_ahead = to[i] > tolerance;
        if (starts_ahead != ends_ahead) {
            /* an end that is only 0 within the tolerance must not put the crossing outside */
            const double at = from[i] / (from[i] - to[i]);
            heap[count++] = (mcbe_crossing_t){.at = fmin(fmax(at, 0.0), 1.0), .row = i};
        }
    }
    for (int i = count / 2 - 1; i >= 0; i--) {
        sift(heap, i, count);
    }
    return count;
}

/* The last crossing at which the arc leaves the points that will do, given that its end will not.
 * @return its row, -1 if there is none */
static int last_exit(mcbe_rivals_t *rivals, const double *from, const double *to, int ahead,
                     double *at)
{
    mcbe_crossing_t *heap = rivals->crossing;
    int count = find_crossings(rivals, from, to), row = -1, falling = 0;
    for (int i = 0; i < count; i++) {
        falling += from[heap[i].row] > rivals->tolerance;
    }
    /* once too many are ahead for the rivals still to fall behind, nothing further on will do */
    while (ahead - falling <= rivals->limit) {
        const mcbe_crossing_t next = heap[0];
        heap[0] = heap[--count];
        sift(heap, 0, count);
        if (from[next.row] > rivals->tolerance) {
            ahead--;
            falling--;
        } else if (ahead++ == rivals->limit) {
            row = next.row;
            *at = next.at;
        }
    }
    return row;
}

int mcbe_rivals_walk(mcbe_rivals_t *rivals, const mcbe_face_t *face, mcbe_place_t *place,
                     mcbe_place_t *target)
{
    mcbe_rivals_evaluate(rivals, target);
    for (int i = 0; i < face->count; i++) {
        target->lead[face->row[i]] = 0.0;
    }
    if (mcbe_rivals_ahead(rivals, target) <= rivals->limit) {
        const mcbe_place_t start = *place;
        *place = *target;
        *target = start;
        return MCBE_WALK_ARRIVED;
    }
    double at = 0.0;
    const int row =
        last_exit(rivals, place->lead, target->lead, mcbe_rivals_ahead(rivals, place), &at);
    if (row < 0) {
        return MCBE_WALK_NOWHERE;
    }
    if (at > 0.0) {
        mcbe_padded_scale(rivals->padded, 1.0 - at, place->x);
        mcbe_padded_add(rivals->padded, at, target->x, place->x);
        const double size = sqrt(mcbe_padded_dot(rivals->padded, place->x, place->x));
        mcbe_padded_scale(rivals->padded, 1.0 / size, place->x);
        for (int i = 0; i < rivals->lanes; i++) {
            place->lead[i] = ((1.0 - at) * place->lead[i] + at * target->lead[i]) / size;
        }
    }
    place->lead[row] = 0.0;
    return row;
}
