#include "calibration/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "calibration/report/plan_report.h"

namespace planewise::calibration {

std::string progress_text(const RunProgress& progress, std::size_t skipped, Seconds elapsed) {
  constexpr std::size_t kWidth = 20;
  const std::size_t all = std::max<std::size_t>(progress.all, 1);
  const std::size_t full = kWidth * progress.done / all;
  std::string line =
      fmt::format("[{}{}] {:3} %  {}/{}", std::string(full, '#'), std::string(kWidth - full, '-'),
                  100 * progress.done / all, progress.done, progress.all);
  if (progress.done > skipped) {
    const auto done = static_cast<double>(progress.done - skipped);
    const auto left = static_cast<double>(progress.all - progress.done);
    line += fmt::format("  {} left", duration_text(elapsed * (left / done)));
  }
  return line + "  " + shortened(progress.key);
}

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
