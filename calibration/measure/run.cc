#include "calibration/measure/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "base/check.h"
#include "base/random.h"
#include "calibration/raw/raw_file.h"

namespace planewise::calibration {
namespace {

/// A run in progress.
struct Run {
  const Plan& plan;
  Backend& backend;
  const RunOptions& options;
  const std::function<void(const std::string&)>& write;
  std::string environment{};               ///< Its fingerprint.
  std::set<std::string> not_measurable{};  ///< Keys.
  RunSummary summary{};
  std::optional<Seconds> busy_until{};  ///< The last samples of `sustained` were taken then.
};

/// The same for a GPU that has rested, or has not: what came before may have kept it at its
/// sustained clocks.
SamplingOptions sampling_now(const Run& run) {
  constexpr Seconds kRest = seconds(1);
  SamplingOptions options = run.options.sampling;
  if (run.busy_until && run.options.time.now() - *run.busy_until < kRest) {
    options.sustained_before = options.sustained_again;
  }
  return options;
}

PointRecord measured_point(Run& run, const Measurement& measurement, Bench& bench, int repetition) {
  PointRecord point{.measurement = measurement,
                    .key = key_of(measurement),
                    .environment = run.environment,
                    .repetition = repetition,
                    .implementation = bench.implementation(),
                    .proxy = bench.proxy(),
                    .kernels = bench.kernels()};
  // Other numbers in each round, the same again in the same round of another run.
  point.checks = bench.check(fold_bits(run.options.seed, static_cast<std::uint64_t>(repetition)));
  point.check_failed = std::any_of(point.checks.begin(), point.checks.end(),
                                   [](const CheckResult& check) { return !check.holds(); });
  if (point.check_failed) return point;
  Samples samples =
      take_samples(bench, run.backend, measurement.regime, sampling_now(run), run.options.time);
  run.busy_until.reset();
  if (measurement.regime == Regime::sustained) run.busy_until = run.options.time.now();
  point.times = std::move(samples.times);
  point.clock_mhz_min = samples.telemetry.clock_mhz_min();
  point.clock_mhz_max = samples.telemetry.clock_mhz_max();
  point.power_w = samples.telemetry.power_w();
  point.temperature_c = samples.telemetry.temperature_c();
  point.throttle = samples.telemetry.throttle();
  return point;
}

void note_not_measured(Run& run, const Measurement& measurement, const std::string& reason) {
  const std::string key = key_of(measurement);
  run.not_measurable.insert(key);
  ++run.summary.not_measured;
  if (run.options.done.contains({key, kNoRound})) return;  // the file says so already
  run.write(to_line(NotMeasuredRecord{
      .id = measurement.id, .key = key, .environment = run.environment, .reason = reason}));
}

void measure(Run& run, const Measurement& measurement, int repetition) {
  auto prepared = run.backend.prepare(measurement, run.plan.sizes);
  if (const auto* refusal = std::get_if<NotMeasured>(&prepared)) {
    note_not_measured(run, measurement, refusal->reason);
    return;
  }
  Bench& bench = *std::get<std::unique_ptr<Bench>>(prepared);
  const PointRecord point = measured_point(run, measurement, bench, repetition);
  run.write(to_line(point));
  run.summary.measured += point.check_failed ? 0 : 1;
  run.summary.failed += point.check_failed ? 1 : 0;
  run.summary.throttled += point.throttle.empty() ? 0 : 1;
}

}  // namespace

RunSummary run_plan(const Plan& plan, Backend& backend, const RunOptions& options,
                    const std::function<void(const std::string& line)>& write) {
  PW_CHECK(options.time.now);
  PW_CHECK(options.time.wait);
  Run run{.plan = plan,
          .backend = backend,
          .options = options,
          .write = write,
          .environment = fingerprint(backend.environment())};
  RunProgress progress{.all =
                           plan.measurements.size() * static_cast<std::size_t>(plan.repetitions)};
  for (int repetition = 1; repetition <= plan.repetitions; ++repetition) {
    for (const Measurement& measurement : plan.measurements) {
      progress.key = key_of(measurement);
      if (options.progress) options.progress(progress);
      ++progress.done;
      if (run.not_measurable.contains(progress.key)) continue;
      if (options.done.contains({progress.key, repetition})) {
        ++run.summary.skipped;
        continue;
      }
      try {
        measure(run, measurement, repetition);
      } catch (const std::runtime_error& error) {
        throw std::runtime_error(fmt::format("{}: {}", progress.key, error.what()));
      }
    }
  }
  progress.key.clear();
  if (options.progress) options.progress(progress);
  return run.summary;
}

}  // namespace planewise::calibration
