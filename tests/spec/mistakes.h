// Diagnostics as short texts, in the order in which a user gets them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "spec/input_error.h"

namespace planewise::test {

/// `LINE:COLUMN: KEY: MESSAGE`; without the place if it is the whole file, without the key if there
/// is none.
inline std::string in_short(const spec::Diagnostic& d) {
  std::string out;
  if (d.at.line > 0) out += std::to_string(d.at.line) + ":" + std::to_string(d.at.column) + ": ";
  if (!d.key.empty()) out += d.key + ": ";
  return out + d.message;
}

/// Of mistakes in other files than `path`, the file's name goes in front.
inline std::vector<std::string> mistakes(const spec::Diagnostics& diagnostics,
                                         const std::string& path) {
  std::vector<std::string> out;
  try {
    diagnostics.throw_if_any();
  } catch (const spec::InputError& error) {
    for (const spec::Diagnostic& d : error.diagnostics()) {
      const std::string name = std::filesystem::path(d.file).filename().string();
      out.push_back((d.file == path ? "" : name + ": ") + in_short(d));
    }
  }
  return out;
}

}  // namespace planewise::test
