#include "packet/packet_network.h"

#include <ns3/boolean.h>
#include <ns3/data-rate.h>
#include <ns3/double.h>
#include <ns3/internet-stack-helper.h>
#include <ns3/ipv4.h>
#include <ns3/point-to-point-helper.h>
#include <ns3/queue-size.h>
#include <ns3/string.h>
#include <ns3/traffic-control-helper.h>
#include <ns3/uinteger.h>

#include <boost/graph/adjacency_list.hpp>
#include <boost/range/iterator_range.hpp>
#include <cmath>

#include "base/check.h"
#include "fabric/graph.h"
#include "packet/pinned_routing.h"

namespace planewise::packet {
namespace {

constexpr const char* kEndless = "10000000p";

struct Directions {
  fabric::LinkKind up = fabric::LinkKind::nic_up;
  fabric::LinkKind down = fabric::LinkKind::nic_down;
};

Directions directions(fabric::EdgeKind kind) {
  if (kind == fabric::EdgeKind::endpoint) return {};
  if (kind == fabric::EdgeKind::leaf) {
    return {.up = fabric::LinkKind::leaf_up, .down = fabric::LinkKind::leaf_down};
  }
  PW_CHECK(kind == fabric::EdgeKind::spine);
  return {.up = fabric::LinkKind::spine_up, .down = fabric::LinkKind::spine_down};
}

ns3::Time as_time(Seconds time) {
  return ns3::PicoSeconds(std::llround(time.in(microseconds(1)) * 1e6));
}

ns3::TrafficControlHelper make_queue(const Transport& transport, Queueing queueing) {
  ns3::TrafficControlHelper helper;
  const ns3::QueueSizeValue endless{ns3::QueueSize(kEndless)};
  if (queueing == Queueing::fifo) {
    helper.SetRootQueueDisc("ns3::FifoQueueDisc", "MaxSize", endless);
  } else if (queueing == Queueing::marking) {
    // With a weight of 1 and no probability between the thresholds, RED is a step at the first.
    helper.SetRootQueueDisc("ns3::RedQueueDisc", "MaxSize", endless, "UseEcn",
                            ns3::BooleanValue(true), "UseHardDrop", ns3::BooleanValue(false),
                            "Gentle", ns3::BooleanValue(false), "QW", ns3::DoubleValue(1), "MinTh",
                            ns3::DoubleValue(transport.marking_threshold), "MaxTh",
                            ns3::DoubleValue(transport.marking_threshold + 1), "MeanPktSize",
                            ns3::UintegerValue(kPayload + kHeaders));
  } else {
    // Its round robin alone: no packet waits so long that CoDel would drop it.
    const std::uint16_t handle = helper.SetRootQueueDisc(
        "ns3::FqCoDelQueueDisc", "MaxSize", endless, "Target", ns3::StringValue("100s"), "Flows",
        ns3::UintegerValue(PairFilter::kFlows));
    helper.AddPacketFilter(handle, PairFilter::GetTypeId().GetName());
  }
  return helper;
}

/// The node's part in IP of a new device: switches forward by PinnedRouting and need no address.
void add_interface(ns3::Ptr<ns3::NetDevice> device) {
  const auto ipv4 = device->GetNode()->GetObject<ns3::Ipv4>();
  ipv4->SetUp(ipv4->AddInterface(device));
}

void pin_path(const PacketNetwork& network, const fabric::Router& router, const Transfer& path) {
  for (const std::int32_t link : route(router, path).links) {
    const fabric::Link& at = router.links()[static_cast<std::size_t>(link)];
    if (at.kind == fabric::LinkKind::nic_up) continue;
    const auto device = network.senders.at({at.kind, at.index});
    const auto ipv4 = device->GetNode()->GetObject<ns3::Ipv4>();
    const auto routing = ns3::DynamicCast<PinnedRouting>(ipv4->GetRoutingProtocol());
    PW_CHECK(routing != nullptr);
    routing->pin(path.source, path.destination, device);
  }
}

void add_links(const Case& of, const Transport& transport, PacketNetwork& network) {
  const spec::FabricSpec& fabric = of.fabric.topology.fabric;
  const fabric::Graph graph = fabric::make_graph(of.fabric);
  const ns3::TrafficControlHelper host_queue = make_queue(transport, Queueing::fair);
  const ns3::TrafficControlHelper switch_queue = make_queue(transport, transport.queueing);
  for (const auto edge : boost::make_iterator_range(boost::edges(graph))) {
    const bool at_host = graph[edge].kind == fabric::EdgeKind::endpoint;
    const Seconds delay = fabric.switch_latency * (at_host ? 0.5 : 1.0);
    const Rate rate = at_host ? fabric.link_rate : fabric.uplink_rate;
    ns3::PointToPointHelper link;
    link.SetDeviceAttribute("DataRate", ns3::DataRateValue(ns3::DataRate(static_cast<std::uint64_t>(
                                            std::llround(rate.base() * 8)))));
    link.SetDeviceAttribute("Mtu", ns3::UintegerValue(kPayload + kHeaders));
    link.SetChannelAttribute("Delay", ns3::TimeValue(as_time(delay)));
    // What waits does so in the queue discipline, which the device's own queue would hide.
    link.SetQueue("ns3::DropTailQueue<Packet>", "MaxSize",
                  ns3::QueueSizeValue(ns3::QueueSize("1p")));
    const ns3::NetDeviceContainer ends = link.Install(network.nodes[boost::source(edge, graph)],
                                                      network.nodes[boost::target(edge, graph)]);
    add_interface(ends.Get(0));
    add_interface(ends.Get(1));
    ns3::TrafficControlHelper lower = at_host ? host_queue : switch_queue;
    ns3::TrafficControlHelper upper = switch_queue;
    network.queues.Add(lower.Install(ends.Get(0)));
    network.queues.Add(upper.Install(ends.Get(1)));
    const Directions direction = directions(graph[edge].kind);
    network.senders[{direction.up, graph[edge].index}] = ends.Get(0);
    network.senders[{direction.down, graph[edge].index}] = ends.Get(1);
  }
}

}  // namespace

PacketNetwork make_network(const Case& of, const Transport& transport) {
  PW_CHECK(of.size.hosts <= PairFilter::kHosts);
  PacketNetwork network;
  ns3::InternetStackHelper stack;
  stack.SetIpv6StackInstall(false);
  stack.SetRoutingHelper(PinnedRoutingHelper());
  const std::size_t vertices = boost::num_vertices(fabric::make_graph(of.fabric));
  for (std::size_t vertex = 0; vertex < vertices; ++vertex) {
    network.nodes.push_back(ns3::CreateObject<ns3::Node>());
    stack.Install(network.nodes.back());
  }
  add_links(of, transport, network);
  for (std::int64_t host = 0; host < of.size.hosts; ++host) {
    const auto ipv4 = network.nodes[static_cast<std::size_t>(host)]->GetObject<ns3::Ipv4>();
    ipv4->AddAddress(1, ns3::Ipv4InterfaceAddress(address_of(host), ns3::Ipv4Mask("/32")));
  }
  const fabric::Router router(of.fabric, of.routing);
  for (const Transfer& transfer : of.transfers) {
    pin_path(network, router, transfer);
    pin_path(network, router, {.source = transfer.destination, .destination = transfer.source});
  }
  return network;
}

}  // namespace planewise::packet
