// A fabric as a Boost.Graph graph: one vertex an endpoint or switch, one edge a link.
// The only public header that shows Boost: for tests and for dot.cc, never for a main.
#pragma once

#include <boost/graph/adjacency_list.hpp>
#include <cstdint>

#include "fabric/fabric.h"

namespace planewise::fabric {

enum class VertexKind : std::uint8_t { endpoint, leaf, spine, core };

struct Vertex {
  VertexKind kind = VertexKind::endpoint;
  std::int32_t plane = 0;
  std::int32_t index = 0;  ///< Within its kind and plane; for an endpoint node * nics + nic.
};

/// What a link joins, named for its lower side.
enum class EdgeKind : std::uint8_t {
  endpoint,  ///< Endpoint to leaf: LinkKind::nic_up and nic_down.
  leaf,      ///< Leaf to spine: LinkKind::leaf_up and leaf_down.
  spine,     ///< Spine to core: LinkKind::spine_up and spine_down.
};

/// One link. `index` is the Link::index of the Router's two directed links over it, unless under
/// `spray`: there a leaf's ports up, or those of all spines of a pod, are one trunk of consecutive
/// indexes.
struct Edge {
  EdgeKind kind = EdgeKind::endpoint;
  /// The endpoint, or else the number of the lower switch's port up among those of all planes.
  std::int32_t index = 0;
};

/// Parallel edges are parallel links; an edge's source is its lower end. Endpoints come first, then
/// plane by plane leaves, spines, cores.
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, Vertex, Edge>;

/// Builds every vertex and edge of `fabric`: 65,536 endpoints in three layers are 197k edges, 20
/// MB.
Graph make_graph(const Fabric& fabric);

/// Counts vertices and edges, the slow way round; must equal count() but for `endpoint_capacity`,
/// which a graph does not show (0).
Counts count(const Graph& graph, const Fabric& fabric);

}  // namespace planewise::fabric
