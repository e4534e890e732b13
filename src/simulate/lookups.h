// Tables of a system that the driver looks things up in: who takes part in which transfer, and
// which flows start together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "simulate/system.h"

namespace planewise::simulate {

/// Flows of one transfer that start after the same latency; one timer starts them all.
struct FlowGroup {
  std::int32_t begin = 0;  ///< Into Lookups::by_latency.
  std::int32_t end = 0;
};

struct Lookups {
  std::vector<std::vector<int>> joined{};    ///< [label][rank] The exchange, or the message that it
                                             ///< sends; -1: none.
  std::vector<std::vector<int>> received{};  ///< [label][rank] The message that it receives.
  std::vector<int> transfer_of_flow{};
  std::vector<int> by_latency{};  ///< Flows, those of each transfer sorted.
  std::vector<FlowGroup> groups{};
  std::vector<std::size_t> first_group{};  ///< [transfer], and one past the last.
  std::int64_t steps = 0;                  ///< Of all ranks.
};

/// Requires: steps of the program name labels of their kind, and labels a queue that there is.
Lookups make_lookups(const System& system);

}  // namespace planewise::simulate
