#include "spec/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/check.h"
#include "spec/ports.h"
#include "spec/shapes.h"
#include "spec/storage.h"

namespace planewise::spec {
namespace {

/// How far a family's one number that grows can go; `most` is below `least` if nothing fits.
struct Growth {
  std::int64_t least = 1;
  std::int64_t most = 1;
};

std::int64_t full_bandwidth_endpoints(std::int64_t q) { return (slim_fly_degree(q) + 1) / 2; }

std::int64_t slim_fly_ports(std::int64_t q) {
  return slim_fly_degree(q) + full_bandwidth_endpoints(q);
}

Growth slim_fly_growth(int radix) {
  Growth growth{.least = 3, .most = 0};
  for (std::int64_t q = growth.least; slim_fly_ports(q) <= radix; ++q) {
    if (is_slim_fly_q(q)) growth.most = q;
  }
  return growth;
}

/// Switches for each unit of the last extent.
std::int64_t switches_a_layer(const std::vector<std::int64_t>& extents) {
  std::int64_t switches = 1;
  for (std::size_t i = 0; i + 1 < extents.size(); ++i) switches *= extents[i];
  return switches;
}

/// As far as the ports of a switch reach along the last dimension.
std::int64_t longest_extent(HyperXSpec hyperx, int radix) {
  hyperx.extents.back() = 1;
  return 1 + (radix - ports_needed(hyperx)) / hyperx.parallel_links.back();
}

/// Of families that grow by a number in their shape; the others have one shape for all sizes.
std::optional<Growth> growth_of(const FabricSpec& fabric) {
  if (const auto* dragonfly = std::get_if<DragonflySpec>(&fabric.shape)) {
    return Growth{
        .most = std::min(most_groups(fabric), kMostEndpoints / dragonfly->switches_per_group)};
  }
  if (std::holds_alternative<DragonflyPlusSpec>(fabric.shape)) {
    return Growth{.most = std::min(most_groups(fabric), kMostEndpoints / fabric.radix)};
  }
  if (std::holds_alternative<SlimFlySpec>(fabric.shape)) return slim_fly_growth(fabric.radix);
  if (const auto* hyperx = std::get_if<HyperXSpec>(&fabric.shape)) {
    return Growth{.least = 2,
                  .most = std::min(longest_extent(*hyperx, fabric.radix),
                                   kMostEndpoints / switches_a_layer(hyperx->extents))};
  }
  if (const auto* torus = std::get_if<TorusSpec>(&fabric.shape)) {
    return Growth{.least = 2, .most = kMostEndpoints / switches_a_layer(torus->extents)};
  }
  return std::nullopt;
}

/// Slim Fly: of the next q that there is.
TopologySpec grown(const TopologySpec& topology, std::int64_t size) {
  TopologySpec result = topology;
  Shape& shape = result.fabric.shape;
  if (auto* dragonfly = std::get_if<DragonflySpec>(&shape)) {
    dragonfly->groups = size;
  } else if (auto* plus = std::get_if<DragonflyPlusSpec>(&shape)) {
    plus->groups = size;
  } else if (auto* slim = std::get_if<SlimFlySpec>(&shape)) {
    slim->q = size;
    while (!is_slim_fly_q(slim->q)) ++slim->q;
    slim->endpoints_per_switch = full_bandwidth_endpoints(slim->q);
  } else if (auto* hyperx = std::get_if<HyperXSpec>(&shape)) {
    hyperx->extents.back() = size;
  } else if (auto* torus = std::get_if<TorusSpec>(&shape)) {
    torus->extents.back() = size;
  }
  return result;
}

/// The least growth that holds the nodes. Requires that the most does.
TopologySpec grown_for(const TopologySpec& topology, std::int64_t nodes, Growth growth) {
  while (growth.least < growth.most) {
    const std::int64_t middle = (growth.least + growth.most) / 2;
    if (node_capacity(grown(topology, middle)) >= nodes) {
      growth.most = middle;
    } else {
      growth.least = middle + 1;
    }
  }
  return grown(topology, growth.least);
}

/// Numbers of nodes for which the fabric can be built, and what bounds the most, as the start of a
/// sentence.
struct NodeLimits {
  std::int64_t least = 1;
  std::int64_t most = 0;
  std::string holder{};
};

NodeLimits limits_of(const TopologySpec& topology, const std::optional<Growth>& growth) {
  const FabricSpec& fabric = topology.fabric;
  NodeLimits limits;
  const auto bound = [&](std::int64_t most, const std::string& holder) {
    if (!limits.holder.empty() && most >= limits.most) return;
    limits.most = most;
    limits.holder = holder;
  };
  if (is_tree(fabric)) {
    if (fabric.tree().layers == 3) limits.least = one_pod_nodes(topology) + 1;
    bound(node_capacity(topology),
          fmt::format("{} layers of {}-port switches hold", fabric.tree().layers, fabric.radix));
  } else {
    const TopologySpec largest = growth ? grown(topology, growth->most) : topology;
    bound(node_capacity(largest),
          fmt::format("a {} of {}-port switches holds", family_word(fabric.family), fabric.radix));
  }
  if (topology.storage) {
    TopologySpec large = topology;
    large.nodes.count = kMostEndpoints;
    bound(node_capacity(storage_topology(large)),
          fmt::format("its storage network of {}-port switches serves", fabric.radix));
  }
  bound(kMostEndpoints / topology.nodes.nics, "a fabric has");
  return limits;
}

struct Refusal {
  std::string message{};
  std::string hint{};
};

/// Why the fabric has but one size, if it has.
std::optional<Refusal> fixed_size(const TopologySpec& topology, std::int64_t endpoints) {
  const std::int64_t own = endpoint_count(topology);
  const bool custom = topology.fabric.family == Family::custom;
  if (endpoints == own || (!custom && !topology.fabric.as_printed)) return std::nullopt;
  return Refusal{.message = fmt::format("{} endpoints, but a fabric {} has its {} alone", endpoints,
                                        custom ? "as listed" : "as printed", own),
                 .hint = fmt::format("use {} endpoints", own)};
}

/// Why `endpoints` is no size of the fabric, if it is none.
std::optional<Refusal> refuse_size(const TopologySpec& topology, std::int64_t endpoints,
                                   const NodeLimits& limits) {
  const std::int64_t per_node = endpoints_per_node(topology);
  const std::int64_t below = std::clamp(endpoints / per_node, limits.least, limits.most);
  if (endpoints % per_node != 0) {
    const std::int64_t above = std::clamp(endpoints / per_node + 1, limits.least, limits.most);
    return Refusal{
        .message = fmt::format("{} endpoints do not divide over nodes of {}", endpoints, per_node),
        .hint = below == above
                    ? fmt::format("use {} endpoints", below * per_node)
                    : fmt::format("use {} or {} endpoints", below * per_node, above * per_node)};
  }
  const std::int64_t nodes = endpoints / per_node;
  const std::string nearest = fmt::format("use {} endpoints", below * per_node);
  if (nodes > limits.most) {
    return Refusal{.message = fmt::format("{} endpoints, but {} at most {}", endpoints,
                                          limits.holder, limits.most * per_node),
                   .hint = nearest};
  }
  if (nodes >= limits.least) return std::nullopt;
  if (limits.least == 1) {
    return Refusal{.message = fmt::format("{} endpoints; a node has {}", endpoints, per_node),
                   .hint = nearest};
  }
  return Refusal{
      .message = fmt::format("3 layers join pods, but {} endpoints fit in one pod (of up to {})",
                             endpoints, (limits.least - 1) * per_node),
      .hint = nearest + " or 2 layers"};
}

}  // namespace

TopologySpec resized(const TopologySpec& topology, std::int64_t endpoints,
                     Diagnostics& diagnostics) {
  const auto refuse = [&](const Refusal& refusal) {
    diagnostics.add(topology.origin.diagnose("nodes.count", refusal.message, refusal.hint));
    return topology;
  };
  if (const auto refusal = fixed_size(topology, endpoints)) return refuse(*refusal);
  if (topology.fabric.as_printed) return topology;
  const std::optional<Growth> growth = growth_of(topology.fabric);
  if (growth && growth->most < growth->least) {
    return refuse({.message = fmt::format("{}-port switches make no slim_fly of full bandwidth",
                                          topology.fabric.radix),
                   .hint = fmt::format("use a radix of at least {}", slim_fly_ports(3))});
  }
  const NodeLimits limits = limits_of(topology, growth);
  if (limits.most < limits.least) {
    return refuse(
        {.message = fmt::format("{} no node of {} NICs", limits.holder, topology.nodes.nics),
         .hint = "use a larger radix"});
  }
  if (const auto refusal = refuse_size(topology, endpoints, limits)) return refuse(*refusal);
  const std::int64_t nodes = endpoints / endpoints_per_node(topology);
  TopologySpec result = growth ? grown_for(topology, nodes, *growth) : topology;
  result.nodes.count = nodes;
  return result;
}

}  // namespace planewise::spec
