// Checks on our own promises. Never used on user input; they stay on in release builds.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace planewise::detail {

[[noreturn]] inline void bug(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: bug: %s\n", file, line, what);
  std::abort();
}

}  // namespace planewise::detail

/// Stops the program if `cond` is false. One fact per check: split `a && b`.
#define PW_CHECK(cond) \
  ((cond) ? void() : ::planewise::detail::bug(__FILE__, __LINE__, "check failed: " #cond))

/// Marks a place that our own code can never reach.
#define PW_UNREACHABLE(why) ::planewise::detail::bug(__FILE__, __LINE__, "unreachable: " why)
