// What fingerprint() is taken over, and what tells two machines apart.
#pragma once

#include <string>
#include <vector>

#include "calibration/measure/environment.h"

namespace planewise::calibration {

struct EnvironmentField {
  std::string name{};  ///< `driver`, `libraries.cublasLt`.
  std::string value{};
};

/// All fields that change times: not the tool's revision.
std::vector<EnvironmentField> fingerprint_fields(const Environment& environment);

/// `driver: was '570.86', is '580.65'`: a line for each field that differs, by name; empty if the
/// fingerprints are equal.
std::vector<std::string> environment_differences(const Environment& before, const Environment& now);

/// 64 hexadecimal digits.
std::string sha256(const std::string& text);

/// The first `model name` in `path`, a file like /proc/cpuinfo; empty if there is none.
std::string processor_name(const std::string& path);

/// This machine without its GPUs: processor, cores, compiler. `tool` is Environment::tool.
Environment host_environment(const std::string& tool);

}  // namespace planewise::calibration
