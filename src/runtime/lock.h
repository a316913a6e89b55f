#ifndef MCBE_LOCK_H
#define MCBE_LOCK_H

#include "mcbe/status.h"

/* Keeps two runs off one output. The lock is a file beside it, flock()ed for as long as the run
 * lives: the kernel lets go when the process ends in whatever way, so no lock outlives its holder.
 * Where the file system has no flock(), the file's existence is the lock, and its content tells
 * whether the holder is alive. Used on rank 0 only. */
typedef struct mcbe_lock mcbe_lock_t;

/** Take a lock. Never waits.
 *  @param[out] lock  held on success, NULL on error; release with mcbe_lock_release
 *  @param[in] path         the lock file, "OUT.h5.lock"
 *  @param[in] output_name  what it protects, for sentences
 *  @return MCBE_OK; MCBE_ERR_LOCKED with the holder named (process, host, job, since when);
 *         MCBE_ERR_IO; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_lock_take(mcbe_lock_t **lock, const char *path,
                                            const char *output_name, mcbe_error_t *err);

/** Give a lock back: its file goes. Accepts NULL inside. */
void mcbe_lock_release(mcbe_lock_t **lock);

#endif
