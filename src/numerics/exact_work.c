#include "exact_work.h"

/* Of one core with AVX-512, measured: 3.5e9 to 1.1e10 for the sizes that take long enough to
 * matter. */
#define OPERATIONS_PER_SECOND 5e9

static double choose(int from, int count)
{
    double ways = 1.0;
    for (int k = 1; k <= count; k++) {
        ways = ways * (from - count + k) / k;
    }
    return ways;
}

/* One direction tried: a product, a comparison and a sum a coordinate of the plane and row. */
static double work_of_directions(double count, int m)
{
    return count * 4.0 * m;
}

/* One more row left out in dim coordinates: two products and two sums a coordinate and row. */
static double work_of_flats(double count, int dim, int m)
{
    return count * 4.0 * dim * m;
}

double mcbe_exact_depth_work(int n, int m)
{
    double work = work_of_directions(choose(m, n - 1), m);
    for (int t = 1; t <= n - 2; t++) { /* sets of t rows that n - 1 - t later ones can complete */
        work += work_of_flats(choose(m - (n - 1 - t), t), n - t + 1, m);
    }
    return work;
}

double mcbe_exact_alpha_work(int n, int m)
{
    double work = work_of_directions(choose(m, n), m);
    for (int t = 1; t <= n - 1; t++) { /* each set gives a flat and a direction of its own */
        work += work_of_flats(choose(m, t), 2 * (n - t + 1), m);
    }
    return work;
}

double mcbe_exact_seconds(double work)
{
    return work / OPERATIONS_PER_SECOND;
}

mcbe_status_t mcbe_exact_admit(const char *what, const mcbe_frame_t *frame, double work,
                               double work_limit, mcbe_error_t *err)
{
    if (work <= work_limit) {
        return MCBE_OK;
    }
    return mcbe_fail(
        err, MCBE_ERR_LIMIT,
        "%s of a layer with n = %d and m = %d takes about %.3g operations (%.3g s on one "
        "core); the limit is %.3g operations",
        what, frame->n, frame->m, work, mcbe_exact_seconds(work), work_limit);
}
