// A machine whose times, clocks and mistakes are scripted, with a clock of its own.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/random.h"
#include "calibration/measure/run.h"

namespace planewise::calibration::test {

/// What a measurement does when it runs.
struct Script {
  Seconds time = milliseconds(1);
  double noise = 0;           ///< Share by which a call's time varies, both ways.
  Seconds cold{};             ///< The first call takes so much longer, each next half of that.
  double check_value = 0;     ///< Of a check whose limit is 1.
  int fails_in_check = 0;     ///< The check of this call of check(), from 1, does not hold.
  std::string refusal{};      ///< Why it cannot be prepared; empty: it can.
  bool throws = false;        ///< When run.
  Seconds throttles_after{};  ///< From this time on the GPU is throttled; 0: never.
};

/// The state of the fake machine; outlives its benches.
struct Machine {
  Seconds now = seconds(100);
  Environment environment{.backend = "fake", .gpu = "Fake GPU", .driver = "1"};
  std::map<std::string, Script> scripts{};  ///< By the measurement's id.
  Random random{1};
  std::map<std::string, int> prepared{};
  std::map<std::string, int> checked{};
  std::vector<std::uint64_t> seeds{};  ///< Of all checks.
  std::vector<std::string> order{};    ///< Ids in the order in which they were checked.
  std::vector<Seconds> waits{};
  int other_processes = 0;

  Time time() {
    return {.now = [this] { return now; },
            .wait =
                [this](Seconds length) {
                  waits.push_back(length);
                  now += length;
                }};
  }
};

class FakeBench : public Bench {
 public:
  FakeBench(Machine& machine, std::string id) : machine_(machine), id_(std::move(id)) {
    cold_ = script().cold;
  }

  std::vector<CheckResult> check(std::uint64_t seed) override {
    machine_.seeds.push_back(seed);
    machine_.order.push_back(id_);
    const bool fails = ++machine_.checked[id_] == script().fails_in_check;
    return {{.reference = "exact", .metric = "mismatches", .value = 0, .limit = 0},
            {.reference = "dequantised",
             .metric = "difference",
             .value = fails ? 2 : script().check_value,
             .limit = 1}};
  }

  std::vector<Seconds> run(int count) override {
    if (script().throws) throw std::runtime_error("cudaGraphLaunch: an illegal memory access");
    std::vector<Seconds> times;
    for (int i = 0; i < count; ++i) {
      const double noise = script().noise * (2 * machine_.random.uniform() - 1);
      times.push_back(script().time * (1 + noise) + cold_);
      cold_ = cold_ / 2;
      machine_.now += times.back();
    }
    return times;
  }

  std::string implementation() const override { return "fake"; }

 private:
  const Script& script() const { return machine_.scripts.at(id_); }

  Machine& machine_;
  std::string id_;
  Seconds cold_{};
};

class FakeBackend : public Backend {
 public:
  explicit FakeBackend(Machine& machine) : machine_(machine) {}

  const Environment& environment() const override { return machine_.environment; }

  Telemetry telemetry() override {
    bool is_throttled = false;
    for (const auto& [id, script] : machine_.scripts) {
      is_throttled = is_throttled ||
                     (script.throttles_after > Seconds{} && machine_.now >= script.throttles_after);
    }
    return {.sm_clock_mhz = is_throttled ? 1200 : 1980,
            .power_w = is_throttled ? 400.0 : 600.0,
            .temperature_c = is_throttled ? 88 : 60,
            .throttle_reasons = is_throttled ? 0x40U : 0x1U,
            .other_processes = machine_.other_processes};
  }

  std::variant<std::unique_ptr<Bench>, NotMeasured> prepare(const Measurement& measurement,
                                                            const LayerSizes&) override {
    ++machine_.prepared[measurement.id];
    const Script& script = machine_.scripts.at(measurement.id);
    if (!script.refusal.empty()) return NotMeasured{script.refusal};
    return std::make_unique<FakeBench>(machine_, measurement.id);
  }

 private:
  Machine& machine_;
};

}  // namespace planewise::calibration::test
