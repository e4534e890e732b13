// Exact reduction of a symmetric system: equal ranks, transfers, flows and links become one each.
//
// Method: colour refinement (1-WL) gives the coarsest equitable partition of ranks, transfers,
// flows and links; max-min rates are equal inside a class, and equal ranks do equal things at equal
// times, so the reduced system is exact, not an approximation. See
// docs/decisions/0009-symmetry-by-colour-refinement.md.
#pragma once

#include <cstdint>

#include "simulate/system.h"

namespace planewise::simulate {

/// How much stood for how much.
struct Symmetry {
  std::int64_t ranks = 0;
  std::int64_t rank_classes = 0;
  std::int64_t flows = 0;
  std::int64_t flow_classes = 0;
  std::int64_t links = 0;
  std::int64_t link_classes = 0;
};

struct ReducedSystem {
  System system{};
  Symmetry symmetry{};
};

/// Returns the reduced system; without any symmetry it is `system` itself, renumbered.
///
/// A flow class of which n members (by weight) cross each link of a class gets weight gcd(n) and
/// names the link n/gcd times. Colours are 64-bit hashes: that the classes of flows and links are
/// equitable is checked exactly afterwards; of ranks and transfers it rests on the hash.
ReducedSystem reduce(const System& system);

/// The same counts for a system that is driven as it is.
Symmetry no_symmetry(const System& system);

}  // namespace planewise::simulate
