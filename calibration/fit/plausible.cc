#include "calibration/fit/plausible.h"

#include <fmt/format.h>

#include <algorithm>

#include "calibration/fit/yaml_text.h"

namespace planewise::calibration {
namespace {

constexpr double kOverPeak = 2.1;
constexpr double kOverMemory = 1.2;

/// The highest rate that was measured; 0 if the curve has none but its model's, which is no
/// promise.
FlopRate best_rate(const spec::OperatorCurve& curve) {
  FlopRate best = curve.form == spec::OperatorForm::flop_rate ? curve.flop_rate : FlopRate{};
  for (const spec::GemmPoint& point : curve.points) best = std::max(best, point.rate);
  for (const spec::SequencePoint& point : curve.sequences) best = std::max(best, point.rate);
  return best;
}

/// Bytes over time at the largest size; without a range the last piece's rate.
Rate rate_at_most(const spec::OperatorCurve& curve) {
  Seconds overhead = curve.overhead;
  Rate rate = curve.memory_rate;
  for (const spec::BytePiece& piece : curve.pieces) {
    if (curve.valid && piece.from > bytes(curve.valid->most)) break;
    overhead = piece.overhead;
    rate = piece.memory_rate;
  }
  if (!curve.valid) return rate;
  const Bytes most = bytes(curve.valid->most);
  return most / (overhead + most / rate);
}

}  // namespace

std::vector<std::string> implausible_rates(const spec::ProfileSpec& profile) {
  std::vector<std::string> lines;
  const FlopRate peak = profile.gpu.bf16_peak * kOverPeak;
  const Rate memory = profile.gpu.memory_rate * kOverMemory;
  for (const spec::OperatorCurve& curve : profile.operators) {
    if (curve.form == spec::OperatorForm::byte_rate) {
      const Rate rate = rate_at_most(curve);
      if (rate > memory) {
        lines.push_back(fmt::format("{}: {} is more than the GPU's memory moves, {}", curve.id,
                                    yaml_value(rate), yaml_value(profile.gpu.memory_rate)));
      }
    } else if (best_rate(curve) > peak) {
      lines.push_back(fmt::format("{}: {} is more than {} times the BF16 peak of {}", curve.id,
                                  yaml_value(best_rate(curve)), kOverPeak,
                                  yaml_value(profile.gpu.bf16_peak)));
    }
  }
  return lines;
}

}  // namespace planewise::calibration
