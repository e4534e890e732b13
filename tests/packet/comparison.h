// One case on both sides, and what is left of it in the tables.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "packet/cases.h"
#include "packet/transport.h"

namespace planewise::packet {

/// Completion times over all transfers of a case, from their common start.
struct Times {
  Seconds mean{};
  Seconds median{};  ///< Of an even number the mean of the two in the middle.
  Seconds max{};     ///< When the last one ends.
};

Times summary(std::vector<Seconds> ends);

struct Comparison {
  std::string fabric{};
  std::string pattern{};
  std::string routing{};
  Bytes flow_size{};
  std::int64_t flows = 0;
  std::string transport{};
  Times packet{};
  Times fluid{};      ///< Links at kEfficiency of their rate: what headers leave for payload.
  Times fluid_raw{};  ///< Links at their whole rate, as planewise does it.
  std::uint64_t marks = 0;
  std::uint64_t events = 0;
};

/// Why a packet-level run cannot be trusted: a flow that did not end, bytes that are missing, a
/// packet that was lost.
struct Broken {
  std::string what{};
};

/// Returns `fluid` against `packet`, in percent: below 0 if the flow-level time is too short.
double error_percent(Seconds fluid, Seconds packet);

/// Simulates `of` on both sides. Throws Broken.
Comparison compare(const Case& of, const Transport& transport);

/// One flow across an idle fabric of `size`: what packets take against what they must take by the
/// arithmetic of store and forward. Returns the relative difference, at least 0. Throws Broken.
double idle_path_difference(const FabricSize& size, const Transport& transport);

}  // namespace planewise::packet
