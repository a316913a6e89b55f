/* Configurations, by the tables of every experiment. Behind a NUL byte stand overrides, one behind
 * each. Files that they name are not opened. */

#include "config.h"
#include "fuzz.h"
#include "session.h"

enum { OVERRIDES_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *overrides[OVERRIDES_MAX];
    int experiment_count, count = 0;
    const mcbe_experiment_t *const *experiments = mcbe_experiments(&experiment_count);
    mcbe_config_t *config = NULL;
    mcbe_error_t err = {0};
    char *text = mcbe_alloc(size + 1, 1);
    mcbe_key_table_t *tables = mcbe_session_tables(experiments, experiment_count);
    MCBE_BUG_ASSERT(text && tables);
    if (size > 0) {
        memcpy(text, data, size);
    }
    const size_t length = strlen(text);
    for (size_t at = length + 1; at < size && count < OVERRIDES_MAX; at += strlen(text + at) + 1) {
        overrides[count++] = text + at;
    }
    const mcbe_status_t st = mcbe_config_parse(&config, "fuzz", text, length, overrides, count,
                                               tables, experiment_count, &err);
    fuzz_check_error(st, &err, 1000);
    MCBE_BUG_ASSERT((st == MCBE_OK) == (config != NULL));
    if (config) {
        char hex[65];
        mcbe_config_fingerprint(mcbe_config_resolved(config), hex);
        MCBE_BUG_ASSERT(mcbe_config_compare(mcbe_config_resolved(config),
                                            mcbe_config_resolved(config), NULL) == MCBE_OK);
    }
    mcbe_config_destroy(&config);
    mcbe_free(tables);
    mcbe_free(text);
    MCBE_BUG_ASSERT(mcbe_alloc_balance() == 0);
    return 0;
}
