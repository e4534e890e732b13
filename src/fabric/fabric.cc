#include "fabric/fabric.h"

#include <algorithm>

#include "base/check.h"
#include "base/overloads.h"
#include "fabric/families.h"
#include "fabric/graph_metrics.h"

namespace planewise::fabric {
namespace {

double narrowest_layer(const Fabric& fabric) {
  const PlaneLayout& plane = fabric.plane;
  const auto width = static_cast<double>(fabric.topology.fabric.ports_per_uplink());
  auto links = static_cast<double>(plane.endpoints);
  if (plane.leaves > 1) links = std::min(links, static_cast<double>(plane.leaf_links) * width);
  if (plane.pods > 1) links = std::min(links, static_cast<double>(plane.spine_links) * width);
  return links / 2;
}

/// Links across an even division of one plane, in links at the link rate.
double cut(const Fabric& fabric) {
  return std::visit(
      Overloads{[&](const spec::TreeSpec&) { return narrowest_layer(fabric); },
                [](const spec::DragonflySpec& s) { return cut_dragonfly(s); },
                [&](const spec::DragonflyPlusSpec& s) {
                  return cut_dragonfly_plus(s, fabric.topology.fabric.radix);
                },
                [](const spec::SlimFlySpec& s) { return cut_slim_fly(s); },
                [](const spec::HyperXSpec& s) { return cut_hyperx(s); },
                [](const spec::TorusSpec& s) { return cut_torus(s); },
                [&](const spec::DualTorSpec&) { return narrowest_layer(fabric); },
                [&](const spec::CustomSpec&) { return static_cast<double>(graph_cut(fabric)); }},
      fabric.topology.fabric.shape);
}

int tree_diameter(const PlaneLayout& plane) {
  if (plane.leaves == 1) return 0;
  return plane.pods == 1 ? 2 : 4;
}

}  // namespace

PlaneLayout lay_out_leaves(const spec::TopologySpec& topology) {
  const spec::SwitchGrid grid = spec::switch_grid(topology.fabric);
  PlaneLayout plane;
  plane.endpoints = spec::endpoints_per_plane(topology);
  plane.leaves = grid.switches;
  plane.endpoint_capacity = grid.switches * grid.endpoints_per_switch;
  plane.leaf_ports.down = static_cast<int>(grid.endpoints_per_switch);
  plane.leaves_per_pod = plane.leaves;
  plane.switch_ports = plane.leaves * topology.fabric.radix;
  return plane;
}

std::int64_t PlaneLayout::links(EdgeKind kind) const {
  switch (kind) {
    case EdgeKind::endpoint:
      return endpoints;
    case EdgeKind::leaf:
      return leaf_links;
    case EdgeKind::spine:
      return spine_links;
    case EdgeKind::local:
      return local_links;
    case EdgeKind::global:
      return global_links;
  }
  PW_UNREACHABLE("an edge of no kind");
}

Layer PlaneLayout::layer_of(std::int64_t number) const {
  if (number < leaves) return Layer::leaf;
  return number < leaves + spines() ? Layer::spine : Layer::core;
}

int switch_radix(const Fabric& fabric, std::int64_t number) {
  const auto* custom = std::get_if<spec::CustomSpec>(&fabric.topology.fabric.shape);
  if (custom == nullptr) return fabric.topology.fabric.radix;
  return custom->switches[static_cast<std::size_t>(number)].radix;
}

Fabric lay_out(const spec::TopologySpec& topology) {
  PW_CHECK(topology.nodes.count >= 1);
  PlaneLayout plane = std::visit(
      Overloads{
          [&](const spec::TreeSpec&) { return lay_out_tree(topology); },
          [&](const spec::DragonflySpec& s) { return lay_out_dragonfly(topology, s); },
          [&](const spec::DragonflyPlusSpec& s) { return lay_out_dragonfly_plus(topology, s); },
          [&](const spec::SlimFlySpec& s) { return lay_out_slim_fly(topology, s); },
          [&](const spec::HyperXSpec& s) { return lay_out_hyperx(topology, s); },
          [&](const spec::TorusSpec& s) { return lay_out_torus(topology, s); },
          [&](const spec::DualTorSpec& s) { return lay_out_dual_tor(topology, s); },
          [&](const spec::CustomSpec& s) { return lay_out_custom(topology, s); }},
      topology.fabric.shape);
  return {.topology = topology, .plane = std::move(plane)};
}

Counts count(const Fabric& fabric) {
  const PlaneLayout& plane = fabric.plane;
  const std::int64_t planes = fabric.topology.fabric.planes;
  Counts counts{.endpoints = planes * plane.endpoints,
                .endpoint_capacity = planes * plane.endpoint_capacity,
                .leaf_switches = planes * plane.leaves,
                .spine_switches = planes * plane.spines(),
                .core_switches = planes * plane.cores,
                .inter_switch_links = planes * plane.inter_switch_links(),
                .endpoint_links = planes * plane.endpoints};
  // A link between switches takes a port (or several, if it is faster) at either end.
  counts.unused_switch_ports =
      planes * plane.switch_ports -
      2 * counts.inter_switch_links * fabric.topology.fabric.ports_per_uplink() -
      counts.endpoint_links;
  if (const auto& nvlink = fabric.topology.nodes.nvlink) {
    counts.nvlink_switches = fabric.topology.nodes.count * nvlink->switches;
    counts.nvlink_links = fabric.gpu_count() * nvlink->links_per_gpu;
  }
  return counts;
}

void visit_bundles(const Fabric& fabric, const BundleSink& sink) {
  PW_CHECK(!fabric.topology.fabric.as_printed);
  std::visit(
      Overloads{[&](const spec::TreeSpec&) { visit_tree(fabric, sink); },
                [&](const spec::DragonflySpec& s) { visit_dragonfly(s, sink); },
                [&](const spec::DragonflyPlusSpec& s) { visit_dragonfly_plus(fabric, s, sink); },
                [&](const spec::SlimFlySpec& s) { visit_slim_fly(s, sink); },
                [&](const spec::HyperXSpec& s) { visit_hyperx(s, sink); },
                [&](const spec::TorusSpec& s) { visit_torus(s, sink); },
                [&](const spec::DualTorSpec& s) { visit_dual_tor(fabric, s, sink); },
                [&](const spec::CustomSpec& s) { visit_custom(s, sink); }},
      fabric.topology.fabric.shape);
}

int diameter(const Fabric& fabric) {
  const PlaneLayout& plane = fabric.plane;
  return std::visit(
      Overloads{[&](const spec::TreeSpec&) { return tree_diameter(plane); },
                [&](const spec::DragonflySpec& s) {
                  const int in_group = s.switches_per_group > 1 ? 1 : 0;
                  return s.groups > 1 ? 2 * in_group + 1 : in_group;
                },
                [](const spec::DragonflyPlusSpec& s) { return s.groups > 1 ? 3 : 2; },
                [](const spec::SlimFlySpec&) { return 2; },
                [](const spec::HyperXSpec& s) { return static_cast<int>(s.extents.size()); },
                [](const spec::TorusSpec& s) {
                  std::int64_t sum = 0;
                  for (const std::int64_t extent : s.extents) sum += extent / 2;
                  return static_cast<int>(sum);
                },
                [&](const spec::DualTorSpec&) { return tree_diameter(plane); },
                [&](const spec::CustomSpec&) { return graph_diameter(fabric); }},
      fabric.topology.fabric.shape);
}

Rate bisection(const Fabric& fabric) {
  const double links = std::min(cut(fabric), static_cast<double>(fabric.plane.endpoints) / 2) *
                       static_cast<double>(fabric.topology.fabric.planes);
  return fabric.topology.fabric.link_rate * links;
}

}  // namespace planewise::fabric
