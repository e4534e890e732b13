#include "calibration/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "calibration/report/progress_text.h"

namespace planewise::calibration {

ProgressBar::ProgressBar(std::string raw_path, std::size_t skipped)
    : raw_path_(std::move(raw_path)),
      skipped_(skipped),
      is_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (is_drawn_) std::fputs("\r\033[K", stderr);
}

void ProgressBar::show(const RunProgress& progress) {
  if (interrupts_.interrupted() && progress.done < progress.all) {
    throw Interrupted(
        fmt::format("interrupted after {} of {}; all of them are kept in {}; "
                    "run the same command again to go on",
                    progress.done, progress.all, raw_path_));
  }
  if (!is_terminal_) return;
  is_drawn_ = true;
  fmt::print(stderr, "\r\033[K{}", progress_text(progress, skipped_, time_.now() - began_));
  std::fflush(stderr);
}

}  // namespace planewise::calibration
