// A fabric as a Boost.Graph graph: one vertex an endpoint or switch, one edge a link.
// The only public header that shows Boost: for tests and for the exports, never for a main.
#pragma once

#include <boost/graph/adjacency_list.hpp>
#include <cstdint>

#include "fabric/fabric.h"

namespace planewise::fabric {

enum class VertexKind : std::uint8_t { endpoint, leaf, spine, core, nvlink_switch };

struct Vertex {
  VertexKind kind = VertexKind::endpoint;
  std::int32_t plane = 0;
  std::int32_t index = 0;  ///< Within its kind and plane; for an endpoint as in attach().
};

/// One link. `index` is the Link::index of the Router's two directed links over it, unless under
/// `spray`: there a leaf's ports up, or those of all spines of a pod, are one trunk of consecutive
/// indexes.
struct Edge {
  EdgeKind kind = EdgeKind::endpoint;
  /// The endpoint, or else the number of the link among those of its kind in all planes.
  std::int32_t index = 0;
};

/// Parallel edges are parallel links; an edge's source is its lower end. Endpoints come first, then
/// plane by plane leaves, spines, cores.
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, Vertex, Edge>;

/// Builds every vertex and edge of `fabric`, without the NVLink domains: 65,536 endpoints in three
/// layers are 197k edges, 20 MB. Requires: not `as_printed`.
Graph make_graph(const Fabric& fabric);

/// Counts vertices and edges, the slow way round; must equal count() but for `endpoint_capacity`
/// and the NVLink domains, which this graph does not show (0).
Counts count(const Graph& graph, const Fabric& fabric);

/// Builds one NVLink domain: its GPUs as endpoints, its switches, and an edge a link. Requires that
/// the topology says what is in it.
Graph make_nvlink_domain(const spec::NodesSpec& nodes);

/// The vertex of a switch, numbered within its plane as in Bundle.
std::int64_t switch_vertex(const Fabric& fabric, std::int64_t plane, std::int64_t number);

}  // namespace planewise::fabric
