#include "cost/floor.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "fabric/wiring.h"

namespace planewise::cost {
namespace {

struct NodeRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// A rack before its place is known: it stands where `middle` says, in racks of nodes.
struct RackDraft {
  double middle = 0;
  bool holds_nodes = false;
};

/// The nodes on each leaf; those of the leaf before where there are none.
std::vector<NodeRange> nodes_of_leaves(const fabric::Fabric& fabric) {
  std::vector<NodeRange> ranges(static_cast<std::size_t>(fabric.plane.leaves),
                                {.first = -1, .last = -1});
  fabric::visit_node_bundles(fabric, 0, [&](std::span<const fabric::NodeBundle> bundles) {
    ranges[static_cast<std::size_t>(bundles.front().leaf)] = {.first = bundles.front().node,
                                                              .last = bundles.back().node};
  });
  for (std::size_t leaf = 0; leaf < ranges.size(); ++leaf) {
    if (ranges[leaf].first < 0) ranges[leaf] = leaf == 0 ? NodeRange{} : ranges[leaf - 1];
  }
  return ranges;
}

class Drafter {
 public:
  explicit Drafter(const fabric::Fabric& fabric) : fabric_(fabric), floor_(fabric.topology.floor) {
    plan_.rack_of_switch.resize(static_cast<std::size_t>(fabric.switch_count()));
  }

  FloorPlan plan() {
    add_nodes();
    add_switches();
    place();
    return std::move(plan_);
  }

 private:
  void add_nodes() {
    const std::int64_t nodes = fabric_.topology.nodes.count;
    for (std::int64_t node = 0; node < nodes; ++node) {
      const std::int64_t rack = node / floor_.nodes_per_rack;
      if (node % floor_.nodes_per_rack == 0) {
        drafts_.push_back({.middle = static_cast<double>(rack), .holds_nodes = true});
      }
      plan_.rack_of_node.push_back(static_cast<std::int32_t>(rack));
    }
  }

  void add_switches() {
    const fabric::PlaneLayout& plane = fabric_.plane;
    const std::vector<NodeRange> nodes = nodes_of_leaves(fabric_);
    const auto range = [&](std::int64_t first, std::int64_t end) {
      return NodeRange{.first = nodes[static_cast<std::size_t>(first)].first,
                       .last = nodes[static_cast<std::size_t>(end - 1)].last};
    };
    for (std::int64_t leaf = 0; leaf < plane.leaves; ++leaf) {
      add_place(leaf, nodes[static_cast<std::size_t>(leaf)]);
    }
    close_rack();
    for (std::int64_t pod = 0; pod < plane.pods && plane.spines_per_pod > 0; ++pod) {
      const std::int64_t end = std::min((pod + 1) * plane.leaves_per_pod, plane.leaves);
      for (std::int64_t spine = 0; spine < plane.spines_per_pod; ++spine) {
        add_place(plane.leaves + pod * plane.spines_per_pod + spine,
                  range(pod * plane.leaves_per_pod, end));
      }
      close_rack();
    }
    for (std::int64_t core = 0; core < plane.cores; ++core) {
      add_place(plane.leaves + plane.spines() + core, range(0, plane.leaves));
    }
    close_rack();
  }

  /// Puts switch `number` of every plane in the open rack.
  void add_place(std::int64_t number, const NodeRange& nodes) {
    for (std::int64_t plane = 0; plane < fabric_.topology.fabric.planes; ++plane) {
      if (in_rack_ == 0) {
        served_ = nodes;
        drafts_.push_back({});
      }
      served_ = {.first = std::min(served_.first, nodes.first),
                 .last = std::max(served_.last, nodes.last)};
      plan_.rack_of_switch[static_cast<std::size_t>(plane * fabric_.plane.switches() + number)] =
          static_cast<std::int32_t>(drafts_.size() - 1);
      if (++in_rack_ == floor_.switches_per_rack) close_rack();
    }
  }

  void close_rack() {
    if (in_rack_ == 0) return;
    const std::int64_t racks =
        served_.first / floor_.nodes_per_rack + served_.last / floor_.nodes_per_rack;
    drafts_.back().middle = static_cast<double>(racks) / 2;
    in_rack_ = 0;
  }

  std::int32_t racks_per_row() const {
    if (floor_.racks_per_row > 0) return floor_.racks_per_row;
    const double row_depth = (floor_.rack_depth + floor_.aisle).in(metres(1));
    const double width = std::max(floor_.rack_width.in(metres(1)), 1e-3);
    const double square = std::sqrt(static_cast<double>(drafts_.size()) * row_depth / width);
    return static_cast<std::int32_t>(std::max(1.0, std::round(square)));
  }

  /// Racks in a row, each where its middle says; of equal middles nodes come first.
  void place() {
    std::vector<std::size_t> order(drafts_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return drafts_[a].middle < drafts_[b].middle;
    });
    plan_.racks_per_row = racks_per_row();
    std::vector<std::int32_t> position(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto at = static_cast<std::int32_t>(i);
      position[order[i]] = at;
      plan_.racks.push_back(
          {.place = {.row = at / plan_.racks_per_row, .column = at % plan_.racks_per_row},
           .holds_nodes = drafts_[order[i]].holds_nodes});
    }
    for (std::int32_t& rack : plan_.rack_of_node) rack = position[static_cast<std::size_t>(rack)];
    for (std::int32_t& rack : plan_.rack_of_switch) rack = position[static_cast<std::size_t>(rack)];
  }

  const fabric::Fabric& fabric_;
  const spec::FloorSpec& floor_;
  FloorPlan plan_;
  std::vector<RackDraft> drafts_;
  NodeRange served_;  // By the open rack of switches.
  int in_rack_ = 0;
};

}  // namespace

std::int64_t FloorPlan::switch_racks() const {
  return std::count_if(racks.begin(), racks.end(),
                       [](const Rack& rack) { return !rack.holds_nodes; });
}

FloorPlan plan_floor(const fabric::Fabric& fabric) { return Drafter(fabric).plan(); }

Metres cable_length(const spec::FloorSpec& floor, const RackPlace& from, const RackPlace& to) {
  if (from == to) return floor.within_rack * 2;
  const Metres along = floor.rack_width * std::abs(from.column - to.column);
  const Metres across = (floor.rack_depth + floor.aisle) * std::abs(from.row - to.row);
  return along + across + (floor.within_rack + floor.tray_height) * 2;
}

}  // namespace planewise::cost
