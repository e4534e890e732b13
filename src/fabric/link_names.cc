#include "fabric/link_names.h"

#include "base/check.h"

namespace planewise::fabric {
namespace {

std::string number_text(std::int64_t value) { return std::to_string(value); }

/// A bundle, and which of its links.
struct Found {
  Bundle bundle{};
  std::int64_t parallel = -1;  // -1: not found.
};

Found find_link(const Fabric& fabric, EdgeKind kind, std::int64_t in_plane) {
  Found found;
  visit_bundles(fabric, [&](std::span<const Bundle> bundles) {
    for (const Bundle& bundle : bundles) {
      if (bundle.kind != kind || in_plane < bundle.first) continue;
      const std::int64_t offset = in_plane - bundle.first;
      const std::int64_t parallel = offset / bundle.stride;
      if (offset % bundle.stride != 0 || parallel >= bundle.links) continue;
      found = {.bundle = bundle, .parallel = parallel};
    }
  });
  return found;
}

}  // namespace

std::string switch_in_words(const Fabric& fabric, std::int64_t number) {
  const PlaneLayout& plane = fabric.plane;
  if (const auto* custom = std::get_if<spec::CustomSpec>(&fabric.topology.fabric.shape)) {
    return custom->switches[static_cast<std::size_t>(number)].name;
  }
  if (number < plane.leaves) return "leaf " + number_text(number);
  const std::int64_t above = number - plane.leaves;
  if (above < plane.spines()) return "spine " + number_text(above);
  return "core " + number_text(above - plane.spines());
}

std::string switch_link_name(const Fabric& fabric, const DirectedLink& link) {
  const std::int64_t in_plane = fabric.plane.links(link.kind);
  PW_CHECK(in_plane > 0);
  const Found found = find_link(fabric, link.kind, link.index % in_plane);
  PW_CHECK(found.parallel >= 0);
  const std::string lower = switch_in_words(fabric, found.bundle.lower);
  const std::string upper = switch_in_words(fabric, found.bundle.upper);
  return "plane " + number_text(link.index / in_plane) + " " + (link.upwards ? lower : upper) +
         " -> " + (link.upwards ? upper : lower) + ", link " + number_text(found.parallel);
}

std::string trunk_name(const PlaneLayout& plane, const DirectedLink& link) {
  const bool is_leaf = link.kind == EdgeKind::leaf;
  const std::int64_t trunks = is_leaf ? plane.leaves : plane.pods;
  const std::string lower = (is_leaf ? "leaf " : "pod ") + number_text(link.index % trunks);
  const std::string upper = is_leaf ? "spines" : "cores";
  return "plane " + number_text(link.index / trunks) + " " + (link.upwards ? lower : upper) +
         " -> " + (link.upwards ? upper : lower);
}

}  // namespace planewise::fabric
