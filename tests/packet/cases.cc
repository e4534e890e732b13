#include "packet/cases.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "fabric/make_topology.h"

namespace planewise::packet {
namespace {

constexpr std::uint64_t kSeed = 1;

/// A full tree, or the smallest partly filled one: radix 4 holds 16 hosts in three layers, 8 holds
/// 32 in two layers and 128 in three, 16 holds 128 in two.
int radix(const FabricSize& size) {
  if (size.layers == 3) return size.hosts == 16 ? 4 : 8;
  return size.hosts <= 32 ? 8 : 16;
}

fabric::Fabric make_fabric(const FabricSize& size) {
  spec::TopologySpec topology = test::make_topology(
      {.layers = size.layers, .radix = radix(size), .nodes = size.hosts, .gpus = 1});
  topology.fabric.switch_latency = microseconds(0.45);
  return fabric::lay_out(topology);
}

/// `count` hosts to host 0, from all over the fabric.
std::vector<Transfer> incast(std::int64_t hosts, std::int64_t count) {
  PW_CHECK(count < hosts);
  std::vector<Transfer> transfers;
  for (std::int64_t i = 1; i <= count; ++i) {
    transfers.push_back({.source = i * (hosts - 1) / count, .destination = 0});
  }
  return transfers;
}

/// A permutation without a host that sends to itself.
std::vector<Transfer> random_permutation(std::int64_t hosts) {
  Random random(kSeed);
  std::vector<std::int64_t> order;
  for (std::int64_t host = 0; host < hosts; ++host) order.push_back(host);
  for (std::int64_t i = hosts - 1; i > 0; --i) {
    std::swap(order[static_cast<std::size_t>(i)],
              order[static_cast<std::size_t>(random.integer(0, i))]);
  }
  // Each sends to the next of the shuffled circle.
  std::vector<Transfer> transfers;
  for (std::size_t i = 0; i < order.size(); ++i) {
    transfers.push_back({.source = order[i], .destination = order[(i + 1) % order.size()]});
  }
  return transfers;
}

std::vector<Transfer> make_transfers(std::int64_t hosts, Pattern pattern) {
  std::vector<Transfer> transfers;
  switch (pattern) {
    case Pattern::incast_8:
      return incast(hosts, 8);
    case Pattern::incast_15:
      return incast(hosts, 15);
    case Pattern::random:
      return random_permutation(hosts);
    case Pattern::shift:
      for (std::int64_t host = 0; host < hosts; ++host) {
        transfers.push_back({.source = host, .destination = (host + hosts / 2) % hosts});
      }
      return transfers;
    case Pattern::all_to_all:
      for (std::int64_t step = 1; step < hosts; ++step) {
        for (std::int64_t host = 0; host < hosts; ++host) {
          transfers.push_back({.source = host, .destination = (host + step) % hosts});
        }
      }
      return transfers;
  }
  PW_UNREACHABLE("a pattern of no name");
}

}  // namespace

std::string pattern_word(Pattern pattern) {
  switch (pattern) {
    case Pattern::incast_8:
      return "incast 8 to 1";
    case Pattern::incast_15:
      return "incast 15 to 1";
    case Pattern::shift:
      return "shift by half";
    case Pattern::random:
      return "random permutation";
    case Pattern::all_to_all:
      return "all-to-all";
  }
  PW_UNREACHABLE("a pattern of no name");
}

Case make_case(const FabricSize& size, Pattern pattern, spec::Routing routing, Bytes flow_size) {
  return {.size = size,
          .pattern = pattern,
          .routing = routing,
          .flow_size = flow_size,
          .fabric = make_fabric(size),
          .transfers = make_transfers(size.hosts, pattern)};
}

std::vector<Case> all_cases() {
  using spec::Routing;
  const std::vector<std::pair<Pattern, Routing>> patterns = {
      {Pattern::incast_8, Routing::static_path},   {Pattern::incast_15, Routing::static_path},
      {Pattern::shift, Routing::static_path},      {Pattern::random, Routing::ecmp},
      {Pattern::all_to_all, Routing::static_path}, {Pattern::all_to_all, Routing::ecmp}};
  std::vector<Case> cases;
  for (const bool large : {true, false}) {
    for (const int layers : {2, 3}) {
      for (const int hosts : {16, 32, 64}) {
        for (const auto& [pattern, routing] : patterns) {
          // A host of a large all-to-all sends about 8 MiB in all, to keep the run short.
          const double large_size =
              pattern == Pattern::all_to_all ? 8.0 * 1048576 / hosts : 4.0 * 1048576;
          cases.push_back(make_case({.layers = layers, .hosts = hosts}, pattern, routing,
                                    bytes(large ? large_size : 32768.0)));
        }
      }
    }
  }
  return cases;
}

fabric::Route route(const fabric::Router& router, const Transfer& transfer) {
  return router.route(transfer.source, transfer.destination, {.seed = kSeed, .queue = 0});
}

}  // namespace planewise::packet
