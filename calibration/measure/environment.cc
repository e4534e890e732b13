#include "calibration/measure/environment.h"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <string_view>
#include <thread>

#include "base/check.h"
#include "calibration/measure/fingerprint.h"
#include "spec/text_file.h"

namespace planewise::calibration {
namespace {

struct Reason {
  std::uint64_t bit;
  std::string_view name;
};

/// NVML API reference, nvmlClocksEventReasons. Left out, since they tell of no trouble: 0x1, the
/// GPU is idle; 0x2, clocks that the user set.
constexpr std::array kReasons{
    Reason{0x4, "sw_power_cap"},         Reason{0x8, "hw_slowdown"},
    Reason{0x10, "sync_boost"},          Reason{0x20, "sw_thermal_slowdown"},
    Reason{0x40, "hw_thermal_slowdown"}, Reason{0x80, "hw_power_brake"},
    Reason{0x100, "display_clocks"}};

constexpr std::size_t kDigits = 16;

}  // namespace

std::vector<EnvironmentField> fingerprint_fields(const Environment& e) {
  std::vector<EnvironmentField> fields = {
      {"backend", e.backend},
      {"gpu", e.gpu},
      {"gpu_id", e.gpu_id},
      {"compute_capability", e.compute_capability},
      {"sms", fmt::format("{}", e.sms)},
      {"memory", fmt::format("{:.0f} B", e.memory.in(bytes(1)))},
      {"l2", fmt::format("{:.0f} B", e.l2.in(bytes(1)))},
      {"clock_mhz_max", fmt::format("{}", e.clock_mhz_max)},
      {"power_limit_w", fmt::format("{:g}", e.power_limit_w)},
      {"driver", e.driver},
      {"compiler", e.compiler}};
  for (const auto& [library, version] : e.libraries) {
    fields.push_back({"libraries." + library, version});
  }
  return fields;
}

std::string fingerprint(const Environment& environment) {
  std::string text;
  for (const EnvironmentField& field : fingerprint_fields(environment)) {
    // With lengths, so that no two lists of fields have one text.
    text += fmt::format("{}={}:{}\n", field.name, field.value.size(), field.value);
  }
  return sha256(text).substr(0, kDigits);
}

std::vector<std::string> environment_differences(const Environment& before,
                                                 const Environment& now) {
  std::map<std::string, std::pair<std::string, std::string>> values;
  for (const EnvironmentField& field : fingerprint_fields(before)) {
    values[field.name].first = field.value;
  }
  for (const EnvironmentField& field : fingerprint_fields(now)) {
    values[field.name].second = field.value;
  }
  std::vector<std::string> differences;
  for (const auto& [name, pair] : values) {
    if (pair.first == pair.second) continue;
    differences.push_back(fmt::format("{}: was '{}', is '{}'", name, pair.first, pair.second));
  }
  return differences;
}

std::vector<std::string> throttle_names(std::uint64_t reasons) {
  std::vector<std::string> names;
  for (const Reason& reason : kReasons) {
    if ((reasons & reason.bit) != 0) names.emplace_back(reason.name);
  }
  return names;
}

std::string sha256(const std::string& text) {
  constexpr spec::TextKind kAny{.what = "a text", .most_bytes = 0, .when_large = ""};
  spec::Origin origin;
  spec::Diagnostics ignored;  // the hash is of the bytes, text or not
  const std::string name = "text";
  spec::take_text(origin, kAny, {.name = name, .text = text}, ignored);
  PW_CHECK(origin.sha256.size() == 64);
  return origin.sha256;
}

std::string processor_name(const std::string& path) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(':');
    if (!line.starts_with("model name") || colon == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

Environment host_environment(const std::string& tool) {
  const std::string processor = processor_name("/proc/cpuinfo");
  return {
    .backend = "host", .gpu = processor.empty() ? "unknown processor" : processor,
    .sms = static_cast<int>(std::thread::hardware_concurrency()),
#if defined(__clang__)
    .compiler = "clang " __clang_version__,
#else
    .compiler = "gcc " __VERSION__,
#endif
    .tool = tool
  };
}

}  // namespace planewise::calibration
