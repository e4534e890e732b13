// Dragonfly and Dragonfly+: groups of switches, every pair of groups joined by as many links as any
// other, or one more.
// Sources: Kim et al., ISCA 2008; Shpiner et al., HiPINEB 2017 (Dragonfly+).
#include <vector>

#include "base/check.h"
#include "fabric/families.h"

namespace planewise::fabric {
namespace {

/// Groups with as many ports each towards other groups.
struct Groups {
  std::int64_t groups = 0;
  std::int64_t ports = 0;
};

/// A link between groups, by the number of the port at each.
struct GroupLink {
  std::int64_t from = 0;
  std::int64_t from_port = 0;
  std::int64_t to = 0;
  std::int64_t to_port = 0;
};

std::int64_t global_link_count(const Groups& g) {
  return g.groups < 2 ? 0 : g.groups * g.ports / 2;
}

/// Visits the links that start at group `from`: those to the groups behind it in the circle, up to
/// half way round.
///
/// Every pair of groups gets floor(ports / (groups - 1)) links; the ports left over go to the
/// nearest groups in the circle. Port numbers count the distance round the circle ("palm tree"),
/// copy by copy.
class GroupWiring {
 public:
  explicit GroupWiring(const Groups& groups)
      : count_(groups.groups),
        copies_(count_ < 2 ? 0 : groups.ports / (count_ - 1)),
        left_over_(count_ < 2 ? 0 : groups.ports - copies_ * (count_ - 1)) {}

  void append_links(std::int64_t from, std::vector<GroupLink>& links) const {
    for (std::int64_t copy = 0; copy < copies_; ++copy) {
      const std::int64_t base = copy * (count_ - 1) - 1;
      for (std::int64_t distance = 1; 2 * distance <= count_; ++distance) {
        if (2 * distance == count_ && from >= count_ / 2) continue;
        links.push_back({.from = from,
                         .from_port = base + distance,
                         .to = (from + distance) % count_,
                         .to_port = base + count_ - distance});
      }
    }
    append_left_over(from, links);
  }

 private:
  void append_left_over(std::int64_t from, std::vector<GroupLink>& links) const {
    const std::int64_t base = copies_ * (count_ - 1);
    // An odd port out joins opposite groups, or, of an odd number of groups, neighbours two by two.
    const bool is_odd = left_over_ % 2 != 0;
    const bool in_twos = is_odd && count_ % 2 != 0;
    for (std::int64_t i = 0; i < left_over_ / 2; ++i) {
      links.push_back({.from = from,
                       .from_port = base + 2 * i,
                       .to = (from + i + (in_twos ? 2 : 1)) % count_,
                       .to_port = base + 2 * i + 1});
    }
    if (!is_odd) return;
    const std::int64_t last = base + left_over_ - 1;
    if (in_twos && from % 2 == 0 && from + 1 < count_) {
      links.push_back({.from = from, .from_port = last, .to = from + 1, .to_port = last});
    } else if (!in_twos && from < count_ / 2) {
      links.push_back({.from = from, .from_port = last, .to = from + count_ / 2, .to_port = last});
    }
  }

  std::int64_t count_;
  std::int64_t copies_;
  std::int64_t left_over_;
};

/// Turns group links into bundles between switches of `per_group`, `first` of each being the one
/// that has ports 0 to `ports_per_switch` - 1.
struct GroupSwitches {
  std::int64_t per_group = 0;
  std::int64_t first = 0;
  std::int64_t ports_per_switch = 0;
};
void append_global(const std::vector<GroupLink>& links, const GroupSwitches& switches,
                   std::int64_t& next, std::vector<Bundle>& bundles) {
  const auto switch_of = [&](std::int64_t group, std::int64_t port) {
    return static_cast<std::int32_t>(switches.first + group * switches.per_group +
                                     port / switches.ports_per_switch);
  };
  for (const GroupLink& link : links) {
    bundles.push_back({.kind = EdgeKind::global,
                       .lower = switch_of(link.from, link.from_port),
                       .upper = switch_of(link.to, link.to_port),
                       .links = 1,
                       .first = static_cast<std::int32_t>(next++)});
  }
}

Groups groups_of(const spec::DragonflySpec& d) {
  return {.groups = d.groups, .ports = d.switches_per_group * d.global_links_per_switch};
}

/// Links across the most even division of the groups, as if all pairs had the same number.
double cut(const Groups& g) {
  if (g.groups < 2) return 0;
  return static_cast<double>(cut_pairs(g.groups)) * static_cast<double>(g.ports) /
         static_cast<double>(g.groups - 1);
}

}  // namespace

PlaneLayout lay_out_dragonfly(const spec::TopologySpec& topology,
                              const spec::DragonflySpec& shape) {
  PlaneLayout plane = lay_out_leaves(topology);
  plane.pods = shape.groups;
  plane.leaves_per_pod = shape.switches_per_group;
  plane.local_links = shape.groups * shape.switches_per_group * (shape.switches_per_group - 1) / 2;
  plane.global_links = global_link_count(groups_of(shape));
  return plane;
}

void visit_dragonfly(const spec::DragonflySpec& shape, const BundleSink& sink) {
  const GroupWiring wiring(groups_of(shape));
  const std::int64_t a = shape.switches_per_group;
  std::vector<Bundle> bundles;
  std::vector<GroupLink> links;
  std::int64_t next_local = 0;
  std::int64_t next_global = 0;
  for (std::int64_t group = 0; group < shape.groups; ++group) {
    bundles.clear();
    for (std::int64_t lower = 0; lower < a; ++lower) {
      for (std::int64_t upper = lower + 1; upper < a; ++upper) {
        bundles.push_back({.kind = EdgeKind::local,
                           .lower = static_cast<std::int32_t>(group * a + lower),
                           .upper = static_cast<std::int32_t>(group * a + upper),
                           .links = 1,
                           .first = static_cast<std::int32_t>(next_local++)});
      }
    }
    links.clear();
    wiring.append_links(group, links);
    append_global(links, {.per_group = a, .ports_per_switch = shape.global_links_per_switch},
                  next_global, bundles);
    sink(bundles);
  }
}

double cut_dragonfly(const spec::DragonflySpec& shape) {
  if (shape.groups > 1) return cut(groups_of(shape));
  return static_cast<double>(cut_pairs(shape.switches_per_group));
}

PlaneLayout lay_out_dragonfly_plus(const spec::TopologySpec& topology,
                                   const spec::DragonflyPlusSpec& shape) {
  const std::int64_t half = topology.fabric.radix / 2;
  PlaneLayout plane = lay_out_leaves(topology);
  plane.pods = shape.groups;
  plane.leaves_per_pod = half;
  plane.spines_per_pod = half;
  plane.leaf_ports.up = static_cast<int>(half);
  plane.spine_ports = {.down = static_cast<int>(half), .up = static_cast<int>(half)};
  plane.leaf_links = plane.leaves * half;
  plane.global_links = global_link_count({.groups = shape.groups, .ports = half * half});
  plane.switch_ports = plane.switches() * topology.fabric.radix;
  return plane;
}

void visit_dragonfly_plus(const Fabric& fabric, const spec::DragonflyPlusSpec& shape,
                          const BundleSink& sink) {
  const PlaneLayout& plane = fabric.plane;
  const std::int64_t half = plane.spines_per_pod;
  const GroupWiring wiring({.groups = shape.groups, .ports = half * half});
  std::vector<Bundle> bundles;
  std::vector<GroupLink> links;
  std::int64_t next_global = 0;
  for (std::int64_t group = 0; group < shape.groups; ++group) {
    bundles.clear();
    for (std::int64_t leaf = group * half; leaf < (group + 1) * half; ++leaf) {
      for (std::int64_t spine = 0; spine < half; ++spine) {
        bundles.push_back({.kind = EdgeKind::leaf,
                           .lower = static_cast<std::int32_t>(leaf),
                           .upper = static_cast<std::int32_t>(plane.leaves + group * half + spine),
                           .links = 1,
                           .first = static_cast<std::int32_t>(leaf * half + spine)});
      }
    }
    links.clear();
    wiring.append_links(group, links);
    append_global(links, {.per_group = half, .first = plane.leaves, .ports_per_switch = half},
                  next_global, bundles);
    sink(bundles);
  }
}

double cut_dragonfly_plus(const spec::DragonflyPlusSpec& shape, int radix) {
  const std::int64_t half = radix / 2;
  if (shape.groups > 1) return cut({.groups = shape.groups, .ports = half * half});
  return static_cast<double>(half * half) / 2;
}

}  // namespace planewise::fabric
