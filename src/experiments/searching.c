#include "searching.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "memory.h"

/* Batches of different biases have different ids, and so different walkers. */
#define BATCHES_OF_A_BIAS (INT64_C(1) << 32)

/* Rows are lowered in turns, a part of the budget each time: what lowers one is a good beginning for
 * another. */
#define LOWER_PASSES 4

/* Everything the guided phase of one unit works on. */
typedef struct hunt {
    const mcbe_searching_t *searching;
    const mcbe_frame_t *frame;
    const mcbe_stream_key_t *key;
    const mcbe_team_t *team;
    mcbe_bias_state_t *state;
    mcbe_points_t *points;
    mcbe_certificates_t *certificates;
    mcbe_estimator_t *estimator; /* owned, for canonical visits */
    float *a, *b;                /* owned, [n], the point being visited */
    int64_t evaluations;
} hunt_t;

/* Visit directions in their order; those that lower something are kept. */
static mcbe_status_t visit(hunt_t *hunt, const double *x, int64_t count)
{
    const size_t n = (size_t)hunt->frame->n;
    for (int64_t i = 0; i < count; i++) {
        const int64_t updates = hunt->state->updates, min_active = hunt->state->min_active;
        mcbe_status_t st = mcbe_points_add(hunt->points, x + (size_t)i * n);
        if (st != MCBE_OK) {
            return st;
        }
        const int64_t last = hunt->points->count - 1;
        mcbe_point_split((int)n, hunt->points->x + (size_t)last * n, hunt->a, hunt->b);
        st = mcbe_estimator_point(hunt->estimator, hunt->a, hunt->b,
                                  1.0 / mcbe_point_norm((int)n, hunt->a, hunt->b, 1),
                                  MCBE_STORED_POINT + last, hunt->state, NULL);
        if (st != MCBE_OK) {
            return st;
        }
        if (hunt->state->updates == updates && hunt->state->min_active == min_active) {
            hunt->points->count--;
        }
    }
    return MCBE_OK;
}

/* Bytes of all ranks, one after the other, on every rank. @param[out] all  owned by the caller */
static mcbe_status_t share(const mcbe_team_t *team, const void *data, size_t bytes, char **all,
                           size_t *total)
{
    void *gathered = NULL;
    mcbe_status_t st;
    const int size = mcbe_comm_size(team->comm);
    size_t *sizes = mcbe_alloc((size_t)size, sizeof *sizes);
    *all = NULL;
    *total = 0;
    if (!sizes) {
        return MCBE_ERR_NOMEM;
    }
    MCBE_TRY(mcbe_comm_gather(team->comm, data, bytes, &gathered, sizes));
    for (int r = 0; r < size; r++) {
        *total += sizes[r];
    }
    mcbe_comm_broadcast(team->comm, total, sizeof *total);
    *all = mcbe_alloc(*total, 1);
    if (!*all) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    if (gathered && *total > 0) {
        memcpy(*all, gathered, *total);
    }
    mcbe_comm_broadcast(team->comm, *all, *total);
out:
    mcbe_free(gathered);
    mcbe_free(sizes);
    return st;
}

/* What one rank tells the others of its batch; its points follow. */
typedef struct report {
    int64_t points;
    mcbe_refutation_t found;
} report_t;

/* Everybody's reports, in the order of the ranks, which is that of the batches: visit what was found
 * up to and with the first batch that refutes.
 * @param[in] family  against which bias; -1 for bias 0, which need not be one of them
 * @param[out] refuted  whether one did */
static mcbe_status_t take_reports(hunt_t *hunt, const char *all, size_t total, int family,
                                  const double *biases, int *refuted)
{
    const size_t n = (size_t)hunt->frame->n;
    mcbe_status_t st = MCBE_OK;
    for (size_t used = 0; used < total && !*refuted && st == MCBE_OK;) {
        report_t report;
        memcpy(&report, all + used, sizeof report);
        used += sizeof report;
        const size_t bytes = (size_t)report.points * n * sizeof(double);
        double *x = mcbe_alloc((size_t)report.points * n, sizeof *x);
        if (!x) {
            return MCBE_ERR_NOMEM;
        }
        memcpy(x, all + used, bytes);
        used += bytes;
        hunt->evaluations += report.found.evaluations;
        if (report.found.active < hunt->frame->n) {
            st = mcbe_certificates_offer(&hunt->searching->domain, hunt->frame,
                                         x + (size_t)report.found.point * n, report.found.radius,
                                         biases, hunt->certificates);
        }
        if (st == MCBE_OK) {
            st = visit(hunt, x, report.points);
        }
        *refuted = family < 0 ? hunt->state->min_active < hunt->frame->n
                              : hunt->certificates->active[family] >= 0;
        mcbe_free(x);
    }
    return st;
}

/* One batch of this rank, packed. @param[out] message  owned by the caller */
static mcbe_status_t run_batch(const hunt_t *hunt, mcbe_refute_t *refute, int64_t batch,
                               const mcbe_bias_state_t *start, char **message, size_t *bytes)
{
    const size_t n = (size_t)hunt->frame->n;
    mcbe_points_t points = {.n = hunt->frame->n};
    report_t report = {0};
    mcbe_status_t st;
    MCBE_TRY(mcbe_refute_batch(refute, batch, start, &points, &report.found));
    report.points = points.count;
    *bytes = sizeof report + (size_t)points.count * n * sizeof(double);
    *message = mcbe_alloc(*bytes, 1);
    if (!*message) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    memcpy(*message, &report, sizeof report);
    if (points.count > 0) {
        memcpy(*message + sizeof report, points.x, *bytes - sizeof report);
    }
out:
    mcbe_points_free(&points);
    return st;
}

/* Search against one bias until it is refuted or the budget is spent.
 * @param[in] family  as above  @param[in] start  the state before any search */
static mcbe_status_t hunt_one(hunt_t *hunt, int family, const mcbe_bias_state_t *start,
                              const double *biases)
{
    const double *bias = family < 0 ? NULL : biases + (size_t)family * (size_t)hunt->frame->m;
    const mcbe_team_t *team = hunt->team;
    const int rank = mcbe_comm_rank(team->comm), size = mcbe_comm_size(team->comm);
    const int64_t asked = hunt->searching->evaluations / MCBE_REFUTE_EVALUATIONS;
    const int64_t batches = asked > 1 ? asked : 1;
    mcbe_refute_t *refute = NULL;
    int refuted = 0;
    mcbe_status_t st;
    MCBE_TRY(mcbe_refute_create(&refute, hunt->frame, &hunt->searching->domain, hunt->key, bias));
    for (int64_t first = 0; first < batches && !refuted; first += size) {
        char *message = NULL, *all = NULL;
        size_t bytes = 0, total = 0;
        MCBE_TRY(mcbe_team_go_on(team));
        if (first + rank < batches) {
            MCBE_TRY(run_batch(hunt, refute, (family + 1) * BATCHES_OF_A_BIAS + first + rank, start,
                               &message, &bytes));
        }
        st = share(team, message, bytes, &all, &total);
        if (st == MCBE_OK) {
            st = take_reports(hunt, all, total, family, biases, &refuted);
        }
        mcbe_free(all);
        mcbe_free(message);
        if (st != MCBE_OK) {
            goto out;
        }
    }
out:
    mcbe_refute_destroy(&refute);
    return st;
}

/* Bias 0 first: its points serve alpha* and every bias that is nowhere negative. */
static mcbe_status_t refute_all(hunt_t *hunt, const double *biases)
{
    const mcbe_frame_t *frame = hunt->frame;
    mcbe_bias_state_t start = {0};
    double *x = mcbe_alloc((size_t)frame->n, sizeof *x);
    mcbe_status_t st = x ? MCBE_OK : MCBE_ERR_NOMEM;
    if (st != MCBE_OK) {
        goto out;
    }
    if (frame->m < 3 * frame->n - 1 && !hunt->searching->domain.nonnegative) {
        int active = frame->m;
        MCBE_TRY(mcbe_refute_small(frame, x, &active));
        hunt->evaluations++;
        MCBE_TRY(mcbe_certificates_offer(&hunt->searching->domain, frame, x,
                                         hunt->searching->domain.radius, biases,
                                         hunt->certificates));
        MCBE_TRY(visit(hunt, x, 1));
    }
    MCBE_TRY(mcbe_bias_state_init(&start, hunt->state->m));
    mcbe_bias_state_copy(&start, hunt->state);
    if (hunt->state->min_active >= frame->n) {
        MCBE_TRY(hunt_one(hunt, -1, &start, biases));
    }
    for (int i = 0; i < hunt->certificates->count; i++) {
        const double *bias = biases + (size_t)i * (size_t)frame->m;
        int zero = 1;
        for (int j = 0; j < frame->m; j++) {
            zero &= bias[j] == 0.0;
        }
        if (hunt->certificates->active[i] < 0 && !zero) {
            MCBE_TRY(hunt_one(hunt, i, &start, biases));
        }
    }
out:
    mcbe_bias_state_free(&start);
    mcbe_free(x);
    return st;
}

/* Where alpha* is reached in every row. @param[out] witnesses  [m][n], NaN for rows without */
static mcbe_status_t witness_points(const hunt_t *hunt, double *witnesses)
{
    return mcbe_sample_coordinates(hunt->searching->design, &hunt->searching->domain, hunt->frame,
                                   hunt->key, hunt->points, hunt->state->m, hunt->state->witness,
                                   witnesses);
}

/* Where the descent for row j begins: at its own witness, and in later passes, when they are low, at
 * those of other rows as well, as many as half the budget can look at.
 * @param[out] starts  [m][n] @return how many */
static int64_t choose_starts(const hunt_t *hunt, int pass, int j, int64_t budget,
                             const double *witnesses, double *starts)
{
    const size_t n = (size_t)hunt->frame->n;
    int64_t count = 0;
    for (int i = 0; i < (pass > 0 ? hunt->frame->m : 1) && (i == 0 || count < budget / 2); i++) {
        const int row = i == 0 ? j : i <= j ? i - 1 : i;
        if (hunt->state->witness[row] != -1) {
            memcpy(starts + (size_t)count++ * n, witnesses + (size_t)row * n, n * sizeof *starts);
        }
    }
    return count;
}

/* What one rank found for its rows in one pass: [n + 1] a row, in front the evaluations, -1 less them
 * where nothing was found. */
static mcbe_status_t lower_own_rows(hunt_t *hunt, int pass, double *found)
{
    const mcbe_frame_t *frame = hunt->frame;
    const mcbe_team_t *team = hunt->team;
    const int rank = mcbe_comm_rank(team->comm), size = mcbe_comm_size(team->comm);
    const size_t m = (size_t)frame->m, n = (size_t)frame->n;
    const int64_t budget = hunt->searching->lower_evaluations / LOWER_PASSES / frame->m;
    mcbe_stream_key_t key = *hunt->key;
    mcbe_lower_t *lower = NULL;
    mcbe_status_t st;
    double *witnesses = mcbe_alloc(m * n, sizeof *witnesses);
    double *starts = mcbe_alloc(m * n, sizeof *starts);
    if (!witnesses || !starts) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    key.block = pass;
    MCBE_TRY(mcbe_lower_create(&lower, frame, &hunt->searching->domain, &key));
    MCBE_TRY(witness_points(hunt, witnesses));
    for (int j = rank; j < frame->m; j += size) {
        double value = 0.0;
        int64_t used = 0;
        double *x = found + (size_t)(j / size) * (n + 1);
        const int64_t count = choose_starts(hunt, pass, j, budget, witnesses, starts);
        MCBE_TRY(
            mcbe_lower_row(lower, j, starts, count, budget > 0 ? budget : 1, x + 1, &value, &used));
        x[0] = isinf(value) ? -1.0 - (double)used : (double)used;
        if (mcbe_team_look(team)) {
            break;
        }
    }
out:
    mcbe_lower_destroy(&lower);
    mcbe_free(starts);
    mcbe_free(witnesses);
    return st;
}

/* Rows are dealt to the ranks; what they find is visited in the order of the rows. */
static mcbe_status_t lower_all(hunt_t *hunt, int pass)
{
    const mcbe_frame_t *frame = hunt->frame;
    const int rank = mcbe_comm_rank(hunt->team->comm), size = mcbe_comm_size(hunt->team->comm);
    const size_t m = (size_t)frame->m, stride = (size_t)frame->n + 1;
    const size_t own = rank < frame->m ? (m - (size_t)rank + (size_t)size - 1) / (size_t)size : 0;
    char *all = NULL;
    size_t total = 0;
    mcbe_status_t st = MCBE_OK;
    double *found = mcbe_alloc(own * stride, sizeof *found);
    double *row = mcbe_alloc(stride, sizeof *row);
    if (!found || !row) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    MCBE_TRY(lower_own_rows(hunt, pass, found));
    MCBE_TRY(mcbe_team_go_on(hunt->team));
    MCBE_TRY(share(hunt->team, found, own * stride * sizeof *found, &all, &total));
    for (size_t j = 0; j < m; j++) {
        /* rank r's rows stand behind those of the ranks before it */
        const size_t r = j % (size_t)size;
        size_t place = j / (size_t)size;
        for (size_t before = 0; before < r; before++) {
            place += (m - before + (size_t)size - 1) / (size_t)size;
        }
        memcpy(row, all + place * stride * sizeof *row, stride * sizeof *row);
        hunt->evaluations += (int64_t)(row[0] < 0.0 ? -1.0 - row[0] : row[0]);
        if (row[0] >= 0.0) {
            MCBE_TRY(visit(hunt, row + 1, 1));
        }
    }
out:
    mcbe_free(all);
    mcbe_free(row);
    mcbe_free(found);
    return st;
}

/* Keep only the points something still refers to, and number them anew. */
static mcbe_status_t compact(hunt_t *hunt)
{
    const size_t n = (size_t)hunt->frame->n;
    mcbe_points_t *points = hunt->points;
    mcbe_bias_state_t *state = hunt->state;
    int64_t *number = mcbe_alloc((size_t)points->count, sizeof *number);
    if (!number) {
        return MCBE_ERR_NOMEM;
    }
    for (int j = 0; j <= state->m; j++) {
        const int64_t id = j < state->m ? state->witness[j] : state->min_active_sample;
        if (id >= MCBE_STORED_POINT) {
            number[id - MCBE_STORED_POINT] = 1;
        }
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < points->count; i++) {
        if (number[i]) {
            memmove(points->x + (size_t)kept * n, points->x + (size_t)i * n, n * sizeof *points->x);
            number[i] = kept++;
        }
    }
    points->count = kept;
    for (int j = 0; j <= state->m; j++) {
        int64_t *id = j < state->m ? &state->witness[j] : &state->min_active_sample;
        if (*id >= MCBE_STORED_POINT) {
            *id = MCBE_STORED_POINT + number[*id - MCBE_STORED_POINT];
        }
    }
    mcbe_free(number);
    return MCBE_OK;
}

mcbe_status_t mcbe_searching_run(const mcbe_searching_t *searching, const mcbe_frame_t *frame,
                                 const mcbe_stream_key_t *key, const mcbe_team_t *team,
                                 const double *biases, mcbe_bias_state_t *state,
                                 mcbe_points_t *points, mcbe_certificates_t *certificates,
                                 int64_t *evaluations)
{
    const int64_t samples = state->samples, updates = state->updates, last = state->last_update;
    hunt_t hunt = {.searching = searching,
                   .frame = frame,
                   .key = key,
                   .team = team,
                   .state = state,
                   .points = points,
                   .certificates = certificates};
    mcbe_status_t st;
    MCBE_TRY(mcbe_estimator_create(&hunt.estimator, frame, &searching->domain, key,
                                   MCBE_PRECISION_DOUBLE));
    hunt.a = mcbe_alloc((size_t)frame->n, sizeof *hunt.a);
    hunt.b = mcbe_alloc((size_t)frame->n, sizeof *hunt.b);
    if (!hunt.a || !hunt.b) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    MCBE_TRY(refute_all(&hunt, biases));
    if (searching->lower_evaluations > 0) {
        /* rank 0 alone has kept the witnesses of the sampling phase */
        mcbe_comm_broadcast(team->comm, state->witness, (size_t)state->m * sizeof *state->witness);
        for (int pass = 0; pass < LOWER_PASSES; pass++) {
            MCBE_TRY(lower_all(&hunt, pass));
        }
    }
    MCBE_TRY(mcbe_certificates_from_samples(searching->design, &searching->domain, frame, key,
                                            points, state, biases, certificates));
    MCBE_TRY(compact(&hunt));
    state->samples = samples;
    state->updates = updates;
    state->last_update = last;
    *evaluations = hunt.evaluations;
out:
    mcbe_free(hunt.b);
    mcbe_free(hunt.a);
    mcbe_estimator_destroy(&hunt.estimator);
    return st;
}
