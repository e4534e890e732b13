#include "calibration/fit/curve_fit.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "base/check.h"
#include "calibration/fit/held_out.h"
#include "calibration/fit/least_squares.h"
#include "calibration/fit/piecewise.h"
#include "workload/operator_time.h"

namespace planewise::calibration {
namespace {

using Sizes = std::vector<const SizeTime*>;

Sizes sizes_of(const CurvePoints& points) {
  Sizes sizes;
  for (const SizeTime& size : points.sizes) sizes.push_back(&size);
  return sizes;
}

Sizes chosen(const Sizes& sizes, const std::vector<std::size_t>& indices) {
  Sizes part;
  for (const std::size_t i : indices) part.push_back(sizes[i]);
  return part;
}

/// What is the same of every form.
spec::OperatorCurve curve_of(const CurvePoints& points) {
  return {.id = points.id,
          .sms = points.sms,
          .beside = points.beside,
          .evidence = points.evidence,
          .source = points.source,
          .kernels = points.kernels,
          .implementation = points.implementation,
          .proxy = points.proxy,
          .check = points.check};
}

spec::ValidRange range_over(const Sizes& sizes,
                            const std::function<double(const Measurement&)>& size_of) {
  spec::ValidRange range{.least = HUGE_VAL, .most = 0};
  for (const SizeTime* size : sizes) {
    range.least = std::min(range.least, size_of(size->measurement));
    range.most = std::max(range.most, size_of(size->measurement));
  }
  return range;
}

double traffic_of(const Measurement& m) { return m.traffic.in(bytes(1)); }
double sequence_of(const Measurement& m) { return static_cast<double>(m.sequence); }
double rows_of(const Measurement& m) { return static_cast<double>(operator_shape(m).m); }

double error_at(const spec::OperatorCurve& curve, const SizeTime& size) {
  return predicted_time(curve, size.measurement).in(size.time) - 1;
}

/// Errors of `fit` at the sizes that it is not shown.
std::vector<double> errors_held_out(const Sizes& sizes,
                                    const std::function<spec::OperatorCurve(const Sizes&)>& fit) {
  std::vector<double> errors;
  for (const Split& split : held_out_splits(sizes.size())) {
    const spec::OperatorCurve curve = fit(chosen(sizes, split.fitted));
    for (const std::size_t i : split.held_out) errors.push_back(error_at(curve, *sizes[i]));
  }
  return errors;
}

double mean_error(const std::vector<double>& errors) {
  double sum = 0;
  for (const double error : errors) sum += std::abs(error);
  return errors.empty() ? 0 : sum / static_cast<double>(errors.size());
}

// ---- Products ----

struct ProductModel {
  FlopRate flop_rate{};
  Rate memory_rate{};
  Seconds overhead{};
  int tile = 0;
};

/// What a model is fitted on: sizes of one or several curves.
struct ProductSizes {
  Sizes sizes{};
  std::vector<std::size_t> curves{};  ///< Of each size, the index of its curve.
  int sms = 0;
};

ProductModel fit_model(const Sizes& sizes, int sms, int tile) {
  constexpr double kMostOverBest = 2;
  LinearSystem system{.columns = 3};
  std::vector<double> flops;
  double best = 0;
  for (const SizeTime* size : sizes) {
    flops.push_back(
        workload::whole_waves(operator_shape(size->measurement), tile, sms).in(flop(1)));
    best = std::max(best, flops.back() / size->time.in(seconds(1)));
  }
  const double least_per_flop = 1 / (kMostOverBest * best);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double time = sizes[i]->time.in(seconds(1));
    const double weight = 1 / sizes[i]->sigma;
    for (const double factor : {1.0, flops[i], traffic_of(sizes[i]->measurement)}) {
      system.factors.push_back(weight * factor / time);
    }
    // The least time that each FLOP takes is not up to the fit.
    system.targets.push_back(weight * (1 - flops[i] * least_per_flop / time));
  }
  const std::vector<double> x = non_negative_least_squares(system);
  const Rate rate = x[2] > 0 ? std::min(kNoLimit, bytes_per_second(1 / x[2])) : kNoLimit;
  return {.flop_rate = flop(1) / seconds(x[1] + least_per_flop),
          .memory_rate = rate,
          .overhead = seconds(x[0]),
          .tile = tile};
}

void set_model(const ProductModel& model, spec::OperatorCurve& curve) {
  curve.flop_rate = model.flop_rate;
  curve.memory_rate = model.memory_rate;
  curve.overhead = model.overhead;
  curve.tile = model.tile;
}

/// What the model alone misses points by that it was not fitted on: how it does at other shapes.
double model_error(const ProductSizes& all, int tile) {
  spec::OperatorCurve curve{.form = spec::OperatorForm::gemm, .sms = all.sms};
  return mean_error(errors_held_out(all.sizes, [&](const Sizes& part) {
    set_model(fit_model(part, all.sms, tile), curve);
    return curve;
  }));
}

int best_tile(const ProductSizes& all) {
  int best = 0;
  double least = HUGE_VAL;
  for (const int tile : {0, 64, 128, 256}) {
    const double error = model_error(all, tile);
    if (error >= least) continue;
    least = error;
    best = tile;
  }
  return best;
}

/// Adds the point; of two of one shape the later one is the same product in another place (a weight
/// gradient) and the first one stays.
void add_point(const SizeTime& size, spec::OperatorCurve& curve) {
  const spec::GemmShape shape = operator_shape(size.measurement);
  const bool is_there = std::any_of(curve.points.begin(), curve.points.end(),
                                    [&](const auto& point) { return point.shape == shape; });
  if (is_there) return;
  curve.points.push_back({.shape = shape, .rate = size.measurement.work / size.time});
}

ProductSizes all_sizes(const std::vector<const CurvePoints*>& curves) {
  struct Item {
    const SizeTime* size;
    std::size_t curve;
  };
  std::vector<Item> items;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    PW_CHECK(curves[i]->sms == curves.front()->sms);
    for (const SizeTime& size : curves[i]->sizes) items.push_back({&size, i});
  }
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return rows_of(a.size->measurement) < rows_of(b.size->measurement);
  });
  ProductSizes all{.sms = curves.front()->sms};
  for (const Item& item : items) {
    all.sizes.push_back(item.size);
    all.curves.push_back(item.curve);
  }
  return all;
}

/// Curves with the points `indices` and the model of those.
std::vector<spec::OperatorCurve> product_curves(const std::vector<const CurvePoints*>& curves,
                                                const ProductSizes& all,
                                                const std::vector<std::size_t>& indices, int tile) {
  std::vector<spec::OperatorCurve> fitted;
  const ProductModel model = fit_model(chosen(all.sizes, indices), all.sms, tile);
  for (const CurvePoints* points : curves) {
    fitted.push_back(curve_of(*points));
    fitted.back().form = spec::OperatorForm::gemm;
    set_model(model, fitted.back());
  }
  for (const std::size_t i : indices) add_point(*all.sizes[i], fitted[all.curves[i]]);
  return fitted;
}

}  // namespace

Seconds predicted_time(const spec::OperatorCurve& curve, const Measurement& m) {
  workload::Operator op;
  op.id = curve.id;
  op.shape = operator_shape(m);
  op.sequence = m.sequence;
  op.work = m.work;
  op.traffic = m.traffic;
  workload::Block block{.operators = {std::move(op)}};
  const spec::ProfileSpec profile{.gpu = {.sms = curve.sms}, .operators = {curve}};
  workload::time_block(block, profile, {.sms = curve.sms, .beside = curve.beside});
  return block.time;
}

std::vector<FittedCurve> fit_products(const std::vector<const CurvePoints*>& curves,
                                      std::optional<int> known_tile) {
  constexpr std::size_t kEnoughForAModel = 4;  // one more than it has parameters
  const ProductSizes all = all_sizes(curves);
  const int tile = known_tile ? *known_tile : best_tile(all);
  std::vector<std::size_t> every(all.sizes.size());
  std::iota(every.begin(), every.end(), std::size_t{0});
  std::vector<FittedCurve> fitted;
  for (spec::OperatorCurve& curve : product_curves(curves, all, every, tile)) {
    curve.model_evidence =
        all.sizes.size() >= kEnoughForAModel ? spec::Evidence::fitted : spec::Evidence::estimated;
    fitted.push_back({.curve = std::move(curve)});
  }
  for (std::size_t i = 0; i < curves.size(); ++i) {
    fitted[i].curve.valid = range_over(sizes_of(*curves[i]), rows_of);
  }
  for (const Split& split : held_out_splits(all.sizes.size())) {
    const auto part = product_curves(curves, all, split.fitted, tile);
    for (const std::size_t i : split.held_out) {
      fitted[all.curves[i]].errors.push_back(error_at(part[all.curves[i]], *all.sizes[i]));
    }
  }
  return fitted;
}

// ---- One rate of FLOPs, or one a length of sequence ----

namespace {

/// The rate r that makes the sum of (work / r / time - 1)^2 least: sum w q^2 / sum w q over the
/// rates q of the sizes.
FlopRate common_rate(const Sizes& sizes) {
  double squares = 0;
  double sum = 0;
  for (const SizeTime* size : sizes) {
    const double weight = 1 / (size->sigma * size->sigma);
    const double rate = size->measurement.work.in(flop(1)) / size->time.in(seconds(1));
    squares += weight * rate * rate;
    sum += weight * rate;
  }
  return teraflops(squares / sum / 1e12);
}

spec::OperatorCurve flop_rate_curve(const CurvePoints& points, const Sizes& sizes) {
  spec::OperatorCurve curve = curve_of(points);
  curve.form = spec::OperatorForm::flop_rate;
  std::map<std::int64_t, Sizes> by_sequence;
  for (const SizeTime* size : sizes) by_sequence[size->measurement.sequence].push_back(size);
  curve.flop_rate = common_rate(sizes);
  if (by_sequence.begin()->first == 0) {
    if (sizes.size() > 1) curve.evidence = spec::Evidence::fitted;
    return curve;
  }
  for (const auto& [sequence, part] : by_sequence) {
    curve.sequences.push_back({.sequence = sequence, .rate = common_rate(part)});
    if (part.size() > 1) curve.evidence = spec::Evidence::fitted;
  }
  curve.flop_rate = curve.sequences.back().rate;
  curve.valid = range_over(sizes, sequence_of);
  return curve;
}

spec::OperatorCurve byte_rate_curve(const CurvePoints& points, const Sizes& sizes) {
  spec::OperatorCurve curve = curve_of(points);
  curve.form = spec::OperatorForm::byte_rate;
  std::vector<SizePoint> line;
  for (const SizeTime* size : sizes) {
    line.push_back({.size = size->measurement.traffic, .time = size->time, .sigma = size->sigma});
  }
  const std::vector<AlphaBeta> pieces = fit_piecewise(line);
  curve.overhead = pieces.front().overhead;
  curve.memory_rate = pieces.front().rate;
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    curve.pieces.push_back(
        {.from = pieces[i].from, .overhead = pieces[i].overhead, .memory_rate = pieces[i].rate});
  }
  if (sizes.size() > 1) curve.evidence = spec::Evidence::fitted;
  curve.valid = range_over(sizes, traffic_of);
  return curve;
}

}  // namespace

FittedCurve fit_flop_rate(const CurvePoints& points) {
  const Sizes sizes = sizes_of(points);
  const auto fit = [&](const Sizes& part) { return flop_rate_curve(points, part); };
  return {.curve = fit(sizes), .errors = errors_held_out(sizes, fit)};
}

FittedCurve fit_byte_rate(const CurvePoints& points) {
  Sizes sizes = sizes_of(points);
  std::stable_sort(sizes.begin(), sizes.end(), [](const SizeTime* a, const SizeTime* b) {
    return a->measurement.traffic < b->measurement.traffic;
  });
  const auto fit = [&](const Sizes& part) { return byte_rate_curve(points, part); };
  return {.curve = fit(sizes), .errors = errors_held_out(sizes, fit)};
}

FittedCurve fit_curve(const CurvePoints& points) {
  switch (points.kernel) {
    case Kernel::product:
      return fit_products({&points}).front();
    case Kernel::weight_gradient: {
      FittedCurve rate = fit_flop_rate(points);
      FittedCurve product = fit_products({&points}).front();
      const bool is_product_better =
          !product.errors.empty() && mean_error(product.errors) < mean_error(rate.errors);
      return is_product_better ? product : rate;
    }
    case Kernel::attention_forward:
    case Kernel::attention_backward:
      return fit_flop_rate(points);
    default:
      return fit_byte_rate(points);
  }
}

}  // namespace planewise::calibration
