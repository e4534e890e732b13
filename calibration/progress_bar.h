// How far a run is, on a terminal's standard error.
#pragma once

#include <string>

#include "calibration/measure/run.h"
#include "print/interrupts.h"

namespace planewise::calibration {

/// One line that is written anew, and wiped at the end; nothing if standard error is no terminal.
class ProgressBar {
 public:
  ProgressBar(std::string raw_path, std::size_t skipped);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Throws Interrupted after Ctrl-C.
  void show(const RunProgress& progress);

 private:
  std::string raw_path_;
  std::size_t skipped_ = 0;
  bool is_terminal_ = false;
  bool is_drawn_ = false;
  InterruptScope interrupts_;
  Time time_ = machine_time();
  Seconds began_ = time_.now();
};

}  // namespace planewise::calibration
