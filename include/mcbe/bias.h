#ifndef MCBE_BIAS_H
#define MCBE_BIAS_H

#include <stddef.h>
#include <stdint.h>

#include "mcbe/domain.h"
#include "mcbe/frame.h"
#include "mcbe/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The most blocks between two agreements of the ranks that share a unit. */
#define MCBE_ROUND_BLOCKS 64

/* In what precision the products that screen are computed. alpha* has the same bits with both. */
typedef enum mcbe_precision { MCBE_PRECISION_MIXED, MCBE_PRECISION_DOUBLE } mcbe_precision_t;

/* alpha* of the points visited so far, with its evidence. */
typedef struct mcbe_bias_state {
    int m;
    double *alpha;    /* owned, [m], +inf where the row was never among the n largest */
    int64_t *witness; /* owned, [m], id of the sample at which alpha[j] was reached, -1 for none */
    int64_t samples;  /* points visited */
    int64_t updates;  /* points that lowered at least one entry */
    int64_t last_update; /* id of the last such point, -1 for none */
    int64_t min_active;  /* smallest number of rows active at bias 0 at any visited point; m + 1 for
                            none */
    int64_t min_active_sample; /* first point at which it was reached, -1 for none */
} mcbe_bias_state_t;

/* One entry of alpha* that a point lowered. */
typedef struct mcbe_bias_event {
    int64_t sample;
    int64_t row;
    double value;
} mcbe_bias_event_t;

/* Events in the order they happened. Zero-initialise; free with mcbe_bias_events_free. */
typedef struct mcbe_bias_events {
    mcbe_bias_event_t *list; /* owned */
    size_t count, capacity;
} mcbe_bias_events_t;

/* How points are drawn. */
typedef enum mcbe_design {
    MCBE_DESIGN_IID,    /* independent points */
    MCBE_DESIGN_PAIRED, /* all sums a_i + b_k of the rows of two Gaussian banks: each sum is exactly
                          Gaussian and its direction uniform, sums that share no row  are
                          independent; the coefficients of N points come from 2 sqrt(N) products */
    MCBE_DESIGN_CROSSED, /* around data: in every block, each of 256 centers with each of 64 noises;
                            sums that share neither are independent, and so are blocks */
    MCBE_DESIGN_CROSSED_SMALL /* the same with 64 centers: 1,000 points have 16 noises, not 4, and
                                 need a third of the products */
} mcbe_design_t;

/* Shells in a block of the paired design. Shell l holds the 2 l + 1 pairs (i, k) with max(i, k) =
 * l: first (l, 0) ... (l, l), then (0, l) ... (l - 1, l); sample ids count them in this order, so
 * shell l starts at l^2. */
#define MCBE_PAIRED_SHELLS 16

/* A block of the crossed design; sample number s is center s mod centers plus noise s / centers,
 * with the number of centers that mcbe_crossed_centers tells. */
#define MCBE_CROSSED_CENTERS 256
#define MCBE_CROSSED_SMALL_CENTERS 64
#define MCBE_CROSSED_NOISES 64
#define MCBE_CROSSED_BLOCK (MCBE_CROSSED_CENTERS * MCBE_CROSSED_NOISES)

/* Which arithmetic ruled a sample out; the rest was computed canonically. For nested layers a sample counts once for
 * each group of layers that share a screen. */
typedef struct mcbe_stages {
    int64_t by_bytes;  /* 8-bit lower bounds */
    int64_t by_real;   /* fp32 (fp64 with precision double) with error bounds */
    int64_t canonical; /* points visited one by one */
} mcbe_stages_t;

/* What points that alpha* has not seen say of it, as exact counts. Zero-initialise. */
typedef struct mcbe_holdout {
    int64_t samples;
    int64_t violations; /* points that would lower at least one entry */
    int64_t few_active; /* points with fewer than n rows active at bias 0 */
} mcbe_holdout_t;

/** Id of the first sample of a block; the next block starts where it ends. */
int64_t mcbe_block_start(mcbe_design_t design, int n, int64_t block);

/** Blocks of a round, at whose end the ranks agree and the stop rule is looked at: MCBE_ROUND_BLOCKS, or
 *  those of 65,536 points in the crossed designs, whose blocks are long, where there is a stop rule.
 *  @param[in] unchanged  points without an update that stop the estimate; 0 = never */
int mcbe_round_blocks(mcbe_design_t design, int64_t unchanged);

/** Can this design draw points of this domain? @return MCBE_OK; MCBE_ERR_ARGUMENT with a
 *  sentence */
MCBE_NODISCARD mcbe_status_t mcbe_design_check(mcbe_design_t design, const mcbe_domain_t *domain,
                                               mcbe_error_t *err);

/** Is this one of the two crossed designs? How many centers do their blocks have? */
int mcbe_design_is_crossed(mcbe_design_t design);
int mcbe_crossed_centers(mcbe_design_t design);

/** The rows of the two banks whose sum is a sample of the paired design. */
void mcbe_paired_rows(int64_t sample, int64_t *a, int64_t *b);

/** One block of a bank's rows. Row r is number r mod mcbe_domain_block_size(n) of block
 *  r / mcbe_domain_block_size(n).
 *  @param[in]  which  0 for a, 1 for b
 *  @param[in]  key    seed, n, m, trial and block are used; purpose is set here
 *  @param[out] x      coordinate-major [n][mcbe_domain_block_size(n)] */
void mcbe_paired_fill(int which, int n, const mcbe_stream_key_t *key, float *x);

/** The factor that takes a sum of two bank rows into K: 1 / |a + b|, or 1 / sqrt(2) for gaussian.
 *  @param[in] a, b  [n] */
double mcbe_paired_scale(const mcbe_domain_t *domain, int n, const float *a, const float *b);

/** The centers and the noises of one block of a crossed design.
 *  @param[in]  key     seed, n, m, trial and block are used; purpose is set here
 *  @param[out] center  coordinate-major [n][mcbe_crossed_centers(design)]
 *  @param[out] noise   coordinate-major [n][MCBE_CROSSED_NOISES] */
void mcbe_crossed_fill(mcbe_design_t design, const mcbe_cloud_t *cloud,
                       const mcbe_stream_key_t *key, float *center, float *noise);

/* Workspace for one frame and one domain; allocate per unit, never per block. */
typedef struct mcbe_estimator mcbe_estimator_t;

/** A state that has seen nothing: alpha = +inf. @return MCBE_OK; MCBE_ERR_DIM if m < 1;
 *  MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_bias_state_init(mcbe_bias_state_t *state, int m);
void mcbe_bias_state_free(mcbe_bias_state_t *state);

/** Copy all of `from` into `to`; both were initialised with the same m. */
void mcbe_bias_state_copy(mcbe_bias_state_t *to, const mcbe_bias_state_t *from);

/** alpha*, witnesses, samples and min_active of the union of two disjoint sets of samples: minima
 *  merge by MIN, equal values keep the lowest sample id. `updates` depends on the order samples
 *  were visited in and is not defined for a union: it becomes -1. @param[in,out] into */
void mcbe_bias_merge(mcbe_bias_state_t *into, const mcbe_bias_state_t *from);

/** How many different samples are witnesses. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_bias_witness_count(const mcbe_bias_state_t *state,
                                                     int64_t *witnesses);

void mcbe_bias_events_free(mcbe_bias_events_t *events);

/** Make an estimator. Not collective.
 *  @param[in] frame   borrowed, must outlive it
 *  @param[in] domain  copied
 *  @param[in] key     seed, n, m, trial: which points are drawn
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT; MCBE_ERR_NOMEM.  Memory: O((m + n) mcbe_domain_block_size(n)
 *         + m n) */
MCBE_NODISCARD mcbe_status_t mcbe_estimator_create(mcbe_estimator_t **estimator,
                                                   const mcbe_frame_t *frame,
                                                   const mcbe_domain_t *domain,
                                                   const mcbe_stream_key_t *key,
                                                   mcbe_precision_t precision);
/** The same for any design.
 *  @param[in] samples  paired: ids below this will be visited; sizes the banks. Ignored by the others.
 *  @return also MCBE_ERR_ARGUMENT if mcbe_design_check refuses. Memory, paired: about
 *          2 sqrt(samples) (8 n + 9 m) bytes. */
MCBE_NODISCARD mcbe_status_t mcbe_estimator_create_design(mcbe_estimator_t **estimator,
                                                          const mcbe_frame_t *frame,
                                                          const mcbe_domain_t *domain,
                                                          const mcbe_stream_key_t *key,
                                                          mcbe_precision_t precision,
                                                          mcbe_design_t design, int64_t samples);
void mcbe_estimator_destroy(mcbe_estimator_t **estimator);

/** Turn to another layer of the same shape, or to other points, in the memory that is there: what
 *  follows has the bytes of a new estimator's work. For a layer that changes all the time this saves
 *  most of what making an estimator costs; the paired design's banks are made anew. Not collective.
 *  @param[in] frame  borrowed, from now on instead of the one before; the same one again if only its
 *         matrix is another
 *  @param[in] key    seed, n, m, trial: which points are drawn
 *  @return MCBE_OK; MCBE_ERR_DIM if the shape is another; MCBE_ERR_NOMEM (paired only; then destroy
 *         it).  Cost: O(m n). */
MCBE_NODISCARD mcbe_status_t mcbe_estimator_reset(mcbe_estimator_t *estimator,
                                                  const mcbe_frame_t *frame,
                                                  const mcbe_stream_key_t *key);

/** Visit the samples [first, last) of one block, numbered within the block, in ascending order and
 *  lower `state` where they are below it. Sample id = mcbe_block_start(block) + number.
 *  Not collective. One estimator serves one thread.
 *  @param[in,out] state   alpha, witness, samples, updates, last_update, min_active are kept up to
 *         date
 *  @param[in,out] events  every lowering is appended; NULL if not wanted
 *  @return MCBE_OK; MCBE_ERR_NOMEM (events could not grow; state is then not to be used)
 *  Source: thesis Alg. 1, paper Alg. 1 (started at +inf), without selection: see docs/method.md.
 *  Cost: n normals, 2 m n flops in BLAS and two passes over m a sample; updates O(m n) each. */
MCBE_NODISCARD mcbe_status_t mcbe_estimator_block(mcbe_estimator_t *estimator, int64_t block,
                                                  int64_t first, int64_t last,
                                                  mcbe_bias_state_t *state,
                                                  mcbe_bias_events_t *events);

/** The same for several nested layers in one pass: layer i is the first states[i].m rows of the
 *  frame. The points and their coefficients serve all of them; each state ends with the same bytes
 *  as in a pass of its own.
 *  @param[in,out] states  [count], states[i].m strictly ascending, at least n, at most the frame's
 *         m
 *  @param[in,out] events  [count], or NULL if not wanted
 *  @return as mcbe_estimator_block.  Cost: points and products as for the largest layer alone, one
 *         screening for each group of layers of similar m. */
MCBE_NODISCARD mcbe_status_t mcbe_estimator_block_nested(mcbe_estimator_t *estimator, int64_t block,
                                                         int64_t first, int64_t last,
                                                         mcbe_bias_state_t *states, int count,
                                                         mcbe_bias_events_t *events);

/** From now on sweep the points of a block all at once instead of visiting one after the other, in the
 *  designs iid and crossed with precision mixed: first every row gets a limit that some point is sure
 *  to take it below, so that entries above it are never computed. alpha, witness, samples, last_update and
 *  min_active end as they would; `updates` becomes -1, and no events must be asked for. Pays where
 *  few points meet a large layer; for that reason only the blocks up to 8 m points are swept, after a
 *  first one has found memory for bounds of 64 m coefficients (else MCBE_ERR_NOMEM). Not collective. */
void mcbe_estimator_look_ahead(mcbe_estimator_t *estimator);

/** Hold the points [first, last) of one block of the hold-out against states that stay as they are.
 *  These points are independent of each other, of every sample and of the banks (stream purpose
 *  MCBE_PURPOSE_HOLDOUT), so the counts are binomial. Results of the paired design are held against
 *  the points of a second, iid estimator. Not collective. One estimator serves one thread.
 *  @param[in] estimator  of design iid
 *  @param[in] states     [count], of layers that are the first states[i].m rows of the frame
 *  @param[in,out] holdouts  [count], the counts are added to what is there
 *  @return MCBE_OK; MCBE_ERR_ARGUMENT if the design is not iid.
 *  Cost: as mcbe_estimator_block, with one screening for each state. */
MCBE_NODISCARD mcbe_status_t mcbe_estimator_holdout(mcbe_estimator_t *estimator, int64_t block,
                                                    int64_t first, int64_t last,
                                                    const mcbe_bias_state_t *states, int count,
                                                    mcbe_holdout_t *holdouts);

/** Visit one point given by the caller, as an ordinary sample with an id of the caller's.
 *  @param[in] a, b   [n], the point is (a + b) * scale; b may be NULL for a alone
 *  @param[in] scale  factor that takes a + b into K */
MCBE_NODISCARD mcbe_status_t mcbe_estimator_point(mcbe_estimator_t *estimator, const float *a,
                                                  const float *b, double scale, int64_t sample,
                                                  mcbe_bias_state_t *state,
                                                  mcbe_bias_events_t *events);

/** How samples were ruled out so far. */
mcbe_stages_t mcbe_estimator_stages(const mcbe_estimator_t *estimator);

/** Replay events, sorted by (sample, row), on the state at the start of a round: gives alpha,
 *  witness, updates and last_update as if one rank had visited all samples in order. Needs: every
 *  sequential update is among the events (true when each rank screened against that state and its
 *  own samples). Leaves samples and min_active alone. */
void mcbe_bias_replay(mcbe_bias_state_t *state, const mcbe_bias_event_t *events, size_t count);

/** Order events by (sample, row), for mcbe_bias_replay. */
void mcbe_bias_sort_events(mcbe_bias_event_t *events, size_t count);

/** alpha(x) for one point by its coefficients: lower alpha where row j is among the n largest c_j
 *  (ties: the lowest index first) and c_j < alpha_j. Exact comparisons, no selection and no sort.
 *  @param[in,out] alpha [m]  @param[in] c [m], no NaN
 *  @param[out] rows [m] rows that were lowered, in the order found
 *  @return how many were lowered.  Source: thesis Def. 4.1.2.  Cost: O(m) for each row lowered and
 *         once more. */
int mcbe_bias_lower(int n, int m, double *alpha, const double *c, int *rows);

/** Would mcbe_bias_lower lower anything? @return 0 or 1.  Cost: O(m). */
int mcbe_bias_would_lower(int n, int m, const double *alpha, const double *c);

#ifdef __cplusplus
}
#endif
#endif
