// The packet-level side of the comparison: ns-3.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.h"
#include "packet/cases.h"
#include "packet/transport.h"

namespace planewise::packet {

struct PacketResult {
  /// From the start until the last byte is at the receiver. Shape: as Case::transfers.
  std::vector<Seconds> ends{};
  std::vector<Bytes> delivered{};
  std::uint64_t drops = 0;
  std::uint64_t marks = 0;
  std::uint64_t events = 0;  ///< Of the simulator.
};

/// Simulates `of` packet by packet. Connections are open before the transfers start, all at once.
/// An end of 0 means that a transfer did not complete. One run at a time: ns-3 is global.
PacketResult packet_times(const Case& of, const Transport& transport);

}  // namespace planewise::packet
