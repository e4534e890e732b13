// Timed products. All of them are sums over blocks of 128 into tiles of 64 results, from a strip of
// the right operand that stays in L1 for all rows.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "calibration/host/kernel_loops.h"
#include "calibration/host/kernels.h"

namespace planewise::calibration::host {
namespace {

constexpr std::int64_t kTile = 64;  // results at a time: 128 x 64 FP32 values are 32 KiB

/// A strip of the right operand, [128][64]: `depth` rows and `width` columns of it are used.
struct Strip {
  float at[kScaleBlock * kTile];
  std::int64_t depth = 0;
  std::int64_t width = 0;
};

/// strip[i][column] = value(column, i).
template <class Value>
void fill(std::int64_t depth, std::int64_t width, const Value& value, Strip& strip) {
  strip.depth = depth;
  strip.width = width;
  std::fill(std::begin(strip.at), std::end(strip.at), 0.0F);
  for (std::int64_t column = 0; column < width; ++column) {
    for (std::int64_t i = 0; i < depth; ++i) strip.at[i * kTile + column] = value(column, i);
  }
}

/// 64 sums over x[i] x strip[i].
struct Sums {
  float at[kTile];
};

Sums multiply(const float* x, const Strip& strip) {
  Sums sums{};
  for (std::int64_t i = 0; i < strip.depth; ++i) {
    const float factor = x[i];
    const float* row = strip.at + i * kTile;
    for (std::int64_t column = 0; column < kTile; ++column) sums.at[column] += factor * row[column];
  }
  return sums;
}

/// Calls body(first, width) for each tile of `count` results.
template <class Body>
void for_tiles(std::int64_t count, const Body& body) {
  for (std::int64_t first = 0; first < count; first += kTile) {
    body(first, std::min(kTile, count - first));
  }
}

void narrow_rows(const std::vector<float>& sums, std::int64_t first, std::span<Bits> y) {
  for (std::size_t i = 0; i < sums.size(); ++i) y[at(first) + i] = narrow(sums[i]);
}

/// The scale of weights' rows `row` over a block of k.
float block_scale(const BlockQuantised& w, std::int64_t group, std::int64_t row,
                  std::int64_t block_of_k) {
  const std::int64_t down = padded(w.size.rows) / kScaleBlock;
  const std::int64_t across = padded(w.size.columns / kScaleBlock, 4);
  return w.scales[at((group * down + row / kScaleBlock) * across + block_of_k)];
}

/// Adds one block of k to all rows of a group; sums [count, n].
void add_block(const RowQuantised& x, const BlockQuantised& w, std::int64_t group,
               std::int64_t block, std::int64_t first_row, std::vector<float>& sums) {
  const float* values = code_table().values;
  const std::int64_t n = w.size.rows;
  const std::int64_t k = w.size.columns;
  const std::uint8_t* weights = w.values.data() + group * n * k + block * kScaleBlock;
  Strip strip;
  float left[kScaleBlock];
  for_tiles(n, [&](std::int64_t first, std::int64_t width) {
    fill(
        kScaleBlock, width,
        [&](std::int64_t column, std::int64_t i) {
          return values[weights[(first + column) * k + i]];
        },
        strip);
    for (std::int64_t row = 0; row < std::ssize(sums) / n; ++row) {
      const std::uint8_t* codes = x.values.data() + (first_row + row) * k + block * kScaleBlock;
      for (std::int64_t i = 0; i < kScaleBlock; ++i) left[i] = values[codes[i]];
      const Sums part = multiply(left, strip);
      const float scale =
          x.scales[at(block * x.size.rows + first_row + row)] * block_scale(w, group, first, block);
      float* to = sums.data() + row * n + first;
      for (std::int64_t i = 0; i < width; ++i) to[i] += scale * part.at[i];
    }
  });
}

/// dW += dY^T X over one block of rows: left(out, i) and right(column, i) are operands by row i.
template <class Left, class Right, class Scale>
void add_rows(MatrixSize size, std::int64_t depth, const Left& left, const Right& right,
              const Scale& scale, float* d_w) {
  Strip strip;
  float values[kScaleBlock];
  for_tiles(size.columns, [&](std::int64_t first, std::int64_t width) {
    fill(
        depth, width, [&](std::int64_t column, std::int64_t i) { return right(first + column, i); },
        strip);
    for (std::int64_t out = 0; out < size.rows; ++out) {
      for (std::int64_t i = 0; i < depth; ++i) values[i] = left(out, i);
      const Sums part = multiply(values, strip);
      float* to = d_w + out * size.columns + first;
      for (std::int64_t i = 0; i < width; ++i) to[i] += scale(out, first + i) * part.at[i];
    }
  });
}

}  // namespace

void fast_product(const RowQuantised& x, const BlockQuantised& w, const Segments& segments,
                  std::span<Bits> y) {
  const std::int64_t n = w.size.rows;
  const std::int64_t k = w.size.columns;
  PW_CHECK(k % kScaleBlock == 0);
  PW_CHECK(x.size.columns == k);
  for (std::size_t g = 0; g < segments.groups(); ++g) {
    std::vector<float> sums(at(segments.count[g] * n));
    for (std::int64_t block = 0; block < k / kScaleBlock; ++block) {
      add_block(x, w, static_cast<std::int64_t>(g), block, segments.first[g], sums);
    }
    narrow_rows(sums, segments.first[g] * n, y);
  }
}

void fast_product(std::span<const Bits> x, std::span<const Bits> w, const Segments& segments,
                  MatrixSize size, std::span<Bits> y) {
  const std::int64_t n = size.rows;
  const std::int64_t k = size.columns;
  Strip strip;
  float left[kScaleBlock];
  for (std::size_t g = 0; g < segments.groups(); ++g) {
    const Bits* weights = w.data() + static_cast<std::int64_t>(g) * n * k;
    std::vector<float> sums(at(segments.count[g] * n));
    for (std::int64_t block = 0; block < k; block += kScaleBlock) {
      const std::int64_t depth = std::min(kScaleBlock, k - block);
      for_tiles(n, [&](std::int64_t first, std::int64_t width) {
        fill(
            depth, width,
            [&](std::int64_t column, std::int64_t i) {
              return widen(weights[(first + column) * k + block + i]);
            },
            strip);
        for (std::int64_t row = 0; row < segments.count[g]; ++row) {
          const Bits* from = x.data() + (segments.first[g] + row) * k + block;
          for (std::int64_t i = 0; i < depth; ++i) left[i] = widen(from[i]);
          const Sums part = multiply(left, strip);
          float* to = sums.data() + row * n + first;
          for (std::int64_t i = 0; i < width; ++i) to[i] += part.at[i];
        }
      });
    }
    narrow_rows(sums, segments.first[g] * n, y);
  }
}

void fast_weight_gradient(const RowQuantised& d_y, const RowQuantised& x, const Segments& segments,
                          std::span<float> d_w) {
  const float* values = code_table().values;
  const std::int64_t n = d_y.size.rows;
  const std::int64_t k = x.size.rows;
  const std::int64_t rows_all = x.size.columns;
  PW_CHECK(d_y.size.columns == rows_all);
  std::fill(d_w.begin(), d_w.end(), 0.0F);
  for (std::size_t g = 0; g < segments.groups(); ++g) {
    float* to = d_w.data() + static_cast<std::int64_t>(g) * n * k;
    for (std::int64_t row = 0; row < segments.count[g]; row += kScaleBlock) {
      const std::int64_t first = segments.first[g] + row;
      const std::int64_t block = first / kScaleBlock;
      add_rows(
          {n, k}, kScaleBlock,
          [&](std::int64_t out, std::int64_t i) {
            return values[d_y.values[at(out * rows_all + first + i)]];
          },
          [&](std::int64_t column, std::int64_t i) {
            return values[x.values[at(column * rows_all + first + i)]];
          },
          [&](std::int64_t out, std::int64_t column) {
            return d_y.scales[at(block * n + out)] * x.scales[at(block * k + column)];
          },
          to);
    }
  }
}

void fast_weight_gradient(std::span<const Bits> d_y, std::span<const Bits> x,
                          const Segments& segments, MatrixSize size, std::span<float> d_w) {
  const std::int64_t n = size.rows;
  const std::int64_t k = size.columns;
  std::fill(d_w.begin(), d_w.end(), 0.0F);
  for (std::size_t g = 0; g < segments.groups(); ++g) {
    float* to = d_w.data() + static_cast<std::int64_t>(g) * n * k;
    for (std::int64_t row = 0; row < segments.count[g]; row += kScaleBlock) {
      const std::int64_t first = segments.first[g] + row;
      add_rows(
          {n, k}, std::min(kScaleBlock, segments.count[g] - row),
          [&](std::int64_t out, std::int64_t i) { return widen(d_y[at((first + i) * n + out)]); },
          [&](std::int64_t column, std::int64_t i) {
            return widen(x[at((first + i) * k + column)]);
          },
          [](std::int64_t, std::int64_t) { return 1.0F; }, to);
    }
  }
}

}  // namespace planewise::calibration::host
