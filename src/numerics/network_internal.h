#ifndef MCBE_NETWORK_INTERNAL_H
#define MCBE_NETWORK_INTERNAL_H

/* One layer as an operator (network_layer.c), shared by the forward pass (network.c) and the
 * linearisation (network_linear.c). */

#include <stddef.h>

#include "mcbe/network.h"

/* What a point decided in one layer; both NULL where nothing is to be decided. */
typedef struct mcbe_layer_choice {
    unsigned char *active; /* owned, ReLU: [numbers] 1 where the coefficient is above 0 */
    int *chosen;           /* owned, pool: [numbers given] the number taken, by its place */
} mcbe_layer_choice_t;

/** Numbers of workspace that the functions below need for a layer. */
size_t mcbe_layer_workspace(const mcbe_network_layer_t *layer);

/** Largest workspace of a network, and the most numbers that stand between two of its layers. */
size_t mcbe_network_workspace(const mcbe_network_t *network);
int mcbe_network_widest(const mcbe_network_t *network);

/** Decide: which coefficients are active, which numbers a pool takes. For the kinds that decide
 *  nothing `choice` may hold NULL. */
void mcbe_layer_choose(const mcbe_network_layer_t *layer, const double *x,
                       mcbe_layer_choice_t *choice);

/** The layer at one point. @param[out] y  [numbers given] */
void mcbe_layer_value(const mcbe_network_layer_t *layer, const double *x, double *workspace,
                      double *y);

/** Its linear part at the point that chose, applied to `count` vectors, one after the other. */
void mcbe_layer_apply(const mcbe_network_layer_t *layer, const mcbe_layer_choice_t *choice,
                      int count, const double *v, double *workspace, double *out);
/** Likewise transposed. */
void mcbe_layer_apply_transposed(const mcbe_network_layer_t *layer,
                                 const mcbe_layer_choice_t *choice, int count, const double *u,
                                 double *workspace, double *out);

#endif
