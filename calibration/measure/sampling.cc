#include "calibration/measure/sampling.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "calibration/measure/statistics.h"

namespace planewise::calibration {
namespace {

constexpr std::size_t kMediansInARow = 5;
constexpr Seconds kWarmUpBatch = milliseconds(5);
constexpr Seconds kTelemetryEvery = milliseconds(100);
constexpr int kBatchMost = 1000;

/// Calls of `each` that take about `wanted`.
int calls_in(Seconds wanted, Seconds each) {
  if (each <= Seconds{}) return kBatchMost;
  return static_cast<int>(std::clamp(wanted.in(each), 1.0, static_cast<double>(kBatchMost)));
}

Seconds median_of(const std::vector<Seconds>& times) {
  std::vector<double> values;
  for (const Seconds time : times) values.push_back(time.in(seconds(1)));
  return seconds(median(std::move(values)));
}

bool agree(const std::vector<Seconds>& medians, double share) {
  if (medians.size() < kMediansInARow) return false;
  const auto [least, most] = std::minmax_element(medians.end() - kMediansInARow, medians.end());
  return *most - *least <= *least * share;
}

/// Runs until it is warm; returns what a call takes then.
Seconds warm_up(Bench& bench, Regime regime, const SamplingOptions& options, const Time& time) {
  const Seconds began = time.now();
  std::vector<Seconds> medians;
  int calls = 1;
  while (true) {
    medians.push_back(median_of(bench.run(calls)));
    calls = calls_in(kWarmUpBatch, medians.back());
    const Seconds elapsed = time.now() - began;
    const bool is_warm = agree(medians, options.agreement) || elapsed >= options.warm_up_most;
    const bool is_busy_enough = regime == Regime::cool || elapsed >= options.sustained_before;
    if (is_warm && is_busy_enough) return medians.back();
    if (regime == Regime::cool) time.wait(options.pause);
  }
}

bool is_enough(std::size_t samples, Seconds elapsed, const SamplingOptions& options) {
  if (samples >= static_cast<std::size_t>(options.samples_most)) return true;
  return samples >= static_cast<std::size_t>(options.samples_least) &&
         elapsed >= options.sampling_least;
}

}  // namespace

SamplingOptions sampling_options(const std::string& backend, bool is_quick) {
  if (backend == "host") {
    return {.agreement = 0.05,
            .warm_up_most = milliseconds(is_quick ? 10 : 200),
            .samples_least = is_quick ? 5 : 10,
            .sampling_least = milliseconds(is_quick ? 5 : 100),
            .samples_most = 200,
            .sustained_before = milliseconds(is_quick ? 5 : 200),
            .pause = milliseconds(1)};
  }
  if (is_quick) {
    return {.warm_up_most = milliseconds(300),
            .samples_least = 15,
            .sampling_least = milliseconds(100),
            .sustained_before = milliseconds(500),
            .sustained_again = milliseconds(20)};
  }
  return {};
}

Time machine_time() {
  return {.now =
              [] {
                const auto now = std::chrono::steady_clock::now().time_since_epoch();
                return seconds(std::chrono::duration<double>(now).count());
              },
          .wait =
              [](Seconds length) {
                std::this_thread::sleep_for(std::chrono::duration<double>(length.in(seconds(1))));
              }};
}

void TelemetrySpan::add(const Telemetry& telemetry) {
  if (telemetry.sm_clock_mhz > 0) {
    const int clock = telemetry.sm_clock_mhz;
    clock_mhz_min_ = clock_mhz_min_ == 0 ? clock : std::min(clock_mhz_min_, clock);
    clock_mhz_max_ = std::max(clock_mhz_max_, clock);
  }
  if (telemetry.power_w > 0) {
    power_sum_ += telemetry.power_w;
    ++power_count_;
  }
  temperature_c_ = std::max(temperature_c_, telemetry.temperature_c);
  reasons_ |= telemetry.throttle_reasons;
  others_ = others_ || telemetry.other_processes > 0;
}

double TelemetrySpan::power_w() const { return power_count_ == 0 ? 0 : power_sum_ / power_count_; }

std::vector<std::string> TelemetrySpan::throttle() const {
  std::vector<std::string> names = throttle_names(reasons_);
  if (others_) names.emplace_back("other_processes");
  return names;
}

Samples take_samples(Bench& bench, Backend& backend, Regime regime, const SamplingOptions& options,
                     const Time& time) {
  const Seconds each = warm_up(bench, regime, options, time);
  Samples samples;
  samples.telemetry.add(backend.telemetry());
  const Seconds began = time.now();
  Seconds asked = began;
  while (!is_enough(samples.times.size(), time.now() - began, options)) {
    const int left = options.samples_most - static_cast<int>(samples.times.size());
    const int calls =
        regime == Regime::cool
            ? 1
            : std::min({calls_in(kTelemetryEvery, each), options.samples_least, left});
    if (regime == Regime::cool) time.wait(options.pause);
    const std::vector<Seconds> times = bench.run(calls);
    samples.times.insert(samples.times.end(), times.begin(), times.end());
    if (time.now() - asked >= kTelemetryEvery) {
      asked = time.now();
      samples.telemetry.add(backend.telemetry());
    }
  }
  samples.telemetry.add(backend.telemetry());
  return samples;
}

}  // namespace planewise::calibration
