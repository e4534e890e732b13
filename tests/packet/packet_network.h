// A fabric of planewise as ns-3 nodes, links and queues.
#pragma once

#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/queue-disc-container.h>

#include <map>
#include <utility>
#include <vector>

#include "packet/cases.h"
#include "packet/transport.h"

namespace planewise::packet {

/// Nodes in the order of fabric::make_graph(), so that host i is nodes[i].
struct PacketNetwork {
  std::vector<ns3::Ptr<ns3::Node>> nodes{};
  /// By kind and index of a fabric::Link: the device that sends on it.
  std::map<std::pair<fabric::LinkKind, std::int32_t>, ns3::Ptr<ns3::NetDevice>> senders{};
  ns3::QueueDiscContainer queues{};
};

/// Builds the nodes and links of `of`, with queues as `transport` says, and pins the paths of its
/// transfers and, under the same routing, of their acknowledgements.
///
/// Rates are the links'. A cable to a host delays by half of the switch latency and one between
/// switches by all of it, so that a path of s switches delays by s times that. Every queue holds
/// all that comes. Hosts serve the flows that they send in turn, as NICs serve queue pairs.
PacketNetwork make_network(const Case& of, const Transport& transport);

}  // namespace planewise::packet
