// Who a process is among those that measure together, as its launcher says it.
#pragma once

#include <map>
#include <string>
#include <variant>

namespace planewise::calibration {

/// The environment of a process.
using Variables = std::map<std::string, std::string>;
Variables process_variables();

struct World {
  int rank = 0;
  int size = 1;
  int local_rank = 0;                ///< On this host: also the GPU to use.
  int local_size = 0;                ///< Ranks on this host; 0: the launcher does not say.
  std::string launcher{"single"};    ///< `spawn`, `torchrun`, `openmpi`, `slurm`, `pmi`.
  std::string address{"127.0.0.1"};  ///< Of rank 0.
  int port = 0;                      ///< Where rank 0 listens; 0 if there is only one rank.
  std::string job{};                 ///< The same for all ranks, and another for other jobs.
};

/// Why a process cannot tell who it is, and what to do.
struct LaunchProblem {
  std::string message{};
  std::string hint{};
};

/// Reads what torchrun, Open MPI, SLURM, a PMI launcher or our own --spawn has set; one rank if
/// none has. PLANEWISE_ADDRESS and PLANEWISE_PORT win over what a launcher says.
///
/// RANK and WORLD_SIZE without LOCAL_RANK are refused: torchrun counts processes in them, DeepEP's
/// tests nodes.
std::variant<World, LaunchProblem> discover_world(const Variables& variables);

/// The first host of a SLURM list: `gpu[003-006,9],x1` -> `gpu003`.
std::string first_host(const std::string& list);

}  // namespace planewise::calibration
