#ifndef MCBE_ROOTS_H
#define MCBE_ROOTS_H

/** y^n by repeated squaring: a fixed order of multiplications, unlike the library's pow. */
double mcbe_power(double y, int n);

/** The root of y^n = v in (0, 1], for 0 < v <= 1 and n >= 1, the same bits everywhere. */
double mcbe_unit_root(double v, int n);

#endif
