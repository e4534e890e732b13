// Matrix products, group by group, and how far apart results are.
#include <algorithm>
#include <array>

#include "base/check.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/reference.h"

namespace planewise::calibration::host {
namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

double dot(const float* x, const float* y, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * y[i];
  return sum;
}

double difference_of(double products, double squares) {
  return squares == 0 ? 0 : 1 - 2 * products / squares;
}

std::array<float, 256> e4m3_values() {
  std::array<float, 256> values{};
  for (std::size_t code = 0; code < values.size(); ++code) {
    values[code] = from_e4m3(static_cast<std::uint8_t>(code));
  }
  return values;
}

float code_dot(const std::array<float, 256>& value_of, const std::uint8_t* x,
               const std::uint8_t* y) {
  float sum = 0;
  for (std::int64_t i = 0; i < kScaleBlock; ++i) sum += value_of[x[i]] * value_of[y[i]];
  return sum;
}

}  // namespace

double difference(std::span<const float> x, std::span<const float> y) {
  PW_CHECK(x.size() == y.size());
  double products = 0;
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double a = x[i];
    const double b = y[i];
    products += a * b;
    squares += a * a + b * b;
  }
  return difference_of(products, squares);
}

double difference(std::span<const double> x, std::span<const double> y) {
  PW_CHECK(x.size() == y.size());
  double products = 0;
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    products += x[i] * y[i];
    squares += x[i] * x[i] + y[i] * y[i];
  }
  return difference_of(products, squares);
}

std::vector<float> product(std::span<const float> x, std::span<const float> w,
                           const Segments& segments, MatrixSize size) {
  const std::int64_t n = size.rows;
  const std::int64_t k = size.columns;
  PW_CHECK(x.size() == at(segments.rows_all * k));
  PW_CHECK(w.size() == segments.groups() * at(size.count()));
  std::vector<float> y(at(segments.rows_all * n));
  for (std::size_t group = 0; group < segments.groups(); ++group) {
    const std::int64_t first = segments.first[group];
    for (std::int64_t row = first; row < first + segments.count[group]; ++row) {
      for (std::int64_t i = 0; i < n; ++i) {
        const float* weights = w.data() + group * at(size.count()) + at(i * k);
        y[at(row * n + i)] = static_cast<float>(dot(x.data() + row * k, weights, k));
      }
    }
  }
  return y;
}

std::vector<float> product(const RowQuantised& x, const BlockQuantised& w,
                           const Segments& segments) {
  const std::int64_t n = w.size.rows;
  const std::int64_t k = w.size.columns;
  PW_CHECK(x.size.columns == k);
  PW_CHECK(segments.groups() == at(w.groups));
  const std::array<float, 256> value_of = e4m3_values();
  const std::int64_t scale_columns = padded(k / kScaleBlock, 4);
  std::vector<float> y(at(x.size.rows * n));
  for (std::size_t group = 0; group < segments.groups(); ++group) {
    const std::uint8_t* values = w.values.data() + group * at(w.size.count());
    const float* scales = w.scales.data() + group * at(padded(n) / kScaleBlock * scale_columns);
    const std::int64_t first = segments.first[group];
    for (std::int64_t row = first; row < first + segments.count[group]; ++row) {
      for (std::int64_t i = 0; i < n; ++i) {
        float sum = 0;
        for (std::int64_t block = 0; block < k / kScaleBlock; ++block) {
          const std::int64_t column = block * kScaleBlock;
          const float scale = x.scales[at(block * x.size.rows + row)] *
                              scales[i / kScaleBlock * scale_columns + block];
          sum += scale *
                 code_dot(value_of, x.values.data() + row * k + column, values + i * k + column);
        }
        y[at(row * n + i)] = sum;
      }
    }
  }
  return y;
}

std::vector<double> product_rows(std::span<const float> x, std::span<const float> w,
                                 const Segments& segments, MatrixSize size,
                                 std::span<const std::int64_t> rows) {
  const std::int64_t n = size.rows;
  const std::int64_t k = size.columns;
  std::vector<double> y(rows.size() * at(n));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t group = 0; group < segments.groups(); ++group) {
      const std::int64_t in_group = rows[r] - segments.first[group];
      if (in_group < 0 || in_group >= segments.count[group]) continue;
      for (std::int64_t i = 0; i < n; ++i) {
        const float* weights = w.data() + group * at(size.count()) + at(i * k);
        y[r * at(n) + at(i)] = dot(x.data() + rows[r] * k, weights, k);
      }
    }
  }
  return y;
}

std::vector<float> weight_gradient(std::span<const float> d_y, std::span<const float> x,
                                   const Segments& segments, MatrixSize size) {
  const std::int64_t n = size.rows;
  const std::int64_t k = size.columns;
  PW_CHECK(d_y.size() == at(segments.rows_all * n));
  PW_CHECK(x.size() == at(segments.rows_all * k));
  std::vector<float> result;
  std::vector<double> sums(at(size.count()));
  for (std::size_t group = 0; group < segments.groups(); ++group) {
    std::fill(sums.begin(), sums.end(), 0.0);
    const std::int64_t first = segments.first[group];
    for (std::int64_t row = first; row < first + segments.count[group]; ++row) {
      for (std::int64_t i = 0; i < n; ++i) {
        const double factor = d_y[at(row * n + i)];
        for (std::int64_t j = 0; j < k; ++j) sums[at(i * k + j)] += factor * x[at(row * k + j)];
      }
    }
    result.insert(result.end(), sums.begin(), sums.end());
  }
  return result;
}

std::vector<float> weight_gradient(const RowQuantised& d_y_transposed,
                                   const RowQuantised& x_transposed, const Segments& segments) {
  const std::int64_t n = d_y_transposed.size.rows;
  const std::int64_t k = x_transposed.size.rows;
  const std::int64_t rows_all = x_transposed.size.columns;
  PW_CHECK(d_y_transposed.size.columns == rows_all);
  const std::array<float, 256> value_of = e4m3_values();
  std::vector<float> result;
  for (std::size_t group = 0; group < segments.groups(); ++group) {
    const std::int64_t first = segments.first[group] / kScaleBlock;
    const std::int64_t end = first + padded(segments.count[group]) / kScaleBlock;
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t j = 0; j < k; ++j) {
        float sum = 0;
        for (std::int64_t block = first; block < end; ++block) {
          const float scale =
              d_y_transposed.scales[at(block * n + i)] * x_transposed.scales[at(block * k + j)];
          const std::int64_t row = block * kScaleBlock;
          sum += scale * code_dot(value_of, d_y_transposed.values.data() + i * rows_all + row,
                                  x_transposed.values.data() + j * rows_all + row);
        }
        result.push_back(sum);
      }
    }
  }
  return result;
}

}  // namespace planewise::calibration::host
