#include <fmt/format.h>

#include "spec/ports.h"
#include "spec/read.h"
#include "spec/read_file.h"
#include "spec/shapes.h"
#include "spec/storage.h"

namespace planewise::spec {
namespace {

constexpr int kMostNics = 1024;
constexpr int kMostRadix = 4096;

NvlinkSwitchSpec read_nvlink(MapReader map, int gpus, bool gpus_known) {
  NvlinkSwitchSpec nvlink;
  nvlink.switches = map.small_integer("switches", {.min = 1, .max = kMostRadix});
  nvlink.ports = map.small_integer("ports", {.min = 1, .max = kMostRadix});
  nvlink.links_per_gpu = map.small_integer("links_per_gpu", {.min = 1, .max = kMostRadix});
  nvlink.source = map.text("source");
  if (gpus_known && map.read_well({"switches", "ports", "links_per_gpu"})) {
    const std::int64_t links = std::int64_t{gpus} * nvlink.links_per_gpu;
    const std::int64_t most = (links + nvlink.switches - 1) / nvlink.switches;
    if (most > nvlink.ports) {
      map.error("ports",
                fmt::format("{} GPUs of {} links over {} switches take {} ports of one, more than "
                            "{}",
                            gpus, nvlink.links_per_gpu, nvlink.switches, most, nvlink.ports),
                fmt::format("use chips of at least {} ports, or more of them", most));
    }
  }
  return nvlink;
}

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
  if (map.has("nvlink")) {
    nodes.nvlink = read_nvlink(map.map("nvlink"), nodes.gpus, map.read_well({"gpus"}));
  }
  nodes.source = map.text("source");
  return nodes;
}

bool needs_even_radix(const FabricSpec& fabric) {
  return is_tree(fabric) || fabric.family == Family::dragonfly_plus;
}

void check_uplink_rate(const FabricSpec& fabric, MapReader& map) {
  if (!map.read_well({"link_rate", "uplink_rate"})) return;
  const double ports = fabric.uplink_rate.in(fabric.link_rate);
  if (ports >= 1 && ports <= 64 && ports == fabric.ports_per_uplink()) return;
  map.error("uplink_rate", "not a whole multiple of link_rate, from 1 to 64",
            "an uplink takes whole ports: write 1, 2, 4 ... times link_rate");
}

void read_routing(FabricSpec& fabric, MapReader& map) {
  fabric.routing = map.choice<Routing>("routing", {{"static", Routing::static_path},
                                                   {"ecmp", Routing::ecmp},
                                                   {"adaptive", Routing::adaptive},
                                                   {"spray", Routing::spray}});
  const bool has_choice = fabric.routing == Routing::ecmp || fabric.routing == Routing::adaptive;
  if (!map.read_well({"routing"})) {
    map.allow({"queue_pairs"});
  } else if (!has_choice) {
    map.not_used({"queue_pairs"},
                 "parts of a flow take ways of their own under 'ecmp' and 'adaptive' only");
  } else if (map.has("queue_pairs")) {
    fabric.queue_pairs = map.small_integer("queue_pairs", {.min = 1, .max = 64});
  }
  if (map.has("pxn")) {
    fabric.pxn = map.choice<Pxn>("pxn", {{"needed", Pxn::needed}, {"always", Pxn::always}});
  }
}

FabricSpec read_fabric(MapReader& map) {
  FabricSpec fabric;
  read_shape(fabric, map);
  fabric.radix = map.small_integer("radix", {.min = 2, .max = kMostRadix});
  if (fabric.radix % 2 != 0 && map.read_well({"family"}) && needs_even_radix(fabric)) {
    map.error("radix", fmt::format("{} is odd; half of a switch's ports face up", fabric.radix),
              fmt::format("write {} or {}", fabric.radix - 1, fabric.radix + 1));
  }
  fabric.link_rate = map.quantity<Rate>("link_rate");
  if (fabric.uplink_rate == Rate{}) fabric.uplink_rate = fabric.link_rate;
  check_uplink_rate(fabric, map);
  fabric.switch_latency = map.quantity<Seconds>("switch_latency", Sign::not_negative);
  read_routing(fabric, map);
  fabric.source = map.text("source");
  if (map.read_well({"family"})) check_shape(fabric, map);
  return fabric;
}

StorageSpec read_storage(MapReader map) {
  StorageSpec storage;
  storage.nics = map.small_integer("nics", {.min = 1, .max = 16});
  if (map.has("leaf_oversubscription")) {
    storage.leaf_oversubscription = map.number("leaf_oversubscription", {.min = 1, .max = 64});
  }
  storage.source = map.text("source");
  return storage;
}

ManagementSpec read_management(MapReader map) {
  ManagementSpec management;
  management.ports_per_node = map.small_integer("ports_per_node", {.min = 1, .max = 64});
  management.radix = map.small_integer("radix", {.min = 3, .max = kMostRadix});
  if (map.has("switch")) management.switch_part = map.text("switch");
  management.source = map.text("source");
  return management;
}

EquipmentSpec read_equipment(MapReader map) {
  EquipmentSpec equipment;
  equipment.catalogue_path = map.file("catalogue");
  equipment.leaf = map.text("leaf");
  equipment.spine = map.has("spine") ? map.text("spine") : equipment.leaf;
  equipment.core = map.has("core") ? map.text("core") : equipment.spine;
  equipment.nic = map.text("nic");
  if (map.has("rack")) equipment.rack = map.text("rack");
  if (map.has("links")) equipment.links = map.texts("links");
  equipment.source = map.text("source");
  return equipment;
}

FloorSpec read_floor(MapReader map) {
  FloorSpec floor;
  const auto count = [&](std::string_view key, int& value) {
    if (map.has(key)) value = map.small_integer(key, {.min = 1, .max = 10'000});
  };
  const auto length = [&](std::string_view key, Metres& value) {
    if (map.has(key)) value = map.quantity<Metres>(key, Sign::not_negative);
    if (value > metres(1000)) map.error(key, "more than 1000 m", "write 1000 m or less");
  };
  count("nodes_per_rack", floor.nodes_per_rack);
  count("switches_per_rack", floor.switches_per_rack);
  count("racks_per_row", floor.racks_per_row);
  length("rack_width", floor.rack_width);
  length("rack_depth", floor.rack_depth);
  length("aisle", floor.aisle);
  length("tray_height", floor.tray_height);
  length("within_rack", floor.within_rack);
  floor.source = map.text("source");
  return floor;
}

void check_planes(const TopologySpec& topology, MapReader& fabric) {
  if (topology.nodes.nics % topology.fabric.planes == 0) return;
  fabric.error("planes",
               fmt::format("{} NICs a node do not divide over {} planes", topology.nodes.nics,
                           topology.fabric.planes),
               fmt::format("use {} planes, one a NIC", topology.nodes.nics));
}

void check_unit_nodes(const TopologySpec& topology, MapReader& fabric) {
  const int down = leaf_ports(topology).down;
  if (topology.fabric.family != Family::mrft || unit_nodes(topology) <= down) return;
  fabric.error("unit_nodes",
               fmt::format("a scalable unit of {} nodes, but a leaf has {} ports down",
                           unit_nodes(topology), down),
               fmt::format("write {} or less", down));
}

void check_tree_capacity(const TopologySpec& topology, MapReader& nodes, MapReader& fabric) {
  const int nics = topology.nodes.nics;
  const int radix = topology.fabric.radix;
  const int layers = topology.fabric.tree().layers;
  if (leaf_ports(topology).down == 0) {
    fabric.error(
        "radix",
        fmt::format("a leaf of {} ports has no room for a node's {} NICs below", radix, nics),
        fmt::format("use a radix of at least {}", 2 * nics));
    return;
  }
  check_unit_nodes(topology, fabric);
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

/// The ports of a leaf and of a spine, each as the sum that it is.
void check_dual_tor_ports(const TopologySpec& topology, const DualTorSpec& d, MapReader& fabric) {
  const int radix = topology.fabric.radix;
  const int width = topology.fabric.ports_per_uplink();
  if (d.leaf_uplinks % d.spines_per_pod != 0) {
    fabric.error(
        "leaf_uplinks",
        fmt::format("{} uplinks do not divide over {} spines", d.leaf_uplinks, d.spines_per_pod),
        fmt::format("use a multiple of {}", d.spines_per_pod));
    return;
  }
  const std::int64_t leaf = d.segment_nodes + d.leaf_uplinks * width;
  if (leaf > radix) {
    fabric.error("radix",
                 fmt::format("a leaf needs {} + {} x {} = {} ports, more than {}", d.segment_nodes,
                             d.leaf_uplinks, width, leaf, radix),
                 "use fewer nodes a segment, or fewer leaf uplinks");
  }
  const std::int64_t leaves = d.segments_per_pod * topology.nodes.nics;
  const std::int64_t down = leaves * (d.leaf_uplinks / d.spines_per_pod);
  const std::int64_t spine = (down + d.spine_uplinks) * width;
  if (spine > radix) {
    fabric.error(
        "radix",
        fmt::format("a spine needs ({} + {}) x {} = {} ports for the {} leaves of a pod, more "
                    "than {}",
                    down, d.spine_uplinks, width, spine, leaves, radix),
        "use fewer segments a pod, or more spines");
  }
}

void check_capacity(const TopologySpec& topology, MapReader& nodes) {
  if (topology.fabric.as_printed) return;
  const std::int64_t capacity = node_capacity(topology);
  if (topology.nodes.count <= capacity) return;
  std::string hint = capacity == 0
                         ? "use a larger fabric"
                         : fmt::format("write {} or less, or use a larger fabric", capacity);
  const auto* dual = std::get_if<DualTorSpec>(&topology.fabric.shape);
  if (dual != nullptr && dual->spine_uplinks == 0)
    hint += "; with spine_uplinks there is more than one pod";
  nodes.error("count",
              fmt::format("{} nodes of {} NICs, but the fabric has ports for {}",
                          topology.nodes.count, topology.nodes.nics, capacity),
              hint);
}

/// What a fabric can hold follows from several keys at once; the nearest size that can be built is
/// named.
void check_size(const TopologySpec& topology, MapReader& nodes, MapReader& fabric) {
  const bool planes_known = nodes.read_well({"nics"}) && fabric.read_well({"family", "planes"});
  if (!planes_known) return;
  if (is_tree(topology.fabric)) check_planes(topology, fabric);
  const bool size_known = nodes.read_well({"count"}) &&
                          fabric.read_well({"planes", "layers", "radix", "leaf_oversubscription",
                                            "spine_oversubscription", "unit_nodes"});
  if (!size_known) return;
  if (is_tree(topology.fabric)) {
    check_tree_capacity(topology, nodes, fabric);
    return;
  }
  const bool shape_known =
      fabric.read_well({"endpoints_per_switch", "switches_per_group", "global_links_per_switch",
                        "groups", "q", "extents", "parallel_links", "segment_nodes",
                        "segments_per_pod", "leaf_uplinks", "spines_per_pod", "spine_uplinks",
                        "uplink_rate", "link_rate", "as_printed", "switches", "links"});
  if (!shape_known) return;
  if (const auto* dual = std::get_if<DualTorSpec>(&topology.fabric.shape)) {
    check_dual_tor_ports(topology, *dual, fabric);
  }
  check_capacity(topology, nodes);
}

/// The storage network is a plain fat tree of the same switches.
void check_storage(const TopologySpec& topology, MapReader& root, MapReader& nodes,
                   MapReader& fabric) {
  const bool known = root.read_well({"storage"}) && nodes.read_well({"count"}) &&
                     fabric.read_well({"radix", "family"});
  if (!known || !topology.storage) return;
  if (topology.fabric.radix % 2 != 0) {
    root.error(
        "storage",
        fmt::format("switches of {} ports, an odd number, make no fat tree", topology.fabric.radix),
        "remove it, or use an even radix");
    return;
  }
  const TopologySpec storage = storage_topology(topology);
  if (node_capacity(storage) >= topology.nodes.count) return;
  root.error("storage",
             fmt::format("three layers of {}-port switches hold the storage NICs of {} nodes, not "
                         "of {}",
                         topology.fabric.radix, node_capacity(storage), topology.nodes.count),
             "remove it, or use a larger radix or fewer storage NICs a node");
}

void fill_topology(TopologySpec& topology, MapReader& root) {
  topology.name = root.text("name");
  topology.source = root.text("source");
  MapReader nodes = root.map("nodes");
  topology.nodes = read_nodes(nodes);
  MapReader fabric = root.map("fabric");
  topology.fabric = read_fabric(fabric);
  if (topology.fabric.family == Family::rail_only) topology.fabric.planes = topology.nodes.nics;
  if (root.has("storage")) topology.storage = read_storage(root.map("storage"));
  if (root.has("management")) topology.management = read_management(root.map("management"));
  if (root.has("equipment")) topology.equipment = read_equipment(root.map("equipment"));
  if (root.has("floor")) topology.floor = read_floor(root.map("floor"));
  if (root.has("prices")) topology.price_book_path = root.file("prices");
  if (root.has("scenario")) topology.scenario_path = root.file("scenario");
  check_size(topology, nodes, fabric);
  check_storage(topology, root, nodes, fabric);
}

}  // namespace

TopologySpec read_topology(Document document, Diagnostics& diagnostics) {
  return read_document<TopologySpec>(std::move(document), kTopologyFile, diagnostics,
                                     fill_topology);
}

TopologySpec read_topology(const std::string& path, Diagnostics& diagnostics) {
  return read_topology(load_document(path, diagnostics), diagnostics);
}

}  // namespace planewise::spec
