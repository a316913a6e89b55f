#include "recompute.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "mcbe/estimate.h"

#define APPROXIMATE_TOLERANCE 1e-9

mcbe_status_t mcbe_walk_init(mcbe_walk_t *walk, const mcbe_setup_t *setup,
                             const mcbe_frame_t *frame, const mcbe_stream_key_t *key)
{
    mcbe_status_t st;
    walk->setup = setup;
    walk->frame = frame;
    walk->key = *key;
    MCBE_TRY(mcbe_bias_state_init(&walk->state, frame->m));
    MCBE_TRY(mcbe_estimator_create_design(&walk->estimator, frame, &setup->domain, key,
                                          setup->precision, setup->design, setup->samples));
    if (setup->init_rows) {
        MCBE_TRY(mcbe_estimate_rows(frame, walk->estimator, &walk->state, NULL));
    }
out:
    return st;
}

void mcbe_walk_free(mcbe_walk_t *walk)
{
    mcbe_estimator_destroy(&walk->estimator);
    mcbe_bias_state_free(&walk->state);
}

mcbe_status_t mcbe_walk_to(mcbe_walk_t *walk, int64_t samples)
{
    const mcbe_design_t design = walk->setup->design;
    mcbe_status_t st = MCBE_OK;
    while (walk->visited < samples && st == MCBE_OK) {
        const int64_t start = mcbe_block_start(design, walk->frame->n, walk->block);
        const int64_t next = mcbe_block_start(design, walk->frame->n, walk->block + 1);
        if (next <= walk->visited) {
            walk->block++;
            continue;
        }
        const int64_t end = next < samples ? next : samples;
        st = mcbe_estimator_block(walk->estimator, walk->block, walk->visited - start, end - start,
                                  &walk->state, NULL);
        walk->visited = end;
    }
    return st;
}

static int is_near(int64_t stored, int64_t again)
{
    double a, b;
    memcpy(&a, &stored, sizeof a);
    memcpy(&b, &again, sizeof b);
    return fabs(a - b) <= APPROXIMATE_TOLERANCE * fmax(1.0, fabs(b));
}

mcbe_status_t mcbe_recompute_compare(const mcbe_layout_t *layout, const mcbe_cell_t *cell,
                                     const mcbe_record_t *stored, const mcbe_record_t *again,
                                     mcbe_error_t *err)
{
    for (int c = 0; c < layout->count; c++) {
        const mcbe_column_t *column = layout->columns + c;
        const int loosely = column->approximate && column->type == MCBE_COLUMN_F64;
        const int64_t start = mcbe_layout_offset(layout, c, cell);
        const int64_t words = mcbe_column_words(column, cell);
        for (int64_t k = start; k < start + words; k++) {
            if (stored->words[k] != again->words[k] &&
                !(loosely && is_near(stored->words[k], again->words[k]))) {
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
