#include "calibration/fit/curve_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "calibration/measure/statistics.h"

namespace planewise::calibration {
namespace {

constexpr double kSystematic = 0.01;  // what differs between runs is not seen between rounds

bool is_layer(Kernel kernel) {
  return kernel == Kernel::moe_layer_forward || kernel == Kernel::moe_layer_backward;
}

/// Rounds of one measurement in one regime.
struct Rounds {
  std::vector<double> medians{};  ///< Seconds.
  int throttled = 0;
};

/// A measurement, whatever its regime.
struct Size {
  Measurement measurement{};
  Rounds sustained{};
  Rounds cool{};
};

/// Texts that were seen, each once.
void note(std::vector<std::string>& seen, const std::string& text) {
  if (text.empty() || std::find(seen.begin(), seen.end(), text) != seen.end()) return;
  seen.push_back(text);
}

/// A curve while its points come.
struct Gathering {
  CurvePoints curve{};
  std::vector<std::string> keys{};  ///< In order of first mention.
  std::map<std::string, Size> sizes{};
  std::vector<std::string> sources{};
  std::vector<std::string> implementations{};
  std::vector<std::string> proxies{};
  std::vector<double> kernels{};
};

double median_time(const PointRecord& point) {
  std::vector<double> times;
  times.reserve(point.times.size());
  for (const Seconds time : point.times) times.push_back(time.in(seconds(1)));
  return median(std::move(times));
}

/// How bad a check is: its value over its limit.
double severity(const spec::ResultCheck& check) {
  if (check.value <= check.limit && check.limit == 0) return 0;
  return check.limit > 0 ? check.value / check.limit : HUGE_VAL;
}

void note_check(const CheckResult& result, std::optional<spec::ResultCheck>& worst) {
  constexpr double kMost = 1e12;  // NaN and infinity are no numbers of a profile
  const double value = std::isnan(result.value) ? kMost : std::clamp(result.value, 0.0, kMost);
  const spec::ResultCheck check{.metric = result.metric, .value = value, .limit = result.limit};
  if (!worst || severity(check) > severity(*worst)) worst = check;
}

void add(const PointRecord& point, Gathering& gathering) {
  CurvePoints& curve = gathering.curve;
  for (const CheckResult& check : point.checks) note_check(check, curve.check);
  note(gathering.implementations, point.implementation);
  note(gathering.proxies, point.proxy);
  note(gathering.sources, point.source);
  if (point.check_failed) {
    ++curve.failed;
    return;
  }
  if (curve.points == 0) curve.evidence = point.evidence;
  ++curve.points;
  curve.throttled += point.throttle.empty() ? 0 : 1;
  gathering.kernels.push_back(point.kernels);
  Measurement any_regime = point.measurement;
  any_regime.regime = Regime::sustained;
  const std::string key = key_of(any_regime);
  const auto [found, is_new] = gathering.sizes.try_emplace(key, Size{.measurement = any_regime});
  if (is_new) gathering.keys.push_back(key);
  Rounds& rounds =
      point.measurement.regime == Regime::sustained ? found->second.sustained : found->second.cool;
  rounds.medians.push_back(median_time(point));
  rounds.throttled += point.throttle.empty() ? 0 : 1;
}

/// Of the logarithms of the rounds' times.
double spread_of(const std::vector<double>& medians) {
  if (medians.size() < 2) return 0;
  double mean = 0;
  for (const double time : medians) mean += std::log(time);
  mean /= static_cast<double>(medians.size());
  double sum = 0;
  for (const double time : medians) sum += (std::log(time) - mean) * (std::log(time) - mean);
  return std::sqrt(sum / static_cast<double>(medians.size() - 1));
}

SizeTime size_time(const Size& size) {
  const Rounds& rounds = size.sustained.medians.empty() ? size.cool : size.sustained;
  return {.measurement = size.measurement,
          .time = seconds(median(rounds.medians)),
          .sigma = std::hypot(kSystematic, spread_of(rounds.medians)),
          .rounds = static_cast<int>(rounds.medians.size()),
          .throttled = rounds.throttled,
          .is_unstable = !is_stable(rounds.medians)};
}

bool comes_before(const SizeTime& left, const SizeTime& right) {
  const auto order = [](const Measurement& m) {
    const spec::GemmShape shape = operator_shape(m);
    return std::make_tuple(m.shape.m, m.sequence, m.traffic, shape.groups, shape.n, shape.k,
                           m.rows);
  };
  return order(left.measurement) < order(right.measurement);
}

std::string joined(const std::vector<std::string>& texts, std::string_view between) {
  std::string all;
  for (const std::string& text : texts) {
    if (!all.empty()) all += between;
    all += text;
  }
  return all;
}

Seconds without_gaps(Seconds time, Seconds gap, int kernels) {
  return std::max(time * 0.5, time - gap * kernels);
}

CurvePoints finished(Gathering gathering, Seconds gap) {
  CurvePoints curve = std::move(gathering.curve);
  curve.source = joined(gathering.sources, "; ");
  curve.implementation = joined(gathering.implementations, ", ");
  curve.proxy = joined(gathering.proxies, ", ");
  if (!gathering.kernels.empty()) {
    curve.kernels = static_cast<int>(std::lround(median(gathering.kernels)));
  }
  if (curve.evidence != spec::Evidence::measured) gap = Seconds{};  // printed rates are without
  for (const std::string& key : gathering.keys) {
    SizeTime size = size_time(gathering.sizes.at(key));
    size.time = without_gaps(size.time, gap, curve.kernels);
    const bool is_plain = size.measurement.spread == RowSpread::balanced &&
                          size.measurement.layout == RowLayout::contiguous;
    (is_plain ? curve.sizes : curve.spread).push_back(std::move(size));
  }
  std::stable_sort(curve.sizes.begin(), curve.sizes.end(), comes_before);
  std::stable_sort(curve.spread.begin(), curve.spread.end(), comes_before);
  return curve;
}

/// The median over all rounds of an empty kernel by itself.
Seconds gap_of(const RawFile& raw) {
  std::vector<double> medians;
  for (const PointRecord& point : raw.points) {
    const Measurement& m = point.measurement;
    if (m.kernel != Kernel::empty || point.times.empty()) continue;
    if (m.beside == spec::Beside::alone && m.sms == 0) medians.push_back(median_time(point));
  }
  return medians.empty() ? Seconds{} : seconds(median(std::move(medians)));
}

std::map<std::string, Seconds> times_of(const RawFile& raw) {
  std::map<std::string, std::vector<double>> medians;
  for (const PointRecord& point : raw.points) {
    if (!point.times.empty()) medians[point.key].push_back(median_time(point));
  }
  std::map<std::string, Seconds> times;
  for (auto& [key, list] : medians) times.emplace(key, seconds(median(std::move(list))));
  return times;
}

}  // namespace

spec::GemmShape operator_shape(const Measurement& m) {
  if (m.kernel != Kernel::weight_gradient) return m.shape;
  return {.groups = m.shape.groups, .m = m.shape.n, .n = m.shape.k, .k = m.shape.m};
}

CurveSet curves_of(const RawFile& raw, int sms) {
  using Place = std::tuple<std::string, int, spec::Beside>;
  std::map<Place, std::size_t> index;
  std::vector<Gathering> gatherings;
  for (const PointRecord& point : raw.points) {
    const Measurement& m = point.measurement;
    if (m.kernel == Kernel::empty) continue;
    const int used = m.sms == 0 ? sms : m.sms;
    const auto [found, is_new] = index.try_emplace({m.id, used, m.beside}, gatherings.size());
    if (is_new) {
      gatherings.push_back(
          {.curve = {.id = m.id, .sms = used, .beside = m.beside, .kernel = m.kernel}});
    }
    Gathering& gathering = gatherings[found->second];
    // Weight gradients may share a curve with products: then it is one of products.
    if (m.kernel == Kernel::product) gathering.curve.kernel = m.kernel;
    add(point, gathering);
  }
  CurveSet set{.gap = gap_of(raw), .times = times_of(raw)};
  for (Gathering& gathering : gatherings) {
    if (!is_layer(gathering.curve.kernel)) {
      set.curves.push_back(finished(std::move(gathering), set.gap));
      continue;
    }
    for (const std::string& key : gathering.keys) {
      set.layers.push_back(size_time(gathering.sizes.at(key)));
    }
  }
  return set;
}

}  // namespace planewise::calibration
