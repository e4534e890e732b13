#include "spec/shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "spec/custom_fabric.h"
#include "spec/ports.h"

namespace planewise::spec {
namespace {

constexpr std::int64_t kMostRadix = 4096;
constexpr IntegerRange kPorts{.min = 1, .max = kMostRadix};
constexpr IntegerRange kPortsOrNone{.min = 0, .max = kMostRadix};
constexpr IntegerRange kSwitches{.min = 1, .max = kMostEndpoints};
constexpr NumberRange kRatio{.min = 1, .max = 64};
constexpr std::size_t kMostDimensions = 16;

/// Keys that some families have, in the order in which the reference lists them.
constexpr std::array<std::string_view, 22> kShapeKeys = {"planes",
                                                         "layers",
                                                         "leaf_oversubscription",
                                                         "spine_oversubscription",
                                                         "striping",
                                                         "unit_nodes",
                                                         "endpoints_per_switch",
                                                         "switches_per_group",
                                                         "global_links_per_switch",
                                                         "groups",
                                                         "q",
                                                         "extents",
                                                         "parallel_links",
                                                         "segment_nodes",
                                                         "segments_per_pod",
                                                         "leaf_uplinks",
                                                         "spines_per_pod",
                                                         "spine_uplinks",
                                                         "uplink_rate",
                                                         "as_printed",
                                                         "switches",
                                                         "links"};

bool has_tree_key(Family family, std::string_view key) {
  if (key == "layers" || key == "leaf_oversubscription" || key == "spine_oversubscription" ||
      key == "striping") {
    return true;
  }
  return (key == "planes" && family == Family::mpft) ||
         (key == "unit_nodes" && family == Family::mrft);
}

bool has_key(Family family, std::string_view key) {
  const auto is_one_of = [&](std::initializer_list<std::string_view> keys) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  switch (family) {
    case Family::fat_tree:
    case Family::mpft:
    case Family::mrft:
    case Family::rail_only:
      return has_tree_key(family, key);
    case Family::dragonfly:
      return is_one_of({"endpoints_per_switch", "switches_per_group", "global_links_per_switch",
                        "groups", "as_printed"});
    case Family::dragonfly_plus:
      return is_one_of({"groups"});
    case Family::slim_fly:
      return is_one_of({"q", "endpoints_per_switch", "as_printed"});
    case Family::hyperx:
      return is_one_of({"extents", "parallel_links", "endpoints_per_switch"});
    case Family::torus:
      return is_one_of({"extents", "endpoints_per_switch"});
    case Family::dual_tor:
      return is_one_of({"segment_nodes", "segments_per_pod", "leaf_uplinks", "spines_per_pod",
                        "spine_uplinks", "uplink_rate"});
    case Family::custom:
      return is_one_of({"switches", "links"});
  }
  return false;
}

TreeSpec read_tree(FabricSpec& fabric, MapReader& map) {
  TreeSpec tree;
  tree.layers = map.small_integer("layers", {.min = 2, .max = 3});
  if (fabric.family == Family::mpft) {
    fabric.planes = map.small_integer("planes", {.min = 1, .max = 1024});
  }
  if (fabric.family == Family::mrft && map.has("unit_nodes")) {
    tree.unit_nodes = map.integer("unit_nodes", kPorts);
  }
  if (map.has("leaf_oversubscription")) {
    tree.leaf_oversubscription = map.number("leaf_oversubscription", kRatio);
  }
  if (!map.read_well({"layers"})) {
    map.allow({"spine_oversubscription"});
  } else if (tree.layers == 2) {
    map.not_used({"spine_oversubscription"}, "with 2 layers nothing is above the spines");
  } else if (map.has("spine_oversubscription")) {
    tree.spine_oversubscription = map.number("spine_oversubscription", kRatio);
  }
  if (map.has("striping")) {
    tree.striping =
        map.choice<Striping>("striping", {{"even", Striping::even}, {"greedy", Striping::greedy}});
  }
  return tree;
}

DualTorSpec read_dual_tor(FabricSpec& fabric, MapReader& map) {
  fabric.planes = 2;
  if (map.has("uplink_rate")) fabric.uplink_rate = map.quantity<Rate>("uplink_rate");
  return {.segment_nodes = map.integer("segment_nodes", kPorts),
          .segments_per_pod = map.integer("segments_per_pod", kPorts),
          .leaf_uplinks = map.integer("leaf_uplinks", kPorts),
          .spines_per_pod = map.integer("spines_per_pod", kPorts),
          .spine_uplinks = map.integer("spine_uplinks", kPortsOrNone)};
}

/// One number a dimension.
std::vector<std::int64_t> read_dimensions(MapReader& map, std::string_view key,
                                          IntegerRange range) {
  std::vector<std::int64_t> numbers = map.integers(key, range);
  if (!map.read_well({key})) return {2};
  if (numbers.empty() || numbers.size() > kMostDimensions) {
    map.error(
        key,
        fmt::format("{} dimensions; from 1 to {} are possible", numbers.size(), kMostDimensions),
        "write a number for each dimension: [8, 8]");
    return {2};
  }
  return numbers;
}

HyperXSpec read_hyperx(MapReader& map) {
  HyperXSpec hyperx{.extents = read_dimensions(map, "extents", {.min = 2, .max = kMostRadix})};
  if (map.has("parallel_links")) {
    hyperx.parallel_links = read_dimensions(map, "parallel_links", kPorts);
    const bool known = map.read_well({"extents", "parallel_links"});
    if (known && hyperx.parallel_links.size() != hyperx.extents.size()) {
      map.error("parallel_links",
                fmt::format("as many numbers as extents are needed, {}, not {}",
                            hyperx.extents.size(), hyperx.parallel_links.size()),
                "write one a dimension, or remove it for 1 link each");
    }
  }
  hyperx.parallel_links.resize(hyperx.extents.size(), 1);
  hyperx.endpoints_per_switch = map.integer("endpoints_per_switch", kPorts);
  return hyperx;
}

Shape read_family(FabricSpec& fabric, MapReader& map) {
  if (has_key(fabric.family, "as_printed") && map.has("as_printed")) {
    fabric.as_printed = map.boolean("as_printed");
  }
  switch (fabric.family) {
    case Family::fat_tree:
    case Family::mpft:
    case Family::mrft:
    case Family::rail_only:
      return read_tree(fabric, map);
    case Family::dragonfly:
      return DragonflySpec{
          .endpoints_per_switch = map.integer("endpoints_per_switch", kPorts),
          .switches_per_group = map.integer("switches_per_group", kPorts),
          .global_links_per_switch = map.integer("global_links_per_switch", kPorts),
          .groups = map.integer("groups", kSwitches)};
    case Family::dragonfly_plus:
      return DragonflyPlusSpec{.groups = map.integer("groups", kSwitches)};
    case Family::slim_fly:
      return SlimFlySpec{.q = map.integer("q", {.min = 3, .max = kMostRadix}),
                         .endpoints_per_switch = map.integer("endpoints_per_switch", kPorts)};
    case Family::hyperx:
      return read_hyperx(map);
    case Family::torus:
      return TorusSpec{
          .extents = read_dimensions(map, "extents", {.min = 2, .max = kMostEndpoints}),
          .endpoints_per_switch = map.integer("endpoints_per_switch", kPorts)};
    case Family::dual_tor:
      return read_dual_tor(fabric, map);
    case Family::custom:
      return read_custom_fabric(map);
  }
  return TreeSpec{};
}

/// Ports of a switch that a direct network needs, and the sum as the user can follow it.
void check_ports(const FabricSpec& fabric, MapReader& map, std::int64_t needed,
                 const std::string& sum) {
  if (!map.read_well({"radix"}) || needed <= fabric.radix) return;
  map.error("radix",
            fmt::format("{} needs {} = {} ports a switch, more than {}", family_word(fabric.family),
                        sum, needed, fabric.radix),
            fmt::format("use a radix of at least {}, or fewer endpoints a switch", needed));
}

void check_switch_count(MapReader& map, std::string_view key, std::int64_t switches) {
  if (switches <= kMostEndpoints) return;
  map.error(key, fmt::format("more than {} switches", kMostEndpoints), "use smaller numbers");
}

void check_dragonfly(const FabricSpec& fabric, const DragonflySpec& d, MapReader& map) {
  if (!map.read_well({"endpoints_per_switch", "switches_per_group", "global_links_per_switch",
                      "groups", "as_printed"})) {
    return;
  }
  check_ports(fabric, map,
              d.endpoints_per_switch + d.switches_per_group - 1 + d.global_links_per_switch,
              fmt::format("{} + {} + {}", d.endpoints_per_switch, d.switches_per_group - 1,
                          d.global_links_per_switch));
  const std::int64_t most = most_groups(fabric);
  if (d.groups > most) {
    map.error("groups",
              fmt::format("{} groups, but {} switches of {} global links reach only {} others",
                          d.groups, d.switches_per_group, d.global_links_per_switch, most - 1),
              fmt::format("write {} groups or fewer", most));
    return;
  }
  check_switch_count(map, "groups", d.groups * d.switches_per_group);
}

void check_dragonfly_plus(const FabricSpec& fabric, const DragonflyPlusSpec& d, MapReader& map) {
  if (!map.read_well({"groups", "radix"})) return;
  const std::int64_t half = fabric.radix / 2;
  const std::int64_t most = most_groups(fabric);
  if (d.groups > most) {
    map.error("groups",
              fmt::format("{} groups, but {} spines of {} global links reach only {} others",
                          d.groups, half, half, most - 1),
              fmt::format("write {} groups or fewer", most));
    return;
  }
  check_switch_count(map, "groups", d.groups * fabric.radix);
}

void check_slim_fly(const FabricSpec& fabric, const SlimFlySpec& s, MapReader& map) {
  if (!map.read_well({"q", "endpoints_per_switch", "as_printed"})) return;
  if (slim_fly_remainder(s.q) == 2 || (!fabric.as_printed && !is_slim_fly_q(s.q))) {
    std::int64_t below = s.q;
    while (below >= 3 && !is_slim_fly_q(below)) --below;
    std::int64_t above = s.q;
    while (!is_slim_fly_q(above)) ++above;
    const bool is_printable = slim_fly_remainder(s.q) != 2;
    map.error(
        "q",
        fmt::format("there is no Slim Fly of q = {}: q must be a prime power and not 2 modulo 4",
                    s.q),
        fmt::format("write {}{}{}", below >= 3 ? fmt::format("{} or ", below) : "", above,
                    is_printable ? ", or 'as_printed: true' for counts without a graph" : ""));
    return;
  }
  const std::int64_t degree = slim_fly_degree(s.q);
  check_ports(fabric, map, degree + s.endpoints_per_switch,
              fmt::format("{} + {}", degree, s.endpoints_per_switch));
}

void check_hyperx(const FabricSpec& fabric, const HyperXSpec& h, MapReader& map) {
  if (!map.read_well({"extents", "parallel_links", "endpoints_per_switch"})) return;
  std::string sum = fmt::format("{}", h.endpoints_per_switch);
  std::int64_t switches = 1;
  for (std::size_t i = 0; i < h.extents.size(); ++i) {
    sum += fmt::format(" + {} x {}", h.parallel_links[i], h.extents[i] - 1);
    switches = std::min(switches * h.extents[i], kMostEndpoints + 1);
  }
  check_ports(fabric, map, ports_needed(h), sum);
  check_switch_count(map, "extents", switches);
}

void check_torus(const FabricSpec& fabric, const TorusSpec& t, MapReader& map) {
  if (!map.read_well({"extents", "endpoints_per_switch"})) return;
  const auto dimensions = static_cast<std::int64_t>(t.extents.size());
  check_ports(fabric, map, t.endpoints_per_switch + 2 * dimensions,
              fmt::format("{} + 2 x {}", t.endpoints_per_switch, dimensions));
  std::int64_t switches = 1;
  for (const std::int64_t extent : t.extents) {
    switches = std::min(switches * extent, kMostEndpoints + 1);
  }
  check_switch_count(map, "extents", switches);
}

}  // namespace

std::string_view family_word(Family family) {
  switch (family) {
    case Family::fat_tree:
      return "fat_tree";
    case Family::mpft:
      return "mpft";
    case Family::mrft:
      return "mrft";
    case Family::rail_only:
      return "rail_only";
    case Family::dragonfly:
      return "dragonfly";
    case Family::dragonfly_plus:
      return "dragonfly_plus";
    case Family::slim_fly:
      return "slim_fly";
    case Family::hyperx:
      return "hyperx";
    case Family::torus:
      return "torus";
    case Family::dual_tor:
      return "dual_tor";
    case Family::custom:
      return "custom";
  }
  PW_UNREACHABLE("a fabric of no family");
}

void read_shape(FabricSpec& fabric, MapReader& map) {
  const auto option = [](Family family) { return std::pair{family_word(family), family}; };
  fabric.family = map.choice<Family>(
      "family", {option(Family::fat_tree), option(Family::mpft), option(Family::mrft),
                 option(Family::rail_only), option(Family::dragonfly),
                 option(Family::dragonfly_plus), option(Family::slim_fly), option(Family::hyperx),
                 option(Family::torus), option(Family::dual_tor), option(Family::custom)});
  if (!map.read_well({"family"})) {
    for (const std::string_view key : kShapeKeys) map.allow({key});
    return;
  }
  for (const std::string_view key : kShapeKeys) {
    if (has_key(fabric.family, key)) continue;
    map.not_used({key}, fmt::format("family '{}' has no '{}'", family_word(fabric.family), key));
  }
  fabric.shape = read_family(fabric, map);
}

void check_shape(const FabricSpec& fabric, MapReader& map) {
  if (const auto* dragonfly = std::get_if<DragonflySpec>(&fabric.shape)) {
    check_dragonfly(fabric, *dragonfly, map);
  } else if (const auto* plus = std::get_if<DragonflyPlusSpec>(&fabric.shape)) {
    check_dragonfly_plus(fabric, *plus, map);
  } else if (const auto* slim = std::get_if<SlimFlySpec>(&fabric.shape)) {
    check_slim_fly(fabric, *slim, map);
  } else if (const auto* hyperx = std::get_if<HyperXSpec>(&fabric.shape)) {
    check_hyperx(fabric, *hyperx, map);
  } else if (const auto* torus = std::get_if<TorusSpec>(&fabric.shape)) {
    check_torus(fabric, *torus, map);
  }
}

}  // namespace planewise::spec
