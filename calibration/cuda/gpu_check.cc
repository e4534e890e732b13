#include "calibration/cuda/gpu_check.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/random.h"
#include "calibration/cuda/cublaslt_groups.h"
#include "calibration/measure/row_spread.h"

namespace planewise::calibration {
namespace {

constexpr std::size_t kParts = 2 * kDifferenceBlocks;

void fetch(void* to, const void* from, std::size_t size, cudaStream_t stream) {
  PW_CUDA(cudaMemcpyAsync(to, from, size, cudaMemcpyDeviceToHost, stream));
  PW_CUDA(cudaStreamSynchronize(stream));
}

}  // namespace

DifferenceSum::DifferenceSum() : parts_(kParts * sizeof(double)) {}

void DifferenceSum::add(const std::uint16_t* x, const float* y, std::int64_t count,
                        cudaStream_t stream) {
  difference_parts(x, y, count, parts_.as<double>(), stream);
  take(stream);
}

void DifferenceSum::add(const float* x, const float* y, std::int64_t count, cudaStream_t stream) {
  difference_parts(x, y, count, parts_.as<double>(), stream);
  take(stream);
}

void DifferenceSum::take(cudaStream_t stream) {
  std::vector<double> parts(kParts);
  fetch(parts.data(), parts_.as<void>(), kParts * sizeof(double), stream);
  for (std::size_t i = 0; i < kParts; i += 2) {
    product_ += parts[i];
    squares_ += parts[i + 1];
  }
}

double DifferenceSum::value() const {
  return squares_ == 0 ? std::nan("") : 1 - 2 * product_ / squares_;
}

double difference_of(const std::vector<float>& x, const std::vector<float>& y) {
  double product = 0;
  double squares = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    product += double{x[i]} * y[i];
    squares += double{x[i]} * x[i] + double{y[i]} * y[i];
  }
  return squares == 0 ? std::nan("") : 1 - 2 * product / squares;
}

std::vector<float> to_host(const float* from, std::int64_t count, cudaStream_t stream) {
  std::vector<float> values(static_cast<std::size_t>(count));
  fetch(values.data(), from, values.size() * sizeof(float), stream);
  return values;
}

std::vector<std::int32_t> to_host(const std::int32_t* from, std::int64_t count,
                                  cudaStream_t stream) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(count));
  fetch(values.data(), from, values.size() * sizeof(std::int32_t), stream);
  return values;
}

std::vector<float> to_host(const std::uint16_t* from, std::int64_t count, cudaStream_t stream) {
  std::vector<std::uint16_t> bits(static_cast<std::size_t>(count));
  fetch(bits.data(), from, bits.size() * sizeof(std::uint16_t), stream);
  std::vector<float> values;
  values.reserve(bits.size());
  for (const std::uint16_t each : bits) {
    values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(each) << 16));
  }
  return values;
}

GroupLayout layout_of(const Measurement& m) {
  GroupLayout layout{.rows = {.count = rows_of_groups(m)}};
  GroupRows& rows = layout.rows;
  if (m.layout == RowLayout::masked) {
    rows.room = round_up(*std::max_element(rows.count.begin(), rows.count.end()), 128);
    const std::vector<int> counts(rows.count.begin(), rows.count.end());
    layout.counts = Buffer(counts.size() * sizeof(int));
    PW_CUDA(cudaMemcpy(layout.counts.as<void>(), counts.data(), layout.counts.size(),
                       cudaMemcpyHostToDevice));
    rows.count_on_gpu = layout.counts.as<int>();
  }
  for (const std::int64_t count : rows.count) {
    rows.first.push_back(rows.rows_all);
    rows.rows_all += rows.room > 0 ? rows.room : round_up(count, 128);
  }
  return layout;
}

void zero_padding(void* matrix, std::int64_t row_bytes, const GroupRows& rows,
                  cudaStream_t stream) {
  for (std::size_t g = 0; g < rows.count.size(); ++g) {
    const std::int64_t from = rows.first[g] + rows.count[g];
    const std::int64_t to = g + 1 < rows.first.size() ? rows.first[g + 1] : rows.rows_all;
    if (from == to) continue;
    PW_CUDA(cudaMemsetAsync(static_cast<std::uint8_t*>(matrix) + from * row_bytes, 0,
                            static_cast<std::size_t>((to - from) * row_bytes), stream));
  }
}

std::vector<std::int64_t> sampled_rows(const GroupRows& rows, int count, std::uint64_t seed) {
  Random random(seed);
  const auto groups = static_cast<int>(rows.count.size());
  const int each = std::max(1, count / groups);
  std::vector<std::int64_t> sampled;
  for (std::size_t g = 0; g < rows.count.size(); ++g) {
    if (rows.count[g] == 0) continue;
    for (int i = 0; i < each; ++i) {
      sampled.push_back(rows.first[g] + random.integer(0, rows.count[g] - 1));
    }
  }
  return sampled;
}

}  // namespace planewise::calibration
