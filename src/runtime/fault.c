#include "fault.h"

#ifdef MCBE_FAULTS

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static const char *const points[] = {"config", "unit", "reduce", "write"};

/* The table's own text of a point's name, or NULL. */
static const char *find_point(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        if (strlen(points[i]) == length && strncmp(points[i], name, length) == 0) {
            return points[i];
        }
    }
    return NULL;
}

/* A whole number from min to max. @param[out] end  first character after it
 * @return 0 if there is none */
static int parse_number(const char *text, long long min, long long max, long long *value,
                        const char **end)
{
    char *after = NULL;
    errno = 0;
    *value = strtoll(text, &after, 10);
    *end = after;
    return after != text && errno == 0 && *value >= min && *value <= max;
}

/* @return 0 unless `text` is POINT@RANK or POINT@RANK:COUNT */
static int parse_fault(const char *text, int size, const char **point, long long *rank,
                       long long *count)
{
    static const char last[] = "last";
    const size_t name_length = strcspn(text, "@");
    *point = find_point(text, name_length);
    if (!*point || text[name_length] != '@') {
        return 0;
    }
    const char *rest = text + name_length + 1;
    if (strncmp(rest, last, strlen(last)) == 0) {
        *rank = size - 1;
        rest += strlen(last);
    } else if (!parse_number(rest, 0, size - 1, rank, &rest)) {
        return 0;
    }
    *count = 1;
    if (*rest == ':' && !parse_number(rest + 1, 1, INT64_MAX, count, &rest)) {
        return 0;
    }
    return *rest == '\0';
}

mcbe_status_t mcbe_fault_init(mcbe_fault_plan_t *plan, int rank, int size, mcbe_error_t *err)
{
    *plan = (mcbe_fault_plan_t){.rank = rank};
    const char *text = getenv("MCBE_FAULT");
    if (!text) {
        return MCBE_OK;
    }
    const char *point = NULL;
    long long where = 0, count = 0;
    if (!parse_fault(text, size, &point, &where, &count)) {
        return mcbe_fail(err, MCBE_ERR_USAGE,
                         "environment variable MCBE_FAULT is '%s'; it must be POINT@RANK or "
                         "POINT@RANK:COUNT with POINT config, unit, reduce or write, RANK 0 to %d "
                         "or last, and COUNT 1 or more",
                         text, size - 1);
    }
    if (where == rank) {
        plan->point = point;
        plan->passes = count - 1;
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_fault_check(mcbe_fault_plan_t *plan, const char *point, mcbe_error_t *err)
{
    MCBE_BUG_ASSERT(find_point(point, strlen(point)));
    if (!plan->point || strcmp(plan->point, point) != 0 || plan->passes-- != 0) {
        return MCBE_OK;
    }
    return mcbe_fail(err, MCBE_ERR_INTERNAL, "injected fault at '%s' on rank %d", point,
                     plan->rank);
}

#endif
