// Directed links as routes name them, and the cables that they run over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/units.h"
#include "fabric/fabric.h"

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

/// Both directions of a link. `index` as in Link, never a trunk's.
struct Cable {
  LinkKind kind = LinkKind::nvlink_up;  ///< Of the direction up.
  std::int64_t index = 0;
};

/// Its place among the kinds.
constexpr std::size_t position(LinkKind kind) { return static_cast<std::size_t>(kind); }
/// The direction up of the cable that a link of `kind` runs over.
constexpr LinkKind upwards(LinkKind kind) { return static_cast<LinkKind>(position(kind) / 2 * 2); }
constexpr LinkKind downwards(LinkKind kind) {
  return static_cast<LinkKind>(position(kind) / 2 * 2 + 1);
}

/// The kind of a link over an edge of the graph.
LinkKind link_kind(EdgeKind kind, bool is_upwards);
/// The kind of edge under a link; of NVLink there is none, and `endpoint` is returned.
EdgeKind edge_kind(LinkKind kind);

}  // namespace planewise::fabric
