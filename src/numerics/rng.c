#include "mcbe/rng.h"

#include "kernels.h"
#include "pcg.h"

/* Draws made at a time, whole groups: generator and kernel take long to start. */
#define BATCH (16 * (size_t)MCBE_NORMAL_GROUP)

/* SplitMix64 (Steele, Lea, Flood 2014): one step of its sequence, a bijection of 64-bit words. */
static uint64_t splitmix(uint64_t z)
{
    z += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

void mcbe_rng_init(mcbe_rng_t *rng, const mcbe_stream_key_t *key)
{
    /* Four chains, one per word of PCG's state and increment. Each step is a bijection of the chain
     * for a given field, so keys that differ in one field never meet. PCG streams from raw counters
     * correlate. */
    const uint64_t field[] = {key->seed,
                              (uint64_t)key->n,
                              (uint64_t)key->m,
                              (uint64_t)key->trial,
                              (uint64_t)key->purpose,
                              (uint64_t)key->block};
    uint64_t word[4];
    for (uint64_t lane = 0; lane < 4; lane++) {
        uint64_t h = splitmix(lane);
        for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
            h = splitmix(h ^ field[i]);
        }
        word[lane] = h;
    }
    mcbe_pcg_seed(rng, word, word + 2);
}

void mcbe_rng_seed(mcbe_rng_t *rng, const uint64_t seed[2], const uint64_t sequence[2])
{
    mcbe_pcg_seed(rng, seed, sequence);
}

uint64_t mcbe_rng_next(mcbe_rng_t *rng)
{
    uint64_t out;
    mcbe_pcg_fill(rng, &out, 1);
    return out;
}

void mcbe_rng_fill(mcbe_rng_t *rng, uint64_t *out, size_t count)
{
    mcbe_pcg_fill(rng, out, count);
}

double mcbe_rng_uniform(mcbe_rng_t *rng)
{
    /* 52 bits: with 53 the half would round the largest value up to 1 */
    return ((double)(mcbe_rng_next(rng) >> 12) + 0.5) * 0x1p-52;
}

uint64_t mcbe_rng_below(mcbe_rng_t *rng, uint64_t bound)
{
    const uint64_t excess =
        (0 - bound) % bound; /* 2^64 mod bound: products below it are one too many */
    for (;;) {
        const unsigned __int128 product = (unsigned __int128)mcbe_rng_next(rng) * bound;
        if ((uint64_t)product >= excess) {
            return (uint64_t)(product >> 64);
        }
    }
}

void mcbe_rng_normals(mcbe_rng_t *rng, float *out, size_t count)
{
    const mcbe_kernels_t *kernels = mcbe_kernels();
    uint64_t bits[BATCH];
    for (size_t done, draws; count > 0; count -= done, out += done) {
        done = count < 2 * BATCH ? count : 2 * BATCH;
        draws = (done + 1) / 2;
        mcbe_pcg_fill(rng, bits, draws);
        kernels->normals(done, bits, out);
    }
}
