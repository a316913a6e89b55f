#ifndef MCBE_SAMPLE_H
#define MCBE_SAMPLE_H

#include <stdint.h>

#include "mcbe/bias.h"
#include "mcbe/domain.h"
#include "mcbe/frame.h"
#include "mcbe/search.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Visited points, made again from their ids. An id names a drawn point (>= 0), the direction of a row
 * (below -1) or, from here on, a point that is stored beside the results: id - MCBE_STORED_POINT is
 * its number in the list. Points found by search cannot be drawn again from a number. */
#define MCBE_STORED_POINT (INT64_C(1) << 62)

/** Id of the point w_j / |w_j|; -1 means: no sample. */
int64_t mcbe_row_sample(int64_t row);

/* (a + b) * scale, with b = 0 for a point of the iid design and for the direction of a row. */
typedef struct mcbe_point {
    float *a, *b; /* owned, [n] */
    double scale;
} mcbe_point_t;

/** @return MCBE_OK; MCBE_ERR_NOMEM. Free with mcbe_point_free whatever the result. */
MCBE_NODISCARD mcbe_status_t mcbe_point_init(mcbe_point_t *point, int n);
void mcbe_point_free(mcbe_point_t *point);

/** The point of an id. Not collective. Thread-safe.
 *  @param[in]  key     seed, n, m and trial of the run
 *  @param[in]  points  stored points; NULL for none
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT for an id that names no point; MCBE_ERR_NOMEM
 *  Cost: a whole block is drawn again. */
MCBE_NODISCARD mcbe_status_t mcbe_sample_point(mcbe_design_t design, const mcbe_domain_t *domain,
                                               const mcbe_frame_t *frame,
                                               const mcbe_stream_key_t *key,
                                               const mcbe_points_t *points, int64_t sample,
                                               mcbe_point_t *point);

/** Coordinates of any number of points, rounded to fp64; each block is drawn once. Not collective.
 *  Thread-safe.
 *  @param[in]  samples  [count], in any order; -1, no sample, gives NaN
 *  @param[out] x        [count][n]; undefined on error
 *  @return as mcbe_sample_point */
MCBE_NODISCARD mcbe_status_t mcbe_sample_coordinates(mcbe_design_t design,
                                                     const mcbe_domain_t *domain,
                                                     const mcbe_frame_t *frame,
                                                     const mcbe_stream_key_t *key,
                                                     const mcbe_points_t *points, int64_t count,
                                                     const int64_t *samples, double *x);

#ifdef __cplusplus
}
#endif
#endif
