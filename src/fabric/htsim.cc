// htsim's .topo format, from sim/datacenter/fat_tree_topology.cpp of github.com/Broadcom/csg-htsim:
// what it reads, and which trees it can build from that.
#include <algorithm>
#include <cmath>
#include <optional>

#include "fabric/exports.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

std::string number(std::int64_t n) { return std::to_string(n); }

/// The nanoseconds of links and switches that add up to `switch_latency` for each switch on a path.
struct Latencies {
  std::int64_t endpoint_link = 1;  // htsim wants at least 1.
  std::int64_t inter_switch_link = 1;
  std::int64_t in_switch = 0;
};

/// A path of n switches has two endpoint links and n - 1 others. With an endpoint link of x, any
/// other of 2x and a switch of L - 2x it takes n L; x is about a quarter of L.
Latencies split_latency(Seconds per_switch) {
  const auto total = static_cast<std::int64_t>(std::llround(per_switch.in(microseconds(1)) * 1000));
  if (total < 2) return {};
  const std::int64_t x = std::max<std::int64_t>(1, total / 4);
  return {.endpoint_link = x, .inter_switch_link = 2 * x, .in_switch = total - 2 * x};
}

std::optional<Refusal> reason_against(const Fabric& fabric) {
  const spec::FabricSpec& spec = fabric.topology.fabric;
  const PlaneLayout& plane = fabric.plane;
  if (!std::holds_alternative<spec::TreeSpec>(spec.shape)) {
    return Refusal{.key = "fabric.family",
                   .reason = "htsim's .topo files describe fat trees, and this is a " +
                             std::string(spec::family_word(spec.family)),
                   .hint = "choose another form, such as graphml or simgrid"};
  }
  const double gbps = spec.link_rate.in(gigabits_per_second(1));
  if (std::abs(gbps - std::round(gbps)) > 1e-9 || gbps < 0.5) {
    return Refusal{.key = "fabric.link_rate",
                   .reason = "htsim's .topo files take rates of whole Gb/s",
                   .hint = "write a whole number of Gb/s"};
  }
  if (plane.endpoints != plane.endpoint_capacity ||
      plane.endpoint_capacity != plane.leaves * plane.leaf_ports.down) {
    const std::int64_t full = plane.leaves * plane.leaf_ports.down;
    return Refusal{.key = "nodes.count",
                   .reason = "htsim's fat trees have full leaves, and " +
                             number(full - plane.endpoints) + " of the " + number(full) +
                             " ports that leaves have for endpoints are free",
                   .hint = "fill the leaves: " + number(full) + " endpoints a plane"};
  }
  if (plane.leaves == 1) {
    return Refusal{.key = "nodes.count", .reason = "htsim's fat trees have more than one leaf"};
  }
  if (plane.leaf_ports.down % plane.leaf_ports.up != 0) {
    return Refusal{.key = "fabric.leaf_oversubscription",
                   .reason = "htsim's oversubscription is a whole number, not " +
                             number(plane.leaf_ports.down) + "/" + number(plane.leaf_ports.up),
                   .hint = "write 1 or 2"};
  }
  if (plane.leaf_ports.up % plane.spines_per_pod != 0) {
    return Refusal{.key = "fabric.striping",
                   .reason = number(plane.leaf_ports.up) + " uplinks of a leaf over " +
                             number(plane.spines_per_pod) +
                             " spines; in htsim each spine gets as many",
                   .hint = "write 'even'"};
  }
  return std::nullopt;
}

/// The same for the upper layer of a tree of several pods.
std::optional<Refusal> reason_against_pods(const PlaneLayout& plane) {
  if (plane.leaves % plane.leaves_per_pod != 0) {
    return Refusal{.key = "nodes.count",
                   .reason = "htsim's pods are equal, and " + number(plane.leaves) +
                             " leaves make pods of " + number(plane.leaves_per_pod) +
                             " with a smaller last one",
                   .hint = "choose nodes for whole pods"};
  }
  const std::int64_t down = plane.leaves_per_pod * plane.leaf_ports.up / plane.spines_per_pod;
  if (down % plane.spine_ports.up != 0) {
    return Refusal{.key = "fabric.spine_oversubscription",
                   .reason = "htsim's oversubscription is a whole number, and a spine has " +
                             number(down) + " links down and " + number(plane.spine_ports.up) +
                             " up",
                   .hint = "choose nodes that fill the pods, or another oversubscription"};
  }
  if (plane.spine_ports.up % plane.cores_per_spine_index != 0) {
    return Refusal{.key = "fabric.striping",
                   .reason = number(plane.spine_ports.up) + " uplinks of a spine over " +
                             number(plane.cores_per_spine_index) +
                             " cores; in htsim each core gets as many",
                   .hint = "write 'even'"};
  }
  return std::nullopt;
}

struct TopoTier {
  std::int64_t radix_down = 0;
  std::int64_t radix_up = 0;  // 0: the top.
  std::int64_t bundle = 1;    // Links to each switch below.
  std::int64_t latency = 0;   // Of the links down.
};

std::string write_tier(int tier, const TopoTier& what, const Fabric& fabric) {
  const auto gbps = static_cast<std::int64_t>(
      std::llround(fabric.topology.fabric.link_rate.in(gigabits_per_second(1))));
  std::string text = "\nTier " + number(tier) + "\nDownlink_speed_Gbps " + number(gbps) +
                     "\nRadix_Down " + number(what.radix_down) + "\n";
  if (what.radix_up > 0) {
    text += "Radix_Up " + number(what.radix_up) + "\nOversubscribed " +
            number(what.radix_down / what.radix_up) + "\n";
  }
  return text + "Bundle " + number(what.bundle) + "\nDownlink_Latency_ns " + number(what.latency) +
         "\nSwitch_Latency_ns " +
         number(split_latency(fabric.topology.fabric.switch_latency).in_switch) + "\n";
}

std::string head(const Fabric& fabric, int tiers) {
  const PlaneLayout& plane = fabric.plane;
  const int planes = fabric.topology.fabric.planes;
  const std::string of_planes = planes == 1 ? "" : ", one of " + number(planes) + " equal planes";
  return "# A fat tree of " + number(plane.switches()) + " switches and " +
         number(plane.inter_switch_links()) + " links between them" + of_planes +
         ", for htsim (csg-htsim).\n# Host i is port i % " + number(plane.leaf_ports.down) +
         " of leaf i / " + number(plane.leaf_ports.down) + ".\nNodes " + number(plane.endpoints) +
         "\nTiers " + number(tiers) + "\nPodsize " +
         number(plane.leaves_per_pod * plane.leaf_ports.down) + "\n";
}

}  // namespace

Export to_htsim(const Fabric& fabric) {
  const PlaneLayout& plane = fabric.plane;
  if (auto refusal = reason_against(fabric)) return *refusal;
  const bool has_cores = plane.pods > 1;
  if (has_cores) {
    if (auto refusal = reason_against_pods(plane)) return *refusal;
  }
  const Latencies latencies = split_latency(fabric.topology.fabric.switch_latency);
  const std::int64_t to_spine = plane.leaf_ports.up / plane.spines_per_pod;
  std::string text = head(fabric, has_cores ? 3 : 2);
  text += write_tier(0,
                     {.radix_down = plane.leaf_ports.down,
                      .radix_up = plane.leaf_ports.up,
                      .latency = latencies.endpoint_link},
                     fabric);
  text += write_tier(1,
                     {.radix_down = plane.leaves_per_pod * to_spine,
                      .radix_up = has_cores ? plane.spine_ports.up : 0,
                      .bundle = to_spine,
                      .latency = latencies.inter_switch_link},
                     fabric);
  if (!has_cores) return text;
  const std::int64_t to_core = plane.spine_ports.up / plane.cores_per_spine_index;
  text += write_tier(2,
                     {.radix_down = plane.pods * to_core,
                      .bundle = to_core,
                      .latency = latencies.inter_switch_link},
                     fabric);
  return text;
}

}  // namespace planewise::fabric
