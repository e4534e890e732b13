#include "fabric/graph_metrics.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>

#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

using SwitchGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS>;
using FlowTraits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using FlowGraph = boost::adjacency_list<
    boost::vecS, boost::vecS, boost::directedS, boost::no_property,
    boost::property<
        boost::edge_capacity_t, std::int64_t,
        boost::property<boost::edge_residual_capacity_t, std::int64_t,
                        boost::property<boost::edge_reverse_t, FlowTraits::edge_descriptor>>>>;

struct Arc {
  std::int64_t from = 0;
  std::int64_t to = 0;
};
/// An arc that carries `capacity`, and the empty one back that Boost wants.
void add_arc(FlowGraph& flow, const Arc& arc, std::int64_t capacity) {
  const auto from = static_cast<std::size_t>(arc.from);
  const auto to = static_cast<std::size_t>(arc.to);
  const auto there = boost::add_edge(from, to, flow).first;
  const auto back = boost::add_edge(to, from, flow).first;
  boost::put(boost::edge_capacity, flow, there, capacity);
  boost::put(boost::edge_capacity, flow, back, 0);
  boost::put(boost::edge_reverse, flow, there, back);
  boost::put(boost::edge_reverse, flow, back, there);
}

}  // namespace

int graph_diameter(const Fabric& fabric) {
  SwitchGraph graph(static_cast<std::size_t>(fabric.plane.switches()));
  visit_bundles(fabric, [&](std::span<const Bundle> bundles) {
    for (const Bundle& bundle : bundles) {
      boost::add_edge(static_cast<std::size_t>(bundle.lower),
                      static_cast<std::size_t>(bundle.upper), graph);
    }
  });
  const auto leaves = static_cast<std::size_t>(fabric.plane.leaves);
  int farthest = 0;
  std::vector<int> distance(boost::num_vertices(graph));
  for (std::size_t leaf = 0; leaf < leaves; ++leaf) {
    std::fill(distance.begin(), distance.end(), 0);
    boost::breadth_first_search(graph, leaf,
                                boost::visitor(boost::make_bfs_visitor(boost::record_distances(
                                    distance.data(), boost::on_tree_edge()))));
    const auto end = distance.begin() + fabric.plane.leaves;
    farthest = std::max(farthest, *std::max_element(distance.begin(), end));
  }
  return farthest;
}

std::int64_t graph_flow(const Fabric& fabric, const std::vector<bool>& half) {
  const std::int64_t switches = fabric.plane.switches();
  const std::int64_t width = fabric.topology.fabric.ports_per_uplink();
  FlowGraph flow(static_cast<std::size_t>(switches + 2));
  visit_bundles(fabric, [&](std::span<const Bundle> bundles) {
    for (const Bundle& bundle : bundles) {
      add_arc(flow, {.from = bundle.lower, .to = bundle.upper}, bundle.links * width);
      add_arc(flow, {.from = bundle.upper, .to = bundle.lower}, bundle.links * width);
    }
  });
  visit_node_bundles(fabric, 0, [&](std::span<const NodeBundle> bundles) {
    std::int64_t endpoints = 0;
    for (const NodeBundle& bundle : bundles) endpoints += bundle.links;
    const std::int64_t leaf = bundles.front().leaf;
    if (half[static_cast<std::size_t>(leaf)]) {
      add_arc(flow, {.from = switches, .to = leaf}, endpoints);
    } else {
      add_arc(flow, {.from = leaf, .to = switches + 1}, endpoints);
    }
  });
  return boost::push_relabel_max_flow(flow, static_cast<std::size_t>(switches),
                                      static_cast<std::size_t>(switches + 1));
}

std::int64_t graph_cut(const Fabric& fabric) {
  std::vector<bool> half(static_cast<std::size_t>(fabric.plane.leaves));
  std::int64_t endpoints = 0;
  visit_node_bundles(fabric, 0, [&](std::span<const NodeBundle> bundles) {
    half[static_cast<std::size_t>(bundles.front().leaf)] = 2 * endpoints < fabric.plane.endpoints;
    for (const NodeBundle& bundle : bundles) endpoints += bundle.links;
  });
  return graph_flow(fabric, half);
}

}  // namespace planewise::fabric
