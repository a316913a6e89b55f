#include "mcbe/frame.h"

#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "kernels.h"
#include "memory.h"
#include "npy.h"

/* Beyond these a square leaves the range of fp64 or a norm says nothing. */
#define ENTRY_MAX 1e150
#define NORM_MIN 1e-150

#define ROWS_AT_ONCE MCBE_ROWS_AT_ONCE

struct mcbe_transpose {
    atomic_int state;
    _Alignas(MCBE_ALIGNMENT) double values[];
};

enum { EMPTY, BEING_FILLED, FILLED };

static mcbe_status_t check_shape(int64_t m, int64_t n)
{
    return n >= 1 && m >= n && n <= MCBE_MAX_N && m <= MCBE_MAX_M ? MCBE_OK : MCBE_ERR_DIM;
}

/* The power of two that takes the largest entry of a row near 1, so that no square leaves the range. */
static int exponent_of(double largest)
{
    int exponent;
    (void)frexp(largest, &exponent);
    return exponent < -1000 ? -1000 : exponent; /* 2^1000 is a number; such rows are refused */
}

/* Canonical norms. */
static void row_norms(int n, const double *const rows[ROWS_AT_ONCE],
                      const double largest[ROWS_AT_ONCE], double norm[ROWS_AT_ONCE])
{
    double unit[ROWS_AT_ONCE], squares[ROWS_AT_ONCE];
    for (int i = 0; i < ROWS_AT_ONCE; i++) {
        unit[i] = ldexp(1.0, -exponent_of(largest[i]));
    }
    mcbe_kernels()->row_squares(n, rows, unit, squares);
    for (int i = 0; i < ROWS_AT_ONCE; i++) {
        norm[i] = ldexp(sqrt(squares[i]), exponent_of(largest[i]));
    }
}

static mcbe_status_t allocate(mcbe_frame_t *frame, int m, int n)
{
    memset(frame, 0, sizeof *frame);
    frame->m = m;
    frame->n = n;
    frame->w = mcbe_alloc((size_t)m * (size_t)n, sizeof *frame->w);
    frame->transpose =
        mcbe_alloc(sizeof *frame->transpose + (size_t)m * (size_t)n * sizeof(double), 1);
    frame->norm = mcbe_alloc((size_t)m, sizeof *frame->norm);
    if (!frame->w || !frame->transpose || !frame->norm) {
        mcbe_frame_free(frame);
        return MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

/* In squares, so that both matrices are passed through line by line. */
static void fill_transpose(const mcbe_frame_t *frame)
{
    enum { SIDE = 16 };
    const ptrdiff_t m = frame->m, n = frame->n;
    double *wt = frame->transpose->values;
    for (ptrdiff_t first = 0; first < m; first += SIDE) {
        const ptrdiff_t last = first + SIDE < m ? first + SIDE : m;
        for (ptrdiff_t start = 0; start < n; start += SIDE) {
            const ptrdiff_t end = start + SIDE < n ? start + SIDE : n;
            for (ptrdiff_t k = start; k < end; k++) {
                for (ptrdiff_t j = first; j < last; j++) {
                    wt[k * m + j] = frame->w[j * n + k];
                }
            }
        }
    }
}

const double *mcbe_frame_transposed(const mcbe_frame_t *frame)
{
    mcbe_transpose_t *transpose = frame->transpose;
    int state = EMPTY;
    if (atomic_load_explicit(&transpose->state, memory_order_acquire) == FILLED) {
        return transpose->values;
    }
    if (atomic_compare_exchange_strong(&transpose->state, &state, BEING_FILLED)) {
        fill_transpose(frame);
        atomic_store_explicit(&transpose->state, FILLED, memory_order_release);
    }
    while (atomic_load_explicit(&transpose->state, memory_order_acquire) != FILLED) {
        (void)sched_yield();
    }
    return transpose->values;
}

static mcbe_status_t refuse_entry(int row, const double *w, int n, mcbe_error_t *err)
{
    int k = 0;
    while (k < n - 1 && fabs(w[k]) <= ENTRY_MAX) {
        k++;
    }
    return mcbe_fail(
        err, MCBE_ERR_VALUE,
        "weight matrix: row %d, column %d is %g; finite values up to 1e150 in size are "
        "allowed",
        row, k, w[k]);
}

/* Norms of some rows from `first` on.
 * @param[in] narrow  the entries are floats  @param[in] normalize  divide the rows by the norms first */
static mcbe_status_t finish_rows(const mcbe_frame_t *frame, int first, int narrow, int normalize,
                                 mcbe_error_t *err)
{
    const mcbe_kernels_t *kernels = mcbe_kernels();
    const int n = frame->n,
              count = frame->m - first < ROWS_AT_ONCE ? frame->m - first : ROWS_AT_ONCE;
    const double *rows[ROWS_AT_ONCE];
    double largest[ROWS_AT_ONCE], norm[ROWS_AT_ONCE];
    for (int pass = 0; pass <= normalize; pass++) {
        for (int i = 0; i < ROWS_AT_ONCE; i++) {
            const int j = first + (i < count ? i : 0);
            rows[i] = frame->w + (ptrdiff_t)j * n;
            /* squares of floats neither overflow nor underflow, so no scale is needed, and any one
             * gives the same bits */
            largest[i] = narrow && pass == 0 ? 1.0 : kernels->largest_size(n, rows[i]);
            if (!(largest[i] <= ENTRY_MAX)) {
                return refuse_entry(j, rows[i], n, err);
            }
        }
        row_norms(n, rows, largest, norm);
        for (int i = 0; i < count; i++) {
            if (!isfinite(norm[i])) { /* floats, whose entries were not looked at */
                return refuse_entry(first + i, rows[i], n, err);
            }
            if (norm[i] < NORM_MIN) {
                return mcbe_fail(err, MCBE_ERR_VALUE,
                                 "weight matrix: row %d is zero (norm %g); a zero row never "
                                 "tells anything and must be left out",
                                 first + i, norm[i]);
            }
            double *row = frame->w + (ptrdiff_t)(first + i) * n;
            for (int k = 0; k < n && pass < normalize; k++) {
                row[k] /= norm[i];
            }
            frame->norm[first + i] = norm[i];
        }
    }
    return MCBE_OK;
}

/* Everything that follows from w but the transpose: norms, the normalisation asked for. Frees on
 * error. @param[in] from  [m][ldw], where w comes from, or NULL if it is there */
static mcbe_status_t finish(mcbe_frame_t *frame, const float *from, ptrdiff_t ldw,
                            int normalize_rows, mcbe_error_t *err)
{
    const mcbe_kernels_t *kernels = mcbe_kernels();
    const ptrdiff_t n = frame->n;
    atomic_store(&frame->transpose->state, EMPTY);
    for (int first = 0; first < frame->m; first += ROWS_AT_ONCE) {
        for (ptrdiff_t j = first; from && j < first + ROWS_AT_ONCE && j < frame->m; j++) {
            kernels->widen(frame->n, from + j * ldw, frame->w + j * n);
        }
        mcbe_status_t st = finish_rows(frame, first, from != NULL, normalize_rows != 0, err);
        if (st != MCBE_OK) {
            mcbe_frame_free(frame);
            return st;
        }
    }
    for (int j = 0; j < frame->m; j++) {
        frame->norm_max = frame->norm[j] > frame->norm_max ? frame->norm[j] : frame->norm_max;
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_frame_random(mcbe_frame_t *frame, mcbe_ensemble_t ensemble,
                                const mcbe_stream_key_t *key, int normalize_rows)
{
    memset(frame, 0, sizeof *frame);
    if (ensemble != MCBE_ENSEMBLE_GAUSSIAN && ensemble != MCBE_ENSEMBLE_SPHERE) {
        return MCBE_ERR_ARGUMENT;
    }
    mcbe_status_t st = check_shape(key->m, key->n);
    if (st != MCBE_OK) {
        return st;
    }
    st = allocate(frame, (int)key->m, (int)key->n);
    if (st != MCBE_OK) {
        return st;
    }
    size_t count = (size_t)key->m * (size_t)key->n;
    float *normals = mcbe_alloc(count, sizeof *normals);
    if (!normals) {
        mcbe_frame_free(frame);
        return MCBE_ERR_NOMEM;
    }
    mcbe_stream_key_t stream = *key;
    stream.purpose = MCBE_PURPOSE_FRAME;
    stream.block = 0;
    mcbe_rng_t rng;
    mcbe_rng_init(&rng, &stream);
    mcbe_rng_normals(&rng, normals, count);
    for (size_t i = 0; i < count; i++) {
        frame->w[i] = (double)normals[i];
    }
    mcbe_free(normals);
    if (frame->n == 1) { /* a normal may be 0, likely enough for n = 1 only; a row may not */
        for (int j = 0; j < frame->m; j++) {
            frame->w[j] = frame->w[j] == 0.0 ? 1.0 : frame->w[j];
        }
    }
    return finish(frame, NULL, 0, normalize_rows || ensemble == MCBE_ENSEMBLE_SPHERE, NULL);
}

mcbe_status_t mcbe_frame_named_shape(mcbe_ensemble_t ensemble, int *m, int *n)
{
    int rows = ensemble == MCBE_ENSEMBLE_TETRAHEDRON   ? 4
               : ensemble == MCBE_ENSEMBLE_OCTAHEDRON  ? 6
               : ensemble == MCBE_ENSEMBLE_ICOSAHEDRON ? 12
                                                       : 0;
    if (rows == 0) {
        return MCBE_ERR_ARGUMENT;
    }
    *m = rows;
    *n = 3;
    return MCBE_OK;
}

static void fill_icosahedron(double *w)
{
    const double golden = (1.0 + sqrt(5.0)) / 2.0;
    int row = 0;
    for (int axis = 0; axis < 3; axis++) { /* cyclic shifts of (0, +-1, +-golden) */
        for (int signs = 0; signs < 4; signs++, row++) {
            w[3 * row + (axis + 1) % 3] = signs & 1 ? -1.0 : 1.0;
            w[3 * row + (axis + 2) % 3] = signs & 2 ? -golden : golden;
        }
    }
}

mcbe_status_t mcbe_frame_named(mcbe_frame_t *frame, mcbe_ensemble_t ensemble)
{
    static const double tetrahedron[4][3] = {{1, 1, 1}, {1, -1, -1}, {-1, 1, -1}, {-1, -1, 1}};
    int m, n;
    memset(frame, 0, sizeof *frame);
    mcbe_status_t st = mcbe_frame_named_shape(ensemble, &m, &n);
    if (st != MCBE_OK) {
        return st;
    }
    st = allocate(frame, m, n);
    if (st != MCBE_OK) {
        return st;
    }
    if (ensemble == MCBE_ENSEMBLE_TETRAHEDRON) {
        memcpy(frame->w, tetrahedron, sizeof tetrahedron);
    } else if (ensemble == MCBE_ENSEMBLE_OCTAHEDRON) {
        for (int k = 0; k < 3; k++) {
            frame->w[3 * k + k] = 1.0;
            frame->w[3 * (k + 3) + k] = -1.0;
        }
    } else {
        fill_icosahedron(frame->w);
    }
    return finish(frame, NULL, 0, 1, NULL);
}

/* Room for a matrix of the caller's: the frame's own where it has that shape, so that layers that change
 * all the time need no new memory. */
static mcbe_status_t make_room(mcbe_frame_t *frame, int m, int n, ptrdiff_t ldw, mcbe_error_t *err)
{
    if (check_shape(m, n) != MCBE_OK || ldw < n) {
        mcbe_frame_free(frame);
        return mcbe_fail(err, MCBE_ERR_DIM,
                         "weight matrix: shape %d x %d (row stride %td); allowed are 1 <= n <= m, "
                         "n up to %d, m up to %d",
                         m, n, ldw, MCBE_MAX_N, MCBE_MAX_M);
    }
    if (frame->m == m && frame->n == n) {
        frame->norm_max = 0.0;
        return MCBE_OK;
    }
    mcbe_frame_free(frame);
    return allocate(frame, m, n);
}

mcbe_status_t mcbe_frame_assign(mcbe_frame_t *frame, int m, int n, const double *w, ptrdiff_t ldw,
                                int normalize_rows, mcbe_error_t *err)
{
    mcbe_status_t st = make_room(frame, m, n, ldw, err);
    if (st != MCBE_OK) {
        return st;
    }
    for (int j = 0; j < m; j++) {
        memcpy(frame->w + (size_t)j * (size_t)n, w + j * ldw, (size_t)n * sizeof *w);
    }
    return finish(frame, NULL, 0, normalize_rows, err);
}

mcbe_status_t mcbe_frame_assign_f32(mcbe_frame_t *frame, int m, int n, const float *w,
                                    ptrdiff_t ldw, int normalize_rows, mcbe_error_t *err)
{
    mcbe_status_t st = make_room(frame, m, n, ldw, err);
    if (st != MCBE_OK) {
        return st;
    }
    return finish(frame, w, ldw, normalize_rows, err);
}

mcbe_status_t mcbe_frame_copy(mcbe_frame_t *frame, int m, int n, const double *w, ptrdiff_t ldw,
                              int normalize_rows, mcbe_error_t *err)
{
    memset(frame, 0, sizeof *frame);
    return mcbe_frame_assign(frame, m, n, w, ldw, normalize_rows, err);
}

mcbe_status_t mcbe_frame_load(mcbe_frame_t *frame, const char *path, int normalize_rows,
                              mcbe_error_t *err)
{
    memset(frame, 0, sizeof *frame);
    mcbe_npy_t array;
    mcbe_status_t st = mcbe_npy_load(&array, path, err);
    if (st != MCBE_OK) {
        return st;
    }
    if (array.columns == 0) {
        st =
            mcbe_fail(err, MCBE_ERR_DATA,
                      "'%s' holds a vector of %lld numbers; a weight matrix has m rows of length n",
                      path, (long long)array.rows);
    } else if (check_shape(array.rows, array.columns) != MCBE_OK) {
        st = mcbe_fail(
            err, MCBE_ERR_DATA,
            "'%s' holds a %lld x %lld matrix; a weight matrix has m rows of length n with "
            "1 <= n <= m, n up to %d, m up to %d",
            path, (long long)array.rows, (long long)array.columns, MCBE_MAX_N, MCBE_MAX_M);
    } else {
        st = mcbe_frame_copy(frame, (int)array.rows, (int)array.columns, array.values,
                             (ptrdiff_t)array.columns, normalize_rows, err);
    }
    mcbe_npy_free(&array);
    return st;
}

void mcbe_frame_free(mcbe_frame_t *frame)
{
    mcbe_free(frame->w);
    mcbe_free(frame->transpose);
    mcbe_free(frame->norm);
    memset(frame, 0, sizeof *frame);
}

void mcbe_frame_coefficients(const mcbe_frame_t *frame, const float *x, ptrdiff_t stride,
                             double scale, double *c)
{
    mcbe_kernels()->coefficients(frame->m, frame->n, mcbe_frame_transposed(frame), x, NULL, stride,
                                 scale, c);
}

double mcbe_frame_coefficient(const mcbe_frame_t *frame, int row, const float *a, const float *b,
                              ptrdiff_t stride, double scale)
{
    const double *w = frame->w + (ptrdiff_t)row * frame->n;
    double sum = 0.0;
    for (int k = 0; k < frame->n; k++) {
        const double ak = (double)a[k * stride];
        sum += w[k] * (b ? ak + (double)b[k * stride] : ak);
    }
    return sum * scale + 0.0;
}

void mcbe_frame_pair_coefficients(const mcbe_frame_t *frame, const float *a, const float *b,
                                  double scale, double *c)
{
    mcbe_kernels()->coefficients(frame->m, frame->n, mcbe_frame_transposed(frame), a, b, 1, scale,
                                 c);
}
