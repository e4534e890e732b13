// Decode of multi-head latent attention: every head's query attends to the same latent cache, whose
// first part is the values too (up-projections absorbed; arXiv 2405.04434, section 2.1). A kernel
// of ours: mma.sync with a split along the cache, as FlashDecoding does. It is the real operator,
// but without wgmma and TMA it reads shared memory more often than FlashMLA does, so that on Hopper
// it is slower where FlashMLA is bound by tensor cores.
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

struct DecodeOptions {
  int heads = 128;
  int latent = 512;  ///< Width of the values, and of the first part of keys and queries.
  int rope = 64;     ///< Width of the other part.
  int qk_dim = 192;  ///< Scores are divided by its root: of a head before the absorption.
  std::int64_t batch = 0;
  std::int64_t sequence = 0;  ///< Tokens in the cache of each sequence.
  int sms = 0;                ///< That the split counts on; 0: all.
};

/// How the work is cut: blocks of 64 heads, and parts of the cache of `tiles_per_split` x 32
/// tokens.
struct DecodePlan {
  int head_tiles = 0;
  int splits = 0;
  int tiles_per_split = 0;

  bool operator==(const DecodePlan&) const = default;
};

/// The fewest parts that take the fewest waves of blocks, when each SM runs one block at a time.
DecodePlan plan_decode(const DecodeOptions& options, int sms);

/// FP32 results and log-sums of the parts; 0 if there is but one.
std::size_t decode_scratch_bytes(const DecodeOptions& options, const DecodePlan& plan);

class Decode {
 public:
  /// NotMeasured if the widths are not 512 and 64, or if the GPU has too little shared memory.
  static std::variant<std::unique_ptr<Decode>, NotMeasured> make(const DecodeOptions& options);

  /// All BF16, row-major: queries [batch, heads, latent + rope], cache [batch, sequence, latent +
  /// rope], results [batch, heads, latent]. Addresses are multiples of 16. Makes no allocation and
  /// no synchronisation.
  void launch(const std::uint16_t* queries, const std::uint16_t* cache, std::uint16_t* results,
              cudaStream_t stream) const;

  std::string implementation() const { return "pw_mla_decode"; }
  int kernels() const { return plan_.splits > 1 ? 2 : 1; }

 private:
  Decode(const DecodeOptions& options, const DecodePlan& plan);

  DecodeOptions options_;
  DecodePlan plan_;
  Buffer parts_;  ///< [splits, batch, heads, latent], then [splits, batch, heads] log-sums.
};

}  // namespace planewise::calibration
