#include "mcbe/frame.h"

#include <math.h>
#include <string.h>

#include "kernels.h"
#include "memory.h"
#include "npy.h"

/* Beyond these a square leaves the range of fp64 or a norm says nothing. */
#define ENTRY_MAX 1e150
#define NORM_MIN 1e-150

static mcbe_status_t check_shape(int64_t m, int64_t n)
{
    return n >= 1 && m >= n && n <= MCBE_MAX_N && m <= MCBE_MAX_M ? MCBE_OK : MCBE_ERR_DIM;
}

/* Canonical norm: a power of two takes the largest entry near 1, so no square leaves the range. */
static double row_norm(const double *row, int n)
{
    double largest = 0.0;
    for (int k = 0; k < n; k++) {
        largest = fabs(row[k]) > largest ? fabs(row[k]) : largest;
    }
    if (largest == 0.0) {
        return 0.0;
    }
    int exponent;
    (void)frexp(largest, &exponent);
    exponent = exponent < -1000 ? -1000 : exponent; /* 2^1000 is a number; such rows are refused */
    const double unit = ldexp(1.0, -exponent);
    double sum = 0.0;
    for (int k = 0; k < n; k++) {
        double entry = row[k] * unit;
        sum += entry * entry;
    }
    return ldexp(sqrt(sum), exponent);
}

static mcbe_status_t allocate(mcbe_frame_t *frame, int m, int n)
{
    memset(frame, 0, sizeof *frame);
    frame->m = m;
    frame->n = n;
    frame->w = mcbe_alloc((size_t)m * (size_t)n, sizeof *frame->w);
    frame->wt = mcbe_alloc((size_t)m * (size_t)n, sizeof *frame->wt);
    frame->norm = mcbe_alloc((size_t)m, sizeof *frame->norm);
    if (!frame->w || !frame->wt || !frame->norm) {
        mcbe_frame_free(frame);
        return MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

/* In squares, so that both matrices are passed through line by line. */
static void transpose(mcbe_frame_t *frame)
{
    enum { SIDE = 16 };
    const ptrdiff_t m = frame->m, n = frame->n;
    for (ptrdiff_t first = 0; first < m; first += SIDE) {
        const ptrdiff_t last = first + SIDE < m ? first + SIDE : m;
        for (ptrdiff_t start = 0; start < n; start += SIDE) {
            const ptrdiff_t end = start + SIDE < n ? start + SIDE : n;
            for (ptrdiff_t k = start; k < end; k++) {
                for (ptrdiff_t j = first; j < last; j++) {
                    frame->wt[k * m + j] = frame->w[j * n + k];
                }
            }
        }
    }
}

/* Everything that follows from w: norms, the normalisation asked for, the transpose. Frees on
 * error. */
static mcbe_status_t finish(mcbe_frame_t *frame, int normalize_rows, mcbe_error_t *err)
{
    for (int j = 0; j < frame->m; j++) {
        double *row = frame->w + (size_t)j * (size_t)frame->n;
        for (int k = 0; k < frame->n; k++) {
            if (!(fabs(row[k]) <= ENTRY_MAX)) {
                mcbe_status_t st =
                    mcbe_fail(err, MCBE_ERR_VALUE,
                              "weight matrix: row %d, column %d is %g; finite values up to 1e150 "
                              "in size are allowed",
                              j, k, row[k]);
                mcbe_frame_free(frame);
                return st;
            }
        }
        double norm = row_norm(row, frame->n);
        if (norm < NORM_MIN) {
            mcbe_status_t st =
                mcbe_fail(err, MCBE_ERR_VALUE,
                          "weight matrix: row %d is zero (norm %g); a zero row never "
                          "tells anything and must be left out",
                          j, norm);
            mcbe_frame_free(frame);
            return st;
        }
        if (normalize_rows) {
            for (int k = 0; k < frame->n; k++) {
                row[k] /= norm;
            }
            norm = row_norm(row, frame->n);
        }
        frame->norm[j] = norm;
        frame->norm_max = norm > frame->norm_max ? norm : frame->norm_max;
    }
    transpose(frame);
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
    return finish(frame, normalize_rows || ensemble == MCBE_ENSEMBLE_SPHERE, NULL);
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
    return finish(frame, 1, NULL);
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
    return finish(frame, normalize_rows, err);
}

mcbe_status_t mcbe_frame_assign_f32(mcbe_frame_t *frame, int m, int n, const float *w,
                                    ptrdiff_t ldw, int normalize_rows, mcbe_error_t *err)
{
    mcbe_status_t st = make_room(frame, m, n, ldw, err);
    if (st != MCBE_OK) {
        return st;
    }
    for (ptrdiff_t j = 0; j < m; j++) {
        for (ptrdiff_t k = 0; k < n; k++) {
            frame->w[j * n + k] = (double)w[j * ldw + k];
        }
    }
    return finish(frame, normalize_rows, err);
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
    mcbe_free(frame->wt);
    mcbe_free(frame->norm);
    memset(frame, 0, sizeof *frame);
}

void mcbe_frame_coefficients(const mcbe_frame_t *frame, const float *x, ptrdiff_t stride,
                             double scale, double *c)
{
    mcbe_kernels()->coefficients(frame->m, frame->n, frame->wt, x, NULL, stride, scale, c);
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
    mcbe_kernels()->coefficients(frame->m, frame->n, frame->wt, a, b, 1, scale, c);
}
