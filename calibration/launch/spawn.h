// --spawn N: this program again, once a rank, on this host.
#pragma once

#include <string>
#include <vector>

namespace planewise::calibration {

struct SpawnOptions {
  int ranks = 1;
  double grace = 10;  ///< Seconds that ranks have to end after the first one failed.
};

/// Whether this process is a rank that spawn_ranks() started.
bool is_spawned();

/// The listening socket that rank 0 was started with; -1 in others.
int inherited_listener();

/// What this process was called with, its name first.
std::vector<std::string> own_arguments();

struct SpawnResult {
  int exit_code = 0;  ///< Of rank 0 if not 0, else the first that is not; kMachine for a signal.
  std::vector<std::string> problems{};  ///< `rank 3 was killed by signal 9 (Killed)`.
};

/// Runs `arguments` (with the program's name first) as ranks 0 to N - 1 and waits for all. When one
/// fails the others have `grace` seconds to find out and end; then they are killed. No rank
/// outlives this process. Throws std::system_error.
SpawnResult spawn_ranks(const std::vector<std::string>& arguments, const SpawnOptions& options);

}  // namespace planewise::calibration
