// SwiGLU and quantisation: what their kernels leave against the processor's.
#include "base/check.h"
#include "base/random.h"
#include "calibration/cuda/byte_work.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/reference.h"

namespace planewise::calibration {
namespace {

using Bits = std::uint16_t;
using Checks = std::vector<CheckResult>;
using Shared = std::shared_ptr<BufferSets>;

/// Where quantise, quantise_backward and swiglu_quantise put what they make.
enum At : int { kInput = 0, kValues = 1, kScales = 2, kTurnedValues = 3, kTurnedScales = 4 };

std::vector<std::uint8_t> codes_of(const std::uint8_t* from, std::int64_t count,
                                   cudaStream_t stream) {
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(count));
  PW_CUDA(cudaMemcpyAsync(codes.data(), from, codes.size(), cudaMemcpyDeviceToHost, stream));
  PW_CUDA(cudaStreamSynchronize(stream));
  return codes;
}

RowScaledOut out_at(const BufferSets& b, int set, int values, std::int64_t leading) {
  return {b.at<std::uint8_t>(set, values), b.at<float>(set, values + 1), leading};
}

CheckResult mismatches(double count) {
  return {.reference = "exact", .metric = "mismatches", .value = count, .limit = 0};
}

/// Of one row: what its codes and scales stand for.
std::vector<float> dequantised_row(const RowScaledOut& y, std::int64_t row, std::int64_t columns,
                                   cudaStream_t stream) {
  const auto codes = codes_of(y.values + row * columns, columns, stream);
  std::vector<float> values;
  for (std::int64_t block = 0; block < columns / 128; ++block) {
    const float scale = to_host(y.scales + block * y.leading + row, 1, stream).front();
    for (std::int64_t i = 0; i < 128; ++i) {
      values.push_back(host::from_e4m3(codes[static_cast<std::size_t>(block * 128 + i)]) * scale);
    }
  }
  return values;
}

/// Codes of some rows are the processor's, and stand for what went in.
Checks check_rows(const BufferSets& b, MatrixShape shape, std::uint64_t seed, cudaStream_t stream) {
  double wrong = 0;
  std::vector<float> ours;
  std::vector<float> before;
  const RowScaledOut y = out_at(b, 0, kValues, shape.rows);
  for (const std::int64_t row : some_rows(shape.rows, seed)) {
    const auto x = to_host(b.at<Bits>(0, kInput) + row * shape.columns, shape.columns, stream);
    const host::RowQuantised expected = host::quantise(x, {1, shape.columns});
    const auto codes = codes_of(y.values + row * shape.columns, shape.columns, stream);
    for (std::size_t i = 0; i < codes.size(); ++i) wrong += codes[i] != expected.values[i];
    const auto values = dequantised_row(y, row, shape.columns, stream);
    ours.insert(ours.end(), values.begin(), values.end());
    before.insert(before.end(), x.begin(), x.end());
  }
  CheckResult unquantised = row_check(ours, before, kUnquantisedLimit);
  unquantised.reference = "unquantised";
  return {mismatches(wrong), unquantised};
}

/// One block of 128 rows: codes of its columns are those of `expected`.
CheckResult check_block(const RowScaledOut& turned, std::int64_t block, MatrixShape shape,
                        const host::RowQuantised& expected, cudaStream_t stream) {
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(128 * shape.columns));
  PW_CUDA(cudaMemcpy2DAsync(
      codes.data(), 128, turned.values + block * 128, static_cast<std::size_t>(shape.rows), 128,
      static_cast<std::size_t>(shape.columns), cudaMemcpyDeviceToHost, stream));
  const auto scales = to_host(turned.scales + block * turned.leading, shape.columns, stream);
  double wrong = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) wrong += codes[i] != expected.values[i];
  for (std::size_t i = 0; i < scales.size(); ++i) wrong += !(scales[i] == expected.scales[i]);
  return mismatches(wrong);
}

std::int64_t some_block(std::int64_t rows, std::uint64_t seed) {
  return Random(seed).integer(0, rows / 128 - 1);
}

void fill_inputs(const BufferSets& b, std::int64_t count, int buffer, std::uint64_t seed,
                 cudaStream_t stream) {
  for (int set = 0; set < b.count(); ++set) {
    fill_normal(b.at<Bits>(set, buffer), count, 1,
                fold_bits(seed, static_cast<std::uint64_t>(set * 8 + buffer)), stream);
  }
}

GpuWork rows_work(const Shared& b, MatrixShape shape) {
  GpuWork work{.implementation = "pw_quantise"};
  work.fill = [b, shape](std::uint64_t seed, cudaStream_t stream) {
    fill_inputs(*b, shape.count(), kInput, seed, stream);
  };
  work.poison = [b](cudaStream_t stream) {
    b->poison(kValues, stream);
    b->poison(kScales, stream);
  };
  work.launch = [b, shape](int set, cudaStream_t stream) {
    quantise(b->at<Bits>(set, kInput), shape, out_at(*b, set, kValues, shape.rows), stream);
  };
  work.compare = [b, shape](std::uint64_t seed, cudaStream_t stream) {
    return check_rows(*b, shape, seed, stream);
  };
  return work;
}

GpuWork both_work(const Shared& b, MatrixShape shape) {
  GpuWork work = rows_work(b, shape);
  work.implementation = "pw_quantise_both";
  work.poison = [b](cudaStream_t stream) {
    for (const int buffer : {kValues, kScales, kTurnedValues, kTurnedScales}) {
      b->poison(buffer, stream);
    }
  };
  work.launch = [b, shape](int set, cudaStream_t stream) {
    quantise_both(b->at<Bits>(set, kInput), shape, out_at(*b, set, kValues, shape.rows),
                  out_at(*b, set, kTurnedValues, shape.columns), stream);
  };
  work.compare = [b, shape](std::uint64_t seed, cudaStream_t stream) {
    Checks checks = check_rows(*b, shape, seed, stream);
    const std::int64_t block = some_block(shape.rows, seed);
    const auto x =
        to_host(b->at<Bits>(0, kInput) + block * 128 * shape.columns, 128 * shape.columns, stream);
    checks.push_back(check_block(out_at(*b, 0, kTurnedValues, shape.columns), block, shape,
                                 host::quantise_transposed(x, {128, shape.columns}), stream));
    return checks;
  };
  return work;
}

/// From FP8 rows: buffers are values, scales (as if of quantise), then the turned ones.
GpuWork requantise_work(const Shared& b, MatrixShape shape) {
  GpuWork work{.implementation = "pw_requantise"};
  work.fill = [b, shape](std::uint64_t seed, cudaStream_t stream) {
    fill_inputs(*b, shape.count(), kInput, seed, stream);
    for (int set = 0; set < b->count(); ++set) {
      quantise(b->at<Bits>(set, kInput), shape, out_at(*b, set, kValues, shape.rows), stream);
    }
  };
  work.poison = [b](cudaStream_t stream) {
    b->poison(kTurnedValues, stream);
    b->poison(kTurnedScales, stream);
  };
  work.launch = [b, shape](int set, cudaStream_t stream) {
    requantise_transposed(out_at(*b, set, kValues, shape.rows).in(), shape,
                          out_at(*b, set, kTurnedValues, shape.columns), stream);
  };
  work.compare = [b, shape](std::uint64_t seed, cudaStream_t stream) -> Checks {
    const std::int64_t block = some_block(shape.rows, seed);
    std::vector<float> x;
    for (std::int64_t row = block * 128; row < block * 128 + 128; ++row) {
      const auto values =
          dequantised_row(out_at(*b, 0, kValues, shape.rows), row, shape.columns, stream);
      x.insert(x.end(), values.begin(), values.end());
    }
    return {check_block(out_at(*b, 0, kTurnedValues, shape.columns), block, shape,
                        host::quantise_transposed(x, {128, shape.columns}), stream)};
  };
  return work;
}

// ---- SwiGLU: buffers are gate and up, the result ----

std::vector<float> gate_up_row(const BufferSets& b, MatrixShape shape, std::int64_t row,
                               cudaStream_t stream) {
  return to_host(b.at<Bits>(0, 0) + row * 2 * shape.columns, 2 * shape.columns, stream);
}

GpuWork swiglu_work(const Shared& b, MatrixShape shape) {
  GpuWork work{.implementation = "pw_swiglu"};
  work.fill = [b, shape](std::uint64_t seed, cudaStream_t stream) {
    fill_inputs(*b, 2 * shape.count(), 0, seed, stream);
  };
  work.poison = [b](cudaStream_t stream) { b->poison(1, stream); };
  work.launch = [b, shape](int set, cudaStream_t stream) {
    swiglu(b->at<Bits>(set, 0), shape, b->at<Bits>(set, 1), stream);
  };
  work.compare = [b, shape](std::uint64_t seed, cudaStream_t stream) -> Checks {
    std::vector<float> ours;
    std::vector<float> expected;
    for (const std::int64_t row : some_rows(shape.rows, seed)) {
      const auto mine = to_host(b->at<Bits>(0, 1) + row * shape.columns, shape.columns, stream);
      const auto theirs = host::swiglu(gate_up_row(*b, shape, row, stream), {1, shape.columns});
      ours.insert(ours.end(), mine.begin(), mine.end());
      expected.insert(expected.end(), theirs.begin(), theirs.end());
    }
    return {row_check(ours, expected, kDequantisedLimit)};
  };
  return work;
}

GpuWork swiglu_quantise_work(const Shared& b, MatrixShape shape) {
  GpuWork work = swiglu_work(b, shape);
  work.implementation = "pw_swiglu_quantise";
  work.poison = [b](cudaStream_t stream) {
    b->poison(kValues, stream);
    b->poison(kScales, stream);
  };
  work.launch = [b, shape](int set, cudaStream_t stream) {
    swiglu_quantise(b->at<Bits>(set, 0), shape, out_at(*b, set, kValues, shape.rows), stream);
  };
  work.compare = [b, shape](std::uint64_t seed, cudaStream_t stream) -> Checks {
    std::vector<float> ours;
    std::vector<float> expected;
    for (const std::int64_t row : some_rows(shape.rows, seed)) {
      const auto mine =
          dequantised_row(out_at(*b, 0, kValues, shape.rows), row, shape.columns, stream);
      const auto theirs = host::swiglu(gate_up_row(*b, shape, row, stream), {1, shape.columns});
      ours.insert(ours.end(), mine.begin(), mine.end());
      expected.insert(expected.end(), theirs.begin(), theirs.end());
    }
    return {row_check(ours, expected, kUnquantisedLimit)};
  };
  return work;
}

/// Buffers: gate and up, the result's gradient, the result, the gradient of gate and up.
GpuWork swiglu_backward_work(const Shared& b, MatrixShape shape) {
  GpuWork work{.implementation = "pw_swiglu_backward"};
  work.fill = [b, shape](std::uint64_t seed, cudaStream_t stream) {
    fill_inputs(*b, 2 * shape.count(), 0, seed, stream);
    fill_inputs(*b, shape.count(), 1, seed, stream);
  };
  work.poison = [b](cudaStream_t stream) {
    b->poison(2, stream);
    b->poison(3, stream);
  };
  work.launch = [b, shape](int set, cudaStream_t stream) {
    swiglu_backward({.x = b->at<Bits>(set, 0),
                     .d_y = b->at<Bits>(set, 1),
                     .y = b->at<Bits>(set, 2),
                     .d_x = b->at<Bits>(set, 3)},
                    shape, stream);
  };
  work.compare = [b, shape](std::uint64_t seed, cudaStream_t stream) -> Checks {
    std::vector<float> ours;
    std::vector<float> expected;
    for (const std::int64_t row : some_rows(shape.rows, seed)) {
      const auto d_y = to_host(b->at<Bits>(0, 1) + row * shape.columns, shape.columns, stream);
      const auto mine =
          to_host(b->at<Bits>(0, 3) + row * 2 * shape.columns, 2 * shape.columns, stream);
      const auto theirs =
          host::swiglu_backward(gate_up_row(*b, shape, row, stream), d_y, {1, shape.columns});
      ours.insert(ours.end(), mine.begin(), mine.end());
      expected.insert(expected.end(), theirs.begin(), theirs.end());
    }
    return {row_check(ours, expected, kDequantisedLimit)};
  };
  return work;
}

}  // namespace

GpuWork quantise_work(Kernel kernel, const ByteSizes& sizes) {
  const auto b =
      std::make_shared<BufferSets>(sizes.sets, byte_buffers(kernel, sizes.shape, sizes.layer));
  switch (kernel) {
    case Kernel::quantise:
      return rows_work(b, sizes.shape);
    case Kernel::quantise_backward:
      return both_work(b, sizes.shape);
    case Kernel::requantise_transposed:
      return requantise_work(b, sizes.shape);
    case Kernel::swiglu:
      return swiglu_work(b, sizes.shape);
    case Kernel::swiglu_quantise:
      return swiglu_quantise_work(b, sizes.shape);
    case Kernel::swiglu_backward:
      return swiglu_backward_work(b, sizes.shape);
    default:
      PW_UNREACHABLE("no SwiGLU and no quantisation");
  }
}

}  // namespace planewise::calibration
