// Fabrics as listed by the user.
#include <vector>

#include "fabric/families.h"

namespace planewise::fabric {
namespace {

EdgeKind kind_of(const spec::CustomSpec& shape, const spec::CustomLinks& links) {
  const Layer lower = shape.switches[static_cast<std::size_t>(links.from)].layer;
  const Layer upper = shape.switches[static_cast<std::size_t>(links.to)].layer;
  if (lower == upper) return EdgeKind::local;
  return lower == Layer::leaf ? EdgeKind::leaf : EdgeKind::spine;
}

}  // namespace

PlaneLayout lay_out_custom(const spec::TopologySpec& topology, const spec::CustomSpec& shape) {
  PlaneLayout plane;
  plane.endpoints = spec::endpoints_per_plane(topology);
  for (const spec::CustomSwitch& one : shape.switches) {
    plane.switch_ports += one.radix;
    if (one.layer == Layer::leaf) {
      ++plane.leaves;
      plane.first_endpoint.push_back(plane.endpoint_capacity);
      plane.endpoint_capacity += one.endpoints;
    } else if (one.layer == Layer::spine) {
      ++plane.spines_per_pod;
    } else {
      ++plane.cores;
    }
  }
  plane.first_endpoint.push_back(plane.endpoint_capacity);
  plane.leaves_per_pod = plane.leaves;
  for (const spec::CustomLinks& links : shape.links) {
    switch (kind_of(shape, links)) {
      case EdgeKind::leaf:
        plane.leaf_links += links.links;
        break;
      case EdgeKind::spine:
        plane.spine_links += links.links;
        break;
      default:
        plane.local_links += links.links;
    }
  }
  return plane;
}

void visit_custom(const spec::CustomSpec& shape, const BundleSink& sink) {
  std::int32_t next_leaf = 0;
  std::int32_t next_spine = 0;
  std::int32_t next_local = 0;
  std::vector<Bundle> bundles;
  for (const spec::CustomLinks& links : shape.links) {
    const EdgeKind kind = kind_of(shape, links);
    std::int32_t& next = kind == EdgeKind::leaf    ? next_leaf
                         : kind == EdgeKind::spine ? next_spine
                                                   : next_local;
    bundles.push_back({.kind = kind,
                       .lower = static_cast<std::int32_t>(links.from),
                       .upper = static_cast<std::int32_t>(links.to),
                       .links = static_cast<std::int32_t>(links.links),
                       .first = next});
    next += static_cast<std::int32_t>(links.links);
  }
  sink(bundles);
}

}  // namespace planewise::fabric
