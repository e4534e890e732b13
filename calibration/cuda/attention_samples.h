// Single tokens of one head of causal attention, forward and backward, in FP64 on the processor:
// what whole results are sampled against, since a whole head of thousands of tokens would take
// seconds.
#pragma once

#include <cstdint>
#include <vector>

namespace planewise::calibration {

/// q, k [sequence, qk_columns]; v, o, d_o [sequence, v_columns]; log_sums [sequence], natural, of
/// the scaled scores.
struct AttentionHead {
  std::int64_t sequence = 0;
  std::int64_t qk_columns = 0;  ///< Scores are divided by its root.
  std::int64_t v_columns = 0;
  std::vector<float> q{}, k{}, v{}, o{}, d_o{}, log_sums{};
};

/// o of one token, from q, k and v alone: [v_columns].
std::vector<float> attention_output(const AttentionHead& head, std::int64_t token);

/// Gradients of one token's q, k or v, from all but them; o and log_sums are taken as they are.
std::vector<float> attention_gradient_q(const AttentionHead& head, std::int64_t token);
std::vector<float> attention_gradient_k(const AttentionHead& head, std::int64_t token);
std::vector<float> attention_gradient_v(const AttentionHead& head, std::int64_t token);

}  // namespace planewise::calibration
