// The proof that rates are max-min fair, from nothing but flows and capacities; for tests.
#pragma once

#include "engine/fast/flow_table.h"
#include "engine/fast/link_table.h"

namespace planewise::engine {

/// Stops the program unless the rates are max-min fair: no link is over its capacity, and every
/// flow has a bottleneck that is full and on which no flow is faster. Walks over everything.
///
/// Source: Bertsekas and Gallager, Data Networks, 2nd edition, section 6.5.2.
void certify(const FlowTable& flows, const LinkTable& links);

}  // namespace planewise::engine
