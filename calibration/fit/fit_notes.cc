#include "calibration/fit/fit_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "calibration/fit/curve_fit.h"
#include "calibration/measure/statistics.h"

namespace planewise::calibration {
namespace {

/// docs/yaml.md: what a training workload runs, of any model and precision that a GPU measures.
constexpr std::array<std::string_view, 18> kOperators = {"gemm.bf16",
                                                         "grouped_gemm.bf16",
                                                         "gemm.fp8",
                                                         "grouped_gemm.fp8",
                                                         "wgrad.fp8",
                                                         "quantise",
                                                         "quantise.backward",
                                                         "attention_mla.forward",
                                                         "attention_mla.backward",
                                                         "copy",
                                                         "norm",
                                                         "rope",
                                                         "elementwise",
                                                         "swiglu",
                                                         "embedding",
                                                         "cross_entropy",
                                                         "optimizer",
                                                         "router"};
constexpr std::string_view kPermute = "permute";
constexpr std::array<std::string_view, 7> kCollectives = {
    "point_to_point", "ring",       "ep_dispatch",   "ep_combine",
    "all_to_all",     "all_gather", "reduce_scatter"};

std::string name_of(const Measurement& layer) {
  std::string name = fmt::format("{} of {} tokens", layer.id, layer.rows);
  if (layer.sms > 0) name += fmt::format(" on {} SMs", layer.sms);
  return name;
}

/// The time of `key`; none if it was not measured.
std::optional<Seconds> time_of(const CurveSet& set, const std::string& key) {
  const auto found = set.times.find(key);
  if (found == set.times.end()) return std::nullopt;
  return found->second;
}

bool is_in(const spec::ProfileSpec& profile, const std::string& id) {
  return spec::find_operator(profile, id) != nullptr ||
         spec::find_collective(profile, id) != nullptr;
}

/// `+6.0 %`.
std::string change(double ratio) { return fmt::format("{:+.1f} %", 100 * (ratio - 1)); }

}  // namespace

std::vector<spec::SumCheck> sums_of(const CurveSet& set, std::vector<std::string>& warnings) {
  std::vector<spec::SumCheck> sums;
  for (const SizeTime& layer : set.layers) {
    spec::SumCheck sum{.id = name_of(layer.measurement), .whole = layer.time, .limit = kSumLimit};
    std::string missing;
    for (const std::string& part : layer.measurement.parts) {
      const auto time = time_of(set, part);
      if (!time && missing.empty()) missing = part;
      if (time) sum.operators += *time;
    }
    if (!missing.empty()) {
      warnings.push_back(
          fmt::format("{}: no sum of its operators, '{}' was not measured", sum.id, missing));
      continue;
    }
    if (layer.measurement.parts.empty()) continue;
    const double ratio = sum.operators.in(sum.whole);
    if (std::abs(ratio - 1) > kSumLimit) {
      warnings.push_back(
          fmt::format("{}: the sum of its operators is {} beside the whole, beyond "
                      "{:.0f} %",
                      sum.id, change(ratio), 100 * kSumLimit));
    }
    sums.push_back(std::move(sum));
  }
  return sums;
}

void compare_spread(const CurvePoints& points, const spec::OperatorCurve& curve,
                    std::vector<std::string>& warnings) {
  struct Kind {
    std::vector<double> ratios{};
    bool has_measured = true;  ///< All balanced ones were.
  };
  std::map<std::string, Kind> kinds;
  for (const SizeTime& size : points.spread) {
    const Measurement& m = size.measurement;
    std::string name = m.spread == RowSpread::balanced ? "" : to_string(m.spread);
    if (m.layout == RowLayout::masked) name += name.empty() ? "masked" : " masked";
    const auto balanced =
        std::find_if(points.sizes.begin(), points.sizes.end(), [&](const SizeTime& other) {
          return operator_shape(other.measurement) == operator_shape(m) &&
                 other.measurement.kernel == m.kernel && other.measurement.rows == m.rows &&
                 other.measurement.width == m.width;
        });
    const bool is_measured = balanced != points.sizes.end();
    const Seconds expected = is_measured ? balanced->time : predicted_time(curve, m);
    Kind& kind = kinds[name];
    kind.ratios.push_back(size.time.in(expected));
    kind.has_measured = kind.has_measured && is_measured;
  }
  for (auto& [name, kind] : kinds) {
    const std::size_t count = kind.ratios.size();
    warnings.push_back(fmt::format(
        "{}{}: {} rows cost {} over balanced ones in the median of {} {}{}", points.id,
        points.beside == spec::Beside::communication ? " beside communication" : "", name,
        change(median(std::move(kind.ratios))), count, count == 1 ? "shape" : "shapes",
        kind.has_measured ? "" : ", some of which only the model knows balanced"));
  }
}

std::vector<spec::NotMeasuredEntry> missing_of(const RawFile& raw, const CurveSet& set,
                                               const spec::ProfileSpec& profile) {
  std::vector<spec::NotMeasuredEntry> missing;
  const auto add = [&](std::string_view id, const std::string& reason) {
    const bool is_there = std::any_of(missing.begin(), missing.end(),
                                      [&](const auto& entry) { return entry.id == id; });
    if (is_there || is_in(profile, std::string(id))) return;
    missing.push_back({.id = std::string(id), .reason = reason});
  };
  for (const NotMeasuredRecord& record : raw.not_measured) add(record.id, record.reason);
  for (const CurvePoints& curve : set.curves) {
    if (curve.failed == 0 || !curve.check) continue;
    add(curve.id, fmt::format("its results were wrong: {} {:g}, the limit is {:g}",
                              curve.check->metric, curve.check->value, curve.check->limit));
  }
  if (raw.profile) return missing;  // published tables say themselves what they lack
  for (const std::string_view id : kOperators) add(id, "not in the raw file");
  add(kPermute, "not in the raw file");
  const bool is_alone = !raw.cluster || raw.cluster->ranks == 1;
  for (const std::string_view id : kCollectives) {
    add(id, is_alone ? "measured on one rank" : "not in the raw file");
  }
  return missing;
}

}  // namespace planewise::calibration
