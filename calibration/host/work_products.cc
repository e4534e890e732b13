// Products and weight gradients on the processor: operands, launches, and samples of results.
#include <algorithm>
#include <cmath>
#include <memory>

#include "base/random.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/host_bench.h"
#include "calibration/host/kernel_loops.h"
#include "calibration/measure/row_spread.h"

namespace planewise::calibration::host {
namespace {

constexpr int kSampledRows = 24;

Segments segments_of(const Measurement& m) {
  const std::vector<std::int64_t> counts = rows_of_groups(m);
  if (m.layout == RowLayout::contiguous) return contiguous_segments(counts);
  return masked_segments(counts, padded(*std::max_element(counts.begin(), counts.end())));
}

/// Some rows of each group that are no padding.
std::vector<std::int64_t> sampled_rows(const Segments& segments, std::uint64_t seed) {
  Random random(seed);
  const auto groups = static_cast<int>(segments.groups());
  std::vector<std::int64_t> rows;
  for (std::size_t g = 0; g < segments.groups(); ++g) {
    for (int i = 0; i < std::max(1, kSampledRows / groups) && segments.count[g] > 0; ++i) {
      rows.push_back(segments.first[g] + random.integer(0, segments.count[g] - 1));
    }
  }
  return rows;
}

/// Rows of [rows, columns] beyond each group's count.
void zero_padding(std::vector<Bits>& x, std::int64_t columns, const Segments& segments) {
  std::vector<bool> is_row(at(segments.rows_all));
  for (std::size_t g = 0; g < segments.groups(); ++g) {
    for (std::int64_t i = 0; i < segments.count[g]; ++i) is_row[at(segments.first[g] + i)] = true;
  }
  for (std::int64_t row = 0; row < segments.rows_all; ++row) {
    if (is_row[at(row)]) continue;
    std::fill_n(x.begin() + row * columns, columns, Bits{0});
  }
}

// ---- Y = X W^T ----

struct ProductSet {
  std::vector<Bits> x{}, w{};  ///< Before they are rounded.
  RowQuantised x_rows{};       ///< Under FP8.
  BlockQuantised w_blocks{};
  std::vector<Bits> y{};
};

struct Product {
  spec::GemmShape shape{};
  bool is_fp8 = false;
  Segments segments{};
  std::vector<ProductSet> sets{};
};

void fill(Product& p, std::uint64_t seed) {
  const spec::GemmShape& s = p.shape;
  for (std::size_t i = 0; i < p.sets.size(); ++i) {
    ProductSet& set = p.sets[i];
    const std::uint64_t own = fold_bits(seed, i);
    set.x = random_bits(p.segments.rows_all * s.k, 1, fold_bits(own, 1));
    set.w = random_weights(s.groups, {s.n, s.k}, 1 / std::sqrt(static_cast<double>(s.k)),
                           fold_bits(own, 2));
    zero_padding(set.x, s.k, p.segments);
    set.y.resize(at(p.segments.rows_all * s.n));
    if (!p.is_fp8) continue;
    set.x_rows = quantise(from_bf16(set.x), {p.segments.rows_all, s.k});
    set.w_blocks = quantise_blocks(from_bf16(set.w), s.groups, {s.n, s.k});
  }
}

void launch(Product& p, int set_index) {
  ProductSet& set = p.sets.at(static_cast<std::size_t>(set_index));
  if (p.is_fp8) {
    fast_product(set.x_rows, set.w_blocks, p.segments, set.y);
  } else {
    fast_product(set.x, set.w, p.segments, {p.shape.n, p.shape.k}, set.y);
  }
}

CheckResult check_rows(const Product& p, const char* reference, const std::vector<float>& x,
                       const std::vector<float>& w, std::uint64_t seed, double limit) {
  const std::vector<std::int64_t> rows = sampled_rows(p.segments, seed);
  const std::vector<double> expected = product_rows(x, w, p.segments, {p.shape.n, p.shape.k}, rows);
  std::vector<float> ours;
  for (const std::int64_t row : rows) {
    for (std::int64_t i = 0; i < p.shape.n; ++i) {
      ours.push_back(from_bf16(p.sets.front().y[at(row * p.shape.n + i)]));
    }
  }
  const std::vector<float> narrowed(expected.begin(), expected.end());
  return difference_check(reference, ours, narrowed, limit);
}

std::vector<CheckResult> compare(const Product& p, std::uint64_t seed) {
  const ProductSet& set = p.sets.front();
  const double limit = p.is_fp8 ? kUnquantisedLimit : kDequantisedLimit;
  std::vector<CheckResult> checks = {
      check_rows(p, "unquantised", from_bf16(set.x), from_bf16(set.w), seed, limit)};
  if (p.is_fp8) {
    checks.push_back(check_rows(p, "dequantised", dequantise(set.x_rows), dequantise(set.w_blocks),
                                seed, kDequantisedLimit));
  }
  return checks;
}

// ---- dW = dY^T X ----

struct GradientSet {
  std::vector<Bits> d_y{}, x{};   ///< [rows_all, n] and [rows_all, k], before they are rounded.
  RowQuantised d_y_transposed{};  ///< [n, rows_all].
  RowQuantised x_rows{};          ///< [rows_all, k].
  std::vector<float> d_w{};
};

struct Gradient {
  spec::GemmShape shape{};
  bool is_fp8 = false;
  Segments segments{};
  RowQuantised x_transposed{};  ///< [k, rows_all]: made in each call.
  std::vector<GradientSet> sets{};
};

void fill(Gradient& g, std::uint64_t seed) {
  const spec::GemmShape& s = g.shape;
  const std::int64_t rows = g.segments.rows_all;
  g.x_transposed = empty_rows({s.k, rows});
  for (std::size_t i = 0; i < g.sets.size(); ++i) {
    GradientSet& set = g.sets[i];
    const std::uint64_t own = fold_bits(seed, i);
    set.d_y = random_bits(rows * s.n, 1, fold_bits(own, 1));
    set.x = random_bits(rows * s.k, 1, fold_bits(own, 2));
    zero_padding(set.d_y, s.n, g.segments);
    zero_padding(set.x, s.k, g.segments);
    set.d_w.resize(at(s.groups * s.n * s.k));
    if (!g.is_fp8) continue;
    set.d_y_transposed = quantise_transposed(from_bf16(set.d_y), {rows, s.n});
    set.x_rows = quantise(from_bf16(set.x), {rows, s.k});
  }
}

void launch(Gradient& g, int set_index) {
  GradientSet& set = g.sets.at(static_cast<std::size_t>(set_index));
  if (g.is_fp8) {
    fast_requantise_transposed(set.x_rows, g.x_transposed);
    fast_weight_gradient(set.d_y_transposed, g.x_transposed, g.segments, set.d_w);
  } else {
    fast_weight_gradient(set.d_y, set.x, g.segments, {g.shape.n, g.shape.k}, set.d_w);
  }
}

/// Some rows of dW, of operands [n, rows_all] and [k, rows_all].
CheckResult check_rows(const Gradient& g, const char* reference, const std::vector<float>& d_y,
                       const std::vector<float>& x, std::uint64_t seed, double limit) {
  Random random(seed);
  const std::int64_t rows = g.segments.rows_all;
  std::vector<float> ours;
  std::vector<float> expected;
  for (int sample = 0; sample < kSampledRows; ++sample) {
    const auto group = static_cast<std::size_t>(random.integer(0, g.shape.groups - 1));
    const std::int64_t out = random.integer(0, g.shape.n - 1);
    for (std::int64_t i = 0; i < g.shape.k; ++i) {
      double sum = 0;
      for (std::int64_t r = 0; r < g.segments.count[group]; ++r) {
        const std::int64_t row = g.segments.first[group] + r;
        sum += double{d_y[at(out * rows + row)]} * x[at(i * rows + row)];
      }
      expected.push_back(static_cast<float>(sum));
      const std::int64_t index =
          (static_cast<std::int64_t>(group) * g.shape.n + out) * g.shape.k + i;
      ours.push_back(g.sets.front().d_w[at(index)]);
    }
  }
  return difference_check(reference, ours, expected, limit);
}

std::vector<CheckResult> compare(const Gradient& g, std::uint64_t seed) {
  const GradientSet& set = g.sets.front();
  const std::int64_t rows = g.segments.rows_all;
  const auto turned = [rows](const std::vector<Bits>& x, std::int64_t columns) {
    return transpose(from_bf16(x), {rows, columns});
  };
  // X is rounded twice: along its rows, and along its columns.
  const double limit = g.is_fp8 ? 2 * kUnquantisedLimit : kDequantisedLimit;
  std::vector<CheckResult> checks = {check_rows(g, "unquantised", turned(set.d_y, g.shape.n),
                                                turned(set.x, g.shape.k), seed, limit)};
  if (g.is_fp8) {
    const RowQuantised x_transposed = requantise_transposed(set.x_rows);
    checks.push_back(check_rows(g, "dequantised", dequantise(set.d_y_transposed),
                                dequantise(x_transposed), seed, kDequantisedLimit));
  }
  return checks;
}

}  // namespace

HostWork product_work(const Measurement& m) {
  const auto p =
      std::make_shared<Product>(Product{.shape = m.shape,
                                        .is_fp8 = m.precision == spec::Precision::fp8_blockwise,
                                        .segments = segments_of(m),
                                        .sets = std::vector<ProductSet>(2)});
  return {.fill = [p](std::uint64_t seed) { fill(*p, seed); },
          .poison =
              [p] {
                for (ProductSet& set : p->sets) poison(std::span(set.y));
              },
          .launch = [p](int set) { launch(*p, set); },
          .compare = [p](std::uint64_t seed) { return compare(*p, seed); }};
}

HostWork gradient_work(const Measurement& m) {
  const auto g =
      std::make_shared<Gradient>(Gradient{.shape = m.shape,
                                          .is_fp8 = m.precision == spec::Precision::fp8_blockwise,
                                          .segments = segments_of(m),
                                          .sets = std::vector<GradientSet>(2)});
  return {.fill = [g](std::uint64_t seed) { fill(*g, seed); },
          .poison =
              [g] {
                poison(g->x_transposed);
                for (GradientSet& set : g->sets) poison(std::span(set.d_w));
              },
          .launch = [g](int set) { launch(*g, set); },
          .compare = [g](std::uint64_t seed) { return compare(*g, seed); }};
}

}  // namespace planewise::calibration::host
