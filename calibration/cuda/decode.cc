#include "calibration/cuda/decode.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "calibration/cuda/decode_kernel.h"

namespace planewise::calibration {
namespace {

// What a block does besides its tiles, in tiles: load queries, write results. An estimate.
constexpr std::int64_t kTilesOfABlock = 3;
constexpr int kSplitsAtMost = 64;

std::int64_t divide_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

}  // namespace

DecodePlan plan_decode(const DecodeOptions& options, int sms) {
  PW_CHECK(options.batch > 0);
  PW_CHECK(options.sequence > 0);
  PW_CHECK(sms > 0);
  const std::int64_t head_tiles = divide_up(options.heads, kDecodeHeadTile);
  const std::int64_t tiles = divide_up(options.sequence, kDecodeKeyTile);
  DecodePlan best{};
  std::int64_t cost_min = 0;
  for (std::int64_t asked = 1; asked <= std::min<std::int64_t>(tiles, kSplitsAtMost); ++asked) {
    const std::int64_t per_split = divide_up(tiles, asked);
    const std::int64_t splits = divide_up(tiles, per_split);  // so that no part is empty
    const std::int64_t waves = divide_up(options.batch * head_tiles * splits, sms);
    const std::int64_t cost = waves * (per_split + kTilesOfABlock * (splits > 1 ? 2 : 1));
    if (best.splits > 0 && cost >= cost_min) continue;
    cost_min = cost;
    best = {.head_tiles = static_cast<int>(head_tiles),
            .splits = static_cast<int>(splits),
            .tiles_per_split = static_cast<int>(per_split)};
  }
  return best;
}

std::size_t decode_scratch_bytes(const DecodeOptions& options, const DecodePlan& plan) {
  if (plan.splits == 1) return 0;
  const std::int64_t results = plan.splits * options.batch * options.heads;
  return static_cast<std::size_t>(results * (options.latent + 1)) * sizeof(float);
}

Decode::Decode(const DecodeOptions& options, const DecodePlan& plan)
    : options_(options), plan_(plan), parts_(decode_scratch_bytes(options, plan)) {}

std::variant<std::unique_ptr<Decode>, NotMeasured> Decode::make(const DecodeOptions& options) {
  if (options.latent != kDecodeLatent || options.rope != kDecodeRope) {
    return NotMeasured{fmt::format("pw_mla_decode has widths of {} and {}, not {} and {}",
                                   kDecodeLatent, kDecodeRope, options.latent, options.rope)};
  }
  const int shared = device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  if (shared < decode_shared_bytes()) {
    return NotMeasured{
        fmt::format("pw_mla_decode needs {} bytes of shared memory in a block; the GPU has {}",
                    decode_shared_bytes(), shared)};
  }
  const int sms = options.sms > 0 ? options.sms : device_attribute(cudaDevAttrMultiProcessorCount);
  prepare_decode_kernel();
  return std::unique_ptr<Decode>(new Decode(options, plan_decode(options, sms)));
}

void Decode::launch(const std::uint16_t* queries, const std::uint16_t* cache,
                    std::uint16_t* results, cudaStream_t stream) const {
  float* parts = parts_.as<float>();
  const std::int64_t rows = plan_.splits * options_.batch * options_.heads;
  launch_decode_kernel({.queries = queries,
                        .cache = cache,
                        .results = results,
                        .parts = plan_.splits > 1 ? parts : nullptr,
                        .log_sums = plan_.splits > 1 ? parts + rows * options_.latent : nullptr,
                        .batch = options_.batch,
                        .sequence = options_.sequence,
                        .heads = options_.heads,
                        .qk_dim = options_.qk_dim},
                       plan_, stream);
}

}  // namespace planewise::calibration
