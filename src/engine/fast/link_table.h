// What the solver keeps of a link: its level, its clock, and the flows that it holds back.
//
// All flows whose bottleneck is a link run at one rate, the link's level. So the link carries one
// clock, which advances by the level, and each of its flows a key: what the clock shows when the
// flow ends. A new level moves one clock, and no flow.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "base/units.h"
#include "engine/fast/end_tree.h"
#include "engine/fast/flow_table.h"

namespace planewise::engine {

/// The level of a link that is nobody's bottleneck.
constexpr Rate kOpen = Rate::from_base(std::numeric_limits<double>::infinity());

/// What the inner loops read of a link: half a cache line.
struct LinkLevel {
  Rate level = kOpen;  ///< Rate of each resident member.
  Rate used{};         ///< By flows whose bottleneck is elsewhere.
  Rate foreign_max{};  ///< At least the fastest of those flows' rates.
  double weight = 0;   ///< Of the residents: the level times this is what they use.
};

/// A resident and its key.
struct Key {
  Bytes key{};
  FlowSlot flow = 0;
};

/// Links by number, in three groups: those of the engine, one that stands for none (it pads rows of
/// neighbours), and one for each different rate limit, whose level never changes.
class LinkTable {
 public:
  LinkTable(std::span<const Rate> capacities, FlowTable& flows);

  /// The link that holds flows to `limit`.
  LinkId limit_link(Rate limit);
  /// Whether a link has a capacity to share, and is no limit.
  bool is_shared(LinkId link) const { return static_cast<std::size_t>(link) < shared_count_; }
  std::size_t shared_count() const { return shared_count_; }

  LinkLevel& level(LinkId link) { return levels_[static_cast<std::size_t>(link)]; }
  const LinkLevel& level(LinkId link) const { return levels_[static_cast<std::size_t>(link)]; }
  std::span<LinkLevel> levels() { return levels_; }
  Rate& capacity(LinkId link) { return capacities_[static_cast<std::size_t>(link)]; }
  Rate capacity(LinkId link) const { return capacities_[static_cast<std::size_t>(link)]; }

  std::span<const FlowSlot> residents(LinkId link) const { return at(link).residents; }
  /// The other links of all residents' paths, `stride` of each; padded with the link that stands
  /// for none.
  std::span<const LinkId> neighbours(LinkId link) const { return at(link).neighbours; }
  /// The weight of the resident on each of neighbours(); null if all are 1, as most are: to read
  /// them would double what the inner loops read.
  const std::int32_t* weights(LinkId link) const {
    return at(link).weights.empty() ? nullptr : at(link).weights.data();
  }
  std::size_t stride(LinkId link) const { return at(link).stride; }

  /// Makes `link` the bottleneck of a flow that has none; its key is what it has left. Levels,
  /// weights and use stay as they are.
  void settle(FlowSlot slot, LinkId link, Seconds now);
  /// Undoes settle(); the key is what the flow has left at `now`.
  void unsettle(FlowSlot slot, Seconds now);
  /// What each member of a flow has left at `now`.
  Bytes left(FlowSlot slot, Seconds now) const;

  /// Sets a level from `now` on; the clock goes on from what it shows.
  void set_level(LinkId link, Rate level, Seconds now);
  /// Sets the clock of a link without residents to 0.
  void reset(LinkId link, Seconds now);

  /// When the first resident of a link ends, at its present level.
  Seconds first_end(LinkId link);
  /// Takes keys off that are due at `limit` or before, and appends their flows, which are no more
  /// due. Returns the latest time at which one of them would have ended.
  Seconds take_due(LinkId link, Seconds limit, std::vector<FlowSlot>& due);

  /// Drops all residents of a link at once, and what others remember of them; see RegionFill.
  void clear(LinkId link, Seconds now);
  /// Adds a resident to a link whose keys are in no order until order_keys(); its key is what it
  /// has left.
  void settle_unordered(FlowSlot slot, LinkId link);
  void order_keys(LinkId link);

 private:
  struct Link {
    Bytes clock{};  ///< As of `clock_time`.
    Seconds clock_time{};
    std::size_t stride = 0;
    std::vector<FlowSlot> residents{};
    std::vector<LinkId> neighbours{};
    std::vector<std::int32_t> weights{};  ///< Empty while all are 1.
    std::vector<Key>
        keys{};  ///< A heap, first end first. Stale entries differ from the flow's key.
  };

  Link& at(LinkId link) { return links_[static_cast<std::size_t>(link)]; }
  const Link& at(LinkId link) const { return links_[static_cast<std::size_t>(link)]; }
  void add_link(Rate capacity, Rate level);
  Bytes clock(LinkId link, Seconds now) const;
  bool is_stale(LinkId link, const Key& key) const;
  void widen(Link& link, std::size_t stride);
  void append_neighbour(Link& link, LinkId neighbour, std::int32_t weight);
  void append_resident(FlowSlot slot, LinkId link);
  void compact_keys(LinkId link);

  FlowTable& flows_;
  std::vector<LinkLevel> levels_;
  std::vector<Rate> capacities_;
  std::vector<Link> links_;
  std::size_t shared_count_ = 0;
  std::map<Rate, LinkId> limit_links_;
};

}  // namespace planewise::engine
