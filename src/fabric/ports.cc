#include "fabric/ports.h"

#include <vector>

#include "fabric/wiring.h"

namespace planewise::fabric {
namespace {

std::int32_t narrow(std::int64_t n) { return static_cast<std::int32_t>(n); }

/// Ports of `leaf` that are kept for endpoints.
std::int64_t ports_down(const PlaneLayout& plane, std::int64_t leaf) {
  if (plane.first_endpoint.empty()) return plane.leaf_ports.down;
  const auto at = static_cast<std::size_t>(leaf);
  return plane.first_endpoint[at + 1] - plane.first_endpoint[at];
}

/// Numbers endpoints as attach() does, leaf by leaf in the order of their ports.
class EndpointNumbers {
 public:
  EndpointNumbers(const Fabric& fabric, std::int64_t plane)
      : nodes_(fabric.topology.nodes),
        planes_(fabric.topology.fabric.planes),
        plane_(plane),
        two_ports_(fabric.topology.fabric.family == spec::Family::dual_tor),
        by_rail_(two_ports_ || fabric.topology.fabric.family == spec::Family::mrft) {}

  /// The next endpoint of `node` on `leaf`.
  std::int64_t next(std::int64_t node, std::int64_t leaf) {
    if (by_rail_) {
      const std::int64_t nic = node * nodes_.nics + leaf % nodes_.nics;
      return two_ports_ ? nic * 2 + plane_ : nic;
    }
    const std::int64_t per_node = nodes_.nics / planes_;
    return node * nodes_.nics + in_plane_++ % per_node * planes_ + plane_;
  }

  bool two_ports() const { return two_ports_; }

 private:
  spec::NodesSpec nodes_;
  std::int64_t planes_;
  std::int64_t plane_;
  bool two_ports_;
  bool by_rail_;
  std::int64_t in_plane_ = 0;
};

void visit_endpoint_cables(const Fabric& fabric, std::int64_t plane, const CableSink& sink) {
  EndpointNumbers numbers(fabric, plane);
  std::vector<Cable> cables;
  visit_node_bundles(fabric, plane, [&](std::span<const NodeBundle> bundles) {
    cables.clear();
    for (const NodeBundle& bundle : bundles) {
      for (std::int32_t link = 0; link < bundle.links; ++link) {
        const std::int64_t endpoint = numbers.next(bundle.node, bundle.leaf);
        cables.push_back({.kind = EdgeKind::endpoint,
                          .plane = narrow(plane),
                          .lower = narrow(endpoint),
                          .lower_port = narrow(numbers.two_ports() ? plane + 1 : 1),
                          .upper = bundle.leaf,
                          .upper_port = narrow(std::ssize(cables) + 1),
                          .index = narrow(endpoint)});
      }
    }
    sink(cables);
  });
}

void visit_switch_cables(const Fabric& fabric, std::int64_t plane, const CableSink& sink) {
  const PlaneLayout& layout = fabric.plane;
  const std::int32_t width = fabric.topology.fabric.ports_per_uplink();
  std::vector<std::int32_t> next_port(static_cast<std::size_t>(layout.switches()), 1);
  for (std::int64_t leaf = 0; leaf < layout.leaves; ++leaf) {
    next_port[static_cast<std::size_t>(leaf)] += narrow(ports_down(layout, leaf));
  }
  const auto take_port = [&](std::int32_t number) {
    std::int32_t& next = next_port[static_cast<std::size_t>(number)];
    next += width;
    return next - width;
  };
  std::vector<Cable> cables;
  visit_bundles(fabric, [&](std::span<const Bundle> bundles) {
    cables.clear();
    for (const Bundle& bundle : bundles) {
      const std::int64_t first = plane * layout.links(bundle.kind) + bundle.first;
      for (std::int64_t link = 0; link < bundle.links; ++link) {
        cables.push_back({.kind = bundle.kind,
                          .plane = narrow(plane),
                          .lower = bundle.lower,
                          .lower_port = take_port(bundle.lower),
                          .upper = bundle.upper,
                          .upper_port = take_port(bundle.upper),
                          .index = narrow(first + link * bundle.stride)});
      }
    }
    sink(cables);
  });
}

}  // namespace

void visit_cables(const Fabric& fabric, const CableSink& sink) {
  for (std::int64_t plane = 0; plane < fabric.topology.fabric.planes; ++plane) {
    visit_endpoint_cables(fabric, plane, sink);
    visit_switch_cables(fabric, plane, sink);
  }
}

}  // namespace planewise::fabric
