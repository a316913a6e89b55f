#include "dataset_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "memory.h"

/* --- features --- */

static mcbe_status_t find_feature(const mcbe_dataset_t *data, const char *feature, int *index,
                                  mcbe_error_t *err)
{
    char *end;
    const long number = strtol(feature, &end, 10);
    if (feature[0] >= '0' && feature[0] <= '9' && *end == '\0') {
        if (number < data->n) {
            *index = (int)number;
            return MCBE_OK;
        }
    } else {
        for (int k = 0; k < data->n && data->column_names; k++) {
            if (!strcmp(data->column_names[k], feature)) {
                *index = k;
                return MCBE_OK;
            }
        }
    }
    return mcbe_fail(err, MCBE_ERR_ARGUMENT, "there is no feature '%.40s'; there are 0 to %d%s",
                     feature, data->n - 1, data->column_names ? ", or their names" : "");
}

static mcbe_status_t find_features(const mcbe_dataset_t *data, const char *const *features,
                                   int count, int *index, mcbe_error_t *err)
{
    for (int i = 0; i < count; i++) {
        const mcbe_status_t st = find_feature(data, features[i], index + i, err);
        if (st != MCBE_OK) {
            return st;
        }
        for (int before = 0; before < i; before++) {
            if (index[before] == index[i]) {
                return mcbe_fail(err, MCBE_ERR_ARGUMENT, "feature '%.40s' is given twice",
                                 features[i]);
            }
        }
    }
    return MCBE_OK;
}

static void select_names(mcbe_dataset_t *data, const int *index, int count, char **names)
{
    for (int i = 0; i < count; i++) {
        names[i] = data->column_names[index[i]];
        data->column_names[index[i]] = NULL;
    }
    mcbe_data_free_names(data->column_names, data->n);
    data->column_names = names;
}

mcbe_status_t mcbe_dataset_select(mcbe_dataset_t *data, const char *const *features, int count,
                                  mcbe_error_t *err)
{
    int *index = NULL;
    float *point = NULL;
    char **names = NULL;
    mcbe_status_t st = MCBE_ERR_NOMEM;
    if (count < 1 || count > data->n) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT, "%d features of %d cannot be chosen", count,
                         data->n);
    }
    index = mcbe_alloc((size_t)count, sizeof *index);
    point = mcbe_alloc((size_t)count, sizeof *point);
    names = mcbe_alloc((size_t)count, sizeof *names);
    if (!index || !point || !names) {
        goto out;
    }
    MCBE_TRY(find_features(data, features, count, index, err));
    for (int64_t i = 0; i < data->count; i++) {
        /* what is written lies at or before what has been read */
        for (int k = 0; k < count; k++) {
            point[k] = data->x[i * data->n + index[k]];
        }
        memcpy(data->x + i * count, point, (size_t)count * sizeof *point);
    }
    if (data->column_names) {
        select_names(data, index, count, names);
        names = NULL;
    }
    data->n = count;
out:
    mcbe_free(names);
    mcbe_free(point);
    mcbe_free(index);
    return st;
}

/* --- training and test --- */

static mcbe_status_t copy_names(char *const *names, int count, char ***copy)
{
    if (!names) {
        return MCBE_OK;
    }
    *copy = mcbe_alloc((size_t)count, sizeof **copy);
    for (int i = 0; *copy && i < count; i++) {
        (*copy)[i] = mcbe_strdup(names[i]);
        if (!(*copy)[i]) {
            return MCBE_ERR_NOMEM; /* whoever owns the copy frees it */
        }
    }
    return *copy ? MCBE_OK : MCBE_ERR_NOMEM;
}

/* Room for points of the kind of `data`. */
static mcbe_status_t make_alike(mcbe_dataset_t *test, const mcbe_dataset_t *data, int64_t count,
                                mcbe_error_t *err)
{
    mcbe_status_t st;
    MCBE_TRY(mcbe_dataset_create(test, count, data->n, err));
    test->classes = data->classes;
    MCBE_TRY(copy_names(data->class_names, data->classes, &test->class_names));
    MCBE_TRY(copy_names(data->column_names, data->n, &test->column_names));
    if (data->label) {
        test->label = mcbe_alloc((size_t)count, sizeof *test->label);
        st = test->label ? MCBE_OK : MCBE_ERR_NOMEM;
    }
out:
    return st;
}

/* The first `chosen` of a shuffle (Fisher and Yates) get a mark. */
static mcbe_status_t mark(unsigned char *marks, int64_t count, int64_t chosen,
                          const mcbe_stream_key_t *key, int n)
{
    const mcbe_stream_key_t stream = {
        .seed = key->seed, .n = n, .m = count, .trial = key->trial, .purpose = MCBE_PURPOSE_SPLIT};
    mcbe_rng_t rng;
    int64_t *order = mcbe_alloc((size_t)count, sizeof *order);
    if (!order) {
        return MCBE_ERR_NOMEM;
    }
    for (int64_t i = 0; i < count; i++) {
        order[i] = i;
    }
    mcbe_rng_init(&rng, &stream);
    for (int64_t i = 0; i < chosen; i++) {
        const int64_t other = i + (int64_t)mcbe_rng_below(&rng, (uint64_t)(count - i));
        const int64_t taken = order[other];
        order[other] = order[i];
        marks[taken] = 1;
    }
    mcbe_free(order);
    return MCBE_OK;
}

static void move_point(const mcbe_dataset_t *from, int64_t i, mcbe_dataset_t *to, int64_t place)
{
    const size_t n = (size_t)from->n;
    if (from->x + (size_t)i * n != to->x + (size_t)place * n) {
        memcpy(to->x + (size_t)place * n, from->x + (size_t)i * n, n * sizeof *to->x);
    }
    if (from->label) {
        to->label[place] = from->label[i];
    }
}

mcbe_status_t mcbe_dataset_split(mcbe_dataset_t *data, mcbe_dataset_t *test, double share,
                                 const mcbe_stream_key_t *key, mcbe_error_t *err)
{
    unsigned char *marks = NULL;
    mcbe_status_t st;
    memset(test, 0, sizeof *test);
    if (!(share > 0 && share < 1)) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT, "a share of %g is not between 0 and 1", share);
    }
    const int64_t chosen = (int64_t)ceil(share * (double)data->count);
    if (chosen >= data->count) {
        return mcbe_fail(err, MCBE_ERR_ARGUMENT,
                         "a share of %g leaves none of the %lld points for training", share,
                         (long long)data->count);
    }
    marks = mcbe_alloc((size_t)data->count, 1);
    if (!marks) {
        return MCBE_ERR_NOMEM;
    }
    MCBE_TRY(make_alike(test, data, chosen, err));
    MCBE_TRY(mark(marks, data->count, chosen, key, data->n));
    int64_t kept = 0;
    int64_t taken = 0;
    for (int64_t i = 0; i < data->count; i++) {
        if (marks[i]) {
            move_point(data, i, test, taken++);
        } else {
            move_point(data, i, data, kept++);
        }
    }
    data->count = kept;
out:
    mcbe_free(marks);
    if (st != MCBE_OK) {
        mcbe_dataset_free(test);
    }
    return st;
}
