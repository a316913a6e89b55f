#include <math.h>
#include <stddef.h>
#include <string.h>

#include "lower_internal.h"
#include "memory.h"

/* Of a unit vector this much must be new for it to count as independent. */
#define INDEPENDENT 1e-8

mcbe_status_t mcbe_face_init(mcbe_face_t *face, int n)
{
    const size_t rows = n > 1 ? (size_t)n - 1 : 1;
    memset(face, 0, sizeof *face);
    face->n = n;
    face->padded = (n + MCBE_PAD - 1) / MCBE_PAD * MCBE_PAD;
    face->row = mcbe_alloc(rows, sizeof *face->row);
    face->q = mcbe_alloc(rows * (size_t)face->padded, sizeof *face->q);
    face->r = mcbe_alloc(rows * (rows + 1) / 2, sizeof *face->r);
    face->dot = mcbe_alloc(rows, sizeof *face->dot);
    face->mu = mcbe_alloc(rows, sizeof *face->mu);
    if (!face->row || !face->q || !face->r || !face->dot || !face->mu) {
        mcbe_face_free(face);
        return MCBE_ERR_NOMEM;
    }
    return MCBE_OK;
}

void mcbe_face_free(mcbe_face_t *face)
{
    mcbe_free(face->row);
    mcbe_free(face->q);
    mcbe_free(face->r);
    mcbe_free(face->dot);
    mcbe_free(face->mu);
    memset(face, 0, sizeof *face);
}

double mcbe_padded_dot(int padded, const double *restrict a, const double *restrict b)
{
    double sum[MCBE_PAD] = {0};
    for (int k = 0; k < padded; k += MCBE_PAD) {
        for (int s = 0; s < MCBE_PAD; s++) {
            sum[s] += a[k + s] * b[k + s];
        }
    }
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

void mcbe_padded_add(int padded, double factor, const double *restrict x, double *restrict y)
{
    for (int k = 0; k < padded; k += MCBE_PAD) {
        for (int s = 0; s < MCBE_PAD; s++) {
            y[k + s] += factor * x[k + s];
        }
    }
}

void mcbe_padded_scale(int padded, double factor, double *restrict x)
{
    for (int k = 0; k < padded; k++) {
        x[k] *= factor;
    }
}

static double *basis(const mcbe_face_t *face, int i)
{
    return face->q + (ptrdiff_t)i * face->padded;
}

static double *column(const mcbe_face_t *face, int k)
{
    return face->r + (ptrdiff_t)k * (k + 1) / 2;
}

int mcbe_face_add(mcbe_face_t *face, int row, double *u)
{
    double *r = column(face, face->count);
    memset(r, 0, (size_t)face->count * sizeof *r);
    for (int pass = 0; pass < 2; pass++) { /* twice is enough (Kahan, in Parlett 1980) */
        for (int i = 0; i < face->count; i++) {
            const double part = mcbe_padded_dot(face->padded, basis(face, i), u);
            mcbe_padded_add(face->padded, -part, basis(face, i), u);
            r[i] += part;
        }
    }
    const double size = sqrt(mcbe_padded_dot(face->padded, u, u));
    if (size < INDEPENDENT) {
        return 0;
    }
    mcbe_padded_scale(face->padded, 1.0 / size, u);
    memcpy(basis(face, face->count), u, (size_t)face->padded * sizeof *u);
    r[face->count] = size;
    face->row[face->count++] = row;
    return 1;
}

/* (a, b) <- (cosine a + sine b, cosine b - sine a) */
static void rotate(double *a, double *b, double cosine, double sine)
{
    const double first = *a, second = *b;
    *a = cosine * first + sine * second;
    *b = cosine * second - sine * first;
}

void mcbe_face_drop(mcbe_face_t *face, int at)
{
    face->count--;
    for (int k = at; k < face->count; k++) {
        /* the next column moves here; a rotation of q_k and q_(k+1) clears its entry below the
         * diagonal, which the column has no place for */
        double *next = column(face, k + 1);
        const double size = sqrt(next[k] * next[k] + next[k + 1] * next[k + 1]);
        const double cosine = next[k] / size, sine = next[k + 1] / size;
        next[k] = size;
        memcpy(column(face, k), next, (size_t)(k + 1) * sizeof *next);
        face->row[k] = face->row[k + 1];
        for (int later = k + 2; later <= face->count; later++) {
            double *r = column(face, later);
            rotate(r + k, r + k + 1, cosine, sine);
        }
        double *q = basis(face, k), *other = basis(face, k + 1);
        for (int i = 0; i < face->padded; i++) {
            rotate(q + i, other + i, cosine, sine);
        }
    }
}

double mcbe_face_project(mcbe_face_t *face, const double *v, double *out)
{
    memcpy(out, v, (size_t)face->padded * sizeof *v);
    for (int i = 0; i < face->count; i++) {
        face->dot[i] = mcbe_padded_dot(face->padded, basis(face, i), out);
        mcbe_padded_add(face->padded, -face->dot[i], basis(face, i), out);
    }
    return sqrt(mcbe_padded_dot(face->padded, out, out));
}

const double *mcbe_face_multipliers(mcbe_face_t *face)
{
    memcpy(face->mu, face->dot, (size_t)face->count * sizeof *face->mu);
    for (int k = face->count - 1; k >= 0; k--) {
        const double *r = column(face, k);
        face->mu[k] /= r[k];
        for (int i = 0; i < k; i++) {
            face->mu[i] -= r[i] * face->mu[k];
        }
    }
    return face->mu;
}

void mcbe_face_inward(mcbe_face_t *face, double *d)
{
    memset(d, 0, (size_t)face->padded * sizeof *d);
    for (int k = 0; k < face->count; k++) {
        const double *r = column(face, k);
        double rest = -1.0;
        for (int i = 0; i < k; i++) {
            rest -= r[i] * face->mu[i];
        }
        face->mu[k] = rest / r[k];
        mcbe_padded_add(face->padded, face->mu[k], basis(face, k), d);
    }
}
