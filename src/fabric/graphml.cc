// GraphML (graphml.graphdrawing.org) as Boost writes it.
#include <array>
#include <boost/graph/graphml.hpp>
#include <boost/property_map/function_property_map.hpp>
#include <sstream>
#include <vector>

#include "base/check.h"
#include "fabric/exports.h"
#include "fabric/graph.h"
#include "fabric/names.h"
#include "fabric/ports.h"

namespace planewise::fabric {
namespace {

using VertexId = boost::graph_traits<Graph>::vertex_descriptor;
using EdgeId = boost::graph_traits<Graph>::edge_descriptor;

constexpr std::size_t kEdgeKinds = 5;

DeviceKind device_kind(VertexKind kind) {
  switch (kind) {
    case VertexKind::endpoint:
      return DeviceKind::endpoint;
    case VertexKind::leaf:
      return DeviceKind::leaf;
    case VertexKind::spine:
      return DeviceKind::spine;
    case VertexKind::core:
      return DeviceKind::core;
    case VertexKind::nvlink_switch:
      break;
  }
  PW_UNREACHABLE("not a vertex of make_graph()");
}

const char* edge_word(EdgeKind kind) {
  switch (kind) {
    case EdgeKind::endpoint:
      return "endpoint";
    case EdgeKind::leaf:
      return "leaf";
    case EdgeKind::spine:
      return "spine";
    case EdgeKind::local:
      return "local";
    case EdgeKind::global:
      return "global";
  }
  PW_UNREACHABLE("an edge of no kind");
}

/// Ports at the source and the target of an edge.
struct Ports {
  std::int32_t source = 0;
  std::int32_t target = 0;
};

/// The ports of all links of each kind, by Edge::index.
std::array<std::vector<Ports>, kEdgeKinds> ports_of_links(const Fabric& fabric) {
  std::array<std::vector<Ports>, kEdgeKinds> ports;
  for (std::size_t kind = 0; kind < kEdgeKinds; ++kind) {
    const std::int64_t links = fabric.plane.links(static_cast<EdgeKind>(kind));
    ports[kind].resize(static_cast<std::size_t>(links * fabric.topology.fabric.planes));
  }
  visit_cables(fabric, [&](std::span<const Cable> cables) {
    for (const Cable& cable : cables) {
      ports[static_cast<std::size_t>(cable.kind)][static_cast<std::size_t>(cable.index)] = {
          .source = cable.lower_port, .target = cable.upper_port};
    }
  });
  return ports;
}

}  // namespace

std::string to_graphml(const Fabric& fabric) {
  const Graph graph = make_graph(fabric);
  const auto ports = ports_of_links(fabric);
  const auto ports_of = [&](EdgeId edge) {
    const Edge& link = graph[edge];
    return ports[static_cast<std::size_t>(link.kind)][static_cast<std::size_t>(link.index)];
  };
  const double link_gbps = fabric.topology.fabric.link_rate.in(gigabits_per_second(1));
  const double uplink_gbps = fabric.topology.fabric.uplink_rate.in(gigabits_per_second(1));

  boost::dynamic_properties properties;
  const auto add_vertex = [&](const std::string& name, const auto& function) {
    properties.property(name, boost::make_function_property_map<VertexId>(function));
  };
  const auto add_edge = [&](const std::string& name, const auto& function) {
    properties.property(name, boost::make_function_property_map<EdgeId>(function));
  };
  add_vertex("kind",
             [&](VertexId id) { return std::string(device_word(device_kind(graph[id].kind))); });
  add_vertex("name", [&](VertexId id) {
    const Vertex& vertex = graph[id];
    return device_name(
        fabric, {.kind = device_kind(vertex.kind), .plane = vertex.plane, .index = vertex.index});
  });
  add_vertex("plane", [&](VertexId id) { return static_cast<int>(graph[id].plane); });
  add_vertex("index", [&](VertexId id) { return static_cast<int>(graph[id].index); });
  add_edge("kind", [&](EdgeId id) { return std::string(edge_word(graph[id].kind)); });
  add_edge("rate_gbps", [&](EdgeId id) {
    return graph[id].kind == EdgeKind::endpoint ? link_gbps : uplink_gbps;
  });
  add_edge("source_port", [&](EdgeId id) { return static_cast<int>(ports_of(id).source); });
  add_edge("target_port", [&](EdgeId id) { return static_cast<int>(ports_of(id).target); });

  std::ostringstream out;
  boost::write_graphml(out, graph, properties, true);
  return out.str();
}

}  // namespace planewise::fabric
