// How packets are sent: the window, and what a switch does with a queue.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace planewise::packet {

constexpr int kPayload = 4096;  ///< Bytes; the greatest MTU of InfiniBand.
/// Bytes of a packet on the link but its payload: TCP with timestamps 32, IPv4 20, PPP 2. RoCEv2
/// has about as many: Ethernet 18 and 20 of preamble and gap, IPv4 20, UDP 8, BTH 12, CRC 4.
constexpr int kHeaders = 54;
/// What is left of a link's rate for payload.
constexpr double kEfficiency = static_cast<double>(kPayload) / (kPayload + kHeaders);

enum class Queueing : std::uint8_t {
  fair,     ///< A queue a flow, served in turn (deficit round robin).
  fifo,     ///< One queue.
  marking,  ///< One queue; packets that find more than the threshold are marked (ECN).
};

/// All windows in packets.
struct Transport {
  std::string name{};
  Queueing queueing = Queueing::fair;  ///< Of the switches.
  bool is_dctcp = false;               ///< The window follows the marks; otherwise it stays.
  int window = 128;                    ///< At most under way.
  int initial_window = 128;
  int marking_threshold = 20;
};

/// `fair`: 512 KiB under way, twice what the longest path holds, and fair queues: the packet form
/// of max-min sharing (E. Hahne, IEEE JSAC 9(7), 1991). `fifo`: the same window, one queue a port:
/// a lossless fabric without congestion control, but with endless buffers. `dctcp`: congestion
/// control by ECN marks, sending at line rate from the start as RDMA does. `dctcp_10`: the same
/// from a window of 10 packets (RFC 6928), with slow start.
std::vector<Transport> all_transports();

}  // namespace planewise::packet
