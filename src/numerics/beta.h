#ifndef MCBE_BETA_H
#define MCBE_BETA_H

/* The beta distribution by Boost.Math behind C functions, for a, b >= 1 up to 1e18. Implemented in
 * beta.cpp. */

#ifdef __cplusplus
extern "C" {
#endif

/** P(X > x) for X ~ Beta(a, b). */
double mcbe_beta_tail(double a, double b, double x);

/** d ln F / d ln x = x f(x) / F(x), F the distribution function and f its density; needs an F(x)
 *  that does not underflow. */
double mcbe_beta_elasticity(double a, double b, double x);

#ifdef __cplusplus
}
#endif
#endif
