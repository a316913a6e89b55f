#include <math.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "check.h"
#include "mcbe/injectivity.h"
#include "memory.h"
#include "search_internal.h"

/* Sets of n - 1 rows to try before the best point so far must do: one is enough unless rows are
 * degenerate. */
#define SETS_MAX 16

/* A coefficient of a unit row at a unit point below this has no sign to keep. */
#define SIGN_MIN 1e-12

/* Rows whose triangular factor has a diagonal entry below this count as dependent. */
#define DIAGONAL_MIN 1e-10

struct small {
    const mcbe_frame_t *frame;
    double *factor; /* owned, column-major n x (n - 1), the chosen unit rows, then their QR */
    double *tau;    /* owned, [n] */
    double *x;      /* owned, column-major n x 2: the null vector and the tilt */
    double *point;  /* owned, [n] */
    float *a, *b;   /* owned, [n] */
    double *c;      /* owned, [m] */
};

/* Null vector of the n - 1 rows from `first` on, cyclically, and the shortest tilt d with
 * <w_j, d> = -|w_j| for each of them; no tilt where they are dependent. With Q R the factors of the
 * unit rows as columns, the null vector is the last column of Q, and d = Q (R^-T (-1), 0). */
static mcbe_status_t solve(struct small *s, int first)
{
    const int m = s->frame->m, n = s->frame->n, rows = n - 1;
    double *null = s->x, *tilt = s->x + n;
    memset(s->x, 0, 2 * (size_t)n * sizeof *s->x);
    null[n - 1] = 1.0;
    if (rows == 0) {
        return MCBE_OK;
    }
    for (int i = 0; i < rows; i++) {
        const int row = (first + i) % m;
        for (int k = 0; k < n; k++) {
            s->factor[(size_t)i * (size_t)n + (size_t)k] =
                s->frame->w[(size_t)row * (size_t)n + (size_t)k] / s->frame->norm[row];
        }
    }
    if (LAPACKE_dgeqrf(LAPACK_COL_MAJOR, n, rows, s->factor, n, s->tau) != 0) {
        return MCBE_ERR_INTERNAL;
    }
    int independent = 1;
    for (int i = 0; i < rows; i++) {
        independent &= fabs(s->factor[(size_t)i * (size_t)n + (size_t)i]) > DIAGONAL_MIN;
    }
    if (independent) {
        for (int i = 0; i < rows; i++) {
            tilt[i] = -1.0;
        }
        cblas_dtrsv(CblasColMajor, CblasUpper, CblasTrans, CblasNonUnit, rows, s->factor, n, tilt,
                    1);
    }
    const lapack_int info =
        LAPACKE_dormqr(LAPACK_COL_MAJOR, 'L', 'N', n, 2, rows, s->factor, n, s->tau, s->x, n);
    return info == 0 ? MCBE_OK : MCBE_ERR_INTERNAL;
}

/* How far the null vector may be tilted: half-way to where a row outside the set changes sign. */
static double tilt_size(const struct small *s)
{
    const int n = s->frame->n;
    const double *null = s->x, *tilt = s->x + n;
    double size = 0.5 / fmax(1.0, cblas_dnrm2(n, tilt, 1));
    for (int j = 0; j < s->frame->m; j++) {
        const double *row = s->frame->w + (size_t)j * (size_t)n;
        const double at_null = fabs(cblas_ddot(n, row, 1, null, 1));
        const double change = fabs(cblas_ddot(n, row, 1, tilt, 1));
        if (at_null > SIGN_MIN * s->frame->norm[j] && 0.5 * at_null < size * change) {
            size = 0.5 * at_null / change;
        }
    }
    return size;
}

/* Keep sign * null + size * tilt if it has the fewest active rows so far. */
static void consider(struct small *s, double sign, double size, double *x, int *active)
{
    const int n = s->frame->n;
    for (int k = 0; k < n; k++) {
        s->point[k] = sign * s->x[k] + size * s->x[n + k];
    }
    mcbe_direction_settle(n, s->point);
    mcbe_point_split(n, s->point, s->a, s->b);
    const double norm = mcbe_point_norm(n, s->a, s->b, 1), scale = 1.0 / norm;
    mcbe_frame_pair_coefficients(s->frame, s->a, s->b, scale, s->c);
    const int count = mcbe_active_count(s->frame, s->c, NULL, norm * scale, NULL);
    if (count < *active) {
        *active = count;
        memcpy(x, s->point, (size_t)n * sizeof *x);
    }
}

mcbe_status_t mcbe_refute_small(const mcbe_frame_t *frame, double *x, int *active)
{
    const int m = frame->m, n = frame->n;
    const size_t length = (size_t)n;
    struct small s = {.frame = frame};
    mcbe_status_t st = MCBE_ERR_NOMEM;
    int fewest = m + 1;
    s.factor = mcbe_alloc(length * length, sizeof *s.factor);
    s.tau = mcbe_alloc(length, sizeof *s.tau);
    s.x = mcbe_alloc(2 * length, sizeof *s.x);
    s.point = mcbe_alloc(length, sizeof *s.point);
    s.a = mcbe_alloc(length, sizeof *s.a);
    s.b = mcbe_alloc(length, sizeof *s.b);
    s.c = mcbe_alloc((size_t)m, sizeof *s.c);
    if (!s.factor || !s.tau || !s.x || !s.point || !s.a || !s.b || !s.c) {
        goto out;
    }
    for (int first = 0; first < m && first < SETS_MAX && fewest > (m - n + 1) / 2; first++) {
        MCBE_TRY(solve(&s, first));
        const double size = tilt_size(&s);
        consider(&s, 1.0, size, x, &fewest);
        consider(&s, -1.0, size, x, &fewest);
    }
    *active = fewest;
    st = MCBE_OK;
out:
    mcbe_free(s.c);
    mcbe_free(s.b);
    mcbe_free(s.a);
    mcbe_free(s.point);
    mcbe_free(s.x);
    mcbe_free(s.tau);
    mcbe_free(s.factor);
    return st;
}
