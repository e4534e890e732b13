#include "workload/operator_time.h"

#include <algorithm>

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

Timed time_gemm(const Operator& op, const spec::OperatorCurve& curve) {
  for (const spec::GemmPoint& point : curve.points) {
    if (point.shape == op.shape) return {op.work / point.rate, curve.evidence};
  }
  return {curve.overhead + op.work / curve.flop_rate + op.traffic / curve.memory_rate,
          extrapolates(op, curve) ? spec::Evidence::estimated : curve.model_evidence};
}

Timed time_operator(const Operator& op, const spec::OperatorCurve& curve) {
  switch (curve.form) {
    case spec::OperatorForm::gemm:
      return time_gemm(op, curve);
    case spec::OperatorForm::flop_rate:
      return {op.work / curve.flop_rate, curve.evidence};
    case spec::OperatorForm::byte_rate:
      return {op.traffic / curve.memory_rate, curve.evidence};
  }
  PW_UNREACHABLE("OperatorForm has three values");
}

}  // namespace

void time_block(Block& block, const spec::ProfileSpec& profile) {
  block.time = Seconds{};
  block.estimated_time = Seconds{};
  for (Operator& op : block.operators) {
    const spec::OperatorCurve* curve = spec::find_operator(profile, op.id);
    PW_CHECK(curve != nullptr);
    const Timed timed = time_operator(op, *curve);
    const bool as_measured = curve->sms == profile.gpu.sms && curve->beside == spec::Beside::alone;
    op.time = timed.time;
    op.evidence = as_measured ? timed.evidence : spec::Evidence::estimated;
    block.time += op.time;
    if (op.evidence == spec::Evidence::estimated) block.estimated_time += op.time;
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
