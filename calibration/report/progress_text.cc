#include "calibration/report/progress_text.h"

#include <fmt/format.h>

#include <algorithm>

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

}  // namespace planewise::calibration
