#include "engine/fast/level_solver.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "engine/fast/certificate.h"

namespace planewise::engine {
namespace {

/// A link is off if its use differs from its capacity by more than this share: a few hundred times
/// the rounding of one sum.
constexpr double kSlack = 1e-13;
/// Levels that differ by less than this share are equal.
constexpr double kLevelSlack = 1e-12;
/// Sums of use are made anew after so many solves, as each change adds its rounding.
constexpr std::uint64_t kSumAgain = 4096;
/// Fewer changes than that at an instant are never worth a search for all they touch.
constexpr std::size_t kBatch = 16;
/// How many flows are remembered to find an equal one among those that start at an instant.
constexpr std::size_t kRecentCount = 1 << 14;
/// Components are looked for if at least one flow in so many is new: else they are mostly found in
/// vain (a training step then takes a third longer).
constexpr std::size_t kFewTimes = 4;
/// Flows of a component that is worth playing ahead: a small one is as quick here, and a large one
/// would be held twice.
constexpr std::size_t kLeastPlayed = 8;
constexpr std::size_t kMostPlayed = 8192;
/// What following the start of one flow reads, for each of its hops, by measurement.
constexpr std::size_t kReadsPerFreshHop = 8;

std::uint64_t hash_of(const Flow& flow) {
  auto hash = std::bit_cast<std::uint64_t>(flow.size.base());
  for (const LinkId link : flow.path) {
    hash = (hash ^ static_cast<std::uint64_t>(link)) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

LevelSolver::LevelSolver(std::span<const Rate> capacities, const FastOptions& options)
    : links_(capacities, flows_),
      ends_(capacities.size() + 1),
      search_(flows_, links_),
      region_fill_(flows_, links_, options.threads),
      certify_(options.certify),
      recent_(kRecentCount, 0),
      changed_(capacities.size() + 1, 0) {
  for (std::size_t i = 0; i < capacities.size(); ++i) touched_.include(static_cast<LinkId>(i));
  touched_.exclude(static_cast<LinkId>(capacities.size()));  // It stands for none.
}

FlowSlot LevelSolver::add(const Flow& flow) {
  LinkId limit = kNoLink;
  if (flow.rate_limit < kNoLimit) {
    limit = links_.limit_link(flow.rate_limit);
    touched_.exclude(limit);
    changed_.resize(flows_.link_count(), 0);
    ends_.make_room(flows_.link_count());
  }
  FlowSlot& recent = recent_[hash_of(flow) % kRecentCount];
  if (is_equal(recent, flow, limit)) {
    flows_.add_members(recent, flow.weight);
    ++merged_count_;
    return recent;
  }
  path_.assign(flow.path.begin(), flow.path.end());
  if (limit != kNoLink) path_.push_back(limit);
  recent = flows_.add(path_, flow.size, flow.weight);
  fresh_.push_back(recent);
  return recent;
}

FlowSlot LevelSolver::add_alone(std::span<const LinkId> path, Bytes size, int weight) {
  fresh_.push_back(flows_.add(path, size, weight));
  return fresh_.back();
}

bool LevelSolver::has_fresh_batch() const { return fresh_.size() >= kBatch; }

const ComponentSearch& LevelSolver::find_isolated(const std::function<bool(LinkId)>& promising) {
  search_.clear();
  const SearchLimits limits{.only_fresh = true, .flows = kMostPlayed};
  for (const FlowSlot slot : fresh_) {
    if (!flows_.is_fresh(slot)) continue;
    const LinkId seed = flows_.hops(slot).front().link;
    if (!promising(seed) || !search_.find(seed, limits)) continue;
    const Component& found = search_.components().back();
    if (found.flows_end - found.flows_begin < kLeastPlayed) search_.components().pop_back();
  }
  return search_;
}

void LevelSolver::send_elsewhere(FlowSlot slot) {
  flows_.flow(slot).bottleneck = kElsewhere;
  ++elsewhere_count_;
}

void LevelSolver::bring_back(FlowSlot slot, Bytes left) {
  PW_CHECK(flows_.flow(slot).bottleneck == kElsewhere);
  --elsewhere_count_;
  flows_.flow(slot).bottleneck = kNoLink;
  flows_.flow(slot).key = left;
  fresh_.push_back(slot);
}

void LevelSolver::drop(FlowSlot slot) {
  PW_CHECK(flows_.flow(slot).bottleneck == kElsewhere);
  --elsewhere_count_;
  flows_.remove(slot);
}

void LevelSolver::restart(std::span<const Rate> capacities) {
  PW_CHECK(capacities.size() <= links_.shared_count());
  flows_.clear();
  fresh_.clear();
  for (const LinkId link : touched_.links()) touched_.unmark(link);
  touched_.clear();
  for (std::size_t i = 0; i < capacities.size(); ++i) {
    const auto link = static_cast<LinkId>(i);
    links_.capacity(link) = capacities[i];
    links_.level(link) = LinkLevel{};
    links_.clear(link, Seconds{});
  }
  removed_count_ = 0;
  solve_count_ = 0;
}

void LevelSolver::remove_all(Seconds now) {
  for (std::size_t i = 0; i < flows_.slot_count(); ++i) {
    const auto slot = static_cast<FlowSlot>(i);
    if (is_in_flight(slot)) remove(slot, now);
  }
  solve(now);
}

/// Whether the flow in `slot` started at this instant and is to be driven just like `flow`.
bool LevelSolver::is_equal(FlowSlot slot, const Flow& flow, LinkId limit) const {
  if (static_cast<std::size_t>(slot) >= flows_.slot_count()) return false;
  if (!flows_.is_fresh(slot)) return false;
  if (flows_.flow(slot).key != flow.size) return false;
  const std::span<const Hop> hops = flows_.hops(slot);
  if (hops.size() != flow.path.size() + (limit == kNoLink ? 0 : 1)) return false;
  for (std::size_t i = 0; i < flow.path.size(); ++i) {
    if (hops[i].link != flow.path[i]) return false;
    // A path that names a link twice has one hop for both, and is never found equal.
    if (hops[i].weight != flows_.flow(slot).members) return false;
  }
  return limit == kNoLink || hops.back().link == limit;
}

Bytes LevelSolver::remove(FlowSlot slot, Seconds now) {
  const LinkId bottleneck = flows_.flow(slot).bottleneck;
  const Bytes left = links_.left(slot, now);
  if (bottleneck != kNoLink) {
    const Rate rate = links_.level(bottleneck).level;
    links_.unsettle(slot, now);
    for (const Hop& hop : flows_.hops(slot)) {
      LinkLevel& state = links_.level(hop.link);
      if (hop.link == bottleneck) {
        state.weight -= hop.weight;
      } else {
        state.used -= rate * hop.weight;
      }
      touched_.mark(hop.link);
    }
    clock_changed(bottleneck);
    ++removed_count_;
  }
  flows_.remove(slot);
  for (const Hop& hop : flows_.hops(slot)) {  // The slot is free, but keeps its hops.
    if (!flows_.crossings(hop.link).empty()) continue;
    links_.level(hop.link).used = Rate{};
    links_.level(hop.link).foreign_max = Rate{};
  }
  return left;
}

FlowSlot LevelSolver::split(FlowSlot slot, int weight, Seconds now) {
  std::vector<LinkId> path;
  Flow rest;
  rest.weight = flows_.flow(slot).members - weight;
  for (const Hop& hop : flows_.hops(slot)) {
    if (links_.is_shared(hop.link)) {
      path.push_back(hop.link);  // Flows that name a link twice share no slot.
    } else {
      rest.rate_limit = links_.level(hop.link).level;
    }
  }
  rest.size = remove(slot, now);
  rest.path = path;
  return add(rest);
}

void LevelSolver::set_capacity(LinkId link, Rate capacity) {
  links_.capacity(link) = capacity;
  touched_.mark(link);
}

void LevelSolver::clock_changed(LinkId link) {
  std::uint8_t& changed = changed_[static_cast<std::size_t>(link)];
  if (changed != 0) return;
  changed = 1;
  changed_links_.push_back(link);
}

/// The level at which the residents use all that is left.
Rate LevelSolver::candidate(const LinkLevel& state, LinkId link) const {
  if (state.weight == 0) return kOpen;
  const Rate capacity = links_.capacity(link);
  if (capacity == Rate{}) return Rate{};  // Whatever rounding has left in `used`.
  return std::max((capacity - state.used) / state.weight, Rate{});
}

/// Whether a link's level is not what it should be. Opens a link that has lost its last resident.
bool LevelSolver::is_off(LinkId link) {
  LinkLevel& state = links_.level(link);
  const Rate capacity = links_.capacity(link);
  if (state.weight == 0) {
    if (state.level < kOpen) {
      state.level = kOpen;
      clock_changed(link);
    }
    if (capacity == Rate{}) return state.foreign_max > Rate{};
    return state.used > capacity * (1 + 2 * kSlack);
  }
  if (capacity == Rate{}) return state.level > Rate{} || state.foreign_max > Rate{};
  const Rate excess = state.level * state.weight + state.used - capacity;
  return std::abs(excess.base()) > kSlack * capacity.base();
}

void LevelSolver::queue_touched() {
  for (const LinkId link : touched_.links()) {
    if (!is_off(link)) {
      touched_.unmark(link);
      continue;
    }
    const LinkLevel& state = links_.level(link);
    queue_.push_back({.level = std::min(state.level, candidate(state, link)), .link = link});
    std::push_heap(queue_.begin(), queue_.end());
  }
  touched_.clear();
}

/// Balances links, the lowest level first, until none is off. Levels found from below are final in
/// most cases; a network whose changes chase each other for too long is filled from nothing.
void LevelSolver::work_off_queue() {
  std::uint64_t patience = 200 * links_.shared_count() + 1000;
  for (queue_touched(); !queue_.empty(); queue_touched()) {
    const LinkId link = queue_.front().link;
    std::pop_heap(queue_.begin(), queue_.end());
    queue_.pop_back();
    balance(link);
    touched_.unmark(link);
    if (is_off(link)) touched_.mark(link);
    if (--patience == 0) fill_all();
  }
}

void LevelSolver::balance(LinkId link) {
  for (int turn = 0; turn < 100 && is_off(link); ++turn) {
    const LinkLevel& state = links_.level(link);
    const Rate level = candidate(state, link);
    if (state.weight == 0 || level <= state.level) {
      lower(link, level);
    } else {
      raise(link, level);
    }
  }
}

/// Finds the foreign flows of `link` that are faster than `level`, fastest first, and leaves those
/// in `faster_` that still are once they have moved in. Returns the level then, and what the others
/// use, summed up anew: a link that was crossed by much faster flows must not remember their
/// rounding.
LevelSolver::Split LevelSolver::find_faster(LinkId link, Rate level) {
  faster_.clear();
  LinkLevel& state = links_.level(link);
  const Rate start = state.weight == 0 ? Rate{} : level;
  Rate slower_max{};
  Rate used{};
  for (const Crossing& crossing : flows_.crossings(link)) {
    if (crossing.bottleneck == link) continue;
    const Rate rate = links_.level(crossing.bottleneck).level;
    if (rate > start * (1 + kLevelSlack)) {
      faster_.push_back({.rate = rate, .hop = crossing.hop, .weight = crossing.weight});
    } else {
      slower_max = std::max(slower_max, rate);
      used += rate * crossing.weight;
    }
  }
  std::sort(faster_.begin(), faster_.end(), [](const Foreign& a, const Foreign& b) {
    return a.rate > b.rate || (a.rate == b.rate && a.hop < b.hop);
  });
  Rate rest{};  // Used by those of `faster_` that have not moved in.
  for (const Foreign& flow : faster_) rest += flow.rate * flow.weight;
  double weight = state.weight;
  std::size_t count = 0;
  for (; count < faster_.size(); ++count) {
    const Foreign& flow = faster_[count];
    if (weight > 0 && flow.rate <= level * (1 + kLevelSlack)) break;
    rest -= flow.rate * flow.weight;
    weight += flow.weight;
    level = std::max((links_.capacity(link) - used - rest) / weight, Rate{});
  }
  state.foreign_max = count < faster_.size() ? faster_[count].rate : slower_max;
  for (std::size_t i = count; i < faster_.size(); ++i) used += faster_[i].rate * faster_[i].weight;
  faster_.resize(count);
  if (weight > 0) level = std::max((links_.capacity(link) - used) / weight, Rate{});
  return {.level = level, .used = used};
}

void LevelSolver::lower(LinkId link, Rate level) {
  LinkLevel& state = links_.level(link);
  const bool takes_in = state.weight == 0 || state.foreign_max > level * (1 + kLevelSlack);
  Split split{.level = level};
  faster_.clear();
  if (takes_in) split = find_faster(link, level);
  if (takes_in && faster_.empty() && state.weight == 0) {  // Only rounding made it look full.
    state.used = split.used;
    return;
  }
  const bool was_open = state.level == kOpen;
  if (was_open) links_.reset(link, now_);
  const Rate change = split.level - state.level;
  links_.set_level(link, split.level, now_);
  clock_changed(link);
  if (!was_open) spread_fall(link, change);
  for (const Foreign& flow : faster_) move(flows_.flow_of(flow.hop), link);
  if (takes_in) state.used = split.used;
}

void LevelSolver::raise(LinkId link, Rate level) {
  const Rate change = level - links_.level(link).level;
  links_.set_level(link, level, now_);
  clock_changed(link);
  spread_rise(link, change);
  for (const FlowSlot slot : slowed_) {
    if (flows_.flow(slot).bottleneck != link) continue;
    LinkId lowest = kNoLink;
    Rate least = links_.level(link).level * (1 - kLevelSlack);
    for (const Hop& hop : flows_.hops(slot)) {
      const Rate there = links_.level(hop.link).level;
      if (hop.link == link || there >= least) continue;
      least = there;
      lowest = hop.link;
    }
    if (lowest != kNoLink) move(slot, lowest);
  }
}

/// Tells the other links of a link's residents that these use less.
void LevelSolver::spread_fall(LinkId link, Rate change) {
  LinkLevel* const levels = links_.levels().data();
  Marker marker = touched_.marker();
  const std::span<const LinkId> neighbours = links_.neighbours(link);
  const std::int32_t* const weights = links_.weights(link);
  for (std::size_t i = 0; i < neighbours.size(); ++i) {
    levels[neighbours[i]].used += weights == nullptr ? change : change * weights[i];
    marker.mark(neighbours[i]);
  }
  touched_.take(marker);
}

/// The same if they use more. Finds the residents that another link holds below the new level. This
/// loop takes most of the time of a large exchange.
void LevelSolver::spread_rise(LinkId link, Rate change) {
  slowed_.clear();
  const Rate level = links_.level(link).level;
  const Rate limit = level * (1 - kLevelSlack);
  LinkLevel* const levels = links_.levels().data();
  Marker marker = touched_.marker();
  const std::span<const LinkId> neighbours = links_.neighbours(link);
  const std::int32_t* const weights = links_.weights(link);
  for (std::size_t i = 0; i < neighbours.size(); ++i) {
    LinkLevel& state = levels[neighbours[i]];
    state.used += weights == nullptr ? change : change * weights[i];
    if (state.foreign_max < level) state.foreign_max = level;
    marker.mark(neighbours[i]);
    if (state.level >= limit) [[likely]]
      continue;
    const FlowSlot slot = links_.residents(link)[i / links_.stride(link)];
    if (slowed_.empty() || slowed_.back() != slot) slowed_.push_back(slot);
  }
  touched_.take(marker);
}

/// Gives a flow another bottleneck, and tells every link of its path.
void LevelSolver::move(FlowSlot slot, LinkId to) {
  const LinkId from = flows_.flow(slot).bottleneck;
  const Rate old_rate = links_.level(from).level;
  const Rate new_rate = links_.level(to).level;
  links_.unsettle(slot, now_);
  links_.settle(slot, to, now_);
  for (const Hop& hop : flows_.hops(slot)) {
    LinkLevel& state = links_.level(hop.link);
    if (hop.link == to) {
      state.used -= old_rate * hop.weight;
      state.weight += hop.weight;
    } else {
      state.used += new_rate * hop.weight;
      state.foreign_max = std::max(state.foreign_max, new_rate);
      if (hop.link == from) {
        state.weight -= hop.weight;
      } else {
        state.used -= old_rate * hop.weight;
      }
    }
    touched_.mark(hop.link);
  }
  clock_changed(to);
  clock_changed(from);
}

/// Gives a new flow the bottleneck of the lowest level on its path. If no link of the path is a
/// bottleneck yet, one is opened at a level that is surely too high, so that it is looked at: at
/// the level that would be right for this flow alone, nothing would seem off when it is not.
void LevelSolver::settle_at_lowest(FlowSlot slot) {
  LinkId lowest = kNoLink;
  Rate least = kOpen;
  for (const Hop& hop : flows_.hops(slot)) {
    if (links_.level(hop.link).level >= least) continue;
    least = links_.level(hop.link).level;
    lowest = hop.link;
  }
  if (lowest == kNoLink) {
    for (const Hop& hop : flows_.hops(slot)) {
      const Rate free = links_.capacity(hop.link) - links_.level(hop.link).used;
      if (lowest != kNoLink && free >= least) continue;
      least = free;
      lowest = hop.link;
    }
    links_.reset(lowest, now_);
    links_.set_level(lowest, links_.capacity(lowest) * 2, now_);
  }
  const Rate rate = links_.level(lowest).level;
  links_.settle(slot, lowest, now_);
  clock_changed(lowest);
  for (const Hop& hop : flows_.hops(slot)) {
    LinkLevel& state = links_.level(hop.link);
    if (hop.link == lowest) {
      state.weight += hop.weight;
    } else {
      state.used += rate * hop.weight;
      state.foreign_max = std::max(state.foreign_max, rate);
    }
    touched_.mark(hop.link);
  }
}

void LevelSolver::settle_fresh() {
  for (const FlowSlot slot : fresh_) {
    if (flows_.is_fresh(slot)) settle_at_lowest(slot);
  }
  fresh_.clear();
}

/// Fills whole components anew if that is cheaper than following every change: many flows started
/// or ended at once, and hang together with not many more.
void LevelSolver::fill_regions() {
  if (fresh_.size() + removed_count_ < kBatch) return;
  search_.clear();
  const SearchLimits of_fresh{.reads = kBatch, .reads_per_fresh_hop = kReadsPerFreshHop};
  const bool are_many = fresh_.size() * kFewTimes >= flows_.flow_count() - elsewhere_count_;
  for (const FlowSlot slot : fresh_) {
    if (!are_many || !flows_.is_fresh(slot)) continue;
    search_.find(flows_.hops(slot).front().link, of_fresh);
  }
  if (removed_count_ >= kBatch) {
    std::size_t reads = 0;  // Of the other way, at the very least.
    for (const LinkId link : touched_.links()) reads += links_.neighbours(link).size();
    for (const LinkId link : touched_.links()) search_.find(link, {.reads = reads});
  }
  if (!search_.components().empty()) take_over_fill();
}

void LevelSolver::fill_all() {
  for (const LinkId link : touched_.links()) touched_.unmark(link);
  for (const Marked& marked : queue_) touched_.unmark(marked.link);
  touched_.clear();
  queue_.clear();
  search_.clear();
  for (std::size_t i = 0; i < links_.shared_count(); ++i) {
    search_.find(static_cast<LinkId>(i), {});
  }
  take_over_fill();
}

void LevelSolver::take_over_fill() {
  region_fill_.fill(search_, now_);
  ++full_solve_count_;
  for (const LinkId link : search_.all_links()) clock_changed(link);
  for (std::size_t i = links_.shared_count() + 1; i < flows_.link_count(); ++i) {
    clock_changed(static_cast<LinkId>(i));
  }
}

void LevelSolver::sum_used_again() {
  for (std::size_t i = 0; i < links_.shared_count(); ++i) {
    links_.level(static_cast<LinkId>(i)).used = Rate{};
  }
  for (std::size_t i = 0; i < flows_.link_count(); ++i) {
    const auto link = static_cast<LinkId>(i);
    const std::span<const LinkId> neighbours = links_.neighbours(link);
    const std::int32_t* const weights = links_.weights(link);
    for (std::size_t n = 0; n < neighbours.size(); ++n) {
      const double weight = weights == nullptr ? 1 : weights[n];
      links_.level(neighbours[n]).used += links_.level(link).level * weight;
    }
  }
}

/// Finds out anew whose flow ends first.
void LevelSolver::play_matches() {
  const bool at_once = changed_links_.size() > ends_.many();
  first_ends_.clear();
  for (const LinkId link : changed_links_) {
    changed_[static_cast<std::size_t>(link)] = 0;
    const Seconds end = links_.first_end(link);
    if (at_once) {
      first_ends_.push_back(end);
    } else {
      ends_.set(link, end);
    }
  }
  if (at_once) ends_.set_all(changed_links_, first_ends_);
  changed_links_.clear();
}

void LevelSolver::solve(Seconds now) {
  if (fresh_.empty() && touched_.empty()) return;
  now_ = now;
  ++solve_count_;
  if (solve_count_ % kSumAgain == 0) sum_used_again();
  fill_regions();
  settle_fresh();
  removed_count_ = 0;
  work_off_queue();
  play_matches();
  if (certify_) certify(flows_, links_);
}

Seconds LevelSolver::take_ended(Seconds limit, std::vector<FlowSlot>& ended) {
  due_links_.clear();
  ends_.collect(limit, due_links_);
  Seconds latest{};
  const std::size_t first = ended.size();
  for (const LinkId link : due_links_) {
    latest = std::max(latest, links_.take_due(link, limit, ended));
  }
  for (std::size_t i = first; i < ended.size(); ++i) remove(ended[i], latest);
  return latest;
}

/// Summed up, since what is kept of a link that is nobody's bottleneck is off by rounding.
Rate LevelSolver::load(LinkId link) const {
  Rate sum{};
  for (const Crossing& crossing : flows_.crossings(link)) {
    sum += links_.level(crossing.bottleneck).level * crossing.weight;
  }
  return sum;
}

}  // namespace planewise::engine
