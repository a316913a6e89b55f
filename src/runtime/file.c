#include "file.h"

#include <stdio.h>
#include <string.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

char *mcbe_file_suffixed(const char *path, const char *suffix)
{
    size_t bytes = strlen(path) + strlen(suffix) + 1;
    char *name = mcbe_alloc(bytes, 1);
    if (name) {
        snprintf(name, bytes, "%s%s", path, suffix);
    }
    return name;
}

char *mcbe_file_temporary(const char *path)
{
    char suffix[32];
    snprintf(suffix, sizeof suffix, ".tmp.%ld", (long)getpid());
    return mcbe_file_suffixed(path, suffix);
}

int mcbe_file_write(int fd, const void *data, size_t bytes, int64_t offset)
{
    const char *next = data;
    while (bytes > 0) {
        ssize_t done = pwrite(fd, next, bytes, (off_t)offset);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return done < 0 ? errno : EIO;
        }
        next += done;
        bytes -= (size_t)done;
        offset += done;
    }
    return 0;
}

int mcbe_file_read(int fd, void *data, size_t bytes, int64_t offset)
{
    char *next = data;
    while (bytes > 0) {
        ssize_t done = pread(fd, next, bytes, (off_t)offset);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return done < 0 ? errno : EIO;
        }
        next += done;
        bytes -= (size_t)done;
        offset += done;
    }
    return 0;
}

/* The folder of a path, to be freed with mcbe_free; NULL if memory is out. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return mcbe_strdup(".");
    }
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    char *folder = mcbe_alloc(length + 1, 1);
    if (folder) {
        memcpy(folder, path, length);
    }
    return folder;
}

/* Times a rename is tried on a folder that is called stale. */
#define RENAMES 3

static int is_at(const struct stat *file, const char *path)
{
    struct stat named;
    return stat(path, &named) == 0 && named.st_dev == file->st_dev && named.st_ino == file->st_ino;
}

int mcbe_file_rename(const char *from, const char *to)
{
    struct stat file;
    if (stat(from, &file) != 0) {
        return errno;
    }
    int problem = 0;
    for (int attempt = 0; attempt < RENAMES; attempt++) {
        if (rename(from, to) == 0) {
            return 0;
        }
        problem = errno;
        if (problem == ENOENT && is_at(&file, to)) {
            return 0;
        }
        if (problem != ESTALE) {
            break;
        }
    }
    return problem;
}

int mcbe_file_same(const char *path, const char *other)
{
    struct stat file;
    return stat(path, &file) == 0 && is_at(&file, other);
}

int mcbe_file_sync_folder(const char *path)
{
    char *folder = folder_of(path);
    if (!folder) {
        return ENOMEM;
    }
    int problem = 0;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        problem = errno == EINVAL || errno == ENOTSUP ? 0 : errno;
    }
    if (fd >= 0) {
        close(fd);
    }
    mcbe_free(folder);
    return problem;
}

void mcbe_file_remove_temporaries(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char *prefix = mcbe_file_suffixed(base, ".tmp.");
    char *folder = folder_of(path);
    DIR *entries = prefix && folder ? opendir(folder) : NULL;
    if (entries) {
        size_t length = strlen(prefix);
        for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
            const char *name = entry->d_name;
            if (strncmp(name, prefix, length) == 0 && name[length] != '\0' &&
                name[length + strspn(name + length, "0123456789")] == '\0') {
                unlinkat(dirfd(entries), name, 0);
            }
        }
        closedir(entries);
    }
    mcbe_free(folder);
    mcbe_free(prefix);
}
