#include "mcbe/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "memory.h"

/* Points of a run, drawn again, with the blocks they came from: those next to them often come from the
 * same. A block of independent points, or a part of each of the two that are added. */
typedef struct source {
    mcbe_design_t design;
    const mcbe_domain_t *domain;
    const mcbe_frame_t *frame;
    const mcbe_points_t *points; /* may be NULL */
    mcbe_stream_key_t key;
    int width[2];    /* points in a block */
    float *block[2]; /* owned, [n][width], or NULL */
    double *scale;   /* owned, [width], or NULL */
    int64_t held[2]; /* which block is there, -1 for none */
} source_t;

int64_t mcbe_row_sample(int64_t row)
{
    return -2 - row;
}

mcbe_status_t mcbe_point_init(mcbe_point_t *point, int n)
{
    point->a = mcbe_alloc((size_t)n, sizeof *point->a);
    point->b = mcbe_alloc((size_t)n, sizeof *point->b);
    return point->a && point->b ? MCBE_OK : MCBE_ERR_NOMEM;
}

void mcbe_point_free(mcbe_point_t *point)
{
    mcbe_free(point->a);
    mcbe_free(point->b);
    memset(point, 0, sizeof *point);
}

/* Room for blocks, once the first drawn point asks for it. */
static mcbe_status_t make_room(source_t *source)
{
    if (source->scale) {
        return MCBE_OK;
    }
    const size_t n = (size_t)source->frame->n;
    const int size = mcbe_domain_block_size(source->frame->n);
    const int crossed = mcbe_design_is_crossed(source->design);
    const int sizes[2] = {mcbe_crossed_centers(source->design), MCBE_CROSSED_NOISES};
    const int parts = source->design == MCBE_DESIGN_IID ? 1 : 2;
    for (int i = 0; i < parts; i++) {
        source->held[i] = -1;
        source->width[i] = crossed ? sizes[i] : size;
        source->block[i] = mcbe_alloc(n * (size_t)source->width[i], sizeof *source->block[i]);
        if (!source->block[i]) {
            return MCBE_ERR_NOMEM;
        }
    }
    source->scale = mcbe_alloc((size_t)size, sizeof *source->scale);
    return source->scale ? MCBE_OK : MCBE_ERR_NOMEM;
}

static void source_free(source_t *source)
{
    mcbe_free(source->block[0]);
    mcbe_free(source->block[1]);
    mcbe_free(source->scale);
}

/* Point s of a coordinate-major block. */
static void take(const source_t *source, int part, int64_t s, float *x)
{
    for (int k = 0; k < source->frame->n; k++) {
        x[k] = source->block[part][(int64_t)k * source->width[part] + s];
    }
}

/* Is another block needed than the one there is? Its number goes into the key. */
static int turn_to(source_t *source, int part, int64_t block)
{
    const int other = source->held[part] != block;
    source->held[part] = block;
    source->key.block = block;
    return other;
}

static void draw_iid(source_t *source, int64_t sample, mcbe_point_t *point)
{
    const int64_t width = source->width[0];
    if (turn_to(source, 0, sample / width)) {
        mcbe_domain_fill(source->domain, source->frame->n, &source->key, source->block[0],
                         source->scale);
    }
    take(source, 0, sample % width, point->a);
    point->scale = source->scale[sample % width];
}

static void draw_paired(source_t *source, int64_t sample, mcbe_point_t *point)
{
    const int n = source->frame->n;
    int64_t row[2];
    float *x[2] = {point->a, point->b};
    mcbe_paired_rows(sample, &row[0], &row[1]);
    for (int i = 0; i < 2; i++) {
        if (turn_to(source, i, row[i] / source->width[i])) {
            mcbe_paired_fill(i, n, &source->key, source->block[i]);
        }
        take(source, i, row[i] % source->width[i], x[i]);
    }
    point->scale = mcbe_paired_scale(source->domain, n, point->a, point->b);
}

static void draw_crossed(source_t *source, int64_t sample, mcbe_point_t *point)
{
    const int64_t centers = source->width[0], block = centers * source->width[1];
    const int64_t place = sample % block;
    if (turn_to(source, 0, sample / block)) {
        mcbe_crossed_fill(source->design, source->domain->cloud, &source->key, source->block[0],
                          source->block[1]);
    }
    take(source, 0, place % centers, point->a);
    take(source, 1, place / centers, point->b);
    point->scale = 1.0;
}

/* The direction of a row, a point of the unit sphere as good as any. */
static mcbe_status_t take_row(const mcbe_frame_t *frame, int64_t row, mcbe_point_t *point)
{
    if (row < 0 || row >= frame->m) {
        return MCBE_ERR_ARGUMENT;
    }
    for (int k = 0; k < frame->n; k++) {
        point->a[k] = (float)(frame->w[row * frame->n + k] / frame->norm[row]);
    }
    point->scale = 1.0 / mcbe_point_norm(frame->n, point->a, NULL, 1);
    return MCBE_OK;
}

static mcbe_status_t take_stored(const mcbe_points_t *points, int64_t number, mcbe_point_t *point)
{
    if (!points || number >= points->count) {
        return MCBE_ERR_ARGUMENT;
    }
    double *copy = mcbe_alloc((size_t)points->n, sizeof *copy);
    if (!copy) {
        return MCBE_ERR_NOMEM;
    }
    memcpy(copy, points->x + number * points->n, (size_t)points->n * sizeof *copy);
    mcbe_point_split(points->n, copy, point->a, point->b);
    point->scale = 1.0 / mcbe_point_norm(points->n, point->a, point->b, 1);
    mcbe_free(copy);
    return MCBE_OK;
}

static mcbe_status_t draw(source_t *source, int64_t sample, mcbe_point_t *point)
{
    memset(point->b, 0, (size_t)source->frame->n * sizeof *point->b);
    if (sample < 0) {
        return take_row(source->frame, -2 - sample, point);
    }
    if (sample >= MCBE_STORED_POINT) {
        return take_stored(source->points, sample - MCBE_STORED_POINT, point);
    }
    mcbe_status_t st = make_room(source);
    if (st != MCBE_OK) {
        return st;
    }
    switch (source->design) {
    case MCBE_DESIGN_IID:
        draw_iid(source, sample, point);
        break;
    case MCBE_DESIGN_PAIRED:
        draw_paired(source, sample, point);
        break;
    case MCBE_DESIGN_CROSSED:
    case MCBE_DESIGN_CROSSED_SMALL:
        draw_crossed(source, sample, point);
        break;
    }
    return MCBE_OK;
}

mcbe_status_t mcbe_sample_point(mcbe_design_t design, const mcbe_domain_t *domain,
                                const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                                const mcbe_points_t *points, int64_t sample, mcbe_point_t *point)
{
    source_t source = {
        .design = design, .domain = domain, .frame = frame, .points = points, .key = *key};
    mcbe_status_t st = draw(&source, sample, point);
    source_free(&source);
    return st;
}

/* An id and its place in the list. */
typedef struct wanted {
    int64_t sample, place;
} wanted_t;

static int by_sample(const void *left, const void *right)
{
    const int64_t a = ((const wanted_t *)left)->sample, b = ((const wanted_t *)right)->sample;
    return (a > b) - (a < b);
}

mcbe_status_t mcbe_sample_coordinates(mcbe_design_t design, const mcbe_domain_t *domain,
                                      const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                                      const mcbe_points_t *points, int64_t count,
                                      const int64_t *samples, double *x)
{
    source_t source = {
        .design = design, .domain = domain, .frame = frame, .points = points, .key = *key};
    mcbe_point_t point = {0};
    mcbe_status_t st;
    wanted_t *wanted = mcbe_alloc((size_t)count, sizeof *wanted);
    if (!wanted) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    for (int64_t i = 0; i < count; i++) {
        wanted[i] = (wanted_t){.sample = samples[i], .place = i};
    }
    qsort(wanted, (size_t)count, sizeof *wanted, by_sample);
    MCBE_TRY(mcbe_point_init(&point, frame->n));
    for (int64_t i = 0; i < count; i++) {
        double *to = x + wanted[i].place * frame->n;
        const int there = wanted[i].sample != -1;
        if (there) {
            MCBE_TRY(draw(&source, wanted[i].sample, &point));
        }
        for (int k = 0; k < frame->n; k++) {
            to[k] = there ? ((double)point.a[k] + (double)point.b[k]) * point.scale : (double)NAN;
        }
    }
out:
    mcbe_point_free(&point);
    source_free(&source);
    mcbe_free(wanted);
    return st;
}
