#include "packet/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "packet/fluid.h"
#include "packet/packet_run.h"

namespace planewise::packet {
namespace {

PacketResult checked_packet_times(const Case& of, const Transport& transport) {
  PacketResult result = packet_times(of, transport);
  for (std::size_t i = 0; i < of.transfers.size(); ++i) {
    const auto problem = [&](const char* what) {
      return Broken{fmt::format("{}, {}: flow {} -> {} {}", pattern_word(of.pattern),
                                transport.name, of.transfers[i].source, of.transfers[i].destination,
                                what)};
    };
    if (result.ends[i] <= Seconds{}) throw problem("did not end");
    if (result.delivered[i] != of.flow_size) throw problem("delivered other than its size");
  }
  if (result.drops > 0) throw Broken{"packets were dropped, though buffers have no end"};
  return result;
}

}  // namespace

Times summary(std::vector<Seconds> ends) {
  PW_CHECK(!ends.empty());
  std::sort(ends.begin(), ends.end());
  Times times{.max = ends.back()};
  for (const Seconds end : ends) times.mean += end / static_cast<double>(ends.size());
  times.median = (ends[(ends.size() - 1) / 2] + ends[ends.size() / 2]) / 2;
  return times;
}

double error_percent(Seconds fluid, Seconds packet) { return (fluid.in(packet)-1) * 100; }

Comparison compare(const Case& of, const Transport& transport) {
  const PacketResult packet = checked_packet_times(of, transport);
  return {.fabric = fmt::format("{} layers, {} hosts", of.size.layers, of.size.hosts),
          .pattern = pattern_word(of.pattern),
          .routing = of.routing == spec::Routing::ecmp ? "ecmp" : "static",
          .flow_size = of.flow_size,
          .flows = static_cast<std::int64_t>(of.transfers.size()),
          .transport = transport.name,
          .packet = summary(packet.ends),
          .fluid = summary(fluid_times(of, kEfficiency)),
          .fluid_raw = summary(fluid_times(of, 1)),
          .marks = packet.marks,
          .events = packet.events};
}

double idle_path_difference(const FabricSize& size, const Transport& transport) {
  const int packets = 1024;
  Case of = make_case(size, Pattern::shift, spec::Routing::static_path, bytes(packets * kPayload));
  of.transfers = {{.source = size.hosts - 1, .destination = 0}};
  const fabric::Router router(of.fabric, of.routing);
  const fabric::Route path = route(router, of.transfers.front());
  // The first link sends all packets, each further one, one a switch, the last packet once more.
  const Seconds one_packet = bytes(kPayload + kHeaders) / of.fabric.topology.fabric.link_rate;
  const Seconds expected = path.latency + one_packet * (packets + path.switches);
  const Seconds measured = checked_packet_times(of, transport).ends.front();
  return std::abs(measured.in(expected)-1);
}

}  // namespace planewise::packet
