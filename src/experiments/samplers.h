#ifndef MCBE_SAMPLERS_H
#define MCBE_SAMPLERS_H

/* What experiments that compare samplers share: alpha* of one layer by several ways of drawing
 * points, and the share of the data's points at which the layer is injective with it. */

#include "experiment.h"
#include "mcbe/bias.h"
#include "mcbe/injectivity.h"
#include "setup.h"
#include "shapes.h"

/* Rows for an experiment's key table. */
#define MCBE_SAMPLERS_SAMPLING_KEYS                                                                \
    {.path = "sampling.design",                                                                    \
     .type = MCBE_KEY_ENUM,                                                                        \
     .fallback = "iid",                                                                            \
     .words = "iid shared",                                                                        \
     .help = "How points are drawn: independently, or such that many share their products with "   \
             "W (far cheaper for large n): uniform ones as design paired, those around data as "   \
             "design crossed."},                                                                   \
        MCBE_SAMPLES_KEYS(0)

/* A way of drawing points. */
typedef struct mcbe_sampler {
    mcbe_domain_t domain; /* its cloud is borrowed */
    mcbe_design_t design;
} mcbe_sampler_t;

/** The design of `sampling.design` for points of this kind. */
mcbe_design_t mcbe_sampler_design(const mcbe_config_t *config, mcbe_domain_kind_t kind);

/** Read the layers and the data, training and test: keys of seed, frame, data and sampling. Free with
 *  mcbe_setup_free whatever the result.
 *  @return MCBE_OK; MCBE_ERR_CONFIG; the errors of files; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_samplers_open(mcbe_setup_t *setup, mcbe_config_t *config,
                                                mcbe_error_t *err);

/** The plan of an experiment whose units run `count` samplers and hold the data against `biases`
 *  biases. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_samplers_plan(const mcbe_setup_t *setup,
                                                const mcbe_shapes_t *shapes,
                                                const mcbe_sampler_t *samplers, int count,
                                                int biases, mcbe_plan_t *plan);

/* What is found out about one layer. */
typedef struct mcbe_samplers_unit {
    const mcbe_setup_t *setup; /* borrowed */
    mcbe_stream_key_t key;
    mcbe_frame_t frame;                  /* owned */
    int samplers, biases;                /* how many; the first biases are alpha* by the samplers */
    mcbe_bias_state_t *state;            /* owned, [samplers] */
    double *bias;                        /* owned, [biases][m] */
    mcbe_p_injective_t *test, *training; /* owned, [biases] */
} mcbe_samplers_unit_t;

/** Make the layer, with no point visited. Free whatever the result.
 *  @param[in] biases  at least samplers  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_samplers_unit_init(mcbe_samplers_unit_t *unit,
                                                     const mcbe_setup_t *setup,
                                                     const mcbe_cell_t *cell, int64_t trial,
                                                     int samplers, int biases);
void mcbe_samplers_unit_free(mcbe_samplers_unit_t *unit);

/** Draw sampling.samples points of each sampler and keep their alpha*. Collective over team->comm,
 *  as mcbe_sampling_run. All samplers share the streams of the layer, so what differs between two
 *  samplers around the same data is their noise alone.
 *  @param[in] samplers  [unit->samplers]
 *  @return as mcbe_sampling_run; alpha* is the same on every rank */
MCBE_NODISCARD mcbe_status_t mcbe_samplers_run(mcbe_samplers_unit_t *unit,
                                               const mcbe_sampler_t *samplers,
                                               const mcbe_team_t *team, mcbe_error_t *err);

/** Count the points of the test set and of the training data at which at least n rows are active, at
 *  each of the biases. Collective over team->comm, as mcbe_data_p_injective. */
MCBE_NODISCARD mcbe_status_t mcbe_samplers_judge(mcbe_samplers_unit_t *unit,
                                                 const mcbe_team_t *team);

/** Is the state of sampler number i what its own witnesses say? Every finite entry must be the
 *  coefficient at its witness, where the row is among the n largest; the last update must be the last
 *  witness, and the number of points the one asked for, or one at which the stop rule may end. Not
 *  collective.
 *  @return MCBE_OK; MCBE_ERR_CORRUPT with a sentence that says what is wrong; MCBE_ERR_NOMEM
 *  Cost: a block of points and m n flops for each different witness. */
MCBE_NODISCARD mcbe_status_t mcbe_samplers_check(const mcbe_samplers_unit_t *unit,
                                                 const mcbe_sampler_t *sampler, int i,
                                                 mcbe_error_t *err);

/** alpha* by sampler number i once more, alone and block by block, for verification. Not collective.
 *  @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_samplers_again(mcbe_samplers_unit_t *unit,
                                                 const mcbe_sampler_t *sampler, int i);

#endif
