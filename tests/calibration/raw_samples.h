// Records of a made-up machine, for tests of raw files and fits.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "calibration/measure/fingerprint.h"
#include "calibration/raw/raw_file.h"

namespace planewise::calibration::samples {

inline EnvironmentRecord machine(const std::string& driver = "580.65") {
  EnvironmentRecord record{.environment = {.backend = "cuda",
                                           .gpu = "NVIDIA H200",
                                           .gpu_id = "0123456789ab",
                                           .compute_capability = "9.0",
                                           .sms = 132,
                                           .memory = bytes(150e9),
                                           .l2 = bytes(60e6),
                                           .clock_mhz_max = 1980,
                                           .power_limit_w = 700,
                                           .driver = driver,
                                           .libraries = {{"cublasLt", "13.1.0"}},
                                           .compiler = "nvcc 13.0",
                                           .tool = "planewise-calibrate 1"},
                           .created = "2026-11-25T05:11:20Z",
                           .model = "DeepSeek-V3"};
  record.fingerprint = fingerprint(record.environment);
  return record;
}

/// Round `repetition` of `measurement`, with samples in microseconds.
inline PointRecord point(Measurement measurement, int repetition,
                         std::initializer_list<double> samples) {
  PointRecord record{.measurement = std::move(measurement),
                     .environment = machine().fingerprint,
                     .repetition = repetition,
                     .implementation = "cublaslt",
                     .checks = {{.reference = "dequantised",
                                 .metric = "difference",
                                 .value = 1e-5,
                                 .limit = 5e-5}},
                     .clock_mhz_min = 1700,
                     .clock_mhz_max = 1980,
                     .power_w = 650.5,
                     .temperature_c = 61};
  record.key = key_of(record.measurement);
  for (const double sample : samples) record.times.push_back(microseconds(sample));
  return record;
}

/// FP8 product of m rows, counted as 2 m n k FLOPs and its bytes without scales.
inline Measurement product(std::int64_t m, std::int64_t n = 4096, std::int64_t k = 7168) {
  return {.id = "gemm.fp8",
          .kernel = Kernel::product,
          .precision = spec::Precision::fp8_blockwise,
          .shape = {.groups = 1, .m = m, .n = n, .k = k},
          .work = flop(2.0 * static_cast<double>(m * n * k)),
          .traffic = bytes(static_cast<double>(m * k + n * k + 2 * m * n))};
}

}  // namespace planewise::calibration::samples
