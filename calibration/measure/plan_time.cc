#include "calibration/measure/plan_time.h"

#include <algorithm>

#include "calibration/measure/sampling.h"

namespace planewise::calibration {
namespace {

/// What a machine may do, and what a measurement costs beside its samples.
struct Guess {
  FlopRate fp8{};
  FlopRate bf16{};
  FlopRate reference{};  ///< FP32, of the checks.
  Rate memory{};
  Seconds launch{};
  Seconds preparation{};  ///< Buffers, inputs, and finding out how long a call takes.
};

/// NVIDIA's data sheet of the H100 SXM: 1,979 and 989 TFLOPS, 67 in FP32, 3.35 TB/s; 60 % of them.
Guess gpu() {
  return {.fp8 = teraflops(1187),
          .bf16 = teraflops(593),
          .reference = teraflops(40),
          .memory = gigabytes_per_second(2010),
          .launch = microseconds(3),
          .preparation = milliseconds(150)};
}

/// One core without vectors that anybody tuned.
Guess processor() {
  return {.fp8 = teraflops(2e-3),
          .bf16 = teraflops(2e-3),
          .reference = teraflops(1e-3),
          .memory = gigabytes_per_second(0.5),
          .launch = microseconds(1),
          .preparation = milliseconds(5)};
}

Seconds call_time(const Measurement& m, const Guess& guess) {
  const FlopRate rate = m.precision == spec::Precision::bf16 ? guess.bf16 : guess.fp8;
  return guess.launch + std::max(m.work / rate, m.traffic / guess.memory);
}

Seconds sampling_time(Seconds call, Regime regime, const SamplingOptions& options) {
  const Seconds each = regime == Regime::cool ? call + options.pause : call;
  const double calls =
      std::clamp(options.sampling_least.in(each), static_cast<double>(options.samples_least),
                 static_cast<double>(options.samples_most));
  return each * calls;
}

}  // namespace

Seconds estimated_time(const Plan& plan) {
  constexpr double kWarmUpCalls = 10;  // and no less than five batches of 5 ms, of a GPU
  const Guess guess = plan.options.is_host ? processor() : gpu();
  const SamplingOptions options =
      sampling_options(plan.options.is_host ? "host" : "cuda", plan.options.is_quick);
  Seconds round = options.sustained_before;
  for (const Measurement& m : plan.measurements) {
    const Seconds call = call_time(m, guess);
    const Seconds check = 2 * (m.work / guess.reference) + 4 * (m.traffic / guess.memory);
    const Seconds warm_up = std::min(options.warm_up_most, call * kWarmUpCalls);
    round = round + guess.preparation + check + warm_up + options.sustained_again +
            sampling_time(call, m.regime, options);
  }
  return round * plan.repetitions;
}

}  // namespace planewise::calibration
