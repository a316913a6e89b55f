#include "mcbe/preimage.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "check.h"
#include "memory.h"
#include "preimage_internal.h"
#include "mcbe/frame.h"

/* Squares and products of two entries stay within fp64, with rounding errors that do too. */
#define ENTRY_MAX 1e100
#define ENTRY_MIN 1e-100

/* Rows more than n among which rank n is looked for first: random ones have it with room to
 * spare. */
#define SPARE_ROWS(n) ((n) / 16 + 8)

mcbe_status_t mcbe_preimage_values(const char *what, int count, const double *x, mcbe_error_t *err)
{
    for (int k = 0; k < count; k++) {
        if (!(fabs(x[k]) <= ENTRY_MAX)) {
            return mcbe_fail(err, MCBE_ERR_VALUE,
                             "preimage: entry %d of %s is %g; allowed are values from %g to %g", k,
                             what, x[k], -ENTRY_MAX, ENTRY_MAX);
        }
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_preimage_too_large(const mcbe_preimage_t *preimage, mcbe_error_t *err)
{
    return mcbe_fail(err, MCBE_ERR_LIMIT,
                     "preimage: a linear program for %d rows and %d inputs has more than %d "
                     "entries, the most that CLP counts",
                     preimage->m, preimage->n, INT_MAX);
}

static mcbe_status_t measure_rows(mcbe_preimage_t *preimage, mcbe_error_t *err)
{
    const int n = preimage->n;
    char name[32];
    for (int j = 0; j < preimage->m; j++) {
        const double *row = preimage->w + (size_t)j * (size_t)n;
        snprintf(name, sizeof name, "row %d", j);
        const mcbe_status_t st = mcbe_preimage_values(name, n, row, err);
        if (st != MCBE_OK) {
            return st;
        }
        preimage->norm[j] = cblas_dnrm2(n, row, 1);
        if (preimage->norm[j] > 0.0 && preimage->norm[j] < ENTRY_MIN) {
            return mcbe_fail(err, MCBE_ERR_VALUE,
                             "preimage: the norm of row %d is %g; allowed are 0 and values from %g",
                             j, preimage->norm[j], ENTRY_MIN);
        }
    }
    return MCBE_OK;
}

static int same_up_to_sign(int n, const double *a, const double *b)
{
    int same = 1, negated = 1;
    for (int k = 0; k < n && (same || negated); k++) {
        same &= a[k] == b[k];
        negated &= a[k] == -b[k];
    }
    return same || negated;
}

typedef struct keyed_row {
    double key;
    int row;
} keyed_row_t;

static int by_key(const void *a, const void *b)
{
    const keyed_row_t *one = a, *other = b;
    if (one->key != other->key) {
        return one->key < other->key ? -1 : 1;
    }
    return one->row - other->row;
}

/* Rows of different keys are different. */
static mcbe_status_t find_repeated_rows(mcbe_preimage_t *preimage)
{
    const int m = preimage->m, n = preimage->n;
    keyed_row_t *rows = mcbe_alloc((size_t)m, sizeof *rows);
    if (!rows) {
        return MCBE_ERR_NOMEM;
    }
    for (int j = 0; j < m; j++) {
        rows[j].row = j;
        for (int k = 0; k < n; k++) {
            rows[j].key += fabs(preimage->w[(size_t)j * (size_t)n + (size_t)k]) * (k + 1);
        }
    }
    qsort(rows, (size_t)m, sizeof *rows, by_key);
    for (int i = 0, group = 0; i < m; i++) {
        group = rows[i].key == rows[group].key ? group : i;
        int same = group;
        while (same < i && !same_up_to_sign(n, preimage->w + (size_t)rows[same].row * (size_t)n,
                                            preimage->w + (size_t)rows[i].row * (size_t)n)) {
            same++;
        }
        preimage->first[rows[i].row] = rows[i].key > 0.0 ? rows[same].row : -1;
    }
    mcbe_free(rows);
    return MCBE_OK;
}

static int find_idle_input(const mcbe_preimage_t *preimage)
{
    const int n = preimage->n;
    for (int k = 0; k < n; k++) {
        int j = 0;
        while (j < preimage->m && preimage->w[(size_t)j * (size_t)n + (size_t)k] == 0.0) {
            j++;
        }
        if (j == preimage->m) {
            return k;
        }
    }
    return -1;
}

static mcbe_status_t bound_sigma(mcbe_preimage_t *preimage)
{
    int count = 0;
    for (int j = 0; j < preimage->m; j++) {
        if (preimage->first[j] >= 0) {
            mcbe_preimage_unit_row(preimage, j,
                                   preimage->rows + (size_t)count++ * (size_t)preimage->n);
        }
    }
    return mcbe_rank_bound(count, preimage->n, preimage->rows, preimage->square, &preimage->sigma);
}

static mcbe_status_t allocate(mcbe_preimage_t *preimage)
{
    const size_t m = (size_t)preimage->m, n = (size_t)preimage->n;
    const struct {
        void *place; /* of the pointer */
        size_t count, size;
    } wanted[] = {
        {&preimage->norm, m, sizeof(double)},
        {&preimage->first, m, sizeof(int)},
        {&preimage->z, m, sizeof(double)},
        {&preimage->sign, m, 1},
        {&preimage->role, m, 1},
        {&preimage->direction, n, sizeof(double)},
        {&preimage->combination, m, sizeof(double)},
        {&preimage->equal, m, sizeof(int)},
        {&preimage->tau, n, sizeof(double)},
        {&preimage->basis, n * n, sizeof(double)},
        {&preimage->below, m, sizeof(int)},
        {&preimage->reduced, m * n, sizeof(double)},
        {&preimage->length, m, sizeof(double)},
        {&preimage->rows, m * n, sizeof(double)},
        {&preimage->square, n * n, sizeof(double)},
        {&preimage->lambda, m, sizeof(double)},
        {&preimage->exponent, m, sizeof(double)},
        {&preimage->change, m, sizeof(double)},
        {&preimage->weight, m, sizeof(double)},
        {&preimage->product, m, sizeof(double)},
        {&preimage->point, n, sizeof(double)},
        {&preimage->step, n, sizeof(double)},
        {&preimage->gradient, n, sizeof(double)},
        {&preimage->rest, n, sizeof(double)},
        {&preimage->pivot, m > n ? m : n, sizeof(int)},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *block = mcbe_alloc(wanted[i].count, wanted[i].size);
        if (!block) {
            return MCBE_ERR_NOMEM;
        }
        memcpy(wanted[i].place, &block, sizeof block);
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_preimage_create(mcbe_preimage_t **created, int m, int n, const double *w,
                                   const double *bias, mcbe_error_t *err)
{
    mcbe_preimage_t *preimage = NULL;
    mcbe_status_t st;
    *created = NULL;
    if (m < 1 || m > MCBE_MAX_M || n < 1 || n > MCBE_MAX_N) {
        return mcbe_fail(err, MCBE_ERR_DIM,
                         "preimage: the layer is %d x %d; allowed are 1 to %d rows and 1 to %d "
                         "inputs",
                         m, n, MCBE_MAX_M, MCBE_MAX_N);
    }
    preimage = mcbe_alloc(1, sizeof *preimage);
    MCBE_TRY(preimage ? MCBE_OK : MCBE_ERR_NOMEM);
    preimage->m = m;
    preimage->n = n;
    preimage->w = w;
    preimage->bias = bias;
    MCBE_TRY(allocate(preimage));
    MCBE_TRY(measure_rows(preimage, err));
    MCBE_TRY(bias ? mcbe_preimage_values("the bias", m, bias, err) : MCBE_OK);
    MCBE_TRY(find_repeated_rows(preimage));
    preimage->idle_input = find_idle_input(preimage);
    MCBE_TRY(bound_sigma(preimage));
    *created = preimage;
    preimage = NULL;
out:
    mcbe_preimage_destroy(&preimage);
    return st;
}

void mcbe_preimage_destroy(mcbe_preimage_t **preimage)
{
    mcbe_preimage_t *p = *preimage;
    if (p) {
        void *const blocks[] = {p->norm,      p->first,       p->z,        p->sign,   p->role,
                                p->direction, p->combination, p->equal,    p->tau,    p->basis,
                                p->below,     p->reduced,     p->length,   p->rows,   p->square,
                                p->lambda,    p->exponent,    p->change,   p->weight, p->product,
                                p->point,     p->step,        p->gradient, p->rest,   p->pivot};
        for (size_t i = sizeof blocks / sizeof *blocks; i-- > 0;) {
            mcbe_free(blocks[i]);
        }
        mcbe_free(p);
    }
    *preimage = NULL;
}

mcbe_status_t mcbe_preimage_point(mcbe_preimage_t *preimage, const double *x, mcbe_error_t *err)
{
    const mcbe_status_t st = mcbe_preimage_values("the point", preimage->n, x, err);
    if (st == MCBE_OK) {
        mcbe_preimage_signs(preimage, x);
    }
    return st;
}

/* Rank n of the rows that are positive for certain: from a few more than n of them, from all, and
 * from all with more digits. */
mcbe_status_t mcbe_preimage_prove_rank(mcbe_preimage_t *preimage, mcbe_preimage_result_t *result)
{
    const int n = preimage->n;
    int count = 0, few;
    double bound;
    for (int j = 0; j < preimage->m; j++) {
        if (preimage->sign[j] == MCBE_ROW_POSITIVE && preimage->first[j] >= 0) {
            mcbe_preimage_unit_row(preimage, j, preimage->rows + (size_t)count++ * (size_t)n);
        }
    }
    if (count < n) {
        return MCBE_OK;
    }
    few = n + SPARE_ROWS(n) < count ? n + SPARE_ROWS(n) : count;
    bound = mcbe_rank_quick(few, n, preimage->rows, preimage->square);
    if (bound == 0.0 && few < count) {
        bound = mcbe_rank_quick(count, n, preimage->rows, preimage->square);
    }
    result->margin = MCBE_RANK_QUICK_MARGIN;
    if (bound == 0.0) {
        const mcbe_status_t st =
            mcbe_rank_bound(count, n, preimage->rows, preimage->square, &bound);
        if (st != MCBE_OK) {
            return st;
        }
        result->margin = MCBE_PREIMAGE_MARGIN;
    }
    if (bound > 0.0) {
        result->verdict = MCBE_PREIMAGE_SINGLETON;
        result->proof = MCBE_PROOF_RANK;
        result->dimension = 0;
    }
    return MCBE_OK;
}

static const mcbe_row_role_t AS_IF_ZERO[] = {
    [MCBE_ROW_NEGATIVE] = MCBE_ROLE_BELOW,
    [MCBE_ROW_TOUCHING] = MCBE_ROLE_BELOW,
    [MCBE_ROW_POSITIVE] = MCBE_ROLE_EQUAL,
    [MCBE_ROW_DOUBTFUL] = MCBE_ROLE_BELOW,
};
static const mcbe_row_role_t AS_IF_POSITIVE[] = {
    [MCBE_ROW_NEGATIVE] = MCBE_ROLE_BELOW,
    [MCBE_ROW_TOUCHING] = MCBE_ROLE_BELOW,
    [MCBE_ROW_POSITIVE] = MCBE_ROLE_EQUAL,
    [MCBE_ROW_DOUBTFUL] = MCBE_ROLE_EQUAL,
};
/* near x, where negative rows stay negative */
static const mcbe_row_role_t NEARBY[] = {
    [MCBE_ROW_NEGATIVE] = MCBE_ROLE_FREE,
    [MCBE_ROW_TOUCHING] = MCBE_ROLE_BELOW,
    [MCBE_ROW_POSITIVE] = MCBE_ROLE_EQUAL,
    [MCBE_ROW_DOUBTFUL] = MCBE_ROLE_EQUAL,
};

static void assign_roles(mcbe_preimage_t *preimage, const mcbe_row_role_t *role)
{
    for (int j = 0; j < preimage->m; j++) {
        preimage->role[j] = (unsigned char)role[preimage->sign[j]];
    }
}

void mcbe_preimage_roles(mcbe_preimage_t *preimage)
{
    assign_roles(preimage, AS_IF_ZERO);
}

static mcbe_status_t cone_with(mcbe_preimage_t *preimage, const mcbe_row_role_t *role,
                               mcbe_cone_result_t *cone, mcbe_preimage_result_t *result)
{
    assign_roles(preimage, role);
    const mcbe_status_t st = mcbe_preimage_cone(preimage, cone);
    result->programs += cone->programs;
    return st;
}

static int count_sign(const mcbe_preimage_t *preimage, mcbe_row_sign_t sign)
{
    int count = 0;
    for (int j = 0; j < preimage->m; j++) {
        count += preimage->sign[j] == sign && preimage->first[j] >= 0;
    }
    return count;
}

static void undecided(mcbe_preimage_result_t *result, mcbe_preimage_proof_t why)
{
    *result = (mcbe_preimage_result_t){.verdict = MCBE_PREIMAGE_UNDECIDED,
                                       .proof = why,
                                       .positive = result->positive,
                                       .doubtful = result->doubtful,
                                       .dimension = -1,
                                       .programs = result->programs};
}

static void proven(mcbe_preimage_result_t *result, mcbe_preimage_verdict_t verdict,
                   mcbe_preimage_proof_t proof, double margin)
{
    result->verdict = verdict;
    result->proof = proof;
    result->margin = margin;
}

/* Whether the preimage is x alone, where positive rows do not make it so. *alone: 1, 0 or -1 */
static mcbe_status_t look_nearby(mcbe_preimage_t *preimage, mcbe_preimage_result_t *result,
                                 int *alone)
{
    const int touching = count_sign(preimage, MCBE_ROW_TOUCHING);
    const int equal = count_sign(preimage, MCBE_ROW_POSITIVE) + result->doubtful;
    mcbe_cone_result_t cone;
    *alone = 0;
    if (equal < preimage->n && touching <= preimage->n - equal) {
        return MCBE_OK; /* too few rows to pin x, whatever the doubtful ones are */
    }
    const mcbe_status_t st = cone_with(preimage, NEARBY, &cone, result);
    if (cone.cone == MCBE_CONE_ZERO && result->doubtful == 0) {
        *alone = 1;
        proven(result, MCBE_PREIMAGE_SINGLETON, MCBE_PROOF_PINNED, cone.margin);
        result->dimension = 0;
    } else if (cone.cone != MCBE_CONE_RAYS) {
        *alone = -1;
    }
    return st;
}

/* Of the affine hull, where no row can narrow it unseen. */
static int dimension_of(const mcbe_preimage_t *preimage, const mcbe_preimage_result_t *result)
{
    const int known = preimage->equals == 0 || preimage->sigma_equal > 0.0;
    return known && result->doubtful == 0 && count_sign(preimage, MCBE_ROW_TOUCHING) == 0
               ? preimage->k
               : -1;
}

static mcbe_status_t bounded_or_not(mcbe_preimage_t *preimage, mcbe_preimage_result_t *result,
                                    int alone)
{
    mcbe_cone_result_t cone;
    mcbe_status_t st = cone_with(preimage, AS_IF_ZERO, &cone, result);
    const int dimension = dimension_of(preimage, result);
    if (st == MCBE_OK && cone.cone == MCBE_CONE_RAYS && result->doubtful > 0) {
        st = cone_with(preimage, AS_IF_POSITIVE, &cone, result);
        cone.cone = cone.cone == MCBE_CONE_RAYS ? MCBE_CONE_RAYS : MCBE_CONE_OPEN;
    }
    if (st != MCBE_OK) {
        return st;
    }
    if (cone.cone == MCBE_CONE_RAYS) {
        proven(result, MCBE_PREIMAGE_UNBOUNDED,
               cone.by_count ? MCBE_PROOF_COUNT : MCBE_PROOF_DIRECTION, cone.margin);
        result->dimension = dimension;
    } else if (cone.cone == MCBE_CONE_ZERO && alone == 0) {
        proven(result, MCBE_PREIMAGE_COMPACT, MCBE_PROOF_COMBINATION, cone.margin);
        result->dimension = dimension;
    } else {
        undecided(result,
                  result->doubtful > 0 ? MCBE_PROOF_NONE_SIGN
                  : count_sign(preimage, MCBE_ROW_POSITIVE) >= preimage->n || preimage->sigma == 0.0
                      ? MCBE_PROOF_NONE_RANK
                      : MCBE_PROOF_NONE_LP);
    }
    return MCBE_OK;
}

static void copy_or_clear(double *to, const double *from, int count, int wanted)
{
    if (to && wanted) {
        memcpy(to, from, (size_t)count * sizeof *to);
    } else if (to) {
        memset(to, 0, (size_t)count * sizeof *to);
    }
}

mcbe_status_t mcbe_preimage_decide(mcbe_preimage_t *preimage, mcbe_preimage_result_t *result)
{
    int alone = 0;
    mcbe_status_t st;
    *result = (mcbe_preimage_result_t){.verdict = MCBE_PREIMAGE_UNDECIDED, .dimension = -1};
    for (int j = 0; j < preimage->m; j++) {
        result->positive += preimage->sign[j] == MCBE_ROW_POSITIVE;
    }
    result->doubtful = count_sign(preimage, MCBE_ROW_DOUBTFUL);
    MCBE_TRY(mcbe_preimage_prove_rank(preimage, result));
    if (result->verdict == MCBE_PREIMAGE_UNDECIDED) {
        MCBE_TRY(look_nearby(preimage, result, &alone));
    }
    if (result->verdict == MCBE_PREIMAGE_UNDECIDED) {
        MCBE_TRY(bounded_or_not(preimage, result, alone));
    }
out:
    return st;
}

mcbe_status_t mcbe_preimage_classify(mcbe_preimage_t *preimage, const double *x,
                                     mcbe_preimage_result_t *result, double *direction,
                                     double *combination, mcbe_error_t *err)
{
    mcbe_preimage_result_t found;
    mcbe_status_t st;
    MCBE_TRY(mcbe_preimage_point(preimage, x, err));
    MCBE_TRY(mcbe_preimage_decide(preimage, &found));
    copy_or_clear(direction, preimage->direction, preimage->n,
                  found.verdict == MCBE_PREIMAGE_UNBOUNDED);
    copy_or_clear(combination, preimage->combination, preimage->m,
                  found.verdict == MCBE_PREIMAGE_COMPACT || found.proof == MCBE_PROOF_PINNED);
    *result = found;
out:
    return st;
}

mcbe_status_t mcbe_omnidirectional(int m, int n, const double *a, mcbe_omnidirectional_t *verdict,
                                   double *direction, double *combination, mcbe_error_t *err)
{
    mcbe_preimage_t *preimage = NULL;
    mcbe_cone_result_t cone;
    mcbe_status_t st;
    MCBE_TRY(mcbe_preimage_create(&preimage, m, n, a, NULL, err));
    memset(preimage->role, MCBE_ROLE_BELOW, (size_t)m);
    MCBE_TRY(mcbe_preimage_cone(preimage, &cone));
    copy_or_clear(direction, preimage->direction, n, cone.cone == MCBE_CONE_RAYS);
    copy_or_clear(combination, preimage->combination, m, cone.cone == MCBE_CONE_ZERO);
    *verdict = cone.cone == MCBE_CONE_ZERO   ? MCBE_OMNIDIRECTIONAL_YES
               : cone.cone == MCBE_CONE_RAYS ? MCBE_OMNIDIRECTIONAL_NO
                                             : MCBE_OMNIDIRECTIONAL_UNDECIDED;
out:
    mcbe_preimage_destroy(&preimage);
    return st;
}
