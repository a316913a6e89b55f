#ifndef MCBE_SHARD_H
#define MCBE_SHARD_H

#include "plan.h"

#define MCBE_SHARDS_MAX 1000000

/* A part of a run that is a job of its own: number `index` of `count`, counted from 0. */
typedef struct mcbe_shard {
    int index, count;
} mcbe_shard_t;

/* All of a run. */
#define MCBE_SHARD_WHOLE ((mcbe_shard_t){.index = 0, .count = 1})

/** Read "i/N", or with "auto" the variables of a SLURM job array, whose lowest task takes shard 0.
 *  Not collective. Not thread-safe (reads the environment).
 *  @param[out] shard  untouched on error
 *  @return MCBE_OK; MCBE_ERR_USAGE with a sentence that begins with --shard */
MCBE_NODISCARD mcbe_status_t mcbe_shard_parse(const char *text, mcbe_shard_t *shard,
                                              mcbe_error_t *err);

/** Is it one? 0 <= index < count <= MCBE_SHARDS_MAX */
int mcbe_shard_is_valid(int64_t index, int64_t count);

/** "shard 2 of 8", or "the whole run". @param[out] text  returned, too */
const char *mcbe_shard_name(mcbe_shard_t shard, char text[48]);

/** Which units belong to a shard, see mcbe_plan_deal. Not collective. Thread-safe.
 *  @param[out] own    owned by the caller (mcbe_free), [units], 1 or 0; NULL on error
 *  @param[out] count  how many
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_shard_units(const mcbe_plan_t *plan, mcbe_shard_t shard,
                                              unsigned char **own, int64_t *count);

/** A configuration's resolved listing with a line `shard = i/N` in its place, so that what belongs to
 *  another shard differs like what belongs to another configuration. That of a whole run is unchanged.
 *  @return new (mcbe_free); NULL if memory is out */
char *mcbe_shard_listing(const char *resolved, mcbe_shard_t shard);

#endif
