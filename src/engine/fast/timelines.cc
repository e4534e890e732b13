#include "engine/fast/timelines.h"

#include <algorithm>

#include "base/check.h"
#include "engine/contract.h"

namespace planewise::engine {
namespace {

/// Flows that start over a link after its component was disturbed, until it is tried again: twice
/// as many after each time, half as many after each time that it was left alone.
constexpr std::int32_t kLeastPatience = 8;
constexpr std::int32_t kMostPatience = 1 << 14;

}  // namespace

void Player::start(const Timeline& timeline) {
  if (timeline.links.size() > link_count_) {
    link_count_ = 2 * timeline.links.size();
    solver_ = std::make_unique<LevelSolver>(std::vector<Rate>(link_count_),
                                            FastOptions{.certify = certify_});
  }
  solver_->restart(timeline.capacities);
  const std::span<const LinkId> paths = timeline.paths;
  for (const Timeline::Member& flow : timeline.flows) {
    solver_->add_alone(paths.subspan(flow.path_begin, flow.path_end - flow.path_begin), flow.size,
                       flow.weight);
  }
}

void Player::play(Timeline& timeline) {
  start(timeline);
  timeline.ends.clear();
  timeline.next = 0;
  Seconds now = timeline.begin;
  for (solver_->solve(now); solver_->next_end() < kNever; solver_->solve(now)) {
    now = std::max(now, solver_->next_end());
    ended_.clear();
    solver_->take_ended(end_of_instant(now), ended_);
    for (const FlowSlot slot : ended_) {
      const Timeline::Member& flow = timeline.flows[static_cast<std::size_t>(slot)];
      timeline.ends.push_back({.time = now, .slot = flow.slot});
    }
  }
  timeline.solve_count = solver_->solve_count();
  solver_->remove_all(now);
}

void Player::play_until(const Timeline& timeline, Seconds until, std::vector<Leftover>& left) {
  start(timeline);
  Seconds now = timeline.begin;
  for (solver_->solve(now); solver_->next_end() <= end_of_instant(until); solver_->solve(now)) {
    now = std::max(now, solver_->next_end());
    ended_.clear();
    solver_->take_ended(end_of_instant(now), ended_);
  }
  for (std::size_t i = 0; i < timeline.flows.size(); ++i) {
    const auto slot = static_cast<FlowSlot>(i);
    if (!solver_->is_in_flight(slot)) continue;
    left.push_back({.slot = timeline.flows[i].slot, .left = solver_->left(slot, until)});
  }
  solver_->remove_all(until);
}

Timelines::Timelines(std::size_t link_count, const FastOptions& options)
    : owners_(link_count, kNone),
      pasts_(link_count, {.patience = kLeastPatience}),
      next_ends_(1),
      local_(link_count),
      player_(options.certify) {
  for (int i = 1; i < options.threads; ++i) {
    players_.push_back(std::make_unique<Player>(options.certify));
  }
}

bool Timelines::is_promising(LinkId link) {
  std::int32_t& shunned = pasts_[static_cast<std::size_t>(link)].shunned;
  if (shunned == 0) return true;
  --shunned;
  return false;
}

Timelines::~Timelines() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

std::int32_t Timelines::take_timeline() {
  if (free_.empty()) {
    free_.push_back(static_cast<std::int32_t>(timelines_.size()));
    timelines_.push_back(std::make_unique<Timeline>());
    next_ends_.make_room(timelines_.size());
  }
  const std::int32_t index = free_.back();
  free_.pop_back();
  return index;
}

void Timelines::start(const ComponentSearch& search, const Component& component,
                      const LevelSolver& solver, Seconds now) {
  const std::int32_t index = take_timeline();
  Timeline& timeline = this->timeline(index);
  timeline.begin = now;
  timeline.links.assign(search.links_of(component).begin(), search.links_of(component).end());
  timeline.capacities.clear();
  timeline.flows.clear();
  timeline.paths.clear();
  for (const LinkId link : timeline.links) {
    owners_[static_cast<std::size_t>(link)] = index;
    local_[static_cast<std::size_t>(link)] = static_cast<LinkId>(timeline.capacities.size());
    timeline.capacities.push_back(solver.capacity(link));
  }
  for (const FlowSlot slot : search.flows_of(component)) {
    const FlowState& flow = solver.flows().flow(slot);
    const std::size_t path_begin = timeline.paths.size();
    for (const Hop& hop : solver.flows().hops(slot)) {
      timeline.paths.insert(timeline.paths.end(),
                            static_cast<std::size_t>(hop.weight / flow.members),
                            local_[static_cast<std::size_t>(hop.link)]);
    }
    timeline.flows.push_back({.slot = slot,
                              .weight = flow.members,
                              .size = flow.key,
                              .path_begin = path_begin,
                              .path_end = timeline.paths.size()});
  }
  started_.push_back(index);
  if (players_.empty()) return;
  {
    const std::scoped_lock lock(mutex_);
    queue_.push_back(&timeline);
  }
  change_.notify_one();
  for (std::size_t i = threads_.size(); i < players_.size(); ++i) {
    threads_.emplace_back([this, i](const std::stop_token& stop) { work(stop, *players_[i]); });
  }
}

/// What a thread does: plays whatever is queued.
void Timelines::work(const std::stop_token& stop, Player& player) {
  std::unique_lock lock(mutex_);
  while (change_.wait(lock, stop, [this] { return !queue_.empty(); })) {
    Timeline* const timeline = queue_.back();
    queue_.pop_back();
    ++playing_count_;
    lock.unlock();
    player.play(*timeline);
    lock.lock();
    --playing_count_;
    if (playing_count_ == 0 && queue_.empty()) change_.notify_all();
  }
}

/// Sees to it that all that was started is played, and lends a hand.
void Timelines::finish_all() {
  if (started_.empty()) return;
  if (players_.empty()) {
    for (const std::int32_t index : started_) player_.play(timeline(index));
  } else {
    std::unique_lock lock(mutex_);
    while (!queue_.empty()) {
      Timeline* const timeline = queue_.back();
      queue_.pop_back();
      lock.unlock();
      player_.play(*timeline);
      lock.lock();
    }
    change_.wait(lock, [this] { return playing_count_ == 0; });
  }
  for (const std::int32_t index : started_) {
    const Timeline& played = timeline(index);
    next_ends_.set(index, played.ends.empty() ? kNever : played.ends.front().time);
    solve_count_ += played.solve_count;
  }
  started_.clear();
}

void Timelines::release(std::int32_t index) {
  for (const LinkId link : timeline(index).links) {
    owners_[static_cast<std::size_t>(link)] = kNone;
  }
  next_ends_.set(index, kNever);
  free_.push_back(index);
}

void Timelines::dissolve(LinkId link, Seconds now, std::vector<Leftover>& left) {
  const std::int32_t index = owners_[static_cast<std::size_t>(link)];
  PW_CHECK(index != kNone);
  finish_all();
  const Timeline& timeline = this->timeline(index);
  if (now == timeline.begin) {
    for (const Timeline::Member& flow : timeline.flows) {
      left.push_back({.slot = flow.slot, .left = flow.size});
    }
  } else {
    player_.play_until(timeline, now, left);
  }
  for (const LinkId owned : timeline.links) {
    Past& past = pasts_[static_cast<std::size_t>(owned)];
    past.shunned = past.patience;
    past.patience = std::min(2 * past.patience, kMostPatience);
  }
  release(index);
}

Seconds Timelines::next_end() {
  finish_all();
  return next_ends_.first();
}

void Timelines::take_ended(Seconds limit, std::vector<FlowSlot>& ended) {
  finish_all();
  due_.clear();
  next_ends_.collect(limit, due_);
  for (const std::int32_t index : due_) {
    Timeline& timeline = this->timeline(index);
    while (timeline.next < timeline.ends.size() && timeline.ends[timeline.next].time <= limit) {
      ended.push_back(timeline.ends[timeline.next++].slot);
    }
    if (timeline.next == timeline.flows.size()) {
      for (const LinkId owned : timeline.links) {
        Past& past = pasts_[static_cast<std::size_t>(owned)];
        past.patience = std::max(past.patience / 2, kLeastPatience);
      }
      release(index);
    } else {
      const bool more = timeline.next < timeline.ends.size();
      next_ends_.set(index, more ? timeline.ends[timeline.next].time : kNever);
    }
  }
}

}  // namespace planewise::engine
