#ifndef MCBE_PCG_H
#define MCBE_PCG_H

/* The PCG library's pcg64 behind C functions; the state lives in mcbe_rng_t. Implemented in
 * pcg.cpp. */

#include <stddef.h>
#include <stdint.h>

#include "mcbe/rng.h"

#ifdef __cplusplus
extern "C" {
#endif

/** pcg64(seed, sequence); high words first. */
void mcbe_pcg_seed(mcbe_rng_t *rng, const uint64_t seed[2], const uint64_t sequence[2]);

/** The next `count` outputs. */
void mcbe_pcg_fill(mcbe_rng_t *rng, uint64_t *out, size_t count);

#ifdef __cplusplus
}
#endif
#endif
