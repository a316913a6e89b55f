#include "roots.h"

double mcbe_power(double y, int n)
{
    double result = 1.0;
    for (; n > 0; n >>= 1) {
        if (n & 1) {
            result *= y;
        }
        y *= y;
    }
    return result;
}

/* Newton from 1 falls monotonically onto the root, y^n being convex, and stops where rounding stops
 * it falling. */
double mcbe_unit_root(double v, int n)
{
    double y = 1.0;
    for (;;) {
        const double slope = mcbe_power(y, n - 1);
        const double next = y - (y * slope - v) / (n * slope);
        if (!(next < y)) {
            return y;
        }
        y = next;
    }
}
