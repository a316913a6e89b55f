#ifndef MCBE_SEARCHING_H
#define MCBE_SEARCHING_H

/* The guided phase of one unit, shared by the ranks of a team: certificates against biases, and
 * lower entries of alpha*. */

#include "experiment.h"
#include "mcbe/certificate.h"
#include "mcbe/sample.h"

typedef struct mcbe_searching {
    mcbe_domain_t domain;
    mcbe_design_t design; /* of the sampling phase, whose points are where search begins */
    int64_t evaluations;  /* budget to refute one bias; whole batches, at least one. 0: no search */
    int64_t lower_evaluations; /* budget to lower alpha*, all rows together; 0: none */
} mcbe_searching_t;

/** Search. Collective over team->comm. Batches and rows are dealt to the ranks and their finds
 *  visited in the order of their ids, so the result does not depend on the size of the team.
 *  @param[in]     biases  [certificates->count][m], in the units of W
 *  @param[in,out] state   as mcbe_sampling_run leaves it; alpha, witness, min_active and its sample are
 *                         lowered, the counts stay those of the sampling phase
 *  @param[out]    points  the directions that are witnesses, or the sample of min_active, and were
 *                         found here; initialised by the caller with n
 *  @param[out]    evaluations  points evaluated
 *  @return MCBE_OK; MCBE_STOPPED, agreed, if the unit is to be given up; MCBE_ERR_NOMEM; MCBE_ERR_INTERNAL. Not
 *         agreed: the caller ends the run. */
MCBE_NODISCARD mcbe_status_t mcbe_searching_run(
    const mcbe_searching_t *searching, const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
    const mcbe_team_t *team, const double *biases, mcbe_bias_state_t *state, mcbe_points_t *points,
    mcbe_certificates_t *certificates, int64_t *evaluations);

#endif
