#include "calibration/host/host_bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "base/random.h"
#include "calibration/host/e4m3.h"
#include "calibration/host/kernel_loops.h"

namespace planewise::calibration::host {
namespace {

constexpr Bits kNanBits = 0xFFFF;
constexpr std::uint8_t kNanCode = 0xFF;

class HostBench : public Bench {
 public:
  explicit HostBench(HostWork work) : work_(std::move(work)) {}

  std::vector<CheckResult> check(std::uint64_t seed) override {
    work_.fill(seed);
    work_.poison();
    work_.launch(0);
    return work_.compare(seed);
  }

  std::vector<Seconds> run(int count) override {
    std::vector<Seconds> times;
    for (int i = 0; i < count; ++i) {
      const auto began = std::chrono::steady_clock::now();
      work_.launch(next_);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
      next_ = (next_ + 1) % work_.sets;
      // A clock that did not move would be a time of zero, which is no time.
      times.push_back(seconds(std::max(took.count(), 1e-9)));
    }
    return times;
  }

  std::string implementation() const override { return "host"; }
  int kernels() const override { return work_.kernels; }

 private:
  HostWork work_;
  int next_ = 0;
};

HostWork empty_work() {
  return {.fill = [](std::uint64_t) {},
          .poison = [] {},
          .launch = [](int) {},
          .compare = [](std::uint64_t) { return std::vector<CheckResult>{}; }};
}

}  // namespace

HostWork work_of(const Measurement& m, const LayerSizes& sizes) {
  switch (m.kernel) {
    case Kernel::empty:
      return empty_work();
    case Kernel::product:
      return product_work(m);
    case Kernel::weight_gradient:
      return gradient_work(m);
    case Kernel::router:
    case Kernel::permute:
      return routing_work(m, sizes);
    case Kernel::attention_forward:
    case Kernel::attention_backward:
    case Kernel::attention_decode:
      return attention_work(m, sizes);
    case Kernel::moe_layer_forward:
    case Kernel::moe_layer_backward:
      return layer_work(m, sizes);
    default:
      return byte_work(m, sizes);
  }
}

std::unique_ptr<Bench> make_host_bench(HostWork work) {
  return std::make_unique<HostBench>(std::move(work));
}

std::vector<float> random_floats(std::int64_t count, double deviation, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values;
  values.reserve(at(count + 1));
  while (std::ssize(values) < count) {
    // Box and Muller: two normal numbers of two uniform ones.
    const double radius = deviation * std::sqrt(-2 * std::log(1 - random.uniform()));
    const double angle = 2 * std::numbers::pi * random.uniform();
    values.push_back(static_cast<float>(radius * std::cos(angle)));
    values.push_back(static_cast<float>(radius * std::sin(angle)));
  }
  values.resize(at(count));
  return values;
}

std::vector<Bits> random_bits(std::int64_t count, double deviation, std::uint64_t seed) {
  return to_bf16(random_floats(count, deviation, seed));
}

std::vector<Bits> random_weights(std::int64_t groups, MatrixSize size, double deviation,
                                 std::uint64_t seed) {
  std::vector<float> values = random_floats(groups * size.count(), deviation, seed);
  for (std::int64_t i = 0; i < std::ssize(values); ++i) {
    const std::int64_t row = i / size.columns / kScaleBlock;
    const std::int64_t column = i % size.columns / kScaleBlock;
    const std::uint64_t bits = fold_bits(fold_bits(seed, static_cast<std::uint64_t>(row)),
                                         static_cast<std::uint64_t>(column));
    values[at(i)] *= std::ldexp(1.0F, static_cast<int>(bits % 4) - 2);  // 1/4 to 2
  }
  return to_bf16(values);
}

void poison(std::span<Bits> values) { std::fill(values.begin(), values.end(), kNanBits); }

void poison(std::span<float> values) {
  std::fill(values.begin(), values.end(), std::numeric_limits<float>::quiet_NaN());
}

void poison(RowQuantised& values) {
  std::fill(values.values.begin(), values.values.end(), kNanCode);
  poison(std::span(values.scales));
}

RowQuantised empty_rows(MatrixSize size) {
  return {.size = size,
          .values = std::vector<std::uint8_t>(at(size.count())),
          .scales = std::vector<float>(at(size.count() / kScaleBlock))};
}

CheckResult difference_check(const char* reference, std::span<const float> ours,
                             std::span<const float> expected, double limit) {
  return {.reference = reference,
          .metric = "difference",
          .value = difference(ours, expected),
          .limit = limit};
}

CheckResult exact_check(const RowQuantised& ours, const RowQuantised& expected) {
  double wrong = 0;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    wrong += ours.values[i] != expected.values[i] ? 1 : 0;
  }
  for (std::size_t i = 0; i < expected.scales.size(); ++i) {
    wrong += ours.scales[i] == expected.scales[i] ? 0 : 1;  // NaN is no equal
  }
  return {.reference = "exact", .metric = "mismatches", .value = wrong, .limit = 0};
}

}  // namespace planewise::calibration::host
