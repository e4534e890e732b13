// Ctrl-C in the middle of long work.
#pragma once

#include <stdexcept>

namespace planewise {

/// The user has stopped the work with Ctrl-C.
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// For as long as it lives Ctrl-C only leaves a mark; a second one ends the program at once.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  bool interrupted() const;
};

}  // namespace planewise
