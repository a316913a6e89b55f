#include "shard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

int mcbe_shard_is_valid(int64_t index, int64_t count)
{
    return count >= 1 && count <= MCBE_SHARDS_MAX && index >= 0 && index < count;
}

const char *mcbe_shard_name(mcbe_shard_t shard, char text[48])
{
    if (shard.count > 1) {
        snprintf(text, 48, "shard %d of %d", shard.index, shard.count);
    } else {
        snprintf(text, 48, "the whole run");
    }
    return text;
}

/* A whole number without sign at *at, which moves behind it. @return is there one? */
static int take_number(const char **at, long *number)
{
    char *end = NULL;
    if (**at < '0' || **at > '9') {
        return 0;
    }
    errno = 0;
    *number = strtol(*at, &end, 10);
    *at = end;
    return errno == 0;
}

/* A variable of a job array. @param[in] fallback  if it is not set, or -1: it must be */
static mcbe_status_t array_variable(const char *name, long fallback, long *value, mcbe_error_t *err)
{
    const char *text = getenv(name);
    if (!text && fallback >= 0) {
        *value = fallback;
        return MCBE_OK;
    }
    if (!text) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "--shard auto: %s is not set, so this is no task of a SLURM job array; "
                         "say --shard i/N",
                         name);
    }
    const char *end = text;
    if (!take_number(&end, value) || *end) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "--shard auto: %s is '%s', not a whole number; say --shard i/N", name,
                         text);
    }
    return MCBE_OK;
}

static mcbe_status_t shard_of_array(mcbe_shard_t *shard, mcbe_error_t *err)
{
    long id, first, count, step, last;
    mcbe_status_t st = array_variable("SLURM_ARRAY_TASK_ID", -1, &id, err);
    if (st == MCBE_OK) {
        st = array_variable("SLURM_ARRAY_TASK_MIN", -1, &first, err);
    }
    if (st == MCBE_OK) {
        st = array_variable("SLURM_ARRAY_TASK_COUNT", -1, &count, err);
    }
    if (st == MCBE_OK) {
        st = array_variable("SLURM_ARRAY_TASK_STEP", 1, &step, err);
    }
    if (st == MCBE_OK) {
        st = array_variable("SLURM_ARRAY_TASK_MAX", id, &last, err);
    }
    if (st != MCBE_OK) {
        return st;
    }
    step = step > 0 ? step : 1;
    /* as SLURM writes it: --array=1,2,7 has the step 1, too, and says 3 tasks from 1 to 7 */
    const int gaps = getenv("SLURM_ARRAY_TASK_MAX") && (last - first) / step + 1 != count;
    const long index = (id - first) / step;
    if (gaps || id < first || (id - first) % step != 0 || !mcbe_shard_is_valid(index, count)) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "--shard auto: task %ld of an array of %ld from %ld in steps of %ld is no "
                         "regular array of at most %d tasks; say --shard i/N",
                         id, count, first, step, MCBE_SHARDS_MAX);
    }
    *shard = (mcbe_shard_t){.index = (int)index, .count = (int)count};
    return MCBE_OK;
}

mcbe_status_t mcbe_shard_parse(const char *text, mcbe_shard_t *shard, mcbe_error_t *err)
{
    long index = -1, count = -1;
    const char *at = text;
    if (strcmp(text, "auto") == 0) {
        return shard_of_array(shard, err);
    }
    if (!take_number(&at, &index) || *at++ != '/' || !take_number(&at, &count) || *at ||
        !mcbe_shard_is_valid(index, count)) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "--shard is '%s'; i/N with i from 0 to N - 1 and N up to %d, or auto in a "
                         "SLURM job array, is right",
                         text, MCBE_SHARDS_MAX);
    }
    *shard = (mcbe_shard_t){.index = (int)index, .count = (int)count};
    return MCBE_OK;
}

mcbe_status_t mcbe_shard_units(const mcbe_plan_t *plan, mcbe_shard_t shard, unsigned char **own,
                               int64_t *count)
{
    const int64_t units = mcbe_plan_units(plan);
    int *shard_of = NULL;
    *count = 0;
    *own = NULL;
    mcbe_status_t st = mcbe_plan_deal(plan, shard.count, &shard_of);
    unsigned char *marked = st == MCBE_OK ? mcbe_alloc((size_t)units, sizeof *marked) : NULL;
    for (int64_t u = 0; marked && u < units; u++) {
        marked[u] = shard_of[u] == shard.index;
        *count += marked[u];
    }
    mcbe_free(shard_of);
    *own = marked;
    return marked ? MCBE_OK : MCBE_ERR_NOMEM;
}

#define SHARD_KEY "shard"

char *mcbe_shard_listing(const char *resolved, mcbe_shard_t shard)
{
    char line[64] = "";
    const char *at = resolved;
    if (shard.count > 1) {
        snprintf(line, sizeof line, SHARD_KEY " = %d/%d\n", shard.index, shard.count);
    }
    /* lines are sorted by path, which may stand behind a mark */
    while (*at && strncmp(at + (strchr("~+*", *at) != NULL), SHARD_KEY, strlen(SHARD_KEY)) < 0) {
        const char *end = strchr(at, '\n');
        at = end ? end + 1 : at + strlen(at);
    }
    const size_t before = (size_t)(at - resolved), bytes = strlen(resolved) + strlen(line) + 1;
    char *listing = mcbe_alloc(bytes, 1);
    if (listing) {
        snprintf(listing, bytes, "%.*s%s%s", (int)before, resolved, line, at);
    }
    return listing;
}
