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

SizeKind size_kind(spec::OperatorForm form) {
  switch (form) {
    case spec::OperatorForm::gemm:
      return SizeKind::rows;
    case spec::OperatorForm::flop_rate:
      return SizeKind::sequence;
    case spec::OperatorForm::byte_rate:
    case spec::OperatorForm::roofline:
      return SizeKind::traffic;
  }
  PW_UNREACHABLE("OperatorForm has four values");
}

/// 0: the operator has no such size.
double size_of(const Operator& op, SizeKind kind) {
  switch (kind) {
    case SizeKind::rows:
      return static_cast<double>(op.shape.m);
    case SizeKind::sequence:
      return static_cast<double>(op.sequence);
    case SizeKind::traffic:
      return op.traffic.in(bytes(1));
  }
  PW_UNREACHABLE("SizeKind has three values");
}

/// The sizes of the curve's points or lengths; none if it has neither.
std::optional<spec::ValidRange> range_of_points(const spec::OperatorCurve& curve) {
  if (!curve.points.empty()) {
    const auto [least, most] =
        std::minmax_element(curve.points.begin(), curve.points.end(),
                            [](const auto& a, const auto& b) { return a.shape.m < b.shape.m; });
    return spec::ValidRange{.least = static_cast<double>(least->shape.m),
                            .most = static_cast<double>(most->shape.m)};
  }
  if (curve.sequences.empty()) return std::nullopt;
  return spec::ValidRange{.least = static_cast<double>(curve.sequences.front().sequence),
                          .most = static_cast<double>(curve.sequences.back().sequence)};
}

/// Where a range was taken from lengths of sequence, up to twice beyond them counts as within.
std::optional<Extrapolation> extrapolation(const Operator& op, const spec::OperatorCurve& curve) {
  const std::optional<spec::ValidRange> valid = curve.valid ? curve.valid : range_of_points(curve);
  const SizeKind kind = size_kind(curve.form);
  const double asked = size_of(op, kind);
  if (!valid || asked == 0) return std::nullopt;
  constexpr double kDigits = 1 + 1e-5;  // Profiles are written with six digits.
  const double slack = !curve.valid && kind == SizeKind::sequence ? 2 : kDigits;
  if (asked * slack >= valid->least && asked <= valid->most * slack) return std::nullopt;
  return Extrapolation{.kind = kind, .asked = asked, .valid = *valid};
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

double elements(const spec::GemmShape& shape) {
  const auto m = static_cast<double>(shape.m);
  const auto n = static_cast<double>(shape.n);
  const auto k = static_cast<double>(shape.k);
  return static_cast<double>(shape.groups) * (m * k + n * k + m * n);
}

/// The model's time by itself on the curve's own SMs, of `op` with the rows of `point`: its bytes
/// an element are taken to be those of `op`.
Seconds model_time(const Operator& op, const spec::OperatorCurve& curve,
                   const spec::GemmShape& point) {
  const Bytes traffic = op.traffic * (elements(point) / elements(op.shape));
  return curve.overhead + whole_waves(point, curve.tile, curve.sms) / curve.flop_rate +
         traffic / curve.memory_rate;
}

Flop work_of(const spec::GemmPoint& point) { return whole_waves(point.shape, 0, 1); }

/// The rate by itself on the curve's SMs that its points say: that of the point of this shape, or
/// from the nearest two of the same groups, n and k with fewer and with more rows. Between them the
/// model's time is corrected by what it misses them by, linear in the logarithm of the rows. None
/// where points do not tell.
std::optional<FlopRate> rate_by_points(const Operator& op, const spec::OperatorCurve& curve) {
  const spec::GemmPoint* below = nullptr;
  const spec::GemmPoint* above = nullptr;
  for (const spec::GemmPoint& point : curve.points) {
    const spec::GemmShape& shape = point.shape;
    if (shape == op.shape) return point.rate;
    if (shape.groups != op.shape.groups || shape.n != op.shape.n || shape.k != op.shape.k) continue;
    if (shape.m < op.shape.m && (below == nullptr || shape.m > below->shape.m)) below = &point;
    if (shape.m > op.shape.m && (above == nullptr || shape.m < above->shape.m)) above = &point;
  }
  if (below == nullptr || above == nullptr) return std::nullopt;
  const auto missed_by = [&](const spec::GemmPoint& point) {
    return (work_of(point) / point.rate).in(model_time(op, curve, point.shape));
  };
  const auto rows = [](const spec::GemmShape& shape) {
    return std::log(static_cast<double>(shape.m));
  };
  const double along =
      (rows(op.shape) - rows(below->shape)) / (rows(above->shape) - rows(below->shape));
  const double ratio = missed_by(*below) + (missed_by(*above) - missed_by(*below)) * along;
  return op.work / (model_time(op, curve, op.shape) * ratio);
}

Timed time_gemm(const Operator& op, const spec::OperatorCurve& curve, const Share& share) {
  if (const auto rate = rate_by_points(op, curve)) {
    return {op.work / (*rate * share.of_curve * share.in_step), in_step(curve.evidence, share)};
  }
  const Flop work = curve.tile == 0 ? op.work : whole_waves(op.shape, curve.tile, share.sms);
  const Seconds busy = work / (curve.flop_rate * share.of_curve) + op.traffic / curve.memory_rate;
  return {curve.overhead + busy / share.in_step, in_step(curve.model_evidence, share)};
}

/// That of the nearest point beyond them. Requires: `points` is not empty and ascends.
FlopRate rate_at(std::int64_t sequence, const std::vector<spec::SequencePoint>& points) {
  const auto above = std::lower_bound(
      points.begin(), points.end(), sequence,
      [](const auto& point, std::int64_t length) { return point.sequence < length; });
  if (above == points.begin()) return above->rate;
  const auto below = above - 1;
  if (above == points.end()) return below->rate;
  const auto length = [](std::int64_t tokens) { return std::log(static_cast<double>(tokens)); };
  const double along = (length(sequence) - length(below->sequence)) /
                       (length(above->sequence) - length(below->sequence));
  return below->rate + (above->rate - below->rate) * along;
}

Timed time_flop_rate(const Operator& op, const spec::OperatorCurve& curve, const Share& share) {
  const FlopRate rate = curve.sequences.empty() || op.sequence == 0
                            ? curve.flop_rate
                            : rate_at(op.sequence, curve.sequences);
  return {op.work / (rate * share.of_curve), curve.evidence};
}

Timed time_byte_rate(const Operator& op, const spec::OperatorCurve& curve) {
  spec::BytePiece holds{.overhead = curve.overhead, .memory_rate = curve.memory_rate};
  for (const spec::BytePiece& piece : curve.pieces) {
    if (piece.from > op.traffic) break;
    holds = piece;
  }
  return {holds.overhead + op.traffic / holds.memory_rate, curve.evidence};
}

Timed time_roofline(const Operator& op, const spec::OperatorCurve& curve, const Share& share) {
  const Seconds computing = op.work / (curve.flop_rate * share.of_curve);
  return {curve.overhead + std::max(computing, op.traffic / curve.memory_rate), curve.evidence};
}

Timed time_operator(const Operator& op, const spec::OperatorCurve& curve, const Share& share) {
  switch (curve.form) {
    case spec::OperatorForm::gemm:
      return time_gemm(op, curve, share);
    case spec::OperatorForm::flop_rate:
      return time_flop_rate(op, curve, share);
    case spec::OperatorForm::byte_rate:
      return time_byte_rate(op, curve);
    case spec::OperatorForm::roofline:
      return time_roofline(op, curve, share);
  }
  PW_UNREACHABLE("OperatorForm has four values");
}

/// Whether its bytes take longer than its FLOPs, by the curve's own rates.
bool is_memory_bound(const Operator& op, const spec::OperatorCurve& curve) {
  if (curve.form == spec::OperatorForm::byte_rate) return true;
  if (curve.form == spec::OperatorForm::flop_rate) return false;
  return op.traffic / curve.memory_rate > op.work / curve.flop_rate;
}

/// What was taken beside communication was taken in a running step.
std::optional<spec::Evidence> in_step_evidence(const spec::OperatorCurve& curve,
                                               const spec::OperatorPlace& place) {
  const bool alone = curve.form == spec::OperatorForm::gemm && curve.beside == spec::Beside::alone;
  if (!place.in_step || !alone) return std::nullopt;
  return curve.in_step_evidence;
}

}  // namespace

Flop whole_waves(const spec::GemmShape& shape, int tile, int sms) {
  const double k = static_cast<double>(shape.k);
  if (tile == 0) {
    return flop(2.0 * static_cast<double>(shape.groups) * static_cast<double>(shape.m) *
                static_cast<double>(shape.n) * k);
  }
  const auto over = [](std::int64_t count, std::int64_t parts) {
    return (count + parts - 1) / parts;
  };
  const std::int64_t tiles = shape.groups * over(shape.m, tile) * over(shape.n, tile);
  const double at_once = static_cast<double>(over(tiles, sms)) * sms;
  return flop(at_once * 2.0 * tile * tile * k);
}

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
    const Seconds gaps = profile.gpu.kernel_gap * curve->kernels;
    op.time = timed.time + gaps;
    op.fixed = gaps + std::min(curve->overhead, timed.time);
    op.memory_bound = is_memory_bound(op, *curve);
    op.extrapolated = extrapolation(op, *curve);
    const bool as_taken = in_place && !op.extrapolated && curve->proxy.empty();
    op.evidence = as_taken ? timed.evidence : spec::Evidence::estimated;
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
