// How far a run is, on a terminal's standard error.
#pragma once

#include <chrono>
#include <string>

#include "print/interrupts.h"
#include "simulate/driver.h"

namespace planewise::tools {

/// `mpft_2048  43 %  simulated 10.2 s  18 s left`.
///
/// `elapsed` is the wall time so far; what is left is guessed from it once there is enough of it.
std::string progress_line(const std::string& what, const simulate::Moment& moment,
                          std::chrono::duration<double> elapsed);

/// One line that is written anew ten times a second, and wiped at the end; nothing if standard
/// error is no terminal. Throws Interrupted after Ctrl-C.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const simulate::Moment& moment);
  /// What show() throws; also for a failure that only Ctrl-C explains.
  void throw_if_interrupted() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  bool is_terminal_ = false;
  bool is_drawn_ = false;
  InterruptScope interrupts_;
  simulate::Moment last_{};
  Clock::time_point began_ = Clock::now();
  Clock::time_point drawn_{};
};

}  // namespace planewise::tools
