#include "engine/fast/region_fill.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace planewise::engine {
namespace {

/// Below so many flows, threads cost more than they save.
constexpr std::size_t kWorthThreads = 20'000;

}  // namespace

void RegionFill::fill(ComponentSearch& search, Seconds now) {
  search_ = &search;
  open_.resize(flows_.link_count());
  scratch_.resize(static_cast<std::size_t>(std::max(threads_, 1)));
  // Those with rate limits share the links that stand for these, so they are done one by one.
  std::vector<Component>& components = search.components();
  const auto limited = std::stable_partition(components.begin(), components.end(),
                                             [](const Component& c) { return !c.limited; });
  for (auto component = limited; component != components.end(); ++component) {
    fill_component(*component, now, scratch_[0]);
  }
  fill_independent({components.begin(), limited}, now);
}

void RegionFill::fill_independent(std::span<const Component> components, Seconds now) {
  const bool is_worth_threads = search_->all_flows().size() >= kWorthThreads;
  if (scratch_.size() == 1 || components.size() < 2 || !is_worth_threads) {
    for (const Component& component : components) fill_component(component, now, scratch_[0]);
    return;
  }
  std::atomic<std::size_t> next = 0;
  const auto work = [&](Scratch& scratch) {
    for (std::size_t i = next++; i < components.size(); i = next++) {
      fill_component(components[i], now, scratch);
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < scratch_.size(); ++i) {
    threads.emplace_back([&, i] { work(scratch_[i]); });
  }
  work(scratch_[0]);
}

void RegionFill::fill_component(const Component& component, Seconds now, Scratch& scratch) {
  detach(component, now, scratch);
  raise_levels(component, scratch);
  attach(component, now);
}

/// Takes every flow from its bottleneck; its key is what it has left. Empties the links.
void RegionFill::detach(const Component& component, Seconds now, Scratch& scratch) {
  scratch.limited.clear();
  for (const FlowSlot slot : search_->flows_of(component)) {
    FlowState& flow = flows_.flow(slot);
    if (component.limited) {
      for (const Hop& hop : flows_.hops(slot)) {
        if (links_.is_shared(hop.link)) continue;
        scratch.limited.push_back({.limit = hop.link, .flow = slot});
        if (flow.bottleneck == hop.link) {
          links_.level(hop.link).weight -= hop.weight;
          links_.unsettle(slot, now);
        }
      }
    }
    flow.key = links_.left(slot, now);
  }
  for (const FlowSlot slot : search_->flows_of(component)) flows_.flow(slot).bottleneck = kNoLink;
  for (const LinkId link : search_->links_of(component)) {
    links_.clear(link, now);
    links_.level(link) = LinkLevel{};
    open(link) = {.free = links_.capacity(link)};
  }
  std::sort(scratch.limited.begin(), scratch.limited.end());
}

void RegionFill::freeze(FlowSlot slot, LinkId link, Rate level) {
  flows_.flow(slot).bottleneck = link;
  for (const Hop& hop : flows_.hops(slot)) {
    Open& state = open(hop.link);
    state.free -= level * hop.weight;
    state.weight -= hop.weight;
  }
}

void RegionFill::raise_levels(const Component& component, Scratch& scratch) {
  for (const FlowSlot slot : search_->flows_of(component)) {
    for (const Hop& hop : flows_.hops(slot)) open(hop.link).weight += hop.weight;
  }
  std::vector<Level>& levels = scratch.levels;
  levels.clear();
  for (const LinkId link : search_->links_of(component)) {
    const Open& state = open(link);
    if (state.weight > 0) levels.push_back({.level = state.free / state.weight, .link = link});
  }
  for (const Limited& flow : scratch.limited) {
    levels.push_back({.level = links_.level(flow.limit).level, .link = flow.limit});
  }
  std::make_heap(levels.begin(), levels.end());
  while (!levels.empty()) {
    const Level lowest = levels.front();
    std::pop_heap(levels.begin(), levels.end());
    levels.pop_back();
    if (!links_.is_shared(lowest.link)) {
      const auto [first, last] = std::equal_range(
          scratch.limited.begin(), scratch.limited.end(), Limited{.limit = lowest.link},
          [](const Limited& a, const Limited& b) { return a.limit < b.limit; });
      for (auto flow = first; flow != last; ++flow) {
        if (flows_.is_fresh(flow->flow)) freeze(flow->flow, lowest.link, lowest.level);
      }
      continue;
    }
    const Open& state = open(lowest.link);
    if (state.weight == 0) continue;
    const Rate level = std::max(state.free / state.weight, Rate{});
    if (level > lowest.level * (1 + 1e-13)) {
      levels.push_back({.level = level, .link = lowest.link});
      std::push_heap(levels.begin(), levels.end());
      continue;
    }
    links_.level(lowest.link).level = level;
    for (const Crossing& crossing : flows_.crossings(lowest.link)) {
      const FlowSlot slot = flows_.flow_of(crossing.hop);
      if (flows_.is_fresh(slot)) freeze(slot, lowest.link, level);
    }
  }
}

/// Gives the flows to the bottlenecks that were found.
void RegionFill::attach(const Component& component, Seconds now) {
  for (const FlowSlot slot : search_->flows_of(component)) {
    const LinkId bottleneck = flows_.flow(slot).bottleneck;
    const Rate rate = links_.level(bottleneck).level;
    if (links_.is_shared(bottleneck)) {
      links_.settle_unordered(slot, bottleneck);
    } else {
      links_.settle(slot, bottleneck, now);  // The clock of a limit goes on.
    }
    for (const Hop& hop : flows_.hops(slot)) {
      LinkLevel& state = links_.level(hop.link);
      if (hop.link == bottleneck) {
        state.weight += hop.weight;
      } else {
        state.used += rate * hop.weight;
        state.foreign_max = std::max(state.foreign_max, rate);
      }
    }
  }
  for (const LinkId link : search_->links_of(component)) links_.order_keys(link);
}

}  // namespace planewise::engine
