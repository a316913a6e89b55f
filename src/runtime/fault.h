#ifndef MCBE_FAULT_H
#define MCBE_FAULT_H

#include <stdint.h>

#include "mcbe/status.h"

/* Faults on demand, for tests of what a run does when one rank fails. Compiled in with MCBE_FAULTS
 * only; the environment variable MCBE_FAULT then says where: POINT@RANK or POINT@RANK:COUNT. POINT
 * is config, unit, reduce or write; RANK a number or `last`; the fault happens the COUNT-th time
 * (default 1) that this rank comes to that point. */
typedef struct mcbe_fault_plan {
    const char *point; /* static storage; NULL if no fault is planned for this rank */
    int64_t passes;    /* times this point is still passed unharmed */
    int rank;
} mcbe_fault_plan_t;

#ifdef MCBE_FAULTS

/** Read MCBE_FAULT. Not collective.
 *  @param[out] plan  set in any case, without a fault on error
 *  @return MCBE_OK; MCBE_ERR_USAGE if MCBE_FAULT is not of the form above */
MCBE_NODISCARD mcbe_status_t mcbe_fault_init(mcbe_fault_plan_t *plan, int rank, int size,
                                             mcbe_error_t *err);

/** Come to a point. Not collective. @return MCBE_OK; MCBE_ERR_INTERNAL if the fault happens here */
MCBE_NODISCARD mcbe_status_t mcbe_fault_check(mcbe_fault_plan_t *plan, const char *point,
                                              mcbe_error_t *err);

#else

MCBE_NODISCARD static inline mcbe_status_t mcbe_fault_init(mcbe_fault_plan_t *plan, int rank,
                                                           int size, mcbe_error_t *err)
{
    (void)size;
    (void)err;
    *plan = (mcbe_fault_plan_t){.rank = rank};
    return MCBE_OK;
}

MCBE_NODISCARD static inline mcbe_status_t mcbe_fault_check(mcbe_fault_plan_t *plan,
                                                            const char *point, mcbe_error_t *err)
{
    (void)plan;
    (void)point;
    (void)err;
    return MCBE_OK;
}

#endif
#endif
