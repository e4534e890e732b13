// Timed quantisation, and SwiGLU with it.
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "calibration/host/kernel_loops.h"
#include "calibration/host/kernels.h"

namespace planewise::calibration::host {
namespace {

constexpr float kLeastAmax = 1e-30F;

/// 128 values to codes; returns the scale.
float quantise_block(const float* from, std::int64_t stride, std::uint8_t* to) {
  float amax = kLeastAmax;
  for (std::int64_t i = 0; i < kScaleBlock; ++i) amax = std::max(amax, std::abs(from[i * stride]));
  const float inverse = kE4m3Most / amax;
  for (std::int64_t i = 0; i < kScaleBlock; ++i) to[i] = to_e4m3(from[i * stride] * inverse);
  return amax / kE4m3Most;
}

/// Of `count` gates and ups, to FP32.
void gated(const Bits* gate, const Bits* up, std::int64_t count, float* to) {
  const float* sigmoid = sigmoids();
  for (std::int64_t i = 0; i < count; ++i) {
    to[i] = widen(gate[i]) * sigmoid[gate[i]] * widen(up[i]);
  }
}

/// 128 rows x 128 columns of `tile`, quantised along columns into rows of `y`.
void quantise_columns(const std::vector<float>& tile, std::int64_t first_row,
                      std::int64_t first_column, RowQuantised& y) {
  const std::int64_t rows = y.size.columns;
  for (std::int64_t column = 0; column < kScaleBlock; ++column) {
    const std::int64_t to = first_column + column;
    y.scales[at(first_row / kScaleBlock * y.size.rows + to)] =
        quantise_block(tile.data() + column, kScaleBlock, y.values.data() + to * rows + first_row);
  }
}

}  // namespace

void fast_quantise(std::span<const Bits> x, RowQuantised& y) {
  const MatrixSize size = y.size;
  float values[kScaleBlock];
  for (std::int64_t row = 0; row < size.rows; ++row) {
    for (std::int64_t first = 0; first < size.columns; first += kScaleBlock) {
      const std::int64_t from = row * size.columns + first;
      for (std::int64_t i = 0; i < kScaleBlock; ++i) values[i] = widen(x[at(from + i)]);
      y.scales[at(first / kScaleBlock * size.rows + row)] =
          quantise_block(values, 1, y.values.data() + from);
    }
  }
}

void fast_quantise_transposed(std::span<const Bits> x, MatrixSize size, RowQuantised& y) {
  PW_CHECK(size.rows % kScaleBlock == 0);
  std::vector<float> tile(at(kScaleBlock * kScaleBlock));
  for (std::int64_t row = 0; row < size.rows; row += kScaleBlock) {
    for (std::int64_t column = 0; column < size.columns; column += kScaleBlock) {
      for (std::int64_t i = 0; i < kScaleBlock * kScaleBlock; ++i) {
        const std::int64_t from = (row + i / kScaleBlock) * size.columns + column + i % kScaleBlock;
        tile[at(i)] = widen(x[at(from)]);
      }
      quantise_columns(tile, row, column, y);
    }
  }
}

void fast_requantise_transposed(const RowQuantised& x, RowQuantised& y) {
  const CodeTable& table = code_table();
  const MatrixSize size = x.size;
  PW_CHECK(size.rows % kScaleBlock == 0);
  std::vector<float> tile(at(kScaleBlock * kScaleBlock));
  for (std::int64_t row = 0; row < size.rows; row += kScaleBlock) {
    for (std::int64_t column = 0; column < size.columns; column += kScaleBlock) {
      for (std::int64_t i = 0; i < kScaleBlock * kScaleBlock; ++i) {
        const std::int64_t from = row + i / kScaleBlock;
        tile[at(i)] = table.values[x.values[at(from * size.columns + column + i % kScaleBlock)]] *
                      x.scales[at(column / kScaleBlock * size.rows + from)];
      }
      quantise_columns(tile, row, column, y);
    }
  }
}

void fast_swiglu(std::span<const Bits> x, MatrixSize size, std::span<Bits> y) {
  PW_CHECK(size.columns % kChunk == 0);
  for (std::int64_t row = 0; row < size.rows; ++row) {
    const Bits* gates = x.data() + row * 2 * size.columns;
    for (std::int64_t first = 0; first < size.columns; first += kChunk) {
      Chunk out;
      gated(gates + first, gates + size.columns + first, kChunk, out.at);
      store_chunk(out, y.data() + row * size.columns + first);
    }
  }
}

void fast_swiglu_quantise(std::span<const Bits> x, RowQuantised& y) {
  const MatrixSize size = y.size;
  float values[kScaleBlock];
  for (std::int64_t row = 0; row < size.rows; ++row) {
    const Bits* gate = x.data() + row * 2 * size.columns;
    for (std::int64_t first = 0; first < size.columns; first += kScaleBlock) {
      gated(gate + first, gate + first + size.columns, kScaleBlock, values);
      y.scales[at(first / kScaleBlock * size.rows + row)] =
          quantise_block(values, 1, y.values.data() + row * size.columns + first);
    }
  }
}

void fast_swiglu_backward(std::span<const Bits> x, std::span<const Bits> d_y, MatrixSize size,
                          std::span<Bits> y, std::span<Bits> d_x) {
  PW_CHECK(size.columns % kChunk == 0);
  const float* table = sigmoids();
  for (std::int64_t row = 0; row < size.rows; ++row) {
    for (std::int64_t column = 0; column < size.columns; column += kChunk) {
      const std::int64_t first = row * 2 * size.columns + column;
      const std::int64_t to = row * size.columns + column;
      const Bits* gates = x.data() + first;
      const Chunk gate = load_chunk(gates);
      const Chunk up = load_chunk(x.data() + first + size.columns);
      const Chunk gradient = load_chunk(d_y.data() + to);
      Chunk out, d_gate, d_up;
      for (std::int64_t i = 0; i < kChunk; ++i) {
        const float sigmoid = table[gates[i]];
        const float active = gate.at[i] * sigmoid;
        out.at[i] = active * up.at[i];
        d_gate.at[i] = gradient.at[i] * up.at[i] * (sigmoid + active * (1 - sigmoid));
        d_up.at[i] = gradient.at[i] * active;
      }
      store_chunk(out, y.data() + to);
      store_chunk(d_gate, d_x.data() + first);
      store_chunk(d_up, d_x.data() + first + size.columns);
    }
  }
}

}  // namespace planewise::calibration::host
