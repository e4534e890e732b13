#include "calibration/fit/published_totals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "workload/operator_time.h"

namespace planewise::calibration {
namespace {

Seconds time_of(const CurveTotals& totals) {
  return std::accumulate(totals.begin(), totals.end(), Seconds{},
                         [](Seconds sum, const TotalRecord& total) { return sum + total.time; });
}

Flop work_of(const TotalRecord& total) {
  Flop sum{};
  for (const TotalRecord::Call& call : total.calls) sum += call.work;
  return sum;
}

Bytes traffic_of(const TotalRecord& total) {
  Bytes sum{};
  for (const TotalRecord::Call& call : total.calls) sum += call.traffic;
  return sum;
}

int kernels_a_call(const CurveTotals& totals) {
  double kernels = 0;
  double calls = 0;
  for (const TotalRecord& total : totals) {
    kernels += total.kernels;
    calls += total.kernels > 0 ? 1 : 0;
  }
  if (calls == 0) return 1;
  return std::max(1, static_cast<int>(std::lround(kernels / calls)));
}

Rate memory_rate_of(const CurveTotals& totals) {
  double rates = 0;
  double squares = 0;
  Bytes traffic{};
  for (const TotalRecord& total : totals) {
    const double rate = (traffic_of(total) / total.time).base();
    rates += rate;
    squares += rate * rate;
    traffic += traffic_of(total);
  }
  if (totals.front().by_least_squares) return Rate::from_base(squares / rates);
  return traffic / time_of(totals);
}

/// The source, and what of it was summed.
std::string source_of(const CurveTotals& totals) {
  std::string phases;
  for (const TotalRecord& total : totals) {
    phases += fmt::format("{}{} {:.6g} us", phases.empty() ? "" : ", ", total.phase,
                          total.time.in(microseconds(1)));
  }
  return totals.front().source + ": " + phases;
}

}  // namespace

std::vector<CurveTotals> by_curve(const std::vector<TotalRecord>& totals) {
  std::vector<CurveTotals> curves;
  for (const TotalRecord& total : totals) {
    const auto same = std::find_if(curves.begin(), curves.end(), [&](const CurveTotals& curve) {
      const TotalRecord& first = curve.front();
      return first.id == total.id && first.sms == total.sms && first.beside == total.beside;
    });
    if (same == curves.end()) {
      curves.push_back({total});
    } else {
      same->push_back(total);
    }
  }
  return curves;
}

spec::OperatorCurve rate_of_totals(const CurveTotals& all) {
  CurveTotals totals = all;
  std::erase_if(totals, [](const TotalRecord& total) { return total.only_kernels; });
  PW_CHECK(!totals.empty());
  const TotalRecord& first = totals.front();
  spec::OperatorCurve curve{
      .id = first.id, .sms = first.sms, .beside = first.beside, .evidence = first.evidence};
  curve.source = source_of(totals);
  curve.kernels = kernels_a_call(all);
  if (work_of(first).base() > 0) {
    Flop work{};
    for (const TotalRecord& total : totals) work += work_of(total);
    curve.form = spec::OperatorForm::flop_rate;
    curve.flop_rate = work / time_of(totals);
    return curve;
  }
  curve.form = spec::OperatorForm::byte_rate;
  curve.memory_rate = memory_rate_of(totals);
  if (first.by_least_squares) {
    curve.evidence = spec::Evidence::fitted;
    curve.source += "; least squares of relative errors";
  }
  return curve;
}

double slowdown(const CurveTotals& totals, const spec::OperatorCurve& alone) {
  const TotalRecord& first = totals.front();
  spec::ProfileSpec profile{.gpu = {.sms = first.sms}, .operators = {alone}};
  // As if it had been taken there: its rates as they are, but in waves of fewer SMs.
  profile.operators.front().sms = first.sms;
  workload::Block block;
  for (const TotalRecord& total : totals) {
    for (const TotalRecord::Call& call : total.calls) {
      block.operators.push_back(
          {.id = total.id, .shape = call.shape, .work = call.work, .traffic = call.traffic});
    }
  }
  workload::time_block(block, profile);
  return time_of(totals).in(block.time);
}

spec::OperatorCurve slowed_curve(const CurveTotals& totals, const spec::OperatorCurve& alone) {
  const TotalRecord& first = totals.front();
  const double factor = slowdown(totals, alone);
  spec::OperatorCurve curve = alone;
  curve.sms = first.sms;
  curve.beside = first.beside;
  curve.evidence = spec::Evidence::fitted;
  curve.model_evidence = spec::Evidence::fitted;
  curve.source = fmt::format("the curve alone over {:.4g}: {}", factor, source_of(totals));
  curve.kernels = 1;
  for (spec::GemmPoint& point : curve.points) point.rate = point.rate / factor;
  curve.flop_rate = curve.flop_rate / factor;
  curve.memory_rate = curve.memory_rate / factor;
  curve.overhead = curve.overhead * factor;
  curve.held_out.reset();
  curve.in_step = 1;
  curve.in_step_evidence = spec::Evidence::estimated;
  curve.in_step_source.clear();
  return curve;
}

}  // namespace planewise::calibration
