/* What a program of somebody else's looks like: alpha* of one small random layer, from 10 blocks.
 */
#include <mcbe/mcbe.h>

#include <stdio.h>

int main(void)
{
    const mcbe_stream_key_t key = {.seed = 1, .n = 3, .m = 8, .purpose = MCBE_PURPOSE_FRAME};
    const mcbe_domain_t sphere = {.kind = MCBE_DOMAIN_SPHERE, .radius = 1};
    mcbe_frame_t frame = {0};
    mcbe_bias_state_t state = {0};
    mcbe_estimator_t *estimator = NULL;
    mcbe_status_t st = mcbe_frame_random(&frame, MCBE_ENSEMBLE_GAUSSIAN, &key, 0);
    if (!st) {
        st = mcbe_bias_state_init(&state, frame.m);
    }
    if (!st) {
        st = mcbe_estimator_create(&estimator, &frame, &sphere, &key, MCBE_PRECISION_MIXED);
    }
    for (int block = 0; !st && block < 10; block++) {
        st = mcbe_estimator_block(estimator, block, 0, mcbe_domain_block_size(frame.n), &state,
                                  NULL);
    }
    if (st) {
        fprintf(stderr, "%s\n", mcbe_strerror(st));
        return mcbe_exit_code(st);
    }
    printf("mcbe %s:", MCBE_VERSION);
    for (int j = 0; j < frame.m; j++) {
        printf(" %.17g", state.alpha[j]);
    }
    printf("\n");
    mcbe_estimator_destroy(&estimator);
    mcbe_bias_state_free(&state);
    mcbe_frame_free(&frame);
    return 0;
}
