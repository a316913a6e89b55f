#include "lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "file.h"
#include "memory.h"

#define HOST_MAX 256
/* Times a lock file may vanish or be abandoned under our hands before we give up. */
#define ATTEMPTS 100

struct mcbe_lock {
    char *path; /* owned */
    int fd;
};

/* Who holds a lock, as its file says. */
typedef struct holder {
    char host[HOST_MAX];
    long pid; /* 0 if the file does not say */
    char job[64];
    char started[32];
    char boot[64]; /* empty if the file does not say */
} holder_t;

static void host_name(char host[HOST_MAX])
{
    if (gethostname(host, HOST_MAX) != 0 || host[0] == '\0') {
        snprintf(host, HOST_MAX, "unknown");
    }
    host[HOST_MAX - 1] = '\0';
}

/* A name for the time since this machine was started: process ids of before mean nothing. "-" if the
 * system has none. */
static void boot_name(char boot[64])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!file || fscanf(file, "%63s", boot) != 1) {
        snprintf(boot, 64, "-");
    }
    if (file) {
        fclose(file);
    }
}

static holder_t read_holder(int fd)
{
    char text[512] = {0};
    holder_t holder = {0};
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    if (got <= 0 || sscanf(text, "host=%255s pid=%ld job=%63s started=%31s boot=%63s", holder.host,
                           &holder.pid, holder.job, holder.started, holder.boot) < 4) {
        holder = (holder_t){0};
    }
    return holder;
}

static int write_holder(int fd)
{
    char host[HOST_MAX], boot[64], now[21], text[512];
    const char *job = getenv("SLURM_JOB_ID");
    host_name(host);
    boot_name(boot);
    mcbe_clock_utc(now);
    int length = snprintf(text, sizeof text, "host=%s pid=%ld job=%.63s started=%s boot=%s\n", host,
                          (long)getpid(), job && *job ? job : "-", now, boot);
    if (ftruncate(fd, 0) != 0) {
        return errno;
    }
    return mcbe_file_write(fd, text, (size_t)length, 0);
}

/* @param[in] advice  what to do about it  @return MCBE_ERR_LOCKED */
static mcbe_status_t refuse(mcbe_error_t *err, const char *output, const holder_t *holder,
                            const char *advice)
{
    if (holder->pid == 0) {
        return mcbe_fail(err, MCBE_ERR_LOCKED, "'%s' is being written by another run; %s", output,
                         advice);
    }
    int is_job = strcmp(holder->job, "-") != 0;
    return mcbe_fail(err, MCBE_ERR_LOCKED,
                     "'%s' is being written by process %ld on host %s%s%s%s since %s; %s", output,
                     holder->pid, holder->host, is_job ? " (SLURM job " : "",
                     is_job ? holder->job : "", is_job ? ")" : "", holder->started, advice);
}

/* Is an open file still the one its path names? */
static int is_at(int fd, const char *path)
{
    struct stat ours, named;
    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_dev == named.st_dev &&
           ours.st_ino == named.st_ino;
}

/* Of another host nothing can be said. */
static int is_dead(const holder_t *holder)
{
    char host[HOST_MAX], boot[64];
    host_name(host);
    boot_name(boot);
    if (holder->pid <= 0 || strcmp(holder->host, host) != 0) {
        return 0;
    }
    const int boots_known = boot[0] != '-' && holder->boot[0] != '\0' && holder->boot[0] != '-';
    if (boots_known && strcmp(holder->boot, boot) != 0) {
        return 1;
    }
    return kill((pid_t)holder->pid, 0) != 0 && errno == ESRCH;
}

/* Take the file of a dead run away. What is taken away is looked at again: another start may have
 * done the same, and put its own in the place. */
static mcbe_status_t clear(const char *path)
{
    char suffix[32];
    snprintf(suffix, sizeof suffix, ".stale.%ld", (long)getpid());
    char *aside = mcbe_file_suffixed(path, suffix);
    if (!aside) {
        return MCBE_ERR_NOMEM;
    }
    if (mcbe_file_rename(path, aside) == 0) {
        const int fd = open(aside, O_RDONLY | O_CLOEXEC);
        const holder_t holder = fd < 0 ? (holder_t){0} : read_holder(fd);
        if (fd >= 0) {
            close(fd);
        }
        if (is_dead(&holder)) {
            unlink(aside);
        } else {
            rename(aside, path);
        }
    }
    mcbe_free(aside);
    return MCBE_OK;
}

/* No flock() here: whoever made the file holds the lock. @return as try_lock */
static mcbe_status_t try_without_flock(int made_it, int file, const char *path, const char *output,
                                       int *fd, mcbe_error_t *err)
{
    if (made_it) {
        *fd = file;
        return MCBE_OK;
    }
    holder_t holder = read_holder(file);
    if (is_dead(&holder)) {
        return clear(path);
    }
    char advice[1024];
    snprintf(advice, sizeof advice,
             "wait for it or choose another output; if that run is gone, remove '%.900s'", path);
    return refuse(err, output, &holder, advice);
}

/* Try once.
 * @param[out] fd  of the lock file if it is held now, else -1
 * @return MCBE_OK, also if the lock file vanished under our hands and another try is due */
static mcbe_status_t try_lock(const char *path, const char *output, int *fd, mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    int made_it = 0, problem = 0;
    *fd = -1;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0 && errno == ENOENT) {
        file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0 && errno == EEXIST) {
            return MCBE_OK;
        }
        made_it = 1;
    }
    if (file < 0) {
        return mcbe_fail(err, MCBE_ERR_IO, "cannot open the lock file '%s': %s", path,
                         strerror(errno));
    }
    do {
        problem = flock(file, LOCK_EX | LOCK_NB) != 0 ? errno : 0;
    } while (problem == EINTR);
    if (problem == 0) {
        /* a holder that ended just now has removed the file we opened: it would guard nothing */
        *fd = is_at(file, path) ? file : -1;
    } else if (problem == EWOULDBLOCK) {
        holder_t holder = read_holder(file);
        st = refuse(err, output, &holder, "wait for it or choose another output");
    } else if (problem == ENOLCK || problem == EOPNOTSUPP || problem == ENOSYS) {
        st = try_without_flock(made_it, file, path, output, fd, err);
    } else {
        st = mcbe_fail(err, MCBE_ERR_IO, "cannot lock '%s': %s", path, strerror(problem));
    }
    if (*fd < 0) {
        close(file);
    }
    return st;
}

mcbe_status_t mcbe_lock_take(mcbe_lock_t **lock, const char *path, const char *output_name,
                             mcbe_error_t *err)
{
    mcbe_status_t st = MCBE_OK;
    int problem = 0;
    *lock = NULL;
    mcbe_lock_t *taken = mcbe_alloc(1, sizeof *taken);
    if (taken) {
        taken->fd = -1;
        taken->path = mcbe_strdup(path);
    }
    if (!taken || !taken->path) {
        st = mcbe_fail(err, MCBE_ERR_NOMEM, "no memory for the lock of '%s'", output_name);
        goto out;
    }
    for (int k = 0; k < ATTEMPTS && taken->fd < 0; k++) {
        MCBE_TRY(try_lock(path, output_name, &taken->fd, err));
    }
    if (taken->fd < 0) {
        st = mcbe_fail(err, MCBE_ERR_LOCKED, "'%s' is wanted by several runs at once; start one",
                       output_name);
        goto out;
    }
    problem = write_holder(taken->fd);
    if (problem) {
        st = mcbe_fail(err, MCBE_ERR_IO, "cannot write the lock file '%s': %s", path,
                       strerror(problem));
        goto out;
    }
    *lock = taken;
    taken = NULL;
out:
    mcbe_lock_release(&taken);
    return st;
}

void mcbe_lock_release(mcbe_lock_t **lock)
{
    if (!*lock) {
        return;
    }
    if ((*lock)->fd >= 0) {
        /* while we hold it: whoever opened the file before finds it gone and tries again */
        if (is_at((*lock)->fd, (*lock)->path)) {
            unlink((*lock)->path);
        }
        close((*lock)->fd);
    }
    mcbe_free((*lock)->path);
    mcbe_free(*lock);
    *lock = NULL;
}
