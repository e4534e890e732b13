#include "cost/cable_plan.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/check.h"
#include "fabric/ports.h"
#include "fabric/wiring.h"

namespace planewise::cost {
namespace {

using fabric::EdgeKind;

/// Lists every link with its length, parts and a number for its cable.
class Lister {
 public:
  Lister(const fabric::Fabric& fabric, const LinkResolver* resolver, CablePlan& plan)
      : fabric_(fabric), resolver_(resolver), plan_(plan) {}

  void list() {
    for (plane_ = 0; plane_ < fabric_.topology.fabric.planes; ++plane_) {
      first_switch_ = static_cast<std::int32_t>(plane_ * fabric_.plane.switches());
      fabric::visit_node_bundles(
          fabric_, plane_,
          [this](std::span<const fabric::NodeBundle> bundles) { add_leaf(bundles); });
      fabric::visit_bundles(fabric_,
                            [this](std::span<const fabric::Bundle> bundles) { add(bundles); });
    }
    if (resolver_ == nullptr) take_ports_in_order();
    std::stable_sort(plan_.links.begin(), plan_.links.end(),
                     [](const PlannedLink& a, const PlannedLink& b) {
                       return std::tie(a.kind, a.plane) < std::tie(b.kind, b.plane);
                     });
    number_cables();
  }

 private:
  /// A cable with links to spare.
  struct Open {
    std::int32_t cable = 0;
    int room = 0;
  };

  /// A link between two racks, without its ends.
  PlannedLink make_link(EdgeKind kind, std::int32_t from_rack, std::int32_t to_rack,
                        bool even) const {
    const auto place = [&](std::int32_t rack) {
      return plan_.floor.racks[static_cast<std::size_t>(rack)].place;
    };
    const Metres length = cable_length(fabric_.topology.floor, place(from_rack), place(to_rack));
    PlannedLink link{.kind = kind, .plane = static_cast<std::int32_t>(plane_), .length = length};
    if (resolver_ != nullptr) {
      link.parts = resolver_->find(kind, length, even);
      PW_CHECK(link.parts != nullptr);
      link.length = link.parts->length;
    }
    return link;
  }

  std::int32_t rack_of(std::int32_t device) const {
    return plan_.floor.rack_of_switch[static_cast<std::size_t>(device)];
  }

  /// The number of a cable for one more link; `open` holds those with room for another.
  std::int32_t cable_for(const PlannedLink& link, std::map<Metres, Open>& open) {
    const int links =
        link.parts == nullptr || link.parts->cable == nullptr ? 1 : link.parts->cable->links;
    if (links == 1) return next_cable_++;
    Open& last = open[link.length];
    if (last.room == 0) last = {.cable = next_cable_++, .room = links};
    --last.room;
    return last.cable;
  }

  void add_leaf(std::span<const fabric::NodeBundle> bundles) {
    const std::int32_t leaf = first_switch_ + bundles.front().leaf;
    const bool two_ports = fabric_.topology.fabric.family == spec::Family::dual_tor;
    const auto planes = static_cast<std::int32_t>(fabric_.topology.fabric.planes);
    std::map<Metres, Open> open;  // Splitters with a leg to spare.
    for (const fabric::NodeBundle& bundle : bundles) {
      PlannedLink link = make_link(EdgeKind::endpoint,
                                   plan_.floor.rack_of_node[static_cast<std::size_t>(bundle.node)],
                                   rack_of(leaf), false);
      for (std::int32_t i = 0; i < bundle.links; ++i) {
        const std::int32_t nic = bundle.first_nic + (two_ports ? 0 : i * planes);
        const auto plane = static_cast<std::int32_t>(plane_);
        link.lower = {.device = bundle.node,
                      .port = two_ports ? 2 * nic + plane + 1 : nic + 1,
                      .is_nic = true};
        link.upper = {.device = leaf};
        link.cable = cable_for(link, open);
        plan_.links.push_back(link);
      }
    }
  }

  void add(std::span<const fabric::Bundle> bundles) {
    for (const fabric::Bundle& bundle : bundles) {
      const std::int32_t lower = first_switch_ + bundle.lower;
      const std::int32_t upper = first_switch_ + bundle.upper;
      PlannedLink link =
          make_link(bundle.kind, rack_of(lower), rack_of(upper), bundle.links % 2 == 0);
      std::map<Metres, Open> open;
      for (std::int32_t i = 0; i < bundle.links; ++i) {
        link.lower = {.device = lower};
        link.upper = {.device = upper};
        link.cable = cable_for(link, open);
        plan_.links.push_back(link);
      }
    }
  }

  /// Without parts the ports are those of every other export; visit_cables() goes the same way.
  void take_ports_in_order() {
    std::size_t next = 0;
    fabric::visit_cables(fabric_, [&](std::span<const fabric::Cable> cables) {
      for (const fabric::Cable& cable : cables) {
        PlannedLink& link = plan_.links[next++];
        PW_CHECK(link.kind == cable.kind);
        if (!link.lower.is_nic) link.lower.port = cable.lower_port;
        link.upper.port = cable.upper_port;
      }
    });
    PW_CHECK(next == plan_.links.size());
  }

  /// Numbers the cables anew in the order in which the plan names them.
  void number_cables() {
    std::vector<std::int32_t> number(static_cast<std::size_t>(next_cable_), -1);
    std::int32_t next = 0;
    for (PlannedLink& link : plan_.links) {
      std::int32_t& known = number[static_cast<std::size_t>(link.cable)];
      if (known < 0) known = next++;
      link.cable = known;
    }
  }

  const fabric::Fabric& fabric_;
  const LinkResolver* resolver_;
  CablePlan& plan_;
  std::int64_t plane_ = 0;
  std::int32_t first_switch_ = 0;
  std::int32_t next_cable_ = 0;
};

/// What a link's end plugs into its cage: ends of one plug can share a cage of several ports. Parts
/// are told apart by their places in the catalogue, which keep its order.
struct Plug {
  const void* part = nullptr;  // A module; of a cable its part.
  std::int32_t cable = -1;     // A cable's ends share only with each other.

  bool operator==(const Plug&) const = default;
};

Plug plug_of(const PlannedLink& link, bool upper) {
  if (link.parts->cable != nullptr) return {.part = link.parts->cable, .cable = link.cable};
  return {.part = upper ? link.parts->upper_module : link.parts->lower_module};
}

/// An end at a switch, before it has a port.
struct OpenEnd {
  std::int32_t link = 0;
  bool upper = false;
};

/// Gives each end at one switch a port, in the order of `ends`.
struct SwitchPorts {
  int radix = 0;
  int per_cage = 1;    // Ports.
  int per_uplink = 1;  // Ports that a link between switches takes.
};
void assign_ports(const SwitchPorts& ports, const std::vector<OpenEnd>& ends,
                  std::vector<PlannedLink>& links) {
  const auto width = [&](const OpenEnd& end) {
    const PlannedLink& link = links[static_cast<std::size_t>(end.link)];
    return link.kind == EdgeKind::endpoint ? 1 : ports.per_uplink;
  };
  int wanted = 0;
  for (const OpenEnd& end : ends) wanted += width(end);
  int next = 0;
  Plug in_cage;
  for (const OpenEnd& end : ends) {
    PlannedLink& link = links[static_cast<std::size_t>(end.link)];
    const Plug plug = plug_of(link, end.upper);
    const int filled = next % ports.per_cage;
    if (filled != 0 && !(plug == in_cage)) {
      // A cage takes one type: leave the rest of it empty if there are ports to spare.
      const int skip = ports.per_cage - filled;
      if (next + skip + wanted <= ports.radix) next += skip;
    }
    in_cage = plug;
    (end.upper ? link.upper : link.lower).port = next + 1;
    next += width(end);
    wanted -= width(end);
  }
}

/// Endpoints first, then by kind, and among those by parts and length, so that like lies by like.
std::vector<std::vector<OpenEnd>> ends_by_switch(const CablePlan& plan, std::size_t switches) {
  std::vector<std::vector<OpenEnd>> ends(switches);
  for (std::size_t i = 0; i < plan.links.size(); ++i) {
    const PlannedLink& link = plan.links[i];
    const auto index = static_cast<std::int32_t>(i);
    if (!link.lower.is_nic) {
      ends[static_cast<std::size_t>(link.lower.device)].push_back({.link = index});
    }
    ends[static_cast<std::size_t>(link.upper.device)].push_back({.link = index, .upper = true});
  }
  const auto key = [&](const OpenEnd& end) {
    const PlannedLink& link = plan.links[static_cast<std::size_t>(end.link)];
    const bool is_copper = link.parts->cable != nullptr;
    return std::tuple(link.kind, end.upper, is_copper, is_copper ? link.length : Metres{},
                      plug_of(link, end.upper).part, is_copper ? link.cable : 0);
  };
  for (std::vector<OpenEnd>& of_switch : ends) {
    std::stable_sort(of_switch.begin(), of_switch.end(),
                     [&](const OpenEnd& a, const OpenEnd& b) { return key(a) < key(b); });
  }
  return ends;
}

}  // namespace

CablePlan plan_cables(const fabric::Fabric& fabric, const LinkResolver* resolver) {
  CablePlan plan{.floor = plan_floor(fabric)};
  Lister(fabric, resolver, plan).list();
  if (resolver == nullptr) return plan;
  const auto ends = ends_by_switch(plan, static_cast<std::size_t>(fabric.switch_count()));
  for (std::size_t device = 0; device < ends.size(); ++device) {
    const auto number = static_cast<std::int64_t>(device) % fabric.plane.switches();
    const SwitchPorts ports{.radix = fabric::switch_radix(fabric, number),
                            .per_cage = resolver->ports_per_cage(fabric.plane.layer_of(number)),
                            .per_uplink = fabric.topology.fabric.ports_per_uplink()};
    assign_ports(ports, ends[device], plan.links);
  }
  return plan;
}

}  // namespace planewise::cost
