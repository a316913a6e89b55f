#include <string.h>

#include "check.h"
#include "convergence_internal.h"
#include "recompute.h"

/* Curves have no witness but the points themselves, so a unit is computed again. By another way: alone,
 * from iteration to iteration, without a history. */
typedef struct replica {
    mcbe_stream_key_t key;
    mcbe_frame_t frame;   /* owned */
    mcbe_walk_t walk;     /* owned */
    test_set_t tests;     /* owned */
    curves_t curves;      /* owned */
    mcbe_record_t record; /* owned */
} replica_t;

static void discard(replica_t *r)
{
    mcbe_record_free(&r->record);
    mcbe_curves_free(&r->curves);
    mcbe_test_set_free(&r->tests);
    mcbe_walk_free(&r->walk);
    mcbe_frame_free(&r->frame);
}

static mcbe_status_t prepare(replica_t *r, const convergence_t *params, const mcbe_cell_t *cell,
                             const mcbe_layout_t *layout, const mcbe_record_t *stored,
                             mcbe_error_t *err)
{
    mcbe_status_t st;
    r->key = mcbe_setup_key(&params->setup, cell, stored->trial);
    MCBE_TRY(mcbe_setup_frame(&params->setup, &r->key, &r->frame));
    MCBE_TRY(mcbe_walk_init(&r->walk, &params->setup, &r->frame, &r->key));
    MCBE_TRY(mcbe_test_set_init(&r->tests, params, &r->frame, &r->key, 0, params->tests));
    MCBE_TRY(mcbe_curves_init(&r->curves, params, &r->frame, err));
    MCBE_TRY(mcbe_record_init(&r->record, layout, stored->cell, stored->trial, cell));
out:
    return st;
}

mcbe_status_t mcbe_convergence_verify(const void *handle, const mcbe_cell_t *cell, int64_t trial,
                                      const mcbe_layout_t *layout, const mcbe_record_t *record,
                                      mcbe_error_t *err)
{
    const convergence_t *params = handle;
    replica_t r = {0};
    mcbe_status_t st;
    MCBE_BUG_ASSERT(record->trial == trial);
    MCBE_TRY(prepare(&r, params, cell, layout, record, err));
    for (int64_t i = 0; i < params->length; i++) {
        MCBE_TRY(mcbe_walk_to(&r.walk, params->iterations[i]));
        mcbe_curves_measure(params, &r.frame, &r.tests, r.walk.state.alpha, NULL, i, &r.curves);
    }
    MCBE_TRY(mcbe_convergence_write(params, cell, &r.frame, &r.walk.state, &r.curves, layout,
                                    &r.record));
    MCBE_TRY(mcbe_recompute_compare(layout, cell, record, &r.record, err));
out:
    discard(&r);
    return st;
}
