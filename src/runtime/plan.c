#include "plan.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "mcbe/bias.h"
#include "memory.h"

/* A group may take this much longer over the dearest unit than perfect sharing of all work
 * would. */
#define GROUP_SLACK 1.25

void mcbe_plan_free(mcbe_plan_t *plan)
{
    mcbe_free(plan->cells);
    *plan = (mcbe_plan_t){0};
}

int64_t mcbe_plan_units(const mcbe_plan_t *plan)
{
    MCBE_BUG_ASSERT(plan->trials == 0 || plan->cell_count <= INT64_MAX / plan->trials);
    return plan->cell_count * plan->trials;
}

int64_t mcbe_plan_unit(const mcbe_plan_t *plan, int64_t cell, int64_t trial)
{
    return cell * plan->trials + trial;
}

int64_t mcbe_plan_job_cells(const mcbe_plan_t *plan, int64_t head)
{
    int64_t end = head + 1;
    while (end < plan->cell_count && plan->cells[end].joins) {
        end++;
    }
    return end - head;
}

static double job_seconds(const mcbe_plan_t *plan, int64_t head)
{
    const int64_t cells = mcbe_plan_job_cells(plan, head);
    double seconds = 0.0;
    for (int64_t i = 0; i < cells; i++) {
        seconds += plan->cells[head + i].seconds;
    }
    return seconds;
}

static int job_is_done(const mcbe_plan_t *plan, int64_t head, int64_t trial,
                       const unsigned char *done)
{
    const int64_t cells = mcbe_plan_job_cells(plan, head);
    for (int64_t i = 0; i < cells; i++) {
        if (!done || !done[mcbe_plan_unit(plan, head + i, trial)]) {
            return 0;
        }
    }
    return 1;
}

typedef struct {
    double seconds;
    int64_t cell;
} priced_cell_t;

static int dearest_first(const void *left, const void *right)
{
    const priced_cell_t *a = left, *b = right;
    if (a->seconds != b->seconds) {
        return a->seconds > b->seconds ? -1 : 1;
    }
    return a->cell < b->cell ? -1 : a->cell > b->cell;
}

/* The heads of all jobs, sorted. All trials of a cell cost the same, so this sorts the jobs.
 * @param[in] price  of a job
 * @return [*heads], owned by the caller; NULL if memory is out */
static priced_cell_t *sort_heads(const mcbe_plan_t *plan,
                                 double (*price)(const mcbe_plan_t *, int64_t), int64_t *heads)
{
    priced_cell_t *priced = mcbe_alloc((size_t)plan->cell_count, sizeof *priced);
    *heads = 0;
    for (int64_t c = 0; priced && c < plan->cell_count; c++) {
        MCBE_BUG_ASSERT(plan->cells[c].seconds >= 0.0);
        if (!plan->cells[c].joins) {
            priced[(*heads)++] = (priced_cell_t){.seconds = price(plan, c), .cell = c};
        }
    }
    if (priced) {
        qsort(priced, (size_t)*heads, sizeof *priced, dearest_first);
    }
    return priced;
}

mcbe_status_t mcbe_plan_order(const mcbe_plan_t *plan, const unsigned char *done, int64_t **order,
                              int64_t *count)
{
    mcbe_status_t st = MCBE_OK;
    int64_t heads = 0;
    priced_cell_t *priced = sort_heads(plan, job_seconds, &heads);
    int64_t *list = mcbe_alloc((size_t)mcbe_plan_units(plan), sizeof *list);

    *order = NULL;
    *count = 0;
    if (!priced || !list) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    for (int64_t i = 0; i < heads; i++) {
        for (int64_t t = 0; t < plan->trials; t++) {
            if (!job_is_done(plan, priced[i].cell, t, done)) {
                list[(*count)++] = mcbe_plan_unit(plan, priced[i].cell, t);
            }
        }
    }
    *order = list;
    list = NULL;

out:
    mcbe_free(list);
    mcbe_free(priced);
    return st;
}

double mcbe_plan_job_seconds(const mcbe_plan_t *plan, int64_t unit)
{
    return job_seconds(plan, unit / plan->trials);
}

int mcbe_plan_group_size(const mcbe_plan_t *plan, const int64_t *order, int64_t count, int ranks,
                         int64_t asked)
{
    /* more ranks than a round has blocks would find nothing to do */
    const int most = ranks < MCBE_ROUND_BLOCKS ? ranks : MCBE_ROUND_BLOCKS;
    if (asked != 0) {
        return asked > 0 && asked < most ? (int)asked : most;
    }
    if (count == 0) {
        return 1;
    }
    double total = 0.0;
    for (int64_t i = 0; i < count; i++) {
        total += mcbe_plan_job_seconds(plan, order[i]);
    }
    const double dearest = mcbe_plan_job_seconds(plan, order[0]);
    const double limit = GROUP_SLACK * total / ranks;
    int group = 1;
    while (group < most && dearest / group > limit) {
        group++;
    }
    return group;
}

int mcbe_plan_group_count(int ranks, int group)
{
    return ranks / group;
}

int mcbe_plan_group_of(int rank, int ranks, int group)
{
    const int last = mcbe_plan_group_count(ranks, group) - 1;
    return rank / group < last ? rank / group : last;
}

typedef struct {
    double free_at;
    int group;
} slot_t;

static int is_free_before(const slot_t *a, const slot_t *b)
{
    return a->free_at < b->free_at || (a->free_at == b->free_at && a->group < b->group);
}

/* Restore the heap (smallest on top) after its top has grown. */
static void sift_down(slot_t *heap, int count)
{
    int at = 0;
    for (;;) {
        int least = at;
        for (int child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            if (is_free_before(&heap[child], &heap[least])) {
                least = child;
            }
        }
        if (least == at) {
            return;
        }
        slot_t moved = heap[at];
        heap[at] = heap[least];
        heap[least] = moved;
        at = least;
    }
}

double mcbe_plan_makespan(const mcbe_plan_t *plan, const int64_t *order, int64_t count, int ranks,
                          int group)
{
    const int groups = mcbe_plan_group_count(ranks, group);
    const int last_size = ranks - (groups - 1) * group;
    slot_t *heap = mcbe_alloc((size_t)groups, sizeof *heap);
    if (!heap) {
        return NAN;
    }
    for (int g = 0; g < groups; g++) {
        heap[g].group = g;
    }
    double makespan = 0.0;
    for (int64_t i = 0; i < count; i++) {
        const int size = heap[0].group == groups - 1 ? last_size : group;
        heap[0].free_at += mcbe_plan_job_seconds(plan, order[i]) / size;
        if (heap[0].free_at > makespan) {
            makespan = heap[0].free_at;
        }
        sift_down(heap, groups);
    }
    mcbe_free(heap);
    return makespan;
}

/* The cost of a job as far as every C library agrees on it: costs come from log and pow, whose last
 * bit depends on library and CPU, so a cut falls on different sides once in 10^12 costs or so. */
static double deal_seconds(const mcbe_plan_t *plan, int64_t head)
{
    const int64_t cells = mcbe_plan_job_cells(plan, head);
    const double steps = 256.0;
    double seconds = 0.0;
    int exponent;
    for (int64_t i = head; i < head + cells; i++) {
        const mcbe_cell_t *cell = &plan->cells[i];
        seconds += cell->deal_seconds > 0.0 ? cell->deal_seconds : cell->seconds;
    }
    const double fraction = frexp(seconds, &exponent);
    return ldexp(floor(fraction * steps) / steps, exponent);
}

mcbe_status_t mcbe_plan_deal(const mcbe_plan_t *plan, int shards, int **shard_of)
{
    mcbe_status_t st = MCBE_ERR_NOMEM;
    int64_t heads = 0;
    priced_cell_t *priced = sort_heads(plan, deal_seconds, &heads);
    slot_t *heap = mcbe_alloc((size_t)shards, sizeof *heap);
    int *dealt = mcbe_alloc((size_t)mcbe_plan_units(plan), sizeof *dealt);
    *shard_of = NULL;
    if (!priced || !heap || !dealt) {
        goto out;
    }
    for (int s = 0; s < shards; s++) {
        heap[s].group = s;
    }
    /* trials outside: further ones are dealt on top of what lies there */
    for (int64_t t = 0; t < plan->trials; t++) {
        for (int64_t i = 0; i < heads; i++) {
            const int64_t head = priced[i].cell, cells = mcbe_plan_job_cells(plan, head);
            for (int64_t c = head; c < head + cells; c++) {
                dealt[mcbe_plan_unit(plan, c, t)] = heap[0].group;
            }
            heap[0].free_at += priced[i].seconds;
            sift_down(heap, shards);
        }
    }
    *shard_of = dealt;
    dealt = NULL;
    st = MCBE_OK;
out:
    mcbe_free(dealt);
    mcbe_free(heap);
    mcbe_free(priced);
    return st;
}
