#include "fabric/drawing.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

/// What is drawn as one box; each level merges what the ones before it do, and more.
enum class Merged : std::uint8_t {
  nothing,       // A box a switch and a node.
  nodes,         // Nodes with as many links to the same boxes.
  planes,        // Switches at the same place in their planes.
  upper_layers,  // The spines of a pod, and the cores of a plane.
  rails,         // The leaves that the same nodes are on.
  leaves,        // The leaves of a pod.
};

struct Detail {
  Merged merged = Merged::nothing;
  std::int64_t pods_per_box = 1;
};

// The most of a picture that is still legible, chosen by looking at pictures: more lines are a
// black ribbon, and more boxes in a row a strip of paper.
struct Limits {
  std::size_t lines = 256;
  std::int64_t row = 40;
};
// Lines that may run anywhere cross each other, and are fewer.
constexpr Limits kMeshLimits = {.lines = 160, .row = 32};

/// Switches that are leaves alone, or groups of them: no layer joins everything.
bool is_mesh(spec::Family family) {
  using spec::Family;
  return family == Family::dragonfly || family == Family::dragonfly_plus ||
         family == Family::slim_fly || family == Family::hyperx || family == Family::torus;
}

Limits limits_of(spec::Family family, Detail detail) {
  // A Slim Fly's columns are drawn in rows.
  const bool columns = family == spec::Family::slim_fly && detail.merged == Merged::leaves;
  return is_mesh(family) && !columns ? kMeshLimits : Limits{};
}

bool has_rails(spec::Family family) {
  return family == spec::Family::mrft || family == spec::Family::dual_tor;
}

/// Which switches are merged, and how many pods there are of them.
class Groups {
 public:
  Groups(const Fabric& fabric, Detail detail)
      : layout_(fabric.plane),
        detail_(detail),
        nics_(fabric.topology.nodes.nics),
        custom_(fabric.topology.fabric.family == spec::Family::custom),
        halves_(fabric.topology.fabric.family == spec::Family::slim_fly) {}

  /// Devices of a kind and plane with the same number are in one box.
  std::int64_t of(const Device& device) const {
    const Merged merged = detail_.merged;
    if (custom_)
      return merged < Merged::leaves ? device.index : device.index / detail_.pods_per_box;
    if (device.kind == DeviceKind::leaf) {
      if (merged < Merged::rails) return device.index;
      if (merged == Merged::rails) return device.index / nics_;
      return block(device.index / layout_.leaves_per_pod);
    }
    if (merged < Merged::upper_layers) return device.index;
    return device.kind == DeviceKind::core ? 0 : block(device.index / layout_.spines_per_pod);
  }

 private:
  std::int64_t block(std::int64_t pod) const {
    if (detail_.merged < Merged::leaves) return pod;
    if (!halves_) return pod / detail_.pods_per_box;
    // The two halves of a Slim Fly's columns are joined with each other, and stay apart.
    const std::int64_t half = layout_.pods / 2;
    return pod / half * layout_.pods + pod % half / detail_.pods_per_box;
  }

  const PlaneLayout& layout_;
  Detail detail_;
  std::int64_t nics_;
  bool custom_;
  bool halves_;
};

/// What one box stands for.
struct BoxKey {
  DeviceKind kind = DeviceKind::node;
  std::int64_t plane = -1;
  std::int64_t group = 0;

  auto operator<=>(const BoxKey&) const = default;
};

/// Links of one node: how many to each box.
using NodeLinks = std::map<std::size_t, std::int64_t>;

class Collapser {
 public:
  Collapser(const Fabric& fabric, Detail detail, Limits limits)
      : fabric_(fabric), detail_(detail), limits_(limits), groups_(fabric, detail) {}

  /// Nothing if the drawing would be over the limits.
  std::optional<Drawing> collapse() {
    add_switches();
    if (is_too_much()) return std::nullopt;
    for (std::int64_t plane = 0; plane < fabric_.topology.fabric.planes; ++plane) {
      visit_bundles(fabric_, [&](std::span<const Bundle> bundles) {
        if (is_too_much()) return;
        for (const Bundle& bundle : bundles) {
          join(box_of(plane, bundle.lower), box_of(plane, bundle.upper), bundle.links);
        }
      });
    }
    if (is_too_much()) return std::nullopt;
    add_nodes();
    if (is_too_much()) return std::nullopt;
    for (const auto& [ends, links] : lines_) {
      drawing_.lines.push_back({.upper = ends.first, .lower = ends.second, .links = links});
    }
    return std::move(drawing_);
  }

 private:
  bool is_too_much() const {
    return lines_.size() > limits_.lines ||
           *std::max_element(rows_.begin(), rows_.end()) > limits_.row;
  }

  /// The box of `key`, which has one member more now.
  std::size_t member(const BoxKey& key, std::int64_t index) {
    const auto [found, fresh] = box_of_key_.try_emplace(key, drawing_.boxes.size());
    if (fresh) {
      drawing_.boxes.push_back({.kind = key.kind, .plane = key.plane, .first = index});
      ++rows_[static_cast<std::size_t>(key.kind)];
    }
    Box& box = drawing_.boxes[found->second];
    ++box.members;
    box.last = index;
    return found->second;
  }

  void add_switches() {
    for (std::int64_t plane = 0; plane < fabric_.topology.fabric.planes; ++plane) {
      for (std::int64_t number = 0; number < fabric_.plane.switches(); ++number) {
        const Device device = switch_device(fabric_, plane, number);
        const BoxKey key{.kind = device.kind,
                         .plane = detail_.merged < Merged::planes ? plane : -1,
                         .group = groups_.of(device)};
        box_of_switch_.push_back(member(key, device.index));
      }
    }
  }

  std::size_t box_of(std::int64_t plane, std::int64_t number) const {
    return box_of_switch_[static_cast<std::size_t>(plane * fabric_.plane.switches() + number)];
  }

  void join(std::size_t lower, std::size_t upper, std::int64_t links) {
    if (lower == upper) {
      drawing_.boxes[lower].links_inside += links;
      return;
    }
    // Between switches of one layer either may be called the lower one.
    const bool level = drawing_.boxes[lower].kind == drawing_.boxes[upper].kind;
    if (level && lower > upper) std::swap(lower, upper);
    lines_[{upper, lower}] += links;
  }

  void add_nodes() {
    std::vector<NodeLinks> node_links(static_cast<std::size_t>(fabric_.topology.nodes.count));
    for (std::int64_t plane = 0; plane < fabric_.topology.fabric.planes; ++plane) {
      visit_node_bundles(fabric_, plane, [&](std::span<const NodeBundle> bundles) {
        for (const NodeBundle& bundle : bundles) {
          node_links[static_cast<std::size_t>(bundle.node)][box_of(plane, bundle.leaf)] +=
              bundle.links;
        }
      });
    }
    std::map<NodeLinks, std::int64_t> firsts;  // The first node with these links.
    for (std::size_t at = 0; at < node_links.size() && !is_too_much(); ++at) {
      const auto node = static_cast<std::int64_t>(at);
      const std::int64_t group = detail_.merged == Merged::nothing
                                     ? node
                                     : firsts.try_emplace(node_links[at], node).first->second;
      const std::size_t box = member({.group = group}, node);
      for (const auto& [leaf, links] : node_links[at]) join(box, leaf, links);
    }
  }

  const Fabric& fabric_;
  Detail detail_;
  Limits limits_;
  Groups groups_;
  Drawing drawing_;
  std::array<std::int64_t, 7> rows_{};  // Boxes by DeviceKind.
  std::map<BoxKey, std::size_t> box_of_key_;
  std::map<std::pair<std::size_t, std::size_t>, std::int64_t> lines_;  // Upper box first.
  std::vector<std::size_t> box_of_switch_;
};

/// From the most detail to the least.
std::vector<Detail> details_of(const Fabric& fabric) {
  const PlaneLayout& layout = fabric.plane;
  std::vector<Detail> details = {{.merged = Merged::nothing},
                                 {.merged = Merged::nodes},
                                 {.merged = Merged::planes},
                                 {.merged = Merged::upper_layers}};
  if (has_rails(fabric.topology.fabric.family)) details.push_back({.merged = Merged::rails});
  const bool custom = fabric.topology.fabric.family == spec::Family::custom;
  const std::int64_t pods = custom ? layout.switches() : layout.pods;
  for (std::int64_t pods_per_box = 1;; pods_per_box *= 2) {
    details.push_back({.merged = Merged::leaves, .pods_per_box = pods_per_box});
    if (pods_per_box >= pods) return details;
  }
}

Arrangement arrangement_of(const Drawing& drawing, const Fabric& fabric) {
  const spec::Family family = fabric.topology.fabric.family;
  const auto joins_equals = [&](const Line& line) {
    return drawing.boxes[line.lower].kind == drawing.boxes[line.upper].kind;
  };
  if (std::none_of(drawing.lines.begin(), drawing.lines.end(), joins_equals)) {
    return Arrangement::rows;
  }
  const bool by_columns =
      std::all_of(drawing.boxes.begin(), drawing.boxes.end(), [&](const Box& box) {
        return box.kind == DeviceKind::node ||
               box.last - box.first + 1 >= fabric.plane.leaves_per_pod;
      });
  if (family == spec::Family::slim_fly && by_columns) return Arrangement::rows;
  const bool ring = family == spec::Family::torus && by_columns;
  return ring || (is_mesh(family) && family != spec::Family::torus) ? Arrangement::circle
                                                                    : Arrangement::springs;
}

}  // namespace

Drawing draw(const Fabric& fabric) {
  std::optional<Drawing> drawing;
  for (const Detail& detail : details_of(fabric)) {
    drawing =
        Collapser(fabric, detail, limits_of(fabric.topology.fabric.family, detail)).collapse();
    if (drawing) break;
  }
  if (!drawing) {
    // Nodes can be on many sets of boxes even so.
    const Detail least = details_of(fabric).back();
    constexpr Limits kNone = {.lines = SIZE_MAX, .row = INT64_MAX};
    drawing = Collapser(fabric, least, kNone).collapse();
  }
  drawing->arrangement = arrangement_of(*drawing, fabric);
  return *std::move(drawing);
}

}  // namespace planewise::fabric
