// Topologies of the families that are no trees: what is read, what they hold.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "spec/example_files.h"
#include "spec/ports.h"
#include "spec/read.h"
#include "spec/storage.h"

namespace planewise::spec {
namespace {

/// A topology of 4 nodes of 8 GPUs with these keys under `fabric:`, and these behind it.
Document document_of(const std::string& fabric, const std::string& more, Diagnostics& diagnostics) {
  return parse_document("shape.yaml", R"(planewise_topology: 1
name: shape
source: made up
nodes: {count: 4, gpus: 8, nics: 8, nvlink_rate: 200 GB/s, nvlink_latency: 1 us, source: made up}
fabric:
)" + fabric + R"(
  link_rate: 400 Gb/s
  switch_latency: 1 us
  routing: ecmp
  source: made up
)" + more,
                        diagnostics);
}

TopologySpec read(const std::string& fabric, const std::string& more = "") {
  Diagnostics diagnostics;
  TopologySpec topology = read_topology(document_of(fabric, more, diagnostics), diagnostics);
  for (const Diagnostic& d : diagnostics.list()) ADD_FAILURE() << render(d);
  return topology;
}

std::string hint_of(const std::string& fabric) {
  Diagnostics diagnostics;
  read_topology(document_of(fabric, "", diagnostics), diagnostics);
  EXPECT_EQ(diagnostics.list().size(), 1U);
  return diagnostics.empty() ? "" : diagnostics.list().front().hint;
}

TEST(Shapes, Dragonfly) {
  const TopologySpec topology = read(R"(  family: dragonfly
  endpoints_per_switch: 4
  switches_per_group: 8
  global_links_per_switch: 3
  groups: 25
  radix: 14)");
  EXPECT_EQ(topology.fabric.family, Family::dragonfly);
  const auto& shape = std::get<DragonflySpec>(topology.fabric.shape);
  EXPECT_EQ(shape.endpoints_per_switch, 4);
  EXPECT_EQ(shape.switches_per_group, 8);
  EXPECT_EQ(shape.global_links_per_switch, 3);
  EXPECT_EQ(shape.groups, 25);
  EXPECT_FALSE(topology.fabric.as_printed);
  EXPECT_EQ(topology.fabric.uplink_rate, gigabits_per_second(400));
  EXPECT_EQ(node_capacity(topology), 25 * 8 * 4 / 8);
}

TEST(Shapes, DragonflyPlus) {
  const TopologySpec topology = read("  family: dragonfly_plus\n  groups: 5\n  radix: 16");
  EXPECT_EQ(std::get<DragonflyPlusSpec>(topology.fabric.shape).groups, 5);
  EXPECT_EQ(node_capacity(topology), 5 * 8 * 8 / 8);  // 8 leaves of 8 endpoints a group
}

TEST(Shapes, SlimFlyAndItsPrintedCounts) {
  const TopologySpec built =
      read("  family: slim_fly\n  q: 27\n  endpoints_per_switch: 20\n  radix: 64");
  EXPECT_EQ(std::get<SlimFlySpec>(built.fabric.shape).q, 27);
  EXPECT_EQ(node_capacity(built), 2 * 27 * 27 * 20 / 8);
  const TopologySpec printed = read(
      "  family: slim_fly\n  as_printed: true\n  q: 28\n  endpoints_per_switch: 21\n  radix: 64");
  EXPECT_TRUE(printed.fabric.as_printed);
  EXPECT_EQ(hint_of("  family: slim_fly\n  q: 28\n  endpoints_per_switch: 21\n  radix: 64"),
            "write 27 or 29, or 'as_printed: true' for counts without a graph");
  EXPECT_EQ(hint_of("  family: slim_fly\n  q: 6\n  endpoints_per_switch: 1\n  radix: 64"),
            "write 5 or 7");
}

TEST(Shapes, HyperXAndTorus) {
  const TopologySpec plain =
      read("  family: hyperx\n  extents: [4, 3]\n  endpoints_per_switch: 5\n  radix: 64");
  const auto& hyperx = std::get<HyperXSpec>(plain.fabric.shape);
  EXPECT_EQ(hyperx.extents, (std::vector<std::int64_t>{4, 3}));
  EXPECT_EQ(hyperx.parallel_links, (std::vector<std::int64_t>{1, 1}));
  EXPECT_EQ(node_capacity(plain), 4 * 3 * 5 / 8);
  const TopologySpec doubled = read(
      "  family: hyperx\n  extents: [4, 3]\n  parallel_links: [2, 5]\n  endpoints_per_switch: "
      "5\n  radix: 64");
  EXPECT_EQ(std::get<HyperXSpec>(doubled.fabric.shape).parallel_links,
            (std::vector<std::int64_t>{2, 5}));
  const TopologySpec torus =
      read("  family: torus\n  extents: [4, 2, 3]\n  endpoints_per_switch: 2\n  radix: 8");
  EXPECT_EQ(std::get<TorusSpec>(torus.fabric.shape).extents, (std::vector<std::int64_t>{4, 2, 3}));
  EXPECT_EQ(node_capacity(torus), 4 * 2 * 3 * 2 / 8);
}

TEST(Shapes, DualTor) {
  const TopologySpec topology = read(R"(  family: dual_tor
  segment_nodes: 16
  segments_per_pod: 2
  leaf_uplinks: 8
  spines_per_pod: 4
  spine_uplinks: 2
  uplink_rate: 800 Gb/s
  radix: 128)");
  const auto& shape = std::get<DualTorSpec>(topology.fabric.shape);
  EXPECT_EQ(shape.segment_nodes, 16);
  EXPECT_EQ(shape.segments_per_pod, 2);
  EXPECT_EQ(shape.leaf_uplinks, 8);
  EXPECT_EQ(shape.spines_per_pod, 4);
  EXPECT_EQ(shape.spine_uplinks, 2);
  EXPECT_EQ(topology.fabric.planes, 2);
  EXPECT_EQ(topology.fabric.ports_per_uplink(), 2);
  EXPECT_EQ(endpoint_count(topology), 4 * 8 * 2);
  EXPECT_EQ(endpoints_per_plane(topology), 32);
  // A core has 64 ports of 800 Gb/s, one a pod.
  EXPECT_EQ(node_capacity(topology), 64 * 2 * 16);
}

TEST(Shapes, RailOnlyHasAPlaneAGpu) {
  EXPECT_EQ(read("  family: rail_only\n  layers: 2\n  radix: 64").fabric.planes, 8);
}

TEST(Shapes, CustomSwitchesAreSortedByLayer) {
  const TopologySpec topology = read(R"(  family: custom
  switches:
    - {name: top, layer: core}
    - {name: b, endpoints: 20}
    - {name: mid, radix: 12}
    - {name: a, endpoints: 12}
  links:
    - {from: top, to: mid, links: 3}
    - {from: mid, to: b, links: 4}
    - {from: a, to: mid}
    - {from: a, to: b, links: 2}
  radix: 40)");
  const auto& custom = std::get<CustomSpec>(topology.fabric.shape);
  ASSERT_EQ(custom.switches.size(), 4U);
  EXPECT_EQ(custom.switches[0].name, "b");
  EXPECT_EQ(custom.switches[1].name, "a");
  EXPECT_EQ(custom.switches[2].name, "mid");
  EXPECT_EQ(custom.switches[2].layer, Layer::spine);
  EXPECT_EQ(custom.switches[2].radix, 12);
  EXPECT_EQ(custom.switches[3].name, "top");
  EXPECT_EQ(custom.switches[3].radix, 40);
  // From the lower layer to the upper one, however it was written.
  ASSERT_EQ(custom.links.size(), 4U);
  EXPECT_EQ(custom.links[0].from, 2);
  EXPECT_EQ(custom.links[0].to, 3);
  EXPECT_EQ(custom.links[0].links, 3);
  EXPECT_EQ(custom.links[1].from, 0);
  EXPECT_EQ(custom.links[1].to, 2);
  EXPECT_EQ(custom.links[2].from, 1);
  EXPECT_EQ(custom.links[2].links, 1);
  EXPECT_EQ(custom.links[3].from, 1);
  EXPECT_EQ(custom.links[3].to, 0);
  EXPECT_EQ(node_capacity(topology), 32 / 8);
}

TEST(Shapes, OtherNetworksAndTheFloor) {
  const TopologySpec topology = read("  family: fat_tree\n  layers: 2\n  radix: 64",
                                     R"(storage: {nics: 2, leaf_oversubscription: 3, source: s}
management: {ports_per_node: 2, radix: 48, switch: oob, source: s}
floor: {nodes_per_rack: 3, aisle: 2 m, source: s}
)");
  EXPECT_EQ(topology.storage->nics, 2);
  EXPECT_EQ(topology.storage->leaf_oversubscription, 3);
  EXPECT_EQ(topology.management->ports_per_node, 2);
  EXPECT_EQ(topology.management->radix, 48);
  EXPECT_EQ(topology.management->switch_part, "oob");
  EXPECT_EQ(topology.floor.nodes_per_rack, 3);
  EXPECT_EQ(topology.floor.switches_per_rack, 8);
  EXPECT_EQ(topology.floor.aisle, metres(2));
  EXPECT_EQ(topology.floor.rack_width, metres(0.6));
  EXPECT_FALSE(topology.equipment.has_value());
}

TEST(Shapes, ScalableUnitsOfRails) {
  const TopologySpec topology = read("  family: mrft\n  layers: 2\n  unit_nodes: 12\n  radix: 64");
  EXPECT_EQ(topology.fabric.tree().unit_nodes, 12);
  EXPECT_EQ(read("  family: mrft\n  layers: 2\n  radix: 64").fabric.tree().unit_nodes, 0);
}

TEST(Shapes, SwitchesOfAnNvlinkDomain) {
  Diagnostics diagnostics;
  const std::string text =
      document_of("  family: fat_tree\n  layers: 2\n  radix: 64", "", diagnostics).origin.text;
  EXPECT_FALSE(read_topology(parse_document("shape.yaml", text, diagnostics), diagnostics)
                   .nodes.nvlink.has_value());
  const std::string chips =
      "nvlink: {switches: 4, ports: 64, links_per_gpu: 18, source: s}, source: made up}\nfabric:";
  const TopologySpec topology = read_topology(
      parse_document("shape.yaml", test::changed(text, "source: made up}\nfabric:", chips),
                     diagnostics),
      diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  ASSERT_TRUE(topology.nodes.nvlink.has_value());
  EXPECT_EQ(topology.nodes.nvlink->switches, 4);
  EXPECT_EQ(topology.nodes.nvlink->ports, 64);
  EXPECT_EQ(topology.nodes.nvlink->links_per_gpu, 18);
  EXPECT_EQ(topology.nodes.nvlink->source, "s");
}

// Whatever file exists may be named as the catalogue; it is not read here.
TEST(Shapes, PartsOfUpperLayersAreThoseBelow) {
  const auto equipment = [](const std::string& parts) {
    return *read("  family: fat_tree\n  layers: 2\n  radix: 64",
                 "equipment: {catalogue: " PLANEWISE_ROOT
                 "/topologies/parts/catalogue-2026.yaml, leaf: a, nic: n, " +
                     parts + "source: s}\n")
                .equipment;
  };
  const EquipmentSpec one = equipment("");
  EXPECT_EQ(one.leaf, "a");
  EXPECT_EQ(one.spine, "a");
  EXPECT_EQ(one.core, "a");
  EXPECT_EQ(one.nic, "n");
  EXPECT_EQ(one.rack, "");
  EXPECT_TRUE(one.links.empty());
  EXPECT_EQ(one.source, "s");
  const EquipmentSpec two = equipment("spine: b, rack: r, links: [x, y], ");
  EXPECT_EQ(two.leaf, "a");
  EXPECT_EQ(two.core, "b");
  EXPECT_EQ(two.rack, "r");
  EXPECT_EQ(two.links, (std::vector<std::string>{"x", "y"}));
  const EquipmentSpec three = equipment("spine: b, core: c, ");
  EXPECT_EQ(three.spine, "b");
  EXPECT_EQ(three.core, "c");
}

// The estimates of FloorSpec, unless the file says otherwise.
TEST(Shapes, AFloorWithoutNumbers) {
  const FloorSpec floor = read("  family: fat_tree\n  layers: 2\n  radix: 64").floor;
  EXPECT_EQ(floor.nodes_per_rack, 4);
  EXPECT_EQ(floor.switches_per_rack, 8);
  EXPECT_EQ(floor.racks_per_row, 0);
  EXPECT_EQ(floor.rack_depth, metres(1.2));
  EXPECT_EQ(floor.aisle, metres(1.8));
  EXPECT_EQ(floor.tray_height, metres(1));
  EXPECT_EQ(floor.within_rack, metres(1));
  EXPECT_EQ(floor.source, "");
}

TEST(Shapes, StorageIsTheSmallestFatTree) {
  TopologySpec topology;
  topology.nodes = {.count = 2048, .gpus = 8, .nics = 8};
  topology.fabric.radix = 64;
  topology.fabric.planes = 8;
  topology.fabric.family = Family::mpft;
  topology.storage = StorageSpec{.nics = 1};
  const TopologySpec small = storage_topology(topology);
  EXPECT_EQ(small.fabric.family, Family::fat_tree);
  EXPECT_EQ(small.fabric.planes, 1);
  EXPECT_EQ(small.nodes.nics, 1);
  EXPECT_EQ(small.fabric.tree().layers, 2);  // 2,048 endpoints fit: 64 leaves of 32
  topology.nodes.count = 2049;
  EXPECT_EQ(storage_topology(topology).fabric.tree().layers, 3);
  topology.storage->leaf_oversubscription = 3;  // 48 of 64 ports down: 64 leaves hold 3,072
  topology.nodes.count = 3072;
  EXPECT_EQ(storage_topology(topology).fabric.tree().layers, 2);
  EXPECT_EQ(node_capacity(storage_topology(topology)), 3072);
}

TEST(Shapes, FieldsAndDegreesOfSlimFly) {
  for (const std::int64_t q : {2, 3, 4, 5, 7, 8, 9, 11, 16, 25, 27, 32, 49, 121, 128}) {
    EXPECT_TRUE(is_prime_power(q)) << q;
  }
  for (const std::int64_t q : {0, 1, 6, 10, 12, 15, 18, 28, 36, 100}) {
    EXPECT_FALSE(is_prime_power(q)) << q;
  }
  // (3q - d) / 2: q = 5 = 4 + 1, q = 7 = 8 - 1, q = 8.
  EXPECT_EQ(slim_fly_degree(5), 7);
  EXPECT_EQ(slim_fly_degree(7), 11);
  EXPECT_EQ(slim_fly_degree(8), 12);
}

}  // namespace
}  // namespace planewise::spec
