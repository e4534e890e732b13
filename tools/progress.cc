#include "tools/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace planewise::tools {
namespace {

/// `3.4 ms`, `10.2 s`.
std::string time_text(Seconds time) {
  if (time < milliseconds(1)) return fmt::format("{:.1f} us", time.in(microseconds(1)));
  if (time < seconds(1)) return fmt::format("{:.1f} ms", time.in(milliseconds(1)));
  return fmt::format("{:.1f} s", time.in(seconds(1)));
}

/// `18 s`, `4 min`, `2.5 h`.
std::string wall_text(double seconds) {
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace

std::string progress_line(const std::string& what, const simulate::Moment& moment,
                          std::chrono::duration<double> elapsed) {
  std::string line =
      fmt::format("{}  {:2.0f} %  simulated {}", what, moment.share * 100, time_text(moment.time));
  constexpr double kEnough = 1;  // seconds
  if (moment.share > 0 && elapsed.count() >= kEnough) {
    line +=
        fmt::format("  {} left", wall_text(elapsed.count() * (1 - moment.share) / moment.share));
  }
  return line;
}

Progress::Progress(std::string what)
    : what_(std::move(what)), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (is_drawn_) std::fputs("\r\033[K", stderr);
}

void Progress::show(const simulate::Moment& moment) {
  last_ = moment;
  throw_if_interrupted();
  if (!is_terminal_) return;
  constexpr auto kBetween = std::chrono::milliseconds(100);
  const Clock::time_point now = Clock::now();
  if (now - drawn_ < kBetween) return;
  drawn_ = now;
  is_drawn_ = true;
  fmt::print(stderr, "\r\033[K{}", progress_line(what_, moment, now - began_));
  std::fflush(stderr);
}

void Progress::throw_if_interrupted() const {
  if (!interrupts_.interrupted()) return;
  throw Interrupted(
      fmt::format("interrupted at simulated {} of {}, {:.0f} % done; nothing was "
                  "written",
                  time_text(last_.time), what_, last_.share * 100));
}

}  // namespace planewise::tools
