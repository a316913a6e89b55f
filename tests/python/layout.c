/* Prints how the structures of the public headers lie in memory, one member a line: the Python package mirrors
 * them by hand. */

#include <stddef.h>
#include <stdio.h>

#include "mcbe/mcbe.h"

#define SIZE(type) printf("%s %zu\n", #type, sizeof(type))
#define MEMBER(type, name) printf("%s.%s %zu\n", #type, #name, offsetof(type, name))

int main(void)
{
    SIZE(mcbe_error_t);
    MEMBER(mcbe_error_t, status);
    MEMBER(mcbe_error_t, file);
    MEMBER(mcbe_error_t, line);
    MEMBER(mcbe_error_t, text);
    SIZE(mcbe_frame_t);
    MEMBER(mcbe_frame_t, m);
    MEMBER(mcbe_frame_t, n);
    MEMBER(mcbe_frame_t, w);
    MEMBER(mcbe_frame_t, transpose);
    MEMBER(mcbe_frame_t, norm);
    MEMBER(mcbe_frame_t, norm_max);
    SIZE(mcbe_domain_t);
    MEMBER(mcbe_domain_t, kind);
    MEMBER(mcbe_domain_t, radial);
    MEMBER(mcbe_domain_t, radius);
    MEMBER(mcbe_domain_t, inner_radius);
    MEMBER(mcbe_domain_t, nonnegative);
    MEMBER(mcbe_domain_t, cloud);
    SIZE(mcbe_stream_key_t);
    MEMBER(mcbe_stream_key_t, seed);
    MEMBER(mcbe_stream_key_t, n);
    MEMBER(mcbe_stream_key_t, m);
    MEMBER(mcbe_stream_key_t, trial);
    MEMBER(mcbe_stream_key_t, purpose);
    MEMBER(mcbe_stream_key_t, block);
    SIZE(mcbe_bias_state_t);
    MEMBER(mcbe_bias_state_t, m);
    MEMBER(mcbe_bias_state_t, alpha);
    MEMBER(mcbe_bias_state_t, witness);
    MEMBER(mcbe_bias_state_t, samples);
    MEMBER(mcbe_bias_state_t, updates);
    MEMBER(mcbe_bias_state_t, last_update);
    MEMBER(mcbe_bias_state_t, min_active);
    MEMBER(mcbe_bias_state_t, min_active_sample);
    SIZE(mcbe_estimate_t);
    MEMBER(mcbe_estimate_t, design);
    MEMBER(mcbe_estimate_t, precision);
    MEMBER(mcbe_estimate_t, samples);
    MEMBER(mcbe_estimate_t, unchanged);
    MEMBER(mcbe_estimate_t, uncounted);
    MEMBER(mcbe_estimate_t, init_rows);
    SIZE(mcbe_points_t);
    MEMBER(mcbe_points_t, n);
    MEMBER(mcbe_points_t, count);
    MEMBER(mcbe_points_t, capacity);
    MEMBER(mcbe_points_t, x);
    SIZE(mcbe_refutation_t);
    MEMBER(mcbe_refutation_t, active);
    MEMBER(mcbe_refutation_t, radius);
    MEMBER(mcbe_refutation_t, point);
    MEMBER(mcbe_refutation_t, evaluations);
    SIZE(mcbe_p_injective_t);
    MEMBER(mcbe_p_injective_t, points);
    MEMBER(mcbe_p_injective_t, injective);
    MEMBER(mcbe_p_injective_t, rank_fails);
    MEMBER(mcbe_p_injective_t, min_active);
    SIZE(mcbe_hamming_t);
    MEMBER(mcbe_hamming_t, rows);
    MEMBER(mcbe_hamming_t, satisfied);
    MEMBER(mcbe_hamming_t, unconstrained);
    SIZE(mcbe_certificates_t);
    MEMBER(mcbe_certificates_t, count);
    MEMBER(mcbe_certificates_t, n);
    MEMBER(mcbe_certificates_t, x);
    MEMBER(mcbe_certificates_t, active);
    SIZE(mcbe_reconstruction_t);
    MEMBER(mcbe_reconstruction_t, active);
    MEMBER(mcbe_reconstruction_t, rank);
    MEMBER(mcbe_reconstruction_t, rcond);
    MEMBER(mcbe_reconstruction_t, residual);
    MEMBER(mcbe_reconstruction_t, by_svd);
    SIZE(mcbe_extremes_t);
    MEMBER(mcbe_extremes_t, rows);
    MEMBER(mcbe_extremes_t, rank);
    MEMBER(mcbe_extremes_t, smallest);
    MEMBER(mcbe_extremes_t, smallest_positive);
    MEMBER(mcbe_extremes_t, largest);
    SIZE(mcbe_lipschitz_t);
    MEMBER(mcbe_lipschitz_t, lower_at_most);
    MEMBER(mcbe_lipschitz_t, lower_estimate);
    MEMBER(mcbe_lipschitz_t, upper_at_least);
    MEMBER(mcbe_lipschitz_t, upper_at_most);
    SIZE(mcbe_preimage_result_t);
    MEMBER(mcbe_preimage_result_t, verdict);
    MEMBER(mcbe_preimage_result_t, proof);
    MEMBER(mcbe_preimage_result_t, positive);
    MEMBER(mcbe_preimage_result_t, doubtful);
    MEMBER(mcbe_preimage_result_t, dimension);
    MEMBER(mcbe_preimage_result_t, programs);
    MEMBER(mcbe_preimage_result_t, margin);
    SIZE(mcbe_invariance_t);
    MEMBER(mcbe_invariance_t, value);
    MEMBER(mcbe_invariance_t, start);
    MEMBER(mcbe_invariance_t, bound);
    MEMBER(mcbe_invariance_t, difference);
    MEMBER(mcbe_invariance_t, tolerance);
    MEMBER(mcbe_invariance_t, moved);
    MEMBER(mcbe_invariance_t, iterations);
    SIZE(mcbe_correlation_t);
    MEMBER(mcbe_correlation_t, rows);
    MEMBER(mcbe_correlation_t, removed);
    MEMBER(mcbe_correlation_t, lemma);
    MEMBER(mcbe_correlation_t, lemma_row);
    MEMBER(mcbe_correlation_t, sharp);
    MEMBER(mcbe_correlation_t, sharp_row);
    SIZE(mcbe_extent_t);
    MEMBER(mcbe_extent_t, channels);
    MEMBER(mcbe_extent_t, height);
    MEMBER(mcbe_extent_t, width);
    SIZE(mcbe_window_t);
    MEMBER(mcbe_window_t, size);
    MEMBER(mcbe_window_t, stride);
    MEMBER(mcbe_window_t, padding);
    SIZE(mcbe_network_layer_t);
    MEMBER(mcbe_network_layer_t, kind);
    MEMBER(mcbe_network_layer_t, outputs);
    MEMBER(mcbe_network_layer_t, window);
    MEMBER(mcbe_network_layer_t, in);
    MEMBER(mcbe_network_layer_t, out);
    MEMBER(mcbe_network_layer_t, weight);
    MEMBER(mcbe_network_layer_t, bias);
    SIZE(mcbe_network_t);
    MEMBER(mcbe_network_t, input);
    MEMBER(mcbe_network_t, count);
    MEMBER(mcbe_network_t, layers);
    MEMBER(mcbe_network_t, capacity);
    return 0;
}
