// What is timed: an operator of the simulator at one size, and in which circumstances.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "spec/job.h"
#include "spec/profile.h"

namespace planewise::calibration {

/// What a backend runs, spelled as in raw.jsonl. Unless another format is named, values are BF16;
/// "FP8" are e4m3 values with an FP32 scale for 1 x 128 of them (1.03125 B each). Bytes are those
/// of an element of rows x width, as src/workload counts them.
enum class Kernel : std::uint8_t {
  empty,            ///< Nothing: what a launch costs.
  product,          ///< Y = X W^T, `groups` times; an input gradient with W transposed.
  weight_gradient,  ///< dW[n, k] = dY^T X in FP32 over m rows, `groups` times. Under fp8_blockwise
                    ///< the transposing requantisation of X is part of it (as in src/workload).
  router,           ///< Sigmoid of FP32 scores [rows, width], bias, group-limited top-k: 4 B.
  quantise,         ///< To FP8: 3.03125 B.
  quantise_backward,      ///< The same, and once more transposed, a scale for 128 x 1: 6.0625 B.
  requantise_transposed,  ///< FP8 rows to FP8 columns, a scale for 128 x 1: 2.0625 B.
  permute,          ///< FP8 rows gathered to their experts (top-k times), and the weighted BF16
                    ///< sum back to tokens: 2 x top-k x 3.03125 B.
  swiglu,           ///< [rows, gate and up, 2 x width] to [rows, width]: 6 B.
  swiglu_backward,  ///< That again, then gradients of gate and up: 16 B.
  swiglu_quantise,  ///< Both in one pass, to FP8: 5.03125 B.
  gelu,             ///< 4 B.
  norm,             ///< RMSNorm: 4 B.
  rope,             ///< `width` elements a token turned in place: 4 B.
  copy,             ///< 4 B.
  elementwise,      ///< z = x + y: 6 B.
  embedding,        ///< Rows of a table of `vocabulary` looked up: 4 B.
  cross_entropy,    ///< Loss of logits [rows, width], which are read twice: 4 B.
  optimizer,  ///< AdamW: gradient and master in FP32, both moments and the parameter in BF16: 22 B.
  attention_forward,
  attention_backward,
  attention_decode,    ///< MLA with absorbed up-projections, one token a sequence.
  moe_layer_forward,   ///< Router to combine, dispatch looped back.
  moe_layer_backward,  ///< Gradients of inputs and weights.
};

/// How rows are spread over groups.
enum class RowSpread : std::uint8_t {
  balanced,
  uneven,  ///< Each group m x U(0.7, 1.3), as DeepGEMM's tests.
  zipf,    ///< Shares fall as 1 / rank of the group.
};

/// How rows of a grouped product lie.
enum class RowLayout : std::uint8_t {
  contiguous,  ///< Group after group, each padded to 128 rows.
  masked,  ///< Room for the most rows in each group; how many are there is known on the GPU only.
};

enum class Regime : std::uint8_t {
  cool,       ///< With pauses, at the highest clocks.
  sustained,  ///< Without, as in a step.
};

struct Measurement {
  std::string id{};  ///< Of the profile's operator; `layer.forward`, `gap.kernel` are none.
  Kernel kernel = Kernel::product;
  spec::Precision precision = spec::Precision::bf16;  ///< bf16 or fp8_blockwise.
  spec::GemmShape shape{};  ///< Products and weight gradients; m: rows a group, on average.
  /// Other kernels work on rows x width elements. Router: tokens x experts. Permute and layers:
  /// tokens x hidden. Cross entropy: tokens x vocabulary. Optimizer: parameters x 1. Attention:
  /// rows are tokens in all (decode: sequences), width is the heads.
  std::int64_t rows = 0;
  std::int64_t width = 0;
  std::int64_t sequence = 0;  ///< Attention: tokens that attend to each other.
  RowSpread spread = RowSpread::balanced;
  RowLayout layout = RowLayout::contiguous;
  int sms = 0;                                ///< That it may use; 0: all.
  spec::Beside beside = spec::Beside::alone;  ///< `communication`: a copy runs on the other SMs.
  Regime regime = Regime::sustained;
  Flop work{};      ///< As src/workload counts it.
  Bytes traffic{};  ///< The same.
  /// Layers: keys of the measurements whose times together should be the layer's.
  std::vector<std::string> parts{};
};

/// The sizes of a model that kernels need beyond those of a measurement.
struct LayerSizes {
  std::int64_t hidden = 7168;
  std::int64_t expert_width = 2048;
  std::int64_t vocabulary = 129280;
  int experts = 256;
  int experts_per_token = 8;
  int expert_groups = 8;  ///< Of which a token may use groups_per_token.
  int groups_per_token = 4;
  int local_experts = 4;  ///< That a rank holds.
  double routing_scale = 2.5;
  int heads = 128;
  int qk_nope_head_dim = 128;
  int qk_rope_head_dim = 64;
  int v_head_dim = 128;
  int kv_lora_rank = 512;

  bool operator==(const LayerSizes&) const = default;
};

/// One line that names a measurement, the same for the same measurement: its key in raw.jsonl, such
/// as `grouped_gemm.fp8 product groups=4 m=8192 n=4096 k=7168 fp8_blockwise sustained`. What is at
/// its default is left out.
std::string key_of(const Measurement& measurement);

std::string to_string(Kernel kernel);
std::string to_string(RowSpread spread);
std::string to_string(RowLayout layout);
std::string to_string(Regime regime);

}  // namespace planewise::calibration
