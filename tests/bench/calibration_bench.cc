// How long planewise-calibrate takes over the raw file of a long run: 10,000 points of 90 samples.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/random.h"
#include "calibration/fit/fit.h"
#include "calibration/fit/profile_text.h"
#include "calibration/measure/fingerprint.h"
#include "calibration/raw/raw_file.h"

namespace planewise::calibration {
namespace {

constexpr int kRounds = 3;
constexpr int kSamples = 90;

EnvironmentRecord machine() {
  EnvironmentRecord record{.environment = {.backend = "cuda", .gpu = "NVIDIA H200", .sms = 132}};
  record.fingerprint = fingerprint(record.environment);
  return record;
}

/// Sizes of twelve operators: half are products, half move bytes.
Measurement measurement_of(int index) {
  const int op = index % 12;
  const std::int64_t rows = 16 + 8 * (index / 12);
  if (op < 6) {
    const std::int64_t n = 1024 * (op + 1);
    return {.id = "gemm." + std::to_string(op),
            .shape = {.groups = 1, .m = rows, .n = n, .k = 7168},
            .work = flop(2.0 * static_cast<double>(rows * n * 7168)),
            .traffic = bytes(2.0 * static_cast<double>(rows * n + rows * 7168 + n * 7168))};
  }
  return {.id = "move." + std::to_string(op),
          .kernel = Kernel::elementwise,
          .rows = rows,
          .width = 7168,
          .traffic = bytes(6.0 * static_cast<double>(rows * 7168))};
}

std::string raw_text(int points) {
  Random random(1);
  std::string text = to_line(machine());
  for (int i = 0; i < points; ++i) {
    PointRecord point{.measurement = measurement_of(i / kRounds),
                      .environment = machine().fingerprint,
                      .repetition = 1 + i % kRounds,
                      .implementation = "bench",
                      .checks = {{.metric = "difference", .value = 1e-5, .limit = 5e-5}}};
    point.key = key_of(point.measurement);
    const Measurement& m = point.measurement;
    const double time = 5e-6 + m.work.in(flop(1)) / 7e14 + m.traffic.in(bytes(1)) / 4e12;
    for (int sample = 0; sample < kSamples; ++sample) {
      point.times.push_back(seconds(time * (1 + 0.05 * random.uniform())));
    }
    text += to_line(point);
  }
  return text;
}

/// Reads, fits and writes the text of a profile.
void fit_points(benchmark::State& state) {
  const std::string path = (std::filesystem::temp_directory_path() /
                            ("planewise_bench_" + std::to_string(state.range(0)) + ".jsonl"))
                               .string();
  std::ofstream(path, std::ios::binary) << raw_text(static_cast<int>(state.range(0)));
  std::size_t size = 0;
  for (auto _ : state) {
    spec::Diagnostics diagnostics;
    const RawFile raw = read_raw(path, diagnostics);
    diagnostics.throw_if_any();
    size += profile_text(fit_profile(raw, {}).profile, "").size();
  }
  benchmark::DoNotOptimize(size);
  std::filesystem::remove(path);
}
BENCHMARK(fit_points)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace planewise::calibration
