// A bench on the processor: several sets of inputs, taken in turn.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "calibration/host/kernels.h"
#include "calibration/host/reference.h"
#include "calibration/measure/backend.h"

namespace planewise::calibration::host {

/// Limits of `difference`. Rows that take the scale of the next one yield 1.9e-2, swapped scales of
/// weights 1.3e-3: `dequantised` sees either, `unquantised` alone would not see the second.
inline constexpr double kDequantisedLimit = 5e-5;  ///< FP32 sums and BF16 results.
inline constexpr double kUnquantisedLimit = 1e-3;  ///< DeepGEMM's, tests/test_core.py.

/// What a measurement runs. The functions share whatever they need.
struct HostWork {
  int sets = 2;
  std::function<void(std::uint64_t seed)> fill{};  ///< Inputs of all sets.
  std::function<void()> poison{};                  ///< NaN into the outputs.
  std::function<void(int set)> launch{};
  std::function<std::vector<CheckResult>(std::uint64_t seed)> compare{};  ///< Of set 0.
  int kernels = 1;
};

std::unique_ptr<Bench> make_host_bench(HostWork work);

/// Normal numbers times `deviation`, as BF16; the same of the same seed.
std::vector<Bits> random_bits(std::int64_t count, double deviation, std::uint64_t seed);
std::vector<float> random_floats(std::int64_t count, double deviation, std::uint64_t seed);

/// Weights [groups, rows, columns], BF16: blocks of 128 x 128 differ in magnitude by powers of two,
/// as a wrong scale of a block would otherwise hardly show.
std::vector<Bits> random_weights(std::int64_t groups, MatrixSize size, double deviation,
                                 std::uint64_t seed);

void poison(std::span<Bits> values);
void poison(std::span<float> values);
void poison(RowQuantised& values);

RowQuantised empty_rows(MatrixSize size);

CheckResult difference_check(const char* reference, std::span<const float> ours,
                             std::span<const float> expected, double limit);
/// Codes and scales that are not the same.
CheckResult exact_check(const RowQuantised& ours, const RowQuantised& expected);

/// What `m` runs, whichever kernel it is of.
HostWork work_of(const Measurement& m, const LayerSizes& sizes);

/// Works by kernel; `m` is of a kind that each takes.
HostWork product_work(const Measurement& m);
HostWork gradient_work(const Measurement& m);
HostWork byte_work(const Measurement& m, const LayerSizes& sizes);
HostWork routing_work(const Measurement& m, const LayerSizes& sizes);
HostWork attention_work(const Measurement& m, const LayerSizes& sizes);
HostWork layer_work(const Measurement& m, const LayerSizes& sizes);

}  // namespace planewise::calibration::host
