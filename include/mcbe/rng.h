#ifndef MCBE_RNG_H
#define MCBE_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The rule that turns ids into numbers. It is part of every fingerprint: whoever changes the hash
 * below, the normals or the block size must raise it. */
#define MCBE_STREAM_VERSION 1

/* What a stream is for. Values are stored in nobody's file but decide every number: never reuse
 * one. */
typedef enum mcbe_purpose {
    MCBE_PURPOSE_FRAME = 1,  /* entries of the weight matrix */
    MCBE_PURPOSE_SAMPLE = 2, /* points of K */
    MCBE_PURPOSE_BIAS = 3,   /* drawn biases; block = index of the bias family */
    MCBE_PURPOSE_RADIUS = 4, /* radii of points drawn inside a ball or shell */
    MCBE_PURPOSE_BANK_A = 5, /* rows of the two banks of the paired design */
    MCBE_PURPOSE_BANK_B = 6,
    MCBE_PURPOSE_REFUTE = 7,    /* walkers that look for a refuting point; block = batch */
    MCBE_PURPOSE_LOWER = 8,     /* descents that lower one entry of alpha*; block = row */
    MCBE_PURPOSE_HOLDOUT = 9,   /* points no estimate has seen */
    MCBE_PURPOSE_COVERING = 10, /* where searches for empty places start; block = points */
    MCBE_PURPOSE_SPLIT = 11     /* which points of a data set are its test set */
} mcbe_purpose_t;

/* The address of a stream: who needs it decides what it gives, not who computes it. */
typedef struct mcbe_stream_key {
    uint64_t seed;
    int64_t n, m;
    int64_t trial;
    mcbe_purpose_t purpose;
    int64_t block;
} mcbe_stream_key_t;

/* One PCG64 (XSL-RR 128/64) generator; plain data, may be copied. Its content is the PCG
 * library's. */
typedef struct mcbe_rng {
    uint64_t opaque[4];
} mcbe_rng_t;

/** Start the stream of a key: state and increment are the SplitMix64 hash of all its fields.
 *  Not collective. Thread-safe. Cost: about 50 ns. */
void mcbe_rng_init(mcbe_rng_t *rng, const mcbe_stream_key_t *key);

/** Start a stream from PCG's own 128-bit seed and sequence (high word first), for known-answer
 *  tests and other programs' streams. Not collective. Thread-safe. */
void mcbe_rng_seed(mcbe_rng_t *rng, const uint64_t seed[2], const uint64_t sequence[2]);

/** Next 64 random bits. */
uint64_t mcbe_rng_next(mcbe_rng_t *rng);

/** The next `count` outputs of the stream, in order. @param[out] out [count] */
void mcbe_rng_fill(mcbe_rng_t *rng, uint64_t *out, size_t count);

/** Uniform on the open interval (0, 1): (k + 1/2) 2^-52 with k the upper 52 bits of the next
 *  output. */
double mcbe_rng_uniform(mcbe_rng_t *rng);

/** Uniform integer in [0, bound), without bias (Lemire's multiply and reject). bound >= 1. */
uint64_t mcbe_rng_below(mcbe_rng_t *rng, uint64_t bound);

/** Standard normals as fp32 numbers, the same bits on every machine and CPU path.
 *
 *  Box-Muller on pairs of 32-bit integers (upper and lower half of each 64-bit output) with
 *  polynomials of our own in plain fp32 arithmetic. Outputs come in groups: 64 draws give
 *  out[0..63] from the cosines and out[64..127] from the sines; a last group of c < 64 draws
 *  likewise with c. |z| <= 6.7; density and moments are tested against the exact normal law.
 *  @param[out] out [count]; an odd count drops the last sine */
void mcbe_rng_normals(mcbe_rng_t *rng, float *out, size_t count);

#ifdef __cplusplus
}
#endif
#endif
