#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "cli.h"
#include "estimate_request.h"
#include "estimate_summary.h"
#include "launch.h"
#include "memory.h"
#include "stop_signals.h"

/* A folder for a result file that nobody wants to keep. */
typedef struct scratch {
    char *folder; /* owned; NULL for none */
    char *output; /* owned */
} scratch_t;

static mcbe_status_t scratch_make(scratch_t *scratch, mcbe_error_t *err)
{
    static const char name[] = "/mcbe-estimate-XXXXXX", file[] = "/estimate.h5";
    const char *parent = getenv("TMPDIR");
    parent = parent && *parent ? parent : "/tmp";
    scratch->folder = mcbe_alloc(strlen(parent) + sizeof name, 1);
    scratch->output = mcbe_alloc(strlen(parent) + sizeof name + sizeof file, 1);
    if (!scratch->folder || !scratch->output) {
        return MCBE_ERR_NOMEM;
    }
    sprintf(scratch->folder, "%s%s", parent, name);
    if (!mkdtemp(scratch->folder)) {
        mcbe_free(scratch->folder);
        scratch->folder = NULL;
        return mcbe_fail(err, MCBE_ERR_IO,
                         "cannot make a folder in '%s' (TMPDIR) for the result: %s", parent,
                         strerror(errno));
    }
    sprintf(scratch->output, "%s%s", scratch->folder, file);
    return MCBE_OK;
}

static void scratch_remove(scratch_t *scratch)
{
    DIR *folder = scratch->folder ? opendir(scratch->folder) : NULL;
    const struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            unlinkat(dirfd(folder), entry->d_name, 0);
        }
    }
    if (folder) {
        closedir(folder);
        rmdir(scratch->folder);
    }
    mcbe_free(scratch->output);
    mcbe_free(scratch->folder);
}

mcbe_status_t mcbe_cmd_estimate(int argc, char **argv, mcbe_error_t *err)
{
    mcbe_estimate_request_t request = {
        .options = {
            .signal_seen = mcbe_stop_signal_seen, .log = stderr, .argc = argc, .argv = argv}};
    scratch_t scratch = {0};
    mcbe_launch_t launch;
    mcbe_status_t st;
    int count;
    const mcbe_experiment_t *const *experiments = mcbe_experiments(&count);
    mcbe_launch_begin(&launch);
    MCBE_TRY(mcbe_launch_check(&launch, err));
    MCBE_TRY(mcbe_launch_agree(mcbe_estimate_request_read(&request, argc, argv, err)));
    const int kept = request.options.output != NULL;
    if (!kept && launch.rank == 0) {
        st = scratch_make(&scratch, err);
        request.options.output = scratch.output;
    }
    MCBE_TRY(mcbe_launch_agree(st));
    st = mcbe_run(MPI_COMM_WORLD, experiments, count, &request.options, err);
    if (st == MCBE_STOPPED && !kept) {
        mcbe_error_clear(err);
        st = mcbe_fail(
            err, MCBE_STOPPED,
            "mcbe estimate: stopped before it was complete; with -o FILE the same command "
            "would go on");
    }
    if (st == MCBE_OK && launch.rank == 0) {
        st = mcbe_estimate_summary(request.options.output, kept, request.json, err);
    } else {
        mcbe_estimate_request_name_flags(&request, err);
    }
out:
    scratch_remove(&scratch);
    mcbe_estimate_request_free(&request);
    return mcbe_launch_end(&launch, st, err);
}
