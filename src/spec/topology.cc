#include <fmt/format.h>

#include "spec/ports.h"
#include "spec/read.h"
#include "spec/read_file.h"

namespace planewise::spec {
namespace {

// A fabric's links are numbered with 31 bits; these leave room for eight kinds of link an endpoint.
constexpr std::int64_t kMostEndpoints = 10'000'000;
constexpr int kMostNics = 1024;
constexpr int kMostRadix = 4096;
constexpr double kMostOversubscription = 64;

NodesSpec read_nodes(MapReader& map) {
  NodesSpec nodes;
  nodes.count = map.integer("count", {.min = 1, .max = kMostEndpoints});
  nodes.gpus = map.small_integer("gpus", {.min = 1, .max = kMostNics});
  nodes.nics = map.small_integer("nics", {.min = 1, .max = kMostNics});
  if (map.read_well({"gpus", "nics"}) && nodes.nics != nodes.gpus) {
    map.error("nics",
              fmt::format("{} NICs for {} GPUs; NIC i belongs to GPU i", nodes.nics, nodes.gpus),
              "give each GPU one NIC");
  }
  if (map.read_well({"count", "nics"}) && nodes.count * nodes.nics > kMostEndpoints) {
    map.error("count", fmt::format("{} nodes x {} NICs = {} endpoints; the most is {}", nodes.count,
                                   nodes.nics, nodes.count * nodes.nics, kMostEndpoints));
  }
  nodes.nvlink_rate = map.quantity<Rate>("nvlink_rate");
  nodes.nvlink_latency = map.quantity<Seconds>("nvlink_latency", Sign::not_negative);
  nodes.source = map.text("source");
  return nodes;
}

/// Keys that mean something in some families and layers only.
void read_shape(FabricSpec& fabric, MapReader& map) {
  constexpr NumberRange kRatio{.min = 1, .max = kMostOversubscription};
  fabric.family = map.choice<Family>(
      "family", {{"fat_tree", Family::fat_tree}, {"mpft", Family::mpft}, {"mrft", Family::mrft}});
  fabric.layers = map.small_integer("layers", {.min = 2, .max = 3});
  if (!map.read_well({"family"})) {
    map.allow({"planes"});
  } else if (fabric.family == Family::mpft) {
    fabric.planes = map.small_integer("planes", {.min = 1, .max = kMostNics});
  } else {
    map.not_used({"planes"}, "only family 'mpft' has planes");
  }
  if (map.has("leaf_oversubscription")) {
    fabric.leaf_oversubscription = map.number("leaf_oversubscription", kRatio);
  }
  if (!map.read_well({"layers"})) {
    map.allow({"spine_oversubscription"});
  } else if (fabric.layers == 2) {
    map.not_used({"spine_oversubscription"}, "with 2 layers nothing is above the spines");
  } else if (map.has("spine_oversubscription")) {
    fabric.spine_oversubscription = map.number("spine_oversubscription", kRatio);
  }
}

FabricSpec read_fabric(MapReader& map) {
  FabricSpec fabric;
  read_shape(fabric, map);
  fabric.radix = map.small_integer("radix", {.min = 2, .max = kMostRadix});
  if (fabric.radix % 2 != 0) {
    map.error("radix", fmt::format("{} is odd; half of a switch's ports face up", fabric.radix),
              fmt::format("write {} or {}", fabric.radix - 1, fabric.radix + 1));
  }
  fabric.link_rate = map.quantity<Rate>("link_rate");
  fabric.switch_latency = map.quantity<Seconds>("switch_latency", Sign::not_negative);
  if (map.has("striping")) {
    fabric.striping =
        map.choice<Striping>("striping", {{"even", Striping::even}, {"greedy", Striping::greedy}});
  }
  fabric.routing = map.choice<Routing>(
      "routing",
      {{"static", Routing::static_path}, {"ecmp", Routing::ecmp}, {"spray", Routing::spray}});
  fabric.source = map.text("source");
  return fabric;
}

void check_planes(const TopologySpec& topology, MapReader& fabric) {
  if (topology.nodes.nics % topology.fabric.planes == 0) return;
  fabric.error("planes",
               fmt::format("{} NICs a node do not divide over {} planes", topology.nodes.nics,
                           topology.fabric.planes),
               fmt::format("use {} planes, one a NIC", topology.nodes.nics));
}

void check_capacity(const TopologySpec& topology, MapReader& nodes, MapReader& fabric) {
  const int nics = topology.nodes.nics;
  const int radix = topology.fabric.radix;
  const int layers = topology.fabric.layers;
  if (leaf_ports(topology).down == 0) {
    fabric.error(
        "radix",
        fmt::format("a leaf of {} ports has no room for a node's {} NICs below", radix, nics),
        fmt::format("use a radix of at least {}", 2 * nics));
    return;
  }
  const std::int64_t capacity = node_capacity(topology);
  if (capacity == 0) {
    fabric.error("radix",
                 fmt::format("{} layers of {}-port switches cannot join the {} rails of a node",
                             layers, radix, nics),
                 "use a larger radix");
  } else if (topology.nodes.count > capacity) {
    nodes.error("count",
                fmt::format("{} nodes, but {} layers of {}-port switches hold at most {}",
                            topology.nodes.count, layers, radix, capacity),
                layers == 2 ? fmt::format("use {} nodes, or 3 layers, or a larger radix", capacity)
                            : fmt::format("use {} nodes or a larger radix", capacity));
  }
  const std::int64_t pod_nodes = one_pod_nodes(topology);
  if (layers == 3 && topology.nodes.count <= pod_nodes) {
    fabric.error("layers",
                 fmt::format("3 layers join pods, but {} nodes fit in one pod (of up to {})",
                             topology.nodes.count, pod_nodes),
                 fmt::format("write 2 layers, or more than {} nodes", pod_nodes));
  }
}

/// What a fabric can hold follows from several keys at once; the nearest size that can be built is
/// named.
void check_size(const TopologySpec& topology, MapReader& nodes, MapReader& fabric) {
  const bool planes_known = nodes.read_well({"nics"}) && fabric.read_well({"family", "planes"});
  if (!planes_known) return;
  check_planes(topology, fabric);
  const bool size_known = nodes.read_well({"count"}) &&
                          fabric.read_well({"planes", "layers", "radix", "leaf_oversubscription",
                                            "spine_oversubscription"});
  if (size_known) check_capacity(topology, nodes, fabric);
}

}  // namespace

TopologySpec read_topology(Document document, Diagnostics& diagnostics) {
  return read_document<TopologySpec>(std::move(document), kTopologyFile, diagnostics,
                                     [](TopologySpec& topology, MapReader& root) {
                                       topology.name = root.text("name");
                                       topology.source = root.text("source");
                                       MapReader nodes = root.map("nodes");
                                       topology.nodes = read_nodes(nodes);
                                       MapReader fabric = root.map("fabric");
                                       topology.fabric = read_fabric(fabric);
                                       if (root.has("prices"))
                                         topology.price_book_path = root.file("prices");
                                       check_size(topology, nodes, fabric);
                                     });
}

TopologySpec read_topology(const std::string& path, Diagnostics& diagnostics) {
  return read_topology(load_document(path, diagnostics), diagnostics);
}

}  // namespace planewise::spec
