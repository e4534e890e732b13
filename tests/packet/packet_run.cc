#include "packet/packet_run.h"

#include <ns3/boolean.h>
#include <ns3/config.h>
#include <ns3/inet-socket-address.h>
#include <ns3/packet.h>
#include <ns3/queue-disc.h>
#include <ns3/rng-seed-manager.h>
#include <ns3/simulator.h>
#include <ns3/socket.h>
#include <ns3/tcp-dctcp.h>
#include <ns3/tcp-linux-reno.h>
#include <ns3/tcp-socket-factory.h>
#include <ns3/type-id.h>
#include <ns3/uinteger.h>

#include <cmath>

#include "base/check.h"
#include "packet/packet_network.h"
#include "packet/pinned_routing.h"

namespace planewise::packet {
namespace {

constexpr std::uint16_t kListeningPort = 1;
constexpr std::uint16_t kFirstPort = 1024;  // A transfer's number on top tells its connection.
constexpr std::uint32_t kOpeningBytes = 1;
constexpr std::int64_t kStartMicroseconds = 1000;

void set_defaults(const Case& of, const Transport& transport) {
  using ns3::UintegerValue;
  const auto payload = static_cast<std::uint64_t>(kPayload);
  const ns3::TypeId algorithm =
      transport.is_dctcp ? ns3::TcpDctcp::GetTypeId() : ns3::TcpLinuxReno::GetTypeId();
  ns3::Config::SetDefault("ns3::TcpL4Protocol::SocketType", ns3::TypeIdValue(algorithm));
  ns3::Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(payload));
  ns3::Config::SetDefault("ns3::TcpSocket::SndBufSize",
                          UintegerValue(static_cast<std::uint64_t>(of.flow_size.base()) + payload));
  ns3::Config::SetDefault("ns3::TcpSocket::RcvBufSize",
                          UintegerValue(static_cast<std::uint64_t>(transport.window) * payload));
  ns3::Config::SetDefault("ns3::TcpSocket::InitialCwnd",
                          UintegerValue(static_cast<std::uint64_t>(transport.initial_window)));
  ns3::Config::SetDefault("ns3::TcpSocket::DelAckCount", UintegerValue(1));
  ns3::Config::SetDefault("ns3::TcpSocket::TcpNoDelay", ns3::BooleanValue(true));
}

/// The connections of a case and what has come over each.
class Connections {
 public:
  Connections(const Case& of, const PacketNetwork& network)
      : of_(of), network_(network), received_(of.transfers.size()), ends_(of.transfers.size()) {
    std::vector<bool> listens(network.nodes.size());
    for (const Transfer& transfer : of.transfers) {
      const auto host = static_cast<std::size_t>(transfer.destination);
      if (!listens[host]) listen(transfer.destination);
      listens[host] = true;
    }
    // Nodes know their queues only once the simulation runs.
    for (std::size_t i = 0; i < of.transfers.size(); ++i) {
      ns3::Simulator::Schedule(ns3::MicroSeconds(1), &Connections::connect, this, i);
    }
  }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  const std::vector<std::uint64_t>& received() const { return received_; }
  const std::vector<Seconds>& ends() const { return ends_; }

 private:
  ns3::Ptr<ns3::Socket> open(std::int64_t host, std::uint16_t port) {
    const auto socket = ns3::Socket::CreateSocket(network_.nodes[static_cast<std::size_t>(host)],
                                                  ns3::TcpSocketFactory::GetTypeId());
    PW_CHECK(socket->Bind(ns3::InetSocketAddress(address_of(host), port)) == 0);
    sockets_.push_back(socket);
    return socket;
  }

  void listen(std::int64_t host) {
    const auto socket = open(host, kListeningPort);
    PW_CHECK(socket->Listen() == 0);
    socket->SetAcceptCallback(
        ns3::MakeNullCallback<bool, ns3::Ptr<ns3::Socket>, const ns3::Address&>(),
        ns3::MakeCallback(&Connections::accept, this));
  }

  void connect(std::size_t index) {
    const Transfer& transfer = of_.transfers[index];
    const auto socket = open(transfer.source, static_cast<std::uint16_t>(kFirstPort + index));
    const ns3::InetSocketAddress peer(address_of(transfer.destination), kListeningPort);
    PW_CHECK(socket->Connect(peer) == 0);
    // The window of a SYN is at most 64 KiB; the answer to a first byte tells the whole of it.
    PW_CHECK(socket->Send(ns3::Create<ns3::Packet>(kOpeningBytes)) == 1);
    ns3::Simulator::Schedule(ns3::MicroSeconds(kStartMicroseconds) - ns3::Simulator::Now(),
                             &Connections::send, this, socket);
  }

  void send(ns3::Ptr<ns3::Socket> socket) {
    const auto size = static_cast<std::uint32_t>(of_.flow_size.base());
    PW_CHECK(socket->Send(ns3::Create<ns3::Packet>(size)) == static_cast<int>(size));
  }

  void accept(ns3::Ptr<ns3::Socket> socket, const ns3::Address& /*peer*/) {
    socket->SetRecvCallback(ns3::MakeCallback(&Connections::receive, this));
    sockets_.push_back(socket);
  }

  void receive(ns3::Ptr<ns3::Socket> socket) {
    ns3::Address peer;
    PW_CHECK(socket->GetPeerName(peer) == 0);
    const std::size_t index = ns3::InetSocketAddress::ConvertFrom(peer).GetPort() - kFirstPort;
    while (const auto packet = socket->Recv()) received_[index] += packet->GetSize();
    if (static_cast<double>(received_[index]) < of_.flow_size.base() + kOpeningBytes) return;
    const ns3::Time since = ns3::Simulator::Now() - ns3::MicroSeconds(kStartMicroseconds);
    ends_[index] = seconds(since.GetSeconds());
  }

  const Case& of_;
  const PacketNetwork& network_;
  std::vector<ns3::Ptr<ns3::Socket>> sockets_;  // Those that listen, send and receive.
  std::vector<std::uint64_t> received_;
  std::vector<Seconds> ends_;
};

}  // namespace

PacketResult packet_times(const Case& of, const Transport& transport) {
  ns3::RngSeedManager::SetSeed(1);
  set_defaults(of, transport);
  PacketNetwork network = make_network(of, transport);
  PacketResult result;
  {
    const Connections connections(of, network);
    // Far beyond any end; a retransmission after a loss would take a second.
    ns3::Simulator::Stop(ns3::Seconds(60));
    ns3::Simulator::Run();
    result.ends = connections.ends();
    for (const std::uint64_t count : connections.received()) {
      result.delivered.push_back(bytes(static_cast<double>(count) - kOpeningBytes));
    }
  }
  result.events = ns3::Simulator::GetEventCount();
  for (std::uint32_t i = 0; i < network.queues.GetN(); ++i) {
    const ns3::QueueDisc::Stats stats = network.queues.Get(i)->GetStats();
    result.drops += stats.nTotalDroppedPackets;
    result.marks += stats.nTotalMarkedPackets;
  }
  network = {};
  ns3::Simulator::Destroy();
  return result;
}

}  // namespace planewise::packet
