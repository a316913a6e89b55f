#ifndef MCBE_EXPERIMENT_H
#define MCBE_EXPERIMENT_H

#include "config.h"
#include "mcbe/run.h"
#include "plan.h"
#include "record.h"
#include "team.h"

/* A point at which a layer is not injective, with all that is needed to check it. */
typedef struct mcbe_certificate {
    const char *bias_name; /* borrowed from the config */
    int n, m;
    double *w;    /* owned, [m][n] */
    double *bias; /* owned, [m]: the layer is ReLU(Wx - bias) */
    double *x;    /* owned, [n] */
    int active;   /* rows with <x, w_j> >= bias_j, doubtful ones counted; fewer than n */
} mcbe_certificate_t;

/* A yes-or-no question asked of every layer, such as whether it is injective. */
typedef struct mcbe_question {
    const char *bias_name; /* the bias it is about; borrowed from the config */
    const char *by;        /* what the answers rest on, one word; static storage */
} mcbe_question_t;

/* An experiment is this table and nothing else; the runtime knows none by name. Every function may
 * be called on every rank and gives the same result there. */
struct mcbe_experiment {
    mcbe_key_table_t table;

    /** Check combinations of keys (through mcbe_config_reject), load files, keep the parameters.
     *  @param[out] params  what the calls below are handed; freed by close */
    mcbe_status_t (*open)(mcbe_config_t *config, void **params, mcbe_error_t *err);
    void (*close)(void **params);

    /** Cells of the sweep with their costs; also says how many trials. */
    mcbe_status_t (*plan)(const void *params, mcbe_plan_t *plan, mcbe_error_t *err);

    /** Columns of a record. */
    mcbe_status_t (*layout)(const void *params, mcbe_layout_t *layout, mcbe_error_t *err);

    /** Compute one job: one trial of the cells that share a head. Collective over team->comm. With
     *  team->earlier it may go on from there; the records are those of a job that began anew.
     *  @param[in]  cells    [count]
     *  @param[out] records  [count], initialised by the caller; filled on rank 0 of the team
     *  @return MCBE_OK; MCBE_STOPPED on every rank of the team, if the unit is to be given up */
    mcbe_status_t (*compute)(const void *params, const mcbe_cell_t *cells, int64_t count,
                             int64_t trial, const mcbe_team_t *team, const mcbe_layout_t *layout,
                             mcbe_record_t *records, mcbe_error_t *err);

    /** Recompute what can be recomputed of a stored unit and compare. Not collective.
     *  @return MCBE_OK; MCBE_ERR_CORRUPT with a sentence that names the quantity and the entry */
    mcbe_status_t (*verify)(const void *params, const mcbe_cell_t *cell, int64_t trial,
                            const mcbe_layout_t *layout, const mcbe_record_t *record,
                            mcbe_error_t *err);

    /** How many certificates a stored unit holds, and the k-th of them. Both NULL if it has none.
     *  Not collective.
     *  @param[out] certificate  owned by the caller: w, bias and x with mcbe_free, whatever the result
     *  @return MCBE_OK; MCBE_ERR_NOMEM; the errors of making the layer again */
    int64_t (*certificates)(const void *params, const mcbe_cell_t *cell,
                            const mcbe_layout_t *layout, const mcbe_record_t *record);
    mcbe_status_t (*certificate)(const void *params, const mcbe_cell_t *cell, int64_t trial,
                                 const mcbe_layout_t *layout, const mcbe_record_t *record,
                                 int64_t k, mcbe_certificate_t *certificate);

    /** Questions whose share of yes turns with m, and the answer of a stored unit. Both NULL if
     *  there are none. Not collective.
     *  @return question: 0 if there are not more than k; answer: 1 yes, 0 no, -1 none */
    int (*question)(const void *params, int k, mcbe_question_t *question);
    int (*answer)(const void *params, int k, const mcbe_cell_t *cell, const mcbe_layout_t *layout,
                  const mcbe_record_t *record);
};

#endif
