/* The screen of the iid design, a part of kernels.c (included there for every instruction set, once
 * for fp32 and once for fp64). REAL is the precision, INTEGER a type of the same width, so that
 * counts share vectors with coefficients; NAME makes names. */

/* A group of samples as it is tested: limits in the units of the coefficients. */
typedef struct NAME(group) {
    REAL inverse[MCBE_SCREEN_TILE]; /* takes an alpha to the units of x */
    REAL margin[MCBE_SCREEN_TILE];  /* error of a coefficient */
} NAME(group_t);

static inline void NAME(set_group)(const mcbe_screen_limits_t *by, int start, NAME(group_t) * group)
{
    for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
        const REAL inverse = 1 / (REAL)(by->scale[start + s] / by->unit);
        const double norm = by->norm ? by->norm[start + s] : by->norm_factor * inverse;
        group->inverse[s] = inverse;
        group->margin[s] = (REAL)(by->error * norm + by->tiny);
    }
}

/* One pass: all rows that may lie below their alpha stand for one, which has the largest alpha. */
static inline int NAME(test_tile)(int m, int width, const REAL *restrict c,
                                  const mcbe_screen_limits_t *by,
                                  const NAME(group_t) *restrict group,
                                  unsigned char *restrict suspect)
{
    const REAL top = (REAL)by->top;
    const INTEGER need = by->need, active_seen = by->active_seen;
    REAL level[MCBE_SCREEN_TILE], margin[MCBE_SCREEN_TILE];
    INTEGER active[MCBE_SCREEN_TILE] = {0}, ahead[MCBE_SCREEN_TILE] = {0};
    int any = 0;
    for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
        margin[s] = group->margin[s];
        level[s] = top * group->inverse[s] + margin[s];
    }
    for (int j = 0; j < m; j++) {
        const REAL *row = c + (ptrdiff_t)j * width;
        for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
            ahead[s] = COUNT_IF(row[s] > level[s], ahead[s]);
            active[s] = COUNT_IF(row[s] >= margin[s], active[s]);
        }
    }
    for (int s = 0; s < MCBE_SCREEN_TILE; s++) {
        const int doubtful = ahead[s] < need || active[s] < active_seen;
        suspect[s] = (unsigned char)doubtful;
        any |= doubtful;
    }
    return any;
}

/* Two passes: every row stands for itself. */
static inline int NAME(test_rows)(int m, int width, const REAL *restrict c,
                                  const mcbe_screen_limits_t *by, const REAL *restrict alpha,
                                  const REAL *restrict inverse, const REAL *restrict margin,
                                  unsigned char *restrict suspect)
{
    const INTEGER need = by->need, active_seen = by->active_seen;
    REAL rival[SCREEN_GROUP]; /* the best row that may lie below its alpha */
    INTEGER active[SCREEN_GROUP] = {0}, ahead[SCREEN_GROUP] = {0};
    int any = 0;
    for (int s = 0; s < SCREEN_GROUP; s++) {
        rival[s] = -(REAL)INFINITY;
    }
    for (int j = 0; j < m; j++) {
        const REAL *row = c + (ptrdiff_t)j * width;
        for (int s = 0; s < SCREEN_GROUP; s++) {
            const REAL limit = alpha[j] * inverse[s] + margin[s];
            const REAL candidate = row[s] < limit ? row[s] + margin[s] : -(REAL)INFINITY;
            rival[s] = candidate > rival[s] ? candidate : rival[s];
            active[s] = COUNT_IF(row[s] >= margin[s], active[s]);
        }
    }
    for (int j = 0; j < m; j++) {
        const REAL *row = c + (ptrdiff_t)j * width;
        for (int s = 0; s < SCREEN_GROUP; s++) {
            ahead[s] = COUNT_IF(row[s] - margin[s] > rival[s], ahead[s]);
        }
    }
    for (int s = 0; s < SCREEN_GROUP; s++) {
        const int doubtful = ahead[s] < need || active[s] < active_seen;
        suspect[s] = (unsigned char)doubtful;
        any |= doubtful;
    }
    return any;
}

static int NAME(screen)(int m, int width, const REAL *restrict c, const REAL *restrict alpha,
                        const mcbe_screen_limits_t *by, unsigned char *restrict suspect)
{
    int any = 0;
    for (int start = 0; start < width; start += MCBE_SCREEN_TILE) {
        NAME(group_t) group;
        NAME(set_group)(by, start, &group);
        if (!(by->top < (double)INFINITY)) {
            memset(suspect + start, 1, MCBE_SCREEN_TILE);
        } else if (!NAME(test_tile)(m, width, c + start, by, &group, suspect + start)) {
            continue;
        }
        for (int s = 0; s < MCBE_SCREEN_TILE; s += SCREEN_GROUP) {
            if (memchr(suspect + start + s, 1, SCREEN_GROUP)) {
                any |= NAME(test_rows)(m, width, c + start + s, by, alpha, group.inverse + s,
                                       group.margin + s, suspect + start + s);
            }
        }
    }
    return any;
}
