#include <string.h>

#include "check.h"
#include "convergence_internal.h"
#include "memory.h"

/* Curves have no witness but the points themselves, so a unit is computed again. By another way: alone,
 * from iteration to iteration, without a history. */
typedef struct replica {
    mcbe_stream_key_t key;
    mcbe_frame_t frame;          /* owned */
    mcbe_bias_state_t state;     /* owned */
    mcbe_estimator_t *estimator; /* owned */
    test_set_t tests;            /* owned */
    curves_t curves;             /* owned */
    mcbe_record_t record;        /* owned */
} replica_t;

static void discard(replica_t *r)
{
    mcbe_record_free(&r->record);
    mcbe_curves_free(&r->curves);
    mcbe_test_set_free(&r->tests);
    mcbe_estimator_destroy(&r->estimator);
    mcbe_bias_state_free(&r->state);
    mcbe_frame_free(&r->frame);
}

static mcbe_status_t prepare(replica_t *r, const convergence_t *params, const mcbe_cell_t *cell,
                             const mcbe_layout_t *layout, const mcbe_record_t *stored,
                             mcbe_error_t *err)
{
    const mcbe_setup_t *setup = &params->setup;
    mcbe_status_t st;
    r->key = mcbe_convergence_key(params, cell, stored->trial);
    MCBE_TRY(mcbe_setup_frame(setup, &r->key, &r->frame));
    MCBE_TRY(mcbe_bias_state_init(&r->state, r->frame.m));
    MCBE_TRY(mcbe_estimator_create_design(&r->estimator, &r->frame, &setup->domain, &r->key,
                                          setup->precision, setup->design, setup->samples));
    MCBE_TRY(mcbe_test_set_init(&r->tests, params, &r->frame, &r->key, 0, params->tests));
    MCBE_TRY(mcbe_curves_init(&r->curves, params, &r->frame, err));
    MCBE_TRY(mcbe_record_init(&r->record, layout, stored->cell, stored->trial, cell));
out:
    return st;
}

static mcbe_status_t visit_rows(replica_t *r, const mcbe_setup_t *setup)
{
    mcbe_point_t point = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_point_init(&point, r->frame.n));
    for (int64_t row = 0; row < r->frame.m; row++) {
        const int64_t sample = mcbe_row_sample(row);
        MCBE_TRY(
            mcbe_sampling_point(setup->design, &setup->domain, &r->frame, &r->key, sample, &point));
        MCBE_TRY(mcbe_estimator_point(r->estimator, point.a, NULL, point.scale, sample, &r->state,
                                      NULL));
    }
out:
    mcbe_point_free(&point);
    return st;
}

/* Visit the samples [from, to). @param[in,out] block  that of `from` or one before */
static mcbe_status_t visit(replica_t *r, mcbe_design_t design, int64_t from, int64_t to,
                           int64_t *block)
{
    mcbe_status_t st = MCBE_OK;
    while (from < to && st == MCBE_OK) {
        const int64_t start = mcbe_block_start(design, r->frame.n, *block);
        const int64_t next = mcbe_block_start(design, r->frame.n, *block + 1);
        if (next <= from) {
            (*block)++;
            continue;
        }
        const int64_t end = next < to ? next : to;
        st = mcbe_estimator_block(r->estimator, *block, from - start, end - start, &r->state, NULL);
        from = end;
    }
    return st;
}

static mcbe_status_t compare(const replica_t *r, const mcbe_cell_t *cell,
                             const mcbe_layout_t *layout, const mcbe_record_t *stored,
                             mcbe_error_t *err)
{
    for (int c = 0; c < layout->count; c++) {
        const mcbe_column_t *column = layout->columns + c;
        const int64_t start = mcbe_layout_offset(layout, c, cell);
        const int64_t words = mcbe_column_words(column, cell);
        for (int64_t k = start; k < start + words; k++) {
            if (stored->words[k] != r->record.words[k]) {
                return mcbe_fail(err, MCBE_ERR_CORRUPT,
                                 "cell (n=%lld, m=%lld), trial %lld: /%s is not what the points "
                                 "give (entry %lld)",
                                 (long long)cell->n, (long long)cell->m, (long long)stored->trial,
                                 column->path, (long long)(k - start));
            }
        }
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_convergence_verify(const void *handle, const mcbe_cell_t *cell, int64_t trial,
                                      const mcbe_layout_t *layout, const mcbe_record_t *record,
                                      mcbe_error_t *err)
{
    const convergence_t *params = handle;
    replica_t r = {0};
    mcbe_status_t st;
    int64_t block = 0;
    MCBE_BUG_ASSERT(record->trial == trial);
    MCBE_TRY(prepare(&r, params, cell, layout, record, err));
    if (params->setup.init_rows) {
        MCBE_TRY(visit_rows(&r, &params->setup));
    }
    for (int64_t i = 0; i < params->length; i++) {
        MCBE_TRY(visit(&r, params->setup.design, i > 0 ? params->iterations[i - 1] : 0,
                       params->iterations[i], &block));
        mcbe_curves_measure(params, &r.frame, &r.tests, r.state.alpha, NULL, i, &r.curves);
    }
    MCBE_TRY(
        mcbe_convergence_write(params, cell, &r.frame, &r.state, &r.curves, layout, &r.record));
    MCBE_TRY(compare(&r, cell, layout, record, err));
out:
    discard(&r);
    return st;
}
