#include "cost.h"

#include <math.h>

double mcbe_cost_products(mcbe_design_t design, double samples)
{
    const double centers = mcbe_crossed_centers(design), noises = MCBE_CROSSED_NOISES;
    switch (design) {
    case MCBE_DESIGN_PAIRED:
        return 2.0 * sqrt(samples);
    case MCBE_DESIGN_CROSSED:
    case MCBE_DESIGN_CROSSED_SMALL:
        return ceil(samples / (centers * noises)) * (centers + noises);
    case MCBE_DESIGN_IID:
        break;
    }
    return samples;
}

double mcbe_cost_product_seconds(double n, double m)
{
    return 4e-9 + 1.6e-9 * n + 2.0 * m * n / 9e10;
}

double mcbe_cost_screen_seconds(mcbe_design_t design, double n, double m)
{
    switch (design) {
    case MCBE_DESIGN_PAIRED:
        return 2e-9 + 0.02e-9 * n + 0.03e-9 * m;
    case MCBE_DESIGN_CROSSED:
    case MCBE_DESIGN_CROSSED_SMALL:
        return 1e-9 + 0.5e-9 * m;
    case MCBE_DESIGN_IID:
        break;
    }
    return 1e-9 + 0.15e-9 * m;
}

/* Of a large layer only the rows are computed on which something depends, and most time goes into
 * choosing them. */
double mcbe_cost_visit_seconds(double n, double m)
{
    return m * (4e-9 + fmin(0.25e-9 * n, 20e-9));
}

double mcbe_cost_judge_seconds(double biases, double n, double m)
{
    return 1e-8 + 1.5e-9 * n + 2.0 * m * n / 9e10 + biases * (2e-8 + 1e-9 * m);
}

double mcbe_cost_updates(double m, double samples)
{
    return m * (1.0 + log(1.0 + samples / m));
}

double mcbe_cost_bytes(mcbe_design_t design, double samples, double n, double m)
{
    const double width = mcbe_domain_block_size((int)n), rows = width + sqrt(samples);
    const double bytes = 24.0 * n * m + 8.0 * width * (2.0 * n + m) + 64.0 * m;
    switch (design) {
    case MCBE_DESIGN_PAIRED:
        return bytes + 2.0 * rows * (8.0 * n + 9.0 * m);
    case MCBE_DESIGN_CROSSED:
    case MCBE_DESIGN_CROSSED_SMALL:
        return bytes + (12.0 * m + 4.0 * n) * (mcbe_crossed_centers(design) + MCBE_CROSSED_NOISES);
    case MCBE_DESIGN_IID:
        break;
    }
    return bytes;
}
