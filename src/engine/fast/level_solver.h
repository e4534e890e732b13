// Max-min fair rates, kept up to date: one level and one clock a bottleneck link.
//
// A change marks links. From the lowest level to the highest, each marked link takes the level at
// which its residents use all that flows bottlenecked elsewhere leave. If that is lower, it takes
// in those of them that are faster; if it is higher, it gives up residents that another link now
// holds back. What is touched by that is looked at again, until nothing is off. Rates then are
// exact: on every bottleneck, level = (capacity - used) / weight, no flow of it is faster
// elsewhere, and no other link is over its capacity (docs/equations.md).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/units.h"
#include "engine/engine.h"
#include "engine/fast/end_tree.h"
#include "engine/fast/flow_table.h"
#include "engine/fast/link_table.h"
#include "engine/fast/marked_links.h"
#include "engine/fast/region_fill.h"

namespace planewise::engine {

class LevelSolver {
 public:
  LevelSolver(std::span<const Rate> capacities, const FastOptions& options);

  /// Adds a flow with a path and a size; it sends nothing before the next solve(). Flows that start
  /// at one instant with the same path, size and limit may get the same slot: they are driven as
  /// one.
  FlowSlot add(const Flow& flow);
  /// Takes `weight` of the members of a flow away, which then has another slot.
  FlowSlot split(FlowSlot slot, int weight, Seconds now);
  /// Removes a flow and returns what each of its members has left to send at `now`.
  Bytes remove(FlowSlot slot, Seconds now);
  /// What each member of a flow has left to send at `now`.
  Bytes left(FlowSlot slot, Seconds now) const { return links_.left(slot, now); }
  void set_capacity(LinkId link, Rate capacity);

  // --- flows of components that are played elsewhere

  /// Whether so many flows were added since the last solve() that a component may be worth playing.
  bool has_fresh_batch() const;
  /// Finds components of a good size all of whose flows were added since the last solve(). Those of
  /// links that are not `promising` are not looked at. Good until the next solve().
  const ComponentSearch& find_isolated(const std::function<bool(LinkId)>& promising);
  void send_elsewhere(FlowSlot slot);
  void bring_back(FlowSlot slot, Bytes left);
  /// Removes a flow that ended elsewhere.
  void drop(FlowSlot slot);

  // --- a solver that is used again and again

  /// Forgets everything, as if made anew with these capacities for the first links (there must be
  /// room) and without flows.
  void restart(std::span<const Rate> capacities);
  /// As add(), but of a flow without rate limit that shares its slot with no other.
  FlowSlot add_alone(std::span<const LinkId> path, Bytes size, int weight);
  void remove_all(Seconds now);
  bool is_in_flight(FlowSlot slot) const { return flows_.flow(slot).members > 0; }

  const FlowTable& flows() const { return flows_; }
  Rate capacity(LinkId link) const { return links_.capacity(link); }

  /// Brings the rates up to date with all changes; they hold from `now` on.
  void solve(Seconds now);
  /// Returns when the next flow ends, or kNever. Rates must be up to date.
  Seconds next_end() const { return ends_.first(); }
  /// Removes the flows that end at `limit` or before, and appends them to `ended` in no special
  /// order; their slots may be used again at once. Returns the latest of their ends.
  Seconds take_ended(Seconds limit, std::vector<FlowSlot>& ended);
  /// Returns what flows use of a link. Rates must be up to date.
  Rate load(LinkId link) const;

  std::uint64_t solve_count() const { return solve_count_; }
  std::uint64_t full_solve_count() const { return full_solve_count_; }
  std::uint64_t merged_count() const { return merged_count_; }

 private:
  struct Marked {
    Rate level{};
    LinkId link = 0;
    bool operator<(const Marked& o) const {  // For a heap with the lowest level on top.
      return level > o.level || (level == o.level && link > o.link);
    }
  };
  struct Foreign {
    Rate rate{};
    std::int32_t hop = 0;
    std::int32_t weight = 0;
  };
  struct Split {
    Rate level{};
    Rate used{};
  };

  bool is_equal(FlowSlot slot, const Flow& flow, LinkId limit) const;
  void clock_changed(LinkId link);
  Rate candidate(const LinkLevel& state, LinkId link) const;
  bool is_off(LinkId link);
  void queue_touched();
  void work_off_queue();
  void settle_fresh();
  void settle_at_lowest(FlowSlot slot);
  void balance(LinkId link);
  void lower(LinkId link, Rate level);
  Split find_faster(LinkId link, Rate level);
  void raise(LinkId link, Rate level);
  void spread_fall(LinkId link, Rate change);
  void spread_rise(LinkId link, Rate change);
  void move(FlowSlot slot, LinkId to);
  void fill_regions();
  void fill_all();
  void take_over_fill();
  void sum_used_again();
  void play_matches();

  FlowTable flows_;
  LinkTable links_;
  EndTree ends_;
  ComponentSearch search_;
  RegionFill region_fill_;
  bool certify_ = false;
  Seconds now_{};

  MarkedLinks touched_;                ///< To be looked at. Those in `queue_` stay marked.
  std::vector<Marked> queue_;          ///< Heap.
  std::vector<FlowSlot> fresh_;        ///< Added since the last solve, or gone again since.
  std::vector<FlowSlot> recent_;       ///< By hash: the last flow added, to find equal ones.
  std::size_t elsewhere_count_ = 0;    ///< Flows that are played elsewhere.
  std::size_t removed_count_ = 0;      ///< Since the last solve.
  std::vector<std::uint8_t> changed_;  ///< By link: in `changed_links_`.
  std::vector<LinkId> changed_links_;  ///< Whose first end may be another.
  std::vector<LinkId> path_;           ///< Scratch of add().
  std::vector<Foreign> faster_;        ///< Scratch of lower().
  std::vector<FlowSlot> slowed_;       ///< Scratch of raise().
  std::vector<LinkId> due_links_;      ///< Scratch of take_ended().
  std::vector<Seconds> first_ends_;    ///< Scratch of play_matches().
  std::uint64_t solve_count_ = 0;
  std::uint64_t full_solve_count_ = 0;
  std::uint64_t merged_count_ = 0;
};

}  // namespace planewise::engine
