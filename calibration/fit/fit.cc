#include "calibration/fit/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/check.h"
#include "calibration/fit/curve_fit.h"
#include "calibration/fit/curve_points.h"
#include "calibration/fit/fit_notes.h"
#include "calibration/fit/held_out.h"
#include "calibration/fit/measured_collectives.h"
#include "calibration/fit/plausible.h"
#include "calibration/fit/profile_gpu.h"
#include "calibration/fit/published.h"

namespace planewise::calibration {
namespace {

/// A fit in progress.
struct Fit {
  const RawFile& raw;
  double error_most = 0;  ///< FitOptions::held_out_error_most.
  CurveSet set{};
  FitResult result{};
  std::vector<double> errors{};  ///< Of all points held out.
};

std::string place_of(const CurvePoints& points, int gpu_sms) {
  std::string name = points.id;
  if (points.sms != gpu_sms) name += fmt::format(" on {} SMs", points.sms);
  if (points.beside == spec::Beside::communication) name += " beside communication";
  return name;
}

/// `nvidia_h200_measured`, `host_measured`.
std::string name_of(const EnvironmentRecord& record) {
  if (record.environment.backend == "host") return "host_measured";
  const bool is_import = record.environment.backend == "import";
  std::string name;
  for (const char c : record.environment.gpu) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      name += static_cast<char>(std::tolower(byte));
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  return (name.empty() ? "gpu" : name) + (is_import ? "_imported" : "_measured");
}

/// Why no curve can be made of the points; empty if one can.
std::string problem_with(const CurvePoints& points) {
  if (points.sizes.empty()) return "only rows that are masked or not balanced were timed";
  const bool needs_work =
      points.kernel == Kernel::product || points.kernel == Kernel::weight_gradient ||
      points.kernel == Kernel::attention_forward || points.kernel == Kernel::attention_backward;
  const bool needs_traffic =
      points.kernel != Kernel::attention_forward && points.kernel != Kernel::attention_backward;
  for (const SizeTime& size : points.sizes) {
    if (needs_work && size.measurement.work == Flop{}) return "a point without FLOPs";
    if (needs_traffic && size.measurement.traffic == Bytes{}) return "a point without bytes";
  }
  return "";
}

void note_quality(const CurvePoints& points, Fit& fit) {
  const std::string name = place_of(points, fit.result.profile.gpu.sms);
  if (points.failed > 0) {
    fit.result.warnings.push_back(
        fmt::format("{}: {} of {} points were not timed, a check of their results failed", name,
                    points.failed, points.failed + points.points));
  }
  const auto unstable = std::count_if(points.sizes.begin(), points.sizes.end(),
                                      [](const SizeTime& size) { return size.is_unstable; });
  if (unstable > 0) {
    fit.result.warnings.push_back(fmt::format("{}: at {} of {} sizes the rounds differ by over 3 %",
                                              name, unstable, points.sizes.size()));
  }
}

/// Where the curve is from; of a measured one that is the same of all.
void set_source(const CurvePoints& points, const RawFile& raw, spec::OperatorCurve& curve) {
  if (points.evidence == spec::Evidence::measured && !raw.environments.empty()) {
    curve.source = source_of(raw.environments.front());
  }
  if (2 * points.throttled > points.points) {
    curve.source +=
        fmt::format("; throttled during {} of {} points", points.throttled, points.points);
  }
}

/// To a thousandth of a per cent: more digits say nothing.
spec::HeldOutError rounded(spec::HeldOutError error) {
  for (double* share : {&error.median, &error.p90, &error.most}) {
    *share = std::round(*share * 1e5) / 1e5;
  }
  return error;
}

void take_curve(const CurvePoints& points, FittedCurve fitted, Fit& fit) {
  set_source(points, fit.raw, fitted.curve);
  note_quality(points, fit);
  compare_spread(points, fitted.curve, fit.result.warnings);
  fit.errors.insert(fit.errors.end(), fitted.errors.begin(), fitted.errors.end());
  const spec::HeldOutError error = summarise_errors(fitted.errors);
  if (error.points > 0) fitted.curve.held_out = rounded(error);
  if (error.p90 > fit.error_most) {
    fit.result.warnings.push_back(
        fmt::format("{}: misses points held out by {:.1f} % (90th percentile of {})",
                    place_of(points, fit.result.profile.gpu.sms), 100 * error.p90, error.points));
  }
  const auto unstable = std::count_if(points.sizes.begin(), points.sizes.end(),
                                      [](const SizeTime& size) { return size.is_unstable; });
  fit.result.curves.push_back({.id = points.id,
                               .sms = points.sms,
                               .beside = points.beside,
                               .points = static_cast<int>(points.sizes.size()),
                               .held_out = error.points,
                               .held_out_median = error.median,
                               .held_out_p90 = error.p90,
                               .held_out_max = error.most,
                               .unstable = static_cast<int>(unstable),
                               .throttled = points.throttled});
  fit.result.profile.operators.push_back(std::move(fitted.curve));
}

/// The model whose curve this is: the one that names its id.
const ModelRecord* model_of(const RawFile& raw, const CurvePoints& points) {
  if (points.kernel != Kernel::product) return nullptr;
  for (const ModelRecord& model : raw.models) {
    const auto found = std::find(model.ids.begin(), model.ids.end(), points.id);
    if (found != model.ids.end()) return &model;
  }
  return nullptr;
}

/// All curves that `model` makes one of with `first`: of its ids in the same place.
std::vector<const CurvePoints*> joined_curves(const ModelRecord& model, const CurvePoints& first,
                                              const CurveSet& set) {
  std::vector<const CurvePoints*> curves;
  for (const CurvePoints& points : set.curves) {
    const bool is_named =
        std::find(model.ids.begin(), model.ids.end(), points.id) != model.ids.end();
    if (is_named && points.sms == first.sms && points.beside == first.beside &&
        problem_with(points).empty()) {
      curves.push_back(&points);
    }
  }
  return curves;
}

/// An id of `model` that has no points takes the model of those that have.
void add_pointless(const ModelRecord& model, const spec::OperatorCurve& fitted, Fit& fit) {
  for (const std::string& id : model.ids) {
    const bool has_points = std::any_of(fit.set.curves.begin(), fit.set.curves.end(),
                                        [&](const CurvePoints& points) { return points.id == id; });
    if (has_points) continue;
    spec::OperatorCurve curve = fitted;
    curve.id = id;
    curve.points.clear();
    curve.valid.reset();
    curve.held_out.reset();
    curve.check.reset();
    curve.evidence = spec::Evidence::fitted;
    curve.source = model.source;
    fit.result.profile.operators.push_back(std::move(curve));
  }
}

/// The tile that published tables go with: what their `model` says. Of measured ones it is found.
std::optional<int> tile_of(const ModelRecord* model, const CurvePoints& points) {
  if (points.evidence == spec::Evidence::measured) return std::nullopt;
  return model == nullptr ? 0 : model->tile;
}

void fit_joined(const ModelRecord& model, const CurvePoints& first, Fit& fit) {
  const std::vector<const CurvePoints*> curves = joined_curves(model, first, fit.set);
  if (curves.front() != &first) return;  // was fitted with the first of them
  std::vector<FittedCurve> fitted = fit_products(curves, tile_of(&model, first));
  const spec::OperatorCurve any = fitted.front().curve;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    take_curve(*curves[i], std::move(fitted[i]), fit);
  }
  if (first.beside == spec::Beside::alone && first.sms == fit.result.profile.gpu.sms) {
    add_pointless(model, any, fit);
  }
}

void fit_curves(Fit& fit) {
  for (const CurvePoints& points : fit.set.curves) {
    if (points.points == 0) continue;  // missing_of() says so
    const std::string problem = problem_with(points);
    if (!problem.empty()) {
      fit.result.warnings.push_back(
          fmt::format("{}: no curve, {}", place_of(points, fit.result.profile.gpu.sms), problem));
      continue;
    }
    if (const ModelRecord* model = model_of(fit.raw, points)) {
      fit_joined(*model, points, fit);
    } else {
      const bool is_product = points.kernel == Kernel::product;
      take_curve(points,
                 is_product ? fit_products({&points}, tile_of(nullptr, points)).front()
                            : fit_curve(points),
                 fit);
    }
  }
}

/// Collectives of what ranks timed together.
void fit_comm(const FitOptions& options, Fit& fit) {
  if (fit.raw.comm_points.empty()) return;
  std::optional<FitLinks> links = links_of(fit.raw);
  if (options.fabric) links = FitLinks{.fabric = *options.fabric, .source = options.fabric_source};
  if (!links) {
    fit.result.warnings.emplace_back(
        "no collectives: the file tells neither rates of links nor of pairs; give a topology");
    return;
  }
  std::string source = source_of(fit.raw.environments.front());
  const std::string& log = fit.raw.comm_points.front().source;
  if (!log.empty()) source += ", " + log;
  FittedCollectives fitted = fit_collectives(fit.raw, *links, source);
  spec::ProfileSpec& profile = fit.result.profile;
  const auto add = [](auto& to, auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  add(profile.collectives, fitted.curves);
  add(profile.interference, fitted.interference);
  add(profile.exchanges, fitted.exchanges);
  add(fit.result.curves, fitted.fits);
  add(fit.errors, fitted.errors);
  add(fit.result.warnings, fitted.warnings);
  for (const CurveFit& curve : fitted.fits) {
    if (curve.held_out_p90 <= fit.error_most) continue;
    fit.result.warnings.push_back(
        fmt::format("{}: misses points held out by {:.1f} % (90th percentile of {})", curve.id,
                    100 * curve.held_out_p90, curve.held_out));
  }
  profile.links = spec::LinkRates{.rail = links->fabric.network_rate,
                                  .nvlink = links->fabric.nvlink_rate,
                                  .source = links->source};
}

/// What is known without a curve.
void set_machine(const FitOptions& options, Fit& fit) {
  spec::ProfileSpec& profile = fit.result.profile;
  if (fit.raw.profile) {
    profile.name = fit.raw.profile->name;
    profile.source = fit.raw.profile->source;
    profile.gpu = fit.raw.profile->gpu;
  } else {
    const EnvironmentRecord& environment = fit.raw.environments.front();
    profile.name = name_of(environment);
    profile.source = source_of(environment);
    profile.gpu = measured_gpu(fit.raw, fit.set);
    profile.provenance = provenance_of(fit.raw);
  }
  if (!options.name.empty()) profile.name = options.name;
}

void note_throttled(Fit& fit) {
  const auto throttled =
      std::count_if(fit.raw.points.begin(), fit.raw.points.end(),
                    [](const PointRecord& point) { return !point.throttle.empty(); });
  if (throttled == 0) return;
  fit.result.warnings.push_back(
      fmt::format("the GPU was throttled during {} of {} points; they were kept", throttled,
                  fit.raw.points.size()));
}

}  // namespace

FitResult fit_profile(const RawFile& raw, const FitOptions& options) {
  const bool has_times =
      std::any_of(raw.points.begin(), raw.points.end(),
                  [](const PointRecord& point) { return !point.times.empty(); }) ||
      !raw.comm_points.empty();
  if (!raw.profile && (raw.environments.empty() || !has_times)) {
    throw spec::InputError({{.file = raw.path,
                             .message = "has no point with times to fit",
                             .hint = "let planewise-calibrate run go on"}});
  }
  Fit fit{
      .raw = raw, .error_most = options.held_out_error_most, .set = curves_of(raw, sms_of(raw))};
  set_machine(options, fit);
  note_throttled(fit);
  fit_curves(fit);
  spec::ProfileSpec& profile = fit.result.profile;
  add_published(raw, profile);
  fit_comm(options, fit);
  profile.sums = sums_of(fit.set, fit.result.warnings);
  profile.not_measured = missing_of(raw, fit.set, profile);
  for (std::string& line : implausible_rates(profile)) {
    fit.result.warnings.push_back(std::move(line));
  }
  if (!fit.errors.empty()) fit.result.held_out_p90 = summarise_errors(fit.errors).p90;
  return std::move(fit.result);
}

}  // namespace planewise::calibration
