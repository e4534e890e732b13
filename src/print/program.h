// What every main does alike: exit codes, and what is said when something went wrong.
#pragma once

#include <functional>
#include <string>

namespace planewise {

/// Of both programs; docs/architecture.md has the same list.
enum ExitCode {
  kFine = 0,
  kUsage = 1,
  kInput = 2,        ///< The user's file is wrong, or asks for what cannot be done.
  kMachine = 3,      ///< Disk, CUDA, NCCL.
  kQuality = 4,      ///< A fit or a validation beyond its limit.
  kCorrectness = 5,  ///< A check of results failed.
  kInterrupted = 130
};

/// Runs `body` and returns its exit code, or that of what it threw, which is printed to standard
/// error after `name`. `undone` says what did not happen, such as "nothing was computed".
int run_program(const std::string& name, const std::string& undone,
                const std::function<int()>& body);

}  // namespace planewise
