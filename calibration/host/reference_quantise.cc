// Quantisation and its inverses.
#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/reference.h"

namespace planewise::calibration::host {
namespace {

constexpr float kLeastAmax = 1e-30F;

struct Scale {
  float scale = 0;
  float inverse = 0;
};

Scale scale_of(float amax) {
  const float most = std::fmax(amax, kLeastAmax);
  return {.scale = most / kE4m3Most, .inverse = kE4m3Most / most};
}

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

std::int64_t scale_columns(const BlockQuantised& w) {
  return padded(w.size.columns / kScaleBlock, 4);
}

std::size_t block_scale_at(const BlockQuantised& w, std::int64_t group, std::int64_t row,
                           std::int64_t column) {
  const std::int64_t row_blocks = padded(w.size.rows) / kScaleBlock;
  return at((group * row_blocks + row / kScaleBlock) * scale_columns(w) + column / kScaleBlock);
}

BlockQuantised empty_blocks(std::int64_t groups, MatrixSize size) {
  PW_CHECK(size.columns % kScaleBlock == 0);
  BlockQuantised w{.groups = groups, .size = size};
  w.values.resize(at(groups * size.count()));
  w.scales.resize(at(groups * padded(size.rows) / kScaleBlock * scale_columns(w)));
  return w;
}

void quantise_block(BlockQuantised& w, std::span<const float> from, std::int64_t group,
                    MatrixSize first) {
  const std::int64_t rows_end = std::min(first.rows + kScaleBlock, w.size.rows);
  const auto each = [&](auto&& what) {
    for (std::int64_t row = first.rows; row < rows_end; ++row) {
      for (std::int64_t column = first.columns; column < first.columns + kScaleBlock; ++column) {
        what(at((group * w.size.rows + row) * w.size.columns + column));
      }
    }
  };
  float amax = 0;
  each([&](std::size_t i) { amax = std::fmax(amax, std::fabs(from[i])); });
  const Scale scale = scale_of(amax);
  each([&](std::size_t i) { w.values[i] = to_e4m3(from[i] * scale.inverse); });
  w.scales[block_scale_at(w, group, first.rows, first.columns)] = scale.scale;
}

}  // namespace

std::vector<float> transpose(std::span<const float> x, MatrixSize size) {
  PW_CHECK(x.size() == at(size.count()));
  std::vector<float> result(x.size());
  for (std::int64_t row = 0; row < size.rows; ++row) {
    for (std::int64_t column = 0; column < size.columns; ++column) {
      result[at(column * size.rows + row)] = x[at(row * size.columns + column)];
    }
  }
  return result;
}

RowQuantised quantise(std::span<const float> x, MatrixSize size) {
  PW_CHECK(x.size() == at(size.count()));
  PW_CHECK(size.columns % kScaleBlock == 0);
  RowQuantised result{.size = size};
  result.values.resize(x.size());
  result.scales.resize(at(size.count() / kScaleBlock));
  for (std::int64_t row = 0; row < size.rows; ++row) {
    for (std::int64_t block = 0; block < size.columns / kScaleBlock; ++block) {
      const std::size_t first = at(row * size.columns + block * kScaleBlock);
      float amax = 0;
      for (std::size_t i = first; i < first + at(kScaleBlock); ++i) {
        amax = std::fmax(amax, std::fabs(x[i]));
      }
      const Scale scale = scale_of(amax);
      for (std::size_t i = first; i < first + at(kScaleBlock); ++i) {
        result.values[i] = to_e4m3(x[i] * scale.inverse);
      }
      result.scales[at(block * size.rows + row)] = scale.scale;
    }
  }
  return result;
}

RowQuantised quantise_transposed(std::span<const float> x, MatrixSize size) {
  const std::int64_t rows = padded(size.rows);
  std::vector<float> whole(x.begin(), x.end());
  whole.resize(at(rows * size.columns));
  return quantise(transpose(whole, {rows, size.columns}), {size.columns, rows});
}

BlockQuantised quantise_blocks(std::span<const float> w, std::int64_t groups, MatrixSize size) {
  PW_CHECK(w.size() == at(groups * size.count()));
  BlockQuantised result = empty_blocks(groups, size);
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::int64_t row = 0; row < size.rows; row += kScaleBlock) {
      for (std::int64_t column = 0; column < size.columns; column += kScaleBlock) {
        quantise_block(result, w, group, {row, column});
      }
    }
  }
  return result;
}

std::vector<float> dequantise(const RowQuantised& x) {
  std::vector<float> result(x.values.size());
  for (std::int64_t row = 0; row < x.size.rows; ++row) {
    for (std::int64_t column = 0; column < x.size.columns; ++column) {
      const std::size_t i = at(row * x.size.columns + column);
      result[i] = from_e4m3(x.values[i]) * x.scales[at(column / kScaleBlock * x.size.rows + row)];
    }
  }
  return result;
}

std::vector<float> dequantise(const BlockQuantised& w) {
  std::vector<float> result(w.values.size());
  for (std::int64_t group = 0; group < w.groups; ++group) {
    for (std::int64_t row = 0; row < w.size.rows; ++row) {
      for (std::int64_t column = 0; column < w.size.columns; ++column) {
        const std::size_t i = at((group * w.size.rows + row) * w.size.columns + column);
        result[i] = from_e4m3(w.values[i]) * w.scales[block_scale_at(w, group, row, column)];
      }
    }
  }
  return result;
}

RowQuantised requantise_transposed(const RowQuantised& x) {
  return quantise_transposed(dequantise(x), x.size);
}

BlockQuantised transpose(const BlockQuantised& w) {
  PW_CHECK(w.size.rows % kScaleBlock == 0);
  BlockQuantised result = empty_blocks(w.groups, {w.size.columns, w.size.rows});
  for (std::int64_t group = 0; group < w.groups; ++group) {
    for (std::int64_t row = 0; row < w.size.rows; ++row) {
      for (std::int64_t column = 0; column < w.size.columns; ++column) {
        result.values[at((group * w.size.columns + column) * w.size.rows + row)] =
            w.values[at((group * w.size.rows + row) * w.size.columns + column)];
        result.scales[block_scale_at(result, group, column, row)] =
            w.scales[block_scale_at(w, group, row, column)];
      }
    }
  }
  return result;
}

}  // namespace planewise::calibration::host
