#include "fresh.h"

#include <string.h>

#include "mcbe/injectivity.h"
#include "memory.h"

mcbe_status_t mcbe_fresh_init(mcbe_fresh_t *fresh, const mcbe_domain_t *domain,
                              const mcbe_frame_t *frame, const mcbe_stream_key_t *key,
                              int64_t first, int64_t last)
{
    const int n = frame->n, width = mcbe_domain_block_size(n);
    const size_t m = (size_t)frame->m;
    mcbe_stream_key_t stream = *key;
    mcbe_status_t st = MCBE_OK;
    float *x = mcbe_alloc((size_t)n * (size_t)width, sizeof *x);
    double *scale = mcbe_alloc((size_t)width, sizeof *scale);
    fresh->count = last - first;
    fresh->c = mcbe_alloc((size_t)fresh->count * m, sizeof *fresh->c);
    fresh->norm = mcbe_alloc((size_t)fresh->count, sizeof *fresh->norm);
    if (!x || !scale || !fresh->c || !fresh->norm) {
        st = MCBE_ERR_NOMEM;
        goto out;
    }
    stream.purpose = MCBE_PURPOSE_HOLDOUT;
    for (int64_t i = first; i < last; i++) {
        const int64_t s = i % width;
        if (s == 0 || i == first) {
            stream.block = i / width;
            mcbe_domain_fill(domain, n, &stream, x, scale);
        }
        mcbe_frame_coefficients(frame, x + s, width, scale[s], fresh->c + (size_t)(i - first) * m);
        fresh->norm[i - first] = mcbe_point_norm(n, x + s, NULL, width) * scale[s];
    }
out:
    mcbe_free(scale);
    mcbe_free(x);
    return st;
}

void mcbe_fresh_free(mcbe_fresh_t *fresh)
{
    mcbe_free(fresh->norm);
    mcbe_free(fresh->c);
    memset(fresh, 0, sizeof *fresh);
}

int mcbe_fresh_rectified(const mcbe_fresh_t *fresh, const mcbe_frame_t *frame, const double *bias,
                         int64_t point)
{
    return mcbe_active_count(frame, fresh->c + point * frame->m, bias, fresh->norm[point], NULL) >=
           frame->n;
}
