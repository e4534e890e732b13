// Components that nothing disturbs are played to their end ahead of time, on threads if there are
// some; the event loop then only reads off when their flows end.
//
// In training, most exchanges start many flows at once over links that nothing else uses (NVLink in
// a node, a rail under one leaf). What such a component does is settled when it starts, unless a
// flow joins it, one is cancelled or a capacity changes. Then it is dissolved: what its flows have
// left goes back to the solver. The rates are the same either way.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "base/units.h"
#include "engine/engine.h"
#include "engine/fast/component_search.h"
#include "engine/fast/end_tree.h"
#include "engine/fast/level_solver.h"

namespace planewise::engine {

/// When a flow of a played component ends.
struct PlayedEnd {
  Seconds time{};
  FlowSlot slot = 0;
};

/// A flow that goes back to the solver.
struct Leftover {
  FlowSlot slot = 0;
  Bytes left{};  ///< Of each member.
};

/// A component with links of its own numbering, and what becomes of it.
struct Timeline {
  struct Member {
    FlowSlot slot = 0;
    std::int32_t weight = 0;
    Bytes size{};
    std::size_t path_begin = 0;
    std::size_t path_end = 0;
  };
  Seconds begin{};
  std::vector<LinkId> links{};  ///< In the engine's numbering.
  std::vector<Rate> capacities{};
  std::vector<Member> flows{};
  std::vector<LinkId> paths{};  ///< Indexes into `links`.
  std::vector<PlayedEnd> ends{};
  std::size_t next = 0;  ///< The first of `ends` that is not taken.
  std::uint64_t solve_count = 0;
};

/// Plays a component; used again for the next one.
class Player {
 public:
  explicit Player(bool certify) : certify_(certify) {}

  /// Fills in `timeline.ends`. A flow that never ends has none.
  void play(Timeline& timeline);
  /// Appends what the flows that end after `until` have left then.
  void play_until(const Timeline& timeline, Seconds until, std::vector<Leftover>& left);

 private:
  void start(const Timeline& timeline);

  bool certify_ = false;
  std::unique_ptr<LevelSolver> solver_;
  std::size_t link_count_ = 0;
  std::vector<FlowSlot> ended_;
};

/// The components that are being played, for one solver.
class Timelines {
 public:
  Timelines(std::size_t link_count, const FastOptions& options);
  ~Timelines();
  Timelines(const Timelines&) = delete;
  Timelines& operator=(const Timelines&) = delete;

  /// Whether the component of a link is worth playing ahead: not if it was disturbed lately. Asked
  /// often enough, it gives the link another chance.
  bool is_promising(LinkId link);
  /// Takes over a component of `search` at `now`; `solver` has its flows.
  void start(const ComponentSearch& search, const Component& component, const LevelSolver& solver,
             Seconds now);
  bool owns(LinkId link) const { return owners_[static_cast<std::size_t>(link)] != kNone; }
  /// Gives up the component of a link at `now`, and appends its flows and what they have left.
  void dissolve(LinkId link, Seconds now, std::vector<Leftover>& left);

  /// When the next flow ends, or kNever.
  Seconds next_end();
  /// Appends the flows that end at `limit` or before.
  void take_ended(Seconds limit, std::vector<FlowSlot>& ended);
  /// How often rates were computed.
  std::uint64_t solve_count() const { return solve_count_; }

 private:
  static constexpr std::int32_t kNone = -1;
  /// Whether what was played on a link was of use.
  struct Past {
    std::int32_t shunned = 0;  ///< How often to say that it is not promising.
    std::int32_t patience = 0;
  };

  std::int32_t take_timeline();
  Timeline& timeline(std::int32_t index) { return *timelines_[static_cast<std::size_t>(index)]; }
  void release(std::int32_t index);
  void finish_all();
  void work(const std::stop_token& stop, Player& player);

  std::vector<std::unique_ptr<Timeline>> timelines_;
  std::vector<std::int32_t> free_;
  std::vector<std::int32_t> owners_;   ///< By link.
  std::vector<Past> pasts_;            ///< By link.
  std::vector<std::int32_t> started_;  ///< Not yet in `next_ends_`.
  EndTree next_ends_;                  ///< By timeline.
  std::vector<LinkId> due_;            ///< Scratch of take_ended().
  std::vector<LinkId> local_;          ///< By link: scratch of start().
  Player player_;
  std::uint64_t solve_count_ = 0;

  std::mutex mutex_;  ///< Of the next three.
  std::condition_variable_any change_;
  std::vector<Timeline*> queue_;
  std::size_t playing_count_ = 0;
  std::vector<std::unique_ptr<Player>> players_;  ///< Of the threads.
  std::vector<std::jthread> threads_;             ///< Last, so that they end first.
};

}  // namespace planewise::engine
