// Causal attention of multi-head latent attention before absorption: every head has keys and values
// of its own, keys wider (192) than values (128); forward and backward, BF16.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "calibration/cuda/handles.h"
#include "calibration/measure/backend.h"

namespace planewise::calibration {

struct AttentionOptions {
  int heads = 128;
  int qk_dim = 192;  ///< Scores are divided by its root.
  int v_dim = 128;
  std::int64_t batch = 1;
  std::int64_t sequence = 0;  ///< Tokens that attend to each other.
  bool backward = false;      ///< Whether backward() is needed too.
  /// Of the unfused fallback, which holds whole scores of as many heads as fit. cuDNN takes what it
  /// needs: its deterministic backward 2 B x heads x sequence^2 (cudnn-frontend, benchmark of
  /// SDPA).
  std::size_t unfused_scratch_limit = 8'000'000'000;
};

/// q, k [batch, sequence, heads, qk_dim], v, o [batch, sequence, heads, v_dim] in BF16; log_sums
/// [batch, heads, sequence] in FP32: natural logarithms of the sums of exponentials of the scaled
/// scores, which the backward pass needs. All addresses are multiples of 16.
struct AttentionForward {
  const std::uint16_t* q = nullptr;
  const std::uint16_t* k = nullptr;
  const std::uint16_t* v = nullptr;
  std::uint16_t* o = nullptr;
  float* log_sums = nullptr;
};

/// Gradients of q, k and v, of the same shapes, from that of o.
struct AttentionBackward {
  const std::uint16_t* q = nullptr;
  const std::uint16_t* k = nullptr;
  const std::uint16_t* v = nullptr;
  const std::uint16_t* o = nullptr;
  const std::uint16_t* d_o = nullptr;
  const float* log_sums = nullptr;
  std::uint16_t* d_q = nullptr;
  std::uint16_t* d_k = nullptr;
  std::uint16_t* d_v = nullptr;
};

/// Makes no allocation and no synchronisation when it is launched. A first launch, which loads
/// kernels, is not to be captured in a graph.
class Attention {
 public:
  virtual ~Attention() = default;
  virtual void forward(const AttentionForward& at, cudaStream_t stream) = 0;
  /// Only if it was asked for.
  virtual void backward(const AttentionBackward& at, cudaStream_t stream) = 0;

  virtual std::string implementation() const = 0;  ///< `cudnn_sdpa`, `unfused_cublaslt`.
  virtual std::string proxy() const = 0;           ///< Empty for the real thing.
  virtual int forward_kernels() const = 0;         ///< Launches, as far as they are known.
  virtual int backward_kernels() const = 0;
};

/// cuDNN's fused attention where the program was built with its frontend and the GPU has it; else
/// the unfused one. NotMeasured if neither can be had.
std::variant<std::unique_ptr<Attention>, NotMeasured> make_attention(
    const AttentionOptions& options);

/// cuDNN's alone, with its reason if there is none.
std::variant<std::unique_ptr<Attention>, NotMeasured> make_cudnn_attention(
    const AttentionOptions& options);

/// Products by cuBLASLt around a softmax of ours, with whole scores in memory and all of them
/// computed, those beyond the diagonal too: an upper bound of the time of fused attention.
std::variant<std::unique_ptr<Attention>, NotMeasured> make_unfused_attention(
    const AttentionOptions& options);

/// Heads that unfused attention takes at a time: the most that divide all heads and whose scores
/// fit in the limit; 0 if not even one does.
int unfused_heads_at_once(const AttentionOptions& options);

/// Memory for them: scores in FP32 and probabilities in BF16, twice if there is a backward pass.
std::size_t unfused_scratch_bytes(const AttentionOptions& options);

}  // namespace planewise::calibration
