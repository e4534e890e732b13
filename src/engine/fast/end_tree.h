// Which link's clock has the next flow to end: a tournament over all links.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/units.h"
#include "engine/engine.h"

namespace planewise::engine {

constexpr Seconds kNever = Seconds::from_base(std::numeric_limits<double>::infinity());

/// One time a link, and the least of them at hand. Eight at a time play for the place above them,
/// so that a match reads one line of the cache.
class EndTree {
 public:
  explicit EndTree(std::size_t link_count) { make_room(link_count); }

  /// Makes room for so many links; new ones never end.
  void make_room(std::size_t link_count);
  /// Sets one time: a match a level, fewer if the winner stays.
  void set(LinkId link, Seconds time);
  /// Sets the times of many links at once: all matches are played again.
  void set_all(std::span<const LinkId> links, std::span<const Seconds> times);
  Seconds first() const { return levels_.back().front(); }
  /// Appends the links whose time is `limit` or before, in order of their number.
  void collect(Seconds limit, std::vector<LinkId>& links) const;
  /// Of how many updates on set_all() is faster than set().
  std::size_t many() const { return levels_.front().size() / 8; }

 private:
  void collect_below(std::size_t level, std::size_t place, Seconds limit,
                     std::vector<LinkId>& links) const;

  /// From the links up to the one winner; all but that are padded to multiples of eight.
  std::vector<std::vector<Seconds>> levels_;
};

}  // namespace planewise::engine
