#include "beta.h"

#include <boost/math/special_functions/beta.hpp>

namespace
{
namespace policies = boost::math::policies;

// No exceptions, which C callers could not catch, and double throughout: extended precision is not
// the same on every machine. The library's own inverse throws all the same in some releases (1.74:
// ibetac_inv(2, 1e17 - 1, 0.5)), so only forward functions are used.
using quiet = policies::policy<
    policies::domain_error<policies::ignore_error>, policies::pole_error<policies::ignore_error>,
    policies::overflow_error<policies::ignore_error>,
    policies::evaluation_error<policies::ignore_error>, policies::promote_double<false>>;
} // namespace

double mcbe_beta_tail(double a, double b, double x)
{
    return boost::math::ibetac(a, b, x, quiet());
}

double mcbe_beta_elasticity(double a, double b, double x)
{
    return x * boost::math::ibeta_derivative(a, b, x, quiet()) /
           boost::math::ibeta(a, b, x, quiet());
}
