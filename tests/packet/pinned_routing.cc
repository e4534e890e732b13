#include "packet/pinned_routing.h"

#include <ns3/ipv4-queue-disc-item.h>
#include <ns3/ipv4-route.h>
#include <ns3/node.h>

#include "base/check.h"

namespace planewise::packet {
namespace {

constexpr std::uint32_t kFirstAddress = 0x0A000001;  // 10.0.0.1
constexpr int kMostWithoutData = 60;                 // A TCP header with all its options.

ns3::Ptr<ns3::Ipv4Route> make_route(const ns3::Ipv4Header& header, ns3::Ipv4Address source,
                                    ns3::Ptr<ns3::NetDevice> out) {
  ns3::Ptr<ns3::Ipv4Route> route = ns3::Create<ns3::Ipv4Route>();
  route->SetSource(source);
  route->SetDestination(header.GetDestination());
  route->SetGateway(ns3::Ipv4Address::GetZero());
  route->SetOutputDevice(out);
  return route;
}

}  // namespace

ns3::Ipv4Address address_of(std::int64_t host) {
  return ns3::Ipv4Address(kFirstAddress + static_cast<std::uint32_t>(host));
}

std::int64_t host_of(ns3::Ipv4Address address) {
  return static_cast<std::int64_t>(address.Get()) - kFirstAddress;
}

ns3::TypeId PinnedRouting::GetTypeId() {
  static const ns3::TypeId id = ns3::TypeId("planewise::packet::PinnedRouting")
                                    .SetParent<ns3::Ipv4RoutingProtocol>()
                                    .AddConstructor<PinnedRouting>();
  return id;
}

void PinnedRouting::pin(std::int64_t source, std::int64_t destination,
                        ns3::Ptr<ns3::NetDevice> out) {
  out_[{source, destination}] = out;
}

ns3::Ptr<ns3::Ipv4Route> PinnedRouting::RouteOutput(ns3::Ptr<ns3::Packet> /*packet*/,
                                                    const ns3::Ipv4Header& header,
                                                    ns3::Ptr<ns3::NetDevice> /*out*/,
                                                    ns3::Socket::SocketErrno& error) {
  error = ns3::Socket::ERROR_NOTERROR;
  PW_CHECK(ipv4_->GetNInterfaces() == 2);  // The loopback and the NIC: only hosts send.
  return make_route(header, ipv4_->GetAddress(1, 0).GetLocal(), ipv4_->GetNetDevice(1));
}

bool PinnedRouting::RouteInput(ns3::Ptr<const ns3::Packet> packet, const ns3::Ipv4Header& header,
                               ns3::Ptr<const ns3::NetDevice> in, UnicastForwardCallback forward,
                               MulticastForwardCallback /*multicast*/, LocalDeliverCallback deliver,
                               ErrorCallback /*fail*/) {
  const std::int32_t interface = ipv4_->GetInterfaceForDevice(in);
  PW_CHECK(interface >= 0);
  const auto entry = out_.find({host_of(header.GetSource()), host_of(header.GetDestination())});
  if (entry == out_.end()) {
    // A path that planewise did not give must not exist here either.
    PW_CHECK(ipv4_->IsDestinationAddress(header.GetDestination(),
                                         static_cast<std::uint32_t>(interface)));
    deliver(packet, header, static_cast<std::uint32_t>(interface));
    return true;
  }
  forward(make_route(header, header.GetSource(), entry->second), packet, header);
  return true;
}

void PinnedRouting::DoDispose() {
  out_.clear();
  ipv4_ = nullptr;
  Ipv4RoutingProtocol::DoDispose();
}

ns3::Ptr<ns3::Ipv4RoutingProtocol> PinnedRoutingHelper::Create(ns3::Ptr<ns3::Node> /*node*/) const {
  return ns3::CreateObject<PinnedRouting>();
}

ns3::TypeId PairFilter::GetTypeId() {
  static const ns3::TypeId id = ns3::TypeId("planewise::packet::PairFilter")
                                    .SetParent<ns3::PacketFilter>()
                                    .AddConstructor<PairFilter>();
  return id;
}

bool PairFilter::CheckProtocol(ns3::Ptr<ns3::QueueDiscItem> item) const {
  return ns3::DynamicCast<ns3::Ipv4QueueDiscItem>(item) != nullptr;
}

std::int32_t PairFilter::DoClassify(ns3::Ptr<ns3::QueueDiscItem> item) const {
  const auto ip = ns3::DynamicCast<ns3::Ipv4QueueDiscItem>(item);
  const std::int64_t pair =
      host_of(ip->GetHeader().GetSource()) * kHosts + host_of(ip->GetHeader().GetDestination());
  const bool is_data = ip->GetHeader().GetPayloadSize() > kMostWithoutData;
  return static_cast<std::int32_t>(2 * pair + (is_data ? 1 : 0));
}

}  // namespace planewise::packet
