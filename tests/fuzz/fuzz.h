#ifndef MCBE_TEST_FUZZ_H
#define MCBE_TEST_FUZZ_H

/* What the fuzz targets share. Each is one function that libFuzzer feeds with bytes (preset fuzz), and
 * that replay.c feeds with the files of corpus/<target> (every build). A broken promise stops the
 * program. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mcbe/dataset.h"
#include "memory.h"
#include "npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A seekable stream of bytes. @param[out] copy  to be freed with free after the stream is closed */
static inline FILE *fuzz_open(const uint8_t *data, size_t size, void **copy)
{
    *copy = malloc(size + 1); /* a buffer of its own, so that a read beyond it is seen */
    MCBE_BUG_ASSERT(*copy);
    memcpy(*copy, data, size);
    FILE *in = size > 0 ? fmemopen(*copy, size, "rb") : fopen("/dev/null", "rb");
    MCBE_BUG_ASSERT(in);
    return in;
}

/* A failure has its sentences, one a line; success has none. */
static inline void fuzz_check_error(mcbe_status_t st, const mcbe_error_t *err, int sentences)
{
    MCBE_BUG_ASSERT((st == MCBE_OK) == (err->text[0] == '\0'));
    MCBE_BUG_ASSERT(st != MCBE_ERR_INTERNAL && st != MCBE_ERR_NOMEM);
    int lines = err->text[0] != '\0';
    for (const char *at = err->text; *at; at++) {
        lines += *at == '\n';
    }
    MCBE_BUG_ASSERT(lines <= sentences);
}

/* What a data set promises. */
static inline void fuzz_check_dataset(const mcbe_dataset_t *data)
{
    if (data->count == 0) {
        MCBE_BUG_ASSERT(!data->x && !data->label && !data->class_names && !data->column_names);
        return;
    }
    MCBE_BUG_ASSERT(data->n >= 1);
    for (int64_t i = 0; i < data->count * data->n; i++) {
        MCBE_BUG_ASSERT(isfinite(data->x[i]));
    }
    for (int64_t i = 0; i < data->count && data->label; i++) {
        MCBE_BUG_ASSERT(data->label[i] >= 0 && data->label[i] < data->classes);
    }
}

/* Read the bytes as points, and as labels of two points; nothing may be left behind. */
static inline void fuzz_dataset(const uint8_t *data, size_t size,
                                const mcbe_data_options_t *options)
{
    mcbe_error_t err = {0};
    mcbe_dataset_t set, labelled;
    void *copy = NULL;
    FILE *in = fuzz_open(data, size, &copy);
    mcbe_status_t st = mcbe_dataset_parse(&set, in, "fuzz", options, &err);
    fuzz_check_error(st, &err, 1);
    MCBE_BUG_ASSERT((st == MCBE_OK) == (set.count > 0));
    fuzz_check_dataset(&set);
    mcbe_dataset_free(&set);
    if (options->format == MCBE_DATA_IDX || options->format == MCBE_DATA_NPY) {
        mcbe_error_clear(&err);
        MCBE_BUG_ASSERT(mcbe_dataset_create(&labelled, 2, 1, NULL) == MCBE_OK);
        st = mcbe_dataset_parse_labels(&labelled, in, "fuzz", &err);
        fuzz_check_error(st, &err, 1);
        fuzz_check_dataset(&labelled);
        mcbe_dataset_free(&labelled);
    }
    fclose(in);
    free(copy);
    MCBE_BUG_ASSERT(mcbe_alloc_balance() == 0);
}

/* What a matrix promises. */
static inline void fuzz_check_array(mcbe_status_t st, mcbe_npy_t *array, const mcbe_error_t *err)
{
    volatile double sum = 0; /* every value is there */
    fuzz_check_error(st, err, 1);
    MCBE_BUG_ASSERT((st == MCBE_OK) == (array->values != NULL));
    MCBE_BUG_ASSERT(st == MCBE_OK ? array->count >= 0 : array->count == 0);
    MCBE_BUG_ASSERT(st == MCBE_OK ? array->rows >= 1 && array->columns >= 0 : array->rows == 0);
    for (int64_t i = 0;
         i < mcbe_npy_matrices(array) * array->rows * (array->columns > 0 ? array->columns : 1);
         i++) {
        sum = sum + array->values[i];
    }
    mcbe_npy_free(array);
    MCBE_BUG_ASSERT(mcbe_alloc_balance() == 0);
}

#endif
