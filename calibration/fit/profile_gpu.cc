#include "calibration/fit/profile_gpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "base/check.h"

namespace planewise::calibration {
namespace {

struct DataSheet {
  std::string_view chip;
  double teraflops = 0;
};

/// Data sheets of NVIDIA, dense BF16, recalled and not checked. H20 and L20 are other chips.
constexpr std::array kDataSheets{DataSheet{"A100", 312},  DataSheet{"A800", 312},
                                 DataSheet{"H100", 989},  DataSheet{"H200", 989},
                                 DataSheet{"H800", 989},  DataSheet{"GH200", 989},
                                 DataSheet{"B200", 2250}, DataSheet{"GB200", 2250}};

bool has_word(const std::string& text, std::string_view word) {
  const auto is_letter = [&](std::size_t i) {
    return i < text.size() && std::isalnum(static_cast<unsigned char>(text[i])) != 0;
  };
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    if (!(at > 0 && is_letter(at - 1)) && !is_letter(at + word.size())) return true;
  }
  return false;
}

/// The size with the most traffic of those that `which` picks; null if there is none.
const SizeTime* largest(const CurveSet& set, bool only_copies) {
  const SizeTime* found = nullptr;
  for (const CurvePoints& curve : set.curves) {
    if (only_copies && curve.kernel != Kernel::copy) continue;
    if (curve.beside != spec::Beside::alone) continue;
    for (const SizeTime& size : curve.sizes) {
      if (found == nullptr || size.measurement.traffic > found->measurement.traffic) found = &size;
    }
  }
  return found;
}

FlopRate best_product(const CurveSet& set, bool only_bf16) {
  FlopRate best{};
  for (const CurvePoints& curve : set.curves) {
    for (const SizeTime& size : curve.sizes) {
      const Measurement& m = size.measurement;
      if (only_bf16 && (m.kernel != Kernel::product || m.precision != spec::Precision::bf16)) {
        continue;
      }
      best = std::max(best, m.work / size.time);
    }
  }
  return best;
}

void set_peak(const CurveSet& set, spec::GpuSpec& gpu) {
  if (const auto peak = data_sheet_peak(gpu.name)) {
    gpu.bf16_peak = *peak;
    gpu.source += "; bf16_peak from its data sheet, recalled";
    return;
  }
  gpu.bf16_peak = best_product(set, true);
  if (gpu.bf16_peak > FlopRate{}) {
    gpu.source += "; bf16_peak is the best BF16 product that was measured, no data sheet's";
    return;
  }
  gpu.bf16_peak = std::max(best_product(set, false), teraflops(1e-6));
  gpu.source += "; bf16_peak is the best rate that was measured, not of BF16";
}

void set_memory_rate(const CurveSet& set, spec::GpuSpec& gpu) {
  const SizeTime* copy = largest(set, true);
  const SizeTime* any = largest(set, false);
  const SizeTime* used = copy != nullptr ? copy : any;
  if (used == nullptr || used->measurement.traffic == Bytes{}) {
    gpu.memory_rate = gigabytes_per_second(1);
    gpu.source += "; memory_rate was not measured, 1 GB/s stands for it";
    return;
  }
  gpu.memory_rate = used->measurement.traffic / used->time;
  gpu.source += copy != nullptr
                    ? fmt::format("; memory_rate measured, a copy of {:.3g} MB",
                                  used->measurement.traffic.in(bytes(1e6)))
                    : fmt::format("; memory_rate is what {} moved, no copy was measured",
                                  used->measurement.id);
}

/// The day of `2026-11-25T05:11:20Z`.
std::string day_of(const std::string& created) { return created.substr(0, created.find('T')); }

}  // namespace

std::optional<FlopRate> data_sheet_peak(const std::string& gpu) {
  for (const DataSheet& sheet : kDataSheets) {
    if (has_word(gpu, sheet.chip)) return teraflops(sheet.teraflops);
  }
  return std::nullopt;
}

int sms_of(const RawFile& raw) {
  if (raw.profile) return std::max(1, raw.profile->gpu.sms);
  int sms = raw.environments.empty() ? 0 : raw.environments.front().environment.sms;
  // No point ran on more than there are.
  for (const PointRecord& point : raw.points) sms = std::max(sms, point.measurement.sms);
  return std::max(1, sms);
}

spec::GpuSpec measured_gpu(const RawFile& raw, const CurveSet& set) {
  PW_CHECK(!raw.environments.empty());
  const EnvironmentRecord& record = raw.environments.front();
  spec::GpuSpec gpu{.name = record.environment.gpu,
                    .sms = sms_of(raw),
                    .kernel_gap = set.gap,
                    .memory = record.environment.memory,
                    .source = source_of(record)};
  set_peak(set, gpu);
  set_memory_rate(set, gpu);
  if (set.gap == Seconds{}) gpu.source += "; kernel_gap was not measured";
  if (gpu.memory == Bytes{}) {
    const SizeTime* any = largest(set, false);
    gpu.memory = any == nullptr ? bytes(1) : std::max(bytes(1), any->measurement.traffic);
    gpu.source += "; memory is not known, what was moved at most stands for it";
  }
  return gpu;
}

std::string source_of(const EnvironmentRecord& record) {
  const Environment& e = record.environment;
  std::string source = (e.backend == "import" ? "imported from logs of " : "measured on ") + e.gpu;
  if (!e.driver.empty()) source += ", driver " + e.driver;
  if (!record.created.empty()) source += ", " + day_of(record.created);
  if (!e.tool.empty()) source += ", with " + e.tool;
  return source;
}

spec::Provenance provenance_of(const RawFile& raw) {
  PW_CHECK(!raw.environments.empty());
  const EnvironmentRecord& record = raw.environments.front();
  const Environment& e = record.environment;
  spec::Provenance p{.tool = e.tool.empty() ? "unknown" : e.tool,
                     .backend = e.backend,
                     .measured = record.created,
                     .gpu_id = e.gpu_id,
                     .driver = e.driver,
                     .libraries = e.libraries,
                     .compiler = e.compiler,
                     .raw_sha256 = raw.sha256};
  double power = 0;
  int with_power = 0;
  for (const PointRecord& point : raw.points) {
    if (point.times.empty()) continue;
    ++p.points;
    p.samples += static_cast<int>(point.times.size());
    p.clock_mhz_max = std::max(p.clock_mhz_max, point.clock_mhz_max);
    if (point.clock_mhz_min > 0) {
      p.clock_mhz_min = p.clock_mhz_min == 0 ? point.clock_mhz_min
                                             : std::min(p.clock_mhz_min, point.clock_mhz_min);
    }
    if (point.power_w > 0) {
      power += point.power_w;
      ++with_power;
    }
    for (const std::string& reason : point.throttle) {
      if (std::find(p.throttle.begin(), p.throttle.end(), reason) == p.throttle.end()) {
        p.throttle.push_back(reason);
      }
    }
  }
  if (with_power > 0) p.power_w = power / with_power;
  p.clock_mhz_max = std::max(p.clock_mhz_max, p.clock_mhz_min);
  std::sort(p.throttle.begin(), p.throttle.end());
  return p;
}

}  // namespace planewise::calibration
