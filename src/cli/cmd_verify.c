#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "cli.h"
#include "memory.h"
#include "result.h"

/* The text of a file and its listing, which the fingerprint is of, say the same. Marks may differ: which
 * keys may change is up to the program. */
static mcbe_status_t check_listing(mcbe_result_t *result, const char *path, mcbe_error_t *err)
{
    const char *stored = result->info.config_resolved;
    const char *now = mcbe_config_resolved(result->session.config);
    mcbe_error_t differences = {0};
    if (mcbe_config_compare(stored, now, &differences) != MCBE_OK ||
        mcbe_config_asks_more(stored, now, &differences)) {
        return mcbe_fail(err, MCBE_ERR_CORRUPT, "'%s': /config's text and its listing differ:\n%s",
                         path, differences.text);
    }
    return MCBE_OK;
}

/* All units are looked at, so that one run names all that is wrong (up to the room for text). */
static mcbe_status_t verify_units(const mcbe_result_t *result, int64_t *verified, mcbe_error_t *err)
{
    const mcbe_session_t *session = &result->session;
    mcbe_status_t first = MCBE_OK;
    for (int64_t cell = 0; cell < session->plan.cell_count; cell++) {
        for (int64_t trial = 0; trial < session->plan.trials; trial++) {
            const mcbe_record_t *record = mcbe_store_get(result->store, cell, trial);
            if (!record) {
                continue;
            }
            mcbe_status_t st = session->experiment->verify(
                session->params, session->plan.cells + cell, trial, &session->layout, record, err);
            *verified += st == MCBE_OK;
            first = first == MCBE_OK ? st : first;
        }
    }
    return first;
}

mcbe_status_t mcbe_cmd_verify(int argc, char **argv, mcbe_error_t *err)
{
    static const struct option known[] = {{NULL, 0, NULL, 0}};
    mcbe_result_t result = {0};
    const char *path = NULL;
    int64_t verified = 0;
    mcbe_status_t st;
    int option = getopt_long(argc, argv, ":", known, NULL);
    if (option != -1) {
        return mcbe_cli_bad_option("verify", argc, argv, option, err);
    }
    MCBE_TRY(mcbe_cli_one_argument("verify", "the result file", argc, argv, &path, err));
    MCBE_TRY(mcbe_result_open(&result, path, err));
    MCBE_TRY(mcbe_store_check(result.store, path, err));
    MCBE_TRY(check_listing(&result, path, err));
    MCBE_TRY(verify_units(&result, &verified, err));
    printf(
        "%s: good; %lld of %lld units, every checksum, the fingerprint, and each unit's evidence "
        "recomputed%s\n",
        path, (long long)verified, (long long)result.info.units,
        result.info.complete ? "" : " (the run is not complete)");
out:
    mcbe_result_close(&result);
    return st;
}
