// Paths of flows through a fabric: NVLink inside a node, NICs and switches between nodes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fabric/fabric.h"
#include "fabric/graph_routes.h"

namespace planewise::fabric {

/// One directed link, or under `spray` one direction of all links that a flow is spread over.
enum class LinkKind : std::uint8_t {
  nvlink_up,    ///< GPU to the node's NVLink switches.
  nvlink_down,  ///< NVLink switches to GPU.
  nic_up,       ///< NIC to leaf.
  nic_down,     ///< Leaf to NIC.
  leaf_up,      ///< Leaf to the layer above.
  leaf_down,    ///< The layer above to leaf.
  spine_up,     ///< Spine to core.
  spine_down,   ///< Core to spine.
  local_up,     ///< Between two switches of a layer in one pod; from Bundle::lower to upper.
  local_down,
  global_up,  ///< The same across pods.
  global_down,
};
inline constexpr std::size_t kLinkKindCount = 12;
/// [LinkKind] As in reports.
inline constexpr std::array<const char*, kLinkKindCount> kLinkKindWords = {
    "nvlink_up", "nvlink_down", "nic_up",   "nic_down",   "leaf_up",   "leaf_down",
    "spine_up",  "spine_down",  "local_up", "local_down", "global_up", "global_down"};

struct Link {
  LinkKind kind = LinkKind::nvlink_up;
  /// GPU for nvlink_*, endpoint for nic_*, else the number of the link (or trunk) of its kind: in
  /// order of plane, lower switch and its port up. Of one number, *_up and *_down are the two
  /// directions of a cable.
  std::int32_t index = 0;
  Rate capacity{};
};

/// A path from one GPU to another.
struct Route {
  std::vector<std::int32_t> links;  ///< Indexes into Router::links(), in order.
  int switches = 0;                 ///< Fabric switches crossed.
  Seconds latency{};                ///< Of the hops alone: switches and NVLink, no software.
};

/// What tells one flow from another to the hash of `ecmp`.
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
/// fewest links, one of several by the destination or by the hash; they know no `spray`. On a
/// multi-plane fabric a flow to another plane goes by NVLink to the GPU of the destination's rail
/// first (PXN), since no link joins two planes. Under `dual_tor` a flow takes one of the NIC's two
/// planes. Elsewhere a flow leaves by its source's own NIC. Inside a node all goes by NVLink.
class Router {
 public:
  Router(const Fabric& fabric, spec::Routing routing);

  const std::vector<Link>& links() const { return links_; }
  /// A name for a report: `plane 3 leaf 5 -> spine 2, link 1`, `node 17 gpu 3 nvlink up`, and of a
  /// trunk `plane 3 leaf 5 -> spines`, `plane 0 cores -> pod 2`. Switches are numbered within their
  /// plane.
  std::string link_name(std::int32_t link) const;
  /// GPUs are numbered node * gpus + local. Equal GPUs give an empty path.
  Route route(std::int64_t source_gpu, std::int64_t destination_gpu, const FlowKey& key) const;

 private:
  struct Ends {
    std::int64_t source_gpu = 0;
    std::int64_t exit_gpu = 0;  ///< Where the flow leaves the NVLink domain.
    std::int64_t destination_gpu = 0;
  };
  void append(Route& route, LinkKind kind, std::int64_t index) const;
  void append_network(Route& route, const Ends& ends, const FlowKey& key) const;
  void append_tree(Route& route, const Attachment& from, const Attachment& to,
                   std::uint64_t hash) const;
  void append_graph(Route& route, const Attachment& from, const Attachment& to,
                    std::uint64_t choice) const;

  Fabric fabric_;
  spec::Routing routing_;
  std::vector<Link> links_;
  /// Position in links_ of the first link of each kind.
  std::array<std::int64_t, kLinkKindCount> first_{};
  mutable std::optional<GraphRoutes> graph_;  ///< None of trees. Fills as routes are asked for.
};

}  // namespace planewise::fabric
