#include "fabric/dot.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "fabric/circle.h"
#include "fabric/drawing.h"
#include "fabric/link_names.h"

namespace planewise::fabric {
namespace {

// Longer rows run down the page, where they can be scrolled.
constexpr std::int64_t kMaxWidth = 20;
constexpr std::size_t kRows = 4;

std::string number(std::int64_t n) { return std::to_string(n); }

/// `1 leaf`, `2 leaves`.
std::string several(std::int64_t n, const std::string& word) {
  if (n == 1) return number(n) + " " + word;
  return number(n) + " " + (word == "leaf" ? "leaves" : word + "s");
}

/// Text that Graphviz shows as it is.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += std::string("\\") + c;
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return out;
}

const char* colour(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::node:
      return "#f2f2f2";
    case DeviceKind::leaf:
      return "#cfe8cf";
    case DeviceKind::spine:
      return "#cfdff5";
    case DeviceKind::core:
      return "#f5dfc0";
    default:
      break;
  }
  PW_UNREACHABLE("not a box");
}

std::string range(const Box& box, std::int64_t size) {
  const bool has_gaps = box.last - box.first + 1 != size;
  return has_gaps ? "" : "\\n" + number(box.first) + " to " + number(box.last);
}

std::string node_label(const Box& box) {
  if (box.members == 1) return "node " + number(box.first);
  return several(box.members, "node") + range(box, box.members);
}

/// What a box of switches is called in one plane.
std::string switches_label(const Box& box, std::int64_t size, const Fabric& fabric) {
  const PlaneLayout& layout = fabric.plane;
  if (size == 1) {
    const std::int64_t above = box.kind == DeviceKind::core ? layout.spines() : 0;
    const std::int64_t below = box.kind == DeviceKind::leaf ? 0 : layout.leaves + above;
    return escaped(switch_in_words(fabric, below + box.first));
  }
  return several(size, device_word(box.kind)) + range(box, size);
}

std::string label(const Box& box, const Fabric& fabric) {
  if (box.kind == DeviceKind::node) return node_label(box);
  const std::int64_t planes = fabric.topology.fabric.planes;
  const bool everywhere = box.plane < 0 && planes > 1;
  std::string text = switches_label(box, everywhere ? box.members / planes : box.members, fabric);
  if (box.plane >= 0 && planes > 1) text = "plane " + number(box.plane) + "\\n" + text;
  if (everywhere) text += "\\nin each of " + several(planes, "plane");
  if (box.links_inside > 0) text += "\\n" + several(box.links_inside, "link") + " inside";
  return text;
}

bool is_node(const Drawing& drawing, std::size_t box) {
  return drawing.boxes[box].kind == DeviceKind::node;
}

/// The links that every line to nodes, or every one between switches, stands for; 0 if they differ
/// or there are none.
std::int64_t common_links(const Drawing& drawing, bool to_nodes) {
  std::int64_t common = 0;
  for (const Line& line : drawing.lines) {
    if (is_node(drawing, line.lower) != to_nodes) continue;
    if (common != 0 && line.links != common) return 0;
    common = line.links;
  }
  return common;
}

/// How many links a line stands for where it does not say so itself.
struct Unsaid {
  std::int64_t to_nodes = 0;
  std::int64_t between_switches = 0;
};

std::string title(const Fabric& fabric, const Unsaid& unsaid) {
  const spec::TopologySpec& topology = fabric.topology;
  const Counts counts = count(fabric);
  std::string text =
      escaped(topology.name) + "\\n" + std::string(spec::family_word(topology.fabric.family));
  if (topology.fabric.planes > 1) text += ", " + several(topology.fabric.planes, "plane");
  text +=
      ": " + several(topology.nodes.count, "node") + ", " + several(counts.endpoints, "endpoint");
  const std::array<std::pair<std::int64_t, const char*>, 3> layers = {
      {{counts.leaf_switches, "leaf"},
       {counts.spine_switches, "spine"},
       {counts.core_switches, "core"}}};
  for (const auto& [switches, word] : layers) {
    if (switches > 0) text += ", " + several(switches, word);
  }
  text += ", " + several(counts.inter_switch_links, "link") + " between switches";
  if (unsaid.between_switches > 0) {
    text += "\\na line between switches is " + several(unsaid.between_switches, "link");
  }
  if (unsaid.to_nodes > 0) text += "\\na line to nodes is " + several(unsaid.to_nodes, "link");
  return text;
}

/// The row of each box, from the top. A Slim Fly's halves are the two rows in the middle.
std::vector<std::size_t> rows_of(const Drawing& drawing, const Fabric& fabric) {
  std::vector<std::size_t> rows(drawing.boxes.size());
  const bool halves = fabric.topology.fabric.family == spec::Family::slim_fly;
  for (std::size_t id = 0; id < rows.size(); ++id) {
    const Box& box = drawing.boxes[id];
    if (box.kind == DeviceKind::node) {
      rows[id] = 3;
    } else if (halves) {
      rows[id] = box.first < fabric.plane.leaves / 2 ? 1 : 2;
    } else {
      rows[id] = box.kind == DeviceKind::core ? 0 : box.kind == DeviceKind::spine ? 1 : 2;
    }
  }
  if (!halves) return rows;
  for (const Line& line : drawing.lines) {
    if (is_node(drawing, line.lower) && rows[line.upper] == 1) rows[line.lower] = 0;
  }
  return rows;
}

std::string write_rows(const std::vector<std::size_t>& rows) {
  // In the order of the numbers: invisible edges keep it.
  std::string text;
  for (std::size_t row = 0; row < kRows; ++row) {
    std::string separator = "{ rank=same; edge [style=invis]; ";
    const std::size_t before = text.size();
    for (std::size_t id = 0; id < rows.size(); ++id) {
      if (rows[id] != row) continue;
      text += separator + std::to_string(id);
      separator = " -- ";
    }
    if (text.size() > before) text += " }\n";
  }
  return text;
}

std::string layout(const Drawing& drawing, const std::vector<std::size_t>& rows,
                   spec::Family family) {
  if (drawing.arrangement == Arrangement::circle) {
    // Places of our own: circo of Graphviz 2.42 keeps pointers into the graph that it drew before.
    return "layout=neato, splines=line";
  }
  if (drawing.arrangement == Arrangement::springs) {
    return "layout=neato, mode=major, overlap=scale, len=1.6, splines=line";
  }
  if (family == spec::Family::slim_fly) {
    // Room for the lines between the halves to fan out.
    return "layout=dot, splines=true, ranksep=" + std::to_string(2 + drawing.lines.size() / 60);
  }
  std::array<std::int64_t, kRows> lengths{};
  for (const std::size_t row : rows) ++lengths[row];
  const bool down_the_page = *std::max_element(lengths.begin(), lengths.end()) > kMaxWidth;
  return std::string("layout=dot, rankdir=") + (down_the_page ? "LR" : "TB") +
         ", ranksep=1.5, splines=true";
}

/// Of hundredths, without regard to the locale.
std::string decimal(std::int64_t hundredths) {
  const std::int64_t size = std::abs(hundredths);
  const std::string digits = number(100 + size % 100).substr(1);
  return (hundredths < 0 ? "-" : "") + number(size / 100) + "." + digits;
}

std::string pinned(const Place& place) {
  return ", pos=\"" + decimal(place.x) + "," + decimal(place.y) + "!\"";
}

std::string write_line(const Line& line, const std::vector<std::size_t>& rows, bool said) {
  // Graphviz puts what is named first into the upper row.
  const bool swap = rows[line.lower] < rows[line.upper];
  const std::string links = number(line.links);
  return std::to_string(swap ? line.lower : line.upper) + " -- " +
         std::to_string(swap ? line.upper : line.lower) + " [links=" + links +
         (said ? ", label=\"" + links + "\"" : "") + "];\n";
}

}  // namespace

std::string to_dot(const Fabric& fabric) {
  const Drawing drawing = draw(fabric);
  const std::vector<std::size_t> rows = rows_of(drawing, fabric);
  const Unsaid unsaid{.to_nodes = common_links(drawing, true),
                      .between_switches = common_links(drawing, false)};
  std::string text =
      "graph fabric {\ngraph [" + layout(drawing, rows, fabric.topology.fabric.family) +
      ", outputorder=edgesfirst, fontname=\"sans\", labelloc=t, label=\"" + title(fabric, unsaid) +
      "\"];\nnode [shape=box, style=filled, fontname=\"sans\"];\n"
      "edge [color=\"#606060\", fontname=\"sans\", fontsize=10];\n";
  const bool round = drawing.arrangement == Arrangement::circle;
  const std::vector<Place> places = round ? circle_places(drawing) : std::vector<Place>{};
  for (std::size_t id = 0; id < drawing.boxes.size(); ++id) {
    const Box& box = drawing.boxes[id];
    text += std::to_string(id) + " [label=\"" + label(box, fabric) + "\", fillcolor=\"" +
            colour(box.kind) + "\"" + (round ? pinned(places[id]) : "") + "];\n";
  }
  if (drawing.arrangement == Arrangement::rows) text += write_rows(rows);
  for (const Line& line : drawing.lines) {
    const bool to_node = is_node(drawing, line.lower);
    const std::int64_t common = to_node ? unsaid.to_nodes : unsaid.between_switches;
    text += write_line(line, rows, line.links > 1 && common == 0);
  }
  return text + "}\n";
}

}  // namespace planewise::fabric
