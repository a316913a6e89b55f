/* preimages W.npy BIAS.npy POINTS.npy [RANK SIZE]: what the preimage of each point is, as one JSON
 * line a point; of SIZE processes each takes its share. Seconds are processor
 * time of the classification alone. The bias is a column. Used by bench/preimages.py and by tests. */
#include <stdio.h>
#include <stdlib.h>

#include <time.h>

#include "json.h"
#include "mcbe/cpu.h"
#include "mcbe/preimage.h"
#include "npy.h"

static const char *const VERDICTS[] = {"singleton", "compact", "unbounded", "undecided"};

/* Of this process; unlike the time of day it does not count what others take. */
static double processor_seconds(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static mcbe_status_t classify(mcbe_preimage_t *preimage, const mcbe_npy_t *points, int64_t rank,
                              int64_t size, mcbe_error_t *err)
{
    for (int64_t i = rank; i < points->rows; i += size) {
        mcbe_preimage_result_t result;
        const double start = processor_seconds();
        const mcbe_status_t st = mcbe_preimage_classify(
            preimage, points->values + i * points->columns, &result, NULL, NULL, err);
        if (st != MCBE_OK) {
            return st;
        }
        printf("{\"point\": %lld, \"verdict\": \"%s\", \"positive\": %d, \"dimension\": %d, "
               "\"programs\": %d, \"seconds\": ",
               (long long)i, VERDICTS[result.verdict], result.positive, result.dimension,
               result.programs);
        mcbe_json_number(stdout, processor_seconds() - start);
        printf(", \"margin\": ");
        mcbe_json_number(stdout, result.margin);
        printf("}\n");
    }
    return MCBE_OK;
}

int main(int count, char **words)
{
    mcbe_npy_t w = {0}, bias = {0}, points = {0};
    mcbe_preimage_t *preimage = NULL;
    mcbe_error_t err = {0};
    mcbe_status_t st = MCBE_ERR_USAGE;
    mcbe_blas_single_thread();
    if (count != 4 && count != 6) {
        st = mcbe_fail(&err, st, "usage: preimages W.npy BIAS.npy POINTS.npy [RANK SIZE]");
        goto out;
    }
    st = mcbe_npy_load(&w, words[1], &err);
    st = st == MCBE_OK ? mcbe_npy_load(&bias, words[2], &err) : st;
    st = st == MCBE_OK ? mcbe_npy_load(&points, words[3], &err) : st;
    if (st == MCBE_OK &&
        (bias.rows != w.rows || bias.columns != 1 || points.columns != w.columns)) {
        st = mcbe_fail(&err, MCBE_ERR_DIM, "preimages: the shapes of the three files do not fit");
    }
    if (st == MCBE_OK) {
        st = mcbe_preimage_create(&preimage, (int)w.rows, (int)w.columns, w.values, bias.values,
                                  &err);
    }
    if (st == MCBE_OK) {
        st = classify(preimage, &points, count == 6 ? atoll(words[4]) : 0,
                      count == 6 ? atoll(words[5]) : 1, &err);
    }
out:
    if (st != MCBE_OK) {
        fprintf(stderr, "%s\n", err.text[0] ? err.text : mcbe_strerror(st));
    }
    mcbe_preimage_destroy(&preimage);
    mcbe_npy_free(&points);
    mcbe_npy_free(&bias);
    mcbe_npy_free(&w);
    return mcbe_exit_code(st);
}
