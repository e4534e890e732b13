// Paths of flows through a fabric: NVLink inside a node, NICs and switches between nodes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fabric/gateways.h"
#include "fabric/graph_routes.h"
#include "fabric/link.h"
#include "fabric/live_routes.h"

namespace planewise::fabric {

/// A path from one GPU to another.
struct Route {
  std::vector<std::int32_t> links;  ///< Indexes into Router::links(), in order.
  int switches = 0;                 ///< Fabric switches crossed.
  Seconds latency{};                ///< Of the hops alone: switches and NVLink, no software.
};

/// What tells one flow from another to the hash of `ecmp`, and where `adaptive` finds several links
/// alike.
struct FlowKey {
  std::uint64_t seed = 0;   ///< The run's seed.
  std::uint64_t queue = 0;  ///< Queue pair or message kind between the same two GPUs.
};

/// The links of a fabric and the paths over them under one routing policy.
///
/// Trees: `static_path` picks uplinks by the destination (D-mod-k), `ecmp` by a hash of source,
/// destination and FlowKey, `spray` uses one trunk for all ports up of a leaf and one for all of a
/// pod's spines, which is exact in a fluid model as long as every flow spreads evenly (a trunk's
/// capacity is the sum of its links) and striping is even. The other families take a path of the
/// fewest links, one of several by the destination or by the hash; they know no `spray`. `adaptive`
/// takes the least crowded of the links that lead closer, hop by hop, in all families; without
/// LiveRoutes it is as `ecmp`. On a multi-plane fabric a flow to another plane goes by NVLink to
/// the GPU of the destination's rail first (PXN), since no link joins two planes; with `pxn:
/// always` so does a flow to any other rail. Under `dual_tor` a flow takes one of the NIC's two
/// planes. Elsewhere a flow leaves by its source's own NIC. Inside a node all goes by NVLink.
class Router {
 public:
  Router(const Fabric& fabric, spec::Routing routing);

  spec::Routing routing() const { return routing_; }
  const std::vector<Link>& links() const { return links_; }
  /// A name for a report: `plane 3 leaf 5 -> spine 2, link 1`, `node 17 gpu 3 nvlink up`, and of a
  /// trunk `plane 3 leaf 5 -> spines`, `plane 0 cores -> pod 2`. Switches are numbered within their
  /// plane.
  std::string link_name(std::int32_t link) const;
  /// GPUs are numbered node * gpus + local. Equal GPUs give an empty path.
  Route route(std::int64_t source_gpu, std::int64_t destination_gpu, const FlowKey& key) const;
  /// The same over what works, by what the links carry: the first choice above if no cable on it
  /// has failed (under `adaptive` always anew). Else the shortest path between the same NICs that
  /// works, picked by the same rule; else by NVLink and other NICs, with the fewest NVLink hops.
  /// None if no way is left. Requires: `live` is of this fabric.
  std::optional<Route> route(std::int64_t source_gpu, std::int64_t destination_gpu,
                             const FlowKey& key, LiveRoutes& live) const;

  /// Whether no cable under the links of a route has failed. Trunks have no one cable: there the
  /// leaves that they lead between must still be joined.
  bool works(std::span<const std::int32_t> route, LiveRoutes& live) const;

  /// Both directions of a cable; under `spray` of the trunk that it is in.
  std::array<std::int32_t, 2> links_over(const Cable& cable) const;
  /// Capacity of a link whose cables have lost some of their rate: of a trunk, what is left of all.
  Rate capacity(std::int32_t link, const LiveRoutes& live) const;

 private:
  void append(Route& route, LinkKind kind, std::int64_t index) const;
  std::uint64_t hash_of(const GpuPair& pair, const FlowKey& key) const;
  bool picks_by_hash() const;
  bool is_trunk(LinkKind kind) const;
  std::int64_t cables_per_link(LinkKind kind) const;
  void append_nvlink(Route& route, const GpuPair& pair) const;
  void append_network(Route& route, const GpuPair& pair, const FlowKey& key) const;
  void append_tree(Route& route, const Attachment& from, const Attachment& to,
                   std::uint64_t hash) const;
  void append_graph(Route& route, const Attachment& from, const Attachment& to,
                    std::uint64_t choice) const;
  void append_hops(Route& route, std::int64_t plane, const std::vector<Hop>& path) const;
  Gateway pick_gateway(const std::vector<Gateway>& gateways, std::uint64_t choice,
                       const LiveRoutes& live) const;
  void append_live(Route& route, const Gateway& gateway, std::uint64_t choice,
                   LiveRoutes& live) const;

  Fabric fabric_;
  spec::Routing routing_;
  std::vector<Link> links_;
  /// Position in links_ of the first link of each kind.
  std::array<std::int64_t, kLinkKindCount> first_{};
  mutable std::optional<GraphRoutes> graph_;  ///< None of trees. Fills as routes are asked for.
};

}  // namespace planewise::fabric
