#include "calibration/cuda/product_sets.h"

#include <cmath>
#include <stdexcept>

#include "base/random.h"
#include "calibration/cuda/cublaslt_groups.h"
#include "calibration/cuda/mxfp8.h"

namespace planewise::calibration {
namespace {

std::size_t size_of(std::int64_t count, std::size_t each) {
  return static_cast<std::size_t>(count) * each;
}

struct OperandBytes {
  std::int64_t x = 0;
  std::int64_t x_scales = 0;
  std::int64_t w = 0;
  std::int64_t w_scales = 0;
};

OperandBytes operand_bytes(const spec::GemmShape& s, std::int64_t rows_all, OperandFormat format) {
  const std::int64_t x = rows_all * s.k;
  const std::int64_t w = s.groups * s.n * s.k;
  switch (format) {
    case OperandFormat::bf16:
      return {.x = 2 * x, .w = 2 * w};
    case OperandFormat::fp8_blockwise:
      return {.x = x,
              .x_scales = 4 * rows_all * (s.k / 128),
              .w = w,
              .w_scales = 4 * s.groups * block_scale_count(s.n, s.k)};
    case OperandFormat::mxfp8:
      return {.x = x,
              .x_scales = mxfp8_scale_bytes(rows_all, s.k),
              .w = w,
              .w_scales = s.groups * mxfp8_scale_bytes(s.n, s.k)};
  }
  return {};
}

/// Y in FP32, a call a group wherever the groups lie.
Buffer fp32_product(const spec::GemmShape& shape, const float* x, const float* w,
                    const GroupRows& rows, cudaStream_t stream) {
  auto made = make_cublaslt_fp32_products({.shape = shape});
  if (const auto* refusal = std::get_if<NotMeasured>(&made)) {
    throw std::runtime_error("no FP32 product to check with: " + refusal->reason);
  }
  Buffer y(size_of(rows.rows_all * shape.n, sizeof(float)));
  GroupRows plain{.first = rows.first, .count = rows.count, .rows_all = rows.rows_all};
  std::get<std::unique_ptr<Fp32Products>>(made)->launch(x, w, y.as<float>(), plain, stream);
  PW_CUDA(cudaStreamSynchronize(stream));
  return y;
}

/// Deviations that keep results near 1, whatever k.
constexpr float kInputDeviation = 1.0F;
float weight_deviation(std::int64_t k) { return 1.0F / std::sqrt(static_cast<float>(k)); }

}  // namespace

ProductSets::ProductSets(const Measurement& m, OperandFormat format, int sets)
    : shape_(m.shape), format_(format), layout_(layout_of(m)) {
  const OperandBytes bytes = operand_bytes(shape_, layout_.rows.rows_all, format);
  for (int i = 0; i < sets; ++i) {
    sets_.push_back({.x = Buffer(size_of(bytes.x, 1)),
                     .x_scales = Buffer(size_of(bytes.x_scales, 1)),
                     .w = Buffer(size_of(bytes.w, 1)),
                     .w_scales = Buffer(size_of(bytes.w_scales, 1)),
                     .y = Buffer(size_of(layout_.rows.rows_all * shape_.n, 2))});
  }
}

std::int64_t ProductSets::bytes_of(const Measurement& m, OperandFormat format) {
  // Rows with the padding that they may have at most.
  const std::int64_t rows = m.shape.groups * (m.shape.m + 127);
  const OperandBytes bytes = operand_bytes(m.shape, rows, format);
  return bytes.x + bytes.x_scales + bytes.w + bytes.w_scales + 2 * rows * m.shape.n;
}

void ProductSets::fill_set(Set& set, std::uint64_t seed, cudaStream_t stream) {
  const std::int64_t rows_all = layout_.rows.rows_all;
  const MatrixShape x_shape{rows_all, shape_.k};
  auto* x = (format_ == OperandFormat::bf16 ? set.x : x_before_).as<std::uint16_t>();
  auto* w = (format_ == OperandFormat::bf16 ? set.w : w_before_).as<std::uint16_t>();
  fill_normal(x, x_shape.count(), kInputDeviation, fold_bits(seed, 1), stream);
  fill_weights(w, shape_.groups, {shape_.n, shape_.k}, weight_deviation(shape_.k),
               fold_bits(seed, 2), stream);
  zero_padding(x, 2 * shape_.k, layout_.rows, stream);
  if (format_ == OperandFormat::fp8_blockwise) {
    quantise(x, x_shape, {set.x.as<std::uint8_t>(), set.x_scales.as<float>(), rows_all}, stream);
    quantise_blocks(w, shape_.groups, {shape_.n, shape_.k}, set.w.as<std::uint8_t>(),
                    set.w_scales.as<float>(), stream);
  } else if (format_ == OperandFormat::mxfp8) {
    quantise_mxfp8(x, rows_all, shape_.k, set.x.as<std::uint8_t>(), set.x_scales.as<std::uint8_t>(),
                   stream);
    const std::int64_t scales = mxfp8_scale_bytes(shape_.n, shape_.k);
    for (std::int64_t g = 0; g < shape_.groups; ++g) {
      const std::int64_t first = g * shape_.n * shape_.k;
      quantise_mxfp8(w + first, shape_.n, shape_.k, set.w.as<std::uint8_t>() + first,
                     set.w_scales.as<std::uint8_t>() + g * scales, stream);
    }
  }
}

void ProductSets::fill(std::uint64_t seed, cudaStream_t stream) {
  if (format_ != OperandFormat::bf16) {
    x_before_ = Buffer(size_of(layout_.rows.rows_all * shape_.k, 2));
    w_before_ = Buffer(size_of(shape_.groups * shape_.n * shape_.k, 2));
  }
  // Set 0 last, so that what stays before rounding is its own.
  for (std::size_t i = sets_.size(); i-- > 0;) fill_set(sets_[i], fold_bits(seed, i), stream);
}

void ProductSets::poison(cudaStream_t stream) {
  for (const Set& set : sets_) {
    PW_CUDA(cudaMemsetAsync(set.y.as<void>(), 0xFF, set.y.size(), stream));
  }
}

CheckResult ProductSets::compare_with(const char* reference, const Buffer& x, const Buffer& w,
                                      double limit, cudaStream_t stream) const {
  const GroupRows& rows = layout_.rows;
  const Buffer expected = fp32_product(shape_, x.as<float>(), w.as<float>(), rows, stream);
  DifferenceSum difference;
  for (std::size_t g = 0; g < rows.count.size(); ++g) {
    const std::int64_t first = rows.first[g] * shape_.n;
    if (rows.count[g] == 0) continue;
    difference.add(y(0) + first, expected.as<float>() + first, rows.count[g] * shape_.n, stream);
  }
  return {
      .reference = reference, .metric = "difference", .value = difference.value(), .limit = limit};
}

CheckResult ProductSets::compare_samples(const Buffer& x, const Buffer& w, std::uint64_t seed,
                                         cudaStream_t stream) const {
  constexpr int kSamples = 64;
  Random random(seed);
  std::vector<float> ours;
  std::vector<float> expected;
  const GroupRows& rows = layout_.rows;
  for (const std::int64_t row : sampled_rows(rows, kSamples, seed)) {
    std::int64_t group = 0;
    while (group + 1 < shape_.groups && rows.first[at(static_cast<int>(group)) + 1] <= row) ++group;
    const std::int64_t column = random.integer(0, shape_.n - 1);
    const auto left = to_host(x.as<float>() + row * shape_.k, shape_.k, stream);
    const auto right =
        to_host(w.as<float>() + (group * shape_.n + column) * shape_.k, shape_.k, stream);
    double sum = 0;
    for (std::size_t i = 0; i < left.size(); ++i) sum += double{left[i]} * right[i];
    expected.push_back(static_cast<float>(sum));
    ours.push_back(to_host(y(0) + row * shape_.n + column, 1, stream).front());
  }
  return {.reference = "sampled rows",
          .metric = "difference",
          .value = difference_of(ours, expected),
          .limit = kDequantisedLimit};
}

std::vector<CheckResult> ProductSets::compare(std::uint64_t seed, cudaStream_t stream) {
  const std::int64_t rows_all = layout_.rows.rows_all;
  const std::int64_t weights = shape_.groups * shape_.n * shape_.k;
  const MatrixShape x_shape{rows_all, shape_.k};
  Buffer x(size_of(x_shape.count(), sizeof(float)));
  Buffer w(size_of(weights, sizeof(float)));
  const bool is_plain = format_ == OperandFormat::bf16;
  widen(is_plain ? plain_x(0) : x_before_.as<std::uint16_t>(), x_shape.count(), x.as<float>(),
        stream);
  widen(is_plain ? plain_w(0) : w_before_.as<std::uint16_t>(), weights, w.as<float>(), stream);
  std::vector<CheckResult> checks = {
      compare_with("unquantised", x, w, is_plain ? kDequantisedLimit : kUnquantisedLimit, stream)};
  if (format_ == OperandFormat::fp8_blockwise) {
    dequantise(scaled_x(0), x_shape, x.as<float>(), stream);
    dequantise(scaled_w(0), shape_.groups, {shape_.n, shape_.k}, w.as<float>(), stream);
    checks.push_back(compare_with("dequantised", x, w, kDequantisedLimit, stream));
  }
  if (format_ != OperandFormat::mxfp8) checks.push_back(compare_samples(x, w, seed, stream));
  return checks;
}

RowScaled ProductSets::scaled_x(int set) const {
  const Set& s = sets_.at(at(set));
  return {.values = s.x.as<std::uint8_t>(),
          .scales = s.x_scales.as<float>(),
          .leading = layout_.rows.rows_all};
}

BlockScaled ProductSets::scaled_w(int set) const {
  const Set& s = sets_.at(at(set));
  return {.values = s.w.as<std::uint8_t>(), .scales = s.w_scales.as<float>()};
}

MxScaled ProductSets::mx_x(int set) const {
  const Set& s = sets_.at(at(set));
  return {.values = s.x.as<std::uint8_t>(), .scales = s.x_scales.as<std::uint8_t>()};
}

MxScaled ProductSets::mx_w(int set) const {
  const Set& s = sets_.at(at(set));
  return {.values = s.w.as<std::uint8_t>(), .scales = s.w_scales.as<std::uint8_t>()};
}

}  // namespace planewise::calibration
