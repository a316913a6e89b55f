#ifndef MCBE_NETWORK_LINEAR_H
#define MCBE_NETWORK_LINEAR_H

/* Inside of a linearisation, shared by network_linear.c and network_matrix.c. */

#include "network_internal.h"

struct mcbe_linearization {
    const mcbe_network_t *network; /* borrowed */
    mcbe_layer_choice_t *choices;  /* owned, [count] */
    double **values;               /* owned, [count + 1]: what goes into each layer, and out */
};

/* Vectors on their way through layers. */
typedef struct mcbe_vectors {
    double *now;       /* owned, room for `count` vectors of the network's widest layer */
    double *next;      /* likewise */
    double *workspace; /* owned */
} mcbe_vectors_t;

/** Free whatever the result. @return MCBE_OK; MCBE_ERR_NOMEM */
MCBE_NODISCARD mcbe_status_t mcbe_vectors_init(mcbe_vectors_t *vectors,
                                               const mcbe_network_t *network, int count);
void mcbe_vectors_free(mcbe_vectors_t *vectors);

/** Take the first `count` vectors of `now` through layers [first, last), forwards or back. */
void mcbe_vectors_apply(const mcbe_linearization_t *at, int first, int last, int count,
                        mcbe_vectors_t *vectors);
void mcbe_vectors_apply_transposed(const mcbe_linearization_t *at, int first, int last, int count,
                                   mcbe_vectors_t *vectors);

#endif
