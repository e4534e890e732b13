#include "fabric/graph.h"

#include "base/check.h"
#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

using VertexId = boost::graph_traits<Graph>::vertex_descriptor;

/// Adds vertices and edges in the order of their numbers, plane by plane.
class Builder {
 public:
  Builder(const Fabric& fabric, Graph& graph)
      : fabric_(fabric), plane_(fabric.plane), graph_(graph) {}

  void build() {
    const std::int64_t planes = fabric_.topology.fabric.planes;
    add_endpoints(planes);
    for (std::int64_t plane = 0; plane < planes; ++plane) add_plane(plane);
    for (std::int64_t plane = 0; plane < planes; ++plane) add_leaf_links(plane);
    for (std::int64_t plane = 0; plane < planes; ++plane) add_spine_links(plane);
  }

 private:
  std::int64_t switches_per_plane() const {
    return plane_.leaves + plane_.spines() + plane_.cores();
  }
  std::int64_t first_leaf(std::int64_t plane) const {
    return plane_.endpoints * fabric_.topology.fabric.planes + plane * switches_per_plane();
  }
  std::int64_t first_spine(std::int64_t plane) const { return first_leaf(plane) + plane_.leaves; }
  std::int64_t first_core(std::int64_t plane) const { return first_spine(plane) + plane_.spines(); }

  Vertex& vertex(std::int64_t id) { return graph_[static_cast<VertexId>(id)]; }

  struct Ends {
    std::int64_t lower = 0;
    std::int64_t upper = 0;
  };
  void add_link(const Ends& ends, EdgeKind kind, std::int64_t index) {
    boost::add_edge(static_cast<VertexId>(ends.lower), static_cast<VertexId>(ends.upper),
                    Edge{.kind = kind, .index = static_cast<std::int32_t>(index)}, graph_);
  }

  void add_endpoints(std::int64_t planes) {
    for (std::int64_t endpoint = 0; endpoint < planes * plane_.endpoints; ++endpoint) {
      const Attachment at = attach(fabric_, endpoint);
      vertex(endpoint) = {.kind = VertexKind::endpoint,
                          .plane = static_cast<std::int32_t>(at.plane),
                          .index = static_cast<std::int32_t>(endpoint)};
      add_link({.lower = endpoint, .upper = first_leaf(at.plane) + at.leaf}, EdgeKind::endpoint,
               endpoint);
    }
  }

  void add_plane(std::int64_t plane) {
    const auto fill = [&](VertexKind kind, std::int64_t first, std::int64_t size) {
      for (std::int64_t index = 0; index < size; ++index) {
        vertex(first + index) = {.kind = kind,
                                 .plane = static_cast<std::int32_t>(plane),
                                 .index = static_cast<std::int32_t>(index)};
      }
    };
    fill(VertexKind::leaf, first_leaf(plane), plane_.leaves);
    fill(VertexKind::spine, first_spine(plane), plane_.spines());
    fill(VertexKind::core, first_core(plane), plane_.cores());
  }

  void add_leaf_links(std::int64_t plane) {
    if (plane_.spines_per_pod == 0) return;
    const Tier tier = leaf_tier(plane_);
    for (std::int64_t leaf = 0; leaf < plane_.leaves; ++leaf) {
      const std::int64_t pod = leaf / plane_.leaves_per_pod;
      const std::int64_t in_pod = leaf % plane_.leaves_per_pod;
      for (std::int64_t port = 0; port < tier.uplinks; ++port) {
        const std::int64_t spine =
            pod * plane_.spines_per_pod + upper_of(tier, {.lower = in_pod, .port = port});
        add_link({.lower = first_leaf(plane) + leaf, .upper = first_spine(plane) + spine},
                 EdgeKind::leaf, next_leaf_link_++);
      }
    }
  }

  void add_spine_links(std::int64_t plane) {
    if (plane_.cores_per_spine_index == 0) return;
    const Tier tier = spine_tier(plane_);
    for (std::int64_t spine = 0; spine < plane_.spines(); ++spine) {
      const std::int64_t pod = spine / plane_.spines_per_pod;
      const std::int64_t core_plane = spine % plane_.spines_per_pod;
      for (std::int64_t port = 0; port < tier.uplinks; ++port) {
        const std::int64_t core = core_plane * plane_.cores_per_spine_index +
                                  upper_of(tier, {.lower = pod, .port = port});
        add_link({.lower = first_spine(plane) + spine, .upper = first_core(plane) + core},
                 EdgeKind::spine, next_spine_link_++);
      }
    }
  }

  const Fabric& fabric_;
  const PlaneLayout& plane_;
  Graph& graph_;
  std::int64_t next_leaf_link_ = 0;
  std::int64_t next_spine_link_ = 0;
};

}  // namespace

Graph make_graph(const Fabric& fabric) {
  const Counts counts = count(fabric);
  Graph graph(static_cast<std::size_t>(counts.endpoints + counts.switches()));
  Builder(fabric, graph).build();
  return graph;
}

Counts count(const Graph& graph, const Fabric& fabric) {
  Counts counts;
  for (const VertexId id : boost::make_iterator_range(boost::vertices(graph))) {
    switch (graph[id].kind) {
      case VertexKind::endpoint:
        ++counts.endpoints;
        continue;
      case VertexKind::leaf:
        ++counts.leaf_switches;
        break;
      case VertexKind::spine:
        ++counts.spine_switches;
        break;
      case VertexKind::core:
        ++counts.core_switches;
        break;
    }
    counts.unused_switch_ports +=
        fabric.topology.fabric.radix - static_cast<std::int64_t>(boost::out_degree(id, graph));
  }
  for (const auto edge : boost::make_iterator_range(boost::edges(graph))) {
    ++(graph[edge].kind == EdgeKind::endpoint ? counts.endpoint_links : counts.inter_switch_links);
  }
  return counts;
}

}  // namespace planewise::fabric
