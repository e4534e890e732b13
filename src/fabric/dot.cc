#include "fabric/dot.h"

#include <algorithm>
#include <array>
#include <boost/graph/graphviz.hpp>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "fabric/graph.h"

namespace planewise::fabric {
namespace {

/// What is drawn as one box; each level merges what the ones before it do, and more.
enum class Merged : std::uint8_t {
  nothing,       // A box a switch and a node.
  nodes,         // Nodes with as many links to the same boxes.
  planes,        // Switches at the same place in their planes.
  upper_layers,  // The spines of a pod, and the cores of a plane.
  leaves,        // The leaves of a pod.
  pods           // The leaves of a plane, and its spines.
};

// The most of a picture that is still legible, chosen by looking at pictures: more edges are a
// black ribbon, and more boxes in a row a strip of paper.
constexpr std::size_t kMaxEdges = 256;
constexpr std::int64_t kMaxRow = 64;
// Longer rows run down the page, where they can be scrolled.
constexpr std::int64_t kMaxWidth = 20;

/// What one box stands for. Boxes of one key are merged.
struct BoxKey {
  VertexKind kind = VertexKind::endpoint;  // `endpoint` is for nodes.
  std::int64_t plane = -1;                 // -1: all.
  std::int64_t pod = -1;
  std::int64_t index = -1;  // The switch within its plane; the node, or the group of nodes.

  auto operator<=>(const BoxKey&) const = default;
};

struct Box {
  BoxKey key;
  std::int64_t members = 0;
  std::int64_t first = 0;  // Lowest number of a member within its plane, and highest.
  std::int64_t last = 0;
};
struct Bundle {
  std::int64_t links = 0;
};
using Drawing = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, Box, Bundle>;
using BoxId = boost::graph_traits<Drawing>::vertex_descriptor;

BoxKey switch_key(const Vertex& vertex, const PlaneLayout& plane, Merged merged) {
  BoxKey key{.kind = vertex.kind};
  if (merged < Merged::planes) key.plane = vertex.plane;
  const bool leaf = vertex.kind == VertexKind::leaf;
  if (vertex.kind != VertexKind::core && merged < Merged::pods) {
    key.pod = vertex.index / (leaf ? plane.leaves_per_pod : plane.spines_per_pod);
  }
  if (merged < (leaf ? Merged::leaves : Merged::upper_layers)) key.index = vertex.index;
  return key;
}

/// Links of one node: how many to each box.
using NodeLinks = std::map<BoxId, std::int64_t>;

class Collapser {
 public:
  Collapser(const Graph& graph, const Fabric& fabric, Merged merged)
      : graph_(graph), fabric_(fabric), merged_(merged) {}

  Drawing collapse() {
    const auto nodes = static_cast<std::size_t>(fabric_.topology.nodes.count);
    std::vector<NodeLinks> node_links(nodes);
    std::map<std::pair<BoxId, BoxId>, std::int64_t> bundles;  // Upper box first.
    box_of_switch_.resize(boost::num_vertices(graph_));
    for (const auto id : boost::make_iterator_range(boost::vertices(graph_))) {
      const Vertex& vertex = graph_[id];
      if (vertex.kind == VertexKind::endpoint) continue;
      box_of_switch_[id] = member(switch_key(vertex, fabric_.plane, merged_), vertex.index);
    }
    for (const auto edge : boost::make_iterator_range(boost::edges(graph_))) {
      const auto lower = boost::source(edge, graph_);
      const BoxId upper = box_of_switch_[boost::target(edge, graph_)];
      if (graph_[lower].kind == VertexKind::endpoint) {
        const int node = graph_[lower].index / fabric_.topology.nodes.nics;
        ++node_links[static_cast<std::size_t>(node)][upper];
      } else {
        ++bundles[{upper, box_of_switch_[lower]}];
      }
    }
    add_nodes(node_links, bundles);
    for (const auto& [ends, links] : bundles) {
      boost::add_edge(ends.first, ends.second, Bundle{.links = links}, drawing_);
    }
    return drawing_;
  }

 private:
  /// The box of `key`, which has one member more now.
  BoxId member(const BoxKey& key, std::int64_t index) {
    const auto [found, fresh] = boxes_.try_emplace(key, 0);
    if (fresh) {
      found->second = boost::add_vertex(drawing_);
      drawing_[found->second] = {.key = key, .first = index};
    }
    Box& box = drawing_[found->second];
    ++box.members;
    box.last = index;
    return found->second;
  }

  void add_nodes(const std::vector<NodeLinks>& node_links,
                 std::map<std::pair<BoxId, BoxId>, std::int64_t>& bundles) {
    std::map<NodeLinks, std::int64_t> groups;  // To the first node of each.
    for (std::size_t node = 0; node < node_links.size(); ++node) {
      const auto index = static_cast<std::int64_t>(node);
      const std::int64_t group = merged_ == Merged::nothing
                                     ? index
                                     : groups.try_emplace(node_links[node], index).first->second;
      const BoxId box = member({.kind = VertexKind::endpoint, .index = group}, index);
      for (const auto& [leaf, links] : node_links[node]) bundles[{leaf, box}] += links;
    }
  }

  const Graph& graph_;
  const Fabric& fabric_;
  Merged merged_;
  Drawing drawing_;
  std::map<BoxKey, BoxId> boxes_;
  std::vector<BoxId> box_of_switch_;
};

const char* word(VertexKind kind) {
  switch (kind) {
    case VertexKind::endpoint:
      return "node";
    case VertexKind::leaf:
      return "leaf";
    case VertexKind::spine:
      return "spine";
    case VertexKind::core:
      return "core";
    case VertexKind::nvlink_switch:
      break;
  }
  PW_UNREACHABLE("a vertex of no kind");
}

const char* colour(VertexKind kind) {
  switch (kind) {
    case VertexKind::endpoint:
      return "#f2f2f2";
    case VertexKind::leaf:
      return "#cfe8cf";
    case VertexKind::spine:
      return "#cfdff5";
    case VertexKind::core:
      return "#f5dfc0";
    case VertexKind::nvlink_switch:
      break;
  }
  PW_UNREACHABLE("a vertex of no kind");
}

std::string label(const Box& box, const Fabric& fabric) {
  const std::string kind = word(box.key.kind);
  const bool is_switch = box.key.kind != VertexKind::endpoint;
  const std::int64_t planes = fabric.topology.fabric.planes;
  const std::int64_t size = is_switch && box.key.plane < 0 ? box.members / planes : box.members;
  std::string text = kind + " " + std::to_string(box.first);
  if (size > 1) {
    const std::string plural = box.key.kind == VertexKind::leaf ? "leaves" : kind + "s";
    text = std::to_string(size) + " " + plural;
    if (box.last - box.first + 1 == size) {
      text += "\\n" + std::to_string(box.first) + " to " + std::to_string(box.last);
    }
  }
  if (!is_switch || planes == 1) return text;
  if (box.key.plane >= 0) return "plane " + std::to_string(box.key.plane) + "\\n" + text;
  return text + "\\nin each of " + std::to_string(planes) + " planes";
}

std::int64_t longest_row(const Drawing& drawing) {
  std::array<std::int64_t, 4> lengths{};
  for (const BoxId id : boost::make_iterator_range(boost::vertices(drawing))) {
    ++lengths[static_cast<std::size_t>(drawing[id].key.kind)];
  }
  return *std::max_element(lengths.begin(), lengths.end());
}

void write_graph_attributes(std::ostream& out, const Drawing& drawing) {
  const bool down_the_page = longest_row(drawing) > kMaxWidth;
  out << "graph [rankdir=" << (down_the_page ? "LR" : "TB") << ", ranksep=1.5, splines=true];\n"
      << "node [shape=box, style=filled, fontname=\"sans\"];\n"
      << "edge [color=\"#606060\", fontname=\"sans\", fontsize=10];\n";
  // Each layer in a row, in the order of the numbers: invisible edges keep it.
  for (const VertexKind kind :
       {VertexKind::core, VertexKind::spine, VertexKind::leaf, VertexKind::endpoint}) {
    const char* separator = "{ rank=same; edge [style=invis]; ";
    for (const BoxId id : boost::make_iterator_range(boost::vertices(drawing))) {
      if (drawing[id].key.kind != kind) continue;
      out << separator << id;
      separator = " -- ";
    }
    if (*separator == ' ') out << " }\n";
  }
}

std::string write(const Drawing& drawing, const Fabric& fabric) {
  std::ostringstream out;
  boost::write_graphviz(
      out, drawing,
      [&](std::ostream& stream, const BoxId id) {
        stream << "[label=\"" << label(drawing[id], fabric) << "\", fillcolor=\""
               << colour(drawing[id].key.kind) << "\"]";
      },
      [&](std::ostream& stream, const auto edge) {
        // A single link needs no number.
        if (drawing[edge].links > 1) stream << "[label=\"" << drawing[edge].links << "\"]";
      },
      [&](std::ostream& stream) { write_graph_attributes(stream, drawing); });
  return out.str();
}

bool is_legible(const Drawing& drawing) {
  return boost::num_edges(drawing) <= kMaxEdges && longest_row(drawing) <= kMaxRow;
}

}  // namespace

std::string to_dot(const Fabric& fabric) {
  const Graph graph = make_graph(fabric);
  for (const Merged merged : {Merged::nothing, Merged::nodes, Merged::planes, Merged::upper_layers,
                              Merged::leaves, Merged::pods}) {
    const Drawing drawing = Collapser(graph, fabric, merged).collapse();
    if (merged == Merged::pods || is_legible(drawing)) return write(drawing, fabric);
  }
  PW_UNREACHABLE("the last level is always drawn");
}

}  // namespace planewise::fabric
