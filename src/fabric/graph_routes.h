// Shortest paths between the switches of any fabric, for families without routes in closed form.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "fabric/wiring.h"

namespace planewise::fabric {

/// One link of a path, and whether it is crossed from its lower switch to its upper one.
struct Hop {
  EdgeKind kind = EdgeKind::leaf;
  std::int64_t index = 0;  ///< Of the link among those of its kind in the plane.
  bool upwards = true;
};

/// Two leaves of a plane, and how a flow picks one of the links that lead closer.
struct PathChoice {
  std::int64_t from = 0;
  std::int64_t to = 0;
  /// `static`: the destination's number, whose digits to the base of the number of choices are used
  /// up hop by hop; `ecmp`: a hash, which is mixed anew at each hop.
  std::uint64_t value = 0;
  bool is_hash = false;
};

/// The switches of one plane with their links. Of all links that are one step closer to the
/// destination each is as likely (or as often used) as any other, parallel ones too.
class GraphRoutes {
 public:
  /// Requires: not `as_printed`.
  explicit GraphRoutes(const Fabric& fabric);

  /// Appends the links from leaf to leaf; none if they are the same. Distances to a leaf are found
  /// the first time that it is a destination, and kept: two bytes a switch.
  void append_path(const PathChoice& choice, std::vector<Hop>& path);

 private:
  struct Neighbour {
    std::int32_t number = 0;
    EdgeKind kind = EdgeKind::leaf;
    bool upwards = true;
    std::int32_t links = 0;
    std::int32_t first = 0;
    std::int32_t stride = 1;
  };
  const std::vector<std::int16_t>& distances_to(std::int64_t leaf);

  std::vector<std::vector<Neighbour>> neighbours_;
  std::map<std::int64_t, std::vector<std::int16_t>> distances_;
};

}  // namespace planewise::fabric
