// What a topology file says: the nodes of a cluster, the fabric that joins them, and, to price it
// by parts, what it is built from and where it stands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/units.h"
#include "spec/input_error.h"

namespace planewise::spec {

/// Fabric families, spelled as in YAML.
enum class Family : std::uint8_t {
  fat_tree,   ///< One network for all NICs; a node's NICs share a leaf.
  mpft,       ///< Multi-plane: plane i serves NIC i of every node; no link between planes.
  mrft,       ///< Multi-rail: leaf r takes NIC r of its nodes, the spines are shared by all rails.
  rail_only,  ///< `mpft` with a plane a GPU of the NVLink domain.
  dragonfly,  ///< Groups of switches, every pair of groups joined.
  dragonfly_plus,  ///< The same; a group is a two-layer fat tree whose spines join the groups.
  slim_fly,        ///< McKay-Miller-Siran graphs: any two switches at most two links apart.
  hyperx,          ///< A grid of switches; those of one line are joined each with each.
  torus,           ///< A grid of switches; neighbours are joined, and the ends of each line.
  dual_tor,  ///< Two ports a NIC, each on a leaf of its own plane, under one oversubscribed core.
  custom,    ///< Switches and links as listed.
};

/// As in YAML.
std::string_view family_word(Family family);

/// How a flow picks among the parallel paths, spelled as in YAML.
enum class Routing : std::uint8_t {
  static_path,  ///< `static`: by destination (D-mod-k).
  ecmp,         ///< By a hash of the flow.
  adaptive,     ///< At each hop the link with the fewest flows when the flow starts.
  spray,        ///< Every flow spread evenly over all parallel paths.
};

/// When a flow to another rail goes by NVLink to the GPU of that rail before it leaves its node
/// (NCCL's PXN), spelled as in YAML.
enum class Pxn : std::uint8_t {
  needed,  ///< Where no path leads from its own NIC: to another plane.
  always,  ///< To every other rail, so that it stays on the switches of one rail.
};

/// How the uplinks of a layer spread over the switches above it.
enum class Striping : std::uint8_t {
  even,    ///< Each switch above gets as many links of a leaf as any other: the count above divides
           ///< the uplinks.
  greedy,  ///< As few switches above as the ports allow; some get one link more than others.
};

/// The position of a switch in its plane, spelled as in YAML and JSON. Families without layers have
/// leaves alone.
enum class Layer : std::uint8_t { leaf, spine, core };

/// The switches inside an NVLink domain. GPU i's links are dealt out to them in turn.
struct NvlinkSwitchSpec {
  int switches = 0;       ///< Chips a domain: 4 in an HGX H100 node, 18 in an NVL72 rack.
  int ports = 0;          ///< Of a chip.
  int links_per_gpu = 0;  ///< 18 for Hopper and Blackwell.
  std::string source{};
};

/// The GPU servers. NIC i of a node belongs to GPU i (rail i).
struct NodesSpec {
  std::int64_t count = 0;
  int gpus = 0;              ///< GPUs a node; one NVLink domain.
  int nics = 0;              ///< NICs a node, the same as `gpus`; an endpoint each, `dual_tor` two.
  Rate nvlink_rate{};        ///< A GPU's NVLink rate per direction.
  Seconds nvlink_latency{};  ///< GPU to GPU in the node, on top of the profile's software latency.
  std::optional<NvlinkSwitchSpec> nvlink{};  ///< Counted if given.
  std::string source{};
};

/// `fat_tree`, `mpft`, `mrft`, `rail_only`: one fat tree, or one of `FabricSpec::planes` equal
/// ones.
struct TreeSpec {
  int layers = 2;                     ///< 2 (leaf, spine) or 3 (leaf, spine, core).
  double leaf_oversubscription = 1;   ///< Ports down over ports up at a leaf; at least 1.
  double spine_oversubscription = 1;  ///< The same at a spine; three layers only.
  Striping striping = Striping::even;
  std::int64_t unit_nodes = 0;  ///< `mrft`: nodes of a scalable unit; 0: as many as a leaf takes.
};

/// Source: Kim et al., ISCA 2008 (p, a, h, g).
struct DragonflySpec {
  std::int64_t endpoints_per_switch = 0;
  std::int64_t switches_per_group = 0;
  std::int64_t global_links_per_switch = 0;
  std::int64_t groups = 0;
};

/// A group is radix/2 leaves and radix/2 spines. Source: Shpiner et al., HiPINEB 2017.
struct DragonflyPlusSpec {
  std::int64_t groups = 0;
};

/// Source: Besta, Hoefler, SC 2014; McKay, Miller, Siran, J. Combin. Theory B 1998.
struct SlimFlySpec {
  std::int64_t q = 0;                     ///< A prime power 4w - 1, 4w or 4w + 1; 2q^2 switches.
  std::int64_t endpoints_per_switch = 0;  ///< ceil(k'/2) for full bandwidth.
};

/// Source: Ahn et al., SC 2009 (S, K, T).
struct HyperXSpec {
  std::vector<std::int64_t> extents{};         ///< Switches along each dimension.
  std::vector<std::int64_t> parallel_links{};  ///< Between two switches of a line, by dimension.
  std::int64_t endpoints_per_switch = 0;
};

struct TorusSpec {
  std::vector<std::int64_t> extents{};  ///< Switches along each dimension; at least 2.
  std::int64_t endpoints_per_switch = 0;
};

/// Segments of nodes; in each a leaf a rail and plane. Source: Alibaba HPN, SIGCOMM 2024.
struct DualTorSpec {
  std::int64_t segment_nodes = 0;  ///< Nodes, and so ports down a leaf.
  std::int64_t segments_per_pod = 0;
  std::int64_t leaf_uplinks = 0;
  std::int64_t spines_per_pod =
      0;  ///< Of a plane; divides leaf_uplinks, so that all pairs are joined.
  std::int64_t spine_uplinks = 0;
};

struct CustomSwitch {
  std::string name{};
  Layer layer = Layer::leaf;
  int radix = 0;
  std::int64_t endpoints = 0;  ///< Ports down; filled in the order of the list.
};
struct CustomLinks {
  std::int64_t from = 0;  ///< Indexes into CustomSpec::switches.
  std::int64_t to = 0;
  std::int64_t links = 1;
};
struct CustomSpec {
  std::vector<CustomSwitch> switches{};  ///< Leaves, then spines, then cores.
  std::vector<CustomLinks> links{};
};

using Shape = std::variant<TreeSpec, DragonflySpec, DragonflyPlusSpec, SlimFlySpec, HyperXSpec,
                           TorusSpec, DualTorSpec, CustomSpec>;

struct FabricSpec {
  Family family = Family::fat_tree;
  int planes = 1;            ///< Networks without a link between them.
  int radix = 0;             ///< Ports a switch at `link_rate`.
  Rate link_rate{};          ///< Per direction, of every link but those that `uplink_rate` is for.
  Rate uplink_rate{};        ///< Of links between switches; a whole multiple of `link_rate`.
  Seconds switch_latency{};  ///< What one switch and one cable add to a path.
  Routing routing = Routing::spray;
  /// Parts of its own hash that a flow between nodes is split into; 1 but for `ecmp`, `adaptive`.
  int queue_pairs = 1;
  Pxn pxn = Pxn::needed;
  bool as_printed = false;  ///< Counts by the formula of a published table; there is no such graph.
  Shape shape{};            ///< The alternative that belongs to `family`.
  std::string source{};

  /// Of a family of trees.
  const TreeSpec& tree() const { return std::get<TreeSpec>(shape); }
  TreeSpec& tree() { return std::get<TreeSpec>(shape); }
  /// Ports at `link_rate` that a link between switches takes at each end.
  int ports_per_uplink() const { return static_cast<int>(uplink_rate.in(link_rate) + 0.5); }
};

/// A network of its own for the storage NICs: the smallest fat tree that holds them.
struct StorageSpec {
  int nics = 0;  ///< A node.
  double leaf_oversubscription = 1;
  std::string source{};
};

/// A network of its own that reaches every node and switch: switches of `radix` ports, one uplink
/// each.
struct ManagementSpec {
  int ports_per_node = 0;
  int radix = 0;
  std::string switch_part{};  ///< Empty if the fabric is not priced by parts.
  std::string source{};
};

/// Which parts of the catalogue the fabric is built from, by id.
struct EquipmentSpec {
  std::string catalogue_path{};
  std::string leaf{};
  std::string spine{};
  std::string core{};
  std::string nic{};
  std::string rack{};                ///< For switches; empty: not on the bill.
  std::vector<std::string> links{};  ///< Modules and cables that may be used; empty: all.
  std::string source{};
};

/// Where things stand: racks in rows, all equal.
struct FloorSpec {
  int nodes_per_rack = 4;
  int switches_per_rack = 8;  ///< In racks of their own.
  int racks_per_row = 0;      ///< 0: so many that the room is about square.
  Metres rack_width = metres(0.6);
  Metres rack_depth = metres(1.2);
  Metres aisle = metres(1.8);      ///< Between two rows.
  Metres tray_height = metres(1);  ///< From the top of a rack to the cable tray; both ends count.
  Metres within_rack = metres(1);  ///< From a port to the top of its rack.
  std::string source{};            ///< Empty: the defaults, which are estimates.
};

struct TopologySpec {
  Origin origin{};
  std::string name{};
  std::string source{};
  NodesSpec nodes{};
  FabricSpec fabric{};
  std::optional<StorageSpec> storage{};
  std::optional<ManagementSpec> management{};
  std::optional<EquipmentSpec> equipment{};
  FloorSpec floor{};
  // As found from the topology's folder; empty if the file names none.
  std::string price_book_path{};
  std::string scenario_path{};
};

}  // namespace planewise::spec
