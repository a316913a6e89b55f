#include "lp.h"

#include <cmath>
#include <new>
#include <type_traits>

#include <coin/Clp_C_Interface.h>

#include "memory.h"

// CLP's C interface throws what its C++ classes throw; here it is caught.

struct mcbe_lp {
    Clp_Simplex *model;
};

static_assert(std::is_same<CoinBigIndex, int>::value, "starts are handed over as they are");

namespace
{
// Rows and columns are of norm about 1. The defaults, 1e-7, are looser than what is checked
// afterwards.
const double tolerance = 1e-9;

template <typename Function> mcbe_status_t guarded(Function function)
{
    try {
        return function();
    } catch (const std::bad_alloc &) {
        return MCBE_ERR_NOMEM;
    } catch (...) {
        return MCBE_ERR_INTERNAL;
    }
}

mcbe_lp_outcome_t outcome_of(Clp_Simplex *model)
{
    switch (Clp_status(model)) {
    case 0:
        return MCBE_LP_OPTIMAL;
    case 1:
        return MCBE_LP_INFEASIBLE;
    case 2:
        return MCBE_LP_UNBOUNDED;
    default:
        return MCBE_LP_STOPPED;
    }
}

// Clp_initialSolve would presolve, but it also takes over SIGINT.
template <typename Algorithm>
mcbe_status_t solve(mcbe_lp_t *lp, mcbe_lp_outcome_t *outcome, Algorithm algorithm)
{
    return guarded([=]() {
        algorithm(lp->model, 0);
        *outcome = outcome_of(lp->model);
        return MCBE_OK;
    });
}
} // namespace

mcbe_status_t mcbe_lp_create(mcbe_lp_t **lp, const mcbe_lp_problem_t *problem)
{
    *lp = static_cast<mcbe_lp_t *>(mcbe_alloc(1, sizeof **lp));
    if (!*lp) {
        return MCBE_ERR_NOMEM;
    }
    const mcbe_status_t st = guarded([=]() {
        Clp_Simplex *model = Clp_newModel();
        (*lp)->model = model;
        Clp_setLogLevel(model, 0);
        Clp_loadProblem(model, problem->columns, problem->rows, problem->start, problem->index,
                        problem->value, problem->low, problem->high, problem->cost,
                        problem->row_low, problem->row_high);
        Clp_setPrimalTolerance(model, tolerance);
        Clp_setDualTolerance(model, tolerance);
        return MCBE_OK;
    });
    if (st != MCBE_OK) {
        mcbe_lp_destroy(lp);
    }
    return st;
}

void mcbe_lp_destroy(mcbe_lp_t **lp)
{
    if (*lp) {
        if ((*lp)->model) {
            Clp_deleteModel((*lp)->model);
        }
        mcbe_free(*lp);
    }
    *lp = nullptr;
}

void mcbe_lp_set_rows(mcbe_lp_t *lp, const double *row_low, const double *row_high)
{
    Clp_chgRowLower(lp->model, row_low);
    Clp_chgRowUpper(lp->model, row_high);
}

mcbe_status_t mcbe_lp_solve_primal(mcbe_lp_t *lp, mcbe_lp_outcome_t *outcome)
{
    return solve(lp, outcome, Clp_primal);
}

mcbe_status_t mcbe_lp_solve_dual(mcbe_lp_t *lp, mcbe_lp_outcome_t *outcome)
{
    return solve(lp, outcome, Clp_dual);
}

const double *mcbe_lp_solution(const mcbe_lp_t *lp)
{
    return Clp_getColSolution(lp->model);
}

const double *mcbe_lp_prices(const mcbe_lp_t *lp)
{
    return Clp_getRowPrice(lp->model);
}

double mcbe_lp_value(const mcbe_lp_t *lp)
{
    return Clp_getObjValue(lp->model);
}

int mcbe_lp_iterations(const mcbe_lp_t *lp)
{
    return Clp_getIterationCount(lp->model);
}
