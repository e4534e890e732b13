// Where a report goes, and in which form.
#pragma once

#include <string>

#include "report/report.h"

namespace planewise::tools {

struct OutputOptions {
  report::Format format = report::Format::text;
  std::string output{};  ///< Empty: standard output.
};

void write_report(const report::Report& report, const OutputOptions& options);

}  // namespace planewise::tools
