// What a run cost this machine: counts of the engine, wall time by part, memory. For --stats.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "report/report.h"

namespace planewise::tools {

/// Adds up wall time by part; a part lasts until the next one begins.
class Stopwatch {
 public:
  struct Part {
    std::string name{};
    std::chrono::duration<double> time{};
  };

  void begin(const std::string& name);
  void stop();
  /// In the order in which they first began.
  const std::vector<Part>& parts() const { return parts_; }

 private:
  using Clock = std::chrono::steady_clock;

  std::vector<Part> parts_;
  std::size_t current_ = 0;
  bool is_running_ = false;
  Clock::time_point began_{};
};

/// Prints a table to standard error, a column a run, then the wall times and the peak memory of the
/// whole call. They differ from call to call, so they are never part of a report.
void print_stats(const report::Report& report, const Stopwatch& watch);

}  // namespace planewise::tools
