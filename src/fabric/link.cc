#include "fabric/link.h"

#include "base/check.h"

namespace planewise::fabric {

LinkKind link_kind(EdgeKind kind, bool is_upwards) {
  switch (kind) {
    case EdgeKind::endpoint:
      return is_upwards ? LinkKind::nic_up : LinkKind::nic_down;
    case EdgeKind::leaf:
      return is_upwards ? LinkKind::leaf_up : LinkKind::leaf_down;
    case EdgeKind::spine:
      return is_upwards ? LinkKind::spine_up : LinkKind::spine_down;
    case EdgeKind::local:
      return is_upwards ? LinkKind::local_up : LinkKind::local_down;
    case EdgeKind::global:
      return is_upwards ? LinkKind::global_up : LinkKind::global_down;
  }
  PW_UNREACHABLE("an edge of no kind");
}

EdgeKind edge_kind(LinkKind kind) {
  switch (kind) {
    case LinkKind::leaf_up:
    case LinkKind::leaf_down:
      return EdgeKind::leaf;
    case LinkKind::spine_up:
    case LinkKind::spine_down:
      return EdgeKind::spine;
    case LinkKind::local_up:
    case LinkKind::local_down:
      return EdgeKind::local;
    case LinkKind::global_up:
    case LinkKind::global_down:
      return EdgeKind::global;
    default:
      return EdgeKind::endpoint;
  }
}

}  // namespace planewise::fabric
