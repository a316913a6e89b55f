#ifndef MCBE_FILE_H
#define MCBE_FILE_H

#include <stddef.h>
#include <stdint.h>

/* What the journal and the result file share in making bytes durable. */

/** PATH followed by a suffix, to be freed with mcbe_free. @return NULL if memory is out */
char *mcbe_file_suffixed(const char *path, const char *suffix);

/** "PATH.tmp.PID", the name a file is built under before it is renamed to PATH; to be freed with
 *  mcbe_free. @return NULL if memory is out */
char *mcbe_file_temporary(const char *path);

/** Write all bytes at an offset, in one write unless the system splits it.
 *  @return 0, or the errno value of the failure (some of the bytes may then be in the file) */
int mcbe_file_write(int fd, const void *data, size_t bytes, int64_t offset);

/** Read all bytes at an offset. @return 0, or the errno value (EIO where the file ends early) */
int mcbe_file_read(int fd, void *data, size_t bytes, int64_t offset);

/** Rename, as sure as NFS allows: it repeats a request whose answer was lost and reports what the
 *  repetition met, and may call a folder stale once. @return 0 if the file is at `to`, or the errno
 *  value */
int mcbe_file_rename(const char *from, const char *to);

/** Are these two names of one file? */
int mcbe_file_same(const char *path, const char *other);

/** Make the folder entry of PATH durable. File systems that cannot do it for folders are taken to
 *  need none. @return 0, or the errno value */
int mcbe_file_sync_folder(const char *path);

/** Remove the "PATH.tmp.PID" that killed writers left behind. Only for the holder of the output's
 *  lock: it takes every such file for abandoned. */
void mcbe_file_remove_temporaries(const char *path);

#endif
