#include "print/interrupts.h"

#include <signal.h>

namespace planewise {
namespace {

/// The one thing that a signal handler may touch.
volatile sig_atomic_t is_interrupted = 0;

void note_interrupt(int) { is_interrupted = 1; }

}  // namespace

InterruptScope::InterruptScope() {
  is_interrupted = 0;
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
}

InterruptScope::~InterruptScope() { ::signal(SIGINT, SIG_DFL); }

bool InterruptScope::interrupted() const { return is_interrupted != 0; }

}  // namespace planewise
