#include "result.h"

#include <string.h>

#include "check.h"

mcbe_status_t mcbe_result_open(mcbe_result_t *result, const char *path, mcbe_error_t *err)
{
    int count;
    mcbe_status_t st;
    mcbe_error_t reason = {0};
    memset(result, 0, sizeof *result);
    const mcbe_experiment_t *const *experiments = mcbe_experiments(&count);
    MCBE_TRY(mcbe_store_peek(path, &result->info, err));
    st = mcbe_session_reopen(&result->session, experiments, count, path, result->info.config_text,
                             &reason);
    if (st != MCBE_OK) {
        /* a file is at fault here, not the user's configuration */
        st = mcbe_fail(err, st == MCBE_ERR_NOMEM ? st : MCBE_ERR_CORRUPT,
                       "'%s' holds a configuration that cannot be opened again:\n%s", path,
                       reason.text);
        goto out;
    }
    MCBE_TRY(mcbe_store_create(&result->store, result->info.experiment, result->info.seed,
                               &result->session.plan, &result->session.layout,
                               result->info.config_text, result->info.config_resolved));
    MCBE_TRY(mcbe_store_restrict(result->store, result->info.shard));
    MCBE_TRY(mcbe_store_read(result->store, path, err));
out:
    if (st != MCBE_OK) {
        mcbe_result_close(result);
    }
    return st;
}

void mcbe_result_close(mcbe_result_t *result)
{
    mcbe_store_destroy(&result->store);
    mcbe_session_close(&result->session);
    mcbe_store_info_free(&result->info);
    memset(result, 0, sizeof *result);
}
