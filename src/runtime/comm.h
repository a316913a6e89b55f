#ifndef MCBE_COMM_H
#define MCBE_COMM_H

#include <mpi.h>
#include <stddef.h>
#include <stdint.h>

#include "mcbe/status.h"

/* The only module that calls MPI. Every call below that can fail on MPI's side aborts the whole run
 * with a sentence: an MPI error leaves nothing to agree on. */
typedef struct mcbe_comm mcbe_comm_t;

/** Duplicate a communicator, with errors returned to us. Collective. @return MCBE_OK; MCBE_ERR_MPI;
 *  MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_comm_create(mcbe_comm_t **comm, MPI_Comm parent);

/** Ranks of the same color (>= 0), ordered by rank. Collective over comm, which must outlive part.
 * @return MCBE_OK; MCBE_ERR_NOMEM, on every rank of comm */
MCBE_NODISCARD mcbe_status_t mcbe_comm_split(mcbe_comm_t **part, mcbe_comm_t *comm, int color);
/** Collective over the ranks of comm. Accepts NULL inside. */
void mcbe_comm_destroy(mcbe_comm_t **comm);

int mcbe_comm_rank(const mcbe_comm_t *comm);
int mcbe_comm_size(const mcbe_comm_t *comm);
/** Rank in the communicator that mcbe_comm_create was given. */
int mcbe_comm_world_rank(const mcbe_comm_t *comm);

/** Stop every rank of the run at once, with the exit code of status. Prints "mcbe: error: rank R:
 *  ..." to standard error first, one whole line for each line of the sentence, R being the world
 *  rank. Not collective; does not return.
 *  @param[in] sentence  NULL or empty for the status' own text */
_Noreturn void mcbe_comm_abort(mcbe_comm_t *comm, mcbe_status_t status, const char *sentence);

/** Agree on a status: all ranks get the failure of the lowest failing rank and its text (the
 *  status' own text if it recorded none). Collective.
 *  @param[in,out] err  unchanged if nobody failed; may be NULL on any rank
 *  @return the same status on every rank */
MCBE_NODISCARD mcbe_status_t mcbe_comm_agree(mcbe_comm_t *comm, mcbe_status_t status,
                                             mcbe_error_t *err);

/** Rank 0's bytes to all. Collective. Counts beyond INT_MAX are sent in pieces. */
void mcbe_comm_broadcast(mcbe_comm_t *comm, void *data, size_t bytes);

/** Elementwise minimum to all ranks, exact and independent of the order: -0.0 counts as 0.0, NaN is
 *  a bug. Collective. */
void mcbe_comm_min_f64(mcbe_comm_t *comm, double *values, size_t count);
void mcbe_comm_min_i64(mcbe_comm_t *comm, int64_t *values, size_t count);

/** Elementwise sum of integers to all ranks, exact; the caller rules overflow out. Collective. */
void mcbe_comm_sum_i64(mcbe_comm_t *comm, int64_t *values, size_t count);

/** Every rank's bytes, in rank order, to rank 0. Collective. Counts beyond INT_MAX are sent in
 *  pieces.
 *  @param[out] all    on rank 0 owned by the caller (mcbe_free); NULL elsewhere and on error
 *  @param[out] sizes  [size] bytes of each rank, on rank 0; may be NULL elsewhere
 *  @return MCBE_OK; MCBE_ERR_NOMEM, on every rank */
MCBE_NODISCARD mcbe_status_t mcbe_comm_gather(mcbe_comm_t *comm, const void *data, size_t bytes,
                                              void **all, size_t *sizes);

/* Point to point, for the work queue. Messages of one rank with one tag arrive in the order
 * sent. */

/** Largest tag of a message; every MPI library offers at least one more, which is ours. */
#define MCBE_COMM_TAG_MAX 32766

/** Send a message; may wait until it is received. Not collective. Counts beyond INT_MAX are sent in
 *  pieces.
 *  @param[in] tag   0 .. MCBE_COMM_TAG_MAX
 *  @param[in] data  NULL if bytes is 0 */
void mcbe_comm_send(mcbe_comm_t *comm, int to, int tag, const void *data, size_t bytes);
/** Wait for a message of any rank (from = -1) with any tag (tag = -1) and take it. Sleeps between
 *  looks, so that a waiting rank leaves its core to others; a message is seen within about 0.3 ms.
 *  @param[out] source, tag_seen  may be NULL
 *  @param[out] data  owned by the caller (mcbe_free); NULL if the message is empty */
void mcbe_comm_receive(mcbe_comm_t *comm, int from, int tag, int *source, int *tag_seen,
                       void **data, size_t *bytes);
/** Is there a message with this tag (-1: any), of any rank? Never waits. */
int mcbe_comm_waiting(mcbe_comm_t *comm, int tag);

/** "Open MPI v4.1.4 ..." as the loaded library says, its first line. @param[out] text  cut to
 *  size */
void mcbe_comm_library(char *text, size_t size);
/** Name of this host, as MPI reports it. */
void mcbe_comm_host(char *text, size_t size);

/** Test hook: the most bytes that one MPI call carries, at least 8, the same on every rank. */
void mcbe_comm_set_piece(mcbe_comm_t *comm, size_t bytes);

#endif
