#include "workload/operator_time.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/check.h"

namespace planewise::workload {
namespace {

struct Timed {
  Seconds time{};
  spec::Evidence evidence = spec::Evidence::estimated;
};

/// The model was fitted within the rows a group of the points; outside it is a guess.
bool extrapolates(const Operator& op, const spec::OperatorCurve& curve) {
  if (curve.points.empty()) return false;
  const auto [least, most] =
      std::minmax_element(curve.points.begin(), curve.points.end(),
                          [](const auto& a, const auto& b) { return a.shape.m < b.shape.m; });
  return op.shape.m < least->shape.m || op.shape.m > most->shape.m;
}

/// SMs that work, and their part of those that the curve was taken on.
struct Share {
  int sms = 0;
  double of_curve = 1;
  double in_step = 1;  ///< Of a product's rates.
  /// None of a product timed by itself.
  std::optional<spec::Evidence> in_step_evidence{};
};

/// A rate in a running step is known no better than the share that is left of it there.
spec::Evidence in_step(spec::Evidence alone, const Share& share) {
  if (!share.in_step_evidence || spec::is_estimate(alone)) return alone;
  return *share.in_step_evidence;
}

/// What the SMs could do in the time that they need at least: each computes one tile at a time, and
/// all wait for the last wave. Without a tile the product's own FLOPs.
Flop whole_waves(const Operator& op, int tile, int sms) {
  if (tile == 0) return op.work;
  const auto over = [](std::int64_t count, std::int64_t parts) {
    return (count + parts - 1) / parts;
  };
  const std::int64_t tiles = op.shape.groups * over(op.shape.m, tile) * over(op.shape.n, tile);
  const double at_once = static_cast<double>(over(tiles, sms)) * sms;
  return flop(at_once * 2.0 * tile * tile * static_cast<double>(op.shape.k));
}

Timed time_gemm(const Operator& op, const spec::OperatorCurve& curve, const Share& share) {
  for (const spec::GemmPoint& point : curve.points) {
    if (point.shape == op.shape) {
      return {op.work / (point.rate * share.of_curve * share.in_step),
              in_step(curve.evidence, share)};
    }
  }
  const Flop work = whole_waves(op, curve.tile, share.sms);
  const Seconds busy = work / (curve.flop_rate * share.of_curve) + op.traffic / curve.memory_rate;
  return {curve.overhead + busy / share.in_step, extrapolates(op, curve)
                                                     ? spec::Evidence::estimated
                                                     : in_step(curve.model_evidence, share)};
}

struct RateAt {
  FlopRate rate{};
  bool is_far = false;  ///< More than a factor of 2 beyond the points.
};

/// Requires: `points` is not empty and ascends.
RateAt rate_at(std::int64_t sequence, const std::vector<spec::SequencePoint>& points) {
  const auto above = std::lower_bound(
      points.begin(), points.end(), sequence,
      [](const auto& point, std::int64_t length) { return point.sequence < length; });
  if (above == points.begin()) {
    return {.rate = above->rate, .is_far = 2 * sequence < above->sequence};
  }
  const auto below = above - 1;
  if (above == points.end()) {
    return {.rate = below->rate, .is_far = sequence > 2 * below->sequence};
  }
  const auto length = [](std::int64_t tokens) { return std::log(static_cast<double>(tokens)); };
  const double along = (length(sequence) - length(below->sequence)) /
                       (length(above->sequence) - length(below->sequence));
  return {.rate = below->rate + (above->rate - below->rate) * along};
}

Timed time_flop_rate(const Operator& op, const spec::OperatorCurve& curve, const Share& share) {
  if (curve.sequences.empty() || op.sequence == 0) {
    return {op.work / (curve.flop_rate * share.of_curve), curve.evidence};
  }
  const RateAt at = rate_at(op.sequence, curve.sequences);
  return {op.work / (at.rate * share.of_curve),
          at.is_far ? spec::Evidence::estimated : curve.evidence};
}

Timed time_operator(const Operator& op, const spec::OperatorCurve& curve, const Share& share) {
  switch (curve.form) {
    case spec::OperatorForm::gemm:
      return time_gemm(op, curve, share);
    case spec::OperatorForm::flop_rate:
      return time_flop_rate(op, curve, share);
    case spec::OperatorForm::byte_rate:
      return {op.traffic / curve.memory_rate, curve.evidence};
  }
  PW_UNREACHABLE("OperatorForm has three values");
}

/// What was taken beside communication was taken in a running step.
std::optional<spec::Evidence> in_step_evidence(const spec::OperatorCurve& curve,
                                               const spec::OperatorPlace& place) {
  const bool alone = curve.form == spec::OperatorForm::gemm && curve.beside == spec::Beside::alone;
  if (!place.in_step || !alone) return std::nullopt;
  return curve.in_step_evidence;
}

}  // namespace

void time_block(Block& block, const spec::ProfileSpec& profile, const spec::OperatorPlace& place) {
  const int sms = place.sms == 0 ? profile.gpu.sms : place.sms;
  block.time = Seconds{};
  block.estimated_time = Seconds{};
  block.routed_time = Seconds{};
  for (Operator& op : block.operators) {
    const spec::OperatorCurve* curve = spec::find_operator(profile, op.id, place);
    PW_CHECK(curve != nullptr);
    const int working = std::min(sms, curve->sms);
    const Timed timed = time_operator(op, *curve,
                                      {.sms = working,
                                       .of_curve = static_cast<double>(working) / curve->sms,
                                       .in_step = place.in_step ? curve->in_step : 1,
                                       .in_step_evidence = in_step_evidence(*curve, place)});
    const bool in_place = curve->sms == sms && curve->beside == place.beside;
    op.time = timed.time + profile.gpu.kernel_gap * curve->kernels;
    op.evidence = in_place ? timed.evidence : spec::Evidence::estimated;
    block.time += op.time;
    if (op.evidence == spec::Evidence::estimated) block.estimated_time += op.time;
    if (op.routed) block.routed_time += op.time;
  }
}

std::vector<std::string> operator_ids(const std::vector<Block>& blocks) {
  std::vector<std::string> ids;
  for (const Block& block : blocks) {
    for (const Operator& op : block.operators) {
      if (std::find(ids.begin(), ids.end(), op.id) == ids.end()) ids.push_back(op.id);
    }
  }
  return ids;
}

}  // namespace planewise::workload
