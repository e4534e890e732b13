// How far a run is, on a terminal's standard error.
#pragma once

#include <string>

#include "calibration/measure/run.h"
#include "print/interrupts.h"

namespace planewise::calibration {

/// `[#####-----]  43 %  17/40  2 min left  router router rows=512 width=256`.
///
/// `elapsed` is the time of this run so far, `skipped` how many of `done` were in the file already.
std::string progress_text(const RunProgress& progress, std::size_t skipped, Seconds elapsed);

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
