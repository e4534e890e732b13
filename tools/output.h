// Where reports go: standard output or a file, and the progress bar on a terminal.
#pragma once

#include <string>

#include "report/report.h"

namespace planewise::tools {

struct OutputOptions {
  report::Format format = report::Format::text;
  std::string output{};  ///< Empty: standard output.
};

/// Writes to standard output if `asked` is empty, `-` or /dev/stdout; straight into what is no
/// regular file, such as a pipe; else to a temporary file beside it that is renamed when it is
/// complete. Throws std::system_error.
void write_output(const std::string& text, const std::string& asked);
void write_report(const report::Report& report, const OutputOptions& options);

/// A progress bar on a terminal's standard error; does nothing when that is redirected.
class ProgressBar {
 public:
  explicit ProgressBar(std::string what);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(double share);

 private:
  std::string what_;
  bool is_terminal_ = false;
  int last_percent_ = -1;
};

}  // namespace planewise::tools
