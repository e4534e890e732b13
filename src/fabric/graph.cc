#include "fabric/graph.h"

#include "base/check.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

using VertexId = boost::graph_traits<Graph>::vertex_descriptor;

void name_switches(const Fabric& fabric, std::int64_t plane, Graph& graph) {
  const auto fill = [&](VertexKind kind, std::int64_t first, std::int64_t size) {
    for (std::int64_t index = 0; index < size; ++index) {
      graph[static_cast<VertexId>(switch_vertex(fabric, plane, first + index))] = {
          .kind = kind,
          .plane = static_cast<std::int32_t>(plane),
          .index = static_cast<std::int32_t>(index)};
    }
  };
  const PlaneLayout& layout = fabric.plane;
  fill(VertexKind::leaf, 0, layout.leaves);
  fill(VertexKind::spine, layout.leaves, layout.spines());
  fill(VertexKind::core, layout.leaves + layout.spines(), layout.cores);
}

void add_endpoints(const Fabric& fabric, Graph& graph) {
  for (std::int64_t endpoint = 0; endpoint < fabric.endpoint_count(); ++endpoint) {
    const Attachment at = attach(fabric, endpoint);
    const auto vertex = static_cast<VertexId>(endpoint);
    graph[vertex] = {.kind = VertexKind::endpoint,
                     .plane = static_cast<std::int32_t>(at.plane),
                     .index = static_cast<std::int32_t>(endpoint)};
    boost::add_edge(vertex, static_cast<VertexId>(switch_vertex(fabric, at.plane, at.leaf)),
                    Edge{.kind = EdgeKind::endpoint, .index = static_cast<std::int32_t>(endpoint)},
                    graph);
  }
}

void add_links(const Fabric& fabric, std::int64_t plane, Graph& graph) {
  visit_bundles(fabric, [&](std::span<const Bundle> bundles) {
    for (const Bundle& bundle : bundles) {
      const auto lower = static_cast<VertexId>(switch_vertex(fabric, plane, bundle.lower));
      const auto upper = static_cast<VertexId>(switch_vertex(fabric, plane, bundle.upper));
      const std::int64_t first = plane * fabric.plane.links(bundle.kind) + bundle.first;
      for (std::int64_t link = 0; link < bundle.links; ++link) {
        boost::add_edge(lower, upper,
                        Edge{.kind = bundle.kind,
                             .index = static_cast<std::int32_t>(first + link * bundle.stride)},
                        graph);
      }
    }
  });
}

}  // namespace

std::int64_t switch_vertex(const Fabric& fabric, std::int64_t plane, std::int64_t number) {
  return fabric.endpoint_count() + plane * fabric.plane.switches() + number;
}

Graph make_graph(const Fabric& fabric) {
  Graph graph(static_cast<std::size_t>(fabric.endpoint_count() + fabric.switch_count()));
  const std::int64_t planes = fabric.topology.fabric.planes;
  add_endpoints(fabric, graph);
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    name_switches(fabric, plane, graph);
    add_links(fabric, plane, graph);
  }
  return graph;
}

Counts count(const Graph& graph, const Fabric& fabric) {
  Counts counts;
  for (const VertexId id : boost::make_iterator_range(boost::vertices(graph))) {
    switch (graph[id].kind) {
      case VertexKind::endpoint:
        ++counts.endpoints;
        break;
      case VertexKind::leaf:
        ++counts.leaf_switches;
        break;
      case VertexKind::spine:
        ++counts.spine_switches;
        break;
      case VertexKind::core:
        ++counts.core_switches;
        break;
      case VertexKind::nvlink_switch:
        ++counts.nvlink_switches;
        break;
    }
  }
  counts.unused_switch_ports = fabric.topology.fabric.planes * fabric.plane.switch_ports;
  for (const auto edge : boost::make_iterator_range(boost::edges(graph))) {
    const bool is_endpoint = graph[edge].kind == EdgeKind::endpoint;
    ++(is_endpoint ? counts.endpoint_links : counts.inter_switch_links);
    counts.unused_switch_ports -= is_endpoint ? 1 : 2 * fabric.topology.fabric.ports_per_uplink();
  }
  return counts;
}

Graph make_nvlink_domain(const spec::NodesSpec& nodes) {
  PW_CHECK(nodes.nvlink.has_value());
  const spec::NvlinkSwitchSpec& nvlink = *nodes.nvlink;
  Graph graph(static_cast<std::size_t>(nodes.gpus + nvlink.switches));
  for (std::int32_t gpu = 0; gpu < nodes.gpus; ++gpu) {
    graph[static_cast<VertexId>(gpu)] = {.kind = VertexKind::endpoint, .index = gpu};
  }
  for (std::int32_t chip = 0; chip < nvlink.switches; ++chip) {
    graph[static_cast<VertexId>(nodes.gpus + chip)] = {.kind = VertexKind::nvlink_switch,
                                                       .index = chip};
  }
  for (std::int32_t link = 0; link < nodes.gpus * nvlink.links_per_gpu; ++link) {
    boost::add_edge(static_cast<VertexId>(link / nvlink.links_per_gpu),
                    static_cast<VertexId>(nodes.gpus + link % nvlink.switches),
                    Edge{.kind = EdgeKind::endpoint, .index = link}, graph);
  }
  return graph;
}

}  // namespace planewise::fabric
