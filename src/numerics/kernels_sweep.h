/* The inner loops of a sweep, a part of kernels.c (included there once for every instruction set).
 * Arrays are [m][MCBE_SCREEN_TILE]: rows by the samples of a tile. */

static void tile_bounds(int m, const mcbe_tile_t *tile, const float *restrict row_norm,
                        float *restrict lower, float *restrict upper)
{
    float inverse[MCBE_SCREEN_TILE], error[MCBE_SCREEN_TILE], tiny[MCBE_SCREEN_TILE];
    memcpy(inverse, tile->inverse, sizeof inverse);
    memcpy(error, tile->error, sizeof error);
    memcpy(tiny, tile->tiny, sizeof tiny);
    for (ptrdiff_t j = 0; j < m; j++) {
        const float *c = tile->c + j * tile->stride;
        const float add = tile->add[j], norm = row_norm[j];
        float *low = lower + j * MCBE_SCREEN_TILE, *high = upper + j * MCBE_SCREEN_TILE;
        for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
            const float value = (c[s] + add) * inverse[s];
            const float slack = norm * error[s] + tiny[s];
            low[s] = value - slack;
            high[s] = value + slack;
        }
    }
}

static void tile_ranges(int m, const float *restrict lower, const float *restrict upper,
                        mcbe_tile_ranges_t *ranges)
{
    float least[MCBE_SCREEN_TILE], most[MCBE_SCREEN_TILE];
    int32_t surely[MCBE_SCREEN_TILE] = {0}, perhaps[MCBE_SCREEN_TILE] = {0};
    int32_t unknown[MCBE_SCREEN_TILE] = {0};
    for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
        least[s] = INFINITY;
        most[s] = -INFINITY;
    }
    for (ptrdiff_t j = 0; j < m; j++) {
        const float *low = lower + j * MCBE_SCREEN_TILE, *high = upper + j * MCBE_SCREEN_TILE;
        for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
            const float twice = high[s] - low[s];
            least[s] = low[s] < least[s] ? low[s] : least[s];
            most[s] = high[s] > most[s] ? high[s] : most[s];
            surely[s] += low[s] >= 0.0F;
            perhaps[s] += high[s] >= -twice;
            unknown[s] |= !(fabsf(low[s]) + twice <= FLT_MAX);
        }
    }
    memcpy(ranges->least, least, sizeof least);
    memcpy(ranges->most, most, sizeof most);
    memcpy(ranges->active_least, surely, sizeof surely);
    memcpy(ranges->active_most, perhaps, sizeof perhaps);
    memcpy(ranges->unknown, unknown, sizeof unknown);
}

static void tile_count_above(int m, const float *restrict values, const float *restrict level,
                             int32_t *restrict count)
{
    int32_t above[MCBE_SCREEN_TILE] = {0};
    float limit[MCBE_SCREEN_TILE];
    memcpy(limit, level, sizeof limit);
    for (ptrdiff_t j = 0; j < m; j++) {
        const float *row = values + j * MCBE_SCREEN_TILE;
        for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
            above[s] = COUNT_IF(row[s] > limit[s], above[s]);
        }
    }
    memcpy(count, above, sizeof above);
}

typedef float sweep_reals_t __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef int32_t sweep_words_t __attribute__((vector_size(VECTOR_BYTES), may_alias));

#define SWEEP_LANES (VECTOR_BYTES / (int)sizeof(float))

static inline sweep_reals_t load_lanes(const float *from)
{
    return *(const sweep_reals_t *)(const void *)from;
}

/* first where the mask is set, else second */
static inline sweep_reals_t choose_lanes(sweep_words_t mask, sweep_reals_t first,
                                         sweep_reals_t second)
{
    return (sweep_reals_t)(((sweep_words_t)first & mask) | ((sweep_words_t)second & ~mask));
}

static inline int any_lane(sweep_words_t mask)
{
    int32_t any = 0;
    for (int s = 0; s < SWEEP_LANES; s++) {
        any |= mask[s];
    }
    return any != 0;
}

static void tile_limits(int m, const float *restrict lower, const float *restrict upper,
                        const float *restrict surely_above, float *restrict limit)
{
    for (ptrdiff_t j = 0; j < m; j++) {
        const float *low = lower + j * MCBE_SCREEN_TILE, *high = upper + j * MCBE_SCREEN_TILE;
        const sweep_reals_t before = (sweep_reals_t){0} + limit[j];
        sweep_reals_t least = before;
        for (int s = 0; s < MCBE_SCREEN_TILE; s += SWEEP_LANES) {
            const sweep_reals_t value = load_lanes(high + s);
            const sweep_words_t smaller =
                (load_lanes(low + s) > load_lanes(surely_above + s)) & (value < least);
            least = choose_lanes(smaller, value, least);
        }
        if (any_lane(least < before)) {
            for (int s = 0; s < SWEEP_LANES; s++) {
                limit[j] = least[s] < limit[j] ? least[s] : limit[j];
            }
        }
    }
}

static int tile_near(int m, const float *restrict lower, const float *restrict upper,
                     const mcbe_tile_levels_t *levels, const float *restrict limit,
                     mcbe_tile_row_t *restrict rows)
{
    int count = 0;
    for (int j = 0; j < m; j++) {
        const float *low = lower + (ptrdiff_t)j * MCBE_SCREEN_TILE;
        const float *high = upper + (ptrdiff_t)j * MCBE_SCREEN_TILE;
        const float below = limit[j];
        sweep_words_t some = {0};
        for (int s = 0; s < MCBE_SCREEN_TILE; s += SWEEP_LANES) {
            const sweep_reals_t at = load_lanes(low + s);
            some |= (load_lanes(high + s) > load_lanes(levels->behind + s)) &
                    ((at < below) | (at <= load_lanes(levels->above + s)));
        }
        if (!any_lane(some)) {
            continue;
        }
        mcbe_tile_row_t row = {.row = j};
        for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
            const uint64_t perhaps = high[s] > levels->behind[s];
            row.lowered |= (perhaps & (low[s] < below)) << s;
            row.open |= (perhaps & (low[s] <= levels->above[s])) << s;
        }
        rows[count++] = row;
    }
    return count;
}
