#include "provenance.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "h5.h"
#include "mcbe/cpu.h"
#include "mcbe/version.h"
#include "mcbe_build_info.h"
#include "mcbe_git_version.h"
#include "memory.h"

extern char **environ; /* POSIX has no header declare it */

static mcbe_fact_t *find(const mcbe_provenance_t *provenance, const char *name)
{
    for (size_t k = 0; k < provenance->count; k++) {
        if (strcmp(provenance->facts[k].name, name) == 0) {
            return &provenance->facts[k];
        }
    }
    return NULL;
}

/* Add a fact whose value is taken over; NULL (memory was out) is passed on as such. */
static mcbe_status_t add_owned(mcbe_provenance_t *provenance, const char *name, char *value)
{
    mcbe_status_t st = MCBE_ERR_NOMEM;
    void *facts = provenance->facts;
    char *copy = NULL;
    mcbe_fact_t *old = find(provenance, name);
    if (!value) {
        goto out;
    }
    if (old) {
        mcbe_free(old->value);
        old->value = value;
        return MCBE_OK;
    }
    MCBE_TRY(
        mcbe_grow(&facts, &provenance->capacity, provenance->count + 1, sizeof *provenance->facts));
    provenance->facts = facts;
    copy = mcbe_strdup(name);
    if (!copy) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    provenance->facts[provenance->count++] = (mcbe_fact_t){.name = copy, .value = value};
    return MCBE_OK;
out:
    mcbe_free(value);
    return st;
}

mcbe_status_t mcbe_provenance_add(mcbe_provenance_t *provenance, const char *name,
                                  const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    MCBE_BUG_ASSERT(length >= 0);
    char *value = mcbe_alloc((size_t)length + 1, 1);
    if (value) {
        vsnprintf(value, (size_t)length + 1, format, again);
    }
    va_end(again);
    return add_owned(provenance, name, value);
}

const char *mcbe_provenance_get(const mcbe_provenance_t *provenance, const char *name)
{
    const mcbe_fact_t *fact = find(provenance, name);
    return fact ? fact->value : NULL;
}

/* Append a word as a shell would take it back. @return the end of what was written */
static char *quote(char *at, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=./:,@%";
    size_t length = strlen(word);
    if (length > 0 && strspn(word, plain) == length) {
        memcpy(at, word, length);
        return at + length;
    }
    *at++ = '\'';
    for (; *word; word++) {
        if (*word == '\'') {
            memcpy(at, "'\\''", 4);
            at += 4;
        } else {
            *at++ = *word;
        }
    }
    *at++ = '\'';
    return at;
}

static mcbe_status_t add_command_line(mcbe_provenance_t *provenance, int argc, char *const *argv)
{
    size_t bytes = 1;
    for (int k = 0; k < argc; k++) {
        bytes += 4 * strlen(argv[k]) + 3; /* all quotes, and a pair around them, and a space */
    }
    char *line = mcbe_alloc(bytes, 1);
    if (!line) {
        return MCBE_ERR_NOMEM;
    }
    char *at = line;
    for (int k = 0; k < argc; k++) {
        if (k > 0) {
            *at++ = ' ';
        }
        at = quote(at, argv[k]);
    }
    return add_owned(provenance, "command_line", line);
}

static mcbe_status_t add_folder(mcbe_provenance_t *provenance)
{
    char folder[4096];
    return mcbe_provenance_add(provenance, "folder", "%s",
                               getcwd(folder, sizeof folder) ? folder : "unknown");
}

static mcbe_status_t add_system(mcbe_provenance_t *provenance)
{
    mcbe_status_t st = MCBE_OK;
    struct utsname system;
    if (uname(&system) >= 0) {
        MCBE_TRY(mcbe_provenance_add(provenance, "system", "%s %s %s", system.sysname,
                                     system.release, system.machine));
    }
#ifdef _CS_GNU_LIBC_VERSION
    char libc[64];
    if (confstr(_CS_GNU_LIBC_VERSION, libc, sizeof libc) > 0) {
        MCBE_TRY(mcbe_provenance_add(provenance, "libc", "%s", libc));
    }
#endif
    MCBE_TRY(mcbe_provenance_add(provenance, "cores", "%ld", sysconf(_SC_NPROCESSORS_ONLN)));
out:
    return st;
}

/* Linux tells the CPU's name only in this file, and not on every architecture. */
static mcbe_status_t add_cpu_model(mcbe_provenance_t *provenance)
{
    char line[256], model[256] = "unknown";
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "model name", 10) == 0 && sscanf(line, "%*[^:]: %255[^\n]", model) == 1) {
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return mcbe_provenance_add(provenance, "cpu_model", "%s", model);
}

static mcbe_status_t add_user(mcbe_provenance_t *provenance)
{
    mode_t mask = umask(0); /* there is no way to read it but to set it */
    umask(mask);
    const char *name = getenv("USER");
    mcbe_status_t st = mcbe_provenance_add(provenance, "user", "%s (uid %lu)", name ? name : "?",
                                           (unsigned long)geteuid());
    return st ? st : mcbe_provenance_add(provenance, "umask", "%03o", (unsigned)mask);
}

static int is_wanted_variable(const char *name, size_t length)
{
    static const char *const prefixes[] = {"SLURM_", "OMPI_MCA_", "OMPI_COMM_WORLD_SIZE",
                                           "OMP_",   "OPENBLAS_", "MCBE_"};
    static const char *const secrets[] = {"TOKEN", "KEY", "SECRET", "PASS", "CRED", "AUTH"};
    char copy[256];
    int wanted = 0;
    if (length >= sizeof copy) {
        return 0;
    }
    memcpy(copy, name, length);
    copy[length] = '\0';
    for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; k++) {
        wanted |= strncmp(copy, prefixes[k], strlen(prefixes[k])) == 0;
    }
    for (size_t k = 0; k < sizeof secrets / sizeof *secrets; k++) {
        wanted &= strstr(copy, secrets[k]) == NULL;
    }
    return wanted;
}

static mcbe_status_t add_environment(mcbe_provenance_t *provenance)
{
    mcbe_status_t st = MCBE_OK;
    for (char **entry = environ; entry && *entry; entry++) {
        size_t length = strcspn(*entry, "=");
        if ((*entry)[length] == '=' && is_wanted_variable(*entry, length)) {
            char name[256] = {0};
            memcpy(name, *entry, length);
            MCBE_TRY(mcbe_provenance_add(provenance, name, "%s", *entry + length + 1));
        }
    }
out:
    return st;
}

mcbe_status_t mcbe_provenance_collect(mcbe_provenance_t *provenance, int argc, char *const *argv)
{
    mcbe_status_t st = MCBE_OK;
    char hdf5[32];
    mcbe_h5_library(hdf5);
    MCBE_TRY(mcbe_provenance_add(provenance, "mcbe_version", "%s", MCBE_VERSION));
    MCBE_TRY(mcbe_provenance_add(provenance, "git_sha1", "%s", MCBE_GIT_SHA1));
    MCBE_TRY(mcbe_provenance_add(provenance, "git_dirty", "%d", MCBE_GIT_DIRTY));
    MCBE_TRY(mcbe_provenance_add(provenance, "build_type", "%s", MCBE_BUILD_TYPE));
    MCBE_TRY(mcbe_provenance_add(provenance, "compiler", "%s", MCBE_BUILD_COMPILER));
    MCBE_TRY(mcbe_provenance_add(provenance, "compiler_flags", "%s", MCBE_BUILD_FLAGS));
    MCBE_TRY(mcbe_provenance_add(provenance, "hdf5", "%s", hdf5));
    MCBE_TRY(mcbe_provenance_add(provenance, "blas", "%s", mcbe_blas_config()));
    MCBE_TRY(mcbe_provenance_add(provenance, "blas_core", "%s", mcbe_blas_core()));
    MCBE_TRY(add_system(provenance));
    MCBE_TRY(add_cpu_model(provenance));
    MCBE_TRY(mcbe_provenance_add(provenance, "cpu_path", "%s", mcbe_cpu_path()));
    MCBE_TRY(add_command_line(provenance, argc, argv));
    MCBE_TRY(add_folder(provenance));
    MCBE_TRY(add_user(provenance));
    MCBE_TRY(add_environment(provenance));
out:
    return st;
}

mcbe_status_t mcbe_provenance_add_segment(mcbe_provenance_t *provenance,
                                          const mcbe_segment_t *segment)
{
    void *segments = provenance->segments;
    mcbe_status_t st = mcbe_grow(&segments, &provenance->segment_capacity,
                                 provenance->segment_count + 1, sizeof *provenance->segments);
    if (st) {
        return st;
    }
    provenance->segments = segments;
    mcbe_segment_t *added = &provenance->segments[provenance->segment_count++];
    *added = *segment;
    /* from a file: do not trust it to end its strings */
    added->started_utc[sizeof added->started_utc - 1] = '\0';
    added->stopped_utc[sizeof added->stopped_utc - 1] = '\0';
    added->reason[sizeof added->reason - 1] = '\0';
    return MCBE_OK;
}

mcbe_status_t mcbe_provenance_start_segment(mcbe_provenance_t *provenance, int64_t ranks)
{
    for (size_t k = 0; k < provenance->segment_count; k++) {
        mcbe_segment_t *former = &provenance->segments[k];
        if (strcmp(former->reason, MCBE_SEGMENT_RUNNING) == 0) {
            snprintf(former->reason, sizeof former->reason, "%s", MCBE_SEGMENT_KILLED);
        }
    }
    mcbe_segment_t segment = {.ranks = ranks, .reason = MCBE_SEGMENT_RUNNING};
    mcbe_clock_utc(segment.started_utc);
    return mcbe_provenance_add_segment(provenance, &segment);
}

void mcbe_provenance_end_segment(mcbe_provenance_t *provenance, int64_t units, const char *reason)
{
    MCBE_BUG_ASSERT(provenance->segment_count > 0);
    mcbe_segment_t *segment = &provenance->segments[provenance->segment_count - 1];
    segment->units = units;
    memset(segment->reason, 0, sizeof segment->reason);
    snprintf(segment->reason, sizeof segment->reason, "%s", reason);
    if (strcmp(reason, MCBE_SEGMENT_RUNNING) != 0) {
        mcbe_clock_utc(segment->stopped_utc);
    }
}

void mcbe_provenance_free(mcbe_provenance_t *provenance)
{
    for (size_t k = 0; k < provenance->count; k++) {
        mcbe_free(provenance->facts[k].name);
        mcbe_free(provenance->facts[k].value);
    }
    mcbe_free(provenance->facts);
    mcbe_free(provenance->segments);
    *provenance = (mcbe_provenance_t){0};
}
