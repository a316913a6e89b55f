#include "search_internal.h"

#include <math.h>
#include <stdlib.h>

static int by_radius(const void *left, const void *right)
{
    const mcbe_breakpoint_t *a = left, *b = right;
    return (a->radius > b->radius) - (a->radius < b->radius);
}

double mcbe_fewest_active_radius(int m, const double *bias, const double *c, double low,
                                 double high, mcbe_breakpoint_t *work)
{
    int active = 0, count = 0, fewest = m + 1;
    for (int j = 0; j < m; j++) {
        active += bias[j] < 0.0 || (bias[j] == 0.0 && c[j] >= 0.0); /* near radius 0 */
        if ((bias[j] > 0.0 && c[j] > 0.0) || (bias[j] < 0.0 && c[j] < 0.0)) {
            work[count++] =
                (mcbe_breakpoint_t){.radius = bias[j] / c[j], .change = bias[j] > 0.0 ? 1 : -1};
        }
    }
    if (count > 1) {
        qsort(work, (size_t)count, sizeof *work, by_radius);
    }
    double best = high, width = 0.0;
    for (int i = 0; i <= count; i++) {
        const double left = i > 0 ? fmax(low, work[i - 1].radius) : low;
        const double right = i < count ? fmin(high, work[i].radius) : high;
        active += i > 0 ? work[i - 1].change : 0;
        if (right > left && (active < fewest || (active == fewest && right - left > width))) {
            fewest = active;
            width = right - left;
            best = left + 0.5 * width;
        }
    }
    return best;
}
