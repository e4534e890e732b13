// When a bench is warm, when it was run often enough, and what is noted of the machine.
#include "calibration/measure/sampling.h"

#include <gtest/gtest.h>

#include "calibration/fake_backend.h"

namespace planewise::calibration {
namespace {

Samples samples_of(test::Machine& machine, Regime regime, const SamplingOptions& options = {}) {
  test::FakeBackend backend(machine);
  test::FakeBench bench(machine, "a");
  return take_samples(bench, backend, regime, options, machine.time());
}

TEST(Sampling, LeavesOutTheWarmUp) {
  test::Machine machine;
  // 1 ms more at first, halved from call to call.
  machine.scripts["a"] = {.time = milliseconds(1), .cold = milliseconds(1)};
  const Samples samples = samples_of(machine, Regime::cool);
  // Warm after five medians within 2 %: no sample can be more than 2 % over the last of them.
  for (const Seconds time : samples.times) EXPECT_LT(time, milliseconds(1.02));
}

TEST(Sampling, GoesOnAfterAWhileIfMediansNeverAgree) {
  test::Machine machine;
  machine.scripts["a"] = {.time = milliseconds(20), .noise = 0.5};
  const Seconds began = machine.now;
  const Samples samples = samples_of(machine, Regime::cool, {.warm_up_most = seconds(1)});
  EXPECT_GE(samples.times.size(), 30U);
  // 1 s of warm-up and its last call; then 30 calls of at most 30 ms, each after a pause of 20 ms.
  EXPECT_LT(machine.now - began, seconds(1.1 + 30 * 0.05));
}

TEST(Sampling, TakesThirtySamplesAndThreeTenthsOfASecond) {
  test::Machine slow;
  slow.scripts["a"] = {.time = milliseconds(100)};
  EXPECT_EQ(samples_of(slow, Regime::sustained).times.size(), 30U);  // 3 s, in batches of one
  test::Machine quick;
  quick.scripts["a"] = {.time = milliseconds(1)};
  // 0.3 s of 1 ms, in batches of at most 30: 300.
  EXPECT_NEAR(static_cast<double>(samples_of(quick, Regime::sustained).times.size()), 300, 30);
  test::Machine tiny;
  tiny.scripts["a"] = {.time = microseconds(2)};  // would be 150,000
  EXPECT_EQ(samples_of(tiny, Regime::sustained).times.size(), 1000U);
}

TEST(Sampling, IsBusyBeforeSustainedSamplesAndPausesBetweenCoolOnes) {
  test::Machine sustained;
  sustained.scripts["a"] = {.time = milliseconds(1)};
  const Seconds began = sustained.now;
  const Samples busy = samples_of(sustained, Regime::sustained);
  EXPECT_TRUE(sustained.waits.empty());
  Seconds sampled{};
  for (const Seconds time : busy.times) sampled += time;
  EXPECT_GE(sustained.now - began - sampled, seconds(2));

  test::Machine cool;
  cool.scripts["a"] = {.time = milliseconds(1)};
  const Samples paused = samples_of(cool, Regime::cool);
  EXPECT_GE(cool.waits.size(), paused.times.size());
  for (const Seconds wait : cool.waits) EXPECT_EQ(wait, milliseconds(20));
}

TEST(Sampling, SeesThrottlingThatBeginsInTheMiddle) {
  test::Machine machine;
  // 2 s busy, then samples of 0.3 s: throttled for the last third of them.
  machine.scripts["a"] = {.time = milliseconds(1), .throttles_after = machine.now + seconds(2.2)};
  const Samples samples = samples_of(machine, Regime::sustained);
  EXPECT_EQ(samples.telemetry.throttle(), std::vector<std::string>{"hw_thermal_slowdown"});
  EXPECT_EQ(samples.telemetry.clock_mhz_min(), 1200);
  EXPECT_EQ(samples.telemetry.clock_mhz_max(), 1980);
  EXPECT_EQ(samples.telemetry.temperature_c(), 88);
  EXPECT_GT(samples.telemetry.power_w(), 400);
  EXPECT_LT(samples.telemetry.power_w(), 600);
}

TEST(Telemetry, OfAMachineThatTellsNothingIsZero) {
  TelemetrySpan span;
  span.add({});
  EXPECT_EQ(span.clock_mhz_min(), 0);
  EXPECT_EQ(span.power_w(), 0);
  EXPECT_TRUE(span.throttle().empty());
  span.add({.sm_clock_mhz = 1500, .power_w = 100});
  span.add({.sm_clock_mhz = 1700, .power_w = 200, .other_processes = 1});
  EXPECT_EQ(span.clock_mhz_min(), 1500);  // the 0 was no clock
  EXPECT_EQ(span.power_w(), 150);
  EXPECT_EQ(span.throttle(), std::vector<std::string>{"other_processes"});
}

}  // namespace
}  // namespace planewise::calibration
