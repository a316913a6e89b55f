#ifndef MCBE_MARGIN_H
#define MCBE_MARGIN_H

/* How far a coefficient from a matrix product may be from the canonical one; docs/method.md, section
 * 3, has the proof. Rows are scaled by a power of two so that none is longer than 1. */

/** Bound on |approximate - canonical| for |w| |x| = 1. With u the unit roundoff: n u for a product
 *  summed in any order, fused or not, 2 u for rounding w and x, 4 u for the roundings inside a
 *  screen, and the canonical value's own n u, which counts in fp64 only. */
static inline double mcbe_product_error(int n, int in_f32)
{
    return in_f32 ? 1.01 * (n + 16.0) * 0x1p-24 : 1.01 * (2.0 * n + 16.0) * 0x1p-53;
}

/** What underflow may add to that, absolutely, for each 1 + |x|. */
static inline double mcbe_product_tiny(int n, int in_f32)
{
    return (n + 1.0) * (in_f32 ? 0x1p-140 : 0x1p-1060);
}

#endif
