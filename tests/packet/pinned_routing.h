// What ns-3 lacks: routes by source and destination, so that a flow's packets take the path that
// planewise's router gave it.
#pragma once

#include <ns3/ipv4-routing-helper.h>
#include <ns3/ipv4-routing-protocol.h>
#include <ns3/packet-filter.h>

#include <cstdint>
#include <map>
#include <utility>

namespace planewise::packet {

/// Hosts are numbered from 0; the address of host 0 is 10.0.0.1.
ns3::Ipv4Address address_of(std::int64_t host);
std::int64_t host_of(ns3::Ipv4Address address);

/// Sends a packet out by the device named for its source and destination. A host without such an
/// entry uses its only device.
class PinnedRouting : public ns3::Ipv4RoutingProtocol {
 public:
  static ns3::TypeId GetTypeId();

  void pin(std::int64_t source, std::int64_t destination, ns3::Ptr<ns3::NetDevice> out);

  ns3::Ptr<ns3::Ipv4Route> RouteOutput(ns3::Ptr<ns3::Packet> packet, const ns3::Ipv4Header& header,
                                       ns3::Ptr<ns3::NetDevice> out,
                                       ns3::Socket::SocketErrno& error) override;
  bool RouteInput(ns3::Ptr<const ns3::Packet> packet, const ns3::Ipv4Header& header,
                  ns3::Ptr<const ns3::NetDevice> in, UnicastForwardCallback forward,
                  MulticastForwardCallback multicast, LocalDeliverCallback deliver,
                  ErrorCallback fail) override;
  void NotifyInterfaceUp(std::uint32_t /*interface*/) override {}
  void NotifyInterfaceDown(std::uint32_t /*interface*/) override {}
  void NotifyAddAddress(std::uint32_t /*interface*/, ns3::Ipv4InterfaceAddress /*at*/) override {}
  void NotifyRemoveAddress(std::uint32_t /*interface*/, ns3::Ipv4InterfaceAddress /*at*/) override {
  }
  void SetIpv4(ns3::Ptr<ns3::Ipv4> ipv4) override { ipv4_ = ipv4; }
  void PrintRoutingTable(ns3::Ptr<ns3::OutputStreamWrapper> /*stream*/,
                         ns3::Time::Unit /*unit*/) const override {}

 protected:
  void DoDispose() override;

 private:
  ns3::Ptr<ns3::Ipv4> ipv4_;
  std::map<std::pair<std::int64_t, std::int64_t>, ns3::Ptr<ns3::NetDevice>> out_;
};

/// Gives each node that ns-3 installs a stack on a PinnedRouting.
class PinnedRoutingHelper : public ns3::Ipv4RoutingHelper {
 public:
  PinnedRoutingHelper* Copy() const override { return new PinnedRoutingHelper(*this); }
  ns3::Ptr<ns3::Ipv4RoutingProtocol> Create(ns3::Ptr<ns3::Node> node) const override;
};

/// Tells a queue discipline which flow a packet is of: the data from one host to another is one,
/// the acknowledgements are another, as a NIC does not let them wait behind its data.
class PairFilter : public ns3::PacketFilter {
 public:
  static ns3::TypeId GetTypeId();
  static constexpr std::int64_t kHosts = 64;  ///< At most.
  static constexpr std::int64_t kFlows = 2 * kHosts * kHosts;

 private:
  bool CheckProtocol(ns3::Ptr<ns3::QueueDiscItem> item) const override;
  std::int32_t DoClassify(ns3::Ptr<ns3::QueueDiscItem> item) const override;
};

}  // namespace planewise::packet
