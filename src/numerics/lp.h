#ifndef MCBE_LP_H
#define MCBE_LP_H

#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Linear programs by CLP: least cost . x with row_low <= M x <= row_high, low <= x <= high.
 * Infinite bounds are +-INFINITY. Answers are the solver's word, within its tolerances; whoever
 * needs more checks them. Implemented in lp.cpp, the only file that names CLP. */
typedef struct mcbe_lp mcbe_lp_t;

typedef struct mcbe_lp_problem {
    int rows, columns;
    const int *start; /* [columns + 1] into index and value */
    const int *index; /* row of each entry */
    const double *value;
    const double *low, *high;         /* [columns], or NULL for 0 and infinity */
    const double *cost;               /* [columns] */
    const double *row_low, *row_high; /* [rows] */
} mcbe_lp_problem_t;

typedef enum mcbe_lp_outcome {
    MCBE_LP_OPTIMAL,
    MCBE_LP_INFEASIBLE, /* no x at all */
    MCBE_LP_UNBOUNDED,  /* x of arbitrarily low cost */
    MCBE_LP_STOPPED     /* the solver came to no end */
} mcbe_lp_outcome_t;

/** Copy a problem into a solver. Not collective. Thread-safe.
 *  @param[out] lp  NULL on error; free with mcbe_lp_destroy
 *  @return MCBE_OK; MCBE_ERR_NOMEM; MCBE_ERR_INTERNAL */
MCBE_NODISCARD mcbe_status_t mcbe_lp_create(mcbe_lp_t **lp, const mcbe_lp_problem_t *problem);
void mcbe_lp_destroy(mcbe_lp_t **lp);

/** Other bounds for the rows. */
void mcbe_lp_set_rows(mcbe_lp_t *lp, const double *row_low, const double *row_high);

/** Solve, starting from the last basis: by the primal simplex algorithm, or the dual one.
 *  @return MCBE_OK; MCBE_ERR_NOMEM; MCBE_ERR_INTERNAL */
MCBE_NODISCARD mcbe_status_t mcbe_lp_solve_primal(mcbe_lp_t *lp, mcbe_lp_outcome_t *outcome);
MCBE_NODISCARD mcbe_status_t mcbe_lp_solve_dual(mcbe_lp_t *lp, mcbe_lp_outcome_t *outcome);

/** Of the last solution; the arrays are the solver's and change with the next one. */
const double *mcbe_lp_solution(const mcbe_lp_t *lp); /* [columns] */
const double *mcbe_lp_prices(const mcbe_lp_t *lp);   /* [rows] y; cost - M^T y are reduced costs */
double mcbe_lp_value(const mcbe_lp_t *lp);
int mcbe_lp_iterations(const mcbe_lp_t *lp); /* of the last solve */

#ifdef __cplusplus
}
#endif
#endif
