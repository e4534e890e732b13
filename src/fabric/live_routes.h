// Paths over what works of a fabric at a moment, by what its links carry at that moment.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "fabric/graph_routes.h"
#include "fabric/link.h"

namespace planewise::fabric {

/// How a switch picks one of the links that lead closer.
enum class Pick : std::uint8_t {
  destination,  ///< By the digits of `value`, as GraphRoutes under `static`.
  hash,         ///< By `value`, mixed anew at each hop.
  load,         ///< The one that would give one more flow the most; of several by the hash.
};

/// Two leaves of a plane, and how a flow picks its path.
struct LivePath {
  std::int64_t plane = 0;
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::uint64_t value = 0;
  Pick pick = Pick::hash;
};

/// What works of a fabric and how many flows cross each link, and the shortest paths over it.
///
/// In trees and under `dual_tor` a path goes up and then down, never up again, as their switches
/// forward; elsewhere any path will do. All works at first, and nothing carries a flow.
class LiveRoutes {
 public:
  /// Requires: not `as_printed`.
  explicit LiveRoutes(const Fabric& fabric);

  /// The part of its rate that a cable has, from 0 (it has failed) to 1.
  double factor(const Cable& cable) const { return factors_[pair(cable.kind)][at(cable.index)]; }
  void set_factor(const Cable& cable, double factor);
  /// False if the cable under a link (no trunk) has failed.
  bool works(LinkKind kind, std::int64_t index) const {
    return factors_[pair(kind)][at(index)] > 0;
  }
  bool all_work() const { return failed_ == 0; }

  /// Counts flows in flight over a link (no trunk); negative when they leave.
  void add_flows(LinkKind kind, std::int64_t index, std::int64_t count) {
    flows_[position(kind)][at(index)] += count;
  }
  /// Flows a working link would carry with one more, over the part of its rate that it has.
  double crowding(LinkKind kind, std::int64_t index) const {
    return static_cast<double>(flows_[position(kind)][at(index)] + 1) /
           factors_[pair(kind)][at(index)];
  }

  /// Whether any path leads from leaf to leaf.
  bool joins(std::int64_t plane, std::int64_t from, std::int64_t to);
  /// Appends the links of a shortest path; their indexes are within the plane. Requires: there is
  /// one. Distances to a leaf are kept until a cable of the plane fails or comes back.
  void append_path(const LivePath& path, std::vector<Hop>& hops);

 private:
  struct Neighbour {
    std::int32_t number = 0;
    EdgeKind kind = EdgeKind::leaf;
    LinkKind link = LinkKind::leaf_up;  ///< Of the direction away from the switch.
    bool upwards = true;
    std::int32_t links = 0;
    std::int32_t first = 0;
    std::int32_t stride = 1;
  };
  /// A switch, and whether the path has come down already and may not go up any more.
  struct State {
    std::int32_t number = 0;
    bool descends = false;
  };
  /// By 2 * switch + descends; -1: no path.
  using Distances = std::vector<std::int16_t>;

  static std::size_t pair(LinkKind kind) { return position(kind) / 2; }
  static std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }
  static std::size_t at(const State& state) {
    return 2 * static_cast<std::size_t>(state.number) + (state.descends ? 1 : 0);
  }
  std::int64_t in_all_planes(std::int64_t plane, EdgeKind kind, std::int64_t index) const {
    return plane * links_of_plane_[static_cast<std::size_t>(kind)] + index;
  }
  bool any_works(std::int64_t plane, const Neighbour& neighbour) const;
  std::int64_t plane_of(const Cable& cable) const;
  const Distances& distances_to(std::int64_t plane, std::int64_t leaf);
  State after(const State& state, const Neighbour& neighbour) const;
  void collect_closer(const LivePath& path, const State& state, const Distances& distance);

  Fabric fabric_;
  bool is_layered_ = false;
  std::array<std::int64_t, 5> links_of_plane_{};                 ///< By EdgeKind.
  std::vector<std::vector<Neighbour>> neighbours_;               ///< [switch of a plane]
  std::array<std::vector<double>, kLinkKindCount / 2> factors_;  ///< [kind of cable][cable]
  std::array<std::vector<std::int64_t>, kLinkKindCount> flows_;  ///< [kind of link][link]
  std::int64_t failed_ = 0;                                      ///< Cables.
  std::int64_t reduced_ = 0;  ///< Cables with less than their rate, failed ones too.
  std::vector<std::int64_t> failed_in_plane_;  ///< Of those between switches.
  /// [plane, leaf]; all planes without a failed cable share those of plane -1.
  std::map<std::pair<std::int64_t, std::int64_t>, Distances> distances_;

  struct Candidate {
    const Neighbour* neighbour = nullptr;
    std::int64_t index = 0;
  };
  std::vector<Candidate> candidates_;  ///< Scratch of append_path().
};

}  // namespace planewise::fabric
